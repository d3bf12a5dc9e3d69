/* A run that never came: put back where the tag can prove it; else located as narrowly as the
 * plaintext shows where it falls out of step. Refuses to know how it shows that bytes are missing.
 *
 * Decrypted with the hole at its end the record is right up to the hole; decrypted with the hole in
 * front it is right behind it. Where content looks like content, the two readings show between
 * which octets the hole lies. */
#include "why/hole.h"

#include "base/buf.h"
#include "repair/hole.h"
#include "why/record.h"

#include <stdlib.h>

enum {
	LOOKED = 32,   /* octets judged together */
	STEP = 8,      /* from one window to the next */
	WEAKEST = -20, /* base-2 logarithm: noise looks so no oftener */
	SLACK = 16,    /* octets of noise that a window may take in unnoticed */
	EDGES = 256
};

struct range {
	uint32_t first, last; /* octets of the record where the hole may begin */
	bool told;            /* by the look of the content */
	double end;           /* base-2 logarithm: noise looks like its end no oftener */
};

static bool
read_with(const struct bm_why *w, const struct bm_hole *h, size_t at, uint8_t *body,
	struct bm_view *plain, uint32_t *plain_at)
{
	struct bm_mac_rules rules;
	struct bm_outcome o;
	struct bm_wire wire = h->d.wire;
	struct bm_aead_parts parts;

	bm_hole_shift(h, at, body);
	wire.body.p = body;
	if (bm_verify(w->c->protection, w->c->position, &wire, true, w->scratch, &o) != BM_OK ||
		o.plain.n == 0)
		return false;
	bm_protection_mac(w->c->protection, &rules);
	*plain_at = BM_HEADER;
	if (rules.order == BM_MAC_NONE &&
		bm_verify_parts(w->c->protection, w->c->position, &wire, &parts))
		*plain_at += (uint32_t)(parts.text.p - body);
	else
		*plain_at += (uint32_t)rules.record_iv;
	*plain = o.plain;
	return true;
}

static bool
looks(const uint8_t *p)
{
	return bm_look_chance(p, LOOKED) <= WEAKEST;
}

/* Octets from the front that look like content all along, less those that may not be it. */
static uint32_t
good_front(struct bm_view plain)
{
	size_t good = 0;

	for (size_t i = 0; i + LOOKED <= plain.n && looks(plain.p + i); i += STEP)
		good = i + LOOKED;
	return good > SLACK ? (uint32_t)good - SLACK : 0;
}

/* Where the hole may be, as far as the content tells. */
static struct range
look_at(const struct bm_why *w, const struct bm_hole *h, uint8_t *body)
{
	uint32_t n = (uint32_t)h->n, len = BM_HEADER + (uint32_t)h->d.wire.body.n, at = 0;
	struct range r = {BM_HEADER, len - n, false, 0};
	struct bm_view plain;

	if (read_with(w, h, h->d.wire.body.n - h->n, body, &plain, &at)) {
		uint32_t good = good_front(plain);
		if (good != 0) {
			r.first = at + good;
			r.told = true;
		}
	}
	if (read_with(w, h, 0, body, &plain, &at)) {
		size_t good = plain.n;
		for (size_t i = plain.n; i >= LOOKED && looks(plain.p + i - LOOKED); i -= STEP)
			good = i - LOOKED;
		/* CBC spoils the block behind the hole too: that is no more than the slack. */
		if (good < plain.n && at + good + SLACK >= n) {
			uint32_t last = at + (uint32_t)good + SLACK - n;
			if (last < r.last) {
				r.last = last;
				r.told = true;
				/* Windows that do not overlap. */
				r.end = (double)((plain.n - good) / LOOKED) * WEAKEST;
			}
		}
	}
	bm_wipe(w->scratch->bytes, sizeof w->scratch->bytes);
	if (r.first > r.last || r.first > len - n)
		r = (struct range){BM_HEADER, len - n, false, 0};
	return r;
}

/* Does what is encrypted go by its octet's place in the record, so that content at the wrong one
 * decrypts to noise? Blocks of CBC go by the one before them alone. */
static bool
tells_length(const struct bm_why *w)
{
	const struct bm_suite *suite = bm_protection_keys(w->c->protection)->suite;

	return suite->cipher != BM_CIPHER_NULL && suite->mode != BM_MODE_CBC;
}

static size_t
edges_of(const struct bm_case *c, uint32_t *edges, uint32_t there)
{
	size_t n = 0;

	for (size_t i = 0; i < c->fragment_count && n < EDGES; i++) {
		uint32_t end = c->fragments[i].record_off + c->fragments[i].len;
		if (end > BM_HEADER && end < there)
			edges[n++] = end - BM_HEADER;
	}
	return n;
}

/* Equal octets on either side leave more than one place: an edge of a segment, else the first. */
static uint32_t
settle(const struct bm_case *c, const uint8_t *sent, uint32_t n, const uint32_t *edges,
	size_t count, uint32_t *last)
{
	uint32_t len = c->len, first = 0, chosen;

	while (first + n < len && sent[first] == c->record[first])
		first++;
	/* As far right as it goes now; how far left? */
	*last = first;
	while (first > BM_HEADER && sent[first - 1] == sent[first + n - 1])
		first--;
	chosen = first;
	for (size_t i = 0; i < count; i++)
		if (edges[i] + BM_HEADER >= first && edges[i] + BM_HEADER <= *last)
			chosen = edges[i] + BM_HEADER;
	return chosen;
}

static void
say_change(const struct bm_why *w, struct bm_finding *out, uint32_t at, struct bm_view sent)
{
	out->changes[out->change_count++] = (struct bm_change){at, bm_view(w->c->record, 0),
		sent.n != 0 ? sent : bm_view(w->c->record, 0), 0, sent.n == 0};
}

static bool
restored(const struct bm_why *w, const struct bm_hole *h, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	uint32_t n = (uint32_t)h->n, last;
	struct bm_repair r = {.sent = bm_arena_take(w->arena, c->len, 1)};

	if (r.sent == NULL || bm_repair_hole(h, w->scratch, &r) != BM_OK || !r.found)
		return false;
	double chance = r.accepted_log2 - (double)r.tag_bits;
	if (chance > -40)
		return false;
	uint32_t at = settle(c, r.sent, n, h->d.edges, h->d.edge_count, &last);
	say_change(w, out, at, bm_view(r.sent + at, n));
	out->method = r.method;
	out->tag_bits = (unsigned)r.tag_bits;
	out->candidates = r.candidates;
	out->chance_log2 = chance;
	bm_alter(w, out, BM_INPUT_BYTES);
	char hex[2 * BM_HOLE_MAX + 1];
	bm_hex(bm_view(r.sent + at, n), hex);
	bm_evidence(w, out, "with the byte%s %s put in at offset %u it verifies where it was expected",
		n == 1 ? "" : "s", hex, at);
	return true;
}

bool
bm_note_hole(const struct bm_why *w, struct bm_finding *out, uint32_t missing, double *look)
{
	const struct bm_case *c = w->c;
	uint32_t there = c->len - missing, edges[EDGES];
	struct bm_hole h = {.n = missing};
	size_t body_n = c->len - BM_HEADER;
	bool proved = false;

	struct range r = {BM_HEADER, there, false, 0};
	uint8_t *body = malloc(2 * body_n);
	if (body != NULL && there >= BM_HEADER && there <= c->region) {
		uint8_t *shifted = body + body_n;
		memcpy(body, c->record + BM_HEADER, there - BM_HEADER);
		memset(body + (there - BM_HEADER), 0, missing);
		h.d = (struct bm_damaged){.protection = c->protection,
			.position = c->position,
			.wire = {.type = c->record[0],
				.version = bm_load16(c->record + 1),
				.header = bm_view(c->record, BM_HEADER),
				.body = bm_view(body, body_n)},
			.edges = edges,
			.edge_count = edges_of(c, edges, there),
			.pool = w->pool,
			.effort = w->effort,
			.work = w->share / 4};
		r = look_at(w, &h, shifted);
		*look = tells_length(w) ? r.end : 0;
		h.first = r.first - BM_HEADER;
		h.last = r.last - BM_HEADER;
		*w->spent += w->share / 16;
		proved = restored(w, &h, out);
		bm_wipe(body, 2 * body_n);
	}
	free(body);
	if (proved)
		return true;
	/* What is lost is lost between two writes sooner than within one. */
	uint32_t at = r.first;
	for (size_t i = 0; i < h.d.edge_count; i++)
		if (edges[i] + BM_HEADER >= r.first && edges[i] + BM_HEADER <= r.last) {
			at = edges[i] + BM_HEADER;
			break;
		}
	say_change(w, out, at, bm_view(NULL, 0));
	if (r.told)
		bm_evidence(w, out,
			"by the look of what decrypts before and behind it, the hole begins between offsets %u "
			"and %u",
			r.first, r.last);
	return false;
}

void
bm_note_hole_before(const struct bm_why *w, struct bm_finding *out, uint32_t len)
{
	const struct bm_case *c = w->c;
	uint32_t edges[EDGES], first = len != 0 ? BM_HEADER : 0, at = 0;
	struct bm_view plain;

	if (len > BM_HEADER && len <= c->region) {
		struct bm_hole h = {.d.wire = {.type = c->record[0],
								.version = bm_load16(c->record + 1),
								.header = bm_view(c->record, BM_HEADER),
								.body = bm_view(c->record + BM_HEADER, len - BM_HEADER)}};
		uint8_t *body = malloc(len);
		if (body != NULL && read_with(w, &h, len - BM_HEADER, body, &plain, &at)) {
			uint32_t good = good_front(plain);
			first = good != 0 ? at + good : first;
			if (good != 0)
				bm_evidence(w, out,
					"by the look of what decrypts before it, the hole begins at offset %u or "
					"behind",
					first);
		}
		free(body);
		bm_wipe(w->scratch->bytes, sizeof w->scratch->bytes);
	}
	uint32_t place = first;
	size_t n = edges_of(c, edges, len);
	for (size_t i = 0; i < n; i++)
		if (edges[i] + BM_HEADER >= first) {
			place = edges[i] + BM_HEADER;
			break;
		}
	say_change(w, out, place, bm_view(NULL, 0));
}
