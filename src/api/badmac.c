/* The public interface: ties captures, flows, sessions, verdicts and the report together. Opens
 * nothing, prints nothing. */
#include "badmac.h"

#include "api/again.h"
#include "api/twins.h"
#include "logs/keyfile.h"
#include "report/report.h"
#include "tcp/tcp.h"
#include "verdict/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	NOTICES_MAX = 64,
	REASONS_MAX = 16,
	FRAGMENT_MEMORY = 16 << 20,
	RESULT_MEMORY = 256 << 20, /* of one connection */
	PROGRESS_FRAMES = 4096,
	/* Octets of a stream that can be read again: what stays in the processor's cache, and once
	 * something has failed as large a part of the memory limit, at most. */
	KEPT_FEW = 1 << 20,
	KEPT_MOST = 32 << 20,
	KEPT_PART = 16
};

/* Why connections are undecided, and how many for that reason. */
struct reason {
	const char *because;
	uint64_t connections;
};

struct badmac {
	struct badmac_options options;
	struct bm_keyring *keys;
	struct bm_key_counts key_counts;
	struct inputs inputs;
	struct again again;
	struct bm_session_env env;
	struct bm_arena arena; /* notices and what lives for the run */
	struct bm_notice notices[NOTICES_MAX];
	size_t notice_count;
	struct reason reasons[REASONS_MAX];
	size_t reason_count;
	struct bm_summary summary;
	struct bm_report *report;
	struct bm_tcp *tcp;
	const char *site_name, *reading; /* the capture in hand */
	uint64_t next_id;
	uint64_t input_total, input_done;
	struct twins twins;   /* connections seen so far, when there are several sites */
	uint32_t snap_length; /* to which frames of the capture in hand were cut; 0: none */
	uint64_t cut_frames;
	enum bm_status status; /* first failure inside a callback */
	bool ran, finished, damaged;
};

/* What a flow carries around. */
struct watched {
	struct bm_session *session;
	uint64_t id;
	bool numbered;
};

static enum badmac_status
public_status(enum bm_status s)
{
	switch (s) {
	case BM_OK:
	case BM_END:
		return BADMAC_OK;
	case BM_NOMEM:
		return BADMAC_NOMEM;
	case BM_IO:
		return BADMAC_IO;
	case BM_UNSUPPORTED:
		return BADMAC_UNSUPPORTED;
	case BM_USAGE:
		return BADMAC_USAGE;
	case BM_FORMAT:
	case BM_TRUNCATED:
	case BM_LIMIT:
		break;
	}
	return BADMAC_FORMAT;
}

static enum badmac_status
fail(struct badmac_error *error, enum bm_status s, const struct bm_error *e)
{
	enum badmac_status status = public_status(s);

	if (error != NULL && status != BADMAC_OK) {
		error->status = status;
		error->what = e != NULL && e->what != NULL ? e->what : bm_status_text(s);
		error->offset = e != NULL ? e->offset : 0;
		error->input = NULL;
	}
	return status;
}

__attribute__((format(printf, 2, 3))) static void
notice(struct badmac *b, const char *format, ...)
{
	char line[512];
	va_list ap;

	if (b->notice_count >= NOTICES_MAX)
		return;
	va_start(ap, format);
	int n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	const char *text = n >= 0 ? bm_arena_print(&b->arena, "%s", line) : NULL;
	if (text != NULL)
		b->notices[b->notice_count++].text = text;
}

/* Whoever compiled against another header, or passed a number on, hears of it. */
static bool
known_values(const struct badmac_options *o)
{
	return (unsigned)o->place <= BADMAC_AT_MIDDLE && (unsigned)o->effort <= BADMAC_DEEP &&
		   (unsigned)o->format <= BADMAC_JSON;
}

enum badmac_status
badmac_new(struct badmac **out, const struct badmac_options *options, struct badmac_error *error)
{
	if (out == NULL)
		return fail(error, BM_USAGE, NULL);
	*out = NULL;
	if (options == NULL || options->write == NULL || !known_values(options))
		return fail(error, BM_USAGE, NULL);
	struct badmac *b = calloc(1, sizeof *b);
	if (b == NULL)
		return fail(error, BM_NOMEM, NULL);
	b->options = *options;
	b->arena.max = RESULT_MEMORY;
	enum bm_status s = bm_keyring_new(&b->keys);
	if (s != BM_OK) {
		free(b);
		return fail(error, s, NULL);
	}
	b->env.keys = b->keys;
	b->env.first_share = options->effort == BADMAC_QUICK  ? BM_SHARE_QUICK
						 : options->effort == BADMAC_DEEP ? BM_SHARE_DEEP
														  : BM_SHARE_NORMAL;
	*out = b;
	return BADMAC_OK;
}

void
badmac_free(struct badmac *b)
{
	if (b == NULL)
		return;
	bm_keyring_free(b->keys);
	inputs_clear(&b->inputs);
	again_clear(&b->again);
	twins_clear(&b->twins);
	bm_report_free(b->report);
	bm_arena_clear(&b->arena);
	bm_session_env_clear(&b->env);
	free(b);
}

static void
tell_bad_lines(struct badmac *b, const char *name, const struct bm_key_counts *c)
{
	if (c->bad_lines != 0)
		notice(b, "%s: %llu line%s could not be read, the first is line %llu", name,
			(unsigned long long)c->bad_lines, c->bad_lines == 1 ? "" : "s",
			(unsigned long long)c->first_bad_line);
}

enum badmac_status
badmac_add_named_keys(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error)
{
	struct bm_error e = {BM_OK, NULL, 0};
	struct bm_key_counts counts = {0};

	if (b == NULL || b->ran || name == NULL || (bytes == NULL && n != 0))
		return fail(error, BM_USAGE, NULL);
	enum bm_status s = bm_keys_read(b->keys, bm_view(bytes, n), &counts, &e);
	if (s == BM_OK)
		tell_bad_lines(b, name, &counts);
	return fail(error, s, &e);
}

enum badmac_status
badmac_add_keys(struct badmac *b, const void *bytes, size_t n, struct badmac_error *error)
{
	return badmac_add_named_keys(b, "key material", bytes, n, error);
}

enum badmac_status
badmac_add_capture(
	struct badmac *b, const char *name, const void *bytes, size_t n, struct badmac_error *error)
{
	struct bm_capture *c;
	struct bm_error e = {BM_OK, NULL, 0};

	if (b == NULL || b->ran || name == NULL || (bytes == NULL && n != 0))
		return fail(error, BM_USAGE, NULL);
	enum bm_status s = bm_capture_open_memory(&c, bm_view(bytes, n), &e);
	if (s != BM_OK)
		return fail(error, s, &e);
	bm_capture_free(c);
	return fail(error, inputs_add(&b->inputs, name, bm_view(bytes, n), NULL, NULL), NULL);
}

enum badmac_status
badmac_add_stream(struct badmac *b, const char *name, long (*read)(void *ctx, uint8_t *p, size_t n),
	void *ctx, struct badmac_error *error)
{
	if (b == NULL || b->ran || name == NULL || read == NULL)
		return fail(error, BM_USAGE, NULL);
	return fail(error, inputs_add(&b->inputs, name, bm_view(NULL, 0), read, ctx), NULL);
}

static enum bm_status
add_secrets(void *ctx, const struct bm_secrets *s)
{
	struct badmac *b = ctx;

	return bm_keyring_add_key_log(b->keys, s->key_log, BM_SOURCE_SECRETS_BLOCK, &b->key_counts);
}

static struct watched *
watch(struct badmac *b, struct bm_flow *f)
{
	struct watched *w = bm_flow_user(f);

	if (w != NULL || b->status != BM_OK)
		return w;
	w = calloc(1, sizeof *w);
	if (w == NULL || bm_session_new(&w->session, &b->env, f) != BM_OK) {
		free(w);
		b->status = BM_NOMEM;
		return NULL;
	}
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
let_go(struct bm_flow *f, struct watched *w)
{
	if (!bm_session_dismissed(w->session))
		return;
	bm_flow_set_user(f, NULL);
	bm_session_free(w->session);
	free(w);
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct badmac *b = ctx;
	struct watched *w = watch(b, f);

	if (w == NULL || b->status != BM_OK)
		return;
	bm_session_data(w->session, way);
	after_event(b, w);
	let_go(f, w);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (w != NULL && b->status == BM_OK)
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

static void
report_connection(struct badmac *b, struct watched *w)
{
	struct bm_arena arena = {.max = RESULT_MEMORY};
	struct bm_connection c;
	struct bm_verdict_options o = {.place = (enum bm_place)b->options.place,
		.capture = b->site_name,
		.effort = effort(b->options.effort),
		.any_keys = !bm_keyring_empty(b->keys),
		.keys = b->keys,
		.snap_length = b->snap_length};

	b->status = bm_verdict(w->session, &o, &b->env.scratch, &arena, &c);
	if (b->status == BM_OK) {
		c.id = w->id;
		b->summary.connections++;
		b->summary.seen_elsewhere +=
			twins_seen(&b->twins, &c, bm_flow_site(bm_session_flow(w->session)));
		for (unsigned d = 0; d < 2; d++) {
			b->summary.records.verified += c.records[d].verified;
			b->summary.records.failed += c.records[d].failed;
			b->summary.records.undecided += c.records[d].undecided;
			b->summary.records.plaintext += c.records[d].plaintext;
		}
		if (c.result == BM_RESULT_FAILED ||
			(c.result == BM_RESULT_UNDECIDED && b->summary.result == BM_RESULT_VERIFIED))
			b->summary.result = c.result;
		if (c.result == BM_RESULT_UNDECIDED && c.undecided_because != NULL)
			count_reason(b, c.undecided_because);
		b->status = bm_report_connection(b->report, &c);
	}
	bm_arena_clear(&arena);
}

/* Ends what w has followed so far, whether or not the flow goes on. */
static void
conclude(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	bm_flow_set_user(f, NULL);
	if (b->status == BM_OK) {
		bm_session_end(w->session);
		after_event(b, w);
		if (b->status == BM_OK && w->numbered)
			report_connection(b, w);
	}
	bm_session_free(w->session);
	free(w);
}

static void
on_datagram(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s)
{
	struct badmac *b = ctx;
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
	let_go(f, w);
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

/* Reads one capture into the flow table. */
static enum bm_status
read_input(struct badmac *b, struct input *in, struct bm_decoder *decoder, uint64_t *frames,
	struct bm_error *e)
{
	struct bm_capture *c = NULL;
	struct bm_capture_item item;
	struct bm_segment segment;
	uint64_t base = in->packets_before = *frames;
	struct bm_decoder_stats before = *bm_decoder_stats(decoder);
	enum bm_status s = in->read != NULL ? bm_capture_open_stream(&c, in->read, in->ctx, e)
										: bm_capture_open_memory(&c, in->bytes, e);

	while (s == BM_OK && b->status == BM_OK) {
		s = bm_capture_next(c, &item, e);
		if (s != BM_OK)
			break;
		if (item.event == BM_CAPTURE_SECRETS) {
			if (in->read != NULL)
				s = add_secrets(b, &item.secrets);
			continue;
		}
		item.frame.number += base;
		/* Frames of a mapped file stay; those of an earlier piece do too, until the run ends. */
		*frames = item.frame.number;
		b->summary.packets++;
		b->summary.bytes += item.frame.data.n;
		if (in->read != NULL)
			again_keep(&b->again, &item.frame, kept_limit(b));
		bool decoded = bm_decode(decoder, &item.frame, &segment);
		if (decoded ? segment.payload_len > segment.payload.n
					: item.frame.data.n < item.frame.wire_len)
			note_cut(b, item.frame.data.n);
		if (decoded)
			s = bm_tcp_segment(b->tcp, in->site, &segment);
		while (s == BM_OK && b->env.held > held_limit(b) && bm_tcp_end_oldest(b->tcp))
			;
		if (b->summary.packets % PROGRESS_FRAMES == 0)
			tell_progress(b, bm_capture_input_offset(c));
	}
	if (b->status != BM_OK)
		s = b->status;
	const char *of =
		c != NULL && strchr(bm_capture_format(c), '(') != NULL ? " of the uncompressed data" : "";
	if (s == BM_TRUNCATED) {
		notice(b,
			"%s: ends in the middle of a packet, at byte %llu%s; everything before it was read",
			in->name, (unsigned long long)e->offset, of);
		s = BM_END;
	} else if ((s == BM_FORMAT || s == BM_LIMIT) && c != NULL) {
		notice(b, "%s: cannot be read past byte %llu%s: %s", in->name,
			(unsigned long long)e->offset, of, e->what);
		b->damaged = true;
		s = BM_END;
	}
	if (c != NULL)
		b->input_done += bm_capture_input_offset(c);
	bm_capture_free(c);
	if (s == BM_END)
		s = unknown_links(b, &before, bm_decoder_stats(decoder), e);
	return s == BM_END ? BM_OK : s;
}

static void
tell_decoding(struct badmac *b, const struct bm_decoder_stats *d)
{
	b->summary.undecoded += d->unknown_link + d->malformed;
	if (b->cut_frames != 0)
		notice(b, "%s: %llu packets are cut to %lu bytes; capture whole ones (tcpdump -s 0)",
			b->site_name, (unsigned long long)b->cut_frames, (unsigned long)b->snap_length);
	if (d->unknown_link != 0 && d->unknown_link != d->frames)
		notice(b, "%s: %llu packets of link type %lu were passed over: it is not known here",
			b->site_name, (unsigned long long)d->unknown_link, (unsigned long)d->last_unknown_link);
	if (d->fragments_dropped != 0)
		notice(b, "%s: %llu IP fragments had to be dropped", b->site_name,
			(unsigned long long)d->fragments_dropped);
}

static void
tell_limits(struct badmac *b, const struct bm_tcp_stats *t)
{
	if (t->dropped_bytes != 0)
		notice(b,
			"%s: memory limits cut %llu bytes out of connections; raise --flow-memory or --memory",
			b->site_name, (unsigned long long)t->dropped_bytes);
	if (t->evicted_flows != 0)
		notice(b,
			"%s: %llu connections were given up early, for more were open than --max-flows allows",
			b->site_name, (unsigned long long)t->evicted_flows);
}

/* All captures of one site, in order of time, through one flow table. */
static enum bm_status
read_site(struct badmac *b, uint32_t site, struct bm_error *e)
{
	struct bm_tcp_options options = {.flow_memory = b->options.flow_memory,
		.total_memory = b->options.total_memory,
		.max_flows = b->options.max_flows};
	struct bm_tcp_events events = {on_data, on_copy, on_datagram, on_end, b};
	struct bm_decoder *decoder = NULL;
	uint64_t frames = 0;

	b->cut_frames = b->snap_length = 0;
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

static enum bm_status
scan_secrets(struct badmac *b)
{
	for (size_t i = 0; i < b->inputs.n; i++) {
		struct input *in = &b->inputs.item[i];
		if (in->read != NULL)
			continue;
		b->input_total += in->bytes.n;
		/* A file that breaks off is told of when it is read for its packets. */
		enum bm_status s = bm_capture_scan_secrets(in->bytes, add_secrets, b, NULL);
		if (s == BM_NOMEM)
			return s;
	}
	return BM_OK;
}

enum badmac_status
badmac_run(struct badmac *b, struct badmac_error *error)
{
	struct bm_error e = {BM_OK, NULL, 0};

	if (b == NULL || b->ran)
		return fail(error, BM_USAGE, NULL);
	b->ran = true;
	struct bm_report_options ro = {.json = b->options.format == BADMAC_JSON,
		.color = b->options.color != 0,
		.verbose = b->options.verbose != 0,
		.write = b->options.write,
		.write_ctx = b->options.write_ctx};
	enum bm_status s = bm_report_new(&b->report, &ro);
	if (s == BM_OK)
		s = scan_secrets(b);
	if (s == BM_OK)
		s = inputs_order(&b->inputs);
	uint32_t sites = 0;
	for (size_t i = 0; i < b->inputs.n; i++)
		if (b->inputs.item[i].site >= sites)
			sites = b->inputs.item[i].site + 1;
	b->twins.wanted = sites > 1;
	enum bm_status io = BM_OK;
	for (uint32_t site = 0; s == BM_OK && site < sites; site++) {
		s = read_site(b, site, &e);
		if (s == BM_IO && b->status == BM_OK) {
			io = s; /* reported on, as far as it could be read */
			s = BM_OK;
		}
	}
	tell_bad_lines(b, "secrets inside a capture", &b->key_counts);
	if (s == BM_OK) {
		b->summary.notices = b->notices;
		b->summary.notice_count = b->notice_count;
		s = bm_report_finish(b->report, &b->summary);
	}
	if (s == BM_OK)
		s = io;
	b->finished = s == BM_OK || s == BM_IO;
	bool about_input = e.what != NULL && e.status == s;
	enum badmac_status status = fail(error, s, about_input ? &e : NULL);
	if (error != NULL && about_input)
		error->input = b->reading;
	return status;
}

enum badmac_result
badmac_result(const struct badmac *b)
{
	if (b == NULL || !b->finished)
		return BADMAC_UNDECIDED;
	switch (b->summary.result) {
	case BM_RESULT_FAILED:
		return BADMAC_FAILED;
	case BM_RESULT_UNDECIDED:
		return BADMAC_UNDECIDED;
	case BM_RESULT_VERIFIED:
		break;
	}
	return BADMAC_VERIFIED;
}

const char *
badmac_undecided_because(const struct badmac *b, size_t nth, uint64_t *connections)
{
	if (nth >= b->reason_count)
		return NULL;
	if (connections != NULL)
		*connections = b->reasons[nth].connections;
	return b->reasons[nth].because;
}

const char *
badmac_notice(const struct badmac *b, size_t nth)
{
	return nth < b->notice_count ? b->notices[nth].text : NULL;
}

int
badmac_input_damaged(const struct badmac *b)
{
	return b->damaged;
}

const char *
badmac_version(void)
{
	return BADMAC_VERSION;
}
