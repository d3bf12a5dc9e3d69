/* Why a connection is undecided, where that shows, and what would settle it. Refuses to know
 * causes of failures. */
#include "verdict/verdict.h"

struct reason {
	const struct bm_session *s;
	const struct bm_session_facts *f;
	const struct bm_verdict_options *o;
	struct bm_arena *arena;
	struct bm_lack lack[2]; /* by side */
	struct bm_connection *out;
};

static const char *const from_the_start =
	"start the capture before the connection: let it run while the client connects anew";

/* Packets of one side only: a mirror port, or a route that differs on the way back. */
static const char *
one_direction(const struct reason *r)
{
	const struct bm_flow *flow = bm_session_flow(r->s);
	bool client = bm_flow_ttl(flow, r->f->client_way) != 0;
	bool server = bm_flow_ttl(flow, (enum bm_way)(1 - r->f->client_way)) != 0;

	if (client == server)
		return NULL;
	return client ? "only what the client sent is in the capture, nothing of the server's"
				  : "only what the server sent is in the capture, nothing of the client's";
}

static uint64_t
cut(const struct reason *r)
{
	bool udp = bm_flow_transport(bm_session_flow(r->s)) == BM_UDP;

	return r->o->snap_length != 0 && udp ? 1 : r->lack[0].cut + r->lack[1].cut;
}

static bool
say_cut(struct reason *r)
{
	struct bm_connection *c = r->out;

	if (r->o->snap_length != 0)
		c->undecided_because = bm_arena_print(r->arena,
			"packets are cut to %lu bytes: the capture was taken with a snap length",
			(unsigned long)r->o->snap_length);
	else
		c->undecided_because = "packets are cut: the capture was taken with a snap length";
	c->undecided_next = "capture whole packets (`tcpdump -s 0`)";
	return c->undecided_because != NULL;
}

static void
say_memory(struct reason *r)
{
	r->out->undecided_because =
		"badmac had to let bytes of this connection go, to keep to its memory limits";
	r->out->undecided_next = "run again with more memory (`--flow-memory 64M --memory 4G`)";
}

/* How far secrets of TLS 1.3 were tried. */
static const char *
tried_secrets(const struct reason *r)
{
	const struct bm_start *s = &r->f->start;
	const char *others = "the other suites took more time than there was";

	if (s->numbers != 0)
		others = bm_arena_print(
			r->arena, "under other suites at the first %llu", (unsigned long long)s->numbers);
	if (others == NULL)
		return NULL;
	if (s->cut)
		return bm_arena_print(r->arena,
			"of %llu TLS 1.3 secrets given %llu were tried in the time there was, and none opens "
			"its records (under AES-GCM at every sequence number; %s)",
			(unsigned long long)s->secrets, (unsigned long long)s->tried, others);
	return bm_arena_print(r->arena,
		"none of the %llu TLS 1.3 secrets given opens its records (under AES-GCM at every sequence "
		"number, %s)",
		(unsigned long long)s->secrets, others);
}

static const char *
tried_connections(const struct reason *r)
{
	const struct bm_start *s = &r->f->start;

	return bm_arena_print(r->arena,
		"none of the %llu connections that the log tells of opens its records (under GCM suites at "
		"every sequence number, under others at the first %llu%s; of RC4 the place in the "
		"keystream is unknown)",
		(unsigned long long)s->connections, (unsigned long long)s->numbers,
		s->cut ? ", in the time there was" : "");
}

static const char *
tried_masters(const struct reason *r)
{
	const struct bm_start *s = &r->f->start;

	return bm_arena_print(r->arena, "none of the %llu master secrets given opens it%s",
		(unsigned long long)s->masters,
		s->cut ? bm_arena_print(r->arena, ", of which %llu were tried in the time there was",
					 (unsigned long long)s->tried)
			   : "");
}

/* Joined in the middle, with secrets of which none opens it. */
static bool
none_fits(struct reason *r)
{
	const struct bm_start *s = &r->f->start;
	struct bm_connection *c = r->out;
	const char *lead =
		s->masters != 0 ? "the ClientHello is not in the capture"
						: "the capture starts in the middle of the connection, and its handshake "
						  "is not in it";
	const char *secrets = s->masters != 0                          ? tried_masters(r)
						  : s->connections != 0 && s->secrets == 0 ? tried_connections(r)
																   : tried_secrets(r);

	if (secrets == NULL)
		return false;
	c->undecided_because = bm_arena_print(r->arena, "%s: %s", lead, secrets);
	c->undecided_next = s->cut ? "give the key log of this connection alone, or --effort deep"
							   : "give the key log of the process that made this connection, from "
								 "before the connection began; or start the capture before it";
	return c->undecided_because != NULL;
}

/* Joined in the middle, and its secrets are known. */
static bool
not_placed(struct reason *r)
{
	const struct bm_start *s = &r->f->start;
	struct bm_connection *c = r->out;

	if (r->f->version != BM_TLS13)
		c->undecided_because = "the capture starts in the middle of the connection: records at its "
							   "start are not whole, lack what the one before them leaves behind, "
							   "or are of an earlier epoch";
	else if (r->f->suite != NULL && r->f->suite->mode == BM_MODE_GCM)
		c->undecided_because =
			"the capture starts in the middle of the connection: records at its start verify under "
			"none of the secrets given for it, at no sequence number";
	else
		c->undecided_because = bm_arena_print(r->arena,
			"the capture starts in the middle of the connection: records at its start verify under "
			"none of the secrets given for it, at the first %llu sequence numbers",
			(unsigned long long)s->placing);
	c->undecided_next = from_the_start;
	return c->undecided_because != NULL;
}

static bool
joined_late(const struct reason *r)
{
	const struct bm_flow *flow = bm_session_flow(r->s);

	return bm_flow_transport(flow) == BM_TCP && !bm_flow_saw_syn(flow, BM_FORWARD) &&
		   !bm_flow_saw_syn(flow, BM_BACKWARD);
}

/* The handshake could not be read: nothing tells the keys. Most telling first. */
static bool
no_handshake(struct reason *r)
{
	struct bm_connection *c = r->out;
	const char *one = one_direction(r);

	const struct bm_start *start = &r->f->start;
	if (start->secrets + start->connections + start->masters != 0 && !start->found && cut(r) == 0)
		return none_fits(r);
	if (one != NULL) {
		c->undecided_because = one;
		c->undecided_next = "capture where both directions pass: on one of the two hosts, or with "
							"a mirror port that copies both";
	} else if (cut(r) != 0) {
		return say_cut(r);
	} else if (r->lack[0].dropped + r->lack[1].dropped != 0) {
		say_memory(r);
	} else if (joined_late(r)) {
		c->undecided_because =
			"the capture starts in the middle of the connection: its handshake is not in it";
		c->undecided_next = from_the_start;
	} else if (r->lack[0].len + r->lack[1].len != 0) {
		c->undecided_because = "the capture lacks packets of the handshake";
		c->undecided_next = "capture again with a larger buffer (`tcpdump -s 0 -B 65536`)";
	} else {
		c->undecided_because = "the handshake in the capture is not complete";
		c->undecided_next = from_the_start;
	}
	return true;
}

static bool
has_secret(const struct reason *r, enum bm_label label)
{
	struct bm_secret secret;

	return bm_keyring_find(r->o->keys, label, bm_view(r->f->client_random, BM_RANDOM), 0, &secret);
}

/* TLS 1.3 needs a secret for each direction of the handshake and of what follows. */
static const char *
missing_labels(const struct reason *r)
{
	static const struct {
		enum bm_label label;
		const char *name;
	} needed[] = {
		{BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
		{BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET, "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
		{BM_LABEL_CLIENT_TRAFFIC_SECRET_0, "CLIENT_TRAFFIC_SECRET_0"},
		{BM_LABEL_SERVER_TRAFFIC_SECRET_0, "SERVER_TRAFFIC_SECRET_0"},
	};
	const char *list = NULL;
	bool tls13 = r->f->version == BM_TLS13 || r->f->version == BM_DTLS13;

	if (!tls13 || !r->f->has_client_random || r->o->keys == NULL)
		return NULL;
	/* Those of the handshake are behind a start in the middle. */
	for (size_t i = r->f->start.found ? 2 : 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (has_secret(r, needed[i].label))
			continue;
		const char *more = list == NULL ? needed[i].name
										: bm_arena_print(r->arena, "%s, %s", list, needed[i].name);
		list = more != NULL ? more : list;
	}
	return list;
}

static bool
some_keys_missing(struct reason *r, const char *labels)
{
	struct bm_connection *c = r->out;
	bool tls13 = r->f->version == BM_TLS13 || r->f->version == BM_DTLS13;

	/* The client random is that of the handshake that came last. */
	if (labels == NULL && !tls13 && r->f->has_client_random && r->o->keys != NULL &&
		!has_secret(r, BM_LABEL_CLIENT_RANDOM)) {
		c->undecided_because = "the key material holds no secret for what was renegotiated";
		c->undecided_next = "give the whole key log: a line of it must hold this client random, "
							"which is that of the renegotiation";
		return true;
	}
	if (labels == NULL) {
		c->undecided_because = "for part of this connection there are no keys";
		c->undecided_next = from_the_start;
		return true;
	}
	c->undecided_because =
		bm_arena_print(r->arena, "the key material lacks %s of this connection", labels);
	c->undecided_next = "give the whole key log: a line for each label with this client random";
	return c->undecided_because != NULL;
}

/* All that is undecided has its keys, and a block in front that may not be what was sent. */
static bool
iv_in_doubt(struct reason *r)
{
	const struct bm_session_facts *f = r->f;
	struct bm_connection *c = r->out;

	if (f->iv_in_doubt == 0 ||
		f->iv_in_doubt != f->tally[BM_CLIENT].undecided + f->tally[BM_SERVER].undecided)
		return false;
	c->undecided_because =
		"right behind a record that failed stands one that does not verify either: its IV is the "
		"last block of that one (CBC up to TLS 1.0), so whether it was damaged too nobody can say";
	c->undecided_next =
		"capture nearer to the sender as well, where both records may still be whole; "
		"from TLS 1.1 on each record has an IV of its own";
	return true;
}

static void
no_secret(struct reason *r)
{
	struct bm_connection *c = r->out;
	bool rsa = r->f->has_suite && r->f->suite != NULL && r->f->suite->kx == BM_KX_RSA;

	if (!r->o->any_keys) {
		c->undecided_because = "no key material was given";
		c->undecided_wants_keys = true;
		c->undecided_next =
			rsa ? "give secrets with -k: a key log (SSLKEYLOGFILE) of either side, or the server's "
				  "RSA private key"
				: "give secrets with -k: a key log (SSLKEYLOGFILE) of either side";
		return;
	}
	c->undecided_because =
		rsa && r->f->rsa_of_others
			? "no private key that was given is that of the server's certificate, and there "
			  "is "
			  "no other secret for this connection"
			: "the key material that was given holds no secret for this connection";
	c->undecided_next =
		rsa ? "give the key log of the process that made this connection, written at that time (a "
			  "line of it must hold the client random), or this server's RSA private key"
			: "give the key log of the process that made this connection, written at that time: a "
			  "line of it must hold the client random";
}

/* What is about this very connection. */
static bool
detail(struct reason *r)
{
	struct bm_connection *c = r->out;
	unsigned side = r->lack[BM_CLIENT].len != 0 ? BM_CLIENT : BM_SERVER;
	const struct bm_lack *l = &r->lack[side];
	char hex[2 * BM_RANDOM + 1] = "";
	const char *gap = "";

	if (r->f->has_client_random)
		bm_hex(bm_view(r->f->client_random, BM_RANDOM), hex);
	if (l->len != 0 && l->packet != 0)
		gap = bm_arena_print(r->arena,
			"%llu bytes of the %s are missing at stream offset %llu, before packet %llu",
			(unsigned long long)l->len, bm_side_word(side), (unsigned long long)l->off,
			(unsigned long long)l->packet);
	else if (l->len != 0)
		gap = bm_arena_print(r->arena, "%llu bytes of the %s are missing at stream offset %llu",
			(unsigned long long)l->len, bm_side_word(side), (unsigned long long)l->off);
	if (gap == NULL)
		return false;
	if (*gap == '\0' && *hex == '\0')
		return true;
	c->undecided_detail = bm_arena_print(r->arena, "%s%s%s%s", *hex != '\0' ? "client random " : "",
		hex, *hex != '\0' && *gap != '\0' ? "; " : "", gap);
	return c->undecided_detail != NULL;
}

static bool
find(struct reason *r)
{
	const struct bm_session_facts *f = r->f;
	struct bm_connection *c = r->out;

	if (f->keys_wrong) {
		c->undecided_because = "the key material that was found does not fit this connection";
		c->undecided_next = "check that the key log was written by this very run of the process, "
							"and that none of its lines was cut or altered";
		return true;
	}
	if (f->version == 0 || (!f->handshake_seen && !f->start.found))
		return no_handshake(r);
	if (f->suite_unsupported) {
		c->undecided_because = "this cipher suite cannot be verified here";
		c->undecided_next = "let the two ends agree on another cipher suite, if they can";
		return true;
	}
	if (f->source == BM_SOURCE_NONE) {
		no_secret(r);
		return true;
	}
	if (iv_in_doubt(r))
		return true;
	const char *labels = missing_labels(r);
	if (labels != NULL)
		return some_keys_missing(r, labels);
	if (f->start.found && f->gaps == 0 && cut(r) == 0)
		return not_placed(r);
	if (cut(r) != 0)
		return say_cut(r);
	if (r->lack[0].dropped + r->lack[1].dropped != 0) {
		say_memory(r);
		return true;
	}
	if (f->odd_packet != 0) {
		c->undecided_because = bm_arena_print(r->arena,
			"packet %llu, and perhaps others, holds bytes that are no record of DTLS",
			(unsigned long long)f->odd_packet);
		c->undecided_next = "look whether another protocol (STUN, RTP) shares these ports; else "
							"capture again, at both ends";
		return c->undecided_because != NULL;
	}
	if (f->gaps == 0 && (f->cut_off[0] || f->cut_off[1])) {
		c->undecided_because = bm_arena_print(r->arena,
			"what was captured of the %s ends within a record: the rest was never sent, or not "
			"captured",
			f->cut_off[0] && f->cut_off[1] ? "two sides"
										   : bm_side_word(f->cut_off[0] ? BM_CLIENT : BM_SERVER));
		c->undecided_next = "see which side closed the connection (a FIN or RST behind that byte), "
							"and capture until both have";
		return c->undecided_because != NULL;
	}
	if (f->gaps == 0)
		return some_keys_missing(r, NULL);
	c->undecided_because = "the capture lacks packets of this connection";
	c->undecided_next =
		"capture again with a larger buffer (`tcpdump -s 0 -B 65536`), on one of the "
		"two hosts if need be";
	return true;
}

enum bm_status
bm_verdict_undecided(const struct bm_session *s, const struct bm_verdict_options *o,
	struct bm_arena *arena, struct bm_connection *out)
{
	struct reason r = {.s = s, .f = bm_session_facts(s), .o = o, .arena = arena, .out = out};
	/* The accessor of a stream takes the flow as it is; nothing is changed. */
	struct bm_flow *flow = (struct bm_flow *)(uintptr_t)bm_session_flow(s);

	for (unsigned side = 0; side < 2; side++) {
		enum bm_way way = (enum bm_way)(side == BM_CLIENT ? r.f->client_way : 1 - r.f->client_way);
		r.lack[side] = bm_stream_lack(bm_flow_stream(flow, way));
	}
	return find(&r) && detail(&r) ? BM_OK : BM_NOMEM;
}
