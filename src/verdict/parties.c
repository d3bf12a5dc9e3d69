/* Whose fault: the table from cause, checksum and vantage point to the parties that the evidence
 * leaves. Refuses to know how anything was found. */
#include "verdict/verdict.h"

static void
blame(struct bm_failure *out, enum bm_party p)
{
	for (size_t i = 0; i < out->at_fault_count; i++)
		if (out->at_fault[i] == p)
			return;
	out->at_fault[out->at_fault_count++] = p;
}

/* What the checksums say: as captured, and with the repair put in. */
enum sums { EITHER, DAMAGED_FITS, BOTH_FIT, SENT_FITS, NEITHER_FITS, CAPTURED_UNFIT };

static enum sums
sums(const struct bm_failure *f)
{
	const char *now = f->checksum_as_captured, *then = f->checksum_as_sent;

	if (now == NULL || strcmp(now, "offloaded") == 0)
		return EITHER;
	bool fits = strcmp(now, "valid") == 0;
	if (then == NULL)
		return fits ? EITHER : CAPTURED_UNFIT;
	bool fitted = strcmp(then, "valid") == 0;
	return fits ? (fitted ? BOTH_FIT : DAMAGED_FITS) : (fitted ? SENT_FITS : NEITHER_FITS);
}

enum { PARTIES = 6 };

/* Likeliest first; BM_PARTY_COUNT ends a row. */
struct row {
	enum sums sums;
	enum bm_party parties[PARTIES];
};

#define END BM_PARTY_COUNT

/* The capture was taken at the sender: what is wrong there was wrong before the wire. */
static const enum bm_party at_sender[] = {
	BM_PARTY_SENDER_HOST, BM_PARTY_SENDER_TLS, BM_PARTY_SENDER_APPLICATION, END};

static const struct row elsewhere[] = {
	/* Damaged before the sender's sum was made, or by a box that made it anew (proxy, GRO
	   forwarder). */
	{DAMAGED_FITS, {BM_PARTY_NETWORK, BM_PARTY_SENDER_HOST, BM_PARTY_SENDER_TLS,
					   BM_PARTY_SENDER_APPLICATION, END}},
	/* Damaged where the sum was already there, and did not notice. */
	{BOTH_FIT, {BM_PARTY_NETWORK, BM_PARTY_SENDER_HOST, BM_PARTY_SENDER_TLS,
				   BM_PARTY_SENDER_APPLICATION, END}},
	/* Damaged after the sum was made, and let through by whoever should have checked it (RFC 9293,
	 * section 3.1), or only in the capture. */
	{SENT_FITS, {BM_PARTY_NETWORK, BM_PARTY_RECEIVER_HOST, BM_PARTY_CAPTURE, END}},
	{CAPTURED_UNFIT,
		{BM_PARTY_NETWORK, BM_PARTY_RECEIVER_HOST, BM_PARTY_SENDER_HOST, BM_PARTY_CAPTURE, END}},
	{NEITHER_FITS,
		{BM_PARTY_NETWORK, BM_PARTY_RECEIVER_HOST, BM_PARTY_SENDER_HOST, BM_PARTY_CAPTURE, END}},
	{EITHER, {BM_PARTY_NETWORK, BM_PARTY_SENDER_HOST, BM_PARTY_SENDER_TLS,
				 BM_PARTY_SENDER_APPLICATION, END}},
};

/* The bytes themselves are wrong: who stands between the MAC and the capture? */
static void
blame_bytes(const struct bm_case *c, enum bm_place place, struct bm_failure *out)
{
	enum sums now = sums(out);
	const enum bm_party *row = at_sender;
	bool unfit = now == SENT_FITS || now == CAPTURED_UNFIT || now == NEITHER_FITS;

	/* Its receiver had other bytes than were captured. */
	if (c->carried_on && unfit)
		blame(out, BM_PARTY_CAPTURE);
	if (place != BM_AT_SENDER)
		for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
			if (elsewhere[i].sums == now)
				row = elsewhere[i].parties;
	for (; *row != END; row++)
		blame(out, *row);
	/* Between the wire and the place of capture stands its network card. */
	if (place == BM_AT_RECEIVER && !unfit)
		blame(out, BM_PARTY_RECEIVER_HOST);
	if (c->carried_on)
		blame(out, BM_PARTY_CAPTURE);
}

void
bm_verdict_parties(const struct bm_case *c, const struct bm_finding *f, enum bm_place place,
	struct bm_failure *out)
{
	enum bm_place at = bm_verdict_relative(place, c->direction);

	switch (f->cause) {
	case BM_CAUSE_RECORD_WAS_GOOD:
		/* The two ends may not have had the same keys at all. */
		if (c->first_of_epoch)
			blame(out, BM_PARTY_CONFIGURATION);
		if (at == BM_AT_SENDER)
			blame(out, BM_PARTY_NETWORK);
		/* Good where it was captured: damaged, mishandled or misjudged after that point. */
		blame(out, BM_PARTY_RECEIVER_TLS);
		blame(out, BM_PARTY_RECEIVER_APPLICATION);
		blame(out, BM_PARTY_RECEIVER_HOST);
		if (at != BM_AT_RECEIVER || c->first_of_epoch)
			blame(out, BM_PARTY_NETWORK);
		if (at == BM_AT_SENDER)
			blame(out, BM_PARTY_SENDER_HOST);
		if (c->first_of_epoch)
			blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_PLAINTEXT_ALERT:
		blame(out, BM_PARTY_CONFIGURATION);
		blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_WRONG_KEYS:
		blame(out, BM_PARTY_CONFIGURATION);
		if (!f->configuration) {
			/* A handshake message that was altered on its way leaves the ends with other keys. */
			blame(out, BM_PARTY_NETWORK);
			blame(out, BM_PARTY_SENDER_TLS);
			blame(out, BM_PARTY_RECEIVER_TLS);
		}
		break;
	case BM_CAUSE_MAC_CONSTRUCTION:
		/* Two ends that agree: what was read of their handshake, or both. */
		if (f->configuration)
			blame(out, BM_PARTY_CONFIGURATION);
		else
			blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_BAD_PADDING:
		/* Under a MAC that is right, or that is over all the rest: nobody else could make it. */
		blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_SENDER_MISCOMPUTED:
		blame(out, BM_PARTY_SENDER_TLS);
		blame(out, BM_PARTY_SENDER_HOST);
		if (at != BM_AT_SENDER)
			blame(out, BM_PARTY_NETWORK);
		if (c->carried_on)
			blame(out, BM_PARTY_CAPTURE);
		break;
	case BM_CAUSE_CAPTURE_INCOMPLETE:
		blame(out, BM_PARTY_CAPTURE);
		break;
	case BM_CAUSE_RECORD_REPLAYED:
	case BM_CAUSE_RECORDS_REORDERED:
	case BM_CAUSE_RECORD_MISSING:
		/* TCP delivers in order and once: whoever writes whole records did it. */
		blame(out, BM_PARTY_SENDER_APPLICATION);
		blame(out, BM_PARTY_SENDER_TLS);
		if (at != BM_AT_SENDER)
			blame(out, BM_PARTY_NETWORK);
		break;
	case BM_CAUSE_WRONG_EPOCH:
		blame(out, BM_PARTY_SENDER_TLS);
		blame(out, BM_PARTY_SENDER_APPLICATION);
		break;
	case BM_CAUSE_REFLECTED_RECORD:
		blame(out, BM_PARTY_NETWORK);
		blame(out, BM_PARTY_SENDER_APPLICATION);
		break;
	case BM_CAUSE_FOREIGN_RECORD:
	case BM_CAUSE_RECORDS_INTERLEAVED:
		blame(out, BM_PARTY_SENDER_APPLICATION);
		blame(out, BM_PARTY_SENDER_TLS);
		if (at != BM_AT_SENDER)
			blame(out, BM_PARTY_NETWORK);
		break;
	case BM_CAUSE_PLAINTEXT_INJECTED:
	case BM_CAUSE_BYTES_INSERTED:
	case BM_CAUSE_BYTES_MISSING:
		/* TCP loses and adds nothing: the sender wrote it so, or a box that ends TCP did. */
		blame(out, BM_PARTY_SENDER_APPLICATION);
		if (at != BM_AT_SENDER)
			blame(out, BM_PARTY_NETWORK);
		blame(out, BM_PARTY_SENDER_TLS);
		blame(out, BM_PARTY_SENDER_HOST);
		break;
	case BM_CAUSE_SEQUENCE_REUSED:
		blame(out, BM_PARTY_SENDER_APPLICATION);
		blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_STALE_DATA:
	case BM_CAUSE_RETRANSMISSION_DIFFERS:
	case BM_CAUSE_HEADER_DAMAGED:
		blame_bytes(c, at, out);
		break;
	default:
		if (c->kind == BM_CASE_BAD_RECORD) {
			blame_bytes(c, at, out);
		} else {
			/* Nothing could be checked: anyone between the two MACs. */
			blame(out, BM_PARTY_SENDER_APPLICATION);
			blame(out, BM_PARTY_SENDER_TLS);
			blame(out, BM_PARTY_SENDER_HOST);
			blame(out, BM_PARTY_NETWORK);
			blame(out, BM_PARTY_RECEIVER_HOST);
			blame(out, BM_PARTY_RECEIVER_TLS);
			blame(out, BM_PARTY_RECEIVER_APPLICATION);
		}
		break;
	}
}
