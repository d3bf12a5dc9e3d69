/* The public interface: ties captures, flows, sessions, verdicts and the report together. Opens
 * nothing, prints nothing. */
#include "api/internal.h"

#include "logs/keyfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESULT_MEMORY = 256 << 20 /* of what lives for the run, and of one connection */ };

enum badmac_status
api_public_status(enum bm_status s)
{
	switch (s) {
	case BM_OK:
	case BM_END:
		return BADMAC_OK;
	case BM_NOMEM:
		return BADMAC_NOMEM;
	case BM_IO:
		return BADMAC_IO;
	case BM_UNSUPPORTED:
		return BADMAC_UNSUPPORTED;
	case BM_USAGE:
		return BADMAC_USAGE;
	case BM_FORMAT:
	case BM_TRUNCATED:
	case BM_LIMIT:
	case BM_PAUSED:
		break;
	}
	return BADMAC_FORMAT;
}

enum badmac_status
api_fail(struct badmac_error *error, enum bm_status s, const struct bm_error *e)
{
	enum badmac_status status = api_public_status(s);

	if (error != NULL && status != BADMAC_OK) {
		error->status = status;
		error->what = e != NULL && e->what != NULL ? e->what : bm_status_text(s);
		error->offset = e != NULL ? e->offset : 0;
		error->input = NULL;
	}
	return status;
}

void
api_notice(struct badmac *b, const char *format, ...)
{
	va_list ap;

	/* Once is enough. */
	if (b->notice_count >= NOTICES_MAX || b->pass != PASS_REPORT)
		return;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	/* Whole, however long a file's name is: a piece of one would not be known to redaction. */
	char *text = n >= 0 ? bm_arena_take(&b->arena, (size_t)n + 1, 1) : NULL;
	if (text == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)n + 1, format, ap);
	va_end(ap);
	b->notices[b->notice_count++].text = text;
}

/* Whoever compiled against another header, or passed a number on, hears of it. */
static bool
known_values(const struct badmac_options *o)
{
	return (unsigned)o->place <= BADMAC_AT_MIDDLE && (unsigned)o->effort <= BADMAC_DEEP &&
		   (unsigned)o->format <= BADMAC_HTML && (unsigned)o->crypto <= BADMAC_CRYPTO_IPSEC_MB &&
		   (unsigned)o->redact <= BADMAC_REDACT_ALL;
}

enum badmac_status
badmac_new(struct badmac **out, const struct badmac_options *options, struct badmac_error *error)
{
	if (out == NULL)
		return api_fail(error, BM_USAGE, NULL);
	*out = NULL;
	if (options == NULL || options->write == NULL || !known_values(options))
		return api_fail(error, BM_USAGE, NULL);
	if (bm_crypto_choose((enum bm_backend)options->crypto) != BM_OK)
		return api_fail(error, BM_UNSUPPORTED,
			&(struct bm_error){.what =
								   "ipsec-mb cannot be had: it is not built in, or this processor "
								   "lacks AES-NI, PCLMULQDQ or AVX2"});
	struct badmac *b = calloc(1, sizeof *b);
	if (b == NULL)
		return api_fail(error, BM_NOMEM, NULL);
	b->options = *options;
	b->arena.max = b->words.max = RESULT_MEMORY;
	enum bm_status s = bm_keyring_new(&b->keys);
	if (s == BM_OK && options->redact != BADMAC_REDACT_NOTHING)
		s = bm_redact_new(&b->redact, (enum bm_redaction)options->redact);
	if (s == BM_OK && options->threads > 1)
		s = bm_pool_new(&b->env.pool, options->threads);
	if (s != BM_OK) {
		bm_keyring_free(b->keys);
		bm_redact_free(b->redact);
		free(b);
		return api_fail(error, s, NULL);
	}
	b->env.keys = b->keys;
	b->env.first_share = options->effort == BADMAC_QUICK  ? BM_SHARE_QUICK
						 : options->effort == BADMAC_DEEP ? BM_SHARE_DEEP
														  : BM_SHARE_NORMAL;
	*out = b;
	return BADMAC_OK;
}

void
badmac_free(struct badmac *b)
{
	if (b == NULL)
		return;
	bm_keyring_free(b->keys);
	inputs_clear(&b->inputs);
	views_clear(&b->views);
	again_clear(&b->again);
	bm_report_free(b->report);
	bm_redact_free(b->redact);
	bm_report_free(b->json);
	bm_tie_free(b->tie);
	bm_prove_free(b->prove);
	bm_arena_clear(&b->arena);
	bm_arena_clear(&b->words);
	bm_pool_free(b->env.pool);
	bm_session_env_clear(&b->env);
	free(b);
}

static void
tell_bad_lines(struct badmac *b, const char *name, const struct bm_key_counts *c)
{
	if (c->bad_lines != 0)
		api_notice(b, "%s: %llu line%s could not be read, the first is line %llu", name,
			(unsigned long long)c->bad_lines, c->bad_lines == 1 ? "" : "s",
			(unsigned long long)c->first_bad_line);
}

enum badmac_status
badmac_add_named_keys(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error)
{
	struct bm_error e = {BM_OK, NULL, 0};
	struct bm_key_counts counts = {0};

	if (b == NULL || b->ran || name == NULL || (bytes == NULL && n != 0))
		return api_fail(error, BM_USAGE, NULL);
	enum bm_status s = api_note_file(b, BM_REDACT_KEYS, name);
	if (s == BM_OK)
		s = bm_keys_read(b->keys, bm_view(bytes, n), &counts, &e);
	if (s == BM_OK)
		tell_bad_lines(b, name, &counts);
	return api_fail(error, s, &e);
}

enum badmac_status
badmac_add_keys(struct badmac *b, const void *bytes, size_t n, struct badmac_error *error)
{
	return badmac_add_named_keys(b, "key material", bytes, n, error);
}

static enum badmac_status
add_in_memory(
	struct badmac *b, const char *name, const struct input *in, struct badmac_error *error)
{
	struct bm_capture *c;
	struct bm_error e = {BM_OK, NULL, 0};

	if (b == NULL || b->ran || name == NULL || (in->bytes.p == NULL && in->bytes.n != 0))
		return api_fail(error, BM_USAGE, NULL);
	enum bm_status s = bm_capture_open_memory(&c, in->bytes, &e);
	if (s != BM_OK)
		return api_fail(error, s, &e);
	bm_capture_free(c);
	return api_fail(error, inputs_add(&b->inputs, name, in), NULL);
}

enum badmac_status
badmac_add_capture(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error)
{
	const struct input in = {.bytes = bm_view(bytes, n)};

	return add_in_memory(b, name, &in, error);
}

enum badmac_status
badmac_add_mapped(struct badmac *b, const char *name, const void *bytes, size_t n,
	bool (*read_at)(void *ctx, uint64_t offset, uint8_t *p, size_t n), void *ctx,
	struct badmac_error *error)
{
	const struct input in = {.bytes = bm_view(bytes, n), .read_at = read_at, .ctx = ctx};

	if (read_at == NULL)
		return api_fail(error, BM_USAGE, NULL);
	return add_in_memory(b, name, &in, error);
}

enum badmac_status
badmac_add_stream(struct badmac *b, const char *name, long (*read)(void *ctx, uint8_t *p, size_t n),
	void *ctx, struct badmac_error *error)
{
	const struct input in = {.read = read, .ctx = ctx};

	if (b == NULL || b->ran || name == NULL || read == NULL)
		return api_fail(error, BM_USAGE, NULL);
	return api_fail(error, inputs_add(&b->inputs, name, &in), NULL);
}

enum bm_status
api_scan_secrets(struct badmac *b)
{
	for (size_t i = 0; i < b->inputs.n; i++) {
		struct input *in = &b->inputs.item[i];
		if (in->read != NULL)
			continue;
		b->input_total += in->bytes.n;
		/* A file that breaks off is told of when it is read for its packets. */
		enum bm_status s = bm_capture_scan_secrets(in->bytes, add_secrets, b, NULL);
		if (s == BM_NOMEM)
			return s;
	}
	return BM_OK;
}

/* What cannot be read is told of when it is read for the report. */
static enum bm_status
look_at_site(struct badmac *b, uint32_t site)
{
	struct bm_error e = {BM_OK, NULL, 0};
	enum bm_status s = read_site(b, site, &e);

	if (s == BM_NOMEM)
		return s;
	b->status = BM_OK;
	return BM_OK;
}

/* Finds out what the captures of several places show of the same connections, before anything is
 * told of them. */
static enum bm_status
compare_sites(struct badmac *b, uint32_t sites)
{
	enum bm_status s = BM_OK;

	b->input_total *= 2;
	b->pass = PASS_SURVEY;
	/* Which records fail is known without a search for the reason. */
	uint64_t share = b->env.first_share;
	b->env.first_share = BM_SHARE_QUICK;
	for (uint32_t site = 0; s == BM_OK && site < sites; site++) {
		s = look_at_site(b, site);
	}
	if (s == BM_OK)
		s = views_settle(&b->views);
	uint64_t done = b->input_done;
	b->pass = PASS_COLLECT;
	for (uint32_t site = 0; s == BM_OK && site < sites; site++) {
		if (!views_want_site(&b->views, site))
			continue;
		s = look_at_site(b, site);
	}
	b->input_done = done;
	b->env.first_share = share;
	b->pass = PASS_REPORT;
	b->env.knows_all = true;
	if (b->views.not_compared != 0)
		api_notice(b,
			"%llu connections or failures were not compared with other captures: there are too "
			"many",
			(unsigned long long)b->views.not_compared);
	b->next_id = 0;
	b->damaged = false;
	return s;
}

enum badmac_status
badmac_run(struct badmac *b, struct badmac_error *error)
{
	struct bm_error e = {BM_OK, NULL, 0};

	if (b == NULL || b->ran || b->prove != NULL)
		return api_fail(error, BM_USAGE, NULL);
	b->ran = true;
	struct bm_report_options ro = {.json = b->options.format == BADMAC_JSON,
		.html = b->options.format == BADMAC_HTML,
		.detail_memory = api_detail_memory(b),
		.color = b->options.color != 0,
		.columns = b->options.columns,
		.verbose = b->options.verbose != 0,
		.logs = b->tie != NULL,
		.redact = b->redact,
		.write = b->options.write,
		.write_ctx = b->options.write_ctx};
	enum bm_status s = bm_report_new(&b->report, &ro);
	if (s == BM_OK && b->options.write_json != NULL)
		s = bm_report_new(&b->json, &(struct bm_report_options){.json = true,
										.logs = b->tie != NULL,
										.write = b->options.write_json,
										.write_ctx = b->options.write_json_ctx});
	if (s == BM_OK)
		s = api_begin_redaction(b);
	if (s == BM_OK)
		s = api_end_logs(b);
	if (s == BM_OK)
		s = api_scan_secrets(b);
	if (s == BM_OK)
		s = inputs_order(&b->inputs);
	for (size_t i = 0; i < b->inputs.n && b->inputs.n > 1; i++)
		if (b->inputs.item[i].read != NULL)
			api_notice(b,
				"%s: can be read only once, so the captures are taken for pieces of one, in the "
				"order given",
				b->inputs.item[i].name);
	uint32_t sites = 0;
	for (size_t i = 0; i < b->inputs.n; i++)
		if (b->inputs.item[i].site >= sites)
			sites = b->inputs.item[i].site + 1;
	if (s == BM_OK)
		s = api_begin_pieces(b, sites);
	if (s == BM_OK && sites > 1)
		s = compare_sites(b, sites);
	enum bm_status io = BM_OK;
	for (uint32_t site = 0; s == BM_OK && site < sites; site++) {
		s = read_site(b, site, &e);
		if (s == BM_IO && b->status == BM_OK) {
			io = s; /* reported on, as far as it could be read */
			s = BM_OK;
		}
	}
	tell_bad_lines(b, "secrets inside a capture", &b->key_counts);
	if (s == BM_OK)
		s = api_tie_logs(b);
	if (s == BM_OK)
		s = api_tell_captures(b);
	if (s == BM_OK) {
		b->summary.seen_elsewhere = views_left_out_count(&b->views);
		b->summary.notices = b->notices;
		b->summary.notice_count = b->notice_count;
		if (b->summary.connections == 0 && b->cut_hello)
			b->summary.result = BM_RESULT_UNDECIDED;
		s = bm_report_finish(b->report, &b->summary);
	}
	if (s == BM_OK && b->json != NULL)
		s = bm_report_finish(b->json, &b->summary);
	if (s == BM_OK)
		s = io;
	b->finished = s == BM_OK || s == BM_IO;
	bool about_input = e.what != NULL && e.status == s;
	enum badmac_status status = api_fail(error, s, about_input ? &e : NULL);
	if (error != NULL && about_input)
		error->input = b->reading;
	return status;
}

enum badmac_result
badmac_result(const struct badmac *b)
{
	if (b == NULL || !b->finished)
		return BADMAC_UNDECIDED;
	switch (b->summary.result) {
	case BM_RESULT_FAILED:
		return BADMAC_FAILED;
	case BM_RESULT_UNDECIDED:
		return BADMAC_UNDECIDED;
	case BM_RESULT_VERIFIED:
		break;
	}
	return BADMAC_VERIFIED;
}

const char *
badmac_undecided_because(const struct badmac *b, size_t nth, uint64_t *connections)
{
	if (nth >= b->reason_count)
		return NULL;
	if (connections != NULL)
		*connections = b->reasons[nth].connections;
	return b->reasons[nth].because;
}

const char *
badmac_notice(const struct badmac *b, size_t nth)
{
	return nth < b->notice_count ? b->notices[nth].text : NULL;
}

int
badmac_input_damaged(const struct badmac *b)
{
	return b->damaged;
}

const char *
badmac_version(void)
{
	return BADMAC_VERSION;
}
