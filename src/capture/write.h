/* Writes pcapng (draft-ietf-opsawg-pcapng), little endian, block by block. Refuses to know what a
 * frame holds and where the octets go. */
#ifndef BM_CAPTURE_WRITE_H
#define BM_CAPTURE_WRITE_H

#include "capture/capture.h"

/* write: 0, or non-zero on failure; then `failed` is set, and nothing is written any more. */
struct bm_pcapng_writer {
	int (*write)(void *ctx, const char *bytes, size_t n);
	void *ctx;
	bool failed;
};

/* Begins a section, first of all. What is empty is left out, here and below; of a text that is
 * longer than 65535 octets the start is written. */
void bm_pcapng_section(
	struct bm_pcapng_writer *w, struct bm_view application, struct bm_view comment);
/* Interfaces are numbered from 0 in the order in which they are written, whatever their index. */
void bm_pcapng_interface(struct bm_pcapng_writer *w, const struct bm_interface_info *i);
/* A key log, in front of the frames that it opens. */
void bm_pcapng_secrets(struct bm_pcapng_writer *w, struct bm_view key_log);

struct bm_pcapng_packet {
	uint32_t interface;
	uint64_t units; /* of the interface's resolution */
	struct bm_view data;
	uint32_t wire_len;
	enum bm_frame_direction direction;
	const struct bm_view *comments;
	size_t comment_count;
};
void bm_pcapng_packet(struct bm_pcapng_writer *w, const struct bm_pcapng_packet *p);

#endif
