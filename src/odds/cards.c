/* From a survey of a host to what matters for bad checksums. Refuses to know how it is read. */
#include "odds/cards.h"

#include "host/model.h"

#include <stdio.h>
#include <string.h>

static bool
is_card(const struct bm_link *l)
{
	switch (l->kind) {
	case BM_LINK_UNKNOWN:
	case BM_LINK_DEVICE:
	case BM_LINK_VIRTIO:
	case BM_LINK_HYPERVISOR:
	case BM_LINK_USB:
	case BM_LINK_WIRELESS:
	case BM_LINK_VETH:
		return bm_link_is_used(l);
	default:
		return false;
	}
}

/* Sums that pass 2^64 stay there. */
static uint64_t
plus(uint64_t a, uint64_t b)
{
	if (a == UINT64_MAX)
		return b;
	return a > UINT64_MAX - 1 - b ? UINT64_MAX - 1 : a + b;
}

static uint64_t
errors(const struct bm_link *l, enum bm_stat_class kind, bool compared)
{
	uint64_t sum = UINT64_MAX;

	for (size_t i = 0; i < l->stat_count; i++) {
		const struct bm_stat *s = &l->stats[i];
		if (s->kind == kind && (!compared || s->added.known))
			sum = plus(sum, compared ? s->added.n : s->n);
	}
	return sum;
}

static uint64_t
memory_errors(const struct bm_host *h)
{
	uint64_t sum = UINT64_MAX;

	for (size_t i = 0; i < h->machine.controller_count; i++) {
		const struct bm_memory_controller *m = &h->machine.controllers[i];
		const struct bm_count *c = h->compared ? &m->corrected_added : &m->corrected;
		const struct bm_count *u = h->compared ? &m->uncorrected_added : &m->uncorrected;
		if (c->known)
			sum = plus(sum, c->n);
		if (u->known)
			sum = plus(sum, u->n);
	}
	return sum;
}

void
bm_odds_take_cards(const struct bm_host *h, struct bm_odds_cards *out)
{
	*out = (struct bm_odds_cards){.known = true, .memory_errors = memory_errors(h)};
	for (size_t i = 0; i < h->link_count; i++) {
		const struct bm_link *l = &h->links[i];
		if (!is_card(l))
			continue;
		if (out->count == BM_ODDS_CARDS) {
			out->more = true;
			break;
		}
		struct bm_odds_card *c = &out->at[out->count++];
		(void)snprintf(c->name, sizeof c->name, "%s", l->name != NULL ? l->name : "?");
		(void)snprintf(c->driver, sizeof c->driver, "%s", l->driver != NULL ? l->driver : "");
		const struct bm_feature *rx = bm_link_feature(l, "rx-checksum");
		c->rx_checksum = rx != NULL ? rx->on : -1;
		c->checksum_errors = errors(l, BM_STAT_CHECKSUM, h->compared);
		c->frame_errors = errors(l, BM_STAT_FRAME, h->compared);
	}
}

uint64_t
bm_odds_cards_checksum_errors(const struct bm_odds_cards *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->count; i++)
		if (c->at[i].checksum_errors != UINT64_MAX)
			sum = plus(sum, c->at[i].checksum_errors);
	return sum;
}

const char *
bm_odds_card_that_vouches(const struct bm_odds_cards *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->at[i].rx_checksum == 1)
			return c->at[i].name;
	return NULL;
}
