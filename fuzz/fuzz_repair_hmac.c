/* Seals a record as the input says, damages it as the input says, and searches: whatever is found
 * verifies and is what was sent. Or takes the input's bytes as the record. Knows nothing of how
 * the search goes. */
#include "../tests/unit/repair/seal.h"
#include "repair/repair.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct sealed sealed;
static struct bm_scratch scratch;
static uint8_t sent[5 + RECORD_MAX];

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
verifies(const struct bm_protection *p, const uint8_t *record)
{
	struct bm_outcome o;
	struct bm_wire w = {.type = record[0],
		.version = bm_load16(record + 1),
		.header = {record, 5},
		.body = {record + 5, sealed.body_n}};

	must(bm_verify(p, &sealed.position, &w, false, &scratch, &o) == BM_OK);
	return o.result == BM_VERIFIED;
}

static void
check(const struct bm_protection *p, const uint8_t *got, const struct bm_repair *r, bool vague)
{
	must(r->family_count <= BM_FAMILIES_MAX);
	for (size_t i = 0; i < r->family_count; i++)
		must(r->family[i].name != NULL);
	if (!r->found)
		return;
	must(verifies(p, sent) && !verifies(p, got));
	must(r->accepted_log2 < (double)r->tag_bits - 20);
	must(vague || memcmp(sent, sealed.bytes, 5 + sealed.body_n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t got[5 + RECORD_MAX];
	struct bm_reader in = bm_reader(bm_view(data, size));
	uint32_t edges[8];
	struct bm_protection *p;
	struct bm_repair r = {.sent = sent};

	const struct kind *k = &kinds[bm_u8(&in) % KINDS];
	uint8_t how = bm_u8(&in);
	size_t content = bm_u16(&in) % (how & 1 ? 300 : 3000);
	struct bm_damaged d = {.edges = edges,
		.effort = how >> 1 & 3 ? BM_DEEP : BM_QUICK,
		.work = how & 8 ? 200000 : 4000000};
	while (d.edge_count < (how >> 4 & 7))
		edges[d.edge_count++] = bm_u16(&in) % 4096;
	seed = 0x2545f4914f6cdd1d + bm_u8(&in);
	seal(&sealed, k, content, how >> 6);
	memcpy(got, sealed.bytes, sizeof got);
	if (how & 128) {
		sealed.body_n = bm_left(&in) < RECORD_MAX ? bm_left(&in) : RECORD_MAX;
		struct bm_view body = bm_take(&in, sealed.body_n);
		if (body.n != 0)
			memcpy(got + 5, body.p, body.n);
	}
	while (bm_left(&in) >= 3) {
		size_t at = bm_u16(&in) % (5 + sealed.body_n);
		if (at != 3 && at != 4)
			got[at] ^= bm_u8(&in);
	}
	must(bm_protection_new(&p, &sealed.keys) == BM_OK);
	d.protection = p;
	d.position = &sealed.position;
	d.wire = (struct bm_wire){.type = got[0],
		.version = bm_load16(got + 1),
		.header = {got, 5},
		.body = {got + 5, sealed.body_n}};
	must(bm_repair_hmac(&d, &scratch, &r) == BM_OK);
	check(p, got, &r, k->version == BM_SSL3 || (how & 128) != 0);
	bm_protection_free(p);
	return 0;
}
