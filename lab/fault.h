/* The faults: what is done to a record on its way, as data and one small function each. */
#ifndef BM_LAB_FAULT_H
#define BM_LAB_FAULT_H

#include "lab/tls.h"
#include "lab/wire.h"

/* One fault that is being put in. The function reads the first part and fills the second. */
struct lab_strike {
	const struct lab_record *record;
	const struct lab_spec *spec;
	struct lab_chance *chance;
	size_t burst_off;      /* where the record begins in what is sent at a time: segments count from
							  there */
	struct bm_view before; /* the application record before it, same direction; empty: none */
	struct bm_view mirror; /* the latest application record of the other direction */
	struct bm_view foreign; /* one of another connection */

	struct bm_buf out;      /* what arrives in the record's place */
	bool hold;              /* it arrives after the next record */
	bool mute;              /* nothing of this direction arrives after it */
	bool again;             /* recorded as two copies, of which the first was taken */
	size_t at;              /* in out: the record that fails first */
	unsigned ahead;         /* its number, from the record's own */
	size_t damage_off;      /* in the record that fails, where lengths differ */
	struct bm_buf received; /* the foreign run */
	struct bm_buf sent;     /* the missing run */
	size_t extent;          /* octets in question: 0 for the record's own length */
};

enum { LAB_WAYS = 5 };
/* A record is taken for another's place only if so many octets are in it, header and all. */
enum { LAB_LEAST = 48 };

struct lab_guilt;

/* Two may have one cause, if their ways have other names. */
struct lab_fault {
	const char *cause;          /* CONTRACT's id, as in docs/OUTPUT.md */
	const char *ways[LAB_WAYS]; /* for how=, the first is the default */
	const char *summary;
	unsigned length; /* the default of length=, 0: has none */
	unsigned placed; /* a bit for each way in which byte= says where */
	bool in_place;   /* octets become others where they stand: sum= says something of it */
	/* False: cannot be put into this record (too short, nothing to take from). Then nothing is
	 * kept. */
	bool (*apply)(struct lab_strike *s);
	/* Not NULL: no relay does it, but a program (lab/guilt.h), each way by this. apply is NULL
	 * then. */
	const struct lab_guilt *guilt;
};

extern const struct lab_fault *const lab_faults[]; /* ends with NULL */
/* The first of that cause. */
const struct lab_fault *lab_fault_find(const char *cause);

/* What the functions share. */

/* The part of the record that a fault may choose places from: behind IV or nonce, before tag or
 * MAC. */
size_t lab_low(const struct lab_record *r);
size_t lab_high(const struct lab_record *r);
/* A place for n octets there, all in one segment if it can be: byte= or chosen. False: no room. */
bool lab_place(struct lab_strike *s, size_t n, size_t *at);
bool lab_same_segment(const struct lab_strike *s, size_t a, size_t b);
/* The default or what was asked for. */
size_t lab_length(const struct lab_strike *s);
/* out becomes a copy of the record. */
BM_MUST_USE bool lab_copy(struct lab_strike *s);

/* One table for each family. */
extern const struct lab_fault lab_bits_flipped, lab_bytes_damaged, lab_words_swapped,
	lab_tag_damaged, lab_header_damaged, lab_stale_data, lab_retransmission_differs;
extern const struct lab_fault lab_bytes_missing, lab_bytes_inserted, lab_plaintext_injected,
	lab_plaintext_alert;
extern const struct lab_fault lab_record_replayed, lab_records_reordered, lab_record_missing,
	lab_reflected_record, lab_foreign_record;
extern const struct lab_fault lab_guilty_reused, lab_guilty_interleaved, lab_guilty_reordered,
	lab_guilty_missing, lab_guilty_injected, lab_guilty_inserted, lab_guilty_foreign,
	lab_guilty_miscomputed, lab_guilty_padded, lab_guilty_constructed, lab_guilty_reflected,
	lab_guilty_epochs, lab_guilty_keys;

#endif
