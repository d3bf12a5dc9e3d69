/* Crimes with keys of another time: of the handshake, from before a KeyUpdate, of a session that is
 * over. Records as in crime_sealed.c. */
#include "lab/guilty/sealed.h"

#include <stdio.h>
#include <string.h>

/* TLS 1.3: the writing key of the handshake is still in place. Its Finished message had number 0.
 */
static bool
keep_handshake_key(struct scene *s)
{
	struct sealed m;
	struct seal_keys k;

	if (!sealed_line(s, &m) || !seal_keys_13(&k, s->peer.ssl, &s->peer.secret[CLIENT_HANDSHAKE]))
		return false;
	m.plan.sequence = 1;
	return sealed_send(s, &k, &m.plan);
}

/* TLS 1.3: KeyUpdate is said, and what follows goes out under the key from before. */
static bool
keep_old_key(struct scene *s)
{
	struct peer *p = &s->peer;
	struct record update;
	struct seal_keys old;
	struct secret next;

	if (!sealed_keys(p, true, &old) || !seal_next_secret(p->ssl, &p->secret[CLIENT_TRAFFIC], &next))
		return false;
	if (SSL_key_update(p->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(p->ssl) != 1)
		return libssl_trouble("SSL_key_update");
	if (!peer_take(p, &update) || !peer_send(p, update.p, update.n))
		return false;
	uint64_t goes_on = p->sequence + 1;
	/* To who sees it from outside, the message was a record of application data. */
	p->index++;
	p->sequence = 0;
	p->secret[CLIENT_TRAFFIC] = next;
	struct sealed m;
	if (!sealed_line(s, &m))
		return false;
	m.plan.sequence = goes_on;
	return sealed_send(s, &old, &m.plan);
}

/* An earlier connection, over in good order. */
static bool
have_session(struct scene *s)
{
	if (!connect_other(s))
		return false;
	peer_close(&s->other, true);
	return true;
}

/* The writing state of the connection that is over is taken for this one's. */
static bool
use_stale_keys(struct scene *s)
{
	struct sealed m;
	struct seal_keys k;

	if (!sealed_line(s, &m) || !sealed_keys(&s->other, true, &k))
		return false;
	/* Its close_notify had a number, too. */
	m.plan.sequence = s->other.sequence + 1;
	return sealed_send(s, &k, &m.plan);
}

/* Up to TLS 1.2: the Finished message as the master secret of the earlier session protects it. */
static bool
finish_with_stale_secret(struct scene *s, const struct record *was)
{
	struct peer *p = &s->peer;
	uint8_t message[4 + 12] = {20, 0, 0, 12};
	struct seal_plan plan = {.type = SEAL_HANDSHAKE, .text = message, .n = sizeof message};
	struct seal_keys k;

	s->done.record = -1;
	s->done.sequence = 0;
	s->done.offset = p->offset;
	s->done.party = "sender-tls";
	(void)SSL_get_finished(p->ssl, message + 4, 12);
	if (!sealed_keys(p, true, &k) || !sealed_again(&k, &plan, was) ||
		!seal_keys_12(&k, p->ssl, &s->other.secret[MASTER], true))
		return false;
	return sealed_send(s, &k, &plan);
}

/* Sends a flight of records, but for what comes behind ChangeCipherSpec. */
static bool
send_flight(struct scene *s, const struct record *flight, bool *done)
{
	enum { CCS = 20 };
	size_t at = 0, n;

	for (bool ccs = false; at + SEAL_HEADER <= flight->n; at += n) {
		struct record one;
		n = SEAL_HEADER + ((size_t)flight->p[at + 3] << 8 | flight->p[at + 4]);
		if (n > flight->n - at)
			break;
		one.n = n;
		memcpy(one.p, flight->p + at, n);
		*done = ccs;
		if (!(ccs ? finish_with_stale_secret(s, &one) : peer_send(&s->peer, one.p, n)))
			return false;
		ccs = one.p[0] == CCS;
	}
	return at == flight->n || trouble("libssl put out a part of a record");
}

static bool
shake_with_stale_secret(struct scene *s)
{
	struct peer *p = &s->peer;
	struct record flight;
	bool done = false;

	for (int ms = 0; !done && ms < 20000; ms += 20) {
		if (peer_step(p) != 0)
			return trouble("the handshake was over before its last message");
		if (!peer_take(p, &flight) || !send_flight(s, &flight, &done))
			return false;
		if (!done)
			peer_wait(p, 20);
	}
	/* The server never gets as far as to write it down. */
	return done && (p->writes_log || peer_log(p) || trouble("keys.log cannot be written"));
}

/* Nothing is wrong on the wire: what fails is the first record, for who believes the key log. */
static bool
say_rightly(struct scene *s)
{
	struct peer *p = &s->peer;
	char text[LINE_MAX_OCTETS];

	line_text(s->s, s->s->record, 0, text);
	s->done.record = -1;
	s->done.sequence = 0;
	s->done.offset = p->first_offset;
	s->done.length = p->first_length;
	s->done.party = "configuration";
	return peer_say(p, text);
}

/* The key log is written anew: this connection's random, and the other's secret. */
static bool
mix_log(struct scene *s)
{
	char path[4096], line[sizeof s->peer.secret_line];
	int n = snprintf(path, sizeof path, "%s/keys.log", s->s->folder);
	FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "w") : NULL;
	(void)snprintf(line, sizeof line, "%s", s->peer.secret_line);
	char *space = strrchr(line, ' ');
	const char *other = strrchr(s->other.secret_line, ' ');
	bool good = f != NULL && space != NULL && other != NULL;

	if (good) {
		*space = '\0';
		good = fputs(s->other.secret_line, f) >= 0 && fprintf(f, "%s%s", line, other) > 0;
	}
	if (f != NULL && fclose(f) != 0)
		good = false;
	return good || trouble("keys.log cannot be written");
}

const struct crime crime_handshake_key = {
	"handshake-key", NULL, NULL, keep_handshake_key, NULL, NULL};
const struct crime crime_old_key = {"old-key", NULL, NULL, keep_old_key, NULL, NULL};
const struct crime crime_stale_keys = {
	"stale-keys", have_session, NULL, use_stale_keys, NULL, NULL};
const struct crime crime_stale_secret = {
	"stale-secret", have_session, shake_with_stale_secret, NULL, NULL, NULL};
const struct crime crime_mixed_log = {"mixed-log", have_session, NULL, say_rightly, NULL, mix_log};
