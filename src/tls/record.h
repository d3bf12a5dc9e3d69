/* Record framing of TLS and DTLS, and where TLS starts in a stream. Pure functions over bytes. */
#ifndef BM_TLS_RECORD_H
#define BM_TLS_RECORD_H

#include "base/bytes.h"
#include "base/status.h"

/* Content types (RFC 8446, section 5.1; RFC 6520; RFC 9146; RFC 9147). */
enum bm_content {
	BM_CCS = 20,
	BM_ALERT = 21,
	BM_HANDSHAKE = 22,
	BM_APPLICATION_DATA = 23,
	BM_HEARTBEAT = 24,
	BM_TLS12_CID = 25,
	BM_DTLS13_ACK = 26
};

/* Versions as on the wire. */
enum {
	BM_SSL2 = 0x0002,
	BM_SSL3 = 0x0300,
	BM_TLS10 = 0x0301,
	BM_TLS11 = 0x0302,
	BM_TLS12 = 0x0303,
	BM_TLS13 = 0x0304,
	BM_DTLS10 = 0xfeff,
	BM_DTLS12 = 0xfefd,
	BM_DTLS13 = 0xfefc
};

/* "TLS 1.2", "DTLS 1.3", "SSL 3.0"; NULL for anything else. */
const char *bm_version_name(unsigned version);
bool bm_version_is_dtls(unsigned version);
/* The TLS version of the same rules: DTLS 1.0 -> TLS 1.1, 1.2 -> 1.2, 1.3 -> 1.3. Others unchanged.
 */
unsigned bm_version_rules(unsigned version);

enum {
	BM_HEADER = 5,
	BM_PLAIN_MAX = 16384,
	/* RFC 5246, 6.2.3: compression and protection may add 2048. */
	BM_BODY_MAX = 16384 + 2048
};

struct bm_record_header {
	uint8_t type;
	uint16_t version;
	uint16_t length; /* of the body */
};

/* Five bytes at p. */
struct bm_record_header bm_record_header(const uint8_t p[BM_HEADER]);

/* Could this be a record header of SSL 3.0 to TLS 1.3: known type, version 0x0300 to 0x0304, length
 * within BM_BODY_MAX, and above 0 unless application data? `version`: the connection's record
 * version when it is known (then it must match), else 0. */
bool bm_record_plausible(struct bm_record_header h, unsigned version);

/* What may yet turn out to be a hello starts within the last BM_FIND_TAIL bytes of what was looked
 * at. */
enum { BM_FIND_TAIL = 3072 };

/* The first offset in v at which a ClientHello in an SSL 3.0 to TLS 1.3 record (or an
 * SSL 2.0-format ClientHello offering SSL 3.0 or later) starts, v.n when there is none, with
 * *need_more set when the tail of v might be the start of one. Strict: type, versions, nested
 * lengths and cipher suite list must fit, as far as the first 512 bytes of the message show them.
 * The answer does not depend on how the stream was cut: what is found stays, and nothing is found
 * behind what might yet be one. */
size_t bm_find_client_hello(struct bm_view v, bool *need_more);
/* Same for the server's first record: ServerHello, or an alert in answer to a hello. */
size_t bm_find_server_hello(struct bm_view v, bool *need_more);

/* A record of a DTLS datagram, plaintext or protected. */
struct bm_dtls_record {
	uint8_t type;     /* 0 for a DTLS 1.3 unified header (type is inside) */
	uint16_t version; /* 0 for a unified header */
	uint16_t epoch;   /* of a unified header: its low two bits */
	uint64_t seq;     /* of a unified header: as on the wire, still masked, 8 or 16 bits */
	bool unified;
	uint8_t seq_len;       /* octets of seq on the wire */
	uint16_t seq_off;      /* of seq in the header */
	struct bm_view header; /* whole header as captured */
	struct bm_view cid;
	struct bm_view body;
};

/* The next record of a datagram. cid_len: length of the connection id that the receiver chose, as
 * negotiated (RFC 9146), 0 if none. False at the end; *bad set when bytes are left that are no
 * record. */
bool bm_dtls_next(struct bm_reader *datagram, size_t cid_len, struct bm_dtls_record *r, bool *bad);
/* Does the datagram start like DTLS (a hello in a well-formed plaintext record of epoch 0)? */
bool bm_dtls_starts(struct bm_view datagram);

#endif
