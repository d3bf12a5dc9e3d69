"""Asks badmac about a capture and compares with what is known; prints TAP.
Knows badmac's command line and JSON (docs/OUTPUT.md); refuses to know how a capture was made."""
import concurrent.futures
import glob
import json
import os
import random
import re
import select
import subprocess
import sys
import threading
import traceback

import stacks
import wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# "tshark": let tshark stand in for badmac wherever it can (verified counts only), to test these tests.
ORACLE = os.environ.get("BADMAC_ORACLE")
with open(os.path.join(ROOT, "docs", "badmac.diagnosis.v1.schema.json"), encoding="ascii") as schema:
    CAUSES = set(json.load(schema)["$defs"]["cause"]["enum"])


def find_badmac():
    if os.environ.get("BADMAC"):
        return os.environ["BADMAC"]
    found = [p for pattern in ("build*/src/cli/badmac", "build*/badmac") for p in glob.glob(os.path.join(ROOT, pattern))]
    if not found:
        sys.exit("no badmac found: build it, or say where it is in the environment variable BADMAC")
    return max(found, key=os.path.getmtime)


class Mismatch(Exception):
    """badmac said something else than expected."""


def diagnose(captures, keys=(), timeout=60, args=()):
    """(exit status, JSON or None, standard error)"""
    argv = [find_badmac(), "diagnose", "--format", "json", *args]
    for k in keys:
        argv += ["-k", k]
    argv += [captures] if isinstance(captures, str) else list(captures)
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    report = None
    if r.stdout:
        try:
            report = json.loads(r.stdout)
        except ValueError as e:
            raise Mismatch("standard output is no JSON (%s): %r, exit %d, %r" % (e, r.stdout[:200], r.returncode,
                                                                               r.stderr[-400:]))
    if r.returncode < 0 or r.returncode > 3:
        raise Mismatch("exit %d: %s" % (r.returncode, r.stderr.decode("utf-8", "replace")[-1500:]))
    if r.returncode != 2 and report is None:
        raise Mismatch("exit %d without a report: %s" % (r.returncode, r.stderr.decode("utf-8", "replace")[-400:]))
    return r.returncode, report, r.stderr.decode("utf-8", "replace")


def tshark_verified(capture, keys):
    """Records whose MAC or tag tshark found right."""
    argv = ["tshark", "-r", capture, "-q", "-z", "io,stat,0", "-o", "tcp.reassemble_out_of_order:TRUE"]
    for k in keys:
        argv += ["-o", "tls.keylog_file:" + k]
    logs = [capture + ".tls-debug", capture + ".dtls-debug"]
    argv += ["-o", "tls.debug_file:" + logs[0], "-o", "dtls.debug_file:" + logs[1]]
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    good = 0
    for log in logs:
        if os.path.exists(log):
            with open(log, "rb") as f:
                good += len(re.findall(rb"auth_tag\(OK\)|ssl_decrypt_record: mac ok", f.read()))
            os.unlink(log)
    return good


def failures(report):
    return [f for c in report["connections"] for f in c["failures"]]


def short(report):
    if report is None:
        return "no report"
    return json.dumps({"summary": report["summary"], "failures": [
        {k: f[k] for k in ("direction", "epoch", "sequence_number", "stream_offset", "length", "packets", "cause",
                           "summary")} for f in failures(report)][:4]})[:1500]


def want(condition, what, report=None):
    if not condition:
        raise Mismatch(what + (": " + short(report) if report is not None else ""))


def want_exit(expected, got, report, stderr):
    want(got == expected, "exit %d, expected %d; %s" % (got, expected, stderr.strip()[-300:]), report)


def want_counts(report, verified=None, failed=0, undecided=0):
    r = report["summary"]["records"]
    for name, n in (("verified", verified), ("failed", failed), ("undecided", undecided)):
        if n is not None:
            want(r[name] == n, "%s %s, expected %s" % (r[name], name, n), report)


def proves(capture, report, keys, exit_status):
    """The report's proofs, made again."""
    with open(capture + ".json", "w", encoding="ascii") as f:
        json.dump(report, f)
    given = [a for k in keys for a in ("-k", k)]
    p = subprocess.run([find_badmac(), "prove", "-v", *given, capture + ".json", capture], capture_output=True, timeout=60)
    want(p.returncode == exit_status, "prove: exit %d\n%s" % (p.returncode, p.stdout.decode()[-900:]), report)


def check_clean(capture, keys, verified, connections=None):
    if ORACLE == "tshark":
        n = tshark_verified(capture, keys)
        # It opens no ARIA-GCM, nor TLS after CONNECT, PROXY version 2 and the PostgreSQL request.
        want(n in (0, verified), "tshark verifies %d, expected %d" % (n, verified))
        return None
    rc, report, err = diagnose(capture, keys)
    want_exit(0, rc, report, err)
    want_counts(report, verified)
    if connections is not None:
        want(report["summary"]["connections"] == connections, "%d connections" % connections, report)
    return report


def check_no_keys(capture):
    if ORACLE:
        return
    rc, report, err = diagnose(capture)
    want_exit(3, rc, report, err)
    want(not failures(report) or all(f["cause"] == "capture-incomplete" for f in failures(report)),
         "failures without keys", report)
    want_counts(report, 0, 0, None)


def check_one_failure(capture, keys, verified, expected, causes=None, exit_status=1):
    """expected: fields of the one failure; a value may be a set of allowed ones."""
    rc, report, err = diagnose(capture, keys)
    want_exit(exit_status, rc, report, err)
    found = failures(report)
    want(len(found) == 1, "%d failures, expected one" % len(found), report)
    f = found[0]
    for k, v in expected.items():
        want(f[k] in v if isinstance(v, set) else f[k] == v, "%s %r, expected %r" % (k, f[k], v), report)
    if causes:
        want(f["cause"] in causes, "cause %s, expected %s" % (f["cause"], " or ".join(sorted(causes))), report)
    if verified is not None:
        want_counts(report, verified, None)
    return report


def flip_expectation(conv, segs, record):
    e = {"direction": wire.DIRECTIONS[record.direction], "length": len(record)}
    if not conv.udp:
        e["stream_offset"] = record.off
        e["packets"] = wire.carriers(segs, record.direction, record.off, len(record))
    if record.seq is not None:
        e["sequence_number"] = record.seq
    return e


def read_terminal(master):
    """All that comes to a terminal until nobody has it open any more, or is silent for a minute; closes it."""
    out = b""
    while select.select([master], [], [], 60)[0]:
        try:
            b = os.read(master, 65536)
        except OSError:
            break
        if not b:
            break
        out += b
    os.close(master)
    return out


class Tap:
    """Numbers and prints; safe for several threads."""

    def __init__(self):
        self.n = self.bad = 0
        self.lock = threading.Lock()
        self.only = os.environ.get("BADMAC_ONLY", "")
        print("TAP version 13")

    def report(self, name, error=None, skip=None):
        with self.lock:
            self.n += 1
            self.bad += error is not None
            print("%sok %d - %s%s" % ("not " if error else "", self.n, name, " # SKIP " + skip if skip else ""))
            if error:
                for l in str(error).splitlines():
                    print("# " + l)
            sys.stdout.flush()

    def case(self, name, function, *args):
        if self.only and not re.search(self.only, name):
            return None
        try:
            try:
                r = function(*args)
            except stacks.StackError:
                r = function(*args)  # a stack's own stumble: once more
            self.report(name)
            return r
        except Exception as e:  # one case must not hide the others
            known = isinstance(e, (Mismatch, stacks.StackError))
            self.report(name, error="%s" % e if known else traceback.format_exc())
            return None

    def end(self):
        print("1..%d" % self.n)
        return 1 if self.bad or not self.n else 0


def in_parallel(jobs, workers=2):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for f in [pool.submit(*j) for j in jobs]:
            f.result()


def rng_for(name):
    """The same for a name in every run: a failure can be had again."""
    return random.Random(os.environ.get("BADMAC_SEED", "1") + name)


def run_methods(suite, without=()):
    """Runs every method whose name begins with test_, or those that BADMAC_ONLY is part of. TAP; 1 if one failed."""
    only = os.environ.get("BADMAC_ONLY")
    names = [n for n in dir(suite) if n.startswith("test_") and n not in without and (not only or only in n)]
    bad = 0
    print("1..%d" % len(names))
    for k, n in enumerate(names, 1):
        name = n[5:].replace("_", " ")
        try:
            getattr(suite, n)()
            print("ok %d - %s" % (k, name), flush=True)
        except (Mismatch, subprocess.SubprocessError, OSError, ValueError, LookupError, TypeError, StopIteration) as e:
            bad = 1
            print("not ok %d - %s\n# %s: %s" % (k, name, type(e).__name__, e), flush=True)
    return bad
