/* Is a connection over, and nothing left open about it? Refuses to judge what is. */
#include "session/internal.h"

/* What an endpoint says that has nothing to complain of (RFC 8446, section 6.1). */
static bool
is_farewell(const struct bm_alert_seen *a)
{
	enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90 };

	return a->level != 0 && (a->description == CLOSE_NOTIFY || a->description == USER_CANCELED);
}

/* Behind the end of a direction no byte is ever read, and copies of those before it are asked about
 * for failures alone. */
static bool
is_done(const struct half *h)
{
	return h->started && h->over && h->lost == NULL && !h->unplaced && !h->gave_up &&
		   h->alert_part_len == 0 && bm_stream_ended(h->stream, NULL) &&
		   bm_stream_avail(h->stream, h->off) == 0 && bm_stream_gaps(h->stream) == 0;
}

bool
bm_session_settled(const struct bm_session *s)
{
	uint64_t verified = 0;

	if (s->dtls || !s->tls || s->middle || s->turn_round || s->status != BM_OK ||
		s->case_count != 0)
		return false;
	for (unsigned side = 0; side < 2; side++) {
		const struct bm_tally *t = &s->facts.tally[side];
		if (!is_done(&s->half[side]) || t->failed != 0 || t->undecided != 0)
			return false;
		verified += t->verified;
	}
	for (size_t i = 0; i < s->alert_count; i++)
		if (!is_farewell(&s->alerts[i]))
			return false;
	return verified != 0;
}
