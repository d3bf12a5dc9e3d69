/* Key material of any kind, recognised by what it holds. */
#ifndef BM_LOGS_KEYFILE_H
#define BM_LOGS_KEYFILE_H

#include "tls/keyring.h"

/* NSS key logs, PEM private keys, javax.net.debug logs, session text of OpenSSL; several kinds in
 * one file too, and any of them as UTF-16. counts is added to (NULL: nobody asks).
 * BM_FORMAT: nothing of the kind. BM_UNSUPPORTED: key material, but none that opens a record. */
BM_MUST_USE enum bm_status bm_keys_read(
	struct bm_keyring *k, struct bm_view bytes, struct bm_key_counts *counts, struct bm_error *e);

#endif
