/* Extensions of hellos. Refuses to know what follows from them. */
#include "tls/extensions.h"

enum extension {
	SERVER_NAME = 0,
	MAX_FRAGMENT_LENGTH = 1,
	TRUNCATED_HMAC = 4,
	ALPN = 16,
	ENCRYPT_THEN_MAC = 22,
	EXTENDED_MASTER_SECRET = 23,
	RECORD_SIZE_LIMIT = 28,
	SESSION_TICKET = 35,
	PRE_SHARED_KEY = 41,
	EARLY_DATA = 42,
	SUPPORTED_VERSIONS = 43,
	CONNECTION_ID = 54,
	RENEGOTIATION_INFO = 0xff01
};

void
bm_select_version(struct bm_extensions *ext, unsigned version)
{
	ext->draft = 0;
	ext->selected_version = (uint16_t)version;
	switch (version >> 8) {
	case 0x7f: /* RFC 8446's drafts, section 4.2.1 */
	case 0xfb: /* Facebook's variants of them */
		ext->draft = version & 0xff;
		break;
	case 0x7e: /* Google's experiments with middleboxes, keyed like draft 18 */
		ext->draft = 18;
		break;
	default:
		return;
	}
	ext->selected_version = BM_TLS13;
}

/* The contents of a vector that fills v to its end; empty when there is none. */
static struct bm_view
only(struct bm_view v, bool wide)
{
	struct bm_reader r = bm_reader(v);
	struct bm_view inner = wide ? bm_vec16(&r) : bm_vec8(&r);

	return !r.bad && bm_left(&r) == 0 ? inner : bm_view(NULL, 0);
}

/* RFC 6066, section 3: a list of names with types, of which only host_name (0) is defined. */
static struct bm_view
host_name(struct bm_view data)
{
	struct bm_reader r = bm_reader(only(data, true));

	while (bm_left(&r) != 0) {
		uint8_t type = bm_u8(&r);
		struct bm_view name = bm_vec16(&r);
		if (type == 0)
			return name;
	}
	return bm_view(NULL, 0);
}

static struct bm_view
first_protocol(struct bm_view data)
{
	struct bm_reader r = bm_reader(only(data, true));

	return bm_vec8(&r);
}

/* RFC 8446, section 4.2.11: identities, each with an age, then binders. */
static struct bm_view
first_identity(struct bm_view data)
{
	struct bm_reader r = bm_reader(data);
	struct bm_reader identities = bm_reader(bm_vec16(&r));

	return bm_vec16(&identities);
}

static uint16_t
number(struct bm_view data)
{
	return data.n == 2 ? bm_load16(data.p) : 0;
}

/* Those that mean the same from either side. */
static void
from_either(unsigned type, struct bm_view data, struct bm_extensions *ext)
{
	switch (type) {
	case MAX_FRAGMENT_LENGTH:
		if (data.n == 1 && data.p[0] >= 1 && data.p[0] <= 4)
			ext->max_fragment_length = data.p[0];
		break;
	case TRUNCATED_HMAC:
		ext->truncated_hmac = true;
		break;
	case ALPN:
		ext->alpn = first_protocol(data);
		break;
	case ENCRYPT_THEN_MAC:
		ext->encrypt_then_mac = true;
		break;
	case EXTENDED_MASTER_SECRET:
		ext->extended_master_secret = true;
		break;
	case RECORD_SIZE_LIMIT:
		ext->record_size_limit = number(data);
		break;
	case EARLY_DATA:
		ext->early_data = true;
		break;
	case CONNECTION_ID:
		/* RFC 9146, section 3: a vector with an 8-bit length, which may be empty. */
		if (data.n >= 1 && data.n == 1 + (size_t)data.p[0]) {
			ext->connection_id = true;
			ext->cid = only(data, false);
		}
		break;
	case RENEGOTIATION_INFO:
		ext->renegotiation_info = true;
		break;
	default:
		break;
	}
}

static void
from_client(unsigned type, struct bm_view data, struct bm_extensions *ext)
{
	switch (type) {
	case SERVER_NAME:
		ext->server_name = host_name(data);
		break;
	case SESSION_TICKET:
		ext->session_ticket = true;
		ext->ticket = data;
		break;
	case PRE_SHARED_KEY:
		ext->pre_shared_key = true;
		ext->psk_identity = first_identity(data);
		break;
	case SUPPORTED_VERSIONS:
		ext->supported_versions = only(data, false);
		break;
	default:
		from_either(type, data, ext);
		break;
	}
}

static void
from_server(unsigned type, struct bm_view data, struct bm_extensions *ext)
{
	switch (type) {
	case SESSION_TICKET:
		ext->session_ticket = true;
		break;
	case PRE_SHARED_KEY:
		if (data.n == 2) {
			ext->pre_shared_key = true;
			ext->selected_identity = bm_load16(data.p);
		}
		break;
	case SUPPORTED_VERSIONS:
		if (data.n == 2)
			bm_select_version(ext, bm_load16(data.p));
		break;
	default:
		from_either(type, data, ext);
		break;
	}
}

/* A bit for each extension that is read, to tell duplicates. */
static unsigned
bit_of(unsigned type)
{
	if (type == RENEGOTIATION_INFO)
		return 63;
	return type < 63 ? type : 64;
}

bool
bm_extensions_parse(struct bm_view block, bool server, struct bm_extensions *ext)
{
	struct bm_reader r = bm_reader(block);
	uint64_t seen = 0;

	memset(ext, 0, sizeof *ext);
	while (bm_left(&r) != 0) {
		unsigned type = bm_u16(&r);
		struct bm_view data = bm_vec16(&r);
		unsigned bit = bit_of(type);
		if (r.bad)
			break;
		if (bit == 64 || (seen >> bit & 1) != 0)
			continue;
		seen |= (uint64_t)1 << bit;
		if (server)
			from_server(type, data, ext);
		else
			from_client(type, data, ext);
	}
	return !r.bad;
}
