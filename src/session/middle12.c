/* SSL 3.0 to TLS 1.2 without a ClientHello: which master secret opens it. With the ServerHello
 * every line of a key log can be tried; without it what a log told of whole connections, under
 * every suite. Refuses to know where in the stream to go on. */
#include "session/internal.h"

enum { SUITES = 128, KEY_BLOCK = 8000, CERTAIN_PADDINGS = 5 };

struct pass {
	bool solvable;
	uint64_t from, to; /* numbers */
};
static const struct pass passes[] = {
	{true, 0, 1}, {false, 0, 1 << 6}, {false, 1 << 6, 1 << 10}, {false, 1 << 10, 1 << 16}};

/* Suites that differ by their key exchange alone protect alike. */
static bool
alike(const struct bm_suite *a, const struct bm_suite *b)
{
	return a->cipher == b->cipher && a->mode == b->mode && a->key_len == b->key_len &&
		   a->mac == b->mac && a->prf == b->prf && a->tag_len == b->tag_len;
}

static size_t
choose_suites(const struct bm_suite *out[SUITES])
{
	size_t count, n = 0;
	const struct bm_suite *t = bm_suite_table(&count);

	for (size_t i = 0; i < count && n < SUITES; i++) {
		size_t k = 0;
		if (t[i].kx == BM_KX_TLS13 || !t[i].verifiable || !bm_suite_available(&t[i]))
			continue;
		while (k < n && !alike(out[k], &t[i]))
			k++;
		if (k == n)
			out[n++] = &t[i];
	}
	return n;
}

/* Does record i open under these keys, at any number that is tried? */
static bool
opens(struct seek *k, const struct bm_traffic_keys *keys, const struct pass *pass, size_t i,
	uint64_t *seq)
{
	struct bm_protection *p = NULL;

	if (bm_protection_new(&p, keys) != BM_OK)
		return false;
	bool ok =
		bm_number_solvable(p) == pass->solvable && seek_number(k, p, i, pass->from, pass->to, seq);
	bm_protection_free(p);
	return ok;
}

/* In how many of the records at hand is the padding good? 0 when it is bad in one whose MAC is
 * good.
 */
static size_t
good_paddings(struct seek *k, const struct bm_traffic_keys *keys, size_t i, uint64_t seq)
{
	struct bm_protection *p = NULL;
	size_t good = 0;
	bool ok = bm_protection_new(&p, keys) == BM_OK;

	for (size_t n = 0; ok && n < k->framed.n; n++) {
		enum bm_result result;
		if (seq + n < i || !seek_result(k, p, n, seq + n - i, &result))
			continue;
		good += result == BM_VERIFIED;
		ok = result != BM_BAD_PADDING;
	}
	bm_protection_free(p);
	return ok ? good : 0;
}

/* Encrypt-then-MAC says nothing of the cipher, not even whether there is one: only padding does,
 * and that of one record in 256 is good by accident. Is there no other cipher of which all that is
 * seen could be? */
static bool
only_cipher(struct seek *k, const struct bm_ring_entry *e, const struct bm_traffic_keys *keys,
	unsigned side, size_t i, uint64_t seq)
{
	const struct bm_suite *suites[SUITES];
	size_t count = choose_suites(suites);
	struct bm_traffic_keys other[2];
	bool only =
		keys->suite->cipher == BM_CIPHER_NULL || good_paddings(k, keys, i, seq) >= CERTAIN_PADDINGS;

	for (size_t n = 0; n < count && only; n++) {
		const struct bm_suite *s = suites[n];
		if (s->mode != BM_MODE_CBC || s->mac != keys->suite->mac ||
			s->cipher == keys->suite->cipher ||
			bm_key_block(keys->version, s, e->secret.bytes.p + BM_RANDOM, e->id.p,
				e->secret.bytes.p, other) != BM_OK)
			continue;
		other[side].encrypt_then_mac = true;
		only = good_paddings(k, &other[side], i, seq) == 0;
	}
	bm_wipe(other, sizeof other);
	return only;
}

static bool
found(struct half *h, struct seek *k, const struct bm_ring_entry *e,
	const struct bm_traffic_keys *keys, unsigned side, size_t i, uint64_t seq)
{
	struct bm_session *s = h->s;
	struct bm_session_facts *f = &s->facts;

	f->version = keys->version;
	f->suite = keys->suite; /* or one that protects alike: it is not reported */
	f->encrypt_then_mac = keys->encrypt_then_mac;
	memcpy(s->server_random, e->secret.bytes.p, BM_RANDOM);
	s->server_hello = true;
	if (!use_master(s, e->id, e->secret.bytes.p + BM_RANDOM))
		return false;
	f->start.found = true;
	memcpy(s->joined_keys, s->pending, sizeof s->joined_keys);
	s->first_fit.known = true;
	s->first_fit.way = h->way;
	s->first_fit.epoch = 1;
	s->first_fit.off = k->framed.at[i].off;
	s->first_fit.seq = seq;
	s->turn_round = side != h->side;
	return true;
}

/* Whose of the two, and with which order of MAC and encryption? */
static bool
try_suite(struct half *h, struct seek *k, const struct bm_ring_entry *e,
	const struct bm_suite *suite, const struct pass *pass, size_t i)
{
	struct bm_traffic_keys keys[2];
	uint64_t seq;
	bool ok = false;

	if (!seek_pays(k, KEY_BLOCK, 0))
		return false;
	if (bm_key_block(k->framed.at[i].hdr.version, suite, e->secret.bytes.p + BM_RANDOM, e->id.p,
			e->secret.bytes.p, keys) == BM_OK) {
		unsigned orders = suite->mode == BM_MODE_CBC ? 2 : 1;
		for (unsigned n = 0; n < 2 * orders && !ok && !k->cut; n++) {
			unsigned side = n & 1;
			keys[side].encrypt_then_mac = n >= 2;
			ok = opens(k, &keys[side], pass, i, &seq) &&
				 ((n < 2 && suite->cipher != BM_CIPHER_NULL) ||
					 only_cipher(k, e, &keys[side], side, i, seq)) &&
				 found(h, k, e, &keys[side], side, i, seq);
		}
	}
	bm_wipe(keys, sizeof keys);
	return ok;
}

/* The shortest, but not the first: up to TLS 1.0 its IV may be missing. */
static size_t
anchor_of(const struct framed *f)
{
	size_t best = f->n > 1 ? 1 : 0;

	for (size_t i = 1; i < f->n; i++)
		if (f->at[i].hdr.length < f->at[best].hdr.length)
			best = i;
	return best;
}

bool
identify_tls12(struct half *h, struct seek *k)
{
	const struct bm_keyring *ring = h->s->env->keys;
	const struct bm_suite *suites[SUITES];
	struct bm_start *start = &h->s->facts.start;
	uint64_t connections = bm_keyring_count(ring, BM_LABEL_CONNECTION);

	if (connections == 0 || k->framed.n == 0)
		return false;
	size_t count = choose_suites(suites), i = anchor_of(&k->framed);
	start->sought = true;
	start->connections = connections;
	for (size_t n = 0; n < sizeof passes / sizeof passes[0] && !k->cut; n++) {
		struct bm_ring_entry e;
		uint64_t at = 0;
		while (!k->cut && bm_keyring_walk(ring, &at, &e))
			for (size_t j = 0; e.label == BM_LABEL_CONNECTION && j < count && !k->cut; j++)
				if ((suites[j]->mode == BM_MODE_GCM) == passes[n].solvable &&
					try_suite(h, k, &e, suites[j], &passes[n], i))
					return true;
		if (!k->cut && !passes[n].solvable)
			start->numbers = passes[n].to;
	}
	start->cut = k->cut;
	return false;
}

static bool
master_opens(struct half *h, const struct bm_ring_entry *e, const struct bm_wire *w)
{
	struct bm_session *s = h->s;
	const struct bm_session_facts *f = &s->facts;
	struct bm_traffic_keys keys[2];
	struct bm_protection *p = NULL;
	struct bm_position pos;
	struct bm_outcome o;
	bool ok = false;

	if (bm_key_block(f->version, f->suite, e->secret.bytes.p, e->id.p, s->server_random, keys) ==
		BM_OK) {
		keys[h->side].encrypt_then_mac = f->encrypt_then_mac && f->suite->mode == BM_MODE_CBC;
		keys[h->side].truncated_hmac = f->truncated_hmac && f->suite->mac != BM_HASH_NONE;
		if (bm_protection_new(&p, &keys[h->side]) == BM_OK) {
			bm_position_start(p, &pos);
			ok = check(h, p, &pos, w, false, &o) &&
				 start_is_certain(s->env, 8 * (unsigned)bm_protection_tag_len(p), 1);
		}
	}
	bm_protection_free(p);
	bm_wipe(keys, sizeof keys);
	bm_wipe(&pos, sizeof pos);
	return ok;
}

/* Which of the two directions needs keys, and nothing of it was passed over: the new ones. */
static void
put_in_place(struct bm_session *s, unsigned epoch)
{
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		if (h->protected && h->epoch == epoch && h->keys == NULL && h->pos.seq == 0)
			begin_epoch(h, h->epoch, s->pending[side]);
	}
}

bool
try_masters(struct half *h, const struct bm_wire *w)
{
	struct bm_session *s = h->s;
	const struct bm_suite *suite = s->facts.suite;
	struct bm_ring_entry e;
	uint64_t at = 0, work = 0, share = bm_start_share(s->env);

	if (is_tls13(s) || s->dtls || !s->server_hello || s->client_hello || s->masters_tried ||
		suite == NULL || !bm_suite_available(suite) || h->pos.seq != 0)
		return false;
	s->masters_tried = true;
	uint64_t cost = KEY_BLOCK + 2000 + w->body.n;
	s->facts.start.sought = true;
	s->facts.start.masters = bm_keyring_count(s->env->keys, BM_LABEL_CLIENT_RANDOM);
	while (bm_keyring_walk(s->env->keys, &at, &e)) {
		if (e.label != BM_LABEL_CLIENT_RANDOM)
			continue;
		if (work >= share) {
			s->facts.start.cut = true;
			break;
		}
		work += cost;
		s->env->start_spent += cost;
		s->env->start_tried++;
		s->facts.start.tried++;
		if (!master_opens(h, &e, w) || !use_master(s, e.id, e.secret.bytes.p))
			continue;
		s->facts.start.found = s->facts.handshake_seen = true;
		put_in_place(s, h->epoch);
		return h->keys != NULL;
	}
	return false;
}
