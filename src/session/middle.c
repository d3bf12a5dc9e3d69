/* Which secret of the key material opens a TLS 1.3 connection that was joined in the middle: each
 * is tried under every suite that its length allows. Refuses to know where in the stream to go on.
 */
#include "session/internal.h"

enum {
	ANCHORS = 3,
	SUITES = 16,
	GENERATIONS = 4,
	MANY_GENERATIONS = 64,
	KEYS_COST = 800,
	QUICK_COST = 500,
	PROTECTION_COST = 4000
};

/* Likeliest and cheapest first. A number that can be solved for costs no search. */
struct pass {
	bool handshake, solvable;
	bool sm;              /* suites of RFC 8998 */
	unsigned first, last; /* key updates before */
	size_t anchors;       /* records: the second and third, should the first be damaged */
	uint64_t from, to;    /* numbers */
};
static const struct pass passes[] = {
	{.solvable = true, .anchors = 1, .to = 1},
	{.handshake = true, .solvable = true, .anchors = 1, .to = 1},
	{.anchors = 1, .to = 1 << 8},
	{.handshake = true, .anchors = 1, .to = 16},
	{.solvable = true, .anchors = ANCHORS, .to = 1},
	{.solvable = true, .first = 1, .last = GENERATIONS, .anchors = 1, .to = 1},
	{.solvable = true, .sm = true, .anchors = 1, .to = 1},
	{.anchors = 2, .to = 1 << 12},
	{.first = 1, .last = GENERATIONS, .anchors = 1, .to = 1 << 8},
	{.sm = true, .anchors = 1, .to = 1 << 8},
	{.anchors = 2, .from = 1 << 12, .to = 1 << 16},
	{.solvable = true, .first = GENERATIONS + 1, .last = MANY_GENERATIONS, .anchors = 1, .to = 1},
	{.anchors = 1, .from = 1 << 16, .to = 1 << 20},
};

struct hunt {
	struct half *h;
	struct seek *k;
	const struct pass *pass;
	size_t anchors[ANCHORS], anchor_count;
	const struct bm_suite *suites[SUITES];
	size_t suite_count;
	uint64_t tried; /* secrets, in this pass */
};

/* The shortest records: the cheapest. */
static void
choose_anchors(struct hunt *u)
{
	const struct framed *f = &u->k->framed;

	for (size_t i = 0; i < f->n; i++) {
		size_t at = u->anchor_count;
		while (at != 0 && f->at[i].hdr.length < f->at[u->anchors[at - 1]].hdr.length)
			at--;
		if (at == ANCHORS)
			continue;
		if (u->anchor_count < ANCHORS)
			u->anchor_count++;
		memmove(&u->anchors[at + 1], &u->anchors[at],
			(u->anchor_count - 1 - at) * sizeof u->anchors[0]);
		u->anchors[at] = i;
	}
}

static unsigned
side_of(enum bm_label label)
{
	return label == BM_LABEL_CLIENT_TRAFFIC_SECRET_0 ||
				   label == BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET
			   ? BM_CLIENT
			   : BM_SERVER;
}

static bool
wanted(const struct hunt *u, enum bm_label label)
{
	if (u->pass->handshake)
		return label == BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET ||
			   label == BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET;
	return label == BM_LABEL_CLIENT_TRAFFIC_SECRET_0 || label == BM_LABEL_SERVER_TRAFFIC_SECRET_0;
}

static void
found(struct hunt *u, const struct bm_ring_entry *e, const struct bm_suite *suite, unsigned epoch,
	size_t anchor, uint64_t seq)
{
	struct bm_session *s = u->h->s;
	struct bm_session_facts *f = &s->facts;

	f->version = BM_TLS13;
	f->suite = suite;
	f->suite_id = suite->id;
	f->has_suite = true;
	memcpy(f->client_random, e->id.p, BM_RANDOM);
	f->has_client_random = true;
	s->first_fit.known = true;
	s->first_fit.way = u->h->way;
	s->first_fit.epoch = epoch;
	s->first_fit.off = u->k->framed.at[anchor].off;
	s->first_fit.seq = seq;
	s->turn_round = side_of(e->label) != u->h->side;
}

static size_t
anchors_used(const struct hunt *u)
{
	return u->anchor_count < u->pass->anchors ? u->anchor_count : u->pass->anchors;
}

/* AES-GCM, without setting up anything for keys that are wrong but for once. */
static bool
may_fit(struct hunt *u, const struct bm_traffic_keys *keys)
{
	bool quick = keys->suite->cipher == BM_AES128 || keys->suite->cipher == BM_AES256;

	for (size_t i = 0; u->pass->solvable && quick && i < anchors_used(u); i++) {
		uint8_t header[BM_HEADER];
		uint64_t seq;
		struct bm_wire w = framed_wire(&u->k->framed, u->anchors[i], header);
		if (!seek_pays(u->k, QUICK_COST + w.body.n / 2, 1) || bm_number_of_keys(keys, &w, &seq))
			return true;
	}
	return !u->pass->solvable || !quick;
}

static bool
try_anchors(struct hunt *u, const struct bm_ring_entry *e, const struct bm_traffic_keys *keys,
	unsigned epoch)
{
	size_t n = anchors_used(u);
	struct bm_protection *p = NULL;
	uint64_t seq;
	bool ok = false;

	if (!may_fit(u, keys) || !seek_pays(u->k, PROTECTION_COST, 0) ||
		bm_protection_new(&p, keys) != BM_OK)
		return false;
	for (size_t i = 0; i < n && !ok; i++) {
		ok = seek_number(u->k, p, u->anchors[i], u->pass->from, u->pass->to, &seq);
		if (ok)
			found(u, e, keys->suite, epoch, u->anchors[i], seq);
	}
	bm_protection_free(p);
	return ok;
}

static bool
try_suite(struct hunt *u, const struct bm_ring_entry *e, const struct bm_suite *suite,
	struct bm_view secret, unsigned epoch)
{
	struct bm_traffic_keys keys;
	bool ok = false;

	if (seek_pays(u->k, KEYS_COST, 0) &&
		bm_keys_from_secret(BM_TLS13, suite, secret, &keys) == BM_OK) {
		keys.draft = u->h->s->facts.draft;
		ok = try_anchors(u, e, &keys, epoch);
		bm_wipe(&keys, sizeof keys);
	}
	return ok;
}

static void
choose_suites(struct hunt *u)
{
	size_t count;
	const struct bm_suite *t = bm_suite_table(&count);
	const struct bm_suite *known = u->h->s->facts.suite;

	for (size_t i = 0; i < count && u->suite_count < SUITES; i++)
		if (t[i].kx == BM_KX_TLS13 && t[i].verifiable && bm_suite_available(&t[i]) &&
			(known == NULL || known == &t[i]))
			u->suites[u->suite_count++] = &t[i];
}

static bool
try_suites(struct hunt *u, const struct bm_ring_entry *e, struct bm_view secret, unsigned epoch)
{
	for (size_t i = 0; i < u->suite_count && !u->k->cut; i++) {
		const struct bm_suite *s = u->suites[i];
		if (bm_hash_size(s->prf) == secret.n && (s->mode == BM_MODE_GCM) == u->pass->solvable &&
			(s->prf == BM_SM3) == u->pass->sm && try_suite(u, e, s, secret, epoch))
			return true;
	}
	return false;
}

/* Updates under SM3, whose secrets are as long as SHA-256's, are not tried. */
static bool
try_updates(struct hunt *u, const struct bm_ring_entry *e)
{
	uint8_t secret[BM_SECRET_MAX];
	const struct bm_suite *suite = bm_suite_find(e->secret.bytes.n == 48 ? 0x1302 : 0x1301);
	bool ok = false;

	memcpy(secret, e->secret.bytes.p, e->secret.bytes.n);
	for (unsigned g = 1; g <= u->pass->last && !ok && seek_pays(u->k, KEYS_COST, 0); g++) {
		if (bm_secret_update(BM_TLS13, suite, secret, e->secret.bytes.n) != BM_OK)
			break;
		if (g < u->pass->first)
			continue;
		ok = try_suites(u, e, bm_view(secret, e->secret.bytes.n), BM_EPOCH_APPLICATION + g);
	}
	bm_wipe(secret, sizeof secret);
	return ok;
}

static bool
try_secret(struct hunt *u, const struct bm_ring_entry *e)
{
	const struct bm_session_facts *f = &u->h->s->facts;

	if (!wanted(u, e->label) || e->secret.bytes.n > BM_SECRET_MAX ||
		(f->has_client_random && memcmp(e->id.p, f->client_random, BM_RANDOM) != 0))
		return false;
	u->tried++;
	if (u->pass->last != 0)
		return try_updates(u, e);
	return try_suites(
		u, e, e->secret.bytes, u->pass->handshake ? BM_EPOCH_HANDSHAKE : BM_EPOCH_APPLICATION);
}

/* Those of connections that were not seen otherwise first. */
static bool
try_pass(struct hunt *u)
{
	const struct bm_keyring *ring = u->h->s->env->keys;
	struct bm_ring_entry e;

	u->tried = 0;
	for (int met = 0; met < 2; met++) {
		uint64_t at = 0;
		while (!u->k->cut && bm_keyring_walk(ring, &at, &e))
			if (e.met == (met != 0) && try_secret(u, &e))
				return true;
	}
	return false;
}

static uint64_t
secrets_of(const struct bm_keyring *ring, bool handshake)
{
	return handshake ? bm_keyring_count(ring, BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET) +
						   bm_keyring_count(ring, BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET)
					 : bm_keyring_count(ring, BM_LABEL_CLIENT_TRAFFIC_SECRET_0) +
						   bm_keyring_count(ring, BM_LABEL_SERVER_TRAFFIC_SECRET_0);
}

/* Of two directions the one tells that was searched for further. */
static void
tell(struct bm_start *start, const struct bm_start *s)
{
	if (!start->sought || s->tried > start->tried ||
		(s->tried == start->tried && s->numbers > start->numbers))
		*start = *s;
}

bool
identify(struct half *h, struct seek *k)
{
	struct hunt u = {.h = h, .k = k};
	const struct bm_keyring *ring = h->s->env->keys;
	struct bm_start start = {
		.sought = true, .secrets = secrets_of(ring, false) + secrets_of(ring, true)};
	bool ok = false;

	choose_anchors(&u);
	choose_suites(&u);
	for (size_t i = 0; i < sizeof passes / sizeof passes[0] && !ok && !k->cut; i++) {
		const struct pass *p = u.pass = &passes[i];
		ok = try_pass(&u);
		if (p->solvable && p->last == 0 && p->anchors == 1 && !p->sm)
			start.tried += u.tried;
		if (!k->cut && !p->solvable && !p->handshake && p->last == 0 && !p->sm)
			start.numbers = p->to;
	}
	start.cut = k->cut;
	start.found = ok;
	if (ok)
		h->s->facts.start = start;
	else
		tell(&h->s->facts.start, &start);
	return ok;
}
