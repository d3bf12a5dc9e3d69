/* Where the stream and the receiver's view meet again after a failure: what the next good record
 * says of those between. Refuses to look for it. */
#include "session/internal.h"

#include <stdlib.h>

/* Two records before `at` changed places: the one that failed verifies right after the one at `at`.
 */
static bool
swapped(struct half *h, const struct bm_wire *w, struct bm_case *c)
{
	struct lost *l = h->lost;
	struct bm_position after;
	struct bm_outcome o;

	if (c == NULL || c->record == NULL || h->pos.seq != l->expected.seq || l->len == 0)
		return false;
	bm_position_after(h->keys, &h->pos, w, &after);
	struct bm_wire failed = {.type = c->record[0],
		.version = bm_load16(c->record + 1),
		.header = bm_view(c->record, BM_HEADER),
		.body = bm_view(c->record + BM_HEADER, c->len - BM_HEADER)};
	l->tried++;
	if (!check(h, h->keys, &after, &failed, false, &o))
		return false;
	c->found = true;
	c->found_seq = after.seq;
	c->found_chain = chain_at(h->keys, &after);
	c->came_late = true;
	/* The sender went on from the one that it sent last. */
	bm_position_after(h->keys, &after, &failed, &h->pos);
	return true;
}

/* Octets of the record at off by its header, 0 when that makes no sense. */
static uint32_t
announced_length(struct half *h, uint64_t off)
{
	uint8_t header[BM_HEADER];

	if (!bm_stream_read(h->stream, off, header, sizeof header))
		return 0;
	struct bm_record_header hdr = bm_record_header(header);
	return bm_record_plausible(hdr, record_version(h->s)) ? BM_HEADER + (uint32_t)hdr.length : 0;
}

/* From the position of framed record i to that of the next. Of its body nothing but the length
 * counts: chained IVs are read anew. */
static void
walk_on(struct half *h, unsigned i, uint64_t next, struct bm_position *walk)
{
	struct bm_wire w = {.body = bm_view(h->s->env->linear, h->lost->links[i].len - BM_HEADER)};

	bm_position_after(h->keys, walk, &w, walk);
	(void)chained_iv(h, h->keys, next, walk);
}

/* Is [off, off + n) a record that is good at pos but for its header? */
static bool
good_but_header(struct half *h, uint64_t off, size_t n, const struct bm_position *pos)
{
	uint8_t *bytes = malloc(n);
	bool good = false;

	if (bytes != NULL && bm_stream_read(h->stream, off, bytes, n)) {
		struct bm_wire w = {.version = (uint16_t)record_version(h->s),
			.header = bm_view(bytes, BM_HEADER),
			.body = bm_view(bytes + BM_HEADER, n - BM_HEADER)};
		bm_store16(bytes + 1, w.version);
		bm_store16(bytes + 3, (unsigned)w.body.n);
		for (w.type = BM_CCS; w.type <= BM_HEARTBEAT && !good; w.type++) {
			struct bm_outcome o;
			bytes[0] = w.type;
			h->lost->tried++;
			good = check(h, h->keys, pos, &w, false, &o);
		}
	}
	free(bytes);
	return good;
}

/* The framing led to where no header stands, and one record more was counted than is framed: are
 * the bytes up to `at` that one, with its header damaged? */
static bool
another_header(struct half *h, uint64_t at)
{
	struct lost *l = h->lost;

	if (l->tentative || l->over_gap || l->len == 0 || l->epoch != h->epoch || h->keys == NULL ||
		l->chain <= l->start || at <= l->chain + BM_HEADER ||
		at - l->chain > BM_HEADER + BM_BODY_MAX || l->chained + 1 >= CHAIN_MAX ||
		h->pos.seq != l->expected.seq + l->chained + 2)
		return false;
	struct bm_position walk = l->expected;
	for (unsigned i = 0; i <= l->chained; i++)
		walk_on(h, i, i < l->chained ? l->links[i + 1].off : l->chain, &walk);
	bool good = good_but_header(h, l->chain, (size_t)(at - l->chain), &walk);
	bm_wipe(&walk, sizeof walk);
	if (!good)
		return false;
	l->chained++;
	l->links[l->chained].off = l->chain;
	l->links[l->chained].len = (uint32_t)(at - l->chain);
	l->chain = at;
	return true;
}

/* Does the framed record i have the bytes of one that verified before? */
static void
compare_framed(struct half *h, unsigned i, struct bm_case *c)
{
	uint64_t off = h->lost->links[i].off;
	size_t n = h->lost->links[i].len;
	uint8_t *bytes = malloc(n);

	if (bytes != NULL && bm_stream_read(h->stream, off, bytes, n)) {
		struct bm_wire w = {.type = bytes[0], .body = bm_view(bytes + BM_HEADER, n - BM_HEADER)};
		note_twin(h, c, find_twin(h, &w));
	}
	free(bytes);
}

/* CBC with chained IVs, and of the record that failed the end never came: the one behind it lacks
 * its IV, and does not verify either. Where does it begin? 0: no header leads from there to `at`.
 */
static uint64_t
record_without_iv(struct half *h, uint64_t at)
{
	const struct lost *l = h->lost;
	uint64_t found = 0;

	if (l->over_gap || l->tentative || l->len == 0 || l->chained != 0 || l->epoch != h->epoch ||
		h->pos.seq != l->expected.seq + 2 || at - l->start > KEEP_BEHIND)
		return 0;
	for (uint64_t off = l->start + BM_HEADER; off + BM_HEADER < at; off++) {
		uint8_t header[BM_HEADER];
		if (!bm_stream_read(h->stream, off, header, sizeof header))
			return 0;
		struct bm_record_header hdr = bm_record_header(header);
		if (off + BM_HEADER + hdr.length != at || !bm_record_plausible(hdr, record_version(h->s)))
			continue;
		if (found != 0)
			return 0;
		found = off;
	}
	return found;
}

void
meet(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct bm_session *s = h->s;
	struct lost *l = h->lost;
	if (l->case_index >= s->case_count)
		tell_behind_gap(h, w, at);
	struct bm_case *c = l->case_index < s->case_count ? &s->cases[l->case_index] : NULL;
	uint32_t n = (uint32_t)(BM_HEADER + w->body.n);

	uint32_t announced = 0;
	if (l->tentative) {
		struct bm_position pos = h->pos;
		h->pos = l->expected;
		judged_in(h, l->epoch, BM_JUDGED_FAILED, l->start, announced_length(h, l->start),
			l->expected.seq);
		c = new_case(h, BM_CASE_BAD_RECORD, l->start, 0);
		h->pos = pos;
		if (c != NULL) {
			c->result = BM_BAD_LENGTH;
			c->epoch = l->epoch;
			c->protection = l->keys;
			announced = announced_length(h, l->start);
		}
	}
	/* Whole records that stand between the failed one and this one failed on their own, if the
	 * framing leads here; the one behind a failed record may only lack its IV. */
	bool headless = another_header(h, at);
	bool framed = l->chained != 0 && l->chain == at;
	bool iv_lost = h->keys != NULL && bm_protection_chained(h->keys) &&
				   bm_protection_keys(h->keys)->suite->mode == BM_MODE_CBC &&
				   !bm_protection_keys(h->keys)->encrypt_then_mac;
	uint64_t without_iv = iv_lost && !framed && !headless ? record_without_iv(h, at) : 0;
	/* One record that took the place of another of its number, and not of its length: those behind
	 * it were tried with keystream that was not theirs. */
	bool shifted = !headless && h->keys != NULL &&
				   bm_protection_keys(h->keys)->suite->cipher == BM_RC4 &&
				   memcmp(&h->pos.rc4, &l->counted.rc4, sizeof h->pos.rc4) != 0;
	bool other_epoch = l->epoch != h->epoch;
	if (l->over_gap && c == NULL && !other_epoch && h->keys != NULL)
		h->unnamed = h->pos.seq == l->expected.seq && !bm_protection_chained(h->keys)
						 ? records_in(l->missing)
						 : 0;
	uint64_t counted = l->expected.seq + 1 + (framed ? l->chained : 0);
	struct bm_position walk = l->expected;
	for (unsigned i = 1; framed && i <= l->chained; i++) {
		if (h->keys != NULL)
			walk_on(h, i - 1, l->links[i].off, &walk);
		uint64_t off = l->links[i].off, len = l->links[i].len;
		if (iv_lost && i == 1) {
			s->facts.iv_in_doubt++;
			judged_in(h, l->epoch, BM_JUDGED_UNDECIDED, off, len, BM_NO_SEQ);
			continue;
		}
		/* Where fewer were counted than stand there, some were never this sender's: one fault. What
		 * follows a gap, and was not counted right, may lack what fell into it. */
		bool in_step = h->pos.seq == counted && !other_epoch;
		if ((l->over_gap && !in_step) || (in_step && shifted)) {
			judged_in(h, l->epoch, BM_JUDGED_UNDECIDED, off, len, BM_NO_SEQ);
			continue;
		}
		judged_in(h, l->epoch, BM_JUDGED_FAILED, off, len, in_step ? walk.seq : BM_NO_SEQ);
		if (!in_step)
			continue;
		struct bm_position pos = h->pos;
		h->pos = walk;
		struct bm_case *more = new_case(h, BM_CASE_BAD_RECORD, l->links[i].off, l->links[i].len);
		if (more != NULL) {
			more->result = BM_BAD_TAG;
			compare_framed(h, i, more);
			more->after = BM_AFTER_NEXT;
			more->after_epoch = h->epoch;
			more->after_seq = pos.seq;
			more->after_chain = chain_at(h->keys, &pos);
			more->after_off = at;
			if (headless && i == l->chained) {
				more->result = BM_BAD_LENGTH;
				more->framing_lost = true;
			}
		}
		h->pos = pos;
		c = l->case_index < s->case_count ? &s->cases[l->case_index] : NULL;
	}
	bm_wipe(&walk, sizeof walk);
	if (c != NULL) {
		c->after = other_epoch || h->pos.seq == counted ? BM_AFTER_NEXT
				   : h->pos.seq == l->expected.seq      ? BM_AFTER_SAME
														: BM_AFTER_OTHER;
		c->after_epoch = h->epoch;
		c->after_seq = h->pos.seq;
		c->after_chain = chain_at(h->keys, &h->pos);
		c->after_off = at;
		c->after_tried = l->tried;
		/* Of it there was all; what fell into the gap is another one, or more. */
		c->before_gap = l->missing != 0 && l->len != 0;
		if (c->before_gap)
			judged_in(h, l->epoch, BM_JUDGED_UNDECIDED, l->start + l->len, 0, BM_NO_SEQ);
		c->framing_lost = l->len == 0 || (!framed && at != l->start + l->len + l->passed);
		if (without_iv != 0) {
			s->facts.iv_in_doubt++;
			judged(h, BM_JUDGED_UNDECIDED, without_iv, at - without_iv, BM_NO_SEQ);
			c->after = BM_AFTER_NEXT;
			c->after_lacks_iv = true;
			c->after_seq = l->expected.seq + 1;
			c->after_off = without_iv;
			c->framing_lost = without_iv != l->start + l->len;
		}
		uint64_t kept = c->after_off - l->start;
		if (kept <= KEEP_BEHIND && bm_stream_base(h->stream) <= l->start && kept != c->region)
			case_keep_bytes(h, c, l->start, (uint32_t)kept);
		if (c->len == 0)
			c->len = (uint32_t)(at - l->start);
		c->between = framed ? l->chained : 0;
		if (announced != 0) {
			/* The header makes sense; what it announces reaches past the end of the stream. */
			c->len = announced;
			c->result = BM_BAD_TAG;
		}
		if (c->after == BM_AFTER_SAME && !other_epoch && c->protection == h->keys) {
			note_good(h, c, w, at);
			/* The beginning of it alone was put in front of it rather. */
			c->alike = bm_case_octets(c) == n ? octets_alike(c, w) : 0;
		}
	}
	struct bm_position pos = h->pos;
	if (swapped(h, w, c)) {
		/* This one has been judged here and now. */
		struct bm_position next = h->pos;
		struct bm_outcome o;
		h->pos = pos;
		h->records++;
		if (check(h, h->keys, &h->pos, w, false, &o))
			accept_record(h, w, &o, at, packet_at(h, at + n - 1));
		h->pos = next;
		h->off = at + n;
	} else {
		h->off = at;
	}
	/* A handshake message that was begun before cannot be completed (RFC 8446, section 5.1), unless
	 * what stood in the way was none of the sender's. */
	if (c == NULL || c->after != BM_AFTER_SAME)
		bm_assembler_clear(&h->messages);
	drop_lost(h);
	let_go(h, h->off);
}
