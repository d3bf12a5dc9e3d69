/* Calls `badmac diagnose` on captures and reads its report. Refuses to know what was done to what
 * they show: names of captures are all that it is given, and all that it gives on. */
#include "lab/diagnose.h"

#include "lab/process.h"
#include "lab/said.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/* This very program, also where it is not in PATH. */
static const char self[] = "/proc/self/exe";

void
lab_diagnose(const char *const captures[], const char *json, unsigned limit_ms, json_t **report,
	int *status, char *problem, size_t n)
{
	enum { FIRST = 8, MOST = 4 };
	const char *words[FIRST + MOST + 1] = {
		self, "diagnose", "-j", "1", "--format", "json", "-o", json};
	struct lab_process p;
	uint64_t until = lab_ticks_ms() + limit_ms;
	char line[LAB_LAST] = "";

	*report = NULL;
	*status = -1;
	for (size_t i = 0; i < MOST && captures[i] != NULL; i++)
		words[FIRST + i] = captures[i];
	(void)unlink(json);
	if (!lab_process_start(&p, words, NULL)) {
		(void)snprintf(problem, n, "badmac diagnose cannot be started");
		return;
	}
	lab_process_end_input(&p);
	while (!p.ended && lab_ticks_ms() < until && !lab_interrupted()) {
		(void)poll(NULL, 0, 2);
		lab_process_step(&p);
	}
	bool late = !p.ended;
	lab_process_stop(&p);
	lab_said_last(&p.said, line);
	if (late)
		(void)snprintf(problem, n, "no answer after %u ms", limit_ms);
	else if (WIFSIGNALED(p.status))
		(void)snprintf(problem, n, "ended by signal %d", WTERMSIG(p.status));
	else
		*status = WEXITSTATUS(p.status);
	if (!late && *status >= 0) {
		*report = json_load_file(json, 0, NULL);
		if (*report == NULL)
			(void)snprintf(problem, n, "exit status %d and no report: %s", *status, line);
	}
	lab_process_clear(&p);
}
