/* Without keys: records that stand twice, in one direction or in both, copies of TCP bytes that
 * differ, segments taken in spite of their checksum. Refuses to judge what is inside a record. */
#include "why/keyless.h"

#include <math.h>

enum {
	LEAST = 16,      /* octets of body; the same ones come again once in 2^128 */
	PRINT_BITS = 64, /* of a fingerprint */
	SLOTS = 4096,    /* more than records are remembered */
	CARRIED_ON = 2   /* packets of records by which a receiver shows that it went on */
};

const struct bm_seen_record *
bm_keyless_records(const struct bm_why *w, size_t *count)
{
	const struct bm_seen_record *r = bm_session_seen(w->session, w->c->direction, count);
	size_t n = 0;

	while (n < *count && r[n].packet < w->c->before)
		n++;
	*count = n;
	return r;
}

const struct bm_seen_record *
bm_keyless_at(const struct bm_why *w, uint64_t off)
{
	size_t n;
	const struct bm_seen_record *r = bm_keyless_records(w, &n);

	for (size_t i = n; i-- > 0;)
		if (off >= r[i].off && off < r[i].off + r[i].len)
			return &r[i];
	return NULL;
}

bool
bm_keyless_nonces(const struct bm_why *w)
{
	const struct bm_suite *s = w->facts->suite;

	if (s == NULL)
		return w->facts->version == 0 || bm_version_rules(w->facts->version) == BM_TLS12;
	return s->mac == BM_HASH_NONE && s->mode != BM_MODE_POLY1305 && s->verifiable &&
		   bm_version_rules(w->facts->version) == BM_TLS12;
}

bool
bm_keyless_carried_on(const struct bm_why *w, const struct bm_seen_record *r)
{
	size_t n, packets = 0;
	const struct bm_seen_record *answers = bm_session_seen(w->session, 1 - w->c->direction, &n);
	uint64_t last = w->c->word;

	/* From the end on. Those in one packet were written at once. */
	for (size_t i = n; i-- > 0 && packets < CARRIED_ON;) {
		if (answers[i].packet == last || answers[i].packet == w->c->word)
			continue;
		if (answers[i].packet <= r->packet)
			return false;
		last = answers[i].packet;
		packets++;
	}
	return packets == CARRIED_ON;
}

/* Copies what the scope has of [about->off, about->off + about->region). */
static bool
take_bytes(const struct bm_why *w, struct bm_case *about)
{
	const struct bm_case *s = w->c->scope;

	about->record = NULL;
	if (s == NULL || s->record == NULL || about->off < s->off ||
		about->off + about->region > s->off + s->region)
		return true;
	uint32_t at = (uint32_t)(about->off - s->off);
	size_t count = 1;
	for (size_t i = 0; i < s->fragment_count; i++)
		count += s->fragments[i].record_off + s->fragments[i].len > at &&
				 s->fragments[i].record_off < at + about->region;
	struct bm_fragment *f = bm_arena_take(w->arena, count, sizeof *f);
	uint64_t *packets = bm_arena_take(w->arena, count, sizeof *packets);
	if (f == NULL || packets == NULL)
		return false;
	about->record = s->record + at;
	about->fragments = f;
	about->packets = packets;
	for (size_t i = 0; i < s->fragment_count; i++) {
		struct bm_fragment g = s->fragments[i];
		uint32_t end = g.record_off + g.len;
		if (end <= at || g.record_off >= at + about->region)
			continue;
		uint32_t cut = g.record_off < at ? at - g.record_off : 0;
		if (end > at + about->region)
			g.len -= end - (at + about->region);
		g.len -= cut;
		g.packet_off += cut;
		g.segment_off += cut;
		g.record_off = g.record_off + cut - at;
		f[about->fragment_count++] = g;
		if (g.record_off < about->len &&
			(about->packet_count == 0 || packets[about->packet_count - 1] != g.packet))
			packets[about->packet_count++] = g.packet;
	}
	return true;
}

bool
bm_keyless_about(const struct bm_why *w, struct bm_finding *out, const struct bm_seen_record *r,
	uint32_t len, bool certain)
{
	struct bm_case *about = bm_arena_take(w->arena, 1, sizeof *about);

	out->no_memory = true;
	if (about == NULL)
		return false;
	*about = (struct bm_case){.kind = w->c->kind,
		.direction = w->c->direction,
		.epoch = r->epoch,
		.seq = BM_NO_SEQ,
		.off = r->off,
		.len = r->len,
		.region = len,
		.alert = w->c->alert,
		.alert_packet = w->c->alert_packet,
		.no_keys = true,
		.word = w->c->word};
	if (!take_bytes(w, about))
		return false;
	if (about->packet_count == 0) {
		about->packets = bm_arena_take(w->arena, 1, sizeof *about->packets);
		if (about->packets == NULL)
			return false;
		about->packets[0] = r->packet;
		about->packet_count = 1;
	}
	out->no_memory = false;
	out->about = about;
	out->strength = BM_STRENGTH_SUPPORTED;
	out->stands = certain && w->c->word != BM_NO_SEQ && w->c->word > r->packet &&
				  !bm_keyless_carried_on(w, r);
	return true;
}

static void
statistics(struct bm_finding *out, const char *method, unsigned bits, uint64_t places)
{
	out->method = method;
	out->tag_bits = bits;
	out->candidates = places != 0 ? places : 1;
	out->chance_log2 = log2((double)out->candidates) - bits;
}

/* What may be compared with other records: enough of it, and surely protected. */
static bool
comparable(const struct bm_why *w, const struct bm_seen_record *r)
{
	return r->len >= BM_HEADER + LEAST &&
		   (w->facts->version != 0 || r->type == BM_APPLICATION_DATA);
}

static bool
same(const struct bm_seen_record *a, const struct bm_seen_record *b)
{
	return a->fingerprint == b->fingerprint && a->len == b->len && a->type == b->type;
}

/* By fingerprint: position + 1 of the first record that has it. */
struct prints {
	uint16_t slot[SLOTS];
};

/* A long record's fingerprint is that of its ends (keyless.c of the session). */
static const char *
compared(const struct bm_seen_record *r, bool whole)
{
	return r->len <= BM_HEADER + 128 || whole ? "" : ", compared by its first and last 64 octets";
}

static const uint8_t *
in_scope(const struct bm_case *s, const struct bm_seen_record *r)
{
	return s != NULL && s->record != NULL && r->off >= s->off && r->off - s->off <= s->region &&
				   r->len <= s->region - (r->off - s->off)
			   ? s->record + (r->off - s->off)
			   : NULL;
}

/* Are two records that have one fingerprint alike, as far as can be seen? *whole: all of it can. */
static bool
alike(const struct bm_why *w, const struct bm_seen_record *a, const struct bm_seen_record *b,
	bool *whole)
{
	const uint8_t *p = in_scope(w->c->scope, a), *q = in_scope(w->c->scope, b);

	*whole = p != NULL && q != NULL;
	return !*whole || memcmp(p + BM_HEADER, q + BM_HEADER, a->len - BM_HEADER) == 0;
}

static const struct bm_seen_record *
look_up(
	struct prints *t, const struct bm_seen_record *all, const struct bm_seen_record *r, bool enter)
{
	size_t at = (size_t)(r->fingerprint % SLOTS);

	for (; t->slot[at] != 0; at = (at + 1) % SLOTS)
		if (same(&all[t->slot[at] - 1], r))
			return &all[t->slot[at] - 1];
	if (enter)
		t->slot[at] = (uint16_t)(r - all + 1);
	return NULL;
}

enum bm_answer
bm_ask_seen_twice(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct prints t = {.slot = {0}};
	size_t n;
	const struct bm_seen_record *r = bm_keyless_records(w, &n);

	for (size_t i = 0; i < n; i++) {
		const struct bm_seen_record *first =
			comparable(w, &r[i]) ? look_up(&t, r, &r[i], true) : NULL;
		/* A receiver that went on had something else. */
		bool whole;
		if (first == NULL || bm_keyless_carried_on(w, &r[i]) || !alike(w, first, &r[i], &whole))
			continue;
		if (!bm_keyless_about(w, out, &r[i], r[i].len, true))
			return BM_NOT_ASKED;
		unsigned long long octets = r[i].len - BM_HEADER;
		statistics(out, "repeat-statistics", PRINT_BITS, (uint64_t)n * n / 2);
		bm_evidence(w, out,
			"the record at stream offset %llu (packet %llu) is the one at stream offset %llu "
			"(packet %llu) over again%s: %llu octets of ciphertext, which no two sequence numbers "
			"make alike",
			(unsigned long long)r[i].off, (unsigned long long)r[i].packet,
			(unsigned long long)first->off, (unsigned long long)first->packet,
			compared(&r[i], whole), octets);
		return BM_SHOWN;
	}
	*because = bm_arena_print(w->arena, "no two of its last %zu records are alike", n);
	return BM_EXCLUDED;
}

enum bm_answer
bm_ask_seen_mirrored(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct prints t = {.slot = {0}};
	size_t n, m;
	const struct bm_seen_record *r = bm_keyless_records(w, &n);
	const struct bm_seen_record *other = bm_session_seen(w->session, 1 - w->c->direction, &m);

	for (size_t i = 0; i < m; i++)
		if (comparable(w, &other[i]))
			(void)look_up(&t, other, &other[i], true);
	for (size_t i = 0; i < n; i++) {
		const struct bm_seen_record *first =
			comparable(w, &r[i]) ? look_up(&t, other, &r[i], false) : NULL;
		/* Which came first is the original. */
		if (first == NULL || first->packet >= r[i].packet || bm_keyless_carried_on(w, &r[i]))
			continue;
		if (!bm_keyless_about(w, out, &r[i], r[i].len, true))
			return BM_NOT_ASKED;
		statistics(out, "repeat-statistics", PRINT_BITS, (uint64_t)n * m);
		bm_evidence(w, out,
			"the record at stream offset %llu (packet %llu) is one that its receiver had sent, at "
			"stream offset %llu (packet %llu)%s: the two directions have keys of their own",
			(unsigned long long)r[i].off, (unsigned long long)r[i].packet,
			(unsigned long long)first->off, (unsigned long long)first->packet,
			compared(&r[i], false));
		return BM_SHOWN;
	}
	*because = bm_arena_print(
		w->arena, "none of its last %zu records is one of the %zu of the other direction", n, m);
	return BM_EXCLUDED;
}

static const struct bm_fragment *
fragment_of(const struct bm_case *s, uint32_t at)
{
	for (size_t i = 0; i < s->fragment_count; i++)
		if (at >= s->fragments[i].record_off &&
			at - s->fragments[i].record_off < s->fragments[i].len)
			return &s->fragments[i];
	return NULL;
}

enum bm_answer
bm_ask_seen_copy(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *s = w->c->scope;

	if (s == NULL || s->record == NULL)
		return BM_NOT_ASKED;
	for (size_t i = 0; i < s->copy_count; i++) {
		const struct bm_other_copy *o = &s->copies[i];
		const struct bm_fragment *f = fragment_of(s, o->record_off);
		/* TCP drops a copy whose checksum is wrong. */
		if (o->checksum == BM_CHECKSUM_INVALID || f == NULL || f->checksum == BM_CHECKSUM_INVALID ||
			o->packet >= w->c->before)
			continue;
		uint32_t from = 0, to = (uint32_t)o->bytes.n;
		const uint8_t *mine = s->record + o->record_off;
		while (from < to && mine[from] == o->bytes.p[from])
			from++;
		while (to > from && mine[to - 1] == o->bytes.p[to - 1])
			to--;
		const struct bm_seen_record *r = bm_keyless_at(w, s->off + o->record_off + from);
		if (r == NULL || r->off < s->off || from == to || bm_keyless_carried_on(w, r))
			continue;
		uint32_t at = (uint32_t)(s->off + o->record_off + from - r->off);
		if (!bm_keyless_about(w, out, r, r->len, false))
			return BM_NOT_ASKED;
		if (at + (to - from) <= r->len)
			out->changes[out->change_count++] =
				(struct bm_change){at, bm_view(mine + from, to - from),
					bm_view(o->bytes.p + from, to - from), o->packet, false};
		bm_evidence(w, out,
			"packets %llu and %llu carry different bytes for stream offset %llu on, both under a "
			"checksum that is right: which of them its receiver took does not show without keys",
			(unsigned long long)f->packet, (unsigned long long)o->packet,
			(unsigned long long)(r->off + at));
		return BM_SHOWN;
	}
	*because = "no packet of the capture carries other bytes for the last part of the stream";
	return BM_EXCLUDED;
}

enum bm_answer
bm_ask_bad_checksum(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *s = w->c->scope;
	enum bm_way client = w->facts->client_way;

	if (s == NULL)
		return BM_NOT_ASKED;
	enum bm_way way = w->c->direction == BM_C2S ? client : (enum bm_way)(1 - client);
	uint64_t acked = bm_stream_acked(bm_flow_stream(bm_session_flow_of(w->session), way));
	for (size_t i = 0; i < s->fragment_count; i++) {
		const struct bm_fragment *f = &s->fragments[i];
		const struct bm_seen_record *r = bm_keyless_at(w, s->off + f->record_off);
		if (f->checksum != BM_CHECKSUM_INVALID || s->off + f->record_off + f->len > acked ||
			r == NULL || bm_keyless_carried_on(w, r))
			continue;
		if (!bm_keyless_about(w, out, r, r->len, false))
			return BM_NOT_ASKED;
		bm_evidence(w, out,
			"the checksum of packet %llu does not fit its bytes, yet its receiver acknowledged "
			"them: where in the record they differ from what was sent does not show without keys",
			(unsigned long long)f->packet);
		return BM_SHOWN;
	}
	*because = "no segment with a bad checksum was acknowledged";
	return BM_EXCLUDED;
}
