/* Sessions as OpenSSL prints them (s_client, sess_id -text). */
#ifndef BM_LOGS_SESSION_TEXT_H
#define BM_LOGS_SESSION_TEXT_H

#include "tls/keyring.h"

/* Master-Key lines with the Session-ID before them. *found: how many had one. */
BM_MUST_USE enum bm_status bm_session_text_read(
	struct bm_keyring *k, struct bm_view text, size_t *found);

#endif
