#!/usr/bin/env python3
"""Crimes of the lab's guilty client against real servers: what badmac says of each recording is what the client said that
it did. Then what does not fit, and programs that hang or lie. Prints TAP."""
import json
import os
import re
import shutil
import sys

import test_lab  # which finds the others
import judge
import stacks

GCM = ("1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", [])
CHACHA = ("1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", [])
CCM_8 = ("1.2", "TLS_RSA_WITH_AES_128_CCM_8", [])
CBC = ("1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", [])
INSIDE = ("1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", ["--no-etm"])
CBC11 = ("1.1", "TLS_RSA_WITH_AES_128_CBC_SHA", [])
CBC10 = ("1.0", "TLS_RSA_WITH_AES_256_CBC_SHA", [])
LONG = ("1.2", "TLS_RSA_WITH_AES_256_CCM", [])
TLS13 = ("1.3", None, [])
CHACHA13 = ("1.3", "TLS_CHACHA20_POLY1305_SHA256", [])
LONG13 = ("1.3", "TLS_AES_256_GCM_SHA384", [])
ANY = [GCM, TLS13, CBC, INSIDE, CHACHA, CBC10, CHACHA13]
SEALED = [TLS13, GCM, INSIDE, CBC11, CHACHA, CHACHA13, CBC, CCM_8]
# Cause, way, and what it can be done under. From one to the next those that are taken differ.
CRIMES = [
    ("sequence-reused", "fork", ANY), ("sequence-reused", "child-exit", ANY), ("sequence-reused", "restart", SEALED),
    ("records-interleaved", "threads", ANY), ("records-interleaved", "nested", ANY), ("records-reordered", "unlocked-send", ANY),
    ("bytes-missing", "short-write", [GCM, TLS13, CBC, INSIDE, CHACHA13]), ("plaintext-injected", "reused-descriptor", ANY),
    ("bytes-inserted", "reused-descriptor", ANY), ("bytes-inserted", "outer-alert", ANY),
    ("foreign-record", "reused-descriptor", ANY), ("foreign-record", "outer-alert", [TLS13, CHACHA13, LONG13]),
    ("foreign-record", "stale-keys", SEALED), ("sender-miscomputed", "changed-buffer", SEALED[:-1]),
    ("bad-padding", "off-by-one", [CBC, INSIDE, CBC11]), ("bad-padding", "untyped", [TLS13, CHACHA13, LONG13]),
    ("mac-construction", "mac-inside", [CBC, CBC11]), ("mac-construction", "truncated", [CBC, INSIDE, CBC11]),
    ("mac-construction", "half-key", [LONG13, LONG, INSIDE]), ("mac-construction", "inner-length", [TLS13, CHACHA13, LONG13]),
    ("reflected-record", "other-direction", SEALED), ("wrong-epoch", "handshake-key", [TLS13, CHACHA13, LONG13]),
    ("wrong-epoch", "old-key", [TLS13, CHACHA13, LONG13]), ("wrong-keys", "stale-secret", [GCM, CBC, INSIDE, CHACHA, CBC11]),
    ("wrong-keys", "mixed-log", [GCM, CBC, INSIDE, CHACHA, CBC10])]
# What cannot be proven: that a MAC is nobody's, that octets which look like a record are none of this connection, and that a
# secret is wrong whose right one is not known.
AT_MOST = {("sender-miscomputed", "changed-buffer"), ("bytes-inserted", "outer-alert"), ("wrong-keys", "mixed-log")}
# With both captures at hand.
TWICE = {"sequence-reused", "records-interleaved", "bytes-missing", "foreign-record", "sender-miscomputed"}


class Guilty(test_lab.Lab):
    def commit(self, fault, protection, server, *more):
        """The folder and the one truth."""
        version, suite, words = protection
        out = self.path()
        r = self.lab("run", fault, "--tls", version, "--server", server, "-o", out, *words, *more,
                     *(["--cipher", suite] if suite else []))
        judge.want(r.returncode == 0 and r.stderr == "", "exit %d: %s%s" % (r.returncode, r.stdout, r.stderr))
        with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"]
        judge.want(len(truth) == 1, "%d faults" % len(truth))
        truth = truth[0]
        judge.want(fault.startswith("%s:how=%s" % (truth["cause"], truth["how"])), "%s" % truth)
        judge.want(truth["version"] == "TLS " + version and suite in (None, truth["cipher_suite"]), "negotiated: %s" % truth)
        return out, truth

    def crime(self, cause, way, protection, server, seed):
        out, truth = self.commit("%s:how=%s" % (cause, way), protection, server, "--seed", str(seed))
        sender, receiver = os.path.join(out, "sender.pcapng"), os.path.join(out, "receiver.pcapng")
        rc, report, err = judge.diagnose(receiver)
        # What is given alone is wrong where nobody complained.
        judge.want_exit(3 if truth["party"] == "configuration" else 1, rc, report, err)
        found = judge.failures(report)
        judge.want(len(found) == 1, "%d failures, expected one, %s" % (len(found), truth), report)
        told = found[0]
        for k in ("cause", "direction", "sequence_number", "stream_offset", "length"):
            judge.want(told[k] == truth[k], "%s %s, expected %s; %s" % (k, told[k], truth[k], truth), report)
        judge.want(told["confidence"] == "proven" or (cause, way) in AT_MOST, told["confidence"])
        judge.want(truth["party"] in told["at_fault"], "%s, expected %s" % (told["at_fault"], truth["party"]))
        judge.want(told["checksum"]["as_captured"] == "valid", "%s" % told["checksum"])
        failed = [c["id"] for c in report["connections"] if c["failures"]]
        judge.want(failed == [truth["connection"]], "connections %s, expected %s" % (failed, truth), report)
        if cause == "bytes-missing":
            self.judge_hole(told, truth)
        else:
            judge.want(self.runs(told) == self.runs(truth), "damage %s, expected %s" % (told["damage"], truth["damage"]))
        if cause in TWICE:
            # Bad in both alike: nobody behind the second of them.
            rc, report, err = judge.diagnose([sender, receiver])
            found = judge.failures(report)
            judge.want(rc == 1 and [f["cause"] for f in found] == [cause], "two captures: exit %d" % rc, report)
            judge.want(truth["party"] in found[0]["at_fault"] and not [p for p in found[0]["at_fault"] if "receiver" in p],
                       "two captures: %s" % found[0]["at_fault"])
        if seed % 8 == 0:
            self.well_formed(receiver, 0)
        shutil.rmtree(out)

    @staticmethod
    def runs(failure):
        return [(d["record_offset"], d["stream_offset"], d["length"], d["received"], d["sent"]) for d in failure["damage"]]

    @staticmethod
    def judge_hole(told, truth):
        """The rest of the record: where it begins is known to some octets, what it was is not."""
        d, t = told["damage"][0], truth["damage"][0]
        judge.want(len(told["damage"]) == 1 and d["length"] == 0 and d["received"] == "" and d["sent"] in (None, t["sent"]), "%s" % d)
        evidence = " ".join(told["evidence"])
        between = re.search(r"the hole begins between offsets (\d+) and (\d+)", evidence)
        low, high = map(int, between.groups()) if between else (d["record_offset"],) * 2
        judge.want(low <= t["record_offset"] <= high and high - low < 64, "%d to %d, expected %s" % (low, high, t))
        judge.want("%d of which never came" % (len(t["sent"]) // 2) in evidence, evidence)

    def jobs(self):
        jobs, n = [], 0
        for server, programs in (("openssl", ("openssl",)), ("gnutls", ("gnutls-serv",))):
            if not stacks.have(*programs):
                self.tap.report("against %s" % server, skip="not installed")
                continue
            for cause, way, protections in CRIMES:
                # No encrypt-then-MAC between that server and libssl.
                against = "node" if way == "mac-inside" and server == "gnutls" else server
                n += 1
                # Not the same one for both.
                p = protections[(n + (n > len(CRIMES) and len(CRIMES) % len(protections) == 0)) % len(protections)]
                jobs.append((self.tap.case, "%s:how=%s against %s, TLS %s" % (
                    cause, way, against, " ".join([p[0], *([p[1]] if p[1] else []), *p[2]])), self.crime, cause, way, p, against, n))
        return jobs


class Refusals(Guilty):
    """What cannot be, and what may go wrong."""

    def refused(self, says, *words, env=None, badmac=None):
        was, self.badmac = self.badmac, badmac or self.badmac
        try:
            r = self.lab(*words, env=env)
        finally:
            self.badmac = was
        judge.want(r.returncode == 2 and r.stdout == "" and says in r.stderr and r.stderr.startswith("badmac: ") and
                   len(r.stderr.splitlines()) <= 2, "exit %d, %r, %r, expected %r" % (r.returncode, r.stdout, r.stderr, says))

    def test_what_does_not_fit(self):
        out = self.path()
        for says, *words in (
                ("wrong-epoch:how=old-key cannot be done in TLS 1.2, but in TLS 1.3", "wrong-epoch:how=old-key", "--tls", "1.2"),
                ("wrong-keys:how=stale-secret cannot be done in TLS 1.3", "wrong-keys", "--tls", "1.3"),
                ("takes a CBC suite", "bad-padding", "--cipher", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
                ("takes encrypt-then-MAC", "mac-construction", "--no-etm"),
                ("--client does not go with it", "sequence-reused", "--client", "gnutls"),
                ("direction=s2c does not go with it", "sequence-reused:direction=s2c"),
                ("byte= does not go with it", "bytes-missing:how=short-write,byte=7"),
                ("how cannot be 'frob'", "sequence-reused:how=frob")):
            self.refused(says, "run", *words, "-o", out)
        judge.want(not os.path.exists(out), "a folder was made")
        # Known only once both have met.
        if stacks.have("gnutls-serv"):
            self.refused("encrypt-then-MAC was not negotiated", "run", "mac-construction:how=mac-inside", "-o", out, "--server",
                         "gnutls")
        self.refused("is what a client does, and no relay can", "relay", "--listen", "0", "--to", "127.0.0.1:1", "--fault",
                     "bits-flipped", "--fault", "foreign-record:how=stale-keys")

    def test_by_itself(self):
        """Version and suite are its own where none is asked for; where in the conversation follows from the seed."""
        places = []
        for fault, more in (("wrong-epoch:how=handshake-key", []), ("bad-padding:how=off-by-one", ["--seed", "3"]),
                            ("bad-padding:how=off-by-one", ["--seed", "3"]), ("bad-padding:how=off-by-one,record=0", [])):
            out = self.path()
            r = self.lab("run", fault, "-o", out, *more)
            judge.want(r.returncode == 0, r.stderr)
            with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
                t = json.load(f)["faults"][0]
            places.append((t["version"], t["cipher_suite"].split("_")[-2], t["record"]))
        judge.want(places[0][0] == "TLS 1.3" and places[1] == places[2] and places[1][:2] == ("TLS 1.2", "CBC") and
                   places[3][2] == 0, "%s" % places)

    def alone(self, script=None):
        """badmac by itself, and an environment that has openssl and perhaps a guilty program that is this script."""
        folder = self.path()
        os.mkdir(folder)
        env, pids = test_lab.Relays.programs(self, **({"badmac_lab_guilty": script} if script else {}))
        badmac = os.path.join(folder, "badmac")
        shutil.copy(self.badmac, badmac)
        return {"env": env, "badmac": badmac}, pids

    def test_not_installed(self):
        kw, _ = self.alone()
        self.refused("the program badmac-lab-guilty is not installed", "run", "sequence-reused", "-o", self.path(), **kw)
        kept, self.badmac = self.badmac, kw["badmac"]
        r = self.lab("list", env=kw["env"])
        self.badmac = kept
        judge.want(r.returncode == 0 and "(badmac-lab-guilty is not installed)" in r.stdout, r.stdout)

    def test_programs_that_hang_or_lie(self):
        line = "guilty: connection=0 version=0303 suite=c02f record=2 sequence=3 offset=1 length=9 party=sender-tls damage=-"
        for says, script in (("does not end within 1 s: oh", "trap '' TERM; echo oh; /bin/sleep 300 & echo $! >>%s; wait; wait"),
                             ("was not done: oh no", "echo oh no; exit 1"), ("was not done: ", "kill -KILL $$"),
                             ("does not say what it did: hello", "echo hello"),
                             ("does not say what it did: " + line, "echo '%s'; echo '%s'" % (line, line)),
                             ("does not say what it did: guilty: x", "echo 'guilty: x'"),
                             ("says what cannot be of the connection that the relay saw: " + line, "echo '%s'" % line)):
            kw, pids = self.alone(script)
            if "%s" in script:
                path = os.path.join(kw["env"]["PATH"], "badmac-lab-guilty")
                with open(path, encoding="ascii") as f:
                    text = f.read()
                with open(path, "w", encoding="ascii") as f:
                    f.write(text.replace("%s", pids))
            self.refused(says, "run", "sequence-reused", "-o", self.path(), "--timeout", "1", **kw)
            test_lab.Relays.none_left(pids)

    def test_list(self):
        r = self.lab("list")
        part = r.stdout.split("faults of a guilty client, for badmac lab run alone:\n")[1].split("\nstacks,")[0]
        cause, ways = None, []
        for l in part.splitlines():
            m = re.match(r"  (?:([a-z-]+)  |  how=([a-z-]+) )", l)
            if m:
                cause = m.group(1) or cause
                ways += [(cause, m.group(2))] if m.group(2) else []
        judge.want(ways == [(c, w) for c, w, _ in CRIMES], "%s" % ways)
        judge.want({c for c, _ in ways} <= judge.CAUSES, "causes")

    def all(self):
        for name in dir(self):
            if name.startswith("test_"):
                self.tap.case(name[5:].replace("_", " "), getattr(self, name))


def main():
    tap = judge.Tap()
    lab = Refusals(tap)
    try:
        lab.all()
        judge.in_parallel(lab.jobs())
    finally:
        shutil.rmtree(lab.dir, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
