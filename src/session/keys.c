/* Which keys protect what: masters from key logs, private keys and earlier sessions, epochs of
 * TLS 1.3. Refuses to know records. */
#include "session/internal.h"

#include <stdlib.h>

enum {
	KEYS_MAX = 4096,
	MASTERS = 16,
	PROTECTION = 3000 /* octets that a set of keys takes with the library's contexts, about */
};

static const struct bm_protection *
add_keys(struct bm_session *s, const struct bm_traffic_keys *k, unsigned side, unsigned epoch)
{
	struct bm_protection *p = NULL;
	void *items = s->keys;
	enum bm_status st = bm_grow(&items, &s->key_cap, s->key_count + 1, KEYS_MAX, sizeof *s->keys);

	s->keys = items;
	if (st == BM_OK)
		st = bm_protection_new(&p, k);
	if (st == BM_NOMEM)
		session_fail(s, st);
	if (st != BM_OK)
		return NULL;
	s->keys[s->key_count++] = (struct keys){p, epoch, side, remember_foreign(s, k, side)};
	session_holds(s, PROTECTION);
	return p;
}

/* The premaster secret behind an RSA encryption block: 00 02, non-zero padding, 00, 48 bytes (RFC
 * 8017, 7.2.2). */
static bool
unpad(const uint8_t *block, size_t n, uint8_t premaster[BM_MASTER])
{
	if (n < 11 + BM_MASTER || block[0] != 0 || block[1] != 2 || block[n - BM_MASTER - 1] != 0)
		return false;
	for (size_t i = 2; i < n - BM_MASTER - 1; i++)
		if (block[i] == 0)
			return false;
	memcpy(premaster, block + n - BM_MASTER, BM_MASTER);
	return true;
}

static bool
master_from_premaster(struct bm_session *s, struct bm_view premaster)
{
	const struct bm_session_facts *f = &s->facts;
	enum bm_status st;

	if (f->extended_master_secret) {
		if (s->transcript_at_key_exchange == 0)
			return false;
		st = bm_master_secret_extended(f->version, f->suite, premaster,
			bm_view(s->transcript.p, s->transcript_at_key_exchange), s->master);
	} else {
		st = bm_master_secret(
			f->version, f->suite, premaster, f->client_random, s->server_random, s->master);
	}
	return st == BM_OK;
}

bool
premaster_from_private_key(const struct bm_session *s, size_t nth, uint8_t premaster[BM_MASTER])
{
	const struct bm_rsa *rsa = bm_keyring_rsa(s->env->keys, nth);
	uint8_t block[2048];

	if (rsa == NULL || bm_rsa_size(rsa) > sizeof block || s->encrypted_premaster.n == 0)
		return false;
	bool ok = s->encrypted_premaster.n == bm_rsa_size(rsa) &&
			  bm_rsa_decrypt(rsa, bm_buf_view(&s->encrypted_premaster), block) == BM_OK &&
			  unpad(block, bm_rsa_size(rsa), premaster);
	bm_wipe(block, sizeof block);
	return ok;
}

static bool
master_from_private_key(struct bm_session *s, size_t nth)
{
	uint8_t premaster[BM_MASTER];
	bool ok = premaster_from_private_key(s, nth, premaster) &&
			  master_from_premaster(s, bm_view(premaster, sizeof premaster));

	bm_wipe(premaster, sizeof premaster);
	return ok;
}

/* Puts the nth master secret that can be found into s->master. Likeliest first. */
static bool
find_master(struct bm_session *s, size_t nth)
{
	struct bm_keyring *ring = s->env->keys;
	struct bm_view random = bm_view(s->facts.client_random, BM_RANDOM);
	struct bm_secret secret;
	size_t n = 0;

	for (size_t i = 0; i < MASTERS; i++) {
		if (!bm_keyring_find(ring, BM_LABEL_CLIENT_RANDOM, random, i, &secret))
			break;
		if (secret.bytes.n == BM_MASTER && n++ == nth) {
			memcpy(s->master, secret.bytes.p, BM_MASTER);
			s->master_source = secret.source;
			return true;
		}
	}
	for (size_t i = 0; i < MASTERS; i++) {
		if (!bm_keyring_find(ring, BM_LABEL_PMS_CLIENT_RANDOM, random, i, &secret))
			break;
		if (n++ == nth) {
			s->master_source = secret.source;
			return master_from_premaster(s, secret.bytes);
		}
	}
	struct bm_view id = bm_view(s->server_session_id, s->server_session_id_len);
	for (size_t i = 0; id.n != 0 && i < MASTERS; i++) {
		if (!bm_keyring_find(ring, BM_LABEL_RSA_SESSION_ID, id, i, &secret))
			break;
		if (secret.bytes.n == BM_MASTER && n++ == nth) {
			memcpy(s->master, secret.bytes.p, BM_MASTER);
			s->master_source = secret.source;
			return true;
		}
	}
	if (s->encrypted_premaster.n >= 8) {
		struct bm_view head = bm_view(s->encrypted_premaster.p, 8);
		for (size_t i = 0; i < MASTERS; i++) {
			if (!bm_keyring_find(ring, BM_LABEL_RSA, head, i, &secret))
				break;
			if (n++ == nth) {
				s->master_source = secret.source;
				return master_from_premaster(s, secret.bytes);
			}
		}
		for (size_t i = 0; bm_keyring_rsa(ring, i) != NULL; i++) {
			if (s->rsa_known && i != s->rsa_key)
				continue;
			if (master_from_private_key(s, i) && n++ == nth) {
				s->master_source = BM_SOURCE_PRIVATE_KEY;
				return true;
			}
		}
	}
	/* A resumed session whose full handshake was seen. */
	if (!s->certificate_seen && s->env->apart) {
		s->env->asked_others = s->env->asked_others || id.n != 0 || s->offered_ticket.n != 0;
	} else if (!s->certificate_seen) {
		if (id.n != 0 && bm_keyring_recall(ring, id, s->master, &s->master_source) && n++ == nth)
			return true;
		if (s->offered_ticket.n != 0 &&
			bm_keyring_recall(
				ring, bm_buf_view(&s->offered_ticket), s->master, &s->master_source) &&
			n++ == nth)
			return true;
	}
	return false;
}

bool
keys_from_master(
	const struct bm_session *s, const uint8_t master[BM_MASTER], struct bm_traffic_keys k[2])
{
	const struct bm_session_facts *f = &s->facts;

	if (bm_key_block(f->version, f->suite, master, f->client_random, s->server_random, k) != BM_OK)
		return false;
	for (unsigned side = 0; side < 2; side++) {
		k[side].encrypt_then_mac = f->encrypt_then_mac && f->suite->mode == BM_MODE_CBC;
		k[side].truncated_hmac = f->truncated_hmac && f->suite->mac != BM_HASH_NONE;
	}
	return true;
}

bool
make_pending(struct bm_session *s, size_t nth)
{
	struct bm_session_facts *f = &s->facts;
	struct bm_traffic_keys k[2];

	s->pending[BM_CLIENT] = s->pending[BM_SERVER] = NULL;
	s->have_master = false;
	if (f->suite == NULL || !bm_suite_available(f->suite) || f->version == 0 || is_tls13(s))
		return false;
	if (!find_master(s, nth))
		return false;
	s->have_master = true;
	s->candidate = nth;
	s->verified_since_keys = 0;
	memset(k, 0, sizeof k);
	if (keys_from_master(s, s->master, k)) {
		f->source = s->master_source;
		for (unsigned side = 0; side < 2; side++)
			s->pending[side] = add_keys(s, &k[side], side, s->half[side].epoch + 1);
	}
	bm_wipe(k, sizeof k);
	return s->pending[BM_CLIENT] != NULL && s->pending[BM_SERVER] != NULL;
}

bool
use_master(struct bm_session *s, struct bm_view client_random, const uint8_t master[BM_MASTER])
{
	memcpy(s->facts.client_random, client_random.p, BM_RANDOM);
	s->facts.has_client_random = true;
	s->client_hello = true;
	s->client_hellos = s->server_hellos;
	s->pending_made = true;
	for (size_t nth = 0; make_pending(s, nth); nth++)
		if (memcmp(s->master, master, BM_MASTER) == 0)
			return true;
	return false;
}

bool
next_candidate(struct bm_session *s)
{
	if (is_tls13(s) || s->verified_since_keys != 0 || !s->have_master || s->candidates_spent)
		return false;
	const struct bm_protection *old[2] = {s->pending[0], s->pending[1]};
	bool another = make_pending(s, s->candidate + 1);
	if (!another) {
		/* None fits better: back to the first. */
		(void)make_pending(s, 0);
		s->candidates_spent = true;
	}
	/* The other direction may still be in the epoch before. */
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		if (h->protected && h->keys != NULL && h->keys == old[side] && s->pending[side] != NULL) {
			h->keys = s->pending[side];
			bm_position_start(h->keys, &h->pos);
		}
	}
	return another;
}

void
keys_confirmed(struct bm_session *s)
{
	struct bm_session_facts *f = &s->facts;

	if (is_tls13(s) || !s->have_master || s->env->apart)
		return;
	/* Tickets are opaque: the client will show this very one (RFC 5077, section 3.3). */
	struct bm_view id = bm_view(s->server_session_id, s->server_session_id_len);
	enum bm_status st = BM_OK;
	if (id.n != 0)
		st = bm_keyring_remember(s->env->keys, id, s->master, f->source);
	if (st == BM_OK && s->new_ticket.n != 0)
		st = bm_keyring_remember(s->env->keys, bm_buf_view(&s->new_ticket), s->master, f->source);
	if (st == BM_NOMEM)
		session_fail(s, st);
}

static bool
label_of(unsigned side, unsigned epoch, enum bm_label *label)
{
	switch (epoch) {
	case BM_EPOCH_EARLY:
		*label = BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET;
		return side == BM_CLIENT;
	case BM_EPOCH_HANDSHAKE:
		*label = side == BM_CLIENT ? BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET
								   : BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET;
		return true;
	case BM_EPOCH_APPLICATION:
		*label =
			side == BM_CLIENT ? BM_LABEL_CLIENT_TRAFFIC_SECRET_0 : BM_LABEL_SERVER_TRAFFIC_SECRET_0;
		return true;
	default:
		return false;
	}
}

/* Drafts of TLS 1.3 before the 20th derive keys with other labels. */
static bool
old_draft(const struct bm_session_facts *f)
{
	return f->draft != 0 && f->draft < 20;
}

void
derive_ahead(struct bm_session *s)
{
	const struct bm_suite *suite = s->facts.suite;
	struct bm_view secrets[4];
	struct bm_traffic_keys k[4];
	size_t n = 0;

	memset(s->derived, 0, sizeof s->derived);
	if (s->dtls || suite == NULL || !bm_suite_available(suite) || old_draft(&s->facts))
		return;
	for (unsigned side = 0; side < 2; side++)
		for (unsigned e = 0; e < 2; e++) {
			struct bm_secret secret;
			if (!find_traffic_secret(&s->half[side], BM_EPOCH_HANDSHAKE + e, 0, &secret) ||
				secret.bytes.n != bm_hash_size(suite->prf))
				continue;
			secrets[n] = secret.bytes;
			n++;
		}
	if (n != 0 && bm_keys_from_secrets(s->facts.version, suite, secrets, n, k) == BM_OK) {
		s->derived_version = s->facts.version;
		s->derived_suite = suite;
		for (size_t i = 0; i < n; i++) {
			struct derived *d = &s->derived[i];
			memcpy(d->secret, secrets[i].p, secrets[i].n);
			d->secret_len = secrets[i].n;
			memcpy(d->key, k[i].key, sizeof d->key);
			memcpy(d->iv, k[i].iv, sizeof d->iv);
		}
	}
	bm_wipe(k, n * sizeof *k);
}

static enum bm_status
derive(const struct bm_session *s, const struct bm_suite *suite, struct bm_view secret,
	struct bm_traffic_keys *k)
{
	for (size_t i = 0; i < 4; i++) {
		const struct derived *d = &s->derived[i];
		if (d->secret_len == 0 || !bm_view_equal(bm_view(d->secret, d->secret_len), secret) ||
			s->derived_suite != suite || s->derived_version != s->facts.version)
			continue;
		k->version = (uint16_t)s->facts.version;
		k->suite = suite;
		memcpy(k->key, d->key, sizeof k->key);
		memcpy(k->iv, d->iv, sizeof k->iv);
		return BM_OK;
	}
	return bm_keys_from_secret(s->facts.version, suite, secret, k);
}

static const struct bm_protection *
from_secret(struct half *h, unsigned epoch, const struct bm_suite *suite, struct bm_view secret)
{
	struct bm_session *s = h->s;
	struct bm_traffic_keys k;
	const struct bm_protection *p = NULL;

	memset(&k, 0, sizeof k);
	if (suite != NULL && bm_suite_available(suite) && !old_draft(&s->facts) &&
		secret.n == bm_hash_size(suite->prf) && derive(s, suite, secret, &k) == BM_OK) {
		k.draft = s->facts.draft;
		p = add_keys(s, &k, h->side, epoch);
	}
	bm_wipe(&k, sizeof k);
	return p;
}

const struct bm_protection *
secret_keys(struct half *h, unsigned epoch, const struct bm_suite *suite, struct bm_view secret)
{
	return from_secret(h, epoch, suite, secret);
}

bool
find_traffic_secret(struct half *h, unsigned epoch, size_t nth, struct bm_secret *secret)
{
	enum bm_label label;

	return h->s->facts.suite != NULL && h->s->facts.has_client_random &&
		   label_of(h->side, epoch, &label) &&
		   bm_keyring_find(
			   h->s->env->keys, label, bm_view(h->s->facts.client_random, BM_RANDOM), nth, secret);
}

/* The nth suite that may protect an epoch. Early data has that of the session it resumes, which
 * need not be the ServerHello's when it is refused (RFC 8446, section 4.2.10). */
static const struct bm_suite *
epoch_suite(const struct bm_session *s, unsigned epoch, size_t nth)
{
	if (nth == 0)
		return s->facts.suite;
	if (epoch != BM_EPOCH_EARLY)
		return NULL;
	size_t count;
	const struct bm_suite *t = bm_suite_table(&count);
	for (size_t i = 0; i < count; i++)
		if (t[i].verifiable && t[i].kx == BM_KX_TLS13 && &t[i] != s->facts.suite &&
			t[i].prf == s->facts.suite->prf && --nth == 0)
			return &t[i];
	return NULL;
}

const struct bm_protection *
epoch_keys(struct half *h, unsigned epoch, size_t nth)
{
	struct bm_session *s = h->s;
	struct bm_secret secret;
	size_t seen = 0;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].side == h->side && s->keys[i].epoch == epoch && seen++ == nth)
			return s->keys[i].protection;
	/* Those that are there were made in this order: every secret under every suite. */
	if (s->facts.suite == NULL)
		return NULL;
	size_t suites = 0;
	while (epoch_suite(s, epoch, suites) != NULL)
		suites++;
	if (seen != nth || suites == 0 || !find_traffic_secret(h, epoch, nth / suites, &secret))
		return NULL;
	const struct bm_protection *p =
		from_secret(h, epoch, epoch_suite(s, epoch, nth % suites), secret.bytes);
	if (p != NULL && s->facts.source == BM_SOURCE_NONE)
		s->facts.source = secret.source;
	return p;
}

/* The nth secret of h's epoch, from which KeyUpdate derives the next (RFC 8446, 7.2). */
static void
take_secret(struct half *h, size_t nth)
{
	struct bm_secret secret;

	h->secret_len = 0;
	if (h->epoch < BM_EPOCH_APPLICATION)
		return;
	if (find_traffic_secret(h, h->epoch, nth, &secret) && secret.bytes.n <= sizeof h->secret) {
		memcpy(h->secret, secret.bytes.p, secret.bytes.n);
		h->secret_len = secret.bytes.n;
	}
}

void
begin_epoch(struct half *h, unsigned epoch, const struct bm_protection *p)
{
	h->epoch = epoch;
	h->keys = p;
	h->gave_up = false;
	h->reuse_told = false;
	h->unnamed = 0;
	forget_earlier(h);
	h->skipped_case = SIZE_MAX;
	forget_prints(h);
	memset(&h->pos, 0, sizeof h->pos);
	if (p != NULL)
		bm_position_start(p, &h->pos);
}

void
enter_epoch(struct half *h, unsigned epoch)
{
	h->protected = epoch != BM_EPOCH_PLAIN;
	begin_epoch(h, epoch, h->protected ? epoch_keys(h, epoch, 0) : NULL);
	if (h->protected)
		take_secret(h, 0);
}

void
choose_secret(struct half *h, size_t nth, const struct bm_protection *p)
{
	h->keys = p;
	bm_position_start(p, &h->pos);
	take_secret(h, nth);
}

const struct bm_protection *
next_generation(struct half *h)
{
	struct bm_session *s = h->s;
	uint8_t secret[BM_SECRET_MAX];
	const struct bm_protection *p = NULL;

	if (h->epoch < BM_EPOCH_APPLICATION || h->secret_len == 0)
		return NULL;
	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].side == h->side && s->keys[i].epoch == h->epoch + 1)
			return s->keys[i].protection;
	memcpy(secret, h->secret, h->secret_len);
	if (bm_secret_update(s->facts.version, s->facts.suite, secret, h->secret_len) == BM_OK)
		p = from_secret(h, h->epoch + 1, s->facts.suite, bm_view(secret, h->secret_len));
	bm_wipe(secret, sizeof secret);
	return p;
}

void
enter_next_generation(struct half *h)
{
	struct bm_session *s = h->s;

	begin_epoch(h, h->epoch + 1, next_generation(h));
	if (h->keys == NULL ||
		bm_secret_update(s->facts.version, s->facts.suite, h->secret, h->secret_len) != BM_OK)
		h->secret_len = 0;
}
