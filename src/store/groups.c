/* Findings counted by what they have in common. */
#include "store/model.h"

#include <stdio.h>

enum { DAYS_MOST = 100 * 366 };

/* What is counted for a value: its expression over failure f and sighting s. */
struct rule {
	const char *name, *heading, *expression;
	bool in_order;
};

static const struct rule rules[BM_GROUP_COUNT] = {
	[BM_GROUP_CAUSE] = {"cause", "by cause", "f.cause", false},
	[BM_GROUP_CONFIDENCE] = {"confidence", "by confidence", "f.confidence", false},
	[BM_GROUP_FAULT] = {"fault", "by the likeliest party at fault", "f.party", false},
	[BM_GROUP_PEER] = {"peer", "by address, of either end",
		"CASE two.e WHEN 0 THEN s.client_address ELSE s.server_address END", false},
	[BM_GROUP_CLIENT] = {"client", "by client", "s.client_address", false},
	[BM_GROUP_SERVER] = {"server", "by server", "s.server_address", false},
	[BM_GROUP_NAME] = {"name", "by server name", "s.server_name", false},
	[BM_GROUP_SUITE] = {"suite", "by cipher suite", "s.cipher_suite", false},
	[BM_GROUP_VERSION] = {"version", "by version", "s.version", false},
	[BM_GROUP_DIRECTION] = {"direction", "by direction", "f.direction", false},
	[BM_GROUP_CAPTURE] = {"capture", "by capture", "s.capture", false},
	[BM_GROUP_DAY] = {"day", "by day (UTC)", "f.time / 86400000000000", true},
	[BM_GROUP_HOUR] = {"hour", "by hour of the day (UTC)", "f.time / 3600000000000 % 24", true},
	[BM_GROUP_WEEKDAY] = {"weekday", "by day of the week (UTC)",
		"(f.time / 86400000000000 + 3) % 7", true},
	[BM_GROUP_BIT] = {"bit", "by the bit of an octet that is inverted", "f.bit", true},
	[BM_GROUP_FLIP] = {"flip", "by the way that bits went, from sent to received", "f.flip", false},
	[BM_GROUP_OFFSET] = {"offset", "by the place of the damage in its record, modulo 64",
		"f.damage_record_offset % 64", true},
	[BM_GROUP_STREAM_OFFSET] = {"stream-offset",
		"by the place of the damage in its stream, modulo 64", "f.damage_stream_offset % 64", true},
	[BM_GROUP_PACKET_OFFSET] = {"packet-offset",
		"by the place of the damage in its packet, modulo 64", "f.damage_packet_offset % 64", true},
	[BM_GROUP_SIZE] = {"size", "by the length of the record", "f.length", true},
};

const char *
bm_history_group_name(enum bm_history_group g)
{
	return rules[g].name;
}

enum bm_history_group
bm_history_group_find(const char *name)
{
	for (int g = 1; g < BM_GROUP_COUNT; g++)
		if (strcmp(rules[g].name, name) == 0)
			return (enum bm_history_group)g;
	return BM_GROUP_NONE;
}

const char *
bm_group_heading(enum bm_history_group g)
{
	return rules[g].heading;
}

void
bm_day_text(uint64_t day, char out[16])
{
	char text[BM_TIME_TEXT_MAX];

	/* Whatever a damaged store says. */
	bm_time_text((day < 200000 ? day : 0) * 86400 * 1000000000u, text);
	(void)snprintf(out, 16, "%.10s", text);
}

static const char *
shown(struct bm_history_model *m, enum bm_history_group g, const struct bm_db_row *r)
{
	static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	char text[16];
	uint64_t n = bm_db_number(r, 0);

	if (sqlite3_column_type(r->stmt, 0) == SQLITE_NULL)
		return NULL;
	switch (g) {
	case BM_GROUP_DAY:
		bm_day_text(n, text);
		return bm_model_keep(m, text);
	case BM_GROUP_HOUR:
		(void)snprintf(text, sizeof text, "%02u", (unsigned)(n % 24));
		return bm_model_keep(m, text);
	case BM_GROUP_WEEKDAY:
		return weekdays[n % 7];
	default:
		return bm_model_keep(m, bm_db_text(r, 0));
	}
}

void
bm_group_fill(struct bm_history_model *m, enum bm_history_group g)
{
	char what[200];
	struct bm_group_table *t = &m->tables[m->table_count];

	if (m->table_count == BM_HISTORY_TABLES || m->store->status != BM_OK)
		return;
	*t = (struct bm_group_table){.group = g,
		.rows = bm_arena_take(&m->arena, BM_HISTORY_GROUPS, sizeof *t->rows),
		.in_order = rules[g].in_order};
	if (t->rows == NULL) {
		bm_db_fail(m->store, SQLITE_NOMEM);
		return;
	}
	/* Both ends may have one address. */
	(void)snprintf(what, sizeof what, "%s AS v, count(%s), count(DISTINCT f.connection)",
		rules[g].expression, g == BM_GROUP_PEER ? "DISTINCT f.id" : "*");
	struct bm_db_row r = bm_filter_ask(m, what,
		rules[g].in_order ? "GROUP BY v ORDER BY v IS NULL, v"
						  : "GROUP BY v ORDER BY 2 DESC, v IS NULL, v");
	while (bm_db_next(&r)) {
		t->values++;
		if (t->n == BM_HISTORY_GROUPS) {
			t->left_out += bm_db_number(&r, 1);
			continue;
		}
		t->rows[t->n++] = (struct bm_group_row){.value = shown(m, g, &r),
			.findings = bm_db_number(&r, 1),
			.connections = bm_db_number(&r, 2)};
	}
	bm_db_close(&r);
	m->table_count++;
}

void
bm_days_fill(struct bm_history_model *m)
{
	if (m->first == BM_DB_NULL || m->last == BM_DB_NULL || m->store->status != BM_OK)
		return;
	uint64_t day = UINT64_C(86400000000000);
	m->days.first = m->first / day;
	uint64_t n = m->last / day - m->days.first + 1;
	m->days.n = n < DAYS_MOST ? (size_t)n : DAYS_MOST;
	m->days.count = bm_arena_take(&m->arena, m->days.n, sizeof *m->days.count);
	if (m->days.count == NULL) {
		bm_db_fail(m->store, SQLITE_NOMEM);
		m->days.n = 0;
		return;
	}
	struct bm_db_row r = bm_filter_ask(
		m, "f.time / 86400000000000 AS v, count(*)", "AND f.time NOT NULL GROUP BY v");
	while (bm_db_next(&r)) {
		uint64_t at = bm_db_number(&r, 0) - m->days.first;
		if (at < m->days.n)
			m->days.count[at] = bm_db_number(&r, 1);
	}
	bm_db_close(&r);
}
