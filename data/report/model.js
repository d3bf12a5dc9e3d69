/* The two JSON texts of the page, joined: each failure with its connection and with what was recorded of it. Knows their
 * names (docs/OUTPUT.md, docs/HTML.md); refuses to know how anything is shown. */

function readJson(id) {
	try {
		return JSON.parse(document.getElementById(id).textContent);
	} catch (e) {
		return null;
	}
}

function readModel() {
	const report = readJson('diagnosis') || {};
	const detail = readJson('detail') || {};
	const details = new Map((detail.connections || []).map((d) => [d.id, d]));
	const connections = report.connections || [];
	readPieces(report.summary || {});
	const model = {
		summary: report.summary || {},
		connections,
		report,
		details,
		redacted: detail.redacted || null,
		generator: detail.generator || 'badmac',
		leftOut: detail.connections_left_out || 0,
		shared: detail.shared || { compared: 0, stated: [] },
		failures: [],
		failed: connections.filter((c) => (c.failures || []).length > 0),
		undecided: connections.filter((c) => c.result === 'undecided' && !(c.failures || []).length),
		verified: connections.filter((c) => c.result === 'verified' && !(c.failures || []).length),
		has: (c) => details.get(c.id) || null,
	};
	const opened = connections.filter((c) => known(c.keys));
	const secretsInside = opened.length > 0 && opened.every((c) => c.keys === 'secrets block');
	for (const connection of model.failed) {
		const known = details.get(connection.id);
		connection.failures.forEach((failure, place) => {
			const more = known && known.failures ? known.failures[place] : null;
			model.failures.push({
				failure,
				connection,
				place,
				redacted: model.redacted,
				secretsInside,
				record: more ? more.record : null,
				id: `failure-${connection.id}-${place}`,
				micros: failureTime(connection, failure, known),
			});
		});
	}
	return model;
}

/* Index of the failing record among those of the connection, or -1. */
function recordOf(failure, records) {
	if (!records) return -1;
	const direction = failure.direction === 'client_to_server' ? 0 : 1;
	let numbered = -1;
	for (let i = 0; i < records.time.length; i++) {
		if (records.direction[i] !== direction) continue;
		if (failure.stream_offset !== null && records.stream_offset[i] === failure.stream_offset) return i;
		if (
			numbered < 0 &&
			failure.stream_offset === null &&
			failure.sequence_number !== null &&
			records.epoch[i] === failure.epoch &&
			records.sequence_number[i] === failure.sequence_number
		)
			numbered = i;
	}
	return numbered;
}

/* Microseconds since 1970 at which the failing record was complete; NaN where nothing tells. */
function failureTime(connection, failure, known) {
	const at = known ? recordOf(failure, known.records) : -1;
	return at >= 0 ? microseconds(known.start) + known.records.time[at] : NaN;
}

/* What is read of a record's layout from its header and suite: octets of header, of explicit nonce or IV, of tag; null where
 * neither tells. A tag of CBC with the MAC inside stands under the encryption, in front of the padding: nobody sees where. */
function recordLayout(connection, bytes) {
	const version = connection.version || '';
	const suite = connection.cipher_suite || '';
	const layout = { header: null, nonce: 0, nonceName: '', tag: null, tagName: 'tag', length: null };
	if (version === 'DTLS 1.3' && (bytes[0] & 0xe0) === 0x20) {
		if (!(bytes[0] & 0x10)) {
			const number = bytes[0] & 8 ? 2 : 1;
			layout.header = 1 + number + (bytes[0] & 4 ? 2 : 0);
			layout.length = bytes[0] & 4 ? layout.header + bytes[1 + number] * 256 + bytes[2 + number] : null;
		}
	} else if (bytes[0] >= 20 && bytes[0] <= 26 && bytes[0] !== 25) {
		layout.header = connection.transport === 'udp' ? 13 : 5;
		layout.length = layout.header + bytes[layout.header - 2] * 256 + bytes[layout.header - 1];
	}
	const aead = /_(GCM|CCM|CCM_8)(_|$)/.test(suite);
	const late = /1\.3$/.test(version);
	const chained = /_CBC_/.test(suite);
	if (aead || /CHACHA20/.test(suite)) {
		layout.tag = /_CCM_8(_|$)/.test(suite) ? 8 : 16;
		layout.nonce = aead && !late ? 8 : 0;
		layout.nonceName = 'explicit nonce';
	} else if (suite && !late) {
		const hash = { MD5: 16, SHA: 20, SHA256: 32, SHA384: 48 }[suite.slice(suite.lastIndexOf('_') + 1)];
		if (hash && (!chained || connection.encrypt_then_mac)) {
			layout.tag = connection.truncated_hmac ? 10 : hash;
			layout.tagName = 'MAC';
		}
		if (chained && !/^(SSL 3\.0|TLS 1\.0)$/.test(version)) {
			layout.nonce = /3DES|DES_CBC|IDEA|RC2/.test(suite) ? 8 : 16;
			layout.nonceName = 'IV';
		}
	}
	return layout;
}

function parseHex(text) {
	const length = text.length >> 1;
	const values = new Int16Array(length);
	for (let i = 0; i < length; i++) values[i] = text[2 * i] === '.' ? HIDDEN : parseInt(text.substr(2 * i, 2), 16);
	return values;
}

const HIDDEN = -3,
	UNKNOWN_VALUE = -2,
	ABSENT = -1;

/* Received and sent beside each other, column by column, with holes where bytes are missing or too many:
 * { got, sent, at, own, bad }: values (0..255, ABSENT, UNKNOWN_VALUE, HIDDEN), the place in the record as received (of an absent
 * one, of what stands behind it), the place in the record as it was made (where what was sent is not known, the same again), and
 * whether the column lies in damage. */
function alignRecord(record, damage) {
	const received = parseHex(record.received);
	const whole = record.sent === null || record.sent === undefined ? null : parseHex(record.sent);
	const got = [],
		sent = [],
		at = [],
		own = [],
		bad = [];
	const runs = [];
	let i = 0,
		j = 0,
		made = 0;
	const push = (g, s, hurt) => {
		got.push(g);
		sent.push(s);
		at.push(i);
		own.push(whole ? made : i);
		bad.push(hurt ? 1 : 0);
		made += s !== ABSENT;
	};
	const plain = (until) => {
		while (i < until && i < received.length) {
			push(received[i], whole ? (j < whole.length ? whole[j] : ABSENT) : UNKNOWN_VALUE, false);
			i++;
			j++;
		}
	};
	for (const d of damage) {
		if (d.record_offset < i) continue;
		plain(d.record_offset);
		const put_ = known(d.sent) || d.sent === '' ? parseHex(d.sent) : null;
		const here = Math.min(d.length, received.length - i);
		const there = put_ ? put_.length : here;
		const first = got.length;
		for (let k = 0; k < Math.max(here, there); k++) {
			const s = !put_ ? UNKNOWN_VALUE : k < there ? put_[k] : ABSENT;
			push(k < here ? received[i] : ABSENT, s, true);
			if (k < here) i++;
		}
		j += there;
		runs.push({ first, length: got.length - first, damage: d });
	}
	plain(received.length);
	while (whole && j < whole.length) {
		push(ABSENT, whole[j], true);
		j++;
	}
	return {
		got: Int16Array.from(got),
		sent: Int16Array.from(sent),
		at: Int32Array.from(at),
		own: Int32Array.from(own),
		bad: Uint8Array.from(bad),
		runs,
		length: got.length,
		made: whole || received,
		sentKnown: whole !== null,
	};
}

/* A word for a shell, whatever is in it. */
function shellWord(text) {
	return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
