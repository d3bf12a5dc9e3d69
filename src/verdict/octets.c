/* What was on the wire where a failed record was due, and the same with its damage undone. Refuses
 * to show more of the stream than the record and what is damaged behind it: that may be anybody's.
 */
#include "verdict/verdict.h"

/* How far it is shown. */
static size_t
shown(const struct bm_case *c, const struct bm_finding *f)
{
	uint64_t n = c->len != 0 ? c->len : c->region;

	for (size_t i = 0; i < f->change_count; i++) {
		uint64_t end = (uint64_t)f->changes[i].record_off + f->changes[i].received.n;
		n = end > n ? end : n;
	}
	return (size_t)(n < c->region ? n : c->region);
}

/* The changes in the order in which they stand in the record. */
static void
order(const struct bm_finding *f, size_t at[BM_CHANGES_MAX])
{
	for (size_t i = 0; i < f->change_count; i++) {
		size_t k = i;
		for (; k != 0 && f->changes[at[k - 1]].record_off > f->changes[i].record_off; k--)
			at[k] = at[k - 1];
		at[k] = i;
	}
}

static bool
add(struct bm_view *to, size_t room, const uint8_t *p, size_t n)
{
	if (n > room - to->n)
		return false;
	if (n != 0)
		memcpy((uint8_t *)(uintptr_t)to->p + to->n, p, n);
	to->n += n;
	return true;
}

/* All changes made to received. False: they are not all known, or contradict each other. */
static bool
put_back(const struct bm_finding *f, struct bm_view received, struct bm_view *sent, size_t room)
{
	size_t at[BM_CHANGES_MAX], from = 0;

	/* There may have been more than were kept. */
	if (f->change_count == 0 || f->change_count == BM_CHANGES_MAX)
		return false;
	order(f, at);
	for (size_t i = 0; i < f->change_count; i++) {
		const struct bm_change *ch = &f->changes[at[i]];
		if (ch->sent_unknown || ch->record_off < from ||
			(uint64_t)ch->record_off + ch->received.n > received.n ||
			!add(sent, room, received.p + from, ch->record_off - from) ||
			!add(sent, room, ch->sent.p, ch->sent.n))
			return false;
		from = ch->record_off + ch->received.n;
	}
	return add(sent, room, received.p + from, received.n - from);
}

static bool
carriers(const struct bm_case *c, size_t n, struct bm_arena *a, struct bm_octets *out)
{
	struct bm_carrier *item = bm_arena_take(a, c->fragment_count, sizeof *item);

	if (item == NULL)
		return false;
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *g = &c->fragments[i];
		if (g->record_off >= n)
			continue;
		size_t rest = n - g->record_off;
		item[out->carrier_count++] = (struct bm_carrier){g->record_off,
			g->len < rest ? g->len : rest, g->packet != 0 ? g->packet : BM_UNKNOWN,
			g->packet != 0 ? g->packet_off : BM_UNKNOWN, bm_checksum_name(g->checksum)};
	}
	out->carriers = item;
	return true;
}

bool
bm_verdict_octets(const struct bm_case *c, const struct bm_finding *f,
	const struct bm_session_facts *facts, struct bm_arena *arena, struct bm_failure *out)
{
	/* What is not encrypted is content. */
	if (c->record == NULL || (facts->suite != NULL && facts->suite->cipher == BM_CIPHER_NULL))
		return true;
	size_t n = shown(c, f), room = n;
	struct bm_octets *o = bm_arena_take(arena, 1, sizeof *o);

	for (size_t i = 0; i < f->change_count; i++)
		room += f->changes[i].sent.n;
	uint8_t *received = bm_arena_copy(arena, bm_view(c->record, n));
	uint8_t *sent = f->change_count != 0 ? bm_arena_take(arena, room, 1) : received;
	if (o == NULL || received == NULL || sent == NULL || !carriers(c, n, arena, o))
		return false;
	o->received = bm_view(received, n);
	o->sent = bm_view(sent, 0);
	o->sent_known = put_back(f, o->received, &o->sent, room);
	out->octets = o;
	return true;
}
