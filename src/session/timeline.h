/* What came of each record of a connection, one after the other, and what else happened on its way.
 * Recorded only where a report asks for it; nothing that is judged depends on it. */
#ifndef BM_SESSION_TIMELINE_H
#define BM_SESSION_TIMELINE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one connection; what comes later is counted. */
enum { BM_TIMELINE_RECORDS = 1 << 17, BM_TIMELINE_EVENTS = 1 << 12 };

enum bm_judgement {
	BM_JUDGED_VERIFIED,
	BM_JUDGED_FAILED,
	BM_JUDGED_UNDECIDED,
	BM_JUDGED_PLAINTEXT
};

/* A record. */
struct bm_judged {
	uint64_t ts_ns;  /* of that packet; 0 unknown */
	uint64_t packet; /* the last one that carries it; 0 unknown */
	uint64_t off;    /* of its header; DTLS: among the payloads of all datagrams of its direction */
	uint64_t seq;    /* BM_NO_SEQ: unknown */
	uint32_t len;    /* header and body; 0 unknown */
	unsigned epoch : 20;    /* later ones are the last */
	unsigned type : 8;      /* content type on the wire; 0: none is there, or it was not captured */
	unsigned direction : 1; /* BM_C2S, BM_S2C */
	unsigned state : 2;     /* enum bm_judgement */
};

enum bm_event_kind {
	BM_EVENT_HANDSHAKE, /* code: the message's type */
	BM_EVENT_KEY_UPDATE,
	BM_EVENT_CHANGE_CIPHER_SPEC,
	BM_EVENT_ALERT, /* level, and code: its description; 0 and 255 when it could not be read */
	BM_EVENT_RETRANSMISSION,
	BM_EVENT_DIFFERING_COPY,
	BM_EVENT_BAD_CHECKSUM,
	BM_EVENT_GAP,
	BM_EVENT_FIN,
	BM_EVENT_RST
};

struct bm_event {
	uint64_t ts_ns, packet; /* 0: unknown */
	uint64_t off, len;      /* BM_NO_SEQ: unknown, or there is none */
	uint8_t kind, direction, level, code;
};

struct bm_session_env;

/* Owned by the session that it is about, until bm_session_take_timeline. */
struct bm_timeline {
	struct bm_session_env *env;
	struct bm_timeline *next, *before; /* of env->timelines */
	struct bm_judged *records;
	size_t record_count, record_cap;
	struct bm_event *events;
	size_t event_count, event_cap;
	uint64_t records_left_out, events_left_out;
	struct bm_judged now; /* the record in hand, whose messages are read */
};

/* BM_NOMEM: *out is NULL. */
BM_MUST_USE enum bm_status bm_timeline_new(struct bm_timeline **out, struct bm_session_env *env);
void bm_timeline_free(struct bm_timeline *t); /* NULL allowed */
/* All that were recorded in env give way, and nothing more is; both are counted as left out. */
void bm_timelines_drop(struct bm_session_env *env);

#endif
