/* What the files of this folder share: the set-up keys, the outcome being put together.
 * Refuses to be included from anywhere else. */
#ifndef BM_VERIFY_INTERNAL_H
#define BM_VERIFY_INTERNAL_H

#include "verify/verify.h"

enum { NONCE = 12, SEQ_BYTES = 8, CID_MAX = 255, TRUNCATED_MAC = 10 };

/* TLS 1.3 authenticates its header since this draft. */
enum { HEADER_SINCE_DRAFT = 25 };

struct bm_protection {
	struct bm_traffic_keys keys;
	unsigned rules; /* TLS version of the same rules */
	bool dtls;
	bool encrypt_then_mac; /* negotiated, and means something here */
	size_t block;          /* CBC, else 1 */
	size_t record_iv;      /* octets of IV or nonce in front of the ciphertext */
	size_t tag_len;
	struct bm_aead *aead;
	struct bm_cbc *cbc;
	struct bm_hmac *hmac; /* TLS */
	struct bm_rc4 *rc4;   /* the state of the first record */
};

/* Everything that one check works on. */
struct check {
	const struct bm_protection *p;
	const struct bm_position *pos;
	const struct bm_wire *w;
	bool want_plain;
	uint8_t *scratch;
	struct bm_rc4 *rc4;
	struct bm_outcome *o;
};

/* What stands before the content in a MAC, and what AEAD authenticates beside the text. */
struct pseudo_header {
	/* RFC 9146, section 5: the longest form. */
	uint8_t bytes[SEQ_BYTES + 1 + 1 + 1 + 2 + SEQ_BYTES + CID_MAX + 2];
	size_t n;
};

/* A connection id brings the content type inside (RFC 9146, section 4). */
bool has_cid(const struct check *c);
/* SSL 3.0 to TLS 1.2; len: as authenticated. */
void pseudo_header(const struct check *c, size_t len, struct pseudo_header *h);

/* The MAC over the text into o->computed, cut to what the wire carries. */
enum bm_status compute_mac(const struct check *c, struct bm_view text);
/* Takes the MAC or tag of the wire; true when it is the computed one. */
bool tag_holds(const struct check *c, const uint8_t *received);

/* Each fills c->o. The body is at least as long as record_iv and tag_len together. */
enum bm_status check_aead(const struct check *c);

/* The others in two steps, between which o->computed becomes the MAC over text. */
struct mac_work {
	struct bm_view text;
	const uint8_t *received; /* the MAC of the wire */
	bool well;               /* MAC-then-encrypt: the padding is as it must be */
	enum bm_status status;   /* of the first step */
};
/* False: there is no MAC to be computed, as o says or the status. */
bool begin_mac_then_encrypt(const struct check *c, struct mac_work *m);
enum bm_status end_mac_then_encrypt(const struct check *c, const struct mac_work *m);
bool begin_encrypt_then_mac(const struct check *c, struct mac_work *m);
enum bm_status end_encrypt_then_mac(const struct check *c, const struct mac_work *m);
bool begin_stream(const struct check *c, struct mac_work *m);
enum bm_status end_stream(const struct check *c, const struct mac_work *m);

/* Parts inner, a whole plaintext with its type inside: content, type, zeros. With the tag right
 * (`good`) o's type is set, or its result when there is none. */
void part_inner(const struct check *c, struct bm_view inner, bool good);

#endif
