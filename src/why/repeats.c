/* Octets of one text that stand in another as well. Refuses to know where either comes from. */
#include "why/repeats.h"

#include <math.h>
#include <stdlib.h>

enum { BACK = 4 * BM_WINDOW, STRIDE_MAX = 8, LONGEST = 4096, PROOF = 40, PROBES = 32 };

static uint32_t
slot_of(const struct bm_repeats *r, const uint8_t *p)
{
	return (uint32_t)(bm_load64(p) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - r->slot_bits));
}

/* What is looked for and its name, one behind the other. */
static const uint8_t *
octets_at(const struct bm_repeats *r, size_t at)
{
	return at < r->text.n ? r->text.p + at : r->name.p + (at - r->text.n);
}

/* Where the window at p stands; SIZE_MAX: nowhere. *free_slot: where it would belong. */
static size_t
find(const struct bm_repeats *r, const uint8_t *p, uint32_t *free_slot)
{
	uint32_t mask = ((uint32_t)1 << r->slot_bits) - 1, s = slot_of(r, p);

	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t x = (s + i) & mask;
		if (r->slot[x] == 0) {
			*free_slot = x;
			return SIZE_MAX;
		}
		if (bm_load64(octets_at(r, r->slot[x] - 1)) == bm_load64(p))
			return r->slot[x] - 1;
	}
	*free_slot = UINT32_MAX;
	return SIZE_MAX;
}

static void
index_windows(struct bm_repeats *r, struct bm_view v, size_t before)
{
	for (size_t i = 0; i + BM_WINDOW <= v.n; i++) {
		uint32_t to;
		if (find(r, v.p + i, &to) == SIZE_MAX && to != UINT32_MAX)
			r->slot[to] = (uint32_t)(before + i) + 1;
	}
}

bool
bm_repeats_new(struct bm_repeats *r, struct bm_view text, struct bm_view name)
{
	*r = (struct bm_repeats){.text = text, .name = name};
	for (r->slot_bits = 8; r->slot_bits < 18 && (size_t)1 << r->slot_bits < 4 * (text.n + name.n);)
		r->slot_bits++;
	r->slot = calloc((size_t)1 << r->slot_bits, sizeof *r->slot);
	if (r->slot == NULL)
		return false;
	index_windows(r, name, text.n);
	index_windows(r, text, 0);
	return true;
}

void
bm_repeats_free(struct bm_repeats *r)
{
	free(r->slot);
	r->slot = NULL;
}

static bool
all_equal(const uint8_t *p, size_t n)
{
	return n != 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* The run around bytes[i] and v[at], where a window is equal. */
static struct bm_repeat
extend(struct bm_view bytes, size_t i, struct bm_view v, size_t at)
{
	size_t k = 0, back = 0;

	while (i + k < bytes.n && at + k < v.n && bytes.p[i + k] == v.p[at + k])
		k++;
	while (back < BACK && back < i && back < at && bytes.p[i - back - 1] == v.p[at - back - 1])
		back++;
	return (struct bm_repeat){(uint32_t)(at - back), (uint32_t)(k + back), i - back};
}

static void
look(struct bm_repeats *r, struct bm_view bytes, size_t stride, bool itself, bm_repeat_fn tell,
	void *ctx)
{
	r->places += (uint64_t)bytes.n * r->text.n;
	for (size_t i = 0; i + BM_WINDOW <= bytes.n; i += stride) {
		uint32_t to;
		size_t at = find(r, bytes.p + i, &to);
		if (at == SIZE_MAX || (itself && at == i))
			continue;
		if (at >= r->text.n) {
			/* All of the name, or nothing. */
			struct bm_repeat name = extend(bytes, i, r->name, at - r->text.n);
			if (name.n == r->name.n)
				tell(ctx, (struct bm_repeat){(uint32_t)r->text.n, name.n, name.from});
			continue;
		}
		struct bm_repeat m = extend(bytes, i, r->text, at);
		/* One value throughout is no copy of anything. */
		if (!all_equal(bytes.p + m.from, m.n))
			tell(ctx, m);
		/* What has been matched is passed over. */
		size_t next = m.from + m.n;
		while (i + stride < next)
			i += stride;
	}
}

void
bm_repeats_compare(
	struct bm_repeats *r, struct bm_view bytes, size_t stride, bm_repeat_fn tell, void *ctx)
{
	look(r, bytes, stride, false, tell, ctx);
}

void
bm_repeats_within(struct bm_repeats *r, bm_repeat_fn tell, void *ctx)
{
	look(r, r->text, 1, true, tell, ctx);
}

/* Every run of `least` octets holds a word that begins at a multiple of `step`. Those words are
 * kept, and each word of the text is compared with them: first by one bit, which few pass by
 * chance. */
enum { WORD = 4, BIT_BITS = 18, MARKS_MAX = 1 << 16 };
struct marks {
	uint64_t bit[1 << (BIT_BITS - 6)];
	uint16_t *slot; /* number of a word + 1, by its hash; 0: none */
	unsigned slot_bits;
	size_t step;
	struct bm_view text;
};

static uint32_t
word_at(struct bm_view text, size_t at)
{
	uint32_t word;

	memcpy(&word, text.p + at, sizeof word);
	return word;
}

/* Is a word like the one at `at` kept? If not, and keep is set, it is from now on. */
static bool
meets(struct marks *m, size_t at, bool keep)
{
	uint32_t word = word_at(m->text, at), hash = word * UINT32_C(0x9e3779b1);
	uint64_t *bits = &m->bit[hash >> (32 - BIT_BITS) >> 6];
	uint64_t bit = (uint64_t)1 << (hash >> (32 - BIT_BITS) & 63);

	if ((*bits & bit) == 0 && !keep)
		return false;
	*bits |= bit;
	uint32_t mask = ((uint32_t)1 << m->slot_bits) - 1, s = hash >> (32 - m->slot_bits);
	/* Words that are made to crowd are left to the search. */
	for (unsigned i = 0; m->slot[s] != 0; i++, s = (s + 1) & mask)
		if (i == PROBES || word_at(m->text, (m->slot[s] - 1u) * m->step) == word)
			return true;
	if (keep)
		m->slot[s] = (uint16_t)(at / m->step + 1);
	return false;
}

bool
bm_repeats_possible(struct bm_view text, size_t least)
{
	struct marks m = {.step = least - WORD + 1, .slot_bits = 8, .text = text};
	bool met = false;

	if (least <= WORD || text.n / m.step >= MARKS_MAX / 2)
		return true;
	if (text.n < least)
		return false;
	while ((size_t)1 << m.slot_bits < 2 * (text.n / m.step))
		m.slot_bits++;
	m.slot = calloc((size_t)1 << m.slot_bits, sizeof *m.slot);
	if (m.slot == NULL)
		return true;
	for (size_t at = 0; at + WORD <= text.n && !met; at += m.step)
		met = meets(&m, at, true);
	for (size_t at = 0, part = 0; at + WORD <= text.n && !met; at++) {
		if (part != 0)
			met = meets(&m, at, false);
		part = part + 1 == m.step ? 0 : part + 1;
	}
	free(m.slot);
	return met;
}

double
bm_repeat_chance(uint64_t places, size_t n)
{
	return log2((double)places) - 8.0 * (double)(n < LONGEST ? n : LONGEST);
}

size_t
bm_repeat_stride(uint64_t places)
{
	double octets = places > 1 ? (log2((double)places) + PROOF) / 8 : 0;
	size_t least = (size_t)ceil(octets);

	if (least < BM_WINDOW)
		return 1;
	return least - BM_WINDOW + 1 < STRIDE_MAX ? least - BM_WINDOW + 1 : STRIDE_MAX;
}

bool
bm_repeat_is_copy(struct bm_view text, struct bm_view place, struct bm_repeat r)
{
	size_t all = 0, same = 0;

	for (size_t i = r.from >= r.at ? 0 : r.at - r.from; i < text.n; i++) {
		size_t k = (size_t)(r.from + i - r.at);
		if (k >= place.n)
			break;
		if (i >= r.at && i - r.at < r.n)
			continue;
		all++;
		same += text.p[i] == place.p[k];
	}
	return all >= 16 && same * 8 >= all;
}
