/* Follows a connection by its record headers and its ServerHello (RFC 5246, 8446). Refuses to know
 * keys. */
#include "lab/tls.h"

#include "tls/handshake.h"

size_t
lab_record_length(const uint8_t *p, size_t n, bool *bad)
{
	/* What is no TLS shows from the first octet on, and does not wait for five. */
	*bad = (n > 0 && (p[0] < BM_CCS || p[0] > BM_HEARTBEAT)) || (n > 1 && p[1] != 3);
	if (*bad || n < BM_HEADER)
		return 0;
	struct bm_record_header h = bm_record_header(p);
	*bad = !bm_record_plausible(h, 0);
	return *bad ? 0 : BM_HEADER + (size_t)h.length;
}

static void
read_server_hello(struct lab_tls *t, struct bm_view record)
{
	struct bm_reader r = bm_reader(record);
	struct bm_hello h;

	bm_skip(&r, BM_HEADER);
	uint8_t type = bm_u8(&r);
	struct bm_view body = bm_vec24(&r);
	if (r.bad || type != BM_SERVER_HELLO || !bm_server_hello_parse(body, &h) ||
		h.hello_retry_request)
		return;
	t->version = bm_hello_version(&h);
	t->suite = bm_suite_find(h.suite);
	t->encrypt_then_mac = h.ext.encrypt_then_mac;
}

static void
measure(const struct lab_tls *t, struct lab_record *out)
{
	const struct bm_suite *s = t->suite;

	if (s == NULL || !s->verifiable)
		return;
	out->tag = s->tag_len;
	if (s->tag_len != 0) {
		out->front = t->version < BM_TLS13 && s->fixed_iv_len == 4 ? 8 : 0;
		return;
	}
	size_t block = s->mode == BM_MODE_CBC ? bm_cipher_block(s->cipher) : 0;
	bool etm = t->encrypt_then_mac && block != 0;
	if (block != 0 && t->version >= BM_TLS11)
		out->front = block;
	if (etm || block == 0)
		out->tag = bm_hash_size(s->mac);
	else
		out->hidden = bm_hash_size(s->mac) + block;
}

static bool
is_protected(struct lab_tls *t, enum lab_direction d, uint8_t type)
{
	if (t->version < BM_TLS13)
		return t->side[d].protects;
	return type == BM_APPLICATION_DATA;
}

/* TLS 1.3: a server may go on behind its Finished at once, with tickets or content. Its length is
 * the hash's. */
static bool
is_server_finished(const struct lab_tls *t, enum lab_direction d, size_t n)
{
	enum { HEAD = 4, INNER_TYPE = 1 };

	return d == LAB_S2C && !t->client_finished && t->suite != NULL && t->suite->verifiable &&
		   n == BM_HEADER + HEAD + bm_hash_size(t->suite->prf) + INNER_TYPE + t->suite->tag_len;
}

void
lab_tls_record(
	struct lab_tls *t, enum lab_direction d, struct bm_view bytes, struct lab_record *out)
{
	uint8_t type = bytes.p[0];

	*out = (struct lab_record){.direction = d, .bytes = bytes, .type = type};
	if (is_protected(t, d, type)) {
		bool thirteen = t->version >= BM_TLS13;
		out->sequence = t->side[d].next++;
		measure(t, out);
		out->application = type == BM_APPLICATION_DATA && (!thirteen || t->client_finished);
		if (out->application)
			out->index = t->side[d].applications++;
		if (thirteen && is_server_finished(t, d, bytes.n)) {
			t->server_finished = true;
			t->side[LAB_S2C].next = 0;
		}
		if (thirteen && d == LAB_C2S && !t->client_finished) {
			t->client_finished = true;
			t->side[LAB_C2S].next = 0;
			if (!t->server_finished)
				t->side[LAB_S2C].next = 0;
		}
	} else if (d == LAB_S2C && type == BM_HANDSHAKE && t->version == 0) {
		read_server_hello(t, bytes);
	} else if (type == BM_CCS && t->version < BM_TLS13) {
		t->side[d].protects = true;
		t->side[d].next = 0;
	}
}
