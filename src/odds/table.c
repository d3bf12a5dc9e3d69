/* What was simulated beside what it should be, as text and as JSON. Refuses to know how trials are
 * made. */
#include "report/json_out.h"
#include "odds/report.h"
#include "odds/say.h"

#include <math.h>

/* One row, worked out. */
struct shown {
	double share, exact; /* NAN: nothing was damaged; not known for this payload */
	struct bm_interval interval;
	bool inside;
};

static struct shown
work_out(const struct bm_odds_table *t, size_t row)
{
	const struct bm_simulation *s = &t->rows[row];
	struct shown r = {.share = NAN, .exact = t->exact[row], .interval = {0, 1}};

	if (s->damaged != 0) {
		r.share = (double)s->escaped / (double)s->damaged;
		r.interval = bm_interval(s->escaped, s->damaged, BM_ODDS_OUTSIDE);
	}
	r.inside = r.exact >= r.interval.low && r.exact <= r.interval.high;
	return r;
}

static uint64_t
all_trials(const struct bm_odds_table *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->rows[i].trials;
	return n;
}

/* Per minute; 0 where no time was taken. */
static double
rate(const struct bm_odds_table *t, double seconds)
{
	return seconds > 0 ? (double)all_trials(t) / seconds * 60 : 0;
}

static const char *
figure(struct bm_words *a, double x)
{
	return isnan(x) ? "-" : x == 0 ? "0" : bm_words_print(a, "%.4g", x);
}

/* Whether the table does not fit. */
static bool
is_narrow(const struct bm_lines *l)
{
	enum { TABLE = 108 };

	return l->columns != 0 && l->columns < TABLE;
}

static void
tell_row(struct bm_lines *l, struct bm_words *a, const struct bm_odds_table *t, size_t row)
{
	const struct bm_simulation *s = &t->rows[row];
	struct shown r = work_out(t, row);
	char pattern[BM_PATTERN_NAME];
	const char *share = figure(a, r.share), *low = figure(a, r.interval.low),
			   *high = figure(a, r.interval.high), *exact = figure(a, r.exact);

	bm_pattern_name(s->pattern, pattern);
	const char *outside = isnan(r.exact) || r.inside ? "" : "  outside";
	if (!is_narrow(l)) {
		bm_say(l, "%-12s %-10s %13s %12s %10s  %10s to %-10s %10s%s\n", pattern,
			bm_content_name(s->content), bm_grouped(s->damaged).s, bm_grouped(s->escaped).s, share,
			low, high, exact, outside);
		return;
	}
	bm_say(l, "%-12s", pattern);
	bm_say_wrapped(l, 12, 12,
		bm_words_print(a,
			"%s: damaged: %s, escaped: %s, share: %s, interval: %s to %s, exact: %s%s",
			bm_content_name(s->content), bm_grouped(s->damaged).s, bm_grouped(s->escaped).s, share,
			low, high, exact, outside));
	bm_say(l, "\n");
}

void
bm_odds_table_text(struct bm_lines *l, struct bm_words *a, const struct bm_odds_table *t)
{
	size_t known = 0, inside = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct shown r = work_out(t, i);
		known += isnan(r.exact) ? 0 : 1;
		inside += r.inside ? 1 : 0;
	}
	bm_say_wrapped(l, 0, 0,
		bm_words_print(a,
			"%s trials in %.1f s on %u %s: %s a minute, %s a minute of one processor. Seed %llu.",
			bm_grouped(all_trials(t)).s, t->seconds, t->threads,
			t->threads == 1 ? "thread" : "threads",
			bm_grouped((uint64_t)llround(rate(t, t->seconds))).s,
			bm_grouped((uint64_t)llround(rate(t, t->processor_seconds))).s,
			(unsigned long long)t->seed));
	bm_say(l, "\n");
	bm_say_wrapped(l, 0, 0,
		bm_words_print(a,
			"Segments of 1,460 octets, damaged at random; how many still have a valid checksum. "
			"Intervals: 99 %%, each by itself (Clopper and Pearson). %zu of %zu exact figures lie "
			"inside.",
			inside, known));
	bm_say(l, "\n\n");
	if (!is_narrow(l))
		bm_say(l, "%-12s %-10s %13s %12s %10s  %10s    %-10s %10s\n", "pattern", "payload",
			"damaged", "escaped", "share", "interval", "", "exact");
	for (size_t i = 0; i < t->count; i++)
		tell_row(l, a, t, i);
}

static void
write_row(struct json *j, const struct bm_odds_table *t, size_t row)
{
	const struct bm_simulation *s = &t->rows[row];
	struct shown r = work_out(t, row);
	char pattern[BM_PATTERN_NAME];

	bm_pattern_name(s->pattern, pattern);
	next(j);
	raw(j, "\n");
	begin(j, "{");
	string_or_null(j, "pattern", pattern);
	string_or_null(j, "what", bm_pattern_rule(s->pattern.kind)->what);
	string_or_null(j, "payload", bm_content_name(s->content));
	number_or_null(j, "trials", s->trials);
	number_or_null(j, "damaged", s->damaged);
	number_or_null(j, "escaped", s->escaped);
	real_or_null(j, "share", r.share);
	real_or_null(j, "low", r.interval.low);
	real_or_null(j, "high", r.interval.high);
	real_or_null(j, "exact", r.exact);
	if (isnan(r.exact)) {
		name(j, "inside");
		raw(j, "null");
	} else {
		truth(j, "inside", r.inside);
	}
	end(j, "}");
}

void
bm_odds_table_json(struct bm_out *o, const struct bm_odds_table *t)
{
	struct json j = {.out = o, .bare = true};

	begin(&j, "{");
	string_or_null(&j, "schema", "badmac.odds.v1");
	/* Nothing was asked of counters. */
	raw(&j,
		", \"summary\": null, \"counters\": null, \"watched_seconds\": null, \"elsewhere\": null, "
		"\"diagnosis\": null, "
		"\"odds\": [], \"by_pattern\": [], \"mac\": null, \"rests_on\": [], \"next_steps\": [], "
		"\"sources\": []");
	name(&j, "simulation");
	begin(&j, "{");
	number_or_null(&j, "trials", all_trials(t));
	number_or_null(&j, "seed", t->seed);
	number_or_null(&j, "threads", t->threads);
	real_or_null(&j, "seconds", t->seconds);
	real_or_null(&j, "processor_seconds", t->processor_seconds);
	real_or_null(&j, "trials_per_minute", rate(t, t->seconds));
	real_or_null(&j, "confidence", 1 - BM_ODDS_OUTSIDE);
	name(&j, "rows");
	begin(&j, "[");
	for (size_t i = 0; i < t->count; i++)
		write_row(&j, t, i);
	end(&j, "]");
	end(&j, "}");
	end(&j, "}");
	raw(&j, "\n");
}
