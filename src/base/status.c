/* Status texts. */
#include "base/status.h"

#include <stddef.h>

const char *
bm_status_text(enum bm_status s)
{
	static const char *const text[] = {
#define BM_STATUS_TEXT(name, words) words,
		BM_STATUS_LIST(BM_STATUS_TEXT)
#undef BM_STATUS_TEXT
	};

	if ((size_t)s >= sizeof text / sizeof text[0])
		return "unknown status";
	return text[s];
}

enum bm_status
bm_fail(struct bm_error *e, enum bm_status status, uint64_t offset, const char *what)
{
	if (e != NULL) {
		e->status = status;
		e->what = what;
		e->offset = offset;
	}
	return status;
}
