#include "report.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void
print(struct bm_buf *b, const char *format, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof text);
	assert_int_equal(bm_buf_add(b, bm_view(text, (size_t)n)), BM_OK);
}

static void
quoted(struct bm_buf *b, const char *key, const char *text)
{
	if (text != NULL)
		print(b, "\"%s\": \"%s\", ", key, text);
	else
		print(b, "\"%s\": null, ", key);
}

static void
number(struct bm_buf *b, const char *key, int n)
{
	if (n >= 0)
		print(b, "\"%s\": %d, ", key, n);
	else
		print(b, "\"%s\": null, ", key);
}

static void
failure(struct bm_buf *b, const struct made *m)
{
	print(b, "{");
	quoted(b, "direction", m->direction);
	number(b, "epoch", m->epoch);
	number(b, "sequence_number", m->sequence);
	number(b, "stream_offset", m->offset);
	print(b,
		"\"length\": %u, \"packets\": [7, 8], \"cause\": \"%s\", \"confidence\": \"%s\","
		" \"at_fault\": [\"network\", \"sender-host\"], \"summary\": \"It was %s.\","
		" \"proof\": {\"method\": \"ghash-syndrome\", \"tag_bits\": 128, \"candidates\": 5,"
		" \"chance_log2\": -115.5}, \"damage\": [%s], \"checksum\": {\"as_captured\": \"valid\","
		" \"as_sent\": null}, \"evidence\": [\"a fact\", \"another\"], \"ruled_out\": [], "
		"\"next_steps\": []}",
		m->length, m->cause, m->confidence, m->cause, m->damage);
}

static void
connection(struct bm_buf *b, const struct made *m)
{
	print(b, "{\"id\": 0, \"capture\": \"c.pcap\", \"also_in\": [], \"transport\": \"tcp\", ");
	quoted(b, "client", m->client);
	quoted(b, "server", m->server);
	print(b,
		"\"server_name\": null, \"first_time\": \"2026-11-24T10:00:%sZ\", \"last_time\": "
		"\"2026-11-24T10:00:%sZ\", ",
		m->first, m->last);
	quoted(b, "version", m->random != NULL ? "TLS 1.2" : NULL);
	quoted(b, "cipher_suite", "TLS_RSA_WITH_AES_128_GCM_SHA256");
	quoted(b, "client_random", m->random);
	print(b, "\"resumed\": null, ");
	quoted(b, "keys", m->keys);
	print(b,
		"\"extended_master_secret\": false, \"encrypt_then_mac\": false, \"truncated_hmac\": false,"
		" \"max_fragment_length\": null, \"record_size_limit\": null, \"compression\": null, "
		"\"result\": \"%s\","
		" \"undecided_because\": null, \"undecided_detail\": null, \"undecided_next\": null, "
		"\"records\":"
		" {\"client_to_server\": {\"verified\": %u, \"failed\": %d, \"undecided\": %u, "
		"\"plaintext\": 3},"
		" \"server_to_client\": {\"verified\": 0, \"failed\": 0, \"undecided\": 0, \"plaintext\": "
		"3}},"
		" \"capture_gaps\": 0, \"alerts\": [], \"failures\": [",
		m->cause != NULL ? "failed" : "verified", m->verified, m->cause != NULL, m->undecided);
	if (m->cause != NULL)
		failure(b, m);
	print(b, "]}");
}

void
report_make(struct bm_buf *b, const struct made *list, size_t n, bool lines)
{
	*b = (struct bm_buf){.max = 1 << 20};
	print(b, lines ? "{\"schema\": \"badmac.diagnosis.v1\",\n\"connections\": [\n"
				   : "{\"schema\":\"badmac.diagnosis.v1\", \"connections\": [");
	for (size_t i = 0; i < n; i++) {
		print(b, "%s%s", i != 0 ? "," : "", i != 0 && lines ? "\n" : "");
		connection(b, &list[i]);
	}
	print(b,
		"%s],\n\"summary\": {\"result\": \"failed\", \"connections\": %zu, \"records\": "
		"{\"verified\": 5, \"failed\": 1,"
		" \"undecided\": 0, \"plaintext\": 6}, \"packets\": 33, \"bytes\": 4000, \"undecoded\": 0, "
		"\"seen_elsewhere\": 0,"
		" \"notices\": []}}\n",
		lines ? "\n" : "", n);
}

long
report_read(void *source, void *p, size_t n)
{
	struct report_source *s = source;
	size_t left = s->bytes.n - s->at;

	if (s->fail_at != 0 && s->at >= s->fail_at)
		return -1;
	n = n < left ? n : left;
	n = s->chunk != 0 && n > s->chunk ? s->chunk : n;
	if (n != 0)
		memcpy(p, s->bytes.p + s->at, n);
	s->at += n;
	return (long)n;
}

const char *
store_path(void)
{
	static char path[200];

	if (path[0] == '\0')
		(void)snprintf(path, sizeof path, "%s/badmac-store-%ld.db",
			access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
	return path;
}

void
store_remove(void)
{
	char journal[220];

	(void)snprintf(journal, sizeof journal, "%s-journal", store_path());
	(void)unlink(store_path());
	(void)unlink(journal);
}

enum bm_status
store_put(const struct made *list, size_t n, bool lines, struct bm_store_added *out, char *problem)
{
	static const char *const captures[] = {"a.pcap"};
	const struct bm_store_run run = {
		.version = "0.1.0", .effort = "normal", .captures = captures, .capture_count = 1, .now = 1};
	struct bm_store *s;
	struct bm_buf b;

	report_make(&b, list, n, lines);
	struct report_source source = {.bytes = bm_buf_view(&b)};
	enum bm_status st = bm_store_open(&s, store_path(), true, problem);
	if (st == BM_OK)
		st = bm_store_add(s, report_read, &source, &run, out, problem);
	bm_store_close(s);
	bm_buf_clear(&b);
	return st;
}

long
store_ask(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(store_path(), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	long n = sqlite3_column_type(stmt, 0) == SQLITE_NULL ? -1 : (long)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}
