/* What a call that could not be carried out returns. A MAC that does not
 * match is a result, malformed input is a finding: neither is a status. */
#ifndef BM_BASE_STATUS_H
#define BM_BASE_STATUS_H

#include <stdint.h>

#define BM_STATUS_LIST(X)                                                                          \
	X(OK, "success")                                                                               \
	X(END, "end of input")                                                                         \
	X(NOMEM, "out of memory")                                                                      \
	X(IO, "input or output error")                                                                 \
	X(FORMAT, "malformed input")                                                                   \
	X(TRUNCATED, "input ends early")                                                               \
	X(UNSUPPORTED, "not supported")                                                                \
	X(LIMIT, "a configured limit was reached")                                                     \
	X(USAGE, "invalid argument")                                                                   \
	X(PAUSED, "there may be more later")

enum bm_status {
#define BM_STATUS_ENUM(name, text) BM_##name,
	BM_STATUS_LIST(BM_STATUS_ENUM)
#undef BM_STATUS_ENUM
};

#define BM_MUST_USE __attribute__((warn_unused_result))

/* The static English text of a status; never NULL. */
const char *bm_status_text(enum bm_status s);

/* Filled in by calls that can say more than a status.
 * what: static text, never NULL once status is not BM_OK.
 * offset: byte offset in the input (after decompression) that `what` is about. */
struct bm_error {
	enum bm_status status;
	const char *what;
	uint64_t offset;
};

/* Sets *e (when e is not NULL) and returns status, so that a parser can
 * `return bm_fail(e, BM_FORMAT, off, "...")`. */
enum bm_status bm_fail(
	struct bm_error *e, enum bm_status status, uint64_t offset, const char *what);

#endif
