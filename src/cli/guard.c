/* Signals and limits of the process. Handlers only call what POSIX allows them to. */
#include "cli/guard.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct map {
	uintptr_t start;
	size_t n;
	char name[512]; /* harmless already: a handler prints it */
	struct map *next;
};

static struct map *maps;
/* A report, and a key log. */
enum { UNFINISHED = 2 };
static const char *volatile unfinished[UNFINISHED];

static void
put(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
	(void)ignored;
}

static void
remove_unfinished(void)
{
	for (int i = 0; i < UNFINISHED; i++) {
		const char *path = unfinished[i];
		if (path != NULL)
			(void)unlink(path);
	}
}

static void
on_bus(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (const struct map *m = maps; m != NULL; m = m->next) {
		if (at >= m->start && at - m->start < m->n) {
			remove_unfinished();
			put("badmac: ");
			put(m->name);
			put(": became shorter, or could not be read, while it was looked at\n");
			_exit(EXIT_TROUBLE);
		}
	}
	/* Not a file: a fault of badmac's own, which must not be covered up. */
	(void)signal(signal_number, SIG_DFL);
}

static void
on_end(int signal_number)
{
	remove_unfinished();
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
}

/* A file that is to grow past its limit: whoever writes it is told so, and says which file it is.
 * Not SIG_IGN, which programs that are started would inherit. */
static void
on_nothing(int signal_number)
{
	(void)signal_number;
}

/* A closed standard descriptor would be taken by the next file that is opened. What takes its place
 * refuses to be used: reading from standard input and writing to standard output fail as they
 * should. */
static bool
open_standard(void)
{
	static const int refuses[] = {O_WRONLY, O_RDONLY, O_WRONLY};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", refuses[fd]) != fd)
			return false;
	return true;
}

bool
guard_start(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGXCPU};
	/* Not 0: Linux would still hand the core to a program that core_pattern names (core(5)). */
	const struct rlimit no_core = {1, 1};
	struct sigaction bus = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	struct sigaction end = {.sa_handler = on_end};
	struct sigaction goes_on = {.sa_handler = on_nothing, .sa_flags = SA_RESTART};
	struct sigaction now;

	if (!open_standard())
		return false;
	/* Key material is in memory and goes into no core file. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	/* No configuration of OpenSSL's changes what a check of a record says. */
	if (setenv("OPENSSL_CONF", "/dev/null", 1) != 0)
		return false;
	(void)sigemptyset(&bus.sa_mask);
	(void)sigaction(SIGBUS, &bus, NULL);
	(void)sigemptyset(&end.sa_mask);
	(void)sigemptyset(&goes_on.sa_mask);
	(void)sigaction(SIGXFSZ, &goes_on, NULL);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			(void)sigaction(ends[i], &end, NULL);
	return true;
}

bool
guard_map(const void *p, size_t n, const char *name)
{
	struct map *m = malloc(sizeof *m);

	if (m == NULL)
		return false;
	m->start = (uintptr_t)p;
	m->n = n;
	make_harmless(m->name, sizeof m->name, name);
	m->next = maps;
	maps = m;
	return true;
}

int
guard_make(char *template)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	int fd = mkstemp(template), error = errno;
	for (int i = 0; fd >= 0 && i < UNFINISHED; i++) {
		if (unfinished[i] == NULL) {
			unfinished[i] = template;
			break;
		}
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return fd;
}

void
guard_finished(const char *template)
{
	for (int i = 0; template != NULL && i < UNFINISHED; i++)
		if (unfinished[i] == template)
			unfinished[i] = NULL;
}
