/* Blocks of pcapng: a fixed part, data, options. */
#include "capture/write.h"

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	ENHANCED = 6,
	SECRETS = 10,
	KEY_LOG = 0x544c534b,
	COMMENT = 1,
	FLAGS = 2,
	NAME = 2,
	DESCRIPTION = 3,
	APPLICATION = 4,
	TSRESOL = 9,
	OS = 12,
	TSOFFSET = 14,
	HARDWARE = 15,
	OPTION_HEAD = 4,
	FIXED_MAX = 20
};

static void
le16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
le32(uint8_t *p, uint32_t v)
{
	le16(p, v & 0xffff);
	le16(p + 2, v >> 16);
}

static void
put(struct bm_pcapng_writer *w, const void *p, size_t n)
{
	if (!w->failed && n != 0 && w->write(w->ctx, p, n) != 0)
		w->failed = true;
}

static size_t
padding(size_t n)
{
	return (4 - n % 4) % 4;
}

static void
pad(struct bm_pcapng_writer *w, size_t n)
{
	static const uint8_t zeros[4];

	put(w, zeros, padding(n));
}

struct option {
	unsigned code;
	struct bm_view value;
};

static struct bm_view
cut(struct bm_view v)
{
	return bm_view(v.p, v.n < UINT16_MAX ? v.n : UINT16_MAX);
}

static size_t
option_size(struct bm_view v)
{
	v = cut(v);
	return v.n != 0 ? OPTION_HEAD + v.n + padding(v.n) : 0;
}

/* All of them and the end of the list; none, if none has a value. */
static size_t
options_size(const struct option *o, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += option_size(o[i].value);
	return size != 0 ? size + OPTION_HEAD : 0;
}

static void
put_option(struct bm_pcapng_writer *w, unsigned code, struct bm_view v)
{
	uint8_t head[OPTION_HEAD];

	if (v.n == 0)
		return;
	le16(head, code);
	le16(head + 2, (unsigned)v.n);
	put(w, head, sizeof head);
	put(w, v.p, v.n);
	pad(w, v.n);
}

struct block {
	uint32_t type;
	uint8_t fixed[FIXED_MAX];
	size_t fixed_n;
	struct bm_view data;
};

/* Head and data of a block that has so many octets of options; the total length is returned. */
static uint32_t
begin(struct bm_pcapng_writer *w, const struct block *b, size_t options)
{
	uint32_t total = (uint32_t)(12 + b->fixed_n + b->data.n + padding(b->data.n) + options);
	uint8_t head[8];

	le32(head, b->type);
	le32(head + 4, total);
	put(w, head, sizeof head);
	put(w, b->fixed, b->fixed_n);
	put(w, b->data.p, b->data.n);
	pad(w, b->data.n);
	return total;
}

static void
end(struct bm_pcapng_writer *w, uint32_t total)
{
	uint8_t tail[4];

	le32(tail, total);
	put(w, tail, sizeof tail);
}

static void
block(struct bm_pcapng_writer *w, const struct block *b, const struct option *o, size_t n)
{
	static const uint8_t none[OPTION_HEAD];
	size_t size = options_size(o, n);
	uint32_t total = begin(w, b, size);

	for (size_t i = 0; i < n; i++)
		put_option(w, o[i].code, cut(o[i].value));
	if (size != 0)
		put(w, none, sizeof none);
	end(w, total);
}

void
bm_pcapng_section(struct bm_pcapng_writer *w, struct bm_view application, struct bm_view comment)
{
	struct block b = {.type = SECTION, .fixed_n = 16};
	const struct option o[] = {{COMMENT, comment}, {APPLICATION, application}};

	le32(b.fixed, 0x1a2b3c4d);
	le32(b.fixed + 4, 1); /* version 1.0 */
	memset(b.fixed + 8, 0xff, 8);
	block(w, &b, o, sizeof o / sizeof o[0]);
}

void
bm_pcapng_interface(struct bm_pcapng_writer *w, const struct bm_interface_info *i)
{
	struct block b = {.type = INTERFACE, .fixed_n = 8};
	uint8_t offset[8];
	const struct option o[] = {{NAME, i->name}, {DESCRIPTION, i->description},
		{TSRESOL, bm_view(&i->ts_resolution, 1)}, {OS, i->os},
		{TSOFFSET, bm_view(offset, i->ts_offset_s != 0 ? sizeof offset : 0)},
		{HARDWARE, i->hardware}};

	le32(offset, (uint32_t)((uint64_t)i->ts_offset_s & UINT32_MAX));
	le32(offset + 4, (uint32_t)((uint64_t)i->ts_offset_s >> 32));
	le16(b.fixed, i->link_type & 0xffff);
	le32(b.fixed + 4, i->snap_len);
	block(w, &b, o, sizeof o / sizeof o[0]);
}

void
bm_pcapng_secrets(struct bm_pcapng_writer *w, struct bm_view key_log)
{
	struct block b = {.type = SECRETS, .fixed_n = 8, .data = key_log};

	le32(b.fixed, KEY_LOG);
	le32(b.fixed + 4, (uint32_t)key_log.n);
	block(w, &b, NULL, 0);
}

/* Of many comments each is an option of its own. */
void
bm_pcapng_packet(struct bm_pcapng_writer *w, const struct bm_pcapng_packet *p)
{
	static const uint8_t none[OPTION_HEAD];
	struct block b = {.type = ENHANCED, .fixed_n = 20, .data = p->data};
	uint8_t flags[4] = {p->direction == BM_FRAME_INBOUND    ? 1
						: p->direction == BM_FRAME_OUTBOUND ? 2
															: 0};
	struct option o = {FLAGS, bm_view(flags, flags[0] != 0 ? sizeof flags : 0)};
	size_t size = option_size(o.value);

	for (size_t i = 0; i < p->comment_count; i++)
		size += option_size(p->comments[i]);
	size += size != 0 ? OPTION_HEAD : 0;
	le32(b.fixed, p->interface);
	le32(b.fixed + 4, (uint32_t)(p->units >> 32));
	le32(b.fixed + 8, (uint32_t)(p->units & UINT32_MAX));
	le32(b.fixed + 12, (uint32_t)p->data.n);
	le32(b.fixed + 16, p->wire_len);
	uint32_t total = begin(w, &b, size);
	for (size_t i = 0; i < p->comment_count; i++)
		put_option(w, COMMENT, cut(p->comments[i]));
	put_option(w, o.code, o.value);
	if (size != 0)
		put(w, none, sizeof none);
	end(w, total);
}
