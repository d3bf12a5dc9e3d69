/* libbadmac's explanations: options, rules and octets of a log to src/explain. Refuses to know what
 * any of them say. */
#include "badmac.h"

#include <stdlib.h>

#include "api/internal.h"
#include "explain/explain.h"

struct badmac_explanation {
	struct badmac_explain_options options;
	struct bm_rules *rules;
	struct bm_keyring *keys;   /* NULL: secrets are left alone */
	struct bm_explain *engine; /* NULL: the log has not begun */
	struct bm_rules_error rules_error;
	bool finished;
	enum badmac_result result;
	uint64_t secrets;
};

static enum badmac_status
fail(struct badmac_error *e, enum bm_status s, const char *what, uint64_t line, const char *input)
{
	enum badmac_status status = api_public_status(s);

	if (e != NULL && status != BADMAC_OK)
		*e = (struct badmac_error){status, what != NULL ? what : bm_status_text(s), line, input};
	return status;
}

enum badmac_status
badmac_explanation_new(struct badmac_explanation **out,
	const struct badmac_explain_options *options, struct badmac_error *error)
{
	if (out == NULL)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	*out = NULL;
	if (options == NULL || options->write == NULL ||
		(options->format != BADMAC_TEXT && options->format != BADMAC_JSON) ||
		(unsigned)options->redact > BADMAC_REDACT_ALL)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	struct badmac_explanation *x = calloc(1, sizeof *x);
	if (x == NULL)
		return fail(error, BM_NOMEM, NULL, 0, NULL);
	x->options = *options;
	x->result = BADMAC_UNDECIDED;
	enum bm_status st = bm_rules_new(&x->rules);
	if (st == BM_OK)
		st = bm_rules_read(x->rules, "built in", bm_rules_builtin(), &x->rules_error);
	if (st == BM_OK && options->write_keys != NULL)
		st = bm_keyring_new(&x->keys);
	if (st != BM_OK) {
		badmac_explanation_free(x);
		return fail(error, st, NULL, 0, NULL);
	}
	*out = x;
	return BADMAC_OK;
}

void
badmac_explanation_free(struct badmac_explanation *x)
{
	if (x == NULL)
		return;
	bm_explain_free(x->engine);
	bm_keyring_free(x->keys);
	bm_rules_free(x->rules);
	free(x);
}

enum badmac_status
badmac_explanation_add_rules(struct badmac_explanation *x, const char *name, const void *text,
	size_t n, struct badmac_error *error)
{
	if (x == NULL || name == NULL || (text == NULL && n != 0) || x->engine != NULL || x->finished)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	enum bm_status st = bm_rules_read(x->rules, name, bm_view(text, n), &x->rules_error);
	return fail(error, st, st == BM_OK ? NULL : x->rules_error.what, x->rules_error.line, NULL);
}

static enum badmac_status
begin(struct badmac_explanation *x, struct badmac_error *error)
{
	const char *file;

	if (x->engine != NULL)
		return BADMAC_OK;
	enum bm_status st = bm_rules_seal(x->rules, &file, &x->rules_error);
	if (st != BM_OK)
		return fail(error, st, x->rules_error.what, x->rules_error.line, file);
	return fail(error, bm_explain_new(&x->engine, x->rules, x->keys), NULL, 0, NULL);
}

enum badmac_status
badmac_explanation_feed(
	struct badmac_explanation *x, const void *bytes, size_t n, struct badmac_error *error)
{
	if (x == NULL || (bytes == NULL && n != 0) || x->finished)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	enum badmac_status status = begin(x, error);
	if (status != BADMAC_OK || n == 0)
		return status;
	return fail(error, bm_explain_feed(x->engine, bm_view(bytes, n)), NULL, 0, NULL);
}

static enum bm_status
report(struct badmac_explanation *x)
{
	struct bm_explain_options o = {.json = x->options.format == BADMAC_JSON,
		.color = x->options.color != 0,
		.write = x->options.write,
		.write_ctx = x->options.write_ctx,
		.columns = x->options.columns,
		.verbose = x->options.verbose != 0};
	enum bm_status st = BM_OK;

	if (x->options.redact != BADMAC_REDACT_NOTHING)
		st = bm_redact_new(&o.redact, (enum bm_redaction)x->options.redact);
	if (st == BM_OK)
		st = bm_explain_report(x->engine, &o);
	bm_redact_free(o.redact);
	return st;
}

enum badmac_status
badmac_explanation_finish(struct badmac_explanation *x, struct badmac_error *error)
{
	struct bm_explain_summary s;

	if (x == NULL || x->finished)
		return fail(error, BM_USAGE, NULL, 0, NULL);
	enum badmac_status status = begin(x, error);
	if (status != BADMAC_OK)
		return status;
	x->finished = true;
	enum bm_status st = bm_explain_end(x->engine);
	if (st == BM_OK)
		st = report(x);
	if (st == BM_OK && x->keys != NULL)
		st =
			bm_explain_keys(x->keys, x->options.write_keys, x->options.write_keys_ctx, &x->secrets);
	if (st != BM_OK)
		return fail(error, st, NULL, 0, NULL);
	bm_explain_summary(x->engine, &s);
	x->result = s.occurrences == 0            ? BADMAC_VERIFIED
				: s.doubtful == s.occurrences ? BADMAC_UNDECIDED
											  : BADMAC_FAILED;
	return BADMAC_OK;
}

enum badmac_result
badmac_explanation_result(const struct badmac_explanation *x)
{
	return x != NULL ? x->result : BADMAC_UNDECIDED;
}

uint64_t
badmac_explanation_secrets(const struct badmac_explanation *x)
{
	return x != NULL ? x->secrets : 0;
}
