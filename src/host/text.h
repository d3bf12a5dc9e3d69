/* Lines and words of the text files a kernel gives out. Any bytes may stand in them; nothing here
 * needs a zero octet at the end, or reads past it. */
#ifndef BM_HOST_TEXT_H
#define BM_HOST_TEXT_H

#include "base/bytes.h"

/* Takes the next line off text, without its end; the last needs none. False when there is no more.
 */
bool bm_line(struct bm_view *text, struct bm_view *line);
/* Takes the next word off line: what stands between blanks (space, tab, CR). False when there is no
 * more. */
bool bm_word(struct bm_view *line, struct bm_view *word);
/* Without the blanks at both ends. */
struct bm_view bm_trim(struct bm_view v);
/* The part before the first c, and what follows it in *rest; false (all of v, nothing) when there
 * is none. */
bool bm_cut(struct bm_view v, char c, struct bm_view *head, struct bm_view *rest);
bool bm_is(struct bm_view v, const char *text);
/* Whether the word stands in a list that blanks part. */
bool bm_has_word(struct bm_view list, const char *word);
/* A decimal number and nothing else; false past 64 bits. */
bool bm_number(struct bm_view v, uint64_t *out);

#endif
