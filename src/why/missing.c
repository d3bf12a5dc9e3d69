/* bytes-missing: fewer octets stand before the next good record than were sent. That record shows
 * where this one ends; how long it was when it was sent, its header says, which may be what was
 * damaged. So it is proven only where more than the header speaks for it. Refuses to know which
 * octets are missing. */
#include "why/hole.h"
#include "why/record.h"
#include "why/tail.h"

/* The next good record, of which the framing starts anew. */
static void
tell_where(const struct bm_why *w, struct bm_finding *out)
{
	const struct bm_case *c = w->c;

	if (c->after_lacks_iv)
		bm_evidence(w, out,
			"the next record stands %llu bytes behind the start of this one, and the one behind it "
			"verifies at sequence number %llu; between them it lacks nothing but its IV, which "
			"never came",
			bm_ull(c->after_off - c->off), bm_ull(c->after_seq + 1));
	else if (c->after != BM_AFTER_NOTHING)
		bm_evidence(w, out,
			"the next good record stands %llu bytes behind the start of this one, and verifies at "
			"sequence number %llu",
			bm_ull(c->after_off - c->off), bm_ull(c->after_seq));
}

/* Records that were counted between the failed one's place and the next good one, the first of them
 * without a header where one is due. What is left of them ends where the good one begins. */
struct swallowed {
	uint32_t before;  /* octets of the failed record, which has a header; 0: it has none itself */
	uint64_t records; /* that lack one, or all */
	uint32_t rest;    /* octets that are left of those */
	uint64_t last;    /* number of the last of them */
};

static bool
is_swallowed(const struct bm_why *w, struct swallowed *s)
{
	const struct bm_case *c = w->c;
	uint64_t there = c->after_off - c->off;
	bool headless = c->result == BM_BAD_LENGTH &&
					!bm_record_plausible(bm_record_header(c->record), bm_load16(c->record + 1));

	/* All of what stands between was captured, or nothing can be said. */
	if (c->region != there || c->after_epoch != c->epoch || c->after_seq <= c->seq ||
		bm_protection_chained(c->protection))
		return false;
	*s = (struct swallowed){.last = c->after_seq - 1};
	if (!headless) {
		if (c->result == BM_BAD_LENGTH || there < c->len)
			return false;
		s->before = c->len;
	}
	s->rest = (uint32_t)there - s->before;
	s->records = c->after_seq - c->seq - (headless ? 0 : 1);
	return s->records != 0;
}

/* A header and perhaps more went, with the end of the record before it or the start of its own. */
static bool
header_gone(const struct bm_why *w, struct bm_finding *out)
{
	struct swallowed s;
	uint32_t length;

	if (!is_swallowed(w, &s))
		return false;
	uint32_t least = bm_least_record(w);
	if (s.rest < s.records * least) {
		bm_prove(out, "resynchronisation", bm_tag_len_of(w), w->c->after_tried);
		bm_alter_after(w, out);
		bm_evidence(w, out,
			"%llu record%s of at least %u bytes %s counted where %u bytes stand: a header is gone, "
			"and more",
			bm_ull(s.records), s.records == 1 ? "" : "s", least, s.records == 1 ? "was" : "were",
			s.rest);
	} else if (s.records == 1 && bm_tail_length(w, s.last, s.before, s.before + s.rest, &length) &&
			   length > s.rest) {
		bm_prove(out, "resynchronisation", bm_tag_len_of(w), w->c->after_tried);
		bm_alter_after(w, out);
		out->strength = BM_STRENGTH_SUPPORTED;
		bm_evidence(w, out,
			"no header stands where record %llu begins; by the look of its end, which decrypts as "
			"that of a record of %u bytes alone, %u bytes never came",
			bm_ull(s.last), length, length - s.rest);
	} else {
		return false;
	}
	tell_where(w, out);
	bm_note_hole_before(w, out, s.before);
	return true;
}

/* Octets that the sender made of all records from the failed one to the next good one, headers
 * included. Where the keystream goes on through records, its place tells. 0: nothing does. */
static uint64_t
sent_by_keystream(const struct bm_why *w)
{
	const struct bm_case *c = w->c;
	uint64_t from = c->position->rc4.position;

	if (bm_protection_keys(c->protection)->suite->cipher != BM_RC4 || !c->after_chain.known ||
		c->after_epoch != c->epoch || c->after_seq <= c->seq || c->after_chain.keystream < from)
		return 0;
	return c->after_chain.keystream - from + (c->after_seq - c->seq) * BM_HEADER;
}

/* Can a record of this suite have so many octets of body? */
static bool
can_be_whole(const struct bm_why *w, uint64_t there)
{
	const struct bm_case *c = w->c;
	struct bm_outcome o;
	struct bm_wire wire = {.type = c->record[0], .version = bm_load16(c->record + 1)};

	if (there < bm_least_record(w) || there > c->region)
		return there >= bm_least_record(w);
	wire.header = bm_view(c->record, BM_HEADER);
	wire.body = bm_view(c->record + BM_HEADER, (size_t)there - BM_HEADER);
	return bm_verify(c->protection, c->position, &wire, false, w->scratch, &o) != BM_OK ||
		   o.result != BM_BAD_LENGTH;
}

/* What besides the header says that octets are missing? */
static void
weigh(const struct bm_why *w, struct bm_finding *out, uint64_t there, double look, bool counted)
{
	const struct bm_case *c = w->c;

	if (counted) {
		bm_evidence(w, out,
			"by the keystream that the next good record was made with, %llu bytes were sent where "
			"%llu stand",
			bm_ull(sent_by_keystream(w)), bm_ull(there));
		return;
	}
	if (!can_be_whole(w, there)) {
		bm_evidence(w, out,
			"no record of this cipher suite has the %lld bytes of body that stand here",
			(long long)there - BM_HEADER);
		return;
	}
	if (look <= -40) {
		bm_evidence(w, out,
			"its end decrypts to content only as the end of a record as long as the header says: "
			"noise looks so once in 2^%.0f",
			-look);
		return;
	}
	out->strength = BM_STRENGTH_SUPPORTED;
	bm_evidence(w, out,
		"that %u bytes of body were sent, its header alone says: had its length been damaged, and "
		"more octets of the record than could be searched, it would look the same",
		c->len - BM_HEADER);
}

enum bm_answer
bm_ask_bytes_missing(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	double look = 0;

	enum bm_answer a = bm_of_stream(w, because);
	if (a != BM_SHOWN)
		return a;
	if (!c->framing_lost || c->after == BM_AFTER_NOTHING) {
		*because = c->after == BM_AFTER_NOTHING
					   ? "no later record verifies that would show where the stream goes on"
					   : "the next record stands where the header says";
		return BM_EXCLUDED;
	}
	uint64_t there = c->after_off - c->off;
	if (header_gone(w, out))
		return BM_SHOWN;
	if (c->after == BM_AFTER_SAME || there >= c->len || c->result == BM_BAD_LENGTH) {
		*because = "no fewer bytes stand before the next record than the header says";
		return BM_EXCLUDED;
	}
	uint64_t sent = sent_by_keystream(w);
	if (sent != 0 && sent <= there) {
		*because = bm_arena_print(w->arena,
			"by the keystream that the next good record was made with, no more bytes were sent "
			"than stand here (%llu): it is the header that announces too many",
			bm_ull(there));
		return BM_EXCLUDED;
	}
	bm_prove(out, "resynchronisation", bm_tag_len_of(w), c->after_tried);
	bm_alter_after(w, out);
	tell_where(w, out);
	bool restored = bm_note_hole(w, out, (uint32_t)(c->len - there), &look);
	if (c->after == BM_AFTER_NEXT) {
		bm_evidence(w, out,
			"the header announces %u bytes of body, %llu of which never came: the record after it "
			"was counted right",
			c->len - BM_HEADER, bm_ull(c->len - there));
	} else {
		bm_evidence(w, out,
			"the header announces %u bytes of body; %llu records went with those that are missing",
			c->len - BM_HEADER, bm_ull(c->after_seq - c->seq));
	}
	if (!restored)
		weigh(w, out, there, look, sent != 0);
	return BM_SHOWN;
}
