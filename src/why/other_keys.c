/* wrong-epoch, reflected-record: the record is good, under keys of its own connection that are not
 * those which its receiver had to use. */
#include "why/other_keys.h"

#include "why/dtls.h"
#include "why/record.h"

#include "base/buf.h"

enum { FEW_NUMBERS = 1 << 10 };

static void
pay(struct bm_key_hunt *h, const struct bm_protection *p)
{
	uint64_t cost = bm_protection_cost(p, h->record.n);

	h->tried++;
	h->work += cost;
	*h->w->spent += cost;
}

static uint64_t
limit_of(const struct bm_key_hunt *h)
{
	return h->limit != 0 ? h->limit : h->w->share / 8;
}

/* A record of DTLS brings its number along; in DTLS 1.3 the low octets of it, so that it is tried
 * near `center` or, where nothing is known, at the first numbers that it can mean. */
static bool
own_number(struct bm_key_hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window)
{
	enum { LONG_NUMBER = 0x08 };
	bool masked = h->w->facts->version == BM_DTLS13;
	uint64_t span = (h->record.p[0] & LONG_NUMBER) != 0 ? 1 << 16 : 1 << 8;

	pay(h, p);
	if (bm_dtls_try(h->w, p, h->cid_len, center, &h->seq))
		return true;
	if (!masked)
		return false;
	for (uint64_t from = 0; from <= window && h->work < limit_of(h); from += span) {
		pay(h, p);
		if (bm_dtls_try(h->w, p, h->cid_len, from + span / 2, &h->seq))
			return true;
	}
	pay(h, p);
	return bm_dtls_try_number(h->w, p, &h->seq);
}

bool
bm_try_at(struct bm_key_hunt *h, const struct bm_protection *p, const struct bm_position *pos)
{
	pay(h, p);
	return bm_try_under(h->w, p, pos, h->record);
}

bool
bm_try_near(struct bm_key_hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window)
{
	struct bm_position pos;

	if (bm_is_dtls(h->w))
		return own_number(h, p, center, window);
	bm_position_start(p, &pos);
	uint64_t base = pos.seq, limit = limit_of(h);
	/* The state of a chained cipher is known at its start alone. */
	if (bm_protection_chained(p)) {
		center = 0;
		window = 0;
	}
	for (uint64_t d = 0; d <= window && h->work < limit; d++) {
		for (int back = 0; back < (d == 0 ? 1 : 2); back++) {
			if (back && d > center)
				continue;
			pos.seq = base + (back ? center - d : center + d);
			if (bm_try_at(h, p, &pos)) {
				h->seq = pos.seq - base;
				bm_wipe(&pos, sizeof pos);
				return true;
			}
		}
	}
	bm_wipe(&pos, sizeof pos);
	return false;
}

bool
bm_begin_hunt(
	const struct bm_why *w, struct bm_key_hunt *h, enum bm_answer *answer, const char **because)
{
	*h = (struct bm_key_hunt){.w = w};
	const struct bm_case *c = w->c;
	bool dtls = bm_is_dtls(w);

	if (c->kind != BM_CASE_BAD_RECORD) {
		*answer = BM_NOT_ASKED;
		return false;
	}
	*answer = BM_EXCLUDED;
	if (dtls ? c->record == NULL || c->position == NULL || c->protection == NULL || c->len == 0
			 : !bm_has_framing(w) || c->region < c->len) {
		*because = "not tried: the record's bytes are not at hand";
		return false;
	}
	h->record = bm_view(c->record, c->len);
	h->cid_len = c->cid_len;
	return true;
}

static void
prove(struct bm_finding *out, const struct bm_key_hunt *h, const struct bm_protection *p)
{
	bm_prove(out, "key-search", bm_protection_tag_len(p), h->tried);
}

static void
alter(const struct bm_key_hunt *h, const struct bm_session_key *k, struct bm_finding *out)
{
	bm_alter(h->w, out, 0);
	out->altered.direction = k->side;
	out->altered.epoch = k->epoch;
	out->altered.seq = h->seq;
	/* Of chained ciphers the start of an epoch alone is tried. */
	bm_alter_chain(h->w, out, &(struct bm_chain){.known = false});
}

static const char *
excluded(const struct bm_key_hunt *h, const char *which)
{
	return h->tried != 0
			   ? bm_arena_print(h->w->arena,
					 "it verifies under none of %s: %llu pair%s of a key and a sequence number %s "
					 "tried",
					 which, bm_ull(h->tried), h->tried == 1 ? "" : "s",
					 h->tried == 1 ? "was" : "were")
			   : bm_arena_print(h->w->arena, "nothing to try: %s are not known", which);
}

enum bm_answer
bm_ask_epoch(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct bm_key_hunt h;
	enum bm_answer answer;
	struct bm_session_key k;

	if (!bm_begin_hunt(w, &h, &answer, because))
		return answer;
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		if (k.side != w->c->direction || k.epoch == w->c->epoch || k.protection == w->c->protection)
			continue;
		if (!bm_try_near(&h, k.protection, k.next, FEW_NUMBERS))
			continue;
		prove(out, &h, k.protection);
		alter(&h, &k, out);
		bm_evidence(w, out,
			bm_is_dtls(w)
				? "it verifies at sequence number %llu under the keys of epoch %u; its header says "
				  "epoch %u"
				: "it verifies at sequence number %llu of epoch %u; the receiver was in epoch %u",
			bm_ull(h.seq), k.epoch, w->c->epoch);
		return BM_SHOWN;
	}
	*because = excluded(&h, "the sender's keys of other epochs");
	return BM_EXCLUDED;
}

/* DTLS: with the connection id that is due here, or with that of the other direction. */
static bool
both_lengths(struct bm_key_hunt *h, const struct bm_protection *p, uint64_t next)
{
	const struct bm_case *c = h->w->c;

	h->cid_len = c->cid_len;
	if (bm_try_near(h, p, next, FEW_NUMBERS))
		return true;
	h->cid_len = c->reflected_cid_len;
	return h->cid_len != c->cid_len && bm_try_near(h, p, next, FEW_NUMBERS);
}

/* Under the keys of the other direction, whose own record of that number was another one? */
static bool
made_here(const struct bm_why *w, const struct bm_session_key *k, uint64_t seq)
{
	struct bm_wire wire;

	return !bm_is_dtls(w) && bm_failed_record(w, &wire) &&
		   bm_session_sent_other(w->session, k->side, k->epoch, seq, &wire);
}

enum bm_answer
bm_ask_reflected(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct bm_key_hunt h;
	enum bm_answer answer;
	struct bm_session_key k;

	if (!bm_begin_hunt(w, &h, &answer, because))
		return answer;
	if (c->mirrored) {
		bm_prove(out, "key-search", bm_protection_tag_len(c->protection), 1);
		bm_alter(w, out, 0);
		out->altered.direction = 1 - c->direction;
		out->altered.epoch = c->mirror_epoch;
		out->altered.seq = c->mirror_seq;
		bm_alter_chain(w, out, &c->found_chain);
		bm_alter_other(out, 1 - c->direction, c->mirror_off, c->mirror_packet, c->mirror_seq);
		if (bm_is_dtls(w))
			bm_evidence(w, out,
				"its bytes are those of the record of the other direction in packet %llu, which "
				"verified there at sequence number %llu",
				bm_ull(c->mirror_packet), bm_ull(c->mirror_seq));
		else
			bm_evidence(w, out,
				"its bytes are those of the record of the other direction at stream offset %llu "
				"(packet %llu), "
				"which verified there at sequence number %llu",
				bm_ull(c->mirror_off), bm_ull(c->mirror_packet), bm_ull(c->mirror_seq));
		return BM_SHOWN;
	}
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		if (k.side == c->direction || !both_lengths(&h, k.protection, k.next))
			continue;
		prove(out, &h, k.protection);
		alter(&h, &k, out);
		bm_evidence(w, out,
			"it verifies under the keys of the other direction, at sequence number %llu of epoch "
			"%u",
			bm_ull(h.seq), k.epoch);
		out->own_make = made_here(w, &k, h.seq);
		if (out->own_make)
			bm_evidence(w, out,
				"another record of the other direction had that number, and its bytes are others: "
				"this one did not come back from there, its sender took the other key");
		return BM_SHOWN;
	}
	*because = excluded(&h, "the other direction's keys");
	return BM_EXCLUDED;
}
