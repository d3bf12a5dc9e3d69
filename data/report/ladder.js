/* The sequence diagram of one connection: what is in view, and how pointer, wheel, fingers and keys change it. Drawing is
 * ladder_draw.js's, what there is timeline.js's. */

class Ladder {
	constructor(entry) {
		this.timeline = entry.timeline;
		this.chosen = -1;
		this.hovered = -1;
		this.listeners = [];
		this.canvas = make('canvas.ladder', {
			tabindex: '0',
			role: 'application',
			'aria-roledescription': 'sequence diagram',
			'aria-label': this.label(),
			'aria-describedby': 'ladder-keys',
		});
		this.tip = make('div.tip', { 'aria-hidden': 'true', hidden: true });
		this.box = make('div.canvas-box', this.canvas, this.tip);
		this.surface = new Surface(
			this.canvas,
			() => this.height(),
			(context, w, h, c) => drawLadder(context, w, h, c, this),
		);
		this.home();
		this.listen();
	}

	label() {
		const t = this.timeline;
		return (
			`Records between client and server in time: ${plural(t.records.time.length, 'record')} and ` +
			`${plural(t.events.length, 'event')}, ${plural(t.failureRows.filter((r) => r >= 0).length, 'failing record')} marked. ` +
			'Arrow keys go from one to the next.'
		);
	}

	height() {
		return Math.min(620, Math.max(220, LADDER_TOP + LADDER_BOTTOM + 24 + this.timeline.extentRows() * 23));
	}

	/* The first view: all of a short connection, of a long one the surroundings of what failed. */
	home() {
		const t = this.timeline;
		this.from = 0;
		this.to = t.extent;
		const at = t.failureRows.map((r) => (r < 0 ? -1 : t.shownAt(r))).find((i) => i >= 0);
		if (t.rows.length > 32) this.show(at === undefined ? 0 : at, 24);
		this.ask();
	}

	all() {
		this.from = 0;
		this.to = this.timeline.extent;
		this.ask();
	}

	/* So many rows around one. */
	show(i, around) {
		const t = this.timeline;
		const first = Math.max(0, Math.min(i - Math.floor(around * 0.6), t.rows.length - around));
		const last = Math.min(t.rows.length - 1, first + around);
		this.from = t.place[first];
		this.to = Math.max(t.place[last], this.from + 1);
		this.ask();
	}

	ask() {
		this.surface.ask();
	}

	zoom(factor, centre) {
		const t = this.timeline;
		const middle = centre === undefined ? (this.chosenInView() ? t.place[this.chosen] : (this.from + this.to) / 2) : centre;
		const least = this.timeline.even ? 3 : 10;
		const span = Math.min(t.extent, Math.max(least, (this.to - this.from) * factor));
		const share = (middle - this.from) / (this.to - this.from);
		this.pan(middle - share * span - this.from, span);
	}

	pan(by, span = this.to - this.from) {
		const t = this.timeline;
		const from = Math.max(0, Math.min(this.from + by, t.extent - span));
		this.from = from;
		this.to = from + span;
		this.ask();
	}

	chosenInView() {
		const t = this.timeline;
		return this.chosen >= 0 && t.place[this.chosen] >= this.from && t.place[this.chosen] <= this.to;
	}

	choose(i, quiet = false) {
		const t = this.timeline;
		if (!t.rows.length) return;
		this.chosen = Math.max(0, Math.min(t.rows.length - 1, i));
		if (!this.chosenInView()) {
			const span = this.to - this.from;
			this.pan(t.place[this.chosen] - this.from - span / 2);
		}
		for (const say of this.listeners) say(t.rows[this.chosen]);
		if (!quiet) announce(t.sentence(t.rows[this.chosen]));
		this.ask();
	}

	chooseFailure(step = 1) {
		const rows = this.timeline
			.marked()
			.map((r) => this.timeline.shownAt(r))
			.filter((i) => i >= 0);
		if (rows.length)
			this.choose(
				step > 0
					? (rows.find((i) => i > this.chosen) ?? rows[0])
					: (rows.filter((i) => i < this.chosen).pop() ?? rows[rows.length - 1]),
			);
	}

	placeAt(y) {
		const high = this.surface.height - LADDER_BOTTOM - LADDER_TOP - 24;
		return this.from + ((y - LADDER_TOP - 12) / high) * (this.to - this.from);
	}

	listen() {
		const canvas = this.canvas;
		canvas.addEventListener('keydown', (e) => this.key(e));
		canvas.addEventListener('focus', () => canvas.classList.add('active'));
		canvas.addEventListener('blur', () => canvas.classList.remove('active'));
		canvas.addEventListener('wheel', (e) => this.wheel(e), { passive: false });
		const pointers = new Map();
		let moved = 0,
			strip = false;
		canvas.addEventListener('pointerdown', (e) => {
			canvas.setPointerCapture(e.pointerId);
			pointers.set(e.pointerId, e.offsetY);
			moved = 0;
			strip = e.offsetX > ladderFrame(this.surface.width).strip - 4;
			if (strip) this.byStrip(e.offsetY);
		});
		canvas.addEventListener('pointermove', (e) => {
			if (!pointers.has(e.pointerId)) {
				this.hover(e);
				return;
			}
			this.tip.hidden = true;
			const before = [...pointers.values()];
			const by = e.offsetY - pointers.get(e.pointerId);
			moved += Math.abs(by);
			pointers.set(e.pointerId, e.offsetY);
			if (strip) this.byStrip(e.offsetY);
			else if (pointers.size === 2) this.pinch(before, [...pointers.values()]);
			else this.pan((-by / (this.surface.height - LADDER_TOP - LADDER_BOTTOM - 24)) * (this.to - this.from));
		});
		const up = (e) => {
			if (pointers.delete(e.pointerId) && moved < 4 && !strip && e.type === 'pointerup')
				this.choose(this.timeline.nearest(this.placeAt(e.offsetY)));
		};
		canvas.addEventListener('pointerup', up);
		canvas.addEventListener('pointercancel', up);
		canvas.addEventListener('pointerleave', () => {
			this.hovered = -1;
			this.tip.hidden = true;
			this.ask();
		});
	}

	byStrip(y) {
		const share = (y - LADDER_TOP) / (this.surface.height - LADDER_TOP - LADDER_BOTTOM);
		const span = this.to - this.from;
		this.pan(share * this.timeline.extent - span / 2 - this.from);
	}

	pinch(before, now) {
		const old = Math.max(10, Math.abs(before[0] - before[1]));
		this.zoom(old / Math.max(10, Math.abs(now[0] - now[1])), this.placeAt((now[0] + now[1]) / 2));
	}

	/* With Ctrl (or two fingers on a touchpad) it zooms. Without, it pans once the diagram was chosen; else the page scrolls. */
	wheel(e) {
		const by = e.deltaY * (e.deltaMode === 1 ? 24 : 1);
		if (e.ctrlKey || e.metaKey) {
			e.preventDefault();
			this.zoom(Math.exp(by * 0.004), this.placeAt(e.offsetY));
		} else if (document.activeElement === this.canvas) {
			const from = this.from;
			this.pan((by / (this.surface.height - LADDER_TOP - LADDER_BOTTOM)) * (this.to - this.from));
			if (this.from !== from) e.preventDefault();
		}
	}

	hover(e) {
		const t = this.timeline;
		if (!t.rows.length || e.pointerType === 'touch') return;
		const i = t.nearest(this.placeAt(e.offsetY));
		if (i !== this.hovered) {
			this.hovered = i;
			fill(this.tip, t.sentence(t.rows[i]));
			this.ask();
		}
		this.tip.hidden = false;
		const right = e.offsetX > this.surface.width / 2;
		this.tip.style.top = `${Math.min(e.offsetY + 16, this.surface.height - 50)}px`;
		this.tip.style.left = right ? '' : `${e.offsetX + 12}px`;
		this.tip.style.right = right ? `${this.surface.width - e.offsetX + 12}px` : '';
	}

	key(e) {
		if (e.ctrlKey || e.metaKey || e.altKey) return;
		const keys = {
			ArrowDown: () => this.choose(this.chosen + 1),
			ArrowUp: () => this.choose(this.chosen - 1),
			ArrowRight: () => this.choose(this.chosen + 1),
			ArrowLeft: () => this.choose(this.chosen - 1),
			PageDown: () => this.choose(this.chosen + 10),
			PageUp: () => this.choose(this.chosen - 10),
			Home: () => this.choose(0),
			End: () => this.choose(this.timeline.rows.length - 1),
			'+': () => this.zoom(0.5),
			'=': () => this.zoom(0.5),
			'-': () => this.zoom(2),
			0: () => this.all(),
			n: () => this.chooseFailure(1),
			p: () => this.chooseFailure(-1),
		};
		if (keys[e.key]) {
			e.preventDefault();
			keys[e.key]();
		}
	}
}
