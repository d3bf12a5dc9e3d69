/* The solvers for GCM and ChaCha20-Poly1305: sets up the sum, damage of tag, header and explicit
 * nonce, and the order in which families are searched: from the fewest alterations to the most, but
 * for those that take long. Refuses to know how a family is searched. */
#include "repair/linear.h"

#include <stdlib.h>

#include "base/buf.h"

static const uint64_t work[] = {
	[BM_QUICK] = UINT64_C(1) << 28, [BM_NORMAL] = UINT64_C(1) << 33, [BM_DEEP] = UINT64_MAX};

/* Horner's rule over one input, the last block padded. */
static struct bm_term
absorb(const struct bm_linear *l, struct bm_term z, struct bm_view v)
{
	for (size_t at = 0; at < v.n; at += BM_TERM_BLOCK) {
		uint8_t block[BM_TERM_BLOCK] = {0};
		size_t n = v.n - at < sizeof(block) ? v.n - at : sizeof(block);
		struct bm_term b;
		memcpy(block, v.p + at, n);
		/* A full block of Poly1305 has 2^128 on top. */
		b = l->poly ? bm_linear_difference(l, (const uint8_t[8]){0}, block, 8)
					: bm_of_gf(bm_gf128_load(block));
		if (l->poly) {
			struct bm_term high = bm_linear_difference(l, (const uint8_t[8]){0}, block + 8, 8);
			b = (struct bm_term){{b.w[0], high.w[0], 1}};
		}
		z = bm_term_mul(l, bm_term_add(l, z, b), l->base);
	}
	return z;
}

static struct bm_term
of_little(const uint8_t p[16])
{
	struct bm_term z = {{0, 0, 0}};

	for (size_t i = 16; i > 0; i--)
		z.w[(i - 1) / 8] = z.w[(i - 1) / 8] << 8 | p[i - 1];
	return z;
}

static enum bm_status
set_up_poly(struct bm_linear *l)
{
	const struct bm_aead_parts *parts = &l->s->parts;
	uint8_t lengths[16] = {0};
	enum bm_status st = bm_aead_one_time_key(parts->aead, parts->nonce, l->key);

	if (st != BM_OK)
		return st;
	l->base = of_little(l->key);
	l->inverse = bm_of_p(bm_p1305_inverse(bm_as_p(l->base)));
	for (size_t i = 0; i < 4; i++) {
		lengths[i] = (uint8_t)(parts->aad_len >> 8 * i);
		lengths[8 + i] = (uint8_t)(l->n >> 8 * i);
	}
	l->sum = absorb(l, l->sum, bm_view(parts->aad, parts->aad_len));
	l->sum = absorb(l, l->sum, parts->text);
	l->sum = absorb(l, l->sum, bm_view(lengths, sizeof(lengths)));
	return BM_OK;
}

/* H is the cipher over zeros (SP 800-38D, section 7.1); the sum is taken with its mask. */
static enum bm_status
set_up_gcm(struct bm_linear *l)
{
	static const uint8_t zero[BM_TERM_BLOCK];
	const struct bm_aead_parts *parts = &l->s->parts;
	uint8_t tag[BM_TERM_BLOCK];
	enum bm_status st = bm_aead_blocks(parts->aead, zero, 1, l->key);

	if (st == BM_OK)
		st = bm_aead_tag(
			parts->aead, parts->nonce, bm_view(parts->aad, parts->aad_len), parts->text, NULL, tag);
	if (st != BM_OK)
		return st;
	l->base = bm_of_gf(bm_gf128_load(l->key));
	l->inverse = bm_of_gf(bm_gf128_inverse(bm_as_gf(l->base)));
	l->sum = bm_of_gf(bm_gf128_load(tag));
	return BM_OK;
}

/* Octet j of a block: GCM x^8j, Poly1305 256^j. */
static void
weigh(struct bm_linear *l)
{
	struct bm_term power = bm_term_mul(l, l->base, l->base);
	struct bm_term octet =
		l->poly ? (struct bm_term){{256, 0, 0}} : (struct bm_term){{0, UINT64_C(1) << 55, 0}};

	for (size_t k = l->blocks; k > 0; k--) {
		struct bm_term x = power;
		for (size_t at = (k - 1) * BM_TERM_BLOCK; at < l->n && at < k * BM_TERM_BLOCK; at++) {
			l->weight[at] = x;
			x = bm_term_mul(l, x, octet);
		}
		power = bm_term_mul(l, power, l->base);
	}
}

enum bm_status
bm_linear_open(struct bm_linear *l, struct bm_search *s, bool poly)
{
	*l = (struct bm_linear){.s = s, .poly = poly};
	const struct bm_aead_parts *parts = &l->s->parts;

	l->text = parts->text.p;
	l->n = parts->text.n;
	l->blocks = (l->n + BM_TERM_BLOCK - 1) / BM_TERM_BLOCK;
	l->aad_blocks = (parts->aad_len + BM_TERM_BLOCK - 1) / BM_TERM_BLOCK;
	l->weight = calloc(l->n + 1, sizeof(*l->weight));
	if (l->weight == NULL)
		return BM_NOMEM;
	enum bm_status st = l->poly ? set_up_poly(l) : set_up_gcm(l);
	if (st != BM_OK)
		return st;
	weigh(l);
	l->targets = bm_linear_targets(l, parts->tag.p, l->target);
	return BM_OK;
}

void
bm_linear_close(struct bm_linear *l)
{
	if (l->weight != NULL)
		bm_wipe(l->weight, (l->n + 1) * sizeof(*l->weight));
	free(l->weight);
	bm_wipe(l, sizeof(*l));
}

/* The tag as computed, if its difference to the one received has the shape: so many bits, octets in
 * a row, octets wherever. */
static void
tag_family(struct bm_linear *l, const struct bm_family_name *name, unsigned bits, size_t run,
	size_t octets, double accepted)
{
	struct bm_search *s = l->s;
	const struct bm_aead_parts *p = &s->parts;
	uint8_t tag[BM_TERM_BLOCK];

	if (!bm_search_open(s, name, BM_QUICK, accepted, (double)l->blocks))
		return;
	enum bm_status st =
		bm_aead_tag(p->aead, p->nonce, bm_view(p->aad, p->aad_len), p->text, NULL, tag);
	if (st != BM_OK)
		bm_search_fail(s, st);
	for (size_t i = 0; i < sizeof(tag); i++)
		tag[i] ^= p->tag.p[i];
	if (st == BM_OK && bm_weight(tag, sizeof(tag)) <= bits && bm_within(tag, sizeof(tag), run) &&
		bm_octets_set(tag, sizeof(tag)) <= octets)
		(void)bm_search_try_mask(s, s->n - sizeof(tag), tag, sizeof(tag));
	bm_search_close(s);
}

static void
header_family(struct bm_linear *l)
{
	static const struct bm_family_name name =
		BM_FAMILY_NAME("type and version in the record header");
	struct bm_search *s = l->s;
	const struct bm_aead_parts *p = &s->parts;
	uint8_t block[BM_TERM_BLOCK] = {0};
	uint8_t mask[BM_TERM_BLOCK];

	/* All of type, version and length stand in the first block, or are not looked for here. */
	if (p->type_at == p->aad_len ||
		!bm_search_open(s, &name, BM_QUICK, 16777215.0, (double)l->targets))
		return;
	memcpy(block, p->aad, p->aad_len < sizeof(block) ? p->aad_len : sizeof(block));
	struct bm_term x = bm_linear_power(l, l->inverse, l->blocks + l->aad_blocks + 1);
	for (size_t t = 0; t < l->targets; t++) {
		if (!bm_linear_mask(l, block, bm_term_mul(l, l->target[t], x), mask))
			continue;
		/* TLS 1.3 authenticates the length as well: it can only be that of the body. */
		uint8_t rest[BM_TERM_BLOCK];
		memcpy(rest, mask, sizeof(rest));
		memset(rest + p->type_at, 0, 3);
		uint8_t head[BM_HEADER] = {mask[p->type_at], mask[p->type_at + 1], mask[p->type_at + 2]};
		if (p->type_at == 0) {
			bm_store16(head + 3, bm_load16(p->aad + 3) ^ (unsigned)s->d->wire.body.n);
			rest[3] ^= head[3];
			rest[4] ^= head[4];
		}
		if (bm_weight(rest, sizeof(rest)) == 0)
			(void)bm_search_try_mask(s, 0, head, p->type_at == 0 ? BM_HEADER : 3);
	}
	bm_search_close(s);
}

/* Other layouts of the header: octet by octet. */
static void
header_octets(struct bm_linear *l)
{
	static const struct bm_family_name name = BM_FAMILY_NAME("one octet of the record header");
	struct bm_search *s = l->s;
	size_t head = s->d->wire.header.n;

	if (s->parts.type_at != s->parts.aad_len || s->parts.aad_len == 0 ||
		!bm_search_open(s, &name, BM_QUICK, 255.0 * (double)head,
			255.0 * (double)head * (double)(l->blocks + 2)))
		return;
	bm_search_try_octets(s, 0, head);
	bm_search_close(s);
}

/* RFC 5288, section 3: half of the nonce that the tag's mask was made from travels with the record.
 * The mask that would make the tag right, decrypted, is that nonce and a counter of 1, or it is not
 * the nonce that was damaged. */
static void
nonce_family(struct bm_linear *l)
{
	enum { FIXED = 4, COUNTER = 12, NONCE_OCTETS = 8 };
	static const struct bm_family_name name = BM_FAMILY_NAME("the explicit nonce");
	static const uint8_t zero[BM_TERM_BLOCK];
	struct bm_search *s = l->s;
	const struct bm_traffic_keys *k = bm_protection_keys(s->d->protection);
	uint8_t block[BM_TERM_BLOCK] = {[15] = 1};
	uint8_t mask[BM_TERM_BLOCK];
	struct bm_cbc *cipher = NULL;
	size_t at = s->d->wire.header.n;

	if (l->poly || s->text_at - at != NONCE_OCTETS ||
		!bm_search_open(s, &name, BM_QUICK, 0x1p64, 2))
		return;
	memcpy(block, s->parts.nonce, sizeof(s->parts.nonce));
	enum bm_status st = bm_aead_blocks(s->parts.aead, block, 1, mask);
	if (st == BM_OK)
		st = bm_cbc_new(&cipher, k->suite->cipher, bm_view(k->key, k->suite->key_len));
	struct bm_gf128 sent = bm_gf128_add(bm_as_gf(l->target[0]), bm_gf128_load(mask));
	bm_gf128_store(block, sent);
	if (st == BM_OK)
		st = bm_cbc_decrypt(cipher, zero, bm_view(block, sizeof(block)), block);
	if (st != BM_OK) {
		bm_search_fail(s, st);
	} else if (memcmp(block, k->iv, FIXED) == 0 && bm_load32(block + COUNTER) == 1) {
		memcpy(bm_search_take(s) + at, block + FIXED, NONCE_OCTETS);
		(void)bm_search_try(s);
	}
	bm_cbc_free(cipher);
	bm_search_close(s);
}

static const struct bm_family_name
	one_bit = BM_FAMILY_NAME("one bit anywhere"),
	few_bits = BM_FAMILY_NAME("up to 4 bits in one block of 16 octets"),
	many_bits = BM_FAMILY_NAME("up to 16 bits in one block of 16 octets"),
	short_run = BM_FAMILY_NAME("up to 4 octets in a row, in one block"),
	short_across = BM_FAMILY_NAME("up to 4 octets in a row, over a block boundary"),
	run = BM_FAMILY_NAME("up to 8 octets in a row, in one block"),
	across = BM_FAMILY_NAME("up to 8 octets in a row, over a block boundary"),
	run_of_9 = BM_FAMILY_NAME("up to 9 octets in a row, in one block"),
	across_9 = BM_FAMILY_NAME("up to 9 octets in a row, over a block boundary"),
	run_of_10 = BM_FAMILY_NAME("up to 10 octets in a row, in one block"),
	across_10 = BM_FAMILY_NAME("up to 10 octets in a row, over a block boundary"),
	tag_bits = BM_FAMILY_NAME("up to 4 bits of the tag"),
	tag_run = BM_FAMILY_NAME("up to 8 octets of the tag in a row"),
	tag_octets = BM_FAMILY_NAME("up to 4 octets of the tag");

static void
search_all(struct bm_linear *l)
{
	double k = (double)l->blocks;
	size_t block = BM_TERM_BLOCK;

	bm_linear_blocks(l, &one_bit, 1, block, 8 * (double)l->n);
	bm_linear_adjacent(l);
	tag_family(l, &tag_bits, 4, block, block, bm_masks_of_weight(block, 4));
	header_family(l);
	header_octets(l);
	bm_linear_reversals(l);
	bm_linear_blocks(l, &few_bits, 4, block, k * bm_masks_of_weight(block, 4));
	bm_linear_runs(l, &short_run, &short_across, 4);
	bm_linear_two_bits(l);
	bm_linear_swaps(l, false);
	bm_linear_bit_lanes(l);
	bm_search_edge_swaps(l->s);
	nonce_family(l);
	tag_family(l, &tag_run, 128, 8, 8, bm_masks_in_run(block, 8));
	tag_family(l, &tag_octets, 128, block, 4, bm_masks_of_octets(block, 4));
	bm_linear_tag_edge(l);
	bm_linear_runs(l, &run, &across, 8);
	bm_linear_blocks(l, &many_bits, 16, block, k * bm_masks_of_weight(block, 16));
	bm_linear_octet_lanes(l);
	bm_linear_shifts(l);
	bm_linear_two_octets(l);
	bm_linear_swaps(l, true);
	bm_linear_word_lanes(l);
	bm_linear_suspects(l);
	bm_linear_three_bits(l);
	/* As long as leaves a proof: 10 octets in short records. */
	if (l->s->accepted + (double)(l->n + block) * 0x1p80 <= l->s->most)
		bm_linear_runs(l, &run_of_10, &across_10, 10);
	else
		bm_linear_runs(l, &run_of_9, &across_9, 9);
}

static enum bm_status
solve(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out, bool poly)
{
	struct bm_search s;

	if (bm_search_begin(
			&s, d, scratch, out, poly ? "poly1305-difference" : "ghash-syndrome", work)) {
		struct bm_linear l;
		enum bm_status st = bm_linear_open(&l, &s, poly);
		if (st != BM_OK)
			bm_search_fail(&s, st);
		else
			search_all(&l);
		bm_linear_close(&l);
	}
	return bm_search_end(&s);
}

enum bm_status
bm_repair_gcm(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	return solve(d, scratch, out, false);
}

enum bm_status
bm_repair_poly1305(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	return solve(d, scratch, out, true);
}
