/* The extension block of a handshake message. */
#ifndef BM_TLS_EXTENSIONS_H
#define BM_TLS_EXTENSIONS_H

#include "tls/handshake.h"

/* block: the extensions without the length in front. server: they stand in a ServerHello or in
 * EncryptedExtensions. Unknown ones are passed over, and so are known ones whose contents make no
 * sense; of duplicates the first counts. False when the lengths of the block itself do not fit. */
bool bm_extensions_parse(struct bm_view block, bool server, struct bm_extensions *ext);

/* TLS 1.3 drafts have versions of their own: ext->selected_version and ext->draft from one on the
 * wire. */
void bm_select_version(struct bm_extensions *ext, unsigned version);

#endif
