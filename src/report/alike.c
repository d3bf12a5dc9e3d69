/* Which traits failures share, each against what is known of chance: of octets and bits by
 * arithmetic, of ends, suites and sizes by the records that were checked. */
#include "report/alike.h"

#include "base/chance.h"
#include "base/flips.h"
#include "report/alike_times.h"
#include "report/tally.h"

#include <stdlib.h>

enum {
	FEW_BITS = 4, /* of more, none was flipped by itself */
	HEADER = 5,   /* octets of a record, whose damage has no free place */
	PLACES = 64,
	PAGE = 4096,
	SEGMENT = 1460
};

struct bm_alike {
	struct bm_tally tally[BM_TRAITS_OF_ONE];
	struct bm_alike_times times;
	uint64_t failures, longest;
};

struct bm_alike *
bm_alike_new(void)
{
	return calloc(1, sizeof(struct bm_alike));
}

void
bm_alike_free(struct bm_alike *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < BM_TRAITS_OF_ONE; i++)
		bm_tally_clear(&a->tally[i]);
	bm_alike_times_clear(&a->times);
	free(a);
}

static struct bm_tally_key
number(uint64_t n)
{
	return (struct bm_tally_key){{n, 0, 0}};
}

static struct bm_tally_key
end_of(const struct bm_address *a, bool with_port)
{
	struct bm_tally_key k = {{0}};

	memcpy(k.word, a->ip, sizeof a->ip);
	k.word[2] = (uint64_t)a->family << 16 | (with_port ? a->port : 0);
	return k;
}

static struct bm_address
address_of(const struct bm_tally_key *k)
{
	struct bm_address a = {.family = (uint8_t)(k->word[2] >> 16), .port = k->word[2] & 0xffff};

	memcpy(a.ip, k->word, sizeof a.ip);
	return a;
}

/* The records that were checked, of which any could have failed. */
static void
count_records(struct bm_alike *a, const struct bm_connection *c, bool listed)
{
	for (unsigned way = 0; way < 2; way++) {
		uint64_t n = c->records[way].verified + c->records[way].failed;
		bm_tally_records(&a->tally[BM_TRAIT_DIRECTION], number(way), n);
		bm_tally_records(&a->tally[BM_TRAIT_SERVER], end_of(&c->server, true), n);
		bm_tally_records(&a->tally[BM_TRAIT_CLIENT], end_of(&c->client, false), n);
		/* A suite that is not known is a value too: it takes its share. */
		bm_tally_records(
			&a->tally[BM_TRAIT_SUITE], number(c->has_suite ? c->suite : BM_UNKNOWN), n);
	}
	for (size_t i = 0; listed && i < c->course->record_count; i++)
		if (c->course->records[i].state <= BM_JUDGED_FAILED)
			bm_tally_records(&a->tally[BM_TRAIT_SIZE], number(c->course->records[i].len), 1);
}

static void
note(struct bm_alike *a, enum bm_trait t, uint64_t value)
{
	if (value != BM_UNKNOWN)
		bm_tally_failure(&a->tally[t], number(value));
}

static void
note_bits(struct bm_alike *a, const struct bm_failure *f)
{
	struct bm_flips x = {.bits = 0};

	for (size_t i = 0; i < f->damage_count; i++)
		if (f->damage[i].sent_known)
			bm_flips_add(&x, f->damage[i].sent, f->damage[i].received);
	if (x.bits == 0 || x.bits > FEW_BITS)
		return;
	if (bm_flips_column(&x) >= 0)
		note(a, BM_TRAIT_BIT, (uint64_t)bm_flips_column(&x));
	if (x.to != 3)
		note(a, BM_TRAIT_WAY, x.to >> 1);
}

/* Where the damage begins, where it could have begun anywhere: not of a header or a tag. */
static void
note_place(struct bm_alike *a, const struct bm_failure *f)
{
	const struct bm_damage *d = f->damage_count != 0 ? &f->damage[0] : NULL;

	if (d == NULL || d->record_offset == BM_UNKNOWN || d->record_offset < HEADER ||
		f->cause == BM_CAUSE_TAG_DAMAGED)
		return;
	note(a, BM_TRAIT_MOD64, d->record_offset % PLACES);
	note(a, BM_TRAIT_MOD4096, d->record_offset % PAGE);
	note(a, BM_TRAIT_OFFSET, d->record_offset);
	note(a, BM_TRAIT_FRAME, d->packet_offset);
}

static void
count_failure(struct bm_alike *a, const struct bm_connection *c, const struct bm_failure *f)
{
	a->failures++;
	if (f->length != BM_UNKNOWN && f->length > a->longest)
		a->longest = f->length;
	note_bits(a, f);
	note_place(a, f);
	note(a, BM_TRAIT_DIRECTION, f->direction);
	bm_tally_failure(&a->tally[BM_TRAIT_SERVER], end_of(&c->server, true));
	bm_tally_failure(&a->tally[BM_TRAIT_CLIENT], end_of(&c->client, false));
	note(a, BM_TRAIT_SUITE, c->has_suite ? c->suite : BM_UNKNOWN);
	note(a, BM_TRAIT_SIZE, f->length);
}

void
bm_alike_connection(struct bm_alike *a, const struct bm_connection *c, bool listed)
{
	count_records(a, c, listed);
	for (size_t i = 0; i < c->failure_count; i++)
		count_failure(a, c, &c->failures[i]);
	if (listed)
		bm_alike_times_add(&a->times, c);
}

/* How many values a trait has that are as likely as each other; 0: its shares are counted. */
static uint64_t
values_of(const struct bm_alike *a, enum bm_trait t)
{
	uint64_t span = a->longest > PLACES ? a->longest : PLACES;

	switch (t) {
	case BM_TRAIT_BIT:
		return 8;
	case BM_TRAIT_WAY:
		return 2;
	case BM_TRAIT_MOD64:
		return PLACES;
	case BM_TRAIT_MOD4096:
		return span < PAGE ? span : PAGE;
	case BM_TRAIT_OFFSET:
		return span;
	case BM_TRAIT_FRAME:
		return span < SEGMENT ? span : SEGMENT;
	default:
		return 0;
	}
}

static void
state(struct bm_alike_result *r, const struct bm_alike_found *x)
{
	size_t at = r->n;

	if (x->ln_chance > BM_LN_RARE)
		return;
	for (; at > 0 && r->found[at - 1].ln_chance > x->ln_chance; at--)
		r->found[at] = r->found[at - 1];
	r->found[at] = *x;
	r->n++;
}

static void
compare(const struct bm_alike *a, enum bm_trait t, struct bm_alike_result *r)
{
	const struct bm_tally *all = &a->tally[t];
	const struct bm_tally_slot *most = bm_tally_most(all);
	uint64_t values = values_of(a, t);

	/* Where nothing is known of what was checked, nothing is known of chance. */
	if (all->failures < 2 || (values == 0 && most->records == 0))
		return;
	r->compared++;
	if (most->failures < 2)
		return;
	struct bm_alike_found x = {.trait = t,
		.value = most->key.word[0],
		.with = most->failures,
		.of = all->failures,
		.values = values,
		.records = most->records,
		.of_records = all->records};
	if (t == BM_TRAIT_SERVER || t == BM_TRAIT_CLIENT)
		x.address = address_of(&most->key);
	x.ln_chance = values != 0 ? bm_ln_any_of(x.of, x.with, 1 / (double)values, values, 1)
							  : bm_tally_ln_agree(all, x.with);
	state(r, &x);
}

/* One place is one place modulo 64 too: that is said once. */
static void
drop_moduli(struct bm_alike_result *r)
{
	uint64_t with = 0;
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->found[i].trait == BM_TRAIT_OFFSET)
			with = r->found[i].with;
	for (size_t i = 0; i < r->n; i++) {
		enum bm_trait t = r->found[i].trait;
		bool modulus = t == BM_TRAIT_MOD64 || t == BM_TRAIT_MOD4096;
		if (!modulus || r->found[i].with > with)
			r->found[kept++] = r->found[i];
	}
	r->n = kept;
}

bool
bm_alike_find(struct bm_alike *a, struct bm_alike_result *r)
{
	struct bm_alike_found beat = {.trait = BM_TRAIT_BEAT}, day = {.trait = BM_TRAIT_DAY};

	*r = (struct bm_alike_result){.compared = 0};
	if (a->failures < 2)
		return false;
	for (enum bm_trait t = 0; t < BM_TRAITS_OF_ONE; t++)
		compare(a, t, r);
	bm_alike_times_sort(&a->times);
	r->compared += bm_alike_times_compared(&a->times);
	if (bm_alike_beat(&a->times, &beat))
		state(r, &beat);
	if (bm_alike_day(&a->times, &day))
		state(r, &day);
	drop_moduli(r);
	return true;
}
