/* What the form of a line of a log says of its place among others. */
#ifndef BM_EXPLAIN_LINES_H
#define BM_EXPLAIN_LINES_H

#include "base/bytes.h"

/* It goes on with what an earlier one began: lines of traces, members of JSON, empty ones. */
bool bm_line_goes_on(struct bm_view line);
/* What Python writes between the traces of one failure. */
bool bm_line_chains(struct bm_view line);
/* It begins as records of logs do: with a date, a bracket, a name of a day or month, or that of
 * Java's logger. */
bool bm_line_begins_record(struct bm_view line);
/* The line that v ends with, without its end; *v is what stands before it. */
struct bm_view bm_line_last(struct bm_view *v);

#endif
