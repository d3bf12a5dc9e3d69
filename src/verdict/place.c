/* Where the capture was taken, when nobody says: what the packets of each side show of it. Refuses
 * to guess between two answers. */
#include "verdict/verdict.h"

/* A packet that no router has touched has one of the usual initial TTLs. */
static bool
untouched(uint8_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

/* Were this side's segments captured before its network card filled their checksums in? */
static bool
unfinished(const uint64_t *checksums)
{
	return checksums[BM_CHECKSUM_OFFLOADED] >= 2 && checksums[BM_CHECKSUM_VALID] == 0;
}

static bool
finished(const uint64_t *checksums)
{
	return checksums[BM_CHECKSUM_VALID] >= 2 && checksums[BM_CHECKSUM_OFFLOADED] == 0;
}

enum bm_place
bm_verdict_place(const struct bm_session *s, const char **because)
{
	struct bm_flow *f = bm_session_flow_of(s);
	enum bm_way client = bm_session_facts(s)->client_way, server = (enum bm_way)(1 - client);

	if (bm_flow_transport(f) == BM_TCP) {
		const uint64_t *c = bm_stream_checksums(bm_flow_stream(f, client));
		const uint64_t *v = bm_stream_checksums(bm_flow_stream(f, server));
		if (unfinished(c) && finished(v)) {
			*because = "the capture was taken at the client, it seems: the checksums of its "
					   "packets alone are "
					   "still to be filled in by a network card";
			return BM_AT_CLIENT;
		}
		if (unfinished(v) && finished(c)) {
			*because = "the capture was taken at the server, it seems: the checksums of its "
					   "packets alone are "
					   "still to be filled in by a network card";
			return BM_AT_SERVER;
		}
	}
	bool c = untouched(bm_flow_ttl(f, client)), v = untouched(bm_flow_ttl(f, server));
	if (bm_flow_ttl(f, client) == 0 || bm_flow_ttl(f, server) == 0 || (c && v))
		return BM_AT_UNKNOWN;
	if (c) {
		*because = "the capture was taken at or near the client, it seems: its packets have passed "
				   "no router, those "
				   "of the server have";
		return BM_AT_UNKNOWN; /* its network may still lie between */
	}
	if (v) {
		*because = "the capture was taken at or near the server, it seems: its packets have passed "
				   "no router, those "
				   "of the client have";
		return BM_AT_UNKNOWN;
	}
	*because =
		"the capture was taken between the two, it seems: the packets of both have passed routers";
	return BM_AT_MIDDLE;
}
