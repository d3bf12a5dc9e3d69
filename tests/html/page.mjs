#!/usr/bin/env node
/* The page that badmac diagnose --format html writes, in a browser: what it says, and how it is worked with. Prints TAP. BADMAC
 * names the command; Chromium is Debian's, the packages are those of package-lock.json (packages.py puts them here). */
import fs from 'node:fs';
import { close, open } from './browser.mjs';
import { folder } from './reports.mjs';
import './said.mjs';
import './pieces.mjs';
import './operate.mjs';
import './whole.mjs';
import { note, runAll } from './tap.mjs';

note(`Chromium ${await open()}`);
let bad = 1;
try {
	bad = await runAll();
} finally {
	await close();
	fs.rmSync(folder, { recursive: true, force: true });
}
process.exitCode = bad ? 1 : 0;
