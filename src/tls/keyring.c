/* Secrets by label and id: an append-only pool of entries and a hash index of 32-bit references to
 * them, and the private keys. Refuses to know the texts that they come from and what they open. */
#include "tls/keyring_internal.h"

#include <stdlib.h>

#include "base/buf.h"

__extension__ typedef unsigned __int128 wide;

static const struct {
	uint8_t id_min, id_max;
	uint16_t secret_min, secret_max;
} lengths[BM_LABEL_COUNT] = {
	[BM_LABEL_CLIENT_RANDOM] = {BM_RANDOM, BM_RANDOM, BM_MASTER, BM_MASTER},
	[BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_CLIENT_TRAFFIC_SECRET_0] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_SERVER_TRAFFIC_SECRET_0] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_EARLY_EXPORTER_SECRET] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_EXPORTER_SECRET] = {BM_RANDOM, BM_RANDOM, 32, 64},
	[BM_LABEL_RSA] = {8, 8, BM_MASTER, BM_MASTER},
	[BM_LABEL_RSA_SESSION_ID] = {1, 32, BM_MASTER, BM_MASTER},
	[BM_LABEL_PMS_CLIENT_RANDOM] = {BM_RANDOM, BM_RANDOM, 1, SECRET_MAX},
	[BM_LABEL_CONNECTION] = {BM_RANDOM, BM_RANDOM, BM_RANDOM + BM_MASTER, BM_RANDOM + BM_MASTER},
};

bool
ring_fits(enum bm_label label, size_t id_len, size_t secret_len)
{
	if ((unsigned)label >= BM_LABEL_COUNT || id_len < lengths[label].id_min ||
		id_len > lengths[label].id_max || secret_len < lengths[label].secret_min ||
		secret_len > lengths[label].secret_max)
		return false;
	/* TLS 1.3 has hashes of 32 and 48 octets, and 64 were SHA-512 to come: between them a line
	 * was cut. */
	return lengths[label].secret_max != 64 || secret_len % 16 == 0;
}

static uint64_t
next_hash_key(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Where things lie in memory is what the writer of a key log cannot know. */
static void
make_hash_key(struct bm_keyring *k, const void *elsewhere)
{
	static const char here[1];
	uint64_t state = (uintptr_t)k;

	state = next_hash_key(&state) ^ (uintptr_t)elsewhere;
	state = next_hash_key(&state) ^ (uintptr_t)here;
	state = next_hash_key(&state) ^ (uintptr_t)&state;
	for (size_t i = 0; i < sizeof k->hash_key / sizeof k->hash_key[0]; i++)
		k->hash_key[i] = next_hash_key(&state);
}

/* NH of the four words (universal for secret keys), folded and multiplied once more. */
uint32_t
ring_hash(const struct bm_keyring *k, unsigned label, struct bm_view id)
{
	uint64_t w[4] = {0, 0, 0, 0};
	const uint64_t *key = k->hash_key;

	if (id.n != 0)
		memcpy(w, id.p, id.n < sizeof w ? id.n : sizeof w);
	wide sum = (wide)(w[0] + key[0]) * (w[1] + key[1]);
	sum += (wide)(w[2] + key[2]) * (w[3] + key[3]);
	uint64_t low = (uint64_t)sum ^ (uint64_t)label << 8 ^ id.n;
	wide last = (wide)(low ^ key[4]) * ((uint64_t)(sum >> 64) ^ key[5]);
	return (uint32_t)(last >> 64) ^ (uint32_t)last;
}

static bool
entry_is(const struct entry *e, unsigned label, struct bm_view id)
{
	return entry_label(e) == label && e->id_len == id.n && memcmp(e->bytes, id.p, id.n) == 0;
}

/* The slot of label and id, or the empty one where it belongs. There is always an empty one. */
static struct slot *
find_slot(const struct bm_keyring *k, uint32_t hash, unsigned label, struct bm_view id)
{
	for (size_t i = hash & (k->slot_count - 1);; i = (i + 1) & (k->slot_count - 1)) {
		struct slot *s = &k->slots[i];
		if (s->ref == 0 || (s->tag == hash && entry_is(entry_at(k, s->ref), label, id)))
			return s;
	}
}

static enum bm_status
grow_index(struct bm_keyring *k)
{
	if ((k->slots_used + 1) * 4 <= k->slot_count * 3)
		return BM_OK;
	size_t count = k->slot_count != 0 ? k->slot_count * 2 : 64;
	struct slot *slots = calloc(count, sizeof *slots);
	if (slots == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < k->slot_count; i++) {
		if (k->slots[i].ref == 0)
			continue;
		size_t to = k->slots[i].tag & (count - 1);
		while (slots[to].ref != 0)
			to = (to + 1) & (count - 1);
		slots[to] = k->slots[i];
	}
	free(k->slots);
	k->slots = slots;
	k->slot_count = count;
	return BM_OK;
}

/* Room in the pool; *ref is where. */
static enum bm_status
take_entry(struct bm_keyring *k, size_t n, uint32_t *ref)
{
	uint32_t need = entry_words(n);

	if (k->chunk_count == 0 || CHUNK_WORDS - k->words < need) {
		/* Whoever walks the pool has to see where a chunk ends: no entry has an empty id. */
		for (uint32_t i = k->words; k->chunk_count != 0 && i < CHUNK_WORDS; i++)
			k->chunks[k->chunk_count - 1][i] = 0;
		void *chunks = k->chunks;
		enum bm_status st =
			bm_grow(&chunks, &k->chunk_cap, k->chunk_count + 1, CHUNKS_MAX, sizeof *k->chunks);
		k->chunks = chunks;
		if (st != BM_OK)
			return st;
		uint32_t *chunk = malloc(CHUNK_WORDS * sizeof *chunk);
		if (chunk == NULL)
			return BM_NOMEM;
		k->chunks[k->chunk_count++] = chunk;
		k->words = 1; /* 0 is no reference */
	}
	*ref = (uint32_t)(k->chunk_count - 1) * CHUNK_WORDS + k->words;
	k->words += need;
	return BM_OK;
}

void
ring_prefetch(const struct bm_keyring *k, uint32_t hash)
{
	if (k->slot_count != 0)
		__builtin_prefetch(&k->slots[hash & (k->slot_count - 1)], 1);
}

enum bm_status
ring_add(struct bm_keyring *k, const struct new_secret *n, uint32_t hash, bool *duplicate)
{
	uint32_t ref;
	enum bm_status st = grow_index(k);

	*duplicate = false;
	if (st != BM_OK)
		return st;
	struct slot *slot = find_slot(k, hash, n->label, n->id);
	uint32_t at = slot->ref;
	for (size_t i = 0; at != 0 && i < BM_SECRETS_PER_ID; i++) {
		struct entry *e = entry_at(k, at);
		*duplicate = bm_view_equal(entry_secret(e), n->secret);
		if (*duplicate)
			return BM_OK;
		at = e->older;
	}
	st = take_entry(k, n->id.n + n->secret.n, &ref);
	if (st != BM_OK)
		return st;
	struct entry *e = entry_at(k, ref);
	e->older = slot->ref;
	e->secret_len = (uint16_t)n->secret.n;
	e->id_len = (uint8_t)n->id.n;
	e->kind = (uint8_t)((unsigned)n->label | (unsigned)n->source << 4);
	memcpy(e->bytes, n->id.p, n->id.n);
	memcpy(e->bytes + n->id.n, n->secret.p, n->secret.n);
	k->slots_used += slot->ref == 0;
	/* The master secret has an entry of its own. */
	k->secrets += n->label != BM_LABEL_CONNECTION;
	k->of_label[n->label]++;
	*slot = (struct slot){ref, hash};
	return BM_OK;
}

enum bm_status
bm_keyring_new(struct bm_keyring **out)
{
	void *elsewhere = malloc(1);

	*out = elsewhere != NULL ? calloc(1, sizeof **out) : NULL;
	if (*out != NULL)
		make_hash_key(*out, elsewhere);
	free(elsewhere);
	return *out != NULL ? BM_OK : BM_NOMEM;
}

void
bm_keyring_free(struct bm_keyring *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->chunk_count; i++) {
		size_t words = i + 1 < k->chunk_count ? CHUNK_WORDS : k->words;
		bm_wipe(k->chunks[i], words * sizeof *k->chunks[i]);
		free(k->chunks[i]);
	}
	free(k->chunks);
	free(k->slots);
	for (size_t i = 0; i < k->rsa_count; i++)
		bm_rsa_free(k->rsa[i]);
	free(k->rsa);
	sessions_free(k);
	bm_wipe(k, sizeof *k);
	free(k);
}

enum bm_status
bm_keyring_add(struct bm_keyring *k, enum bm_label label, struct bm_view id, struct bm_view secret,
	enum bm_key_source source)
{
	struct new_secret n = {label, source, id, secret};
	bool duplicate;

	if (!ring_fits(label, id.n, secret.n))
		return BM_USAGE;
	return ring_add(k, &n, ring_hash(k, label, id), &duplicate);
}

static enum bm_status
add_rsa(struct bm_keyring *k, struct bm_rsa *rsa)
{
	void *items = k->rsa;
	enum bm_status st =
		bm_grow(&items, &k->rsa_cap, k->rsa_count + 1, KEYS_MAX, sizeof(struct bm_rsa *));

	k->rsa = items;
	if (st == BM_OK)
		k->rsa[k->rsa_count++] = rsa;
	else
		bm_rsa_free(rsa);
	return st;
}

enum bm_status
bm_keyring_add_pem(struct bm_keyring *k, struct bm_view pem, struct bm_key_counts *counts)
{
	enum bm_status none = BM_FORMAT;
	size_t found = 0;

	while (pem.n != 0) {
		struct bm_rsa *rsa;
		size_t used;
		enum bm_status st = bm_rsa_parse(&rsa, pem, &used);
		if (st == BM_NOMEM)
			return st;
		if (st == BM_OK) {
			st = add_rsa(k, rsa);
			if (st != BM_OK)
				return st;
			found++;
			if (counts != NULL)
				counts->private_keys++;
		}
		if (st == BM_UNSUPPORTED || st == BM_LIMIT)
			none = BM_UNSUPPORTED; /* another kind of key, or one that nobody computes with */
		if (st == BM_END || used == 0)
			break;
		pem = bm_view(pem.p + used, pem.n - used);
	}
	return found != 0 ? BM_OK : none;
}

uint32_t
ring_newest(const struct bm_keyring *k, enum bm_label label, struct bm_view id)
{
	/* Of most labels a ring has none. */
	if (k->of_label[label] == 0 || id.n == 0 || id.n > ID_MAX)
		return 0;
	return find_slot(k, ring_hash(k, label, id), label, id)->ref;
}

bool
bm_keyring_find(const struct bm_keyring *k, enum bm_label label, struct bm_view id, size_t nth,
	struct bm_secret *out)
{
	uint32_t at = nth < BM_SECRETS_PER_ID ? ring_newest(k, label, id) : 0;

	while (at != 0 && nth-- != 0)
		at = entry_at(k, at)->older;
	if (at == 0)
		return false;
	const struct entry *e = entry_at(k, at);
	*out = (struct bm_secret){entry_secret(e), entry_source(e)};
	return true;
}

const struct bm_rsa *
bm_keyring_rsa(const struct bm_keyring *k, size_t nth)
{
	return nth < k->rsa_count ? k->rsa[nth] : NULL;
}

bool
bm_keyring_empty(const struct bm_keyring *k)
{
	return k->secrets == 0 && k->rsa_count == 0;
}

size_t
bm_keyring_memory(const struct bm_keyring *k)
{
	size_t sessions = k->sessions.count * sizeof(struct session);

	if (k->sessions.buckets != NULL)
		sessions += SESSIONS_MAX * sizeof *k->sessions.buckets;
	return k->chunk_count * CHUNK_WORDS * sizeof **k->chunks + k->slot_count * sizeof *k->slots +
		   sessions;
}

uint64_t
bm_keyring_size(const struct bm_keyring *k)
{
	return k->secrets;
}

void
bm_key_counts_add(struct bm_key_counts *to, const struct bm_key_counts *c)
{
	to->lines += c->lines;
	to->secrets += c->secrets;
	to->duplicates += c->duplicates;
	to->bad_lines += c->bad_lines;
	to->unknown_labels += c->unknown_labels;
	to->passed_over += c->passed_over;
	to->private_keys += c->private_keys;
	if (to->first_bad_line == 0)
		to->first_bad_line = c->first_bad_line;
}
