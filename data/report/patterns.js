/* What several failures have in common, in words: what was found stands in the model. Pure: takes what is shared, gives sentences;
 * refuses to count, and to know the page. */

const BEGINS = 'the damage begins at';

/* A trait that all records have: how likely a value is, is its share of the records that were checked. */
function amongRecords(s, which = 'that were checked') {
	return `${((s.records / s.of_records) * 100).toPrecision(3)} % of the records ${which} are such`;
}

/* Of each trait that failures have by themselves, by its id (docs/HTML.md): what is said of the value, and what chance has to choose from. */
const TRAITS = {
	bit: [(v) => `the same bit, bit ${v} of a byte, was flipped`, () => 'a bit of a byte is one of 8'],
	way: [(v) => (v ? 'bits went from 0 to 1' : 'bits went from 1 to 0'), () => 'a bit can go one of 2 ways'],
	mod64: [(v) => `${BEGINS} record offset ${v} modulo 64`, () => 'one place in 64'],
	mod4096: [(v) => `${BEGINS} record offset ${count(v)} modulo 4,096`, (s) => `one place in ${count(s.values)}`],
	offset: [(v) => `${BEGINS} record offset ${count(v)}`, (s) => `one place in the longest record’s ${count(s.values)}`],
	frame: [(v) => `${BEGINS} byte ${count(v)} of the packet`, (s) => `one place in ${count(s.values)}`],
	direction: [(v) => `the record went from ${directionWords(v)}`, amongRecords],
	server: [(v) => `the server is ${v}`, amongRecords],
	client: [(v) => `the client is ${v}`, amongRecords],
	suite: [(v) => `the suite is ${v}`, amongRecords],
	size: [(v) => `the record has ${bytesText(v)}`, (s) => amongRecords(s, 'that this page lists')],
};

/* { text, rule } of what is shared. */
function sharedText(s) {
	if (s.id === 'beat')
		return {
			text: `They come in a regular beat, every ${sinceShort(s.value)} within a tenth`,
			rule: 'at random, gaps are of all lengths',
		};
	if (s.id === 'day')
		return {
			text: `On different days they come at one time of day, within ${sinceShort(s.within)} from ${clockText(s.value).slice(11, 16)} UTC`,
			rule: 'at random, they are spread over the day',
		};
	const [say, rest] = TRAITS[s.id];
	return { text: `In ${count(s.with)} of ${count(s.of)} ${say(s.value)}`, rule: rest(s) };
}

function onceIn(s) {
	return known(s.once_in) ? `once in ${count(s.once_in)}` : `once in ${power('10', s.once_in_log10)}`;
}
