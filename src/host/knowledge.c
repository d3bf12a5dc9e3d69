/* The table. A row that speaks of a cause says no more than docs/HOST.md, where the
 * sources stand. */
#include "host/knowledge.h"

#define ANY_DAMAGE                                                                                 \
	{                                                                                              \
		"bits-flipped", "bytes-damaged", "words-swapped", "stale-data"                             \
	}
#define OF_CHIPS                                                                                   \
	{                                                                                              \
		"bits-flipped", "bytes-damaged", "tag-damaged", "sender-miscomputed", "record-was-good"    \
	}
#define OF_CIPHERS                                                                                 \
	{                                                                                              \
		"sender-miscomputed", "record-was-good", "tag-damaged"                                     \
	}
#define OF_KTLS                                                                                    \
	{                                                                                              \
		"record-was-good", "sender-miscomputed", "wrong-epoch", "sequence-reused", "stale-data"    \
	}

const struct bm_fact bm_facts[BM_FACTS] = {
	[BM_FACT_TLS_DECRYPT] = {"ktls-decrypt-errors", "records that failed in the kernel's TLS",
		"The kernel itself checked records that did not verify: this is the failure, counted. The "
		"program got EBADMSG. It may have come damaged or under other keys; only a capture tells "
		"which.",
		{"bits-flipped", "bytes-damaged", "wrong-epoch", "bytes-missing", "record-was-good"},
		{NULL}, "modprobe -r tls", "modprobe tls", BM_SHOWS},
	[BM_FACT_MEMORY_UNCORRECTED] = {"memory-uncorrected", "memory errors that were not corrected",
		"Memory lost data and its error correction could not mend it. Bytes of a record, a key or "
		"a table may have been among them, before or after TCP's checksum.",
		OF_CHIPS, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_MACHINE_CHECKS] = {"machine-checks", "machine checks",
		"The processor reported errors of its own: caches, buses, memory. The kernel's log has the "
		"details (mcelog, rasdaemon).",
		OF_CHIPS, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_TAINT_MACHINE_CHECK] = {"tainted-machine-check", "the kernel noted a machine check",
		"Since it was started the processor reported an error that the kernel holds against it "
		"(taint M).",
		OF_CHIPS, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_TCP_CHECKSUM] = {"tcp-checksum-errors", "segments with a wrong TCP checksum",
		"Something on the way, or this machine, damages segments; a few may be probes that "
		"somebody made so. Each of these was dropped and sent again, so none of them is the bad "
		"record; but of random damage one segment in 65,535 passes the 16-bit sum, and swapped "
		"words always do. A driver whose device drops them itself leaves this at 0.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_NIC_TLS] = {"device-tls-errors", "errors of a device's TLS offload",
		"The network device encrypts or decrypts records and counted errors.", OF_KTLS, {NULL},
		"ethtool -K @ tls-hw-tx-offload off tls-hw-rx-offload off",
		"ethtool -K @ tls-hw-tx-offload on tls-hw-rx-offload on", BM_SHOWS},
	[BM_FACT_NIC_MEMORY] = {"device-memory-errors", "errors of a device's own memory",
		"By its name this counts damage inside the device, where no frame check reaches: after the "
		"link's CRC was checked, or before it was made.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_NIC_CHECKSUM] = {"device-checksum-errors", "checksums that a device found wrong",
		"The device saw packets whose IP, TCP or UDP checksum was wrong though the link's CRC was "
		"right: they were damaged before the last link, in a switch, a router, the sender, or the "
		"device itself.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_TLS_REKEY] = {"ktls-rekey-errors", "KeyUpdates that failed in the kernel's TLS",
		"The kernel could not take up new keys; records after that fail.", {"wrong-epoch"}, {NULL},
		"modprobe -r tls", "modprobe tls", BM_SHOWS},
	[BM_FACT_AER_UNCORRECTED] = {"pci-uncorrected", "PCI Express errors that were not corrected",
		"Transfers between device and memory were lost or poisoned: what the device had received "
		"well may have reached memory otherwise.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_UDP_CHECKSUM] = {"udp-checksum-errors", "datagrams with a wrong UDP checksum",
		"As of TCP, for DTLS and QUIC: the dropped ones are harmless, but what damages them "
		"damages others.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_SHOWS},
	[BM_FACT_IP_CHECKSUM] = {"ip-checksum-errors", "packets with a wrong IP header checksum",
		"Headers came damaged, so bodies are likely to as well.", ANY_DAMAGE, {NULL}, NULL, NULL,
		BM_SHOWS},
	[BM_FACT_RX_ALL] = {"rx-all", "frames with a wrong CRC are let in",
		"The link's own check is switched off: what it would have dropped is left to TCP's 16-bit "
		"sum.",
		ANY_DAMAGE, {"rx-all"}, "ethtool -K @ rx-all off", "ethtool -K @ rx-all on", BM_HIDES},
	[BM_FACT_VETH_OLD] = {"veth-old-kernel", "veth under a kernel before 4.5",
		"Such kernels, unless they have the fix (commit ce8c839b74e3), take packets that cross a "
		"veth for good whatever their checksum: damage that TCP would have caught reaches TLS. A "
		"capture shows bad checksums that are acknowledged.",
		ANY_DAMAGE, {NULL}, "ethtool -K @ rx off", "ethtool -K @ rx on", BM_HIDES},
	[BM_FACT_TLS_DEVICE] = {"device-tls",
		"TLS records may be made or checked by the network device",
		"For connections that use the kernel's TLS, driver and firmware do what the TLS library "
		"would. A record may fail that the library would have taken, or be made wrongly.",
		OF_KTLS, {"tls-hw-rx-offload", "tls-hw-tx-offload"},
		"ethtool -K @ tls-hw-tx-offload off tls-hw-rx-offload off",
		"ethtool -K @ tls-hw-tx-offload on tls-hw-rx-offload on", BM_COULD},
	[BM_FACT_TLS_RECORD] = {"device-tls-record", "the device takes over TCP and TLS",
		"Nothing of such a connection passes through the kernel's TCP; a capture on this machine "
		"does not show what was on the wire.",
		OF_KTLS, {"tls-hw-record"}, "ethtool -K @ tls-hw-record off",
		"ethtool -K @ tls-hw-record on", BM_COULD},
	[BM_FACT_MEMORY_CORRECTED] = {"memory-corrected", "memory errors that were corrected",
		"Each of these was mended and did no harm. A module that has them is likelier to have one "
		"that cannot be mended.",
		{"bits-flipped"}, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_ACCELERATOR] = {"cipher-accelerator", "the kernel's cipher is that of an accelerator",
		"kTLS and whatever else uses the kernel's ciphers is served by that driver. Such drivers "
		"have been found to miscompute records now and then, where the processor's own code did "
		"not.",
		OF_CIPHERS, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_KTLS_USED] = {"ktls-in-use", "connections use the kernel's TLS",
		"Records are made or checked by the kernel. File contents that change while they are sent, "
		"a KeyUpdate that an old kernel does not know, and the kernel's own faults then show as "
		"bad records.",
		OF_KTLS, {NULL}, "modprobe -r tls", "modprobe tls", BM_COULD},
	[BM_FACT_TOE] = {"tcp-offload-engine", "a driver takes TCP connections into the device",
		"Segments, checksums and retransmissions are the firmware's; the kernel sees the outcome "
		"only.",
		ANY_DAMAGE, {NULL}, "modprobe -r @", "modprobe @", BM_COULD},
	[BM_FACT_TRANSLATOR] = {"translator", "packets are translated between IPv4 and IPv6",
		"It builds packets anew. A version of Jool has been reported to put stray memory into "
		"them.",
		{"bytes-damaged", "stale-data"}, {NULL}, "modprobe -r @", "modprobe @", BM_COULD},
	[BM_FACT_EMULATED] = {"emulated-processor", "the processor is emulated",
		"QEMU emulates instructions, and versions before 4.2 have been found to miscompute ciphers "
		"of some guests.",
		OF_CIPHERS, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_LRO] = {"lro", "large receive offload",
		"The device joins segments and hands on one, with one verdict on their checksums. Bugs of "
		"drivers there have damaged payload.",
		{"bytes-damaged", "stale-data", "bytes-missing", "bytes-inserted"}, {"rx-lro"},
		"ethtool -K @ lro off", "ethtool -K @ lro on", BM_COULD},
	[BM_FACT_GRO_HW] = {"gro-hw", "receive offload in hardware",
		"As large receive offload: the device, or the host of a virtual machine, joins segments.",
		{"bytes-damaged", "stale-data", "bytes-missing", "bytes-inserted"}, {"rx-gro-hw"},
		"ethtool -K @ rx-gro-hw off", "ethtool -K @ rx-gro-hw on", BM_COULD},
	[BM_FACT_RX_CHECKSUM] = {"rx-checksum", "received checksums are the device's word",
		"The kernel does not sum what the device says it has summed. Damage between the device and "
		"memory, or a device that errs, goes unnoticed until TLS. Switched off, the kernel sums by "
		"itself: if failures then turn into TcpInCsumErrors, the damage happens here.",
		ANY_DAMAGE, {"rx-checksum"}, "ethtool -K @ rx off", "ethtool -K @ rx on", BM_HIDES},
	[BM_FACT_TAINT_CPU] = {"tainted-processor", "the kernel doubts this processor",
		"It runs outside of what it was made for, or lacks what the kernel expects (taint S).",
		OF_CHIPS, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_TX_CHECKSUM] = {"tx-checksum", "checksums of what is sent are made by the device",
		"What is damaged between the kernel and the device's summer gets a checksum that fits: no "
		"receiver can notice before TLS. A capture on this machine shows no true checksums.",
		ANY_DAMAGE, {"tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6"},
		"ethtool -K @ tx off", "ethtool -K @ tx on", BM_HIDES},
	[BM_FACT_TSO] = {"tso", "segments are cut by the device",
		"The device cuts large sends into segments and sums them. Faults of drivers and firmware "
		"here have put wrong bytes into single segments.",
		{"bits-flipped", "bytes-damaged", "stale-data", "retransmission-differs"},
		{"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation",
			"tx-tcp-mangleid-segmentation"},
		"ethtool -K @ tso off", "ethtool -K @ tso on", BM_COULD},
	[BM_FACT_WSL] = {"wsl", "a virtual machine of WSL 2",
		"Its packets pass through Windows' virtual switch and whatever drivers and adapters are "
		"there; payload has been found damaged on that way. The same from Windows itself, or over "
		"another adapter, settles it.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_USB] = {"usb-adapter", "a network adapter on USB",
		"Docks and adapters have been found to damage payload behind checksum offload; another "
		"adapter settles it.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_MODULES] = {"foreign-module", "a kernel module from elsewhere",
		"It is not part of the kernel, is unsigned, proprietary or staging code (its taint says "
		"which). If it handles packets, memory or ciphers, test without it.",
		ANY_DAMAGE, {NULL}, "modprobe -r @", "modprobe @", BM_COULD},
	[BM_FACT_WIRELESS] = {"wireless", "a wireless interface",
		"Drivers and firmware have been found to damage frames while the radio's counters were "
		"clean. A cable settles it.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_VETH] = {"veth", "a veth pair",
		"Between namespaces of one machine no checksum is made or checked: the packet is passed on "
		"as it lies in memory. It damages nothing, but what is damaged before it was sent is not "
		"noticed.",
		ANY_DAMAGE, {NULL}, "ethtool -K @ rx off tx off", "ethtool -K @ rx on tx on", BM_HIDES},
	[BM_FACT_NO_ECC] = {"memory-without-ecc", "memory without error correction",
		"Its modules say that they correct nothing: a bit that flips stays flipped, unseen.",
		{"bits-flipped", "record-was-good"}, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_GRO] = {"gro", "received segments are joined by the kernel",
		"Joined segments carry no checksums of their own any more, and what is sent on is summed "
		"anew. On an end it does no harm; on a machine that forwards, what is damaged in its "
		"memory leaves with a checksum that fits.",
		ANY_DAMAGE, {"rx-gro"}, "ethtool -K @ gro off", "ethtool -K @ gro on", BM_HIDES},
	[BM_FACT_FORWARDING] = {"forwarding", "this machine forwards packets",
		"It stands between the ends of other connections. With receive offloads on it sums anew "
		"what it joined, and so hides damage in its own memory.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_HIDES},
	[BM_FACT_VIRTIO] = {"virtio", "a virtio interface",
		"Between guest and host no checksum is made unless a packet leaves the machine. Damage in "
		"between is not noticed; the real device, its offloads and counters are the host's.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_HIDES},
	[BM_FACT_REASSEMBLED] = {"fragments", "packets came in fragments",
		"When identifiers run over, pieces of different packets may be put together (RFC 4963); "
		"only the 16-bit sum notices.",
		{"bytes-damaged", "stale-data"}, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_HYPERVISOR] = {"paravirtual", "an interface that a hypervisor or cloud provides",
		"The real device is the host's, with offloads and counters that cannot be seen from here.",
		ANY_DAMAGE, {NULL}, NULL, NULL, BM_HIDES},
	[BM_FACT_TUNNEL] = {"tunnel", "a tunnel, or a program behind an interface",
		"Packets are wrapped, or handed to a program (a VPN, a virtual machine, a relay), which "
		"may lose or mix bytes.",
		{"bytes-missing", "bytes-damaged", "stale-data"}, {NULL}, NULL, NULL, BM_COULD},
	[BM_FACT_INLINE_CRYPTO] = {"inline-crypto", "the device encrypts packets (IPsec, MACsec)",
		"Driver and firmware rewrite what is sent and received.", ANY_DAMAGE,
		{"esp-hw-offload", "macsec-hw-offload"},
		"ethtool -K @ esp-hw-offload off macsec-hw-offload off",
		"ethtool -K @ esp-hw-offload on macsec-hw-offload on", BM_COULD},
	[BM_FACT_MEMORY_UNSEEN] = {"memory-unseen", "nothing tells of memory errors",
		"The kernel has no EDAC driver for this memory: errors may happen and be corrected, or "
		"not, without any count. In a virtual machine the host has it.",
		{"bits-flipped", "record-was-good"}, {NULL}, NULL, NULL, BM_HIDES},
	[BM_FACT_NAT_HELPER] = {"nat-helper", "address translation that edits payload",
		"It rewrites addresses inside the stream of old protocols. No case is known in which it "
		"took TLS for one; it is quickly ruled out.",
		{"bytes-damaged", "bytes-inserted", "bytes-missing"}, {NULL}, "modprobe -r @", "modprobe @",
		BM_COULD},
	[BM_FACT_CPU_WIDE] = {"processor-wide", "ciphers with the widest instructions",
		"TLS libraries have assembly of their own for these, and such assembly has had faults at "
		"certain lengths and keys. The command is for programs with OpenSSL; Java: -XX:UseAVX=2.",
		OF_CIPHERS, {NULL}, "OPENSSL_ia32cap=':0' PROGRAM", NULL, BM_COULD},
	[BM_FACT_SCATTER] = {"scatter-gather", "pages are sent from where they lie",
		"With zero-copy sends and sendfile the device reads memory when it sends: what a program "
		"changes too early goes out, and a retransmission may differ.",
		{"stale-data", "retransmission-differs"}, {"tx-scatter-gather"}, "ethtool -K @ sg off",
		"ethtool -K @ sg on", BM_COULD},
	[BM_FACT_WARNED] = {"kernel-warned", "the kernel warned or failed since it was started",
		"Its log says of what. \"hw csum failure\" there means that a device's sum and the "
		"kernel's differ.",
		{NULL}, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_USO] = {"udp-segmentation", "datagrams are cut by the device",
		"As segments are, for DTLS and QUIC that send several datagrams at once.", ANY_DAMAGE,
		{"tx-udp-segmentation"}, "ethtool -K @ tx-udp-segmentation off",
		"ethtool -K @ tx-udp-segmentation on", BM_COULD},
	[BM_FACT_CPU_AES] = {"processor-aes", "ciphers with the processor's instructions",
		"TLS libraries use them in assembly. Fast and nearly always right; a run without settles "
		"whether they are to blame. The command is for programs with OpenSSL; NSS: "
		"NSS_DISABLE_HW_AES=1, Go: GODEBUG=cpu.aes=off, Java: -XX:-UseAES.",
		OF_CIPHERS, {NULL}, "OPENSSL_ia32cap='~0x200000200000000' PROGRAM", NULL, BM_COULD},
	[BM_FACT_CPU_ARM] = {"processor-arm", "ciphers with the processor's instructions",
		"TLS libraries use them in assembly; a run without settles whether they are to blame. The "
		"command is for programs with OpenSSL.",
		OF_CIPHERS, {NULL}, "OPENSSL_armcap=0 PROGRAM", NULL, BM_COULD},
	[BM_FACT_CPU_SHA] = {"processor-sha", "hashes with the processor's instructions",
		"As of ciphers, for suites with an HMAC and for key schedules.", OF_CIPHERS, {NULL},
		"OPENSSL_ia32cap=':~0x20000000' PROGRAM", NULL, BM_COULD},
	[BM_FACT_MICROCODES] = {"microcode-differs", "processors with different microcode",
		"They should all have one. Failures that follow certain processors would show by binding "
		"the program to one (taskset).",
		OF_CHIPS, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_GSO] = {"gso", "segments are cut by the kernel",
		"The kernel cuts large sends just before the device. Only a kernel with faults of its own "
		"in there could damage them.",
		{"bytes-damaged"}, {"tx-generic-segmentation"}, "ethtool -K @ gso off",
		"ethtool -K @ gso on", BM_COULD},
	[BM_FACT_OVERRIDE] = {"cipher-override", "the environment changes what a TLS library uses",
		"Programs that are started from here take other code than usual; that of services is not "
		"seen here.",
		{NULL}, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_NIC_ERROR] = {"device-errors", "errors that a device counted",
		"What exactly is counted only the driver knows. Packets that were dropped for an error "
		"come again and do no harm.",
		{NULL}, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_TCP_ERRORS] = {"tcp-errors", "segments that TCP refused for other reasons",
		"Too short, or with impossible headers: damage, or somebody's probes.", {NULL}, {NULL},
		NULL, NULL, BM_CONTEXT},
	[BM_FACT_AER_CORRECTED] = {"pci-corrected", "PCI Express errors that were corrected",
		"The bus found them by its own check and repeated the transfer. Many of them speak for a "
		"bad slot or riser.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
	[BM_FACT_NIC_FRAME] = {"frame-errors", "frames that came damaged over the link",
		"The link's CRC found them and they were dropped; TCP sent them again. A bad cable makes a "
		"connection slow and all but never makes a bad record: of what it damages about 1 in 2^48 "
		"passes both the CRC and TCP's sum. Look where no CRC reaches: memory of switches, "
		"devices, hosts.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
	[BM_FACT_LOOPBACK] = {"loopback", "connections inside this machine",
		"No device and no checksum: between programs on one machine only the programs themselves, "
		"memory or the processor can damage a record.",
		{NULL}, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_VIRTUAL] = {"virtual-machine", "a virtual machine",
		"Memory, its error correction and the real network devices are the host's: run this there "
		"as well.",
		{NULL}, {NULL}, NULL, NULL, BM_CONTEXT},
	[BM_FACT_KTLS_IDLE] = {"ktls-idle", "the kernel's TLS is there and was not used",
		"No connection of this network namespace was given to it, so it has no part in what failed "
		"here.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
	[BM_FACT_CONNTRACK] = {"connection-tracking", "connections are tracked",
		"Address translation changes headers and adjusts the checksum by the difference, which "
		"keeps damage visible. It does not touch the records.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
	[BM_FACT_NIC_DROP] = {"dropped", "packets that were dropped",
		"TCP sends them again. Loss makes a connection slow, it does not make a bad record.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
	[BM_FACT_RETRANSMISSIONS] = {"retransmissions", "segments that were sent again",
		"The network lost some, which is usual. A retransmission carries the same bytes; where it "
		"does not, a capture shows retransmission-differs.",
		{NULL}, {NULL}, NULL, NULL, BM_CANNOT},
};

const char *
bm_bearing_name(enum bm_bearing b)
{
	static const char *const names[BM_BEARINGS] = {"shows", "could", "hides", "cannot", "context"};

	return names[b];
}
