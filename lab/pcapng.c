/* Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian. Refuses to know what a frame
 * holds. */
#include "lab/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	ENHANCED = 6,
	SECRETS = 10,
	ETHERNET = 1,
	TSRESOL = 9,
	KEY_LOG = 0x544c534b,
	GROWN = 20
};

static void
le32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A block of a fixed part, data and padding to 32 bits. */
static bool
block(FILE *f, uint32_t type, const uint8_t *fixed, size_t fixed_n, struct bm_view data)
{
	static const uint8_t zeros[4];
	size_t pad = (4 - data.n % 4) % 4;
	uint8_t head[8], tail[4];
	uint32_t total = (uint32_t)(12 + fixed_n + data.n + pad);

	le32(head, type);
	le32(head + 4, total);
	le32(tail, total);
	return fwrite(head, 1, 8, f) == 8 && fwrite(fixed, 1, fixed_n, f) == fixed_n &&
		   (data.n == 0 || fwrite(data.p, 1, data.n, f) == data.n) &&
		   fwrite(zeros, 1, pad, f) == pad && fwrite(tail, 1, 4, f) == 4;
}

static bool
start(FILE *f, uint32_t snap, struct bm_view secrets)
{
	uint8_t section[16], interface[20] = {ETHERNET}, head[8];

	le32(section, 0x1a2b3c4d);
	le32(section + 4, 1); /* version 1.0 */
	memset(section + 8, 0xff, 8);
	le32(interface + 4, snap);
	interface[8] = TSRESOL;
	interface[10] = 1;
	interface[12] = 9; /* ten to the minus nine */
	le32(head, KEY_LOG);
	le32(head + 4, (uint32_t)secrets.n);
	return block(f, SECTION, section, sizeof section, bm_view(NULL, 0)) &&
		   block(f, INTERFACE, interface, sizeof interface, bm_view(NULL, 0)) &&
		   (secrets.n == 0 || block(f, SECRETS, head, sizeof head, secrets));
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
	uint8_t head[GROWN];

	if (w->frames == NULL)
		return;
	if (ns <= w->last_ns)
		ns = w->last_ns + 1000;
	w->last_ns = ns;
	le32(head, 0);
	le32(head + 4, (uint32_t)(ns >> 32));
	le32(head + 8, (uint32_t)ns);
	le32(head + 16, (uint32_t)frame.n);
	if (w->snap != 0 && frame.n > w->snap)
		frame.n = w->snap;
	le32(head + 12, (uint32_t)frame.n);
	if (!block(w->frames, ENHANCED, head, sizeof head, frame))
		w->failed = true;
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
