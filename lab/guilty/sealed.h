/* What crimes with records of one's own making share. */
#ifndef BM_LAB_GUILTY_SEALED_H
#define BM_LAB_GUILTY_SEALED_H

#include "lab/guilty/crimes.h"

struct sealed {
	char text[LINE_MAX_OCTETS];
	struct record was; /* as libssl made it */
	struct seal_keys keys;
	struct seal_plan plan; /* by which it comes out the same; points into the two above */
};

/* All gives false when it said why. */

/* What one side writes with now. */
bool sealed_keys(const struct peer *p, bool client, struct seal_keys *k);
/* Finds the plan's nonce and MAC order, by which libssl's record comes out. */
bool sealed_again(const struct seal_keys *k, struct seal_plan *plan, const struct record *was);
/* The line that is due: made by libssl, not sent, and understood. */
bool sealed_line(struct scene *s, struct sealed *out);
bool sealed_send(struct scene *s, const struct seal_keys *k, const struct seal_plan *plan);

#endif
