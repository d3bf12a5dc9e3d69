/* Reads captures through the flow table into what the flows carry (watch.c). */
#include "api/internal.h"

#include "api/frames.h"
#include "api/shards.h"

#include <stdlib.h>

enum {
	FRAGMENT_MEMORY = 16 << 20,
	PROGRESS_FRAMES = 4096,
	/* Octets of a stream that can be read again: what stays in the processor's cache, and once
	 * something has failed as large a part of the memory limit, at most. */
	KEPT_FEW = 1 << 20,
	KEPT_MOST = 32 << 20,
	KEPT_PART = 16,
	/* HTML: of the memory limit. */
	DETAIL_PART = 16,
	TIMELINE_PART = 8
};
#define MEMORY ((uint64_t)1 << 30) /* where nobody says how much */

enum bm_status
add_secrets(void *ctx, const struct bm_secrets *s)
{
	struct badmac *b = ctx;

	return bm_keyring_add_key_log(b->keys, s->key_log, BM_SOURCE_SECRETS_BLOCK, &b->key_counts);
}

void
api_tell_progress(struct badmac *b, uint64_t here)
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

uint64_t
api_memory_limit(const struct badmac *b)
{
	return b->options.total_memory != 0 ? b->options.total_memory : MEMORY;
}

/* Half of the memory is for bytes of streams. Of the other half what is known of connections has
 * what the secrets and the rest leave, or a quarter: without any nothing could be followed. */
uint64_t
api_held_limit(const struct badmac *b)
{
	uint64_t half = api_memory_limit(b) / 2;
	uint64_t stays = bm_keyring_memory(b->keys) + b->env.kept + b->again.kept.size;

	return half > stays && half - stays > half / 4 ? half - stays : half / 4;
}

size_t
api_detail_memory(const struct badmac *b)
{
	return (size_t)(api_memory_limit(b) / DETAIL_PART);
}

uint64_t
api_timeline_memory(const struct badmac *b)
{
	return api_memory_limit(b) / TIMELINE_PART;
}

/* Those that were used longest ago give way. */
static void
relieve(struct badmac *b)
{
	uint64_t limit = api_held_limit(b);
	const struct bm_tcp_stats *t = bm_tcp_stats(b->tcp);
	uint64_t before = t->evicted_flows;

	/* No connection gives way to what a report would like to show of others. */
	if (b->env.timeline_held != 0 &&
		b->env.held + b->env.timeline_held + bm_tcp_flows_held(b->tcp) > limit)
		bm_timelines_drop(&b->env);
	while (b->env.held + bm_tcp_flows_held(b->tcp) > limit && bm_tcp_end_oldest(b->tcp))
		;
	b->ended_early += t->evicted_flows - before;
}

/* Of a stream that can be read once, so many octets are kept. */
static size_t
kept_limit(const struct badmac *b)
{
	uint64_t part = api_memory_limit(b) / KEPT_PART,
			 most = b->env.cases != 0 ? KEPT_MOST : KEPT_FEW;

	return (size_t)(part < most ? part : most);
}

/* A hello of which not even the random was captured makes no connection. */
static bool
is_cut_hello(const struct bm_segment *s)
{
	enum { HANDSHAKE = 22, MAJOR = 3, CLIENT_HELLO = 1, SERVER_HELLO = 2, TYPE_AT = 5 };
	const uint8_t *p = s->payload.p;

	return s->payload_len > s->payload.n && s->payload.n > TYPE_AT && p[0] == HANDSHAKE &&
		   p[1] == MAJOR && (p[TYPE_AT] == CLIENT_HELLO || p[TYPE_AT] == SERVER_HELLO);
}

void
api_count_frame(struct badmac *b, const struct bm_frame *frame, const struct bm_segment *segment)
{
	b->packets++;
	if (b->pass == PASS_REPORT) {
		b->summary.packets++;
		b->summary.bytes += frame->data.n;
	}
	if (frame->stale_alert && bm_session_env_stale(&b->env, frame->number) != BM_OK)
		b->status = BM_NOMEM;
	if (b->tie != NULL)
		bm_tie_frame(b->tie, frame->ts_ns);
	if (segment != NULL && is_cut_hello(segment))
		b->cut_hello = true;
	if (segment != NULL ? segment->payload_len > segment->payload.n
						: frame->data.n < frame->wire_len)
		note_cut(b, frame->data.n);
}

static enum bm_status
take_frame(struct badmac *b, const struct input *in, const struct bm_frame *frame,
	const struct bm_segment *segment)
{
	enum bm_status s = BM_OK;

	if (in->read != NULL)
		again_keep(&b->again, frame, kept_limit(b));
	api_count_frame(b, frame, segment);
	if (b->prove != NULL)
		bm_prove_frame(b->prove, frame, segment);
	if (segment != NULL)
		s = bm_tcp_segment(b->tcp, in->site, segment);
	if (s == BM_OK)
		relieve(b);
	return s;
}

/* The records of such a capture are not those that its receivers got. */
static void
tell_repaired(struct badmac *b, const struct input *in, const struct frames *f)
{
	if (f != NULL && frames_repaired(f))
		api_notice(b,
			"%s: was repaired by badmac carve: records are as they were sent, not as they came; an "
			"alert about one that was repaired says nothing about its receiver",
			in->name);
	else if (b->env.stale_count != b->stale_told)
		api_notice(b,
			"%s: holds packets that badmac carve repaired: an alert about a record that was "
			"repaired says nothing about its receiver",
			in->name);
	b->stale_told = b->env.stale_count;
}

enum bm_status
api_end_input(struct badmac *b, const struct input *in, struct frames *f, enum bm_status s,
	const struct bm_decoder_stats *before, const struct bm_decoder *decoder, struct bm_error *e)
{
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
	tell_repaired(b, in, f);
	frames_close(f);
	if (s == BM_END)
		s = unknown_links(b, before, bm_decoder_stats(decoder), e);
	return s == BM_END ? BM_OK : s;
}

/* Shows what frames hold to those who can make use of it before its turn. Returns up to which: one
 * at least. */
static size_t
look_ahead(struct badmac *b, const struct input *in, const struct frames_batch *batch, size_t from)
{
	size_t to = b->env.foresees && b->prove == NULL ? from : batch->n;

	while (to < batch->n && (!bm_decoded_whole(&batch->decoded[to]) ||
								api_foresee(b, in->site, &batch->decoded[to].s)))
		to++;
	bm_session_check_foreseen(&b->env);
	return to != from ? to : from + 1;
}

static enum bm_status
take_batch(struct badmac *b, const struct input *in, struct frames *f, struct frames_batch *batch,
	struct bm_decoder *decoder)
{
	enum bm_status s = BM_OK;

	for (size_t i = 0, to = 0; s == BM_OK && b->status == BM_OK && i < batch->n; i++) {
		if (i == to) {
			bm_session_forget_foreseen(&b->env);
			to = look_ahead(b, in, batch, i);
			frames_read_on(f);
		}
		const struct bm_frame *frame = &batch->frame[i];
		s = take_frame(b, in, frame, bm_decode_joined(decoder, frame, &batch->decoded[i]));
		if (b->packets % PROGRESS_FRAMES == 0)
			api_tell_progress(b, frames_offset(f));
	}
	bm_session_forget_foreseen(&b->env);
	enum bm_status settled = bm_tcp_settle(b->tcp);
	if (s == BM_OK)
		s = settled;
	if (s == BM_OK && batch->secrets.key_log.n != 0)
		s = add_secrets(b, &batch->secrets);
	return s;
}

static enum bm_status
read_batches(struct badmac *b, const struct input *in, struct frames *f, struct bm_decoder *decoder,
	uint64_t *frames, struct bm_error *e)
{
	struct frames_batch batch;
	enum bm_status s = BM_OK;

	while (s == BM_OK && b->status == BM_OK) {
		s = frames_next_batch(f, &batch, e);
		if (s != BM_OK)
			break;
		bm_tcp_lend(b->tcp, batch.home, batch.near, batch.octets);
		bm_tcp_homes_pass(b->tcp, batch.passes);
		if (batch.n != 0)
			*frames = batch.frame[batch.n - 1].number;
		s = take_batch(b, in, f, &batch, decoder);
	}
	/* What it lent goes with it. */
	bm_tcp_lend(b->tcp, NULL, NULL, 0);
	return s;
}

/* Reads one capture into the flow table. */
static enum bm_status
read_input(struct badmac *b, struct input *in, struct bm_decoder *decoder, uint64_t *frames,
	struct bm_error *e)
{
	struct frames *f = NULL;
	struct bm_decoder_stats before = *bm_decoder_stats(decoder);

	api_begin_piece(in, *frames);
	enum bm_status s = frames_open(&f, in, b->env.pool, e);
	if (s == BM_OK)
		s = read_batches(b, in, f, decoder, frames, e);
	if (b->status != BM_OK)
		s = b->status;
	api_end_piece(in, *frames);
	return api_end_input(b, in, f, s, &before, decoder, e);
}

void
api_tell_decoding(struct badmac *b, const struct bm_decoder_stats *d)
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
	if (b->ended_early != 0)
		api_notice(b,
			"%s: %llu connections were given up early, for what was known of all took more than "
			"half of --memory",
			b->site_name, (unsigned long long)b->ended_early);
	if (t->evicted_flows != b->ended_early)
		api_notice(b,
			"%s: %llu connections were given up early, for more were open than --max-flows allows",
			b->site_name, (unsigned long long)(t->evicted_flows - b->ended_early));
}

struct bm_tcp_options
api_tcp_options(const struct badmac *b)
{
	return (struct bm_tcp_options){.flow_memory = b->options.flow_memory,
		.total_memory = (size_t)(api_memory_limit(b) / 2 + 1),
		.max_flows = b->options.max_flows};
}

static void
begin_site(struct badmac *b, uint32_t site)
{
	b->cut_frames = b->snap_length = 0;
	b->ended_early = 0;
	b->stale_told = 0;
	if (b->pass != PASS_REPORT || b->env.knows_all)
		bm_session_env_go_on(&b->env);
	else
		bm_session_env_restart(&b->env);
	b->env.records_time = b->options.format == BADMAC_HTML && b->pass == PASS_REPORT;
	b->env.timeline_most = api_timeline_memory(b);
	b->env.timeline_full = false;
	b->site_pieces = b->pieces != NULL ? &b->pieces[site] : NULL;
	again_clear(&b->again);
	b->again =
		(struct again){.inputs = &b->inputs, .site = site, .fragment_memory = FRAGMENT_MEMORY};
	b->env.traffic = (struct bm_traffic){again_walk, &b->again};
}

static enum bm_status
read_alone(struct badmac *b, uint32_t site, struct bm_error *e)
{
	struct bm_tcp_options options = api_tcp_options(b);
	struct bm_tcp_events events = b->prove != NULL ? api_prove_events(b) : api_events(b);
	struct bm_decoder *decoder = NULL;
	uint64_t frames = 0;

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
		api_tell_decoding(b, bm_decoder_stats(decoder));
	bm_tcp_free(b->tcp);
	b->tcp = NULL;
	bm_decoder_free(decoder);
	return s;
}

enum bm_status
read_site(struct badmac *b, uint32_t site, struct bm_error *e)
{
	struct bm_summary before = b->summary;
	uint64_t next_id = b->next_id, done = b->input_done, packets = b->packets;
	size_t notices = b->notice_count, reason_count = b->reason_count;
	struct reason reasons[REASONS_MAX];
	bool given_up = true, damaged = b->damaged;

	memcpy(reasons, b->reasons, sizeof reasons);
	begin_site(b, site);
	if (shards_worth_trying(b, site)) {
		enum bm_status s = shards_read_site(b, site, &given_up, e);
		if (s != BM_OK || !given_up)
			return s;
		b->summary = before;
		b->next_id = next_id;
		b->input_done = done;
		b->packets = packets;
		b->notice_count = notices;
		b->reason_count = reason_count;
		memcpy(b->reasons, reasons, sizeof reasons);
		b->damaged = damaged;
		begin_site(b, site);
	}
	return read_alone(b, site, e);
}
