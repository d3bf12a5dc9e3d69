/* What speaks for a tie and against it, in sentences. Refuses to weigh. */
#include "tie/internal.h"

#include "tls/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *
side(unsigned direction)
{
	return direction == BM_CLIENT_TO_SERVER ? "client" : "server";
}

static bool
add(struct tie_told *o, const char *kind, const char *says)
{
	if (says != NULL && o->ground_count < TIE_GROUNDS) {
		o->grounds[o->ground_count].kind = kind;
		o->grounds[o->ground_count++].says = says;
	}
	return says != NULL;
}

static bool
add_against(struct tie_told *o, const char *says)
{
	if (says != NULL && o->against_count < TIE_AGAINST)
		o->against[o->against_count++] = says;
	return says != NULL;
}

static bool
tell_ends(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	const struct tie_connection *c = &t->connections[m->connection];
	char client[BM_ADDRESS_TEXT_MAX];
	const struct bm_clue_end *e = &i->clues.ends[m->end_at];

	bm_address_text(&c->client, client);
	switch (m->end) {
	case TIE_END_CLIENT:
		return add(o, "address",
			bm_arena_print(&t->words, "it names the client's address and port, %s", client));
	case TIE_END_PORT:
		return add(o, "port",
			bm_arena_print(&t->words, "it names port %u, which is the client's%s", e->port,
				e->family != 0 ? ", with another address" : ""));
	case TIE_END_IP:
		return add(o, "address",
			bm_arena_print(&t->words, "it names the address of the client, %s", client));
	case TIE_END_SERVER:
		return add(
			o, "port", bm_arena_print(&t->words, "it names the server's port, %u", c->server.port));
	case TIE_END_NONE:
		break;
	}
	return true;
}

static bool
tell_lengths(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	char list[BM_TRACE_LENGTHS * 22 + 1] = "";
	size_t n = 0;

	if (m->lengths == 0)
		return true;
	for (size_t k = i->length_count - m->lengths; k < i->length_count; k++)
		n += (size_t)snprintf(
			list + n, sizeof list - n, "%s%" PRIu64, n != 0 ? ", " : "", i->lengths[k]);
	const char *many = m->lengths == 1 ? "a record of" : "records of";
	const char *stand = m->lengths == 1 ? "stands" : "stand in that order";
	if (m->lengths_fail)
		return add(o, "lengths",
			bm_arena_print(&t->words,
				"%s %s bytes, as in the log, %s in what the %s sent, and the last one is the "
				"record that failed",
				many, list, stand, side(m->length_direction)));
	return add(o, "lengths",
		bm_arena_print(&t->words,
			"%s %s bytes, as in the log, %s in what the %s sent, up to stream offset %" PRIu64,
			many, list, stand, side(m->length_direction), m->length_off));
}

static const char *
seconds_text(double s, char out[32])
{
	double far = fabs(s);

	(void)snprintf(out, 32, far < 10 ? "%.2f s" : "%.0f s", far);
	return out;
}

static bool
tell_time(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	const struct tie_log *log = &t->logs[i->log];
	const char *what = m->failure != TIE_NONE ? "failed record" : "alert", *step = "";
	char far[32], offset[16], skew[64] = "";

	if (m->when <= TIE_WHEN_OUTSIDE)
		return true;
	tie_offset_text(log->offset, offset);
	if (log->skew != 0)
		(void)snprintf(skew, sizeof skew, ", its clock %.3g s %s", fabs(log->skew),
			log->skew > 0 ? "fast" : "slow");
	if (i->time.step >= 1)
		step = ", which the log gives in whole seconds";
	const char *zone = i->time.has_zone
						   ? bm_arena_print(&t->words, "%s", skew)
						   : bm_arena_print(&t->words, " (read as %s%s)", offset, skew);
	if (zone == NULL)
		return false;
	if (m->when == TIE_WHEN_DURING && m->failure == TIE_NONE && m->alert == TIE_NONE)
		return add(o, "time",
			bm_arena_print(&t->words, "its time%s lies within the connection's life", zone));
	if (m->when == TIE_WHEN_DURING)
		return add(o, "time",
			bm_arena_print(&t->words, "its time%s lies within the connection's life, %s %s the %s",
				zone, seconds_text(m->distance, far), m->distance < 0 ? "before" : "after", what));
	if (fabs(m->distance) < 0.005)
		return add(o, "time",
			bm_arena_print(&t->words, "its time%s is that of the %s%s", zone, what, step));
	return add(o, "time",
		bm_arena_print(&t->words, "its time%s is %s %s that of the %s%s%s", zone,
			seconds_text(m->distance, far), m->distance < 0 ? "before" : "after", what, step,
			m->when == TIE_WHEN_FAR ? "; clocks of two hosts may differ by so much" : ""));
}

static const char *
end_name(const struct tie_incident *i)
{
	return i->role == BM_ROLE_CLIENT   ? "client"
		   : i->role == BM_ROLE_SERVER ? "server"
									   : "end that wrote it";
}

static bool
tell_names(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	const struct tie_connection *c = &t->connections[m->connection];
	bool ok = true;

	if (m->version)
		ok = add(o, "version", bm_arena_print(&t->words, "both are %s", i->version));
	if (ok && m->suite)
		ok = add(o, "cipher_suite", bm_arena_print(&t->words, "both have %s", c->suite->name));
	if (ok && m->direction > 0 && m->failure != TIE_NONE)
		ok = add(o, "detected_by",
			bm_arena_print(&t->words,
				"it is about a record that the %s had %s, and such a one failed", end_name(i),
				i->detected == BM_BY_LOCAL ? "received" : "sent"));
	else if (ok && m->direction > 0)
		ok = add(o, "detected_by",
			bm_arena_print(&t->words, "the alert came from the end that the log says detected it"));
	if (ok && m->taken)
		ok = add(o, "others_taken",
			"what fits as well is what other incidents of this log are surely about");
	return ok;
}

static bool
tell_against(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	const struct tie_connection *c = &t->connections[m->connection];
	const struct tie_failure *f = m->failure != TIE_NONE ? &c->failures[m->failure] : NULL;
	bool ok = true;

	if (m->when == TIE_WHEN_OUTSIDE)
		ok = add_against(o, "its time is not that of the connection");
	if (ok && m->other_version)
		ok = add_against(o, bm_arena_print(&t->words, "the log says %s, the connection has %s",
								i->version, bm_version_name(c->version)));
	if (ok && m->other_suite)
		ok = add_against(o, bm_arena_print(&t->words, "the log says %s, the connection has %s",
								i->suite, c->suite->name));
	if (ok && m->other_length)
		ok = add_against(o, bm_arena_print(&t->words,
								"the record that failed in the log has %" PRIu64
								" bytes, the one that fails in the capture %" PRIu64
								" (headers not counted): another record",
								i->lengths[i->length_count - 1], f->len - 5));
	if (ok && m->other_end)
		ok =
			add_against(o, "the addresses and ports that it names are no end's of this connection");
	if (ok && m->direction < 0 && f != NULL)
		ok = add_against(o,
			bm_arena_print(&t->words,
				"the log is about a record that the %s had %s; in the capture one of the %s "
				"fails",
				end_name(i), i->detected == BM_BY_LOCAL ? "received" : "sent", side(f->direction)));
	/* Whose record it was, is whose complaint it would be otherwise. */
	if (ok && m->other_alert)
		ok = add_against(o,
			bm_arena_print(&t->words,
				"by the log the %s detected it; in the capture the alert is the other "
				"end's",
				(i->role == BM_ROLE_CLIENT) == (i->detected == BM_BY_LOCAL) ? "client" : "server"));
	if (ok && m->no_alert)
		ok = add_against(o, "by the log an alert told of it; the capture has none");
	if (ok && m->healthy)
		ok = add_against(
			o, "in the capture every record of this connection verifies, and nobody complains");
	return ok;
}

bool
tie_words(struct bm_tie *t, const struct tie_incident *i, struct tie_told *o)
{
	const struct tie_match *m = &o->match;
	const struct tie_connection *c = &t->connections[m->connection];
	bool ok = true;

	if (m->random)
		ok = add(o, "client_random", "its client random is that of the connection");
	else if (m->thread_random)
		ok = add(o, "client_random",
			"the last ClientHello that its thread shows has the client random of the connection");
	ok = ok && tell_ends(t, i, o);
	if (ok && m->name)
		ok = add(o, "server_name",
			bm_arena_print(&t->words, "it names %s, which the client asked for", c->server_name));
	return ok && tell_lengths(t, i, o) && tell_time(t, i, o) && tell_names(t, i, o) &&
		   tell_against(t, i, o);
}
