/* The report for people: what counts damage first, what could not be read last. Refuses to know how
 * anything was found. */
#include "host/report.h"

#include <inttypes.h>
#include <stdio.h>

enum { LABEL = 13, SUBJECTS_SHOWN = 8, COMMANDS_SHOWN = 3 };

/* A label and its text, wrapped; NULL text is left out. label "": goes on under the last one. */
static void
line(struct bm_lines *l, const char *label, const char *text)
{
	int pad = LABEL - 2 - (int)strlen(label);

	if (text == NULL)
		return;
	bm_say(l, "  ");
	bm_say_safe(l, label);
	/* No line ends with blanks. */
	if (text[0] != '\0')
		bm_say(l, "%*s", pad > 0 ? pad : 1, "");
	bm_say_wrapped(l, LABEL + (pad > 0 ? 0 : (size_t)(1 - pad)), LABEL, text);
	bm_say(l, "\n");
}

/* A command is never broken: it is there to be copied. */
static void
command(struct bm_lines *l, const char *label, const char *text)
{
	bm_say(l, "  %-*s", LABEL - 2, label);
	bm_say_safe(l, text);
	bm_say(l, "\n");
}

static const char *
some(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

/* NULL when there is no room. */
static const char *
first_words(struct bm_arena *a, const struct bm_host *h, size_t shows, size_t moving, bool known)
{
	const char *when = ", some of it in this time";

	if (shows == 0)
		return known ? "" : "segments with a wrong checksum could not be counted; ";
	if (!h->compared)
		when = "";
	else if (moving == 0)
		when = ", none of it in this time";
	return bm_arena_print(
		a, "%zu %s of damage%s; ", shows, shows == 1 ? "finding tells" : "findings tell", when);
}

static void
tell_answer(
	struct bm_lines *l, struct bm_arena *a, const struct bm_host *h, const struct bm_findings *f)
{
	size_t n[BM_BEARINGS] = {0}, moving = 0;

	for (size_t i = 0; i < f->n; i++) {
		n[f->at[i].fact->bearing]++;
		moving += f->at[i].moves && f->at[i].fact->bearing == BM_SHOWS;
	}
	bool damage = n[BM_SHOWS] != 0;
	/* Without the counter that matters most, its silence says nothing. */
	bool known = damage || h->counters.at[BM_COUNTER_TCP_IN_CSUM_ERRORS].known;
	const char *word = damage ? "DAMAGE" : known ? "NO DAMAGE COUNTED" : "NOT KNOWN";
	bm_style(l, damage ? BM_RED : known ? BM_GREEN : BM_YELLOW);
	bm_say(l, "%s", word);
	bm_style(l, BM_PLAIN_STYLE);
	const char *text = first_words(a, h, n[BM_SHOWS], moving, known);
	const char *rest =
		bm_arena_print(a, "%s%zu could cause a bad record, %zu could hide one; not read: %zu",
			text != NULL ? text : "", n[BM_COULD], n[BM_HIDES], h->unread_count);
	l->status = text != NULL && rest != NULL ? l->status : BM_NOMEM;
	bm_say(l, ": ");
	bm_say_wrapped(l, strlen(word) + 2, 2, some(rest, ""));
	bm_say(l, "\n");
}

static const char *
kernel_tls(const struct bm_host *h)
{
	const struct bm_machine *m = &h->machine;

	if (m->has_tls || h->counters.error[BM_COUNTER_TLS_STAT] == 0 ||
		(m->ulp != NULL && strstr(m->ulp, "tls") != NULL))
		return "loaded";
	return m->modules_known || m->ulp != NULL ? "not loaded" : "not known";
}

static void
tell_system(struct bm_lines *l, struct bm_arena *a, const struct bm_host *h)
{
	const struct bm_machine *m = &h->machine;
	const struct bm_cpu *c = &m->cpu;

	bm_say(l, "\n");
	if (!h->root.live)
		line(l, "copy", h->options->root);
	line(l, "kernel",
		bm_arena_print(a, "%s%s", some(m->release, "not known"),
			!m->tainted.known   ? ""
			: m->tainted.n == 0 ? ", not tainted"
								: ", tainted"));
	line(l, "machine",
		bm_arena_print(
			a, "%s%s", some(m->maker, "maker not known"), c->is_virtual ? ", virtual" : ""));
	line(l, "processor",
		bm_arena_print(a, "%zu x %s, microcode %s", c->count, some(c->model, "not known"),
			some(c->microcode, "not known")));
	line(l, "memory",
		m->ecc_known               ? (m->ecc ? "with error correction" : "without error correction")
		: m->controller_count != 0 ? "its errors are counted; whether it corrects them is not said"
								   : "not known whether it has error correction");
	line(l, "kernel TLS", kernel_tls(h));
	for (size_t i = 0; i < BM_KERNEL_CIPHERS; i++)
		if (m->ciphers[i].driver != NULL)
			line(l, i == 0 ? "ciphers" : "",
				bm_arena_print(a, "%s: %s", m->ciphers[i].name, m->ciphers[i].driver));
}

static void
tell_subject(
	struct bm_lines *l, struct bm_arena *a, const struct bm_host *h, const struct bm_finding *x)
{
	const char *text = some(x->value, "");

	for (size_t i = 0; i < x->count_n && text != NULL; i++) {
		const struct bm_found_count *c = &x->counts[i];
		const char *more = "";
		if (c->added.known && c->added.n == 0)
			more = " (stands still)";
		else if (c->added.known && h->seconds > 0)
			more = bm_arena_print(a, " (%s more, %.1f a second)", bm_grouped(c->added.n).s,
				(double)c->added.n / h->seconds);
		else if (c->added.known)
			more = bm_arena_print(a, " (%s more)", bm_grouped(c->added.n).s);
		text = bm_arena_print(a, "%s%s%s %s%s", text, text[0] != '\0' ? ", " : "", c->name,
			bm_grouped(c->n).s, some(more, ""));
	}
	if (x->count_more != 0 && text != NULL)
		text = bm_arena_print(a, "%s and %zu more", text, x->count_more);
	if (x->fixed && text != NULL)
		text = bm_arena_print(a, "%s (cannot be switched)", text);
	l->status = text != NULL ? l->status : BM_NOMEM;
	line(l, x->subject, text);
}

static void
tell_causes(struct bm_lines *l, struct bm_arena *a, const struct bm_fact *fact)
{
	const char *text = fact->causes[0];

	for (size_t i = 1; i < BM_FACT_CAUSES_MAX && fact->causes[i] != NULL && text != NULL; i++)
		text = bm_arena_print(a, "%s, %s", text, fact->causes[i]);
	line(l, "fits", text);
}

/* What is known is told once for all that it was found on. Gives how many that were. */
static size_t
tell_group(struct bm_lines *l, struct bm_arena *a, const struct bm_host *h,
	const struct bm_finding *x, size_t left, bool all)
{
	static const enum bm_style styles[BM_BEARINGS] = {
		BM_RED, BM_YELLOW, BM_YELLOW, BM_DIM, BM_PLAIN_STYLE};
	const struct bm_fact *fact = x->fact;
	size_t n = 1;

	while (n < left && x[n].fact == fact && x[n].moves == x->moves)
		n++;
	bm_say(l, "\n");
	bm_style(l, styles[fact->bearing]);
	bm_say(l, "%-*s", LABEL, bm_bearing_name(fact->bearing));
	bm_style(l, BM_PLAIN_STYLE);
	bm_style(l, BM_BOLD);
	bm_say_wrapped(l, LABEL, LABEL, fact->title);
	bm_style(l, BM_PLAIN_STYLE);
	bm_say(l, "\n");
	for (size_t i = 0; i < n && (all || i < SUBJECTS_SHOWN); i++)
		tell_subject(l, a, h, &x[i]);
	if (n > SUBJECTS_SHOWN && !all)
		line(l, "", bm_arena_print(a, "and %zu more", n - SUBJECTS_SHOWN));
	line(l, "means", fact->means);
	tell_causes(l, a, fact);
	for (size_t i = 0; i < n && (all || i < COMMANDS_SHOWN); i++) {
		/* The same for all, but where it names them. */
		if (x[i].off == NULL ||
			(i != 0 && x[i - 1].off != NULL && strcmp(x[i].off, x[i - 1].off) == 0))
			continue;
		command(l, "off", x[i].off);
		if (x[i].on != NULL)
			command(l, "back", x[i].on);
	}
	return n;
}

static void
tell_link(struct bm_lines *l, struct bm_arena *a, const struct bm_link *k)
{
	const char *text = bm_arena_print(a, "%s%s%s%s%s%s%s%s%s, %s, MTU %s",
		bm_link_kind_name(k->kind), k->driver != NULL ? ", driver " : "", some(k->driver, ""),
		k->driver_version != NULL ? " " : "", some(k->driver_version, ""),
		k->firmware != NULL ? ", firmware " : "", some(k->firmware, ""),
		k->bus != NULL ? ", at " : "", some(k->bus, ""),
		k->state != NULL   ? k->state
		: !k->flags.known  ? "state not known"
		: bm_link_is_up(k) ? "up"
						   : "down",
		k->mtu.known ? bm_grouped(k->mtu.n).s : "not known");

	line(l, k->name, text);
	if (k->peer != NULL || k->peer_elsewhere || k->master != NULL)
		line(l, "",
			bm_arena_print(a, "%s%s%s%s",
				k->peer != NULL     ? "over "
				: k->peer_elsewhere ? "other end in another network namespace"
									: "",
				some(k->peer, ""),
				k->master == NULL                      ? ""
				: k->peer != NULL || k->peer_elsewhere ? ", part of "
													   : "part of ",
				some(k->master, "")));
}

static const char *
more(struct bm_arena *a, const struct bm_host *h, const char *name, uint64_t n)
{
	const char *grew = bm_arena_print(a, "%s %s more", name, bm_grouped(n).s);

	if (h->seconds <= 0 || grew == NULL)
		return grew;
	return bm_arena_print(a, "%s, %.1f a second", grew, (double)n / h->seconds);
}

/* With two readings: everything that grew, whatever it is. */
static void
tell_movement(struct bm_lines *l, struct bm_arena *a, const struct bm_host *h)
{
	bool any = false;

	if (h->seconds > 0)
		bm_say(l, "\nwhat grew in %.1f seconds\n", h->seconds);
	else
		bm_say(l, "\nwhat grew from one copy to the other\n");
	for (enum bm_counter c = 0; c < BM_COUNTERS; c++) {
		const struct bm_count *d = &h->added.at[c];
		if (!d->known || d->n == 0)
			continue;
		any = true;
		line(l, "kernel", more(a, h, bm_counter_name(c), d->n));
	}
	for (size_t i = 0; i < h->link_count; i++)
		for (size_t k = 0; k < h->links[i].stat_count; k++) {
			const struct bm_stat *s = &h->links[i].stats[k];
			if (!s->added.known || s->added.n == 0)
				continue;
			any = true;
			line(l, h->links[i].name, more(a, h, s->name, s->added.n));
		}
	if (!any)
		line(l, "", "nothing");
}

static void
tell_unread(struct bm_lines *l, struct bm_arena *a, const struct bm_host *h)
{
	if (h->unread_count != 0)
		bm_say(l, "\nnot read\n");
	for (size_t i = 0; i < h->unread_count; i++) {
		const struct bm_unread *u = &h->unread[i];
		const char *text = bm_arena_print(
			a, "%s: %s; so it is not known %s", some(u->what, ""), bm_unread_why(u->error), u->so);
		bm_say(l, "  ");
		bm_say_wrapped(l, 2, 4, some(text, ""));
		bm_say(l, "\n");
	}
}

enum bm_status
bm_host_text(const struct bm_host *h, const struct bm_findings *f, struct bm_out *out,
	const struct bm_host_report_options *o)
{
	struct bm_lines l = {
		.buf = {.max = (size_t)64 << 20}, .color = o->color, .columns = o->columns};
	struct bm_arena a = {.max = (size_t)64 << 20};

	tell_answer(&l, &a, h, f);
	tell_system(&l, &a, h);
	for (size_t i = 0; i < f->n;)
		i += tell_group(&l, &a, h, &f->at[i], f->n - i, o->verbose);
	if (h->compared)
		tell_movement(&l, &a, h);
	if (h->link_count != 0)
		bm_say(&l, "\ninterfaces\n");
	for (size_t i = 0; i < h->link_count; i++)
		tell_link(&l, &a, &h->links[i]);
	tell_unread(&l, &a, h);
	bm_out_add(out, l.buf.p, l.buf.n);
	bm_buf_clear(&l.buf);
	bm_arena_clear(&a);
	return l.status;
}
