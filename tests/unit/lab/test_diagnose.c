/* How a score takes what diagnose does: this program is started in badmac's place, and crashes,
 * hangs or answers as the name of the first capture says. */
#include "lab/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/badmac-test-XXXXXX", path[100];
static json_t *report;
static int status;
static char problem[240];

/* In badmac's place. Its words are those of the command line, and nothing else. */
static int
pretend(int argc, char **argv)
{
	static const char *const words[] = {"diagnose", "-j", "1", "--format", "json", "-o"};
	const char *what = argc > 8 ? argv[8] : "";

	for (int i = 0; i < 6; i++)
		if (strcmp(argv[1 + i], words[i]) != 0)
			return 90;
	if (strcmp(what, "crash") == 0)
		abort();
	while (strcmp(what, "hang") == 0)
		(void)pause();
	FILE *f = strcmp(what, "silent") != 0 ? fopen(argv[7], "wb") : NULL;
	if (f != NULL) {
		fprintf(
			f, strcmp(what, "babble") == 0 ? "{\"schema\": oh" : "{\"captures\": %d}", argc - 8);
		(void)fclose(f);
	}
	fprintf(stderr, "a line of it\n");
	return strcmp(what, "odd") == 0 ? 77 : 1;
}

static void
ask(const char *what, const char *other, unsigned limit_ms)
{
	const char *captures[] = {what, other, NULL};

	json_decref(report);
	(void)snprintf(problem, sizeof problem, "%s", "");
	lab_diagnose(captures, path, limit_ms, &report, &status, problem, sizeof problem);
}

static void
test_answers(void **state)
{
	(void)state;
	ask("one", NULL, 20000);
	assert_non_null(report);
	assert_int_equal(status, 1);
	assert_int_equal(json_integer_value(json_object_get(report, "captures")), 1);
	ask("one", "two", 20000);
	assert_int_equal(json_integer_value(json_object_get(report, "captures")), 2);
	/* The judge finds that wrong. */
	ask("odd", NULL, 20000);
	assert_non_null(report);
	assert_int_equal(status, 77);
}

static void
test_no_answers(void **state)
{
	uint64_t begun = lab_ticks_ms();

	(void)state;
	ask("crash", NULL, 20000);
	assert_null(report);
	assert_string_equal(problem, "ended by signal 6");
	ask("hang", NULL, 200);
	assert_null(report);
	assert_string_equal(problem, "no answer after 200 ms");
	assert_true(lab_ticks_ms() - begun < 15000);
	/* An answer of an earlier time is not taken for one. */
	ask("one", NULL, 20000);
	ask("silent", NULL, 20000);
	assert_null(report);
	assert_string_equal(problem, "exit status 1 and no report: a line of it");
	ask("babble", NULL, 20000);
	assert_null(report);
}

static int
remove_all(void **state)
{
	(void)state;
	json_decref(report);
	(void)unlink(path);
	return rmdir(folder);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_no_answers),
	};

	if (argc > 1)
		return pretend(argc, argv);
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof path, "%s/report.json", folder);
	return cmocka_run_group_tests_name("lab diagnose", tests, NULL, remove_all);
}
