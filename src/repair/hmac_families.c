/* The families of changes that a damaged record is searched for: which candidates there are, and in
 * what order. Refuses to know how they are tried.
 *
 * Whether two places of a segment share a column of the TCP checksum depends on their distance
 * alone, so for pairs of bits the start of the first segment need not be known. Words are aligned
 * to the start of their segment; in the first one, which began before the body, to any octet. */
#include "repair/hmac.h"

/* Distances between two places, in octets. Captures taken above the network card hold segments that
 * were several on the wire: none of those was longer than SEGMENT. What changes places in a
 * buffer or on a bus stands close together, mostly. */
enum { SEGMENT = 1460, NEAR_WORDS = 64, NEAR_BITS = 16, WORD = 32 };

struct family {
	const char *name, *ambiguous;
	enum bm_repair_kind kind;
	bool always; /* cheap and likely: begun whatever the effort */
	bool deep;   /* BM_DEEP takes it at any length; else only where it is short */
	double (*count)(const struct hmac_search *s); /* at most, to foresee the cost */
	bool (*search)(struct hmac_search *s);        /* false: ended early */
};

static size_t
body_n(const struct hmac_search *s)
{
	return s->d->wire.body.n;
}

static const uint8_t *
body(const struct hmac_search *s)
{
	return s->d->wire.body.p;
}

static double
square(double x)
{
	return x * x;
}

/* The segments that the body lies in, one after the other from *from on. Ends that do not ascend,
 * or lie outside, are passed over. */
struct segments {
	size_t next; /* edge */
	size_t from, to;
	bool first;
};

static bool
next_segment(const struct hmac_search *s, struct segments *g)
{
	const struct bm_damaged *d = s->d;

	g->first = g->to == 0;
	g->from = g->to;
	if (g->from >= body_n(s))
		return false;
	while (g->next < d->edge_count && d->edges[g->next] <= g->from)
		g->next++;
	g->to =
		g->next < d->edge_count && d->edges[g->next] < body_n(s) ? d->edges[g->next++] : body_n(s);
	return true;
}

/* Pairs within the segments of places `step` octets apart, from `lo` to below `hi` octets from each
 * other; in the first segment places start at any octet. */
static double
pairs(const struct hmac_search *s, size_t step, size_t lo, size_t hi)
{
	struct segments g = {0};
	double n = 0;

	while (next_segment(s, &g))
		for (size_t d = lo; d < hi && d < g.to - g.from; d += step)
			n += (double)(g.to - g.from - d) / (g.first ? 1 : (double)step);
	return n;
}

static double
bits(const struct hmac_search *s)
{
	return 8 * (double)body_n(s);
}

static bool
one_bit(struct hmac_search *s)
{
	struct hs_candidate c = {1, {{.n = 1}}};

	for (size_t i = 0; i < body_n(s); i++)
		for (unsigned mask = 0x80; mask != 0; mask >>= 1) {
			c.c[0].off = (uint32_t)i;
			c.c[0].to[0] = (uint8_t)(body(s)[i] ^ mask);
			if (!hs_try(s, &c))
				return false;
		}
	return true;
}

static double
octets(const struct hmac_search *s)
{
	return (double)body_n(s);
}

/* Two neighbours of `width` octets each, at every offset. */
static bool
swap_neighbours(struct hmac_search *s, uint32_t width)
{
	struct hs_candidate c = {1, {{.n = 2 * width}}};

	for (size_t i = 0; i + 2 * width <= body_n(s); i++) {
		const uint8_t *at = body(s) + i;
		if (memcmp(at, at + width, width) == 0)
			continue;
		c.c[0].off = (uint32_t)i;
		memcpy(c.c[0].to, at + width, width);
		memcpy(c.c[0].to + width, at, width);
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

static bool
neighbours_8(struct hmac_search *s)
{
	return swap_neighbours(s, 1);
}

static bool
neighbours_16(struct hmac_search *s)
{
	return swap_neighbours(s, 2);
}

static bool
neighbours_32(struct hmac_search *s)
{
	return swap_neighbours(s, 4);
}

static bool
neighbours_64(struct hmac_search *s)
{
	return swap_neighbours(s, 8);
}

static bool
reversed_32(struct hmac_search *s)
{
	struct hs_candidate c = {1, {{.n = 4}}};

	for (size_t i = 0; i + 4 <= body_n(s); i++) {
		const uint8_t *at = body(s) + i;
		if (at[0] == at[3] && at[1] == at[2])
			continue;
		c.c[0].off = (uint32_t)i;
		for (size_t k = 0; k < 4; k++)
			c.c[0].to[k] = at[3 - k];
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

/* Two words of one segment, the second from `lo` to below `hi` octets behind the first. */
static bool
swap_from(struct hmac_search *s, size_t i, size_t to, uint32_t width, size_t lo, size_t hi)
{
	struct hs_candidate c = {2, {{.off = (uint32_t)i, .n = width}, {.n = width}}};
	const uint8_t *at = body(s);

	memcpy(c.c[1].to, at + i, width);
	for (size_t j = i + lo; j + width <= to && j - i < hi; j += width) {
		if (memcmp(at + i, at + j, width) == 0)
			continue;
		c.c[1].off = (uint32_t)j;
		memcpy(c.c[0].to, at + j, width);
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

static bool
swap_within(struct hmac_search *s, uint32_t width, size_t lo, size_t hi)
{
	struct segments g = {0};

	while (next_segment(s, &g)) {
		size_t step = g.first ? 1 : width;
		for (size_t i = g.from; i + width <= g.to; i += step)
			if (!swap_from(s, i, g.to, width, lo, hi))
				return false;
	}
	return true;
}

/* Neighbours were tried. */
static double
pairs_near_16(const struct hmac_search *s)
{
	return pairs(s, 2, 4, NEAR_WORDS);
}

static bool
swap_near_16(struct hmac_search *s)
{
	return swap_within(s, 2, 4, NEAR_WORDS);
}

static double
pairs_16(const struct hmac_search *s)
{
	return pairs(s, 2, NEAR_WORDS, SEGMENT);
}

static bool
swap_16(struct hmac_search *s)
{
	return swap_within(s, 2, NEAR_WORDS, SEGMENT);
}

static double
pairs_32(const struct hmac_search *s)
{
	return pairs(s, 4, 8, SEGMENT);
}

static bool
swap_32(struct hmac_search *s)
{
	return swap_within(s, 4, 8, SEGMENT);
}

static double
pairs_64(const struct hmac_search *s)
{
	return pairs(s, 8, 16, SEGMENT);
}

static bool
swap_64(struct hmac_search *s)
{
	return swap_within(s, 8, 16, SEGMENT);
}

static double
values(const struct hmac_search *s)
{
	return 247 * (double)body_n(s);
}

static bool
one_octet(struct hmac_search *s)
{
	struct hs_candidate c = {1, {{.n = 1}}};

	for (size_t i = 0; i < body_n(s); i++)
		for (unsigned x = 1; x < 256; x++) {
			if ((x & (x - 1)) == 0)
				continue; /* one bit: tried */
			c.c[0].off = (uint32_t)i;
			c.c[0].to[0] = (uint8_t)(body(s)[i] ^ x);
			if (!hs_try(s, &c))
				return false;
		}
	return true;
}

/* One in a word, the other in the same place of another word, one rising and one falling: the TCP
 * checksum stays (RFC 1071). */
static bool
neutral_from(struct hmac_search *s, size_t i, size_t to, size_t lo, size_t hi)
{
	struct hs_candidate c = {2, {{.off = (uint32_t)i, .n = 1}, {.n = 1}}};
	const uint8_t *at = body(s);

	for (size_t j = i + lo; j < to && j - i < hi; j += 2)
		for (unsigned mask = 0x80; mask != 0; mask >>= 1) {
			if (((at[i] ^ at[j]) & mask) == 0)
				continue;
			c.c[1].off = (uint32_t)j;
			c.c[0].to[0] = (uint8_t)(at[i] ^ mask);
			c.c[1].to[0] = (uint8_t)(at[j] ^ mask);
			if (!hs_try(s, &c))
				return false;
		}
	return true;
}

static bool
neutral_within(struct hmac_search *s, size_t lo, size_t hi)
{
	struct segments g = {0};

	while (next_segment(s, &g))
		for (size_t i = g.from; i < g.to; i++)
			if (!neutral_from(s, i, g.to, lo, hi))
				return false;
	return true;
}

/* Of eight bits at two octets, half differ; columns are two octets wide, places one. */
static double
neutral_near(const struct hmac_search *s)
{
	return 8 * pairs(s, 2, 2, NEAR_BITS);
}

static bool
two_neutral_near(struct hmac_search *s)
{
	return neutral_within(s, 2, NEAR_BITS);
}

static double
neutral_far(const struct hmac_search *s)
{
	return 8 * pairs(s, 2, NEAR_BITS, SEGMENT);
}

static bool
two_neutral_far(struct hmac_search *s)
{
	return neutral_within(s, NEAR_BITS, SEGMENT);
}

static double
bit_pairs(const struct hmac_search *s)
{
	return square(bits(s)) / 2;
}

static bool
two_bits_from(struct hmac_search *s, size_t i, size_t to)
{
	const uint8_t *at = body(s);

	for (size_t j = i + 1; j < to && j < 8 * body_n(s); j++) {
		struct hs_candidate c = {2, {{(uint32_t)(i / 8), 1, {0}}, {(uint32_t)(j / 8), 1, {0}}}};
		c.c[0].to[0] = (uint8_t)(at[i / 8] ^ 0x80 >> i % 8);
		c.c[1].to[0] = (uint8_t)(at[j / 8] ^ 0x80 >> j % 8);
		if (i / 8 == j / 8) {
			c.n = 1;
			c.c[0].to[0] ^= (uint8_t)(0x80 >> j % 8);
		}
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

static bool
two_bits(struct hmac_search *s)
{
	for (size_t i = 0; i < 8 * body_n(s); i++)
		if (!two_bits_from(s, i, SIZE_MAX))
			return false;
	return true;
}

static double
bit_pairs_near(const struct hmac_search *s)
{
	return bits(s) * (WORD - 1);
}

/* As the bits of a word of memory stand. */
static bool
two_bits_near(struct hmac_search *s)
{
	for (size_t i = 0; i < 8 * body_n(s); i++)
		if (!two_bits_from(s, i, i + WORD))
			return false;
	return true;
}

static double
bursts(const struct hmac_search *s)
{
	return bits(s) * 32768;
}

/* Bits in the order of the wire, the first one of them at bit i, the last within 16. */
static bool
burst_from(struct hmac_search *s, size_t i)
{
	size_t left = 8 * body_n(s) - i;
	struct hs_candidate c = {1, {{.off = (uint32_t)(i / 8)}}};

	c.c[0].n = (uint32_t)(body_n(s) - i / 8 < 3 ? body_n(s) - i / 8 : 3);
	for (uint32_t rest = 1; rest < 0x8000; rest++) {
		if (left < 16 && (rest & ((1u << (16 - left)) - 1)) != 0)
			continue;
		uint32_t mask = (0x8000 | rest) << 8 >> i % 8;
		for (size_t k = 0; k < c.c[0].n; k++)
			c.c[0].to[k] = (uint8_t)(body(s)[i / 8 + k] ^ mask >> (16 - 8 * k));
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

static bool
one_burst(struct hmac_search *s)
{
	for (size_t i = 0; i < 8 * body_n(s); i++)
		if (!burst_from(s, i))
			return false;
	return true;
}

/* What a run over the border of header and body leaves of itself in the body: nothing saves the
 * states behind it, so each costs the whole MAC. */
static bool
two_in_front(struct hmac_search *s)
{
	struct hs_candidate c = {1, {{.n = body_n(s) < 2 ? 1 : 2}}};
	unsigned values = body_n(s) < 2 ? 1 << 8 : 1 << 16;

	for (unsigned x = 1; x < values && body_n(s) != 0; x++) {
		c.c[0].to[0] = (uint8_t)(body(s)[0] ^ x);
		if (c.c[0].n == 2)
			c.c[0].to[1] = (uint8_t)(body(s)[1] ^ x >> 8);
		if (!hs_try(s, &c))
			return false;
	}
	return true;
}

#define NAMES(name) name, name ": two such changes fit, which proves neither"

static const struct family front = {NAMES("the first two octets of the body"),
	BM_REPAIR_BYTES_DAMAGED, true, true, NULL, two_in_front};

static const struct family families[] = {
	{NAMES("one bit anywhere"), BM_REPAIR_BITS_FLIPPED, true, true, bits, one_bit},
	{NAMES("two neighbouring octets swapped"), BM_REPAIR_WORDS_SWAPPED, true, true, octets,
		neighbours_8},
	{NAMES("two neighbouring words of 16 bits swapped"), BM_REPAIR_WORDS_SWAPPED, true, true,
		octets, neighbours_16},
	{NAMES("two neighbouring words of 32 bits swapped"), BM_REPAIR_WORDS_SWAPPED, true, true,
		octets, neighbours_32},
	{NAMES("two neighbouring words of 64 bits swapped"), BM_REPAIR_WORDS_SWAPPED, true, true,
		octets, neighbours_64},
	{NAMES("the octets of a word of 32 bits reversed"), BM_REPAIR_WORDS_SWAPPED, true, true, octets,
		reversed_32},
	{NAMES("two words of 16 bits swapped, less than 64 octets apart"), BM_REPAIR_WORDS_SWAPPED,
		false, true, pairs_near_16, swap_near_16},
	{NAMES("two bits less than 16 octets apart that leave the checksum as it is"),
		BM_REPAIR_BITS_FLIPPED, false, true, neutral_near, two_neutral_near},
	{NAMES("two words of 32 bits of one segment swapped"), BM_REPAIR_WORDS_SWAPPED, false, true,
		pairs_32, swap_32},
	{NAMES("two words of 64 bits of one segment swapped"), BM_REPAIR_WORDS_SWAPPED, false, true,
		pairs_64, swap_64},
	{NAMES("two words of 16 bits of one segment swapped"), BM_REPAIR_WORDS_SWAPPED, false, true,
		pairs_16, swap_16},
	{NAMES("one octet of any value"), BM_REPAIR_BYTES_DAMAGED, false, true, values, one_octet},
	{NAMES("two bits less than 32 bits apart"), BM_REPAIR_BITS_FLIPPED, false, true, bit_pairs_near,
		two_bits_near},
	{NAMES("two bits of one segment that leave its checksum as it is"), BM_REPAIR_BITS_FLIPPED,
		false, true, neutral_far, two_neutral_far},
	{NAMES("two bits anywhere"), BM_REPAIR_BITS_FLIPPED, false, false, bit_pairs, two_bits},
	{NAMES("a burst of up to 16 bits"), BM_REPAIR_BYTES_DAMAGED, false, false, bursts, one_burst},
};

/* Does the family fit into what is left? */
static bool
fits(const struct hmac_search *s, const struct family *f)
{
	enum { SHORT = 1 << 30 };
	double cost = f->count(s) * hs_cost(s);

	if (s->d->effort == BM_DEEP && !f->deep)
		return cost < 64.0 * SHORT;
	if (s->d->effort == BM_DEEP)
		return true;
	return cost < (double)s->limit - (double)s->work;
}

/* True: the search is over. */
static bool
search_family(struct hmac_search *s, const struct family *f)
{
	hs_begin(s, f->name);
	bool complete = f->search(s);
	hs_finish(s);
	return hs_end(s, complete, f->ambiguous, f->kind);
}

void
hs_search_families(struct hmac_search *s)
{
	if (s->d->front && search_family(s, &front))
		return;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const struct family *f = &families[i];
		if (s->work >= s->limit || (!f->always && !fits(s, f)))
			continue;
		if (search_family(s, f))
			return;
	}
}
