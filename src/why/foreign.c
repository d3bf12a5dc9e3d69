/* foreign-record: the record is good, under the keys of another connection: one of the captures, or
 * one that only the key log tells of. Refuses to know how keys are come by. */
#include "why/other_keys.h"

#include "base/buf.h"
#include "why/dtls.h"

enum {
	NUMBERS = 1 << 12,
	FIRST_WINDOW = 16,
	DERIVING = 25000, /* nanoseconds to make keys of a secret, about */
	SUITES = 8,
	TAG = 16,         /* octets of a tag that is not cut */
	NUMBER_BITS = 48, /* bm_solve_number's */
	GENERATIONS = 3   /* of an application secret: as logged, and after KeyUpdates */
};

struct foreign {
	struct bm_key_hunt h;
	struct bm_wire wire;
	uint64_t solved;                 /* numbers that algebra covered; such tags have 128 bits */
	uint64_t keys;                   /* of other connections that were tried */
	uint64_t secrets;                /* of the key log, likewise */
	bool cut;                        /* not all that are known could be */
	const struct bm_position *stood; /* a chained cipher, where it verifies; NULL: at the start */
};

/* GCM tells the number by itself. True: nothing more is to be tried under p; *found. */
static bool
by_algebra(struct foreign *f, const struct bm_protection *p, bool *found)
{
	struct bm_position pos;
	uint64_t seq, cost = bm_protection_cost(p, f->h.record.n);

	*found = false;
	if (!bm_number_solvable(p))
		return false;
	bool told = bm_solve_number(p, &f->wire, &seq);
	f->solved += UINT64_C(1) << NUMBER_BITS;
	f->h.work += cost;
	*f->h.w->spent += cost;
	if (!told)
		return true;
	bm_position_start(p, &pos);
	pos.seq = seq;
	*found = bm_try_at(&f->h, p, &pos);
	f->h.seq = seq;
	bm_wipe(&pos, sizeof pos);
	return true;
}

static bool
by_states(struct foreign *f, const struct bm_protection *p, const struct bm_foreign_keys *k)
{
	for (size_t i = 0; i < k->state_count; i++)
		if (bm_try_at(&f->h, p, &k->states[i])) {
			f->h.seq = k->states[i].seq;
			f->stood = &k->states[i];
			return true;
		}
	return false;
}

static bool
within(struct foreign *f)
{
	if (f->h.work < f->h.limit)
		return true;
	f->cut = true;
	return false;
}

/* Another sighting of the connection has its keys. */
bool
bm_is_own_key(const struct bm_why *w, const struct bm_traffic_keys *k)
{
	struct bm_session_key own;

	for (size_t i = 0; bm_session_key(w->session, i, &own); i++) {
		const struct bm_traffic_keys *o = bm_protection_keys(own.protection);
		if (memcmp(o->key, k->key, sizeof o->key) == 0 && memcmp(o->iv, k->iv, sizeof o->iv) == 0 &&
			memcmp(o->mac_key, k->mac_key, sizeof o->mac_key) == 0)
			return true;
	}
	return false;
}

/* Sent by this very connection? DTLS: another association may have been on the same addresses and
 * ports; over TCP that is told by the flow, where it is known. */
bool
bm_is_of_flow(const struct bm_why *w, const struct bm_foreign_keys *k)
{
	const struct bm_flow *f = bm_session_flow(w->session);
	const struct bm_address *a = bm_flow_source(f, 0), *b = bm_flow_source(f, 1);

	if (bm_is_dtls(w))
		return false;
	if (k->flow != BM_NO_SEQ)
		return k->flow == bm_flow_id(f);
	return (bm_address_equal(a, &k->from) && bm_address_equal(b, &k->to)) ||
		   (bm_address_equal(b, &k->from) && bm_address_equal(a, &k->to));
}

/* One set of keys: everything at once in the first round, further numbers in the later ones. */
static bool
try_keys(struct foreign *f, const struct bm_traffic_keys *k, const struct bm_foreign_keys *states,
	uint64_t window, struct bm_finding *out)
{
	struct bm_protection *p = NULL;
	bool found = false, first = window == FIRST_WINDOW;
	/* DTLS brings its numbers along. */
	bool gcm = k->suite->mode == BM_MODE_GCM && !bm_is_dtls(f->h.w);

	/* Those have been tried to the end. */
	if (!first && gcm)
		return false;
	if (bm_protection_new(&p, k) != BM_OK)
		return false;
	if (!gcm || !by_algebra(f, p, &found))
		found = (first && states != NULL && by_states(f, p, states)) ||
				bm_try_near(&f->h, p, 0, window);
	/* A short tag is as rare as those that were tried under one. */
	size_t tag = bm_protection_tag_len(p);
	if (found)
		bm_prove(out, "key-search", tag, f->h.tried + (tag >= TAG ? f->solved : 0));
	bm_protection_free(p);
	return found;
}

static void
alter(const struct foreign *f, struct bm_finding *out)
{
	const struct bm_protection *own = f->h.w->c->protection;
	bool rc4 = own != NULL && bm_protection_keys(own)->suite->cipher == BM_RC4;

	bm_alter(f->h.w, out, BM_INPUT_CONNECTION);
	out->altered.epoch = BM_NO_SEQ;
	out->altered.seq = f->h.seq;
	struct bm_chain chain = {.known = f->stood != NULL && (rc4 || f->stood->seq != 0)};
	if (chain.known && rc4)
		chain.keystream = f->stood->rc4.position;
	else if (chain.known)
		memcpy(chain.iv, f->stood->iv, sizeof chain.iv);
	bm_alter_chain(f->h.w, out, &chain);
}

static bool
of_captures(struct foreign *f, uint64_t window, struct bm_finding *out)
{
	const struct bm_why *w = f->h.w;
	size_t count;
	const struct bm_foreign_keys *k = bm_session_foreign(w->session, &count);
	bool dtls = bm_is_dtls(w);

	for (size_t i = 0; i < count && within(f); i++) {
		if (bm_is_of_flow(w, &k[i]) || bm_is_own_key(w, &k[i].keys))
			continue;
		f->keys += window == FIRST_WINDOW;
		if (!try_keys(f, &k[i].keys, &k[i], window, out))
			continue;
		alter(f, out);
		out->altered.sender = k[i].from;
		out->altered.receiver = k[i].to;
		char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];
		bm_address_text(&k[i].from, from);
		bm_address_text(&k[i].to, to);
		bm_evidence(w, out,
			"it verifies under the keys of another %s, %s to %s, at sequence number %llu",
			dtls ? "association" : "connection", from, to, bm_ull(f->h.seq));
		return true;
	}
	return false;
}

static const char *
side_of(enum bm_label l)
{
	return l == BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET || l == BM_LABEL_SERVER_TRAFFIC_SECRET_0
			   ? "server"
			   : "client";
}

static bool
is_traffic(enum bm_label l)
{
	return l == BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET ||
		   l == BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET ||
		   l == BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET || l == BM_LABEL_CLIENT_TRAFFIC_SECRET_0 ||
		   l == BM_LABEL_SERVER_TRAFFIC_SECRET_0;
}

/* The suites of TLS 1.3 with this length of secret. */
static size_t
suites_for(size_t secret, const struct bm_suite *list[SUITES])
{
	size_t count, n = 0;
	const struct bm_suite *t = bm_suite_table(&count);

	for (size_t i = 0; i < count && n < SUITES; i++)
		if (t[i].kx == BM_KX_TLS13 && bm_suite_available(&t[i]) && bm_hash_size(t[i].prf) == secret)
			list[n++] = &t[i];
	return n;
}

/* The keys of a secret after so many KeyUpdates (RFC 8446, section 7.2). */
static bool
derive(struct foreign *f, const struct bm_ring_entry *s, const struct bm_suite *suite,
	unsigned generation, struct bm_traffic_keys *k)
{
	uint8_t secret[BM_SECRET_MAX];
	enum bm_status st = BM_OK;

	memcpy(secret, s->secret.bytes.p, s->secret.bytes.n);
	for (unsigned i = 0; i < generation && st == BM_OK; i++)
		st = bm_secret_update(BM_TLS13, suite, secret, s->secret.bytes.n);
	if (st == BM_OK)
		st = bm_keys_from_secret(BM_TLS13, suite, bm_view(secret, s->secret.bytes.n), k);
	bm_wipe(secret, sizeof secret);
	uint64_t cost = DERIVING * (1 + generation / 2);
	f->h.work += cost;
	*f->h.w->spent += cost;
	return st == BM_OK && !bm_is_own_key(f->h.w, k);
}

static bool
try_secret(struct foreign *f, const struct bm_ring_entry *s, unsigned generation, uint64_t window,
	struct bm_finding *out)
{
	const struct bm_suite *suites[SUITES];
	size_t n = suites_for(s->secret.bytes.n, suites);
	bool found = false;

	for (size_t i = 0; i < n && !found && within(f); i++) {
		struct bm_traffic_keys k = {.version = 0};
		if (window != FIRST_WINDOW && suites[i]->mode == BM_MODE_GCM)
			continue;
		if (derive(f, s, suites[i], generation, &k))
			found = try_keys(f, &k, NULL, window, out);
		if (found)
			bm_evidence(f->h.w, out,
				"it verifies under %s, a secret of the key log for the %s of another connection, "
				"at sequence number %llu; that connection was not captured, or not understood",
				suites[i]->name, side_of(s->label), bm_ull(f->h.seq));
		bm_wipe(&k, sizeof k);
	}
	return found;
}

/* Connections that were not captured; their client random is all that names them. */
static bool
of_key_log(struct foreign *f, unsigned generation, uint64_t window, struct bm_finding *out)
{
	const struct bm_why *w = f->h.w;
	const struct bm_keyring *ring = bm_session_env_of(w->session)->keys;
	struct bm_ring_entry s;
	uint64_t cursor = 0;

	/* Records of TLS 1.3 all look so (RFC 8446, section 5.2). */
	if (ring == NULL || f->wire.type != BM_APPLICATION_DATA || f->wire.version != BM_TLS12)
		return false;
	while (within(f) && bm_keyring_walk(ring, &cursor, &s)) {
		if (!is_traffic(s.label) ||
			(w->facts->has_client_random &&
				bm_view_equal(s.id, bm_view(w->facts->client_random, BM_RANDOM))))
			continue;
		/* Only application secrets are updated. */
		if (generation != 0 && s.label != BM_LABEL_CLIENT_TRAFFIC_SECRET_0 &&
			s.label != BM_LABEL_SERVER_TRAFFIC_SECRET_0)
			continue;
		f->secrets += window == FIRST_WINDOW && generation == 0;
		if (!try_secret(f, &s, generation, window, out))
			continue;
		alter(f, out);
		out->altered.session_n = s.id.n < BM_SESSION_NAME_MAX ? s.id.n : BM_SESSION_NAME_MAX;
		memcpy(out->altered.session, s.id.p, out->altered.session_n);
		char random[2 * BM_RANDOM + 1];
		bm_hex(s.id, random);
		bm_evidence(w, out, "the client random of that connection is %s", random);
		return true;
	}
	return false;
}

static const char *
excluded(const struct foreign *f)
{
	const char *cut = f->cut ? ", and not all that are known could be tried" : "";

	if (f->keys + f->secrets == 0)
		return "nothing to try: no keys of other connections are known";
	return bm_arena_print(f->h.w->arena,
		"it verifies under none of %llu keys of other connections and %llu secrets of the key log: "
		"%llu pairs of a key and a sequence number were tried%s",
		bm_ull(f->keys), bm_ull(f->secrets), bm_ull(f->h.tried + f->solved), cut);
}

static bool
begin(const struct bm_why *w, struct foreign *f, enum bm_answer *answer, const char **because)
{
	*f = (struct foreign){.keys = 0};
	if (!bm_begin_hunt(w, &f->h, answer, because))
		return false;
	if (bm_is_dtls(w))
		return true;
	struct bm_record_header hdr = bm_record_header(f->h.record.p);
	f->wire = (struct bm_wire){.type = hdr.type,
		.version = hdr.version,
		.header = bm_view(f->h.record.p, BM_HEADER),
		.body = bm_view(f->h.record.p + BM_HEADER, f->h.record.n - BM_HEADER)};
	return true;
}

static enum bm_answer
search(struct foreign *f, struct bm_finding *out, const char **because)
{
	const struct bm_why *w = f->h.w;

	/* Fair to all: few numbers of each before many of any. */
	f->h.limit = w->share / 8;
	for (uint64_t window = FIRST_WINDOW; window <= NUMBERS; window *= 16)
		if (of_captures(f, window, out))
			return BM_SHOWN;
	f->h.limit = f->h.work + w->share / 8;
	for (uint64_t window = FIRST_WINDOW; window <= NUMBERS && !bm_is_dtls(w); window *= 16)
		for (unsigned generation = 0; generation < GENERATIONS; generation++)
			if (of_key_log(f, generation, window, out))
				return BM_SHOWN;
	*because = excluded(f);
	return BM_EXCLUDED;
}

/* Do the records around it say that it was never one of this sender's? Then other keys are likelier
 * than damage, which is looked for in a fraction of the time. */
static bool
is_likely(const struct bm_why *w)
{
	return bm_is_dtls(w) || w->c->after == BM_AFTER_SAME || w->c->after == BM_AFTER_OTHER;
}

enum bm_answer
bm_ask_foreign(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct foreign f;
	enum bm_answer answer;

	if (!begin(w, &f, &answer, because))
		return is_likely(w) ? answer : BM_NOT_ASKED;
	if (is_likely(w))
		answer = search(&f, out, because);
	else {
		f.h.limit = w->share / 128;
		answer = of_captures(&f, FIRST_WINDOW, out) ? BM_SHOWN : BM_NOT_ASKED;
	}
	return answer == BM_SHOWN || !bm_find_foreign_copy(w, f.h.record, out) ? answer : BM_SHOWN;
}

enum bm_answer
bm_ask_foreign_at_last(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct foreign f;
	enum bm_answer answer;

	if (is_likely(w))
		return BM_NOT_ASKED;
	return begin(w, &f, &answer, because) ? search(&f, out, because) : answer;
}
