/* Without keys: explicit nonces that count up, and where the count breaks. Many senders draw them
 * at random: then nothing is said. Refuses to look at anything else of a record. */
#include "why/keyless.h"

#include <math.h>
#include <string.h>

enum {
	SETTLED = 3,   /* steps of one in a row that make a count */
	FAR = 1 << 16, /* no sender skips so many */
	LATE = 64,     /* records within which an overtaken one comes */
	FLIPS = 4,     /* bits that may differ to be called flipped */
	NONCE = 8
};

struct odd {
	const struct bm_seen_record *r;
	uint64_t expected;
	uint64_t first;                    /* of the count */
	const struct bm_seen_record *next; /* NULL: nothing is known of it */
	size_t left;                       /* records from next on */
};

static bool
has_nonce(const struct bm_seen_record *r)
{
	return r->len >= BM_HEADER + NONCE + 8;
}

static bool
follows(const struct bm_seen_record *r, const struct bm_seen_record *before)
{
	return !r->behind_gap && r->epoch == before->epoch && has_nonce(r);
}

/* The first record that breaks a count. */
static bool
first_odd(const struct bm_why *w, struct odd *o)
{
	size_t n, all, steps = 0;
	const struct bm_seen_record *r = bm_keyless_records(w, &n);

	(void)bm_session_seen(w->session, w->c->direction, &all);
	for (size_t i = 1; i < n; i++) {
		if (!follows(&r[i], &r[i - 1]) || !has_nonce(&r[i - 1])) {
			steps = 0;
			continue;
		}
		if (r[i].nonce == r[i - 1].nonce + 1) {
			steps++;
			continue;
		}
		if (steps < SETTLED || bm_keyless_carried_on(w, &r[i])) {
			steps = 0;
			continue;
		}
		*o = (struct odd){.r = &r[i],
			.expected = r[i - 1].nonce + 1,
			.first = r[i - 1].nonce - steps,
			.next = i + 1 < all && follows(&r[i + 1], &r[i]) ? &r[i + 1] : NULL,
			.left = all - i - 1};
		return true;
	}
	return false;
}

static bool
comes_late(const struct odd *o)
{
	for (size_t i = 0; o->next != NULL && i < o->left && i < LATE; i++) {
		if (o->next[i].behind_gap || o->next[i].epoch != o->r->epoch)
			return false;
		if (o->next[i].nonce == o->expected)
			return true;
	}
	return false;
}

static double
patterns(unsigned bits)
{
	double sum = 0, choose = 1;

	for (unsigned k = 1; k <= bits; k++) {
		choose = choose * (64 - k + 1) / k;
		sum += choose;
	}
	return sum;
}

static void
count_evidence(
	const struct bm_why *w, struct bm_finding *out, const struct odd *o, const char *what)
{
	bm_evidence(w, out,
		"the explicit nonces of this sender count up by one, %llu times in a row; the record at "
		"stream offset %llu (packet %llu) has %016llx where %016llx was due%s",
		(unsigned long long)(o->expected - o->first), (unsigned long long)o->r->off,
		(unsigned long long)o->r->packet, (unsigned long long)o->r->nonce,
		(unsigned long long)o->expected, what);
}

static enum bm_answer
show(const struct bm_why *w, struct bm_finding *out, const struct odd *o, enum bm_cause cause,
	bool certain, const char *what)
{
	if (!bm_keyless_about(w, out, o->r, o->r->len, certain))
		return BM_NOT_ASKED;
	out->cause = cause;
	count_evidence(w, out, o, what);
	return BM_SHOWN;
}

/* The nonce itself is what was damaged: the count goes on as if it had been right. */
static enum bm_answer
damaged(const struct bm_why *w, struct bm_finding *out, const struct odd *o)
{
	unsigned bits = (unsigned)__builtin_popcountll(o->r->nonce ^ o->expected);
	uint8_t sent[NONCE], received[NONCE];

	for (unsigned i = 0; i < NONCE; i++) {
		sent[i] = (uint8_t)(o->expected >> (56 - 8 * i));
		received[i] = (uint8_t)(o->r->nonce >> (56 - 8 * i));
	}
	unsigned from = 0, to = NONCE;
	while (from < to && sent[from] == received[from])
		from++;
	while (to > from && sent[to - 1] == received[to - 1])
		to--;
	enum bm_answer a =
		show(w, out, o, bits <= FLIPS ? BM_CAUSE_BITS_FLIPPED : BM_CAUSE_BYTES_DAMAGED, true,
			o->next != NULL ? ", and the next one continues as if it had been right" : "");
	const uint8_t *was = bm_arena_copy(w->arena, bm_view(received + from, to - from));
	const uint8_t *is = bm_arena_copy(w->arena, bm_view(sent + from, to - from));
	out->no_memory = out->no_memory || was == NULL || is == NULL;
	if (a != BM_SHOWN || out->no_memory)
		return a;
	out->changes[out->change_count++] = (struct bm_change){.record_off = BM_HEADER + from,
		.received = bm_view(was, to - from),
		.sent = bm_view(is, to - from)};
	if (bits <= FLIPS) {
		out->method = "nonce-count";
		out->tag_bits = 8 * NONCE;
		out->candidates = (uint64_t)patterns(bits);
		out->chance_log2 = log2(patterns(bits)) - 8 * NONCE;
	}
	return a;
}

/* One octet over and over, from the nonce on: what was written over it counts nothing. */
static bool
overwritten(const struct bm_why *w, const struct bm_seen_record *r)
{
	const size_t telling = NONCE + 8;
	const struct bm_case *s = w->c->scope;

	if (s == NULL || s->record == NULL || r->off < s->off || r->off - s->off > s->region ||
		s->region - (r->off - s->off) < BM_HEADER + telling)
		return false;
	const uint8_t *p = s->record + (r->off - s->off) + BM_HEADER;
	return memcmp(p, p + 1, telling - 1) == 0;
}

enum bm_answer
bm_ask_nonces(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct odd o;

	if (!bm_keyless_nonces(w))
		return BM_NOT_ASKED;
	if (!first_odd(w, &o)) {
		*because = "the explicit nonces of its records do not count up, or go on counting";
		return BM_EXCLUDED;
	}
	uint64_t ahead = o.r->nonce - o.expected, behind = o.expected - o.r->nonce;
	if (ahead < FAR && comes_late(&o))
		return show(
			w, out, &o, BM_CAUSE_RECORDS_REORDERED, true, ", which comes in a later record");
	if (o.next != NULL && o.next->nonce == o.expected + 1 && o.next->nonce != o.r->nonce)
		return damaged(w, out, &o);
	if (overwritten(w, o.r)) {
		*because =
			"the nonce that does not count up is one octet over and over, as is what follows";
		return BM_EXCLUDED;
	}
	out->nonce_reused = behind <= o.expected - o.first;
	if (out->nonce_reused)
		return show(w, out, &o, BM_CAUSE_SEQUENCE_REUSED, true,
			": another record had it before, with other bytes");
	if (o.next != NULL && o.next->nonce == o.expected) {
		enum bm_answer a = show(w, out, &o, BM_CAUSE_BYTES_INSERTED, true,
			", and the next one has that: the record in between is none of this sender's count");
		if (a == BM_SHOWN && out->about->record != NULL)
			out->changes[out->change_count++] = (struct bm_change){.record_off = 0,
				.received = bm_view(out->about->record, out->about->len),
				.sent = bm_view(out->about->record, 0)};
		return a;
	}
	/* A sender may leave nonces out; it seldom does. */
	if (ahead < FAR && (o.next == NULL || o.next->nonce == o.r->nonce + 1))
		return show(
			w, out, &o, BM_CAUSE_RECORD_MISSING, false, ", and the count goes on from there");
	if (o.next == NULL && behind >= FAR && __builtin_popcountll(o.r->nonce ^ o.expected) <= FLIPS)
		return damaged(w, out, &o);
	*because = "the explicit nonces of its records do not go on counting, in no way that tells why";
	return BM_EXCLUDED;
}
