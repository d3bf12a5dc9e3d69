/* Any record under any suite, version and position: checks that asking for plaintext changes no
 * verdict, that a record whose MAC is put right verifies, and that nothing is written but the
 * outcome. Keys are fixed. */
#include "verify/verify.h"

#include <stdlib.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct bm_scratch scratch;

/* False when suite and version do not go together. */
static bool
make_keys(struct bm_reader *r, struct bm_traffic_keys *k)
{
	static const uint16_t versions[] = {
		BM_SSL3, BM_TLS10, BM_TLS11, BM_TLS12, BM_TLS13, BM_DTLS10, BM_DTLS12, BM_DTLS13};
	size_t count;
	const struct bm_suite *table = bm_suite_table(&count);
	uint8_t flags;

	memset(k, 0, sizeof(*k));
	k->suite = &table[bm_u16(r) % count];
	flags = bm_u8(r);
	k->version = versions[flags & 7];
	k->encrypt_then_mac = (flags & 8) != 0;
	k->truncated_hmac = (flags & 16) != 0;
	k->draft = (flags & 32) != 0 ? 18 : 0;
	for (size_t i = 0; i < sizeof(k->key); i++) {
		k->key[i] = (uint8_t)(i * 7 + 1);
		k->mac_key[i] = (uint8_t)(i * 5 + 2);
		k->iv[i % sizeof(k->iv)] = (uint8_t)(i * 3 + 3);
	}
	return k->suite->verifiable;
}

static void
same_outcome(const struct bm_outcome *a, const struct bm_outcome *b)
{
	must(a->result == b->result && a->type == b->type && a->tag_len == b->tag_len);
	must(memcmp(a->computed, b->computed, sizeof(a->computed)) == 0);
	must(memcmp(a->received, b->received, sizeof(a->received)) == 0);
	must(a->padding == b->padding || a->padding == 0);
	must(b->plain.n <= sizeof(scratch.bytes));
}

/* Where the MAC stands in the clear behind what it covers, it can be put right. */
static void
put_right(const struct bm_protection *p, const struct bm_position *pos, struct bm_wire w,
	const struct bm_outcome *o)
{
	const struct bm_traffic_keys *k = bm_protection_keys(p);
	struct bm_outcome good;
	bool cbc = k->suite->mode == BM_MODE_CBC;

	if (o->result != BM_BAD_TAG || k->suite->cipher == BM_RC4)
		return;
	if (cbc && (!k->encrypt_then_mac || k->version == BM_SSL3))
		return;
	uint8_t *body = malloc(w.body.n);
	must(body != NULL);
	memcpy(body, w.body.p, w.body.n);
	memcpy(body + w.body.n - o->tag_len, o->computed, o->tag_len);
	w.body.p = body;
	must(bm_verify(p, pos, &w, false, &scratch, &good) == BM_OK);
	must(good.result == BM_VERIFIED || good.result == BM_BAD_INNER ||
		 (cbc && good.result == BM_BAD_PADDING));
	must(memcmp(good.computed, o->computed, o->tag_len) == 0);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_reader r = bm_reader(bm_view(p, n));
	struct bm_traffic_keys k;
	struct bm_protection *protection;
	struct bm_position pos;
	struct bm_position before;
	struct bm_outcome a;
	struct bm_outcome b;

	if (!make_keys(&r, &k) || bm_protection_new(&protection, &k) != BM_OK)
		return 0;
	must(bm_protection_tag_len(protection) != 0);
	bm_position_start(protection, &pos);
	pos.seq = bm_u64(&r);
	struct bm_wire w = {.type = bm_u8(&r), .version = bm_u16(&r)};
	w.cid = bm_vec8(&r);
	w.header = bm_vec8(&r);
	/* Several records in a row, each behind its length. */
	for (int i = 0; i < 8 && !r.bad && bm_left(&r) != 0; i++) {
		w.body = bm_vec16(&r);
		memcpy(&before, &pos, sizeof(pos));
		must(bm_verify(protection, &pos, &w, false, &scratch, &a) == BM_OK);
		must(bm_verify(protection, &pos, &w, true, &scratch, &b) == BM_OK);
		same_outcome(&a, &b);
		put_right(protection, &pos, w, &a);
		must(memcmp(&before, &pos, sizeof(pos)) == 0);
		bm_position_after(protection, &pos, &w, &pos);
	}
	bm_protection_free(protection);
	return 0;
}
