/* badmac lab run: a certificate, a real server, a real client, the relay between them; then
 * everything stops. Refuses to know how a stack is started (stacks.c) and what a fault does. */
#include "lab/run.h"

#include "lab/certificate.h"
#include "lab/connection.h"
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
#include <sys/wait.h>
#include <unistd.h>

enum { PATH = 4096, PAUSE_MS = 40, SETTLE_MS = 120, QUIET_MS = 400, LEAVE_MS = 1500, STEP_MS = 10 };

/* Octets of the lines that the client says, each of which the server gives back. */
static const size_t lines[] = {180, 700, 1300, 2900, 90, 1000, 400, 250};
enum { LINES = sizeof lines / sizeof lines[0] };

struct run {
	const struct lab_ui *ui;
	const struct lab_run_options *o;
	const struct lab_stack *server_stack, *client_stack;
	struct lab_setup setup;
	struct lab_process server, client;
	struct lab_relay relay;
	struct lab_spec spec;
	struct bm_buf client_said;
	bool client_waited; /* it had to be stopped */
	char relay_keys[PATH];
};

__attribute__((format(printf, 2, 3))) static bool
trouble(const struct run *r, const char *format, ...)
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
in_folder(const struct run *r, const char *name, char out[PATH])
{
	int n = snprintf(out, PATH, "%s/%s", r->o->folder, name);

	return (n > 0 && n < PATH) || trouble(r, "%s: the name is too long", r->o->folder);
}

static bool
write_file(const struct run *r, const char *name, const struct bm_buf *b)
{
	char path[PATH];

	if (!in_folder(r, name, path))
		return false;
	FILE *f = fopen(path, "wb");
	bool good = f != NULL && (b->n == 0 || fwrite(b->p, 1, b->n, f) == b->n);
	if (f != NULL && fclose(f) != 0)
		good = false;
	return good || trouble(r, "%s: %s", path, strerror(errno));
}

static bool
write_source(const struct run *r, const struct lab_stack *stack)
{
	struct bm_buf b = {.p = NULL};

	if (stack->source == NULL)
		return true;
	bool good = lab_puts(&b, stack->source) && write_file(r, stack->source_name, &b);
	bm_buf_clear(&b);
	return good;
}

static bool
make_folder(struct run *r)
{
	char path[PATH];

	if (mkdir(r->o->folder, 0777) != 0 && errno != EEXIST)
		return trouble(r, "%s: %s", r->o->folder, strerror(errno));
	if (!in_folder(r, "keys.log", path))
		return false;
	/* Stacks append to it; what it has of an earlier run goes. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || close(fd) != 0)
		return trouble(r, "%s: %s", path, strerror(errno));
	memcpy(r->relay_keys, path, sizeof path);
	return true;
}

static bool
get_certificate(const struct run *r)
{
	const char *folder = r->o->folder;

	return (r->o->certificate != NULL && lab_certificate_take(r->o->certificate, folder)) ||
		   lab_certificate_make(folder, r->ui);
}

/* A port that was free a moment ago. */
static bool
free_port(struct run *r)
{
	struct sockaddr_in a;
	char problem[100];
	int fd = lab_address("127.0.0.1:0", true, &a, problem, sizeof problem) ? lab_listen(&a) : -1;

	if (fd < 0)
		return trouble(r, "127.0.0.1: %s", strerror(errno));
	(void)close(fd);
	r->setup.port = ntohs(a.sin_port);
	r->relay.to = a;
	return true;
}

static bool
start(struct run *r, struct lab_process *p, const struct lab_stack *stack, bool server)
{
	char problem[300], set[PATH];
	struct lab_words words;
	const char *program = server ? stack->server : stack->client;

	if (program == NULL)
		return trouble(r, "%s has no %s here", stack->name, server ? "server" : "client");
	if (!lab_is_installed(program))
		return trouble(r, "%s: the program %s is not installed", stack->name, program);
	if (!lab_stack_words(stack, server, &r->setup, &words, problem, sizeof problem))
		return trouble(r, "%s", problem);
	if (stack == &lab_guilty_stack && !lab_guilt_words(&r->spec, r->o->seed, &words)) {
		lab_words_clear(&words);
		return trouble(r, "out of memory");
	}
	const char *template = server                 ? stack->server_set
						   : r->setup.client_logs ? stack->client_set
												  : NULL;
	bool has = template != NULL && lab_expand(stack, template, &r->setup, set, sizeof set);
	bool good = lab_process_start(p, (const char *const *)words.word, has ? set : NULL) ||
				trouble(r, "%s: %s", program, strerror(errno));
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

/* Lets everyone do what there is to do. */
static bool
step(struct run *r)
{
	lab_process_step(&r->server);
	lab_process_step(&r->client);
	if (lab_interrupted())
		return trouble(r, "interrupted");
	return lab_relay_step(&r->relay, STEP_MS);
}

static bool
start_server(struct run *r)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	char line[LAB_LAST] = "", problem[300];

	if (!lab_prepare(r->server_stack, &r->setup, problem, sizeof problem))
		return trouble(r, "%s", problem);
	if (!free_port(r) || !start(r, &r->server, r->server_stack, true))
		return false;
	while (!has_said(&r->server, r->server_stack->ready)) {
		lab_said_last(&r->server.said, line);
		if (r->server.ended)
			return trouble(r, "%s ended before it listened: %s", r->server_stack->server, line);
		if (lab_ticks_ms() > until)
			return trouble(r, "%s does not listen after %u s: %s", r->server_stack->server,
				r->o->timeout_s, line);
		if (lab_interrupted())
			return trouble(r, "interrupted");
		(void)poll(NULL, 0, STEP_MS);
		lab_process_step(&r->server);
	}
	return true;
}

/* Is the latest connection's handshake complete, as far as that shows? */
static bool
is_ready(const struct lab_relay *relay)
{
	const struct lab_connection *c =
		relay->open_count != 0 ? relay->open[relay->open_count - 1] : NULL;

	if (c == NULL || c->tls.version == 0)
		return false;
	if (c->tls.version >= BM_TLS13)
		return c->tls.client_finished;
	return c->tls.side[0].next != 0 && c->tls.side[1].next != 0;
}

/* Goes on for a time, or until the connection is over. False: trouble. */
static bool
go_on(struct run *r, uint64_t ended, unsigned ms)
{
	uint64_t until = lab_ticks_ms() + ms;

	while (lab_ticks_ms() < until && r->relay.ended == ended)
		if (!step(r))
			return false;
	return true;
}

static bool
await_handshake(struct run *r, uint64_t ended)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	char line[LAB_LAST] = "";

	while (!is_ready(&r->relay)) {
		lab_said_last(&r->client.said, line);
		if (r->client.ended || r->relay.ended != ended) {
			return trouble(r, "%s and %s came to no handshake: %s", r->client_stack->client,
				r->server_stack->server, line);
		}
		if (lab_ticks_ms() > until)
			return trouble(r, "%s and %s came to no handshake within %u s: %s",
				r->client_stack->client, r->server_stack->server, r->o->timeout_s, line);
		if (!step(r))
			return false;
	}
	return true;
}

/* Letters and digits as chance has them, so that no two records are alike; none of them a word. */
static bool
say_line_of(struct run *r, size_t n, struct lab_chance *chance)
{
	static const char letters[] = "BCDFGHJKLNPQSTVWXZ0123456789";
	char line[4096];

	/* s_client takes lines that begin with some other letters for commands. */
	line[0] = 'L';
	for (size_t i = 1; i + 1 < n; i++)
		line[i] = letters[lab_below(chance, sizeof letters - 1)];
	line[n - 1] = '\n';
	return lab_process_tell(&r->client, line, n);
}

static bool
say_lines(struct run *r, uint64_t ended, unsigned count, struct lab_chance *chance)
{
	for (unsigned i = 0; i < count && r->relay.ended == ended; i++)
		if (!say_line_of(r, lines[i], chance) || !go_on(r, ended, PAUSE_MS))
			return false;
	return true;
}

static bool
converse(struct run *r, uint64_t ended, unsigned count)
{
	struct lab_chance chance = {r->o->seed + r->relay.accepted};
	uint64_t begun = lab_ticks_ms(), due = r->spec.after_ms > 0 ? (uint64_t)r->spec.after_ms : 0;

	if (!go_on(r, ended, SETTLE_MS) || !say_lines(r, ended, count, &chance))
		return false;
	/* What is due later finds lines then: the connection is older than this function's call. */
	uint64_t age = lab_ticks_ms() - begun;
	if (due != 0 && r->relay.plan.struck == 0 &&
		(!go_on(r, ended, due > age ? (unsigned)(due - age) : 0) ||
			!say_lines(r, ended, count, &chance)))
		return false;
	if (r->server_stack->answers_once && !lab_process_tell(&r->client, "\n", 1))
		return false;
	for (uint64_t passed = r->relay.passed + 1;
		 passed != r->relay.passed && r->relay.ended == ended;) {
		passed = r->relay.passed;
		if (!go_on(r, ended, QUIET_MS))
			return false;
	}
	lab_process_end_input(&r->client);
	if (!go_on(r, ended, LEAVE_MS))
		return false;
	r->client_waited = r->relay.ended == ended;
	return true;
}

static bool
one_client(struct run *r, unsigned count)
{
	uint64_t ended = r->relay.ended;
	unsigned port = r->setup.port;

	r->setup.port = ntohs(r->relay.listen.sin_port);
	bool good = start(r, &r->client, r->client_stack, false);
	r->setup.port = port;
	if (good && r->client_stack->speaks_first)
		good = lab_process_tell(&r->client, "L\n", 2);
	good = good && await_handshake(r, ended) && converse(r, ended, count);
	/* It may have something to say about the end. */
	for (uint64_t until = lab_ticks_ms() + 200; good && lab_ticks_ms() < until && !r->client.ended;)
		good = step(r);
	lab_process_stop(&r->client);
	for (unsigned i = 0; good && i < 20 && r->relay.open_count != 0; i++)
		good = step(r);
	if (!lab_put(&r->client_said, r->client.said.p, r->client.said.n))
		good = false;
	bm_buf_clear(&r->client.said);
	bm_buf_clear(&r->client.waits);
	return good;
}

/* A guilty client does by itself what there is to do, and ends. */
static bool
guilty_client(struct run *r)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	unsigned port = r->setup.port;
	char line[LAB_LAST] = "";
	struct lab_confession c;

	r->setup.port = ntohs(r->relay.listen.sin_port);
	bool good = start(r, &r->client, r->client_stack, false);
	r->setup.port = port;
	while (good && !r->client.ended && lab_ticks_ms() < until)
		good = step(r);
	bool ended = r->client.ended;
	for (unsigned i = 0; good && i < 20 && r->relay.open_count != 0; i++)
		good = step(r);
	lab_process_stop(&r->client);
	if (!good || !lab_put(&r->client_said, r->client.said.p, r->client.said.n))
		return false;
	lab_said_last(&r->client_said, line);
	if (!ended)
		return trouble(
			r, "%s does not end within %u s: %s", r->client_stack->client, r->o->timeout_s, line);
	if (!WIFEXITED(r->client.status) || WEXITSTATUS(r->client.status) != 0)
		return trouble(r, "%s was not done: %s", r->spec.fault->cause, line);
	return lab_confession_find(&r->client_said, &c)
			   ? lab_confession_keep(&c, &r->spec, &r->relay.plan)
			   : trouble(r, "%s does not say what it did: %s", r->client_stack->client, line);
}

/* The client is the lab's own then. */
static bool
set_up_guilty(struct run *r)
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
		return trouble(r, "%s", problem);
	r->client_stack = &lab_guilty_stack;
	r->relay.plan.spec_count = 0;
	return true;
}

static bool
set_up(struct run *r)
{
	const struct lab_run_options *o = r->o;
	char problem[300];

	r->server_stack = lab_stack_find(o->server);
	r->client_stack = lab_stack_find(o->client);
	if (r->server_stack == NULL || r->client_stack == NULL)
		return trouble(r, "no stack '%s'; badmac lab list names them",
			r->server_stack == NULL ? o->server : o->client);
	r->setup.folder = o->folder;
	r->setup.no_etm = o->no_etm;
	r->setup.version = o->tls != NULL ? lab_version_parse(o->tls) : BM_TLS12;
	if (r->setup.version == 0)
		return trouble(r, "no version '%s'; there are 1.0, 1.1, 1.2 and 1.3", o->tls);
	size_t count = 0;
	const struct bm_suite *table = bm_suite_table(&count);
	for (size_t i = 0; o->cipher != NULL && i < count; i++)
		if (strcmp(table[i].name, o->cipher) == 0)
			r->setup.suite = &table[i];
	if (o->cipher != NULL && r->setup.suite == NULL)
		return trouble(r, "no cipher suite '%s' in IANA's registry", o->cipher);
	if (o->tls == NULL && r->setup.suite != NULL && r->setup.suite->kx == BM_KX_TLS13)
		r->setup.version = BM_TLS13;
	r->setup.client_logs = !lab_stack_logs(r->server_stack, true, r->setup.version);
	if (r->setup.suite != NULL &&
		(r->setup.suite->kx == BM_KX_TLS13) != (r->setup.version == BM_TLS13))
		return trouble(r, "%s is no suite of %s", o->cipher, bm_version_name(r->setup.version));
	if (!lab_spec_parse(o->fault, &r->spec, problem, sizeof problem))
		return trouble(r, "%s", problem);
	if (!set_up_guilty(r))
		return false;
	return lab_address("127.0.0.1:0", true, &r->relay.listen, problem, sizeof problem);
}

static void
tell(const struct run *r)
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
	if (r->setup.client_logs && !lab_stack_logs(r->client_stack, false, r->setup.version))
		fprintf(r->ui->out,
			"\nNone of them writes its keys: only with RSA key exchange does -k %s/server.key "
			"help.\n",
			r->o->folder);
	fprintf(r->ui->out,
		"\n%s: sender.pcapng, receiver.pcapng, keys.log, truth.json, server.log, client.log\n"
		"To diagnose it: badmac diagnose %s/receiver.pcapng\n",
		r->o->folder, r->o->folder);
}

static bool
carry_out(struct run *r)
{
	bool guilty = lab_guilt_of(&r->spec) != NULL;
	bool twice = r->spec.fault == lab_fault_find("foreign-record");

	if (!make_folder(r) || !write_source(r, r->server_stack) || !write_source(r, r->client_stack) ||
		!get_certificate(r) || !start_server(r) ||
		!lab_relay_open(&r->relay, r->o->folder, r->relay_keys))
		return false;
	/* The other connection comes first. */
	if (twice && !one_client(r, 3))
		return false;
	if (guilty ? !guilty_client(r) : !one_client(r, LINES))
		return false;
	lab_process_stop(&r->server);
	if (!lab_relay_close(&r->relay) || !write_file(r, "server.log", &r->server.said) ||
		!write_file(r, "client.log", &r->client_said))
		return false;
	return true;
}

static bool
has_struck(const struct run *r)
{
	return r->relay.plan.struck != 0 ||
		   trouble(r,
			   "%s was not put in: no record of %llu from the client and %llu from the server fits "
			   "it",
			   r->spec.fault->cause, (unsigned long long)r->relay.applications[LAB_C2S],
			   (unsigned long long)r->relay.applications[LAB_S2C]);
}

void
lab_run_once(const struct lab_run_options *o, const struct lab_ui *ui, struct lab_outcome *out)
{
	static struct run r; /* large */

	*out = (struct lab_outcome){.end = LAB_TROUBLE};
	r = (struct run){.ui = ui, .o = o};
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
