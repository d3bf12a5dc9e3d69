/* Handshake messages out of the records of a TLS stream (RFC 8446, section 5.1). Refuses to know
 * what they say. What passes through may be plaintext of protected records and is wiped. */
#include "tls/fragments.h"

#include <stdlib.h>

enum { MESSAGE_HEADER = 4 };

/* Room for n more bytes; what moves leaves nothing behind. */
static enum bm_status
make_room(struct bm_assembler *a, size_t n)
{
	size_t need = a->buf.n + n;

	if (need <= a->buf.cap)
		return BM_OK;
	size_t cap = a->buf.cap < 256 ? 256 : a->buf.cap * 2;
	if (cap < need)
		cap = need;
	uint8_t *p = malloc(cap);
	if (p == NULL)
		return BM_NOMEM;
	if (a->buf.n != 0)
		memcpy(p, a->buf.p, a->buf.n);
	size_t filled = a->buf.n;
	bm_buf_wipe(&a->buf);
	a->buf.p = p;
	a->buf.n = filled;
	a->buf.cap = cap;
	return BM_OK;
}

/* Drops what has been dealt with. */
static void
compact(struct bm_assembler *a)
{
	size_t left = a->buf.n - a->used;

	if (a->used == 0)
		return;
	if (left != 0)
		memmove(a->buf.p, a->buf.p + a->used, left);
	bm_wipe(a->buf.p + left, a->used);
	a->buf.n = left;
	a->used = 0;
}

enum bm_status
bm_assembler_add(struct bm_assembler *a, struct bm_view fragment)
{
	compact(a);
	if (a->buf.n > a->buf.max)
		return BM_LIMIT;
	size_t passed = a->skip < fragment.n ? a->skip : fragment.n;
	size_t n = fragment.n - passed;
	if (n != 0) {
		enum bm_status st = make_room(a, n);
		if (st != BM_OK)
			return st;
		memcpy(a->buf.p + a->buf.n, fragment.p + passed, n);
		a->buf.n += n;
	}
	a->skip -= passed;
	return BM_OK;
}

enum bm_status
bm_assembler_add_dtls(struct bm_assembler *a, struct bm_view fragment)
{
	if (a->dtls == NULL)
		a->dtls = bm_handshake_fragments_new(a->buf.max);
	return a->dtls != NULL ? bm_handshake_fragments_add(a->dtls, fragment, &a->broken) : BM_NOMEM;
}

bool
bm_assembler_next(struct bm_assembler *a, struct bm_message *m)
{
	if (a->dtls != NULL)
		return bm_handshake_fragments_next(a->dtls, m);
	for (;;) {
		size_t left = a->buf.n - a->used;
		if (left < MESSAGE_HEADER)
			break;
		const uint8_t *p = a->buf.p + a->used;
		size_t n = MESSAGE_HEADER + (size_t)bm_load24(p + 1);
		if (n > a->buf.max) {
			a->broken = true;
			a->skip = n > left ? n - left : 0;
			a->used += n > left ? left : n;
			continue;
		}
		if (left < n)
			break;
		m->type = p[0];
		m->whole = bm_view(p, n);
		m->body = bm_view(n != MESSAGE_HEADER ? p + MESSAGE_HEADER : NULL, n - MESSAGE_HEADER);
		a->used += n;
		return true;
	}
	compact(a);
	return false;
}

size_t
bm_assembler_size(const struct bm_assembler *a)
{
	return a->buf.cap + (a->dtls != NULL ? bm_handshake_fragments_size(a->dtls) : 0);
}

void
bm_assembler_clear(struct bm_assembler *a)
{
	size_t max = a->buf.max;

	bm_buf_wipe(&a->buf);
	bm_handshake_fragments_free(a->dtls);
	memset(a, 0, sizeof *a);
	a->buf.max = max;
}
