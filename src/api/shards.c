/* See shards.h. All shards see all segments go by, for time to pass in each as in one table; of
 * those that are its own each makes what one reader would. Connections are found and end in the
 * same order then, once what the shards noted is put in order by the segment at which it happened.
 */
#include "api/shards.h"

#include "api/frames.h"

#include <stdlib.h>

enum {
	SHARDS_MAX = 16,
	/* Smaller captures are read sooner than threads are started. */
	LEAST_OCTETS = 256 << 10,
	BUCKETS = 256
};

/* Something that one reader would have come to at this place. */
struct event {
	struct bm_ending place;
	uint64_t number; /* of the connection in its shard */
	unsigned shard;
	struct bm_connection *ended; /* owned; NULL: found to be TLS */
	uint64_t order;              /* of equal places: as they came in their shard */
};

struct shard {
	struct badmac *view; /* what the events of its flows work on */
	struct event *events;
	size_t count, cap;
	uint64_t *ids; /* of its connections, by their numbers here */
	size_t id_count, id_cap;
	uint64_t numbers;
	unsigned index;
	bool over; /* anything is not as it should be */
};

struct run {
	struct badmac *b;
	struct shard shard[SHARDS_MAX];
	unsigned n;
	uint32_t site;
	/* The batch in hand. */
	const struct bm_segment **segment;
	uint8_t *owner;
	size_t segments, segment_cap;
	const struct frames_batch *batch;
	struct event *all;
	size_t all_cap;
};

static bool
in_memory(const struct badmac *b, uint32_t site, uint64_t *octets)
{
	*octets = 0;
	for (size_t i = 0; i < b->inputs.n; i++) {
		const struct input *in = &b->inputs.item[i];
		if (in->site == site && in->read != NULL)
			return false;
		*octets += in->site == site ? in->bytes.n : 0;
	}
	return true;
}

bool
shards_worth_trying(const struct badmac *b, uint32_t site)
{
	uint64_t octets;

	return bm_pool_workers(b->env.pool) > 1 && b->prove == NULL && b->pass == PASS_REPORT &&
		   b->views.n == 0 && b->tie == NULL && in_memory(b, site, &octets) &&
		   octets >= LEAST_OCTETS;
}

/* The same for both directions. */
static uint32_t
bucket(const struct bm_segment *g)
{
	uint64_t sum = (uint64_t)g->src.port * g->dst.port + g->src.port + g->dst.port;

	for (size_t i = 0; i < 16; i += 8)
		sum += bm_load64(g->src.ip + i) + bm_load64(g->dst.ip + i);
	sum += sum >> 32;
	return (uint32_t)(sum * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static void
note(struct shard *s, const struct bm_flow *f, uint64_t number, struct bm_connection *ended)
{
	void *items = s->events;
	enum bm_status st =
		bm_grow(&items, &s->cap, s->count + 1, SIZE_MAX / sizeof *s->events, sizeof *s->events);

	s->events = items;
	if (st != BM_OK) {
		free(ended);
		s->over = true;
		return;
	}
	s->events[s->count] =
		(struct event){bm_tcp_ending(s->view->tcp, f), number, s->index, ended, (uint64_t)s->count};
	s->count++;
}

uint64_t
shards_number(struct badmac *b, const struct bm_flow *f)
{
	note(b->shard, f, b->shard->numbers, NULL);
	return b->shard->numbers++;
}

void
shards_tell(struct badmac *b, const struct bm_flow *f, const struct bm_connection *c)
{
	size_t size;
	struct bm_connection *kept = bm_connection_keep(c, &size);

	/* Whatever is to be explained has to do with others. */
	if (kept == NULL || c->failure_count != 0)
		b->shard->over = true;
	if (kept != NULL)
		note(b->shard, f, c->id, kept);
}

static bool
may_go_on(const struct shard *s)
{
	const struct bm_session_env *env = &s->view->env;

	return !s->over && s->view->status == BM_OK && env->cases == 0 && env->spent == 0 &&
		   env->start_spent == 0 && !env->asked_others;
}

/* As in read.c. */
static size_t
look_ahead(struct run *r, struct shard *s, size_t from)
{
	size_t to = s->view->env.foresees ? from : r->segments;

	bm_session_forget_foreseen(&s->view->env);
	while (to < r->segments &&
		   (r->owner[to] != s->index || api_foresee(s->view, r->site, r->segment[to])))
		to++;
	bm_session_check_foreseen(&s->view->env);
	return to != from ? to : from + 1;
}

static void
process(void *ctx, size_t part, unsigned worker)
{
	struct run *r = ctx;
	struct shard *s = &r->shard[part];
	struct badmac *v = s->view;

	(void)worker;
	bm_tcp_lend(v->tcp, r->batch->home, r->batch->near, r->batch->octets);
	bm_tcp_homes_pass(v->tcp, r->batch->passes);
	for (size_t i = 0, to = 0; i < r->segments && may_go_on(s); i++) {
		if (i == to)
			to = look_ahead(r, s, i);
		if (r->owner[i] != part) {
			bm_tcp_pass(v->tcp, r->segment[i]);
			continue;
		}
		if (bm_tcp_segment(v->tcp, r->site, r->segment[i]) != BM_OK ||
			v->env.held + v->env.timeline_held + bm_tcp_flows_held(v->tcp) > v->held_part ||
			v->env.timeline_full)
			s->over = true;
	}
	bm_session_forget_foreseen(&v->env);
	if (bm_tcp_settle(v->tcp) != BM_OK)
		s->over = true;
	const struct bm_tcp_stats *t = bm_tcp_stats(v->tcp);
	if (!may_go_on(s) || t->crowded != 0 || t->dropped_bytes != 0 || t->leaps != 0)
		s->over = true;
}

static void
finish(void *ctx, size_t part, unsigned worker)
{
	struct run *r = ctx;

	(void)worker;
	bm_tcp_finish(r->shard[part].view->tcp);
	if (!may_go_on(&r->shard[part]))
		r->shard[part].over = true;
}

static int
by_place(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	const uint64_t u[] = {x->place.segment, x->place.how, x->place.since, x->shard, x->order};
	const uint64_t v[] = {y->place.segment, y->place.how, y->place.since, y->shard, y->order};

	for (size_t i = 0; i < sizeof u / sizeof *u; i++)
		if (u[i] != v[i])
			return u[i] < v[i] ? -1 : 1;
	return 0;
}

static bool
number_it(struct shard *s, uint64_t id)
{
	void *items = s->ids;
	enum bm_status st =
		bm_grow(&items, &s->id_cap, s->id_count + 1, SIZE_MAX / sizeof *s->ids, sizeof *s->ids);

	s->ids = items;
	if (st == BM_OK)
		s->ids[s->id_count++] = id;
	return st == BM_OK;
}

/* Tells of what the shards have noted. False: a shard is over, and nothing was told. */
static bool
merge(struct run *r)
{
	size_t n = 0;

	for (unsigned i = 0; i < r->n; i++) {
		if (r->shard[i].over)
			return false;
		n += r->shard[i].count;
	}
	void *items = r->all;
	enum bm_status st = bm_grow(&items, &r->all_cap, n, SIZE_MAX / sizeof *r->all, sizeof *r->all);
	r->all = items;
	if (st != BM_OK)
		return false;
	n = 0;
	for (unsigned i = 0; i < r->n; i++) {
		struct shard *s = &r->shard[i];
		if (s->count != 0)
			memcpy(r->all + n, s->events, s->count * sizeof *r->all);
		n += s->count;
		s->count = 0;
	}
	if (n != 0)
		qsort(r->all, n, sizeof *r->all, by_place);
	bool good = true;
	for (size_t i = 0; i < n; i++) {
		struct event *x = &r->all[i];
		struct shard *s = &r->shard[x->shard];
		if (x->ended == NULL) {
			good = good && number_it(s, r->b->next_id++);
			continue;
		}
		if (good && r->b->status == BM_OK) {
			x->ended->id = s->ids[x->number];
			api_tell(r->b, x->ended);
		}
		free(x->ended);
	}
	return good;
}

static bool
add_shard(struct run *r, const struct bm_tcp_options *options)
{
	struct shard *s = &r->shard[r->n];
	struct badmac *v = s->view = calloc(1, sizeof *v);

	if (v == NULL)
		return false;
	s->index = r->n++;
	*v = *r->b;
	v->shard = s;
	v->env = (struct bm_session_env){
		.keys = r->b->keys, .first_share = r->b->env.first_share, .apart = true};
	v->env.traffic = r->b->env.traffic;
	v->env.records_time = r->b->env.records_time;
	v->env.timeline_most = r->b->env.timeline_most / bm_pool_workers(r->b->env.pool);
	v->arena = v->words = (struct bm_arena){.max = r->b->words.max};
	v->report = NULL;
	v->held_part = api_held_limit(r->b) / bm_pool_workers(r->b->env.pool);
	struct bm_tcp_events events = api_events(v);
	return bm_tcp_new(&v->tcp, options, &events) == BM_OK;
}

static void
end_run(struct run *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct shard *s = &r->shard[i];
		struct badmac *v = s->view;
		if (v->tcp != NULL) {
			/* Ends what is left without judging it. */
			if (v->status == BM_OK)
				v->status = BM_USAGE;
			bm_tcp_finish(v->tcp);
		}
		bm_tcp_free(v->tcp);
		bm_session_env_clear(&v->env);
		bm_arena_clear(&v->words);
		bm_arena_clear(&v->arena);
		for (size_t k = 0; k < s->count; k++)
			free(s->events[k].ended);
		free(s->events);
		free(s->ids);
		free(v);
	}
	free(r->segment);
	free(r->owner);
	free(r->all);
}

/* What the frames of a batch hold, and whose it is. False: some of it stands in several frames,
 * or has to be known to all. */
static bool
take_batch(struct run *r, const struct frames_batch *batch, struct bm_decoder *decoder)
{
	const unsigned shards = r->n != 0 ? r->n : 1;

	if (batch->n > r->segment_cap) {
		free(r->segment);
		free(r->owner);
		r->segment = calloc(batch->n, sizeof(struct bm_segment *));
		r->owner = calloc(batch->n, 1);
		r->segment_cap = r->segment != NULL && r->owner != NULL ? batch->n : 0;
		if (r->segment_cap == 0)
			return false;
	}
	r->batch = batch;
	r->segments = 0;
	for (size_t i = 0; i < batch->n; i++) {
		if (bm_decoded_in_part(&batch->decoded[i]) || batch->frame[i].stale_alert)
			return false;
		const struct bm_segment *g =
			bm_decode_joined(decoder, &batch->frame[i], &batch->decoded[i]);
		api_count_frame(r->b, &batch->frame[i], g);
		/* How much is cut is told of connections, as far as was known when they ended. */
		if (r->b->cut_frames != 0)
			return false;
		if (g == NULL)
			continue;
		r->owner[r->segments] = (uint8_t)(bucket(g) % shards);
		r->segment[r->segments++] = g;
	}
	return true;
}

/* No connection has so large a part of the first octets that one thread would do most of the work.
 */
static bool
is_spread(const struct frames_batch *batch, unsigned shards)
{
	uint64_t of[BUCKETS] = {0}, all = 0, most = 0;

	for (size_t i = 0; i < batch->n; i++) {
		const struct bm_decoded *x = &batch->decoded[i];
		if (!bm_decoded_whole(x))
			continue;
		uint64_t *o = &of[bucket(&x->s) / (UINT32_MAX / BUCKETS + 1)];
		*o += x->s.payload_len + 200;
		all += x->s.payload_len + 200;
		most = *o > most ? *o : most;
	}
	return all != 0 && most * 2 * shards <= all;
}

static enum bm_status
read_one(struct run *r, struct input *in, struct bm_decoder *decoder, uint64_t *frames,
	bool *given_up, struct bm_error *e)
{
	struct badmac *b = r->b;
	struct frames *f = NULL;
	struct frames_batch batch;
	struct bm_decoder_stats before = *bm_decoder_stats(decoder);

	api_begin_piece(in, *frames);
	enum bm_status s = frames_open(&f, in, b->env.pool, e);
	for (bool first = *frames == 0; s == BM_OK && !*given_up && b->status == BM_OK; first = false) {
		s = frames_next_batch(f, &batch, e);
		if (s != BM_OK)
			break;
		*given_up = (first && !is_spread(&batch, r->n)) || !take_batch(r, &batch, decoder);
		if (*given_up)
			break;
		*frames = batch.n != 0 ? batch.frame[batch.n - 1].number : *frames;
		frames_read_on(f);
		bm_pool_run(b->env.pool, r->n, process, r);
		*given_up = !merge(r);
		api_tell_progress(b, frames_offset(f));
	}
	r->batch = NULL;
	for (unsigned i = 0; i < r->n; i++)
		bm_tcp_lend(r->shard[i].view->tcp, NULL, NULL, 0);
	if (*given_up || b->status != BM_OK) {
		frames_close(f);
		return b->status;
	}
	api_end_piece(in, *frames);
	return api_end_input(b, in, f, s, &before, decoder, e);
}

enum bm_status
shards_read_site(struct badmac *b, uint32_t site, bool *given_up, struct bm_error *e)
{
	unsigned workers = bm_pool_workers(b->env.pool);
	struct run r = {.b = b, .site = site};
	struct bm_tcp_options options = api_tcp_options(b);
	struct bm_decoder *decoder = NULL;
	uint64_t frames = 0;
	enum bm_status s = bm_decoder_new(&decoder, 0);

	options.total_memory = options.total_memory / workers + 1;
	options.max_flows = (options.max_flows != 0 ? options.max_flows : 1000000) / workers;
	/* 0 would be as many as usual. */
	*given_up = options.max_flows == 0;
	while (s == BM_OK && !*given_up && r.n < workers && r.n < SHARDS_MAX)
		if (!add_shard(&r, &options))
			s = BM_NOMEM;
	for (size_t i = 0; s == BM_OK && !*given_up && i < b->inputs.n; i++) {
		struct input *in = &b->inputs.item[i];
		if (in->site != site)
			continue;
		b->site_name = in->site_name;
		b->reading = in->name;
		for (unsigned k = 0; k < r.n; k++)
			r.shard[k].view->site_name = in->site_name;
		s = read_one(&r, in, decoder, &frames, given_up, e);
	}
	if (s == BM_OK && !*given_up) {
		bm_pool_run(b->env.pool, r.n, finish, &r);
		*given_up = !merge(&r);
	}
	if (s == BM_OK && !*given_up)
		s = b->status;
	/* Want of memory, here, is for one thread to find out. */
	if (s == BM_NOMEM && b->status == BM_OK) {
		*given_up = true;
		s = BM_OK;
	}
	if (s == BM_OK && !*given_up)
		api_tell_decoding(b, bm_decoder_stats(decoder));
	end_run(&r);
	bm_decoder_free(decoder);
	return s;
}
