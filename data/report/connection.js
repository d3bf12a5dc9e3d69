/* One connection: its facts, the diagram with its controls, the same as a table, and its failures. Refuses to know how any
 * of them is drawn. */

function suiteFacts(c) {
	const extras = [
		c.extended_master_secret ? 'extended master secret' : null,
		c.encrypt_then_mac ? 'encrypt-then-MAC' : null,
		c.truncated_hmac ? 'truncated HMAC' : null,
		known(c.max_fragment_length) ? `max_fragment_length ${count(c.max_fragment_length)}` : null,
		known(c.record_size_limit) ? `record_size_limit ${count(c.record_size_limit)}` : null,
		known(c.compression) ? `compression method ${c.compression}` : null,
	].filter(Boolean);
	return [
		['Version and suite', shown(c.version), ', ', shown(c.cipher_suite)],
		['Handshake', c.resumed === null ? unknown() : c.resumed ? 'resumed' : 'full'],
		['Keys', c.keys === null ? 'none' : c.keys],
		extras.length ? ['Negotiated', listed(extras)] : null,
		c.records_after_close ? ['Behind close_notify', `${count(c.records_after_close)} records that nobody reads`] : null,
	];
}

function countsText(c) {
	const names = { plaintext: 'in the clear' };
	return ['verified', 'failed', 'undecided', 'plaintext']
		.filter((s) => c[s] || s === 'verified')
		.map((s) => `${count(c[s])} ${names[s] || s}`)
		.join(', ');
}

function alertText(c, a) {
	return [
		`${known(a.description) ? a.description : known(a.code) ? `code ${a.code}` : 'unreadable alert'}`,
		known(a.level) ? ` (${a.level})` : '',
		`, ${directionWords(a.direction)}`,
		known(a.packet) ? `, packet ${packetText(c.capture, a.packet)}` : '',
		a.encrypted ? ', encrypted' : ', in the clear',
		a.stale ? ', about a record that was repaired since' : '',
	].join('');
}

function connectionFacts(c) {
	return facts(
		['Client', c.client],
		['Server', c.server, known(c.server_name) ? make('small', ` asked for as “${c.server_name}”`) : null],
		...suiteFacts(c),
		['Client to server', countsText(c.records.client_to_server)],
		['Server to client', countsText(c.records.server_to_client)],
		['Seen', timeText(c.first_time), ' to ', timeText(c.last_time)],
		[
			'Capture',
			shown(c.capture),
			isInPieces(c.capture) ? `, in ${count(piecesOf.get(c.capture).length)} pieces` : null,
			c.also_in.length ? `; also in ${listed(c.also_in)}` : null,
		],
		c.capture_gaps ? ['Gaps of the capture', count(c.capture_gaps)] : null,
		c.alerts.length
			? [
					'Alerts',
					make(
						'ul.bare',
						c.alerts.map((a) => make('li', alertText(c, a))),
					),
				]
			: null,
		['Client random', known(c.client_random) ? make('code.long', c.client_random) : unknown()],
	);
}

function check(label, on, change, kind) {
	const box = make('input', { type: 'checkbox' });
	box.checked = on;
	box.addEventListener('change', () => change(box.checked));
	return make(`label.check${kind ? `.key-${kind}` : ''}`, box, label);
}

function choice(label, options, change) {
	const select = make(
		'select',
		options.map(([value, text]) => make('option', { value }, text)),
	);
	select.addEventListener('change', () => change(select.value));
	return make('label.choice', label, ' ', select);
}

function button(text, act, more = {}) {
	return make('button.plain', { type: 'button', onclick: act, ...more }, text);
}

/* What the chosen row is, beside commands to go on with. */
function chosenPanel(ladder, connection) {
	const panel = make(
		'div.chosen',
		make('p.quiet', 'Choose a record with the pointer or the arrow keys to read all of it here.'),
	);
	ladder.listeners.push((row) => {
		const d = ladder.timeline.describe(row);
		const fails = d.failing >= 0;
		fill(
			panel,
			make(
				'p',
				make('strong', d.label),
				' ',
				d.state ? resultBadgeOf(d.state) : make('span.badge', EVENT_WORDS[d.kind] || d.kind),
				fails ? [' ', make('a', { href: `#failure-${connection.id}-${d.failing}` }, 'What is wrong with it')] : null,
			),
			facts(
				['Direction', d.direction === 0 ? 'client to server' : 'server to client'],
				[
					'Time',
					since(d.time),
					Number.isNaN(ladder.timeline.start)
						? null
						: make('small', ` (${clockText(ladder.timeline.start + d.time)})`),
				],
				['Length', known(d.length) ? bytesText(d.length) : unknown()],
				['Packet', known(d.packet) ? packetFilters(connection.capture, [d.packet]) : unknown()],
				d.epoch === null ? null : ['Epoch', count(d.epoch)],
				d.state === null || d.state === 'plaintext' ? null : ['Sequence number', shown(d.number)],
				['Stream offset', shown(d.offset)],
			),
		);
	});
	return panel;
}

function resultBadgeOf(state) {
	return badge(state, state === 'plaintext' ? 'in the clear' : state);
}

/* What an event need not have. */
function dash(value) {
	return known(value) ? count(value) : '–';
}

const PAGE = 100;

/* The same as the diagram, for those who read: pages of a table. */
function recordTable(ladder) {
	const t = ladder.timeline;
	let page = 0;
	const body = make('tbody');
	const where = make('span.where', { 'aria-live': 'polite' });
	const pages = () => Math.max(1, Math.ceil(t.rows.length / PAGE));
	const draw = () => {
		page = Math.max(0, Math.min(page, pages() - 1));
		const rows = [...t.rows.subarray(page * PAGE, page * PAGE + PAGE)];
		fill(
			body,
			rows.map((row) => {
				const d = t.describe(row);
				return make(
					'tr',
					d.failing >= 0 || d.state === 'failed' ? { class: 'fails' } : null,
					make('td.number', since(d.time)),
					make('td', d.direction === 0 ? 'client → server' : 'server → client'),
					make('th', { scope: 'row' }, Timeline.mark(d), d.label),
					make('td.number', d.state ? shown(d.length) : dash(d.length)),
					make('td', d.state ? (d.state === 'plaintext' ? 'in the clear' : d.state) : EVENT_WORDS[d.kind] || d.kind),
					make('td.number', packetCell(t.connection.capture, d.packet)),
					make('td.number', dash(d.epoch)),
					make('td.number', d.state === 'plaintext' ? '–' : d.state ? shown(d.number) : '–'),
					make('td.number', d.state ? shown(d.offset) : dash(d.offset)),
				);
			}),
		);
		where.textContent = `Page ${count(page + 1)} of ${count(pages())}, ${plural(t.rows.length, 'row')}`;
	};
	const go = (to) => {
		page = to;
		draw();
	};
	const find = () => {
		const i = t.failureRows.map((r) => t.shownAt(r)).find((k) => k >= 0);
		if (i !== undefined) go(Math.floor(i / PAGE));
		else announce('No failing record passes the filter.');
	};
	draw();
	ladder.refilters.push(() => go(0));
	return [
		make(
			'div.controls',
			button('First', () => go(0)),
			button('Previous', () => go(page - 1)),
			button('Next', () => go(page + 1)),
			button('Last', () => go(pages() - 1)),
			button('Go to the failing record', find),
			where,
		),
		make(
			'div.scroll.tall',
			{ tabindex: '0', role: 'group', 'aria-label': 'Records and events' },
			make(
				'table.rows',
				heads('Time*', 'Direction', 'What', 'Bytes*', 'State', 'Packet*', 'Epoch*', 'Sequence*', 'Stream offset*'),
				body,
			),
		),
	];
}

function ladderControls(ladder) {
	const t = ladder.timeline;
	const want = t.want;
	const refilter = () => {
		const row = ladder.chosen >= 0 ? t.rows[ladder.chosen] : -1;
		t.filter(want);
		ladder.chosen = row >= 0 ? t.shownAt(row) : -1;
		ladder.hovered = -1;
		ladder.home();
		for (const each of ladder.refilters) each();
		announce(`${plural(t.rows.length, 'row')} shown`);
	};
	const state = (i) => (on) => {
		want.states[i] = on;
		refilter();
	};
	return make(
		'div.controls',
		choice(
			'Direction',
			[
				['both', 'both'],
				['client', 'client to server'],
				['server', 'server to client'],
			],
			(value) => {
				want.direction = value;
				refilter();
			},
		),
		make(
			'fieldset',
			make('legend.only-heard', 'Show'),
			check('verified', true, state(0), 'verified'),
			check('failed', true, state(1), 'failed'),
			check('undecided', true, state(2), 'undecided'),
			check('in the clear', true, state(3), 'plaintext'),
			check('events', true, (on) => {
				want.events = on;
				refilter();
			}),
		),
		choice(
			'Scale',
			[
				['even', 'even steps'],
				['time', 'true time'],
			],
			(value) => {
				t.scale(value === 'even');
				ladder.home();
			},
		),
		make(
			'span.group',
			button('+', () => ladder.zoom(0.5), { 'aria-label': 'Zoom in' }),
			button('−', () => ladder.zoom(2), { 'aria-label': 'Zoom out' }),
			button('All', () => ladder.all(), { 'aria-label': 'All: show the whole connection' }),
			button('Failing record', () => ladder.chooseFailure(1)),
		),
	);
}

function diagram(connection, detail) {
	if (!detail || (!detail.records && !(detail.events || []).length))
		return make('p.quiet', 'No records of this connection were kept for this page, so there is no diagram of it.');
	const ladder = new Ladder({ timeline: new Timeline(connection, detail) });
	ladder.refilters = [];
	return [
		ladderControls(ladder),
		ladder.box,
		make(
			'p.quiet.screen',
			'Drag or use the wheel to move, Ctrl and wheel or two fingers to zoom; keys: ↑ ↓ Page Home End, + − 0, n and p for what failed.',
		),
		chosenPanel(ladder, connection),
		detail.records_left_out || detail.events_left_out
			? make(
					'p.quiet',
					'Past the limit of this page and not shown: ',
					listed(
						[
							detail.records_left_out ? plural(detail.records_left_out, 'record') : null,
							detail.events_left_out ? plural(detail.events_left_out, 'event') : null,
						].filter(Boolean),
					),
					'.',
				)
			: null,
		fold('Records and events as a table', () => recordTable(ladder)),
	];
}

function failureFacts(entry) {
	const { failure, connection } = entry;
	return facts(
		['Direction', directionWords(failure.direction)],
		['Epoch and sequence number', shown(failure.epoch), ', ', shown(failure.sequence_number)],
		['Stream offset', shown(failure.stream_offset)],
		['Length', known(failure.length) ? bytesText(failure.length) : unknown()],
		[
			'Packets',
			failure.packets.length
				? [
						failure.packets.map((p) => packetText(connection.capture, p)).join(', '),
						packetFilters(connection.capture, failure.packets),
					]
				: unknown(),
		],
		[
			'At fault',
			failure.at_fault.length
				? listed(
						failure.at_fault.map((p) => partyWords(p, failure.direction)[0]),
						'or',
					)
				: unknown(),
		],
		Number.isNaN(entry.micros) ? null : ['Time', clockText(entry.micros)],
		connection.server_name ? ['Asked for', connection.server_name] : null,
	);
}

function failureBlock(entry) {
	const { failure, connection } = entry;
	return make(
		`section.failure#${entry.id}`,
		{ tabindex: '-1', 'aria-label': `Failure ${entry.place + 1} of connection ${connection.id}` },
		make(
			'p.eyebrow',
			make('code.cause', failure.cause),
			' ',
			confidenceBadge(failure.confidence),
			CAUSE_WORDS[failure.cause] ? make('span', ` ${CAUSE_WORDS[failure.cause]}`) : null,
		),
		make('h3', failure.summary),
		failureFacts(entry),
		entry.record || failure.damage.length ? make('section', make('h4', 'The bytes'), bytesBlock(entry)) : null,
		make('section', make('h4', 'The evidence'), ledger(entry)),
		make('section', make('h4', 'What to do next'), stepList(failure.next_steps)),
	);
}

/* Of many failures the later ones are made when they are asked for: a map takes memory. */
function foldedFailure(entry) {
	const node = fold([make('code', entry.failure.cause), `: ${entry.failure.summary}`], () => failureBlock(entry));
	node.id = `fold-${entry.id}`;
	return node;
}

function connectionSection(model, connection) {
	const detail = model.has(connection);
	const entries = model.failures.filter((e) => e.connection === connection);
	const title = `${connection.client} → ${connection.server}`;
	const open = entries[0] === model.failures[0] || model.failures.length <= 3;
	const left = connection.records.client_to_server.failed + connection.records.server_to_client.failed;
	const node = fold(
		[
			make('span.fold-title', { role: 'heading', 'aria-level': '3' }, `Connection ${connection.id}`),
			' ',
			make('span.addresses', title),
			' ',
			make('span.tally', listed([...new Set(entries.map((e) => e.failure.cause))])),
		],
		() => [
			connectionFacts(connection),
			make('section', make('h3', 'What happened, in time'), diagram(connection, detail)),
			entries.map((e, i) => (i < 3 ? failureBlock(e) : foldedFailure(e))),
			entries.length >= 256 && left > entries.length
				? make('p.quiet', `${plural(left, 'record')} failed; those past 256 are counted only.`)
				: null,
		],
		open,
	);
	node.id = `connection-${connection.id}`;
	node.classList.add('connection');
	return node;
}

function failedSection(model) {
	return model.failed.length === 0
		? null
		: make(
				'section#failed',
				{ 'aria-labelledby': 'failed-title' },
				make(
					'h2#failed-title',
					model.failed.length === 1
						? 'The connection that failed'
						: `Connections with failures (${count(model.failed.length)})`,
				),
				make(
					'p#bytemap-keys.only-heard',
					'Arrow keys go from byte to byte, page up and page down eight lines, n and p go to what is damaged. The bytes around the cursor stand in a table below.',
				),
				make(
					'p#ladder-keys.only-heard',
					'Up and down go from record to record, page up and page down ten at a time, plus and minus zoom, 0 shows all, n and p go to what failed. The same stands in a table below.',
				),
				batch(model.failed, 25, (c) => connectionSection(model, c), 'connections'),
			);
}

/* The first of many, and a button for more. */
function batch(all, step, build, name) {
	const box = make('div.batch');
	let done = 0;
	const more = button('', () => next(), { class: 'plain more' });
	const next = (until = done + step) => {
		while (done < all.length && done < until) box.insertBefore(build(all[done++]), more);
		more.hidden = done >= all.length;
		more.textContent = `Show more ${name} (${count(all.length - done)} left)`;
	};
	box.append(more);
	box.until = (item) => {
		const place = all.indexOf(item);
		if (place >= done) next(place + 1);
	};
	next();
	return box;
}
