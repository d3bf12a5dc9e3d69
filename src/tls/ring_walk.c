/* The pool of the keyring from its first entry to the last. Refuses to know what is looked for. */
#include "tls/keyring_internal.h"

bool
bm_keyring_walk(const struct bm_keyring *k, uint64_t *at, struct bm_ring_entry *out)
{
	uint64_t ref = *at != 0 ? *at : 1; /* 0 is no reference */

	while (ref / CHUNK_WORDS < k->chunk_count) {
		size_t chunk = (size_t)(ref / CHUNK_WORDS);
		uint64_t word = ref % CHUNK_WORDS;
		uint64_t end = chunk + 1 < k->chunk_count ? CHUNK_WORDS : k->words;
		if (word + entry_words(0) <= end) {
			const struct entry *e = entry_at(k, (uint32_t)ref);
			if (e->id_len != 0) {
				*out = (struct bm_ring_entry){entry_label(e), bm_view(e->bytes, e->id_len),
					{entry_secret(e), entry_source(e)}, (e->kind & ENTRY_MET) != 0};
				*at = ref + entry_words((size_t)e->id_len + e->secret_len);
				return true;
			}
		}
		if (chunk + 1 == k->chunk_count)
			break;
		ref = (uint64_t)(chunk + 1) * CHUNK_WORDS + 1;
	}
	*at = ref;
	return false;
}

void
bm_keyring_expect(const struct bm_keyring *k, struct bm_view id)
{
	if (id.n > ID_MAX)
		return;
	for (unsigned label = 0; label < BM_LABEL_COUNT; label++)
		if (k->of_label[label] != 0)
			ring_prefetch(k, ring_hash(k, label, id));
}

void
bm_keyring_met(struct bm_keyring *k, enum bm_label label, struct bm_view id)
{
	for (uint32_t at = ring_newest(k, label, id); at != 0; at = entry_at(k, at)->older)
		entry_at(k, at)->kind |= ENTRY_MET;
}

uint64_t
bm_keyring_count(const struct bm_keyring *k, enum bm_label label)
{
	return (unsigned)label < BM_LABEL_COUNT ? k->of_label[label] : 0;
}
