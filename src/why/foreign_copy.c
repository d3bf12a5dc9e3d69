/* foreign-record by its bytes: the record stands, from its header on, in another connection whose
 * keys are known to be others. For ciphers that chain records, where nothing verifies out of its
 * place. Refuses to try keys. */
#include "why/other_keys.h"

#include <math.h>

enum {
	LEAST = BM_HEADER + 24, /* octets that have to be alike */
	FRAME_COST = 150,       /* nanoseconds, about; and for 1000 octets */
	LOOK_COST = 150,
	CHANCE = -40
};

struct walk {
	const struct bm_why *w;
	struct bm_view record;
	uint64_t cost, limit, places;
	size_t n; /* octets alike; 0: nothing was found */
	uint64_t packet;
	const struct bm_foreign_keys *keys;
};

static bool
is_chained(const struct bm_foreign_keys *k)
{
	return k->keys.suite->cipher == BM_RC4 ||
		   (k->keys.suite->mode == BM_MODE_CBC && bm_version_rules(k->keys.version) <= BM_TLS10);
}

/* The keys of another connection that sends so, all of it good: what came to one from elsewhere may
 * have come to the other from there too. Of ciphers that do not chain records the keys alone would
 * have told. NULL: none that is known. */
static const struct bm_foreign_keys *
sent_under(const struct bm_why *w, const struct bm_segment *s)
{
	size_t count;
	const struct bm_foreign_keys *k = bm_session_foreign(w->session, &count);

	for (size_t i = 0; i < count; i++)
		if (is_chained(&k[i]) && !k[i].failed && bm_address_equal(&k[i].from, &s->src) &&
			bm_address_equal(&k[i].to, &s->dst) && !bm_is_of_flow(w, &k[i]) &&
			!bm_is_own_key(w, &k[i].keys))
			return &k[i];
	return NULL;
}

static bool
each(void *ctx, const struct bm_segment *s)
{
	struct walk *k = ctx;
	const uint8_t *p = s->payload.p, *end = p + s->payload.n;

	k->cost += FRAME_COST + s->payload.n * LOOK_COST / 1000;
	if (k->cost > k->limit)
		return false;
	if (s->transport != BM_TCP || s->payload.n < LEAST)
		return true;
	k->places += s->payload.n;
	for (; (size_t)(end - p) >= LEAST; p++) {
		p = memchr(p, k->record.p[0], (size_t)(end - p) - LEAST + 1);
		if (p == NULL)
			break;
		size_t n = (size_t)(end - p) < k->record.n ? (size_t)(end - p) : k->record.n;
		if (memcmp(p, k->record.p, n) != 0)
			continue;
		k->keys = sent_under(k->w, s);
		if (k->keys == NULL)
			continue;
		k->n = n;
		k->packet = s->packet;
		return false;
	}
	return true;
}

static bool
any_chained(const struct bm_why *w)
{
	size_t count;
	const struct bm_foreign_keys *k = bm_session_foreign(w->session, &count);

	for (size_t i = 0; i < count; i++)
		if (is_chained(&k[i]) && !bm_is_own_key(w, &k[i].keys))
			return true;
	return false;
}

bool
bm_find_foreign_copy(const struct bm_why *w, struct bm_view record, struct bm_finding *out)
{
	const struct bm_traffic *t = &bm_session_env_of(w->session)->traffic;
	struct walk k = {.w = w, .record = record, .limit = w->share / 8};

	if (t->walk == NULL || record.n < LEAST || !any_chained(w))
		return false;
	(void)t->walk(t->ctx, each, &k);
	*w->spent += k.cost;
	if (k.n == 0)
		return false;
	char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];
	bm_address_text(&k.keys->from, from);
	bm_address_text(&k.keys->to, to);
	out->method = "repeat-statistics";
	out->tag_bits = (unsigned)(8 * (k.n - BM_HEADER));
	out->candidates = k.places;
	out->chance_log2 = log2((double)k.places) - (double)out->tag_bits;
	out->strength = out->chance_log2 <= CHANCE ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED;
	bm_evidence(w, out,
		"%s%zu octets are those of a record of another connection, %s to %s, in packet %llu; its "
		"cipher chains records, so that it verifies nowhere else",
		k.n == record.n ? "its " : "its first ", k.n, from, to, (unsigned long long)k.packet);
	return true;
}
