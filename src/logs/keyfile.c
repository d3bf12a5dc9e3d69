/* Tells by content what kind of key material a file is, and says what to do instead when it is
 * none. Refuses to know how each kind is written. */
#include "logs/keyfile.h"

#include <limits.h>
#include <stdlib.h>

#include "base/buf.h"
#include "logs/jsse.h"
#include "logs/session_text.h"
#include "logs/text.h"

#define EXPECTED "expected an NSS key log, a PEM private key or a javax.net.debug log"

struct found {
	struct bm_key_counts counts;
	struct bm_jsse_counts jsse;
	size_t sessions;
	enum bm_status pem;
};

static const struct {
	const char *magic;
	size_t n;
	const char *what;
} binaries[] = {
	{"\x30\x82", 2, "a binary key or key store (DER, PKCS #12): convert it to PEM with openssl"},
	{"\x30\x81", 2, "a binary key or key store (DER, PKCS #12): convert it to PEM with openssl"},
	{"\xfe\xed\xfe\xed", 4, "a Java key store: export its private key as PEM"},
	{"\xce\xce\xce\xce", 4, "a Java key store: export its private key as PEM"},
	{"\x1f\x8b", 2, "compressed key material: unpack it first"},
	{"\x28\xb5\x2f\xfd", 4, "compressed key material: unpack it first"},
	{"\xd4\xc3\xb2\xa1", 4, "a capture, not key material"},
	{"\xa1\xb2\xc3\xd4", 4, "a capture, not key material"},
	{"\x4d\x3c\xb2\xa1", 4, "a capture, not key material"},
	{"\xa1\xb2\x3c\x4d", 4, "a capture, not key material"},
	{"\x0a\x0d\x0d\x0a", 4, "a capture, not key material"},
};

static const char *
binary_kind(struct bm_view v)
{
	for (size_t i = 0; i < sizeof binaries / sizeof binaries[0]; i++)
		if (v.n >= binaries[i].n && memcmp(v.p, binaries[i].magic, binaries[i].n) == 0)
			return binaries[i].what;
	return NULL;
}

static bool
holds(struct bm_view text, const char *words)
{
	return text_find(text, words) != SIZE_MAX;
}

static bool
has_key_log_line(struct bm_view text)
{
	struct bm_view line;

	while (text_line(&text, &line))
		if (bm_keyring_is_key_log_line(line))
			return true;
	return false;
}

static enum bm_status
read_pem(struct bm_keyring *k, struct bm_view text, struct found *f)
{
	size_t at = text_find(text, "-----BEGIN ");

	f->pem = BM_END;
	if (at == SIZE_MAX)
		return BM_OK;
	size_t n = text.n - at;
	f->pem = bm_keyring_add_pem(k, bm_view(text.p + at, n < INT_MAX ? n : INT_MAX), &f->counts);
	return f->pem == BM_NOMEM || f->pem == BM_LIMIT ? f->pem : BM_OK;
}

/* Adds what the ring gained to the counts: `put` secrets were given to it. */
static void
count_gain(struct found *f, const struct bm_keyring *k, uint64_t before, uint64_t put)
{
	uint64_t gained = bm_keyring_size(k) - before;

	f->counts.secrets += gained;
	f->counts.duplicates += put - gained;
}

static enum bm_status
read_other_kinds(struct bm_keyring *k, struct bm_view text, struct found *f)
{
	uint64_t before = bm_keyring_size(k);
	enum bm_status st = read_pem(k, text, f);

	if (st == BM_OK && (holds(text, "KEYGEN:") || holds(text, "Master Secret:"))) {
		st = bm_jsse_read(k, text, &f->jsse);
		count_gain(f, k, before, f->jsse.masters + f->jsse.premasters);
	}
	before = bm_keyring_size(k);
	if (st == BM_OK && holds(text, "Master-Key:")) {
		st = bm_session_text_read(k, text, &f->sessions);
		count_gain(f, k, before, f->sessions);
	}
	/* Their lines were no bad lines of a key log. */
	if (f->pem == BM_OK || f->jsse.keygens != 0 || f->sessions != 0) {
		f->counts.bad_lines = f->counts.first_bad_line = 0;
		f->counts.unknown_labels = 0;
	}
	return st;
}

static enum bm_status
say_why_no_pem(struct bm_view text, enum bm_status pem, struct bm_error *e)
{
	size_t at = text_find(text, "-----BEGIN ");

	if (pem == BM_FORMAT && !holds(text, "PRIVATE KEY"))
		return bm_fail(e, BM_UNSUPPORTED, at,
			"PEM text without a private key: certificates and public keys open nothing");
	if (pem == BM_FORMAT)
		return bm_fail(e, BM_FORMAT, at, "the PEM private key is malformed");
	if (holds(text, "ENCRYPTED"))
		return bm_fail(e, BM_UNSUPPORTED, at,
			"the private key is encrypted: remove its password with openssl pkey -in KEY -out "
			"PLAINKEY");
	return bm_fail(e, BM_UNSUPPORTED, at,
		"the private key is not RSA: only RSA key exchange is opened by a private key; record a "
		"key log (SSLKEYLOGFILE) instead");
}

/* Nothing was found that opens a record: why, and what would. */
static enum bm_status
say_why_not(struct bm_view text, const struct found *f, struct bm_error *e)
{
	if (f->pem != BM_END)
		return say_why_no_pem(text, f->pem, e);
	if (f->jsse.keygens != 0 || holds(text, "CONNECTION KEYGEN:"))
		return bm_fail(
			e, BM_FORMAT, 0, "the javax.net.debug log holds no complete key generation output");
	if (holds(text, "javax.net.ssl|") || holds(text, "kona.ssl|"))
		return bm_fail(e, BM_UNSUPPORTED, 0,
			"javax.net.debug of Java 8u261, 11 and later prints no secrets: record a key log with "
			"an agent such as jSSLKeyLog");
	if (holds(text, "*** ClientHello") || holds(text, ", WRITE: TLSv1") ||
		holds(text, ", READ: TLSv1"))
		return bm_fail(e, BM_UNSUPPORTED, 0,
			"the javax.net.debug log holds no key generation output: run with "
			"-Djavax.net.debug=ssl,keygen");
	if (holds(text, "Master-Key:"))
		return bm_fail(e, BM_UNSUPPORTED, 0,
			"the session has no session id to find it by: record a key log (-keylogfile) instead");
	return bm_fail(e, BM_FORMAT, 0, "no key material found: " EXPECTED);
}

static enum bm_status
read_text(struct bm_keyring *k, struct bm_view text, struct found *f, struct bm_error *e)
{
	enum bm_status st = bm_keyring_add_key_log(k, text, BM_SOURCE_KEY_LOG, &f->counts);
	const struct bm_key_counts *c = &f->counts;

	f->pem = BM_END;
	/* Nothing but key log lines: the usual case needs no second look. */
	if (st == BM_OK && c->bad_lines + c->unknown_labels != 0)
		st = read_other_kinds(k, text, f);
	if (st != BM_OK)
		return bm_fail(e, st, 0, st == BM_LIMIT ? "too many private keys" : bm_status_text(st));
	if (c->secrets + c->duplicates + c->passed_over + c->private_keys != 0)
		return BM_OK;
	if (c->bad_lines + c->unknown_labels == 0 && holds(text, "#"))
		return BM_OK; /* the head of a key log, with no connection yet */
	if (f->pem == BM_END && f->jsse.keygens == 0 && has_key_log_line(text))
		return BM_OK; /* a key log, if a bad one: its lines are counted */
	return say_why_not(text, f, e);
}

static bool
is_empty(struct bm_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ' && (v.p[i] < '\t' || v.p[i] > '\r'))
			return false;
	return true;
}

enum bm_status
bm_keys_read(
	struct bm_keyring *k, struct bm_view bytes, struct bm_key_counts *counts, struct bm_error *e)
{
	struct found f = {.pem = BM_END};
	const char *binary = binary_kind(bytes);
	uint8_t *ascii;
	size_t n;

	if (binary != NULL)
		return bm_fail(e, BM_UNSUPPORTED, 0, binary);
	if (is_empty(bytes))
		return bm_fail(e, BM_FORMAT, 0, "an empty file: " EXPECTED);
	enum bm_status st = text_from_utf16(bytes, &ascii, &n);
	if (st != BM_OK)
		return bm_fail(e, st, 0, bm_status_text(st));
	st = read_text(k, ascii != NULL ? bm_view(ascii, n) : bytes, &f, e);
	if (ascii != NULL) {
		bm_wipe(ascii, n);
		free(ascii);
	}
	if (counts != NULL)
		bm_key_counts_add(counts, &f.counts);
	return st;
}
