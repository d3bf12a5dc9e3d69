/* A run that never came, looked for place by place and value by value, where no algebra tells it;
 * and which solver goes with which suite. Refuses to know how many octets are missing. */
#include "repair/hole.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

enum { VALUES_MOST = 2, PAGE = 4096 };

void
bm_hole_shift(const struct bm_hole *hole, size_t at, uint8_t *body)
{
	const struct bm_view *b = &hole->d.wire.body;
	size_t behind = b->n - hole->n - at;

	memcpy(body, b->p, at);
	memset(body + at, 0, hole->n);
	if (behind != 0)
		memcpy(body + at + hole->n, b->p + at, behind);
}

struct trial {
	const struct bm_hole *hole;
	struct bm_scratch *scratch;
	struct bm_repair *out;
	uint8_t *body;
	uint64_t left, tried, values;
	bool complete;
	unsigned fits;
	enum bm_status status;
};

static bool
verifies(struct trial *t, struct bm_outcome *o)
{
	const struct bm_damaged *d = &t->hole->d;
	struct bm_wire w = d->wire;
	uint64_t cost = bm_protection_cost(d->protection, w.body.n);

	w.body.p = t->body;
	t->tried++;
	t->left -= t->left < cost ? t->left : cost;
	enum bm_status st = bm_verify(d->protection, d->position, &w, false, t->scratch, o);
	if (st != BM_OK)
		t->status = st;
	return st == BM_OK && o->result == BM_VERIFIED;
}

static void
keep(struct trial *t)
{
	struct bm_view head = t->hole->d.wire.header;
	size_t n = t->hole->d.wire.body.n;

	if (t->fits != 0 && memcmp(t->out->sent + head.n, t->body, n) != 0)
		t->fits = 2;
	if (t->fits != 0)
		return;
	memcpy(t->out->sent, head.p, head.n);
	memcpy(t->out->sent + head.n, t->body, n);
	t->fits = 1;
}

/* A MAC that stands in the clear, or under a keystream, shows by itself what it lacks. */
static void
in_tag(struct trial *t, size_t tag)
{
	size_t n = t->hole->n, end = t->hole->d.wire.body.n;
	struct bm_outcome o;

	for (size_t from = 0; from + n <= tag && t->status == BM_OK && t->fits == 0; from++) {
		size_t at = end - tag + from;
		bm_hole_shift(t->hole, at, t->body);
		if (!verifies(t, &o) && o.result != BM_BAD_TAG && o.result != BM_BAD_PADDING)
			continue;
		if (o.tag_len != tag || memcmp(o.computed, o.received, from) != 0 ||
			memcmp(o.computed + from + n, o.received + from + n, tag - from - n) != 0)
			continue;
		for (size_t i = 0; i < n; i++)
			t->body[at + i] = o.computed[from + i] ^ o.received[from + i];
		if (verifies(t, &o))
			keep(t);
	}
}

static void
at_place(struct trial *t, size_t at)
{
	struct bm_outcome o;

	if (at + t->hole->n > t->hole->d.wire.body.n)
		return;
	bm_hole_shift(t->hole, at, t->body);
	for (uint32_t x = 0; x < t->values && t->status == BM_OK; x++) {
		if (t->left == 0) {
			t->complete = false;
			return;
		}
		for (size_t i = 0; i < t->hole->n; i++)
			t->body[at + i] = (uint8_t)(x >> 8 * i);
		if (verifies(t, &o)) {
			keep(t);
			return;
		}
	}
}

/* What is lost is lost between two writes sooner than within one: edges of segments first, then
 * pages, then the rest. */
static bool
is_edge(const struct bm_damaged *d, size_t at)
{
	for (size_t i = 0; i < d->edge_count; i++)
		if (d->edges[i] == at)
			return true;
	return false;
}

static void
every_place(struct trial *t)
{
	const struct bm_hole *h = t->hole;

	for (unsigned round = 0; round < 3; round++)
		for (size_t at = h->first; at <= h->last && t->fits == 0 && t->status == BM_OK; at++) {
			unsigned kind = is_edge(&h->d, at) ? 0 : (at + h->d.wire.header.n) % PAGE == 0 ? 1 : 2;
			if (kind == round)
				at_place(t, at);
			if (!t->complete)
				return;
		}
}

enum bm_status
bm_hole_search(const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out)
{
	static const uint64_t work[] = {
		[BM_QUICK] = 100000000, [BM_NORMAL] = 1000000000, [BM_DEEP] = UINT64_C(120000000000)};
	const struct bm_traffic_keys *k = bm_protection_keys(hole->d.protection);
	struct trial t = {.hole = hole, .scratch = scratch, .out = out, .complete = true};
	size_t tag = bm_protection_tag_len(hole->d.protection);
	bool inside = k->suite->mode == BM_MODE_CBC && !k->encrypt_then_mac;

	out->method = k->suite->mac == BM_HASH_NONE ? "tag-search" : "hmac-search";
	out->tag_bits = 8 * tag;
	t.left = work[hole->d.effort];
	if (hole->d.work != 0 && hole->d.work < t.left)
		t.left = hole->d.work;
	t.values = hole->n <= VALUES_MOST ? (uint64_t)1 << 8 * hole->n : 0;
	t.body = malloc(hole->d.wire.body.n);
	if (t.body == NULL)
		return BM_NOMEM;
	if (!inside && hole->n < tag)
		in_tag(&t, tag);
	double accepted = (double)t.tried;
	if (!inside && hole->n < tag)
		for (size_t i = 0; i < hole->n; i++)
			accepted *= 256; /* each left so many octets of the tag open */
	uint64_t before = t.tried;
	if (t.fits == 0 && t.values != 0)
		every_place(&t);
	accepted += (double)(t.tried - before);
	bm_wipe(t.body, hole->d.wire.body.n);
	free(t.body);
	bm_wipe(scratch->bytes, sizeof scratch->bytes);
	out->accepted_log2 = accepted > 1 ? log2(accepted) : 0;
	out->candidates = accepted < 0x1p63 ? (uint64_t)accepted : UINT64_MAX;
	out->found = t.fits == 1 && t.status == BM_OK;
	out->family[0] = (struct bm_family){"a run at any place", out->candidates, t.complete};
	out->family_count = 1;
	return t.status;
}

enum bm_status
bm_repair_hole(const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out)
{
	const struct bm_suite *s = bm_protection_keys(hole->d.protection)->suite;
	enum bm_status st = BM_OK;

	out->found = false;
	out->family_count = 0;
	if (hole->n == 0 || hole->n > BM_HOLE_MAX || hole->n > hole->d.wire.body.n)
		return BM_OK;
	if (s->mode == BM_MODE_GCM || s->mode == BM_MODE_POLY1305)
		return bm_hole_linear(hole, scratch, out, s->mode == BM_MODE_POLY1305);
	if (s->mode == BM_MODE_CCM && s->tag_len == 16)
		st = bm_hole_ccm(hole, scratch, out);
	if (st != BM_OK || out->found)
		return st;
	/* What is left of CCM: a hole at the very end, or over the text's. */
	struct bm_repair other = {.sent = out->sent};
	double accepted = exp2(out->accepted_log2);
	st = bm_hole_search(hole, scratch, &other);
	bool counted = out->family_count != 0;
	other.accepted_log2 =
		counted ? log2(accepted + exp2(other.accepted_log2)) : other.accepted_log2;
	*out = other;
	return st;
}
