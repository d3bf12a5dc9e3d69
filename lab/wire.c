/* Frames of a TCP connection (RFC 791, 9293, 7323). Refuses to know what the octets mean. */
#include "lab/wire.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	ETHER = 14,
	IP = 20,
	TCP = 20,
	OPTIONS_MAX = 20,
	/* From one frame of a burst to the next, and from data to what acknowledges it. */
	STEP_NS = 2000,
	ACK_NS = 15000
};

static const uint8_t address[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 1}};
static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

/* RFC 1071, without the final complement; n may be odd at the end alone. */
static uint32_t
add_up(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += bm_load16(p + i);
	if (n % 2 != 0)
		sum += (uint32_t)p[n - 1] << 8;
	return sum;
}

static uint16_t
finish_sum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct segment {
	enum lab_direction d;
	unsigned flags;
	uint64_t off; /* of data in the direction's payload */
	struct bm_view data, summed;
};

static size_t
put_options(uint8_t *p, const struct segment *s, uint64_t ns)
{
	size_t n = 0;

	if ((s->flags & SYN) != 0) {
		static const uint8_t mss[4] = {2, 4, 1460 >> 8, 1460 & 0xff};
		memcpy(p, mss, 4);
		n = 4;
	}
	/* Time stamps: 1460 less 12 leaves segments of 1448. */
	p[n] = p[n + 1] = 1;
	p[n + 2] = 8;
	p[n + 3] = 10;
	bm_store32(p + n + 4, (uint32_t)(ns / 1000000u));
	bm_store32(p + n + 8, (s->flags & ACK) != 0 ? (uint32_t)(ns / 1000000u) : 0);
	return n + 12;
}

static void
put_ip(struct lab_flow *f, uint8_t *ip, enum lab_direction d, size_t total)
{
	static const uint8_t start[2] = {0x45, 0};

	memcpy(ip, start, 2);
	bm_store16(ip + 2, (unsigned)total);
	bm_store16(ip + 4, ++f->ip_id[d]);
	bm_store16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, address[d], 4);
	memcpy(ip + 16, address[1 - d], 4);
	bm_store16(ip + 10, finish_sum(add_up(0, ip, IP)));
}

static void
put_segment(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, const struct segment *s)
{
	uint8_t frame[ETHER + IP + TCP + OPTIONS_MAX + LAB_SEGMENT] = {0};
	enum lab_direction d = s->d, other = 1 - d;
	uint8_t *ip = frame + ETHER, *tcp = ip + IP;
	size_t head = TCP + put_options(tcp + TCP, s, ns), n = head + s->data.n;
	uint32_t seq = f->first[d] + ((s->flags & SYN) == 0 ? 1 : 0) + (uint32_t)s->off;
	uint32_t ack = f->first[other] + 1 + (uint32_t)f->sent[other] + (f->fin[other] ? 1 : 0);

	memcpy(frame, mac[other], 6);
	memcpy(frame + 6, mac[d], 6);
	bm_store16(frame + 12, 0x0800);
	put_ip(f, ip, d, IP + n);
	bm_store16(tcp, d == LAB_C2S ? f->client_port : f->server_port);
	bm_store16(tcp + 2, d == LAB_C2S ? f->server_port : f->client_port);
	bm_store32(tcp + 4, seq);
	bm_store32(tcp + 8, (s->flags & ACK) != 0 ? ack : 0);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = (uint8_t)s->flags;
	bm_store16(tcp + 14, 65535);
	uint32_t sum = add_up(add_up(0, ip + 12, 8), tcp, head) + 6 + (uint32_t)n;
	bm_store16(tcp + 16, finish_sum(add_up(sum, s->summed.p, s->summed.n)));
	if (s->data.n != 0)
		memcpy(tcp + head, s->data.p, s->data.n);
	lab_pcapng_frame(w, ns, bm_view(frame, ETHER + IP + n));
}

static void
bare(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d, unsigned flags)
{
	struct segment s = {d, flags, f->sent[d] + (f->fin[d] ? 1 : 0), {NULL, 0}, {NULL, 0}};

	put_segment(f, w, ns, &s);
}

void
lab_flow_open(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns)
{
	bare(f, w, ns, LAB_C2S, SYN);
	bare(f, w, ns + ACK_NS, LAB_S2C, SYN | ACK);
	bare(f, w, ns + 2 * ACK_NS, LAB_C2S, ACK);
}

static bool
is_sent_again(const struct lab_burst *b, size_t at, size_t n)
{
	return b->again.n != 0 && at < b->again_to && at + n > b->again_from;
}

void
lab_flow_data(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d,
	const struct lab_burst *b)
{
	const uint8_t *summed = b->summed.n == b->data.n ? b->summed.p : b->data.p;
	unsigned unacknowledged = 0;

	for (size_t at = 0, n; at < b->data.n; at += n, ns += STEP_NS) {
		bool last = b->data.n - at <= LAB_SEGMENT;
		n = last ? b->data.n - at : LAB_SEGMENT;
		struct segment s = {d, last ? PSH | ACK : ACK, f->sent[d], bm_view(b->data.p + at, n),
			bm_view(summed + at, n)};
		put_segment(f, w, ns, &s);
		f->sent[d] += n;
		if (is_sent_again(b, at, n)) {
			s.data = s.summed = bm_view(b->again.p + at, n);
			put_segment(f, w, ns += ACK_NS, &s);
		}
		if (++unacknowledged == 2 || last) {
			bare(f, w, ns + ACK_NS, 1 - d, ACK);
			ns += ACK_NS;
			unacknowledged = 0;
		}
	}
}

void
lab_flow_fin(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d)
{
	if (f->fin[d] || f->reset)
		return;
	bare(f, w, ns, d, FIN | ACK);
	f->fin[d] = true;
	bare(f, w, ns + ACK_NS, 1 - d, ACK);
}

void
lab_flow_reset(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d)
{
	if (f->reset)
		return;
	bare(f, w, ns, d, RST | ACK);
	f->reset = true;
}
