/* The history as one page: no script, nothing fetched, plots as SVG beside the same numbers as
 * text. Every text from the store is escaped. */
#include "store/model.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE = 1024, TIMELINE = 960, HEIGHT = 120, BARS_MOST = 320 };

struct page {
	struct bm_history_model *m;
	struct bm_out *out;
};

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"generator\" content=\"badmac history\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>badmac history</title>\n<style>\n"
	":root{--ink:#1b1f24;--paper:#fff;--soft:#57606a;--rule:#d0d7de;--bar:#0b62b8;--bad:#b3261e;--"
	"band:#f4f6f8}\n"
	"@media screen and "
	"(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0f1318;--soft:#9aa6b2;--rule:#333c46;"
	"--bar:#6cb2ff;--bad:#ff8f86;--band:#171d24}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;padding:1.5rem;max-width:75rem;color:var(--ink);"
	"background:var(--paper);font:1rem/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}\n"
	".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;background:var(--paper)}\n"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}caption{text-"
	"align:left;"
	"color:var(--soft)}\n"
	"th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px "
	"solid var(--rule);"
	"overflow-wrap:anywhere}\n"
	"th{font-weight:600}td.n,th.n{text-align:right;white-space:nowrap}td.bar{width:40%;min-width:"
	"8rem}\n"
	"th[scope=row]{min-width:8rem}@media (max-width:40rem){th,td{padding-right:.4rem}"
	"th[scope=row]{min-width:5rem}td.bar{width:auto;min-width:2rem}}\n"
	".list th,.list td{overflow-wrap:break-word}.list tbody td:nth-child(3){white-space:nowrap}\n"
	"@media (max-width:60rem){.list thead{position:absolute;left:-99rem}.list tr,.list td,.list th{"
	"display:block;border:0;padding:0}.list tr{padding:.5rem 0;border-bottom:1px solid var(--rule)}"
	".list tbody td:nth-child(3){white-space:normal}"
	".list br{display:none}.list td:nth-child(4)::before{content:\"at fault \"}}\n"
	"tr:nth-child(even)>td,tr:nth-child(even)>th{background:var(--band)}\n"
	"svg{display:block;width:100%;height:auto}rect{fill:var(--bar)}text{fill:var(--soft);font-size:"
	"12px}\n"
	".soft{color:var(--soft)}.bad{color:var(--bad);font-weight:600}.scroll{overflow-x:auto}\n"
	"@media "
	"print{body{max-width:none;padding:0}.skip{display:none}tr{break-inside:avoid}.scroll{overflow:"
	"visible}}\n"
	"</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">To the findings</a>\n<main>\n";

/* The page's own text. */
static void
put(struct page *p, const char *text)
{
	bm_out_add(p->out, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void
print(struct page *p, const char *format, ...)
{
	char line[LINE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	put(p, line);
}

/* What turns the direction of writing, or cannot be seen. */
static bool
is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0xfeff ||
		   (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		   (c >= 0x2060 && c <= 0x206f) || c == 0xfffe || c == 0xffff ||
		   (c >= 0xe0000 && c <= 0xe0fff);
}

/* Text from elsewhere; NULL: not known. */
static void
text(struct page *p, const char *s)
{
	struct bm_view v = bm_view(s != NULL ? s : "unknown", strlen(s != NULL ? s : "unknown"));

	while (v.n != 0) {
		uint32_t code = 0;
		size_t n = bm_utf8(v, &code);
		if (n == 0 || is_hidden(code)) {
			n = n != 0 ? n : 1;
			for (size_t i = 0; i < n; i++)
				print(p, "\\x%02x", v.p[i]);
		} else if (strchr("<>&\"'", (int)(code < 0x80 ? code : ' ')) != NULL && code < 0x80) {
			print(p, "&#%u;", (unsigned)code);
		} else {
			bm_out_add(p->out, v.p, n);
		}
		v.p += n;
		v.n -= n;
	}
}

static void
stamp(struct page *p, uint64_t ns)
{
	char t[BM_TIME_TEXT_MAX];

	if (ns == BM_DB_NULL) {
		put(p, "unknown");
		return;
	}
	bm_time_text(ns, t);
	print(p, "<time datetime=\"%.19sZ\">%.10s %.8s</time>", t, t, t + 11);
}

static void
summary(struct page *p)
{
	const struct bm_history_model *m = p->m;
	const struct bm_history_question *q = m->question;

	put(p, "<header>\n<h1>");
	if (m->findings == 0)
		put(p, "No findings");
	else
		print(p, "<span class=\"bad\">%s finding%s</span> in %s connection%s",
			bm_grouped(m->findings).s, bm_plural(m->findings), bm_grouped(m->connections).s,
			bm_plural(m->connections));
	put(p, "</h1>\n<p>");
	if (m->first != BM_DB_NULL) {
		put(p, "From ");
		stamp(p, m->first);
		put(p, " to ");
		stamp(p, m->last);
		put(p, " (UTC). ");
	}
	print(p, "Of %s connection%s with %s protected record%s in %s run%s.</p>\n",
		bm_grouped(m->run_connections).s, bm_plural(m->run_connections),
		bm_grouped(m->run_records).s, bm_plural(m->run_records), bm_grouped(m->runs).s,
		bm_plural(m->runs));
	if (m->format->name != NULL) {
		put(p, "<p class=\"soft\">Store: ");
		text(p, m->format->name);
		if (q->cause != NULL) {
			put(p, "; cause: ");
			text(p, q->cause);
		}
		if (q->peer != NULL) {
			put(p, "; peer: ");
			text(p, q->peer);
		}
		put(p, "</p>\n");
	}
	put(p, "</header>\n");
}

static void
timeline(struct page *p)
{
	const struct bm_days *d = &p->m->days;
	char first[16], last[16];
	uint64_t most = 0;

	if (d->n < 2)
		return;
	size_t each = (d->n + BARS_MOST - 1) / BARS_MOST, n = (d->n + each - 1) / each;
	double step = (double)TIMELINE / (double)n, bar = step > 3 ? step - 1 : step;
	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;
		for (size_t k = i * each; k < (i + 1) * each && k < d->n; k++)
			sum += d->count[k];
		most = sum > most ? sum : most;
	}
	bm_day_text(d->first, first);
	bm_day_text(d->first + d->n - 1, last);
	put(p, "<section aria-labelledby=\"over-time\">\n<h2 id=\"over-time\">Over time</h2>\n");
	print(p, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"tt td\">\n", TIMELINE,
		HEIGHT + 20);
	put(p, "<title id=\"tt\">Findings ");
	if (each == 1)
		put(p, "a day</title>\n");
	else
		print(p, "in every %zu days</title>\n", each);
	print(p, "<desc id=\"td\">From %s to %s; the highest bar is %s.</desc>\n", first, last,
		bm_grouped(most).s);
	for (size_t i = 0; i < n; i++) {
		char day[16];
		uint64_t sum = 0;
		for (size_t k = i * each; k < (i + 1) * each && k < d->n; k++)
			sum += d->count[k];
		if (sum == 0)
			continue;
		unsigned h = (unsigned)((double)sum / (double)most * HEIGHT + 0.5);
		h = h != 0 ? h : 1;
		bm_day_text(d->first + i * each, day);
		print(p,
			"<rect x=\"%u.%u\" y=\"%u\" width=\"%u.%u\" height=\"%u\"><title>%s: "
			"%s</title></rect>\n",
			(unsigned)((double)i * step), (unsigned)((double)i * step * 10) % 10, HEIGHT - h,
			(unsigned)bar, (unsigned)(bar * 10) % 10, h, day, bm_grouped(sum).s);
	}
	print(p,
		"<text x=\"0\" y=\"%d\">%s</text><text x=\"%d\" y=\"%d\" "
		"text-anchor=\"end\">%s</text>\n</svg>\n",
		HEIGHT + 15, first, TIMELINE, HEIGHT + 15, last);
	put(p, "</section>\n");
}

static void
shared(struct page *p)
{
	bool any = false;

	for (size_t i = 0; i < p->m->shared_count; i++) {
		if (!p->m->shared[i].stated)
			continue;
		if (!any)
			put(p, "<section aria-labelledby=\"common\">\n<h2 id=\"common\">In common, beyond "
				   "chance</h2>\n<ul>\n");
		any = true;
		put(p, "<li>");
		text(p, bm_shared_sentence(p->m, &p->m->shared[i]));
		put(p, "</li>\n");
	}
	if (!any)
		return;
	put(p, "</ul>\n<p class=\"soft\">");
	text(p, bm_shared_rule);
	put(p, "</p>\n</section>\n");
}

static void
table(struct page *p, const struct bm_group_table *g)
{
	const char *name = bm_history_group_name(g->group);
	uint64_t most = 0;

	if (g->n == 0)
		return;
	for (size_t i = 0; i < g->n; i++)
		most = g->rows[i].findings > most ? g->rows[i].findings : most;
	print(p, "<section aria-labelledby=\"by-%s\">\n<h2 id=\"by-%s\">Findings ", name, name);
	text(p, bm_group_heading(g->group));
	put(p, "</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">");
	text(p, name);
	put(p, "</th><th scope=\"col\" class=\"n\">findings</th><th scope=\"col\" "
		   "class=\"n\">connections</th>"
		   "<th scope=\"col\" aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < g->n; i++) {
		const struct bm_group_row *r = &g->rows[i];
		unsigned w = most != 0 ? (unsigned)((double)r->findings / (double)most * 1000 + 0.5) : 0;
		put(p, "<tr><th scope=\"row\">");
		text(p, r->value);
		print(p,
			"</th><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"bar\" "
			"aria-hidden=\"true\">",
			bm_grouped(r->findings).s, bm_grouped(r->connections).s);
		print(p,
			"<svg viewBox=\"0 0 1000 40\" preserveAspectRatio=\"none\" style=\"height:1em\">"
			"<rect width=\"%u\" height=\"40\"/></svg></td></tr>\n",
			w != 0 ? w : 1);
	}
	put(p, "</tbody></table></div>\n");
	if (g->left_out != 0)
		print(p, "<p class=\"soft\">And %s finding%s of %s other value%s.</p>\n",
			bm_grouped(g->left_out).s, bm_plural(g->left_out), bm_grouped(g->values - g->n).s,
			bm_plural(g->values - g->n));
	put(p, "</section>\n");
}

static void
cell(struct page *p, const char *s)
{
	put(p, "<td>");
	text(p, s);
	put(p, "</td>");
}

static void
one(void *ctx, const struct bm_history_row *r)
{
	struct page *p = ctx;

	put(p, "<tr><td>");
	stamp(p, r->time);
	put(p, "</td><th scope=\"row\">");
	text(p, r->cause);
	put(p, " <br><span class=\"soft\">");
	text(p, r->confidence);
	put(p, "</span></th><td>");
	text(p, r->client);
	put(p, " <br>to ");
	text(p, r->server);
	if (r->server_name != NULL) {
		put(p, " <br><span class=\"soft\">");
		text(p, r->server_name);
		put(p, "</span>");
	}
	put(p, "</td>");
	cell(p, r->at_fault);
	cell(p, r->summary);
	put(p, "</tr>\n");
}

static void
findings(struct page *p)
{
	put(p, "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
	if (p->m->findings == 0 || p->m->question->limit == 0) {
		put(p, "<p>None are listed.</p>\n</section>\n");
		return;
	}
	put(p,
		"<div class=\"scroll\"><table class=\"list\">\n<caption>The newest first, times in "
		"UTC</caption>\n<thead><tr>"
		"<th scope=\"col\">time</th><th scope=\"col\">cause</th><th scope=\"col\">connection</th>"
		"<th scope=\"col\">at fault</th><th scope=\"col\">what "
		"happened</th></tr></thead>\n<tbody>\n");
	uint64_t shown = bm_filter_list(p->m, one, p);
	put(p, "</tbody></table></div>\n");
	if (shown < p->m->findings)
		print(p, "<p class=\"soft\">And %s more, which --limit N would list.</p>\n",
			bm_grouped(p->m->findings - shown).s);
	put(p, "</section>\n");
}

enum bm_status
bm_history_html(struct bm_history_model *m, struct bm_out *o)
{
	struct page p = {m, o};

	put(&p, head);
	summary(&p);
	timeline(&p);
	shared(&p);
	for (size_t i = 0; i < m->table_count; i++)
		table(&p, &m->tables[i]);
	findings(&p);
	put(&p, "</main>\n</body>\n</html>\n");
	return BM_OK;
}
