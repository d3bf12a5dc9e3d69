/* Reads what stacks print about themselves. Refuses to know what it is wanted for. */
#include "lab/offer.h"

#include "lab/process.h"
#include "lab/program.h"
#include "tls/record.h"

#include <strings.h>

enum { ASK_MS = 10000 };

static bool
has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncasecmp(at, line, n) == 0 && (at[n] == '\n' || at[n] == '\0'))
			return true;
	return false;
}

/* Adds the registry's name of every suite that is in the answer by OpenSSL's. */
static bool
translate(struct bm_buf *answer)
{
	const char *words[] = {"openssl", "ciphers", "-stdname", "ALL:eNULL:@SECLEVEL=0", NULL};
	struct bm_buf names = {.p = NULL}, out = {.p = NULL};
	char *rest = NULL, standard[80], own[80];
	bool good = lab_puts(&out, (const char *)answer->p);
	size_t count = 0;
	const struct bm_suite *table = bm_suite_table(&count);

	/* Those of TLS 1.3 have one name only. */
	for (size_t i = 0; good && i < count; i++)
		if (table[i].kx == BM_KX_TLS13 && has_line((const char *)answer->p, table[i].name))
			good = lab_puts(&out, table[i].name) && lab_puts(&out, " \n");
	if (lab_ask(words, ASK_MS, &names))
		for (char *l = strtok_r((char *)names.p, "\n", &rest); good && l != NULL;
			 l = strtok_r(NULL, "\n", &rest))
			if (sscanf(l, "%79s - %79s", standard, own) == 2 &&
				has_line((const char *)answer->p, own))
				good = lab_puts(&out, standard) && lab_puts(&out, " \n");
	bm_buf_clear(&names);
	bm_buf_clear(answer);
	*answer = out;
	return good && lab_put(answer, "", 1);
}

/* A file without a name, which a child finds at path. */
static FILE *
put_aside(const char *text, char path[32])
{
	FILE *f = tmpfile();

	if (f != NULL && fputs(text, f) >= 0 && fflush(f) == 0) {
		(void)snprintf(path, 32, "/dev/fd/%d", fileno(f));
		return f;
	}
	if (f != NULL)
		(void)fclose(f);
	return NULL;
}

bool
lab_offer_ask(const struct lab_stack *s, struct bm_buf *said)
{
	const char *words[8] = {NULL};
	char path[32];
	FILE *file = NULL;
	size_t n = 0;

	for (; n < 6 && s->suites_words[n] != NULL; n++)
		words[n] = s->suites_words[n];
	if (n == 0 || (s->suites_file != NULL && (file = put_aside(s->suites_file, path)) == NULL))
		return false;
	if (file != NULL)
		words[n] = path;
	bool good = lab_ask(words, ASK_MS, said) && (!s->openssl_names || translate(said));
	if (file != NULL)
		(void)fclose(file);
	return good;
}

/* The suites of IANA's registry whose name or number stands in the answer: OpenSSL prints the name
 * with a blank behind it, GnuTLS the number as "0x13, 0x01"; so do the lab's own programs. */
bool
lab_offer_has_suite(const struct bm_buf *said, const struct bm_suite *s)
{
	const char *answer = (const char *)said->p;
	char number[16];
	const char *at = strstr(answer, s->name);
	size_t n = strlen(s->name);

	(void)snprintf(number, sizeof number, "0x%02x, 0x%02x", s->id >> 8, s->id & 255u);
	if (strstr(answer, number) != NULL)
		return true;
	for (; at != NULL; at = strstr(at + n, s->name))
		if ((at == answer || at[-1] == '\n') && (at[n] == ' ' || at[n] == '\t'))
			return true;
	return false;
}

bool
lab_offer_has_version(const struct bm_buf *said, unsigned version)
{
	const char *answer = (const char *)said->p;
	unsigned minor = version - BM_TLS10;
	char openssl[8], gnutls[16];

	(void)snprintf(openssl, sizeof openssl, "TLSv1%s%.0u", minor != 0 ? "." : "", minor);
	(void)snprintf(gnutls, sizeof gnutls, "VERS-TLS1.%u", minor);
	/* OpenSSL names the version that a suite came with; those of TLS 1.0 serve 1.1 as well. */
	return strstr(answer, openssl) != NULL || strstr(answer, gnutls) != NULL ||
		   (minor == 1 && strstr(answer, "VERS-") == NULL && strstr(answer, "TLSv1 ") != NULL);
}

bool
lab_stack_has(const struct lab_stack *s, bool server, const char **missing)
{
	const char *program = server ? s->server : s->client;

	*missing = program != NULL && !lab_is_installed(program) ? program : NULL;
	return program != NULL && *missing == NULL;
}
