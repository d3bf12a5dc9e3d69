/* Any bytes as a stream and as a datagram: the finders say the same however much has been seen,
 * records of a datagram fill it without overlap. Knows nothing of handshakes. */
#include "tls/record.h"

#include <stdlib.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

typedef size_t find_fn(struct bm_view v, bool *need_more);

/* A copy to the exact size: reading on is seen. */
static size_t
find_in(find_fn *find, const uint8_t *p, size_t n, bool *more)
{
	uint8_t *q = malloc(n != 0 ? n : 1);

	must(q != NULL);
	if (n != 0)
		memcpy(q, p, n);
	size_t at = find(bm_view(q, n), more);
	free(q);
	must(at <= n && (at == n || !*more));
	return at;
}

static void
check_finder(find_fn *find, const uint8_t *p, size_t n)
{
	bool more;
	size_t whole = find_in(find, p, n, &more);

	for (size_t cut = n; cut > 0 && n - cut < 600; cut = cut - 1 - cut / 64) {
		size_t at = find_in(find, p, cut, &more);
		/* What is found stays; what is not found yet was not excluded. */
		must(at < cut ? at == whole : whole >= cut || more);
	}
}

static void
check_datagram(const uint8_t *p, size_t n, size_t cid_len)
{
	struct bm_reader r = bm_reader(bm_view(p, n));
	struct bm_dtls_record d;
	size_t at = 0;
	bool bad;

	while (bm_dtls_next(&r, cid_len, &d, &bad)) {
		must(!bad && d.header.p == p + at && d.header.n + d.body.n <= n - at);
		must(d.body.n == 0 || d.body.p == d.header.p + d.header.n);
		must((size_t)d.seq_off + d.seq_len <= d.header.n);
		must(d.cid.n == 0 || d.cid.n == cid_len);
		must(d.body.n <= BM_BODY_MAX && (d.unified || d.type != 0));
		at += d.header.n + d.body.n;
	}
	must(bad || at == n);
	(void)bm_dtls_starts(bm_view(p, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	check_finder(bm_find_client_hello, p, n);
	check_finder(bm_find_server_hello, p, n);
	for (size_t cid_len = 0; cid_len < 4; cid_len++)
		check_datagram(p, n, cid_len);
	if (n >= BM_HEADER) {
		struct bm_record_header h = bm_record_header(p);
		if (bm_record_plausible(h, h.version))
			must(h.length <= BM_BODY_MAX);
		if (bm_record_plausible(h, 0))
			must(bm_record_plausible(h, h.version) && bm_version_name(h.version) != NULL);
	}
	return 0;
}
