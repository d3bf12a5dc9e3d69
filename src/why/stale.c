/* stale-data: octets of ciphertext that a cipher would not make again, not by chance, for they
 * stand elsewhere too. A run of one value is no cipher's either: bytes-damaged. Needs no key.
 * Refuses to know what was sent there. */
#include "why/donor.h"
#include "why/exchange.h"
#include "why/keyless.h"
#include "why/record.h"

#include <math.h>
#include <stdio.h>

enum {
	RUN_LEAST = 6,        /* octets of one value that are looked at */
	EXPLICIT = 8,         /* nonce of TLS 1.2 GCM and CCM: often a counter, and no ciphertext */
	SETTING_UP = 1 << 17, /* nanoseconds */
	OTHERS_MOST = 64,     /* other failed records whose bytes are compared */
	CHANCE = -40
};

/* Bytes that were seen, and where: `what` for a person. */
struct source {
	struct bm_view bytes;
	const char *what;
	uint64_t off; /* in that stream */
	bool itself;
};

struct find {
	uint32_t at, n;              /* in the record's ciphertext; n 0: nothing */
	uint32_t from;               /* where the same bytes stand in the source */
	const struct source *source; /* NULL: one value */
};

struct hunt {
	struct bm_view text;
	struct bm_repeats repeats;
	const struct source *now; /* that is being compared */
	struct find best, value;  /* the longest repeat; the longest run of one value */
};

/* A run of r equal octets: n * 256^-(r - 1). */
static void
equal_runs(struct hunt *h)
{
	const uint8_t *p = h->text.p;
	size_t n = h->text.n;

	for (size_t i = 0, end; i + RUN_LEAST <= n; i = end) {
		/* From the last octet back: where one differs from the one before it a run begins. */
		size_t k = RUN_LEAST - 1;
		while (k != 0 && p[i + k] == p[i + k - 1])
			k--;
		end = i + k;
		if (k != 0)
			continue;
		end = i + RUN_LEAST;
		while (end < n && p[end] == p[i])
			end++;
		if (end - i > h->value.n)
			h->value = (struct find){.at = (uint32_t)i, .n = (uint32_t)(end - i)};
	}
}

static void
found(void *ctx, struct bm_repeat r)
{
	struct hunt *h = ctx;
	struct find f = {.at = r.at, .n = r.n, .from = (uint32_t)r.from, .source = h->now};

	if (r.at == h->text.n || r.n <= h->best.n ||
		(!h->now->itself && bm_repeat_is_copy(h->text, h->now->bytes, r)))
		return;
	/* Of two places in one record the later one is taken for the copy. */
	if (h->now->itself && f.from > f.at) {
		f.at = f.from;
		f.from = r.at;
	}
	h->best = f;
}

/* Other bytes of the connection that are still at hand: failed records, and what follows this one.
 */
static size_t
sources(const struct bm_why *w, size_t header, struct source *s)
{
	const struct bm_case *c = w->c;
	size_t count = 0, n = 0;

	if (c->region > c->len + BM_HEADER)
		s[n++] = (struct source){.bytes = bm_view(c->record + c->len, c->region - c->len),
			.what = "behind the record",
			.off = c->off + c->len};
	if (w->session == NULL)
		return n;
	const struct bm_case *all = bm_session_cases(w->session, &count);
	for (size_t i = 0; i < count && n < OTHERS_MOST; i++) {
		const struct bm_case *o = &all[i];
		if (o == c || o->record == NULL || o->region <= header || bm_is_right_one(w, o) ||
			(o->direction == c->direction && o->off < c->off + c->region &&
				c->off < o->off + o->region))
			continue;
		s[n++] = (struct source){.bytes = bm_view(o->record + header, o->region - header),
			.what = o->direction == c->direction ? "in another failed record of the same direction"
												 : "in a failed record of the other direction",
			.off = o->off + header};
	}
	return n;
}

static void
tell_place(const struct bm_why *w, struct bm_finding *out, uint32_t n, uint32_t record_off)
{
	static const uint32_t units[] = {4096, 2048, 1024, 512, 256, 128, 64, 16};
	const struct bm_case *c = w->c;
	uint64_t from = c->off + record_off, to = from + n;
	bool stream = !bm_version_is_dtls(w->facts->version);

	for (size_t i = 0; i < c->fragment_count; i++) {
		if (c->fragments[i].record_off == record_off)
			bm_evidence(w, out, "the run begins where the payload of packet %llu does",
				(unsigned long long)c->fragments[i].packet);
		if (c->fragments[i].record_off + c->fragments[i].len == record_off + n &&
			record_off + n != c->len)
			bm_evidence(w, out, "the run ends where the payload of packet %llu does",
				(unsigned long long)c->fragments[i].packet);
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (n % units[i] != 0)
			continue;
		bm_evidence(w, out, "its length is a multiple of %u%s", units[i],
			stream && from % units[i] == 0 && to % units[i] == 0
				? ", and so is its offset in the stream"
				: "");
		break;
	}
}

void
bm_tell_donor(const struct bm_why *w, struct bm_finding *out, const struct bm_donor *d, uint32_t at)
{
	char from[BM_ADDRESS_TEXT_MAX], to[BM_ADDRESS_TEXT_MAX], where[160] = "", which[200];

	if (d->place == BM_DONOR_OTHER_FLOW) {
		bm_address_text(&d->from, from);
		bm_address_text(&d->to, to);
		(void)snprintf(which, sizeof which, "another connection, %s to %s", from, to);
	} else {
		(void)snprintf(which, sizeof which, "the %s direction of the connection",
			d->place == BM_DONOR_SAME_DIRECTION ? "same" : "other");
	}
	if (d->has_offset)
		(void)snprintf(
			where, sizeof where, ", at stream offset %llu", (unsigned long long)d->offset);
	bm_evidence(w, out, "%u octets of ciphertext at offset %u stand also in packet %llu, in %s%s",
		d->n, at, (unsigned long long)d->packet, which, where);
	uint64_t first = w->c->packet_count != 0 ? w->c->packets[0] : d->packet;
	uint64_t last = w->c->packet_count != 0 ? w->c->packets[w->c->packet_count - 1] : d->packet;
	if (d->last_packet < first)
		bm_evidence(
			w, out, "they were captured before the record: old bytes in the place of new ones");
	else if (d->packet > last)
		bm_evidence(
			w, out, "they were captured behind the record: later bytes that came too early");
}

/* Does any of the segments that carry [at, at + n) of the record say so of its checksum? */
static bool
summed(const struct bm_case *c, uint32_t at, uint32_t n, enum bm_checksum how)
{
	for (size_t i = 0; i < c->fragment_count; i++)
		if (c->fragments[i].record_off < at + n &&
			at < c->fragments[i].record_off + c->fragments[i].len &&
			c->fragments[i].checksum == how)
			return true;
	return false;
}

static bool
wrong_only_at(const struct bm_case *c, uint32_t at, uint32_t other, uint32_t n)
{
	return summed(c, at, n, BM_CHECKSUM_INVALID) && summed(c, other, n, BM_CHECKSUM_VALID) &&
		   !summed(c, other, n, BM_CHECKSUM_INVALID);
}

/* Of two places in one record the one whose checksum alone is wrong is the copy. */
static void
choose_by_sums(const struct bm_case *c, struct find *f, uint32_t text_at)
{
	if (f->source == NULL || !f->source->itself ||
		!wrong_only_at(c, text_at + f->from, text_at + f->at, f->n))
		return;
	uint32_t at = f->at;
	f->at = f->from;
	f->from = at;
}

static void
tell_source(const struct bm_why *w, struct bm_finding *out, const struct find *f, uint32_t text_at)
{
	uint32_t at = text_at + f->at;

	if (f->source->itself && wrong_only_at(w->c, at, text_at + f->from, f->n)) {
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u stand at offset %u of the same record as well, "
			"where the checksum is right: these are the copy",
			f->n, at, text_at + f->from);
		return;
	}
	if (f->source->itself) {
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u stand at offset %u of the same record as well; "
			"which of the two is the copy does not show",
			f->n, at, text_at + f->from);
		if (f->at > f->from && f->at - f->from < f->n)
			bm_evidence(w, out,
				"the two overlap: every octet is the one %u before it, as when bytes are moved up "
				"over themselves one by one",
				f->at - f->from);
		return;
	}
	if (bm_version_is_dtls(w->facts->version))
		bm_evidence(w, out, "%u octets of ciphertext at offset %u stand also %s", f->n, at,
			f->source->what);
	else
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u stand also %s, at stream offset %llu", f->n, at,
			f->source->what, (unsigned long long)(f->source->off + f->from));
}

/* The run that chance explains least. */
struct shown {
	uint32_t at, n;
	unsigned bits;
	uint64_t places;
	double chance;
};

static void
show(const struct bm_why *w, const struct shown *s, uint32_t text_at, struct bm_finding *out)
{
	uint32_t at = text_at + s->at;

	out->method = "repeat-statistics";
	out->tag_bits = s->bits;
	out->candidates = s->places;
	out->chance_log2 = s->chance;
	out->strength = BM_STRENGTH_PROVEN;
	out->changes[out->change_count++] = (struct bm_change){.record_off = at,
		.received = bm_view(w->c->record + at, s->n),
		.sent = bm_view(NULL, 0),
		.sent_unknown = true};
}

static bool
by_value(const struct hunt *h, struct shown *s)
{
	const struct find *f = &h->value;

	if (f->n == 0)
		return false;
	*s = (struct shown){
		f->at, f->n, 8 * (f->n - 1), h->text.n, log2((double)h->text.n) - 8.0 * (double)(f->n - 1)};
	return s->chance <= CHANCE;
}

/* Everything that was compared counts, whatever the order it came in. */
static bool
by_repeat(const struct hunt *h, uint32_t at, uint32_t n, struct shown *s)
{
	enum { MOST = 4096 };

	if (n == 0)
		return false;
	*s = (struct shown){at, n, 8 * (n < MOST ? n : MOST), h->repeats.places,
		bm_repeat_chance(h->repeats.places, n)};
	return s->chance <= CHANCE;
}

/* Octets that a repeat within the text must have to be no accident. */
static size_t
least_repeat(size_t n)
{
	size_t least = BM_WINDOW;

	while (bm_repeat_chance((uint64_t)n * n, least) > CHANCE)
		least++;
	return least;
}

enum bm_status
bm_find_odd_run(const struct bm_why *w, struct bm_view text, struct bm_odd_run *out)
{
	struct hunt h = {.text = text};
	struct source s = {.bytes = text, .what = "", .itself = true};
	struct shown value = {.chance = 0}, repeat = {.chance = 0};

	memset(out, 0, sizeof *out);
	equal_runs(&h);
	h.now = &s;
	if (text.n >= BM_WINDOW && bm_repeats_possible(text, least_repeat(text.n))) {
		if (!bm_repeats_new(&h.repeats, text, bm_view(NULL, 0)))
			return BM_NOMEM;
		bm_repeats_within(&h.repeats, found, &h);
		bm_repeats_free(&h.repeats);
	}
	*w->spent += SETTING_UP + 4 * text.n;
	bool one_value = by_value(&h, &value), twice = by_repeat(&h, h.best.at, h.best.n, &repeat);
	if (!one_value && !twice)
		return BM_OK;
	out->one_value = one_value && (!twice || value.chance <= repeat.chance);
	const struct shown *f = out->one_value ? &value : &repeat;
	out->at = f->at;
	out->n = f->n;
	out->from = out->one_value ? f->at : h.best.from;
	out->chance_log2 = f->chance;
	out->places = f->places;
	out->bits = f->bits;
	return BM_OK;
}

/* The ciphertext: the IV or explicit nonce is left out, for a sender may well bring one twice; the
 * MAC is as random as the rest. */
static bool
text_of(const struct bm_why *w, const struct bm_wire *wire, struct bm_view *text, uint32_t *at)
{
	const struct bm_traffic_keys *k = bm_protection_keys(w->c->protection);
	const struct bm_suite *s = k->suite;
	bool nonce = s->mac == BM_HASH_NONE && s->mode != BM_MODE_POLY1305 &&
				 bm_version_rules(k->version) != BM_TLS13;
	bool iv = s->mode == BM_MODE_CBC && bm_version_rules(k->version) >= BM_TLS11;
	size_t skip = nonce ? EXPLICIT : iv ? bm_cipher_block(s->cipher) : 0;

	if (s->cipher == BM_CIPHER_NULL || wire->body.n < skip + BM_WINDOW)
		return false;
	*text = bm_view(wire->body.p + skip, wire->body.n - skip);
	*at = (uint32_t)(wire->header.n + skip);
	return true;
}

static const char *
not_found(
	const struct bm_why *w, const struct hunt *h, bool others, const struct bm_donor_search *e)
{
	if (e->refuse != NULL && bm_repeat_chance(h->repeats.places, e->donor.n) <= CHANCE)
		return bm_arena_print(w->arena, "not told apart: %u octets of it stand in packet %llu; %s",
			e->donor.n, (unsigned long long)e->donor.packet, e->refuse);
	const char *also = e->walked ? " and in all packets that were captured"
					   : others  ? " and in what else is at hand of the connection"
								 : "";
	if (e->walked && e->cut)
		return bm_arena_print(w->arena,
			"no run of one value and no bytes that stand twice in %zu octets of ciphertext and in "
			"the %llu packets that could be looked through",
			h->text.n, (unsigned long long)e->packets);
	return bm_arena_print(w->arena,
		"no run of one value and no bytes that stand twice in %zu octets of ciphertext%s",
		h->text.n, also);
}

/* Or does padding stand behind the MAC? */
static bool
ends_with_tag(const struct bm_why *w)
{
	const struct bm_traffic_keys *k = bm_protection_keys(w->c->protection);

	return k->suite->mode != BM_MODE_CBC || k->encrypt_then_mac;
}

enum bm_answer
bm_ask_stale(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct bm_wire wire;
	struct hunt h = {.now = NULL};
	struct source s[OTHERS_MOST + 1];
	uint32_t at;

	if (w->c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (!bm_failed_record(w, &wire)) {
		*because = "not tried: the record's bytes are not at hand";
		return BM_EXCLUDED;
	}
	if (!text_of(w, &wire, &h.text, &at)) {
		*because = "not tried: the record has no ciphertext that would show it";
		return BM_EXCLUDED;
	}
	*w->spent += SETTING_UP;
	if (bm_find_moved(w, out) || bm_find_exchange(w, out))
		return BM_SHOWN;
	if (!bm_repeats_new(&h.repeats, h.text, bm_sighting_name(w))) {
		*because = "not tried: out of memory";
		return BM_EXCLUDED;
	}
	equal_runs(&h);
	s[0] = (struct source){.bytes = h.text, .what = "in the record", .itself = true};
	size_t n = 1 + sources(w, wire.header.n, s + 1);
	for (size_t i = 0; i < n; i++) {
		h.now = &s[i];
		if (i == 0)
			bm_repeats_within(&h.repeats, found, &h);
		else
			bm_repeats_compare(&h.repeats, s[i].bytes, 1, found, &h);
	}
	*w->spent += h.repeats.places / h.text.n * 4;
	choose_by_sums(w->c, &h.best, at);
	struct shown one = {.chance = 0};
	struct bm_donor_search else_where;
	bool value = by_value(&h, &one);
	/* One value needs no donor, and others like it are none. */
	if (value && h.value.n >= h.best.n) {
		bm_repeats_free(&h.repeats);
		out->cause = BM_CAUSE_BYTES_DAMAGED;
		show(w, &one, at, out);
		bm_evidence(w, out,
			"%u octets of ciphertext in a row, from offset %u on, are all %02x, which a cipher "
			"makes by chance once in 2^%.0f",
			one.n, at + one.at, h.text.p[one.at], -one.chance);
	} else {
		bm_look_for_donor(w, &h.repeats, at, &else_where);
		bm_repeats_free(&h.repeats);
		const struct bm_donor *d = &else_where.donor;
		bool donor =
			else_where.refuse == NULL && d->n >= h.best.n && by_repeat(&h, d->at, d->n, &one);
		if (!donor && !by_repeat(&h, h.best.at, h.best.n, &one)) {
			*because = not_found(w, &h, n > 1, &else_where);
			return BM_EXCLUDED;
		}
		show(w, &one, at, out);
		if (donor)
			bm_tell_donor(w, out, d, at + one.at);
		else
			tell_source(w, out, &h.best, at);
		if (donor && d->same_start && d->place != BM_DONOR_OTHER_FLOW) {
			out->strength = BM_STRENGTH_SUPPORTED;
			bm_evidence(w, out,
				"they begin with the record's IV or nonce: a sender that uses one twice makes "
				"equal bytes of equal content, so this alone is no proof");
		}
	}
	if (one.at + one.n == h.text.n && one.n == bm_protection_tag_len(w->c->protection) &&
		ends_with_tag(w)) {
		if (out->cause == BM_CAUSE_BYTES_DAMAGED)
			out->cause = BM_CAUSE_TAG_DAMAGED;
		bm_evidence(w, out, "it is the tag, no more and no less: it may never have been filled in");
	}
	tell_place(w, out, one.n, at + one.at);
	return BM_SHOWN;
}
