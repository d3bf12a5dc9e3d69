/* How the clock of each log lies to that of the capture: a zone in quarters of an hour where the
 * log names none, and what it is fast or slow. Never beyond what other grounds than time speak for,
 * and never silently. */
#include "tie/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	QUARTER = 900,
	LEAST = -48, /* UTC-12:00 to UTC+14:00 */
	MOST = 56,
	ZONES = MOST - LEAST + 1,
	VOTERS = 1024, /* incidents of a log that are asked */
	EVENTS = 4096, /* and failures, where time alone is left */
	ENOUGH = 25,   /* telling points: a port, two lengths */
	SKEW_MAX = 300
};

/* What one incident may be off by; more takes several that agree. */
static const double DAY = 86400, TIGHT = 2, ALONE = 5;

/* Seconds since 1970 of the first of January of a year. */
static double
year_begin(int year)
{
	int y = year - 1;

	return (365.0 * (year - 1970) + (y / 4 - y / 100 + y / 400) -
			   (1969 / 4 - 1969 / 100 + 1969 / 400)) *
		   DAY;
}

/* The year that a moment lies in. */
static int
year_of(double s)
{
	int year = 1970 + (int)(s / (365.2425 * DAY));

	while (s < year_begin(year))
		year--;
	while (s >= year_begin(year + 1))
		year++;
	return year;
}

/* A date of 1972, which was a leap year, in the year that brings it nearest to `about`. */
static double
with_year(double s, double about)
{
	double in_1972 = s - year_begin(1972), best = 0, distance = HUGE_VAL;
	int year = year_of(about > 0 ? about : 0);

	for (int y = year - 1; y <= year + 1; y++) {
		bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
		double day = in_1972 >= 59 * DAY && !leap ? in_1972 - DAY : in_1972;
		double at = year_begin(y) + day;
		if (fabs(at - about) < distance) {
			distance = fabs(at - about);
			best = at;
		}
	}
	return best;
}

bool
tie_reading(const struct tie_incident *i, double about, double *out)
{
	const struct bm_log_time *time = &i->time;

	if (time->text[0] == '\0')
		return false;
	*out = time->unix_s;
	if (!time->has_day)
		*out += DAY * round((about - time->unix_s) / DAY);
	else if (!time->has_year)
		*out = with_year(time->unix_s, about);
	return true;
}

bool
tie_moment(const struct bm_tie *t, const struct tie_incident *i, double about, double *out)
{
	const struct tie_log *log = &t->logs[i->log];
	double shift = (i->time.has_zone ? 0 : log->offset) + log->skew;

	if (!tie_reading(i, about + shift, out))
		return false;
	*out -= shift;
	return true;
}

const char *
tie_offset_text(double seconds, char out[16])
{
	int minutes = (int)lround(fabs(seconds) / 60);

	(void)snprintf(
		out, 16, "UTC%c%02d:%02d", seconds < 0 ? '-' : '+', minutes / 60 % 24, minutes % 60);
	if (minutes == 0)
		(void)snprintf(out, 16, "UTC");
	return out;
}

/* What speaks for each offset. */
struct votes {
	double weight[ZONES];
	size_t voters[ZONES];
	double residuals[VOTERS];
	int zones[VOTERS];
	size_t count;
	bool used[ZONES][EVENTS]; /* a failure speaks once for each offset */
};

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
median(const struct votes *v, int zone, double scratch[VOTERS])
{
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++)
		if (v->zones[i] == zone)
			scratch[n++] = v->residuals[i];
	if (n == 0)
		return 0;
	qsort(scratch, n, sizeof *scratch, by_value);
	return scratch[n / 2];
}

/* By how much the log is ahead of the event, as a quarter of an hour and what is left. */
static bool
read_vote(const struct bm_tie *t, const struct tie_incident *i, const struct tie_match *m,
	int *zone, double *residual)
{
	const struct tie_connection *c = &t->connections[m->connection];
	double event = (double)tie_event_ns(c, m->failure, m->alert) / 1e9, at;

	/* A line that names its zone says nothing of those that do not. */
	if (c->first_ns == 0 || i->time.has_zone != t->logs[i->log].zoned ||
		!tie_reading(i, event, &at))
		return false;
	double ahead = at + i->time.step / 2 - event;
	if (!i->time.has_day)
		ahead -= DAY * round(ahead / DAY);
	/* A line is written after what it tells of. */
	double quarters = t->logs[i->log].zoned ? 0 : round(ahead / QUARTER);
	*residual = ahead - quarters * QUARTER;
	if (fabs(*residual) <= i->time.step / 2 + 0.25)
		*residual = 0;
	if (quarters < LEAST || quarters > MOST || fabs(*residual) > SKEW_MAX)
		return false;
	*zone = (int)quarters - LEAST;
	return true;
}

static void
vote(struct votes *v, int zone, double residual, double weight)
{
	v->weight[zone] += weight;
	v->voters[zone]++;
	if (v->count < VOTERS) {
		v->zones[v->count] = zone;
		v->residuals[v->count++] = residual;
	}
}

/* Incidents of which other grounds than time say what they are about. */
static void
ask_telling(const struct bm_tie *t, const struct tie_log *log, struct votes *v)
{
	struct tie_match best[2];
	uint64_t left_out;
	double residual;
	int zone;

	for (size_t n = 0; n < log->count && n < VOTERS; n++) {
		const struct tie_incident *i = &t->incidents[log->first + n];
		if (i->time.text[0] == '\0')
			continue;
		size_t found = tie_candidates(t, i, false, best, 2, &left_out);
		bool alone = found == 1 || (found == 2 && best[1].score + ENOUGH / 2 < best[0].score);
		if (found != 0 && best[0].telling >= ENOUGH && alone &&
			read_vote(t, i, &best[0], &zone, &residual))
			vote(v, zone, residual, best[0].telling);
	}
}

/* Version and suite alone: what they fit at an offset. Only where both are known and the same. */
static void
ask_weak(const struct bm_tie *t, const struct tie_log *log, struct votes *v, bool names)
{
	const struct tie_table *events = &t->index.events;

	for (size_t n = 0; n < log->count && n < VOTERS / 4; n++) {
		const struct tie_incident *i = &t->incidents[log->first + n];
		bool voted[ZONES] = {false};
		for (size_t k = 0; k < events->count && k < EVENTS; k++) {
			const struct tie_entry *e = &events->entries[k];
			struct tie_match m = {
				.connection = e->connection, .failure = e->failure, .alert = TIE_NONE};
			double residual;
			int zone;
			if (!read_vote(t, i, &m, &zone, &residual) || fabs(residual) > TIGHT || voted[zone] ||
				v->used[zone][k])
				continue;
			tie_compare(t, i, &m, false);
			if (m.other_version || m.other_suite || m.direction < 0 || m.other_length ||
				(names && !(m.version && m.suite) && !m.name))
				continue;
			voted[zone] = v->used[zone][k] = true;
			vote(v, zone, residual, 1);
		}
	}
}

static int
best_zone(const struct votes *v, double *second)
{
	int best = -LEAST;

	for (int z = 0; z < ZONES; z++)
		if (v->weight[z] > v->weight[best])
			best = z;
	*second = 0;
	for (int z = 0; z < ZONES; z++)
		if (z != best && v->weight[z] > *second)
			*second = v->weight[z];
	return best;
}

/* False: they do not agree how fast or slow it is. */
static bool
set(struct tie_log *log, const struct votes *v, int zone, double scratch[VOTERS])
{
	double skew = median(v, zone, scratch);
	size_t agree = 0;

	for (size_t i = 0; i < v->count; i++)
		agree += v->zones[i] == zone && fabs(v->residuals[i] - skew) <= TIGHT;
	if (fabs(skew) > ALONE && (agree < 2 || 2 * agree < v->voters[zone]))
		return false;
	log->offset = (double)(zone + LEAST) * QUARTER;
	log->skew = skew;
	log->supported = agree;
	return true;
}

/* Offsets at which something would fit by time, and nothing else speaks for them. */
static void
note_others(struct tie_log *log, const struct votes *v)
{
	for (int z = 0; z < ZONES; z++)
		if (v->weight[z] > 0 && z != -LEAST && log->other_count < 4)
			log->other[log->other_count++] = (double)(z + LEAST) * QUARTER;
}

static void
find_clock(struct bm_tie *t, struct tie_log *log, struct votes *v, double scratch[VOTERS])
{
	double second;
	int zone;

	memset(v, 0, sizeof *v);
	ask_telling(t, log, v);
	zone = best_zone(v, &second);
	if (v->weight[zone] > 0 && second <= v->weight[zone] / 2 && set(log, v, zone, scratch))
		return;
	if (log->zoned)
		return;
	/* Several that fall onto failures at one offset speak for it, if no other has as many. */
	memset(v, 0, sizeof *v);
	ask_weak(t, log, v, false);
	zone = best_zone(v, &second);
	if (v->weight[-LEAST] > 0 && v->weight[-LEAST] >= v->weight[zone])
		return; /* as UTC, it fits as well as it can */
	if (v->weight[zone] >= 2 && second <= v->weight[zone] / 2 && set(log, v, zone, scratch))
		return;
	note_others(log, v);
	memset(v, 0, sizeof *v);
	ask_weak(t, log, v, true);
	zone = best_zone(v, &second);
	if (v->weight[zone] > 0 && second == 0 && set(log, v, zone, scratch)) {
		log->skew = 0;
		log->weak = true;
		log->other_count = 0;
	}
}

static bool
say(struct bm_tie *t, struct tie_log *log, bool timed)
{
	char offset[16];
	const char *skew = "";

	if (!timed)
		return true;
	tie_offset_text(log->offset, offset);
	if (log->skew != 0)
		skew = bm_arena_print(&t->words, "; its clock is %.3g s %s that of the capture",
			fabs(log->skew), log->skew > 0 ? "ahead of" : "behind");
	if (skew == NULL)
		return false;
	if (log->zoned)
		log->clock = bm_arena_print(&t->words, "its times name their zone%s%s", skew,
			log->skew != 0 ? ", by what else it shows" : "");
	else if (log->supported == 0)
		log->clock = bm_arena_print(&t->words, "its times name no zone and are read as UTC");
	else
		log->clock = bm_arena_print(&t->words,
			"its times name no zone and are read as %s, because of %zu incident%s that %s so%s",
			offset, log->supported, log->supported == 1 ? "" : "s",
			log->weak             ? "would fit by version and suite"
			: log->supported == 1 ? "fits"
								  : "fit",
			skew);
	return log->clock != NULL;
}

enum bm_status
tie_clocks(struct bm_tie *t)
{
	/* Too much for the stack. */
	struct votes *v = calloc(1, sizeof *v);
	double *scratch = calloc(VOTERS, sizeof *scratch);
	enum bm_status st = v != NULL && scratch != NULL ? BM_OK : BM_NOMEM;

	for (size_t n = 0; st == BM_OK && n < t->log_count; n++) {
		struct tie_log *log = &t->logs[n];
		bool timed = false;
		log->zoned = true;
		for (size_t k = 0; k < log->count; k++) {
			const struct bm_log_time *time = &t->incidents[log->first + k].time;
			timed = timed || time->text[0] != '\0';
			log->zoned = log->zoned && (time->text[0] == '\0' || time->has_zone);
		}
		if (timed)
			find_clock(t, log, v, scratch);
		if (!say(t, log, timed))
			st = BM_NOMEM;
	}
	free(v);
	free(scratch);
	return st;
}
