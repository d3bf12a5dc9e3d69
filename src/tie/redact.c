/* What is told of logs without what is hidden, before any format sees it. Refuses to know what ties
 * to what. */
#include "tie/internal.h"

static bool
text(struct bm_tie *t, struct bm_redact *r, const char **s, enum bm_redact_text how)
{
	if (*s != NULL)
		*s = bm_redact_text(r, &t->words, *s, how);
	else
		return true;
	return *s != NULL;
}

static bool
log_of(struct bm_tie *t, struct bm_redact *r, struct tie_log *log)
{
	log->name = bm_redact_file_name(r, log->name);
	/* Where its clock stands tells where its host does. */
	if (bm_redact_level(r) == BM_REDACT_ALL)
		log->clock = NULL;
	return text(t, r, &log->clock, BM_REDACT_OWN);
}

static bool
told(struct bm_tie *t, struct bm_redact *r, struct tie_told *o)
{
	bool ok = true;

	for (size_t k = 0; ok && k < o->ground_count; k++) {
		/* A host's name may have no dot, and stands in no other sentence. */
		bool name = strcmp(o->grounds[k].kind, "server_name") == 0;
		ok = text(t, r, &o->grounds[k].says, name ? BM_REDACT_NAMED : BM_REDACT_OWN);
	}
	for (size_t k = 0; ok && k < o->against_count; k++)
		ok = text(t, r, &o->against[k], BM_REDACT_OWN);
	return ok;
}

static bool
incident(struct bm_tie *t, struct bm_redact *r, struct tie_incident *i)
{
	bool ok = text(t, r, &i->headline, BM_REDACT_OWN) && text(t, r, &i->quote, BM_REDACT_FOREIGN) &&
			  text(t, r, &i->because, BM_REDACT_OWN);

	if (bm_redact_level(r) == BM_REDACT_ALL) {
		i->thread = NULL;
		i->time.text[0] = '\0';
	}
	ok = ok && text(t, r, &i->thread, BM_REDACT_FOREIGN);
	for (size_t k = 0; ok && k < i->told_count; k++)
		ok = told(t, r, &i->told[k]);
	return ok;
}

enum bm_status
bm_tie_redact(struct bm_tie *t, struct bm_redact *r)
{
	bool ok = true;

	for (size_t n = 0; ok && n < t->log_count; n++)
		ok = log_of(t, r, &t->logs[n]);
	for (size_t n = 0; ok && n < t->incident_count; n++)
		ok = incident(t, r, &t->incidents[n]);
	for (size_t n = 0; ok && n < t->connection_count; n++)
		ok = bm_redact_address(r, &t->connections[n].client) == BM_OK &&
			 bm_redact_address(r, &t->connections[n].server) == BM_OK;
	return ok ? BM_OK : BM_NOMEM;
}
