/* Holds what was read of network interfaces against the table of knowledge. Those that are down and
 * never carried a packet are passed over. */
#include "host/findings_internal.h"

/* What has no hardware under it cuts no segments and sums nothing, whatever its features say: the
 * device below does. */
static bool
has_device(const struct bm_link *l)
{
	return l->kind == BM_LINK_UNKNOWN || l->kind == BM_LINK_DEVICE || l->kind == BM_LINK_VIRTIO ||
		   l->kind == BM_LINK_HYPERVISOR || l->kind == BM_LINK_USB || l->kind == BM_LINK_WIRELESS;
}

/* "on: a, b": those of a row that are on. NULL if none is; *fixed if none of them can be switched.
 */
static const char *
on_of(struct bm_findings *f, const struct bm_link *l, const struct bm_fact *fact, bool *fixed)
{
	const char *text = NULL;

	*fixed = true;
	for (size_t i = 0; i < BM_FACT_FEATURES_MAX && fact->features[i] != NULL; i++) {
		const struct bm_feature *x = bm_link_feature(l, fact->features[i]);
		if (x == NULL || !x->on)
			continue;
		*fixed = *fixed && x->fixed;
		text = text == NULL ? bm_found_print(f, "on: %s", x->name)
							: bm_found_print(f, "%s, %s", text, x->name);
	}
	return text;
}

static void
find_features(struct bm_findings *f, const struct bm_link *l)
{
	for (enum bm_fact_id id = 0; id < BM_FACTS; id++) {
		bool fixed;
		const char *value;
		/* The kernel's own joining of segments is the same on all. */
		if (bm_facts[id].features[0] == NULL || (!has_device(l) && id != BM_FACT_GRO) ||
			(value = on_of(f, l, &bm_facts[id], &fixed)) == NULL)
			continue;
		struct bm_finding *x = bm_found(f, id, l->name, value);
		x->fixed = fixed;
		if (fixed)
			x->off = x->on = NULL;
	}
}

static void
find_veth(struct bm_findings *f, const struct bm_link *l)
{
	static const char *const names[] = {"rx-checksum", "tx-checksum-ip-generic"};
	const char *text = l->peer != NULL     ? bm_found_print(f, "its other end is %s", l->peer)
					   : l->peer_elsewhere ? "its other end is in another network namespace"
										   : "its other end is not known";
	bool any = false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct bm_feature *x = bm_link_feature(l, names[i]);
		if (x == NULL || !x->on)
			continue;
		text = bm_found_print(f, "%s%s %s", text, any ? "," : "; on:", x->name);
		any = true;
	}
	if (any || !l->features_known) {
		(void)bm_found(f, BM_FACT_VETH, l->name, text);
		return;
	}
	struct bm_finding *x = bm_found(
		f, BM_FACT_VETH, l->name, bm_found_print(f, "%s; rx and tx checksums are off", text));
	x->off = x->on = NULL; /* that is what the command would do */
}

static void
find_kind(struct bm_findings *f, const struct bm_link *l)
{
	const char *driver = l->driver != NULL ? l->driver : "driver not known";

	switch (l->kind) {
	case BM_LINK_LOOPBACK:
		(void)bm_found(f, BM_FACT_LOOPBACK, l->name, "up");
		break;
	case BM_LINK_VETH:
		find_veth(f, l);
		break;
	case BM_LINK_WIRELESS:
		(void)bm_found(f, BM_FACT_WIRELESS, l->name, driver);
		break;
	case BM_LINK_USB:
		(void)bm_found(f, BM_FACT_USB, l->name, driver);
		break;
	case BM_LINK_VIRTIO:
		(void)bm_found(f, BM_FACT_VIRTIO, l->name, driver);
		break;
	case BM_LINK_HYPERVISOR:
		(void)bm_found(f, BM_FACT_HYPERVISOR, l->name, driver);
		break;
	case BM_LINK_TUNNEL:
		(void)bm_found(f, BM_FACT_TUNNEL, l->name, driver);
		break;
	default:
		break;
	}
}

static void
find_stats(struct bm_findings *f, const struct bm_link *l)
{
	static const struct {
		enum bm_stat_class kind;
		enum bm_fact_id id;
	} rows[] = {{BM_STAT_TLS, BM_FACT_NIC_TLS}, {BM_STAT_MEMORY, BM_FACT_NIC_MEMORY},
		{BM_STAT_CHECKSUM, BM_FACT_NIC_CHECKSUM}, {BM_STAT_FRAME, BM_FACT_NIC_FRAME},
		{BM_STAT_ERROR, BM_FACT_NIC_ERROR}, {BM_STAT_DROP, BM_FACT_NIC_DROP}};

	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct bm_finding *x = NULL;
		for (size_t i = 0; i < l->stat_count; i++) {
			const struct bm_stat *s = &l->stats[i];
			if (s->kind != rows[r].kind || s->n == 0)
				continue;
			if (x == NULL)
				x = bm_found(f, rows[r].id, l->name, NULL);
			bm_found_count(x, s->name, s->n, s->added);
		}
	}
}

static void
find_bus_errors(struct bm_findings *f, const struct bm_link *l)
{
	static const char *const names[] = {"TOTAL_ERR_COR", "TOTAL_ERR_NONFATAL", "TOTAL_ERR_FATAL"};
	static const struct bm_count nothing;

	for (size_t i = 0; i < BM_AERS; i++) {
		if (!l->aer[i].known || l->aer[i].n == 0)
			continue;
		enum bm_fact_id id =
			i == BM_AER_CORRECTABLE ? BM_FACT_AER_CORRECTED : BM_FACT_AER_UNCORRECTED;
		bm_found_count(bm_found(f, id, l->name, NULL), names[i], l->aer[i].n, nothing);
	}
}

void
bm_find_links(const struct bm_host *h, struct bm_findings *f)
{
	for (size_t i = 0; i < h->link_count; i++) {
		const struct bm_link *l = &h->links[i];
		find_stats(f, l);
		find_bus_errors(f, l);
		if (!bm_link_is_used(l))
			continue;
		find_kind(f, l);
		if (l->kind != BM_LINK_LOOPBACK)
			find_features(f, l);
	}
}
