/* Libraries that bring no programs: Mbed TLS and wolfSSL, by programs of the lab's own
 * (lab/peers). Refuses to know what is done to what they send. */
#include "lab/stacks.h"

#include "tls/record.h"

const struct lab_stack lab_mbedtls = {.name = "mbedtls",
	.title = "Mbed TLS",
	.server = "badmac-lab-mbedtls",
	.client = "badmac-lab-mbedtls",
	.server_words = {"badmac-lab-mbedtls", "server", "{port}", "{folder}", "{version}", "{number}",
		"keys", "{-no_etm}", NULL},
	.client_words = {"badmac-lab-mbedtls", "client", "{port}", "{folder}", "{version}", "{number}",
		"{-no_etm}", NULL},
	.ready = "listening",
	.server_logs = true,
	.client_more = {"keys", NULL},
	.version_words = {"badmac-lab-mbedtls", "version", NULL},
	.suites_words = {"badmac-lab-mbedtls", "list", NULL},
	.versions = {"769", "770", "771", "772"}};

/* Its secrets of TLS 1.3 show only in builds that were made for that. */
const struct lab_stack lab_wolfssl = {.name = "wolfssl",
	.title = "wolfSSL",
	.server = "badmac-lab-wolfssl",
	.client = "badmac-lab-wolfssl",
	.server_words = {"badmac-lab-wolfssl", "server", "{port}", "{folder}", "{version}", "{number}",
		"keys", "{-no_etm}", NULL},
	.client_words = {"badmac-lab-wolfssl", "client", "{port}", "{folder}", "{version}", "{number}",
		"{-no_etm}", NULL},
	.ready = "listening",
	.server_logs = true,
	.logs_up_to = BM_TLS12,
	.client_more = {"keys", NULL},
	.version_words = {"badmac-lab-wolfssl", "version", NULL},
	.suites_words = {"badmac-lab-wolfssl", "list", NULL},
	.versions = {"769", "770", "771", "772"}};
