/* The damaged record as a map, a cell for each byte: where its segments, blocks and regions lie, and what is wrong. Drawing
 * and the cursor alone; what the bytes are, hexview.js says. */

const MAP_HEIGHT = 560;

class ByteMap {
	constructor(entry, aligned, layout, segments) {
		Object.assign(this, { entry, aligned, layout, segments });
		this.cursor = aligned.runs.length ? aligned.runs[0].first : 0;
		this.show = { blocks: false, lines: false, pages: false };
		this.listeners = [];
		this.segmentOf = this.spread();
		this.regionOf = this.regions();
		this.canvas = make('canvas.bytemap', {
			tabindex: '0',
			role: 'application',
			'aria-roledescription': 'byte map',
			'aria-describedby': 'bytemap-keys',
			'aria-label': `Map of the record, ${bytesText(aligned.length)}, ${plural(aligned.runs.length, 'damaged run')}. Arrow keys move the cursor.`,
		});
		this.box = make('div.canvas-box', this.canvas);
		this.surface = new Surface(
			this.canvas,
			(w) => this.measure(w),
			(context, w, h, c) => this.draw(context, c),
		);
		this.listen();
	}

	/* For each column the segment that carries it, or -1. */
	spread() {
		const { aligned, segments } = this;
		const of = new Int16Array(aligned.length).fill(-1);
		for (let i = 0; i < aligned.length; i++)
			of[i] = segments.findIndex((s) => aligned.at[i] >= s.record_offset && aligned.at[i] < s.record_offset + s.length);
		return of;
	}

	/* 0 body, 1 header, 2 nonce or IV, 3 tag, 4 behind the record. */
	regions() {
		const { aligned, layout } = this;
		const of = new Uint8Array(aligned.length);
		// Where bytes are missing or too many and what was sent is not known, nothing tells where the tag stands.
		const moved = !aligned.sentKnown && aligned.runs.some((r) => r.damage.length === 0 || r.damage.sent === '');
		const end = moved ? null : layout.length;
		for (let i = 0; i < aligned.length; i++) {
			const at = aligned.own[i];
			if (layout.header !== null && at < layout.header) of[i] = 1;
			else if (layout.header !== null && at < layout.header + layout.nonce) of[i] = 2;
			else if (known(end) && layout.tag && at >= end - layout.tag && at < end) of[i] = 3;
			else if (known(end) && at >= end) of[i] = 4;
		}
		return of;
	}

	measure(width) {
		const n = this.aligned.length;
		const margin = width < 480 ? 0 : 52;
		const room = width - margin - 2;
		const cellOf = (columns) => Math.max(2, Math.min(17.25, Math.floor((room / columns) * 4) / 4));
		// The largest cells with which all of it is seen at a glance.
		const choices = (n <= 64 ? [16] : room < 400 ? [32] : []).concat([64, 128, 192, 256]);
		const columns = choices.find((k) => Math.ceil(n / k) * cellOf(k) <= MAP_HEIGHT) || (room < 400 ? 64 : 256);
		const cell = cellOf(columns);
		Object.assign(this, { columns, cell, margin, lines: Math.ceil(n / columns) });
		return this.lines * cell + 4;
	}

	xy(i) {
		return [this.margin + (i % this.columns) * this.cell, 2 + Math.floor(i / this.columns) * this.cell];
	}

	draw(context, c) {
		const { aligned, cell } = this;
		const gap = cell >= 5 ? 1 : cell >= 3.5 ? 0.5 : 0;
		for (let i = 0; i < aligned.length; i++) {
			const [x, y] = this.xy(i);
			const region = this.regionOf[i];
			context.fillStyle = aligned.bad[i]
				? c.failed
				: region === 1
					? c.header
					: region === 2
						? c.nonce
						: region === 3
							? c.tag
							: region === 4
								? c.line
								: this.segmentOf[i] % 2 === 1
									? c.segment
									: c.plaintext;
			context.globalAlpha = aligned.bad[i]
				? 1
				: region === 4
					? 0.5
					: (region ? 0.4 : 0.18) + (aligned.got[i] < 0 ? 0 : (aligned.got[i] / 255) * (region ? 0.5 : 0.34));
			if (aligned.bad[i] && aligned.got[i] === ABSENT) {
				context.strokeStyle = c.failed;
				context.lineWidth = Math.max(1, cell / 6);
				context.strokeRect(x + 0.5, y + 0.5, Math.max(1, cell - gap - 1), Math.max(1, cell - gap - 1));
			} else {
				context.fillRect(x, y, cell - gap, cell - gap);
			}
		}
		context.globalAlpha = 1;
		this.drawOffsets(context, c);
		this.drawGuides(context, c);
		this.drawSegments(context, c);
		for (const run of aligned.runs) this.ring(context, run.first, c.failed, c.surface);
		this.drawCursor(context, c);
	}

	drawOffsets(context, c) {
		if (!this.margin) return;
		context.font = SMALL;
		context.textAlign = 'right';
		context.textBaseline = 'middle';
		context.fillStyle = c.muted;
		const every = Math.ceil(14 / this.cell);
		for (let line = 0; line < this.lines; line += every)
			context.fillText(count(line * this.columns), this.margin - 8, 2 + (line + 0.5) * this.cell);
	}

	/* A line in front of a column: the left edge of its cell, and the step beneath what goes before it in its row. */
	edge(context, i) {
		const [x, y] = this.xy(i);
		const right = this.margin + this.columns * this.cell;
		context.moveTo(x - 0.5, y);
		context.lineTo(x - 0.5, y + this.cell);
		if (i % this.columns) {
			context.moveTo(this.margin, y + this.cell - 0.5);
			context.lineTo(x, y + this.cell - 0.5);
		}
		context.moveTo(x, y - 0.5);
		context.lineTo(right, y - 0.5);
	}

	drawGuides(context, c) {
		const { aligned, layout } = this;
		const base = layout.header === null ? null : layout.header + layout.nonce;
		for (const [on, step, from, colour, wide] of [
			[this.show.blocks, 16, base, c.muted, 0.75],
			[this.show.lines, 64, 0, c.accent, 1],
			[this.show.pages, 4096, 0, c.ink, 2],
		]) {
			if (!on || from === null) continue;
			context.strokeStyle = colour;
			context.lineWidth = wide;
			context.beginPath();
			for (let i = 0; i < aligned.length; i++) {
				if (aligned.sent[i] !== ABSENT && aligned.own[i] >= from && (aligned.own[i] - from) % step === 0) {
					const [x, y] = this.xy(i);
					if (step === 4096) {
						this.edge(context, i);
					} else {
						context.moveTo(x - 0.5, y);
						context.lineTo(x - 0.5, y + this.cell);
					}
				}
			}
			context.stroke();
		}
	}

	drawSegments(context, c) {
		context.strokeStyle = c.ink;
		context.lineWidth = 1.5;
		context.beginPath();
		for (let i = 1; i < this.aligned.length; i++) {
			if (this.segmentOf[i] !== this.segmentOf[i - 1]) this.edge(context, i);
		}
		context.stroke();
	}

	ring(context, i, colour, ground) {
		const [x, y] = this.xy(i);
		const r = Math.max(this.cell, 9);
		for (const [wide, stroke] of [
			[4, ground],
			[2, colour],
		]) {
			context.strokeStyle = stroke;
			context.lineWidth = wide;
			context.beginPath();
			context.arc(x + this.cell / 2, y + this.cell / 2, r, 0, 2 * Math.PI);
			context.stroke();
		}
	}

	drawCursor(context, c) {
		const [x, y] = this.xy(this.cursor);
		const out = this.cell < 6 ? 2 : 1;
		for (const [wide, stroke] of [
			[4, c.surface],
			[2, c.accent],
		]) {
			context.strokeStyle = stroke;
			context.lineWidth = wide;
			context.strokeRect(x - out, y - out, this.cell + 2 * out - 1, this.cell + 2 * out - 1);
		}
	}

	move(to, quiet = false) {
		this.cursor = Math.max(0, Math.min(this.aligned.length - 1, to));
		for (const say of this.listeners) say(this.cursor);
		if (!quiet) announce(byteSentence(this));
		this.surface.ask();
	}

	nextRun(step) {
		const firsts = this.aligned.runs.filter((r) => r.length).map((r) => r.first);
		if (firsts.length)
			this.move(
				step > 0
					? (firsts.find((f) => f > this.cursor) ?? firsts[0])
					: (firsts.filter((f) => f < this.cursor).pop() ?? firsts[firsts.length - 1]),
			);
	}

	listen() {
		this.canvas.addEventListener('pointerdown', (e) => {
			const x = Math.floor((e.offsetX - this.margin) / this.cell),
				y = Math.floor((e.offsetY - 2) / this.cell);
			if (x >= 0 && x < this.columns && y >= 0 && y * this.columns + x < this.aligned.length)
				this.move(y * this.columns + x);
		});
		this.canvas.addEventListener('keydown', (e) => {
			if (e.ctrlKey || e.metaKey || e.altKey) return;
			const by = {
				ArrowLeft: -1,
				ArrowRight: 1,
				ArrowUp: -this.columns,
				ArrowDown: this.columns,
				PageUp: -8 * this.columns,
				PageDown: 8 * this.columns,
			};
			if (by[e.key]) this.move(this.cursor + by[e.key]);
			else if (e.key === 'Home' || e.key === 'End') this.move(e.key === 'Home' ? 0 : this.aligned.length - 1);
			else if (e.key === 'n' || e.key === 'p') this.nextRun(e.key === 'n' ? 1 : -1);
			else return;
			e.preventDefault();
		});
	}
}
