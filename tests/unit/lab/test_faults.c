/* The faults: how they are asked for, what each of them does to a record, and how a lane counts
 * records. */
#include "lab/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { CONTENT = 600, RECORD = BM_HEADER + CONTENT };

static struct lab_plan plan;
static struct lab_lane lanes[2];
static struct lab_tls tls;
static struct lab_passed passed;
static struct lab_spec spec;

/* An application record whose octets are chance's. */
static void
make_record(uint8_t *out, size_t content, uint64_t seed)
{
	struct lab_chance c = {seed};

	out[0] = BM_APPLICATION_DATA;
	out[1] = out[2] = 3;
	bm_store16(out + 3, (unsigned)content);
	lab_random(&c, out + BM_HEADER, content);
}

static void
start(const char *fault)
{
	char problem[300];

	if (!lab_spec_parse(fault, &spec, problem, sizeof problem))
		fail_msg("%s", problem);
	plan = (struct lab_plan){
		.specs = &spec, .spec_count = 1, .probability = -1, .seed = 7, .keeps_truth = true};
	/* In the midst of a connection with GCM of TLS 1.2. */
	tls = (struct lab_tls){.version = BM_TLS12, .suite = bm_suite_find(0x009c)};
	for (size_t d = 0; d < 2; d++) {
		lanes[d] = (struct lab_lane){.direction = (enum lab_direction)d};
		tls.side[d].protects = true;
		tls.side[d].next = 1;
	}
}

static int
teardown(void **state)
{
	(void)state;
	lab_lane_clear(&lanes[0]);
	lab_lane_clear(&lanes[1]);
	lab_passed_clear(&passed);
	lab_plan_clear(&plan);
	passed = (struct lab_passed){.again = false};
	return 0;
}

static void
feed(enum lab_direction d, uint64_t connection, const void *p, size_t n, bool ended)
{
	assert_true(lab_lane_feed(
		&lanes[d], &lanes[1 - d], &tls, &plan, connection, bm_view(p, n), ended, &passed));
}

/* Record 0 goes by, then the fault meets record 1. r holds it. */
static void
strike(const char *fault, uint8_t r[RECORD])
{
	uint8_t first[RECORD];

	start(fault);
	make_record(first, CONTENT, 1);
	make_record(r, CONTENT, 2);
	feed(LAB_C2S, 0, first, RECORD, false);
	assert_int_equal(plan.struck, 0);
	assert_memory_equal(passed.received.p, first, RECORD);
	feed(LAB_C2S, 0, r, RECORD, false);
	assert_int_equal(plan.struck, 1);
	assert_int_equal(passed.sent.n, RECORD);
	assert_memory_equal(passed.sent.p, r, RECORD);
	/* It strikes a direction once. */
	uint8_t more[RECORD];
	make_record(more, CONTENT, 3);
	struct lab_passed was = passed;
	passed = (struct lab_passed){.again = false};
	feed(LAB_C2S, 0, more, RECORD, false);
	assert_int_equal(plan.struck, 1);
	lab_passed_clear(&passed);
	passed = was;
}

static unsigned
bits_between(const uint8_t *a, const uint8_t *b, size_t n, size_t *octets)
{
	unsigned bits = 0;

	*octets = 0;
	for (size_t i = 0; i < n; i++) {
		*octets += a[i] != b[i];
		for (unsigned v = a[i] ^ b[i]; v != 0; v &= v - 1)
			bits++;
	}
	return bits;
}

/* RFC 1071 over an even number of octets. */
static uint32_t
sum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		s += bm_load16(p + i);
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static bool
truth_says(const char *what)
{
	uint8_t end = 0;

	assert_true(lab_put(&plan.truth, &end, 1));
	plan.truth.n--;
	return strstr((const char *)plan.truth.p, what) != NULL;
}

static void
test_in_place(void **state)
{
	uint8_t r[RECORD];
	size_t octets;

	(void)state;
	strike("bits-flipped:record=1", r);
	assert_int_equal(bits_between(passed.received.p, r, RECORD, &octets), 1);
	assert_true(truth_says("\"cause\": \"bits-flipped\", \"how\": \"one\""));
	assert_true(truth_says(
		"\"record\": 1, \"sequence_number\": 2, \"stream_offset\": 605, \"length\": 605"));
	teardown(NULL);

	strike("bits-flipped:record=1,how=pair", r);
	assert_int_equal(bits_between(passed.received.p, r, RECORD, &octets), 2);
	/* The record ends at an odd octet, which is none of the two. */
	assert_int_equal(sum(passed.received.p, RECORD - 1), sum(r, RECORD - 1));
	teardown(NULL);

	strike("bytes-damaged:record=1,length=7", r);
	assert_true(bits_between(passed.received.p, r, RECORD, &octets) > 4);
	assert_int_equal(octets, 7);
	teardown(NULL);

	strike("bytes-damaged:record=1,how=zeros,byte=100", r);
	static const uint8_t zeros[64];
	assert_memory_equal(passed.received.p + 100, zeros, 64);
	assert_memory_equal(passed.received.p + 164, r + 164, RECORD - 164);
	teardown(NULL);

	strike("words-swapped:record=1,byte=20", r);
	assert_memory_equal(passed.received.p + 20, r + 22, 2);
	assert_memory_equal(passed.received.p + 22, r + 20, 2);
	teardown(NULL);

	strike("tag-damaged:record=1,length=3", r);
	bits_between(passed.received.p, r, RECORD - 16, &octets);
	assert_int_equal(octets, 0);
	bits_between(passed.received.p, r, RECORD, &octets);
	assert_int_equal(octets, 3);
	teardown(NULL);

	strike("header-damaged:record=1,how=length", r);
	bits_between(passed.received.p, r, RECORD, &octets);
	assert_int_equal(octets, 1);
	assert_int_not_equal(bm_load16(passed.received.p + 3), CONTENT);
	teardown(NULL);

	strike("stale-data:record=1,byte=200,length=50", r);
	assert_memory_equal(passed.received.p + 200, r + 150, 50);
	assert_memory_equal(passed.received.p + 250, r + 250, RECORD - 250);
	teardown(NULL);

	strike("retransmission-differs:record=1", r);
	assert_true(passed.again);
	bits_between(passed.received.p, r, RECORD, &octets);
	assert_int_equal(octets, 9);
	for (size_t i = 0; i < RECORD; i++)
		assert_true((i >= passed.from && i < passed.to) || passed.received.p[i] == r[i]);
}

static void
test_framing(void **state)
{
	uint8_t r[RECORD];

	(void)state;
	strike("bytes-missing:record=1,byte=50,length=7", r);
	assert_int_equal(passed.received.n, RECORD - 7);
	assert_memory_equal(passed.received.p, r, 50);
	assert_memory_equal(passed.received.p + 50, r + 57, RECORD - 57);
	assert_true(truth_says(
		"\"record_offset\": 50, \"stream_offset\": 655, \"length\": 0, \"received\": \"\""));
	teardown(NULL);

	strike("bytes-inserted:record=1,byte=50,length=30", r);
	assert_int_equal(passed.received.n, RECORD + 30);
	assert_memory_equal(passed.received.p, r, 50);
	assert_memory_equal(passed.received.p + 80, r + 50, RECORD - 50);
	teardown(NULL);

	strike("bytes-inserted:record=1,how=before", r);
	assert_int_equal(passed.received.p[0], 0xfe);
	assert_memory_equal(passed.received.p + 23, r, RECORD);
	teardown(NULL);

	strike("plaintext-injected:record=1", r);
	assert_memory_equal(passed.received.p, "HTTP/1.1 400 ", 13);
	assert_memory_equal(passed.received.p + passed.received.n - RECORD, r, RECORD);
	teardown(NULL);

	strike("plaintext-alert:record=1", r);
	assert_int_equal(passed.received.n, 7);
	assert_int_equal(passed.received.p[0], BM_ALERT);
	/* Nothing follows it. */
	feed(LAB_C2S, 0, r, RECORD, true);
	assert_int_equal(passed.received.n, 0);
	assert_int_equal(passed.sent.n, RECORD);
}

static void
test_records(void **state)
{
	uint8_t r[RECORD], next[RECORD], mirror[RECORD];

	(void)state;
	strike("record-replayed:record=1", r);
	assert_int_equal(passed.received.n, 2 * RECORD);
	assert_memory_equal(passed.received.p, r, RECORD);
	assert_memory_equal(passed.received.p + RECORD, r, RECORD);
	assert_true(truth_says("\"sequence_number\": 3, \"stream_offset\": 1210"));
	teardown(NULL);

	strike("record-missing:record=1", r);
	assert_int_equal(passed.received.n, 0);
	teardown(NULL);

	start("records-reordered:record=0");
	make_record(r, CONTENT, 2);
	make_record(next, CONTENT, 3);
	feed(LAB_C2S, 0, r, RECORD, false);
	assert_int_equal(passed.received.n, 0);
	feed(LAB_C2S, 0, next, RECORD, false);
	assert_int_equal(passed.received.n, 2 * RECORD);
	assert_memory_equal(passed.received.p, next, RECORD);
	assert_memory_equal(passed.received.p + RECORD, r, RECORD);
	teardown(NULL);

	/* One that nothing follows arrives all the same. */
	start("records-reordered:record=0");
	feed(LAB_C2S, 0, r, RECORD, false);
	feed(LAB_C2S, 0, NULL, 0, true);
	assert_int_equal(passed.received.n, RECORD);
	teardown(NULL);

	/* Nothing to reflect until the other side has sent something. */
	start("reflected-record:record=0");
	make_record(mirror, CONTENT, 9);
	feed(LAB_C2S, 0, r, RECORD, false);
	assert_int_equal(plan.struck, 0);
	feed(LAB_S2C, 0, mirror, RECORD, false);
	feed(LAB_C2S, 0, next, RECORD, false);
	assert_int_equal(plan.struck, 1);
	assert_memory_equal(passed.received.p, mirror, RECORD);
	assert_memory_equal(passed.received.p + RECORD, next, RECORD);
	teardown(NULL);

	/* Nor a foreign record until there is another connection. */
	start("foreign-record:record=0,how=instead");
	feed(LAB_C2S, 0, mirror, RECORD, false);
	assert_int_equal(plan.struck, 0);
	feed(LAB_C2S, 1, r, RECORD, false);
	assert_int_equal(plan.struck, 1);
	assert_int_equal(passed.received.n, RECORD);
	assert_memory_equal(passed.received.p, mirror, RECORD);
}

/* The same faults wherever the stream is cut into pieces. */
static void
test_pieces(void **state)
{
	uint8_t r[3][RECORD], whole[3 * RECORD];
	struct bm_buf all = {.p = NULL};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		make_record(r[i], CONTENT, i);
	memcpy(whole, r, sizeof whole);
	for (size_t piece = 1; piece < 700; piece += 37) {
		start("bits-flipped:record=1,byte=77");
		all.n = 0;
		for (size_t at = 0; at < sizeof whole; at += piece) {
			size_t n = sizeof whole - at < piece ? sizeof whole - at : piece;
			feed(LAB_C2S, 0, whole + at, n, at + n == sizeof whole);
			assert_true(lab_put(&all, passed.received.p, passed.received.n));
		}
		assert_int_equal(all.n, sizeof whole);
		for (size_t i = 0; i < all.n; i++)
			assert_true((i == RECORD + 77) == (all.p[i] != whole[i]));
		teardown(NULL);
	}
	bm_buf_clear(&all);
}

static void
test_no_tls_passes(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\n";

	(void)state;
	start("bits-flipped");
	feed(LAB_C2S, 0, text, sizeof text, false);
	assert_int_equal(passed.received.n, sizeof text);
	assert_memory_equal(passed.received.p, text, sizeof text);
	assert_int_equal(plan.struck, 0);
}

/* A probability of 1 hits the first record, of 0 none; between, as often as it says, the same with
 * the same seed. */
static void
test_probability(void **state)
{
	uint8_t r[RECORD];
	unsigned hits[2] = {0, 0};

	(void)state;
	make_record(r, CONTENT, 1);
	for (size_t again = 0; again < 2; again++) {
		for (uint64_t connection = 0; connection < 1000; connection++) {
			start("bits-flipped");
			plan.probability = 0.25;
			feed(LAB_S2C, connection, r, RECORD, false);
			hits[again] += plan.struck;
			teardown(NULL);
		}
	}
	assert_in_range(hits[0], 200, 300);
	assert_int_equal(hits[0], hits[1]);
	for (unsigned p = 0; p < 2; p++) {
		start("bits-flipped");
		plan.probability = p;
		feed(LAB_S2C, 0, r, RECORD, false);
		assert_int_equal(plan.struck, p);
		teardown(NULL);
	}
}

/* Every fault meets records of every length up to where all fit, without harm. */
static void
test_every_length(void **state)
{
	uint8_t r[RECORD];
	char text[100];

	(void)state;
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		if ((*f)->guilt != NULL)
			continue;
		for (size_t way = 0; way < LAB_WAYS && (way == 0 || (*f)->ways[way] != NULL); way++) {
			for (size_t n = 1; n <= CONTENT; n += n < 120 ? 1 : 97) {
				(void)snprintf(text, sizeof text, "%s:record=0%s%s", (*f)->cause,
					(*f)->ways[way] != NULL ? ",how=" : "",
					(*f)->ways[way] != NULL ? (*f)->ways[way] : "");
				start(text);
				make_record(r, n, n);
				feed(LAB_S2C, 1, r, BM_HEADER + n, false);
				feed(LAB_C2S, 0, r, BM_HEADER + n, true);
				assert_int_equal(lanes[0].sent, BM_HEADER + n);
				if (plan.struck == 0)
					assert_memory_equal(passed.received.p, r, BM_HEADER + n);
				teardown(NULL);
			}
		}
	}
}

static void
test_specs(void **state)
{
	static const char *const wrong[] = {"", "nonsense", "bits-flipped:", "bits-flipped:record",
		"bits-flipped:record=", "bits-flipped:record=-1", "bits-flipped:record=1x",
		"bits-flipped:direction=up", "bits-flipped:how=three", "words-swapped:how=one",
		"bits-flipped:length=0", "bits-flipped:byte=99999", "bits-flipped:sum=none",
		"bits-flipped:rec=1", "bits-flipped: record=1", "bits-flipped:record=99999999999999999999"};
	static const struct {
		const char *text, *says;
	} idle[] = {
		{"bits-flipped:length=2",
			"bits-flipped:how=one: length= says nothing of it; it takes direction=, record=, "
			"after=, byte=, how=, sum="},
		{"record-replayed:byte=9",
			"byte= says nothing of it; it takes direction=, record=, after="},
		{"record-missing:sum=sent", "sum= says nothing of it"},
		{"bytes-missing:sum=dropped", "it takes direction=, record=, after=, byte=, length="},
		{"bytes-inserted:how=before,byte=20", "bytes-inserted:how=before: byte= says nothing"},
		{"plaintext-injected:byte=20", "plaintext-injected:how=before: byte= says nothing"},
		{"header-damaged:length=1", "header-damaged:how=type: length= says nothing"},
		{"reflected-record:length=1", "length= says nothing"}};
	static const char *const busy[] = {"bytes-inserted:byte=20,length=3",
		"plaintext-injected:how=within,byte=20", "header-damaged:how=length,byte=4,sum=sent",
		"tag-damaged:length=2,byte=70", "record-missing:after=2s,direction=s2c,record=3"};
	char problem[300], longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		problem[0] = '\0';
		bool good = lab_spec_parse(wrong[i], &spec, problem, sizeof problem);
		/* A colon without anything behind it asks for nothing. */
		assert_int_equal(good, strcmp(wrong[i], "bits-flipped:") == 0);
		assert_true(good || problem[0] != '\0');
	}
	/* What would change nothing is refused, and what would is told. */
	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
		assert_false(lab_spec_parse(idle[i].text, &spec, problem, sizeof problem));
		assert_non_null(strstr(problem, idle[i].says));
	}
	for (size_t i = 0; i < sizeof busy / sizeof busy[0]; i++)
		assert_true(lab_spec_parse(busy[i], &spec, problem, sizeof problem));
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(lab_spec_parse(longest, &spec, problem, sizeof problem));
	assert_true(
		lab_spec_parse("bytes-damaged:direction=s2c,record=3,byte=9,length=2,how=zeros,sum=sent",
			&spec, problem, sizeof problem));
	assert_int_equal(spec.direction, LAB_S2C);
	assert_int_equal(spec.record, 3);
	assert_int_equal(spec.byte, 9);
	assert_int_equal(spec.length, 2);
	assert_int_equal(spec.how, 1);
	assert_int_equal(spec.sum, LAB_SUM_SENT);
}

/* TLS 1.3: numbers begin anew behind the server's Finished, told by its length, and the client's.
 */
static void
test_numbers_of_tls13(void **state)
{
	enum { FINISHED = 4 + 32 + 1 + 16 };
	uint8_t r[RECORD];
	struct lab_record out;
	static const size_t server[] = {23, 500, 281, FINISHED, 200, 200};

	(void)state;
	tls = (struct lab_tls){.version = BM_TLS13, .suite = bm_suite_find(0x1301)};
	for (size_t i = 0; i < sizeof server / sizeof server[0]; i++) {
		make_record(r, server[i], i);
		lab_tls_record(&tls, LAB_S2C, bm_view(r, BM_HEADER + server[i]), &out);
		assert_false(out.application);
	}
	make_record(r, FINISHED, 9);
	lab_tls_record(&tls, LAB_C2S, bm_view(r, BM_HEADER + FINISHED), &out);
	assert_false(out.application);
	make_record(r, 100, 9);
	lab_tls_record(&tls, LAB_C2S, bm_view(r, BM_HEADER + 100), &out);
	assert_true(out.application);
	assert_int_equal(out.sequence, 0);
	lab_tls_record(&tls, LAB_S2C, bm_view(r, BM_HEADER + 100), &out);
	assert_true(out.application);
	assert_int_equal(out.sequence, 2);
	assert_int_equal(out.index, 0);
	assert_int_equal(out.tag, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_in_place, teardown),
		cmocka_unit_test_teardown(test_framing, teardown),
		cmocka_unit_test_teardown(test_records, teardown),
		cmocka_unit_test_teardown(test_pieces, teardown),
		cmocka_unit_test_teardown(test_no_tls_passes, teardown),
		cmocka_unit_test_teardown(test_probability, teardown),
		cmocka_unit_test_teardown(test_every_length, teardown),
		cmocka_unit_test_teardown(test_specs, teardown),
		cmocka_unit_test(test_numbers_of_tls13),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
