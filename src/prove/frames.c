/* The frames that claims name, kept as they were captured. Refuses to know streams. */
#include "prove/internal.h"

#include <stdlib.h>

enum { KEPT_MOST = 1 << 20 };

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of one claim: into out, unless it is NULL. Returns how many. */
static size_t
list(const struct badmac_claim *c, uint64_t *out)
{
	size_t n = 0;

#define PUT(number)                                                                                \
	do {                                                                                           \
		if (out != NULL)                                                                           \
			out[n] = (number);                                                                     \
		n++;                                                                                       \
	} while (0)
	for (size_t i = 0; i < c->packet_count; i++)
		PUT(c->packets[i]);
	for (size_t i = 0; i < c->damage_count; i++)
		PUT(c->damage[i].packet);
	if (c->has_proof && c->has_altered) {
		PUT(c->altered.packet);
		PUT(c->altered.has_other_record ? c->altered.other_record.packet : c->altered.packet);
		for (size_t i = 0; i < c->altered.sent_packet_count; i++)
			PUT(c->altered.sent_packets[i]);
	}
#undef PUT
	return n;
}

enum bm_status
frames_wanted(struct bm_prove *p)
{
	size_t n = 0, unique = 0;

	for (int round = 0; round < 2; round++) {
		size_t at = 0;
		for (size_t i = 0; i < p->claims->connection_count; i++) {
			const struct badmac_claimed_connection *c = &p->claims->connections[i];
			for (size_t k = 0; k < c->failure_count; k++)
				at += list(&c->failures[k], round != 0 ? p->numbers + at : NULL);
		}
		n = at;
		if (round != 0)
			break;
		p->numbers = calloc(n + 1, sizeof *p->numbers);
		if (p->numbers == NULL)
			return BM_NOMEM;
	}
	qsort(p->numbers, n, sizeof *p->numbers, by_number);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || p->numbers[unique - 1] != p->numbers[i])
			p->numbers[unique++] = p->numbers[i];
	p->number_count = unique;
	return BM_OK;
}

static bool
within(const struct bm_frame *f, struct bm_view v)
{
	return v.n == 0 || (v.p >= f->data.p && v.p + v.n <= f->data.p + f->data.n);
}

/* The segment, if all of it stands in this frame; its views then point into the copy. */
static void
keep_segment(struct kept *k, const struct bm_frame *f, const struct bm_segment *s)
{
	if (s == NULL || !within(f, s->payload) || !within(f, s->transport_header))
		return;
	if (s->payload.n == 0 || s->piece_count != 1 || s->payload.n != s->payload_len)
		return;
	k->has_segment = true;
	k->s = *s;
	k->payload_off = s->pieces[0].packet_off;
	k->s.payload.p = k->bytes + (s->payload.p - f->data.p);
	if (s->transport_header.n != 0)
		k->s.transport_header.p = k->bytes + (s->transport_header.p - f->data.p);
	k->s.pieces = NULL;
	k->s.piece_count = 0;
	k->s.home = NULL;
}

void
bm_prove_frame(struct bm_prove *p, const struct bm_frame *f, const struct bm_segment *s)
{
	void *items = p->kept;

	p->packets++;
	p->bytes += f->data.n;
	if (p->number_count == 0 || p->status != BM_OK || f->data.n == 0 ||
		bsearch(&f->number, p->numbers, p->number_count, sizeof *p->numbers, by_number) == NULL)
		return;
	if (p->kept_octets + f->data.n > FRAMES_MOST) {
		p->cut = true;
		return;
	}
	enum bm_status st =
		bm_grow(&items, &p->kept_cap, p->kept_count + 1, KEPT_MOST, sizeof *p->kept);
	p->kept = items;
	if (st == BM_LIMIT)
		p->cut = true;
	uint8_t *bytes = st == BM_OK ? malloc(f->data.n) : NULL;
	if (bytes == NULL) {
		if (st != BM_LIMIT)
			p->status = BM_NOMEM;
		return;
	}
	memcpy(bytes, f->data.p, f->data.n);
	p->kept_octets += f->data.n;
	struct kept *k = &p->kept[p->kept_count++];
	*k = (struct kept){.site = p->site, .number = f->number, .bytes = bytes, .n = f->data.n};
	keep_segment(k, f, s);
}

const struct kept *
frame_kept(const struct bm_prove *p, const char *site, uint64_t number)
{
	/* Sites come one after the other, and frames of each in the order of their numbers. */
	for (size_t from = 0; from < p->kept_count;) {
		size_t to = from;
		while (to < p->kept_count && p->kept[to].site == p->kept[from].site)
			to++;
		for (size_t a = from, b = to; p->kept[from].site == site && a < b;) {
			size_t middle = a + (b - a) / 2;
			if (p->kept[middle].number == number)
				return &p->kept[middle];
			if (p->kept[middle].number < number)
				a = middle + 1;
			else
				b = middle;
		}
		from = to;
	}
	return NULL;
}

void
frames_free(struct bm_prove *p)
{
	for (size_t i = 0; i < p->kept_count; i++)
		free(p->kept[i].bytes);
	free(p->kept);
	free(p->numbers);
}
