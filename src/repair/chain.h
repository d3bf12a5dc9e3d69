/* The CBC-MAC of CCM, from both ends: the state before each block as the received bytes make it,
 * and the one that the received tag asks for. Many changed chains are run side by side. Shared by
 * the families of CCM alone; refuses to know what TLS puts into the blocks. */
#ifndef BM_REPAIR_CHAIN_H
#define BM_REPAIR_CHAIN_H

#include "repair/search.h"

enum { BM_CHAIN_BLOCK = 16, BM_LANES = 1024, BM_LANE_CHANGES = 4 };

struct bm_chain {
	struct bm_search *s;
	struct bm_lanes **lanes; /* of each worker, made when first needed */
	struct bm_cbc *cipher;   /* for decrypting single blocks */
	size_t text_n;
	size_t first;   /* block of the MAC that the text starts in */
	size_t blocks;  /* of the MAC */
	size_t type_at; /* of the MAC's input, SIZE_MAX: as in bm_aead_parts */
	size_t tag_n;
	uint8_t (*block)[BM_CHAIN_BLOCK]; /* B_0 to B_n as decrypted (RFC 3610, section 2.2) */
	uint8_t (*before)[BM_CHAIN_BLOCK];
	/* What `before` must be for the tag to be right if all is well from there on; [blocks] is the
	 * tag without its mask. Only that one when the tag is cut, and only its first tag_n octets. */
	uint8_t (*need)[BM_CHAIN_BLOCK];
};

/* One chain whose blocks are changed: masks for at most four of them, ascending. */
struct bm_lane {
	uint32_t at;   /* next block */
	uint32_t last; /* block after which the chain must be right */
	uint8_t changes, done;
	struct {
		uint32_t block;
		uint8_t mask[BM_CHAIN_BLOCK];
	} change[BM_LANE_CHANGES];
};

/* Lanes on their way, and what else a worker has to itself. */
struct bm_lanes {
	const struct bm_chain *chain;
	struct bm_aead *aead;  /* for encrypting single blocks */
	struct bm_cbc *cipher; /* for decrypting them */
	/* Not NULL: asked behind every block after a lane's changes, with the one more change that
	 * would put it right there, in text block `at`; true when it is to be tried. */
	bool (*second)(const struct bm_chain *c, size_t at, const uint8_t mask[BM_CHAIN_BLOCK]);
	size_t n;
	struct bm_lane lane[BM_LANES];
	uint8_t state[BM_LANES][BM_CHAIN_BLOCK];
};

/* BM_NOMEM. bm_chain_free in every case. */
enum bm_status bm_chain_new(struct bm_chain *c, struct bm_search *s);
void bm_chain_free(struct bm_chain *c); /* wipes */

static inline void
bm_chain_mix(uint8_t *to, const uint8_t *p)
{
	uint64_t a[2], b[2];

	memcpy(a, to, sizeof(a));
	memcpy(b, p, sizeof(b));
	a[0] ^= b[0];
	a[1] ^= b[1];
	memcpy(to, a, sizeof(a));
}

/* Octets of text block k. */
size_t bm_chain_text(const struct bm_chain *c, size_t k);
/* Tries a mask on the text. */
void bm_chain_try(const struct bm_chain *c, size_t at, const uint8_t *mask, size_t n);

/* The lanes of a worker, empty between parts. NULL: no memory, and noted in c->s. */
struct bm_lanes *bm_chain_lanes(const struct bm_chain *c, unsigned worker);

/* Adds to `lane` that n octets of the text at `at` (at most 8) are XORed with mask. */
void bm_lane_change(
	struct bm_lane *lane, const struct bm_chain *c, size_t at, const uint8_t *mask, size_t n);
/* Sends a lane with its changes on its way; runs all that wait when there are many. */
void bm_lanes_add(struct bm_lanes *x, const struct bm_lane *lane);
/* Runs those that wait to their end. */
void bm_lanes_run(struct bm_lanes *x);

/* Steps that a chain takes from anywhere to the end, in the mean. */
static inline double
bm_chain_to_end(const struct bm_chain *c)
{
	return (double)c->blocks / 2;
}

/* Families of words in other places: each a call that opens it, searches and closes. */
void bm_chain_adjacent(struct bm_chain *c);
void bm_chain_swaps(struct bm_chain *c);
void bm_chain_reversals(struct bm_chain *c);

#endif
