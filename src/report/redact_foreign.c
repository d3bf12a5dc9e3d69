/* Says what in a line of a log, or in text that somebody wrote into a connection, looks like a name
 * of a host, a user or a file. Nobody can be sure, so it hides what may be one. Refuses to know
 * addresses. */
#include "report/redact_scan.h"

#include <strings.h>

static bool
is_one_of(struct bm_view word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == word.n && strncasecmp(*list, (const char *)word.p, word.n) == 0)
			return true;
	return false;
}

static bool
starts_with(struct bm_view v, const char *text)
{
	size_t n = strlen(text);

	return v.n >= n && strncasecmp((const char *)v.p, text, n) == 0;
}

static void
hide(struct bm_scan *s, enum bm_hidden kind, size_t n)
{
	char shown[BM_HIDDEN_NAME_MAX];

	bm_scan_note(s, bm_hidden_name(s->r, kind, bm_view(s->text.p + s->at, n), true, shown));
	bm_scan_say(s, shown);
	s->at += n;
}

static bool
ends_value(uint8_t c)
{
	return c <= ' ' || strchr("\"'<>()[]{},;|", c) != NULL;
}

static size_t
value_length(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && !ends_value(v.p[n]))
		n++;
	while (n != 0 && (v.p[n - 1] == '.' || v.p[n - 1] == ':'))
		n--;
	return n;
}

static bool
has_capital_label(struct bm_view word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] >= 'A' && word.p[i] <= 'Z' && (i == 0 || word.p[i - 1] == '.'))
			return true;
	return false;
}

/* Names of packages and classes of stacks that everyone has, and of their source files. */
static bool
is_code(struct bm_view word, struct bm_view last)
{
	static const char *const packages[] = {"java.", "javax.", "jdk.", "sun.", "com.sun.",
		"com.ibm.", "org.apache.", "org.bouncycastle.", "org.conscrypt.", "org.eclipse.jetty.",
		"org.openssl.", "org.springframework.", "io.netty.", "System.", "Microsoft.", NULL};
	static const char *const endings[] = {"c", "cc", "cpp", "cxx", "h", "hpp", "java", "go", "rs",
		"py", "rb", "js", "ts", "php", "cs", "pl", "lua", "erl", "ex", "kt", "scala", "so", "dll",
		"cnf", "conf", NULL};

	if (is_one_of(last, endings) || starts_with(word, "javax."))
		return true;
	for (size_t i = 0; packages[i] != NULL; i++)
		if (starts_with(word, packages[i]) && has_capital_label(word))
			return true;
	return false;
}

/* Whether the last of a word's labels begins with a letter, and is not the only one; *last: where.
 */
static bool
ends_with_letters(struct bm_view word, size_t *last)
{
	*last = word.n;
	while (*last != 0 && word.p[*last - 1] != '.')
		--*last;
	uint8_t first = *last != 0 ? word.p[*last] : '0';
	return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first >= 0x80;
}

/* Labels with dots between them, of which the last one begins with a letter: no number. A number
 * may be tied to one: "db7.corp.example-10.1.1.7". */
static bool
take_dotted(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	size_t n = bm_scan_word(v), last;

	while (!ends_with_letters(bm_view(v.p, n), &last)) {
		/* To a dash before that label, which no shorter one makes a better one. */
		for (n = last; n != 0 && v.p[n - 1] != '-';)
			n--;
		if (n == 0)
			return false;
		n--;
	}
	if (n - last < 2 || is_code(bm_view(v.p, n), bm_view(v.p + last, n - last)))
		return false;
	hide(s, BM_HIDDEN_HOST, n);
	return true;
}

/* "alice@db.corp": also without dots in the domain. */
static bool
take_mail(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	size_t n = 0;

	while (
		n < v.n && (bm_hidden_goes_on(v.p[n]) || strchr(".-+%=/", v.p[n]) != NULL) && v.p[n] != 0)
		n++;
	if (n == 0 || n + 1 >= v.n || v.p[n] != '@' || !bm_hidden_goes_on(v.p[n + 1]))
		return false;
	hide(s, BM_HIDDEN_USER, n);
	bm_scan_say(s, "@");
	s->at++;
	if (!bm_scan_address(s))
		hide(s, BM_HIDDEN_HOST, bm_scan_word(bm_scan_rest(s)));
	return true;
}

/* What follows a host in a URL, or a path by itself. */
static void
hide_path(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	size_t n = 0;

	while (n < v.n && !ends_value(v.p[n]) && v.p[n] != ':')
		n++;
	bm_scan_say(s, "/path");
	s->at += n;
}

/* "//user@host:port/path". */
static bool
take_authority(struct bm_scan *s)
{
	if (!starts_with(bm_scan_rest(s), "//"))
		return false;
	bm_scan_say(s, "//");
	s->at += 2;
	struct bm_view v = bm_scan_rest(s);
	size_t n = 0, at = 0;
	while (n < v.n && !(ends_value(v.p[n]) && v.p[n] != '[' && v.p[n] != ']') && v.p[n] != '/' &&
		   v.p[n] != '?' && v.p[n] != '#')
		n++;
	for (size_t i = 0; i < n; i++)
		if (v.p[i] == '@')
			at = i + 1;
	if (at != 0) {
		bm_scan_say(s, "user@");
		s->at += at;
	}
	if (s->at < s->text.n && s->text.p[s->at] == '[') {
		bm_scan_say(s, "[");
		s->at++;
	}
	size_t host = bm_scan_word(bm_scan_rest(s));
	if (!bm_scan_address(s) && host != 0)
		hide(s, BM_HIDDEN_HOST, host);
	v = bm_scan_rest(s);
	for (n = 0; n < v.n && (v.p[n] == ']' || v.p[n] == ':' || bm_is_digit(v.p[n]));)
		n++;
	bm_scan_emit(s, v.p, n);
	s->at += n;
	if (n < v.n && (v.p[n] == '/' || v.p[n] == '?' || v.p[n] == '#'))
		hide_path(s);
	return true;
}

static bool
take_path(struct bm_scan *s)
{
	struct bm_view v = bm_scan_rest(s);
	size_t at = s->at;

	if (v.n < 2 || v.p[0] != '/' || !(bm_hidden_goes_on(v.p[1]) || v.p[1] == '.'))
		return false;
	/* "/192.0.2.1:443" is how Java shows an address. */
	struct bm_scan probe = {
		.r = s->r, .text = s->text, .at = at + 1, .how = s->how, .out = {.max = 64}};
	bool address = bm_scan_address(&probe);
	bm_buf_clear(&probe.out);
	if (address)
		return false;
	hide_path(s);
	return true;
}

/* key=value, key: value, key "value". */
static bool
take_key(struct bm_scan *s)
{
	static const char *const users[] = {"user", "username", "user_name", "login", "account", "uid",
		"database", "db", "role", "principal", "subject", "issuer", "cn", "tenant", "customer",
		NULL};
	static const char *const hosts[] = {"host", "hostname", "server", "servername", "server_name",
		"sni", "client", "peer", "upstream", "remote", "node", "vhost", "backend", NULL};
	struct bm_view v = bm_scan_rest(s);
	size_t n = bm_scan_word(v), gap = n;
	bool sure = false;

	bool user = is_one_of(bm_view(v.p, n), users);
	if (!user && !is_one_of(bm_view(v.p, n), hosts))
		return false;
	while (gap < v.n && gap < n + 4 && v.p[gap] != 0 && strchr("=:\"' [", v.p[gap]) != NULL) {
		sure = sure || (v.p[gap] != ' ' && v.p[gap] != ':' && v.p[gap] != '[');
		gap++;
	}
	struct bm_view value = bm_view(v.p + gap, v.n - gap);
	size_t length = value_length(value);
	bool colon = memchr(v.p + n, ':', gap - n) != NULL;
	/* "server: decryption failed" names nobody. */
	bool telling = length < value.n && value.p[length] == ',';
	for (size_t i = 0; i < length; i++)
		telling = telling || value.p[i] == '.' || bm_is_digit(value.p[i]);
	if (gap == n || length == 0 || !(sure || (colon && (user || telling))))
		return false;
	bm_scan_emit(s, v.p, gap);
	s->at += gap;
	if (user)
		hide(s, BM_HIDDEN_USER, length);
	else if (!bm_scan_address(s)) {
		size_t host = bm_scan_word(bm_scan_rest(s));
		if (host != 0)
			hide(s, BM_HIDDEN_HOST, host);
	}
	return true;
}

/* The octets of a time that a line of syslog begins with: "<13>Nov 26 14:00:01 " (RFC 3164) or
 * "2026-11-26T14:00:01.5+01:00 " (RFC 5424 and others); 0: it does not. */
static size_t
syslog_time(struct bm_view v)
{
	size_t n = 0, colons = 0, words = 0;

	if (v.n != 0 && v.p[0] == '<') {
		const uint8_t *end = memchr(v.p, '>', v.n < 6 ? v.n : 6);
		n = end != NULL ? (size_t)(end - v.p) + 1 : 0;
	}
	if (n + 1 < v.n && v.p[n] == '1' && v.p[n + 1] == ' ')
		n += 2;
	size_t most = n < v.n && bm_is_digit(v.p[n]) ? 1 : 3;
	bool blank = true;
	for (; n < v.n && n < 64; n++) {
		if (v.p[n] == ' ' && !blank && ++words == most)
			return colons >= 2 ? n + 1 : 0;
		blank = v.p[n] == ' ';
		colons += v.p[n] == ':';
	}
	return 0;
}

/* After a time and before "prog[12]:" or "prog:" stands a host. */
static bool
take_syslog_host(struct bm_scan *s)
{
	size_t at = syslog_time(s->text);

	if (at == 0 || s->at != at)
		return false;
	struct bm_view v = bm_scan_rest(s);
	size_t n = value_length(v), i = n + 1;
	if (n == 0 || n >= v.n || v.p[n] != ' ' || v.p[n - 1] == ':')
		return false;
	while (i < v.n && v.p[i] != ' ' && v.p[i] != '[' && v.p[i] != ':')
		i++;
	if (i >= v.n || v.p[i] == ' ' || i == n + 1)
		return false;
	if (!bm_scan_address(s))
		hide(s, BM_HIDDEN_HOST, n);
	return true;
}

bool
bm_scan_name(struct bm_scan *s, bool word)
{
	if (word && (take_syslog_host(s) || take_mail(s) || take_key(s) || take_dotted(s)))
		return true;
	return take_authority(s) ||
		   (s->at != 0 && bm_hidden_goes_on(s->text.p[s->at - 1]) ? false : take_path(s));
}
