/* wrong-epoch, reflected-record: the record is good, under keys of its own connection that are not
 * those which its receiver had to use. */
#include "why/other_keys.h"

#include "base/buf.h"

enum { FEW_NUMBERS = 1 << 10 };

static unsigned long long
ull(uint64_t n)
{
	return (unsigned long long)n;
}

bool
bm_try_at(struct bm_key_hunt *h, const struct bm_protection *p, const struct bm_position *pos)
{
	uint64_t cost = bm_protection_cost(p, h->record.n);

	h->tried++;
	h->work += cost;
	*h->w->spent += cost;
	return bm_try_under(h->w, p, pos, h->record);
}

bool
bm_try_near(struct bm_key_hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window)
{
	struct bm_position pos;

	bm_position_start(p, &pos);
	uint64_t base = pos.seq, limit = h->limit != 0 ? h->limit : h->w->share / 8;
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
	if (w->c->kind != BM_CASE_BAD_RECORD || bm_version_is_dtls(w->facts->version)) {
		*answer = BM_NOT_ASKED;
		return false;
	}
	*answer = BM_EXCLUDED;
	if (!bm_has_framing(w) || w->c->region < w->c->len) {
		*because = "not tried: the record's bytes are not at hand";
		return false;
	}
	h->record = bm_view(w->c->record, w->c->len);
	return true;
}

static void
prove(struct bm_finding *out, const struct bm_key_hunt *h, const struct bm_protection *p)
{
	bm_prove(out, "key-search", bm_protection_tag_len(p), h->tried);
}

static const char *
excluded(const struct bm_key_hunt *h, const char *which)
{
	return h->tried != 0
			   ? bm_arena_print(h->w->arena,
					 "it verifies under none of %s: %llu keys and sequence numbers were tried",
					 which, ull(h->tried))
			   : bm_arena_print(h->w->arena, "there are none: %s", which);
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
		bm_evidence(w, out,
			"it verifies at sequence number %llu of epoch %u; the receiver was in epoch %u",
			ull(h.seq), k.epoch, w->c->epoch);
		return BM_SHOWN;
	}
	*because = excluded(&h, "the sender's keys of other epochs");
	return BM_EXCLUDED;
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
		bm_evidence(w, out,
			"its bytes are those of the record of the other direction at stream offset %llu "
			"(packet %llu), "
			"which verified there at sequence number %llu",
			ull(c->mirror_off), ull(c->mirror_packet), ull(c->mirror_seq));
		return BM_SHOWN;
	}
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		if (k.side == c->direction || !bm_try_near(&h, k.protection, k.next, FEW_NUMBERS))
			continue;
		prove(out, &h, k.protection);
		bm_evidence(w, out,
			"it verifies under the keys of the other direction, at sequence number %llu of epoch "
			"%u",
			ull(h.seq), k.epoch);
		return BM_SHOWN;
	}
	*because = excluded(&h, "the other direction's keys");
	return BM_EXCLUDED;
}
