/* Addresses as text (RFC 5952). Refuses to know names. */
#include "packet/packet.h"

#include <stdio.h>

enum { GROUPS = 8 };

static char *
put_group(char *p, unsigned v)
{
	static const char digit[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*p++ = digit[v >> shift & 15];
	return p;
}

/* The first of the longest runs of zero groups, which "::" stands for; a single one is
 * written out (sections 4.2.2 and 4.2.3). */
static size_t
zero_run(const uint8_t ip[16], size_t *start)
{
	size_t best = 1;

	*start = GROUPS;
	for (size_t i = 0; i < GROUPS;) {
		size_t n = 0;
		while (i + n < GROUPS && bm_load16(ip + (i + n) * 2) == 0)
			n++;
		if (n > best) {
			best = n;
			*start = i;
		}
		i += n + 1;
	}
	return *start < GROUPS ? best : 0;
}

static char *
put_ipv4(char *p, const uint8_t ip[4])
{
	/* At most "255.255.255.255". */
	return p + snprintf(p, 16, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

static char *
put_ipv6(char *p, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t start;
	size_t run = zero_run(ip, &start);

	if (memcmp(ip, mapped, sizeof mapped) == 0) { /* section 5 */
		memcpy(p, "::ffff:", 7);
		return put_ipv4(p + 7, ip + 12);
	}
	for (size_t i = 0; i < GROUPS; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += run - 1;
			continue;
		}
		if (i != 0 && i != start + run)
			*p++ = ':';
		p = put_group(p, bm_load16(ip + i * 2));
	}
	return p;
}

void
bm_address_text(const struct bm_address *a, char out[BM_ADDRESS_TEXT_MAX])
{
	char *p = out;

	if (a->family == 6) {
		*p++ = '[';
		p = put_ipv6(p, a->ip);
		*p++ = ']';
	} else {
		p = put_ipv4(p, a->ip);
	}
	snprintf(p, 7, ":%u", a->port);
}
