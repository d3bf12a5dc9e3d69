/* badmac prove: brings a report as claims, files and keys to the library, and what it says of them
 * to where it is wanted. */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/prove_settings.h"
#include "claims/claims.h"
#include "findings/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One run; everything in it is freed by clear. */
struct run {
	struct prove_settings settings;
	struct bm_findings findings;
	struct bm_claims claims;
	struct input_file *files;
	struct output output;
	struct badmac *badmac;
};

/* Of what is read nothing may be written over. */
static bool
is_output(const struct run *r, dev_t device, ino_t inode, const char *what)
{
	if (!output_is(r->settings.output, device, inode))
		return false;
	say("%s: is %s to be read; the report would overwrite it", r->settings.output, what);
	return true;
}

static bool
is_output_path(const struct run *r, const char *path, const char *what)
{
	struct stat st;

	return stat(path, &st) == 0 && is_output(r, st.st_dev, st.st_ino, what);
}

static bool
read_report(struct run *r)
{
	const char *path = r->settings.report;
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	char problem[BM_FINDINGS_PROBLEM] = "";
	uint8_t *bytes;
	size_t n;

	if (is_output_path(r, path, "a report") || !input_whole(path, BM_FINDINGS_MOST, &bytes, &n))
		return false;
	enum bm_status status =
		bm_findings_read((struct bm_view){bytes, n}, &r->findings, problem, sizeof problem);
	input_forget(bytes, n);
	if (status == BM_FORMAT || status == BM_LIMIT) {
		say("%s: %s", name, problem);
		return false;
	}
	if (status == BM_OK && r->findings.redacted != NULL && !r->settings.quiet)
		say("%s: is redacted: no address in it is a real one, so its connections are in no "
			"capture; give the report without --redact",
			name);
	if (status == BM_OK)
		status = bm_claims_from(&r->findings, &r->claims);
	return say_status(name, status, NULL);
}

static bool
add_keys(struct run *r, const char *path)
{
	struct badmac_error e = {.what = ""};
	uint8_t *bytes;
	size_t n;

	if (is_output_path(r, path, "key material") || !input_secret(path, &bytes, &n))
		return false;
	enum badmac_status status = badmac_add_named_keys(r->badmac, path, bytes, n, &e);
	input_forget(bytes, n);
	return status == BADMAC_OK || say_trouble(path, &e);
}

static bool
add_capture(struct run *r, struct input_file *f, const char *path)
{
	struct badmac_error e = {.what = ""};

	if (!input_open(f, path) || is_output(r, f->device, f->inode, "a capture"))
		return false;
	enum badmac_status status =
		f->stream ? badmac_add_stream(r->badmac, f->name, input_read, f, &e)
				  : badmac_add_mapped(r->badmac, f->name, f->bytes, f->n, input_read_at, f, &e);
	return status == BADMAC_OK || say_trouble(f->name, &e);
}

static bool
start(struct run *r)
{
	const struct prove_settings *s = &r->settings;
	struct badmac_options o = {.write = output_write, .write_ctx = &r->output};
	struct badmac_error e = {.what = ""};

	if (!read_report(r))
		return false;
	r->files = calloc(s->capture_count, sizeof *r->files);
	if (r->files == NULL) {
		say("%s", strerror(errno));
		return false;
	}
	if (badmac_new(&r->badmac, &o, &e) != BADMAC_OK ||
		badmac_add_claims(r->badmac, &r->claims.claims, &e) != BADMAC_OK)
		return say_trouble(NULL, &e);
	for (size_t i = 0; i < s->key_count; i++)
		if (!add_keys(r, s->keys[i]))
			return false;
	for (size_t i = 0; i < s->capture_count; i++)
		if (!add_capture(r, &r->files[i], s->captures[i]))
			return false;
	return output_open(&r->output, s->output);
}

static bool
prove(struct run *r)
{
	struct badmac_error e = {.what = ""};
	enum badmac_status status = badmac_prove(r->badmac, &e);
	bool read_failed = false;
	const char *notice;

	for (size_t i = 0; i < r->settings.capture_count; i++)
		read_failed = read_failed || r->files[i].failed;
	for (size_t i = 0; !r->settings.quiet && (notice = badmac_notice(r->badmac, i)) != NULL; i++)
		say("%s", notice);
	if (status != BADMAC_OK)
		return read_failed ? false : say_trouble(e.input, &e);
	if (badmac_input_damaged(r->badmac))
		say("an input is damaged: what was checked comes before that place");
	return !badmac_input_damaged(r->badmac);
}

static int
tell(struct run *r)
{
	const struct prove_settings *s = &r->settings;
	struct bm_claims_format f = {.json = s->json,
		.color = output_has_color(s->output, s->color),
		.verbose = s->verbose,
		.columns = output_columns(s->output),
		.write = output_write,
		.write_ctx = &r->output};
	struct bm_claims_count n = bm_claims_count(&r->claims, r->badmac);

	if (!say_status(NULL, bm_claims_report(&r->claims, r->badmac, &f), NULL) ||
		!output_commit(&r->output))
		return EXIT_TROUBLE;
	switch (bm_claims_verdict(&n)) {
	case BADMAC_HOLDS:
		return EXIT_VERIFIED;
	case BADMAC_DOES_NOT_HOLD:
		return EXIT_FAILED;
	case BADMAC_CANNOT_BE_CHECKED:
	case BADMAC_NOT_REPLAYABLE:
		break;
	}
	return EXIT_UNDECIDED;
}

static void
clear(struct run *r)
{
	badmac_free(r->badmac);
	output_close(&r->output);
	bm_claims_clear(&r->claims);
	bm_findings_clear(&r->findings);
	free(r->files);
	prove_settings_clear(&r->settings);
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (prove_settings_read(&r.settings, argc, argv)) {
		if (r.settings.help)
			status = print_help(prove_help);
		else if (start(&r) && prove(&r))
			status = tell(&r);
	}
	clear(&r);
	return status;
}

const struct command command_prove = {"prove",
	"make the checks of a diagnosis again, and say whether its proofs hold", prove_help, run};
