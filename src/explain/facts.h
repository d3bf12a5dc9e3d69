/* What single lines of any log say about themselves: time, version, suite, thread. */
#ifndef BM_EXPLAIN_FACTS_H
#define BM_EXPLAIN_FACTS_H

#include "base/bytes.h"

struct bm_log_time {
	char text[40];  /* as it stands there; "": none */
	double seconds; /* since some moment, the same for all lines of a log of one format */
	double unix_s; /* since 1970 by the clock that the line shows, its zone taken off if it has one;
					  without a year as if in 1972, without a day as if on the first day of 1970 */
	double step;   /* of that clock: 1, 0.001, ... */
	bool has_day, has_year, has_zone;
};

/* The first date with a time of day in the first 256 octets. */
bool bm_find_time(struct bm_view line, struct bm_log_time *out);
/* A time of day alone, where the line begins with it (after a bracket at most). */
bool bm_find_clock(struct bm_view line, struct bm_log_time *out);
/* "TLS 1.2" and the like; not the words of an error's name ("sslv3 alert"). */
bool bm_find_version(struct bm_view line, char out[16]);
/* Whether all of it reads as one: "TLS 1.2", "TLSv1", "SSLv2", "DTLS 1.0". */
bool bm_is_version(struct bm_view v);
/* A suite's name as IANA or OpenSSL spell it; the only one in the line. */
bool bm_find_suite(struct bm_view line, char out[64]);
/* At most n - 1 octets of a line for a report: long runs of hex digits, dumps and what is secret by
 * its label are left out, and it ends between words. n: 16 or more. */
void bm_excerpt(struct bm_view line, char *out, size_t n);
/* Copies at most n - 1 octets and ends with a zero. */
void bm_copy_text(char *out, size_t n, struct bm_view v);

#endif
