/* Any bytes as a record under any AEAD suite, with any segment edges and little work: whatever is
 * found must verify and differ from what was received, and nothing is read out of bounds. */
#include "repair/repair.h"

#include <stdlib.h>

static struct bm_scratch scratch;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static const struct {
	uint16_t suite, version;
} kinds[] = {
	{0x009c, BM_TLS12},
	{0x1302, BM_TLS13},
	{0xcca8, BM_TLS12},
	{0x1303, BM_TLS13},
	{0xc09c, BM_TLS12},
	{0x1304, BM_TLS13},
	{0xc0a0, BM_TLS12},
	{0x1305, BM_TLS13},
	{0x009c, BM_DTLS12},
	{0xcca8, BM_DTLS12},
	{0xc0a0, BM_DTLS12},
	{0x1301, BM_DTLS13},
	{0x1303, BM_DTLS13},
	{0x1305, BM_DTLS13},
	{0xc050, BM_TLS12},
	{0x00c6, BM_TLS13},
};

/* Every other input gets a right tag with one bit flipped behind it, so that finds are met too. */
static void
make_right(const struct bm_damaged *d, uint8_t *body, uint8_t choice)
{
	struct bm_outcome o;

	if ((choice & 0x80) == 0 ||
		bm_verify(d->protection, d->position, &d->wire, false, &scratch, &o) != BM_OK ||
		o.tag_len == 0)
		return;
	memcpy(body + d->wire.body.n - o.tag_len, o.computed, o.tag_len);
	body[choice * 251u % d->wire.body.n] ^= (uint8_t)(1 + choice % 7);
}

static void
search(const struct bm_damaged *d, const uint8_t *bytes, uint8_t *sent)
{
	struct bm_repair out = {.sent = sent};
	struct bm_outcome o;
	struct bm_wire w = d->wire;

	must(bm_repair(d, &scratch, &out) == BM_OK);
	must(out.family_count <= BM_FAMILIES_MAX);
	if (!out.found)
		return;
	must(out.accepted_log2 + 40 <= (double)out.tag_bits && out.candidates != 0);
	w.header.p = sent;
	w.body.p = sent + w.header.n;
	if (bm_protection_keys(d->protection)->version != BM_DTLS13) {
		w.type = sent[0];
		w.version = bm_load16(sent + 1);
	}
	must(bm_verify(d->protection, d->position, &w, false, &scratch, &o) == BM_OK);
	must(o.result == BM_VERIFIED);
	/* A record that was good all along needs no change. */
	must(memcmp(bytes, sent, w.header.n + w.body.n) != 0 ||
		 (bm_verify(d->protection, d->position, &d->wire, false, &scratch, &o) == BM_OK &&
			 o.result == BM_VERIFIED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { CONTROL = 8, EDGES = 4, BODY_MAX = 2048 };
	if (size < CONTROL + 13 || size > CONTROL + 13 + BODY_MAX)
		return 0;
	size_t kind = data[0] % (sizeof(kinds) / sizeof(kinds[0]));
	size_t head = bm_version_is_dtls(kinds[kind].version) ? 3 + data[1] % 11 : 5;
	struct bm_traffic_keys k = {
		.version = kinds[kind].version, .suite = bm_suite_find(kinds[kind].suite)};
	struct bm_protection *p;
	struct bm_position pos;
	uint32_t edges[EDGES];

	memset(k.key, data[2], sizeof(k.key));
	if (bm_protection_new(&p, &k) != BM_OK)
		return 0;
	bm_position_start(p, &pos);
	pos.seq = data[3];
	size_t n = size - CONTROL;
	uint8_t *bytes = malloc(n), *sent = malloc(n);
	if (bytes != NULL && sent != NULL) {
		memcpy(bytes, data + CONTROL, n);
		uint32_t at = 0;
		for (size_t i = 0; i < EDGES; i++)
			edges[i] = at += data[4] * (i + 1u) + 1;
		struct bm_damaged d = {.protection = p,
			.position = &pos,
			.wire = {bytes[0], bm_load16(bytes + 1), {bytes, head}, {NULL, 0},
				{bytes + head, n - head}},
			.edges = edges,
			.edge_count = data[5] % (EDGES + 1),
			.effort = (enum bm_effort)(data[6] % 3),
			.work = UINT64_C(1) << (10 + data[6] / 3 % 14)};
		make_right(&d, bytes + head, data[7]);
		search(&d, bytes, sent);
	}
	free(bytes);
	free(sent);
	bm_protection_free(p);
	return 0;
}
