/* Looks for many patterns in one pass (Aho and Corasick, 1975), then checks those that may fit.
 * Refuses to know what they stand for. */
#define _GNU_SOURCE /* memmem */
#include "explain/match_internal.h"

#include <stdlib.h>

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool
is_word(uint8_t c)
{
	c = fold(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum bm_status
bm_matcher_new(struct bm_matcher **out)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	(*out)->text.max = 1 << 16;
	(*out)->folded.max = BM_MATCH_TEXT_MAX;
	return BM_OK;
}

void
bm_matcher_free(struct bm_matcher *m)
{
	if (m == NULL)
		return;
	bm_buf_clear(&m->text);
	bm_buf_wipe(&m->folded);
	free(m->patterns);
	free(m->go);
	free(m->fail);
	free(m->ends);
	free(m->next);
	free(m->seen);
	free(m);
}

/* One character of a pattern: 0 to 255, or one of these. */
enum { GAP = 256, EDGE_BEFORE, EDGE_AFTER, BAD };

static unsigned
next_character(const char **p)
{
	char c = *(*p)++;

	if (c == '*')
		return GAP;
	if (c != '\\')
		return fold((uint8_t)c);
	c = **p;
	if (c == '\0')
		return BAD;
	(*p)++;
	switch (c) {
	case '<':
		return EDGE_BEFORE;
	case '>':
		return EDGE_AFTER;
	case '*':
	case '\\':
		return (uint8_t)c;
	default:
		return BAD;
	}
}

static enum bm_status
compile(struct bm_matcher *m, const char *pattern, struct pattern *out)
{
	struct segment s = {.at = (uint16_t)m->text.n};

	*out = (struct pattern){.same = NONE};
	for (bool more = true; more;) {
		more = *pattern != '\0';
		unsigned c = more ? next_character(&pattern) : GAP;
		if (c == BAD || out->count == SEGMENTS)
			return BM_FORMAT;
		if (c < GAP) {
			uint8_t octet = (uint8_t)c;
			if (s.edge_after) /* an edge inside a segment has nothing to say */
				return BM_FORMAT;
			enum bm_status st = bm_buf_add(&m->text, bm_view(&octet, 1));
			if (st != BM_OK)
				return st;
			s.n++;
		} else if (c == EDGE_BEFORE) {
			if (s.n != 0)
				return BM_FORMAT;
			s.edge_before = true;
		} else if (c == EDGE_AFTER) {
			s.edge_after = true;
		} else {
			if (s.n != 0)
				out->segments[out->count++] = s;
			else if (s.edge_before || s.edge_after)
				return BM_FORMAT;
			s = (struct segment){.at = (uint16_t)m->text.n};
		}
	}
	for (unsigned i = 1; i < out->count; i++)
		if (out->segments[i].n > out->segments[out->key].n)
			out->key = i;
	return out->count != 0 && out->segments[out->key].n >= 2 ? BM_OK : BM_FORMAT;
}

enum bm_status
bm_matcher_add(struct bm_matcher *m, const char *pattern)
{
	if (strlen(pattern) > BM_PATTERN_TEXT_MAX)
		return BM_FORMAT;
	enum bm_status st =
		bm_grow((void **)&m->patterns, &m->cap, m->count + 1, BM_PATTERNS_MAX, sizeof *m->patterns);
	if (st == BM_OK)
		st = compile(m, pattern, &m->patterns[m->count]);
	m->count += st == BM_OK;
	return st;
}

/* Octets that no pattern holds share class 0. */
static void
find_classes(struct bm_matcher *m)
{
	m->classes = 1;
	m->class['\\'] = (uint8_t)m->classes++;
	for (size_t i = 0; i < m->text.n; i++)
		if (m->class[m->text.p[i]] == 0)
			m->class[m->text.p[i]] = (uint8_t)m->classes++;
	for (unsigned c = 'A'; c <= 'Z'; c++)
		m->class[c] = m->class[fold((uint8_t)c)];
}

static struct bm_view
key_of(const struct bm_matcher *m, const struct pattern *p)
{
	const struct segment *s = &p->segments[p->key];

	/* The end of a long word is as rare as all of it, and takes fewer states. */
	return s->n > KEY_MAX ? bm_view(m->text.p + s->at + s->n - KEY_MAX, KEY_MAX)
						  : bm_view(m->text.p + s->at, s->n);
}

static void
add_key(struct bm_matcher *m, size_t number)
{
	struct pattern *p = &m->patterns[number];
	struct bm_view key = key_of(m, p);
	size_t state = 0;

	for (size_t i = 0; i < key.n; i++) {
		uint16_t *to = &m->go[(state << m->shift) + m->class[key.p[i]]];
		if (*to == 0)
			*to = (uint16_t)m->states++;
		state = *to;
	}
	p->same = m->ends[state];
	m->ends[state] = (uint16_t)number;
}

/* Breadth first: where to go on when the next octet does not fit, written into go itself. */
static void
complete(struct bm_matcher *m, uint16_t *queue)
{
	size_t head = 0, tail = 0;

	for (unsigned c = 0; c < m->classes; c++)
		if (m->go[c] != 0)
			queue[tail++] = m->go[c];
	while (head < tail) {
		size_t state = queue[head++];
		uint16_t f = m->fail[state];
		m->next[state] = m->ends[f] != NONE ? f : m->next[f];
		for (unsigned c = 0; c < m->classes; c++) {
			uint16_t *to = &m->go[(state << m->shift) + c];
			uint16_t other = m->go[((size_t)f << m->shift) + c];
			if (*to == 0) {
				*to = other;
			} else {
				m->fail[*to] = other;
				queue[tail++] = *to;
			}
		}
	}
}

/* A backslash counts as one too: what it stands for in a string of JSON is not looked at here. */
static void
mark_ends(struct bm_matcher *m)
{
	for (size_t state = 0; state < m->states; state++)
		m->go[(state << m->shift) + m->class['\\']] |= ENDS;
	for (size_t i = 0; i < m->states << m->shift; i++)
		if (m->ends[m->go[i] & STATES_MAX] != NONE || m->next[m->go[i] & STATES_MAX] != 0)
			m->go[i] |= ENDS;
}

enum bm_status
bm_matcher_seal(struct bm_matcher *m)
{
	size_t most = 1;

	find_classes(m);
	for (size_t i = 0; i < m->count; i++)
		most += key_of(m, &m->patterns[i]).n;
	if (most > STATES_MAX)
		return BM_LIMIT;
	while (1u << m->shift < m->classes)
		m->shift++;
	m->go = calloc(most << m->shift, sizeof *m->go);
	m->fail = calloc(most, sizeof *m->fail);
	m->ends = malloc(most * sizeof *m->ends);
	m->next = calloc(most, sizeof *m->next);
	m->seen = calloc(m->count + 1, sizeof *m->seen);
	uint16_t *queue = malloc(most * sizeof *queue);
	bool ok = m->go != NULL && m->fail != NULL && m->ends != NULL && m->next != NULL &&
			  m->seen != NULL && queue != NULL &&
			  bm_buf_reserve(&m->folded, BM_MATCH_TEXT_MAX) == BM_OK;
	if (ok) {
		for (size_t i = 0; i < most; i++)
			m->ends[i] = NONE;
		m->states = 1;
		for (size_t i = 0; i < m->count; i++)
			add_key(m, i);
		complete(m, queue);
		mark_ends(m);
	}
	free(queue);
	return ok ? BM_OK : BM_NOMEM;
}

bool
bm_matcher_may(const struct bm_matcher *m, struct bm_view text)
{
	size_t state = 0;

	for (size_t i = 0; i < text.n; i++) {
		state = m->go[((state & STATES_MAX) << m->shift) + m->class[text.p[i]]];
		if ((state & ENDS) != 0)
			return true;
	}
	return false;
}

/* Of two octets, a number below PAIRS; some share one. */
static unsigned
pair_of(const uint8_t *p)
{
	return ((unsigned)p[0] << 5 ^ p[1]) % PAIRS;
}

static bool
has_pair(const struct bm_matcher *m, const uint8_t *p)
{
	unsigned pair = pair_of(p);

	return (m->pairs[pair / 64] >> pair % 64 & 1) != 0;
}

/* The first place from `from` on at which the segment stands; SIZE_MAX: nowhere. */
static size_t
find_segment(
	const struct bm_matcher *m, const struct segment *s, struct bm_view folded, size_t from)
{
	while (from + s->n <= folded.n) {
		const uint8_t *at = memmem(folded.p + from, folded.n - from, m->text.p + s->at, s->n);
		if (at == NULL)
			return SIZE_MAX;
		size_t i = (size_t)(at - folded.p);
		bool before = !s->edge_before || i == 0 || !is_word(folded.p[i - 1]);
		bool after = !s->edge_after || i + s->n == folded.n || !is_word(folded.p[i + s->n]);
		if (before && after)
			return i;
		from = i + 1;
	}
	return SIZE_MAX;
}

/* By its first, middle and last two octets; most segments are none of the line's. */
static bool
may_hold(const struct bm_matcher *m, const struct segment *s)
{
	const uint8_t *p = m->text.p + s->at;
	size_t last = s->n - 2u;

	return s->n < 2 || (has_pair(m, p) && has_pair(m, p + last / 2) && has_pair(m, p + last));
}

static bool
fits(const struct bm_matcher *m, const struct pattern *p, struct bm_view folded)
{
	size_t from = 0;

	for (unsigned i = 0; i < p->count; i++)
		if (!may_hold(m, &p->segments[i]))
			return false;
	for (unsigned i = 0; i < p->count; i++) {
		size_t at = find_segment(m, &p->segments[i], folded, from);
		if (at == SIZE_MAX)
			return false;
		from = at + p->segments[i].n;
	}
	return true;
}

/* The room for it was made by bm_matcher_seal. */
static void
fold_text(struct bm_matcher *m, struct bm_view text)
{
	memset(m->pairs, 0, sizeof m->pairs);
	for (size_t i = 0; i < text.n; i++)
		m->folded.p[i] = fold(text.p[i]);
	m->folded.n = text.n;
	for (size_t i = 1; i < text.n; i++) {
		unsigned pair = pair_of(m->folded.p + i - 1);
		m->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
	}
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

size_t
bm_matcher_run(struct bm_matcher *m, struct bm_view text, uint32_t *numbers, size_t most)
{
	size_t state = 0, n = 0;
	bool folded = false;

	text.n = text.n < BM_MATCH_TEXT_MAX ? text.n : BM_MATCH_TEXT_MAX;
	m->run++;
	for (size_t i = 0; i < text.n && n < most; i++) {
		state = m->go[(state << m->shift) + m->class[text.p[i]]];
		if ((state & ENDS) == 0)
			continue;
		state &= STATES_MAX;
		if (!folded && (m->ends[state] != NONE || m->next[state] != 0)) {
			fold_text(m, text);
			folded = true;
		}
		size_t s = m->ends[state] != NONE ? state : m->next[state];
		for (; s != 0 && n < most; s = m->next[s]) {
			for (uint16_t k = m->ends[s]; k != NONE && n < most; k = m->patterns[k].same) {
				if (m->seen[k] == m->run)
					continue;
				m->seen[k] = m->run;
				if (fits(m, &m->patterns[k], bm_buf_view(&m->folded)))
					numbers[n++] = k;
			}
		}
	}
	qsort(numbers, n, sizeof *numbers, ascending);
	return n;
}
