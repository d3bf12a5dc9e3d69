/* What of a handshake secrets are found by, and the premaster secret that a private key opens.
 * TLS up to 1.2 over TCP; nothing after ChangeCipherSpec can be read. */
#include "carve/internal.h"

#include "crypto/crypto.h"
#include "tls/handshake.h"

enum { HEADER = 5, MESSAGE_MOST = 1 << 18, RECORDS_MOST = 256, BLOCK_MOST = 2048 };

static enum bm_status
take_message(struct handshake *h, unsigned way, const struct bm_message *m)
{
	struct bm_hello hello;
	struct bm_view encrypted;

	if (way == BM_FOUND_SERVER_TO_CLIENT && m->type == BM_SERVER_HELLO &&
		bm_server_hello_parse(m->body, &hello) && hello.session_id.n <= sizeof h->session_id) {
		h->version = bm_hello_version(&hello);
		h->session_id_len = hello.session_id.n;
		if (hello.session_id.n != 0)
			memcpy(h->session_id, hello.session_id.p, hello.session_id.n);
	}
	if (way == BM_FOUND_CLIENT_TO_SERVER && m->type == BM_CLIENT_KEY_EXCHANGE &&
		h->encrypted.n == 0 && bm_rsa_key_exchange_parse(m->body, h->version, &encrypted))
		return bm_buf_add(&h->encrypted, encrypted);
	return BM_OK;
}

/* The records in the clear at the start of a direction. */
static enum bm_status
read_way(struct bm_carve *c, const struct item *item, unsigned way, struct handshake *h)
{
	struct bm_assembler a = {.buf = {.max = MESSAGE_MOST}};
	uint8_t header[HEADER], body[BM_BODY_MAX];
	struct bm_message m;
	enum bm_status st = BM_OK;
	uint64_t off = 0;

	for (unsigned n = 0; st == BM_OK && n < RECORDS_MOST; n++) {
		if (!stream_octets(c, item, way, off, HEADER, header))
			break;
		struct bm_record_header r = bm_record_header(header);
		if (r.type != BM_HANDSHAKE || !bm_record_plausible(r, 0) ||
			!stream_octets(c, item, way, off + HEADER, r.length, body))
			break;
		st = bm_assembler_add(&a, bm_view(body, r.length));
		while (st == BM_OK && bm_assembler_next(&a, &m))
			st = take_message(h, way, &m);
		off += HEADER + (uint64_t)r.length;
	}
	bm_assembler_clear(&a);
	return st == BM_LIMIT ? BM_OK : st;
}

enum bm_status
read_handshake(struct bm_carve *c, const struct item *item, struct handshake *h)
{
	*h = (struct handshake){.encrypted = {.max = BLOCK_MOST}};
	if (item->talk->transport != BM_TCP)
		return BM_OK;
	enum bm_status st = read_way(c, item, BM_FOUND_SERVER_TO_CLIENT, h);
	return st == BM_OK ? read_way(c, item, BM_FOUND_CLIENT_TO_SERVER, h) : st;
}

/* 00 02, padding without zeros, 00, 48 octets (RFC 8017, section 7.2.2). */
static bool
unpad(const uint8_t *block, size_t n, uint8_t out[BM_MASTER])
{
	if (n < 11 + BM_MASTER || block[0] != 0 || block[1] != 2 || block[n - BM_MASTER - 1] != 0 ||
		memchr(block + 2, 0, n - BM_MASTER - 3) != NULL)
		return false;
	memcpy(out, block + n - BM_MASTER, BM_MASTER);
	return true;
}

bool
premaster_of(const struct bm_carve *c, struct bm_view encrypted, uint8_t out[BM_MASTER])
{
	const struct bm_rsa *rsa;
	uint8_t block[BLOCK_MOST];
	bool found = false;

	for (size_t nth = 0; !found && (rsa = bm_keyring_rsa(c->keys, nth)) != NULL; nth++) {
		size_t n = bm_rsa_size(rsa);
		if (n != encrypted.n || n > sizeof block)
			continue;
		found = bm_rsa_decrypt(rsa, encrypted, block) == BM_OK && unpad(block, n, out);
		bm_wipe(block, sizeof block);
	}
	return found;
}
