/* What else a failure says of itself: how likely a coincidence is, and whether checksums fit.
 * Refuses to know keys. */
#include "prove/internal.h"

#include <math.h>
#include <stdlib.h>

enum { PROVEN_LOG2 = -40 };
#define MOST_SAFE 9007199254740991.0 /* stands for that many and more */

static bool
is_of_repair(const char *method)
{
	static const char *const names[] = {
		"ghash-syndrome", "poly1305-difference", "ccm-meeting", "hmac-search", "tag-search"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], method) == 0)
			return true;
	return false;
}

/* The count is that of the search and its own word; what it leaves of the tag is arithmetic. */
void
judge_chance(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	double n = (double)c->candidates, bits = (double)c->tag_bits;
	/* A search that covers changes by algebra counts in fractions, of which the report has the
	 * whole. */
	bool whole_number = !is_of_repair(c->method);
	double least = log2(n) - bits, most = log2(whole_number ? n : n + 1) - bits;
	const double rounding = 0.0051;

	if (c->candidates == 0 || c->tag_bits == 0 || !isfinite(c->chance_log2)) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "chance", "nothing was tried, or there is no tag");
		return;
	}
	if (j->tag_len == 0 || c->tag_bits != 8 * j->tag_len) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "chance",
			"the tag has %zu bits, and the report says %llu", 8 * j->tag_len,
			(unsigned long long)c->tag_bits);
		return;
	}
	bool fits = n >= MOST_SAFE
					? c->chance_log2 >= least - rounding && c->chance_log2 <= rounding
					: c->chance_log2 >= least - rounding && c->chance_log2 <= most + rounding;
	if (!fits) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "chance",
			"%.0f candidates and %.0f bits leave 2^%.2f, and the report says 2^%.2f", n, bits,
			least, c->chance_log2);
		return;
	}
	if (c->proven && c->chance_log2 > PROVEN_LOG2) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "chance",
			"2^%.2f is too much for a proof, which the report calls it", c->chance_log2);
		return;
	}
	step_passes(
		j, "chance", "%.0f candidates and %.0f bits of tag leave 2^%.2f", n, bits, c->chance_log2);
}

/* -- checksums ------------------------------------------------------------------------- */

static enum badmac_sum
sum_of(enum bm_checksum c)
{
	return c == BM_CHECKSUM_VALID       ? BADMAC_SUM_VALID
		   : c == BM_CHECKSUM_INVALID   ? BADMAC_SUM_INVALID
		   : c == BM_CHECKSUM_OFFLOADED ? BADMAC_SUM_OFFLOADED
										: BADMAC_SUM_UNKNOWN;
}

/* The worst of the packets that carry n octets from the record's header on. */
static enum badmac_sum
worst(struct judge *j, uint64_t n)
{
	enum badmac_sum w = BADMAC_SUM_UNKNOWN;
	struct bit own;
	size_t count;
	const struct bit *bits = judge_bits(j, &count, &own);
	uint64_t begin = j->flow->dtls ? 0 : j->claim->stream_offset;

	for (size_t i = 0; i < count; i++) {
		if (bits[i].off + bits[i].len <= begin || bits[i].off >= begin + n)
			continue;
		enum badmac_sum s = sum_of(bits[i].checksum);
		if (s == BADMAC_SUM_INVALID || w == BADMAC_SUM_UNKNOWN ||
			(s == BADMAC_SUM_OFFLOADED && w == BADMAC_SUM_VALID))
			w = s;
	}
	return w;
}

/* Where the framing is lost, what stands up to the next record may belong to it. */
static uint64_t
whole(const struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	uint64_t n = c->length;

	if ((c->altered.inputs & BADMAC_INPUT_RECORD) != 0 &&
		c->altered.stream_offset > c->stream_offset)
		n = c->altered.stream_offset - c->stream_offset;
	else if (j->rebuilt.n > n)
		n = j->rebuilt.n;
	for (size_t i = 0; i < c->damage_count && (c->altered.inputs & BADMAC_INPUT_RECORD) == 0; i++)
		n += c->damage[i].length > c->damage[i].sent.n ? c->damage[i].length - c->damage[i].sent.n
													   : 0;
	return n;
}

static bool
reaches(const struct judge *j, const struct bit *b, const struct badmac_claimed_damage *d)
{
	uint64_t at = (j->flow->dtls ? 0 : j->claim->stream_offset) + d->record_offset;

	return at < b->off + b->len && at + d->length > b->off;
}

/* The sum over the segment of frame k anew, with what was sent put in. */
static bool
fits_as_sent(struct judge *j, const struct kept *k, const struct bit *bits, size_t n)
{
	struct bm_view p = k->s.payload;
	uint8_t *copy = malloc(p.n);

	if (copy == NULL) {
		j->p->status = BM_NOMEM;
		return false;
	}
	memcpy(copy, p.p, p.n);
	for (size_t i = 0; i < n; i++)
		for (size_t d = 0; bits[i].packet == k->number && d < j->claim->damage_count; d++) {
			const struct badmac_claimed_damage *x = &j->claim->damage[d];
			uint64_t at = (j->flow->dtls ? 0 : j->claim->stream_offset) + x->record_offset;
			for (uint64_t b = 0; b < x->length; b++) {
				uint64_t off = at + b;
				if (off < bits[i].off || off - bits[i].off >= bits[i].len)
					continue;
				uint64_t to = bits[i].segment_off + (off - bits[i].off);
				if (to < p.n)
					copy[to] = x->sent.p[b];
			}
		}
	uint64_t sum = bm_sum16(k->s.pseudo_sum, k->s.transport_header, false);
	sum = bm_sum16(sum, bm_view(copy, p.n), (k->s.transport_header.n & 1) != 0);
	free(copy);
	return bm_sum16_fold(sum) == 0xffff;
}

/* *known false: it cannot be computed. */
static enum badmac_sum
as_sent(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	bool judged = false, all = true;
	struct bit own;
	size_t n;
	const struct bit *bits = judge_bits(j, &n, &own);
	uint64_t begin = j->flow->dtls ? 0 : c->stream_offset;

	for (size_t i = 0; i < c->damage_count; i++)
		if (!c->damage[i].sent_known || c->damage[i].sent.n == 0 ||
			c->damage[i].sent.n != c->damage[i].length)
			return BADMAC_SUM_UNKNOWN;
	for (size_t i = 0; i < n && c->damage_count != 0; i++) {
		if (bits[i].off + bits[i].len <= begin || bits[i].off >= begin + c->length)
			continue;
		const struct kept *k = frame_kept(j->p, j->flow->site, bits[i].packet);
		bool damaged = false;
		for (size_t d = 0; d < c->damage_count; d++)
			damaged = damaged || reaches(j, &bits[i], &c->damage[d]);
		bool summed =
			bits[i].checksum == BM_CHECKSUM_VALID || bits[i].checksum == BM_CHECKSUM_INVALID;
		if (k == NULL || !k->has_segment || k->s.sum == 0 || !summed) {
			if (damaged)
				return BADMAC_SUM_UNKNOWN;
			continue;
		}
		judged = true;
		all = all && fits_as_sent(j, k, bits, n);
	}
	return !judged ? BADMAC_SUM_UNKNOWN : all ? BADMAC_SUM_VALID : BADMAC_SUM_INVALID;
}

void
judge_checksum(struct judge *j)
{
	static const char *const words[] = {"unknown", "valid", "invalid", "offloaded"};
	const struct badmac_claim *c = j->claim;

	if (c->length == BADMAC_UNKNOWN || (c->checksum_as_captured == BADMAC_SUM_UNKNOWN &&
										   c->checksum_as_sent == BADMAC_SUM_UNKNOWN))
		return;
	enum badmac_sum captured = worst(j, c->length), more = worst(j, whole(j));
	if (c->checksum_as_captured != BADMAC_SUM_UNKNOWN && c->checksum_as_captured != captured &&
		c->checksum_as_captured != more) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "checksum",
			"as captured it is %s, and the report says %s", words[captured],
			words[c->checksum_as_captured]);
		return;
	}
	enum badmac_sum sent = as_sent(j);
	if (c->checksum_as_sent != BADMAC_SUM_UNKNOWN && c->checksum_as_sent != sent) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "checksum",
			"with the repair put in it is %s, and the report says %s", words[sent],
			words[c->checksum_as_sent]);
		return;
	}
	step_passes(j, "checksum", "as captured %s%s%s", words[captured],
		sent != BADMAC_SUM_UNKNOWN ? ", with the repair put in " : "",
		sent != BADMAC_SUM_UNKNOWN ? words[sent] : "");
}
