/* The model of a report without what is hidden: each connection and the summary pass here before
 * any format sees them, so that none can forget it. Result, cause, offsets, packets and counts
 * stay. Refuses to know formats. */
#include "report/redact_internal.h"

/* Where copies go, and whether memory ran out on the way. */
struct copy {
	struct bm_redact *r;
	struct bm_arena *a;
	bool failed;
};

static const char *
text(struct copy *c, const char *s, enum bm_redact_text how)
{
	if (s == NULL || c->failed)
		return NULL;
	s = bm_redact_text(c->r, c->a, s, how);
	c->failed = s == NULL;
	return s;
}

static const char *const *
texts(struct copy *c, const char *const *list, size_t n)
{
	const char **out = bm_arena_take(c->a, n, sizeof *out);

	c->failed = c->failed || out == NULL;
	for (size_t i = 0; i < n && !c->failed; i++)
		out[i] = text(c, list[i], BM_REDACT_OWN);
	return out;
}

static const char *const *
file_names(struct copy *c, const char *const *list, size_t n)
{
	const char **out = bm_arena_take(c->a, n, sizeof *out);

	c->failed = c->failed || out == NULL;
	for (size_t i = 0; i < n && !c->failed; i++)
		out[i] = bm_redact_file_name(c->r, list[i]);
	return out;
}

static bool
is_text(uint8_t b)
{
	return (b >= 0x20 && b < 0x7f) || b == '\t' || b == '\r' || b == '\n';
}

/* Ciphertext has no words: eight octets of text in a row are somebody's, and may name him. */
static void
cover_words(uint8_t *p, size_t n)
{
	enum { LEAST = 8 };

	for (size_t i = 0; i < n;) {
		size_t run = 0;
		while (i + run < n && is_text(p[i + run]))
			run++;
		if (run >= LEAST)
			memset(p + i, 'x', run);
		i += run + (run == 0);
	}
}

/* The two ends as a program writes them into headers. */
static void
cover_address(uint8_t *p, size_t n, const struct bm_address *a)
{
	size_t len = a->family == 6 ? 16 : 4;

	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(p + i, a->ip, len) == 0)
			memset(p + i, 0, len);
}

static struct bm_view
octets(struct copy *c, const struct bm_connection *conn, struct bm_view v)
{
	uint8_t *p = bm_arena_copy(c->a, v);

	c->failed = c->failed || p == NULL;
	if (p == NULL)
		return bm_view(NULL, 0);
	cover_words(p, v.n);
	cover_address(p, v.n, &conn->client);
	cover_address(p, v.n, &conn->server);
	return bm_view(p, v.n);
}

static const struct bm_damage *
damage(struct copy *c, const struct bm_connection *conn, const struct bm_failure *f)
{
	struct bm_damage *out = bm_arena_take(c->a, f->damage_count, sizeof *out);

	c->failed = c->failed || out == NULL;
	for (size_t i = 0; i < f->damage_count && !c->failed; i++) {
		out[i] = f->damage[i];
		out[i].received = octets(c, conn, f->damage[i].received);
		out[i].sent = octets(c, conn, f->damage[i].sent);
		if (bm_redact_level(c->r) == BM_REDACT_ALL) {
			out[i].line_received = out[i].line_sent = bm_view(NULL, 0);
			continue;
		}
		out[i].line_received = octets(c, conn, f->damage[i].line_received);
		out[i].line_sent = octets(c, conn, f->damage[i].line_sent);
	}
	return out;
}

/* Which octets of a record are damaged ones: as received, or, after the runs before, as sent. */
static const uint8_t *
damaged(struct copy *c, const struct bm_failure *f, bool sent, size_t n)
{
	uint8_t *shown = bm_arena_take(c->a, n, 1);
	uint64_t longer = 0; /* what sent is ahead by; may be below 0, modulo 2^64 */

	c->failed = c->failed || shown == NULL;
	for (size_t i = 0; i < f->damage_count && shown != NULL; i++) {
		const struct bm_damage *d = &f->damage[i];
		uint64_t from = d->record_offset + (sent ? longer : 0);
		uint64_t len = sent ? d->sent.n : d->length;
		if (from < n)
			memset(shown + from, 1, (size_t)(len < n - from ? len : n - from));
		longer += d->sent.n - d->length;
	}
	return shown;
}

static const struct bm_octets *
record(struct copy *c, const struct bm_connection *conn, const struct bm_failure *f)
{
	struct bm_octets *out = f->octets != NULL ? bm_arena_take(c->a, 1, sizeof *out) : NULL;

	if (out == NULL) {
		c->failed = c->failed || f->octets != NULL;
		return NULL;
	}
	*out = *f->octets;
	out->received = octets(c, conn, f->octets->received);
	out->sent = octets(c, conn, f->octets->sent);
	if (bm_redact_level(c->r) == BM_REDACT_ALL) {
		out->received_shown = damaged(c, f, false, out->received.n);
		out->sent_shown = damaged(c, f, true, out->sent.n);
	}
	return out;
}

/* What came of each record keeps its distance in time from the connection's beginning. */
static const struct bm_course *
course(struct copy *c, const struct bm_course *of)
{
	if (of == NULL || bm_redact_level(c->r) != BM_REDACT_ALL)
		return of;
	struct bm_course *out = bm_arena_take(c->a, 1, sizeof *out);
	struct bm_judged *records = bm_arena_take(c->a, of->record_count, sizeof *records);
	struct bm_event *events = bm_arena_take(c->a, of->event_count, sizeof *events);
	if (out == NULL || records == NULL || events == NULL) {
		c->failed = true;
		return NULL;
	}
	*out = *of;
	for (size_t i = 0; i < of->record_count; i++) {
		records[i] = of->records[i];
		records[i].ts_ns = bm_redact_time(c->r, records[i].ts_ns);
	}
	for (size_t i = 0; i < of->event_count; i++) {
		events[i] = of->events[i];
		events[i].ts_ns = bm_redact_time(c->r, events[i].ts_ns);
	}
	out->records = records;
	out->events = events;
	return out;
}

/* What the check of a proof was given: who sends under other keys, and in which file. */
static void
altered(struct copy *c, struct bm_altered *a)
{
	if (!a->told)
		return;
	if (a->sender.family != 0)
		c->failed = bm_redact_address(c->r, &a->sender) != BM_OK ||
					bm_redact_address(c->r, &a->receiver) != BM_OK || c->failed;
	if (a->capture != NULL)
		a->capture = bm_redact_file_name(c->r, a->capture);
	if (bm_redact_level(c->r) == BM_REDACT_ALL)
		a->session_n = a->iv_n = 0;
}

static void
failure(struct copy *c, const struct bm_connection *conn, struct bm_failure *f)
{
	struct bm_ruled_out *ruled = bm_arena_take(c->a, f->ruled_out_count, sizeof *ruled);

	c->failed = c->failed || ruled == NULL;
	for (size_t i = 0; i < f->ruled_out_count && !c->failed; i++)
		ruled[i] = (struct bm_ruled_out){
			f->ruled_out[i].cause, text(c, f->ruled_out[i].because, BM_REDACT_OWN)};
	f->ruled_out = ruled;
	f->summary = text(c, f->summary, BM_REDACT_DAMAGE);
	f->evidence = texts(c, f->evidence, f->evidence_count);
	f->next_steps = texts(c, f->next_steps, f->next_step_count);
	f->octets = record(c, conn, f);
	f->damage = damage(c, conn, f);
	altered(c, &f->proof.altered);
}

/* An escaped or cut name is the same one each time it is seen. */
static const char *
host(struct copy *c, const char *name)
{
	if (name == NULL || c->failed)
		return NULL;
	const char *out = bm_redact_host(c->r, c->a, bm_view(name, strlen(name)));
	c->failed = out == NULL;
	return out;
}

/* Few connections tell of packets. */
static const struct bm_capture_pieces *
pieces(struct copy *c, const struct bm_connection *conn)
{
	const struct bm_capture_pieces *of = conn->pieces;

	if (of == NULL || (conn->failure_count == 0 && conn->alert_count == 0))
		return NULL;
	struct bm_capture_pieces *out = bm_arena_take(c->a, 1, sizeof *out);
	struct bm_capture_piece *item = bm_arena_take(c->a, of->n, sizeof *item);
	if (out == NULL || item == NULL) {
		c->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < of->n; i++) {
		item[i] = of->item[i];
		item[i].name = bm_redact_file_name(c->r, of->item[i].name);
	}
	*out = (struct bm_capture_pieces){item, of->n};
	return out;
}

static const struct bm_capture_read *
captures(struct copy *c, const struct bm_summary *s)
{
	struct bm_capture_read *out = bm_arena_take(c->a, s->capture_count, sizeof *out);

	c->failed = c->failed || out == NULL;
	for (size_t i = 0; i < s->capture_count && out != NULL; i++) {
		out[i] = s->captures[i];
		out[i].name = bm_redact_file_name(c->r, out[i].name);
		out[i].capture = bm_redact_file_name(c->r, out[i].capture);
	}
	return out;
}

enum bm_status
bm_redact_connection(struct bm_redact *r, struct bm_arena *a, const struct bm_connection *c,
	struct bm_connection *out)
{
	struct copy copy = {r, a, false};
	struct bm_failure *failures = bm_arena_take(a, c->failure_count, sizeof *failures);

	*out = *c;
	if (failures == NULL || bm_redact_address(r, &out->client) != BM_OK ||
		bm_redact_address(r, &out->server) != BM_OK)
		return BM_NOMEM;
	out->capture = bm_redact_file_name(r, c->capture);
	out->pieces = pieces(&copy, c);
	out->also_in = file_names(&copy, c->also_in, c->also_in_count);
	out->server_name = host(&copy, c->server_name);
	out->first_ts_ns = bm_redact_time(r, c->first_ts_ns);
	out->last_ts_ns = bm_redact_time(r, c->last_ts_ns);
	if (bm_redact_level(r) == BM_REDACT_ALL) {
		out->has_client_random = false;
		memset(out->client_random, 0, sizeof out->client_random);
	}
	out->undecided_because = text(&copy, c->undecided_because, BM_REDACT_OWN);
	out->undecided_detail = text(&copy, c->undecided_detail, BM_REDACT_OWN);
	out->undecided_next = text(&copy, c->undecided_next, BM_REDACT_OWN);
	for (size_t i = 0; i < c->failure_count; i++) {
		failures[i] = c->failures[i];
		failure(&copy, c, &failures[i]);
	}
	out->failures = failures;
	out->course = course(&copy, c->course);
	return copy.failed ? BM_NOMEM : BM_OK;
}

enum bm_status
bm_redact_summary(
	struct bm_redact *r, struct bm_arena *a, const struct bm_summary *s, struct bm_summary *out)
{
	struct copy copy = {r, a, false};
	struct bm_notice *notices = bm_arena_take(a, s->notice_count, sizeof *notices);

	*out = *s;
	if (notices == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < s->notice_count; i++)
		notices[i].text = text(&copy, s->notices[i].text, BM_REDACT_NOTICE);
	out->notices = notices;
	out->captures = captures(&copy, s);
	return copy.failed ? BM_NOMEM : BM_OK;
}
