/* Lengths of MACs, from the table of cipher suites. */
#include "odds/mac.h"

#include <stdlib.h>

/* JSSE kept SSL's names for the oldest suites. */
static bool
is_named(const char *iana, const char *text)
{
	if (strcmp(iana, text) == 0)
		return true;
	return strncmp(text, "SSL_", 4) == 0 && strncmp(iana, "TLS_", 4) == 0 &&
		   strcmp(iana + 4, text + 4) == 0;
}

const struct bm_suite *
bm_suite_named(const char *text)
{
	size_t n;
	const struct bm_suite *table = bm_suite_table(&n);

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		char *end;
		unsigned long id = strtoul(text + 2, &end, 16);
		bool whole = *end == '\0' && strlen(text) == 6;
		return whole && id <= UINT16_MAX ? bm_suite_find((unsigned)id) : NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (is_named(table[i].name, text))
			return &table[i];
	return NULL;
}

static const char *
hmac_name(enum bm_hash h)
{
	switch (h) {
	case BM_MD5:
		return "HMAC-MD5";
	case BM_SHA1:
		return "HMAC-SHA1";
	case BM_SHA256:
		return "HMAC-SHA256";
	case BM_SHA384:
		return "HMAC-SHA384";
	default:
		return "HMAC-SM3";
	}
}

/* A tag is a polynomial in a secret point over the blocks: up to 1025 of a record with its inner
 * type, one of additional data, one of lengths, so DEGREE is at most 1027. Damage passes where the
 * difference of two has a root: at most DEGREE of 2^128 points (McGrew and Viega, 2004), and for
 * Poly1305 8 DEGREE of 2^106 (Bernstein, 2005). */
static void
aead(const struct bm_suite *s, struct bm_mac_strength *out)
{
	switch (s->mode) {
	case BM_MODE_GCM:
		out->name = "GCM tag";
		out->source = "RFC 5288, section 3; RFC 8446, section 5.2";
		out->miss_log2 = -128 + 10.01; /* over log2(DEGREE) */
		break;
	case BM_MODE_POLY1305:
		out->name = "Poly1305 tag";
		out->source = "RFC 7905, section 2; RFC 8439, section 2.5";
		out->miss_log2 = -106 + 13.01; /* over log2(8 DEGREE) */
		break;
	default:
		out->name = s->tag_len == 8 ? "CCM_8 tag" : "CCM tag";
		out->source = "RFC 6655, sections 3 and 4";
		break;
	}
}

bool
bm_mac_strength(const struct bm_suite *s, struct bm_mac_strength *out)
{
	size_t octets = s->tag_len != 0 ? s->tag_len : bm_hash_size(s->mac);

	if (!s->verifiable || octets == 0)
		return false;
	*out = (struct bm_mac_strength){
		.bits = (unsigned)(8 * octets), .miss_log2 = -8.0 * (double)octets};
	if (s->tag_len == 0) {
		out->name = hmac_name(s->mac);
		out->source = s->mac == BM_SHA384 ? "RFC 5289, section 3.1" : "RFC 5246, appendix C";
	} else {
		aead(s, out);
	}
	return true;
}
