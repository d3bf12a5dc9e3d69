/* Logs beside the captures: octets and rules to src/tie, and what it ties to the report. Refuses to
 * know what a log says. */
#include "api/internal.h"

static enum badmac_status
fail(struct badmac_error *e, enum bm_status s, const char *what, uint64_t line, const char *input)
{
	enum badmac_status status = api_public_status(s);

	if (e != NULL && status != BADMAC_OK)
		*e = (struct badmac_error){status, what != NULL ? what : bm_status_text(s), line, input};
	return status;
}

static enum bm_status
need_tie(struct badmac *b)
{
	/* One part in so many of what badmac may hold, beside it, and another for tables. */
	enum { SHARE = 4 };

	return b->tie != NULL ? BM_OK : bm_tie_new(&b->tie, (size_t)(api_memory_limit(b) / SHARE));
}

/* What is wrong with rules, in words that last. */
static const char *
what_of(const struct badmac *b)
{
	return b->rules_error.what[0] != '\0' ? b->rules_error.what : NULL;
}

enum badmac_status
badmac_add_log_rules(
	struct badmac *b, const char *name, const void *text, size_t n, struct badmac_error *error)
{
	if (b == NULL || b->ran || name == NULL || (text == NULL && n != 0))
		return fail(error, BM_USAGE, NULL, 0, NULL);
	b->rules_error = (struct bm_rules_error){.line = 0};
	enum bm_status s = need_tie(b);
	if (s == BM_OK)
		s = bm_tie_rules(b->tie, name, bm_view(text, n), &b->rules_error);
	return fail(error, s, what_of(b), b->rules_error.line, NULL);
}

enum badmac_status
badmac_begin_log(struct badmac *b, const char *name, struct badmac_error *error)
{
	const char *file = NULL;

	if (b == NULL || b->ran || name == NULL)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	b->rules_error = (struct bm_rules_error){.line = 0};
	enum bm_status s = need_tie(b);
	if (s == BM_OK)
		s = api_note_file(b, BM_REDACT_LOG, name);
	if (s == BM_OK)
		s = bm_tie_log(b->tie, name, b->keys, &file, &b->rules_error);
	return fail(error, s, s == BM_LIMIT ? "too many logs" : what_of(b), b->rules_error.line, file);
}

enum badmac_status
badmac_feed_log(struct badmac *b, const void *bytes, size_t n, struct badmac_error *error)
{
	if (b == NULL || b->ran || b->tie == NULL || (bytes == NULL && n != 0))
		return fail(error, BM_USAGE, NULL, 0, NULL);
	return fail(error, bm_tie_feed(b->tie, bm_view(bytes, n)), NULL, 0, NULL);
}

enum bm_status
api_end_logs(struct badmac *b)
{
	return b->tie != NULL ? bm_tie_logs_end(b->tie) : BM_OK;
}

enum bm_status
api_tie_logs(struct badmac *b)
{
	if (b->tie == NULL)
		return BM_OK;
	enum bm_status s = bm_tie_settle(b->tie);
	if (s != BM_OK)
		return s;
	if (b->redact != NULL)
		s = bm_tie_redact(b->tie, b->redact);
	if (s != BM_OK)
		return s;
	if (bm_tie_left_out(b->tie) != 0)
		api_notice(b, "%llu connections were not compared with the logs: there are too many",
			(unsigned long long)bm_tie_left_out(b->tie));
	bool fewer;
	size_t last = bm_tie_lengths_of(b->tie, &fewer);
	if (fewer)
		api_notice(b,
			"lengths in logs were looked up among the last %zu records of each direction alone; "
			"raise --memory",
			last);
	struct bm_report_logs logs = bm_tie_report(b->tie);
	bm_report_set_logs(b->report, &logs);
	if (b->json != NULL)
		bm_report_set_logs(b->json, &logs);
	return BM_OK;
}
