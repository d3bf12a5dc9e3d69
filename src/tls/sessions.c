/* The session cache of a keyring: the last master secrets of full handshakes, by session id or
 * ticket. Refuses to know how long a server would keep them. */
#include "tls/keyring_internal.h"

#include <stdlib.h>

#include "base/buf.h"

/* Ids of any length become one of 32 octets. False: the id is empty or the library failed (*st). */
static bool
name_session(struct bm_view id, uint8_t name[BM_HASH_MAX], enum bm_status *st)
{
	*st = id.n != 0 ? bm_hash_once(BM_SHA256, &id, 1, name) : BM_USAGE;
	return *st == BM_OK;
}

static struct session *
session_at(const struct sessions *s, uint32_t number)
{
	return &s->chunks[number / SESSION_CHUNK][number % SESSION_CHUNK];
}

static uint32_t *
bucket_of(const struct bm_keyring *k, const uint8_t *name)
{
	return &k->sessions.buckets[ring_hash(k, BM_LABEL_COUNT, bm_view(name, 32)) % SESSIONS_MAX];
}

static struct session *
find_session(const struct bm_keyring *k, const uint8_t *name)
{
	if (k->sessions.buckets == NULL)
		return NULL;
	for (uint32_t at = *bucket_of(k, name); at != 0; at = session_at(&k->sessions, at - 1)->next)
		if (memcmp(session_at(&k->sessions, at - 1)->id, name, 32) == 0)
			return session_at(&k->sessions, at - 1);
	return NULL;
}

/* Takes the oldest out of its bucket and returns its number. */
static uint32_t
forget_oldest(struct bm_keyring *k)
{
	struct sessions *s = &k->sessions;
	uint32_t number = s->oldest;
	struct session *old = session_at(s, number);
	uint32_t *link = bucket_of(k, old->id);

	while (*link != number + 1)
		link = &session_at(s, *link - 1)->next;
	*link = old->next;
	s->oldest = (number + 1) % SESSIONS_MAX;
	return number;
}

static enum bm_status
new_number(struct bm_keyring *k, uint32_t *number)
{
	struct sessions *s = &k->sessions;

	if (s->buckets == NULL)
		s->buckets = calloc(SESSIONS_MAX, sizeof *s->buckets);
	if (s->buckets == NULL)
		return BM_NOMEM;
	if (s->count == SESSIONS_MAX) {
		*number = forget_oldest(k);
		return BM_OK;
	}
	struct session **chunk = &s->chunks[s->count / SESSION_CHUNK];
	if (*chunk == NULL)
		*chunk = calloc(SESSION_CHUNK, sizeof **chunk);
	if (*chunk == NULL)
		return BM_NOMEM;
	*number = s->count++;
	return BM_OK;
}

enum bm_status
bm_keyring_remember(struct bm_keyring *k, struct bm_view id, const uint8_t master[BM_MASTER],
	enum bm_key_source source)
{
	uint8_t name[BM_HASH_MAX];
	enum bm_status st;

	if (!name_session(id, name, &st))
		return st;
	struct session *s = find_session(k, name);
	if (s == NULL) {
		uint32_t number;
		st = new_number(k, &number);
		if (st != BM_OK)
			return st;
		s = session_at(&k->sessions, number);
		uint32_t *bucket = bucket_of(k, name);
		memcpy(s->id, name, sizeof s->id);
		s->next = *bucket;
		*bucket = number + 1;
	}
	memcpy(s->master, master, BM_MASTER);
	s->source = (uint8_t)source;
	return BM_OK;
}

bool
bm_keyring_recall(const struct bm_keyring *k, struct bm_view id, uint8_t master[BM_MASTER],
	enum bm_key_source *source)
{
	uint8_t name[BM_HASH_MAX];
	enum bm_status st;

	if (k->sessions.count == 0 || !name_session(id, name, &st))
		return false;
	const struct session *s = find_session(k, name);
	if (s == NULL)
		return false;
	memcpy(master, s->master, BM_MASTER);
	*source = (enum bm_key_source)s->source;
	return true;
}

void
sessions_free(struct bm_keyring *k)
{
	for (size_t i = 0; i < SESSIONS_MAX / SESSION_CHUNK && k->sessions.chunks[i] != NULL; i++) {
		bm_wipe(k->sessions.chunks[i], SESSION_CHUNK * sizeof(struct session));
		free(k->sessions.chunks[i]);
	}
	free(k->sessions.buckets);
}
