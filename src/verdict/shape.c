/* What shape damage has: units of memory, edges of segments, words. Refuses to name parties. */
#include "verdict/verdict.h"

enum {
	LINE = 64, /* octets of a cache line */
	PAGE = 4096,
	LANES = 3,     /* places at which the same bits are wrong, to call it a lane */
	RUN_LEAST = 8, /* octets of a run that is more than a few bits */
	TEXT_LEAST = 8
};

static uint32_t
common(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* The same bits wrong in octets that stand a multiple of some distance apart: that distance, else
 * 0. */
static uint32_t
lane(const struct bm_finding *f)
{
	uint32_t period = 0;

	if (f->change_count < LANES)
		return 0;
	for (size_t i = 0; i < f->change_count; i++) {
		const struct bm_change *c = &f->changes[i];
		if (c->sent.n != 1 || c->received.n != 1 ||
			(c->sent.p[0] ^ c->received.p[0]) !=
				(f->changes[0].sent.p[0] ^ f->changes[0].received.p[0]))
			return 0;
		if (i != 0)
			period = common(period, c->record_off - f->changes[i - 1].record_off);
	}
	return period;
}

static bool
is_text(struct bm_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((v.p[i] >= 0x20 && v.p[i] <= 0x7e) || v.p[i] == '\r' || v.p[i] == '\n'))
			return false;
	return v.n >= TEXT_LEAST;
}

enum bm_shape
bm_verdict_shape(const struct bm_case *c, const struct bm_finding *f, struct bm_arena *arena,
	const char **because)
{
	*because = NULL;
	if (f->change_count == 0)
		return BM_SHAPE_PLAIN;
	uint32_t period = lane(f);
	if (period >= 16) {
		*because = bm_arena_print(arena,
			"the same bits are wrong at %zu places, always a multiple of %u octets apart%s",
			f->change_count, period,
			period % LINE == 0 ? ": cache lines or pages, as memory and what copies it have" : "");
		return period % LINE == 0 ? BM_SHAPE_MEMORY : BM_SHAPE_PLAIN;
	}
	const struct bm_change *ch = &f->changes[0];
	if (f->change_count != 1 || ch->received.n < RUN_LEAST)
		return BM_SHAPE_PLAIN;
	if (is_text(ch->received)) {
		*because = "what stands there now is readable text";
		return BM_SHAPE_TEXT;
	}
	if (ch->received.n % LINE == 0) {
		*because = bm_arena_print(arena, "the run is %zu octets long: %zu %s%s", ch->received.n,
			ch->received.n / (ch->received.n % PAGE == 0 ? PAGE : LINE),
			ch->received.n % PAGE == 0 ? "page" : "cache line",
			ch->received.n / (ch->received.n % PAGE == 0 ? PAGE : LINE) == 1 ? "" : "s");
		return BM_SHAPE_MEMORY;
	}
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *g = &c->fragments[i];
		bool begins = g->segment_off == 0 && g->record_off != 0 && g->record_off == ch->record_off;
		bool ends = i + 1 < c->fragment_count && c->fragments[i + 1].segment_off == 0 &&
					g->record_off + g->len == ch->record_off + ch->received.n;
		if (!begins && !ends)
			continue;
		*because = bm_arena_print(arena, "the run %s where the payload of packet %llu does",
			begins ? "begins" : "ends", (unsigned long long)g->packet);
		return BM_SHAPE_EDGE;
	}
	return BM_SHAPE_PLAIN;
}
