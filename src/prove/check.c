/* One check of one record, by every library there is. Refuses to know what is to come of it. */
#include "prove/internal.h"

#include "crypto/crypto.h"

enum { RECORD_NUMBER_BITS = 48 };

bool
check_is_chained(const struct bm_traffic_keys *k)
{
	unsigned rules = bm_version_rules(k->version);

	return k->suite->cipher == BM_RC4 ||
		   (k->suite->mode == BM_MODE_CBC && (rules == BM_SSL3 || rules == BM_TLS10));
}

static bool
have_both(void)
{
	/* What cannot be had changes nothing. */
	bool had = bm_crypto_choose(BM_BACKEND_IPSEC_MB) == BM_OK;

	(void)!bm_crypto_choose(BM_BACKEND_OPENSSL);
	return had;
}

const char *
check_libraries(void)
{
	return have_both() ? "OpenSSL and ipsec-mb" : "OpenSSL";
}

/* The record as it stands there, and the number that it is checked at; false: it is none. */
static bool
read_record(const struct check *c, const struct bm_protection *p, uint8_t *header,
	struct bm_wire *w, uint64_t *seq, size_t *used)
{
	if (c->dtls) {
		struct bm_reader r = bm_reader(c->record);
		struct bm_dtls_record record;
		bool bad;
		if (!bm_dtls_next(&r, c->cid_len, &record, &bad) ||
			!bm_dtls_wire(p, &record, c->seq, header, w, seq))
			return false;
		*used = record.header.n + record.body.n;
		return (*seq & ((UINT64_C(1) << RECORD_NUMBER_BITS) - 1)) == c->seq;
	}
	if (c->record.n < BM_HEADER)
		return false;
	struct bm_record_header hdr = bm_record_header(c->record.p);
	if (c->record.n - BM_HEADER < hdr.length)
		return false;
	*w = (struct bm_wire){.type = hdr.type,
		.version = hdr.version,
		.header = bm_view(c->record.p, BM_HEADER),
		.body = bm_view(c->record.p + BM_HEADER, hdr.length)};
	*seq = c->seq;
	*used = BM_HEADER + (size_t)hdr.length;
	return true;
}

static bool
stand(const struct check *c, const struct bm_protection *p, uint64_t seq, struct bm_position *pos)
{
	bm_position_start(p, pos);
	if (c->position != NULL)
		*pos = *c->position;
	pos->seq = seq;
	if (c->iv.n != 0) {
		if (c->iv.n != bm_cipher_block(bm_protection_keys(p)->suite->cipher) ||
			bm_protection_keys(p)->suite->mode != BM_MODE_CBC)
			return false;
		memcpy(pos->iv, c->iv.p, c->iv.n);
	}
	if (c->keystream == BADMAC_UNKNOWN)
		return true;
	enum { FAR = 1 << 28 }; /* octets: a quarter of a second */
	struct bm_position start;
	bm_position_start(p, &start);
	if (c->keystream > FAR || bm_protection_keys(p)->suite->cipher != BM_RC4)
		return false;
	bm_rc4_skip(&start.rc4, c->keystream);
	pos->rc4 = start.rc4;
	bm_wipe(&start, sizeof start);
	return true;
}

/* With so many octets at the end taken for padding, whatever they say, is the MAC before them
 * right? The record was decrypted into the scratch. */
static enum bm_status
look_before_padding(const struct check *c, const struct bm_protection *p,
	const struct bm_position *pos, const struct bm_wire *w, struct bm_scratch *scratch, bool *right)
{
	struct bm_mac_rules r;
	uint8_t head[BM_MAC_HEADER_MAX], mac[BM_HASH_MAX];

	*right = false;
	bm_protection_mac(p, &r);
	if (r.order != BM_MAC_THEN_ENCRYPT || w->body.n < r.record_iv)
		return BM_OK;
	size_t n = w->body.n - r.record_iv;
	if (n < r.tag_len || n - r.tag_len < c->padding)
		return BM_OK;
	size_t len = n - r.tag_len - (size_t)c->padding;
	struct bm_view text[] = {
		bm_view(head, bm_mac_header(p, pos, w, len, head)), bm_view(scratch->bytes, len)};
	enum bm_status st = mac_make(&r, text[0], text[1], mac);
	*right = st == BM_OK && memcmp(mac, scratch->bytes + len, r.tag_len) == 0;
	return st;
}

static enum bm_status
make(const struct check *c, struct bm_scratch *scratch, struct checked *out)
{
	struct bm_protection *p = NULL;
	struct bm_position pos;
	struct bm_outcome o;
	struct bm_wire w;
	uint8_t header[BM_DTLS_HEADER_MAX];
	uint64_t seq;

	*out = (struct checked){.made = false};
	enum bm_status st = bm_protection_new(&p, c->keys);
	if (st != BM_OK)
		return st;
	out->tag_len = bm_protection_tag_len(p);
	bool ready = read_record(c, p, header, &w, &seq, &out->used) && stand(c, p, seq, &pos);
	if (ready && c->rule != NULL) {
		st = rule_check(c, p, &pos, &w, scratch, out);
	} else if (ready) {
		bool padding = c->padding != BADMAC_UNKNOWN;
		st = bm_verify(p, &pos, &w, padding, scratch, &o);
		out->made = st == BM_OK;
		out->result = o.result;
		if (st == BM_OK && padding && o.result != BM_BAD_LENGTH && o.result != BM_VERIFIED) {
			bool right;
			st = look_before_padding(c, p, &pos, &w, scratch, &right);
			out->result = right ? BM_VERIFIED : o.result;
		}
	}
	bm_wipe(scratch->bytes, sizeof scratch->bytes);
	bm_wipe(&pos, sizeof pos);
	bm_protection_free(p);
	return st;
}

size_t
check_tag_len(const struct bm_traffic_keys *k)
{
	struct bm_protection *p = NULL;
	size_t n = bm_protection_new(&p, k) == BM_OK ? bm_protection_tag_len(p) : 0;

	bm_protection_free(p);
	return n;
}

enum bm_status
check_make(const struct check *c, struct bm_scratch *scratch, struct checked *out, bool *agree)
{
	struct checked again;

	*agree = true;
	bool both = have_both();
	enum bm_status st = make(c, scratch, out);
	if (st != BM_OK || !both || bm_crypto_choose(BM_BACKEND_IPSEC_MB) != BM_OK)
		return st;
	st = make(c, scratch, &again);
	(void)!bm_crypto_choose(BM_BACKEND_OPENSSL);
	*agree = st == BM_OK && again.made == out->made &&
			 (!out->made || again.result == out->result) && again.tag_len == out->tag_len;
	return st;
}
