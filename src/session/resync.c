/* After a failure or a gap: finds where the stream and the receiver's view meet again, by
 * looking for a record that verifies. Refuses to say what went wrong in between. */
#include "session/internal.h"

#include <stdlib.h>

static struct lost *
new_lost(struct half *h, uint64_t start)
{
	struct lost *l = calloc(1, sizeof *l);

	if (l == NULL) {
		session_fail(h->s, BM_NOMEM);
		h->over = true;
		return NULL;
	}
	h->lost = l;
	l->start = start;
	l->share = bm_search_share(h->s->env);
	l->epoch = h->epoch;
	l->keys = h->keys;
	l->case_index = SIZE_MAX;
	l->expected = l->counted = h->pos;
	return l;
}

void
drop_lost(struct half *h)
{
	bm_wipe(h->lost, sizeof *h->lost);
	free(h->lost);
	h->lost = NULL;
}

/* Where the record after [start, start + len) begins if everything between was one record. */
void
lose(struct half *h, uint64_t start, uint32_t len, size_t case_index)
{
	struct lost *l = new_lost(h, start);

	if (l == NULL)
		return;
	l->len = len;
	l->case_index = case_index;
	l->scan = start + 1;
	if (len == 0)
		return;
	l->chain = start + len;
	l->links[0].off = start;
	l->links[0].len = len;
	uint8_t header[BM_HEADER];
	if (h->keys == NULL || !bm_stream_read(h->stream, start, header, sizeof header))
		return;
	struct bm_wire w = wire_at(h, start, bm_record_header(header), header);
	bm_position_after(h->keys, &l->counted, &w, &l->counted);
}

/* The end of the record at start, if its header was captured and [.., gap_end) lies within it; else
 * 0. */
static uint64_t
end_over_gap(struct half *h, uint64_t start, uint64_t gap_end, struct bm_record_header *hdr,
	uint8_t header[BM_HEADER])
{
	if (!bm_stream_read(h->stream, start, header, BM_HEADER))
		return 0;
	*hdr = bm_record_header(header);
	uint64_t end = start + BM_HEADER + hdr->length;
	return bm_record_plausible(*hdr, h->protected ? record_version(h->s) : 0) && end >= gap_end
			   ? end
			   : 0;
}

void
lose_in_gap(struct half *h, uint64_t start, uint64_t gap_end)
{
	uint8_t header[BM_HEADER];
	struct bm_record_header hdr;
	uint64_t end = end_over_gap(h, start, gap_end, &hdr, header);

	if (end != 0 && h->keys == NULL) {
		/* Nothing to be verified anyway: the framing goes on behind it. */
		bm_assembler_clear(&h->messages);
		h->off = end;
		h->behind_gap = true;
		let_go(h, end);
		return;
	}
	struct lost *l = new_lost(h, start);
	if (l == NULL)
		return;
	l->over_gap = true;
	h->behind_gap = true;
	l->scan = l->resume = gap_end;
	l->missing = gap_end - start;
	if (end == 0)
		return;
	l->len = (uint32_t)(end - start);
	l->chain = end;
	l->links[0].off = start;
	l->links[0].len = l->len;
	/* Of its body nothing but the length counts here: chained IVs are read anew. */
	struct bm_wire w = {.type = hdr.type,
		.version = hdr.version,
		.header = bm_view(header, sizeof header),
		.body = bm_view(h->s->env->linear, hdr.length)};
	bm_position_after(h->keys, &l->counted, &w, &l->counted);
}

void
lose_at_end(struct half *h, uint64_t start)
{
	struct lost *l = new_lost(h, start);

	if (l == NULL)
		return;
	l->tentative = true;
	l->scan = start + 1;
}

/* A record that is the last one, and fails: does it stand further on in the keystream, because one
 * before it was left out? */
static void
last_of_keystream(struct half *h, struct bm_case *c)
{
	struct lost *l = h->lost;

	if (l->len == 0 || c->record == NULL || h->keys == NULL ||
		bm_protection_keys(h->keys)->suite->cipher != BM_RC4)
		return;
	uint8_t header[BM_HEADER];
	memcpy(header, c->record, BM_HEADER);
	struct bm_wire w = {.type = header[0],
		.version = bm_load16(header + 1),
		.header = bm_view(header, BM_HEADER),
		.body = bm_view(c->record + BM_HEADER, c->len - BM_HEADER)};
	if (!attempt_keystream(h, &w, false) || h->pos.seq == l->expected.seq)
		return;
	c->found = true;
	c->found_seq = h->pos.seq;
	c->found_chain = chain_at(h->keys, &h->pos);
	c->tried += l->tried;
	/* What it says counts: it may be the alert that ends the connection. */
	struct bm_outcome o;
	if (check(h, h->keys, &h->pos, &w, false, &o))
		accept_failed(
			h, &w, &o, l->start, c->packet_count != 0 ? c->packets[c->packet_count - 1] : 0);
}

enum step { FOUND, WAIT, NOTHING };

/* The complete record at `at`, if a plausible one stands there. */
static enum step
record_at(struct half *h, uint64_t at, bool final, uint8_t header[BM_HEADER], struct bm_wire *w)
{
	size_t avail = bm_stream_avail(h->stream, at);
	bool cut =
		final || bm_stream_gap(h->stream, at + avail) != 0 || bm_stream_ended(h->stream, NULL);

	if (avail < BM_HEADER)
		return cut ? NOTHING : WAIT;
	if (!bm_stream_read(h->stream, at, header, BM_HEADER))
		return NOTHING;
	struct bm_record_header hdr = bm_record_header(header);
	if (!bm_record_plausible(hdr, record_version(h->s)))
		return NOTHING;
	if (avail - BM_HEADER < hdr.length)
		return cut ? NOTHING : WAIT;
	*w = wire_at(h, at, hdr, header);
	return w->body.p != NULL || hdr.length == 0 ? FOUND : NOTHING;
}

/* The record at `at` verifies at a number that another one had used before: two writers. It tells
 * nothing of where the receiver stands, and the search goes on behind it. */
static bool
second_writers(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct lost *l = h->lost;

	if (h->keys == NULL || l->epoch != h->epoch || h->pos.seq >= l->expected.seq)
		return false;
	const struct past *first = verified_at(h, h->epoch, h->pos.seq);
	if (first == NULL || first->fingerprint == fingerprint(w))
		return false;
	uint64_t found = h->pos.seq;
	struct bm_chain chain = chain_at(h->keys, &h->pos);
	h->pos = l->expected;
	if (h->reuse_told) {
		judged(h, BM_JUDGED_VERIFIED, at, BM_HEADER + w->body.n, found);
	} else {
		judged(h, BM_JUDGED_FAILED, at, BM_HEADER + w->body.n, h->pos.seq);
		struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, at, (uint32_t)(BM_HEADER + w->body.n));
		if (c != NULL) {
			c->result = BM_BAD_TAG;
			c->tried = l->tried;
			c->found = true;
			c->found_seq = found;
			c->found_chain = chain;
			note_twin(h, c, NULL);
			note_first(h, c, first, w);
		}
		h->reuse_told = true;
	}
	h->records++;
	return true;
}

/* The record at `at` verifies where the one that failed was expected, and others stand between:
 * were those counted? The one behind it tells. If so it is no place to go on from: the sender
 * repeats itself, or there are two. FOUND: it was told of. */
static enum step
came_again(struct half *h, struct bm_wire *w, uint64_t at, bool final, uint8_t header[BM_HEADER])
{
	struct lost *l = h->lost;
	struct bm_session *s = h->s;
	uint32_t n = (uint32_t)(BM_HEADER + w->body.n);
	uint8_t next_header[BM_HEADER];
	struct bm_wire next;
	struct bm_outcome o;

	if (h->keys == NULL || l->chained == 0 || l->over_gap || l->epoch != h->epoch ||
		h->pos.seq != l->expected.seq || l->case_index >= s->case_count)
		return NOTHING;
	enum step st = record_at(h, at + n, final, next_header, &next);
	bool counted = st == FOUND && check(h, h->keys, &l->counted, &next, false, &o);
	/* They may have been put together in the same place. */
	*w = wire_at(h, at, bm_record_header(header), header);
	if (st == WAIT || !counted)
		return st == WAIT ? WAIT : NOTHING;
	struct bm_chain chain = chain_at(h->keys, &h->pos);
	h->pos = l->counted;
	judged(h, BM_JUDGED_FAILED, at, n, h->pos.seq);
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, at, n);
	struct bm_case *first = &s->cases[l->case_index];
	note_good(h, first, w, at);
	if (c != NULL) {
		c->result = BM_BAD_TAG;
		c->compared = h->past_count;
		c->found_chain = chain;
		note_second(c, first);
		if (!c->identical)
			note_first(h, c, NULL, w);
		h->reuse_told = h->reuse_told || !c->identical;
	}
	h->pos = l->expected;
	h->records++;
	return FOUND;
}

/* Follows the framing from the failed record on. */
static enum step
follow_chain(struct half *h, bool final)
{
	struct lost *l = h->lost;
	uint8_t header[BM_HEADER];
	struct bm_wire w;

	while (l->chain != 0) {
		enum step st = record_at(h, l->chain, final, header, &w);
		if (st == WAIT)
			return WAIT;
		if (st == NOTHING)
			return NOTHING; /* what stands in the chain so far stays known */
		uint64_t at = l->chain;
		/* TLS 1.3: what an alert in the clear says can be read even here. */
		if (is_tls13(h->s) && w.type == BM_ALERT && w.body.n == 2) {
			judged(h, BM_JUDGED_PLAINTEXT, at, BM_HEADER + w.body.n, BM_NO_SEQ);
			note_alert(h, w.body, packet_at(h, at), false);
			l->chain = at + BM_HEADER + w.body.n;
			continue;
		}
		if (attempt_all(h, &w, at)) {
			if (second_writers(h, &w, at)) {
				l->passed = l->chained == 0 && at == l->start + l->len + l->passed
								? l->passed + BM_HEADER + (uint32_t)w.body.n
								: l->passed;
				l->chain = at + BM_HEADER + w.body.n;
				continue;
			}
			enum step again = came_again(h, &w, at, final, header);
			if (again == WAIT)
				return WAIT;
			if (again == FOUND) {
				l->chain = at + BM_HEADER + w.body.n;
				continue;
			}
			meet(h, &w, at);
			return FOUND;
		}
		if (h->s->status != BM_OK)
			return NOTHING;
		if (l->chained + 1 >= CHAIN_MAX || exhausted(h))
			return NOTHING;
		l->chained++;
		l->links[l->chained].off = at;
		l->links[l->chained].len = (uint32_t)(BM_HEADER + w.body.n);
		if (h->keys != NULL)
			bm_position_after(h->keys, &l->counted, &w, &l->counted);
		l->chain = at + BM_HEADER + w.body.n;
	}
	return NOTHING;
}

/* Without keys only the framing itself can tell: a plausible header that leads to another one, or
 * to the exact end of what there is. */
bool
framing_holds(struct half *h, uint64_t at, const struct bm_wire *w, bool final)
{
	uint64_t next = at + BM_HEADER + w->body.n;
	uint8_t header[BM_HEADER];
	size_t avail = bm_stream_avail(h->stream, next);

	if (avail >= BM_HEADER && bm_stream_read(h->stream, next, header, sizeof header))
		return bm_record_plausible(bm_record_header(header), w->version);
	return avail == 0 && (final || bm_stream_ended(h->stream, NULL));
}

/* Octets that the failed record lacks before `at`. */
static uint64_t
rest_behind(const struct half *h, uint64_t at)
{
	return h->lost->start + h->lost->len - at;
}

/* Does the good record at `at` stand within the one that failed? */
static bool
stands_inside(const struct half *h, const struct bm_wire *w, uint64_t at)
{
	const struct lost *l = h->lost;

	return h->keys != NULL && !l->over_gap && !l->tentative && w->body.p != NULL &&
		   at >= l->start + BM_HEADER && at < l->start + l->len && l->epoch == h->epoch;
}

static bool
cut_short(struct half *h, uint64_t at, bool final)
{
	return final || bm_stream_gap(h->stream, at + bm_stream_avail(h->stream, at)) != 0 ||
		   bm_stream_ended(h->stream, NULL);
}

/* One record was written into the midst of another: without it the outer one is good. Goes on
 * behind both. */
static bool
around(struct half *h, const struct bm_wire *w, uint64_t at)
{
	struct bm_session *s = h->s;
	struct lost *l = h->lost;
	uint32_t inner = (uint32_t)(BM_HEADER + w->body.n);
	size_t before = (size_t)(at - l->start), rest = (size_t)rest_behind(h, at);
	struct bm_position outer = l->expected, own = h->pos;
	struct bm_outcome o;
	bool good = false;

	/* Whichever was made first. */
	if (own.seq == l->expected.seq)
		outer.seq++;
	uint8_t *bytes = malloc(l->len);
	if (bytes == NULL)
		return false;
	if (bm_stream_read(h->stream, l->start, bytes, before) &&
		bm_stream_read(h->stream, at + inner, bytes + before, rest)) {
		struct bm_record_header hdr = bm_record_header(bytes);
		struct bm_wire a = {.type = hdr.type,
			.version = hdr.version,
			.header = bm_view(bytes, BM_HEADER),
			.body = bm_view(bytes + BM_HEADER, l->len - BM_HEADER)};
		good = check(h, h->keys, &outer, &a, false, &o);
		if (good)
			bm_position_after(h->keys, &outer, &a, &outer);
	}
	free(bytes);
	if (!good)
		return false;
	struct bm_case *c = l->case_index < s->case_count ? &s->cases[l->case_index] : NULL;
	if (c != NULL) {
		c->after = BM_AFTER_OTHER;
		c->after_epoch = h->epoch;
		c->after_seq = l->expected.seq + 2;
		c->after_off = l->start + l->len + inner;
		c->after_tried = l->tried;
		c->framing_lost = true;
		case_keep_bytes(h, c, l->start, l->len + inner);
	}
	h->records++;
	h->off = l->start + l->len + inner;
	if (check(h, h->keys, &h->pos, w, false, &o))
		accept_record(h, w, &o, at, packet_at(h, at + inner - 1));
	if (outer.seq > own.seq + 1)
		h->pos = outer;
	drop_lost(h);
	let_go(h, h->off);
	return true;
}

static enum step
scan(struct half *h, bool final)
{
	struct lost *l = h->lost;
	uint8_t header[BM_HEADER], chunk[512];
	struct bm_wire w;

	for (;;) {
		size_t avail = bm_stream_avail(h->stream, l->scan);
		uint64_t gap = bm_stream_gap(h->stream, l->scan + avail);
		if (avail < BM_HEADER) {
			if (gap == 0)
				return WAIT;
			l->over_gap = h->behind_gap = true;
			l->missing += gap;
			l->scan += avail + gap;
			l->resume = l->scan;
			l->chain = 0;
			continue;
		}
		size_t n = avail < sizeof chunk ? avail : sizeof chunk;
		if (!bm_stream_read(h->stream, l->scan, chunk, n))
			return NOTHING;
		for (size_t i = 0; i + BM_HEADER <= n; i++) {
			uint64_t at = l->scan + i;
			if (chunk[i] < BM_CCS || chunk[i] > BM_HEARTBEAT || chunk[i + 1] != 3 ||
				!bm_record_plausible(bm_record_header(chunk + i), record_version(h->s)))
				continue;
			enum step st = record_at(h, at, final, header, &w);
			if (st == WAIT) {
				l->scan = at;
				return WAIT;
			}
			if (st == NOTHING)
				continue;
			bool good = attempt_all(h, &w, at);
			if (good && second_writers(h, &w, at)) {
				l->scan = at + BM_HEADER + w.body.n;
				n = 0;
				break;
			}
			bool ok = good || (h->keys == NULL && framing_holds(h, at, &w, final));
			if (ok && stands_inside(h, &w, at)) {
				/* What is behind it may be the rest of the record that failed. */
				if (!cut_short(h, at, final) &&
					bm_stream_avail(h->stream, at) < BM_HEADER + w.body.n + rest_behind(h, at)) {
					l->scan = at;
					return WAIT;
				}
				if (around(h, &w, at))
					return FOUND;
			}
			if (ok) {
				meet(h, &w, at);
				return FOUND;
			}
			if (h->s->status != BM_OK || exhausted(h))
				return NOTHING;
		}
		if (n != 0)
			l->scan += n - (BM_HEADER - 1);
		/* What stands right behind a gap may be told of yet. */
		if (l->scan > (l->resume != 0 ? l->resume : l->start) + KEEP_BEHIND)
			let_go(h, l->scan - 64);
	}
}

/* The records framed behind the failed one stay undecided. */
static void
leave_chain(struct half *h)
{
	const struct lost *l = h->lost;

	for (unsigned i = 1; i <= l->chained; i++)
		judged_in(h, l->epoch, BM_JUDGED_UNDECIDED, l->links[i].off, l->links[i].len, BM_NO_SEQ);
}

/* Nothing verifies any more: count what can be framed, without more attempts. */
static void
give_up(struct half *h)
{
	struct lost *l = h->lost;

	leave_chain(h);
	h->off = l->chained != 0 || l->len != 0 ? l->chain : l->scan;
	h->gave_up = true;
	drop_lost(h);
	let_go(h, h->off);
}

/* The last record is whole and good but for the length in its header. */
static bool
ends_early(struct half *h)
{
	struct lost *l = h->lost;
	size_t n = bm_stream_avail(h->stream, l->start);
	uint8_t header[BM_HEADER];
	struct bm_outcome o;

	if (h->keys == NULL || n <= BM_HEADER || n > BM_HEADER + BM_BODY_MAX ||
		!bm_stream_read(h->stream, l->start, header, sizeof header))
		return false;
	struct bm_record_header hdr = bm_record_header(header);
	uint32_t announced = BM_HEADER + (uint32_t)hdr.length;
	hdr.length = (uint16_t)(n - BM_HEADER);
	struct bm_wire w = wire_at(h, l->start, hdr, header);
	bm_store16(header + 3, hdr.length);
	if (w.body.p == NULL || !check(h, h->keys, &l->expected, &w, false, &o))
		return false;
	h->pos = l->expected;
	judged(h, BM_JUDGED_FAILED, l->start, announced, h->pos.seq);
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, l->start, 0);
	if (c != NULL) {
		case_keep_bytes(h, c, l->start, (uint32_t)n);
		c->len = announced;
		c->result = BM_BAD_TAG;
	}
	return true;
}

bool
resync(struct half *h, bool final)
{
	struct lost *l = h->lost;

	if (l->chain != 0) {
		enum step st = follow_chain(h, final);
		if (st == FOUND)
			return true;
		if (st == WAIT)
			return false;
		if (h->s->status != BM_OK)
			return false;
		if (l->chained + 1 >= CHAIN_MAX || exhausted(h)) {
			give_up(h);
			return true;
		}
	}
	if (scan(h, final) == FOUND)
		return true;
	if (h->s->status != BM_OK)
		return false;
	if (exhausted(h)) {
		give_up(h);
		return true;
	}
	if (!final)
		return false;
	/* The end, and nothing verified. */
	if (l->chain != 0)
		leave_chain(h);
	struct bm_case *c = l->case_index < h->s->case_count ? &h->s->cases[l->case_index] : NULL;
	if (c != NULL) {
		c->after = BM_AFTER_NOTHING;
		c->after_tried = l->tried;
		uint64_t end = l->scan + bm_stream_avail(h->stream, l->scan);
		if (end > l->start + c->region && bm_stream_base(h->stream) <= l->start &&
			end - l->start <= KEEP_BEHIND)
			case_keep_bytes(h, c, l->start, (uint32_t)(end - l->start));
		if (l->chained == 0)
			last_of_keystream(h, c);
	}
	/* The sender ended the stream within a record: it can be neither good nor bad, unless it ends
	 * where its header should have said. */
	if (l->tentative && ends_early(h))
		;
	else if (l->tentative && bm_stream_ended(h->stream, NULL) && !bm_stream_reset(h->stream))
		judged(h, BM_JUDGED_UNDECIDED, l->start, 0, BM_NO_SEQ);
	h->over = true;
	drop_lost(h);
	return false;
}
