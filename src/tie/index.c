/* Tables by which the connections that an incident may be about are found without looking at all:
 * by address and port, client random, lengths of records, time. Refuses to judge them. */
#include "tie/internal.h"

#include <stdlib.h>

/* splitmix64's last step: keys of one kind lie apart from those of another. */
static uint64_t
mix(uint64_t kind, uint64_t a, uint64_t b)
{
	uint64_t h = kind * UINT64_C(0x9e3779b97f4a7c15) ^ a;

	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9) ^ b;
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

struct bm_clue_end
tie_end_of(const struct bm_address *a)
{
	struct bm_clue_end e = {.family = a->family, .port = a->port};

	memcpy(e.ip, a->ip, sizeof e.ip);
	return e;
}

uint64_t
tie_key_end(const struct bm_clue_end *e)
{
	return mix(1 + e->family, bm_load64(e->ip) ^ bm_load64(e->ip + 8) * 31, e->port);
}

uint64_t
tie_key_port(uint16_t port)
{
	return mix(20, port, 0);
}

uint64_t
tie_key_ip(const struct bm_clue_end *e)
{
	return mix(30 + e->family, bm_load64(e->ip) ^ bm_load64(e->ip + 8) * 31, 0);
}

uint64_t
tie_key_random(const uint8_t random[32])
{
	return bm_load64(random) ^ bm_load64(random + 24);
}

uint64_t
tie_key_lengths(uint64_t before, uint64_t last)
{
	return mix(40, before, last);
}

/* Room for so many, and no more. */
static enum bm_status
reserve(struct tie_table *x, size_t count)
{
	if (count == 0)
		return BM_OK;
	x->entries = malloc(count * sizeof *x->entries);
	x->cap = x->entries != NULL ? count : 0;
	return x->entries != NULL ? BM_OK : BM_NOMEM;
}

static enum bm_status
add(struct tie_table *x, uint64_t key, uint64_t ts_ns, size_t connection, int failure)
{
	void *items = x->entries;
	enum bm_status st =
		bm_grow(&items, &x->cap, x->count + 1, SIZE_MAX / sizeof *x->entries, sizeof *x->entries);

	x->entries = items;
	if (st == BM_OK)
		x->entries[x->count++] =
			(struct tie_entry){key, ts_ns, (uint32_t)connection, (int32_t)failure};
	return st;
}

static int
by_key(const void *a, const void *b)
{
	const struct tie_entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->ts_ns != y->ts_ns)
		return x->ts_ns < y->ts_ns ? -1 : 1;
	if (x->connection != y->connection)
		return x->connection < y->connection ? -1 : 1;
	return x->failure < y->failure ? -1 : x->failure > y->failure;
}

static void
sort(struct tie_table *x)
{
	if (x->count != 0)
		qsort(x->entries, x->count, sizeof *x->entries, by_key);
}

static enum bm_status
add_ends(struct tie_index *x, const struct tie_connection *c, size_t n)
{
	struct bm_clue_end client = tie_end_of(&c->client), server = tie_end_of(&c->server);
	enum bm_status st = add(&x->ends, tie_key_end(&client), c->first_ns, n, TIE_NONE);

	if (st == BM_OK)
		st = add(&x->ends, tie_key_port(client.port), c->first_ns, n, TIE_NONE);
	if (st == BM_OK)
		st = add(&x->ends, tie_key_ip(&client), c->first_ns, n, TIE_NONE);
	if (st == BM_OK)
		st = add(&x->ends, tie_key_end(&server), c->first_ns, n, TIE_NONE);
	return st;
}

static size_t
lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Entries of lengths if only the last ones of each direction are looked up. */
static size_t
count_lengths(const struct bm_tie *t, size_t last)
{
	size_t count = 0;

	for (size_t n = 0; n < t->connection_count; n++)
		for (unsigned d = 0; d < 2; d++)
			count += 2 * lesser(t->connections[n].record_count[d], last);
	return count;
}

/* The record that failed is among the last, so the others give way where memory is short. */
static enum bm_status
reserve_lengths(struct bm_tie *t)
{
	/* To sort them takes as much again. */
	size_t room = (t->tables_max - t->tables) / (2 * sizeof(struct tie_entry)), count;

	while ((count = count_lengths(t, t->lengths_of)) > room)
		t->lengths_of /= 2;
	return reserve(&t->index.lengths, count);
}

static enum bm_status
add_lengths(struct tie_index *x, const struct tie_connection *c, size_t n, size_t last)
{
	enum bm_status st = BM_OK;

	for (unsigned d = 0; d < 2; d++)
		for (size_t i = c->record_count[d] - lesser(c->record_count[d], last);
			 st == BM_OK && i < c->record_count[d]; i++) {
			const struct tie_record *r = &c->records[d][i];
			st = add(&x->lengths, tie_key_lengths(0, r->len), r->ts_ns, n, TIE_NONE);
			if (st == BM_OK && i != 0)
				st = add(&x->lengths, tie_key_lengths(c->records[d][i - 1].len, r->len), r->ts_ns,
					n, TIE_NONE);
		}
	return st;
}

static enum bm_status
add_events(struct tie_index *x, const struct tie_connection *c, size_t n)
{
	enum bm_status st = BM_OK;

	for (size_t i = 0; st == BM_OK && i < c->failure_count; i++)
		st = add(&x->events, tie_event_ns(c, (int)i, TIE_NONE), 0, n, (int)i);
	/* Of a connection without failures, how it ended may be what a log tells of. */
	if (st == BM_OK && c->failure_count == 0 && c->alert_count != 0 &&
		c->alerts[c->alert_count - 1].level != 1)
		st = add(&x->events, tie_event_ns(c, TIE_NONE, (int)c->alert_count - 1), 0, n, TIE_NONE);
	return st;
}

static enum bm_status
reserve_all(struct bm_tie *t)
{
	struct tie_index *x = &t->index;
	size_t n = t->connection_count, events = n;

	for (size_t i = 0; i < n; i++)
		events += t->connections[i].failure_count;
	enum bm_status st = reserve_lengths(t);
	if (st == BM_OK)
		st = reserve(&x->ends, 4 * n);
	if (st == BM_OK)
		st = reserve(&x->randoms, n);
	if (st == BM_OK)
		st = reserve(&x->events, events);
	return st == BM_OK ? reserve(&x->lives, n) : st;
}

enum bm_status
tie_index_build(struct bm_tie *t)
{
	struct tie_index *x = &t->index;
	enum bm_status st = reserve_all(t);
	uint64_t latest = 0;

	for (size_t n = 0; st == BM_OK && n < t->connection_count; n++) {
		const struct tie_connection *c = &t->connections[n];
		st = add_ends(x, c, n);
		if (st == BM_OK && c->has_random)
			st = add(&x->randoms, tie_key_random(c->random), c->first_ns, n, TIE_NONE);
		if (st == BM_OK)
			st = add_lengths(x, c, n, t->lengths_of);
		if (st == BM_OK)
			st = add_events(x, c, n);
		if (st == BM_OK)
			st = add(&x->lives, c->first_ns, c->last_ns, n, TIE_NONE);
	}
	sort(&x->ends);
	sort(&x->randoms);
	sort(&x->lengths);
	sort(&x->events);
	sort(&x->lives);
	for (size_t i = 0; i < x->lives.count; i++) {
		latest = x->lives.entries[i].ts_ns > latest ? x->lives.entries[i].ts_ns : latest;
		x->lives.entries[i].ts_ns = latest;
	}
	return st;
}

void
tie_index_clear(struct tie_index *x)
{
	free(x->ends.entries);
	free(x->randoms.entries);
	free(x->lengths.entries);
	free(x->events.entries);
	free(x->lives.entries);
	*x = (struct tie_index){.ends = {.count = 0}};
}

size_t
tie_index_from(const struct tie_table *x, uint64_t key)
{
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (x->entries[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct tie_entry *
tie_index_find(const struct tie_table *x, uint64_t key, size_t *n)
{
	size_t from = tie_index_from(x, key);
	size_t to = key != UINT64_MAX ? tie_index_from(x, key + 1) : x->count;

	*n = to - from;
	return *n != 0 ? &x->entries[from] : NULL;
}
