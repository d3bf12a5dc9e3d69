/* Finds the connections that an incident may be about, by what it shows, and puts the likeliest
 * first. Looks at so many of each kind at most: hostile logs and captures cost no more. Refuses to
 * choose. */
#include "tie/internal.h"

#include <stdlib.h>

enum {
	OF_A_KIND = 48,    /* connections found by one address, random or row of lengths */
	AT_A_TIME = 96,    /* by time */
	CONNECTIONS = 256, /* in all */
	DAYS = 8,
	COMPARED = 512 /* failures and connections */
};

/* What has been found so far. */
struct found {
	const struct bm_tie *t;
	const struct tie_incident *i;
	bool clock;
	uint32_t connections[CONNECTIONS];
	size_t count;
	uint64_t left_out;
};

static void
add(struct found *f, uint32_t connection)
{
	for (size_t k = 0; k < f->count; k++)
		if (f->connections[k] == connection)
			return;
	if (f->count == CONNECTIONS)
		f->left_out++;
	else
		f->connections[f->count++] = connection;
}

/* The entries of a key that are nearest in time, or the first ones. */
static void
add_nearest(struct found *f, const struct tie_table *x, uint64_t key)
{
	size_t n, from = 0, to;
	const struct tie_entry *e = tie_index_find(x, key, &n);
	double at;

	if (n > OF_A_KIND) {
		double about = (double)e[n / 2].ts_ns / 1e9;
		if (f->clock && tie_moment(f->t, f->i, about, &at) && at > 0)
			for (size_t high = n; from < high;) {
				size_t mid = from + (high - from) / 2;
				if ((double)e[mid].ts_ns / 1e9 < at)
					from = mid + 1;
				else
					high = mid;
			}
		from = from > OF_A_KIND / 2 ? from - OF_A_KIND / 2 : 0;
		from = from + OF_A_KIND > n ? n - OF_A_KIND : from;
		f->left_out += n - OF_A_KIND;
	}
	to = n < from + OF_A_KIND ? n : from + OF_A_KIND;
	for (size_t k = from; k < to; k++)
		add(f, e[k].connection);
}

/* A server's end is shared by all its connections, says little, and leaves nothing out that time
 * does not find. */
static void
add_end(struct found *f, const struct bm_clue_end *e)
{
	const struct tie_table *x = &f->t->index.ends;
	uint64_t key = tie_key_end(e), left_out = f->left_out;
	size_t n;
	const struct tie_entry *first = tie_index_find(x, key, &n);

	add_nearest(f, x, key);
	if (first != NULL && f->t->connections[first->connection].client.port != e->port)
		f->left_out = left_out;
}

static void
add_by_clues(struct found *f)
{
	const struct tie_incident *i = f->i;
	const struct tie_index *x = &f->t->index;
	size_t n = i->length_count;

	if (i->clues.has_random)
		add_nearest(f, &x->randoms, tie_key_random(i->clues.random));
	for (size_t k = 0; k < i->clues.end_count; k++) {
		const struct bm_clue_end *e = &i->clues.ends[k];
		if (e->family != 0 && e->port != 0)
			add_end(f, e);
		if (e->port != 0)
			add_nearest(f, &x->ends, tie_key_port(e->port));
		/* One that is named with a port is no ground without it. */
		if (e->family != 0 && e->port == 0)
			add_nearest(f, &x->ends, tie_key_ip(e));
	}
	if (n > 1)
		add_nearest(f, &x->lengths, tie_key_lengths(i->lengths[n - 2], i->lengths[n - 1]));
	else if (n == 1)
		add_nearest(f, &x->lengths, tie_key_lengths(0, i->lengths[0]));
}

/* Logs may show any time. */
static uint64_t
nanoseconds(double s)
{
	return s <= 0 ? 0 : s < 1.8e10 ? (uint64_t)(s * 1e9) : UINT64_MAX / 2;
}

/* Events near a moment, the nearest first, and connections that were open then. */
static void
add_by_time(struct found *f, double at)
{
	const struct tie_index *x = &f->t->index;
	uint64_t ns = nanoseconds(at), reach = UINT64_C(60000000000), step = reach;
	size_t down = tie_index_from(&x->events, ns), up = down, n = 0;

	while (n < AT_A_TIME) {
		uint64_t below = down > 0 ? ns - x->events.entries[down - 1].key : UINT64_MAX;
		uint64_t above = up < x->events.count ? x->events.entries[up].key - ns : UINT64_MAX;
		if (below > reach && above > reach + step)
			break;
		add(f, x->events.entries[below <= above ? --down : up++].connection);
		n++;
	}
	/* Those that began last before it; further back only while some can still have been open. */
	uint64_t slack = UINT64_C(2000000000);
	size_t from = tie_index_from(&x->lives, ns + slack);
	for (n = 0; from > 0 && n < AT_A_TIME; n++) {
		const struct tie_entry *e = &x->lives.entries[--from];
		if (e->ts_ns + 5 * slack < ns)
			break;
		add(f, e->connection);
	}
	f->left_out += n == AT_A_TIME;
}

/* Where the log shows no day, any day of the capture. */
static bool
add_by_times(struct found *f)
{
	double first = (double)f->t->first_ns / 1e9, last = (double)f->t->last_ns / 1e9, day = 86400;
	double middle = (first + last) / 2, at;

	if (!f->clock || !tie_moment(f->t, f->i, middle, &at))
		return false;
	if (f->i->time.has_day) {
		add_by_time(f, at);
		return true;
	}
	for (unsigned n = 0; n < DAYS && first + n * day <= last + day; n++)
		if (tie_moment(f->t, f->i, first + n * day, &at))
			add_by_time(f, at);
	return true;
}

static void
collect(struct found *f)
{
	const struct tie_index *x = &f->t->index;

	add_by_clues(f);
	bool timed = add_by_times(f);
	/* Where neither says anything, what failed may be it. */
	if (timed || f->count != 0)
		return;
	for (size_t k = 0; k < x->events.count && k < AT_A_TIME; k++)
		add(f, x->events.entries[k].connection);
	f->left_out += x->events.count > AT_A_TIME ? x->events.count - AT_A_TIME : 0;
}

static int
best_first(const void *a, const void *b)
{
	const struct tie_match *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->connection != y->connection)
		return x->connection < y->connection ? -1 : 1;
	return x->failure < y->failure ? -1 : x->failure > y->failure;
}

size_t
tie_candidates(const struct bm_tie *t, const struct tie_incident *i, bool clock,
	struct tie_match *out, size_t max, uint64_t *left_out)
{
	static const struct tie_match none = {.failure = TIE_NONE, .alert = TIE_NONE};
	struct found f = {.t = t, .i = i, .clock = clock};
	struct tie_match all[COMPARED];
	size_t n = 0;

	all[0] = none;

	collect(&f);
	for (size_t k = 0; k < f.count; k++) {
		const struct tie_connection *c = &t->connections[f.connections[k]];
		size_t failures = c->failure_count != 0 ? c->failure_count : 1;
		for (size_t j = 0; j < failures; j++) {
			if (n == COMPARED) {
				f.left_out++;
				break;
			}
			struct tie_match *m = &all[n++];
			*m = none;
			m->connection = f.connections[k];
			if (c->failure_count != 0)
				m->failure = (int)j;
			else if (c->alert_count != 0 && c->alerts[c->alert_count - 1].level != 1 &&
					 c->alerts[c->alert_count - 1].description != 0)
				m->alert = (int)c->alert_count - 1;
			tie_compare(t, i, m, clock);
		}
	}
	qsort(all, n, sizeof *all, best_first);
	n = n < max ? n : max;
	memcpy(out, all, n * sizeof *out);
	*left_out = f.left_out;
	return n;
}
