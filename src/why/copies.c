/* retransmission-differs: two copies of the same TCP bytes differ, and the record verifies with
 * one of them. Tries every choice among the copies, span by span. */
#include "why/why.h"

#include <stdlib.h>

enum { CHOICES = 10 }; /* copies combined at most: 2^10 checks */

static void
note_change(const struct bm_case *c, struct bm_finding *out, const struct bm_other_copy *copy)
{
	/* Only the bytes in which the copies differ, as one run from the first to the last. */
	const uint8_t *mine = c->record + copy->record_off;
	size_t from = 0, to = copy->bytes.n;

	while (from < to && mine[from] == copy->bytes.p[from])
		from++;
	while (to > from && mine[to - 1] == copy->bytes.p[to - 1])
		to--;
	if (from == to || out->change_count >= BM_CHANGES_MAX)
		return;
	out->changes[out->change_count++] =
		(struct bm_change){(uint32_t)(copy->record_off + from), bm_view(mine + from, to - from),
			bm_view(copy->bytes.p + from, to - from), copy->packet, false};
}

enum bm_answer
bm_ask_other_copy(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (c->record == NULL || c->copy_count == 0) {
		*because = "no packet of the capture carries other bytes for this part of the stream";
		return BM_EXCLUDED;
	}
	if (c->protection == NULL || c->position == NULL || c->len < BM_HEADER || c->region < c->len)
		return BM_NOT_ASKED;
	size_t n = c->copy_count < CHOICES ? c->copy_count : CHOICES;
	uint8_t *bytes = malloc(c->len);
	if (bytes == NULL) {
		*because = "not tried: out of memory";
		return BM_EXCLUDED;
	}
	enum bm_answer answer = BM_EXCLUDED;
	uint64_t tried = 0;
	for (uint32_t choice = 1; choice < 1u << n && answer != BM_SHOWN; choice++) {
		struct bm_outcome o;
		memcpy(bytes, c->record, c->len);
		for (size_t i = 0; i < n; i++)
			if ((choice >> i & 1) != 0)
				memcpy(bytes + c->copies[i].record_off, c->copies[i].bytes.p, c->copies[i].bytes.n);
		struct bm_record_header hdr = bm_record_header(bytes);
		struct bm_wire wire = {.type = hdr.type,
			.version = hdr.version,
			.header = bm_view(bytes, BM_HEADER),
			.body = bm_view(bytes + BM_HEADER, c->len - BM_HEADER)};
		if (hdr.length != wire.body.n)
			continue;
		tried++;
		if (bm_verify(c->protection, c->position, &wire, false, w->scratch, &o) != BM_OK ||
			o.result != BM_VERIFIED)
			continue;
		answer = BM_SHOWN;
		bm_prove(out, "copy-choice", bm_protection_tag_len(c->protection), tried);
		bm_alter(w, out, BM_INPUT_BYTES);
		for (size_t i = 0; i < n; i++)
			if ((choice >> i & 1) != 0)
				note_change(c, out, &c->copies[i]);
		bm_evidence(w, out,
			"packet %llu carries other bytes for the same stream offsets; with them the record "
			"verifies at sequence number %llu",
			(unsigned long long)(out->change_count != 0 ? out->changes[0].sent_packet : 0),
			(unsigned long long)c->seq);
		if (c->good_first)
			bm_evidence(w, out,
				"that one was captured first; packet %llu came %.3f ms later, under a checksum "
				"that is right, before its receiver had acknowledged those bytes, and the receiver "
				"rejects what it took",
				(unsigned long long)c->other_packet, (double)c->apart_ns / 1e6);
	}
	bm_wipe(bytes, c->len);
	free(bytes);
	if (answer != BM_SHOWN)
		*because = bm_arena_print(w->arena,
			"other copies of its bytes were captured, but none of %llu choices among them verifies",
			(unsigned long long)tried);
	return answer;
}
