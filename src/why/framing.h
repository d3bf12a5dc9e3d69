/* Which bytes between a bad record and the next good one are the record, and which are not. Shared
 * by the hypotheses about framing; refuses to name causes. */
#ifndef BM_WHY_FRAMING_H
#define BM_WHY_FRAMING_H

#include "why/why.h"

/* For %llu. */
static inline unsigned long long
bm_ull(uint64_t n)
{
	return n;
}

/* The record verifies once [at, at + n) is cut out of the region; where `parted`, once another
 * record, of [at, at + n) and of everything behind the first one, is taken out of it. */
struct bm_cut {
	bool found, parted;
	uint32_t at, n;
	bool record_inside;  /* what was cut out verifies as a record of this sender */
	uint64_t seq;        /* of the outer record */
	uint64_t inside_seq; /* of the inner one */
	uint64_t tried;
	uint32_t least, most; /* positions that were tried */
};

/* Asked once a failure: w->cut keeps the answer. */
const struct bm_cut *bm_find_cut(const struct bm_why *w);

/* Octets of the MAC or tag of the failed record's suite. */
size_t bm_tag_len_of(const struct bm_why *w);

/* Is the failure one of a TLS stream, with its bytes at hand? */
bool bm_has_framing(const struct bm_why *w);
/* The same for a hypothesis: BM_SHOWN, or why it is not asked. */
enum bm_answer bm_of_stream(const struct bm_why *w, const char **because);

/* One check of `bytes`, header first, under p at pos. */
bool bm_try_under(const struct bm_why *w, const struct bm_protection *p,
	const struct bm_position *pos, struct bm_view bytes);
/* The same under the keys that were expected. */
bool bm_try_record(const struct bm_why *w, const struct bm_position *pos, struct bm_view bytes);

/* Readable text: at least 8 octets, all printable or white space. */
bool bm_is_text(struct bm_view v);
bool bm_is_text_octet(uint8_t b);
/* The first octets of v, what is not printable as \xNN, in the arena; never NULL. */
const char *bm_quote(const struct bm_why *w, struct bm_view v);

/* Does a header stand behind the record's end, or one with an octet of type or version damaged? */
bool bm_header_nearly_behind(const struct bm_why *w);

#endif
