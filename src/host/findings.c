/* Holds what was read against the table of knowledge: the kernel, the processor, memory, protocols.
 */
#include "host/findings_internal.h"

#include <ctype.h>
#include <stdlib.h>

const char *
bm_shell_word(struct bm_arena *arena, const char *name, bool *no_memory)
{
	bool plain = true;
	size_t n = 0, quotes = 0;

	if (name[0] == '-' || name[0] == '\0')
		return NULL;
	for (; name[n] != '\0'; n++) {
		unsigned char c = (unsigned char)name[n];
		if (c < 0x20 || c >= 0x7f)
			return NULL;
		plain = plain && (isalnum(c) || strchr("._-:@", c) != NULL);
		quotes += c == '\'';
	}
	if (plain)
		return name;
	char *word = bm_arena_take(arena, n + 3 * quotes + 3, 1), *to = word;
	if (word == NULL) {
		*no_memory = true;
		return NULL;
	}
	*to++ = '\'';
	for (; *name != '\0'; name++) {
		if (*name == '\'') {
			memcpy(to, "'\\'", 3);
			to += 3;
		}
		*to++ = *name;
	}
	*to = '\'';
	return word;
}

const char *
bm_found_text(struct bm_findings *f, const char *text)
{
	f->no_memory = f->no_memory || text == NULL;
	return text != NULL ? text : "";
}

/* The command with its @ filled in; NULL for none. */
static const char *
command(struct bm_findings *f, const char *text, const char *subject)
{
	const char *at = text != NULL ? strchr(text, '@') : NULL;

	if (at == NULL)
		return text;
	const char *word = bm_shell_word(f->arena, subject, &f->no_memory);
	return word == NULL ? NULL
						: bm_found_print(f, "%.*s%s%s", (int)(at - text), text, word, at + 1);
}

struct bm_finding *
bm_found(struct bm_findings *f, enum bm_fact_id id, const char *subject, const char *value)
{
	if (f->n == f->cap) {
		size_t cap = f->cap != 0 ? f->cap * 2 : 64;
		struct bm_finding *more = bm_arena_take(f->arena, cap, sizeof *more);
		if (more == NULL) {
			f->no_memory = true;
			return &f->nowhere;
		}
		if (f->n != 0)
			memcpy(more, f->at, f->n * sizeof *more);
		f->at = more;
		f->cap = cap;
	}
	struct bm_finding *x = &f->at[f->n++];
	*x = (struct bm_finding){.fact = &bm_facts[id], .subject = subject, .value = value};
	x->off = command(f, x->fact->off, subject);
	x->on = x->off != NULL ? command(f, x->fact->on, subject) : NULL;
	return x;
}

void
bm_found_count(struct bm_finding *x, const char *name, uint64_t n, struct bm_count added)
{
	x->moves = x->moves || (added.known && added.n != 0);
	if (x->count_n == BM_FOUND_COUNTS_MAX) {
		x->count_more++;
		return;
	}
	x->counts[x->count_n++] = (struct bm_found_count){name, n, added};
}

/* One finding for those of the counters that are not zero. */
static void
counters(const struct bm_host *h, struct bm_findings *f, enum bm_fact_id id, const char *subject,
	const enum bm_counter *list, size_t n)
{
	struct bm_finding *x = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct bm_count *c = &h->counters.at[list[i]];
		if (!c->known || c->n == 0)
			continue;
		if (x == NULL)
			x = bm_found(f, id, subject, NULL);
		bm_found_count(x, bm_counter_name(list[i]), c->n, h->added.at[list[i]]);
	}
}

#define COUNTERS(id, subject, ...)                                                                 \
	do {                                                                                           \
		static const enum bm_counter list[] = {__VA_ARGS__};                                       \
		counters(h, f, id, subject, list, sizeof list / sizeof *list);                             \
	} while (0)

/* InErrs holds those with a wrong checksum as well. */
static void
find_tcp_errors(const struct bm_host *h, struct bm_findings *f)
{
	const struct bm_count *all = &h->counters.at[BM_COUNTER_TCP_IN_ERRS];
	const struct bm_count *sums = &h->counters.at[BM_COUNTER_TCP_IN_CSUM_ERRORS];
	const struct bm_count *more = &h->added.at[BM_COUNTER_TCP_IN_ERRS];
	const struct bm_count *more_sums = &h->added.at[BM_COUNTER_TCP_IN_CSUM_ERRORS];
	struct bm_count added = {more->known && more_sums->known && more->n >= more_sums->n, 0};

	if (!all->known || !sums->known || all->n <= sums->n)
		return;
	if (added.known)
		added.n = more->n - more_sums->n;
	bm_found_count(bm_found(f, BM_FACT_TCP_ERRORS, "tcp", NULL), "TcpInErrs - TcpInCsumErrors",
		all->n - sums->n, added);
}

static void
find_protocols(const struct bm_host *h, struct bm_findings *f)
{
	COUNTERS(BM_FACT_TCP_CHECKSUM, "tcp", BM_COUNTER_TCP_IN_CSUM_ERRORS);
	COUNTERS(
		BM_FACT_UDP_CHECKSUM, "udp", BM_COUNTER_UDP_IN_CSUM_ERRORS, BM_COUNTER_UDP6_IN_CSUM_ERRORS);
	COUNTERS(BM_FACT_IP_CHECKSUM, "ip", BM_COUNTER_IP_IN_CSUM_ERRORS);
	COUNTERS(BM_FACT_REASSEMBLED, "ip", BM_COUNTER_IP_REASM_OKS, BM_COUNTER_IP6_REASM_OKS,
		BM_COUNTER_IP_REASM_OVERLAPS);
	COUNTERS(BM_FACT_RETRANSMISSIONS, "tcp", BM_COUNTER_TCP_RETRANS_SEGS, BM_COUNTER_TCP_TIMEOUTS);
	find_tcp_errors(h, f);
}

static void
find_ktls(const struct bm_host *h, struct bm_findings *f)
{
	const struct bm_machine *m = &h->machine;
	size_t before = f->n;

	COUNTERS(BM_FACT_TLS_DECRYPT, "ktls", BM_COUNTER_TLS_DECRYPT_ERROR);
	COUNTERS(
		BM_FACT_TLS_REKEY, "ktls", BM_COUNTER_TLS_RX_REKEY_ERROR, BM_COUNTER_TLS_TX_REKEY_ERROR);
	COUNTERS(BM_FACT_KTLS_USED, "ktls", BM_COUNTER_TLS_RX_SW, BM_COUNTER_TLS_TX_SW,
		BM_COUNTER_TLS_RX_DEVICE, BM_COUNTER_TLS_TX_DEVICE);
	bool counted = h->counters.at[BM_COUNTER_TLS_RX_SW].known;
	if (f->n == before && counted && (m->has_tls || m->ulp != NULL))
		(void)bm_found(f, BM_FACT_KTLS_IDLE, "ktls", "all its counters are 0");
}

static void
find_memory(const struct bm_host *h, struct bm_findings *f)
{
	const struct bm_machine *m = &h->machine;

	for (size_t i = 0; i < m->controller_count; i++) {
		const struct bm_memory_controller *c = &m->controllers[i];
		if (c->uncorrected.known && c->uncorrected.n != 0)
			bm_found_count(bm_found(f, BM_FACT_MEMORY_UNCORRECTED, c->name, NULL), "ue_count",
				c->uncorrected.n, c->uncorrected_added);
		if (c->corrected.known && c->corrected.n != 0)
			bm_found_count(bm_found(f, BM_FACT_MEMORY_CORRECTED, c->name, NULL), "ce_count",
				c->corrected.n, c->corrected_added);
	}
	if (m->machine_checks.known && m->machine_checks.n != 0)
		bm_found_count(bm_found(f, BM_FACT_MACHINE_CHECKS, "processor", NULL), "MCE",
			m->machine_checks.n, m->machine_checks_added);
	if (m->ecc_known && !m->ecc)
		(void)bm_found(f, BM_FACT_NO_ECC, "memory", "dimm_edac_mode is None");
	if (m->controller_count == 0)
		(void)bm_found(f, BM_FACT_MEMORY_UNSEEN, "memory", "no EDAC controllers");
}

static bool
has(const struct bm_cpu *c, const char *flag)
{
	for (size_t i = 0; i < c->crypto_count; i++)
		if (strcmp(c->crypto[i], flag) == 0)
			return true;
	return false;
}

/* "aes, pclmulqdq": those of the list that the processor has. */
static const char *
those(struct bm_findings *f, const struct bm_cpu *c, const char *const *flags)
{
	const char *text = NULL;

	for (; *flags != NULL; flags++)
		if (has(c, *flags))
			text = text == NULL ? *flags : bm_found_print(f, "%s, %s", text, *flags);
	return text;
}

static void
find_processor(const struct bm_host *h, struct bm_findings *f)
{
	static const char *const aes[] = {"aes", "pclmulqdq", NULL};
	static const char *const wide[] = {"vaes", "vpclmulqdq", "avx512f", NULL};
	static const char *const sha[] = {"sha_ni", NULL};
	static const char *const arm[] = {"aes", "pmull", "sha1", "sha2", "sha512", "sha3", NULL};
	const struct bm_cpu *c = &h->machine.cpu;
	bool is_arm = has(c, "pmull") || has(c, "sha2");

	if (is_arm) {
		(void)bm_found(f, BM_FACT_CPU_ARM, "processor", those(f, c, arm));
	} else {
		if (has(c, "aes"))
			(void)bm_found(f, BM_FACT_CPU_AES, "processor", those(f, c, aes));
		if (has(c, "vaes"))
			(void)bm_found(f, BM_FACT_CPU_WIDE, "processor", those(f, c, wide));
		if (has(c, "sha_ni"))
			(void)bm_found(f, BM_FACT_CPU_SHA, "processor", those(f, c, sha));
	}
	if (c->model != NULL && strstr(c->model, "QEMU") != NULL && strstr(c->model, "TCG") != NULL)
		(void)bm_found(f, BM_FACT_EMULATED, "processor", c->model);
	if (c->microcodes_differ)
		(void)bm_found(f, BM_FACT_MICROCODES, "processor", c->microcode);
	if (c->is_virtual)
		(void)bm_found(f, BM_FACT_VIRTUAL, "processor",
			h->machine.maker != NULL ? h->machine.maker : "the processor says so");
	for (const char *const *o = h->options->overrides; o != NULL && *o != NULL; o++)
		(void)bm_found(f, BM_FACT_OVERRIDE, "environment", *o);
}

enum { TAINT_CPU = 2, TAINT_MACHINE_CHECK = 4, TAINT_DIED = 7, TAINT_WARNED = 9 };

static bool
tainted(const struct bm_machine *m, unsigned bit)
{
	return m->tainted.known && (m->tainted.n >> bit & 1) != 0;
}

/* "4.4.0-21-generic" is before 4.5. */
static bool
before_4_5(const char *release)
{
	char *end;

	if (release == NULL || !isdigit((unsigned char)release[0]))
		return false;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor =
		*end == '.' && isdigit((unsigned char)end[1]) ? strtoul(end + 1, NULL, 10) : 0;
	return major < 4 || (major == 4 && minor < 5);
}

static bool
begins_with_any(const char *text, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strncmp(text, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static void
find_modules(const struct bm_host *h, struct bm_findings *f)
{
	static const char *const toe[] = {"chtls", "t4_tom", NULL}, *const jool[] = {"jool", NULL},
							 *const nat[] = {"nf_nat_", NULL};

	for (size_t i = 0; i < h->machine.module_count; i++) {
		const struct bm_module *m = &h->machine.modules[i];
		if (m->taint != NULL)
			(void)bm_found(f, BM_FACT_MODULES, m->name, bm_found_print(f, "taint %s", m->taint));
		if (begins_with_any(m->name, toe))
			(void)bm_found(f, BM_FACT_TOE, m->name, "loaded");
		if (begins_with_any(m->name, jool))
			(void)bm_found(f, BM_FACT_TRANSLATOR, m->name, "loaded");
		if (begins_with_any(m->name, nat))
			(void)bm_found(f, BM_FACT_NAT_HELPER, m->name, "loaded");
	}
}

static void
find_kernel(const struct bm_host *h, struct bm_findings *f)
{
	/* Marks in the names of drivers of accelerators; all others are the processor's own code. */
	static const char *const marks[] = {"caam", "qat", "ccp", "safexcel", "hisi", "-cpt", "chcr",
		"talitos", "stm32", "atmel", "omap", "-s5p", "mv-", "sun8i", "ccree"};
	const struct bm_machine *m = &h->machine;

	if (tainted(m, TAINT_MACHINE_CHECK))
		(void)bm_found(f, BM_FACT_TAINT_MACHINE_CHECK, "kernel", "taint M");
	if (tainted(m, TAINT_CPU))
		(void)bm_found(f, BM_FACT_TAINT_CPU, "kernel", "taint S");
	if (tainted(m, TAINT_WARNED) || tainted(m, TAINT_DIED))
		(void)bm_found(f, BM_FACT_WARNED, "kernel", tainted(m, TAINT_DIED) ? "taint D" : "taint W");
	if (m->release != NULL && strstr(m->release, "WSL2") != NULL)
		(void)bm_found(f, BM_FACT_WSL, "kernel", m->release);
	find_modules(h, f);
	for (size_t i = 0; i < BM_KERNEL_CIPHERS; i++) {
		const struct bm_kernel_cipher *c = &m->ciphers[i];
		for (size_t k = 0; c->driver != NULL && k < sizeof marks / sizeof *marks; k++) {
			if (strstr(c->driver, marks[k]) == NULL)
				continue;
			(void)bm_found(f, BM_FACT_ACCELERATOR, c->name, c->driver);
			break;
		}
	}
	if (m->forwarding.known && m->forwarding.n != 0)
		(void)bm_found(f, BM_FACT_FORWARDING, "ip", "net.ipv4.ip_forward is 1");
	if (m->tracked.known)
		(void)bm_found(f, BM_FACT_CONNTRACK, "netfilter",
			bm_found_print(f, "%ju now%s", (uintmax_t)m->tracked.n,
				m->has_nat ? "; address translation is loaded" : ""));
	for (size_t i = 0; before_4_5(m->release) && i < h->link_count; i++)
		if (h->links[i].kind == BM_LINK_VETH)
			(void)bm_found(f, BM_FACT_VETH_OLD, h->links[i].name, m->release);
}

static int
heavier_first(const void *a, const void *b)
{
	const struct bm_finding *x = a, *y = b;

	if (x->moves != y->moves)
		return x->moves ? -1 : 1;
	if (x->fact != y->fact)
		return x->fact < y->fact ? -1 : 1;
	return strcmp(x->subject, y->subject);
}

void
bm_findings_make(const struct bm_host *h, struct bm_arena *arena, struct bm_findings *out)
{
	*out = (struct bm_findings){.arena = arena};
	find_protocols(h, out);
	find_ktls(h, out);
	find_memory(h, out);
	find_processor(h, out);
	find_kernel(h, out);
	bm_find_links(h, out);
	if (out->n != 0 && !out->no_memory)
		qsort(out->at, out->n, sizeof *out->at, heavier_first);
}
