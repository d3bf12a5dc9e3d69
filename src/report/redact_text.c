/* Goes through a text and replaces what is hidden: names that are known, whatever reads as an
 * address, and, in text from elsewhere, what looks like a name. Hides too much rather than too
 * little. Refuses to know what the text is about. */
#include "report/redact_scan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TEXT_MAX = 4 << 20,
	HEX_HIDDEN = 16 /* digits in a row, and more */
};

void
bm_scan_emit(struct bm_scan *s, const void *p, size_t n)
{
	if (s->status == BM_OK)
		bm_scan_note(s, bm_buf_add(&s->out, bm_view(p, n)));
}

void
bm_scan_say(struct bm_scan *s, const char *text)
{
	bm_scan_emit(s, text, strlen(text));
}

static bool
is_dot(uint8_t c)
{
	return c == '.';
}

static bool
is_dash(uint8_t c)
{
	return c == '-' || c == '_';
}

/* Four numbers up to 255, parted by octets that fit; the octets they take. */
static size_t
read_ipv4(struct bm_view v, bool (*parts)(uint8_t), uint8_t ip[4])
{
	size_t at = 0;

	for (size_t k = 0; k < 4; k++) {
		unsigned n = 0;
		size_t digits = 0;
		if (k != 0 && (at == v.n || !parts(v.p[at++])))
			return 0;
		for (; at < v.n && digits < 4 && bm_is_digit(v.p[at]); digits++)
			n = n * 10 + (unsigned)(v.p[at++] - '0');
		if (digits == 0 || digits > 3 || n > 255)
			return 0;
		ip[k] = (uint8_t)n;
	}
	return at;
}

/* Sections of RFCs may have four numbers. */
static bool
is_section(const struct bm_scan *s)
{
	static const char word[] = "section ";
	size_t n = sizeof word - 1;

	return s->how != BM_REDACT_FOREIGN && s->at >= n && memcmp(s->text.p + s->at - n, word, n) == 0;
}

static bool
take_ipv4(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	uint8_t ip[4];
	char text[16];

	if (s->at != 0 && bm_is_digit(s->text.p[s->at - 1]))
		return false;
	size_t n = read_ipv4(v, is_dot, ip);
	bool dashed = n == 0;
	if (dashed)
		n = read_ipv4(v, is_dash, ip);
	if (n == 0 || is_section(s))
		return false;
	bm_scan_note(s, bm_hidden_ip(s->r, ip, 4));
	(void)snprintf(
		text, sizeof text, dashed ? "%u-%u-%u-%u" : "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	bm_scan_say(s, text);
	s->at += n;
	return true;
}

static bool
take_mac(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	uint8_t mac[6];
	char text[18];

	if (v.n < 17 || (v.p[2] != ':' && v.p[2] != '-'))
		return false;
	for (size_t k = 0; k < 6; k++) {
		int high = bm_hex_digit(v.p[3 * k]), low = bm_hex_digit(v.p[3 * k + 1]);
		if (high < 0 || low < 0 || (k != 5 && v.p[3 * k + 2] != v.p[2]))
			return false;
		mac[k] = (uint8_t)(high << 4 | low);
	}
	if (v.n > 17 && (bm_hidden_goes_on(v.p[17]) || v.p[17] == v.p[2]))
		return false;
	bm_scan_note(s, bm_hidden_ip(s->r, mac, 0));
	(void)snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	bm_scan_say(s, text);
	s->at += 17;
	return true;
}

/* The longest start of v that reads as an IPv6 address (RFC 4291, section 2.2), "::" aside. */
static size_t
read_ipv6(struct bm_view v, uint8_t ip[16])
{
	char text[INET6_ADDRSTRLEN];
	size_t run = 0;

	while (run < v.n && run < sizeof text - 1 &&
		   (bm_hex_digit(v.p[run]) >= 0 || v.p[run] == ':' || v.p[run] == '.'))
		run++;
	if (run < 3 || memchr(v.p, ':', run) == NULL)
		return 0;
	for (size_t n = run; n >= 3; n--) {
		if (n < v.n && bm_hidden_goes_on(v.p[n]))
			continue;
		memcpy(text, v.p, n);
		text[n] = '\0';
		if (inet_pton(AF_INET6, text, ip) == 1)
			return n;
	}
	return 0;
}

static bool
take_ipv6(struct bm_scan *s)
{
	struct bm_address a = {.family = 6};
	char text[BM_ADDRESS_TEXT_MAX];

	if (s->at != 0 && bm_hidden_goes_on(s->text.p[s->at - 1]))
		return false;
	size_t n = read_ipv6(bm_scan_rest(s), a.ip);
	if (n == 0)
		return false;
	bm_scan_note(s, bm_redact_address(s->r, &a));
	bm_address_text(&a, text); /* "[...]:0" */
	bm_scan_emit(s, text + 1, strcspn(text, "]") - 1);
	s->at += n;
	return true;
}

/* Where the program's own sentences name a file: what stands before it, from the beginning of the
 * sentence on, and what behind it (why/elsewhere.c, verdict/compare.c). */
struct place {
	const char *before, *behind;
};
static const struct place places[] = {
	{"", " shows other bytes from "},
	{"", " shows the same "},
	{"", " was taken nearer "},
	{"in ", " this record does not "},
	{"in ", " the record that was due "},
	{"with the bytes of ", " it verifies at "},
};
static const struct place notice = {"", ": "}; /* api_notice() */

static bool
stands_before(struct bm_view text, size_t at, const char *what)
{
	size_t n = strlen(what);

	return at >= n && memcmp(text.p + at - n, what, n) == 0;
}

/* "17 of p2.pcap)", "packets of p2.pcap,": a piece of a capture (capture/pieces.c,
 * verdict/pieces.c, verdict/looks.c). */
static const char *
piece_at(struct bm_scan *s, struct bm_view text, size_t at, size_t *n)
{
	static const char of[] = " of ";
	size_t len = sizeof of - 1;
	struct bm_view v = bm_view(text.p + at, text.n - at);

	if (!stands_before(text, at, of) || at == len ||
		!(bm_is_digit(text.p[at - len - 1]) || stands_before(text, at - len, " packets")))
		return NULL;
	const char *shown = bm_hidden_file_at(s->r, v, ")", n);
	return shown != NULL ? shown : bm_hidden_file_at(s->r, v, ",", n);
}

static const char *
file_in_place(struct bm_scan *s, struct bm_view text, size_t at, const struct place *p, size_t *n)
{
	if (!stands_before(text, at, p->before))
		return NULL;
	size_t start = at - strlen(p->before);
	/* What rules a cause out may be two sentences. */
	if (start != 0 && !stands_before(text, start, "; "))
		return NULL;
	return bm_hidden_file_at(s->r, bm_view(text.p + at, text.n - at), p->behind, n);
}

/* No word of the program's own: a path, or with an ending. */
static bool
is_plainly_a_file(struct bm_view name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' ||
			(name.p[i] == '.' && i != 0 && i + 1 < name.n && bm_hidden_goes_on(name.p[i + 1]) &&
				!bm_is_digit(name.p[i + 1])))
			return true;
	return false;
}

/* Commands that are proposed have names of their own: they stand in backquotes, or after -w. */
static bool
in_command(struct bm_view text, size_t at)
{
	bool in = false;

	for (size_t i = 0; i < at; i++)
		in = in != (text.p[i] == '`');
	return in || stands_before(text, at, "-w ");
}

/* The name of a file that begins at `at`, and is meant for one. */
static const char *
file_at(struct bm_scan *s, struct bm_view text, size_t at, size_t *n)
{
	struct bm_view v = bm_view(text.p + at, text.n - at);
	const char *shown = NULL;

	if (s->how == BM_REDACT_NOTICE)
		shown = file_in_place(s, text, at, &notice, n);
	for (size_t i = 0;
		 s->how != BM_REDACT_FOREIGN && shown == NULL && i < sizeof places / sizeof *places; i++)
		shown = file_in_place(s, text, at, &places[i], n);
	if (shown == NULL && s->how != BM_REDACT_FOREIGN)
		shown = piece_at(s, text, at, n);
	if (shown != NULL)
		return shown;
	shown = bm_hidden_file_at(s->r, v, "", n);
	if (shown == NULL || s->how == BM_REDACT_FOREIGN)
		return shown;
	return is_plainly_a_file(bm_view(v.p, *n)) && !in_command(text, at) ? shown : NULL;
}

/* words: of nothing but letters and digits, or all but those. In a line of a log "server" may be a
 * label first ("server: shop"), and only then a file. */
static bool
take_file(struct bm_scan *s, bool words)
{
	size_t n, letters = 0;
	const char *shown = file_at(s, s->text, s->at, &n);

	while (shown != NULL && letters < n && bm_hidden_goes_on(s->text.p[s->at + letters]))
		letters++;
	if (shown == NULL || (s->how == BM_REDACT_FOREIGN && (letters == n) != words))
		return false;
	bm_scan_say(s, shown);
	s->at += n;
	return true;
}

/* "2026-01-31T12:00:00.5Z"; the octets that it takes. */
static size_t
read_time(struct bm_view v)
{
	static const char shape[] = "0000-00-00T00:00:00";
	size_t n = 0;

	for (; n < sizeof shape - 1; n++)
		if (n >= v.n || (shape[n] == '0'      ? !bm_is_digit(v.p[n])
							: shape[n] == 'T' ? v.p[n] != 'T' && v.p[n] != ' '
											  : v.p[n] != (uint8_t)shape[n]))
			return 0;
	while (n < v.n && (bm_is_digit(v.p[n]) || v.p[n] == '.' || v.p[n] == 'Z'))
		n++;
	return n;
}

/* Octets of records, nonces, client randoms; moments, and where a clock's zone tells where somebody
 * is. */
static bool
take_octets(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);

	if (s->r->level != BM_REDACT_ALL)
		return false;
	size_t n = read_time(v);
	if (n != 0) {
		bm_scan_say(s, "(hidden)");
		s->at += n;
		return true;
	}
	if (v.n >= 9 && memcmp(v.p, "UTC", 3) == 0 && (v.p[3] == '+' || v.p[3] == '-') &&
		v.p[6] == ':') {
		bm_scan_say(s, "its own zone");
		s->at += 9;
		return true;
	}
	if (s->how == BM_REDACT_DAMAGE)
		return false;
	while (n < v.n && bm_hex_digit(v.p[n]) >= 0)
		n++;
	if (n < HEX_HIDDEN || (n < v.n && bm_hidden_goes_on(v.p[n])))
		return false;
	bm_scan_say(s, "..");
	s->at += n;
	return true;
}

size_t
bm_scan_word(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && (bm_hidden_goes_on(v.p[n]) || v.p[n] == '.' || v.p[n] == '-'))
		n++;
	while (n != 0 && (v.p[n - 1] == '.' || v.p[n - 1] == '-'))
		n--;
	return n;
}

/* A host that was told of before. In sentences of the program's own, words without a dot are not
 * taken for one, or anyone could have its words replaced. */
static bool
take_known(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	char shown[BM_HIDDEN_NAME_MAX];
	size_t n = bm_scan_word(v);

	bool dotless = s->how == BM_REDACT_FOREIGN || s->how == BM_REDACT_NAMED;
	if (n == 0 || (!dotless && memchr(v.p, '.', n) == NULL))
		return false;
	bm_scan_note(s, bm_hidden_name(s->r, BM_HIDDEN_HOST, bm_view(v.p, n), false, shown));
	if (shown[0] == '\0' && s->how == BM_REDACT_FOREIGN)
		bm_scan_note(s, bm_hidden_name(s->r, BM_HIDDEN_USER, bm_view(v.p, n), false, shown));
	if (shown[0] == '\0')
		return false;
	bm_scan_say(s, shown);
	s->at += n;
	return true;
}

bool
bm_scan_address(struct bm_scan *s)
{
	return take_mac(s) || take_ipv6(s) || take_ipv4(s);
}

static void
go_through(struct bm_scan *s)
{
	while (s->at < s->text.n && s->status == BM_OK) {
		uint8_t before = s->at != 0 ? s->text.p[s->at - 1] : ' ';
		bool begins = !bm_hidden_goes_on(before);
		/* Within a word that goes on after a dot or a dash nothing begins but an address. */
		bool word = begins && before != '.' && before != '-';
		if ((begins && take_file(s, false)) || (begins && take_octets(s)) || bm_scan_address(s) ||
			(word && take_known(s)) || (s->how == BM_REDACT_FOREIGN && bm_scan_name(s, word)) ||
			(begins && take_file(s, true)))
			continue;
		bm_scan_emit(s, &s->text.p[s->at++], 1);
	}
}

static void
foreign(struct bm_scan *s, struct bm_view text)
{
	struct bm_scan inner = {
		.r = s->r, .text = text, .how = BM_REDACT_FOREIGN, .out = s->out, .status = s->status};

	if (s->r->level == BM_REDACT_ALL) {
		bm_scan_say(s, "...");
		return;
	}
	go_through(&inner);
	s->out = inner.out;
	s->status = inner.status;
}

/* Where, from `at` on, the next quotation mark is that is none of a file's name. */
static size_t
next_quote(struct bm_scan *s, struct bm_view text, size_t at)
{
	size_t n;

	while (at < text.n) {
		bool begins = at == 0 || !bm_hidden_goes_on(text.p[at - 1]);
		bool file = begins && file_at(s, text, at, &n) != NULL;
		if (!file && text.p[at] == '"')
			break;
		at += file ? n : 1;
	}
	return at;
}

/* What is quoted in a sentence comes from elsewhere. */
static void
own(struct bm_scan *s, struct bm_view text)
{
	size_t at = 0;

	while (at < text.n && s->status == BM_OK) {
		/* From its beginning on: where in it a name stands counts. */
		s->text = bm_view(text.p, next_quote(s, text, at));
		s->at = at;
		go_through(s);
		at = s->text.n;
		if (at == text.n)
			break;
		at++;
		const uint8_t *end = at != text.n ? memchr(text.p + at, '"', text.n - at) : NULL;
		size_t n = end != NULL ? (size_t)(end - text.p) - at : text.n - at;
		bm_scan_say(s, "\"");
		foreign(s, bm_view(text.p + at, n));
		if (end != NULL)
			bm_scan_say(s, "\"");
		at += n + (end != NULL);
	}
}

const char *
bm_redact_text(struct bm_redact *r, struct bm_arena *a, const char *text, enum bm_redact_text how)
{
	struct bm_scan s = {.r = r, .how = how, .out = {.max = TEXT_MAX}};
	struct bm_view v = bm_view(text, strlen(text));

	if (how == BM_REDACT_GIVEN) {
		s.text = v;
		s.how = BM_REDACT_FOREIGN;
		go_through(&s);
	} else if (how != BM_REDACT_FOREIGN)
		own(&s, v);
	else if (r->level == BM_REDACT_ALL)
		bm_scan_say(&s, v.n != 0 ? "(hidden)" : "");
	else
		foreign(&s, v);
	bm_scan_emit(&s, "", 1);
	const char *kept = s.status == BM_OK ? bm_arena_copy(a, bm_buf_view(&s.out)) : NULL;
	bm_buf_clear(&s.out);
	return kept;
}
