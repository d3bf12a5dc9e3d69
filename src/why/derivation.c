/* mac-construction, wrong-keys: the first record that an end protected, under keys that it derived
 * in another way, or from another session than the one it named. Refuses to know the ways. */
#include "why/record.h"

#include "base/buf.h"

#include <stdio.h>

/* About what it takes to derive keys and set them up, and to pass an entry of the keyring, in
 * nanoseconds. */
enum { SET_UP = 20000, PASS = 10 };

struct search {
	const struct bm_why *w;
	struct bm_wire wire;
	uint64_t tried, work, limit;
	enum bm_status status;
};

/* Is it a record to which its own keys say nothing? */
static bool
begin(struct search *s, const struct bm_why *w)
{
	const struct bm_case *c = w->c;

	*s = (struct search){.w = w, .limit = w->share / 8};
	return w->session != NULL && w->facts->version != 0 && w->facts->version != BM_TLS13 &&
		   !bm_version_is_dtls(w->facts->version) && c->seq == 0 && !c->found && !c->identical &&
		   !c->mirrored && (c->kind == BM_CASE_NO_KEYS_FIT || c->kind == BM_CASE_BAD_RECORD) &&
		   bm_failed_record(w, &s->wire);
}

/* Frees the keys. */
static bool
opens(struct search *s, struct bm_derivation *d)
{
	struct bm_position pos;
	struct bm_outcome o;

	s->tried++;
	s->work += SET_UP + bm_protection_cost(d->protection, s->wire.body.n);
	bm_position_start(d->protection, &pos);
	s->status = bm_verify(d->protection, &pos, &s->wire, false, s->w->scratch, &o);
	bm_wipe(&pos, sizeof pos);
	bm_protection_free(d->protection);
	d->protection = NULL;
	return s->status == BM_OK && o.result == BM_VERIFIED;
}

static bool
goes_on(const struct search *s)
{
	return s->status == BM_OK && s->work < s->limit;
}

static void
prove(const struct search *s, struct bm_finding *out)
{
	const struct bm_case *c = s->w->c;

	bm_prove(out, "key-search", bm_protection_tag_len(c->protection), s->tried);
	bm_alter(s->w, out, BM_INPUT_DERIVATION);
	out->configuration = c->alert == 255 && c->kind == BM_CASE_NO_KEYS_FIT;
}

enum bm_answer
bm_ask_derivation(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	struct bm_derivations all;
	struct bm_derivation d;
	struct search s;
	bool found = false;

	(void)because;
	if (!begin(&s, w))
		return BM_NOT_ASKED;
	bm_derivations_begin(&all, w->session, w->c->direction);
	while (!found && goes_on(&s) && bm_derivations_next(&all, &d))
		found = opens(&s, &d);
	bm_derivations_end(&all);
	*w->spent += s.work;
	if (!found)
		return BM_NOT_ASKED;
	prove(&s, out);
	const char *how = bm_arena_print(w->arena, "%s%s%s", d.how != NULL ? d.how : "",
		d.how != NULL && d.extended != NULL ? ", and with " : "",
		d.extended != NULL ? d.extended : "");
	out->altered.rule = how;
	bm_evidence(w, out, "it verifies under keys derived from %s", how != NULL ? how : "others");
	bm_evidence(w, out, "of the keys that the standard derives its sender has others");
	return BM_SHOWN;
}

static enum bm_answer
other_session(const struct bm_why *w, struct bm_finding *out)
{
	struct bm_derivations all;
	struct bm_derivation d;
	char id[2 * BM_RANDOM + 1];
	struct search s;
	uint64_t passed = 0;
	bool found = false;

	if (!begin(&s, w))
		return BM_NOT_ASKED;
	bm_derivations_begin(&all, w->session, w->c->direction);
	while (
		!found && goes_on(&s) && bm_derivations_session(&all, (s.limit - s.work) / PASS + 1, &d)) {
		s.work += PASS * (all.passed - passed);
		passed = all.passed;
		found = opens(&s, &d);
	}
	s.work += PASS * (all.passed - passed);
	*w->sessions = (struct bm_sessions_tried){s.tried, !found && !goes_on(&s)};
	bm_derivations_end(&all);
	*w->spent += s.work;
	if (!found)
		return BM_NOT_ASKED;
	prove(&s, out);
	for (size_t i = 0; i < BM_RANDOM; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", i < d.id.n ? d.id.p[i] : 0);
	id[2 * (d.id.n < BM_RANDOM ? d.id.n : BM_RANDOM)] = '\0';
	out->altered.session_n = d.id.n < BM_SESSION_NAME_MAX ? d.id.n : BM_SESSION_NAME_MAX;
	memcpy(out->altered.session, d.id.p, out->altered.session_n);
	bm_evidence(w, out,
		"it verifies under keys made from the master secret of another session, which the key "
		"material has under %s %s",
		d.by_random ? "client random" : "session id", id);
	bm_evidence(w, out,
		w->facts->resumed == 1
			? "a session was resumed: its sender took another one for it (a cache or ticket keys "
			  "that are shared wrongly)"
			: "its sender mixed up two sessions, or the key material does");
	return BM_SHOWN;
}

/* Every session of a key log takes its time: of a single bad record damage is found first. */
enum bm_answer
bm_ask_other_session(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	(void)because;
	return w->c->kind == BM_CASE_NO_KEYS_FIT ? other_session(w, out) : BM_NOT_ASKED;
}

enum bm_answer
bm_ask_other_session_at_last(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	(void)because;
	return w->c->kind == BM_CASE_BAD_RECORD ? other_session(w, out) : BM_NOT_ASKED;
}
