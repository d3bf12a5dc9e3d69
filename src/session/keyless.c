/* Without keys: keeps in mind what can be told of records that cannot be checked, and their bytes
 * until it is known whether anybody complained. Refuses to know what would be odd about them. */
#include "session/internal.h"

#include <stdlib.h>

#include "base/hash64.h"

enum {
	KEEP = 1 << 16,      /* octets of a direction that are looked at once more */
	HOLD_MAX = 3 * KEEP, /* behind where a complaint, or the loss of framing, came */
	ENDS = 64,           /* octets at either end by which a long record is known again */
	SETTLED = 3 /* records of a stream joined in its midst before its framing is believed */
};

static bool
is_keyless(const struct half *h)
{
	return h->stream != NULL && h->protected && h->keys == NULL && !h->gave_up;
}

void
let_go(struct half *h, uint64_t off)
{
	if (!is_keyless(h)) {
		bm_stream_release(h->stream, off);
		return;
	}
	uint64_t keep = off > KEEP ? off - KEEP : 0;
	if (h->hold != 0 && h->hold < keep && off - h->hold <= HOLD_MAX)
		keep = h->hold;
	bm_stream_release(h->stream, keep);
	bm_stream_spare(h->stream, off);
}

void
keyless_hold(struct half *h)
{
	if (!is_keyless(h))
		return;
	uint64_t from = h->off > KEEP ? h->off - KEEP : 1;
	h->hold = from > bm_stream_base(h->stream) ? from : bm_stream_base(h->stream);
}

/* TLS 1.3 hides its alerts, but for their length: two octets, the content type, the tag (RFC 8446,
 * sections 5.2 and 6). */
static bool
as_long_as_alert(const struct bm_session *s, const struct bm_seen_record *r)
{
	return is_tls13(s) && s->facts.suite != NULL && s->facts.suite->tag_len != 0 &&
		   r->type == BM_APPLICATION_DATA && r->len == BM_HEADER + 3u + s->facts.suite->tag_len;
}

/* A place for one more record; NULL when memory is out. */
static struct bm_seen_record *
new_seen(struct half *h)
{
	void *items = h->seen;
	size_t before = h->seen_cap;

	if (h->seen_count == SEEN_MAX) {
		h->seen_count = SEEN_MAX / 2;
		memmove(h->seen, h->seen + SEEN_MAX / 2, h->seen_count * sizeof *h->seen);
	}
	enum bm_status st = bm_grow(&items, &h->seen_cap, h->seen_count + 1, SEEN_MAX, sizeof *h->seen);
	h->seen = items;
	if (st != BM_OK) {
		session_fail(h->s, st);
		return NULL;
	}
	session_holds(h->s, (h->seen_cap - before) * sizeof *h->seen);
	return &h->seen[h->seen_count++];
}

static void
note_seen(struct half *h, uint64_t off, uint8_t type, size_t body, uint64_t nonce, uint64_t print)
{
	struct bm_seen_record *r = new_seen(h);

	if (r == NULL)
		return;
	*r = (struct bm_seen_record){.off = off,
		.packet = packet_at(h, off + BM_HEADER + body - 1),
		.fingerprint = print,
		.nonce = nonce,
		.len = (uint32_t)(BM_HEADER + body),
		.type = type,
		.behind_gap = h->behind_gap,
		.epoch = h->epoch};
	h->behind_gap = false;
	if (as_long_as_alert(h->s, r))
		keyless_hold(&h->s->half[1 - h->side]);
}

/* Both ends of ciphertext do not come again but with all that is between them: the tag, or the last
 * block, depends on it. */
static uint64_t
print_of_ends(const uint8_t ends[2 * ENDS], uint8_t type)
{
	return bm_hash64(bm_view(ends, (size_t)2 * ENDS), type);
}

void
keyless_record(struct half *h, const struct bm_wire *w, uint64_t off)
{
	uint8_t ends[2 * ENDS];
	size_t n = w->body.n;

	if (!is_keyless(h) || (w->body.p == NULL && n != 0))
		return;
	uint64_t nonce = n >= 8 ? bm_load64(w->body.p) : 0;
	if (n <= sizeof ends) {
		note_seen(h, off, w->type, n, nonce, fingerprint(w));
		return;
	}
	memcpy(ends, w->body.p, ENDS);
	memcpy(ends + ENDS, w->body.p + n - ENDS, ENDS);
	note_seen(h, off, w->type, n, nonce, print_of_ends(ends, w->type));
}

bool
keyless_skim(struct half *h, struct bm_record_header hdr)
{
	uint8_t ends[2 * ENDS];
	uint64_t body = h->off + BM_HEADER;

	if (hdr.type != BM_APPLICATION_DATA || hdr.length <= sizeof ends || !is_keyless(h) ||
		!bm_keyring_empty(h->s->env->keys) || !bm_stream_read(h->stream, body, ends, ENDS) ||
		!bm_stream_read(h->stream, body + hdr.length - ENDS, ends + ENDS, ENDS))
		return false;
	note_seen(h, h->off, hdr.type, hdr.length, bm_load64(ends), print_of_ends(ends, hdr.type));
	return true;
}

void
keyless_break(struct half *h, uint64_t off)
{
	size_t n = h->seen_count;

	h->lost_ever = true;
	/* Behind the end of TLS, cleartext may follow in good order (RFC 4217, section 12.3). */
	if (!is_keyless(h) || h->lost_known || h->behind_gap || h->alert_seen || n == 0 ||
		as_long_as_alert(h->s, &h->seen[n - 1]) || (h->s->middle && n < SETTLED))
		return;
	h->lost_known = true;
	h->lost_at = off;
	h->hold = h->seen[n - 1].off;
}

/* From which record on the bytes are at hand up to end. */
static uint64_t
reach_back(const struct half *h, uint64_t end)
{
	uint64_t base = bm_stream_base(h->stream), from = end;

	for (size_t i = h->seen_count; i-- > 0;) {
		const struct bm_seen_record *r = &h->seen[i];
		if (r->off + r->len > end)
			continue;
		if (r->off < base || end - r->off > KEEP || r->off + r->len > from)
			break;
		from = r->off;
		if (r->behind_gap)
			break;
	}
	return from;
}

bool
keyless_scope(struct half *h, struct bm_case *c, const struct bm_alert_seen *a)
{
	if (h->stream == NULL || (h->seen_count == 0 && !h->lost_known))
		return false;
	uint64_t base = bm_stream_base(h->stream), from, n;
	if (h->lost_known) {
		const struct bm_seen_record *r = &h->seen[h->seen_count - 1];
		while (r > h->seen && r->off >= h->lost_at)
			r--;
		from = r->off + r->len == h->lost_at && r->off >= base ? r->off : h->lost_at;
		c->lost_at = h->lost_at;
		n = from >= base ? bm_stream_avail(h->stream, from) : 0;
	} else {
		const struct bm_seen_record *last = &h->seen[h->seen_count - 1];
		uint64_t end = last->off + last->len;
		/* What its receiver's TCP had not acknowledged is not meant. */
		while (last > h->seen && a != NULL && a->acked != 0 && end > a->acked) {
			last--;
			end = last->off + last->len;
		}
		from = reach_back(h, end);
		n = end - from;
	}
	if (n > KEEP)
		n = KEEP;
	c->both_lost = h->lost_known && h->s->half[1 - h->side].lost_ever;
	c->before = a != NULL ? a->packet : c->word;
	c->stream_ends = bm_stream_avail(h->stream, from + n) == 0;
	if (n == 0)
		return true;
	c->scope = calloc(1, sizeof *c->scope);
	if (c->scope == NULL) {
		session_fail(h->s, BM_NOMEM);
		return true;
	}
	c->scope->direction = h->side;
	case_keep_bytes(h, c->scope, from, (uint32_t)n);
	return true;
}

/* The receiver's last word, if it may have been a complaint. */
static uint64_t
last_word(const struct bm_session *s, unsigned side)
{
	const struct half *h = &s->half[side];
	const struct bm_seen_record *last = h->seen_count != 0 ? &h->seen[h->seen_count - 1] : NULL;

	if (last != NULL && as_long_as_alert(s, last))
		return last->packet;
	for (size_t i = s->alert_count; i-- > 0;) {
		const struct bm_alert_seen *a = &s->alerts[i];
		if (a->direction != side)
			continue;
		/* What can be read is another complaint, or none. */
		if (a->description != 255 && a->level != 2)
			return BM_NO_SEQ;
		/* Whether it went on shows only where all of it is as unread. */
		if (h->past_count != 0 && a->description == 255)
			return BM_NO_SEQ;
		return last == NULL || a->packet >= last->packet ? a->packet : BM_NO_SEQ;
	}
	return BM_NO_SEQ;
}

static bool
has_case(const struct bm_session *s, unsigned side)
{
	for (size_t i = 0; i < s->case_count; i++)
		if (s->cases[i].direction == side || s->cases[i].kind == BM_CASE_NO_KEYS_FIT)
			return true;
	return false;
}

void
keyless_judge(struct bm_session *s)
{
	bool cased[2] = {has_case(s, 0), has_case(s, 1)};

	for (unsigned side = 0; side < 2 && s->status == BM_OK; side++) {
		struct half *h = &s->half[side];
		if (s->dtls || cased[side] || (h->seen_count < 2 && !h->lost_known))
			continue;
		struct bm_case *c = new_case(h, BM_CASE_SUSPECTED, BM_NO_SEQ, 0);
		if (c == NULL)
			return;
		c->seq = BM_NO_SEQ;
		c->no_keys = true;
		c->over_gap = bm_stream_gaps(h->stream) != 0;
		c->word = last_word(s, 1 - side);
		const struct bm_alert_seen *a = NULL;
		for (size_t i = 0; i < s->alert_count; i++)
			if (s->alerts[i].direction != side && s->alerts[i].packet == c->word)
				a = &s->alerts[i];
		(void)keyless_scope(h, c, a);
	}
}
