/* Digests, times and addresses as the tables have them. */
#include "store/put.h"

#include "base/hash64.h"

#include <stdio.h>

void
bm_digest_add(struct bm_digest *d, const void *bytes, size_t n)
{
	d->half[0] = bm_hash64(bm_view(bytes, n), d->half[0]);
	d->half[1] = bm_hash64(bm_view(bytes, n), ~d->half[1]);
}

void
bm_digest_number(struct bm_digest *d, uint64_t n)
{
	uint8_t octets[8];

	bm_store64(octets, n);
	bm_digest_add(d, octets, sizeof octets);
}

void
bm_digest_text(struct bm_digest *d, const char *text)
{
	bm_digest_number(d, text != NULL ? strlen(text) : UINT64_MAX);
	if (text != NULL)
		bm_digest_add(d, text, strlen(text));
}

void
bm_digest_print(const struct bm_digest *d, char out[BM_DIGEST_TEXT])
{
	(void)snprintf(out, BM_DIGEST_TEXT, "%016llx%016llx", (unsigned long long)d->half[0],
		(unsigned long long)d->half[1]);
}

static bool
digits(const char **p, size_t n, char after, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = 10 * *out + (uint64_t)(*(*p)++ - '0');
	}
	return *(*p)++ == after;
}

bool
bm_store_time(const char *text, int64_t *ns)
{
	static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	const char *p = text;
	uint64_t y, m, d, h, min, s, f;

	if (text == NULL || !digits(&p, 4, '-', &y) || !digits(&p, 2, '-', &m) ||
		!digits(&p, 2, 'T', &d) || !digits(&p, 2, ':', &h) || !digits(&p, 2, ':', &min) ||
		!digits(&p, 2, '.', &s) || !digits(&p, 9, 'Z', &f))
		return false;
	/* Past 2262 nanoseconds do not fit. */
	if (y < 1970 || y > 2261 || m < 1 || m > 12 || d < 1 || d > 31 || h > 23 || min > 59 || s > 60)
		return false;
	uint64_t leaps =
		(y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	uint64_t days = 365 * (y - 1970) + leaps + before[m - 1] + (leap && m > 2) + d - 1;
	*ns = (int64_t)((((days * 24 + h) * 60 + min) * 60 + s) * 1000000000 + f);
	return true;
}

void
bm_store_address(const char *endpoint, char *out, size_t n)
{
	const char *colon = strrchr(endpoint, ':');
	size_t len = colon != NULL ? (size_t)(colon - endpoint) : strlen(endpoint);

	if (len >= 2 && endpoint[0] == '[' && endpoint[len - 1] == ']') {
		endpoint++;
		len -= 2;
	}
	if (len >= n)
		len = n - 1;
	memcpy(out, endpoint, len);
	out[len] = '\0';
}
