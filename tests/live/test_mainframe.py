#!/usr/bin/env python3
"""The original case (examples/mainframe): JSSE calls a TLS 1.0 server with RC4, and every cause that can have made its log
is brought about at a known record. badmac has the client's side alone, and the keys of its log or the server's."""
import os
import subprocess
import sys

import judge
import wire
from wire import C2S, S2C

EXAMPLE = os.path.join(judge.ROOT, "examples", "mainframe")
sys.path.insert(0, EXAMPLE)
import mainframe  # noqa: E402

ANSWER = ["483", "16148", "282"]
ALERT = 22  # octets: two of them are the alert, the rest is the MAC
WAIT_MS = 1500


class Mainframe:
    def __init__(self):
        self.tap, self.lab = judge.Tap(), None

    def run(self, variant, seed, **how):
        run = mainframe.run(self.lab, variant, seed, timeout_ms=WAIT_MS if variant == "proxy-end" else 30000, **how)
        sizes = [len(r) - 5 for c in run.conversations for r in c.application(S2C)]
        if variant not in ("proxy", "proxy-end"):
            judge.want(sizes == [int(n) for n in ANSWER] * (len(sizes) // 3), "records of %s" % sizes)
        return run

    def clean(self):
        run = self.run(None, 1)
        judge.want(run.good() == len(run.calls) == 24, "calls %s" % run.calls)
        judge.want(not run.faults and not mainframe.log_says(run.log), "faults")
        records = sum(len(c.protected()) for c in run.conversations)
        for key, source in ((run.log, "jsse log"), (run.server_key, "private key")):
            report = judge.check_clean(run.capture, [key], records, len(run.conversations))
            if report is None:
                continue
            for c in report["connections"]:
                told = (c["version"], c["cipher_suite"], c["keys"])
                judge.want(told == ("TLS 1.0", "TLS_RSA_WITH_RC4_128_SHA", source), "%s %s %s" % told)
            judge.want({c["resumed"] for c in report["connections"]} == {True, False}, "no session was resumed")

    def alerts(self, run, expected):
        """In the log, and in the capture."""
        log = mainframe.log_says(run.log)
        judge.want(log == [(r, "bad_record_mac") for r in expected], "log: %s" % log)
        sent = [len(r) - 5 for c in run.conversations for r in c.protected(C2S)
                if r.type == wire.ALERT and c.protected(S2C)[-1].type != wire.ALERT]
        judge.want(sent[:len(expected)] == [ALERT] * len(expected), "alerts of %s octets" % sent)

    def ask(self, variant, run):
        """With either key the same, and what was done."""
        answers = [mainframe.ask(run, key) for key in (run.log, run.server_key)]
        for a in answers:
            lacks = mainframe.shortfall(variant, run, a)
            judge.want(lacks is None, "%s" % lacks, a[1])
        by_log, by_key = ([(r, f["cause"], f["sequence_number"], f["damage"], f["at_fault"]) for r, f in a[2]]
                          for a in answers)
        judge.want(by_log == by_key, "another answer with the server's key")
        return answers[0][2]

    def chosen(self, variant, answer, seq, calls, log, **how):
        """One thread and one spoilt answer, so that its record is known beforehand."""
        run = self.run(variant, 1, calls=10, threads=1, chosen=[answer], **how)
        judge.want([f.seq for f in run.faults] == [seq], "spoilt: %s" % [f.seq for f in run.faults])
        judge.want(run.good() == calls and len(run.calls) == 10, "calls %s" % run.calls)
        self.alerts(run, log)
        return self.ask(variant, run)

    def pool(self, variant, seed):
        run = self.run(variant, seed)
        judge.want(len(run.faults) == 2 and len(run.calls) == 24, "faults, calls %s" % run.calls)
        judge.want(run.good() == (24 if variant == "close" else 22), "calls %s" % run.calls)
        self.ask(variant, run)

    def fourth(self, variant, first=None):
        """first: who is at fault before all others."""
        page = variant == "proxy"
        found = self.chosen(variant, 3, 11 if page else 12, 9, [ANSWER[:2] if page else ANSWER])
        judge.want(len(found) == 1 and first in (None, found[0][1]["at_fault"][0]), "at fault %s" % found[0][1]["at_fault"])

    def without_keys(self):
        """What only keys can tell is not told without."""
        run = self.run("network", 3)
        rc, report, err = judge.diagnose(run.capture)
        judge.want_exit(3, rc, report, err)
        judge.want(not judge.failures(report), "failures without keys", report)

    def usage(self):
        for args, word in ((["nothing"], "no variant 'nothing'"), (["--calls", "1"], "too few calls")):
            r = subprocess.run([os.path.join(EXAMPLE, "run"), *args], capture_output=True, text=True, timeout=60, check=False)
            judge.want(r.returncode == 2 and word in r.stderr and not r.stdout, "exit %d: %s" % (r.returncode, r.stderr))

    def all(self):
        lacking = mainframe.missing()
        if lacking:
            self.tap.report("the original case", skip=lacking)
            return self.tap.end()
        self.lab = mainframe.stacks.Lab()
        mainframe.build(self.lab)
        case = self.tap.case
        case("nothing spoilt: every call is answered, every record verifies", self.clean)
        for variant, first in (("network", "network"), ("proxy", None), ("skipped", "sender-application"),
                               ("keystream", None), ("twice", "sender-application"), ("readers", "receiver-tls")):
            case(variant + ": the fourth answer", self.fourth, variant, first)
        case("proxy-end: the client waits, and nobody complains", self.chosen, "proxy-end", 3, 12, 9, [])
        case("proxy-end: the close_notify behind it fills the hole", self.chosen, "proxy-end", 4, 15, 9, [ANSWER])
        case("close: the reader is not disturbed", self.chosen, "close", 3, 12, 10, [])
        for variant in mainframe.VARIANTS:
            case(variant + ": two of 24 calls from a pool of threads", self.pool, variant, 2)
        case("network: without keys", self.without_keys)
        case("run: bad usage", self.usage)
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Mainframe().all())
