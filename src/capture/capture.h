/* Capture files: pcap and pcapng, plain, gzip or zstd. Yields frames and
 * Decryption Secrets Blocks; refuses to know what a frame holds.
 * Opens nothing itself: the caller brings the bytes. */
#ifndef BM_CAPTURE_CAPTURE_H
#define BM_CAPTURE_CAPTURE_H

#include "base/bytes.h"
#include "base/status.h"

struct bm_capture;

/* Reads up to n bytes into p. Returns the count, 0 at the end of input, -1 on
 * an I/O error. A short count is not the end. */
typedef long (*bm_read_fn)(void *ctx, uint8_t *p, size_t n);

/* Copies n bytes of the capture, from an offset on, to p. False: it cannot. */
typedef bool (*bm_read_at_fn)(void *ctx, uint64_t off, uint8_t *p, size_t n);

/* Room for a copy of a part of what stays in memory. To read from a file to memory that is in the
 * processor's cache takes less time than to look at a page that is mapped for the first time. */
struct bm_loan {
	uint8_t *p;
	size_t n;
	bm_read_at_fn read_at;
	void *ctx;
};

enum bm_frame_direction { BM_FRAME_UNKNOWN, BM_FRAME_INBOUND, BM_FRAME_OUTBOUND };

struct bm_frame {
	struct bm_view data; /* as captured; may be shorter than wire_len (snaplen) */
	uint32_t wire_len;   /* octets on the wire; never less than data.n */
	uint32_t link_type;  /* LINKTYPE_ value of the interface */
	uint64_t ts_ns;      /* since the Unix epoch; 0 when the block carries no time */
	uint64_t number;     /* from 1, as Wireshark numbers frames */
	uint64_t offset;     /* of data in the (decompressed) capture */
	const uint8_t
		*home; /* the same data, where it stays valid until bm_capture_free; NULL: nowhere.
				* data itself is valid until the next call, if it is not there or on loan */
	enum bm_frame_direction direction; /* pcapng epb_flags */
	bool stale_alert;                  /* a comment begins with BM_STALE_ALERT */
	uint64_t units; /* the time as the capture has it, in units of the interface; 0 if ts_ns is */
	uint32_t interface; /* of the section, from 0 in the order of their descriptions; 0 in pcap */
};

/* One TLS key log found in a Decryption Secrets Block (secrets type 0x544c534b). */
struct bm_secrets {
	struct bm_view key_log; /* lifetime as frame data */
	uint64_t offset;
};

enum bm_capture_event { BM_CAPTURE_FRAME, BM_CAPTURE_SECRETS };

struct bm_capture_item {
	enum bm_capture_event event;
	struct bm_frame frame;
	struct bm_secrets secrets;
};

/* Opens a capture that lies in memory as a whole (a mapped file) and outlives
 * the handle. Recognised by content. BM_FORMAT when it is no capture, empty input
 * included; BM_TRUNCATED when compressed input ends before that is known; BM_LIMIT,
 * BM_IO, BM_NOMEM. *out is NULL unless BM_OK. */
BM_MUST_USE enum bm_status bm_capture_open_memory(
	struct bm_capture **out, struct bm_view bytes, struct bm_error *e);

/* Same over a byte stream; ctx outlives the handle. */
BM_MUST_USE enum bm_status bm_capture_open_stream(
	struct bm_capture **out, bm_read_fn read, void *ctx, struct bm_error *e);

/* The next frame or secrets block. BM_END at a clean end; BM_TRUNCATED when the
 * input ends inside a block (everything before it has been yielded; *e says at
 * which offset the input ends); BM_FORMAT when a block cannot be read (offset of
 * the block, or how far compressed data could be read); BM_LIMIT when the capture
 * asks for more memory than it may have; BM_IO, BM_NOMEM; BM_PAUSED where that is
 * allowed. After anything but BM_OK and BM_PAUSED it yields the same again. */
BM_MUST_USE enum bm_status bm_capture_next(
	struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e);

/* What a capture says of an interface. The views are valid until the call that tells of it returns;
 * they are empty where nothing is said, and in pcap. */
struct bm_interface_info {
	uint32_t index; /* bm_frame.interface; 0 begins a section */
	uint32_t link_type;
	uint32_t snap_len;     /* 0: no limit */
	uint8_t ts_resolution; /* of units, as if_tsresol has it: 6 microseconds, 9 nanoseconds */
	int64_t ts_offset_s;
	struct bm_view name, description, os, hardware; /* UTF-8, if the writer kept to the rules */
};
typedef void (*bm_interface_fn)(void *ctx, const struct bm_interface_info *i);

/* From now on fn is told of each interface before its first frame; that of a pcap at once. */
void bm_capture_tell_interfaces(struct bm_capture *c, bm_interface_fn fn, void *ctx);

/* Do frames stay somewhere until bm_capture_free (bm_frame.home)? */
bool bm_capture_stays(const struct bm_capture *c);

/* Frames are from now on brought to *l, as far as it goes, and what lies there is valid until the
 * memory is used for something else; what lies elsewhere is as bm_frame says. n: about how many
 * octets will be asked for. */
void bm_capture_borrow(struct bm_capture *c, const struct bm_loan *l, size_t n);
/* Of what stays: how many octets have been copied there so far. */
size_t bm_capture_borrowed(const struct bm_capture *c);
/* May bm_capture_next return BM_PAUSED rather than wait for input, or bring the next frame to
 * another place than the loan? No frame is lost then: the next call, which must not
 * pause, goes on. */
void bm_capture_may_pause(struct bm_capture *c, bool may);

/* Bytes of (decompressed) capture consumed so far, and of input (compressed). */
uint64_t bm_capture_offset(const struct bm_capture *c);
uint64_t bm_capture_input_offset(const struct bm_capture *c);

/* How comments begin by which badmac carve --repaired tells of its work: that of a section whose
 * packets are as they were sent, and that of a packet with an alert about a record that was
 * repaired. Whoever writes them says so, and nothing else vouches for it. */
#define BM_REPAIRED_SECTION "badmac carve --repaired: "
#define BM_STALE_ALERT "badmac: stale alert: "

/* Does a section that was read so far say that it was repaired? */
bool bm_capture_repaired(const struct bm_capture *c);

/* Static name: "pcap", "pcapng", "pcap (gzip)", ... */
const char *bm_capture_format(const struct bm_capture *c);

/* Called for each secrets block; s lives until it returns. Anything but BM_OK ends the scan. */
typedef enum bm_status (*bm_secrets_fn)(void *ctx, const struct bm_secrets *s);

/* Reports only the secrets blocks of a capture in memory, so that keys at its end
 * can serve for packets at its start. pcap has none: the call returns at once.
 * BM_OK when the whole capture was scanned; what fn returned; else as bm_capture_open_memory
 * and bm_capture_next, with everything before the place of the fault reported. */
BM_MUST_USE enum bm_status bm_capture_scan_secrets(
	struct bm_view bytes, bm_secrets_fn fn, void *ctx, struct bm_error *e);

/* NULL is allowed. */
void bm_capture_free(struct bm_capture *c);

#endif
