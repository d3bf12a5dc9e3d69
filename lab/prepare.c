/* Runs what a stack wants done before its server. Refuses to know why. */
#include "lab/prepare.h"

#include "lab/process.h"
#include "lab/program.h"
#include "lab/said.h"

#include <unistd.h>

enum { PATH = 4096, TIME_MS = 30000 };

static bool
run_one(const struct lab_stack *s, const char *const *list, const struct lab_setup *setup,
	char *problem, size_t n)
{
	struct bm_buf said = {.p = NULL};
	struct lab_words words;
	char line[LAB_LAST] = "";

	if (!lab_is_installed(list[0])) {
		(void)snprintf(problem, n, "%s: the program %s is not installed", s->name, list[0]);
		return false;
	}
	if (!lab_words_make(s, list, setup, &words, problem, n))
		return false;
	bool good = lab_ask((const char *const *)words.word, TIME_MS, &said);
	lab_said_last(&said, line);
	lab_words_clear(&words);
	bm_buf_clear(&said);
	if (!good)
		(void)snprintf(problem, n, "%s: %s", list[0], line);
	return good;
}

bool
lab_prepare(const struct lab_stack *s, const struct lab_setup *setup, char *problem, size_t n)
{
	char path[PATH];

	for (size_t i = 0; s->leftovers[i] != NULL; i++) {
		int written = snprintf(path, sizeof path, "%s/%s", setup->folder, s->leftovers[i]);
		if (written > 0 && (size_t)written < sizeof path)
			(void)unlink(path);
	}
	for (size_t i = 0; i < LAB_PREPARE && s->prepare_words[i][0] != NULL; i++)
		if (!run_one(s, s->prepare_words[i], setup, problem, n))
			return false;
	return true;
}
