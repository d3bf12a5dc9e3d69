/* The search for the header of a DTLS record. Up to DTLS 1.2 what the MAC covers of it are type,
 * version, epoch and number, connection id, and by the length of the content its length (RFC 6347,
 * section 4.1.2.1; RFC 9146, section 5); in DTLS 1.3 all of it, its number unmasked (RFC 9147,
 * section 4). */
#include "repair/dtls_header.h"

#include "base/buf.h"

enum {
	EPOCH_AT = 3,
	NUMBER_AT = 5,
	NUMBER_OCTETS = 6,
	CID_AT = 11,
	CLASSIC = 13,
	SEQ_BITS = 48,
	/* RFC 9147, section 4: 0 0 1 C S L E E. */
	FIXED = 0x20,
	HAS_CID = 0x10,
	LONG_NUMBER = 0x08,
	HAS_LENGTH = 0x04
};
#define SEQ_MASK ((UINT64_C(1) << SEQ_BITS) - 1)

struct tries {
	const struct bm_dtls_headers *h;
	struct bm_scratch *scratch;
	struct bm_dtls_header *out;
	enum bm_status status;
};

/* Fields of a header up to DTLS 1.2. */
struct fields {
	uint8_t type;
	unsigned version;
	struct bm_view cid;
	const struct bm_dtls_epoch *epoch; /* whose keys are used */
	unsigned epoch_number;
	uint64_t seq;
	size_t end;
};

static bool
is_over(const struct tries *t)
{
	return t->out->found || t->status != BM_OK || t->out->work >= t->h->work;
}

static bool
verifies(struct tries *t, const struct bm_protection *p, const struct bm_wire *w, uint64_t seq)
{
	struct bm_position pos;
	struct bm_outcome o;

	t->out->tried++;
	t->out->work += bm_protection_cost(p, w->body.n);
	bm_position_start(p, &pos);
	pos.seq = seq;
	enum bm_status st = bm_verify(p, &pos, w, false, t->scratch, &o);
	if (st != BM_OK)
		t->status = st;
	return st == BM_OK && o.result == BM_VERIFIED;
}

static void
found(struct tries *t, const struct bm_dtls_epoch *e, uint64_t seq, size_t len, size_t end)
{
	struct bm_dtls_header *out = t->out;

	out->found = true;
	out->len = len;
	out->end = end;
	out->epoch = e->epoch;
	out->seq = seq & SEQ_MASK;
	out->protection = e->protection;
}

/* -- DTLS 1.0 and 1.2 ----------------------------------------------------------------------------
 */

static void
try_fields(struct tries *t, const struct fields *f)
{
	bool has_cid = f->type == BM_TLS12_CID;
	size_t head = CLASSIC + (has_cid ? f->cid.n : 0);

	if (is_over(t) || f->end < head || f->end - head > BM_BODY_MAX || (has_cid && f->cid.n == 0))
		return;
	uint8_t *b = t->out->bytes;
	b[0] = f->type;
	bm_store16(b + 1, f->version);
	bm_store64(b + EPOCH_AT, (uint64_t)f->epoch_number << SEQ_BITS | f->seq);
	if (has_cid)
		memcpy(b + CID_AT, f->cid.p, f->cid.n);
	bm_store16(b + head - 2, (unsigned)(f->end - head));
	/* What stands there has been tried. */
	if (memcmp(b, t->h->bytes.p, head) == 0)
		return;
	struct bm_wire w = {.type = f->type,
		.version = (uint16_t)f->version,
		.header = bm_view(b, head),
		.cid = has_cid ? f->cid : bm_view(NULL, 0),
		.body = bm_view(t->h->bytes.p + head, f->end - head)};
	uint64_t seq = (uint64_t)f->epoch_number << SEQ_BITS | f->seq;
	if (verifies(t, f->epoch->protection, &w, seq))
		found(t, f->epoch, seq, head, f->end);
}

static const uint8_t types[] = {
	BM_APPLICATION_DATA, BM_HANDSHAKE, BM_ALERT, BM_CCS, BM_HEARTBEAT, BM_DTLS13_ACK, BM_TLS12_CID};

static void
try_types(struct tries *t, struct fields f)
{
	for (size_t i = 0; i < sizeof types; i++) {
		f.type = types[i];
		f.cid = t->h->cid;
		try_fields(t, &f);
	}
}

/* Numbers that its neighbours leave, then those that differ from the one captured in a bit or an
 * octet. */
static void
try_numbers(struct tries *t, struct fields f)
{
	const struct bm_dtls_epoch *e = f.epoch;
	uint64_t captured = f.seq;

	for (size_t i = 0; i < e->number_count; i++) {
		f.seq = e->numbers[i];
		try_fields(t, &f);
	}
	for (unsigned bit = 0; bit < SEQ_BITS; bit++) {
		f.seq = captured ^ UINT64_C(1) << bit;
		try_fields(t, &f);
	}
	for (unsigned i = 0; i < NUMBER_OCTETS; i++) {
		for (uint64_t x = 1; x < 256; x++) {
			f.seq = captured ^ x << 8 * i;
			try_fields(t, &f);
		}
	}
}

static void
try_classic(struct tries *t, size_t end)
{
	const struct bm_dtls_headers *h = t->h;
	const uint8_t *p = h->bytes.p;
	struct fields seen = {.type = p[0],
		.version = bm_load16(p + 1),
		.epoch_number = bm_load16(p + EPOCH_AT),
		.seq = bm_load64(p + EPOCH_AT) & SEQ_MASK,
		.epoch = &h->epochs[0],
		.end = end};
	struct fields f;

	/* The connection id as it stands there. */
	if (h->bytes.n >= CID_AT + h->cid.n)
		seen.cid = bm_view(p + CID_AT, h->cid.n);
	for (size_t i = 0; i < h->epoch_count; i++)
		if (h->epochs[i].epoch == seen.epoch_number)
			seen.epoch = &h->epochs[i];
	bool known = seen.epoch->epoch == seen.epoch_number;
	if (known) {
		try_fields(t, &seen); /* the length alone */
		try_types(t, seen);
		f = seen;
		f.version = h->version;
		try_fields(t, &f);
		f = seen;
		f.cid = h->cid;
		try_fields(t, &f);
		try_numbers(t, seen);
	}
	for (size_t i = 0; i < h->epoch_count; i++) {
		f = seen;
		f.epoch = &h->epochs[i];
		f.epoch_number = h->epochs[i].epoch;
		try_fields(t, &f);
	}
	/* Nothing of it is sure. */
	for (size_t i = 0; i < h->epoch_count; i++) {
		f = seen;
		f.version = h->version;
		f.epoch = &h->epochs[i];
		f.epoch_number = h->epochs[i].epoch;
		try_types(t, f);
		for (size_t k = 0; k < h->epochs[i].number_count; k++) {
			f.seq = h->epochs[i].numbers[k];
			try_types(t, f);
		}
	}
}

/* -- DTLS 1.3 -------------------------------------------------------------------------------------
 */

/* One layout: flags say which. The number is what stands under its mask, or one that is missing. */
static void
try_unified(struct tries *t, const struct bm_dtls_epoch *e, uint8_t flags, size_t end)
{
	const struct bm_dtls_headers *h = t->h;
	size_t cid = (flags & HAS_CID) != 0 ? h->cid.n : 0;
	uint8_t seq_len = (flags & LONG_NUMBER) != 0 ? 2 : 1;
	size_t head = 1 + cid + seq_len + ((flags & HAS_LENGTH) != 0 ? 2u : 0u);
	uint8_t *b = t->out->bytes;
	uint8_t plain[BM_DTLS_HEADER_MAX];
	uint64_t under;

	/* Without a length it takes all that is left of its datagram. */
	if (is_over(t) || end <= head || end - head > BM_BODY_MAX ||
		((flags & HAS_LENGTH) == 0 && end != h->bytes.n))
		return;
	memcpy(b, h->bytes.p, head);
	b[0] = flags;
	if (cid != 0)
		memcpy(b + 1, h->cid.p, cid);
	if ((flags & HAS_LENGTH) != 0)
		bm_store16(b + head - 2, (unsigned)(end - head));
	struct bm_dtls_record r = {.unified = true,
		.seq_len = seq_len,
		.seq_off = (uint16_t)(1 + cid),
		.header = bm_view(b, head),
		.body = bm_view(h->bytes.p + head, end - head)};
	if (!bm_dtls13_unmask(e->protection, &r, e->expected, &under, plain))
		return;
	uint8_t mask[2];
	for (size_t i = 0; i < seq_len; i++)
		mask[i] = b[1 + cid + i] ^ plain[1 + cid + i];
	struct bm_wire w = {.type = BM_APPLICATION_DATA,
		.version = BM_DTLS12,
		.header = bm_view(plain, head),
		.body = r.body};
	for (size_t i = 0; i <= e->number_count && !is_over(t); i++) {
		uint64_t seq = i == 0 ? under : e->numbers[i - 1];
		if (i != 0 && seq == under)
			continue;
		for (size_t k = 0; k < seq_len; k++) {
			plain[1 + cid + k] = (uint8_t)(seq >> 8 * (seq_len - 1 - k));
			b[1 + cid + k] = plain[1 + cid + k] ^ mask[k];
		}
		if (memcmp(b, h->bytes.p, head) != 0 && verifies(t, e->protection, &w, seq))
			found(t, e, seq, head, end);
	}
	bm_wipe(mask, sizeof mask);
}

static void
try_layouts(struct tries *t, size_t end)
{
	const struct bm_dtls_headers *h = t->h;
	uint8_t seen = h->bytes.p[0] & (HAS_CID | LONG_NUMBER | HAS_LENGTH);

	/* The layout as it stands there first; with a connection id, most likely with it. */
	for (unsigned change = 0; change < 8; change++) {
		uint8_t flags = seen ^ (uint8_t)(change << 2);
		if ((flags & HAS_CID) != 0 && h->cid.n == 0)
			continue;
		for (size_t i = 0; i < h->epoch_count; i++)
			try_unified(t, &h->epochs[i], (uint8_t)(FIXED | flags | (h->epochs[i].epoch & 3)), end);
	}
}

enum bm_status
bm_find_dtls_header(
	const struct bm_dtls_headers *h, struct bm_scratch *scratch, struct bm_dtls_header *out)
{
	struct tries t = {.h = h, .scratch = scratch, .out = out, .status = BM_OK};

	memset(out, 0, sizeof *out);
	if (h->epoch_count == 0 || h->cid.n > BM_DTLS_HEADER_MAX - CLASSIC)
		return BM_OK;
	for (size_t i = 0; i < h->end_count; i++) {
		if (h->ends[i] > h->bytes.n || h->ends[i] < CLASSIC)
			continue;
		if (h->version == BM_DTLS13)
			try_layouts(&t, h->ends[i]);
		else
			try_classic(&t, h->ends[i]);
	}
	return t.status;
}
