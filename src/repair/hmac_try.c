/* Takes candidates chunk by chunk, sorts out those whose padding cannot be, and hands on the
 * others: to the lanes, or to a whole check where the padding says that the content has another
 * length. Refuses to know where candidates come from. */
#include "repair/hmac.h"

/* What a candidate costs at least, in octets of MAC input: nobody may keep the search busy with
 * candidates that come to nothing. */
enum { LEAST = 128 };

bool
hs_verifies(struct hmac_search *s, uint64_t *work, uint8_t type, uint16_t version)
{
	struct bm_wire w = s->d->wire;
	struct bm_outcome o;

	*work += w.body.n + LEAST;
	w.type = type;
	w.version = version;
	w.header.p = s->altered;
	w.body.p = s->altered + w.header.n;
	enum bm_status st = bm_verify(s->d->protection, s->d->position, &w, false, s->scratch, &o);
	if (st != BM_OK)
		s->status = st;
	return st == BM_OK && o.result == BM_VERIFIED;
}

static void
alter(struct hmac_search *s, const struct hs_candidate *c, bool back)
{
	uint8_t *body = s->altered + s->d->wire.header.n;

	for (size_t k = 0; k < c->n; k++) {
		const uint8_t *from = back ? s->d->wire.body.p + c->c[k].off : c->c[k].to;
		memcpy(body + c->c[k].off, from, c->c[k].n);
	}
}

void
hs_confirm(struct hs_worker *w, const struct hs_candidate *c)
{
	struct hmac_search *s = w->s;
	size_t head = s->d->wire.header.n;
	size_t body = s->d->wire.body.n;

	bm_pool_lock(s->d->pool);
	alter(s, c, false);
	if (hs_verifies(s, &w->work, s->d->wire.type, s->d->wire.version)) {
		/* Two candidates may be one record: a byte of any value, and a bit. */
		if (s->fits == 0 || memcmp(s->out->sent + head, s->altered + head, body) != 0)
			s->fits++;
		if (s->fits == 1)
			memcpy(s->out->sent, s->altered, head + body);
	}
	alter(s, c, true);
	bm_pool_unlock(s->d->pool);
}

/* The octet of the text at `off` with the edits. */
static uint8_t
text_at(const struct hs_base *b, const struct hs_edits *e, size_t off)
{
	for (size_t k = 0; k < e->n; k++)
		if (off >= e->e[k].off && off - e->e[k].off < e->e[k].n)
			return e->e[k].to[off - e->e[k].off];
	return b->text[off];
}

/* As check_mac_then_encrypt in src/verify has it. 0: malformed, else octets of padding. */
static size_t
padding_of(const struct hs_base *b, const struct hs_edits *e)
{
	uint8_t last = text_at(b, e, b->text_n - 1);
	size_t n = (size_t)last + 1;

	if (n + b->rules.tag_len > b->text_n)
		return 0;
	if (b->rules.ssl3)
		return n <= b->rules.block ? n : 0;
	for (size_t i = 2; i <= n; i++)
		if (text_at(b, e, b->text_n - i) != last)
			return 0;
	return n;
}

static bool
touches_tail(const struct hs_base *b, const struct hs_edits *e)
{
	enum { TAIL = 256 };

	if (e->n == 0)
		return false;
	const struct hs_edit *last = &e->e[e->n - 1];
	return (size_t)last->off + last->n + TAIL > b->text_n;
}

static bool
touches_content(const struct hs_base *b, const struct hs_edits *e)
{
	return e->n != 0 && e->e[0].off < b->content_n;
}

static void
consider(struct hs_worker *w, const struct hs_candidate *c, const struct hs_edits *e)
{
	const struct hs_base *b = &w->s->base;

	if (b->rules.order == BM_MAC_THEN_ENCRYPT && touches_tail(b, e)) {
		size_t padding = padding_of(b, e);
		if (padding == 0)
			return;
		if (!b->layout || padding + b->rules.tag_len + b->content_n != b->text_n) {
			hs_confirm(w, c);
			return;
		}
	} else if (!b->layout || b->bad_to != 0) {
		return;
	}
	if (b->lane == NULL) {
		hs_confirm(w, c);
		return;
	}
	if (touches_content(b, e)) {
		hs_group_add(w, c, e);
		return;
	}
	for (size_t i = 0; i < b->rules.tag_len; i++)
		if (text_at(b, e, b->content_n + i) != b->computed[i])
			return;
	hs_confirm(w, c);
}

static void
run_batch(struct hs_worker *w)
{
	struct hs_batch *b = &w->batch;
	static const uint8_t zero[BM_BLOCK_MAX];
	enum bm_status st = BM_OK;
	struct hs_edits e;

	if (b->blocks != 0)
		st = bm_cbc_decrypt(
			w->cbc, zero, bm_view(b->cipher, b->blocks * w->s->base.rules.block), b->plain);
	if (st != BM_OK)
		hs_fail(w->s, st);
	for (size_t i = 0; i < b->n && st == BM_OK; i++) {
		hs_edits_of(w, i, &e);
		consider(w, &b->candidate[i], &e);
	}
	bm_wipe(&e, sizeof(e));
	b->n = 0;
	b->blocks = 0;
}

/* Broken padding can be mended only by what reaches it: saves the decryption of all else. */
static bool
reaches_padding(const struct hs_base *b, const struct hs_candidate *c)
{
	if (b->rules.order != BM_MAC_THEN_ENCRYPT || (b->layout && b->bad_to == 0))
		return true;
	size_t need = b->layout ? b->bad_from : b->text_n - 1;
	const struct hs_change *last = &c->c[c->n - 1];
	size_t q = ((size_t)last->off + last->n - 1) / b->rules.block;
	size_t end = (q + 2) * b->rules.block - b->rules.record_iv;
	return end > need;
}

void
hs_try_chunk(struct hs_worker *w, const struct hs_candidate *c, size_t n)
{
	struct hs_batch *b = &w->batch;

	for (size_t i = 0; i < n; i++) {
		w->work += LEAST;
		if (!reaches_padding(&w->s->base, &c[i]))
			continue;
		b->candidate[b->n] = c[i];
		hs_gather(w, &c[i], b->n++);
		if (b->n == HS_BATCH)
			run_batch(w);
	}
	run_batch(w);
	hs_group_run(w);
}
