/* What on this machine could make a TLS record fail its check: read, weighed, told. What the
 * command calls. Everything is only read; nothing is changed, no privilege is needed, and what
 * could not be read is told as such. Refuses to know captures and records. */
#ifndef BM_HOST_HOST_H
#define BM_HOST_HOST_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct bm_host;

struct bm_host_options {
	const char *root; /* a folder with another machine's /proc and /sys; NULL or "/": this one */
	const char *interface; /* look at this one alone; NULL: all */
	/* OPENSSL_ia32cap and its kin as the caller's environment has them, "NAME=VALUE", ends with
	 * NULL; may be NULL. */
	const char *const *overrides;
};

enum bm_host_trouble {
	BM_HOST_READ,
	BM_HOST_NO_ROOT,      /* the folder cannot be opened; errno says why */
	BM_HOST_NO_INTERFACE, /* none of that name */
	BM_HOST_NOTHING,      /* not one of the places could be read */
	BM_HOST_NO_MEMORY
};

/* One reading. *out is the caller's, to be freed; NULL unless BM_HOST_READ. The options are
 * borrowed for as long. */
enum bm_host_trouble bm_host_read(const struct bm_host_options *options, struct bm_host **out);
void bm_host_free(struct bm_host *h);

/* False: it was read from a copy, which shows the same whenever it is read. */
bool bm_host_moves(const struct bm_host *h);

/* What was added since an earlier reading goes into `now`; both stay the caller's. 0 seconds: it is
 * not known how much later it was. */
void bm_host_compare(struct bm_host *now, const struct bm_host *before, double seconds);

struct bm_host_report_options {
	bool json, color;
	bool verbose;     /* text: all that a finding was found on */
	unsigned columns; /* of the text; 0: as is usual */
	int (*write)(void *ctx, const char *bytes, size_t n); /* not 0: failed, no more is written */
	void *ctx;
};
/* BM_IO when the write function failed, BM_NOMEM. */
enum bm_status bm_host_report(const struct bm_host *h, const struct bm_host_report_options *o);

#endif
