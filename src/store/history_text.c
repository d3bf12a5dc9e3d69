/* The history for a terminal: aligned, no wider than it, with bars. Texts from the store steer no
 * terminal. */
#include "store/model.h"

#include <stdio.h>

enum { TEXT_MOST = 1 << 20, VALUE = 40, BAR_LEAST = 8, NARROWEST = 40, FLUSH = 1 << 16 };

struct text {
	struct bm_history_model *m;
	struct bm_lines l;
	struct bm_out *out;
	size_t columns;
};

static void
flush(struct text *t)
{
	bm_out_add(t->out, t->l.buf.p, t->l.buf.n);
	t->l.buf.n = 0;
}

/* Letters that take one column in every font; nothing that combines or turns direction. */
static bool
is_plain_letter(uint32_t c)
{
	return (c >= 0xa1 && c < 0x300 && c != 0xad) || (c >= 0x370 && c < 0x483) ||
		   (c >= 0x48a && c < 0x530);
}

/* The next piece of text from elsewhere, as shown: its octets, its columns in *width. */
static size_t
piece(const struct text *t, const char *p, char out[8], size_t *width)
{
	struct bm_view v = bm_view(p, strlen(p));
	uint32_t code = 0;
	size_t n;

	if (p[0] >= 0x20 && p[0] < 0x7f) {
		(void)snprintf(out, 8, "%c", p[0]);
		*width = 1;
		return 1;
	}
	n = bm_utf8(v, &code);
	if (n != 0 && !t->m->format->ascii && is_plain_letter(code)) {
		(void)snprintf(out, 8, "%.*s", (int)n, p);
		*width = 1;
		return n;
	}
	(void)snprintf(out, 8, "\\x%02x", (unsigned char)p[0]);
	*width = 4;
	return 1;
}

static size_t
width_of(const struct text *t, const char *p)
{
	size_t columns = 0, width;
	char out[8];

	for (; *p != '\0'; columns += width)
		p += piece(t, p, out, &width);
	return columns;
}

/* Text in so many columns, cut where it is longer; padded unless it is the last of a line. */
static void
cell(struct text *t, const char *p, size_t columns, bool last)
{
	bool fits = width_of(t, p) <= columns;
	size_t room = fits || columns < 2 ? columns : columns - 2, at = 0, width, n;
	char out[8];

	while (*p != '\0') {
		n = piece(t, p, out, &width);
		if (at + width > room)
			break;
		bm_say(&t->l, "%s", out);
		at += width;
		p += n;
	}
	if (!fits && columns >= 2) {
		bm_say(&t->l, "..");
		at += 2;
	}
	if (!last)
		bm_say(&t->l, "%*s", (int)(columns - at), "");
}

/* The same, cut in front: of a path the end is what tells it apart. */
static void
cell_end(struct text *t, const char *p, size_t columns)
{
	size_t has = width_of(t, p), width;
	char out[8];

	if (has > columns && columns > 2) {
		for (bm_say(&t->l, ".."), columns -= 2; has > columns; has -= width)
			p += piece(t, p, out, &width);
	}
	cell(t, p, columns, false);
}

/* Words, the first of them in column `at`, further lines from column `indent` on. */
static void
wrapped(struct text *t, size_t at, size_t indent, const char *p)
{
	bool fresh = true; /* nothing of it stands on this line */
	size_t width;
	char out[8];

	for (; *p != '\0'; fresh = false) {
		size_t n = strcspn(p, " "), word = 0;
		for (const char *w = p; w < p + n; word += width)
			w += piece(t, w, out, &width);
		if (!fresh && at + 1 + word > t->columns) {
			bm_say(&t->l, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!fresh) {
			bm_say(&t->l, " ");
			at++;
		}
		for (const char *w = p; w < p + n; at += width) {
			w += piece(t, w, out, &width);
			/* A word that no line can hold. */
			if (at + width > t->columns) {
				bm_say(&t->l, "\n%*s", (int)indent, "");
				at = indent;
			}
			bm_say(&t->l, "%s", out);
		}
		p += n;
		p += *p == ' ';
	}
	bm_say(&t->l, "\n");
}

/* n of `most` as a bar of so many columns at most; something is never nothing. */
static void
bar(struct text *t, uint64_t n, uint64_t most, size_t columns)
{
	static const char *const eighths[] = {"", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
		"\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89"};
	size_t parts = most != 0 ? (size_t)((double)n / (double)most * (double)(8 * columns) + 0.5) : 0;

	if (n != 0 && parts == 0)
		parts = 1;
	if (t->m->format->ascii)
		parts = (parts + 7) / 8 * 8;
	for (size_t i = 0; i < parts / 8; i++)
		bm_say(&t->l, "%s", t->m->format->ascii ? "#" : "\xe2\x96\x88");
	bm_say(&t->l, "%s", eighths[parts % 8]);
}

static const char *
level(const struct text *t, uint64_t n, uint64_t most)
{
	static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
	static const char *const blocks[] = {" ", "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
		"\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
	size_t at = n == 0 ? 0 : 1 + (size_t)((double)(n - 1) / (double)(most > 1 ? most - 1 : 1) * 7);

	return t->m->format->ascii ? ascii[at < 9 ? at : 8] : blocks[at < 9 ? at : 8];
}

/* One column for so many days that all fit. */
static void
days(struct text *t)
{
	const struct bm_days *d = &t->m->days;
	char first[16], last[16];

	if (d->n < 2)
		return;
	size_t room = t->columns - 28, each = (d->n + room - 1) / room, n = (d->n + each - 1) / each;
	uint64_t most = 0;
	for (size_t pass = 0; pass < 2; pass++) {
		if (pass == 1) {
			bm_day_text(d->first, first);
			bm_day_text(d->first + d->n - 1, last);
			bm_say(&t->l, "  %s  ", first);
		}
		for (size_t i = 0; i < n; i++) {
			uint64_t sum = 0;
			for (size_t k = i * each; k < (i + 1) * each && k < d->n; k++)
				sum += d->count[k];
			if (pass == 0)
				most = sum > most ? sum : most;
			else
				bm_say(&t->l, "%s", level(t, sum, most));
		}
	}
	bm_say(&t->l, "  %s\n", last);
	bm_say(&t->l, "  at most %s in ", bm_grouped(most).s);
	if (each == 1)
		bm_say(&t->l, "a day\n\n");
	else
		bm_say(&t->l, "%zu days\n\n", each);
}

static void
table(struct text *t, const struct bm_group_table *g)
{
	size_t value = 5, i;
	uint64_t most = 0;

	for (i = 0; i < g->n; i++) {
		const char *v = g->rows[i].value != NULL ? g->rows[i].value : "unknown";
		size_t n = width_of(t, v);
		value = n > value ? n : value;
		most = g->rows[i].findings > most ? g->rows[i].findings : most;
	}
	if (g->n == 0)
		return;
	value = value < VALUE ? value : VALUE;
	value = value + 30 < t->columns ? value : t->columns - 30;
	size_t used = 2 + value + 2 + 10 + 2 + 12 + 2;
	size_t room = used + BAR_LEAST < t->columns ? t->columns - used : 0;
	bm_style(&t->l, BM_BOLD);
	bm_say(&t->l, "%s\n", bm_group_heading(g->group));
	bm_style(&t->l, BM_PLAIN_STYLE);
	bm_say(&t->l, "  %*s  %10s  %12s\n", (int)value, "", "findings", "connections");
	for (i = 0; i < g->n; i++) {
		const struct bm_group_row *row = &g->rows[i];
		bm_say(&t->l, "  ");
		if (g->group == BM_GROUP_CAPTURE)
			cell_end(t, row->value != NULL ? row->value : "unknown", value);
		else
			cell(t, row->value != NULL ? row->value : "unknown", value, false);
		bm_say(&t->l, "  %10s  %12s", bm_grouped(row->findings).s, bm_grouped(row->connections).s);
		if (room != 0) {
			bm_say(&t->l, "  ");
			bar(t, row->findings, most, room < 60 ? room : 60);
		}
		bm_say(&t->l, "\n");
		if (t->l.buf.n > FLUSH)
			flush(t);
	}
	if (g->left_out != 0)
		bm_say(&t->l, "  and %s finding%s of %s other value%s\n", bm_grouped(g->left_out).s,
			bm_plural(g->left_out), bm_grouped(g->values - g->n).s, bm_plural(g->values - g->n));
	bm_say(&t->l, "\n");
}

static void
shared(struct text *t)
{
	bool any = false;

	for (size_t i = 0; i < t->m->shared_count; i++) {
		const struct bm_shared *x = &t->m->shared[i];
		if (!x->stated)
			continue;
		if (!any) {
			bm_style(&t->l, BM_BOLD);
			bm_say(&t->l, "in common, beyond chance\n");
			bm_style(&t->l, BM_PLAIN_STYLE);
		}
		any = true;
		bm_say(&t->l, "  ");
		wrapped(t, 2, 4, bm_shared_sentence(t->m, x));
	}
	if (any) {
		bm_style(&t->l, BM_DIM);
		bm_say(&t->l, "  ");
		wrapped(t, 2, 2, bm_shared_rule);
		bm_style(&t->l, BM_PLAIN_STYLE);
		bm_say(&t->l, "\n");
	}
}

static enum bm_style
style_of(const char *confidence)
{
	if (confidence != NULL && strcmp(confidence, "proven") == 0)
		return BM_RED;
	return confidence != NULL && strcmp(confidence, "supported") == 0 ? BM_YELLOW : BM_PLAIN_STYLE;
}

static const char *
or_unknown(const char *text)
{
	return text != NULL ? text : "unknown";
}

static void
one(void *ctx, const struct bm_history_row *r)
{
	struct text *t = ctx;
	char when[BM_TIME_TEXT_MAX] = "unknown", who[200];
	enum { TIME = 19, CAUSE = 22, ROW = TIME + 2 + CAUSE + 2, WHO_LEAST = 24 };
	size_t room = t->columns - (TIME + 2);
	bool wide = t->columns >= ROW + WHO_LEAST;

	if (r->time != BM_DB_NULL) {
		bm_time_text(r->time, when);
		when[10] = ' ';
		when[TIME] = '\0';
	}
	(void)snprintf(who, sizeof who, "%s -> %s", or_unknown(r->client), or_unknown(r->server));
	bm_say(&t->l, "%-*s  ", TIME, when);
	bm_style(&t->l, style_of(r->confidence));
	cell(t, or_unknown(r->cause), wide ? CAUSE : room < CAUSE ? room : CAUSE, !wide);
	bm_style(&t->l, BM_PLAIN_STYLE);
	bm_say(&t->l, "%s", wide ? "  " : "\n    ");
	cell(t, who, t->columns - (wide ? ROW : 4), true);
	bm_say(&t->l, "\n    ");
	wrapped(t, 4, 4, or_unknown(r->summary));
	bm_say(&t->l, "    ");
	bm_style(&t->l, BM_DIM);
	cell(t, or_unknown(r->confidence), 9, true);
	bm_say(&t->l, ", at fault ");
	cell(t, r->at_fault != NULL && r->at_fault[0] != '\0' ? r->at_fault : "unknown",
		t->columns > 24 ? t->columns - 24 : 16, true);
	bm_style(&t->l, BM_PLAIN_STYLE);
	bm_say(&t->l, "\n");
	if (t->l.buf.n > FLUSH)
		flush(t);
}

static void
headline(struct text *t)
{
	const struct bm_history_model *m = t->m;
	char text[300], from[BM_TIME_TEXT_MAX] = "", to[BM_TIME_TEXT_MAX] = "";

	bm_style(&t->l, m->findings != 0 ? BM_RED : BM_GREEN);
	if (m->findings == 0)
		(void)snprintf(text, sizeof text, "no findings,");
	else
		(void)snprintf(
			text, sizeof text, "%s finding%s", bm_grouped(m->findings).s, bm_plural(m->findings));
	bm_say(&t->l, "%s", text);
	bm_style(&t->l, BM_PLAIN_STYLE);
	size_t at = strlen(text);
	text[0] = '\0';
	if (m->findings != 0 && m->first != BM_DB_NULL) {
		bm_time_text(m->first, from);
		bm_time_text(m->last, to);
		(void)snprintf(text, sizeof text, "in %s connection%s, %.16sZ to %.16sZ; ",
			bm_grouped(m->connections).s, bm_plural(m->connections), from, to);
	} else if (m->findings != 0) {
		(void)snprintf(text, sizeof text, "in %s connection%s; ", bm_grouped(m->connections).s,
			bm_plural(m->connections));
	}
	size_t n = strlen(text);
	(void)snprintf(text + n, sizeof text - n,
		"of %s connection%s with %s protected record%s in %s run%s",
		bm_grouped(m->run_connections).s, bm_plural(m->run_connections),
		bm_grouped(m->run_records).s, bm_plural(m->run_records), bm_grouped(m->runs).s,
		bm_plural(m->runs));
	bm_say(&t->l, " ");
	wrapped(t, at + 1, 2, text);
	bm_say(&t->l, "\n");
}

enum bm_status
bm_history_text(struct bm_history_model *m, struct bm_out *o)
{
	struct text t = {.m = m, .l = {.buf = {.max = TEXT_MOST}, .color = m->format->color}, .out = o};

	t.columns = m->format->columns != 0 ? m->format->columns : BM_COLUMNS;
	t.columns = t.columns > NARROWEST ? t.columns : NARROWEST;
	headline(&t);
	days(&t);
	shared(&t);
	for (size_t i = 0; i < m->table_count; i++)
		table(&t, &m->tables[i]);
	if (m->findings != 0 && m->question->limit != 0) {
		bm_style(&t.l, BM_BOLD);
		bm_say(&t.l, "findings, newest first (times in UTC)\n");
		bm_style(&t.l, BM_PLAIN_STYLE);
		uint64_t shown = bm_filter_list(m, one, &t);
		if (shown < m->findings)
			bm_say(&t.l, "\nand %s more (--limit N)\n", bm_grouped(m->findings - shown).s);
	}
	flush(&t);
	enum bm_status st = t.l.status;
	bm_buf_clear(&t.l.buf);
	return st;
}
