/* What the flows of a capture carry around, and what is told of their connections. Refuses to know
 * where segments come from. */
#include "api/digest.h"
#include "api/internal.h"
#include "api/shards.h"
#include "verdict/verdict.h"

#include <stdlib.h>

enum {
	/* Octets that a flow takes beside itself and its bytes, about; and once it is read no more. */
	FLOW = 1024,
	FLOW_READ = 448
};

/* What a flow carries around. */
struct watched {
	struct bm_session *session; /* NULL once it is settled */
	struct bm_connection *settled;
	struct bm_timeline *timeline; /* of a settled one, if it is to be shown */
	size_t held;                  /* its part of env.held, beside the session's */
	uint64_t id;
	bool numbered;
	struct digest *digest[2];  /* by way; PASS_SURVEY */
	struct bm_tie_watch *tied; /* NULL: no logs */
	enum bm_way client_way;    /* of a settled one */
};

static void
forget(struct badmac *b, struct watched *w)
{
	bm_session_free(w->session);
	b->env.held -= w->held;
	free(w->settled);
	bm_timeline_free(w->timeline);
	digest_free(w->digest[0]);
	digest_free(w->digest[1]);
	bm_tie_watch_free(w->tied);
	free(w);
}

/* w takes so many octets. */
static void
hold(struct badmac *b, struct watched *w, size_t n)
{
	b->env.held = b->env.held - w->held + n;
	w->held = n;
}

static struct watched *
watch(struct badmac *b, struct bm_flow *f)
{
	struct watched *w = bm_flow_user(f);

	if (w != NULL || b->status != BM_OK)
		return w;
	if (b->pass == PASS_REPORT && views_left_out(&b->views, f)) {
		bm_flow_ignore(f);
		return NULL;
	}
	w = calloc(1, sizeof *w);
	if (w == NULL || bm_session_new(&w->session, &b->env, f) != BM_OK) {
		free(w);
		b->status = BM_NOMEM;
		return NULL;
	}
	for (unsigned way = 0; b->pass == PASS_SURVEY && way < 2; way++)
		w->digest[way] = digest_new(); /* without it the bytes are compared */
	if (b->tie != NULL && b->pass == PASS_REPORT)
		w->tied = bm_tie_watch_new(b->tie);
	hold(b, w, sizeof *w + FLOW);
	bm_flow_set_user(f, w);
	return w;
}

static void
after_event(struct badmac *b, struct watched *w)
{
	if (!w->numbered && bm_session_is_tls(w->session)) {
		w->numbered = true;
		w->id = b->shard != NULL ? shards_number(b, bm_session_flow(w->session)) : b->next_id++;
	}
	if (b->status == BM_OK)
		b->status = bm_session_status(w->session);
}

/* Most flows of a capture are no TLS: nothing is kept of those. */
static void
let_go(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	if (!bm_session_dismissed(w->session))
		return;
	bm_flow_set_user(f, NULL);
	forget(b, w);
}

static void
begin_digests(struct watched *w)
{
	const struct bm_session_facts *facts = bm_session_facts(w->session);

	for (unsigned way = 0; way < 2 && bm_session_is_tls(w->session); way++) {
		uint64_t off = facts->hello_off[way == facts->client_way ? BM_CLIENT : BM_SERVER];
		if (w->digest[way] != NULL && off != BM_NO_SEQ)
			digest_begin(w->digest[way], off);
	}
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (b->pass == PASS_COLLECT)
		views_copy(&b->views, f, way, copy);
	else if (w != NULL && w->session != NULL && b->status == BM_OK)
		bm_session_copy(w->session, way, copy);
}

static void
on_oddity(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_oddity *o)
{
	static const enum bm_event_kind kinds[] = {[BM_ODD_RETRANSMISSION] = BM_EVENT_RETRANSMISSION,
		[BM_ODD_CHECKSUM] = BM_EVENT_BAD_CHECKSUM,
		[BM_ODD_GAP] = BM_EVENT_GAP,
		[BM_ODD_FIN] = BM_EVENT_FIN,
		[BM_ODD_RST] = BM_EVENT_RST};
	const struct watched *w = bm_flow_user(f);
	bool ends = o->kind == BM_ODD_FIN || o->kind == BM_ODD_RST;

	(void)ctx;
	if (w != NULL && w->session != NULL)
		bm_session_event(w->session, way,
			&(struct bm_event){.kind = (uint8_t)kinds[o->kind],
				.ts_ns = o->ts_ns,
				.packet = o->packet,
				.off = o->off,
				.len = ends ? BM_NO_SEQ : o->len});
}

static void
count_reason(struct badmac *b, const char *because)
{
	size_t i = 0;

	while (i < b->reason_count && strcmp(b->reasons[i].because, because) != 0)
		i++;
	if (i == REASONS_MAX)
		return;
	if (i == b->reason_count) {
		b->reasons[i].because = bm_arena_print(&b->arena, "%s", because);
		if (b->reasons[i].because == NULL)
			return;
		b->reason_count++;
	}
	b->reasons[i].connections++;
}

static enum bm_effort
effort(enum badmac_effort e)
{
	return e == BADMAC_QUICK ? BM_QUICK : e == BADMAC_DEEP ? BM_DEEP : BM_NORMAL;
}

/* What other captures show of a failure. */
static size_t
elsewhere(void *ctx, const struct bm_session *s, const struct bm_case *c, struct bm_elsewhere *out,
	size_t max)
{
	const struct badmac *b = ctx;

	size_t n = views_elsewhere(&b->views, bm_session_flow(s), c, out, max);
	for (size_t i = 0; i < n; i++)
		out[i].pieces = api_pieces_of(b, out[i].capture);
	return n;
}

static enum bm_detail_of
detail_of(const struct badmac *b)
{
	return !b->env.records_time      ? BM_DETAIL_NONE
		   : b->options.verbose != 0 ? BM_DETAIL_ALL
									 : BM_DETAIL_TROUBLED;
}

/* Of c the words are in b->words, and `others` is borrowed. */
static void
verdict(struct badmac *b, struct watched *w, const char *others[BM_ELSEWHERE_MAX],
	struct bm_connection *c)
{
	const struct bm_flow *f = bm_session_flow(w->session);
	size_t n = views_others(&b->views, f, others, BM_ELSEWHERE_MAX);
	struct bm_verdict_options o = {.detail = detail_of(b),
		.place = (enum bm_place)b->options.place,
		.capture = b->site_name,
		.pieces = b->site_pieces,
		.all_captures = b->command_words,
		.effort = effort(b->options.effort),
		.any_keys = !bm_keyring_empty(b->keys),
		.keys = b->keys,
		.snap_length = b->snap_length,
		.elsewhere = n != 0 ? elsewhere : NULL,
		.elsewhere_ctx = b,
		.also_in = others,
		.also_in_count = n < BM_ELSEWHERE_MAX ? n : BM_ELSEWHERE_MAX};

	if (n != 0)
		b->status = views_show(&b->views, w->session);
	if (b->status == BM_OK)
		b->status = bm_verdict(w->session, &o, &b->env.scratch, &b->words, c);
	c->id = w->id;
}

void
api_tell(struct badmac *b, const struct bm_connection *c)
{
	b->summary.connections++;
	for (unsigned d = 0; d < 2; d++) {
		b->summary.records.verified += c->records[d].verified;
		b->summary.records.failed += c->records[d].failed;
		b->summary.records.undecided += c->records[d].undecided;
		b->summary.records.plaintext += c->records[d].plaintext;
		b->summary.records.after_close += c->records[d].after_close;
	}
	if (c->result == BM_RESULT_FAILED ||
		(c->result == BM_RESULT_UNDECIDED && b->summary.result == BM_RESULT_VERIFIED))
		b->summary.result = c->result;
	if (c->result == BM_RESULT_UNDECIDED && c->undecided_because != NULL)
		count_reason(b, c->undecided_because);
	/* The first ones have been told of before, if this is not the first reading. */
	if (b->summary.connections > b->told) {
		b->told++;
		b->status = bm_report_connection(b->report, c);
		if (b->status == BM_OK && b->json != NULL)
			b->status = bm_report_connection(b->json, c);
	}
}

static void
tell(struct badmac *b, const struct bm_flow *f, const struct bm_connection *c)
{
	if (b->shard != NULL)
		shards_tell(b, f, c);
	else
		api_tell(b, c);
}

/* What logs say may be about it. */
static void
tie(struct badmac *b, const struct watched *w, const struct bm_connection *c,
	enum bm_way client_way)
{
	if (b->tie != NULL && b->status == BM_OK)
		b->status = bm_tie_connection(b->tie, c, client_way, w->tied);
}

static void
report_connection(struct badmac *b, struct watched *w)
{
	const char *others[BM_ELSEWHERE_MAX];
	struct bm_connection c;

	verdict(b, w, others, &c);
	tie(b, w, &c, bm_session_facts(w->session)->client_way);
	if (b->status == BM_OK)
		tell(b, bm_session_flow(w->session), &c);
	bm_arena_reuse(&b->words);
}

/* Connections are told of in the order in which their flows end, and with the time of their last
 * packets: until then no more is kept of w than what will be said. Captures of several places are
 * compared by more than that. */
static void
settle(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	const char *others[BM_ELSEWHERE_MAX];
	struct bm_connection c;

	if (b->pass != PASS_REPORT || b->views.n != 0)
		return;
	bm_session_end(w->session);
	after_event(b, w);
	if (b->status == BM_OK)
		verdict(b, w, others, &c);
	if (b->status == BM_OK) {
		c.also_in = NULL;
		c.course = NULL; /* is made of the timeline again */
		size_t size;
		w->settled = bm_connection_keep(&c, &size);
		if (w->settled != NULL)
			hold(b, w, sizeof *w + FLOW_READ + size);
		else
			b->status = BM_NOMEM;
	}
	bm_arena_reuse(&b->words);
	if (b->status != BM_OK)
		return;
	w->client_way = bm_session_facts(w->session)->client_way;
	if (detail_of(b) == BM_DETAIL_ALL)
		w->timeline = bm_session_take_timeline(w->session);
	bm_session_free(w->session);
	w->session = NULL;
	bm_flow_ignore(f);
}

static void
tell_settled(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	w->settled->last_ts_ns = bm_flow_last_ts(f);
	if (w->timeline != NULL) {
		w->settled->course = bm_verdict_course(w->timeline, NULL, &b->words);
		b->status = w->settled->course != NULL ? BM_OK : BM_NOMEM;
	}
	tie(b, w, w->settled, w->client_way);
	if (b->status == BM_OK)
		tell(b, f, w->settled);
	bm_arena_reuse(&b->words);
}

static void
note_view(struct badmac *b, struct watched *w)
{
	uint64_t digest[2] = {0, 0};

	for (unsigned way = 0; way < 2; way++)
		if (w->digest[way] != NULL)
			digest[way] = digest_value(w->digest[way]);
	b->status = views_note(&b->views, w->session, b->site_name, digest);
}

/* Ends what w has followed so far, whether or not the flow goes on. */
static void
conclude(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	bm_flow_set_user(f, NULL);
	if (b->status == BM_OK && w->session == NULL) {
		tell_settled(b, f, w);
	} else if (b->status == BM_OK) {
		bm_session_end(w->session);
		after_event(b, w);
		if (b->status == BM_OK && w->numbered) {
			if (b->pass == PASS_SURVEY)
				note_view(b, w);
			else
				report_connection(b, w);
		}
	}
	forget(b, w);
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct badmac *b = ctx;

	if (b->pass == PASS_COLLECT) {
		if (!views_want_flow(&b->views, f))
			bm_flow_ignore(f);
		else if (b->status == BM_OK)
			b->status = views_data(&b->views, f, way);
		return;
	}
	struct watched *w = watch(b, f);
	if (w == NULL || b->status != BM_OK)
		return;
	if (w->digest[way] != NULL)
		digest_data(w->digest[way], bm_flow_stream(f, way));
	if (w->tied != NULL)
		bm_tie_watch_data(w->tied, f, way);
	bm_session_data(w->session, way);
	begin_digests(w);
	after_event(b, w);
	if (b->status == BM_OK && bm_session_settled(w->session))
		settle(b, f, w);
	else
		let_go(b, f, w);
}

static void
on_datagram(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s)
{
	struct badmac *b = ctx;

	if (b->pass == PASS_COLLECT) {
		bm_flow_ignore(f);
		return;
	}
	struct watched *w = watch(b, f);
	if (w == NULL || b->status != BM_OK)
		return;
	bm_session_datagram(w->session, way, s);
	if (bm_session_superseded(w->session)) {
		conclude(b, f, w);
		w = watch(b, f);
		if (w == NULL || b->status != BM_OK)
			return;
		bm_session_datagram(w->session, way, s);
	}
	if (w->tied != NULL)
		bm_tie_watch_datagram(w->tied, way, s);
	after_event(b, w);
	let_go(b, f, w);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (w != NULL)
		conclude(b, f, w);
}

bool
api_foresee(struct badmac *b, uint32_t site, const struct bm_segment *g)
{
	enum bm_way way;
	struct bm_flow *f = b->pass != PASS_COLLECT ? bm_tcp_find(b->tcp, site, g, &way) : NULL;
	const struct watched *w = f != NULL ? bm_flow_user(f) : NULL;

	return w == NULL || w->session == NULL || bm_session_foresee(w->session, way, g);
}

struct bm_tcp_events
api_events(struct badmac *b)
{
	return (struct bm_tcp_events){.on_data = on_data,
		.on_copy = on_copy,
		.on_oddity = b->env.records_time ? on_oddity : NULL,
		.on_datagram = on_datagram,
		.on_end = on_end,
		.ctx = b};
}
