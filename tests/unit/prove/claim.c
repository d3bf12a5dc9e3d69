/* One capture, and what is true of it. */
#include "claim.h"

#include <stdlib.h>
#include <string.h>

static const char client_random[] =
	"0b525c5e80667436f0a2997868e9d9ba8760003f2e3a2ea5f8d3766f45cdeb93";

void
claim_truth(struct told *t)
{
	*t = (struct told){.packet = 21, .received = 0xb0, .sent = 0xa0};
	for (size_t i = 0; i < sizeof t->random; i++) {
		unsigned v = 0;
		(void)sscanf(client_random + 2 * i, "%2x", &v);
		t->random[i] = (uint8_t)v;
	}
	t->damage = (struct badmac_claimed_damage){.record_offset = 205,
		.stream_offset = 3572,
		.length = 1,
		.packet = 21,
		.packet_offset = 271,
		.received = {&t->received, 1},
		.sent = {&t->sent, 1},
		.received_known = 1,
		.sent_known = 1};
	t->failure = (struct badmac_claim){.epoch = 3,
		.sequence_number = 3,
		.stream_offset = 3367,
		.length = 1022,
		.packets = &t->packet,
		.packet_count = 1,
		.cause = "bits-flipped",
		.proven = 1,
		.has_proof = 1,
		.method = "ghash-syndrome",
		.tag_bits = 128,
		.candidates = 8007,
		.chance_log2 = -115.03,
		.has_altered = 1,
		.altered = {.inputs = BADMAC_INPUT_BYTES,
			.epoch = 3,
			.sequence_number = 3,
			.stream_offset = 3367,
			.packet = 21,
			.packet_offset = 66,
			.padding = BADMAC_UNKNOWN,
			.keystream_offset = BADMAC_UNKNOWN,
			.sent_packet_offset = BADMAC_UNKNOWN},
		.damage = &t->damage,
		.damage_count = 1,
		.checksum_as_captured = BADMAC_SUM_VALID,
		.checksum_as_sent = BADMAC_SUM_INVALID};
	t->alert = (struct badmac_claimed_alert){
		BADMAC_SERVER_TO_CLIENT, "fatal", "bad_record_mac", 20, 28, 1, 0};
	t->connection = (struct badmac_claimed_connection){.client = "10.9.2.2:44636",
		.server = "10.9.2.1:4433",
		.first_ns = UINT64_C(1795475029553087000),
		.last_ns = UINT64_C(1795475030494463000),
		.version = "TLS 1.3",
		.cipher_suite = "TLS_AES_256_GCM_SHA384",
		.keys = BADMAC_KEYS_KEY_LOG,
		.max_fragment_length = BADMAC_UNKNOWN,
		.record_size_limit = BADMAC_UNKNOWN,
		.compression = BADMAC_UNKNOWN,
		.result = BADMAC_FAILED,
		.alerts = &t->alert,
		.alert_count = 1,
		.client_random = {t->random, sizeof t->random},
		.records = {{10, 1, 0, 2}, {10, 0, 0, 2}},
		.failures = &t->failure,
		.failure_count = 1};
	t->all = (struct badmac_claims){.connections = &t->connection,
		.connection_count = 1,
		.records = {20, 1, 0, 4},
		.result = BADMAC_FAILED,
		.connections_told = 1,
		.packets = 32,
		.bytes = 17586};
}

struct bytes
read_data(const char *name)
{
	char path[1024];
	struct bytes b = {NULL, 0};
	const char *tests = getenv("BADMAC_TESTS");

	(void)snprintf(path, sizeof path, "%s/data/damaged/tls13-aes256gcm/bitflip/%s",
		tests != NULL ? tests : "tests", name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return b;
	b.p = malloc(1 << 20);
	if (b.p != NULL)
		b.n = fread(b.p, 1, 1 << 20, f);
	fclose(f);
	return b;
}

static int
write_nothing(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	return 1;
}

struct badmac *
claim_about(
	const struct told *t, struct bytes capture, struct bytes keys, enum badmac_status *status)
{
	const struct badmac_options o = {.write = write_nothing};
	struct badmac *b;

	*status = badmac_new(&b, &o, NULL);
	if (*status == BADMAC_OK)
		*status = badmac_add_claims(b, &t->all, NULL);
	if (*status == BADMAC_OK && keys.n != 0)
		*status = badmac_add_keys(b, keys.p, keys.n, NULL);
	if (*status == BADMAC_OK)
		*status = badmac_add_capture(b, "receiver.pcap", capture.p, capture.n, NULL);
	if (*status == BADMAC_OK)
		return b;
	badmac_free(b);
	return NULL;
}
