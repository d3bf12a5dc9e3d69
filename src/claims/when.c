/* RFC 3339 times as reports have them, to nanoseconds. Refuses other zones and other precisions. */
#include "claims/when.h"

#include "badmac.h"

#include <stdbool.h>
#include <stddef.h>

static bool
digits(const char **at, unsigned n, uint64_t most, uint64_t *out)
{
	*out = 0;
	for (; n != 0; n--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*out = 10 * *out + (uint64_t)(**at - '0');
	}
	return *out <= most;
}

static bool
mark(const char **at, char c)
{
	return *(*at)++ == c;
}

uint64_t
claims_time(const char *text)
{
	uint64_t year, month, day, hour, minute, second, ns;
	const char *at = text;

	if (text == NULL)
		return BADMAC_UNKNOWN;
	if (!digits(&at, 4, 9999, &year) || !mark(&at, '-') || !digits(&at, 2, 12, &month) ||
		!mark(&at, '-') || !digits(&at, 2, 31, &day) || !mark(&at, 'T') ||
		!digits(&at, 2, 23, &hour) || !mark(&at, ':') || !digits(&at, 2, 59, &minute) ||
		!mark(&at, ':') || !digits(&at, 2, 59, &second) || !mark(&at, '.') ||
		!digits(&at, 9, 999999999, &ns) || !mark(&at, 'Z') || *at != '\0' || year < 1970 ||
		month == 0 || day == 0)
		return 0;
	/* Days since 0000-03-01, so that a leap day ends its year; 1970 begins 719468 days later. */
	uint64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
	uint64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
	return ((days * 24 + hour) * 60 + minute) * 60 * 1000000000 + second * 1000000000 + ns;
}
