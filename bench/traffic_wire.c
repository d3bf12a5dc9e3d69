/* Writes a capture: TCP over IPv4 over Ethernet, with right checksums, in the order of things at
 * one place, without loss. Knows nothing of what is sent. */
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };
enum { ETHERNET = 14, IP = 20, TCP = 20, MOST_OPTIONS = 20, BUFFER = 4 << 20 };

struct half {
	uint8_t mac[6], address[4];
	uint16_t port, ip_id;
	uint32_t seq;
	unsigned not_acked; /* segments of the other side since the last ACK of this one */
	/* Written here: from cut on not yet in a segment, from taken on not yet read. */
	uint8_t *bytes;
	size_t n, cut, taken, room;
};

struct tcp {
	struct wire *wire;
	struct half half[2];
};

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* The ones'-complement sum may be taken in the machine's own order (RFC 1071, section 2). */
static uint64_t
sum(uint64_t s, const uint8_t *p, size_t n)
{
	uint32_t word;

	for (; n >= 4; p += 4, n -= 4) {
		memcpy(&word, p, 4);
		s += word;
	}
	word = 0;
	memcpy(&word, p, n);
	return s + word;
}

static void
put_checksum(uint8_t *p, uint64_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	uint16_t v = (uint16_t)~s;
	memcpy(p, &v, 2);
}

static void
put(struct wire *w, const void *p, size_t n)
{
	if (fwrite(p, 1, n, w->file) != n)
		fail("the capture cannot be written");
}

void
wire_open(struct wire *w, const char *path, bool nanoseconds, size_t segment)
{
	struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, figures, snap_length, link_type;
	} header = {nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1};

	*w = (struct wire){fopen(path, "wb"), 1700000000000000000, segment, nanoseconds};
	if (w->file == NULL)
		fail("%s cannot be written", path);
	setvbuf(w->file, NULL, _IOFBF, BUFFER);
	put(w, &header, sizeof header);
}

void
wire_close(struct wire *w)
{
	if (fclose(w->file) != 0)
		fail("the capture cannot be written");
}

/* Writes the options and returns how long they are: those of Linux. */
static size_t
put_options(uint8_t *p, const struct wire *w, bool syn)
{
	static const uint8_t first[] = {2, 4, 0x05, 0xb4, 4, 2}, last[] = {1, 3, 3, 7};
	static const uint8_t stamp[] = {1, 1};
	uint8_t *start = p;

	memcpy(p, syn ? first : stamp, syn ? sizeof first : sizeof stamp);
	p += syn ? sizeof first : sizeof stamp;
	p[0] = 8;
	p[1] = 10;
	put32(p + 2, (uint32_t)(w->clock_ns / 1000000));
	put32(p + 6, (uint32_t)(w->clock_ns / 1000000));
	p += 10;
	if (syn) {
		memcpy(p, last, sizeof last);
		p += sizeof last;
	}
	return (size_t)(p - start);
}

static void
segment(struct tcp *t, enum side from, uint8_t flags, const uint8_t *payload, size_t n)
{
	struct wire *w = t->wire;
	struct half *us = &t->half[from], *them = &t->half[!from];
	uint8_t frame[ETHERNET + IP + TCP + MOST_OPTIONS] = {0}, pseudo[4] = {0, 6};
	uint8_t *ip = frame + ETHERNET, *tcp = ip + IP;
	size_t tcp_n = TCP + put_options(tcp + TCP, w, (flags & SYN) != 0);
	uint32_t length = (uint32_t)(ETHERNET + IP + tcp_n + n);

	memcpy(frame, them->mac, 6);
	memcpy(frame + 6, us->mac, 6);
	put16(frame + 12, 0x0800);

	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(IP + tcp_n + n));
	put16(ip + 4, us->ip_id++);
	ip[6] = 0x40; /* not to be fragmented */
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, us->address, 4);
	memcpy(ip + 16, them->address, 4);
	put_checksum(ip + 10, sum(0, ip, IP));

	put16(tcp, us->port);
	put16(tcp + 2, them->port);
	put32(tcp + 4, us->seq);
	put32(tcp + 8, (flags & ACK) != 0 ? them->seq : 0);
	tcp[12] = (uint8_t)(tcp_n << 2);
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	put16(pseudo + 2, (uint32_t)(tcp_n + n));
	put_checksum(tcp + 16, sum(sum(sum(sum(0, ip + 12, 8), pseudo, 4), tcp, tcp_n), payload, n));

	/* 10 Gbit/s. */
	w->clock_ns += 100 + (uint64_t)length * 8 / 10;
	uint32_t below = (uint32_t)(w->clock_ns % 1000000000);
	uint32_t record[4] = {(uint32_t)(w->clock_ns / 1000000000),
		w->nanoseconds ? below : below / 1000, length, length};
	put(w, record, sizeof record);
	put(w, frame, ETHERNET + IP + tcp_n);
	put(w, payload, n);

	us->seq += (uint32_t)n + ((flags & (SYN | FIN)) != 0);
	us->not_acked = 0;
	/* At least each second segment is acknowledged (RFC 9293, section 3.8.6.3). */
	if (n > 0 && ++them->not_acked == 2)
		segment(t, !from, ACK, (const uint8_t *)"", 0);
}

struct tcp *
tcp_open(struct wire *w, unsigned number)
{
	struct tcp *t = calloc(1, sizeof *t);

	if (t == NULL)
		fail("no memory");
	t->wire = w;
	t->half[CLIENT] = (struct half){.mac = {2, 0, 0, 0, 0, 1},
		.address = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
		.port = (uint16_t)(32768 + number * 7 % 28000),
		.seq = number * 2654435761u};
	t->half[SERVER] = (struct half){.mac = {2, 0, 0, 0, 0, 2},
		.address = {192, 0, 2, (uint8_t)(1 + number % 16)},
		.port = 443,
		.seq = ~number * 2246822519u};
	segment(t, CLIENT, SYN, (const uint8_t *)"", 0);
	segment(t, SERVER, SYN | ACK, (const uint8_t *)"", 0);
	segment(t, CLIENT, ACK, (const uint8_t *)"", 0);
	return t;
}

static void
cut(struct tcp *t, enum side from, size_t least)
{
	struct half *h = &t->half[from];

	while (h->n - h->cut >= least && h->n > h->cut) {
		size_t n = h->n - h->cut < t->wire->segment ? h->n - h->cut : t->wire->segment;
		bool last = h->cut + n == h->n;
		h->cut += n;
		segment(t, from, last ? PSH | ACK : ACK, h->bytes + h->cut - n, n);
	}
}

void
tcp_write(struct tcp *t, enum side from, const void *p, size_t n)
{
	struct half *h = &t->half[from];
	size_t done = h->cut < h->taken ? h->cut : h->taken;

	if (h->n + n > h->room && done > 0) {
		memmove(h->bytes, h->bytes + done, h->n - done);
		h->n -= done;
		h->cut -= done;
		h->taken -= done;
	}
	if (h->n + n > h->room) {
		h->room = (h->n + n) * 2;
		h->bytes = realloc(h->bytes, h->room);
		if (h->bytes == NULL)
			fail("no memory");
	}
	memcpy(h->bytes + h->n, p, n);
	h->n += n;
	cut(t, from, t->wire->segment);
}

void
tcp_flush(struct tcp *t, enum side from)
{
	cut(t, from, 0);
}

size_t
tcp_read(struct tcp *t, enum side at, void *p, size_t n)
{
	struct half *h = &t->half[!at];

	if (n > h->n - h->taken)
		n = h->n - h->taken;
	if (n > 0)
		memcpy(p, h->bytes + h->taken, n);
	h->taken += n;
	return n;
}

void
tcp_close(struct tcp *t)
{
	for (int side = SERVER; side >= CLIENT; side--) {
		tcp_flush(t, (enum side)side);
		segment(t, (enum side)side, FIN | ACK, (const uint8_t *)"", 0);
	}
	segment(t, SERVER, ACK, (const uint8_t *)"", 0);
	free(t->half[CLIENT].bytes);
	free(t->half[SERVER].bytes);
	free(t);
}
