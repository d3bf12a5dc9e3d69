/* Drives a flow table with hand-made segments and writes down what it tells.
 * The log holds, for flow 0 (others with "N:" in front), F or B for the direction and
 *   +n n bytes came, ?n a gap of n bytes, . closed, =off+n copy, then V, I, O or U for its
 * checksum, end. With `odd` set also what stands out: r retransmission, c checksum, g gap, f FIN,
 * x RST, then off+n@packet. */
#ifndef RIG_H
#define RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "tcp/tcp.h"

enum { RIG_FLOWS = 64, F = BM_FORWARD, B = BM_BACKWARD, HEADERS = 54 };

struct rig {
	struct bm_tcp *t;
	struct bm_tcp_options o;
	char log[1 << 14];
	size_t log_n;
	struct bm_buf got[RIG_FLOWS][2];
	uint64_t cursor[RIG_FLOWS][2];
	bool told_end[RIG_FLOWS][2];
	bool keep;     /* releases nothing */
	bool quiet;    /* writes no log */
	bool unstable; /* payload is scribbled over after each call */
	bool ignore;   /* at the first data */
	bool odd;      /* before rig_open: what stands out is wanted */
	struct bm_flow *flow[RIG_FLOWS];
	uint64_t packet, ts_ns;
	enum bm_checksum checksum;
	uint32_t cut; /* bytes of payload that the snaplen cut off */
	uint32_t isn[2], tunnel, site;
	uint16_t port[2];
	enum bm_transport transport;
	unsigned datagrams;
	enum bm_status status;
	/* Called for every span read, when set. */
	void (*on_span)(void *ctx, const struct bm_span *s);
	void *ctx;
};

void rig_open(struct rig *r);
/* Ends the flows and frees everything. */
void rig_close(struct rig *r);
/* Sends a segment; seq and ack count from the ISN of their side. Flags: "S", "A", "SA", "F", "R"...
 */
void rig_send(struct rig *r, unsigned way, const char *flags, uint32_t seq, uint32_t ack,
	const void *payload, size_t n);
/* Text as payload, with ACK. */
void rig_text(struct rig *r, unsigned way, uint32_t seq, uint32_t ack, const char *text);
/* Three segments of a handshake; the log is cleared. */
void rig_shake(struct rig *r);
/* Compares the log and clears it. */
#define rig_log(r, want) rig_log_at((r), (want), __FILE__, __LINE__)
void rig_log_at(struct rig *r, const char *want, const char *file, int line);
#define rig_got(r, id, way, want)                                                                  \
	do {                                                                                           \
		assert_int_equal((r)->got[id][way].n, strlen(want));                                       \
		assert_memory_equal((r)->got[id][way].p, want, strlen(want));                              \
	} while (0)

#endif
