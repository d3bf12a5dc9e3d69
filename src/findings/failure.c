/* One failure of a report. Refuses to know the connection around it. */
#include "findings/internal.h"

/* A record has 16 KiB and some, so it cannot lie in more packets, nor be damaged in more runs. */
enum { PARTS_MOST = 1 << 16, RULED_OUT_MOST = 4096 };

enum bm_found_direction
bm_take_direction(struct taker *t, const struct spot *in)
{
	static const char *const words[] = {"client_to_server", "server_to_client", NULL};

	return bm_take_word(t, in, "direction", words);
}

static struct bm_found_damage
damage(struct taker *t, const struct spot *s)
{
	struct bm_found_damage d = {
		.record_offset = bm_take_number(t, s, "record_offset", 0, BM_TAKE_MOST),
		.stream_offset = bm_take_number_or_null(t, s, "stream_offset", 0, BM_TAKE_MOST),
		.length = bm_take_number(t, s, "length", 0, BM_TAKE_MOST),
		.packet = bm_take_number_or_null(t, s, "packet", 1, BM_TAKE_MOST),
		.packet_offset = bm_take_number_or_null(t, s, "packet_offset", 0, BM_TAKE_MOST)};

	d.received = bm_take_hex(t, s, "received", &d.received_known);
	d.sent = bm_take_hex(t, s, "sent", &d.sent_known);
	if (d.received_known && d.received.n != d.length) {
		struct spot received = {.in = s, .name = "received"};
		bm_spot_wrong(t, &received, "not as long as its length says");
	}
	return d;
}

static void
take_damage(struct taker *t, const struct spot *in, struct bm_found_failure *f)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "damage", PARTS_MOST, &list);
	struct bm_found_damage *d = bm_take_room(t, n, sizeof *d);

	for (size_t i = 0; d != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		d[i] = damage(t, &s);
	}
	f->damage = d;
	f->damage_count = n;
}

uint64_t
bm_take_packet(struct taker *t, const struct spot *s)
{
	json_int_t packet = json_is_integer(s->value) ? json_integer_value(s->value) : 0;

	if (packet < 1 || (uint64_t)packet > BM_TAKE_MOST)
		bm_spot_wrong(t, s, "no number of a packet");
	return (uint64_t)packet;
}

static void
take_packets(struct taker *t, const struct spot *in, struct bm_found_failure *f)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "packets", PARTS_MOST, &list);
	uint64_t *p = bm_take_room(t, n, sizeof *p);

	for (size_t i = 0; p != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		p[i] = bm_take_packet(t, &s);
	}
	f->packets = p;
	f->packet_count = n;
}

static void
take_proof(struct taker *t, const struct spot *in, struct bm_found_failure *f)
{
	struct spot s = bm_spot_member(t, in, "proof");

	f->has_proof = !bm_spot_is_null(t, &s);
	if (!f->has_proof)
		return;
	f->proof = (struct bm_found_proof){.method = bm_take_text(t, &s, "method"),
		.tag_bits = bm_take_number(t, &s, "tag_bits", 1, 1 << 16),
		.candidates = bm_take_number(t, &s, "candidates", 1, BM_TAKE_MOST),
		.chance_log2 = bm_take_below_zero(t, &s, "chance_log2")};
	bm_take_altered(t, &s, &f->proof);
}

static void
take_checksum(struct taker *t, const struct spot *in, struct bm_found_failure *f)
{
	/* In the order of enum bm_found_sum, without the first. */
	static const char *const captured[] = {"valid", "invalid", "offloaded", NULL};
	static const char *const sent[] = {"valid", "invalid", NULL};
	struct spot s = bm_spot_member(t, in, "checksum");

	/* null is -1, and so the first. */
	f->checksum_as_captured = bm_take_word_or_null(t, &s, "as_captured", captured, UINT32_MAX) + 1;
	f->checksum_as_sent = bm_take_word_or_null(t, &s, "as_sent", sent, UINT32_MAX) + 1;
}

static void
take_ruled_out(struct taker *t, const struct spot *in, struct bm_found_failure *f)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "ruled_out", RULED_OUT_MOST, &list);
	struct bm_found_ruled_out *r = bm_take_room(t, n, sizeof *r);

	for (size_t i = 0; r != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		r[i].cause = bm_take_text(t, &s, "cause");
		r[i].because = bm_take_text(t, &s, "because");
	}
	f->ruled_out = r;
	f->ruled_out_count = n;
}

struct bm_found_failure
bm_take_failure(struct taker *t, const struct spot *s)
{
	static const char *const confidence[] = {"possible", "supported", "proven", NULL};
	struct bm_found_failure f = {.direction = bm_take_direction(t, s),
		.epoch = bm_take_number_or_null(t, s, "epoch", 0, BM_TAKE_MOST),
		.sequence_number = bm_take_number_or_null(t, s, "sequence_number", 0, BM_TAKE_MOST),
		.stream_offset = bm_take_number_or_null(t, s, "stream_offset", 0, BM_TAKE_MOST),
		.length = bm_take_number_or_null(t, s, "length", 0, BM_TAKE_MOST),
		.cause = bm_take_text(t, s, "cause"),
		.confidence = bm_take_word(t, s, "confidence", confidence),
		.at_fault = bm_take_texts(t, s, "at_fault"),
		.summary = bm_take_text(t, s, "summary")};

	take_packets(t, s, &f);
	take_proof(t, s, &f);
	take_damage(t, s, &f);
	take_checksum(t, s, &f);
	f.evidence = bm_take_texts(t, s, "evidence");
	take_ruled_out(t, s, &f);
	f.next_steps = bm_take_texts(t, s, "next_steps");
	return f;
}
