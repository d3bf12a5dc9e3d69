/* What a guilty program can be asked for, with which version and suite, and the words that ask for
 * it. Refuses to know how it does it, and what it says of it (confession.c). */
#include "lab/guilt.h"

#include "tls/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

const struct lab_stack lab_guilty_stack = {.name = "guilty",
	.title = "a guilty client of the lab's own (OpenSSL's libssl)",
	.client = "badmac-lab-guilty",
	.client_words = {"badmac-lab-guilty", "port={port}", "tls={version}", "folder={folder}",
		"cipher={cipher}", "ciphersuites={ciphersuites}", "{-no_etm}", NULL},
	.client_more = {"logs", NULL},
	.versions = {"1.0", "1.1", "1.2", "1.3"},
	.cipher = lab_openssl_cipher};

const struct lab_guilt *
lab_guilt_of(const struct lab_spec *spec)
{
	return spec->fault->guilt != NULL ? &spec->fault->guilt[spec->how] : NULL;
}

__attribute__((format(printf, 4, 5))) static bool
unfit(const struct lab_spec *spec, char *problem, size_t n, const char *format, ...)
{
	va_list ap;
	int at = snprintf(problem, n, "%s:how=%s ", spec->fault->cause, spec->fault->ways[spec->how]);

	va_start(ap, format);
	if (at > 0 && (size_t)at < n)
		(void)vsnprintf(problem + at, n - (size_t)at, format, ap);
	va_end(ap);
	return false;
}

static bool
suite_fits(const struct lab_spec *spec, const struct lab_setup *setup, char *problem, size_t n)
{
	const struct bm_suite *s = setup->suite;
	enum lab_needs needs = lab_guilt_of(spec)->needs;
	bool cbc = s->mode == BM_MODE_CBC && s->tag_len == 0;

	if (needs == LAB_ANY)
		return true;
	if ((needs == LAB_CBC || needs == LAB_CBC_ETM) && !cbc)
		return unfit(spec, problem, n, "takes a CBC suite, which %s is not", s->name);
	if (needs == LAB_CBC_ETM && setup->no_etm)
		return unfit(spec, problem, n, "takes encrypt-then-MAC, which --no-etm forbids");
	if (needs == LAB_KEY_256 && s->key_len != 32)
		return unfit(
			spec, problem, n, "takes a suite with a key of 256 bits, which %s has not", s->name);
	if (needs == LAB_KEY_256 && s->cipher == BM_CHACHA20)
		return unfit(spec, problem, n, "takes a cipher that has keys of 128 bits, too");
	/* That MAC is over the ciphertext and has a key of its own: it stays right. */
	if (needs == LAB_KEY_256 && cbc && !setup->no_etm)
		return unfit(spec, problem, n, "takes --no-etm with a CBC suite");
	return cbc || s->tag_len != 0 ||
		   unfit(spec, problem, n, "takes a CBC or AEAD suite, which %s is not", s->name);
}

/* NULL: any that the stacks like best. */
static const struct bm_suite *
default_suite(enum lab_needs needs, unsigned version)
{
	enum {
		TLS_AES_256_GCM_SHA384 = 0x1302,
		TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA = 0xc013,
		TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA = 0xc014,
		TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xc030
	};

	if (needs == LAB_CBC || needs == LAB_CBC_ETM)
		return bm_suite_find(TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA);
	if (needs != LAB_KEY_256)
		return NULL;
	return bm_suite_find(version >= BM_TLS13   ? TLS_AES_256_GCM_SHA384
						 : version >= BM_TLS12 ? TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
											   : TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA);
}

bool
lab_guilt_fits(const struct lab_spec *spec, const struct lab_stack *client, struct lab_setup *setup,
	char *problem, size_t n)
{
	const struct lab_guilt *g = lab_guilt_of(spec);
	unsigned version = setup->version;

	if (client != &lab_openssl)
		return unfit(spec, problem, n,
			"is done by a client of the lab's own, with OpenSSL: --client does not go with it");
	if (spec->direction == LAB_S2C)
		return unfit(spec, problem, n, "is a client's doing: direction=s2c does not go with it");
	if (version < g->from || version > g->to)
		return unfit(spec, problem, n, "cannot be done in %s, but in %s%s%s",
			bm_version_name(version), bm_version_name(g->from), g->from != g->to ? " to " : "",
			g->from != g->to ? bm_version_name(g->to) : "");
	if (setup->suite != NULL)
		return suite_fits(spec, setup, problem, n);
	setup->suite = default_suite(g->needs, version);
	return setup->suite == NULL || suite_fits(spec, setup, problem, n);
}

__attribute__((format(printf, 2, 3))) static bool
add_word(struct lab_words *w, const char *format, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (w->n == LAB_WORDS)
		return false;
	w->word[w->n] = strdup(text);
	return w->word[w->n] != NULL && ++w->n != 0;
}

bool
lab_guilt_words(const struct lab_spec *spec, uint64_t seed, struct lab_words *out)
{
	struct lab_chance c = {seed ^ UINT64_C(0x6775696c7479)};
	uint64_t record = spec->record >= 0 ? (uint64_t)spec->record : 1 + lab_below(&c, 4);

	return add_word(out, "crime=%s", lab_guilt_of(spec)->crime) &&
		   add_word(out, "record=%" PRIu64, record) && add_word(out, "seed=%" PRIu64, seed);
}
