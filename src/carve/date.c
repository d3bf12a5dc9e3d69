/* Times of a report: "2026-01-31T12:00:00.000000001Z" (RFC 3339), as badmac writes them. */
#include "carve/internal.h"

/* Days from 1970-01-01 on, by the Gregorian calendar; a year begins in March, so that a leap day is
 * its last. */
static int64_t
days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t from_march = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 719469;
}

static bool
digits(const char **text, unsigned n, char after, uint64_t *out)
{
	*out = 0;
	for (; n != 0; n--, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*out = *out * 10 + (uint64_t)(**text - '0');
	}
	return *(*text)++ == after;
}

bool
date_ns(const char *text, uint64_t *ns)
{
	uint64_t year, month, day, hour, minute, second, fraction;

	if (!digits(&text, 4, '-', &year) || !digits(&text, 2, '-', &month) ||
		!digits(&text, 2, 'T', &day) || !digits(&text, 2, ':', &hour) ||
		!digits(&text, 2, ':', &minute) || !digits(&text, 2, '.', &second) ||
		!digits(&text, 9, 'Z', &fraction) || *text != '\0')
		return false;
	/* Nanoseconds since then have 64 bits. */
	if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	uint64_t d = (uint64_t)days((int64_t)year, (unsigned)month, (unsigned)day);
	*ns = (((d * 24 + hour) * 60 + minute) * 60 + second) * 1000000000 + fraction;
	return true;
}
