/* Where the capture was taken, when nobody says: what the packets of each side show of it. Refuses
 * to guess between two answers. That only one side has segments larger than the path takes does not
 * count: its own host makes such (TSO), and so does the other one (GRO). */
#include "verdict/verdict.h"

enum {
	NEAR_NS = 500000, /* within which a host, or one next to it, answers */
	FAR_NS = 2000000, /* from which on the answer has come a long way */
	FEW = 2           /* segments that say the same */
};

/* A packet that no router has touched has one of the usual initial TTLs. */
static bool
untouched(const struct bm_sighting *s)
{
	return s->ttl == 64 || s->ttl == 128 || s->ttl == 255;
}

/* Were this side's segments captured before its network card filled their checksums in? What a
 * receiving host merges (GRO) looks so too, but for segments without payload. */
static bool
unfinished(const struct bm_sighting *s)
{
	return s->checksums[BM_CHECKSUM_OFFLOADED] >= FEW && s->checksums[BM_CHECKSUM_VALID] == 0 &&
		   s->bare_valid == 0;
}

static bool
finished(const struct bm_sighting *s)
{
	return s->checksums[BM_CHECKSUM_VALID] >= FEW && s->checksums[BM_CHECKSUM_OFFLOADED] == 0;
}

/* Frames that say that this host sent them, and frames that say that they came in. A router sees
 * that too, on one of its interfaces: its TTLs tell. */
static bool
sent_here(const struct bm_sighting *s, const struct bm_sighting *other)
{
	return s->outbound >= FEW && s->inbound == 0 && other->inbound >= FEW && other->outbound == 0 &&
		   (s->ttl == 0 || untouched(s));
}

/* From the handshake (RFC 9293, section 3.5): the client's answer to the SYN/ACK comes at once
 * where the client is near, the SYN/ACK where the server is. */
static enum bm_place
nearer(const struct bm_sighting *client, const struct bm_sighting *server, uint64_t *answer,
	uint64_t *wait)
{
	if (client->syn_ns == 0 || server->syn_ns <= client->syn_ns ||
		client->first_ns <= server->syn_ns)
		return BM_AT_UNKNOWN;
	uint64_t by_server = server->syn_ns - client->syn_ns;
	uint64_t by_client = client->first_ns - server->syn_ns;
	*answer = by_client < by_server ? by_client : by_server;
	*wait = by_client < by_server ? by_server : by_client;
	if (*answer > NEAR_NS || *wait < FAR_NS)
		return BM_AT_UNKNOWN;
	return by_client < by_server ? BM_AT_CLIENT : BM_AT_SERVER;
}

static const char *
word(enum bm_place p)
{
	return p == BM_AT_CLIENT ? "client" : "server";
}

static enum bm_place
at(bool client, bool server)
{
	return client == server ? BM_AT_UNKNOWN : client ? BM_AT_CLIENT : BM_AT_SERVER;
}

enum bm_place
bm_verdict_place_of(const struct bm_sighting *client, const struct bm_sighting *server,
	bool same_host, struct bm_arena *arena, const char **because)
{
	uint64_t answer = 0, wait = 0;

	*because = NULL;
	if (same_host) {
		*because = "both ends are on the host where the capture was taken";
		return BM_AT_UNKNOWN;
	}
	enum bm_place frames = at(sent_here(client, server), sent_here(server, client));
	enum bm_place sums =
		at(unfinished(client) && finished(server), unfinished(server) && finished(client));
	if (frames != BM_AT_UNKNOWN && sums != BM_AT_UNKNOWN && frames != sums)
		return BM_AT_UNKNOWN;
	if (frames != BM_AT_UNKNOWN) {
		*because = bm_arena_print(arena,
			"the capture was taken at the %s, it seems: its frames say that they were sent there, "
			"the others that they came in",
			word(frames));
		return frames;
	}
	if (sums != BM_AT_UNKNOWN) {
		*because = bm_arena_print(arena,
			"the capture was taken at the %s, it seems: the checksums of its packets alone are "
			"still to be filled in by a network card",
			word(sums));
		return sums;
	}
	bool c = untouched(client), v = untouched(server);
	bool both = client->ttl != 0 && server->ttl != 0;
	enum bm_place hops = both ? at(c, v) : BM_AT_UNKNOWN;
	enum bm_place time = nearer(client, server, &answer, &wait);
	if (hops != BM_AT_UNKNOWN && time != BM_AT_UNKNOWN && hops != time)
		return BM_AT_UNKNOWN;
	/* Near is not there: a network may still lie between. */
	if (hops != BM_AT_UNKNOWN)
		*because = bm_arena_print(arena,
			"the capture was taken at or near the %s, it seems: its packets have passed no router, "
			"those of the other side have",
			word(hops));
	else if (time != BM_AT_UNKNOWN)
		*because = bm_arena_print(arena,
			"the capture was taken at or near the %s, it seems: in the TCP handshake its answer "
			"came after %.2f ms, that of the other side after %.1f ms",
			word(time), (double)answer / 1e6, (double)wait / 1e6);
	else if (both && !c && !v) {
		*because = "the capture was taken between the two, it seems: the packets of both have "
				   "passed routers";
		return BM_AT_MIDDLE;
	}
	return BM_AT_UNKNOWN;
}

static bool
is_loopback(const struct bm_address *a)
{
	static const uint8_t six[16] = {[15] = 1};

	return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, six, sizeof six) == 0;
}

static bool
is_same(const struct bm_address *a, const struct bm_address *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

enum bm_place
bm_verdict_place(const struct bm_session *s, struct bm_arena *arena, const char **because)
{
	const struct bm_flow *f = bm_session_flow(s);
	enum bm_way client = bm_session_facts(s)->client_way, server = (enum bm_way)(1 - client);
	struct bm_sighting c = bm_flow_sighting(f, client), v = bm_flow_sighting(f, server);
	const struct bm_address *from = bm_flow_source(f, client), *to = bm_flow_source(f, server);

	return bm_verdict_place_of(
		&c, &v, is_same(from, to) || (is_loopback(from) && is_loopback(to)), arena, because);
}

const char *
bm_verdict_place_given(enum bm_place place)
{
	switch (place) {
	case BM_AT_SENDER:
		return "the capture was taken at the sender, as --at says";
	case BM_AT_RECEIVER:
		return "the capture was taken at the receiver, as --at says";
	case BM_AT_CLIENT:
		return "the capture was taken at the client, as --at says";
	case BM_AT_SERVER:
		return "the capture was taken at the server, as --at says";
	case BM_AT_MIDDLE:
		return "the capture was taken between the two, as --at says";
	case BM_AT_UNKNOWN:
		break;
	}
	return NULL;
}
