/* Puts the page together once it is loaded: the bar, the sections, the theme, links into what is still folded, printing. */

function themeButton() {
	const names = { auto: 'Auto', light: 'Light', dark: 'Dark' };
	let theme = 'auto';
	try {
		theme = localStorage.getItem('badmac-theme') || 'auto';
	} catch (e) {
		theme = 'auto';
	}
	const node = button(
		'',
		() => {
			theme = { auto: 'light', light: 'dark', dark: 'auto' }[theme];
			try {
				localStorage.setItem('badmac-theme', theme);
			} catch (e) {
				// A page that was opened as a file may keep nothing.
			}
			apply();
		},
		{ id: 'theme' },
	);
	const apply = () => {
		if (!names[theme]) theme = 'auto';
		document.documentElement.dataset.theme = theme;
		node.textContent = names[theme];
		node.setAttribute('aria-label', `Theme: ${names[theme]}. Change it`);
		node.title = 'Theme';
		recolour();
	};
	apply();
	return node;
}

function bar(model, sections) {
	const links = sections
		.filter(Boolean)
		.map((s) => [
			s.id,
			{
				verdict: 'Verdict',
				several: 'All failures',
				failed: 'Records',
				undecided: 'Undecided',
				verified: 'Verified',
				logs: 'Logs',
				notices: 'Notices',
				about: 'About',
			}[s.id],
		]);
	put(document.getElementById('bar'), [
		make('span.brand', 'badmac'),
		resultBadge(model.summary.result),
		make(
			'nav',
			{ 'aria-label': 'Sections' },
			links.map(([id, name]) => make('a', { href: `#${id}` }, name)),
		),
		make(
			'span.tools',
			themeButton(),
			button('JSON', saveReport, { 'aria-label': 'Save the diagnosis as report.json' }),
			button('Print', () => window.print()),
		),
	]);
}

/* A link to something in a part that is folded, or not made yet, opens it. */
function follow(model, hash) {
	const id = decodeURIComponent(hash.slice(1));
	const entry = model.failures.find((e) => e.id === id);
	const connection = entry ? entry.connection : model.failed.find((c) => `connection-${c.id}` === id);
	if (!connection) return;
	document.querySelector('#failed .batch').until(connection);
	document.getElementById(`connection-${connection.id}`).unfold();
	const folded = document.getElementById(`fold-${id}`);
	if (folded) folded.unfold();
	const target = document.getElementById(id);
	target.scrollIntoView();
	if (entry) target.focus({ preventScroll: true });
}

const MOST_ON_PAPER = 200;

/* On paper nothing can be opened: all is opened before, light, and folded again after. */
function printing() {
	let opened = [];
	let done = false;
	const note = make('p.quiet');
	document.getElementById('foot').append(note);
	const before = () => {
		if (done) return;
		done = true;
		document.documentElement.classList.add('printing');
		const folds = () => [...document.querySelectorAll('details.fold:not([open])')];
		for (let left = MOST_ON_PAPER, list = folds(); left > 0 && list.length; list = folds()) {
			for (const part of list.slice(0, left)) {
				opened.push(part);
				part.unfold();
			}
			left -= list.length;
		}
		const more = [...document.querySelectorAll('.more:not([hidden])')].map((b) => b.textContent.replace('Show more ', ''));
		note.textContent = [
			folds().length ? `${plural(folds().length, 'part')} of this page stayed folded on paper.` : '',
			more.length ? `Not on paper: more ${listed(more)}.` : '',
		].join(' ');
		recolour();
	};
	const after = () => {
		if (!done) return;
		done = false;
		document.documentElement.classList.remove('printing');
		for (const part of opened) part.open = false;
		note.textContent = '';
		opened = [];
		recolour();
	};
	addEventListener('beforeprint', before);
	addEventListener('afterprint', after);
	matchMedia('print').addEventListener('change', (e) => (e.matches ? before() : after()));
}

function start() {
	const model = readModel();
	const main = document.getElementById('main');
	const sections = [
		verdictSection,
		severalSection,
		failedSection,
		undecidedSection,
		logsSection,
		verifiedSection,
		noticesSection,
		aboutSection,
	].map((build) => build(model));
	bar(model, sections);
	put(main, sections);
	put(document.getElementById('foot'), make('p', `${model.generator} · ${model.report.schema || 'no schema'}`));
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
	document.addEventListener('click', (e) => {
		const link = e.target.closest('a[href^="#"]');
		if (link && link.getAttribute('href') === location.hash) follow(model, location.hash);
	});
	addEventListener('hashchange', () => follow(model, location.hash));
	printing();
	recolour();
	if (location.hash) follow(model, location.hash);
	document.documentElement.dataset.ready = 'yes';
	performance.mark('badmac-ready');
}

/* Where the page cannot be made of what stands in it, the text report is better than nothing. */
function showText(error) {
	const escaped = document.querySelector('noscript').textContent;
	const text = new DOMParser().parseFromString(escaped, 'text/html').body.textContent;
	fill(
		document.getElementById('main'),
		make('h1', document.title.trim()),
		make('p', `This page could not be drawn (${error.message}). It is the text report instead:`),
		make('pre.report', text),
	);
	document.documentElement.dataset.ready = 'text';
}

try {
	start();
} catch (error) {
	showText(error);
}
