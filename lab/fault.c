/* The table of faults, how one is asked for, and where it may strike. Refuses to know sockets. */
#include "lab/fault.h"

#include <stdarg.h>
#include <stdlib.h>

const struct lab_fault *const lab_faults[] = {&lab_bits_flipped, &lab_bytes_damaged,
	&lab_words_swapped, &lab_tag_damaged, &lab_header_damaged, &lab_stale_data,
	&lab_retransmission_differs, &lab_bytes_missing, &lab_bytes_inserted, &lab_plaintext_injected,
	&lab_record_replayed, &lab_records_reordered, &lab_record_missing, &lab_reflected_record,
	&lab_foreign_record, &lab_plaintext_alert,
	/* Behind those of the relay, which are what is meant where no way is named. */
	&lab_guilty_reused, &lab_guilty_interleaved, &lab_guilty_reordered, &lab_guilty_missing,
	&lab_guilty_injected, &lab_guilty_inserted, &lab_guilty_foreign, &lab_guilty_miscomputed,
	&lab_guilty_padded, &lab_guilty_constructed, &lab_guilty_reflected, &lab_guilty_epochs,
	&lab_guilty_keys, NULL};

const struct lab_fault *
lab_fault_find(const char *cause)
{
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++)
		if (strcmp((*f)->cause, cause) == 0)
			return *f;
	return NULL;
}

__attribute__((format(printf, 3, 4))) static bool
wrong(char *problem, size_t n, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(problem, n, format, ap);
	va_end(ap);
	return false;
}

static bool
read_number(const char *text, int64_t max, int64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	long long v = strtoll(text, &end, 10);
	*out = v;
	return *end == '\0' && v <= max;
}

/* "250ms" or "2s", an hour at most. */
static bool
read_time(const char *text, int64_t *ms)
{
	enum { HOUR_MS = 3600 * 1000 };
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	char number[16];

	if (digits == 0 || digits >= sizeof number ||
		(strcmp(unit, "ms") != 0 && strcmp(unit, "s") != 0))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	*ms = strtoll(number, NULL, 10) * (unit[0] == 's' ? 1000 : 1);
	return *ms <= HOUR_MS;
}

static bool
read_way(const char *value, struct lab_spec *out)
{
	const char *cause = out->fault->cause;

	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++)
		for (int i = 0; i < LAB_WAYS && (*f)->ways[i] != NULL; i++)
			if (strcmp((*f)->cause, cause) == 0 && strcmp((*f)->ways[i], value) == 0) {
				out->fault = *f;
				out->how = i;
				return true;
			}
	return false;
}

static bool
read_sum(const char *value, enum lab_sum *out)
{
	static const char *const names[] = {
		[LAB_SUM_ANEW] = "anew", [LAB_SUM_SENT] = "sent", [LAB_SUM_DROPPED] = "dropped"};

	for (int i = LAB_SUM_ANEW; i <= LAB_SUM_DROPPED; i++)
		if (strcmp(names[i], value) == 0) {
			*out = (enum lab_sum)i;
			return true;
		}
	return false;
}

static bool
read_pair(const char *key, const char *value, struct lab_spec *out)
{
	bool c2s = strcmp(value, "c2s") == 0;

	if (strcmp(key, "direction") == 0) {
		out->direction = c2s ? LAB_C2S : LAB_S2C;
		return c2s || strcmp(value, "s2c") == 0;
	}
	if (strcmp(key, "sum") == 0)
		return read_sum(value, &out->sum);
	if (strcmp(key, "how") == 0)
		return read_way(value, out);
	if (strcmp(key, "after") == 0)
		return read_time(value, &out->after_ms);
	if (strcmp(key, "record") == 0)
		return read_number(value, INT64_C(1) << 40, &out->record);
	if (strcmp(key, "byte") == 0)
		return read_number(value, BM_HEADER + BM_BODY_MAX, &out->byte);
	return strcmp(key, "length") == 0 && read_number(value, BM_BODY_MAX, &out->length) &&
		   out->length != 0;
}

/* A program chooses by itself where in a record. */
static bool
guilty_may(const struct lab_spec *spec, char *problem, size_t n)
{
	const char *what = spec->byte >= 0             ? "byte="
					   : spec->length >= 0         ? "length="
					   : spec->sum != LAB_SUM_ANEW ? "sum="
					   : spec->after_ms > 0        ? "after="
												   : NULL;

	return what == NULL ||
		   wrong(problem, n, "%s:how=%s is a client's doing: %s does not go with it",
			   spec->fault->cause, spec->fault->ways[spec->how], what);
}

/* What was asked for and would change nothing, and what could be asked for. */
static bool
relay_may(const struct lab_spec *spec, char *problem, size_t n)
{
	const struct lab_fault *f = spec->fault;
	bool placed = (f->placed >> spec->how & 1) != 0, ways = f->ways[0] != NULL;
	const char *what = spec->byte >= 0 && !placed                  ? "byte="
					   : spec->length >= 0 && f->length == 0       ? "length="
					   : spec->sum != LAB_SUM_ANEW && !f->in_place ? "sum="
																   : NULL;

	return what == NULL ||
		   wrong(problem, n,
			   "%s%s%s: %s says nothing of it; it takes direction=, record=, after=%s%s%s%s",
			   f->cause, ways ? ":how=" : "", ways ? f->ways[spec->how] : "", what,
			   placed ? ", byte=" : "", f->length != 0 ? ", length=" : "", ways ? ", how=" : "",
			   f->in_place ? ", sum=" : "");
}

bool
lab_spec_parse(const char *text, struct lab_spec *out, char *problem, size_t n)
{
	static const char keys[] = " direction record after byte length how sum ";
	char copy[300], *rest, *pair;

	*out =
		(struct lab_spec){.direction = -1, .record = -1, .byte = -1, .length = -1, .after_ms = -1};
	if (strlen(text) >= sizeof copy)
		return wrong(problem, n, "a fault takes less to say than that");
	memcpy(copy, text, strlen(text) + 1);
	char *colon = strchr(copy, ':');
	if (colon != NULL)
		*colon = '\0';
	out->fault = lab_fault_find(copy);
	if (out->fault == NULL)
		return wrong(problem, n, "no fault '%s'; badmac lab list names them", copy);
	for (pair = colon != NULL ? strtok_r(colon + 1, ",", &rest) : NULL; pair != NULL;
		 pair = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(pair, '='), padded[40];
		if (value == NULL)
			return wrong(problem, n, "%s: '%s' is no KEY=VALUE", copy, pair);
		*value++ = '\0';
		(void)snprintf(padded, sizeof padded, " %s ", pair);
		if (strstr(keys, padded) == NULL)
			return wrong(problem, n, "%s: no key '%s'", copy, pair);
		if (!read_pair(pair, value, out))
			return wrong(problem, n, "%s: %s cannot be '%s'", copy, pair, value);
	}
	return out->fault->guilt != NULL ? guilty_may(out, problem, n) : relay_may(out, problem, n);
}

size_t
lab_low(const struct lab_record *r)
{
	return BM_HEADER + r->front;
}

size_t
lab_high(const struct lab_record *r)
{
	size_t n = r->bytes.n, behind = r->tag + r->hidden;

	/* Too short to leave MAC and padding out: then only what is a tag for sure. */
	if (n < lab_low(r) + behind + 1)
		behind = r->tag;
	return n > lab_low(r) + behind ? n - behind : lab_low(r);
}

bool
lab_same_segment(const struct lab_strike *s, size_t a, size_t b)
{
	return (s->burst_off + a) / LAB_SEGMENT == (s->burst_off + b) / LAB_SEGMENT;
}

bool
lab_place(struct lab_strike *s, size_t n, size_t *at)
{
	size_t low = lab_low(s->record), high = lab_high(s->record);

	if (s->spec->byte >= 0) {
		*at = (size_t)s->spec->byte;
		return *at + n <= s->record->bytes.n;
	}
	if (low + n > high)
		return false;
	for (unsigned tries = 0; tries < 64; tries++) {
		*at = low + lab_below(s->chance, high - low - n + 1);
		if (lab_same_segment(s, *at, *at + n - 1))
			break;
	}
	return true;
}

size_t
lab_length(const struct lab_strike *s)
{
	return s->spec->length > 0 ? (size_t)s->spec->length : s->spec->fault->length;
}

bool
lab_copy(struct lab_strike *s)
{
	s->out.n = 0;
	return lab_put(&s->out, s->record->bytes.p, s->record->bytes.n);
}
