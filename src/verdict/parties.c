/* Whose fault: one table from what was shown, the checksums, the place of capture and the shape of
 * the damage to the parties that the evidence leaves. Refuses to know how anything was found. */
#include "verdict/verdict.h"

/* What kind of fault a cause is, as far as parties go. */
enum what {
	GOOD,        /* good as captured, and rejected */
	GOOD_FIRST,  /* ... the first under its keys: the two ends may have others */
	ALERT,       /* said in the clear what is wrong */
	MATERIAL,    /* keys or rules that nobody complains of: what was given, or read */
	KEYS,        /* the two ends have other keys */
	RULE,        /* by a rule of its own, or padded so, under a MAC that is right */
	MISCOMPUTED, /* everything right but the MAC */
	STATE,       /* everything right but the state of the cipher, or which of two keys it took */
	WRITERS,     /* two records under one number */
	EPOCH,       /* under keys of another epoch */
	RECORDS,     /* whole records replayed, left out, out of order, from elsewhere */
	REFLECTED,
	RUN,   /* octets put in or left out */
	BYTES, /* octets changed in their place */
	INCOMPLETE,
	UNCHECKED /* a complaint, and nothing could be checked */
};

/* Question 1: which checksum holds, with the bytes as captured or with those that were sent? As
 * bits. */
enum {
	DAMAGED = 1 << 0, /* the damaged bytes only: damaged before the sum was made, or made anew */
	BOTH = 1 << 1,    /* both: in transit, and the sum did not notice */
	SENT = 1 << 2,    /* the right bytes only: on the wire or after it, and nobody checked */
	NEITHER = 1 << 3,
	FITS = 1 << 4,   /* right as captured; what was sent is not known */
	UNFIT = 1 << 5,  /* wrong as captured; what was sent is not known */
	NO_SUM = 1 << 6, /* captured before a network card filled it in, or none */
	WELL = DAMAGED | BOTH | FITS | NO_SUM,
	ILL = SENT | NEITHER | UNFIT,
	ANY_SUM = WELL | ILL
};

/* Question 2: where was the capture taken, seen from who sent the record? */
enum {
	THERE = 1 << 0,   /* at the sender */
	HERE = 1 << 1,    /* at the receiver */
	BETWEEN = 1 << 2, /* or unknown */
	ANYWHERE = THERE | HERE | BETWEEN
};

/* Question 3: what shape has the damage? */
enum {
	PLAIN = 1 << BM_SHAPE_PLAIN,
	MEMORY = 1 << BM_SHAPE_MEMORY, /* cache lines, pages, one bit at a period of them */
	EDGE = 1 << BM_SHAPE_EDGE,     /* it begins or ends where a segment does */
	TEXT = 1 << BM_SHAPE_TEXT,     /* readable words were written over it */
	ANY_SHAPE = PLAIN | MEMORY | EDGE | TEXT
};

#define SA BM_PARTY_SENDER_APPLICATION
#define ST BM_PARTY_SENDER_TLS
#define SH BM_PARTY_SENDER_HOST
#define NW BM_PARTY_NETWORK
#define RH BM_PARTY_RECEIVER_HOST
#define RT BM_PARTY_RECEIVER_TLS
#define RA BM_PARTY_RECEIVER_APPLICATION
#define CF BM_PARTY_CONFIGURATION
#define CP BM_PARTY_CAPTURE
#define END BM_PARTY_COUNT

/* The first row that fits, its parties likeliest first. docs/EVIDENCE.md has the same table. */
static const struct row {
	enum what what;
	unsigned sums, places, shapes;
	enum bm_party parties[BM_PARTY_COUNT];
} table[] = {
	/* Behind the capture something went wrong, the receiver's TLS first. */
	{GOOD, ANY_SUM, THERE, ANY_SHAPE, {NW, RT, RA, RH, SH, END}},
	{GOOD, ANY_SUM, HERE, ANY_SHAPE, {RT, RA, RH, END}},
	{GOOD, ANY_SUM, BETWEEN, ANY_SHAPE, {RT, RA, RH, NW, END}},
	{GOOD_FIRST, ANY_SUM, THERE, ANY_SHAPE, {CF, NW, RT, RA, RH, SH, ST, END}},
	{GOOD_FIRST, ANY_SUM, HERE | BETWEEN, ANY_SHAPE, {CF, RT, RA, RH, NW, ST, END}},

	{ALERT, ANY_SUM, THERE, ANY_SHAPE, {CF, ST, END}},
	/* Anyone on the way can say so in the clear. */
	{ALERT, ANY_SUM, HERE | BETWEEN, ANY_SHAPE, {CF, ST, NW, END}},
	{MATERIAL, ANY_SUM, ANYWHERE, ANY_SHAPE, {CF, END}},
	/* A handshake message that was altered on its way leaves the ends with other keys. */
	{KEYS, ANY_SUM, ANYWHERE, ANY_SHAPE, {CF, NW, ST, RT, END}},
	/* Nobody else could make it. */
	{RULE, ANY_SUM, ANYWHERE, ANY_SHAPE, {ST, END}},
	{STATE, ANY_SUM, ANYWHERE, ANY_SHAPE, {ST, SA, END}},
	{MISCOMPUTED, ANY_SUM, THERE, ANY_SHAPE, {ST, SH, END}},
	{MISCOMPUTED, ANY_SUM, HERE | BETWEEN, ANY_SHAPE, {ST, SH, NW, END}},
	{WRITERS, ANY_SUM, ANYWHERE, ANY_SHAPE, {SA, ST, END}},
	{EPOCH, ANY_SUM, ANYWHERE, ANY_SHAPE, {ST, SA, END}},
	/* TCP delivers every octet once and in order: who writes whole records did it. */
	{RECORDS, ANY_SUM, THERE, ANY_SHAPE, {SA, ST, END}},
	{RECORDS, ANY_SUM, HERE | BETWEEN, ANY_SHAPE, {SA, ST, NW, END}},
	{REFLECTED, ANY_SUM, ANYWHERE, ANY_SHAPE, {NW, SA, END}},
	/* TCP loses and adds nothing: the sender wrote it so, or a box that ends TCP did. */
	{RUN, ANY_SUM, THERE, ANY_SHAPE, {SA, ST, SH, END}},
	{RUN, ANY_SUM, HERE | BETWEEN, ANY_SHAPE, {SA, NW, ST, SH, END}},

	/* Wrong where it set out: before the wire. */
	{BYTES, WELL, THERE, ANY_SHAPE, {SH, ST, SA, END}},
	/* The sum was made over other bytes than went out: changed after it, as when a buffer is used
	   again too early. */
	{BYTES, ILL, THERE, ANY_SHAPE, {SH, SA, CP, END}},
	/* Lines and pages are units of memory and of what copies it, not of wires. */
	{BYTES, WELL, HERE, MEMORY, {SH, RH, NW, ST, SA, END}},
	{BYTES, WELL, BETWEEN, MEMORY, {SH, NW, ST, SA, END}},
	/* Segments are cut from the sender's buffers. */
	{BYTES, WELL, HERE, EDGE, {SH, NW, SA, ST, RH, END}},
	{BYTES, WELL, BETWEEN, EDGE, {SH, NW, SA, ST, END}},
	/* Whoever writes words knows a protocol: a gateway that edits addresses, a tracer, an agent. */
	{BYTES, WELL, HERE | BETWEEN, TEXT, {NW, SH, SA, ST, END}},
	/* Before the sender's sum, or at a box that makes it anew; between the wire and the capture
	   stands the receiver's network card. */
	{BYTES, WELL, HERE, ANY_SHAPE, {NW, SH, ST, SA, RH, END}},
	{BYTES, WELL, BETWEEN, ANY_SHAPE, {NW, SH, ST, SA, END}},
	/* On the wire or after it, and let through by who should have checked (RFC 9293, 3.1), or in
	   the capture alone. */
	{BYTES, SENT, HERE, MEMORY, {RH, NW, CP, END}},
	{BYTES, SENT, HERE | BETWEEN, ANY_SHAPE, {NW, RH, CP, END}},
	{BYTES, NEITHER | UNFIT, HERE, MEMORY, {RH, NW, SH, CP, END}},
	{BYTES, NEITHER | UNFIT, HERE | BETWEEN, ANY_SHAPE, {NW, RH, SH, CP, END}},

	{INCOMPLETE, ANY_SUM, ANYWHERE, ANY_SHAPE, {CP, END}},
	/* Anyone between the two MACs. */
	{UNCHECKED, ANY_SUM, ANYWHERE, ANY_SHAPE, {SA, ST, SH, NW, RH, RT, RA, END}},
};

static enum what
what_of(const struct bm_case *c, const struct bm_finding *f)
{
	switch (f->cause) {
	case BM_CAUSE_RECORD_WAS_GOOD:
		return c->first_of_epoch ? GOOD_FIRST : GOOD;
	case BM_CAUSE_PLAINTEXT_ALERT:
		return ALERT;
	case BM_CAUSE_WRONG_KEYS:
		return f->configuration ? MATERIAL : KEYS;
	case BM_CAUSE_MAC_CONSTRUCTION:
		return f->configuration ? MATERIAL : RULE;
	case BM_CAUSE_BAD_PADDING:
		return RULE;
	case BM_CAUSE_SENDER_MISCOMPUTED:
		return f->strength == BM_STRENGTH_PROVEN ? STATE : MISCOMPUTED;
	case BM_CAUSE_SEQUENCE_REUSED:
		return WRITERS;
	case BM_CAUSE_WRONG_EPOCH:
		return EPOCH;
	case BM_CAUSE_RECORD_MISSING:
		return f->own_make ? STATE : RECORDS;
	case BM_CAUSE_RECORD_REPLAYED:
	case BM_CAUSE_RECORDS_REORDERED:
	case BM_CAUSE_FOREIGN_RECORD:
	case BM_CAUSE_RECORDS_INTERLEAVED:
		return RECORDS;
	case BM_CAUSE_REFLECTED_RECORD:
		return f->own_make ? STATE : REFLECTED;
	case BM_CAUSE_PLAINTEXT_INJECTED:
	case BM_CAUSE_BYTES_INSERTED:
	case BM_CAUSE_BYTES_MISSING:
		return RUN;
	case BM_CAUSE_BITS_FLIPPED:
	case BM_CAUSE_BYTES_DAMAGED:
	case BM_CAUSE_WORDS_SWAPPED:
	case BM_CAUSE_TAG_DAMAGED:
	case BM_CAUSE_HEADER_DAMAGED:
	case BM_CAUSE_STALE_DATA:
	case BM_CAUSE_RETRANSMISSION_DIFFERS:
		return BYTES;
	case BM_CAUSE_CAPTURE_INCOMPLETE:
		return INCOMPLETE;
	case BM_CAUSE_UNEXPLAINED:
	case BM_CAUSE_COUNT:
		break;
	}
	return c->kind == BM_CASE_BAD_RECORD ? BYTES : UNCHECKED;
}

static unsigned
sums(const struct bm_failure *f)
{
	const char *now = f->checksum_as_captured, *then = f->checksum_as_sent;

	if (now == NULL || strcmp(now, "offloaded") == 0)
		return NO_SUM;
	bool fits = strcmp(now, "valid") == 0;
	if (then == NULL)
		return fits ? FITS : UNFIT;
	bool fitted = strcmp(then, "valid") == 0;
	return fits ? (fitted ? BOTH : DAMAGED) : (fitted ? SENT : NEITHER);
}

/* Seen from the sender of the failed record. */
static unsigned
relative(enum bm_place place, unsigned direction)
{
	enum bm_place at = bm_verdict_relative(place, direction);

	return at == BM_AT_SENDER ? THERE : at == BM_AT_RECEIVER ? HERE : BETWEEN;
}

static void
blame(struct bm_failure *out, enum bm_party p)
{
	for (size_t i = 0; i < out->at_fault_count; i++)
		if (out->at_fault[i] == p)
			return;
	out->at_fault[out->at_fault_count++] = p;
}

void
bm_verdict_parties(const struct bm_case *c, const struct bm_finding *f, enum bm_place place,
	enum bm_shape shape, struct bm_failure *out)
{
	enum what what = what_of(c, f);
	unsigned sum = sums(out), at = relative(place, c->direction), form = 1u << shape;
	const struct row *row = table;

	while (row->what != what || (row->sums & sum) == 0 || (row->places & at) == 0 ||
		   (row->shapes & form) == 0)
		row++;
	/* A receiver that went on had other bytes than were captured. */
	bool elsewhere = c->carried_on && (what == BYTES || what == MISCOMPUTED);
	if (elsewhere && what == BYTES && (sum & ILL) != 0)
		blame(out, CP);
	for (const enum bm_party *p = row->parties; *p != END; p++)
		blame(out, *p);
	if (elsewhere)
		blame(out, CP);
}
