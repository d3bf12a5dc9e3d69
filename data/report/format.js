/* Elements, numbers, times and odds as people read them. All that a report says goes into the page as text, never as
 * markup. Refuses to know what a diagnosis is. */

/* make('p.lead#id', { attributes }, children...): a child is a node, a string, a number, a list of them, or null. */
function make(what, ...rest) {
	const [, tag, more] = /^([a-z0-9]+)(.*)$/.exec(what);
	const node = document.createElement(tag);
	for (const part of more.match(/[.#][^.#]+/g) || []) {
		if (part[0] === '.') node.classList.add(part.slice(1));
		else node.id = part.slice(1);
	}
	for (const it of rest) put(node, it);
	return node;
}

function put(node, it) {
	if (it === null || it === undefined || it === false) return;
	if (Array.isArray(it)) {
		for (const each of it) put(node, each);
	} else if (it instanceof Node) {
		node.append(it);
	} else if (typeof it === 'object') {
		for (const [name, value] of Object.entries(it)) {
			if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
			else if (value !== null && value !== undefined && value !== false)
				node.setAttribute(name, value === true ? '' : String(value));
		}
	} else {
		node.append(String(it));
	}
}

function fill(node, ...children) {
	node.replaceChildren();
	put(node, children);
	return node;
}

function unknown() {
	return make('span.unknown', 'unknown');
}

function known(value) {
	return value !== null && value !== undefined && value !== '';
}

/* A value as text, or 'unknown'. */
function shown(value) {
	if (!known(value) || Number.isNaN(value)) return unknown();
	if (typeof value === 'number') return count(value);
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	return String(value);
}

const plainNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function count(n) {
	return plainNumber.format(n);
}

function plural(n, one, many) {
	return `${count(n)} ${n === 1 ? one : many || `${one}s`}`;
}

function listed(words, last = 'and') {
	return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words[words.length - 1]}`;
}

function hex(n, digits) {
	return n.toString(16).padStart(digits, '0');
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function power(base, exponent) {
	return (
		base +
		String(exponent)
			.replace(/\d/g, (d) => SUPERSCRIPTS[d])
			.replace('-', '⁻')
	);
}

/* '1 in 2¹¹⁵ = 1 in 4×10³⁴'. Rounded down, so never more than is claimed. */
function oddsText(log2) {
	const bits = Math.floor(-log2);
	if (bits < 1) return 'no better than even';
	const all = bits * Math.LOG10E * Math.LN2;
	const exponent = Math.floor(all);
	const round = exponent < 6 ? count(2 ** bits) : `${Math.floor(10 ** (all - exponent))}×${power('10', exponent)}`;
	return `1 in ${power('2', bits)} = 1 in ${round}`;
}

/* The same as something that a person can picture: 6 of 49 is 1 in 13,983,816. */
function oddsLikeness(log2) {
	const wins = Math.floor(-log2 / Math.log2(13983816));
	if (wins > 1) return `less likely than the jackpot of a 6-of-49 lottery ${wins} times in a row, with one ticket each time`;
	if (wins === 1) return 'less likely than the jackpot of a 6-of-49 lottery with one ticket';
	return `about as likely as heads ${plural(Math.max(1, Math.floor(-log2)), 'time')} in a row`;
}

function candidatesText(n) {
	return n >= Number.MAX_SAFE_INTEGER ? `${power('2', 53)} − 1 or more` : count(n);
}

function bytesText(n) {
	return plural(n, 'byte');
}

/* Microseconds since the first packet. */
function since(us) {
	if (us < 1000) return `${us} µs`;
	if (us < 1000000) return `${(us / 1000).toFixed(3)} ms`;
	return `${(us / 1000000).toFixed(6)} s`;
}

/* A stretch of time, short: for the axis. */
function sinceShort(us) {
	if (us < 1000) return `${Math.round(us)} µs`;
	if (us < 1000000) return `${(us / 1000).toPrecision(3)} ms`;
	if (us < 120000000) return `${(us / 1000000).toFixed(us < 10000000 ? 2 : 1)} s`;
	return us < 7200000000 ? `${(us / 60000000).toFixed(1)} min` : `${(us / 3600000000).toFixed(1)} h`;
}

function timeText(rfc3339) {
	if (!known(rfc3339)) return unknown();
	const m = /^(\d{4}-\d\d-\d\d)T([\d:]+)(\.\d+)?Z$/.exec(rfc3339);
	return m ? make('time', { datetime: rfc3339 }, `${m[1]} ${m[2]}${(m[3] || '').replace(/0{3}$/, '')} UTC`) : String(rfc3339);
}

/* Microseconds since 1970 of a time, exact below 2^53. */
function microseconds(rfc3339) {
	const m = /^(.*T[\d:]+)(?:\.(\d+))?Z$/.exec(rfc3339 || '');
	const whole = m ? Date.parse(`${m[1]}Z`) : NaN;
	return whole * 1000 + (m && m[2] ? Number(m[2].slice(0, 6).padEnd(6, '0')) : 0);
}

function clockText(us) {
	const whole = Math.floor(us / 1000000);
	const iso = new Date(whole * 1000).toISOString();
	return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(us - whole * 1000000).padStart(6, '0')} UTC`;
}

let liveTimer = 0;

function announce(text) {
	clearTimeout(liveTimer);
	liveTimer = setTimeout(() => {
		document.getElementById('live').textContent = text;
	}, 60);
}

/* A page that was opened as a file has no clipboard in some browsers: then what is selected is copied. */
async function copyText(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch (e) {
		const back = document.activeElement;
		const area = make('textarea.only-heard', { 'aria-hidden': 'true', tabindex: '-1' });
		area.value = text;
		document.body.append(area);
		area.select();
		let done = false;
		try {
			done = document.execCommand('copy');
		} catch (refused) {
			done = false;
		}
		area.remove();
		if (back) back.focus();
		return done;
	}
}

function copyButton(text, about) {
	const button = make('button.copy', { type: 'button', 'aria-label': `Copy ${about}: ${text}`, title: 'Copy' }, 'Copy');
	button.addEventListener('click', async () => {
		const done = await copyText(text);
		button.textContent = done ? 'Copied' : 'Press Ctrl+C';
		if (!done && button.previousElementSibling) getSelection().selectAllChildren(button.previousElementSibling);
		announce(done ? `Copied: ${text}` : 'Could not copy; the text is selected.');
		setTimeout(() => {
			button.textContent = 'Copy';
		}, 1600);
	});
	return button;
}

function command(text, about = 'command') {
	return make('span.command', make('code', text), copyButton(text, about));
}

/* A file of what stands in the page, made here. */
function download(name, text, type) {
	const url = URL.createObjectURL(new Blob([text], { type }));
	const link = make('a', { href: url, download: name });
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/* The head of a table; a name that ends with * is over numbers. */
function heads(...names) {
	return make(
		'thead',
		make(
			'tr',
			names.map((name) => make(name.endsWith('*') ? 'th.number' : 'th', { scope: 'col' }, name.replace('*', ''))),
		),
	);
}

/* dl of [term, value...], with what is false left out. */
function facts(...rows) {
	return make(
		'dl.facts',
		rows.filter(Boolean).map(([term, ...value]) => make('div', make('dt', term), make('dd', value))),
	);
}

/* A part that opens: what is in it is made when it is first opened. */
function fold(title, build, open = false) {
	const body = make('div.fold-body');
	const node = make('details.fold', make('summary', title), body);
	let made = false;
	const ensure = () => {
		if (!made && node.open) {
			made = true;
			put(body, build());
		}
	};
	node.addEventListener('toggle', ensure);
	node.unfold = () => {
		node.open = true;
		ensure();
	};
	if (open) node.unfold();
	return node;
}

/* A sentence in which commands stand between backquotes: each can be copied. */
function withCommands(sentence) {
	const parts = sentence.split('`');
	if (parts.length % 2 === 0) return [sentence];
	return parts.map((part, i) => (i % 2 ? command(part) : part));
}
