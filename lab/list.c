/* badmac lab list: the faults, and the stacks with what they say of themselves. */
#include "lab/fault.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/stacks.h"

static const char *const versions[] = {"TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

static void
list_faults(FILE *out)
{
	fputs("faults, for badmac lab run and --fault:\n", out);
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		fprintf(out, "  %-23s %s\n", (*f)->cause, (*f)->summary);
		for (size_t i = 0; i < LAB_WAYS && (*f)->ways[i] != NULL; i++)
			fprintf(out, "%s%s%s", i == 0 ? "                          how=" : ", ", (*f)->ways[i],
				i + 1 == LAB_WAYS || (*f)->ways[i + 1] == NULL ? "\n" : "");
	}
}

/* The suites of IANA's registry whose name or number stands in the answer: OpenSSL prints the name,
 * GnuTLS the number as "0x13, 0x01". */
static bool
names_suite(const char *answer, const struct bm_suite *s)
{
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

static bool
names_version(const char *answer, unsigned minor)
{
	char openssl[8], gnutls[16];

	(void)snprintf(openssl, sizeof openssl, "TLSv1%s%.0u", minor != 0 ? "." : "", minor);
	(void)snprintf(gnutls, sizeof gnutls, "VERS-TLS1.%u", minor);
	/* OpenSSL names the version that a suite came with; those of TLS 1.0 serve 1.1 as well. */
	return strstr(answer, openssl) != NULL || strstr(answer, gnutls) != NULL ||
		   (minor == 1 && strstr(answer, "VERS-") == NULL && strstr(answer, "TLSv1 ") != NULL);
}

static void
list_suites(FILE *out, const char *answer)
{
	size_t count = 0, found = 0;
	const struct bm_suite *table = bm_suite_table(&count);
	const char *comma = "";

	fputs("    versions: ", out);
	for (unsigned i = 0; i < 4; i++) {
		if (names_version(answer, i)) {
			fprintf(out, "%s%s", comma, versions[i]);
			comma = ", ";
		}
	}
	for (size_t i = 0; i < count; i++)
		found += names_suite(answer, &table[i]);
	fprintf(out, "\n    suites: %zu\n", found);
	for (size_t i = 0; i < count; i++)
		if (names_suite(answer, &table[i]))
			fprintf(out, "      %s\n", table[i].name);
}

static void
list_stack(FILE *out, const struct lab_stack *s)
{
	struct bm_buf said = {.p = NULL};
	const char *words[6] = {NULL};
	char title[200];

	if ((s->server != NULL && !lab_is_installed(s->server)) || !lab_is_installed(s->client)) {
		fprintf(out, "  %-10s not installed (%s%s%s)\n", s->name,
			s->server != NULL ? s->server : "", s->server != NULL ? ", " : "", s->client);
		return;
	}
	lab_stack_title(s, title, sizeof title);
	fprintf(out, "  %-10s %s%s\n", s->name, title, s->server == NULL ? " (client only)" : "");
	for (size_t i = 0; i < 5 && s->suites_words[i] != NULL; i++)
		words[i] = s->suites_words[i];
	if (words[0] != NULL && lab_ask(words, 10000, &said))
		list_suites(out, (const char *)said.p);
	else
		fputs("    has no way to say what it can negotiate\n", out);
	bm_buf_clear(&said);
}

bool
lab_list_command(const struct lab_ui *ui)
{
	list_faults(ui->out);
	fputs("\nstacks, for --server and --client:\n", ui->out);
	for (const struct lab_stack *const *s = lab_stacks; *s != NULL; s++)
		list_stack(ui->out, *s);
	return fflush(ui->out) == 0 && ferror(ui->out) == 0;
}
