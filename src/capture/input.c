/* Keeps the bytes at hand, refilling a window that never grows past BM_INPUT_MAX.
 * Refuses to know what the bytes are. */
#include "capture/input.h"
#include "base/buf.h"

#include <stdlib.h>

/* Large enough to make reads cheap, small enough to stay in the second-level cache. */
enum {
	WINDOW_START = 256 << 10,
	LOAN_STEP = 16 << 10 /* a loan grows by so much at least, to make reads cheap */
};

void
bm_input_memory(struct bm_input *in, struct bm_view bytes)
{
	*in = (struct bm_input){
		.p = bytes.p,
		.n = bytes.n,
		.whole = true,
		.home = bytes,
		.end = BM_END,
		.end_what = "end of the capture",
	};
}

void
bm_input_fill(struct bm_input *in, bm_fill_fn fill, void *ctx)
{
	*in = (struct bm_input){.fill = fill, .ctx = ctx};
}

static void
drop_window(struct bm_input *in)
{
	if (in->window != NULL)
		bm_wipe(in->window, in->cap);
	free(in->window);
	in->window = NULL;
	in->cap = 0;
}

void
bm_input_clear(struct bm_input *in)
{
	drop_window(in);
	*in = (struct bm_input){.end = BM_END, .end_what = "end of the capture"};
}

/* What is left of a full loan goes to a window of the input's own. */
static enum bm_status
leave_loan(struct bm_input *in)
{
	size_t rest = in->n - in->off, cap = WINDOW_START;

	while (cap <= rest)
		cap *= 2;
	in->window = malloc(cap);
	if (in->window == NULL)
		return BM_NOMEM;
	if (rest != 0)
		memcpy(in->window, in->p + in->off, rest);
	in->base += in->off;
	in->off = 0;
	in->n = rest;
	in->p = in->window;
	in->cap = cap;
	in->loan.p = NULL;
	return BM_OK;
}

/* Frees room at the end of the window: moves what is left to its front, or
 * doubles it when it is full from the cursor on. Doubling only once the bytes
 * are there keeps a length field alone from costing memory. */
static enum bm_status
make_room(struct bm_input *in)
{
	if (in->loan.p != NULL)
		return in->n < in->loan.n ? BM_OK : leave_loan(in);
	if (in->off != 0) {
		memmove(in->window, in->window + in->off, in->n - in->off);
		in->base += in->off;
		in->n -= in->off;
		in->off = 0;
	}
	if (in->n < in->cap)
		return BM_OK;
	size_t cap = in->cap == 0 ? WINDOW_START : in->cap * 2;
	uint8_t *window = malloc(cap);
	if (window == NULL)
		return BM_NOMEM;
	if (in->window != NULL) {
		memcpy(window, in->window, in->n);
		bm_wipe(in->window, in->cap);
		free(in->window);
	}
	in->window = window;
	in->p = window;
	in->cap = cap;
	return BM_OK;
}

/* One call to the source. in->end tells afterwards whether it brought anything. */
static void
fill_once(struct bm_input *in)
{
	size_t got = 0;
	const char *what = NULL;

	in->end = make_room(in);
	if (in->end == BM_OK) {
		uint8_t *to = in->loan.p != NULL ? in->loan.p : in->window;
		size_t room = (in->loan.p != NULL ? in->loan.n : in->cap) - in->n;
		in->end = in->fill(in->ctx, to + in->n, room, &got, &what);
		in->was_short = got < room;
		if (in->end == BM_OK && (got == 0 || got > room))
			in->end = BM_IO;
	}
	if (in->end == BM_OK)
		in->n += got;
	else
		in->end_what = what != NULL ? what : bm_status_text(in->end);
}

static enum bm_status
ended(struct bm_input *in, struct bm_error *e)
{
	if (in->end == BM_END && in->n != in->off)
		return bm_fail(e, BM_TRUNCATED, in->base + in->n, "the capture ends inside a block");
	return bm_fail(e, in->end, in->base + in->n, in->end_what);
}

/* From the cursor on the bytes are taken from where they stay. */
static void
go_home(struct bm_input *in)
{
	in->off += (size_t)in->base;
	in->base = 0;
	in->p = in->home.p;
	in->n = in->home.n;
	in->loan.p = NULL;
}

/* More on loan, so that n are at hand if there are as many. */
static void
borrow_more(struct bm_input *in, size_t n)
{
	size_t have = in->n - in->off, at = (size_t)in->base + in->n, left = in->home.n - at;
	size_t want = n - have > LOAN_STEP ? n - have : LOAN_STEP;

	if (left == 0)
		return;
	if (n - have > left)
		n = have + left;
	if (want > left)
		want = left;
	if (want > in->loan.n - in->n)
		want = in->loan.n - in->n;
	if (want < n - have || !in->loan.read_at(in->loan.ctx, at, in->loan.p + in->n, want))
		go_home(in);
	else
		in->borrowed = in->n += want;
}

/* Of what comes from a source. Where it has no room for what is at hand, the window stays. */
static void
move_to_loan(struct bm_input *in, const struct bm_loan *l)
{
	size_t rest = in->n - in->off;

	if (rest > l->n)
		return;
	if (rest != 0)
		memcpy(l->p, in->p + in->off, rest);
	drop_window(in);
	in->base += in->off;
	in->off = 0;
	in->n = rest;
	in->p = l->p;
	in->loan = *l;
}

void
bm_input_borrow(struct bm_input *in, const struct bm_loan *l, size_t n)
{
	if (!in->whole) {
		move_to_loan(in, l);
		return;
	}
	if (l->p == NULL) {
		if (in->loan.p != NULL)
			go_home(in);
		return;
	}
	in->base += in->off;
	in->off = in->n = in->borrowed = 0;
	in->loan = *l;
	in->p = l->p;
	borrow_more(in, n < l->n ? n : l->n);
}

static bool
pauses(const struct bm_input *in)
{
	return in->may_pause && in->loan.p != NULL &&
		   (in->n == in->loan.n || (in->live && in->was_short));
}

enum bm_status
bm_input_refill(struct bm_input *in, size_t n, struct bm_error *e)
{
	if (n > BM_INPUT_MAX)
		return bm_fail(e, BM_LIMIT, bm_input_offset(in), "block too large to be held");
	if (in->whole && in->loan.p != NULL) {
		borrow_more(in, n);
		if (n <= in->n - in->off)
			return BM_OK;
	}
	while (in->n - in->off < n) {
		if (in->end == BM_OK && pauses(in))
			return bm_fail(e, BM_PAUSED, bm_input_offset(in), bm_status_text(BM_PAUSED));
		if (in->end == BM_OK)
			fill_once(in);
		if (in->end != BM_OK && in->n - in->off < n)
			return ended(in, e);
	}
	return BM_OK;
}

enum bm_status
bm_input_skip(struct bm_input *in, uint64_t n, struct bm_error *e)
{
	if (n > in->n - in->off)
		in->may_pause = false;
	if (in->whole && in->loan.p != NULL && n > in->n - in->off)
		go_home(in);
	while (n > in->n - in->off) {
		n -= in->n - in->off;
		in->off = in->n;
		if (in->end == BM_OK)
			fill_once(in);
		if (in->end == BM_END)
			return bm_fail(e, BM_TRUNCATED, in->base + in->n, "the capture ends inside a block");
		if (in->end != BM_OK)
			return ended(in, e);
	}
	in->off += (size_t)n;
	return BM_OK;
}
