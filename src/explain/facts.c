/* Finds times, versions and suites in lines of any format. Refuses to know what else they say. */
#define _GNU_SOURCE /* memmem */
#include "explain/facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "logs/text.h"

void
bm_copy_text(char *out, size_t n, struct bm_view v)
{
	size_t len = v.n < n ? v.n : n - 1;

	if (len != 0)
		memcpy(out, v.p, len);
	out[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (out[i] == '\0')
			out[i] = ' ';
}

/* A number of `least` to `most` digits; *v goes on after it. */
static bool
take_number(struct bm_view *v, size_t least, size_t most, unsigned *out)
{
	size_t i = 0;

	for (*out = 0; i < v->n && i < most && bm_is_digit(v->p[i]); i++)
		*out = *out * 10 + (unsigned)(v->p[i] - '0');
	*v = bm_view(v->p + i, v->n - i);
	return i >= least;
}

static bool
take_one(struct bm_view *v, const char *any)
{
	if (v->n == 0 || v->p[0] == 0 || strchr(any, v->p[0]) == NULL)
		return false;
	*v = bm_view(v->p + 1, v->n - 1);
	return true;
}

static int
month_at(struct bm_view v)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12 && v.n >= 3; i++)
		if (memcmp(v.p, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

enum { DAYS_TO_1970 = 719469 };

/* Days since 0000-03-01 of a date that need not exist. */
static double
day_number(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

	return 365.0 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day;
}

struct moment {
	unsigned year, month, day;
	double second; /* of the day */
	double step;   /* the smallest that is written */
};

/* 09:00:00, 09:00:00.123, 9:00:00 AM */
static bool
take_clock(struct bm_view *v, struct moment *t)
{
	double *second = &t->second;
	unsigned h, m, s, digit;
	double unit = 0.1;

	if (!take_number(v, 1, 2, &h) || !take_one(v, ":") || !take_number(v, 2, 2, &m) ||
		!take_one(v, ":") || !take_number(v, 2, 2, &s) || h > 24 || m > 59 || s > 60)
		return false;
	*second = h * 3600.0 + m * 60.0 + s;
	t->step = 1;
	struct bm_view dot = *v;
	if (take_one(&dot, ".,") && dot.n != 0 && bm_is_digit(dot.p[0])) {
		*v = dot;
		while (v->n != 0 && bm_is_digit(v->p[0])) {
			(void)take_number(v, 1, 1, &digit);
			*second += digit * unit;
			t->step = unit;
			unit /= 10;
		}
	}
	if (v->n >= 3 && v->p[0] == ' ' && v->p[2] == 'M' && (v->p[1] == 'A' || v->p[1] == 'P')) {
		*second += (v->p[1] == 'P' && h < 12 ? 43200 : 0) - (v->p[1] == 'A' && h == 12 ? 43200 : 0);
		*v = bm_view(v->p + 3, v->n - 3);
	}
	return true;
}

/* 2026-11-26T09:00:00, 2026/11/26 09:00:00 */
static bool
take_iso(struct bm_view *v, struct moment *t)
{
	return take_number(v, 4, 4, &t->year) && take_one(v, "-/.") &&
		   take_number(v, 2, 2, &t->month) && take_one(v, "-/.") && take_number(v, 2, 2, &t->day) &&
		   take_one(v, "T_ ") && take_clock(v, t);
}

/* Nov 26 09:00:00, Nov 26, 2026 9:00:00 AM, Nov 26 09:00:00.123 2026 */
static bool
take_named(struct bm_view *v, struct moment *t)
{
	t->month = (unsigned)month_at(*v);
	if (t->month == 0)
		return false;
	*v = bm_view(v->p + 3, v->n - 3);
	if (!take_one(v, " "))
		return false;
	(void)take_one(v, " ");
	if (!take_number(v, 1, 2, &t->day))
		return false;
	struct bm_view year = *v;
	if (take_one(&year, ",") && take_one(&year, " ") && take_number(&year, 4, 4, &t->year))
		*v = year;
	(void)take_one(v, ",");
	if (!take_one(v, " ") || !take_clock(v, t))
		return false;
	year = *v;
	unsigned after;
	if (t->year == 0 && take_one(&year, " ") && take_number(&year, 4, 4, &after) && after > 1990 &&
		(year.n == 0 || !bm_is_alnum(year.p[0]))) {
		t->year = after;
		*v = year;
	}
	return true;
}

/* 26/Nov/2026:09:00:00, 26 Nov 2026 09:00:00, 26-Nov-2026::09:00:00 */
static bool
take_common(struct bm_view *v, struct moment *t)
{
	if (!take_number(v, 1, 2, &t->day) || !take_one(v, "/- "))
		return false;
	t->month = (unsigned)month_at(*v);
	if (t->month == 0)
		return false;
	*v = bm_view(v->p + 3, v->n - 3);
	if (!take_one(v, "/- ") || !take_number(v, 4, 4, &t->year) || !take_one(v, ": "))
		return false;
	(void)take_one(v, ":");
	return take_clock(v, t);
}

/* Behind a time: Z, UTC, GMT, +02:00, +0200, +02. What other names of zones mean depends on who
 * writes them. */
static bool
take_zone(struct bm_view v, double *seconds)
{
	bool apart = v.n != 0 && v.p[0] == ' ';
	unsigned h, m = 0;

	*seconds = 0;
	if (apart)
		v = bm_view(v.p + 1, v.n - 1);
	if (v.n >= 3 && (memcmp(v.p, "UTC", 3) == 0 || memcmp(v.p, "GMT", 3) == 0))
		return v.n == 3 || (!bm_is_alnum(v.p[3]) && v.p[3] != '+' && v.p[3] != '-');
	if (!apart && v.n != 0 && v.p[0] == 'Z')
		return v.n == 1 || !bm_is_alnum(v.p[1]);
	if (v.n == 0 || (v.p[0] != '+' && v.p[0] != '-'))
		return false;
	double sign = v.p[0] == '-' ? -1 : 1;
	v = bm_view(v.p + 1, v.n - 1);
	if (!take_number(&v, 2, 2, &h))
		return false;
	struct bm_view rest = v;
	(void)take_one(&rest, ":");
	bool minutes = take_number(&rest, 2, 2, &m);
	if (minutes)
		v = rest;
	/* A number behind a blank and a dash may be anything. */
	if ((!minutes && apart) || h > 14 || m > 59 || (v.n != 0 && bm_is_alnum(v.p[0])))
		return false;
	*seconds = sign * (h * 3600.0 + (minutes ? m * 60.0 : 0));
	return true;
}

static void
set_time(struct bm_log_time *out, const struct moment *t, struct bm_view rest)
{
	double zone;

	out->seconds = day_number(t->year, t->month, t->day) * 86400 + t->second;
	out->step = t->step;
	out->has_day = true;
	out->has_year = t->year != 0;
	out->has_zone = take_zone(rest, &zone);
	/* A leap year, so that every date is one. */
	out->unix_s =
		(day_number(out->has_year ? t->year : 1972, t->month, t->day) - DAYS_TO_1970) * 86400 +
		t->second - zone;
}

/* Seconds or milliseconds since 1970 as a JSON logger writes them. */
static bool
find_epoch(struct bm_view v, struct bm_log_time *out)
{
	static const char *const names[] = {
		"\"ts\":", "\"time\":", "\"timestamp\":", "\"@timestamp\":"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t at = text_find(v, names[i]);
		if (at == SIZE_MAX)
			continue;
		struct bm_view rest =
			text_trim(bm_view(v.p + at + strlen(names[i]), v.n - at - strlen(names[i])));
		char number[24];
		size_t n = 0;
		while (n < rest.n && n + 1 < sizeof number && (bm_is_digit(rest.p[n]) || rest.p[n] == '.'))
			n++;
		if (n < 10)
			continue;
		bm_copy_text(number, n + 1, rest);
		out->seconds = strtod(number, NULL);
		out->step = memchr(number, '.', n) != NULL ? 0.001 : 1;
		if (out->seconds > 1e11) {
			out->seconds /= 1000;
			out->step = 0.001;
		}
		out->unix_s = out->seconds;
		out->has_day = out->has_year = out->has_zone = true;
		bm_copy_text(out->text, sizeof out->text, bm_view(number, n));
		return true;
	}
	return false;
}

bool
bm_find_time(struct bm_view line, struct bm_log_time *out)
{
	static bool (*const takes[])(struct bm_view *, struct moment *) = {
		take_iso, take_named, take_common};
	struct bm_view head = bm_view(line.p, line.n < 256 ? line.n : 256);

	*out = (struct bm_log_time){.text = ""};
	for (size_t i = 0; i + 8 <= head.n; i++) {
		if (!bm_is_alnum(head.p[i]) || (i != 0 && bm_is_alnum(head.p[i - 1])))
			continue;
		for (size_t k = 0; k < sizeof takes / sizeof takes[0]; k++) {
			struct bm_view v = bm_view(head.p + i, head.n - i);
			struct moment t = {.year = 0};
			if (!takes[k](&v, &t) || t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31)
				continue;
			bm_copy_text(out->text, sizeof out->text, bm_view(head.p + i, head.n - i - v.n));
			set_time(out, &t, v);
			return true;
		}
	}
	return find_epoch(head, out);
}

bool
bm_find_clock(struct bm_view line, struct bm_log_time *out)
{
	struct bm_view v = text_trim(line);
	struct moment t = {.year = 0};
	double zone;

	*out = (struct bm_log_time){.text = ""};
	(void)take_one(&v, "[(<");
	struct bm_view start = v;
	if (!take_clock(&v, &t) || (v.n != 0 && (bm_is_alnum(v.p[0]) || v.p[0] == ':')))
		return false;
	bm_copy_text(out->text, sizeof out->text, bm_view(start.p, start.n - v.n));
	out->step = t.step;
	out->has_zone = take_zone(v, &zone);
	out->unix_s = t.second - zone;
	return true;
}

bool
bm_find_version(struct bm_view line, char out[16])
{
	static const struct {
		const char *words, *name;
	} spellings[] = {{"TLSv1.3", "TLS 1.3"}, {"TLSv1.2", "TLS 1.2"}, {"TLSv1.1", "TLS 1.1"},
		{"TLSv1.0", "TLS 1.0"}, {"TLS 1.3", "TLS 1.3"}, {"TLS 1.2", "TLS 1.2"},
		{"TLS 1.1", "TLS 1.1"}, {"TLS 1.0", "TLS 1.0"}, {"TLS1.3", "TLS 1.3"},
		{"TLS1.2", "TLS 1.2"}, {"TLS1.1", "TLS 1.1"}, {"TLS1.0", "TLS 1.0"}, {"TLS13", "TLS 1.3"},
		{"TLS12", "TLS 1.2"}, {"TLSv1_3", "TLS 1.3"}, {"TLSv1_2", "TLS 1.2"}, {"TLSv1", "TLS 1.0"},
		{"SSLv3", "SSL 3.0"}};

	if (text_find(line, "TLS") == SIZE_MAX && text_find(line, "SSLv3") == SIZE_MAX)
		return false;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		size_t n = strlen(spellings[i].words), at = text_find(line, spellings[i].words);
		if (at == SIZE_MAX || (at != 0 && bm_is_alnum(line.p[at - 1]) && line.p[at - 1] != 'D'))
			continue;
		if (at + n < line.n && (bm_is_alnum(line.p[at + n]) || line.p[at + n] == '_'))
			continue;
		(void)snprintf(
			out, 16, "%s%s", at != 0 && line.p[at - 1] == 'D' ? "D" : "", spellings[i].name);
		return true;
	}
	return false;
}

bool
bm_is_version(struct bm_view v)
{
	size_t at = v.n != 0 && v.p[0] == 'D' ? 1 : 0;

	if (v.n - at < 4 || v.n - at > sizeof "TLS 1.2" ||
		(memcmp(v.p + at, "TLS", 3) != 0 && memcmp(v.p + at, "SSL", 3) != 0))
		return false;
	for (at += 3; at < v.n; at++)
		if (!bm_is_digit(v.p[at]) && (v.p[at] == 0 || strchr("v. ", v.p[at]) == NULL))
			return false;
	return true;
}

static bool
holds(struct bm_view v, const char *words)
{
	return text_find(v, words) != SIZE_MAX;
}

/* ECDHE-RSA-AES128-GCM-SHA256: capitals, digits and dashes, with a cipher in it. */
static bool
is_openssl_suite(struct bm_view w)
{
	bool dash = false;

	for (size_t i = 0; i < w.n; i++) {
		if (!bm_is_digit(w.p[i]) && !(w.p[i] >= 'A' && w.p[i] <= 'Z') && w.p[i] != '-')
			return false;
		dash = dash || w.p[i] == '-';
	}
	return dash && w.n >= 7 &&
		   (holds(w, "AES") || holds(w, "CHACHA20") || holds(w, "DES-CBC3") || holds(w, "RC4-") ||
			   holds(w, "CAMELLIA"));
}

static bool
is_suite(struct bm_view w)
{
	bool prefix = w.n > 8 && (memcmp(w.p, "TLS_", 4) == 0 || memcmp(w.p, "SSL_", 4) == 0);

	if (prefix)
		return holds(w, "_WITH_") || memcmp(w.p, "TLS_AES_", 8) == 0 || holds(w, "TLS_CHACHA20_") ||
			   holds(w, "TLS_SM4_");
	return is_openssl_suite(w);
}

bool
bm_find_suite(struct bm_view line, char out[64])
{
	size_t found = 0;

	for (size_t i = 0; i < line.n;) {
		size_t n = 0;
		while (i + n < line.n &&
			   (bm_is_alnum(line.p[i + n]) || line.p[i + n] == '_' || line.p[i + n] == '-'))
			n++;
		if (n >= 7 && n < 64 && is_suite(bm_view(line.p + i, n))) {
			if (found++ == 0)
				bm_copy_text(out, 64, bm_view(line.p + i, n));
		}
		i += n + 1;
	}
	return found == 1;
}
