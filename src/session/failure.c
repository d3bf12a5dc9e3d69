/* A record that does not verify where the receiver expected it: is it a known record out of
 * its place? Refuses to name a cause. */
#include "session/internal.h"

enum { HMAC_WINDOW = 1 << 10, AEAD_WINDOW = 1 << 16 };

static bool
is_rc4(const struct half *h)
{
	return bm_protection_keys(h->keys)->suite->cipher == BM_RC4;
}

bool
search_sequence(
	struct half *h, const struct bm_wire *w, uint64_t forward, uint64_t *found, uint64_t *tried)
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

	/* GCM: the tag itself tells, however far away it is. */
	if (bm_number_solvable(h->keys) && bm_solve_number(h->keys, w, &pos.seq) &&
		check(h, h->keys, &pos, w, false, &o)) {
		++*tried;
		*found = pos.seq;
		bm_wipe(&pos, sizeof pos);
		return true;
	}
	for (uint64_t d = 1; d <= window; d++) {
		for (int back = 0; back < 2; back++) {
			if (back ? d > h->pos.seq : d > forward)
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
	judged(h, BM_JUDGED_FAILED, off, len, h->pos.seq);
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
	/* Of two writers one may have announced it in a record whose number was used. */
	unannounced = unannounced || h->reuse_told;

	bool fits = other_secret_fits(h, w, &o), skipped = false;
	if (!fits) {
		fits = later_epoch_fits(h, w, &o);
		skipped = fits && !unannounced;
		if (skipped) {
			struct half after = *h;
			epoch_end_missing(h, off, n, &before);
			h->epoch = after.epoch;
			h->keys = after.keys;
			h->pos = after.pos;
			bm_wipe(&after, sizeof after);
		}
	}
	bm_wipe(&before, sizeof before);
	if (!fits)
		return false;
	o.rc4_after = NULL; /* there were other checks since */
	uint64_t packet = packet_at(h, off + n - 1);
	if (skipped)
		accept_failed(h, w, &o, off, packet);
	else
		accept_record(h, w, &o, off, packet);
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
	if (check(h, h->keys, &h->pos, w, false, &o))
		accept_failed(h, w, &o, off, packet_at(h, off + BM_HEADER + w->body.n - 1));
}

/* Who counts wrongly, and not in the keystream: what comes behind goes on there. */
static void
pass_keystream(struct half *h, const struct bm_wire *w)
{
	uint64_t seq = h->pos.seq;

	bm_position_after(h->keys, &h->pos, w, &h->pos);
	h->pos.seq = seq;
}

/* RC4: right behind one that had a number ahead of its own, this one has the number that comes next
 * without that. */
static bool
counts_as_due(const struct half *h, uint64_t off, uint64_t found)
{
	const struct bm_session *s = h->s;

	if (h->skipped_case >= s->case_count || found != h->skipped_from + 1)
		return false;
	const struct bm_case *c = &s->cases[h->skipped_case];
	return c->in_step && c->direction == h->side && c->off + c->len == off;
}

/* A record that had a used number. */
static void
note_reused(struct half *h, uint64_t off, uint32_t len)
{
	h->reused = h->reused_end == off ? h->reused + 1 : 1;
	h->reused_end = off + len;
}

/* Right behind such records: they were no second writer's, for their sender counted them. */
static bool
counts_reused(const struct half *h, uint64_t off, uint64_t found)
{
	return h->reused != 0 && off == h->reused_end && found > h->pos.seq &&
		   found - h->pos.seq <= h->reused;
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

/* The record comes again that was damaged before: its number was used up by then. */
static bool
damaged_came_again(struct half *h, const struct bm_wire *w, uint64_t off)
{
	struct bm_session *s = h->s;
	size_t nth = s->case_count;

	while (nth != 0 && !is_damaged_twin(h, w, &s->cases[nth - 1]))
		nth--;
	if (nth == 0)
		return false;
	note_good(h, &s->cases[nth - 1], w, off);
	judged(h, BM_JUDGED_FAILED, off, BM_HEADER + w->body.n, h->pos.seq);
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, off, (uint32_t)(BM_HEADER + w->body.n));
	if (c != NULL) {
		c->result = BM_BAD_TAG;
		c->compared = h->past_count;
		note_damaged_twin(c, &s->cases[nth - 1]);
	}
	return true;
}

/* Nobody reads what stands behind close_notify, unless somebody complains of it: the first record
 * there that fails is kept for that. */
static void
behind_close(struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o,
	struct earlier *e)
{
	uint64_t found = 0, tried = 0;

	if (tally(h)->after_close++ != 0 || !h->protected || h->keys == NULL)
		return;
	bool searched = o->result != BM_BAD_LENGTH, earlier = searched && earlier_state_fits(h, w, e);
	bool is_found = earlier || (searched && search_sequence(h, w, 0, &found, &tried));
	if (earlier)
		found = e->seq;
	else
		e->at = h->pos;
	e->at.seq = found;
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, off, (uint32_t)(BM_HEADER + w->body.n));
	if (c == NULL)
		return;
	c->tolerated = c->behind_close = true;
	c->result = o->result;
	c->tried = tried;
	c->twin_off = BM_NO_SEQ;
	c->earlier = e->tried;
	c->earlier_cut = e->cut;
	c->found = is_found;
	c->found_seq = found;
	c->found_chain = chain_at(h->keys, &e->at);
	if (is_found)
		note_first(h, c, verified_at(h, h->epoch, found), w);
}

/* e: all zero. */
static bool
judge_failed(struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o,
	struct earlier *e)
{
	struct bm_session *s = h->s;
	uint32_t len = (uint32_t)(BM_HEADER + w->body.n);
	uint64_t found = 0, tried = 0;

	if (h->closed) {
		/* As long as records stand there; then TLS is over. */
		if (w->body.p == NULL) {
			h->over = true;
			return false;
		}
		behind_close(h, w, off, o, e);
		return true;
	}
	if (!h->protected || h->keys == NULL) {
		/* No keys, and what follows is no record: framing is all there was. */
		if (w->body.p == NULL) {
			judged(h, BM_JUDGED_UNDECIDED, off, 0, BM_NO_SEQ);
			keyless_break(h, off);
			lose(h, off, 0, SIZE_MAX);
			return false;
		}
		judged(h, BM_JUDGED_UNDECIDED, off, len, BM_NO_SEQ);
		return true;
	}
	if (w->body.p != NULL && other_keys_fit(h, w, off))
		return true;
	if (is_tls13(s) && h->epoch == BM_EPOCH_EARLY && !s->early_accepted &&
		h->verified_in[BM_EPOCH_EARLY] == 0) {
		/* Nobody reads early data that was refused, and its suite may be another one. */
		judged(h, BM_JUDGED_UNDECIDED, off, w->body.p != NULL ? len : 0, BM_NO_SEQ);
		return true;
	}

	const struct past *twin = w->body.p != NULL ? find_twin(h, w) : NULL;
	struct past twin_copy;
	if (twin != NULL) {
		twin_copy = *twin;
		twin = &twin_copy;
	}
	if (twin == NULL && damaged_came_again(h, w, off))
		return true;
	/* A record that verified nowhere yet leaves no hint of its own: with nothing good in the epoch
	 * the keys are in doubt, and the search is left to a few sequence numbers. */
	bool searched = twin == NULL && w->body.p != NULL && o->result != BM_BAD_LENGTH;
	bool earlier = searched && earlier_state_fits(h, w, e);
	bool is_found = earlier;
	if (earlier)
		found = e->seq;
	if (searched && !earlier)
		is_found = search_sequence(h, w, UINT64_MAX, &found, &tried);
	bool in_step = is_found && !earlier && is_rc4(h);
	if (!earlier)
		e->at = h->pos;
	e->at.seq = found;

	if (in_step && counts_as_due(h, off, found)) {
		/* The one before it alone had another number. */
		s->cases[h->skipped_case].number_alone = true;
		h->skipped_case = SIZE_MAX;
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		ahead(h, w, SIZE_MAX, found, off);
		return true;
	}
	if (is_found && found >= h->skipped_from && found < h->skipped_to &&
		h->skipped_case < s->case_count) {
		/* One of those that an earlier record overtook. */
		s->cases[h->skipped_case].came_late = true;
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		if (in_step)
			pass_keystream(h, w);
		return true;
	}
	/* Made before the capture began: came late, or again, nobody can say which. */
	if (is_found && found < h->joined_seq && h->joined && h->joined_epoch == h->epoch) {
		judged(h, BM_JUDGED_UNDECIDED, off, len, BM_NO_SEQ);
		return true;
	}
	if (is_found && counts_reused(h, off, found)) {
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		ahead(h, w, SIZE_MAX, found, off);
		return true;
	}
	/* The one that is skipped may have come before a capture that started in their midst. */
	if (is_found && found > h->pos.seq && s->middle && tally(h)->verified <= 1) {
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		ahead(h, w, SIZE_MAX, found, off);
		return true;
	}
	/* ... or before its turn, in a gap behind which nothing was missing. */
	if (is_found && found > h->pos.seq && found - h->pos.seq <= h->unnamed) {
		h->unnamed -= found - h->pos.seq;
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		ahead(h, w, SIZE_MAX, found, off);
		return true;
	}
	if (is_found && (found < h->pos.seq || earlier) && h->reuse_told) {
		judged(h, BM_JUDGED_VERIFIED, off, len, found);
		note_reused(h, off, len);
		read_second(h, w, &e->at, packet_at(h, off + len - 1));
		if (in_step)
			pass_keystream(h, w);
		return true;
	}
	judged(h, BM_JUDGED_FAILED, off, w->body.p != NULL ? len : 0, h->pos.seq);
	if (twin != NULL && continues_replay(h, twin, off, len))
		return true;
	struct bm_case *c = new_case(h, BM_CASE_BAD_RECORD, off, w->body.p != NULL ? len : 0);
	size_t index = c != NULL ? (size_t)(c - s->cases) : SIZE_MAX;
	if (c != NULL) {
		c->result = o->result;
		c->tried = tried;
		c->earlier = e->tried;
		c->earlier_cut = e->cut;
		c->found = is_found;
		c->found_seq = found;
		c->found_chain = chain_at(h->keys, &e->at);
		c->in_step = in_step && found > h->pos.seq;
		note_twin(h, c, twin);
		const struct past *mirror =
			w->body.p != NULL && twin == NULL ? find_twin(&s->half[1 - h->side], w) : NULL;
		if (mirror != NULL) {
			c->mirrored = true;
			c->mirror_off = mirror->off;
			c->mirror_epoch = mirror->epoch;
			c->found_chain = chain_of(s->half[1 - h->side].keys, mirror);
			c->mirror_seq = mirror->seq;
			c->mirror_packet = mirror->packet;
		}
		if (twin == NULL && is_found && found < h->pos.seq && same_as_at(h, w, found)) {
			c->identical = true;
			c->twin_seq = found;
			c->twin_off = BM_NO_SEQ;
		} else if (twin == NULL && is_found && found < h->pos.seq) {
			c->twin_off = BM_NO_SEQ;
			note_first(h, c, verified_at(h, h->epoch, found), w);
			c->nonce_reused = c->nonce_reused && !in_step;
			c->first_unseen = e->failed || (!earlier && !other_known_at(h, w, h->epoch, found));
			c->in_step = in_step;
		}
	}
	if (is_found && found > h->pos.seq) {
		ahead(h, w, index, found, off);
		return true;
	}
	if (is_found) {
		h->reuse_told = true;
		note_reused(h, off, len);
		read_second(h, w, &e->at, packet_at(h, off + len - 1));
		if (in_step)
			pass_keystream(h, w);
		return true;
	}
	if (twin != NULL)
		return true; /* the next one is judged where this one was expected, and found again if not
					  */
	lose(h, off, w->body.p != NULL ? len : 0, index);
	return false;
}

bool
record_failed(struct half *h, const struct bm_wire *w, uint64_t off, const struct bm_outcome *o)
{
	struct earlier e = {.tried = 0};
	bool goes_on = judge_failed(h, w, off, o, &e);

	bm_wipe(&e, sizeof e);
	return goes_on;
}
