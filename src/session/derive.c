/* Keys of SSL 3.0 to TLS 1.2 that an end may have come to by another way than the standard's, or
 * from the master secret of another session. Refuses to check whether anything was made with them.
 */
#include "session/internal.h"

enum { ZEROS_MOST = 2 };

/* Of what the premaster secret may have been taken for. */
enum shape { AS_IT_IS, STRIPPED, ONE_ZERO_MORE, TWO_ZEROS_MORE, REVERSED, OTHER_VERSION, SHAPES };

static const char *const shape_names[SHAPES] = {
	[AS_IT_IS] = NULL,
	[STRIPPED] = "a premaster secret without its leading zeros",
	[ONE_ZERO_MORE] = "a zero octet in front of the premaster secret",
	[TWO_ZEROS_MORE] = "two zero octets in front of the premaster secret",
	[REVERSED] = "the octets of the premaster secret in reverse order",
	[OTHER_VERSION] = "the negotiated version instead of the offered one in the premaster secret",
};

static bool
is_rsa(const struct bm_session *s)
{
	return s->encrypted_premaster.n != 0;
}

static bool
take(struct bm_derivations *d, struct bm_view premaster)
{
	if (premaster.n == 0 || premaster.n > BM_PREMASTER_MAX)
		return false;
	memcpy(d->premaster, premaster.p, premaster.n);
	d->premaster_n = premaster.n;
	return true;
}

static void
find_premaster(struct bm_derivations *d)
{
	const struct bm_session *s = d->session;
	const struct bm_keyring *ring = s->env->keys;
	struct bm_view random = bm_view(s->facts.client_random, BM_RANDOM);
	uint8_t premaster[BM_MASTER];
	struct bm_secret secret;

	if (s->facts.has_client_random &&
		bm_keyring_find(ring, BM_LABEL_PMS_CLIENT_RANDOM, random, 0, &secret) &&
		take(d, secret.bytes))
		return;
	if (s->encrypted_premaster.n < 8)
		return;
	if (bm_keyring_find(ring, BM_LABEL_RSA, bm_view(s->encrypted_premaster.p, 8), 0, &secret) &&
		take(d, secret.bytes))
		return;
	for (size_t i = 0; bm_keyring_rsa(ring, i) != NULL && d->premaster_n == 0; i++)
		if (premaster_from_private_key(s, i, premaster))
			(void)take(d, bm_view(premaster, sizeof premaster));
	bm_wipe(premaster, sizeof premaster);
}

void
bm_derivations_begin(struct bm_derivations *d, const struct bm_session *s, unsigned side)
{
	*d = (struct bm_derivations){.session = s, .side = side};
}

static bool
can_derive(const struct bm_session *s)
{
	return !is_tls13(s) && s->facts.suite != NULL && s->facts.has_client_random &&
		   bm_suite_available(s->facts.suite);
}

void
bm_derivations_end(struct bm_derivations *d)
{
	bm_wipe(d, sizeof *d);
}

static size_t
leading_zeros(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && v.p[n] == 0)
		n++;
	return n;
}

/* False: this shape is the same as another one, or does not occur. out: BM_PREMASTER_MAX and
 * ZEROS_MOST octets. */
static bool
shaped(const struct bm_derivations *d, enum shape shape, uint8_t *out, size_t *n)
{
	const uint8_t *p = d->premaster;
	size_t zeros = leading_zeros(bm_view(p, d->premaster_n));
	size_t more = shape == ONE_ZERO_MORE ? 1 : shape == TWO_ZEROS_MORE ? 2 : 0;

	*n = d->premaster_n;
	memset(out, 0, more);
	memcpy(out + more, p, *n);
	switch (shape) {
	case STRIPPED:
		*n -= zeros;
		memcpy(out, p + zeros, *n);
		return zeros != 0 && *n != 0;
	case ONE_ZERO_MORE:
	case TWO_ZEROS_MORE:
		*n += more;
		return !is_rsa(d->session);
	case REVERSED:
		for (size_t i = 0; i < *n; i++)
			out[i] = p[*n - 1 - i];
		return true;
	case OTHER_VERSION:
		if (!is_rsa(d->session) || *n != BM_MASTER || bm_load16(p) == d->session->facts.version)
			return false;
		bm_store16(out, d->session->facts.version);
		return true;
	case AS_IT_IS:
	case SHAPES:
		break;
	}
	return true;
}

static bool
keys_of_master(const struct bm_derivations *d, const uint8_t *master, struct bm_protection **out)
{
	struct bm_traffic_keys k[2];

	memset(k, 0, sizeof k);
	bool ok =
		keys_from_master(d->session, master, k) && bm_protection_new(out, &k[d->side]) == BM_OK;
	bm_wipe(k, sizeof k);
	return ok;
}

/* Each shape with the master secret as negotiated and in the other way (RFC 7627). */
static bool
by_premaster(struct bm_derivations *d, struct bm_derivation *out)
{
	const struct bm_session *s = d->session;
	const struct bm_session_facts *f = &s->facts;
	uint8_t premaster[BM_PREMASTER_MAX + ZEROS_MOST], master[BM_MASTER];
	bool made = false;

	/* The first way is the negotiated one. */
	while (!made && ++d->way < 2 * SHAPES) {
		enum shape shape = (enum shape)(d->way / 2);
		if (shape >= SHAPES)
			break;
		bool other = d->way % 2 != 0, extended = f->extended_master_secret != other;
		size_t n;
		if (!shaped(d, shape, premaster, &n) || (extended && s->transcript_at_key_exchange == 0))
			continue;
		struct bm_view secret = bm_view(premaster, n);
		enum bm_status st =
			extended ? bm_master_secret_extended(f->version, f->suite, secret,
						   bm_view(s->transcript.p, s->transcript_at_key_exchange), master)
					 : bm_master_secret(f->version, f->suite, secret, f->client_random,
						   s->server_random, master);
		made = st == BM_OK && keys_of_master(d, master, &out->protection);
		out->how = shape_names[shape];
		out->extended = !other     ? NULL
						: extended ? "a master secret of RFC 7627, which was not negotiated"
								   : "a master secret without RFC 7627, which was negotiated";
	}
	bm_wipe(premaster, sizeof premaster);
	bm_wipe(master, sizeof master);
	return made;
}

bool
bm_derivations_next(struct bm_derivations *d, struct bm_derivation *out)
{
	*out = (struct bm_derivation){.protection = NULL};
	if (d->way == 0 && can_derive(d->session))
		find_premaster(d);
	return d->premaster_n != 0 && by_premaster(d, out);
}

bool
bm_derivations_session(struct bm_derivations *d, uint64_t most, struct bm_derivation *out)
{
	const struct bm_session_facts *f = &d->session->facts;
	const struct bm_keyring *ring = d->session->env->keys;
	struct bm_ring_entry e;

	*out = (struct bm_derivation){.protection = NULL};
	if (!can_derive(d->session) || bm_keyring_count(ring, BM_LABEL_CLIENT_RANDOM) +
										   bm_keyring_count(ring, BM_LABEL_RSA_SESSION_ID) ==
									   0)
		return false;
	for (uint64_t n = 0; n < most && bm_keyring_walk(ring, &d->at, &e); n++) {
		d->passed++;
		bool by_random = e.label == BM_LABEL_CLIENT_RANDOM;
		if ((!by_random && e.label != BM_LABEL_RSA_SESSION_ID) || e.secret.bytes.n != BM_MASTER)
			continue;
		if (by_random && memcmp(e.id.p, f->client_random, BM_RANDOM) == 0)
			continue;
		if (!keys_of_master(d, e.secret.bytes.p, &out->protection))
			return false;
		out->id = e.id;
		out->by_random = by_random;
		return true;
	}
	return false;
}
