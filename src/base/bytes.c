/* Hex in and out. Knows nothing of what the bytes mean. */
#include "base/bytes.h"

void
bm_hex(struct bm_view v, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < v.n; i++) {
		*out++ = digit[v.p[i] >> 4];
		*out++ = digit[v.p[i] & 15];
	}
	*out = '\0';
}

int
bm_hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
bm_unhex(const char *text, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int hi = bm_hex_digit(text[2 * i]);
		if (hi < 0)
			return false;
		int lo = bm_hex_digit(text[2 * i + 1]);
		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

const char *
bm_magic_means(struct bm_view v, const struct bm_magic *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v.n >= known[i].n && memcmp(v.p, known[i].octets, known[i].n) == 0)
			return known[i].means;
	return NULL;
}
