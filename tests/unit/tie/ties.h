/* Logs and connections made by hand, and what becomes of them. Refuses to know what a test is
 * about.
 */
#ifndef TEST_TIES_H
#define TEST_TIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tie/internal.h"

/* 2026-11-26T09:00:00Z */
#define NINE 1795683600.0

/* A connection of TLS 1.2 from 192.0.2.1 to 198.51.100.7:443. */
struct made {
	uint16_t port;
	double from, to;    /* seconds after nine */
	double fails;       /* when a record of it fails; 0: none does */
	unsigned direction; /* of that record */
	uint64_t length;    /* of that record, header not counted; 0: 100 */
	double alert;       /* when its receiver complains; 0: never */
	unsigned version;   /* 0: TLS 1.2 */
	bool undecided;
	uint8_t random; /* of which its client random is made */
	const char *name;
	uint16_t lengths[8]; /* of records of application data that way, the one that fails last */
};

struct bm_tie *ties_open(void);
/* As a log of its own. */
void ties_log(struct bm_tie *t, const char *name, const char *text);
void ties_connection(struct bm_tie *t, const struct made *m);
/* The logs have ended, and this is all of the capture: seconds after nine. */
void ties_settle(struct bm_tie *t, double from, double to);
/* What the nth incident came to. */
struct bm_tied ties_nth(const struct bm_tie *t, size_t nth);
/* Whether a candidate has a ground of this kind, or a contradiction with these words. */
bool ties_ground(const struct bm_tie *t, size_t nth, size_t candidate, const char *kind);
bool ties_against(const struct bm_tie *t, size_t nth, size_t candidate, const char *words);

#endif
