/* Adds up what the rules say of causes for the facts of one incident. Refuses to know any cause by
 * itself. */
#include "explain/weigh.h"

#include <stdlib.h>

#include "explain/rules_internal.h"

enum { TERM_MAX = 200 };

enum term {
	TERM_DETECTED,
	TERM_STAGE,
	TERM_VERSION,
	TERM_STACK,
	TERM_PROGRAM,
	TERM_ROLE,
	TERM_MAC,
	TERM_SEEN,
	TERM_MANY,
	TERM_REGULAR,
	TERM_EVENT,
	TERM_RECORDS, /* shown: the log shows which record it was */
	TERM_DOUBT,
	TERM_COUNT
};

static const char *const term_names[TERM_COUNT] = {"detected", "stage", "version", "stack",
	"program", "role", "mac", "seen", "many", "regular", "event", "records", "doubt"};

/* The next term of a condition: its name, whether = or !=, its words. */
static bool
next_term(const char **text, enum term *name, bool *equal, char words[TERM_MAX])
{
	const char *p = *text + strspn(*text, " \t");
	size_t n = strcspn(p, " \t"), sign = strcspn(p, "!=");

	*name = TERM_COUNT;
	if (n == 0)
		return false;
	*text = p + n;
	if (sign >= n || n >= TERM_MAX)
		return true;
	*equal = p[sign] == '=';
	size_t start = sign + (*equal ? 1 : 2);
	if ((!*equal && p[sign + 1] != '=') || start >= n)
		return true;
	memcpy(words, p + start, n - start);
	words[n - start] = '\0';
	for (int t = 0; t < TERM_COUNT; t++)
		if (strlen(term_names[t]) == sign && memcmp(p, term_names[t], sign) == 0)
			*name = (enum term)t;
	return true;
}

bool
rules_condition_is_good(const char *text, const char **what)
{
	char words[TERM_MAX];
	enum term name;
	bool equal;

	while (next_term(&text, &name, &equal, words)) {
		if (name == TERM_COUNT) {
			*what = "a condition is name=word or name!=word, of names that docs/EXPLAIN.md has";
			return false;
		}
	}
	return true;
}

static bool
has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	while (*words != '\0') {
		size_t len = strcspn(words, ",");
		if (len == n && memcmp(words, word, n) == 0)
			return true;
		words += len + (words[len] == ',');
	}
	return false;
}

static const char *
yes(bool b)
{
	return b ? "yes" : "no";
}

static const char *
mac_kind(const struct bm_incident *i)
{
	if (i->known_suite == NULL)
		return strstr(i->version, "1.3") != NULL ? "aead" : "unknown";
	if (i->known_suite->tag_len != 0)
		return "aead";
	return strstr(i->known_suite->name, "_CBC_") != NULL ? "cbc" : "stream";
}

/* "1.2" of "TLS 1.2" */
static const char *
version_number(const struct bm_incident *i)
{
	const char *blank = strrchr(i->version, ' ');

	return blank != NULL ? blank + 1 : i->version[0] != '\0' ? i->version : "unknown";
}

static bool
has_seen(const struct bm_incident *i, const char *words)
{
	for (size_t k = 0; k < i->seen_count; k++)
		if (has_word(words, i->seen[k].context->id))
			return true;
	/* What javax.net.debug says in its own way. */
	return (i->trace.resumed && has_word(words, "resumption")) ||
		   (i->trace.key_update && has_word(words, "key-update"));
}

static bool
has_event_named(const struct bm_incident *i, const char *words)
{
	for (size_t k = 0; k < i->event_count; k++)
		if (has_word(words, i->events[k]->id))
			return true;
	return false;
}

static bool
holds(const struct bm_incident *i, enum term name, const char *words)
{
	static const char *const stages[] = {"unknown", "handshake", "after", "first", "later"};
	static const char *const roles[] = {"unknown", "client", "server"};

	switch (name) {
	case TERM_DETECTED:
		return has_word(words, bm_detector_id(i->detected));
	case TERM_STAGE:
		return has_word(words, stages[i->stage]);
	case TERM_VERSION:
		return has_word(words, version_number(i));
	case TERM_STACK:
		return has_word(words, i->stack != NULL ? i->stack->id : "unknown");
	case TERM_PROGRAM:
		return has_word(words, i->program != NULL ? i->program->id : "unknown");
	case TERM_ROLE:
		return has_word(words, roles[bm_incident_role(i)]);
	case TERM_MAC:
		return has_word(words, mac_kind(i));
	case TERM_SEEN:
		return has_seen(i, words);
	case TERM_MANY:
		return has_word(words, yes(i->count > 1));
	case TERM_REGULAR:
		return has_word(words, yes(bm_incident_is_regular(i)));
	case TERM_EVENT:
		return has_event_named(i, words);
	case TERM_RECORDS:
		return has_word(
			words, i->trace.known && i->trace.read + i->trace.written != 0 ? "shown" : "unknown");
	case TERM_DOUBT:
		return has_word(words, yes(bm_incident_is_doubtful(i)));
	default:
		return false;
	}
}

static bool
condition_holds(const struct bm_incident *i, const char *text)
{
	char words[TERM_MAX];
	enum term name;
	bool equal;

	while (next_term(&text, &name, &equal, words))
		if (holds(i, name, words) != equal)
			return false;
	return true;
}

/* Several conditions of a section: any of them. None: always. */
static bool
section_holds(const struct bm_incident *i, const struct bm_rule *r)
{
	bool any = false;

	for (const struct bm_field *f = r->fields; f != NULL; f = f->next) {
		if (f->key != BM_FIELD_WHEN)
			continue;
		any = true;
		if (condition_holds(i, f->text))
			return true;
	}
	return !any;
}

static void
add_cause(struct bm_opinion *o, const struct bm_field *f)
{
	struct bm_weighed *w = &o->causes[f->cause];

	w->cause = f->cause;
	w->weight += f->weight;
	for (size_t i = 0; i < w->reason_count; i++)
		if (strcmp(w->reasons[i], f->text) == 0)
			return;
	if (w->reason_count < BM_REASONS)
		w->reasons[w->reason_count++] = f->text;
}

static void
add_excluded(struct bm_opinion *o, const struct bm_field *f)
{
	for (size_t i = 0; i < o->excluded_count; i++)
		if (o->excluded[i].cause == f->cause)
			return;
	if (o->excluded_count < BM_CAUSE_COUNT)
		o->excluded[o->excluded_count++] = (struct bm_excluded){f->cause, f->text};
}

static void
add_next(struct bm_next *list, size_t *n, size_t max, const struct bm_field *f)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i].what, f->text) == 0)
			return;
	if (*n < max)
		list[(*n)++] = (struct bm_next){f->text, f->more};
}

static void
take_fields(struct bm_opinion *o, const struct bm_rule *r)
{
	for (const struct bm_field *f = r != NULL ? r->fields : NULL; f != NULL; f = f->next) {
		if (f->key == BM_FIELD_CAUSE)
			add_cause(o, f);
		else if (f->key == BM_FIELD_RULES_OUT)
			add_excluded(o, f);
		else if (f->key == BM_FIELD_KEYS)
			add_next(o->keys, &o->key_count, BM_NEXT_MAX, f);
		else if (f->key == BM_FIELD_NEXT)
			add_next(o->next, &o->next_count, BM_NEXT_MAX, f);
		else if (f->key == BM_FIELD_BUG)
			add_next(o->bugs, &o->bug_count, BM_BUGS_MAX, f);
	}
}

static int
heavier(const void *a, const void *b)
{
	const struct bm_weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->cause < y->cause ? -1 : x->cause > y->cause;
}

void
bm_weigh(const struct bm_rules *rules, const struct bm_incident *i, struct bm_opinion *o)
{
	memset(o, 0, sizeof *o);
	/* The most special first: its next steps are the first to be told. */
	for (size_t k = 0; k < i->event_count; k++)
		take_fields(o, i->special[k] ? i->events[k] : NULL);
	for (size_t k = 0; k < i->seen_count; k++)
		take_fields(o, i->seen[k].context);
	take_fields(o, i->program);
	for (size_t k = 0; k < bm_rules_count(rules); k++) {
		const struct bm_rule *r = bm_rules_at(rules, k);
		if (r->section == BM_RULE_WEIGH && !r->replaced && section_holds(i, r))
			take_fields(o, r);
	}
	take_fields(o, i->stack);
	for (size_t k = 0; k < o->excluded_count; k++)
		o->causes[o->excluded[k].cause].weight = 0;
	qsort(o->causes, BM_CAUSE_COUNT, sizeof o->causes[0], heavier);
	while (o->cause_count < BM_CAUSE_COUNT && o->causes[o->cause_count].weight != 0)
		o->cause_count++;
}
