/* Chance, time, appending, signals. Refuses to know TLS. */
#include "lab/base.h"

#include <signal.h>
#include <stdarg.h>
#include <time.h>

enum { BUF_MAX = 64 << 20 };

static volatile sig_atomic_t interrupted;

void
lab_say(const struct lab_ui *ui, const char *format, ...)
{
	char line[2000];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	ui->say(line);
}

uint64_t
lab_next(struct lab_chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

size_t
lab_below(struct lab_chance *c, size_t n)
{
	return n != 0 ? (size_t)(lab_next(c) % n) : 0;
}

void
lab_random(struct lab_chance *c, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)lab_next(c);
}

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec t = {0, 0};

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
lab_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t
lab_ticks_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000u;
}

bool
lab_put(struct bm_buf *b, const void *p, size_t n)
{
	if (b->max == 0)
		b->max = BUF_MAX;
	return bm_buf_add(b, bm_view(p, n)) == BM_OK;
}

bool
lab_puts(struct bm_buf *b, const char *text)
{
	return lab_put(b, text, strlen(text));
}

void
lab_drop(struct bm_buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void
lab_catch_signals(void)
{
	struct sigaction catch = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	interrupted = 0;
	(void)sigemptyset(&catch.sa_mask);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGINT, &catch, NULL);
	(void)sigaction(SIGTERM, &catch, NULL);
	(void)sigaction(SIGHUP, &catch, NULL);
	/* A peer that is gone is told of by write. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

bool
lab_interrupted(void)
{
	return interrupted != 0;
}
