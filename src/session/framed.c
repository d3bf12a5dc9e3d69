/* The records at hand of a direction that was joined in the middle, and the number of one of them.
 * Refuses to know where secrets come from. */
#include "session/internal.h"

enum { FRAMED_OCTETS = 90000, SOLVING = 2000 };

/* In the clear also where all else is protected. */
static bool
in_the_clear(const struct half *h, uint64_t off, struct bm_record_header hdr)
{
	uint8_t b[BM_HEADER + 2];

	if (hdr.type == BM_CCS)
		return hdr.length == 1;
	/* Too short for an alert that is protected. */
	return hdr.type == BM_ALERT && hdr.length == 2 && bm_stream_read(h->stream, off, b, sizeof b);
}

void
frame_records(struct half *h, bool final, struct framed *f)
{
	uint8_t raw[BM_HEADER];
	uint64_t off = h->off;
	unsigned version = 0;

	*f = (struct framed){.h = h};
	for (;;) {
		size_t avail = bm_stream_avail(h->stream, off);
		struct bm_record_header hdr = {0};
		if (avail >= BM_HEADER && bm_stream_read(h->stream, off, raw, sizeof raw)) {
			hdr = bm_record_header(raw);
			if (!bm_record_plausible(hdr, version)) {
				f->last = true;
				return;
			}
		}
		if (avail < (size_t)BM_HEADER + hdr.length) {
			f->last = final || bm_stream_gap(h->stream, off + avail) != 0 ||
					  bm_stream_ended(h->stream, NULL);
			return;
		}
		version = hdr.version;
		if (!in_the_clear(h, off, hdr)) {
			f->at[f->n].off = off;
			f->at[f->n++].hdr = hdr;
		}
		off += (uint64_t)BM_HEADER + hdr.length;
		if (f->n == FRAMED_MAX || off - h->off > FRAMED_OCTETS) {
			f->last = true;
			return;
		}
	}
}

struct bm_wire
framed_wire(const struct framed *f, size_t i, uint8_t header[BM_HEADER])
{
	return wire_at(f->h, f->at[i].off, f->at[i].hdr, header);
}

void
begin_seek(struct half *h, struct seek *k)
{
	k->work = 0;
	k->share = bm_start_share(h->s->env);
	k->cut = false;
}

static bool
pay(struct seek *k, uint64_t cost)
{
	if (k->work >= k->share) {
		k->cut = true;
		return false;
	}
	k->work += cost;
	k->framed.h->s->env->start_spent += cost;
	return true;
}

bool
seek_pays(struct seek *k, uint64_t nanoseconds, uint64_t tries)
{
	k->framed.h->s->env->start_tried += tries;
	return pay(k, nanoseconds);
}

bool
seek_result(
	struct seek *k, const struct bm_protection *p, size_t i, uint64_t seq, enum bm_result *result)
{
	struct half *h = k->framed.h;
	uint8_t header[BM_HEADER];
	struct bm_position pos;
	struct bm_outcome o;

	bm_position_start(p, &pos);
	pos.seq = seq;
	if (bm_protection_chained(p) && !chained_iv(h, p, k->framed.at[i].off, &pos))
		return false;
	struct bm_wire w = framed_wire(&k->framed, i, header);
	h->s->env->start_tried++;
	if (w.body.p == NULL)
		return false;
	enum bm_status st = bm_verify(p, &pos, &w, false, &h->s->env->scratch, &o);
	if (st != BM_OK)
		session_fail(h->s, st);
	*result = o.result;
	return st == BM_OK;
}

static bool
holds_at(struct seek *k, const struct bm_protection *p, size_t i, uint64_t seq)
{
	enum bm_result result;

	return seek_result(k, p, i, seq, &result) && result == BM_VERIFIED;
}

bool
start_is_certain(const struct bm_session_env *env, unsigned bits, unsigned numbers)
{
	uint64_t tried = env->start_tried;
	unsigned log2 = numbers;

	for (; tried != 0; tried >>= 1)
		log2++;
	return log2 + 40 <= bits;
}

static bool
confirmed(struct seek *k, const struct bm_protection *p, size_t i, uint64_t seq, unsigned numbers)
{
	unsigned bits = 8 * (unsigned)bm_protection_tag_len(p);

	if (start_is_certain(k->framed.h->s->env, bits, numbers))
		return true;
	if (!start_is_certain(k->framed.h->s->env, 2 * bits, numbers))
		return false;
	return (i + 1 < k->framed.n && holds_at(k, p, i + 1, seq + 1)) ||
		   (i != 0 && seq != 0 && holds_at(k, p, i - 1, seq - 1));
}

bool
seek_number(struct seek *k, const struct bm_protection *p, size_t i, uint64_t from, uint64_t to,
	uint64_t *seq)
{
	enum { SOLVED = 48, SEARCHED = 1 };
	uint8_t header[BM_HEADER];
	struct bm_wire w = framed_wire(&k->framed, i, header);
	/* What is solved for is hashed, never decrypted. */
	bool solvable = bm_number_solvable(p);
	uint64_t cost = solvable ? SOLVING + w.body.n / 4 : bm_protection_cost(p, w.body.n);

	if (w.body.p == NULL || !pay(k, cost))
		return false;
	if (solvable) {
		k->framed.h->s->env->start_tried++;
		return bm_solve_number(p, &w, seq) && holds_at(k, p, i, *seq) &&
			   confirmed(k, p, i, *seq, SOLVED);
	}
	/* Nothing says where in the keystream it stands. */
	if (bm_protection_keys(p)->suite->cipher == BM_RC4)
		return false;
	for (uint64_t n = from; n < to; n++) {
		if (n != from && !pay(k, cost))
			return false;
		if (holds_at(k, p, i, n) && confirmed(k, p, i, n, SEARCHED)) {
			*seq = n;
			return true;
		}
	}
	return false;
}
