/* Reports to look at: what badmac makes of captures of tests/data, and pages of its own with other JSON in them, for what no
 * capture at hand has. Knows the command and docs/OUTPUT.md; refuses to know the page. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BADMAC = path.resolve(process.env.BADMAC || path.join(ROOT, 'build/src/cli/badmac'));
const DAMAGED = 'tests/data/damaged';
export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'badmac-page-'));

function run(program, args) {
	const r = spawnSync(program, args, { cwd: ROOT, maxBuffer: 1 << 30, timeout: 120000 });
	if (r.error || r.status === null || (program === BADMAC && (r.status < 0 || r.status === 2 || r.status > 3)))
		throw new Error(`${program} ${args.join(' ')}: ${r.error || `exit status ${r.status}: ${r.stderr}`}`);
	return r.stdout.toString();
}

/* What a command of a page comes to, as it is printed, where report.json and KEYS are: { status, out }. */
export function asPrinted(command, report, keys) {
	const here = fs.mkdtempSync(path.join(folder, 'typed-'));
	fs.writeFileSync(path.join(here, 'report.json'), report);
	fs.symlinkSync(path.join(ROOT, keys), path.join(here, 'KEYS'));
	fs.symlinkSync(BADMAC, path.join(here, 'badmac'));
	const r = spawnSync('sh', ['-c', command], { cwd: here, env: { ...process.env, PATH: `${here}:${process.env.PATH}` }, timeout: 120000 });
	return { status: r.status, out: `${r.stdout}${r.stderr}` };
}

export function tshark(args) {
	return run('tshark', args);
}

function damagedArgs(names) {
	return names.flatMap((n) => ['-k', `${DAMAGED}/${n}/keys.log`, `${DAMAGED}/${n}/receiver.pcap`]);
}

/* A pcap file in pieces, in the folder: each from one packet, as they count from 0, up to the next. */
function cut(capture, from, name) {
	const bytes = fs.readFileSync(path.join(ROOT, capture));
	const starts = [];
	for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) starts.push(at);
	return from.map((first, i) => {
		const file = path.join(folder, name(i));
		const end = i + 1 < from.length ? starts[from[i + 1]] : bytes.length;
		fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, 24), bytes.subarray(starts[first], end)]));
		return file;
	});
}

const SUITES = ['tls12-aes128gcm', 'tls13-aes256gcm', 'tls10-rc4sha-gnutls'];
const WAYS = ['bitflip', 'comp2', 'drop', 'dup', 'inject_raw', 'lenhdr', 's2c_bitflip', 'wordswap', 'none'];
/* What is diagnosed for each report; the log is written here. */
const ASKED = {
	flip: () => damagedArgs(['tls12-aes128gcm/bitflip']),
	hidden: () => ['--redact', 'all', ...damagedArgs(['tls12-aes128gcm/bitflip'])],
	drop: () => damagedArgs(['tls12-aes128gcm/drop']),
	inject: () => damagedArgs(['tls13-aes256gcm/inject_raw']),
	header: () => damagedArgs(['tls12-aes128gcm/lenhdr']),
	swap: () => damagedArgs(['tls12-cbc-sha256-mte/swap']),
	/* The record is sent twice, and the second piece begins between the two. */
	pieces: () => [
		'-k',
		`${DAMAGED}/tls12-aes128gcm/replay/keys.log`,
		...cut(`${DAMAGED}/tls12-aes128gcm/replay/receiver.pcap`, [0, 22, 27], (i) => `it's piece ${i + 1}.pcap`),
	],
	/* Two places, each in pieces. */
	places: () => [
		'-k',
		`${DAMAGED}/tls12-aes128gcm/bitflip/keys.log`,
		...cut(`${DAMAGED}/tls12-aes128gcm/bitflip/receiver.pcap`, [0, 20], (i) => `receiver${i + 1}.pcap`),
		...cut(`${DAMAGED}/tls12-aes128gcm/bitflip/sender.pcap`, [0, 19], (i) => `sender${i + 1}.pcap`),
	],
	/* The capture brings its secrets. */
	inside: () => {
		const file = path.join(folder, 'with secrets.pcapng');
		const flip = `${DAMAGED}/tls12-aes128gcm/bitflip`;
		run('editcap', ['--inject-secrets', `tls,${flip}/keys.log`, `${flip}/receiver.pcap`, file]);
		return [file];
	},
	good: () => damagedArgs(['tls12-aes128gcm/s2c_bitflip']),
	chacha: () => damagedArgs(['tls12-chacha20/bitflip']),
	many: () => damagedArgs(SUITES.flatMap((s) => WAYS.map((w) => `${s}/${w}`))),
	undecided: () => ['tests/data/joy/tls10.pcap', 'tests/data/joy/tls11.pcap', 'tests/data/joy/tls12.pcap'],
	verified: () => damagedArgs(['tls13-aes256gcm/none']),
	dtls: () => ['-k', 'tests/data/illustrated-dtls13/keylog.txt', '-v', 'tests/data/illustrated-dtls13/capture.pcap'],
	logs: () => {
		const log = path.join(folder, 'server.log');
		fs.writeFileSync(
			log,
			'worker: <img src=x onerror=alert(1)> 10.9.2.2:46310: error:0A000119:SSL routines:ssl3_get_record:decryption failed or bad record mac\n',
		);
		return ['--log', log, ...damagedArgs(['tls12-aes128gcm/bitflip'])];
	},
};

const made = new Map();

/* { file, url, html, json, detail, text } of one of those above; made once. */
export function report(name) {
	if (!made.has(name)) {
		const args = ASKED[name]();
		const file = path.join(folder, `${name}.html`);
		run(BADMAC, ['diagnose', '-q', '--format', 'html', '-o', file, ...args]);
		made.set(
			name,
			read(
				file,
				() => JSON.parse(run(BADMAC, ['diagnose', '-q', '--format', 'json', ...args])),
				() => run(BADMAC, ['diagnose', '-q', ...args]),
			),
		);
	}
	return made.get(name);
}

export const NAMES = Object.keys(ASKED);

function inside(id) {
	return new RegExp(`(<script type="application/json" id="${id}">)([\\s\\S]*?)(</script>)`);
}

function read(file, json, text) {
	const html = fs.readFileSync(file, 'utf8');
	return {
		file,
		url: pathToFileURL(file).href,
		html,
		json: json(),
		detail: JSON.parse(inside('detail').exec(html)[2]),
		text: text ? text() : '',
	};
}

function escaped(value) {
	return JSON.stringify(value).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/* The page of a report with its JSON changed: change(diagnosis, detail) alters them in place. */
export function changed(from, name, change) {
	const base = report(from);
	const json = structuredClone(base.json),
		detail = structuredClone(base.detail);
	change(json, detail);
	const put = (html, id, value) => html.replace(inside(id), (_, a, b, c) => `${a}\n${escaped(value)}\n${c}`);
	const file = path.join(folder, `${name}.html`);
	fs.writeFileSync(file, put(put(base.html, 'diagnosis', json), 'detail', detail));
	return read(file, () => json);
}

/* A connection of n records, one of which fails, seven tenths on. */
export function large(n) {
	return changed('flip', `large-${n}`, (json, detail) => {
		const failure = json.connections[0].failures[0];
		const at = Math.floor(n * 0.7),
			offset = [0, 0],
			number = [0, 0];
		const r = {
			time: [],
			direction: [],
			length: [],
			type: [],
			state: [],
			packet: [],
			epoch: [],
			sequence_number: [],
			stream_offset: [],
		};
		for (let i = 0, time = 0; i < n; i++) {
			const way = i === at ? 0 : (i >> 3) & 1;
			const length = 100 + ((i * 7919) % 16300);
			time += i % 500 ? 40 : 30000;
			const row = [time, way, length, 23, i === at ? 1 : 0, i + 3, 1, number[way]++, offset[way]];
			Object.values(r).forEach((column, k) => column.push(row[k]));
			if (i === at) failure.stream_offset = offset[way];
			offset[way] += length;
		}
		const c = json.connections[0].records;
		c.client_to_server.verified = r.direction.filter((d) => d === 0).length - 1;
		c.server_to_client.verified = r.direction.filter((d) => d === 1).length;
		detail.connections[0].records = r;
	});
}
