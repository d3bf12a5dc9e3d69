#!/usr/bin/env python3
"""The lab's own programs around Mbed TLS and wolfSSL, NSS as a server, faults by time, and every way to record: what
badmac says of each recording is what truth.json says was done. Prints TAP."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_lab import Lab, Relay, judge, stacks  # noqa: E402

GCM = ("TLS 1.2 GCM", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", [], "aead")
CHACHA = ("TLS 1.2 ChaCha20", "1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", [], "aead")
RC4 = ("TLS 1.2 RC4", "1.2", "TLS_ECDHE_RSA_WITH_RC4_128_SHA", [], "mte")
CCM = ("TLS 1.2 CCM", "1.2", "TLS_RSA_WITH_AES_128_CCM", [], "aead")
CBC10 = ("TLS 1.0 CBC", "1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", ["--no-etm"], "mte")
CBC11 = ("TLS 1.1 CBC", "1.1", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", [], "etm")
TLS13 = ("TLS 1.3", "1.3", None, [], "aead")
# Server, client, protection, fault. Mbed TLS splits records of TLS 1.0: of its odd ones more than the MAC can be hit.
PAIRS = [
    ("mbedtls", "openssl", CHACHA, "bits-flipped:direction=c2s"), ("mbedtls", "openssl", CBC10, "bits-flipped:direction=s2c,record=3"),
    ("openssl", "mbedtls", GCM, "bits-flipped:direction=s2c"), ("openssl", "mbedtls", CBC11, "record-replayed:direction=c2s"),
    ("mbedtls", "gnutls", CCM, "bytes-damaged:direction=c2s"), ("wolfssl", "openssl", TLS13, "bits-flipped:direction=c2s"),
    ("wolfssl", "mbedtls", RC4, "bits-flipped:direction=c2s"), ("openssl", "wolfssl", TLS13, "bits-flipped:direction=s2c"),
    ("gnutls", "wolfssl", CHACHA, "bits-flipped:direction=s2c"), ("nss", "openssl", GCM, "bits-flipped:direction=c2s"),
    ("nss", "gnutls", TLS13, "bytes-damaged:direction=s2c"), ("nss", "mbedtls", CBC11, "record-replayed:direction=s2c"),
]
# How the end that detects it says so, and what badmac explain calls that stack.
WORDS = {"mbedtls": (r"returned -0x7180: SSL - Verification of the message MAC failed", "Mbed TLS"),
         "wolfssl": (r"error = (-305, verify mac problem|-180, AES-GCM Authentication check fail)", "wolfSSL"),
         "nss": (r"HDX PR_Read returned error -12273", "NSS")}
# wolfSSL has other words where an HMAC is wrong.
WORDS_HMAC = {**WORDS, "wolfssl": (r"error = -312, error during decryption", "wolfSSL")}
# Shape, fault, wrong checksums in the recording of the receiver where tshark can tell. Record 3 is longer than a segment.
SHAPES = [("merged", "bits-flipped:record=3", None), ("merged", "bits-flipped:record=3,sum=sent", None),
          ("merged", "bytes-missing:record=3", None), ("merged", "retransmission-differs:record=3", None),
          ("repeated", "bits-flipped:sum=sent", 2),
          ("merged,repeated", "words-swapped:record=3", None), ("ipv6", "bits-flipped:sum=sent", 1),
          ("merged,ipv6", "bytes-damaged:record=3,direction=s2c", None), ("segments,ipv4", "tag-damaged", 0)]


class Stacks(Lab):
    def __init__(self, tap):
        super().__init__(tap)
        self.listed = self.lab("list").stdout

    def has(self, *names):
        return not any(re.search(r"^  %s +not installed" % n, self.listed, re.M) for n in names)

    def abilities(self, name):
        """(versions, suites) that lab list tells of a stack."""
        part = re.search(r"^  %s +(?!not installed).*\n((?:    .*\n)*)" % name, self.listed, re.M)
        judge.want(part, "%s is not listed:\n%s" % (name, self.listed))
        versions = re.search(r"^    versions: (.*)$", part.group(1), re.M)
        return versions.group(1).split(", ") if versions else [], re.findall(r"^      (TLS_\S+)$", part.group(1), re.M)

    def record(self, fault, protection, server, client, seed, *more):
        """(folder, truth, what run said)"""
        _, version, suite, words, _ = protection
        out = self.path()
        r = self.lab("run", fault, "--tls", version, "--server", server, "--client", client, "--seed", str(seed), "-o", out,
                     *words, *(["--cipher", suite] if suite else []), *more)
        judge.want(r.returncode == 0 and r.stderr == "", "exit %d: %s%s" % (r.returncode, r.stdout, r.stderr))
        with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"]
        judge.want(len(truth) == 1, "%d faults put in" % len(truth))
        judge.want(truth[0]["version"] == "TLS " + version and suite in (None, truth[0]["cipher_suite"]), "%s" % truth)
        return out, truth[0], r.stdout

    def judge_both(self, out, fault, protection, truth):
        self.judge_received(os.path.join(out, "receiver.pcapng"), fault, protection[4], truth)
        self.judge_sent(os.path.join(out, "sender.pcapng"))

    # Between stacks -------------------------------------------------------------------------------------------

    def between(self, server, client, protection, fault, seed):
        out, truth, _ = self.record(fault, protection, server, client, seed)
        self.judge_both(out, fault, protection, truth)
        for side in ("sender", "receiver"):
            self.well_formed(os.path.join(out, side + ".pcapng"), 0)
        if fault.startswith("bits-flipped"):
            self.judge_words(out, server if "c2s" in fault else client, fault, protection[4])
        shutil.rmtree(out)

    def judge_words(self, out, name, fault, kind):
        """The end that received the damage says so in its library's words, and explain understands them."""
        words, title = (WORDS if kind == "aead" else WORDS_HMAC).get(name, (None, None))
        if words is None:
            return
        log = os.path.join(out, "server.log" if "c2s" in fault else "client.log")
        with open(log, "rb") as f:
            said = f.read().decode("ascii", "replace")
        judge.want(re.search(words, said), "%s: %s" % (log, said[-500:]))
        if title is not None:
            r = subprocess.run([self.badmac, "explain", log], stdout=subprocess.PIPE, timeout=30, universal_newlines=True)
            judge.want("this end detected it" in r.stdout and re.search(r"said by +" + title, r.stdout), r.stdout[:800])

    def pairs(self):
        for n, (server, client, protection, fault) in enumerate(PAIRS):
            name = "%s to %s, %s: %s" % (client, server, protection[0], fault)
            if not self.has(server, client):
                self.tap.report(name, skip="not installed")
            else:
                yield self.tap.case, name, self.between, server, client, protection, fault, n

    def no_keys(self):
        """wolfSSL shows no secrets of TLS 1.3: between two of them nobody writes any, and run says so."""
        out, _, said = self.record("bits-flipped", TLS13, "wolfssl", "wolfssl", 1)
        judge.want("None of them writes its keys. Without keys" in said and "--server openssl" in said and "TLS_RSA" not in said, said)
        rc, report, err = judge.diagnose(os.path.join(out, "receiver.pcapng"))
        judge.want(report["connections"][0]["keys"] is None, "keys from where?", report)

    def no_keys_but_the_key(self):
        """Between two NSS nobody writes any either; with RSA key exchange the command that is told needs none."""
        out, _, said = self.record("bits-flipped", ("RSA", "1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", [], "mte"), "nss", "nss", 1)
        told = re.search(r"To diagnose it: badmac (diagnose -k .*/server.key .*/receiver.pcapng)\n", said)
        judge.want(told, said)
        r = subprocess.run([self.badmac, *told.group(1).split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, timeout=60)
        judge.want(r.returncode == 1 and "cause    bits-flipped (proven)" in r.stdout, r.stdout + r.stderr)
        _, _, said = self.record("bits-flipped", GCM, "nss", "nss", 1)
        judge.want("To diagnose what shows: badmac diagnose " in said and "RSA key exchange (--cipher TLS_RSA_WITH_AES" in said, said)

    # By time --------------------------------------------------------------------------------------------------

    def after_in_run(self):
        for fault, low, high in (("bits-flipped:after=700ms,direction=s2c", 700, 1500), ("record-missing:after=1s", 1000, 2000)):
            out, truth, _ = self.record(fault, GCM, "openssl", "openssl", 1)
            judge.want(low <= truth["age_ms"] < high, "%s" % truth)
            self.judge_both(out, fault, GCM, truth)

    def after_in_relay(self, server):
        """A connection that lives through it and one that is over before."""
        out = self.path()
        relay = Relay(self.badmac, "127.0.0.1:%d" % server.port, "--record", out, "--keys", server.keylog, "--fault",
                      "bits-flipped:after=500ms", "--capture", "ipv6")
        try:
            stacks.python_client(relay.port, "TLS 1.2", messages=stacks.SMALL_MESSAGES)

            class Late(list):
                def __iter__(self):
                    for n, m in enumerate(super().__iter__()):
                        time.sleep(0.3 if n < 3 else 0)
                        yield m
            try:
                stacks.python_client(relay.port, "TLS 1.2", messages=Late(stacks.SMALL_MESSAGES))
                raise judge.Mismatch("the second client noticed nothing")
            except stacks.StackError:
                pass
        finally:
            rc, err = relay.end()
        judge.want(rc == 0 and "2 connections, 1 faults put in" in err, "%d %s" % (rc, err))
        with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"][0]
        judge.want(truth["connection"] == 1 and 500 <= truth["age_ms"] < 3000, "%s" % truth)
        self.judge_received(os.path.join(out, "receiver.pcapng"), "bits-flipped", "aead", truth)

    # Ways to record -------------------------------------------------------------------------------------------

    def shape(self, shape, fault, wrong_sums, seed):
        out, truth, _ = self.record(fault, GCM, "openssl", "openssl", seed, "--capture", shape)
        self.judge_both(out, fault, GCM, truth)
        receiver = os.path.join(out, "receiver.pcapng")
        rc, report, err = judge.diagnose([os.path.join(out, "sender.pcapng"), receiver])
        judge.want_exit(1, rc, report, err)
        judge.want([f["cause"] for f in judge.failures(report)] == [truth["cause"]], "of both places", report)
        sums = report["connections"][0]["failures"][0]["checksum"]
        if "sum=sent" in fault:
            judge.want(sums["as_captured"] == "invalid", "%s" % sums)
        judge.want(("2001:db8:" in report["connections"][0]["client"]) == ("ipv6" in shape), "addresses", report)
        if wrong_sums is not None:
            self.well_formed(receiver, wrong_sums)
        self.frames(os.path.join(out, "sender.pcapng"), receiver, "merged" in shape)

    @staticmethod
    def frames(sender, receiver, merged):
        """Longest TCP payloads: above a segment's where frames are merged, and a line of 2900 octets is one then."""
        for path in (sender, receiver):
            r = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "tcp.len"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, universal_newlines=True, timeout=60)
            longest = max(int(n) for n in r.stdout.split())
            judge.want(1448 < longest if merged else longest <= 1448, "%s: %d octets in a frame" % (path, longest))

    def dropped(self, shape, protection, server, fault, seed):
        """Damage that the receiver dropped for its checksum, and got again: nothing is wrong, at either place."""
        out, truth, _ = self.record(fault, protection, server, "openssl", seed, "--capture", shape)
        judge.want(truth["mended"] is True and truth["damage"], "%s" % truth)
        sender, receiver = (os.path.join(out, side + ".pcapng") for side in ("sender", "receiver"))
        for paths in (receiver, sender, [sender, receiver]):
            rc, report, err = judge.diagnose(paths)
            judge.want_exit(0, rc, report, err)
            judge.want_counts(report, None)
            judge.want(not judge.failures(report), "failures", report)
        if shape == "segments":
            self.well_formed(receiver, 1)
            self.well_formed(sender, 0)

    def not_dropped(self):
        """No checksum shows it, so no receiver drops it."""
        r = self.lab("run", "words-swapped:sum=dropped", "-o", self.path())
        judge.want(r.returncode == 2 and "words-swapped was not put in" in r.stderr, "%d %s" % (r.returncode, r.stderr))

    def snapped(self):
        out, _, _ = self.record("bits-flipped", GCM, "openssl", "openssl", 1, "--capture", "snap=120")
        rc, report, err = judge.diagnose(os.path.join(out, "receiver.pcapng"))
        judge.want_exit(3, rc, report, err)
        r = subprocess.run(["tshark", "-r", os.path.join(out, "receiver.pcapng"), "-T", "fields", "-e", "frame.cap_len", "-e",
                            "frame.len"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True, timeout=60)
        lengths = [tuple(map(int, line.split())) for line in r.stdout.splitlines()]
        judge.want(max(cap for cap, _ in lengths) == 120 and max(n for _, n in lengths) > 1000, "%s" % lengths)

    def bad_words(self):
        for words, says in ((["run", "bits-flipped", "-o", self.path(), "--capture", "frob"], "a capture cannot be 'frob'"),
                            (["run", "bits-flipped", "-o", self.path(), "--capture", "snap=5"], "a capture cannot be 'snap=5'"),
                            (["run", "bits-flipped:after=5", "-o", self.path()], "after cannot be '5'"),
                            (["run", "bits-flipped:sum=x", "-o", self.path()], "sum cannot be 'x'"),
                            (["list", "--capture", "merged"], "--capture does not go with that"),
                            (["relay", "--listen", "0", "--to", "127.0.0.1:1", "--capture", "merged"],
                             "--capture goes with --record")):
            r = self.lab(*words)
            judge.want(r.returncode == 2 and r.stdout == "" and says in r.stderr, "%s: %r" % (words, r.stderr))

    def recordings(self):
        for n, (shape, fault, wrong_sums) in enumerate(SHAPES):
            yield self.tap.case, "recorded %s: %s" % (shape, fault), self.shape, shape, fault, wrong_sums, n
        yield self.tap.case, "dropped and sent again", self.dropped, "segments", GCM, "openssl", "bits-flipped:sum=dropped", 1
        yield self.tap.case, "dropped and sent again, merged", self.dropped, "merged", TLS13, "openssl", \
            "bytes-damaged:sum=dropped,direction=s2c", 2
        name = "dropped and sent again, in 64 KB frames"
        if self.has("nss"):
            yield self.tap.case, name, self.dropped, "merged", GCM, "nss", "tag-damaged:sum=dropped,direction=s2c", 3
        else:
            self.tap.report(name, skip="not installed")

    # What is there --------------------------------------------------------------------------------------------

    def list(self):
        versions = ["TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"]
        for name, those, suites in (("mbedtls", versions[:3], {GCM[2], RC4[2], CCM[2]}), ("wolfssl", versions[1:], {RC4[2], CBC11[2]}),
                                    ("node", versions, {GCM[2], "TLS_AES_256_GCM_SHA384"}),
                                    ("jsse", versions, {GCM[2], CBC10[2], "TLS_AES_128_GCM_SHA256"})):
            if self.has(name):
                told, names = self.abilities(name)
                judge.want(told == those and suites <= set(names), "%s: %s %s" % (name, told, names))
                judge.want(("TLS_AES_128_GCM_SHA256" in names) == ("TLS 1.3" in those), "%s: %s" % (name, names))
        judge.want("snap=N" in self.listed, self.listed)

    def refused_suite(self):
        """What it does not list, it does not take."""
        for name, words in (("mbedtls", ["--tls", "1.3"]), ("wolfssl", ["--tls", "1.0"]), ("wolfssl", ["--cipher", CCM[2]])):
            if self.has(name):
                r = self.lab("run", "bits-flipped", "-o", self.path(), "--server", name, *words)
                judge.want(r.returncode == 2 and "is not in the library" in r.stderr, "%d %s" % (r.returncode, r.stderr))

    def missing(self):
        """A badmac without its programs beside it, and a path with one program alone."""
        folder = self.path()
        os.mkdir(folder)
        alone = os.path.join(folder, "badmac")
        shutil.copy(self.badmac, alone)
        for name in ("openssl", "selfserv", "tstclnt"):
            if shutil.which(name):
                os.symlink(shutil.which(name), os.path.join(folder, name))

        def ask(*words):
            return subprocess.run([alone, "lab", *words], env=dict(os.environ, PATH=folder), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, universal_newlines=True)
        said = ask("list").stdout
        for name in ("mbedtls", "wolfssl"):
            program = "badmac-lab-" + name
            judge.want(re.search(r"^  %s +not installed \(%s, %s\)$" % (name, program, program), said, re.M), said)
            for side in ("--server", "--client"):
                r = ask("run", "bits-flipped", "-o", self.path(), side, name)
                judge.want(r.returncode == 2 and "%s: the program %s is not installed" % (name, program) in r.stderr, r.stderr)
        if self.has("nss"):
            r = ask("run", "bits-flipped", "-o", self.path(), "--server", "nss")
            judge.want(r.returncode == 2 and "nss: the program certutil is not installed" in r.stderr, r.stderr)

    def others(self):
        if self.has("wolfssl"):
            yield self.tap.case, "no keys", self.no_keys
        else:
            self.tap.report("no keys", skip="not installed")
        if self.has("nss"):
            yield self.tap.case, "no keys but the key", self.no_keys_but_the_key
        else:
            self.tap.report("no keys but the key", skip="not installed")
        for name in ("after_in_run", "not_dropped", "snapped", "bad_words", "list", "refused_suite", "missing"):
            yield self.tap.case, name.replace("_", " "), getattr(self, name)


def main():
    tap = judge.Tap()
    lab, own = Stacks(tap), stacks.Lab()
    try:
        relayed = tap.case, "after in relay", lab.after_in_relay, own.openssl_server()
        # They wait for each other's pauses most of the time.
        judge.in_parallel([*lab.pairs(), *lab.recordings(), *lab.others(), relayed], workers=4)
    finally:
        own.close()
        if not os.environ.get("BADMAC_KEEP"):
            shutil.rmtree(lab.dir, ignore_errors=True)
        else:
            print("# kept in " + lab.dir)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
