/* Lines of text and words at their ends, for readers of logs. */
#ifndef BM_LOGS_TEXT_H
#define BM_LOGS_TEXT_H

#include "base/bytes.h"
#include "base/status.h"

/* The next line without its end; *rest starts after it. False: there is none. */
bool text_line(struct bm_view *rest, struct bm_view *line);
/* Without blanks (and a carriage return) at either end. */
struct bm_view text_trim(struct bm_view v);
/* Whether v ends with these words; *head is what stands before them. */
bool text_ends(struct bm_view v, const char *words, struct bm_view *head);
/* Offset of the first occurrence, or SIZE_MAX. */
size_t text_find(struct bm_view v, const char *words);

/* UTF-16 as text of one octet a character, '?' for what is not ASCII. *out is to be wiped and
 * freed; NULL when bytes are not UTF-16. */
BM_MUST_USE enum bm_status text_from_utf16(struct bm_view bytes, uint8_t **out, size_t *n);

#endif
