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

test('what failures share is said only where chance would not give it', async () => {
	const build = (name, offset, bit) =>
		changed('flip', name, (json, detail) => {
			const [c] = json.connections;
			let seed = 99;
			const random = (n) => {
				seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
				return (seed >>> 8) % n;
			};
			json.connections = Array.from({ length: 12 }, (_, i) => {
				const copy = structuredClone(c);
				copy.id = i;
				copy.client = `10.0.${i}.${i}:${4000 + i}`;
				const [f] = copy.failures;
				const at = offset(random);
				const sent = random(256);
				f.length = 1029 + i;
				f.direction = i % 2 ? 'client_to_server' : 'server_to_client';
				f.damage[0] = {
					...f.damage[0],
					record_offset: at,
					packet_offset: 66 + random(1000),
					sent: sent.toString(16).padStart(2, '0'),
					received: (sent ^ (1 << bit(random))).toString(16).padStart(2, '0'),
				};
				return copy;
			});
			detail.connections = [];
		});
	const said = (r) => visit(r, (page) => page.locator('.shared li').allInnerTexts());
	const random = await said(
		build(
			'by-chance',
			(r) => r(1000),
			(r) => r(8),
		),
	);
	same(random, [], 'of damage anywhere');
	const alike = await said(
		build(
			'alike',
			(r) => 13 + 64 * r(15),
			() => 4,
		),
	);
	want(
		alike.some((s) => s.startsWith('In 12 of 12 the damage begins at record offset 13 modulo 64.')),
		alike,
	);
	want(
		alike.some((s) => s.startsWith('In 12 of 12 the same bit, bit 4 of a byte, was flipped.')),
		alike,
	);
	same(alike.length, 2, 'and nothing else');
	await visit(report('flip'), async (page) => {
		const near = await page.evaluate(() => [
			tail(12, 12, 1 / 8) * 8 ** 12,
			tail(4, 2, 0.5),
			tail(10, 1, 0.1),
			tail(1000, 30, 0.01) * 1e7,
			agree(10, 9, [0.5, 0.5]),
			beat([0, 10, 20, 30, 40]).chance,
			timeOfDay([0, 864e8 + 6e9, 2 * 864e8]).chance,
		]);
		const due = [1, 11 / 16, 1 - 0.9 ** 10, 2.0599888509719412, 22 / 1024, 0.05 * 0.1 * 0.15, 3 * (6e9 / 864e8) ** 2];
		want(
			near.every((v, i) => Math.abs(v - due[i]) < 1e-9),
			near,
			due,
		);
	});
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
