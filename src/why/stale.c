/* stale-data: octets of ciphertext that a cipher would not make again, not by chance: a run of one
 * value, or bytes that stand elsewhere too. Needs no key. Refuses to know what was sent there. */
#include "why/record.h"

#include <math.h>
#include <stdlib.h>

enum {
	WINDOW = 8,           /* octets by which a repeat is found */
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
	uint32_t at, n;              /* in the record's ciphertext */
	uint32_t from;               /* where the same bytes stand in the source */
	const struct source *source; /* NULL: one value */
	double chance;               /* base-2 logarithm */
	uint64_t places;
	unsigned bits;
};

struct hunt {
	struct bm_view text;
	uint32_t *slot; /* position + 1 of a window of text, by its hash; 0: none */
	unsigned slot_bits;
	uint64_t places; /* pairs of positions compared so far */
	struct find best;
};

static uint32_t
slot_of(const struct hunt *h, const uint8_t *p)
{
	return (uint32_t)(bm_load64(p) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - h->slot_bits));
}

static void
judge(struct hunt *h, struct find f, uint64_t places, unsigned bits)
{
	f.places = places;
	f.bits = bits;
	f.chance = log2((double)places) - bits;
	if (f.chance < h->best.chance)
		h->best = f;
}

/* A run of r equal octets: n * 256^-(r - 1). */
static void
equal_runs(struct hunt *h)
{
	const uint8_t *p = h->text.p;
	size_t n = h->text.n;

	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		while (end < n && p[end] == p[i])
			end++;
		if (end - i >= RUN_LEAST)
			judge(h, (struct find){.at = (uint32_t)i, .n = (uint32_t)(end - i)}, n,
				8 * (unsigned)(end - i - 1));
	}
}

static bool
all_equal(const uint8_t *p, size_t n)
{
	return n != 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Windows of the text, the first of equal ones kept. */
static void
index_text(struct hunt *h)
{
	for (size_t i = 0; i + WINDOW <= h->text.n; i++) {
		uint32_t *s = &h->slot[slot_of(h, h->text.p + i)];
		if (*s == 0)
			*s = (uint32_t)i + 1;
	}
}

/* Where windows of the source stand in the text, each made as long as it goes. Linear: what has
 * been matched is passed over. */
static void
compare(struct hunt *h, const struct source *s)
{
	const uint8_t *p = s->bytes.p, *t = h->text.p;
	size_t n = s->bytes.n;

	h->places += (uint64_t)n * h->text.n;
	for (size_t i = 0; i + WINDOW <= n; i++) {
		uint32_t found = h->slot[slot_of(h, p + i)];
		if (found == 0)
			continue;
		size_t at = found - 1, k = 0;
		if (s->itself && at == i)
			continue;
		while (i + k < n && at + k < h->text.n && p[i + k] == t[at + k])
			k++;
		if (k < WINDOW)
			continue;
		size_t back = 0;
		while (back < 4 * WINDOW && back < i && back < at && p[i - back - 1] == t[at - back - 1])
			back++;
		size_t len = k + back;
		/* One value throughout is no copy of anything. */
		if (!all_equal(p + i - back, len)) {
			struct find f = {.at = (uint32_t)(at - back),
				.from = (uint32_t)(i - back),
				.n = (uint32_t)len,
				.source = s};
			/* Of two places in one record the later one is taken for the copy. */
			if (s->itself && f.from > f.at) {
				f.from = f.at;
				f.at = (uint32_t)(i - back);
			}
			judge(h, f, h->places, 8 * (unsigned)(len < 4096 ? len : 4096));
		}
		i += k - 1;
	}
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
		if (o == c || o->record == NULL || o->region <= header ||
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
tell_place(
	const struct bm_why *w, struct bm_finding *out, const struct find *f, uint32_t record_off)
{
	static const uint32_t units[] = {4096, 2048, 1024, 512, 256, 128, 64, 16};
	const struct bm_case *c = w->c;
	uint64_t from = c->off + record_off, to = from + f->n;
	bool stream = !bm_version_is_dtls(w->facts->version);

	for (size_t i = 0; i < c->fragment_count; i++) {
		if (c->fragments[i].record_off == record_off)
			bm_evidence(w, out, "the run begins where the payload of packet %llu does",
				(unsigned long long)c->fragments[i].packet);
		if (c->fragments[i].record_off + c->fragments[i].len == record_off + f->n &&
			record_off + f->n != c->len)
			bm_evidence(w, out, "the run ends where the payload of packet %llu does",
				(unsigned long long)c->fragments[i].packet);
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (f->n % units[i] != 0)
			continue;
		bm_evidence(w, out, "its length is a multiple of %u%s", units[i],
			stream && from % units[i] == 0 && to % units[i] == 0
				? ", and so is its offset in the stream"
				: "");
		break;
	}
}

static void
show(const struct bm_why *w, const struct hunt *h, uint32_t text_at, struct bm_finding *out)
{
	const struct find *f = &h->best;
	uint32_t at = text_at + f->at;

	out->method = "repeat-statistics";
	out->tag_bits = f->bits;
	out->candidates = f->places;
	out->chance_log2 = f->chance;
	out->strength = BM_STRENGTH_PROVEN;
	out->changes[out->change_count++] = (struct bm_change){.record_off = at,
		.received = bm_view(w->c->record + at, f->n),
		.sent = bm_view(NULL, 0),
		.sent_unknown = true};
	if (f->source == NULL)
		bm_evidence(w, out,
			"%u octets of ciphertext in a row, from offset %u on, are all %02x, which a cipher "
			"makes "
			"by chance once in 2^%.0f",
			f->n, at, w->c->record[at], -f->chance);
	else if (f->source->itself)
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u stand at offset %u of the same record as well; "
			"which "
			"of the two is the copy does not show",
			f->n, at, text_at + f->from);
	else if (bm_version_is_dtls(w->facts->version))
		bm_evidence(w, out, "%u octets of ciphertext at offset %u stand also %s", f->n, at,
			f->source->what);
	else
		bm_evidence(w, out,
			"%u octets of ciphertext at offset %u stand also %s, at stream offset %llu", f->n, at,
			f->source->what, (unsigned long long)(f->source->off + f->from));
	if (f->at + f->n == h->text.n && f->n == bm_protection_tag_len(w->c->protection))
		bm_evidence(w, out, "it is the tag, no more and no less: it may never have been filled in");
	tell_place(w, out, f, at);
}

/* The ciphertext: the explicit nonce is left out, and the MAC is as random as the rest. */
static bool
text_of(const struct bm_why *w, const struct bm_wire *wire, struct bm_view *text, uint32_t *at)
{
	const struct bm_traffic_keys *k = bm_protection_keys(w->c->protection);
	const struct bm_suite *s = k->suite;
	bool nonce = s->mac == BM_HASH_NONE && s->mode != BM_MODE_POLY1305 &&
				 bm_version_rules(k->version) != BM_TLS13;
	size_t skip = nonce ? EXPLICIT : 0;

	if (s->cipher == BM_CIPHER_NULL || wire->body.n < skip + WINDOW)
		return false;
	*text = bm_view(wire->body.p + skip, wire->body.n - skip);
	*at = (uint32_t)(wire->header.n + skip);
	return true;
}

enum bm_answer
bm_ask_stale(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct bm_wire wire;
	struct hunt h = {.best = {.chance = 0}};
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
	for (h.slot_bits = 8; h.slot_bits < 18 && (size_t)1 << h.slot_bits < 4 * h.text.n;)
		h.slot_bits++;
	h.slot = calloc((size_t)1 << h.slot_bits, sizeof *h.slot);
	if (h.slot == NULL) {
		*because = "not tried: out of memory";
		return BM_EXCLUDED;
	}
	index_text(&h);
	equal_runs(&h);
	s[0] = (struct source){.bytes = h.text, .what = "in the record", .itself = true};
	size_t n = 1 + sources(w, wire.header.n, s + 1);
	for (size_t i = 0; i < n; i++)
		compare(&h, &s[i]);
	free(h.slot);
	*w->spent += SETTING_UP + h.places / (h.text.n != 0 ? h.text.n : 1) * 4;
	if (h.best.n != 0 && h.best.chance <= CHANCE) {
		show(w, &h, at, out);
		return BM_SHOWN;
	}
	*because = bm_arena_print(w->arena,
		"no run of one value and no bytes that stand twice in %zu octets of ciphertext%s", h.text.n,
		n > 1 ? " and in what else is at hand of the connection" : "");
	return BM_EXCLUDED;
}
