/* Patterns of literal words with gaps, all looked for at once. Case of ASCII letters does not
 * count.
 *
 * A pattern is a run of words in which * stands for any octets in between, \< and \> for a place
 * with no letter or digit before or after it, \* and \\ for themselves. Work is linear in the text:
 * one pass for all patterns, then one for each that may fit. */
#ifndef BM_EXPLAIN_MATCH_H
#define BM_EXPLAIN_MATCH_H

#include "base/buf.h"

struct bm_matcher;

/* What is found is told by number: the order in which patterns were added. */
enum { BM_PATTERNS_MAX = 4096, BM_PATTERN_TEXT_MAX = 300, BM_MATCH_TEXT_MAX = 1 << 16 };

BM_MUST_USE enum bm_status bm_matcher_new(struct bm_matcher **out);
void bm_matcher_free(struct bm_matcher *m); /* NULL allowed */
/* BM_FORMAT: nothing to look for, a bad escape, or too long. BM_LIMIT: too many. */
BM_MUST_USE enum bm_status bm_matcher_add(struct bm_matcher *m, const char *pattern);
/* Once, after the last pattern. BM_LIMIT: too much to look for. */
BM_MUST_USE enum bm_status bm_matcher_seal(struct bm_matcher *m);

/* Whether any pattern may fit: false is certain. Quick. */
bool bm_matcher_may(const struct bm_matcher *m, struct bm_view text);

/* The same for up to BM_SCAN_TEXT octets at once, several times as quick: in hits, from the lowest
 * bit of the first word on, one bit for each BM_SCAN_CHUNK octets says that what may fit ends
 * there, or that a backslash stands there. */
enum {
	BM_SCAN_CHUNK = 32,
	BM_SCAN_TEXT = 1 << 18,
	BM_SCAN_WORDS = BM_SCAN_TEXT / BM_SCAN_CHUNK / 64
};
void bm_matcher_scan(const struct bm_matcher *m, struct bm_view text, uint64_t hits[BM_SCAN_WORDS]);
/* The first octet of the first chunk marked, from that of `from` on; n: there is none before it. */
size_t bm_scan_next(const uint64_t hits[BM_SCAN_WORDS], size_t from, size_t n);

/* Numbers of the patterns that fit the first BM_MATCH_TEXT_MAX octets, ascending, at most `most`.
 * The matcher is scratch space too: one thread at a time. */
size_t bm_matcher_run(struct bm_matcher *m, struct bm_view text, uint32_t *numbers, size_t most);

#endif
