/* Holds what badmac said of a recording against what was done. */
#ifndef BM_LAB_JUDGE_H
#define BM_LAB_JUDGE_H

#include "lab/base.h"

#include <jansson.h>

enum lab_cause_told {
	LAB_CAUSE_WRONG,
	LAB_CAUSE_RIGHT,
	LAB_CAUSE_ALIKE /* another name that is as right (alike.c) */
};
enum lab_repair {
	LAB_NOTHING_TO_REPAIR,
	LAB_REPAIRED,     /* every octet, as it arrived and as it was sent */
	LAB_NOT_REPAIRED, /* octets are named, or none: what was sent is not */
	LAB_MISREPAIRED   /* others are said to have been sent */
};
enum lab_party_told { LAB_PARTY_OUT, LAB_PARTY_IN, LAB_PARTY_FIRST };
enum lab_confidence { LAB_POSSIBLE, LAB_SUPPORTED, LAB_PROVEN };

/* What was made of one report. */
struct lab_answer {
	char told[40]; /* the cause; or "nothing"; or "no report" */
	enum lab_cause_told cause;
	bool located; /* connection, direction, sequence number and place in the stream */
	enum lab_repair repair;
	enum lab_party_told party;
	enum lab_confidence confidence;
	bool right;            /* all of it, and nothing more was told */
	bool proven_and_wrong; /* something was said to be proven that is not so */
	char problem[240];     /* what is not right, or empty */
};

/* The first fault of truth.json, and what `badmac diagnose --format json` wrote and ended with. A
 * report of NULL: there is none. */
void lab_judge(const json_t *truth, const json_t *report, int status, struct lab_answer *out);
/* Of a capture in which nothing is wrong: its report may say no more than that a receiver
 * complained. */
void lab_judge_clean(const json_t *report, int status, struct lab_answer *out);
/* There is no report, because. */
void lab_judge_none(const char *because, struct lab_answer *out);

/* How records are protected, as far as it decides what can be found out. */
enum lab_kind {
	LAB_AEAD = 1,
	LAB_SHORT_TAG = 2,  /* an AEAD whose tag has 8 octets */
	LAB_MAC_BEHIND = 4, /* HMAC in the clear: encrypt-then-MAC */
	LAB_MAC_INSIDE = 8, /* CBC, HMAC below it */
	LAB_STREAM = 16,    /* RC4, HMAC below it */
	LAB_CLEAR = 32      /* HMAC, and no cipher */
};
unsigned lab_kind_of(const json_t *fault);

/* Another name for what was done that is as right. */
struct lab_alike {
	const char *cause, *how; /* how NULL: every way */
	unsigned kinds;
	const char *told;
	bool exact; /* only if every octet is named */
	const char *because;
};
/* NULL: there is none of that name. */
const struct lab_alike *lab_alike_find(
	const char *cause, const char *how, unsigned kind, const char *told);

#endif
