/* A damaged record made ready for the search: its text, the blocks of its MAC input, and the
 * states between them. Refuses to know what might have happened to it. */
#include "repair/hmac.h"

#include <stdlib.h>

enum { SSL3_PAD_MD5 = 48, SSL3_PAD_SHA1 = 40, IPAD = 0x36, OPAD = 0x5c };

/* MD5, SHA-1 and SHA-2 pad alike, except for the order of the length's octets. `m` has room. */
static size_t
pad(enum bm_hash h, uint8_t *m, size_t n, size_t before)
{
	size_t block = bm_hash_block(h);
	size_t total = (n + 1 + block / 8 + block - 1) / block * block;
	uint64_t bits = (uint64_t)(before + n) * 8;

	memset(m + n, 0, total - n);
	m[n] = 0x80;
	for (size_t i = 0; i < 8; i++)
		m[h == BM_MD5 ? total - 8 + i : total - 1 - i] = (uint8_t)(bits >> 8 * i);
	return total / block;
}

/* The padding of the text as received: where the MAC would stand, and what is wrong with it. */
static void
lay_out(struct hs_base *b)
{
	const struct bm_mac_rules *r = &b->rules;
	size_t behind = r->tag_len;

	b->layout = true;
	if (r->order == BM_MAC_THEN_ENCRYPT) {
		uint8_t last = b->text[b->text_n - 1];
		size_t padding = (size_t)last + 1;
		b->layout = padding + r->tag_len <= b->text_n && (!r->ssl3 || padding <= r->block);
		if (!b->layout)
			return;
		behind += padding;
		for (size_t i = b->text_n - padding; i < b->text_n && !r->ssl3; i++) {
			if (b->text[i] == last)
				continue;
			if (b->bad_to == 0)
				b->bad_from = i;
			b->bad_to = i + 1;
		}
	}
	b->content_n = b->text_n - behind;
}

/* RFC 6101, section 5.2.3.1: key and padding stand in front, whole blocks or not. */
static void
ssl3_frame(struct hs_base *b, size_t *n)
{
	const struct bm_mac_rules *r = &b->rules;
	size_t padding = r->hash == BM_MD5 ? SSL3_PAD_MD5 : SSL3_PAD_SHA1;

	memcpy(b->input, r->key.p, r->key.n);
	memset(b->input + r->key.n, IPAD, padding);
	memcpy(b->outer_text, r->key.p, r->key.n);
	memset(b->outer_text + r->key.n, OPAD, padding);
	b->hole = *n = r->key.n + padding;
	bm_lane_start(r->hash, &b->before[0]);
	bm_lane_start(r->hash, &b->outer);
	b->outer_blocks = pad(r->hash, b->outer_text, b->hole + bm_hash_size(r->hash), 0);
}

/* One block onto the standard's first state, in lane 0. */
static void
keyed_state(struct hmac_search *s, uint8_t with, union bm_lane_state *out)
{
	const struct bm_mac_rules *r = &s->base.rules;
	struct hs_worker *w = s->worker[0];
	uint8_t key[128];
	union bm_lane_state start;

	memset(key, with, sizeof(key));
	for (size_t i = 0; i < r->key.n; i++)
		key[i] ^= r->key.p[i];
	bm_lane_start(r->hash, &start);
	bm_lanes_set(r->hash, &w->lanes, &start);
	bm_lane_block_set(r->hash, &w->block, key);
	s->base.lane->own(&w->lanes, &w->block);
	for (size_t i = 0; i < 8; i++)
		if (r->hash == BM_SHA384)
			out->w64[i] = w->lanes.s.w64[i][0];
		else
			out->w32[i] = w->lanes.s.w32[i][0];
	bm_wipe(key, sizeof(key));
}

/* RFC 2104. TLS's keys are as long as the hash, never longer than its block. */
static void
hmac_frame(struct hmac_search *s)
{
	struct hs_base *b = &s->base;
	enum bm_hash h = b->rules.hash;

	keyed_state(s, IPAD, &b->before[0]);
	keyed_state(s, OPAD, &b->outer);
	b->outer_blocks = pad(h, b->outer_text, bm_hash_size(h), bm_hash_block(h));
}

static enum bm_status
make_input(struct hmac_search *s)
{
	struct hs_base *b = &s->base;
	const struct bm_damaged *d = s->d;
	size_t block = b->lane->block, n = 0;
	/* Key and padding of SSL 3.0, header, content, padding of two blocks at most. */
	size_t room = 128 + BM_MAC_HEADER_MAX + b->content_n + 2 * block;

	b->input = malloc(room);
	b->before = calloc(room / block + 1, sizeof(*b->before));
	b->schedule = malloc((room / block + 1) * b->lane->schedule);
	if (b->input == NULL || b->before == NULL || b->schedule == NULL)
		return BM_NOMEM;
	if (b->rules.ssl3)
		ssl3_frame(b, &n);
	else
		hmac_frame(s);
	n += bm_mac_header(d->protection, d->position, &d->wire, b->content_n, b->input + n);
	b->prefix = n;
	if (b->content_n != 0)
		memcpy(b->input + n, b->text, b->content_n);
	b->blocks = pad(b->rules.hash, b->input, n + b->content_n, b->rules.ssl3 ? 0 : block);
	for (size_t i = 0; i < b->blocks; i++)
		bm_lane_schedule(
			b->rules.hash, b->input + i * block, (uint8_t *)b->schedule + i * b->lane->schedule);
	hs_run_base(s);
	return BM_OK;
}

static enum bm_status
take_memory(struct hmac_search *s)
{
	size_t head = s->d->wire.header.n, body = s->d->wire.body.n;

	s->altered = malloc(head + body + 1);
	s->base.text = malloc(body + 1);
	s->round = malloc(HS_CHUNKS * HS_CHUNK * sizeof(*s->round));
	s->worker = calloc(bm_pool_workers(s->d->pool), sizeof(struct hs_worker *));
	if (s->altered == NULL || s->base.text == NULL || s->round == NULL || s->worker == NULL)
		return BM_NOMEM;
	s->worker[0] = hs_worker_new(s);
	if (s->worker[0] == NULL)
		return s->status;
	if (head != 0)
		memcpy(s->altered, s->d->wire.header.p, head);
	if (body != 0)
		memcpy(s->altered + head, s->d->wire.body.p, body);
	return BM_OK;
}

/* AES costs next to nothing; a block of any other cipher as much as hashing this on. */
static uint64_t
block_cost(const struct hmac_search *s)
{
	enum { AES = 32, OTHERS = 1024 };
	enum bm_cipher c = bm_protection_keys(s->d->protection)->suite->cipher;

	if (s->base.rules.order != BM_MAC_THEN_ENCRYPT)
		return 0;
	return c == BM_AES128 || c == BM_AES256 ? AES : OTHERS;
}

enum bm_status
hs_open(struct hmac_search *s)
{
	const struct bm_damaged *d = s->d;
	struct hs_base *b = &s->base;
	struct bm_view body = d->wire.body;

	bm_protection_mac(d->protection, &b->rules);
	if (b->rules.order == BM_MAC_NONE)
		return BM_USAGE;
	enum bm_status st =
		bm_verify(d->protection, d->position, &d->wire, true, s->scratch, &b->outcome);
	if (st != BM_OK)
		return st;
	if (b->outcome.result != BM_BAD_TAG && b->outcome.result != BM_BAD_PADDING)
		return BM_OK; /* nothing to repair, or nothing that could be */
	st = take_memory(s);
	if (st != BM_OK)
		return st;
	size_t iv = b->rules.order == BM_MAC_THEN_ENCRYPT ? b->rules.record_iv : 0;
	b->text_n = body.n - iv;
	memcpy(b->text, b->rules.order == BM_MAC_ENCRYPT_THEN ? body.p : s->scratch->bytes, b->text_n);
	lay_out(b);
	b->block_cost = block_cost(s);
	b->lane = bm_lane_hash(b->rules.hash);
	return b->lane != NULL && b->layout ? make_input(s) : BM_OK;
}

void
hs_close(struct hmac_search *s)
{
	struct hs_base *b = &s->base;
	size_t record = s->d->wire.header.n + s->d->wire.body.n;
	size_t block = b->lane != NULL ? b->lane->block : 1;

	bm_wipe_free(b->text, b->text_n);
	bm_wipe_free(b->input, b->blocks * block);
	bm_wipe_free(b->before, b->blocks * sizeof(*b->before));
	bm_wipe_free(b->schedule, b->lane != NULL ? b->blocks * b->lane->schedule : 0);
	bm_wipe_free(s->altered, record);
	for (unsigned i = 0; s->worker != NULL && i < bm_pool_workers(s->d->pool); i++)
		hs_worker_free(s->worker[i]);
	free(s->worker);
	free(s->round); /* holds nothing that was not on the wire */
	bm_wipe(b, sizeof(*b));
}
