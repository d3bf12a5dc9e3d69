/* Takes the input's bytes as a failed record under one of many rules, or damages a good one, and
 * asks the hypotheses that judge a record by itself. Knows nothing of how they do it. */
#include "../tests/unit/repair/seal.h"
#include "why/why.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct sealed sealed;
static struct bm_scratch scratch;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static const unsigned aead[] = {
	0x009c, 0x009d, 0xc09c, 0xc0a0, 0xcca8, 0x1301, 0x1302, 0x1303, 0x1304, 0x1305};
enum { AEADS = sizeof aead / sizeof aead[0] };

/* A record of an AEAD suite is the input's own: what verifies is not looked for. */
static void
keys_of(const struct bm_suite *suite)
{
	memset(&sealed, 0, sizeof sealed);
	sealed.keys.version = suite->kx == BM_KX_TLS13 ? BM_TLS13 : BM_TLS12;
	sealed.keys.suite = suite;
	fill(sealed.keys.key, sizeof sealed.keys.key);
	fill(sealed.keys.iv, sizeof sealed.keys.iv);
	sealed.position.seq = draw() % 1000;
	sealed.bytes[0] = BM_APPLICATION_DATA;
	bm_store16(sealed.bytes + 1, BM_TLS12);
	sealed.body_n = 600;
	fill(sealed.bytes + 5, sealed.body_n);
}

static void
ask_all(const struct bm_case *c, unsigned version, bool repaired)
{
	static enum bm_answer (*const all[])(const struct bm_why *, struct bm_finding *,
		const char **) = {bm_ask_padding, bm_ask_construction, bm_ask_stale, bm_ask_miscomputed};
	struct bm_arena arena = {.max = 1 << 16};
	struct bm_damage_search search = {
		.asked = true, .status = BM_OK, .repair = {.found = repaired}};
	struct bm_session_facts facts = {.version = version};
	uint64_t spent = 0;
	const struct bm_why w = {.c = c,
		.facts = &facts,
		.scratch = &scratch,
		.arena = &arena,
		.share = 2000000000,
		.spent = &spent,
		.repair = &search};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct bm_finding f = {.cause = BM_CAUSE_UNEXPLAINED};
		const char *because = NULL;
		enum bm_answer a = all[i](&w, &f, &because);
		must(a != BM_EXCLUDED || because != NULL);
		if (a != BM_SHOWN)
			continue;
		must(f.evidence_count != 0 && f.strength != BM_STRENGTH_NONE);
		must(f.strength != BM_STRENGTH_PROVEN || f.chance_log2 <= -40);
		for (size_t k = 0; k < f.change_count; k++)
			must(f.changes[k].record_off + f.changes[k].received.n <= c->len);
	}
	bm_arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bm_reader in = bm_reader(bm_view(data, size));
	struct bm_protection *p;
	uint8_t which = bm_u8(&in), how = bm_u8(&in);
	unsigned version;

	seed = 0x2545f4914f6cdd1d + (how & 3);
	if (which % (KINDS + AEADS) < KINDS) {
		const struct kind *k = &kinds[which % (KINDS + AEADS)];
		seal(&sealed, k, bm_u16(&in) % 2000, how >> 6);
		version = k->version;
	} else {
		keys_of(bm_suite_find(aead[which % (KINDS + AEADS) - KINDS]));
		version = sealed.keys.version;
	}
	/* The receiver's rules, which may differ from the sender's. */
	sealed.keys.encrypt_then_mac ^= (how & 4) != 0;
	sealed.keys.truncated_hmac ^= (how & 8) != 0;
	if (how & 16) {
		sealed.body_n = bm_left(&in) < RECORD_MAX ? bm_left(&in) : RECORD_MAX;
		struct bm_view body = bm_take(&in, sealed.body_n);
		if (body.n != 0)
			memcpy(sealed.bytes + 5, body.p, body.n);
	}
	while (bm_left(&in) >= 3 && sealed.body_n != 0) {
		size_t at = bm_u16(&in) % sealed.body_n;
		sealed.bytes[5 + at] ^= bm_u8(&in);
	}
	bm_store16(sealed.bytes + 3, (unsigned)sealed.body_n);
	must(bm_protection_new(&p, &sealed.keys) == BM_OK);
	struct bm_case c = {.kind = how & 32 ? BM_CASE_NO_KEYS_FIT : BM_CASE_BAD_RECORD,
		.record = sealed.bytes,
		.len = (uint32_t)(5 + sealed.body_n),
		.region = (uint32_t)(5 + sealed.body_n),
		.protection = p,
		.position = &sealed.position,
		.result = BM_BAD_TAG,
		.after = BM_AFTER_NEXT,
		.alert = 255};
	ask_all(&c, version, (how & 1) != 0);
	bm_protection_free(p);
	return 0;
}
