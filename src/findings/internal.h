/* How values are taken out of the JSON of a report: each knows its place, and the first that is
 * wrong ends it all. */
#ifndef BM_FINDINGS_INTERNAL_H
#define BM_FINDINGS_INTERNAL_H

#include "findings/findings.h"

#include <jansson.h>

/* Sticky: after the first error all that is read is empty, and the error stays. */
struct taker {
	struct bm_arena *arena;
	enum bm_status status;
	char *problem;
	size_t n;
};

/* Where a value stands: in which other, and under which name or index. */
struct spot {
	const struct spot *in; /* NULL: the report itself */
	const char *name;      /* NULL: the index counts */
	size_t index;
	const json_t *value; /* NULL: missing, or an error came before */
};

/* Ends it all: puts the place and what into the problem, unless there is one. */
void bm_spot_wrong(struct taker *t, const struct spot *s, const char *what);

/* A member, which has to be there. */
struct spot bm_spot_member(struct taker *t, const struct spot *in, const char *name);
struct spot bm_spot_element(struct taker *t, const struct spot *in, size_t index);
/* Whether it is null; false after an error. */
bool bm_spot_is_null(const struct taker *t, const struct spot *s);

/* Each takes a member of that type; the _or_null ones a null as well. */
bool bm_take_bool(struct taker *t, const struct spot *in, const char *name);
/* A whole number from least to most. */
uint64_t bm_take_number(
	struct taker *t, const struct spot *in, const char *name, uint64_t least, uint64_t most);
/* BM_FOUND_UNKNOWN for null. */
uint64_t bm_take_number_or_null(
	struct taker *t, const struct spot *in, const char *name, uint64_t least, uint64_t most);
double bm_take_below_zero(struct taker *t, const struct spot *in, const char *name);
/* Kept in the arena. */
const char *bm_take_text(struct taker *t, const struct spot *in, const char *name);
const char *bm_take_text_or_null(struct taker *t, const struct spot *in, const char *name);
struct bm_found_texts bm_take_texts(struct taker *t, const struct spot *in, const char *name);
/* The place of the text among words, which end with NULL. */
unsigned bm_take_word(
	struct taker *t, const struct spot *in, const char *name, const char *const *words);
/* The same, and `null_is` for null. */
unsigned bm_take_word_or_null(struct taker *t, const struct spot *in, const char *name,
	const char *const *words, unsigned null_is);
/* *known: false for null. */
struct bm_view bm_take_hex(struct taker *t, const struct spot *in, const char *name, bool *known);
/* The length of an array of most elements at most; *s is its place. */
size_t bm_take_array(
	struct taker *t, const struct spot *in, const char *name, size_t most, struct spot *s);
/* Zeroed room for so many; NULL after an error. */
void *bm_take_room(struct taker *t, size_t count, size_t size);

/* 2^53, up to which every number of JSON is exact. */
#define BM_TAKE_MOST ((uint64_t)1 << 53)

/* Finds the JSON in a report, and refuses what would take too much memory to read: more than
 * BM_FINDINGS_VALUES values, or BM_FINDINGS_DEPTH of them in each other. It does not have to be
 * JSON otherwise. Sets the taker's status. */
struct bm_view bm_findings_json(struct taker *t, struct bm_view report);

/* Of an element: the number of a packet. */
uint64_t bm_take_packet(struct taker *t, const struct spot *s);
void bm_take_altered(struct taker *t, const struct spot *proof, struct bm_found_proof *p);
enum bm_found_direction bm_take_direction(struct taker *t, const struct spot *in);
struct bm_found_failure bm_take_failure(struct taker *t, const struct spot *s);

#endif
