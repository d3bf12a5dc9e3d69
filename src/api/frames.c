/* See frames.h. The capture is cut into batches. Whoever begins with one reads its frames, which
 * one thread does at a time and in order, and then decodes them, which takes longer and several do
 * at once. Batches are begun by free threads, or by the caller when it has nothing else to do. */
#include "api/frames.h"

#include "base/buf.h"

#include <sched.h>
#include <stdlib.h>

enum {
	/* The one before the caller's, the caller's, and those that are read ahead. */
	BATCHES = 6,
	BATCH_FRAMES = 512,
	/* Of frames: so many batches are in the processor's cache still when the caller comes to them.
	 */
	BATCH_OCTETS = 1 << 20,
	BATCH_OCTETS_ALONE = 1 << 18,
	/* What the frames of a batch may take beside that: their headers in the capture, and the last
	 * one, if it is not of the largest. */
	BATCH_REST = 192 << 10
};

struct batch {
	struct frames *of;
	struct bm_task task;
	struct bm_decoder *decoder; /* to whoever begins with it */
	uint64_t number;            /* of the batch: its turn to read */
	uint8_t *buffer;            /* to which the part of the capture is brought; or NULL */
	uint64_t from;              /* where in the capture that begins */
	size_t octets;              /* and how long it is */
	struct bm_buf apart;        /* what a stream brought elsewhere, one item at most */
	size_t n;
	struct bm_frame frame[BATCH_FRAMES];
	struct bm_decoded decoded[BATCH_FRAMES];
	struct bm_secrets secrets;
	enum bm_status status; /* behind the last one */
	struct bm_error error;
	uint64_t offset;
};

struct frames {
	struct bm_capture *capture;
	struct bm_pool *pool;
	bool stays;           /* frames have a home for as long as the capture is open */
	bool streamed;        /* nobody has looked at it before */
	struct bm_view bytes; /* of what stays in memory */
	bm_read_at_fn read_at;
	void *read_ctx;
	size_t last_octets;        /* of the capture that the last batch took; guarded by the turn */
	atomic_uint_fast64_t turn; /* the batch that is read next; guards the capture */
	bool ended;                /* the same */
	struct batch *batch[BATCHES];
	uint64_t batches; /* how many there are */
	uint64_t ahead;   /* how many are read ahead of the caller */
	size_t batch_octets, buffer_octets;
	uint64_t at;     /* batch that the caller is in */
	uint64_t begun;  /* how many have been; 0: the caller is in none yet */
	uint64_t before; /* frames in earlier pieces */
};

static bool
is_lent(const struct frames *f, const struct batch *b, const uint8_t *p)
{
	return (uintptr_t)p - (uintptr_t)b->buffer < f->buffer_octets;
}

/* What a stream brought to no place that stays until the batch has been dealt with. */
static enum bm_status
bring_apart(const struct frames *f, struct batch *b, struct bm_view *v)
{
	if (v->n == 0 || is_lent(f, b, v->p))
		return BM_OK;
	b->apart.n = 0;
	b->apart.max = SIZE_MAX;
	enum bm_status s = bm_buf_add(&b->apart, *v);
	*v = bm_buf_view(&b->apart);
	return s == BM_OK ? BM_OK : bm_fail(&b->error, s, 0, bm_status_text(s));
}

/* Of a capture in memory they have been read before. False: the batch ends here. */
static bool
take_secrets(const struct frames *f, struct batch *b, const struct bm_secrets *secrets)
{
	if (!f->streamed)
		return true;
	b->secrets = *secrets;
	b->status = bring_apart(f, b, &b->secrets.key_log);
	return false;
}

static bool
add_frame(const struct frames *f, struct batch *b, const struct bm_frame *frame)
{
	struct bm_frame *to = &b->frame[b->n];

	*to = *frame;
	to->number += f->before;
	if (!f->stays) {
		b->status = bring_apart(f, b, &to->data);
		if (b->status != BM_OK)
			return false;
		to->home = to->data.p;
	}
	b->n++;
	return f->stays || to->data.n == 0 || is_lent(f, b, to->data.p);
}

static void
borrow(struct frames *f, const struct batch *b)
{
	const struct bm_loan loan = {b->buffer, f->buffer_octets, f->read_at, f->read_ctx};

	bm_capture_borrow(f->capture, &loan, f->last_octets);
}

static void
read_batch(struct frames *f, struct batch *b)
{
	struct bm_capture_item item;
	size_t octets = 0;
	bool more = true;

	b->n = 0;
	b->secrets = (struct bm_secrets){.offset = 0};
	b->status = f->ended ? BM_END : BM_OK;
	b->from = bm_capture_offset(f->capture);
	borrow(f, b);
	while (more && b->status == BM_OK && b->n < BATCH_FRAMES && octets < f->batch_octets) {
		bm_capture_may_pause(f->capture, !f->stays && b->n != 0);
		b->status = bm_capture_next(f->capture, &item, &b->error);
		if (b->status != BM_OK)
			break;
		if (item.event == BM_CAPTURE_SECRETS) {
			more = take_secrets(f, b, &item.secrets);
		} else {
			octets += item.frame.data.n;
			more = add_frame(f, b, &item.frame);
		}
	}
	if (b->status == BM_PAUSED)
		b->status = BM_OK;
	f->ended = b->status != BM_OK;
	b->octets = bm_capture_borrowed(f->capture);
	f->last_octets = (size_t)(bm_capture_offset(f->capture) - b->from);
	b->offset = bm_capture_input_offset(f->capture);
}

static void
fill_batch(void *ctx)
{
	struct batch *b = ctx;
	struct frames *f = b->of;

	/* Those before it were begun earlier: it is never for long, but for a stream, of which one at a
	 * time is begun. */
	while (atomic_load_explicit(&f->turn, memory_order_acquire) != b->number)
		(void)sched_yield();
	read_batch(f, b);
	atomic_store_explicit(&f->turn, b->number + 1, memory_order_release);
	for (size_t i = 0; i < b->n; i++)
		bm_decode_apart(b->decoder, &b->frame[i], &b->decoded[i]);
}

static void
begin_batch(struct frames *f)
{
	struct batch *b = f->batch[f->begun % f->batches];

	b->number = f->begun++;
	bm_task_begin(f->pool, &b->task, fill_batch, b);
}

/* A stream may keep whoever reads it waiting, and others with it if they wait for their turn. */
static uint64_t
batches_ahead(const struct frames *f)
{
	if (bm_pool_workers(f->pool) == 1)
		return 0;
	return f->streamed ? 1 : BATCHES - 2;
}

static enum bm_status
add_batches(struct frames *f)
{
	bool alone = bm_pool_workers(f->pool) == 1;

	f->ahead = batches_ahead(f);
	f->batches = f->ahead + 2;
	f->batch_octets = f->last_octets = alone ? BATCH_OCTETS_ALONE : BATCH_OCTETS;
	f->buffer_octets = f->batch_octets + BATCH_REST;
	if (f->stays && f->buffer_octets > f->bytes.n)
		f->buffer_octets = f->bytes.n;
	for (size_t i = 0; i < f->batches; i++) {
		struct batch *b = f->batch[i] = calloc(1, sizeof *b);
		if (b == NULL || bm_decoder_new(&b->decoder, 0) != BM_OK)
			return BM_NOMEM;
		b->of = f;
		if (f->stays && f->read_at == NULL)
			continue;
		b->buffer = malloc(f->buffer_octets);
		/* What stays can be read where it is. */
		if (b->buffer == NULL && !f->stays)
			return BM_NOMEM;
	}
	return BM_OK;
}

static void
drop_batches(struct frames *f)
{
	for (uint64_t i = f->at; i < f->begun; i++)
		bm_task_wait(f->pool, &f->batch[i % f->batches]->task);
	for (size_t i = 0; i < BATCHES && f->batch[i] != NULL; i++) {
		struct batch *b = f->batch[i];
		bm_decoder_free(b->decoder);
		/* Keys may have stood there. */
		if (b->buffer != NULL)
			bm_wipe(b->buffer, f->buffer_octets);
		free(b->buffer);
		bm_buf_wipe(&b->apart);
		free(b);
		f->batch[i] = NULL;
	}
}

enum bm_status
frames_open(struct frames **out, const struct input *in, struct bm_pool *pool, struct bm_error *e)
{
	struct frames *f = calloc(1, sizeof *f);

	*out = NULL;
	if (f == NULL)
		return bm_fail(e, BM_NOMEM, 0, "out of memory");
	f->pool = pool;
	f->before = in->packets_before;
	f->streamed = in->read != NULL;
	f->bytes = in->bytes;
	f->read_at = in->read_at;
	f->read_ctx = in->ctx;
	enum bm_status st = in->read != NULL ? bm_capture_open_stream(&f->capture, in->read, in->ctx, e)
										 : bm_capture_open_memory(&f->capture, in->bytes, e);
	if (st == BM_OK) {
		f->stays = bm_capture_stays(f->capture);
		st = add_batches(f);
		if (st != BM_OK)
			(void)bm_fail(e, st, 0, "out of memory");
	}
	if (st != BM_OK) {
		frames_close(f);
		return st;
	}
	*out = f;
	return BM_OK;
}

void
frames_read_on(struct frames *f)
{
	while (f->begun < f->at + 1 + f->ahead)
		begin_batch(f);
}

/* The batch that comes next; the one before the caller's is left as it is. */
static struct batch *
turn(struct frames *f)
{
	if (f->begun != 0)
		f->at++;
	if (f->begun == f->at)
		begin_batch(f);
	struct batch *b = f->batch[f->at % f->batches];
	bm_task_wait(f->pool, &b->task);
	/* There is but one to be read on with: it cannot begin too early. */
	if (f->streamed)
		frames_read_on(f);
	return b;
}

enum bm_status
frames_next_batch(struct frames *f, struct frames_batch *out, struct bm_error *e)
{
	const struct batch *last = f->batch[f->at % f->batches];

	if (f->begun != 0 && last->status != BM_OK)
		return bm_fail(e, last->status, last->error.offset, last->error.what);
	struct batch *b = turn(f);
	*out = (struct frames_batch){.n = b->n,
		.frame = b->frame,
		.decoded = b->decoded,
		.passes = !f->stays,
		.secrets = b->secrets};
	if (f->stays && b->buffer != NULL) {
		out->home = f->bytes.p + b->from;
		out->near = b->buffer;
		out->octets = b->octets;
	}
	return BM_OK;
}

uint64_t
frames_offset(const struct frames *f)
{
	return f->batch[f->at % f->batches]->offset;
}

const char *
frames_format(const struct frames *f)
{
	return bm_capture_format(f->capture);
}

bool
frames_repaired(const struct frames *f)
{
	return bm_capture_repaired(f->capture);
}

void
frames_close(struct frames *f)
{
	if (f == NULL)
		return;
	drop_batches(f);
	bm_capture_free(f->capture);
	free(f);
}
