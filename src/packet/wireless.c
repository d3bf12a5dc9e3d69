/* IEEE 802.11 data frames that are not encrypted, with or without radiotap.
 * Refuses to know management, control, aggregates and fragments. */
#include "packet/internal.h"

/* Frame control, as the two octets stand on the air. */
enum {
	TYPE_MASK = 0x0c,
	TYPE_DATA = 0x08,
	SUBTYPE_NULL = 0x40,
	SUBTYPE_QOS = 0x80,
	TO_DS = 0x01,
	FROM_DS = 0x02,
	MORE_FRAGMENTS = 0x04,
	PROTECTED = 0x40,
	ORDER = 0x80,
	QOS_AGGREGATE = 0x80
};

/* IEEE 802.11-2020, section 9.2.3; pad: the header is filled up to a multiple of four. */
static enum bm_next
data_frame(struct bm_walk *w, bool pad)
{
	struct bm_reader r = bm_reader(w->at);
	unsigned type = bm_u8(&r), flags = bm_u8(&r);

	bm_skip(&r, 20);
	unsigned sequence = bm_u16(&r);
	if (r.bad)
		return BM_END_MALFORMED;
	/* The low four bits of the first octet on the air are the fragment number. */
	bool fragment = (flags & MORE_FRAGMENTS) != 0 || (sequence >> 8 & 15) != 0;
	if ((type & TYPE_MASK) != TYPE_DATA || (type & SUBTYPE_NULL) != 0 || fragment ||
		(flags & PROTECTED) != 0)
		return BM_END_NOT_TRANSPORT;
	if ((flags & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS))
		bm_skip(&r, 6);
	if ((type & SUBTYPE_QOS) != 0) {
		if ((bm_u8(&r) & QOS_AGGREGATE) != 0)
			return BM_END_NOT_TRANSPORT;
		bm_skip(&r, 1);
		if ((flags & ORDER) != 0)
			bm_skip(&r, 4);
	}
	if (pad && r.off % 4 != 0)
		bm_skip(&r, 4 - r.off % 4);
	return bm_walk_past(w, &r, BM_NEXT_LLC);
}

enum bm_next
bm_wireless(struct bm_walk *w)
{
	return data_frame(w, false);
}

/* Little-endian, whoever captured. */
static unsigned
little16(struct bm_reader *r)
{
	unsigned low = bm_u8(r);

	return low | (unsigned)bm_u8(r) << 8;
}

enum { HAS_TSFT = 1, HAS_FLAGS = 2, FLAG_PAD = 0x20 };

/*
 *  0     1     2       4             8
 *  +-----+-----+-------+-------------+--- ... fields, each at its natural alignment
 *  | ver | pad |  len  |   present   |
 *  +-----+-----+-------+-------------+---
 */
enum bm_next
bm_radiotap(struct bm_walk *w)
{
	struct bm_reader r = bm_reader(w->at);

	bm_skip(&r, 2);
	unsigned len = little16(&r);
	if (r.bad || len < 8 || len > w->at.n)
		return BM_END_MALFORMED;
	struct bm_reader h = bm_reader(bm_view(w->at.p, len));
	bm_skip(&h, 4);
	unsigned present = bm_u8(&h);
	bm_skip(&h, 2);
	/* Bit 31: another word of the same kind follows. */
	bool again = (bm_u8(&h) & 0x80) != 0;
	while (again && !h.bad) {
		bm_skip(&h, 3);
		again = (bm_u8(&h) & 0x80) != 0;
	}
	if ((present & HAS_TSFT) != 0)
		bm_skip(&h, (8 - h.off % 8) % 8 + 8);
	unsigned flags = (present & HAS_FLAGS) != 0 ? bm_u8(&h) : 0;
	bm_walk_skip(w, len);
	return data_frame(w, (flags & FLAG_PAD) != 0);
}
