/* What did not fail: undecided connections with what would settle them, verified ones, logs, notices, and where all of it
 * comes from. */

function undecidedSection(model) {
	const all = model.undecided;
	if (!all.length) return null;
	const groups = new Map();
	for (const c of all) {
		const key = JSON.stringify([c.undecided_because, c.undecided_next]);
		groups.set(key, (groups.get(key) || []).concat(c));
	}
	return make(
		'section#undecided',
		{ 'aria-labelledby': 'undecided-title' },
		make('h2#undecided-title', `Undecided (${count(all.length)})`),
		[...groups.values()].map((list) =>
			make(
				'section.card',
				make('h3', known(list[0].undecided_because) ? list[0].undecided_because : 'No reason is given'),
				make(
					'p',
					make('b', 'What would settle it: '),
					known(list[0].undecided_next) ? withCommands(list[0].undecided_next) : unknown(),
				),
				fold(
					plural(list.length, 'connection'),
					() =>
						batch(
							list,
							50,
							(c) =>
								make(
									'div.line',
									make('b', `${count(c.id)}`),
									` ${c.client} → ${c.server}`,
									known(c.server_name) ? ` (${c.server_name})` : null,
									known(c.undecided_detail) ? make('span.what', c.undecided_detail) : null,
									known(c.client_random) && !(c.undecided_detail || '').includes(c.client_random)
										? make('code.long', c.client_random)
										: null,
									make(
										'span.what',
										`client to server: ${countsText(c.records.client_to_server)}; server to client: ${countsText(c.records.server_to_client)}`,
									),
									model.has(c) ? fold('What happened, in time', () => diagram(c, model.has(c))) : null,
								),
							'connections',
						),
					list.length <= 5,
				),
			),
		),
	);
}

function verifiedSection(model) {
	const all = model.verified;
	if (!all.length) return null;
	const kinds = new Map();
	for (const c of all) {
		const key = `${known(c.version) ? c.version : 'unknown version'}, ${known(c.cipher_suite) ? c.cipher_suite : 'unknown suite'}`;
		const it = kinds.get(key) || { connections: 0, records: 0 };
		it.connections++;
		it.records += c.records.client_to_server.verified + c.records.server_to_client.verified;
		kinds.set(key, it);
	}
	return make(
		'section#verified',
		{ 'aria-labelledby': 'verified-title' },
		make('h2#verified-title', `Verified (${count(all.length)})`),
		make(
			'div.scroll',
			{ tabindex: '0', role: 'group', 'aria-label': 'Verified connections' },
			make(
				'table.rows',
				heads('Version and suite', 'Connections*', 'Records verified*'),
				make(
					'tbody',
					[...kinds].map(([name, it]) =>
						make(
							'tr',
							make('th', { scope: 'row' }, name),
							make('td.number', count(it.connections)),
							make('td.number', count(it.records)),
						),
					),
				),
			),
		),
		fold('Their names', () =>
			batch(
				all,
				100,
				(c) =>
					make(
						'div.line',
						make('b', count(c.id)),
						` ${c.client} → ${c.server}`,
						known(c.server_name) ? ` (${c.server_name})` : null,
						model.has(c) ? fold('What happened, in time', () => diagram(c, model.has(c))) : null,
					),
				'connections',
			),
		),
	);
}

function clockWords(clock) {
	if (!clock) return 'no incident shows a time';
	return clock.because;
}

function incidentBlock(model, incident) {
	const tied = (connection, failure) => {
		if (connection === null || connection === undefined) return null;
		const e =
			failure === null || failure === undefined
				? null
				: model.failures.find((x) => x.connection.id === connection && x.place === failure);
		return e
			? make('a', { href: `#${e.id}` }, `connection ${count(connection)}, failure ${count(failure + 1)}`)
			: `connection ${count(connection)}`;
	};
	const about = model.connections.find((c) => c.id === incident.connection);
	return make(
		'article.card',
		make('h4', incident.summary || incident.event || 'Incident'),
		make('p', make('code.quote', incident.text)),
		facts(
			[
				'Where',
				`${incident.log}, line ${count(incident.first_line)}${incident.last_line !== incident.first_line ? ` to ${count(incident.last_line)}` : ''}`,
			],
			[
				'Time',
				known(incident.time) ? `${incident.time}` : unknown(),
				known(incident.time_utc) ? [' = ', timeText(incident.time_utc)] : null,
			],
			[
				'It is about',
				tied(incident.connection, incident.failure),
				incident.connection === null
					? SURE_WORDS[incident.sure] || incident.sure
					: ` (${SURE_WORDS[incident.sure] || incident.sure})`,
				known(incident.alert_packet) ? `, alert in packet ${packetText(about ? about.capture : null, incident.alert_packet)}` : null,
			],
			incident.because ? ['Why', incident.because] : null,
			(incident.grounds || []).length
				? [
						'Grounds',
						make(
							'ul.bare',
							incident.grounds.map((g) => make('li', g.says)),
						),
					]
				: null,
			(incident.contradictions || []).length
				? [
						'Against it',
						make(
							'ul.bare',
							incident.contradictions.map((g) => make('li', g)),
						),
					]
				: null,
			(incident.candidates || []).length
				? [
						'Candidates',
						make(
							'ul.bare',
							incident.candidates.map((g) =>
								make(
									'li',
									tied(g.connection, g.failure),
									(g.grounds || []).length ? `: ${g.grounds.map((x) => x.says).join('; ')}` : null,
								),
							),
						),
						incident.more_candidates ? `and ${count(incident.more_candidates)} more` : null,
					]
				: null,
		),
	);
}

function logsSection(model) {
	const { logs, incidents } = model.report;
	if (!logs) return null;
	const list = incidents || [];
	return make(
		'section#logs',
		{ 'aria-labelledby': 'logs-title' },
		make('h2#logs-title', 'What the logs say'),
		make('p.quiet', 'Logs tell what a program believed. They stand beside the bytes and changed nothing of the verdict.'),
		make(
			'div.scroll',
			{ tabindex: '0', role: 'group', 'aria-label': 'Logs' },
			make(
				'table.rows',
				heads('Log', 'Lines*', 'Bytes*', 'Incidents*', 'Left out*', 'Secrets used*', 'Clock'),
				make(
					'tbody',
					logs.map((l) =>
						make(
							'tr',
							make('th', { scope: 'row' }, l.log),
							[l.lines, l.bytes, l.incidents, l.left_out, l.secrets].map((n) => make('td.number', shown(n))),
							make('td', clockWords(l.clock)),
						),
					),
				),
			),
		),
		make('h3', plural(list.length, 'incident')),
		batch(list, 30, (i) => incidentBlock(model, i), 'incidents'),
		(model.report.logged_failures || []).some((f) => !f.incidents.length)
			? make(
					'p.quiet',
					`Of ${plural(model.report.logged_failures.filter((f) => !f.incidents.length).length, 'failure')} no log that was given tells.`,
				)
			: null,
	);
}

function noticesSection(model) {
	const notices = model.summary.notices || [];
	return notices.length
		? make(
				'section#notices',
				{ 'aria-labelledby': 'notices-title' },
				make('h2#notices-title', 'Notices about the input'),
				make(
					'ul',
					notices.map((n) => make('li', n)),
				),
			)
		: null;
}

function aboutSection(model) {
	const named = [...new Set(model.connections.flatMap((c) => [c.capture, ...(c.also_in || [])]).filter(known))];
	const captures = capturesRead.length
		? capturesRead.map((c) => `${c.name}${known(c.packets) ? `, ${plural(c.packets, 'packet')}` : ', not read'}`)
		: named;
	const redacted = {
		addresses: 'Addresses and names are hidden in this page.',
		all: 'Addresses, names and the bytes of records are hidden in this page: “..” stands for a hidden byte, and times are counted from 2000-01-01.',
	}[model.redacted];
	return make(
		'section#about',
		{ 'aria-labelledby': 'about-title' },
		make('h2#about-title', 'About this page'),
		make(
			'p',
			'It is one file, needs no network and sends nothing. All that it shows comes from the diagnosis inside it, which can be saved:',
		),
		make(
			'p',
			button('Save report.json', saveReport),
			' ',
			button('Print', () => window.print()),
		),
		facts(
			['Made by', model.generator],
			['Schema', make('code', shown(model.report.schema))],
			captures.length
				? [
						captures.length === 1 ? 'Capture' : 'Captures',
						make(
							'ul.bare',
							captures.map((c) => make('li', c)),
						),
					]
				: null,
			model.leftOut
				? ['Without detail', `Of ${plural(model.leftOut, 'connection')} records and bytes did not fit into this page.`]
				: null,
			redacted || model.redacted ? ['Hidden', redacted || `Parts of it are hidden (${model.redacted}).`] : null,
		),
	);
}
