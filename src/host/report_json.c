/* The JSON report, badmac.host.v1. Refuses to know more of the values than docs/HOST.md says of
 * them. */
#include "host/report.h"
#include "report/json_out.h"

static void
count(struct json *j, const char *key, struct bm_count c)
{
	name(j, key);
	if (c.known)
		number(j, c.n);
	else
		raw(j, "null");
}

static void
decimal(struct json *j, const char *key, bool known, double value)
{
	char text[48];

	name(j, key);
	snprintf(text, sizeof text, "%.3f", value);
	raw(j, known ? text : "null");
}

static void
truth_or_null(struct json *j, const char *key, bool known, bool value)
{
	name(j, key);
	raw(j, !known ? "null" : value ? "true" : "false");
}

static void
added(struct json *j, const struct bm_host *h, struct bm_count c)
{
	count(j, "added", c);
	decimal(
		j, "per_second", c.known && h->seconds > 0, h->seconds > 0 ? (double)c.n / h->seconds : 0);
}

static void
write_summary(struct json *j, const struct bm_host *h, const struct bm_findings *f)
{
	size_t n[BM_BEARINGS] = {0}, moving = 0;

	for (size_t i = 0; i < f->n; i++) {
		n[f->at[i].fact->bearing]++;
		moving += f->at[i].moves;
	}
	name(j, "summary");
	begin(j, "{");
	for (enum bm_bearing b = 0; b < BM_BEARINGS; b++)
		count(j, bm_bearing_name(b), (struct bm_count){true, n[b]});
	count(j, "moving", (struct bm_count){h->compared, moving});
	count(j, "unread", (struct bm_count){true, h->unread_count});
	end(j, "}");
	decimal(j, "watched_seconds", h->compared && h->seconds > 0, h->seconds);
}

static void
write_memory(struct json *j, const struct bm_machine *m)
{
	name(j, "memory");
	begin(j, "{");
	truth_or_null(j, "error_correction", m->ecc_known, m->ecc);
	count(j, "machine_checks", m->machine_checks);
	name(j, "controllers");
	begin(j, "[");
	for (size_t i = 0; i < m->controller_count; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "name", m->controllers[i].name);
		count(j, "corrected", m->controllers[i].corrected);
		count(j, "uncorrected", m->controllers[i].uncorrected);
		end(j, "}");
	}
	end(j, "]");
	end(j, "}");
}

static void
write_processor(struct json *j, const struct bm_cpu *c)
{
	name(j, "processor");
	begin(j, "{");
	string_or_null(j, "model", c->model);
	count(j, "count", (struct bm_count){c->count != 0, c->count});
	string_or_null(j, "microcode", c->microcode);
	truth_or_null(j, "microcodes_differ", c->microcode != NULL, c->microcodes_differ);
	truth_or_null(j, "virtual", c->known, c->is_virtual);
	strings(j, "crypto", c->crypto, c->crypto_count);
	end(j, "}");
}

static void
write_modules(struct json *j, const struct bm_machine *m)
{
	name(j, "modules");
	if (!m->modules_known) {
		raw(j, "null");
		return;
	}
	begin(j, "[");
	for (size_t i = 0; i < m->module_count; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "name", m->modules[i].name);
		string_or_null(j, "taint", m->modules[i].taint);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_system(struct json *j, const struct bm_host *h)
{
	const struct bm_machine *m = &h->machine;
	size_t n = 0;

	name(j, "system");
	begin(j, "{");
	string_or_null(j, "release", m->release);
	string_or_null(j, "version", m->version);
	string_or_null(j, "maker", m->maker);
	count(j, "tainted", m->tainted);
	write_processor(j, &m->cpu);
	write_memory(j, m);
	name(j, "kernel_tls");
	begin(j, "{");
	truth_or_null(j, "module", m->modules_known, m->has_tls);
	string_or_null(j, "available_ulp", m->ulp);
	end(j, "}");
	name(j, "ciphers");
	begin(j, "[");
	for (size_t i = 0; i < BM_KERNEL_CIPHERS; i++) {
		if (m->ciphers[i].driver == NULL)
			continue;
		next(j);
		begin(j, "{");
		string_or_null(j, "name", m->ciphers[i].name);
		string_or_null(j, "driver", m->ciphers[i].driver);
		truth(j, "async", m->ciphers[i].is_async);
		end(j, "}");
	}
	end(j, "]");
	write_modules(j, m);
	truth_or_null(j, "forwarding", m->forwarding.known, m->forwarding.n != 0);
	count(j, "tracked_connections", m->tracked);
	while (h->options->overrides != NULL && h->options->overrides[n] != NULL)
		n++;
	strings(j, "overrides", h->options->overrides, n);
	end(j, "}");
}

static void
write_counters(struct json *j, const struct bm_host *h)
{
	name(j, "counters");
	begin(j, "[");
	for (enum bm_counter c = 0; c < BM_COUNTERS; c++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "name", bm_counter_name(c));
		count(j, "value", h->counters.at[c]);
		added(j, h, h->added.at[c]);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_features(struct json *j, const struct bm_link *l)
{
	name(j, "features");
	if (!l->features_known) {
		raw(j, "null");
		return;
	}
	begin(j, "[");
	for (size_t i = 0; i < l->feature_count; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "name", l->features[i].name);
		truth(j, "on", l->features[i].on);
		truth(j, "fixed", l->features[i].fixed);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_statistics(struct json *j, const struct bm_host *h, const struct bm_link *l)
{
	name(j, "statistics");
	begin(j, "[");
	for (size_t i = 0; i < l->stat_count; i++) {
		const struct bm_stat *s = &l->stats[i];
		next(j);
		begin(j, "{");
		string_or_null(j, "name", s->name);
		string_or_null(j, "from", s->of_driver ? "driver" : "kernel");
		string_or_null(j, "kind", bm_stat_class_name(s->kind));
		count(j, "value", (struct bm_count){true, s->n});
		added(j, h, s->added);
		end(j, "}");
	}
	end(j, "]");
}

static void
write_link(struct json *j, const struct bm_host *h, const struct bm_link *l)
{
	next(j);
	begin(j, "{");
	string_or_null(j, "name", l->name);
	string_or_null(j, "kind", bm_link_kind_name(l->kind));
	string_or_null(j, "driver", l->driver);
	string_or_null(j, "driver_version", l->driver_version);
	string_or_null(j, "firmware", l->firmware);
	string_or_null(j, "bus", l->bus);
	string_or_null(j, "state", l->state);
	truth_or_null(j, "up", l->flags.known, bm_link_is_up(l));
	count(j, "mtu", l->mtu);
	count(j, "index", l->index);
	string_or_null(j, "peer", l->peer);
	truth(j, "peer_elsewhere", l->peer_elsewhere);
	string_or_null(j, "master", l->master);
	name(j, "pci_errors");
	begin(j, "{");
	count(j, "correctable", l->aer[BM_AER_CORRECTABLE]);
	count(j, "nonfatal", l->aer[BM_AER_NONFATAL]);
	count(j, "fatal", l->aer[BM_AER_FATAL]);
	end(j, "}");
	write_features(j, l);
	write_statistics(j, h, l);
	end(j, "}");
}

static void
write_finding(struct json *j, const struct bm_host *h, const struct bm_finding *x)
{
	size_t causes = 0;

	while (causes < BM_FACT_CAUSES_MAX && x->fact->causes[causes] != NULL)
		causes++;
	next(j);
	begin(j, "{");
	string_or_null(j, "id", x->fact->id);
	string_or_null(j, "bearing", bm_bearing_name(x->fact->bearing));
	string_or_null(j, "subject", x->subject);
	string_or_null(j, "title", x->fact->title);
	string_or_null(j, "value", x->value);
	name(j, "counts");
	begin(j, "[");
	for (size_t i = 0; i < x->count_n; i++) {
		next(j);
		begin(j, "{");
		string_or_null(j, "name", x->counts[i].name);
		count(j, "value", (struct bm_count){true, x->counts[i].n});
		added(j, h, x->counts[i].added);
		end(j, "}");
	}
	end(j, "]");
	count(j, "more_counts", (struct bm_count){true, x->count_more});
	truth_or_null(j, "moving", h->compared, x->moves);
	string_or_null(j, "means", x->fact->means);
	strings(j, "causes", x->fact->causes, causes);
	truth(j, "fixed", x->fixed);
	string_or_null(j, "off", x->off);
	string_or_null(j, "on", x->on);
	end(j, "}");
}

void
bm_host_json(const struct bm_host *h, const struct bm_findings *f, struct bm_out *out)
{
	struct json j = {.out = out, .bare = true};

	begin(&j, "{");
	string_or_null(&j, "schema", "badmac.host.v1");
	string_or_null(&j, "root", h->root.live ? NULL : h->options->root);
	write_summary(&j, h, f);
	name(&j, "findings");
	begin(&j, "[");
	for (size_t i = 0; i < f->n; i++)
		write_finding(&j, h, &f->at[i]);
	end(&j, "]");
	write_system(&j, h);
	name(&j, "interfaces");
	begin(&j, "[");
	for (size_t i = 0; i < h->link_count; i++)
		write_link(&j, h, &h->links[i]);
	end(&j, "]");
	write_counters(&j, h);
	name(&j, "unread");
	begin(&j, "[");
	for (size_t i = 0; i < h->unread_count; i++) {
		const struct bm_unread *u = &h->unread[i];
		next(&j);
		begin(&j, "{");
		string_or_null(&j, "what", u->what);
		string_or_null(&j, "why", bm_unread_word(u->error));
		string_or_null(&j, "detail", bm_unread_why(u->error));
		string_or_null(&j, "unknown", u->so);
		end(&j, "}");
	}
	end(&j, "]");
	end(&j, "}");
	raw(&j, "\n");
}
