/* From the model of a report to claims: the same by other names. Refuses to judge. */
#include "claims/claims.h"
#include "claims/when.h"

#include <string.h>

static struct badmac_bytes
bytes(struct bm_view v)
{
	return (struct badmac_bytes){v.p, v.n};
}

static struct badmac_counts
counts(const struct bm_found_counts *c)
{
	return (struct badmac_counts){c->verified, c->failed, c->undecided, c->plaintext};
}

static struct badmac_claimed_mac_rule
mac_rule(const struct bm_found_mac_rule *r)
{
	return (struct badmac_claimed_mac_rule){.order = r->order,
		.tag_length = r->tag_length,
		.mac = r->mac,
		.cipher_key = r->cipher_key,
		.mac_key = r->mac_key,
		.iv = r->iv,
		.nonce = r->nonce,
		.number = r->number,
		.number_in = r->number_in,
		.version = r->version,
		.header = r->header,
		.length = r->length};
}

static struct badmac_claimed_change
change(const struct bm_found_altered *a)
{
	const struct bm_found_record *o = &a->other_record;

	return (struct badmac_claimed_change){.inputs = a->inputs,
		.direction = (enum badmac_direction)a->direction,
		.epoch = a->epoch,
		.sequence_number = a->sequence_number,
		.stream_offset = a->stream_offset,
		.packet = a->packet,
		.packet_offset = a->packet_offset,
		.sender = a->sender,
		.receiver = a->receiver,
		.session = bytes(a->session),
		.rule = a->rule,
		.has_mac_rule = a->has_mac_rule,
		.mac_rule = mac_rule(&a->mac_rule),
		.padding = a->padding,
		.keystream_offset = a->keystream_offset,
		.iv = bytes(a->iv),
		.capture = a->capture,
		.sent_packets = a->sent_packets,
		.sent_packet_count = a->sent_packet_count,
		.sent_packet_offset = a->sent_packet_offset,
		.has_other_record = a->has_other_record,
		.other_record = {
			(enum badmac_direction)o->direction, o->stream_offset, o->packet, o->sequence_number}};
}

static bool
fill_damage(const struct bm_found_failure *f, struct bm_arena *arena, struct badmac_claim *out)
{
	struct badmac_claimed_damage *d = bm_arena_take(arena, f->damage_count, sizeof *d);

	if (d == NULL)
		return false;
	for (size_t i = 0; i < f->damage_count; i++) {
		const struct bm_found_damage *x = &f->damage[i];
		d[i] = (struct badmac_claimed_damage){.record_offset = x->record_offset,
			.stream_offset = x->stream_offset,
			.length = x->length,
			.packet = x->packet,
			.packet_offset = x->packet_offset,
			.received = bytes(x->received),
			.sent = bytes(x->sent),
			.received_known = x->received_known,
			.sent_known = x->sent_known};
	}
	out->damage = d;
	out->damage_count = f->damage_count;
	return true;
}

static bool
fill_claim(const struct bm_found_failure *f, struct bm_arena *arena, struct badmac_claim *out)
{
	*out = (struct badmac_claim){.direction = (enum badmac_direction)f->direction,
		.epoch = f->epoch,
		.sequence_number = f->sequence_number,
		.stream_offset = f->stream_offset,
		.length = f->length,
		.packets = f->packets,
		.packet_count = f->packet_count,
		.cause = f->cause,
		.proven = f->confidence == BM_FOUND_PROVEN,
		.at_fault = f->at_fault.at,
		.at_fault_count = f->at_fault.count,
		.has_proof = f->has_proof,
		.checksum_as_captured = (enum badmac_sum)f->checksum_as_captured,
		.checksum_as_sent = (enum badmac_sum)f->checksum_as_sent};
	if (f->has_proof) {
		out->method = f->proof.method;
		out->tag_bits = f->proof.tag_bits;
		out->candidates = f->proof.candidates;
		out->chance_log2 = f->proof.chance_log2;
		out->has_altered = f->proof.has_altered;
		if (f->proof.has_altered)
			out->altered = change(&f->proof.altered);
	}
	return fill_damage(f, arena, out);
}

static enum badmac_keys_from
keys_from(const char *word)
{
	static const char *const words[] = {[BADMAC_KEYS_KEY_LOG] = "key log",
		[BADMAC_KEYS_SECRETS_BLOCK] = "secrets block",
		[BADMAC_KEYS_PRIVATE_KEY] = "private key",
		[BADMAC_KEYS_JSSE_LOG] = "jsse log"};

	if (word == NULL)
		return BADMAC_KEYS_NONE;
	for (int i = BADMAC_KEYS_KEY_LOG; i < BADMAC_KEYS_OTHER; i++)
		if (strcmp(words[i], word) == 0)
			return (enum badmac_keys_from)i;
	return BADMAC_KEYS_OTHER;
}

static enum badmac_result
result(enum bm_found_result r)
{
	return r == BM_FOUND_VERIFIED ? BADMAC_VERIFIED
		   : r == BM_FOUND_FAILED ? BADMAC_FAILED
								  : BADMAC_UNDECIDED;
}

static bool
fill_alerts(const struct bm_found_connection *c, struct bm_arena *arena,
	struct badmac_claimed_connection *out)
{
	struct badmac_claimed_alert *a = bm_arena_take(arena, c->alert_count, sizeof *a);

	if (a == NULL)
		return false;
	for (size_t i = 0; i < c->alert_count; i++) {
		const struct bm_found_alert *x = &c->alerts[i];
		a[i] = (struct badmac_claimed_alert){(enum badmac_direction)x->direction, x->level,
			x->description, x->code, x->packet, x->encrypted,
			x->stale == BM_FOUND_NO_ANSWER ? -1 : x->stale == BM_FOUND_YES};
	}
	out->alerts = a;
	out->alert_count = c->alert_count;
	return true;
}

static bool
fill_connection(const struct bm_found_connection *c, struct bm_arena *arena,
	struct badmac_claimed_connection *out)
{
	struct badmac_claim *f = bm_arena_take(arena, c->failure_count, sizeof *f);

	if (f == NULL)
		return false;
	for (size_t i = 0; i < c->failure_count; i++)
		if (!fill_claim(&c->failures[i], arena, &f[i]))
			return false;
	*out = (struct badmac_claimed_connection){.capture = c->capture,
		.client = c->client,
		.server = c->server,
		.server_name = c->server_name,
		.udp = c->transport == BM_FOUND_UDP,
		.first_ns = claims_time(c->first_time),
		.last_ns = claims_time(c->last_time),
		.version = c->version,
		.cipher_suite = c->cipher_suite,
		.resumed = c->resumed == BM_FOUND_NO_ANSWER ? -1 : c->resumed == BM_FOUND_YES,
		.keys = keys_from(c->keys),
		.extended_master_secret = c->extended_master_secret,
		.encrypt_then_mac = c->encrypt_then_mac,
		.truncated_hmac = c->truncated_hmac,
		.max_fragment_length = c->max_fragment_length,
		.record_size_limit = c->record_size_limit,
		.compression = c->compression,
		.result = result(c->result),
		.records_after_close = c->records_after_close,
		.capture_gaps = c->capture_gaps,
		.client_random = {c->client_random, c->has_client_random ? sizeof c->client_random : 0},
		.records = {counts(&c->records[0]), counts(&c->records[1])},
		.failures = f,
		.failure_count = c->failure_count};
	return fill_alerts(c, arena, out);
}

enum bm_status
bm_claims_from(const struct bm_findings *f, struct bm_claims *out)
{
	*out = (struct bm_claims){.findings = f, .arena = {.max = BM_FINDINGS_HELD}};
	struct badmac_claimed_connection *c =
		bm_arena_take(&out->arena, f->connection_count, sizeof *c);

	if (c == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < f->connection_count; i++)
		if (!fill_connection(&f->connections[i], &out->arena, &c[i]))
			return BM_NOMEM;
	out->claims = (struct badmac_claims){.connections = c,
		.connection_count = f->connection_count,
		.records = counts(&f->records),
		.result = result(f->result),
		.connections_told = f->connections_told,
		.records_after_close = f->records_after_close,
		.packets = f->packets,
		.bytes = f->bytes,
		.undecoded = f->undecoded,
		.seen_elsewhere = f->seen_elsewhere};
	return BM_OK;
}

void
bm_claims_clear(struct bm_claims *c)
{
	bm_arena_clear(&c->arena);
	*c = (struct bm_claims){.findings = NULL};
}

static void
count_whole(struct bm_claims_count *n, const struct badmac_judgement *j)
{
	n->counts_hold += j->verdict == BADMAC_HOLDS;
	n->counts_wrong += j->verdict == BADMAC_DOES_NOT_HOLD;
	n->counts_unchecked += j->verdict == BADMAC_CANNOT_BE_CHECKED;
}

struct bm_claims_count
bm_claims_count(const struct bm_claims *c, const struct badmac *b)
{
	struct bm_claims_count n = {0};
	const struct badmac_judgement *j = badmac_judgement(b, BADMAC_WHOLE, BADMAC_WHOLE);

	if (j != NULL)
		count_whole(&n, j);
	for (size_t i = 0; i < c->claims.connection_count; i++) {
		j = badmac_judgement(b, i, BADMAC_WHOLE);
		if (j != NULL)
			count_whole(&n, j);
		for (size_t k = 0; (j = badmac_judgement(b, i, k)) != NULL; k++) {
			n.hold += j->verdict == BADMAC_HOLDS;
			n.do_not_hold += j->verdict == BADMAC_DOES_NOT_HOLD;
			n.unchecked += j->verdict == BADMAC_CANNOT_BE_CHECKED;
			n.not_replayable += j->verdict == BADMAC_NOT_REPLAYABLE;
		}
	}
	return n;
}

enum badmac_verdict
bm_claims_verdict(const struct bm_claims_count *n)
{
	if (n->do_not_hold + n->counts_wrong != 0)
		return BADMAC_DOES_NOT_HOLD;
	return n->unchecked + n->not_replayable + n->counts_unchecked != 0 ? BADMAC_CANNOT_BE_CHECKED
																	   : BADMAC_HOLDS;
}
