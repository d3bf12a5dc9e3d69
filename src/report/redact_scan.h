/* One text on its way through redaction. */
#ifndef BM_REPORT_REDACT_SCAN_H
#define BM_REPORT_REDACT_SCAN_H

#include "base/buf.h"
#include "report/redact_internal.h"

struct bm_scan {
	struct bm_redact *r;
	struct bm_view text;
	size_t at;
	enum bm_redact_text how;
	struct bm_buf out;
	enum bm_status status; /* sticky */
};

static inline struct bm_view
bm_scan_rest(const struct bm_scan *s)
{
	return bm_view(s->text.p + s->at, s->text.n - s->at);
}

static inline void
bm_scan_note(struct bm_scan *s, enum bm_status st)
{
	if (s->status == BM_OK)
		s->status = st;
}

void bm_scan_emit(struct bm_scan *s, const void *p, size_t n);
void bm_scan_say(struct bm_scan *s, const char *text);
/* Octets of a word that v starts with: letters, digits, dots and dashes, the last two not at its
 * end. */
size_t bm_scan_word(struct bm_view v);
/* Whether an address stood there; it is replaced then, and `at` is behind it. */
bool bm_scan_address(struct bm_scan *s);
/* redact_foreign.c: the same of what looks like a name. word: one begins here. */
bool bm_scan_name(struct bm_scan *s, bool word);

#endif
