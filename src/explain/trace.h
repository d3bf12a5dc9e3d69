/* Follows the connections of a javax.net.debug log, a thread at a time. */
#ifndef BM_EXPLAIN_TRACE_H
#define BM_EXPLAIN_TRACE_H

#include "explain/clues.h"
#include "explain/rules.h"
#include "logs/jsse_event.h"

enum { BM_TRACE_LENGTHS = 8 };

struct bm_trace_facts {
	bool known;
	char thread[64], version[16], suite[64]; /* "": not known */
	enum bm_role role;
	bool role_shown; /* by a handshake message or session line; else by who spoke first */
	bool handshake_shown;
	enum jsse_content last_read; /* of the last record read */
	uint64_t last_read_length;
	uint64_t read, written; /* records of application data since the handshake, or in the log */
	uint64_t read_lengths[BM_TRACE_LENGTHS]; /* of the last ones, oldest first */
	size_t read_length_count;
	uint64_t alert_length; /* of the last alert written, header not counted; 0: none */
	uint64_t opened_line;  /* where what the last record read decrypted to is dumped; 0: nowhere */
	uint64_t timeout_ms;   /* of reads; 0: none set */
	uint8_t client_random[BM_CLUE_RANDOM];
	bool has_client_random; /* of the last ClientHello that is shown */
	bool finished;          /* the last handshake that is shown */
	bool negotiated;        /* version is what the hellos came to, not what stands in records */
	bool resumed, invalidated, key_update, modern;
};

struct bm_trace;

struct bm_trace *bm_trace_new(void); /* NULL: out of memory */
void bm_trace_free(struct bm_trace *t);
/* What a line says; false: nothing. *e is set to it. */
bool bm_trace_line(struct bm_trace *t, uint64_t number, struct bm_view line, struct jsse_event *e);
/* Of the thread of the last line that had one, if that was not long ago. */
const struct bm_trace_facts *bm_trace_now(const struct bm_trace *t, uint64_t number);

#endif
