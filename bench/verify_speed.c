/* How fast records are checked: nanoseconds for a short one, gigabytes a second for a full one.
 * Refuses to be a test: nothing is compared. */
#include <stdio.h>
#include <time.h>

#include "verify/verify.h"

enum { SHORT = 200, FULL = 16384 };

static const struct {
	const char *name;
	uint16_t version, suite;
	bool encrypt_then_mac;
} cases[] = {
	{"TLS 1.2 AES-128-GCM", BM_TLS12, 0x009c, false},
	{"TLS 1.3 AES-128-GCM", BM_TLS13, 0x1301, false},
	{"TLS 1.3 AES-256-GCM", BM_TLS13, 0x1302, false},
	{"TLS 1.3 ChaCha20-Poly1305", BM_TLS13, 0x1303, false},
	{"TLS 1.3 AES-128-CCM", BM_TLS13, 0x1304, false},
	{"TLS 1.2 AES-128-CBC SHA-1", BM_TLS12, 0x002f, false},
	{"TLS 1.2 AES-128-CBC SHA-1 EtM", BM_TLS12, 0x002f, true},
	{"TLS 1.2 AES-256-CBC SHA-256 EtM", BM_TLS12, 0x003d, true},
	{"TLS 1.2 RC4 SHA-1", BM_TLS12, 0x0005, false},
	{"SSL 3.0 3DES SHA-1", BM_SSL3, 0x000a, false},
	{"DTLS 1.3 AES-128-GCM", BM_DTLS13, 0x1301, false},
};

static uint8_t body[FULL + 256];
static struct bm_scratch scratch;

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds for a record of n octets of ciphertext (about). */
static double
measure(const struct bm_protection *p, size_t n, bool plain)
{
	struct bm_position pos;
	struct bm_outcome o;
	struct bm_wire w = {.type = 23, .version = BM_TLS12, .header = bm_view("\27\3\3\0\0", 5)};
	const struct bm_suite *s = bm_protection_keys(p)->suite;

	w.body = bm_view(body, n);
	if (bm_protection_keys(p)->encrypt_then_mac)
		w.body.n += bm_protection_tag_len(p);
	bm_position_start(p, &pos);
	/* The tag is put right where that is easy, so that the search for the inner type counts. */
	if (bm_verify(p, &pos, &w, plain, &scratch, &o) != BM_OK || o.result == BM_BAD_LENGTH) {
		printf("failed\n");
		return 0;
	}
	if (s->mode != BM_MODE_CBC || bm_protection_keys(p)->encrypt_then_mac)
		memcpy(body + w.body.n - o.tag_len, o.computed, o.tag_len);

	double start = now_ns(), spent = 0;
	long times = 0;
	do {
		for (int i = 0; i < 64; i++)
			if (bm_verify(p, &pos, &w, plain, &scratch, &o) != BM_OK)
				printf("failed\n");
		times += 64;
		spent = now_ns() - start;
	} while (spent < 2e8);
	return spent / (double)times;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bm_traffic_keys k = {.version = cases[i].version,
			.suite = bm_suite_find(cases[i].suite),
			.encrypt_then_mac = cases[i].encrypt_then_mac,
			.key = {1, 2, 3}};
		struct bm_protection *p;
		if (bm_protection_new(&p, &k) != BM_OK)
			continue;
		double little = measure(p, SHORT / 16 * 16, false);
		double much = measure(p, FULL, false);
		double open = measure(p, FULL, true);
		printf("%-32s %7.0f ns at %d B %7.2f GB/s at %d B %7.2f GB/s with plaintext\n",
			cases[i].name, little, SHORT / 16 * 16, FULL / much, FULL, FULL / open);
		bm_protection_free(p);
	}
	return 0;
}
