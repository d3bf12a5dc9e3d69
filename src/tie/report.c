/* Which incidents speak of which failure, for reports. Refuses to know how either is shown. */
#include "tie/report.h"

#include <stdlib.h>

static int
by_place(const void *a, const void *b)
{
	const struct tie_mention *x = a, *y = b;

	if (x->connection != y->connection)
		return x->connection < y->connection ? -1 : 1;
	if (x->failure != y->failure)
		return x->failure < y->failure ? -1 : 1;
	return x->incident < y->incident ? -1 : x->incident > y->incident;
}

enum bm_status
tie_mentions_build(struct bm_tie *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->incident_count; i++)
		n += t->incidents[i].told_count;
	/* One more, for none is asked for otherwise. */
	t->mentions = calloc(n + 1, sizeof *t->mentions);
	t->rest = calloc(t->incident_count + 1, sizeof *t->rest);
	if (t->mentions == NULL || t->rest == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < t->incident_count; i++) {
		const struct tie_incident *o = &t->incidents[i];
		size_t before = t->mention_count;
		for (size_t k = 0; k < o->told_count; k++) {
			const struct tie_match *m = &o->told[k].match;
			if (m->failure != TIE_NONE)
				t->mentions[t->mention_count++] =
					(struct tie_mention){t->connections[m->connection].id, m->failure, i, k};
		}
		if (t->mention_count == before)
			t->rest[t->rest_count++] = i;
	}
	qsort(t->mentions, t->mention_count, sizeof *t->mentions, by_place);
	return BM_OK;
}

const struct tie_mention *
tie_mentions_of(const struct bm_tie *t, uint64_t connection, size_t failure, size_t *n)
{
	size_t low = 0, high = t->mention_count, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct tie_mention *m = &t->mentions[mid];
		if (m->connection < connection ||
			(m->connection == connection && m->failure < (int)failure))
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < t->mention_count && t->mentions[end].connection == connection &&
					t->mentions[end].failure == (int)failure;
		 end++)
		continue;
	*n = end - low;
	return *n != 0 ? &t->mentions[low] : NULL;
}

struct bm_report_logs
bm_tie_report(const struct bm_tie *t)
{
	return (struct bm_report_logs){t, tie_text_failure, tie_text_rest, tie_json};
}
