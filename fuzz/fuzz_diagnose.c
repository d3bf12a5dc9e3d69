/* Whole diagnoses of any keys and any capture: no crash, a report that is JSON, and the same one
 * whether the capture lies in memory or comes in pieces. Packets are changed behind sums put right,
 * so that what changed gets as far as TLS. Refuses to know what the report ought to say. */
#include "badmac.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <jansson.h>
#include <stdlib.h>

enum {
	PREFIX = 3, /* options, length of the keys */
	FILE_HEADER = 24,
	PACKET_HEADER = 16,
	PACKETS = 512,
	FRAME = 4096 /* longest that is changed */
};

enum {
	OPT_TEXT = 1,
	OPT_VERBOSE = 2,
	OPT_SMALL = 4,
	OPT_FEW = 8,
	OPT_PLACE = 4,
	PLACES = 6,
	TWO = 12
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* --- The diagnosis --- */

struct source {
	struct bm_view bytes;
	size_t off;
	unsigned state;
};

static long
read_piece(void *ctx, uint8_t *p, size_t n)
{
	struct source *s = ctx;
	size_t left = s->bytes.n - s->off;

	s->state = s->state * 1103515245 + 12345;
	size_t piece = 1 + (s->state >> 16) % 3000;
	n = n < piece ? n : piece;
	n = n < left ? n : left;
	if (n != 0)
		memcpy(p, s->bytes.p + s->off, n);
	s->off += n;
	return (long)n;
}

static int
keep(void *ctx, const char *bytes, size_t n)
{
	must(bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK);
	return 0;
}

/* The same capture as if from another place: some of its octets are others. */
static uint8_t *
other_place(struct bm_view capture)
{
	uint8_t *p = malloc(capture.n + 1);
	uint32_t state = (uint32_t)capture.n;

	must(p != NULL);
	for (size_t i = 0; i < capture.n; i++)
		state = (state ^ capture.p[i]) * 16777619u;
	memcpy(p, capture.p, capture.n);
	for (unsigned k = 0; capture.n > FILE_HEADER && k <= state % 3; k++) {
		uint32_t at = (state >> 2 ^ k * 2654435761u) % (uint32_t)(capture.n - FILE_HEADER);
		p[FILE_HEADER + at] ^= (uint8_t)(1u << state % 8);
	}
	return p;
}

static enum badmac_status
diagnose(unsigned flags, struct bm_view keys, struct bm_view capture, bool pieces, bool text,
	struct bm_buf *report)
{
	struct source source = {capture, 0, (unsigned)capture.n};
	struct badmac_error e = {BADMAC_OK, NULL, 0, NULL};
	struct badmac_options o = {.place = (enum badmac_place)((flags >> OPT_PLACE) % PLACES),
		.effort = BADMAC_QUICK,
		.flow_memory = flags & OPT_SMALL ? 3000 : 0,
		.total_memory = flags & OPT_SMALL ? 10000 : 0,
		.max_flows = flags & OPT_FEW ? 2 : 0,
		.format = !text                          ? BADMAC_JSON
				  : flags >> OPT_PLACE >= PLACES ? BADMAC_HTML
												 : BADMAC_TEXT,
		.verbose = (flags & OPT_VERBOSE) != 0,
		.write = keep,
		.write_ctx = report};
	struct badmac *b;

	must(badmac_new(&b, &o, &e) == BADMAC_OK);
	enum badmac_status s = badmac_add_keys(b, keys.p, keys.n, &e);
	if (s == BADMAC_OK)
		s = pieces ? badmac_add_stream(b, "capture", read_piece, &source, &e)
				   : badmac_add_capture(b, "capture", capture.p, capture.n, &e);
	uint8_t *second = NULL;
	if (s == BADMAC_OK && !pieces && flags >> OPT_PLACE >= TWO) {
		second = other_place(capture);
		s = badmac_add_capture(b, "second", second, capture.n, &e);
	}
	if (s == BADMAC_OK)
		s = badmac_run(b, &e);
	must(s != BADMAC_OK || report->n != 0);
	must(s == BADMAC_OK || e.what != NULL);
	must(s != BADMAC_OK || badmac_result(b) != BADMAC_UNDECIDED ||
		 badmac_undecided_because(b, 0, NULL) != NULL);
	badmac_free(b);
	free(second);
	return s;
}

static void
check_json(const struct bm_buf *report)
{
	json_error_t e;
	json_t *j = json_loadb((const char *)report->p, report->n, JSON_REJECT_DUPLICATES, &e);

	must(j != NULL && json_is_array(json_object_get(j, "connections")));
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_reader r = bm_reader(bm_view(p, n));
	struct bm_buf a = {.max = 64 << 20};
	struct bm_buf b = {.max = 64 << 20};
	unsigned flags = bm_u8(&r);
	struct bm_view keys = bm_vec16(&r);

	if (r.bad)
		return 0;
	struct bm_view capture = bm_take(&r, bm_left(&r));
	bool text = (flags & OPT_TEXT) != 0;
	enum badmac_status s = diagnose(flags, keys, capture, false, text, &a);
	if (s == BADMAC_OK && !text)
		check_json(&a);
	if (flags >> OPT_PLACE >= TWO) {
		bm_buf_clear(&a);
		return 0;
	}
	/* With limits, what is held counts, and of a file in memory nothing is. */
	enum badmac_status t = diagnose(flags, keys, capture, true, text, &b);
	must(s == t);
	bool classic = capture.n > 4 && (capture.p[0] == 0xd4 || capture.p[0] == 0x4d);
	if (s == BADMAC_OK && classic && (flags & (OPT_SMALL | OPT_FEW)) == 0)
		must(bm_view_equal(bm_buf_view(&a), bm_buf_view(&b)));
	bm_buf_clear(&a);
	bm_buf_clear(&b);
	return 0;
}

/* --- Changed packets --- */

size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t an, const uint8_t *b, size_t bn,
	uint8_t *out, size_t max, unsigned seed);

struct packet {
	uint8_t head[PACKET_HEADER];
	const uint8_t *frame;
	size_t n;
};

struct file {
	struct bm_view before; /* options, keys, file header */
	unsigned link;
	struct packet packets[PACKETS];
	size_t count;
};

static uint32_t
little(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void
put_little(uint8_t *p, size_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A little-endian pcap of whole packets, as the seeds are. */
static bool
take_apart(struct file *f, const uint8_t *p, size_t n)
{
	if (n < PREFIX)
		return false;
	size_t at = PREFIX + (size_t)(p[1] << 8 | p[2]);
	if (n < at + FILE_HEADER || little(p + at) != 0xa1b2c3d4)
		return false;
	f->link = little(p + at + 20);
	at += FILE_HEADER;
	f->before = bm_view(p, at);
	f->count = 0;
	while (n - at >= PACKET_HEADER && f->count < PACKETS) {
		struct packet *k = &f->packets[f->count];
		memcpy(k->head, p + at, PACKET_HEADER);
		k->n = little(p + at + 8);
		if (k->n > n - at - PACKET_HEADER || k->n > FRAME)
			break;
		k->frame = p + at + PACKET_HEADER;
		at += PACKET_HEADER + k->n;
		f->count++;
	}
	return f->count != 0;
}

static size_t
put_together(const struct file *f, uint8_t *out, size_t max)
{
	size_t n = f->before.n;

	if (n > max)
		return 0;
	memmove(out, f->before.p, n);
	for (size_t i = 0; i < f->count; i++) {
		const struct packet *k = &f->packets[i];
		if (PACKET_HEADER + k->n > max - n)
			break;
		memcpy(out + n, k->head, PACKET_HEADER);
		put_little(out + n + 8, k->n);
		put_little(out + n + 12, k->n);
		memcpy(out + n + PACKET_HEADER, k->frame, k->n);
		n += PACKET_HEADER + k->n;
	}
	return n;
}

static uint32_t
sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static size_t
folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

struct layers {
	uint8_t *ip, *transport;
	size_t payload, transport_len; /* payload: offset in the frame */
	bool tcp, v6;
};

/* Where TCP or UDP stands in a frame; false: somewhere that is not looked at. */
static bool
layers_of(struct layers *l, unsigned link, uint8_t *frame, size_t n)
{
	size_t at = link == 1 ? 14 : link == 113 ? 16 : link == 0 ? 4 : 0;
	size_t head;
	unsigned protocol;

	if (n < at + 48)
		return false;
	l->ip = frame + at;
	l->v6 = l->ip[0] >> 4 == 6;
	if (!l->v6 && l->ip[0] >> 4 != 4)
		return false;
	head = l->v6 ? 40 : (size_t)(l->ip[0] & 15) * 4;
	protocol = l->v6 ? l->ip[6] : l->ip[9];
	if (head < 20 || (protocol != 6 && protocol != 17) || n < at + head + 8)
		return false;
	l->tcp = protocol == 6;
	l->transport = l->ip + head;
	l->transport_len = n - at - head;
	size_t own = !l->tcp ? 8 : l->transport_len < 20 ? 0 : (size_t)(l->transport[12] >> 4) * 4;
	l->payload = at + head + own;
	return own >= 8 && own <= l->transport_len;
}

static void
put_right(unsigned link, uint8_t *frame, size_t n)
{
	struct layers l;

	if (!layers_of(&l, link, frame, n))
		return;
	size_t whole = n - (size_t)(l.ip - frame);
	uint32_t s = (uint32_t)l.transport_len + (l.tcp ? 6 : 17);
	uint8_t *at = l.transport + (l.tcp ? 16 : 6);
	if (l.v6) {
		put16(l.ip + 4, whole - 40);
		s = sum(s, l.ip + 8, 32);
	} else {
		put16(l.ip + 2, whole);
		put16(l.ip + 10, 0);
		put16(l.ip + 10, folded(sum(0, l.ip, (size_t)(l.transport - l.ip))));
		s = sum(s, l.ip + 12, 8);
	}
	if (!l.tcp)
		put16(l.transport + 4, l.transport_len);
	put16(at, 0);
	put16(at, folded(sum(s, l.transport, l.transport_len)));
}

static unsigned
next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

static void
add_packet(struct file *f, size_t at, struct packet k)
{
	if (f->count == PACKETS)
		return;
	memmove(f->packets + at + 1, f->packets + at, (f->count - at) * sizeof k);
	f->packets[at] = k;
	f->count++;
}

static void
drop_packet(struct file *f, size_t at)
{
	f->count--;
	memmove(f->packets + at, f->packets + at + 1, (f->count - at) * sizeof f->packets[0]);
}

/* A byte or a length of a record that stands in the payload, or a handshake message's. */
static void
change_record(uint8_t *p, size_t n, unsigned *state)
{
	size_t heads[32], count = 0;

	for (size_t i = 0; i + 5 <= n && count < 32; i++)
		if (p[i] >= 20 && p[i] <= 26 && (p[i + 1] == 3 || p[i + 1] == 0xfe))
			heads[count++] = i;
	if (count == 0)
		return;
	uint8_t *head = p + heads[next(state) % count];
	static const uint8_t values[] = {0, 1, 2, 3, 4, 20, 21, 22, 23, 24, 25, 26, 64, 255};
	size_t left = (size_t)(p + n - head);
	size_t at = next(state) % (left < 60 ? left : 60);
	head[at] = next(state) % 2 ? values[next(state) % sizeof values]
							   : (uint8_t)(head[at] + (int)(next(state) % 3) - 1);
}

/* One packet, changed and kept in room. */
static void
change_packet(struct file *f, size_t i, unsigned how, unsigned *state, uint8_t room[FRAME])
{
	struct packet *k = &f->packets[i];
	struct layers l;

	memcpy(room, k->frame, k->n);
	k->frame = room;
	if (!layers_of(&l, f->link, room, k->n)) {
		k->n = LLVMFuzzerMutate(room, k->n, FRAME);
		return;
	}
	size_t payload = k->n - l.payload;
	switch (how) {
	case 0: /* anything, of any length */
		k->n = l.payload + LLVMFuzzerMutate(room + l.payload, payload, FRAME - l.payload);
		break;
	case 1:
		if (payload != 0)
			room[l.payload + next(state) % payload] ^= (uint8_t)(1U << next(state) % 8);
		break;
	case 2:
		change_record(room + l.payload, payload, state);
		break;
	case 3: /* ports, numbers, flags */
		(void)LLVMFuzzerMutate(l.transport, l.tcp ? 14 : 4, l.tcp ? 14 : 4);
		break;
	case 4:
		if (l.tcp)
			l.transport[4 + next(state) % 4] ^= (uint8_t)(1U << next(state) % 8);
		break;
	case 5:
		if (payload != 0)
			k->n -= next(state) % payload;
		break;
	default: /* the segment begins later */
		if (l.tcp && payload > 1) {
			uint32_t cut = 1 + next(state) % (uint32_t)(payload - 1);
			uint32_t seq = bm_load32(l.transport + 4) + cut;
			put16(l.transport + 4, seq >> 16);
			put16(l.transport + 6, seq & 0xffff);
			memmove(room + l.payload, room + l.payload + cut, payload - cut);
			k->n -= cut;
		}
		break;
	}
	if (k->n == 0 || next(state) % 32 == 0)
		return; /* a sum that is wrong */
	put_right(f->link, room, k->n);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed)
{
	static struct file f;
	static uint8_t copy[1 << 17], room[FRAME];
	unsigned state = seed;
	unsigned how = next(&state) % 16;

	if (n > sizeof copy || how == 15 || !take_apart(&f, memcpy(copy, p, n), n))
		return LLVMFuzzerMutate(p, n, max);
	size_t i = next(&state) % f.count, j = next(&state) % f.count;
	struct packet k = f.packets[i];
	switch (how) {
	case 0:
		if (f.count > 1)
			drop_packet(&f, i);
		break;
	case 1:
		add_packet(&f, j, k);
		break;
	case 2:
		f.packets[i] = f.packets[j];
		f.packets[j] = k;
		break;
	case 3: /* another copy, which differs */
		add_packet(&f, j, k);
		change_packet(&f, j, 1 + next(&state) % 2, &state, room);
		break;
	case 4:
		(void)LLVMFuzzerMutate(f.packets[i].head, 8, 8);
		break;
	case 5: {
		size_t keys = (size_t)(copy[1] << 8 | copy[2]);
		if (keys != 0)
			(void)LLVMFuzzerMutate(copy + PREFIX, keys, keys);
		break;
	}
	case 6:
		copy[0] = (uint8_t)next(&state);
		break;
	default:
		change_packet(&f, i, (how - 7) % 7, &state, room);
		break;
	}
	size_t made = put_together(&f, p, max);
	return made != 0 ? made : LLVMFuzzerMutate(p, n, max);
}

/* The packets of both in one file, or the bytes of one in the connection of the other. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t an, const uint8_t *b, size_t bn, uint8_t *out,
	size_t max, unsigned seed)
{
	static struct file f, g;
	static uint8_t room[FRAME];
	unsigned state = seed;
	struct layers l, m;

	if (!take_apart(&f, a, an) || !take_apart(&g, b, bn))
		return 0;
	if (f.link == g.link && next(&state) % 2) {
		size_t from = next(&state) % g.count, at = next(&state) % f.count;
		for (size_t i = from; i < g.count; i++)
			add_packet(&f, at++, g.packets[i]);
		return put_together(&f, out, max);
	}
	struct packet *to = &f.packets[next(&state) % f.count];
	struct packet *of = &g.packets[next(&state) % g.count];
	memcpy(room, to->frame, to->n);
	if (layers_of(&l, f.link, room, to->n) &&
		layers_of(&m, g.link, (uint8_t *)(uintptr_t)of->frame, of->n) &&
		l.payload + of->n - m.payload <= FRAME) {
		memcpy(room + l.payload, of->frame + m.payload, of->n - m.payload);
		to->n = l.payload + of->n - m.payload;
		to->frame = room;
		put_right(f.link, room, to->n);
	}
	return put_together(&f, out, max);
}
