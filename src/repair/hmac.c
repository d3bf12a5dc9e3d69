/* Damage in records under HMAC or SSL 3.0's MAC. No algebra helps here: changes are tried,
 * likeliest first, from the states between the blocks of the MAC input. This file keeps the ledger,
 * and looks at what needs no search: the MAC itself, and the header. Refuses to know how the rest
 * is tried.
 *
 * The limit counts octets of MAC input, as many on every processor: the same record has the same
 * answer everywhere. */
#include "repair/hmac.h"

#include <math.h>

/* Octets of MAC input. SHA-1 runs at 3 (SSE2), 6 (AVX2) to 18 (AVX-512) octets a nanosecond, SHA-2
 * at half of that. Quick is what the families that are always begun need in a full record. */
static uint64_t
limit_of(const struct bm_damaged *d, const struct hs_base *b)
{
	static const uint64_t normal = 12000000000, quick = 2400000000, whole_checks = 500000000;

	if (d->work != 0)
		return d->work;
	if (d->effort == BM_DEEP)
		return UINT64_MAX;
	if (b->lane == NULL)
		return d->effort == BM_QUICK ? whole_checks / 10 : whole_checks;
	return d->effort == BM_QUICK ? quick : normal;
}

void
hs_begin(struct hmac_search *s, const char *name)
{
	s->family = &s->out->family[s->out->family_count++];
	*s->family = (struct bm_family){.name = name};
	s->fits = 0;
}

void
hs_count(struct hmac_search *s, double candidates)
{
	struct bm_family *f = s->family;

	s->accepted += candidates;
	double sum = (double)f->candidates + candidates;
	f->candidates = sum < 0x1p63 ? f->candidates + (uint64_t)candidates : UINT64_MAX;
}

/* Is the content what was sent, and the MAC alone not? For CBC with the MAC inside, where a change
 * on the wire garbles whole blocks, the plaintext is asked, with its parts where they were sent.
 * What happened to padding does not count either way. */
static bool
tag_alone(struct hmac_search *s)
{
	const struct hs_base *b = &s->base;
	const struct bm_damaged *d = s->d;
	struct bm_wire w = d->wire;
	struct bm_outcome o;

	w.body.p = s->out->sent + w.header.n;
	if (bm_verify(d->protection, d->position, &w, true, s->scratch, &o) != BM_OK)
		return false;
	const uint8_t *sent = b->rules.order == BM_MAC_ENCRYPT_THEN ? w.body.p : s->scratch->bytes;
	size_t content = b->text_n - b->rules.tag_len;
	if (b->rules.order == BM_MAC_THEN_ENCRYPT)
		content -= o.padding;
	return memcmp(sent, b->text, content) == 0 &&
		   memcmp(sent + content, b->text + content, b->rules.tag_len) != 0;
}

static unsigned
bits_changed(const struct hmac_search *s)
{
	const struct bm_view body = s->d->wire.body;
	const uint8_t *sent = s->out->sent + s->d->wire.header.n;
	unsigned n = 0;

	for (size_t i = 0; i < body.n; i++)
		for (unsigned x = sent[i] ^ body.p[i]; x != 0; x &= x - 1)
			n++;
	return n;
}

static enum bm_repair_kind
classify(struct hmac_search *s, enum bm_repair_kind kind)
{
	enum { FEW = 4 };

	if (kind == BM_REPAIR_HEADER_DAMAGED || kind == BM_REPAIR_TAG_DAMAGED)
		return kind;
	if (tag_alone(s))
		return BM_REPAIR_TAG_DAMAGED;
	if (kind == BM_REPAIR_BYTES_DAMAGED && bits_changed(s) <= FEW)
		return BM_REPAIR_BITS_FLIPPED;
	return kind;
}

bool
hs_end(struct hmac_search *s, bool complete, const char *ambiguous, enum bm_repair_kind kind)
{
	struct bm_family *f = s->family;
	struct bm_repair *out = s->out;

	f->complete = complete && s->status == BM_OK;
	if (s->status != BM_OK)
		return true;
	if (s->fits == 0)
		return false;
	if (s->fits > 1) {
		f->name = ambiguous;
		return true;
	}
	out->found = true;
	out->shape = f->name;
	out->kind = classify(s, kind);
	return true;
}

static double
choose(unsigned n, unsigned k)
{
	double c = 1;

	for (unsigned i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

/* Few bits, or a burst, or few octets wherever, of a MAC that stands visibly or under a stream
 * cipher. */
static bool
search_tag(struct hmac_search *s, const char *name, unsigned few, unsigned burst, unsigned octets)
{
	struct hs_base *b = &s->base;
	const struct bm_outcome *o = &b->outcome;
	unsigned tag_bits = (unsigned)(8 * o->tag_len), weight = 0, first = tag_bits, last = 0,
			 differ = 0;
	size_t body = s->d->wire.body.n, head = s->d->wire.header.n;

	if (b->rules.order == BM_MAC_THEN_ENCRYPT)
		return false;
	hs_begin(s, name);
	for (unsigned k = 1; k <= few; k++)
		hs_count(s, choose(tag_bits, k));
	if (burst != 0)
		hs_count(s, tag_bits * ldexp(1, (int)burst - 1));
	for (unsigned k = 1; k <= octets; k++)
		hs_count(s, choose(tag_bits / 8, k) * pow(255, k));
	for (size_t i = 0; i < o->tag_len; i++)
		differ += o->computed[i] != o->received[i];
	for (unsigned i = 0; i < tag_bits; i++) {
		if (((o->computed[i / 8] ^ o->received[i / 8]) >> (7 - i % 8) & 1) == 0)
			continue;
		weight++;
		last = i;
		if (first == tag_bits)
			first = i;
	}
	if (weight <= few || last - first < burst || differ <= octets) {
		uint8_t *tag = s->altered + head + body - o->tag_len;
		for (size_t i = 0; i < o->tag_len; i++)
			tag[i] ^= o->computed[i] ^ o->received[i];
		if (hs_verifies(s, &s->work, s->d->wire.type, s->d->wire.version)) {
			s->fits = 1;
			memcpy(s->out->sent, s->altered, head + body);
		}
		memcpy(tag, s->d->wire.body.p + body - o->tag_len, o->tag_len);
	}
	return hs_end(s, true, s->family->name, BM_REPAIR_TAG_DAMAGED);
}

static bool
search_tags(struct hmac_search *s)
{
	static const char name[] = "the MAC itself: few bits, or a short burst";
	bool whole = s->base.outcome.tag_len >= 16;

	if (search_tag(s, name, whole ? 8 : 4, whole ? 32 : 16, 0))
		return true;
	return whole && (search_tag(s, "the MAC itself: a burst of up to 48 bits", 0, 48, 0) ||
						search_tag(s, "the MAC itself: up to 4 octets", 0, 0, 4));
}

/* False: the limit. */
static bool
try_header(struct hmac_search *s, uint8_t type, uint16_t version)
{
	if (s->work >= s->limit || s->status != BM_OK)
		return false;
	hs_count(s, 1);
	if (!hs_verifies(s, &s->work, type, version))
		return true;
	s->fits++;
	memcpy(s->out->sent, s->altered, s->d->wire.header.n + s->d->wire.body.n);
	s->out->sent[0] = type;
	bm_store16(s->out->sent + 1, version);
	return true;
}

static bool
try_versions(struct hmac_search *s)
{
	static const uint16_t known[] = {
		BM_SSL3, BM_TLS10, BM_TLS11, BM_TLS12, BM_TLS13, BM_DTLS10, BM_DTLS12};
	uint16_t is = s->d->wire.version;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		unsigned x = known[i] ^ is;
		if ((x & (x - 1)) != 0 && !try_header(s, s->d->wire.type, known[i]))
			return false;
	}
	for (unsigned bit = 0; bit < 16; bit++)
		if (!try_header(s, s->d->wire.type, (uint16_t)(is ^ 1u << bit)))
			return false;
	return true;
}

/* The type and, but for SSL 3.0, the version are under the MAC. The length is not tried: it says
 * where the record ends. */
static bool
search_header(struct hmac_search *s)
{
	enum { TYPE_AND_VERSION = 3 };
	bool complete = true;

	if (s->d->wire.header.n < TYPE_AND_VERSION)
		return false;
	hs_begin(s, "another type or version in the header");
	for (unsigned x = 1; x < 256 && complete; x++)
		complete = try_header(s, (uint8_t)(s->d->wire.type ^ x), s->d->wire.version);
	if (complete && !s->base.rules.ssl3)
		complete = try_versions(s);
	return hs_end(s, complete,
		"another type or version in the header: two of them fit, which "
		"proves neither",
		BM_REPAIR_HEADER_DAMAGED);
}

enum bm_status
bm_repair_hmac(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	struct hmac_search s = {.d = d, .scratch = scratch, .out = out};

	out->found = false;
	out->method = "hmac-search";
	out->family_count = 0;
	s.status = hs_open(&s);
	out->tag_bits = 8 * s.base.rules.tag_len;
	if (s.status == BM_OK && s.base.text != NULL) {
		s.limit = limit_of(d, &s.base);
		if (!search_tags(&s) && !search_header(&s))
			hs_search_families(&s);
	}
	hs_close(&s);
	out->accepted_log2 = s.accepted > 0 ? log2(s.accepted) : 0;
	out->candidates = s.accepted < 0x1p63 ? (uint64_t)s.accepted : UINT64_MAX;
	return s.status;
}
