/* The decoder: walks a frame from header to header until a transport segment stands there.
 * Refuses to know any header itself. */
#include "packet/internal.h"

#include <stdlib.h>

/* VLAN tags, labels and extension headers count one each. Real traffic stays far below. */
enum { LAYERS_MAX = 32 };

typedef enum bm_next layer_fn(struct bm_walk *w);

static layer_fn *const layers[BM_NEXT_COUNT] = {
	[BM_NEXT_ETHERNET] = bm_ethernet,
	[BM_NEXT_VLAN] = bm_vlan,
	[BM_NEXT_VNTAG] = bm_vntag,
	[BM_NEXT_ETAG] = bm_etag,
	[BM_NEXT_ITAG] = bm_itag,
	[BM_NEXT_CISCO_METADATA] = bm_cisco_metadata,
	[BM_NEXT_LLC] = bm_llc,
	[BM_NEXT_MPLS] = bm_mpls,
	[BM_NEXT_PPPOE] = bm_pppoe,
	[BM_NEXT_PPP] = bm_ppp,
	[BM_NEXT_IP] = bm_ip,
	[BM_NEXT_IPV4] = bm_ipv4,
	[BM_NEXT_IPV6] = bm_ipv6,
	[BM_NEXT_IPV6_OPTIONS] = bm_ipv6_options,
	[BM_NEXT_IPV6_ROUTING] = bm_ipv6_routing,
	[BM_NEXT_IPV6_FRAGMENT] = bm_ipv6_fragment,
	[BM_NEXT_AH] = bm_ah,
	[BM_NEXT_GRE] = bm_gre,
	[BM_NEXT_ETHERIP] = bm_etherip,
	[BM_NEXT_TCP] = bm_tcp_header,
	[BM_NEXT_UDP] = bm_udp_header,
};

enum bm_status
bm_decoder_new(struct bm_decoder **out, size_t fragment_memory)
{
	struct bm_decoder *d = calloc(1, sizeof *d);

	*out = NULL;
	if (d == NULL)
		return BM_NOMEM;
	enum bm_status s = bm_fragments_new(&d->fragments, fragment_memory);
	if (s != BM_OK) {
		free(d);
		return s;
	}
	*out = d;
	return BM_OK;
}

void
bm_decoder_free(struct bm_decoder *d)
{
	if (d == NULL)
		return;
	bm_fragments_free(d->fragments);
	free(d);
}

const struct bm_decoder_stats *
bm_decoder_stats(const struct bm_decoder *d)
{
	return &d->stats;
}

static enum bm_next
walk(struct bm_walk *w, enum bm_next next)
{
	while (next < BM_NEXT_COUNT) {
		if (w->layers++ == LAYERS_MAX)
			return BM_END_MALFORMED;
		next = layers[next](w);
	}
	return next;
}

static void
start(struct bm_walk *w, struct bm_decoder *d, const struct bm_frame *f)
{
	/* A frame of 4 GiB does not exist; offsets within it have 32 bits. */
	size_t n = f->data.n < UINT32_MAX ? f->data.n : UINT32_MAX;

	d->has_fallback = false;
	d->whole = (struct bm_piece){.len = (uint32_t)n, .packet = f->number};
	memset(w, 0, sizeof *w);
	w->d = d;
	w->f = f;
	w->from = (struct bm_source){f->data.p, &d->whole, 1, true};
	w->at = bm_view(f->data.p, n);
	w->sent = f->wire_len > n ? f->wire_len : n;
	w->tunnels = true;
	w->s.direction = f->direction;
}

static void
count(struct bm_decoder_stats *stats, enum bm_next end, uint32_t link_type)
{
	switch (end) {
	case BM_END_SEGMENT:
		stats->segments++;
		break;
	case BM_END_NOT_TRANSPORT:
		stats->not_transport++;
		break;
	case BM_END_FRAGMENT:
		stats->fragments++;
		break;
	case BM_END_UNKNOWN_LINK:
		stats->unknown_link++;
		stats->last_unknown_link = link_type;
		break;
	default:
		stats->malformed++;
		break;
	}
}

/* Walks the frame; *w says what it holds. */
static enum bm_next
walk_frame(struct bm_decoder *d, const struct bm_frame *f, struct bm_walk *w)
{
	start(w, d, f);
	enum bm_next end = walk(w, bm_link(w, f->link_type));
	if (end == BM_END_MALFORMED && d->has_fallback) {
		*w = d->fallback;
		end = walk(w, BM_NEXT_UDP);
	}
	return end;
}

static void
next_frame(struct bm_decoder *d)
{
	bm_fragments_forget_done(d->fragments);
	d->stats.frames++;
}

bool
bm_decode_walk(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s)
{
	struct bm_walk w;

	next_frame(d);
	enum bm_next end = walk_frame(d, f, &w);
	count(&d->stats, end, f->link_type);
	if (end != BM_END_SEGMENT)
		return false;
	*s = w.s;
	return true;
}

bool
bm_decode(struct bm_decoder *d, const struct bm_frame *f, struct bm_segment *s)
{
	if (!bm_express(d, f, s))
		return bm_decode_walk(d, f, s);
	next_frame(d);
	d->stats.segments++;
	return true;
}

void
bm_decode_apart(struct bm_decoder *d, const struct bm_frame *f, struct bm_decoded *x)
{
	struct bm_walk w;

	if (bm_express(d, f, &x->s)) {
		x->end = BM_END_SEGMENT;
	} else {
		d->apart = true;
		x->end = (int)walk_frame(d, f, &w);
		if (x->end != BM_END_SEGMENT)
			return;
		x->s = w.s;
	}
	/* What is whole in one frame is one piece of it. */
	x->piece = d->pieces[0];
	x->s.pieces = &x->piece;
}

bool
bm_decoded_whole(const struct bm_decoded *x)
{
	return x->end == BM_END_SEGMENT;
}

bool
bm_decoded_in_part(const struct bm_decoded *x)
{
	return x->end == BM_END_LATER;
}

const struct bm_segment *
bm_decode_joined(struct bm_decoder *d, const struct bm_frame *f, struct bm_decoded *x)
{
	if (x->end == BM_END_LATER)
		return bm_decode(d, f, &x->s) ? &x->s : NULL;
	next_frame(d);
	count(&d->stats, (enum bm_next)x->end, f->link_type);
	return x->end == BM_END_SEGMENT ? &x->s : NULL;
}
