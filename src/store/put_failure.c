/* One failure into the tables, with its octets and its evidence. Refuses to know which finding it
 * is of: merge.c does. */
#include "base/flips.h"
#include "store/put.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PARTIES = 400,
	RECEIVED_MOST = 1 << 16 /* octets of a run, in the damage table */
};

static const char *
confidence_word(enum bm_found_confidence c)
{
	static const char *const words[] = {"possible", "supported", "proven"};

	return words[c];
}

static const char *
sum_word(enum bm_found_sum s)
{
	static const char *const words[] = {NULL, "valid", "invalid", "offloaded"};

	return words[s];
}

/* Which bits a failure's octets differ in; false: not all of them are known. */
static bool
flips_of(const struct bm_found_failure *f, struct bm_flips *x)
{
	for (size_t i = 0; i < f->damage_count; i++) {
		const struct bm_found_damage *d = &f->damage[i];
		if (!d->received_known || !d->sent_known || d->received.n != d->sent.n ||
			d->received.n == 0)
			return false;
		bm_flips_add(x, d->sent, d->received);
	}
	return f->damage_count != 0;
}

void
bm_digest_damage(struct bm_digest *d, const struct bm_found_failure *f)
{
	for (size_t i = 0; i < f->damage_count; i++) {
		const struct bm_found_damage *m = &f->damage[i];
		bm_digest_number(d, m->record_offset);
		bm_digest_number(d, m->length);
		bm_digest_number(d, m->received_known);
		bm_digest_add(d, m->received.p, m->received.n);
		bm_digest_number(d, m->sent_known);
		bm_digest_add(d, m->sent.p, m->sent.n);
	}
}

static void
print_parties(const struct bm_found_texts *t, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->count && used < n; i++) {
		int len = snprintf(out + used, n - used, "%s%s", i != 0 ? ", " : "", t->at[i]);
		used += len > 0 ? (size_t)len : 0;
	}
}

static char *
hex_of(struct bm_view v)
{
	size_t n = v.n < RECEIVED_MOST ? v.n : RECEIVED_MOST;
	char *text = malloc(2 * n + 1);

	if (text != NULL)
		bm_hex(bm_view(v.p, n), text);
	return text;
}

static void
put_damage(struct bm_put *p, uint64_t failure, size_t nth, const struct bm_found_damage *d)
{
	char *received = hex_of(d->received), *sent = hex_of(d->sent);

	if (received == NULL || sent == NULL)
		bm_db_fail(p->store, SQLITE_NOMEM);
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_DAMAGE_ADD);
	bm_db_put(&r, failure);
	bm_db_put(&r, nth);
	bm_db_put(&r, d->record_offset);
	bm_db_put(&r, d->stream_offset);
	bm_db_put(&r, d->length);
	bm_db_put(&r, d->packet);
	bm_db_put(&r, d->packet_offset);
	bm_db_put_text(&r, d->received_known ? received : NULL);
	bm_db_put_text(&r, d->sent_known ? sent : NULL);
	bm_db_done(&r);
	if (r.stmt != NULL)
		(void)sqlite3_clear_bindings(r.stmt);
	free(received);
	free(sent);
}

static void
put_lists(struct bm_put *p, uint64_t failure, const struct bm_found_failure *f)
{
	for (size_t i = 0; i < f->damage_count; i++)
		put_damage(p, failure, i, &f->damage[i]);
	for (size_t i = 0; i < f->evidence.count; i++) {
		struct bm_db_row r = bm_db_row(p->store, BM_SQL_EVIDENCE_ADD);
		bm_db_put(&r, failure);
		bm_db_put(&r, i);
		bm_db_put_text(&r, f->evidence.at[i]);
		bm_db_done(&r);
	}
}

static void
bind_damage(struct bm_db_row *r, const struct bm_found_failure *f, const char *digest)
{
	const struct bm_found_damage *first = f->damage_count != 0 ? &f->damage[0] : NULL;
	struct bm_flips x = {.bits = 0};
	bool known = flips_of(f, &x);
	int column = bm_flips_column(&x);
	uint64_t length = 0;

	for (size_t i = 0; i < f->damage_count; i++)
		length += f->damage[i].length;
	bm_db_put_text(r, digest);
	bm_db_put(r, first != NULL ? first->record_offset : BM_DB_NULL);
	bm_db_put(r, first != NULL ? first->stream_offset : BM_DB_NULL);
	bm_db_put(r, first != NULL ? first->packet_offset : BM_DB_NULL);
	bm_db_put(r, length);
	bm_db_put(r, known && x.bits != 0 ? x.bits : BM_DB_NULL);
	bm_db_put(r, known && column >= 0 ? (uint64_t)column : BM_DB_NULL);
	bm_db_put_text(r, !known      ? NULL
					  : x.to == 1 ? "1 to 0"
					  : x.to == 2 ? "0 to 1"
					  : x.to == 3 ? "both"
								  : NULL);
}

void
bm_put_failure(struct bm_put *p, uint64_t sighting, uint64_t connection,
	const struct bm_found_connection *c, const struct bm_found_failure *f)
{
	char parties[PARTIES], digest[BM_DIGEST_TEXT];
	struct bm_digest d = {{0}};
	int64_t last = 0;

	bm_digest_damage(&d, f);
	bm_digest_print(&d, digest);
	print_parties(&f->at_fault, parties, sizeof parties);
	struct bm_db_row r = bm_db_row(p->store, BM_SQL_FAILURE_ADD);
	bm_db_put(&r, sighting);
	bm_db_put(&r, connection);
	/* A failed check ends a connection (RFC 5246, section 7.2.2): its last packet is near. */
	bool known = bm_store_time(c->last_time, &last);
	bm_db_put_signed(&r, last, known);
	bm_db_put_text(
		&r, f->direction == BM_FOUND_CLIENT_TO_SERVER ? "client_to_server" : "server_to_client");
	bm_db_put(&r, f->epoch);
	bm_db_put(&r, f->sequence_number);
	bm_db_put(&r, f->stream_offset);
	bm_db_put(&r, f->length);
	bm_db_put(&r, f->packet_count != 0 ? f->packets[0] : BM_DB_NULL);
	bm_db_put(&r, f->packet_count);
	bm_db_put_text(&r, f->cause);
	bm_db_put_text(&r, confidence_word(f->confidence));
	bm_db_put_text(&r, parties);
	bm_db_put_text(&r, f->at_fault.count != 0 ? f->at_fault.at[0] : NULL);
	bm_db_put_text(&r, f->summary);
	bm_db_put_text(&r, f->has_proof ? f->proof.method : NULL);
	bm_db_put(&r, f->has_proof ? f->proof.tag_bits : BM_DB_NULL);
	bm_db_put(&r, f->has_proof ? f->proof.candidates : BM_DB_NULL);
	bm_db_put_real(&r, f->proof.chance_log2, f->has_proof);
	bm_db_put_text(&r, sum_word(f->checksum_as_captured));
	bm_db_put_text(&r, sum_word(f->checksum_as_sent));
	bind_damage(&r, f, digest);
	bm_db_done(&r);
	if (p->store->status == BM_OK)
		put_lists(p, (uint64_t)sqlite3_last_insert_rowid(p->store->db), f);
}
