/* Records under every kind of MAC but AEAD, damaged in every way that the search knows, in places
 * drawn anew: what comes back must be what was sent, to the octet. And what must not be found: near
 * misses, garbage, changes past the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

#include "../stride.h"
#include "seal.h"
#include "repair/repair.h"

static struct sealed sealed;
static struct bm_scratch scratch;
static uint8_t got[5 + RECORD_MAX], sent[5 + RECORD_MAX];
static struct bm_repair repair;

static void
search_with(struct bm_damaged *d)
{
	struct bm_protection *p;

	assert_int_equal(bm_protection_new(&p, &sealed.keys), BM_OK);
	struct bm_record_header h = bm_record_header(got);
	d->protection = p;
	d->position = &sealed.position;
	d->wire = (struct bm_wire){
		.type = h.type, .version = h.version, .header = {got, 5}, .body = {got + 5, sealed.body_n}};
	memset(&repair, 0, sizeof repair);
	repair.sent = sent;
	memset(sent, 0xee, sizeof sent);
	assert_int_equal(bm_repair_hmac(d, &scratch, &repair), BM_OK);
	bm_protection_free(p);
	assert_true(repair.family_count <= BM_FAMILIES_MAX);
	double sum = 0;
	for (size_t i = 0; i < repair.family_count; i++)
		sum += (double)repair.family[i].candidates;
	if (repair.family_count != 0)
		assert_true(fabs(log2(sum) - repair.accepted_log2) < 1e-6);
}

static void
search(enum bm_effort effort)
{
	struct bm_damaged d = {.effort = effort};

	search_with(&d);
}

static void
damage(size_t off, uint8_t x)
{
	got[5 + off] ^= x;
}

static void
new_record(const struct kind *k, size_t n, size_t extra)
{
	seal(&sealed, k, n, extra);
	memcpy(got, sealed.bytes, sizeof got);
}

static void
swap(size_t i, size_t j, size_t width)
{
	uint8_t t[8];

	memcpy(t, got + 5 + i, width);
	memcpy(got + 5 + i, got + 5 + j, width);
	memcpy(got + 5 + j, t, width);
}

/* The record as received must fail, or there is nothing to find. */
static bool
fails(void)
{
	struct bm_protection *p;
	struct bm_outcome o;
	struct bm_record_header h = bm_record_header(got);
	struct bm_wire w = {
		.type = h.type, .version = h.version, .header = {got, 5}, .body = {got + 5, sealed.body_n}};

	assert_int_equal(bm_protection_new(&p, &sealed.keys), BM_OK);
	assert_int_equal(bm_verify(p, &sealed.position, &w, false, &scratch, &o), BM_OK);
	bm_protection_free(p);
	return o.result != BM_VERIFIED;
}

/* In SSL 3.0's padding any octets will do, so that a change there may have several answers. */
static bool
vague(const struct kind *k, size_t off)
{
	return k->version == BM_SSL3 && sealed.keys.suite->mode == BM_MODE_CBC &&
		   off + 32 >= sealed.body_n;
}

static void
expect_sent(const struct kind *k, size_t off)
{
	if (!repair.found && vague(k, off))
		return;
	if (!repair.found)
		fail_msg("%s: nothing found, %zu octets, damaged at %zu", k->name, sealed.body_n, off);
	assert_memory_equal(sent, sealed.bytes, 5 + sealed.body_n);
	assert_int_equal(repair.tag_bits, 8 * sealed.tag_n);
	assert_string_equal(repair.method, "hmac-search");
	assert_true(repair.accepted_log2 < 64);
	assert_true(repair.accepted_log2 - (double)repair.tag_bits < -40);
	assert_string_equal(repair.shape, repair.family[repair.family_count - 1].name);
	assert_true(repair.family[repair.family_count - 1].complete);
}

static const size_t sizes[] = {1, 2, 15, 16, 17, 40, 51, 64, 100, 243, 300, 1000, 4096, 16384};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void
test_sealing(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < SIZES; i++) {
			new_record(&kinds[k], sizes[i], i % 4);
			assert_false(fails());
			if (!due())
				continue;
			search(BM_NORMAL);
			assert_false(repair.found);
			assert_int_equal(repair.family_count, 0);
		}
}

/* The MAC octets on the wire or under the keystream; with the MAC inside CBC, text of MAC alone. */
static bool
in_tag(const struct kind *k, size_t off)
{
	bool inside = sealed.keys.suite->mode == BM_MODE_CBC && !k->encrypt_then_mac;

	return !inside && off >= sealed.body_n - sealed.tag_n;
}

static void
test_one_bit(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < SIZES; i++)
			for (int t = 0; t < (sizes[i] <= 1000 ? 6 : 1); t++) {
				new_record(&kinds[k], sizes[i], (size_t)t % 3);
				size_t off = draw() % sealed.body_n;
				damage(off, (uint8_t)(1 << draw() % 8));
				if (!fails() || !due())
					continue;
				search(BM_NORMAL);
				expect_sent(&kinds[k], off);
				if (!repair.found)
					continue;
				if (in_tag(&kinds[k], off))
					assert_int_equal(repair.kind, BM_REPAIR_TAG_DAMAGED);
				else if (sealed.keys.suite->mode == BM_MODE_STREAM || kinds[k].encrypt_then_mac ||
						 off < sealed.content_n)
					assert_int_equal(repair.kind, BM_REPAIR_BITS_FLIPPED);
			}
}

/* Every bit of a few small records, padding and IV among them. */
static void
test_every_bit(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		new_record(&kinds[k], 21, 2);
		for (size_t bit = 0; bit < 8 * sealed.body_n; bit++) {
			memcpy(got, sealed.bytes, sizeof got);
			damage(bit / 8, (uint8_t)(1 << bit % 8));
			if (!fails()) {
				assert_int_equal(kinds[k].version, BM_SSL3);
				continue;
			}
			if (!due())
				continue;
			search(BM_QUICK);
			expect_sent(&kinds[k], bit / 8);
			if (repair.found)
				assert_true(
					repair.kind == BM_REPAIR_BITS_FLIPPED || repair.kind == BM_REPAIR_TAG_DAMAGED);
		}
	}
}

static void
test_tag(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (int t = 0; t < 20; t++) {
			new_record(&kinds[k], 1 + draw() % 500, 0);
			size_t at = sealed.body_n - sealed.tag_n;
			if (!in_tag(&kinds[k], at))
				continue;
			if (t % 2 == 0) {
				size_t run = sealed.tag_n < 16 ? 2 : 4;
				size_t off = at + draw() % (sealed.tag_n - run + 1);
				for (size_t i = 0; i < run; i++)
					damage(off + i, (uint8_t)draw());
			} else {
				for (int i = 0; i < (sealed.tag_n < 16 ? 4 : 8); i++)
					damage(at + draw() % sealed.tag_n, (uint8_t)(1 << draw() % 8));
			}
			if (!fails() || !due())
				continue;
			search(BM_QUICK);
			expect_sent(&kinds[k], at);
			assert_int_equal(repair.kind, BM_REPAIR_TAG_DAMAGED);
			assert_int_equal(repair.family_count, 1);
		}
}

/* Octets of the MAC here and there: four are shown, of five nothing is said. */
static void
test_scattered_tag(void **state)
{
	static const size_t places[5] = {1, 4, 8, 12, 15};

	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t octets = 2; octets <= 5; octets++) {
			new_record(&kinds[k], 1 + draw() % 300, 0);
			size_t at = sealed.body_n - sealed.tag_n;
			if (!in_tag(&kinds[k], at) || sealed.tag_n < 16)
				continue;
			/* More bits than few ones. */
			for (size_t i = 0; i < octets; i++)
				damage(at + places[i], 0xbf);
			search(BM_QUICK);
			assert_int_equal(repair.found, octets <= 4);
			if (!repair.found)
				continue;
			expect_sent(&kinds[k], at);
			assert_int_equal(repair.kind, BM_REPAIR_TAG_DAMAGED);
			assert_true(repair.accepted_log2 - (double)repair.tag_bits < -40);
		}
}

static void
test_neighbours(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 2; i < SIZES; i++)
			for (size_t t = (k + i) % 5; t < 5; t += sizes[i] < 300 ? 1 : 5) {
				new_record(&kinds[k], sizes[i], 0);
				static const size_t widths[] = {1, 2, 4, 8, 4};
				size_t w = widths[t], off = draw() % (sealed.body_n - 2 * w + 1);
				if (t == 4) {
					swap(off, off + 3, 1);
					swap(off + 1, off + 2, 1);
				} else {
					swap(off, off + w, w);
				}
				if (!fails() || !due())
					continue;
				search(BM_QUICK);
				expect_sent(&kinds[k], off);
				if (repair.found && !in_tag(&kinds[k], off + 2 * w - 1) && sealed.content_n > 300 &&
					off < 200 && w > 1)
					assert_int_equal(repair.kind, BM_REPAIR_WORDS_SWAPPED);
			}
}

static void
test_header(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (int t = 0; t < 6; t++) {
			new_record(&kinds[k], 1 + draw() % 3000, 0);
			if (t < 3)
				got[0] = (uint8_t)(BM_APPLICATION_DATA ^ (1 + draw() % 255));
			else if (t < 5)
				got[1 + t % 2] ^= (uint8_t)(1 << draw() % 8);
			else
				got[2] = got[2] == 1 ? 3 : 1;
			if (!fails()) {
				assert_int_equal(kinds[k].version, BM_SSL3);
				assert_true(t >= 3);
				continue;
			}
			if (!due())
				continue;
			search(BM_QUICK);
			expect_sent(&kinds[k], 0);
			assert_int_equal(repair.kind, BM_REPAIR_HEADER_DAMAGED);
		}
}

/* Ends of segments as drawn, the first one behind `first` octets. */
static size_t
draw_edges(uint32_t *edges, size_t first, size_t mss)
{
	size_t n = 0;

	for (size_t at = first; at < sealed.body_n; at += mss)
		edges[n++] = (uint32_t)at;
	return n;
}

static void
test_far_swaps(void **state)
{
	(void)state;
	uint32_t edges[64];

	for (size_t k = 0; k < KINDS; k += 2)
		for (int t = 0; t < 6; t++) {
			new_record(&kinds[k], t < 3 ? 600 : 2500, 0);
			struct bm_damaged d = {.effort = t < 3 ? BM_NORMAL : BM_DEEP, .edges = edges};
			d.edge_count = draw_edges(edges, t == 0 ? 5000 : 301, 1448);
			size_t w = t % 2 == 0 ? 2 : 4;
			size_t from = t == 0 ? draw() % 5 : 301, room = t == 0 ? sealed.body_n - from : 250;
			if (t >= 3)
				room = 1448;
			size_t i = from + draw() % (room / w) * w, j = from + draw() % (room / w) * w;
			if (i == j || i + w > sealed.body_n || j + w > sealed.body_n)
				continue;
			swap(i, j, w);
			if (!fails() || !due())
				continue;
			search_with(&d);
			expect_sent(&kinds[k], i > j ? i : j);
		}
}

static void
test_octet(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k += 2)
		for (size_t i = 0; i < SIZES; i++) {
			if (sizes[i] > 1000)
				continue;
			new_record(&kinds[k], sizes[i], 0);
			size_t off = draw() % sealed.body_n;
			damage(off, (uint8_t)(1 + draw() % 255));
			if (!fails() || !due())
				continue;
			search(BM_NORMAL);
			expect_sent(&kinds[k], off);
		}
	new_record(&kinds[4], 4096, 0);
	damage(100, 0x7e);
	if (!due())
		return;
	search(BM_DEEP);
	expect_sent(&kinds[4], 100);
	assert_int_equal(repair.kind, BM_REPAIR_BYTES_DAMAGED);
	assert_string_equal(repair.shape, "one octet of any value");
}

/* Flips a bit at i and the same bit, of the other value, an even way off within [from, to). */
static bool
neutral(size_t from, size_t to)
{
	size_t i = from + draw() % (to - from), j = i + 2 * (draw() % 700);
	uint8_t mask = (uint8_t)(1 << draw() % 8);

	if (j >= to || i == j || ((got[5 + i] ^ got[5 + j]) & mask) == 0)
		return false;
	damage(i, mask);
	damage(j, mask);
	return true;
}

static void
test_neutral_pairs(void **state)
{
	(void)state;
	uint32_t edges[64];

	for (size_t k = 0; k < KINDS; k++)
		for (int t = 0; t < 2; t++) {
			new_record(&kinds[k], t == 0 ? 150 : 800, 0);
			struct bm_damaged d = {.effort = t == 0 ? BM_NORMAL : BM_DEEP, .edges = edges};
			d.edge_count = draw_edges(edges, 500, 300);
			size_t to = sealed.body_n < 500 ? sealed.body_n : 500;
			while (!neutral(0, to))
				;
			if (!fails() || !due())
				continue;
			search_with(&d);
			expect_sent(&kinds[k], to);
			if (repair.found && !in_tag(&kinds[k], to - 1))
				assert_true(repair.kind == BM_REPAIR_BITS_FLIPPED ||
							repair.kind == BM_REPAIR_WORDS_SWAPPED ||
							repair.kind == BM_REPAIR_TAG_DAMAGED);
		}
}

static void
test_small(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (int t = 0; t < 3; t++) {
			if (t == 2 && k % 4 != 0)
				continue;
			new_record(&kinds[k], 1 + draw() % 4, 0);
			size_t bit = draw() % (8 * sealed.body_n);
			if (t < 2) {
				size_t other = draw() % (8 * sealed.body_n);
				damage(bit / 8, (uint8_t)(1 << bit % 8));
				damage(other / 8, (uint8_t)(1 << other % 8));
				bit = bit > other ? bit : other;
			} else {
				uint32_t x = (uint32_t)(1 + draw() % 65535) << 8 >> bit % 8;
				for (size_t i = 0; i < 3 && bit / 8 + i < sealed.body_n; i++)
					damage(bit / 8 + i, (uint8_t)(x >> (16 - 8 * i)));
			}
			if (!fails() || !due())
				continue;
			search(BM_DEEP);
			expect_sent(&kinds[k], bit / 8);
		}
}

/* Near and far meet without a gap, and far ends where segments do. */
static void
test_distances(void **state)
{
	(void)state;
	static const struct {
		size_t distance;
		const char *words, *bits;
	} all[] = {
		{2, "two neighbouring words of 16 bits swapped",
			"two bits less than 16 octets apart that leave the checksum as it is"},
		{4, "two words of 16 bits swapped, less than 64 octets apart",
			"two bits less than 16 octets apart that leave the checksum as it is"},
		{14, "two words of 16 bits swapped, less than 64 octets apart",
			"two bits less than 16 octets apart that leave the checksum as it is"},
		{16, "two words of 16 bits swapped, less than 64 octets apart",
			"two bits of one segment that leave its checksum as it is"},
		{62, "two words of 16 bits swapped, less than 64 octets apart",
			"two bits of one segment that leave its checksum as it is"},
		{64, "two words of 16 bits of one segment swapped",
			"two bits of one segment that leave its checksum as it is"},
		{1458, "two words of 16 bits of one segment swapped",
			"two bits of one segment that leave its checksum as it is"},
		{1460, NULL, NULL},
	};
	struct bm_damaged d = {.effort = BM_DEEP};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (int words = 0; words < 2; words++) {
			new_record(&kinds[2 + i % 2 * 3], all[i].distance > 1000 ? 1480 : 150, 0);
			uint8_t *a = got + 5 + 17, *b = a + all[i].distance;
			if (words) {
				swap(17, 17 + all[i].distance, 2);
			} else {
				unsigned mask = a[0] ^ b[0];
				mask &= ~mask + 1;
				a[0] ^= (uint8_t)mask;
				b[0] ^= (uint8_t)mask;
			}
			const char *name = words ? all[i].words : all[i].bits;
			if (!due())
				continue;
			search_with(&d);
			if (name == NULL) {
				assert_false(repair.found);
				continue;
			}
			expect_sent(&kinds[2], 17);
			assert_string_equal(repair.shape, name);
		}
}

/* What stands close together is found in a full record within the normal effort. */
static void
test_near_in_full(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k += 5) {
		new_record(&kinds[k], 16384, 0);
		swap(9001, 9041, 2);
		if (!due())
			continue;
		search(BM_NORMAL);
		expect_sent(&kinds[k], 0);
		assert_int_equal(repair.kind, BM_REPAIR_WORDS_SWAPPED);
	}
}

/* One more bit than a family allows, or the right shape in the wrong place, must not be found. */
static void
test_near_misses(void **state)
{
	(void)state;
	uint32_t edge = 700;

	for (size_t k = 0; k < KINDS; k += 2) {
		struct bm_damaged d = {.effort = BM_QUICK, .edges = &edge, .edge_count = 1};
		if (!due())
			continue;
		/* Three bits that no burst holds. */
		new_record(&kinds[k], 1400, 0);
		damage(100, 1);
		damage(300, 2);
		damage(501, 4);
		search_with(&d);
		assert_false(repair.found);
		/* Two octets changed places, at an odd distance. */
		new_record(&kinds[k], 1400, 0);
		size_t i = 100;
		while (__builtin_popcount(got[5 + i] ^ got[8 + i]) < 3 || got[6 + i] == got[7 + i])
			i++;
		swap(i, i + 3, 1);
		search_with(&d);
		assert_false(repair.found);
		/* Words of two segments. */
		new_record(&kinds[k], 1400, 0);
		swap(680, 720, 2);
		if (memcmp(got, sealed.bytes, 5 + sealed.body_n) == 0)
			continue;
		search_with(&d);
		assert_false(repair.found);
		for (size_t f = 0; f < repair.family_count; f++)
			assert_true(repair.family[f].complete);
	}
}

static void
test_garbage(void **state)
{
	(void)state;
	double tried = 0;

	for (int t = 0; t < 400; t++) {
		const struct kind *k = &kinds[draw() % KINDS];
		new_record(k, 1 + draw() % 700, 0);
		fill(got + 5, sealed.body_n);
		struct bm_damaged d = {.effort = BM_QUICK, .work = 100000000};
		if (!due())
			continue;
		search_with(&d);
		assert_false(repair.found);
		assert_true(repair.family_count >= 6);
		tried += (double)repair.candidates;
	}
	print_message("# %.0f candidates for records of garbage, none fits\n", tried);
	assert_true(tried * (double)stride() > 1e6);
}

static void
test_counts(void **state)
{
	(void)state;
	new_record(&kinds[0], 1000, 0);
	fill(got + 5, sealed.body_n);
	struct bm_damaged d = {.effort = BM_QUICK};
	search_with(&d);
	assert_false(repair.found);
	size_t n = sealed.body_n;
	double tag = 160 * ldexp(1, 31), c = 1;
	for (int i = 1; i <= 8; i++) {
		c = c * (161 - i) / i;
		tag += c;
	}
	assert_string_equal(repair.family[0].name, "the MAC itself: few bits, or a short burst");
	assert_true(fabs((double)repair.family[0].candidates - tag) < 16);
	assert_string_equal(repair.family[1].name, "the MAC itself: a burst of up to 48 bits");
	assert_true(fabs((double)repair.family[1].candidates - 160 * ldexp(1, 47)) < 16);
	assert_string_equal(repair.family[2].name, "the MAC itself: up to 4 octets");
	double octets = 20.0 * 255 + 190.0 * 255 * 255 + 1140.0 * 255 * 255 * 255;
	octets += 4845.0 * 255 * 255 * 255 * 255;
	assert_true(fabs((double)repair.family[2].candidates - octets) < 16);
	assert_int_equal(repair.family[3].candidates, 255 + 16 + 4);
	assert_string_equal(repair.family[4].name, "one bit anywhere");
	assert_int_equal(repair.family[4].candidates, 8 * n);
	size_t differ = 0;
	for (size_t i = 0; i + 1 < n; i++)
		differ += got[5 + i] != got[6 + i];
	assert_int_equal(repair.family[5].candidates, differ);
	for (size_t i = 0; i < repair.family_count; i++)
		assert_true(repair.family[i].complete);
}

/* Two bits and bursts in a short record. */
static void
test_small_counts(void **state)
{
	(void)state;
	new_record(&kinds[2], 1, 0);
	fill(got + 5, sealed.body_n);
	search(BM_DEEP);
	assert_false(repair.found);
	uint64_t n = 8 * sealed.body_n, bursts = (n - 15) * 32767;
	for (unsigned left = 1; left < 16; left++)
		bursts += (1u << (left - 1)) - 1;
	assert_string_equal(repair.family[repair.family_count - 2].name, "two bits anywhere");
	assert_int_equal(repair.family[repair.family_count - 2].candidates, n * (n - 1) / 2);
	assert_string_equal(repair.family[repair.family_count - 1].name, "a burst of up to 16 bits");
	assert_int_equal(repair.family[repair.family_count - 1].candidates, bursts);
}

/* The limit ends the search soon after it is reached, and the ledger says so. */
/* What a run over the border of header and body leaves: two octets, only where they are asked for,
 * and no third. */
static void
test_front(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		if (!due())
			continue;
		for (unsigned octets = 1; octets <= 3; octets++) {
			struct bm_damaged d = {.effort = BM_QUICK, .front = true};
			new_record(&kinds[k], 300, 0);
			damage(0, 0xb6);
			damage(1, octets > 1 ? 0x6d : 0);
			damage(2, octets > 2 ? 0xd3 : 0);
			search_with(&d);
			if (octets > 2) {
				assert_false(repair.found);
				continue;
			}
			expect_sent(&kinds[k], 0);
			if (octets < 2)
				continue;
			assert_string_equal(repair.shape, "the first two octets of the body");
			search(BM_QUICK);
			assert_false(repair.found);
		}
	}
}

static void
test_limit(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (uint64_t work = 1; work < 200000000; work *= 7) {
			new_record(&kinds[k], 16384, 0);
			struct bm_damaged d = {.effort = BM_DEEP, .work = work};
			damage(16000, 0xff);
			if (work % 2 == 0 || work > 10000) /* what cannot mend the padding is not free either */
				fill(got + 5 + sealed.body_n - 48, 48);
			if (!due())
				continue;
			search_with(&d);
			assert_true(repair.family_count != 0);
			double cost = 0;
			for (size_t i = 0; i < repair.family_count; i++) {
				const struct bm_family *f = &repair.family[i];
				if (strncmp(f->name, "the MAC", 7) != 0)
					cost += (double)f->candidates;
				if (i + 1 < repair.family_count)
					assert_true(f->complete);
			}
			/* Each costs 128 at least. */
			assert_true(cost * 128 <= (double)work + 128);
			if (!repair.found)
				assert_false(
					repair.family[repair.family_count - 1].complete && cost == 0 && work > 1);
		}
}

/* Ends of segments that no caller should give do no harm. */
static void
test_odd_edges(void **state)
{
	(void)state;
	static const uint32_t edges[] = {0, 0, 7, 7, 3, 100, 90, 4000000000, 5, 120};
	for (size_t k = 0; k < KINDS; k++) {
		new_record(&kinds[k], 200, 0);
		struct bm_damaged d = {
			.effort = BM_QUICK, .edges = edges, .edge_count = 10, .work = 100000000};
		damage(150, 0x10);
		search_with(&d);
		expect_sent(&kinds[k], 150);
		fill(got + 5, sealed.body_n);
		search_with(&d);
		assert_false(repair.found);
	}
}

/* Bodies of every length, of octets drawn: nothing is found and nothing breaks. */
static void
test_every_length(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t n = 0; n < 130; n++) {
			new_record(&kinds[k], 200, 0);
			sealed.body_n = n;
			fill(got + 5, n);
			if (n % 3 == 0)
				memset(got + 5, 0, n);
			struct bm_damaged d = {.effort = BM_QUICK, .work = 20000000};
			if (!due())
				continue;
			search_with(&d);
			assert_false(repair.found);
		}
}

/* With the MAC inside CBC: when the plaintext differs in the MAC alone, that is what was damaged.
 */
static void
test_tag_inside(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		new_record(&kinds[k], 1, 0);
		if (sealed.keys.suite->mode != BM_MODE_CBC || kinds[k].encrypt_then_mac)
			continue;
		size_t block = sealed.keys.suite->cipher == BM_3DES ? 8 : 16;
		/* Content fills its last block, so that the block behind it holds octets of MAC alone. */
		new_record(&kinds[k], 4 * block, 0);
		size_t iv = kinds[k].version >= BM_TLS11 ? block : 0;
		damage(iv + 4 * block, 4);
		assert_true(fails());
		search(BM_QUICK);
		expect_sent(&kinds[k], 0);
		assert_int_equal(repair.kind, BM_REPAIR_TAG_DAMAGED);
		/* In the last block of content it flips a bit of the MAC too. */
		memcpy(got, sealed.bytes, sizeof got);
		damage(iv + 4 * block - 1, 4);
		search(BM_QUICK);
		expect_sent(&kinds[k], 0);
		assert_int_equal(repair.kind, BM_REPAIR_BITS_FLIPPED);
	}
}

/* Padding is no MAC: whole blocks of it garbled leave the cause at the bits. */
static void
test_padding(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		new_record(&kinds[k], 48, 5);
		if (sealed.keys.suite->mode != BM_MODE_CBC || kinds[k].version == BM_SSL3 ||
			kinds[k].encrypt_then_mac)
			continue;
		size_t block = sealed.keys.suite->cipher == BM_3DES ? 8 : 16;
		for (size_t back = 1; back <= 3; back++)
			for (size_t bit = 0; bit < 8 * block; bit += 7) {
				memcpy(got, sealed.bytes, sizeof got);
				damage(sealed.body_n - back * block + bit / 8, (uint8_t)(1 << bit % 8));
				assert_true(fails());
				if (!due())
					continue;
				search(BM_QUICK);
				expect_sent(&kinds[k], 0);
				assert_int_equal(repair.kind, BM_REPAIR_BITS_FLIPPED);
			}
	}
}

/* SSL 3.0 takes any padding: where the last block holds nothing else, several bits of it may give
 * the right length. Then the answer is none, and it is said why. */
static void
test_ambiguous(void **state)
{
	(void)state;
	const struct kind *k = &kinds[KINDS - 1];
	size_t ambiguous = 0, found = 0;

	assert_int_equal(k->version, BM_SSL3);
	for (int t = 0; t < 300; t++) {
		new_record(k, 12, 0);
		damage(sealed.body_n - 1 - draw() % 16, (uint8_t)(1 << draw() % 8));
		if (!fails() || !due())
			continue;
		search(BM_QUICK);
		const struct bm_family *last = &repair.family[repair.family_count - 1];
		if (repair.found) {
			found++;
			assert_memory_equal(sent, sealed.bytes, 5 + sealed.body_n);
			continue;
		}
		ambiguous++;
		assert_string_equal(
			last->name, "one bit anywhere: two such changes fit, which proves neither");
	}
	assert_true(found * stride() > 20);
	assert_true(ambiguous * stride() > 20);
}

/* A hash without lanes is searched by whole checks, with the same answers. */
static void
test_without_lanes(void **state)
{
	(void)state;
	struct bm_suite sm3 = *bm_suite_find(0x002f);
	sm3.mac = BM_SM3;
	for (int t = 0; t < 20; t++) {
		new_record(&kinds[5], 1 + draw() % 90, 0);
		sealed.keys.suite = &sm3;
		fill(sealed.keys.mac_key, 32);
		fill(sealed.bytes + 5, 16 + sealed.content_n);
		protect(&sealed, &kinds[5], sealed.content_n, 0);
		memcpy(got, sealed.bytes, sizeof got);
		assert_false(fails());
		size_t off = draw() % sealed.body_n;
		damage(off, (uint8_t)(1 << draw() % 8));
		search(BM_NORMAL);
		expect_sent(&kinds[5], off);
	}
	fill(got + 5, sealed.body_n);
	search(BM_NORMAL);
	assert_false(repair.found);
}

/* What is no affair of this solver. */
static void
test_refuses(void **state)
{
	(void)state;
	struct bm_protection *p;
	struct bm_traffic_keys keys = {.version = BM_TLS12, .suite = bm_suite_find(0x009c)};
	struct bm_position position = {0};
	static uint8_t record[100];

	assert_int_equal(bm_protection_new(&p, &keys), BM_OK);
	struct bm_damaged d = {.protection = p,
		.position = &position,
		.wire = {.type = 23, .version = BM_TLS12, .header = {record, 5}, .body = {record + 5, 95}}};
	memset(&repair, 0, sizeof repair);
	repair.sent = sent;
	assert_int_equal(bm_repair_hmac(&d, &scratch, &repair), BM_USAGE);
	assert_false(repair.found);
	bm_protection_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealing),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_scattered_tag),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_far_swaps),
		cmocka_unit_test(test_octet),
		cmocka_unit_test(test_neutral_pairs),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_near_in_full),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_small_counts),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_odd_edges),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_tag_inside),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_without_lanes),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
