"""Machines that do not exist: their /proc and /sys, as files for badmac host --root. All made up."""
import os

SNMP = """\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors InDiscards InDelivers ReasmReqds ReasmOKs ReasmFails
Ip: 1 64 5000000 2 0 0 4999998 40 20 0
Icmp: InMsgs InErrors InCsumErrors
Icmp: 14 0 0
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 4800000 3900000 729 21 3438 17
Udp: InDatagrams NoPorts InErrors OutDatagrams InCsumErrors
Udp: 33752 8 3 33766 3
"""
NETSTAT = """\
TcpExt: SyncookiesSent TCPTimeouts TCPLostRetransmit TCPOFOQueue TCPDSACKRecv
TcpExt: 0 711 4 1971 7
IpExt: InNoRoutes InTruncatedPkts InOctets InCsumErrors ReasmOverlaps
IpExt: 0 0 3754324282 2 0
"""
SNMP6 = "Ip6InReceives                   \t600\nIp6ReasmOKs                     \t0\nUdp6InCsumErrors                \t1\n"
TLS_NAMES = ["TlsCurrTxSw", "TlsCurrRxSw", "TlsCurrTxDevice", "TlsCurrRxDevice", "TlsTxSw", "TlsRxSw", "TlsTxDevice", "TlsRxDevice",
             "TlsDecryptError", "TlsRxDeviceResync", "TlsDecryptRetry", "TlsRxNoPadViolation", "TlsRxRekeyOk", "TlsRxRekeyError",
             "TlsTxRekeyOk", "TlsTxRekeyError", "TlsRxRekeyReceived"]
CRYPTO = """\
name         : gcm(aes)
driver       : gcm-aes-caam
module       : caam
priority     : 3000
async        : yes

name         : gcm(aes)
driver       : generic-gcm-aesni
priority     : 400
async        : yes

name         : ccm(aes)
driver       : ccm_base(ctr-aes-aesni,cbcmac(aes-aesni))
priority     : 300
async        : no
"""
MODULES = """\
tls 155648 2 - Live 0x0000000000000000
jool 40960 0 - Live 0x0000000000000000 (OE)
nf_nat 57344 1 nf_nat_sip, Live 0x0000000000000000
nf_nat_sip 20480 0 - Live 0x0000000000000000
ext4 1000000 1 - Live 0x0000000000000000
example_gpu 62763008 10 - Live 0x0000000000000000 (POE)
chtls 100000 0 - Live 0x0000000000000000
"""
INTERRUPTS = """\
            CPU0       CPU1
   0:         40          0   IO-APIC   2-edge      timer
 NMI:          0          0   Non-maskable interrupts
 MCE:          1          2   Machine check exceptions
 MCP:        200        200   Machine check polls
 ERR:          0
"""


def tls_stat(**counts):
    return "".join("%-32s\t%d\n" % (n, counts.get(n, 0)) for n in TLS_NAMES)


def processors(microcodes, model, flags):
    return "".join("processor\t: %d\nmodel name\t: %s\nmicrocode\t: %s\nflags\t\t: %s\nbugs\t\t:\n\n" % (i, model, m, flags)
                   for i, m in enumerate(microcodes))


def interface(name, index, peer=None, kind=1, up=True, uevent="", device=None, more=None, **statistics):
    """Files of /sys/class/net/NAME."""
    counted = {"rx_packets": 1000, "tx_packets": 900, "rx_bytes": 70000, "tx_bytes": 60000, "rx_errors": 0, "rx_crc_errors": 0,
               "rx_dropped": 0, "tx_errors": 0, "collisions": 0, **statistics}
    files = {"ifindex": index, "iflink": peer or index, "type": kind, "mtu": 1500, "flags": "0x1003" if up else "0x1002",
             "operstate": "up" if up else "down", "uevent": "%sINTERFACE=%s\nIFINDEX=%d" % (uevent, name, index), **(more or {})}
    files.update(("statistics/" + k, v) for k, v in counted.items())
    if device:
        files["device/uevent"] = device
    return {"sys/class/net/%s/%s" % (name, k): "%s\n" % v for k, v in files.items()}


def server():
    """A real machine that has about everything there is to find."""
    edac = "sys/devices/system/edac/mc/"
    files = {
        "proc/net/snmp": SNMP, "proc/net/netstat": NETSTAT, "proc/net/snmp6": SNMP6,
        "proc/net/tls_stat": tls_stat(TlsCurrTxSw=2, TlsCurrRxSw=2, TlsTxSw=40, TlsRxSw=41, TlsDecryptError=5, TlsRxRekeyError=1),
        "proc/cpuinfo": processors(["0xf0", "0xde"], "Example Processor 9000",
                                   "fpu sse2 aes pclmulqdq avx2 sha_ni vaes vpclmulqdq avx512f"),
        "proc/interrupts": INTERRUPTS, "proc/modules": MODULES, "proc/crypto": CRYPTO,
        "proc/sys/kernel/osrelease": "6.1.0-13-amd64\n", "proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC\n",
        "proc/sys/kernel/tainted": "%d\n" % (1 << 0 | 1 << 2 | 1 << 4 | 1 << 9 | 1 << 12),
        "proc/sys/kernel/random/boot_id": "01234567-89ab-cdef-0123-456789abcdef\n",
        "proc/sys/net/ipv4/tcp_available_ulp": "espintcp mptcp tls\n", "proc/sys/net/ipv4/ip_forward": "1\n",
        "proc/sys/net/netfilter/nf_conntrack_count": "1234\n",
        "sys/class/dmi/id/sys_vendor": "Example\n", "sys/class/dmi/id/product_name": "Server 1\n",
        edac + "mc0/ce_count": "12\n", edac + "mc0/ue_count": "1\n", edac + "mc0/dimm0/dimm_edac_mode": "S4ECD4ED\n",
        edac + "mc1/ce_count": "0\n", edac + "mc1/ue_count": "0\n", edac + "power/control": "auto\n"}
    files.update(interface("lo", 1, kind=772))
    files.update(interface(
        "enp1s0", 2, device="DRIVER=exnet\nPCI_SLOT_NAME=0000:01:00.0\nMODALIAS=pci:v00001234d00005678", rx_crc_errors=7, rx_errors=9,
        rx_dropped=11, more={"device/aer_dev_correctable": "RxErr 0\nBadTLP 3\nBadDLLP 1\nTOTAL_ERR_COR 4",
                             "device/aer_dev_nonfatal": "Undefined 0\nPoisonTLP 2\nTOTAL_ERR_NONFATAL 2",
                             "device/aer_dev_fatal": "TOTAL_ERR_FATAL 0"}))
    files.update(interface("enx00", 3, device="DEVTYPE=usb_interface\nDRIVER=cdc_ether\nMODALIAS=usb:v0BDAp8153d3100"))
    files.update(interface("wlan0", 4, uevent="DEVTYPE=wlan\n", device="DRIVER=exwifi\nMODALIAS=pci:v0"))
    files.update(interface("br0", 5, uevent="DEVTYPE=bridge\n", more={"bridge/stp_state": "0"}))
    files.update(interface("tun0", 6, kind=65534, more={"tun_flags": "0x1001"}))
    files.update(interface("eth9", 7, up=False, device="DRIVER=virtio_net\nMODALIAS=virtio:d00000001v00001AF4", rx_packets=0, tx_packets=0,
                           rx_bytes=0, tx_bytes=0))
    return files


SERVER = {
    ("shows", "ktls-decrypt-errors", "ktls"), ("shows", "memory-uncorrected", "mc0"), ("shows", "machine-checks", "processor"),
    ("shows", "tainted-machine-check", "kernel"), ("shows", "tcp-checksum-errors", "tcp"), ("shows", "ktls-rekey-errors", "ktls"),
    ("shows", "pci-uncorrected", "enp1s0"), ("shows", "udp-checksum-errors", "udp"), ("shows", "ip-checksum-errors", "ip"),
    ("could", "memory-corrected", "mc0"), ("could", "cipher-accelerator", "gcm(aes)"), ("could", "ktls-in-use", "ktls"),
    ("could", "tcp-offload-engine", "chtls"), ("could", "translator", "jool"), ("could", "tainted-processor", "kernel"),
    ("could", "usb-adapter", "enx00"), ("could", "foreign-module", "example_gpu"), ("could", "foreign-module", "jool"),
    ("could", "wireless", "wlan0"), ("could", "fragments", "ip"), ("could", "tunnel", "tun0"), ("could", "nat-helper", "nf_nat_sip"),
    ("could", "processor-wide", "processor"), ("could", "processor-aes", "processor"), ("could", "processor-sha", "processor"),
    ("hides", "forwarding", "ip"), ("context", "kernel-warned", "kernel"), ("context", "microcode-differs", "processor"),
    ("context", "device-errors", "enp1s0"), ("context", "tcp-errors", "tcp"), ("context", "loopback", "lo"),
    ("cannot", "pci-corrected", "enp1s0"), ("cannot", "frame-errors", "enp1s0"), ("cannot", "connection-tracking", "netfilter"),
    ("cannot", "dropped", "enp1s0"), ("cannot", "retransmissions", "tcp")}


def old():
    """A small one of another kind: ARM, an old kernel, veth, no error correction, nothing counted."""
    files = {
        "proc/net/snmp": SNMP.replace(" 21 3438 17", " 0 3438 0").replace("33766 3", "33766 0").replace(" 20 0\n", " 0 0\n"),
        "proc/net/tls_stat": tls_stat(), "proc/modules": "", "proc/sys/kernel/tainted": "0\n",
        "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd aes pmull sha1 sha2 crc32\nCPU part\t: 0xd08\n",
        "proc/sys/kernel/osrelease": "4.4.0-21-generic\n", "proc/sys/net/ipv4/tcp_available_ulp": "tls\n",
        "sys/devices/system/edac/mc/mc0/ce_count": "0\n", "sys/devices/system/edac/mc/mc0/ue_count": "0\n",
        "sys/devices/system/edac/mc/mc0/rank0/dimm_edac_mode": "None\n"}
    for name, index, peer in (("veth0", 2, 3), ("veth1", 3, 2), ("veth2", 4, 99)):
        files.update(interface(name, index, peer, device="DRIVER=veth"))
    return files


OLD = {("hides", i, v) for i in ("veth-old-kernel", "veth") for v in ("veth0", "veth1", "veth2")} | {
    ("could", "memory-without-ecc", "memory"), ("could", "processor-arm", "processor"), ("cannot", "ktls-idle", "ktls"),
    ("cannot", "retransmissions", "tcp")}


def emulated():
    """A guest whose processor is QEMU's, with a bond of paravirtual interfaces."""
    files = {"proc/cpuinfo": processors(["0x1"], "QEMU TCG CPU version 2.5+", "sse2 hypervisor"),
             "proc/sys/kernel/osrelease": "5.10.16.3-microsoft-standard-WSL2\n"}
    for name, index in (("eth0", 2), ("eth1", 3)):
        files.update(interface(name, index, device="DRIVER=hv_netvsc\nMODALIAS=vmbus:00"))
    files.update(interface("bond0", 4, uevent="DEVTYPE=bond\n", more={"bonding/mode": "active-backup 1"}))
    files.update(interface("eth2", 5, device="DRIVER=virtio_net\nMODALIAS=virtio:d00000001v00001AF4"))
    files["sys/class/net/bonding_masters"] = "bond0\n"
    return files


EMULATED = {("could", "emulated-processor", "processor"), ("could", "wsl", "kernel"), ("context", "virtual-machine", "processor"),
            ("hides", "paravirtual", "eth0"), ("hides", "paravirtual", "eth1"), ("hides", "virtio", "eth2"), ("hides", "memory-unseen", "memory")}


def write(folder, files):
    for path, text in files.items():
        at = os.path.join(os.fsencode(folder), os.fsencode(path))
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
    return folder
