/* Would the checksum of the packets that carry a record fit, if the record had arrived as it was
 * sent? Ones'-complement sums are linear (RFC 1071, section 2): the difference of the bytes tells.
 */
#include "verdict/verdict.h"

/* Would the segment that fragment i belongs to fit? Judged once, at its first fragment. */
static bool
fits(const struct bm_case *c, const struct bm_finding *f, size_t i)
{
	int64_t sum = c->fragments[i].sum;

	for (size_t k = 0; k < i; k++)
		if (c->fragments[k].segment == c->fragments[i].segment)
			return true;
	for (size_t k = i; k < c->fragment_count; k++) {
		const struct bm_fragment *g = &c->fragments[k];
		if (g->segment != c->fragments[i].segment)
			continue;
		for (size_t n = 0; n < f->change_count; n++) {
			const struct bm_change *ch = &f->changes[n];
			for (size_t b = 0; b < ch->received.n; b++) {
				uint64_t at = (uint64_t)ch->record_off + b;
				if (at < g->record_off || at - g->record_off >= g->len)
					continue;
				int64_t difference = (int64_t)ch->sent.p[b] - ch->received.p[b];
				/* Transport headers are a multiple of four octets: an even offset is a high octet.
				 */
				bool high = ((g->segment_off + (at - g->record_off)) & 1) == 0;
				sum += high ? difference * 256 : difference;
			}
		}
	}
	return sum % 65535 == 0;
}

/* Is anything of the segment that fragment i belongs to to be put back? */
static bool
is_damaged(const struct bm_case *c, const struct bm_finding *f, size_t i)
{
	for (size_t k = 0; k < c->fragment_count; k++) {
		const struct bm_fragment *g = &c->fragments[k];
		for (size_t n = 0; g->segment == c->fragments[i].segment && n < f->change_count; n++)
			if (f->changes[n].record_off < g->record_off + g->len &&
				g->record_off < f->changes[n].record_off + f->changes[n].received.n)
				return true;
	}
	return false;
}

const char *
bm_verdict_checksum_as_sent(const struct bm_case *c, const struct bm_finding *f)
{
	bool all = true, judged = false;

	if (f->change_count == 0 || c->fragment_count == 0)
		return NULL;
	for (size_t n = 0; n < f->change_count; n++)
		if (f->changes[n].received.n != f->changes[n].sent.n || f->changes[n].sent.n == 0)
			return NULL;
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *g = &c->fragments[i];
		if (g->record_off >= c->len)
			continue;
		if (g->sum == 0 ||
			(g->checksum != BM_CHECKSUM_VALID && g->checksum != BM_CHECKSUM_INVALID)) {
			/* Whole as it came: it says nothing of the others. */
			if (!is_damaged(c, f, i))
				continue;
			return NULL;
		}
		judged = true;
		all = all && fits(c, f, i);
	}
	return !judged ? NULL : all ? "valid" : "invalid";
}
