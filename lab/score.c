/* badmac lab score: runs the matrix, each run in a process of its own, has badmac diagnose what was
 * recorded, and judges. Refuses to know how it is told. */
#define _GNU_SOURCE /* nftw, MAP_ANONYMOUS */
#include "lab/score.h"

#include "lab/certificate.h"
#include "lab/diagnose.h"
#include "lab/run.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { PATH = 4096, STEP_MS = 5, LIMIT_MS = 60000, AGAIN_MS = 8000, TIMEOUT_S = 20 };

const char *const lab_view_names[LAB_VIEWS] = {
	"the receiver's capture", "both captures", "the sender's capture"};

struct scorer {
	const struct lab_ui *ui;
	const struct lab_score_options *o;
	struct lab_matrix matrix;
	struct lab_result *results; /* shared with the children */
	char folder[PATH];
	bool temporary;
};

/* In a child: what the lab says of a run goes into its result. */
static struct lab_result *heard;

static void
hear(const char *line)
{
	(void)snprintf(heard->why, sizeof heard->why, "%s", line);
}

static int
remove_one(const char *path, const struct stat *s, int flag, struct FTW *ftw)
{
	(void)s;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
remove_all(const char *folder)
{
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((format(printf, 2, 3))) static bool
make_path(char out[PATH], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(out, PATH, format, ap);
	va_end(ap);
	return n > 0 && n < PATH;
}

/* A child -------------------------------------------------------------------------------------- */

/* The captures get second names in a folder that has nothing else, and these are all that is told.
 */
static bool
show(const char *run, const char *seen, const char *name, char out[PATH])
{
	char from[PATH];

	return make_path(from, "%s/%s", run, name) && make_path(out, "%s/%s", seen, name) &&
		   (unlink(out) == 0 || errno == ENOENT) && link(from, out) == 0;
}

static void
judge_view(const json_t *truth, const char *const captures[], const char *json, bool clean,
	struct lab_answer *out)
{
	json_t *report;
	int status;
	char problem[240] = "";

	lab_diagnose(captures, json, LIMIT_MS, &report, &status, problem, sizeof problem);
	if (report == NULL)
		lab_judge_none(problem, out);
	else if (clean)
		lab_judge_clean(report, status, out);
	else
		lab_judge(truth, report, status, out);
	json_decref(report);
}

static void
judge_all(const struct bm_buf *text, const char *run, const char *seen, struct lab_result *r)
{
	char sender[PATH], receiver[PATH], json[LAB_VIEWS][PATH];
	json_t *truth = json_loadb((const char *)text->p, text->n, 0, NULL);
	const json_t *fault = json_array_get(json_object_get(truth, "faults"), 0);
	const char *party = json_string_value(json_object_get(fault, "party"));

	if ((mkdir(seen, 0777) != 0 && errno != EEXIST) || !show(run, seen, "sender.pcapng", sender) ||
		!show(run, seen, "receiver.pcapng", receiver) ||
		!make_path(json[LAB_AT_RECEIVER], "%s/receiver.json", seen) ||
		!make_path(json[LAB_AT_BOTH], "%s/both.json", seen) ||
		!make_path(json[LAB_AT_SENDER], "%s/sender.json", seen)) {
		(void)snprintf(r->why, sizeof r->why, "%.120s: %.60s", seen, strerror(errno));
		json_decref(truth);
		return;
	}
	const char *shown[LAB_VIEWS][3] = {[LAB_AT_RECEIVER] = {receiver, NULL},
		[LAB_AT_BOTH] = {sender, receiver, NULL},
		[LAB_AT_SENDER] = {sender, NULL}};
	/* Where the sender is at fault its capture shows what the receiver's does. */
	bool behind = party != NULL && strcmp(party, "network") == 0;
	r->right = true;
	for (size_t v = 0; v < LAB_VIEWS; v++) {
		if (v == LAB_AT_SENDER && !behind)
			continue;
		judge_view(truth, shown[v], json[v], v == LAB_AT_SENDER, &r->answer[v]);
		r->judged[v] = true;
		r->right = r->right && r->answer[v].right;
	}
	r->state = LAB_JUDGED;
	json_decref(truth);
}

static void
carry_out(const struct scorer *s, size_t nth)
{
	const struct lab_case *c = &s->matrix.cases[nth];
	struct lab_result *r = &s->results[nth];
	const char *version = bm_version_name(c->version);
	char fault[LAB_CASE_TEXT], folder[PATH], run[PATH], seen[PATH];
	struct lab_outcome out = {.end = LAB_TROUBLE};
	struct lab_ui ui = {.say = hear};

	heard = r;
	lab_case_fault(c, fault);
	if (!make_path(folder, "%s/%04zu", s->folder, nth) || !make_path(run, "%s/run", folder) ||
		!make_path(seen, "%s/seen", folder) || (mkdir(folder, 0777) != 0 && errno != EEXIST)) {
		(void)snprintf(r->why, sizeof r->why, "%.120s: %.60s", s->folder, strerror(errno));
		return;
	}
	const struct lab_run_options o = {.fault = fault,
		.tls = version != NULL ? version : "",
		.cipher = c->suite != NULL ? c->suite->name : NULL,
		.server = c->server->name,
		.client = c->client->name,
		.folder = run,
		.seed = c->seed,
		.timeout_s = TIMEOUT_S,
		.no_etm = c->no_etm,
		.certificate = s->folder};
	/* Another program may have taken the port, which shows at once: then once more. */
	uint64_t begun = lab_ticks_ms();
	for (unsigned tries = 0; tries < 2 && out.end == LAB_TROUBLE && !lab_interrupted() &&
							 lab_ticks_ms() - begun < AGAIN_MS;
		 tries++) {
		lab_outcome_clear(&out);
		lab_run_once(&o, &ui, &out);
	}
	r->state = out.end == LAB_UNFIT ? LAB_NOT_PUT : LAB_NOT_RUN;
	if (out.end == LAB_DONE && !lab_interrupted())
		judge_all(&out.truth, run, seen, r);
	lab_outcome_clear(&out);
}

static pid_t
start_child(const struct scorer *s, size_t nth)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
#ifdef __linux__
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	(void)snprintf(s->results[nth].why, sizeof s->results[nth].why, "the lab itself came to grief");
	carry_out(s, nth);
	_exit(0);
}

/* All of them ---------------------------------------------------------------------------------- */

struct job {
	pid_t pid;
	size_t nth;
};

static void
show_progress(const struct scorer *s, size_t done)
{
	char line[160];
	size_t wrong = 0;

	if (s->ui->progress == NULL)
		return;
	for (size_t i = 0; i < s->matrix.n; i++)
		wrong += s->results[i].state == LAB_JUDGED && !s->results[i].right;
	(void)snprintf(line, sizeof line, "%zu of %zu runs, %zu wrong", done, s->matrix.n, wrong);
	s->ui->progress(line);
}

static void
bury(const struct scorer *s, struct job *j)
{
	char folder[PATH];

	j->pid = 0;
	if (s->temporary && make_path(folder, "%s/%04zu", s->folder, j->nth))
		remove_all(folder);
}

static bool
run_all(struct scorer *s)
{
	struct job jobs[LAB_JOBS] = {{0}};
	size_t next = 0, done = 0, open = 0;
	bool good = true, told = false;

	while (open != 0 || (good && next < s->matrix.n)) {
		good = good && !lab_interrupted();
		for (size_t i = 0; i < s->o->jobs && good && next < s->matrix.n; i++) {
			if (jobs[i].pid != 0)
				continue;
			jobs[i] = (struct job){start_child(s, next), next};
			good = jobs[i].pid > 0;
			if (!good) {
				lab_say(s->ui, "fork: %s", strerror(errno));
				jobs[i].pid = 0;
				break;
			}
			next++;
			open++;
		}
		for (size_t i = 0; i < s->o->jobs; i++) {
			if (jobs[i].pid == 0)
				continue;
			/* Once: a child takes as long to end as its stacks do. */
			if (!good && !told)
				(void)kill(jobs[i].pid, SIGTERM);
			if (waitpid(jobs[i].pid, NULL, WNOHANG) != jobs[i].pid)
				continue;
			bury(s, &jobs[i]);
			open--;
			done++;
			show_progress(s, done);
		}
		told = !good;
		(void)poll(NULL, 0, STEP_MS);
	}
	if (s->ui->progress != NULL)
		s->ui->progress("");
	if (lab_interrupted())
		lab_say(s->ui, "interrupted");
	return good && !lab_interrupted();
}

static bool
make_folder(struct scorer *s)
{
	const char *tmp = getenv("TMPDIR");

	if (s->o->folder != NULL) {
		bool good = make_path(s->folder, "%s", s->o->folder) &&
					(mkdir(s->folder, 0777) == 0 || errno == EEXIST);
		if (!good)
			lab_say(s->ui, "%s: %s", s->o->folder, strerror(errno));
		return good;
	}
	s->temporary = make_path(s->folder, "%s/badmac-lab-XXXXXX", tmp != NULL ? tmp : "/tmp") &&
				   mkdtemp(s->folder) != NULL;
	if (!s->temporary)
		lab_say(s->ui, "%.120s: %.60s", s->folder, strerror(errno));
	return s->temporary;
}

static void
count(struct lab_score *s, const struct lab_result *r)
{
	s->not_put += r->state == LAB_NOT_PUT;
	s->not_run += r->state == LAB_NOT_RUN;
	if (r->state != LAB_JUDGED)
		return;
	s->runs++;
	s->right += r->right;
	for (size_t v = 0; v < LAB_VIEWS; v++) {
		s->judged[v] += r->judged[v];
		s->cause[v] += r->judged[v] && r->answer[v].cause != LAB_CAUSE_WRONG;
		s->located[v] += r->judged[v] && r->answer[v].located;
		s->proven_and_wrong += r->judged[v] && r->answer[v].proven_and_wrong;
	}
}

static int
tell(const struct scorer *s)
{
	struct lab_score score = {
		.matrix = &s->matrix, .results = s->results, .seed = s->o->seed, .runs = 0};

	for (size_t i = 0; i < s->matrix.n; i++)
		count(&score, &s->results[i]);
	if (!(s->o->json ? lab_score_json : lab_score_text)(&score, s->ui->out)) {
		lab_say(s->ui, "standard output: %s", strerror(errno));
		return 2;
	}
	if (score.runs == 0)
		lab_say(s->ui, "nothing could be run");
	return score.runs == 0 ? 2 : score.right == score.runs ? 0 : 1;
}

int
lab_score_command(const struct lab_score_options *o, const struct lab_ui *ui)
{
	struct scorer s = {.ui = ui, .o = o};
	int status = 2;
	size_t size = LAB_CASES * sizeof *s.results;

	lab_catch_signals();
	s.results = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.results == MAP_FAILED) {
		lab_say(ui, "out of memory");
		return 2;
	}
	if (!lab_matrix_make(&s.matrix, o->seed, o->quick))
		lab_say(ui, "out of memory");
	else if (make_folder(&s) && lab_certificate_make(s.folder, ui) && run_all(&s))
		status = tell(&s);
	if (s.temporary)
		remove_all(s.folder);
	lab_matrix_clear(&s.matrix);
	(void)munmap(s.results, size);
	return status;
}
