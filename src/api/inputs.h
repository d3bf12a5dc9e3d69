/* The captures of a run: opened, ordered in time, grouped by place, read as one. */
#ifndef BM_API_INPUTS_H
#define BM_API_INPUTS_H

#include "api/sketch.h"
#include "capture/capture.h"
#include "capture/pieces.h"

struct input {
	char *name;           /* owned */
	struct bm_view bytes; /* in memory; empty for a stream */
	bm_read_fn read;
	bm_read_at_fn read_at; /* copies of bytes; NULL: they are looked at where they are */
	void *ctx;             /* of either */
	uint64_t first_ns, last_ns;
	bool timed, secrets;          /* has a time; brings secrets */
	struct sketch sketch, hellos; /* owned */
	uint32_t site;                /* captures of one site are pieces of one capture */
	const char *site_name;
	uint64_t packets_before;        /* frames in earlier pieces of the site; 0 until it is read */
	uint64_t packets;               /* its frames; 0 until they are counted */
	bool was_read;                  /* to its end, or as far as it goes */
	struct bm_capture_piece *piece; /* what sentences know of it; borrowed; NULL: no use for it */
};

struct inputs {
	struct input *item;
	size_t n, cap;
};

/* name is copied; what `in` says of it does not count. */
BM_MUST_USE enum bm_status inputs_add(struct inputs *all, const char *name, const struct input *in);
/* Brings rotated pieces into order, and tells captures taken at different places (they overlap in
 * time) apart by site. BM_NOMEM. */
BM_MUST_USE enum bm_status inputs_order(struct inputs *in);
void inputs_clear(struct inputs *in);

#endif
