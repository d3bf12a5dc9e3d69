/* Where else in the captured traffic octets of a failed record stand. Refuses to know what that
 * means. */
#ifndef BM_WHY_DONOR_H
#define BM_WHY_DONOR_H

#include "why/repeats.h"
#include "why/why.h"

enum bm_donor_place { BM_DONOR_SAME_DIRECTION, BM_DONOR_OTHER_DIRECTION, BM_DONOR_OTHER_FLOW };

/* The longest run of the text that stands elsewhere. */
struct bm_donor {
	uint32_t at, n; /* of the text; n 0: none was found */
	enum bm_donor_place place;
	uint64_t packet, last_packet; /* that carry it, first and last */
	bool has_offset;              /* TCP, and the beginning of the stream was captured */
	uint64_t offset;              /* of the run in that stream */
	/* It begins a record, with the same IV or nonce: under these, equal content looks equal. */
	bool same_start;
	struct bm_address from, to;
};

struct bm_donor_search {
	struct bm_donor donor;
	bool walked;        /* there was traffic to be looked through */
	bool cut;           /* and not all of it could be */
	uint64_t packets;   /* looked through */
	const char *refuse; /* static: why what was found does not count; else NULL */
};

/* Looks for runs of r->text, which begins at octet text_at of the record, in all of the capture but
 * for the record itself and other sightings of its connection. r has bm_sighting_name's name. */
void bm_look_for_donor(
	const struct bm_why *w, struct bm_repeats *r, uint32_t text_at, struct bm_donor_search *out);
/* Says of it where it stands; at: in the record. */
void bm_tell_donor(
	const struct bm_why *w, struct bm_finding *out, const struct bm_donor *d, uint32_t at);
/* By what another sighting of the connection is known; empty when it is not. */
struct bm_view bm_sighting_name(const struct bm_why *w);

#endif
