/* The table of flows: a hash of what names a connection leads to its place in slabs.
 * Refuses to know when a flow begins or ends. */
#include "tcp/internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buf.h"

enum { TABLE_FIRST = 1 << 10, SLABS_MAX = 1 << 24 };

struct name {
	uint8_t low[16], high[16];
	uint16_t low_port, high_port;
	uint32_t tunnel, site;
	uint8_t transport, family;
	uint8_t zero[2];
};

/* Whoever chooses ports must not be able to choose places in the table: the core has no source of
 * randomness, so the key comes from where memory lies and from what the capture starts with. */
static void
make_key(struct bm_tcp *t, const struct bm_segment *g)
{
	uint64_t from[6] = {(uint64_t)(uintptr_t)t, (uint64_t)(uintptr_t)&from,
		(uint64_t)(uintptr_t)&make_key, g->ts_ns, (uint64_t)g->seq << 32 | g->ack,
		(uint64_t)(uintptr_t)g->payload.p};

	t->secret = XXH3_64bits(from, sizeof from);
	t->keyed = true;
}

uint32_t
flow_hash(struct bm_tcp *t, uint32_t site, const struct bm_segment *g)
{
	struct name n = {.tunnel = g->tunnel,
		.site = site,
		.transport = (uint8_t)g->transport,
		.family = g->src.family};
	const struct bm_address *a = &g->src, *b = &g->dst;

	if (!t->keyed)
		make_key(t, g);
	int order = memcmp(a->ip, b->ip, 16);
	if (order > 0 || (order == 0 && a->port > b->port)) {
		a = &g->dst;
		b = &g->src;
	}
	memcpy(n.low, a->ip, 16);
	memcpy(n.high, b->ip, 16);
	n.low_port = a->port;
	n.high_port = b->port;
	return (uint32_t)XXH3_64bits_withSeed(&n, sizeof n, t->secret);
}

static struct bm_flow *
slot_flow(const struct bm_tcp *t, uint32_t slot)
{
	return &t->slabs[slot / SLAB][slot % SLAB];
}

/* Is g of this flow? The slot of one that has ended is of no transport. */
static bool
is_named(const struct bm_flow *f, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	if (f->transport != g->transport || f->site != site || f->tunnel != g->tunnel)
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (bm_address_equal(&f->source[i], &g->src) &&
			bm_address_equal(&f->source[1 - i], &g->dst)) {
			*way = (enum bm_way)i;
			return true;
		}
	return false;
}

/* The same for both directions. Whoever chooses addresses so that flows meet here gains nothing:
 * they are found in the table then. */
static struct bm_flow **
recent_place(struct bm_tcp *t, const struct bm_segment *g)
{
	uint64_t a[2], b[2];

	memcpy(a, g->src.ip, sizeof a);
	memcpy(b, g->dst.ip, sizeof b);
	uint64_t mixed = a[0] ^ a[1] ^ b[0] ^ b[1] ^ (uint64_t)(g->src.port ^ g->dst.port) << 40;
	return &t->recent[(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32) % RECENT];
}

struct bm_flow *
table_recent(struct bm_tcp *t, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	struct bm_flow *f = *recent_place(t, g);

	return f != NULL && is_named(f, site, g, way) ? f : NULL;
}

struct bm_flow *
table_find(
	struct bm_tcp *t, uint32_t hash, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	if (t->table == NULL)
		return NULL;
	for (uint32_t i = hash & t->mask; t->table[i].slot != NO_SLOT; i = (i + 1) & t->mask) {
		if (t->table[i].hash != hash)
			continue;
		struct bm_flow *f = slot_flow(t, t->table[i].slot);
		if (!is_named(f, site, g, way))
			continue;
		*recent_place(t, g) = f;
		return f;
	}
	return NULL;
}

static void
insert(struct bm_tcp *t, struct entry e)
{
	uint32_t i = e.hash & t->mask;

	while (t->table[i].slot != NO_SLOT)
		i = (i + 1) & t->mask;
	t->table[i] = e;
	t->used++;
}

/* At most half full, so that a search is short. */
static enum bm_status
make_room(struct bm_tcp *t)
{
	size_t size = t->table != NULL ? (size_t)t->mask + 1 : 0;

	if (t->used < size / 2)
		return BM_OK;
	size_t more = size != 0 ? size * 2 : TABLE_FIRST;
	if (more > (size_t)1 << 31)
		return BM_NOMEM;
	struct entry *old = t->table, *table = malloc(more * sizeof *table);
	if (table == NULL)
		return BM_NOMEM;
	memset(table, 0xff, more * sizeof *table);
	t->table = table;
	t->mask = (uint32_t)(more - 1);
	t->used = 0;
	for (size_t i = 0; i < size; i++)
		if (old[i].slot != NO_SLOT)
			insert(t, old[i]);
	free(old);
	return BM_OK;
}

static struct bm_flow *
take_slot(struct bm_tcp *t)
{
	if (t->free_slot == NO_SLOT) {
		void *items = t->slabs;
		enum bm_status st =
			bm_grow(&items, &t->slab_cap, t->slab_count + 1, SLABS_MAX, sizeof *t->slabs);
		t->slabs = items;
		struct bm_flow *slab = st == BM_OK ? malloc(SLAB * sizeof *slab) : NULL;
		if (slab == NULL)
			return NULL;
		uint32_t first = (uint32_t)t->slab_count * SLAB;
		for (uint32_t i = 0; i < SLAB; i++)
			slab[i].slot = i + 1 < SLAB ? first + i + 1 : NO_SLOT;
		t->slabs[t->slab_count++] = slab;
		t->free_slot = first;
	}
	uint32_t slot = t->free_slot;
	struct bm_flow *f = slot_flow(t, slot);
	t->free_slot = f->slot;
	memset(f, 0, sizeof *f);
	f->slot = slot;
	return f;
}

struct bm_flow *
table_add(
	struct bm_tcp *t, uint32_t hash, uint32_t site, const struct bm_segment *g, enum bm_way *way)
{
	if (make_room(t) != BM_OK)
		return NULL;
	struct bm_flow *f = take_slot(t);
	if (f == NULL)
		return NULL;
	/* A SYN with ACK answers; whoever sends anything else first is taken for the initiator. */
	bool answer = g->transport == BM_TCP && (g->flags & BM_SYN) != 0 && (g->flags & BM_ACK) != 0;
	*way = answer ? BM_BACKWARD : BM_FORWARD;
	f->source[*way] = g->src;
	f->source[1 - *way] = g->dst;
	f->t = t;
	f->site = site;
	f->tunnel = g->tunnel;
	f->transport = (uint8_t)g->transport;
	f->hash = hash;
	for (unsigned i = 0; i < 2; i++) {
		struct bm_stream *s = &f->stream[i];
		s->flow = f;
		s->origin = s->base = s->head = ORIGIN;
	}
	insert(t, (struct entry){hash, f->slot});
	*recent_place(t, g) = f;
	return f;
}

void
table_remove(struct bm_flow *f)
{
	struct bm_tcp *t = f->t;
	uint32_t i = f->hash & t->mask;

	while (t->table[i].slot != f->slot)
		i = (i + 1) & t->mask;
	/* Those behind it move up, unless they would pass their own place. */
	for (uint32_t j = (i + 1) & t->mask; t->table[j].slot != NO_SLOT; j = (j + 1) & t->mask) {
		uint32_t home = t->table[j].hash & t->mask;
		if (((j - home) & t->mask) >= ((j - i) & t->mask)) {
			t->table[i] = t->table[j];
			i = j;
		}
	}
	t->table[i].slot = NO_SLOT;
	t->used--;
	f->transport = 0;
	uint32_t slot = f->slot;
	f->slot = t->free_slot;
	t->free_slot = slot;
}

void
table_free(struct bm_tcp *t)
{
	for (size_t i = 0; i < t->slab_count; i++)
		free(t->slabs[i]);
	free(t->slabs);
	free(t->table);
}
