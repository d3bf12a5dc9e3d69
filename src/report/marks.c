/* Puts what logs say into a text that was written before it was known. Refuses to know what either
 * says. */
#include "report/internal.h"

enum {
	MARKS_MAX = 1 << 20,
	LOG_MEMORY = 1 << 18 /* of what is said of one incident, or of one failure */
};

void
bm_mark(struct bm_lines *l, uint64_t connection, size_t failure)
{
	struct bm_marks *m = l->marks;

	if (m == NULL || l->status != BM_OK)
		return;
	void *items = m->item;
	l->status = bm_grow(&items, &m->cap, m->n + 1, MARKS_MAX, sizeof *m->item);
	m->item = items;
	if (l->status == BM_OK)
		m->item[m->n++] = (struct bm_mark){l->buf.n, connection, failure};
}

/* All that fits the memory set aside for it. */
static enum bm_status
pass_on(struct bm_lines *said, struct bm_out *o)
{
	enum bm_status st = said->status;

	bm_out_add(o, said->buf.p, said->buf.n);
	said->buf.n = 0;
	said->status = BM_OK;
	return st == BM_NOMEM ? st : BM_OK;
}

enum bm_status
bm_send_marked(struct bm_lines *l, const struct bm_marks *m, const struct bm_report_logs *logs,
	struct bm_out *o)
{
	struct bm_lines said = {.buf = {.max = LOG_MEMORY}, .color = l->color, .columns = l->columns};
	enum bm_status st = BM_OK;
	size_t at = 0;

	for (size_t i = 0; logs != NULL && st == BM_OK && i < m->n; i++) {
		bm_out_add(o, l->buf.p + at, m->item[i].at - at);
		at = m->item[i].at;
		logs->failure(logs->ctx, &said, m->item[i].connection, m->item[i].failure);
		st = pass_on(&said, o);
	}
	if (l->buf.n != at)
		bm_out_add(o, l->buf.p + at, l->buf.n - at);
	l->buf.n = 0;
	bm_buf_clear(&said.buf);
	return st;
}

enum bm_status
bm_send_rest(
	const struct bm_lines *like, bool verbose, const struct bm_report_logs *logs, struct bm_out *o)
{
	struct bm_lines said = {
		.buf = {.max = LOG_MEMORY}, .color = like->color, .columns = like->columns};
	enum bm_status st = BM_OK;

	for (size_t step = 0; st == BM_OK && logs->rest(logs->ctx, &said, step, verbose); step++)
		st = pass_on(&said, o);
	bm_buf_clear(&said.buf);
	return st;
}
