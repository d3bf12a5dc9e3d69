/* What the page says of captures in pieces, and of several places: which file holds a packet, filters that find it there, and a
 * command that proves the report as it is printed. */
import fs from 'node:fs';
import { factsIn, unfoldAll, visit } from './browser.mjs';
import { asPrinted, changed, report, tshark } from './reports.mjs';
import { same, test, want } from './tap.mjs';

const REPLAY = 'tests/data/damaged/tls12-aes128gcm/replay';
const FLIP = 'tests/data/damaged/tls12-aes128gcm/bitflip';
const base = (file) => file.split('/').pop();
const whole = (capture) => tshark(['-r', `${capture}/receiver.pcap`, '-T', 'fields', '-e', 'frame.time_epoch']).trim().split('\n');

/* [filter, piece] of what stands beside a term. */
const filtersIn = (page, selector, term) =>
	page.locator(`${selector} > div`).evaluateAll(
		(list, t) =>
			list
				.filter((d) => d.querySelector('dt').textContent === t)
				.flatMap((d) => [...d.querySelectorAll('dd .command')])
				.map((c) => [c.querySelector('code').textContent, c.nextSibling ? c.nextSibling.textContent.replace(/^ in /, '') : null]),
		term,
	);

test('pieces: each packet is told with its piece, and a filter finds it there', () =>
	visit(report('pieces'), async (page) => {
		await unfoldAll(page);
		const { json } = report('pieces');
		const { captures } = json.summary;
		same(
			captures.map((c) => [base(c.name), base(c.capture), c.first_packet, c.packets]),
			[
				["it's piece 1.pcap", "it's piece 1.pcap", 1, 22],
				["it's piece 2.pcap", "it's piece 1.pcap", 23, 5],
				["it's piece 3.pcap", "it's piece 1.pcap", 28, json.summary.packets - 27],
			],
			'captures',
		);
		const [one, two] = captures.map((c) => c.name);
		const facts = await factsIn(page, '.failure > .facts');
		want(facts.Packets.startsWith(`22 (22 of ${one}), 23 (1 of ${two})`), facts.Packets);
		same(
			await filtersIn(page, '.failure > .facts', 'Packets'),
			[
				['frame.number == 22', one],
				['frame.number == 1', two],
			],
			'filters',
		);
		const times = whole(REPLAY);
		for (const [filter, name, packet] of [
			['frame.number == 22', one, 22],
			['frame.number == 1', two, 23],
		])
			same(
				tshark(['-r', name, '-Y', filter, '-T', 'fields', '-e', 'frame.time_epoch']).trim(),
				times[packet - 1],
				`what ${filter} shows`,
			);
		const connection = await factsIn(page, '.connection .facts');
		want(connection.Capture.startsWith(`${one}, in 3 pieces`), connection.Capture);
		const alert = json.connections[0].alerts[0].packet;
		const own = captures.find((c) => alert >= c.first_packet && alert < c.first_packet + c.packets);
		want(connection.Alerts.includes(`packet ${alert} (${alert - own.first_packet + 1} of ${own.name})`), connection.Alerts);
		const last = await page.locator('#about .bare li').allTextContents();
		same(last, captures.map((c) => `${c.name}, ${c.packets} packets`), 'about');
	}));

test('places: the byte is told with its piece, and what was sent with one of the other place', () =>
	visit(report('places'), async (page) => {
		await unfoldAll(page);
		const { json } = report('places');
		const { altered } = json.connections[0].failures[0].proof;
		const pieces = json.summary.captures.filter((c) => c.capture === altered.capture);
		same(pieces.length, 2, 'pieces of the sender');
		const sent = (await factsIn(page, '.ledger .wide > .facts'))['What was sent is in packets'];
		same(sent, `20 (1 of ${pieces[1].name})`, 'what was sent');
		const here = json.summary.captures.filter((c) => c.capture === json.connections[0].capture)[1].name;
		same((await factsIn(page, '.failure > .facts')).Packets, `22 (2 of ${here}) frame.number == 2 in ${here}`, 'packets');
		same((await factsIn(page, '.byte .facts')).Packet, `22 (2 of ${here}), at byte 271 (0x10f) of the frame`, 'byte');
		same(await filtersIn(page, '.byte .facts', 'Wireshark'), [['frame.number == 2 && frame[271:1] == 60', here]], 'filter');
		same(await page.locator('tr[data-run] td.number:nth-child(4)').first().textContent(), `22 (2 of ${base(here)})`, 'damage');
		want((await page.locator('.segments button').first().textContent()).endsWith(`(2 of ${here})`), 'segment');
	}));

for (const [name, keys, status] of [
	['pieces', REPLAY, 0],
	['places', FLIP, 0],
	['inside', null, 0],
]) {
	test(`${name}: the printed command proves the report that the page saves`, () =>
		visit(report(name), async (page) => {
			await unfoldAll(page);
			const command = await page.locator('.replay code').first().textContent();
			const [file] = await Promise.all([
				page.waitForEvent('download'),
				page.locator('.replay button:has-text("Save report.json")').first().click(),
			]);
			const saved = fs.readFileSync(await file.path());
			same(command.includes('KEYS'), keys !== null, `keys in ${command}`);
			const done = asPrinted(command, saved, `${keys}/keys.log`);
			same(done.status, status, `${command}: ${done.out}`);
			for (const c of report(name).json.summary.captures || []) {
				const lacks = asPrinted(command.replace(base(c.name).replace(/'/g, "'\\''"), 'is not there'), saved, `${keys}/keys.log`);
				same(lacks.status, 2, `without ${c.name}: ${lacks.out}`);
			}
		}));
}

test('names that look like options, and standard input, are files in the command', () =>
	visit(
		changed('pieces', 'odd-names', (json) => {
			json.summary.captures[0].name = '-q.pcap';
			json.summary.captures[1].name = 'standard input';
			json.summary.captures[2].name = 'a b.pcap';
		}),
		async (page) => {
			await unfoldAll(page);
			same(
				await page.locator('.replay code').first().textContent(),
				"badmac prove report.json ./-q.pcap - 'a b.pcap' -k KEYS",
				'command',
			);
		},
	));
