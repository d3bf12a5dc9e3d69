/* Reads any bytes as a report of badmac diagnose, and weighs what it says against counts taken from
 * its length. Knows nothing of what is right but that chances are chances. */
#include <stdlib.h>

#include <jansson.h>
#include <math.h>

#include "base/buf.h"
#include "odds/odds.h"

enum { KEPT = 1 << 20 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static int
keep(void *ctx, const char *bytes, size_t n)
{
	return bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

static struct bm_buf
tell(const struct bm_odds_question *q, bool json)
{
	struct bm_buf out = {.max = KEPT};
	struct bm_odds_context x = {.seconds = -1, .tls_decrypt_errors = 0};
	struct bm_odds_format f = {.json = json, .write = keep, .write_ctx = &out};

	must(bm_odds_report(q, &x, &f) == BM_OK);
	return out;
}

static void
check(const struct bm_odds_question *q)
{
	static struct bm_odds_answer w;

	bm_odds_weigh(q, &w);
	for (size_t i = 0; i < w.row_count; i++) {
		must(w.rows[i].escapes >= 0 && w.rows[i].escapes <= 1);
		must(!(w.rows[i].ln_chance > 0) && w.rows[i].failures != 0);
	}
	struct bm_buf json = tell(q, true), text = tell(q, false);
	json_t *report = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	must(report != NULL);
	json_decref(report);
	for (size_t i = 0; i < text.n; i++)
		must((text.p[i] >= 0x20 && text.p[i] < 0x7f) || text.p[i] == '\n');
	bm_buf_clear(&json);
	bm_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_diagnosis d;
	char problem[200] = "";
	enum bm_status st = bm_diagnosis_read(bm_view(p, n), &d, problem, sizeof problem);

	if (st != BM_OK) {
		must(st == BM_FORMAT && problem[0] != '\0');
		return 0;
	}
	uint64_t groups = 0;
	for (size_t i = 0; i < d.group_count; i++)
		groups += d.groups[i].failures;
	must(groups + d.caught + d.others + d.left_out == d.failures);
	struct bm_odds_question q = {.caught = n % 7 == 0 ? BM_ODDS_UNKNOWN : n % 7 * n * n,
		.failures = BM_ODDS_UNKNOWN,
		.segments = BM_ODDS_UNKNOWN,
		.elsewhere = n % 3 == 0 ? -1 : (double)(n % 5),
		.diagnosis = &d};
	check(&q);
	return 0;
}
