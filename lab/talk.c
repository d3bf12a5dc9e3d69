/* What the client of a run says, and when: a handshake, lines that come back, the end. Refuses to
 * know who plays which part, and what is put in between. */
#include "lab/run_internal.h"

#include "lab/connection.h"
#include "lab/guilt.h"
#include "lab/said.h"

#include <sys/wait.h>

enum { PAUSE_MS = 40, SETTLE_MS = 120, QUIET_MS = 400, LEAVE_MS = 1500 };

/* Octets of the lines that the client says, each of which the server gives back. */
static const size_t lines[LAB_LINES] = {180, 700, 1300, 2900, 90, 1000, 400, 250};

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
go_on(struct lab_run *r, uint64_t ended, unsigned ms)
{
	uint64_t until = lab_ticks_ms() + ms;

	while (lab_ticks_ms() < until && r->relay.ended == ended)
		if (!lab_run_step(r))
			return false;
	return true;
}

static bool
await_handshake(struct lab_run *r, uint64_t ended)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	char line[LAB_LAST] = "";

	while (!is_ready(&r->relay)) {
		lab_said_why(&r->client.said, &r->server.said, line);
		if (r->client.ended || r->relay.ended != ended) {
			return lab_run_trouble(r, "%s and %s came to no handshake: %s", r->client_stack->client,
				r->server_stack->server, line);
		}
		if (lab_ticks_ms() > until)
			return lab_run_trouble(r, "%s and %s came to no handshake within %u s: %s",
				r->client_stack->client, r->server_stack->server, r->o->timeout_s, line);
		if (!lab_run_step(r))
			return false;
	}
	return true;
}

/* Letters and digits as chance has them, so that no two records are alike; none of them a word. */
static bool
say_line_of(struct lab_run *r, size_t n, struct lab_chance *chance)
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
say_lines(struct lab_run *r, uint64_t ended, unsigned count, struct lab_chance *chance)
{
	for (unsigned i = 0; i < count && r->relay.ended == ended; i++)
		if (!say_line_of(r, lines[i], chance) || !go_on(r, ended, PAUSE_MS))
			return false;
	return true;
}

static bool
converse(struct lab_run *r, uint64_t ended, unsigned count)
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

bool
lab_talk(struct lab_run *r, unsigned count)
{
	uint64_t ended = r->relay.ended;
	unsigned port = r->setup.port;

	r->setup.port = ntohs(r->relay.listen.sin_port);
	bool good = lab_run_start(r, &r->client, r->client_stack, false);
	r->setup.port = port;
	if (good && r->client_stack->speaks_first)
		good = lab_process_tell(&r->client, "L\n", 2);
	good = good && await_handshake(r, ended) && converse(r, ended, count);
	/* It may have something to say about the end. */
	for (uint64_t until = lab_ticks_ms() + 200; good && lab_ticks_ms() < until && !r->client.ended;)
		good = lab_run_step(r);
	lab_process_stop(&r->client);
	for (unsigned i = 0; good && i < 20 && r->relay.open_count != 0; i++)
		good = lab_run_step(r);
	if (!lab_put(&r->client_said, r->client.said.p, r->client.said.n))
		good = false;
	bm_buf_clear(&r->client.said);
	bm_buf_clear(&r->client.waits);
	return good;
}

bool
lab_talk_guilty(struct lab_run *r)
{
	uint64_t until = lab_ticks_ms() + 1000u * r->o->timeout_s;
	unsigned port = r->setup.port;
	char line[LAB_LAST] = "";
	struct lab_confession c;
	struct lab_known seen;

	r->setup.port = ntohs(r->relay.listen.sin_port);
	bool good = lab_run_start(r, &r->client, r->client_stack, false);
	r->setup.port = port;
	while (good && !r->client.ended && lab_ticks_ms() < until)
		good = lab_run_step(r);
	bool ended = r->client.ended;
	for (unsigned i = 0; good && i < 20 && r->relay.open_count != 0; i++)
		good = lab_run_step(r);
	lab_process_stop(&r->client);
	if (!good || !lab_put(&r->client_said, r->client.said.p, r->client.said.n))
		return false;
	lab_said_why(&r->client_said, NULL, line);
	if (!ended)
		return lab_run_trouble(
			r, "%s does not end within %u s: %s", r->client_stack->client, r->o->timeout_s, line);
	if (!WIFEXITED(r->client.status) || WEXITSTATUS(r->client.status) != 0)
		return lab_run_trouble(r, "%s was not done: %s", r->spec.fault->cause, line);
	if (!lab_confession_find(&r->client_said, &c))
		return lab_run_trouble(r, "%s does not say what it did: %s", r->client_stack->client, line);
	if (!lab_relay_knows(&r->relay, c.connection, &seen) || !lab_confession_fits(&c, &seen))
		return lab_run_trouble(r, "%s says what cannot be of the connection that the relay saw: %s",
			r->client_stack->client, line);
	return lab_confession_keep(&c, &r->spec, &r->relay.plan);
}
