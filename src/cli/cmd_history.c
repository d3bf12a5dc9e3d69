/* badmac history: brings a store, reports, the time and the terminal to src/store, and what it
 * writes to where it is wanted. */
#include "cli/cli.h"
#include "cli/history_settings.h"
#include "cli/output.h"
#include "cli/stored.h"
#include "cli/values.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	char told[BM_STORE_PROBLEM];
	bm_store_told(&added, told);
	say("%s: %s", name, told);
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

/* A cause that nobody tells apart, and no finding of the store has, is a slip of the pen. */
static bool
cause_is_known(struct bm_store *store, const char *cause)
{
	char list[1000] = "is no cause, nor has the store one of that id; the ids are";
	const char *id;

	for (size_t i = 0; cause != NULL && (id = bm_history_cause(i)) != NULL; i++) {
		size_t n = strlen(list);
		if (strcmp(id, cause) == 0)
			return true;
		(void)snprintf(list + n, sizeof list - n, "%s %s", i == 0 ? "" : ",", id);
	}
	return cause == NULL || bm_history_has_cause(store, cause) ||
		   value_refused("history", "cause", cause, list);
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
		.columns = output_columns(s->output),
		.name = s->store,
		.write = output_write,
		.write_ctx = &output};
	bool ok = cause_is_known(store, s->question.cause) && output_open(&output, s->output);
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
