/* The bookkeeping of a search for damage in one record: the families and their counts, the bytes
 * that are tried, and the check that has the last word. For the solvers of this folder; refuses to
 * know how any of them finds what it tries. */
#ifndef BM_REPAIR_SEARCH_H
#define BM_REPAIR_SEARCH_H

#include "repair/repair.h"

/* The names of a family: as it is, and when two of its changes fit, so that neither is shown. */
struct bm_family_name {
	const char *once, *twice;
};
#define BM_FAMILY_NAME(text)                                                                       \
	{                                                                                              \
		text, text ": two different changes fit, so neither is shown"                              \
	}

struct bm_search {
	const struct bm_damaged *d;
	struct bm_scratch *scratch;
	struct bm_repair *out;
	struct bm_aead_parts parts;
	size_t text_at;  /* of the text in `trial`: behind header and explicit nonce */
	uint8_t *trial;  /* header and body, as received but from bm_search_take to bm_search_try */
	size_t n;        /* octets of trial */
	uint64_t left;   /* work that may still be done */
	uint64_t cost;   /* of the family at work */
	double accepted; /* alterations, over the families so far */
	double most;     /* that leave a proof of 2^-40 */
	const struct bm_family_name *name; /* of the family at work */
	bool swaps;                        /* whose changes are words in other places */
	bool moves;                        /* or a rest of a segment moved over */
	unsigned fits; /* different changes of it that verified; 2 is as good as more */
	bool complete;
	bool over;             /* nothing more is to be searched */
	enum bm_status status; /* BM_NOMEM, and then over is set */
};

/* False, with out as it was but for its method, when the record cannot be searched at all;
 * s->status tells apart. Either way bm_search_end follows. work: the limits of BM_QUICK, BM_NORMAL
 * and BM_DEEP. */
bool bm_search_begin(struct bm_search *s, const struct bm_damaged *d, struct bm_scratch *scratch,
	struct bm_repair *out, const char *method, const uint64_t work[3]);
enum bm_status bm_search_end(struct bm_search *s);

/* A family of `accepted` alterations whose search costs `steps` operations of 16 octets. True: it
 * is to be searched, and bm_search_close follows. False: it asks for more effort, it is empty, it
 * would leave no proof of 2^-40, it costs more than is left (then it is noted as not complete), or
 * the search is over. */
bool bm_search_open(struct bm_search *s, const struct bm_family_name *name, enum bm_effort least,
	double accepted, double steps);
void bm_search_close(struct bm_search *s);
/* Of words in other places rather than other bytes. Between open and close. */
void bm_search_swaps(struct bm_search *s);

/* Of octets that were moved. Between open and close. */
void bm_search_moves(struct bm_search *s);

/* Spreads the family at work over the pool, where it is long enough for that: calls part as
 * bm_pool_run does. What a part shares with others it may only read, but for the calls below down
 * to bm_search_fail, which wait for each other. */
void bm_search_run(struct bm_search *s, size_t parts, bm_pool_part *part, void *ctx);
/* Workers there will be at most; what each needs of its own is made for so many. */
unsigned bm_search_workers(const struct bm_search *s, size_t parts);

/* The record as received, header and body, to be changed; bm_search_try follows. */
uint8_t *bm_search_take(struct bm_search *s);
/* Verifies it as it is now and puts it back to what was received. True when it verified. */
bool bm_search_try(struct bm_search *s);
/* Both, with mask (n octets, clipped to the record) XORed onto it at `at`. */
bool bm_search_try_mask(struct bm_search *s, size_t at, const uint8_t *mask, size_t n);
/* Each of the n octets from `at` on, alone, as every other value, until the search is over. */
void bm_search_try_octets(struct bm_search *s, size_t at, size_t n);

/* edge_swaps.c: a family of its own. Two words of up to 8 octets, next to each other and swapped,
 * of which one or both are nonce or tag, or lie over the edge of the text. */
void bm_search_edge_swaps(struct bm_search *s);

/* Out of memory: the search is over. */
void bm_search_fail(struct bm_search *s, enum bm_status status);

/* Segments of TCP within the text: the end of the one that octet `at` of the text is in. */
size_t bm_search_segment_end(const struct bm_search *s, size_t at);

/* Bits that are set in n octets; and whether all that are not zero stand within `octets` in a row.
 */
unsigned bm_weight(const uint8_t *p, size_t n);
bool bm_within(const uint8_t *p, size_t n, size_t octets);
size_t bm_octets_set(const uint8_t *p, size_t n); /* that are not 0 */

/* How many masks of n octets have at most `bits` bits, at most `octets` octets in a row, and as
 * many wherever they are. */
double bm_masks_of_weight(size_t n, unsigned bits);
double bm_masks_in_run(size_t n, size_t octets);
double bm_masks_of_octets(size_t n, size_t octets);

#endif
