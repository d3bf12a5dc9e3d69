/* wrong-epoch, reflected-record, foreign-record: the record is good, under keys that are not those
 * which its receiver had to use. */
#include "why/dtls.h"

#include "base/buf.h"

enum { FEW_NUMBERS = 1 << 10, NUMBERS = 1 << 12 };

struct hunt {
	const struct bm_why *w;
	struct bm_view record;
	size_t cid_len; /* DTLS: that it is read with */
	uint64_t tried, work;
	uint64_t seq; /* found */
};

static unsigned long long
ull(uint64_t n)
{
	return (unsigned long long)n;
}

static void
pay(struct hunt *h, const struct bm_protection *p)
{
	uint64_t cost = bm_protection_cost(p, h->record.n);

	h->tried++;
	h->work += cost;
	*h->w->spent += cost;
}

/* A record of DTLS brings its number along; in DTLS 1.3 the low octets of it, so that it is tried
 * near `center` or, where nothing is known, at the first numbers that it can mean. */
static bool
own_number(struct hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window)
{
	enum { LONG_NUMBER = 0x08 };
	bool masked = h->w->facts->version == BM_DTLS13;
	uint64_t span = (h->record.p[0] & LONG_NUMBER) != 0 ? 1 << 16 : 1 << 8;

	pay(h, p);
	if (bm_dtls_try(h->w, p, h->cid_len, center, &h->seq))
		return true;
	if (!masked)
		return false;
	for (uint64_t from = 0; from <= window && h->work < h->w->share / 8; from += span) {
		pay(h, p);
		if (bm_dtls_try(h->w, p, h->cid_len, from + span / 2, &h->seq))
			return true;
	}
	pay(h, p);
	return bm_dtls_try_number(h->w, p, &h->seq);
}

/* Does the record verify under p at a sequence number near `center`? */
static bool
near_number(struct hunt *h, const struct bm_protection *p, uint64_t center, uint64_t window)
{
	struct bm_position pos;

	if (bm_is_dtls(h->w))
		return own_number(h, p, center, window);
	bm_position_start(p, &pos);
	uint64_t base = pos.seq;
	/* The state of a chained cipher is known at its start alone. */
	if (bm_protection_chained(p)) {
		center = 0;
		window = 0;
	}
	for (uint64_t d = 0; d <= window && h->work < h->w->share / 8; d++) {
		for (int back = 0; back < (d == 0 ? 1 : 2); back++) {
			if (back && d > center)
				continue;
			pos.seq = base + (back ? center - d : center + d);
			pay(h, p);
			if (bm_try_under(h->w, p, &pos, h->record)) {
				h->seq = pos.seq - base;
				bm_wipe(&pos, sizeof pos);
				return true;
			}
		}
	}
	bm_wipe(&pos, sizeof pos);
	return false;
}

static bool
begin(const struct bm_why *w, struct hunt *h, enum bm_answer *answer, const char **because)
{
	*h = (struct hunt){.w = w};
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
prove(struct bm_finding *out, const struct hunt *h, const struct bm_protection *p)
{
	bm_prove(out, "key-search", bm_protection_tag_len(p), h->tried);
}

static const char *
excluded(const struct hunt *h, const char *which)
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
	struct hunt h;
	enum bm_answer answer;
	struct bm_session_key k;

	if (!begin(w, &h, &answer, because))
		return answer;
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		if (k.side != w->c->direction || k.epoch == w->c->epoch || k.protection == w->c->protection)
			continue;
		if (!near_number(&h, k.protection, k.next, FEW_NUMBERS))
			continue;
		prove(out, &h, k.protection);
		bm_evidence(w, out,
			bm_is_dtls(w)
				? "it verifies at sequence number %llu under the keys of epoch %u; its header says "
				  "epoch %u"
				: "it verifies at sequence number %llu of epoch %u; the receiver was in epoch %u",
			ull(h.seq), k.epoch, w->c->epoch);
		return BM_SHOWN;
	}
	*because = excluded(&h, "the sender's keys of other epochs");
	return BM_EXCLUDED;
}

/* DTLS: with the connection id that is due here, or with that of the other direction. */
static bool
both_lengths(struct hunt *h, const struct bm_protection *p, uint64_t next)
{
	const struct bm_case *c = h->w->c;

	h->cid_len = c->cid_len;
	if (near_number(h, p, next, FEW_NUMBERS))
		return true;
	h->cid_len = c->reflected_cid_len;
	return h->cid_len != c->cid_len && near_number(h, p, next, FEW_NUMBERS);
}

enum bm_answer
bm_ask_reflected(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct hunt h;
	enum bm_answer answer;
	struct bm_session_key k;

	if (!begin(w, &h, &answer, because))
		return answer;
	if (c->mirrored) {
		bm_prove(out, "key-search", bm_protection_tag_len(c->protection), 1);
		if (bm_is_dtls(w))
			bm_evidence(w, out,
				"its bytes are those of the record of the other direction in packet %llu, which "
				"verified there at sequence number %llu",
				ull(c->mirror_packet), ull(c->mirror_seq));
		else
			bm_evidence(w, out,
				"its bytes are those of the record of the other direction at stream offset %llu "
				"(packet %llu), "
				"which verified there at sequence number %llu",
				ull(c->mirror_off), ull(c->mirror_packet), ull(c->mirror_seq));
		return BM_SHOWN;
	}
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		if (k.side == c->direction || !both_lengths(&h, k.protection, k.next))
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

/* Keys of this very association, and not of another one on the same addresses and ports. */
static bool
own_keys(const struct bm_why *w, const struct bm_foreign_keys *f)
{
	struct bm_session_key k;

	if (f->flow != bm_flow_id(bm_session_flow(w->session)))
		return false;
	if (!bm_is_dtls(w))
		return true;
	for (size_t i = 0; bm_session_key(w->session, i, &k); i++) {
		const struct bm_traffic_keys *own = bm_protection_keys(k.protection);
		if (own->suite == f->keys.suite && memcmp(own->key, f->keys.key, sizeof own->key) == 0 &&
			memcmp(own->mac_key, f->keys.mac_key, sizeof own->mac_key) == 0)
			return true;
	}
	return false;
}

enum bm_answer
bm_ask_foreign(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct hunt h;
	enum bm_answer answer;
	size_t count;
	const struct bm_foreign_keys *f = bm_session_foreign(w->session, &count);

	if (!begin(w, &h, &answer, because))
		return answer;
	/* Fair to all: few numbers of each first. */
	for (uint64_t window = 16; window <= NUMBERS; window *= 16) {
		for (size_t i = 0; i < count && h.work < w->share / 8; i++) {
			struct bm_protection *p = NULL;
			if (own_keys(w, &f[i]) || bm_protection_new(&p, &f[i].keys) != BM_OK)
				continue;
			bool found = near_number(&h, p, 0, window);
			if (found) {
				char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];
				bm_address_text(&f[i].from, from);
				bm_address_text(&f[i].to, to);
				prove(out, &h, p);
				bm_evidence(w, out,
					"it verifies under the keys of another %s, %s to %s, at sequence number %llu",
					bm_is_dtls(w) ? "association" : "connection", from, to, ull(h.seq));
			}
			bm_protection_free(p);
			if (found)
				return BM_SHOWN;
		}
	}
	*because = excluded(&h, "the keys of other connections that are known here");
	return BM_EXCLUDED;
}
