/* badmac lab list: the faults, the stacks with what they say of themselves, the recordings. */
#include "lab/guilt.h"
#include "lab/process.h"
#include "lab/program.h"

#include <strings.h>

enum { ASK_MS = 10000 };

static const char *const versions[] = {"TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

static void
list_faults(FILE *out)
{
	fputs("faults, for badmac lab run and --fault:\n", out);
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		if ((*f)->guilt != NULL)
			continue;
		fprintf(out, "  %-23s %s\n", (*f)->cause, (*f)->summary);
		for (size_t i = 0; i < LAB_WAYS && (*f)->ways[i] != NULL; i++)
			fprintf(out, "%s%s%s", i == 0 ? "                          how=" : ", ", (*f)->ways[i],
				i + 1 == LAB_WAYS || (*f)->ways[i + 1] == NULL ? "\n" : "");
	}
}

/* Each way is a deed of its own. */
static void
list_guilty(FILE *out)
{
	fprintf(out, "\nfaults of a guilty client, for badmac lab run alone%s:\n",
		lab_is_installed(lab_guilty_stack.client) ? "" : " (badmac-lab-guilty is not installed)");
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		if ((*f)->guilt == NULL)
			continue;
		fprintf(out, "  %-23s %s\n", (*f)->cause, (*f)->summary);
		for (size_t i = 0; i < LAB_WAYS && (*f)->ways[i] != NULL; i++)
			fprintf(out, "    how=%-19s %s\n", (*f)->ways[i], (*f)->guilt[i].summary);
	}
}

/* The suites of IANA's registry whose name or number stands in the answer: OpenSSL prints the name
 * with a blank behind it, GnuTLS the number as "0x13, 0x01"; so do the lab's own programs. */
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

static bool
ask_abilities(const struct lab_stack *s, struct bm_buf *said)
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

static void
list_stack(FILE *out, const struct lab_stack *s)
{
	struct bm_buf said = {.p = NULL};
	char title[200];

	if ((s->server != NULL && !lab_is_installed(s->server)) || !lab_is_installed(s->client)) {
		fprintf(out, "  %-10s not installed (%s%s%s)\n", s->name,
			s->server != NULL ? s->server : "", s->server != NULL ? ", " : "", s->client);
		return;
	}
	lab_stack_title(s, title, sizeof title);
	fprintf(out, "  %-10s %s%s\n", s->name, title, s->server == NULL ? " (client only)" : "");
	if (ask_abilities(s, &said))
		list_suites(out, (const char *)said.p);
	else
		fputs("    has no way to say what it can negotiate\n", out);
	bm_buf_clear(&said);
}

static void
list_recordings(FILE *out)
{
	fputs("\nrecordings, for --capture, with commas between them:\n"
		  "  segments, merged        as they were on the wire; as the hosts' kernels show them\n"
		  "  repeated                segments that hold damage were sent twice\n"
		  "  ipv4, ipv6              addresses\n"
		  "  snap=N                  no more than N octets of a frame\n",
		out);
}

bool
lab_list_command(const struct lab_ui *ui)
{
	list_faults(ui->out);
	list_guilty(ui->out);
	fputs("\nstacks, for --server and --client:\n", ui->out);
	for (const struct lab_stack *const *s = lab_stacks; *s != NULL; s++)
		list_stack(ui->out, *s);
	list_recordings(ui->out);
	return fflush(ui->out) == 0 && ferror(ui->out) == 0;
}
