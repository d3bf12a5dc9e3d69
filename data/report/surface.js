/* A canvas that is as sharp as the screen, drawn once a frame at most, in the colours of the page. Refuses to know what is
 * drawn on it. */

const surfaces = new Set();
let colours = null;

/* The colours of the style sheet by name: they change with the theme and for printing. */
function palette() {
	if (!colours) {
		const style = getComputedStyle(document.documentElement);
		colours = {};
		for (const name of [
			'ink',
			'muted',
			'line',
			'surface',
			'sunken',
			'accent',
			'failed',
			'failed-soft',
			'undecided',
			'verified',
			'plaintext',
			'c2s',
			's2c',
			'header',
			'nonce',
			'tag',
			'segment',
		])
			colours[name] = style.getPropertyValue(`--${name}`).trim();
	}
	return colours;
}

function recolour() {
	colours = null;
	for (const s of surfaces) s.drawNow();
}

class Surface {
	/* draw(context, width, height, colours) in CSS pixels; heightFor(width) says how high it is to be. */
	constructor(canvas, heightFor, draw) {
		this.canvas = canvas;
		this.heightFor = heightFor;
		this.draw = draw;
		this.width = 0;
		this.frame = 0;
		surfaces.add(this);
		new ResizeObserver(() => this.ask()).observe(canvas.parentElement);
	}

	ask() {
		if (!this.frame) {
			this.frame = requestAnimationFrame(() => {
				this.frame = 0;
				this.drawNow();
			});
		}
	}

	drawNow() {
		const width = this.canvas.parentElement.clientWidth;
		if (!width || !this.canvas.isConnected) return;
		const height = Math.round(this.heightFor(width));
		const scale = Math.max(window.devicePixelRatio || 1, matchMedia('print').matches ? 2 : 1);
		this.width = width;
		this.height = height;
		if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
			this.canvas.width = Math.round(width * scale);
			this.canvas.height = Math.round(height * scale);
			this.canvas.style.height = `${height}px`;
		}
		const context = this.canvas.getContext('2d');
		context.setTransform(scale, 0, 0, scale, 0, 0);
		context.clearRect(0, 0, width, height);
		this.draw(context, width, height, palette());
	}
}

const SMALL = '11px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const PLAIN = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const BOLD = `600 ${PLAIN}`;

/* Text that is cut where its room ends. */
function fitText(context, text, room) {
	if (context.measureText(text).width <= room) return text;
	let n = Math.min(text.length, Math.floor(room / 5));
	while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > room) n--;
	return n > 1 ? `${text.slice(0, n)}…` : '';
}
