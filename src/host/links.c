/* Network interfaces: which there are, what they are, what they count. /sys tells most of it, the
 * drivers tell the rest; /sys may be of another network namespace than the process, and is left
 * aside then. */
#define _GNU_SOURCE /* IFF_UP */
#include "host/ethtool.h"
#include "host/model.h"
#include "host/text.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINKS_MAX = 1024 };

const char *
bm_link_kind_name(enum bm_link_kind k)
{
	static const char *const names[BM_LINK_KINDS] = {"unknown", "loopback", "device", "virtio",
		"hypervisor", "usb", "wireless", "veth", "bridge", "bond", "vlan", "tunnel", "software"};

	return names[k];
}

static const char *
path_of(struct bm_host *h, const struct bm_link *l, const char *file)
{
	return bm_host_print(h, "sys/class/net/%s/%s", l->name, file);
}

/* KEY=VALUE in a line of a uevent file. */
static const char *
uevent(struct bm_host *h, struct bm_view text, const char *wanted)
{
	struct bm_view line, key, value;

	while (bm_line(&text, &line))
		if (bm_cut(line, '=', &key, &value) && bm_is(key, wanted) && value.n != 0)
			return bm_host_string(h, value);
	return NULL;
}

static bool
begins(const char *text, const char *with)
{
	return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

struct word_kind {
	const char *word;
	enum bm_link_kind kind;
};

static enum bm_link_kind
look_up(const struct word_kind *t, const char *word)
{
	for (; word != NULL && t->word != NULL; t++)
		if (strcmp(t->word, word) == 0)
			return t->kind;
	return BM_LINK_UNKNOWN;
}

/* DEVTYPE of /sys/class/net/NAME/uevent, as the kernel's drivers set it. */
static const struct word_kind types[] = {{"bridge", BM_LINK_BRIDGE}, {"bond", BM_LINK_BOND},
	{"vlan", BM_LINK_VLAN}, {"wlan", BM_LINK_WIRELESS}, {"vxlan", BM_LINK_TUNNEL},
	{"geneve", BM_LINK_TUNNEL}, {"wireguard", BM_LINK_TUNNEL}, {"gre", BM_LINK_TUNNEL},
	{"macvlan", BM_LINK_SOFTWARE}, {"ipvlan", BM_LINK_SOFTWARE}, {"team", BM_LINK_BOND}, {NULL, 0}};

static const struct word_kind drivers[] = {{"veth", BM_LINK_VETH}, {"tun", BM_LINK_TUNNEL},
	{"bridge", BM_LINK_BRIDGE}, {"bonding", BM_LINK_BOND}, {"team", BM_LINK_BOND},
	{"virtio_net", BM_LINK_VIRTIO}, {"hv_netvsc", BM_LINK_HYPERVISOR},
	{"xen_netfront", BM_LINK_HYPERVISOR}, {"vif", BM_LINK_HYPERVISOR},
	{"vmxnet3", BM_LINK_HYPERVISOR}, {"ena", BM_LINK_HYPERVISOR}, {"gve", BM_LINK_HYPERVISOR},
	{"mana", BM_LINK_HYPERVISOR}, {"ifb", BM_LINK_SOFTWARE}, {"dummy", BM_LINK_SOFTWARE},
	{"macvlan", BM_LINK_SOFTWARE}, {"ipvlan", BM_LINK_SOFTWARE}, {"openvswitch", BM_LINK_BRIDGE},
	{"802.1Q VLAN Support", BM_LINK_VLAN}, {"netkit", BM_LINK_VETH}, {"vxlan", BM_LINK_TUNNEL},
	{"wireguard", BM_LINK_TUNNEL}, {"geneve", BM_LINK_TUNNEL}, {NULL, 0}};

/* device: of NAME/device/uevent, empty if the interface is no device's. */
static void
find_kind(struct bm_host *h, struct bm_link *l, const char *type, struct bm_view device)
{
	const char *alias = uevent(h, device, "MODALIAS");

	if (l->driver == NULL)
		l->driver = uevent(h, device, "DRIVER");
	if (l->bus == NULL)
		l->bus = uevent(h, device, "PCI_SLOT_NAME");
	if (l->kind == BM_LINK_UNKNOWN)
		l->kind = look_up(types, type);
	if (l->kind == BM_LINK_UNKNOWN)
		l->kind = look_up(drivers, l->driver);
	if (l->kind == BM_LINK_UNKNOWN && device.n != 0)
		l->kind = begins(alias, "usb:")                              ? BM_LINK_USB
				  : begins(alias, "virtio:")                         ? BM_LINK_VIRTIO
				  : begins(alias, "vmbus:") || begins(alias, "xen:") ? BM_LINK_HYPERVISOR
																	 : BM_LINK_DEVICE;
}

static void
read_statistics(struct bm_host *h, struct bm_link *l)
{
	const char *folder = path_of(h, l, "statistics");
	struct bm_names names;
	int error = bm_root_list(&h->root, folder, 256, &names);

	if (error != 0) {
		bm_host_unread(h, folder, error, "errors that the kernel counted of this interface");
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		enum bm_stat_class kind = bm_stat_classify(names.at[i]);
		if (kind == BM_STAT_OTHER)
			continue;
		struct bm_count c = bm_host_number(
			h, bm_host_print(h, "%s/%s", folder, names.at[i]), "a counter of this interface");
		const char *name = bm_host_string(h, bm_view(names.at[i], strlen(names.at[i])));
		if (c.known && name != NULL)
			bm_link_add_stat(h, l, name, c.n, false);
	}
	l->stats_known = true;
	bm_names_free(&names);
}

/* "TOTAL_ERR_COR 12" in a line of its own, after the kinds of errors (PCI Express Advanced Error
 * Reporting). */
static void
read_aer(struct bm_host *h, struct bm_link *l)
{
	static const char *const files[] = {
		"device/aer_dev_correctable", "device/aer_dev_nonfatal", "device/aer_dev_fatal"};
	struct bm_buf b = {.max = 1 << 16};

	for (size_t i = 0; i < BM_AERS; i++) {
		struct bm_view text, line, word, number;
		if (!bm_host_file(h, path_of(h, l, files[i]), NULL, &b))
			continue;
		text = bm_buf_view(&b);
		while (bm_line(&text, &line)) {
			uint64_t n;
			if (bm_word(&line, &word) && word.n > 10 && memcmp(word.p, "TOTAL_ERR_", 10) == 0 &&
				bm_word(&line, &number) && bm_number(number, &n))
				l->aer[i] = (struct bm_count){true, n};
		}
	}
	bm_buf_clear(&b);
}

/* "0x1003". */
static struct bm_count
hexadecimal(const char *text)
{
	struct bm_count c = {false, 0};

	if (!begins(text, "0x") || text[2] == '\0' || strlen(text) > 18)
		return c;
	for (text += 2; *text != '\0'; text++) {
		int digit = bm_hex_digit(*text);
		if (digit < 0)
			return (struct bm_count){false, 0};
		c.n = c.n << 4 | (unsigned)digit;
	}
	c.known = true;
	return c;
}

static bool
is_folder(struct bm_host *h, const char *path)
{
	struct bm_names names;
	int error = bm_root_list(&h->root, path, 1, &names);

	bm_names_free(&names);
	return error == 0;
}

static void
read_sys(struct bm_host *h, struct bm_link *l)
{
	struct bm_buf own = {.max = 1 << 16}, device = {.max = 1 << 16};
	struct bm_count type = bm_host_number(h, path_of(h, l, "type"), "what it is");

	(void)bm_host_file(h, path_of(h, l, "uevent"), "what it is", &own);
	(void)bm_host_file(h, path_of(h, l, "device/uevent"), NULL, &device);
	if (!l->index.known)
		l->index = bm_host_number(h, path_of(h, l, "ifindex"), NULL);
	if (!l->mtu.known)
		l->mtu = bm_host_number(h, path_of(h, l, "mtu"), NULL);
	if (!l->flags.known)
		l->flags = hexadecimal(bm_host_line(h, path_of(h, l, "flags"), NULL));
	l->state = bm_host_line(h, path_of(h, l, "operstate"), NULL);
	struct bm_count other = bm_host_number(h, path_of(h, l, "iflink"), NULL);
	if (other.known && other.n != 0 && l->index.known && other.n != l->index.n)
		l->peer_index = other;
	if (type.known && type.n == ARPHRD_LOOPBACK)
		l->kind = BM_LINK_LOOPBACK;
	else if (is_folder(h, path_of(h, l, "phy80211")) || is_folder(h, path_of(h, l, "wireless")))
		l->kind = BM_LINK_WIRELESS;
	else if (is_folder(h, path_of(h, l, "bridge")))
		l->kind = BM_LINK_BRIDGE;
	else if (is_folder(h, path_of(h, l, "bonding")))
		l->kind = BM_LINK_BOND;
	else if (bm_host_line(h, path_of(h, l, "tun_flags"), NULL) != NULL)
		l->kind = BM_LINK_TUNNEL;
	find_kind(h, l, uevent(h, bm_buf_view(&own), "DEVTYPE"), bm_buf_view(&device));
	bm_buf_clear(&own);
	bm_buf_clear(&device);
	read_statistics(h, l);
	read_aer(h, l);
	char to[256];
	if (bm_root_link(&h->root, path_of(h, l, "master"), to, sizeof to) == 0) {
		const char *slash = strrchr(to, '/');
		const char *name = slash != NULL ? slash + 1 : to;
		l->master = bm_host_string(h, bm_view(name, strlen(name)));
	}
}

/* "ethtool: features of eth0". */
static const char *
asked(struct bm_host *h, const char *what, const struct bm_link *l)
{
	return bm_host_print(h, "ethtool: %s of %s", what, l->name);
}

static void
read_driver(struct bm_host *h, int fd, struct bm_link *l)
{
	static const char so_features[] = "which offloads are in effect";
	static const char so_stats[] = "what its driver counts";
	int error = bm_ethtool_features(h, fd, l);

	if (error != 0)
		bm_host_unread(h, asked(h, "features", l), error, so_features);
	/* lo has no driver to speak of, and says so. */
	error = bm_ethtool_driver(h, fd, l);
	if (error != 0 && error != EOPNOTSUPP)
		bm_host_unread(h, asked(h, "driver", l), error, "its driver and firmware");
	error = bm_ethtool_stats(h, fd, l);
	if (error != 0)
		bm_host_unread(h, asked(h, "statistics", l), error, so_stats);
	error = bm_ethtool_basics(fd, l);
	if (error != 0)
		bm_host_unread(h, asked(h, "flags", l), error, "its MTU, and whether it is up");
}

/* Who is at the other end of a veth, in this namespace or in another. */
static void
find_peers(struct bm_host *h)
{
	for (size_t i = 0; i < h->link_count; i++) {
		struct bm_link *l = &h->links[i];
		if (!l->peer_index.known)
			continue;
		for (size_t k = 0; k < h->link_count; k++) {
			const struct bm_link *o = &h->links[k];
			/* The number may be taken here as well by an interface that knows nothing of it. */
			if (o->index.known && o->index.n == l->peer_index.n &&
				(l->kind != BM_LINK_VETH || (o->peer_index.known && o->peer_index.n == l->index.n)))
				l->peer = o->name;
		}
		l->peer_elsewhere = l->kind == BM_LINK_VETH && l->peer == NULL &&
							h->options->interface == NULL && !h->links_more;
	}
}

/* The names in /sys are those that the process has: else it shows another namespace. */
static bool
same_names(struct bm_host *h, const struct if_nameindex *own, const struct bm_names *sys)
{
	size_t n = 0;

	for (; own[n].if_index != 0; n++) {
		char path[64];
		if (strlen(own[n].if_name) >= IFNAMSIZ)
			return false;
		(void)snprintf(path, sizeof path, "sys/class/net/%s/ifindex", own[n].if_name);
		struct bm_count index = bm_host_number(h, path, NULL);
		if (!index.known || index.n != own[n].if_index)
			return false;
	}
	size_t there = 0;
	for (size_t i = 0; i < sys->n; i++)
		there += strcmp(sys->at[i], "bonding_masters") != 0;
	return n == there || sys->more;
}

static bool
is_wanted(const struct bm_host *h, const char *name)
{
	return h->options->interface == NULL || strcmp(h->options->interface, name) == 0;
}

static void
add_link(struct bm_host *h, size_t *cap, const char *name)
{
	if (!is_wanted(h, name))
		return;
	if (h->link_count == LINKS_MAX) {
		h->links_more = true;
		return;
	}
	if (bm_host_grow(h, (void **)&h->links, cap, h->link_count + 1, LINKS_MAX, sizeof *h->links))
		h->links[h->link_count++] =
			(struct bm_link){.name = bm_host_string(h, bm_view(name, strlen(name)))};
}

static int
by_link_name(const void *a, const void *b)
{
	return strcmp(((const struct bm_link *)a)->name, ((const struct bm_link *)b)->name);
}

/* This machine's: those of the process's namespace. *sys_fits: /sys tells of the same. */
static void
list_own(struct bm_host *h, size_t *cap, const struct bm_names *sys, bool *sys_fits)
{
	struct if_nameindex *own = if_nameindex();

	*sys_fits = false;
	if (own == NULL) {
		bm_host_unread(h, "if_nameindex", errno, "which interfaces there are");
		return;
	}
	for (size_t i = 0; own[i].if_index != 0; i++)
		add_link(h, cap, own[i].if_name);
	*sys_fits = sys->n != 0 && same_names(h, own, sys);
	if (sys->n != 0 && !*sys_fits)
		bm_host_unread(h, "sys/class/net", ENXIO, "kinds, states and errors of interfaces");
	if_freenameindex(own);
}

bool
bm_links_read(struct bm_host *h)
{
	static const char folder[] = "sys/class/net";
	struct bm_names sys;
	size_t cap = 0;
	int error = bm_root_list(&h->root, folder, LINKS_MAX + 1, &sys);
	bool sys_fits = error == 0;

	if (error != 0)
		bm_host_unread(h, folder, error, "kinds, states and errors of interfaces");
	if (h->root.live)
		list_own(h, &cap, &sys, &sys_fits);
	else
		for (size_t i = 0; i < sys.n; i++)
			if (strcmp(sys.at[i], "bonding_masters") != 0)
				add_link(h, &cap, sys.at[i]);
	bm_names_free(&sys);
	if (h->no_memory)
		return true;
	if (h->link_count != 0)
		qsort(h->links, h->link_count, sizeof *h->links, by_link_name);
	int fd = h->root.live ? bm_ethtool_open() : -1;
	if (h->root.live && fd < 0)
		bm_host_unread(h, "ethtool", errno, "offloads, drivers' counters and firmware");
	for (size_t i = 0; i < h->link_count && !h->no_memory; i++) {
		struct bm_link *l = &h->links[i];
		h->any = true;
		if (fd >= 0)
			read_driver(h, fd, l);
		if (sys_fits)
			read_sys(h, l);
		else
			l->kind = l->flags.known && (l->flags.n & IFF_LOOPBACK) != 0
						  ? BM_LINK_LOOPBACK
						  : look_up(drivers, l->driver);
	}
	if (fd >= 0)
		(void)close(fd);
	else if (!h->root.live && h->link_count != 0)
		bm_host_unread(
			h, "ethtool", ENODEV, "offloads, drivers' counters and firmware of another machine");
	find_peers(h);
	return h->options->interface == NULL || h->link_count != 0;
}

const struct bm_feature *
bm_link_feature(const struct bm_link *l, const char *name)
{
	for (size_t i = 0; i < l->feature_count; i++)
		if (strcmp(l->features[i].name, name) == 0)
			return &l->features[i];
	return NULL;
}

bool
bm_link_is_up(const struct bm_link *l)
{
	return l->flags.known && (l->flags.n & IFF_UP) != 0;
}

bool
bm_link_is_used(const struct bm_link *l)
{
	for (size_t i = 0; i < l->stat_count; i++)
		if (l->stats[i].kind == BM_STAT_TRAFFIC && l->stats[i].n != 0)
			return true;
	return bm_link_is_up(l);
}
