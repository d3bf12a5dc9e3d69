/* Judgements for people: the answer first, then what does not hold, then the rest. Refuses to know
 * how anything was judged. */
#include "claims/report.h"

enum { LABEL = 14, INDENT = 6 };

/* What has been put together so far is written. */
static void
write_out(struct bm_lines *l, struct bm_out *o)
{
	bm_out_add(o, l->buf.p, l->buf.n);
	l->buf.n = 0;
}

static void
verdict(struct bm_lines *l, enum badmac_verdict v)
{
	static const char *const words[] = {
		"holds", "does not hold", "cannot be checked", "not replayable"};

	bm_style(l, v == BADMAC_HOLDS ? BM_GREEN : v == BADMAC_DOES_NOT_HOLD ? BM_RED : BM_YELLOW);
	bm_say(l, "%s", words[v]);
	bm_style(l, BM_PLAIN_STYLE);
}

static void
steps(struct bm_lines *l, const struct badmac_judgement *g)
{
	for (size_t i = 0; i < g->step_count; i++) {
		bm_say(l, "      %s %-12s", g->steps[i].passed ? "ok " : "no ", g->steps[i].id);
		bm_say_wrapped(l, INDENT + 4 + LABEL - 2, INDENT + 4 + LABEL - 2, g->steps[i].says);
		bm_say(l, "\n");
	}
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
headline(struct bm_lines *l, const struct bm_claims_count *n)
{
	uint64_t all = n->hold + n->do_not_hold + n->unchecked + n->not_replayable;
	size_t from = l->buf.n;
	enum badmac_verdict v = bm_claims_verdict(n);

	bm_style(l, v == BADMAC_HOLDS ? BM_GREEN : v == BADMAC_DOES_NOT_HOLD ? BM_RED : BM_YELLOW);
	bm_say(l, "%s:",
		v == BADMAC_HOLDS           ? "HOLDS"
		: v == BADMAC_DOES_NOT_HOLD ? "DOES NOT HOLD"
									: "NOT ALL CHECKED");
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, " of %s proof%s %s hold%s", bm_grouped(all - n->not_replayable).s,
		plural(all - n->not_replayable), bm_grouped(n->hold).s, n->hold == 1 ? "s" : "");
	if (n->do_not_hold != 0)
		bm_say(l, ", %s do%s not", bm_grouped(n->do_not_hold).s, n->do_not_hold == 1 ? "es" : "");
	if (n->unchecked != 0)
		bm_say(l, ", %s cannot be checked", bm_grouped(n->unchecked).s);
	if (n->not_replayable != 0)
		bm_say(l, "; %s failure%s no check that could be made again",
			bm_grouped(n->not_replayable).s, n->not_replayable == 1 ? " has" : "s have");
	if (n->counts_wrong != 0)
		bm_say(l, "; of %s connection%s, or the whole, it tells what is not so",
			bm_grouped(n->counts_wrong).s, plural(n->counts_wrong));
	else if (n->counts_unchecked == 0)
		bm_say(l, "; the counts of records are right");
	bm_wrap_since(l, from, 2);
	bm_say(l, "\n");
}

static void
failure(struct bm_lines *l, const struct badmac_claim *c, const struct badmac_judgement *g,
	size_t nth, bool verbose)
{
	size_t from = l->buf.n;

	bm_say(l, "  failure %zu    ", nth);
	bm_say_safe(l, c->cause);
	bm_say(l, ", %s",
		c->direction == BADMAC_CLIENT_TO_SERVER ? "client to server" : "server to client");
	if (c->sequence_number != BADMAC_UNKNOWN)
		bm_say(l, ", number %s", bm_grouped(c->sequence_number).s);
	if (c->stream_offset != BADMAC_UNKNOWN)
		bm_say(l, ", stream offset %s", bm_grouped(c->stream_offset).s);
	if (c->has_proof) {
		bm_say(l, ", ");
		bm_say_safe(l, c->method);
	}
	bm_say(l, ": ");
	verdict(l, g->verdict);
	bm_wrap_since(l, from, LABEL + 1);
	bm_say(l, "\n");
	if (verbose || g->verdict != BADMAC_HOLDS)
		steps(l, g);
}

static void
connection(
	struct bm_lines *l, const struct bm_claims *c, const struct badmac *b, size_t nth, bool verbose)
{
	const struct badmac_claimed_connection *x = &c->claims.connections[nth];
	const struct badmac_judgement *g = badmac_judgement(b, nth, BADMAC_WHOLE);

	if (!verbose && x->failure_count == 0 && g->verdict == BADMAC_HOLDS)
		return;
	bm_say(l, "\nconnection %llu   ", (unsigned long long)c->findings->connections[nth].id);
	bm_say_safe(l, x->client);
	bm_say(l, " -> ");
	bm_say_safe(l, x->server);
	bm_say(l, "\n  counts       ");
	verdict(l, g->verdict);
	bm_say(l, "\n");
	if (verbose || g->verdict != BADMAC_HOLDS)
		steps(l, g);
	for (size_t i = 0; i < x->failure_count; i++)
		failure(l, &x->failures[i], badmac_judgement(b, nth, i), i, verbose);
}

void
bm_claims_text(struct bm_lines *l, const struct bm_claims *c, const struct badmac *b, bool verbose,
	struct bm_out *o)
{
	struct bm_claims_count n = bm_claims_count(c, b);
	const struct badmac_judgement *whole = badmac_judgement(b, BADMAC_WHOLE, BADMAC_WHOLE);

	headline(l, &n);
	write_out(l, o);
	if (verbose || whole->verdict != BADMAC_HOLDS) {
		bm_say(l, "\nreport         ");
		verdict(l, whole->verdict);
		bm_say(l, "\n");
		steps(l, whole);
	}
	for (size_t i = 0; i < c->claims.connection_count && l->status == BM_OK; i++) {
		connection(l, c, b, i, verbose);
		write_out(l, o);
	}
}
