/* What the check of a proof was given otherwise than its receiver had it. Refuses to know the
 * failure around it. */
#include "findings/internal.h"

enum { PACKETS_MOST = 1 << 12 };

static unsigned
inputs(struct taker *t, const struct spot *in)
{
	/* In the order of enum bm_found_input. */
	static const char *const words[] = {"bytes", "sequence_number", "epoch", "direction",
		"connection", "derivation", "rule", "padding", "keystream", "record", NULL};
	struct bm_found_texts list = bm_take_texts(t, in, "inputs");
	unsigned bits = 0;

	for (size_t i = 0; i < list.count; i++) {
		unsigned k = 0;
		while (words[k] != NULL && strcmp(list.at[i], words[k]) != 0)
			k++;
		/* An input that this version has not heard of cannot be left aside. */
		bits |= words[k] != NULL ? 1u << k : BM_FOUND_INPUT_OTHER;
	}
	return bits;
}

static struct bm_view
hex_or_null(struct taker *t, const struct spot *in, const char *name)
{
	bool known;

	return bm_take_hex(t, in, name, &known);
}

static void
take_sent_packets(struct taker *t, const struct spot *in, struct bm_found_altered *a)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "sent_packets", PACKETS_MOST, &list);
	uint64_t *p = bm_take_room(t, n, sizeof *p);

	for (size_t i = 0; p != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		p[i] = bm_take_packet(t, &s);
	}
	a->sent_packets = p;
	a->sent_packet_count = p != NULL ? n : 0;
}

static void
take_other_record(struct taker *t, const struct spot *in, struct bm_found_altered *a)
{
	struct spot s = bm_spot_member(t, in, "other_record");

	a->has_other_record = t->status == BM_OK && !bm_spot_is_null(t, &s);
	if (!a->has_other_record)
		return;
	a->other_record = (struct bm_found_record){.direction = bm_take_direction(t, &s),
		.stream_offset = bm_take_number_or_null(t, &s, "stream_offset", 0, BM_TAKE_MOST),
		.packet = bm_take_number_or_null(t, &s, "packet", 1, BM_TAKE_MOST),
		.sequence_number = bm_take_number_or_null(t, &s, "sequence_number", 0, BM_TAKE_MOST)};
}

static void
take_mac_rule(struct taker *t, const struct spot *in, struct bm_found_altered *a)
{
	/* Reports of before have none. */
	if (t->status != BM_OK || json_object_get(in->value, "mac_rule") == NULL)
		return;
	struct spot s = bm_spot_member(t, in, "mac_rule");
	a->has_mac_rule = !bm_spot_is_null(t, &s);
	if (!a->has_mac_rule)
		return;
	a->mac_rule = (struct bm_found_mac_rule){.order = bm_take_text_or_null(t, &s, "order"),
		.tag_length = bm_take_number_or_null(t, &s, "tag_length", 1, BM_TAKE_MOST),
		.mac = bm_take_text_or_null(t, &s, "mac"),
		.cipher_key = bm_take_text_or_null(t, &s, "cipher_key"),
		.mac_key = bm_take_text_or_null(t, &s, "mac_key"),
		.iv = bm_take_text_or_null(t, &s, "iv"),
		.nonce = bm_take_text_or_null(t, &s, "nonce"),
		.number = bm_take_text_or_null(t, &s, "number"),
		.number_in = bm_take_text_or_null(t, &s, "number_in"),
		.version = bm_take_text_or_null(t, &s, "version"),
		.header = bm_take_text_or_null(t, &s, "header"),
		.length = bm_take_text_or_null(t, &s, "length")};
}

void
bm_take_altered(struct taker *t, const struct spot *proof, struct bm_found_proof *p)
{
	/* Reports of before have none. */
	if (t->status != BM_OK || json_object_get(proof->value, "altered") == NULL)
		return;
	struct spot s = bm_spot_member(t, proof, "altered");
	struct bm_found_altered *a = &p->altered;

	p->has_altered = !bm_spot_is_null(t, &s);
	if (!p->has_altered)
		return;
	*a = (struct bm_found_altered){.inputs = inputs(t, &s),
		.direction = bm_take_direction(t, &s),
		.epoch = bm_take_number_or_null(t, &s, "epoch", 0, BM_TAKE_MOST),
		.sequence_number = bm_take_number_or_null(t, &s, "sequence_number", 0, BM_TAKE_MOST),
		.stream_offset = bm_take_number_or_null(t, &s, "stream_offset", 0, BM_TAKE_MOST),
		.packet = bm_take_number_or_null(t, &s, "packet", 1, BM_TAKE_MOST),
		.packet_offset = bm_take_number_or_null(t, &s, "packet_offset", 0, BM_TAKE_MOST),
		.sender = bm_take_text_or_null(t, &s, "sender"),
		.receiver = bm_take_text_or_null(t, &s, "receiver"),
		.session = hex_or_null(t, &s, "session"),
		.rule = bm_take_text_or_null(t, &s, "rule"),
		.padding = bm_take_number_or_null(t, &s, "padding", 0, BM_TAKE_MOST),
		.keystream_offset = bm_take_number_or_null(t, &s, "keystream_offset", 0, BM_TAKE_MOST),
		.iv = hex_or_null(t, &s, "iv"),
		.capture = bm_take_text_or_null(t, &s, "capture"),
		.sent_packet_offset = bm_take_number_or_null(t, &s, "sent_packet_offset", 0, BM_TAKE_MOST)};
	take_mac_rule(t, &s, a);
	take_sent_packets(t, &s, a);
	take_other_record(t, &s, a);
}
