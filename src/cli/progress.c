/* The progress line. Refuses to be seen on work that is over at once. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { APPEARS_MS = 500, EVERY_MS = 100, WIDTH = 30 };

static uint64_t
now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
progress_start(struct progress *p)
{
	*p = (struct progress){.start_ms = now_ms()};
}

void
progress_tell(void *ctx, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;
	uint64_t now = now_ms();
	char bar[WIDTH + 1];

	if (now - p->start_ms < APPEARS_MS || now - p->shown_ms < EVERY_MS)
		return;
	p->shown_ms = now;
	p->visible = true;
	if (total == 0 || done > total) {
		fprintf(stderr, "\r\033[K%" PRIu64 " MiB read", done >> 20);
		return;
	}
	double share = (double)done / (double)total;
	for (int i = 0; i < WIDTH; i++)
		bar[i] = i < (int)(share * WIDTH) ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] %3d %% of %" PRIu64 " MiB", bar, (int)(share * 100), total >> 20);
}

void
progress_clear(struct progress *p)
{
	if (p->visible)
		fputs("\r\033[K", stderr);
	p->visible = false;
}
