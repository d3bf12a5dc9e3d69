/* Finds addresses, ports, host names and client randoms in lines of any format. Refuses to know
 * which connections there are. */
#include "explain/clues.h"

#include <arpa/inet.h>
#include <strings.h>

#include "base/hash64.h"
#include "logs/jsse_internal.h"
#include "logs/text.h"

enum { LOOKED_AT = 4096 };

static struct bm_view
from(struct bm_view v, size_t at)
{
	return bm_view(v.p + at, v.n - at);
}

/* 1 to 65535; *v goes on after it. */
static bool
take_port(struct bm_view *v, uint16_t *port)
{
	unsigned n = 0;
	size_t i = 0;

	for (; i < v->n && i < 6 && bm_is_digit(v->p[i]); i++)
		n = n * 10 + (unsigned)(v->p[i] - '0');
	if (i == 0 || i == 6 || n == 0 || n > 65535 || (i < v->n && bm_is_alnum(v->p[i])))
		return false;
	*port = (uint16_t)n;
	*v = from(*v, i);
	return true;
}

static void
add_end(struct bm_clues *c, const struct bm_clue_end *e)
{
	for (size_t i = 0; i < c->end_count; i++)
		if (c->ends[i].port == e->port && c->ends[i].family == e->family &&
			memcmp(c->ends[i].ip, e->ip, sizeof e->ip) == 0)
			return;
	if (c->end_count < BM_CLUE_ENDS)
		c->ends[c->end_count++] = *e;
}

/* IPv4 written into IPv6 (RFC 4291, section 2.5.5.2) is IPv4 on the wire. */
static bool
read_ip(struct bm_view word, struct bm_clue_end *e)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16] = {0};

	if (word.n == 0 || word.n >= sizeof text)
		return false;
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	*e = (struct bm_clue_end){.family = 0};
	if (inet_pton(AF_INET, text, ip) == 1) {
		e->family = 4;
		memcpy(e->ip, ip, 4);
	} else if (inet_pton(AF_INET6, text, ip) == 1) {
		bool four = memcmp(ip, mapped, sizeof mapped) == 0;
		e->family = four ? 4 : 6;
		memcpy(e->ip, four ? ip + 12 : ip, four ? 4 : 16);
	}
	return e->family != 0;
}

/* 192.0.2.1, 192.0.2.1:443, 192.0.2.1(49152), [2001:db8::1]:443, 2001:db8::1; the octets that it
 * took. */
static size_t
take_address(struct bm_view v, struct bm_clues *c)
{
	struct bm_clue_end e;
	bool bracket = v.p[0] == '[';
	size_t i = bracket, dots = 0, colons = 0, port_at = 0;

	for (; i < v.n && i < INET6_ADDRSTRLEN; i++) {
		uint8_t b = v.p[i];
		if (b == ':' && dots >= 3 && colons == 0 && !bracket)
			break;
		dots += b == '.';
		colons += b == ':';
		if (b != '.' && b != ':' && bm_hex_digit(b) < 0)
			break;
	}
	size_t end = i;
	while (end > bracket && (v.p[end - 1] == '.' || v.p[end - 1] == ':'))
		end--; /* of the sentence */
	if ((dots < 3 && colons < 2) || (bracket && (end == v.n || v.p[end] != ']')) ||
		(!bracket && end < v.n && (bm_is_alnum(v.p[end]) || v.p[end] == '_')) ||
		!read_ip(bm_view(v.p + bracket, end - bracket), &e))
		return 0;
	end += bracket;
	struct bm_view rest = from(v, end);
	bool colon = rest.n > 1 && rest.p[0] == ':' && (e.family == 4 || bracket);
	bool parenthesis = rest.n > 1 && rest.p[0] == '(' && !bracket;
	if (colon || parenthesis) {
		struct bm_view after = from(rest, 1);
		uint16_t port;
		if (take_port(&after, &port) && (colon || (after.n != 0 && after.p[0] == ')'))) {
			e.port = port;
			port_at = rest.n - after.n;
		}
	}
	add_end(c, &e);
	return end + port_at;
}

/* "port 443", "port=443", "port: 443", "localhost:443". */
static void
take_lone_port(struct bm_view v, struct bm_clues *c)
{
	static const char *const words[] = {"port", "localhost"};
	struct bm_clue_end e = {.family = 0};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i]);
		if (v.n <= n || (v.p[0] | 0x20) != words[i][0] ||
			strncasecmp((const char *)v.p, words[i], n) != 0)
			continue;
		struct bm_view rest = from(v, n);
		size_t skip = 0;
		while (skip < rest.n && skip < 4 && rest.p[skip] != 0 &&
			   strchr(i == 0 ? " =:\"'" : ":", rest.p[skip]) != NULL)
			skip++;
		rest = from(rest, skip);
		if (skip != 0 && take_port(&rest, &e.port))
			add_end(c, &e);
	}
}

uint64_t
bm_clue_name(struct bm_view name)
{
	uint64_t h = BM_FNV1A;

	if (name.n != 0 && name.p[name.n - 1] == '.')
		name.n--;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t b = name.p[i];
		h = bm_fnv1a(h, b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b);
	}
	return h;
}

/* A word of labels with dots in between, as names of hosts are; so are many that are none. */
static size_t
take_name(struct bm_view v, struct bm_clues *c)
{
	size_t n = 0, dots = 0;

	while (n < v.n && (bm_is_alnum(v.p[n]) || v.p[n] == '-' || v.p[n] == '.' || v.p[n] == '_'))
		dots += v.p[n++] == '.';
	size_t all = n;
	while (n > 0 && (v.p[n - 1] == '.' || v.p[n - 1] == '-')) {
		dots -= v.p[n - 1] == '.';
		n--;
	}
	if (dots == 0 || n < 4 || n > 253)
		return all;
	uint64_t h = bm_clue_name(bm_view(v.p, n));
	for (size_t i = 0; i < c->name_count; i++)
		if (c->names[i] == h)
			return all;
	if (c->name_count < BM_CLUE_NAMES)
		c->names[c->name_count++] = h;
	return all;
}

/* "client random 00ab...", "CLIENT_RANDOM 00ab...". */
static void
find_random(struct bm_view line, struct bm_clues *c)
{
	for (size_t i = 0; !c->has_random && i + 14 + 64 < line.n; i++) {
		const char *at = (const char *)line.p + i;
		if ((*at != 'c' && *at != 'C') || strncasecmp(at, "client", 6) != 0 ||
			(at[6] != '_' && at[6] != ' ') || strncasecmp(at + 7, "random", 6) != 0)
			continue;
		size_t k = i + 13;
		while (k < line.n && k < i + 18 && bm_hex_digit(line.p[k]) < 0)
			k++;
		if (k > i + 13 && line.n - k >= 64)
			c->has_random = bm_unhex((const char *)line.p + k, 32, c->random);
	}
}

void
bm_find_clues(struct bm_view line, struct bm_clues *c)
{
	size_t took;

	line.n = line.n < LOOKED_AT ? line.n : LOOKED_AT;
	find_random(line, c);
	for (size_t i = 0; i < line.n; i += took != 0 ? took : 1) {
		struct bm_view v = from(line, i);
		bool starts = i == 0 || !(bm_is_alnum(line.p[i - 1]) || line.p[i - 1] == '_');
		took = 0;
		if (!starts)
			continue;
		if (v.p[0] == '[' || v.p[0] == ':' || bm_hex_digit(v.p[0]) >= 0)
			took = take_address(v, c);
		if (took == 0 && bm_is_alnum(v.p[0])) {
			take_lone_port(v, c);
			took = take_name(v, c);
		}
	}
}

/* "random" : "A1 B2 ... ", */
static bool
read_hex_octets(struct bm_view v, uint8_t out[BM_CLUE_RANDOM])
{
	size_t n = 0;

	for (size_t i = 0; n < BM_CLUE_RANDOM && i + 1 < v.n; i++) {
		if (v.p[i] == ' ')
			continue;
		int high = bm_hex_digit(v.p[i]), low = bm_hex_digit(v.p[i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[n++] = (uint8_t)(high << 4 | low);
		i++;
	}
	return n == BM_CLUE_RANDOM;
}

bool
bm_find_java_random(struct bm_view line, uint8_t out[BM_CLUE_RANDOM])
{
	size_t at = text_find(line, "\"random\"");
	struct jsse_line cookie;

	if (at != SIZE_MAX) {
		struct bm_view v = from(line, at + 8);
		size_t quote = text_find(v, "\"");
		return quote != SIZE_MAX && read_hex_octets(from(v, quote + 1), out);
	}
	if (text_find(line, "RandomCookie:") == SIZE_MAX)
		return false;
	jsse_read_line(line, &cookie);
	if (cookie.kind != JSSE_COOKIE || cookie.len != BM_CLUE_RANDOM)
		return false;
	memcpy(out, cookie.bytes, BM_CLUE_RANDOM);
	return true;
}
