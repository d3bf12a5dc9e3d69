/* DTLS handshake messages out of fragments that come in any order, any number of times,
 * overlapping. Refuses to know what the messages say, but for a hello's random, which tells a new
 * handshake. */
#include "tls/fragments.h"

#include <stdlib.h>

enum {
	HEADER = 12,
	SLOTS = 16,     /* more than the messages of a flight */
	AHEAD_MAX = 64, /* a message_seq further ahead is damage */
	RANDOM_OFF = 2,
	RANDOM_LEN = 32
};

enum slot_state { EMPTY, PARTIAL, COMPLETE, PASSED /* too long: nothing is kept */ };

struct slot {
	enum slot_state state;
	uint8_t type;
	size_t length, have; /* of the body */
	uint8_t *bytes;      /* header, body, then a bit for each octet of the body */
};

struct bm_handshake_fragments {
	struct slot slot[SLOTS]; /* of message_seq s: s % SLOTS */
	uint16_t next;           /* message_seq that is due */
	bool delivered;          /* the slot before `next` is borrowed by the caller */
	size_t held, max;
	uint8_t random[2][RANDOM_LEN]; /* of the last ClientHello and ServerHello */
	bool seen[2];
};

struct fragment {
	uint8_t type;
	uint16_t seq;
	size_t length, off;
	struct bm_view data;
};

static size_t
storage(size_t length)
{
	return HEADER + length + (length + 7) / 8;
}

static struct slot *
slot_of(struct bm_handshake_fragments *f, unsigned seq)
{
	return &f->slot[seq % SLOTS];
}

static void
slot_clear(struct bm_handshake_fragments *f, struct slot *s)
{
	if (s->bytes != NULL) {
		bm_wipe(s->bytes, storage(s->length));
		f->held -= storage(s->length);
		free(s->bytes);
	}
	memset(s, 0, sizeof *s);
}

static void
release_delivered(struct bm_handshake_fragments *f)
{
	if (f->delivered)
		slot_clear(f, slot_of(f, f->next - 1u));
	f->delivered = false;
}

struct bm_handshake_fragments *
bm_handshake_fragments_new(size_t max)
{
	struct bm_handshake_fragments *f = calloc(1, sizeof *f);

	if (f != NULL)
		f->max = max;
	return f;
}

size_t
bm_handshake_fragments_size(const struct bm_handshake_fragments *f)
{
	return sizeof *f + f->held;
}

void
bm_handshake_fragments_free(struct bm_handshake_fragments *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		slot_clear(f, &f->slot[i]);
	bm_wipe(f, sizeof *f);
	free(f);
}

/* What is due becomes seq; whatever waited before it is lost. */
static void
go_to(struct bm_handshake_fragments *f, uint16_t seq)
{
	if ((uint16_t)(seq - f->next) >= SLOTS) {
		for (unsigned i = 0; i < SLOTS; i++)
			slot_clear(f, &f->slot[i]);
	}
	for (; f->next != seq && (uint16_t)(seq - f->next) < SLOTS; f->next++)
		slot_clear(f, slot_of(f, f->next));
	f->next = seq;
}

/* RFC 8446, section 4.1.3: the first bytes of the random of a HelloRetryRequest. */
static bool
is_retry(struct bm_view random)
{
	static const uint8_t first[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};

	return memcmp(random.p, first, sizeof first) == 0;
}

/* The hello of a new handshake (RFC 6347, section 4.2.2: each counts from 0, or 1 after a
 * HelloRequest or HelloVerifyRequest). Nothing that its sender said before it is still to come. */
static void
look_at_hello(struct bm_handshake_fragments *f, const struct fragment *g)
{
	bool ahead = g->seq != f->next && (uint16_t)(g->seq - f->next) < AHEAD_MAX;

	if (g->type != BM_CLIENT_HELLO && g->type != BM_SERVER_HELLO)
		return;
	if (g->off == 0 && g->data.n >= RANDOM_OFF + RANDOM_LEN) {
		unsigned which = g->type - BM_CLIENT_HELLO;
		struct bm_view random = bm_view(g->data.p + RANDOM_OFF, RANDOM_LEN);
		bool same = f->seen[which] && memcmp(f->random[which], random.p, RANDOM_LEN) == 0;
		bool retry = g->type == BM_SERVER_HELLO && is_retry(random);
		bool again = (uint16_t)(g->seq - f->next) >= AHEAD_MAX;
		if (again && (same || retry || g->seq >= SLOTS))
			return;
		if (!retry) {
			memcpy(f->random[which], random.p, RANDOM_LEN);
			f->seen[which] = true;
		}
		if (again) {
			go_to(f, g->seq);
			return;
		}
	}
	if (ahead)
		go_to(f, g->seq);
}

/* Makes room in the sliding window for what is further ahead than it reaches. */
static bool
within_window(struct bm_handshake_fragments *f, uint16_t seq)
{
	uint16_t ahead = (uint16_t)(seq - f->next);

	if (ahead >= AHEAD_MAX)
		return false; /* past, or nonsense */
	if (ahead >= SLOTS)
		go_to(f, (uint16_t)(seq - SLOTS + 1));
	return true;
}

static enum bm_status
slot_open(struct bm_handshake_fragments *f, struct slot *s, const struct fragment *g, bool *broken)
{
	size_t n = storage(g->length);

	/* What is due comes before what is ahead. */
	for (unsigned i = SLOTS - 1; n <= f->max && n > f->max - f->held && i > 0; i--) {
		struct slot *far = slot_of(f, f->next + i);
		if (s != slot_of(f, f->next))
			break;
		slot_clear(f, far);
	}
	s->type = g->type;
	if (n > f->max || n > f->max - f->held) {
		*broken = true;
		if (n > f->max)
			s->state = PASSED;
		return BM_OK;
	}
	s->bytes = calloc(1, n);
	if (s->bytes == NULL)
		return BM_NOMEM;
	f->held += n;
	s->length = g->length;
	s->state = PARTIAL;
	s->bytes[0] = g->type;
	bm_store16(s->bytes + 1, (unsigned)(g->length >> 8));
	s->bytes[3] = (uint8_t)g->length;
	bm_store16(s->bytes + 4, g->seq);
	memcpy(s->bytes + 9, s->bytes + 1, 3);
	return BM_OK;
}

/* The first copy of an octet counts. */
static void
slot_fill(struct slot *s, const struct fragment *g)
{
	uint8_t *body = s->bytes + HEADER;
	uint8_t *bits = body + s->length;

	for (size_t i = 0; i < g->data.n; i++) {
		size_t at = g->off + i;
		uint8_t bit = (uint8_t)(1u << at % 8);
		if ((bits[at / 8] & bit) != 0)
			continue;
		bits[at / 8] |= bit;
		body[at] = g->data.p[i];
		s->have++;
	}
	if (s->have == s->length)
		s->state = COMPLETE;
}

static enum bm_status
add_one(struct bm_handshake_fragments *f, const struct fragment *g, bool *broken)
{
	look_at_hello(f, g);
	if (!within_window(f, g->seq))
		return BM_OK;
	struct slot *s = slot_of(f, g->seq);
	/* Fragments that contradict each other: the message in one piece is right. */
	if (s->state == PARTIAL && (s->type != g->type || s->length != g->length)) {
		if (g->data.n != g->length) {
			*broken = true;
			return BM_OK;
		}
		slot_clear(f, s);
	}
	if (s->state == EMPTY) {
		enum bm_status st = slot_open(f, s, g, broken);
		if (st != BM_OK)
			return st;
	}
	if (s->state == PARTIAL)
		slot_fill(s, g);
	return BM_OK;
}

enum bm_status
bm_handshake_fragments_add(struct bm_handshake_fragments *f, struct bm_view v, bool *broken)
{
	struct bm_reader r = bm_reader(v);

	release_delivered(f);
	while (bm_left(&r) != 0) {
		struct fragment g;
		g.type = bm_u8(&r);
		g.length = bm_u24(&r);
		g.seq = bm_u16(&r);
		g.off = bm_u24(&r);
		g.data = bm_vec24(&r);
		if (r.bad || g.off > g.length || g.data.n > g.length - g.off) {
			*broken = true;
			break;
		}
		enum bm_status st = add_one(f, &g, broken);
		if (st != BM_OK)
			return st;
	}
	return BM_OK;
}

bool
bm_handshake_fragments_next(struct bm_handshake_fragments *f, struct bm_message *m)
{
	release_delivered(f);
	while (slot_of(f, f->next)->state == PASSED)
		slot_clear(f, slot_of(f, f->next++));
	struct slot *s = slot_of(f, f->next);
	if (s->state != COMPLETE)
		return false;
	m->type = s->type;
	m->whole = bm_view(s->bytes, HEADER + s->length);
	m->body = bm_view(s->length != 0 ? s->bytes + HEADER : NULL, s->length);
	f->next++;
	f->delivered = true;
	return true;
}
