/* How long a record was of which only the end is left. Under AEAD the keystream goes by the octet's
 * place in its record, so of all lengths just the right one gives content, where content looks like
 * any. Refuses to know how its beginning was lost. */
#include "why/tail.h"

#include "base/buf.h"
#include "why/record.h"

#include <stdlib.h>

enum {
	LOOKED = 64,
	RARE = -60, /* base-2 logarithm: 2^14 lengths leave 2^-46 */
	CONTENT_MOST = 16384 + 256,
	NONCE = 8
};

uint32_t
bm_least_record(const struct bm_why *w)
{
	const struct bm_traffic_keys *k = bm_protection_keys(w->c->protection);
	uint32_t n = BM_HEADER + (uint32_t)bm_protection_tag_len(w->c->protection);
	uint32_t block = (uint32_t)bm_cipher_block(k->suite->cipher);

	if (k->suite->mode == BM_MODE_CBC)
		return n + (bm_version_rules(k->version) >= BM_TLS11 ? block : 0) + 1;
	if (bm_version_rules(k->version) == BM_TLS13)
		return n + 1;
	bool nonce = k->suite->mode == BM_MODE_GCM || k->suite->mode == BM_MODE_CCM;
	return n + (nonce ? NONCE : 0);
}

struct tail {
	const struct bm_why *w;
	struct bm_view end; /* octets in front of the tag */
	uint8_t *body, *keystream;
	size_t nonce_n, tag_n;
};

/* The one length under this nonce; 0: none, or more than one. */
static uint32_t
length_under(struct tail *t, uint64_t seq, bool inner_type)
{
	const struct bm_case *c = t->w->c;
	struct bm_position pos = *c->position;
	struct bm_aead_parts parts;
	uint32_t found = 0;
	size_t body_n = t->nonce_n + CONTENT_MOST + t->tag_n, skip = inner_type ? 1 : 0;
	uint8_t header[BM_HEADER] = {BM_APPLICATION_DATA, 3, 3}, look[LOOKED];

	memset(t->body + t->nonce_n, 0, CONTENT_MOST + t->tag_n);
	bm_store16(header + 3, (unsigned)body_n);
	struct bm_wire wire = {.type = header[0],
		.version = 0x0303,
		.header = bm_view(header, sizeof header),
		.body = bm_view(t->body, body_n)};
	pos.seq = seq;
	if (!bm_verify_parts(c->protection, &pos, &wire, &parts) || parts.text.n != CONTENT_MOST ||
		bm_aead_decrypt_at(parts.aead, parts.nonce, 0, parts.text, t->keystream) != BM_OK)
		return 0;
	const uint8_t *p = t->end.p + t->end.n - LOOKED - skip;
	for (uint32_t n = LOOKED + (uint32_t)skip; n <= CONTENT_MOST; n++) {
		const uint8_t *ks = t->keystream + n - LOOKED - skip;
		for (size_t i = 0; i < LOOKED; i++)
			look[i] = p[i] ^ ks[i];
		if (bm_look_chance(look, LOOKED) > RARE)
			continue;
		if (found != 0)
			return 0;
		found = n;
	}
	bm_wipe(look, sizeof look);
	return found;
}

/* Nonces that travel with the record count in most stacks: from its number, or from the one before
 * it. */
static void
guess_nonce(const struct tail *t, uint64_t seq, bool from_number)
{
	const struct bm_case *c = t->w->c;
	uint64_t n = from_number ? seq : bm_load64(c->record + BM_HEADER) + (seq - c->seq);

	for (size_t i = 0; i < NONCE; i++)
		t->body[i] = (uint8_t)(n >> 8 * (NONCE - 1 - i));
}

bool
bm_tail_length(const struct bm_why *w, uint64_t seq, uint32_t from, uint32_t end, uint32_t *length)
{
	enum { COST = 16000000 }; /* nanoseconds of one look at every length, about */
	const struct bm_case *c = w->c;
	const struct bm_traffic_keys *k = bm_protection_keys(c->protection);
	bool tls13 = bm_version_rules(k->version) == BM_TLS13;
	struct tail t = {.w = w, .tag_n = bm_protection_tag_len(c->protection)};
	uint32_t found = 0;

	if (k->suite->mac != BM_HASH_NONE || end > c->region || end < from ||
		end - from < LOOKED + 1 + t.tag_n)
		return false;
	t.nonce_n = !tls13 && k->suite->mode != BM_MODE_POLY1305 ? NONCE : 0;
	t.end = bm_view(c->record + from, end - from - t.tag_n);
	t.body = calloc(1, t.nonce_n + CONTENT_MOST + t.tag_n);
	t.keystream = calloc(1, CONTENT_MOST);
	if (t.body != NULL && t.keystream != NULL) {
		for (int way = 0; way < (t.nonce_n != 0 ? 2 : 1) && found == 0; way++) {
			if (t.nonce_n != 0)
				guess_nonce(&t, seq, way == 1);
			found = length_under(&t, seq, tls13);
		}
		bm_wipe(t.keystream, CONTENT_MOST);
	}
	*w->spent += COST;
	free(t.body);
	free(t.keystream);
	*length = BM_HEADER + (uint32_t)t.nonce_n + found + (uint32_t)t.tag_n;
	return found != 0;
}
