/* From what the report says of a connection to its ends and the place where they were seen. Refuses
 * to read a frame. */
#include "carve/internal.h"

#include <arpa/inet.h>
#include <stdlib.h>

static bool
parse_address(const char *text, struct bm_address *out)
{
	char host[BM_ADDRESS_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';

	memset(out, 0, sizeof *out);
	if (colon == NULL || (size_t)(colon - text) >= sizeof host || colon == text)
		return false;
	size_t n = (size_t)(colon - text);
	if (six && (n < 2 || text[n - 1] != ']'))
		return false;
	memcpy(host, text + six, n - (six ? 2u : 0u));
	host[n - (six ? 2u : 0u)] = '\0';
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > UINT16_MAX)
		return false;
	out->port = (uint16_t)port;
	out->family = six ? 6 : 4;
	return inet_pton(six ? AF_INET6 : AF_INET, host, out->ip) == 1;
}

/* The same for both directions. */
static size_t
bucket(const struct bm_address *a, const struct bm_address *b)
{
	uint32_t h = (uint32_t)(a->port ^ b->port) * 2654435761u;

	for (size_t i = 0; i < sizeof a->ip; i += 4)
		h = (h ^ bm_load32(a->ip + i) ^ bm_load32(b->ip + i)) * 2654435761u;
	return (h >> 16) % BUCKETS;
}

struct talk *
find_talk(const struct bm_carve *c, uint32_t site, enum bm_transport transport,
	const struct bm_address *a, const struct bm_address *b, unsigned *way)
{
	for (struct talk *t = c->talks[bucket(a, b)]; t != NULL; t = t->next) {
		if (t->site != site || t->transport != transport)
			continue;
		*way =
			bm_address_equal(a, &t->client) ? BM_FOUND_CLIENT_TO_SERVER : BM_FOUND_SERVER_TO_CLIENT;
		if ((bm_address_equal(a, &t->client) && bm_address_equal(b, &t->server)) ||
			(bm_address_equal(a, &t->server) && bm_address_equal(b, &t->client)))
			return t;
	}
	return NULL;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Where the report says that the connection was seen. The files may lie elsewhere by now; of one
 * place alone, whatever it is called, it is there. */
static bool
site_of(const struct bm_carve *c, const char *capture, uint32_t *site)
{
	bool several = false;

	for (int exact = 1; exact >= 0 && capture != NULL; exact--)
		for (size_t i = 0; i < c->inputs.n; i++) {
			const struct input *in = &c->inputs.item[i];
			*site = in->site;
			if (exact ? strcmp(in->site_name, capture) == 0
					  : strcmp(base_name(in->site_name), base_name(capture)) == 0)
				return true;
		}
	for (size_t i = 0; i < c->inputs.n; i++) {
		*site = c->inputs.item[i].site;
		several = several || *site != c->inputs.item[0].site;
	}
	return !several;
}

void
find_ends(struct bm_carve *c, struct item *i)
{
	const struct bm_found_connection *f = i->found;
	enum bm_transport transport = f->transport == BM_FOUND_TCP ? BM_TCP : BM_UDP;
	struct bm_address client, server;
	uint32_t site = 0;
	unsigned way;

	if (!parse_address(f->client, &client) || !parse_address(f->server, &server)) {
		carve_say(c, true,
			"connection %llu: the report does not tell its addresses; it is left out",
			(unsigned long long)f->id);
		return;
	}
	if (!site_of(c, f->capture, &site)) {
		carve_say(c, true, "connection %llu: none of the captures is %s; it is left out",
			(unsigned long long)f->id, f->capture != NULL ? f->capture : "that of the report");
		return;
	}
	i->talk = find_talk(c, site, transport, &client, &server, &way);
	if (i->talk != NULL)
		return;
	struct talk *t = calloc(1, sizeof *t);
	if (t == NULL) {
		c->nomem = true;
		return;
	}
	struct talk **first = &c->talks[bucket(&client, &server)];
	*t = (struct talk){
		.site = site, .transport = transport, .client = client, .server = server, .next = *first};
	*first = i->talk = t;
}
