/* badmac carve: brings a report, captures and keys to the carving, and what it makes to a file. */
#include "carve/carve.h"
#include "cli/carve_check.h"
#include "cli/carve_settings.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One run; everything in it is freed by clear. */
struct run {
	struct carve_settings settings;
	struct bm_findings report;
	struct bm_carve *carve;
	struct bm_view *keys; /* octets of each file, to be forgotten */
	size_t key_count;
	struct output output;
	struct kept written; /* a copy, to be looked at again */
	bool missing;        /* something that was asked for is not there */
};

static const char *
shown(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Nothing that is read is ever written over. */
static bool
is_output(const struct run *r, const char *path, const char *what)
{
	struct stat st;

	if (strcmp(path, "-") == 0 || stat(path, &st) != 0 ||
		!output_is(r->settings.output, st.st_dev, st.st_ino))
		return false;
	say("%s: is %s to be read; what is carved would overwrite it", path, what);
	return true;
}

static bool
read_report(struct run *r)
{
	const char *path = r->settings.report;
	char problem[BM_FINDINGS_PROBLEM] = "";
	uint8_t *bytes;
	size_t n;

	if (is_output(r, path, "a report") || !input_whole(path, BM_FINDINGS_MOST, &bytes, &n))
		return false;
	enum bm_status status =
		bm_findings_read(bm_view(bytes, n), &r->report, problem, sizeof problem);
	input_forget(bytes, n);
	if (status != BM_OK)
		say("%s: %s", shown(path), problem);
	else if (r->report.redacted != NULL && !r->settings.quiet)
		say("%s: is redacted: no address in it is a real one, so its connections are in no "
			"capture; make one without --redact",
			shown(path));
	return status == BM_OK;
}

static bool
start(struct run *r)
{
	static char program[40];
	struct carve_settings *s = &r->settings;
	char problem[200];

	(void)snprintf(program, sizeof program, "badmac %s", badmac_version());
	const struct bm_carve_options o = {.report = &r->report,
		.connections = s->connections,
		.connection_count = s->connection_count,
		.failures = s->failures,
		.failure_count = s->failure_count,
		.repaired = s->repaired,
		.no_secrets = s->no_secrets,
		.program = program};
	enum bm_status status = bm_carve_new(&r->carve, &o, problem, sizeof problem);
	if (status == BM_USAGE)
		say("%s: %s", shown(s->report), problem);
	return status == BM_OK || (status != BM_USAGE && say_status("carve", status, NULL));
}

static bool
add_keys(struct run *r, const char *path)
{
	struct bm_error e = {.what = NULL};
	uint8_t *bytes;
	size_t n;

	if (is_output(r, path, "key material") || !input_secret(path, &bytes, &n))
		return false;
	r->keys[r->key_count++] = bm_view(bytes, n);
	return say_status(shown(path), bm_carve_add_keys(r->carve, bm_view(bytes, n), &e), &e);
}

static bool
add_captures(struct run *r, struct input_file *files)
{
	const struct carve_settings *s = &r->settings;

	for (size_t i = 0; i < s->capture_count; i++) {
		struct input_file *f = &files[i];
		if (is_output(r, s->captures[i], "a capture") || !input_open(f, s->captures[i]))
			return false;
		enum bm_status status = bm_carve_add_capture(
			r->carve, f->name, bm_view(f->bytes, f->n), f->stream ? input_read : NULL, f);
		if (!say_status(f->name, status, NULL))
			return false;
	}
	return true;
}

static bool
read_inputs(struct run *r, struct input_file *files)
{
	const struct carve_settings *s = &r->settings;
	struct bm_error e = {.what = NULL};
	const char *input;

	r->keys = calloc(s->key_count + 1, sizeof *r->keys);
	if (r->keys == NULL)
		return say_status("carve", BM_NOMEM, NULL);
	for (size_t i = 0; i < s->key_count; i++)
		if (!add_keys(r, s->keys[i]))
			return false;
	if (!add_captures(r, files))
		return false;
	enum bm_status status = bm_carve_read(r->carve, &e, &input);
	return say_status(input != NULL ? input : "carve", status, &e);
}

static void
tell(struct run *r)
{
	const char *text;
	bool missing;

	for (size_t i = 0; (text = bm_carve_message(r->carve, i, &missing)) != NULL; i++) {
		r->missing = r->missing || missing;
		if (!r->settings.quiet)
			say("%s", text);
	}
}

/* Has what was repaired looked at, with all that opens it. */
static bool
check_repaired(struct run *r)
{
	enum bm_status status = bm_carve_write(r->carve, true, kept_write, &r->written);

	if (status != BM_OK)
		return say_status("carve", BM_NOMEM, NULL);
	if (!carve_check(bm_view(r->written.p, r->written.n), r->keys, r->key_count, r->settings.quiet))
		r->missing = true;
	kept_forget(&r->written);
	return true;
}

/* A file without packets would look like one in which nothing is wrong. */
static bool
is_empty(struct run *r)
{
	if (bm_carve_packets(r->carve) != 0)
		return false;
	r->missing = true;
	if (!r->settings.quiet)
		say("nothing is written: the captures have no packet of the connections that are wanted; "
			"give those that %s is about",
			shown(r->settings.report));
	return true;
}

static bool
write_file(struct run *r)
{
	if (is_empty(r))
		return true;
	if (r->settings.repaired && !check_repaired(r))
		return false;
	if (!output_open(&r->output, r->settings.output))
		return false;
	if (bm_carve_has_secrets(r->carve) && !output_private(&r->output))
		return false;
	return say_status(NULL, bm_carve_write(r->carve, false, output_write, &r->output), NULL) &&
		   output_commit(&r->output);
}

static bool
carve(struct run *r)
{
	struct input_file *files = calloc(r->settings.capture_count, sizeof *files);
	bool ok = files != NULL || say_status("carve", BM_NOMEM, NULL);

	if (ok && r->settings.to_stdout && isatty(STDOUT_FILENO)) {
		say("standard output is a terminal, and what is carved is no text");
		ok = false;
	}
	ok = ok && read_report(r) && start(r) && read_inputs(r, files);
	if (ok)
		tell(r);
	ok = ok && write_file(r);
	free(files);
	return ok;
}

static void
clear(struct run *r)
{
	output_close(&r->output);
	bm_carve_free(r->carve);
	bm_findings_clear(&r->report);
	for (size_t i = 0; i < r->key_count; i++)
		input_forget((uint8_t *)(uintptr_t)r->keys[i].p, r->keys[i].n);
	free(r->keys);
	kept_forget(&r->written);
	carve_settings_clear(&r->settings);
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (carve_settings_read(&r.settings, argc, argv)) {
		if (r.settings.help)
			status = print_help(carve_help);
		else if (carve(&r))
			status = r.missing ? EXIT_UNDECIDED : EXIT_VERIFIED;
	}
	clear(&r);
	return status;
}

const struct command command_carve = {"carve",
	"cut what failed out of captures, for Wireshark, also as it was sent", carve_help, run};
