/* Does the record that a repair makes stand right behind the damaged one? Then it was sent once,
 * and came twice. Refuses to know what was wrong with it. */
#include "carve/internal.h"

#include <stdlib.h>

enum { HEADER = 5, RECORD_MOST = HEADER + 65535 };

/* What is made of a failure's edits, from the record's header on. */
struct making {
	struct bm_carve *c;
	const struct item *item;
	unsigned way;
	uint64_t from, at; /* of the stream as captured: where it begins, how far it was read */
	struct bm_buf is;  /* the record with the edits made */
	struct bm_buf was; /* without them, as it was received */
	uint8_t *room;     /* RECORD_MOST octets */
};

static bool
add(struct making *m, struct bm_buf *b, const uint8_t *p, size_t n)
{
	enum bm_status st = bm_buf_add(b, bm_view(p, n));

	m->c->nomem = m->c->nomem || st == BM_NOMEM;
	return st == BM_OK;
}

/* What stands in the capture up to there belongs to both. */
static bool
copy_until(struct making *m, uint64_t until)
{
	size_t n = (size_t)(until - m->at);

	if (until < m->at || until - m->at > RECORD_MOST ||
		(n != 0 && !stream_octets(m->c, m->item, m->way, m->at, n, m->room)))
		return false;
	m->at = until;
	return add(m, &m->is, m->room, n) && add(m, &m->was, m->room, n);
}

static bool
make(struct making *m, size_t failure)
{
	for (size_t i = 0; i < m->item->edit_count[m->way]; i++) {
		const struct edit *e = &m->item->edits[m->way][i];
		if (e->failure != failure)
			continue;
		if (e->at_end || e->received.n != e->n || !copy_until(m, e->off) ||
			!add(m, &m->is, e->sent.p, e->sent.n) || !add(m, &m->was, e->received.p, e->received.n))
			return false;
		m->at += e->n;
	}
	if (m->is.n < HEADER && !copy_until(m, m->at + (HEADER - m->is.n)))
		return false;
	size_t len = HEADER + (size_t)bm_load16(m->is.p + 3);
	return m->is.n <= len && copy_until(m, m->at + (len - m->is.n));
}

static bool
follows(struct making *m)
{
	return stream_octets(m->c, m->item, m->way, m->at, m->is.n, m->room) &&
		   memcmp(m->room, m->is.p, m->is.n) == 0;
}

/* One that differs could not be taken out with the others. */
static bool
all_copies_alike(struct making *m)
{
	int64_t from = (int64_t)m->from, to = (int64_t)m->at;

	for (size_t i = 0; i < m->item->talk->n; i++) {
		const struct part *p = &m->item->talk->parts[i];
		if (p->connection != (size_t)(m->item - m->c->items) + 1 || p->way != m->way)
			continue;
		int64_t start = p->at > from ? p->at : from, end = p->at + p->payload_n;
		end = end < to ? end : to;
		if (start >= end)
			continue;
		if (!part_octets(m->c, p, (uint32_t)(start - p->at), (size_t)(end - start), m->room) ||
			memcmp(m->room, m->was.p + (start - from), (size_t)(end - start)) != 0)
			return false;
	}
	return true;
}

bool
stands_twice(struct bm_carve *c, const struct item *item, unsigned way, size_t failure,
	uint64_t from, struct bm_view *was)
{
	struct making m = {.c = c,
		.item = item,
		.way = way,
		.from = from,
		.at = from,
		.is = {.max = RECORD_MOST},
		.was = {.max = RECORD_MOST},
		.room = malloc(RECORD_MOST)};

	c->nomem = c->nomem || m.room == NULL;
	bool twice = m.room != NULL && make(&m, failure) && follows(&m) && all_copies_alike(&m);
	if (twice) {
		*was = bm_view(bm_arena_copy(&c->arena, bm_buf_view(&m.was)), m.was.n);
		c->nomem = c->nomem || was->p == NULL;
	}
	bm_buf_clear(&m.is);
	bm_buf_clear(&m.was);
	free(m.room);
	return twice && was->p != NULL;
}
