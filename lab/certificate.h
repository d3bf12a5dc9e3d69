/* The certificate that the lab's servers show, and its key. */
#ifndef BM_LAB_CERTIFICATE_H
#define BM_LAB_CERTIFICATE_H

#include "lab/base.h"
#include "tls/suites.h"

/* Puts server.key and server.crt into folder: an RSA key, so that every key exchange of the lab's
 * stacks has a use for it. False: it was said why. */
bool lab_certificate_make(const char *folder, const struct lab_ui *ui);
/* What a suite takes that a server with this certificate has not; NULL: nothing. */
const char *lab_certificate_lacks(const struct bm_suite *s);
/* Takes those of another folder of the same file system; each has two names then. False: it cannot
 * be done, and folder has none or one of them. */
bool lab_certificate_take(const char *from, const char *folder);

#endif
