/* What is said of a connection without keys: one sentence a finding, and what alerts that cannot be
 * read come to. Refuses to know how anything was found. */
#include "verdict/verdict.h"

const char *
bm_verdict_keyless_summary(
	const struct bm_case *c, const struct bm_finding *f, struct bm_arena *arena)
{
	static const char *const what[BM_CAUSE_COUNT] = {
		[BM_CAUSE_RECORD_REPLAYED] = "is an earlier one over again",
		[BM_CAUSE_REFLECTED_RECORD] = "is one that its receiver had sent",
		[BM_CAUSE_RECORDS_REORDERED] = "came before one that was due",
		[BM_CAUSE_SEQUENCE_REUSED] =
			"has the nonce or the keystream of another one before it: two writers",
		[BM_CAUSE_RECORD_MISSING] = "has a later nonce than was due: one before it is missing",
		[BM_CAUSE_BITS_FLIPPED] = "has a nonce of which bits were flipped",
		[BM_CAUSE_BYTES_MISSING] = "lacks octets that its header announces",
		[BM_CAUSE_HEADER_DAMAGED] = "has a header that does not fit it",
		[BM_CAUSE_RETRANSMISSION_DIFFERS] = "was captured in two copies that differ",
		[BM_CAUSE_STALE_DATA] = "has octets that no cipher makes: they repeat",
	};
	const char *text = what[f->cause];
	const char *reported = c->kind == BM_CASE_REJECTED ? bm_alert_name(c->alert) : NULL;

	if (f->cause == BM_CAUSE_PLAINTEXT_INJECTED && f->change_count != 0 &&
		f->changes[0].record_off == 0)
		return bm_arena_print(arena,
			"Readable text stands in the TLS stream of the %s at stream offset %llu, where a "
			"record was due.",
			bm_side_word(c->direction), (unsigned long long)c->off);
	if (f->cause == BM_CAUSE_PLAINTEXT_INJECTED)
		text = "has readable text in it";
	else if (f->cause == BM_CAUSE_BYTES_INSERTED)
		text = f->change_count != 0 ? "is none that its nonces count"
									: "is followed by octets that are no record";
	else if (f->cause == BM_CAUSE_BYTES_DAMAGED)
		text = f->change_count == 0         ? "came in a segment whose checksum is wrong"
			   : f->changes[0].sent_unknown ? "has octets that no cipher makes: all of one value"
											: "has a nonce that was changed";
	return bm_arena_print(arena,
		"The record of the %s at stream offset %llu %s%s%s%s; without keys that is all that shows.",
		bm_side_word(c->direction), (unsigned long long)c->off, text != NULL ? text : "is odd",
		reported != NULL ? ", and its receiver reported " : "", reported != NULL ? reported : "",
		reported == NULL && c->kind == BM_CASE_REJECTED ? ", and its receiver complained" : "");
}

/* Octets of an alert's body by the rules of the suite (RFC 5246, section 6.2.3; RFC 7366; RFC 8446,
 * section 5.2); 0 when they are not known. */
static uint32_t
alert_length(const struct bm_session_facts *f)
{
	enum { CONTENT = 2, NONCE = 8 };
	const struct bm_suite *s = f->suite;
	uint32_t mac, block, text;

	if (s == NULL || !s->verifiable || f->compression != 0)
		return 0;
	if (bm_version_rules(f->version) == BM_TLS13)
		return CONTENT + 1u + s->tag_len;
	if (s->mac == BM_HASH_NONE)
		return CONTENT + (s->mode == BM_MODE_POLY1305 ? 0u : NONCE) + s->tag_len;
	mac = f->truncated_hmac ? 10 : (uint32_t)bm_hash_size(s->mac);
	if (s->mode != BM_MODE_CBC)
		return CONTENT + mac;
	block = (uint32_t)bm_cipher_block(s->cipher);
	text = CONTENT + 1 + (f->encrypt_then_mac ? 0 : mac);
	text = (text + block - 1) / block * block;
	return text + (f->encrypt_then_mac ? mac : 0) +
		   (bm_version_rules(f->version) >= BM_TLS11 ? block : 0);
}

/* What a length says where no handshake was captured. Several suites share some. */
static const char *
suites_of(uint32_t body)
{
	switch (body) {
	case 18:
		return "TLS 1.2 with ChaCha20-Poly1305 or CCM_8, or a stream cipher with MD5";
	case 19:
		return "TLS 1.3";
	case 22:
		return "a stream cipher with SHA-1";
	case 24:
		return "3DES up to TLS 1.0";
	case 26:
		return "TLS 1.2 with GCM or CCM";
	case 32:
		return "AES-CBC up to TLS 1.0, or 3DES from TLS 1.1 on";
	case 48:
		return "AES-CBC with SHA-1 from TLS 1.1 on";
	case 52:
		return "AES-CBC with SHA-1 and encrypt-then-MAC";
	case 64:
		return "AES-CBC with SHA-256";
	case 80:
		return "AES-CBC with SHA-384";
	default:
		return NULL;
	}
}

/* The record that side sent last; NULL: none that could not be checked. */
static const struct bm_seen_record *
last_of(const struct bm_session *s, unsigned side)
{
	size_t n;
	const struct bm_seen_record *r = bm_session_seen(s, side, &n);

	return n != 0 ? &r[n - 1] : NULL;
}

bool
bm_verdict_unread(const struct bm_session *s, struct bm_arena *arena, const char **out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	uint32_t due = alert_length(f);
	bool tls13 = bm_version_rules(f->version) == BM_TLS13;
	const struct bm_seen_record *first = NULL;
	unsigned side = 0;

	*out = NULL;
	/* The alert that came first may be a complaint; the other one answers it. */
	for (unsigned i = 0; i < 2; i++) {
		const struct bm_seen_record *r = last_of(s, i);
		if (r == NULL)
			continue;
		uint32_t body = r->len - BM_HEADER;
		bool alert =
			tls13 ? r->type == BM_APPLICATION_DATA && body == due && due != 0 : r->type == BM_ALERT;
		if (alert && (first == NULL || r->packet < first->packet)) {
			first = r;
			side = i;
		}
	}
	if (first == NULL)
		return true;
	uint32_t body = first->len - BM_HEADER;
	const char *other = f->suite == NULL ? suites_of(body) : NULL;
	if (tls13)
		*out = bm_arena_print(arena,
			"the last record of the %s (packet %llu, %u octets) is as long as an alert: it may be "
			"close_notify or bad_record_mac",
			bm_side_word(side), (unsigned long long)first->packet, body);
	else if (other != NULL)
		*out = bm_arena_print(arena,
			"the last record of the %s (packet %llu) is an encrypted alert, close_notify or "
			"bad_record_mac alike; its %u octets speak of %s",
			bm_side_word(side), (unsigned long long)first->packet, body, other);
	else
		*out = bm_arena_print(arena,
			"the last record of the %s (packet %llu) is an encrypted alert, which may be "
			"close_notify or bad_record_mac%s",
			bm_side_word(side), (unsigned long long)first->packet,
			due != 0 && body != due ? "; its length is not that of an alert under this suite" : "");
	return *out != NULL;
}
