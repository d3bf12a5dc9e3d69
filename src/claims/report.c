/* Takes judgements to the chosen kind of report, and its bytes to the caller. */
#include "claims/report.h"

#include <stdlib.h>

enum { LINES_MOST = 1 << 20 };

const char *
bm_verdict_id(enum badmac_verdict v)
{
	switch (v) {
	case BADMAC_HOLDS:
		return "holds";
	case BADMAC_DOES_NOT_HOLD:
		return "does-not-hold";
	case BADMAC_NOT_REPLAYABLE:
		return "not-replayable";
	case BADMAC_CANNOT_BE_CHECKED:
		break;
	}
	return "cannot-be-checked";
}

enum bm_status
bm_claims_report(
	const struct bm_claims *c, const struct badmac *b, const struct bm_claims_format *f)
{
	struct bm_out *o = calloc(1, sizeof *o);
	struct bm_lines l = {.buf = {.max = LINES_MOST}, .color = f->color, .columns = f->columns};

	if (o == NULL)
		return BM_NOMEM;
	o->write = f->write;
	o->ctx = f->write_ctx;
	if (f->json)
		bm_claims_json(o, c, b);
	else
		bm_claims_text(&l, c, b, f->verbose, o);
	bm_out_flush(o);
	enum bm_status st = l.status != BM_OK ? l.status : o->failed ? BM_IO : BM_OK;
	bm_buf_clear(&l.buf);
	free(o);
	return st;
}
