#include "make.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64 };

static const uint8_t address4[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 2}};
static const uint8_t address6[2][16] = {
	{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 2}};
static const uint8_t way_point[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x77};

uint8_t
made_byte(size_t i)
{
	return (uint8_t)(i * 167 + (i >> 8) * 13 + 1);
}

uint16_t
plain_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		if (sum >> 16 != 0)
			sum = (sum & 0xffff) + 1;
	}
	return (uint16_t)sum;
}

static size_t
length(const struct made *m)
{
	return m->end - m->start;
}

static uint8_t *
front(struct made *m, size_t n)
{
	assert_true(n <= m->start);
	m->start -= n;
	memset(m->bytes + m->start, 0, n);
	return m->bytes + m->start;
}

static void
put(struct made *m, const void *p, size_t n)
{
	memcpy(front(m, n), p, n);
}

#define PUT(m, ...) put((m), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool
is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

static bool
begins(const char *word, const char *name)
{
	return strncmp(word, name, strlen(name)) == 0;
}

static unsigned
type_of(const char *inner)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = {{"ip4", 0x0800}, {"ip6", 0x86dd}, {"vlanad", 0x88a8}, {"vlan9100", 0x9100},
		{"vlan", 0x8100}, {"mpls", 0x8847}, {"pppoe", 0x8864}, {"eth", 0x6558}, {"ppp", 0x880b},
		{"vntag", 0x8926}, {"etag", 0x893f}, {"itag", 0x88e7}, {"cmd", 0x8909}, {"erspan3", 0x22eb},
		{"erspan", 0x88be}, {"wccp", 0x883e}};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (begins(inner, types[i].name))
			return types[i].type;
	return 0;
}

static unsigned
protocol_of(const char *inner)
{
	static const struct {
		const char *name;
		unsigned protocol;
	} protocols[] = {{"ip4", 4}, {"ip6", 41}, {"tcp", 6}, {"udp", 17}, {"gre", 47}, {"pptp", 47},
		{"ah", 51}, {"etherip", 97}, {"mpls", 137}, {"eth", 143}, {"hbh", 0}, {"dst", 60},
		{"rt", 43}, {"atomic", 44}, {"mobility", 135}};

	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		if (begins(inner, protocols[i].name))
			return protocols[i].protocol;
	return 59;
}

static unsigned
ppp_of(const char *inner)
{
	return begins(inner, "ip4") ? 0x21 : begins(inner, "ip6") ? 0x57 : 0x0281;
}

static bool
carries_transport(const char *inner)
{
	return is(inner, "tcp") || begins(inner, "udp");
}

/* The checksum of the transport header in front, over a pseudo-header of either family. */
static void
fill_checksum(
	struct made *m, const char *inner, const uint8_t *src, const uint8_t *dst, size_t size)
{
	uint8_t pseudo[40] = {0};
	unsigned protocol = protocol_of(inner);
	size_t at = protocol == 6 ? 16 : 6;

	if (!carries_transport(inner) || is(inner, "udp0"))
		return;
	memcpy(pseudo, src, size);
	memcpy(pseudo + size, dst, size);
	bm_store16(pseudo + 2 * size, (unsigned)(length(m) >> 16));
	bm_store16(pseudo + 2 * size + 2, (unsigned)(length(m) & 0xffff));
	pseudo[2 * size + 7] = (uint8_t)protocol;
	uint32_t sum = plain_sum(pseudo, 2 * size + 8, 0);
	unsigned check = 0xffff & ~(unsigned)plain_sum(m->bytes + m->start, length(m), sum);
	bm_store16(m->bytes + m->start + at, check == 0 && protocol == 17 ? 0xffff : check);
}

static void
put_ip4(struct made *m, const char *word, const char *inner)
{
	bool options = is(word, "ip4opt");
	bool routed = is(word, "ip4lsrr");
	size_t header = options ? 24 : routed ? 28 : 20;
	static const uint8_t hop[4] = {203, 0, 113, 9};

	fill_checksum(m, inner, address4[0], address4[1], 4);
	size_t total = length(m) + header;
	uint8_t *p = front(m, header);
	p[0] = (uint8_t)(0x40 | header / 4);
	bm_store16(p + 2, is(word, "ip4tso") ? 0 : (unsigned)total);
	p[6] = 0x40;
	p[8] = carries_transport(inner) || is(inner, "ah4") ? 64 : 3;
	p[9] = (uint8_t)protocol_of(inner);
	memcpy(p + 12, address4[0], 4);
	memcpy(p + 16, routed ? hop : address4[1], 4);
	if (options)
		memcpy(p + 20, "\1\1\1\0", 4);
	if (routed) {
		memcpy(p + 20, "\203\7\4", 3);
		memcpy(p + 23, address4[1], 4);
	}
	bm_store16(p + 10, 0xffff & ~(unsigned)plain_sum(p, header, 0));
}

/* Extension headers stand between IPv6 and the transport whose checksum is already filled. */
static void
put_ip6(struct made *m, const char *word, const char *inner)
{
	bool routed = begins(inner, "rt");

	if (carries_transport(inner))
		fill_checksum(m, inner, address6[0], address6[1], 16);
	size_t payload = length(m);
	uint8_t *p = front(m, 40);
	p[0] = 0x60;
	bm_store16(p + 4, is(word, "ip6tso") ? 0 : (unsigned)payload);
	p[6] = (uint8_t)protocol_of(inner);
	p[7] = 64;
	memcpy(p + 8, address6[0], 16);
	memcpy(p + 24, routed ? way_point : address6[1], 16);
}

static void
put_extension(struct made *m, const char *word, const char *inner)
{
	uint8_t next = (uint8_t)protocol_of(inner);

	/* As the destination is the last one named, the sum is the same wherever this stands. */
	if (is(word, "ah4"))
		fill_checksum(m, inner, address4[0], address4[1], 4);
	else
		fill_checksum(m, inner, address6[0], address6[1], 16);
	if (is(word, "hbh") || is(word, "mobility"))
		PUT(m, next, 0, 1, 4, 0, 0, 0, 0);
	else if (is(word, "dst"))
		PUT(m, next, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	else if (is(word, "atomic"))
		PUT(m, next, 0, 0, 0, 1, 2, 3, 4);
	else if (begins(word, "ah"))
		PUT(m, next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
	else {
		/* Types 0 and 2 name the last stop last, type 4 first. */
		uint8_t type = (uint8_t)(word[2] - '0');
		size_t stops = type == 2 ? 1 : 2;
		uint8_t list[32];
		memcpy(list, type == 4 ? address6[1] : way_point, 16);
		memcpy(list + (stops - 1) * 16, type == 4 ? way_point : address6[1], 16);
		if (type == 4)
			memcpy(list, address6[1], 16);
		put(m, list, stops * 16);
		PUT(m, next, (uint8_t)(stops * 2), type, 1, 0, 0, 0, 0);
	}
}

static void
put_tcp(struct made *m)
{
	PUT(m, 0xc0, 0x00, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 0x12, 0x34, 0, 0, 0, 0, 1, 1,
		8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
}

/* "udp", or "udp4789" to the port of a tunnel; without a checksum then. */
static void
put_udp(struct made *m, const char *word)
{
	unsigned port = word[3] == '\0' ? 443 : (unsigned)strtoul(word + 3, NULL, 10);
	size_t total = length(m) + 8;
	uint8_t *p = front(m, 8);

	bm_store16(p, 49152);
	bm_store16(p + 2, port);
	bm_store16(p + 4, (unsigned)total);
}

static void
put_udp_tunnel(struct made *m, const char *word, const char *inner)
{
	unsigned n = (unsigned)length(m);
	unsigned type = type_of(inner);

	if (is(word, "vxlan"))
		PUT(m, 8, 0, 0, 0, 0x0a, 0x0b, 0x0c, 0);
	else if (is(word, "gpe"))
		PUT(m, 12, 0, 0,
			(uint8_t)(is(inner, "ip4")   ? 1
					  : is(inner, "ip6") ? 2
										 : 3),
			0x0a, 0x0b, 0x0c, 0);
	else if (is(word, "geneve"))
		PUT(m, 2, 0, (uint8_t)(type >> 8), (uint8_t)type, 0x0a, 0x0b, 0x0c, 0, 0, 0, 0, 1, 1, 2, 3,
			4);
	else if (is(word, "gtpu"))
		PUT(m, 0x30, 255, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 1);
	else if (is(word, "gtpuseq"))
		PUT(m, 0x32, 255, (uint8_t)((n + 4) >> 8), (uint8_t)(n + 4), 0, 0, 0, 1, 0, 9, 0, 0);
	else if (is(word, "gtpuext"))
		PUT(m, 0x34, 255, (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8), 0, 0, 0, 1, 0, 0, 0, 0x85, 1,
			0x10, 9, 0);
	else if (is(word, "origin"))
		PUT(m, 0, 0, 1, 2, 3, 4, 5, 6);
	else if (is(word, "auth"))
		PUT(m, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0);
	else if (is(word, "l2tp"))
		PUT(m, 0x40, 0x02, (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8), 0, 1, 0, 2);
}

static void
put_gre(struct made *m, const char *word, const char *inner)
{
	unsigned type = type_of(inner);
	uint8_t high = (uint8_t)(type >> 8), low = (uint8_t)type;
	unsigned n = (unsigned)length(m);

	if (is(word, "gre"))
		PUT(m, 0, 0, high, low);
	else if (is(word, "greseq"))
		PUT(m, 0x10, 0, high, low, 0, 0, 0, 7);
	else if (is(word, "grekey"))
		PUT(m, 0x20, 0, high, low, 0, 0, 0, 9);
	else if (is(word, "greall"))
		PUT(m, 0xb0, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7);
	else
		PUT(m, 0x30, 0x81, 0x88, 0x0b, (uint8_t)(n >> 8), (uint8_t)n, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2);
}

static void
put_link(struct made *m, const char *word, const char *inner)
{
	unsigned type = type_of(inner);
	uint8_t high = (uint8_t)(type >> 8), low = (uint8_t)type;
	unsigned n = (unsigned)length(m);
	uint8_t family = begins(inner, "ip4") ? 2 : 30;

	if (is(word, "eth"))
		PUT(m, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, high, low);
	else if (is(word, "eth4")) /* an address that looks like IPv4 */
		PUT(m, 0x46, 0, 0xff, 0xff, 0, 1, 2, 0, 0, 0, 0, 2, high, low);
	else if (is(word, "eth8023"))
		PUT(m, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (uint8_t)(n >> 8), (uint8_t)n);
	else if (is(word, "snap"))
		PUT(m, 0xaa, 0xaa, 3, 0, 0, 0, high, low);
	else if (is(word, "llcip"))
		PUT(m, 6, 6, 3);
	else if (begins(word, "vlan"))
		PUT(m, 0x20, 0x64, high, low);
	else if (is(word, "vntag"))
		PUT(m, 0, 1, 0, 2, high, low);
	else if (is(word, "etag"))
		PUT(m, 0, 1, 0, 2, 0, 0, high, low);
	else if (is(word, "itag"))
		PUT(m, 0, 0, 0, 9);
	else if (is(word, "cmd"))
		PUT(m, 1, 1, 0, 1, 0, 3, high, low);
	else if (is(word, "sll"))
		PUT(m, 0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, high, low);
	else if (is(word, "sll2"))
		PUT(m, high, low, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0);
	else if (is(word, "null"))
		PUT(m, family, 0, 0, 0);
	else if (is(word, "loop"))
		PUT(m, 0, 0, 0, family);
	else if (is(word, "hdlc"))
		PUT(m, 0x0f, 0, high, low);
	else if (is(word, "wifi"))
		PUT(m, 8, 1, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0x10, 0);
	else if (is(word, "wifi4")) /* four addresses */
		PUT(m, 8, 3, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0x10, 0, 2, 0, 0,
			0, 0, 4);
	else if (is(word, "wifiqos"))
		PUT(m, 0x88, 2, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0x10, 0, 5, 0);
	else if (is(word, "radiotap"))
		PUT(m, 0, 0, 8, 0, 0, 0, 0, 0);
	else if (is(word, "radiopad")) {
		/* Two octets fill the QoS header up to 28. */
		uint8_t *p = front(m, 2);
		memmove(p, p + 2, 26);
		memset(p + 26, 0, 2);
		PUT(m, 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20);
	}
}

static void
put_ppp(struct made *m, const char *word, const char *inner)
{
	uint8_t high = (uint8_t)(ppp_of(inner) >> 8), low = (uint8_t)ppp_of(inner);
	unsigned n = (unsigned)length(m);

	if (is(word, "ppp"))
		PUT(m, high, low);
	else if (is(word, "pppff"))
		PUT(m, 0xff, 3, high, low);
	else if (is(word, "pppc"))
		PUT(m, low);
	else if (is(word, "pppdir"))
		PUT(m, 1);
	else
		PUT(m, 0x11, 0, 0, 1, (uint8_t)(n >> 8), (uint8_t)n);
}

static void
put_word(struct made *m, const char *word, const char *inner)
{
	if (is(word, "tcp"))
		put_tcp(m);
	else if (begins(word, "udp"))
		put_udp(m, word);
	else if (begins(word, "ip4"))
		put_ip4(m, word, inner);
	else if (begins(word, "ip6"))
		put_ip6(m, word, inner);
	else if (is(word, "hbh") || is(word, "dst") || is(word, "atomic") || begins(word, "ah") ||
			 is(word, "mobility") || (begins(word, "rt") && word[3] == '\0'))
		put_extension(m, word, inner);
	else if (is(word, "mpls"))
		PUT(m, 0, 1, begins(inner, "mpls") ? 0x40 : 0x41, 64);
	else if (is(word, "cw"))
		PUT(m, 0, 0, 0, 5);
	else if (begins(word, "gre") || is(word, "pptp"))
		put_gre(m, word, inner);
	else if (is(word, "erspan2"))
		PUT(m, 0x10, 1, 0, 1, 0, 0, 0, 0);
	else if (is(word, "erspan3"))
		PUT(m, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
	else if (is(word, "erspan3p"))
		PUT(m, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
	else if (is(word, "wccp2"))
		PUT(m, 0, 0, 0, 0);
	else if (is(word, "etherip"))
		PUT(m, 0x30, 0);
	else if (begins(word, "ppp"))
		put_ppp(m, word, inner);
	else {
		put_udp_tunnel(m, word, inner);
		put_link(m, word, inner);
	}
}

void
make(struct made *m, const char *words, size_t n)
{
	char copy[512];
	char *word[WORDS_MAX];
	size_t count = 0;

	assert_true(strlen(words) < sizeof copy);
	snprintf(copy, sizeof copy, "%s", words);
	for (char *rest = copy, *w; (w = strtok_r(rest, " ", &rest)) != NULL;) {
		assert_true(count < WORDS_MAX);
		word[count++] = w;
	}
	m->frame = NULL;
	m->start = m->end = 1024;
	assert_true(n <= MADE_MAX - 2048);
	for (size_t i = 0; i < n; i++)
		m->bytes[m->end++] = made_byte(i);
	for (size_t i = count; i-- > 0;) {
		size_t before = length(m);
		put_word(m, word[i], i + 1 < count ? word[i + 1] : "");
		/* ERSPAN of type I is a name without octets. */
		assert_true(length(m) > before || is(word[i], "erspan1") || is(word[i], "wccp1"));
	}
}

void
make_trailer(struct made *m, size_t n)
{
	assert_true(n <= MADE_MAX - m->end);
	memset(m->bytes + m->end, 0xee, n);
	m->end += n;
}

void
make_frame(struct made *m, uint32_t link_type, uint64_t number)
{
	free(m->frame);
	m->frame = malloc(length(m));
	assert_non_null(m->frame);
	memcpy(m->frame, m->bytes + m->start, length(m));
	m->f = (struct bm_frame){
		.data = bm_view(m->frame, length(m)),
		.wire_len = (uint32_t)length(m),
		.ts_ns = 1000000000 * number,
		.link_type = link_type,
		.number = number,
		.home = m->frame,
	};
}

void
made_free(struct made *m)
{
	free(m->frame);
	m->frame = NULL;
}

#define VNI (MADE_VNI + 1)

const struct sample samples[] = {
	{"eth ip4 tcp", 1, 0},
	{"eth ip6 tcp", 1, 0},
	{"eth ip4opt tcp", 1, 0},
	{"eth ip4lsrr tcp", 1, 0},
	{"eth vlan ip4 tcp", 1, 0},
	{"eth vlanad vlan ip4 tcp", 1, 0},
	{"eth vlan9100 vlan vlan ip6 tcp", 1, 0},
	{"eth vntag vlan ip4 tcp", 1, 0},
	{"eth etag vlan ip4 tcp", 1, 0},
	{"eth itag eth ip4 tcp", 1, 0},
	{"eth cmd ip4 tcp", 1, 0},
	{"eth8023 snap ip4 tcp", 1, 0},
	{"eth8023 snap ip6 tcp", 1, 0},
	{"eth8023 llcip ip4 tcp", 1, 0},
	{"eth pppoe ppp ip4 tcp", 1, 0},
	{"eth vlan vlan pppoe ppp ip6 tcp", 1, 0},
	{"eth mpls ip4 tcp", 1, 0},
	{"eth mpls mpls mpls ip6 tcp", 1, 0},
	{"eth mpls cw eth ip4 tcp", 1, 0},
	{"eth mpls eth ip4 tcp", 1, 0},
	{"eth mpls eth4 ip4 tcp", 1, 0},
	{"sll ip4 tcp", 113, 0},
	{"sll vlan ip6 tcp", 113, 0},
	{"sll2 ip4 tcp", 276, 0},
	{"sll2 ip6 tcp", 276, 0},
	{"null ip4 tcp", 0, 0},
	{"null ip6 tcp", 0, 0},
	{"loop ip4 tcp", 0, 0},
	{"loop ip4 tcp", 108, 0},
	{"loop ip6 tcp", 108, 0},
	{"ip4 tcp", 101, 0},
	{"ip6 tcp", 101, 0},
	{"ip4 tcp", 12, 0},
	{"ip6 tcp", 14, 0},
	{"ip4 tcp", 228, 0},
	{"ip6 tcp", 229, 0},
	{"pppff ip4 tcp", 9, 0},
	{"ppp ip6 tcp", 9, 0},
	{"pppc ip4 tcp", 9, 0},
	{"ppp mpls ip4 tcp", 9, 0},
	{"pppff ip4 tcp", 50, 0},
	{"hdlc ip4 tcp", 50, 0},
	{"hdlc ip4 tcp", 104, 0},
	{"hdlc mpls ip4 tcp", 104, 0},
	{"pppoe ppp ip4 tcp", 51, 0},
	{"pppdir pppff ip4 tcp", 204, 0},
	{"wifi snap ip4 tcp", 105, 0},
	{"wifiqos snap ip4 tcp", 105, 0},
	{"wifi4 snap ip4 tcp", 105, 0},
	{"radiotap wifi snap ip6 tcp", 127, 0},
	{"radiopad wifiqos snap ip4 tcp", 127, 0},
	{"eth ip4 ip4 tcp", 1, 0},
	{"eth ip4 ip6 tcp", 1, 0},
	{"eth ip6 ip4 tcp", 1, 0},
	{"eth ip6 ip6 tcp", 1, 0},
	{"eth ip4 ah4 tcp", 1, 0},
	{"eth ip6 hbh tcp", 1, 0},
	{"eth ip6 hbh dst ah atomic dst tcp", 1, 0},
	{"eth ip6 mobility tcp", 1, 0},
	{"eth ip6 rt0 tcp", 1, 0},
	{"eth ip6 rt2 tcp", 1, 0},
	{"eth ip6 rt4 tcp", 1, 0},
	{"eth ip6 rt4 ip4 tcp", 1, 0},
	{"eth ip4 gre ip4 tcp", 1, 0},
	{"eth ip4 gre ip6 tcp", 1, 0},
	{"eth ip4 grekey eth ip4 tcp", 1, 0},
	{"eth ip6 greall ip4 tcp", 1, 0},
	{"eth ip4 gre mpls ip4 tcp", 1, 0},
	{"eth ip4 pptp pppff ip4 tcp", 1, 0},
	{"eth ip4 pptp ppp ip6 tcp", 1, 0},
	{"eth ip4 gre erspan1 eth ip4 tcp", 1, 0},
	{"eth ip4 greseq erspan2 eth vlan ip4 tcp", 1, 0},
	{"eth ip4 greseq erspan3 eth ip4 tcp", 1, 0},
	{"eth ip4 greseq erspan3p eth ip4 tcp", 1, 0},
	{"eth ip4 gre wccp1 ip4 tcp", 1, 0},
	{"eth ip4 gre wccp2 ip4 tcp", 1, 0},
	{"eth ip4 etherip eth ip4 tcp", 1, 0},
	{"eth ip4 mpls ip4 tcp", 1, 0},
	{"eth ip6 eth ip4 tcp", 1, 0},
	{"eth ip4 udp4789 vxlan eth ip4 tcp", 1, VNI},
	{"eth ip6 udp8472 vxlan eth vlan ip6 tcp", 1, VNI},
	{"eth ip4 udp4790 gpe ip4 tcp", 1, VNI},
	{"eth ip4 udp4790 gpe eth ip4 tcp", 1, VNI},
	{"eth ip4 udp6081 geneve eth ip4 tcp", 1, VNI},
	{"eth ip4 udp6081 geneve ip6 tcp", 1, VNI},
	{"eth ip4 udp2152 gtpu ip4 tcp", 1, 0},
	{"eth ip4 udp2152 gtpuseq ip6 tcp", 1, 0},
	{"eth ip4 udp2152 gtpuext ip4 tcp", 1, 0},
	{"eth ip4 udp3544 ip6 tcp", 1, 0},
	{"eth ip4 udp3544 origin ip6 tcp", 1, 0},
	{"eth ip4 udp3544 auth origin ip6 tcp", 1, 0},
	{"eth ip4 udp6635 mpls ip4 tcp", 1, 0},
	{"eth ip4 udp1701 l2tp pppff ip4 tcp", 1, 0},
	{"sll vlan ip4 udp4789 vxlan eth ip4 udp2152 gtpu ip4 tcp", 113, VNI},
	{"eth ip4 udp", 1, 0},
	{"eth ip6 udp", 1, 0},
	{"eth ip4 udp4789 vxlan eth ip4 udp", 1, VNI},
};
const size_t sample_count = sizeof samples / sizeof samples[0];

void
assert_pieces(const struct bm_segment *s, const struct bm_frame *frames, size_t count)
{
	size_t at = 0;

	assert_true(s->piece_count >= 1 && s->piece_count <= BM_PIECES_MAX);
	assert_true(s->payload.n <= s->payload_len);
	for (size_t i = 0; i < s->piece_count; i++) {
		const struct bm_piece *p = &s->pieces[i];
		assert_int_equal(p->payload_off, at);
		assert_true(p->packet >= 1 && p->packet <= count);
		const struct bm_frame *f = &frames[p->packet - 1];
		assert_int_equal(f->number, p->packet);
		assert_true((size_t)p->packet_off + p->len <= f->data.n);
		assert_true(bm_view_equal(
			bm_view(f->data.p + p->packet_off, p->len), bm_view(s->payload.p + at, p->len)));
		at += p->len;
	}
	assert_int_equal(at, s->payload.n);
}

void
assert_counted(const struct bm_decoder *d)
{
	const struct bm_decoder_stats *t = bm_decoder_stats(d);

	assert_int_equal(
		t->frames, t->segments + t->unknown_link + t->malformed + t->not_transport + t->fragments);
}
