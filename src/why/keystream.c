/* sender-miscomputed, where it can be proved: the record has its own number, key and content, and
 * keystream of RC4 from another place. Refuses to look for other numbers, which the session did. */
#include "why/record.h"

#include "base/buf.h"

enum {
	REACH = 1 << 15, /* octets of keystream either way: two records of the greatest length */
	OCTET = 2        /* what RC4 takes for one, in nanoseconds */
};

struct sweep {
	const struct bm_why *w;
	const struct bm_wire *wire;
	struct bm_position pos;
	uint64_t tried, left, cost; /* left and cost in nanoseconds */
	bool cut;
};

static bool
fits(struct sweep *s)
{
	struct bm_outcome o;

	if (s->left < s->cost) {
		s->cut = true;
		return false;
	}
	s->left -= s->cost;
	*s->w->spent += s->cost;
	s->tried++;
	return bm_verify(s->w->c->protection, &s->pos, s->wire, false, s->w->scratch, &o) == BM_OK &&
		   o.result == BM_VERIFIED;
}

/* n places, from where s stands. */
static bool
sweep(struct sweep *s, uint64_t n)
{
	for (uint64_t i = 0; i < n && !s->cut; i++) {
		if (fits(s))
			return true;
		bm_rc4_skip(&s->pos.rc4, 1);
	}
	return false;
}

/* Keystream that was used before: it is only to be had from the beginning on. Where not all places
 * can be tried, the nearest are. */
static bool
sweep_behind(struct sweep *s, uint64_t expected)
{
	uint64_t cost = expected * OCTET, n = expected < REACH ? expected : REACH;

	if (cost > s->left) {
		s->cut = true;
		return false;
	}
	s->left -= cost;
	*s->w->spent += cost;
	bool cut = s->cost != 0 && s->left / s->cost < n;
	uint64_t from = expected - (cut ? s->left / s->cost : n);
	uint64_t seq = s->pos.seq;
	bm_position_start(s->w->c->protection, &s->pos);
	s->pos.seq = seq;
	bm_rc4_skip(&s->pos.rc4, from);
	bool found = sweep(s, expected - from);
	s->cut = s->cut || cut;
	return found;
}

static void
tell(const struct sweep *s, uint64_t expected, struct bm_finding *out)
{
	const struct bm_why *w = s->w;
	uint64_t at = s->pos.rc4.position;

	bm_prove(out, "keystream-search", bm_protection_tag_len(w->c->protection), s->tried);
	bm_alter(w, out, BM_INPUT_KEYSTREAM);
	out->altered.keystream = at;
	bm_evidence(w, out,
		"it verifies at its own sequence number, %llu, with keystream from octet %llu on; the "
		"receiver's is at octet %llu, %llu %s",
		(unsigned long long)w->c->position->seq, (unsigned long long)at,
		(unsigned long long)expected,
		(unsigned long long)(at > expected ? at - expected : expected - at),
		at > expected ? "earlier" : "later");
	if (at > expected)
		bm_evidence(w, out,
			"as if %llu octets had been enciphered, and neither sent nor counted as a record",
			(unsigned long long)(at - expected));
	else
		bm_evidence(w, out,
			"so much keystream was used twice: whoever has both ciphertexts knows of what the two "
			"contents differ");
	if (w->c->after == BM_AFTER_NEXT)
		bm_evidence(w, out, "the record after it verifies at the next sequence number, %llu",
			(unsigned long long)w->c->after_seq);
}

enum bm_answer
bm_ask_keystream(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct bm_wire wire;

	if (c->kind != BM_CASE_BAD_RECORD || c->protection == NULL || c->found || c->identical ||
		bm_protection_keys(c->protection)->suite->cipher != BM_RC4)
		return BM_NOT_ASKED;
	if (c->result == BM_BAD_LENGTH || !bm_failed_record(w, &wire)) {
		*because = "not tried: the record's bytes are not at hand, or have no length that fits";
		return BM_EXCLUDED;
	}
	struct sweep s = {.w = w,
		.wire = &wire,
		.pos = *c->position,
		.left = w->share / 8,
		.cost = bm_protection_cost(c->protection, wire.body.n)};
	uint64_t expected = s.pos.rc4.position;
	bm_rc4_skip(&s.pos.rc4, 1);
	bool found = sweep(&s, REACH), cut = s.cut;
	/* Long records would leave nothing for what is behind. */
	s.left += w->share / 8;
	s.cut = false;
	found = found || sweep_behind(&s, expected);
	s.cut = s.cut || cut;
	if (found)
		tell(&s, expected, out);
	else
		*because = bm_arena_print(w->arena,
			"at its own number it verifies with keystream from none of %llu places around the "
			"expected one%s",
			(unsigned long long)s.tried, s.cut ? ", and not all could be tried" : "");
	bm_wipe(&s.pos, sizeof s.pos);
	return found ? BM_SHOWN : BM_EXCLUDED;
}
