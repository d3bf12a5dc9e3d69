/* From a session and the findings about its failures to the model of one connection. */
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

/* Adds to what is said of an undecided connection. */
static bool
add_detail(struct bm_connection *out, const char *line, struct bm_arena *a)
{
	if (line == NULL)
		return true;
	out->undecided_detail = out->undecided_detail == NULL
								? line
								: bm_arena_print(a, "%s; %s", out->undecided_detail, line);
	return out->undecided_detail != NULL;
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

/* *shown false: nothing was, or it is no failure as long as nobody complains; then it is said
 * what was seen. */
static enum bm_status
fill_failure(const struct bm_session *s, const struct bm_case *c,
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

	if (o->elsewhere != NULL) {
		w.elsewhere_count = o->elsewhere(o->elsewhere_ctx, s, c, elsewhere, BM_ELSEWHERE_MAX);
		w.elsewhere = elsewhere;
	}
	enum bm_status st = bm_explain(&w, &e);

	if (st != BM_OK)
		return st;
	struct bm_finding *f = &e.finding;
	*shown = c->kind != BM_CASE_SUSPECTED || f->stands;
	if (!*shown) {
		for (size_t i = 0; f->about != NULL && i < f->evidence_count; i++)
			if (!add_detail(conn, f->evidence[i], a))
				return BM_NOMEM;
		return BM_OK;
	}
	if (f->about != NULL && c->kind == BM_CASE_SUSPECTED)
		bm_evidence(&w, f,
			"the last word of its receiver, packet %llu, came after it: an alert, by type or "
			"length",
			(unsigned long long)c->word);
	if (f->about != NULL && c->kind == BM_CASE_REJECTED)
		bm_evidence(&w, f, "packet %llu: the %s reports %s", (unsigned long long)c->alert_packet,
			bm_side_word(1 - c->direction),
			bm_alert_name(c->alert) != NULL ? bm_alert_name(c->alert) : "an alert");
	if (f->about != NULL)
		c = f->about;
	if (c->kind != BM_CASE_REJECTED && f->about == NULL && c->alert_packet != 0 &&
		c->kind != BM_CASE_PLAINTEXT_ALERT)
		bm_evidence(&w, f, "packet %llu: the %s reports %s", (unsigned long long)c->alert_packet,
			bm_side_word(1 - c->direction),
			bm_alert_name(c->alert) != NULL ? bm_alert_name(c->alert) : "an alert");
	const char *sum = checksums(c);
	if (sum != NULL && f->cause != BM_CAUSE_WRONG_KEYS)
		bm_evidence(&w, f, "%s checksum of the packet%s it: %s",
			conn->transport == BM_UDP ? "UDP" : "TCP",
			c->packet_count == 1 ? " that carries" : "s that carry", sum);
	/* RFC 1122, section 4.1.3.4. */
	if (sum != NULL && strcmp(sum, "invalid") == 0 && conn->transport == BM_UDP && c->alert == 255)
		bm_evidence(&w, f,
			"a receiving host that checks it drops the datagram: its DTLS may never have seen it");
	out->direction = c->direction;
	/* Which epoch it is of does not show without keys in TLS 1.3. */
	bool no_epoch = f->about != NULL || c->kind == BM_CASE_DIFFERS;
	out->epoch = no_epoch && bm_version_rules(facts->version) == BM_TLS13 ? BM_UNKNOWN : c->epoch;
	struct bm_case told = *c;
	if (f->has_seq)
		told.seq = f->seq;
	out->sequence_number = told.seq == BM_NO_SEQ ? BM_UNKNOWN : told.seq;
	out->stream_offset = c->off == BM_NO_SEQ || conn->transport == BM_UDP ? BM_UNKNOWN : c->off;
	out->length = c->len != 0 ? c->len : BM_UNKNOWN;
	uint64_t *packets = bm_arena_copy(a, bm_view(c->packets, c->packet_count * sizeof *packets));
	out->packets = packets;
	out->packet_count = c->packet_count;
	out->cause = f->cause;
	out->confidence = confidence(f->strength);
	out->summary =
		f->about != NULL ? bm_verdict_keyless_summary(c, f, a) : bm_verdict_summary(&told, f, a);
	out->checksum_as_captured = sum;
	out->checksum_as_sent = bm_verdict_checksum_as_sent(c, f);
	if (packets == NULL || out->summary == NULL)
		return BM_NOMEM;
	if (f->method != NULL) {
		out->has_proof = true;
		out->proof =
			(struct bm_proof){f->method, f->tag_bits, f->candidates, f->chance_log2, f->altered};
		fill_altered(f, out);
	}
	enum bm_place place = o->place;
	const char *why_there = bm_verdict_place_given(place);
	if (place == BM_AT_UNKNOWN)
		place = bm_verdict_place(s, a, &why_there);
	if (why_there != NULL && f->cause != BM_CAUSE_WRONG_KEYS)
		bm_evidence(&w, f, "%s", why_there);
	const char *formed;
	enum bm_shape shape = bm_verdict_shape(c, f, a, &formed);
	if (formed != NULL && f->cause != BM_CAUSE_PLAINTEXT_INJECTED)
		bm_evidence(&w, f, "%s", formed);
	bm_verdict_parties(c, f, bm_verdict_place_of_all(&w, place), shape, out);
	bm_verdict_compare(&w, f, out);
	const char **evidence = bm_arena_take(a, f->evidence_count, sizeof *evidence);
	struct bm_ruled_out *ruled = bm_arena_take(a, e.excluded_count, sizeof *ruled);
	if (evidence == NULL || ruled == NULL || !fill_damage(c, f, a, out) ||
		(o->detail != BM_DETAIL_NONE && !bm_verdict_octets(c, f, facts, a, out)))
		return BM_NOMEM;
	for (size_t i = 0; i < f->evidence_count; i++)
		evidence[i] = f->evidence[i];
	for (size_t i = 0; i < e.excluded_count; i++)
		ruled[i] = (struct bm_ruled_out){e.excluded[i].cause, e.excluded[i].because};
	out->evidence = evidence;
	out->evidence_count = f->evidence_count;
	out->ruled_out = ruled;
	out->ruled_out_count = e.excluded_count;
	return bm_verdict_advice(c, f, facts, conn, o->all_captures, a, out);
}

static bool
is_failure(const struct bm_failure *f)
{
	/* Key material that does not fit says nothing about the endpoints, and neither does a rule that
	 * both of them go by. */
	return !((f->cause == BM_CAUSE_WRONG_KEYS || f->cause == BM_CAUSE_MAC_CONSTRUCTION) &&
			 f->at_fault_count == 1 && f->at_fault[0] == BM_PARTY_CONFIGURATION);
}

/* Before the first record that verifies in a connection that was joined in the middle: unless it is
 * shown what is wrong with it, or its receiver said so, it may be of another epoch. */
static bool
is_guess(const struct bm_case *c, const struct bm_failure *f)
{
	return c->at_start && c->kind == BM_CASE_BAD_RECORD && c->alert_packet == 0 &&
		   f->confidence != BM_PROVEN;
}

static void
fill_facts(
	const struct bm_session *s, const struct bm_verdict_options *o, struct bm_connection *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	const struct bm_flow *flow = bm_session_flow(s);

	out->capture = o->capture;
	out->pieces = o->pieces != NULL && o->pieces->n > 1 ? o->pieces : NULL;
	out->also_in = o->also_in;
	out->also_in_count = o->also_in_count;
	out->transport = bm_flow_transport(flow);
	out->client = *bm_flow_source(flow, f->client_way);
	out->server = *bm_flow_source(flow, (enum bm_way)(1 - f->client_way));
	out->first_ts_ns = bm_flow_first_ts(flow);
	out->last_ts_ns = bm_flow_last_ts(flow);
	out->version = f->version;
	out->has_suite = f->has_suite;
	out->suite = f->suite_id;
	out->has_client_random = f->has_client_random;
	memcpy(out->client_random, f->client_random, sizeof out->client_random);
	out->resumed = f->resumed;
	out->keys = f->source;
	out->capture_gaps = f->gaps;
	out->extended_master_secret = f->extended_master_secret;
	out->encrypt_then_mac = f->encrypt_then_mac;
	out->truncated_hmac = f->truncated_hmac;
	out->max_fragment_length = f->max_fragment_length;
	out->record_size_limit = f->record_size_limit;
	out->compression = f->compression;
	for (unsigned d = 0; d < 2; d++)
		out->records[d] = (struct bm_record_counts){f->tally[d].verified, f->tally[d].failed,
			f->tally[d].undecided, f->tally[d].plaintext, f->tally[d].after_close};
}

/* The record at off is what it was not counted as. */
static void
restate(struct bm_connection *out, struct bm_restatements *later, unsigned direction, uint64_t off,
	enum bm_judgement to)
{
	struct bm_record_counts *n = &out->records[direction];

	*(to == BM_JUDGED_FAILED ? &n->undecided : &n->failed) -= 1;
	*(to == BM_JUDGED_FAILED ? &n->failed : &n->undecided) += 1;
	later->item[later->n++] = (struct bm_restated){direction, off, to};
}

enum bm_status
bm_verdict(const struct bm_session *s, const struct bm_verdict_options *o,
	struct bm_scratch *scratch, struct bm_arena *arena, struct bm_connection *out)
{
	const struct bm_session_facts *f = bm_session_facts(s);
	size_t n, alerts;
	const struct bm_case *cases = bm_session_cases(s, &n);
	const struct bm_alert_seen *seen = bm_session_alerts(s, &alerts);

	memset(out, 0, sizeof *out);
	fill_facts(s, o, out);
	if (f->server_name[0] != '\0') {
		out->server_name = bm_arena_print(arena, "%s", f->server_name);
		if (out->server_name == NULL)
			return BM_NOMEM;
	}
	struct bm_alert *a = bm_arena_take(arena, alerts, sizeof *a);
	struct bm_failure *failures = bm_arena_take(arena, n, sizeof *failures);
	if (a == NULL || failures == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < alerts; i++)
		a[i] = (struct bm_alert){seen[i].direction, seen[i].level, seen[i].description,
			seen[i].packet, seen[i].encrypted, seen[i].stale};
	out->alerts = a;
	out->alert_count = alerts;
	uint64_t undecided = out->records[0].undecided + out->records[1].undecided;
	/* What would settle it is advice for failures too. */
	if (undecided != 0 || n != 0) {
		enum bm_status st = bm_verdict_undecided(s, o, arena, out);
		if (st != BM_OK)
			return st;
	}
	struct bm_restated *restated = bm_arena_take(arena, 2 * n, sizeof *restated);
	struct bm_restatements later = {restated, 0};
	if (restated == NULL)
		return BM_NOMEM;
	bool failed = false, by_other_rule = false, doubtful = false;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		struct bm_failure *g = &failures[count];
		bool shown = true;
		enum bm_status st = fill_failure(s, &cases[i], o, out, scratch, arena, g, &shown);
		if (st != BM_OK)
			return st;
		if (!shown)
			continue;
		if (is_guess(&cases[i], g)) {
			restate(out, &later, cases[i].direction, cases[i].off, BM_JUDGED_UNDECIDED);
			memset(g, 0, sizeof *g);
			continue;
		}
		count++;
		failed = failed || is_failure(g);
		if (cases[i].no_keys && cases[i].kind != BM_CASE_DIFFERS &&
			g->stream_offset != BM_UNKNOWN && out->records[g->direction].undecided != 0) {
			/* The record that is named could not be checked, and is known to be bad. */
			restate(out, &later, g->direction, g->stream_offset, BM_JUDGED_FAILED);
		}
		if (cases[i].kind == BM_CASE_BAD_RECORD && !is_failure(g)) {
			/* A record whose keys are in doubt is undecided. */
			restate(out, &later, cases[i].direction, cases[i].off, BM_JUDGED_UNDECIDED);
			doubtful = true;
		}
		by_other_rule = by_other_rule || (cases[i].kind == BM_CASE_NO_KEYS_FIT &&
											 g->cause == BM_CAUSE_MAC_CONSTRUCTION);
	}
	n = count;
	undecided = out->records[0].undecided + out->records[1].undecided;
	out->failures = failures;
	out->failure_count = count;
	if (undecided != 0 && f->source == BM_SOURCE_NONE && count == 0) {
		const char *unread;
		if (!bm_verdict_unread(s, arena, &unread) || !add_detail(out, unread, arena))
			return BM_NOMEM;
	}
	if (failed || out->records[0].failed + out->records[1].failed != 0)
		out->result = BM_RESULT_FAILED;
	else if (undecided != 0 || n != 0)
		out->result = BM_RESULT_UNDECIDED;
	else
		out->result = BM_RESULT_VERIFIED;
	if (undecided == 0 && out->result != BM_RESULT_UNDECIDED) {
		out->undecided_because = out->undecided_detail = out->undecided_next = NULL;
		out->undecided_wants_keys = false;
	}
	if (o->detail == BM_DETAIL_ALL ||
		(o->detail == BM_DETAIL_TROUBLED && out->result != BM_RESULT_VERIFIED)) {
		out->course = bm_verdict_course(bm_session_timeline(s), &later, arena);
		if (out->course == NULL)
			return BM_NOMEM;
	}
	if (out->undecided_because != NULL && doubtful)
		out->undecided_because =
			"its only protected record does not verify under the keys that were found";
	if (out->undecided_because != NULL && f->keys_wrong && by_other_rule)
		out->undecided_because =
			"its records verify by another rule for the MAC than the one that was negotiated";
	return bm_verdict_pieces(out, failures, arena);
}
