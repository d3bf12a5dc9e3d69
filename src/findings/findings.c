/* The report and its connections. Refuses to know where the file came from. */
#include "findings/internal.h"

#include <stdio.h>

enum { CONNECTIONS_MOST = 1 << 20 };

static enum bm_found_result
take_result(struct taker *t, const struct spot *in)
{
	static const char *const words[] = {"verified", "failed", "undecided", NULL};

	return bm_take_word(t, in, "result", words);
}

static struct bm_found_counts
counts(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = bm_spot_member(t, in, name);

	return (struct bm_found_counts){bm_take_number(t, &s, "verified", 0, BM_TAKE_MOST),
		bm_take_number(t, &s, "failed", 0, BM_TAKE_MOST),
		bm_take_number(t, &s, "undecided", 0, BM_TAKE_MOST),
		bm_take_number(t, &s, "plaintext", 0, BM_TAKE_MOST)};
}

/* Reports of before do not count them. */
static uint64_t
take_after_close(struct taker *t, const struct spot *in)
{
	if (t->status != BM_OK || json_object_get(in->value, "records_after_close") == NULL)
		return BM_FOUND_UNKNOWN;
	return bm_take_number(t, in, "records_after_close", 0, BM_TAKE_MOST);
}

/* Reports of before do not say. */
static enum bm_found_answer
take_stale(struct taker *t, const struct spot *s)
{
	if (t->status != BM_OK || json_object_get(s->value, "stale") == NULL)
		return BM_FOUND_NO_ANSWER;
	return bm_take_bool(t, s, "stale") ? BM_FOUND_YES : BM_FOUND_NO;
}

static struct bm_found_alert
alert(struct taker *t, const struct spot *s)
{
	return (struct bm_found_alert){.direction = bm_take_direction(t, s),
		.level = bm_take_text_or_null(t, s, "level"),
		.description = bm_take_text_or_null(t, s, "description"),
		.code = bm_take_number_or_null(t, s, "code", 0, 255),
		.packet = bm_take_number_or_null(t, s, "packet", 1, BM_TAKE_MOST),
		.encrypted = bm_take_bool(t, s, "encrypted"),
		.stale = take_stale(t, s)};
}

static void
take_alerts(struct taker *t, const struct spot *in, struct bm_found_connection *c)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "alerts", BM_FINDINGS_OF_ONE, &list);
	struct bm_found_alert *a = bm_take_room(t, n, sizeof *a);

	for (size_t i = 0; a != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		a[i] = alert(t, &s);
	}
	c->alerts = a;
	c->alert_count = n;
}

static void
take_failures(struct taker *t, const struct spot *in, struct bm_found_connection *c)
{
	struct spot list;
	size_t n = bm_take_array(t, in, "failures", BM_FINDINGS_OF_ONE, &list);
	struct bm_found_failure *f = bm_take_room(t, n, sizeof *f);

	for (size_t i = 0; f != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		f[i] = bm_take_failure(t, &s);
	}
	c->failures = f;
	c->failure_count = n;
}

static void
take_random(struct taker *t, const struct spot *in, struct bm_found_connection *c)
{
	struct bm_view random = bm_take_hex(t, in, "client_random", &c->has_client_random);

	if (!c->has_client_random || t->status != BM_OK)
		return;
	if (random.n == sizeof c->client_random) {
		memcpy(c->client_random, random.p, random.n);
	} else {
		struct spot s = {.in = in, .name = "client_random"};
		bm_spot_wrong(t, &s, "not 32 octets");
	}
}

static enum bm_found_answer
take_resumed(struct taker *t, const struct spot *in)
{
	struct spot s = bm_spot_member(t, in, "resumed");

	if (bm_spot_is_null(t, &s))
		return BM_FOUND_NO_ANSWER;
	return bm_take_bool(t, in, "resumed") ? BM_FOUND_YES : BM_FOUND_NO;
}

static void
take_ends(struct taker *t, const struct spot *s, struct bm_found_connection *c)
{
	static const char *const transports[] = {"tcp", "udp", NULL};

	c->id = bm_take_number(t, s, "id", 0, BM_TAKE_MOST);
	c->capture = bm_take_text_or_null(t, s, "capture");
	c->also_in = bm_take_texts(t, s, "also_in");
	c->transport = bm_take_word(t, s, "transport", transports);
	c->client = bm_take_text(t, s, "client");
	c->server = bm_take_text(t, s, "server");
	c->server_name = bm_take_text_or_null(t, s, "server_name");
	c->first_time = bm_take_text_or_null(t, s, "first_time");
	c->last_time = bm_take_text_or_null(t, s, "last_time");
}

static void
take_negotiated(struct taker *t, const struct spot *s, struct bm_found_connection *c)
{
	c->version = bm_take_text_or_null(t, s, "version");
	c->cipher_suite = bm_take_text_or_null(t, s, "cipher_suite");
	take_random(t, s, c);
	c->resumed = take_resumed(t, s);
	c->keys = bm_take_text_or_null(t, s, "keys");
	c->extended_master_secret = bm_take_bool(t, s, "extended_master_secret");
	c->encrypt_then_mac = bm_take_bool(t, s, "encrypt_then_mac");
	c->truncated_hmac = bm_take_bool(t, s, "truncated_hmac");
	c->max_fragment_length = bm_take_number_or_null(t, s, "max_fragment_length", 1, UINT32_MAX);
	c->record_size_limit = bm_take_number_or_null(t, s, "record_size_limit", 1, UINT16_MAX);
	c->compression = bm_take_number_or_null(t, s, "compression", 1, 255);
}

static void
take_connection(struct taker *t, const struct spot *s, struct bm_found_connection *c)
{
	take_ends(t, s, c);
	take_negotiated(t, s, c);
	c->result = take_result(t, s);
	c->undecided_because = bm_take_text_or_null(t, s, "undecided_because");
	c->undecided_detail = bm_take_text_or_null(t, s, "undecided_detail");
	c->undecided_next = bm_take_text_or_null(t, s, "undecided_next");
	struct spot records = bm_spot_member(t, s, "records");
	c->records[BM_FOUND_CLIENT_TO_SERVER] = counts(t, &records, "client_to_server");
	c->records[BM_FOUND_SERVER_TO_CLIENT] = counts(t, &records, "server_to_client");
	c->records_after_close = take_after_close(t, s);
	c->capture_gaps = bm_take_number(t, s, "capture_gaps", 0, BM_TAKE_MOST);
	take_alerts(t, s, c);
	take_failures(t, s, c);
}

static void
take_summary(struct taker *t, const struct spot *in, struct bm_findings *out)
{
	struct spot s = bm_spot_member(t, in, "summary");

	out->result = take_result(t, &s);
	out->connections_told = bm_take_number(t, &s, "connections", 0, BM_TAKE_MOST);
	out->records = counts(t, &s, "records");
	out->records_after_close = take_after_close(t, &s);
	out->packets = bm_take_number(t, &s, "packets", 0, BM_TAKE_MOST);
	out->bytes = bm_take_number(t, &s, "bytes", 0, BM_TAKE_MOST);
	out->undecoded = bm_take_number(t, &s, "undecoded", 0, BM_TAKE_MOST);
	out->seen_elsewhere = bm_take_number(t, &s, "seen_elsewhere", 0, BM_TAKE_MOST);
	out->notices = bm_take_texts(t, &s, "notices");
}

static void
take_report(struct taker *t, const json_t *report, struct bm_findings *out)
{
	const struct spot root = {.value = report};
	const char *schema = json_string_value(json_object_get(report, "schema"));
	struct spot list;

	if (schema == NULL || strcmp(schema, "badmac.diagnosis.v1") != 0) {
		bm_spot_wrong(t, &root, "no report of badmac diagnose (badmac.diagnosis.v1)");
		return;
	}
	size_t n = bm_take_array(t, &root, "connections", CONNECTIONS_MOST, &list);
	struct bm_found_connection *c = bm_take_room(t, n, sizeof *c);
	for (size_t i = 0; c != NULL && i < n && t->status == BM_OK; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		take_connection(t, &s, &c[i]);
	}
	out->connections = c;
	out->connection_count = n;
	take_summary(t, &root, out);
	if (json_object_get(report, "redacted") != NULL) /* older reports do not say */
		out->redacted = bm_take_text_or_null(t, &root, "redacted");
}

/* What jansson says may quote the report. Of most allocations that fail it says nothing at all. */
static void
say_syntax(struct taker *t, const json_error_t *e)
{
	bool nomem = json_error_code(e) == json_error_out_of_memory || e->text[0] == '\0';

	t->status = nomem ? BM_NOMEM : BM_FORMAT;
	if (nomem)
		return;
	(void)snprintf(t->problem, t->n, "no JSON: line %d: %s", e->line, e->text);
	for (char *p = t->problem; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
}

enum bm_status
bm_findings_read(struct bm_view report, struct bm_findings *out, char *problem, size_t n)
{
	struct taker t = {.arena = &out->arena, .problem = problem, .n = n};
	json_error_t e = {.line = 0};

	*out = (struct bm_findings){.arena = {.max = BM_FINDINGS_HELD}};
	problem[0] = '\0';
	struct bm_view json = bm_findings_json(&t, report);
	if (t.status == BM_OK) {
		json_t *value = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &e);
		if (value == NULL)
			say_syntax(&t, &e);
		else
			take_report(&t, value, out);
		json_decref(value);
	}
	if (t.status == BM_OK)
		return BM_OK;
	if (t.status == BM_NOMEM)
		(void)snprintf(problem, n, "%s", bm_status_text(BM_NOMEM));
	bm_findings_clear(out);
	return t.status;
}

void
bm_findings_clear(struct bm_findings *f)
{
	bm_arena_clear(&f->arena);
	*f = (struct bm_findings){.connection_count = 0};
}
