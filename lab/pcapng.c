/* Frames go to a part of the file first, as what opens them is known last. Refuses to know what a
 * frame holds. */
#include "lab/pcapng.h"

#include "capture/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { ETHERNET = 1, NANOSECONDS = 9 };

static int
to_file(void *ctx, const char *bytes, size_t n)
{
	return fwrite(bytes, 1, n, ctx) == n ? 0 : -1;
}

static bool
start(FILE *f, uint32_t snap, struct bm_view secrets)
{
	struct bm_pcapng_writer w = {.write = to_file, .ctx = f};
	const struct bm_interface_info interface = {
		.link_type = ETHERNET, .snap_len = snap, .ts_resolution = NANOSECONDS};

	bm_pcapng_section(&w, bm_view(NULL, 0), bm_view(NULL, 0));
	bm_pcapng_interface(&w, &interface);
	if (secrets.n != 0)
		bm_pcapng_secrets(&w, secrets);
	return !w.failed;
}

bool
lab_pcapng_open(struct lab_pcapng *w, const char *path)
{
	size_t n = strlen(path);

	*w = (struct lab_pcapng){.path = malloc(n + 1), .part = malloc(n + 6)};
	if (w->path == NULL || w->part == NULL)
		return false;
	memcpy(w->path, path, n + 1);
	memcpy(w->part, path, n);
	memcpy(w->part + n, ".part", 6);
	w->frames = fopen(w->part, "w+b");
	return w->frames != NULL;
}

void
lab_pcapng_frame(struct lab_pcapng *w, uint64_t ns, struct bm_view frame)
{
	struct bm_pcapng_writer out = {.write = to_file, .ctx = w->frames};

	if (w->frames == NULL)
		return;
	if (ns <= w->last_ns)
		ns = w->last_ns + 1000;
	w->last_ns = ns;
	struct bm_pcapng_packet p = {.units = ns, .data = frame, .wire_len = (uint32_t)frame.n};
	if (w->snap != 0 && frame.n > w->snap)
		p.data.n = w->snap;
	bm_pcapng_packet(&out, &p);
	w->failed = w->failed || out.failed;
}

static bool
copy(FILE *from, FILE *to)
{
	uint8_t piece[1 << 16];
	size_t n;

	if (fflush(from) != 0 || fseek(from, 0, SEEK_SET) != 0)
		return false;
	while ((n = fread(piece, 1, sizeof piece, from)) > 0)
		if (fwrite(piece, 1, n, to) != n)
			return false;
	return ferror(from) == 0;
}

bool
lab_pcapng_finish(struct lab_pcapng *w, struct bm_view secrets)
{
	if (w->failed) {
		errno = EIO;
		return false;
	}
	/* It may hold secrets. */
	int fd = open(w->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (f == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	bool good = start(f, w->snap, secrets) && copy(w->frames, f);
	return fclose(f) == 0 && good;
}

void
lab_pcapng_close(struct lab_pcapng *w)
{
	if (w->frames != NULL) {
		(void)fclose(w->frames);
		(void)unlink(w->part);
	}
	free(w->path);
	free(w->part);
	*w = (struct lab_pcapng){.path = NULL};
}
