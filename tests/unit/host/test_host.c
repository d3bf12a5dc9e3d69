/* What is read of a machine and made of it, from this machine: names of counters, words for a
 * shell, drivers that are asked in earnest. Made-up machines are for tests/host. */
#define _GNU_SOURCE /* struct ifreq */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#include "host/ethtool.h"
#include "host/findings.h"
#include "host/host.h"

static void
names_of_counters(void **state)
{
	static const struct {
		const char *name;
		enum bm_stat_class kind;
	} rows[] = {
		{"rx_packets", BM_STAT_TRAFFIC},
		{"tx_bytes", BM_STAT_TRAFFIC},
		{"rx_crc_errors", BM_STAT_FRAME},
		{"rx_crc_errors_phy", BM_STAT_FRAME},
		{"CRCErrors", BM_STAT_FRAME},
		{"rx_fcs_errors", BM_STAT_FRAME},
		{"rx_align_errors", BM_STAT_FRAME},
		{"rx_frame_errors", BM_STAT_FRAME},
		{"rx_symbol_err_phy", BM_STAT_FRAME},
		{"rx_csum_bad", BM_STAT_CHECKSUM},
		{"rx_l4_csum_errors", BM_STAT_CHECKSUM},
		{"rx_csum_offload_errors", BM_STAT_CHECKSUM},
		{"hw_csum_rx_error", BM_STAT_CHECKSUM},
		{"rx_checksum_errors", BM_STAT_CHECKSUM},
		{"rx_csum_complete", BM_STAT_OTHER},
		{"rx_csum_unnecessary", BM_STAT_OTHER},
		{"rx_queue_0_csum_err", BM_STAT_CHECKSUM},
		{"corrupted_frames", BM_STAT_MEMORY},
		{"rx_parity_errors", BM_STAT_MEMORY},
		{"ram_ecc", BM_STAT_MEMORY},
		{"rx_tls_err", BM_STAT_TLS},
		{"tx_tls_drop_no_sync_data", BM_STAT_TLS},
		{"rx_tls_decrypted_packets", BM_STAT_OTHER},
		{"rx_dropped", BM_STAT_DROP},
		{"rx_discards_phy", BM_STAT_DROP},
		{"rx_missed_errors", BM_STAT_DROP},
		{"rx_queue_0_drops", BM_STAT_DROP},
		{"rx_errors", BM_STAT_ERROR},
		{"tx_carrier_errors", BM_STAT_ERROR},
		{"collisions", BM_STAT_OTHER},
		{"interrupts", BM_STAT_OTHER}, /* has "err" in it */
		{"tx_queue_0_xdp_xmit", BM_STAT_OTHER},
		{"peer_ifindex", BM_STAT_OTHER},
		{"", BM_STAT_OTHER},
	};
	char longer[500];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (bm_stat_classify(rows[i].name) != rows[i].kind)
			fail_msg("%s: %d", rows[i].name, (int)bm_stat_classify(rows[i].name));
	assert_true(bm_stat_is_error(BM_STAT_DROP) && !bm_stat_is_error(BM_STAT_TRAFFIC));
	memset(longer, 'x', sizeof longer);
	memcpy(longer + sizeof longer - 7, "_error", 7);
	assert_int_equal(BM_STAT_OTHER, bm_stat_classify(longer)); /* past what is looked at */
}

static void
words_for_a_shell(void **state)
{
	static const char *const rows[][2] = {
		{"eth0", "eth0"},
		{"eth0.5@x-1:2_3", "eth0.5@x-1:2_3"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"'", "''\\'''"},
		{"$(id)", "'$(id)'"},
		{"a;b", "'a;b'"},
		{"-K", NULL},
		{"", NULL},
		{"a\nb", NULL},
		{"a\x1b", NULL},
		{"\xc3\xa4", NULL},
	};
	struct bm_arena arena = {.max = 1 << 16};
	bool no_memory = false;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *word = bm_shell_word(&arena, rows[i][0], &no_memory);
		if ((word == NULL) != (rows[i][1] == NULL))
			fail_msg("%s", rows[i][0]);
		if (word != NULL)
			assert_string_equal(rows[i][1], word);
	}
	assert_false(no_memory);
	bm_arena_clear(&arena);
	arena.max = 0;
	assert_null(bm_shell_word(&arena, "a b", &no_memory));
	assert_true(no_memory);
}

/* A row speaks of what it is, and its commands undo each other. */
static void
the_table_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < BM_FACTS; i++) {
		const struct bm_fact *f = &bm_facts[i];
		assert_non_null(f->id);
		assert_true(f->title != NULL && strlen(f->title) > 3);
		assert_true(
			f->means != NULL && strlen(f->means) > 20 && f->means[strlen(f->means) - 1] == '.');
		if (f->causes[0] == NULL &&
			(f->bearing == BM_SHOWS || f->bearing == BM_COULD || f->bearing == BM_HIDES))
			fail_msg("%s: no causes", f->id);
		if (f->off == NULL && f->on != NULL)
			fail_msg("%s: back from nothing", f->id);
		if (f->features[0] != NULL && (f->off == NULL || f->on == NULL))
			fail_msg("%s: a feature without commands", f->id);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->id, bm_facts[k].id);
	}
}

static void
asks_drivers(void **state)
{
	struct bm_host h = {.arena = {.max = 1 << 20}};
	struct bm_link lo = {.name = "lo"}, none = {.name = "none-such"};
	int fd = bm_ethtool_open();
	bool rx = false;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(0, bm_ethtool_features(&h, fd, &lo));
	assert_true(lo.features_known && lo.feature_count > 20);
	for (size_t i = 0; i < lo.feature_count; i++)
		rx = rx || (strcmp(lo.features[i].name, "rx-checksum") == 0 && lo.features[i].on &&
					   lo.features[i].fixed);
	assert_true(rx);
	assert_int_equal(0, bm_ethtool_stats(&h, fd, &lo)); /* it has none */
	assert_int_equal(0, bm_ethtool_basics(fd, &lo));
	assert_true(lo.mtu.known && lo.flags.known && (lo.flags.n & IFF_LOOPBACK) != 0);
	assert_int_equal(if_nametoindex("lo"), lo.index.n);
	assert_int_equal(ENODEV, bm_ethtool_features(&h, fd, &none));
	assert_int_equal(ENODEV, bm_ethtool_driver(&h, fd, &none));
	assert_int_equal(ENODEV, bm_ethtool_stats(&h, fd, &none));
	assert_int_equal(ENODEV, bm_ethtool_basics(fd, &none));
	assert_int_equal(0, none.feature_count);
	close(fd);
	/* No room for what they answer with: no feature, and it is known. */
	assert_false(h.no_memory);
	bm_arena_clear(&h.arena);
	h.arena.max = 0;
	fd = bm_ethtool_open();
	struct bm_link again = {.name = "lo"};
	(void)bm_ethtool_features(&h, fd, &again);
	assert_true(h.no_memory && again.feature_count == 0);
	close(fd);
}

struct sink {
	size_t n, most;
	bool whole; /* ends with a line */
};

static int
count(void *ctx, const char *bytes, size_t n)
{
	struct sink *s = ctx;

	s->n += n;
	s->whole = n != 0 && bytes[n - 1] == '\n';
	return s->n > s->most ? -1 : 0;
}

static void
reports_of_this_machine(void **state)
{
	struct bm_host_options o = {.root = NULL};
	struct bm_host *before, *now;

	(void)state;
	assert_int_equal(BM_HOST_READ, bm_host_read(&o, &before));
	assert_int_equal(BM_HOST_READ, bm_host_read(&o, &now));
	bm_host_compare(now, before, 0.5);
	for (int json = 0; json < 2; json++) {
		struct sink s = {.most = SIZE_MAX};
		struct bm_host_report_options r = {.json = json != 0, .write = count, .ctx = &s};
		assert_int_equal(BM_OK, bm_host_report(now, &r));
		assert_true(s.whole && s.n > 1000);
		size_t all = s.n;
		s = (struct sink){.most = all - 1};
		assert_int_equal(BM_IO, bm_host_report(now, &r));
	}
	bm_host_free(before);
	bm_host_free(now);
	o.interface = "none-such";
	assert_int_equal(BM_HOST_NO_INTERFACE, bm_host_read(&o, &now));
	assert_null(now);
	o = (struct bm_host_options){.root = "/nowhere/at/all"};
	assert_int_equal(BM_HOST_NO_ROOT, bm_host_read(&o, &now));
	assert_int_equal(ENOENT, errno);
	bm_host_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_counters),
		cmocka_unit_test(words_for_a_shell),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(asks_drivers),
		cmocka_unit_test(reports_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
