/* Payloads of two TCP segments exchanged: each stands whole in the other's place, both in this
 * record or one of them in another that fails too. Putting them back is a permutation, so the tag
 * proves it. Refuses to know runs that were overwritten: those are gone. */
#include "why/exchange.h"

#include "base/buf.h"
#include "why/framing.h"

#include <stdlib.h>

enum { SEGMENTS_MAX = 1024, FRONT = BM_HEADER + 8 };

struct trial {
	const struct bm_why *w;
	const struct bm_case *cases;
	size_t case_count;
	uint8_t *bytes; /* the record, with two segments exchanged */
	uint64_t tried, work;
};

/* Octets [from, from + n) of a segment's payload, as they stand in failed records of the direction.
 * False: some are not at hand. */
static bool
read_segment(const struct trial *t, uint64_t segment, uint32_t from, uint32_t n, uint8_t *to)
{
	uint32_t have = 0;

	for (size_t i = 0; have < n && i < t->case_count; i++) {
		const struct bm_case *c = &t->cases[i];
		if (c->record == NULL || c->direction != t->w->c->direction)
			continue;
		/* Records are in order of the stream, and so are their parts of a segment. */
		for (size_t k = 0; have < n && k < c->fragment_count; k++) {
			const struct bm_fragment *f = &c->fragments[k];
			uint32_t at = from + have;
			if (f->segment != segment || at < f->segment_off || at - f->segment_off >= f->len ||
				f->record_off + f->len > c->region)
				continue;
			uint32_t skip = at - f->segment_off, part = f->len - skip;
			part = part < n - have ? part : n - have;
			memcpy(to + have, c->record + f->record_off + skip, part);
			have += part;
		}
	}
	return have == n;
}

/* Every part that the record has of one segment becomes that of the other. */
static bool
put(struct trial *t, uint64_t segment, uint64_t other)
{
	const struct bm_case *c = t->w->c;
	bool any = false;

	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *f = &c->fragments[i];
		if (f->segment != segment || f->record_off >= c->len)
			continue;
		uint32_t n = f->len < c->len - f->record_off ? f->len : c->len - f->record_off;
		if (!read_segment(t, other, f->segment_off, n, t->bytes + f->record_off))
			return false;
		any = true;
	}
	return any;
}

static bool
in_record(const struct bm_case *c, uint64_t segment)
{
	for (size_t i = 0; i < c->fragment_count; i++)
		if (c->fragments[i].segment == segment && c->fragments[i].record_off < c->len)
			return true;
	return false;
}

/* Two segments that have an eighth of their octets in common, each in its place, are no strangers:
 * the one is what the other had been before it was damaged, and came again. Of ciphertext one octet
 * in 256 is alike by chance. */
static bool
alike(const struct trial *t, uint64_t segment)
{
	const struct bm_case *c = t->w->c;
	uint64_t same = 0, all = 0;

	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *f = &c->fragments[i];
		if (f->segment != segment || f->record_off >= c->len)
			continue;
		uint32_t to = f->len < c->len - f->record_off ? f->record_off + f->len : c->len;
		/* Headers and nonces that count are alike in good records too. */
		for (uint32_t k = f->record_off > FRONT ? f->record_off : FRONT; k < to; k++, all++)
			same += t->bytes[k] == c->record[k];
	}
	return all >= 8 && same * 8 >= all;
}

static bool
verifies_with(struct trial *t, uint64_t a, uint64_t b)
{
	const struct bm_case *c = t->w->c;

	memcpy(t->bytes, c->record, c->len);
	if (!put(t, a, b) || (in_record(c, b) && !put(t, b, a)) ||
		memcmp(t->bytes, c->record, BM_HEADER) != 0 || alike(t, a))
		return false;
	t->tried++;
	t->work += bm_protection_cost(c->protection, c->len);
	return bm_try_record(t->w, c->position, bm_view(t->bytes, c->len));
}

static uint64_t
packet_of(const struct trial *t, uint64_t segment)
{
	for (size_t i = 0; i < t->case_count; i++)
		for (size_t k = 0; k < t->cases[i].fragment_count; k++)
			if (t->cases[i].direction == t->w->c->direction &&
				t->cases[i].fragments[k].segment == segment)
				return t->cases[i].fragments[k].packet;
	return 0;
}

static void
show(struct trial *t, uint64_t a, uint64_t b, struct bm_finding *out)
{
	const struct bm_case *c = t->w->c;

	bm_prove(out, "exchange-search", bm_protection_tag_len(c->protection), t->tried);
	bm_alter(t->w, out, BM_INPUT_BYTES);
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *f = &c->fragments[i];
		if ((f->segment != a && f->segment != b) || f->record_off >= c->len)
			continue;
		uint32_t n = f->len < c->len - f->record_off ? f->len : c->len - f->record_off;
		const uint8_t *sent = bm_arena_copy(t->w->arena, bm_view(t->bytes + f->record_off, n));
		if (sent != NULL && out->change_count < BM_CHANGES_MAX)
			out->changes[out->change_count++] = (struct bm_change){
				f->record_off, bm_view(c->record + f->record_off, n), bm_view(sent, n), 0, false};
	}
	bm_evidence(t->w, out,
		"with the payloads of packets %llu and %llu in each other's place it verifies where it was "
		"expected",
		(unsigned long long)packet_of(t, a), (unsigned long long)packet_of(t, b));
}

/* The segments of the record first, then those of other failed records of the direction. */
static size_t
list_segments(const struct trial *t, uint64_t *list, size_t *own)
{
	const struct bm_case *c = t->w->c;
	size_t n = 0;

	for (size_t i = 0; i < c->fragment_count && n < SEGMENTS_MAX; i++)
		if (c->fragments[i].record_off < c->len &&
			(n == 0 || list[n - 1] != c->fragments[i].segment))
			list[n++] = c->fragments[i].segment;
	*own = n;
	for (size_t i = 0; i < t->case_count; i++) {
		const struct bm_case *o = &t->cases[i];
		if (o == c || o->record == NULL || o->direction != c->direction)
			continue;
		for (size_t k = 0; k < o->fragment_count && n < SEGMENTS_MAX; k++)
			if ((n == *own || list[n - 1] != o->fragments[k].segment) &&
				!in_record(c, o->fragments[k].segment))
				list[n++] = o->fragments[k].segment;
	}
	return n;
}

bool
bm_find_exchange(const struct bm_why *w, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	struct trial t = {.w = w};
	size_t own = 0;
	bool found = false;

	if (!bm_has_framing(w) || w->session == NULL || c->region < c->len)
		return false;
	t.cases = bm_session_cases(w->session, &t.case_count);
	t.bytes = malloc(c->len);
	uint64_t *list = calloc(SEGMENTS_MAX, sizeof *list);
	if (t.bytes != NULL && list != NULL) {
		size_t n = list_segments(&t, list, &own);
		/* Neighbours change places sooner than what is far apart. */
		for (size_t apart = 1; apart < n && !found; apart++)
			for (size_t i = 0; i < own && i + apart < n && !found && t.work < w->share / 4; i++) {
				found = verifies_with(&t, list[i], list[i + apart]);
				if (found)
					show(&t, list[i], list[i + apart], out);
			}
	}
	*w->spent += t.work;
	if (t.bytes != NULL)
		bm_wipe(t.bytes, c->len);
	free(t.bytes);
	free(list);
	return found;
}
