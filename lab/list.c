/* badmac lab list: the faults, the stacks with what they say of themselves, the recordings. */
#include "lab/guilt.h"
#include "lab/offer.h"
#include "lab/program.h"
#include "tls/record.h"

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

static void
list_suites(FILE *out, const struct bm_buf *answer)
{
	size_t count = 0, found = 0;
	const struct bm_suite *table = bm_suite_table(&count);
	const char *comma = "";

	fputs("    versions: ", out);
	for (unsigned i = 0; i < 4; i++) {
		if (lab_offer_has_version(answer, BM_TLS10 + i)) {
			fprintf(out, "%s%s", comma, versions[i]);
			comma = ", ";
		}
	}
	for (size_t i = 0; i < count; i++)
		found += lab_offer_has_suite(answer, &table[i]);
	fprintf(out, "\n    suites: %zu\n", found);
	for (size_t i = 0; i < count; i++)
		if (lab_offer_has_suite(answer, &table[i]))
			fprintf(out, "      %s\n", table[i].name);
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
	if (lab_offer_ask(s, &said))
		list_suites(out, &said);
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
