/* Finds the places in a large text near which a pattern may fit. Refuses to know lines.
 *
 * Each step of the automaton waits for the one before it, and a processor can take several such
 * walks at a time: the text is cut into parts, which are walked side by side. A part begins as far
 * before its place as a key is long, so that no key is lost in a cut. */
#include "explain/match_internal.h"

enum { LANES = 4 };

/* The state after these octets, and whether a key ended among them. */
static unsigned
walk(const struct bm_matcher *m, unsigned state, struct bm_view text, bool *any)
{
	unsigned seen = 0;

	for (size_t i = 0; i < text.n; i++) {
		state = m->go[((size_t)(state & STATES_MAX) << m->shift) + m->class[text.p[i]]];
		seen |= state;
	}
	*any = (seen & ENDS) != 0;
	return state;
}

static void
mark(uint64_t *hits, size_t chunk, unsigned seen)
{
	if ((seen & ENDS) != 0)
		hits[chunk / 64] |= UINT64_C(1) << chunk % 64;
}

/* The same number of chunks in each lane, one after the other from `state` on. */
static void
walk_lanes(const struct bm_matcher *m, const uint8_t *p, size_t chunks, unsigned state[LANES],
	uint64_t *hits)
{
	const uint8_t *a = p, *b = a + chunks * BM_SCAN_CHUNK, *c = b + chunks * BM_SCAN_CHUNK,
				  *d = c + chunks * BM_SCAN_CHUNK;
	const uint16_t *go = m->go;
	const uint8_t *class = m->class;
	unsigned shift = m->shift, s0 = state[0], s1 = state[1], s2 = state[2], s3 = state[3];

	for (size_t k = 0; k < chunks; k++) {
		unsigned e0 = 0, e1 = 0, e2 = 0, e3 = 0;
		for (size_t i = 0; i < BM_SCAN_CHUNK; i++) {
			s0 = go[((size_t)(s0 & STATES_MAX) << shift) + class[*a++]];
			s1 = go[((size_t)(s1 & STATES_MAX) << shift) + class[*b++]];
			s2 = go[((size_t)(s2 & STATES_MAX) << shift) + class[*c++]];
			s3 = go[((size_t)(s3 & STATES_MAX) << shift) + class[*d++]];
			e0 |= s0;
			e1 |= s1;
			e2 |= s2;
			e3 |= s3;
		}
		mark(hits, k, e0);
		mark(hits, chunks + k, e1);
		mark(hits, 2 * chunks + k, e2);
		mark(hits, 3 * chunks + k, e3);
	}
	state[LANES - 1] = s3;
}

void
bm_matcher_scan(const struct bm_matcher *m, struct bm_view text, uint64_t hits[BM_SCAN_WORDS])
{
	size_t chunks = text.n / BM_SCAN_CHUNK / LANES, at = LANES * chunks * BM_SCAN_CHUNK;
	unsigned state[LANES] = {0};
	bool any;

	memset(hits, 0, BM_SCAN_WORDS * sizeof *hits);
	for (size_t k = 1; k < LANES && chunks != 0; k++)
		state[k] = walk(
			m, 0, bm_view(text.p + k * chunks * BM_SCAN_CHUNK - (KEY_MAX - 1), KEY_MAX - 1), &any);
	if (chunks != 0)
		walk_lanes(m, text.p, chunks, state, hits);
	for (unsigned last = state[LANES - 1]; at < text.n; at += BM_SCAN_CHUNK) {
		size_t n = text.n - at < BM_SCAN_CHUNK ? text.n - at : BM_SCAN_CHUNK;
		last = walk(m, last, bm_view(text.p + at, n), &any);
		mark(hits, at / BM_SCAN_CHUNK, any ? ENDS : 0);
	}
}

size_t
bm_scan_next(const uint64_t hits[BM_SCAN_WORDS], size_t from, size_t n)
{
	size_t chunk = from / BM_SCAN_CHUNK;

	for (size_t w = chunk / 64; w < BM_SCAN_WORDS; w++) {
		uint64_t bits = hits[w];
		if (w == chunk / 64)
			bits &= ~UINT64_C(0) << chunk % 64;
		if (bits == 0)
			continue;
		size_t at = (w * 64 + (size_t)__builtin_ctzll(bits)) * BM_SCAN_CHUNK;
		return at < n ? at : n;
	}
	return n;
}
