/* What several failures have in common, and whether chance would give it. Pure: takes failures, gives sentences and counts;
 * refuses to know the page. */

const RARE = 1 / 1000;

/* The chance of k or more of n, each with chance p. */
function tail(n, k, p) {
	if (k <= 0 || p >= 1) return 1;
	if (p <= 0) return 0;
	let log = k * Math.log(p) + (n - k) * Math.log1p(-p);
	for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
	let term = Math.exp(log),
		sum = 0;
	for (let i = k; i <= n && term > 0; i++) {
		sum += term;
		term *= ((n - i) / (i + 1)) * (p / (1 - p));
	}
	return Math.min(1, sum);
}

const MOST_VALUES = 500;

/* The chance, at most, that k of n agree on any value, where values have these shares. */
function agree(n, k, shares) {
	const sorted = [...shares].sort((a, b) => b - a);
	let sum = 0;
	for (const p of sorted.slice(0, MOST_VALUES)) sum += tail(n, k, p);
	if (sorted.length > MOST_VALUES) sum += (sorted.length - MOST_VALUES) * tail(n, k, sorted[MOST_VALUES]);
	return Math.min(1, sum);
}

function mode(values) {
	const counts = new Map();
	for (const v of values) counts.set(v, (counts.get(v) || 0) + 1);
	let best = null;
	for (const [value, times] of counts) {
		if (!best || times > best.times) best = { value, times };
	}
	return best;
}

const FEW_BITS = 4;

/* The bits that differ, where they are few: [{ bit, up }], up: sent 0, arrived 1. Of many it is no bits that were flipped. */
function flippedBits(failure) {
	const bits = [];
	for (const d of failure.damage) {
		if (!known(d.sent) || d.sent.length !== d.received.length) continue;
		const got = parseHex(d.received),
			sent = parseHex(d.sent);
		for (let i = 0; i < got.length; i++) {
			for (let b = 0; got[i] >= 0 && sent[i] >= 0 && b < 8; b++) {
				if (((got[i] ^ sent[i]) >> b) & 1) bits.push({ bit: b, up: (got[i] >> b) & 1 });
			}
		}
	}
	return bits.length > FEW_BITS ? [] : bits;
}

/* Where in the record the damage begins, where it could have begun anywhere: not of a header or a tag. */
function freePlace(e) {
	const first = e.failure.damage[0];
	return first && first.record_offset >= 5 && e.failure.cause !== 'tag-damaged' ? first : null;
}

/* The one value of all flipped bits of a failure, or null. */
function oneOf(e, pick) {
	const values = new Set(flippedBits(e.failure).map(pick));
	return values.size === 1 ? [...values][0] : null;
}

/* A trait whose values are as likely as each other: so many of them. */
function uniform(id, many, value, say, rest) {
	return { id, value, say, chance: (n, k) => Math.min(1, many * tail(n, k, 1 / many)), rest: () => rest };
}

/* A trait that all records have: how likely a value is, is its share of the records that were checked. */
function shared(id, value, shares, say, which = 'that were checked') {
	const rest = (v) => `${((shares.get(v) ?? 1) * 100).toPrecision(3)} % of the records ${which} are such`;
	return { id, value, say, chance: (n, k, v) => (shares.has(v) ? agree(n, k, shares.values()) : 1), rest };
}

/* Each trait: value(failure), null where it is not known; chance(n, k, value), that k of n agree on any value; say and rest, in words. */
function traits(model) {
	const shares = backgroundShares(model);
	const span = Math.max(...model.failures.map((e) => e.failure.length || 0), 64);
	const page = Math.min(4096, span),
		segment = Math.min(1460, span);
	const place = (e, of) => {
		const first = freePlace(e);
		return first && known(first.record_offset) ? of(first) : null;
	};
	const begins = 'the damage begins at';
	return [
		uniform(
			'bit',
			8,
			(e) => oneOf(e, (b) => b.bit),
			(v) => `the same bit, bit ${v} of a byte, was flipped`,
			'a bit of a byte is one of 8',
		),
		uniform(
			'way',
			2,
			(e) => oneOf(e, (b) => b.up),
			(v) => (v ? 'bits went from 0 to 1' : 'bits went from 1 to 0'),
			'a bit can go one of 2 ways',
		),
		uniform(
			'mod64',
			64,
			(e) => place(e, (d) => d.record_offset % 64),
			(v) => `${begins} record offset ${v} modulo 64`,
			'one place in 64',
		),
		uniform(
			'mod4096',
			page,
			(e) => place(e, (d) => d.record_offset % 4096),
			(v) => `${begins} record offset ${count(v)} modulo 4,096`,
			`one place in ${count(page)}`,
		),
		uniform(
			'offset',
			span,
			(e) => place(e, (d) => d.record_offset),
			(v) => `${begins} record offset ${count(v)}`,
			`one place in the longest record’s ${count(span)}`,
		),
		uniform(
			'frame',
			segment,
			(e) => place(e, (d) => d.packet_offset),
			(v) => `${begins} byte ${count(v)} of the packet`,
			`one place in ${count(segment)}`,
		),
		shared(
			'direction',
			(e) => e.failure.direction,
			shares.direction,
			(v) => `the record went from ${directionWords(v)}`,
		),
		shared(
			'server',
			(e) => e.connection.server,
			shares.server,
			(v) => `the server is ${v}`,
		),
		shared(
			'client',
			(e) => addressOf(e.connection.client),
			shares.client,
			(v) => `the client is ${v}`,
		),
		shared(
			'suite',
			(e) => e.connection.cipher_suite,
			shares.suite,
			(v) => `the suite is ${v}`,
		),
		shared(
			'size',
			(e) => e.failure.length,
			shares.size,
			(v) => `the record has ${bytesText(v)}`,
			'that this page lists',
		),
	];
}

function addressOf(end) {
	return end.replace(/:\d+$/, '');
}

function backgroundShares(model) {
	const shares = { direction: new Map(), server: new Map(), client: new Map(), suite: new Map(), size: new Map() };
	const add = (map, key, n) => map.set(key, (map.get(key) || 0) + n);
	let all = 0,
		sized = 0;
	for (const c of model.connections) {
		for (const way of ['client_to_server', 'server_to_client']) {
			const n = c.records[way].verified + c.records[way].failed;
			all += n;
			add(shares.direction, way, n);
			add(shares.server, c.server, n);
			add(shares.client, addressOf(c.client), n);
			add(shares.suite, c.cipher_suite, n);
		}
	}
	for (const detail of model.details.values()) {
		const r = detail.records;
		for (let i = 0; r && i < r.time.length; i++) {
			if (r.state[i] < 2) {
				add(shares.size, r.length[i], 1);
				sized++;
			}
		}
	}
	for (const [name, map] of Object.entries(shares)) {
		for (const [key, n] of map) map.set(key, n / Math.max(1, name === 'size' ? sized : all));
	}
	return shares;
}

/* Times of failures in a regular beat: the bound that each of m gaps lies within a tenth of their mean by chance. */
function beat(times) {
	const gaps = times.slice(1).map((t, i) => t - times[i]);
	const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
	if (gaps.length < 4 || mean <= 0 || !gaps.every((g) => Math.abs(g - mean) <= mean / 10)) return null;
	let chance = 1;
	for (let i = 1; i < gaps.length; i++) chance *= (i * 0.2) / gaps.length;
	return { mean, chance };
}

/* Failures of different days at one time of day: n points of a circle within an arc of share w, n w^(n-1). */
function timeOfDay(times) {
	const day = 86400000000;
	if (times.length < 3 || Math.floor(times[0] / day) === Math.floor(times[times.length - 1] / day)) return null;
	const clock = times.map((t) => t % day).sort((a, b) => a - b);
	let widest = 0,
		from = 0;
	clock.forEach((t, i) => {
		const gap = i + 1 < clock.length ? clock[i + 1] - t : clock[0] + day - t;
		if (gap > widest) {
			widest = gap;
			from = clock[(i + 1) % clock.length];
		}
	});
	const share = (day - widest) / day;
	return share > 0.5 ? null : { from, length: day - widest, chance: clock.length * share ** (clock.length - 1) };
}

/* { said: [{ id, text, chance, rule }], compared }: what chance gives less often than once in 1,000, the rarest first. */
function findShared(model) {
	const entries = model.failures;
	const said = [];
	let compared = 0;
	for (const t of traits(model)) {
		const values = entries.map(t.value).filter(known);
		const best = values.length > 1 ? mode(values) : null;
		if (!best) continue;
		compared++;
		const chance = t.chance(values.length, best.times, best.value);
		if (best.times > 1 && chance <= RARE)
			said.push({
				id: t.id,
				chance,
				times: best.times,
				text: `In ${count(best.times)} of ${count(values.length)} ${t.say(best.value)}`,
				rule: t.rest(best.value),
			});
	}
	const times = entries
		.map((e) => e.micros)
		.filter((t) => !Number.isNaN(t))
		.sort((a, b) => a - b);
	const pulse = times.length > 4 ? beat(times) : null,
		daily = timeOfDay(times);
	compared += (times.length > 4) + (times.length > 2);
	if (pulse && pulse.chance <= RARE)
		said.push({
			id: 'beat',
			chance: pulse.chance,
			text: `They come in a regular beat, every ${sinceShort(pulse.mean)} within a tenth`,
			rule: 'at random, gaps are of all lengths',
		});
	if (daily && daily.chance <= RARE)
		said.push({
			id: 'day',
			chance: daily.chance,
			text: `On different days they come at one time of day, within ${sinceShort(daily.length)} from ${clockText(daily.from).slice(11, 16)} UTC`,
			rule: 'at random, they are spread over the day',
		});
	// One place is one place modulo 64 too: that is said once.
	const whole = said.find((s) => s.id === 'offset');
	const kept = said.filter((s) => !whole || !s.id.startsWith('mod') || s.times > whole.times);
	return { said: kept.sort((a, b) => a.chance - b.chance), compared };
}

function onceIn(chance) {
	const n = 1 / chance;
	return n > 1e15 ? `once in ${power('10', Math.floor(Math.log10(n)))}` : `once in ${count(Math.floor(n))}`;
}
