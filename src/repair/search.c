/* What a search for damage counts, tries and in the end says. Every change goes through bm_verify
 * here, whatever algebra proposed it. Refuses to know how it was proposed. */
#include "repair/search.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

/* WORTH: work of a family, in octets of MAC input, below which waking threads up gains nothing. */
enum { PROOF_BITS = 40, STEP = 16, HEADER_MAX = 512, WORTH = 1 << 22 };

/* The header of DTLS 1.3 (RFC 9147, section 4) has neither type nor version. */
static bool
unified(const struct bm_damaged *d)
{
	return bm_protection_keys(d->protection)->version == BM_DTLS13;
}

bool
bm_search_begin(struct bm_search *s, const struct bm_damaged *d, struct bm_scratch *scratch,
	struct bm_repair *out, const char *method, const uint64_t work[3])
{
	*s = (struct bm_search){.d = d, .scratch = scratch, .out = out};
	out->method = method;
	out->tag_bits = 8 * bm_protection_tag_len(d->protection);
	if (d->wire.header.n < (unified(d) ? 1 : 3) || d->wire.header.n > HEADER_MAX ||
		!bm_verify_parts(d->protection, d->position, &d->wire, &s->parts)) {
		s->over = true;
		return false;
	}
	s->n = d->wire.header.n + d->wire.body.n;
	s->trial = malloc(s->n);
	if (s->trial == NULL) {
		bm_search_fail(s, BM_NOMEM);
		return false;
	}
	memcpy(s->trial, d->wire.header.p, d->wire.header.n);
	memcpy(s->trial + d->wire.header.n, d->wire.body.p, d->wire.body.n);
	s->text_at = d->wire.header.n + d->wire.body.n - s->parts.tag.n - s->parts.text.n;
	unsigned numbers = d->numbers != 0 ? d->numbers : 1;
	s->left = (d->work != 0 ? d->work : work[d->effort]) / numbers;
	s->most = exp2((double)out->tag_bits - PROOF_BITS) / numbers;
	return true;
}

enum bm_status
bm_search_end(struct bm_search *s)
{
	s->out->accepted_log2 = s->accepted > 1 ? log2(s->accepted) : 0;
	s->out->candidates = s->accepted < 0x1p63 ? (uint64_t)s->accepted : UINT64_MAX;
	free(s->trial);
	bm_wipe(&s->parts, sizeof(s->parts));
	return s->status;
}

static void
note(struct bm_search *s, const char *name, double candidates, bool complete)
{
	struct bm_repair *out = s->out;

	out->family[out->family_count++] =
		(struct bm_family){name, candidates < 0x1p63 ? (uint64_t)candidates : UINT64_MAX, complete};
}

bool
bm_search_open(struct bm_search *s, const struct bm_family_name *name, enum bm_effort least,
	double accepted, double steps)
{
	double cost = steps * STEP;

	if (s->over || s->out->family_count == BM_FAMILIES_MAX || s->d->effort < least ||
		accepted < 1 || s->accepted + accepted > s->most)
		return false;
	if (cost > (double)s->left) {
		note(s, name->once, 0, false);
		return false;
	}
	s->cost = (uint64_t)cost;
	s->left -= s->cost < s->left ? s->cost : s->left;
	s->accepted += accepted;
	note(s, name->once, accepted, true);
	s->name = name;
	s->swaps = s->moves = false;
	s->fits = 0;
	s->complete = true;
	return true;
}

void
bm_search_swaps(struct bm_search *s)
{
	s->swaps = true;
}

void
bm_search_moves(struct bm_search *s)
{
	s->moves = true;
}

static enum bm_repair_kind
cause_of(const struct bm_search *s)
{
	size_t head = s->d->wire.header.n, tag = s->n - s->parts.tag.n;
	bool header = false, text = false, trailer = false;
	unsigned bits = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint8_t mask = s->out->sent[i] ^ s->trial[i];
		if (mask == 0)
			continue;
		bits += bm_weight(&mask, 1);
		header |= i < head;
		text |= i >= head && i < tag;
		trailer |= i >= tag;
	}
	if (header && !text && !trailer)
		return BM_REPAIR_HEADER_DAMAGED;
	if (trailer && !text && !header)
		return BM_REPAIR_TAG_DAMAGED;
	if (s->moves)
		return BM_REPAIR_OCTETS_MOVED;
	if (s->swaps)
		return BM_REPAIR_WORDS_SWAPPED;
	return bits <= BM_FEW_BITS ? BM_REPAIR_BITS_FLIPPED : BM_REPAIR_BYTES_DAMAGED;
}

void
bm_search_close(struct bm_search *s)
{
	struct bm_family *f = &s->out->family[s->out->family_count - 1];

	f->complete = s->complete;
	if (s->fits == 0 || s->status != BM_OK)
		return;
	s->over = true;
	if (s->fits > 1) {
		f->name = s->name->twice;
		return;
	}
	s->out->found = true;
	s->out->kind = cause_of(s);
	s->out->shape = s->name->once;
}

static void
restore(struct bm_search *s)
{
	size_t head = s->d->wire.header.n;

	memcpy(s->trial, s->d->wire.header.p, head);
	memcpy(s->trial + head, s->d->wire.body.p, s->n - head);
}

static struct bm_wire
wire_of(const struct bm_search *s)
{
	struct bm_wire w = s->d->wire;

	w.header.p = s->trial;
	w.body.p = s->trial + w.header.n;
	if (!unified(s->d)) {
		w.type = s->trial[0];
		w.version = bm_load16(s->trial + 1);
	}
	return w;
}

void
bm_search_run(struct bm_search *s, size_t parts, bm_pool_part *part, void *ctx)
{
	bm_pool_run(s->cost >= WORTH ? s->d->pool : NULL, parts, part, ctx);
}

unsigned
bm_search_workers(const struct bm_search *s, size_t parts)
{
	unsigned n = s->cost >= WORTH ? bm_pool_workers(s->d->pool) : 1;

	return n < parts ? n : (unsigned)parts;
}

uint8_t *
bm_search_take(struct bm_search *s)
{
	bm_pool_lock(s->d->pool);
	return s->trial;
}

static void
fail(struct bm_search *s, enum bm_status status)
{
	s->status = status;
	s->over = true;
}

/* Which of two changes is met first says nothing: both of them count, or the same one twice. */
bool
bm_search_try(struct bm_search *s)
{
	struct bm_wire w = wire_of(s);
	struct bm_outcome o;
	enum bm_status st = bm_verify(s->d->protection, s->d->position, &w, false, s->scratch, &o);
	bool good = st == BM_OK && o.result == BM_VERIFIED;

	if (st == BM_NOMEM)
		fail(s, st);
	if (good && s->fits == 0) {
		memcpy(s->out->sent, s->trial, s->n);
		s->fits = 1;
	} else if (good && memcmp(s->out->sent, s->trial, s->n) != 0) {
		s->fits = 2;
	}
	restore(s);
	bm_pool_unlock(s->d->pool);
	return good;
}

bool
bm_search_try_mask(struct bm_search *s, size_t at, const uint8_t *mask, size_t n)
{
	uint8_t *trial = bm_search_take(s);

	for (size_t i = 0; i < n && at + i < s->n; i++)
		trial[at + i] ^= mask[i];
	return bm_search_try(s);
}

void
bm_search_try_octets(struct bm_search *s, size_t at, size_t n)
{
	for (size_t i = 0; i < n && !s->over; i++)
		for (unsigned m = 1; m < 256; m++)
			(void)bm_search_try_mask(s, at + i, (const uint8_t[]){(uint8_t)m}, 1);
}

void
bm_search_fail(struct bm_search *s, enum bm_status status)
{
	bm_pool_lock(s->d->pool);
	fail(s, status);
	bm_pool_unlock(s->d->pool);
}

size_t
bm_search_segment_end(const struct bm_search *s, size_t at)
{
	size_t before = s->text_at - s->d->wire.header.n;
	size_t low = 0, high = s->d->edge_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->d->edges[middle] <= at + before)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->d->edge_count || s->d->edges[low] - before > s->parts.text.n)
		return s->parts.text.n;
	return s->d->edges[low] - before;
}

unsigned
bm_weight(const uint8_t *p, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(p[i]);
	return bits;
}

bool
bm_within(const uint8_t *p, size_t n, size_t octets)
{
	size_t first = 0;

	while (first < n && p[first] == 0)
		first++;
	while (n > first && p[n - 1] == 0)
		n--;
	return n - first <= octets;
}

double
bm_masks_of_weight(size_t n, unsigned bits)
{
	double term = 1, sum = 0;

	for (unsigned i = 1; i <= bits && i <= 8 * n; i++) {
		term *= (double)(8 * n - i + 1) / i;
		sum += term;
	}
	return sum;
}

/* Each mask once: by its first octet that is not zero. */
double
bm_masks_in_run(size_t n, size_t octets)
{
	double sum = 0;

	for (size_t left = 1; left <= n; left++)
		if (left >= octets) {
			sum += (double)(n - left + 1) * 255 * exp2(8.0 * (double)(octets - 1));
			break;
		} else {
			sum += 255 * exp2(8.0 * (double)(left - 1));
		}
	return sum;
}

size_t
bm_octets_set(const uint8_t *p, size_t n)
{
	size_t set = 0;

	for (size_t i = 0; i < n; i++)
		set += p[i] != 0;
	return set;
}

double
bm_masks_of_octets(size_t n, size_t octets)
{
	double term = 1, sum = 0;

	for (size_t i = 1; i <= octets && i <= n; i++) {
		term *= 255.0 * (double)(n - i + 1) / (double)i;
		sum += term;
	}
	return sum;
}
