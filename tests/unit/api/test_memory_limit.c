/* Thousands of connections that are open at once: what is known of them stays within the limit, and
 * the report says what that cost. Refuses to know where the memory goes. */
#include "diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
	CONNECTIONS = 3000,
	SCANNED = 200000,
	LIMIT = 16 << 20,
	/* Of the heap's blocks, the tables of flows, and what does not count. */
	ALLOWANCE = 12 << 20,
	FILE_HEADER = 24,
	PACKET_HEADER = 16,
	PORTS = 4 + 20 /* behind link layer and IP header */
};

/* gcc has a macro for each, clang up to 20 has features. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Anonymous memory of this process in octets; 0: nothing tells. */
static size_t
anonymous(void)
{
	char line[256];
	size_t kilobytes = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kilobytes = (size_t)strtoul(line + 8, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kilobytes * 1024;
}

static size_t
packet_size(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p + 8, sizeof n);
	return PACKET_HEADER + n;
}

/* The connection of `one` many times at once, each from a port of its own, none of them closed. */
static struct bm_buf
at_once(struct bm_view one)
{
	struct bm_buf b = {.max = 64 << 20};
	size_t at = FILE_HEADER;

	assert_int_equal(bm_buf_add(&b, bm_view(one.p, FILE_HEADER)), BM_OK);
	for (unsigned i = 0; at < one.n && i < 18; i++) {
		size_t n = packet_size(one.p + at);
		bool from_client = bm_load16(one.p + at + PACKET_HEADER + PORTS) != 8400;
		for (unsigned k = 0; k < CONNECTIONS; k++) {
			assert_int_equal(bm_buf_add(&b, bm_view(one.p + at, n)), BM_OK);
			uint8_t *ports = b.p + b.n - n + PACKET_HEADER + PORTS;
			bm_store16(ports + (from_client ? 0 : 2), 10000 + k);
		}
		at += n;
	}
	return b;
}

/* SYNs that nobody answers: flows of which nothing is ever known. */
static struct bm_buf
scan(void)
{
	enum { RAW = 101, IP = 20, SYN = 40 };
	struct bm_buf b = {.max = 64 << 20};
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, RAW};
	const uint32_t record[4] = {1700000000, 0, SYN, SYN};

	assert_int_equal(bm_buf_add(&b, bm_view((const uint8_t *)header, sizeof header)), BM_OK);
	for (unsigned k = 0; k < SCANNED; k++) {
		uint8_t p[SYN] = {0x45, 0, 0, SYN, [8] = 64, [9] = 6, [12] = 10, [16] = 10, [19] = 1};
		p[13] = (uint8_t)(k >> 16);
		bm_store16(p + 14, k & 0xffff);
		bm_store16(p + IP, 40000);
		bm_store16(p + IP + 2, 443);
		p[IP + 12] = 5 << 4;
		p[IP + 13] = 2;
		assert_int_equal(bm_buf_add(&b, bm_view((const uint8_t *)record, sizeof record)), BM_OK);
		assert_int_equal(bm_buf_add(&b, bm_view(p, sizeof p)), BM_OK);
	}
	return b;
}

struct watch {
	size_t most;
};

static void
sample(void *ctx, uint64_t done, uint64_t total)
{
	struct watch *w = ctx;
	size_t now = anonymous();

	(void)done;
	(void)total;
	if (now > w->most)
		w->most = now;
}

static int
drop(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	return 0;
}

/* Returns by how much the memory grew; *told: connections were given up. */
static size_t
run(enum badmac_format format, struct bm_view capture, struct bm_view keys, size_t limit,
	bool *told)
{
	struct watch watch = {0};
	struct badmac_options o = {.format = format,
		.verbose = 1,
		.total_memory = limit,
		.write = drop,
		.progress = sample,
		.progress_ctx = &watch};
	struct badmac *b;

	/* What an earlier run has given back would hide what this one takes. */
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	size_t before = anonymous();

	assert_int_equal(badmac_new(&b, &o, NULL), BADMAC_OK);
	if (keys.n != 0)
		assert_int_equal(badmac_add_keys(b, keys.p, keys.n, NULL), BADMAC_OK);
	assert_int_equal(badmac_add_capture(b, "many", capture.p, capture.n, NULL), BADMAC_OK);
	assert_int_equal(badmac_run(b, NULL), BADMAC_OK);
	*told = false;
	const char *notice;
	for (size_t i = 0; (notice = badmac_notice(b, i)) != NULL; i++)
		*told = *told || strstr(notice, "given up early") != NULL;
	badmac_free(b);
	return watch.most > before ? watch.most - before : 0;
}

static void
stays_inside(enum badmac_format format, struct bm_view many, struct bm_view keys)
{
	bool told;

	size_t grown = run(format, many, keys, LIMIT, &told);
	assert_true(told);
	if (!SANITIZED && grown > LIMIT + ALLOWANCE)
		fail_msg("%zu octets more", grown);
	size_t free_to = run(format, many, keys, 0, &told);
	assert_false(told);
	/* Else this test would show nothing. */
	if (!SANITIZED && anonymous() != 0 && free_to < LIMIT + ALLOWANCE)
		fail_msg("without a limit only %zu octets more", free_to);
}

static void
many_flows_without_tls(void **state)
{
	struct bm_buf many = scan();

	(void)state;
	stays_inside(BADMAC_JSON, bm_buf_view(&many), bm_view(NULL, 0));
	bm_buf_clear(&many);
}

static void
many_open_connections(void **state)
{
	struct bm_buf one = load("illustrated-tls13/capture.pcap");
	struct bm_buf keys = load("illustrated-tls13/keylog.txt");
	struct bm_buf many = at_once(bm_buf_view(&one));

	(void)state;
	stays_inside(BADMAC_JSON, bm_buf_view(&many), bm_buf_view(&keys));
	stays_inside(BADMAC_HTML, bm_buf_view(&many), bm_buf_view(&keys));
	bm_buf_clear(&many);
	bm_buf_clear(&keys);
	bm_buf_clear(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_open_connections), cmocka_unit_test(many_flows_without_tls)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
