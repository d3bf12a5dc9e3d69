/* The text about one connection: who, what, its alerts, and each of its failures. Refuses to
 * know about other connections. */
#include "report/internal.h"

#include "tls/record.h"
#include "tls/suites.h"

#include <stdio.h>

enum {
	HEX_SHOWN = 32, /* bytes of a damaged run */
	HEX_LINE = 8,
	RUNS_SHOWN = 4,
	LABEL = 11, /* columns */
	PACKETS_SHOWN = 6,
	ALERTS_SHOWN = 6,
	FAILURES_SHOWN = 10 /* of one connection, unless verbose */
};

static const char *
way(unsigned direction)
{
	return direction == BM_CLIENT_TO_SERVER ? "client to server" : "server to client";
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void
bm_detail_who(struct bm_lines *l, const struct bm_connection *c)
{
	char client[BM_ADDRESS_TEXT_MAX], server[BM_ADDRESS_TEXT_MAX];

	bm_address_text(&c->client, client);
	bm_address_text(&c->server, server);
	bm_say(l, "%s -> %s", client, server);
	if (c->server_name != NULL && c->server_name[0] != '\0') {
		bm_say(l, " (");
		bm_say_safe(l, c->server_name);
		bm_say(l, ")");
	}
}

void
bm_detail_what(struct bm_lines *l, const struct bm_connection *c)
{
	const char *version = bm_version_name(c->version);
	const struct bm_suite *s = c->has_suite ? bm_suite_find(c->suite) : NULL;

	bm_say(l, "%s", version != NULL ? version : "TLS of unknown version");
	if (s != NULL)
		bm_say(l, ", %s", s->name);
	else if (c->has_suite)
		bm_say(l, ", cipher suite 0x%04X", (unsigned)c->suite);
}

static const char *
keys_text(enum bm_key_source s)
{
	switch (s) {
	case BM_SOURCE_KEY_LOG:
		return "keys from a key log";
	case BM_SOURCE_SECRETS_BLOCK:
		return "keys from a secrets block of the capture";
	case BM_SOURCE_PRIVATE_KEY:
		return "keys by way of the private key";
	case BM_SOURCE_JSSE_LOG:
		return "keys from a JSSE log";
	case BM_SOURCE_NONE:
		break;
	}
	return "no keys";
}

static void
extras(struct bm_lines *l, const struct bm_connection *c)
{
	if (c->extended_master_secret)
		bm_say(l, ", extended master secret");
	if (c->encrypt_then_mac)
		bm_say(l, ", encrypt-then-MAC");
	if (c->truncated_hmac)
		bm_say(l, ", truncated HMAC");
	if (c->max_fragment_length != 0)
		bm_say(l, ", max fragment length %u", bm_fragment_octets(c->max_fragment_length));
	if (c->record_size_limit != 0)
		bm_say(l, ", record size limit %u", c->record_size_limit);
	if (c->compression != 0)
		bm_say(l, ", compression method %u", c->compression);
}

static void
tally(struct bm_lines *l, const char *label, const struct bm_record_counts *n)
{
	bm_say(l, "%s: %s verified", label, bm_grouped(n->verified).s);
	if (n->failed != 0) {
		bm_say(l, ", ");
		bm_style(l, BM_RED);
		bm_say(l, "%s failed", bm_grouped(n->failed).s);
		bm_style(l, BM_PLAIN_STYLE);
	}
	if (n->undecided != 0)
		bm_say(l, ", %s undecided", bm_grouped(n->undecided).s);
	if (n->after_close != 0)
		bm_say(l, ", %s behind close_notify", bm_grouped(n->after_close).s);
}

static void
head(struct bm_lines *l, const struct bm_connection *c, bool verbose)
{
	bm_style(l, BM_BOLD);
	bm_say(l, "connection %llu", (unsigned long long)c->id);
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, "   ");
	bm_detail_who(l, c);
	bm_say(l, "\n  ");
	bm_detail_what(l, c);
	if (c->resumed >= 0)
		bm_say(l, c->resumed ? ", resumed" : ", full handshake");
	bm_say(l, ", %s", keys_text(c->keys));
	if (verbose)
		extras(l, c);
	bm_say(l, "\n  ");
	tally(l, "client to server", &c->records[BM_CLIENT_TO_SERVER]);
	bm_say(l, "    ");
	tally(l, "server to client", &c->records[BM_SERVER_TO_CLIENT]);
	bm_say(l, "\n");
	if (verbose && c->has_client_random) {
		bm_say(l, "  random   ");
		bm_say_hex(l, bm_view(c->client_random, sizeof c->client_random), HEX_SHOWN);
		bm_say(l, " (of the client: what a key log line is found by)\n");
	}
	if (c->capture_gaps != 0)
		bm_say(l, "  capture  lacks bytes in %s place%s\n", bm_grouped(c->capture_gaps).s,
			plural(c->capture_gaps));
	if (c->capture != NULL) {
		char time[BM_TIME_TEXT_MAX];
		bm_time_text(c->first_ts_ns, time);
		bm_style(l, BM_DIM);
		bm_say(l, "  seen in  ");
		bm_say_safe(l, c->capture);
		if (c->first_ts_ns != 0)
			bm_say(l, ", from %s", time);
		for (size_t i = 0; i < c->also_in_count; i++) {
			bm_say(l, i == 0 ? "; also in " : ", ");
			bm_say_safe(l, c->also_in[i]);
		}
		bm_style(l, BM_PLAIN_STYLE);
		bm_say(l, "\n");
	}
}

static void
alert(struct bm_lines *l, const struct bm_alert *a)
{
	const char *name = bm_alert_name(a->description), *level = bm_alert_level(a->level);

	bm_say(l, "  alert    ");
	if (a->level == 0 && a->description == 255)
		bm_say(l, "unreadable");
	else if (name != NULL)
		bm_say(l, "%s", name);
	else
		bm_say(l, "code %u", (unsigned)a->description);
	if (level != NULL)
		bm_say(l, " (%s)", level);
	bm_say(l, ", %s", way(a->direction));
	if (a->packet != 0 && a->packet != BM_UNKNOWN)
		bm_say(l, ", packet %llu", (unsigned long long)a->packet);
	bm_say(l, ", %s\n", a->encrypted ? "encrypted" : "in the clear");
}

const struct bm_alert *
bm_detail_fatal(const struct bm_connection *c)
{
	for (size_t i = c->alert_count; i-- > 0;)
		if (c->alerts[i].level == 2 && c->alerts[i].description != 0)
			return &c->alerts[i];
	return NULL;
}

/* close_notify is how connections end; only who wants everything wants to see it. */
static void
alerts(struct bm_lines *l, const struct bm_connection *c, bool verbose)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < c->alert_count; i++) {
		if (!verbose && c->alerts[i].description == 0)
			continue;
		if (!verbose && shown == ALERTS_SHOWN) {
			left++;
			continue;
		}
		alert(l, &c->alerts[i]);
		shown++;
	}
	if (left != 0)
		bm_say(l, "           and %s more alert%s\n", bm_grouped(left).s, plural(left));
}

static void
where(struct bm_lines *l, const struct bm_failure *f, bool verbose)
{
	bm_say(l, "  record   %s", way(f->direction));
	if (f->epoch != BM_UNKNOWN)
		bm_say(l, ", epoch %llu", (unsigned long long)f->epoch);
	if (f->sequence_number != BM_UNKNOWN)
		bm_say(l, ", sequence number %llu", (unsigned long long)f->sequence_number);
	if (f->stream_offset != BM_UNKNOWN)
		bm_say(l, ", at stream offset %llu", (unsigned long long)f->stream_offset);
	if (f->length != BM_UNKNOWN)
		bm_say(l, ", %s byte%s", bm_grouped(f->length).s, plural(f->length));
	size_t n = f->packet_count <= PACKETS_SHOWN || verbose ? f->packet_count : PACKETS_SHOWN;
	for (size_t i = 0; i < n; i++)
		bm_say(l, "%s%llu",
			i != 0                 ? ", "
			: f->packet_count == 1 ? ", packet "
								   : ", packets ",
			(unsigned long long)f->packets[i]);
	if (n < f->packet_count)
		bm_say(l, " and %s more", bm_grouped(f->packet_count - n).s);
	bm_say(l, "\n");
}

/* How many were tried; past some number the power of two that says as much. */
static struct bm_digits
tried(const struct bm_proof *p)
{
	enum { WRITTEN_OUT = 1 << 30 };
	struct bm_digits d = {""};

	if (p->candidates < WRITTEN_OUT)
		return bm_grouped(p->candidates);
	(void)snprintf(d.s, sizeof d.s, "2^%u", (unsigned)(p->tag_bits + p->chance_log2 + 0.5));
	return d;
}

static void
proof(struct bm_lines *l, const struct bm_failure *f, bool keys)
{
	const struct bm_proof *p = &f->proof;

	if (!bm_proof_counts(f))
		return;
	/* Rounded down: never claim more than was shown. */
	uint64_t odds = (uint64_t)(-p->chance_log2 < 1e9 ? -p->chance_log2 : 1e9);
	bm_say(l, "  proof    %s: ", p->method);
	if (odds == 0)
		bm_say(l, "coincidence is as likely");
	else
		bm_say(l, "chance of coincidence 1 in 2^%llu", (unsigned long long)odds);
	if (strcmp(p->method, "repeat-statistics") == 0)
		bm_say(l, " (%u bits alike, at %s place%s)\n", p->tag_bits, bm_grouped(p->candidates).s,
			plural(p->candidates));
	else
		bm_say(l, " (%s candidate%s, %s%u bits)\n", tried(p).s, plural(p->candidates),
			keys ? "tag of " : "", p->tag_bits);
}

/* " 0a 0b[0c 0d]0e": a line of v, with what differs from other in brackets. Returns its columns. */
static size_t
hex_line(struct bm_lines *l, struct bm_view v, struct bm_view other, size_t at)
{
	size_t end = v.n - at < HEX_LINE ? v.n : at + HEX_LINE;
	bool before = false;

	for (size_t i = at; i < end; i++) {
		bool differs = v.p[i] != other.p[i];
		bm_say(l, "%s%02x", differs == before ? " " : differs ? "[" : "]", v.p[i]);
		before = differs;
	}
	if (before)
		bm_say(l, "]");
	return 3 * (end - at) + before;
}

/* Received and sent side by side, what differs in brackets. */
static void
hex_lines(struct bm_lines *l, const struct bm_damage *d)
{
	bm_say(l, "             offset    %-25s   sent\n", "received");
	for (size_t at = 0; at < d->line_received.n; at += HEX_LINE) {
		bm_say(l, "             %6llu   ", (unsigned long long)(d->line_offset + at));
		size_t columns = hex_line(l, d->line_received, d->line_sent, at);
		bm_say(l, "%*s", (int)(3 * HEX_LINE + 3 - columns), "");
		(void)hex_line(l, d->line_sent, d->line_received, at);
		bm_say(l, "\n");
	}
	if (d->record_offset + d->length > d->line_offset + d->line_received.n)
		bm_say(l, "             ...\n");
}

static void
hex_runs(struct bm_lines *l, const struct bm_damage *d)
{
	bm_say(l, "             received ");
	bm_say_hex(l, d->received, HEX_SHOWN);
	bm_say(l, "\n             sent     ");
	if (d->sent_known)
		bm_say_hex(l, d->sent, HEX_SHOWN);
	else
		bm_say(l, "unknown");
	bm_say(l, "\n");
}

static void
damage(struct bm_lines *l, const struct bm_failure *f, bool verbose)
{
	size_t n = verbose || f->damage_count <= RUNS_SHOWN ? f->damage_count : RUNS_SHOWN;

	for (size_t i = 0; i < n; i++) {
		const struct bm_damage *d = &f->damage[i];
		bool missing = d->length == 0;
		if (missing && !d->sent_known)
			bm_say(l, "  damage   bytes missing");
		else
			bm_say(l, "  damage   %s byte%s%s", bm_grouped(missing ? d->sent.n : d->length).s,
				plural(missing ? d->sent.n : d->length), missing ? " missing" : "");
		bm_say(l, " at record offset %llu", (unsigned long long)d->record_offset);
		if (d->packet != BM_UNKNOWN)
			bm_say(l, ", packet %llu", (unsigned long long)d->packet);
		if (d->packet != BM_UNKNOWN && d->packet_offset != BM_UNKNOWN)
			bm_say(l, " at byte %llu", (unsigned long long)d->packet_offset);
		bm_say(l, "\n");
		/* Another run in the same line was shown with the one before. */
		bool shown = i != 0 && d->line_received.n != 0 &&
					 d->line_offset == f->damage[i - 1].line_offset &&
					 d->line_received.n <= f->damage[i - 1].line_received.n;
		if (d->line_received.n == 0)
			hex_runs(l, d);
		else if (!shown)
			hex_lines(l, d);
	}
	if (n < f->damage_count)
		bm_say(l, "           and %s more run%s\n", bm_grouped(f->damage_count - n).s,
			plural(f->damage_count - n));
}

/* Lines under one label, which stands before the first. */
static void
list(struct bm_lines *l, const char *label, const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == NULL)
			continue;
		bm_say(l, "  %-8s ", i == 0 ? label : "");
		bm_say_wrapped(l, LABEL, LABEL + 2, text[i]);
		bm_say(l, "\n");
	}
}

static bool
same_reason(const struct bm_ruled_out *a, const struct bm_ruled_out *b)
{
	return a->because != NULL && b->because != NULL && strcmp(a->because, b->because) == 0;
}

/* One line for each reason: some hold for several causes. */
static void
ruled_out(struct bm_lines *l, const struct bm_failure *f)
{
	const struct bm_ruled_out *r = f->ruled_out;

	for (size_t i = 0; i < f->ruled_out_count; i++) {
		bool told = false;
		for (size_t k = 0; k < i && !told; k++)
			told = same_reason(&r[k], &r[i]);
		if (told)
			continue;
		bm_say(l, "  %-8s %s", i == 0 ? "not" : "", bm_cause_id(r[i].cause));
		size_t at = LABEL + strlen(bm_cause_id(r[i].cause)) + 2;
		for (size_t k = i + 1; k < f->ruled_out_count; k++)
			if (same_reason(&r[i], &r[k])) {
				bm_say(l, ", %s", bm_cause_id(r[k].cause));
				at += 2 + strlen(bm_cause_id(r[k].cause));
			}
		bm_say(l, ": ");
		bm_say_wrapped(l, at, LABEL + 2, r[i].because != NULL ? r[i].because : "");
		bm_say(l, "\n");
	}
}

static void
failure(struct bm_lines *l, const struct bm_connection *c, size_t nth, bool verbose)
{
	const struct bm_failure *f = &c->failures[nth];
	bool keys = c->keys != BM_SOURCE_NONE;

	bm_say(l, "\n");
	where(l, f, verbose);
	bm_say(l, "  cause    ");
	bm_style(l, BM_BOLD);
	bm_say(l, "%s", bm_cause_id(f->cause));
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, " (%s)", bm_confidence_id(f->confidence));
	if (f->summary != NULL) {
		bm_say(l, ": ");
		bm_say_wrapped(l,
			LABEL + strlen(bm_cause_id(f->cause)) + strlen(bm_confidence_id(f->confidence)) + 5,
			LABEL, f->summary);
	}
	bm_say(l, "\n");
	for (size_t i = 0; i < f->at_fault_count; i++)
		bm_say(l, "%s%s",
			i == 0   ? "  at fault "
			: i == 1 ? ", or less likely "
					 : ", ",
			bm_party_id(f->at_fault[i]));
	if (f->at_fault_count != 0)
		bm_say(l, "\n");
	proof(l, f, keys);
	damage(l, f, verbose);
	if (f->checksum_as_captured != NULL || f->checksum_as_sent != NULL) {
		bm_say(l, "  checksum %s as captured",
			f->checksum_as_captured != NULL ? f->checksum_as_captured : "unknown");
		if (f->checksum_as_sent != NULL)
			bm_say(l, ", %s with the repair put in", f->checksum_as_sent);
		bm_say(l, "\n");
	}
	list(l, "because", f->evidence, f->evidence_count);
	if (verbose)
		ruled_out(l, f);
	bm_mark(l, c->id, nth);
	list(l, "next", f->next_steps, f->next_step_count);
}

void
bm_detail(struct bm_lines *l, const struct bm_connection *c, bool verbose)
{
	head(l, c, verbose);
	alerts(l, c, verbose);
	size_t n = verbose || c->failure_count <= FAILURES_SHOWN ? c->failure_count : FAILURES_SHOWN;
	for (size_t i = 0; i < n; i++)
		failure(l, c, i, verbose);
	if (n < c->failure_count)
		bm_say(l,
			"\n  and %s more failure%s of this connection (--verbose or --format json shows all)\n",
			bm_grouped(c->failure_count - n).s, plural(c->failure_count - n));
	/* Those that are undecided altogether stand under their reason anyway. */
	if (c->undecided_because != NULL && c->result != BM_RESULT_UNDECIDED) {
		bm_say(l, "\n  undecided ");
		bm_say_wrapped(l, LABEL + 1, LABEL + 2, c->undecided_because);
		bm_say(l, "\n");
		if (c->undecided_detail != NULL)
			list(l, "", &c->undecided_detail, 1);
		if (c->undecided_next != NULL)
			list(l, "next", &c->undecided_next, 1);
	}
}
