/* Records of DTLS as they stand in a failed case, and header-damaged for them. The search for the
 * header was made while the datagrams were followed. Refuses to search. */
#include "why/dtls.h"

#include "base/buf.h"

enum { CLASSIC = 13, CID_AT = 11, LONG_NUMBER = 0x08 };

#define SEQ_MASK 0xffffffffffffu

bool
bm_is_dtls(const struct bm_why *w)
{
	return bm_version_is_dtls(w->facts->version);
}

static bool
unified(const struct bm_why *w)
{
	return bm_protection_keys(w->c->protection)->version == BM_DTLS13;
}

/* Of the number in a unified header: octets, and where. */
static size_t
number_in(const struct bm_case *c, const uint8_t *header, size_t *at)
{
	*at = 1 + (size_t)c->cid_len;
	return (header[0] & LONG_NUMBER) != 0 ? 2 : 1;
}

static void
put_number(const struct bm_case *c, uint8_t *header, uint64_t seq)
{
	size_t at, n = number_in(c, header, &at);

	for (size_t i = 0; i < n; i++)
		header[at + i] = (uint8_t)(seq >> 8 * (n - 1 - i));
}

bool
bm_dtls_record(const struct bm_why *w, uint64_t seq, struct bm_wire *wire)
{
	const struct bm_case *c = w->c;
	size_t head = c->header_len;

	if (head == 0 || c->record == NULL || c->region < c->len || c->len <= head ||
		c->protection == NULL || c->position == NULL)
		return false;
	*wire = (struct bm_wire){
		.header = bm_view(c->record, head), .body = bm_view(c->record + head, c->len - head)};
	if (!unified(w)) {
		if (head != CLASSIC + (size_t)c->cid_len)
			return false;
		wire->type = c->record[0];
		wire->version = bm_load16(c->record + 1);
		wire->cid = bm_view(c->record + CID_AT, c->cid_len);
		return true;
	}
	if (c->record[0] >> 5 != 1 || head < 2 + (size_t)c->cid_len)
		return false;
	uint8_t *header = bm_arena_copy(w->arena, wire->header);
	if (header == NULL)
		return false;
	put_number(c, header, seq);
	wire->header.p = header;
	wire->type = BM_APPLICATION_DATA;
	wire->version = BM_DTLS12;
	return true;
}

size_t
bm_dtls_numbers(const struct bm_why *w, uint64_t numbers[BM_CASE_NUMBERS])
{
	const struct bm_case *c = w->c;

	if (c->number_count == 0) {
		numbers[0] = c->position->seq;
		return 1;
	}
	memcpy(numbers, c->numbers, c->number_count * sizeof *numbers);
	return c->number_count;
}

/* The record in `bytes`, read with a connection id of cid_len octets. */
static bool
parse(struct bm_view bytes, size_t cid_len, struct bm_dtls_record *r)
{
	struct bm_reader rd = bm_reader(bytes);
	bool bad;

	return bm_dtls_next(&rd, cid_len, r, &bad);
}

void
bm_dtls_mask(const struct bm_why *w, uint64_t seq, uint8_t *record)
{
	const struct bm_case *c = w->c;
	struct bm_dtls_record r = {.unified = true};
	uint8_t masked[BM_DTLS_HEADER_MAX];
	uint64_t ignored;
	size_t at;

	if (!unified(w))
		return;
	put_number(c, record, seq);
	r.seq_len = (uint8_t)number_in(c, record, &at);
	r.seq_off = (uint16_t)at;
	r.header = bm_view(record, c->header_len);
	r.body = bm_view(record + c->header_len, c->len - c->header_len);
	/* What takes a mask off puts it on. */
	if (bm_dtls13_unmask(c->protection, &r, 0, &ignored, masked))
		memcpy(record + at, masked + at, r.seq_len);
}

static bool
verifies(
	const struct bm_why *w, const struct bm_protection *p, const struct bm_wire *wire, uint64_t seq)
{
	struct bm_position pos;
	struct bm_outcome o;

	bm_position_start(p, &pos);
	pos.seq = seq;
	return bm_verify(p, &pos, wire, false, w->scratch, &o) == BM_OK && o.result == BM_VERIFIED;
}

bool
bm_dtls_try(const struct bm_why *w, const struct bm_protection *p, size_t cid_len,
	uint64_t expected, uint64_t *seq)
{
	const struct bm_case *c = w->c;
	uint8_t header[BM_DTLS_HEADER_MAX];
	struct bm_dtls_record r;
	struct bm_wire wire;

	if (!bm_version_is_dtls(bm_protection_keys(p)->version) ||
		!parse(bm_view(c->record, c->region), cid_len, &r) ||
		!bm_dtls_wire(p, &r, expected, header, &wire, seq) || !verifies(w, p, &wire, *seq))
		return false;
	*seq &= SEQ_MASK;
	return true;
}

bool
bm_dtls_try_number(const struct bm_why *w, const struct bm_protection *p, uint64_t *seq)
{
	const struct bm_case *c = w->c;
	struct bm_wire wire;

	*seq = c->position->seq;
	return unified(w) && bm_protection_keys(p)->version == BM_DTLS13 &&
		   bm_dtls_record(w, *seq, &wire) && verifies(w, p, &wire, *seq);
}

/* -- header-damaged
 * ---------------------------------------------------------------------------------- */

static const char *
field_at(const struct bm_why *w, size_t at)
{
	const struct bm_case *c = w->c;
	size_t number, n;

	if (!unified(w))
		return at == 0                       ? "type"
			   : at < 3                      ? "version"
			   : at < 5                      ? "epoch"
			   : at < CID_AT                 ? "sequence number"
			   : at < c->sent_header_len - 2 ? "connection id"
											 : "length";
	n = (c->sent_header[0] & LONG_NUMBER) != 0 ? 2 : 1;
	/* Flags, connection id, number, length (RFC 9147, section 4). */
	number = c->sent_header_len - n - ((c->sent_header[0] & 0x04) != 0 ? 2u : 0u);
	return at == 0           ? "flags and epoch"
		   : at < number     ? "connection id"
		   : at < number + n ? "sequence number"
							 : "length";
}

static void
tell_fields(const struct bm_why *w, struct bm_finding *out)
{
	const struct bm_case *c = w->c;
	const char *names[6], *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->sent_header_len && n < 6; i++) {
		const char *name = field_at(w, i);
		if (c->record[i] != c->sent_header[i] && (last == NULL || strcmp(name, last) != 0))
			names[n++] = last = name;
	}
	const char *text = n != 0 ? names[0] : "";
	for (size_t i = 1; i < n && text != NULL; i++)
		text = bm_arena_print(w->arena, "%s, %s", text, names[i]);
	if (n != 0 && text != NULL)
		bm_evidence(w, out, "what differs is its %s", text);
}

static void
list_fields(const struct bm_why *w, struct bm_finding *out)
{
	const struct bm_case *c = w->c;

	for (uint32_t i = 0; i < c->sent_header_len && out->change_count < BM_CHANGES_MAX;) {
		uint32_t n = 0;
		while (i + n < c->sent_header_len && c->record[i + n] != c->sent_header[i + n])
			n++;
		if (n != 0)
			out->changes[out->change_count++] = (struct bm_change){
				i, bm_view(c->record + i, n), bm_view(c->sent_header + i, n), 0, false};
		i += n != 0 ? n : 1;
	}
}

enum bm_answer
bm_dtls_ask_header(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	char text[2 * BM_DTLS_HEADER_MAX + 1];

	if (c->sent_header == NULL) {
		*because = c->tried != 0
					   ? bm_arena_print(w->arena, "with none of %llu other headers it verifies",
							 (unsigned long long)c->tried)
					   : "not tried: no keys that it could be checked with, or too many failures";
		return BM_EXCLUDED;
	}
	bm_prove(out, "header-search", bm_protection_tag_len(c->protection), c->tried);
	bm_alter(w, out, BM_INPUT_BYTES);
	out->altered.seq = c->found_seq;
	list_fields(w, out);
	bm_hex(bm_view(c->sent_header, c->sent_header_len), text);
	bm_evidence(w, out, "with the header %s, for %zu bytes of body, the record verifies%s", text,
		c->sent_len - c->sent_header_len, unified(w) ? ", its number unmasked" : "");
	tell_fields(w, out);
	return BM_SHOWN;
}
