/* Proofs: reads the captures for what was claimed of them. Refuses to look for reasons. */
#include "api/internal.h"

#include <stdlib.h>

/* What a flow carries around. */
struct watched {
	struct bm_session *session;
	struct bm_proved_flow *claimed; /* NULL: nothing is */
};

enum { FLOW = 1024 /* octets that a flow takes beside its session, about */ };

static struct watched *
watch(struct badmac *b, struct bm_flow *f)
{
	struct watched *w = bm_flow_user(f);

	if (w != NULL || b->status != BM_OK)
		return w;
	w = calloc(1, sizeof *w);
	if (w == NULL || bm_session_new(&w->session, &b->env, f) != BM_OK) {
		free(w);
		b->status = BM_NOMEM;
		return NULL;
	}
	w->claimed = bm_prove_flow(b->prove, f);
	b->status = bm_prove_status(b->prove);
	b->env.held += FLOW;
	bm_flow_set_user(f, w);
	return w;
}

static void
forget(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	bm_flow_set_user(f, NULL);
	bm_session_free(w->session);
	b->env.held -= FLOW;
	free(w);
}

static void
after_event(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	if (b->status == BM_OK)
		b->status = bm_session_status(w->session);
	if (b->status == BM_OK)
		b->status = bm_prove_status(b->prove);
	if (bm_session_dismissed(w->session))
		forget(b, f, w);
}

static void
on_data(void *ctx, struct bm_flow *f, enum bm_way way)
{
	struct badmac *b = ctx;
	struct watched *w = watch(b, f);

	if (w == NULL || b->status != BM_OK)
		return;
	bm_prove_data(b->prove, w->claimed, f, way);
	bm_session_data(w->session, way);
	after_event(b, f, w);
}

static void
on_copy(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_span *copy)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (w != NULL && b->status == BM_OK)
		bm_session_copy(w->session, way, copy);
}

static void
conclude(struct badmac *b, struct bm_flow *f, struct watched *w)
{
	if (b->status == BM_OK) {
		bm_session_end(w->session);
		b->status = bm_session_status(w->session);
	}
	if (b->status == BM_OK && bm_session_is_tls(w->session)) {
		bm_prove_end(b->prove, w->claimed, w->session);
		b->status = bm_prove_status(b->prove);
	}
	forget(b, f, w);
}

static void
on_datagram(void *ctx, struct bm_flow *f, enum bm_way way, const struct bm_segment *s)
{
	struct badmac *b = ctx;
	struct watched *w = watch(b, f);

	if (w == NULL || b->status != BM_OK)
		return;
	bm_session_datagram(w->session, way, s);
	if (bm_session_superseded(w->session)) {
		conclude(b, f, w);
		w = watch(b, f);
		if (w == NULL || b->status != BM_OK)
			return;
		bm_session_datagram(w->session, way, s);
	}
	after_event(b, f, w);
}

static void
on_end(void *ctx, struct bm_flow *f)
{
	struct badmac *b = ctx;
	struct watched *w = bm_flow_user(f);

	if (w != NULL)
		conclude(b, f, w);
}

struct bm_tcp_events
api_prove_events(struct badmac *b)
{
	return (struct bm_tcp_events){.on_data = on_data,
		.on_copy = on_copy,
		.on_datagram = on_datagram,
		.on_end = on_end,
		.ctx = b};
}

enum badmac_status
badmac_add_claims(struct badmac *b, const struct badmac_claims *claims, struct badmac_error *error)
{
	if (b == NULL || b->ran || b->prove != NULL || claims == NULL)
		return api_fail(error, BM_USAGE, NULL);
	return api_fail(error, bm_prove_new(&b->prove, claims), NULL);
}

/* In order, each place by itself. */
static enum bm_status
read_all(struct badmac *b, bool *several, struct bm_error *e)
{
	enum bm_status s = api_scan_secrets(b);
	uint32_t sites = 0;

	if (s == BM_OK)
		s = inputs_order(&b->inputs);
	for (size_t i = 0; i < b->inputs.n; i++)
		if (b->inputs.item[i].site >= sites)
			sites = b->inputs.item[i].site + 1;
	for (uint32_t site = 0; s == BM_OK && site < sites; site++) {
		for (size_t i = b->inputs.n; i-- != 0;)
			if (b->inputs.item[i].site == site)
				bm_prove_site(b->prove, b->inputs.item[i].site_name);
		s = read_site(b, site, e);
	}
	*several = sites > 1;
	return s;
}

enum badmac_status
badmac_prove(struct badmac *b, struct badmac_error *error)
{
	struct bm_error e = {BM_OK, NULL, 0};
	bool several = false;

	if (b == NULL || b->ran || b->prove == NULL || b->tie != NULL)
		return api_fail(error, BM_USAGE, NULL);
	b->ran = true;
	enum bm_status s = read_all(b, &several, &e);
	if (s == BM_OK)
		s = bm_prove_judge(
			b->prove, &(struct bm_prove_read){several, b->summary.undecoded, b->cut_hello});
	(void)!bm_crypto_choose((enum bm_backend)b->options.crypto);
	b->finished = s == BM_OK;
	bool about_input = e.what != NULL && e.status == s;
	enum badmac_status status = api_fail(error, s, about_input ? &e : NULL);
	if (error != NULL && about_input)
		error->input = b->reading;
	return status;
}

const struct badmac_judgement *
badmac_judgement(const struct badmac *b, size_t connection, size_t failure)
{
	if (b == NULL || b->prove == NULL || !b->finished)
		return NULL;
	return bm_prove_told(b->prove, connection, failure);
}
