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

/* Are the last octets of both the same, but for some? They are the MAC, or blocks of CBC that
 * depend on all before them: of records that were made apart seven in sixteen, or six in ten, are
 * alike once in 2^40. */
static bool
ends_alike(const struct bm_protection *p, struct bm_view a, struct bm_view b)
{
	enum { END = 16, ALIKE = 7, SHORT = 10, ALIKE_SHORT = 6 };
	size_t tag = bm_protection_tag_len(p), n = tag < END ? tag : END, alike = 0;

	if (bm_protection_keys(p)->suite->mode == BM_MODE_CBC &&
		!bm_protection_keys(p)->encrypt_then_mac)
		n = END; /* as encrypted */
	if (a.n < 2 * END || b.n < 2 * END)
		return false;
	for (size_t i = 1; i <= n; i++)
		alike += a.p[a.n - i] == b.p[b.n - i];
	return alike >= (n > SHORT ? ALIKE : ALIKE_SHORT);
}

/* What is computed over all of it is the same, or all but that is. Records that were made apart
 * differ in both. */
bool
is_damaged_copy(const struct bm_case *c, const struct bm_wire *w)
{
	enum { END = 16, MAC = 96 };
	uint32_t n = bm_case_octets(c);

	/* With much more, or less, one record is not all that there is. */
	if (n < BM_HEADER || w->body.p == NULL || n - BM_HEADER > w->body.n + w->body.n / 4 ||
		n - BM_HEADER < w->body.n - w->body.n / 4)
		return false;
	struct bm_view a = bm_view(c->record + BM_HEADER, n - BM_HEADER);
	return ends_alike(c->protection, a, w->body) ||
		   (a.n == w->body.n && a.n > 2 * MAC && memcmp(a.p, w->body.p, a.n - MAC) == 0);
}

uint32_t
octets_alike(const struct bm_case *c, const struct bm_wire *w)
{
	uint32_t n = bm_case_octets(c), alike = 0;

	for (uint32_t i = BM_HEADER; i < n && i - BM_HEADER < w->body.n; i++)
		alike += c->record[i] == w->body.p[i - BM_HEADER];
	return alike;
}

bool
is_damaged_twin(struct half *h, const struct bm_wire *w, const struct bm_case *c)
{
	struct bm_outcome o;

	return w->body.p != NULL && c->kind == BM_CASE_BAD_RECORD && c->direction == h->side &&
		   !c->found && c->epoch == h->epoch && c->seq < h->pos.seq && c->protection == h->keys &&
		   c->position != NULL && is_damaged_copy(c, w) &&
		   check(h, h->keys, c->position, w, false, &o);
}

void
note_damaged_twin(struct bm_case *c, const struct bm_case *twin)
{
	uint32_t n = c->len < twin->region ? c->len : twin->region;

	c->identical = c->found = true;
	c->found_seq = c->twin_seq = twin->seq;
	c->run = c->len;
	c->tried = 1;
	c->twin_off = twin->off;
	c->twin_packet = twin->packet_count != 0 ? twin->packets[twin->packet_count - 1] : 0;
	for (uint32_t i = 0; c->record != NULL && i < n; i++)
		c->twin_damage += c->record[i] != twin->record[i];
	/* Of what it lacked there nothing need differ. */
	c->twin_damage += c->twin_damage == 0;
}

void
note_good(struct half *h, struct bm_case *c, const struct bm_wire *w, uint64_t off)
{
	uint32_t n = (uint32_t)(BM_HEADER + w->body.n);

	if (c->good != NULL || c->protection == NULL || c->epoch != h->epoch || !is_damaged_copy(c, w))
		return;
	c->good = malloc(n);
	if (c->good == NULL)
		return; /* only the octets as they were sent are lacking */
	memcpy(c->good, w->header.p, BM_HEADER);
	memcpy(c->good + BM_HEADER, w->body.p, w->body.n);
	c->good_len = n;
	c->good_off = off;
	c->good_packet = packet_at(h, off + n - 1);
	session_holds(h->s, n);
}

void
note_second(struct bm_case *c, const struct bm_case *first)
{
	if (first->good != NULL && first->good_off == c->off) {
		note_damaged_twin(c, first);
		return;
	}
	c->found = c->first_unseen = true;
	c->found_seq = first->seq;
	c->twin_off = BM_NO_SEQ;
	c->tried = 1;
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
