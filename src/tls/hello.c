/* ClientHello and ServerHello in every layout that was ever sent: SSL 2.0's, SSL 3.0 to TLS 1.3,
 * the drafts between, DTLS. Reads; refuses to judge. */
#include "tls/extensions.h"

/* RFC 8446, section 4.1.3: SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d,
	0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e,
	0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

enum { SSL2_SPEC = 3, ID_MAX = 32, DRAFT_LAST = 14 };

static void
take_random(struct bm_reader *r, uint8_t random[32])
{
	struct bm_view v = bm_take(r, 32);

	if (v.n != 0)
		memcpy(random, v.p, 32);
}

/* RFC 5246, section 7.4.1.2: that there are extensions shows in that there is something left. */
static bool
tail(struct bm_reader *r, struct bm_hello *h)
{
	if (r->bad)
		return false;
	if (bm_left(r) == 0)
		return true;
	struct bm_view block = bm_vec16(r);
	return !r->bad && bm_left(r) == 0 && bm_extensions_parse(block, h->server, &h->ext);
}

bool
bm_client_hello_parse(struct bm_view body, bool dtls, struct bm_hello *h)
{
	struct bm_reader r = bm_reader(body);

	memset(h, 0, sizeof *h);
	h->version = bm_u16(&r);
	take_random(&r, h->random);
	h->session_id = bm_vec8(&r);
	if (dtls)
		h->cookie = bm_vec8(&r);
	h->suites = bm_vec16(&r);
	struct bm_view compression = bm_vec8(&r);
	if (r.bad || h->session_id.n > ID_MAX || h->suites.n < 2 || h->suites.n % 2 != 0 ||
		compression.n == 0)
		return false;
	if (tail(&r, h))
		return true;
	/* Up to TLS 1.1 anything may follow and is ignored (RFC 4346, section 7.4.1.2). */
	memset(&h->ext, 0, sizeof h->ext);
	return dtls ? h->version == BM_DTLS10 : h->version < BM_TLS12;
}

/* Drafts of TLS 1.3 up to 21: neither session id nor compression method. */
static bool
draft_hello(struct bm_reader r, struct bm_hello *h)
{
	h->suite = bm_u16(&r);
	if (!tail(&r, h))
		return false;
	if (h->version == BM_TLS13)
		h->ext.draft = DRAFT_LAST; /* or before: those do not say which */
	else
		bm_select_version(&h->ext, h->version);
	h->ext.selected_version = BM_TLS13;
	return true;
}

bool
bm_server_hello_parse(struct bm_view body, struct bm_hello *h)
{
	struct bm_reader r = bm_reader(body);

	memset(h, 0, sizeof *h);
	h->server = true;
	h->version = bm_u16(&r);
	take_random(&r, h->random);
	if ((h->version >> 8 == 0x7f || h->version == BM_TLS13) && draft_hello(r, h))
		return true;
	memset(&h->ext, 0, sizeof h->ext);
	h->session_id = bm_vec8(&r);
	h->suite = bm_u16(&r);
	h->compression = bm_u8(&r);
	h->hello_retry_request = memcmp(h->random, retry_random, sizeof retry_random) == 0;
	return h->session_id.n <= ID_MAX && tail(&r, h);
}

bool
bm_ssl2_hello_parse(struct bm_view record, struct bm_hello *h)
{
	struct bm_reader r = bm_reader(record);

	memset(h, 0, sizeof *h);
	h->ssl2_format = true;
	unsigned length = bm_u16(&r);
	uint8_t type = bm_u8(&r);
	h->version = bm_u16(&r);
	size_t specs = bm_u16(&r);
	size_t id = bm_u16(&r);
	size_t n = bm_u16(&r);
	h->suites = bm_take(&r, specs);
	h->session_id = bm_take(&r, id);
	struct bm_view challenge = bm_take(&r, n);
	/* RFC 5246, appendix E.2. */
	if (r.bad || bm_left(&r) != 0 || (length & 0x8000) == 0 || (length & 0x7fff) + 2 != record.n ||
		type != BM_CLIENT_HELLO || h->version < BM_SSL3 || h->version > BM_TLS12 || specs == 0 ||
		specs % SSL2_SPEC != 0 || (id != 0 && id != 16) || n < 16 || n > sizeof h->random)
		return false;
	memcpy(h->random + sizeof h->random - n, challenge.p, n);
	return true;
}

unsigned
bm_hello_version(const struct bm_hello *server)
{
	return server->ext.selected_version != 0 ? server->ext.selected_version : server->version;
}
