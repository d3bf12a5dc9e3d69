/* The score for a person. Refuses to know how it came about. */
#include "lab/score.h"

#include "tls/record.h"

/* Equal answers to one fault. */
struct tally {
	const char *told;
	enum lab_cause_told cause;
	unsigned n;
};
enum { TALLIES = 64, NAME = 23, WIDTH = 112 };

static bool
is_of(const struct lab_score *s, size_t i, const struct lab_fault *f, enum lab_view v)
{
	return s->matrix->cases[i].fault == f && s->results[i].judged[v];
}

static void
tally_add(struct tally t[TALLIES], const struct lab_answer *a)
{
	for (size_t i = 0; i < TALLIES; i++) {
		if (t[i].n != 0 && (strcmp(t[i].told, a->told) != 0 || t[i].cause != a->cause))
			continue;
		t[i].told = a->told;
		t[i].cause = a->cause;
		t[i].n++;
		return;
	}
}

/* FAULT RUNS: ANSWER COUNT, ... with lines that go on below each other. */
static void
tell_told(FILE *out, const struct lab_fault *f, const struct tally t[TALLIES])
{
	static const char *const marks[] = {
		[LAB_CAUSE_WRONG] = " WRONG", [LAB_CAUSE_RIGHT] = "", [LAB_CAUSE_ALIKE] = " (as right)"};
	unsigned all = 0;
	size_t column = NAME + 9;

	for (size_t i = 0; i < TALLIES && t[i].n != 0; i++)
		all += t[i].n;
	if (all == 0)
		return;
	fprintf(out, "  %-*s %5u:", NAME, f->cause, all);
	for (size_t i = 0; i < TALLIES && t[i].n != 0; i++) {
		char text[100];
		int n = snprintf(text, sizeof text, "%s %s %u%s", i != 0 ? "," : "", t[i].told, t[i].n,
			marks[t[i].cause]);
		if (column + (size_t)n > WIDTH) {
			fprintf(out, "\n%*s", NAME + 9, "");
			column = NAME + 9;
		}
		fputs(text, out);
		column += (size_t)n;
	}
	fputc('\n', out);
}

static void
tell_causes(const struct lab_score *s, FILE *out, enum lab_view v)
{
	fprintf(out, "What was said of each fault, from %s:\n", lab_view_names[v]);
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		struct tally t[TALLIES] = {{.n = 0}};
		for (size_t i = 0; i < s->matrix->n; i++)
			if (is_of(s, i, *f, v))
				tally_add(t, &s->results[i].answer[v]);
		tell_told(out, *f, t);
	}
}

static void
tell_details_of(const struct lab_score *s, FILE *out, enum lab_view v, const struct lab_fault *f)
{
	unsigned n = 0, cause = 0, located = 0, repair[4] = {0}, party[3] = {0}, confidence[3] = {0};

	for (size_t i = 0; i < s->matrix->n; i++) {
		const struct lab_answer *a = &s->results[i].answer[v];
		if (!is_of(s, i, f, v))
			continue;
		n++;
		cause += a->cause != LAB_CAUSE_WRONG;
		located += a->located;
		repair[a->repair]++;
		party[a->party]++;
		confidence[a->confidence]++;
	}
	if (n != 0)
		fprintf(out, "  %-*s %5u %6u %8u %9u %4u %5u %7u %6u %7u %10u %9u\n", NAME, f->cause, n,
			cause, located, repair[LAB_REPAIRED], repair[LAB_NOT_REPAIRED], repair[LAB_MISREPAIRED],
			party[LAB_PARTY_FIRST], party[LAB_PARTY_IN] + party[LAB_PARTY_FIRST],
			confidence[LAB_PROVEN], confidence[LAB_SUPPORTED], confidence[LAB_POSSIBLE]);
}

static void
tell_details(const struct lab_score *s, FILE *out, enum lab_view v)
{
	fprintf(out, "\nHow well, from %s:\n", lab_view_names[v]);
	fprintf(out, "  %-*s %5s %6s %8s %9s %10s %14s %26s\n", NAME, "", "", "right", "", "octets", "",
		"party", "confidence");
	fprintf(out, "  %-*s %5s %6s %8s %9s %4s %5s %7s %6s %7s %10s %9s\n", NAME, "fault", "runs",
		"cause", "located", "repaired", "not", "wrong", "first", "named", "proven", "supported",
		"possible");
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++)
		tell_details_of(s, out, v, *f);
}

/* What could not be done, equal reasons once. */
static void
tell_reasons(const struct lab_score *s, FILE *out, enum lab_state state, const char *title)
{
	bool any = false;

	for (size_t i = 0; i < s->matrix->n; i++) {
		unsigned n = 0;
		bool first = true;
		char command[LAB_CASE_TEXT];
		if (s->results[i].state != state)
			continue;
		for (size_t k = 0; k < s->matrix->n; k++) {
			bool same =
				s->results[k].state == state && strcmp(s->results[k].why, s->results[i].why) == 0;
			first = first && !(same && k < i);
			n += same;
		}
		if (!first)
			continue;
		if (!any)
			fprintf(out, "\n%s\n", title);
		any = true;
		lab_case_command(&s->matrix->cases[i], command);
		fprintf(out, "  %u: %s\n      %s\n", n, s->results[i].why, command);
	}
}

static void
tell_gaps(const struct lab_score *s, FILE *out)
{
	if (s->matrix->gap_count != 0)
		fputs("\nNot here, and not run:\n", out);
	for (size_t i = 0; i < s->matrix->gap_count; i++)
		fprintf(out, "  %s: %s\n", s->matrix->gaps[i].what, s->matrix->gaps[i].why);
}

static void
tell_wrong(const struct lab_score *s, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < s->matrix->n; i++) {
		const struct lab_result *r = &s->results[i];
		char command[LAB_CASE_TEXT];
		if (r->state != LAB_JUDGED || r->right)
			continue;
		if (!any)
			fputs("\nWrong:\n", out);
		any = true;
		lab_case_command(&s->matrix->cases[i], command);
		fprintf(out, "  %s\n", command);
		for (size_t v = 0; v < LAB_VIEWS; v++)
			if (r->judged[v] && !r->answer[v].right)
				fprintf(out, "      %s: %s%s\n", lab_view_names[v], r->answer[v].problem,
					r->answer[v].proven_and_wrong ? " (and said to be proven)" : "");
	}
}

/* Right of all that a stack took part in, or that a protection was under. */
static void
tell_part(FILE *out, const char *name, unsigned right, unsigned n)
{
	if (n != 0)
		fprintf(out, "  %-60s %5u of %u right\n", name, right, n);
}

static void
tell_stacks(const struct lab_score *s, FILE *out)
{
	fputs("\nBy stack:\n", out);
	for (const struct lab_stack *const *t = lab_stacks; *t != NULL; t++) {
		for (unsigned side = 0; side < 2; side++) {
			unsigned n = 0, right = 0;
			char name[100];
			for (size_t i = 0; i < s->matrix->n; i++) {
				const struct lab_case *c = &s->matrix->cases[i];
				bool in =
					(side == 0 ? c->server : c->client) == *t && s->results[i].state == LAB_JUDGED;
				n += in;
				right += in && s->results[i].right;
			}
			(void)snprintf(
				name, sizeof name, "%s as %s", (*t)->name, side == 0 ? "server" : "client");
			tell_part(out, name, right, n);
		}
	}
}

static bool
is_same_protection(const struct lab_case *a, const struct lab_case *b)
{
	return a->version == b->version && a->suite == b->suite && a->no_etm == b->no_etm;
}

static void
tell_protections(const struct lab_score *s, FILE *out)
{
	const struct lab_case *c = s->matrix->cases;

	fputs("\nBy protection:\n", out);
	for (size_t i = 0; i < s->matrix->n; i++) {
		unsigned n = 0, right = 0;
		bool first = true;
		char name[120];
		for (size_t k = 0; k < s->matrix->n; k++) {
			if (!is_same_protection(&c[k], &c[i]))
				continue;
			first = first && k >= i;
			n += s->results[k].state == LAB_JUDGED;
			right += s->results[k].state == LAB_JUDGED && s->results[k].right;
		}
		(void)snprintf(name, sizeof name, "%s %s%s", bm_version_name(c[i].version),
			c[i].suite != NULL ? c[i].suite->name : "as the stacks like it",
			c[i].no_etm ? ", MAC inside" : "");
		if (first)
			tell_part(out, name, right, n);
	}
}

static void
tell_share(FILE *out, const char *what, size_t n, size_t of)
{
	if (of != 0)
		fprintf(
			out, "  %-42s %5zu of %zu (%.2f %%)\n", what, n, of, 100.0 * (double)n / (double)of);
}

static void
tell_sums(const struct lab_score *s, FILE *out)
{
	static const enum lab_view views[] = {LAB_AT_RECEIVER, LAB_AT_BOTH};

	fputs("\nAll in all:\n", out);
	for (size_t i = 0; i < 2; i++) {
		enum lab_view v = views[i];
		char what[100];
		(void)snprintf(what, sizeof what, "right cause, from %s", lab_view_names[v]);
		tell_share(out, what, s->cause[v], s->judged[v]);
		(void)snprintf(what, sizeof what, "located exactly, from %s", lab_view_names[v]);
		tell_share(out, what, s->located[v], s->judged[v]);
	}
	size_t clean = 0;
	for (size_t i = 0; i < s->matrix->n; i++)
		clean += s->results[i].judged[LAB_AT_SENDER] && s->results[i].answer[LAB_AT_SENDER].right;
	tell_share(out, "nothing found in the sender's capture", clean, s->judged[LAB_AT_SENDER]);
	fprintf(out, "  %-42s %5zu\n", "said to be proven, and wrong", s->proven_and_wrong);
	fprintf(out, "  %-42s %5zu\n", "could not be put in", s->not_put);
	fprintf(out, "  %-42s %5zu\n", "could not be run", s->not_run);
}

bool
lab_score_text(const struct lab_score *s, FILE *out)
{
	tell_causes(s, out, LAB_AT_RECEIVER);
	tell_details(s, out, LAB_AT_RECEIVER);
	tell_details(s, out, LAB_AT_BOTH);
	tell_stacks(s, out);
	tell_protections(s, out);
	tell_gaps(s, out);
	tell_reasons(s, out, LAB_NOT_PUT, "Could not be put in:");
	tell_reasons(s, out, LAB_NOT_RUN, "Could not be run:");
	tell_wrong(s, out);
	tell_sums(s, out);
	fprintf(out, "lab: %zu of %zu right\n", s->right, s->runs);
	return fflush(out) == 0 && ferror(out) == 0;
}
