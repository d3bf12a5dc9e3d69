/* One reading of a machine: puts the parts together, and says what was added since another one. */
#include "host/host.h"

#include "host/model.h"
#include "host/text.h"

#include <errno.h>
#include <stdlib.h>

enum { UNREAD_MAX = 4096 };
static const size_t arena_max = (size_t)256 << 20;

const char *
bm_host_string(struct bm_host *h, struct bm_view v)
{
	const uint8_t *zero = v.n != 0 ? memchr(v.p, 0, v.n) : NULL;
	size_t n = zero != NULL ? (size_t)(zero - v.p) : v.n;
	char *s = bm_arena_take(&h->arena, n + 1, 1);

	if (s == NULL)
		h->no_memory = true;
	else if (n != 0)
		memcpy(s, v.p, n);
	return s;
}

const char *
bm_host_kept(struct bm_host *h, const char *text)
{
	h->no_memory = h->no_memory || text == NULL;
	return text != NULL ? text : "";
}

bool
bm_host_grow(struct bm_host *h, void **items, size_t *cap, size_t need, size_t max, size_t size)
{
	if (need <= *cap)
		return true;
	size_t want = *cap != 0 ? *cap * 2 : 16;
	if (need > max)
		return false;
	void *more = bm_arena_take(&h->arena, want, size);
	if (more == NULL) {
		h->no_memory = true;
		return false;
	}
	if (*cap != 0)
		memcpy(more, *items, *cap * size);
	*items = more;
	*cap = want;
	return true;
}

void
bm_host_unread(struct bm_host *h, const char *what, int error, const char *so)
{
	if (!bm_host_grow(h, (void **)&h->unread, &h->unread_cap, h->unread_count + 1, UNREAD_MAX,
			sizeof *h->unread))
		return;
	h->unread[h->unread_count++] =
		(struct bm_unread){bm_host_string(h, bm_view(what, strlen(what))), error, so};
}

bool
bm_host_file(struct bm_host *h, const char *path, const char *so, struct bm_buf *b)
{
	int error = bm_root_read(&h->root, path, b);

	if (error == ENOMEM)
		h->no_memory = true;
	if (error != 0 && so != NULL)
		bm_host_unread(h, path, error, so);
	h->any = h->any || (error == 0 && b->n != 0);
	return error == 0;
}

/* Lines of /sys are short; what is longer is no such file. */
static bool
first_line(
	struct bm_host *h, const char *path, const char *so, struct bm_buf *b, struct bm_view *line)
{
	if (!bm_host_file(h, path, so, b))
		return false;
	struct bm_view text = bm_buf_view(b);
	*line = (struct bm_view){NULL, 0};
	(void)bm_line(&text, line);
	*line = bm_trim(*line);
	return true;
}

const char *
bm_host_line(struct bm_host *h, const char *path, const char *so)
{
	struct bm_buf b = {.max = 4096};
	struct bm_view line;
	const char *s = NULL;

	if (first_line(h, path, so, &b, &line) && line.n != 0)
		s = bm_host_string(h, line);
	bm_buf_clear(&b);
	return s;
}

struct bm_count
bm_host_number(struct bm_host *h, const char *path, const char *so)
{
	struct bm_buf b = {.max = 4096};
	struct bm_view line;
	struct bm_count c = {false, 0};

	if (first_line(h, path, so, &b, &line)) {
		c.known = bm_number(line, &c.n);
		if (!c.known) {
			c.n = 0;
			if (so != NULL)
				bm_host_unread(h, path, ERANGE, so);
		}
	}
	bm_buf_clear(&b);
	return c;
}

static void
read_counters(struct bm_host *h)
{
	static const char *const so[] = {
		[BM_COUNTER_SNMP] = "how many segments had a wrong checksum",
		[BM_COUNTER_SNMP6] = "the same of IPv6",
		[BM_COUNTER_NETSTAT] = "how often segments were sent again",
		[BM_COUNTER_TLS_STAT] = "whether the kernel itself met records that fail (kTLS)",
	};

	bm_counters_read(&h->root, &h->counters);
	for (enum bm_counter_file f = 0; f < BM_COUNTER_FILES; f++) {
		if (f == BM_COUNTER_TLS_STAT && h->counters.error[f] == ENOENT && h->machine.ulp != NULL &&
			strstr(h->machine.ulp, "tls") == NULL)
			continue; /* the kernel's TLS is not loaded, so there is nothing to count */
		if (h->counters.error[f] != 0)
			bm_host_unread(h, bm_counter_path(f), h->counters.error[f], so[f]);
		else
			h->any = true;
	}
}

enum bm_host_trouble
bm_host_read(const struct bm_host_options *options, struct bm_host **out)
{
	struct bm_host *h = calloc(1, sizeof *h);

	*out = NULL;
	if (h == NULL)
		return BM_HOST_NO_MEMORY;
	h->options = options;
	h->arena.max = arena_max;
	int error = bm_root_open(&h->root, options->root);
	if (error != 0) {
		free(h);
		errno = error;
		return BM_HOST_NO_ROOT;
	}
	h->moves = bm_root_moves(&h->root);
	bm_machine_read(h);
	read_counters(h);
	bool found = bm_links_read(h);
	bm_root_close(&h->root);
	enum bm_host_trouble t = h->no_memory ? BM_HOST_NO_MEMORY
							 : !found     ? BM_HOST_NO_INTERFACE
							 : !h->any    ? BM_HOST_NOTHING
										  : BM_HOST_READ;
	if (t != BM_HOST_READ) {
		bm_host_free(h);
		return t;
	}
	*out = h;
	return BM_HOST_READ;
}

void
bm_host_free(struct bm_host *h)
{
	if (h == NULL)
		return;
	bm_arena_clear(&h->arena);
	free(h);
}

bool
bm_host_moves(const struct bm_host *h)
{
	return h->moves;
}

static struct bm_count
since(struct bm_count before, struct bm_count now)
{
	bool known = before.known && now.known && now.n >= before.n;

	return (struct bm_count){known, known ? now.n - before.n : 0};
}

static void
compare_links(struct bm_link *now, const struct bm_link *before)
{
	for (size_t i = 0, k = 0; i < now->stat_count; i++) {
		struct bm_stat *s = &now->stats[i];
		/* Both are in the driver's order, which hardly ever changes. */
		for (size_t tried = 0; tried < before->stat_count; tried++, k++) {
			const struct bm_stat *b = &before->stats[k % before->stat_count];
			if (b->of_driver != s->of_driver || strcmp(b->name, s->name) != 0)
				continue;
			s->added = since((struct bm_count){true, b->n}, (struct bm_count){true, s->n});
			k++;
			break;
		}
	}
}

void
bm_host_compare(struct bm_host *now, const struct bm_host *before, double seconds)
{
	struct bm_machine *m = &now->machine;
	const struct bm_machine *b = &before->machine;

	now->compared = true;
	now->seconds = seconds;
	bm_counters_since(&before->counters, &now->counters, &now->added);
	/* An interface that was made anew in between has another index. */
	for (size_t i = 0; i < now->link_count; i++)
		for (size_t k = 0; k < before->link_count; k++)
			if (strcmp(now->links[i].name, before->links[k].name) == 0 &&
				now->links[i].index.n == before->links[k].index.n)
				compare_links(&now->links[i], &before->links[k]);
	m->machine_checks_added = since(b->machine_checks, m->machine_checks);
	for (size_t i = 0; i < m->controller_count && i < b->controller_count; i++) {
		struct bm_memory_controller *c = &m->controllers[i];
		c->corrected_added = since(b->controllers[i].corrected, c->corrected);
		c->uncorrected_added = since(b->controllers[i].uncorrected, c->uncorrected);
	}
}
