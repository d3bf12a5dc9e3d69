/* Whose fault, row by row: what was shown x checksums x place of capture x shape of the damage, and
 * the parties in their order. The lists stand here a second time, written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/verdict.h"

enum { FIRST = 1, MATERIAL = 2, WENT_ON = 4, REJECTED = 8, PROVEN = 16, OWN = 32 };

static const char *
parties(enum bm_cause cause, unsigned flags, const char *captured, const char *sent,
	enum bm_place place, unsigned direction, enum bm_shape shape)
{
	static char list[256];
	struct bm_case c = {.kind = (flags & REJECTED) != 0 ? BM_CASE_REJECTED : BM_CASE_BAD_RECORD,
		.direction = direction,
		.first_of_epoch = (flags & FIRST) != 0,
		.carried_on = (flags & WENT_ON) != 0};
	struct bm_finding f = {.cause = cause,
		.configuration = (flags & MATERIAL) != 0,
		.strength = (flags & PROVEN) != 0 ? BM_STRENGTH_PROVEN : BM_STRENGTH_SUPPORTED,
		.own_make = (flags & OWN) != 0};
	struct bm_failure out = {.checksum_as_captured = captured, .checksum_as_sent = sent};

	bm_verdict_parties(&c, &f, place, shape, &out);
	list[0] = '\0';
	for (size_t i = 0; i < out.at_fault_count; i++) {
		if (i != 0)
			strcat(list, " ");
		strcat(list, bm_party_id(out.at_fault[i]));
	}
	return list;
}

#define AT_CLIENT BM_AT_CLIENT, BM_C2S /* where its sender is */
#define AT_SERVER BM_AT_SERVER, BM_C2S

static const char at_sender[] = "sender-host sender-tls sender-application";
static const char between[] = "network sender-host sender-tls sender-application";
static const char at_receiver[] = "network sender-host sender-tls sender-application receiver-host";
static const char after_sum[] = "sender-host sender-application capture";
static const char unchecked[] = "network receiver-host capture";
static const char unfit[] = "network receiver-host sender-host capture";

/* Which checksum holds x where the capture was taken. */
static void
test_changed_bytes(void **state)
{
	static const struct {
		const char *captured, *sent;
		enum bm_place place;
		const char *expected;
	} rows[] = {
		/* Only the damaged bytes fit. */
		{"valid", "invalid", BM_AT_SENDER, at_sender},
		{"valid", "invalid", BM_AT_RECEIVER, at_receiver},
		{"valid", "invalid", BM_AT_MIDDLE, between},
		{"valid", "invalid", BM_AT_UNKNOWN, between},
		/* Both fit. */
		{"valid", "valid", BM_AT_SENDER, at_sender},
		{"valid", "valid", BM_AT_RECEIVER, at_receiver},
		{"valid", "valid", BM_AT_MIDDLE, between},
		{"valid", "valid", BM_AT_UNKNOWN, between},
		/* Only the repaired bytes fit. */
		{"invalid", "valid", BM_AT_SENDER, after_sum},
		{"invalid", "valid", BM_AT_RECEIVER, unchecked},
		{"invalid", "valid", BM_AT_MIDDLE, unchecked},
		{"invalid", "valid", BM_AT_UNKNOWN, unchecked},
		/* Neither fits. */
		{"invalid", "invalid", BM_AT_SENDER, after_sum},
		{"invalid", "invalid", BM_AT_RECEIVER, unfit},
		{"invalid", "invalid", BM_AT_MIDDLE, unfit},
		{"invalid", "invalid", BM_AT_UNKNOWN, unfit},
		/* Captured before the network card filled it in. */
		{"offloaded", NULL, BM_AT_SENDER, at_sender},
		{"offloaded", NULL, BM_AT_RECEIVER, at_receiver},
		{"offloaded", NULL, BM_AT_MIDDLE, between},
		{"offloaded", NULL, BM_AT_UNKNOWN, between},
		/* What was sent is not known. */
		{"valid", NULL, BM_AT_SENDER, at_sender},
		{"valid", NULL, BM_AT_RECEIVER, at_receiver},
		{"valid", NULL, BM_AT_MIDDLE, between},
		{"valid", NULL, BM_AT_UNKNOWN, between},
		{"invalid", NULL, BM_AT_SENDER, after_sum},
		{"invalid", NULL, BM_AT_RECEIVER, unfit},
		{"invalid", NULL, BM_AT_MIDDLE, unfit},
		{"invalid", NULL, BM_AT_UNKNOWN, unfit},
		{NULL, NULL, BM_AT_SENDER, at_sender},
		{NULL, NULL, BM_AT_RECEIVER, at_receiver},
		{NULL, NULL, BM_AT_MIDDLE, between},
		{NULL, NULL, BM_AT_UNKNOWN, between},
	};
	static const enum bm_cause causes[] = {BM_CAUSE_BITS_FLIPPED, BM_CAUSE_BYTES_DAMAGED,
		BM_CAUSE_WORDS_SWAPPED, BM_CAUSE_TAG_DAMAGED, BM_CAUSE_HEADER_DAMAGED, BM_CAUSE_STALE_DATA,
		BM_CAUSE_RETRANSMISSION_DIFFERS, BM_CAUSE_UNEXPLAINED};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t k = 0; k < sizeof causes / sizeof causes[0]; k++)
			for (unsigned dir = 0; dir < 2; dir++)
				assert_string_equal(
					rows[i].expected, parties(causes[k], 0, rows[i].captured, rows[i].sent,
										  rows[i].place, dir, BM_SHAPE_PLAIN));
}

/* The client's place is its records' sender and the other side's receiver. */
static void
test_places(void **state)
{
	static const struct {
		enum bm_place place;
		unsigned direction;
		enum bm_place same;
	} rows[] = {
		{BM_AT_CLIENT, BM_C2S, BM_AT_SENDER},
		{BM_AT_CLIENT, BM_S2C, BM_AT_RECEIVER},
		{BM_AT_SERVER, BM_C2S, BM_AT_RECEIVER},
		{BM_AT_SERVER, BM_S2C, BM_AT_SENDER},
	};
	static const char *const sums[][2] = {{"valid", "invalid"}, {"valid", "valid"},
		{"invalid", "valid"}, {"invalid", "invalid"}, {"offloaded", NULL}, {"valid", NULL},
		{"invalid", NULL}, {NULL, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int cause = 0; cause < BM_CAUSE_COUNT; cause++)
			for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++)
				for (int shape = BM_SHAPE_PLAIN; shape <= BM_SHAPE_TEXT; shape++) {
					char expected[256];
					strcpy(expected, parties((enum bm_cause)cause, 0, sums[k][0], sums[k][1],
										 rows[i].same, rows[i].direction, (enum bm_shape)shape));
					assert_string_equal(
						expected, parties((enum bm_cause)cause, 0, sums[k][0], sums[k][1],
									  rows[i].place, rows[i].direction, (enum bm_shape)shape));
					assert_true(expected[0] != '\0');
				}
}

static void
test_shapes(void **state)
{
	static const struct {
		enum bm_shape shape;
		const char *captured, *sent;
		enum bm_place place;
		const char *expected;
	} rows[] = {
		{BM_SHAPE_MEMORY, "valid", "invalid", BM_AT_SENDER, at_sender},
		{BM_SHAPE_MEMORY, "valid", "invalid", BM_AT_RECEIVER,
			"sender-host receiver-host network sender-tls sender-application"},
		{BM_SHAPE_MEMORY, "valid", NULL, BM_AT_MIDDLE,
			"sender-host network sender-tls sender-application"},
		{BM_SHAPE_MEMORY, "invalid", "valid", BM_AT_SENDER, after_sum},
		{BM_SHAPE_MEMORY, "invalid", "valid", BM_AT_RECEIVER, "receiver-host network capture"},
		{BM_SHAPE_MEMORY, "invalid", "valid", BM_AT_UNKNOWN, unchecked},
		{BM_SHAPE_MEMORY, "invalid", NULL, BM_AT_RECEIVER,
			"receiver-host network sender-host capture"},
		{BM_SHAPE_MEMORY, "invalid", "invalid", BM_AT_MIDDLE, unfit},
		{BM_SHAPE_EDGE, "valid", "invalid", BM_AT_SENDER, at_sender},
		{BM_SHAPE_EDGE, "valid", "invalid", BM_AT_RECEIVER,
			"sender-host network sender-application sender-tls receiver-host"},
		{BM_SHAPE_EDGE, "offloaded", NULL, BM_AT_UNKNOWN,
			"sender-host network sender-application sender-tls"},
		{BM_SHAPE_EDGE, "invalid", "valid", BM_AT_RECEIVER, unchecked},
		{BM_SHAPE_TEXT, "valid", "invalid", BM_AT_SENDER, at_sender},
		{BM_SHAPE_TEXT, "valid", "invalid", BM_AT_RECEIVER,
			"network sender-host sender-application sender-tls"},
		{BM_SHAPE_TEXT, NULL, NULL, BM_AT_MIDDLE,
			"network sender-host sender-application sender-tls"},
		{BM_SHAPE_TEXT, "invalid", "valid", BM_AT_MIDDLE, unchecked},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(
			rows[i].expected, parties(BM_CAUSE_BYTES_DAMAGED, 0, rows[i].captured, rows[i].sent,
								  rows[i].place, BM_S2C, rows[i].shape));
}

/* Causes for which neither checksum nor shape counts. */
static void
test_other_causes(void **state)
{
	static const struct {
		enum bm_cause cause;
		unsigned flags;
		const char *at_sender, *at_receiver, *between;
	} rows[] = {
		{BM_CAUSE_RECORD_WAS_GOOD, REJECTED,
			"network receiver-tls receiver-application receiver-host sender-host",
			"receiver-tls receiver-application receiver-host",
			"receiver-tls receiver-application receiver-host network"},
		{BM_CAUSE_RECORD_WAS_GOOD, REJECTED | FIRST,
			"configuration network receiver-tls receiver-application receiver-host sender-host "
			"sender-tls",
			"configuration receiver-tls receiver-application receiver-host network sender-tls",
			"configuration receiver-tls receiver-application receiver-host network sender-tls"},
		{BM_CAUSE_PLAINTEXT_ALERT, 0, "configuration sender-tls",
			"configuration sender-tls network", "configuration sender-tls network"},
		{BM_CAUSE_WRONG_KEYS, MATERIAL, "configuration", "configuration", "configuration"},
		{BM_CAUSE_WRONG_KEYS, 0, "configuration network sender-tls receiver-tls",
			"configuration network sender-tls receiver-tls",
			"configuration network sender-tls receiver-tls"},
		{BM_CAUSE_MAC_CONSTRUCTION, MATERIAL, "configuration", "configuration", "configuration"},
		{BM_CAUSE_MAC_CONSTRUCTION, 0, "sender-tls", "sender-tls", "sender-tls"},
		{BM_CAUSE_BAD_PADDING, 0, "sender-tls", "sender-tls", "sender-tls"},
		{BM_CAUSE_SENDER_MISCOMPUTED, 0, "sender-tls sender-host", "sender-tls sender-host network",
			"sender-tls sender-host network"},
		{BM_CAUSE_SENDER_MISCOMPUTED, PROVEN, "sender-tls sender-application",
			"sender-tls sender-application", "sender-tls sender-application"},
		{BM_CAUSE_SEQUENCE_REUSED, 0, "sender-application sender-tls",
			"sender-application sender-tls", "sender-application sender-tls"},
		{BM_CAUSE_WRONG_EPOCH, 0, "sender-tls sender-application", "sender-tls sender-application",
			"sender-tls sender-application"},
		{BM_CAUSE_RECORD_REPLAYED, 0, "sender-application sender-tls",
			"sender-application sender-tls network", "sender-application sender-tls network"},
		{BM_CAUSE_RECORDS_REORDERED, 0, "sender-application sender-tls",
			"sender-application sender-tls network", "sender-application sender-tls network"},
		{BM_CAUSE_RECORD_MISSING, 0, "sender-application sender-tls",
			"sender-application sender-tls network", "sender-application sender-tls network"},
		{BM_CAUSE_FOREIGN_RECORD, 0, "sender-application sender-tls",
			"sender-application sender-tls network", "sender-application sender-tls network"},
		{BM_CAUSE_RECORDS_INTERLEAVED, 0, "sender-application sender-tls",
			"sender-application sender-tls network", "sender-application sender-tls network"},
		{BM_CAUSE_REFLECTED_RECORD, 0, "network sender-application", "network sender-application",
			"network sender-application"},
		{BM_CAUSE_REFLECTED_RECORD, OWN, "sender-tls sender-application",
			"sender-tls sender-application", "sender-tls sender-application"},
		{BM_CAUSE_PLAINTEXT_INJECTED, 0, "sender-application sender-tls sender-host",
			"sender-application network sender-tls sender-host",
			"sender-application network sender-tls sender-host"},
		{BM_CAUSE_BYTES_INSERTED, 0, "sender-application sender-tls sender-host",
			"sender-application network sender-tls sender-host",
			"sender-application network sender-tls sender-host"},
		{BM_CAUSE_BYTES_MISSING, 0, "sender-application sender-tls sender-host",
			"sender-application network sender-tls sender-host",
			"sender-application network sender-tls sender-host"},
		{BM_CAUSE_CAPTURE_INCOMPLETE, REJECTED, "capture", "capture", "capture"},
		{BM_CAUSE_UNEXPLAINED, REJECTED,
			"sender-application sender-tls sender-host network receiver-host receiver-tls "
			"receiver-application",
			"sender-application sender-tls sender-host network receiver-host receiver-tls "
			"receiver-application",
			"sender-application sender-tls sender-host network receiver-host receiver-tls "
			"receiver-application"},
	};
	static const char *const sums[][2] = {{"valid", "invalid"}, {"valid", "valid"},
		{"invalid", "valid"}, {"invalid", "invalid"}, {"offloaded", NULL}, {NULL, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++)
			for (int shape = BM_SHAPE_PLAIN; shape <= BM_SHAPE_TEXT; shape++) {
				enum bm_shape s = (enum bm_shape)shape;
				const char *now = sums[k][0], *then = sums[k][1];
				enum bm_cause c = rows[i].cause;
				unsigned flags = rows[i].flags;
				assert_string_equal(rows[i].at_sender, parties(c, flags, now, then, AT_CLIENT, s));
				assert_string_equal(
					rows[i].at_receiver, parties(c, flags, now, then, AT_SERVER, s));
				assert_string_equal(
					rows[i].between, parties(c, flags, now, then, BM_AT_MIDDLE, BM_C2S, s));
				assert_string_equal(
					rows[i].between, parties(c, flags, now, then, BM_AT_UNKNOWN, BM_C2S, s));
			}
}

/* A receiver that went on without a word had other bytes than were captured. */
static void
test_carried_on(void **state)
{
	(void)state;
	assert_string_equal("network sender-host sender-tls sender-application capture",
		parties(
			BM_CAUSE_BITS_FLIPPED, WENT_ON, "valid", "invalid", BM_AT_UNKNOWN, 0, BM_SHAPE_PLAIN));
	assert_string_equal(
		"capture network receiver-host", parties(BM_CAUSE_BITS_FLIPPED, WENT_ON, "invalid", "valid",
											 BM_AT_UNKNOWN, 0, BM_SHAPE_PLAIN));
	assert_string_equal("sender-tls sender-host network capture",
		parties(BM_CAUSE_SENDER_MISCOMPUTED, WENT_ON, "invalid", NULL, BM_AT_UNKNOWN, 0,
			BM_SHAPE_PLAIN));
	assert_string_equal(
		"sender-application sender-tls network", parties(BM_CAUSE_RECORD_REPLAYED, WENT_ON, "valid",
													 NULL, BM_AT_UNKNOWN, 0, BM_SHAPE_PLAIN));
}

/* -- shape.c ------------------------------------------------------------------------------------
 */

static struct bm_arena arena = {.max = 1 << 16};

static enum bm_shape
shape_of(const struct bm_case *c, const struct bm_finding *f)
{
	const char *because;
	enum bm_shape s = bm_verdict_shape(c, f, &arena, &because);

	if (s != BM_SHAPE_PLAIN)
		assert_non_null(because);
	return s;
}

static void
test_shape_of_lanes(void **state)
{
	static const uint8_t good = 0x55, bad = 0x5d, other = 0x54;
	struct bm_case c = {.len = 4096};
	struct bm_finding f = {.change_count = 3};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		f.changes[i] = (struct bm_change){.record_off = (uint32_t)(40 + 128 * i),
			.received = bm_view(&bad, 1),
			.sent = bm_view(&good, 1)};
	assert_int_equal(BM_SHAPE_MEMORY, shape_of(&c, &f));
	/* Not one period of lines, other bits, too few of them. */
	f.changes[2].record_off += 16;
	assert_int_equal(BM_SHAPE_PLAIN, shape_of(&c, &f));
	f.changes[2].record_off -= 16;
	f.changes[2].received = bm_view(&other, 1);
	assert_int_equal(BM_SHAPE_PLAIN, shape_of(&c, &f));
	f.change_count = 2;
	assert_int_equal(BM_SHAPE_PLAIN, shape_of(&c, &f));
	bm_arena_clear(&arena);
}

static void
test_shape_of_runs(void **state)
{
	static const uint8_t bytes[4096];
	struct bm_fragment frames[2] = {{.record_off = 0, .len = 500, .packet = 7, .segment_off = 900},
		{.record_off = 500, .len = 1400, .packet = 8, .segment_off = 0}};
	struct bm_case c = {.len = 1900, .fragments = frames, .fragment_count = 2};
	struct bm_finding f = {.change_count = 1};

	(void)state;
	static const struct {
		uint32_t at, n;
		enum bm_shape shape;
	} rows[] = {
		{100, 64, BM_SHAPE_MEMORY},
		{100, 192, BM_SHAPE_MEMORY},
		{100, 4096, BM_SHAPE_MEMORY},
		{100, 63, BM_SHAPE_PLAIN},
		{100, 7, BM_SHAPE_PLAIN},
		{500, 20, BM_SHAPE_EDGE},
		{480, 20, BM_SHAPE_EDGE},
		{501, 20, BM_SHAPE_PLAIN},
		{0, 20, BM_SHAPE_PLAIN},
		{1880, 20, BM_SHAPE_PLAIN},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		f.changes[0] = (struct bm_change){
			.record_off = rows[i].at, .received = bm_view(bytes, rows[i].n), .sent_unknown = true};
		assert_int_equal(rows[i].shape, shape_of(&c, &f));
	}
	f.changes[0].received = bm_view((const uint8_t *)"10.0.0.1:5060", 13);
	assert_int_equal(BM_SHAPE_TEXT, shape_of(&c, &f));
	f.changes[0].received = bm_view((const uint8_t *)"10.0.0.", 7);
	assert_int_equal(BM_SHAPE_PLAIN, shape_of(&c, &f));
	bm_arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_other_causes),
		cmocka_unit_test(test_carried_on),
		cmocka_unit_test(test_shape_of_lanes),
		cmocka_unit_test(test_shape_of_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
