/* Prints damaged records with their keys and what badmac makes of them, for aead_damage.py to do
 * over: suite, key, IV, number, received, repaired, shape. Knows no arithmetic. */
#include "../unit/repair/damage.h"

static void
put(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	printf(" ");
}

int
main(void)
{
	static const size_t kinds[] = {GCM12, GCM13, POLY12, POLY13};

	for (size_t i = 0; i < 40; i++) {
		struct sealed *r = seal(suites[kinds[i % 4]], 48 + 13 * i, &dice);
		const struct bm_traffic_keys *k = bm_protection_keys(r->protection);
		size_t block = r->text_at + 16 * below(&dice, r->text_n / 16);
		/* Within one block of 16 octets. */
		for (size_t n = 0; n < 1 + i / 4; n++)
			flip(r, 8 * block + below(&dice, 128));
		repair(r, BM_QUICK);
		printf("%04x ", k->suite->id);
		put(k->key, k->suite->key_len);
		put(k->iv, k->version == BM_TLS13 ? 12 : k->suite->fixed_iv_len);
		printf("%llu ", (unsigned long long)r->position.seq);
		put(r->received, r->n);
		put(r->repaired, r->n);
		printf("%s\n", r->repair.found ? r->repair.shape : "-");
		unseal(r);
	}
	return 0;
}
