/* Passes octets between two sockets, by way of the lanes, and writes both places down. Refuses to
 * know faults. */
#include "lab/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A side whose peer does not read is not read from beyond that. */
enum { QUEUE = 1 << 20, CHUNK = 1 << 16 };

struct lab_connection *
lab_connection_new(struct lab_relay *r, int fd, uint16_t client_port)
{
	struct lab_connection *c = calloc(1, sizeof *c);
	int up = c != NULL && lab_set_up(fd) ? lab_connect(&r->to) : -1;

	if (up < 0) {
		int error = errno;
		lab_abort(fd);
		free(c);
		errno = error;
		return NULL;
	}
	c->number = r->accepted;
	c->begun_ms = lab_ticks_ms();
	c->side[LAB_C2S].fd = fd;
	c->side[LAB_S2C].fd = up;
	c->connecting = true;
	for (size_t i = 0; i < 2; i++) {
		struct lab_chance chance = {r->plan.seed + c->number};
		c->lane[i].direction = (enum lab_direction)i;
		c->flow[i] = (struct lab_flow){.client_port = client_port,
			.server_port = ntohs(r->to.sin_port),
			.look = !r->shape.merged ? LAB_LOOK_WIRE
					: i == 0         ? LAB_LOOK_SENDER
									 : LAB_LOOK_RECEIVER,
			.ipv6 = r->shape.ipv6};
		c->flow[i].first[0] = (uint32_t)lab_next(&chance);
		c->flow[i].first[1] = (uint32_t)lab_next(&chance);
	}
	return c;
}

short
lab_connection_events(const struct lab_connection *c, enum lab_direction d)
{
	const struct lab_side *s = &c->side[d], *other = &c->side[1 - d];
	int events = s->out.n != 0 ? POLLOUT : 0;

	if (c->connecting)
		return d == LAB_S2C ? POLLOUT : 0;
	if (!s->read_ended && other->out.n < QUEUE)
		events |= POLLIN;
	return (short)events;
}

static void
write_out(struct lab_side *s)
{
	while (s->out.n != 0) {
		ssize_t n = send(s->fd, s->out.p, s->out.n, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			/* It is gone, and says so when it is read from. */
			s->out.n = 0;
			return;
		}
		lab_drop(&s->out, (size_t)n);
	}
}

/* The second copies of segments that hold damage. */
static void
repeat(const struct lab_relay *r, const struct lab_passed *p, struct lab_burst *before,
	struct lab_burst *after)
{
	bool alike = p->sent.n == p->received.n, other = (p->again && alike) || p->dropped.n != 0;

	if (!other && !r->shape.repeated)
		return;
	if (other)
		before->again = after->again = bm_buf_view(&p->sent);
	after->again_from = p->from;
	after->again_to = p->to;
	if (alike) {
		before->again_from = p->from;
		before->again_to = p->to;
	}
}

static void
write_down(struct lab_relay *r, struct lab_connection *c, enum lab_direction d, uint64_t read_ns)
{
	const struct lab_passed *p = &c->passed;
	bool dropped = p->dropped.n != 0;
	struct bm_view sent = bm_buf_view(&p->sent);
	struct lab_burst before = {.data = sent},
					 after = {.data = bm_buf_view(dropped ? &p->dropped : &p->received)};

	if ((p->sum_sent && sent.n == after.data.n) || dropped)
		after.summed = sent;
	repeat(r, p, &before, &after);
	lab_flow_data(&c->flow[0], &r->sender, read_ns, d, &before);
	lab_flow_data(&c->flow[1], &r->receiver, lab_now_ns(), d, &after);
}

static bool
pass(struct lab_relay *r, struct lab_connection *c, enum lab_direction d, struct bm_view chunk,
	bool ended)
{
	uint64_t now = lab_now_ns(), before = c->lane[d].records;
	struct lab_side *to = &c->side[1 - d];

	c->lane[d].age_ms = lab_ticks_ms() - c->begun_ms;
	if (!lab_lane_feed(
			&c->lane[d], &c->lane[1 - d], &c->tls, &r->plan, c->number, chunk, ended, &c->passed) ||
		!lab_put(&to->out, c->passed.received.p, c->passed.received.n))
		return false;
	r->applications[d] += c->lane[d].records - before;
	r->passed += chunk.n;
	if (to->shut)
		to->out.n = 0;
	else
		write_out(to);
	write_down(r, c, d, now);
	return true;
}

static bool
end_direction(struct lab_relay *r, struct lab_connection *c, enum lab_direction d, bool reset)
{
	uint64_t now = lab_now_ns();

	if (!pass(r, c, d, bm_view(NULL, 0), true))
		return false;
	c->side[d].read_ended = true;
	for (size_t i = 0; i < 2; i++) {
		struct lab_pcapng *w = i == 0 ? &r->sender : &r->receiver;
		if (reset)
			lab_flow_reset(&c->flow[i], w, now, d);
		else
			lab_flow_fin(&c->flow[i], w, now, d);
	}
	if (reset)
		c->over = true;
	return true;
}

static bool
read_in(struct lab_relay *r, struct lab_connection *c, enum lab_direction d)
{
	uint8_t chunk[CHUNK];
	ssize_t n = recv(c->side[d].fd, chunk, sizeof chunk, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return end_direction(r, c, d, n < 0);
	return pass(r, c, d, bm_view(chunk, (size_t)n), false);
}

static void
connected(struct lab_relay *r, struct lab_connection *c)
{
	int error = lab_connect_error(c->side[LAB_S2C].fd);
	char where[LAB_ADDRESS_TEXT];

	if (error != 0) {
		lab_address_text(&r->to, where);
		lab_say(r->ui, "%s: %s", where, strerror(error));
		r->refused++;
		c->over = true;
		return;
	}
	c->connecting = false;
	lab_flow_open(&c->flow[0], &r->sender, lab_now_ns());
	lab_flow_open(&c->flow[1], &r->receiver, lab_now_ns());
}

/* Told that no more comes once all was written; over when both sides were. */
static void
shut_down(struct lab_connection *c)
{
	for (size_t d = 0; d < 2; d++) {
		struct lab_side *s = &c->side[1 - d];
		if (c->side[d].read_ended && s->out.n == 0 && !s->shut) {
			(void)shutdown(s->fd, SHUT_WR);
			s->shut = true;
		}
	}
	if (c->side[0].shut && c->side[1].shut)
		c->over = true;
}

bool
lab_connection_happened(
	struct lab_relay *r, struct lab_connection *c, enum lab_direction d, short events)
{
	if (c->over || events == 0)
		return true;
	if (c->connecting) {
		if (d == LAB_S2C)
			connected(r, c);
		else
			/* The client went away before there was a server for it. */
			c->over = (events & (POLLERR | POLLHUP)) != 0;
		return true;
	}
	bool had_ended = c->side[d].read_ended;
	if ((events & POLLOUT) != 0)
		write_out(&c->side[d]);
	if ((events & (POLLIN | POLLERR | POLLHUP)) != 0 && !had_ended && !read_in(r, c, d))
		return false;
	/* It said its last word before, and is gone now. */
	if ((events & POLLERR) != 0 && had_ended)
		c->over = true;
	if (!c->over)
		shut_down(c);
	return true;
}

void
lab_connection_free(struct lab_connection *c)
{
	for (size_t d = 0; d < 2; d++) {
		bool clean = c->side[0].shut && c->side[1].shut;
		if (clean)
			(void)close(c->side[d].fd);
		else
			lab_abort(c->side[d].fd);
		bm_buf_clear(&c->side[d].out);
		lab_lane_clear(&c->lane[d]);
	}
	lab_passed_clear(&c->passed);
	free(c);
}
