/* How what was found is shown. */
#ifndef BM_HOST_REPORT_H
#define BM_HOST_REPORT_H

#include "host/findings.h"
#include "report/lines.h"

/* BM_NOMEM; writing that fails is remembered in out. */
enum bm_status bm_host_text(const struct bm_host *h, const struct bm_findings *f,
	struct bm_out *out, const struct bm_host_report_options *o);
void bm_host_json(const struct bm_host *h, const struct bm_findings *f, struct bm_out *out);

/* "not there", "not permitted"...: why something could not be read; never NULL. */
const char *bm_unread_why(int error);
/* The same as one word for programs: "absent", "denied", "other". */
const char *bm_unread_word(int error);

const char *bm_stat_class_name(enum bm_stat_class k); /* "checksum" */

#endif
