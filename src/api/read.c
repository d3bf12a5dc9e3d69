/* Reads captures through the flow table into sessions, and on to what the pass is for. */
#include "api/internal.h"

#include "api/digest.h"
#include "api/frames.h"
#include "verdict/verdict.h"

#include <stdlib.h>

enum {
	FRAGMENT_MEMORY = 16 << 20,
	PROGRESS_FRAMES = 4096,
	/* Octets of a stream that can be read again: what stays in the processor's cache, and once
	 * something has failed as large a part of the memory limit, at most. */
	KEPT_FEW = 1 << 20,
	KEPT_MOST = 32 << 20,
	KEPT_PART = 16
};

/* What a flow carries around. */
struct watched {
	struct bm_session *session; /* NULL once it is settled */
	struct bm_connection *settled;
	size_t settled_size;
	uint64_t id;
	bool numbered;
	struct digest *digest[2]; /* by way; PASS_SURVEY */
};

enum bm_status
add_secrets(void *ctx, const struct bm_secrets *s)
{
	struct badmac *b = ctx;

	return bm_keyring_add_key_log(b->keys, s->key_log, BM_SOURCE_SECRETS_BLOCK, &b->key_counts);
}

static void
forget(struct badmac *b, struct watched *w)
{
	bm_session_free(w->session);
	b->env.held -= w->settled_size;
	free(w->settled);
	digest_free(w->digest[0]);
	digest_free(w->digest[1]);
	free(w);
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
	bm_flow_set_user(f, w);
	return w;
}

static void
after_event(struct badmac *b, struct watched *w)
{
	if (!w->numbered && bm_session_is_tls(w->session)) {
		w->numbered = true;
		w->id = b->next_id++;
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
on_press(void *ctx, struct bm_flow *f)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (b->pass != PASS_COLLECT && w != NULL && w->session != NULL && b->status == BM_OK)
		bm_session_press(w->session);
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

	return views_elsewhere(&b->views, bm_session_flow(s), c, out, max);
}

/* Of c the words are in b->words, and `others` is borrowed. */
static void
verdict(struct badmac *b, struct watched *w, const char *others[BM_ELSEWHERE_MAX],
	struct bm_connection *c)
{
	const struct bm_flow *f = bm_session_flow(w->session);
	size_t n = views_others(&b->views, f, others, BM_ELSEWHERE_MAX);
	struct bm_verdict_options o = {.place = (enum bm_place)b->options.place,
		.capture = b->site_name,
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

static void
tell(struct badmac *b, const struct bm_connection *c)
{
	b->summary.connections++;
	for (unsigned d = 0; d < 2; d++) {
		b->summary.records.verified += c->records[d].verified;
		b->summary.records.failed += c->records[d].failed;
		b->summary.records.undecided += c->records[d].undecided;
		b->summary.records.plaintext += c->records[d].plaintext;
	}
	if (c->result == BM_RESULT_FAILED ||
		(c->result == BM_RESULT_UNDECIDED && b->summary.result == BM_RESULT_VERIFIED))
		b->summary.result = c->result;
	if (c->result == BM_RESULT_UNDECIDED && c->undecided_because != NULL)
		count_reason(b, c->undecided_because);
	b->status = bm_report_connection(b->report, c);
}

static void
report_connection(struct badmac *b, struct watched *w)
{
	const char *others[BM_ELSEWHERE_MAX];
	struct bm_connection c;

	verdict(b, w, others, &c);
	if (b->status == BM_OK)
		tell(b, &c);
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
		w->settled = bm_connection_keep(&c, &w->settled_size);
		if (w->settled == NULL)
			b->status = BM_NOMEM;
	}
	bm_arena_reuse(&b->words);
	if (b->status != BM_OK)
		return;
	b->env.held += w->settled_size;
	bm_session_free(w->session);
	w->session = NULL;
	bm_flow_ignore(f);
}

static void
tell_settled(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	w->settled->last_ts_ns = bm_flow_last_ts(f);
	tell(b, w->settled);
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

static void
tell_progress(struct badmac *b, uint64_t here)
{
	if (b->options.progress != NULL)
		b->options.progress(b->options.progress_ctx, b->input_done + here, b->input_total);
}

static void
note_cut(struct badmac *b, size_t n)
{
	b->cut_frames++;
	if (n > b->snap_length)
		b->snap_length = (uint32_t)n;
}

/* A capture of nothing but frames of unknown link types says nothing about any connection. */
static enum bm_status
unknown_links(struct badmac *b, const struct bm_decoder_stats *before,
	const struct bm_decoder_stats *now, struct bm_error *e)
{
	uint64_t frames = now->frames - before->frames;

	if (frames == 0 || now->unknown_link - before->unknown_link != frames)
		return BM_END;
	const char *what = bm_arena_print(&b->arena,
		"its link type %lu is not known here: none of its %llu packet%s can be read",
		(unsigned long)now->last_unknown_link, (unsigned long long)frames, frames == 1 ? "" : "s");
	return what != NULL ? bm_fail(e, BM_UNSUPPORTED, 0, what) : BM_NOMEM;
}

/* What is known of connections may take as much memory as their bytes. */
static uint64_t
held_limit(const struct badmac *b)
{
	return b->options.total_memory != 0 ? b->options.total_memory : (uint64_t)512 << 20;
}

/* Of a stream as many octets. */
static size_t
kept_limit(const struct badmac *b)
{
	uint64_t part = held_limit(b) / KEPT_PART, most = b->env.cases != 0 ? KEPT_MOST : KEPT_FEW;

	return (size_t)(part < most ? part : most);
}

static enum bm_status
take_frame(struct badmac *b, const struct input *in, const struct frames_item *item)
{
	const struct bm_frame *frame = item->frame;
	const struct bm_segment *segment = item->segment;
	enum bm_status s = BM_OK;

	b->packets++;
	if (b->pass == PASS_REPORT) {
		b->summary.packets++;
		b->summary.bytes += frame->data.n;
	}
	if (in->read != NULL)
		again_keep(&b->again, frame, kept_limit(b));
	if (segment != NULL ? segment->payload_len > segment->payload.n
						: frame->data.n < frame->wire_len)
		note_cut(b, frame->data.n);
	if (segment != NULL)
		s = bm_tcp_segment(b->tcp, in->site, segment);
	while (s == BM_OK && b->env.held > held_limit(b) && bm_tcp_end_oldest(b->tcp))
		;
	return s;
}

/* Reads one capture into the flow table. */
static enum bm_status
read_input(struct badmac *b, struct input *in, struct bm_decoder *decoder, uint64_t *frames,
	struct bm_error *e)
{
	struct frames *f = NULL;
	struct frames_item item;
	struct bm_decoder_stats before = *bm_decoder_stats(decoder);

	in->packets_before = *frames;
	enum bm_status s = frames_open(&f, in, decoder, b->env.pool, e);
	while (s == BM_OK && b->status == BM_OK) {
		s = frames_next(f, &item, e);
		if (s != BM_OK)
			break;
		if (item.frame == NULL) {
			s = add_secrets(b, &item.secrets);
			continue;
		}
		*frames = item.frame->number;
		s = take_frame(b, in, &item);
		if (b->packets % PROGRESS_FRAMES == 0)
			tell_progress(b, frames_offset(f));
	}
	if (b->status != BM_OK)
		s = b->status;
	const char *of =
		f != NULL && strchr(frames_format(f), '(') != NULL ? " of the uncompressed data" : "";
	if (s == BM_TRUNCATED) {
		api_notice(b,
			"%s: ends in the middle of a packet, at byte %llu%s; everything before it was read",
			in->name, (unsigned long long)e->offset, of);
		s = BM_END;
	} else if ((s == BM_FORMAT || s == BM_LIMIT) && f != NULL) {
		api_notice(b, "%s: cannot be read past byte %llu%s: %s", in->name,
			(unsigned long long)e->offset, of, e->what);
		b->damaged = true;
		s = BM_END;
	}
	if (f != NULL)
		b->input_done += frames_offset(f);
	frames_close(f);
	if (s == BM_END)
		s = unknown_links(b, &before, bm_decoder_stats(decoder), e);
	return s == BM_END ? BM_OK : s;
}

static void
tell_decoding(struct badmac *b, const struct bm_decoder_stats *d)
{
	if (b->pass == PASS_REPORT)
		b->summary.undecoded += d->unknown_link + d->malformed;
	if (b->cut_frames != 0)
		api_notice(b, "%s: %llu packets are cut to %lu bytes; capture whole ones (tcpdump -s 0)",
			b->site_name, (unsigned long long)b->cut_frames, (unsigned long)b->snap_length);
	if (d->unknown_link != 0 && d->unknown_link != d->frames)
		api_notice(b, "%s: %llu packets of link type %lu were passed over: it is not known here",
			b->site_name, (unsigned long long)d->unknown_link, (unsigned long)d->last_unknown_link);
	if (d->fragments_dropped != 0)
		api_notice(b, "%s: %llu IP fragments had to be dropped", b->site_name,
			(unsigned long long)d->fragments_dropped);
}

static void
tell_limits(struct badmac *b, const struct bm_tcp_stats *t)
{
	if (t->dropped_bytes != 0)
		api_notice(b,
			"%s: memory limits cut %llu bytes out of connections; raise --flow-memory or --memory",
			b->site_name, (unsigned long long)t->dropped_bytes);
	if (t->evicted_flows != 0)
		api_notice(b,
			"%s: %llu connections were given up early, for more were open than --max-flows allows",
			b->site_name, (unsigned long long)t->evicted_flows);
}

enum bm_status
read_site(struct badmac *b, uint32_t site, struct bm_error *e)
{
	struct bm_tcp_options options = {.flow_memory = b->options.flow_memory,
		.total_memory = b->options.total_memory,
		.max_flows = b->options.max_flows};
	struct bm_tcp_events events = {.on_data = on_data,
		.on_copy = on_copy,
		.on_press = on_press,
		.on_datagram = on_datagram,
		.on_end = on_end,
		.ctx = b};
	struct bm_decoder *decoder = NULL;
	uint64_t frames = 0;

	b->cut_frames = b->snap_length = 0;
	bm_session_env_restart(&b->env);
	again_clear(&b->again);
	b->again =
		(struct again){.inputs = &b->inputs, .site = site, .fragment_memory = FRAGMENT_MEMORY};
	b->env.traffic = (struct bm_traffic){again_walk, &b->again};
	enum bm_status s = bm_decoder_new(&decoder, FRAGMENT_MEMORY);
	if (s == BM_OK)
		s = bm_tcp_new(&b->tcp, &options, &events);
	for (size_t i = 0; s == BM_OK && i < b->inputs.n; i++) {
		struct input *in = &b->inputs.item[i];
		if (in->site != site)
			continue;
		b->site_name = in->site_name;
		b->reading = in->name;
		s = read_input(b, in, decoder, &frames, e);
	}
	if (b->tcp != NULL) {
		if (s != BM_OK && s != BM_IO && b->status == BM_OK)
			b->status = s; /* ends the flows without judging them */
		bm_tcp_finish(b->tcp);
		if (s == BM_OK)
			s = b->status;
		tell_limits(b, bm_tcp_stats(b->tcp));
	}
	if (decoder != NULL)
		tell_decoding(b, bm_decoder_stats(decoder));
	bm_tcp_free(b->tcp);
	b->tcp = NULL;
	bm_decoder_free(decoder);
	return s;
}
