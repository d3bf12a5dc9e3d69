/* What the files of the keyring share: the entries, the index over them, the session cache.
 * Nobody else includes this. */
#ifndef BM_TLS_KEYRING_INTERNAL_H
#define BM_TLS_KEYRING_INTERNAL_H

#include "tls/keyring.h"

enum {
	ID_MAX = 32,
	SECRET_MAX = 2048,     /* the premaster of a 16384 bit Diffie-Hellman group */
	CHUNK_WORDS = 1 << 18, /* 1 MiB each; the words of all chunks are numbered by 32 bits */
	CHUNKS_MAX = 1 << 14,
	KEYS_MAX = 256,
	SESSIONS_MAX = 65536,
	SESSION_CHUNK = 256
};

/* One secret, in the pool. Never moved, so that no copy is left behind. */
struct entry {
	uint32_t older; /* the one before it under the same label and id; 0: none */
	uint16_t secret_len;
	uint8_t id_len;
	uint8_t kind;    /* label, source << 4, ENTRY_MET */
	uint8_t bytes[]; /* id, secret */
};

enum { ENTRY_MET = 0x80 }; /* a connection with this id was seen */

/* Of the index: the newest entry of a label and id, by the hash of the two. */
struct slot {
	uint32_t ref; /* 0: empty */
	uint32_t tag;
};

/* Of the session cache. Ids of any length are known by their SHA-256. */
struct session {
	uint8_t id[32];
	uint8_t master[BM_MASTER];
	uint32_t next; /* in its bucket; number + 1, 0: last */
	uint8_t source;
};

struct sessions {
	struct session *chunks[SESSIONS_MAX / SESSION_CHUNK];
	uint32_t *buckets; /* SESSIONS_MAX of them */
	uint32_t count;    /* held */
	uint32_t oldest;   /* the one that goes next, once all are held */
};

struct bm_keyring {
	uint64_t hash_key[6];
	uint32_t **chunks;
	size_t chunk_count, chunk_cap;
	uint32_t words; /* used in the last chunk */
	struct slot *slots;
	size_t slot_count, slots_used; /* a power of two, or 0 */
	uint64_t secrets, of_label[BM_LABEL_COUNT];
	struct bm_rsa **rsa;
	size_t rsa_count, rsa_cap;
	struct sessions sessions;
};

struct new_secret {
	enum bm_label label;
	enum bm_key_source source;
	struct bm_view id, secret;
};

/* Whether the label allows ids and secrets of these lengths. */
bool ring_fits(enum bm_label label, size_t id_len, size_t secret_len);
/* A hash that whoever wrote the key log cannot foresee. At most ID_MAX octets of id count. */
uint32_t ring_hash(const struct bm_keyring *k, unsigned label, struct bm_view id);
/* Reference of the newest secret under label and id, 0 when there is none. */
uint32_t ring_newest(const struct bm_keyring *k, enum bm_label label, struct bm_view id);
/* Asks for the memory that ring_add will need. */
void ring_prefetch(const struct bm_keyring *k, uint32_t hash);
/* The lengths fit; hash is ring_hash of label and id. */
BM_MUST_USE enum bm_status ring_add(
	struct bm_keyring *k, const struct new_secret *s, uint32_t hash, bool *duplicate);

void sessions_free(struct bm_keyring *k);

static inline struct entry *
entry_at(const struct bm_keyring *k, uint32_t ref)
{
	return (struct entry *)(k->chunks[ref / CHUNK_WORDS] + ref % CHUNK_WORDS);
}

static inline enum bm_label
entry_label(const struct entry *e)
{
	return (enum bm_label)(e->kind & 15);
}

static inline enum bm_key_source
entry_source(const struct entry *e)
{
	return (enum bm_key_source)(e->kind >> 4 & 7);
}

static inline struct bm_view
entry_secret(const struct entry *e)
{
	return bm_view(e->bytes + e->id_len, e->secret_len);
}

static inline uint32_t
entry_words(size_t n)
{
	return (uint32_t)((sizeof(struct entry) + n + 3) / 4);
}

#endif
