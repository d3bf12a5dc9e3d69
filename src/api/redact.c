/* What is to be hidden, from the start of a run on: files get their neutral names in the order in
 * which they were given. Refuses to know what else is hidden. */
#include "api/internal.h"

enum bm_status
api_note_file(struct badmac *b, enum bm_redact_kind kind, const char *name)
{
	return b->redact != NULL ? bm_redact_file(b->redact, kind, name) : BM_OK;
}

enum bm_status
api_begin_redaction(struct badmac *b)
{
	enum bm_status s = BM_OK;

	for (size_t i = 0; s == BM_OK && i < b->inputs.n; i++)
		s = api_note_file(b, BM_REDACT_CAPTURE, b->inputs.item[i].name);
	return s;
}
