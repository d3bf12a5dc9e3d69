/* Faults that leave every record as it is: too often, too late, never, or in the wrong place. */
#include "lab/fault.h"

static bool
replay(struct lab_strike *s)
{
	struct bm_view v = s->record->bytes;

	s->at = v.n;
	s->ahead = 1;
	return lab_copy(s) && lab_put(&s->out, v.p, v.n);
}

static bool
reorder(struct lab_strike *s)
{
	s->hold = true;
	return true;
}

static bool
leave_out(struct lab_strike *s)
{
	(void)s;
	return true;
}

/* Another record in front of this one, or in its place. */
static bool
put_before(struct lab_strike *s, struct bm_view other)
{
	if (other.n < LAB_LEAST)
		return false;
	s->extent = other.n;
	return lab_put(&s->out, other.p, other.n) &&
		   (s->spec->how == 1 || lab_put(&s->out, s->record->bytes.p, s->record->bytes.n));
}

static bool
reflect(struct lab_strike *s)
{
	return put_before(s, s->mirror);
}

static bool
mix_up(struct lab_strike *s)
{
	return put_before(s, s->foreign);
}

const struct lab_fault lab_record_replayed = {
	"record-replayed", {NULL}, "the record arrives twice", 0, 0, false, replay, NULL};
const struct lab_fault lab_records_reordered = {"records-reordered", {NULL},
	"the record arrives after the next one", 0, 0, false, reorder, NULL};
const struct lab_fault lab_record_missing = {
	"record-missing", {NULL}, "the record never arrives", 0, 0, false, leave_out, NULL};
const struct lab_fault lab_reflected_record = {"reflected-record", {"inserted", "instead", NULL},
	"a record comes back to the one who sent it", 0, 0, false, reflect, NULL};
const struct lab_fault lab_foreign_record = {"foreign-record", {"inserted", "instead", NULL},
	"a record of another connection through the same relay", 0, 0, false, mix_up, NULL};
