/* Times of a report, read back. */
#ifndef BM_CLAIMS_WHEN_H
#define BM_CLAIMS_WHEN_H

#include <stdint.h>

/* Nanoseconds since 1970 of "2026-11-26T18:30:24.000000001Z"; BADMAC_UNKNOWN for NULL, 0 for what
 * is no such time. */
uint64_t claims_time(const char *text);

#endif
