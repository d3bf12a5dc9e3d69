/* Which failures of one connection, told by several reports, are one finding; and which of them
 * tells of it best (docs/STORE.md, "One finding"). The answer depends on what was told, and not on
 * the order in which it came. */
#include "store/put.h"
#include "store/statements.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdlib.h>

enum {
	HELD = 64 << 20,    /* octets about one connection */
	VIEWS_MOST = 65536, /* sightings of one, and failures in all of them */
	FAILURES_MOST = 65536
};

/* A connection as one capture shows it, by one diagnosis. */
struct view {
	uint64_t id, first, last, keys, verified, undecided, compared, effort, version;
	const char *digest, *client, *server;
	bool superseded;
};

struct item {
	uint64_t id, epoch, sequence, offset, length;
	const struct view *view;
	const char *direction, *cause, *digest;
	unsigned confidence;
	bool damaged;   /* it says which octets differ */
	bool complaint; /* of an end, with no record that explains it */
	size_t group;   /* the place of the first one of it */
};

struct merge {
	struct bm_store *store;
	struct bm_arena arena;
	struct view *views;
	struct item *items;
	size_t view_count, view_room, item_count, item_room;
};

static const char *
keep(struct merge *m, const char *text)
{
	const char *kept = bm_arena_print(&m->arena, "%s", text != NULL ? text : "");

	if (kept == NULL)
		bm_db_fail(m->store, SQLITE_NOMEM);
	return kept != NULL ? kept : "";
}

static bool
grow(struct merge *m, void **p, size_t *room, size_t n, size_t most, size_t size)
{
	enum bm_status st = bm_grow(p, room, n, most, size);

	if (st == BM_LIMIT)
		bm_db_problem(m->store, BM_LIMIT, "has too many sightings of one connection");
	else if (st != BM_OK)
		bm_db_fail(m->store, SQLITE_NOMEM);
	return st == BM_OK;
}

static void
load_views(struct merge *m, uint64_t connection)
{
	struct bm_db_row r = bm_db_row(m->store, BM_SQL_SIGHTINGS_OF);

	bm_db_put(&r, connection);
	while (bm_db_next(&r)) {
		if (!grow(m, (void **)&m->views, &m->view_room, m->view_count + 1, VIEWS_MOST,
				sizeof *m->views))
			return;
		m->views[m->view_count++] = (struct view){.id = bm_db_number(&r, 0),
			.digest = keep(m, bm_db_text(&r, 1)),
			.client = keep(m, bm_db_text(&r, 2)),
			.server = keep(m, bm_db_text(&r, 3)),
			.first = bm_db_number(&r, 4),
			.last = bm_db_number(&r, 5),
			.keys = bm_db_number(&r, 6),
			.verified = bm_db_number(&r, 7),
			.undecided = bm_db_number(&r, 8),
			.compared = bm_db_number(&r, 9),
			.effort = bm_db_number(&r, 10),
			.version = bm_db_number(&r, 11)};
	}
}

/* Above 0: a is the better diagnosis. What could decide more is better, then what was compared
 * with more, searched longer, or made by a newer badmac. */
static int
compare_quality(const struct view *a, const struct view *b)
{
	const uint64_t in_turn[][2] = {{a->keys, b->keys}, {a->verified, b->verified},
		{b->undecided, a->undecided}, {a->compared, b->compared}, {a->effort, b->effort},
		{a->version, b->version}};

	for (size_t i = 0; i < sizeof in_turn / sizeof in_turn[0]; i++)
		if (in_turn[i][0] != in_turn[i][1])
			return in_turn[i][0] > in_turn[i][1] ? 1 : -1;
	return 0;
}

/* The same, without ties. */
static int
compare_views(const struct view *a, const struct view *b)
{
	int quality = compare_quality(a, b);

	return quality != 0 ? quality : strcmp(a->digest, b->digest);
}

/* Whether a is of all packets that b is of: it has the same ends, covers its time, and begins or
 * ends with the same packet, for nobody else has that time to the nanosecond. What was captured at
 * another place has other times. */
static bool
covers(const struct view *a, const struct view *b)
{
	if (strcmp(a->client, b->client) != 0 || strcmp(a->server, b->server) != 0)
		return false;
	if (a->first == BM_DB_NULL || a->last == BM_DB_NULL || b->first == BM_DB_NULL ||
		b->last == BM_DB_NULL)
		return a->first == b->first && a->last == b->last;
	return a->first <= b->first && a->last >= b->last &&
		   (a->first == b->first || a->last == b->last);
}

/* A whole capture stands for its pieces if it is no worse. */
static bool
supersedes(const struct view *a, const struct view *b)
{
	bool wider = a->first != b->first || a->last != b->last;

	if (a == b || !covers(a, b))
		return false;
	return wider ? compare_quality(a, b) >= 0 : compare_views(a, b) > 0;
}

static void
supersede(struct merge *m)
{
	for (size_t i = 0; i < m->view_count; i++) {
		struct view *v = &m->views[i];
		for (size_t k = 0; k < m->view_count && !v->superseded; k++)
			v->superseded = supersedes(&m->views[k], v);
		struct bm_db_row r = bm_db_row(m->store, BM_SQL_SIGHTING_SUPERSEDE);
		bm_db_put(&r, v->superseded);
		bm_db_put(&r, v->id);
		bm_db_done(&r);
	}
}

static const struct view *
view_of(const struct merge *m, uint64_t id)
{
	for (size_t i = 0; i < m->view_count; i++)
		if (m->views[i].id == id)
			return &m->views[i];
	return NULL;
}

static unsigned
confidence_rank(const char *word)
{
	return strcmp(word, "proven") == 0 ? 2 : strcmp(word, "supported") == 0 ? 1 : 0;
}

static void
load_items(struct merge *m, uint64_t connection)
{
	struct bm_db_row r = bm_db_row(m->store, BM_SQL_FAILURES_OF);

	bm_db_put(&r, connection);
	while (bm_db_next(&r)) {
		if (!grow(m, (void **)&m->items, &m->item_room, m->item_count + 1, FAILURES_MOST,
				sizeof *m->items))
			return;
		struct item x = {.id = bm_db_number(&r, 0),
			.view = view_of(m, bm_db_number(&r, 1)),
			.direction = keep(m, bm_db_text(&r, 2)),
			.epoch = bm_db_number(&r, 3),
			.sequence = bm_db_number(&r, 4),
			.offset = bm_db_number(&r, 5),
			.length = bm_db_number(&r, 6),
			.cause = keep(m, bm_db_text(&r, 7)),
			.confidence = confidence_rank(keep(m, bm_db_text(&r, 8))),
			.digest = keep(m, bm_db_text(&r, 9))};
		x.damaged = strspn(x.digest, "0") != strlen(x.digest);
		x.complaint = strcmp(x.cause, "record-was-good") == 0 ||
					  strcmp(x.cause, "capture-incomplete") == 0 ||
					  (x.sequence == BM_DB_NULL && x.offset == BM_DB_NULL);
		if (x.view != NULL)
			m->items[m->item_count++] = x;
	}
}

/* Better views first, in each as its report has them; complaints last, for they join others. */
static int
order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->view->superseded != y->view->superseded)
		return x->view->superseded ? 1 : -1;
	if (x->complaint != y->complaint)
		return x->complaint ? 1 : -1;
	int better = x->view != y->view ? compare_views(y->view, x->view) : 0;
	if (better != 0)
		return better;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool
overlap(const struct view *a, const struct view *b)
{
	if (a->first == BM_DB_NULL || b->first == BM_DB_NULL)
		return a->first == b->first;
	return a->first <= b->last && b->first <= a->last;
}

/* How well two failures go together: 0 not at all, and -1 never. */
static int
fit(const struct item *a, const struct item *b)
{
	if (a->view == b->view || strcmp(a->direction, b->direction) != 0)
		return -1;
	/* An end complains once, for the alert is fatal: of what another view shows failing. */
	if (a->complaint || b->complaint)
		return 1;
	/* Offsets are counted from the first octet that a capture holds. */
	bool same_start =
		a->view->first == b->view->first && a->offset != BM_DB_NULL && b->offset != BM_DB_NULL;
	bool numbered = a->epoch != BM_DB_NULL && b->epoch != BM_DB_NULL && a->sequence != BM_DB_NULL &&
					b->sequence != BM_DB_NULL;
	if (same_start && a->offset != b->offset)
		return -1;
	if (numbered && (a->epoch != b->epoch || a->sequence != b->sequence))
		return -1;
	if (numbered)
		return same_start ? 5 : a->length == b->length ? 4 : 3;
	if (same_start)
		return 4;
	bool told = a->damaged && b->damaged;
	bool alike = a->length == b->length &&
				 (told ? strcmp(a->digest, b->digest) == 0 : strcmp(a->cause, b->cause) == 0);
	return alike && overlap(a->view, b->view) ? 2 : 0;
}

/* Of all members of a group: the best that one says, unless one says never. */
static int
fit_group(const struct merge *m, size_t first, const struct item *x)
{
	int best = 0;

	for (size_t i = first; i < m->item_count; i++) {
		if (m->items[i].group != first || &m->items[i] == x)
			continue;
		int n = fit(&m->items[i], x);
		if (n < 0)
			return -1;
		best = n > best ? n : best;
	}
	return best;
}

static void
group(struct merge *m)
{
	for (size_t i = 0; i < m->item_count; i++)
		m->items[i].group = SIZE_MAX;
	for (size_t i = 0; i < m->item_count && !m->items[i].view->superseded; i++) {
		int best = 0;
		size_t to = i;
		for (size_t k = 0; k < i; k++) {
			int n = m->items[k].group == k ? fit_group(m, k, &m->items[i]) : 0;
			if (n > best) {
				best = n;
				to = k;
			}
		}
		m->items[i].group = to;
	}
}

static bool
tells_better(const struct item *a, const struct item *b)
{
	if (a->complaint != b->complaint)
		return b->complaint;
	if (a->confidence != b->confidence)
		return a->confidence > b->confidence;
	return compare_views(a->view, b->view) > 0;
}

static void
set(struct merge *m, const struct item *x, uint64_t finding, bool best)
{
	struct bm_db_row r = bm_db_row(m->store, BM_SQL_FAILURE_SET);

	bm_db_put(&r, finding);
	bm_db_put(&r, best);
	bm_db_put(&r, x->id);
	bm_db_done(&r);
}

static void
settle(struct merge *m, size_t first)
{
	const struct item *best = &m->items[first];
	uint64_t id = UINT64_MAX;

	for (size_t i = first; i < m->item_count; i++) {
		const struct item *x = &m->items[i];
		if (x->group != first)
			continue;
		id = x->id < id ? x->id : id;
		best = tells_better(x, best) ? x : best;
	}
	for (size_t i = first; i < m->item_count; i++)
		if (m->items[i].group == first)
			set(m, &m->items[i], id, &m->items[i] == best);
}

void
bm_merge(struct bm_store *s, uint64_t connection)
{
	struct merge m = {.store = s, .arena = {.max = HELD}};

	load_views(&m, connection);
	load_items(&m, connection);
	if (s->status == BM_OK) {
		supersede(&m);
		if (m.item_count != 0)
			qsort(m.items, m.item_count, sizeof *m.items, order);
		group(&m);
		for (size_t i = 0; i < m.item_count; i++) {
			if (m.items[i].group == i)
				settle(&m, i);
			else if (m.items[i].group == SIZE_MAX)
				set(&m, &m.items[i], BM_DB_NULL, false);
		}
	}
	free(m.views);
	free(m.items);
	bm_arena_clear(&m.arena);
}
