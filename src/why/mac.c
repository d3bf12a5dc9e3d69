/* One MAC by another rule than the connection's own: the hash with its key in HMAC's way or in
 * that of SSL 3.0. Refuses to know records. */
#include "why/record.h"

#include "base/buf.h"

/* RFC 6101, section 5.2.3.1. */
static enum bm_status
ssl3_mac(
	enum bm_hash hash, struct bm_view key, struct bm_view head, struct bm_view text, uint8_t *out)
{
	enum { PAD_MD5 = 48, PAD_SHA1 = 40 };
	size_t n = hash == BM_MD5 ? PAD_MD5 : PAD_SHA1;
	uint8_t pad[PAD_MD5];
	uint8_t inner[BM_HASH_MAX];

	memset(pad, 0x36, sizeof pad);
	struct bm_view in[] = {key, {pad, n}, head, text};
	enum bm_status st = bm_hash_once(hash, in, 4, inner);
	if (st != BM_OK)
		return st;
	memset(pad, 0x5c, sizeof pad);
	struct bm_view over[] = {key, {pad, n}, {inner, bm_hash_size(hash)}};
	return bm_hash_once(hash, over, 3, out);
}

enum bm_status
bm_mac_of(enum bm_hash hash, bool ssl3, struct bm_view key, struct bm_view head,
	struct bm_view text, uint8_t out[BM_HASH_MAX])
{
	struct bm_hmac *m = NULL;

	if (ssl3)
		return ssl3_mac(hash, key, head, text, out);
	enum bm_status st = bm_hmac_new(&m, hash, key);
	if (st != BM_OK)
		return st;
	struct bm_view v[] = {head, text};
	st = bm_hmac_tag(m, v, 2, out);
	bm_hmac_free(m);
	return st;
}
