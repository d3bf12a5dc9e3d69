/* The first line of the text report: the answer. Refuses to know what follows. */
#include "report/internal.h"

static void
answer_failed(struct bm_lines *l, const struct bm_answer_facts *f, const struct bm_summary *s,
	uint64_t protected)
{
	uint64_t n = s->records.failed, conns = f->failed;

	bm_style(l, BM_RED);
	bm_say(l, "FAILED:");
	bm_style(l, BM_PLAIN_STYLE);
	bm_style(l, BM_BOLD);
	if (n == 0 && f->sentence.n != 0) {
		struct bm_view sentence = f->sentence;
		sentence.n -= sentence.p[sentence.n - 1] == '.'; /* brackets follow */
		bm_say(l, " ");
		if (l->status == BM_OK)
			l->status = bm_buf_add(&l->buf, sentence);
	} else if (n == 0) {
		bm_say(l, " an endpoint reported a bad record, yet no record fails here");
	} else {
		bm_say(l, " %s of %s protected records %s not verify", bm_grouped(n).s,
			bm_grouped(protected).s, n == 1 ? "does" : "do");
		if (f->reported_only != 0)
			bm_say(l, ", and in %s more connection%s an endpoint reported a bad record",
				bm_grouped(f->reported_only).s, f->reported_only == 1 ? "" : "s");
	}
	if (conns == 1) {
		bm_say(l, " (");
		if (l->status == BM_OK)
			l->status = bm_buf_add(&l->buf, f->headline);
		bm_say(l, ")");
	} else if (conns != 0) {
		bm_say(l, " (%s of %s connections)", bm_grouped(conns).s, bm_grouped(s->connections).s);
	}
	bm_style(l, BM_PLAIN_STYLE);
}

void
bm_answer(struct bm_lines *l, const struct bm_answer_facts *f, const struct bm_summary *s)
{
	uint64_t protected = s->records.verified + s->records.failed + s->records.undecided;
	const char *p = protected == 1 ? "" : "s", *c = s->connections == 1 ? "" : "s";

	switch (s->result) {
	case BM_RESULT_FAILED:
		answer_failed(l, f, s, protected);
		break;
	case BM_RESULT_UNDECIDED:
		bm_style(l, BM_YELLOW);
		bm_say(l, "UNDECIDED:");
		bm_style(l, BM_PLAIN_STYLE);
		bm_style(l, BM_BOLD);
		if (s->connections == 0)
			bm_say(l, " no connection could be followed in %s packet%s, which are cut",
				bm_grouped(s->packets).s, s->packets == 1 ? "" : "s");
		else if (s->records.undecided != 0)
			bm_say(l, " %s of %s protected record%s in %s connection%s could not be checked",
				bm_grouped(s->records.undecided).s, bm_grouped(protected).s, p,
				bm_grouped(s->connections).s, c);
		else
			bm_say(l, " not everything in %s connection%s could be checked",
				bm_grouped(s->connections).s, c);
		bm_style(l, BM_PLAIN_STYLE);
		break;
	case BM_RESULT_VERIFIED:
		bm_style(l, BM_GREEN);
		bm_say(l, "OK:");
		bm_style(l, BM_PLAIN_STYLE);
		bm_style(l, BM_BOLD);
		if (s->packets == 0 && s->connections == 0)
			bm_say(l, " nothing to check: there is no packet");
		else if (s->connections == 0)
			bm_say(l, " nothing to check: no TLS found in %s packet%s", bm_grouped(s->packets).s,
				s->packets == 1 ? "" : "s");
		else if (protected == 0)
			bm_say(l, " nothing to check: no protected record in %s TLS connection%s",
				bm_grouped(s->connections).s, c);
		else
			bm_say(l, " %s protected record%s in %s connection%s %s", bm_grouped(protected).s, p,
				bm_grouped(s->connections).s, c, protected == 1 ? "verifies" : "all verify");
		if (protected == 0 && s->undecoded != 0)
			bm_say(l, " (%s could not be decoded)", bm_grouped(s->undecoded).s);
		bm_style(l, BM_PLAIN_STYLE);
		break;
	}
	bm_say(l, "\n");
	if (s->seen_elsewhere == 0)
		return;
	size_t from = l->buf.n;
	bm_say(l, "%s connection%s of another capture %s the same as one of these, seen elsewhere",
		bm_grouped(s->seen_elsewhere).s, s->seen_elsewhere == 1 ? "" : "s",
		s->seen_elsewhere == 1 ? "is" : "are");
	bm_wrap_since(l, from, 2);
	bm_say(l, "\n");
}
