#!/usr/bin/env python3
"""badmac lab run, list and relay: what is put in, what is recorded, and what goes wrong. What badmac makes of each fault
between all stacks is test_score.py's. Prints TAP."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
import judge  # noqa: E402
import stacks  # noqa: E402

GCM = ("TLS 1.2 GCM", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", [], "aead")
FAULTS = ["bits-flipped", "bytes-damaged", "words-swapped", "tag-damaged", "header-damaged", "stale-data",
          "retransmission-differs", "bytes-missing", "bytes-inserted", "plaintext-injected", "record-replayed", "records-reordered",
          "record-missing", "reflected-record", "foreign-record", "plaintext-alert"]
# Where another answer is as right: fault and way, kind of MAC, the answers, and why (docs/EVIDENCE.md).
ALSO = [
    (r"^bytes-damaged:how=run", r"etm|mte", {"unexplained"}, "of an HMAC one octet can be searched, five cannot"),
    (r"^tag-damaged", r"mte", {"bits-flipped", "bytes-damaged", "bad-padding", "unexplained"},
     "an octet on the wire is a block of MAC or padding or both"),
]
IN_PLACE = {"bits-flipped", "bytes-damaged", "words-swapped", "tag-damaged", "header-damaged", "retransmission-differs"}


class Lab:
    def __init__(self, tap):
        self.tap, self.dir, self.count = tap, tempfile.mkdtemp(prefix="badmac-lab-"), 0
        self.lock = threading.Lock()
        self.badmac = judge.find_badmac()

    def path(self):
        with self.lock:
            self.count += 1
            return os.path.join(self.dir, "run-%d" % self.count)

    def lab(self, *words, env=None, timeout=60):
        return subprocess.run([self.badmac, "lab", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, env=env, universal_newlines=True)

    # Between stacks ---------------------------------------------------------------------------------------

    def run(self, fault, protection, server, client, seed):
        name, version, suite, more, kind = protection
        out = self.path()
        words = ["run", fault, "--tls", version, "--server", server, "--client", client, "--seed", str(seed), "-o", out, *more]
        r = self.lab(*words, *(["--cipher", suite] if suite else []))
        judge.want(r.returncode == 0, "exit %d: %s%s" % (r.returncode, r.stdout, r.stderr))
        judge.want(r.stderr == "", r.stderr)
        with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"]
        judge.want(len(truth) == 1, "%d faults put in" % len(truth))
        truth = truth[0]
        judge.want(truth["version"] == "TLS " + version and suite in (None, truth["cipher_suite"]), "negotiated: %s" % truth)
        self.judge_received(os.path.join(out, "receiver.pcapng"), fault, kind, truth)
        self.judge_sent(os.path.join(out, "sender.pcapng"))
        for side in ("sender", "receiver"):
            self.well_formed(os.path.join(out, side + ".pcapng"), 1 if side == "receiver" and "sum=sent" in fault else 0)
        shutil.rmtree(out)

    def judge_received(self, path, fault, kind, truth):
        rc, report, err = judge.diagnose(path)
        judge.want_exit(1, rc, report, err)
        found = judge.failures(report)
        judge.want(len(found) == 1, "%d failures, expected one, %s" % (len(found), truth), report)
        told, allowed = found[0], {truth["cause"]}
        for pattern, kinds, others, _ in ALSO:
            if re.search(pattern, fault) and re.search(kinds, kind):
                allowed |= others
        judge.want(told["cause"] in allowed, "cause %s, expected %s; %s" % (told["cause"], sorted(allowed), truth), report)
        for k in ("direction", "sequence_number", "stream_offset"):
            judge.want(told[k] == truth[k], "%s %s, expected %s; %s" % (k, told[k], truth[k], truth), report)
        if "how=zeros" in fault and told["cause"] in IN_PLACE:
            self.zeros(told["damage"], truth["damage"])
        elif told["cause"] in IN_PLACE:
            judge.want(self.octets(told) == self.octets(truth), "damage %s, expected %s" % (told["damage"], truth["damage"]))

    @staticmethod
    def zeros(told, truth):
        """The run is named, and not what was sent there; octets beside it may be zero by chance."""
        judge.want(len(told) == 1 and told[0]["sent"] is None, "damage %s" % told)
        first, end = truth[0]["record_offset"], truth[-1]["record_offset"] + truth[-1]["length"]
        spare = [first - told[0]["record_offset"], told[0]["record_offset"] + told[0]["length"] - end]
        judge.want(all(0 <= n <= 2 for n in spare), "damage %s, expected %s" % (told, truth))

    @staticmethod
    def octets(failure):
        """Every octet that differs: offset, what arrived, what was sent."""
        return sorted((d["record_offset"] + i, x, y) for d in failure["damage"] for i, (x, y) in enumerate(zip(
            bytes.fromhex(d["received"]), bytes.fromhex(d["sent"]))) if x != y)

    @staticmethod
    def judge_sent(path):
        """Nothing is wrong there, but for what the other end says of it."""
        rc, report, err = judge.diagnose(path)
        found = judge.failures(report)
        judge.want(rc == 0 and not found or rc == 1 and {f["cause"] for f in found} == {"record-was-good"},
                   "exit %d: %s" % (rc, err), report)
        judge.want_counts(report, None)

    @staticmethod
    def well_formed(path, wrong_sums):
        """tshark reads it to the end, finds every checksum right but so many, and no TCP that could not be."""
        # Up to TCP: what records that were damaged on purpose look like to it is not the recording's fault.
        r = subprocess.run(["tshark", "-r", path, "-d", "tcp.port==1-65535,data", "-o", "tcp.try_heuristic_first:FALSE",
                            "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                            "-Y", "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || "
                            "tcp.analysis.ack_lost_segment || tcp.analysis.lost_segment || tcp.analysis.out_of_order"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        said = r.stdout.splitlines()
        judge.want(r.returncode == 0 and len(said) == wrong_sums,
                   "tshark: exit %d, %s%s" % (r.returncode, "\n".join(said), r.stderr))


class Relay:
    """badmac lab relay, running; its words on standard error are collected."""

    def __init__(self, badmac, to, *words):
        self.child = subprocess.Popen([badmac, "lab", "relay", "--listen", "0", "--to", to, *words], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        line = self.child.stderr.readline()
        m = re.match(r"badmac: listening on 127\.0\.0\.1:(\d+)$", line)
        judge.want(m, "no word that it listens: %r" % line)
        self.port = int(m.group(1))

    def end(self, number=signal.SIGTERM):
        """(exit status, what it said since)"""
        self.child.send_signal(number)
        try:
            out, err = self.child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise judge.Mismatch("does not end")
        judge.want(out == "", out)
        return self.child.returncode, err


class Relays(Lab):
    """The relay in front of a server of one's own, and what goes wrong."""

    def __init__(self, tap):
        super().__init__(tap)
        self.stacks = stacks.Lab()
        self.server = self.stacks.openssl_server()
        self.to = "127.0.0.1:%d" % self.server.port

    def relay(self, *words):
        folder = self.path()
        return Relay(self.badmac, self.to, "--record", folder, "--keys", self.server.keylog, *words), folder

    @staticmethod
    def client(port, version="TLS 1.3"):
        """None, or what went wrong."""
        try:
            stacks.python_client(port, version, messages=stacks.SMALL_MESSAGES)
        except stacks.StackError as e:
            return str(e)
        return None

    @staticmethod
    def truth(folder):
        with open(os.path.join(folder, "truth.json"), encoding="ascii") as f:
            return json.load(f)["faults"]

    def test_nothing_put_in(self):
        for words in ([], ["--fault", "bits-flipped", "--probability", "0"]):
            relay, folder = self.relay(*words)
            for _ in range(3):
                judge.want(self.client(relay.port) is None, "a client failed")
            rc, err = relay.end()
            judge.want(rc == 0 and "3 connections, 0 faults put in" in err, "%d %s" % (rc, err))
            judge.want(self.truth(folder) == [], "faults")
            for name in ("sender", "receiver"):
                path = os.path.join(folder, name + ".pcapng")
                report = judge.check_clean(path, [], None, 3)
                judge.want(report["summary"]["records"]["verified"] > 3 * 12, "records", report)
                self.well_formed(path, 0)

    def test_every_record(self):
        relay, folder = self.relay("--fault", "bits-flipped", "--fault", "record-replayed", "--probability", "1", "--seed", "5")
        failed = [self.client(relay.port) for _ in range(8)]
        judge.want(any(failed), "no client failed")
        rc, err = relay.end(signal.SIGINT)
        judge.want(rc == 0, "%d %s" % (rc, err))
        truth = self.truth(folder)
        # Each of the two has its turn.
        judge.want({t["cause"] for t in truth} == {"bits-flipped", "record-replayed"}, "%s" % truth)
        rc, report, err = judge.diagnose(os.path.join(folder, "receiver.pcapng"))
        judge.want_exit(1, rc, report, err)
        told = sorted(f["cause"] for f in judge.failures(report))
        judge.want(told == sorted(t["cause"] for t in truth), "%s, expected %s" % (told, truth), report)

    def test_seldom(self):
        """About one record in eight, again and again: each connection that failed is told of, and no other."""
        relay, folder = self.relay("--fault", "bits-flipped", "--probability", "0.02", "--seed", "3")
        for _ in range(12):
            self.client(relay.port)
        rc, err = relay.end()
        judge.want(rc == 0, "%d %s" % (rc, err))
        truth = self.truth(folder)
        judge.want(0 < len(truth) < 12, "%d faults" % len(truth))
        rc, report, err = judge.diagnose(os.path.join(folder, "receiver.pcapng"))
        judge.want_exit(1, rc, report, err)
        found = sorted((c["id"], f["cause"], f["direction"], f["sequence_number"])
                       for c in report["connections"] for f in c["failures"])
        wanted = sorted((t["connection"], t["cause"], t["direction"], t["sequence_number"]) for t in truth)
        judge.want(found == wanted, "%s, expected %s" % (found, wanted), report)

    def test_same_seed(self):
        places = []
        for seed in ("11", "11", "12"):
            relay, folder = self.relay("--fault", "bits-flipped", "--seed", seed)
            judge.want(self.client(relay.port, "TLS 1.2"), "the client did not fail")
            relay.end()
            t = self.truth(folder)[0]
            places.append((t["record"], [d["record_offset"] for d in t["damage"]]))
        judge.want(places[0] == places[1] != places[2], "%s" % places)

    def test_other_protocols_pass(self):
        """What is no TLS goes through untouched, in pieces of any size, many at a time, and ends in order."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            relay = Relay(self.badmac, "127.0.0.1:%d" % server.getsockname()[1], "--fault", "bits-flipped", "--probability", "1")
            with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as c:
                there, _ = server.accept()
                there.settimeout(10)
                data = os.urandom(3 << 20)
                sender = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)))
                sender.start()
                got = b""
                while len(got) <= len(data):
                    b = there.recv(1 << 20)
                    if not b:
                        break
                    got += b
                sender.join(10)
                judge.want(got == data, "%d of %d octets" % (len(got), len(data)))
                there.sendall(b"bye")
                there.close()
                judge.want(c.recv(10) == b"bye" and c.recv(10) == b"", "the way back")
            clients = [socket.create_connection(("127.0.0.1", relay.port), timeout=10) for _ in range(50)]
            for n, c in enumerate(clients):
                c.sendall(b"%d" % n)
            for _ in clients:
                there, _ = server.accept()
                there.settimeout(10)
                there.sendall(b"you are " + there.recv(10))
                there.close()
            for n, c in enumerate(clients):
                judge.want(c.recv(100) == b"you are %d" % n, "client %d" % n)
                c.close()
            rc, err = relay.end()
            judge.want(rc == 0 and "51 connections, 0 faults" in err, err)

    def test_silent_client(self):
        relay, folder = self.relay("--fault", "bits-flipped")
        with socket.create_connection(("127.0.0.1", relay.port)) as silent:
            silent.sendall(b"\x16\x03\x01")
            time.sleep(0.3)
            rc, err = relay.end()
            silent.settimeout(10)
            try:
                judge.want(silent.recv(1) == b"", "it was told something")
            except ConnectionResetError:
                pass
        judge.want(rc == 0 and "1 connections, 0 faults" in err, err)
        self.well_formed(os.path.join(folder, "receiver.pcapng"), 0)

    def test_no_server(self):
        port = stacks.free_port()
        relay = Relay(self.badmac, "127.0.0.1:%d" % port)
        for _ in range(2):
            judge.want(self.client(relay.port) is not None, "a client was served")
        rc, err = relay.end()
        judge.want(rc == 0 and err.count("127.0.0.1:%d: Connection refused" % port) == 2, "%d %s" % (rc, err))

    def refused(self, says, *words, **kw):
        r = self.lab(*words, **kw)
        judge.want(r.returncode == 2 and r.stdout == "" and says in r.stderr and r.stderr.startswith("badmac: ") and
                   len(r.stderr.splitlines()) <= 2, "exit %d, %r, %r, expected %r" % (r.returncode, r.stdout, r.stderr, says))

    def test_bad_usage(self):
        out = self.path()
        self.refused("what shall the lab do", )
        self.refused("unknown command 'lab frob'", "frob")
        self.refused("unknown option --frob", "run", "--frob")
        self.refused("which fault?", "run", "-o", out)
        self.refused("-o DIR says", "run", "bits-flipped")
        self.refused("no fault 'frob'", "run", "frob", "-o", out)
        self.refused("no key 'frob'", "run", "bits-flipped:frob=1", "-o", out)
        self.refused("one word too many: 'x'", "run", "bits-flipped", "x", "-o", out)
        self.refused("bits-flipped:how=one: length= says nothing of it; it takes", "run", "bits-flipped:length=3", "-o", out)
        self.refused("record-missing: sum= says nothing of it", "relay", "--listen", "0", "--to", self.to, "--fault",
                     "record-missing:sum=dropped")
        self.refused("--timeout 0: nobody is that quick; 1 to 3600", "run", "bits-flipped", "-o", out, "--timeout", "0")
        for suite, takes in (("ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "an ECDSA key"), ("DHE_DSS_WITH_AES_128_CBC_SHA", "a DSA key"),
                             ("PSK_WITH_AES_128_GCM_SHA256", "a secret that both")):
            self.refused("TLS_%s takes " % suite, "run", "bits-flipped", "-o", out, "--cipher", "TLS_" + suite)
            self.refused(takes, "run", "bits-flipped", "-o", out, "--cipher", "TLS_" + suite)
        self.refused("--listen does not go with that", "run", "bits-flipped", "-o", out, "--listen", "1")
        self.refused("no version '1.4'", "run", "bits-flipped", "-o", out, "--tls", "1.4")
        self.refused("no cipher suite 'X'", "run", "bits-flipped", "-o", out, "--cipher", "X")
        self.refused("is no suite of TLS 1.3", "run", "bits-flipped", "-o", out, "--tls", "1.3", "--cipher",
                     "TLS_RSA_WITH_AES_128_GCM_SHA256")
        self.refused("no stack 'frob'", "run", "bits-flipped", "-o", out, "--server", "frob")
        self.refused("--seed cannot be 'x'", "run", "bits-flipped", "-o", out, "--seed", "x")
        judge.want(not os.path.exists(out), "a folder was made")
        self.refused("No such file or directory", "run", "bits-flipped", "-o", os.path.join(out, "deep"))
        self.refused("--listen and --to", "relay", "--listen", "1")
        self.refused("--keys goes with --record", "relay", "--listen", "0", "--to", self.to, "--keys", "x")
        self.refused("no fault 'frob'", "relay", "--listen", "0", "--to", self.to, "--fault", "frob")
        for p in ("2", "x", "-1", ""):
            self.refused("--probability is a number", "relay", "--listen", "0", "--to", self.to, "--probability", p)
        for to in ("1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "example.org:1", ":1"):
            self.refused("ADDRESS:PORT", "relay", "--listen", "0", "--to", to)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            self.refused("127.0.0.1:%d: Address already in use" % port, "relay", "--listen", str(port), "--to", self.to)

    def programs(self, **scripts):
        """An environment whose PATH has openssl and these scripts alone, and the file their process ids go to."""
        folder = self.path()
        os.mkdir(folder)
        pids = os.path.join(folder, "pids")
        os.symlink(shutil.which("openssl"), os.path.join(folder, "openssl"))
        for name, script in scripts.items():
            path = os.path.join(folder, name.replace("_", "-"))
            with open(path, "w", encoding="ascii") as f:
                f.write("#!/bin/sh\necho $$ >>%s\n%s\n" % (pids, script))
            os.chmod(path, 0o755)
        return dict(os.environ, PATH=folder), pids

    @staticmethod
    def is_left(pid):
        try:
            with open("/proc/%s/stat" % pid, encoding="ascii") as stat:
                # Who adopted it may not have buried it yet.
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    @classmethod
    def none_left(cls, pids):
        """What was killed may take its time where the machine is busy."""
        with open(pids, encoding="ascii") as f:
            left = f.read().split()
        deadline = time.monotonic() + 5
        while any(map(cls.is_left, left)) and time.monotonic() < deadline:
            time.sleep(0.02)
        judge.want(not any(map(cls.is_left, left)), "processes are left: %s" % [p for p in left if cls.is_left(p)])

    def test_missing_stack(self):
        env, _ = self.programs()
        self.refused("gnutls: the program gnutls-serv is not installed", "run", "bits-flipped", "-o", self.path(), "--server",
                     "gnutls", env=env)
        env["PATH"] = os.path.dirname(env["PATH"])
        self.refused("openssl is needed to make a certificate", "run", "bits-flipped", "-o", self.path(), env=env)
        r = self.lab("list", env=env)
        judge.want(r.returncode == 0 and r.stdout.count("not installed") == 6, r.stdout)

    def test_stacks_that_hang(self):
        """They start others, take no hint to end, and are gone all the same."""
        hang = "trap '' TERM; /bin/sleep 300 & echo $! >>%s; wait; wait"
        for server, client, says in ((hang, "exit 1", "gnutls-serv does not listen after 1 s"),
                                     ("echo oh no; exit 1", hang, "gnutls-serv ended before it listened: oh no"),
                                     ("echo listening on; exec /bin/sleep 300", hang, "came to no handshake within 1 s"),
                                     ("echo listening on >&2; exec /bin/sleep 300", "exit 1", "came to no handshake: listening on"),
                                     (hang, hang, "gnutls-serv does not listen after 1 s: it did not say why")):
            env, pids = self.programs()
            for name, script in (("gnutls-serv", server), ("gnutls-cli", client)):
                path = os.path.join(env["PATH"], name)
                with open(path, "w", encoding="ascii") as f:
                    f.write("#!/bin/sh\necho $$ >>%s\n%s\n" % (pids, script.replace("%s", pids)))
                os.chmod(path, 0o755)
            self.refused(says, "run", "bits-flipped", "-o", self.path(), "--server", "gnutls", "--client", "gnutls", "--timeout",
                         "1", env=env)
            self.none_left(pids)

    def test_interrupted(self):
        env, pids = self.programs(gnutls_cli="exec /bin/sleep 300")
        out = self.path()
        child = subprocess.Popen([self.badmac, "lab", "run", "bits-flipped", "-o", out, "--client", "gnutls"], env=env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not os.path.exists(pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        judge.want(child.returncode == 2 and out == b"" and err == b"badmac: interrupted\n", "%d %s" % (child.returncode, err))
        self.none_left(pids)

    def test_list(self):
        r = self.lab("list")
        judge.want(r.returncode == 0 and r.stderr == "", r.stderr)
        names = re.findall(r"^  ([a-z-]+)  ", r.stdout.split("\nfaults of a guilty")[0], re.M)
        judge.want(names == FAULTS and set(names) <= judge.CAUSES, "%s" % names)
        openssl, gnutls = r.stdout.split("  gnutls ")[0].split("  openssl ")[1], r.stdout.split("  gnutls ")[1].split("  nss ")[0]
        judge.want("TLS_AES_128_GCM_SHA256" in openssl and "TLS_RSA_WITH_AES_128_CBC_SHA\n" in openssl, openssl)
        judge.want("RC4" not in openssl, "OpenSSL has RC4?")
        if "not installed" not in gnutls:
            judge.want("TLS_RSA_WITH_RC4_128_SHA\n" in gnutls and "versions: TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3" in gnutls, gnutls)

    def test_sum_of_what_was_sent(self):
        self.run("bits-flipped:sum=sent", GCM, "gnutls", "openssl", 3)

    def all(self):
        for name in dir(self):
            if name.startswith("test_"):
                self.tap.case(name[5:].replace("_", " "), getattr(self, name))
        self.stacks.close()


def main():
    tap = judge.Tap()
    lab = Relays(tap)
    try:
        lab.all()
    finally:
        if not os.environ.get("BADMAC_KEEP"):
            shutil.rmtree(lab.dir, ignore_errors=True)
        else:
            print("# kept in " + lab.dir)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
