/* The short way through the commonest frames says in every field what the walk from header to
 * header says: for every frame of every capture of the tests, and for what damage and snap lengths
 * make of some. */
#include "make.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../stride.h"
#include "base/buf.h"
#include "packet/internal.h"

enum {
	FRAGMENT_MEMORY = 1 << 20,
	DAMAGED = 3,   /* frames of each capture that are damaged */
	HEADERS = 100, /* octets that are damaged one by one */
	RANDOM = 400   /* times that several octets are */
};

static struct bm_decoder *express, *walk;
static size_t taken;
static uint64_t seed = 7;

static uint32_t
random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static int
setup(void **state)
{
	(void)state;
	taken = 0;
	assert_int_equal(bm_decoder_new(&express, FRAGMENT_MEMORY), BM_OK);
	assert_int_equal(bm_decoder_new(&walk, FRAGMENT_MEMORY), BM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_counted(express);
	bm_decoder_free(express);
	bm_decoder_free(walk);
	return 0;
}

static void
assert_same_view(struct bm_view a, struct bm_view b, bool of_frame)
{
	assert_int_equal(a.n, b.n);
	if (of_frame)
		assert_ptr_equal(a.p, b.p);
	else
		assert_true(bm_view_equal(a, b));
}

/* Whatever does not lie in the frame was put together by each decoder for itself. */
static void
assert_same_segment(const struct bm_segment *a, const struct bm_segment *b, bool of_frame)
{
	assert_int_equal(a->transport, b->transport);
	assert_memory_equal(a->src.ip, b->src.ip, sizeof a->src.ip);
	assert_memory_equal(a->dst.ip, b->dst.ip, sizeof a->dst.ip);
	assert_int_equal(a->src.family, b->src.family);
	assert_int_equal(a->dst.family, b->dst.family);
	assert_int_equal(a->src.port, b->src.port);
	assert_int_equal(a->dst.port, b->dst.port);
	assert_int_equal(a->tunnel, b->tunnel);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->packet, b->packet);
	assert_int_equal(a->ts_ns, b->ts_ns);
	assert_int_equal(a->direction, b->direction);
	assert_int_equal(a->checksum, b->checksum);
	assert_int_equal(a->sum, b->sum);
	assert_int_equal(a->checksum_field, b->checksum_field);
	assert_ptr_equal(a->home, b->home);
	if (a->transport == BM_TCP) {
		assert_int_equal(a->seq, b->seq);
		assert_int_equal(a->ack, b->ack);
		assert_int_equal(a->flags, b->flags);
		assert_int_equal(a->window, b->window);
	}
	assert_same_view(a->payload, b->payload, of_frame);
	assert_int_equal(a->payload_len, b->payload_len);
	assert_int_equal(a->piece_count, b->piece_count);
	for (size_t i = 0; i < a->piece_count && i < BM_PIECES_MAX; i++) {
		assert_int_equal(a->pieces[i].payload_off, b->pieces[i].payload_off);
		assert_int_equal(a->pieces[i].len, b->pieces[i].len);
		assert_int_equal(a->pieces[i].packet, b->pieces[i].packet);
		assert_int_equal(a->pieces[i].packet_off, b->pieces[i].packet_off);
	}
	assert_same_view(a->transport_header, b->transport_header, of_frame);
	assert_int_equal(a->pseudo_sum, b->pseudo_sum);
}

static bool
within(struct bm_view v, struct bm_view frame)
{
	return v.n == 0 || (v.p >= frame.p && v.p + v.n <= frame.p + frame.n);
}

/* Both ways over a copy that is as large as the frame, so that reading past it is seen. */
static void
check(const struct bm_frame *frame)
{
	struct bm_frame f = *frame;
	struct bm_segment a, b;
	uint8_t *copy = malloc(f.data.n != 0 ? f.data.n : 1);

	assert_non_null(copy);
	if (f.data.n != 0)
		memcpy(copy, f.data.p, f.data.n);
	f.data.p = copy;
	memset(&a, 0xaa, sizeof a);
	memset(&b, 0x55, sizeof b);
	taken += bm_express(express, &f, &a);
	memset(&a, 0xaa, sizeof a);
	bool decoded = bm_decode(express, &f, &a);
	assert_int_equal(decoded, bm_decode_walk(walk, &f, &b));
	if (decoded)
		assert_same_segment(&a, &b, within(b.payload, f.data));
	assert_memory_equal(
		bm_decoder_stats(express), bm_decoder_stats(walk), sizeof(struct bm_decoder_stats));
	free(copy);
}

/* As check, for a frame that is damaged or cut in many ways. */
static void
check_damaged(const struct bm_frame *frame)
{
	struct bm_frame f = *frame;
	uint8_t *bytes = malloc(f.data.n != 0 ? f.data.n : 1);

	assert_non_null(bytes);
	if (f.data.n != 0)
		memcpy(bytes, f.data.p, f.data.n);
	f.data.p = bytes;
	size_t headers = f.data.n < HEADERS ? f.data.n : HEADERS;
	for (size_t i = 0; i < headers; i++) {
		f.data.n = i; /* as a snap length cuts it, and as if it had been so short */
		if (due())
			check(&f);
		f.wire_len = (uint32_t)i;
		if (due())
			check(&f);
		f = *frame;
		f.data = bm_view(bytes, frame->data.n);
		for (unsigned bit = 0; bit <= 8; bit++) {
			bytes[i] ^= (uint8_t)(bit < 8 ? 1U << bit : 0xffU);
			if (due())
				check(&f);
			bytes[i] = frame->data.p[i];
		}
	}
	for (unsigned i = 0; i < RANDOM && headers != 0; i++) {
		for (unsigned k = 0; k < 3; k++)
			bytes[random_below((uint32_t)headers)] = (uint8_t)random_below(256);
		f.data.n = random_below(4) != 0 ? frame->data.n : random_below((uint32_t)frame->data.n);
		f.home = random_below(2) != 0 ? f.data.p : NULL;
		f.direction = (enum bm_frame_direction)random_below(3);
		f.wire_len = frame->wire_len + random_below(2) * random_below(4000);
		if (due())
			check(&f);
		memcpy(bytes, frame->data.p, frame->data.n);
	}
	free(bytes);
}

static void
check_capture(struct bm_view bytes)
{
	struct bm_capture *c;
	struct bm_capture_item item;
	struct bm_error e;
	unsigned damaged = 0;

	if (bm_capture_open_memory(&c, bytes, &e) != BM_OK)
		return;
	while (bm_capture_next(c, &item, &e) == BM_OK) {
		if (item.event != BM_CAPTURE_FRAME)
			continue;
		check(&item.frame);
		if (damaged < DAMAGED && random_below(4) == 0) {
			check_damaged(&item.frame);
			damaged++;
		}
	}
	bm_capture_free(c);
}

static void
check_file(const char *path)
{
	struct bm_buf b = {.max = 16 << 20};
	uint8_t part[4096];
	size_t n;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof part, f)) != 0)
		assert_int_equal(bm_buf_add(&b, bm_view(part, n)), BM_OK);
	fclose(f);
	check_capture(bm_buf_view(&b));
	bm_buf_clear(&b);
}

/* Every file below the folder; those that are no captures are passed over. */
static void
check_folder(const char *path)
{
	DIR *folder = opendir(path);

	if (folder == NULL) {
		check_file(path);
		return;
	}
	for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
		char name[1024];
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		check_folder(name);
	}
	closedir(folder);
}

static void
test_captures(void **state)
{
	char path[512];
	const char *root = getenv("BADMAC_TESTS");

	(void)state;
	assert_non_null(root);
	snprintf(path, sizeof path, "%s/data", root);
	check_folder(path);
	/* Else nothing was compared. */
	assert_true(taken > bm_decoder_stats(walk)->frames / 4);
}

/* What was made by hand, whole and damaged. */
static void
test_samples(void **state)
{
	static struct made m;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		make(&m, samples[i].words, MADE_PAYLOAD);
		make_trailer(&m, i % 3);
		make_frame(&m, samples[i].link_type, i + 1);
		check(&m.f);
		check_damaged(&m.f);
		made_free(&m);
	}
}

/* These shapes go the short way, at every length down to a bare header. */
static void
test_taken(void **state)
{
	static const struct sample shapes[] = {{"eth ip4 tcp", 1, 0}, {"eth ip6 tcp", 1, 0},
		{"eth vlan ip4 tcp", 1, 0}, {"eth vlan ip6 tcp", 1, 0}, {"sll ip4 tcp", 113, 0},
		{"sll ip6 tcp", 113, 0}, {"sll2 ip4 tcp", 276, 0}, {"sll2 ip6 tcp", 276, 0},
		{"ip4 tcp", 101, 0}, {"ip6 tcp", 101, 0}};
	static const size_t lengths[] = {0, 1, 2, 3, 1448, 65000, 9000};
	static struct made m;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
			make(&m, shapes[i].words, lengths[k]);
			make_frame(&m, shapes[i].link_type, ++n);
			check(&m.f);
			assert_int_equal(taken, n);
			check_damaged(&m.f);
			taken = n;
			made_free(&m);
		}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_captures), TEST(test_samples), TEST(test_taken)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
