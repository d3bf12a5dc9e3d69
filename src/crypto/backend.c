/* Which library does what both can do. */
#include "crypto/lib.h"
#include "crypto/mb.h"

#include <stdatomic.h>
#include <stdio.h>

static _Atomic(enum bm_backend) chosen = BM_BACKEND_AUTO;

bool
bm_mb_on(void)
{
	return atomic_load_explicit(&chosen, memory_order_relaxed) != BM_BACKEND_OPENSSL &&
		   bm_mb_usable();
}

enum bm_status
bm_crypto_choose(enum bm_backend b)
{
	if (b == BM_BACKEND_IPSEC_MB && !bm_mb_usable())
		return BM_UNSUPPORTED;
	atomic_store(&chosen, b);
	return BM_OK;
}

const char *
bm_crypto_backend(void)
{
	static _Thread_local char text[96];
	const char *openssl = OpenSSL_version(OPENSSL_FULL_VERSION_STRING);

	/* "3.0.19 27 Jan 2026" without the date, which says nothing more. */
	(void)snprintf(text, sizeof text, "OpenSSL %.*s%s%.24s", (int)strcspn(openssl, " "), openssl,
		bm_mb_on() ? ", ipsec-mb " : "", bm_mb_on() ? bm_mb_version() : "");
	return text;
}
