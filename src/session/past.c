/* The records that verified lately: to know one again, and what it was made from. Refuses to say
 * what it means that one comes again. */
#include "session/internal.h"

#include <stdlib.h>

#include "base/hash64.h"

uint64_t
fingerprint(const struct bm_wire *w)
{
	return bm_hash64(w->body, w->type);
}

const struct past *
find_twin(const struct half *h, const struct bm_wire *w)
{
	/* Fewer than 8 bytes repeat by chance. */
	if (w->body.n < 8)
		return NULL;
	uint64_t fp = fingerprint(w);
	for (size_t i = 0; i < h->past_count; i++) {
		const struct past *p = &h->past[i];
		if (p->fingerprint == fp && p->len == BM_HEADER + w->body.n)
			return p;
	}
	return NULL;
}

const struct past *
verified_at(const struct half *h, unsigned epoch, uint64_t seq)
{
	for (size_t i = 0; i < h->past_count; i++)
		if (h->past[i].epoch == epoch && h->past[i].seq == seq)
			return &h->past[i];
	return NULL;
}

bool
bm_session_sent_other(const struct bm_session *s, unsigned side, unsigned epoch, uint64_t seq,
	const struct bm_wire *w)
{
	const struct past *p = verified_at(&s->half[side], epoch, seq);

	return p != NULL && find_twin(&s->half[side], w) == NULL;
}

/* RFC 5288, section 3; RFC 6655, section 3. Elsewhere the number makes the nonce. */
static bool
has_explicit_nonce(const struct bm_protection *p)
{
	const struct bm_traffic_keys *k = bm_protection_keys(p);
	bool gcm_or_ccm = k->suite->mode == BM_MODE_GCM || k->suite->mode == BM_MODE_CCM;

	return gcm_or_ccm && (k->version == BM_TLS12 || k->version == BM_DTLS12);
}

/* Was the same keystream used for both? With CBC there is none. */
static bool
same_keystream(const struct bm_protection *p, const struct past *first, const struct bm_wire *w)
{
	const struct bm_suite *s = bm_protection_keys(p)->suite;

	if (has_explicit_nonce(p))
		return first != NULL && w->body.n >= sizeof first->before.nonce &&
			   bm_load64(w->body.p) == first->before.nonce;
	return s->mode != BM_MODE_CBC && s->cipher != BM_CIPHER_NULL;
}

void
note_first(
	const struct half *h, struct bm_case *c, const struct past *first, const struct bm_wire *w)
{
	if (first != NULL) {
		c->twin_seq = first->seq;
		c->twin_off = first->off;
		c->twin_packet = first->packet;
	}
	c->nonce_reused = same_keystream(h->keys, first, w);
}

void
note_twin(const struct half *h, struct bm_case *c, const struct past *twin)
{
	c->compared = h->past_count;
	if (twin == NULL)
		return;
	c->identical = c->found = true;
	c->found_seq = twin->seq;
	c->run = c->len;
	c->found_chain = chain_of(h->keys, twin);
	c->twin_off = twin->off;
	c->twin_seq = twin->seq;
	c->twin_packet = twin->packet;
}

/* Whether two records of one length are one that was damaged in one of them: what is computed over
 * all of it is the same, or all but that is. Records that were made apart differ in both. */
static bool
is_damaged_copy(struct bm_view a, struct bm_view b)
{
	enum { END = 16, MAC = 96 };

	if (a.n != b.n || a.n < 2 * END)
		return false;
	return memcmp(a.p + a.n - END, b.p + b.n - END, END) == 0 ||
		   (a.n > 2 * MAC && memcmp(a.p, b.p, a.n - MAC) == 0);
}

bool
is_damaged_twin(struct half *h, const struct bm_wire *w, const struct bm_case *c)
{
	size_t n = BM_HEADER + w->body.n;
	struct bm_outcome o;

	return w->body.p != NULL && c->kind == BM_CASE_BAD_RECORD && c->direction == h->side &&
		   !c->found && c->epoch == h->epoch && c->seq < h->pos.seq && c->protection == h->keys &&
		   c->position != NULL && c->record != NULL && c->len == n && c->region >= n &&
		   is_damaged_copy(bm_view(c->record + BM_HEADER, w->body.n), w->body) &&
		   check(h, h->keys, c->position, w, false, &o);
}

void
note_damaged_twin(struct bm_case *c, const struct bm_case *twin)
{
	c->identical = c->found = true;
	c->found_seq = c->twin_seq = twin->seq;
	c->run = c->len;
	c->tried = 1;
	c->twin_off = twin->off;
	c->twin_packet = twin->packet_count != 0 ? twin->packets[twin->packet_count - 1] : 0;
	for (uint32_t i = 0; c->record != NULL && i < c->len; i++)
		c->twin_damage += c->record[i] != twin->record[i];
}

/* Never 0, which stands for no record. */
static uint64_t
print_of(uint64_t fp)
{
	return fp | 1;
}

static void
remember_print(struct half *h, uint64_t seq, uint64_t fp)
{
	if (seq >= h->print_cap && h->print_cap < PRINTS_MAX) {
		size_t cap = h->print_cap == 0 ? 64 : h->print_cap;
		while (cap <= seq && cap < PRINTS_MAX)
			cap *= 2;
		/* So far every number is below the old size: each keeps its place. */
		uint64_t *p = realloc(h->prints, cap * sizeof *p);
		if (p == NULL)
			return; /* only the search for twins suffers */
		memset(p + h->print_cap, 0, (cap - h->print_cap) * sizeof *p);
		session_holds(h->s, (cap - h->print_cap) * sizeof *p);
		h->prints = p;
		h->print_cap = cap;
	}
	h->prints[seq & (h->print_cap - 1)] = print_of(fp);
}

bool
same_as_at(const struct half *h, const struct bm_wire *w, uint64_t seq)
{
	return h->print_cap != 0 && (seq < h->print_cap || h->print_cap == PRINTS_MAX) &&
		   w->body.n >= 8 && h->prints[seq & (h->print_cap - 1)] == print_of(fingerprint(w));
}

bool
other_known_at(const struct half *h, const struct bm_wire *w, unsigned epoch, uint64_t seq)
{
	const struct past *p = verified_at(h, epoch, seq);

	if (p != NULL)
		return find_twin(h, w) != p;
	return epoch == h->epoch && seq < h->pos.seq && h->pos.seq - seq < PRINTS_MAX &&
		   h->print_cap != 0 && (seq < h->print_cap || h->print_cap == PRINTS_MAX) &&
		   h->prints[seq & (h->print_cap - 1)] != 0 && !same_as_at(h, w, seq);
}

void
forget_prints(struct half *h)
{
	if (h->prints != NULL)
		memset(h->prints, 0, h->print_cap * sizeof *h->prints);
}

void
remember_record(struct half *h, const struct bm_wire *w, uint64_t fp, uint64_t seq, uint64_t off,
	uint64_t packet)
{
	remember_print(h, seq, fp);
	if (h->past_count < PAST_MAX) {
		void *items = h->past;
		size_t before = h->past_cap;
		enum bm_status st =
			bm_grow(&items, &h->past_cap, h->past_count + 1, PAST_MAX, sizeof *h->past);
		h->past = items;
		if (st != BM_OK)
			return; /* only the search for twins suffers */
		session_holds(h->s, (h->past_cap - before) * sizeof *h->past);
		h->past_count++;
		h->past_next = h->past_count - 1;
	} else {
		h->past_next = (h->past_next + 1) % PAST_MAX;
	}
	struct past *p = &h->past[h->past_next];
	*p = (struct past){seq, off, packet, fp, (uint32_t)(BM_HEADER + w->body.n), h->epoch, {{0}}};
	if (h->keys == NULL)
		return;
	if (has_explicit_nonce(h->keys)) {
		p->before.nonce = w->body.n >= sizeof p->before.nonce ? bm_load64(w->body.p) : 0;
	} else if (bm_protection_chained(h->keys)) {
		if (bm_protection_keys(h->keys)->suite->cipher != BM_RC4) {
			memcpy(p->before.iv, h->pos.iv, sizeof p->before.iv);
			return;
		}
		p->before.keystream = h->pos.rc4.position;
		mark_keystream(h);
	}
}
