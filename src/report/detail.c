/* The text about one connection: who, what, its alerts, and each of its failures. Refuses to
 * know about other connections. */
#include "report/internal.h"

#include "tls/record.h"
#include "tls/suites.h"

#include <stdio.h>

enum {
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

/* A line that was begun at `from`. */
static void
end_line(struct bm_lines *l, size_t from)
{
	bm_wrap_since(l, from, LABEL);
	bm_say(l, "\n");
}

static void
extras(struct bm_lines *l, const struct bm_connection *c)
{
	const struct {
		bool in_use;
		const char *what;
		unsigned value;
	} all[] = {{c->extended_master_secret, "extended master secret", 0},
		{c->encrypt_then_mac, "encrypt-then-MAC", 0}, {c->truncated_hmac, "truncated HMAC", 0},
		{c->max_fragment_length != 0, "max fragment length ",
			bm_fragment_octets(c->max_fragment_length)},
		{c->record_size_limit != 0, "record size limit ", c->record_size_limit},
		{c->compression != 0, "compression method ", c->compression}};
	size_t from = l->buf.n, n = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (!all[i].in_use)
			continue;
		bm_say(l, n++ == 0 ? "  with     %s" : ", %s", all[i].what);
		if (all[i].value != 0)
			bm_say(l, "%u", all[i].value);
	}
	if (n != 0)
		end_line(l, from);
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

/* "12:00:00.500000000Z" as "12:00:00.5Z". */
static void
shorten(char *time)
{
	size_t n = strlen(time);

	while (n > 2 && time[n - 2] == '0')
		n--;
	if (n > 2 && time[n - 2] == '.')
		n--;
	time[n - 1] = 'Z';
	time[n] = '\0';
}

static void
head(struct bm_lines *l, const struct bm_connection *c, bool verbose)
{
	size_t from = l->buf.n;

	bm_style(l, BM_BOLD);
	bm_say(l, "connection %llu", (unsigned long long)c->id);
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, "   ");
	bm_detail_who(l, c);
	end_line(l, from);
	from = l->buf.n;
	bm_say(l, "  ");
	bm_detail_what(l, c);
	if (c->resumed >= 0)
		bm_say(l, c->resumed ? ", resumed" : ", full handshake");
	bm_say(l, ", %s", keys_text(c->keys));
	bm_wrap_since(l, from, 4);
	bm_say(l, "\n");
	from = l->buf.n;
	bm_say(l, "  ");
	tally(l, "client to server", &c->records[BM_CLIENT_TO_SERVER]);
	bm_say(l, "    ");
	tally(l, "server to client", &c->records[BM_SERVER_TO_CLIENT]);
	bm_wrap_since(l, from, 4);
	bm_say(l, "\n");
	if (verbose)
		extras(l, c);
	if (verbose && c->has_client_random) {
		bm_say(l, "  random   ");
		bm_say_hex(l, bm_view(c->client_random, sizeof c->client_random), sizeof c->client_random);
		bm_say(l, " (the client's)\n");
	}
	if (c->capture_gaps != 0)
		bm_say(l, "  capture  lacks bytes in %s place%s\n", bm_grouped(c->capture_gaps).s,
			plural(c->capture_gaps));
	if (c->capture != NULL) {
		char time[BM_TIME_TEXT_MAX];
		bm_time_text(c->first_ts_ns, time);
		shorten(time);
		from = l->buf.n;
		bm_style(l, BM_DIM);
		bm_say(l, "  seen in  ");
		if (c->pieces != NULL)
			bm_say(l, "one of %s pieces, of which the first is ", bm_grouped(c->pieces->n).s);
		bm_say_safe(l, c->capture);
		if (c->first_ts_ns != 0)
			bm_say(l, ", from %s", time);
		for (size_t i = 0; i < c->also_in_count; i++) {
			bm_say(l, i == 0 ? "; also in " : ", ");
			bm_say_safe(l, c->also_in[i]);
		}
		bm_style(l, BM_PLAIN_STYLE);
		end_line(l, from);
	}
}

static void
alert(struct bm_lines *l, const struct bm_connection *c, const struct bm_alert *a)
{
	const char *name = bm_alert_name(a->description), *level = bm_alert_level(a->level);
	size_t from = l->buf.n;

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
	if (a->packet != 0 && a->packet != BM_UNKNOWN) {
		bm_say(l, ", ");
		bm_say_packet(l, c->pieces, a->packet);
	}
	bm_say(l, ", %s", a->encrypted ? "encrypted" : "in the clear");
	if (a->stale)
		bm_say(l, ", about a record that was repaired since");
	end_line(l, from);
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
		alert(l, c, &c->alerts[i]);
		shown++;
	}
	if (left != 0)
		bm_say(l, "           and %s more alert%s\n", bm_grouped(left).s, plural(left));
}

static void
where(struct bm_lines *l, const struct bm_connection *c, const struct bm_failure *f, bool verbose)
{
	size_t from = l->buf.n;

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
	if (n != 0) {
		bm_say(l, ", ");
		bm_say_packets(l, c->pieces, f->packets, f->packet_count, n);
	}
	end_line(l, from);
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
	size_t from = l->buf.n;
	bm_say(l, "  proof    %s: ", p->method);
	if (odds == 0)
		bm_say(l, "coincidence is as likely");
	else
		bm_say(l, "chance of coincidence 1 in 2^%llu", (unsigned long long)odds);
	if (strcmp(p->method, "repeat-statistics") == 0)
		bm_say(l, " (%u bits alike, at %s place%s)", p->tag_bits, bm_grouped(p->candidates).s,
			plural(p->candidates));
	else
		bm_say(l, " (%s candidate%s, %s%u bits)", tried(p).s, plural(p->candidates),
			keys ? "tag of " : "", p->tag_bits);
	end_line(l, from);
}

/* Steps under one label: commands in them can be copied whole. */
static void
steps(struct bm_lines *l, const char *label, const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == NULL)
			continue;
		bm_say(l, "  %-8s ", i == 0 ? label : "");
		bm_say_step(l, LABEL, LABEL + 2, text[i]);
		bm_say(l, "\n");
	}
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
	where(l, c, f, verbose);
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
	size_t from = l->buf.n;
	for (size_t i = 0; i < f->at_fault_count; i++)
		bm_say(l, "%s%s",
			i == 0   ? "  at fault "
			: i == 1 ? ", or less likely "
					 : ", ",
			bm_party_id(f->at_fault[i]));
	if (f->at_fault_count != 0)
		end_line(l, from);
	proof(l, f, keys);
	bm_detail_damage(l, c, f, verbose);
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
	steps(l, "next", f->next_steps, f->next_step_count);
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
		bm_say(l, "\n  and %s more failure%s (--verbose or --format json shows all)\n",
			bm_grouped(c->failure_count - n).s, plural(c->failure_count - n));
	/* Those that are undecided altogether stand under their reason anyway. */
	if (c->undecided_because != NULL && c->result != BM_RESULT_UNDECIDED) {
		bm_say(l, "\n  undecided ");
		bm_say_wrapped(l, LABEL + 1, LABEL + 2, c->undecided_because);
		bm_say(l, "\n");
		if (c->undecided_detail != NULL)
			list(l, "", &c->undecided_detail, 1);
		if (c->undecided_next != NULL)
			steps(l, "next", &c->undecided_next, 1);
	}
}
