/* Trials in parts, each with dice of its own, so that no outcome depends on who runs which part.
 *
 * A trial: a TCP segment of 20 octets of header and BM_PAYLOAD of payload gets its checksum as a
 * sender makes it, the payload is damaged, and the whole is summed again as a receiver does it.
 * Ciphertext is made anew for each trial; of the others, a random stretch of a megabyte is taken.
 */
#include "odds/simulate.h"

#include "odds/inflict.h"
#include "packet/packet.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PART = 1 << 16, HEADER = 20, FIELD = 16, PAD = 64, ROOM = 1536 };

struct shared {
	struct bm_simulation *s;
	uint8_t *corpus; /* NULL for ciphertext */
	uint64_t stream;
	atomic_uint_fast64_t damaged, escaped;
};

struct segment {
	_Alignas(PAD) uint8_t payload[ROOM];
	uint8_t header[HEADER];
	_Alignas(PAD) uint8_t sent[ROOM], random[ROOM];
};

/* 192.0.2.1 to 198.51.100.7, TCP, and the segment's length. */
static const uint8_t pseudo_header[12] = {
	192, 0, 2, 1, 198, 51, 100, 7, 0, 6, (HEADER + BM_PAYLOAD) >> 8, (HEADER + BM_PAYLOAD) & 0xff};

static uint16_t
sum(const struct segment *g)
{
	uint64_t n = bm_sum16(0, bm_view(pseudo_header, sizeof pseudo_header), false);

	n = bm_sum16(n, bm_view(g->header, HEADER), false);
	return bm_sum16_fold(bm_sum16(n, bm_view(g->payload, BM_PAYLOAD), false));
}

/* RFC 9293, section 3.1: the field is 0 while the sum is made. */
static void
seal(struct segment *g)
{
	bm_store16(g->header + FIELD, 0);
	bm_store16(g->header + FIELD, ~sum(g) & 0xffffu);
}

static const uint8_t *
elsewhere(struct bm_dice *d, const uint8_t *corpus)
{
	return corpus + bm_dice_below(d, BM_CORPUS - BM_PAYLOAD + 1);
}

static void
fill(struct segment *g, const uint8_t *corpus, struct bm_dice *d)
{
	if (corpus == NULL)
		bm_dice_fill(d, g->payload, ROOM);
	else
		memcpy(g->payload, elsewhere(d, corpus), BM_PAYLOAD);
}

static bool
takes_other(enum bm_pattern_kind kind)
{
	return kind == BM_PATTERN_STALE || kind == BM_PATTERN_SHIFT;
}

static void
trial(const struct shared *x, struct segment *g, struct bm_dice *d, uint64_t *damaged,
	uint64_t *escaped)
{
	struct bm_pattern pattern = x->s->pattern;
	const uint8_t *other = g->random;

	fill(g, x->corpus, d);
	if (pattern.kind == BM_PATTERN_RANDOM || (takes_other(pattern.kind) && x->corpus == NULL))
		bm_dice_fill(d, g->random, ROOM);
	else if (takes_other(pattern.kind))
		other = elsewhere(d, x->corpus);
	seal(g);
	memcpy(g->sent, g->payload, BM_PAYLOAD);
	bm_inflict(pattern, d, g->payload, other, g->random);
	if (memcmp(g->sent, g->payload, BM_PAYLOAD) == 0)
		return;
	++*damaged;
	*escaped += sum(g) == 0xffff;
}

static void
part(void *ctx, size_t n, unsigned worker)
{
	struct shared *x = ctx;
	struct segment g = {.header = {0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1}};
	struct bm_dice d;
	uint64_t first = (uint64_t)n * PART, left = x->s->trials - first, damaged = 0, escaped = 0;

	(void)worker;
	bm_dice_seed(&d, x->s->seed, x->stream + n);
	for (uint64_t i = left < PART ? left : PART; i != 0; i--)
		trial(x, &g, &d, &damaged, &escaped);
	atomic_fetch_add(&x->damaged, damaged);
	atomic_fetch_add(&x->escaped, escaped);
}

enum bm_status
bm_simulate(struct bm_simulation *s, struct bm_pool *p)
{
	struct shared x = {.s = s};
	struct bm_dice d;
	struct bm_pattern k = s->pattern;

	/* Parts of one simulation follow each other; those of others are far away. */
	x.stream = ((uint64_t)k.kind << 16 | k.n << 2 | s->content) << 40;
	if (s->content != BM_CONTENT_CIPHERTEXT) {
		x.corpus = malloc(BM_CORPUS);
		if (x.corpus == NULL)
			return BM_NOMEM;
		bm_dice_seed(&d, s->seed, UINT64_MAX - s->content);
		bm_corpus_make(s->content, &d, x.corpus);
	}
	bm_pool_run(p, (size_t)((s->trials + PART - 1) / PART), part, &x);
	free(x.corpus);
	s->damaged = atomic_load(&x.damaged);
	s->escaped = atomic_load(&x.escaped);
	return BM_OK;
}
