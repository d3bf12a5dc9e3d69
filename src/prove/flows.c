/* Which flows of the captures are claimed connections, and what their sessions know when they end:
 * keys, and what the receiver brought to a record. Refuses to judge. */
#include "prove/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAME_MOST = 64 };

/* -- claims by their addresses ------------------------------------------------ */

static int
compare_names(const char *client, const char *server, const struct badmac_claimed_connection *c)
{
	int d = strcmp(client, c->client);

	return d != 0 ? d : strcmp(server, c->server);
}

/* qsort has no context; the order is wanted once, so a merge by hand is as good. */
static void
sort(const struct badmac_claimed_connection *c, size_t *a, size_t n, size_t *room)
{
	if (n < 2)
		return;
	size_t half = n / 2;
	sort(c, a, half, room);
	sort(c, a + half, n - half, room);
	memcpy(room, a, n * sizeof *a);
	for (size_t i = 0, x = 0, y = half; i < n; i++) {
		bool first = y == n || (x < half && compare_names(c[room[x]].client, c[room[x]].server,
												&c[room[y]]) <= 0);
		a[i] = room[first ? x++ : y++];
	}
}

enum bm_status
bm_prove_new(struct bm_prove **out, const struct badmac_claims *claims)
{
	size_t n = claims->connection_count;
	struct bm_prove *p = calloc(1, sizeof *p);
	size_t *room = calloc(n + 1, sizeof *room);

	*out = NULL;
	if (p != NULL) {
		p->claims = claims;
		p->words.max = 256 << 20;
		p->order = calloc(n + 1, sizeof *p->order);
		p->flows = calloc(n + 1, sizeof *p->flows);
		p->judged = calloc(n + 1, sizeof *p->judged);
	}
	bool ok = p != NULL && room != NULL && p->order != NULL && p->flows != NULL &&
			  p->judged != NULL && frames_wanted(p) == BM_OK;
	for (size_t i = 0; ok && i < n; i++) {
		const struct badmac_claimed_connection *c = &claims->connections[i];
		p->order[i] = i;
		for (size_t k = 0; k < c->failure_count; k++)
			p->others_wanted = p->others_wanted || c->failures[k].altered.sender != NULL;
		if (c->failure_count == 0)
			continue;
		p->judged[i].failures = calloc(c->failure_count, sizeof *p->judged[i].failures);
		ok = p->judged[i].failures != NULL;
	}
	if (ok)
		sort(claims->connections, p->order, n, room);
	free(room);
	if (!ok) {
		bm_prove_free(p);
		return BM_NOMEM;
	}
	*out = p;
	return BM_OK;
}

void
bm_prove_site(struct bm_prove *p, const char *name)
{
	p->site = name;
	if (p->site_count < sizeof p->sites / sizeof p->sites[0])
		p->sites[p->site_count++] = name;
}

/* The first in the order that is not before them. */
static size_t
find(const struct bm_prove *p, const char *client, const char *server)
{
	size_t a = 0, b = p->claims->connection_count;

	while (a < b) {
		size_t middle = a + (b - a) / 2;
		if (compare_names(client, server, &p->claims->connections[p->order[middle]]) > 0)
			a = middle + 1;
		else
			b = middle;
	}
	return a;
}

/* -- flows -------------------------------------------------------------------- */

static void
want(struct part *x, const struct badmac_claim *c)
{
	uint64_t more = 0;

	for (size_t i = 0; i < c->damage_count; i++)
		more += c->damage[i].length < WINDOW_MOST ? c->damage[i].length : WINDOW_MOST;
	x->case_keys = SIZE_MAX;
	uint64_t length = c->length != BADMAC_UNKNOWN && c->length < WINDOW_MOST ? c->length : 0;
	if (c->stream_offset != BADMAC_UNKNOWN)
		window_want(&x->record, c->direction, c->stream_offset,
			BM_HEADER + BM_BODY_MAX + 65536 / 4 + length + more);
	if (!c->has_proof || !c->has_altered)
		return;
	const struct badmac_claimed_change *a = &c->altered;
	if ((a->inputs & BADMAC_INPUT_RECORD) != 0 && a->stream_offset != BADMAC_UNKNOWN)
		window_want(&x->checked, c->direction, a->stream_offset, BM_HEADER + 65535);
	if (a->has_other_record && a->other_record.stream_offset != BADMAC_UNKNOWN)
		window_want(
			&x->other, a->other_record.direction, a->other_record.stream_offset, BM_HEADER + 65535);
}

static struct bm_proved_flow *
new_flow(struct bm_prove *p, size_t index, enum bm_way client_way)
{
	const struct badmac_claimed_connection *c = &p->claims->connections[index];
	struct bm_proved_flow *v = calloc(1, sizeof *v);

	if (v != NULL)
		v->parts = calloc(c->failure_count + 1, sizeof *v->parts);
	if (v == NULL || v->parts == NULL) {
		free(v);
		p->status = BM_NOMEM;
		return NULL;
	}
	v->claimed = c;
	v->index = index;
	v->site = p->site;
	v->client_way = client_way;
	for (size_t i = 0; i < c->failure_count && !c->udp; i++)
		want(&v->parts[i], &c->failures[i]);
	v->next = p->flows[index];
	p->flows[index] = v;
	return v;
}

/* Several claimed connections may have been on the same addresses, one after the other: each takes
 * the next flow, and when it ends it shows whose random it has. */
struct bm_proved_flow *
bm_prove_flow(struct bm_prove *p, const struct bm_flow *f)
{
	char text[2][BM_ADDRESS_TEXT_MAX];
	struct bm_proved_flow *first = NULL;
	size_t n = p->claims->connection_count;

	for (unsigned way = 0; way < 2; way++)
		bm_address_text(bm_flow_source(f, (enum bm_way)way), text[way]);
	for (unsigned way = 0; way < 2; way++) {
		for (size_t at = find(p, text[way], text[1 - way]), tried = 0; at < n && tried < SAME_MOST;
			 at++, tried++) {
			const struct badmac_claimed_connection *c = &p->claims->connections[p->order[at]];
			if (compare_names(text[way], text[1 - way], c) != 0)
				break;
			if ((bm_flow_transport(f) == BM_UDP) != (c->udp != 0))
				continue;
			struct bm_proved_flow *v = new_flow(p, p->order[at], (enum bm_way)way);
			if (v == NULL)
				return first;
			/* Those that share the flow hang together until it ends. */
			struct bm_proved_flow **end = &first;
			while (*end != NULL)
				end = &(*end)->beside;
			*end = v;
		}
		if (memcmp(text[0], text[1], sizeof text[0]) == 0)
			break;
	}
	return first;
}

void
bm_prove_data(struct bm_prove *p, struct bm_proved_flow *v, struct bm_flow *f, enum bm_way way)
{
	const struct bm_stream *s = bm_flow_stream(f, way);

	for (; v != NULL; v = v->beside) {
		unsigned side = way == v->client_way ? BM_CLIENT : BM_SERVER;
		for (size_t i = 0; i < v->claimed->failure_count; i++) {
			struct window *w[] = {&v->parts[i].record, &v->parts[i].checked, &v->parts[i].other};
			for (size_t k = 0; k < sizeof w / sizeof w[0]; k++)
				if (w[k]->wanted && w[k]->side == side)
					window_fill(p, w[k], s);
		}
		if (!v->has_first_seq[side])
			v->has_first_seq[side] = bm_stream_first_seq(s, &v->first_seq[side]);
	}
}

/* -- what a session knows ------------------------------------------------------ */

bool
keys_copy(const struct bm_session *s, struct key_set **out, size_t *count)
{
	struct bm_session_key k;
	size_t n = 0;

	while (bm_session_key(s, n, &k))
		n++;
	*out = calloc(n + 1, sizeof **out);
	if (*out == NULL)
		return false;
	*count = n;
	for (size_t i = 0; i < n && bm_session_key(s, i, &k); i++)
		(*out)[i] =
			(struct key_set){*bm_protection_keys(k.protection), k.protection, k.side, k.epoch};
	return true;
}

void
keys_free(struct key_set *k, size_t n)
{
	if (k != NULL)
		bm_wipe_free(k, n * sizeof *k);
}

const struct key_set *
flow_keys(const struct bm_proved_flow *f, unsigned side, uint64_t epoch, size_t nth)
{
	for (size_t i = f->key_count; i-- != 0;)
		if (f->keys[i].side == side && f->keys[i].epoch == epoch && nth-- == 0)
			return &f->keys[i];
	return NULL;
}

static const struct bm_case *
case_of(const struct bm_session *s, const struct badmac_claim *c, bool dtls)
{
	size_t n;
	const struct bm_case *all = bm_session_cases(s, &n);

	for (size_t i = 0; i < n; i++) {
		const struct bm_case *x = &all[i];
		if (x->direction != c->direction || x->kind == BM_CASE_REJECTED)
			continue;
		if (dtls ? x->packet_count != 0 && c->packet_count != 0 && x->packets[0] == c->packets[0] &&
					   x->len == c->length
				 : x->off == c->stream_offset)
			return x;
	}
	return NULL;
}

/* Did an endpoint report a bad record, and none was seen? */
static bool
is_rejected(const struct bm_session *s, unsigned direction)
{
	size_t n;
	const struct bm_case *all = bm_session_cases(s, &n);

	for (size_t i = 0; i < n; i++)
		if (all[i].kind == BM_CASE_REJECTED && all[i].direction == direction)
			return true;
	return false;
}

static bool
is_named(const struct bm_derivation *d, const struct badmac_claimed_change *a)
{
	char how[512];

	if (a->session.n != 0)
		return d->id.n >= a->session.n && memcmp(d->id.p, a->session.p, a->session.n) == 0;
	(void)snprintf(how, sizeof how, "%s%s%s", d->how != NULL ? d->how : "",
		d->how != NULL && d->extended != NULL ? ", and with " : "",
		d->extended != NULL ? d->extended : "");
	return a->rule != NULL && strcmp(how, a->rule) == 0;
}

/* The derivation, or the other session, that the claim names. */
static void
derive(const struct bm_session *s, const struct badmac_claim *c, struct part *x)
{
	struct bm_derivations all;
	struct bm_derivation d;
	bool session = c->altered.session.n != 0;

	bm_derivations_begin(&all, s, c->direction);
	while (!x->has_derived && (session ? bm_derivations_session(&all, UINT64_MAX, &d)
									   : bm_derivations_next(&all, &d))) {
		if (is_named(&d, &c->altered)) {
			x->derived = *bm_protection_keys(d.protection);
			x->has_derived = true;
		}
		bm_protection_free(d.protection);
	}
	bm_derivations_end(&all);
}

static void
take_part(struct bm_proved_flow *v, const struct bm_session *s, size_t nth)
{
	const struct badmac_claim *c = &v->claimed->failures[nth];
	struct part *x = &v->parts[nth];
	const struct bm_case *found = case_of(s, c, v->dtls);

	if (c->has_proof && c->has_altered && (c->altered.inputs & BADMAC_INPUT_DERIVATION) != 0)
		derive(s, c, x);
	x->rejected = is_rejected(s, c->direction);
	if (found == NULL)
		return;
	x->has_case = true;
	x->good_first = found->good_first;
	x->kind = found->kind;
	x->framed = !found->framing_lost && found->region == found->len;
	for (size_t i = 0; i < v->key_count; i++)
		if (v->keys[i].of == found->protection)
			x->case_keys = i;
	x->expected = found->seq;
	x->len = found->len;
	x->came_late = found->came_late;
	x->number_alone = found->number_alone;
	x->epoch_skipped = found->epoch_skipped;
	x->has_position = found->position != NULL;
	if (x->has_position)
		x->position = *found->position;
	x->cid_len[0] = found->cid_len;
	x->cid_len[1] = found->reflected_cid_len;
}

/* -- the end -------------------------------------------------------------------- */

static bool
is_it(const struct badmac_claimed_connection *c, const struct bm_session_facts *f)
{
	if (c->client_random.n == 0)
		return true;
	return f->has_client_random && c->client_random.n == BM_RANDOM &&
		   memcmp(f->client_random, c->client_random.p, BM_RANDOM) == 0;
}

void
bm_prove_end(struct bm_prove *p, struct bm_proved_flow *v, const struct bm_session *s)
{
	const struct bm_session_facts *f = bm_session_facts(s);

	p->connections++;
	for (unsigned side = 0; side < 2; side++) {
		p->tally.verified += f->tally[side].verified;
		p->tally.failed += f->tally[side].failed;
		p->tally.undecided += f->tally[side].undecided;
		p->tally.plaintext += f->tally[side].plaintext;
		p->tally.after_close += f->tally[side].after_close;
	}
	others_take(p, s);
	for (; v != NULL && p->status == BM_OK; v = v->beside) {
		if (!is_it(v->claimed, f) || f->client_way != v->client_way)
			continue;
		v->tls = true;
		v->dtls = bm_version_is_dtls(f->version);
		memcpy(v->tally, f->tally, sizeof v->tally);
		if (!known_take(s, &v->known) || !keys_copy(s, &v->keys, &v->key_count)) {
			p->status = BM_NOMEM;
			return;
		}
		for (size_t i = 0; i < v->claimed->failure_count; i++)
			take_part(v, s, i);
	}
}

enum bm_status
bm_prove_status(const struct bm_prove *p)
{
	return p->status;
}

static void
flow_free(struct bm_proved_flow *v)
{
	for (size_t i = 0; i < v->claimed->failure_count; i++) {
		window_free(&v->parts[i].record);
		window_free(&v->parts[i].checked);
		window_free(&v->parts[i].other);
	}
	bm_wipe_free(v->parts, (v->claimed->failure_count + 1) * sizeof *v->parts);
	keys_free(v->keys, v->key_count);
	known_free(&v->known);
	free(v);
}

void
bm_prove_free(struct bm_prove *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->flows != NULL && i < p->claims->connection_count; i++)
		while (p->flows[i] != NULL) {
			struct bm_proved_flow *v = p->flows[i];
			p->flows[i] = v->next;
			flow_free(v);
		}
	others_free(p);
	for (size_t i = 0; p->judged != NULL && i < p->claims->connection_count; i++)
		free(p->judged[i].failures);
	frames_free(p);
	free(p->order);
	free(p->flows);
	free(p->judged);
	bm_arena_clear(&p->words);
	bm_wipe_free(p, sizeof *p);
}
