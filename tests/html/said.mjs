/* What the page says is what the JSON says: numbers, words, what is not known, what is hidden, what would be markup. */
import fs from 'node:fs';
import path from 'node:path';
import { drawing, factsIn, textOf, unfoldAll, visit } from './browser.mjs';
import { changed, NAMES, report, ROOT, tshark } from './reports.mjs';
import { same, test, want } from './tap.mjs';

const commas = (n) => n.toLocaleString('en-US');
const flat = (s) => s.replace(/\s+/g, ' ').trim();
/* Commands stand between backquotes in the JSON, and in frames of their own on the page. */
const unquoted = (s) => flat(s.replace(/`/g, ''));
/* As it is read, without the buttons that copy. */
const written = (page, selector) =>
	page.locator(selector).evaluateAll((list) =>
		list.map((n) => {
			const copy = n.cloneNode(true);
			copy.querySelectorAll('button').forEach((b) => b.remove());
			return copy.textContent.replace(/\s+/g, ' ').trim();
		}),
	);

for (const name of NAMES) {
	test(`${name}: renders, all of it, without an error or a request`, () =>
		visit(report(name), async (page) => {
			await unfoldAll(page);
			const text = await textOf(page, 'body');
			want(
				!/\b(null|undefined|NaN|Infinity)\b|\[object/.test(text),
				'a hole shows:',
				/.{40}\b(null|undefined|NaN|Infinity|\[object).{20}/.exec(text),
			);
			const s = report(name).json.summary;
			same(
				await page.locator('#bar .badge').innerText(),
				{ failed: 'Failed', undecided: 'Undecided', verified: 'Verified' }[s.result],
				'result',
			);
			const tiles = Object.fromEntries(
				await page
					.locator('.tile')
					.evaluateAll((list) =>
						list.map((t) => [t.querySelector('dt').textContent, t.querySelector('dd').firstChild.textContent]),
					),
			);
			same(
				tiles,
				{
					Connections: commas(s.connections),
					'Records verified': commas(s.records.verified),
					'Records failed': commas(s.records.failed),
					'Records undecided': commas(s.records.undecided),
					'Records in the clear': commas(s.records.plaintext),
					...(s.records_after_close ? { 'Behind close_notify': commas(s.records_after_close) } : {}),
					Packets: commas(s.packets),
					Bytes: commas(s.bytes),
				},
				'counts',
			);
			same(
				await page.locator('section.failure').count(),
				report(name).json.connections.flatMap((c) => c.failures).length,
				'failures',
			);
		}));
}

test('the first line of the text report is the title and the heading', () =>
	visit(report('flip'), async (page) => {
		const first = report('flip').text.split('\n')[0];
		same(await page.title(), first, 'title');
		same(flat(await page.locator('h1').innerText()), first.replace('FAILED: ', ''), 'heading');
	}));

for (const name of ['flip', 'hidden', 'drop', 'inject', 'header', 'swap', 'good', 'chacha']) {
	test(`${name}: each failure is told as the JSON has it`, () =>
		visit(report(name), async (page) => {
			await unfoldAll(page);
			const [c] = report(name).json.connections.filter((x) => x.failures.length);
			for (const [k, f] of c.failures.entries()) {
				const at = `#failure-${c.id}-${k}`;
				same(await page.locator(`${at} > h3`).textContent(), f.summary, 'summary');
				same(await page.locator(`${at} .cause`).textContent(), f.cause, 'cause');
				same((await page.locator(`${at} .eyebrow .badge`).textContent()).toLowerCase(), f.confidence, 'confidence');
				const facts = await factsIn(page, `${at} > .facts`);
				const or = (v) => (v === null ? 'unknown' : commas(v));
				same(facts['Stream offset'], or(f.stream_offset), 'stream offset');
				same(facts.Length, f.length === null ? 'unknown' : `${commas(f.length)} bytes`, 'length');
				same(facts['Epoch and sequence number'], `${or(f.epoch)}, ${or(f.sequence_number)}`, 'epoch and number');
				same(await written(page, `${at} .for li`), f.evidence.map(unquoted), 'evidence');
				same(await written(page, `${at} > section > .steps li`), f.next_steps.map(unquoted), 'next steps');
				same(
					await page
						.locator(`${at} .ledger tbody tr`)
						.evaluateAll((rows) => rows.map((r) => [...r.children].map((td) => td.textContent))),
					f.ruled_out.map((r) => [r.cause, r.because]),
					'ruled out',
				);
				same(
					await page
						.locator(`${at} tr[data-run]`)
						.evaluateAll((rows) => rows.map((r) => [...r.children].slice(0, 5).map((td) => td.textContent))),
					f.damage.map((d) => [d.record_offset, d.stream_offset, d.length, d.packet, d.packet_offset].map(or)),
					'damage',
				);
				const proof = await factsIn(page, `${at} .ledger .wide > .facts`);
				if (f.proof) {
					same([proof.Method, proof['Tag bits']], [f.proof.method, String(f.proof.tag_bits)], 'proof');
					same(
						proof.Candidates,
						f.proof.candidates === Number.MAX_SAFE_INTEGER ? '2⁵³ − 1 or more' : commas(f.proof.candidates),
						'candidates',
					);
					want(proof.Chance.includes(`(base-2 logarithm ${f.proof.chance_log2})`), proof.Chance);
				}
			}
		}));
}

test('who is at fault, and who is not, adds up to all parties', () =>
	visit(report('flip'), async (page) => {
		const f = report('flip').json.connections[0].failures[0];
		same(f.at_fault, ['network', 'sender-host', 'sender-tls', 'sender-application'], 'the capture');
		same(
			await page.locator('.parties li strong').allInnerTexts(),
			['The network', 'The client’s host', 'The client’s TLS library', 'The client’s program'],
			'parties',
		);
		same(
			flat(await page.locator('.cleared').innerText()),
			'Left out by the evidence: the server’s program, the server’s TLS library, the server’s host, configuration and the capture.',
			'left out',
		);
	}));

test('a chance is told as odds, never rounded up', () =>
	visit(report('flip'), async (page) => {
		const told = await page.evaluate(() => [-1, -10, -23.7, -40, -115.03, -128].map((l) => [oddsText(l), oddsLikeness(l)]));
		same(
			told.map((t) => t[0]),
			[
				'1 in 2¹ = 1 in 2',
				'1 in 2¹⁰ = 1 in 1,024',
				'1 in 2²³ = 1 in 8×10⁶',
				'1 in 2⁴⁰ = 1 in 1×10¹²',
				'1 in 2¹¹⁵ = 1 in 4×10³⁴',
				'1 in 2¹²⁸ = 1 in 3×10³⁸',
			],
			'odds',
		);
		want(
			/heads 23 times in a row/.test(told[2][1]) &&
				/lottery with one ticket$/.test(told[3][1]) &&
				/ 4 times in a row/.test(told[4][1]),
			told,
		);
		const { chance_log2: log2 } = report('flip').json.connections[0].failures[0].proof;
		same(Math.floor(-log2), 115, 'the capture');
		same(await page.locator('.figure').innerText(), '1 in 4×10³⁴', 'figure');
	}));

test('every cause, party, confidence and method of the documentation has its words', () =>
	visit(report('verified'), async (page) => {
		const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'docs/badmac.diagnosis.v1.schema.json'), 'utf8')).$defs;
		const row = /\| `method` \|.*/.exec(fs.readFileSync(path.join(ROOT, 'docs/OUTPUT.md'), 'utf8'))[0];
		const methods = [...row.matchAll(/`"([a-z0-9-]+)"`/g)].map((m) => m[1]);
		const has = await page.evaluate(() => ({
			causes: Object.keys(CAUSE_WORDS),
			methods: Object.keys(METHOD_WORDS),
			parties: PARTIES,
			confidences: Object.keys(CONFIDENCE_WORDS),
		}));
		want(methods.length >= 18, methods);
		same([...has.causes].sort(), [...schema.cause.enum].sort(), 'causes');
		same([...has.methods].sort(), [...methods].sort(), 'methods');
		same([...has.parties].sort(), [...schema.party.enum].sort(), 'parties');
	}));

test('the bytes: damage, bits, packet and offset are right, and Wireshark’s filter finds the packet', () =>
	visit(report('flip'), async (page) => {
		const [c] = report('flip').json.connections;
		const [d] = c.failures[0].damage;
		same(await page.locator('.hex .bad').allInnerTexts(), [d.received, d.sent], 'marked');
		const got = parseInt(d.received, 16),
			sent = parseInt(d.sent, 16);
		const bit = Math.log2(got ^ sent);
		want(
			(await textOf(page, '.bitsblock')).includes(
				`1 bit flipped. bit ${bit}: sent ${(sent >> bit) & 1}, arrived ${(got >> bit) & 1}.`,
			),
			await textOf(page, '.bitsblock'),
		);
		const facts = await factsIn(page, '.byte .facts');
		same(
			facts.Packet,
			`${d.packet}, at byte ${d.packet_offset} (0x${d.packet_offset.toString(16)}) of the frame`,
			'packet',
		);
		want(facts['Record offset'].startsWith(`${d.record_offset} (0x${d.record_offset.toString(16)})`), facts);
		same(facts.Wireshark, `frame.number == ${d.packet} && frame[${d.packet_offset}:1] == ${d.received}`, 'filter');
		same(
			tshark(['-r', c.capture, '-Y', facts.Wireshark, '-T', 'fields', '-e', 'frame.number']).trim(),
			String(d.packet),
			'tshark',
		);
		const colour = await page.evaluate(async (offset) => {
			await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
			const canvas = document.querySelector('.bytemap');
			const per = 64,
				scale = devicePixelRatio,
				width = canvas.clientWidth;
			const cell = Math.min(17.25, Math.floor(((width - 54) / per) * 4) / 4);
			const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
			copy.drawImage(canvas, 0, 0);
			const pixel = (i) => [
				...copy.getImageData(
					Math.round((52 + ((i % per) + 0.45) * cell) * scale),
					Math.round((2 + (Math.floor(i / per) + 0.45) * cell) * scale),
					1,
					1,
				).data,
			];
			const probe = document.createElement('canvas').getContext('2d');
			probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--failed');
			probe.fillRect(0, 0, 1, 1);
			return { damaged: pixel(offset), beside: pixel(offset + 3), lit: [...probe.getImageData(0, 0, 1, 1).data] };
		}, d.record_offset);
		same(colour.damaged, colour.lit, 'the damaged cell');
		want(JSON.stringify(colour.beside) !== JSON.stringify(colour.lit), colour);
	}));

test('the bytes: missing ones leave a hole beside what was sent', () =>
	visit(report('drop'), async (page) => {
		const [d] = report('drop').json.connections[0].failures[0].damage;
		same([d.length, d.sent.length], [0, 14], 'the capture');
		const marks = await page
			.locator('.hex .bad')
			.evaluateAll((list) => list.map((m) => [m.dataset.side, m.textContent.trim()]));
		same(
			marks
				.filter(([side]) => side === 'sent')
				.map((m) => m[1])
				.join(''),
			d.sent,
			'sent',
		);
		same(
			marks
				.filter(([side]) => side === 'got')
				.map((m) => m[1])
				.join(''),
			'',
			'received',
		);
	}));

test('hidden bytes are shown as hidden, and nothing is claimed of them', () => {
	const r = changed('flip', 'redacted', (json, detail) => {
		detail.redacted = 'all';
		const { record } = detail.connections[0].failures[0];
		const hide = (h) => h.slice(0, 10) + '..'.repeat((h.length - 10) / 2);
		record.received = hide(record.received);
		record.sent = hide(record.sent);
		json.connections[0].failures[0].damage[0].received = '..';
		json.connections[0].failures[0].damage[0].sent = '..';
	});
	return visit(r, async (page) => {
		same(await page.locator('.hex .bad').allInnerTexts(), ['..', '..'], 'marked');
		want(/Its value is not in this page/.test(await textOf(page, '.byte')), await textOf(page, '.byte'));
		want((await factsIn(page, '.byte .facts')).Wireshark === 'frame.number == 22', 'filter');
		want(/“\.\.” stands for a hidden byte/.test(await textOf(page, '#about')), 'said');
		await unfoldAll(page);
		want(!/NaN/.test(await textOf(page, 'body')), 'NaN');
		const replay = await textOf(page, '.replay');
		want(!/report\.json/.test(replay) && /without --redact/.test(replay), 'a check that cannot succeed', replay);
	});
});

test('what is not known is called unknown', () => {
	const r = changed('flip', 'unknown', (json, detail) => {
		const [c] = json.connections;
		for (const k of [
			'capture',
			'server_name',
			'first_time',
			'last_time',
			'version',
			'cipher_suite',
			'client_random',
			'resumed',
			'keys',
		])
			c[k] = null;
		Object.assign(c.failures[0], {
			epoch: null,
			sequence_number: null,
			stream_offset: null,
			length: null,
			packets: [],
			proof: null,
			damage: [],
			evidence: [],
			ruled_out: [],
		});
		c.failures[0].checksum = { as_captured: null, as_sent: null };
		c.alerts = [
			{ direction: 'server_to_client', level: null, description: null, code: null, packet: null, encrypted: true },
		];
		const [k] = detail.connections;
		Object.assign(k, { start: null, records: null, failures: [{ record: null }] });
	});
	return visit(r, async (page) => {
		await unfoldAll(page);
		const text = await textOf(page, 'body');
		want(!/\b(null|undefined|NaN|Invalid)\b/.test(text), text);
		const facts = await factsIn(page, '.failure > .facts');
		same([facts['Stream offset'], facts.Length, facts.Packets], ['unknown', 'unknown', 'unknown'], 'facts');
		want(text.includes('badmac prove report.json CAPTURE -k KEYS'), 'command');
	});
});

test('packets are told as they are typed, and in the filter that the text has', () => {
	const many = Array.from({ length: 25 }, (_, k) => 20000 + 2 * k);
	const r = changed('flip', 'far', (json) => {
		const [failure] = json.connections[0].failures;
		failure.packets = [12051, 12052, 12053, 99999];
		failure.damage[0].packet = 12052;
		json.connections[0].alerts = [
			{ direction: 'server_to_client', level: 'fatal', description: 'bad_record_mac', code: 20, packet: 1234567, encrypted: true },
		];
	});
	return visit(r, async (page) => {
		await unfoldAll(page);
		const { Packets } = await factsIn(page, '.failure > .facts');
		same(Packets, '12051, 12052, 12053, 99999 frame.number in {12051..12053, 99999}', 'packets');
		same(await page.locator('tr[data-run] td.number:nth-child(4)').first().textContent(), '12052', 'damage');
		want((await textOf(page, 'body')).includes('packet 1234567'), 'the alert');
		const set = await page.evaluate((numbers) => packetSet(numbers), many);
		same([set.all, set.set.split(', ').length, set.set.slice(0, 12)], [false, 20, '20000, 20002'], 'a set that is cut');
	});
});

test('a proof that says what was altered is told with it', () =>
	visit(
		changed('swap', 'altered', (json) => {
			json.connections[0].failures[0].proof.altered = {
				inputs: ['sequence_number'],
				direction: 'client_to_server',
				epoch: 1,
				sequence_number: 5,
				stream_offset: 3322,
				packet: 22,
				packet_offset: 66,
				sender: null,
				receiver: null,
				session: null,
				rule: null,
				padding: null,
				keystream_offset: null,
				iv: null,
				capture: null,
				sent_packets: [],
				sent_packet_offset: null,
				other_record: null,
			};
		}),
		async (page) => {
			const facts = await factsIn(page, '.ledger .wide > .facts');
			same(
				[facts.Altered, facts['Sequence number'], facts['Header in packet'], facts.IV],
				['the sequence number', '5', '22, at byte 66', undefined],
				'facts',
			);
		},
	));

test('a sentence that begins with the name of a capture begins as that is written', () =>
	visit(report('places'), async (page) => {
		await unfoldAll(page);
		const began = await page.$$eval('.for li', (all) =>
			all.map((li) => [/^\S*sender1\.pcap /.test(li.textContent), getComputedStyle(li, '::first-letter').textTransform]),
		);
		want(began.some(([named]) => named) && began.some(([named]) => !named), 'sentences of both kinds', began);
		for (const [named, how] of began) same(how, named ? 'none' : 'uppercase', 'first letter');
		want((await textOf(page)).includes('a box on the way that makes it anew damaged them'), 'who is left');
		want(!(await textOf(page)).includes('before the sender made the sum'), 'the sender is cleared');
	}));

test('markup in names, notices, causes and logs stays text', () => {
	const evil = '<img src=x onerror=alert(1)></script><script>alert(2)</script>&amp;"\'';
	const r = changed('logs', 'hostile', (json, detail) => {
		const [c] = json.connections;
		c.server_name = evil;
		c.capture = `${evil} $(rm -rf x)`;
		json.summary.notices = [evil];
		Object.assign(c.failures[0], { summary: evil, cause: evil, confidence: evil, at_fault: [evil] });
		c.failures[0].evidence[0] = evil;
		c.failures[0].next_steps[0] = `frame.number == ${evil}`;
		c.failures[0].proof.method = evil;
		detail.connections[0].events[0].label = evil;
		detail.generator = evil;
		json.incidents[0].text = evil;
		json.incidents[0].summary = evil;
	});
	return visit(r, async (page) => {
		await unfoldAll(page);
		same(await page.locator('main img, main script, main iframe').count(), 0, 'elements');
		for (const where of ['#notices', '.failure > h3', '#logs .quote', '.connection .facts', '.for', '#about'])
			want((await page.locator(where).first().textContent()).includes(evil), where, 'lost it');
		const command = await page.locator('.replay code').textContent();
		same(command, `badmac prove report.json '${evil.replace(/'/g, "'\\''")} $(rm -rf x)' -k KEYS`, 'quoted for a shell');
	});
});

test('a log’s line with markup in it, from the command on, is text', () =>
	visit(report('logs'), async (page) => {
		want((await page.locator('#logs .quote').first().textContent()).includes('<img src=x onerror=alert(1)>'), 'the line');
		same(await page.locator('main img').count(), 0, 'images');
		await page.locator('#logs a').first().click();
		await page.waitForFunction(() => document.activeElement.id === 'failure-0-0'); // its link leads to the failure
	}));

test('a record that is good and was rejected is not said to fail', () =>
	visit(report('good'), async (page) => {
		await unfoldAll(page);
		const row = await page.locator('tr.fails').first().innerText();
		want(/Rejected: Application data/.test(row) && /verified/.test(row), row);
		want(!/Fails: /.test(await textOf(page)), 'said to fail');
	}));

test('the diagram draws each record where it belongs', () =>
	visit(report('flip'), async (page) => {
		await unfoldAll(page);
		const rows = await page
			.locator('#failed details .rows')
			.first()
			.locator('tbody tr')
			.evaluateAll((list) => list.map((r) => [...r.children].map((d) => d.textContent)));
		const { records } = report('flip').detail.connections[0];
		const told = rows.filter((r) => /^(verified|failed|undecided|in the clear)$/.test(r[4]));
		same(told.length, records.time.length, 'records');
		const failing = rows.filter((r) => r[2].startsWith('Fails: '));
		same(
			failing.map((r) => [r[3], r[4], r[5], r[7], r[8]]),
			[['1,029', 'failed', '22', '4', '3,322']],
			'the failing record',
		);
		same(
			rows.filter((r) => /bad_record_mac/.test(r[2])).map((r) => r[5]),
			['29'],
			'the alert',
		);
		for (const label of ['ClientHello', 'ServerHello', 'Finished', 'FIN'])
			want(
				rows.some((r) => r[2].includes(label)),
				label,
				'is not there',
			);
		want((await drawing(page, '.ladder')) !== (await drawing(page, '.bytemap')), 'drawn');
	}));
