/* What single lines of a javax.net.debug log say of records, alerts and sessions, of Java 6 to 8
 * and of 11 and later. */
#ifndef BM_LOGS_JSSE_EVENT_H
#define BM_LOGS_JSSE_EVENT_H

#include "base/bytes.h"

enum jsse_what {
	JSSE_NOTHING,
	JSSE_READ,      /* a record: content_type, version, length */
	JSSE_WRITE,     /* the same */
	JSSE_RAW_READ,  /* [Raw read]: length */
	JSSE_RAW_WRITE, /* [Raw write]: length */
	JSSE_OPENED,    /* plaintext after decryption: length */
	JSSE_SEND_ALERT,
	JSSE_RECV_ALERT,
	JSSE_FATAL,       /* Fatal (BAD_RECORD_MAC): of Java 11 and later */
	JSSE_INVALIDATED, /* %% Invalidated: suite in text */
	JSSE_RESUMING,    /* %% Try resuming, %% Client cached, %% Resuming session */
	JSSE_CACHED,      /* %% Cached client session, %% Created: suite in text */
	JSSE_HELLO_CLIENT,
	JSSE_HELLO_SERVER,
	JSSE_SUITE,    /* Cipher Suite: text */
	JSSE_FINISHED, /* *** Finished, Consuming Finished */
	JSSE_TIMEOUT,  /* setSoTimeout(length) called */
	JSSE_KEY_UPDATE
};

enum jsse_content {
	JSSE_CONTENT_OTHER,
	JSSE_CONTENT_CCS,
	JSSE_CONTENT_ALERT,
	JSSE_CONTENT_HANDSHAKE,
	JSSE_CONTENT_APPLICATION
};

struct jsse_event {
	enum jsse_what what;
	bool modern;           /* fields between bars, of Java 11 and later */
	bool client_session;   /* JSSE_CACHED, JSSE_RESUMING: it says that it is the client's */
	struct bm_view thread; /* as printed; empty: not said */
	uint64_t speaker;      /* jsse_speaker of the thread */
	uint64_t place;        /* a number for where in Java's source it is said; 0: not said */
	enum jsse_content content;
	struct bm_view version; /* "TLSv1"; empty: not said */
	uint64_t length;
	struct bm_view text; /* of an alert its description, of a session its suite */
};

/* False: nothing of the kind. Views point into the line. */
bool jsse_read_event(struct bm_view line, struct jsse_event *out);
/* Hash of a line's prefix without what looks like a time or a number. */
uint64_t jsse_speaker(struct bm_view prefix);

#endif
