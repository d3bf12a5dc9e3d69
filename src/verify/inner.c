/* A content type that stands inside, behind the content and before zeros.
 * Refuses to know what protected it. */
#include "verify/internal.h"

/* RFC 8446, section 5.4; RFC 9146, section 4. */
void
part_inner(const struct check *c, struct bm_view inner, bool good)
{
	struct bm_outcome *o = c->o;
	size_t n = inner.n;

	while (n != 0 && inner.p[n - 1] == 0)
		n--;
	o->padding = inner.n - n;
	o->plain = bm_view(inner.p, n != 0 ? n - 1 : 0);
	if (!good)
		return;
	if (n != 0)
		o->type = inner.p[n - 1];
	else
		o->result = BM_BAD_INNER;
}
