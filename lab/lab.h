/* The lab: makes a bad record MAC happen on purpose. What the command calls; all it says goes
 * through struct lab_ui. Refuses to know what badmac makes of a recording: nothing here calls the
 * library's checks. */
#ifndef BM_LAB_LAB_H
#define BM_LAB_LAB_H

#include "base/buf.h"
#include "lab/shape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum lab_direction { LAB_C2S, LAB_S2C };

/* Where words go: say for standard error (a line without its end), out for the account. */
struct lab_ui {
	void (*say)(const char *line);
	FILE *out;
	/* Takes the place of the line before it; an empty one ends that. NULL: nobody looks on. */
	void (*progress)(const char *line);
};

__attribute__((format(printf, 2, 3))) void lab_say(
	const struct lab_ui *ui, const char *format, ...);

/* The sum of a damaged segment: made anew over what arrives; or left as it was over what was sent,
 * and taken all the same; or dropped for it, as it should be, and sent again unharmed. */
enum lab_sum { LAB_SUM_ANEW, LAB_SUM_SENT, LAB_SUM_DROPPED };

struct lab_fault;

/* One fault as it was asked for. -1: not named. */
struct lab_spec {
	const struct lab_fault *fault;
	int direction;  /* enum lab_direction */
	int64_t record; /* index among the protected application records of its direction */
	int64_t byte, length;
	int64_t after_ms; /* the connection is at least as old */
	int how;          /* index into the fault's ways */
	enum lab_sum sum;
};

/* Reads CAUSE[:KEY=VALUE,...]. False, and a sentence in problem. */
bool lab_spec_parse(const char *text, struct lab_spec *out, char *problem, size_t n);

struct lab_relay_options {
	const char *listen, *to; /* [ADDR:]PORT, ADDR:PORT */
	struct lab_spec *specs;
	size_t spec_count;
	double probability; /* below 0: not asked for */
	uint64_t seed;
	const char *record, *keys; /* a folder and a file, or NULL */
	struct lab_shape shape;    /* of what is recorded */
};

struct lab_run_options {
	const char *fault, *tls, *cipher, *server, *client, *folder; /* NULL: the default */
	const char *certificate; /* a folder whose server.key and server.crt are taken; NULL: made */
	uint64_t seed;
	unsigned timeout_s;
	bool no_etm; /* CBC with the MAC inside */
	struct lab_shape shape;
};

struct lab_score_options {
	const char *folder; /* where everything is kept; NULL: nowhere */
	uint64_t seed;
	unsigned jobs;    /* runs side by side, 1 to LAB_JOBS */
	bool quick, json; /* a small matrix; the account as JSON */
};
enum { LAB_JOBS = 16 };

/* Each gives whether it went well; if not, it has been said why. */
bool lab_relay_command(const struct lab_relay_options *o, const struct lab_ui *ui);
bool lab_run_command(const struct lab_run_options *o, const struct lab_ui *ui);
bool lab_list_command(const struct lab_ui *ui);
/* 0: all is right; 1: something is not; 2: it could not be done, and it was said why. */
int lab_score_command(const struct lab_score_options *o, const struct lab_ui *ui);

#endif
