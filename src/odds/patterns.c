/* The names of the patterns, their bounds, and those worth a row of a table. */
#include "odds/patterns.h"

#include <stdio.h>
#include <string.h>

static const struct bm_pattern_rule rules[BM_PATTERN_KINDS] = {
	[BM_PATTERN_RANDOM] = {"random", "the payload becomes random octets", 0, 0, 0},
	[BM_PATTERN_BITS] = {"bits", "N bits anywhere are inverted", 1, 8, 2},
	[BM_PATTERN_PAIR] = {"pair", "two bits, N apart, are inverted", 1, 8 * BM_PAYLOAD - 1, 16},
	[BM_PATTERN_BURST] = {"burst", "N bits in a row: both ends inverted, those between at random",
		1, 64, 17},
	[BM_PATTERN_LANE] = {"lane", "the same bit of N 16-bit words is inverted", 1, 64, 2},
	[BM_PATTERN_STUCK] = {"stuck", "the same bit of many 16-bit words takes one value", 0, 0, 0},
	[BM_PATTERN_SWAP_WORDS] = {"swap-words", "two 16-bit words change places", 0, 0, 0},
	[BM_PATTERN_SWAP_OCTETS] = {"swap-octets", "two neighbouring octets change places", 0, 0, 0},
	[BM_PATTERN_SWAP_ODD] = {"swap-odd", "two pairs of octets, an odd number apart, change places",
		0, 0, 0},
	[BM_PATTERN_BYTE_ORDER] = {"byte-order", "the octets of every 16-bit word change places", 0, 0,
		0},
	[BM_PATTERN_ZEROED] = {"zeroed", "N octets from an even place become 0", 1, BM_PAYLOAD, 64},
	[BM_PATTERN_STALE] = {"stale", "N octets from an even place become other data of the same kind",
		1, BM_PAYLOAD, 64},
	[BM_PATTERN_SHIFT] = {"shift",
		"an octet is lost, what follows moves up, the last one is another", 0, 0, 0},
	[BM_PATTERN_RESUMMED] = {"resummed", "whatever it is, the sum is made (again) after it", 0, 0,
		0},
};

const struct bm_pattern_rule *
bm_pattern_rule(enum bm_pattern_kind kind)
{
	return &rules[kind];
}

/* Digits only, at most 5 of them; 0 is no number here. */
static unsigned
read_number(const char *text)
{
	unsigned n = 0;

	if (strlen(text) > 5)
		return 0;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		n = 10 * n + (unsigned)(*text - '0');
	}
	return n;
}

bool
bm_pattern_parse(const char *text, struct bm_pattern *out, char *problem, size_t size)
{
	const char *colon = strchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : strlen(text);
	const struct bm_pattern_rule *r = rules;

	while (r < rules + BM_PATTERN_KINDS && (strlen(r->name) != n || memcmp(r->name, text, n) != 0))
		r++;
	if (r == rules + BM_PATTERN_KINDS) {
		(void)snprintf(problem, size, "no such pattern");
		return false;
	}
	*out = (struct bm_pattern){(enum bm_pattern_kind)(r - rules), r->usual};
	if (colon == NULL)
		return true;
	if (r->most == 0) {
		(void)snprintf(problem, size, "%s takes no number", r->name);
		return false;
	}
	out->n = read_number(colon + 1);
	if (out->n < r->least || out->n > r->most) {
		(void)snprintf(
			problem, size, "the number of %s is from %u to %u", r->name, r->least, r->most);
		return false;
	}
	return true;
}

void
bm_pattern_name(struct bm_pattern p, char out[BM_PATTERN_NAME])
{
	const struct bm_pattern_rule *r = &rules[p.kind];

	if (r->most == 0)
		(void)snprintf(out, BM_PATTERN_NAME, "%s", r->name);
	else
		(void)snprintf(out, BM_PATTERN_NAME, "%s:%u", r->name, p.n);
}

bool
bm_pattern_holds_anywhere(struct bm_pattern p)
{
	switch (p.kind) {
	case BM_PATTERN_BITS:
		return p.n == 1;
	case BM_PATTERN_PAIR:
		return p.n % 16 != 0;
	case BM_PATTERN_BURST:
		return p.n < 16;
	case BM_PATTERN_LANE:
		return p.n % 2 != 0;
	case BM_PATTERN_RANDOM:
	case BM_PATTERN_STUCK:
	case BM_PATTERN_SWAP_WORDS:
	case BM_PATTERN_SWAP_OCTETS:
	case BM_PATTERN_RESUMMED:
		return true;
	default:
		return false;
	}
}

const struct bm_pattern *
bm_pattern_table(size_t *count)
{
	static const struct bm_pattern table[] = {
		{BM_PATTERN_RANDOM, 0},
		{BM_PATTERN_BITS, 1},
		{BM_PATTERN_BITS, 2},
		{BM_PATTERN_BITS, 3},
		{BM_PATTERN_BITS, 4},
		{BM_PATTERN_PAIR, 15},
		{BM_PATTERN_PAIR, 16},
		{BM_PATTERN_BURST, 8},
		{BM_PATTERN_BURST, 15},
		{BM_PATTERN_BURST, 16},
		{BM_PATTERN_BURST, 17},
		{BM_PATTERN_BURST, 18},
		{BM_PATTERN_BURST, 20},
		{BM_PATTERN_BURST, 24},
		{BM_PATTERN_BURST, 32},
		{BM_PATTERN_LANE, 2},
		{BM_PATTERN_LANE, 4},
		{BM_PATTERN_LANE, 22},
		{BM_PATTERN_STUCK, 0},
		{BM_PATTERN_SWAP_WORDS, 0},
		{BM_PATTERN_SWAP_OCTETS, 0},
		{BM_PATTERN_SWAP_ODD, 0},
		{BM_PATTERN_BYTE_ORDER, 0},
		{BM_PATTERN_ZEROED, 64},
		{BM_PATTERN_STALE, 2},
		{BM_PATTERN_STALE, 64},
		{BM_PATTERN_SHIFT, 0},
		{BM_PATTERN_RESUMMED, 0},
	};

	*count = sizeof table / sizeof table[0];
	return table;
}
