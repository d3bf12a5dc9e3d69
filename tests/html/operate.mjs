/* The page is worked with pointer, keys and fingers, read by those who do not see it, sorted, filtered and copied from. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { drawing, textOf, unfoldAll, visit } from './browser.mjs';
import { changed, large, report } from './reports.mjs';
import { note, same, test, want } from './tap.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const [name, width, colorScheme] of [
	['flip', 1280, 'light'],
	['flip', 1280, 'dark'],
	['flip', 320, 'light'],
	['flip', 320, 'dark'],
	['many', 1280, 'light'],
	['many', 320, 'dark'],
	['undecided', 320, 'light'],
	['logs', 1280, 'dark'],
	['verified', 1280, 'light'],
]) {
	test(`${name}: axe finds nothing, ${width} px wide, ${colorScheme}`, () =>
		visit(
			report(name),
			async (page) => {
				if (name !== 'many') await unfoldAll(page);
				await page.evaluate(axe);
				const found = await page.evaluate(async () =>
					(await axe.run(document, { resultTypes: ['violations'] })).violations.map(
						(v) =>
							`${v.id}: ${v.nodes
								.slice(0, 3)
								.map((n) => n.html.slice(0, 160))
								.join(' | ')}`,
					),
				);
				want(found.length === 0, found);
				const wide = await page.evaluate(() => document.documentElement.scrollWidth);
				want(wide <= width, `the page is ${wide} px wide`);
			},
			{ width, colorScheme },
		));
}

test('Tab reaches everything that can be operated, and what has the focus shows it', () =>
	visit(report('flip'), async (page) => {
		await unfoldAll(page);
		const due = await page.evaluate(() => {
			const list = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter(
				(n) => n.checkVisibility() && !n.disabled,
			);
			list.forEach((n, i) => {
				n.dataset.due = i;
			});
			return list.length;
		});
		const seen = new Set();
		let bare = null;
		for (let i = 0; i < due + 5; i++) {
			await page.keyboard.press('Tab');
			const [at, outlined] = await page.evaluate(() => {
				const a = document.activeElement;
				return [
					a.dataset.due,
					getComputedStyle(a).outlineStyle !== 'none' || getComputedStyle(a).outlineWidth !== '0px',
				];
			});
			if (at !== undefined) seen.add(at);
			bare = bare || (!outlined && at !== undefined ? at : null);
		}
		same(seen.size, due, 'reached');
		same(bare, null, 'without a sign of the focus');
		note(`${due} places to go to`);
	}));

test('keys work the diagram: choose, zoom, find what failed, and say it', () =>
	visit(report('flip'), async (page) => {
		const ladder = page.locator('.ladder');
		await ladder.focus();
		const before = await drawing(page, '.ladder');
		await page.keyboard.press('n');
		await page.waitForFunction(() => document.getElementById('live').textContent.startsWith('Fails: Application data'));
		want(
			/seq|Sequence number/.test(await textOf(page, '.chosen')) &&
				/What is wrong with it/.test(await textOf(page, '.chosen')),
			await textOf(page, '.chosen'),
		);
		const chosen = await drawing(page, '.ladder');
		want(chosen !== before, 'the choice shows');
		await page.keyboard.press('ArrowDown');
		await page.waitForFunction(() => /packet 23/.test(document.getElementById('live').textContent));
		await page.keyboard.press('+');
		const near = await drawing(page, '.ladder');
		await page.keyboard.press('0');
		want(near !== (await drawing(page, '.ladder')), 'zoom shows');
		await page.keyboard.press('Home');
		await page.waitForFunction(() => /ClientHello/.test(document.getElementById('live').textContent));
		await page.keyboard.press('End');
		await page.waitForFunction(() => /FIN/.test(document.getElementById('live').textContent));
	}));

test('pointer and wheel work the diagram, and leave the page its scrolling', () =>
	visit(large(2000), async (page) => {
		const ladder = page.locator('.ladder');
		await ladder.scrollIntoViewIfNeeded();
		const box = await ladder.boundingBox();
		const at = [box.x + box.width / 2, box.y + box.height / 2];
		await page.mouse.move(...at);
		const first = await drawing(page, '.ladder');
		want(await page.locator('.tip').isVisible(), 'what is under the pointer is told');
		const scrolled = await page.evaluate(() => scrollY);
		await page.mouse.wheel(0, 120);
		await page.waitForFunction((y) => scrollY !== y, scrolled);
		await page.evaluate((y) => scrollTo({ top: y, behavior: 'instant' }), scrolled);
		await page.keyboard.down('Control');
		await page.mouse.wheel(0, 400);
		await page.keyboard.up('Control');
		const zoomed = await drawing(page, '.ladder');
		want(zoomed !== first, 'Ctrl and wheel zoom');
		same(await page.evaluate(() => scrollY), scrolled, 'and nothing else');
		await page.mouse.down();
		await page.mouse.move(at[0], at[1] - 120, { steps: 4 });
		await page.mouse.up();
		want(zoomed !== (await drawing(page, '.ladder')), 'a drag moves it');
		await page.mouse.click(...at);
		want(/Direction/.test(await textOf(page, '.chosen')), 'a click chooses');
		await page.evaluate((y) => scrollTo({ top: y, behavior: 'instant' }), scrolled);
		const still = await drawing(page, '.ladder');
		await page.mouse.wheel(0, 60);
		const strip = await drawing(page, '.ladder');
		want(strip !== still, 'with the focus the wheel moves the diagram');
		same(await page.evaluate(() => scrollY), scrolled, 'and not the page');
		await page.mouse.click(box.x + box.width - 12, box.y + box.height - 40);
		want(strip !== (await drawing(page, '.ladder')), 'the strip jumps');
	}));

test('two fingers zoom the diagram', () =>
	visit(
		large(2000),
		async (page) => {
			await page.locator('.ladder').scrollIntoViewIfNeeded();
			const box = await page.locator('.ladder').boundingBox();
			const cdp = await page.context().newCDPSession(page);
			const touch = (type, ...ys) =>
				cdp.send('Input.dispatchTouchEvent', {
					type,
					touchPoints: ys.map((y, id) => ({ x: box.x + 160 + id * 20, y: box.y + y, id })),
				});
			const before = await drawing(page, '.ladder');
			await touch('touchStart', 200);
			await touch('touchStart', 200, 260);
			for (let i = 1; i < 6; i++) await touch('touchMove', 200 - 15 * i, 260 + 15 * i);
			await touch('touchEnd');
			want(before !== (await drawing(page, '.ladder')), 'it zooms');
		},
		{ hasTouch: true, width: 420 },
	));

test('the diagram filters by direction and state, and so does its table', () =>
	visit(report('flip'), async (page) => {
		await unfoldAll(page);
		const { records, events } = report('flip').detail.connections[0];
		const rows = page.locator('#failed details .rows').first().locator('tbody tr');
		const all = await rows.count();
		const before = await drawing(page, '.ladder');
		await page.getByLabel('Direction').selectOption('client');
		const client = await rows.evaluateAll((list) => list.map((r) => r.children[1].textContent));
		want(client.length > 0 && client.length < all && client.every((d) => d === 'client → server'), client);
		await page.getByLabel('Direction').selectOption('both');
		for (const box of ['verified', 'in the clear', 'events']) await page.getByLabel(box, { exact: true }).uncheck();
		same(await rows.count(), records.state.filter((s) => s === 1).length, 'only what failed');
		want(before !== (await drawing(page, '.ladder')), 'the drawing follows');
		await page.getByLabel('failed', { exact: true }).uncheck();
		same(await rows.count(), 0, 'nothing');
		await page.getByLabel('events', { exact: true }).check();
		want((await rows.count()) <= events.length, 'events alone');
		await page.getByLabel('Scale').selectOption('time');
	}));

test('keys work the byte map, and it says what is there', () =>
	visit(report('flip'), async (page) => {
		const map = page.locator('.bytemap');
		await map.focus();
		const before = await drawing(page, '.bytemap');
		await page.keyboard.press('ArrowRight');
		await page.waitForFunction(() => /^offset 206, received /.test(document.getElementById('live').textContent));
		want(before !== (await drawing(page, '.bytemap')), 'the cursor shows');
		await page.keyboard.press('ArrowDown');
		want((await textOf(page, '.byte')).includes('270 (0x10e)'), await textOf(page, '.byte'));
		await page.keyboard.press('Home');
		want(/header/.test(await textOf(page, '.byte')), 'the header');
		await page.keyboard.press('End');
		want(/ tag /.test(await textOf(page, '.byte')), await textOf(page, '.byte'));
		await page.keyboard.press('n');
		await page.waitForFunction(() => /^damaged, offset 205/.test(document.getElementById('live').textContent));
		const plain = await drawing(page, '.bytemap');
		for (const lines of ['16-byte blocks', '64-byte lines', '4 KB pages']) await page.getByLabel(lines).check();
		want(plain !== (await drawing(page, '.bytemap')), 'lines are drawn');
		await map.click({ position: { x: 60, y: 8 } });
		want(/^Record offset [01] /.test(await textOf(page, '.byte .facts')), await textOf(page, '.byte .facts'));
	}));

test('the table of failures sorts and filters', () =>
	visit(report('many'), async (page) => {
		const all = report('many').json.connections.flatMap((c) => c.failures);
		const rows = page.locator('.failures tbody tr');
		const column = (k) => rows.evaluateAll((list, n) => list.map((r) => r.children[n].textContent), k);
		same(await rows.count(), all.length, 'all');
		await page.getByRole('button', { name: 'Bytes', exact: true }).click();
		const known = (await column(9)).filter((v) => v !== 'unknown').map((v) => Number(v.replace(/,/g, '')));
		same(
			known,
			all
				.map((f) => f.length)
				.filter((n) => n !== null)
				.sort((a, b) => a - b),
			'by length',
		);
		await page.getByRole('button', { name: 'Bytes', exact: true }).press('Enter');
		same(
			(await column(9)).filter((v) => v !== 'unknown').map((v) => Number(v.replace(/,/g, ''))),
			[...known].reverse(),
			'and back',
		);
		same(
			await page.locator('.failures th[aria-sort="descending"]').innerText(),
			'Bytes ▼'.replace(' ▼', ''),
			'the sort is told',
		);
		await page.getByLabel('Cause').first().selectOption('bits-flipped');
		same(await rows.count(), all.filter((f) => f.cause === 'bits-flipped').length, 'by cause');
		await page.getByLabel('Cause').first().selectOption('');
		await page.getByRole('searchbox').fill('rc4 words');
		same(await column(6), ['words-swapped'], 'by words');
		await page.getByRole('searchbox').fill('');
		await page.getByRole('link', { name: 'Failure 9', exact: true }).click();
		await page.waitForFunction(() => document.activeElement.id.startsWith('failure-'));
		const opened = await page.evaluate(() => [document.activeElement.id, document.activeElement.closest('details').open]);
		want(/^failure-/.test(opened[0]) && opened[1], opened);
	}));

test('what failures share is said as the model has it', async () => {
	const plain = { within: null, with: 10, of: 12, values: null, records: null, of_records: null, once_in: 20480, once_in_log10: 4 };
	const third = { records: 1, of_records: 3 };
	/* Of each trait its members, and what is said of it. */
	const due = Object.entries({
		bit: [
			{ value: 4, values: 8, once_in: null, once_in_log10: 59 },
			'In 10 of 12 the same bit, bit 4 of a byte, was flipped. Chance gives as much once in 10⁵⁹: a bit of a byte is one of 8.',
		],
		way: [{ value: 0, values: 2 }, 'bits went from 1 to 0. Chance gives as much once in 20,480: a bit can go one of 2 ways.'],
		mod64: [{ value: 13, values: 64 }, 'In 10 of 12 the damage begins at record offset 13 modulo 64.'],
		mod4096: [{ value: 1300, values: 1040 }, 'record offset 1,300 modulo 4,096. Chance gives as much once in 20,480: one place in 1,040.'],
		offset: [{ value: 1300, values: 1040 }, 'record offset 1,300. Chance gives as much once in 20,480: one place in the longest record’s 1,040.'],
		frame: [{ value: 271, values: 1460 }, 'byte 271 of the packet. Chance gives as much once in 20,480: one place in 1,460.'],
		direction: [{ value: 'server_to_client', records: 1, of_records: 8 }, '12.5 % of the records that were checked are such.'],
		server: [{ value: '[2001:db8::1]:443', ...third }, 'the server is [2001:db8::1]:443. Chance gives as much once in 20,480: 33.3 %'],
		client: [{ value: '<b>', ...third }, 'the client is <b>.'],
		suite: [{ value: '0x1A1A', ...third }, 'the suite is 0x1A1A.'],
		size: [{ value: 1029, ...third }, 'the record has 1,029 bytes. Chance gives as much once in 20,480: 33.3 % of the records that this page lists are such.'],
		beat: [{ value: 2540000 }, 'They come in a regular beat, every 2.54 s within a tenth.'],
		day: [{ value: 85500000000, within: 1500000000 }, 'at one time of day, within 25.0 min from 23:45 UTC.'],
	}).map(([id, [members, words]]) => ({ trait: { id, ...plain, ...members }, words }));
	const build = (name, shared) =>
		changed('flip', name, (json, detail) => {
			const [c] = json.connections;
			json.connections = [c, { ...structuredClone(c), id: c.id + 1 }];
			detail.shared = shared;
		});
	const said = (r) => visit(r, (page) => page.locator('.shared li').allInnerTexts());
	const all = await said(build('shared', { compared: 13, stated: due.map((d) => d.trait) }));
	same(all.length, due.length, 'one each');
	due.forEach(({ words }, i) => want(all[i].includes(words), all[i], words));
	const none = build('nothing-shared', { compared: 1, stated: [] });
	same(await said(none), [], 'nothing');
	const rule = await visit(none, (page) => page.locator('#several').innerText());
	want(rule.includes('Nothing that is more than chance would give.') && rule.includes('1 trait of the failures was compared'), rule);
	/* What badmac itself found among made failures. */
	const real = report('many').detail.shared;
	same(real.stated.length, (await said(report('many'))).length, 'as many as were found');
	want(real.compared >= 10, real);
});

for (const [name, init] of [
	['the clipboard', null],
	[
		'no clipboard to be had',
		() => {
			window.kept = navigator.clipboard;
			Object.defineProperty(navigator, 'clipboard', { value: undefined });
		},
	],
]) {
	test(`copies a command with ${name}`, () =>
		visit(
			report('flip'),
			async (page) => {
				const button = page.locator('.steps .copy').first();
				const text = await button.locator('xpath=preceding-sibling::code').textContent();
				same(text, 'frame.number == 22', 'the command');
				await button.focus();
				await page.keyboard.press('Enter');
				await page.waitForFunction(() => document.querySelector('.steps .copy').textContent === 'Copied');
				same(await page.evaluate(() => (window.kept || navigator.clipboard).readText()), text, 'the clipboard');
				want(await page.evaluate(() => document.activeElement.className === 'copy'), 'the focus stays');
			},
			{ init },
		));
}

test('commands are found in the next steps as they are to be typed', () =>
	visit(report('many'), async (page) => {
		const steps = report('many').json.connections.flatMap((c) => c.failures.flatMap((f) => f.next_steps));
		const due = new Set(steps.flatMap((s) => [...s.matchAll(/`([^`]+)`/g)].map((m) => m[1])));
		const commands = new Set(await page.locator('.steps .command code').allInnerTexts());
		want([...commands].every((c) => due.has(c)) && commands.size >= 3, [...commands], [...due]);
		const first = report('many').json.connections.find((c) => c.failures.length).failures[0].next_steps.join(' ');
		want([...first.matchAll(/`([^`]+)`/g)].every((m) => commands.has(m[1])), [...commands], first);
	}));
