/* The carving as a whole: what was asked for, what came of it, and the file. Refuses to know how
 * each step is done. */
#include "carve/internal.h"

#include "capture/write.h"
#include "logs/keyfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TEXT_MOST = 64 << 20,
	MESSAGES_MOST = 4096,
	SENTENCE = 2000,
	COMMENTS_MOST = 64 /* on one frame */
};

/* Texts of the report may hold anything. A sentence that is too long ends with a whole character.
 */
static void
make_plain(char *s, bool cut)
{
	size_t n = strlen(s);

	while (cut && n != 0 && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
		n--;
	if (cut && n != 0 && ((unsigned char)s[n - 1] & 0x80) != 0)
		n--;
	s[n] = '\0';
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

static const char *
print(struct bm_carve *c, const char *format, va_list ap)
{
	char sentence[SENTENCE];

	int n = vsnprintf(sentence, sizeof sentence, format, ap);
	make_plain(sentence, n >= SENTENCE);
	const char *text = bm_arena_print(&c->arena, "%s", sentence);
	c->nomem = c->nomem || text == NULL;
	return text;
}

void
carve_say(struct bm_carve *c, bool missing, const char *format, ...)
{
	void *items = c->messages;
	va_list ap;

	if (bm_grow(&items, &c->message_cap, c->message_count + 1, MESSAGES_MOST,
			sizeof *c->messages) != BM_OK) {
		/* The first thousands are enough to know that all is not well. */
		c->nomem = c->nomem || c->message_count < MESSAGES_MOST;
		return;
	}
	c->messages = items;
	va_start(ap, format);
	const char *text = print(c, format, ap);
	va_end(ap);
	if (text != NULL)
		c->messages[c->message_count++] = (struct message){text, missing};
}

void
frame_comment(struct bm_carve *c, struct frame *f, const char *format, ...)
{
	va_list ap;

	if (f->comment_count == COMMENTS_MOST)
		return;
	struct text *t = bm_arena_take(&c->arena, 1, sizeof *t);
	f->comment_count++;
	va_start(ap, format);
	const char *text = t != NULL ? print(c, format, ap) : NULL;
	va_end(ap);
	if (text == NULL) {
		c->nomem = true;
		return;
	}
	t->text = text;
	if (f->comments == NULL)
		f->comments = t;
	else
		*f->last_comment = t;
	f->last_comment = &t->next;
}

static const struct bm_found_connection *
connection_of(const struct bm_findings *report, uint64_t id)
{
	for (size_t i = 0; i < report->connection_count; i++)
		if (report->connections[i].id == id)
			return &report->connections[i];
	return NULL;
}

static struct item *
item_of(struct bm_carve *c, const struct bm_found_connection *found)
{
	for (size_t i = 0; i < c->item_count; i++)
		if (c->items[i].found == found)
			return &c->items[i];
	struct item *i = &c->items[c->item_count];
	*i = (struct item){.found = found,
		.wanted = calloc(found->failure_count + 1, sizeof *i->wanted),
		.left = calloc(found->failure_count + 1, sizeof *i->left),
		.twice = calloc(found->failure_count + 1, sizeof *i->twice)};
	c->item_count++;
	return i->wanted != NULL && i->left != NULL && i->twice != NULL ? i : NULL;
}

static enum bm_status
want_named(struct bm_carve *c, char *problem, size_t n)
{
	const struct bm_carve_options *o = &c->options;

	for (size_t k = 0; k < o->failure_count; k++) {
		const struct bm_found_connection *found =
			connection_of(o->report, o->failures[k].connection);
		if (found == NULL || o->failures[k].failure >= found->failure_count) {
			(void)snprintf(problem, n, "the report has no failure %llu:%llu",
				(unsigned long long)o->failures[k].connection,
				(unsigned long long)o->failures[k].failure);
			return BM_USAGE;
		}
		struct item *i = item_of(c, found);
		if (i == NULL)
			return BM_NOMEM;
		i->wanted[o->failures[k].failure] = true;
	}
	return BM_OK;
}

static bool
any_wanted(const struct item *i)
{
	for (size_t k = 0; k < i->found->failure_count; k++)
		if (i->wanted[k])
			return true;
	return false;
}

static enum bm_status
want_all_of(struct bm_carve *c, const struct bm_found_connection *found)
{
	struct item *i = item_of(c, found);

	if (i == NULL)
		return BM_NOMEM;
	if (!any_wanted(i))
		memset(i->wanted, true, found->failure_count);
	return BM_OK;
}

static enum bm_status
want(struct bm_carve *c, char *problem, size_t n)
{
	const struct bm_carve_options *o = &c->options;
	enum bm_status st = want_named(c, problem, n);

	for (size_t k = 0; st == BM_OK && k < o->connection_count; k++) {
		const struct bm_found_connection *found = connection_of(o->report, o->connections[k]);
		if (found == NULL) {
			(void)snprintf(problem, n, "the report has no connection %llu",
				(unsigned long long)o->connections[k]);
			return BM_USAGE;
		}
		st = want_all_of(c, found);
	}
	bool all = o->connection_count == 0 && o->failure_count == 0;
	for (size_t k = 0; st == BM_OK && all && k < o->report->connection_count; k++)
		if (o->report->connections[k].failure_count != 0)
			st = want_all_of(c, &o->report->connections[k]);
	if (st == BM_OK && c->item_count == 0) {
		(void)snprintf(problem, n, "no connection of the report failed");
		return BM_USAGE;
	}
	return st;
}

enum bm_status
bm_carve_new(struct bm_carve **out, const struct bm_carve_options *o, char *problem, size_t n)
{
	struct bm_carve *c = calloc(1, sizeof *c);
	size_t most = o->report->connection_count;

	*out = NULL;
	problem[0] = '\0';
	if (c == NULL)
		return BM_NOMEM;
	c->options = *o;
	c->arena.max = TEXT_MOST;
	c->secrets.max = TEXT_MOST;
	c->items = calloc(most + 1, sizeof *c->items);
	enum bm_status st = c->items != NULL ? bm_keyring_new(&c->keys) : BM_NOMEM;
	if (st == BM_OK)
		st = want(c, problem, n);
	if (st != BM_OK)
		bm_carve_free(c);
	else
		*out = c;
	return st;
}

enum bm_status
bm_carve_add_keys(struct bm_carve *c, struct bm_view bytes, struct bm_error *e)
{
	return bm_keys_read(c->keys, bytes, NULL, e);
}

enum bm_status
bm_carve_add_capture(
	struct bm_carve *c, const char *name, struct bm_view bytes, bm_read_fn read, void *ctx)
{
	const struct input in = {.bytes = bytes, .read = read, .ctx = ctx};

	return inputs_add(&c->inputs, name, &in);
}

enum bm_status
bm_carve_read(struct bm_carve *c, struct bm_error *e, const char **input)
{
	*input = NULL;
	enum bm_status st = inputs_order(&c->inputs);
	if (st != BM_OK)
		return bm_fail(e, st, 0, bm_status_text(st));
	st = collect(c, e, input);
	if (st != BM_OK)
		return st;
	find_flows(c);
	comment_all(c);
	if (c->options.repaired) {
		plan_repairs(c);
		st = make_repairs(c);
	}
	comment_stale_alerts(c);
	if (st == BM_OK)
		st = gather_secrets(c);
	if (st == BM_OK && c->nomem)
		st = BM_NOMEM;
	return st == BM_OK ? st : bm_fail(e, st, 0, bm_status_text(st));
}

static bool
is_written(const struct frame *f)
{
	return f->wanted && !f->taken_out;
}

static enum bm_status
write_frame(struct bm_pcapng_writer *w, const struct frame *f, uint32_t interface)
{
	struct bm_view comments[COMMENTS_MOST];
	size_t n = 0;

	for (const struct text *t = f->comments; t != NULL; t = t->next)
		comments[n++] = bm_view(t->text, strlen(t->text));
	const struct bm_pcapng_packet p = {.interface = interface,
		.units = f->units,
		.data = bm_view(f->bytes, f->n),
		.wire_len = f->wire_len,
		.direction = f->direction,
		.comments = comments,
		.comment_count = n};
	bm_pcapng_packet(w, &p);
	return w->failed ? BM_IO : BM_OK;
}

/* Only those of packets that are written; *numbers: of each its place among these, to be freed. */
static enum bm_status
write_interfaces(const struct bm_carve *c, struct bm_pcapng_writer *w, uint32_t **numbers)
{
	uint32_t n = 0;

	*numbers = calloc(c->interface_count + 1, sizeof **numbers);
	if (*numbers == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < c->frame_count; i++)
		if (is_written(&c->frames[i]))
			(*numbers)[c->frames[i].interface] = 1;
	for (size_t i = 0; i < c->interface_count; i++)
		if ((*numbers)[i] != 0) {
			bm_pcapng_interface(w, &c->interfaces[i]);
			(*numbers)[i] = n++;
		}
	return BM_OK;
}

enum bm_status
bm_carve_write(struct bm_carve *c, bool all_secrets,
	int (*write)(void *ctx, const char *bytes, size_t n), void *ctx)
{
	struct bm_pcapng_writer w = {.write = write, .ctx = ctx};
	const char *verdict = carve_verdict(c);
	uint32_t *numbers;

	if (verdict == NULL)
		return BM_NOMEM;
	bm_pcapng_section(&w, bm_view(c->options.program, strlen(c->options.program)),
		bm_view(verdict, strlen(verdict)));
	enum bm_status st = write_interfaces(c, &w, &numbers);
	if (bm_carve_has_secrets(c) || (all_secrets && c->secrets.n != 0))
		bm_pcapng_secrets(&w, bm_buf_view(&c->secrets));
	st = st == BM_OK && w.failed ? BM_IO : st;
	for (size_t i = 0; st == BM_OK && i < c->frame_count; i++) {
		const struct frame *f = &c->frames[c->order[i]];
		if (is_written(f))
			st = write_frame(&w, f, numbers[f->interface]);
	}
	free(numbers);
	return st;
}

bool
bm_carve_has_secrets(const struct bm_carve *c)
{
	return c->secrets.n != 0 && !c->options.no_secrets;
}

uint64_t
bm_carve_packets(const struct bm_carve *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->frame_count; i++)
		n += is_written(&c->frames[i]);
	return n;
}

const char *
bm_carve_message(const struct bm_carve *c, size_t nth, bool *missing)
{
	if (nth >= c->message_count)
		return NULL;
	*missing = c->messages[nth].missing;
	return c->messages[nth].text;
}

static void
free_talks(struct talk *t)
{
	while (t != NULL) {
		struct talk *next = t->next;
		for (size_t i = 0; i < t->n; i++)
			free(t->parts[i].runs);
		free(t->parts);
		free(t);
		t = next;
	}
}

void
bm_carve_free(struct bm_carve *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->item_count; i++) {
		free(c->items[i].wanted);
		free(c->items[i].left);
		free(c->items[i].twice);
		free(c->items[i].edits[0]);
		free(c->items[i].edits[1]);
	}
	free(c->items);
	for (size_t i = 0; i < BUCKETS; i++)
		free_talks(c->talks[i]);
	for (size_t i = 0; i < c->frame_count; i++)
		free(c->frames[i].bytes);
	free(c->frames);
	free(c->order);
	free(c->interfaces);
	free(c->messages);
	inputs_clear(&c->inputs);
	bm_keyring_free(c->keys);
	bm_buf_wipe(&c->secrets);
	bm_arena_clear(&c->arena);
	free(c);
}
