/* Life of one connection: finds where TLS starts, hands each direction to the record loop.
 * Refuses to know captures and causes. */
#include "session/ahead.h"

#include <stdlib.h>

enum { HUNT_WINDOW = 20000, HUNT_KEEP = 1 << 16, HUNT_TAIL = 64, WAIT_FOR_SERVER = 1 << 17 };

void
session_fail(struct bm_session *s, enum bm_status status)
{
	if (s->status == BM_OK)
		s->status = status;
}

struct bm_tally *
tally(struct half *h)
{
	return &h->s->facts.tally[h->side];
}

uint64_t
packet_at(const struct half *h, uint64_t off)
{
	struct bm_span span;

	if (h->stream == NULL || bm_stream_spans(h->stream, off, 1, &span, 1) == 0)
		return 0;
	return span.packet;
}

unsigned
record_version(const struct bm_session *s)
{
	if (s->facts.version == 0)
		return 0;
	/* RFC 8446, section 5.1: TLS 1.3 records say 0x0303; hellos of any version may say otherwise
	 * and are read before a version is known. */
	if (s->facts.version == BM_TLS13)
		return s->facts.draft != 0 && s->facts.draft <= 21 ? BM_TLS10 : BM_TLS12;
	return s->facts.version;
}

static void
add_alert(struct half *h, uint8_t level, uint8_t description, uint64_t packet, bool encrypted)
{
	struct bm_session *s = h->s;
	void *items = s->alerts;
	const struct bm_stream *other = s->half[1 - h->side].stream;

	h->alert_seen = true;
	if (s->timeline != NULL)
		timeline_said(h, BM_EVENT_ALERT, level, description, BM_NO_SEQ);
	keyless_hold(&s->half[1 - h->side]);
	/* When there is no more room, the last one gives way to what ends the connection. */
	if (s->alert_count == ALERTS_MAX && level == 2)
		s->alert_count--;
	enum bm_status st =
		bm_grow(&items, &s->alert_cap, s->alert_count + 1, ALERTS_MAX, sizeof *s->alerts);
	s->alerts = items;
	if (st == BM_NOMEM)
		session_fail(s, st);
	if (st != BM_OK)
		return;
	s->alerts[s->alert_count++] = (struct bm_alert_seen){.direction = h->side,
		.level = level,
		.description = description,
		.packet = packet,
		.encrypted = encrypted,
		.stale = is_stale(s->env, packet),
		.acked = other != NULL ? bm_stream_acked(other) : 0};
}

void
note_alert(struct half *h, struct bm_view plain, uint64_t packet, bool encrypted)
{
	if (plain.n == 0) {
		add_alert(h, 0, 255, packet, encrypted); /* one that could not be read */
		return;
	}
	/* Two bytes each (RFC 8446, section 6); old stacks put several in a record, or part of one. */
	for (size_t at = 0; at < plain.n; at++) {
		if (h->alert_part_len == 0) {
			h->alert_part[0] = plain.p[at];
			h->alert_part_len = 1;
		} else {
			h->alert_part_len = 0;
			add_alert(h, h->alert_part[0], plain.p[at], packet, encrypted);
		}
	}
}

enum bm_status
bm_session_new(struct bm_session **out, struct bm_session_env *env, struct bm_flow *f)
{
	struct bm_session *s = calloc(1, sizeof *s);
	*out = s;
	if (s == NULL)
		return BM_NOMEM;
	if (env->records_time && bm_timeline_new(&s->timeline, env) != BM_OK) {
		free(s);
		*out = NULL;
		return BM_NOMEM;
	}
	s->env = env;
	s->next = env->sessions;
	if (s->next != NULL)
		s->next->before = s;
	env->sessions = s;
	s->flow = f;
	session_holds(s, sizeof *s);
	s->facts.resumed = -1;
	s->facts.hello_off[0] = s->facts.hello_off[1] = BM_NO_SEQ;
	s->offered_ticket.max = s->new_ticket.max = 1 << 16;
	s->encrypted_premaster.max = 1 << 12;
	s->transcript.max = TRANSCRIPT_MAX;
	s->dtls = bm_flow_transport(f) == BM_UDP;
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		h->s = s;
		h->side = side;
		h->way = side == BM_CLIENT ? BM_FORWARD : BM_BACKWARD;
		h->skipped_case = SIZE_MAX;
		h->messages.buf.max = MESSAGE_MAX;
	}
	return BM_OK;
}

void
bm_session_free(struct bm_session *s)
{
	if (s == NULL)
		return;
	ahead_forget(&s->half[0]);
	ahead_forget(&s->half[1]);
	remember_states(s);
	if (s->before != NULL)
		s->before->next = s->next;
	else
		s->env->sessions = s->next;
	if (s->next != NULL)
		s->next->before = s->before;
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		bm_assembler_clear(&h->messages);
		bm_wipe_free(h->past, h->past_cap * sizeof *h->past);
		free(h->seen);
		free(h->last_packets);
		free(s->cid[side]);
		free(h->prints);
		forget_earlier(h);
		if (h->lost != NULL)
			bm_wipe(h->lost, sizeof *h->lost);
		free(h->lost);
	}
	for (size_t i = 0; i < s->case_count; i++)
		case_clear(&s->cases[i]);
	free(s->cases);
	free(s->alerts);
	for (size_t i = 0; i < s->key_count; i++)
		bm_protection_free(s->keys[i].protection);
	free(s->keys);
	bm_buf_clear(&s->offered_ticket);
	bm_buf_clear(&s->new_ticket);
	bm_buf_clear(&s->encrypted_premaster);
	bm_buf_clear(&s->transcript);
	bm_timeline_free(s->timeline);
	s->env->held -= s->held;
	bm_wipe(s, sizeof *s);
	free(s);
}

/* The hello of h stands at off. */
static void
note_hello(struct half *h, uint64_t off)
{
	struct bm_span span;

	h->s->facts.hello_off[h->side] = off;
	if (bm_stream_spans(h->stream, off, 1, &span, 1) == 1)
		h->s->facts.hello_ts[h->side] = span.ts_ns;
}

void
session_start(struct bm_session *s, enum bm_way client_way, uint64_t client_off)
{
	s->tls = true;
	if (client_way != s->facts.client_way)
		timeline_turn(s);
	s->facts.client_way = client_way;
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &s->half[side];
		h->way = side == BM_CLIENT ? client_way : (enum bm_way)(1 - client_way);
		h->stream = bm_flow_stream(s->flow, h->way);
	}
	s->half[BM_CLIENT].started = true;
	s->half[BM_CLIENT].off = client_off;
	note_hello(&s->half[BM_CLIENT], client_off);
}

struct bm_view
stream_window(struct bm_session *s, struct bm_stream *st, uint64_t off, size_t most)
{
	size_t n = bm_stream_avail(st, off);
	if (n > most)
		n = most;
	const uint8_t *p = bm_stream_peek(st, off, n);
	if (p == NULL) {
		if (n == 0 || !bm_stream_read(st, off, s->env->linear, n))
			return bm_view(NULL, 0);
		p = s->env->linear;
	}
	return bm_view(p, n);
}

static void
hunt(struct bm_session *s, enum bm_way way, bool final)
{
	struct bm_stream *st = bm_flow_stream(s->flow, way);

	for (;;) {
		uint64_t from = s->hunt_from[way];
		if (from < bm_stream_base(st))
			from = bm_stream_base(st);
		uint64_t gap = bm_stream_gap(st, from);
		if (gap != 0) {
			s->hunt_from[way] = from + gap;
			bm_stream_release(st, from + gap);
			continue;
		}
		struct bm_view v = stream_window(s, st, from, HUNT_WINDOW);
		if (v.n == 0)
			return;
		bool more = false;
		size_t at = bm_find_client_hello(v, &more);
		if (at < v.n) {
			session_start(s, way, from + at);
			return;
		}
		bool server_more = false;
		size_t reply = bm_find_server_hello(v, &server_more);
		if (reply < v.n) {
			enum bm_way client = (enum bm_way)(1 - way);
			struct bm_stream *cs = bm_flow_stream(s->flow, client);
			bool hopeless = final || bm_stream_avail(st, from) > HUNT_KEEP ||
							bm_stream_gaps(cs) != 0 || !bm_flow_saw_syn(s->flow, client);
			if (!hopeless)
				return; /* the ClientHello may have been captured out of order */
			session_start(s, client, s->hunt_from[client]);
			s->facts.hello_off[BM_CLIENT] = BM_NO_SEQ;
			s->half[BM_CLIENT].started = false;
			s->half[BM_SERVER].started = true;
			s->half[BM_SERVER].off = from + reply;
			note_hello(&s->half[BM_SERVER], from + reply);
			s->half[BM_CLIENT].unplaced = true;
			s->middle = true;
			return;
		}
		bool cut = !bm_flow_saw_syn(s->flow, way) || bm_stream_gaps(st) != 0;
		s->hunt_from[way] = from;
		if (cut && join_middle(s, way, final))
			return;
		if ((more || server_more) && v.n < HUNT_WINDOW && !final)
			return;
		/* Keep as much as a hello that is cut here can need. */
		size_t tail = more || server_more ? BM_FIND_TAIL : HUNT_TAIL;
		size_t keep = v.n < tail ? (final ? 0 : v.n) : tail;
		if (v.n - keep == 0)
			return;
		s->hunted += v.n - keep;
		s->hunt_from[way] = from + v.n - keep;
		bm_stream_release(st, s->hunt_from[way]);
		if (s->hunted > HUNT_MAX) {
			bm_flow_ignore(s->flow);
			s->dismissed = true;
			return;
		}
		if (bm_stream_avail(st, s->hunt_from[way]) <= keep)
			return;
	}
}

/* The server's first record: after whatever cleartext came before (RFC 3207 and its kin). */
static void
hunt_server(struct bm_session *s, bool final)
{
	struct half *h = &s->half[BM_SERVER];

	for (;;) {
		uint64_t from = s->hunt_from[h->way];
		if (from < bm_stream_base(h->stream))
			from = bm_stream_base(h->stream);
		uint64_t gap = bm_stream_gap(h->stream, from);
		if (gap != 0) {
			/* The hello itself was lost: what follows can only be framed. */
			s->hunt_from[h->way] = from + gap;
			judged(h, BM_JUDGED_UNDECIDED, from, 0, BM_NO_SEQ);
			h->started = true;
			h->off = from + gap;
			lose_in_gap(h, from, from + gap);
			join_without_server_hello(s);
			return;
		}
		struct bm_view v = stream_window(s, h->stream, from, HUNT_WINDOW);
		if (v.n == 0)
			return;
		bool more = false;
		size_t at = bm_find_server_hello(v, &more);
		if (at < v.n) {
			h->started = true;
			h->off = from + at;
			note_hello(h, from + at);
			return;
		}
		/* It was cut by a gap, if it is there at all. */
		if (bm_stream_gap(h->stream, from + v.n) != 0) {
			s->hunt_from[h->way] = from + v.n;
			continue;
		}
		if (more && v.n < HUNT_WINDOW && !final)
			return;
		size_t tail = more ? BM_FIND_TAIL : HUNT_TAIL;
		size_t keep = v.n < tail ? v.n : tail;
		if (v.n == keep)
			return;
		s->hunt_from[h->way] = from + v.n - keep;
		bm_stream_release(h->stream, s->hunt_from[h->way]);
	}
}

/* Nothing of the server's was captured, and what the client goes on with has waited long enough. */
static bool
server_unseen(const struct bm_session *s)
{
	const struct half *client = &s->half[BM_CLIENT], *server = &s->half[BM_SERVER];
	uint64_t waiting = bm_stream_avail(client->stream, client->off);

	return !server->started && s->client_hello && !s->early_offered &&
		   bm_stream_base(server->stream) == 0 && bm_stream_avail(server->stream, 0) == 0 &&
		   bm_stream_gap(server->stream, 0) == 0 && waiting != 0 &&
		   (client->no_waiting || waiting > WAIT_FOR_SERVER);
}

/* The secret that was found says who the client is. */
static void
turn_round(struct bm_session *s)
{
	ahead_forget(&s->half[0]);
	ahead_forget(&s->half[1]);
	struct half half = s->half[0];
	struct bm_tally tally = s->facts.tally[0];

	s->half[0] = s->half[1];
	s->half[1] = half;
	bm_wipe(&half, sizeof half);
	s->facts.tally[0] = s->facts.tally[1];
	s->facts.tally[1] = tally;
	s->facts.client_way = (enum bm_way)(1 - s->facts.client_way);
	timeline_turn(s);
	for (unsigned side = 0; side < 2; side++)
		s->half[side].side = side;
	for (size_t i = 0; i < s->alert_count; i++)
		s->alerts[i].direction = 1 - s->alerts[i].direction;
	s->turn_round = false;
}

static void
run(struct bm_session *s, bool final)
{
	if (!s->tls) {
		hunt(s, BM_FORWARD, final);
		if (!s->tls)
			hunt(s, BM_BACKWARD, final);
		if (!s->tls)
			return;
	}
	struct half *client = &s->half[BM_CLIENT], *server = &s->half[BM_SERVER];
	for (int round = 0; round < 64; round++) {
		if (s->middle) {
			if (!client->started)
				join_second(client, final);
			if (!server->started)
				join_second(server, final);
		} else if (!server->started) {
			hunt_server(s, final);
			if (server_unseen(s))
				join_without_server_hello(s);
		}
		uint64_t before = client->off + server->off;
		bool found = s->facts.start.found;
		if (client->started)
			run_half(client, final);
		if (server->started)
			run_half(server, final);
		if (s->turn_round)
			turn_round(s);
		/* One direction may have waited for what the other has just learnt. */
		else if (client->off + server->off == before && found == s->facts.start.found)
			break;
	}
}

void
bm_session_data(struct bm_session *s, enum bm_way way)
{
	(void)way;
	s->noted = false;
	if (s->dtls)
		return;
	run(s, false);
	session_measure(s);
}

void
bm_session_copy(struct bm_session *s, enum bm_way way, const struct bm_span *copy)
{
	if (!s->tls)
		return;
	/* What it is a copy of is no longer there to be compared when it was let go. */
	if (s->timeline != NULL && copy->off >= bm_stream_base(bm_flow_stream(s->flow, way)))
		bm_session_event(s, way,
			&(struct bm_event){.kind = BM_EVENT_DIFFERING_COPY,
				.ts_ns = copy->ts_ns,
				.packet = copy->packet,
				.off = copy->off,
				.len = copy->data.n});
	/* Its receiver drops one whose checksum is wrong, and what it had before. */
	struct half *sender = &s->half[s->half[0].way == way ? 0 : 1];
	if (copy->checksum == BM_CHECKSUM_VALID && sender->stream != NULL &&
		copy->off + copy->data.n > bm_stream_acked(sender->stream))
		sender->repeated = true;
	for (size_t i = 0; i < s->case_count; i++) {
		struct bm_case *c = &s->cases[i];
		if (s->half[c->direction].way == way)
			session_holds(s, case_add_copy(c, copy));
	}
}

void
bm_session_datagram(struct bm_session *s, enum bm_way way, const struct bm_segment *d)
{
	s->noted = false;
	dtls_datagram(s, way, d);
	session_measure(s);
}

void
bm_session_end(struct bm_session *s)
{
	s->noted = false;
	if (!s->dtls) {
		run(s, true);
		/* A direction that waited for the other one waits no longer. */
		for (unsigned side = 0; side < 2; side++)
			s->half[side].no_waiting = true;
		run(s, true);
	}
	if (!s->dtls && s->tls)
		s->facts.gaps = bm_stream_gaps(s->half[0].stream) + bm_stream_gaps(s->half[1].stream);
	if (s->tls)
		judge(s);
}

struct bm_session_env *
bm_session_env_of(const struct bm_session *s)
{
	return s->env;
}

enum bm_status
bm_session_status(const struct bm_session *s)
{
	return s->status;
}

bool
bm_session_is_tls(const struct bm_session *s)
{
	return s->tls;
}

bool
bm_session_superseded(const struct bm_session *s)
{
	return s->superseded;
}

bool
bm_session_dismissed(const struct bm_session *s)
{
	return s->dismissed;
}

const struct bm_session_facts *
bm_session_facts(const struct bm_session *s)
{
	return &s->facts;
}

struct bm_flow *
bm_session_flow_of(const struct bm_session *s)
{
	return s->flow;
}

const struct bm_flow *
bm_session_flow(const struct bm_session *s)
{
	return s->flow;
}

const struct bm_alert_seen *
bm_session_alerts(const struct bm_session *s, size_t *count)
{
	*count = s->alert_count;
	return s->alerts;
}

bool
bm_session_key(const struct bm_session *s, size_t nth, struct bm_session_key *out)
{
	if (nth >= s->key_count)
		return false;
	const struct keys *k = &s->keys[nth];
	*out = (struct bm_session_key){
		k->protection, k->side, k->epoch, s->half[k->side].verified_in[epoch_slot(k->epoch)]};
	if (s->dtls)
		out->next = s->half[k->side].next_seq[epoch_slot(k->epoch)];
	return true;
}

const struct bm_seen_record *
bm_session_seen(const struct bm_session *s, unsigned direction, size_t *count)
{
	*count = s->half[direction].seen_count;
	return s->half[direction].seen;
}

const struct bm_case *
bm_session_cases(const struct bm_session *s, size_t *count)
{
	*count = s->case_count;
	return s->cases;
}
