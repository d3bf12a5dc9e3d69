/* pcap files: the header, then one record after the other (draft-ietf-opsawg-pcap).
 * Refuses to know where the bytes come from. */
#include "capture/format.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, RECORD_HEADER_MODIFIED = 24 };

/*
 *  0        4      6      8        16        20         24
 *  +--------+------+------+--------+---------+----------+
 *  | magic  | major| minor|reserved| snaplen | linktype |
 *  +--------+------+------+--------+---------+----------+
 */
#define MAGIC_MICRO 0xa1b2c3d4U
#define MAGIC_NANO 0xa1b23c4dU
/* Alexey Kuznetzov's variant: eight more octets in each record header. */
#define MAGIC_MODIFIED 0xa1b2cd34U

static bool
known_magic(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool
bm_is_pcap(struct bm_view m)
{
	struct bm_reader big = bm_reader(m);
	struct bm_reader little = big;
	return known_magic(bm_order32(&big, true)) || known_magic(bm_order32(&little, false));
}

enum bm_status
bm_pcap_start(struct bm_capture *c, struct bm_error *e)
{
	enum bm_status s = bm_input_need(c->in, FILE_HEADER, e);
	if (s != BM_OK)
		return s;
	struct bm_reader r = bm_reader(bm_view(bm_input_rest(c->in).p, FILE_HEADER));
	struct bm_reader probe = r;
	c->big = known_magic(bm_order32(&probe, true));
	uint32_t magic = bm_order32(&r, c->big);
	uint16_t major = bm_order16(&r, c->big);
	c->version_minor = bm_order16(&r, c->big);
	if (major != 2)
		return bm_fail(e, BM_FORMAT, bm_input_offset(c->in), "pcap of an unknown version");
	/* Time zone and accuracy say nothing that the records do not say better. */
	bm_skip(&r, 8);
	c->snap_len = bm_order32(&r, c->big);
	/* The upper half tells the length of the frame check sequence. */
	c->link_type = (uint16_t)(bm_order32(&r, c->big) & 0xffff);
	c->record_header = magic == MAGIC_MODIFIED ? RECORD_HEADER_MODIFIED : RECORD_HEADER;
	c->ns_per_fraction = magic == MAGIC_NANO ? 1 : 1000;
	bm_input_advance(c->in, FILE_HEADER);
	return BM_OK;
}

/*
 *  0         4          8          12         16
 *  +---------+----------+----------+----------+----------
 *  | seconds | fraction | captured | original | octets...
 *  +---------+----------+----------+----------+----------
 */
enum bm_status
bm_pcap_next(struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e)
{
	struct bm_input *in = c->in;

	enum bm_status s = bm_input_need(in, c->record_header, e);
	if (s != BM_OK)
		return s;
	struct bm_reader r = bm_reader(bm_view(bm_input_rest(in).p, RECORD_HEADER));
	uint64_t seconds = bm_order32(&r, c->big);
	uint64_t fraction = bm_order32(&r, c->big);
	uint32_t captured = bm_order32(&r, c->big);
	uint32_t original = bm_order32(&r, c->big);
	/* Before version 2.3 the lengths stood the other way round, in 2.3 either way. */
	if (c->version_minor < 3 || (c->version_minor == 3 && captured > original)) {
		uint32_t swap = captured;
		captured = original;
		original = swap;
	}
	if (captured > BM_FRAME_MAX)
		return bm_fail(e, BM_FORMAT, bm_input_offset(in), "captured length over 16 MiB");
	s = bm_input_need(in, c->record_header + captured, e);
	if (s != BM_OK)
		return s;

	bm_input_advance(in, c->record_header);
	item->event = BM_CAPTURE_FRAME;
	item->frame = (struct bm_frame){
		.data = bm_view(bm_input_rest(in).p, captured),
		.wire_len = original > captured ? original : captured,
		.ts_ns = seconds * 1000000000 + fraction * c->ns_per_fraction,
		.link_type = c->link_type,
		.number = ++c->frames,
		.offset = bm_input_offset(in),
		.units = seconds * (1000000000 / c->ns_per_fraction) + fraction,
		.home = bm_input_home(in),
		.direction = BM_FRAME_UNKNOWN,
	};
	bm_input_advance(in, captured);
	bm_input_prefetch(in);
	return BM_OK;
}
