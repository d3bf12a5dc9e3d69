/* Values of JSON by type and range, each with its place for when it is wrong. Refuses to know what
 * they mean. */
#include "findings/internal.h"

#include <math.h>
#include <stdio.h>

enum { TEXTS_MOST = 1 << 20, SPOTS = BM_FINDINGS_DEPTH };

/* Names of the path are ours, never the report's. */
static size_t
print_path(const struct spot *s, char *out, size_t n)
{
	const struct spot *path[SPOTS] = {NULL};
	size_t depth = 0, used = 0;

	out[0] = '\0';
	for (; s != NULL && s->in != NULL && depth < SPOTS; s = s->in)
		path[depth++] = s;
	while (depth-- > 0 && used < n) {
		int len;
		if (path[depth]->name == NULL)
			len = snprintf(out + used, n - used, "[%zu]", path[depth]->index);
		else
			len = snprintf(out + used, n - used, "%s%s", used != 0 ? "." : "", path[depth]->name);
		used += len > 0 ? (size_t)len : 0;
	}
	return used;
}

void
bm_spot_wrong(struct taker *t, const struct spot *s, const char *what)
{
	char path[BM_FINDINGS_PROBLEM];

	if (t->status != BM_OK)
		return;
	bool some = print_path(s, path, sizeof path) != 0;
	(void)snprintf(t->problem, t->n, "%s%s%s", path, some ? ": " : "", what);
	t->status = BM_FORMAT;
}

static void
past_limit(struct taker *t, const struct spot *s, const char *what)
{
	if (t->status != BM_OK)
		return;
	bm_spot_wrong(t, s, what);
	t->status = BM_LIMIT;
}

struct spot
bm_spot_member(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = {.in = in, .name = name};

	if (t->status != BM_OK)
		return s;
	if (!json_is_object(in->value)) {
		bm_spot_wrong(t, in, "no object");
		return s;
	}
	s.value = json_object_get(in->value, name);
	if (s.value == NULL)
		bm_spot_wrong(t, &s, "missing");
	return s;
}

struct spot
bm_spot_element(struct taker *t, const struct spot *in, size_t index)
{
	struct spot s = {.in = in, .index = index};

	if (t->status == BM_OK)
		s.value = json_array_get(in->value, index);
	return s;
}

bool
bm_spot_is_null(const struct taker *t, const struct spot *s)
{
	return t->status == BM_OK && json_is_null(s->value);
}

void *
bm_take_room(struct taker *t, size_t count, size_t size)
{
	if (t->status != BM_OK)
		return NULL;
	void *p = bm_arena_take(t->arena, count, size);
	if (p == NULL) {
		/* Counts are bounded by the length of the report, so this does not overflow. */
		bool full = t->arena->max - t->arena->used < count * size + _Alignof(max_align_t);
		past_limit(t, NULL, "holds more than a diagnosis may");
		t->status = full ? BM_LIMIT : BM_NOMEM;
	}
	return p;
}

bool
bm_take_bool(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = bm_spot_member(t, in, name);

	if (t->status == BM_OK && !json_is_boolean(s.value))
		bm_spot_wrong(t, &s, "neither true nor false");
	return t->status == BM_OK && json_is_true(s.value);
}

static uint64_t
number(struct taker *t, const struct spot *s, uint64_t least, uint64_t most)
{
	if (t->status == BM_OK && !json_is_integer(s->value))
		bm_spot_wrong(t, s, "no whole number");
	if (t->status != BM_OK)
		return 0;
	json_int_t n = json_integer_value(s->value);
	if (n < 0 || (uint64_t)n < least || (uint64_t)n > most) {
		bm_spot_wrong(t, s, "out of range");
		return 0;
	}
	return (uint64_t)n;
}

uint64_t
bm_take_number(
	struct taker *t, const struct spot *in, const char *name, uint64_t least, uint64_t most)
{
	struct spot s = bm_spot_member(t, in, name);

	return number(t, &s, least, most);
}

uint64_t
bm_take_number_or_null(
	struct taker *t, const struct spot *in, const char *name, uint64_t least, uint64_t most)
{
	struct spot s = bm_spot_member(t, in, name);

	return bm_spot_is_null(t, &s) ? BM_FOUND_UNKNOWN : number(t, &s, least, most);
}

double
bm_take_below_zero(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = bm_spot_member(t, in, name);

	if (t->status == BM_OK && !json_is_number(s.value))
		bm_spot_wrong(t, &s, "no number");
	double d = t->status == BM_OK ? json_number_value(s.value) : -1;
	if (!isfinite(d) || d >= 0)
		bm_spot_wrong(t, &s, "out of range");
	return d;
}

static const char *
text(struct taker *t, const struct spot *s)
{
	if (t->status == BM_OK && !json_is_string(s->value))
		bm_spot_wrong(t, s, "no text");
	if (t->status != BM_OK)
		return "";
	size_t n = json_string_length(s->value);
	char *copy = bm_take_room(t, n + 1, 1);
	if (copy == NULL)
		return "";
	memcpy(copy, json_string_value(s->value), n);
	return copy;
}

const char *
bm_take_text(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = bm_spot_member(t, in, name);

	return text(t, &s);
}

const char *
bm_take_text_or_null(struct taker *t, const struct spot *in, const char *name)
{
	struct spot s = bm_spot_member(t, in, name);

	return bm_spot_is_null(t, &s) ? NULL : text(t, &s);
}

size_t
bm_take_array(struct taker *t, const struct spot *in, const char *name, size_t most, struct spot *s)
{
	*s = bm_spot_member(t, in, name);
	if (t->status == BM_OK && !json_is_array(s->value))
		bm_spot_wrong(t, s, "no array");
	size_t n = t->status == BM_OK ? json_array_size(s->value) : 0;
	if (n > most) {
		past_limit(t, s, "too many elements");
		return 0;
	}
	return n;
}

struct bm_found_texts
bm_take_texts(struct taker *t, const struct spot *in, const char *name)
{
	struct spot list;
	size_t n = bm_take_array(t, in, name, TEXTS_MOST, &list);
	const char **at = bm_take_room(t, n, sizeof *at);

	for (size_t i = 0; at != NULL && i < n; i++) {
		struct spot s = bm_spot_element(t, &list, i);
		at[i] = text(t, &s);
	}
	return (struct bm_found_texts){at, at != NULL ? n : 0};
}

static unsigned
word(struct taker *t, const struct spot *s, const char *const *words)
{
	if (t->status == BM_OK && !json_is_string(s->value))
		bm_spot_wrong(t, s, "no text");
	for (unsigned i = 0; t->status == BM_OK && words[i] != NULL; i++)
		if (strcmp(json_string_value(s->value), words[i]) == 0)
			return i;
	bm_spot_wrong(t, s, "none of the words that it may be");
	return 0;
}

unsigned
bm_take_word(struct taker *t, const struct spot *in, const char *name, const char *const *words)
{
	struct spot s = bm_spot_member(t, in, name);

	return word(t, &s, words);
}

unsigned
bm_take_word_or_null(struct taker *t, const struct spot *in, const char *name,
	const char *const *words, unsigned null_is)
{
	struct spot s = bm_spot_member(t, in, name);

	return bm_spot_is_null(t, &s) ? null_is : word(t, &s, words);
}

struct bm_view
bm_take_hex(struct taker *t, const struct spot *in, const char *name, bool *known)
{
	struct spot s = bm_spot_member(t, in, name);

	*known = t->status == BM_OK && !bm_spot_is_null(t, &s);
	if (!*known)
		return bm_view(NULL, 0);
	if (!json_is_string(s.value))
		bm_spot_wrong(t, &s, "no text");
	size_t digits = t->status == BM_OK ? json_string_length(s.value) : 0;
	uint8_t *p = bm_take_room(t, digits / 2, 1);
	if (p != NULL && (digits % 2 != 0 || !bm_unhex(json_string_value(s.value), digits / 2, p)))
		bm_spot_wrong(t, &s, "no hex");
	return bm_view(p, p != NULL ? digits / 2 : 0);
}
