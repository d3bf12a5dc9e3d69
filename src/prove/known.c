/* What a session knew of its connection as a whole when it ended, kept until claims are judged.
 * Refuses to judge. */
#include "prove/internal.h"

#include <stdlib.h>

static void
keep_case(const struct bm_case *c, struct known_case *out)
{
	*out = (struct known_case){.kind = c->kind,
		.direction = c->direction,
		.off = c->off,
		.packet = c->packet_count != 0 ? c->packets[0] : BADMAC_UNKNOWN,
		.len = c->len,
		.at_start = c->at_start,
		.complained = c->alert_packet != 0,
		.by_alert = c->alert != 255,
		.no_keys = c->no_keys,
		.only_one = c->only_one};
}

bool
known_take(const struct bm_session *s, struct known *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	const struct bm_flow *flow = bm_session_flow(s);
	const struct bm_alert_seen *alerts = bm_session_alerts(s, &out->alert_count);
	const struct bm_case *cases = bm_session_cases(s, &out->case_count);

	out->facts = *f;
	/* It is of the session. */
	out->facts.suite = NULL;
	out->first_ns = bm_flow_first_ts(flow);
	out->last_ns = bm_flow_last_ts(flow);
	out->alerts = calloc(out->alert_count + 1, sizeof *out->alerts);
	out->cases = calloc(out->case_count + 1, sizeof *out->cases);
	if (out->alerts == NULL || out->cases == NULL) {
		out->alert_count = out->case_count = 0;
		return false;
	}
	for (size_t i = 0; i < out->alert_count; i++)
		out->alerts[i] = alerts[i];
	for (size_t i = 0; i < out->case_count; i++)
		keep_case(&cases[i], &out->cases[i]);
	return true;
}

void
known_free(struct known *k)
{
	free(k->alerts);
	free(k->cases);
}
