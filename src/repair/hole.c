/* A run that never came, looked for place by place and value by value, where no algebra tells it;
 * and which solver goes with which suite. Refuses to know how many octets are missing. */
#include "repair/hole.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

/* STEP: values that a worker takes up at once. */
enum { VALUES_MOST = 2, PAGE = 4096, STEP = 1024 };

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

/* What a worker has to itself. The first one's is what the caller lent. */
struct worker {
	const struct bm_protection *protection;
	struct bm_protection *own; /* NULL: lent */
	struct bm_scratch *scratch;
	uint8_t *body;
};

/* A run at one place has `values` values, tried in parts of STEP. */
struct trial {
	const struct bm_hole *hole;
	struct bm_repair *out;
	struct worker *worker;
	uint32_t *place; /* likeliest first */
	size_t places;
	uint64_t values, left; /* nanoseconds left */
	uint64_t tried;
	size_t best; /* part that has found something; SIZE_MAX: none */
	uint32_t best_value;
	unsigned fits;
	enum bm_status status;
};

static void
worker_free(struct worker *w)
{
	size_t n = sizeof w->scratch->bytes;

	if (w->own == NULL)
		return;
	bm_protection_free(w->own);
	bm_wipe_free(w->scratch, n);
	free(w->body);
}

/* What one that has nothing yet needs. */
static enum bm_status
worker_ready(struct trial *t, struct worker *w)
{
	const struct bm_damaged *d = &t->hole->d;

	if (w->protection != NULL)
		return BM_OK;
	enum bm_status st = bm_protection_new(&w->own, bm_protection_keys(d->protection));
	if (st != BM_OK)
		return st;
	w->scratch = calloc(1, sizeof *w->scratch);
	w->body = malloc(d->wire.body.n);
	if (w->scratch == NULL || w->body == NULL) {
		worker_free(w);
		w->own = NULL;
		return BM_NOMEM;
	}
	w->protection = w->own;
	return BM_OK;
}

static enum bm_status
check(const struct trial *t, struct worker *w, struct bm_outcome *o)
{
	const struct bm_damaged *d = &t->hole->d;
	struct bm_wire wire = d->wire;

	wire.body.p = w->body;
	return bm_verify(w->protection, d->position, &wire, false, w->scratch, o);
}

static uint64_t
cost_of(const struct trial *t)
{
	return bm_protection_cost(t->hole->d.protection, t->hole->d.wire.body.n);
}

/* By the first worker, alone. */
static bool
verifies(struct trial *t, struct bm_outcome *o)
{
	uint64_t cost = cost_of(t);

	t->tried++;
	t->left -= t->left < cost ? t->left : cost;
	enum bm_status st = check(t, &t->worker[0], o);
	if (st != BM_OK)
		t->status = st;
	return st == BM_OK && o->result == BM_VERIFIED;
}

static void
keep(struct trial *t, const uint8_t *body)
{
	struct bm_view head = t->hole->d.wire.header;
	size_t n = t->hole->d.wire.body.n;

	if (t->fits != 0 && memcmp(t->out->sent + head.n, body, n) != 0)
		t->fits = 2;
	if (t->fits != 0)
		return;
	memcpy(t->out->sent, head.p, head.n);
	memcpy(t->out->sent + head.n, body, n);
	t->fits = 1;
}

/* A MAC that stands in the clear, or under a keystream, shows by itself what it lacks. */
static void
in_tag(struct trial *t, size_t tag)
{
	size_t n = t->hole->n, end = t->hole->d.wire.body.n;
	uint8_t *body = t->worker[0].body;
	struct bm_outcome o;

	for (size_t from = 0; from + n <= tag && t->status == BM_OK && t->fits == 0; from++) {
		size_t at = end - tag + from;
		bm_hole_shift(t->hole, at, body);
		if (!verifies(t, &o) && o.result != BM_BAD_TAG && o.result != BM_BAD_PADDING)
			continue;
		if (o.tag_len != tag || memcmp(o.computed, o.received, from) != 0 ||
			memcmp(o.computed + from + n, o.received + from + n, tag - from - n) != 0)
			continue;
		for (size_t i = 0; i < n; i++)
			body[at + i] = o.computed[from + i] ^ o.received[from + i];
		if (verifies(t, &o))
			keep(t, body);
	}
}

static void
put_value(const struct trial *t, uint8_t *body, size_t at, uint32_t value)
{
	for (size_t i = 0; i < t->hole->n; i++)
		body[at + i] = (uint8_t)(value >> 8 * i);
}

/* Parts behind one that has found something are of no interest, those before it all are: what is
 * told is the same, however many work. */
static bool
is_late(struct trial *t, size_t part)
{
	bm_pool_lock(t->hole->d.pool);
	bool late = part > t->best || t->status != BM_OK;
	bm_pool_unlock(t->hole->d.pool);
	return late;
}

static void
note(struct trial *t, enum bm_status st, size_t part, uint32_t value)
{
	bm_pool_lock(t->hole->d.pool);
	if (st != BM_OK) {
		t->status = st;
	} else if (part < t->best) {
		t->best = part;
		t->best_value = value;
	}
	bm_pool_unlock(t->hole->d.pool);
}

static size_t
parts_a_place(const struct trial *t)
{
	return (t->values + STEP - 1) / STEP;
}

static void
try_part(void *ctx, size_t part, unsigned worker)
{
	struct trial *t = ctx;
	struct worker *w = &t->worker[worker];
	size_t at = t->place[part / parts_a_place(t)];
	uint32_t from = (uint32_t)(part % parts_a_place(t)) * STEP;
	struct bm_outcome o;

	if (is_late(t, part))
		return;
	enum bm_status st = worker_ready(t, w);
	if (st == BM_OK)
		bm_hole_shift(t->hole, at, w->body);
	for (uint32_t x = from; x < from + STEP && x < t->values && st == BM_OK; x++) {
		put_value(t, w->body, at, x);
		st = check(t, w, &o);
		if (st == BM_OK && o.result == BM_VERIFIED) {
			note(t, st, part, x);
			return;
		}
	}
	if (st != BM_OK)
		note(t, st, part, 0);
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
list_places(struct trial *t)
{
	const struct bm_hole *h = t->hole;

	for (unsigned round = 0; round < 3; round++)
		for (size_t at = h->first; at <= h->last && at + h->n <= h->d.wire.body.n; at++) {
			unsigned kind = is_edge(&h->d, at) ? 0 : (at + h->d.wire.header.n) % PAGE == 0 ? 1 : 2;
			if (kind == round)
				t->place[t->places++] = (uint32_t)at;
		}
}

/* False: not all that there are. */
static bool
every_place(struct trial *t)
{
	list_places(t);
	size_t each = parts_a_place(t), all = t->places * each;
	uint64_t in_part = t->values < STEP ? t->values : STEP;
	uint64_t most = t->left / (cost_of(t) * in_part) + 1;
	size_t parts = all < most ? all : (size_t)most;

	t->best = SIZE_MAX;
	bm_pool_run(t->hole->d.pool, parts, try_part, t);
	if (t->best == SIZE_MAX) {
		t->tried += parts * in_part;
		return parts == all;
	}
	uint8_t *body = t->worker[0].body;
	size_t at = t->place[t->best / each];
	t->tried += t->best * in_part + t->best_value % STEP + 1;
	bm_hole_shift(t->hole, at, body);
	put_value(t, body, at, t->best_value);
	keep(t, body);
	return true;
}

static bool
trial_open(struct trial *t, struct bm_scratch *scratch)
{
	const struct bm_damaged *d = &t->hole->d;

	t->worker = calloc(bm_pool_workers(d->pool), sizeof *t->worker);
	t->place = calloc(d->wire.body.n + 1, sizeof *t->place);
	if (t->worker == NULL || t->place == NULL)
		return false;
	t->worker[0] = (struct worker){d->protection, NULL, scratch, malloc(d->wire.body.n)};
	return t->worker[0].body != NULL;
}

static void
trial_close(struct trial *t)
{
	for (unsigned i = 1; t->worker != NULL && i < bm_pool_workers(t->hole->d.pool); i++)
		worker_free(&t->worker[i]);
	if (t->worker != NULL && t->worker[0].scratch != NULL) {
		bm_wipe(t->worker[0].scratch->bytes, sizeof t->worker[0].scratch->bytes);
		free(t->worker[0].body);
	}
	free(t->worker);
	free(t->place);
}

enum bm_status
bm_hole_search(const struct bm_hole *hole, struct bm_scratch *scratch, struct bm_repair *out)
{
	static const uint64_t work[] = {
		[BM_QUICK] = 100000000, [BM_NORMAL] = 1000000000, [BM_DEEP] = UINT64_C(120000000000)};
	const struct bm_traffic_keys *k = bm_protection_keys(hole->d.protection);
	struct trial t = {.hole = hole, .out = out};
	size_t tag = bm_protection_tag_len(hole->d.protection);
	bool inside = k->suite->mode == BM_MODE_CBC && !k->encrypt_then_mac, complete = true;

	out->method = k->suite->mac == BM_HASH_NONE ? "tag-search" : "hmac-search";
	out->tag_bits = 8 * tag;
	t.left = work[hole->d.effort];
	if (hole->d.work != 0 && hole->d.work < t.left)
		t.left = hole->d.work;
	t.values = hole->n <= VALUES_MOST ? (uint64_t)1 << 8 * hole->n : 0;
	if (!trial_open(&t, scratch)) {
		trial_close(&t);
		return BM_NOMEM;
	}
	if (!inside && hole->n < tag)
		in_tag(&t, tag);
	double accepted = (double)t.tried;
	if (!inside && hole->n < tag)
		for (size_t i = 0; i < hole->n; i++)
			accepted *= 256; /* each left so many octets of the tag open */
	uint64_t before = t.tried;
	if (t.fits == 0 && t.values != 0 && t.status == BM_OK)
		complete = every_place(&t);
	accepted += (double)(t.tried - before);
	trial_close(&t);
	out->accepted_log2 = accepted > 1 ? log2(accepted) : 0;
	out->candidates = accepted < 0x1p63 ? (uint64_t)accepted : UINT64_MAX;
	out->found = t.fits == 1 && t.status == BM_OK;
	out->family[0] = (struct bm_family){"a run at any place", out->candidates, complete};
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
