/* A record that does not verify where the receiver expected it: is it a known record out of
 * its place? Keeps what the search for the cause will need. Refuses to name a cause. */
#include "session/internal.h"

#include <stdlib.h>

enum { RECORD_KEEP = 1 << 16, HMAC_WINDOW = 1 << 10, AEAD_WINDOW = 1 << 16 };

static void
forget_bytes(struct bm_case *c)
{
	free(c->packets);
	free(c->record);
	free(c->fragments);
	c->packets = NULL;
	c->record = NULL;
	c->fragments = NULL;
	c->packet_count = c->fragment_count = 0;
	c->region = 0;
}

void
case_clear(struct bm_case *c)
{
	forget_bytes(c);
	for (size_t i = 0; i < c->copy_count; i++)
		free((void *)(uintptr_t)c->copies[i].bytes.p);
	free(c->copies);
	free(c->sent_header);
	if (c->position != NULL)
		bm_wipe(c->position, sizeof *c->position);
	free(c->position);
	if (c->scope != NULL)
		case_clear(c->scope);
	free(c->scope);
}

void
case_add_copy(struct bm_case *c, const struct bm_span *copy)
{
	if (c->record == NULL || c->copy_count >= COPIES_MAX)
		return;
	uint64_t from = copy->off > c->off ? copy->off : c->off;
	uint64_t to =
		copy->off + copy->data.n < c->off + c->len ? copy->off + copy->data.n : c->off + c->len;
	if (from >= to)
		return;
	const uint8_t *p = copy->data.p + (from - copy->off);
	size_t n = (size_t)(to - from);
	uint32_t at = (uint32_t)(from - c->off);
	if (memcmp(p, c->record + at, n) == 0)
		return;
	for (size_t i = 0; i < c->copy_count; i++)
		if (c->copies[i].record_off == at && bm_view_equal(c->copies[i].bytes, bm_view(p, n)))
			return;
	if (c->copies == NULL)
		c->copies = calloc(COPIES_MAX, sizeof *c->copies);
	uint8_t *bytes = malloc(n);
	if (c->copies == NULL || bytes == NULL) {
		free(bytes);
		return;
	}
	memcpy(bytes, p, n);
	c->copies[c->copy_count++] =
		(struct bm_other_copy){at, copy->packet, copy->checksum, bm_view(bytes, n)};
}

static void
keep_spans(struct half *h, struct bm_case *c, struct bm_span *spans, size_t n)
{
	c->fragments = calloc(n, sizeof *c->fragments);
	c->packets = calloc(n, sizeof *c->packets);
	if (c->fragments == NULL || c->packets == NULL) {
		session_fail(h->s, BM_NOMEM);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		c->fragments[c->fragment_count++] = (struct bm_fragment){(uint32_t)(spans[i].off - c->off),
			(uint32_t)spans[i].data.n, spans[i].packet, spans[i].packet_off, spans[i].checksum,
			spans[i].segment, spans[i].segment_off, spans[i].sum};
		if (spans[i].off - c->off >= c->len)
			continue; /* behind the record */
		if (c->packet_count == 0 || c->packets[c->packet_count - 1] != spans[i].packet)
			c->packets[c->packet_count++] = spans[i].packet;
	}
}

void
case_keep_bytes(struct half *h, struct bm_case *c, uint64_t off, uint32_t region)
{
	if (h->stream == NULL || region < c->len)
		return;
	c->off = off;
	if (c->len == 0)
		c->len = region;
	size_t n = bm_stream_spans(h->stream, off, region, NULL, 0);
	if (n == 0)
		return;
	forget_bytes(c);
	struct bm_span *spans = calloc(n, sizeof *spans);
	if (region <= RECORD_KEEP)
		c->record = malloc(region);
	if (spans == NULL || (region <= RECORD_KEEP && c->record == NULL)) {
		free(spans);
		session_fail(h->s, BM_NOMEM);
		return;
	}
	if (c->record != NULL && !bm_stream_read(h->stream, off, c->record, region)) {
		free(c->record);
		c->record = NULL;
	}
	if (c->record != NULL)
		c->region = region;
	session_holds(h->s, region + n * (sizeof *c->fragments + sizeof *c->packets));
	n = bm_stream_spans(h->stream, off, region, spans, n);
	keep_spans(h, c, spans, n);
	free(spans);
	struct bm_span copies[COPIES_MAX];
	n = bm_stream_copies(h->stream, off, c->len, copies, COPIES_MAX);
	for (size_t i = 0; i < n && i < COPIES_MAX; i++)
		case_add_copy(c, &copies[i]);
}

struct bm_case *
new_case(struct half *h, enum bm_case_kind kind, uint64_t off, uint32_t len)
{
	struct bm_session *s = h->s;
	void *items = s->cases;
	enum bm_status st =
		bm_grow(&items, &s->case_cap, s->case_count + 1, CASES_MAX, sizeof *s->cases);

	s->cases = items;
	s->env->cases++;
	if (st != BM_OK) {
		if (st == BM_NOMEM)
			session_fail(s, st);
		return NULL;
	}
	struct bm_case *c = &s->cases[s->case_count++];
	session_holds(s, sizeof *c + sizeof *c->position);
	memset(c, 0, sizeof *c);
	c->kind = kind;
	c->direction = h->side;
	c->epoch = h->epoch;
	c->seq = h->protected ? h->pos.seq : BM_NO_SEQ;
	c->off = off;
	c->len = len;
	c->protection = h->keys;
	c->at_start = off < h->start_until;
	c->alert = 255;
	c->word = c->lost_at = BM_NO_SEQ;
	c->position = malloc(sizeof *c->position);
	if (c->position == NULL) {
		session_fail(s, BM_NOMEM);
		return c;
	}
	*c->position = h->pos;
	if (len != 0)
		case_keep_bytes(h, c, off, len);
	return c;
}

/* Looks for the sequence number under which w verifies with the state that is expected, nearest
 * first. */
static bool
search_sequence(struct half *h, const struct bm_wire *w, uint64_t *found, uint64_t *tried)
{
	const struct bm_suite *suite = bm_protection_keys(h->keys)->suite;
	bool aead = suite->mac == BM_HASH_NONE;
	uint64_t window = aead ? AEAD_WINDOW : HMAC_WINDOW;
	uint64_t cost = bm_protection_cost(h->keys, w->body.n);
	/* A sixteenth of what a failure may cost, both ways: most are found by other searches. */
	uint64_t most = bm_search_share(h->s->env) / 16 / cost / 2;
	if (window > most)
		window = most;
	struct bm_position pos = h->pos;
	struct bm_outcome o;

	for (uint64_t d = 1; d <= window; d++) {
		for (int back = 0; back < 2; back++) {
			if (back && d > h->pos.seq)
				continue;
			pos.seq = back ? h->pos.seq - d : h->pos.seq + d;
			++*tried;
			h->s->env->spent += cost;
			if (check(h, h->keys, &pos, w, false, &o)) {
				*found = pos.seq;
				bm_wipe(&pos, sizeof pos);
				return true;
			}
			if (h->s->status != BM_OK || o.result == BM_BAD_LENGTH)
				goto done;
		}
	}
done:
	bm_wipe(&pos, sizeof pos);
	return false;
}

/* What nothing has verified under yet may be another secret that was logged for the same epoch. */
static bool
other_secret_fits(struct half *h, const struct bm_wire *w, struct bm_outcome *o)
{
	struct bm_position pos;

	if (!is_tls13(h->s)) {
		while (h->epoch != 0 && h->pos.seq == 0 && next_candidate(h->s))
			if (check(h, h->keys, &h->pos, w, false, o))
				return true;
		return false;
	}
	for (size_t nth = 0; h->verified_in[epoch_slot(h->epoch)] == 0; nth++) {
		const struct bm_protection *p = epoch_keys(h, h->epoch, nth);
		if (p == NULL)
			break;
		bm_position_start(p, &pos);
		if (p == h->keys || !check(h, p, &pos, w, false, o))
			continue;
		choose_secret(h, nth, p);
		return true;
	}
	return false;
}

/* TLS 1.3: the record is the first of a later epoch. Enters it. */
static bool
later_epoch_fits(struct half *h, const struct bm_wire *w, struct bm_outcome *o)
{
	struct bm_position pos;

	if (!is_tls13(h->s))
		return false;
	for (unsigned e = h->epoch + 1; e <= BM_EPOCH_APPLICATION; e++) {
		for (size_t nth = 0;; nth++) {
			const struct bm_protection *p = epoch_keys(h, e, nth);
			if (p == NULL)
				break;
			bm_position_start(p, &pos);
			if (!check(h, p, &pos, w, false, o))
				continue;
			enter_epoch(h, e);
			choose_secret(h, nth, p);
			return true;
		}
	}
	const struct bm_protection *p = next_generation(h);
	if (p == NULL)
		return false;
	bm_position_start(p, &pos);
	if (!check(h, p, &pos, w, false, o))
		return false;
	enter_next_generation(h);
	return true;
}

/* What ends the epoch never came (Finished, KeyUpdate): the receiver was still in it. */
static void
epoch_end_missing(struct half *h, uint64_t off, uint32_t len, const struct half *before)
{
	struct bm_session *s = h->s;
	unsigned epoch = h->epoch;

	/* The case tells of the receiver's expectation. */
	h->epoch = before->epoch;
	h->pos = before->pos;
	h->keys = before->keys;
	tally(h)->failed++;
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, off, len);
	if (c != NULL) {
		c->result = BM_BAD_TAG;
		c->epoch_skipped = true;
		c->found_epoch = epoch;
		c->tried = 1;
	}
	if (s->status == BM_OK && c != NULL)
		c->after_epoch = epoch;
}

/* Was the record made under keys that its receiver may well have had? Goes on under those then. */
static bool
other_keys_fit(struct half *h, const struct bm_wire *w, uint64_t off)
{
	struct bm_outcome o;
	uint32_t n = (uint32_t)(BM_HEADER + w->body.n);
	struct half before = *h;
	/* Early data that was refused ends without a word (RFC 8446, section 4.2.10). */
	bool unannounced = is_tls13(h->s) && h->epoch == BM_EPOCH_EARLY;
	/* Of a flight that was joined in the middle the messages cannot all be read. */
	unannounced = unannounced || (h->joined && h->joined_epoch == h->epoch);

	bool fits = other_secret_fits(h, w, &o);
	if (!fits) {
		fits = later_epoch_fits(h, w, &o);
		if (fits && !unannounced) {
			struct half after = *h;
			epoch_end_missing(h, off, n, &before);
			h->epoch = after.epoch;
			h->keys = after.keys;
			h->pos = after.pos;
			bm_wipe(&after, sizeof after);
			tally(h)->verified--;
		}
	}
	bm_wipe(&before, sizeof before);
	if (!fits)
		return false;
	accept_record(h, w, &o, off, packet_at(h, off + n - 1));
	return true;
}

/* The record verifies at found ahead of what was expected: records were left out, or come late. */
static void
ahead(struct half *h, const struct bm_wire *w, size_t case_index, uint64_t found, uint64_t off)
{
	struct bm_outcome o;
	uint64_t expected = h->pos.seq;

	if (case_index < h->s->case_count) {
		h->skipped_case = case_index;
		h->skipped_from = expected;
		h->skipped_to = found;
	}
	h->pos.seq = found;
	/* It was opened here, though its receiver could not: what it says still counts. */
	if (check(h, h->keys, &h->pos, w, false, &o)) {
		tally(h)->verified--;
		accept_record(h, w, &o, off, packet_at(h, off + BM_HEADER + w->body.n - 1));
	}
}

/* Puts what find_twin or the sequence search said into the case. */
static void
note_twin(struct bm_case *c, const struct past *twin)
{
	if (twin == NULL)
		return;
	c->identical = true;
	c->run = c->len;
	c->twin_off = twin->off;
	c->twin_seq = twin->seq;
	c->twin_packet = twin->packet;
}

/* Several records that are sent again in a row are one fault. */
static bool
continues_replay(struct half *h, const struct past *twin, uint64_t off, uint32_t len)
{
	struct bm_session *s = h->s;

	for (size_t i = s->case_count; i-- > 0;) {
		struct bm_case *c = &s->cases[i];
		if (c->direction != h->side)
			continue;
		if (!c->identical || c->twin_off == BM_NO_SEQ || c->off + c->run != off ||
			c->twin_off + c->run != twin->off)
			return false;
		c->run += len;
		c->repeats++;
		return true;
	}
	return false;
}

bool
record_failed(struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o)
{
	struct bm_session *s = h->s;
	uint32_t len = (uint32_t)(BM_HEADER + w->body.n);
	uint64_t found = 0, tried = 0;

	if (h->closed) {
		h->over = true;
		return false;
	}
	if (!h->protected || h->keys == NULL) {
		/* No keys, and what follows is no record: framing is all there was. */
		if (w->body.p == NULL) {
			tally(h)->undecided++;
			keyless_break(h, off);
			lose(h, off, 0, SIZE_MAX);
			return false;
		}
		tally(h)->undecided++;
		return true;
	}
	if (w->body.p != NULL && other_keys_fit(h, w, off))
		return true;
	if (is_tls13(s) && h->epoch == BM_EPOCH_EARLY && !s->early_accepted &&
		h->verified_in[BM_EPOCH_EARLY] == 0) {
		/* Nobody reads early data that was refused, and its suite may be another one. */
		tally(h)->undecided++;
		return true;
	}

	const struct past *twin = w->body.p != NULL ? find_twin(h, w) : NULL;
	struct past twin_copy;
	if (twin != NULL) {
		twin_copy = *twin;
		twin = &twin_copy;
	}
	bool chained = bm_protection_chained(h->keys);
	bool is_found = false;
	/* A record that verified nowhere yet leaves no hint of its own: with nothing good in the epoch
	 * the keys are in doubt, and the search is left to a few sequence numbers. */
	if (twin == NULL && w->body.p != NULL && o->result != BM_BAD_LENGTH &&
		(!chained || bm_protection_keys(h->keys)->suite->cipher != BM_RC4))
		is_found = search_sequence(h, w, &found, &tried);

	if (is_found && found >= h->skipped_from && found < h->skipped_to &&
		h->skipped_case < s->case_count) {
		/* One of those that an earlier record overtook. */
		s->cases[h->skipped_case].came_late = true;
		tally(h)->verified++;
		return true;
	}
	/* Made before the capture began: came late, or again, nobody can say which. */
	if (is_found && found < h->joined_seq && h->joined && h->joined_epoch == h->epoch) {
		tally(h)->undecided++;
		return true;
	}
	if (is_found && found < h->pos.seq && h->reuse_told) {
		tally(h)->verified++;
		return true;
	}
	tally(h)->failed++;
	if (twin != NULL && continues_replay(h, twin, off, len))
		return true;
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, off, w->body.p != NULL ? len : 0);
	size_t index = c != NULL ? (size_t)(c - s->cases) : SIZE_MAX;
	if (c != NULL) {
		c->result = o->result;
		c->tried = tried;
		c->found = is_found;
		c->found_seq = found;
		note_twin(c, twin);
		const struct past *mirror =
			w->body.p != NULL && twin == NULL ? find_twin(&s->half[1 - h->side], w) : NULL;
		if (mirror != NULL) {
			c->mirrored = true;
			c->mirror_off = mirror->off;
			c->mirror_seq = mirror->seq;
			c->mirror_packet = mirror->packet;
		}
		if (twin != NULL) {
			c->found = true;
			c->found_seq = twin->seq;
		} else if (is_found && found < h->pos.seq && same_as_at(h, w, found)) {
			c->identical = true;
			c->twin_seq = found;
			c->twin_off = BM_NO_SEQ;
		}
	}
	if (is_found && found > h->pos.seq) {
		ahead(h, w, index, found, off);
		return true;
	}
	if (is_found) {
		h->reuse_told = true;
		return true;
	}
	if (twin != NULL)
		return true; /* the next one is judged where this one was expected, and found again if not
					  */
	lose(h, off, w->body.p != NULL ? len : 0, index);
	return false;
}

bool
bm_session_differs(struct bm_session *s, unsigned direction, size_t *nth)
{
	struct half *h = &s->half[direction];
	size_t n = 0;

	/* Now there is more than a suspicion. */
	for (size_t i = 0; i < s->case_count; i++) {
		if (s->cases[i].kind == BM_CASE_SUSPECTED)
			case_clear(&s->cases[i]);
		else
			s->cases[n++] = s->cases[i];
	}
	s->case_count = n;
	struct bm_case *c = new_case(h, BM_CASE_DIFFERS, BM_NO_SEQ, 0);

	if (c == NULL || s->status != BM_OK)
		return false;
	c->seq = BM_NO_SEQ;
	c->no_keys = true;
	if (tally(h)->undecided != 0) {
		tally(h)->undecided--;
		tally(h)->failed++;
	}
	*nth = s->case_count - 1;
	return true;
}

enum bm_status
bm_session_show(struct bm_session *s, size_t nth, uint64_t off, uint32_t len, struct bm_view bytes,
	const struct bm_fragment *fragments, size_t fragment_count)
{
	struct bm_case *c = &s->cases[nth];

	forget_bytes(c);
	c->record = malloc(bytes.n != 0 ? bytes.n : 1);
	c->fragments = calloc(fragment_count != 0 ? fragment_count : 1, sizeof *c->fragments);
	c->packets = calloc(fragment_count != 0 ? fragment_count : 1, sizeof *c->packets);
	if (c->record == NULL || c->fragments == NULL || c->packets == NULL) {
		forget_bytes(c);
		return BM_NOMEM;
	}
	if (bytes.n != 0)
		memcpy(c->record, bytes.p, bytes.n);
	c->region = (uint32_t)bytes.n;
	c->off = off;
	c->len = len;
	c->shown = true;
	for (size_t i = 0; i < fragment_count; i++) {
		c->fragments[c->fragment_count++] = fragments[i];
		if (fragments[i].record_off < len &&
			(c->packet_count == 0 || c->packets[c->packet_count - 1] != fragments[i].packet))
			c->packets[c->packet_count++] = fragments[i].packet;
	}
	return BM_OK;
}
