/* One report into the tables. Refuses to know which of its connections and failures were met
 * before: identity.c and merge.c do. */
#include "store/put.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS = 64 };

static const char *
result_word(enum bm_found_result r)
{
	return r == BM_FOUND_FAILED ? "failed" : r == BM_FOUND_VERIFIED ? "verified" : "undecided";
}

static unsigned
effort_rank(const char *effort)
{
	if (effort == NULL)
		return 1;
	return strcmp(effort, "quick") == 0 ? 0 : strcmp(effort, "deep") == 0 ? 2 : 1;
}

/* "1.12.3" as 1012003, to be compared. */
static uint64_t
version_rank(const char *version)
{
	uint64_t rank = 0;
	char *end = NULL;

	for (int i = 0; i < 3; i++) {
		unsigned long part = version != NULL ? strtoul(version, &end, 10) : 0;
		rank = rank * 1000 + (part < 1000 ? part : 999);
		version = version != NULL && *end == '.' ? end + 1 : NULL;
	}
	return rank;
}

/* All of what is told of a connection but what the capture was called and how packets were
 * counted. */
static void
digest_sighting(
	const struct bm_put *p, const struct bm_found_connection *c, char out[BM_DIGEST_TEXT])
{
	struct bm_digest d = {{0}};

	bm_digest_text(&d, c->client);
	bm_digest_text(&d, c->server);
	bm_digest_text(&d, c->first_time);
	bm_digest_text(&d, c->last_time);
	bm_digest_text(&d, c->keys);
	bm_digest_number(&d, c->also_in.count);
	bm_digest_number(&d, effort_rank(p->run->effort));
	bm_digest_number(&d, version_rank(p->run->version));
	for (unsigned i = 0; i < 2; i++) {
		bm_digest_number(&d, c->records[i].verified);
		bm_digest_number(&d, c->records[i].undecided);
	}
	for (size_t i = 0; i < c->failure_count; i++) {
		const struct bm_found_failure *f = &c->failures[i];
		bm_digest_number(&d, f->direction);
		bm_digest_number(&d, f->epoch);
		bm_digest_number(&d, f->sequence_number);
		bm_digest_number(&d, f->stream_offset);
		bm_digest_number(&d, f->length);
		bm_digest_text(&d, f->cause);
		bm_digest_number(&d, f->confidence);
		bm_digest_damage(&d, f);
		for (size_t k = 0; k < f->at_fault.count; k++)
			bm_digest_text(&d, f->at_fault.at[k]);
	}
	bm_digest_print(&d, out);
}

static void
bind_ends(struct bm_db_row *r, const struct bm_found_connection *c)
{
	int64_t first = 0, last = 0;
	bool has_first = bm_store_time(c->first_time, &first);
	bool has_last = bm_store_time(c->last_time, &last);

	bm_db_put_text(r, c->server_name);
	bm_db_put_signed(r, first, has_first);
	bm_db_put_signed(r, last, has_last);
	bm_db_put_text(r, c->version);
	bm_db_put_text(r, c->cipher_suite);
	bm_db_put_text(r, c->keys);
	bm_db_put(r, c->resumed == BM_FOUND_NO_ANSWER ? BM_DB_NULL : c->resumed == BM_FOUND_YES);
	bm_db_put(r, c->extended_master_secret);
	bm_db_put(r, c->encrypt_then_mac);
	bm_db_put_text(r, result_word(c->result));
	bm_db_put(r, c->records[0].verified + c->records[1].verified);
	bm_db_put(r, c->records[0].failed + c->records[1].failed);
	bm_db_put(r, c->records[0].undecided + c->records[1].undecided);
	bm_db_put(r, c->capture_gaps);
	bm_db_put(r, c->also_in.count);
}

static bool
is_there(struct bm_store *s, uint64_t connection, const char *digest)
{
	struct bm_db_row r = bm_db_row(s, BM_SQL_SIGHTING_FIND);

	bm_db_put(&r, connection);
	bm_db_put_text(&r, digest);
	bool there = bm_db_next(&r);
	if (r.stmt != NULL)
		(void)sqlite3_reset(r.stmt);
	return there;
}

static void
put_sighting(
	struct bm_put *p, uint64_t connection, const char *digest, const struct bm_found_connection *c)
{
	/* They live until the statement is done, for SQLite does not copy them. */
	char client[ADDRESS], server[ADDRESS];
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_SIGHTING_ADD);

	bm_store_address(c->client, client, sizeof client);
	bm_store_address(c->server, server, sizeof server);
	bm_db_put(&r, connection);
	bm_db_put(&r, p->id);
	bm_db_put_text(&r, digest);
	bm_db_put_text(&r, c->capture);
	bm_db_put_text(&r, c->transport == BM_FOUND_UDP ? "udp" : "tcp");
	bm_db_put_text(&r, c->client);
	bm_db_put_text(&r, c->server);
	bm_db_put_text(&r, client);
	bm_db_put_text(&r, server);
	bind_ends(&r, c);
	bm_db_put(&r, effort_rank(p->run->effort));
	bm_db_put(&r, version_rank(p->run->version));
	bm_db_done(&r);
	if (p->store->status != BM_OK)
		return;
	uint64_t id = (uint64_t)sqlite3_last_insert_rowid(p->store->db);
	for (size_t i = 0; i < c->failure_count; i++)
		bm_put_failure(p, id, connection, c, &c->failures[i]);
	bm_merge(p->store, connection);
}

static uint64_t
findings_of(struct bm_store *s, uint64_t connection)
{
	struct bm_db_row r = bm_db_row(s, BM_SQL_FINDINGS_OF);
	uint64_t n = 0;

	bm_db_put(&r, connection);
	if (bm_db_next(&r))
		n = bm_db_number(&r, 0);
	if (r.stmt != NULL)
		(void)sqlite3_reset(r.stmt);
	return n;
}

static void
put_traffic(struct bm_put *p, const char *kind, const char *value)
{
	if (value == NULL)
		return;
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_TRAFFIC_ADD);
	bm_db_put(&r, p->id);
	bm_db_put_text(&r, kind);
	bm_db_put_text(&r, value);
	bm_db_done(&r);
}

static void
put_capture(struct bm_put *p, const char *name)
{
	if (name == NULL)
		return;
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_CAPTURE_ADD);
	bm_db_put(&r, p->id);
	bm_db_put_text(&r, name);
	bm_db_done(&r);
}

/* What a good connection leaves behind: numbers alone. */
static void
count(struct bm_put *p, const struct bm_found_connection *c)
{
	char client[ADDRESS], server[ADDRESS], hour[3] = "";
	int64_t first, last;

	p->verified += c->result == BM_FOUND_VERIFIED;
	p->failed += c->result == BM_FOUND_FAILED;
	p->undecided += c->result == BM_FOUND_UNDECIDED;
	p->added.connections++;
	p->added.failures += c->failure_count;
	bm_store_address(c->client, client, sizeof client);
	bm_store_address(c->server, server, sizeof server);
	put_traffic(p, "client", client);
	put_traffic(p, "server", server);
	put_traffic(p, "suite", c->cipher_suite);
	if (!bm_store_time(c->first_time, &first) || !bm_store_time(c->last_time, &last))
		return;
	(void)snprintf(hour, sizeof hour, "%.2s", c->last_time + 11);
	put_traffic(p, "hour", hour);
	p->first = !p->has_time || first < p->first ? first : p->first;
	p->last = !p->has_time || last > p->last ? last : p->last;
	p->has_time = true;
}

void
bm_put_begin(struct bm_put *p)
{
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_RUN_ADD);

	bm_db_put_signed(&r, p->run->now, true);
	bm_db_put_text(&r, p->run->version);
	bm_db_put_text(&r, p->run->effort);
	bm_db_put_text(&r, p->run->place);
	bm_db_done(&r);
	if (p->store->status == BM_OK)
		p->id = (uint64_t)sqlite3_last_insert_rowid(p->store->db);
	for (size_t i = 0; i < p->run->capture_count; i++)
		put_capture(p, p->run->captures[i]);
}

void
bm_put_connection(struct bm_put *p, const struct bm_found_connection *c)
{
	char digest[BM_DIGEST_TEXT];

	count(p, c);
	if (p->run->capture_count == 0) {
		put_capture(p, c->capture);
		for (size_t i = 0; i < c->also_in.count; i++)
			put_capture(p, c->also_in.at[i]);
	}
	/* Of one without failures it matters only that a poorer diagnosis had found some. */
	uint64_t connection = bm_connection_find(p->store, c, c->failure_count != 0);
	if (connection == BM_DB_NULL)
		return;
	digest_sighting(p, c, digest);
	if (is_there(p->store, connection, digest))
		return;
	uint64_t before = findings_of(p->store, connection);
	put_sighting(p, connection, digest, c);
	uint64_t after = findings_of(p->store, connection);
	p->added.findings += after > before ? after - before : 0;
}

bool
bm_put_end(struct bm_put *p, const struct bm_findings *f)
{
	char digest[BM_DIGEST_TEXT], input[BM_DIGEST_TEXT];
	struct bm_digest d = {{0}};

	bm_digest_print(&p->digest, digest);
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_RUN_FIND);
	bm_db_put_text(&r, digest);
	bool known = bm_db_next(&r);
	if (r.stmt != NULL)
		(void)sqlite3_reset(r.stmt);
	if (known || p->store->status != BM_OK)
		return known;
	/* So many packets and octets at that time are the same captures. */
	bm_digest_number(&d, f->packets);
	bm_digest_number(&d, f->bytes);
	bm_digest_number(&d, p->has_time ? (uint64_t)p->first : 0);
	bm_digest_number(&d, p->has_time ? (uint64_t)p->last : 0);
	bm_digest_print(&d, input);
	r = bm_db_row(p->store, BM_SQL_RUN_FILL);
	bm_db_put_text(&r, digest);
	bm_db_put_text(&r, input);
	bm_db_put_text(&r, result_word(f->result));
	bm_db_put(&r, p->added.connections);
	bm_db_put(&r, p->verified);
	bm_db_put(&r, p->failed);
	bm_db_put(&r, p->undecided);
	bm_db_put(&r, f->records.verified);
	bm_db_put(&r, f->records.failed);
	bm_db_put(&r, f->records.undecided);
	bm_db_put(&r, f->records.plaintext);
	bm_db_put(&r, f->packets);
	bm_db_put(&r, f->bytes);
	bm_db_put_signed(&r, p->first, p->has_time);
	bm_db_put_signed(&r, p->last, p->has_time);
	bm_db_put(&r, p->id);
	bm_db_done(&r);
	r = bm_db_row(p->store, BM_SQL_RUN_COUNT);
	bm_db_put_text(&r, input);
	bm_db_done(&r);
	return false;
}
