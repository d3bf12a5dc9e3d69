/* Is what the report altered what its cause speaks of, and nothing beside? Refuses to look at bytes
 * of the capture. */
#include "prove/internal.h"

enum {
	NUMBER = BADMAC_INPUT_SEQUENCE_NUMBER,
	BYTES = BADMAC_INPUT_BYTES,
	RECORD = BADMAC_INPUT_RECORD,
	EPOCH = BADMAC_INPUT_EPOCH,
	DIRECTION = BADMAC_INPUT_DIRECTION,
	BY_VALUE = NUMBER | EPOCH | DIRECTION
};

/* What a cause may rest on: all of `has`, and of `may` any. */
static const struct {
	const char *cause;
	unsigned has, may;
} rules[] = {{"record-was-good", 0, 0}, {"bad-padding", 0, 0},
	{"bad-padding", BADMAC_INPUT_PADDING, 0}, {"sequence-reused", 0, 0},
	{"sequence-reused", NUMBER, 0}, {"record-replayed", NUMBER, 0},
	{"records-reordered", NUMBER, 0}, {"record-missing", NUMBER, 0},
	{"record-missing", EPOCH, NUMBER}, {"record-missing", RECORD | NUMBER, EPOCH},
	{"record-missing", BYTES, 0}, {"record-replayed", BYTES, 0}, {"records-reordered", BYTES, 0},
	{"record-missing", RECORD, 0}, {"record-replayed", RECORD, 0}, {"records-reordered", RECORD, 0},
	{"wrong-epoch", EPOCH, NUMBER}, {"reflected-record", DIRECTION, NUMBER | EPOCH},
	{"foreign-record", BADMAC_INPUT_CONNECTION, NUMBER}, {"mac-construction", BADMAC_INPUT_RULE, 0},
	{"mac-construction", BADMAC_INPUT_DERIVATION, 0}, {"wrong-keys", BADMAC_INPUT_DERIVATION, 0},
	{"sender-miscomputed", BADMAC_INPUT_KEYSTREAM, 0}, {"sender-miscomputed", NUMBER, 0},
	{"bits-flipped", BYTES, NUMBER}, {"bytes-damaged", BYTES, NUMBER},
	{"words-swapped", BYTES, NUMBER}, {"tag-damaged", BYTES, NUMBER},
	{"header-damaged", BYTES, NUMBER}, {"stale-data", BYTES, 0},
	{"retransmission-differs", BYTES, 0}, {"bytes-inserted", BYTES, NUMBER},
	{"bytes-inserted", RECORD, 0}, {"plaintext-injected", BYTES, NUMBER},
	{"plaintext-injected", RECORD, 0}, {"records-interleaved", BYTES, NUMBER},
	{"bytes-missing", BYTES, 0}, {"bytes-missing", RECORD | NUMBER, EPOCH},
	{"bytes-missing", RECORD | EPOCH, NUMBER}};

/* What a method alters: any of `may`, and at least one of `of` unless that is 0. */
enum { PLACE = NUMBER | EPOCH };
static const struct {
	const char *method;
	unsigned may, of;
} methods[] = {{"verified-as-captured", 0, 0}, {"sequence-search", PLACE | RECORD, PLACE},
	{"key-search", EPOCH | DIRECTION | BADMAC_INPUT_CONNECTION | BADMAC_INPUT_DERIVATION | NUMBER,
		EPOCH | DIRECTION | BADMAC_INPUT_CONNECTION | BADMAC_INPUT_DERIVATION},
	{"resynchronisation", RECORD | PLACE, RECORD},
	{"rule-search", BADMAC_INPUT_RULE, BADMAC_INPUT_RULE},
	{"padding-search", BADMAC_INPUT_PADDING, BADMAC_INPUT_PADDING},
	{"keystream-search", BADMAC_INPUT_KEYSTREAM, BADMAC_INPUT_KEYSTREAM},
	{"copy-choice", BYTES, BYTES}, {"other-record", BYTES, BYTES},
	{"other-capture", BYTES | RECORD, BYTES | RECORD}, {"header-search", BYTES | NUMBER, BYTES},
	{"cut-search", BYTES | NUMBER, BYTES}, {"exchange-search", BYTES, BYTES},
	{"tag-search", BYTES, BYTES}, {"ghash-syndrome", BYTES | NUMBER, BYTES},
	{"poly1305-difference", BYTES | NUMBER, BYTES}, {"ccm-meeting", BYTES | NUMBER, BYTES},
	{"hmac-search", BYTES | NUMBER, BYTES}};

/* -1: no such method; 0: it alters others. */
static int
fits_method(const char *method, unsigned inputs)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].method, method) == 0)
			return (inputs & ~methods[i].may) == 0 &&
				   (methods[i].of == 0 || (inputs & methods[i].of) != 0);
	return -1;
}

bool
is_cause(const struct judge *j, const char *cause)
{
	return strcmp(j->claim->cause, cause) == 0;
}

bool
is_of_order(const struct judge *j)
{
	return is_cause(j, "record-missing") || is_cause(j, "record-replayed") ||
		   is_cause(j, "records-reordered");
}

/* -1: no such cause; 0: its inputs are others. */
static int
fits_cause(const char *cause, unsigned inputs)
{
	int known = -1;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (strcmp(rules[i].cause, cause) != 0)
			continue;
		known = known == 1 ? 1 : 0;
		if ((inputs & rules[i].has) == rules[i].has &&
			(inputs & ~(rules[i].has | rules[i].may)) == 0)
			known = 1;
	}
	return known;
}

/* Another one shows by its value. */
static unsigned
by_value(const struct badmac_claim *c)
{
	const struct badmac_claimed_change *a = &c->altered;

	return (a->sequence_number != c->sequence_number ? NUMBER : 0u) |
		   (a->epoch != c->epoch && a->epoch != BADMAC_UNKNOWN ? EPOCH : 0u) |
		   (a->direction != c->direction ? DIRECTION : 0u);
}

static bool
all_sent_known(const struct badmac_claim *c)
{
	for (size_t i = 0; i < c->damage_count; i++)
		if (!c->damage[i].sent_known)
			return false;
	return c->damage_count != 0;
}

static uint64_t
changed_octets(const struct badmac_claim *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->damage_count; i++)
		n += c->damage[i].length > c->damage[i].sent.n ? c->damage[i].length : c->damage[i].sent.n;
	return n;
}

/* The number that it verifies at, against the one that was expected. */
static const char *
wrong_number(const struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	uint64_t own = c->sequence_number, found = c->altered.sequence_number;
	bool number = (c->altered.inputs & NUMBER) != 0;

	if (!number || j->flow->dtls || (c->altered.inputs & EPOCH) != 0)
		return NULL;
	if ((is_cause(j, "record-replayed") || is_cause(j, "sequence-reused")) && found >= own)
		return "an earlier number is due for this cause";
	if ((is_cause(j, "records-reordered") || is_cause(j, "record-missing") ||
			is_cause(j, "bytes-missing") || is_cause(j, "sender-miscomputed")) &&
		found <= own)
		return "a later number is due for this cause";
	return NULL;
}

/* What belongs to an input that is not said to have been altered. */
static bool
names_more(const struct badmac_claimed_change *a)
{
	const unsigned of_session = BADMAC_INPUT_CONNECTION | BADMAC_INPUT_DERIVATION;
	const unsigned in_words = BADMAC_INPUT_RULE | BADMAC_INPUT_DERIVATION;

	return ((a->inputs & BADMAC_INPUT_CONNECTION) == 0 && a->receiver != NULL) ||
		   ((a->inputs & of_session) == 0 && a->session.n != 0) ||
		   ((a->inputs & in_words) == 0 && a->rule != NULL) ||
		   ((a->inputs & BADMAC_INPUT_RULE) == 0 && a->has_mac_rule) ||
		   ((a->inputs & BADMAC_INPUT_PADDING) == 0 && a->padding != BADMAC_UNKNOWN) ||
		   (a->capture == NULL && a->sent_packet_offset != BADMAC_UNKNOWN);
}

/* Damage that the cause puts into one part of the record. */
static const char *
wrong_part(const struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	bool in_place = true, header = true, insert = true, missing = true;
	bool cut = strcmp(c->method, "cut-search") == 0;

	for (size_t i = 0; i < c->damage_count; i++) {
		const struct badmac_claimed_damage *d = &c->damage[i];
		in_place = in_place && d->length == d->sent.n;
		header = header && (j->flow->dtls || d->record_offset + d->length <= BM_HEADER);
		insert = insert && d->sent.n == 0 && d->length != 0;
		missing = missing && d->length == 0 && d->sent.n != 0;
	}
	if ((c->altered.inputs & BYTES) == 0)
		return NULL;
	if (is_cause(j, "header-damaged") && !header)
		return "damage lies outside of the header";
	if (is_cause(j, "tag-damaged") && header && !j->flow->dtls)
		return "damage lies in the header";
	if (!in_place && (is_cause(j, "bits-flipped") || is_cause(j, "bytes-damaged") ||
						 is_cause(j, "words-swapped") || is_cause(j, "tag-damaged") ||
						 is_cause(j, "retransmission-differs") || is_cause(j, "stale-data")))
		return "bytes came or went, which this cause does not do";
	if (cut && !insert)
		return "nothing is cut out, which is all that its method does";
	bool other = strcmp(c->method, "other-capture") == 0;
	if ((is_cause(j, "bytes-inserted") || is_cause(j, "plaintext-injected") ||
			is_cause(j, "records-interleaved")) &&
		!insert)
		return "what is put right is no run of foreign bytes";
	if (is_cause(j, "bytes-missing") && !missing && !other)
		return "what is put right is no run of missing bytes";
	if (is_cause(j, "bits-flipped") && changed_octets(c) > 64)
		return "more differs than a few bits";
	return NULL;
}

/* Where the header of the record stands, which the report says once more. */
static bool
wrong_packet(struct judge *j)
{
	const struct badmac_claimed_change *a = &j->claim->altered;
	struct bit own;
	size_t n;
	const struct bit *bits = judge_bits(j, &n, &own);
	uint64_t at = j->flow->dtls ? 0 : j->claim->stream_offset;

	if (a->packet == BADMAC_UNKNOWN && a->packet_offset == BADMAC_UNKNOWN)
		return false;
	for (size_t i = 0; i < n; i++)
		if (at >= bits[i].off && at - bits[i].off < bits[i].len)
			return bits[i].packet != a->packet ||
				   bits[i].packet_off + (at - bits[i].off) != a->packet_offset;
	return true;
}

static const char *
wrong_values(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;

	if (fits_method(c->method, a->inputs) == 0)
		return "what it altered is not what its method alters";
	if ((strcmp(c->method, "other-capture") == 0) != (a->capture != NULL))
		return "another capture is named without its method, or the method without it";
	if (is_of_order(j) && (a->inputs == BYTES || a->inputs == RECORD) && a->capture == NULL)
		return "what it altered does not show this cause";
	if (by_value(c) != (a->inputs & BY_VALUE))
		return "number, epoch and direction are not those that it says were altered";
	if ((a->inputs & BYTES) != 0 && !all_sent_known(c))
		return "bytes are said to be altered, and not which";
	if ((a->inputs & RECORD) == 0 && a->stream_offset != c->stream_offset)
		return "another record is checked, which it does not say";
	if ((a->inputs & RECORD) != 0 && !(a->stream_offset > c->stream_offset))
		return "the record that shows the place stands before the one that fails";
	if ((a->inputs & BADMAC_INPUT_CONNECTION) == 0 && a->sender != NULL)
		return "another connection is named, and its keys are not said to be used";
	if (names_more(a))
		return "it names what belongs to an input that is not said to be altered";
	if ((a->inputs & BADMAC_INPUT_PADDING) != 0 && a->padding == BADMAC_UNKNOWN)
		return "the padding is said to be altered, and not to what";
	if (c->length != BADMAC_UNKNOWN && wrong_packet(j))
		return "the record's header does not stand where it says";
	return NULL;
}

void
judge_altered(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct badmac_claimed_change *a = &c->altered;
	int fits = fits_cause(c->cause, a->inputs);

	if (fits < 0) {
		step_decides(
			j, BADMAC_NOT_REPLAYABLE, "altered", "what proves this cause is not known here");
		return;
	}
	if (fits_method(c->method, a->inputs) < 0) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "altered", "its method is not known here");
		return;
	}
	const char *what = fits == 0 ? "what it altered does not show this cause" : wrong_values(j);
	if (what == NULL)
		what = wrong_number(j);
	if (what == NULL)
		what = wrong_part(j);
	if (what != NULL) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "altered", "%s", what);
		return;
	}
	if (a->inputs == 0)
		step_passes(j, "altered", "nothing is altered");
	else
		step_passes(j, "altered", "what is altered is what the cause says, and nothing else");
}
