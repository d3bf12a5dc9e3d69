/* Whose fault: the table from cause, checksum and vantage point to the parties that the evidence
 * leaves. Refuses to know how anything was found. */
#include "verdict/verdict.h"

/* Where the capture was taken, seen from the sender of the failed record. */
static enum bm_place
relative(enum bm_place place, unsigned direction)
{
	if (place == BM_AT_CLIENT)
		return direction == BM_C2S ? BM_AT_SENDER : BM_AT_RECEIVER;
	if (place == BM_AT_SERVER)
		return direction == BM_S2C ? BM_AT_SENDER : BM_AT_RECEIVER;
	return place;
}

static void
blame(struct bm_failure *out, enum bm_party p)
{
	for (size_t i = 0; i < out->at_fault_count; i++)
		if (out->at_fault[i] == p)
			return;
	out->at_fault[out->at_fault_count++] = p;
}

static bool
any_checksum(const struct bm_case *c, enum bm_checksum state)
{
	for (size_t i = 0; i < c->fragment_count; i++)
		if (c->fragments[i].checksum == state)
			return true;
	return false;
}

/* The bytes themselves are wrong: who stands between the MAC and the capture? */
static void
blame_bytes(const struct bm_case *c, enum bm_place place, struct bm_failure *out)
{
	if (any_checksum(c, BM_CHECKSUM_INVALID)) {
		/* Wrong on the wire, and let through by whoever should have checked (RFC 9293, 3.1). */
		blame(out, BM_PARTY_NETWORK);
		blame(out, BM_PARTY_RECEIVER_HOST);
		if (place != BM_AT_RECEIVER)
			blame(out, BM_PARTY_SENDER_HOST);
		return;
	}
	if (place == BM_AT_SENDER) {
		blame(out, BM_PARTY_SENDER_HOST);
		blame(out, BM_PARTY_SENDER_TLS);
		blame(out, BM_PARTY_SENDER_APPLICATION);
		return;
	}
	blame(out, BM_PARTY_NETWORK);
	blame(out, BM_PARTY_SENDER_HOST);
	blame(out, BM_PARTY_SENDER_TLS);
	blame(out, BM_PARTY_SENDER_APPLICATION);
	if (place == BM_AT_RECEIVER)
		blame(out, BM_PARTY_RECEIVER_HOST);
}

void
bm_verdict_parties(const struct bm_case *c, const struct bm_finding *f, enum bm_place place,
	struct bm_failure *out)
{
	enum bm_place at = relative(place, c->direction);

	switch (f->cause) {
	case BM_CAUSE_RECORD_WAS_GOOD:
		/* Good where it was captured: damaged, mishandled or misjudged after that point. */
		blame(out, BM_PARTY_RECEIVER_TLS);
		blame(out, BM_PARTY_RECEIVER_APPLICATION);
		blame(out, BM_PARTY_RECEIVER_HOST);
		if (at != BM_AT_RECEIVER)
			blame(out, BM_PARTY_NETWORK);
		if (at == BM_AT_SENDER)
			blame(out, BM_PARTY_SENDER_HOST);
		break;
	case BM_CAUSE_PLAINTEXT_ALERT:
		blame(out, BM_PARTY_CONFIGURATION);
		blame(out, BM_PARTY_SENDER_TLS);
		break;
	case BM_CAUSE_WRONG_KEYS:
		blame(out, BM_PARTY_CONFIGURATION);
		if (!f->configuration) {
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
