/* The detail of the HTML report as JSON (docs/HTML.md): of one connection what came of each record,
 * what else happened, and the octets of what failed. Refuses to know what any of it means. */
#include "report/internal.h"
#include "report/json_out.h"

#include "tls/handshake.h"

#include <stdio.h>

/* How numbers are written that may be below 0, or unknown. */
static void
signed_number(struct json *j, int64_t n)
{
	char text[24];

	next(j);
	snprintf(text, sizeof text, "%" PRId64, n);
	raw(j, text);
}

/* Microseconds since `start`, rounded down. */
static int64_t
micros(uint64_t ts_ns, uint64_t start)
{
	return ts_ns >= start ? (int64_t)((ts_ns - start) / 1000)
						  : -(int64_t)((start - ts_ns + 999) / 1000);
}

static int64_t
or_less(uint64_t n)
{
	return n == BM_UNKNOWN ? -1 : (int64_t)n;
}

/* A column: what of a record it shows. */
enum column { TIME, DIRECTION, LENGTH, TYPE, STATE, PACKET, EPOCH, SEQUENCE_NUMBER, STREAM_OFFSET };

static int64_t
cell(const struct bm_connection *c, const struct bm_judged *r, enum column which)
{
	switch (which) {
	case TIME:
		return micros(r->ts_ns, c->first_ts_ns);
	case DIRECTION:
		return r->direction;
	case LENGTH:
		return r->len;
	case TYPE:
		return r->type;
	case STATE:
		return r->state;
	case PACKET:
		return (int64_t)r->packet;
	case EPOCH:
		return r->epoch;
	case SEQUENCE_NUMBER:
		return or_less(r->seq);
	case STREAM_OFFSET:
		break;
	}
	/* Datagrams are no stream. */
	return c->transport == BM_UDP ? -1 : or_less(r->off);
}

static void
records(struct json *j, const struct bm_connection *c)
{
	static const char *const names[] = {"time", "direction", "length", "type", "state", "packet",
		"epoch", "sequence_number", "stream_offset"};
	const struct bm_course *course = c->course;

	name(j, "records");
	if (course->record_count == 0) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
		name(j, names[k]);
		begin(j, "[");
		for (size_t i = 0; i < course->record_count; i++) {
			if (i != 0)
				raw(j, ",");
			j->bare = true;
			signed_number(j, cell(c, &course->records[i], (enum column)k));
		}
		end(j, "]");
	}
	end(j, "}");
}

static const char *
kind_name(unsigned kind)
{
	static const char *const names[] = {[BM_EVENT_HANDSHAKE] = "handshake",
		[BM_EVENT_KEY_UPDATE] = "key_update",
		[BM_EVENT_CHANGE_CIPHER_SPEC] = "change_cipher_spec",
		[BM_EVENT_ALERT] = "alert",
		[BM_EVENT_RETRANSMISSION] = "retransmission",
		[BM_EVENT_DIFFERING_COPY] = "differing_copy",
		[BM_EVENT_BAD_CHECKSUM] = "bad_checksum",
		[BM_EVENT_GAP] = "gap",
		[BM_EVENT_FIN] = "end",
		[BM_EVENT_RST] = "end"};

	return names[kind];
}

static void
alert_label(const struct bm_event *e, char text[64])
{
	const char *what = bm_alert_name(e->code), *level = bm_alert_level(e->level);
	char code[16];

	if (e->level == 0 && e->code == 255) {
		snprintf(text, 64, "unreadable");
		return;
	}
	snprintf(code, sizeof code, "alert %u", e->code);
	snprintf(text, 64, "%s%s%s", level != NULL ? level : "", level != NULL ? " " : "",
		what != NULL ? what : code);
}

/* The names of RFC 8446, appendix B.3, and of the RFCs before it. */
static const char *
message_name(unsigned type)
{
	static const char *const names[256] = {[BM_HELLO_REQUEST] = "HelloRequest",
		[BM_CLIENT_HELLO] = "ClientHello",
		[BM_SERVER_HELLO] = "ServerHello",
		[BM_HELLO_VERIFY_REQUEST] = "HelloVerifyRequest",
		[BM_NEW_SESSION_TICKET] = "NewSessionTicket",
		[BM_END_OF_EARLY_DATA] = "EndOfEarlyData",
		[BM_ENCRYPTED_EXTENSIONS] = "EncryptedExtensions",
		[BM_REQUEST_CONNECTION_ID] = "RequestConnectionId",
		[BM_NEW_CONNECTION_ID] = "NewConnectionId",
		[BM_CERTIFICATE] = "Certificate",
		[BM_SERVER_KEY_EXCHANGE] = "ServerKeyExchange",
		[BM_CERTIFICATE_REQUEST] = "CertificateRequest",
		[BM_SERVER_HELLO_DONE] = "ServerHelloDone",
		[BM_CERTIFICATE_VERIFY] = "CertificateVerify",
		[BM_CLIENT_KEY_EXCHANGE] = "ClientKeyExchange",
		[BM_FINISHED] = "Finished",
		[BM_CERTIFICATE_STATUS] = "CertificateStatus",
		[BM_KEY_UPDATE] = "KeyUpdate",
		[BM_COMPRESSED_CERTIFICATE] = "CompressedCertificate"};

	return names[type & 255];
}

static void
label(const struct bm_event *e, char text[64])
{
	switch ((enum bm_event_kind)e->kind) {
	case BM_EVENT_HANDSHAKE:
	case BM_EVENT_KEY_UPDATE:
		if (message_name(e->code) != NULL)
			snprintf(text, 64, "%s", message_name(e->code));
		else
			snprintf(text, 64, "message of type %u", e->code);
		return;
	case BM_EVENT_ALERT:
		alert_label(e, text);
		return;
	case BM_EVENT_CHANGE_CIPHER_SPEC:
		snprintf(text, 64, "ChangeCipherSpec");
		return;
	case BM_EVENT_RETRANSMISSION:
		snprintf(text, 64, "retransmission");
		return;
	case BM_EVENT_DIFFERING_COPY:
		snprintf(text, 64, "copy with other octets");
		return;
	case BM_EVENT_BAD_CHECKSUM:
		snprintf(text, 64, "segment with a wrong checksum");
		return;
	case BM_EVENT_GAP:
		snprintf(text, 64, "not captured");
		return;
	case BM_EVENT_FIN:
		snprintf(text, 64, "FIN");
		return;
	case BM_EVENT_RST:
		snprintf(text, 64, "RST");
		return;
	}
}

static void
events(struct json *j, const struct bm_connection *c)
{
	char text[64];

	name(j, "events");
	begin(j, "[");
	for (size_t i = 0; i < c->course->event_count; i++) {
		const struct bm_event *e = &c->course->events[i];
		next(j);
		begin(j, "{");
		name(j, "time");
		j->bare = true;
		signed_number(j, micros(e->ts_ns, c->first_ts_ns));
		number_or_null(j, "direction", e->direction);
		string_or_null(j, "kind", kind_name(e->kind));
		label(e, text);
		string_or_null(j, "label", text);
		number_or_null(j, "packet", e->packet != 0 ? e->packet : BM_UNKNOWN);
		number_or_null(j, "length", e->len);
		number_or_null(j, "stream_offset", e->off);
		end(j, "}");
	}
	end(j, "]");
}

/* Octets that are hidden leave two dots each. */
static void
some_hex(struct json *j, const char *key, struct bm_view v, const uint8_t *shown)
{
	char digits[3];

	if (shown == NULL) {
		hex(j, key, v);
		return;
	}
	name(j, key);
	raw(j, "\"");
	for (size_t i = 0; i < v.n; i++) {
		bm_hex(bm_view(v.p + i, 1), digits);
		raw(j, shown[i] ? digits : "..");
	}
	raw(j, "\"");
}

static void
octets(struct json *j, const struct bm_octets *o)
{
	name(j, "record");
	if (o == NULL) {
		raw(j, "null");
		return;
	}
	begin(j, "{");
	some_hex(j, "received", o->received, o->received_shown);
	if (o->sent_known)
		some_hex(j, "sent", o->sent, o->sent_shown);
	else
		string_or_null(j, "sent", NULL);
	name(j, "segments");
	begin(j, "[");
	for (size_t i = 0; i < o->carrier_count; i++) {
		const struct bm_carrier *g = &o->carriers[i];
		next(j);
		begin(j, "{");
		number_or_null(j, "record_offset", g->record_offset);
		number_or_null(j, "length", g->length);
		number_or_null(j, "packet", g->packet);
		number_or_null(j, "packet_offset", g->packet_offset);
		string_or_null(j, "checksum", g->checksum);
		end(j, "}");
	}
	end(j, "]");
	end(j, "}");
}

void
bm_detail_json(struct bm_out *out, const struct bm_connection *c, bool with_course)
{
	struct json here = {out, true}, *j = &here;
	char time[BM_TIME_TEXT_MAX];
	struct bm_connection less = *c;
	struct bm_course none = {
		.records_left_out = c->course->records_left_out + c->course->record_count,
		.events_left_out = c->course->events_left_out + c->course->event_count};

	if (!with_course)
		less.course = &none;
	c = &less;
	begin(j, "{");
	number_or_null(j, "id", c->id);
	bm_time_text(c->first_ts_ns, time);
	string_or_null(j, "start", c->first_ts_ns != 0 ? time : NULL);
	records(j, c);
	number_or_null(j, "records_left_out", c->course->records_left_out);
	events(j, c);
	number_or_null(j, "events_left_out", c->course->events_left_out);
	name(j, "failures");
	begin(j, "[");
	for (size_t i = 0; i < c->failure_count; i++) {
		next(j);
		begin(j, "{");
		octets(j, c->failures[i].octets);
		end(j, "}");
	}
	end(j, "]");
	end(j, "}");
}

void
bm_detail_json_begin(struct bm_out *out, const char *redacted)
{
	struct json here = {out, true}, *j = &here;

	begin(j, "{");
	string_or_null(j, "generator", "badmac " BADMAC_VERSION);
	string_or_null(j, "redacted", redacted);
	raw(j, ",\n\"connections\": [");
}

void
bm_detail_json_end(struct bm_out *out, uint64_t left_out, struct bm_alike *a)
{
	struct json here = {out, false}, *j = &here;

	raw(j, "]");
	number_or_null(j, "connections_left_out", left_out);
	name(j, "shared");
	bm_alike_json(out, a);
	raw(j, "}\n");
}
