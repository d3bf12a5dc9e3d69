#!/usr/bin/env python3
"""badmac host on machines that do not exist: what is found, in which order, what is made of hostile files and names; and
its page and schema. Prints TAP. Knows docs/HOST.md; refuses to know how a thing is read."""
import os
import re
import subprocess
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from ask import (  # noqa: E402
    PAGE, REPORTED, ROOT, SCHEMA, TROUBLE, Namespace, Suite, counter, features, finding, found, interface, report, run, unread,
    want,
)
import judge  # noqa: E402
import trees  # noqa: E402


class MadeUp(Suite):
    def test_everything_is_found(self):
        for make, expected in ((trees.server, trees.SERVER), (trees.old, trees.OLD), (trees.emulated, trees.EMULATED)):
            folder = self.folder(make())
            r = report("--root", folder)
            want(found(r) == expected, sorted(found(r) ^ expected))
            want(r["root"] == folder and "ethtool" in unread(r), unread(r))
            text = run("--root", folder)[1].decode()
            for f in r["findings"]:
                want("\n%-13s%s\n" % (f["bearing"], f["title"]) in text and "\n  " + f["subject"] in text, (f, text))
                want(f["off"] is None or f["off"] in text, f)
            for what in unread(r):
                want("\n  %s: " % what in text, what)

    def test_what_counts_damage_comes_first(self):
        r = report("--root", self.folder(trees.server()))
        rank = [f["bearing"] for f in r["findings"]]
        want(rank[:9] == ["shows"] * 9 and "shows" not in rank[9:], rank)
        want(r["findings"][0]["id"] == "ktls-decrypt-errors", r["findings"][0])
        text = run("--root", self.folder(trees.server()))[1]
        want(text.startswith(b"DAMAGE: 9 findings tell of damage; 16 could"), text[:200])
        text = run("--root", self.folder(trees.old()))[1]
        want(text.startswith(b"NO DAMAGE COUNTED: "), text[:200])
        text = run("--root", self.folder(trees.emulated()))[1]
        want(text.startswith(b"NOT KNOWN: segments with a wrong checksum could not be counted; "), text[:200])

    def test_values(self):
        r = report("--root", self.folder(trees.server()))
        s = r["system"]
        want((s["release"], s["maker"], s["forwarding"], s["tracked_connections"]) == ("6.1.0-13-amd64", "Example Server 1", True, 1234), s)
        want(s["processor"] == {"model": "Example Processor 9000", "count": 2, "microcode": "0xf0", "microcodes_differ": True,
                                "virtual": False, "crypto": ["aes", "pclmulqdq", "vaes", "vpclmulqdq", "sha_ni", "avx512f", "avx2"]},
             s["processor"])
        want(s["memory"] == {"error_correction": True, "machine_checks": 3, "controllers": [
            {"name": "mc0", "corrected": 12, "uncorrected": 1}, {"name": "mc1", "corrected": 0, "uncorrected": 0}]}, s["memory"])
        want(s["kernel_tls"] == {"module": True, "available_ulp": "espintcp mptcp tls"}, s["kernel_tls"])
        want([c["driver"] for c in s["ciphers"]] == ["gcm-aes-caam", "ccm_base(ctr-aes-aesni,cbcmac(aes-aesni))"], s["ciphers"])
        want({m["name"]: m["taint"] for m in s["modules"]} ==
             {"tls": None, "jool": "OE", "nf_nat": None, "nf_nat_sip": None, "example_gpu": "POE", "chtls": None}, s["modules"])
        want((counter(r, "TcpInCsumErrors")["value"], counter(r, "TlsRxSw")["value"]) == (17, 41), r["counters"])
        want(counter(r, "Ip6InOctets")["value"] is None and counter(r, "TcpInSegs")["added"] is None, "not known")
        want(finding(r, "connection-tracking")["value"] == "1234 now; address translation is loaded", "NAT")
        want(finding(r, "tcp-errors")["counts"][0]["value"] == 4, "21 errors, 17 of them checksums")
        want([c["value"] for c in finding(r, "udp-checksum-errors")["counts"]] == [3, 1], finding(r, "udp-checksum-errors"))
        i = interface(r, "enp1s0")
        want((i["kind"], i["driver"], i["bus"], i["mtu"], i["index"], i["up"], i["features"]) ==
             ("device", "exnet", "0000:01:00.0", 1500, 2, True, None), i)
        want(i["pci_errors"] == {"correctable": 4, "nonfatal": 2, "fatal": 0}, i)
        want({x["name"]: x["value"] for x in i["statistics"] if x["kind"] == "frame"} == {"rx_crc_errors": 7}, i["statistics"])
        want([interface(r, n)["kind"] for n in ("lo", "enx00", "wlan0", "br0", "tun0", "eth9")] ==
             ["loopback", "usb", "wireless", "bridge", "tunnel", "virtio"], r["interfaces"])
        r = report("--root", self.folder(trees.old()))
        want((interface(r, "veth0")["peer"], interface(r, "veth2")["peer"], interface(r, "veth2")["peer_elsewhere"]) ==
             ("veth1", None, True), r["interfaces"])
        want(interface(report("--root", self.folder(trees.emulated())), "bond0")["kind"] == "bond", "bond")

    def test_one_interface(self):
        folder = self.folder(trees.server())
        r = report("--root", folder, "-i", "wlan0")
        want([i["name"] for i in r["interfaces"]] == ["wlan0"] and ("could", "wireless", "wlan0") in found(r), found(r))
        want(not any(f["subject"] == "enp1s0" for f in r["findings"]), found(r))
        rc, out, err = run("--root", folder, "--interface=eth5")
        want((rc, out, err) == (TROUBLE, b"", "badmac: eth5: no such network interface\n"), (rc, out, err))

    def test_nothing_there(self):
        for files, says in (({}, "nothing of /proc and /sys"), ({"other": "1"}, "nothing of /proc and /sys")):
            folder = self.folder(files)
            os.makedirs(folder, exist_ok=True)
            rc, out, err = run("--root", folder)
            want(rc == TROUBLE and out == b"" and says in err and err.count("\n") == 1, (rc, out, err))
        rc, _, err = run("--root", os.path.join(self.dir.name, "nowhere"))
        want(rc == TROUBLE and "No such file" in err, err)
        rc, _, err = run("--root", __file__)
        want(rc == TROUBLE and "Not a directory" in err, err)

    def test_hostile_files(self):
        """Each file in turn, and all at once, is something else: there is a report, and the file is not believed."""
        noise = bytes(range(256)) * 256
        ways = {"empty": b"", "binary": noise, "long": b"Tcp: InSegs\nTcp: 1\n" * 300000, "no end": b"9" * 5000, "beyond": b"18446744073709551616\n",
                "negative": b"-1\n", "colons": b":\n:::\n : \n", "zeros": bytes(5000)}
        whole = trees.server()
        for name, content in ways.items():
            # One file stays what it is: of nothing at all there is no report.
            r = report("--root", self.folder({**{p: content for p in whole if name != "long" or p.startswith("proc/net")},
                                              "proc/sys/kernel/osrelease": "6\n"}))
            want(all(c["value"] is None for c in r["counters"]), name)
            want(not any(f["bearing"] == "shows" for f in r["findings"]), (name, found(r)))
        folder = self.folder(whole)
        turns = [ways["binary"], ways["no end"], ways["beyond"]]
        for k, path in enumerate(sorted(p for p in whole if p.startswith("proc/") or "/edac/" in p or "/enp1s0/" in p)):
            trees.write(folder, {path: turns[k % 3]})
            want(len(report("--root", folder)["findings"]) > 20, path)
            trees.write(folder, {path: whole[path]})
        want(found(report("--root", folder)) == trees.SERVER, "as it was")

    def test_what_is_no_file(self):
        """FIFOs nobody writes to, folders, links that lead out of the copy: said, and not followed."""
        folder = self.folder(trees.server())
        snmp, tls, osrelease, cpuinfo = (os.path.join(folder, "proc", p) for p in ("net/snmp", "net/tls_stat", "sys/kernel/osrelease", "cpuinfo"))
        for p in (snmp, tls, osrelease, cpuinfo):
            os.unlink(p)
        os.mkfifo(snmp)
        os.mkdir(tls)
        os.symlink("/proc/sys/kernel/osrelease", osrelease)
        os.symlink("../../../../../../../../../../../proc/cpuinfo", cpuinfo)
        r = report("--root", folder)
        want({u["what"] for u in r["unread"]} >= {"proc/net/snmp", "proc/net/tls_stat", "proc/sys/kernel/osrelease", "proc/cpuinfo"}, r["unread"])
        want(r["system"]["release"] is None and r["system"]["processor"]["model"] is None, r["system"])

    def test_names_from_elsewhere(self):
        """Names can hold anything: no control characters in the report, and commands that name what they should."""
        names = {"a b": True, "$(touch x)": True, "it's": True, "`id`": True, "-K": False, "e\x1b[31m": False, "\n": False,
                 "\u202egnp": False, "ok.5@p-1": True}
        files = {"proc/sys/kernel/osrelease": "6.1\x1b]0;title\x07\n"}
        for k, name in enumerate(names):
            files.update(trees.interface(name, 2 + k, 100 + k, device="DRIVER=veth"))
        files.update({p.replace("ok.5@p-1", "\udcff\udcfe"): t for p, t in trees.interface("ok.5@p-1", 50, 51, device="DRIVER=veth").items()})
        folder = self.folder(files)
        rc, out, _ = run("--root", folder)
        want(rc == REPORTED and not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out) and "\u202e".encode() not in out, out)
        out.decode()
        r = report("--root", folder)
        for name, can in names.items():
            off = finding(r, "veth", name)["off"]
            want((off is not None) == can, (name, off))
            if can:
                said = subprocess.run(["sh", "-c", "ethtool() { printf '%s\\n' \"$@\"; }; " + off], stdout=subprocess.PIPE, timeout=10)
                want(said.stdout.decode().splitlines() == ["-K", name, "rx", "off", "tx", "off"], (off, said.stdout))

    def test_two_readings(self):
        """Of two copies, and of a folder in which a kernel shows its files."""
        before = self.folder(trees.server())
        now = {"proc/net/snmp": trees.SNMP.replace("21 3438 17", "31 3438 27").replace("33766 3", "33766 2"),
               "sys/class/net/enp1s0/statistics/rx_crc_errors": "19\n", "sys/devices/system/edac/mc/mc0/ce_count": "13\n",
               "proc/interrupts": trees.INTERRUPTS.replace("1          2   Machine", "1          1   Machine")}
        after = self.folder({**trees.server(), **now})
        r = report("--root", after, "--before", before)
        tcp = finding(r, "tcp-checksum-errors")
        want(r["findings"][0]["id"] == "tcp-checksum-errors" and tcp["moving"] is True, r["findings"][0])
        want(tcp["counts"] == [{"name": "TcpInCsumErrors", "value": 27, "added": 10, "per_second": None}], tcp)
        want(r["watched_seconds"] is None and r["root"] == after, r["watched_seconds"])
        want(finding(r, "memory-corrected")["counts"][0]["added"] == 1 and finding(r, "frame-errors")["counts"][0]["added"] == 12, "added")
        want(finding(r, "tcp-errors")["moving"] is False, "InErrs grew by the checksums alone")
        want([f["id"] for f in r["findings"] if f["moving"]] == ["tcp-checksum-errors", "memory-corrected", "frame-errors"], r["findings"])
        want(counter(r, "UdpInCsumErrors")["added"] is None and finding(r, "machine-checks")["counts"][0]["added"] is None, "went back")
        want(r["summary"]["moving"] == 3 and counter(r, "TlsCurrRxSw")["added"] is None, r["summary"])
        text = run("--root", after, "--before", before)[1].decode()
        grew = text.split("what grew from one copy to the other\n")[1]
        want("  kernel     TcpInCsumErrors 10 more\n" in grew and "a second" not in text, grew)
        trees.write(after, {"proc/sys/kernel/random/boot_id": "11234567-89ab-cdef-0123-456789abcdef\n"})
        text = run("--root", after, "--before", before)[1].decode()
        want("TcpInCsumErrors 27\n" in text and "\n  enp1s0     rx_crc_errors 12 more\n" in text, "started anew: " + text)
        rc, out, err = run("--root", before, "--watch", "30")
        want((rc, out) == (TROUBLE, b"") and "is a copy, in which nothing moves" in err and err.count("\n") == 1, err)
        # What stands below another root may be alive: a host's, seen from a container.
        with Namespace() as ns:
            seen = os.path.join(self.dir.name, "host")
            ns.sh("mkdir -p %s/proc %s/sys && mount -t proc proc %s/proc" % (seen, seen, seen))
            r = ns.report("--root", seen, "--watch", "0.3")
            want(0.3 <= r["watched_seconds"] < 20 and counter(r, "TcpInSegs")["added"] is not None, r["watched_seconds"])

    # Page and schema -----------------------------------------------------------------------------

    def test_page_names_every_member(self):
        def members(schema):
            for name, inner in schema.get("properties", {}).items():
                yield name
                yield from members(inner)
            if "items" in schema:
                yield from members(schema["items"])
        missing = sorted({m for m in members(SCHEMA.schema) if "`%s`" % m not in PAGE})
        want(not missing, missing)

    def test_page_names_every_finding(self):
        with open(os.path.join(ROOT, "src", "host", "knowledge.c"), encoding="ascii") as f:
            ids = re.findall(r'\[BM_FACT_[A-Z0-9_]+\]\s*=\s*\{\s*"([a-z0-9-]+)"', f.read())
        listed = re.findall(r"(?m)^\| `([a-z0-9-]+)` \|", PAGE.split("## Findings")[1].split("\n## ")[0])
        want(len(ids) > 50 and ids == listed, sorted(set(ids) ^ set(listed)) or "order")

    def test_causes_are_those_of_the_contract(self):
        causes = SCHEMA.schema["properties"]["findings"]["items"]["properties"]["causes"]["items"]["enum"]
        want(set(causes) == judge.CAUSES, set(causes) ^ judge.CAUSES)


if __name__ == "__main__":
    sys.exit(judge.run_methods(MadeUp()))
