/* bytes-damaged over the border of header and body: a run that took octets of both, so that no
 * other header alone and no change of the body alone makes the record verify. The next good record
 * says how long it is. Refuses to know damage that leaves the header as it was. */
#include "why/record.h"

#include "repair/repair.h"

#include <math.h>
#include <stdlib.h>

/* Where the next good record has the next number, and all up to it is at hand; 0: it is not. */
static uint32_t
length_up_to_next(const struct bm_why *w)
{
	const struct bm_case *c = w->c;
	uint64_t there = c->after_off - c->off;

	if (c->after != BM_AFTER_NEXT || c->after_epoch != c->epoch || c->after_lacks_iv ||
		there > c->region || there <= BM_HEADER || there - BM_HEADER > BM_BODY_MAX)
		return 0;
	return (uint32_t)there;
}

/* What may be spent under each of so many headers. Under HMAC octets at the front cost the whole
 * MAC each. */
static uint64_t
share_of(const struct bm_why *w, uint32_t len, unsigned headers)
{
	enum { FRONT = 1 << 16, MORE = 256 };
	uint64_t quick = w->share < BM_SHARE_QUICK ? w->share : BM_SHARE_QUICK;
	struct bm_mac_rules rules = {.order = BM_MAC_NONE};

	bm_protection_mac(w->c->protection, &rules);
	if (rules.order == BM_MAC_NONE)
		return quick / headers;
	uint64_t front = (uint64_t)FRONT * (len + MORE), most = w->share / 2;
	return (quick + front < most ? quick + front : most) / headers;
}

/* The body is searched as under the header at the start of `bytes`, first where it begins: a run
 * over the border leaves its end there. */
static enum bm_status
search_under(const struct bm_why *w, const uint8_t *bytes, uint32_t len, unsigned headers,
	struct bm_repair *r)
{
	struct bm_damaged d = {.protection = w->c->protection,
		.position = w->c->position,
		.wire = {.type = bytes[0],
			.version = bm_load16(bytes + 1),
			.header = bm_view(bytes, BM_HEADER),
			.body = bm_view(bytes + BM_HEADER, len - BM_HEADER)},
		.front = true,
		.numbers = headers,
		.pool = w->pool,
		.effort = BM_QUICK,
		.work = share_of(w, len, headers)};

	enum bm_status st = bm_repair(&d, w->scratch, r);
	*w->spent += d.work;
	return st;
}

static void
show(const struct bm_why *w, const struct bm_repair *r, uint32_t len, unsigned headers,
	struct bm_finding *out)
{
	double accepted = r->accepted_log2 + log2((double)headers);

	out->cause = BM_CAUSE_BYTES_DAMAGED;
	out->method = r->method;
	out->tag_bits = (unsigned)r->tag_bits;
	out->candidates = accepted < 53 ? (uint64_t)exp2(accepted) : UINT64_MAX;
	out->chance_log2 = accepted - (double)r->tag_bits;
	out->strength = out->chance_log2 <= -40 ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED;
	bm_alter(w, out, BM_INPUT_BYTES);
	bm_list_changes(w, r->sent, len, out);
	bm_evidence(w, out,
		"the next good record has the next number, so this one has %u bytes of body; with the "
		"header %02x %02x%02x %02x%02x and the bytes behind it changed back it verifies where it "
		"was expected; found among: %s",
		len - BM_HEADER, r->sent[0], r->sent[1], r->sent[2], r->sent[3], r->sent[4], r->shape);
}

enum bm_answer
bm_ask_header_and_body(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	enum { HEADERS = 2 };
	const struct bm_case *c = w->c;
	unsigned version = w->facts->version == BM_TLS13 ? BM_TLS12 : w->facts->version;
	uint32_t len;

	(void)because;
	if (c->kind != BM_CASE_BAD_RECORD || !bm_has_framing(w) || (len = length_up_to_next(w)) == 0)
		return BM_NOT_ASKED;
	/* What carries data, or the type as it stands. */
	const uint8_t types[HEADERS] = {BM_APPLICATION_DATA, c->record[0]};
	unsigned headers =
		types[1] != types[0] && types[1] >= BM_CCS && types[1] <= BM_HEARTBEAT ? 2 : 1;
	uint8_t *bytes = malloc(len);
	struct bm_repair r = {.sent = bm_arena_take(w->arena, len, 1)};
	bool found = false;
	for (unsigned i = 0; bytes != NULL && r.sent != NULL && i < headers && !found; i++) {
		memcpy(bytes, c->record, len);
		bytes[0] = types[i];
		bm_store16(bytes + 1, version);
		bm_store16(bytes + 3, len - BM_HEADER);
		/* The header as it is: the search of the body alone. */
		if (memcmp(bytes, c->record, BM_HEADER) == 0)
			continue;
		r = (struct bm_repair){.sent = r.sent};
		found = search_under(w, bytes, len, headers, &r) == BM_OK && r.found;
	}
	free(bytes);
	if (!found)
		return BM_NOT_ASKED;
	show(w, &r, len, headers, out);
	return BM_SHOWN;
}
