/* What a kernel counted since it was started, of the protocols that carry TLS: /proc/net/snmp,
 * snmp6, netstat and tls_stat, each for the network namespace of whoever reads. Refuses to know
 * what a number means. */
#ifndef BM_HOST_COUNTERS_H
#define BM_HOST_COUNTERS_H

#include "host/files.h"

/* id, file, the group in front of its line ("" in the files that have none), the kernel's name,
 * whether it only ever grows. */
#define BM_COUNTER_LIST(X)                                                                         \
	X(TCP_IN_SEGS, SNMP, "Tcp", "InSegs", true)                                                    \
	X(TCP_OUT_SEGS, SNMP, "Tcp", "OutSegs", true)                                                  \
	X(TCP_RETRANS_SEGS, SNMP, "Tcp", "RetransSegs", true)                                          \
	X(TCP_IN_ERRS, SNMP, "Tcp", "InErrs", true)                                                    \
	X(TCP_IN_CSUM_ERRORS, SNMP, "Tcp", "InCsumErrors", true)                                       \
	X(UDP_IN_DATAGRAMS, SNMP, "Udp", "InDatagrams", true)                                          \
	X(UDP_IN_ERRORS, SNMP, "Udp", "InErrors", true)                                                \
	X(UDP_IN_CSUM_ERRORS, SNMP, "Udp", "InCsumErrors", true)                                       \
	X(ICMP_IN_CSUM_ERRORS, SNMP, "Icmp", "InCsumErrors", true)                                     \
	X(IP_IN_RECEIVES, SNMP, "Ip", "InReceives", true)                                              \
	X(IP_IN_HDR_ERRORS, SNMP, "Ip", "InHdrErrors", true)                                           \
	X(IP_IN_DISCARDS, SNMP, "Ip", "InDiscards", true)                                              \
	X(IP_REASM_OKS, SNMP, "Ip", "ReasmOKs", true)                                                  \
	X(IP_REASM_FAILS, SNMP, "Ip", "ReasmFails", true)                                              \
	X(IP_IN_OCTETS, NETSTAT, "IpExt", "InOctets", true)                                            \
	X(IP_IN_TRUNCATED_PKTS, NETSTAT, "IpExt", "InTruncatedPkts", true)                             \
	X(IP_IN_CSUM_ERRORS, NETSTAT, "IpExt", "InCsumErrors", true)                                   \
	X(IP_REASM_OVERLAPS, NETSTAT, "IpExt", "ReasmOverlaps", true)                                  \
	X(TCP_TIMEOUTS, NETSTAT, "TcpExt", "TCPTimeouts", true)                                        \
	X(TCP_LOST_RETRANSMIT, NETSTAT, "TcpExt", "TCPLostRetransmit", true)                           \
	X(TCP_OFO_QUEUE, NETSTAT, "TcpExt", "TCPOFOQueue", true)                                       \
	X(TCP_DSACK_RECV, NETSTAT, "TcpExt", "TCPDSACKRecv", true)                                     \
	X(IP6_IN_RECEIVES, SNMP6, "", "Ip6InReceives", true)                                           \
	X(IP6_IN_HDR_ERRORS, SNMP6, "", "Ip6InHdrErrors", true)                                        \
	X(IP6_IN_TRUNCATED_PKTS, SNMP6, "", "Ip6InTruncatedPkts", true)                                \
	X(IP6_IN_DISCARDS, SNMP6, "", "Ip6InDiscards", true)                                           \
	X(IP6_REASM_OKS, SNMP6, "", "Ip6ReasmOKs", true)                                               \
	X(IP6_REASM_FAILS, SNMP6, "", "Ip6ReasmFails", true)                                           \
	X(IP6_IN_OCTETS, SNMP6, "", "Ip6InOctets", true)                                               \
	X(ICMP6_IN_CSUM_ERRORS, SNMP6, "", "Icmp6InCsumErrors", true)                                  \
	X(UDP6_IN_DATAGRAMS, SNMP6, "", "Udp6InDatagrams", true)                                       \
	X(UDP6_IN_ERRORS, SNMP6, "", "Udp6InErrors", true)                                             \
	X(UDP6_IN_CSUM_ERRORS, SNMP6, "", "Udp6InCsumErrors", true)                                    \
	X(TLS_CURR_TX_SW, TLS_STAT, "", "TlsCurrTxSw", false)                                          \
	X(TLS_CURR_RX_SW, TLS_STAT, "", "TlsCurrRxSw", false)                                          \
	X(TLS_CURR_TX_DEVICE, TLS_STAT, "", "TlsCurrTxDevice", false)                                  \
	X(TLS_CURR_RX_DEVICE, TLS_STAT, "", "TlsCurrRxDevice", false)                                  \
	X(TLS_TX_SW, TLS_STAT, "", "TlsTxSw", true)                                                    \
	X(TLS_RX_SW, TLS_STAT, "", "TlsRxSw", true)                                                    \
	X(TLS_TX_DEVICE, TLS_STAT, "", "TlsTxDevice", true)                                            \
	X(TLS_RX_DEVICE, TLS_STAT, "", "TlsRxDevice", true)                                            \
	X(TLS_DECRYPT_ERROR, TLS_STAT, "", "TlsDecryptError", true)                                    \
	X(TLS_RX_DEVICE_RESYNC, TLS_STAT, "", "TlsRxDeviceResync", true)                               \
	X(TLS_DECRYPT_RETRY, TLS_STAT, "", "TlsDecryptRetry", true)                                    \
	X(TLS_RX_NO_PAD_VIOLATION, TLS_STAT, "", "TlsRxNoPadViolation", true)                          \
	X(TLS_RX_REKEY_OK, TLS_STAT, "", "TlsRxRekeyOk", true)                                         \
	X(TLS_RX_REKEY_ERROR, TLS_STAT, "", "TlsRxRekeyError", true)                                   \
	X(TLS_RX_REKEY_RECEIVED, TLS_STAT, "", "TlsRxRekeyReceived", true)                             \
	X(TLS_TX_REKEY_OK, TLS_STAT, "", "TlsTxRekeyOk", true)                                         \
	X(TLS_TX_REKEY_ERROR, TLS_STAT, "", "TlsTxRekeyError", true)

enum bm_counter {
#define BM_COUNTER_ENUM(id, file, group, name, grows) BM_COUNTER_##id,
	BM_COUNTER_LIST(BM_COUNTER_ENUM)
#undef BM_COUNTER_ENUM
		BM_COUNTERS
};

enum bm_counter_file {
	BM_COUNTER_SNMP,
	BM_COUNTER_SNMP6,
	BM_COUNTER_NETSTAT,
	BM_COUNTER_TLS_STAT,
	BM_COUNTER_FILES
};

struct bm_count {
	bool known; /* the kernel has it, and it is a number of at most 64 bits */
	uint64_t n; /* 0 if not known */
};

/* One reading. */
struct bm_counters {
	struct bm_count at[BM_COUNTERS];
	int error[BM_COUNTER_FILES]; /* why a file was not read: an errno, 0 if it was */
	char boot[37];               /* which start of the machine this is about; "" if not known */
};

/* Of this machine, or of the files in a folder. Nothing of it fails as a whole: what could not be
 * read is not known. */
void bm_counters_read(const struct bm_root *root, struct bm_counters *out);
/* The same by the root's name (NULL or "/": this machine). 0, or an errno if there is no such
 * folder; nothing is known then. */
int bm_counters_read_at(const char *root, struct bm_counters *out);

/* The same of one file's bytes: fills in what stands in it, leaves the rest of out as it was. */
void bm_counters_parse(enum bm_counter_file file, struct bm_view bytes, struct bm_counters *out);

/* after - before. Not known: what either reading lacks, what went back (the machine was started
 * again, the namespace is another, or a counter of 32 bits ran over), what does not only grow; all
 * of it if the machine was started in between. The errors are those of `after`, or else of
 * `before`. */
void bm_counters_since(
	const struct bm_counters *before, const struct bm_counters *after, struct bm_counters *out);

/* "TcpInCsumErrors", as nstat(8) writes it; never NULL. */
const char *bm_counter_name(enum bm_counter c);
/* "proc/net/snmp"; never NULL. */
const char *bm_counter_path(enum bm_counter_file file);
enum bm_counter_file bm_counter_file(enum bm_counter c);
bool bm_counter_grows(enum bm_counter c);

#endif
