/* Recognises captures and hands out what they hold.
 * Refuses to know the blocks of any one format. */
#include "capture/format.h"

#include <stdlib.h>

/* Long enough to tell every format: pcapng has its byte-order magic at 8. */
enum { MAGIC_LEN = 12, MAGIC_MOST = 32 /* of what is none: what_else */ };

static enum bm_status
fill_from_caller(void *ctx, uint8_t *p, size_t n, size_t *got, const char **what)
{
	struct bm_capture *c = ctx;

	long r = c->read(c->read_ctx, p, n);
	if (r == 0) {
		*what = "end of the capture";
		return BM_END;
	}
	if (r < 0) {
		*what = "the capture cannot be read";
		return BM_IO;
	}
	*got = (size_t)r;
	return BM_OK;
}

/* Puts the decompressor between when the input is compressed. Too little input for
 * that is none of our business: recognise will say what it thinks of it. */
static enum bm_status
peel(struct bm_capture *c, struct bm_error *e)
{
	c->in = &c->raw;
	struct bm_error early;
	enum bm_status s = bm_input_need(&c->raw, 4, &early);
	if (s == BM_END || s == BM_TRUNCATED)
		return BM_OK;
	if (s != BM_OK)
		return bm_fail(e, s, early.offset, early.what);
	c->packing = bm_packing_of(bm_input_rest(&c->raw).p);
	if (c->packing == BM_PLAIN)
		return BM_OK;
	s = bm_unpack_new(&c->unpack, c->packing, &c->raw);
	if (s != BM_OK)
		return bm_fail(e, s, 0, "out of memory");
	bm_input_fill(&c->plain, bm_unpack_fill, c->unpack);
	c->plain.live = c->raw.live;
	c->in = &c->plain;
	return BM_OK;
}

/* What other captures and archives start with, and what makes them readable here. */
static const char *
what_else(struct bm_view v)
{
	static const struct bm_magic known[] = {
		{"snoop\0\0\0", 8, "a snoop capture: convert it first (editcap -F pcap FILE OUT.pcap)"},
		{"BZh", 3, "compressed with bzip2: unpack it first (bunzip2)"},
		{"\xfd"
		 "7zXZ",
			5, "compressed with xz: unpack it first (unxz)"},
		{"\x04\x22\x4d\x18", 4, "compressed with lz4: unpack it first (unlz4)"},
		{"7z\xbc\xaf\x27\x1c", 6, "a 7z archive: unpack it first (7z x)"},
		{"PK\x03\x04", 4, "a zip archive: unpack it first (unzip)"},
		{"-----BEGIN ", 11, "key material, not a capture: give it with -k"},
		{"# SSL/TLS secrets", 17, "key material, not a capture: give it with -k"},
		{"CLIENT_RANDOM ", 14, "key material, not a capture: give it with -k"},
		{"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", 32, "key material, not a capture: give it with -k"},
		{"SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32, "key material, not a capture: give it with -k"},
		{"{\"schema\": \"badmac.", 19, "a report of badmac, not a capture"},
		{"FAILED: ", 8, "a report of badmac, not a capture"},
		{"OK: ", 4, "a report of badmac, not a capture"},
		{"UNDECIDED: ", 11, "a report of badmac, not a capture"},
		{"<!DOCTYPE html>", 15, "a page, not a capture"},
		{"SQLite format 3", 16,
			"a database, not a capture: badmac history reads a store of findings"},
	};

	const char *means = bm_magic_means(v, known, sizeof known / sizeof known[0]);

	return means != NULL ? means : "not a capture file: neither pcap nor pcapng";
}

static enum bm_status
recognise(struct bm_capture *c, struct bm_error *e)
{
	struct bm_error early = {BM_OK, NULL, 0};
	enum bm_status s = bm_input_need(c->in, 4, &early);
	if (s == BM_OK && bm_is_pcap(bm_input_rest(c->in))) {
		c->next = bm_pcap_next;
		s = bm_pcap_start(c, &c->last);
		/* What ends early is a capture, if one that holds nothing. */
		if (s != BM_OK && s != BM_TRUNCATED)
			return bm_fail(e, s, c->last.offset, c->last.what);
		return BM_OK;
	}
	if (s == BM_OK && bm_load32(bm_input_rest(c->in).p) == 0x0a0d0d0a) {
		s = bm_input_need(c->in, MAGIC_LEN, &early);
		if ((s == BM_OK || s == BM_TRUNCATED) && bm_is_pcapng(bm_input_rest(c->in))) {
			c->next = bm_pcapng_next;
			return BM_OK;
		}
	}
	if (s == BM_OK || c->in->end == BM_END) {
		/* Fewer bytes are as good: then it is none of those with a long magic. */
		if (s == BM_OK && bm_input_need(c->in, MAGIC_MOST, &early) == BM_NOMEM)
			return bm_fail(e, BM_NOMEM, early.offset, early.what);
		return bm_fail(e, BM_FORMAT, 0, what_else(bm_input_rest(c->in)));
	}
	return bm_fail(e, s, early.offset, early.what);
}

static enum bm_status
open_input(struct bm_capture **out, struct bm_capture *c, struct bm_error *e)
{
	enum bm_status s = peel(c, e);
	if (s == BM_OK)
		s = recognise(c, e);
	if (s != BM_OK) {
		bm_capture_free(c);
		return s;
	}
	*out = c;
	return BM_OK;
}

enum bm_status
bm_capture_open_memory(struct bm_capture **out, struct bm_view bytes, struct bm_error *e)
{
	*out = NULL;
	struct bm_capture *c = calloc(1, sizeof *c);
	if (c == NULL)
		return bm_fail(e, BM_NOMEM, 0, "out of memory");
	bm_input_memory(&c->raw, bytes);
	return open_input(out, c, e);
}

enum bm_status
bm_capture_open_stream(struct bm_capture **out, bm_read_fn read, void *ctx, struct bm_error *e)
{
	*out = NULL;
	struct bm_capture *c = calloc(1, sizeof *c);
	if (c == NULL)
		return bm_fail(e, BM_NOMEM, 0, "out of memory");
	c->read = read;
	c->read_ctx = ctx;
	bm_input_fill(&c->raw, fill_from_caller, c);
	c->raw.live = true;
	return open_input(out, c, e);
}

enum bm_status
bm_capture_next(struct bm_capture *c, struct bm_capture_item *item, struct bm_error *e)
{
	if (c->last.status == BM_OK) {
		c->in->may_pause = c->may_pause;
		enum bm_status s = c->next(c, item, &c->last);
		if (s == BM_OK)
			return BM_OK;
		if (s == BM_PAUSED)
			c->last.status = BM_OK;
		if (s == BM_PAUSED)
			return bm_fail(e, s, c->last.offset, c->last.what);
	}
	return bm_fail(e, c->last.status, c->last.offset, c->last.what);
}

void
bm_capture_may_pause(struct bm_capture *c, bool may)
{
	c->may_pause = may;
}

void
bm_capture_tell_interfaces(struct bm_capture *c, bm_interface_fn fn, void *ctx)
{
	c->tell_interface = fn;
	c->tell_ctx = ctx;
	if (c->next != bm_pcap_next)
		return;
	struct bm_interface_info info = {.link_type = c->link_type,
		.snap_len = c->snap_len,
		.ts_resolution = c->ns_per_fraction == 1 ? 9 : 6};
	fn(ctx, &info);
}

bool
bm_capture_stays(const struct bm_capture *c)
{
	return c->in->whole;
}

void
bm_capture_borrow(struct bm_capture *c, const struct bm_loan *l, size_t n)
{
	bm_input_borrow(c->in, l, n);
}

size_t
bm_capture_borrowed(const struct bm_capture *c)
{
	return c->in->borrowed;
}

uint64_t
bm_capture_offset(const struct bm_capture *c)
{
	return bm_input_offset(c->in);
}

uint64_t
bm_capture_input_offset(const struct bm_capture *c)
{
	return bm_input_offset(&c->raw);
}

bool
bm_capture_repaired(const struct bm_capture *c)
{
	return c->repaired;
}

bool
bm_begins(struct bm_view text, const char *with)
{
	size_t n = strlen(with);

	return text.n >= n && memcmp(text.p, with, n) == 0;
}

const char *
bm_capture_format(const struct bm_capture *c)
{
	static const char *const name[2][3] = {
		[0] = {[BM_PLAIN] = "pcap", [BM_GZIP] = "pcap (gzip)", [BM_ZSTD] = "pcap (zstd)"},
		[1] = {[BM_PLAIN] = "pcapng", [BM_GZIP] = "pcapng (gzip)", [BM_ZSTD] = "pcapng (zstd)"},
	};

	return name[c->next == bm_pcapng_next][c->packing];
}

void
bm_capture_free(struct bm_capture *c)
{
	if (c == NULL)
		return;
	bm_unpack_free(c->unpack);
	bm_input_clear(&c->plain);
	bm_input_clear(&c->raw);
	free(c->interfaces);
	free(c);
}

enum bm_status
bm_capture_scan_secrets(struct bm_view bytes, bm_secrets_fn fn, void *ctx, struct bm_error *e)
{
	struct bm_capture *c;
	struct bm_capture_item item;

	enum bm_status s = bm_capture_open_memory(&c, bytes, e);
	if (s != BM_OK)
		return s;
	while (c->next == bm_pcapng_next) {
		s = bm_capture_next(c, &item, e);
		if (s == BM_OK && item.event == BM_CAPTURE_SECRETS)
			s = fn(ctx, &item.secrets);
		if (s != BM_OK)
			break;
	}
	if (s == BM_END && c->last.status == BM_END)
		s = BM_OK;
	bm_capture_free(c);
	return s;
}
