/* Draws a timeline between two lifelines: arrows where there is room, bytes for each line of the screen where there is none,
 * and a strip of the whole. Refuses to know keys and pointers. */

const LADDER_TOP = 34,
	LADDER_BOTTOM = 10;

function ladderFrame(width) {
	const narrow = width < 480;
	const gutter = narrow ? 46 : 92,
		across = narrow ? 16 : 30;
	return {
		gutter,
		left: gutter + (narrow ? 8 : 14),
		right: width - across - (narrow ? 16 : 40),
		strip: width - across,
		across,
		narrow,
	};
}

function stateColour(c, timeline, row) {
	if (timeline.failing[row] >= 0 || timeline.state[row] === 1) return c.failed;
	const name = timeline.kind[row] === 0 ? timeline.names.get(timeline.ref[row]) : null;
	if (name && name.kind === 'alert') return c.undecided;
	if (timeline.kind[row] !== 0)
		return ['retransmission', 'gap', 'end', 'other'].includes(EVENT_KINDS[timeline.kind[row]]) ? c.muted : c.undecided;
	if (timeline.state[row] === 2) return c.undecided;
	if (timeline.state[row] === 3) return c.plaintext;
	return timeline.direction[row] === 0 ? c.c2s : c.s2c;
}

function drawLadder(context, width, height, c, ladder) {
	const t = ladder.timeline,
		f = ladderFrame(width);
	const bottom = height - LADDER_BOTTOM;
	context.textBaseline = 'middle';
	drawLifelines(context, c, f, bottom, width);
	if (t.rows.length) {
		const y = (place) => LADDER_TOP + 12 + ((place - ladder.from) / (ladder.to - ladder.from)) * (bottom - LADDER_TOP - 24);
		const first = Math.max(0, t.rowAt(ladder.from - (ladder.to - ladder.from) * 0.03) - 1);
		let last = t.rowAt(ladder.to + (ladder.to - ladder.from) * 0.03);
		last = Math.min(t.rows.length - 1, last);
		context.save();
		context.beginPath();
		context.rect(0, LADDER_TOP, f.strip - 4, bottom - LADDER_TOP);
		context.clip();
		if ((bottom - LADDER_TOP) / Math.max(1, last - first) >= 11) drawArrows(context, c, f, ladder, first, last, y);
		else drawDensity(context, c, f, ladder, first, last, y, bottom);
		context.restore();
		drawStrip(context, c, f, ladder, bottom);
	} else {
		context.fillStyle = c.muted;
		context.font = PLAIN;
		context.textAlign = 'center';
		context.fillText('Nothing of this connection passes the filter.', width / 2, height / 2, width - 20);
	}
}

function drawLifelines(context, c, f, bottom) {
	context.lineWidth = 1;
	context.strokeStyle = c.muted;
	for (const [x, name] of [
		[f.left, 'client'],
		[f.right, 'server'],
	]) {
		context.beginPath();
		context.moveTo(x + 0.5, LADDER_TOP - 8);
		context.lineTo(x + 0.5, bottom);
		context.stroke();
		context.font = BOLD;
		context.textAlign = 'center';
		context.fillStyle = c.ink;
		context.fillText(name, x, 12);
	}
	context.font = SMALL;
	context.textAlign = 'left';
	context.fillStyle = c.muted;
	context.fillText(f.narrow ? 's' : 'seconds', 6, 12);
}

/* Seconds since the first packet, as exact as there is room for. */
function stamp(us, f) {
	return (us / 1000000).toFixed(f.narrow ? 4 : 6);
}

function arrowHead(context, x, y, way, size) {
	context.beginPath();
	context.moveTo(x, y);
	context.lineTo(x - way * size, y - size * 0.62);
	context.lineTo(x - way * size, y + size * 0.62);
	context.closePath();
	context.fill();
}

function drawArrows(context, c, f, ladder, first, last, y) {
	const t = ladder.timeline;
	let clock = -100;
	for (let i = first; i <= last; i++) {
		const row = t.rows[i];
		const at = y(t.place[i]);
		if (at - clock >= 15) {
			context.font = SMALL;
			context.textAlign = 'right';
			context.fillStyle = i === ladder.chosen ? c.ink : c.muted;
			context.fillText(stamp(t.time[row], f), f.gutter, at);
			clock = at;
		}
		if (i === ladder.chosen || i === ladder.hovered) {
			context.fillStyle = c.accent;
			context.globalAlpha = i === ladder.chosen ? 0.16 : 0.08;
			context.fillRect(f.gutter + 6, at - 10, f.right - f.gutter + 2, 20);
			context.globalAlpha = 1;
		}
		if (t.failing[row] >= 0) {
			context.fillStyle = c['failed-soft'];
			context.fillRect(f.left, at - 9, f.right - f.left, 18);
		}
		drawRow(context, c, f, t, row, at);
		if (t.even && i < last && y(t.place[i + 1]) - at >= 34) {
			context.font = SMALL;
			context.textAlign = 'center';
			context.fillStyle = c.muted;
			context.fillText(
				`${sinceShort(t.time[t.rows[i + 1]] - t.time[row])} later`,
				(f.left + f.right) / 2,
				(at + y(t.place[i + 1])) / 2,
			);
		}
	}
}

function drawRow(context, c, f, t, row, at) {
	const d = t.describe(row);
	const colour = stateColour(c, t, row);
	const from = d.direction === 0 ? f.left : f.right,
		to = d.direction === 0 ? f.right : f.left;
	const way = Math.sign(to - from);
	const fails = d.failing >= 0 || d.state === 'failed';
	const alert = d.kind === 'alert';
	context.strokeStyle = colour;
	context.fillStyle = colour;
	context.lineWidth = d.state ? Math.min(5, 1 + Math.max(0, Math.log2((d.length || 1) / 64)) * 0.5) : 1;
	context.setLineDash(
		d.kind === 'retransmission' || d.kind === 'differing_copy'
			? [2, 3]
			: d.state === 'undecided' || d.kind === 'bad_checksum'
				? [7, 4]
				: [],
	);
	if (d.kind === 'gap') {
		context.globalAlpha = 0.25;
		context.fillRect(f.left, at - 6, f.right - f.left, 12);
		context.globalAlpha = 1;
	} else if (d.kind !== 'end') {
		const stop = fails ? to - way * 22 : to;
		context.beginPath();
		context.moveTo(from, at);
		context.lineTo(stop - way * 6, at);
		context.stroke();
		context.setLineDash([]);
		if (fails) drawCross(context, to - way * 14, at, 6);
		else arrowHead(context, to, at, way, 7);
	} else {
		context.fillRect(from - 6, at - 1.5, 12, 3);
	}
	context.setLineDash([]);
	labelRow(context, c, f, t, row, at, colour, fails, alert);
}

function drawCross(context, x, y, r) {
	context.lineWidth = 2.5;
	context.beginPath();
	context.moveTo(x - r, y - r);
	context.lineTo(x + r, y + r);
	context.moveTo(x - r, y + r);
	context.lineTo(x + r, y - r);
	context.stroke();
}

function labelRow(context, c, f, t, row, at, colour, fails, alert) {
	const d = t.describe(row);
	const room = f.right - f.left - (f.narrow ? 30 : 60);
	const size = known(d.length) && d.kind !== 'end' ? ` · ${count(d.length)} B` : '';
	const piece = pieceOf(t.connection.capture, d.packet);
	const own = piece ? ` (${piece.packet} of ${piece.name})` : '';
	const packet = known(d.packet) && room > 240 ? ` · #${d.packet}${own}` : '';
	const number = d.number !== null && room > 330 ? ` · seq ${d.number}` : '';
	context.font = fails || alert ? BOLD : PLAIN;
	context.textAlign = 'center';
	const text = fitText(context, `${Timeline.mark(d)}${alert ? '⚠ ' : ''}${d.label}${size}${number}${packet}`, room);
	const wide = context.measureText(text).width + 12;
	const middle = (f.left + f.right) / 2;
	context.fillStyle = fails ? c['failed-soft'] : c.surface;
	context.fillRect(middle - wide / 2, at - 8, wide, 16);
	const keys = d.kind === 'key_update';
	if (fails || alert || keys) {
		context.strokeStyle = keys ? c.accent : colour;
		context.lineWidth = 1.5;
		context.strokeRect(middle - wide / 2, at - 8.5, wide, 17);
	}
	context.fillStyle = fails ? c.failed : alert ? c.undecided : d.state ? c.ink : c.muted;
	context.fillText(text, middle, at + 0.5);
}

/* Bytes and the worst state of each line of pixels. */
function drawDensity(context, c, f, ladder, first, last, y, bottom) {
	const t = ladder.timeline;
	const lines = Math.ceil(bottom) + 1;
	const bytes = [new Float64Array(lines), new Float64Array(lines)];
	const worst = [new Int32Array(lines).fill(-1), new Int32Array(lines).fill(-1)];
	const rank = (row) =>
		t.failing[row] >= 0 || t.state[row] === 1
			? 4
			: t.kind[row] !== 0
				? 1
				: t.state[row] === 2
					? 3
					: t.state[row] === 3
						? 0
						: 2;
	let most = 1;
	for (let i = first; i <= last; i++) {
		const row = t.rows[i],
			way = t.direction[row];
		const line = Math.round(y(t.place[i]));
		if (line < LADDER_TOP || line >= lines) continue;
		bytes[way][line] += t.bytes[row];
		most = Math.max(most, bytes[way][line]);
		if (worst[way][line] < 0 || rank(row) > rank(worst[way][line])) worst[way][line] = row;
	}
	const half = (f.right - f.left) / 2 - 8;
	for (let line = LADDER_TOP; line < lines; line++) {
		for (const way of [0, 1]) {
			if (worst[way][line] < 0) continue;
			const wide = 3 + half * 0.86 * Math.sqrt(bytes[way][line] / most);
			context.fillStyle = stateColour(c, t, worst[way][line]);
			context.fillRect(way === 0 ? f.left + 1 : f.right - wide, line, wide, 1);
		}
	}
	context.font = SMALL;
	context.textAlign = 'right';
	context.fillStyle = c.muted;
	for (let at = LADDER_TOP + 12; at < bottom; at += 48) {
		const place = ladder.from + ((at - LADDER_TOP - 12) / (bottom - LADDER_TOP - 24)) * (ladder.to - ladder.from);
		if (place >= 0 && place <= t.extent) context.fillText(stamp(t.time[t.rows[t.nearest(place)]], f), f.gutter, at);
	}
	pins(context, c, f, ladder, first, last, y);
}

/* What must be seen however far one is away: failing records and alerts. */
function pins(context, c, f, ladder, first, last, y) {
	const t = ladder.timeline;
	let free = -100,
		shown = 0;
	for (const row of t.marked()) {
		const i = t.shownAt(row);
		if (i < first || i > last || shown > 60) continue;
		const at = y(t.place[i]);
		const fails = t.failing[row] >= 0;
		context.strokeStyle = context.fillStyle = fails ? c.failed : c.undecided;
		context.lineWidth = 1.5;
		context.beginPath();
		context.moveTo(f.left - 6, at);
		context.lineTo(f.right + 6, at);
		context.stroke();
		if (at - free >= 17) {
			labelRow(context, c, f, t, row, at, context.strokeStyle, fails, !fails);
			free = at;
			shown++;
		}
	}
	if (ladder.chosen >= first && ladder.chosen <= last) {
		context.strokeStyle = c.accent;
		const at = y(t.place[ladder.chosen]);
		context.strokeRect(f.left - 8, at - 2, f.right - f.left + 16, 4);
	}
}

/* The whole connection, and which part of it is in view. */
function drawStrip(context, c, f, ladder, bottom) {
	const t = ladder.timeline,
		high = bottom - LADDER_TOP;
	context.fillStyle = c.sunken;
	context.fillRect(f.strip, LADDER_TOP, f.across, high);
	const lines = Math.max(1, Math.floor(high));
	const bytes = new Float64Array(lines);
	let most = 1;
	for (let i = 0; i < t.rows.length; i++) {
		const line = Math.min(lines - 1, Math.floor((t.place[i] / t.extent) * (lines - 1)));
		bytes[line] += t.bytes[t.rows[i]] + 1;
		most = Math.max(most, bytes[line]);
	}
	context.fillStyle = c.muted;
	for (let line = 0; line < lines; line++) {
		if (bytes[line]) {
			const wide = 2 + (f.across - 8) * Math.sqrt(bytes[line] / most);
			context.fillRect(f.strip + (f.across - wide) / 2, LADDER_TOP + line, wide, 1);
		}
	}
	for (const row of t.marked()) {
		const i = t.shownAt(row);
		if (i >= 0) {
			context.fillStyle = t.failing[row] >= 0 ? c.failed : c.undecided;
			context.fillRect(
				f.strip,
				LADDER_TOP + (t.place[i] / t.extent) * (high - 1) - 1,
				f.across,
				t.failing[row] >= 0 ? 3 : 2,
			);
		}
	}
	const top = LADDER_TOP + Math.max(0, ladder.from / t.extent) * high;
	const end = LADDER_TOP + Math.min(1, ladder.to / t.extent) * high;
	context.strokeStyle = c.accent;
	context.lineWidth = 2;
	context.strokeRect(f.strip + 1, top + 1, f.across - 2, Math.max(4, end - top - 2));
}
