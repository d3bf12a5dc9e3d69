#!/usr/bin/env python3
"""badmac host on the machine at hand, as root and as nobody, and in network namespaces that are made for it. Prints TAP.
Knows docs/HOST.md; refuses to know how a thing is read."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
from ask import (  # noqa: E402
    BADMAC, ENVIRONMENT, IS_ROOT, PAGE, REPORTED, ROOT, SCHEMA, Namespace, Suite, counter, features, finding, found,
    interface, report, run, unread, want,
)
import judge  # noqa: E402
import trees  # noqa: E402

# Sends segments with a wrong checksum to a closed port, as many a second as it is told to, until its input ends.
SENDER = r"""
import select, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
tcp = struct.pack(">HHIIBBHHH", 1, 9, 1, 0, 5 << 4, 2, 1024, 0xdead, 0)
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.1"))
while not select.select([sys.stdin], [], [], 0.05)[0]:
    s.sendto(ip + tcp, ("127.0.0.1", 0))
"""

KTLS = r"""
import errno, socket, struct
a = socket.create_server(("127.0.0.1", 0))
b = socket.create_connection(a.getsockname())
c = a.accept()[0]
c.setsockopt(socket.IPPROTO_TCP, 31, b"tls")
c.setsockopt(282, 2, struct.pack("=HH", 0x0303, 51) + bytes(8 + 16 + 4 + 8))
b.sendall(bytes.fromhex("1703030020") + bytes(32))
try:
    c.recv(100)
    raise SystemExit("taken")
except OSError as e:
    assert e.errno == errno.EBADMSG, e
"""


class ThisMachine(Suite):
    def test_this_machine(self):
        r = report()
        want(r["root"] is None and r["watched_seconds"] is None, r["root"])
        want(r["system"]["release"] == os.uname().release, r["system"])
        want({i["name"] for i in r["interfaces"]} == {n for _, n in socket.if_nameindex()}, r["interfaces"])
        want(counter(r, "TcpInSegs")["value"] is not None and counter(r, "TcpInCsumErrors")["value"] is not None, r["counters"])
        want(r["system"]["processor"]["count"] == os.cpu_count(), r["system"]["processor"])
        for i in r["interfaces"]:
            want(i["features"] and i["mtu"], i)

    def test_agrees_with_ethtool(self):
        for _, name in socket.if_nameindex():
            r = report("-i", name)
            said = subprocess.run(["ethtool", "-k", name], stdout=subprocess.PIPE, timeout=10).stdout.decode()
            theirs = {m[0]: (m[1] == "on", m[2] != "") for m in re.findall(r"(?m)^\t?([a-z0-9_-]+): (on|off)( \[fixed\])?", said)}
            ours = features(r, name)
            both = set(ours) & set(theirs)
            want(len(both) > 20 and all(ours[n] == theirs[n] for n in both), [(n, ours[n], theirs[n]) for n in both if ours[n] != theirs[n]])
            said = subprocess.run(["ethtool", "-i", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10).stdout.decode()
            for key, member in (("driver", "driver"), ("version", "driver_version"), ("bus-info", "bus")):
                m = re.search("(?m)^%s: (.*)$" % key, said)
                want(not m or (interface(r, name)[member] or "") == m.group(1), (name, member, said))

    def test_without_privileges(self):
        """The same report, but for what only root may read; a copy's closed file is told of."""
        if IS_ROOT:
            own = os.path.join(self.dir.name, "badmac")
            shutil.copy(BADMAC, own)
            os.chmod(self.dir.name, 0o755)
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        else:
            own, nobody = BADMAC, []

        def ask(*args):
            r = subprocess.run([*nobody, own, "host", "--format", "json", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                               env=ENVIRONMENT)
            want(r.returncode == REPORTED and r.stderr == b"", (r.returncode, r.stderr))
            return json.loads(r.stdout)
        mine, theirs = report(), ask()
        want(not list(SCHEMA.iter_errors(theirs)), "schema")
        refused = {w for w, why in unread(theirs).items() if why == "denied"}
        want(unread(theirs).keys() - refused == unread(mine).keys() - refused, (unread(theirs), unread(mine)))
        want(refused or found(theirs) == found(mine), sorted(found(theirs) ^ found(mine)))
        want([i["features"] for i in theirs["interfaces"]] == [i["features"] for i in mine["interfaces"]], "features")
        folder = self.folder(trees.server())
        os.chmod(os.path.join(folder, "proc/net/tls_stat"), 0)
        r = ask("--root", folder)
        want(unread(r)["proc/net/tls_stat"] == "denied", r["unread"])
        want(trees.SERVER - found(r) == {("shows", "ktls-decrypt-errors", "ktls"), ("shows", "ktls-rekey-errors", "ktls"),
                                         ("could", "ktls-in-use", "ktls")},
             sorted(trees.SERVER - found(r)))

    def test_environment(self):
        r = report(env={"OPENSSL_ia32cap": "~0x2", "GODEBUG": "gctrace=1"})
        want(r["system"]["overrides"] == ["OPENSSL_ia32cap=~0x2"] and finding(r, "cipher-override")["value"] == "OPENSSL_ia32cap=~0x2", r["system"])
        want(report()["system"]["overrides"] == [], "none")
        want(report("--root", self.folder(trees.old()), env={"OPENSSL_ia32cap": "0"})["system"]["overrides"] == [], "of another machine")

    def test_processor_commands(self):
        """What they set is what OpenSSL then says that it goes by."""
        bits = {"processor-aes": (0, 1 << 57 | 1 << 33), "processor-sha": (1, 1 << 29), "processor-wide": (1, 1 << 16 | 1 << 41)}
        r = report()
        for f in r["findings"]:
            if f["id"] not in bits:
                continue
            word, mask = bits[f["id"]]
            before, after = (self.capabilities(c) for c in ("PROGRAM", f["off"]))
            want(before[word] & mask and not after[word] & mask, (f["off"], before, after))

    @staticmethod
    def capabilities(command):
        said = subprocess.run(["sh", "-c", command.replace("PROGRAM", "openssl info -cpusettings")], stdout=subprocess.PIPE, timeout=10,
                              env=ENVIRONMENT).stdout.decode()
        return [int(x, 16) for x in re.search(r"OPENSSL_ia32cap=(0x[0-9a-f]+):(0x[0-9a-f]+)", said).groups()]

    def test_saved_copy(self):
        """The way to make a copy that docs/HOST.md shows, and what is read of it."""
        script = re.search(r"## A copy (?:.*\n)*?\n((?:    .*\n)+)", PAGE).group(1)
        folder = os.path.join(self.dir.name, "copy")
        os.makedirs(folder)
        r = subprocess.run(["sh", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        want(r.returncode == 0, r.stdout)
        theirs, mine = report("--root", os.path.join(folder, "saved")), report()
        want([i["name"] for i in theirs["interfaces"]] == [i["name"] for i in mine["interfaces"]], theirs["interfaces"])
        for member in ("state", "up", "mtu", "index", "peer", "master"):
            want([i[member] for i in theirs["interfaces"]] == [i[member] for i in mine["interfaces"]], (member, theirs["interfaces"]))
        # Some kinds are known by the driver alone.
        want(all(a["kind"] in (b["kind"], "unknown") for a, b in zip(theirs["interfaces"], mine["interfaces"])), theirs["interfaces"])
        want(theirs["system"]["processor"] == mine["system"]["processor"] and theirs["system"]["memory"] == mine["system"]["memory"], theirs["system"])
        want({k for k in unread(theirs)} <= {k for k in unread(mine)} | {"ethtool"}, (unread(theirs), unread(mine)))

    # Network namespaces --------------------------------------------------------------------------

    def test_veth(self):
        with Namespace() as ns, Namespace() as other:
            ns.sh("ip link add left type veth peer name right && ip link set left up && ip link set right up")
            r = ns.report()
            want({i["name"]: i["kind"] for i in r["interfaces"] if i["name"] in ("left", "right")} == {"left": "veth", "right": "veth"}, r["interfaces"])
            want(interface(r, "left")["peer"] == "right" and interface(r, "left")["driver"] == "veth" and interface(r, "left")["up"], r["interfaces"])
            before, f = features(r, "left"), finding(r, "veth", "left")
            want(before["rx-checksum"][0] and before["tx-checksum-ip-generic"][0] and "rx-checksum" in f["value"], f)
            ns.sh(f["off"])
            r = ns.report("-i", "left")
            after = features(r, "left")
            want(not after["rx-checksum"][0] and not after["tx-checksum-ip-generic"][0], after)
            g = finding(r, "veth", "left")
            want("checksums are off" in g["value"] and g["off"] is None, g)
            ns.sh(f["on"])
            want(features(ns.report(), "left") == before, "switched back")
            # Its kernel's joining of segments follows as well.
            want("gro" not in {x["id"] for x in r["findings"]}, "off by default")
            ns.sh("ethtool -K left gro on")
            g = finding(ns.report(), "gro", "left")
            want(g["value"] == "on: rx-gro" and g["off"] == "ethtool -K left gro off", g)
            ns.sh(g["off"])
            want(("hides", "gro", "left") not in found(ns.report()), "gro")
            ns.sh("ip link set right netns %d" % other.pid)
            r = ns.report()
            want(interface(r, "left")["peer"] is None and interface(r, "left")["peer_elsewhere"], r["interfaces"])
            want("another network namespace" in finding(r, "veth", "left")["value"], finding(r, "veth", "left"))

    def test_kinds(self):
        """Of whatever this kernel can make."""
        ways = {"bridge": ("br0", "ip link add br0 type bridge"), "software": ("dummy0", "ip link add dummy0 type dummy"),
                "tunnel": ("tap0", "ip tuntap add tap0 mode tap"), "bond": ("bond7", "ip link add bond7 type bond"),
                "vlan": ("left.5", "ip link add link left name left.5 type vlan id 5")}
        with Namespace() as ns:
            ns.sh("ip link add left type veth peer name right")
            made = {"left": "veth", "right": "veth", "lo": "loopback"}
            for kind, (name, command) in ways.items():
                if ns.sh(command + " >/dev/null 2>&1 || echo no") == "":
                    made[name] = kind
                else:
                    print("# not run: kind %s (%s: this kernel cannot)" % (kind, command))
            want(len(made) > 4, made)
            r = ns.report()
            want({n: interface(r, n)["kind"] for n in made} == made, r["interfaces"])
            if "br0" in made:
                ns.sh("ip link set left master br0")
                want(interface(ns.report(), "left")["master"] == "br0", "master")

    def test_commands_of_features(self):
        """Each pair of commands in the table switches what its row names off, and back to what it was; as far as a veth can."""
        with open(os.path.join(ROOT, "src", "host", "knowledge.c"), encoding="ascii") as f:
            rows = re.findall(r'\{("[a-z0-9-]+"(?:,\s*"[a-z0-9-]+")*)\},\s*"(ethtool -K @ [^"]*)",\s*"(ethtool -K @ [^"]*)"', f.read())
        want(len(rows) >= 12, rows)
        tried = 0
        with Namespace() as ns:
            ns.sh("ip link add left type veth peer name right && ip link set left up && ip link set right up")
            for names, off, on in rows:
                names = re.findall(r'"([^"]*)"', names)
                before = features(ns.report("-i", "left"), "left")
                there = [n for n in names if n in before and not before[n][1]]
                if not there:
                    # To switch off what is off is no error, if there is such a thing at all.
                    ns.sh(off.replace("@", "left"))
                    print("# not switched: %s (a veth does not have %s)" % (off, " or ".join(names)))
                    continue
                was_on = any(before[n][0] for n in there)
                ns.sh((off if was_on else on).replace("@", "left"))
                after = features(ns.report("-i", "left"), "left")
                want(all(after[n][0] != was_on for n in there), (off, {n: after[n] for n in there}))
                ns.sh((on if was_on else off).replace("@", "left"))
                want(features(ns.report("-i", "left"), "left") == before, (on, "does not bring back what was"))
                tried += 1
        want(tried >= 6, tried)

    def test_another_namespace_in_sys(self):
        """/sys still shows the namespace that it was mounted in: that is no report of this one."""
        with Namespace(of_sys=False) as ns:
            ns.sh("ip link add left type veth peer name right && ip link set left up")
            r = ns.report()
            want({i["name"] for i in r["interfaces"]} >= {"left", "right", "lo"}, r["interfaces"])
            want(all(i["kind"] in ("veth", "loopback", "unknown", "tunnel") and i["statistics"] is not None for i in r["interfaces"]), r["interfaces"])
            want([u["detail"] for u in r["unread"] if u["what"] == "sys/class/net"] == ["shows another network namespace"], r["unread"])
            want(features(r, "left")["rx-checksum"][0] and interface(r, "left")["kind"] == "veth" and interface(r, "left")["up"], r["interfaces"])

    def test_counters_that_move(self):
        """Segments with a wrong checksum come in while it watches."""
        with Namespace() as ns:
            ns.sh("ip link set lo up")
            want(("shows", "tcp-checksum-errors", "tcp") not in found(ns.report()), "a fresh namespace")
            sender = subprocess.Popen([*ns.enter, sys.executable, "-c", SENDER], stdin=subprocess.PIPE)
            until = time.monotonic() + 20
            while ("shows", "tcp-checksum-errors", "tcp") not in found(ns.report()):
                want(time.monotonic() < until, "no segment was counted")
            r = ns.report("--watch", "1")
            sender.communicate(b"\n", timeout=10)
            f = finding(r, "tcp-checksum-errors")
            want(f["moving"] and f["counts"][0]["added"] >= 2 and r["findings"][0] == f, f)
            r = ns.report("--watch", "0.3")
            f = finding(r, "tcp-checksum-errors")
            want(f["moving"] is False and f["counts"][0]["added"] == 0 and f["counts"][0]["value"] >= 3, f)
            text = run("--watch", "0.3", before=ns.enter)[1].decode()
            want(re.search(r"TcpInCsumErrors \d+ \(stands still\)", text) and text.startswith("DAMAGE: ") and "none of it in this time" in text, text[:400])

    def test_kernel_tls(self):
        """A record that the kernel refuses is counted, and the count is found."""
        with Namespace() as ns:
            ns.sh("ip link set lo up")
            want(("cannot", "ktls-idle", "ktls") in found(ns.report()), "not used yet")
            subprocess.run([*ns.enter, sys.executable, "-c", KTLS], check=True, timeout=20)
            r = ns.report()
            want(finding(r, "ktls-decrypt-errors")["counts"][0]["value"] == 1, r["findings"])
            want(("could", "ktls-in-use", "ktls") in found(r), found(r))


def has_kernel_tls():
    with open("/proc/sys/net/ipv4/tcp_available_ulp", encoding="ascii") as f:
        return "tls" in f.read().split() or subprocess.run("modprobe tls", shell=True, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    without = []
    if not has_kernel_tls():
        print("# not run: kernel tls (this kernel has none, and none can be loaded)")
        without = ["test_kernel_tls"]
    sys.exit(judge.run_methods(ThisMachine(), without))
