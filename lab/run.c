/* badmac lab run: a certificate, a real server, a real client, the relay between them; then
 * everything stops. Refuses to know how a stack is started (stacks.c) and what a fault does. */
#include "lab/run_internal.h"

#include "lab/certificate.h"
#include "lab/guilt.h"
#include "lab/prepare.h"
#include "lab/process.h"
#include "lab/program.h"
#include "lab/said.h"
#include "lab/stacks.h"
#include "lab/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_MS = 10 };

bool
lab_run_trouble(const struct lab_run *r, const char *format, ...)
{
	char line[2000];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	lab_say(r->ui, "%s", line);
	return false;
}

static bool
in_folder(const struct lab_run *r, const char *name, char out[LAB_RUN_PATH])
{
	int n = snprintf(out, LAB_RUN_PATH, "%s/%s", r->o->folder, name);

	return (n > 0 && n < LAB_RUN_PATH) ||
		   lab_run_trouble(r, "%s: the name is too long", r->o->folder);
}

static bool
write_file(const struct lab_run *r, const char *name, const struct bm_buf *b)
{
	char path[LAB_RUN_PATH];

	if (!in_folder(r, name, path))
		return false;
	FILE *f = fopen(path, "wb");
	bool good = f != NULL && (b->n == 0 || fwrite(b->p, 1, b->n, f) == b->n);
	if (f != NULL && fclose(f) != 0)
		good = false;
	return good || lab_run_trouble(r, "%s: %s", path, strerror(errno));
}

static bool
write_source(const struct lab_run *r, const struct lab_stack *stack)
{
	struct bm_buf b = {.p = NULL};

	if (stack->source == NULL)
		return true;
	bool good = lab_puts(&b, stack->source) && write_file(r, stack->source_name, &b);
	bm_buf_clear(&b);
	return good;
}

static bool
make_folder(struct lab_run *r)
{
	char path[LAB_RUN_PATH];

	if (mkdir(r->o->folder, 0777) != 0 && errno != EEXIST)
		return lab_run_trouble(r, "%s: %s", r->o->folder, strerror(errno));
	if (!in_folder(r, "keys.log", path))
		return false;
	/* Stacks append to it; what it has of an earlier run goes. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || close(fd) != 0)
		return lab_run_trouble(r, "%s: %s", path, strerror(errno));
	memcpy(r->relay_keys, path, sizeof path);
	return true;
}

static bool
get_certificate(const struct lab_run *r)
{
	const char *folder = r->o->folder;

	return (r->o->certificate != NULL && lab_certificate_take(r->o->certificate, folder)) ||
		   lab_certificate_make(folder, r->ui);
}

/* A port that was free a moment ago. */
static bool
free_port(struct lab_run *r)
{
	struct sockaddr_in a;
	char problem[100];
	int fd = lab_address("127.0.0.1:0", true, &a, problem, sizeof problem) ? lab_listen(&a) : -1;

	if (fd < 0)
		return lab_run_trouble(r, "127.0.0.1: %s", strerror(errno));
	(void)close(fd);
	r->setup.port = ntohs(a.sin_port);
	r->relay.to = a;
	return true;
}

bool
lab_run_start(struct lab_run *r, struct lab_process *p, const struct lab_stack *stack, bool server)
{
	char problem[300], set[LAB_RUN_PATH];
	struct lab_words words;
	const char *program = server ? stack->server : stack->client;

	if (program == NULL)
		return lab_run_trouble(r, "%s has no %s here", stack->name, server ? "server" : "client");
	if (!lab_is_installed(program))
		return lab_run_trouble(r, "%s: the program %s is not installed", stack->name, program);
	if (!lab_stack_words(stack, server, &r->setup, &words, problem, sizeof problem))
		return lab_run_trouble(r, "%s", problem);
	if (stack == &lab_guilty_stack && !lab_guilt_words(&r->spec, r->o->seed, &words)) {
		lab_words_clear(&words);
		return lab_run_trouble(r, "out of memory");
	}
	const char *template = server                 ? stack->server_set
						   : r->setup.client_logs ? stack->client_set
												  : NULL;
	bool has = template != NULL && lab_expand(stack, template, &r->setup, set, sizeof set);
	bool good = lab_process_start(p, (const char *const *)words.word, has ? set : NULL) ||
				lab_run_trouble(r, "%s: %s", program, strerror(errno));
	lab_words_clear(&words);
	return good;
}

static bool
has_said(const struct lab_process *p, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= p->said.n; i++)
		if (memcmp(p->said.p + i, what, n) == 0)
			return true;
	return false;
}

bool
lab_run_step(struct lab_run *r)
{
	lab_process_step(&r->server);
	lab_process_step(&r->client);
	if (lab_interrupted())
		return lab_run_trouble(r, "interrupted");
	return lab_relay_step(&r->relay, STEP_MS);
}

static bool
start_server(struct lab_run *r)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	char line[LAB_LAST] = "", problem[300];

	if (!lab_prepare(r->server_stack, &r->setup, problem, sizeof problem))
		return lab_run_trouble(r, "%s", problem);
	if (!free_port(r) || !lab_run_start(r, &r->server, r->server_stack, true))
		return false;
	while (!has_said(&r->server, r->server_stack->ready)) {
		lab_said_why(&r->server.said, NULL, line);
		if (r->server.ended)
			return lab_run_trouble(
				r, "%s ended before it listened: %s", r->server_stack->server, line);
		if (lab_ticks_ms() > until)
			return lab_run_trouble(r, "%s does not listen after %u s: %s", r->server_stack->server,
				r->o->timeout_s, line);
		if (lab_interrupted())
			return lab_run_trouble(r, "interrupted");
		(void)poll(NULL, 0, STEP_MS);
		lab_process_step(&r->server);
	}
	return true;
}

/* The client is the lab's own then. */
static bool
set_up_guilty(struct lab_run *r)
{
	const struct lab_guilt *guilt = lab_guilt_of(&r->spec);
	char problem[300];

	if (guilt == NULL)
		return true;
	if (r->o->tls == NULL && r->o->cipher == NULL && r->setup.version < guilt->from) {
		r->setup.version = guilt->from;
		r->setup.client_logs = !lab_stack_logs(r->server_stack, true, guilt->from);
	}
	if (!lab_guilt_fits(&r->spec, r->client_stack, &r->setup, problem, sizeof problem))
		return lab_run_trouble(r, "%s", problem);
	r->client_stack = &lab_guilty_stack;
	r->relay.plan.spec_count = 0;
	return true;
}

static bool
set_up(struct lab_run *r)
{
	const struct lab_run_options *o = r->o;
	char problem[300];

	r->server_stack = lab_stack_find(o->server);
	r->client_stack = lab_stack_find(o->client);
	if (r->server_stack == NULL || r->client_stack == NULL)
		return lab_run_trouble(r, "no stack '%s'; badmac lab list names them",
			r->server_stack == NULL ? o->server : o->client);
	r->setup.folder = o->folder;
	r->setup.no_etm = o->no_etm;
	r->setup.version = o->tls != NULL ? lab_version_parse(o->tls) : BM_TLS12;
	if (r->setup.version == 0)
		return lab_run_trouble(r, "no version '%s'; there are 1.0, 1.1, 1.2 and 1.3", o->tls);
	size_t count = 0;
	const struct bm_suite *table = bm_suite_table(&count);
	for (size_t i = 0; o->cipher != NULL && i < count; i++)
		if (strcmp(table[i].name, o->cipher) == 0)
			r->setup.suite = &table[i];
	if (o->cipher != NULL && r->setup.suite == NULL)
		return lab_run_trouble(r, "no cipher suite '%s' in IANA's registry", o->cipher);
	if (o->tls == NULL && r->setup.suite != NULL && r->setup.suite->kx == BM_KX_TLS13)
		r->setup.version = BM_TLS13;
	r->setup.client_logs = !lab_stack_logs(r->server_stack, true, r->setup.version);
	if (r->setup.suite != NULL &&
		(r->setup.suite->kx == BM_KX_TLS13) != (r->setup.version == BM_TLS13))
		return lab_run_trouble(
			r, "%s is no suite of %s", o->cipher, bm_version_name(r->setup.version));
	const char *lacks = r->setup.suite != NULL ? lab_certificate_lacks(r->setup.suite) : NULL;
	if (lacks != NULL)
		return lab_run_trouble(
			r, "%s takes %s; the lab has a certificate with an RSA key alone", o->cipher, lacks);
	if (!lab_spec_parse(o->fault, &r->spec, problem, sizeof problem))
		return lab_run_trouble(r, "%s", problem);
	if (!set_up_guilty(r))
		return false;
	return lab_address("127.0.0.1:0", true, &r->relay.listen, problem, sizeof problem);
}

/* Those that would write keys in the place of the one or the other. */
static void
tell_who_writes_keys(const struct lab_run *r)
{
	const char *comma = "";

	for (const struct lab_stack *const *s = lab_stacks; *s != NULL; s++) {
		bool server = (*s)->server != NULL && lab_is_installed((*s)->server) &&
					  lab_stack_logs(*s, true, r->setup.version);
		bool client = (*s)->client != NULL && lab_is_installed((*s)->client) &&
					  lab_stack_logs(*s, false, r->setup.version);
		if (server || client) {
			fprintf(r->ui->out, "%s%s %s", comma, server ? "--server" : "--client", (*s)->name);
			comma = ", ";
		}
	}
	fputs(comma[0] != '\0' ? "\n" : "no stack that is installed\n", r->ui->out);
}

/* Secrets are in the captures, or can be had with the certificate's key, or nowhere. */
static void
tell_how_to_diagnose(const struct lab_run *r)
{
	FILE *out = r->ui->out;
	const char *folder = r->o->folder;
	const struct bm_suite *suite = r->relay.plan.suite;
	bool none = r->setup.client_logs && !lab_stack_logs(r->client_stack, false, r->setup.version);
	bool rsa = suite != NULL && suite->kx == BM_KX_RSA;

	fprintf(out,
		"\n%s: sender.pcapng, receiver.pcapng, keys.log, truth.json, server.log, client.log\n",
		folder);
	if (!none) {
		fprintf(out, "To diagnose it: badmac diagnose %s/receiver.pcapng\n", folder);
		return;
	}
	fprintf(out, "None of them writes its keys. ");
	if (rsa) {
		fprintf(out,
			"With RSA key exchange the certificate's key does:\n"
			"To diagnose it: badmac diagnose -k %s/server.key %s/receiver.pcapng\n",
			folder, folder);
		return;
	}
	fprintf(out,
		"Without keys no record can be checked, and of what was done little shows:\n"
		"To diagnose what shows: badmac diagnose %s/receiver.pcapng\n"
		"To have keys: ",
		folder);
	if (r->setup.version < BM_TLS13)
		fprintf(out, "a suite with RSA key exchange (--cipher TLS_RSA_WITH_AES_128_CBC_SHA), or ");
	tell_who_writes_keys(r);
}

static void
tell(const struct lab_run *r)
{
	char server[200], client[200];
	const struct lab_plan *plan = &r->relay.plan;

	lab_stack_title(r->server_stack, server, sizeof server);
	lab_stack_title(r->client_stack, client, sizeof client);
	const struct lab_guilt *guilt = lab_guilt_of(&r->spec);
	fprintf(r->ui->out, "%s: %s\n%s\n", r->spec.fault->cause,
		guilt != NULL ? guilt->summary : r->spec.fault->summary, plan->account);
	fprintf(r->ui->out, "\nserver: %s\n", server);
	if (lab_said_tell(r->ui->out, &r->server.said, 3) == 0)
		fprintf(r->ui->out, "    said nothing of it\n");
	fprintf(r->ui->out, "client: %s\n", client);
	if (lab_said_tell(r->ui->out, &r->client_said, 3) == 0)
		fprintf(r->ui->out, "    said nothing of it\n");
	if (r->client_waited)
		fprintf(r->ui->out, "    was still waiting when it was stopped\n");
	tell_how_to_diagnose(r);
}

static bool
carry_out(struct lab_run *r)
{
	bool guilty = lab_guilt_of(&r->spec) != NULL;
	bool twice = r->spec.fault == lab_fault_find("foreign-record");

	if (!make_folder(r) || !write_source(r, r->server_stack) || !write_source(r, r->client_stack) ||
		!get_certificate(r) || !start_server(r) ||
		!lab_relay_open(&r->relay, r->o->folder, r->relay_keys))
		return false;
	/* The other connection comes first. */
	if (twice && !lab_talk(r, 3))
		return false;
	if (guilty ? !lab_talk_guilty(r) : !lab_talk(r, LAB_LINES))
		return false;
	lab_process_stop(&r->server);
	if (!lab_relay_close(&r->relay) || !write_file(r, "server.log", &r->server.said) ||
		!write_file(r, "client.log", &r->client_said))
		return false;
	return true;
}

static bool
has_struck(const struct lab_run *r)
{
	return r->relay.plan.struck != 0 ||
		   lab_run_trouble(r,
			   "%s was not put in: no record of %llu from the client and %llu from the server fits "
			   "it",
			   r->spec.fault->cause, (unsigned long long)r->relay.applications[LAB_C2S],
			   (unsigned long long)r->relay.applications[LAB_S2C]);
}

void
lab_run_once(const struct lab_run_options *o, const struct lab_ui *ui, struct lab_outcome *out)
{
	static struct lab_run r; /* large */

	*out = (struct lab_outcome){.end = LAB_TROUBLE};
	r = (struct lab_run){.ui = ui, .o = o};
	r.relay = (struct lab_relay){.ui = ui, .fd = -1, .shape = o->shape};
	r.relay.plan =
		(struct lab_plan){.specs = &r.spec, .spec_count = 1, .probability = -1, .seed = o->seed};
	bool good = set_up(&r) && carry_out(&r) && lab_truth_text(&r.relay.plan, &out->truth);
	if (good)
		out->end = has_struck(&r) ? LAB_DONE : LAB_UNFIT;
	lab_process_stop(&r.client);
	lab_process_stop(&r.server);
	if (out->end == LAB_DONE && ui->out != NULL)
		tell(&r);
	lab_process_clear(&r.client);
	lab_process_clear(&r.server);
	lab_relay_clear(&r.relay);
	bm_buf_clear(&r.client_said);
}

void
lab_outcome_clear(struct lab_outcome *out)
{
	bm_buf_clear(&out->truth);
}

bool
lab_run_command(const struct lab_run_options *o, const struct lab_ui *ui)
{
	struct lab_outcome out;

	lab_catch_signals();
	lab_run_once(o, ui, &out);
	bool good = out.end == LAB_DONE;
	lab_outcome_clear(&out);
	return good;
}
