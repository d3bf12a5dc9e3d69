/* Makes findings and hands them to whoever writes them. */
#include "host/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *
bm_unread_word(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return "absent";
	case EACCES:
	case EPERM:
		return "denied";
	default:
		return "other";
	}
}

const char *
bm_unread_why(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return "not there";
	case EACCES:
	case EPERM:
		return "not permitted";
	case EFBIG:
		return "longer than it may be";
	case ERANGE:
		return "no number of 64 bits";
	case EINVAL:
		return "no regular file, or refused by the driver";
	case ELOOP:
		return "a link that leads nowhere";
	case ENXIO:
		return "shows another network namespace";
	case ENODEV:
		return "cannot be asked";
	case EOPNOTSUPP:
		return "not supported";
	case EAGAIN:
		return "changed while it was read";
	default:
		return strerror(error);
	}
}

const char *
bm_stat_class_name(enum bm_stat_class k)
{
	static const char *const names[] = {
		"traffic", "checksum", "frame", "memory", "tls", "drop", "error", "other"};

	return names[k];
}

enum bm_status
bm_host_report(const struct bm_host *h, const struct bm_host_report_options *o)
{
	struct bm_out *out = calloc(1, sizeof *out);
	struct bm_arena arena = {.max = (size_t)64 << 20};
	struct bm_findings f;
	enum bm_status status = BM_OK;

	if (out == NULL)
		return BM_NOMEM;
	out->write = o->write;
	out->ctx = o->ctx;
	bm_findings_make(h, &arena, &f);
	if (f.no_memory)
		status = BM_NOMEM;
	else if (o->json)
		bm_host_json(h, &f, out);
	else
		status = bm_host_text(h, &f, out, o);
	bm_out_flush(out);
	if (status == BM_OK && out->failed)
		status = BM_IO;
	bm_arena_clear(&arena);
	free(out);
	return status;
}
