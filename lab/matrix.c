/* The matrix of a score, as data. Refuses to know how a run goes and what is made of it. */
#include "lab/matrix.h"

#include "lab/guilt.h"
#include "lab/offer.h"
#include "tls/record.h"

#include <inttypes.h>
#include <stdlib.h>

/* At least one of each kind of protection that a version has. The suites have RSA certificates. */
static const struct protection {
	unsigned version;
	const char *suite;
	bool no_etm;
	bool quick; /* of the small matrix too */
} protections[] = {
	{BM_TLS10, "TLS_RSA_WITH_RC4_128_SHA", false, true},
	{BM_TLS10, "TLS_RSA_WITH_AES_128_CBC_SHA", true, true}, /* IVs are the block before */
	{BM_TLS10, "TLS_RSA_WITH_AES_256_CBC_SHA", false, false},
	{BM_TLS10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true, false},
	{BM_TLS11, "TLS_RSA_WITH_AES_128_CBC_SHA", true, false},
	{BM_TLS11, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", false, false},
	{BM_TLS12, "TLS_RSA_WITH_AES_128_CBC_SHA", true, true},
	{BM_TLS12, "TLS_RSA_WITH_AES_128_CBC_SHA", false, true},
	{BM_TLS12, "TLS_RSA_WITH_AES_128_CBC_SHA256", true, false},
	{BM_TLS12, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", false, false},
	{BM_TLS12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", true, false},
	{BM_TLS12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", false, false},
	{BM_TLS12, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true, false},
	{BM_TLS12, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", false, false},
	{BM_TLS12, "TLS_RSA_WITH_RC4_128_SHA", false, false},
	{BM_TLS12, "TLS_RSA_WITH_NULL_SHA256", false, true},
	{BM_TLS12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false, true},
	{BM_TLS12, "TLS_RSA_WITH_AES_256_GCM_SHA384", false, false},
	{BM_TLS12, "TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256", false, false},
	{BM_TLS12, "TLS_RSA_WITH_ARIA_256_GCM_SHA384", false, false},
	{BM_TLS12, "TLS_RSA_WITH_AES_128_CCM", false, true},
	{BM_TLS12, "TLS_DHE_RSA_WITH_AES_256_CCM_8", false, true},
	{BM_TLS12, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false, true},
	{BM_TLS13, "TLS_AES_128_GCM_SHA256", false, true},
	{BM_TLS13, "TLS_AES_256_GCM_SHA384", false, true},
	{BM_TLS13, "TLS_CHACHA20_POLY1305_SHA256", false, true},
	{BM_TLS13, "TLS_AES_128_CCM_SHA256", false, false},
	{BM_TLS13, "TLS_AES_128_CCM_8_SHA256", false, false},
};
enum { PROTECTIONS = sizeof protections / sizeof protections[0] };

/* Faults that are one under some versions only. */
static const struct {
	const char *cause;
	unsigned least;
} limits[] = {{"plaintext-alert", BM_TLS13}};

/* Stacks that take seconds to start, whose part is small. All others are taken for quick ones. */
static const char *const slow_stacks[] = {"go", "jsse"};

/* A stack that is here, and what it says of itself. */
struct known {
	const struct lab_stack *stack;
	struct bm_buf said;
	bool server, client, says; /* says: it tells what it can */
};
enum { KNOWN = 32 };

struct maker {
	struct lab_matrix *m;
	struct known known[KNOWN];
	size_t count;
	uint64_t seed;
	bool quick;
};

static void
add_gap(struct lab_matrix *m, const char *what, const char *why)
{
	if (m->gap_count == LAB_GAPS)
		return;
	struct lab_gap *g = &m->gaps[m->gap_count++];
	(void)snprintf(g->what, sizeof g->what, "%s", what);
	(void)snprintf(g->why, sizeof g->why, "%s", why);
}

/* The same case has the same seed, whatever else there is. */
static uint64_t
seed_of(const struct lab_case *c, uint64_t seed)
{
	char text[LAB_CASE_TEXT];
	struct lab_chance chance = {seed};

	lab_case_command(c, text);
	for (const char *p = text; *p != '\0'; p++)
		chance.state = lab_next(&chance) ^ (uint8_t)*p;
	return 1 + lab_below(&chance, 999999);
}

/* 0: every version. */
static unsigned
least_version(const struct lab_fault *f)
{
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (strcmp(limits[i].cause, f->cause) == 0)
			return limits[i].least;
	return 0;
}

static void
add_case(struct maker *k, struct lab_case c)
{
	struct lab_matrix *m = k->m;

	if (c.version < least_version(c.fault) || m->n == LAB_CASES)
		return;
	c.seed = seed_of(&c, k->seed);
	m->cases[m->n++] = c;
}

static bool
is_main(const struct lab_stack *s)
{
	return s == &lab_openssl || s == &lab_gnutls;
}

static bool
is_slow(const struct lab_stack *s)
{
	for (size_t i = 0; i < sizeof slow_stacks / sizeof slow_stacks[0]; i++)
		if (strcmp(s->name, slow_stacks[i]) == 0)
			return true;
	return false;
}

/* Which stacks are here. */
static void
look_around(struct maker *k)
{
	for (const struct lab_stack *const *s = lab_stacks; *s != NULL && k->count < KNOWN; s++) {
		struct known *n = &k->known[k->count++];
		const char *no_server, *no_client;
		char why[200];
		*n = (struct known){.stack = *s};
		n->server = lab_stack_has(*s, true, &no_server);
		n->client = lab_stack_has(*s, false, &no_client);
		if (no_server != NULL || no_client != NULL) {
			bool both = no_server != NULL && no_client != NULL && strcmp(no_server, no_client) != 0;
			(void)snprintf(why, sizeof why, "not installed: %s%s%s",
				no_server != NULL ? no_server : no_client, both ? ", " : "", both ? no_client : "");
			add_gap(k->m, (*s)->name, why);
		}
		if (n->server || n->client)
			n->says = lab_offer_ask(*s, &n->said);
	}
	const char *missing;
	if (!lab_stack_has(&lab_guilty_stack, false, &missing))
		add_gap(k->m, "faults of a guilty client", "not installed: badmac-lab-guilty");
}

/* Can this stack take that side, with the suite and the other end that logs or does not? */
static bool
can(const struct known *n, bool server, const struct protection *p, const struct bm_suite *suite)
{
	struct lab_setup setup = {
		.folder = ".", .version = p->version, .suite = suite, .no_etm = p->no_etm, .port = 1};
	struct lab_words words;
	char problem[300];

	if (!n->says || is_slow(n->stack) || !(server ? n->server : n->client) ||
		!lab_offer_has_version(&n->said, p->version) || !lab_offer_has_suite(&n->said, suite) ||
		!lab_stack_words(n->stack, server, &setup, &words, problem, sizeof problem))
		return false;
	lab_words_clear(&words);
	return true;
}

static bool
has_keys(const struct lab_stack *server, const struct lab_stack *client, unsigned version)
{
	return lab_stack_logs(server, true, version) || lab_stack_logs(client, false, version);
}

/* The pairs that have the protection, one of OpenSSL and GnuTLS in each. */
struct pair {
	const struct lab_stack *server, *client;
};
enum { PAIRS = 64 };

static size_t
pairs_for(const struct maker *k, const struct protection *p, const struct bm_suite *suite,
	struct pair out[PAIRS])
{
	size_t n = 0;
	bool server[KNOWN], client[KNOWN];

	for (size_t i = 0; i < k->count; i++) {
		server[i] = can(&k->known[i], true, p, suite);
		client[i] = can(&k->known[i], false, p, suite);
	}
	for (size_t i = 0; i < k->count; i++)
		for (size_t j = 0; j < k->count && n < PAIRS; j++)
			if (server[i] && client[j] &&
				(is_main(k->known[i].stack) || is_main(k->known[j].stack)) &&
				has_keys(k->known[i].stack, k->known[j].stack, p->version))
				out[n++] = (struct pair){k->known[i].stack, k->known[j].stack};
	return n;
}

static size_t
ways_of(const struct lab_fault *f)
{
	size_t n = 0;

	while (n < LAB_WAYS && f->ways[n] != NULL)
		n++;
	return n != 0 ? n : 1;
}

/* Of the small matrix: every way under three protections, another three each time. */
static bool
is_chosen(const struct maker *k, const struct lab_fault *f, const struct protection *p, size_t nth,
	size_t nth_way)
{
	enum { TIMES = 3 };
	size_t of = 0;

	if (!k->quick || least_version(f) != 0)
		return !k->quick || p->quick;
	for (size_t i = 0; i < PROTECTIONS; i++)
		of += protections[i].quick;
	return p->quick && (nth + of - nth_way % of) % of % (of / TIMES) == 0;
}

static size_t
count_of(const struct lab_matrix *m, const struct lab_fault *f, int how)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->cases[i].fault == f && m->cases[i].how == how;
	return n;
}

/* A guilty program is the client (run takes it for OpenSSL's), and each crime has suites of its
 * own. */
static void
add_guilty(struct maker *k, struct lab_case c, const struct protection *p, size_t nth)
{
	const struct lab_spec spec = {.fault = c.fault,
		.how = c.how,
		.direction = LAB_C2S,
		.record = -1,
		.byte = -1,
		.length = -1,
		.after_ms = -1};
	struct lab_setup setup = {
		.folder = ".", .version = c.version, .suite = c.suite, .no_etm = c.no_etm, .port = 1};
	struct lab_words words;
	const char *missing;
	char problem[300];

	if (!lab_guilt_fits(&spec, &lab_openssl, &setup, problem, sizeof problem) ||
		!lab_stack_has(&lab_guilty_stack, false, &missing) ||
		!lab_stack_words(&lab_guilty_stack, false, &setup, &words, problem, sizeof problem))
		return;
	lab_words_clear(&words);
	c.direction = LAB_C2S;
	c.client = &lab_openssl;
	for (size_t i = 0; i < k->count; i++) {
		const struct known *n = &k->known[(i + nth) % k->count];
		if (!can(n, true, p, c.suite) || !has_keys(n->stack, c.client, c.version))
			continue;
		c.server = n->stack;
		add_case(k, c);
		return;
	}
}

static void
add_protection(struct maker *k, const struct protection *p, size_t nth)
{
	size_t count = 0, nth_way = 0;
	const struct bm_suite *table = bm_suite_table(&count), *suite = NULL;
	struct pair pairs[PAIRS];
	char what[100];

	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, p->suite) == 0)
			suite = &table[i];
	size_t n = suite != NULL ? pairs_for(k, p, suite, pairs) : 0;
	if (n == 0 && (!k->quick || p->quick)) {
		(void)snprintf(what, sizeof what, "%s, %s", bm_version_name(p->version), p->suite);
		add_gap(k->m, what, "no two installed stacks say that they have it");
	}
	struct lab_case c = {.version = p->version, .suite = suite, .no_etm = p->no_etm};
	for (const struct lab_fault *const *f = lab_faults; n != 0 && *f != NULL; f++) {
		size_t ways = ways_of(*f);
		c.fault = *f;
		for (size_t way = 0; way < ways; way++, nth_way++) {
			c.how = (int)way;
			if ((*f)->guilt != NULL &&
				(!k->quick || (p->quick && count_of(k->m, *f, c.how) < (ways == 1 ? 2 : 1))))
				add_guilty(k, c, p, nth + nth_way);
			if ((*f)->guilt != NULL || !is_chosen(k, *f, p, nth, nth_way))
				continue;
			/* Both directions; of the small matrix they take turns. */
			for (size_t turn = 0; turn < (k->quick ? 1 : 2); turn++) {
				const struct pair *pair = &pairs[(nth_way + nth / 2 + turn) % n];
				c.how = (int)way;
				c.direction =
					(nth_way + nth / (k->quick ? 4 : 1) + turn) % 2 == 0 ? LAB_C2S : LAB_S2C;
				c.server = pair->server;
				c.client = pair->client;
				add_case(k, c);
			}
		}
	}
}

/* One that does not say what it can, or is slow: at each side, with what it likes best. */
static void
add_stack(struct maker *k, const struct known *n, size_t nth)
{
	const struct lab_stack *main_stacks[2] = {&lab_openssl, &lab_gnutls};
	size_t step = k->quick ? 13 : is_slow(n->stack) ? 5 : 1, nth_way = 0;

	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		size_t ways = (*f)->guilt == NULL ? ways_of(*f) : 0;
		for (size_t way = 0; way < ways; way++, nth_way++) {
			size_t turn = (nth_way + nth) / step;
			for (size_t side = 0; (nth_way + nth) % step == 0 && side < 2; side++) {
				const struct lab_stack *other = main_stacks[(turn / 2 + side) % 2];
				const char *missing;
				struct lab_case c = {.fault = *f,
					.how = (int)way,
					.direction = turn / 4 % 2 == 0 ? LAB_C2S : LAB_S2C,
					.version = (turn + nth + side) % 2 == 0 ? BM_TLS13 : BM_TLS12,
					.server = side == 0 ? n->stack : other,
					.client = side == 0 ? other : n->stack};
				if ((side == 0 ? n->server : n->client) &&
					lab_stack_has(other, side != 0, &missing) &&
					has_keys(c.server, c.client, c.version))
					add_case(k, c);
			}
		}
	}
}

bool
lab_matrix_make(struct lab_matrix *m, uint64_t seed, bool quick)
{
	static struct maker k; /* large */
	size_t nth_quick = 0;

	*m = (struct lab_matrix){.cases = calloc(LAB_CASES, sizeof *m->cases)};
	if (m->cases == NULL)
		return false;
	k = (struct maker){.m = m, .seed = seed, .quick = quick};
	look_around(&k);
	for (size_t i = 0; i < PROTECTIONS; i++) {
		add_protection(&k, &protections[i], nth_quick);
		nth_quick += protections[i].quick || !quick;
	}
	for (size_t i = 0; i < k.count; i++)
		if (!k.known[i].says || is_slow(k.known[i].stack))
			add_stack(&k, &k.known[i], i);
	for (size_t i = 0; i < k.count; i++)
		bm_buf_clear(&k.known[i].said);
	return true;
}

void
lab_matrix_clear(struct lab_matrix *m)
{
	free(m->cases);
	*m = (struct lab_matrix){.cases = NULL};
}

void
lab_case_fault(const struct lab_case *c, char out[LAB_CASE_TEXT])
{
	const char *how = c->fault->ways[c->how];

	(void)snprintf(out, LAB_CASE_TEXT, "%s:%s%s%sdirection=%s", c->fault->cause,
		how != NULL ? "how=" : "", how != NULL ? how : "", how != NULL ? "," : "",
		c->direction == LAB_C2S ? "c2s" : "s2c");
}

void
lab_case_command(const struct lab_case *c, char out[LAB_CASE_TEXT])
{
	char fault[LAB_CASE_TEXT];
	const char *version = bm_version_name(c->version);

	lab_case_fault(c, fault);
	(void)snprintf(out, LAB_CASE_TEXT,
		"badmac lab run %.100s --tls %s%s%s%s --server %s --client %s --seed %" PRIu64 " -o flip",
		fault, version != NULL ? version + 4 : "", c->suite != NULL ? " --cipher " : "",
		c->suite != NULL ? c->suite->name : "", c->no_etm ? " --no-etm" : "", c->server->name,
		c->client->name, c->seed);
}
