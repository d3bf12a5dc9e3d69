/* A child that is a TLS stack's program: started, written to, listened to, and gone at the end. */
#ifndef BM_LAB_PROCESS_H
#define BM_LAB_PROCESS_H

#include "lab/base.h"

#include <sys/types.h>

struct lab_process {
	pid_t pid;                 /* 0: none; it leads a process group of its own */
	int in, out;               /* its standard input, and its output and errors together */
	struct bm_buf said, waits; /* what it said so far, and what it has yet to be told */
	bool ended;
	int status;
};

/* argv ends with NULL. set: NAME=VALUE for its environment, or NULL. False with errno set. */
bool lab_process_start(struct lab_process *p, const char *const argv[], const char *set);
/* Reads what is there, writes what can be, notices its end. Does not wait. */
void lab_process_step(struct lab_process *p);
bool lab_process_tell(struct lab_process *p, const void *bytes, size_t n);
/* Its standard input ends once all was written. */
void lab_process_end_input(struct lab_process *p);
/* Ends it and whatever it started, by force after a second. */
void lab_process_stop(struct lab_process *p);
void lab_process_clear(struct lab_process *p); /* stops it first */

/* Runs it to its end and collects what it says. False: it could not be run, failed, or took longer.
 */
bool lab_ask(const char *const argv[], unsigned timeout_ms, struct bm_buf *said);

#endif
