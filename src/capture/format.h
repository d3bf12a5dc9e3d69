/* What the file formats share: the handle, and reads in either byte order.
 * Seen by src/capture/ only. */
#ifndef BM_CAPTURE_FORMAT_H
#define BM_CAPTURE_FORMAT_H

#include "capture/input.h"
#include "capture/unpack.h"

/* No link carries more; whoever says so has a damaged header. */
#define BM_FRAME_MAX ((uint32_t)16 << 20)

struct bm_interface {
	uint32_t snap_len; /* 0: no limit */
	uint16_t link_type;
	uint8_t ts_resolution; /* as if_tsresol has it */
	int64_t ts_offset_s;
	/* Nanoseconds a unit, when that is a whole number and there is no offset; else 0. */
	uint64_t ns_per_unit;
};

struct bm_capture {
	struct bm_input raw;   /* as the caller gave it */
	struct bm_input plain; /* what comes out of unpack */
	struct bm_unpack *unpack;
	struct bm_input *in; /* of the two, the one that holds the capture */
	bm_read_fn read;
	void *read_ctx;
	enum bm_packing packing;
	enum bm_status (*next)(struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e);
	bool may_pause;
	struct bm_error last; /* yielded for good once its status is not BM_OK */
	uint64_t frames;
	bool big; /* the byte order of the file or section */

	/* pcap */
	uint32_t record_header, snap_len;
	uint16_t version_minor;
	uint16_t link_type;
	uint32_t ns_per_fraction;

	bm_interface_fn tell_interface; /* NULL: nobody asks */
	void *tell_ctx;

	/* pcapng, per section */
	struct bm_interface *interfaces;
	size_t interface_count, interface_cap;
	bool repaired; /* a section so far says so */
};

/* True when the input starts like this format; m holds what is there, up to 12 bytes. */
bool bm_is_pcap(struct bm_view m);
bool bm_is_pcapng(struct bm_view m);

/* Reads the file header, so that bm_pcap_next can go on behind it. */
BM_MUST_USE enum bm_status bm_pcap_start(struct bm_capture *c, struct bm_error *e);
enum bm_status bm_pcap_next(struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e);
enum bm_status bm_pcapng_next(
	struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e);

/* Sets resolution and offset of an interface. */
void bm_interface_clock(struct bm_interface *f, uint8_t ts_resolution, int64_t ts_offset_s);

/* Is it text that begins so? */
bool bm_begins(struct bm_view text, const char *with);

/* Nanoseconds since the epoch; what does not fit becomes 0 or UINT64_MAX. */
uint64_t bm_interface_time(const struct bm_interface *f, uint64_t units);

static inline uint32_t
bm_swap32(uint32_t v)
{
	return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

/* From memory known to be long enough. */
static inline uint32_t
bm_load_order32(const uint8_t *p, bool big)
{
	uint32_t v = bm_load32(p);
	return big ? v : bm_swap32(v);
}

static inline uint16_t
bm_order16(struct bm_reader *r, bool big)
{
	unsigned v = bm_u16(r);
	return (uint16_t)(big ? v : v >> 8 | (v & 0xff) << 8);
}

static inline uint32_t
bm_order32(struct bm_reader *r, bool big)
{
	uint32_t v = bm_u32(r);
	return big ? v : bm_swap32(v);
}

static inline uint64_t
bm_order64(struct bm_reader *r, bool big)
{
	uint64_t a = bm_order32(r, big);
	uint64_t b = bm_order32(r, big);
	return big ? a << 32 | b : b << 32 | a;
}

#endif
