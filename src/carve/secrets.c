/* The lines of a key log that open the connections which are written, and no others. Refuses to
 * know where the secrets came from. */
#include "carve/internal.h"

enum { SECRET_MOST = 128, LINE_MOST = 64 + 2 * (64 + SECRET_MOST) };

static const struct {
	enum bm_label label;
	const char *name;
} by_random[] = {
	{BM_LABEL_CLIENT_RANDOM, "CLIENT_RANDOM "},
	{BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET, "CLIENT_EARLY_TRAFFIC_SECRET "},
	{BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET, "CLIENT_HANDSHAKE_TRAFFIC_SECRET "},
	{BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET, "SERVER_HANDSHAKE_TRAFFIC_SECRET "},
	{BM_LABEL_CLIENT_TRAFFIC_SECRET_0, "CLIENT_TRAFFIC_SECRET_0 "},
	{BM_LABEL_SERVER_TRAFFIC_SECRET_0, "SERVER_TRAFFIC_SECRET_0 "},
	{BM_LABEL_EARLY_EXPORTER_SECRET, "EARLY_EXPORTER_SECRET "},
	{BM_LABEL_EXPORTER_SECRET, "EXPORTER_SECRET "},
	{BM_LABEL_PMS_CLIENT_RANDOM, "PMS_CLIENT_RANDOM "},
};

static enum bm_status
add_text(struct bm_carve *c, const char *text)
{
	return bm_buf_add(&c->secrets, bm_view(text, strlen(text)));
}

static enum bm_status
add_hex(struct bm_carve *c, struct bm_view v)
{
	char hex[2 * SECRET_MOST + 1];

	if (v.n > SECRET_MOST)
		return BM_UNSUPPORTED;
	bm_hex(v, hex);
	enum bm_status st = bm_buf_add(&c->secrets, bm_view(hex, 2 * v.n));
	bm_wipe(hex, sizeof hex);
	return st;
}

/* Grown in a way that leaves no copy behind: room for a line is made by hand. */
static enum bm_status
make_room(struct bm_carve *c)
{
	struct bm_buf more = {.max = c->secrets.max};

	if (c->secrets.cap - c->secrets.n >= LINE_MOST)
		return BM_OK;
	enum bm_status st = bm_buf_reserve(&more, 2 * c->secrets.n + 16 * LINE_MOST);
	if (st == BM_OK)
		st = bm_buf_add(&more, bm_buf_view(&c->secrets));
	if (st != BM_OK) {
		bm_buf_wipe(&more);
		return st;
	}
	bm_buf_wipe(&c->secrets);
	c->secrets = more;
	return BM_OK;
}

static enum bm_status
add_line(struct bm_carve *c, const char *name, struct bm_view id, const char *between,
	struct bm_view secret)
{
	enum bm_status st = make_room(c);
	size_t before = c->secrets.n;

	if (st == BM_OK)
		st = add_text(c, name);
	if (st == BM_OK)
		st = add_hex(c, id);
	if (st == BM_OK)
		st = add_text(c, between);
	if (st == BM_OK)
		st = add_hex(c, secret);
	if (st == BM_OK)
		st = add_text(c, "\n");
	if (st == BM_UNSUPPORTED) {
		c->secrets.n = before; /* longer than any line of a key log */
		st = BM_OK;
	}
	return st;
}

static enum bm_status
add_by_random(struct bm_carve *c, struct bm_view random)
{
	enum bm_status st = BM_OK;
	struct bm_secret secret;

	for (size_t l = 0; l < sizeof by_random / sizeof by_random[0]; l++)
		for (size_t nth = 0;
			 st == BM_OK && bm_keyring_find(c->keys, by_random[l].label, random, nth, &secret);
			 nth++) {
			st = add_line(c, by_random[l].name, random, " ", secret.bytes);
		}
	return st;
}

/* Secrets that are found by what the handshake has: the session's id, the encrypted premaster
 * secret, and what a private key makes of that. */
static enum bm_status
add_by_handshake(struct bm_carve *c, const struct item *item, struct bm_view random)
{
	uint8_t premaster[BM_MASTER];
	struct bm_secret secret;
	struct handshake h;
	enum bm_status st = read_handshake(c, item, &h);
	struct bm_view id = bm_view(h.session_id, h.session_id_len);
	struct bm_view head = bm_view(h.encrypted.p, h.encrypted.n >= 8 ? 8 : 0);

	if (st == BM_OK && bm_keyring_find(c->keys, BM_LABEL_RSA_SESSION_ID, id, 0, &secret))
		st = add_line(c, "RSA Session-ID:", id, " Master-Key:", secret.bytes);
	if (st == BM_OK && bm_keyring_find(c->keys, BM_LABEL_RSA, head, 0, &secret))
		st = add_line(c, "RSA ", head, " ", secret.bytes);
	else if (st == BM_OK && premaster_of(c, bm_buf_view(&h.encrypted), premaster)) {
		st = add_line(c, "PMS_CLIENT_RANDOM ", random, " ", bm_view(premaster, sizeof premaster));
		bm_wipe(premaster, sizeof premaster);
	}
	bm_buf_clear(&h.encrypted);
	return st;
}

static enum bm_status
gather(struct bm_carve *c, const struct item *item)
{
	const struct bm_found_connection *f = item->found;
	struct bm_view random = bm_view(f->client_random, f->has_client_random ? BM_RANDOM : 0);
	size_t before = c->secrets.n;
	enum bm_status st = add_by_random(c, random);

	if (st == BM_OK && c->secrets.n == before)
		st = add_by_handshake(c, item, random);
	if (st == BM_OK && c->secrets.n == before && !c->options.no_secrets &&
		!bm_keyring_empty(c->keys))
		carve_say(c, false, "connection %llu: no secrets that open it are written: %s",
			(unsigned long long)f->id,
			f->has_client_random
				? "none of those given can be told to be its own by its client random, its session "
				  "id or its key exchange; give with -k those that the report was made with"
				: "the report does not tell its client random");
	return st;
}

/* Once, however many connections there are. */
static void
tell_no_keys(struct bm_carve *c)
{
	bool opened = false;

	for (size_t i = 0; i < c->item_count; i++)
		opened = opened || (c->items[i].in_capture && c->items[i].found->keys != NULL);
	carve_say(c, false,
		"no secrets are written, for none were given: nobody can decrypt the file by itself; %s",
		opened ? "give with -k the key material that the report was made with, or say --no-secrets"
			   : "give a key log or a private key with -k, or say --no-secrets");
}

enum bm_status
gather_secrets(struct bm_carve *c)
{
	enum bm_status st = BM_OK;

	for (size_t i = 0; st == BM_OK && i < c->item_count; i++)
		if (c->items[i].in_capture)
			st = gather(c, &c->items[i]);
	if (st == BM_OK && bm_keyring_empty(c->keys) && !c->options.no_secrets &&
		bm_carve_packets(c) != 0)
		tell_no_keys(c);
	return st;
}
