/* Which solver goes with which suite. Refuses to know what any of them does. */
#include "repair/repair.h"

enum bm_status
bm_repair(const struct bm_damaged *d, struct bm_scratch *scratch, struct bm_repair *out)
{
	const struct bm_suite *s = bm_protection_keys(d->protection)->suite;

	if (s->mode == BM_MODE_GCM)
		return bm_repair_gcm(d, scratch, out);
	if (s->mode == BM_MODE_POLY1305)
		return bm_repair_poly1305(d, scratch, out);
	if (s->mode == BM_MODE_CCM)
		return bm_repair_ccm(d, scratch, out);
	return bm_repair_hmac(d, scratch, out);
}
