/* Takes the JSON diagnosis to a store. Refuses to let trouble with the store touch the diagnosis.
 */
#include "cli/stored.h"

#include "cli/cli.h"
#include "cli/output.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void
trouble(struct stored *s, const char *problem)
{
	say("%s: %s; the findings are not stored", s->path, problem);
	s->failed = true;
}

/* Nobody else sees it, and it is gone with the process. */
static FILE *
open_spool(void)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];

	int n = snprintf(path, sizeof path, "%s/badmac.XXXXXX",
		folder != NULL && folder[0] != '\0' ? folder : "/tmp");
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	int fd = mkstemp(path);
	if (fd < 0)
		return NULL;
	(void)unlink(path);
	FILE *f = fdopen(fd, "w+");
	if (f == NULL)
		(void)close(fd);
	return f;
}

/* The run goes on whatever becomes of the store. */
static int
spool(void *ctx, const char *bytes, size_t n)
{
	struct stored *s = ctx;

	if (!s->failed && fwrite(bytes, 1, n, s->spool) != n)
		trouble(s, strerror(errno));
	return 0;
}

void
stored_start(struct stored *s, const char *path, struct badmac_options *options)
{
	char problem[BM_STORE_PROBLEM];
	struct bm_store *store;

	*s = (struct stored){.path = path};
	if (path == NULL)
		return;
	if (bm_store_open(&store, path, true, problem) != BM_OK) {
		trouble(s, problem);
		return;
	}
	bm_store_close(store);
	s->spool = open_spool();
	if (s->spool == NULL) {
		trouble(s, strerror(errno));
		return;
	}
	options->write_json = spool;
	options->write_json_ctx = s;
}

bool
stored_is_apart(const char *path, const char *output)
{
	struct stat st;

	if (path == NULL || stat(path, &st) != 0 || !output_is(output, st.st_dev, st.st_ino))
		return true;
	say("%s: is the store; the report would overwrite it", output);
	return false;
}

int64_t
stored_now(void)
{
	return (int64_t)time(NULL);
}

long
stored_read(void *file, void *p, size_t n)
{
	size_t got = fread(p, 1, n, file);

	return got == 0 && ferror((FILE *)file) ? -1 : (long)got;
}

static bool
add(struct stored *s, const struct bm_store_run *run)
{
	char problem[BM_STORE_PROBLEM];
	struct bm_store_added added;
	struct bm_store *store;

	if (fflush(s->spool) != 0 || fseek(s->spool, 0, SEEK_SET) != 0) {
		trouble(s, strerror(errno));
		return false;
	}
	enum bm_status st = bm_store_open(&store, s->path, true, problem);
	if (st == BM_OK)
		st = bm_store_add(store, stored_read, s->spool, run, &added, problem);
	if (st != BM_OK)
		trouble(s, problem[0] != '\0' ? problem : strerror(errno));
	bm_store_close(store);
	return st == BM_OK;
}

bool
stored_finish(struct stored *s, const struct settings *settings, bool complete)
{
	static const char *const efforts[] = {"normal", "quick", "deep"};
	static const char *const places[] = {NULL, "sender", "receiver", "client", "server", "middle"};
	const struct bm_store_run run = {.version = badmac_version(),
		.effort = efforts[settings->options.effort],
		.place = places[settings->options.place],
		.captures = settings->captures,
		.capture_count = settings->capture_count,
		.now = stored_now()};

	if (s->path == NULL)
		return true;
	if (!s->failed && !complete)
		trouble(s, "the diagnosis is not whole");
	return !s->failed && add(s, &run);
}

void
stored_close(struct stored *s)
{
	if (s->spool != NULL)
		(void)fclose(s->spool);
}
