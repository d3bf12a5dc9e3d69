/* What to do next, as things to type or to look at. Refuses to know how anything was found. */
#include "verdict/verdict.h"

enum { STEPS_MAX = 8 + BM_LOOKS_MAX };

struct steps {
	struct bm_arena *arena;
	const char *line[STEPS_MAX];
	size_t n;
	bool failed;
};

static void
add(struct steps *s, const char *line)
{
	if (line == NULL)
		s->failed = true;
	else if (s->n < STEPS_MAX)
		s->line[s->n++] = line;
}

static void
look_at_packets(struct steps *s, const struct bm_case *c, const struct bm_connection *conn,
	const struct bm_failure *out)
{
	const char *line[BM_LOOKS_MAX];
	size_t n = bm_verdict_looks(c, conn, out, s->arena, line);

	for (size_t i = 0; i < n; i++)
		add(s, line[i]);
}

static bool
blames_sender(const struct bm_failure *out)
{
	return bm_blames(out, BM_PARTY_SENDER_APPLICATION) || bm_blames(out, BM_PARTY_SENDER_TLS) ||
		   bm_blames(out, BM_PARTY_SENDER_HOST);
}

/* Captures tell the network from the hosts: without it among the suspects they settle nothing. The
 * port that tells this service's traffic apart is the server's. */
static void
capture_more(struct steps *s, const struct bm_case *c, const struct bm_connection *conn,
	const struct bm_failure *out)
{
	const char *proto = conn->transport == BM_UDP ? "udp" : "tcp";
	unsigned port = conn->server.port;

	if (!bm_blames(out, BM_PARTY_NETWORK))
		return;
	if (conn->also_in_count != 0) {
		const char *where = "at more places between these";
		if (out->at_fault[0] != BM_PARTY_NETWORK && blames_sender(out))
			where = c->direction == BM_C2S ? "nearer the client, too" : "nearer the server, too";
		else if (out->at_fault[0] != BM_PARTY_NETWORK)
			where = c->direction == BM_C2S ? "nearer the server, too" : "nearer the client, too";
		add(s, bm_arena_print(s->arena,
				   "capture %s, until it happens again, and give all captures to badmac at once: "
				   "`tcpdump -i any -s 0 -B 65536 -w place.pcap %s port %u`",
				   where, proto, port));
		return;
	}

	add(s, bm_arena_print(s->arena,
			   "at both ends, until it happens again (on the server with -w server.pcap): "
			   "`tcpdump -i any -s 0 -B 65536 -w client.pcap %s port %u`",
			   proto, port));
	add(s, "then compare: `badmac diagnose -k KEYS client.pcap server.pcap`");
}

static void
watch_counters(struct steps *s, const struct bm_connection *conn)
{
	add(s, bm_arena_print(s->arena,
			   "watch the checksum counters of both hosts: `nstat -az %s; ethtool -S DEV`",
			   conn->transport == BM_UDP ? "UdpInCsumErrors" : "TcpInCsumErrors"));
}

/* Where bytes were changed: which of two neighbours did it shows when the sum is made, or checked,
 * by the kernel. */
static void
move_the_sum(struct steps *s, const struct bm_case *c, const struct bm_connection *conn,
	const struct bm_failure *out)
{
	const char *now = out->checksum_as_captured, *then = out->checksum_as_sent;
	const char *counter = conn->transport == BM_UDP ? "UdpInCsumErrors" : "TcpInCsumErrors";

	if (now != NULL && strcmp(now, "invalid") == 0)
		add(s, bm_arena_print(s->arena,
				   "on the %s let the kernel check the sums: `ethtool -K DEV rx off gro off lro "
				   "off`; damage of the wire then shows as %s, and TLS goes on",
				   bm_side_word(1 - c->direction), counter));
	else if (now != NULL && then != NULL && strcmp(then, "invalid") == 0 && blames_sender(out))
		add(s,
			bm_arena_print(s->arena,
				"on the %s let the kernel make the sums: `ethtool -K DEV tx off tso off gso off`; "
				"if %s of the other host rises instead, its network card or what "
				"comes behind it does it; if nothing changes, memory, the program, or a box "
				"that makes the sum anew",
				bm_side_word(c->direction), counter));
}

/* Which processes hold the sender's connection, and how do they write? */
static void
who_writes(struct steps *s, const struct bm_case *c, const struct bm_connection *conn)
{
	add(s,
		bm_arena_print(s->arena,
			"on the %s, while it runs: `ss -%cnp '%s = :%u'`; a connection with two processes is "
			"shared by them",
			bm_side_word(c->direction), conn->transport == BM_UDP ? 'u' : 't',
			c->direction == BM_C2S ? "dport" : "sport", conn->server.port));
	add(s, "check how the sender writes: forked workers or threads that share one connection, or a "
		   "queue between encryption and socket");
}

/* Joux, "Authentication Failures in NIST version of GCM" (2006); RFC 8439, section 4; RFC 3610,
 * section 5. */
static void
warn_of_reuse(struct steps *s, const struct bm_session_facts *facts)
{
	static const char *const what[] = {
		[BM_MODE_GCM] = "a nonce of GCM was used twice: whoever recorded both records has the XOR "
						"of their plaintexts and can compute the authentication key, and with it "
						"forge records of this direction",
		[BM_MODE_POLY1305] = "a nonce of ChaCha20-Poly1305 was used twice: whoever recorded both "
							 "records has the XOR of their plaintexts and can forge records of "
							 "this number",
		[BM_MODE_CCM] = "a nonce of CCM was used twice: whoever recorded both records has the XOR "
						"of their plaintexts",
		[BM_MODE_STREAM] = "two records were encrypted with the same keystream: whoever recorded "
						   "both has the XOR of their plaintexts",
		[BM_MODE_CBC] = NULL};
	const char *reused = facts->has_suite && facts->suite != NULL ? what[facts->suite->mode] : NULL;

	if (reused != NULL)
		add(s, bm_arena_print(s->arena,
				   "%s: end this connection, so that its keys are replaced, and change what was "
				   "secret in it",
				   reused));
}

/* What to look for: at the sender, or, where that one is cleared, on the way. */
static void
look_for(struct steps *s, const struct bm_failure *out, const char *at_sender, const char *on_way)
{
	add(s, blames_sender(out) ? at_sender : on_way);
}

static const char on_the_way[] =
	"look for what takes TCP apart on the way: proxies, tunnels, load balancers, WAN optimisers";

static void
get_keys(struct steps *s, const struct bm_session_facts *facts, const char *all_captures)
{
	add(s, "log the secrets of one side (SSLKEYLOGFILE for OpenSSL 3.5, curl, GnuTLS, NSS, "
		   "Firefox, Chrome; "
		   "-keylogfile for openssl s_client and s_server; a KeyLogWriter in Go) and run again "
		   "with -k");
	if (facts->has_suite && facts->suite != NULL && facts->suite->kx == BM_KX_RSA)
		add(s,
			bm_arena_print(s->arena,
				"this suite uses RSA key exchange: the server's private key opens it too: `badmac "
				"diagnose -k server.key %s`",
				all_captures != NULL ? all_captures : "..."));
}

/* What no cipher made, and nobody knows what was sent there. */
static bool
is_odd_run(const struct bm_finding *f)
{
	return (f->cause == BM_CAUSE_BYTES_DAMAGED || f->cause == BM_CAUSE_TAG_DAMAGED) &&
		   f->change_count != 0 && f->changes[0].sent_unknown;
}

/* What there is to be said something of. */
struct told {
	const struct bm_case *c;
	const struct bm_finding *f;
	const struct bm_session_facts *facts;
	const struct bm_connection *conn;
	const char *all_captures; /* NULL: not known */
	const struct bm_failure *out;
};

/* Causes of which no more is said than where to look: in the packets, for something at the sender
 * or on the way, and in more captures. */
struct place_to_look {
	const char *at_sender, *on_way;
	bool more_captures;
};

static const struct place_to_look places[BM_CAUSE_COUNT] = {
	[BM_CAUSE_BYTES_MISSING] = {"look for partial writes whose rest is not written, and for "
								"proxies and tunnels that lose bytes",
		"look for proxies and tunnels that lose bytes", true},
	[BM_CAUSE_BYTES_INSERTED] = {"find who else writes to this socket: code that goes past the TLS "
								 "library, a proxy's error page, a tracer or agent that adds "
								 "headers",
		"find what on the way writes into the connection: a proxy's error page, a box that adds "
		"headers",
		true},
	[BM_CAUSE_FOREIGN_RECORD] = {"look for file descriptors that are used after they were closed, "
								 "and for pools and proxies that mix connections up",
		"look for proxies and load balancers that mix connections up", true},
	[BM_CAUSE_STALE_DATA] = {"look for buffers that are used again before the socket is done with "
							 "them: zero-copy sends, io_uring, ring buffers of drivers",
		on_the_way, true},
	/* Nobody but the sender can have done it. */
	[BM_CAUSE_WRONG_EPOCH] = {"look at what the sender does at the change of keys: KeyUpdate, "
							  "renegotiation, early data, and writes that go on meanwhile; try its "
							  "TLS library's next version",
		NULL, false},
	[BM_CAUSE_BAD_PADDING] = {"the sender's TLS library makes the padding: try its next version; "
							  "AEAD suites (GCM, ChaCha20-Poly1305) have none",
		NULL, false},
};

static void
look(struct steps *s, const struct told *t, const struct place_to_look *p)
{
	look_at_packets(s, t->c, t->conn, t->out);
	look_for(s, t->out, p->at_sender, p->on_way != NULL ? p->on_way : p->at_sender);
	if (p->more_captures)
		capture_more(s, t->c, t->conn, t->out);
}

static void
record_was_good(struct steps *s, const struct told *t)
{
	add(s, "this capture clears everything before the capture point; look at the side that "
		   "complained");
	capture_more(s, t->c, t->conn, t->out);
	add(s, "turn kernel TLS and crypto offload off on the complaining host, and see whether it "
		   "stops: `ethtool -K DEV tls-hw-rx-offload off`; its errors: `cat "
		   "/proc/net/tls_stat`");
	add(s, "check that no two threads or forked processes of the complaining side read one "
		   "connection");
}

static void
plaintext_alert(struct steps *s, const struct told *t)
{
	unsigned alert = t->c->alert;
	const char *name = bm_alert_name(alert);
	/* bad_certificate to unknown_ca (RFC 8446, section 6.2). */
	bool of_certificate = alert >= 42 && alert <= 48;

	add(s, bm_arena_print(
			   s->arena, "fix what the alert says: %s", name != NULL ? name : "see its code"));
	if (of_certificate && t->c->direction == BM_S2C)
		add(s, "the server does not trust the client's certificate: check its chain against "
			   "the server's roots: `openssl verify -CAfile ROOTS.pem -untrusted CHAIN.pem "
			   "CLIENT.pem`");
	else if (of_certificate)
		add(s, bm_arena_print(s->arena,
				   "its sender does not trust the certificate it was shown: check chain and "
				   "names: "
				   "`openssl s_client -connect HOST:%u -servername HOST -showcerts`",
				   t->conn->server.port));
}

static void
wrong_keys(struct steps *s, const struct told *t)
{
	if (t->f->configuration) {
		add(s, "check that the key log was written by this very process and run, and that "
			   "none of its lines "
			   "was cut or altered");
		get_keys(s, t->facts, t->all_captures);
		return;
	}
	add(s, "log the secrets at both ends and compare the lines with this client random: "
		   "the end whose line does not open the other's records derived them wrong: "
		   "`grep RANDOM client.keys server.keys`");
	add(s, "compare the versions of their libraries, and the server's private key with "
		   "its certificate: `openssl x509 -noout -pubkey -in CERT.pem; openssl pkey "
		   "-pubout -in KEY.pem`");
}

static void
retransmission_differs(struct steps *s, const struct told *t)
{
	/* Sooner than TCP sends again (RFC 6298, section 2). */
	enum { SOON = 1000000 };
	bool one = t->c->good_first && t->c->apart_ns < SOON;

	look_at_packets(s, t->c, t->conn, t->out);
	if (one)
		add(s,
			"the two packets may be one, seen on both sides of the box that captured it: look at "
			"what that does to packets (translation, tunnels, inspection, checksum offload)");
	capture_more(s, t->c, t->conn, t->out);
	if (!one)
		look_for(s, t->out,
			"look for zero-copy sends whose buffer is reused before it has been acknowledged",
			on_the_way);
}

static void
reflected_record(struct steps *s, const struct told *t)
{
	look_at_packets(s, t->c, t->conn, t->out);
	if (t->f->own_make) {
		add(s, "the sender's TLS library took the receiver's key: see what it had done just "
			   "before (rekeying, resumption, an offload engine that was set up), and try its "
			   "next version");
		return;
	}
	add(s, "look for what sends a host its own bytes back: an echo, a proxy or tunnel that is "
		   "joined to itself, a load balancer's route");
	capture_more(s, t->c, t->conn, t->out);
}

/* Records that stand where others were due. */
static void
out_of_order(struct steps *s, const struct told *t)
{
	if (t->f->nonce_reused)
		warn_of_reuse(s, t->facts);
	look_at_packets(s, t->c, t->conn, t->out);
	if (blames_sender(t->out))
		who_writes(s, t->c, t->conn);
	else
		add(s, on_the_way);
	capture_more(s, t->c, t->conn, t->out);
}

static void
mac_construction(struct steps *s, const struct told *t)
{
	if (t->f->configuration)
		add(s, "check that the capture has the handshake of this very connection, with both "
			   "hellos as they were sent");
	else
		look_at_packets(s, t->c, t->conn, t->out);
	add(s, "compare what the hellos negotiate with what the sender does, and try its TLS "
		   "library's "
		   "next version; another cipher suite avoids the fault meanwhile");
}

static void
sender_miscomputed(struct steps *s, const struct told *t)
{
	look_at_packets(s, t->c, t->conn, t->out);
	if (t->out->confidence == BM_PROVEN) {
		who_writes(s, t->c, t->conn);
		if (!t->c->number_alone)
			add(s, "an AEAD suite (GCM, ChaCha20-Poly1305) has no keystream that goes on from "
				   "record to record");
		return;
	}
	add(s, "at the sender turn off what computes the MAC beside its TLS library: kernel TLS and "
		   "crypto offload (`ethtool -K DEV tls-hw-tx-offload off`), accelerators, and for "
		   "OpenSSL "
		   "faster code paths (OPENSSL_ia32cap)");
	add(s, "see whether it happens at certain lengths, and with one cipher suite alone");
	capture_more(s, t->c, t->conn, t->out);
}

static void
capture_incomplete(struct steps *s, const struct told *t)
{
	add(s, t->conn->undecided_next != NULL
			   ? t->conn->undecided_next
			   : "capture again with a larger buffer and without a snap length (`tcpdump -s 0 "
				 "-B 65536`)");
}

/* Bytes that were changed, and whatever is not explained. */
static void
damage(struct steps *s, const struct told *t)
{
	bool checked = t->c->kind == BM_CASE_BAD_RECORD;

	if (!checked && t->conn->undecided_next == NULL)
		get_keys(s, t->facts, t->all_captures);
	else if (!checked && t->f->about == NULL)
		add(s, t->conn->undecided_next);
	look_at_packets(s, t->c, t->conn, t->out);
	capture_more(s, t->c, t->conn, t->out);
	move_the_sum(s, t->c, t->conn, t->out);
	watch_counters(s, t->conn);
}

/* Of causes of which more is to be said, or in another order. */
typedef void advise(struct steps *s, const struct told *t);

static advise *const advisers[BM_CAUSE_COUNT] = {
	[BM_CAUSE_RECORD_WAS_GOOD] = record_was_good,
	[BM_CAUSE_PLAINTEXT_ALERT] = plaintext_alert,
	[BM_CAUSE_WRONG_KEYS] = wrong_keys,
	[BM_CAUSE_RETRANSMISSION_DIFFERS] = retransmission_differs,
	[BM_CAUSE_REFLECTED_RECORD] = reflected_record,
	[BM_CAUSE_RECORDS_INTERLEAVED] = out_of_order,
	[BM_CAUSE_RECORD_REPLAYED] = out_of_order,
	[BM_CAUSE_RECORDS_REORDERED] = out_of_order,
	[BM_CAUSE_RECORD_MISSING] = out_of_order,
	[BM_CAUSE_SEQUENCE_REUSED] = out_of_order,
	[BM_CAUSE_MAC_CONSTRUCTION] = mac_construction,
	[BM_CAUSE_SENDER_MISCOMPUTED] = sender_miscomputed,
	[BM_CAUSE_CAPTURE_INCOMPLETE] = capture_incomplete,
};

/* Which of the two tables speaks of it: causes that are looked for alike are one here. */
static enum bm_cause
alike(const struct bm_finding *f)
{
	if (is_odd_run(f))
		return BM_CAUSE_STALE_DATA;
	return f->cause == BM_CAUSE_PLAINTEXT_INJECTED ? BM_CAUSE_BYTES_INSERTED : f->cause;
}

enum bm_status
bm_verdict_advice(const struct bm_case *c, const struct bm_finding *f,
	const struct bm_session_facts *facts, const struct bm_connection *conn,
	const char *all_captures, struct bm_arena *arena, struct bm_failure *out)
{
	struct steps s = {.arena = arena};
	struct told t = {c, f, facts, conn, all_captures, out};
	enum bm_cause cause = alike(f);

	if (f->about != NULL && conn->undecided_next != NULL)
		add(&s,
			bm_arena_print(arena, "%s: the MAC then proves or excludes it", conn->undecided_next));
	if (places[cause].at_sender != NULL)
		look(&s, &t, &places[cause]);
	else
		(advisers[cause] != NULL ? advisers[cause] : damage)(&s, &t);
	if (s.failed)
		return BM_NOMEM;
	const char **lines = bm_arena_take(arena, s.n, sizeof *lines);
	if (lines == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < s.n; i++)
		lines[i] = s.line[i];
	out->next_steps = lines;
	out->next_step_count = s.n;
	return BM_OK;
}
