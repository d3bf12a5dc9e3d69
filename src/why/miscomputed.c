/* sender-miscomputed: everything but the MAC is right. Whether the plaintext is, can only be judged
 * by what it looks like: statistics over every part of it. Its octets go nowhere. */
#include "why/record.h"

#include "base/buf.h"

#include <math.h>

enum {
	WINDOW = 32,   /* octets judged together */
	STEP = 8,      /* from one window to the next */
	WEAKEST = -20, /* base-2 logarithm: random octets look so no oftener */
	/* What damage garbles by itself: a block of CBC, or the few octets that were hit elsewhere. */
	PART = 8,
	PART_STEP = 4,
	PADDING_LEAST = 4,
	TAG_ALIKE = 4 /* octets of the tag that are right: then the rest of it was damaged */
};

/* log2 of n over k. */
static double
choose(unsigned n, unsigned k)
{
	double sum = 0;

	for (unsigned i = 1; i <= k; i++)
		sum += log2((double)(n - k + i) / i);
	return sum;
}

/* How rarely n random octets look so: full of text, of zeros, or of few different values. Bounds
 * from above: choices times the chance of each. */
double
bm_look_chance(const uint8_t *p, unsigned n)
{
	static const double text_log2 = -1.370; /* 99 of 256 values, zero among them */
	unsigned text = 0, zeros = 0, values = 0;
	bool seen[256] = {false};

	for (unsigned i = 0; i < n; i++) {
		text += bm_is_text_octet(p[i]) || p[i] == 0;
		zeros += p[i] == 0;
		values += !seen[p[i]];
		seen[p[i]] = true;
	}
	unsigned again = n - values;
	double a = choose(n, text) + text * text_log2;
	double b = choose(n, zeros) - 8.0 * zeros;
	/* Of the pairs of octets as many are equal. */
	double c = choose(n * (n - 1) / 2, again) - 8.0 * again;
	double least = a < b ? a : b;
	return least < c ? least : c;
}

/* The part that looks most like noise. */
struct look {
	double weakest;
	size_t at, n;
};

static struct look
look_at(struct bm_view v, size_t window, size_t step)
{
	struct look l = {.weakest = -1e9};
	size_t n = v.n < window ? v.n : window;

	for (size_t i = 0; n != 0; i += step) {
		size_t at = i + n <= v.n ? i : v.n - n;
		double x = bm_look_chance(v.p + at, (unsigned)n);
		if (x > l.weakest)
			l = (struct look){x, at, n};
		if (at == v.n - n)
			break;
	}
	return l;
}

/* Damage next to content that is very regular is lost in a large window: a part of the size that
 * damage has must not look like noise either, if only by so much as it can. */
static struct look
look_closely(struct bm_view v, size_t block, bool end_known)
{
	enum { TAIL_LEAST = 4 };
	struct look l = look_at(v, WINDOW, STEP);
	struct look part = block != 0 ? look_at(v, block, block) : look_at(v, PART, PART_STEP);
	/* What shares its block with the MAC; padding that is right shows that the block is. */
	size_t tail = block != 0 && v.n > block && !end_known ? v.n % block : 0;

	/* 3 bits for 4 octets: of 16 octets 14 that are text, of 8 octets 7. */
	if (l.weakest <= WEAKEST && part.weakest > -0.75 * (double)part.n)
		l = (struct look){WEAKEST + 1, part.at, part.n};
	if (l.weakest <= WEAKEST && tail != 0) {
		part = look_at(bm_view(v.p + v.n - tail, tail), tail, tail);
		if (tail < TAIL_LEAST || part.weakest > -0.75 * (double)tail)
			l = (struct look){WEAKEST + 1, v.n - tail, tail};
	}
	return l;
}

/* Hash of the whole handshake, behind four octets that are known (RFC 5246, 7.4.9; RFC
 * 8446, 4.4.4). */
static bool
is_finished(const struct bm_outcome *o)
{
	enum { FINISHED = 20 };

	return o->type == BM_HANDSHAKE && o->plain.n > 4 && o->plain.n <= 4 + BM_HASH_MAX &&
		   o->plain.p[0] == FINISHED && bm_load24(o->plain.p + 1) == o->plain.n - 4;
}

static unsigned
tag_alike(const struct bm_outcome *o)
{
	unsigned n = 0;

	for (size_t i = 0; i < o->tag_len; i++)
		n += o->computed[i] == o->received[i];
	return n;
}

static unsigned
tag_differs(const struct bm_outcome *o)
{
	unsigned n = 0;

	for (size_t i = 0; i < o->tag_len; i++)
		for (unsigned x = (unsigned)o->computed[i] ^ o->received[i]; x != 0; x &= x - 1)
			n++;
	return n;
}

/* Miscomputed MACs tend to come at certain lengths. */
static void
tell_lengths(const struct bm_why *w, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	size_t n = 0, same = 0;
	uint32_t least = UINT32_MAX, most = 0;

	if (w->session == NULL)
		return;
	const struct bm_case *all = bm_session_cases(w->session, &n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].kind != BM_CASE_BAD_RECORD || all[i].direction != c->direction ||
			all[i].len == 0)
			continue;
		same++;
		least = all[i].len < least ? all[i].len : least;
		most = all[i].len > most ? all[i].len : most;
	}
	if (same > 1)
		bm_evidence(w, out,
			"%zu records of this direction fail; they have %u to %u octets with header", same,
			least, most);
}

static void
tell(const struct bm_why *w, const struct bm_outcome *o, const struct look *l, bool padded,
	struct bm_finding *out)
{
	const struct bm_case *c = w->c;

	if (is_finished(o))
		bm_evidence(w, out,
			"decrypted, it is a Finished message by type and length, which random octets are once "
			"in 2^32; the %zu octets of its hash cannot be judged",
			o->plain.n - 4);
	else if (o->plain.n != 0)
		bm_evidence(w, out,
			"decrypted, no part of its %zu octets looks like noise: of all %zu octets in a row the "
			"most doubtful are such as random ones are once in 2^%.0f",
			o->plain.n, l->n, -l->weakest);
	if (padded)
		bm_evidence(w, out, "its %zu octets of padding are right: once in 2^%zu by chance",
			o->padding, 8 * o->padding);
	bm_evidence(w, out, "%u of the %zu bits of its MAC differ from the MAC of these very octets",
		tag_differs(o), 8 * o->tag_len);
	if (c->after == BM_AFTER_NEXT)
		bm_evidence(w, out, "the record after it verifies at the next sequence number, %llu",
			(unsigned long long)c->after_seq);
	tell_lengths(w, out);
}

/* Out of memory there are fewer words, and the answer is the same. */
static const char *
or_else(const char *text, const char *plain)
{
	return text != NULL ? text : plain;
}

static const char *
why_not(const struct bm_why *w, const struct bm_outcome *o, const struct look *l, bool padded)
{
	const struct bm_case *c = w->c;

	if (o->result != BM_BAD_TAG)
		return "more than the MAC is wrong";
	if (c->framing_lost || (c->after != BM_AFTER_NEXT && c->after != BM_AFTER_NOTHING))
		return "the records around it do not go on as if only its MAC were wrong";
	if (tag_alike(o) >= TAG_ALIKE)
		return or_else(bm_arena_print(w->arena,
						   "%u of the %zu octets of its MAC are right: the others were damaged",
						   tag_alike(o), o->tag_len),
			"part of it cannot be judged, or is right");
	if (is_finished(o))
		return NULL;
	if (o->plain.n == 0)
		return padded ? NULL : "it has no content that could be judged";
	if (l->weakest > WEAKEST)
		return or_else(bm_arena_print(w->arena,
						   "decrypted, octets %zu to %zu of %zu look like noise: damage there "
						   "could not be told "
						   "from "
						   "content",
						   l->at, l->at + l->n - 1, o->plain.n),
			"part of it cannot be judged, or is right");
	return NULL;
}

static bool
excluded(const struct bm_repair *r, const char *family)
{
	for (size_t i = 0; i < r->family_count; i++)
		if (r->family[i].complete && r->family[i].candidates != 0 &&
			strncmp(r->family[i].name, family, strlen(family)) == 0)
			return true;
	return false;
}

/* Were any two bits, wherever they are, and short runs tried and excluded? */
static bool
few_bits_excluded(const struct bm_repair *r)
{
	return excluded(r, "two bits anywhere") && excluded(r, "up to 4 octets in a row");
}

enum bm_answer
bm_ask_miscomputed(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct bm_mac_rules rules;
	struct bm_wire wire;
	struct bm_outcome o;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (c->result == BM_BAD_LENGTH || !bm_failed_record(w, &wire)) {
		*because = "not tried: the record's bytes are not at hand, or have no length that fits";
		return BM_EXCLUDED;
	}
	if (c->right_behind_gap) {
		*because = "not told apart: bytes before it were not captured, and so it is not certain "
				   "that it was counted";
		return BM_EXCLUDED;
	}
	/* Nothing nearer may explain it. */
	if (bm_find_repair(w)->found || w->repair->status != BM_OK) {
		*because = "not tried: damage to its bytes is not ruled out";
		return BM_EXCLUDED;
	}
	/* Whoever sent the packet summed the bytes that it had. */
	for (size_t i = 0; i < c->fragment_count; i++)
		if (c->fragments[i].record_off < c->len &&
			c->fragments[i].checksum == BM_CHECKSUM_INVALID) {
			*because = "not its sender's alone: a checksum over it is wrong as captured";
			return BM_EXCLUDED;
		}
	const struct bm_case *right = bm_right_one(w);
	if (right != NULL) {
		*because = bm_arena_print(w->arena,
			"its sender made one of that number that is right: it stands at stream offset %llu",
			(unsigned long long)right->off);
		return BM_EXCLUDED;
	}
	bool cbc = bm_protection_keys(c->protection)->suite->mode == BM_MODE_CBC;
	if (!cbc && !few_bits_excluded(&w->repair->repair)) {
		*because = "not told apart: a few bits that flip leave no trace in the plaintext here, and "
				   "not every "
				   "two of them were tried (--effort deep tries more)";
		return BM_EXCLUDED;
	}
	if (bm_verify(c->protection, c->position, &wire, true, w->scratch, &o) != BM_OK) {
		*because = "not tried: out of memory";
		return BM_EXCLUDED;
	}
	bool padded = cbc && w->facts->version != BM_SSL3 && o.padding >= PADDING_LEAST;
	bm_protection_mac(c->protection, &rules);
	struct look l =
		look_closely(o.plain, cbc ? rules.block : 0, padded && rules.order == BM_MAC_ENCRYPT_THEN);
	*because = why_not(w, &o, &l, padded);
	if (*because == NULL) {
		/* At most: damage that leaves no trace in what can be judged looks the same. */
		bool alone = c->after == BM_AFTER_NOTHING && (c->only_one || c->seq == 0);
		/* Under other suites than CBC a few octets of damage spoil no others. */
		out->strength =
			alone || !cbc || is_finished(&o) ? BM_STRENGTH_POSSIBLE : BM_STRENGTH_SUPPORTED;
		tell(w, &o, &l, padded, out);
	}
	bm_wipe(w->scratch->bytes, sizeof w->scratch->bytes);
	return *because == NULL ? BM_SHOWN : BM_EXCLUDED;
}
