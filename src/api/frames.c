/* See frames.h. The capture is cut into batches. Whoever begins with one reads its frames, which
 * one thread does at a time and in order, and then decodes them, which takes longer and several do
 * at once. Batches are begun by free threads, or by the caller when it has nothing else to do. */
#include "api/frames.h"

#include "base/buf.h"

#include <sched.h>
#include <stdlib.h>

enum {
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
	uint8_t *buffer;            /* to which the part of the capture is copied; or NULL */
	uint64_t from;              /* where in the capture that begins */
	size_t octets;              /* and how long it is */
	size_t n;
	struct bm_frame frame[BATCH_FRAMES];
	struct bm_decoded decoded[BATCH_FRAMES];
	enum bm_status status; /* behind the last one */
	struct bm_error error;
	uint64_t offset;
};

struct frames {
	struct bm_capture *capture;
	struct bm_decoder *decoder;
	struct bm_pool *pool;
	struct bm_view bytes; /* of what stays in memory */
	bm_read_at_fn read_at;
	void *read_ctx;
	size_t last_octets;        /* of the capture that the last batch took; guarded by the turn */
	atomic_uint_fast64_t turn; /* the batch that is read next; guards the capture */
	bool ended;                /* the same */
	struct batch *batch[BATCHES];
	uint64_t batches; /* how many there are */
	size_t batch_octets, buffer_octets;
	uint64_t at;     /* batch that the caller is in */
	uint64_t begun;  /* how many have been; 0: the caller is in none yet */
	uint64_t before; /* frames in earlier pieces */
	/* Without batches. */
	struct bm_capture_item item;
	struct bm_segment segment;
};

static void
read_batch(struct frames *f, struct batch *b)
{
	struct bm_capture_item item;
	size_t octets = 0;

	b->n = 0;
	b->from = bm_capture_offset(f->capture);
	if (b->buffer != NULL) {
		const struct bm_loan loan = {b->buffer, f->buffer_octets, f->read_at, f->read_ctx};
		bm_capture_borrow(f->capture, &loan, f->last_octets);
	}
	b->status = f->ended ? BM_END : BM_OK;
	while (b->status == BM_OK && b->n < BATCH_FRAMES && octets < f->batch_octets) {
		b->status = bm_capture_next(f->capture, &item, &b->error);
		/* Secrets of a capture in memory have been read before. */
		if (b->status != BM_OK || item.event != BM_CAPTURE_FRAME)
			continue;
		octets += item.frame.data.n;
		item.frame.number += f->before;
		b->frame[b->n++] = item.frame;
	}
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

	/* Those before it were begun earlier: it is never for long. */
	while (atomic_load_explicit(&f->turn, memory_order_acquire) != b->number)
		(void)sched_yield();
	read_batch(f, b);
	atomic_store_explicit(&f->turn, b->number + 1, memory_order_release);
	for (size_t i = 0; i < b->n; i++)
		bm_decode_apart(b->decoder, &b->frame[i], &b->decoded[i]);
}

static void
begin_batch(struct frames *f, uint64_t number)
{
	struct batch *b = f->batch[number % f->batches];

	b->number = number;
	bm_task_begin(f->pool, &b->task, fill_batch, b);
}

static bool
add_batches(struct frames *f)
{
	/* With one thread one at a time is decoded when it is needed. */
	bool alone = bm_pool_workers(f->pool) == 1;
	f->batches = alone ? 2 : BATCHES;
	f->batch_octets = f->last_octets = alone ? BATCH_OCTETS_ALONE : BATCH_OCTETS;
	f->buffer_octets = f->batch_octets + BATCH_REST;
	if (f->buffer_octets > f->bytes.n)
		f->buffer_octets = f->bytes.n;
	for (size_t i = 0; i < f->batches; i++) {
		struct batch *b = f->batch[i] = calloc(1, sizeof *b);
		if (b == NULL || bm_decoder_new(&b->decoder, 0) != BM_OK)
			return false;
		b->of = f;
		if (f->read_at != NULL)
			b->buffer = malloc(f->buffer_octets);
	}
	return true;
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
		free(b);
		f->batch[i] = NULL;
	}
}

enum bm_status
frames_open(struct frames **out, const struct input *in, struct bm_decoder *decoder,
	struct bm_pool *pool, struct bm_error *e)
{
	struct frames *f = calloc(1, sizeof *f);

	*out = NULL;
	if (f == NULL)
		return bm_fail(e, BM_NOMEM, 0, "out of memory");
	f->decoder = decoder;
	f->pool = pool;
	f->before = in->packets_before;
	f->bytes = in->bytes;
	f->read_at = in->read_at;
	f->read_ctx = in->ctx;
	enum bm_status st = in->read != NULL ? bm_capture_open_stream(&f->capture, in->read, in->ctx, e)
										 : bm_capture_open_memory(&f->capture, in->bytes, e);
	if (st != BM_OK) {
		free(f);
		return st;
	}
	/* Without memory for it nothing is read ahead. */
	if (in->read == NULL && bm_capture_stays(f->capture) && !add_batches(f))
		drop_batches(f);
	bm_capture_unpack_ahead(f->capture, pool);
	*out = f;
	return BM_OK;
}

/* All that are behind those in use; one more before these is left as it is. */
static void
begin_batches(struct frames *f)
{
	while (f->begun < f->at + f->batches - 1)
		begin_batch(f, f->begun++);
}

void
frames_read_on(struct frames *f)
{
	if (bm_pool_workers(f->pool) > 1)
		begin_batches(f);
}

/* The batch that comes next. */
static struct batch *
turn(struct frames *f)
{
	if (f->begun == 0)
		begin_batches(f);
	else if (++f->at == f->begun)
		begin_batch(f, f->begun++);
	struct batch *b = f->batch[f->at % f->batches];
	bm_task_wait(f->pool, &b->task);
	return b;
}

bool
frames_in_batches(const struct frames *f)
{
	return f->batch[0] != NULL;
}

enum bm_status
frames_next_batch(struct frames *f, struct frames_batch *out, struct bm_error *e)
{
	const struct batch *last = f->batch[f->at % f->batches];

	if (f->begun != 0 && last->status != BM_OK)
		return bm_fail(e, last->status, last->error.offset, last->error.what);
	struct batch *b = turn(f);
	*out = (struct frames_batch){.n = b->n, .frame = b->frame, .decoded = b->decoded};
	if (b->buffer != NULL) {
		out->home = f->bytes.p + b->from;
		out->near = b->buffer;
		out->octets = b->octets;
	}
	return BM_OK;
}

enum bm_status
frames_next(struct frames *f, struct frames_item *item, struct bm_error *e)
{
	enum bm_status st = bm_capture_next(f->capture, &f->item, e);
	if (st != BM_OK)
		return st;
	bool frame = f->item.event == BM_CAPTURE_FRAME;
	f->item.frame.number += f->before;
	item->frame = frame ? &f->item.frame : NULL;
	item->segment =
		frame && bm_decode(f->decoder, &f->item.frame, &f->segment) ? &f->segment : NULL;
	item->secrets = f->item.secrets;
	return BM_OK;
}

uint64_t
frames_offset(const struct frames *f)
{
	return f->batch[0] != NULL ? f->batch[f->at % f->batches]->offset
							   : bm_capture_input_offset(f->capture);
}

const char *
frames_format(const struct frames *f)
{
	return bm_capture_format(f->capture);
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
