/* Says of packets that sentences speak of in which piece of the capture they stand. Refuses to know
 * what else sentences say. */
#include "verdict/verdict.h"

enum { SENTENCE_MAX = 1 << 20, DIGITS_MAX = 18 };

struct telling {
	const struct bm_connection *c;
	struct bm_arena *arena;
	struct bm_buf out;
	enum { NOT_ASKED, PLAIN, ODD } names; /* ODD: one of a capture reads as a packet */
	bool elsewhere; /* the sentence goes on about another capture, and names its file */
	bool failed;
};

static void
put(struct telling *t, struct bm_view v)
{
	t->failed = t->failed || bm_buf_add(&t->out, v) != BM_OK;
}

static bool
starts(struct bm_view v, const char *with)
{
	size_t n = strlen(with);

	return v.n >= n && memcmp(v.p, with, n) == 0;
}

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		   c >= 0x80;
}

/* The digits of a number that v starts with; 0: none, or it is a part of something else, such as a
 * file's name. */
static size_t
number(struct bm_view v, uint64_t *value)
{
	size_t n = 0;

	for (*value = 0; n < v.n && n <= DIGITS_MAX && v.p[n] >= '0' && v.p[n] <= '9'; n++)
		*value = *value * 10 + (uint64_t)(v.p[n] - '0');
	if (n == 0 || n > DIGITS_MAX || (n < v.n && is_word(v.p[n])))
		return 0;
	bool goes_on = n + 1 < v.n && strchr(".-/", v.p[n]) != NULL && is_word(v.p[n + 1]);
	return goes_on ? 0 : n;
}

/* Names of captures stand in sentences, and stay what they are, or redaction does not know them. */
static bool
reads_as_packet(const char *name)
{
	uint64_t value;

	for (const char *p = name; (p = strstr(p, "packet")) != NULL; p++) {
		const char *n = p + 6 + (p[6] == 's');
		if (*n == ' ' && number(bm_view(n + 1, strlen(n + 1)), &value) != 0)
			return true;
	}
	return false;
}

static bool
names_are_plain(const struct bm_connection *c)
{
	bool plain = true;

	for (size_t i = 0; i < c->pieces->n && plain; i++)
		plain = !reads_as_packet(c->pieces->item[i].name);
	for (size_t i = 0; i < c->also_in_count && plain; i++)
		plain = !reads_as_packet(c->also_in[i]);
	return plain;
}

/* Within brackets others would not be read easily. */
static void
put_piece(struct telling *t, uint64_t packet, bool in_brackets)
{
	uint64_t own;
	const struct bm_capture_piece *p = bm_capture_piece_of(t->c->pieces, packet, &own);

	if (p == NULL)
		return;
	if (t->names == NOT_ASKED)
		t->names = names_are_plain(t->c) ? PLAIN : ODD;
	if (t->names == ODD)
		return;
	const char *text = bm_arena_print(
		t->arena, in_brackets ? ", %llu of %s" : " (%llu of %s)", (unsigned long long)own, p->name);
	t->failed = t->failed || text == NULL;
	if (text != NULL)
		put(t, bm_view(text, strlen(text)));
}

/* The numbers behind "packet " or "packets "; the octets that they take. Those of another capture
 * stand "there", and have been told of with its pieces. */
static size_t
put_numbers(struct telling *t, struct bm_view v, bool several, bool in_brackets)
{
	size_t at = 0;

	for (;;) {
		uint64_t packet;
		size_t n = number(bm_view(v.p + at, v.n - at), &packet);
		if (n == 0)
			return at;
		put(t, bm_view(v.p + at, n));
		at += n;
		struct bm_view rest = bm_view(v.p + at, v.n - at);
		t->elsewhere = starts(rest, " there");
		if (t->elsewhere)
			return at;
		put_piece(t, packet, in_brackets);
		size_t gap = !several ? 0 : starts(rest, " and ") ? 5 : starts(rest, ", ") ? 2 : 0;
		if (gap == 0 || number(bm_view(rest.p + gap, rest.n - gap), &packet) == 0)
			return at;
		put(t, bm_view(rest.p, gap));
		at += gap;
	}
}

static void
go_through(struct telling *t, struct bm_view v)
{
	bool quoted = false; /* what is quoted comes from elsewhere */
	size_t brackets = 0;

	for (size_t at = 0; at < v.n && !t->failed;) {
		struct bm_view rest = bm_view(v.p + at, v.n - at);
		bool begins = !quoted && !t->elsewhere && (at == 0 || !is_word(v.p[at - 1]));
		size_t n = !begins ? 0 : starts(rest, "packet ") ? 7 : starts(rest, "packets ") ? 8 : 0;
		if (n != 0) {
			put(t, bm_view(rest.p, n));
			at += n;
			at += put_numbers(t, bm_view(v.p + at, v.n - at), n == 8, brackets != 0);
			continue;
		}
		t->elsewhere = t->elsewhere || (begins && starts(rest, "there packet "));
		quoted = quoted != (*rest.p == '"');
		brackets += !quoted && *rest.p == '(';
		brackets -= !quoted && *rest.p == ')' && brackets != 0;
		put(t, bm_view(rest.p, 1));
		at++;
	}
}

static void
tell(struct telling *t, const char **text)
{
	if (t->failed || *text == NULL || strstr(*text, "packet") == NULL)
		return;
	t->out.n = 0;
	t->elsewhere = false;
	go_through(t, bm_view(*text, strlen(*text)));
	put(t, bm_view("", 1));
	const char *told = t->failed ? NULL : bm_arena_copy(t->arena, bm_buf_view(&t->out));
	t->failed = told == NULL;
	if (told != NULL)
		*text = told;
}

static void
tell_failure(struct telling *t, struct bm_failure *f)
{
	const char **evidence =
		bm_arena_copy(t->arena, bm_view(f->evidence, f->evidence_count * sizeof *f->evidence));
	struct bm_ruled_out *ruled =
		bm_arena_copy(t->arena, bm_view(f->ruled_out, f->ruled_out_count * sizeof *f->ruled_out));

	t->failed = t->failed || evidence == NULL || ruled == NULL;
	for (size_t i = 0; i < f->evidence_count && !t->failed; i++)
		tell(t, &evidence[i]);
	for (size_t i = 0; i < f->ruled_out_count && !t->failed; i++)
		tell(t, &ruled[i].because);
	tell(t, &f->summary);
	f->evidence = evidence;
	f->ruled_out = ruled;
}

enum bm_status
bm_verdict_pieces(struct bm_connection *c, struct bm_failure *failures, struct bm_arena *arena)
{
	struct telling t = {.c = c, .arena = arena, .out = {.max = SENTENCE_MAX}};

	if (c->pieces == NULL)
		return BM_OK;
	for (size_t i = 0; i < c->failure_count; i++)
		tell_failure(&t, &failures[i]);
	tell(&t, &c->undecided_because);
	tell(&t, &c->undecided_detail);
	bm_buf_clear(&t.out);
	return t.failed ? BM_NOMEM : BM_OK;
}
