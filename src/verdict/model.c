/* The words of the model: ids of causes, parties, confidence, conclusions, and the names of alerts.
 * Refuses to know how any of them was arrived at. */
#include "verdict/model.h"

#include <stdlib.h>
#include <string.h>

const char *
bm_cause_id(enum bm_cause c)
{
	static const char *const id[] = {
#define BM_CAUSE_ID(name, text) text,
		BM_CAUSE_LIST(BM_CAUSE_ID)
#undef BM_CAUSE_ID
	};

	return (unsigned)c < BM_CAUSE_COUNT ? id[c] : id[BM_CAUSE_UNEXPLAINED];
}

const char *
bm_party_id(enum bm_party p)
{
	static const char *const id[] = {
#define BM_PARTY_ID(name, text) text,
		BM_PARTY_LIST(BM_PARTY_ID)
#undef BM_PARTY_ID
	};

	return (unsigned)p < BM_PARTY_COUNT ? id[p] : "capture";
}

bool
bm_blames(const struct bm_failure *f, enum bm_party p)
{
	for (size_t i = 0; i < f->at_fault_count; i++)
		if (f->at_fault[i] == p)
			return true;
	return false;
}

const char *
bm_confidence_id(enum bm_confidence c)
{
	switch (c) {
	case BM_PROVEN:
		return "proven";
	case BM_SUPPORTED:
		return "supported";
	case BM_POSSIBLE:
		break;
	}
	return "possible";
}

const char *
bm_conclusion_id(enum bm_conclusion c)
{
	switch (c) {
	case BM_RESULT_VERIFIED:
		return "verified";
	case BM_RESULT_FAILED:
		return "failed";
	case BM_RESULT_UNDECIDED:
		break;
	}
	return "undecided";
}

const char *
bm_side_word(unsigned direction)
{
	return direction == BM_CLIENT_TO_SERVER ? "client" : "server";
}

const char *
bm_checksum_name(enum bm_checksum c)
{
	switch (c) {
	case BM_CHECKSUM_VALID:
		return "valid";
	case BM_CHECKSUM_INVALID:
		return "invalid";
	case BM_CHECKSUM_OFFLOADED:
		return "offloaded";
	case BM_CHECKSUM_UNKNOWN:
		break;
	}
	return NULL;
}

static const char *
keep_words(char **to, const char *words)
{
	char *kept = *to;

	if (words == NULL)
		return NULL;
	size_t n = strlen(words) + 1;
	memcpy(kept, words, n);
	*to += n;
	return kept;
}

static size_t
words_size(const char *words)
{
	return words != NULL ? strlen(words) + 1 : 0;
}

static void *
keep_array(char **to, const void *items, size_t octets)
{
	void *kept = *to;

	if (octets != 0)
		memcpy(kept, items, octets);
	*to += octets;
	return kept;
}

struct bm_connection *
bm_connection_keep(const struct bm_connection *c, size_t *size)
{
	size_t alerts = c->alert_count * sizeof *c->alerts;
	size_t words = words_size(c->server_name) + words_size(c->undecided_because) +
				   words_size(c->undecided_detail) + words_size(c->undecided_next);

	const struct bm_course *course = c->course;
	size_t records = course != NULL ? course->record_count * sizeof *course->records : 0;
	size_t events = course != NULL ? course->event_count * sizeof *course->events : 0;

	*size = sizeof *c + alerts + words + (course != NULL ? sizeof *course : 0) + records + events;
	struct bm_connection *kept = malloc(*size);
	if (kept == NULL)
		return NULL;
	*kept = *c;
	char *n = (void *)(kept + 1);
	/* What has the largest members stands first. */
	if (course != NULL) {
		struct bm_course *own = keep_array(&n, course, sizeof *course);
		own->records = keep_array(&n, course->records, records);
		own->events = keep_array(&n, course->events, events);
		kept->course = own;
	}
	kept->alerts = keep_array(&n, c->alerts, alerts);
	kept->server_name = keep_words(&n, c->server_name);
	kept->undecided_because = keep_words(&n, c->undecided_because);
	kept->undecided_detail = keep_words(&n, c->undecided_detail);
	kept->undecided_next = keep_words(&n, c->undecided_next);
	kept->failures = NULL;
	return kept;
}
