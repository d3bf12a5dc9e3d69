/* badmac diagnose: brings files, keys and options to the library, and its report to where it is
 * wanted. */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/mistaken.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/stored.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One run; everything in it is freed by clear. */
struct run {
	struct settings settings;
	struct input_file *files, *logs; /* captures; logs */
	const char *reading;             /* the log in hand */
	struct mistaken mistaken;        /* what else it may be */
	struct output output;
	struct stored stored;
	struct progress progress;
	struct badmac *badmac;
};

static bool
open_file(const struct run *r, struct input_file *f, const char *path, bool is_log)
{
	const char *what = is_log ? "log" : "capture";

	if (!(is_log ? input_open_log(f, path) : input_open(f, path)))
		return false;
	if (output_is(r->settings.output, f->device, f->inode)) {
		say("%s: is a %s to be read; the report would overwrite it", r->settings.output, what);
		return false;
	}
	return true;
}

static bool
open_files(struct run *r)
{
	const struct settings *s = &r->settings;

	r->files = calloc(s->capture_count, sizeof *r->files);
	r->logs = calloc(s->log_count + 1, sizeof *r->logs);
	if (r->files == NULL || r->logs == NULL) {
		say("%s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < s->capture_count; i++)
		if (!open_file(r, &r->files[i], s->captures[i], false))
			return false;
	for (size_t i = 0; i < s->log_count; i++)
		if (!open_file(r, &r->logs[i], s->logs[i], true))
			return false;
	return true;
}

static bool
add_keys(struct run *r, const char *path)
{
	struct badmac_error e = {.what = ""};
	struct stat st;
	uint8_t *bytes;
	size_t n;

	if (stat(path, &st) == 0 && output_is(r->settings.output, st.st_dev, st.st_ino)) {
		say("%s: is key material to be read; the report would overwrite it", path);
		return false;
	}
	if (!input_secret(path, &bytes, &n))
		return false;
	enum badmac_status status = badmac_add_named_keys(r->badmac, path, bytes, n, &e);
	input_forget(bytes, n);
	return status == BADMAC_OK || say_trouble(path, &e);
}

/* Rules and logs say where by line. */
static bool
log_trouble(const char *name, const struct badmac_error *e)
{
	const char *input = e->input != NULL ? e->input : name;

	if (e->offset != 0)
		say("%s:%" PRIu64 ": %s", input, e->offset, e->what);
	else
		say("%s: %s", input, e->what);
	return false;
}

static bool
add_rules(struct run *r, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct badmac_error e = {.what = ""};
	uint8_t *bytes;
	size_t n;

	if (!input_whole(path, INPUT_RULES_MOST, &bytes, &n))
		return false;
	enum badmac_status status = badmac_add_log_rules(r->badmac, name, bytes, n, &e);
	input_forget(bytes, n);
	return status == BADMAC_OK || log_trouble(name, &e);
}

static bool
is_a_log(struct run *r, bool ended)
{
	const char *other = mistaken_for(&r->mistaken, ended);

	if (other != NULL)
		say("%s: %s", r->reading, other);
	return other == NULL;
}

static bool
feed(void *run, const uint8_t *p, size_t n)
{
	struct run *r = run;
	struct badmac_error e = {.what = ""};

	mistaken_take(&r->mistaken, p, n);
	return is_a_log(r, false) &&
		   (badmac_feed_log(r->badmac, p, n, &e) == BADMAC_OK || log_trouble(r->reading, &e));
}

static bool
add_log(struct run *r, struct input_file *f)
{
	struct badmac_error e = {.what = ""};

	r->reading = f->name;
	bool ok = (badmac_begin_log(r->badmac, f->name, &e) == BADMAC_OK || log_trouble(f->name, &e)) &&
			  input_each(f, feed, r) && is_a_log(r, true);
	mistaken_forget(&r->mistaken);
	if (ok && input_was_empty(f) && !r->settings.quiet)
		say("%s: empty, so it says nothing", f->name);
	return ok;
}

static bool
add_logs(struct run *r)
{
	for (size_t i = 0; i < r->settings.rules_count; i++)
		if (!add_rules(r, r->settings.rules[i]))
			return false;
	for (size_t i = 0; i < r->settings.log_count; i++)
		if (!add_log(r, &r->logs[i]))
			return false;
	return true;
}

static bool
add_inputs(struct run *r)
{
	struct badmac_error e = {.what = ""};

	if (!add_logs(r))
		return false;
	for (size_t i = 0; i < r->settings.key_count; i++)
		if (!add_keys(r, r->settings.keys[i]))
			return false;
	for (size_t i = 0; i < r->settings.capture_count; i++) {
		struct input_file *f = &r->files[i];
		enum badmac_status status =
			f->stream ? badmac_add_stream(r->badmac, f->name, input_read, f, &e)
					  : badmac_add_mapped(r->badmac, f->name, f->bytes, f->n, input_read_at, f, &e);
		if (status != BADMAC_OK)
			return say_trouble(f->name, &e);
	}
	return true;
}

static bool
start(struct run *r)
{
	struct badmac_options *o = &r->settings.options;
	struct badmac_error e = {.what = ""};

	if (!open_files(r) || !stored_is_apart(r->settings.store, r->settings.output) ||
		!output_open(&r->output, r->settings.output))
		return false;
	stored_start(&r->stored, r->settings.store, o);
	o->write = output_write;
	o->write_ctx = &r->output;
	if (!r->settings.quiet && !r->settings.no_progress && isatty(STDERR_FILENO)) {
		progress_start(&r->progress);
		r->output.progress = &r->progress;
		o->progress = progress_tell;
		o->progress_ctx = &r->progress;
	}
	if (badmac_new(&r->badmac, o, &e) != BADMAC_OK)
		return say_trouble(NULL, &e);
	return add_inputs(r);
}

static void
tell_notices(const struct badmac *b)
{
	const char *notice;

	for (size_t i = 0; (notice = badmac_notice(b, i)) != NULL; i++)
		say("%s", notice);
}

static void
tell_undecided(const struct badmac *b)
{
	const char *because;
	uint64_t n;

	if (badmac_result(b) == BADMAC_UNDECIDED && badmac_undecided_because(b, 0, &n) == NULL)
		say("undecided: packets are cut within the hellos of TLS (tcpdump -s 0 captures whole "
			"ones)");
	for (size_t i = 0; (because = badmac_undecided_because(b, i, &n)) != NULL; i++)
		say("undecided: %s (%" PRIu64 " connection%s)", because, n, n == 1 ? "" : "s");
}

static bool
any_read_failed(const struct run *r)
{
	for (size_t i = 0; i < r->settings.capture_count; i++)
		if (r->files[i].failed)
			return true;
	return false;
}

static bool
is_empty_stream(const struct run *r, const char *name)
{
	for (size_t i = 0; name != NULL && i < r->settings.capture_count; i++)
		if (strcmp(r->files[i].name, name) == 0 && r->files[i].stream)
			return r->files[i].ended && !r->files[i].any;
	return false;
}

static int
finish(struct run *r)
{
	struct badmac_error e = {.what = ""};
	enum badmac_status status = badmac_run(r->badmac, &e);
	/* What was read before a read failed has been reported on. */
	bool told = r->output.failed || (status == BADMAC_IO && any_read_failed(r));
	bool complete = (status == BADMAC_OK || told) && !r->output.failed && output_commit(&r->output);

	progress_clear(&r->progress);
	bool whole = status == BADMAC_OK || (told && !r->output.failed);
	bool stored = stored_finish(&r->stored, &r->settings, whole);
	if (!r->settings.quiet)
		tell_notices(r->badmac);
	if (status == BADMAC_FORMAT && is_empty_stream(r, e.input))
		e.what = "empty file";
	if (status != BADMAC_OK && !told)
		say_trouble(e.input, &e);
	if (badmac_input_damaged(r->badmac))
		say("an input is damaged: the report covers what comes before that place");
	if (status != BADMAC_OK || !complete || !stored || badmac_input_damaged(r->badmac))
		return EXIT_TROUBLE;
	switch (badmac_result(r->badmac)) {
	case BADMAC_FAILED:
		return EXIT_FAILED;
	case BADMAC_UNDECIDED:
		tell_undecided(r->badmac);
		return EXIT_UNDECIDED;
	case BADMAC_VERIFIED:
		break;
	}
	return EXIT_VERIFIED;
}

static void
clear(struct run *r)
{
	badmac_free(r->badmac);
	output_close(&r->output);
	stored_close(&r->stored);
	free(r->files);
	free(r->logs);
	settings_clear(&r->settings);
}

static int
run(int argc, char **argv)
{
	struct run r = {.output = {.fd = -1}};
	int status = EXIT_TROUBLE;

	if (settings_read(&r.settings, argc, argv)) {
		if (r.settings.help)
			status = print_help(diagnose_help);
		else if (start(&r))
			status = finish(&r);
	}
	clear(&r);
	return status;
}

const struct command command_diagnose = {
	"diagnose", "check every record of a capture, and say why one fails", diagnose_help, run};
