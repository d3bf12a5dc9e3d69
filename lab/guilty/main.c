/* badmac-lab-guilty: a TLS client that commits one crime in the midst of a conversation, and says
 * what it did in a line that the lab reads. badmac lab run starts it. */
#include "lab/guilty/crimes.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 25, SETTLE_MS = 80, BEHIND = 2 };

static const struct crime *const crimes[] = {&crime_fork, &crime_child_exit, &crime_threads,
	&crime_threads_nested, &crime_reorder, &crime_short_write, &crime_log_line, &crime_stale_writer,
	&crime_late_shutdown, &crime_outer_alert, &crime_outer_alert_unknown, &crime_changed_buffer,
	&crime_padding, &crime_untyped, &crime_mac_inside, &crime_short_mac, &crime_half_key,
	&crime_inner_length, &crime_restart, &crime_other_direction, &crime_handshake_key,
	&crime_old_key, &crime_stale_keys, &crime_stale_secret, &crime_mixed_log};

static const struct crime *
find_crime(const char *name)
{
	for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++)
		if (strcmp(crimes[i]->name, name) == 0)
			return crimes[i];
	return NULL;
}

void
confess_here(struct scene *s, const char *party)
{
	const struct peer *p = &s->peer;

	s->done.record = (int64_t)p->index;
	s->done.sequence = p->sequence;
	s->done.offset = p->offset;
	s->done.party = party;
}

static void
put_hex(const struct record *r)
{
	for (size_t i = 0; i < r->n; i++)
		printf("%02x", r->p[i]);
}

/* lab/guilt.c reads it. */
static void
confess(const struct scene *s)
{
	const struct confession *d = &s->done;
	const SSL *ssl = s->peer.ssl;

	printf("guilty: connection=%u version=%04x suite=%04x record=", s->peer.connection,
		(unsigned)SSL_version(ssl),
		(unsigned)SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
	if (d->record < 0)
		(void)putchar('-');
	else
		printf("%" PRId64, d->record);
	printf(" sequence=%" PRIu64 " offset=%" PRIu64 " length=%zu party=%s damage=", d->sequence,
		d->offset, d->length, d->party);
	if (d->damaged) {
		printf("%zu:", d->damage_off);
		put_hex(&d->received);
		(void)putchar(':');
		put_hex(&d->sent);
	} else {
		(void)putchar('-');
	}
	(void)putchar('\n');
}

/* Lines as they should be, but for one. */
static bool
converse(struct scene *s, const struct crime *crime)
{
	struct peer *p = &s->peer;
	char text[LINE_MAX_OCTETS];

	for (unsigned i = 0; i < s->s->record + LINES && !p->gone; i++) {
		bool here = i == s->s->record;
		if (here)
			peer_hold(p, true);
		line_text(s->s, i, 0, text);
		bool behind = i > s->s->record && crime->go_on != NULL;
		if (!(here ? crime->commit(s) : behind ? crime->go_on(s, text) : peer_say(p, text)))
			return false;
		if (here) {
			s->committed = true;
			confess(s);
		}
		/* Some that are right go along, before anyone can complain. */
		if (i >= s->s->record && i < s->s->record + BEHIND)
			continue;
		peer_hold(p, false);
		peer_listen(p, PAUSE_MS);
	}
	return true;
}

static bool
act(struct scene *s, const struct crime *crime)
{
	if (crime->prepare != NULL && !crime->prepare(s))
		return false;
	if (!peer_open(&s->peer, s->s, s->connections++))
		return false;
	if (crime->shake != NULL) {
		if (!crime->shake(s))
			return false;
		s->committed = true;
		confess(s);
		peer_listen(&s->peer, SETTLE_MS);
	} else {
		if (!peer_shake(&s->peer))
			return false;
		peer_listen(&s->peer, SETTLE_MS);
		/* What happens behind it is no trouble of this program's. */
		if (!converse(s, crime) && !s->committed)
			return false;
	}
	peer_close(&s->peer, crime->shake == NULL);
	if (crime->end != NULL && s->committed && !crime->end(s))
		return false;
	return s->committed || trouble("the other end was gone before it came to that");
}

static bool
read_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *out <= max;
}

static bool
read_version(const char *text, int *out)
{
	static const char *const names[] = {"1.0", "1.1", "1.2", "1.3"};

	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], text) == 0)
			*out = TLS1_VERSION + i;
	return *out != 0;
}

static bool
read_word(struct settings *s, char *word)
{
	char *value = strchr(word, '=');
	uint64_t n = 0;
	bool good = true;

	if (value == NULL) {
		s->no_etm |= strcmp(word, "-no_etm") == 0;
		s->logs |= strcmp(word, "logs") == 0;
		return strcmp(word, "-no_etm") == 0 || strcmp(word, "logs") == 0;
	}
	*value++ = '\0';
	if (strcmp(word, "crime") == 0)
		s->crime = value;
	else if (strcmp(word, "cipher") == 0)
		s->cipher = value;
	else if (strcmp(word, "ciphersuites") == 0)
		s->ciphersuites = value;
	else if (strcmp(word, "folder") == 0)
		s->folder = value;
	else if (strcmp(word, "tls") == 0)
		good = read_version(value, &s->version);
	else if (strcmp(word, "port") == 0) {
		good = read_number(value, 65535, &n);
		s->port = (unsigned)n;
	} else if (strcmp(word, "record") == 0) {
		good = read_number(value, 1000, &n);
		s->record = (unsigned)n;
	} else if (strcmp(word, "seed") == 0)
		good = read_number(value, UINT64_MAX, &s->seed);
	else
		return false;
	return good;
}

int
main(int argc, char **argv)
{
	static struct scene scene; /* large */
	struct settings s = {.cipher = "DEFAULT", .ciphersuites = "TLS_AES_128_GCM_SHA256"};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		if (!read_word(&s, argv[i]))
			return trouble("%s: no such word, or no such value", argv[i]) ? 0 : 2;
	if (s.crime == NULL || s.folder == NULL || s.port == 0 || s.version == 0) {
		(void)trouble("usage: badmac-lab-guilty crime=NAME port=N tls=VERSION folder=DIR "
					  "[cipher=LIST] [ciphersuites=LIST] [record=N] [seed=N] [logs] [-no_etm]");
		return 2;
	}
	const struct crime *crime = find_crime(s.crime);
	if (crime == NULL)
		return trouble("no crime '%s'", s.crime) ? 0 : 2;
	scene.s = &s;
	scene.peer.fd = scene.other.fd = scene.stale_fd = -1;
	bool good = act(&scene, crime);
	peer_free(&scene.peer);
	peer_free(&scene.other);
	return good ? 0 : 2;
}
