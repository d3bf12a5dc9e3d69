#!/usr/bin/env python3
"""Measures badmac, and beside it what else reads captures or deciphers records, on the same inputs at the same time.

script/bench builds what this needs and calls it. docs/PERFORMANCE.md says how it measures."""
import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SLOW = 10.0  # seconds from which on a tool runs SLOW_RUNS times, the first of them counted
SLOW_RUNS = 3
SAMPLE = 0.0005, 0.02  # seconds between two looks at the memory of a child: at first, and of one that takes long
CORES = sorted(os.sched_getaffinity(0))
OURS = "badmac -j 1"
OURS_2 = "badmac -j 2"
OURS_NO_KEYS = "badmac -j 1, no keys"
SSLDUMP_KEYS = "ssldump -n -l KEYS"
OPENSSL = "openssl speed"


class Kind:
    """What is made of one input, and which goals are for it."""

    def __init__(self, name, mode, options=(), speed=(), goals=()):
        self.name, self.mode, self.options, self.speed, self.goals = name, mode, list(options), list(speed), goals


AEAD = (("tshark", 60), ("ssldump -n", 4), ("cat", 0.5), (OURS_2, None))
GCM = ((OPENSSL, 1.3),) + AEAD
CBC = (("tshark", 30), (OURS_2, None))
KINDS = [
    Kind("TLS 1.2 AES-128-GCM", "bulk ECDHE-ECDSA-AES128-GCM-SHA256", [], ["aes-128-gcm"], GCM + ((OURS_NO_KEYS, None),)),
    Kind("TLS 1.2 AES-128-GCM, 64 KB segments", "bulk ECDHE-ECDSA-AES128-GCM-SHA256", ["-s", "65483"], ["aes-128-gcm"]),
    Kind("TLS 1.2 AES-256-GCM", "bulk ECDHE-ECDSA-AES256-GCM-SHA384", [], ["aes-256-gcm"], GCM),
    Kind("TLS 1.3 AES-256-GCM", "bulk TLS_AES_256_GCM_SHA384", [], ["aes-256-gcm"], GCM),
    Kind("TLS 1.2 ChaCha20-Poly1305", "bulk ECDHE-ECDSA-CHACHA20-POLY1305", [], ["chacha20-poly1305"],
         ((OPENSSL, 1.5),) + tuple(g for g in AEAD if g[0] != "cat")),
    Kind("TLS 1.2 AES-128-CBC SHA-1", "bulk AES128-SHA", ["-m"], ["aes-128-cbc", "sha1"], ((OPENSSL, 1.5),) + CBC),
    Kind("TLS 1.2 AES-256-CBC SHA-384, encrypt-then-MAC", "bulk ECDHE-ECDSA-AES256-SHA384", [],
         ["aes-256-cbc", "sha384"], CBC),
    Kind("TLS 1.2 RC4 SHA-1", "bulk RC4-SHA", [], ["rc4", "sha1"], ((OPENSSL, 0.9), ("tshark", 5), (OURS_2, None))),
    Kind("TLS 1.3 connections", "many", [], [], (("tshark", 50), (OURS_2, None))),
    Kind("TLS 1.2 records of 200 octets, AES-128-GCM", "small", ["-2"], []),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def memory_of(pid):
    """(peak of what is resident, what of it is anonymous now) in octets."""
    try:
        with open("/proc/%d/status" % pid) as f:
            fields = dict(re.findall(r"^(VmHWM|RssAnon):\s*(\d+) kB", f.read(), re.M))
    except OSError:
        fields = {}
    return int(fields.get("VmHWM", 0)) * 1024, int(fields.get("RssAnon", 0)) * 1024


def own_peak():
    return memory_of(os.getpid())[0]


class Run:
    """One run of a command with its output thrown away: how long, and how it ended. pinned: on the first core only.
    watched: also what memory it held."""

    def __init__(self, argv, pinned=True, watched=False):
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        self.peak = self.anonymous = 0
        # A child inherits the cores of its parent, which taskset(1) relies on as well, at the price of one more exec.
        if pinned:
            os.sched_setaffinity(0, CORES[:1])
        start = time.monotonic()
        pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
        if pinned:
            os.sched_setaffinity(0, CORES)
        done = 0
        while watched and not done:
            peak, anonymous = memory_of(pid)
            self.peak, self.anonymous = max(self.peak, peak), max(self.anonymous, anonymous)
            time.sleep(min(max(SAMPLE[0], (time.monotonic() - start) / 50), SAMPLE[1]))
            done, status, usage = os.wait4(pid, os.WNOHANG)
        if not done:
            done, status, usage = os.wait4(pid, 0)
        self.seconds = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.exit = os.waitstatus_to_exitcode(status)
        # What a child held before its exec, which is what its parent held, counts in ru_maxrss.
        self.max_rss = usage.ru_maxrss * 1024
        if self.max_rss > own_peak():
            self.peak = max(self.peak, self.max_rss)


class Tool:
    """A command that reads the input."""

    def __init__(self, name, argv, exit_status=0, pinned=True):
        self.name, self.argv, self.exit_status, self.pinned = name, argv, exit_status, pinned
        self.seconds, self.cpu, self.peak, self.anonymous, self.problem, self.slow = [], [], 0, 0, None, False

    def missing(self):
        if shutil.which(self.argv[0]) is None:
            self.problem = "not installed"
        return self.problem is not None

    def run(self, watched=False):
        r = Run(self.argv, self.pinned, watched)
        if r.exit != self.exit_status:
            self.problem = "ended with %s" % ("exit status %d" % r.exit if r.exit >= 0 else "signal %d" % -r.exit)
        if watched:
            self.peak, self.anonymous, self.slow = r.peak, r.anonymous, r.seconds > SLOW
        # The first round is not counted, but for a tool that takes long.
        if self.problem is None and (not watched or self.slow):
            self.seconds.append(r.seconds)
            self.cpu.append(r.cpu)

    def wanted(self, runs):
        return self.problem is None and len(self.seconds) < (min(runs, SLOW_RUNS) if self.slow else runs)

    def median(self):
        return statistics.median(self.seconds) if self.seconds else None

    def figures(self):
        return {"command": self.argv, "seconds": self.seconds, "cpu_seconds": self.cpu, "peak_octets": self.peak,
                "anonymous_peak_octets": self.anonymous, "not_measured": self.problem}


class Speed:
    """What `openssl speed` says of a cipher or a hash: octets a second."""

    def __init__(self, algorithm):
        self.algorithm, self.speeds, self.problem = algorithm, [], None
        self.argv = ["openssl", "speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", "16384"]
        if algorithm == "rc4":
            self.argv += ["-provider", "legacy", "-provider", "default"]
        elif not algorithm.startswith("sha"):
            self.argv += ["-decrypt"]
        self.argv += ["-evp", algorithm]
        if shutil.which("openssl") is None:
            self.problem = "not installed"

    def run(self):
        os.sched_setaffinity(0, CORES[:1])
        out = subprocess.run(self.argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        os.sched_setaffinity(0, CORES)
        found = re.search(r"^\+F:\d+:[^:]*:([\d.]+)$", out, re.M)
        if found:
            self.speeds.append(float(found.group(1)))
        else:
            self.problem = "says nothing of %s" % self.algorithm

    def figures(self):
        return {"command": self.argv, "octets_per_second": self.speeds, "not_measured": self.problem}


def ssldump_deciphers(make, kind, folder):
    """Whether this ssldump makes use of a key log for such connections: tried on a small one."""
    capture, keys = os.path.join(folder, "probe.pcap"), os.path.join(folder, "probe.keys")
    try:
        if make(kind, 1, capture, keys) is not None:
            return "no input"
        r = subprocess.run(["ssldump", "-n", "-l", keys, "-r", capture], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    finally:
        for f in (capture, keys):
            if os.path.exists(f):
                os.unlink(f)
    if r.returncode < 0:
        return "ended with signal %d" % -r.returncode
    return None if b"Finished" in r.stdout else "does not decipher these"


class Input:
    """One capture and all that was measured on it."""

    def __init__(self, kind, options, folder):
        self.kind, self.options, self.folder = kind, options, folder
        self.tools, self.speeds, self.problem = {}, [], None
        self.octets = self.data = self.connections = 0

    def make(self, kind, size, capture, keys):
        """None, or why there is no such capture. size: megabytes, connections."""
        traffic = os.path.join(self.options.build, "bench/traffic")
        last = {"many": [str(size), str(self.options.kilobytes)], "small": ["200", str(size)]}.get(kind.mode, [str(size)])
        r = subprocess.run([traffic] + kind.options + kind.mode.split() + last + [capture, keys],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return None if r.returncode == 0 else r.stderr.strip() or "traffic ended with %d" % r.returncode

    def prepare(self):
        o, mode = self.options, self.kind.mode
        size = {"many": o.connections, "small": max(1, o.small_megabytes)}.get(mode, o.megabytes)
        name = "%s-%d" % (re.sub(r"[^a-z0-9]+", "-", self.kind.name.lower()).strip("-"), size)
        if mode == "many":
            name += "-%d" % o.kilobytes
        self.capture, self.keys = (os.path.join(self.folder, name + end) for end in (".pcap", ".keys"))
        if not (os.path.exists(self.capture) and os.path.exists(self.keys)):
            say("making: %s" % self.kind.name)
            self.problem = self.make(self.kind, size, self.capture + ".part", self.keys)
            if self.problem:
                self.remove()
                return
            os.rename(self.capture + ".part", self.capture)
        # Neither writing it back nor reading it for the first time disturbs the measurement.
        os.sync()
        with open(self.capture, "rb") as f:
            while f.read(1 << 20):
                pass
        self.octets = os.path.getsize(self.capture)
        if mode == "many":
            self.connections, self.data = size, size * o.kilobytes * 1000
        else:
            self.connections, self.data = 1, size * 1000000

    def remove(self):
        for f in (self.capture, self.capture + ".part", self.keys):
            if os.path.exists(f):
                os.unlink(f)

    def add_tools(self):
        badmac = os.path.join(self.options.build, "src/cli/badmac")
        keyed = [badmac, "diagnose", "-k", self.keys, self.capture, "-j"]
        tools = [
            Tool(OURS, keyed + ["1"]),
            Tool(OURS_2, keyed + ["2"], pinned=False),
            Tool(OURS_NO_KEYS, [badmac, "diagnose", "-j", "1", self.capture], exit_status=3),
            Tool("tshark", ["tshark", "-o", "tls.keylog_file:" + self.keys, "-q", "-z", "io,stat,0", "-r", self.capture]),
            Tool("ssldump -n", ["ssldump", "-n", "-r", self.capture]),
            Tool(SSLDUMP_KEYS, ["ssldump", "-n", "-l", self.keys, "-r", self.capture]),
            Tool("libpcap", [os.path.join(self.options.build, "bench/libpcap-read"), self.capture]),
            Tool("cat", ["cat", self.capture]),
        ]
        if len(CORES) < 2:
            tools[1].problem = "one core only"
        for t in tools:
            if not t.missing() and t.name == SSLDUMP_KEYS:
                t.problem = ssldump_deciphers(self.make, self.kind, self.folder)
            self.tools[t.name] = t
        self.speeds = [Speed(s) for s in self.kind.speed]

    def measure(self):
        self.add_tools()
        runs, speed_runs = self.options.runs, 1 if self.options.quick else self.options.runs
        say("measuring: %s" % self.kind.name)
        for t in self.tools.values():
            if t.problem is None:
                t.run(watched=True)
        for i in range(runs):
            for t in self.tools.values():
                if t.wanted(runs):
                    t.run()
            for s in self.speeds:
                if s.problem is None and i < speed_runs:
                    s.run()

    # What came out. Octets of the file a second, unless it is said otherwise.

    def seconds(self, name):
        t = self.tools.get(name)
        return None if t is None or t.problem else t.median()

    def openssl_speed(self):
        """Of one cipher; of a cipher and a hash, one after the other."""
        if not self.speeds or any(s.problem or not s.speeds for s in self.speeds):
            return None
        return 1 / sum(1 / statistics.median(s.speeds) for s in self.speeds)

    def ratio(self, name):
        """How many times as fast badmac is on one core."""
        ours = self.seconds(OURS)
        if name == OPENSSL:
            theirs = self.openssl_speed()
            return self.data / ours / theirs if ours and theirs else None
        theirs = self.seconds(name)
        return theirs / ours if ours and theirs else None

    def figures(self):
        return {"input": self.kind.name, "not_measured": self.problem, "file_octets": self.octets,
                "application_octets": self.data, "connections": self.connections,
                "tools": {n: t.figures() for n, t in self.tools.items()},
                "openssl_speed": {s.algorithm: s.figures() for s in self.speeds}}


def print_table(rows):
    """Markdown, in columns."""
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for n, row in enumerate(rows):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, width)) + " |")
        if n == 0:
            print("|" + "|".join("-" * (w + 2) for w in width) + "|")
    print()


def megabytes(n):
    # A command that ends at once is not seen in time.
    return "%.0f MB" % (n / 1e6) if n >= 1e7 else "%.1f MB" % (n / 1e6) if n >= 1e5 else ""


def times(x):
    return "%.2f" % x if x < 10 else "%.0f" % x


def print_figures(inputs):
    rows = [("input", "tool", "speed", "badmac -j 1 is", "peak memory", "anonymous")]
    notes = []
    for i in inputs:
        if i.problem:
            notes.append("Not measured: %s: %s." % (i.kind.name, i.problem))
            continue
        for t in i.tools.values():
            if t.problem:
                notes.append("Not measured: %s on %s: %s." % (t.name, i.kind.name, t.problem))
                continue
            s = t.median()
            speed = "%.0f connections/s" % (i.connections / s) if i.kind.mode == "many" else "%.2f GB/s" % (i.octets / s / 1e9)
            if t.slow:
                notes.append("%s ran %d times on %s." % (t.name, len(t.seconds), i.kind.name))
            ratio = "" if t.name == OURS or i.ratio(t.name) is None else times(i.ratio(t.name)) + " x"
            rows.append((i.kind.name, t.name, speed, ratio, megabytes(t.peak), megabytes(t.anonymous)))
        for s in i.speeds:
            if s.problem:
                notes.append("Not measured: openssl speed on %s: %s." % (i.kind.name, s.problem))
        speed = i.openssl_speed()
        if speed:
            rows.append((i.kind.name, "openssl speed " + " and ".join(i.kind.speed), "%.2f GB/s" % (speed / 1e9),
                         times(i.ratio(OPENSSL)) + " x" if i.ratio(OPENSSL) else "", "", ""))
    print_table(rows)
    for n in notes:
        print("- " + n)
    if notes:
        print()


def goals(inputs):
    """(input, against what, how many times as fast, how many wanted)"""
    for i in inputs:
        for against, wanted in i.kind.goals:
            if against == OURS_2:
                ratio = i.ratio(OURS_2)
                yield i.kind.name, "-j 2 against -j 1", 1 / ratio if ratio else None, 1.8
            elif against == OURS_NO_KEYS:
                ours, theirs = i.seconds(OURS_NO_KEYS), i.seconds("cat")
                yield i.kind.name, "no keys against cat", theirs / ours if ours and theirs else None, 0.7
            else:
                name = "openssl speed " + " and ".join(i.kind.speed) if against == OPENSSL else against
                yield i.kind.name, "against " + name, i.ratio(against), wanted


def print_goals(inputs):
    rows = [("input", "badmac", "is", "goal", "")]
    for name, what, ratio, wanted in goals(inputs):
        rows.append((name, what, times(ratio) + " x" if ratio else "not measured", ">= %g x" % wanted,
                     "" if ratio is None else "met" if ratio >= wanted else "missed"))
    print_table(rows)


def version(argv):
    if shutil.which(argv[0]) is None:
        return None
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = [line.strip() for line in r.stdout.splitlines() if re.search(r"\d\.\d", line)]
    return lines[0] if lines else None


def busy_cores():
    """How many cores others keep busy, looked at for a second."""
    def ticks():
        with open("/proc/stat") as f:
            n = [int(x) for x in f.readline().split()[1:9]]
        return sum(n), n[3] + n[4]  # idle, and waiting for disks
    before = ticks()
    time.sleep(1)
    after = ticks()
    spent, idle = after[0] - before[0], after[1] - before[1]
    return (os.cpu_count() or 1) * (1 - idle / spent) if spent else 0


def machine(build):
    with open("/proc/cpuinfo") as f:
        model = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    versions = {"badmac": version([os.path.join(build, "src/cli/badmac"), "--version"]),
                "tshark": version(["tshark", "--version"]), "ssldump": version(["ssldump", "-v"]),
                "openssl": version(["openssl", "version"]), "cat": version(["cat", "--version"])}
    return {"cpu": model.group(1) if model else platform.machine(), "cores": len(CORES),
            "kernel": "%s %s" % (platform.system(), platform.release()), "busy_cores_before": round(busy_cores(), 2),
            "versions": versions}


def parse():
    p = argparse.ArgumentParser(prog="script/bench", description="Measures badmac beside tshark, ssldump, libpcap, cat and "
                                "openssl speed, all in turn on the same captures.")
    p.add_argument("--build", default="build-bench", help=argparse.SUPPRESS)
    p.add_argument("--megabytes", type=int, default=1000, metavar="N", help="application data of each bulk input (1000)")
    p.add_argument("--small-megabytes", type=int, default=100, metavar="N", help="of the one with short records (100)")
    p.add_argument("--connections", type=int, default=20000, metavar="N", help="of the input with many (20000)")
    p.add_argument("--kilobytes", type=int, default=16, metavar="N", help="in each of them (16)")
    p.add_argument("--runs", type=int, default=5, metavar="N", help="of each tool on each input (5)")
    p.add_argument("--only", metavar="TEXT", help="only inputs whose name has this in it")
    p.add_argument("--folder", metavar="FOLDER", help="where inputs are made, stay, and are found again (10 GB)")
    p.add_argument("--json", metavar="FILE", help="write all figures there")
    p.add_argument("--quick", action="store_true", help="small inputs, 3 runs: whether all of it works")
    o = p.parse_args()
    if min(o.megabytes, o.small_megabytes, o.connections, o.kilobytes, o.runs) < 1:
        p.error("a number is at least 1")
    if o.quick:
        o.megabytes, o.small_megabytes, o.connections, o.runs = 20, 5, 500, 3
    return o


def main():
    o = parse()
    about = machine(o.build)
    inputs = []
    folder = o.folder or tempfile.mkdtemp(prefix="badmac-bench.")
    try:
        os.makedirs(folder, exist_ok=True)
        for kind in KINDS:
            if o.only and o.only.lower() not in kind.name.lower():
                continue
            i = Input(kind, o, folder)
            inputs.append(i)
            i.prepare()
            if not i.problem:
                i.measure()
            if not o.folder:
                i.remove()
    finally:
        if not o.folder:
            shutil.rmtree(folder, ignore_errors=True)
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"machine": about, "runs": o.runs, "inputs": [i.figures() for i in inputs],
                       "goals": [dict(zip(("input", "what", "ratio", "goal"), g)) for g in goals(inputs)]}, f, indent=1)
            f.write("\n")
    print("%s, %d cores, %s" % (about["cpu"], about["cores"], about["kernel"]))
    for name, v in about["versions"].items():
        print("%s: %s" % (name, v or "not installed"))
    print("%d runs each, medians; bulk inputs with %d MB of application data, the one with many connections with %d of %d KB"
          % (o.runs, o.megabytes, o.connections, o.kilobytes))
    if about["busy_cores_before"] > 0.1:
        print("Other things kept %.1f cores busy just before: trust no figure." % about["busy_cores_before"])
    if o.quick:
        print("The inputs are too small for the figures to mean much.")
    print()
    print_figures(inputs)
    print_goals(inputs)
    # That badmac itself could not be measured is a failure of this run.
    return 1 if any(not i.problem and i.tools[OURS].problem for i in inputs) else 0


if __name__ == "__main__":
    sys.exit(main())
