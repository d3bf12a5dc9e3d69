/* Where TLS starts in a stream that began with something else (STARTTLS, CONNECT, PROXY, a
 * database's own greeting): looks for hellos at every offset. Refuses to know those protocols. */
#include "tls/handshake.h"

enum {
	/* Handshake bytes that decide: longer hellos are taken at their beginning's word. */
	LOOK = BM_FIND_TAIL / (BM_HEADER + 1),
	/* Record headers looked at in one call: hostile streams are full of them. */
	STEPS_MAX = 1 << 13,
	/* What the vectors of a hello can add up to (RFC 5246, section 7.4.1.2). */
	HELLO_MAX = 0x20200,
	/* First byte of an SSL 2.0-format hello: one of more than 1023 bytes would offer 300 suites. */
	SSL2_FIRST = 0x80,
	SSL2_LAST = 0x83,
	/* Drafts of TLS 1.3 up to 21 said 0x7fXX in the ServerHello, and had a message of its own for
	 * the HelloRetryRequest. */
	LAYOUT_DRAFT = 0x7f,
	HELLO_RETRY_REQUEST = 6
};

enum fit { NO, SHORT, FITS };

/* The beginning of a run of handshake records as one piece. */
struct beginning {
	uint8_t bytes[LOOK];
	size_t n;
	size_t claimed; /* by the headers of the records looked at */
	bool broken;    /* the record that follows is no handshake record */
};

static bool
is_handshake_header(struct bm_record_header h)
{
	return h.type == BM_HANDSHAKE && bm_record_plausible(h, 0) && h.length <= BM_PLAIN_MAX;
}

/* Do the records up to here hold the whole message? */
static bool
all_claimed(const struct beginning *b)
{
	return b->n >= 4 && b->claimed >= 4 + (size_t)bm_load24(b->bytes + 1);
}

/* RFC 8446, section 5.1: a message may be split over records, at any byte. */
static void
gather(struct bm_view v, size_t off, size_t *steps, struct beginning *b)
{
	b->n = b->claimed = 0;
	b->broken = false;
	while (b->n < LOOK && !all_claimed(b) && v.n - off >= BM_HEADER) {
		struct bm_record_header h = bm_record_header(v.p + off);
		if (!is_handshake_header(h) || *steps == 0) {
			b->broken = true;
			return;
		}
		--*steps;
		off += BM_HEADER;
		b->claimed += h.length;
		size_t n = h.length;
		if (n > v.n - off)
			n = v.n - off;
		if (n > LOOK - b->n)
			n = LOOK - b->n;
		memcpy(b->bytes + b->n, v.p + off, n);
		b->n += n;
		if (v.n - off <= h.length)
			return;
		off += h.length;
	}
}

/* Something that was read and is not what it must be. */
static bool
wrong(const struct bm_reader *r, bool ok)
{
	return !r->bad && !ok;
}

static size_t
rest(const struct bm_reader *r, size_t total)
{
	return total - r->off;
}

/* From the end of the fixed part on: nothing, or extensions to the exact end (RFC 5246, 7.4.1.2).
 */
static enum fit
extensions_fit(struct bm_reader *r, size_t total)
{
	if (r->bad)
		return SHORT;
	if (rest(r, total) == 0)
		return FITS;
	if (rest(r, total) < 2)
		return NO;
	size_t n = bm_u16(r);
	if (r->bad)
		return SHORT;
	return n == rest(r, total) ? FITS : NO;
}

static bool
is_hello_type(uint8_t type, bool server)
{
	return server ? type == BM_SERVER_HELLO || type == HELLO_RETRY_REQUEST
				  : type == BM_CLIENT_HELLO;
}

static enum fit
client_fit(const struct beginning *b)
{
	struct bm_reader r = bm_reader(bm_view(b->bytes, b->n));

	uint8_t type = bm_u8(&r);
	if (wrong(&r, is_hello_type(type, false)))
		return NO;
	size_t total = 4 + (size_t)bm_u24(&r);
	if (wrong(&r, total >= 4 + 41 && total <= HELLO_MAX && b->claimed <= total))
		return NO;
	uint16_t version = bm_u16(&r);
	if (wrong(&r, version >= BM_SSL3 && version <= BM_TLS13))
		return NO;
	bm_skip(&r, 32);
	size_t n = bm_u8(&r);
	if (wrong(&r, n <= 32 && n + 6 <= rest(&r, total)))
		return NO;
	bm_skip(&r, n);
	n = bm_u16(&r);
	if (wrong(&r, n >= 2 && n % 2 == 0 && n + 2 <= rest(&r, total)))
		return NO;
	bm_skip(&r, n);
	n = bm_u8(&r);
	if (wrong(&r, n >= 1 && n <= rest(&r, total)))
		return NO;
	bm_skip(&r, n);
	/* Up to TLS 1.1 anything may follow (RFC 4346, section 7.4.1.2). */
	if (!r.bad && version < BM_TLS12)
		return all_claimed(b) ? FITS : SHORT;
	return extensions_fit(&r, total);
}

/* Drafts of TLS 1.3 up to 21: no session id, no compression method. */
static enum fit
draft_fit(struct bm_reader r, size_t total, bool retry)
{
	struct bm_reader no_suite = r;

	bm_skip(&r, retry ? 2 : 34);
	enum fit fit = extensions_fit(&r, total);
	/* Drafts up to 18: a HelloRetryRequest names no cipher suite. */
	return fit == NO && retry ? extensions_fit(&no_suite, total) : fit;
}

static enum fit
server_fit(const struct beginning *b)
{
	struct bm_reader r = bm_reader(bm_view(b->bytes, b->n));
	uint8_t type = bm_u8(&r);

	if (wrong(&r, is_hello_type(type, true)))
		return NO;
	size_t total = 4 + (size_t)bm_u24(&r);
	if (wrong(&r, total >= 4 + 4 && total <= HELLO_MAX))
		return NO;
	uint16_t version = bm_u16(&r);
	bool draft = version >> 8 == LAYOUT_DRAFT || version == BM_TLS13;
	if (wrong(&r, draft || (version >= BM_SSL3 && version <= BM_TLS12)))
		return NO;
	if (wrong(&r, type == BM_SERVER_HELLO ? total >= 4 + 36 : draft))
		return NO;
	if (r.bad)
		return SHORT;
	if (draft) {
		enum fit fit = draft_fit(r, total, type == HELLO_RETRY_REQUEST);
		if (fit != NO || type != BM_SERVER_HELLO)
			return fit;
	}
	bm_skip(&r, 32);
	size_t n = bm_u8(&r);
	if (wrong(&r, n <= 32 && n + 3 <= rest(&r, total)))
		return NO;
	bm_skip(&r, n + 3);
	return extensions_fit(&r, total);
}

static enum fit
hello_at(struct bm_view v, size_t off, bool server, size_t *steps)
{
	struct beginning b;

	/* What a glance at the first bytes excludes. */
	if (v.n - off > 1 && v.p[off + 1] != BM_SSL3 >> 8)
		return NO;
	if (v.n - off > 2 && v.p[off + 2] > (BM_TLS13 & 0xff))
		return NO;
	if (v.n - off > BM_HEADER && !is_hello_type(v.p[off + BM_HEADER], server))
		return NO;
	if (v.n - off < BM_HEADER)
		return SHORT;
	gather(v, off, steps, &b);
	enum fit fit = server ? server_fit(&b) : client_fit(&b);
	if (fit != SHORT)
		return fit;
	if (b.broken)
		return NO;
	return b.n == LOOK ? FITS : SHORT;
}

/* RFC 5246, appendix E.2: two bytes of length, type, version, three lengths that add up. */
static enum fit
ssl2_at(struct bm_view v, size_t off)
{
	struct bm_reader r = bm_reader(bm_view(v.p + off, v.n - off));

	size_t total = (bm_u16(&r) & 0x7fffu) + 2u;
	if (wrong(&r, total >= 11 + 3 + 16))
		return NO;
	uint8_t type = bm_u8(&r);
	if (wrong(&r, type == BM_CLIENT_HELLO))
		return NO;
	uint8_t major = bm_u8(&r);
	if (wrong(&r, major == BM_SSL3 >> 8))
		return NO;
	uint8_t minor = bm_u8(&r);
	if (wrong(&r, minor <= (BM_TLS12 & 0xff)))
		return NO;
	size_t specs = bm_u16(&r);
	if (wrong(&r, specs != 0 && specs % 3 == 0))
		return NO;
	size_t id = bm_u16(&r);
	if (wrong(&r, id == 0 || id == 16))
		return NO;
	size_t challenge = bm_u16(&r);
	if (wrong(&r, challenge >= 16 && challenge <= 32 && 11 + specs + id + challenge == total))
		return NO;
	return r.bad ? SHORT : FITS;
}

/* RFC 8446, appendix B.2, and what earlier versions had. */
static bool
is_alert_code(uint8_t code)
{
	static const uint8_t codes[] = {0, 10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
		50, 51, 52, 53, 60, 70, 71, 80, 86, 90, 100, 109, 110, 111, 112, 113, 114, 115, 116, 120,
		121};

	return memchr(codes, code, sizeof codes) != NULL;
}

static enum fit
alert_at(struct bm_view v, size_t off)
{
	struct bm_reader r = bm_reader(bm_view(v.p + off, v.n - off));

	bm_skip(&r, 1);
	uint8_t major = bm_u8(&r);
	if (wrong(&r, major == BM_SSL3 >> 8))
		return NO;
	uint8_t minor = bm_u8(&r);
	if (wrong(&r, minor <= (BM_TLS13 & 0xff)))
		return NO;
	uint16_t n = bm_u16(&r);
	if (wrong(&r, n == 2))
		return NO;
	uint8_t level = bm_u8(&r);
	if (wrong(&r, level == 1 || level == 2))
		return NO;
	uint8_t code = bm_u8(&r);
	if (wrong(&r, is_alert_code(code)))
		return NO;
	return r.bad ? SHORT : FITS;
}

/* The first place that fits decides, and so does the first that may yet: what is said of a stream
 * must not depend on where it was cut. */
static size_t
found(struct bm_view v, size_t off, enum fit fit, bool *need_more)
{
	*need_more = fit == SHORT;
	return fit == FITS ? off : v.n;
}

size_t
bm_find_client_hello(struct bm_view v, bool *need_more)
{
	size_t steps = STEPS_MAX;

	for (size_t i = 0; i < v.n; i++) {
		enum fit fit = NO;
		if (v.p[i] == BM_HANDSHAKE)
			fit = hello_at(v, i, false, &steps);
		else if (v.p[i] >= SSL2_FIRST && v.p[i] <= SSL2_LAST)
			fit = ssl2_at(v, i);
		if (fit != NO)
			return found(v, i, fit, need_more);
	}
	return found(v, v.n, NO, need_more);
}

size_t
bm_find_server_hello(struct bm_view v, bool *need_more)
{
	size_t steps = STEPS_MAX;

	for (size_t i = 0; i < v.n; i++) {
		enum fit fit = NO;
		if (v.p[i] == BM_HANDSHAKE)
			fit = hello_at(v, i, true, &steps);
		else if (v.p[i] == BM_ALERT)
			fit = alert_at(v, i);
		if (fit != NO)
			return found(v, i, fit, need_more);
	}
	return found(v, v.n, NO, need_more);
}
