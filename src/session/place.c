/* Where a direction that was joined in the middle stands once its secret is known: epoch, key
 * updates and sequence number of its next record. Refuses to look for the secret. */
#include "session/internal.h"

enum {
	ENOUGH = 8, /* records that the secret is looked for with */
	FAILURES = 4,
	UPDATES = 64,
	SECRETS = 4, /* logged for one epoch of one connection */
	NEARBY = 16,
	EARLY_ON = 64, /* numbers of a flight of the handshake */
	NUMBERS = 1 << 20,
	WAIT_MAX = 1 << 18, /* octets */
	SET_UP = 6000       /* nanoseconds */
};

struct placing {
	struct half *h;
	struct seek k;
	size_t at; /* the record that fits */
	uint64_t seq;
	bool moved; /* and not at the number that another record told */
	unsigned epoch;
	const struct bm_protection *keys;
	uint8_t secret[BM_SECRET_MAX]; /* of that epoch */
	size_t secret_len;
};

static void
take(struct placing *p, const struct bm_protection *keys, unsigned epoch, size_t at, uint64_t seq)
{
	p->keys = keys;
	p->epoch = epoch;
	p->at = at;
	p->seq = seq;
}

/* One that came twice, was left out or changed places between the two has moved the number. */
static bool
nearby(
	struct placing *p, const struct bm_protection *keys, size_t at, uint64_t guess, uint64_t *seq)
{
	for (uint64_t d = 1; d <= NEARBY; d++)
		if (seek_number(&p->k, keys, at, guess + d, guess + d + 1, seq) ||
			(d <= guess && seek_number(&p->k, keys, at, guess - d, guess - d + 1, seq)))
			return true;
	return false;
}

/* At a number below `to`; the guess and those about it when the numbering is known from another
 * record. */
static bool
fits(struct placing *p, const struct bm_protection *keys, unsigned epoch, size_t at, uint64_t to)
{
	const struct bm_session *s = p->h->s;
	uint64_t seq;

	if (s->first_fit.known && s->first_fit.way == p->h->way && s->first_fit.epoch == epoch &&
		!bm_number_solvable(keys)) {
		size_t i = 0;
		while (i < p->k.framed.n && p->k.framed.at[i].off != s->first_fit.off)
			i++;
		uint64_t guess = s->first_fit.seq + at - i;
		if (i < p->k.framed.n && s->first_fit.seq + at >= i) {
			p->moved = !seek_number(&p->k, keys, at, guess, guess + 1, &seq);
			if (p->moved && !nearby(p, keys, at, guess, &seq))
				return false;
			take(p, keys, epoch, at, seq);
			return true;
		}
	}
	p->moved = false;
	if (!seek_number(&p->k, keys, at, 0, to, &seq))
		return false;
	take(p, keys, epoch, at, seq);
	return true;
}

static bool
keep_secret(struct placing *p, struct bm_view secret)
{
	p->secret_len = secret.n <= sizeof p->secret ? secret.n : 0;
	memcpy(p->secret, secret.p, p->secret_len);
	return true;
}

static bool
fits_epoch(struct placing *p, unsigned epoch, size_t at, uint64_t to)
{
	for (size_t nth = 0; nth < SECRETS; nth++) {
		const struct bm_protection *keys = epoch_keys(p->h, epoch, nth);
		struct bm_secret secret;
		if (keys == NULL)
			break;
		if (fits(p, keys, epoch, at, to))
			return !find_traffic_secret(p->h, epoch, nth, &secret) || keep_secret(p, secret.bytes);
	}
	return false;
}

/* After so many key updates. What does not fit is not kept. */
static bool
fits_update(struct placing *p, size_t at, unsigned updates, uint64_t to)
{
	const struct bm_suite *suite = p->h->s->facts.suite;
	uint8_t secret[BM_SECRET_MAX];
	struct bm_secret first;
	bool ok = false;

	if (suite == NULL || !find_traffic_secret(p->h, BM_EPOCH_APPLICATION, 0, &first) ||
		first.bytes.n != bm_hash_size(suite->prf) || first.bytes.n > sizeof secret)
		return false;
	memcpy(secret, first.bytes.p, first.bytes.n);
	for (unsigned g = 1; g <= updates && !ok && !p->k.cut; g++) {
		struct bm_traffic_keys keys;
		struct bm_protection *own = NULL;
		if (!seek_pays(&p->k, SET_UP, 0) ||
			bm_secret_update(BM_TLS13, suite, secret, first.bytes.n) != BM_OK)
			break;
		bool made =
			bm_keys_from_secret(BM_TLS13, suite, bm_view(secret, first.bytes.n), &keys) == BM_OK;
		keys.draft = p->h->s->facts.draft;
		if (made && bm_protection_new(&own, &keys) == BM_OK)
			ok = fits(p, own, BM_EPOCH_APPLICATION + g, at, to);
		bm_protection_free(own);
		bm_wipe(&keys, sizeof keys);
		if (ok) {
			p->keys = secret_keys(p->h, p->epoch, suite, bm_view(secret, first.bytes.n));
			ok = p->keys != NULL && keep_secret(p, bm_view(secret, first.bytes.n));
		}
	}
	bm_wipe(secret, sizeof secret);
	return ok;
}

static bool
fits_any(struct placing *p, size_t at, uint64_t numbers, unsigned updates)
{
	if (!is_tls13(p->h->s)) {
		const struct bm_protection *keys = p->h->s->joined_keys[p->h->side];
		return keys != NULL && fits(p, keys, 1, at, numbers);
	}
	return fits_epoch(p, BM_EPOCH_APPLICATION, at, numbers) ||
		   fits_epoch(p, BM_EPOCH_HANDSHAKE, at, numbers < EARLY_ON ? numbers : EARLY_ON) ||
		   fits_epoch(p, BM_EPOCH_EARLY, at, numbers < EARLY_ON ? numbers : EARLY_ON) ||
		   fits_update(p, at, updates, numbers);
}

static size_t
shortest(const struct framed *f)
{
	size_t best = 0;

	for (size_t i = 1; i < f->n; i++)
		if (f->at[i].hdr.length < f->at[best].hdr.length)
			best = i;
	return best;
}

/* Where the number has to be searched for: once, in the shortest record. */
static void
find_numbering(struct placing *p)
{
	struct bm_session *s = p->h->s;
	const struct bm_suite *suite = s->facts.suite;
	size_t at = shortest(&p->k.framed);

	if (suite == NULL || suite->mode == BM_MODE_GCM ||
		(s->first_fit.known && s->first_fit.way == p->h->way))
		return;
	/* The nearest first, in every epoch. */
	for (uint64_t n = 64; n <= NUMBERS && !p->k.cut; n *= 64) {
		if (!fits_any(p, at, n, n <= 4096 ? 16 : 1)) {
			if (!p->k.cut)
				s->facts.start.placing = n;
			continue;
		}
		s->first_fit.known = true;
		s->first_fit.way = p->h->way;
		s->first_fit.epoch = p->epoch;
		s->first_fit.off = p->k.framed.at[at].off;
		s->first_fit.seq = p->seq;
		return;
	}
}

/* The first record at hand that fits. */
static bool
find_place(struct placing *p)
{
	size_t n = p->k.framed.n;

	find_numbering(p);
	for (size_t i = 0; i < n; i++)
		if (fits_any(p, i, EARLY_ON, 4))
			return true;
	/* Many key updates are seldom. */
	bool gcm = p->h->s->facts.suite != NULL && p->h->s->facts.suite->mode == BM_MODE_GCM;
	for (size_t i = 0; gcm && i < n && i < 2; i++)
		if (fits_update(p, i, UPDATES, EARLY_ON))
			return true;
	return false;
}

static void
undecided_frame(const struct framed *f, size_t i)
{
	judged(f->h, BM_JUDGED_UNDECIDED, f->at[i].off, BM_HEADER + f->at[i].hdr.length, BM_NO_SEQ);
}

/* Goes on at the first record of the epoch that was found, or that may be of it: if it fails, the
 * search for a cause is to show it. */
static void
enter(struct placing *p)
{
	struct half *h = p->h;
	size_t before = p->at < p->seq ? p->at : (size_t)p->seq;
	size_t skip = p->at - before;
	struct bm_position pos;

	/* The record before holds the first IV. */
	bool chained = bm_protection_chained(p->keys);
	if (chained && !chained_iv(h, p->keys, p->k.framed.at[skip].off, &pos) && before != 0) {
		before--;
		skip++;
	}
	for (size_t i = 0; i < skip; i++)
		undecided_frame(&p->k.framed, i);
	/* Up to TLS 1.2 what stands in the clear before it would be taken for protected. */
	if (skip != 0 || !is_tls13(h->s))
		h->off = p->k.framed.at[skip].off;
	h->protected = true;
	h->encrypts = true;
	begin_epoch(h, p->epoch, p->keys);
	memcpy(h->secret, p->secret, p->secret_len);
	h->secret_len = p->secret_len;
	h->pos.seq = p->seq - before;
	if (chained)
		(void)chained_iv(h, p->keys, h->off, &h->pos);
	/* So many of its epoch come before it as its number says, and these are the last of them: they
	 * have theirs for sure, if none came twice or was left out. */
	h->start_until = p->moved ? p->k.framed.at[p->at].off : h->off;
	h->joined = true;
	h->joined_epoch = p->epoch;
	h->joined_seq = h->pos.seq;
	h->unplaced = false;
	bm_stream_release(h->stream, h->off);
}

/* None of these fit: perhaps later ones do. */
static void
pass_over(struct half *h, const struct framed *f)
{
	for (size_t i = 0; i < f->n; i++)
		undecided_frame(f, i);
	h->off = f->at[f->n - 1].off + BM_HEADER + f->at[f->n - 1].hdr.length;
	h->looked_at = 0;
	h->unplaced = ++h->place_failures < FAILURES;
	bm_stream_release(h->stream, h->off);
}

/* RFC 8446, section 5.2: whatever is inside, outside it is application data of TLS 1.2. */
static bool
looks_like_tls13(const struct framed *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->at[i].hdr.type != BM_APPLICATION_DATA || f->at[i].hdr.version != BM_TLS12)
			return false;
	return true;
}

static bool
secrets_at_hand(const struct bm_session *s)
{
	const struct bm_keyring *ring = s->env->keys;

	if (bm_keyring_count(ring, BM_LABEL_CONNECTION) != 0)
		return true;
	return bm_keyring_count(ring, BM_LABEL_CLIENT_TRAFFIC_SECRET_0) +
			   bm_keyring_count(ring, BM_LABEL_SERVER_TRAFFIC_SECRET_0) +
			   bm_keyring_count(ring, BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET) +
			   bm_keyring_count(ring, BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET) !=
		   0;
}

/* Nothing that is given opens this direction; the other may yet tell the secret. */
static bool
other_may_tell(const struct half *h)
{
	const struct half *other = &h->s->half[1 - h->side];

	return other->unplaced && !other->in_vain && !other->over && !h->no_waiting &&
		   bm_stream_avail(h->stream, h->off) < WAIT_MAX;
}

enum placed
place_half(struct half *h, bool final)
{
	struct bm_session *s = h->s;
	struct placing p = {.h = h};
	enum placed result = PLACE_GO;

	if (!secrets_at_hand(s) || (s->facts.version != 0 && !is_tls13(s) && !s->facts.start.found)) {
		h->unplaced = false;
		return PLACE_GO;
	}
	frame_records(h, final, &p.k.framed);
	const struct framed *f = &p.k.framed;
	if (f->n == 0)
		return f->last ? PLACE_GO : PLACE_WAIT;
	begin_seek(h, &p.k);
	if (!s->facts.start.found) {
		if (f->n < ENOUGH && !f->last)
			return PLACE_WAIT;
		if (h->in_vain ||
			(!(looks_like_tls13(f) && identify(h, &p.k)) && !identify_tls12(h, &p.k))) {
			h->in_vain = true;
			if (other_may_tell(h))
				return PLACE_WAIT;
			h->unplaced = false;
			return PLACE_GO;
		}
		s->half[1 - h->side].unplaced = s->half[1 - h->side].keys == NULL;
		if (s->turn_round)
			return PLACE_TURN;
	}
	if (f->n < 2 * h->looked_at && !f->last)
		return PLACE_WAIT;
	h->looked_at = f->n;
	if (find_place(&p))
		enter(&p);
	else if (!f->last)
		result = PLACE_WAIT;
	else
		pass_over(h, f);
	bm_wipe(p.secret, sizeof p.secret);
	return result;
}
