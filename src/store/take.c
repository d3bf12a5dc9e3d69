/* Reads a report piece by piece into the store. badmac writes each connection on a line of its own
 * (docs/OUTPUT.md): so written, one connection is in memory at a time. Any other JSON, and HTML, is
 * read as a whole. */
#include "store/put.h"

#include "base/buf.h"
#include "store/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 1 << 16, WRAPPING = 512 };

#define OPENING(redacted) "{\"schema\": \"badmac.diagnosis.v1\"" redacted ",\n\"connections\": ["
static const char *const openings[] = {
	OPENING(", \"redacted\": null"), OPENING("")}; /* before there was --redact */
/* What makes a line, or what follows the last one, a report of its own. */
static const char head[] = "{\"schema\":\"badmac.diagnosis.v1\",\"connections\":[";
static const char tail[] = "],\"summary\":{\"result\":\"verified\",\"connections\":0,\"records\":{"
						   "\"verified\":0,\"failed\":0,"
						   "\"undecided\":0,\"plaintext\":0},\"packets\":0,\"bytes\":0,"
						   "\"undecoded\":0,\"seen_elsewhere\":0,"
						   "\"notices\":[]}}";

struct taking {
	struct bm_put put;
	long (*read)(void *ctx, void *p, size_t n);
	void *ctx;
	struct bm_buf in; /* read and not used yet, from `at` on */
	size_t at;
	bool ended;
};

static void
problem(struct taking *t, enum bm_status st, const char *what)
{
	bm_db_problem(t->put.store, st, "%s", what);
}

static bool
ok(const struct taking *t)
{
	return t->put.store->status == BM_OK;
}

/* Reads more behind what is there; false at the end, and after an error. */
static bool
more(struct taking *t)
{
	if (t->ended || !ok(t))
		return false;
	if (t->at != 0) {
		memmove(t->in.p, t->in.p + t->at, t->in.n - t->at);
		t->in.n -= t->at;
		t->at = 0;
	}
	enum bm_status st = bm_buf_reserve(&t->in, PIECE);
	if (st != BM_OK) {
		problem(t, st, st == BM_NOMEM ? bm_status_text(st) : "is too large for a report");
		return false;
	}
	long n = t->read(t->ctx, t->in.p + t->in.n, PIECE);
	if (n < 0)
		problem(t, BM_IO, "");
	t->ended = n <= 0;
	if (n > 0) {
		bm_digest_add(&t->put.digest, t->in.p + t->in.n, (size_t)n);
		t->in.n += (size_t)n;
	}
	return n > 0;
}

/* The next line without its end; false: there is none, or it has no end. */
static bool
line(struct taking *t, struct bm_view *out)
{
	size_t looked = 0;

	for (;;) {
		const uint8_t *p = t->in.p + t->at, *end = NULL;
		size_t n = t->in.n - t->at;
		if (n > looked)
			end = memchr(p + looked, '\n', n - looked);
		if (end != NULL) {
			*out = bm_view(p, (size_t)(end - p));
			t->at += out->n + 1;
			return true;
		}
		looked = n;
		if (!more(t))
			return false;
	}
}

static bool
read_model(struct taking *t, struct bm_view json, struct bm_findings *f)
{
	char why[BM_FINDINGS_PROBLEM];
	enum bm_status st = bm_findings_read(json, f, why, sizeof why);

	if (st != BM_OK)
		problem(t, st, why);
	return st == BM_OK;
}

static void
put_all(struct taking *t, const struct bm_findings *f)
{
	for (size_t i = 0; i < f->connection_count && ok(t); i++)
		bm_put_connection(&t->put, &f->connections[i]);
}

/* text between the two others is a report. */
static void
put_wrapped(struct taking *t, const char *before, struct bm_view text, const char *after, bool last)
{
	struct bm_buf b = {.max = BM_FINDINGS_MOST};
	struct bm_findings f = {.connection_count = 0};
	enum bm_status st = bm_buf_add(&b, bm_view(before, strlen(before)));

	if (st == BM_OK)
		st = bm_buf_add(&b, text);
	if (st == BM_OK)
		st = bm_buf_add(&b, bm_view(after, strlen(after)));
	if (st != BM_OK)
		problem(t, st, st == BM_NOMEM ? bm_status_text(st) : "a connection in it is too large");
	else if (read_model(t, bm_buf_view(&b), &f)) {
		put_all(t, &f);
		if (last)
			t->put.added.known = bm_put_end(&t->put, &f);
	}
	bm_findings_clear(&f);
	bm_buf_clear(&b);
}

static void
rest(struct taking *t)
{
	while (more(t))
		;
	if (ok(t))
		put_wrapped(t, head, bm_view(t->in.p + t->at, t->in.n - t->at), "", true);
}

static void
by_lines(struct taking *t, size_t start)
{
	struct bm_view v;

	t->at = start;
	if (!line(t, &v) || v.n != 0) {
		/* "connections": [], without any. */
		t->at = start;
		rest(t);
		return;
	}
	while (ok(t) && line(t, &v)) {
		if (v.n != 0 && v.p[0] == ']') {
			t->at -= v.n + 1;
			rest(t);
			return;
		}
		if (v.n != 0 && v.p[v.n - 1] == ',')
			v.n--;
		put_wrapped(t, head, v, tail, false);
	}
	problem(t, BM_FORMAT, "is no whole report: it ends in the middle");
}

static void
as_a_whole(struct taking *t)
{
	struct bm_findings f = {.connection_count = 0};

	while (more(t))
		;
	if (ok(t) && read_model(t, bm_view(t->in.p + t->at, t->in.n - t->at), &f)) {
		/* One address in it may stand for another in each report: what is one connection, or
		 * shared, could not be told. */
		if (f.redacted != NULL)
			problem(t, BM_FORMAT,
				"is redacted: its addresses and perhaps times are not the real ones; give the "
				"report without --redact");
		put_all(t, &f);
		t->put.added.known = bm_put_end(&t->put, &f);
	}
	bm_findings_clear(&f);
}

/* How long its opening is, 0 where badmac did not write it. */
static size_t
starts_as_written(struct taking *t)
{
	for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
		size_t n = strlen(openings[i]);
		while (t->in.n < n && more(t))
			;
		if (t->in.n >= n && memcmp(t->in.p, openings[i], n) == 0)
			return n;
	}
	return 0;
}

void
bm_store_told(const struct bm_store_added *a, char *out)
{
	if (a->known)
		(void)snprintf(out, BM_STORE_PROBLEM, "is in the store already");
	else
		(void)snprintf(out, BM_STORE_PROBLEM, "%s failure%s in %s connection%s, %s new finding%s",
			bm_grouped(a->failures).s, bm_plural(a->failures), bm_grouped(a->connections).s,
			bm_plural(a->connections), bm_grouped(a->findings).s, bm_plural(a->findings));
}

enum bm_status
bm_store_add(struct bm_store *s, long (*read)(void *ctx, void *p, size_t n), void *ctx,
	const struct bm_store_run *run, struct bm_store_added *out, char *why)
{
	struct taking t = {.put = {.store = s, .run = run},
		.read = read,
		.ctx = ctx,
		.in = {.max = BM_FINDINGS_MOST + PIECE}};

	*out = (struct bm_store_added){.findings = 0};
	bm_db_run(s, "BEGIN IMMEDIATE");
	bm_put_begin(&t.put);
	size_t start = ok(&t) ? starts_as_written(&t) : 0;
	if (ok(&t) && start != 0)
		by_lines(&t, start);
	else if (ok(&t))
		as_a_whole(&t);
	/* A report that is there already leaves everything as it was. */
	bm_db_run(s, t.put.added.known ? "ROLLBACK" : "COMMIT");
	enum bm_status st = s->status;
	(void)snprintf(why, BM_STORE_PROBLEM, "%s", st != BM_OK ? s->problem : "");
	if (st != BM_OK) {
		for (size_t i = 0; i < s->count; i++)
			if (s->prepared[i] != NULL)
				(void)sqlite3_reset(s->prepared[i]);
		if (sqlite3_get_autocommit(s->db) == 0)
			(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		s->status = BM_OK;
		s->problem[0] = '\0';
	} else {
		*out = t.put.added;
	}
	bm_buf_clear(&t.in);
	return st;
}
