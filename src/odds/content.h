/* What payloads hold: ciphertext, text, or the zeros and small numbers of binary files. Refuses to
 * know what becomes of it. */
#ifndef BM_ODDS_CONTENT_H
#define BM_ODDS_CONTENT_H

#include "odds/dice.h"

enum bm_content_kind { BM_CONTENT_CIPHERTEXT, BM_CONTENT_TEXT, BM_CONTENT_ZEROS, BM_CONTENTS };

/* "ciphertext", "text", "zeros". */
const char *bm_content_name(enum bm_content_kind kind);

enum { BM_CORPUS = 1 << 20 };

/* Fills BM_CORPUS octets: ciphertext as random octets, text as requests, JSON, tables and prose of
 * a few hundred words, zeros as pages of fixed-size entries, most of them not in use. */
void bm_corpus_make(enum bm_content_kind kind, struct bm_dice *d, uint8_t *out);

#endif
