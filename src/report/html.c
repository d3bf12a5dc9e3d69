/* The HTML report: one page, put together of a template (data/report) and of what the other reports
 * are made of. Each octet of a report reaches the page by way of one of two functions that escape:
 * nothing that was on the wire can end the element that it stands in. Refuses to know what the page
 * does with it. */
#include "report/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { EARLY_MEMORY = 4 << 20 /* of the diagnosis, until the page is begun */ };

struct bm_html {
	struct bm_out *page;
	struct bm_text *text;
	enum bm_redaction level;
	struct bm_out json; /* the diagnosis */
	bool any;           /* connection */
	struct bm_buf early;
	struct bm_view rest; /* of the template, once the page is begun */
	bool begun;
	struct bm_out detail; /* into `kept` */
	struct bm_buf kept;
	uint64_t left_out;
	struct bm_alike *alike;
	enum bm_status status;
};

enum marker { TITLE, STYLE, DIAGNOSIS, DETAIL, TEXT, SCRIPT, NO_MARKER };

/* -- what escapes --------------------------------------------------------------------------------
 */

/* JSON inside a script element: the three stand in strings alone. */
static int
to_script(void *ctx, const char *bytes, size_t n)
{
	struct bm_out *page = ctx;
	char escape[8];

	while (n != 0) {
		size_t run = 0;
		while (run < n && bytes[run] != '<' && bytes[run] != '>' && bytes[run] != '&')
			run++;
		bm_out_add(page, bytes, run);
		bytes += run;
		n -= run;
		if (n == 0)
			break;
		snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*bytes);
		bm_out_add(page, escape, 6);
		bytes++;
		n--;
	}
	return page->failed;
}

static const char *
entity(char c)
{
	return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : NULL;
}

static int
to_text(void *ctx, const char *bytes, size_t n)
{
	struct bm_out *page = ctx;

	while (n != 0) {
		size_t run = 0;
		while (run < n && entity(bytes[run]) == NULL)
			run++;
		bm_out_add(page, bytes, run);
		bytes += run;
		n -= run;
		if (n == 0)
			break;
		bm_out_add(page, entity(*bytes), strlen(entity(*bytes)));
		bytes++;
		n--;
	}
	return page->failed;
}

/* -- the template --------------------------------------------------------------------------------
 */

/* The line that v starts with, its end included. */
static struct bm_view
line_of(struct bm_view v)
{
	const uint8_t *end = memchr(v.p, '\n', v.n);

	return bm_view(v.p, end != NULL ? (size_t)(end - v.p) + 1 : v.n);
}

static enum marker
marker_in(struct bm_view line)
{
	static const char *const words[] = {
		"@TITLE@", "@STYLE@", "@DIAGNOSIS@", "@DETAIL@", "@TEXT@", "@SCRIPT@"};

	while (line.n != 0 && line.p[line.n - 1] <= ' ')
		line.n--;
	while (line.n != 0 && line.p[0] <= ' ') {
		line.p++;
		line.n--;
	}
	for (unsigned i = 0; i < NO_MARKER; i++)
		if (bm_view_equal(line, bm_view(words[i], strlen(words[i]))))
			return (enum marker)i;
	return NO_MARKER;
}

static void
add_view(struct bm_out *o, struct bm_view v)
{
	bm_out_add(o, v.p, v.n);
}

/* Puts out the template up to the next marker whose text is not at hand here, and returns that;
 * verdict: NULL as long as it is not known. */
static enum marker
go_on(struct bm_html *h, const struct bm_lines *verdict)
{
	while (h->rest.n != 0) {
		struct bm_view line = line_of(h->rest);
		enum marker m = marker_in(line);
		h->rest.p += line.n;
		h->rest.n -= line.n;
		if (m == NO_MARKER) {
			add_view(h->page, line);
		} else if (m == STYLE) {
			add_view(h->page, bm_report_style());
		} else if (m == SCRIPT) {
			add_view(h->page, bm_report_script());
		} else if (m == TITLE) {
			struct bm_view title = verdict != NULL ? line_of(bm_buf_view(&verdict->buf))
												   : bm_view("badmac diagnosis\n", 17);
			(void)to_text(h->page, (const char *)title.p, title.n);
		} else {
			return m;
		}
	}
	return NO_MARKER;
}

/* -- the diagnosis -------------------------------------------------------------------------------
 */

static void
begin_page(struct bm_html *h, const struct bm_lines *verdict)
{
	h->begun = true;
	h->rest = bm_report_page();
	(void)go_on(h, verdict);
	(void)to_script(h->page, (const char *)h->early.p, h->early.n);
	bm_buf_clear(&h->early);
}

static int
take_diagnosis(void *ctx, const char *bytes, size_t n)
{
	struct bm_html *h = ctx;

	if (!h->begun) {
		enum bm_status st = bm_buf_add(&h->early, bm_view(bytes, n));
		if (st == BM_OK)
			return 0;
		if (st != BM_LIMIT) {
			h->status = st;
			return -1;
		}
		begin_page(h, NULL);
	}
	return to_script(h->page, bytes, n);
}

/* -- the detail ----------------------------------------------------------------------------------
 */

static int
take_detail(void *ctx, const char *bytes, size_t n)
{
	struct bm_html *h = ctx;

	/* Without memory for it, it is left out. */
	return bm_buf_add(&h->kept, bm_view(bytes, n)) != BM_OK;
}

/* All of it is kept, or nothing. */
static bool
keep_detail(struct bm_html *h, const struct bm_connection *c, bool with_course)
{
	size_t before = h->kept.n;

	bm_out_add(&h->detail, before != 0 ? ",\n" : "\n", before != 0 ? 2 : 1);
	bm_detail_json(&h->detail, c, with_course);
	bm_out_flush(&h->detail);
	if (!h->detail.failed)
		return true;
	h->kept.n = before;
	h->detail.failed = false;
	h->detail.n = 0;
	return false;
}

/* -- the report ----------------------------------------------------------------------------------
 */

enum bm_status
bm_html_new(struct bm_html **out, const struct bm_report_options *o, struct bm_out *page)
{
	struct bm_html *h = *out = calloc(1, sizeof *h);
	struct bm_report_options plain = *o;

	if (h == NULL)
		return BM_NOMEM;
	plain.color = false;
	h->page = page;
	h->level = bm_redact_level(o->redact);
	h->early.max = EARLY_MEMORY;
	h->kept.max = o->detail_memory;
	h->json.write = take_diagnosis;
	h->detail.write = take_detail;
	h->json.ctx = h->detail.ctx = h;
	h->alike = bm_alike_new();
	enum bm_status st = h->alike != NULL ? bm_text_new(&h->text, &plain) : BM_NOMEM;
	if (st != BM_OK) {
		bm_html_free(h);
		*out = NULL;
	}
	return st;
}

void
bm_html_free(struct bm_html *h)
{
	if (h == NULL)
		return;
	bm_text_free(h->text);
	bm_alike_free(h->alike);
	bm_buf_clear(&h->early);
	bm_buf_clear(&h->kept);
	free(h);
}

enum bm_status
bm_html_connection(struct bm_html *h, const struct bm_connection *c)
{
	enum bm_status st = bm_text_connection(h->text, c);

	if (st != BM_OK)
		return st;
	bm_json_connection(&h->json, !h->any, h->level, c);
	h->any = true;
	bool listed = c->course != NULL && keep_detail(h, c, true);
	if (c->course != NULL && !listed && !keep_detail(h, c, false))
		h->left_out++;
	bm_alike_connection(h->alike, c, listed);
	return h->status;
}

static void
put_detail(struct bm_html *h)
{
	struct bm_out o = {.write = to_script, .ctx = h->page};

	bm_detail_json_begin(&o, bm_redaction_id(h->level));
	add_view(&o, bm_buf_view(&h->kept));
	bm_detail_json_end(&o, h->left_out, h->alike);
	bm_out_flush(&o);
}

static enum bm_status
put_text(struct bm_html *h, const struct bm_summary *s, const struct bm_report_logs *logs)
{
	struct bm_out o = {.write = to_text, .ctx = h->page};
	enum bm_status st = bm_text_finish(h->text, s, h->level, logs, &o);

	bm_out_flush(&o);
	return st;
}

enum bm_status
bm_html_finish(struct bm_html *h, const struct bm_summary *s, const struct bm_report_logs *logs)
{
	struct bm_lines verdict = {.buf = {.max = 1 << 16}};
	enum bm_status st = bm_text_answer(h->text, s, &verdict);

	bm_json_finish(&h->json, !h->any, h->level, s, logs);
	bm_out_flush(&h->json);
	if (st == BM_OK)
		st = h->status;
	if (st == BM_OK && !h->begun)
		begin_page(h, &verdict);
	while (st == BM_OK) {
		enum marker m = go_on(h, &verdict);
		if (m == NO_MARKER)
			break;
		if (m == DETAIL)
			put_detail(h);
		else if (m == TEXT)
			st = put_text(h, s, logs);
	}
	bm_buf_clear(&verdict.buf);
	return st;
}
