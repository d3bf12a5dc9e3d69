/* What views.c, wants.c and beside.c share. */
#ifndef BM_API_VIEWS_INTERNAL_H
#define BM_API_VIEWS_INTERNAL_H

#include "api/views.h"

#include "base/buf.h"

/* A failure, as a first reading has seen it. */
struct noted {
	enum bm_case_kind kind;
	unsigned direction, epoch;
	uint64_t seq, off; /* off: of a stream; BM_NO_SEQ: of no record in particular */
	uint32_t len;
	bool no_keys;
};

/* A connection at one site. */
struct view {
	uint8_t name[40];
	bool tcp, left_out, alone;
	uint32_t site;
	uint64_t flow;
	size_t rank, group, group_n; /* its place in views.ranked, that of the first view of the
									connection, and how many there are; 0: it is by itself */
	const char *capture;
	enum bm_place place;
	enum bm_way client_way;
	struct bm_address client, server;
	/* By side. */
	uint64_t hello_off[2], end[2];
	uint32_t first_seq[2];
	bool has_seq[2];
	uint8_t ttl[2];
	uint64_t digest[2]; /* 0: bytes were missing */
	uint64_t first_ts, last_ts;
	int64_t answer_ns; /* from ClientHello to ServerHello; 0 unknown */
	uint64_t undecided, gaps, bad, complaints;
	struct noted *cases; /* owned */
	size_t case_n;
};

/* A run of one view's stream that is wanted beside a failure of another's, or of its own. */
struct want {
	uint32_t site; /* of the flow that is read */
	uint64_t flow;
	enum bm_way way;
	uint64_t from, to;
	uint64_t got; /* octets from `from` on that are there, without a gap */
	uint8_t *bytes;
	struct bm_fragment *fragments;
	size_t fragment_n, fragment_cap;
	struct bm_other_copy *copies;
	size_t copy_n;
	/* The failure. */
	uint32_t for_site;
	uint64_t for_flow;
	unsigned direction;
	uint64_t off; /* BM_NO_SEQ: a complaint about no record in particular */
	int64_t delta;
};

static inline enum bm_way
side_way(const struct view *v, unsigned side)
{
	return side == BM_C2S ? v->client_way : (enum bm_way)(1 - v->client_way);
}

bool view_delta(const struct view *a, const struct view *b, unsigned side, int64_t *delta);
/* Does a stand before b on the way of what `side` sends? 1 yes, -1 behind it, 0 nothing tells. */
int view_order(const struct view *a, const struct view *b, unsigned side);
struct view *view_of(const struct views *vs, const struct bm_flow *f);

/* wants.c */
BM_MUST_USE enum bm_status wants_of(struct views *vs, const struct view *view, size_t n);
void wants_sort(struct views *vs);
void wants_clear(struct views *vs);
/* The first want of the flow, or where it would stand; sorted. */
size_t wants_first(const struct views *vs, uint32_t site, uint64_t flow);
/* Of a failing record that much is wanted behind it. */
enum { WANT_TRAIL = 20 << 10 };

#endif
