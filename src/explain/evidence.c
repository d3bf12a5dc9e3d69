/* Says what the facts of an incident are, and what lengths in a log show. Refuses to weigh causes.
 */
#include "explain/evidence.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
role_name(const struct bm_incident *i)
{
	static const char *const names[] = {"this end", "the client", "the server"};

	return names[bm_incident_role(i)];
}

static const char *
other_name(const struct bm_incident *i)
{
	static const char *const names[] = {"the other end", "the server", "the client"};

	return names[bm_incident_role(i)];
}

static bool
is_stream(const struct bm_suite *s)
{
	return s != NULL && s->mac != BM_HASH_NONE && s->tag_len == 0 &&
		   strstr(s->name, "_CBC_") == NULL;
}

void
bm_record_facts(const struct bm_incident *i, struct bm_record_facts *f)
{
	const struct bm_trace_facts *t = &i->trace;
	const struct bm_suite *s = i->known_suite;

	*f = (struct bm_record_facts){BM_UNKNOWN, BM_UNKNOWN, BM_UNKNOWN, BM_UNKNOWN, NULL};
	if (s != NULL && s->verifiable) {
		f->mac_bits = s->tag_len != 0 ? 8u * s->tag_len : 8 * (uint64_t)bm_hash_size(s->mac);
		f->mac_from = "cipher_suite";
	}
	/* An alert is two octets. Under a stream cipher all that is added to it is the MAC; Java 11 and
	 * later print the length before that. */
	if (t->known && !t->modern && is_stream(s) && t->alert_length > 2 &&
		t->alert_length <= 2 + 64) {
		f->mac_bits = 8 * (t->alert_length - 2);
		f->mac_from = "alert";
	}
	if (!t->known || i->detected != BM_BY_LOCAL || t->last_read_length == 0)
		return;
	f->length = t->last_read_length;
	if (t->last_read == JSSE_CONTENT_APPLICATION && i->stage >= BM_STAGE_AFTER && t->read != 0)
		f->ordinal = t->read;
	if (is_stream(s) && f->mac_bits != BM_UNKNOWN && f->length > f->mac_bits / 8)
		f->content_length = f->length - f->mac_bits / 8;
}

const char *
bm_stage_text(const struct bm_incident *i)
{
	static const char *const texts[] = {"not shown", "in the handshake",
		"after the handshake; the log does not show in which record",
		"the first record of application data", "a later record of application data"};

	return texts[i->stage];
}

static const char *
ordinal_text(uint64_t n, char out[32])
{
	static const char *const words[] = {"", "first", "second", "third", "fourth", "fifth"};

	if (n < sizeof words / sizeof words[0])
		return words[n];
	(void)snprintf(out, 32, "%" PRIu64 "%s", n,
		n % 100 / 10 == 1 ? "th"
		: n % 10 == 1     ? "st"
		: n % 10 == 2     ? "nd"
		: n % 10 == 3     ? "rd"
						  : "th");
	return out;
}

const char *
bm_headline(struct bm_arena *a, const struct bm_incident *i)
{
	struct bm_record_facts f;
	char word[32];

	bm_record_facts(i, &f);
	if (i->detected == BM_BY_PEER)
		return bm_arena_print(a,
			"%s was told by the other end that a record which it had sent did not verify there%s",
			role_name(i), i->stage == BM_STAGE_HANDSHAKE ? ", in the handshake" : "");
	if (i->detected == BM_BY_UNKNOWN)
		return bm_arena_print(a, "a record failed its check; the line does not say at which end");
	if (f.ordinal != BM_UNKNOWN)
		return bm_arena_print(a,
			"%s detected it: the %s record of application data that it received, of %" PRIu64
			" bytes, did not verify",
			role_name(i), ordinal_text(f.ordinal, word), f.length);
	return bm_arena_print(a, "%s detected it: a record that it had received did not verify%s",
		role_name(i), i->stage == BM_STAGE_HANDSHAKE ? ", in the handshake" : "");
}

static void
add(struct bm_facts_told *e, const char *text)
{
	e->failed = e->failed || text == NULL;
	if (text != NULL && e->n < BM_EVIDENCE_MAX)
		e->text[e->n++] = text;
}

static void
tell_lengths(struct bm_arena *a, const struct bm_incident *i, const struct bm_record_facts *f,
	struct bm_facts_told *e)
{
	const struct bm_trace_facts *t = &i->trace;
	char list[200] = "";
	size_t n = 0;

	for (size_t k = 0; k < t->read_length_count; k++)
		n += (size_t)snprintf(
			list + n, sizeof list - n, "%s%" PRIu64, k != 0 ? ", " : "", t->read_lengths[k]);
	if (t->read == 0 || i->detected != BM_BY_LOCAL || f->ordinal == BM_UNKNOWN)
		return;
	add(e,
		bm_arena_print(a,
			"%s received %" PRIu64 " record%s of application data on this thread%s, of %s%s bytes; "
			"the last one is the one that failed",
			role_name(i), t->read, t->read == 1 ? "" : "s",
			t->handshake_shown ? " since the handshake" : ", as far as the log goes back",
			t->read > t->read_length_count ? "at last " : "", list));
	if (t->read > 1)
		add(e, bm_arena_print(a,
				   "the %" PRIu64
				   " before it verified: keys, cipher suite, sequence numbers%s were right "
				   "until then",
				   t->read - 1, is_stream(i->known_suite) ? " and the keystream's position" : ""));
	add(e, bm_arena_print(a,
			   "its header was read as application data of %" PRIu64
			   " bytes in the version of the connection: where it begins the stream was in step",
			   f->length));
}

static void
tell_mac(struct bm_arena *a, const struct bm_incident *i, const struct bm_record_facts *f,
	struct bm_facts_told *e)
{
	if (f->mac_from == NULL)
		return;
	if (strcmp(f->mac_from, "alert") == 0)
		add(e, bm_arena_print(a,
				   "its own alert, 2 bytes, was written as %" PRIu64 ": the MAC has %" PRIu64
				   " bytes, which is %" PRIu64 " bits%s",
				   i->trace.alert_length, f->mac_bits / 8, f->mac_bits,
				   f->mac_bits == 160 ? " and not 96 (those 96 are of the Finished message)" : ""));
	else
		add(e, bm_arena_print(a, "%s: its %s has %" PRIu64 " bits", i->suite,
				   i->known_suite->tag_len != 0 ? "tag" : "MAC", f->mac_bits));
	if (f->content_length != BM_UNKNOWN)
		add(e,
			bm_arena_print(a, "%" PRIu64 " bytes are %" PRIu64 " of content and %" PRIu64 " of MAC",
				f->length, f->content_length, f->mac_bits / 8));
}

static void
tell_trace(struct bm_arena *a, const struct bm_incident *i, struct bm_facts_told *e)
{
	const struct bm_trace_facts *t = &i->trace;

	if (t->role == BM_ROLE_UNKNOWN && bm_incident_role(i) != BM_ROLE_UNKNOWN)
		add(e, bm_arena_print(a, "the log is the %s's: %s is always one",
				   bm_incident_role(i) == BM_ROLE_CLIENT ? "client" : "server",
				   i->program->name != NULL ? i->program->name : i->program->id));
	if (!t->known)
		return;
	if (t->role != BM_ROLE_UNKNOWN)
		add(e, bm_arena_print(a, "the log is the %s's: %s",
				   t->role == BM_ROLE_CLIENT ? "client" : "server",
				   t->role_shown ? "its session and handshake lines say so"
								 : "the first record of application data in it was "
								   "the client's to send"));
	if (t->written != 0 && i->detected == BM_BY_LOCAL)
		add(e,
			bm_arena_print(a, "%s had sent %" PRIu64 " record%s of application data%s",
				role_name(i), t->written, t->written == 1 ? "" : "s",
				t->read > 1 ? ", and was answered: the other direction was in order as well" : ""));
	if (t->invalidated)
		add(e, bm_arena_print(a, "%s threw the session away (Invalidated): it will not be resumed",
				   role_name(i)));
	if (t->opened_line != 0 && i->detected == BM_BY_LOCAL)
		add(e, bm_arena_print(a,
				   "line %" PRIu64 ": what the record decrypted to is dumped there; the place "
				   "where it stops making sense is where the bytes were damaged",
				   t->opened_line));
	if (t->timeout_ms != 0)
		add(e,
			bm_arena_print(a,
				"a read timeout of %" PRIu64
				" ms was set on the socket; a read that it cuts short may not be taken up in the "
				"middle of a record by every Java",
				t->timeout_ms));
	if (t->resumed)
		add(e, bm_arena_print(a, "the session was resumed"));
}

static void
tell_times(struct bm_arena *a, const struct bm_incident *i, struct bm_facts_told *e)
{
	const char *span = "";

	if (i->count < 2)
		return;
	/* Times may be hidden. */
	if (i->first_time.text[0] != '\0')
		span = bm_arena_print(a, " from %s to %s,", i->first_time.text, i->last_time.text);
	e->failed = e->failed || span == NULL;
	if (i->intervals == 0)
		add(e, bm_arena_print(a, "it happened %" PRIu64 " times, in lines %" PRIu64 " to %" PRIu64,
				   i->count, i->first_line, i->last_line));
	else
		add(e,
			bm_arena_print(a, "it happened %" PRIu64 " times,%s every %.3g seconds on average, %s",
				i->count, span != NULL ? span : "", i->interval_mean,
				bm_incident_is_regular(i) ? "evenly: something does it on a schedule"
				: i->intervals < 3        ? "too few to call them even"
										  : "unevenly"));
}

void
bm_incident_evidence(struct bm_arena *a, const struct bm_incident *i, struct bm_facts_told *e)
{
	struct bm_record_facts f;

	*e = (struct bm_facts_told){.n = 0};
	bm_record_facts(i, &f);
	if (i->detected == BM_BY_LOCAL)
		add(e, bm_arena_print(a,
				   "the failure is %s's own: what it holds (keys, sequence number, bytes as they "
				   "arrived) did not fit together; %s may know nothing of it",
				   role_name(i), other_name(i)));
	else if (i->detected == BM_BY_PEER)
		add(e, bm_arena_print(a,
				   "an alert of %s came in: it is about a record that %s sent, and the reason "
				   "stands in "
				   "the other end's log, not in this one",
				   other_name(i), role_name(i)));
	tell_lengths(a, i, &f, e);
	tell_mac(a, i, &f, e);
	tell_trace(a, i, e);
	tell_times(a, i, e);
	for (size_t k = 0; k < i->seen_count; k++)
		add(e, bm_arena_print(a, "before it, in line %" PRIu64 ": %s", i->seen[k].quote.line,
				   i->seen[k].context->means != NULL ? i->seen[k].context->means
													 : i->seen[k].context->id));
}
