/* Several failures beside each other: what they share, charts, and a table that sorts and filters. */

const COLUMNS = [
	['#', (e, n) => n, true],
	['Time', (e) => e.micros, true],
	['Connection', (e) => e.connection.id, true],
	['Client', (e) => e.connection.client],
	['Server', (e) => e.connection.server],
	['Direction', (e) => directionWords(e.failure.direction)],
	['Cause', (e) => e.failure.cause],
	['Confidence', (e) => e.failure.confidence],
	['Sequence', (e) => e.failure.sequence_number, true],
	['Bytes', (e) => e.failure.length, true],
	['Packet', (e) => e.failure.packets[0], true],
	['Damage at', (e) => (e.failure.damage.length ? e.failure.damage[0].record_offset : null), true],
	['Suite', (e) => e.connection.cipher_suite],
];

function compareValues(a, b) {
	const none = (v) => !known(v) || Number.isNaN(v);
	if (none(a) || none(b)) return none(a) - none(b);
	return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
}

function failureTable(entries) {
	const body = make('tbody');
	const said = make('span.where', { 'aria-live': 'polite' });
	const state = { column: 0, down: false, cause: '', words: '', page: 0 };
	const numbered = new Map(entries.map((e, i) => [e, i + 1]));
	const value = (e, k) => COLUMNS[k][1](e, numbered.get(e));
	const cell = (e, k) => {
		const v = value(e, k);
		if (k === 0) return make('a', { href: `#${e.id}`, 'aria-label': `Failure ${v}` }, v);
		if (k === 1) return Number.isNaN(v) ? unknown() : clockText(v).replace(' UTC', '');
		if (k === 11 && v === null) return 'none';
		if (k === 10 && known(v)) return packetCell(e.connection.capture, v);
		return k === 6 ? make('a', { href: `#${e.id}` }, v) : k === 7 ? confidenceBadge(v) : shown(v);
	};
	const titles = COLUMNS.map(([name], k) => {
		const sort = make('button.sort', { type: 'button' }, name);
		const head = make(COLUMNS[k][2] ? 'th.number' : 'th', { scope: 'col' }, sort);
		sort.addEventListener('click', () => {
			state.down = state.column === k && !state.down;
			state.column = k;
			draw();
		});
		return head;
	});
	const texts = new Map(
		entries.map((e) => [
			e,
			[
				e.connection.client,
				e.connection.server,
				e.connection.server_name,
				e.connection.cipher_suite,
				e.failure.cause,
				e.failure.summary,
				directionWords(e.failure.direction),
				e.failure.confidence,
			]
				.join(' ')
				.toLowerCase(),
		]),
	);
	const moreRows = button('Show more rows', () => {
		state.page++;
		draw();
	});
	const draw = () => {
		const list = entries.filter(
			(e) =>
				(!state.cause || e.failure.cause === state.cause) &&
				state.words.split(' ').every((w) => texts.get(e).includes(w)),
		);
		list.sort(
			(a, b) =>
				(state.down ? -1 : 1) * compareValues(value(a, state.column), value(b, state.column)) ||
				numbered.get(a) - numbered.get(b),
		);
		titles.forEach((h, k) =>
			h.setAttribute('aria-sort', k !== state.column ? 'none' : state.down ? 'descending' : 'ascending'),
		);
		const room = (state.page + 1) * 200;
		fill(
			body,
			list.slice(0, room).map((e) =>
				make(
					'tr',
					COLUMNS.map((col, k) => make(col[2] ? 'td.number' : 'td', cell(e, k))),
				),
			),
		);
		moreRows.hidden = list.length <= room;
		said.textContent = `${count(list.length)} of ${plural(entries.length, 'failure')}`;
	};
	const causes = [...new Set(entries.map((e) => e.failure.cause))].sort();
	const words = make('input', { type: 'search', placeholder: 'address, suite, cause …', autocomplete: 'off' });
	words.addEventListener('input', () => {
		state.words = words.value.trim().toLowerCase();
		draw();
	});
	draw();
	return [
		make(
			'div.controls',
			choice('Cause', [['', 'all'], ...causes.map((c) => [c, c])], (v) => {
				state.cause = v;
				draw();
			}),
			make('label.choice', 'Filter ', words),
			said,
		),
		make(
			'div.scroll.tall',
			{ tabindex: '0', role: 'group', 'aria-label': 'Failures' },
			make('table.rows.failures', make('thead', make('tr', titles)), body),
		),
		moreRows,
	];
}

function sharedBlock(model) {
	const { stated, compared } = model.shared;
	return [
		stated.length
			? make(
					'ul.shared',
					stated.map((s) => {
						const { text, rule } = sharedText(s);
						return make(
							'li',
							make('strong', `${text}.`),
							' ',
							make('span.what', `Chance gives as much ${onceIn(s)}: ${rule}.`),
						);
					}),
				)
			: make('p', 'Nothing that is more than chance would give.'),
		make(
			'p.quiet',
			`The rule: ${plural(compared, 'trait')} of the failures ${compared === 1 ? 'was' : 'were'} compared, and one is stated where independent failures would agree so often, on any value, ` +
				'less than once in 1,000. Which records there are to fail is taken from the records that were checked.',
		),
	];
}

function severalSection(model) {
	const entries = model.failures;
	if (entries.length < 2) return null;
	return make(
		'section#several',
		{ 'aria-labelledby': 'several-title' },
		make('h2#several-title', `All ${count(entries.length)} failures`),
		make('h3', 'What they share'),
		sharedBlock(model),
		make('div.charts', causeChart(entries), mod64Chart(entries), bitsChart(entries), timeChart(entries)),
		make('h3', 'One by one'),
		failureTable(entries),
	);
}
