/* Reads any bytes as a log, whole and in pieces, and the part before a line of dashes as rules.
 * Knows nothing of what either says. */
#include <stdlib.h>

#include <jansson.h>

#include "explain/explain.h"
#include "logs/text.h"

enum { KEPT = 1 << 22 };

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

/* Rules that are wrong are left out, all of them. */
static struct bm_rules *
read_rules(struct bm_view own)
{
	struct bm_rules *rules;
	struct bm_rules_error e;
	const char *file;

	must(bm_rules_new(&rules) == BM_OK);
	must(bm_rules_read(rules, "built in", bm_rules_builtin(), &e) == BM_OK);
	if (bm_rules_read(rules, "own", own, &e) == BM_OK && bm_rules_seal(rules, &file, &e) == BM_OK)
		return rules;
	must(e.what[0] != '\0');
	bm_rules_free(rules);
	return read_rules(bm_view(NULL, 0));
}

static struct bm_buf
explain(struct bm_rules *rules, struct bm_view log, size_t piece, bool json)
{
	struct bm_buf out = {.max = KEPT};
	struct bm_explain_options o = {.json = json, .write = keep, .write_ctx = &out};
	struct bm_keyring *k;
	struct bm_explain *x;
	uint64_t n;

	must(bm_keyring_new(&k) == BM_OK);
	must(bm_explain_new(&x, rules, k) == BM_OK);
	while (log.n != 0) {
		size_t now = log.n < piece ? log.n : piece;
		must(bm_explain_feed(x, bm_view(log.p, now)) == BM_OK);
		log = bm_view(log.p + now, log.n - now);
	}
	must(bm_explain_end(x) == BM_OK);
	must(bm_explain_report(x, &o) == BM_OK);
	if (!json)
		must(bm_explain_keys(k, keep, &out, &n) == BM_OK);
	bm_explain_free(x);
	bm_keyring_free(k);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_view log = bm_view(p, n), own = bm_view(NULL, 0);
	size_t at = text_find(log, "\n----\n");

	if (at != SIZE_MAX) {
		own = bm_view(p, at);
		log = bm_view(p + at + 6, n - at - 6);
	}
	static struct bm_rules *builtin; /* to read them takes longer than all the rest */
	if (builtin == NULL)
		builtin = read_rules(bm_view(NULL, 0));
	struct bm_rules *rules = own.n != 0 ? read_rules(own) : builtin;
	struct bm_buf whole = explain(rules, log, log.n + 1, true);
	struct bm_buf pieces = explain(rules, log, 1 + n % 61, true);
	struct bm_buf text = explain(rules, log, 1 + n % 61, false);
	must(bm_view_equal(bm_buf_view(&whole), bm_buf_view(&pieces)));
	json_t *report = json_loadb((const char *)whole.p, whole.n, JSON_REJECT_DUPLICATES, NULL);
	must(report != NULL);
	json_decref(report);
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] >= 0x20 || text.p[i] == '\n');
	bm_buf_clear(&whole);
	bm_buf_clear(&pieces);
	bm_buf_clear(&text);
	if (rules != builtin)
		bm_rules_free(rules);
	return 0;
}
