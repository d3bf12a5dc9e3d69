/* The evidence of one failure: what speaks for it, what was ruled out, and the proof so that it can be done again. Refuses
 * to know how bytes are drawn. */

/* What begins with the name of a capture begins as that is written. */
function forList({ failure, connection }) {
	const names = [connection.capture, ...(connection.also_in || [])].filter(Boolean);
	return failure.evidence.length
		? make(
				'ul.for',
				failure.evidence.map((e) => make(names.some((n) => e.startsWith(`${n} `)) ? 'li.named' : 'li', withCommands(e))),
			)
		: make('p.quiet', 'The diagnosis lists none.');
}

function ruledOut(failure) {
	if (!failure.ruled_out.length) return make('p.quiet', 'The diagnosis lists nothing that was ruled out.');
	return make(
		'div.scroll',
		{ tabindex: '0', role: 'group', 'aria-label': 'Ruled out' },
		make(
			'table.rows',
			heads('Cause', 'Ruled out because'),
			make(
				'tbody',
				failure.ruled_out.map((r) =>
					make(
						'tr',
						make('th', { scope: 'row', title: CAUSE_WORDS[r.cause] || null }, make('code', r.cause)),
						make('td', r.because),
					),
				),
			),
		),
	);
}

function proofFacts(proof) {
	return facts(
		['Method', make('code', proof.method)],
		['Tag bits', shown(proof.tag_bits)],
		['Candidates', candidatesText(proof.candidates)],
		['Chance', oddsText(proof.chance_log2), make('small', ` (base-2 logarithm ${proof.chance_log2})`)],
	);
}

/* Of a proof that says so: which inputs were altered, and with what the record was checked. */
function alteredFacts(altered, connection) {
	if (!altered) return null;
	const inputs = (altered.inputs || []).map((i) => INPUT_WORDS[i] || i);
	const row = (name, value, text = (v) => shown(v)) => (known(value) ? [name, text(value)] : null);
	return facts(
		['Altered', inputs.length ? listed(inputs) : 'nothing: it was checked as captured'],
		row('Keys of', altered.direction, directionWords),
		row('Epoch', altered.epoch),
		row('Sequence number', altered.sequence_number),
		row('Stream offset checked', altered.stream_offset),
		row(
			'Header in packet',
			altered.packet,
			(p) => `${packetText(connection.capture, p)}${known(altered.packet_offset) ? `, at byte ${count(altered.packet_offset)}` : ''}`,
		),
		row('Sender', altered.sender),
		row('Receiver', altered.receiver),
		row('Session', altered.session, (s) => make('code.long', s)),
		row('Rule', altered.rule),
		row('Padding', altered.padding, bytesText),
		row('Keystream offset', altered.keystream_offset),
		row('IV', altered.iv, (v) => make('code', v)),
		row('Other capture', altered.capture),
		(altered.sent_packets || []).length
			? [
					'What was sent is in packets',
					altered.sent_packets.map((p) => packetText(altered.capture || connection.capture, p)).join(', '),
				]
			: null,
		altered.other_record
			? [
					'The other record',
					`${known(altered.other_record.direction) ? directionWords(altered.other_record.direction) : ''}`,
					known(altered.other_record.packet) ? `, packet ${packetText(connection.capture, altered.other_record.packet)}` : null,
					known(altered.other_record.sequence_number)
						? `, sequence number ${count(altered.other_record.sequence_number)}`
						: null,
				]
			: null,
	);
}

/* Where the tag carries the proof: candidates times 2^-bits, when that is what it adds up to. */
function chanceWords(proof) {
	const plain = Math.log2(proof.candidates) - proof.tag_bits;
	if (proof.method === 'repeat-statistics' || proof.method === 'nonce-count') return null;
	const said =
		`A tag of ${proof.tag_bits} bits matches a wrong record by chance once in ${power('2', proof.tag_bits)}. ` +
		`${candidatesText(proof.candidates)} ${proof.candidates === 1 ? 'candidate was' : 'candidates were'} tried until one matched`;
	return proof.candidates < Number.MAX_SAFE_INTEGER && Math.abs(plain - proof.chance_log2) < 0.02
		? `${said}, so the chance that one of them did by accident is ${count(proof.candidates)} ÷ ${power('2', proof.tag_bits)}.`
		: `${said}; the chance that one of them did by accident is given with it.`;
}

/* Secrets that stand in the captures are given with them. */
function proveCommand({ connection, secretsInside }) {
	return `badmac prove report.json ${captureWords(connection)}${secretsInside ? '' : ' -k KEYS'}`;
}

const REPLAY_REDACTED =
	'give badmac prove the same diagnosis made without --redact: the addresses here are not those of the capture.';

function proofBlock(entry) {
	const { failure, connection } = entry;
	const proof = failure.proof;
	const words = proof ? METHOD_WORDS[proof.method] : null;
	return [
		proof
			? proofFacts(proof)
			: make('p', 'No check with an altered input was made for this one; it rests on the facts above.'),
		words
			? [make('p', make('b', 'How it was found. '), words[0]), make('p', make('b', 'To see it again. '), words[1])]
			: null,
		proof ? [alteredFacts(proof.altered, connection), make('p.quiet', chanceWords(proof))] : null,
		entry.redacted ? make('div.replay', make('p', make('b', 'To check it, '), REPLAY_REDACTED)) : make(
			'div.replay',
			make(
				'p',
				make('b', 'Check it yourself. '),
				`Save this diagnosis as report.json, and with all the captures that it was made of${entry.secretsInside ? '' : ', and their keys'}:`,
			),
			make(
				'p',
				command(proveCommand(entry)),
				' ',
				make('button.plain', { type: 'button', onclick: saveReport }, 'Save report.json'),
			),
		),
	];
}

/* The diagnosis as badmac wrote it: what stands in the page escapes < and > and &, which JSON reads alike. */
function saveReport() {
	download('report.json', `${document.getElementById('diagnosis').textContent.trim()}\n`, 'application/json');
	announce('Saved report.json');
}

function checksumBlock(failure) {
	const c = failure.checksum;
	const meaning = checksumMeaning(c, failure.at_fault);
	return [
		facts(
			['As captured', known(c.as_captured) ? CHECKSUM_WORDS[c.as_captured] || c.as_captured : unknown()],
			['With what was sent put in', known(c.as_sent) ? CHECKSUM_WORDS[c.as_sent] || c.as_sent : unknown()],
		),
		meaning ? make('p.quiet', meaning) : null,
	];
}

function ledger(entry) {
	const { failure } = entry;
	return make(
		'div.ledger',
		make('section', make('h5', 'What speaks for it'), forList(entry)),
		make('section', make('h5', 'Checksum of TCP or UDP'), checksumBlock(failure)),
		make('section.wide', make('h5', 'The proof'), proofBlock(entry)),
		make(
			'section.wide',
			!failure.ruled_out.length
				? ruledOut(failure)
				: fold(
						`Ruled out: ${plural(failure.ruled_out.length, 'other cause')}`,
						() => ruledOut(failure),
						failure.ruled_out.length <= 12,
					),
		),
	);
}
