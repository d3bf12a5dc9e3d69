/* What findings share more often than chance gives. Each property has a chance that is known: of
 * octets and bits by arithmetic, of ends, suites and hours by how many connections the same runs
 * saw. What was tried is counted (docs/STORE.md, "What findings share"). */
#include "base/chance.h"
#include "store/model.h"
#include "store/statements.h"

#include <math.h>
#include <stdio.h>

enum { LEAST = 3 /* connections that share a value */, MODULUS = 64, PLACES = 3 };

const char bm_shared_rule[] =
	"The rule: of each connection one finding is counted, for hours of the day one finding an "
	"hour. "
	"The odds are those of so many or more by chance (binomial), times the number of values that "
	"there are, times the number of properties that were looked at; what is likelier than 1 in "
	"1,000 is not said.";

static struct bm_shared *
add(struct bm_history_model *m, const char *what, const char *null)
{
	struct bm_shared *x = &m->shared[m->shared_count++];

	*x = (struct bm_shared){.what = what, .null = null};
	return x;
}

/* What arithmetic gives: counts of each value, of how many, and the mean of their chances. */
struct tally {
	uint64_t count[MODULUS], n;
	double chance;
};

static void
note(struct tally *t, uint64_t value, double chance)
{
	t->count[value % MODULUS]++;
	t->n++;
	t->chance += chance < 1 ? chance : 1;
}

static void
weigh(struct bm_history_model *m, const char *what, const char *null, const struct tally *t,
	uint64_t values, const char *const *names)
{
	struct bm_shared *x = add(m, what, null);
	size_t best = 0;

	for (size_t i = 1; i < MODULUS; i++)
		best = t->count[i] > t->count[best] ? i : best;
	x->of = t->n;
	x->values = values;
	if (t->count[best] == 0)
		return;
	x->with = t->count[best];
	/* Of trials with unequal chances the tail is no heavier than of as many with their mean
	 * (Hoeffding 1956), where more succeed than that gives. */
	x->share = t->chance / (double)t->n;
	x->value = names != NULL ? names[best] : bm_arena_print(&m->arena, "%u", (unsigned)best);
	if (x->value == NULL)
		bm_db_fail(m->store, SQLITE_NOMEM);
}

/* The damage of each connection's first finding. */
static void
weigh_damage(struct bm_history_model *m)
{
	static const char *const flips[] = {"1 to 0", "0 to 1"};
	static const char *const where[PLACES] = {"place in the record, modulo 64",
		"place in the stream, modulo 64", "place in the packet, modulo 64"};
	static const char *const null = "damage that may hit any octet of the record";
	struct tally bit = {.n = 0}, flip = {.n = 0}, place[PLACES] = {{.n = 0}};

	/* Causes whose place is not given by what they are. */
	struct bm_db_row r = bm_filter_ask(m,
		"min(f.id), f.bits, f.bit, f.flip, f.length, f.packets, f.damage_record_offset,"
		" f.damage_stream_offset, f.damage_packet_offset",
		"AND f.cause IN ('bits-flipped', 'bytes-damaged', 'words-swapped', 'stale-data',"
		" 'retransmission-differs') GROUP BY f.connection");
	while (bm_db_next(&r)) {
		uint64_t bits = bm_db_number(&r, 1), length = bm_db_number(&r, 4), runs[PLACES] = {1, 1, 1};
		const char *way = bm_db_text(&r, 3);
		if (bits != BM_DB_NULL) {
			if (bm_db_number(&r, 2) != BM_DB_NULL)
				note(&bit, bm_db_number(&r, 2), 0.125);
			else {
				bit.n++;
				bit.chance += 0.125;
			}
		}
		if (way != NULL && bits != BM_DB_NULL) {
			/* Several bits go the same way by chance less often still. */
			if (strcmp(way, flips[0]) == 0 || strcmp(way, flips[1]) == 0)
				note(&flip, strcmp(way, flips[1]) == 0, 0.5);
			else {
				flip.n++;
				flip.chance += 0.5;
			}
		}
		if (length == BM_DB_NULL || length == 0)
			continue;
		/* A run of so many octets holds a residue so often at most; in pieces, once more each. */
		runs[2] =
			bm_db_number(&r, 5) != BM_DB_NULL && bm_db_number(&r, 5) != 0 ? bm_db_number(&r, 5) : 1;
		for (int i = 0; i < PLACES; i++)
			if (bm_db_number(&r, 6 + i) != BM_DB_NULL)
				note(&place[i], bm_db_number(&r, 6 + i),
					((double)(length / MODULUS) + (double)runs[i]) / (double)length);
	}
	bm_db_close(&r);
	weigh(m, "bit of an octet", "ciphertext whose bits are hit alike", &bit, 8, NULL);
	weigh(m, "way of the bits", "ciphertext, in which 0 and 1 are as frequent", &flip, 2, flips);
	for (int i = 0; i < PLACES; i++)
		weigh(m, where[i], null, &place[i], MODULUS, NULL);
}

/* How many connections of a run (BM_DB_NULL: of all that are counted) had that value, and any. */
static void
traffic(struct bm_history_model *m, uint64_t run, const char *kind, const char *value,
	uint64_t *with, uint64_t *all)
{
	struct bm_db_row r =
		bm_db_row(m->store, run != BM_DB_NULL ? BM_SQL_TRAFFIC_OF : BM_SQL_TRAFFIC_ALL);

	bm_db_put_text(&r, kind);
	bm_db_put_text(&r, value);
	if (run != BM_DB_NULL) {
		bm_db_put(&r, run);
	} else {
		bm_db_put_signed(&r, m->question->since, m->question->has_since);
		bm_db_put_signed(&r, m->question->until, m->question->has_until);
	}
	*with = *all = 0;
	if (bm_db_next(&r)) {
		*with = bm_db_number(&r, 0);
		*all = bm_db_number(&r, 1);
	}
	if (r.stmt != NULL)
		(void)sqlite3_reset(r.stmt);
}

static uint64_t
values_of(struct bm_history_model *m, const char *kind)
{
	struct bm_db_row r =
		bm_db_prepare(m->store, "SELECT count(DISTINCT value) FROM traffic WHERE kind = ?");
	bm_db_put_text(&r, kind);
	uint64_t n = bm_db_next(&r) ? bm_db_number(&r, 0) : 0;

	bm_db_close(&r);
	return n;
}

/* The value that most have. */
static struct bm_shared *
most_have(struct bm_history_model *m, const char *what, const char *null, const char *expression,
	const char *trial)
{
	char columns[200];
	struct bm_shared *x = add(m, what, null);

	(void)snprintf(columns, sizeof columns, "%s AS v, count(DISTINCT %s) AS n", expression, trial);
	struct bm_db_row r = bm_filter_ask(m, columns, "AND v NOT NULL GROUP BY v ORDER BY n DESC, v");
	while (bm_db_next(&r)) {
		if (x->value == NULL) {
			x->value = bm_model_keep(m, bm_db_text(&r, 0));
			x->with = bm_db_number(&r, 1);
		}
		x->of += bm_db_number(&r, 1);
	}
	bm_db_close(&r);
	return x;
}

/* Ends and suites: each finding against the connections that the same run saw, so that it does not
 * matter who was captured where, and how much. */
static void
weigh_runs(struct bm_history_model *m, const char *what, const char *kind, const char *expression)
{
	struct bm_shared *x =
		most_have(m, what, "all connections of the same captures", expression, "f.connection");
	uint64_t with, all, n = 0;
	double chance = 0;

	if (x->value == NULL)
		return;
	struct bm_db_row r = bm_filter_ask(m, "s.run, count(DISTINCT f.connection)", "GROUP BY s.run");
	while (bm_db_next(&r)) {
		uint64_t run = bm_db_number(&r, 0), here = bm_db_number(&r, 1);
		traffic(m, run, kind, x->value, &with, &all);
		/* A run that does not say what it saw speaks for nothing. */
		chance += (double)here * (all != 0 ? (double)with / (double)all : 1);
		n += here;
	}
	bm_db_close(&r);
	x->share = n != 0 ? chance / (double)n : NAN;
	x->values = values_of(m, kind);
}

/* Hours: against the connections of all runs. */
static void
weigh_hours(struct bm_history_model *m)
{
	uint64_t with, all;
	struct bm_shared *x = most_have(m, "hour of the day (UTC)", "the connections of all runs",
		"strftime('%H', f.time / 1000000000, 'unixepoch')", "f.time / 3600000000000");

	if (x->value == NULL)
		return;
	traffic(m, BM_DB_NULL, "hour", x->value, &with, &all);
	x->share = all != 0 ? (double)with / (double)all : NAN;
	x->values = values_of(m, "hour");
}

void
bm_shared_fill(struct bm_history_model *m)
{
	if (m->store->status != BM_OK)
		return;
	weigh_damage(m);
	weigh_runs(m, "client", "client", "s.client_address");
	weigh_runs(m, "server", "server", "s.server_address");
	weigh_runs(m, "cipher suite", "suite", "s.cipher_suite");
	weigh_hours(m);
	for (size_t i = 0; i < m->shared_count; i++) {
		struct bm_shared *x = &m->shared[i];
		bool any = x->value != NULL && x->share > 0 && x->share <= 1;
		x->ln_chance =
			any ? bm_ln_any_of(x->of, x->with, x->share, x->values, m->shared_count) : NAN;
		x->stated = any && x->with >= LEAST && x->ln_chance < BM_LN_RARE;
	}
}

const char *
bm_shared_sentence(struct bm_history_model *m, const struct bm_shared *x)
{
	const char *hours = strncmp(x->what, "hour", 4) == 0 ? "hours with findings" : "connections";
	double ten = x->ln_chance / log(10);
	/* 10^4.2 as 1 in 15,848; far below, as a power. */
	const char *odds = ten > -9 ? bm_arena_print(&m->arena, "1 in %s",
									  bm_grouped((uint64_t)(exp(-x->ln_chance) + 0.5)).s)
								: bm_arena_print(&m->arena, "1 in 10^%.0f", floor(-ten));
	const char *s =
		bm_arena_print(&m->arena, "%s of %s %s share %s: %s; by chance (%s) %.3g %% would, odds %s",
			bm_grouped(x->with).s, bm_grouped(x->of).s, hours, x->what, x->value, x->null,
			100 * x->share, odds != NULL ? odds : "");

	if (odds == NULL || s == NULL)
		bm_db_fail(m->store, SQLITE_NOMEM);
	return s != NULL ? s : "";
}
