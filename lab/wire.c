/* Frames of a TCP connection (RFC 791, 8200, 9293, 7323). Refuses to know what the octets mean. */
#include "lab/wire.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	ETHER = 14,
	IP4 = 20,
	IP6 = 40,
	TCP = 20,
	PROTOCOL = 6,
	OPTIONS_MAX = 20,
	/* From one frame of a burst to the next, and from data to what acknowledges it. */
	STEP_NS = 2000,
	ACK_NS = 15000
};

static const uint8_t address[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 1}};
static const uint8_t address6[2][16] = {
	{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, {0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 1}};
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
fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t
finish_sum(uint32_t sum)
{
	return (uint16_t)~fold(sum);
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
put_ip4(struct lab_flow *f, uint8_t *ip, enum lab_direction d, size_t payload)
{
	static const uint8_t start[2] = {0x45, 0};

	memcpy(ip, start, 2);
	bm_store16(ip + 2, (unsigned)(IP4 + payload));
	bm_store16(ip + 4, ++f->ip_id[d]);
	bm_store16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = PROTOCOL;
	memcpy(ip + 12, address[d], 4);
	memcpy(ip + 16, address[1 - d], 4);
	bm_store16(ip + 10, finish_sum(add_up(0, ip, IP4)));
}

static void
put_ip6(uint8_t *ip, enum lab_direction d, size_t payload)
{
	ip[0] = 0x60;
	bm_store16(ip + 4, (unsigned)payload);
	ip[6] = PROTOCOL;
	ip[7] = 64;
	memcpy(ip + 8, address6[d], 16);
	memcpy(ip + 24, address6[1 - d], 16);
}

/* The addresses stand at the end of either header. */
static uint32_t
pseudo_header_sum(const struct lab_flow *f, const uint8_t *tcp, size_t n)
{
	size_t addresses = f->ipv6 ? 32 : 8;

	return add_up(0, tcp - addresses, addresses) + PROTOCOL + (uint32_t)n;
}

static bool
leaves_sum_to_card(const struct lab_flow *f, size_t payload)
{
	return f->look == LAB_LOOK_SENDER || (f->look == LAB_LOOK_RECEIVER && payload > LAB_SEGMENT);
}

static void
put_segment(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, const struct segment *s)
{
	uint8_t frame[ETHER + IP6 + TCP + OPTIONS_MAX + LAB_MERGED] = {0};
	enum lab_direction d = s->d, other = 1 - d;
	size_t ip_n = f->ipv6 ? IP6 : IP4;
	uint8_t *ip = frame + ETHER, *tcp = ip + ip_n;
	size_t head = TCP + put_options(tcp + TCP, s, ns), n = head + s->data.n;
	uint32_t seq = f->first[d] + ((s->flags & SYN) == 0 ? 1 : 0) + (uint32_t)s->off;
	uint32_t ack = f->first[other] + 1 + (uint32_t)f->sent[other] + (f->fin[other] ? 1 : 0);

	memcpy(frame, mac[other], 6);
	memcpy(frame + 6, mac[d], 6);
	bm_store16(frame + 12, f->ipv6 ? 0x86dd : 0x0800);
	if (f->ipv6)
		put_ip6(ip, d, n);
	else
		put_ip4(f, ip, d, n);
	bm_store16(tcp, d == LAB_C2S ? f->client_port : f->server_port);
	bm_store16(tcp + 2, d == LAB_C2S ? f->server_port : f->client_port);
	bm_store32(tcp + 4, seq);
	bm_store32(tcp + 8, (s->flags & ACK) != 0 ? ack : 0);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = (uint8_t)s->flags;
	bm_store16(tcp + 14, 65535);
	uint32_t sum = pseudo_header_sum(f, tcp, n);
	if (leaves_sum_to_card(f, s->data.n))
		bm_store16(tcp + 16, fold(sum));
	else
		bm_store16(tcp + 16, finish_sum(add_up(add_up(sum, tcp, head), s->summed.p, s->summed.n)));
	if (s->data.n != 0)
		memcpy(tcp + head, s->data.p, s->data.n);
	lab_pcapng_frame(w, ns, bm_view(frame, ETHER + ip_n + n));
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

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const uint8_t *
summed_octets(const struct lab_burst *b)
{
	return b->summed.n == b->data.n ? b->summed.p : b->data.p;
}

static bool
has_wrong_sum(const struct lab_burst *b, size_t at, size_t n)
{
	return memcmp(b->data.p + at, summed_octets(b) + at, n) != 0;
}

/* Octets that go into one frame. */
static size_t
frame_length(const struct lab_flow *f, const struct lab_burst *b, size_t at)
{
	size_t n = smaller(b->data.n - at, LAB_SEGMENT), next;
	bool alone = f->look == LAB_LOOK_RECEIVER;

	if (f->look == LAB_LOOK_WIRE || (alone && has_wrong_sum(b, at, n)))
		return n;
	for (; n < LAB_MERGED && at + n < b->data.n; n += next) {
		next = smaller(b->data.n - at - n, LAB_SEGMENT);
		if (alone && has_wrong_sum(b, at + n, next))
			break;
	}
	return n;
}

/* Of what a frame held, the segments that go out a second time, each by itself. Gives the time
 * then.
 */
static uint64_t
send_again(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, const struct lab_burst *b,
	const struct segment *frame, size_t at)
{
	for (size_t k = 0, n; k < frame->data.n; k += n) {
		n = smaller(frame->data.n - k, LAB_SEGMENT);
		if (at + k >= b->again_to || at + k + n <= b->again_from)
			continue;
		struct segment s = {frame->d, frame->flags, frame->off + k, bm_view(frame->data.p + k, n),
			bm_view(frame->summed.p + k, n)};
		if (b->again.n != 0)
			s.data = s.summed = bm_view(b->again.p + at + k, n);
		put_segment(f, w, ns += ACK_NS, &s);
	}
	return ns;
}

void
lab_flow_data(struct lab_flow *f, struct lab_pcapng *w, uint64_t ns, enum lab_direction d,
	const struct lab_burst *b)
{
	unsigned unacknowledged = 0;

	for (size_t at = 0, n; at < b->data.n; at += n, ns += STEP_NS) {
		n = frame_length(f, b, at);
		bool last = at + n == b->data.n;
		struct segment s = {d, last ? PSH | ACK : ACK, f->sent[d], bm_view(b->data.p + at, n),
			bm_view(summed_octets(b) + at, n)};
		put_segment(f, w, ns, &s);
		f->sent[d] += n;
		ns = send_again(f, w, ns, b, &s, at);
		if (++unacknowledged == 2 || last || n > LAB_SEGMENT) {
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
