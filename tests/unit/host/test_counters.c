/* The kernel's counters: files as kernels write them, hostile ones, readings before and after. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/counters.h"
#include "host/text.h"

static struct bm_counters
parse(enum bm_counter_file file, const char *text)
{
	struct bm_counters c = {.boot = ""};

	/* Of the exact size, so that a sanitizer sees what reads past it. */
	size_t n = strlen(text);
	uint8_t *copy = malloc(n + (n == 0));
	assert_non_null(copy);
	memcpy(copy, text, n);
	bm_counters_parse(file, bm_view(copy, n), &c);
	free(copy);
	return c;
}

static void
is(const struct bm_counters *c, enum bm_counter id, uint64_t n)
{
	if (!c->at[id].known || c->at[id].n != n)
		fail_msg("%s: %s, %ju", bm_counter_name(id), c->at[id].known ? "known" : "not known",
			(uintmax_t)c->at[id].n);
}

static void
unknown(const struct bm_counters *c, enum bm_counter id)
{
	if (c->at[id].known || c->at[id].n != 0)
		fail_msg("%s: known", bm_counter_name(id));
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal("TcpInCsumErrors", bm_counter_name(BM_COUNTER_TCP_IN_CSUM_ERRORS));
	assert_string_equal("TcpExtTCPTimeouts", bm_counter_name(BM_COUNTER_TCP_TIMEOUTS));
	assert_string_equal("TlsDecryptError", bm_counter_name(BM_COUNTER_TLS_DECRYPT_ERROR));
	assert_string_equal("proc/net/tls_stat", bm_counter_path(BM_COUNTER_TLS_STAT));
	assert_int_equal(BM_COUNTER_NETSTAT, bm_counter_file(BM_COUNTER_IP_IN_CSUM_ERRORS));
	assert_false(bm_counter_grows(BM_COUNTER_TLS_CURR_RX_SW));
	assert_true(bm_counter_grows(BM_COUNTER_TCP_IN_SEGS));
}

/* The columns of a kernel are whatever it has, in any order. */
static void
pairs(void **state)
{
	struct bm_counters c =
		parse(BM_COUNTER_SNMP, "Ip: Forwarding InReceives InHdrErrors\nIp: 1 17 3\n"
							   "Tcp: RtoMin MaxConn InCsumErrors InSegs\nTcp: 200 -1 5 1131485\n"
							   "Udp: InDatagrams InErrors InCsumErrors\nUdp: 7 8 9\n"
							   "UdpLite: InDatagrams InErrors InCsumErrors\nUdpLite: 70 80 90\n");

	(void)state;
	is(&c, BM_COUNTER_TCP_IN_SEGS, 1131485);
	is(&c, BM_COUNTER_TCP_IN_CSUM_ERRORS, 5);
	unknown(&c, BM_COUNTER_TCP_RETRANS_SEGS);
	is(&c, BM_COUNTER_UDP_IN_CSUM_ERRORS, 9);
	is(&c, BM_COUNTER_IP_IN_RECEIVES, 17);
	is(&c, BM_COUNTER_IP_IN_HDR_ERRORS, 3);
	/* Another file's counters do not come from this one, though their names are the same. */
	unknown(&c, BM_COUNTER_IP_IN_CSUM_ERRORS);
	c = parse(BM_COUNTER_NETSTAT,
		"TcpExt: SyncookiesSent TCPTimeouts\nTcpExt: 0 711\n"
		"IpExt: InOctets InCsumErrors\nIpExt: 18446744073709551615 2\nTcp: InSegs\nTcp: 3\n");
	is(&c, BM_COUNTER_TCP_TIMEOUTS, 711);
	is(&c, BM_COUNTER_IP_IN_OCTETS, UINT64_MAX);
	is(&c, BM_COUNTER_IP_IN_CSUM_ERRORS, 2);
	unknown(&c, BM_COUNTER_TCP_IN_SEGS);
}

static void
lines(void **state)
{
	struct bm_counters c = parse(BM_COUNTER_TLS_STAT,
		"TlsCurrTxSw                     \t1\nTlsDecryptError                 \t4\nTlsRxSw\t3");

	(void)state;
	is(&c, BM_COUNTER_TLS_CURR_TX_SW, 1);
	is(&c, BM_COUNTER_TLS_DECRYPT_ERROR, 4);
	is(&c, BM_COUNTER_TLS_RX_SW, 3); /* the last line has no end */
	unknown(&c, BM_COUNTER_TLS_RX_DEVICE);
	c = parse(BM_COUNTER_SNMP6, "Udp6InCsumErrors  \t12\r\nIp6InHdrErrors\t1 2\n");
	is(&c, BM_COUNTER_UDP6_IN_CSUM_ERRORS, 12);
	unknown(&c, BM_COUNTER_IP6_IN_HDR_ERRORS);
}

static void
hostile(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		":",
		"Tcp:",
		"Tcp:\nTcp:",
		"Tcp: InSegs",                               /* nothing follows */
		"Tcp: InSegs\n",                             /* nor here */
		"Tcp: InSegs\nTcp:\n",                       /* a value is missing */
		"Tcp: InSegs\nUdp: 5\n",                     /* another's */
		"Tcp: InSegs\n\nTcp: 5\n",                   /* not the next line */
		"Tcp: InSegs\nTcp: 18446744073709551616\n",  /* 2^64 */
		"Tcp: InSegs\nTcp: 99999999999999999999999", /* and beyond */
		"Tcp: InSegs\nTcp: -1\n",
		"Tcp: InSegs\nTcp: 0x10\n",
		"Tcp: InSegs\nTcp: 1e3\n",
		"Tcp: InSegs\nTcp: +7\n",
		"Tcp: InSeg\nTcp: 7\n",
		"Tcp: InSegsX\nTcp: 7\n",
		"tcp: InSegs\ntcp: 7\n",
		"InSegs 7\n",
		"\xff\xfe: InSegs\n\xff\xfe: 7\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (enum bm_counter_file f = 0; f < BM_COUNTER_FILES; f++) {
			struct bm_counters c = parse(f, texts[i]);
			for (enum bm_counter k = 0; k < BM_COUNTERS; k++)
				unknown(&c, k);
		}
	/* More names than values, and more values than names. */
	struct bm_counters c = parse(BM_COUNTER_SNMP, "Tcp: InSegs OutSegs\nTcp: 5\n");
	is(&c, BM_COUNTER_TCP_IN_SEGS, 5);
	unknown(&c, BM_COUNTER_TCP_OUT_SEGS);
	c = parse(BM_COUNTER_SNMP, "Tcp: InSegs\nTcp: 5 6 7\nTcp: OutSegs\nTcp: 8\n");
	is(&c, BM_COUNTER_TCP_IN_SEGS, 5);
	is(&c, BM_COUNTER_TCP_OUT_SEGS, 8);
}

/* Cut at every octet: what is read of the rest is the number's beginning at most, never anything
 * else. */
static void
cut_short(void **state)
{
	static const char whole[] = "Tcp: InSegs InErrs\nTcp: 123 456\n";

	(void)state;
	for (size_t n = 0; n < sizeof whole; n++) {
		char text[sizeof whole];
		memcpy(text, whole, n);
		text[n] = '\0';
		struct bm_counters c = parse(BM_COUNTER_SNMP, text);
		uint64_t segs = c.at[BM_COUNTER_TCP_IN_SEGS].n, errs = c.at[BM_COUNTER_TCP_IN_ERRS].n;
		assert_true(segs == 0 || segs == 1 || segs == 12 || segs == 123);
		assert_true(errs == 0 || errs == 4 || errs == 45 || errs == 456);
	}
}

static void
differences(void **state)
{
	struct bm_counters a = parse(BM_COUNTER_SNMP, "Tcp: InSegs InErrs OutSegs\nTcp: 100 5 70\n");
	struct bm_counters b = parse(BM_COUNTER_SNMP, "Tcp: InSegs InErrs RetransSegs\nTcp: 350 4 9\n");
	struct bm_counters d;

	(void)state;
	bm_counters_since(&a, &b, &d);
	is(&d, BM_COUNTER_TCP_IN_SEGS, 250);
	unknown(&d, BM_COUNTER_TCP_IN_ERRS);      /* went back */
	unknown(&d, BM_COUNTER_TCP_OUT_SEGS);     /* only before */
	unknown(&d, BM_COUNTER_TCP_RETRANS_SEGS); /* only after */
	/* The same start, then another one: no counter is a continuation. */
	strcpy(a.boot, "00000000-0000-0000-0000-000000000001");
	strcpy(b.boot, a.boot);
	bm_counters_since(&a, &b, &d);
	is(&d, BM_COUNTER_TCP_IN_SEGS, 250);
	b.boot[0] = '1';
	bm_counters_since(&a, &b, &d);
	unknown(&d, BM_COUNTER_TCP_IN_SEGS);
	/* How many there are now is no count of what happened. */
	a = parse(BM_COUNTER_TLS_STAT, "TlsCurrRxSw 1\nTlsRxSw 1\n");
	b = parse(BM_COUNTER_TLS_STAT, "TlsCurrRxSw 3\nTlsRxSw 3\n");
	a.error[BM_COUNTER_SNMP] = ENOENT;
	b.error[BM_COUNTER_SNMP] = EACCES;
	bm_counters_since(&a, &b, &d);
	unknown(&d, BM_COUNTER_TLS_CURR_RX_SW);
	is(&d, BM_COUNTER_TLS_RX_SW, 2);
	assert_int_equal(EACCES, d.error[BM_COUNTER_SNMP]);
}

static char folder[] = "/tmp/badmac-host.XXXXXX";

static void
put(const char *name, const char *text, size_t n)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(n, fwrite(text, 1, n, f));
	assert_int_equal(0, fclose(f));
}

static int
make(void **state)
{
	static const char boot[] = "12345678-1234-1234-1234-123456789abc\n";
	static const char snmp[] = "Tcp: InSegs\nTcp: 41\n";

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	put("proc/sys/kernel/random/boot_id", boot, strlen(boot));
	put("proc/net/snmp", snmp, strlen(snmp));
	put("proc/net/snmp6", "", 0);
	return 0;
}

static int
unmake(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static void
a_folder(void **state)
{
	struct bm_counters c;

	(void)state;
	assert_int_equal(0, bm_counters_read_at(folder, &c));
	is(&c, BM_COUNTER_TCP_IN_SEGS, 41);
	assert_string_equal("12345678-1234-1234-1234-123456789abc", c.boot);
	assert_int_equal(0, c.error[BM_COUNTER_SNMP]);
	assert_int_equal(0, c.error[BM_COUNTER_SNMP6]);
	assert_int_equal(ENOENT, c.error[BM_COUNTER_TLS_STAT]);
	assert_int_equal(ENOENT, bm_counters_read_at("/nowhere/at/all", &c));
	assert_int_equal(ENOENT, c.error[BM_COUNTER_SNMP]);
	unknown(&c, BM_COUNTER_TCP_IN_SEGS);
}

/* A copy's absolute links lead into the copy: this machine's own files are not the other's. */
static void
links_stay_inside(void **state)
{
	struct bm_counters c;
	struct bm_root r;
	char path[200], to[100];

	(void)state;
	snprintf(path, sizeof path, "%s/proc/net/netstat", folder);
	assert_int_equal(0, symlink("/proc/net/netstat", path)); /* in the copy: to itself */
	snprintf(path, sizeof path, "%s/proc/net/tls_stat", folder);
	assert_int_equal(0, symlink("/../../../../etc/passwd", path));
	assert_int_equal(0, bm_counters_read_at(folder, &c));
	assert_int_equal(ELOOP, c.error[BM_COUNTER_NETSTAT]);
	assert_int_equal(ENOENT, c.error[BM_COUNTER_TLS_STAT]);
	assert_int_equal(0, bm_root_open(&r, folder));
	assert_false(r.live);
	assert_int_equal(0, bm_root_link(&r, "proc/net/tls_stat", to, sizeof to));
	assert_string_equal("/../../../../etc/passwd", to);
	assert_int_equal(EINVAL, bm_root_link(&r, "proc/net/snmp", to, sizeof to));
	bm_root_close(&r);
}

static void
odd_files(void **state)
{
	struct bm_buf b = {.max = 100};
	struct bm_root r;
	struct bm_names names;
	char path[200];
	static char big[5000];

	(void)state;
	memset(big, 'x', sizeof big);
	put("a/big", big, sizeof big);
	put("a/fits", big, 100);
	put("a/.hidden", "", 0);
	snprintf(path, sizeof path, "%s/a/fifo", folder);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_int_equal(0, bm_root_open(&r, folder));
	assert_int_equal(EFBIG, bm_root_read(&r, "a/big", &b));
	assert_int_equal(0, b.n);
	assert_int_equal(0, bm_root_read(&r, "a/fits", &b));
	assert_int_equal(100, b.n);
	assert_int_equal(EINVAL, bm_root_read(&r, "a/fifo", &b)); /* and nobody waits */
	assert_int_equal(EINVAL, bm_root_read(&r, "a", &b));
	assert_int_equal(ENOENT, bm_root_read(&r, "a/none", &b));
	assert_int_equal(0, bm_root_list(&r, "a", 10, &names));
	assert_int_equal(4, names.n);
	assert_string_equal(".hidden", names.at[0]);
	assert_string_equal("fits", names.at[3]);
	assert_false(names.more);
	bm_names_free(&names);
	assert_int_equal(0, bm_root_list(&r, "a", 2, &names));
	assert_int_equal(2, names.n);
	assert_true(names.more);
	bm_names_free(&names);
	assert_int_equal(ENOTDIR, bm_root_list(&r, "a/big", 10, &names));
	bm_root_close(&r);
	bm_buf_clear(&b);
}

/* This machine's own: whatever it has, TCP's counters are there, and they do not go back. */
static void
this_machine(void **state)
{
	struct bm_counters a, b, d;

	(void)state;
	assert_int_equal(0, bm_counters_read_at(NULL, &a));
	assert_int_equal(0, bm_counters_read_at("/", &b));
	assert_int_equal(0, a.error[BM_COUNTER_SNMP]);
	bm_counters_since(&a, &b, &d);
	assert_true(d.at[BM_COUNTER_TCP_IN_SEGS].known);
	assert_true(d.at[BM_COUNTER_TCP_IN_CSUM_ERRORS].known);
	assert_true(a.boot[0] != '\0');
}

static void
words(void **state)
{
	struct bm_view v = bm_view(" aes  sse2\tpclmulqdq\r", 21), head, rest;
	uint64_t n;

	(void)state;
	assert_true(bm_has_word(v, "aes"));
	assert_true(bm_has_word(v, "pclmulqdq"));
	assert_false(bm_has_word(v, "sse"));
	assert_true(bm_is(bm_trim(v), "aes  sse2\tpclmulqdq"));
	assert_int_equal(0, bm_trim(bm_view(" \t ", 3)).n);
	assert_true(bm_cut(bm_view("a:b:c", 5), ':', &head, &rest));
	assert_true(bm_is(head, "a") && bm_is(rest, "b:c"));
	assert_true(bm_cut(bm_view("a:", 2), ':', &head, &rest));
	assert_int_equal(0, rest.n);
	assert_true(bm_number(bm_view("18446744073709551615", 20), &n));
	assert_true(n == UINT64_MAX);
	assert_false(bm_number(bm_view("", 0), &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(pairs),
		cmocka_unit_test(lines),
		cmocka_unit_test(hostile),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(differences),
		cmocka_unit_test(a_folder),
		cmocka_unit_test(links_stay_inside),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
