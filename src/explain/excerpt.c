/* Cuts out of a line what a report may quote: neither keys nor what records held, and no half of a
 * word at its end, for nobody could say of it whether it is a name. Refuses to know what lines say.
 */
#include "explain/facts.h"

#include <strings.h>

#include "logs/text.h"

enum {
	SECRET_DIGITS = 40, /* a secret or a random is 32 octets or more */
	DUMPED = 8,         /* octets in a row that are no address any more */
	LONGEST_WORD = 96
};

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		   c == '-';
}

/* Hexadecimal digits that v starts with. */
static size_t
hex_run(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && bm_hex_digit(v.p[n]) >= 0)
		n++;
	return n;
}

/* "48 54 54 50 2f 31 2e 31", "4854 5450 2f31 2e31": how many octets of a dump v starts with; *n: of
 * v. Colons part pairs alone, or IPv6 addresses would be dumps. */
static size_t
read_dump(struct bm_view v, uint8_t part, size_t *n)
{
	size_t octets = 0, at = 0;

	for (;;) {
		size_t digits = hex_run(bm_view(v.p + at, v.n - at));
		if (digits != 2 && (digits != 4 || part != ' '))
			break;
		if (at + digits < v.n && is_word(v.p[at + digits]) && v.p[at + digits] != '-')
			break;
		octets += digits / 2;
		at += digits;
		*n = at;
		size_t blanks = 0;
		while (at + blanks < v.n && v.p[at + blanks] == part && blanks < 3)
			blanks++;
		if (blanks == 0 || (part == ':' && blanks != 1))
			break;
		at += blanks;
	}
	return octets;
}

/* The place that dumps begin their lines with: "0010: " (Java), "0010 - " (OpenSSL). */
static size_t
read_place(struct bm_view v)
{
	size_t n = hex_run(v);

	if (n < 4 || n > 8)
		return 0;
	if (v.n - n > 2 && memcmp(v.p + n, ": ", 2) == 0)
		return n + 2;
	return v.n - n > 3 && memcmp(v.p + n, " - ", 3) == 0 ? n + 3 : 0;
}

/* Octets of v that are a dump; what follows in the line shows the same as text. */
static size_t
dump_length(struct bm_view v, bool begins)
{
	size_t place = begins ? read_place(v) : 0, n = 0;
	struct bm_view rest = bm_view(v.p + place, v.n - place);

	if (read_dump(rest, ' ', &n) >= (place != 0 ? 1 : DUMPED))
		return v.n;
	return read_dump(v, ':', &n) >= DUMPED ? n : 0;
}

static bool
names_secret(struct bm_view word)
{
	static const char *const labels[] = {"password", "passwd", "passphrase", "pwd", "secret",
		"master-key", "master_key", "token", "authorization", "cookie", "api-key", "api_key",
		"apikey"};

	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		size_t n = strlen(labels[i]);
		for (size_t k = 0; k + n <= word.n; k++)
			if (strncasecmp((const char *)word.p + k, labels[i], n) == 0)
				return true;
	}
	return false;
}

/* Behind a word that says that a secret follows: where it begins, and *end, where it ends. 0: none
 * follows. */
static size_t
secret_after(struct bm_view v, size_t word, size_t *end)
{
	size_t at = word;

	if (at < v.n && (v.p[at] == '"' || v.p[at] == '\''))
		at++;
	while (at < v.n && v.p[at] == ' ')
		at++;
	if (at == v.n || (v.p[at] != '=' && v.p[at] != ':'))
		return 0;
	at++;
	while (at < v.n && v.p[at] == ' ')
		at++;
	uint8_t mark = at < v.n && (v.p[at] == '"' || v.p[at] == '\'') ? v.p[at++] : 0;
	static const char scheme[] = "Bearer ";
	size_t from = at, n = sizeof scheme - 1;
	if (v.n - at > n && strncasecmp((const char *)v.p + at, scheme, n) == 0)
		at += n;
	while (at < v.n &&
		   (mark != 0 ? v.p[at] != mark : v.p[at] > ' ' && strchr("\"',;)]}&", v.p[at]) == NULL))
		at++;
	*end = at;
	return at != from ? from : 0;
}

/* What is being put together; one octet of n is for the zero, four are for "[..]" or "...". */
struct excerpt {
	char *out;
	size_t n, to;
	bool cut;
};

static void
put(struct excerpt *e, const void *p, size_t len)
{
	for (size_t i = 0; i < len && !e->cut; i++) {
		uint8_t c = ((const uint8_t *)p)[i];
		e->cut = e->to + 5 >= e->n;
		if (!e->cut)
			e->out[e->to++] = c != 0 ? (char)c : ' ';
	}
}

static void
leave_out(struct excerpt *e)
{
	if (e->cut)
		return;
	memcpy(e->out + e->to, "[..]", 4);
	e->to += 4;
	e->cut = e->to + 5 >= e->n;
}

/* Of a word that is cut at the end what it began with goes too, where that is not much. */
static void
end_cut(struct excerpt *e)
{
	size_t n = 0;

	while (n < e->to && (uint8_t)e->out[e->to - 1 - n] > ' ' &&
		   strchr("\"',;()", e->out[e->to - 1 - n]) == NULL)
		n++;
	e->to -= n < e->to && n < LONGEST_WORD ? n : 0;
	size_t dots = e->n - e->to > 4 ? 3 : 0;
	memcpy(e->out + e->to, "...", dots);
	e->to += dots;
}

void
bm_excerpt(struct bm_view line, char *out, size_t n)
{
	struct excerpt e = {.out = out, .n = n};

	line = text_trim(line);
	for (size_t i = 0; i < line.n && !e.cut;) {
		struct bm_view rest = bm_view(line.p + i, line.n - i);
		size_t hex = hex_run(rest), word = 0, end = 0;
		bool begins = i == 0 || !is_word(line.p[i - 1]);
		size_t dump = begins ? dump_length(rest, i == 0) : 0;
		if (hex >= SECRET_DIGITS || dump != 0) {
			leave_out(&e);
			i += dump != 0 ? dump : hex;
			e.cut = e.cut && i < line.n;
			continue;
		}
		while (begins && word < rest.n && is_word(rest.p[word]))
			word++;
		size_t secret = names_secret(bm_view(rest.p, word)) ? secret_after(rest, word, &end) : 0;
		size_t take = secret != 0 ? secret : hex != 0 ? hex : 1;
		put(&e, rest.p, take);
		i += secret != 0 ? end : take;
		if (secret != 0)
			leave_out(&e);
		e.cut = e.cut && (i < line.n || secret == 0);
	}
	if (e.cut)
		end_cut(&e);
	out[e.to] = '\0';
}
