/* Sets one incident beside one failure, alert or connection: what they have in common, what speaks
 * against it, and how much that counts. Refuses to know other candidates. The points are judgement:
 * they order candidates, and docs/LOGS.md has them. */
#include "tie/internal.h"

#include "tls/record.h"

#include <math.h>

enum {
	POINTS_RANDOM = 100,
	POINTS_THREAD_RANDOM = 20, /* of the last ClientHello of its thread */
	POINTS_CLIENT_END = 40,    /* its address and port */
	POINTS_CLIENT_PORT = 25,
	POINTS_CLIENT_IP = 8,
	POINTS_SERVER_END = 4,
	POINTS_NAME = 6,
	POINTS_LENGTHS_3 = 40, /* three or more, up to the one that failed */
	POINTS_LENGTHS_2 = 25,
	POINTS_LENGTHS_1 = 8,
	POINTS_AT = 20,
	POINTS_NEAR = 12,
	POINTS_DURING = 5,
	POINTS_FAR = 2,
	POINTS_VERSION = 3,
	POINTS_SUITE = 5,
	POINTS_DIRECTION = 8,
	POINTS_FAILURE = 6, /* something failed there */
	POINTS_ALERT = 4,
	POINTS_OTHER = 15, /* another version, suite, length: taken off */
	POINTS_AGAINST = 12,
	POINTS_NO_ALERT = 4,
	POINTS_OUTSIDE = 30
};

static const double JUST = 0.5, NEAR = 2, FAR = 60, LATE = 5;

uint64_t
tie_event_ns(const struct tie_connection *c, int failure, int alert)
{
	if (failure != TIE_NONE && c->failures[failure].ts_ns != 0)
		return c->failures[failure].ts_ns;
	if (failure == TIE_NONE && alert != TIE_NONE)
		return c->alerts[alert].ts_ns != 0 ? c->alerts[alert].ts_ns : c->last_ns;
	/* What could not be placed is dated by the complaint. */
	for (size_t i = c->alert_count; i-- > 0;)
		if (failure != TIE_NONE && c->alerts[i].ts_ns != 0 && c->alerts[i].description != 0)
			return c->alerts[i].ts_ns;
	return c->last_ns;
}

static void
compare_ends(const struct tie_incident *i, const struct tie_connection *c, struct tie_match *m)
{
	const struct bm_clues *clues = &i->clues;
	struct bm_clue_end client = tie_end_of(&c->client), server = tie_end_of(&c->server);

	for (size_t k = 0; k < clues->end_count; k++) {
		const struct bm_clue_end *e = &clues->ends[k];
		bool ip = e->family != 0 && e->family == client.family &&
				  memcmp(e->ip, client.ip, sizeof e->ip) == 0;
		/* Logs write 0.0.0.0:443 and localhost:443 as well. */
		bool at_server = e->port != 0 && e->port == server.port;
		bool port = e->port != 0 && e->port == client.port;
		enum tie_end how = ip && port           ? TIE_END_CLIENT
						   : port               ? TIE_END_PORT
						   : ip && e->port == 0 ? TIE_END_IP
						   : at_server          ? TIE_END_SERVER
												: TIE_END_NONE;
		if (how > m->end) {
			m->end = how;
			m->end_at = k;
		}
	}
	/* One that is named with its port is meant to be told from others. */
	for (size_t k = 0; k < clues->end_count && m->end == TIE_END_NONE; k++)
		m->other_end = m->other_end || clues->ends[k].port != 0;
	for (size_t k = 0; k < clues->name_count && c->server_name != NULL; k++)
		m->name = m->name || clues->names[k] == c->name_hash;
	bool same = clues->has_random && c->has_random &&
				memcmp(clues->random, c->random, sizeof c->random) == 0;
	m->random = same && !i->random_of_thread;
	m->thread_random = same && i->random_of_thread;
}

/* How many of the log's last lengths stand in a row up to record `at`. */
static size_t
row(const struct tie_incident *i, const struct tie_record *records, size_t at)
{
	size_t n = 0;

	while (n < i->length_count && n <= at &&
		   records[at - n].len == i->lengths[i->length_count - 1 - n])
		n++;
	return n;
}

static void
note_lengths(struct tie_match *m, size_t n, const struct tie_record *r, unsigned d, bool fails)
{
	if (n < m->lengths || (n == m->lengths && !fails))
		return;
	m->lengths = n;
	m->lengths_fail = fails;
	m->length_off = r->off;
	m->length_direction = d;
}

static void
compare_lengths(const struct tie_incident *i, const struct tie_connection *c, struct tie_match *m)
{
	const struct tie_failure *f = m->failure != TIE_NONE ? &c->failures[m->failure] : NULL;
	bool placed = f != NULL && f->off != BM_UNKNOWN;

	if (i->length_count == 0)
		return;
	for (unsigned d = 0; d < 2; d++) {
		/* What a client received, a server sent. */
		if (i->role != BM_ROLE_UNKNOWN && (d == BM_SERVER_TO_CLIENT) != (i->role == BM_ROLE_CLIENT))
			continue;
		for (size_t k = 0; k < c->record_count[d]; k++) {
			const struct tie_record *r = &c->records[d][k];
			bool here = placed && f->direction == d && f->off == r->off;
			if (r->len == i->lengths[i->length_count - 1])
				note_lengths(m, row(i, c->records[d], k), r, d, here);
		}
		/* The record itself may be out of reach of its headers. */
		bool whole = placed && f->direction == d && f->len != BM_UNKNOWN && f->len > 5;
		if (whole && f->len - 5 == i->lengths[i->length_count - 1] && m->lengths == 0)
			note_lengths(m, 1, &(struct tie_record){.off = f->off}, d, true);
	}
	m->other_length = placed && f->len != BM_UNKNOWN && !m->lengths_fail &&
					  f->len - 5 != i->lengths[i->length_count - 1];
}

static void
compare_names(const struct tie_incident *i, const struct tie_connection *c, struct tie_match *m)
{
	const char *version = bm_version_name(c->version);

	if (i->version[0] != '\0' && version != NULL) {
		m->version = strcmp(i->version, version) == 0;
		m->other_version = !m->version;
	}
	if (i->known_suite != NULL && c->suite != NULL) {
		m->suite = i->known_suite == c->suite;
		m->other_suite = !m->suite;
	}
}

/* Which way the record went that the log tells of; -1: it does not say. */
static int
record_way(const struct tie_incident *i)
{
	if (i->role == BM_ROLE_UNKNOWN || i->detected == BM_BY_UNKNOWN)
		return -1;
	bool received = i->detected == BM_BY_LOCAL, client = i->role == BM_ROLE_CLIENT;
	return received == client ? BM_SERVER_TO_CLIENT : BM_CLIENT_TO_SERVER;
}

static bool
is_complaint(const struct tie_alert *a)
{
	return a->description == 20 || a->description == 21; /* bad_record_mac, decryption_failed */
}

static void
compare_detector(const struct tie_incident *i, const struct tie_connection *c, struct tie_match *m)
{
	int way = record_way(i);
	bool by[2] = {false, false}, unread = false;

	for (size_t k = 0; k < c->alert_count; k++) {
		by[c->alerts[k].direction] = by[c->alerts[k].direction] || is_complaint(&c->alerts[k]);
		unread = unread || (c->alerts[k].level == 0 && c->alerts[k].description == 255);
	}
	if (way >= 0 && m->failure != TIE_NONE)
		m->direction = c->failures[m->failure].direction == (unsigned)way ? 1 : -1;
	else if (way >= 0 && (by[0] || by[1]))
		/* The end that complains had received it. */
		m->direction =
			by[way == BM_CLIENT_TO_SERVER ? BM_SERVER_TO_CLIENT : BM_CLIENT_TO_SERVER] ? 1 : -1;
	/* The other end's word about the same record would go the way of the record. */
	m->other_alert = way >= 0 && by[way] && !by[!way];
	m->no_alert = i->detected == BM_BY_PEER && c->keys && c->result != BM_RESULT_UNDECIDED &&
				  !by[0] && !by[1] && !unread;
	m->complaint = m->alert != TIE_NONE &&
				   (is_complaint(&c->alerts[m->alert]) || c->alerts[m->alert].level == 0);
	m->healthy = m->failure == TIE_NONE && c->result == BM_RESULT_VERIFIED && !by[0] && !by[1];
}

static void
compare_time(const struct bm_tie *t, const struct tie_incident *i, const struct tie_connection *c,
	struct tie_match *m)
{
	double event = (double)tie_event_ns(c, m->failure, m->alert) / 1e9, at;
	double first = (double)c->first_ns / 1e9, last = (double)c->last_ns / 1e9;

	if (c->first_ns == 0 || !tie_moment(t, i, event, &at))
		return;
	/* A clock that shows seconds has cut the rest off. */
	double least = at, most = at + i->time.step;
	m->distance = event < least ? least - event : event > most ? most - event : 0;
	double far = fabs(m->distance);
	bool dated = m->failure != TIE_NONE || m->alert != TIE_NONE;
	if (dated && far <= JUST)
		m->when = TIE_WHEN_AT;
	else if (dated && far <= NEAR)
		m->when = TIE_WHEN_NEAR;
	else if (most >= first - NEAR && least <= last + LATE)
		m->when = TIE_WHEN_DURING;
	else
		m->when = dated && far <= FAR ? TIE_WHEN_FAR : TIE_WHEN_OUTSIDE;
}

static void
count_points(const struct tie_incident *i, const struct tie_connection *c, struct tie_match *m)
{
	static const int ends[] = {
		0, POINTS_SERVER_END, POINTS_CLIENT_IP, POINTS_CLIENT_PORT, POINTS_CLIENT_END};
	static const int lengths[] = {0, POINTS_LENGTHS_1, POINTS_LENGTHS_2, POINTS_LENGTHS_3};
	static const int when[] = {
		0, -POINTS_OUTSIDE, POINTS_FAR, POINTS_DURING, POINTS_NEAR, POINTS_AT};
	int row_of = lengths[m->lengths < 3 ? m->lengths : 3];

	/* In the middle of what verified they say less. */
	row_of = m->lengths_fail ? row_of : row_of / 4;
	/* Where all is in order the thread has gone on to another connection since. */
	int thread_random = m->thread_random ? POINTS_THREAD_RANDOM / (m->healthy ? 4 : 1) : 0;
	m->telling = (m->random ? POINTS_RANDOM : 0) + thread_random + ends[m->end] + row_of +
				 (m->name ? POINTS_NAME : 0);
	m->score = m->telling + when[m->when];
	m->score += (m->version ? POINTS_VERSION : 0) + (m->suite ? POINTS_SUITE : 0);
	m->score += m->direction > 0 ? POINTS_DIRECTION : m->direction < 0 ? -POINTS_AGAINST : 0;
	m->score += m->failure != TIE_NONE ? POINTS_FAILURE : m->complaint ? POINTS_ALERT : 0;
	m->score -= (m->other_version ? POINTS_OTHER : 0) + (m->other_suite ? POINTS_OTHER : 0);
	m->score -= (m->other_length ? POINTS_OTHER : 0) + (m->no_alert ? POINTS_NO_ALERT : 0);
	m->score -= m->other_alert && m->failure == TIE_NONE ? POINTS_AGAINST : 0;
	/* Another connection's random is as clear a word. */
	if (i->clues.has_random && !i->random_of_thread && c->has_random && !m->random)
		m->score -= POINTS_RANDOM;
}

void
tie_compare(const struct bm_tie *t, const struct tie_incident *i, struct tie_match *m, bool clock)
{
	const struct tie_connection *c = &t->connections[m->connection];

	compare_ends(i, c, m);
	compare_lengths(i, c, m);
	compare_names(i, c, m);
	compare_detector(i, c, m);
	if (clock)
		compare_time(t, i, c, m);
	count_points(i, c, m);
}
