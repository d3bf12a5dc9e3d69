/* What is kept of a failure for the search for its cause: the record's bytes, their packets, other
 * copies. Refuses to know why it failed. */
#include "session/internal.h"

#include <stdlib.h>

enum { RECORD_KEEP = 1 << 16 };

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
	free(c->good);
	free(c->sent_header);
	if (c->position != NULL)
		bm_wipe(c->position, sizeof *c->position);
	free(c->position);
	if (c->scope != NULL)
		case_clear(c->scope);
	free(c->scope);
}

struct bm_chain
chain_at(const struct bm_protection *keys, const struct bm_position *pos)
{
	struct bm_chain c = {.known = false};

	if (keys == NULL || !bm_protection_chained(keys))
		return c;
	bool stream = bm_protection_keys(keys)->suite->cipher == BM_RC4;
	c.known = stream || pos->seq != 0;
	if (stream)
		c.keystream = pos->rc4.position;
	else if (c.known)
		memcpy(c.iv, pos->iv, sizeof c.iv);
	return c;
}

struct bm_chain
chain_of(const struct bm_protection *keys, const struct past *p)
{
	struct bm_chain c = {.known = false};

	if (keys == NULL || !bm_protection_chained(keys))
		return c;
	bool stream = bm_protection_keys(keys)->suite->cipher == BM_RC4;
	c.known = stream || p->seq != 0;
	if (stream)
		c.keystream = p->before.keystream;
	else if (c.known)
		memcpy(c.iv, p->before.iv, sizeof c.iv);
	return c;
}

size_t
case_add_copy(struct bm_case *c, const struct bm_span *copy)
{
	if (c->record == NULL || c->copy_count >= COPIES_MAX)
		return 0;
	uint64_t from = copy->off > c->off ? copy->off : c->off;
	uint64_t to =
		copy->off + copy->data.n < c->off + c->len ? copy->off + copy->data.n : c->off + c->len;
	if (from >= to)
		return 0;
	const uint8_t *p = copy->data.p + (from - copy->off);
	size_t n = (size_t)(to - from);
	uint32_t at = (uint32_t)(from - c->off);
	if (memcmp(p, c->record + at, n) == 0)
		return 0;
	for (size_t i = 0; i < c->copy_count; i++)
		if (c->copies[i].record_off == at && bm_view_equal(c->copies[i].bytes, bm_view(p, n)))
			return 0;
	if (c->copies == NULL)
		c->copies = calloc(COPIES_MAX, sizeof *c->copies);
	uint8_t *bytes = malloc(n);
	if (c->copies == NULL || bytes == NULL) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, p, n);
	c->copies[c->copy_count++] =
		(struct bm_other_copy){at, copy->packet, copy->checksum, bm_view(bytes, n)};
	return n + (c->copy_count == 1 ? COPIES_MAX * sizeof *c->copies : 0);
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
		session_holds(h->s, case_add_copy(c, &copies[i]));
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
	c->behind_gap = h->stream != NULL && bm_stream_gaps(h->stream) != 0;
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
	/* It was counted as failed before it was known which one it is. */
	if (c->kind == BM_CASE_DIFFERS)
		timeline_restate(s, c->direction, off, BM_JUDGED_UNDECIDED, BM_JUDGED_FAILED);
	for (size_t i = 0; i < fragment_count; i++) {
		c->fragments[c->fragment_count++] = fragments[i];
		if (fragments[i].record_off < len &&
			(c->packet_count == 0 || c->packets[c->packet_count - 1] != fragments[i].packet))
			c->packets[c->packet_count++] = fragments[i].packet;
	}
	return BM_OK;
}
