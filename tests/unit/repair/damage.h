/* Records sealed by OpenSSL's own AEAD, then damaged: the other side of what src/why repairs.
 * Knows no way to repair anything. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "repair/repair.h"

enum { RECORD_MAX = 16384 + 2048, EDGES_MAX = 64 };

struct sealed {
	struct bm_protection *protection;
	struct bm_position position;
	uint8_t sent[RECORD_MAX];
	uint8_t received[RECORD_MAX];
	uint8_t repaired[RECORD_MAX];
	size_t n;       /* octets of all three */
	size_t text_at; /* of the ciphertext */
	size_t text_n;
	size_t tag_n;
	uint32_t edges[EDGES_MAX];
	size_t edge_count;
	struct bm_repair repair;
};

/* xorshift64*: the same on every run. */
uint64_t draw(uint64_t *state);
size_t below(uint64_t *state, size_t n);

/* A record of the suite (1.3 or 1.2 as it has it) with text_n octets of ciphertext, of random key,
 * number and content. received is as sent; no edges. */
struct sealed *seal(unsigned suite, size_t text_n, uint64_t *state);
void unseal(struct sealed *r);
/* received becomes sent again. */
void heal(struct sealed *r);
/* Segments of 1460 octets, the first shorter. */
void cut(struct sealed *r, size_t first);

typedef enum bm_status (*solver)(
	const struct bm_damaged *, struct bm_scratch *, struct bm_repair *);
/* Runs it into r->repair. */
void repair_with(struct sealed *r, solver solve, enum bm_effort effort, uint64_t work);
solver solver_of(const struct sealed *r);
/* r->repair found exactly what was sent, and could prove it. */
void expect_repaired(const struct sealed *r, enum bm_repair_kind cause);
void expect_nothing(const struct sealed *r);

extern struct bm_scratch test_scratch;
/* What searches are spread over; NULL at first. */
extern struct bm_pool *test_pool;

/* The kinds of AEAD that are tested. */
enum { GCM12, GCM13, POLY12, POLY13, CCM12, CCM13, SHORT12, SHORT13, ARIA12, KINDS };
extern const unsigned suites[KINDS];
bool is_short(size_t kind); /* CCM_8 */
bool is_ccm(size_t kind);   /* with a whole tag */
bool is_gcm(size_t kind);

/* The tests' randomness, the same on every run. */
extern uint64_t dice;

/* Whether the next case is to be tried, with randomness of its own, whichever went before: of
 * BADMAC_STRIDE not all are. */
bool next_case(void);
/* Calls one test of a family on every kind and on lengths from 32 to `most`, if it is their turn.
 */
void each(void (*test)(struct sealed *r, size_t kind), size_t most);
void flip(struct sealed *r, size_t bit);
/* Another octet than was sent. */
void spoil(struct sealed *r, size_t at);
void repair(struct sealed *r, enum bm_effort effort);

#endif
