/* Faults that no relay can put in: a program of the lab's own (lab/guilty) does them as a real TLS
 * client, and says what it did. */
#ifndef BM_LAB_GUILT_H
#define BM_LAB_GUILT_H

#include "lab/fault.h"
#include "lab/lane.h"
#include "lab/relay.h"
#include "lab/stacks.h"

/* What kinds of suites it can be done under. */
enum lab_needs {
	LAB_ANY,
	LAB_SEALED, /* the program has to make records by itself */
	LAB_CBC,
	LAB_CBC_ETM, /* CBC with encrypt-then-MAC */
	LAB_KEY_256
};

/* One way of a fault. */
struct lab_guilt {
	const char *crime; /* the program's name for it */
	const char *summary;
	unsigned from, to; /* TLS versions */
	enum lab_needs needs;
};

/* NULL: the relay does it. */
const struct lab_guilt *lab_guilt_of(const struct lab_spec *spec);

/* Whether it can be done with what was asked for: direction, client (the lab's own takes the place
 * of OpenSSL's), version, suite. Where no suite was named, one that it can be done under is filled
 * in. False: a sentence in problem. */
bool lab_guilt_fits(const struct lab_spec *spec, const struct lab_stack *client,
	struct lab_setup *setup, char *problem, size_t n);

/* The program as a stack that has a client alone, and the words that it takes besides. */
extern const struct lab_stack lab_guilty_stack;
bool lab_guilt_words(const struct lab_spec *spec, uint64_t seed, struct lab_words *out);

/* What the program says that it did. Views point into the line, and are hex. */
struct lab_confession {
	unsigned version;
	const struct bm_suite *suite;
	uint64_t connection, sequence, offset, length, damage_off;
	int64_t record; /* -1: none of application data */
	const char *party;
	bool damaged;
	struct bm_view received, sent;
};

/* Reads such a line, without its end. False: it is none, or not to be believed. */
bool lab_confession_parse(struct bm_view line, struct lab_confession *out);
/* The only such line in what the program said. False: there is none, or more than one. */
bool lab_confession_find(const struct bm_buf *said, struct lab_confession *out);
/* Whether it can be so of the connection that it speaks of, by what the relay saw of that. */
bool lab_confession_fits(const struct lab_confession *c, const struct lab_known *seen);
/* Writes it down as the plan's fault. False: out of memory. */
BM_MUST_USE bool lab_confession_keep(
	const struct lab_confession *c, const struct lab_spec *spec, struct lab_plan *plan);

#endif
