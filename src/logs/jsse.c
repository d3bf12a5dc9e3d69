/* Key generation output of Java 6 to 8: pairs each master secret with the client random of its
 * block. Refuses to know TLS, and to guess which of several threads a line belongs to. */
#include "logs/jsse.h"

#include <stdlib.h>

#include "base/buf.h"
#include "logs/jsse_internal.h"
#include "logs/text.h"

enum {
	SPEAKERS = 64,
	PREMASTER_MAX = 2048,
	BLOCK_LINES = 1000 /* after so many the rest of a block has been lost */
};

/* What one thread (as far as prefixes tell threads apart) has printed of its handshake. */
struct speaker {
	uint64_t name, heard; /* heard: number of the last line; 0: free */
	enum jsse_kind field; /* whose dump is going on; JSSE_OTHER: none that matters */
	size_t nonce_len, server_len, master_len, premaster_len, cookie_count;
	unsigned sessions; /* SESSION KEYGEN since the last CONNECTION KEYGEN */
	bool cookie_due, premaster_whole;
	/* Blocks that have begun and not come to their master secret. Two at once are of threads that
	 * cannot be told apart: then none counts until all have ended. */
	unsigned open;
	unsigned keys_due; /* master secrets whose derived keys are still to come */
	bool tangled;
	uint64_t opened; /* line of the last one; 0: never */
	uint8_t nonce[BM_RANDOM], server[BM_RANDOM], cookie[BM_RANDOM], master[BM_MASTER],
		premaster[PREMASTER_MAX];
};

struct bm_jsse {
	struct bm_keyring *ring;
	struct bm_jsse_counts *counts;
	struct speaker *last; /* that printed a title */
	uint64_t line_number;
	struct speaker speakers[SPEAKERS];
};

/* For captures that lack the hellos. */
static enum bm_status
put_connection(struct bm_jsse *r, const struct speaker *s)
{
	uint8_t both[BM_RANDOM + BM_MASTER];

	memcpy(both, s->server, BM_RANDOM);
	memcpy(both + BM_RANDOM, s->master, BM_MASTER);
	enum bm_status st = bm_keyring_add(r->ring, BM_LABEL_CONNECTION, bm_view(s->nonce, BM_RANDOM),
		bm_view(both, sizeof both), BM_SOURCE_JSSE_LOG);
	bm_wipe(both, sizeof both);
	return st;
}

static enum bm_status
put(struct bm_jsse *r, struct speaker *s)
{
	struct bm_view random = bm_view(s->nonce, BM_RANDOM);
	enum bm_status st = BM_OK;

	if (s->tangled)
		return BM_OK;
	if (s->nonce_len != BM_RANDOM) {
		/* A hello speaks for the premaster secret after it, in a log that ends there. */
		if (s->cookie_count != 1 || s->opened != 0 || s->master_len != 0)
			return BM_OK;
		random = bm_view(s->cookie, BM_RANDOM);
	}
	if (s->master_len == BM_MASTER) {
		st = bm_keyring_add(r->ring, BM_LABEL_CLIENT_RANDOM, random, bm_view(s->master, BM_MASTER),
			BM_SOURCE_JSSE_LOG);
		r->counts->masters++;
		if (st == BM_OK && s->nonce_len == BM_RANDOM && s->server_len == BM_RANDOM)
			st = put_connection(r, s);
	} else if (s->premaster_whole && s->sessions == 1) {
		st = bm_keyring_add(r->ring, BM_LABEL_PMS_CLIENT_RANDOM, random,
			bm_view(s->premaster, s->premaster_len), BM_SOURCE_JSSE_LOG);
		r->counts->premasters++;
	}
	return st;
}

/* The block is over: its secrets go to the ring and are forgotten here. */
static enum bm_status
finish(struct bm_jsse *r, struct speaker *s)
{
	enum bm_status st = put(r, s);
	struct speaker kept = {.name = s->name,
		.heard = s->heard,
		.open = s->open,
		.keys_due = s->keys_due,
		.tangled = s->tangled,
		.opened = s->opened};

	bm_wipe(s, sizeof *s);
	*s = kept;
	return st;
}

static enum bm_status
find_speaker(struct bm_jsse *r, const struct jsse_line *l, struct speaker **out)
{
	struct speaker *oldest = &r->speakers[0];
	enum bm_status st = BM_OK;

	for (size_t i = 0; i < SPEAKERS; i++) {
		struct speaker *s = &r->speakers[i];
		if (s->heard != 0 && s->name == l->speaker) {
			s->heard = r->line_number;
			*out = s;
			return BM_OK;
		}
		if (s->heard < oldest->heard)
			oldest = s;
	}
	if (oldest->heard != 0)
		st = finish(r, oldest);
	memset(oldest, 0, sizeof *oldest);
	oldest->name = l->speaker;
	oldest->heard = r->line_number;
	*out = oldest;
	return st;
}

static void
take_cookie(struct speaker *s, const struct jsse_line *l)
{
	/* Client and server in one process print the same one twice. */
	if (s->cookie_due && (s->cookie_count == 0 || memcmp(s->cookie, l->bytes, BM_RANDOM) != 0)) {
		memcpy(s->cookie, l->bytes, BM_RANDOM);
		s->cookie_count++;
	}
	s->cookie_due = false;
}

static uint8_t *
field_bytes(struct speaker *s, size_t **len, size_t *max)
{
	switch (s->field) {
	case JSSE_CLIENT_NONCE:
		*len = &s->nonce_len;
		*max = sizeof s->nonce;
		return s->nonce;
	case JSSE_SERVER_NONCE:
		*len = &s->server_len;
		*max = sizeof s->server;
		return s->server;
	case JSSE_MASTER:
		*len = &s->master_len;
		*max = sizeof s->master;
		return s->master;
	case JSSE_PREMASTER:
		*len = &s->premaster_len;
		*max = sizeof s->premaster;
		return s->premaster;
	default:
		return NULL;
	}
}

/* A dump goes on where it stopped, or it is another's and this one is lost. */
static enum bm_status
take_dump(struct bm_jsse *r, struct speaker *s, const struct jsse_line *l)
{
	size_t *len, max;
	uint8_t *bytes = field_bytes(s, &len, &max);

	if (bytes == NULL)
		return BM_OK;
	if (l->offset != *len || l->len > max - *len) {
		*len = 0;
		s->field = JSSE_OTHER;
		return BM_OK;
	}
	memcpy(bytes + *len, l->bytes, l->len);
	*len += l->len;
	if (s->field == JSSE_PREMASTER && l->len < 16) {
		s->premaster_whole = true;
		s->field = JSSE_OTHER;
	}
	if (s->field != JSSE_PREMASTER && (*len == max || l->len < 16))
		s->field = JSSE_OTHER;
	return s->master_len == BM_MASTER ? finish(r, s) : BM_OK;
}

static bool
is_dumped(enum jsse_kind field)
{
	return field == JSSE_CLIENT_NONCE || field == JSSE_SERVER_NONCE || field == JSSE_MASTER ||
		   field == JSSE_PREMASTER;
}

static struct speaker *
dump_speaker(struct bm_jsse *r, const struct jsse_line *l)
{
	struct speaker *own = NULL;

	for (size_t i = 0; i < SPEAKERS; i++)
		if (r->speakers[i].heard != 0 && r->speakers[i].name == l->speaker)
			own = &r->speakers[i];
	/* Some loggers put a prefix before the first line only. */
	return l->bare && (own == NULL || !is_dumped(own->field)) ? r->last : own;
}

static enum bm_status
open_block(struct bm_jsse *r, struct speaker *s)
{
	enum bm_status st = s->nonce_len != 0 ? finish(r, s) : BM_OK;

	r->counts->keygens++;
	if (s->open != 0 && r->line_number - s->opened > BLOCK_LINES) {
		s->open = 0;
		s->tangled = false;
	}
	if (s->open++ == 0)
		s->keys_due = 0;
	s->tangled = s->open > 1 || s->tangled;
	s->opened = r->line_number;
	return st;
}

/* The title before a master secret. Returns the field that its dump belongs to. */
static enum jsse_kind
close_block(struct speaker *s)
{
	bool counts = !s->tangled && (s->open != 0 || s->opened == 0);

	s->open -= s->open != 0;
	s->keys_due++;
	if (s->open == 0)
		s->tangled = false;
	s->master_len = 0;
	if (counts)
		return JSSE_MASTER;
	s->nonce_len = s->server_len = s->premaster_len = s->cookie_count = 0;
	s->premaster_whole = false;
	return JSSE_OTHER;
}

/* The last keys of a block: if its master secret never came, the line is lost, and the block over.
 */
static void
end_block(struct speaker *s)
{
	if (s->keys_due != 0)
		s->keys_due--;
	else if (s->open != 0 && --s->open == 0)
		s->tangled = false;
}

static enum bm_status
start_field(struct bm_jsse *r, struct speaker *s, enum jsse_kind kind)
{
	enum bm_status st = BM_OK;

	/* A premaster secret of full lines ends where something else begins. */
	if (s->field == JSSE_PREMASTER && s->premaster_len != 0)
		s->premaster_whole = true;
	switch (kind) {
	case JSSE_SESSION:
		if (s->nonce_len != 0)
			st = finish(r, s);
		s->sessions++; /* two in a row, of threads that cannot be told apart: whose premaster? */
		r->counts->keygens++;
		break;
	case JSSE_PREMASTER:
		s->premaster_len = 0;
		s->premaster_whole = false;
		break;
	case JSSE_CONNECTION:
		st = open_block(r, s);
		break;
	case JSSE_CLIENT_NONCE:
		if (s->nonce_len != 0)
			st = finish(r, s);
		break;
	case JSSE_SERVER_NONCE:
		s->server_len = 0;
		break;
	case JSSE_MASTER:
		kind = close_block(s);
		break;
	case JSSE_LAST_KEY:
		end_block(s);
		break;
	default:
		break;
	}
	s->field = kind;
	return st;
}

static enum bm_status
take_line(struct bm_jsse *r, const struct jsse_line *l)
{
	struct speaker *s;

	if (l->kind == JSSE_OTHER)
		return BM_OK;
	if (l->kind == JSSE_DUMP) {
		s = dump_speaker(r, l);
		return s != NULL ? take_dump(r, s, l) : BM_OK;
	}
	enum bm_status st = find_speaker(r, l, &s);
	if (st != BM_OK)
		return st;
	r->last = s;
	if (l->kind == JSSE_CLIENT_HELLO)
		s->cookie_due = true;
	else if (l->kind == JSSE_COOKIE)
		take_cookie(s, l);
	else
		st = start_field(r, s, l->kind);
	return st;
}

enum bm_status
bm_jsse_new(struct bm_jsse **out, struct bm_keyring *k, struct bm_jsse_counts *counts)
{
	struct bm_jsse *r = calloc(1, sizeof *r);

	*counts = (struct bm_jsse_counts){0};
	*out = r;
	if (r == NULL)
		return BM_NOMEM;
	r->ring = k;
	r->counts = counts;
	return BM_OK;
}

enum bm_status
bm_jsse_line(struct bm_jsse *r, struct bm_view line)
{
	struct jsse_line l;

	r->line_number++;
	jsse_read_line(line, &l);
	enum bm_status st = take_line(r, &l);
	bm_wipe(&l, sizeof l);
	return st;
}

enum bm_status
bm_jsse_end(struct bm_jsse *r)
{
	enum bm_status st = BM_OK;

	for (size_t i = 0; r != NULL && st == BM_OK && i < SPEAKERS; i++)
		st = finish(r, &r->speakers[i]);
	bm_wipe_free(r, sizeof *r);
	return st;
}

enum bm_status
bm_jsse_read(struct bm_keyring *k, struct bm_view text, struct bm_jsse_counts *counts)
{
	struct bm_jsse *r;
	struct bm_view line;
	enum bm_status st = bm_jsse_new(&r, k, counts);

	while (st == BM_OK && text_line(&text, &line))
		st = bm_jsse_line(r, line);
	enum bm_status end = bm_jsse_end(r);
	return st != BM_OK ? st : end;
}
