/* What badmac.odds.v1 needs beyond report/json_out.h. */
#ifndef BM_ODDS_JSON_H
#define BM_ODDS_JSON_H

#include "report/json_out.h"

#include <math.h>

/* null for what is no number. */
static inline void
real(struct json *j, const char *key, double value)
{
	char text[40];

	name(j, key);
	snprintf(text, sizeof text, "%.12g", value);
	raw(j, isfinite(value) ? text : "null");
}

#endif
