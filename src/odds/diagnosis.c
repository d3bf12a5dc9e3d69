/* Reads the JSON and sorts failures by what was done to their octets. Where several patterns fit,
 * the one that escapes more often is taken: what is improbable then is improbable in any case. */
#include "odds/diagnosis.h"

#include "odds/mac.h"

#include <jansson.h>
#include <stdio.h>

enum { FLIPS_MOST = 64, BURST_MOST = 64 };

/* Inverted bits of one failure, as far as they are known. */
struct flips {
	uint64_t bit[FLIPS_MOST]; /* place in the frame, in bits */
	size_t n;                 /* all of them, also past FLIPS_MOST */
	uint64_t length;          /* octets of all runs */
	bool known, zeroed, one_packet;
	json_int_t packet;
};

static const char *
text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

static void
note_octet(struct flips *f, uint64_t octet, unsigned changed)
{
	for (unsigned i = 0; i < 8; i++)
		if ((changed & 0x80u >> i) != 0) {
			if (f->n < FLIPS_MOST)
				f->bit[f->n] = 8 * octet + i;
			f->n++;
		}
}

/* Hex against hex, as far as both go. */
static void
compare(struct flips *f, const char *received, const char *sent, uint64_t at)
{
	f->known = f->known && strlen(received) == strlen(sent);
	for (size_t i = 0; f->known && received[2 * i] != '\0'; i++) {
		int a = bm_hex_digit((unsigned char)received[2 * i]);
		int b = bm_hex_digit((unsigned char)received[2 * i + 1]);
		int c = bm_hex_digit((unsigned char)sent[2 * i]);
		int d = bm_hex_digit((unsigned char)sent[2 * i + 1]);
		f->known = a >= 0 && b >= 0 && c >= 0 && d >= 0;
		if (f->known)
			note_octet(f, at + i, (unsigned)((a ^ c) << 4 | (b ^ d)));
	}
}

static void
note_run(struct flips *f, const json_t *run)
{
	const json_t *sent = json_object_get(run, "sent"), *packet = json_object_get(run, "packet");
	const json_t *place = json_object_get(run, "packet_offset");
	const char *received = text(run, "received");
	json_int_t length = json_integer_value(json_object_get(run, "length"));
	json_int_t at = json_integer_value(place);

	f->length += length > 0 && length <= BM_PAYLOAD ? (uint64_t)length : BM_PAYLOAD;
	f->zeroed = f->zeroed && received[0] != '\0' && strspn(received, "0") == strlen(received);
	f->one_packet = f->one_packet && json_is_integer(packet) && json_is_integer(place) && at >= 0 &&
					at < 1 << 24 && (f->packet == -1 || json_integer_value(packet) == f->packet);
	f->packet = json_integer_value(packet);
	if (json_is_string(sent))
		compare(f, received, json_string_value(sent), f->one_packet ? (uint64_t)at : 0);
	else
		f->known = false;
}

static struct flips
flips_of(const json_t *damage)
{
	struct flips f = {.known = true, .zeroed = true, .one_packet = true, .packet = -1};

	for (size_t i = 0; i < json_array_size(damage); i++)
		note_run(&f, json_array_get(damage, i));
	f.known = f.known && f.n != 0 && json_array_size(damage) != 0;
	return f;
}

/* Bits from the first to the last, both counted; those of several packets have no distance. */
static uint64_t
width(const struct flips *f)
{
	uint64_t low = UINT64_MAX, high = 0;

	if (!f->one_packet || f->n > FLIPS_MOST)
		return UINT64_MAX;
	for (size_t i = 0; i < f->n; i++) {
		low = f->bit[i] < low ? f->bit[i] : low;
		high = f->bit[i] > high ? f->bit[i] : high;
	}
	return high - low + 1;
}

static bool
one_column(const struct flips *f)
{
	if (!f->one_packet || f->n > FLIPS_MOST)
		return false;
	for (size_t i = 1; i < f->n; i++)
		if (f->bit[i] % 16 != f->bit[0] % 16)
			return false;
	return true;
}

static struct bm_pattern
pattern_of_flips(const struct flips *f)
{
	uint64_t w = width(f);
	unsigned most = bm_pattern_rule(BM_PATTERN_BITS)->most;

	if (f->n == 1)
		return (struct bm_pattern){BM_PATTERN_BITS, 1};
	if (w < 16)
		return (struct bm_pattern){BM_PATTERN_BURST, (unsigned)w};
	if (one_column(f))
		return (struct bm_pattern){BM_PATTERN_LANE, (unsigned)f->n};
	if (f->n <= most)
		return (struct bm_pattern){BM_PATTERN_BITS, (unsigned)f->n};
	if (w <= BURST_MOST)
		return (struct bm_pattern){BM_PATTERN_BURST, (unsigned)w};
	return (struct bm_pattern){BM_PATTERN_RANDOM, 0};
}

static struct bm_pattern
pattern_of(const char *cause, const json_t *damage)
{
	struct flips f = flips_of(damage);
	unsigned octets = f.length < BM_PAYLOAD ? (unsigned)f.length : BM_PAYLOAD;

	if (strcmp(cause, "words-swapped") == 0)
		return (struct bm_pattern){BM_PATTERN_SWAP_WORDS, 0};
	if (f.zeroed && octets > 1)
		return (struct bm_pattern){BM_PATTERN_ZEROED, octets};
	if (strcmp(cause, "stale-data") == 0 && octets > 1)
		return (struct bm_pattern){BM_PATTERN_STALE, octets};
	if (f.known)
		return pattern_of_flips(&f);
	return (struct bm_pattern){BM_PATTERN_RANDOM, 0};
}

/* Causes in which octets arrive other than they were sent; all others leave nothing to escape. */
static bool
is_damage(const char *cause)
{
	static const char *const causes[] = {"bits-flipped", "bytes-damaged", "words-swapped",
		"tag-damaged", "header-damaged", "stale-data", "retransmission-differs", "unexplained"};

	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		if (strcmp(cause, causes[i]) == 0)
			return true;
	return false;
}

static void
count(struct bm_diagnosis *d, struct bm_pattern p)
{
	struct bm_damage_group *g = d->groups;

	while (g < d->groups + d->group_count && (g->pattern.kind != p.kind || g->pattern.n != p.n))
		g++;
	if (g == d->groups + BM_DIAGNOSIS_GROUPS) {
		d->left_out++;
		return;
	}
	if (g == d->groups + d->group_count) {
		d->group_count++;
		*g = (struct bm_damage_group){p, 0};
	}
	g->failures++;
}

static void
note_failure(struct bm_diagnosis *d, const json_t *failure)
{
	const json_t *sums = json_object_get(failure, "checksum");
	const char *cause = text(failure, "cause"), *captured = text(sums, "as_captured");

	d->failures++;
	/* A record that nobody could judge clears nothing. */
	if (strcmp(cause, "capture-incomplete") == 0)
		d->undecided = true;
	else if (!is_damage(cause))
		d->others++;
	else if (strcmp(captured, "invalid") == 0)
		d->caught++;
	else if (strcmp(captured, "valid") == 0 && strcmp(text(sums, "as_sent"), "invalid") == 0)
		count(d, (struct bm_pattern){BM_PATTERN_RESUMMED, 0});
	else
		count(d, pattern_of(cause, json_object_get(failure, "damage")));
}

static void
note_connections(struct bm_diagnosis *d, const json_t *connections)
{
	const char *first = NULL;
	bool several = false;

	for (size_t i = 0; i < json_array_size(connections); i++) {
		const json_t *connection = json_array_get(connections, i);
		const json_t *failures = json_object_get(connection, "failures");
		const char *suite = text(connection, "cipher_suite");
		for (size_t k = 0; k < json_array_size(failures); k++)
			note_failure(d, json_array_get(failures, k));
		if (json_array_size(failures) == 0)
			continue;
		several = several || (first != NULL && strcmp(first, suite) != 0);
		first = suite;
	}
	d->suite = first != NULL && !several ? bm_suite_named(first) : NULL;
}

enum bm_status
bm_diagnosis_read(struct bm_view json, struct bm_diagnosis *out, char *problem, size_t n)
{
	json_error_t e;

	*out = (struct bm_diagnosis){.group_count = 0};
	if (json.n > BM_DIAGNOSIS_MOST)
		return BM_LIMIT;
	json_t *report = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &e);
	if (report == NULL) {
		(void)snprintf(problem, n, "line %d: %s", e.line, e.text);
		return json_error_code(&e) == json_error_out_of_memory ? BM_NOMEM : BM_FORMAT;
	}
	const json_t *connections = json_object_get(report, "connections");
	bool fits =
		strcmp(text(report, "schema"), "badmac.diagnosis.v1") == 0 && json_is_array(connections);
	if (fits) {
		note_connections(out, connections);
		if (strcmp(text(json_object_get(report, "summary"), "result"), "undecided") == 0)
			out->undecided = true;
	} else {
		(void)snprintf(problem, n, "no report of badmac diagnose --format json");
	}
	json_decref(report);
	return fits ? BM_OK : BM_FORMAT;
}
