/* The first screen: what it is, who did it, how sure that is, what to do. Refuses to know how a record is drawn. */

/* The words of a diagnosis are taken for what they are only where they are known. */
function badge(word, text, title = null) {
	const kind = Object.hasOwn(RESULT_WORDS, word) || Object.hasOwn(CONFIDENCE_WORDS, word) ? `.is-${word}` : '';
	return make(`span.badge${kind}`, { title }, text);
}

function resultBadge(result) {
	return badge(result, RESULT_WORDS[result] || (known(result) ? result : 'Unknown'));
}

function confidenceBadge(confidence) {
	const words = CONFIDENCE_WORDS[confidence];
	return badge(confidence, words ? words[0] : known(confidence) ? confidence : 'unknown', words ? words[1] : null);
}

/* Parties of all failures with client and server named: how often each comes first, and how often it is among them. */
function blame(entries) {
	const named = new Map();
	for (const { failure } of entries) {
		failure.at_fault.forEach((party, rank) => {
			const [name, what] = partyWords(party, failure.direction);
			const it = named.get(name) || { name, what, party, first: 0, times: 0, rank: 0 };
			it.first += rank === 0;
			it.times += 1;
			it.rank += rank;
			named.set(name, it);
		});
	}
	const list = [...named.values()].sort(
		(a, b) => b.first - a.first || b.times - a.times || a.rank / a.times - b.rank / b.times,
	);
	const cleared = [];
	for (const party of PARTIES) {
		const [one] = partyWords(party, 'client_to_server');
		const [other] = partyWords(party, 'server_to_client');
		for (const name of new Set([one, other])) {
			if (!named.has(name) && !cleared.includes(name)) cleared.push(name);
		}
	}
	return { list, cleared };
}

function partyList(entries) {
	const { list, cleared } = blame(entries);
	const several = entries.length > 1;
	return [
		make(
			'ol.parties',
			list.map((p, i) =>
				make(
					'li',
					i === 0 ? { class: 'likeliest' } : null,
					make('strong', p.name),
					several ? make('span.tally', `in ${count(p.times)} of ${count(entries.length)}`) : null,
					p.what ? make('span.what', p.what) : null,
				),
			),
		),
		make('p.cleared', make('b', 'Left out by the evidence: '), cleared.length ? listed(cleared) : 'nobody', '.'),
	];
}

/* The chance of a proof, for a person. */
function oddsParagraph(proof) {
	if (!proof)
		return make('p', 'No check was made that a coincidence could pass: this rests on what can be read, not on a tag.');
	const [, figure, round] = /^(.*?)(?: = (.*))?$/.exec(oddsText(proof.chance_log2));
	return make(
		'div.odds',
		make('p.figure', round || figure),
		make('p', 'That this is a coincidence is ', oddsLikeness(proof.chance_log2), '.'),
		make(
			'p.quiet',
			round ? `${figure} = ${round}` : null,
			` (base-2 logarithm ${proof.chance_log2}); ${candidatesText(proof.candidates)} `,
			proof.candidates === 1 ? 'candidate' : 'candidates',
			` against a tag of ${proof.tag_bits} bits.`,
		),
	);
}

function confidenceCard(entries) {
	const counts = ['proven', 'supported', 'possible'].map((c) => [c, entries.filter((e) => e.failure.confidence === c)]);
	const proofs = entries.map((e) => e.failure.proof).filter(Boolean);
	const weakest = proofs.length ? proofs.reduce((a, b) => (a.chance_log2 > b.chance_log2 ? a : b)) : null;
	return [
		make(
			'p.confidences',
			counts
				.filter(([, list]) => list.length)
				.map(([c, list]) => [
					confidenceBadge(c),
					entries.length > 1 ? make('span.tally', `${count(list.length)} of ${count(entries.length)}`) : null,
				]),
		),
		counts.filter(([, list]) => list.length).map(([c]) => make('p.quiet', CONFIDENCE_WORDS[c][1])),
		entries.length > 1 && weakest ? make('p.quiet', 'Of the weakest proof:') : null,
		oddsParagraph(weakest),
	];
}

function stepList(steps) {
	return make(
		'ol.steps',
		steps.map((s) => make('li', withCommands(s))),
	);
}

function tile(label, value, kind, note) {
	return make(
		`div.tile${kind ? `.is-${kind}` : ''}`,
		make('dt', label),
		make('dd', shown(value), note ? make('small', note) : null),
	);
}

function tiles(summary) {
	const r = summary.records || {};
	return make(
		'dl.tiles',
		{ 'aria-label': 'Counts' },
		tile(
			'Connections',
			summary.connections,
			null,
			summary.seen_elsewhere ? `${count(summary.seen_elsewhere)} seen elsewhere, too` : null,
		),
		tile('Records verified', r.verified, r.verified ? 'verified' : null),
		tile('Records failed', r.failed, r.failed ? 'failed' : null),
		tile('Records undecided', r.undecided, r.undecided ? 'undecided' : null),
		tile('Records in the clear', r.plaintext),
		summary.records_after_close ? tile('Behind close_notify', summary.records_after_close) : null,
		tile('Packets', summary.packets, null, summary.undecoded ? `${count(summary.undecoded)} not decoded` : null),
		tile('Bytes', summary.bytes),
	);
}

/* The verdict's first line, as the command prints it: it is the title of the page. */
function headline(model) {
	const title = /^(?:OK|FAILED|UNDECIDED): *(.+)/.exec(document.title.trim());
	if (title) return title[1][0].toUpperCase() + title[1].slice(1);
	const r = model.summary.records || {};
	const all = (r.verified || 0) + (r.failed || 0) + (r.undecided || 0);
	return (
		{
			failed: `${count(r.failed || 0)} of ${plural(all, 'protected record')} failed`,
			undecided: `Undecided: ${count(r.undecided || 0)} of ${plural(all, 'protected record')}`,
			verified: `All ${plural(all, 'protected record')} verified`,
		}[model.summary.result] || 'The diagnosis in this page cannot be read'
	);
}

function failedVerdict(model) {
	const entries = model.failures;
	const first = entries[0];
	const steps = [...new Set(entries.flatMap((e) => (e.failure.cause === first.failure.cause ? e.failure.next_steps : [])))];
	const told = headline(model).startsWith(first.failure.summary.replace(/\.$/, ''));
	const lead =
		entries.length === 1
			? told
				? null
				: make('p.lead', first.failure.summary)
			: [
					make(
						'p.lead',
						`${plural(entries.length, 'failure')} in ${plural(model.failed.length, 'connection')}. `,
						'The first: ',
						first.failure.summary,
					),
				];
	return [
		lead,
		make(
			'p.jump',
			make(
				'a',
				{ href: `#${first.id}` },
				entries.length === 1 ? 'See the record and the proof' : 'See the first record and its proof',
			),
			entries.length > 1 ? [' · ', make('a', { href: '#several' }, 'What they share')] : null,
		),
		make(
			'div.cards',
			make('section.card', make('h2', 'Who is at fault'), make('p.quiet', 'Likeliest first.'), partyList(entries)),
			make('section.card', make('h2', 'How sure that is'), confidenceCard(entries)),
			make(
				'section.card.wide',
				make('h2', 'What to do next'),
				entries.length > 1 ? make('p.quiet', `For the first one; each failure below has its own.`) : null,
				stepList(entries.length > 1 ? first.failure.next_steps : steps),
			),
		),
	];
}

function undecidedVerdict(model) {
	const reasons = [...new Set(model.undecided.map((c) => c.undecided_because).filter(known))];
	const steps = [...new Set(model.undecided.map((c) => c.undecided_next).filter(known))];
	return make(
		'div.cards',
		make(
			'section.card',
			make('h2', 'Why it is undecided'),
			make(
				'ul',
				reasons.map((r) => make('li', r)),
			),
		),
		make('section.card', make('h2', 'What would settle it'), steps.length ? stepList(steps) : make('p', unknown())),
	);
}

function verdictSection(model) {
	const s = model.summary;
	const title = /^(.*?)( \([^()]*\))?$/.exec(headline(model));
	return make(
		'section#verdict',
		{ 'aria-labelledby': 'verdict-title' },
		make('p.eyebrow', resultBadge(s.result)),
		make('h1#verdict-title', title[1], title[2] ? make('span.under', title[2]) : null),
		model.failures.length
			? failedVerdict(model)
			: s.result === 'undecided'
				? undecidedVerdict(model)
				: s.result === 'verified'
					? make('p.lead', 'Every record that was examined verifies where its receiver expected it.')
					: null,
		make('h2.only-heard', 'Counts'),
		tiles(s),
	);
}
