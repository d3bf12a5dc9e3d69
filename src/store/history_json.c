/* badmac.history.v1 (docs/STORE.md). Refuses to know how anything was counted. */
#include "store/model.h"

#include "report/json_out.h"

#include <math.h>

_Static_assert(BM_DB_NULL == BM_UNKNOWN, "what SQL does not know is unknown");

static void
when(struct json *j, const char *key, uint64_t ns)
{
	char text[BM_TIME_TEXT_MAX];

	if (ns != BM_DB_NULL)
		bm_time_text(ns, text);
	string_or_null(j, key, ns != BM_DB_NULL ? text : NULL);
}

static void
question(struct json *j, const struct bm_history_question *q)
{
	name(j, "filter");
	begin(j, "{");
	when(j, "since", q->has_since && q->since >= 0 ? (uint64_t)q->since : BM_DB_NULL);
	when(j, "until", q->has_until && q->until >= 0 ? (uint64_t)q->until : BM_DB_NULL);
	string_or_null(j, "cause", q->cause);
	string_or_null(j, "peer", q->peer);
	end(j, "}");
}

static void
summary(struct json *j, const struct bm_history_model *m)
{
	name(j, "summary");
	begin(j, "{");
	number_or_null(j, "findings", m->findings);
	number_or_null(j, "connections", m->connections);
	number_or_null(j, "undated", m->undated);
	when(j, "first_time", m->first);
	when(j, "last_time", m->last);
	number_or_null(j, "runs", m->runs);
	number_or_null(j, "run_connections", m->run_connections);
	number_or_null(j, "run_records", m->run_records);
	number_or_null(j, "run_packets", m->run_packets);
	end(j, "}");
}

static void
days(struct json *j, const struct bm_days *d)
{
	char day[16];

	name(j, "days");
	begin(j, "[");
	for (size_t i = 0; i < d->n; i++) {
		if (d->count[i] == 0)
			continue;
		bm_day_text(d->first + i, day);
		next(j);
		begin(j, "{");
		string_or_null(j, "day", day);
		number_or_null(j, "findings", d->count[i]);
		end(j, "}");
	}
	end(j, "]");
}

static void
groups(struct json *j, const struct bm_history_model *m)
{
	const struct bm_group_table *t = m->table_count != 0 ? &m->tables[0] : NULL;

	string_or_null(j, "grouped_by", t != NULL ? bm_history_group_name(t->group) : NULL);
	name(j, "groups");
	begin(j, "[");
	for (size_t i = 0; t != NULL && i < t->n; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "value", t->rows[i].value);
		number_or_null(j, "findings", t->rows[i].findings);
		number_or_null(j, "connections", t->rows[i].connections);
		end(j, "}");
	}
	end(j, "]");
	number_or_null(j, "groups_left_out", t != NULL ? t->values - t->n : 0);
}

static void
shared(struct json *j, struct bm_history_model *m)
{
	name(j, "shared");
	begin(j, "[");
	for (size_t i = 0; i < m->shared_count; i++) {
		const struct bm_shared *x = &m->shared[i];
		next(j);
		raw(j, "\n");
		begin(j, "{");
		string_or_null(j, "property", x->what);
		string_or_null(j, "value", x->value);
		number_or_null(j, "with", x->with);
		number_or_null(j, "of", x->of);
		real_or_null(j, "expected_share", x->value != NULL ? x->share : NAN);
		string_or_null(j, "expected_from", x->null);
		number_or_null(j, "values", x->values);
		real_or_null(j, "chance_log2", x->value != NULL ? x->ln_chance / log(2) : NAN);
		truth(j, "stated", x->stated);
		string_or_null(j, "summary", x->stated ? bm_shared_sentence(m, x) : NULL);
		end(j, "}");
	}
	end(j, "]");
	string_or_null(j, "shared_rule", bm_shared_rule);
}

static void
one(void *ctx, const struct bm_history_row *r)
{
	struct json *j = ctx;

	next(j);
	raw(j, "\n");
	begin(j, "{");
	number_or_null(j, "id", r->id);
	when(j, "time", r->time);
	string_or_null(j, "client", r->client);
	string_or_null(j, "server", r->server);
	string_or_null(j, "server_name", r->server_name);
	string_or_null(j, "version", r->version);
	string_or_null(j, "cipher_suite", r->suite);
	string_or_null(j, "direction", r->direction);
	number_or_null(j, "epoch", r->epoch);
	number_or_null(j, "sequence_number", r->sequence);
	number_or_null(j, "stream_offset", r->offset);
	number_or_null(j, "length", r->length);
	string_or_null(j, "cause", r->cause);
	string_or_null(j, "confidence", r->confidence);
	string_or_null(j, "at_fault", r->at_fault);
	string_or_null(j, "summary", r->summary);
	string_or_null(j, "proof", r->proof);
	real_or_null(j, "chance_log2", r->chance_log2);
	string_or_null(j, "checksum_as_captured", r->captured);
	string_or_null(j, "checksum_as_sent", r->sent);
	number_or_null(j, "damage_record_offset", r->record_at);
	number_or_null(j, "damage_stream_offset", r->stream_at);
	number_or_null(j, "damage_packet_offset", r->packet_at);
	number_or_null(j, "bits", r->bits);
	number_or_null(j, "bit", r->bit);
	string_or_null(j, "flip", r->flip);
	string_or_null(j, "capture", r->capture);
	number_or_null(j, "packet", r->packet);
	number_or_null(j, "connection", r->connection);
	number_or_null(j, "sightings", r->sightings);
	end(j, "}");
}

void
bm_history_json(struct bm_history_model *m, struct bm_out *o)
{
	struct json here = {o, true}, *j = &here;

	begin(j, "{");
	string_or_null(j, "schema", "badmac.history.v1");
	question(j, m->question);
	summary(j, m);
	days(j, &m->days);
	groups(j, m);
	shared(j, m);
	name(j, "findings");
	begin(j, "[");
	uint64_t shown = bm_filter_list(m, one, j);
	end(j, "]");
	number_or_null(
		j, "findings_left_out", m->findings - (shown < m->findings ? shown : m->findings));
	end(j, "}");
	raw(j, "\n");
}
