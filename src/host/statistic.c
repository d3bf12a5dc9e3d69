/* What a counter of a device counts, as far as its name tells. Refuses to know any driver. */
#include "host/model.h"

#include <ctype.h>

/* pattern "=err": a word of its own between characters that are no letters ("interrupts" holds
 * "err" as well); else anywhere. */
static bool
holds(const char *name, const char *pattern)
{
	bool whole = pattern[0] == '=';
	const char *text = pattern + whole;
	size_t n = strlen(text);

	for (const char *at = name; (at = strstr(at, text)) != NULL; at++)
		if (!whole ||
			((at == name || !isalpha((unsigned char)at[-1])) && !isalpha((unsigned char)at[n])))
			return true;
	return false;
}

static bool
any_of(const char *name, const char *const *patterns)
{
	for (; *patterns != NULL; patterns++)
		if (holds(name, *patterns))
			return true;
	return false;
}

enum bm_stat_class
bm_stat_classify(const char *name)
{
	static const char *const bad[] = {
		"error", "=err", "=errs", "=bad", "fail", "wrong", "invalid", NULL};
	static const char *const sum[] = {"csum", "checksum", "chksum", "cksum", NULL};
	static const char *const memory[] = {
		"corrupt", "parity", "=ecc", "=sbe", "=mbe", "poison", NULL};
	static const char *const frame[] = {"crc", "=fcs", "align", "symbol", "=frame", NULL};
	static const char *const drop[] = {
		"drop", "discard", "missed", "=fifo", "=over", "no_buf", NULL};
	static const char *const traffic[] = {
		"rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "multicast", NULL};
	char lower[128];
	size_t n = 0;

	for (; name[n] != '\0' && n + 1 < sizeof lower; n++)
		lower[n] = (char)tolower((unsigned char)name[n]);
	lower[n] = '\0';
	for (const char *const *t = traffic; *t != NULL; t++)
		if (strcmp(lower, *t) == 0)
			return BM_STAT_TRAFFIC;
	bool wrong = any_of(lower, bad);
	if (holds(lower, "=tls") && (wrong || any_of(lower, drop)))
		return BM_STAT_TLS;
	if (any_of(lower, sum))
		return wrong ? BM_STAT_CHECKSUM : BM_STAT_OTHER;
	if (any_of(lower, memory))
		return BM_STAT_MEMORY;
	/* "rx_align_errors" and "rx_fcs" alike; but a "frame" or "symbol" needs to be an error. */
	if (any_of(lower, frame))
		return wrong || holds(lower, "crc") || holds(lower, "=fcs") ? BM_STAT_FRAME : BM_STAT_OTHER;
	if (any_of(lower, drop))
		return BM_STAT_DROP;
	return wrong ? BM_STAT_ERROR : BM_STAT_OTHER;
}

bool
bm_stat_is_error(enum bm_stat_class k)
{
	return k != BM_STAT_TRAFFIC && k != BM_STAT_OTHER;
}
