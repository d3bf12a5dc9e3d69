/* What the files of src/tcp share. Offsets in here are internal: the first byte after the SYN
 * stands at ORIGIN, so that bytes before a beginning that was not captured have a place too. The
 * layer above sees them with the stream's origin taken away. */
#ifndef BM_TCP_INTERNAL_H
#define BM_TCP_INTERNAL_H

#include "tcp/tcp.h"

#define ORIGIN ((uint64_t)1 << 32)
#define NO_SLOT UINT32_MAX

enum {
	RUN_COST = 64,   /* what a run is charged besides its bytes */
	HELD_RUN = 1024, /* flow_memory allows one held run for so many bytes */
	COPIES_MAX = 64, /* differing copies held per direction */
	COPIES_BYTES = 1 << 18,
	CREDIBLE = 1 << 24 /* how far from what is known a sequence number may lie */
};

/* Bytes of a frame that does not stay; shared by the runs cut from one segment. */
struct block {
	union {
		size_t refs;
		struct block *next; /* of those that nobody uses */
	};
	size_t size;
	uint8_t bytes[];
};

/* Stream bytes that stand side by side in one packet, or (p NULL) in none. */
struct run {
	uint64_t off, len;
	const uint8_t *p;
	struct block *block; /* holds p; NULL: what the segment calls its home does */
	uint64_t packet, ts_ns, segment;
	uint32_t packet_off;
	uint32_t segment_off; /* in the segment's payload */
	uint16_t sum;
	uint8_t checksum;
	bool waits; /* the receiver may have dropped it: bad checksum, data on a SYN */
	bool late;  /* and its bytes had been acknowledged before: that says nothing of this copy */
	bool fin;   /* the stream ends behind it, if it is taken */
	bool lent;  /* its home passes: bm_tcp_settle */
};

/* Runs in order of off, none overlapping. */
struct runs {
	struct run *v;
	uint32_t first, n, cap;
};

/* A direction that has carried payload. */
struct data {
	struct runs ready;  /* [base, head), with holes where gaps are */
	struct runs gaps;   /* runs without bytes; [base, head) too */
	struct runs held;   /* from head on: out of order, or waiting */
	struct runs copies; /* not in order */
	uint64_t ready_bytes, held_bytes, copy_bytes;
	uint64_t gap_count;
	struct bm_lack lack; /* offsets are internal ones */
	uint64_t first_ts;
	uint32_t segments; /* to decide when an unknown beginning is settled */
	/* Since when head does not move although runs are held. */
	bool stalled;
	uint64_t stall_ts;
	uint32_t stall_segments, stall_acks;
};

struct bm_stream {
	struct data *d; /* NULL until payload comes */
	struct bm_flow *flow;
	uint64_t origin; /* where the layer above counts from */
	uint64_t base, head;
	uint64_t spare; /* what lies below it is kept for convenience */
	uint64_t acked; /* by the peer; 0: nothing */
	uint64_t end;   /* behind the last byte; 0: unknown */
	uint64_t checksums[4];
	uint64_t syn_ts, first_ts; /* of the SYN, and of the first segment without one; 0: none */
	uint32_t zero_seq;         /* sequence number of ORIGIN */
	uint32_t ack_seq;          /* what the peer acknowledged while zero_seq is unknown */
	uint32_t acks;             /* segments of the peer with ACK */
	uint8_t ttl;
	uint8_t inbound, outbound; /* segments by what their frames say; saturate */
	uint8_t bare_valid, bare_invalid, bare_offloaded; /* segments without payload; saturate */
	uint32_t widest;                                  /* payload of one whose checksum is right */
	bool has_seq, has_ack_seq, saw_syn;
	bool doubtful; /* zero_seq is known from a damaged segment only */
	bool settled;  /* it is known where the stream begins */
	bool hinted;   /* a segment without payload said ORIGIN */
	bool fin, reset, closed;
	bool syn_again;  /* it was sent more than once */
	uint8_t strange; /* good segments in a row from another sequence space */
	uint32_t strange_next;
};

struct link {
	struct link *prev, *next;
};

struct bm_flow {
	struct link order;  /* all flows by id */
	struct link use;    /* open or closed ones, least recently used first */
	struct link holder; /* those that hold blocks, longest first */
	struct link debtor; /* those with runs that are lent */
	struct bm_address source[2];
	uint32_t site, tunnel;
	struct bm_tcp *t;
	void *user;
	uint64_t id, first_ts, last_ts;
	uint64_t last;            /* table time of the last segment */
	uint64_t opened, touched; /* bm_tcp.passed then */
	uint64_t memory;          /* of blocks */
	uint32_t slot;            /* in the slabs; the next free one when unused */
	uint32_t hash;
	uint8_t transport;
	bool ignored;
	bool closed;  /* both directions are over */
	bool lingers; /* stands in the table's list of closed ones */
	/* A SYN that does not fit an open connection: a new one if it is answered. */
	bool rival, rival_ack;
	uint8_t rival_way;
	uint32_t rival_next;
	struct bm_stream stream[2];
};

struct entry {
	uint32_t hash, slot;
};

enum { SLAB = 128, RECENT = 1 << 12, LENT = 2 };

/* Octets that stay at home, and can be read sooner elsewhere. */
struct lent {
	uintptr_t home;
	const uint8_t *near;
	size_t n;
};

struct bm_tcp {
	struct bm_tcp_options o;
	struct bm_tcp_events ev;
	struct bm_tcp_stats stats;
	struct entry *table; /* open addressing; mask + 1 entries, NULL at first */
	uint32_t mask, used;
	struct bm_flow **slabs;
	size_t slab_count, slab_cap;
	uint32_t free_slot;
	struct bm_flow *recent[RECENT]; /* those of the last segments, or what stands in their place */
	uint64_t secret;
	bool keyed;
	struct link order, open, closed, holders, debtors;
	bool homes_pass;
	uint64_t now;
	uint64_t passed; /* segments so far, those of others' tables too */
	enum bm_ending_how ending;
	bool leap; /* the last segment's time was far off */
	uint64_t memory;
	uint64_t next_segment;
	struct lent lent[LENT]; /* the last one first */
	struct block *spare;    /* that nobody uses */
	unsigned spares;
	struct run *scratch; /* where held runs are rebuilt */
	size_t scratch_cap;
};

/* runs.c */
static inline struct run *
runs_at(const struct runs *r, uint32_t i)
{
	return &r->v[r->first + i];
}
static inline uint64_t
run_end(const struct run *r)
{
	return r->off + r->len;
}
/* The slow half of runs_find. */
uint32_t runs_search(const struct runs *r, uint64_t off);
/* Index (from first) of the first run that ends behind off; r->n when there is none. What is asked
 * for is mostly in the first one: a record that is not all there yet. */
static inline uint32_t
runs_find(const struct runs *r, uint64_t off)
{
	return r->n != 0 && run_end(runs_at(r, 0)) > off ? 0 : runs_search(r, off);
}
/* The slow half of runs_reserve. */
BM_MUST_USE enum bm_status runs_grow(struct runs *r, uint32_t n);
/* Room for n more at the end. */
BM_MUST_USE static inline enum bm_status
runs_reserve(struct runs *r, uint32_t n)
{
	return n <= r->cap - r->first - r->n ? BM_OK : runs_grow(r, n);
}
/* The place of one more; after runs_reserve. */
static inline struct run *
runs_add(struct runs *r)
{
	return &r->v[r->first + r->n++];
}
/* The first one goes. */
static inline void
runs_pop(struct runs *r)
{
	r->first++;
	if (--r->n == 0)
		r->first = 0;
}
/* Puts `by` new ones in the place of `count` from i on; after runs_reserve(by). */
void runs_replace(struct runs *r, uint32_t i, uint32_t count, const struct run *by, uint32_t n);
/* The part [from, to) of a run. */
static inline struct run
run_cut(const struct run *r, uint64_t from, uint64_t to)
{
	struct run cut = *r;
	uint64_t skip = from - r->off;

	cut.off = from;
	cut.len = to - from;
	cut.fin = r->fin && to == run_end(r);
	if (r->p != NULL) {
		cut.p += skip;
		cut.packet_off += (uint32_t)skip;
		cut.segment_off += (uint32_t)skip;
	}
	return cut;
}
void runs_free(struct runs *r);
/* Blocks are counted with their flow. */
BM_MUST_USE enum bm_status block_new(struct bm_flow *f, struct bm_view v, struct block **out);
static inline void
block_keep(struct block *b)
{
	if (b != NULL)
		b->refs++;
}
void block_free(struct bm_flow *f, struct block *b); /* what block_drop does at the last */
void blocks_free(struct bm_tcp *t);                  /* those that nobody uses */
static inline void
block_drop(struct bm_flow *f, struct block *b)
{
	if (b != NULL && --b->refs == 0)
		block_free(f, b);
}
/* Empties r and lets its blocks go. Returns how many bytes with a packet it held. */
uint64_t runs_clear(struct bm_flow *f, struct runs *r);
/* Copies what is lent to blocks. */
BM_MUST_USE enum bm_status runs_settle(struct bm_flow *f, struct runs *r);

/* stream.c */
/* The highest offset known. */
static inline uint64_t
stream_right(const struct bm_stream *s)
{
	uint64_t right = s->head;

	if (s->d != NULL && s->d->held.n != 0) {
		uint64_t end = run_end(runs_at(&s->d->held, s->d->held.n - 1));
		if (end > right)
			right = end;
	}
	return s->acked > right ? s->acked : right;
}
/* Where n octets of a run, which are at p, can be read soonest. */
static inline const uint8_t *
nearest(const struct bm_tcp *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < LENT; i++) {
		size_t skip = (uintptr_t)p - t->lent[i].home;
		if (skip < t->lent[i].n && n <= t->lent[i].n - skip)
			return t->lent[i].near + skip;
	}
	return p;
}
bool checksums_unreliable(const struct bm_stream *s);
void stream_clear(struct bm_stream *s); /* drops all bytes */
void stream_free(struct bm_stream *s);
static inline void
clear_ignored(struct bm_flow *f)
{
	if (f->ignored) {
		stream_clear(&f->stream[BM_FORWARD]);
		stream_clear(&f->stream[BM_BACKWARD]);
	}
}
struct bm_span span_of(const struct bm_stream *s, const struct run *r);

/* copies.c */
/* Tells of a copy below base, or held for later. old: what stands there, NULL when gone. */
void copy_seen(struct bm_stream *s, const struct run *copy, const struct run *old);
void copies_release(struct bm_stream *s);

/* place.c: puts a segment's payload where it belongs */
struct data *data_of(struct bm_stream *s); /* NULL when memory is out */
/* good: the receiver will have taken it. *news: head moved. */
BM_MUST_USE enum bm_status place(
	struct bm_stream *s, const struct bm_segment *g, uint64_t off, bool good, bool *news);

/* The same when the next bytes of the stream are all there in one piece and nothing is held. */
BM_MUST_USE enum bm_status place_next(struct bm_stream *s, const struct bm_segment *g);

/* advance.c: what the receiver has got */
/* Moves held runs to the head; force: also over the first hole or doubt. *news: head moved. */
BM_MUST_USE enum bm_status advance(struct bm_stream *s, bool force, bool *news);
/* Appends at head; room for it has been reserved. */
void append(struct bm_stream *s, const struct run *r);
/* Everything that is held and everything that is known to be missing. */
BM_MUST_USE enum bm_status flush(struct bm_stream *s, bool *news);
/* Notices that the end was reached. */
bool close_at_end(struct bm_stream *s);
/* Keeps the direction under flow_memory, if stream_over says that it is not. */
BM_MUST_USE enum bm_status stream_limit(struct bm_stream *s);
static inline bool
held_many(const struct data *d, uint64_t max)
{
	return d->held.n > max / HELD_RUN + 16;
}
/* What the bytes of a direction are charged. */
static inline uint64_t
stream_cost(const struct data *d)
{
	return d->ready_bytes + d->held_bytes +
		   (uint64_t)RUN_COST * (d->ready.n + d->held.n + d->gaps.n);
}
static inline bool
stream_over(const struct bm_stream *s, uint64_t max)
{
	return s->d != NULL && (held_many(s->d, max) || stream_cost(s->d) > max);
}
/* Lets go what bm_stream_spare said. False: nothing. */
bool drop_spare(struct bm_stream *s);
/* Drops what is ready and unread, at least `bytes` of it. */
BM_MUST_USE enum bm_status drop_oldest(struct bm_stream *s, uint64_t bytes, bool *news);

/* flow.c: the rules of RFC 9293 */
BM_MUST_USE enum bm_status flow_segment(
	struct bm_flow *f, enum bm_way way, const struct bm_segment *g);
void tell_data(struct bm_stream *s);
void tell_oddity(struct bm_stream *s, const struct bm_oddity *o); /* o->off: as runs count */

/* reuse.c: when the ports belong to another connection */
enum identity { SAME_FLOW, OTHER_FLOW, NO_FLOW };
enum identity flow_identity(struct bm_flow *f, enum bm_way way, const struct bm_segment *g);
bool answers_rival(const struct bm_flow *f, enum bm_way way, const struct bm_segment *g);
static inline uint64_t
stream_off(const struct bm_stream *s, uint32_t seq)
{
	uint32_t ahead = seq - (s->zero_seq + (uint32_t)s->head);

	return s->head + (uint64_t)(int64_t)(int32_t)ahead;
}

/* table.c: finds flows by what names them */
/* The flow of g if it was seen of late, or NULL; then flow_hash and table_find say. */
struct bm_flow *table_recent(
	struct bm_tcp *t, uint32_t site, const struct bm_segment *g, enum bm_way *way);
uint32_t flow_hash(struct bm_tcp *t, uint32_t site, const struct bm_segment *g);
struct bm_flow *table_find(
	struct bm_tcp *t, uint32_t hash, uint32_t site, const struct bm_segment *g, enum bm_way *way);
/* A flow that g opens, in no list yet; NULL when memory is out. */
struct bm_flow *table_add(
	struct bm_tcp *t, uint32_t hash, uint32_t site, const struct bm_segment *g, enum bm_way *way);
void table_remove(struct bm_flow *f);
void table_free(struct bm_tcp *t);

/* tcp.c */
/* Ends f and opens a flow for the same addresses; NULL when memory is out. */
struct bm_flow *flow_restart(struct bm_flow *f, const struct bm_segment *g, enum bm_way *way);

static inline void
count_up(uint8_t *n)
{
	if (*n < UINT8_MAX)
		++*n;
}

static inline enum bm_way
stream_way(const struct bm_stream *s)
{
	return s == &s->flow->stream[BM_BACKWARD] ? BM_BACKWARD : BM_FORWARD;
}

/* A ring through its head; a link in no list points to itself. */
static inline void
list_init(struct link *l)
{
	l->prev = l->next = l;
}
static inline bool
list_empty(const struct link *l)
{
	return l->next == l;
}
static inline void
list_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}
static inline void
list_append(struct link *list, struct link *l)
{
	l->prev = list->prev;
	l->next = list;
	list->prev->next = l;
	list->prev = l;
}
/* Keeps in mind what a segment shows of where it was captured. */
static inline void
note_sighting(struct bm_stream *s, const struct bm_segment *g)
{
	if (s->ttl == 0)
		s->ttl = g->ttl;
	if (g->direction == BM_FRAME_INBOUND)
		count_up(&s->inbound);
	else if (g->direction == BM_FRAME_OUTBOUND)
		count_up(&s->outbound);
	if (g->transport != BM_TCP)
		return;
	if ((g->flags & BM_SYN) == 0) {
		if (s->first_ts == 0)
			s->first_ts = g->ts_ns;
	} else if (s->syn_ts == 0) {
		s->syn_ts = g->ts_ns;
	} else {
		s->syn_again = true;
	}
}

/* Does what g says stays at home pass? Then f has to be settled. */
static inline bool
flow_borrows(struct bm_flow *f, const struct bm_segment *g)
{
	struct bm_tcp *t = f->t;

	if (!t->homes_pass || g->home == NULL || g->payload.n == 0)
		return false;
	if (list_empty(&f->debtor))
		list_append(&t->debtors, &f->debtor);
	return true;
}

/* The last segment of f was a good one. */
static inline void
flow_touch(struct bm_flow *f, const struct bm_segment *g)
{
	struct bm_tcp *t = f->t;
	struct link *list = f->lingers ? &t->closed : &t->open;

	f->last = t->now;
	f->touched = t->passed;
	if (g->ts_ns > f->last_ts)
		f->last_ts = g->ts_ns;
	if (list->prev != &f->use) {
		list_remove(&f->use);
		list_append(list, &f->use);
	}
}

/* Puts f among those that are over, if it is. */
static inline void
flow_linger(struct bm_flow *f)
{
	if (f->closed && !f->lingers) {
		f->lingers = true;
		f->touched = f->t->passed;
		list_remove(&f->use);
		list_append(&f->t->closed, &f->use);
	}
}

#define FLOW_OF(link_, member)                                                                     \
	((struct bm_flow *)(void *)((char *)(link_)-offsetof(struct bm_flow, member)))

#endif
