/* The page as a whole: saved, on paper, without a script, in another theme, and with very many records. */
import fs from 'node:fs';
import { drawing, textOf, visit } from './browser.mjs';
import { changed, large, report } from './reports.mjs';
import { note, same, test, want } from './tap.mjs';

test('saves the diagnosis, the same as the command writes it', () =>
	visit(report('logs'), async (page) => {
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page.getByRole('button', { name: 'Save report.json' }).first().click(),
		]);
		same(download.suggestedFilename(), 'report.json', 'name');
		same(JSON.parse(fs.readFileSync(await download.path(), 'utf8')), report('logs').json, 'content');
	}));

test('paper has every section, opened, dark on white, without what can only be clicked', () =>
	visit(
		report('many'),
		async (page) => {
			await page.setViewportSize({ width: 720, height: 1000 });
			await page.emulateMedia({ media: 'print' });
			await page.waitForFunction(() => document.documentElement.classList.contains('printing'));
			const seen = await page.evaluate(() => ({
				folded: [...document.querySelectorAll('details.fold')].filter((d) => !d.open).length,
				sections: [...document.querySelectorAll('main > section')].every((s) => s.checkVisibility()),
				failures: document.querySelectorAll('section.failure').length,
				ledgers: [...document.querySelectorAll('.ledger')].filter((l) => l.checkVisibility()).length,
				buttons: [...document.querySelectorAll('.copy, .controls, #bar')].filter((b) => b.checkVisibility()).length,
				ground: getComputedStyle(document.body).backgroundColor,
				ink: getComputedStyle(document.body).color,
				drawn: [...document.querySelectorAll('canvas')].every((c) => c.width > 100),
				wide: document.documentElement.scrollWidth,
			}));
			const n = report('many').json.connections.flatMap((c) => c.failures).length;
			same(
				[seen.folded, seen.sections, seen.failures, seen.ledgers, seen.buttons, seen.drawn, seen.wide],
				[0, true, n, n, 0, true, 720],
				'on paper',
			);
			same([seen.ground, seen.ink], ['rgb(255, 255, 255)', 'rgb(23, 32, 43)'], 'colours');
			await page.emulateMedia({ media: 'screen' });
			await page.waitForFunction(() => !document.documentElement.classList.contains('printing'));
			want(
				await page.evaluate(() => [...document.querySelectorAll('details.connection')].some((d) => !d.open)),
				'and folded again after',
			);
		},
		{ colorScheme: 'dark' },
	));

test('without a script it is the text report', () =>
	visit(
		report('logs'),
		async (page) => {
			same((await page.locator('noscript pre').textContent()).trim(), report('logs').text.trim(), 'text');
			want(await page.locator('noscript pre').isVisible(), 'to be seen');
		},
		{ javaScriptEnabled: false },
	));

test('where the page cannot be drawn it is the text report, too', () =>
	visit(
		changed('logs', 'broken', (json) => {
			json.connections[0].records = null;
		}),
		async (page) => {
			same((await page.locator('main pre').textContent()).trim(), report('logs').text.trim(), 'text');
			want(/could not be drawn/.test(await textOf(page)), 'said');
			same(await page.locator('main img').count(), 0, 'markup');
		},
		{ ready: 'text' },
	));

test('a link to a failure that is still folded opens it', () => {
	const all = report('many').json.connections.filter((c) => c.failures.length);
	const last = `failure-${all[all.length - 1].id}-0`;
	return visit(
		report('many'),
		async (page) => {
			const seen = () => page.evaluate(() => [document.activeElement.id, document.activeElement.closest('details')?.open]);
			await page.waitForFunction((id) => document.activeElement.id === id, last);
			same(await seen(), [last, true], 'on opening');
			await page.evaluate((id) => {
				location.hash = id;
			}, `failure-${all[3].id}-0`);
			await page.waitForFunction((id) => document.activeElement.id === id, `failure-${all[3].id}-0`);
		},
		{ hash: `#${last}` },
	);
});

test('the theme can be chosen, and motion be spared', () =>
	visit(
		report('flip'),
		async (page) => {
			const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
			const light = await ground();
			const drawn = await drawing(page, '.ladder');
			await page.locator('#theme').click();
			same(await ground(), light, 'light');
			await page.locator('#theme').click();
			want((await ground()) !== light && drawn !== (await drawing(page, '.ladder')), 'dark, and so the drawing');
			same(await page.locator('#theme').innerText(), 'Dark', 'named');
			same(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), 'auto', 'motion');
			same(
				await page.evaluate(
					() =>
						[...document.querySelectorAll('p, td, dd, code')].filter(
							(n) => getComputedStyle(n).userSelect === 'none',
						).length,
				),
				0,
				'text that cannot be selected',
			);
		},
		{ reducedMotion: 'reduce', colorScheme: 'light' },
	));

test('100,000 records: to be worked with in 2 s, and not stalling then', async () => {
	const r = large(100000);
	const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
	let times = [];
	// A machine that is busy with other things gets a second try.
	for (let round = 0; round < 2 && (!times.length || median(times) > 2000); round++) {
		times = [];
		for (let i = 0; i < 3; i++)
			times.push(
				await visit(r, (page) => page.evaluate(() => performance.getEntriesByName('badmac-ready')[0].startTime)),
			);
	}
	note(`ready after ${times.map((t) => `${Math.round(t)} ms`).join(', ')}`);
	want(median(times) <= 2000, times);
	await visit(r, async (page) => {
		await page.getByRole('button', { name: 'All: show the whole connection' }).click();
		const frames = await page.evaluate(async () => {
			const c = document.querySelector('.ladder'),
				list = [];
			c.scrollIntoView();
			c.focus();
			for (let i = 0; i < 40; i++) {
				const began = performance.now();
				c.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? '-' : '+', bubbles: true }));
				await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
				list.push(performance.now() - began);
			}
			return list;
		});
		note(`a frame of all takes ${Math.round(median(frames))} ms`);
		want(median(frames) < 250, frames);
		await page.getByText('Records and events as a table').click();
		same(
			(await page.locator('#failed .rows tbody tr').filter({ hasText: 'client' }).count()) <= 100 + 40,
			true,
			'a page of rows, not all',
		);
		await page.getByRole('button', { name: 'Go to the failing record' }).click();
		same(await page.locator('tr.fails th').first().innerText(), 'Fails: Application data', 'found among all');
	});
});
