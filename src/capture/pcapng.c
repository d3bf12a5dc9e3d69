/* pcapng files: sections of blocks (draft-ietf-opsawg-pcapng).
 * Refuses to know where the bytes come from. */
#include "base/buf.h"
#include "capture/format.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_JOURNAL = 9,
	BLOCK_SECRETS = 10,
	BLOCK_SYSDIG_EVENT = 0x204,
	BLOCK_SYSDIG_EVENT_V2 = 0x216,
	BLOCK_SYSDIG_EVENT_V2_LARGE = 0x221,
	BLOCK_CUSTOM = 0xbad,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
	BLOCK_CUSTOM_NO_COPY = 0x40000bad
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define SECRETS_TLS_KEY_LOG 0x544c534bU

enum {
	BLOCK_HEADER = 8,  /* type, total length */
	BLOCK_TRAILER = 4, /* the total length again */
	BLOCK_MIN = BLOCK_HEADER + BLOCK_TRAILER,
	PACKET_HEADER = 20, /* of an enhanced packet block, within its body */
	PACKET_MIN = BLOCK_MIN + PACKET_HEADER,
	INTERFACES_MAX = 65536
};

/* Options (sections 4.1 to 4.3). */
enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_PACKET_FLAGS = 2,
	OPTION_IF_NAME = 2,
	OPTION_IF_DESCRIPTION = 3,
	OPTION_IF_TSRESOL = 9,
	OPTION_IF_OS = 12,
	OPTION_IF_TSOFFSET = 14,
	OPTION_IF_HARDWARE = 15
};

struct block {
	uint32_t type;
	uint32_t total_len; /* with padding */
	uint64_t offset;
	struct bm_reader body;
};

bool
bm_is_pcapng(struct bm_view m)
{
	struct bm_reader r = bm_reader(m);

	if (bm_u32(&r) != BLOCK_SECTION || r.bad)
		return false;
	bm_skip(&r, 4);
	struct bm_reader little = r;
	return bm_left(&r) < 4 || bm_order32(&r, true) == BYTE_ORDER_MAGIC ||
		   bm_order32(&little, false) == BYTE_ORDER_MAGIC;
}

static size_t
padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The next option, or false. What is cut off ends the list: the block stands without it. */
static bool
next_option(struct bm_reader *r, bool big, unsigned *code, struct bm_reader *value)
{
	if (bm_left(r) < 4)
		return false;
	*code = bm_order16(r, big);
	size_t n = bm_order16(r, big);
	*value = bm_reader(bm_take(r, n));
	if (r->bad || *code == OPTION_END)
		return false;
	bm_skip(r, padded(n) - n);
	return true;
}

/* Starts a section: what the last one said of byte order and interfaces is over. */
static enum bm_status
section(struct bm_capture *c, struct block *b, struct bm_error *e)
{
	bm_skip(&b->body, 4);
	uint16_t major = bm_order16(&b->body, c->big);
	uint16_t minor = bm_order16(&b->body, c->big);
	/* The section length is not needed: the blocks say where they end. */
	(void)bm_order64(&b->body, c->big);
	if (b->body.bad)
		return bm_fail(e, BM_FORMAT, b->offset, "section header too short");
	if (major != 1 || (minor != 0 && minor != 2))
		return bm_fail(e, BM_FORMAT, b->offset, "pcapng section of an unknown version");
	c->interface_count = 0;
	unsigned code;
	struct bm_reader value;
	while (next_option(&b->body, c->big, &code, &value))
		if (code == OPTION_COMMENT && bm_begins(bm_take_rest(&value), BM_REPAIRED_SECTION))
			c->repaired = true;
	return BM_OK;
}

static void
tell_interface(struct bm_capture *c, const struct bm_interface *f, struct bm_interface_info *info)
{
	if (c->tell_interface == NULL)
		return;
	info->index = (uint32_t)c->interface_count;
	info->link_type = f->link_type;
	info->snap_len = f->snap_len;
	c->tell_interface(c->tell_ctx, info);
}

/* Texts of an interface, which nothing depends on. */
static void
note_text(struct bm_interface_info *info, unsigned code, struct bm_reader value)
{
	struct bm_view text = bm_take_rest(&value);

	if (code == OPTION_IF_NAME)
		info->name = text;
	else if (code == OPTION_IF_DESCRIPTION)
		info->description = text;
	else if (code == OPTION_IF_OS)
		info->os = text;
	else if (code == OPTION_IF_HARDWARE)
		info->hardware = text;
}

static enum bm_status
interface(struct bm_capture *c, struct block *b, struct bm_error *e)
{
	struct bm_interface_info info = {.ts_resolution = 6};
	unsigned code;
	struct bm_reader value;

	struct bm_interface f = {.link_type = bm_order16(&b->body, c->big)};
	bm_skip(&b->body, 2);
	f.snap_len = bm_order32(&b->body, c->big);
	if (b->body.bad)
		return bm_fail(e, BM_FORMAT, b->offset, "interface description too short");
	while (next_option(&b->body, c->big, &code, &value)) {
		if (code == OPTION_IF_TSRESOL && value.n == 1)
			info.ts_resolution = bm_u8(&value);
		else if (code == OPTION_IF_TSOFFSET && value.n == 8)
			info.ts_offset_s = (int64_t)bm_order64(&value, c->big);
		else
			note_text(&info, code, value);
	}
	bm_interface_clock(&f, info.ts_resolution, info.ts_offset_s);

	void *items = c->interfaces;
	enum bm_status s = bm_grow(
		&items, &c->interface_cap, c->interface_count + 1, INTERFACES_MAX, sizeof *c->interfaces);
	c->interfaces = items;
	if (s != BM_OK)
		return bm_fail(e, s, b->offset, "no room for another interface of the section");
	tell_interface(c, &f, &info);
	c->interfaces[c->interface_count++] = f;
	return BM_OK;
}

static void
yield(struct bm_capture *c, struct bm_capture_item *item, const struct block *b,
	const struct bm_interface *f, struct bm_view data)
{
	uint64_t offset = b->offset + BLOCK_HEADER + b->body.off - data.n;

	item->event = BM_CAPTURE_FRAME;
	item->frame = (struct bm_frame){
		.data = data,
		.link_type = f->link_type,
		.number = ++c->frames,
		.offset = offset,
		.home = c->in->whole ? c->in->home.p + offset : NULL,
		.direction = BM_FRAME_UNKNOWN,
	};
}

/* Of the flags bits 0 and 1 (section 4.3.1), the first of them; of the comments that one word of
 * badmac's. */
static void
packet_options(struct bm_reader *r, bool big, struct bm_frame *f)
{
	static const enum bm_frame_direction of[4] = {
		BM_FRAME_UNKNOWN, BM_FRAME_INBOUND, BM_FRAME_OUTBOUND, BM_FRAME_UNKNOWN};
	bool has_flags = false;
	unsigned code;
	struct bm_reader value;

	while (next_option(r, big, &code, &value)) {
		if (code == OPTION_PACKET_FLAGS && value.n == 4 && !has_flags) {
			has_flags = true;
			f->direction = of[bm_order32(&value, big) & 3];
		} else if (code == OPTION_COMMENT && bm_begins(bm_take_rest(&value), BM_STALE_ALERT)) {
			f->stale_alert = true;
		}
	}
}

/*
 *  0           4           8          12         16         20
 *  +-----------+-----------+----------+----------+----------+---------+---------+---------
 *  | interface | time high | time low | captured | original | octets  | padding | options
 *  +-----------+-----------+----------+----------+----------+---------+---------+---------
 *
 * The obsolete block (appendix A) has 16 bits of interface, then 16 bits that count drops.
 */
static enum bm_status
packet(struct bm_capture *c, struct block *b, struct bm_capture_item *item, struct bm_error *e)
{
	struct bm_reader *r = &b->body;
	uint32_t id;

	if (b->type == BLOCK_PACKET) {
		id = bm_order16(r, c->big);
		bm_skip(r, 2);
	} else {
		id = bm_order32(r, c->big);
	}
	uint64_t units = (uint64_t)bm_order32(r, c->big) << 32;
	units |= bm_order32(r, c->big);
	uint32_t captured = bm_order32(r, c->big);
	uint32_t original = bm_order32(r, c->big);
	if (r->bad)
		return bm_fail(e, BM_FORMAT, b->offset, "packet block too short");
	if (id >= c->interface_count)
		return bm_fail(e, BM_FORMAT, b->offset, "packet of an interface that is not described");
	if (captured > BM_FRAME_MAX)
		return bm_fail(e, BM_FORMAT, b->offset, "captured length over 16 MiB");
	struct bm_view data = bm_take(r, captured);
	if (r->bad)
		return bm_fail(e, BM_FORMAT, b->offset, "captured length beyond the end of the block");

	const struct bm_interface *f = &c->interfaces[id];
	yield(c, item, b, f, data);
	item->frame.wire_len = original > captured ? original : captured;
	item->frame.ts_ns = bm_interface_time(f, units);
	item->frame.units = units;
	item->frame.interface = id;
	if (bm_left(r) > 4) {
		bm_skip(r, padded(captured) - captured);
		packet_options(r, c->big, &item->frame);
	}
	return BM_OK;
}

/* What nearly every block is: an enhanced packet block that is whole and at hand. False, with
 * nothing changed, when another one comes, or this one has a fault: the long way says which. */
static bool
packet_at_hand(struct bm_capture *c, struct bm_capture_item *item)
{
	struct bm_input *in = c->in;
	const uint8_t *p = bm_input_rest(in).p;
	size_t n = bm_input_rest(in).n;
	bool big = c->big;

	if (n < PACKET_MIN || bm_load_order32(p, big) != BLOCK_ENHANCED_PACKET)
		return false;
	uint32_t len = bm_load_order32(p + 4, big);
	if (len < PACKET_MIN || len > n || len > BM_INPUT_MAX || len % 4 != 0 ||
		bm_load_order32(p + len - BLOCK_TRAILER, big) != len)
		return false;
	p += BLOCK_HEADER;
	uint32_t id = bm_load_order32(p, big), captured = bm_load_order32(p + 12, big);
	uint32_t original = bm_load_order32(p + 16, big);
	if (id >= c->interface_count || captured > BM_FRAME_MAX || captured > len - PACKET_MIN)
		return false;

	const struct bm_interface *i = &c->interfaces[id];
	uint64_t units = (uint64_t)bm_load_order32(p + 4, big) << 32 | bm_load_order32(p + 8, big);
	struct bm_frame *f = &item->frame;
	p += PACKET_HEADER;
	item->event = BM_CAPTURE_FRAME;
	f->data = bm_view(captured != 0 ? p : NULL, captured);
	f->wire_len = original > captured ? original : captured;
	f->ts_ns = bm_interface_time(i, units);
	f->units = units;
	f->interface = id;
	f->link_type = i->link_type;
	f->number = ++c->frames;
	f->offset = bm_input_offset(in) + BLOCK_HEADER + PACKET_HEADER;
	f->home = in->whole ? in->home.p + f->offset : NULL;
	f->direction = BM_FRAME_UNKNOWN;
	f->stale_alert = false;
	size_t behind = len - PACKET_MIN - captured;
	if (behind > 4) {
		struct bm_reader options = bm_reader(bm_view(p + captured, behind));
		bm_skip(&options, padded(captured) - captured);
		packet_options(&options, big, f);
	}
	bm_input_advance(in, len);
	bm_input_prefetch(in);
	return true;
}

/* Only the original length is told: what was captured follows from the snaplen of the
 * first interface (section 4.4) and from the room in the block. */
static enum bm_status
simple_packet(
	struct bm_capture *c, struct block *b, struct bm_capture_item *item, struct bm_error *e)
{
	uint32_t original = bm_order32(&b->body, c->big);
	if (b->body.bad)
		return bm_fail(e, BM_FORMAT, b->offset, "packet block too short");
	if (c->interface_count == 0)
		return bm_fail(e, BM_FORMAT, b->offset, "packet of an interface that is not described");
	const struct bm_interface *f = &c->interfaces[0];
	size_t captured = original;
	if (f->snap_len != 0 && captured > f->snap_len)
		captured = f->snap_len;
	if (captured > bm_left(&b->body))
		captured = bm_left(&b->body);
	if (captured > BM_FRAME_MAX)
		return bm_fail(e, BM_FORMAT, b->offset, "captured length over 16 MiB");
	struct bm_view data = bm_take(&b->body, captured);
	yield(c, item, b, f, data);
	item->frame.wire_len = original;
	return BM_OK;
}

/* BM_END: secrets of another kind, which nobody here can use. */
static enum bm_status
secrets(struct bm_capture *c, struct block *b, struct bm_capture_item *item, struct bm_error *e)
{
	uint32_t type = bm_order32(&b->body, c->big);
	struct bm_view data = bm_take(&b->body, bm_order32(&b->body, c->big));
	if (b->body.bad)
		return bm_fail(e, BM_FORMAT, b->offset, "secrets beyond the end of the block");
	if (type != SECRETS_TLS_KEY_LOG)
		return BM_END;
	item->event = BM_CAPTURE_SECRETS;
	item->secrets = (struct bm_secrets){
		.key_log = data,
		.offset = b->offset + BLOCK_HEADER + b->body.off - data.n,
	};
	return BM_OK;
}

/* Reads type and length; the cursor stays at the start of the block. */
static enum bm_status
block_header(struct bm_capture *c, struct block *b, struct bm_error *e)
{
	enum bm_status s = bm_input_need(c->in, BLOCK_MIN, e);
	if (s != BM_OK)
		return s;
	struct bm_reader r = bm_reader(bm_view(bm_input_rest(c->in).p, BLOCK_MIN));
	b->offset = bm_input_offset(c->in);
	b->type = bm_order32(&r, c->big);
	if (b->type == BLOCK_SECTION) {
		struct bm_reader magic = r;
		bm_skip(&magic, 4);
		struct bm_reader little = magic;
		c->big = bm_order32(&magic, true) == BYTE_ORDER_MAGIC;
		if (!c->big && bm_order32(&little, false) != BYTE_ORDER_MAGIC)
			return bm_fail(e, BM_FORMAT, b->offset, "section header without byte-order magic");
	}
	uint32_t len = bm_order32(&r, c->big);
	if (len < BLOCK_MIN)
		return bm_fail(e, BM_FORMAT, b->offset, "block shorter than its own frame");
	if (len > BM_INPUT_MAX)
		return bm_fail(e, BM_FORMAT, b->offset, "block longer than 64 MiB");
	/* The length has to be a multiple of four (section 3.1). Where a writer forgot
	 * that, the padding is there nevertheless. */
	b->total_len = (uint32_t)padded(len);
	return BM_OK;
}

/* The length at the end of the block. Compared padded, as block_header keeps it. */
static enum bm_status
check_trailer(
	struct bm_capture *c, const struct block *b, struct bm_view trailer, struct bm_error *e)
{
	struct bm_reader r = bm_reader(trailer);
	uint32_t again = bm_order32(&r, c->big);
	if (again > BM_INPUT_MAX || padded(again) != b->total_len)
		return bm_fail(e, BM_FORMAT, b->offset, "the two lengths of the block differ");
	return BM_OK;
}

static enum bm_status
skip_block(struct bm_capture *c, const struct block *b, struct bm_error *e)
{
	enum bm_status s = bm_input_skip(c->in, b->total_len - BLOCK_TRAILER, e);
	if (s != BM_OK)
		return s;
	s = bm_input_need(c->in, BLOCK_TRAILER, e);
	if (s == BM_END)
		return bm_fail(e, BM_TRUNCATED, bm_input_offset(c->in), "the capture ends inside a block");
	if (s != BM_OK)
		return s;
	s = check_trailer(c, b, bm_input_rest(c->in), e);
	if (s == BM_OK)
		bm_input_advance(c->in, BLOCK_TRAILER);
	return s;
}

/* Brings the whole block to hand, checks its trailer and moves past it. */
static enum bm_status
take_block(struct bm_capture *c, struct block *b, struct bm_error *e)
{
	enum bm_status s = bm_input_need(c->in, b->total_len, e);
	if (s != BM_OK)
		return s;
	const uint8_t *p = bm_input_rest(c->in).p;
	size_t body_len = b->total_len - BLOCK_MIN;
	s = check_trailer(c, b, bm_view(p + BLOCK_HEADER + body_len, BLOCK_TRAILER), e);
	if (s != BM_OK)
		return s;
	b->body = bm_reader(bm_view(p + BLOCK_HEADER, body_len));
	bm_input_advance(c->in, b->total_len);
	bm_input_prefetch(c->in);
	return BM_OK;
}

/* Wireshark shows these as frames, so they count as such; there is nothing in them for us. */
static bool
numbered(uint32_t type)
{
	return type == BLOCK_JOURNAL || type == BLOCK_CUSTOM || type == BLOCK_CUSTOM_NO_COPY ||
		   type == BLOCK_SYSDIG_EVENT || type == BLOCK_SYSDIG_EVENT_V2 ||
		   type == BLOCK_SYSDIG_EVENT_V2_LARGE;
}

enum bm_status
bm_pcapng_next(struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e)
{
	struct block b;

	if (packet_at_hand(c, item))
		return BM_OK;
	for (;;) {
		enum bm_status s = block_header(c, &b, e);
		if (s != BM_OK)
			return s;
		switch (b.type) {
		case BLOCK_SECTION:
		case BLOCK_INTERFACE:
		case BLOCK_PACKET:
		case BLOCK_SIMPLE_PACKET:
		case BLOCK_ENHANCED_PACKET:
		case BLOCK_SECRETS:
			break;
		default:
			s = skip_block(c, &b, e);
			if (s != BM_OK)
				return s;
			c->frames += numbered(b.type);
			continue;
		}
		s = take_block(c, &b, e);
		if (s != BM_OK)
			return s;
		switch (b.type) {
		case BLOCK_SECTION:
			s = section(c, &b, e);
			break;
		case BLOCK_INTERFACE:
			s = interface(c, &b, e);
			break;
		case BLOCK_SECRETS:
			s = secrets(c, &b, item, e);
			if (s == BM_END)
				continue;
			return s;
		case BLOCK_SIMPLE_PACKET:
			return simple_packet(c, &b, item, e);
		default:
			return packet(c, &b, item, e);
		}
		if (s != BM_OK)
			return s;
	}
}
