/* Crimes of a TLS library, which libssl cannot be brought to: its record is taken out, made once
 * more from the secrets, and if that comes out the same to the last octet, made again with one rule
 * broken. Refuses to know keys of other epochs (crime_keys.c). */
#include "lab/guilty/sealed.h"

#include <openssl/err.h>
#include <string.h>

bool
sealed_keys(const struct peer *p, bool client, struct seal_keys *k)
{
	bool thirteen = SSL_version(p->ssl) >= TLS1_3_VERSION;
	const struct secret *traffic = &p->secret[client ? CLIENT_TRAFFIC : SERVER_TRAFFIC];

	if (thirteen ? seal_keys_13(k, p->ssl, traffic)
				 : seal_keys_12(k, p->ssl, &p->secret[MASTER], client))
		return true;
	ERR_clear_error();
	return trouble("%s: records of that suite are not made here",
		SSL_CIPHER_standard_name(SSL_get_current_cipher(p->ssl)));
}

bool
sealed_again(const struct seal_keys *k, struct seal_plan *plan, const struct record *was)
{
	struct record now;

	plan->nonce = was->p + SEAL_HEADER;
	/* libssl does not say whether encrypt-then-MAC was agreed on; its record does. */
	for (int etm = 0; etm < 2; etm++) {
		plan->etm = etm == 1;
		if (seal(k, plan, &now) && now.n == was->n && memcmp(now.p, was->p, now.n) == 0)
			return true;
	}
	return trouble("libssl's record cannot be made again: %s, version %04x",
		OBJ_nid2sn(EVP_CIPHER_get_nid(k->cipher)), (unsigned)k->version);
}

/* The text: made by libssl, not sent, and understood. */
static bool
make_text(struct peer *p, const char *text, struct sealed *out)
{
	size_t n = strlen(text);

	*out = (struct sealed){.text = ""};
	memcpy(out->text, text, n);
	out->plan = (struct seal_plan){
		.sequence = p->sequence, .type = SEAL_DATA, .text = (const uint8_t *)out->text, .n = n};
	return peer_make(p, out->text, &out->was) && sealed_keys(p, true, &out->keys) &&
		   sealed_again(&out->keys, &out->plan, &out->was);
}

bool
sealed_line(struct scene *s, struct sealed *out)
{
	char text[LINE_MAX_OCTETS];

	confess_here(s, "sender-tls");
	line_text(s->s, s->s->record, 0, text);
	return make_text(&s->peer, text, out);
}

bool
sealed_send(struct scene *s, const struct seal_keys *k, const struct seal_plan *plan)
{
	struct record r;

	if (!seal(k, plan, &r))
		return libssl_trouble("a record");
	s->done.length = r.n;
	return peer_send(&s->peer, r.p, r.n);
}

/* The content is changed between the MAC and the encryption. */
static bool
change_buffer(struct scene *s)
{
	struct sealed m;
	char other[LINE_MAX_OCTETS];

	if (!sealed_line(s, &m))
		return false;
	line_text(s->s, s->s->record, 1, other);
	m.plan.tagged = (const uint8_t *)other;
	return sealed_send(s, &m.keys, &m.plan);
}

/* Padding as other protocols have it, each octet the number of all of them. */
static bool
pad_wrongly(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	if (m.keys.kind != SEAL_CBC)
		return trouble("padding takes a CBC suite");
	m.plan.padding_more = 1;
	return sealed_send(s, &m.keys, &m.plan);
}

static bool
leave_type_out(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	if (m.keys.version < TLS1_3_VERSION)
		return trouble("a type inside takes TLS 1.3");
	m.plan.untyped = true;
	return sealed_send(s, &m.keys, &m.plan);
}

static bool
put_mac_inside(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	if (m.keys.kind != SEAL_CBC || !m.plan.etm)
		return trouble("encrypt-then-MAC was not negotiated");
	m.plan.etm = false;
	return sealed_send(s, &m.keys, &m.plan);
}

/* 80 bits of the MAC (RFC 6066, section 7), which nobody asked for. */
static bool
shorten_mac(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	if (m.keys.kind != SEAL_CBC)
		return trouble("a MAC to be shortened takes a CBC suite");
	m.plan.mac_keep = 10;
	return sealed_send(s, &m.keys, &m.plan);
}

/* The cipher for half as long a key. */
static const EVP_CIPHER *
half_cipher(const EVP_CIPHER *c)
{
	static const int pairs[][2] = {{NID_aes_256_gcm, NID_aes_128_gcm},
		{NID_aes_256_ccm, NID_aes_128_ccm}, {NID_aes_256_cbc, NID_aes_128_cbc},
		{NID_camellia_256_cbc, NID_camellia_128_cbc}, {NID_aria_256_gcm, NID_aria_128_gcm}};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (EVP_CIPHER_get_nid(c) == pairs[i][0])
			return EVP_get_cipherbynid(pairs[i][1]);
	return NULL;
}

static bool
halve_key(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	m.keys.cipher = half_cipher(m.keys.cipher);
	if (m.keys.cipher == NULL)
		return trouble("half a key takes a suite with one of 256 bits");
	return sealed_send(s, &m.keys, &m.plan);
}

static bool
authenticate_inner_length(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	if (m.keys.version < TLS1_3_VERSION)
		return trouble("the length of a record's content takes TLS 1.3");
	m.plan.inner_length = true;
	return sealed_send(s, &m.keys, &m.plan);
}

/* The sender counts from the start of the keys again, and goes on from there. */
static bool
restart(struct scene *s)
{
	struct sealed m;

	if (!sealed_line(s, &m))
		return false;
	m.plan.sequence = s->restarted = 0;
	return sealed_send(s, &m.keys, &m.plan);
}

static bool
count_on(struct scene *s, const char *text)
{
	struct sealed m;
	struct record r;

	if (!make_text(&s->peer, text, &m))
		return false;
	m.plan.sequence = ++s->restarted;
	return seal(&m.keys, &m.plan, &r) && peer_send(&s->peer, r.p, r.n);
}

/* The key that the other end writes with. */
static bool
take_other_direction(struct scene *s)
{
	struct sealed m;
	struct seal_keys k;

	return sealed_line(s, &m) && sealed_keys(&s->peer, false, &k) && sealed_send(s, &k, &m.plan);
}

const struct crime crime_changed_buffer = {"changed-buffer", NULL, NULL, change_buffer, NULL, NULL};
const struct crime crime_padding = {"padding", NULL, NULL, pad_wrongly, NULL, NULL};
const struct crime crime_untyped = {"untyped", NULL, NULL, leave_type_out, NULL, NULL};
const struct crime crime_mac_inside = {"mac-inside", NULL, NULL, put_mac_inside, NULL, NULL};
const struct crime crime_short_mac = {"short-mac", NULL, NULL, shorten_mac, NULL, NULL};
const struct crime crime_half_key = {"half-key", NULL, NULL, halve_key, NULL, NULL};
const struct crime crime_inner_length = {
	"inner-length", NULL, NULL, authenticate_inner_length, NULL, NULL};
const struct crime crime_restart = {"restart", NULL, NULL, restart, count_on, NULL};
const struct crime crime_other_direction = {
	"other-direction", NULL, NULL, take_other_direction, NULL, NULL};
