/* What a report tells of a connection besides how many records verify: what was negotiated, alerts,
 * which records fail, what comes of it all. Refuses to know why a record fails. */
#include "prove/internal.h"

#include "tls/alert.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT = 24 };

bool
whole_lacks_keys(const struct judge *j)
{
	return j->conn->keys != BADMAC_KEYS_NONE && j->flow->known.facts.source == BM_SOURCE_NONE;
}

bool
whole_keys_differ(const struct judge *j)
{
	return (j->conn->keys == BADMAC_KEYS_NONE) != (j->flow->known.facts.source == BM_SOURCE_NONE);
}

/* -- what was negotiated ------------------------------------------------------------------ */

/* False: it was decided. There: of the report; NULL: unknown. */
static bool
same(struct judge *j, const char *what, const char *here, const char *there)
{
	if (here == NULL && there == NULL)
		return true;
	if (here != NULL && there != NULL && strcmp(here, there) == 0)
		return true;
	bool open = here == NULL || there == NULL || whole_keys_differ(j);
	step_decides(j, open ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD, "negotiated",
		"%s differs: it is %s, and the report says %s", what, here != NULL ? here : "not known",
		there != NULL ? there : "nothing");
	return false;
}

static const char *
number_text(uint64_t n, char out[TEXT])
{
	(void)snprintf(out, TEXT, "%llu", ull(n));
	return out;
}

static bool
same_number(struct judge *j, const char *what, uint64_t here, uint64_t there)
{
	char a[TEXT], b[TEXT];

	return same(j, what, here != 0 ? number_text(here, a) : "none",
		there != BADMAC_UNKNOWN ? number_text(there, b) : "none");
}

static bool
same_answer(struct judge *j, const char *what, bool here, bool there)
{
	return same(j, what, here ? "yes" : "no", there ? "yes" : "no");
}

static const char *
suite_text(const struct bm_session_facts *f, char out[TEXT])
{
	const struct bm_suite *s = f->has_suite ? bm_suite_find(f->suite_id) : NULL;

	(void)snprintf(out, TEXT, "0x%04X", (unsigned)f->suite_id);
	return s != NULL ? s->name : f->has_suite ? out : NULL;
}

static const char *
answer_text(int yes)
{
	return yes < 0 ? NULL : yes ? "yes" : "no";
}

/* One that is not plain is written otherwise. */
static bool
same_name(struct judge *j)
{
	const char *here = j->flow->known.facts.server_name;

	for (const char *p = here; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return true;
	return same(j, "the server's name", here[0] != '\0' ? here : "none",
		j->conn->server_name != NULL ? j->conn->server_name : "none");
}

static bool
same_time(struct judge *j, const char *what, uint64_t here, uint64_t there)
{
	char a[TEXT], b[TEXT];

	return same(j, what, here != 0 ? number_text(here, a) : NULL,
		there != BADMAC_UNKNOWN ? number_text(there, b) : NULL);
}

static enum badmac_keys_from
keys_from(enum bm_key_source s)
{
	switch (s) {
	case BM_SOURCE_KEY_LOG:
		return BADMAC_KEYS_KEY_LOG;
	case BM_SOURCE_SECRETS_BLOCK:
		return BADMAC_KEYS_SECRETS_BLOCK;
	case BM_SOURCE_PRIVATE_KEY:
		return BADMAC_KEYS_PRIVATE_KEY;
	case BM_SOURCE_JSSE_LOG:
		return BADMAC_KEYS_JSSE_LOG;
	case BM_SOURCE_NONE:
		break;
	}
	return BADMAC_KEYS_NONE;
}

void
judge_negotiated(struct judge *j)
{
	const struct badmac_claimed_connection *c = j->conn;
	const struct known *k = &j->flow->known;
	const struct bm_session_facts *f = &k->facts;
	char suite[TEXT];
	/* RFC 6066, section 4. */
	uint64_t fragment = f->max_fragment_length >= 1 && f->max_fragment_length <= 4
							? UINT64_C(256) << f->max_fragment_length
							: f->max_fragment_length;

	if (c->client_random.n == 0 && f->has_client_random) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "negotiated",
			"the report does not say which client random it has");
		return;
	}
	if (!same(j, "the version", bm_version_name(f->version), c->version) ||
		!same(j, "the cipher suite", suite_text(f, suite), c->cipher_suite) ||
		!same(j, "whether it is resumed", answer_text(f->resumed), answer_text(c->resumed)) ||
		!same_answer(
			j, "extended_master_secret", f->extended_master_secret, c->extended_master_secret) ||
		!same_answer(j, "encrypt_then_mac", f->encrypt_then_mac, c->encrypt_then_mac) ||
		!same_answer(j, "truncated_hmac", f->truncated_hmac, c->truncated_hmac) ||
		!same_number(j, "max_fragment_length", fragment, c->max_fragment_length) ||
		!same_number(j, "record_size_limit", f->record_size_limit, c->record_size_limit) ||
		!same_number(j, "compression", f->compression, c->compression) || !same_name(j) ||
		!same_time(j, "the time of its first packet", k->first_ns, c->first_ns) ||
		!same_time(j, "the time of its last packet", k->last_ns, c->last_ns))
		return;
	/* The same secrets can come in several ways; and memory makes gaps. */
	if (keys_from(f->source) != c->keys)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "negotiated",
			"its keys are not from where the report says");
	else if (f->gaps != c->capture_gaps)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "negotiated",
			"%llu runs of bytes are missing in its streams, and the report says %llu", ull(f->gaps),
			ull(c->capture_gaps));
	else
		step_passes(j, "negotiated", "%s with %s, and what else was negotiated",
			bm_version_name(f->version) != NULL ? bm_version_name(f->version)
												: "an unknown version",
			suite_text(f, suite) != NULL ? suite_text(f, suite) : "an unknown suite");
}

/* -- alerts ----------------------------------------------------------------------------- */

static bool
same_word(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_alert(const struct bm_alert_seen *a, const struct badmac_claimed_alert *b)
{
	bool read = a->level != 0 || a->description != 255;

	return a->direction == (unsigned)b->direction && a->encrypted == (b->encrypted != 0) &&
		   (b->stale < 0 || a->stale == (b->stale != 0)) &&
		   (a->packet != 0 ? a->packet : BADMAC_UNKNOWN) == b->packet &&
		   (read ? a->description : BADMAC_UNKNOWN) == b->code &&
		   same_word(bm_alert_level(a->level), b->level) &&
		   same_word(bm_alert_name(a->description), b->description);
}

void
judge_alerts(struct judge *j)
{
	const struct badmac_claimed_connection *c = j->conn;
	const struct known *k = &j->flow->known;
	size_t n = k->alert_count < c->alert_count ? k->alert_count : c->alert_count, i = 0;
	enum badmac_verdict wrong =
		whole_keys_differ(j) ? BADMAC_CANNOT_BE_CHECKED : BADMAC_DOES_NOT_HOLD;

	while (i < n && same_alert(&k->alerts[i], &c->alerts[i]))
		i++;
	if (i < n)
		step_decides(j, wrong, "alerts", "alert %zu differs from what the report says", i);
	else if (k->alert_count != c->alert_count)
		step_decides(j, wrong, "alerts", "there are %zu alerts, and the report tells of %zu",
			k->alert_count, c->alert_count);
	else if (n != 0)
		step_passes(j, "alerts", "%zu alert%s, as the report says", n, n == 1 ? "" : "s");
}

/* -- which records fail ----------------------------------------------------------------- */

/* Does the claim tell of this very record? */
static bool
is_of_case(const struct judge *j, const struct known_case *k, const struct badmac_claim *c)
{
	if (k->direction != (unsigned)c->direction)
		return false;
	if (j->flow->dtls)
		return c->packet_count != 0 && c->packets[0] == k->packet && c->length == k->len;
	return c->stream_offset == k->off;
}

/* A complaint, or what is suspected without keys, may be told of as of one record or as of none. */
static bool
is_loose(const struct known_case *k)
{
	return k->kind == BM_CASE_REJECTED || k->kind == BM_CASE_SUSPECTED ||
		   k->kind == BM_CASE_DIFFERS;
}

/* The claim that tells of it; failure_count: none. taken: by other cases. */
static size_t
claim_of(const struct judge *j, const struct known_case *k, const bool *taken)
{
	size_t n = j->conn->failure_count;

	for (size_t i = 0; i < n; i++) {
		const struct badmac_claim *c = &j->conn->failures[i];
		if (!taken[i] &&
			(is_loose(k) ? k->direction == (unsigned)c->direction : is_of_case(j, k, c)))
			return i;
	}
	return n;
}

/* Need there be a word of it? */
static bool
is_due(const struct known_case *k)
{
	bool guess = k->kind == BM_CASE_BAD_RECORD && k->at_start && !k->complained;

	return !guess && k->kind != BM_CASE_SUSPECTED;
}

/* Was the report made of the same, with the same keys, as far as that shows? */
static bool
is_same_view(const struct judge *j)
{
	const struct known *k = &j->flow->known;

	for (size_t i = 0; i < k->case_count; i++)
		if (k->cases[i].kind == BM_CASE_NO_KEYS_FIT)
			return false;
	return !j->p->several && !whole_keys_differ(j) && !j->decided &&
		   k->facts.gaps == j->conn->capture_gaps;
}

static void
say_left_out(struct judge *j, const struct known_case *k)
{
	enum badmac_verdict wrong = is_same_view(j) ? BADMAC_DOES_NOT_HOLD : BADMAC_CANNOT_BE_CHECKED;
	const char *from = k->direction == BM_CLIENT ? "client" : "server";

	if (k->kind == BM_CASE_REJECTED)
		step_decides(j, wrong, "failures",
			"an endpoint reports a bad record of the %s, and the report tells of no failure for it",
			from);
	else if (j->flow->dtls)
		step_decides(j, wrong, "failures",
			"a record of the %s in packet %llu fails, and the report does not tell of it", from,
			ull(k->packet));
	else
		step_decides(j, wrong, "failures",
			"the record of the %s at stream offset %llu fails, and the report does not tell of it",
			from, ull(k->off));
}

/* Those that name a record first: what is loose takes what is left. */
void
judge_failures(struct judge *j)
{
	const struct known *k = &j->flow->known;
	size_t n = j->conn->failure_count;
	bool *taken = calloc(n + 1, sizeof *taken);

	if (taken == NULL) {
		j->p->status = BM_NOMEM;
		return;
	}
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < k->case_count; i++) {
			const struct known_case *x = &k->cases[i];
			if (is_loose(x) != (round == 1))
				continue;
			size_t at = claim_of(j, x, taken);
			taken[at] = true;
			if (at == n && is_due(x)) {
				say_left_out(j, x);
				free(taken);
				return;
			}
		}
	size_t more = 0;
	while (more < n && taken[more])
		more++;
	free(taken);
	if (more < n)
		step_decides(j, is_same_view(j) ? BADMAC_DOES_NOT_HOLD : BADMAC_CANNOT_BE_CHECKED,
			"failures", "failure %zu is of a record that does not fail", more);
	else
		step_passes(j, "failures", "no failure is left out");
}

/* -- what comes of it ----------------------------------------------------------------------- */

/* Of the key material alone, or of what was read of the handshake; docs/OUTPUT.md, exit status. */
static bool
is_of_material(const struct badmac_claim *c)
{
	bool cause = strcmp(c->cause, "wrong-keys") == 0 || strcmp(c->cause, "mac-construction") == 0;

	return cause && c->at_fault_count == 1 && strcmp(c->at_fault[0], "configuration") == 0;
}

/* Whether it is does not rest on the report's word: nobody complains then. NULL: nothing speaks
 * against it. */
static const char *
wrong_party(const struct judge *j, const struct badmac_claim *c)
{
	const struct known *k = &j->flow->known;
	bool keys = strcmp(c->cause, "wrong-keys") == 0;

	if (j->p->several || (!keys && strcmp(c->cause, "mac-construction") != 0))
		return NULL;
	for (size_t i = 0; i < k->case_count; i++) {
		const struct known_case *x = &k->cases[i];
		if (is_loose(x) || !is_of_case(j, x, c))
			continue;
		bool whole = x->kind == BM_CASE_NO_KEYS_FIT || (keys && x->only_one);
		if (is_of_material(c) && (!whole || x->by_alert))
			return "a failure is said to be of the configuration alone, and it is not";
		if (!is_of_material(c) && whole && !x->by_alert)
			return "nobody reports a bad record, so that the configuration alone is at fault";
	}
	return NULL;
}

void
judge_result(struct judge *j)
{
	static const char *const words[] = {"verified", "failed", "undecided"};
	const struct badmac_claimed_connection *c = j->conn;
	bool failed = c->records[0].failed + c->records[1].failed != 0;
	bool undecided = c->records[0].undecided + c->records[1].undecided + c->failure_count != 0;
	const char *what = NULL;

	for (size_t i = 0; i < c->failure_count && what == NULL; i++) {
		failed = failed || !is_of_material(&c->failures[i]);
		what = wrong_party(j, &c->failures[i]);
	}
	enum badmac_result due = failed      ? BADMAC_FAILED
							 : undecided ? BADMAC_UNDECIDED
										 : BADMAC_VERIFIED;
	if (what != NULL)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "result", "%s", what);
	else if (c->result != due)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "result",
			"the result differs: from what the report tells comes %s, and it says %s", words[due],
			words[c->result]);
	else
		step_passes(j, "result", "%s, as comes of that", words[due]);
}
