/* Small charts of several failures: where modulo 64, which bits, when. Each says its numbers in words too. */

function chart(title, words, height, draw) {
	const canvas = make('canvas', { role: 'img', 'aria-label': words });
	const box = make('div.canvas-box', canvas);
	new Surface(canvas, () => height, draw).ask();
	return make('figure.chart', make('figcaption', title), box, make('p.quiet', words));
}

/* values: { label, parts: [number...] }; colours: names, one a part. */
function bars(context, width, height, c, values, colours, every) {
	const most = Math.max(1, ...values.map((v) => v.parts.reduce((a, b) => a + b, 0)));
	const left = 24,
		bottom = height - 18,
		wide = (width - left - 4) / values.length;
	context.font = SMALL;
	context.textBaseline = 'middle';
	context.textAlign = 'right';
	context.fillStyle = c.muted;
	context.fillText(String(most), left - 5, 10);
	context.fillText('0', left - 5, bottom);
	context.fillStyle = c.line;
	context.fillRect(left, bottom, width - left - 4, 1);
	context.fillRect(left, 10, width - left - 4, 1);
	context.textAlign = 'center';
	values.forEach((v, i) => {
		let y = bottom;
		v.parts.forEach((n, k) => {
			const high = (n / most) * (bottom - 10);
			context.fillStyle = c[colours[k]];
			context.fillRect(
				left + i * wide + (wide > 6 ? 1.5 : 0.25),
				y - high,
				Math.max(1, wide - (wide > 6 ? 3 : 0.5)),
				high,
			);
			y -= high;
		});
		if (i % every === 0) {
			context.fillStyle = c.muted;
			context.fillText(v.label, left + (i + 0.5) * wide, height - 8);
		}
	});
}

function mod64Chart(entries) {
	const offsets = entries.flatMap((e) => e.failure.damage.slice(0, 1).map((d) => d.record_offset % 64));
	if (offsets.length < 2) return null;
	const counts = new Array(64).fill(0);
	for (const o of offsets) counts[o]++;
	const seen = counts
		.map((n, i) => [n, i])
		.filter(([n]) => n)
		.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
	const words =
		`Record offset modulo 64 where the damage begins: ${seen
			.slice(0, 8)
			.map(([n, i]) => `${i} (${n})`)
			.join(', ')}` + `${seen.length > 8 ? `, and ${seen.length - 8} more places` : ''}.`;
	return chart('Where in 64 bytes', words, 120, (context, w, h, c) =>
		bars(
			context,
			w,
			h,
			c,
			counts.map((n, i) => ({ label: String(i), parts: [n] })),
			['failed'],
			8,
		),
	);
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

function bitsChart(entries) {
	const counts = Array.from({ length: 8 }, () => [0, 0]);
	for (const e of entries) {
		for (const { bit, up } of flippedBits(e.failure)) counts[bit][up ? 0 : 1]++;
	}
	if (!counts.some(([a, b]) => a + b)) return null;
	const order = [7, 6, 5, 4, 3, 2, 1, 0];
	const words = `Bits that went from 0 to 1 (lower part) and from 1 to 0 (upper part): ${order
		.filter((b) => counts[b][0] + counts[b][1])
		.map((b) => `bit ${b}: ${counts[b][0]} and ${counts[b][1]}`)
		.join('; ')}.`;
	return chart('Which bits', words, 120, (context, w, h, c) =>
		bars(
			context,
			w,
			h,
			c,
			order.map((b) => ({ label: String(b), parts: counts[b] })),
			['c2s', 'undecided'],
			1,
		),
	);
}

function timeChart(entries) {
	const times = entries
		.map((e) => e.micros)
		.filter((t) => !Number.isNaN(t))
		.sort((a, b) => a - b);
	if (times.length < 2) return null;
	const first = times[0],
		last = times[times.length - 1];
	const words = `${plural(times.length, 'failure')} from ${clockText(first)} to ${clockText(last)}: ${sinceShort(last - first)} from the first to the last.`;
	return chart('When', words, 64, (context, w, h, c) => {
		const x = (t) => 10 + (last > first ? (t - first) / (last - first) : 0.5) * (w - 20);
		context.fillStyle = c.muted;
		context.fillRect(10, 30, w - 20, 1);
		context.fillStyle = c.failed;
		context.globalAlpha = 0.7;
		for (const t of times) {
			context.beginPath();
			context.arc(x(t), 30, 5, 0, 2 * Math.PI);
			context.fill();
		}
		context.globalAlpha = 1;
		context.font = SMALL;
		context.fillStyle = c.muted;
		context.textAlign = 'left';
		context.fillText(clockText(first).slice(0, 19), 6, 55);
		context.textAlign = 'right';
		if (w > 420) context.fillText(clockText(last).slice(0, 19), w - 6, 55);
	});
}

function causeChart(entries) {
	const counts = new Map();
	for (const e of entries) counts.set(e.failure.cause, (counts.get(e.failure.cause) || 0) + 1);
	const most = Math.max(...counts.values());
	return make(
		'figure.chart',
		make('figcaption', 'Causes'),
		make(
			'ul.causes',
			[...counts]
				.sort((a, b) => b[1] - a[1])
				.map(([cause, n]) => {
					const bar = make('span.bar');
					bar.style.width = `${(n / most) * 100}%`;
					return make(
						'li',
						make('code', cause),
						' ',
						make('b', count(n)),
						make('span.track', { 'aria-hidden': 'true' }, bar),
					);
				}),
		),
	);
}
