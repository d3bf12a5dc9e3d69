/* Without keys: cleartext where TLS is due, framing that was lost, ciphertext that repeats. Refuses
 * to know what was sent there. */
#include "why/framing.h"
#include "why/keyless.h"

#include <math.h>
#include <stdlib.h>

enum {
	HEADER_BITS = 24, /* three types of 256, one version of 2^16, 18432 lengths of 2^16 */
	END_BITS = 14,    /* that a record ends exactly at the end */
	CHAIN = 4,        /* headers looked at in a row */
	CERTAIN = 40,
	TEXT_LEAST = 8,
	TEXT_INSIDE = 24,  /* as in framing.c */
	TEXT_ANYWHERE = 41 /* octets: 98 of 256 values each, at 2^16 places, once in 2^40 */
};

/* Whose words the run begins with, for a person. */
static const char *
protocol_of(struct bm_view v)
{
	static const struct {
		const char *start, *name;
	} known[] = {{"HTTP/", "an HTTP response"}, {"GET ", "an HTTP request"},
		{"POST ", "an HTTP request"}, {"PUT ", "an HTTP request"}, {"HEAD ", "an HTTP request"},
		{"CONNECT ", "an HTTP request"}, {"OPTIONS ", "an HTTP request"},
		{"PRI * HTTP/2", "an HTTP/2 preface"}, {"PROXY ", "a PROXY protocol header"},
		{"<!DOCTYPE", "an HTML page"}, {"<html", "an HTML page"}, {"220 ", "an SMTP or FTP reply"},
		{"220-", "an SMTP or FTP reply"}, {"250", "an SMTP reply"},
		{"421 ", "an SMTP or FTP reply"}, {"EHLO ", "an SMTP command"},
		{"HELO ", "an SMTP command"}, {"STARTTLS", "a command"}, {"* OK", "an IMAP greeting"},
		{"+OK", "a POP3 reply"}, {"SSH-", "an SSH banner"}, {"Traceparent:", "a tracing header"},
		{"traceparent:", "a tracing header"}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		size_t n = strlen(known[i].start);
		if (v.n >= n && memcmp(v.p, known[i].start, n) == 0)
			return known[i].name;
	}
	return NULL;
}

static void
quote(const struct bm_why *w, struct bm_finding *out, struct bm_view v)
{
	const char *name = protocol_of(v);

	bm_evidence(w, out, "it reads \"%s\"%s%s", bm_quote(w, v),
		name != NULL ? ", the beginning of " : "", name != NULL ? name : "");
}

/* The longest run of text in [from, to) that has `least` octets; empty: there is none. */
static struct bm_view
longest_text(const uint8_t *p, uint32_t from, uint32_t to, uint32_t least, uint32_t *at)
{
	uint32_t best = 0;

	*at = from;
	while (to - from >= least) {
		/* From its last octet back: what is no text ends all runs over it. */
		uint32_t i = from + least;
		while (i > from && bm_is_text_octet(p[i - 1]))
			i--;
		if (i > from) {
			from = i;
			continue;
		}
		uint32_t end = from + least;
		while (end < to && bm_is_text_octet(p[end]))
			end++;
		if (end - from > best) {
			best = end - from;
			*at = from;
		}
		from = end;
	}
	return bm_view(p + *at, best);
}

static void
add_run(struct bm_finding *out, uint32_t at, struct bm_view run)
{
	out->changes[out->change_count++] =
		(struct bm_change){.record_off = at, .received = run, .sent = bm_view(run.p, 0)};
}

/* By how many bits headers from p on are better than chance. */
static unsigned
chain_bits(const struct bm_case *c, uint32_t p, unsigned version)
{
	const struct bm_case *s = c->scope;
	unsigned bits = 0;

	for (unsigned k = 0; k < CHAIN && p + BM_HEADER <= s->region; k++) {
		struct bm_record_header h = bm_record_header(s->record + p);
		if (h.type < BM_ALERT || h.type > BM_APPLICATION_DATA || !bm_record_plausible(h, version))
			return 0;
		bits += HEADER_BITS;
		p += BM_HEADER + h.length;
		if (p == s->region && c->stream_ends)
			return bits + END_BITS;
	}
	return bits;
}

/* Where records go on, region when that does not show. */
static uint32_t
next_header(const struct bm_case *c, uint32_t from, unsigned version, unsigned *bits)
{
	const struct bm_case *s = c->scope;
	double places = log2((double)s->region);

	for (uint32_t p = from; p + BM_HEADER <= s->region; p++) {
		*bits = chain_bits(c, p, version);
		if (*bits >= CERTAIN + places)
			return p;
	}
	*bits = 0;
	return s->region;
}

/* Could a body of this length be one by the rules of a block cipher? */
static bool
fits_blocks(const struct bm_why *w, uint32_t body)
{
	const struct bm_session_facts *f = w->facts;
	const struct bm_suite *s = f->suite;

	if (s == NULL || !s->verifiable || s->mode != BM_MODE_CBC)
		return true;
	uint32_t mac = !f->encrypt_then_mac ? 0
				   : f->truncated_hmac  ? 10
										: (uint32_t)bm_hash_size(s->mac);
	return body > mac && (body - mac) % bm_cipher_block(s->cipher) == 0;
}

/* Is it the length of another record of this sender as well? */
static bool
is_usual(const struct bm_why *w, const struct bm_seen_record *r, uint32_t body)
{
	enum { TELLING = 64 };
	size_t n;
	const struct bm_seen_record *all = bm_session_seen(w->session, w->c->direction, &n);

	for (size_t i = 0; i < n && body >= TELLING; i++)
		if (&all[i] != r && all[i].len == BM_HEADER + body)
			return true;
	return false;
}

/* Octets are too many or too few, or the header is wrong about them: which of its two lengths would
 * this sender have made? */
static void
weigh_length(const struct bm_why *w, struct bm_finding *out, const struct bm_seen_record *r,
	uint32_t announced, uint32_t real)
{
	bool header_fits = fits_blocks(w, announced), real_fits = fits_blocks(w, real);
	bool header_usual = is_usual(w, r, announced), real_usual = is_usual(w, r, real);
	const char *which = real < announced ? "octets are missing" : "octets were put in";

	bm_evidence(
		w, out, "its header says %u octets, up to the next one there are %u", announced, real);
	if (header_fits != real_fits) {
		if (real_fits)
			out->cause = BM_CAUSE_HEADER_DAMAGED;
		bm_evidence(w, out, "only %u is a length that the cipher's blocks add up to: %s",
			real_fits ? real : announced, real_fits ? "the header is what is wrong" : which);
	} else if (header_usual != real_usual) {
		if (real_usual)
			out->cause = BM_CAUSE_HEADER_DAMAGED;
		bm_evidence(w, out, "other records of this sender have %u: %s",
			real_usual ? real : announced,
			real_usual ? "the header is what is wrong, it seems" : which);
	} else {
		bool one_bit =
			(announced ^ real) != 0 && ((announced ^ real) & ((announced ^ real) - 1)) == 0;
		if (one_bit)
			out->cause = BM_CAUSE_HEADER_DAMAGED;
		out->strength = BM_STRENGTH_POSSIBLE;
		bm_evidence(w, out,
			one_bit
				? "the two lengths differ in one bit; that %s would look the same"
				: "%s, or the length in the header was changed: the two look alike without keys",
			which);
	}
}

/* A header but for one of its octets: its length leads exactly to where records go on. */
static bool
nearly_header(const uint8_t *p, uint32_t n, unsigned version)
{
	bool type = p[0] >= BM_ALERT && p[0] <= BM_APPLICATION_DATA;

	return n > BM_HEADER && bm_load16(p + 3) == n - BM_HEADER &&
		   type + (p[1] == version >> 8) + (p[2] == (version & 0xff)) == 2;
}

enum bm_answer
bm_ask_lost_framing(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c, *s = c->scope;
	unsigned bits;

	if (c->lost_at == BM_NO_SEQ) {
		*because = "every record stands where the header before it says";
		return BM_EXCLUDED;
	}
	if (s == NULL || s->record == NULL || s->off > c->lost_at || c->lost_at >= s->off + s->region)
		return BM_NOT_ASKED;
	uint32_t lost = (uint32_t)(c->lost_at - s->off);
	const struct bm_seen_record *r = lost != 0 ? bm_keyless_at(w, s->off) : NULL;
	if (r == NULL || bm_keyless_carried_on(w, r))
		return BM_NOT_ASKED;
	unsigned version = bm_load16(s->record + 1);
	uint32_t next = next_header(c, BM_HEADER, version, &bits);
	uint32_t at;
	struct bm_view run = bm_view(s->record, 0);
	if (next > lost) {
		/* From where no header stands on, or else within the record before it. */
		run = longest_text(s->record, lost, next, TEXT_LEAST, &at);
		if (at != lost || run.n < TEXT_LEAST || (next < s->region && lost + run.n != next)) {
			run = longest_text(s->record, BM_HEADER, next, TEXT_INSIDE, &at);
		}
	}
	if (run.n == 0 && next == s->region) {
		*because = "framing is lost, and no record shows behind that where it is found again";
		return BM_EXCLUDED;
	}
	struct bm_seen_record behind = *r;
	bool between = run.n != 0 && at == lost;
	/* An answer to these octets cannot have come before them. */
	for (size_t i = 0; i < s->fragment_count && s->fragments[i].record_off <= lost; i++)
		behind.packet = s->fragments[i].packet;
	bool header = run.n == 0 && next > lost && next < s->region &&
				  nearly_header(s->record + lost, next - lost, version);
	if (between || header) {
		/* The record before it is whole. */
		behind.off = c->lost_at;
		behind.len = header ? next - lost : (uint32_t)run.n;
	}
	if (!bm_keyless_about(w, out, between || header ? &behind : r,
			between || header ? behind.len
			: next > lost     ? next
							  : lost,
			!w->c->both_lost))
		return BM_NOT_ASKED;
	bm_evidence(w, out,
		"where the record at stream offset %llu (packet %llu) ends, at stream offset %llu, no "
		"record header stands",
		(unsigned long long)r->off, (unsigned long long)r->packet, (unsigned long long)c->lost_at);
	if (next < s->region) {
		out->method = "resynchronisation";
		out->tag_bits = bits;
		out->candidates = s->region;
		out->chance_log2 = log2((double)s->region) - bits;
		bm_evidence(w, out, "records go on at stream offset %llu, header upon header",
			(unsigned long long)(s->off + next));
	}
	if (run.n != 0) {
		out->cause = BM_CAUSE_PLAINTEXT_INJECTED;
		add_run(out, between ? 0 : at, run);
		bm_evidence(w, out, "%zu octets from stream offset %llu on are readable text", run.n,
			(unsigned long long)(s->off + at));
		quote(w, out, run);
		return BM_SHOWN;
	}
	if (header) {
		out->cause = BM_CAUSE_HEADER_DAMAGED;
		bm_evidence(w, out,
			"what stands there is a header but for one octet, type or version: its length leads to "
			"just that place");
		return BM_SHOWN;
	}
	if (next < lost) {
		out->cause = BM_CAUSE_BYTES_MISSING;
		bm_evidence(w, out, "that is %u octets before the record ends by its header", lost - next);
	} else {
		out->cause = BM_CAUSE_BYTES_INSERTED;
		bm_evidence(w, out, "that is %u octets behind the record's end by its header", next - lost);
	}
	weigh_length(w, out, r, lost - BM_HEADER, next - BM_HEADER);
	return BM_SHOWN;
}

/* Could a record of this suite look like text, or repeat itself? */
static bool
is_ciphertext(const struct bm_why *w)
{
	const struct bm_suite *s = w->facts->suite;

	return s != NULL && s->verifiable && s->cipher != BM_CIPHER_NULL && w->facts->compression == 0;
}

/* The records of the scope that the complaint may be about. */
static const struct bm_seen_record *
in_scope(const struct bm_why *w, size_t *count)
{
	const struct bm_case *s = w->c->scope;
	size_t n, first = 0;
	const struct bm_seen_record *r = bm_keyless_records(w, &n);

	while (first < n && r[first].off < s->off)
		first++;
	while (n > first && r[n - 1].off + r[n - 1].len > s->off + s->region)
		n--;
	*count = n - first;
	return r + first;
}

static bool
has_bytes(const struct bm_why *w)
{
	return w->c->scope != NULL && w->c->scope->record != NULL && is_ciphertext(w);
}

enum bm_answer
bm_ask_text_seen(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	size_t n;

	if (!has_bytes(w) || w->c->word == BM_NO_SEQ)
		return BM_NOT_ASKED;
	const struct bm_seen_record *r = in_scope(w, &n);
	for (size_t i = 0; i < n; i++) {
		uint32_t at, from = (uint32_t)(r[i].off - w->c->scope->off);
		struct bm_view run = longest_text(
			w->c->scope->record, from + BM_HEADER, from + r[i].len, TEXT_ANYWHERE, &at);
		if (run.n == 0 || bm_keyless_carried_on(w, &r[i]))
			continue;
		if (!bm_keyless_about(w, out, &r[i], r[i].len, true))
			return BM_NOT_ASKED;
		add_run(out, at - from, run);
		bm_evidence(w, out,
			"%zu octets of the record at stream offset %llu (packet %llu) are readable text, which "
			"ciphertext is not",
			run.n, (unsigned long long)r[i].off, (unsigned long long)r[i].packet);
		quote(w, out, run);
		return BM_SHOWN;
	}
	*because = bm_arena_print(
		w->arena, "no run of %d octets of text in the last %zu records", TEXT_ANYWHERE, n);
	return BM_EXCLUDED;
}

/* A sender that draws an IV for each record may have drawn one twice. */
static bool
brings_ivs(const struct bm_why *w)
{
	return w->facts->suite->mode == BM_MODE_CBC && bm_version_rules(w->facts->version) >= BM_TLS11;
}

/* Other contents have other MACs. */
static bool
end_alike(const struct bm_case *s, const struct bm_seen_record *a, const struct bm_seen_record *b)
{
	enum { TAG_LEAST = 8, ALIKE = 4 };
	const uint8_t *x = s->record + (a->off + a->len - s->off);
	const uint8_t *y = s->record + (b->off + b->len - s->off);
	size_t n = 0;

	for (size_t i = 1; i <= TAG_LEAST && i <= a->len && i <= b->len; i++)
		n += x[-(ptrdiff_t)i] == y[-(ptrdiff_t)i];
	return n >= ALIKE;
}

/* Old bytes in the place of new ones know nothing of records: what begins with two of them is one
 * number, or one keystream, that was used twice. */
enum bm_answer
bm_ask_repeat_seen(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct bm_odd_run f;
	size_t n, used = 0;

	if (!has_bytes(w) || w->c->word == BM_NO_SEQ)
		return BM_NOT_ASKED;
	const struct bm_seen_record *r = in_scope(w, &n);
	/* Headers and nonces repeat: the ciphertexts alone, one behind the other. */
	uint32_t skip = BM_HEADER + (bm_keyless_nonces(w) ? 8 : 0);
	uint8_t *text = malloc(w->c->scope->region);
	out->no_memory = text == NULL;
	if (text == NULL)
		return BM_NOT_ASKED;
	for (size_t i = 0; i < n; i++)
		if (r[i].len > skip && !bm_keyless_carried_on(w, &r[i])) {
			memcpy(text + used, w->c->scope->record + (r[i].off - w->c->scope->off) + skip,
				r[i].len - skip);
			used += r[i].len - skip;
		}
	enum bm_status st = bm_find_odd_run(w, bm_view(text, used), &f);
	free(text);
	out->no_memory = st != BM_OK;
	if (st != BM_OK)
		return BM_NOT_ASKED;
	if (f.n == 0) {
		*because = bm_arena_print(w->arena,
			"no run of one value and no bytes that stand twice in %zu octets of ciphertext", used);
		return BM_EXCLUDED;
	}
	uint32_t at = f.at, from = f.from;
	const struct bm_seen_record *bad = NULL, *donor = NULL;
	for (size_t i = 0, off = 0; i < n; i++) {
		if (r[i].len <= skip || bm_keyless_carried_on(w, &r[i]))
			continue;
		size_t m = r[i].len - skip;
		if (f.at >= off && f.at < off + m) {
			bad = &r[i];
			at = (uint32_t)(f.at - off) + skip;
		}
		if (f.from >= off && f.from < off + m) {
			donor = &r[i];
			from = (uint32_t)(f.from - off) + skip;
		}
		off += m;
	}
	if (bad == NULL || !bm_keyless_about(w, out, bad, bad->len, true) || out->about->record == NULL)
		return BM_NOT_ASKED;
	uint32_t len = at + f.n <= bad->len ? f.n : bad->len - at;
	out->method = "repeat-statistics";
	out->tag_bits = f.bits;
	out->candidates = f.places;
	out->chance_log2 = f.chance_log2;
	if (donor != NULL && donor != bad && at == skip && from == skip && !brings_ivs(w) &&
		!end_alike(w->c->scope, donor, bad)) {
		out->cause = BM_CAUSE_SEQUENCE_REUSED;
		bm_evidence(w, out,
			"the ciphertexts of the records at stream offsets %llu and %llu begin with the same %u "
			"octets, and go on otherwise: equal contents under one number, or one keystream",
			(unsigned long long)donor->off, (unsigned long long)bad->off, len);
		return BM_SHOWN;
	}
	out->changes[out->change_count++] = (struct bm_change){.record_off = at,
		.received = bm_view(out->about->record + at, len),
		.sent = bm_view(NULL, 0),
		.sent_unknown = true};
	if (f.one_value) {
		out->cause = BM_CAUSE_BYTES_DAMAGED;
		bm_evidence(w, out,
			"%u octets of ciphertext in a row, from offset %u of the record at stream offset %llu "
			"on, are all %02x, which a cipher makes by chance once in 2^%.0f",
			f.n, at, (unsigned long long)bad->off, out->about->record[at], -f.chance_log2);
	} else if (donor != NULL)
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u of the record at stream offset %llu stand at "
			"stream offset %llu as well; which of the two is the copy does not show",
			f.n, at, (unsigned long long)bad->off, (unsigned long long)(donor->off + from));
	return BM_SHOWN;
}
