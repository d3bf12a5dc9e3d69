/* Answers that have another name than the fault and are as right, each with its reason. Whoever
 * goes by them does the same as by the fault's own name. */
#include "lab/judge.h"

#include "tls/suites.h"

enum { HMAC = LAB_MAC_BEHIND | LAB_MAC_INSIDE | LAB_STREAM | LAB_CLEAR };

static const struct lab_alike table[] = {
	{"bytes-damaged", "run", HMAC, "unexplained", false,
		"under an HMAC five octets cannot be searched; the record is named"},
	{"bytes-damaged", "run", LAB_SHORT_TAG, "unexplained", false,
		"five octets at any place are too many for 64 bits of tag to prove; the record is named"},
	{"bytes-damaged", "zeros", LAB_CLEAR, "unexplained", false,
		"content may have a run of one value, and 64 octets cannot be searched; the record is "
		"named"},
	{"stale-data", NULL, LAB_CLEAR, "unexplained", false,
		"content may repeat, and 80 octets cannot be searched; the record is named"},
	{"tag-damaged", NULL, LAB_MAC_INSIDE, "bits-flipped", true,
		"under CBC the lab cannot tell the MAC from the content; the octets are named"},
	{"tag-damaged", NULL, LAB_MAC_INSIDE, "bytes-damaged", true,
		"under CBC the lab cannot tell the MAC from the content; the octets are named"},
	{"bits-flipped", NULL, LAB_MAC_INSIDE, "tag-damaged", true,
		"under CBC the lab cannot tell the MAC from the content; the octets are named"},
	{"words-swapped", NULL, LAB_MAC_INSIDE, "tag-damaged", true,
		"under CBC the lab cannot tell the MAC from the content; the octets are named"},
};

unsigned
lab_kind_of(const json_t *fault)
{
	const char *name = json_string_value(json_object_get(fault, "cipher_suite"));
	bool etm = json_is_true(json_object_get(fault, "encrypt_then_mac"));
	size_t count = 0;
	const struct bm_suite *s = bm_suite_table(&count), *end = s + count;

	while (s < end && (name == NULL || strcmp(s->name, name) != 0))
		s++;
	if (s == end)
		return 0;
	if (s->tag_len != 0)
		return s->tag_len < 16 ? LAB_SHORT_TAG : LAB_AEAD;
	if (s->mode != BM_MODE_CBC)
		return s->cipher == BM_CIPHER_NULL ? LAB_CLEAR : LAB_STREAM;
	return etm ? LAB_MAC_BEHIND : LAB_MAC_INSIDE;
}

const struct lab_alike *
lab_alike_find(const char *cause, const char *how, unsigned kind, const char *told)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct lab_alike *a = &table[i];
		if (strcmp(a->cause, cause) == 0 && (a->kinds & kind) != 0 && strcmp(a->told, told) == 0 &&
			(a->how == NULL || (how != NULL && strcmp(a->how, how) == 0)))
			return a;
	}
	return NULL;
}
