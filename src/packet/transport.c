/* TCP and UDP headers and what their checksum says. Refuses to know streams.
 *
 * A checksum that does not fit need not tell of damage: a frame captured in the machine that
 * sends it often has a checksum that the network card was still to fill in. What stands there
 * depends on who left it:
 *
 *   the sum over the pseudo-header, not complemented   Linux (CHECKSUM_PARTIAL), also for frames
 *                                                      to be segmented and for those that GRO put
 *                                                      together; FreeBSD, Windows
 *   the same without the length                        Windows and macOS, frames to be segmented:
 *                                                      the card adds the length of each segment
 *   0 in TCP                                           loopback of macOS and of Npcap, some drivers
 *
 * Each is taken for OFFLOADED; a damaged segment passes for one with probability 3 in 65,536.
 * A sum with the length of one segment of several is not looked for: any field fits
 * some length, so that would excuse damage. Frames that a card put together (LRO) keep the
 * checksum of one of their segments and are INVALID here; only the direction as a whole
 * shows what they are. */
#include "packet/internal.h"

enum { TCP_MIN = 20, UDP_HEADER = 8 };

/* RFC 9293, section 3.1, and RFC 8200, section 8.1, as sums of 16-bit words. The length may
 * need more than 16 bits; then it counts as two words. */
static uint32_t
length_sum(size_t len)
{
	return (uint32_t)(len & 0xffff) + (uint32_t)(len >> 16 & 0xffff);
}

static uint32_t
two_words(const uint8_t *p)
{
	uint32_t v = bm_load32(p);

	return (v >> 16) + (v & 0xffff);
}

static uint32_t
pseudo_sum(const struct bm_segment *s, size_t len)
{
	uint32_t sum = (uint32_t)s->transport + length_sum(len);

	sum += two_words(s->src.ip) + two_words(s->dst.ip);
	for (size_t i = 4; i < 16 && s->src.family != 4; i += 4)
		sum += two_words(s->src.ip + i) + two_words(s->dst.ip + i);
	return sum;
}

static bool
offloaded(const struct bm_segment *s, size_t len)
{
	if (s->transport == BM_TCP && s->checksum_field == 0)
		return true;
	return s->checksum_field == bm_sum16_fold(s->pseudo_sum) ||
		   s->checksum_field == bm_sum16_fold(s->pseudo_sum - length_sum(len));
}

static enum bm_checksum
judge(struct bm_segment *s, struct bm_view segment, size_t sent)
{
	s->sum = 0;
	if (segment.n < sent)
		return BM_CHECKSUM_UNKNOWN;
	/* RFC 768: not computed. In IPv6 some tunnels may do the same (RFC 6935). */
	if (s->transport == BM_UDP && s->checksum_field == 0)
		return BM_CHECKSUM_UNKNOWN;
	s->sum = bm_sum16_fold(bm_sum16(s->pseudo_sum, segment, false));
	if (s->sum == 0xffff)
		return BM_CHECKSUM_VALID;
	return offloaded(s, sent) ? BM_CHECKSUM_OFFLOADED : BM_CHECKSUM_INVALID;
}

void
bm_judge(struct bm_segment *s, struct bm_view segment, size_t sent)
{
	s->pseudo_sum = pseudo_sum(s, sent);
	s->checksum = judge(s, segment, sent);
}

/* The header is `header` octets long; what is left is payload. */
static enum bm_next
finish(struct bm_walk *w, size_t header)
{
	struct bm_segment *s = &w->s;
	size_t captured = header < w->at.n ? header : w->at.n;

	if (w->sent > UINT32_MAX)
		return BM_END_MALFORMED;
	bm_judge(s, w->at, w->sent);
	s->transport_header = bm_view(w->at.p, captured);
	s->payload = bm_view(w->at.p + captured, w->at.n - captured);
	s->payload_len = (uint32_t)(w->sent - header);
	size_t off = (size_t)(s->payload.p - w->from.base);
	s->piece_count = bm_source_map(&w->from, off, s->payload.n, 0, w->d->pieces, BM_PIECES_MAX);
	s->pieces = w->d->pieces;
	s->packet = w->f->number;
	s->ts_ns = w->f->ts_ns;
	s->home = w->from.frame && w->f->home != NULL ? w->f->home + off : NULL;
	return BM_END_SEGMENT;
}

/* RFC 9293, section 3.1. Options that the capture cut off do not keep the rest from being known. */
enum bm_next
bm_tcp_header(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_view fixed = bm_take(&r, TCP_MIN);
	if (r.bad)
		return BM_END_MALFORMED;
	size_t header = bm_tcp_fields(&w->s, fixed.p);
	if (header < TCP_MIN || header > w->sent)
		return BM_END_MALFORMED;
	return finish(w, header);
}

/* Behind the header, in case a tunnel begins there. */
static bool
tunnel(struct bm_walk *w, enum bm_next *next)
{
	struct bm_decoder *d = w->d;
	unsigned src = w->s.src.port, dst = w->s.dst.port;

	if (!w->tunnels || !bm_udp_tunnel_port(src, dst))
		return false;
	struct bm_walk before = *w;
	bm_walk_skip(w, UDP_HEADER);
	if (!bm_udp_tunnel(w, src, dst, next)) {
		*w = before;
		return false;
	}
	d->fallback = before;
	d->fallback.tunnels = false;
	d->has_fallback = true;
	return true;
}

/* RFC 768. A length of 0 leaves it to IP (RFC 2675, section 4). What IP carries beyond the length
 * is no part of the datagram; one that claims more than IP carries is dropped by every
 * receiver and is none here either. */
enum bm_next
bm_udp_header(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);
	struct bm_segment *s = &w->s;
	enum bm_next next;

	s->transport = BM_UDP;
	s->src.port = bm_u16(&r);
	s->dst.port = bm_u16(&r);
	size_t len = bm_u16(&r);
	s->checksum_field = bm_u16(&r);
	if (len == 0)
		len = w->sent;
	if (r.bad || len < UDP_HEADER || len > w->sent)
		return BM_END_MALFORMED;
	bm_walk_length(w, len);
	if (tunnel(w, &next))
		return next;
	return finish(w, UDP_HEADER);
}
