/* Compares a report with the truth. Refuses to know how either came about. */
#include "lab/judge.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static bool
is_alike(const json_t *a, const json_t *b, const char *name)
{
	const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);

	return x != NULL && y != NULL && json_equal(x, y);
}

/* Adds to the list of what is not right. */
__attribute__((format(printf, 2, 3))) static void
object(struct lab_answer *out, const char *format, ...)
{
	size_t n = strlen(out->problem);
	va_list ap;

	if (n != 0 && n + 3 < sizeof out->problem) {
		memcpy(out->problem + n, "; ", 3);
		n += 2;
	}
	va_start(ap, format);
	(void)vsnprintf(out->problem + n, sizeof out->problem - n, format, ap);
	va_end(ap);
}

/* Octets that differ, one entry each; or a run that is too much or missing. */
struct change {
	uint64_t at;
	struct bm_view received, sent; /* hex */
};
struct changes {
	struct change *list;
	size_t n, cap;
	bool unknown; /* what was sent is not told of each */
	bool good;
};

static void
add_change(struct changes *c, uint64_t at, struct bm_view received, struct bm_view sent)
{
	void *list = c->list;

	if (bm_grow(&list, &c->cap, c->n + 1, 1 << 20, sizeof *c->list) != BM_OK) {
		c->good = false;
		return;
	}
	c->list = list;
	c->list[c->n++] = (struct change){at, received, sent};
}

static int
by_place(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static struct bm_view
hex_of(const json_t *o, const char *name)
{
	const char *s = text_of(o, name);

	return bm_view(s, strlen(s));
}

static struct changes
changes_of(const json_t *failure)
{
	struct changes c = {.good = true};
	size_t i;
	const json_t *d;

	json_array_foreach(json_object_get(failure, "damage"), i, d)
	{
		uint64_t at = (uint64_t)json_integer_value(json_object_get(d, "record_offset"));
		struct bm_view received = hex_of(d, "received"), sent = hex_of(d, "sent");
		if (json_is_null(json_object_get(d, "sent"))) {
			c.unknown = true;
			continue;
		}
		if (received.n != sent.n)
			add_change(&c, at, received, sent);
		for (size_t k = 0; received.n == sent.n && k + 1 < sent.n; k += 2)
			if (memcmp(received.p + k, sent.p + k, 2) != 0)
				add_change(&c, at + k / 2, bm_view(received.p + k, 2), bm_view(sent.p + k, 2));
	}
	if (c.n != 0)
		qsort(c.list, c.n, sizeof *c.list, by_place);
	return c;
}

/* The same run cut at another place: 'abcab' less 'abc' is 'abcab' less 'bca'. */
static bool
is_turned(struct bm_view a, struct bm_view b, uint64_t octets)
{
	size_t k = 2 * (size_t)octets;

	return a.n == b.n && k < a.n && memcmp(a.p + k, b.p, a.n - k) == 0 &&
		   memcmp(a.p, b.p + a.n - k, k) == 0;
}

static bool
is_same_change(const struct change *a, const struct change *b)
{
	if (a->at > b->at)
		return is_same_change(b, a);
	if (a->at == b->at)
		return bm_view_equal(a->received, b->received) && bm_view_equal(a->sent, b->sent);
	if (a->received.n == a->sent.n)
		return false;
	return (a->sent.n == 0 && b->sent.n == 0 &&
			   is_turned(a->received, b->received, b->at - a->at)) ||
		   (a->received.n == 0 && b->received.n == 0 && is_turned(a->sent, b->sent, b->at - a->at));
}

static enum lab_repair
compare_damage(const json_t *fault, const json_t *failure)
{
	struct changes was = changes_of(fault), told = changes_of(failure);
	enum lab_repair r = LAB_MISREPAIRED;

	if (was.n == 0 && told.n == 0)
		r = LAB_NOTHING_TO_REPAIR;
	else if (told.unknown || told.n == 0)
		r = LAB_NOT_REPAIRED;
	else if (was.good && told.good && was.n == told.n) {
		r = LAB_REPAIRED;
		for (size_t i = 0; i < was.n; i++)
			if (!is_same_change(&was.list[i], &told.list[i]))
				r = LAB_MISREPAIRED;
	}
	free(was.list);
	free(told.list);
	return r;
}

static void
judge_cause(const json_t *fault, unsigned kind, struct lab_answer *out)
{
	const char *cause = text_of(fault, "cause");
	const json_t *how = json_object_get(fault, "how");
	const struct lab_alike *a;

	if (strcmp(out->told, cause) == 0) {
		out->cause = LAB_CAUSE_RIGHT;
		return;
	}
	a = lab_alike_find(cause, json_string_value(how), kind, out->told);
	if (a != NULL && (!a->exact || out->repair == LAB_REPAIRED))
		out->cause = LAB_CAUSE_ALIKE;
	else
		object(out, "cause %s, not %s", out->told, cause);
}

/* Connections began in that order; where two captures show them, ids need not be in it. */
static json_int_t
turn_of(const json_t *connections, const json_t *connection)
{
	const char *first = text_of(connection, "first_time");
	json_int_t before = 0;
	size_t i;
	const json_t *c;

	if (*first == '\0')
		return json_integer_value(json_object_get(connection, "id"));
	json_array_foreach(connections, i, c) before += strcmp(text_of(c, "first_time"), first) < 0;
	return before;
}

static bool
is_there(
	const json_t *fault, const json_t *connections, const json_t *connection, const json_t *failure)
{
	return json_integer_value(json_object_get(fault, "connection")) ==
			   turn_of(connections, connection) &&
		   is_alike(fault, failure, "direction") && is_alike(fault, failure, "sequence_number") &&
		   is_alike(fault, failure, "stream_offset");
}

static void
judge_party(const json_t *fault, const json_t *failure, struct lab_answer *out)
{
	size_t i;
	const json_t *p, *at_fault = json_object_get(failure, "at_fault");

	json_array_foreach(at_fault, i, p)
	{
		if (json_equal(p, json_object_get(fault, "party")))
			out->party = i == 0 ? LAB_PARTY_FIRST : LAB_PARTY_IN;
	}
	if (out->party == LAB_PARTY_OUT)
		object(out, "%s is not at fault, it says", text_of(fault, "party"));
}

static enum lab_confidence
confidence_of(const json_t *failure)
{
	const char *s = text_of(failure, "confidence");

	return strcmp(s, "proven") == 0      ? LAB_PROVEN
		   : strcmp(s, "supported") == 0 ? LAB_SUPPORTED
										 : LAB_POSSIBLE;
}

/* The failure that is where the fault is, else the first. */
struct chosen {
	const json_t *failure;
	bool located;
	size_t count;
};

static struct chosen
choose(const json_t *fault, const json_t *report)
{
	struct chosen c = {.count = 0};
	size_t i, j;
	const json_t *connections = json_object_get(report, "connections"), *connection, *failure;

	json_array_foreach(connections, i, connection)
	{
		json_array_foreach(json_object_get(connection, "failures"), j, failure)
		{
			bool there = !c.located && is_there(fault, connections, connection, failure);
			if (there || c.count == 0)
				c.failure = failure;
			c.located = c.located || there;
			c.count++;
		}
	}
	return c;
}

/* What is told besides: of two records that changed places both may be. */
static void
judge_others(
	const json_t *fault, const json_t *report, const struct chosen *c, struct lab_answer *out)
{
	size_t i, j, others = 0;
	const json_t *connection, *failure;
	bool swapped = strcmp(text_of(fault, "cause"), "records-reordered") == 0;

	json_array_foreach(json_object_get(report, "connections"), i, connection)
	{
		json_array_foreach(json_object_get(connection, "failures"), j, failure)
		{
			if (failure == c->failure)
				continue;
			if (swapped && is_alike(fault, failure, "cause") &&
				is_alike(fault, failure, "direction"))
				continue;
			others++;
			out->proven_and_wrong = out->proven_and_wrong || confidence_of(failure) == LAB_PROVEN;
		}
	}
	if (others != 0)
		object(out, "%zu more failures than there are", others);
}

void
lab_judge(const json_t *truth, const json_t *report, int status, struct lab_answer *out)
{
	const json_t *fault = json_array_get(json_object_get(truth, "faults"), 0);

	*out = (struct lab_answer){.cause = LAB_CAUSE_WRONG};
	if (report == NULL || fault == NULL) {
		lab_judge_none(fault == NULL ? "there is no truth" : "no report", out);
		return;
	}
	/* Key material that does not fit, and nobody who complained of a record, is undecided. */
	bool undecided = status == 3 && strcmp(text_of(fault, "cause"), "wrong-keys") == 0;
	if (status != 1 && !undecided)
		object(out, "exit status %d, not 1", status);
	struct chosen c = choose(fault, report);
	if (c.count == 0) {
		(void)snprintf(out->told, sizeof out->told, "nothing");
		object(out, "no failure is told");
		return;
	}
	(void)snprintf(out->told, sizeof out->told, "%s", text_of(c.failure, "cause"));
	out->located = c.located;
	out->confidence = confidence_of(c.failure);
	out->repair = compare_damage(fault, c.failure);
	judge_cause(fault, lab_kind_of(fault), out);
	judge_party(fault, c.failure, out);
	if (!c.located)
		object(out, "not where it was put in: %s, number %lld, offset %lld",
			text_of(c.failure, "direction"),
			(long long)json_integer_value(json_object_get(c.failure, "sequence_number")),
			(long long)json_integer_value(json_object_get(c.failure, "stream_offset")));
	if (out->repair == LAB_MISREPAIRED)
		object(out, "other octets than were damaged");
	out->proven_and_wrong = out->confidence == LAB_PROVEN &&
							(out->cause == LAB_CAUSE_WRONG || !c.located ||
								out->repair == LAB_MISREPAIRED || out->party == LAB_PARTY_OUT);
	judge_others(fault, report, &c, out);
	out->right = out->problem[0] == '\0';
}

void
lab_judge_clean(const json_t *report, int status, struct lab_answer *out)
{
	size_t i, j;
	const json_t *connection, *failure;

	*out = (struct lab_answer){.cause = LAB_CAUSE_RIGHT, .located = true};
	if (report == NULL) {
		lab_judge_none("no report", out);
		return;
	}
	json_array_foreach(json_object_get(report, "connections"), i, connection)
	{
		json_array_foreach(json_object_get(connection, "failures"), j, failure)
		{
			const char *cause = text_of(failure, "cause");
			(void)snprintf(out->told, sizeof out->told, "%s", cause);
			if (strcmp(cause, "record-was-good") == 0)
				continue;
			object(out, "%s in a capture in which nothing is wrong", cause);
			out->proven_and_wrong = out->proven_and_wrong || confidence_of(failure) == LAB_PROVEN;
		}
	}
	if (status != (out->told[0] != '\0' ? 1 : 0))
		object(out, "exit status %d where nothing is wrong", status);
	out->right = out->problem[0] == '\0';
}

void
lab_judge_none(const char *because, struct lab_answer *out)
{
	*out = (struct lab_answer){.told = "no report"};
	object(out, "%s", because);
}
