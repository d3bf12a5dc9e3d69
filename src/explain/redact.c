/* What is told of a log without what is hidden: incidents and rules pass here before any format
 * sees them, so that none can forget it. What the report is made of besides is the program's own.
 * Refuses to know formats. */
#include "explain/redact.h"

#include <stdlib.h>

#include "explain/rules_internal.h"

static bool
quote(struct bm_quote *q, struct bm_redact *r, struct bm_arena *a)
{
	q->shown = bm_redact_text(r, a, q->text, BM_REDACT_FOREIGN);
	q->text[0] = '\0';
	return q->shown != NULL;
}

static bool
into(char *out, size_t n, struct bm_redact *r, struct bm_arena *a, enum bm_redact_text how)
{
	const char *text = out[0] != '\0' ? bm_redact_text(r, a, out, how) : "";

	bm_copy_text(out, n, bm_view(text != NULL ? text : "", text != NULL ? strlen(text) : 0));
	return text != NULL;
}

/* A javax.net.debug log may have anything in the place of a suite. */
static bool
suite(struct bm_incident *i, struct bm_redact *r, struct bm_arena *a)
{
	char read[sizeof i->suite];
	struct bm_view v = bm_view(i->suite, strlen(i->suite));

	if (i->known_suite == NULL && !(bm_find_suite(v, read) && strcmp(read, i->suite) == 0))
		i->suite[0] = '\0';
	return into(i->suite, sizeof i->suite, r, a, BM_REDACT_NAMED);
}

/* And in that of a version: "TLS 1.2", "TLSv1", "SSL 3.0" are some. Whoever reads one makes sure of
 * it already; what hides names does not rest on that. */
static void
version(struct bm_incident *i)
{
	if (!bm_is_version(bm_view(i->version, strlen(i->version))))
		i->version[0] = '\0';
}

static bool
incident(struct bm_incident *i, struct bm_redact *r, struct bm_arena *a)
{
	bool ok = true;

	for (size_t k = 0; ok && k < i->seen_count; k++)
		ok = quote(&i->seen[k].quote, r, a);
	for (size_t k = 0; ok && k < i->quote_count; k++)
		ok = quote(&i->quotes[k], r, a);
	if (bm_redact_level(r) == BM_REDACT_ALL) {
		i->trace.thread[0] = '\0';
		i->first_time.text[0] = i->last_time.text[0] = '\0';
	}
	/* What is cut in the middle may end with half a name. */
	if (strlen(i->trace.thread) == sizeof i->trace.thread - 1)
		i->trace.thread[0] = '\0';
	version(i);
	return ok && suite(i, r, a) &&
		   into(i->trace.thread, sizeof i->trace.thread, r, a, BM_REDACT_FOREIGN);
}

enum bm_status
bm_incidents_redact(const struct bm_incident *from, size_t n, struct bm_redact *r,
	struct bm_arena *a, struct bm_incident **out)
{
	bool ok = true;

	*out = malloc((n + 1) * sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	if (n != 0)
		memcpy(*out, from, n * sizeof *from);
	for (size_t i = 0; ok && i < n; i++)
		ok = incident(&(*out)[i], r, a);
	return ok ? BM_OK : BM_NOMEM;
}

static bool
given(const char **text, struct bm_redact *r, struct bm_arena *a)
{
	if (*text == NULL)
		return true;
	const char *shown = bm_redact_text(r, a, *text, BM_REDACT_GIVEN);
	if (shown != NULL)
		*text = shown;
	return shown != NULL;
}

enum bm_status
bm_rules_redact(struct bm_rules *rules, struct bm_redact *r)
{
	bool ok = true;

	for (size_t i = 0; ok && i < rules->count; i++) {
		struct bm_rule *rule = rules->rules[i];
		if (rule->built_in)
			continue;
		ok = given(&rule->name, r, &rules->arena) && given(&rule->means, r, &rules->arena) &&
			 given(&rule->source, r, &rules->arena);
		for (struct bm_field *f = rule->fields; ok && f != NULL; f = f->next)
			if (f->key == BM_FIELD_CAUSE || f->key == BM_FIELD_RULES_OUT ||
				f->key == BM_FIELD_NEXT || f->key == BM_FIELD_KEYS || f->key == BM_FIELD_BUG)
				ok = given(&f->text, r, &rules->arena) && given(&f->more, r, &rules->arena);
	}
	return ok ? BM_OK : BM_NOMEM;
}
