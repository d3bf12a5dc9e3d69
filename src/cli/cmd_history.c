/* badmac history: brings a store, reports, the time and the terminal to src/store, and what it
 * writes to where it is wanted. */
#include "cli/cli.h"
#include "cli/history_settings.h"
#include "cli/output.h"
#include "cli/stored.h"
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS = 100 /* where there is no terminal to ask */ };

static bool
trouble(const char *name, const char *problem)
{
	say("%s: %s", name, problem[0] != '\0' ? problem : strerror(errno));
	return false;
}

static bool
add_report(struct bm_store *store, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	const struct bm_store_run run = {.now = stored_now()};
	char problem[BM_STORE_PROBLEM];
	struct bm_store_added added;
	struct stat st;

	errno = 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	if (f == NULL)
		return trouble(name, "");
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)fclose(f);
		return trouble(name, strerror(EISDIR));
	}
	enum bm_status s = bm_store_add(store, stored_read, f, &run, &added, problem);
	int error = errno;
	if (!standard)
		(void)fclose(f);
	errno = error;
	if (s != BM_OK)
		return trouble(name, problem);
	if (added.known)
		say("%s: is in the store already", name);
	else
		say("%s: %" PRIu64 " failure%s in %" PRIu64 " connection%s, %" PRIu64 " new finding%s",
			name, added.failures, added.failures == 1 ? "" : "s", added.connections,
			added.connections == 1 ? "" : "s", added.findings, added.findings == 1 ? "" : "s");
	return true;
}

/* Each report is put in or not by itself. */
static bool
add(const struct history_settings *s)
{
	char problem[BM_STORE_PROBLEM];
	struct bm_store *store;
	bool ok = true;

	if (bm_store_open(&store, s->store, true, problem) != BM_OK)
		return trouble(s->store, problem);
	for (size_t i = 0; i < s->report_count; i++)
		ok = add_report(store, s->reports[i]) && ok;
	bm_store_close(store);
	return ok;
}

static unsigned
columns(const char *output)
{
	const char *set = getenv("COLUMNS");
	struct winsize size;
	unsigned long n = set != NULL ? strtoul(set, NULL, 10) : 0;

	if (n >= 40 && n <= 1000)
		return (unsigned)n;
	if (output == NULL && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return COLUMNS;
}

/* What the terminal is told to show, in the order of POSIX. */
static bool
is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);
		if (value == NULL || value[0] == '\0')
			continue;
		return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL ||
			   strstr(value, "UTF8") != NULL || strstr(value, "utf-8") != NULL;
	}
	return false;
}

static bool
report(const struct history_settings *s)
{
	struct output output = {.fd = -1};
	char problem[BM_STORE_PROBLEM];
	struct bm_store *store;

	if (!stored_is_apart(s->store, s->output))
		return false;
	if (bm_store_open(&store, s->store, false, problem) != BM_OK)
		return trouble(s->store, problem);
	const struct bm_history_format f = {.kind = s->kind,
		.color = s->kind == BM_HISTORY_TEXT && output_has_color(s->output, s->color),
		.ascii = !is_utf8(),
		.columns = columns(s->output),
		.name = s->store,
		.write = output_write,
		.write_ctx = &output};
	bool ok = output_open(&output, s->output);
	if (ok) {
		enum bm_status st = bm_history(store, &s->question, &f, problem);
		ok = st == BM_OK && output_commit(&output);
		if (st != BM_OK && !output.failed)
			(void)trouble(s->store, problem);
	}
	bm_store_close(store);
	output_close(&output);
	return ok;
}

static int
run(int argc, char **argv)
{
	struct history_settings s;
	int status = EXIT_TROUBLE;

	if (history_settings_read(&s, argc, argv)) {
		if (s.help)
			status = print_help(history_help);
		else if (s.report_count != 0 ? add(&s) : report(&s))
			status = EXIT_VERIFIED;
	}
	history_settings_clear(&s);
	return status;
}

const struct command command_history = {
	"history", "list, group and plot the findings of a store", history_help, run};
