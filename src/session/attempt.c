/* After a failure or a gap: does this record verify at a position, under keys, that the stream up
 * to it could have led to? Refuses to know where it looks for records. */
#include "session/internal.h"

enum {
	NEAR = 64, /* sequence numbers tried either way for a candidate */
	GAP_WINDOW = 1 << 16,
	GAP_MOST = 1 << 20, /* of a record that the framing itself speaks for */
	GAP_FEW = 1 << 12,
	GAP_UPDATES = 8,        /* of keys, within a gap */
	RC4_REACH = 1 << 15,    /* octets of keystream that may have been left out */
	RC4_RECORD = 4096,      /* longer records are no material for a keystream search */
	RC4_BODY = 1 << 14 | 64 /* of one record that was left out */
};

static uint64_t
share_after(const struct bm_session_env *env, uint64_t spent)
{
	enum { LEAST = 200000 };
	uint64_t first = env->first_share != 0 ? env->first_share : BM_SHARE_NORMAL;
	uint64_t halvings = spent / (first / 2);
	uint64_t share = halvings < 40 ? first >> halvings : 0;

	return share > LEAST ? share : LEAST;
}

uint64_t
bm_search_share(const struct bm_session_env *env)
{
	return share_after(env, env->spent);
}

uint64_t
bm_start_share(const struct bm_session_env *env)
{
	return share_after(env, env->start_spent);
}

/* What the search may still cost: others may have had their part of the run's time since it began.
 */
static uint64_t
time_left(const struct half *h)
{
	const struct lost *l = h->lost;
	const struct bm_session_env *env = h->s->env;
	uint64_t others = env->spent > l->work ? env->spent - l->work : 0;
	uint64_t now = share_after(env, others), share = now < l->share ? now : l->share;

	return share > l->work ? share - l->work : 0;
}

bool
exhausted(const struct half *h)
{
	return time_left(h) == 0;
}

/* One check that a search makes. False once its share is used up. */
static bool
try_one(struct half *h, const struct bm_protection *p, const struct bm_wire *w,
	const struct bm_position *pos)
{
	struct bm_outcome o;

	if (exhausted(h))
		return false;
	uint64_t cost = bm_protection_cost(p, w->body.n);
	h->lost->tried++;
	h->lost->work += cost;
	h->s->env->spent += cost;
	return check(h, p, pos, w, false, &o);
}

/* The record under this position. */
static bool
attempt(struct half *h, const struct bm_wire *w, struct bm_position *pos)
{
	if (!try_one(h, h->keys, w, pos))
		return false;
	h->pos = *pos;
	return true;
}

static bool
attempt_near(
	struct half *h, const struct bm_wire *w, struct bm_position *pos, uint64_t ahead, uint64_t back)
{
	uint64_t seq = h->lost->expected.seq;

	for (uint64_t d = 0; (d <= ahead || d <= back) && !exhausted(h); d++) {
		if (d <= ahead) {
			pos->seq = seq + d;
			if (attempt(h, w, pos))
				return true;
		}
		if (d != 0 && d <= back && d <= seq) {
			pos->seq = seq - d;
			if (attempt(h, w, pos))
				return true;
		}
	}
	return false;
}

/* The IV of the record at `at` up to TLS 1.0: the last ciphertext block that the sender sent before
 * (RFC 2246, 6.2.3.2); with encrypt-then-MAC its MAC stands behind that (RFC 7366, section 3).
 * False: it was not captured, or the cipher is RC4, whose state is more than that. */
bool
chained_iv(struct half *h, const struct bm_protection *p, uint64_t at, struct bm_position *pos)
{
	const struct bm_traffic_keys *k = bm_protection_keys(p);
	size_t block = bm_cipher_block(k->suite->cipher);
	size_t behind = block + (k->encrypt_then_mac ? bm_protection_tag_len(p) : 0);

	return bm_protection_chained(p) && k->suite->mode == BM_MODE_CBC && at >= behind &&
		   at - behind >= bm_stream_base(h->stream) &&
		   bm_stream_read(h->stream, at - behind, pos->iv, block);
}

static bool
attempt_chained_cbc(struct half *h, const struct bm_wire *w, uint64_t at, uint64_t ahead)
{
	struct bm_position pos = h->lost->expected;

	return attempt_near(h, w, &pos, 1, 0) ||
		   (chained_iv(h, h->keys, at, &pos) && attempt_near(h, w, &pos, ahead, NEAR));
}

/* RC4 where a record was left out, and the framing goes on: what is counted so far lacks one number
 * and as many octets of keystream. */
static bool
attempt_one_more(struct half *h, const struct bm_wire *w)
{
	struct lost *l = h->lost;
	struct bm_position here = l->counted;
	uint64_t stop = l->work + time_left(h) / 4;

	if (l->len == 0 || l->over_gap)
		return false;
	for (uint64_t n = 0; n <= RC4_BODY && l->work < stop; n++) {
		struct bm_position pos = here;
		pos.seq++;
		if (attempt(h, w, &pos))
			return true;
		bm_rc4_skip(&here.rc4, 1);
	}
	return false;
}

/* RC4 where octets were left out or put in: any point of the keystream nearby. */
bool
attempt_keystream(struct half *h, const struct bm_wire *w, bool counted)
{
	struct lost *l = h->lost;
	struct bm_position here = l->expected, pos;

	/* What cannot hold a MAC is nowhere a record. */
	if (w->body.n > RC4_RECORD || w->body.n < bm_protection_tag_len(h->keys))
		return false;
	/* Not all of the share: more records may come that are easier to place. */
	uint64_t stop = l->work + time_left(h) / 2;
	for (uint64_t n = 0; n < RC4_REACH && l->work < stop; n++) {
		for (uint64_t k = 0; k < 3; k++) {
			pos = here;
			pos.seq = l->expected.seq + k + (l->len != 0 && counted);
			if (attempt(h, w, &pos))
				return true;
		}
		bm_rc4_skip(&here.rc4, 1);
	}
	return false;
}

/* RC4: every octet of content moves the keystream by one. */
static bool
attempt_rc4(struct half *h, const struct bm_wire *w, uint64_t at, uint64_t ahead)
{
	struct lost *l = h->lost;
	struct bm_position pos = l->expected;
	uint64_t reach = at - l->start;

	if (attempt(h, w, &pos))
		return true;
	pos = l->counted;
	if (attempt(h, w, &pos))
		return true;
	/* k records with five octets of header each stand between. */
	for (uint64_t k = 1; k <= ahead + 1 && 5 * k <= reach && !exhausted(h); k++) {
		/* Getting there takes keystream. */
		l->work += reach;
		h->s->env->spent += reach;
		pos = l->expected;
		pos.seq += k;
		bm_rc4_skip(&pos.rc4, reach - 5 * k);
		if (attempt(h, w, &pos))
			return true;
	}
	return attempt_one_more(h, w) || attempt_keystream(h, w, at != l->start);
}

uint64_t
records_in(uint64_t n)
{
	/* A record of TLS takes 21 octets at least: header and the shortest tag. */
	return n / 21;
}

/* Octets of records whose number is unknown: how many of them can there be? */
static uint64_t
most_lost(const struct lost *l)
{
	return NEAR + (l->over_gap ? records_in(l->missing) : 0);
}

/* How many of those are tried. */
static uint64_t
reach(struct half *h, const struct bm_wire *w, uint64_t at)
{
	uint64_t n = most_lost(h->lost);

	if (n < GAP_WINDOW)
		return n;
	uint64_t most = framing_holds(h, at, w, false) ? GAP_MOST : GAP_WINDOW;
	return n < most ? n : most;
}

/* Behind a gap the number may be a far one: where it can be solved for, that is no matter. */
static bool
attempt_solved(struct half *h, const struct bm_protection *p, const struct bm_wire *w,
	uint64_t from, uint64_t to, struct bm_position *pos)
{
	uint64_t cost = bm_protection_cost(p, w->body.n) + 2000;
	uint64_t seq;

	h->lost->work += cost;
	h->s->env->spent += cost;
	if (!bm_solve_number(p, w, &seq) || seq < from || seq > to)
		return false;
	bm_position_start(p, pos);
	pos->seq = seq;
	return try_one(h, p, w, pos);
}

/* Does it verify under keys whose epoch begins somewhere before it? */
static bool
attempt_from_start(struct half *h, const struct bm_protection *p, const struct bm_wire *w,
	uint64_t at, struct bm_position *pos)
{
	/* What is in the way are gaps, or as many records as the framing has passed. */
	uint64_t window = h->lost->over_gap ? reach(h, w, at) : 1 + h->lost->chained;

	if (h->lost->over_gap && bm_number_solvable(p))
		return attempt_solved(h, p, w, 0, most_lost(h->lost), pos);
	bm_position_start(p, pos);
	for (uint64_t i = 0; i < window && !exhausted(h); i++, pos->seq++) {
		/* Only the first record of an epoch has its IV from the handshake. */
		if (i == 1 && bm_protection_chained(p) && !chained_iv(h, p, at, pos))
			return false;
		if (try_one(h, p, w, pos))
			return true;
	}
	return false;
}

/* SSL 3.0 to TLS 1.2: the ChangeCipherSpec was damaged or fell into a gap, or no master secret has
 * been right yet.
 */
static bool
attempt_pending(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct bm_session *s = h->s;
	struct bm_position pos;

	if (s->server_hello && s->client_hello) {
		if (!s->pending_made)
			prepare_pending(s);
		const struct bm_protection *p = s->pending[h->side];
		if (p != NULL && p != h->keys && attempt_from_start(h, p, w, at, &pos)) {
			h->protected = true;
			begin_epoch(h, h->epoch + 1, p);
			h->pos = pos;
			return true;
		}
	}
	/* Another secret that was logged for the same connection. */
	while (h->keys != NULL && s->verified_since_keys == 0 && next_candidate(s)) {
		if (attempt_from_start(h, h->keys, w, at, &pos)) {
			h->pos = pos;
			return true;
		}
	}
	return false;
}

static bool
attempt_few(
	struct half *h, const struct bm_protection *p, const struct bm_wire *w, struct bm_position *pos)
{
	uint64_t most = most_lost(h->lost) < GAP_FEW ? most_lost(h->lost) : GAP_FEW;

	bm_position_start(p, pos);
	for (; pos->seq < most && !exhausted(h); pos->seq++)
		if (try_one(h, p, w, pos))
			return true;
	return false;
}

/* TLS 1.3: several KeyUpdates fell into the gap. */
static bool
attempt_updates(struct half *h, const struct bm_wire *w)
{
	const struct bm_session_facts *f = &h->s->facts;
	uint8_t secret[BM_SECRET_MAX];
	struct bm_position pos;
	bool ok = false;

	memcpy(secret, h->secret, h->secret_len);
	for (unsigned g = 1; g <= GAP_UPDATES && !ok && !exhausted(h); g++) {
		struct bm_traffic_keys keys;
		struct bm_protection *p = NULL;
		if (bm_secret_update(f->version, f->suite, secret, h->secret_len) != BM_OK)
			break;
		if (g == 1)
			continue; /* tried */
		bool made = bm_keys_from_secret(
						f->version, f->suite, bm_view(secret, h->secret_len), &keys) == BM_OK;
		keys.draft = f->draft;
		if (made && bm_protection_new(&p, &keys) == BM_OK)
			ok = bm_number_solvable(p) ? attempt_solved(h, p, w, 0, most_lost(h->lost), &pos)
									   : attempt_few(h, p, w, &pos);
		bm_protection_free(p);
		bm_wipe(&keys, sizeof keys);
		for (unsigned i = 0; ok && i < g; i++)
			enter_next_generation(h);
	}
	bm_wipe(secret, sizeof secret);
	if (ok)
		h->pos = pos;
	return ok && h->keys != NULL;
}

/* TLS 1.3: a later epoch, or another secret that was logged for this one. */
static bool
attempt_epochs(struct half *h, const struct bm_wire *w, uint64_t at)
{
	unsigned last = h->epoch < BM_EPOCH_APPLICATION ? BM_EPOCH_APPLICATION : h->epoch;
	struct bm_position pos;

	for (unsigned e = h->epoch; e <= last; e++) {
		if (e == h->epoch && h->verified_in[epoch_slot(e)] != 0)
			continue;
		for (size_t nth = 0;; nth++) {
			const struct bm_protection *p = epoch_keys(h, e, nth);
			if (p == NULL)
				break;
			if (p == h->keys || !attempt_from_start(h, p, w, at, &pos))
				continue;
			if (e != h->epoch)
				enter_epoch(h, e);
			choose_secret(h, nth, p);
			h->pos = pos;
			return true;
		}
	}
	/* The KeyUpdate is what was damaged, or fell into the gap. */
	const struct bm_protection *p = next_generation(h);
	if (p != NULL && attempt_from_start(h, p, w, at, &pos)) {
		enter_next_generation(h);
		h->pos = pos;
		return true;
	}
	return p != NULL && h->lost->over_gap &&
		   (bm_number_solvable(p) || framing_holds(h, at, w, false)) && attempt_updates(h, w);
}

/* Does the record at `at` verify at any position that the stream up to here could have led to? */
bool
attempt_all(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct lost *l = h->lost;

	if (h->keys != NULL) {
		uint64_t ahead = reach(h, w, at);
		const struct bm_suite *suite = bm_protection_keys(h->keys)->suite;
		struct bm_position pos = l->counted;
		bool ok;
		if (!l->over_gap && attempt(h, w, &pos))
			return true;
		if (!bm_protection_chained(h->keys)) {
			uint64_t seq = l->expected.seq;
			pos = l->expected;
			/* Behind a gap a number that had come before it is no place to go on from: that record
			 * is sent again, and what comes next would seem to be missing. */
			if (l->over_gap && bm_number_solvable(h->keys))
				ok = attempt_solved(h, h->keys, w, seq, seq + most_lost(l), &pos);
			else
				ok = attempt_near(h, w, &pos, ahead, l->over_gap ? 0 : NEAR);
			if (ok)
				h->pos = pos;
		} else if (suite->cipher == BM_RC4) {
			ok = attempt_rc4(h, w, at, ahead);
		} else {
			ok = attempt_chained_cbc(h, w, at, ahead);
		}
		if (ok)
			return true;
	}
	return is_tls13(h->s) ? attempt_epochs(h, w, at) : attempt_pending(h, w, at);
}
