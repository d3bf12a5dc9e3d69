/* A table of what tells connections apart wherever they are seen: the client random, or addresses
 * where no ClientHello was captured. Refuses to know captures. */
#include "api/twins.h"

#include <stdlib.h>

enum { SLOTS = 1 << 17, USED_MAX = SLOTS / 2, NAME = 40 };

struct twin {
	uint8_t name[NAME];
	uint32_t site; /* and 1 more; 0: free */
};

static void
name_of(const struct bm_connection *c, uint8_t name[NAME])
{
	const struct bm_address *ends[2] = {&c->client, &c->server};

	memset(name, 0, NAME);
	if (c->has_client_random) {
		memcpy(name, c->client_random, sizeof c->client_random);
		return;
	}
	for (size_t i = 0; i < 2; i++, name += NAME / 2) {
		memcpy(name, ends[i]->ip, 16);
		name[16] = (uint8_t)(ends[i]->port >> 8);
		name[17] = (uint8_t)ends[i]->port;
		name[18] = ends[i]->family;
	}
}

/* FNV-1a. Names that collide on purpose are probed for a bounded while only. */
static uint32_t
hash(const uint8_t name[NAME])
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < NAME; i++)
		h = (h ^ name[i]) * 16777619u;
	return h;
}

unsigned
twins_seen(struct twins *t, const struct bm_connection *c, uint32_t site)
{
	uint8_t name[NAME];

	if (!t->wanted)
		return 0;
	if (t->slot == NULL)
		t->slot = calloc(SLOTS, sizeof *t->slot);
	if (t->slot == NULL)
		return 0;
	name_of(c, name);
	uint32_t h = hash(name);
	for (uint32_t i = 0; i < 64; i++) {
		struct twin *s = &t->slot[(h + i) % SLOTS];
		if (s->site == 0) {
			if (t->used < USED_MAX) {
				t->used++;
				memcpy(s->name, name, sizeof s->name);
				s->site = site + 1;
			}
			return 0;
		}
		if (memcmp(s->name, name, sizeof s->name) == 0)
			return s->site != site + 1;
	}
	return 0;
}

void
twins_clear(struct twins *t)
{
	free(t->slot);
	memset(t, 0, sizeof *t);
}
