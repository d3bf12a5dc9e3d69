/* A cursor over capture bytes: all in memory, or a window refilled from a source. Either may be
 * brought to memory that is lent.
 * Refuses to know what the bytes are. */
#ifndef BM_CAPTURE_INPUT_H
#define BM_CAPTURE_INPUT_H

#include "capture/capture.h"

/* The largest run that a window may have to hold at once: one pcapng block. */
#define BM_INPUT_MAX ((size_t)64 << 20)

/* Brings 1 to n bytes and BM_OK, or none and the reason why no more will come;
 * *what may then be set to a static text that says more. */
typedef enum bm_status (*bm_fill_fn)(
	void *ctx, uint8_t *p, size_t n, size_t *got, const char **what);

struct bm_input {
	const uint8_t *p; /* the bytes at hand */
	size_t n;
	size_t off;    /* of the cursor in p */
	uint64_t base; /* how many bytes came before p[0] */
	bool whole;    /* `home` is all there is and outlives the input */
	struct bm_view home;

	/* Where the bytes at hand are brought to, which p then is; loan.p NULL: nowhere. */
	struct bm_loan loan;
	size_t borrowed; /* of what is whole: how many were, from base on */

	bm_fill_fn fill;
	void *ctx;
	uint8_t *window;
	size_t cap;
	enum bm_status end; /* BM_OK while more may come */
	const char *end_what;
	bool live;      /* to ask for more may mean to wait for it */
	bool may_pause; /* on loan: rather than that, or to leave it, BM_PAUSED */
	bool was_short; /* the source brought less than there was room for */
};

void bm_input_memory(struct bm_input *in, struct bm_view bytes);
void bm_input_fill(struct bm_input *in, bm_fill_fn fill, void *ctx);

/* From the cursor on the bytes are brought to *l. Of what is whole the first n of them at once, and
 * more when they are needed, until it is full or cannot be read; from then on they are where they
 * stay. Of what comes from a source, what is at hand and then what follows, until it is full; from
 * then on they are in a window as before. What was on an earlier loan is no concern of the input's
 * any more. */
void bm_input_borrow(struct bm_input *in, const struct bm_loan *l, size_t n);

/* Wipes and frees the window: key logs may have passed through it. */
void bm_input_clear(struct bm_input *in);

/* The slow half of bm_input_need. */
BM_MUST_USE enum bm_status bm_input_refill(struct bm_input *in, size_t n, struct bm_error *e);

/* Ensures that n bytes (at most BM_INPUT_MAX) are at hand from the cursor on, which
 * stays. BM_END when there is nothing left, BM_TRUNCATED when there is less than n, BM_PAUSED where
 * that is allowed: the cursor stays then as well. */
BM_MUST_USE static inline enum bm_status
bm_input_need(struct bm_input *in, size_t n, struct bm_error *e)
{
	if (n <= in->n - in->off)
		return BM_OK;
	return bm_input_refill(in, n, e);
}

/* Moves the cursor past n bytes, at hand or not. BM_TRUNCATED when they are not all there. Never
 * pauses, nor does what follows until may_pause is set again. */
BM_MUST_USE enum bm_status bm_input_skip(struct bm_input *in, uint64_t n, struct bm_error *e);

/* What is at hand from the cursor on. Valid until the next call that takes in. */
static inline struct bm_view
bm_input_rest(const struct bm_input *in)
{
	return (struct bm_view){in->n != in->off ? in->p + in->off : NULL, in->n - in->off};
}

/* Moves past n bytes that are known to be at hand. */
static inline void
bm_input_advance(struct bm_input *in, size_t n)
{
	in->off += n;
}

/* Asks for the line at the cursor: the next header is then there when the caller is
 * done with this frame, instead of costing a trip to memory. */
static inline void
bm_input_prefetch(const struct bm_input *in)
{
	if (in->n != in->off)
		__builtin_prefetch(in->p + in->off);
}

/* Where the byte at the cursor stays; NULL: nowhere. */
static inline const uint8_t *
bm_input_home(const struct bm_input *in)
{
	return in->whole && in->home.p != NULL ? in->home.p + in->base + in->off : NULL;
}

static inline uint64_t
bm_input_offset(const struct bm_input *in)
{
	return in->base + in->off;
}

#endif
