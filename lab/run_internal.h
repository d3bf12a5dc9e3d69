/* What the files of a run share. */
#ifndef BM_LAB_RUN_INTERNAL_H
#define BM_LAB_RUN_INTERNAL_H

#include "lab/process.h"
#include "lab/relay.h"
#include "lab/run.h"
#include "lab/stacks.h"

enum { LAB_RUN_PATH = 4096 };

struct lab_run {
	const struct lab_ui *ui;
	const struct lab_run_options *o;
	const struct lab_stack *server_stack, *client_stack;
	struct lab_setup setup;
	struct lab_process server, client;
	struct lab_relay relay;
	struct lab_spec spec;
	struct bm_buf client_said;
	bool client_waited; /* it had to be stopped */
	char relay_keys[LAB_RUN_PATH];
};

/* run.c */
/* Says it. Always false. */
__attribute__((format(printf, 2, 3))) bool lab_run_trouble(
	const struct lab_run *r, const char *format, ...);
bool lab_run_start(
	struct lab_run *r, struct lab_process *p, const struct lab_stack *stack, bool server);
/* Lets everyone do what there is to do. */
bool lab_run_step(struct lab_run *r);

/* talk.c */
/* One client, from its start to its end; it says so many lines, at most LAB_LINES. */
enum { LAB_LINES = 8 };
bool lab_talk(struct lab_run *r, unsigned count);
/* A guilty client, which does by itself what there is to do, and ends. */
bool lab_talk_guilty(struct lab_run *r);

#endif
