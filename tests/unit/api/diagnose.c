/* Runs a diagnosis over bytes in memory and keeps its report. Refuses to know what a test is about.
 */
#include "diagnose.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct source {
	struct bm_view bytes;
	size_t off;
	const struct way_in *way;
};

struct sink {
	struct bm_buf *buf;
	size_t fail_at;
};

struct bm_buf
load(const char *name)
{
	struct bm_buf b = {.max = 64 << 20};
	char path[1024];
	const char *root = getenv("BADMAC_TESTS");

	assert_non_null(root);
	assert_true(snprintf(path, sizeof path, "%s/data/%s", root, name) < (int)sizeof path);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	for (;;) {
		uint8_t chunk[4096];
		size_t n = fread(chunk, 1, sizeof chunk, f);
		if (n == 0)
			break;
		assert_int_equal(bm_buf_add(&b, bm_view(chunk, n)), BM_OK);
	}
	assert_int_equal(ferror(f), 0);
	(void)fclose(f);
	return b;
}

static long
read_some(void *ctx, uint8_t *p, size_t n)
{
	struct source *s = ctx;
	size_t left = s->bytes.n - s->off;

	if (s->way->fail_at != 0 && s->off >= s->way->fail_at)
		return -1;
	if (s->way->chunk != 0 && n > s->way->chunk)
		n = s->way->chunk;
	if (n > left)
		n = left;
	if (n != 0)
		memcpy(p, s->bytes.p + s->off, n);
	s->off += n;
	return (long)n;
}

static bool
read_at(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	struct source *s = ctx;

	assert_true(off < s->bytes.n && n != 0 && n <= s->bytes.n - off);
	if ((s->way->fail_at != 0 && off + n > s->way->fail_at) ||
		(s->way->refuse != 0 && s->off++ % s->way->refuse == 0))
		return false;
	memcpy(p, s->bytes.p + off, n);
	return true;
}

static enum badmac_status
add(struct badmac *b, struct source *s, struct badmac_error *e)
{
	if (s->way->stream)
		return badmac_add_stream(b, "stream", read_some, s, e);
	if (s->way->mapped)
		return badmac_add_mapped(b, "memory", s->bytes.p, s->bytes.n, read_at, s, e);
	return badmac_add_capture(b, "memory", s->bytes.p, s->bytes.n, e);
}

static int
write_some(void *ctx, const char *bytes, size_t n)
{
	struct sink *s = ctx;

	if (s->fail_at != 0 && s->buf->n + n >= s->fail_at)
		return 1;
	return bm_buf_add(s->buf, bm_view(bytes, n)) != BM_OK;
}

static void
read_summary(struct diagnosis *d)
{
	json_error_t e;
	json_int_t verified, failed, undecided, connections;

	json_t *report = json_loadb((const char *)d->report.p, d->report.n, 0, &e);
	if (report == NULL)
		fail_msg("no JSON: %s at %d", e.text, e.position);
	assert_int_equal(json_unpack_ex(report, &e, 0, "{s:{s:{s:I, s:I, s:I}, s:I}}", "summary",
						 "records", "verified", &verified, "failed", &failed, "undecided",
						 &undecided, "connections", &connections),
		0);
	d->verified = (uint64_t)verified;
	d->failed = (uint64_t)failed;
	d->undecided = (uint64_t)undecided;
	d->connections = (uint64_t)connections;
	json_decref(report);
}

void
diagnose(struct diagnosis *d, struct bm_view keys, struct bm_view capture, const struct way_in *way)
{
	diagnose_two(d, keys, capture, NULL, way);
}

void
diagnose_two(struct diagnosis *d, struct bm_view keys, struct bm_view capture,
	const struct bm_view *second, const struct way_in *way)
{
	static const struct way_in plain = {.stream = false};
	struct sink sink = {&d->report, way != NULL ? way->write_at : 0};
	struct source source = {capture, 0, way != NULL ? way : &plain};
	struct badmac_options o = {.format = source.way->html ? BADMAC_HTML : BADMAC_JSON,
		.verbose = source.way->html,
		.write = write_some,
		.write_ctx = &sink,
		.threads = source.way->threads};
	struct badmac *b = NULL;

	memset(d, 0, sizeof *d);
	d->report.max = 256 << 20;
	d->status = badmac_new(&b, &o, &d->error);
	if (d->status != BADMAC_OK) {
		assert_null(b);
		return;
	}
	if (keys.n != 0)
		d->status = badmac_add_keys(b, keys.p, keys.n, &d->error);
	if (d->status == BADMAC_OK)
		d->status = add(b, &source, &d->error);
	if (d->status == BADMAC_OK && second != NULL)
		d->status = badmac_add_capture(b, "second", second->p, second->n, &d->error);
	if (d->status == BADMAC_OK) {
		d->status = badmac_run(b, &d->error);
		d->damaged = badmac_input_damaged(b);
		if (d->status == BADMAC_OK && !source.way->html)
			read_summary(d);
	}
	d->result = badmac_result(b);
	badmac_free(b);
}

void
diagnosis_clear(struct diagnosis *d)
{
	bm_buf_clear(&d->report);
}
