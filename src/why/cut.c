/* Looks for a run of foreign bytes in a record, or for two records that were mixed, by cutting and
 * checking what is left. Refuses to name causes. */
#include "why/record.h"

#include "base/buf.h"

#include <stdlib.h>

enum { TEXT_LEAST = 8, QUOTED = 60 };

bool
bm_has_framing(const struct bm_why *w)
{
	const struct bm_case *c = w->c;

	return c->kind == BM_CASE_BAD_RECORD && c->record != NULL && c->protection != NULL &&
		   c->position != NULL && c->region >= BM_HEADER && !bm_version_is_dtls(w->facts->version);
}

bool
bm_try_record(const struct bm_why *w, const struct bm_position *pos, struct bm_view bytes)
{
	return bm_try_under(w, w->c->protection, pos, bytes);
}

bool
bm_try_under(const struct bm_why *w, const struct bm_protection *p, const struct bm_position *pos,
	struct bm_view bytes)
{
	struct bm_outcome o;

	if (bytes.n < BM_HEADER)
		return false;
	struct bm_record_header hdr = bm_record_header(bytes.p);
	struct bm_wire wire = {.type = hdr.type,
		.version = hdr.version,
		.header = bm_view(bytes.p, BM_HEADER),
		.body = bm_view(bytes.p + BM_HEADER, bytes.n - BM_HEADER)};
	return hdr.length == wire.body.n && hdr.length <= BM_BODY_MAX &&
		   bm_verify(p, pos, &wire, false, w->scratch, &o) == BM_OK && o.result == BM_VERIFIED;
}

bool
bm_is_text_octet(uint8_t b)
{
	return (b >= 0x20 && b <= 0x7e) || b == '\r' || b == '\n' || b == '\t';
}

bool
bm_is_text(struct bm_view v)
{
	if (v.n < TEXT_LEAST)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!bm_is_text_octet(v.p[i]))
			return false;
	return true;
}

const char *
bm_quote(const struct bm_why *w, struct bm_view v)
{
	char text[4 * QUOTED + 8];
	size_t n = 0;

	for (size_t i = 0; i < v.n && i < QUOTED; i++) {
		uint8_t b = v.p[i];
		if (b >= 0x20 && b <= 0x7e && b != '\\' && b != '"') {
			text[n++] = (char)b;
			continue;
		}
		text[n++] = '\\';
		text[n++] = 'x';
		bm_hex(bm_view(&v.p[i], 1), text + n);
		n += 2;
	}
	if (v.n > QUOTED)
		for (int i = 0; i < 3; i++)
			text[n++] = '.';
	text[n] = '\0';
	const char *kept = bm_arena_print(w->arena, "%s", text);
	return kept != NULL ? kept : "";
}

struct search {
	const struct bm_why *w;
	struct bm_view region;
	uint8_t *left; /* what is left of the region after a cut */
	struct bm_cut *cut;
	uint64_t work;
};

/* Octets of the record whose header starts `left`. */
static uint32_t
length_of(const uint8_t *left)
{
	return BM_HEADER + (uint32_t)bm_load16(left + 3);
}

/* Is what was cut out a record of this sender, before or behind the outer one? */
static void
look_inside(const struct search *s, struct bm_view inside, const struct bm_position *outer)
{
	const struct bm_why *w = s->w;
	struct bm_position pos;
	struct bm_record_header hdr = bm_record_header(s->left);
	struct bm_wire wire = {.type = hdr.type,
		.version = hdr.version,
		.header = bm_view(s->left, BM_HEADER),
		.body = bm_view(s->left + BM_HEADER, hdr.length)};

	bm_position_after(w->c->protection, outer, &wire, &pos);
	if (!bm_try_record(w, &pos, inside)) {
		/* The inner one was made first: then the outer one was tried at the number behind it. */
		if (outer->seq == w->c->seq)
			goto done;
		pos = *w->c->position;
		if (!bm_try_record(w, &pos, inside))
			goto done;
	}
	s->cut->record_inside = true;
	s->cut->inside_seq = pos.seq;
done:
	bm_wipe(&pos, sizeof pos);
}

/* Tries the outer record without [at, at + n), at most its own length of it. */
static bool
try_cut(struct search *s, uint32_t at, uint32_t n, const struct bm_position *pos)
{
	const uint8_t *p = s->region.p;
	uint32_t whole = (uint32_t)s->region.n - n;

	memcpy(s->left, p, at);
	memcpy(s->left + at, p + at + n, whole - at);
	uint32_t len = length_of(s->left);
	if (len > whole)
		return false;
	s->cut->tried++;
	uint64_t cost = bm_protection_cost(s->w->c->protection, len) + len / 8;
	s->work += cost;
	*s->w->spent += cost;
	if (!bm_try_record(s->w, pos, bm_view(s->left, len)))
		return false;
	s->cut->found = true;
	s->cut->at = at;
	s->cut->n = n;
	s->cut->seq = pos->seq;
	s->cut->parted = len != whole;
	return true;
}

/* Of the places at which the same bytes can be cut out, the one that a sender, a segment or a text
 * would make: the run then starts where a packet does, or with what can start a line. */
static void
settle(struct search *s)
{
	const struct bm_case *c = s->w->c;
	struct bm_cut *cut = s->cut;
	const uint8_t *p = s->region.p;
	uint32_t at = cut->at, best = at;

	while (at > BM_HEADER && p[at - 1] == p[at - 1 + cut->n])
		at--;
	for (;; at++) {
		for (size_t i = 0; i < c->fragment_count; i++)
			if (c->fragments[i].record_off == at || c->fragments[i].record_off == at + cut->n)
				best = at;
		if (at + cut->n >= s->region.n || p[at] != p[at + cut->n])
			break;
	}
	cut->at = best;
}

/* Of the same places the one where what is cut out is a whole record, if there is one. */
static void
settle_on_record(struct search *s, const struct bm_position *outer)
{
	struct bm_cut *cut = s->cut;
	const uint8_t *p = s->region.p;
	uint32_t at = cut->at, n = cut->n;

	while (at > BM_HEADER && p[at - 1] == p[at - 1 + n])
		at--;
	for (;; at++) {
		if (n >= BM_HEADER && length_of(p + at) == n)
			look_inside(s, bm_view(p + at, n), outer);
		if (cut->record_inside)
			cut->at = at;
		if (cut->record_inside || at + n >= s->region.n || p[at] != p[at + n])
			return;
	}
}

/* Is [at, at + n) what senders and networks put in: text, or from a segment's edge or up to one? */
static bool
is_likely(const struct search *s, uint32_t at, uint32_t n)
{
	const struct bm_case *c = s->w->c;

	for (size_t i = 0; i < c->fragment_count; i++)
		if (c->fragments[i].record_off == at || c->fragments[i].record_off == at + n)
			return true;
	return bm_is_text(bm_view(s->region.p + at, n));
}

/* Does a record stand at `at` by its header? The good record behind it may have been looked for in
 * vain, for its IV is not what stands before it (TLS 1.0): so it need not be all there is. */
static bool
record_at(struct search *s, uint32_t at, const struct bm_position *pos)
{
	const uint8_t *p = s->region.p;
	uint32_t rest = (uint32_t)s->region.n - length_of(p);

	if (rest < BM_HEADER || at + BM_HEADER > s->region.n ||
		!bm_record_plausible(bm_record_header(p + at), bm_load16(p + 1)) ||
		length_of(p + at) > rest || !try_cut(s, at, length_of(p + at), pos))
		return false;
	look_inside(s, bm_view(p + at, s->cut->n), pos);
	if (!s->cut->record_inside)
		s->cut->found = s->cut->parted = false;
	return s->cut->record_inside;
}

/* One run was put into the record: everything else in the region is the record. First where such a
 * run begins or ends of itself, for each try costs as much as the record is long. */
static bool
one_run(struct search *s, const struct bm_position *pos)
{
	uint32_t len = length_of(s->region.p), region = (uint32_t)s->region.n;

	if (len >= region)
		return false;
	uint32_t n = region - len;
	s->cut->least = BM_HEADER;
	for (uint32_t at = BM_HEADER; at <= len && s->work < s->w->share; at++) {
		if (record_at(s, at, pos))
			return true;
		if (!is_likely(s, at, n) || !try_cut(s, at, n, pos))
			continue;
		settle(s);
		settle_on_record(s, pos);
		return true;
	}
	for (uint32_t at = BM_HEADER; at <= len && s->work < s->w->share; at++) {
		s->cut->most = at;
		if (is_likely(s, at, n) || !try_cut(s, at, n, pos))
			continue;
		settle(s);
		settle_on_record(s, pos);
		return true;
	}
	return false;
}

/* Two records were cut into pieces and the pieces sent in turn: A1 B1 A2 B2. */
static bool
two_records(struct search *s, const struct bm_position *pos)
{
	const uint8_t *p = s->region.p;
	uint32_t region = (uint32_t)s->region.n, len = length_of(p);
	unsigned version = bm_load16(p + 1);

	for (uint32_t at = BM_HEADER; at + BM_HEADER < region && at < len; at++) {
		struct bm_record_header inner = bm_record_header(p + at);
		/* Both together are all there is. */
		if (!bm_record_plausible(inner, version) || inner.length + BM_HEADER + len != region)
			continue;
		for (uint32_t n = 1; at + n < region && s->work < s->w->share; n++) {
			if (!try_cut(s, at, n, pos))
				continue;
			uint32_t tail = region - n - len; /* of the inner one, behind the outer one */
			uint8_t *inside = malloc((size_t)n + tail);
			if (inside == NULL)
				return true;
			memcpy(inside, p + at, n);
			memcpy(inside + n, p + region - tail, tail);
			look_inside(s, bm_view(inside, (size_t)n + tail), pos);
			bm_wipe(inside, (size_t)n + tail);
			free(inside);
			if (s->cut->record_inside)
				return true;
			s->cut->found = s->cut->parted = false;
		}
	}
	return false;
}

/* The same record once more is nothing that this one is left of. */
static struct bm_view
region_of(const struct bm_why *w)
{
	const struct bm_case *c = w->c, *right = bm_right_one(w);
	bool inside = right != NULL && right->off > c->off && right->off - c->off < c->region;

	return bm_view(c->record, inside ? (size_t)(right->off - c->off) : c->region);
}

const struct bm_cut *
bm_find_cut(const struct bm_why *w)
{
	struct bm_cut *cut = w->cut;

	if (cut->tried != 0 || !bm_has_framing(w))
		return cut;
	struct search s = {.w = w, .region = region_of(w), .cut = cut};
	if (s.region.n < BM_HEADER)
		return cut;
	s.left = malloc(s.region.n);
	if (s.left == NULL)
		return cut;
	struct bm_position pos = *w->c->position;
	bool found = one_run(&s, &pos) || two_records(&s, &pos);
	if (!found && !bm_protection_chained(w->c->protection) && w->c->after_seq == w->c->seq + 2) {
		/* The inner record may have been made before the outer one. */
		pos.seq++;
		if ((one_run(&s, &pos) || two_records(&s, &pos)) && !cut->record_inside)
			cut->found = cut->parted = false; /* the next record behind this one's header */
	}
	bm_wipe(&pos, sizeof pos);
	bm_wipe(s.left, s.region.n);
	free(s.left);
	return cut;
}
