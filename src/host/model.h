/* What was read of a machine. Every string lives in the arena of its struct bm_host and may hold
 * any bytes but the zero octet; NULL is not known. */
#ifndef BM_HOST_MODEL_H
#define BM_HOST_MODEL_H

#include "base/arena.h"
#include "host/counters.h"
#include "host/host.h"

struct bm_unread {
	const char *what; /* a path, or what was asked for */
	int error;        /* an errno */
	const char *so;   /* what is therefore not known; static text */
};

struct bm_feature {
	const char *name; /* the kernel's: "tx-tcp-segmentation" */
	bool on;
	bool fixed; /* nobody can change it */
};

/* By what a counter's name says; the driver alone knows what it counts. */
enum bm_stat_class {
	BM_STAT_TRAFFIC,
	BM_STAT_CHECKSUM, /* of IP, TCP or UDP, found wrong */
	BM_STAT_FRAME,    /* frames found damaged on the link: CRC, FCS, alignment */
	BM_STAT_MEMORY,   /* the device's own memory: ECC, parity, "corrupt" */
	BM_STAT_TLS,      /* errors of TLS offload */
	BM_STAT_DROP,
	BM_STAT_ERROR, /* anything else that calls itself an error */
	BM_STAT_OTHER  /* of checksums and the like, no error by its name */
};

struct bm_stat {
	const char *name;
	enum bm_stat_class kind;
	bool of_driver; /* ETHTOOL_GSTATS, else the kernel's own */
	uint64_t n;
	struct bm_count added; /* since the earlier reading */
};

enum bm_link_kind {
	BM_LINK_UNKNOWN,
	BM_LINK_LOOPBACK,
	BM_LINK_DEVICE, /* of hardware, or made to look so by a hypervisor */
	BM_LINK_VIRTIO,
	BM_LINK_HYPERVISOR, /* other paravirtual ones */
	BM_LINK_USB,
	BM_LINK_WIRELESS,
	BM_LINK_VETH,
	BM_LINK_BRIDGE,
	BM_LINK_BOND,
	BM_LINK_VLAN,
	BM_LINK_TUNNEL, /* tun, tap, vxlan, wireguard...: packets inside packets, or to a program */
	BM_LINK_SOFTWARE,
	BM_LINK_KINDS
};
const char *bm_link_kind_name(enum bm_link_kind k); /* "veth" */

enum { BM_AER_CORRECTABLE, BM_AER_NONFATAL, BM_AER_FATAL, BM_AERS };

struct bm_link {
	const char *name;
	enum bm_link_kind kind;
	const char *driver, *driver_version, *firmware, *bus; /* "e1000e", "0.13-4", "0000:00:1f.6" */
	const char *state;                                    /* "up" */
	struct bm_count index, peer_index, mtu, flags;
	const char *peer, *master; /* names, in this namespace */
	bool peer_elsewhere;       /* its other end is in another network namespace */
	struct bm_count aer[BM_AERS];
	bool features_known, stats_known;
	struct bm_feature *features;
	size_t feature_count;
	struct bm_stat *stats;
	size_t stat_count, stat_cap;
};

enum { BM_CPU_FLAGS_MAX = 16 };
struct bm_cpu {
	const char *model, *microcode; /* microcode: of the first processor */
	bool microcodes_differ, is_virtual, known;
	size_t count;
	const char *crypto[BM_CPU_FLAGS_MAX]; /* instructions for ciphers and hashes that it has */
	size_t crypto_count;
};

struct bm_memory_controller {
	const char *name;
	struct bm_count corrected, uncorrected;
	struct bm_count corrected_added, uncorrected_added;
};

struct bm_kernel_cipher {
	const char *name, *driver;
	uint64_t priority;
	bool is_async;
};

enum { BM_KERNEL_CIPHERS = 3, BM_ODD_MODULES_MAX = 64 };

struct bm_module {
	const char *name, *taint; /* taint: "OE", NULL if none */
};

struct bm_machine {
	const char *release, *version, *maker; /* "6.1.0-13-amd64"; of the DMI tables, or of Xen */
	struct bm_count tainted, machine_checks, machine_checks_added;
	struct bm_cpu cpu;
	struct bm_memory_controller *controllers;
	size_t controller_count;
	bool ecc_known, ecc; /* a module of memory says that it corrects errors, or that it does not */
	bool modules_known, has_tls, has_nat;
	struct bm_module
		modules[BM_ODD_MODULES_MAX]; /* tainted ones, and those that the table of causes knows */
	size_t module_count;
	const char *ulp; /* net.ipv4.tcp_available_ulp */
	struct bm_kernel_cipher ciphers[BM_KERNEL_CIPHERS];
	struct bm_count forwarding, tracked;
};

struct bm_finding;

struct bm_host {
	struct bm_arena arena;
	const struct bm_host_options *options;
	struct bm_root root;
	bool no_memory, any; /* any: something could be read */
	struct bm_counters counters, added;
	bool moves; /* no copy: another reading may show something else */
	bool compared;
	double seconds; /* 0: not known how many */
	struct bm_machine machine;
	struct bm_link *links;
	size_t link_count;
	bool links_more; /* there were more than are read */
	struct bm_unread *unread;
	size_t unread_count, unread_cap;
};

/* A copy of v as a string, without what follows a zero octet; NULL (and no_memory) when there is no
 * room. */
const char *bm_host_string(struct bm_host *h, struct bm_view v);
/* printf into the arena; "" (and no_memory) when there is no room. */
#define bm_host_print(h, ...) bm_host_kept((h), bm_arena_print(&(h)->arena, __VA_ARGS__))
const char *bm_host_kept(struct bm_host *h, const char *text);
void bm_host_unread(struct bm_host *h, const char *what, int error, const char *so);
/* The first line of a file without blanks around it; NULL if it is empty or cannot be read, which
 * is then told of unless so is NULL. */
const char *bm_host_line(struct bm_host *h, const char *path, const char *so);
struct bm_count bm_host_number(struct bm_host *h, const char *path, const char *so);
/* All of a file into b; false as above. */
bool bm_host_file(struct bm_host *h, const char *path, const char *so, struct bm_buf *b);
/* Growth of an array that lives until bm_host_free: false at max, or when there is no room. */
bool bm_host_grow(
	struct bm_host *h, void **items, size_t *cap, size_t need, size_t max, size_t size);

void bm_machine_read(struct bm_host *h);
/* False: there is none of the name that was asked for. */
bool bm_links_read(struct bm_host *h);
enum bm_stat_class bm_stat_classify(const char *name);
bool bm_stat_is_error(enum bm_stat_class k);
/* NULL: it has none of that name, or nobody knows. */
const struct bm_feature *bm_link_feature(const struct bm_link *l, const char *name);
bool bm_link_is_up(const struct bm_link *l);
/* Whether anything passed, or may pass: up, or packets were counted. */
bool bm_link_is_used(const struct bm_link *l);

#endif
