#!/usr/bin/env python3
"""badmac lab score: every fault between all stacks that are installed, judged by the lab; the recordings are well-formed in
tshark's eyes, and a second judge, here, agrees. Then what is missing, what hangs, and a score that is interrupted. Prints
TAP."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
import judge  # noqa: E402
from test_lab import FAULTS, IN_PLACE, Lab  # noqa: E402

STACKS = ("openssl", "gnutls", "nss", "mbedtls", "wolfssl", "go", "node", "jsse")
# What badmac is known to get wrong: fault, protection, which captures, what is not right. Each is to be mended.
KNOWN = [
    (r"^bits-flipped:how=pair", r"CCM_8", "receiver", r"cause unexplained, not bits-flipped"),
    (r"^records-interleaved:how=nested", r"TLS 1\.0 .*CBC", "receiver", r"cause unexplained, not"),
    (r"^records-interleaved:how=nested", r"TLS 1\.0 .*CBC", "both", r"cause unexplained, not"),
    (r"^record-missing", r"TLS 1\.0 .*CBC", "receiver", r"cause unexplained, not record-missing"),
]


def fault_of(run):
    return run["fault"] + (":how=" + run["how"] if run["how"] else "")


def protection_of(run):
    return "%s %s%s" % (run["version"], run["cipher_suite"] or "as they like it", ", MAC inside" if run["no_etm"] else "")


def is_known(run, view):
    return any(re.search(fault, fault_of(run)) and re.search(protection, protection_of(run)) and of == view and
               re.match(problem, run[view]["problem"]) for fault, protection, of, problem in KNOWN)


class Scores(Lab):
    def __init__(self, tap):
        super().__init__(tap)
        self.out = self.path()
        self.began = time.monotonic()
        self.result = self.lab("score", "--quick", "--format", "json", "-o", self.out, timeout=400)
        self.report = json.loads(self.result.stdout) if self.result.returncode in (0, 1) else None

    def case_of(self, run):
        judge.want(run["state"] == "judged", "%s: %s" % (run["state"], run["because"]))
        for view in ("receiver", "both", "sender"):
            answer = run[view]
            if view == "sender" and answer is None:
                judge.want(self.truth_of(run)["party"] != "network", "the sender's capture was not shown")
                continue
            judge.want(answer is not None, "%s was not shown" % view)
            judge.want(answer["right"] or is_known(run, view), "%s: %s\n%s" % (view, answer["problem"], run["command"]))
            if not answer["right"]:
                print("# known to be wrong: %s: %s" % (view, answer["problem"]))
        self.second_judge(run)

    def truth_of(self, run):
        return self.truth_in(os.path.join(self.out, "%04d" % run["number"], "run"))

    @staticmethod
    def truth_in(folder):
        with open(os.path.join(folder, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"]
        judge.want(len(truth) == 1, "%d faults put in" % len(truth))
        return truth[0]

    @classmethod
    def agrees(cls, report, truth):
        """Whether the report names the fault itself, its place and, where octets were changed in place, each of them."""
        found = judge.failures(report)
        if not found or any(f["cause"] != truth["cause"] for f in found):
            return False
        told = [f for f in found if all(f[k] == truth[k] for k in ("direction", "sequence_number", "stream_offset"))]
        return len(told) == 1 and (truth["cause"] not in IN_PLACE or any(d["sent"] is None for d in told[0]["damage"]) or
                                   cls.octets(told[0]) == cls.octets(truth))

    def second_judge(self, run):
        """Goes by what was kept, and by the names of the faults alone."""
        folder, truth = os.path.join(self.out, "%04d" % run["number"]), self.truth_of(run)
        judge.want(truth["cause"] == run["fault"] and truth["direction"] == run["direction"], "%s" % truth)
        judge.want(truth["version"] == run["version"] and run["cipher_suite"] in (None, truth["cipher_suite"]), "%s" % truth)
        for view in ("receiver", "both"):
            answer = run[view]
            with open(os.path.join(folder, "seen", view + ".json"), encoding="ascii") as f:
                report = json.load(f)
            mine = self.agrees(report, truth)
            if answer["cause"] != "as right":
                judge.want(mine == (answer["cause"] == "right" and answer["located"] and answer["octets"] != "wrong"),
                           "%s: another judge says %s" % (view, mine), report)
        judge.want(sorted(os.listdir(os.path.join(folder, "seen"))) == sorted(
            ["sender.pcapng", "receiver.pcapng"] + [v + ".json" for v in ("receiver", "both", "sender") if run[v]]), "seen")

    def test_sums(self):
        r, report = self.result, self.report
        right = sum(run["right"] for run in report["runs"])
        judged = [run for run in report["runs"] if run["state"] == "judged"]
        judge.want(report["schema"] == "badmac.lab-score.v1" and report["seed"] == 1 and r.stderr == "", r.stderr)
        judge.want((report["right"], report["of"]) == (right, len(judged)), "%s of %s" % (report["right"], report["of"]))
        judge.want(r.returncode == (0 if right == len(judged) else 1), "exit %d" % r.returncode)
        wrong = sum(run[v]["proven_and_wrong"] for run in judged for v in ("receiver", "both", "sender") if run[v])
        judge.want(report["proven_and_wrong"] == wrong, "%s, counted %s" % (report["proven_and_wrong"], wrong))
        judge.want(report["not_run"] == report["not_put_in"] == 0, "%d, %d" % (report["not_run"], report["not_put_in"]))

    def test_each_fault_and_stack(self):
        counts = {f: sum(run["fault"] == f and run["state"] == "judged" for run in self.report["runs"]) for f in FAULTS}
        judge.want(all(n >= 2 for n in counts.values()), "%s" % counts)
        missing = {g["what"] for g in self.report["not_here"]}
        judge.want(not missing & set(STACKS), "%s" % sorted(missing))
        for stack in STACKS:
            judge.want(any(stack in (run["server"], run["client"]) for run in self.report["runs"]), stack)
        guilty = {run["fault"] for run in self.report["runs"]} - set(FAULTS)
        judge.want(guilty == {"sequence-reused", "records-interleaved", "sender-miscomputed", "bad-padding", "mac-construction",
                              "wrong-epoch", "wrong-keys"}, "%s" % sorted(guilty))
        versions = {run["version"] for run in self.report["runs"]}
        judge.want(versions >= {"TLS 1.0", "TLS 1.2", "TLS 1.3"}, "%s" % versions)

    def test_located(self):
        for run in self.report["runs"]:
            judge.want(run["receiver"]["located"] and run["both"]["located"], run["command"])

    def test_well_formed(self):
        """All recordings of a side in one."""
        folders = [os.path.join(self.out, "%04d" % run["number"], "run") for run in self.report["runs"]]
        for side in ("sender", "receiver"):
            merged = os.path.join(self.out, side + ".pcapng")
            subprocess.run(["mergecap", "-w", merged] + [os.path.join(f, side + ".pcapng") for f in folders], check=True,
                           timeout=60)
            self.well_formed(merged, 0)

    def test_command_does_it_again(self):
        """The same record and the same place."""
        run = next(r for r in self.report["runs"] if r["fault"] == "bits-flipped" and r["server"] == "gnutls")
        out = self.path()
        words = run["command"].split()
        judge.want(words[:3] == ["badmac", "lab", "run"] and words[-2:] == ["-o", "flip"], run["command"])
        r = self.lab(*words[2:-1], out)
        judge.want(r.returncode == 0, r.stderr)
        truths = [self.truth_in(f) for f in (out, os.path.join(self.out, "%04d" % run["number"], "run"))]
        judge.want(all(truths[0][k] == truths[1][k] for k in ("cause", "how", "direction", "record", "sequence_number")) and
                   [d["record_offset"] for d in truths[0]["damage"]] == [d["record_offset"] for d in truths[1]["damage"]],
                   "%s, then %s" % (truths[1], truths[0]))

    # Without some of it -----------------------------------------------------------------------------------

    def folder_with(self, **scripts):
        """An environment whose PATH has these scripts alone, and whose temporary files have a folder of their own."""
        path, tmp = self.path(), self.path()
        os.mkdir(path)
        os.mkdir(tmp)
        for name, script in scripts.items():
            with open(os.path.join(path, name), "w", encoding="ascii") as f:
                f.write("#!/bin/sh\n%s\n" % script)
            os.chmod(os.path.join(path, name), 0o755)
        return dict(os.environ, PATH=path, TMPDIR=tmp), tmp

    def test_nothing_there(self):
        """OpenSSL makes a certificate and is no stack; the others are not installed. Nothing of it is right."""
        env, tmp = self.folder_with(openssl='[ "$1" = req ] && exec %s "$@"; echo no; exit 1' % shutil.which("openssl"))
        r = self.lab("score", "--quick", env=env, timeout=100)
        judge.want(r.returncode == 2 and r.stderr == "badmac: nothing could be run\n", "exit %d: %s" % (r.returncode, r.stderr))
        for name, programs in (("gnutls", "gnutls-serv, gnutls-cli"), ("nss", "tstclnt"), ("go", "go"), ("jsse", "java")):
            judge.want(re.search(r"^  %s: not installed: .*%s" % (name, programs), r.stdout, re.M), r.stdout)
        judge.want("no two installed stacks say that they have it" in r.stdout and
                   "openssl ended before it listened: no" in r.stdout, r.stdout)
        judge.want(r.stdout.endswith("\nlab: 0 of 0 right\n"), r.stdout[-200:])
        judge.want(os.listdir(tmp) == [], "%s" % os.listdir(tmp))
        env, tmp = self.folder_with()
        r = self.lab("score", env=env)
        judge.want(r.returncode == 2 and "openssl is needed" in r.stderr and r.stdout == "" and os.listdir(tmp) == [], r.stderr)

    def test_progress(self):
        """One line that is written again and again on a terminal, and is gone at the end; none elsewhere."""
        env, _ = self.folder_with(openssl='[ "$1" = req ] && exec %s "$@"; exit 1' % shutil.which("openssl"))
        ours, theirs = pty.openpty()
        child = subprocess.Popen([self.badmac, "lab", "score", "--quick"], env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        said = judge.read_terminal(ours)
        judge.want(child.wait(30) == 2, "exit %d" % child.returncode)
        lines = said.split(b"\r\x1b[K")
        judge.want(len(lines) > 2 and re.fullmatch(rb"1 of \d+ runs, 0 wrong", lines[1]) and
                   lines[-1] == b"badmac: nothing could be run\r\n", "%r" % said)

    @staticmethod
    def alive(mark):
        """Processes whose environment has it."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if mark in f.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    def test_interrupted(self):
        """By a signal to it alone, in the midst of runs: no process stays, and no folder."""
        for number, wait in ((signal.SIGINT, 1.5), (signal.SIGTERM, 0.2)):
            _, tmp = self.folder_with()
            mark = "BADMAC_TEST_MARK=%d-%d" % (os.getpid(), number)
            env = dict(os.environ, TMPDIR=tmp, **dict([mark.split("=")]))
            child = subprocess.Popen([self.badmac, "lab", "score"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
            deadline = time.monotonic() + 20
            while len(self.alive(mark.encode())) < 4 and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(wait)
            child.send_signal(number)
            out, err = child.communicate(timeout=30)
            judge.want(child.returncode == 2 and out == b"" and err == b"badmac: interrupted\n", "%d %s" % (child.returncode, err))
            judge.want(os.listdir(tmp) == [], "%s" % os.listdir(tmp))
            deadline = time.monotonic() + 5
            while self.alive(mark.encode()) and time.monotonic() < deadline:
                time.sleep(0.05)
            judge.want(self.alive(mark.encode()) == [], "processes are left")

    def test_bad_usage(self):
        for says, words in (("--format is text or json, not 'html'", ["--format", "html"]), ("--jobs cannot be 0", ["-j", "0"]),
                            ("--jobs cannot be '17'", ["-j", "17"]), ("--seed cannot be 'x'", ["--seed", "x"]),
                            ("one word too many: 'bits-flipped'", ["bits-flipped"]), ("--tls does not go with that", ["--tls", "1.2"]),
                            ("No such file or directory", ["-o", os.path.join(self.dir, "deep", "er")])):
            r = self.lab("score", *words)
            judge.want(r.returncode == 2 and r.stdout == "" and says in r.stderr, "exit %d, %r, %r" % (r.returncode, r.stderr, says))

    def all(self):
        if self.report is None:
            self.tap.report("score", error="exit %d: %s%s" % (self.result.returncode, self.result.stdout, self.result.stderr))
            return
        print("# %d runs in %.0f s" % (len(self.report["runs"]), time.monotonic() - self.began))
        for run in self.report["runs"]:
            self.tap.case("%s to %s, %s: %s, %s" % (run["client"], run["server"], protection_of(run), fault_of(run),
                                                    run["direction"]), self.case_of, run)
        for name in dir(self):
            if name.startswith("test_"):
                self.tap.case(name[5:].replace("_", " "), getattr(self, name))


def main():
    tap = judge.Tap()
    scores = Scores(tap)
    try:
        scores.all()
    finally:
        if not os.environ.get("BADMAC_KEEP"):
            shutil.rmtree(scores.dir, ignore_errors=True)
        else:
            print("# kept in " + scores.dir)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
