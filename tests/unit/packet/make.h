/* Makes frames from words that name their layers, for the tests of src/packet/.
 * Knows the layers from their specifications, and nothing of the decoder. */
#ifndef TEST_PACKET_MAKE_H
#define TEST_PACKET_MAKE_H

#include "packet/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { MADE_MAX = 140000, MADE_PAYLOAD = 37, MADE_VNI = 0x0a0b0c };

struct made {
	uint8_t bytes[MADE_MAX];
	size_t start, end; /* headers are put in front */
	uint8_t *frame;    /* a copy of the size it has, so that reading past it is seen */
	struct bm_frame f;
};

/* Fills m with the layers of `words`, outermost first, as "eth vlan ip4 tcp", around a
 * payload of n bytes. Checksums of TCP and UDP are right. */
void make(struct made *m, const char *words, size_t n);
/* m->f over the bytes, for that link type. */
void make_frame(struct made *m, uint32_t link_type, uint64_t number);
/* Puts octets behind everything. */
void make_trailer(struct made *m, size_t n);
void made_free(struct made *m);

/* The byte at i of every payload. */
uint8_t made_byte(size_t i);

/* RFC 1071 read word by word: the plain way. */
uint16_t plain_sum(const uint8_t *p, size_t n, uint32_t sum);

struct sample {
	const char *words;
	uint32_t link_type;
	uint32_t tunnel;
};

/* Every link type and tunnel. */
extern const struct sample samples[];
extern const size_t sample_count;

/* What holds of every segment: its pieces lead to its payload. frames[i] has number i + 1. */
void assert_pieces(const struct bm_segment *s, const struct bm_frame *frames, size_t count);
/* Every frame was counted once. */
void assert_counted(const struct bm_decoder *d);

#endif
