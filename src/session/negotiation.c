/* What handshake messages change: versions, suites, extensions, epochs. Refuses to know how
 * records are checked. */
#include "session/internal.h"

#include <stdlib.h>

enum { CID_MAX = 255 };

static void
keep_transcript(struct bm_session *s, const struct bm_message *m)
{
	/* Only the extended master secret of an RSA handshake needs it (RFC 7627, section 3). */
	if (bm_keyring_empty(s->env->keys) || m->type == BM_HELLO_REQUEST ||
		m->type == BM_HELLO_VERIFY_REQUEST || s->transcript_at_key_exchange != 0 ||
		(s->server_hello && is_tls13(s)))
		return;
	if (bm_buf_add(&s->transcript, m->whole) == BM_NOMEM)
		session_fail(s, BM_NOMEM);
}

static void
copy_id(struct bm_view v, uint8_t id[32], size_t *len)
{
	*len = v.n <= 32 ? v.n : 32;
	if (*len != 0)
		memcpy(id, v.p, *len);
}

static void
replace(struct bm_session *s, struct bm_buf *b, struct bm_view v)
{
	b->n = 0;
	if (bm_buf_add(b, v) == BM_NOMEM)
		session_fail(s, BM_NOMEM);
}

/* Renegotiation: everything is negotiated anew (RFC 5746). */
static void
forget_negotiation(struct bm_session *s)
{
	s->pending_made = s->candidates_spent = s->masters_tried = false;
	s->certificate_seen = false;
	s->encrypted_premaster.n = 0;
	s->transcript.n = 0;
	s->transcript_at_key_exchange = 0;
	s->pending[0] = s->pending[1] = NULL;
}

/* What this side wants to be addressed by (RFC 9146, section 3). */
static void
want_cid(struct bm_session *s, unsigned side, struct bm_view cid)
{
	s->cid_len[side] = 0;
	s->cid_set[side] = true;
	if (cid.n == 0 || cid.n > CID_MAX)
		return;
	if (s->cid[side] == NULL)
		s->cid[side] = malloc(CID_MAX);
	if (s->cid[side] == NULL) {
		session_fail(s, BM_NOMEM);
		return;
	}
	memcpy(s->cid[side], cid.p, cid.n);
	s->cid_len[side] = cid.n;
}

static void
client_hello(struct half *h, const struct bm_message *m)
{
	struct bm_session *s = h->s;
	struct bm_hello hello;

	if (h->side != BM_CLIENT || !bm_client_hello_parse(m->body, s->dtls, &hello))
		return;
	/* Unless the server's answer was captured first, it begins a negotiation. */
	if (++s->client_hellos > s->server_hellos && s->server_hello && !is_tls13(s)) {
		forget_negotiation(s);
		s->server_hello = false;
	}
	if (h->epoch == BM_EPOCH_EARLY && is_tls13(s))
		enter_epoch(h, BM_EPOCH_PLAIN);
	bool second = s->client_hello;
	s->hello_due = false;
	s->client_hello = true;
	/* Later ones are encrypted. */
	if (!s->facts.has_client_random)
		memcpy(s->facts.first_random, hello.random, BM_RANDOM);
	memcpy(s->facts.client_random, hello.random, BM_RANDOM);
	s->facts.has_client_random = true;
	bm_keyring_expect(s->env->keys, bm_view(hello.random, BM_RANDOM));
	for (unsigned label = 0; label < BM_LABEL_COUNT; label++)
		if (!s->env->apart)
			bm_keyring_met(s->env->keys, (enum bm_label)label, bm_view(hello.random, BM_RANDOM));
	replace(s, &s->offered_ticket, hello.ext.ticket);
	s->early_offered = hello.ext.early_data && !second;
	if (hello.ext.connection_id) {
		want_cid(s, BM_CLIENT, hello.ext.cid);
	}
	if (hello.ext.server_name.n != 0) {
		size_t n = hello.ext.server_name.n;
		if (n >= sizeof s->facts.server_name)
			n = sizeof s->facts.server_name - 1;
		memcpy(s->facts.server_name, hello.ext.server_name.p, n);
		/* What follows a NUL shall not be hidden by it. */
		for (size_t i = 0; i < n; i++)
			if (s->facts.server_name[i] == '\0')
				s->facts.server_name[i] = '\x01';
		s->facts.server_name[n] = '\0';
	}
}

static void
enter_after_hello(struct bm_session *s, bool retry)
{
	struct half *client = &s->half[BM_CLIENT], *server = &s->half[BM_SERVER];

	if (!is_tls13(s))
		return;
	if (retry) {
		if (s->early_offered)
			enter_epoch(client, BM_EPOCH_EARLY);
		return;
	}
	derive_ahead(s);
	enter_epoch(server, BM_EPOCH_HANDSHAKE);
	/* Whether early data follows shows only in what the client sends next. */
	enter_epoch(client, s->early_offered ? BM_EPOCH_EARLY : BM_EPOCH_HANDSHAKE);
}

static void
server_hello(struct half *h, const struct bm_message *m)
{
	struct bm_session *s = h->s;
	struct bm_session_facts *f = &s->facts;
	struct bm_hello hello;

	if (h->side != BM_SERVER || !bm_server_hello_parse(m->body, &hello))
		return;
	if (is_tls13(s) && s->server_hello)
		return;
	if (!hello.hello_retry_request && ++s->server_hellos > s->client_hellos && s->client_hello &&
		(!s->middle || s->facts.start.found)) {
		/* The ClientHello that it answers is still to be read, or was lost. */
		forget_negotiation(s);
		s->client_hello = false;
	}
	f->version = bm_hello_version(&hello);
	f->suite_id = hello.suite;
	f->has_suite = true;
	f->suite = bm_suite_find(hello.suite);
	f->suite_unsupported = f->suite == NULL || !bm_suite_available(f->suite);
	f->draft = hello.ext.draft;
	if (hello.hello_retry_request) {
		s->hello_due = true;
		enter_after_hello(s, true);
		return;
	}
	s->server_hello = true;
	f->handshake_seen = s->client_hello;
	memcpy(s->server_random, hello.random, BM_RANDOM);
	copy_id(hello.session_id, s->server_session_id, &s->server_session_id_len);
	f->compression = hello.compression;
	f->extended_master_secret = hello.ext.extended_master_secret;
	f->encrypt_then_mac = hello.ext.encrypt_then_mac;
	f->truncated_hmac = hello.ext.truncated_hmac;
	if (hello.ext.max_fragment_length != 0)
		f->max_fragment_length = hello.ext.max_fragment_length;
	if (hello.ext.record_size_limit != 0)
		f->record_size_limit = hello.ext.record_size_limit;
	if (hello.ext.connection_id) {
		want_cid(s, BM_SERVER, hello.ext.cid);
	} else {
		s->cid_len[BM_CLIENT] = 0;
		s->cid_set[BM_CLIENT] = false;
	}
	s->certificate_seen = false;
	if (is_tls13(s)) {
		f->resumed = hello.ext.pre_shared_key ? 1 : 0;
		bm_buf_clear(&s->transcript);
	}
	enter_after_hello(s, false);
	/* The ClientHello was not captured: whose secrets are these? */
	if (is_tls13(s) && !s->dtls && s->middle && !f->has_client_random)
		s->half[0].unplaced = s->half[1].unplaced = true;
}

/* Up to TLS 1.2 a full handshake shows itself by what the server says after its hello. */
static void
full_handshake(struct bm_session *s)
{
	s->certificate_seen = true;
	if (!is_tls13(s))
		s->facts.resumed = 0;
}

/* Of many private keys one is the server's: its certificate says which. */
static void
find_rsa_key(struct bm_session *s, struct bm_view certificate_message)
{
	const struct bm_keyring *ring = s->env->keys;
	struct bm_view der;

	if (is_tls13(s) || bm_keyring_rsa(ring, 0) == NULL ||
		!bm_certificate_parse(certificate_message, &der))
		return;
	s->rsa_known = true;
	s->rsa_key = SIZE_MAX;
	for (size_t i = 0; s->rsa_key == SIZE_MAX && bm_keyring_rsa(ring, i) != NULL; i++)
		if (bm_rsa_matches(bm_keyring_rsa(ring, i), der))
			s->rsa_key = i;
	s->facts.rsa_of_others = s->rsa_key == SIZE_MAX;
}

static void
client_key_exchange(struct half *h, const struct bm_message *m)
{
	struct bm_session *s = h->s;
	struct bm_view encrypted;

	s->transcript_at_key_exchange = s->transcript.n;
	full_handshake(s);
	if (s->facts.suite != NULL && s->facts.suite->kx == BM_KX_RSA &&
		bm_rsa_key_exchange_parse(m->body, s->facts.version, &encrypted))
		replace(s, &s->encrypted_premaster, encrypted);
}

static void
finished(struct half *h)
{
	if (!is_tls13(h->s) || h->s->dtls)
		return;
	if (h->epoch == BM_EPOCH_HANDSHAKE)
		enter_epoch(h, BM_EPOCH_APPLICATION);
}

void
handle_message(struct half *h, const struct bm_message *m)
{
	struct bm_session *s = h->s;
	struct bm_view ticket;
	struct bm_extensions ext;

	if (s->timeline != NULL)
		timeline_said(h, m->type == BM_KEY_UPDATE ? BM_EVENT_KEY_UPDATE : BM_EVENT_HANDSHAKE, 0,
			m->type, m->whole.n);

	if (m->type == BM_CLIENT_HELLO || m->type == BM_SERVER_HELLO) {
		if (m->type == BM_CLIENT_HELLO)
			client_hello(h, m);
		else
			server_hello(h, m);
		keep_transcript(s, m);
		return;
	}
	keep_transcript(s, m);
	switch (m->type) {
	case BM_CERTIFICATE:
		if (h->side == BM_SERVER) {
			full_handshake(s);
			find_rsa_key(s, m->body);
		}
		break;
	case BM_SERVER_KEY_EXCHANGE:
	case BM_SERVER_HELLO_DONE:
		full_handshake(s);
		break;
	case BM_CLIENT_KEY_EXCHANGE:
		if (h->side == BM_CLIENT)
			client_key_exchange(h, m);
		break;
	case BM_NEW_SESSION_TICKET:
		if (!is_tls13(s) && bm_ticket_parse(m->body, &ticket)) {
			replace(s, &s->new_ticket, ticket);
			/* It may come after the first record that verified. */
			if (s->verified_since_keys != 0)
				keys_confirmed(s);
		}
		break;
	case BM_ENCRYPTED_EXTENSIONS:
		if (is_tls13(s) && bm_encrypted_extensions_parse(m->body, &ext)) {
			s->early_accepted = ext.early_data;
			s->facts.max_fragment_length = ext.max_fragment_length;
			s->facts.record_size_limit = ext.record_size_limit;
		}
		break;
	case BM_END_OF_EARLY_DATA:
		if (is_tls13(s) && h->epoch == BM_EPOCH_EARLY)
			enter_epoch(h, BM_EPOCH_HANDSHAKE);
		break;
	case BM_FINISHED:
		finished(h);
		break;
	case BM_KEY_UPDATE:
		if (is_tls13(s) && !s->dtls && h->epoch >= BM_EPOCH_APPLICATION)
			enter_next_generation(h);
		break;
	default:
		break;
	}
}

void
handshake_plain(struct half *h, struct bm_view fragment)
{
	struct bm_session *s = h->s;
	struct bm_message m;
	enum bm_status st = bm_assembler_add(&h->messages, fragment);

	if (st == BM_NOMEM)
		session_fail(s, st);
	while (bm_assembler_next(&h->messages, &m))
		handle_message(h, &m);
}

void
prepare_pending(struct bm_session *s)
{
	s->pending_made = true;
	/* The server speaks of neither certificate nor keys: an abbreviated handshake. */
	if (!s->certificate_seen)
		s->facts.resumed = 1;
	(void)make_pending(s, 0);
}

void
change_cipher_spec(struct half *h)
{
	struct bm_session *s = h->s;

	if (!s->pending_made && s->client_hello && s->server_hello)
		prepare_pending(s);
	h->protected = true;
	begin_epoch(h, h->epoch + 1, s->pending[h->side]);
}
