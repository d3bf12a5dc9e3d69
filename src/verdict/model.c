/* The words of the model: ids of causes, parties, confidence, conclusions, and the names of alerts.
 * Refuses to know how any of them was arrived at. */
#include "verdict/model.h"

#include <stdlib.h>
#include <string.h>

const char *
bm_cause_id(enum bm_cause c)
{
	static const char *const id[] = {
#define BM_CAUSE_ID(name, text) text,
		BM_CAUSE_LIST(BM_CAUSE_ID)
#undef BM_CAUSE_ID
	};

	return (unsigned)c < BM_CAUSE_COUNT ? id[c] : id[BM_CAUSE_UNEXPLAINED];
}

const char *
bm_party_id(enum bm_party p)
{
	static const char *const id[] = {
#define BM_PARTY_ID(name, text) text,
		BM_PARTY_LIST(BM_PARTY_ID)
#undef BM_PARTY_ID
	};

	return (unsigned)p < BM_PARTY_COUNT ? id[p] : "capture";
}

bool
bm_blames(const struct bm_failure *f, enum bm_party p)
{
	for (size_t i = 0; i < f->at_fault_count; i++)
		if (f->at_fault[i] == p)
			return true;
	return false;
}

const char *
bm_confidence_id(enum bm_confidence c)
{
	switch (c) {
	case BM_PROVEN:
		return "proven";
	case BM_SUPPORTED:
		return "supported";
	case BM_POSSIBLE:
		break;
	}
	return "possible";
}

const char *
bm_conclusion_id(enum bm_conclusion c)
{
	switch (c) {
	case BM_RESULT_VERIFIED:
		return "verified";
	case BM_RESULT_FAILED:
		return "failed";
	case BM_RESULT_UNDECIDED:
		break;
	}
	return "undecided";
}

const char *
bm_side_word(unsigned direction)
{
	return direction == BM_CLIENT_TO_SERVER ? "client" : "server";
}

/* The TLS Alerts registry, with the names that codes had before they were withdrawn. */
const char *
bm_alert_name(unsigned description)
{
	static const struct {
		uint8_t code;
		const char *name;
	} alerts[] = {
		{0, "close_notify"},
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{21, "decryption_failed"}, /* RFC 2246, 7.2 */
		{22, "record_overflow"},
		{30, "decompression_failure"}, /* RFC 5246, 7.2 */
		{40, "handshake_failure"},
		{41, "no_certificate"}, /* RFC 6101, 5.4 */
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{52, "too_many_cids_requested"}, /* RFC 9147, 9 */
		{60, "export_restriction"},      /* RFC 2246, 7.2 */
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"}, /* RFC 7507 */
		{90, "user_canceled"},
		{100, "no_renegotiation"}, /* RFC 5246, 7.2 */
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{111, "certificate_unobtainable"}, /* RFC 6066, 9 */
		{112, "unrecognized_name"},        /* RFC 6066, 9 */
		{113, "bad_certificate_status_response"},
		{114, "bad_certificate_hash_value"}, /* RFC 6066, 9 */
		{115, "unknown_psk_identity"},       /* RFC 4279, 2 */
		{116, "certificate_required"},
		{117, "general_error"},
		{120, "no_application_protocol"}, /* RFC 7301, 3.2 */
		{121, "ech_required"},
	};

	for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
		if (alerts[i].code == description)
			return alerts[i].name;
	return NULL;
}

const char *
bm_checksum_name(enum bm_checksum c)
{
	switch (c) {
	case BM_CHECKSUM_VALID:
		return "valid";
	case BM_CHECKSUM_INVALID:
		return "invalid";
	case BM_CHECKSUM_OFFLOADED:
		return "offloaded";
	case BM_CHECKSUM_UNKNOWN:
		break;
	}
	return NULL;
}

const char *
bm_alert_level(unsigned level)
{
	return level == 1 ? "warning" : level == 2 ? "fatal" : NULL;
}

static const char *
keep_words(char **to, const char *words)
{
	char *kept = *to;

	if (words == NULL)
		return NULL;
	size_t n = strlen(words) + 1;
	memcpy(kept, words, n);
	*to += n;
	return kept;
}

static size_t
words_size(const char *words)
{
	return words != NULL ? strlen(words) + 1 : 0;
}

static void *
keep_array(char **to, const void *items, size_t octets)
{
	void *kept = *to;

	if (octets != 0)
		memcpy(kept, items, octets);
	*to += octets;
	return kept;
}

struct bm_connection *
bm_connection_keep(const struct bm_connection *c, size_t *size)
{
	size_t alerts = c->alert_count * sizeof *c->alerts;
	size_t words = words_size(c->server_name) + words_size(c->undecided_because) +
				   words_size(c->undecided_detail) + words_size(c->undecided_next);

	const struct bm_course *course = c->course;
	size_t records = course != NULL ? course->record_count * sizeof *course->records : 0;
	size_t events = course != NULL ? course->event_count * sizeof *course->events : 0;

	*size = sizeof *c + alerts + words + (course != NULL ? sizeof *course : 0) + records + events;
	struct bm_connection *kept = malloc(*size);
	if (kept == NULL)
		return NULL;
	*kept = *c;
	char *n = (void *)(kept + 1);
	/* What has the largest members stands first. */
	if (course != NULL) {
		struct bm_course *own = keep_array(&n, course, sizeof *course);
		own->records = keep_array(&n, course->records, records);
		own->events = keep_array(&n, course->events, events);
		kept->course = own;
	}
	kept->alerts = keep_array(&n, c->alerts, alerts);
	kept->server_name = keep_words(&n, c->server_name);
	kept->undecided_because = keep_words(&n, c->undecided_because);
	kept->undecided_detail = keep_words(&n, c->undecided_detail);
	kept->undecided_next = keep_words(&n, c->undecided_next);
	kept->failures = NULL;
	return kept;
}
