/* Children. Refuses to know what they are for. */
#include "lab/process.h"

#include "lab/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { SAID_MAX = 1 << 20, GRACE_MS = 1000, PATH = 4096 };

static void
become(const char *path, const char *const argv[], const char *set, int in, int out)
{
	char name[64];
	const char *equals = set != NULL ? strchr(set, '=') : NULL;

	(void)setpgid(0, 0);
#ifdef __linux__
	/* Should the lab itself be killed, nothing of it stays. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	(void)signal(SIGPIPE, SIG_DFL);
	if (equals != NULL && (size_t)(equals - set) < sizeof name) {
		memcpy(name, set, (size_t)(equals - set));
		name[equals - set] = '\0';
		(void)setenv(name, equals + 1, 1);
	}
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
		dup2(out, STDERR_FILENO) >= 0)

		(void)execv(path, (char **)(uintptr_t)argv); /* which it does not write to */
	_exit(127);
}

static bool
quiet_pipe(int fds[2])
{
	if (pipe(fds) != 0)
		return false;
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return true;
}

static void
close_two(const int fds[2])
{
	int error = errno;

	(void)close(fds[0]);
	(void)close(fds[1]);
	errno = error;
}

bool
lab_process_start(struct lab_process *p, const char *const argv[], const char *set)
{
	int in[2], out[2];
	char path[PATH];

	*p = (struct lab_process){.in = -1, .out = -1};
	if (!lab_program(argv[0], path, sizeof path)) {
		errno = ENOENT;
		return false;
	}
	if (!quiet_pipe(in))
		return false;
	if (!quiet_pipe(out)) {
		close_two(in);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(path, argv, set, in[0], out[1]);
	if (pid < 0) {
		close_two(in);
		close_two(out);
		return false;
	}
	/* Also here: it is to have a group before anyone ends that. */
	(void)setpgid(pid, pid);
	(void)close(in[0]);
	(void)close(out[1]);
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	p->pid = pid;
	p->in = in[1];
	p->out = out[0];
	return true;
}

static void
close_input(struct lab_process *p)
{
	if (p->in >= 0)
		(void)close(p->in);
	p->in = -1;
}

static void
read_said(struct lab_process *p)
{
	enum { PIECES = 64 }; /* at a time: others wait to be looked at */
	uint8_t piece[4096];

	for (unsigned k = 0; k < PIECES && p->out >= 0; k++) {
		ssize_t n = read(p->out, piece, sizeof piece);
		if (n <= 0)
			return;
		/* What is said beyond is read all the same, so that it does not stop in the midst of it. */
		if (p->said.n < SAID_MAX && !lab_put(&p->said, piece, (size_t)n))
			return;
	}
}

void
lab_process_step(struct lab_process *p)
{
	if (p->pid == 0)
		return;
	while (p->in >= 0 && p->waits.n != 0) {
		ssize_t n = write(p->in, p->waits.p, p->waits.n);
		if (n < 0 && errno == EPIPE)
			close_input(p);
		if (n <= 0)
			break;
		lab_drop(&p->waits, (size_t)n);
	}
	if (!p->ended && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
		p->ended = true;
	read_said(p);
}

bool
lab_process_tell(struct lab_process *p, const void *bytes, size_t n)
{
	return lab_put(&p->waits, bytes, n);
}

void
lab_process_end_input(struct lab_process *p)
{
	lab_process_step(p);
	close_input(p);
}

void
lab_process_stop(struct lab_process *p)
{
	if (p->pid == 0)
		return;
	close_input(p);
	if (!p->ended) {
		uint64_t until = lab_ticks_ms() + GRACE_MS;
		(void)kill(-p->pid, SIGTERM);
		while (!p->ended && lab_ticks_ms() < until) {
			(void)poll(NULL, 0, 5);
			lab_process_step(p);
		}
	}
	/* The group outlives its leader if it has others in it. */
	(void)kill(-p->pid, SIGKILL);
	if (!p->ended)
		(void)waitpid(p->pid, &p->status, 0);
	p->ended = true;
	read_said(p);
	if (p->out >= 0)
		(void)close(p->out);
	p->out = -1;
	p->pid = 0;
}

void
lab_process_clear(struct lab_process *p)
{
	lab_process_stop(p);
	bm_buf_clear(&p->said);
	bm_buf_clear(&p->waits);
}

bool
lab_ask(const char *const argv[], unsigned timeout_ms, struct bm_buf *said)
{
	struct lab_process p;
	uint64_t until = lab_ticks_ms() + timeout_ms;

	if (!lab_is_installed(argv[0]) || !lab_process_start(&p, argv, NULL))
		return false;
	close_input(&p);
	while (!p.ended && lab_ticks_ms() < until && !lab_interrupted()) {
		(void)poll(NULL, 0, 5);
		lab_process_step(&p);
	}
	bool good = p.ended && WIFEXITED(p.status) && WEXITSTATUS(p.status) == 0;
	lab_process_stop(&p);
	bm_buf_clear(said);
	*said = p.said;
	p.said = (struct bm_buf){.p = NULL};
	lab_process_clear(&p);
	return good && lab_put(said, "", 1);
}
