/* What two incidents, or a line and an incident, have in common, and what is counted of them.
 * Refuses to know which line comes next. */
#include "explain/incident_internal.h"

#include <math.h>

#include "logs/text.h"

bool
bm_incident_is_doubtful(const struct bm_incident *i)
{
	bool tls = i->tls || i->trace.known;

	for (size_t k = 0; k < i->event_count; k++)
		if (!i->events[k]->needs_more && (tls || !i->events[k]->needs_tls))
			return false;
	return true;
}

enum bm_role
bm_incident_role(const struct bm_incident *i)
{
	if (i->trace.role != BM_ROLE_UNKNOWN || i->program == NULL)
		return i->trace.role;
	return i->program->role;
}

bool
bm_incident_is_regular(const struct bm_incident *i)
{
	return i->intervals >= 3 && i->interval_mean > 0 &&
		   sqrt(i->interval_m2 / (double)i->intervals) < 0.1 * i->interval_mean;
}

static bool
same_words(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool
incident_same_kind(const struct bm_incident *a, const struct bm_incident *b)
{
	return a->stack == b->stack && a->program == b->program && a->detected == b->detected &&
		   a->stage == b->stage && same_words(a->version, b->version) &&
		   same_words(a->suite, b->suite) && a->trace.role == b->trace.role &&
		   bm_incident_is_doubtful(a) == bm_incident_is_doubtful(b);
}

void
incident_add_interval(struct bm_incident *i, const struct bm_log_time *t)
{
	if (t->text[0] == '\0' || i->last_time.text[0] == '\0')
		return;
	double dt = t->seconds - i->last_time.seconds;
	double delta = dt - i->interval_mean;
	i->intervals++;
	i->interval_mean += delta / (double)i->intervals;
	i->interval_m2 += delta * (dt - i->interval_mean);
}

void
incident_find_known_suite(struct bm_incident *i)
{
	size_t n;
	const struct bm_suite *table = bm_suite_table(&n);

	i->known_suite = NULL;
	for (size_t k = 0; k < n && i->suite[0] != '\0'; k++)
		/* Java kept SSL_ in the names of suites of SSL 3.0. */
		if (strlen(i->suite) > 4 && strcmp(table[k].name + 3, i->suite + 3) == 0)
			i->known_suite = &table[k];
}

enum bm_stage
incident_stage_of(const struct bm_incident *o, const struct bm_trace_facts *f)
{
	bool local = o->detected == BM_BY_LOCAL;
	uint64_t done = local ? f->read : f->written;

	if (local && f->last_read == JSSE_CONTENT_HANDSHAKE)
		return BM_STAGE_HANDSHAKE;
	/* Java 11 and later call the encrypted records of a handshake of TLS 1.3 application data. */
	if (f->modern && !f->finished)
		return f->handshake_shown ? BM_STAGE_HANDSHAKE : o->stage;
	if (done == 0)
		return f->handshake_shown && !f->finished ? BM_STAGE_HANDSHAKE : o->stage;
	if (!local)
		return BM_STAGE_AFTER;
	if (done == 1)
		return f->finished ? BM_STAGE_FIRST : BM_STAGE_AFTER;
	return BM_STAGE_LATER;
}

bool
incident_has_event(const struct bm_incident *i, const struct bm_rule *event)
{
	for (size_t k = 0; k < i->event_count; k++)
		if (i->events[k] == event && i->special[k])
			return true;
	return false;
}

void
incident_add_event(struct bm_incident *o, const struct bm_rule *event, bool special)
{
	for (size_t k = 0; k < o->event_count; k++) {
		if (o->events[k] == event) {
			o->special[k] = o->special[k] || special;
			return;
		}
	}
	if (o->event_count < BM_EVENTS) {
		o->special[o->event_count] = special;
		o->events[o->event_count++] = event;
	}
}

/* What else fitted the line, and does not speak against it. */
void
incident_add_general(
	struct bm_incident *o, const struct bm_rule *event, const struct bm_rule *const *hits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct bm_rule *r = hits[i];
		bool stack =
			r->stack == NULL || (event->stack != NULL && strcmp(r->stack, event->stack) == 0);
		bool side = r->detected == BM_BY_UNKNOWN || r->detected == event->detected;
		if (r->section == BM_RULE_EVENT && r != event && stack && side)
			incident_add_event(o, r, false);
	}
}

/* TLS or SSL at the start of a word: the names of libraries end with them. */
bool
incident_speaks_of_tls(struct bm_view line)
{
	static const char *const words[] = {"SSL", "TLS", "ssl", "tls"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct bm_view v = line;
		for (size_t at; (at = text_find(v, words[i])) != SIZE_MAX;
			 v = bm_view(v.p + at + 3, v.n - at - 3)) {
			const uint8_t *c = v.p + at;
			if (c == line.p || !((c[-1] >= 'a' && c[-1] <= 'z') || (c[-1] >= 'A' && c[-1] <= 'Z')))
				return true;
		}
	}
	return false;
}
