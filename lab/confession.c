/* Reads what a guilty program says that it did, and writes it down. Refuses to believe what cannot
 * be, and to fill in what was not said. */
#include "lab/guilt.h"

#include "lab/truth.h"
#include "tls/record.h"

#include <inttypes.h>

/* Beyond what any run comes to; JSON's numbers are exact below it. */
static const uint64_t most = UINT64_C(1) << 53;
enum { CONNECTIONS = 1000 };

/* What is left of a line, and whether it was as it should be so far. */
struct rest {
	const char *p;
	size_t n;
	bool bad;
};

static void
take_text(struct rest *r, const char *text)
{
	size_t n = strlen(text);

	if (r->bad || r->n < n || memcmp(r->p, text, n) != 0) {
		r->bad = true;
		return;
	}
	r->p += n;
	r->n -= n;
}

/* Digits without a zero in front. */
static uint64_t
take_number(struct rest *r, uint64_t max)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < r->n && r->p[n] >= '0' && r->p[n] <= '9' && v <= max; n++)
		v = v * 10 + (uint64_t)(r->p[n] - '0');
	if (n == 0 || v > max || (n > 1 && r->p[0] == '0'))
		r->bad = true;
	if (r->bad)
		return 0;
	r->p += n;
	r->n -= n;
	return v;
}

static struct bm_view
take_hex(struct rest *r)
{
	size_t n = 0;

	while (
		n < r->n && bm_hex_digit((unsigned char)r->p[n]) >= 0 && (r->p[n] < 'A' || r->p[n] > 'F'))
		n++;
	struct bm_view v = bm_view(r->p, n);
	if (r->bad || n % 2 != 0 || n / 2 > BM_HEADER + BM_BODY_MAX) {
		r->bad = true;
		return bm_view(NULL, 0);
	}
	r->p += n;
	r->n -= n;
	return v;
}

static unsigned
take_16_bits(struct rest *r)
{
	struct rest four = {r->p, r->n < 4 ? r->n : 4, r->bad};
	struct bm_view v = take_hex(&four);
	uint8_t b[2] = {0, 0};

	if (v.n != 4 || !bm_unhex((const char *)v.p, 2, b)) {
		r->bad = true;
		return 0;
	}
	r->p += 4;
	r->n -= 4;
	return bm_load16(b);
}

static const char *
take_party(struct rest *r)
{
	static const char *const parties[] = {"sender-application", "sender-tls", "configuration"};

	for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++) {
		struct rest one = *r;
		take_text(&one, parties[i]);
		take_text(&one, " ");
		if (!one.bad) {
			r->p = one.p - 1;
			r->n = one.n + 1;
			return parties[i];
		}
	}
	r->bad = true;
	return NULL;
}

static bool
is_dash(struct rest *r)
{
	if (r->bad || r->n == 0 || r->p[0] != '-')
		return false;
	r->p++;
	r->n--;
	return true;
}

static void
take_damage(struct rest *r, struct lab_confession *out)
{
	out->damaged = !is_dash(r);
	if (!out->damaged)
		return;
	out->damage_off = take_number(r, out->length);
	take_text(r, ":");
	out->received = take_hex(r);
	take_text(r, ":");
	out->sent = take_hex(r);
	/* What was sent stood in the record. What arrived may be more than it: a run that came between
	 * its halves. */
	if ((out->received.n == 0 && out->sent.n == 0) ||
		out->sent.n / 2 > out->length - out->damage_off)
		r->bad = true;
}

bool
lab_confession_parse(struct bm_view line, struct lab_confession *out)
{
	struct rest r = {(const char *)line.p, line.n, line.n == 0};

	*out = (struct lab_confession){.record = -1};
	take_text(&r, "guilty: connection=");
	out->connection = take_number(&r, CONNECTIONS);
	take_text(&r, " version=");
	out->version = take_16_bits(&r);
	take_text(&r, " suite=");
	out->suite = bm_suite_find(take_16_bits(&r));
	take_text(&r, " record=");
	if (!is_dash(&r))
		out->record = (int64_t)take_number(&r, most);
	take_text(&r, " sequence=");
	out->sequence = take_number(&r, most);
	take_text(&r, " offset=");
	out->offset = take_number(&r, most);
	take_text(&r, " length=");
	out->length = take_number(&r, BM_HEADER + BM_BODY_MAX);
	take_text(&r, " party=");
	out->party = take_party(&r);
	take_text(&r, " damage=");
	take_damage(&r, out);
	return !r.bad && r.n == 0 && out->suite != NULL && out->length != 0 &&
		   out->version >= BM_TLS10 && out->version <= BM_TLS13;
}

bool
lab_confession_find(const struct bm_buf *said, struct lab_confession *out)
{
	static const char mark[] = "guilty:";
	struct bm_view line = {NULL, 0};
	unsigned count = 0;

	for (size_t at = 0, n; at < said->n; at += n + 1) {
		const uint8_t *p = said->p + at, *end = memchr(p, '\n', said->n - at);
		n = end != NULL ? (size_t)(end - p) : said->n - at;
		/* One that was cut off is none. */
		if (end == NULL || n < sizeof mark - 1 || memcmp(p, mark, sizeof mark - 1) != 0)
			continue;
		line = bm_view(p, n);
		count++;
	}
	return count == 1 && lab_confession_parse(line, out);
}

bool
lab_confession_fits(const struct lab_confession *c, const struct lab_known *seen)
{
	uint64_t octets = seen->octets[LAB_C2S];
	uint64_t run = c->damaged ? c->damage_off + c->received.n / 2 : 0;

	/* A record of which the end was never sent may reach beyond what was. */
	return c->version == seen->version && c->suite == seen->suite && c->offset < octets &&
		   run <= octets - c->offset;
}

bool
lab_confession_keep(
	const struct lab_confession *c, const struct lab_spec *spec, struct lab_plan *plan)
{
	struct lab_truth t = {.cause = spec->fault->cause,
		.how = spec->fault->ways[spec->how],
		.connection = c->connection,
		.version = c->version,
		.suite = c->suite,
		.direction = LAB_C2S,
		.record = c->record,
		.sequence = c->sequence,
		.at = c->offset,
		.length = c->length,
		.party = c->party,
		.checksum = "valid",
		.age_ms = -1,
		.damaged = c->damaged,
		.damage_off = c->damage_off,
		.received = c->received,
		.sent = c->sent};

	(void)snprintf(plan->account, sizeof plan->account,
		"done by the client; fails at sequence number %" PRIu64 ", stream offset %" PRIu64,
		c->sequence, c->offset);
	plan->struck++;
	return lab_truth_put(plan, &t);
}
