/* The bytes around the cursor, received and sent side by side, the bits of the one under it, and where it lies. Refuses to
 * know how the map is drawn. */

const REGION_WORDS = ['body', 'header', '', '', 'behind the record'];

function valueText(v) {
	return v === HIDDEN ? '..' : v === UNKNOWN_VALUE ? '??' : v === ABSENT ? '  ' : hex(v, 2);
}

function valueWords(v) {
	return v === HIDDEN ? 'hidden' : v === UNKNOWN_VALUE ? 'not known' : v === ABSENT ? 'nothing' : `${hex(v, 2)} (${v})`;
}

function byteSentence(map) {
	const { aligned } = map,
		i = map.cursor;
	const parts = [
		`offset ${count(aligned.at[i])}`,
		`received ${valueWords(aligned.got[i])}`,
		`sent ${valueWords(aligned.sent[i])}`,
	];
	if (aligned.bad[i]) parts.unshift('damaged');
	return parts.join(', ');
}

function asText(values, from, length) {
	return [...values.subarray(from, from + length)]
		.map((v) => (v > 32 && v < 127 ? String.fromCharCode(v) : v === 32 ? ' ' : v === ABSENT ? '' : '·'))
		.join('');
}

function hexRows(map, perRow, rows) {
	const { aligned } = map;
	const first = Math.max(0, Math.floor(map.cursor / perRow) - Math.floor(rows / 2));
	const last = Math.min(Math.ceil(aligned.length / perRow), first + rows);
	const lines = [];
	for (let line = first; line < last; line++) {
		const cells = (values, side) => {
			const out = [];
			for (let i = line * perRow; i < Math.min(aligned.length, (line + 1) * perRow); i++) {
				const kind = i === map.cursor ? (aligned.bad[i] ? '.bad.at' : '.at') : aligned.bad[i] ? '.bad' : '';
				out.push(
					i % perRow ? (i % 8 ? ' ' : '  ') : '',
					make(`${kind ? 'mark' : 'span'}${kind}`, { 'data-i': i, 'data-side': side }, valueText(values[i])),
				);
			}
			return out;
		};
		lines.push(
			make(
				'tr',
				make('th', { scope: 'row' }, count(aligned.at[line * perRow])),
				make('td', cells(aligned.got, 'got')),
				make('td.was', cells(aligned.sent, 'sent')),
				perRow === 16 ? make('td.text', asText(aligned.got, line * perRow, perRow)) : null,
			),
		);
	}
	return lines;
}

function bitBoxes(value, other) {
	const boxes = [];
	for (let b = 7; b >= 0; b--) {
		const bit = (value >> b) & 1;
		boxes.push(make(`span.bit${other >= 0 && ((other >> b) & 1) !== bit ? '.flipped' : ''}`, bit));
	}
	return make('span.bits', { role: 'img', 'aria-label': `bits ${value.toString(2).padStart(8, '0')}` }, boxes);
}

function flippedWords(got, sent) {
	const flips = [];
	for (let b = 7; b >= 0; b--) {
		if (((got ^ sent) >> b) & 1) flips.push(`bit ${b}: sent ${(sent >> b) & 1}, arrived ${(got >> b) & 1}`);
	}
	return flips;
}

function bitsBlock(got, sent) {
	if (got < 0 && sent < 0) return make('p.quiet', 'Its value is not in this page.');
	const row = (name, v, o) =>
		v < 0
			? make('p', make('b', name), ' ', valueWords(v))
			: make('p.bitrow', make('b', name), ' ', make('code', hex(v, 2)), ' ', bitBoxes(v, o));
	const flips = got >= 0 && sent >= 0 ? flippedWords(got, sent) : [];
	return make(
		'div.bitsblock',
		make(
			'p.bitrow',
			make('b', 'bit'),
			' ',
			make('code', '\u00a0\u00a0'),
			' ',
			make(
				'span.bits.heads',
				{ 'aria-hidden': 'true' },
				[7, 6, 5, 4, 3, 2, 1, 0].map((b) => make('span.bit', b)),
			),
		),
		row('received', got, sent),
		row('sent', sent, got),
		flips.length
			? make('p', make('strong', `${plural(flips.length, 'bit')} flipped. `), flips.join('; '), '.')
			: got >= 0 && got === sent
				? make('p.quiet', 'The same in both.')
				: null,
	);
}

/* Where a byte lies: in the record, the stream, the packet, the cipher's blocks. */
function byteFacts(map, i) {
	const { aligned, layout, entry } = map;
	const at = aligned.at[i];
	const segment = map.segments[map.segmentOf[i]];
	const inFrame = segment && known(segment.packet_offset) ? segment.packet_offset + at - segment.record_offset : null;
	const body = layout.header === null ? -1 : aligned.own[i] - layout.header - layout.nonce;
	const value = aligned.got[i];
	const capture = entry.connection.capture;
	const octet = inFrame !== null && value >= 0 ? ` && frame[${inFrame}:1] == ${hex(value, 2)}` : '';
	const filter = segment && known(segment.packet) ? packetFilters(capture, [segment.packet], octet) : null;
	const region = ['body', 'header', layout.nonceName, layout.tagName, REGION_WORDS[4]][map.regionOf[i]];
	return facts(
		[
			'Record offset',
			`${count(at)} (0x${hex(at, 1)})`,
			make('small', ` · ${region} · mod 64: ${at % 64} · mod 4,096: ${count(at % 4096)}`),
		],
		known(entry.failure.stream_offset) ? ['Stream offset', count(entry.failure.stream_offset + at)] : null,
		body >= 0 && map.regionOf[i] === 0 ? ['16-byte block', `${count(Math.floor(body / 16))}, byte ${body % 16}`] : null,
		[
			'Packet',
			segment && known(segment.packet)
				? [
						packetText(capture, segment.packet),
						inFrame === null ? '' : `, at byte ${count(inFrame)} (0x${hex(inFrame, 1)}) of the frame`,
					]
				: unknown(),
		],
		['Checksum', segment && known(segment.checksum) ? CHECKSUM_WORDS[segment.checksum] || segment.checksum : unknown()],
		filter ? ['Wireshark', filter] : null,
	);
}

function hexView(map) {
	const body = make('tbody');
	const side = make('div.byte');
	const table = make(
		'table.hex',
		make('caption.only-heard', 'Bytes around the cursor; what differs is marked'),
		heads('offset', 'received', 'sent', 'received as text'),
		body,
	);
	const box = make('div.scroll', { tabindex: '0', role: 'group', 'aria-label': 'Received and sent' }, table);
	const draw = () => {
		const wide = box.clientWidth || 800;
		const perRow = wide < 620 ? 8 : 16;
		fill(body, hexRows(map, perRow, wide < 620 ? 12 : 9));
		fill(side, bitsBlock(map.aligned.got[map.cursor], map.aligned.sent[map.cursor]), byteFacts(map, map.cursor));
	};
	body.addEventListener('click', (e) => {
		const cell = e.target.closest('[data-i]');
		if (cell && getSelection().isCollapsed) map.move(Number(cell.dataset.i));
	});
	map.listeners.push(draw);
	let before = 0;
	new ResizeObserver(() => {
		if (Math.abs(box.clientWidth - before) > 20) {
			before = box.clientWidth;
			draw();
		}
	}).observe(box);
	draw();
	return make('div.hexview', box, side);
}

function damageList(entry, map) {
	const { failure } = entry;
	if (!failure.damage.length) return make('p.quiet', 'Nothing in the record itself differs from what was sent.');
	const cut = (h) =>
		h === null ? 'not known' : h === '' ? 'nothing' : h.length > 48 ? `${h.slice(0, 48)}… (${bytesText(h.length / 2)})` : h;
	return make(
		'div.scroll',
		{ tabindex: '0', role: 'group', 'aria-label': 'Damage' },
		make(
			'table.rows.fitted',
			make('caption', 'What differs'),
			heads('Record offset*', 'Stream offset*', 'Bytes*', 'Packet*', 'Byte in frame*', 'Received', 'Sent'),
			make(
				'tbody',
				failure.damage.map((d, k) => {
					const run = map ? map.aligned.runs.find((r) => r.damage === d) : null;
					const at = run
						? button(count(d.record_offset), () => map.move(run.first), {
								'aria-label': `Go to record offset ${d.record_offset}`,
							})
						: count(d.record_offset);
					return make(
						'tr',
						{ 'data-run': k },
						make('td.number', at),
						make('td.number', shown(d.stream_offset)),
						make('td.number', count(d.length)),
						make('td.number', packetCell(entry.connection.capture, d.packet)),
						make('td.number', shown(d.packet_offset)),
						make('td', make('code', cut(d.received))),
						make('td', make('code', cut(d.sent))),
					);
				}),
			),
		),
	);
}

function segmentList(map) {
	return make(
		'ul.segments',
		{ 'aria-label': 'Segments' },
		map.segments.map((s, k) =>
			make(
				'li',
				make(`span.swatch.${k % 2 ? 'odd' : 'even'}`),
				button(known(s.packet) ? `packet ${packetText(map.entry.connection.capture, s.packet)}` : 'packet unknown', () =>
					map.move(Math.max(0, map.segmentOf.indexOf(k))),
				),
				` bytes ${count(s.record_offset)}–${count(s.record_offset + Math.max(0, s.length - 1))}, checksum `,
				s.checksum === 'invalid' ? make('span.suspect', 'invalid') : known(s.checksum) ? s.checksum : unknown(),
			),
		),
	);
}

function mapLegend(map) {
	const { layout } = map;
	const has = (region) => map.regionOf.includes(region);
	const key = (name, words) => make('li', make(`span.swatch.${name}`), words);
	return make(
		'ul.legend',
		{ 'aria-label': 'Colours' },
		map.aligned.runs.length ? key('bad', 'damaged') : null,
		has(1) ? key('head', 'header') : null,
		has(2) ? key('nonce', layout.nonceName) : null,
		key('even', 'body, lighter to darker by value'),
		has(3) ? key('tag', layout.tagName) : null,
		map.segments.length > 1 ? key('edge', 'edge of a segment') : null,
		has(4) ? key('behind', 'behind the record') : null,
	);
}

function bytesBlock(entry) {
	const { failure, record, connection } = entry;
	if (!record)
		return [
			make('p.quiet', 'The bytes of this record were not kept for this page; what differs is listed.'),
			damageList(entry, null),
		];
	const aligned = alignRecord(record, failure.damage);
	if (!aligned.length) return damageList(entry, null);
	const layout = recordLayout(connection, aligned.made);
	const map = new ByteMap(entry, aligned, layout, record.segments || []);
	const guide = (name) => (on) => {
		map.show[name] = on;
		map.surface.ask();
	};
	return [
		damageList(entry, map),
		make(
			'div.controls',
			make(
				'fieldset',
				make('legend.only-heard', 'Lines'),
				check('16-byte blocks', false, guide('blocks')),
				check('64-byte lines', false, guide('lines')),
				check('4 KB pages', false, guide('pages')),
			),
			button('Previous damage', () => map.nextRun(-1)),
			button('Next damage', () => map.nextRun(1)),
		),
		map.box,
		mapLegend(map),
		segmentList(map),
		make('p.quiet.screen', 'Click a byte, or use the arrow keys; n and p go to the next and the last damage.'),
		hexView(map),
	];
}
