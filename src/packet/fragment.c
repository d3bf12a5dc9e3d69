/* Puts IP fragments together, within fixed bounds on memory, count, age and work.
 * Refuses to know IP headers and what a datagram carries.
 *
 * Overlaps: in IPv4 (RFC 791) the bytes that came first stay. In IPv6 a datagram with an
 * overlap is thrown away as the receiver must do (RFC 5722, section 4; RFC 8200, section 4.5),
 * except that a fragment which comes twice is taken once. */
#include "packet/internal.h"

#include <stdlib.h>

enum {
	/* A set holds what hashes alike; the oldest goes when it is full. So nobody can make
	 * a look-up long. */
	SETS = 512,
	WAYS = 8,
	DATAGRAM_MAX = 65535,
	/* Held datagrams start here and double. */
	DATA_MIN = 2048
};

/* Linux keeps IPv4 fragments for 30 s, RFC 8200 asks for 60 s. Identifiers wrap: later is worse. */
#define AGE_MAX_NS ((uint64_t)30 * 1000000000)

struct key {
	uint8_t src[16], dst[16];
	uint32_t id, tunnel;
	uint8_t family, protocol;
	uint16_t unused; /* no padding: keys are compared as bytes */
};

struct datagram {
	struct key key;
	size_t set, way;
	struct datagram *older, *newer; /* in order of their first fragment */
	uint64_t ts_ns;
	uint8_t *data;
	size_t cap;
	size_t have;  /* bytes in the pieces */
	size_t end;   /* highest byte seen */
	size_t total; /* known once the last fragment is; else 0 */
	unsigned protocol;
	uint64_t fragments;
	bool dead; /* takes no more: what comes for it is dropped until it is too old */
	size_t piece_count;
	struct bm_piece pieces[BM_PIECES_MAX]; /* in order, without overlap */
};

struct bm_fragments {
	size_t memory, used;
	struct datagram *oldest, *newest;
	struct datagram *done; /* linked by `older` */
	struct datagram *sets[SETS][WAYS];
};

enum bm_status
bm_fragments_new(struct bm_fragments **out, size_t memory)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	(*out)->memory = memory;
	return BM_OK;
}

static void
unlink_datagram(struct bm_fragments *t, struct datagram *g)
{
	*(g->older != NULL ? &g->older->newer : &t->oldest) = g->newer;
	*(g->newer != NULL ? &g->newer->older : &t->newest) = g->older;
	t->sets[g->set][g->way] = NULL;
	t->used -= sizeof *g + g->cap;
}

static void
free_datagram(struct datagram *g)
{
	free(g->data);
	free(g);
}

/* Its fragments never became a datagram. Those of a dead one were counted when it died. */
static void
drop(struct bm_fragments *t, struct datagram *g, struct bm_decoder_stats *stats)
{
	stats->fragments_dropped += g->fragments;
	unlink_datagram(t, g);
	free_datagram(g);
}

/* Keeps the key alone, so that what else comes for it does not begin a new datagram. */
static void
kill_datagram(struct bm_fragments *t, struct datagram *g, struct bm_decoder_stats *stats)
{
	stats->fragments_dropped += g->fragments;
	g->fragments = 0;
	g->dead = true;
	t->used -= g->cap;
	free(g->data);
	g->data = NULL;
	g->cap = 0;
}

void
bm_fragments_forget_done(struct bm_fragments *t)
{
	while (t->done != NULL) {
		struct datagram *g = t->done;
		t->done = g->older;
		free_datagram(g);
	}
}

void
bm_fragments_free(struct bm_fragments *t)
{
	if (t == NULL)
		return;
	bm_fragments_forget_done(t);
	while (t->oldest != NULL) {
		struct datagram *g = t->oldest;
		unlink_datagram(t, g);
		free_datagram(g);
	}
	free(t);
}

/* Captures that follow one another need not be in order: too far off either way is too old. */
static bool
too_old(const struct datagram *g, uint64_t now)
{
	uint64_t age = now > g->ts_ns ? now - g->ts_ns : g->ts_ns - now;

	return age > AGE_MAX_NS;
}

static void
expire(struct bm_fragments *t, uint64_t now, struct bm_decoder_stats *stats)
{
	while (t->oldest != NULL && too_old(t->oldest, now))
		drop(t, t->oldest, stats);
}

/* True when n more bytes may be held, if need be by dropping the oldest datagrams but keep. */
static bool
make_room(
	struct bm_fragments *t, size_t n, const struct datagram *keep, struct bm_decoder_stats *stats)
{
	while (n > t->memory - t->used) {
		struct datagram *g = t->oldest;
		if (g != NULL && g == keep)
			g = g->newer;
		if (g == NULL)
			return false;
		drop(t, g, stats);
	}
	return true;
}

static struct key
key_of(const struct bm_walk *w, const struct bm_fragment_header *h)
{
	struct key k;

	memset(&k, 0, sizeof k);
	memcpy(k.src, w->s.src.ip, 16);
	memcpy(k.dst, w->s.dst.ip, 16);
	k.id = h->id;
	k.tunnel = w->s.tunnel;
	k.family = w->s.src.family;
	/* RFC 791, section 3.2, against RFC 8200, section 4.5. */
	k.protocol = k.family == 4 ? (uint8_t)h->protocol : 0;
	return k;
}

static size_t
set_of(const struct key *k)
{
	uint64_t x = k->id ^ (uint64_t)k->tunnel << 32 ^ (uint64_t)k->protocol << 56;

	for (size_t i = 0; i < 16; i += 8) {
		x = (x ^ bm_load64(k->src + i)) * 0x9e3779b97f4a7c15;
		x ^= x >> 29;
		x = (x ^ bm_load64(k->dst + i)) * 0xbf58476d1ce4e5b9;
		x ^= x >> 32;
	}
	return (size_t)(x % SETS);
}

static bool
same_key(const struct key *a, const struct key *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* A free place in the set, which is that of the oldest when there is none. */
static size_t
free_way(struct bm_fragments *t, size_t set, struct bm_decoder_stats *stats)
{
	size_t oldest = 0;

	for (size_t i = 0; i < WAYS; i++) {
		struct datagram *g = t->sets[set][i];
		if (g == NULL)
			return i;
		if (g->ts_ns < t->sets[set][oldest]->ts_ns)
			oldest = i;
	}
	drop(t, t->sets[set][oldest], stats);
	return oldest;
}

static struct datagram *
begin(struct bm_fragments *t, const struct key *k, size_t set, uint64_t now,
	struct bm_decoder_stats *stats)
{
	if (!make_room(t, sizeof(struct datagram), NULL, stats))
		return NULL;
	struct datagram *g = calloc(1, sizeof *g);
	if (g == NULL)
		return NULL;
	g->key = *k;
	g->set = set;
	g->way = free_way(t, set, stats);
	g->ts_ns = now;
	g->older = t->newest;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = g;
	t->newest = g;
	t->sets[set][g->way] = g;
	t->used += sizeof *g;
	return g;
}

static struct datagram *
find_or_begin(
	struct bm_fragments *t, const struct key *k, uint64_t now, struct bm_decoder_stats *stats)
{
	size_t set = set_of(k);

	for (size_t i = 0; i < WAYS; i++) {
		struct datagram *g = t->sets[set][i];
		if (g == NULL || !same_key(&g->key, k))
			continue;
		if (!too_old(g, now))
			return g;
		drop(t, g, stats);
		break;
	}
	return begin(t, k, set, now, stats);
}

/* The data of g can hold `end` bytes. */
static bool
grow(struct bm_fragments *t, struct datagram *g, size_t end, struct bm_decoder_stats *stats)
{
	size_t cap = g->cap != 0 ? g->cap : DATA_MIN;

	if (end <= g->cap)
		return true;
	while (cap < end)
		cap *= 2;
	if (!make_room(t, cap - g->cap, g, stats))
		return false;
	uint8_t *p = realloc(g->data, cap);
	if (p == NULL)
		return false;
	t->used += cap - g->cap;
	g->data = p;
	g->cap = cap;
	return true;
}

/* Copies bytes that g lacks, in front of its i-th piece. False: too many pieces. */
static bool
insert(struct datagram *g, size_t i, const struct bm_walk *w, size_t skip, size_t off, size_t len)
{
	struct bm_piece in[BM_PIECES_MAX];
	size_t from = (size_t)(w->at.p - w->from.base) + skip;
	size_t n = bm_source_map(&w->from, from, len, (uint32_t)off, in, BM_PIECES_MAX);

	if (n > BM_PIECES_MAX - g->piece_count)
		return false;
	memmove(g->pieces + i + n, g->pieces + i, (g->piece_count - i) * sizeof g->pieces[0]);
	memcpy(g->pieces + i, in, n * sizeof in[0]);
	g->piece_count += n;
	memcpy(g->data + off, w->at.p + skip, len);
	g->have += len;
	return true;
}

/* Fills what the fragment at [off, end) has and g lacks. */
static bool
fill(struct datagram *g, const struct bm_walk *w, size_t off, size_t end)
{
	size_t at = off;

	for (size_t i = 0; at < end; i++) {
		size_t hole_end = i < g->piece_count ? g->pieces[i].payload_off : end;
		hole_end = hole_end < end ? hole_end : end;
		if (at < hole_end) {
			size_t before = g->piece_count;
			if (!insert(g, i, w, at - off, at, hole_end - at))
				return false;
			i += g->piece_count - before;
		}
		if (i >= g->piece_count)
			break;
		size_t piece_end = (size_t)g->pieces[i].payload_off + g->pieces[i].len;
		at = at > piece_end ? at : piece_end;
	}
	return true;
}

/* Bytes of [off, end) that g has already. */
static size_t
overlap(const struct datagram *g, size_t off, size_t end)
{
	size_t n = 0;

	for (size_t i = 0; i < g->piece_count; i++) {
		size_t a = g->pieces[i].payload_off;
		size_t b = a + g->pieces[i].len;
		a = a > off ? a : off;
		b = b < end ? b : end;
		n += b > a ? b - a : 0;
	}
	return n;
}

/* A range that is there as a whole, and begins and ends where fragments do: a second copy. */
static bool
second_copy(const struct datagram *g, const struct bm_walk *w, size_t off, size_t end)
{
	bool starts = false, ends = false;

	for (size_t i = 0; i < g->piece_count; i++) {
		starts |= g->pieces[i].payload_off == off;
		ends |= (size_t)g->pieces[i].payload_off + g->pieces[i].len == end;
	}
	return starts && ends && memcmp(g->data + off, w->at.p, end - off) == 0;
}

/* What the fragment says about the datagram's end contradicts nothing. */
static bool
agrees(const struct datagram *g, bool more, size_t end)
{
	if (g->total != 0)
		return more ? end <= g->total : end == g->total;
	return more || end >= g->end;
}

/* False: the datagram can no longer be put together. */
static bool
add(struct bm_fragments *t, struct datagram *g, const struct bm_walk *w,
	const struct bm_fragment_header *h, size_t len, struct bm_decoder_stats *stats)
{
	size_t off = h->off, end = off + len;

	if (!agrees(g, h->more, end))
		return false;
	size_t known = overlap(g, off, end);
	if (g->key.family == 6 && known != 0 && !(known == len && second_copy(g, w, off, end)))
		return false;
	if (!grow(t, g, end, stats) || !fill(g, w, off, end))
		return false;
	if (off == 0)
		g->protocol = h->protocol;
	if (end > g->end)
		g->end = end;
	if (!h->more)
		g->total = end;
	return true;
}

/* The walk goes on in the datagram, which lives until the next frame. */
static void
enter(struct bm_fragments *t, struct datagram *g, struct bm_walk *w)
{
	unlink_datagram(t, g);
	g->older = t->done;
	t->done = g;
	w->from = (struct bm_source){g->data, g->pieces, g->piece_count, false};
	w->at = bm_view(g->data, g->total);
	w->sent = g->total;
}

/* Of every fragment but the last the length is a multiple of eight. A receiver of IPv4 drops
 * what is over (as Linux does), one of IPv6 the fragment (RFC 8200, section 4.5). 0: useless. */
static size_t
usable(const struct bm_walk *w, const struct bm_fragment_header *h)
{
	size_t len = w->sent;

	if (w->at.n < w->sent) /* cut by the capture: the datagram cannot be completed */
		return 0;
	if (h->more && len % 8 != 0) {
		if (w->s.src.family == 6)
			return 0;
		len -= len % 8;
	}
	return len <= DATAGRAM_MAX - h->off ? len : 0;
}

bool
bm_fragment(struct bm_walk *w, const struct bm_fragment_header *h, unsigned *protocol)
{
	struct bm_fragments *t = w->d->fragments;
	struct bm_decoder_stats *stats = &w->d->stats;
	size_t len = h->off > DATAGRAM_MAX ? 0 : usable(w, h);

	expire(t, w->f->ts_ns, stats);
	struct key k = key_of(w, h);
	struct datagram *g = len != 0 ? find_or_begin(t, &k, w->f->ts_ns, stats) : NULL;
	if (g == NULL || g->dead) {
		stats->fragments_dropped++;
		return false;
	}
	g->fragments++;
	if (!add(t, g, w, h, len, stats)) {
		kill_datagram(t, g, stats);
		return false;
	}
	if (g->total == 0 || g->have < g->total)
		return false;
	*protocol = g->protocol;
	enter(t, g, w);
	return true;
}
