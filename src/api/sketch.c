/* Keeps the smallest hashes of what payloads begin with (a bottom-k sketch: Broder, "On the
 * resemblance and containment of documents", 1997): two captures of the same traffic keep the same
 * ones. */
#include "api/sketch.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	KEPT = 1 << 14,
	LOOK = 64,         /* octets hashed: segments merged by a receiver begin alike */
	VARIED = 48,       /* different values among them; text has fewer, and may well repeat */
	HELLO_RANDOM = 11, /* where it stands in a segment that begins with a hello */
	RANDOM = 32
};

static bool
is_varied(const uint8_t *p)
{
	uint64_t seen[4] = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < LOOK; i++)
		seen[p[i] >> 6] |= (uint64_t)1 << (p[i] & 63);
	for (unsigned i = 0; i < 4; i++)
		for (uint64_t x = seen[i]; x != 0; x &= x - 1)
			n++;
	return n >= VARIED;
}

/* The heap's largest hash is the first. */
static void
sink(uint64_t *h, size_t n, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= n)
			return;
		if (child + 1 < n && h[child + 1] > h[child])
			child++;
		if (h[i] >= h[child])
			return;
		uint64_t swap = h[i];
		h[i] = h[child];
		h[child] = swap;
		i = child;
	}
}

static void
keep(struct sketch *k, uint64_t h)
{
	if (k->hash == NULL)
		k->hash = calloc(KEPT, sizeof *k->hash);
	if (k->hash == NULL)
		return;
	if (k->n < KEPT) {
		k->hash[k->n++] = h;
		if (k->n == KEPT)
			for (size_t i = KEPT / 2; i-- > 0;)
				sink(k->hash, KEPT, i);
		return;
	}
	k->full = true;
	/* One that is there twice takes two places: the sample is smaller by that. */
	if (h >= k->hash[0])
		return;
	k->hash[0] = h;
	sink(k->hash, KEPT, 0);
}

void
sketch_add(struct sketch *k, const struct bm_segment *s)
{
	if (s->payload.n >= LOOK && is_varied(s->payload.p))
		keep(k, XXH3_64bits(s->payload.p, LOOK));
}

void
sketch_add_hello(struct sketch *k, const struct bm_segment *s)
{
	/* RFC 8446, section 4.1.3: every HelloRetryRequest has this one. */
	static const uint8_t retry[] = {0xcf, 0x21, 0xad, 0x74};
	const uint8_t *p = s->payload.p;

	if (s->payload.n < HELLO_RANDOM + RANDOM || p[0] != 22 || p[1] != 3 ||
		(p[5] != 1 && p[5] != 2) || memcmp(p + HELLO_RANDOM, retry, sizeof retry) == 0)
		return;
	keep(k, XXH3_64bits(p + HELLO_RANDOM, RANDOM));
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void
sketch_close(struct sketch *k)
{
	size_t n = 0;

	if (k->closed)
		return;
	k->closed = true;
	if (k->n == 0)
		return;
	qsort(k->hash, k->n, sizeof *k->hash, by_value);
	for (size_t i = 0; i < k->n; i++)
		if (n == 0 || k->hash[n - 1] != k->hash[i])
			k->hash[n++] = k->hash[i];
	k->n = n;
}

bool
sketch_alike(const struct sketch *a, const struct sketch *b)
{
	if (a->n == 0 || b->n == 0)
		return false;
	/* What lies above the largest hash of a full sample was not kept in it. */
	uint64_t most = UINT64_MAX;
	if (a->full)
		most = a->hash[a->n - 1];
	if (b->full && b->hash[b->n - 1] < most)
		most = b->hash[b->n - 1];
	size_t i = 0, j = 0, both = 0;
	while (i < a->n && j < b->n && a->hash[i] <= most && b->hash[j] <= most) {
		both += a->hash[i] == b->hash[j];
		uint64_t x = a->hash[i], y = b->hash[j];
		i += x <= y;
		j += y <= x;
	}
	while (i < a->n && a->hash[i] <= most)
		i++;
	while (j < b->n && b->hash[j] <= most)
		j++;
	/* Pieces of one capture share no more than what was sent again as one ended. */
	return both >= 2 && both >= (i < j ? i : j) / 4;
}

void
sketch_clear(struct sketch *k)
{
	free(k->hash);
	*k = (struct sketch){NULL, 0, false, false};
}
