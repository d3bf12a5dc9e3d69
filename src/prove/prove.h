/* Makes the checks of a diagnosis again, from claims: takes the record where a claim says, shows
 * that it fails as captured, alters what the claim says, and shows that it verifies then. Refuses
 * to search, and to know how a claim was come by: of the places below src/session in the table it
 * includes none, and of src/repair nothing. */
#ifndef BM_PROVE_PROVE_H
#define BM_PROVE_PROVE_H

#include "badmac.h"

#include "session/session.h"

struct bm_prove;
struct bm_proved_flow; /* a flow of the captures of which something is claimed */

/* claims are borrowed. BM_NOMEM leaves *out NULL. */
BM_MUST_USE enum bm_status bm_prove_new(struct bm_prove **out, const struct badmac_claims *claims);
void bm_prove_free(struct bm_prove *p); /* wipes; NULL allowed */

/* While captures are read, site by site; name outlives p. */
void bm_prove_site(struct bm_prove *p, const char *name);
/* Each frame with its number in the site; s NULL: it completes no segment. */
void bm_prove_frame(struct bm_prove *p, const struct bm_frame *f, const struct bm_segment *s);
/* A new flow. NULL: nothing is claimed of it, or memory ran out (bm_prove_status). */
struct bm_proved_flow *bm_prove_flow(struct bm_prove *p, const struct bm_flow *f);
/* There are new bytes, which the session has not seen; way as in tcp.h. v may be NULL. */
void bm_prove_data(
	struct bm_prove *p, struct bm_proved_flow *v, struct bm_flow *f, enum bm_way way);
/* It is over, and its session ended, which lives until the call returns. Only of TLS. */
void bm_prove_end(struct bm_prove *p, struct bm_proved_flow *v, const struct bm_session *s);
enum bm_status bm_prove_status(const struct bm_prove *p);

/* All has been read. */
struct bm_prove_read {
	bool several;       /* captures of several places were */
	uint64_t undecoded; /* frames */
	bool cut_hello;     /* the beginning of a hello was seen, in any capture */
};
/* Judges. BM_NOMEM. */
BM_MUST_USE enum bm_status bm_prove_judge(struct bm_prove *p, const struct bm_prove_read *read);
/* Of the nth connection, as badmac_judgement has it. */
const struct badmac_judgement *bm_prove_told(
	const struct bm_prove *p, size_t connection, size_t failure);

#endif
