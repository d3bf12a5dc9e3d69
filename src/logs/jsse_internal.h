/* What the files of the reader of javax.net.debug logs share. */
#ifndef BM_LOGS_JSSE_INTERNAL_H
#define BM_LOGS_JSSE_INTERNAL_H

#include "logs/jsse.h"
#include "logs/jsse_event.h"

enum jsse_kind {
	JSSE_OTHER,
	JSSE_CLIENT_HELLO, /* *** ClientHello, TLSv1.2 */
	JSSE_COOKIE,       /* RandomCookie:  GMT: 1353488396 bytes = { 70, ... } */
	JSSE_SESSION,      /* SESSION KEYGEN: */
	JSSE_CONNECTION,   /* CONNECTION KEYGEN: */
	JSSE_PREMASTER,    /* PreMaster Secret: */
	JSSE_CLIENT_NONCE,
	JSSE_SERVER_NONCE,
	JSSE_MASTER,
	JSSE_WRITE_KEY, /* any of the derived keys but the last */
	JSSE_LAST_KEY,  /* Server write key: */
	JSSE_DUMP       /* 0010: BC 06 57 6A ... */
};

struct jsse_line {
	enum jsse_kind kind;
	uint64_t speaker; /* hash of the prefix without what looks like a time or a number */
	bool bare;        /* there is no prefix */
	unsigned offset;  /* JSSE_DUMP */
	size_t len;       /* octets in bytes: JSSE_DUMP up to 16, JSSE_COOKIE 32 */
	uint8_t bytes[32];
};

void jsse_read_line(struct bm_view line, struct jsse_line *out);

#endif
