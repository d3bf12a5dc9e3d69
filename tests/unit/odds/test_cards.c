/* What is taken from a survey of a host: which cards, which of their counters, since when. */
#include "odds/cards.h"

#include "host/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bm_odds_cards c;

static void
test_counters_of_cards(void **state)
{
	struct bm_feature on[] = {{"rx-gro", true, false}, {"rx-checksum", true, true}};
	struct bm_feature off[] = {{"rx-checksum", false, false}};
	struct bm_stat stats[] = {
		{"rx_packets", BM_STAT_TRAFFIC, true, 5000, {true, 100}},
		{"rx_csum_errors", BM_STAT_CHECKSUM, true, 70, {true, 2}},
		{"rx_ip_csum_errors", BM_STAT_CHECKSUM, true, 30, {false, 0}},
		{"rx_crc_errors", BM_STAT_FRAME, true, 9, {true, 1}},
	};
	struct bm_memory_controller memory = {"mc0", {true, 3}, {true, 1}, {true, 1}, {false, 0}};
	struct bm_link links[] = {
		{.name = "lo", .kind = BM_LINK_LOOPBACK, .state = "up", .flags = {true, 1}},
		{.name = "eth0",
			.kind = BM_LINK_DEVICE,
			.driver = "e1000e",
			.state = "up",
			.flags = {true, 1},
			.features_known = true,
			.features = on,
			.feature_count = 2,
			.stats_known = true,
			.stats = stats,
			.stat_count = 4},
		{.name = "br0", .kind = BM_LINK_BRIDGE, .state = "up", .flags = {true, 1}},
		{.name = "a-name-that-no-kernel-allows",
			.kind = BM_LINK_VETH,
			.state = "up",
			.flags = {true, 1},
			.features_known = true,
			.features = off,
			.feature_count = 1},
	};
	struct bm_host h = {.links = links, .link_count = 4};

	(void)state;
	h.machine.controllers = &memory;
	h.machine.controller_count = 1;
	bm_odds_take_cards(&h, &c);
	assert_true(c.known && !c.more);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.at[0].name, "eth0");
	assert_string_equal(c.at[0].driver, "e1000e");
	assert_int_equal(c.at[0].rx_checksum, 1);
	assert_true(c.at[0].checksum_errors == 100 && c.at[0].frame_errors == 9);
	assert_int_equal(strlen(c.at[1].name), sizeof c.at[1].name - 1);
	assert_int_equal(c.at[1].rx_checksum, 0);
	assert_true(c.at[1].checksum_errors == UINT64_MAX);
	assert_true(c.memory_errors == 4);
	assert_true(bm_odds_cards_checksum_errors(&c) == 100);
	/* Of two readings only what was added, where both have it. */
	h.compared = true;
	bm_odds_take_cards(&h, &c);
	assert_true(c.at[0].checksum_errors == 2 && c.at[0].frame_errors == 1);
	assert_true(c.memory_errors == 1);
	/* Numbers that add up to more than there is room for. */
	h.compared = false;
	stats[1].n = UINT64_MAX - 5;
	bm_odds_take_cards(&h, &c);
	assert_true(c.at[0].checksum_errors == UINT64_MAX - 1);
}

static void
test_bounds(void **state)
{
	static struct bm_link links[40];
	struct bm_host h = {.links = links, .link_count = 40};

	(void)state;
	bm_odds_take_cards(&(struct bm_host){.link_count = 0}, &c);
	assert_true(c.known && c.count == 0 && c.memory_errors == UINT64_MAX);
	for (size_t i = 0; i < 40; i++)
		links[i] = (struct bm_link){.kind = BM_LINK_VIRTIO, .state = "up", .flags = {true, 1}};
	bm_odds_take_cards(&h, &c);
	assert_true(c.count == BM_ODDS_CARDS && c.more);
	assert_string_equal(c.at[0].name, "?");
	assert_int_equal(c.at[0].rx_checksum, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_of_cards),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("odds: cards", tests, NULL, NULL);
}
