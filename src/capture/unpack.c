/* Drives zlib and libzstd over members (RFC 1952) and frames (RFC 8878) that
 * follow each other. Refuses to know what the plain bytes are. */
#define ZLIB_CONST
#include "capture/unpack.h"
#include "capture/zstd_walk.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct bm_unpack {
	enum bm_packing packing;
	struct bm_input *raw;
	z_stream z;
	bool z_ready;
	ZSTD_DStream *zstd;
	struct bm_zstd_walk walk;
	bool between; /* at the start of a member or frame, or at the end of the last */
	bool pending; /* the decompressor may hold output that did not fit the last time */
	enum bm_status failed;
	const char *failed_what;
};

/* Both libraries count in types that may be narrower than size_t. */
#define STEP_MAX ((size_t)1 << 30)

enum bm_packing
bm_packing_of(const uint8_t magic[4])
{
	uint32_t m = bm_load32(magic);

	if (m >> 8 == 0x1f8b08)
		return BM_GZIP;
	/* A frame, or a skippable frame in front of one (RFC 8878, section 3.1). */
	if (m == 0x28b52ffd || (m & 0xf0ffffff) == 0x502a4d18)
		return BM_ZSTD;
	return BM_PLAIN;
}

enum bm_status
bm_unpack_new(struct bm_unpack **out, enum bm_packing packing, struct bm_input *raw)
{
	struct bm_unpack *u = calloc(1, sizeof *u);
	if (u == NULL)
		return BM_NOMEM;
	u->packing = packing;
	u->raw = raw;
	u->between = true;
	if (packing == BM_GZIP) {
		/* 16: expect the gzip wrapping, and check its CRC. */
		u->z_ready = inflateInit2(&u->z, 15 + 16) == Z_OK;
	} else {
		u->zstd = ZSTD_createDStream();
	}
	if (!u->z_ready && u->zstd == NULL) {
		bm_unpack_free(u);
		return BM_NOMEM;
	}
	*out = u;
	return BM_OK;
}

void
bm_unpack_free(struct bm_unpack *u)
{
	if (u == NULL)
		return;
	if (u->z_ready)
		(void)inflateEnd(&u->z);
	(void)ZSTD_freeDStream(u->zstd);
	free(u);
}

static enum bm_status
fail(struct bm_unpack *u, enum bm_status status, const char *what)
{
	u->failed = status;
	u->failed_what = what;
	return status;
}

/* One call of the library. BM_END when it finished the member or frame. */
static enum bm_status
step_gzip(struct bm_unpack *u, struct bm_view in, size_t *used, uint8_t *p, size_t n, size_t *got)
{
	u->z.next_in = in.p;
	u->z.avail_in = (uInt)in.n;
	u->z.next_out = p;
	u->z.avail_out = (uInt)n;
	int r = inflate(&u->z, Z_NO_FLUSH);
	*used = in.n - u->z.avail_in;
	*got = n - u->z.avail_out;
	if (r == Z_STREAM_END)
		return BM_END;
	if (r == Z_OK || r == Z_BUF_ERROR)
		return BM_OK;
	if (r == Z_MEM_ERROR)
		return fail(u, BM_NOMEM, "out of memory in the gzip decompressor");
	return fail(u, BM_FORMAT, "the gzip data are damaged");
}

static enum bm_status
step_zstd(struct bm_unpack *u, struct bm_view in, size_t *used, uint8_t *p, size_t n, size_t *got)
{
	ZSTD_inBuffer zin = {in.p, in.n < u->walk.left ? in.n : u->walk.left, 0};
	ZSTD_outBuffer zout = {p, n, 0};
	size_t r = ZSTD_decompressStream(u->zstd, &zout, &zin);
	*used = zin.pos;
	*got = zout.pos;
	bm_zstd_walk(&u->walk, bm_view(in.p, zin.pos));
	if (!ZSTD_isError(r))
		return r == 0 ? BM_END : BM_OK;
	switch (ZSTD_getErrorCode(r)) {
	case ZSTD_error_memory_allocation:
		return fail(u, BM_NOMEM, "out of memory in the zstd decompressor");
	case ZSTD_error_frameParameter_windowTooLarge:
		return fail(u, BM_LIMIT, "the zstd frame needs a window of more than 128 MiB");
	default:
		return fail(u, BM_FORMAT, "the zstd data are damaged");
	}
}

/* At a boundary with bytes left: BM_OK when a member or frame starts there. */
static enum bm_status
begin(struct bm_unpack *u, struct bm_view in)
{
	if (u->packing == BM_ZSTD) {
		bm_zstd_walk_start(&u->walk);
		return BM_OK;
	}
	/* Tapes and block devices pad with zeros. */
	if (in.p[0] == 0)
		return BM_END;
	if (in.p[0] != 0x1f)
		return fail(u, BM_FORMAT, "something else follows the gzip data");
	if (inflateReset(&u->z) != Z_OK)
		return fail(u, BM_FORMAT, "the gzip data are damaged");
	return BM_OK;
}

enum bm_status
bm_unpack_fill(void *ctx, uint8_t *p, size_t n, size_t *got, const char **what)
{
	struct bm_unpack *u = ctx;

	*got = 0;
	n = n > STEP_MAX ? STEP_MAX : n;
	while (u->failed == BM_OK) {
		enum bm_status source = BM_OK;
		struct bm_view in = {NULL, 0};
		/* Held output goes first: asking for input might block, and what comes with
		 * new input might be an error that hides it. */
		bool held = u->pending;
		if (!held) {
			struct bm_error e = {BM_OK, NULL, 0};
			source = bm_input_need(u->raw, 1, &e);
			if (source != BM_OK)
				*what = e.what;
			in = bm_input_rest(u->raw);
			in.n = in.n > STEP_MAX ? STEP_MAX : in.n;
		}
		if (u->between) {
			if (in.n == 0)
				return source == BM_OK ? BM_END : source;
			enum bm_status b = begin(u, in);
			if (b == BM_END)
				return BM_END;
			if (b != BM_OK)
				break;
			u->between = false;
		}
		size_t used = 0;
		enum bm_status s = u->packing == BM_GZIP ? step_gzip(u, in, &used, p, n, got)
												 : step_zstd(u, in, &used, p, n, got);
		bm_input_advance(u->raw, used);
		u->between = s == BM_END;
		u->pending = s == BM_OK && *got == n;
		if (*got != 0)
			return BM_OK;
		if (s != BM_OK)
			continue;
		if (source != BM_OK) {
			if (source != BM_END)
				return source;
			*what = "the compressed data end early";
			return BM_TRUNCATED;
		}
		if (!held && used == 0)
			fail(u, BM_FORMAT, "the compressed data are damaged");
	}
	*what = u->failed_what;
	return u->failed;
}
