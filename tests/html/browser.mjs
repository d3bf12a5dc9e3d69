/* One Chromium for all tests, and pages in it that note whatever goes wrong. */
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { want } from './tap.mjs';

let browser = null;

export async function open() {
	const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => fs.existsSync(p));
	// A sandbox cannot be had as root, and /dev/shm is small in containers.
	const args = ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])];
	browser = await chromium.launch({ executablePath: path, args });
	return browser.version();
}

export async function close() {
	await browser.close();
}

/* Opens a report and gives it to act(page); afterwards nothing may have gone wrong in it, or been asked of a network. */
export async function visit(report, act, options = {}) {
	const { width = 1280, height = 900, init = null, hash = '', ready = 'yes', ...more } = options;
	const context = await browser.newContext({
		viewport: { width, height },
		permissions: ['clipboard-read', 'clipboard-write'],
		...more,
	});
	const page = await context.newPage();
	page.setDefaultTimeout(15000);
	const wrong = [];
	page.on('console', (m) => (m.type() === 'error' || m.type() === 'warning') && wrong.push(`console: ${m.text()}`));
	page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
	page.on('dialog', (d) => wrong.push(`dialog: ${d.message()}`) && d.dismiss());
	page.on(
		'request',
		(r) => r.url().split('#')[0] !== report.url && !r.url().startsWith('blob:') && wrong.push(`request: ${r.url()}`),
	);
	try {
		if (init) await page.addInitScript(init);
		await page.goto(report.url + hash);
		if (more.javaScriptEnabled !== false) {
			const came = await page.evaluate(() => [document.documentElement.dataset.ready, document.querySelector('h1 + p')?.textContent]);
			want(came[0] === ready, 'the page did not come to its end', came, wrong);
		}
		const result = await act(page);
		want(wrong.length === 0, 'went wrong:', wrong);
		return result;
	} finally {
		await context.close();
	}
}

/* All that a reader sees, as one text. */
export async function textOf(page, selector = 'main') {
	return (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ');
}

/* Terms and what stands beside them, without buttons. */
export const factsIn = (page, selector) =>
	page.locator(`${selector} > div`).evaluateAll((list) =>
		Object.fromEntries(
			list.map((d) => {
				const dd = d.querySelector('dd').cloneNode(true);
				dd.querySelectorAll('button').forEach((b) => b.remove());
				return [d.querySelector('dt').textContent, dd.textContent.replace(/\s+/g, ' ').trim()];
			}),
		),
	);

export async function unfoldAll(page) {
	await page.evaluate(() => {
		for (let round = 0; round < 4; round++) document.querySelectorAll('details.fold').forEach((d) => d.unfold());
	});
}

/* A number for what is on a canvas: it changes when the drawing does. */
export async function drawing(page, selector) {
	return page.evaluate(async (s) => {
		await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
		const c = document.querySelector(s);
		const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });
		copy.drawImage(c, 0, 0);
		const { data } = copy.getImageData(0, 0, c.width, c.height);
		let sum = 2166136261;
		for (let i = 0; i < data.length; i += 4)
			sum = Math.imul(sum ^ ((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]) ^ data[i + 3], 16777619);
		return sum >>> 0;
	}, selector);
}
