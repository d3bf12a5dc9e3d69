/* How much memory a session holds. Refuses to know what for. */
#include "session/internal.h"

void
session_holds(struct bm_session *s, size_t n)
{
	s->held += n;
	s->env->held += n;
}

static size_t
half_size(const struct half *h)
{
	return bm_assembler_size(&h->messages) + h->last_packet_cap * sizeof *h->last_packets +
		   (h->lost != NULL ? sizeof *h->lost : 0) +
		   (h->second != NULL ? WRITERS * sizeof *h->second : 0) +
		   (h->marks != NULL ? 2 * sizeof *h->marks : 0);
}

void
session_measure(struct bm_session *s)
{
	size_t n = half_size(&s->half[0]) + half_size(&s->half[1]) + s->offered_ticket.cap +
			   s->new_ticket.cap + s->encrypted_premaster.cap + s->transcript.cap +
			   s->key_cap * sizeof *s->keys + s->alert_cap * sizeof *s->alerts;

	s->held = s->held - s->measured + n;
	s->env->held = s->env->held - s->measured + n;
	s->measured = n;
}
