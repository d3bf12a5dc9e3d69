/* The JSON report, badmac.diagnosis.v1: one connection a line, written as it comes. Refuses to know
 * more of the values than docs/OUTPUT.md says of them. */
#include "report/internal.h"
#include "report/json_out.h"

#include "tls/record.h"
#include "tls/suites.h"

#include <inttypes.h>
#include <stdio.h>

const char *
bm_direction_id(unsigned direction)
{
	return direction == BM_CLIENT_TO_SERVER ? "client_to_server" : "server_to_client";
}

static const char *
source_name(enum bm_key_source s)
{
	switch (s) {
	case BM_SOURCE_KEY_LOG:
		return "key log";
	case BM_SOURCE_SECRETS_BLOCK:
		return "secrets block";
	case BM_SOURCE_PRIVATE_KEY:
		return "private key";
	case BM_SOURCE_JSSE_LOG:
		return "jsse log";
	case BM_SOURCE_NONE:
		break;
	}
	return NULL;
}

static void
counts(struct json *j, const char *key, const struct bm_record_counts *c)
{
	name(j, key);
	begin(j, "{");
	number_or_null(j, "verified", c->verified);
	number_or_null(j, "failed", c->failed);
	number_or_null(j, "undecided", c->undecided);
	number_or_null(j, "plaintext", c->plaintext);
	end(j, "}");
}

static void
when(struct json *j, const char *key, uint64_t ts_ns)
{
	char text[BM_TIME_TEXT_MAX];

	bm_time_text(ts_ns, text);
	string_or_null(j, key, ts_ns != 0 ? text : NULL);
}

static void
address(struct json *j, const char *key, const struct bm_address *a)
{
	char text[BM_ADDRESS_TEXT_MAX];

	bm_address_text(a, text);
	string_or_null(j, key, text);
}

static void
alerts(struct json *j, const struct bm_connection *c)
{
	name(j, "alerts");
	begin(j, "[");
	for (size_t i = 0; i < c->alert_count; i++) {
		const struct bm_alert *a = &c->alerts[i];
		next(j);
		begin(j, "{");
		string_or_null(j, "direction", bm_direction_id(a->direction));
		string_or_null(j, "level", bm_alert_level(a->level));
		string_or_null(j, "description", bm_alert_name(a->description));
		number_or_null(
			j, "code", a->level == 0 && a->description == 255 ? BM_UNKNOWN : a->description);
		number_or_null(j, "packet", a->packet != 0 ? a->packet : BM_UNKNOWN);
		truth(j, "encrypted", a->encrypted);
		truth(j, "stale", a->stale);
		end(j, "}");
	}
	end(j, "]");
}

static void
address_or_null(struct json *j, const char *key, const struct bm_address *a)
{
	if (a->family != 0)
		address(j, key, a);
	else
		string_or_null(j, key, NULL);
}

static void
inputs(struct json *j, unsigned bits)
{
	static const struct {
		unsigned bit;
		const char *name;
	} all[] = {{BM_INPUT_BYTES, "bytes"}, {BM_INPUT_NUMBER, "sequence_number"},
		{BM_INPUT_EPOCH, "epoch"}, {BM_INPUT_DIRECTION, "direction"},
		{BM_INPUT_CONNECTION, "connection"}, {BM_INPUT_DERIVATION, "derivation"},
		{BM_INPUT_RULE, "rule"}, {BM_INPUT_PADDING, "padding"}, {BM_INPUT_KEYSTREAM, "keystream"},
		{BM_INPUT_RECORD, "record"}};

	name(j, "inputs");
	begin(j, "[");
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if ((bits & all[i].bit) == 0)
			continue;
		next(j);
		quote(j, all[i].name);
	}
	end(j, "]");
}

static void
other_record(struct json *j, const struct bm_altered *a)
{
	name(j, "other_record");
	if (!a->has_other) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	string_or_null(j, "direction", bm_direction_id(a->other.direction));
	number_or_null(j, "stream_offset", a->other.off);
	number_or_null(j, "packet", a->other.packet);
	number_or_null(j, "sequence_number", a->other.seq);
	end(j, "}");
}

static void
mac_rule(struct json *j, const struct bm_altered *a)
{
	const struct bm_mac_rule *r = &a->mac_rule;

	name(j, "mac_rule");
	if ((a->inputs & BM_INPUT_RULE) == 0) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	string_or_null(j, "order", r->order);
	number_or_null(j, "tag_length", r->tag_length != 0 ? r->tag_length : BM_UNKNOWN);
	string_or_null(j, "mac", r->mac);
	string_or_null(j, "cipher_key", r->cipher_key);
	string_or_null(j, "mac_key", r->mac_key);
	string_or_null(j, "iv", r->iv);
	string_or_null(j, "nonce", r->nonce);
	string_or_null(j, "number", r->number);
	string_or_null(j, "number_in", r->number_in);
	string_or_null(j, "version", r->version);
	string_or_null(j, "header", r->header);
	string_or_null(j, "length", r->length);
	end(j, "}");
}

static void
altered(struct json *j, const struct bm_altered *a)
{
	name(j, "altered");
	if (!a->told) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	inputs(j, a->inputs);
	string_or_null(j, "direction", bm_direction_id(a->direction));
	number_or_null(j, "epoch", a->epoch);
	number_or_null(j, "sequence_number", a->seq);
	number_or_null(j, "stream_offset", a->off);
	number_or_null(j, "packet", a->packet);
	number_or_null(j, "packet_offset", a->packet_off);
	address_or_null(j, "sender", &a->sender);
	address_or_null(j, "receiver", &a->receiver);
	if (a->session_n != 0)
		hex(j, "session", bm_view(a->session, a->session_n));
	else
		string_or_null(j, "session", NULL);
	string_or_null(j, "rule", a->rule);
	mac_rule(j, a);
	number_or_null(j, "padding", a->padding);
	number_or_null(j, "keystream_offset", a->keystream);
	if (a->iv_n != 0)
		hex(j, "iv", bm_view(a->iv, a->iv_n));
	else
		string_or_null(j, "iv", NULL);
	string_or_null(j, "capture", a->capture);
	name(j, "sent_packets");
	begin(j, "[");
	for (size_t i = 0; i < a->sent_packet_count; i++) {
		next(j);
		number(j, a->sent_packets[i]);
	}
	end(j, "]");
	number_or_null(j, "sent_packet_offset", a->sent_packet_off);
	other_record(j, a);
	end(j, "}");
}

static void
proof(struct json *j, const struct bm_failure *f)
{
	static const uint64_t MOST_SAFE = ((uint64_t)1 << 53) - 1;
	const struct bm_proof *p = &f->proof;

	name(j, "proof");
	if (!bm_proof_counts(f)) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	string_or_null(j, "method", p->method);
	number_or_null(j, "tag_bits", p->tag_bits);
	/* chance_log2 tells of more than every reader can hold (RFC 8259, section 6). */
	number_or_null(j, "candidates", p->candidates < MOST_SAFE ? p->candidates : MOST_SAFE);
	/* In hundredths, by hand: printf would ask the locale for its decimal point. */
	char text[32];
	double most = p->chance_log2 < -1e9 ? 1e9 : -p->chance_log2;
	uint64_t hundredths = (uint64_t)(most * 100 + 0.5);
	snprintf(
		text, sizeof text, "-%" PRIu64 ".%02u", hundredths / 100, (unsigned)(hundredths % 100));
	name(j, "chance_log2");
	raw(j, text);
	altered(j, &p->altered);
	end(j, "}");
}

static void
damage(struct json *j, const struct bm_failure *f)
{
	name(j, "damage");
	begin(j, "[");
	for (size_t i = 0; i < f->damage_count; i++) {
		const struct bm_damage *d = &f->damage[i];
		next(j);
		begin(j, "{");
		number_or_null(j, "record_offset", d->record_offset);
		number_or_null(j, "stream_offset", d->stream_offset);
		number_or_null(j, "length", d->length);
		number_or_null(j, "packet", d->packet);
		number_or_null(j, "packet_offset", d->packet_offset);
		hex(j, "received", d->received);
		if (d->sent_known)
			hex(j, "sent", d->sent);
		else
			string_or_null(j, "sent", NULL);
		end(j, "}");
	}
	end(j, "]");
}

static void
failure(struct json *j, const struct bm_failure *f)
{
	next(j);
	begin(j, "{");
	string_or_null(j, "direction", bm_direction_id(f->direction));
	number_or_null(j, "epoch", f->epoch);
	number_or_null(j, "sequence_number", f->sequence_number);
	number_or_null(j, "stream_offset", f->stream_offset);
	number_or_null(j, "length", f->length);
	name(j, "packets");
	begin(j, "[");
	for (size_t i = 0; i < f->packet_count; i++) {
		next(j);
		number(j, f->packets[i]);
	}
	end(j, "]");
	string_or_null(j, "cause", bm_cause_id(f->cause));
	string_or_null(j, "confidence", bm_confidence_id(f->confidence));
	name(j, "at_fault");
	begin(j, "[");
	for (size_t i = 0; i < f->at_fault_count; i++) {
		next(j);
		quote(j, bm_party_id(f->at_fault[i]));
	}
	end(j, "]");
	string_or_null(j, "summary", f->summary != NULL ? f->summary : "");
	proof(j, f);
	damage(j, f);
	name(j, "checksum");
	begin(j, "{");
	string_or_null(j, "as_captured", f->checksum_as_captured);
	string_or_null(j, "as_sent", f->checksum_as_sent);
	end(j, "}");
	strings(j, "evidence", f->evidence, f->evidence_count);
	name(j, "ruled_out");
	begin(j, "[");
	for (size_t i = 0; i < f->ruled_out_count; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "cause", bm_cause_id(f->ruled_out[i].cause));
		string_or_null(
			j, "because", f->ruled_out[i].because != NULL ? f->ruled_out[i].because : "");
		end(j, "}");
	}
	end(j, "]");
	strings(j, "next_steps", f->next_steps, f->next_step_count);
	end(j, "}");
}

const char *
bm_suite_text(uint16_t suite, char number[BM_SUITE_TEXT_MAX])
{
	const struct bm_suite *s = bm_suite_find(suite);

	/* An unregistered suite has no name, but a number that people can look for. */
	snprintf(number, BM_SUITE_TEXT_MAX, "0x%04X", (unsigned)suite);
	return s != NULL ? s->name : number;
}

static void
suite(struct json *j, const struct bm_connection *c)
{
	char number[BM_SUITE_TEXT_MAX];

	string_or_null(j, "cipher_suite", c->has_suite ? bm_suite_text(c->suite, number) : NULL);
}

/* What else the hellos agreed on; 0 means that it was not in use. */
static void
in_use(struct json *j, const char *key, unsigned value)
{
	number_or_null(j, key, value != 0 ? value : BM_UNKNOWN);
}

static void
start(struct json *j, enum bm_redaction level)
{
	begin(j, "{");
	string_or_null(j, "schema", "badmac.diagnosis.v1");
	string_or_null(j, "redacted", bm_redaction_id(level));
	raw(j, ",\n\"connections\": [");
}

void
bm_json_connection(
	struct bm_out *o, bool first, enum bm_redaction level, const struct bm_connection *c)
{
	struct json here = {o, true}, *j = &here;

	if (first)
		start(j, level);
	raw(j, first ? "\n" : ",\n");
	begin(j, "{");
	number_or_null(j, "id", c->id);
	string_or_null(j, "capture", c->capture);
	name(j, "also_in");
	begin(j, "[");
	for (size_t i = 0; i < c->also_in_count; i++) {
		next(j);
		quote(j, c->also_in[i]);
	}
	end(j, "]");
	string_or_null(j, "transport", c->transport == BM_UDP ? "udp" : "tcp");
	address(j, "client", &c->client);
	address(j, "server", &c->server);
	string_or_null(j, "server_name", c->server_name);
	when(j, "first_time", c->first_ts_ns);
	when(j, "last_time", c->last_ts_ns);
	string_or_null(j, "version", bm_version_name(c->version));
	suite(j, c);
	if (c->has_client_random)
		hex(j, "client_random", bm_view(c->client_random, sizeof c->client_random));
	else
		string_or_null(j, "client_random", NULL);
	if (c->resumed < 0)
		string_or_null(j, "resumed", NULL);
	else
		truth(j, "resumed", c->resumed != 0);
	string_or_null(j, "keys", source_name(c->keys));
	truth(j, "extended_master_secret", c->extended_master_secret);
	truth(j, "encrypt_then_mac", c->encrypt_then_mac);
	truth(j, "truncated_hmac", c->truncated_hmac);
	in_use(j, "max_fragment_length", bm_fragment_octets(c->max_fragment_length));
	in_use(j, "record_size_limit", c->record_size_limit);
	in_use(j, "compression", c->compression);
	string_or_null(j, "result", bm_conclusion_id(c->result));
	string_or_null(j, "undecided_because", c->undecided_because);
	string_or_null(j, "undecided_detail", c->undecided_detail);
	string_or_null(j, "undecided_next", c->undecided_next);
	name(j, "records");
	begin(j, "{");
	counts(j, "client_to_server", &c->records[BM_CLIENT_TO_SERVER]);
	counts(j, "server_to_client", &c->records[BM_SERVER_TO_CLIENT]);
	end(j, "}");
	number_or_null(j, "records_after_close", c->records[0].after_close + c->records[1].after_close);
	number_or_null(j, "capture_gaps", c->capture_gaps);
	alerts(j, c);
	name(j, "failures");
	begin(j, "[");
	for (size_t i = 0; i < c->failure_count; i++)
		failure(j, &c->failures[i]);
	end(j, "]");
	end(j, "}");
}

/* What numbers of packets count, where that is not one capture. */
static void
captures(struct json *j, const struct bm_summary *s)
{
	name(j, "captures");
	begin(j, "[");
	for (size_t i = 0; i < s->capture_count; i++) {
		const struct bm_capture_read *c = &s->captures[i];
		next(j);
		begin(j, "{");
		string_or_null(j, "name", c->name);
		string_or_null(j, "capture", c->capture);
		number_or_null(j, "first_packet", c->first_packet);
		number_or_null(j, "packets", c->packets);
		end(j, "}");
	}
	end(j, "]");
}

void
bm_json_finish(struct bm_out *o, bool first, enum bm_redaction level, const struct bm_summary *s,
	const struct bm_report_logs *logs)
{
	struct json here = {o, true}, *j = &here;

	if (first)
		start(j, level);
	raw(j, first ? "],\n" : "\n],\n");
	j->bare = true;
	if (logs != NULL)
		logs->json(logs->ctx, o);
	name(j, "summary");
	begin(j, "{");
	string_or_null(j, "result", bm_conclusion_id(s->result));
	number_or_null(j, "connections", s->connections);
	counts(j, "records", &s->records);
	number_or_null(j, "records_after_close", s->records.after_close);
	number_or_null(j, "packets", s->packets);
	number_or_null(j, "bytes", s->bytes);
	number_or_null(j, "undecoded", s->undecoded);
	number_or_null(j, "seen_elsewhere", s->seen_elsewhere);
	if (s->capture_count != 0)
		captures(j, s);
	name(j, "notices");
	begin(j, "[");
	for (size_t i = 0; i < s->notice_count; i++) {
		next(j);
		quote(j, s->notices[i].text != NULL ? s->notices[i].text : "");
	}
	end(j, "]");
	end(j, "}");
	raw(j, "}\n");
}
