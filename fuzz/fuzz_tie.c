/* Any bytes as a log beside connections made of other bytes: what stands before a line of dashes.
 * The report is JSON, and printable text, and names no connection that there is none of. */
#include <stdlib.h>

#include <jansson.h>

#include "logs/text.h"
#include "tie/report.h"

enum { KEPT = 1 << 24, CONNECTIONS = 48 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static int
keep(void *ctx, const char *bytes, size_t n)
{
	return bm_buf_add(ctx, bm_view(bytes, n)) == BM_OK ? 0 : -1;
}

/* Reading the rules takes longer than all the rest: they are lent to each. */
static struct bm_tie *
open_tie(struct bm_rules **rules)
{
	struct bm_tie *t;

	if (*rules != NULL) {
		t = calloc(1, sizeof *t);
		must(t != NULL);
		t->arena.max = t->words.max = t->tables_max = TIE_LEAST_MEMORY;
		t->rules = *rules;
		t->sealed = true;
		return t;
	}
	must(bm_tie_new(&t, 0) == BM_OK);
	*rules = t->rules;
	return t;
}

/* 2026-11-26T09:00:00Z and some seconds. */
static uint64_t
moment(uint8_t seconds)
{
	return (UINT64_C(1795683600) + seconds) * 1000000000;
}

static void
add_connection(struct bm_tie *t, struct bm_reader *r, struct bm_report *report)
{
	uint8_t what = bm_u8(r), first = bm_u8(r), last = bm_u8(r), length = bm_u8(r);
	uint64_t packet = 1 + bm_u8(r);
	struct bm_failure f[2] = {{.direction = what & 1,
		.stream_offset = what & 2 ? length * 100u : BM_UNKNOWN,
		.length = what & 4 ? 5u + length : BM_UNKNOWN,
		.sequence_number = 1,
		.packets = &packet,
		.packet_count = 1,
		.summary = "x"}};
	struct bm_alert a = {.direction = what & 1,
		.level = what & 8 ? 2 : 0,
		.description = what & 8 ? 20 : 255,
		.packet = packet};
	struct bm_connection c = {.id = t->connection_count,
		.client = {{192, 0, 2, 1}, 4, (uint16_t)(50000 + packet)},
		.server = {{198, 51, 100, 7}, 4, 443},
		.first_ts_ns = what & 16 ? moment(first) : 0,
		.last_ts_ns = moment(last > first ? last : first),
		.version = 0x0301 + (what >> 6),
		.has_suite = true,
		.suite = 0x009c,
		.has_client_random = true,
		.result = (enum bm_conclusion)(what % 3),
		.server_name = "host.example.org",
		.failures = f,
		.failure_count = what & 32 ? 1 + (length & 1) : 0,
		.alerts = &a,
		.alert_count = (what >> 3) & 1};

	f[1] = f[0];
	memset(c.client_random, (int)packet, sizeof c.client_random);
	must(bm_report_connection(report, &c) == BM_OK);
	must(bm_tie_connection(t, &c, BM_FORWARD, NULL) == BM_OK);
	struct tie_connection *made = &t->connections[t->connection_count - 1];
	if (made->failure_count != 0 && (what & 128))
		made->failures[0].ts_ns = moment(last);
	made->records[what & 1] = bm_arena_take(&t->arena, 2, sizeof *made->records[0]);
	must(made->records[what & 1] != NULL);
	made->records[what & 1][0] = (struct tie_record){.off = 0, .len = length, .type = 23};
	made->records[what & 1][1] =
		(struct tie_record){.off = length * 100u, .len = length, .type = 23};
	made->record_count[what & 1] = 2;
}

static struct bm_buf
tie(struct bm_rules **rules, struct bm_keyring *keys, struct bm_view made, struct bm_view log,
	size_t piece, bool json)
{
	struct bm_buf out = {.max = KEPT};
	struct bm_report_options o = {
		.json = json, .verbose = true, .logs = true, .write = keep, .write_ctx = &out};
	struct bm_summary summary = {.packets = 1};
	struct bm_reader r = bm_reader(made);
	struct bm_tie *t = open_tie(rules);
	struct bm_rules_error e;
	struct bm_report *report;
	struct bm_tied tied;
	const char *file;

	must(bm_report_new(&report, &o) == BM_OK);
	must(bm_tie_log(t, "a.log", keys, &file, &e) == BM_OK);
	while (log.n != 0) {
		size_t now = log.n < piece ? log.n : piece;
		must(bm_tie_feed(t, bm_view(log.p, now)) == BM_OK);
		log = bm_view(log.p + now, log.n - now);
	}
	must(bm_tie_logs_end(t) == BM_OK);
	for (size_t i = 0; i < CONNECTIONS && bm_left(&r) >= 5; i++)
		add_connection(t, &r, report);
	bm_tie_frame(t, moment(0));
	bm_tie_frame(t, moment(255));
	must(bm_tie_settle(t) == BM_OK);
	for (size_t i = 0; bm_tie_nth(t, i, &tied); i++)
		must(tied.connection == BM_UNKNOWN ? tied.sure < BM_SURE_POSSIBLE
										   : tied.connection < t->connection_count);
	struct bm_report_logs logs = bm_tie_report(t);
	bm_report_set_logs(report, &logs);
	must(bm_report_finish(report, &summary) == BM_OK);
	bm_report_free(report);
	t->rules = NULL;
	bm_tie_free(t);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct bm_rules *rules;
	struct bm_view log = bm_view(p, n), made = bm_view(NULL, 0);
	size_t at = text_find(log, "\n----\n");
	struct bm_keyring *keys;

	if (at != SIZE_MAX) {
		made = bm_view(p, at);
		log = bm_view(p + at + 6, n - at - 6);
	}
	must(bm_keyring_new(&keys) == BM_OK);
	struct bm_buf whole = tie(&rules, keys, made, log, log.n + 1, true);
	struct bm_buf pieces = tie(&rules, keys, made, log, 1 + n % 61, true);
	struct bm_buf text = tie(&rules, keys, made, log, log.n + 1, false);
	must(bm_view_equal(bm_buf_view(&whole), bm_buf_view(&pieces)));
	json_t *report = json_loadb((const char *)whole.p, whole.n, JSON_REJECT_DUPLICATES, NULL);
	must(report != NULL && json_is_array(json_object_get(report, "incidents")));
	json_decref(report);
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] >= 0x20 || text.p[i] == '\n');
	bm_buf_clear(&whole);
	bm_buf_clear(&pieces);
	bm_buf_clear(&text);
	bm_keyring_free(keys);
	return 0;
}
