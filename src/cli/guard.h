/* What surrounds a run: signals, files that shrink while they are read, secrets in core dumps. */
#ifndef BM_CLI_GUARD_H
#define BM_CLI_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* First of all. False with errno set: the process cannot be set up. */
bool guard_start(void);

/* From now on a fault inside p..p+n says that the file has become shorter, and ends with
 * EXIT_TROUBLE. name is copied. False: out of memory. */
bool guard_map(const void *p, size_t n, const char *name);

/* As mkstemp: makes the file that template (kept by the caller) then names, which is removed if a
 * signal ends the process, from the moment that it exists until guard_finished is given it (NULL:
 * nothing to do). Two at most. */
int guard_make(char *template);
void guard_finished(const char *template);

#endif
