/* Records that nothing repairs: whole blocks, whole tags, whole records of noise. Not one may be
 * repaired, however often it is tried. BADMAC_NOISE multiplies the trials. */
#include "../stride.h"
#include "damage.h"

enum { QUICK_TRIALS = 6000, NORMAL_TRIALS = 60 };

static uint64_t trials, solved;

static size_t
times(void)
{
	const char *text = getenv("BADMAC_NOISE");
	long n = text != NULL ? strtol(text, NULL, 10) : 1;

	return n > 0 && n <= 10000 ? (size_t)n : 1;
}

static void
noise(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(draw(&dice) >> 56);
}

/* In how many ways the bytes can be beyond repair. */
enum { WHOLE_RECORD, WHOLE_BLOCK, WHOLE_TAG, TEXT_AND_TAG, SCATTERED, WAYS };

static void
ruin(struct sealed *r, size_t way)
{
	size_t block = r->text_at + 16 * below(&dice, r->text_n / 16);

	heal(r);
	switch (way) {
	case WHOLE_RECORD:
		noise(r->received + r->text_at, r->n - r->text_at);
		break;
	case WHOLE_BLOCK:
		noise(r->received + block, 16);
		break;
	case WHOLE_TAG:
		noise(r->received + r->n - r->tag_n, r->tag_n);
		break;
	case TEXT_AND_TAG:
		spoil(r, r->text_at + below(&dice, r->text_n));
		noise(r->received + r->n - r->tag_n, r->tag_n);
		break;
	default:
		/* Eight places, an octet each, further apart than any run. */
		for (size_t i = 0; i < 8; i++)
			r->received[r->text_at + r->text_n / 8 * i] ^= (uint8_t)(0x55 + i);
		break;
	}
}

static void
count(const struct sealed *r)
{
	trials++;
	assert_true(r->repair.accepted_log2 <= (double)r->repair.tag_bits - 40);
	for (size_t i = 0; i < r->repair.family_count; i++)
		solved += r->repair.family[i].complete;
}

static void
run(size_t kind, size_t text_n, size_t n, enum bm_effort effort)
{
	struct sealed *r = seal(suites[kind], text_n, &dice);

	for (size_t i = 0; i < n; i++) {
		size_t way = i % WAYS;
		/* A tag of 8 octets is a run in itself, and is told from noise by nobody. */
		ruin(r, way);
		if (!due())
			continue;
		repair(r, effort);
		expect_nothing(r);
		count(r);
	}
	unseal(r);
}

static void
test_noise(void **unused)
{
	(void)unused;
	static const struct {
		size_t kind, share;
	} kinds[] = {{GCM12, 8}, {GCM13, 8}, {CCM12, 4}, {CCM13, 4}, {SHORT12, 1}, {SHORT13, 1},
		{POLY12, 1}, {POLY13, 1}};
	size_t n = times();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		run(kinds[i].kind, 96 + i, n * QUICK_TRIALS * kinds[i].share / 8, BM_QUICK);
		run(kinds[i].kind, 256 + i, n * NORMAL_TRIALS / 4, BM_NORMAL);
	}
	print_message("# noise: %llu records, %llu searches of families, nothing found\n",
		(unsigned long long)trials, (unsigned long long)solved);
	assert_true(trials * stride() > 1000 && solved > trials);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
