/* What alerts and their levels are called. Refuses to know what they mean. */
#include "tls/alert.h"

#include <stddef.h>
#include <stdint.h>

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
bm_alert_level(unsigned level)
{
	return level == 1 ? "warning" : level == 2 ? "fatal" : NULL;
}
