/* Frames of a TCP connection octet by octet, and what is left of them when it was carved. */
#include "made.h"

#include "packet/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { TCP = 6, MOST = 1 << 22 };

static void
put(struct bm_buf *b, const void *p, size_t n)
{
	assert_int_equal(bm_buf_add(b, bm_view(p, n)), BM_OK);
}

static void
put16(struct bm_buf *b, unsigned v)
{
	uint8_t p[2];

	bm_store16(p, v);
	put(b, p, 2);
}

static void
put32(struct bm_buf *b, uint32_t v)
{
	uint8_t p[4];

	bm_store32(p, v);
	put(b, p, 4);
}

void
made_start(struct made *m)
{
	*m = (struct made){.pcap = {.max = MOST}, .isn = {0xfffffe00, 1000}};
	put32(&m->pcap, 0xa1b2c3d4);
	put32(&m->pcap, 0x00020004);
	put32(&m->pcap, 0);
	put32(&m->pcap, 0);
	put32(&m->pcap, 65535);
	put32(&m->pcap, 1);
}

void
made_clear(struct made *m)
{
	bm_buf_clear(&m->pcap);
}

static void
put_link(struct bm_buf *b, const struct made *m)
{
	static const uint8_t ends[12];

	put(b, ends, sizeof ends);
	for (unsigned i = 0; i < m->tags; i++) {
		put16(b, 0x8100);
		put16(b, 7);
	}
	put16(b, m->six ? 0x86dd : 0x0800);
}

static void
put_ip(struct bm_buf *b, const struct made *m, unsigned from, size_t n)
{
	uint8_t ip[40] = {0};
	size_t len = m->six ? 40 : 20;

	if (m->six) {
		ip[0] = 0x60;
		bm_store16(ip + 4, (unsigned)n);
		ip[6] = TCP;
		ip[7] = 64;
		ip[8] = ip[24] = 0x20;
		ip[9] = ip[25] = 0x01;
		ip[23] = from == MADE_CLIENT ? 1 : 2;
		ip[39] = from == MADE_CLIENT ? 2 : 1;
	} else {
		ip[0] = 0x45;
		bm_store16(ip + 2, (unsigned)(20 + n));
		ip[8] = 64;
		ip[9] = TCP;
		memcpy(ip + 12, from == MADE_CLIENT ? "\xc0\0\2\1\xc0\0\2\2" : "\xc0\0\2\2\xc0\0\2\1", 8);
		bm_store16(ip + 10, (uint16_t)~bm_sum16_fold(bm_sum16(0, bm_view(ip, 20), false)));
	}
	put(b, ip, len);
}

static uint16_t
sum_of(const struct made *m, const uint8_t *ip, struct bm_view tcp)
{
	struct bm_view addresses = m->six ? bm_view(ip + 8, 32) : bm_view(ip + 12, 8);
	uint64_t sum = bm_sum16(TCP + tcp.n, addresses, false);

	return (uint16_t)~bm_sum16_fold(bm_sum16(sum, tcp, false));
}

static void
put_tcp(struct bm_buf *b, const struct made *m, const struct made_segment *s)
{
	bool sack = s->sack[0] != s->sack[1];
	uint32_t mine = m->isn[s->from] + 1, theirs = m->isn[1 - s->from] + 1;
	bool syn = (s->flags & BM_SYN) != 0;

	put16(b, s->from == MADE_CLIENT ? 40000 : 443);
	put16(b, s->from == MADE_CLIENT ? 443 : 40000);
	put32(b, mine + (uint32_t)s->at - syn);
	put32(b, (s->flags & BM_ACK) != 0 ? theirs + (uint32_t)s->acked : 0);
	put16(b, (sack ? 8u : 5u) << 12 | s->flags);
	put16(b, 1000);
	put32(b, 0);
	if (sack) {
		put32(b, 0x0101050a);
		put32(b, theirs + (uint32_t)s->sack[0]);
		put32(b, theirs + (uint32_t)s->sack[1]);
	}
	put(b, s->payload.p, s->payload.n);
}

unsigned
made_add(struct made *m, const struct made_segment *s)
{
	struct bm_buf f = {.max = MOST}, tcp = {.max = MOST};

	put_tcp(&tcp, m, s);
	put_link(&f, m);
	size_t ip = f.n;
	put_ip(&f, m, s->from, tcp.n);
	bm_store16(tcp.p + 16, sum_of(m, f.p + ip, bm_buf_view(&tcp)) ^ (s->bad_checksum ? 0x55u : 0));
	put(&f, tcp.p, tcp.n);
	for (size_t i = 0; i < s->padding; i++)
		put(&f, "", 1);
	m->packets++;
	put32(&m->pcap, 1000000000 + m->packets);
	put32(&m->pcap, 0);
	put32(&m->pcap, (uint32_t)(f.n - s->cut));
	put32(&m->pcap, (uint32_t)f.n);
	put(&m->pcap, f.p, f.n - s->cut);
	bm_buf_clear(&tcp);
	bm_buf_clear(&f);
	return m->packets;
}

void
made_hello(struct made *m)
{
	made_add(m, &(struct made_segment){.from = MADE_CLIENT, .flags = BM_SYN});
	made_add(m, &(struct made_segment){.from = MADE_SERVER, .flags = BM_SYN | BM_ACK});
	made_add(m, &(struct made_segment){.from = MADE_CLIENT, .flags = BM_ACK});
}

__attribute__((format(printf, 2, 3))) static void
print(struct bm_buf *out, const char *format, ...)
{
	char text[20000];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof text);
	put(out, text, (size_t)n);
}

#define COUNTS "{\"verified\":0,\"failed\":1,\"undecided\":0,\"plaintext\":0}"

void
made_report(struct bm_buf *out, const struct made *m, const struct made_failure *f, size_t n)
{
	*out = (struct bm_buf){.max = MOST};
	print(out,
		"{\"schema\":\"badmac.diagnosis.v1\",\"connections\":[{\"id\":0,\"capture\":\"made\","
		"\"also_in\":[],\"transport\":\"tcp\",\"client\":\"%s:40000\",\"server\":\"%s:443\","
		"\"server_name\":null,\"first_time\":null,\"last_time\":null,\"version\":\"TLS 1.2\","
		"\"cipher_suite\":null,\"client_random\":null,\"resumed\":null,\"keys\":null,"
		"\"extended_master_secret\":false,\"encrypt_then_mac\":false,\"truncated_hmac\":false,"
		"\"max_fragment_length\":null,\"record_size_limit\":null,\"compression\":null,"
		"\"result\":\"failed\",\"undecided_because\":null,\"undecided_detail\":null,"
		"\"undecided_next\":null,\"records\":{\"client_to_server\":" COUNTS
		",\"server_to_client\":" COUNTS "},\"capture_gaps\":0,\"alerts\":[],\"failures\":[",
		m->six ? "[2001::1]" : "192.0.2.1", m->six ? "[2001::2]" : "192.0.2.2");
	for (size_t i = 0; i < n; i++)
		print(out,
			"%s{\"direction\":\"client_to_server\",\"epoch\":1,\"sequence_number\":1,"
			"\"stream_offset\":%llu,\"length\":%llu,\"packets\":[],\"cause\":\"%s\","
			"\"confidence\":\"proven\",\"at_fault\":[],\"summary\":\"x\",\"proof\":null,"
			"\"damage\":[%s],\"checksum\":{\"as_captured\":null,\"as_sent\":null},"
			"\"evidence\":[],\"ruled_out\":[],\"next_steps\":[]}",
			i == 0 ? "" : ",", (unsigned long long)f[i].stream_offset,
			(unsigned long long)f[i].length, f[i].cause, f[i].damage != NULL ? f[i].damage : "");
	print(out, "]}],\"summary\":{\"result\":\"failed\",\"connections\":1,\"records\":" COUNTS
			   ",\"packets\":0,\"bytes\":0,\"undecoded\":0,\"seen_elsewhere\":0,\"notices\":[]}}");
}

const char *
made_damage(uint64_t stream_offset, struct bm_view received, const struct bm_view *sent)
{
	static char text[16][9000];
	static unsigned next;
	static char a[4000], b[4000];
	char *t = text[next++ % 16];

	assert_true(received.n < 1000 && (sent == NULL || sent->n < 1000));
	bm_hex(received, a);
	bm_hex(sent != NULL ? *sent : bm_view(NULL, 0), b);
	(void)snprintf(t, sizeof text[0],
		"{\"record_offset\":0,\"stream_offset\":%llu,\"length\":%zu,\"packet\":null,"
		"\"packet_offset\":null,\"received\":\"%s\",\"sent\":%s%s%s}",
		(unsigned long long)stream_offset, received.n, a, sent != NULL ? "\"" : "",
		sent != NULL ? b : "null", sent != NULL ? "\"" : "");
	return t;
}

static int
keep(void *ctx, const char *bytes, size_t n)
{
	return bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

static void
place(struct bm_buf *stream, uint64_t at, struct bm_view v)
{
	static const uint8_t nothing = 0xee;

	while (stream->n < at + v.n)
		put(stream, &nothing, 1);
	if (v.n != 0)
		memcpy(stream->p + at, v.p, v.n);
}

static void
look_at(const struct made *m, const struct bm_segment *s, struct made_result *r)
{
	unsigned from = s->src.port == 443 ? MADE_SERVER : MADE_CLIENT;
	uint32_t theirs = m->isn[1 - from] + 1, at = s->seq - (m->isn[from] + 1);

	r->packets++;
	r->bad_checksums += s->checksum != BM_CHECKSUM_VALID;
	r->octets += s->payload.n;
	if (s->payload.n != 0)
		place(&r->streams[from], at, s->payload);
	if ((s->flags & BM_ACK) != 0 && (s->flags & BM_SYN) == 0)
		r->acked[from] = s->ack - theirs > r->acked[from] ? s->ack - theirs : r->acked[from];
	if (s->transport_header.n == 32) {
		r->sack[0] = bm_load32(s->transport_header.p + 24) - theirs;
		r->sack[1] = bm_load32(s->transport_header.p + 28) - theirs;
	}
}

static void
check_ip(const struct made *m, struct bm_view frame)
{
	size_t at = 14 + 4 * (size_t)m->tags;

	if (!m->six)
		assert_int_equal(bm_sum16_fold(bm_sum16(0, bm_view(frame.p + at, 20), false)), 0xffff);
}

static void
read_result(const struct made *m, struct made_result *r)
{
	struct bm_capture *c;
	struct bm_capture_item item;
	struct bm_decoder *d;
	struct bm_segment s;

	assert_int_equal(bm_capture_open_memory(&c, bm_buf_view(&r->file), NULL), BM_OK);
	assert_int_equal(bm_decoder_new(&d, 0), BM_OK);
	while (bm_capture_next(c, &item, NULL) == BM_OK)
		if (bm_decode(d, &item.frame, &s)) {
			look_at(m, &s, r);
			check_ip(m, item.frame.data);
		}
	assert_int_equal(bm_decoder_stats(d)->malformed, 0);
	bm_decoder_free(d);
	bm_capture_free(c);
	for (size_t i = 0; i + 15 < r->file.n; i++)
		r->comments += memcmp(r->file.p + i, "badmac: repaired", 16) == 0;
}

void
made_carve(const struct made *m, struct bm_view report, bool repaired, struct made_result *r)
{
	struct bm_findings f;
	struct bm_carve *c = NULL;
	struct bm_error e;
	const char *input;
	char problem[BM_FINDINGS_PROBLEM];
	struct bm_carve_options o = {.report = &f, .repaired = repaired, .program = "a test"};

	*r = (struct made_result){
		.file = {.max = MOST}, .streams = {{.max = MOST}, {.max = MOST}}, .missing = false};
	r->status = bm_findings_read(report, &f, problem, sizeof problem);
	if (r->status == BM_OK)
		r->status = bm_carve_new(&c, &o, problem, sizeof problem);
	if (r->status == BM_OK)
		r->status = bm_carve_add_capture(c, "made", bm_buf_view(&m->pcap), NULL, NULL);
	if (r->status == BM_OK)
		r->status = bm_carve_read(c, &e, &input);
	if (r->status == BM_OK)
		r->status = bm_carve_write(c, false, keep, &r->file);
	bool missing;
	for (size_t i = 0; c != NULL && bm_carve_message(c, i, &missing) != NULL; i++)
		r->missing = r->missing || missing;
	bm_carve_free(c);
	bm_findings_clear(&f);
	if (r->status == BM_OK)
		read_result(m, r);
}

void
made_result_clear(struct made_result *r)
{
	bm_buf_clear(&r->file);
	bm_buf_clear(&r->streams[0]);
	bm_buf_clear(&r->streams[1]);
}
