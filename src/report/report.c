/* Takes connections and the summary to the chosen kind of report, and its bytes to the caller.
 * Refuses to know what is in them. */
#include "report/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 256 << 20 };

struct bm_report {
	struct bm_text *text; /* NULL: JSON or HTML */
	struct bm_html *html; /* NULL: JSON or text */
	bool started, finished;
	struct bm_report_logs logs;
	bool has_logs;
	struct bm_redact *redact; /* NULL: nothing is hidden */
	struct bm_arena words;    /* what is told of in place of the connection in hand */
	enum bm_status status;    /* sticky */
	struct bm_out out;
};

void
bm_out_flush(struct bm_out *o)
{
	if (o->n != 0 && !o->failed)
		o->failed = o->write(o->ctx, o->bytes, o->n) != 0;
	o->n = 0;
}

void
bm_out_add(struct bm_out *o, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n != 0 && !o->failed) {
		size_t room = sizeof o->bytes - o->n;
		size_t now = n < room ? n : room;
		memcpy(o->bytes + o->n, p, now);
		o->n += now;
		p += now;
		n -= now;
		if (o->n == sizeof o->bytes)
			bm_out_flush(o);
	}
}

size_t
bm_utf8(struct bm_view v, uint32_t *code)
{
	struct bm_reader r = bm_reader(v);
	uint32_t c = bm_u8(&r);
	size_t len = 0;

	if (c < 0x80)
		len = 1;
	else if (c >= 0xc2 && c < 0xe0)
		len = 2;
	else if (c >= 0xe0 && c < 0xf0)
		len = 3;
	else if (c >= 0xf0 && c < 0xf5)
		len = 4;

	if (len > 1)
		c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		uint8_t next = bm_u8(&r);
		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	/* No longer spelling than needed, no surrogates, nothing past U+10FFFF. */
	if (len == 0 || r.bad || (len == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
		(len == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	*code = c;
	return len;
}

void
bm_time_text(uint64_t ts_ns, char out[BM_TIME_TEXT_MAX])
{
	uint64_t second = ts_ns / 1000000000;
	uint64_t day = second / 86400, left = second % 86400;
	/* Days since 0000-03-01, so that a leap day ends its year; 400 years are 146,097 days. */
	uint64_t since = day + 719468, era = since / 146097, doe = since % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t month = (5 * doy + 2) / 153;
	unsigned dom = (unsigned)(doy - (153 * month + 2) / 5 + 1);
	unsigned mon = (unsigned)(month < 10 ? month + 3 : month - 9);
	unsigned year = (unsigned)(yoe + era * 400 + (mon <= 2));

	snprintf(out, BM_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", year % 10000, mon % 100,
		dom % 100, (unsigned)(left / 3600), (unsigned)(left / 60 % 60), (unsigned)(left % 60),
		(unsigned)(ts_ns % 1000000000));
}

unsigned
bm_fragment_octets(unsigned value)
{
	return value >= 1 && value <= 4 ? 256u << value : value;
}

bool
bm_proof_counts(const struct bm_failure *f)
{
	return f->has_proof && f->proof.method != NULL && isfinite(f->proof.chance_log2) &&
		   f->proof.chance_log2 < -0.005;
}

enum bm_status
bm_report_new(struct bm_report **out, const struct bm_report_options *o)
{
	*out = NULL;
	if (o->write == NULL)
		return BM_USAGE;
	struct bm_report *r = calloc(1, sizeof *r);
	if (r == NULL)
		return BM_NOMEM;
	r->out.write = o->write;
	r->out.ctx = o->write_ctx;
	r->redact = o->redact;
	r->words.max = WORDS;
	if (!o->json) {
		enum bm_status s = o->html ? bm_html_new(&r->html, o, &r->out) : bm_text_new(&r->text, o);
		if (s != BM_OK) {
			free(r);
			return s;
		}
	}
	*out = r;
	return BM_OK;
}

void
bm_report_free(struct bm_report *r)
{
	if (r == NULL)
		return;
	bm_text_free(r->text);
	bm_arena_clear(&r->words);
	bm_html_free(r->html);
	free(r);
}

static enum bm_status
settle(struct bm_report *r, enum bm_status s)
{
	bm_out_flush(&r->out);
	r->status = r->out.failed ? BM_IO : s;
	return r->status;
}

static enum bm_status
tell_connection(struct bm_report *r, const struct bm_connection *c)
{
	if (r->text != NULL)
		return bm_text_connection(r->text, c);
	if (r->html != NULL)
		return bm_html_connection(r->html, c);
	bm_json_connection(&r->out, !r->started, bm_redact_level(r->redact), c);
	r->started = true;
	return BM_OK;
}

static enum bm_status
tell_summary(struct bm_report *r, const struct bm_summary *s)
{
	enum bm_redaction level = bm_redact_level(r->redact);
	const struct bm_report_logs *logs = r->has_logs ? &r->logs : NULL;

	if (r->text != NULL)
		return bm_text_finish(r->text, s, level, logs, &r->out);
	if (r->html != NULL)
		return bm_html_finish(r->html, s, logs);
	bm_json_finish(&r->out, !r->started, level, s, logs);
	return BM_OK;
}

enum bm_status
bm_report_connection(struct bm_report *r, const struct bm_connection *c)
{
	struct bm_connection redacted;
	enum bm_status st = BM_OK;

	if (r->status != BM_OK)
		return r->status;
	if (r->finished)
		return BM_USAGE;
	if (r->redact != NULL)
		st = bm_redact_connection(r->redact, &r->words, c, &redacted);
	if (st == BM_OK)
		st = tell_connection(r, r->redact != NULL ? &redacted : c);
	bm_arena_reuse(&r->words);
	return settle(r, st);
}

void
bm_report_set_logs(struct bm_report *r, const struct bm_report_logs *logs)
{
	r->logs = *logs;
	r->has_logs = true;
}

enum bm_status
bm_report_finish(struct bm_report *r, const struct bm_summary *s)
{
	if (r->status != BM_OK)
		return r->status;
	if (r->finished)
		return BM_USAGE;
	r->finished = true;
	struct bm_summary redacted;
	enum bm_status st = BM_OK;
	if (r->redact != NULL)
		st = bm_redact_summary(r->redact, &r->words, s, &redacted);
	if (st == BM_OK)
		st = tell_summary(r, r->redact != NULL ? &redacted : s);
	return settle(r, st);
}
