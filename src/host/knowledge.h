/* What is known of each thing that a machine can have, in one table: what it would mean for a
 * record that fails its check, and how it is switched off for a test. Refuses to know how any of it
 * is found. */
#ifndef BM_HOST_KNOWLEDGE_H
#define BM_HOST_KNOWLEDGE_H

#include <stddef.h>

enum bm_bearing {
	BM_SHOWS,   /* something was damaged on this machine, or came to it damaged */
	BM_COULD,   /* it handles the bytes, and could damage or miscompute them */
	BM_HIDES,   /* it damages nothing, and keeps a checksum from noticing what else does */
	BM_CANNOT,  /* often suspected, and no cause by itself */
	BM_CONTEXT, /* to be known when judging the rest */
	BM_BEARINGS
};
const char *bm_bearing_name(enum bm_bearing b); /* "shows" */

enum bm_fact_id {
	BM_FACT_TLS_DECRYPT,
	BM_FACT_MEMORY_UNCORRECTED,
	BM_FACT_MACHINE_CHECKS,
	BM_FACT_TAINT_MACHINE_CHECK,
	BM_FACT_TCP_CHECKSUM,
	BM_FACT_NIC_TLS,
	BM_FACT_NIC_MEMORY,
	BM_FACT_NIC_CHECKSUM,
	BM_FACT_TLS_REKEY,
	BM_FACT_AER_UNCORRECTED,
	BM_FACT_UDP_CHECKSUM,
	BM_FACT_IP_CHECKSUM,
	BM_FACT_RX_ALL,
	BM_FACT_VETH_OLD,
	BM_FACT_TLS_DEVICE,
	BM_FACT_TLS_RECORD,
	BM_FACT_MEMORY_CORRECTED,
	BM_FACT_ACCELERATOR,
	BM_FACT_KTLS_USED,
	BM_FACT_TOE,
	BM_FACT_TRANSLATOR,
	BM_FACT_EMULATED,
	BM_FACT_LRO,
	BM_FACT_GRO_HW,
	BM_FACT_RX_CHECKSUM,
	BM_FACT_TAINT_CPU,
	BM_FACT_TX_CHECKSUM,
	BM_FACT_TSO,
	BM_FACT_WSL,
	BM_FACT_USB,
	BM_FACT_MODULES,
	BM_FACT_WIRELESS,
	BM_FACT_VETH,
	BM_FACT_NO_ECC,
	BM_FACT_GRO,
	BM_FACT_FORWARDING,
	BM_FACT_VIRTIO,
	BM_FACT_REASSEMBLED,
	BM_FACT_HYPERVISOR,
	BM_FACT_TUNNEL,
	BM_FACT_INLINE_CRYPTO,
	BM_FACT_MEMORY_UNSEEN,
	BM_FACT_NAT_HELPER,
	BM_FACT_CPU_WIDE,
	BM_FACT_SCATTER,
	BM_FACT_WARNED,
	BM_FACT_USO,
	BM_FACT_CPU_AES,
	BM_FACT_CPU_ARM,
	BM_FACT_CPU_SHA,
	BM_FACT_MICROCODES,
	BM_FACT_GSO,
	BM_FACT_OVERRIDE,
	BM_FACT_NIC_ERROR,
	BM_FACT_TCP_ERRORS,
	BM_FACT_AER_CORRECTED,
	BM_FACT_NIC_FRAME,
	BM_FACT_LOOPBACK,
	BM_FACT_VIRTUAL,
	BM_FACT_KTLS_IDLE,
	BM_FACT_CONNTRACK,
	BM_FACT_NIC_DROP,
	BM_FACT_RETRANSMISSIONS,
	BM_FACTS /* in the order in which they are told, heaviest first */
};

enum { BM_FACT_CAUSES_MAX = 8, BM_FACT_FEATURES_MAX = 6 };

struct bm_fact {
	const char *id;                         /* "tcp-checksum-errors" */
	const char *title;                      /* what it is, for a heading */
	const char *means;                      /* for a bad record MAC */
	const char *causes[BM_FACT_CAUSES_MAX]; /* ids of docs/OUTPUT.md that it fits; ends with NULL */
	const char
		*features[BM_FACT_FEATURES_MAX]; /* of a device: the kernel's names; ends with NULL */
	const char *off, *on; /* commands, with @ for the interface or the module; NULL: none */
	enum bm_bearing bearing;
};

extern const struct bm_fact bm_facts[BM_FACTS];

#endif
