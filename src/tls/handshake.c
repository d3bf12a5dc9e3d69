/* Handshake messages other than the hellos. Reads; refuses to judge. */
#include "tls/extensions.h"

bool
bm_encrypted_extensions_parse(struct bm_view body, struct bm_extensions *ext)
{
	struct bm_reader r = bm_reader(body);
	struct bm_view block = bm_vec16(&r);

	return bm_extensions_parse(block, true, ext) && !r.bad && bm_left(&r) == 0;
}

bool
bm_ticket_parse(struct bm_view body, struct bm_view *ticket)
{
	struct bm_reader r = bm_reader(body);

	bm_skip(&r, 4); /* lifetime hint */
	*ticket = bm_vec16(&r);
	return !r.bad && bm_left(&r) == 0;
}

bool
bm_certificate_parse(struct bm_view body, struct bm_view *der)
{
	struct bm_reader r = bm_reader(body);
	struct bm_reader list = bm_reader(bm_vec24(&r));

	*der = bm_vec24(&list);
	return !r.bad && bm_left(&r) == 0 && !list.bad && der->n != 0;
}

bool
bm_rsa_key_exchange_parse(struct bm_view body, unsigned version, struct bm_view *encrypted)
{
	struct bm_reader r = bm_reader(body);

	/* RFC 5246, section 7.4.7.1: most SSL 3.0 implementations had left the length out. */
	*encrypted = version == BM_SSL3 ? bm_take_rest(&r) : bm_vec16(&r);
	return !r.bad && bm_left(&r) == 0 && encrypted->n != 0;
}
