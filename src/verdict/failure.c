/* From a finding about one failure to the model of it. Refuses to know what else the connection
 * came to. */
#include "verdict/verdict.h"

/* The worst state among the packets that carry the record, and what else it may have been part of.
 */
static const char *
checksums(const struct bm_case *c)
{
	enum bm_checksum worst = BM_CHECKSUM_UNKNOWN;

	for (size_t i = 0; i < c->fragment_count; i++) {
		if ((!c->framing_lost || c->after == BM_AFTER_NOTHING) &&
			c->fragments[i].record_off >= c->len && c->len != 0)
			continue;
		enum bm_checksum s = c->fragments[i].checksum;
		if (s == BM_CHECKSUM_INVALID || worst == BM_CHECKSUM_UNKNOWN)
			worst = s;
		else if (s == BM_CHECKSUM_OFFLOADED && worst == BM_CHECKSUM_VALID)
			worst = s;
	}
	return bm_checksum_name(worst);
}

static enum bm_confidence
confidence(enum bm_strength s)
{
	return s == BM_STRENGTH_PROVEN      ? BM_PROVEN
		   : s == BM_STRENGTH_SUPPORTED ? BM_SUPPORTED
										: BM_POSSIBLE;
}

/* The fragment of the record that holds the byte at record_off. */
static const struct bm_fragment *
fragment_at(const struct bm_case *c, uint32_t record_off)
{
	for (size_t i = 0; i < c->fragment_count; i++) {
		const struct bm_fragment *f = &c->fragments[i];
		if (record_off >= f->record_off && record_off - f->record_off < f->len)
			return f;
	}
	return NULL;
}

enum { LINE = 8, LINES_MAX = 4 };

/* The lines of a hex dump that hold change i, as received and as sent. */
static bool
fill_lines(const struct bm_case *c, const struct bm_finding *f, size_t i, struct bm_arena *a,
	struct bm_damage *d)
{
	const struct bm_change *ch = &f->changes[i];
	uint32_t from = ch->record_off / LINE * LINE;
	uint64_t to = ((uint64_t)ch->record_off + ch->received.n + LINE - 1) / LINE * LINE;

	if (c->record == NULL || ch->received.n == 0 || ch->record_off >= c->region)
		return true;
	for (size_t k = 0; k < f->change_count; k++)
		if (f->changes[k].received.n != f->changes[k].sent.n)
			return true;
	if (to > c->region)
		to = c->region;
	if (to - from > LINE * LINES_MAX)
		to = from + LINE * LINES_MAX;
	struct bm_view line = bm_view(c->record + from, (size_t)(to - from));
	uint8_t *sent = bm_arena_copy(a, line);
	d->line_offset = from;
	d->line_received = bm_view(bm_arena_copy(a, line), line.n);
	d->line_sent = bm_view(sent, line.n);
	if (sent == NULL || d->line_received.p == NULL)
		return false;
	for (size_t k = 0; k < f->change_count; k++)
		for (size_t b = 0; b < f->changes[k].sent.n; b++) {
			uint64_t at = (uint64_t)f->changes[k].record_off + b;
			if (at >= from && at < to)
				sent[at - from] = f->changes[k].sent.p[b];
		}
	return true;
}

static bool
fill_damage(
	const struct bm_case *c, const struct bm_finding *f, struct bm_arena *a, struct bm_failure *out)
{
	struct bm_damage *d = bm_arena_take(a, f->change_count, sizeof *d);
	uint64_t stream_offset = out->stream_offset;

	if (d == NULL)
		return false;
	for (size_t i = 0; i < f->change_count; i++) {
		const struct bm_change *ch = &f->changes[i];
		const struct bm_fragment *at = fragment_at(c, ch->record_off);
		d[i].record_offset = ch->record_off;
		d[i].stream_offset =
			stream_offset == BM_UNKNOWN ? BM_UNKNOWN : stream_offset + ch->record_off;
		d[i].length = ch->received.n;
		d[i].packet = at != NULL ? at->packet : BM_UNKNOWN;
		d[i].packet_offset =
			at != NULL ? at->packet_off + (ch->record_off - at->record_off) : BM_UNKNOWN;
		d[i].received = bm_view(bm_arena_copy(a, ch->received), ch->received.n);
		d[i].sent = bm_view(bm_arena_copy(a, ch->sent), ch->sent.n);
		d[i].sent_known = !ch->sent_unknown;
		if (d[i].received.p == NULL || d[i].sent.p == NULL || !fill_lines(c, f, i, a, &d[i]))
			return false;
	}
	out->damage = d;
	out->damage_count = f->change_count;
	return true;
}

/* What is another one shows by the values. */
static void
fill_altered(const struct bm_finding *f, struct bm_failure *out)
{
	struct bm_altered *a = &out->proof.altered;

	if (!a->told)
		return;
	if (a->seq != out->sequence_number)
		a->inputs |= BM_INPUT_NUMBER;
	if (a->epoch != out->epoch && a->epoch != BM_UNKNOWN)
		a->inputs |= BM_INPUT_EPOCH;
	if (a->direction != out->direction)
		a->inputs |= BM_INPUT_DIRECTION;
	if (out->stream_offset == BM_UNKNOWN) {
		a->off = BM_UNKNOWN;
		a->other.off = BM_UNKNOWN;
	}
	for (size_t i = 0; i < f->change_count; i++) {
		uint64_t packet = f->changes[i].sent_packet;
		size_t k = 0;
		while (k < a->sent_packet_count && a->sent_packets[k] != packet)
			k++;
		if (packet != 0 && k == a->sent_packet_count && k < BM_SENT_PACKETS_MAX)
			a->sent_packets[a->sent_packet_count++] = packet;
	}
}

/* What an endpoint said of it. Of a finding that was made without keys it comes before what the
 * finding is about. */
static void
say_complaint(const struct bm_why *w, struct bm_finding *f)
{
	const struct bm_case *c = w->c;
	const char *what = bm_alert_name(c->alert) != NULL ? bm_alert_name(c->alert) : "an alert";
	bool reported = f->about != NULL ? c->kind == BM_CASE_REJECTED
									 : c->kind != BM_CASE_REJECTED && c->alert_packet != 0 &&
										   c->kind != BM_CASE_PLAINTEXT_ALERT;

	if (f->about != NULL && c->kind == BM_CASE_SUSPECTED)
		bm_evidence(w, f,
			"the last word of its receiver, packet %llu, came after it: an alert, by type or "
			"length",
			(unsigned long long)c->word);
	if (reported)
		bm_evidence(w, f, "packet %llu: the %s reports %s", (unsigned long long)c->alert_packet,
			bm_side_word(1 - c->direction), what);
}

static void
say_checksums(const struct bm_why *w, struct bm_finding *f, const struct bm_case *c, bool udp,
	const char *sum)
{
	if (sum == NULL)
		return;
	if (f->cause != BM_CAUSE_WRONG_KEYS)
		bm_evidence(w, f, "%s checksum of the packet%s it: %s", udp ? "UDP" : "TCP",
			c->packet_count == 1 ? " that carries" : "s that carry", sum);
	/* RFC 1122, section 4.1.3.4. */
	if (strcmp(sum, "invalid") == 0 && udp && c->alert == 255)
		bm_evidence(w, f,
			"a receiving host that checks it drops the datagram: its DTLS may never have seen it");
}

/* Which record it is, and where it stands. */
static bool
fill_record(const struct bm_why *w, const struct bm_case *c, const struct bm_finding *f, bool udp,
	struct bm_failure *out)
{
	/* Which epoch it is of does not show without keys in TLS 1.3. */
	bool no_epoch = (f->about != NULL || c->kind == BM_CASE_DIFFERS) &&
					bm_version_rules(w->facts->version) == BM_TLS13;
	uint64_t seq = f->has_seq ? f->seq : c->seq;
	uint64_t *packets =
		bm_arena_copy(w->arena, bm_view(c->packets, c->packet_count * sizeof *packets));

	out->direction = c->direction;
	out->epoch = no_epoch ? BM_UNKNOWN : c->epoch;
	out->sequence_number = seq == BM_NO_SEQ ? BM_UNKNOWN : seq;
	out->stream_offset = c->off == BM_NO_SEQ || udp ? BM_UNKNOWN : c->off;
	out->length = c->len != 0 ? c->len : BM_UNKNOWN;
	out->packets = packets;
	out->packet_count = c->packet_count;
	return packets != NULL;
}

/* The sentence about it, and the proof. */
static bool
fill_finding(
	const struct bm_case *c, const struct bm_finding *f, struct bm_arena *a, struct bm_failure *out)
{
	struct bm_case told = *c;

	if (f->has_seq)
		told.seq = f->seq;
	out->cause = f->cause;
	out->confidence = confidence(f->strength);
	out->summary =
		f->about != NULL ? bm_verdict_keyless_summary(c, f, a) : bm_verdict_summary(&told, f, a);
	if (f->method != NULL) {
		out->has_proof = true;
		out->proof =
			(struct bm_proof){f->method, f->tag_bits, f->candidates, f->chance_log2, f->altered};
		fill_altered(f, out);
	}
	return out->summary != NULL;
}

/* Who is left as culprit: by where the capture was taken, by what shape it has, and by other
 * captures. */
static void
fill_parties(const struct bm_why *w, const struct bm_case *c, struct bm_finding *f,
	enum bm_place place, struct bm_failure *out)
{
	const char *why_there = bm_verdict_place_given(place), *formed;

	if (place == BM_AT_UNKNOWN)
		place = bm_verdict_place(w->session, w->arena, &why_there);
	if (why_there != NULL && f->cause != BM_CAUSE_WRONG_KEYS)
		bm_evidence(w, f, "%s", why_there);
	enum bm_shape shape = bm_verdict_shape(c, f, w->arena, &formed);
	if (formed != NULL && f->cause != BM_CAUSE_PLAINTEXT_INJECTED)
		bm_evidence(w, f, "%s", formed);
	bm_verdict_parties(c, f, bm_verdict_place_of_all(w, place), shape, out);
	bm_verdict_compare(w, f, out);
}

static bool
fill_evidence(const struct bm_explanation *e, struct bm_arena *a, struct bm_failure *out)
{
	const struct bm_finding *f = &e->finding;
	const char **evidence = bm_arena_take(a, f->evidence_count, sizeof *evidence);
	struct bm_ruled_out *ruled = bm_arena_take(a, e->excluded_count, sizeof *ruled);

	if (evidence == NULL || ruled == NULL)
		return false;
	for (size_t i = 0; i < f->evidence_count; i++)
		evidence[i] = f->evidence[i];
	for (size_t i = 0; i < e->excluded_count; i++)
		ruled[i] = (struct bm_ruled_out){e->excluded[i].cause, e->excluded[i].because};
	out->evidence = evidence;
	out->evidence_count = f->evidence_count;
	out->ruled_out = ruled;
	out->ruled_out_count = e->excluded_count;
	return true;
}

/* What was seen of what is no failure by itself. */
static enum bm_status
only_say(const struct bm_finding *f, struct bm_connection *conn, struct bm_arena *a)
{
	for (size_t i = 0; f->about != NULL && i < f->evidence_count; i++)
		if (!bm_verdict_add_detail(conn, f->evidence[i], a))
			return BM_NOMEM;
	return BM_OK;
}

enum bm_status
bm_verdict_failure(const struct bm_session *s, const struct bm_case *c,
	const struct bm_verdict_options *o, struct bm_connection *conn, struct bm_scratch *scratch,
	struct bm_arena *a, struct bm_failure *out, bool *shown)
{
	const struct bm_session_facts *facts = bm_session_facts(s);
	struct bm_why w = {.session = s,
		.c = c,
		.facts = facts,
		.scratch = scratch,
		.arena = a,
		.pool = bm_session_env_of(s)->pool,
		.effort = o->effort,
		.share = bm_search_share(bm_session_env_of(s)),
		.spent = &bm_session_env_of(s)->spent};
	struct bm_elsewhere elsewhere[BM_ELSEWHERE_MAX];
	struct bm_explanation e;
	bool udp = conn->transport == BM_UDP;

	if (o->elsewhere != NULL) {
		w.elsewhere_count = o->elsewhere(o->elsewhere_ctx, s, c, elsewhere, BM_ELSEWHERE_MAX);
		w.elsewhere = elsewhere;
	}
	enum bm_status st = bm_explain(&w, &e);

	if (st != BM_OK)
		return st;
	struct bm_finding *f = &e.finding;
	*shown = c->kind != BM_CASE_SUSPECTED || f->stands;
	if (!*shown)
		return only_say(f, conn, a);
	say_complaint(&w, f);
	if (f->about != NULL)
		c = f->about;
	out->checksum_as_captured = checksums(c);
	out->checksum_as_sent = bm_verdict_checksum_as_sent(c, f);
	say_checksums(&w, f, c, udp, out->checksum_as_captured);
	if (!fill_record(&w, c, f, udp, out) || !fill_finding(c, f, a, out))
		return BM_NOMEM;
	fill_parties(&w, c, f, o->place, out);
	if (!fill_evidence(&e, a, out) || !fill_damage(c, f, a, out) ||
		(o->detail != BM_DETAIL_NONE && !bm_verdict_octets(c, f, facts, a, out)))
		return BM_NOMEM;
	return bm_verdict_advice(c, f, facts, conn, o->all_captures, a, out);
}
