/* Which captures are pieces of which, and how many packets each has: for sentences that name
 * packets, and for whoever reads a report. Refuses to know connections. */
#include "api/internal.h"

enum {
	WORDS_MAX = 4096, /* of a command that names all captures */
	NAMED_MAX = 64    /* captures in it */
};

static size_t
pieces_of(const struct badmac *b, uint32_t site)
{
	size_t n = 0;

	for (size_t i = 0; i < b->inputs.n; i++)
		n += b->inputs.item[i].site == site;
	return n;
}

/* How many packets a capture has is known where it was looked at before; of those behind one that
 * can be read only once the place is not. */
static void
lay_out(struct badmac *b, uint32_t site, struct bm_capture_piece *piece)
{
	uint64_t before = 0;

	for (size_t i = 0; i < b->inputs.n; i++) {
		struct input *in = &b->inputs.item[i];
		if (in->site != site)
			continue;
		bool known = in->read == NULL;
		*piece = (struct bm_capture_piece){in->name, before, known ? in->packets : UINT64_MAX};
		in->piece = piece++;
		before = known && before != UINT64_MAX ? before + in->packets : UINT64_MAX;
	}
}

/* A word for a shell that reads as the name of a file; false: there is none that could be shown as
 * it is between the backquotes of a command. */
static bool
add_word(struct bm_buf *words, const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
								"_@%+=:,./-";
	bool quoted = name[0] == '\0' || name[strspn(name, plain)] != '\0', ok = true;

	if (strcmp(name, "standard input") == 0)
		return bm_buf_add(words, bm_view(" -", 2)) == BM_OK;
	for (const char *p = name; *p != '\0'; p++)
		ok = ok && *p != '`' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f;
	ok = ok && bm_buf_add(words, bm_view(" '", quoted ? 2 : 1)) == BM_OK;
	if (ok && name[0] == '-')
		ok = bm_buf_add(words, bm_view("./", 2)) == BM_OK;
	for (const char *p = name; ok && *p != '\0'; p++)
		ok = bm_buf_add(words, *p == '\'' ? bm_view("'\\''", 4) : bm_view(p, 1)) == BM_OK;
	return ok && (!quoted || bm_buf_add(words, bm_view("'", 1)) == BM_OK);
}

/* All captures as words of a command. NULL: there is one, whose command says "...", or they are too
 * many, or their names are hidden or cannot be shown. */
static const char *
command_words(struct badmac *b)
{
	struct bm_buf words = {.max = WORDS_MAX};
	bool ok = b->inputs.n > 1 && b->inputs.n <= NAMED_MAX && b->redact == NULL;

	for (size_t i = 0; i < b->inputs.n && ok; i++)
		ok = add_word(&words, b->inputs.item[i].name);
	ok = ok && bm_buf_add(&words, bm_view("", 1)) == BM_OK;
	const char *text = ok ? bm_arena_copy(&b->arena, bm_buf_view(&words)) : NULL;
	bm_buf_clear(&words);
	return text != NULL ? text + 1 : NULL;
}

enum bm_status
api_begin_pieces(struct badmac *b, uint32_t sites)
{
	struct bm_capture_pieces *all = bm_arena_take(&b->arena, sites, sizeof *all);

	if (all == NULL)
		return BM_NOMEM;
	for (uint32_t site = 0; site < sites; site++) {
		size_t n = pieces_of(b, site);
		struct bm_capture_piece *piece = bm_arena_take(&b->arena, n, sizeof *piece);
		if (piece == NULL)
			return BM_NOMEM;
		lay_out(b, site, piece);
		all[site] = (struct bm_capture_pieces){piece, n};
	}
	b->pieces = all;
	b->sites = sites;
	b->command_words = command_words(b);
	return BM_OK;
}

void
api_begin_piece(struct input *in, uint64_t frames)
{
	in->packets_before = frames;
	if (in->piece == NULL)
		return;
	in->piece->before = frames;
	in->was_read = false;
}

void
api_end_piece(struct input *in, uint64_t frames)
{
	in->packets = frames - in->packets_before;
	in->was_read = true;
	if (in->piece != NULL)
		in->piece->packets = in->packets;
}

const struct bm_capture_pieces *
api_pieces_of(const struct badmac *b, const char *site_name)
{
	for (uint32_t site = 0; b->pieces != NULL && site < b->sites; site++)
		if (b->pieces[site].item[0].name == site_name)
			return &b->pieces[site];
	return NULL;
}

enum bm_status
api_tell_captures(struct badmac *b)
{
	struct bm_capture_read *told;
	size_t n = 0;

	if (b->inputs.n < 2)
		return BM_OK;
	told = bm_arena_take(&b->arena, b->inputs.n, sizeof *told);
	if (told == NULL)
		return BM_NOMEM;
	for (uint32_t site = 0; site < b->sites; site++)
		for (size_t i = 0; i < b->inputs.n; i++) {
			const struct input *in = &b->inputs.item[i];
			if (in->site != site)
				continue;
			told[n++] = (struct bm_capture_read){.name = in->name,
				.capture = in->site_name,
				.first_packet = in->was_read ? in->packets_before + 1 : BM_UNKNOWN,
				.packets = in->was_read ? in->packets : BM_UNKNOWN};
		}
	b->summary.captures = told;
	b->summary.capture_count = n;
	return BM_OK;
}
