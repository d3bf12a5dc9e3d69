/* Records of a DTLS datagram: RFC 6347, RFC 9146 (connection ids), RFC 9147 (unified header).
 * Refuses to know epochs and keys. */
#include "tls/handshake.h"

enum {
	/* What OpenSSL spoke before RFC 4347 was done, and Cisco AnyConnect still does. */
	DTLS_BAD_VERSION = 0x0100,
	FRAGMENT_HEADER = 12,
	HELLO_MAX = 0x20200,
	FLIGHT_MAX = 8 /* message_seq of a hello that starts a connection */
};

static bool
is_record_version(uint16_t version)
{
	return bm_version_is_dtls(version) || version == DTLS_BAD_VERSION;
}

/* RFC 9147, section 4: 0 0 1 C S L E E. */
static bool
unified(struct bm_reader *rd, size_t cid_len, struct bm_dtls_record *r)
{
	size_t start = rd->off;
	uint8_t flags = bm_u8(rd);

	r->unified = true;
	r->epoch = flags & 3;
	/* Without its length a connection id has no end. */
	if ((flags & 0x10) != 0 && cid_len == 0)
		return false;
	r->cid = bm_take(rd, (flags & 0x10) != 0 ? cid_len : 0);
	r->seq_off = (uint16_t)(rd->off - start);
	r->seq_len = (flags & 0x08) != 0 ? 2 : 1;
	r->seq = r->seq_len == 2 ? bm_u16(rd) : bm_u8(rd);
	size_t length = (flags & 0x04) != 0 ? bm_u16(rd) : bm_left(rd);
	r->header = bm_view(rd->p + start, rd->off - start);
	r->body = bm_take(rd, length);
	return !rd->bad && length != 0 && length <= BM_BODY_MAX;
}

static bool
classic(struct bm_reader *rd, size_t cid_len, struct bm_dtls_record *r)
{
	size_t start = rd->off;

	r->type = bm_u8(rd);
	r->version = bm_u16(rd);
	r->epoch = bm_u16(rd);
	r->seq_off = 5;
	r->seq_len = 6;
	r->seq = (uint64_t)bm_u16(rd) << 32;
	r->seq |= bm_u32(rd);
	/* RFC 9146, section 4: an empty connection id has no records of its own type. */
	if (r->type == BM_TLS12_CID && cid_len == 0)
		return false;
	r->cid = bm_take(rd, r->type == BM_TLS12_CID ? cid_len : 0);
	size_t length = bm_u16(rd);
	r->header = bm_view(rd->p + start, rd->off - start);
	r->body = bm_take(rd, length);
	return !rd->bad && r->type >= BM_CCS && r->type <= BM_DTLS13_ACK &&
		   is_record_version(r->version) && length <= BM_BODY_MAX;
}

bool
bm_dtls_next(struct bm_reader *datagram, size_t cid_len, struct bm_dtls_record *r, bool *bad)
{
	*bad = false;
	memset(r, 0, sizeof *r);
	if (bm_left(datagram) == 0)
		return false;
	/* RFC 9146 and RFC 9147 give a connection id 255 bytes. */
	bool ok = cid_len <= 255;
	if (ok && datagram->p[datagram->off] >> 5 == 1)
		ok = unified(datagram, cid_len, r);
	else if (ok)
		ok = classic(datagram, cid_len, r);
	if (!ok) {
		/* RFC 6347, section 4.1.2.7: what is invalid is discarded, and with it what follows. */
		datagram->bad = true;
		memset(r, 0, sizeof *r);
		*bad = true;
	}
	return ok;
}

static bool
hello_starts(struct bm_view fragment)
{
	struct bm_reader r = bm_reader(fragment);
	uint8_t type = bm_u8(&r);
	size_t length = bm_u24(&r);
	unsigned seq = bm_u16(&r);
	size_t off = bm_u24(&r);
	size_t n = bm_u24(&r);
	struct bm_view data = bm_take(&r, n);

	if (r.bad || length > HELLO_MAX || seq >= FLIGHT_MAX || off + n > length)
		return false;
	if (type == BM_HELLO_VERIFY_REQUEST) {
		/* RFC 6347, section 4.2.1: a version and a cookie. */
		if (length < 3 || length > 3 + 255)
			return false;
	} else if ((type != BM_CLIENT_HELLO && type != BM_SERVER_HELLO) || length < 38) {
		return false;
	}
	return off != 0 || n < 2 || is_record_version(bm_load16(data.p));
}

bool
bm_dtls_starts(struct bm_view datagram)
{
	struct bm_reader rd = bm_reader(datagram);
	struct bm_dtls_record r;
	bool bad;

	return bm_dtls_next(&rd, 0, &r, &bad) && !r.unified && r.type == BM_HANDSHAKE && r.epoch == 0 &&
		   hello_starts(r.body);
}
