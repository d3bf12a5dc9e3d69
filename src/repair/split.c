/* Two unknown changes u (before the boundary) and v (behind it) with u + v * f = y modulo p = 2^130
 * - 5, both short: a lattice of two dimensions. Euclid's algorithm on p and f gives short t and s
 * with t * f = s. Then t * u + s * v = t * y modulo p, and as the left side is far shorter than p
 * the equation holds between integers as well: modulo s it gives u, modulo t it gives v. Refuses to
 * know whether what it finds is the damage. */
#include "repair/split.h"

enum { MODULE_BITS = 61, EACH = 4, TRIES = 1024 };

/* Long division leaves remainder and cofactor at once. */
struct euclid {
	struct bm_term a, b;   /* remainders, a > b */
	struct bm_term ta, tb; /* sizes of their cofactors of f, whose signs alternate */
	bool negative;         /* tb's sign */
};

static unsigned
length(struct bm_term a)
{
	for (unsigned i = 3; i > 0; i--)
		if (a.w[i - 1] != 0)
			return 64 * i - (unsigned)__builtin_clzll(a.w[i - 1]);
	return 0;
}

static bool
less(struct bm_term a, struct bm_term b)
{
	if (a.w[2] != b.w[2])
		return a.w[2] < b.w[2];
	return a.w[1] != b.w[1] ? a.w[1] < b.w[1] : a.w[0] < b.w[0];
}

static struct bm_term
shift(struct bm_term a, unsigned n)
{
	for (; n >= 64; n -= 64)
		a = (struct bm_term){{0, a.w[0], a.w[1]}};
	if (n == 0)
		return a;
	return (struct bm_term){
		{a.w[0] << n, a.w[1] << n | a.w[0] >> (64 - n), a.w[2] << n | a.w[1] >> (64 - n)}};
}

static struct bm_term
plus(struct bm_term a, struct bm_term b)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < 3; i++) {
		uint64_t sum = a.w[i] + b.w[i];
		uint64_t over = sum < a.w[i];
		a.w[i] = sum + carry;
		carry = over | (a.w[i] < sum);
	}
	return a;
}

static struct bm_term
minus(struct bm_term a, struct bm_term b)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < 3; i++) {
		uint64_t difference = a.w[i] - b.w[i];
		uint64_t under = a.w[i] < b.w[i];
		a.w[i] = difference - borrow;
		borrow = under | (difference < borrow);
	}
	return a;
}

static struct euclid
step(struct euclid e)
{
	/* By zero there is no division: at the end, and for r = 0. */
	while (length(e.b) != 0 && !less(e.a, e.b)) {
		unsigned n = length(e.a) - length(e.b);
		if (n > 0 && less(e.a, shift(e.b, n)))
			n--;
		e.a = minus(e.a, shift(e.b, n));
		e.ta = plus(e.ta, shift(e.tb, n));
	}
	return (struct euclid){e.b, e.a, e.tb, e.ta, !e.negative};
}

/* Remainder modulo m < 2^63, bit by bit. */
static uint64_t
modulo(struct bm_term a, uint64_t m)
{
	uint64_t r = 0;

	for (unsigned i = length(a); i > 0; i--) {
		r = r << 1 | (a.w[(i - 1) / 64] >> (i - 1) % 64 & 1);
		r = r >= m ? r - m : r;
	}
	return r;
}

static uint64_t
product(uint64_t a, uint64_t b, uint64_t m)
{
	uint64_t r = 0;

	for (; b != 0; b >>= 1) {
		if ((b & 1) != 0)
			r = r + a >= m ? r + a - m : r + a;
		a = a + a >= m ? a + a - m : a + a;
	}
	return r;
}

/* Of a modulo m, which have no divisor in common; 0 for a module of 1. */
static uint64_t
inverse(uint64_t a, uint64_t m)
{
	int64_t t = 0, next = 1;
	uint64_t r = m, rest = a % m;

	while (rest != 0) {
		uint64_t q = r / rest;
		int64_t t_after = t - (int64_t)q * next;
		uint64_t r_after = r - q * rest;
		t = next;
		next = t_after;
		r = rest;
		rest = r_after;
	}
	return t < 0 ? (uint64_t)(t + (int64_t)m) : (uint64_t)t % m;
}

static struct bm_term
invert(struct bm_term a)
{
	return bm_of_p(bm_p1305_inverse(bm_as_p(a)));
}

static struct bm_term
negative(struct bm_term a)
{
	return bm_of_p(bm_p1305_negative(bm_as_p(a)));
}

void
bm_split_new(struct bm_split *split, const struct bm_linear *l, size_t tail, size_t head)
{
	struct euclid e = {.a = {{UINT64_MAX - 4, UINT64_MAX, 3}}, .tb = {{1, 0, 0}}};
	size_t small = tail < head ? tail : head, large = tail < head ? head : tail;
	/* Short enough for a word, long enough to leave one answer: the longer the run, the nearer. */
	unsigned bits = MODULE_BITS - (unsigned)(EACH * (large - small));

	*split = (struct bm_split){.tail = tail, .head = head, .by_head = head < tail};
	struct bm_term unit = bm_linear_power(l, (struct bm_term){{256, 0, 0}}, BM_TERM_BLOCK - tail);
	split->scale = invert(unit);
	split->factor = bm_term_mul(l, split->scale, l->inverse);
	split->undo = invert(split->factor);
	e.b = split->factor;
	if (split->by_head) {
		for (struct euclid next = step(e); length(e.b) != 0 && length(next.tb) <= bits;
			 next = step(e))
			e = next;
	} else {
		while (length(e.b) > bits)
			e = step(e);
	}
	split->t = e.negative ? negative(e.tb) : e.tb;
	split->module = split->by_head ? e.tb.w[0] : e.b.w[0];
	if (split->module == 0)
		return;
	uint64_t other = modulo(split->by_head ? e.b : e.tb, split->module);
	if (!split->by_head && e.negative && other != 0)
		other = split->module - other;
	split->inverse = inverse(other, split->module);
}

/* Octets of the text as a number. */
static struct bm_term
number(const uint8_t *p, size_t n)
{
	struct bm_term z = {{0, 0, 0}};

	for (size_t i = n; i > 0; i--) {
		z = shift(z, 8);
		z.w[0] |= p[i - 1];
	}
	return z;
}

/* Writes what turns `from` into from + change; false when that is no number of n octets. */
static bool
mask_of(
	const struct bm_linear *l, const uint8_t *from, size_t n, struct bm_term change, uint8_t *mask)
{
	struct bm_term to = bm_term_add(l, number(from, n), change);

	if (length(to) > 8 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		mask[i] = from[i] ^ (uint8_t)(to.w[i / 8] >> 8 * (i % 8));
	return true;
}

/* One of the two changes is known, the other follows. */
static bool
complete(const struct bm_split *split, const struct bm_linear *l, struct bm_term y,
	struct bm_term known, size_t at, size_t end, uint8_t *mask)
{
	struct bm_term u = known, v = known;

	if (split->by_head)
		u = bm_term_subtract(l, y, bm_term_mul(l, v, split->factor));
	else
		v = bm_term_mul(l, bm_term_subtract(l, y, u), split->undo);
	return mask_of(l, l->text + at - split->tail, split->tail, u, mask) &&
		   mask_of(l, l->text + at, end, v, mask + split->tail);
}

bool
bm_split_solve(const struct bm_split *split, const struct bm_linear *l, struct bm_term x, size_t at,
	size_t end, uint8_t mask[BM_TERM_BLOCK])
{
	struct bm_term y = bm_term_mul(l, x, split->scale);
	struct bm_term z = bm_term_mul(l, y, split->t), minus_z = negative(z);
	uint64_t m = split->module;
	uint64_t bound = UINT64_C(1) << 8 * (split->by_head ? split->head : split->tail);
	bool below = less(minus_z, z); /* z stands for the number z - p */

	if (m == 0)
		return false;
	uint64_t known = product(modulo(below ? minus_z : z, m), split->inverse, m);
	if (below && known != 0)
		known = m - known;
	/* The module is longer than the bound, but for an r in a million: so these are one or two. */
	uint64_t from = known;
	for (unsigned i = 0; i < TRIES && from < bound; i++, from += m)
		if (complete(split, l, y, (struct bm_term){{from, 0, 0}}, at, end, mask))
			return true;
	from = m - known;
	for (unsigned i = 0; i < TRIES && from < bound; i++, from += m)
		if (complete(split, l, y, negative((struct bm_term){{from, 0, 0}}), at, end, mask))
			return true;
	return false;
}
