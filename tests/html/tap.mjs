/* Tests one after the other, as TAP. BADMAC_ONLY=WORD runs those whose name has it. */
const tests = [];

export function test(name, run) {
	tests.push([name, run]);
}

export function want(condition, ...said) {
	if (!condition)
		throw new Error(
			said
				.map((s) => (typeof s === 'string' ? s : JSON.stringify(s)))
				.join(' ')
				.slice(0, 1500) || 'not so',
		);
}

export function same(got, due, what) {
	const [a, b] = [JSON.stringify(got), JSON.stringify(due)];
	want(a === b, `${what}: ${a} and not ${b}`);
}

export function note(text) {
	console.log(`# ${text}`);
}

export async function runAll() {
	const chosen = tests.filter(([name]) => name.includes(process.env.BADMAC_ONLY || ''));
	console.log(`1..${chosen.length}`);
	let bad = 0;
	for (const [i, [name, run]] of chosen.entries()) {
		try {
			await run();
			console.log(`ok ${i + 1} - ${name}`);
		} catch (e) {
			bad++;
			console.log(
				`not ok ${i + 1} - ${name}\n${String(e.stack || e)
					.split('\n')
					.slice(0, 14)
					.map((l) => `# ${l}`)
					.join('\n')}`,
			);
		}
	}
	return bad;
}
