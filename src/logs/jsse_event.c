/* Reads single lines of a javax.net.debug log. Refuses to know the lines around them. */
#include "logs/jsse_event.h"

#include <strings.h>

#include "base/hash64.h"
#include "logs/text.h"

static struct bm_view
from(struct bm_view v, size_t at)
{
	return bm_view(v.p + at, v.n - at);
}

static bool
starts(struct bm_view v, const char *words, struct bm_view *rest)
{
	size_t n = strlen(words);

	if (v.n < n || memcmp(v.p, words, n) != 0)
		return false;
	*rest = from(v, n);
	return true;
}

static struct bm_view
word_of(struct bm_view v)
{
	size_t n = 0;

	while (n < v.n && v.p[n] != ' ' && v.p[n] != ',')
		n++;
	return bm_view(v.p, n);
}

static bool
read_number(struct bm_view v, uint64_t *out)
{
	size_t i = 0;

	v = text_trim(v);
	for (*out = 0; i < v.n && i < 10 && bm_is_digit(v.p[i]); i++)
		*out = *out * 10 + (v.p[i] - '0');
	return i != 0;
}

static bool
number_after(struct bm_view v, const char *words, uint64_t *out)
{
	size_t at = text_find(v, words);

	return at != SIZE_MAX && read_number(from(v, at + strlen(words)), out);
}

static enum jsse_content
content_of(struct bm_view v)
{
	static const struct {
		const char *words;
		enum jsse_content content;
	} names[] = {{"change", JSSE_CONTENT_CCS}, {"alert", JSSE_CONTENT_ALERT},
		{"handshake", JSSE_CONTENT_HANDSHAKE}, {"application", JSSE_CONTENT_APPLICATION}};

	v = text_trim(v);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t n = strlen(names[i].words);
		if (v.n >= n && strncasecmp((const char *)v.p, names[i].words, n) == 0)
			return names[i].content;
	}
	return JSSE_CONTENT_OTHER;
}

/* "TLSv1 Application Data, length = 282" */
static bool
read_record(struct bm_view v, enum jsse_what what, struct jsse_event *out)
{
	v = text_trim(v);
	out->version = word_of(v);
	out->content = content_of(from(v, out->version.n));
	if (!number_after(v, "length = ", &out->length))
		return false;
	out->what = what;
	return true;
}

/* "TLSv1 ALERT:  fatal, description = bad_record_mac", "TLSv1.2 ALERT:  fatal, bad_record_mac" */
static bool
read_alert(struct bm_view v, enum jsse_what what, struct jsse_event *out)
{
	size_t at = text_find(v, "ALERT:");

	if (at == SIZE_MAX || at > 16)
		return false;
	out->version = word_of(text_trim(v));
	v = from(v, at + 6);
	size_t comma = text_find(v, ",");
	if (comma == SIZE_MAX)
		return false;
	out->text = text_trim(from(v, comma + 1));
	(void)starts(out->text, "description = ", &out->text);
	out->what = what;
	return true;
}

/* "[Session-1, SSL_RSA_WITH_RC4_128_SHA]" */
static bool
read_session(struct bm_view v, enum jsse_what what, struct jsse_event *out)
{
	size_t comma = text_find(v, ", "), end = text_find(v, "]");

	out->what = what;
	if (comma != SIZE_MAX && end != SIZE_MAX && end > comma)
		out->text = text_trim(bm_view(v.p + comma + 2, end - comma - 2));
	return true;
}

static bool
read_session_line(struct bm_view v, struct jsse_event *out)
{
	struct bm_view rest;

	if (starts(v, "Invalidated:", &rest))
		return read_session(rest, JSSE_INVALIDATED, out);
	out->client_session = starts(v, "Cached client session:", &rest);
	if (out->client_session || starts(v, "Cached server session:", &rest) ||
		starts(v, "Created:", &rest) || starts(v, "Initialized:", &rest))
		return read_session(rest, JSSE_CACHED, out);
	out->client_session = starts(v, "Client cached", &rest) || starts(v, "Try resuming", &rest);
	if (out->client_session || starts(v, "Resuming session", &rest) ||
		starts(v, "Server resuming", &rest))
		return read_session(rest, JSSE_RESUMING, out);
	return false;
}

/* What follows the thread and its comma, or the last bar. */
static bool
read_words(struct bm_view v, struct jsse_event *out)
{
	struct bm_view rest;

	if (starts(v, "READ: ", &rest))
		return read_record(rest, JSSE_READ, out);
	if (starts(v, "WRITE: ", &rest))
		return read_record(rest, JSSE_WRITE, out);
	if (starts(v, "SEND ", &rest))
		return read_alert(rest, JSSE_SEND_ALERT, out);
	if (starts(v, "RECV ", &rest))
		return read_alert(rest, JSSE_RECV_ALERT, out);
	if (starts(v, "setSoTimeout(", &rest) && read_number(rest, &out->length)) {
		out->what = JSSE_TIMEOUT;
		return true;
	}
	return false;
}

static bool
read_old(struct bm_view line, struct jsse_event *out)
{
	static const char *const marks[] = {
		", READ: ", ", WRITE: ", ", SEND ", ", RECV ", ", setSoTimeout("};
	struct bm_view rest;
	size_t at;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		at = text_find(line, marks[i]);
		if (at == SIZE_MAX || !read_words(from(line, at + 2), out))
			continue;
		out->thread = text_trim(bm_view(line.p, at));
		out->speaker = jsse_speaker(out->thread);
		return true;
	}
	at = text_find(line, "%% ");
	if (at != SIZE_MAX)
		return read_session_line(from(line, at + 3), out);
	at = text_find(line, "*** ");
	if (at != SIZE_MAX) {
		rest = from(line, at + 4);
		out->what = starts(rest, "ClientHello", &rest)    ? JSSE_HELLO_CLIENT
					: starts(rest, "ServerHello,", &rest) ? JSSE_HELLO_SERVER
					: starts(rest, "Finished", &rest)     ? JSSE_FINISHED
														  : JSSE_NOTHING;
		if (out->what == JSSE_HELLO_SERVER)
			out->version = word_of(text_trim(rest));
		return out->what != JSSE_NOTHING;
	}
	at = text_find(line, "Cipher Suite: ");
	if (at != SIZE_MAX) {
		out->what = JSSE_SUITE;
		out->text = word_of(from(line, at + 14));
		return true;
	}
	if (number_after(line, "[Raw read]: length = ", &out->length))
		out->what = JSSE_RAW_READ;
	else if (number_after(line, "[Raw write]: length = ", &out->length))
		out->what = JSSE_RAW_WRITE;
	else if (number_after(line, "Padded plaintext after DECRYPTION:  len = ", &out->length))
		out->what = JSSE_OPENED;
	return out->what != JSSE_NOTHING;
}

static bool
holds(struct bm_view v, const char *words)
{
	return text_find(v, words) != SIZE_MAX;
}

static uint64_t
number_of(struct bm_view v)
{
	uint64_t h = BM_FNV1A;

	for (size_t i = 0; i < v.n; i++)
		h = bm_fnv1a(h, v.p[i]);
	return h != 0 ? h : 1;
}

/* logger|LEVEL|id|thread|time|file:line|message */
static bool
read_modern(struct bm_view line, struct jsse_event *out)
{
	struct bm_view field[7], rest = line;
	size_t n = 0;

	while (n < 6) {
		size_t bar = text_find(rest, "|");
		if (bar == SIZE_MAX)
			return false;
		field[n++] = bm_view(rest.p, bar);
		rest = from(rest, bar + 1);
	}
	field[6] = rest;
	out->modern = true;
	out->thread = field[3];
	out->speaker = jsse_speaker(field[3]);
	out->place = number_of(field[5]);
	if (read_words(rest, out))
		return true;
	if (starts(rest, "Fatal (", &rest)) {
		size_t end = text_find(rest, ")");
		out->what = JSSE_FATAL;
		out->text = bm_view(rest.p, end != SIZE_MAX ? end : 0);
	} else if (starts(rest, "Received alert message", &rest)) {
		out->what = JSSE_RECV_ALERT;
	} else if (starts(rest, "Produced ClientHello", &rest)) {
		out->what = JSSE_HELLO_CLIENT;
		out->client_session = true;
	} else if (starts(rest, "Consuming ClientHello", &rest)) {
		out->what = JSSE_HELLO_CLIENT;
	} else if (starts(rest, "Consuming ServerHello", &rest) ||
			   starts(rest, "Produced ServerHello handshake", &rest)) {
		out->what = JSSE_HELLO_SERVER;
	} else if (holds(rest, "KeyUpdate")) {
		out->what = JSSE_KEY_UPDATE;
	} else if (starts(rest, "Consuming server Finished", &rest) ||
			   starts(rest, "Consuming client Finished", &rest)) {
		out->what = JSSE_FINISHED;
	} else if (starts(rest, "Invalidated", &rest) ||
			   starts(rest, "Invalidate the session", &rest)) {
		out->what = JSSE_INVALIDATED;
	} else if (starts(rest, "Try resuming", &rest) || starts(rest, "Resuming session", &rest)) {
		out->what = JSSE_RESUMING;
	} else if (starts(rest, "Negotiated protocol version: ", &rest)) {
		out->what = JSSE_HELLO_SERVER;
		out->version = word_of(rest);
	}
	return out->what != JSSE_NOTHING;
}

/* The tail of a message of several lines: "cipher suite" : "TLS_AES_256_GCM_SHA384(0x1302)", */
static bool
read_member(struct bm_view line, struct jsse_event *out)
{
	size_t at = text_find(line, "\"cipher suite\"");

	if (at == SIZE_MAX)
		return false;
	struct bm_view rest = from(line, at + 14);
	size_t quote = text_find(rest, "\"");
	if (quote == SIZE_MAX)
		return false;
	rest = from(rest, quote + 1);
	size_t end = text_find(rest, "(");
	out->what = JSSE_SUITE;
	out->modern = true;
	out->text = bm_view(rest.p, end != SIZE_MAX ? end : 0);
	return true;
}

bool
jsse_read_event(struct bm_view line, struct jsse_event *out)
{
	*out = (struct jsse_event){.what = JSSE_NOTHING};
	line = text_trim(line);
	if (line.n > 4096)
		return false;
	size_t at = text_find(line, "ssl|");
	if (at != SIZE_MAX && read_modern(from(line, at), out))
		return true;
	*out = (struct jsse_event){.what = JSSE_NOTHING};
	return read_old(line, out) || read_member(line, out);
}
