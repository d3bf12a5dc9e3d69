/* Whether a segment belongs to the connection that its addresses name, or to a later one that uses
 * the same ports. Refuses to know payload. */
#include "tcp/internal.h"

enum {
	LATE_SYN = 1 << 16, /* data captured before its SYN lies this close behind it */
	FAR_AHEAD = 1 << 30,
	FAR_BEHIND = 1 << 26,
	STRANGERS = 3 /* segments in a row that make another sequence space believable */
};

static enum identity
keep_rival(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	f->rival = true;
	f->rival_ack = (g->flags & BM_ACK) != 0;
	f->rival_way = (uint8_t)way;
	f->rival_next = g->seq + 1;
	return NO_FLOW;
}

static enum identity
syn_identity(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	struct bm_stream *s = &f->stream[way], *peer = &f->stream[1 - way];
	bool over = f->closed || s->end != 0 || s->reset;

	if (!s->has_seq)
		return over && (g->flags & BM_ACK) == 0 ? OTHER_FLOW : SAME_FLOW;
	if (s->saw_syn && g->seq + 1 == s->zero_seq)
		return SAME_FLOW; /* sent again */
	if (s->doubtful)
		return SAME_FLOW; /* and this one is right */
	if (!s->saw_syn && !over) {
		/* Captured behind the data that followed it. */
		uint64_t off = stream_off(s, g->seq + 1);
		if (off <= stream_right(s) && off + LATE_SYN >= s->head)
			return SAME_FLOW;
	}
	/* RFC 9293, section 3.10.7.4: a SYN into an open connection changes nothing, unless it is
	 * answered. */
	if (over || (s->d == NULL && peer->d == NULL))
		return OTHER_FLOW;
	return keep_rival(f, way, g);
}

bool
answers_rival(const struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	if (!f->rival || (g->flags & BM_RST) != 0)
		return false;
	if (way != f->rival_way)
		return (g->flags & BM_ACK) != 0 && g->ack == f->rival_next;
	return (g->flags & BM_SYN) == 0 && g->seq == f->rival_next;
}

/* Load balancers may answer one SYN more than once, each time with another sequence number: which
 * one holds is what the initiator acknowledges. */
static bool
adopt_answer(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	struct bm_stream *s = &f->stream[f->rival_way], *peer = &f->stream[1 - f->rival_way];
	uint64_t off = stream_off(peer, g->seq);

	if (!f->rival_ack || way == f->rival_way || s->d != NULL || s->end != 0 || f->closed ||
		off + CREDIBLE < peer->head || off > stream_right(peer) + CREDIBLE)
		return false;
	s->zero_seq = f->rival_next;
	s->acked = 0;
	f->rival = false;
	return true;
}

/* Neither SYN nor the end of the old connection need have been captured. */
static enum identity
data_identity(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	struct bm_stream *s = &f->stream[way];
	uint64_t off = stream_off(s, g->seq), right = stream_right(s);
	uint64_t ahead = off > right ? off - right : 0;
	uint64_t behind = off < s->head ? s->head - off : 0;
	bool far = ahead > FAR_AHEAD || behind > FAR_BEHIND;

	if (f->closed && (ahead > CREDIBLE || behind > CREDIBLE))
		return OTHER_FLOW;
	if (s->doubtful && (ahead > CREDIBLE || behind > CREDIBLE))
		return OTHER_FLOW;
	if (!far) {
		s->strange = 0;
		s->doubtful = false;
		return SAME_FLOW;
	}
	if (s->strange == 0 || g->seq - s->strange_next > CREDIBLE)
		s->strange = 0;
	s->strange_next = g->seq;
	return ++s->strange >= STRANGERS ? OTHER_FLOW : NO_FLOW;
}

enum identity
flow_identity(struct bm_flow *f, enum bm_way way, const struct bm_segment *g)
{
	if (answers_rival(f, way, g))
		return adopt_answer(f, way, g) ? SAME_FLOW : OTHER_FLOW;
	if ((g->flags & BM_SYN) != 0)
		return syn_identity(f, way, g);
	if (g->payload_len != 0 && f->stream[way].has_seq && (g->flags & BM_RST) == 0)
		return data_identity(f, way, g);
	return SAME_FLOW;
}
