/* Keys of connections that a claim calls another one. Refuses to judge. */
#include "prove/internal.h"

#include <stdlib.h>

enum { OTHERS_MOST = 1 << 12 };

static bool
is_named_other(const struct bm_prove *p, const char *sender, const char *receiver)
{
	for (size_t i = 0; i < p->claims->connection_count; i++) {
		const struct badmac_claimed_connection *c = &p->claims->connections[i];
		for (size_t k = 0; k < c->failure_count; k++) {
			const struct badmac_claimed_change *a = &c->failures[k].altered;
			if (c->failures[k].has_proof && c->failures[k].has_altered && a->sender != NULL &&
				a->receiver != NULL && strcmp(a->sender, sender) == 0 &&
				strcmp(a->receiver, receiver) == 0)
				return true;
		}
	}
	return false;
}

void
others_take(struct bm_prove *p, const struct bm_session *s)
{
	const struct bm_flow *f = bm_session_flow(s);
	enum bm_way client = bm_session_facts(s)->client_way;

	for (unsigned side = 0; side < 2 && p->others_wanted; side++) {
		enum bm_way way = side == BM_CLIENT ? client : (enum bm_way)(1 - client);
		struct others o = {
			*bm_flow_source(f, way), *bm_flow_source(f, (enum bm_way)(1 - way)), NULL, 0};
		char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];
		bm_address_text(&o.sender, from);
		bm_address_text(&o.receiver, to);
		if (!is_named_other(p, from, to))
			continue;
		void *items = p->others;
		enum bm_status st =
			bm_grow(&items, &p->others_cap, p->others_count + 1, OTHERS_MOST, sizeof o);
		p->others = items;
		if (st == BM_LIMIT) {
			p->cut = true;
			return;
		}
		if (st != BM_OK || !keys_copy(s, &o.keys, &o.key_count)) {
			p->status = BM_NOMEM;
			return;
		}
		/* Those of the sender alone. */
		size_t n = 0;
		for (size_t i = 0; i < o.key_count; i++)
			if (o.keys[i].side == side)
				o.keys[n++] = o.keys[i];
		bm_wipe(o.keys + n, (o.key_count - n) * sizeof *o.keys);
		o.key_count = n;
		p->others[p->others_count++] = o;
	}
}

const struct others *
others_of(const struct bm_prove *p, const char *sender, const char *receiver)
{
	char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < p->others_count; i++) {
		bm_address_text(&p->others[i].sender, from);
		bm_address_text(&p->others[i].receiver, to);
		if (strcmp(from, sender) == 0 && strcmp(to, receiver) == 0)
			return &p->others[i];
	}
	return NULL;
}

void
others_free(struct bm_prove *p)
{
	for (size_t i = 0; i < p->others_count; i++)
		keys_free(p->others[i].keys, p->others[i].key_count);
	free(p->others);
}
