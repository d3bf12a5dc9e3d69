/* The text about the octets of a failure that differ from what was sent. Refuses to know the rest
 * of it. */
#include "report/internal.h"

#include <stdio.h>

enum {
	HEX_SHOWN = 32, /* bytes of a damaged run */
	HEX_LINE = 8,
	RUNS_SHOWN = 4,
	LABEL = 11 /* columns */
};

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* " 0a 0b[0c 0d]0e": a line of v, with what differs from other in brackets. Returns its columns. */
static size_t
hex_line(struct bm_lines *l, struct bm_view v, struct bm_view other, size_t at)
{
	size_t end = v.n - at < HEX_LINE ? v.n : at + HEX_LINE;
	bool before = false;

	for (size_t i = at; i < end; i++) {
		bool differs = v.p[i] != other.p[i];
		bm_say(l, "%s%02x", differs == before ? " " : differs ? "[" : "]", v.p[i]);
		before = differs;
	}
	if (before)
		bm_say(l, "]");
	return 3 * (end - at) + before;
}

/* Received and sent side by side, what differs in brackets. */
static void
hex_lines(struct bm_lines *l, const struct bm_damage *d)
{
	bm_say(l, "             offset    %-25s   sent\n", "received");
	for (size_t at = 0; at < d->line_received.n; at += HEX_LINE) {
		bm_say(l, "             %6llu   ", (unsigned long long)(d->line_offset + at));
		size_t columns = hex_line(l, d->line_received, d->line_sent, at);
		bm_say(l, "%*s", (int)(3 * HEX_LINE + 3 - columns), "");
		(void)hex_line(l, d->line_sent, d->line_received, at);
		bm_say(l, "\n");
	}
	if (d->record_offset + d->length > d->line_offset + d->line_received.n)
		bm_say(l, "             ...\n");
}

static void
hex_runs(struct bm_lines *l, const struct bm_damage *d)
{
	bm_say(l, "             received ");
	bm_say_hex(l, d->received, HEX_SHOWN);
	bm_say(l, "\n             sent     ");
	if (d->sent_known)
		bm_say_hex(l, d->sent, HEX_SHOWN);
	else
		bm_say(l, "unknown");
	bm_say(l, "\n");
}

void
bm_detail_damage(
	struct bm_lines *l, const struct bm_connection *c, const struct bm_failure *f, bool verbose)
{
	size_t n = verbose || f->damage_count <= RUNS_SHOWN ? f->damage_count : RUNS_SHOWN;

	for (size_t i = 0; i < n; i++) {
		const struct bm_damage *d = &f->damage[i];
		bool missing = d->length == 0;
		size_t from = l->buf.n;
		if (missing && !d->sent_known)
			bm_say(l, "  damage   bytes missing");
		else
			bm_say(l, "  damage   %s byte%s%s", bm_grouped(missing ? d->sent.n : d->length).s,
				plural(missing ? d->sent.n : d->length), missing ? " missing" : "");
		bm_say(l, " at record offset %llu", (unsigned long long)d->record_offset);
		if (d->packet != BM_UNKNOWN) {
			bm_say(l, ", ");
			bm_say_packet(l, c->pieces, d->packet);
		}
		if (d->packet != BM_UNKNOWN && d->packet_offset != BM_UNKNOWN)
			bm_say(l, " at byte %llu", (unsigned long long)d->packet_offset);
		bm_wrap_since(l, from, LABEL);
		bm_say(l, "\n");
		/* Another run in the same line was shown with the one before. */
		bool shown = i != 0 && d->line_received.n != 0 &&
					 d->line_offset == f->damage[i - 1].line_offset &&
					 d->line_received.n <= f->damage[i - 1].line_received.n;
		if (d->line_received.n == 0)
			hex_runs(l, d);
		else if (!shown)
			hex_lines(l, d);
	}
	if (n < f->damage_count)
		bm_say(l, "           and %s more run%s\n", bm_grouped(f->damage_count - n).s,
			plural(f->damage_count - n));
}
