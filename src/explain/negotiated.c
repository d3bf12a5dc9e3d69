/* Keeps the version and suite of the last handshakes in a log, and finds the one of a line's
 * connection. Refuses to know events. */
#include "explain/negotiated.h"

#include "explain/facts.h"

enum {
	TOGETHER = 60, /* lines about one handshake are at most so far apart */
	RECENT = 2000  /* and an event is so far behind it */
};

/* "[4711]", "LOG5[0]:": letters and digits, one digit at least. A date in brackets is none. */
static void
find_tag(struct bm_view line, char out[24])
{
	out[0] = '\0';
	for (size_t i = 0; i < line.n && i < 200; i++) {
		if (line.p[i] != '[')
			continue;
		size_t n = 0;
		bool digit = false;
		for (; i + 1 + n < line.n && n < 23 && bm_is_alnum(line.p[i + 1 + n]); n++)
			digit = digit || bm_is_digit(line.p[i + 1 + n]);
		if (digit && i + 1 + n < line.n && line.p[i + 1 + n] == ']') {
			bm_copy_text(out, 24, bm_view(line.p + i + 1, n));
			return;
		}
	}
}

static void
find_owner(struct bm_view line, struct bm_line_owner *o)
{
	*o = (struct bm_line_owner){.tag = ""};
	bm_find_clues(line, &o->clues);
	find_tag(line, o->tag);
}

static bool
has_port(const struct bm_clues *c)
{
	for (size_t i = 0; i < c->end_count; i++)
		if (c->ends[i].port != 0)
			return true;
	return false;
}

static bool
share_end(const struct bm_clues *a, const struct bm_clues *b)
{
	for (size_t i = 0; i < a->end_count; i++)
		for (size_t k = 0; k < b->end_count; k++)
			if (a->ends[i].port != 0 && a->ends[i].port == b->ends[k].port &&
				memcmp(a->ends[i].ip, b->ends[k].ip, sizeof a->ends[i].ip) == 0)
				return true;
	return false;
}

/* Addresses with ports go before tags: threads of a server take turns at a connection. */
static bool
may_be_one(const struct bm_line_owner *a, const struct bm_line_owner *b)
{
	if (has_port(&a->clues) && has_port(&b->clues))
		return share_end(&a->clues, &b->clues);
	return a->tag[0] == '\0' || b->tag[0] == '\0' || strcmp(a->tag, b->tag) == 0;
}

void
bm_negotiated_take(struct bm_negotiated *n, uint64_t number, struct bm_view line)
{
	struct bm_handshake *h = &n->last[n->at];
	struct bm_line_owner owner;
	char text[64];

	find_owner(line, &owner);
	/* The second line of the same: a version in the one, a suite in the other. */
	if (h->line == 0 || number - h->line > TOGETHER || !may_be_one(&h->owner, &owner)) {
		n->at = (n->at + 1) % BM_NEGOTIATED;
		h = &n->last[n->at];
		*h = (struct bm_handshake){.owner = owner};
	}
	if (bm_find_version(line, text))
		memcpy(h->version, text, sizeof h->version);
	if (bm_find_suite(line, text))
		memcpy(h->suite, text, sizeof h->suite);
	h->line = number;
}

const struct bm_handshake *
bm_negotiated_find(const struct bm_negotiated *n, uint64_t number, struct bm_view line)
{
	const struct bm_handshake *newest = &n->last[n->at];
	struct bm_line_owner owner;

	if (newest->line == 0 || number - newest->line > RECENT)
		return NULL;
	find_owner(line, &owner);
	for (size_t i = 0; i < BM_NEGOTIATED; i++) {
		const struct bm_handshake *h = &n->last[(n->at + BM_NEGOTIATED - i) % BM_NEGOTIATED];
		if (h->line != 0 && number - h->line <= RECENT && may_be_one(&h->owner, &owner))
			return h;
	}
	return NULL;
}
