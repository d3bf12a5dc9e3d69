/* Which file holds a packet, where the captures of a report are in pieces, and how captures are named in a command. Knows
 * summary.captures (docs/OUTPUT.md); refuses to know why a packet is shown. */

const capturesRead = [];
const piecesOf = new Map();

/* The pieces of each capture, by the name that connections say; of those with one name the first. */
function readPieces(summary) {
	for (const c of summary.captures || []) {
		capturesRead.push(c);
		if (!piecesOf.has(c.capture)) piecesOf.set(c.capture, []);
		const list = piecesOf.get(c.capture);
		if (!list.length || c.first_packet !== 1 || !list[0].packets) list.push(c);
	}
}

function isInPieces(capture) {
	return (piecesOf.get(capture) || []).length > 1;
}

/* { name, packet } in that piece; null: the capture is in one, or none is known to hold it. */
function pieceOf(capture, packet) {
	if (!known(packet) || !isInPieces(capture)) return null;
	const c = piecesOf.get(capture).find((x) => known(x.packets) && packet >= x.first_packet && packet - x.first_packet < x.packets);
	return c ? { name: c.name, packet: packet - c.first_packet + 1 } : null;
}

/* "12053", "12053 (17 of p2.pcap)": a packet is told as it is typed into a filter, and not as numbers are that count. */
function packetText(capture, packet) {
	const piece = pieceOf(capture, packet);
	return piece ? `${packet} (${piece.packet} of ${piece.name})` : String(packet);
}

/* The same in a cell of a table, where there is room for the last part of a name. */
function packetCell(capture, packet) {
	const piece = pieceOf(capture, packet);
	if (!piece) return known(packet) ? String(packet) : unknown();
	return [
		String(packet),
		make('small.piece', { title: piece.name }, ` (${piece.packet} of ${piece.name.replace(/^.*\//, '')})`),
	];
}

/* Packets as Wireshark numbers them, by piece: [{ name, numbers }], name null where the capture is in one. */
function byPiece(capture, packets) {
	const list = [];
	for (const p of packets) {
		const piece = pieceOf(capture, p);
		const name = piece ? piece.name : null;
		if (!list.length || list[list.length - 1].name !== name) list.push({ name, numbers: [] });
		list[list.length - 1].numbers.push(piece ? piece.packet : p);
	}
	return list;
}

/* "21, 23, 25..27", as the text of a report has it (src/verdict/looks.c), and whether that is all. */
const FILTER_RUNS = 20;
function packetSet(numbers) {
	const runs = [];
	for (const n of numbers) {
		const last = runs[runs.length - 1];
		if (last && n === last[1] + 1) last[1] = n;
		else runs.push([n, n]);
	}
	const set = runs.slice(0, FILTER_RUNS).map(([from, to]) => (from === to ? String(from) : `${from}..${to}`));
	return { set: set.join(', '), all: runs.length <= FILTER_RUNS };
}

/* Display filters for packets, each with the piece that it is for. */
function packetFilters(capture, packets, more = '') {
	return byPiece(capture, packets).map(({ name, numbers }) => {
		const { set, all } = packetSet(numbers);
		const filter = numbers.length === 1 ? `frame.number == ${set}` : `frame.number in {${set}}`;
		return [
			' ',
			command(`${filter}${more}`, 'Wireshark display filter'),
			all ? null : ' and more',
			name === null ? null : ` in ${name}`,
		];
	});
}

/* A word for a shell that a program takes for a file, and not for an option. */
function fileWord(name) {
	if (name === 'standard input') return '-';
	return shellWord(name.startsWith('-') ? `./${name}` : name);
}

/* All captures that were read, or the one of the connection, as words for a shell. */
function captureWords(connection) {
	if (capturesRead.length) return capturesRead.map((c) => fileWord(c.name)).join(' ');
	return known(connection.capture) ? fileWord(connection.capture) : 'CAPTURE';
}
