/* Versions and record headers of TLS. Refuses to know what records hold. */
#include "tls/record.h"

const char *
bm_version_name(unsigned version)
{
	switch (version) {
	case BM_SSL2:
		return "SSL 2.0";
	case BM_SSL3:
		return "SSL 3.0";
	case BM_TLS10:
		return "TLS 1.0";
	case BM_TLS11:
		return "TLS 1.1";
	case BM_TLS12:
		return "TLS 1.2";
	case BM_TLS13:
		return "TLS 1.3";
	case BM_DTLS10:
		return "DTLS 1.0";
	case BM_DTLS12:
		return "DTLS 1.2";
	case BM_DTLS13:
		return "DTLS 1.3";
	default:
		return NULL;
	}
}

bool
bm_version_is_dtls(unsigned version)
{
	return version == BM_DTLS10 || version == BM_DTLS12 || version == BM_DTLS13;
}

unsigned
bm_version_rules(unsigned version)
{
	switch (version) {
	case BM_DTLS10:
		return BM_TLS11; /* RFC 4347 is written as a change to TLS 1.1 */
	case BM_DTLS12:
		return BM_TLS12;
	case BM_DTLS13:
		return BM_TLS13;
	default:
		return version;
	}
}

struct bm_record_header
bm_record_header(const uint8_t p[BM_HEADER])
{
	return (struct bm_record_header){p[0], bm_load16(p + 1), bm_load16(p + 3)};
}

bool
bm_record_plausible(struct bm_record_header h, unsigned version)
{
	if (h.type < BM_CCS || h.type > BM_HEARTBEAT)
		return false;
	if (version != 0 ? h.version != version : h.version < BM_SSL3 || h.version > BM_TLS13)
		return false;
	/* RFC 8446, section 5.1: only application data may be empty. */
	return h.length <= BM_BODY_MAX && (h.length != 0 || h.type == BM_APPLICATION_DATA);
}
