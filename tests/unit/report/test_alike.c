/* What failures share: what chance would not give is stated, and nothing else. Chances are those of
 * hand-made sums. */
#include "base/chance.h"
#include "report/alike.h"
#include "report/internal.h"
#include "report/tally.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* cmocka wants the four above. */
#include <cmocka.h>

enum { MOST = 16 };

/* Failures of a connection each, which agree in nothing that the tests do not set. */
static struct made {
	struct bm_connection c;
	struct bm_failure f;
	struct bm_damage d;
	struct bm_course course;
	struct bm_judged r;
	uint8_t sent, received;
} all[MOST];

static void
make(void)
{
	uint32_t seed = 99;

	for (unsigned i = 0; i < MOST; i++) {
		struct made *m = &all[i];
		seed = seed * 1103515245 + 12345;
		*m = (struct made){.sent = (uint8_t)(seed >> 8)};
		m->received = m->sent ^ (uint8_t)(1u << (seed >> 16) % 8);
		m->d = (struct bm_damage){.record_offset = 5 + (seed >> 8) % 1000,
			.length = 1,
			.packet_offset = 66 + (seed >> 12) % 1000,
			.received = bm_view(&m->received, 1),
			.sent = bm_view(&m->sent, 1),
			.sent_known = true};
		m->f = (struct bm_failure){.direction = i % 2,
			.epoch = 1,
			.sequence_number = 7,
			.stream_offset = 100,
			.length = 1029 + i,
			.cause = BM_CAUSE_BITS_FLIPPED,
			.damage = &m->d,
			.damage_count = 1};
		m->r = (struct bm_judged){
			.ts_ns = UINT64_C(1700000000000000000) + UINT64_C(1000000) * i * i * i,
			.off = 100,
			.seq = 7,
			.len = 1029 + i,
			.epoch = 1,
			.direction = i % 2,
			.state = BM_JUDGED_FAILED};
		m->course = (struct bm_course){.records = &m->r, .record_count = 1};
		m->c = (struct bm_connection){.id = i,
			.client = {.ip = {10, 0, (uint8_t)i, 1}, .family = 4, .port = (uint16_t)(4000 + i)},
			.server = {.ip = {10, 1, (uint8_t)i, 1}, .family = 4, .port = 443},
			.first_ts_ns = UINT64_C(1700000000000000000),
			.has_suite = true,
			.suite = (uint16_t)i,
			.records = {{.verified = 99, .failed = i % 2 == 0}, {.verified = 99, .failed = i % 2}},
			.failures = &m->f,
			.failure_count = 1,
			.course = &m->course};
	}
}

static struct bm_alike_result
find(unsigned n, bool listed)
{
	struct bm_alike *a = bm_alike_new();
	struct bm_alike_result r;

	assert_non_null(a);
	for (unsigned i = 0; i < n; i++)
		bm_alike_connection(a, &all[i].c, listed);
	assert_int_equal(bm_alike_find(a, &r), n > 1);
	bm_alike_free(a);
	return r;
}

static const struct bm_alike_found *
stated(const struct bm_alike_result *r, enum bm_trait t)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->found[i].trait == t)
			return &r->found[i];
	return NULL;
}

static void
assert_near(double got, double wanted)
{
	if (!(fabs(got - wanted) <= 1e-9 * fabs(wanted)))
		fail_msg("%.17g is not %.17g", got, wanted);
}

static void
test_chance_is_not_stated(void **state)
{
	(void)state;
	make();
	struct bm_alike_result r = find(12, true);
	assert_int_equal(r.n, 0);
	/* All traits, the beat and the time of day. */
	assert_int_equal(r.compared, BM_TRAIT_COUNT);
	/* Without its records nobody knows when one failed, and of which size the others were. */
	r = find(12, false);
	assert_int_equal(r.compared, BM_TRAIT_COUNT - 3);
	(void)find(1, true);
	(void)find(0, true);
}

static void
test_octets(void **state)
{
	(void)state;
	make();
	for (unsigned i = 0; i < 12; i++) {
		all[i].d.record_offset = 13 + 64 * (uint64_t)(i * 7 % 15);
		all[i].sent |= 0x10;
		all[i].received = all[i].sent ^ 0x10;
	}
	struct bm_alike_result r = find(12, true);
	const struct bm_alike_found *bit = stated(&r, BM_TRAIT_BIT), *way = stated(&r, BM_TRAIT_WAY),
								*place = stated(&r, BM_TRAIT_MOD64);
	assert_int_equal(r.n, 3);
	assert_non_null(bit);
	assert_non_null(way);
	assert_ptr_equal(place, &r.found[0]); /* the rarest */
	assert_int_equal(bit->value, 4);
	assert_int_equal(bit->with, 12);
	assert_near(bit->ln_chance, -11 * log(8));
	assert_int_equal(way->value, 0);
	assert_near(way->ln_chance, -11 * log(2));
	assert_int_equal(place->value, 13);
	assert_near(place->ln_chance, -11 * log(64));

	/* Ten of twelve, and one whose bits are too many to have been flipped. */
	all[0].received = (uint8_t)~all[0].sent;
	all[1].received = all[1].sent ^ 0x20;
	r = find(12, true);
	bit = stated(&r, BM_TRAIT_BIT);
	assert_non_null(bit);
	assert_int_equal(bit->with, 10);
	assert_int_equal(bit->of, 11);
	assert_near(bit->ln_chance, log(8 * (11 * 7 + 1)) - 11 * log(8));

	/* Of a header and of a tag the place is no accident. */
	for (unsigned i = 0; i < 12; i++) {
		all[i].d.record_offset = i % 2 ? 3 : 77;
		all[i].f.cause = i % 2 ? BM_CAUSE_HEADER_DAMAGED : BM_CAUSE_TAG_DAMAGED;
	}
	r = find(12, true);
	assert_null(stated(&r, BM_TRAIT_MOD64));
	assert_null(stated(&r, BM_TRAIT_OFFSET));
}

/* Many bits of one column: a run of damage, of which none was flipped by itself. */
static void
test_many_bits(void **state)
{
	static const uint8_t sent[6] = {0x10, 0x10, 0x10, 0x10, 0x10, 0x10}, received[6];

	(void)state;
	make();
	for (size_t n = 4; n <= 5; n++) {
		for (unsigned i = 0; i < 12; i++) {
			all[i].d.length = n;
			all[i].d.sent = bm_view(sent, n);
			all[i].d.received = bm_view(received, n);
		}
		struct bm_alike_result r = find(12, true);
		assert_int_equal(stated(&r, BM_TRAIT_BIT) != NULL, n == 4);
		assert_int_equal(stated(&r, BM_TRAIT_WAY) != NULL, n == 4);
	}
}

static void
test_one_place_is_said_once(void **state)
{
	(void)state;
	make();
	for (unsigned i = 0; i < 12; i++)
		all[i].d.record_offset = 205;
	struct bm_alike_result r = find(12, true);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.found[0].trait, BM_TRAIT_OFFSET);
	assert_int_equal(r.found[0].values, 1029 + 11);
	/* One more in its row of 64. */
	all[11].d.record_offset = 205 + 64;
	r = find(12, true);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.found[0].trait, BM_TRAIT_OFFSET);
	assert_int_equal(r.found[1].trait, BM_TRAIT_MOD64);
	assert_int_equal(r.found[1].with, 12);
}

/* Of ends and suites those who have most records have most failures. */
static void
test_shares(void **state)
{
	(void)state;
	make();
	for (unsigned i = 0; i < 12; i++)
		all[i].c.server = all[0].c.server;
	struct bm_alike_result r = find(12, true);
	assert_null(stated(&r, BM_TRAIT_SERVER)); /* there is no other */
	/* 4 connections of 16 are elsewhere, and 12 of 12 failures are not. */
	for (unsigned i = 12; i < MOST; i++) {
		all[i].c.failure_count = 0;
		all[i].c.records[0].verified = 2 * 12 * 100;
		all[i].c.records[0].failed = all[i].c.records[1].failed = 0;
		all[i].c.records[1].verified = 0;
	}
	r = find(MOST, true);
	const struct bm_alike_found *x = stated(&r, BM_TRAIT_SERVER);
	assert_non_null(x);
	assert_true(bm_address_equal(&x->address, &all[0].c.server));
	assert_int_equal(x->of_records, 12 * 199 + 4 * 2400);
	assert_int_equal(x->records, 12 * 199);
	double p = 2388.0 / 11988, q = 2400.0 / 11988;
	assert_near(x->ln_chance, log(pow(p, 12) + 4 * pow(q, 12)));
	/* A server of which no record was checked is compared with nothing. */
	for (unsigned i = 0; i < 12; i++)
		all[i].c.records[0] = all[i].c.records[1] = (struct bm_record_counts){.undecided = 3};
	uint64_t before = r.compared;
	r = find(MOST, true);
	assert_null(stated(&r, BM_TRAIT_SERVER));
	assert_int_equal(r.compared, before - 3); /* nor client and suite */
}

/* Five in a beat: 0.05 * 0.1 * 0.15. Three at one time of day within 6,000 seconds of 86,400. */
static void
test_times(void **state)
{
	(void)state;
	make();
	for (unsigned i = 0; i < 5; i++)
		all[4 - i].r.ts_ns = all[0].c.first_ts_ns + i * UINT64_C(10000000);
	struct bm_alike_result r = find(5, true);
	const struct bm_alike_found *x = stated(&r, BM_TRAIT_BEAT);
	assert_non_null(x);
	assert_int_equal(x->value, 10000);
	assert_near(x->ln_chance, log(0.05 * 0.1 * 0.15));
	all[2].r.ts_ns += 1300000;
	r = find(5, true);
	assert_null(stated(&r, BM_TRAIT_BEAT));
	/* A record that is not there tells no time. */
	all[2].r.ts_ns -= 1300000;
	all[2].r.off = 101;
	r = find(5, true);
	assert_null(stated(&r, BM_TRAIT_BEAT));
	/* Where there is no place, its number tells which it is. */
	all[2].f.stream_offset = BM_UNKNOWN;
	r = find(5, true);
	assert_non_null(stated(&r, BM_TRAIT_BEAT));

	make();
	static const uint64_t seconds[] = {0, 86400 + 300, 2 * 86400 + 1200, 5 * 86400 + 1500};
	for (unsigned i = 0; i < 4; i++)
		all[i].r.ts_ns = (86400 * UINT64_C(20000) + 85500 + seconds[i]) * 1000000000;
	r = find(4, true);
	x = stated(&r, BM_TRAIT_DAY);
	assert_non_null(x);
	assert_int_equal(x->value, UINT64_C(85500) * 1000000);
	assert_int_equal(x->within, UINT64_C(1500) * 1000000);
	assert_near(x->ln_chance, log(4 * pow(1500.0 / 86400, 3)));
	/* On one day it is no time of day. */
	for (unsigned i = 0; i < 4; i++)
		all[i].r.ts_ns = (86400 * UINT64_C(20000) + 50000 + i) * 1000000000;
	r = find(4, true);
	assert_null(stated(&r, BM_TRAIT_DAY));
}

static void
test_agreement(void **state)
{
	struct bm_tally t = {.slot = NULL};

	(void)state;
	/* Two halves, 9 of 10: (10 + 1) / 1024 each. */
	bm_tally_records(&t, (struct bm_tally_key){{1}}, 50);
	bm_tally_records(&t, (struct bm_tally_key){{2}}, 50);
	for (unsigned i = 0; i < 10; i++)
		bm_tally_failure(&t, (struct bm_tally_key){{i == 0 ? 2 : 1}});
	assert_int_equal(bm_tally_most(&t)->key.word[0], 1);
	assert_near(bm_tally_ln_agree(&t, 9), log(22.0 / 1024));
	bm_tally_clear(&t);
	/* Of so many values, with a failure each, the first one counts. */
	for (uint64_t i = 0; i < BM_TALLY_VALUES; i++) {
		bm_tally_records(&t, (struct bm_tally_key){{0, i, 0}}, 1);
		bm_tally_failure(&t, (struct bm_tally_key){{0, i, 0}});
	}
	assert_int_equal(bm_tally_most(&t)->key.word[1], 0);
	assert_int_equal(t.records, BM_TALLY_VALUES);
	bm_tally_failure(&t, (struct bm_tally_key){{0, 17, 0}});
	assert_int_equal(bm_tally_most(&t)->key.word[1], 17);
	/* One more, and nothing is known. */
	bm_tally_failure(&t, (struct bm_tally_key){{1, 0, 0}});
	assert_true(t.lost);
	assert_null(bm_tally_most(&t));
	bm_tally_records(&t, (struct bm_tally_key){{0, 17, 0}}, 1);
	assert_int_equal(t.failures, 0);
	bm_tally_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chance_is_not_stated),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_many_bits),
		cmocka_unit_test(test_one_place_is_said_once),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests_name("report: what failures share", tests, NULL, NULL);
}
