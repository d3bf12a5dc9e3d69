/* badmac.proof.v1. Refuses to know how anything was judged. */
#include "claims/report.h"
#include "report/json_out.h"

static void
judgement(struct json *j, const struct badmac_judgement *g)
{
	string_or_null(j, "verdict", bm_verdict_id(g->verdict));
	string_or_null(j, "step", g->step);
	string_or_null(j, "because", g->because);
	name(j, "steps");
	begin(j, "[");
	for (size_t i = 0; i < g->step_count; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "step", g->steps[i].id);
		truth(j, "passed", g->steps[i].passed != 0);
		string_or_null(j, "says", g->steps[i].says);
		end(j, "}");
	}
	end(j, "]");
}

static void
failure(struct json *j, const struct badmac_claim *c, const struct badmac_judgement *g)
{
	next(j);
	begin(j, "{");
	string_or_null(j, "direction",
		c->direction == BADMAC_CLIENT_TO_SERVER ? "client_to_server" : "server_to_client");
	number_or_null(j, "epoch", c->epoch);
	number_or_null(j, "sequence_number", c->sequence_number);
	number_or_null(j, "stream_offset", c->stream_offset);
	string_or_null(j, "cause", c->cause);
	string_or_null(j, "method", c->has_proof ? c->method : NULL);
	judgement(j, g);
	end(j, "}");
}

static void
connection(struct json *j, const struct bm_claims *c, const struct badmac *b, size_t nth)
{
	const struct badmac_claimed_connection *x = &c->claims.connections[nth];

	begin(j, "{");
	number_or_null(j, "id", c->findings->connections[nth].id);
	string_or_null(j, "capture", x->capture);
	string_or_null(j, "client", x->client);
	string_or_null(j, "server", x->server);
	if (x->client_random.n != 0)
		hex(j, "client_random", bm_view(x->client_random.p, x->client_random.n));
	else
		string_or_null(j, "client_random", NULL);
	name(j, "counts");
	begin(j, "{");
	judgement(j, badmac_judgement(b, nth, BADMAC_WHOLE));
	end(j, "}");
	name(j, "failures");
	begin(j, "[");
	for (size_t i = 0; i < x->failure_count; i++)
		failure(j, &x->failures[i], badmac_judgement(b, nth, i));
	end(j, "]");
	end(j, "}");
}

static void
summary(struct json *j, const struct bm_claims *c, const struct badmac *b)
{
	struct bm_claims_count n = bm_claims_count(c, b);
	const char *notice;

	name(j, "summary");
	begin(j, "{");
	string_or_null(j, "result", bm_verdict_id(bm_claims_verdict(&n)));
	name(j, "failures");
	begin(j, "{");
	number_or_null(j, "holds", n.hold);
	number_or_null(j, "does_not_hold", n.do_not_hold);
	number_or_null(j, "cannot_be_checked", n.unchecked);
	number_or_null(j, "not_replayable", n.not_replayable);
	end(j, "}");
	name(j, "counts");
	begin(j, "{");
	number_or_null(j, "holds", n.counts_hold);
	number_or_null(j, "does_not_hold", n.counts_wrong);
	number_or_null(j, "cannot_be_checked", n.counts_unchecked);
	end(j, "}");
	name(j, "notices");
	begin(j, "[");
	for (size_t i = 0; (notice = badmac_notice(b, i)) != NULL; i++) {
		next(j);
		quote(j, notice);
	}
	end(j, "]");
	end(j, "}");
}

void
bm_claims_json(struct bm_out *o, const struct bm_claims *c, const struct badmac *b)
{
	struct json here = {o, true}, *j = &here;

	raw(j, "{\"schema\": \"badmac.proof.v1\",\n\"connections\": [");
	for (size_t i = 0; i < c->claims.connection_count; i++) {
		raw(j, i == 0 ? "\n" : ",\n");
		connection(j, c, b, i);
	}
	raw(j, "\n],\n");
	j->bare = true;
	name(j, "report");
	begin(j, "{");
	judgement(j, badmac_judgement(b, BADMAC_WHOLE, BADMAC_WHOLE));
	end(j, "}");
	raw(j, ",\n");
	j->bare = true;
	summary(j, c, b);
	raw(j, "}\n");
}
