/* Any bytes as handshake messages: views stay inside, and messages put together from fragments are
 * the same however the bytes were cut. The first byte chooses the cuts. */
#include "tls/handshake.h"

#include <stdlib.h>

enum { MAX = 4096 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
inside(struct bm_view v, struct bm_view all)
{
	must(v.n == 0 || (v.p >= all.p && v.p + v.n <= all.p + all.n));
}

static void
check_extensions(const struct bm_extensions *e, struct bm_view all)
{
	inside(e->ticket, all);
	inside(e->psk_identity, all);
	inside(e->cid, all);
	inside(e->server_name, all);
	inside(e->alpn, all);
	inside(e->supported_versions, all);
	must(e->max_fragment_length <= 4 && (e->draft == 0 || e->selected_version == BM_TLS13));
}

static void
check_parsers(struct bm_view v)
{
	struct bm_hello h;
	struct bm_extensions e;
	struct bm_view out;

	for (int i = 0; i < 4; i++) {
		bool ok = i < 2    ? bm_client_hello_parse(v, i == 1, &h)
				  : i == 2 ? bm_server_hello_parse(v, &h)
						   : bm_ssl2_hello_parse(v, &h);
		if (!ok)
			continue;
		inside(h.session_id, v);
		inside(h.suites, v);
		inside(h.cookie, v);
		must(h.session_id.n <= 32 && h.server == (i == 2) && h.ssl2_format == (i == 3));
		must(h.suites.n % (i == 3 ? 3 : 2) == 0);
		check_extensions(&h.ext, v);
		(void)bm_hello_version(&h);
	}
	if (bm_encrypted_extensions_parse(v, &e))
		check_extensions(&e, v);
	if (bm_ticket_parse(v, &out))
		inside(out, v);
	if (bm_certificate_parse(v, &out))
		inside(out, v);
	if (bm_rsa_key_exchange_parse(v, BM_TLS12, &out))
		inside(out, v);
	if (bm_rsa_key_exchange_parse(v, BM_SSL3, &out))
		must(bm_view_equal(out, v));
}

static void
drain(struct bm_assembler *a, struct bm_buf *out)
{
	struct bm_message m;

	while (bm_assembler_next(a, &m)) {
		must(m.body.n <= m.whole.n && m.whole.n <= MAX);
		must(bm_buf_add(out, m.whole) == BM_OK);
	}
}

/* Random pieces of one stream. */
static void
check_stream(struct bm_view v, unsigned seed)
{
	struct bm_assembler a = {.buf.max = MAX};
	struct bm_assembler b = {.buf.max = MAX};
	struct bm_buf one = {.max = 1 << 24};
	struct bm_buf two = {.max = 1 << 24};

	must(bm_assembler_add(&a, v) == BM_OK);
	drain(&a, &one);
	for (size_t at = 0; at < v.n;) {
		seed = seed * 1103515245 + 12345;
		size_t n = 1 + (seed >> 16) % 97;
		n = n < v.n - at ? n : v.n - at;
		must(bm_assembler_add(&b, bm_view(v.p + at, n)) == BM_OK);
		at += n;
		drain(&b, &two);
	}
	must(bm_view_equal(bm_buf_view(&one), bm_buf_view(&two)));
	must(a.broken == b.broken && a.skip == b.skip && a.buf.n == b.buf.n);
	bm_assembler_clear(&a);
	bm_assembler_clear(&b);
	bm_buf_clear(&one);
	bm_buf_clear(&two);
}

/* The bytes as fragments themselves. */
static void
check_fragments(struct bm_view v)
{
	struct bm_assembler a = {.buf.max = MAX};
	struct bm_buf out = {.max = 1 << 24};

	for (size_t at = 0; at < v.n;) {
		size_t n = 1 + v.p[at];
		n = n < v.n - at ? n : v.n - at;
		must(bm_assembler_add_dtls(&a, bm_view(v.p + at, n)) == BM_OK);
		at += n;
		drain(&a, &out);
	}
	must(bm_assembler_add_dtls(&a, v) == BM_OK);
	drain(&a, &out);
	bm_assembler_clear(&a);
	bm_buf_clear(&out);
}

static void
store24(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 16);
	bm_store16(p + 1, (unsigned)(v & 0xffff));
}

/* The bytes as messages, sent in fragments that overlap, in any order, some twice: all come out. */
static void
check_shuffled(struct bm_view v, unsigned seed)
{
	struct bm_assembler a = {.buf.max = 1 << 16};
	struct bm_buf out = {.max = 1 << 24};
	uint8_t f[12 + 256];
	size_t each = v.n / 4;

	for (unsigned i = 0; i < 64; i++) {
		/* At last every message whole, the last ones first. */
		bool whole = i >= 60;
		seed = seed * 1103515245 + 12345;
		unsigned k = whole ? 63 - i : (seed >> 16) % 4;
		size_t off = whole || each == 0 ? 0 : (seed >> 18) % each;
		for (;;) {
			size_t n = each - off < 256 ? each - off : 256;
			f[0] = BM_CERTIFICATE;
			store24(f + 1, each);
			bm_store16(f + 4, k);
			store24(f + 6, off);
			store24(f + 9, n);
			if (n != 0)
				memcpy(f + 12, v.p + k * each + off, n);
			must(bm_assembler_add_dtls(&a, bm_view(f, 12 + n)) == BM_OK);
			struct bm_message m;
			while (bm_assembler_next(&a, &m))
				must(bm_buf_add(&out, m.body) == BM_OK);
			off += n;
			if (!whole || off == each)
				break;
		}
	}
	must(bm_view_equal(bm_buf_view(&out), bm_view(v.p, 4 * each)));
	bm_assembler_clear(&a);
	bm_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	struct bm_view v = bm_view(p + 1, n - 1);
	check_parsers(v);
	check_stream(v, p[0]);
	check_fragments(v);
	if (v.n < 1 << 15)
		check_shuffled(v, p[0]);
	return 0;
}
