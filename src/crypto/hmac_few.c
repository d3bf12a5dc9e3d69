/* A few short HMACs under keys that are used once: side by side where that is faster than one after
 * the other. Refuses to know what is derived. */
#include "crypto/lib.h"

#include "base/buf.h"
#include "crypto/lanes.h"

/* SHA-384, which has words of 64 bits, blocks of 128 octets, and no instructions of its own in most
 * processors. */
enum { WORDS = 16, DIGEST = 6, BLOCK = WORDS * 8, LEAST = 4, WIDE = 8 };

struct work {
	const struct bm_lane_hash *hash;
	struct bm_lanes state;
	struct bm_lanes keyed; /* of key i: inner in lane 2i, outer in 2i + 1 */
	struct bm_lane_block block;
	size_t lanes;
};

/* As many as are computed, so that all of them have been written to. */
static void
use_lanes(struct work *w, size_t n)
{
	w->lanes = (n + w->hash->step - 1) / w->hash->step * w->hash->step;
	for (size_t t = 0; t < WORDS; t++)
		memset(w->block.w.w64[t], 0, w->lanes * sizeof w->block.w.w64[t][0]);
	for (size_t i = 0; i < 8; i++)
		memset(w->state.s.w64[i], 0, w->lanes * sizeof w->state.s.w64[i][0]);
}

/* RFC 2104, section 2: the blocks with the padded key. */
static void
take_keys(struct work *w, const struct bm_view *keys, size_t n)
{
	union bm_lane_state start;

	bm_lane_start(BM_SHA384, &start);
	use_lanes(w, 2 * n);
	for (size_t l = 0; l < 2 * n; l++) {
		uint8_t padded[BLOCK] = {0};
		uint64_t pad = l % 2 == 0 ? UINT64_C(0x3636363636363636) : UINT64_C(0x5c5c5c5c5c5c5c5c);
		if (keys[l / 2].n != 0)
			memcpy(padded, keys[l / 2].p, keys[l / 2].n);
		for (size_t t = 0; t < WORDS; t++)
			w->block.w.w64[t][l] = bm_load64(padded + 8 * t) ^ pad;
		for (size_t i = 0; i < 8; i++)
			w->state.s.w64[i][l] = start.w64[i];
		bm_wipe(padded, sizeof padded);
	}
	w->hash->few(&w->state, &w->block, w->lanes);
	w->keyed = w->state;
}

/* Lane l goes on from the key's state with its last block: n octets, the first `words` of which
 * stand in text, behind one block. */
static void
put_last(struct work *w, size_t l, size_t keyed, const uint64_t *text, size_t words, size_t n)
{
	for (size_t i = 0; i < 8; i++)
		w->state.s.w64[i][l] = w->keyed.s.w64[i][keyed];
	for (size_t t = 0; t < words; t++)
		w->block.w.w64[t][l] = text[t];
	w->block.w.w64[WORDS - 1][l] = (BLOCK + n) * 8;
}

static void
inner(struct work *w, size_t keys, const struct bm_view *texts, size_t text_count)
{
	use_lanes(w, keys * text_count);
	for (size_t j = 0; j < text_count; j++) {
		uint8_t padded[BLOCK] = {0};
		uint64_t words[WORDS];
		if (texts[j].n != 0)
			memcpy(padded, texts[j].p, texts[j].n);
		padded[texts[j].n] = 0x80;
		for (size_t t = 0; t < WORDS; t++)
			words[t] = bm_load64(padded + 8 * t);
		for (size_t i = 0; i < keys; i++)
			put_last(w, i * text_count + j, 2 * i, words, WORDS - 1, texts[j].n);
	}
	w->hash->few(&w->state, &w->block, w->lanes);
}

static void
outer(struct work *w, size_t keys, size_t text_count)
{
	uint64_t digest[DIGEST + 1][BM_HMAC_FEW];
	size_t n = keys * text_count;

	for (size_t t = 0; t < DIGEST; t++)
		memcpy(digest[t], w->state.s.w64[t], n * sizeof digest[t][0]);
	use_lanes(w, n);
	for (size_t l = 0; l < n; l++) {
		uint64_t words[DIGEST + 1];
		for (size_t t = 0; t < DIGEST; t++)
			words[t] = digest[t][l];
		words[DIGEST] = UINT64_C(0x80) << 56;
		put_last(w, l, 2 * (l / text_count) + 1, words, DIGEST + 1, DIGEST * 8);
	}
	w->hash->few(&w->state, &w->block, w->lanes);
	bm_wipe(digest, sizeof digest);
}

static void
wipe_work(struct work *w)
{
	for (size_t t = 0; t < BM_LANE_ROUNDS; t++)
		bm_wipe(w->block.w.w64[t], w->lanes * sizeof w->block.w.w64[t][0]);
	bm_wipe(&w->state, sizeof w->state);
	bm_wipe(&w->keyed, sizeof w->keyed);
}

bool
hmac_few_in_lanes(enum bm_hash h, const struct bm_view *keys, size_t key_count,
	const struct bm_view *texts, size_t text_count, uint8_t (*tags)[BM_HASH_MAX])
{
	struct work w;
	size_t n = key_count * text_count;

	w.hash = h == BM_SHA384 && n >= LEAST ? bm_lane_hash(h) : NULL;
	if (w.hash == NULL || w.hash->step < WIDE)
		return false;
	take_keys(&w, keys, key_count);
	inner(&w, key_count, texts, text_count);
	outer(&w, key_count, text_count);
	for (size_t l = 0; l < n; l++)
		for (size_t t = 0; t < DIGEST; t++)
			bm_store64(tags[l] + 8 * t, w.state.s.w64[t][l]);
	wipe_work(&w);
	return true;
}
