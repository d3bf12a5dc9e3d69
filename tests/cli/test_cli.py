#!/usr/bin/env python3
"""The command line as a user meets it: words, files, streams, exit statuses. Prints TAP.
Knows docs/OUTPUT.md; which record is judged how is for other tests."""
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "live"))
import judge  # noqa: E402

BADMAC = judge.find_badmac()
DATA = os.path.join(ROOT, "tests", "data", "damaged", "on-the-wire", "tls12-aes128gcm")
GOOD, KEYS = os.path.join(DATA, "flip1", "sender.pcap"), os.path.join(DATA, "flip1", "keys.log")
BAD, BAD_KEYS = os.path.join(DATA, "comp2", "receiver.pcap"), os.path.join(DATA, "comp2", "keys.log")
VERIFIED, FAILED, TROUBLE, UNDECIDED = 0, 1, 2, 3


class Result:
    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err

    def __str__(self):
        return "exit %d, %r, %r" % (self.rc, self.out[:300], self.err[:600])


def run(*args, stdin=b"", env=None, stdout=subprocess.PIPE, cwd=None, preexec=None):
    full = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "OPENSSL_CONF")}
    full.update(env or {})
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    r = subprocess.run([BADMAC, *args], stdout=stdout, stderr=subprocess.PIPE, env=full, cwd=cwd, timeout=60,
                       preexec_fn=preexec, **given)
    return Result(r.returncode, r.stdout or b"", r.stderr.decode("utf-8", "backslashreplace"))


def want(condition, r):
    if not condition:
        raise judge.Mismatch(str(r))


def diagnose(*args, **kw):
    return run("diagnose", *args, **kw)


def refused(says, *args, hint=True, **kw):
    """Exit 2 with one line that says so (and a hint where to find help), and no report."""
    r = run(*args, **kw)
    lines = r.err.splitlines()
    want(r.rc == TROUBLE and r.out == b"", r)
    want(lines and lines[0].startswith("badmac: ") and re.search(says, lines[0]), r)
    want(len(lines) == (2 if hint else 1) and (not hint or lines[1].startswith("try 'badmac")), r)


def trouble(says, *args, **kw):
    refused(says, "diagnose", *args, hint=False, **kw)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def frames(capture):
    """The frames of a pcap file (little-endian), each with its header."""
    at, found = 24, []
    while at < len(capture):
        n = struct.unpack_from("<I", capture, at + 8)[0]
        found.append(capture[at:at + 16 + n])
        at += 16 + n
    return found


def cut(frame, n):
    """What a snap length makes of it."""
    return frame[:8] + struct.pack("<I", min(n, len(frame) - 16)) + frame[12:16 + n]


def source_port(frame):
    return struct.unpack_from(">H", frame, 16 + 14 + 20)[0]


class Cli:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-cli-")
        self.n = 0

    def path(self, name=None, content=None):
        self.n += 1
        p = os.path.join(self.dir.name, "%d-%s" % (self.n, name or "file"))
        if content is not None:
            with open(p, "wb") as f:
                f.write(content)
        return p

    # Commands and words -------------------------------------------------------------------------

    def test_version(self):
        with open(os.path.join(ROOT, "meson.build")) as f:
            version = re.search(r"version: '([^']+)'", f.read()).group(1)
        r = run("--version")
        want((r.rc, r.out.decode(), r.err) == (0, "badmac %s\n" % version, ""), r)

    def test_help_on_standard_output(self):
        for args in (["help"], ["--help"], ["-h"], ["help", "diagnose"], ["diagnose", "--help"], ["diagnose", "-h"],
                     ["help", "explain"], ["explain", "-h"], ["explain", "nowhere", "--help"], ["help", "carve"], ["carve", "-h"], ["carve", "nowhere", "--help"],
                     ["help", "host"], ["host", "-h"], ["help", "history"], ["history", "-h"], ["help", "odds"], ["odds", "-h"],
                     ["help", "prove"], ["prove", "-h"], ["help", "help"], ["help", "--help"], ["help", "lab"], ["lab", "-h"],
                     ["lab", "run", "--help"], ["diagnose", "-k", "nowhere", "--help", "nowhere"]):
            r = run(*args)
            want(r.rc == 0 and r.out.startswith(b"usage: badmac") and r.err == "", r)
        want(run("help", "diagnose").out == run("diagnose", "--help").out, "help differs")

    def test_no_command(self):
        r = run()
        want(r.rc == TROUBLE and r.out == b"" and r.err.startswith("usage: badmac"), r)

    def test_unknown_command(self):
        refused("unknown command 'frobnicate'", "frobnicate")
        refused("unknown command 'frobnicate'", "help", "frobnicate")
        refused("unknown command ''", "")
        refused("unknown command 'diagnos': is 'diagnose' meant?", "diagnos", GOOD)
        refused("unknown command '%s': is 'diagnose %s' meant?" % (GOOD, GOOD), GOOD)
        refused("unknown command 'hsitory': is 'history' meant?", "help", "hsitory")
        refused("unknown option --frob", "--frob")
        refused("takes no arguments", "--version", "x")

    def test_explain(self):
        """docs/EXPLAIN.md has it all; here is what the command line does."""
        line = b"x509 client: local error: tls: bad record MAC\n"
        log = self.path("app.log", line)
        r = run("explain", log)
        want(r.rc == FAILED and r.out.startswith(b"FOUND:") and r.err == "", r)
        want(run("explain", "-", stdin=line).out == r.out, "standard input")
        out = self.path()
        want(run("explain", "--format=json", "-o", out, log).rc == FAILED, "output")
        want(json.loads(read(out))["schema"] == "badmac.explanation.v1", "schema")
        r = run("explain", "-", stdin=b"all is well\n")
        want(r.rc == VERIFIED and r.out.startswith(b"NOTHING:") and r.err == "", r)
        r = run("explain", "-", stdin=b"AEADBadTagException\n")
        want(r.rc == UNDECIDED and r.out.startswith(b"UNDECIDED:") and r.err.startswith("badmac: undecided:"), r)
        for args in (["--color=always"], ["--color", "auto"]):
            want((b"\x1b[" in run("explain", *args, log).out) == (args[0] == "--color=always"), args)
        for says, args in (("no log given", []), ("one log at a time", [log, log]), ("unknown option -k", ["-k", log]),
                           ("text or json", ["--format", "html", log]), ("--keys-out", ["--keys-out", "", log]),
                           ("standard output holds", ["--keys-out", "-", log]), ("once only", ["--rules", "-", "-"]),
                           ("same file", ["--keys-out", out, "-o", out, log]), ("--color", ["--color", "so", log])):
            refused(says, "explain", *args)
        capture = os.path.join(ROOT, "tests", "data", "damaged", "tls13-aes256gcm", "bitflip", "receiver.pcap")
        for says, args in (("No such file", ["nowhere"]), ("directory", [self.dir.name]), ("a capture, not a log", [capture]),
                           ("is the log", ["-o", log, log]), ("is the log", ["--keys-out", log, log]),
                           ("No such file", ["--rules", "nowhere", log])):
            refused(says, "explain", *args, hint=False)
        want(read(log) == line, "the log changed")
        for name, stdin in ((self.path("none", b""), None), ("-", b"")):
            r = run("explain", name, stdin=stdin) if stdin is not None else run("explain", name)
            want(r.rc == VERIFIED and "empty, so it says nothing" in r.err and r.out.startswith(b"NOTHING"), r)

    def test_host(self):
        """docs/HOST.md has it all; here is what the command line does."""
        root = self.path()
        for name, text in (("proc/sys/kernel/osrelease", "6.1.0\n"), ("proc/net/snmp", "Tcp: InCsumErrors\nTcp: 3\n")):
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "w") as f:
                f.write(text)
        r = run("host", "--root", root)
        want(r.rc == VERIFIED and r.out.startswith(b"DAMAGE: 1 finding tells of damage") and r.err == "", r)
        out = self.path()
        want(run("host", "--root=" + root, "--format=json", "--output", out).rc == VERIFIED, "output")
        want(json.loads(read(out))["schema"] == "badmac.host.v1", "schema")
        for args in (["--color=always"], ["--color", "auto"]):
            want((b"\x1b[" in run("host", *args, "--root", root).out) == (args[0] == "--color=always"), args)
        began = time.monotonic()
        r = run("host", "--watch", "0.4")
        want(r.rc == VERIFIED and b"what grew in 0." in r.out and time.monotonic() - began >= 0.4, r)
        r = run("host", "--root", root, "--before", root)
        want(r.rc == VERIFIED and b"what grew from one copy to the other\n             nothing\n" in r.out, r)
        for says, args in (("takes no operands", [root]), ("unknown option -k", ["-k", root]), ("text or json", ["--format", "html"]),
                           ("-i needs a value", ["-i"]), ("must be the name", ["-i", ""]), ("must be the name", ["--root", ""]), ("must be the name", ["--before", ""]),
                           ("--before needs --root", ["--before", root]), ("one of them", ["--root", root, "--before", root, "--watch", "1"]),
                           ("0.1 to 2678400 seconds", ["--watch", "soon"]), ("0.1 to 2678400", ["--watch", "-1"]),
                           ("0.1 to 2678400", ["--watch", "0"]), ("0.1 to 2678400", ["--watch=1.2.3"]), ("0.1 to 2678400", ["--watch", "1" * 400]),
                           ("--color", ["--color", "so"]), ("--output", ["-o", ""])):
            refused(says, "host", *args)
        for says, args in (("No such file", ["--root", "nowhere"]), ("nothing moves while it is watched", ["--root", root, "--watch", "9"]),
                           ("No such file", ["--root", root, "--before", "nowhere"]), ("no such network interface", ["-i", "none-such"]),
                           ("nothing of /proc and /sys", ["--root", os.path.join(root, "proc", "net")])):
            refused(says, "host", *args, hint=False)
        with open("/dev/full", "wb") as full:
            r = run("host", "--root", root, stdout=full)
        want(r.rc == TROUBLE and "No space left" in r.err, r)

    def test_bad_options(self):
        for says, args in (("no capture given", []), ("unknown option --jsno", ["--jsno", GOOD]),
                           ("unknown option -x", ["-x", GOOD]), ("unknown option -x", ["-vx", GOOD]),
                           ("unknown option --key", ["--key", KEYS, GOOD]),
                           ("-k needs a value", [GOOD, "-k"]), ("--keys needs a value", [GOOD, "--keys"]),
                           ("takes no value", ["--verbose=yes", GOOD]), ("xml", ["--format", "xml", GOOD]),
                           ("addresses or all", ["--redact", "names", GOOD]),
                           ("moon", ["--at=moon", GOOD]), ("--color", ["--color", "sometimes", GOOD]),
                           ("--memory 0", ["--memory", "0", GOOD]), ("--memory", ["--memory", "12Q", GOOD]),
                           ("--memory", ["--memory", "-1", GOOD]), ("--memory", ["--memory", "1KK", GOOD]),
                           ("--flow-memory", ["--flow-memory=", GOOD]), ("--memory", ["--memory", "99999999T", GOOD]),
                           ("--max-flows", ["--max-flows", "1M", GOOD]), ("--output", ["-o", "", GOOD]),
                           ("--crypto", ["--crypto", "rot13", GOOD]), ("--jobs 0", ["-j", "0", GOOD]), ("--jobs", ["-j", "two", GOOD]), ("--jobs", ["--jobs", "-1", GOOD]),
                           ("text, json or html", ["--format", "htm", GOOD]), ("once only", ["-", "-"]),
                           ("once only", ["-k", "-", "-"])):
            refused(says, "diagnose", *args)

    def test_ways_to_write_options(self):
        whole = diagnose("-k", KEYS, "--format", "json", GOOD)
        want(whole.rc == VERIFIED and json.loads(whole.out)["summary"]["result"] == "verified", whole)
        for args in (["-k" + KEYS, "--format=json", GOOD], ["--keys=" + KEYS, GOOD, "--format=json"],
                     [GOOD, "--keys", KEYS, "--format", "json"], ["-vqk", KEYS, "--format", "json", "--", GOOD],
                     ["-k", KEYS, "-k", BAD_KEYS, "--format", "text", "--format", "json", GOOD],
                     ["-k", KEYS, "--format", "json", "-o", "-", "--no-progress", "--color=always", GOOD],
                     ["-k", KEYS, "--format", "json", "--memory", "64M", "--flow-memory", "1MiB", "--max-flows", "10", GOOD],
                     ["-k", KEYS, "--format", "json", "-j1", GOOD], ["-k", KEYS, "--format", "json", "--jobs=99999999999", GOOD],
                     ["-k", KEYS, "--format", "json", "--crypto", "openssl", GOOD], ["-k", KEYS, "--format", "json", "--crypto=auto", GOOD]):
            r = diagnose(*args)
            want(r.out == whole.out and r.rc == VERIFIED and r.err == "", r)

    def test_threads_change_nothing(self):
        """A record in which nothing is found is searched for as long as it may be."""
        noisy, keys = os.path.join(self.dir.name, "noisy.pcap"), os.path.join(DATA, "comp2", "keys.log")
        with open(noisy, "wb") as f:
            f.write(self.noise(read(BAD)))
        reports = [diagnose("-j", n, "-k", keys, "--format", "json", noisy) for n in ("1", "2", "7")]
        want(reports[0].rc == FAILED and b"two octets anywhere" in reports[0].out, reports[0])
        for r in reports[1:]:
            want(r.out == reports[0].out and r.rc == FAILED and r.err == "", r)

    @staticmethod
    def noise(capture):
        """Every 40th octet of the last long frame is another one, behind its headers."""
        last = [f for f in frames(capture) if len(f) > 1000][-1]
        changed = bytearray(last)
        for i in range(120, len(changed), 40):
            changed[i] ^= 0x41 + i % 64
        return capture.replace(last, bytes(changed))

    def test_every_place(self):
        for place in ("sender", "receiver", "client", "server", "middle"):
            r = diagnose("--at", place, "-k", KEYS, GOOD)
            want(r.rc == VERIFIED and r.err == "", r)

    def test_two_dashes(self):
        name = "-k"
        with open(os.path.join(self.dir.name, name), "wb") as f:
            f.write(read(GOOD))
        r = diagnose("-k", KEYS, "--", name, cwd=self.dir.name)
        want(r.rc == VERIFIED, r)
        refused("unknown option -g", "diagnose", "-g", cwd=self.dir.name)

    def test_options_agree_with_manual_and_completion(self):
        for command, least in (("diagnose", 15), ("explain", 7), ("carve", 9), ("history", 12), ("host", 7), ("odds", 19), ("prove", 7)):
            self.options_agree(command, least)

    @staticmethod
    def options_agree(command, least):
        help_text = run(command, "--help").out.decode()
        options = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", "\n".join(
            l[:24] for l in help_text.splitlines() if l.startswith("  "))))
        want(len(options) >= least, options)
        with open(os.path.join(ROOT, "man", "badmac-%s.1" % command)) as f:
            items = [l for l in f if l.startswith(".It Fl")]
        manual = {"-" + w for l in items for w in re.findall(r"(?:Fl|,) (-?[a-z-]+)", l)}
        with open(os.path.join(ROOT, "completion", "badmac.bash")) as f:
            text = f.read()
        pattern = r"local options='([^']*)'" if command == "diagnose" else r"== %s \]\] && options='([^']*)'" % command
        completion = set(re.search(pattern, text).group(1).split())
        want(options == manual, "manual: %s" % sorted(options ^ manual))
        want(options == completion, "completion: %s" % sorted(options ^ completion))
        name = {"diagnose": "OUTPUT.md", "explain": "EXPLAIN.md", "carve": "CARVE.md", "history": "STORE.md", "host": "HOST.md", "odds": "ODDS.md",
                "prove": "PROVE.md"}[command]
        with open(os.path.join(ROOT, "docs", name)) as f:
            page = f.read().split("## Exit status")[0]
        want(all("`" + o in page for o in options if o.startswith("--") and o != "--help"),
             "docs/%s: %s" % (name, sorted(o for o in options if "`" + o not in page)))

    def test_lab_options_agree(self):
        text = run("lab", "--help").out.decode()
        options = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", "\n".join(l[:24] for l in text.splitlines() if l.startswith("  "))))
        want(len(options) >= 15, options)
        with open(os.path.join(ROOT, "man", "badmac-lab.1")) as f:
            manual = {"-" + w for l in f if l.startswith(".It Fl") for w in re.findall(r"(?:Fl|,) (-?[a-z-]+)", l)}
        want(options == manual, "manual: %s" % sorted(options ^ manual))
        with open(os.path.join(ROOT, "completion", "badmac.bash")) as f:
            page = f.read().split("_badmac() {")[0]
        completion = {w for l in re.findall(r"compgen -W '([^']*)'", page) for w in l.split() if w[0] == "-"}
        want(options == completion, "completion: %s" % sorted(options ^ completion))
        with open(os.path.join(ROOT, "docs", "LAB.md")) as f:
            page = f.read()
        want(all("`" + o in page for o in options if o.startswith("--") and o != "--help"),
             "docs/LAB.md: %s" % sorted(o for o in options if "`" + o not in page))
        faults = re.findall(r"^  ([a-z-]+)  ", run("lab", "list").out.decode().split("stacks,")[0], re.M)
        want(faults == re.findall(r"^\| `([a-z][a-z-]+)`", page, re.M), "faults of docs/LAB.md")

    def test_completion_completes(self):
        def complete(*words):
            script = ("source /usr/share/bash-completion/bash_completion; source %s/completion/badmac.bash;"
                      "COMP_WORDS=(%s); COMP_CWORD=%d; COMP_LINE='%s'; COMP_POINT=${#COMP_LINE}; _badmac;"
                      "printf '%%s\\n' \"${COMPREPLY[@]}\"" % (ROOT, " ".join("'%s'" % w for w in words), len(words) - 1,
                                                               " ".join(words).replace(" = ", "=")))
            r = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
            return r.stdout.decode().split()
        for expected, words in ((["diagnose"], ["badmac", "di"]), (["middle"], ["badmac", "diagnose", "--at", "m"]),
                                (["--flow-memory"], ["badmac", "diagnose", "--fl"]),
                                (["json"], ["badmac", "diagnose", "--format", "=", "j"]),
                                (["json"], ["badmac", "diagnose", "--format", "j"]),
                                (["html"], ["badmac", "diagnose", "--format", "h"]), ([], ["badmac", "explain", "--format", "h"]),
                                (["diagnose", "explain", "carve", "history", "host", "lab", "odds", "prove", "help"], ["badmac", "help", ""]), (["relay"], ["badmac", "lab", "rel"]),
                                (["--no-etm"], ["badmac", "lab", "run", "--n"]), (["--to"], ["badmac", "lab", "relay", "--t"]),
                                (["--quick"], ["badmac", "lab", "score", "--q"]),
                                (["words-swapped"], ["badmac", "lab", "run", "wor"]), (["wrong-keys"], ["badmac", "lab", "run", "wrong-k"]),
                                (["--keys-out"], ["badmac", "explain", "--k"]), (["--keys"], ["badmac", "diagnose", "--k"]), (["--watch"], ["badmac", "host", "--w"]), (["html"], ["badmac", "history", "--format", "h"]),
                                (["stream-offset"], ["badmac", "history", "--group", "st"]), (["lo"], ["badmac", "host", "-i", "lo"]),
                                (["--checksum-errors"], ["badmac", "odds", "--ch"]), (["swap-odd"], ["badmac", "odds", "--pattern", "swap-od"])):
            got = complete(*words)
            want(got == expected, "%s: %s" % (words, got))

    # Exit statuses ------------------------------------------------------------------------------

    def test_exit_statuses(self):
        want(diagnose("-k", KEYS, GOOD).rc == VERIFIED, "good")
        r = diagnose("-k", BAD_KEYS, BAD)
        want(r.rc == FAILED and r.out.startswith(b"FAILED:") and r.err == "", r)
        r = diagnose(GOOD)
        want(r.rc == UNDECIDED and r.out.startswith(b"UNDECIDED:"), r)
        want(re.fullmatch(r"badmac: undecided: no key material was given \(1 connection\)\n", r.err), r)

    def test_nothing_to_examine(self):
        empty_capture = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
        r = diagnose(self.path("none.pcap", empty_capture))
        want(r.rc == VERIFIED and r.err == "", r)

    def test_trouble_goes_before_failure(self):
        r = diagnose("-k", BAD_KEYS, BAD, self.path("x"))
        want(r.rc == TROUBLE and r.out == b"", r)
        # A pcapng whose last block is none: reported on as far as it goes, and 2 all the same.
        r = diagnose("-k", BAD_KEYS, "--format", "json", self.path("broken.pcap", read(BAD) + b"\xff" * 64))
        want(r.rc == TROUBLE and json.loads(r.out)["summary"]["result"] == "failed", r)
        want("cannot be read past byte" in r.err, r)
        want("damaged" in diagnose("-q", "-k", BAD_KEYS, self.path("b.pcap", read(BAD) + b"\xff" * 64)).err, "quiet")

    def test_failure_goes_before_undecided(self):
        # One connection fails, the other one has no keys.
        other = read(os.path.join(ROOT, "tests", "data", "damaged", "on-the-wire", "tls13-aes256gcm", "comp2", "receiver.pcap"))
        r = diagnose("-k", BAD_KEYS, BAD, self.path("other.pcap", other))
        want(r.rc == FAILED, r)

    def test_truncated_capture(self):
        r = diagnose("-k", KEYS, "--format", "json", self.path("cut.pcap", read(GOOD)[:-7]))
        want(r.rc in (VERIFIED, UNDECIDED) and "ends in the middle of a packet" in r.err, r)
        want(json.loads(r.out)["summary"]["notices"], r)
        r = diagnose("-q", "-k", KEYS, self.path("cut.pcap", read(GOOD)[:-7]))
        want("ends in the middle" not in r.err, r)

    # What would settle it -----------------------------------------------------------------------

    def undecided(self, capture, *says, keys=KEYS, args=()):
        """Text and JSON say it, and standard error the reason; returns the JSON of the connection."""
        p = self.path("undecided.pcap", capture)
        r = diagnose(*args, "-k", keys, p)
        want(r.rc == UNDECIDED, r)
        text = " ".join(r.out.decode().split())
        for s in says:
            want(re.search(s, text), r)
        want(not any(len(line) > 96 for line in r.out.decode().splitlines()), r)
        c = json.loads(diagnose(*args, "-k", keys, "--format", "json", p).out)["connections"][0]
        want(c["undecided_because"] in r.err, r)
        want(c["undecided_because"] in text and c["undecided_next"].replace("`", "") in text, (r, c))
        want(c["undecided_detail"] is None or c["undecided_detail"] in text, (r, c))
        return c

    def test_what_is_missing_from_the_capture(self):
        head, all_frames = read(GOOD)[:24], frames(read(GOOD))
        self.undecided(head + b"".join(cut(f, 200) for f in all_frames), "cut to 200 bytes", r"next .*tcpdump -s 0")
        self.undecided(head + b"".join(all_frames[8:]), "in the middle of the connection", "start the capture before")
        client = source_port(all_frames[0])
        one = [f for f in all_frames if source_port(f) == client]
        self.undecided(head + b"".join(one), "only what the client sent", "both directions")
        # A ServerHello and the key log tell enough to open what the server sent.
        p = self.path("server.pcap", head + b"".join(f for f in all_frames if source_port(f) != client))
        r = diagnose("-k", KEYS, p)
        want(r.rc == VERIFIED and b"12 protected records in 1 connection all verify" in r.out, r)
        want(diagnose(p).rc == UNDECIDED, "without keys")
        # A packet of the client's in the midst of its application data.
        big = [i for i, f in enumerate(all_frames) if source_port(f) == client and len(f) > 900][1]
        c = self.undecided(head + b"".join(all_frames[:big] + all_frames[big + 1:]), "lacks packets", "larger buffer")
        following = next(i for i in range(big + 1, len(all_frames)) if source_port(all_frames[i]) == client
                         and len(all_frames[i]) > 16 + 66)
        want(re.search(r"\d+ bytes of the client are missing at stream offset \d+, before packet %d$" % following,
                       c["undecided_detail"]), (big, c))

    def test_snap_length_is_noticed(self):
        p = self.path("cut.pcap", read(GOOD)[:24] + b"".join(cut(f, 200) for f in frames(read(GOOD))))
        r = diagnose("-k", KEYS, "--format", "json", p)
        notices = json.loads(r.out)["summary"]["notices"]
        want(any(re.search(r"cut.pcap: \d+ packets are cut to 200 bytes", n) for n in notices), notices)
        whole = json.loads(diagnose("-k", KEYS, "--format", "json", GOOD).out)["summary"]["notices"]
        want(whole == [], whole)

    def test_memory_limits_are_no_lack_of_packets(self):
        folder = os.path.join(ROOT, "tests", "data", "ssldump")
        r = diagnose("--flow-memory", "300", "-k", os.path.join(folder, "log.txt"),
                     os.path.join(folder, "tls1.3_curl_google.pcap"))
        text = " ".join(r.out.decode().split())
        want(r.rc == UNDECIDED and "memory limits cut" in r.err and "lacks packets" not in text, r)
        want("to keep to its memory limits" in text and re.search("next .*--flow-memory", text), r)

    def test_which_secret_is_missing(self):
        folder = os.path.join(ROOT, "tests", "data", "damaged", "tls13-aes256gcm", "none")
        capture, log = read(os.path.join(folder, "receiver.pcap")), read(os.path.join(folder, "keys.log"))
        random = re.search(rb"(?m)^[A-Z_0-9]+ ([0-9a-f]{64}) ", log).group(1).decode()
        for label in ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"):
            part = b"".join(l for l in log.splitlines(True) if not l.startswith(label.encode() + b" "))
            want(len(part) < len(log), label)
            c = self.undecided(capture, "lacks %s of" % label, "client random " + random, keys=self.path("k", part))
            want(c["undecided_because"].count("SECRET") == 1, c)
        self.undecided(capture, "holds no secret for this connection", "client random " + random)

    def test_cut_hellos(self):
        """Not even a hello was captured whole: that nothing is wrong cannot be said. Of other traffic it can."""
        data = read(GOOD)
        for n, expected in ((80, UNDECIDED), (68, VERIFIED), (34, VERIFIED)):
            out, at = [data[:24]], 24
            while at < len(data):
                size = struct.unpack("<I", data[at + 8:at + 12])[0]
                kept = min(n, size)
                out.append(data[at:at + 8] + struct.pack("<II", kept, size) + data[at + 16:at + 16 + kept])
                at += 16 + size
            r = diagnose(self.path("cut-%d.pcap" % n, b"".join(out)))
            want(r.rc == expected and ("within the hellos of TLS" in r.err) == (expected == UNDECIDED), r)

    def test_another_servers_key(self):
        folder = os.path.join(ROOT, "tests", "data", "damaged", "tls10-rc4sha-gnutls", "none")
        key = os.path.join(self.dir.name, "other.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, stderr=subprocess.DEVNULL)
        self.undecided(read(os.path.join(folder, "receiver.pcap")), "no private key that was given is that of the server's "
                       "certificate", "client random ", keys=key)
        # Of a key exchange that no private key opens nothing of the kind is said.
        folder = os.path.join(ROOT, "tests", "data", "damaged", "tls12-aes128gcm", "none")
        self.undecided(read(os.path.join(folder, "receiver.pcap")), "holds no secret for this connection", "client random ",
                       keys=key)

    def test_bad_key_lines_name_their_file(self):
        keys = self.path("bad.log", read(KEYS) + b"CLIENT_RANDOM zz\nCLIENT_RANDOM 00 00\n")
        good = self.path("good.log", read(BAD_KEYS))
        r = diagnose("-k", good, "-k", keys, GOOD)
        want(r.rc == VERIFIED and re.fullmatch(r"badmac: \S*bad.log: 2 lines could not be read, the first is line \d+\n",
                                               r.err), r)

    def test_unknown_link_types(self):
        capture = read(GOOD)
        strange = capture[:20] + struct.pack("<I", 147) + capture[24:]
        trouble("link.pcap: its link type 147 is not known here: none of its .* packets", self.path("link.pcap", strange))
        trouble("link type 147", "-k", KEYS, GOOD, self.path("link.pcap", strange))
        # No packet at all is no trouble, and no clean bill of health either.
        r = diagnose(self.path("none.pcap", strange[:24]))
        want(r.rc == VERIFIED and r.out == b"OK: nothing to check: there is no packet\n", r)

    def test_where_compressed_input_breaks_off(self):
        packed = subprocess.run(["gzip", "-c", GOOD], stdout=subprocess.PIPE, check=True).stdout
        r = diagnose("-k", KEYS, self.path("cut.pcap.gz", packed[:len(packed) // 2]))
        want(re.search(r"at byte \d+ of the uncompressed data", r.err), r)

    def test_more_captures_than_open_files(self):
        with open(GOOD, "rb") as f:
            data = f.read()
        many = [self.path("piece%d.pcap" % i, data) for i in range(40)]
        r = diagnose("-k", KEYS, *many, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
        want(r.rc != TROUBLE and "Too many open files" not in r.err, r)

    def test_two_places_of_capture(self):
        folder = os.path.dirname(BAD)
        both = [os.path.join(folder, n + ".pcap") for n in ("sender", "receiver")]
        r = diagnose("-k", BAD_KEYS, *both)
        want(r.rc == FAILED and b"1 connection of another capture is the same as one of these" in r.out, r)
        want(re.match(rb"FAILED: 1 of 10 protected records does not verify", r.out), r)
        want(b"; also in " + both[0].encode() in b" ".join(r.out.split()) and b"at fault network\n" in r.out, r)
        summary = json.loads(diagnose("-k", BAD_KEYS, "--format", "json", *both).out)["summary"]
        want(summary["seen_elsewhere"] == 1 and summary["undecoded"] == 0 and summary["connections"] == 1, summary)
        # What comes through a pipe can be read once only.
        r = diagnose("-k", BAD_KEYS, both[0], "-", stdin=read(both[1]))
        want("can be read only once, so the captures are taken for pieces of one" in r.err, r)
        want(b"another capture" not in diagnose("-k", BAD_KEYS, BAD).out, "one capture")

    def test_fatal_alerts_are_told_of(self):
        folder = os.path.join(ROOT, "tests", "data", "damaged", "tls13-aes256gcm", "none")
        r = diagnose("-k", os.path.join(folder, "keys.log"), os.path.join(folder, "receiver.pcap"))
        want(r.rc == VERIFIED, r)
        want(re.search(rb"\n    0  10\..*  fatal alert decode_error by the server, packet 36\n", r.out), r)

    def test_filter_names_every_packet(self):
        folder = os.path.join(ROOT, "tests", "data", "damaged", "tls13-aes256gcm", "dup")
        args = ("-k", os.path.join(folder, "keys.log"), os.path.join(folder, "receiver.pcap"))
        packets = json.loads(diagnose("--format", "json", *args).out)["connections"][0]["failures"][0]["packets"]
        want(len(packets) == 2 and packets[1] == packets[0] + 1, packets)
        r = diagnose(*args)
        want("frame.number in {%d..%d}\n" % tuple(packets) in r.out.decode(), r)

    def test_damage_side_by_side(self):
        r = diagnose("-k", BAD_KEYS, BAD)
        lines = re.findall(r"(?m)^ {13} *\d+   ((?:[ \[\]][0-9a-f]{2}){8}[\] ]) *((?:[ \[\]][0-9a-f]{2}){8}\]?)$", r.out.decode())
        want(lines, r)
        received, sent = ([re.findall("[0-9a-f]{2}", l[i]) for l in lines] for i in (0, 1))
        want(received != sent, r)
        for (a, b), x, y in zip(lines, received, sent):
            marked = re.sub(r"\[([^\]]*)\]", lambda m: re.sub("[0-9a-f]{2}", "!!", m.group()), a)
            want([m == "!!" for m in re.findall("[0-9a-f!]{2}", marked)] == [p != q for p, q in zip(x, y)], (a, b))
            want(a.count("[") == a.count("]") == b.count("["), (a, b))
        want("frame.number == " in r.out.decode() and "in Wireshark, at offset " in r.out.decode(), r)

    # Input --------------------------------------------------------------------------------------

    def test_input_that_cannot_be_read(self):
        missing = self.path("missing")
        trouble(re.escape(missing) + ": No such file", missing)
        trouble(re.escape(missing) + ": No such file", "-k", missing, GOOD)
        trouble("key material, not a capture: give it with -k", GOOD, BAD_KEYS)
        for says, other in (("a capture, not a log", GOOD), ("a key log, and nothing else", BAD_KEYS),
                            ("a report of badmac diagnose, not a log", self.path("r.json", diagnose("--format", "json", "-k", BAD_KEYS, BAD).out))):
            trouble(says, "-k", BAD_KEYS, "--log", other, BAD)
        for form, is_what in (("json", "a report of badmac"), ("text", "a report of badmac"), ("html", "a page")):
            report = self.path("report." + form, run("diagnose", "--format", form, "-k", BAD_KEYS, BAD).out)
            trouble(is_what + ", not a capture", report)
        trouble("Is a directory", self.dir.name)
        trouble("Is a directory", "-k", self.dir.name, GOOD)
        trouble("empty.*: empty file", self.path("empty", b""))
        with open(os.devnull, "rb") as nothing:
            trouble("standard input: empty file", "-", stdin=nothing)
        for magic, says in ((b"snoop\0\0\0\0\0\0\x02", "snoop.*editcap"), (b"BZh91AY&SY", "bzip2"),
                            (b"\xfd7zXZ\0", "xz"), (b"\x04\x22\x4d\x18", "lz4"), (b"7z\xbc\xaf\x27\x1c", "7z"),
                            (b"PK\x03\x04", "zip")):
            trouble(says, self.path("other", magic + b"\0" * 50))
            trouble(says, "-", stdin=magic + b"\0" * 50)
        trouble("not a capture file", self.path("text.pcap", b"hello, world\n" * 100))
        trouble("standard input: .*", "-", stdin=b"hello, world\n" * 100)
        trouble("standard input: empty file", "-", stdin=b"")
        junk = self.path("junk", os.urandom(3000))
        trouble(re.escape(junk), "-k", junk, GOOD)

    def test_unreadable(self):
        if os.geteuid() != 0:
            p = self.path("secret", b"x")
            os.chmod(p, 0)
            trouble("Permission denied", p)
        else:  # root reads everything but this
            trouble("secret.*: .*", os.path.join(self.dir.name, "secret" * 100))

    def test_names_are_made_harmless(self):
        for name, shown in ((b"a\x1b[31mb", "a\\x1b[31mb"), (b"a\xffb", "a\\xffb"), ("a\u202eb".encode(), "a\\xe2\\x80\\xaeb"),
                            (b"a\nbadmac: b", "a\\x0abadmac: b"), ("h\u00e4".encode(), "h\u00e4"), (b"\xc2\x9b", "\\xc2\\x9b")):
            r = subprocess.run([BADMAC.encode(), b"diagnose", b"/nowhere/" + name], stderr=subprocess.PIPE, timeout=60)
            want(r.returncode == TROUBLE and r.stderr.decode() == "badmac: /nowhere/%s: No such file or directory\n" % shown,
                 r.stderr)

    def test_streams(self):
        wanted = diagnose("-k", KEYS, "--format", "json", GOOD).out.replace(GOOD.encode(), b"NAME")
        packed = subprocess.run(["gzip", "-c", GOOD], stdout=subprocess.PIPE, check=True).stdout

        def same(r, name):
            want(r.rc == VERIFIED, r)
            want(r.out.replace(name.encode(), b"NAME") == wanted, r)
        same(diagnose("-k", KEYS, "--format", "json", "-", stdin=read(GOOD)), "standard input")
        same(diagnose("-k", KEYS, "--format", "json", "-", stdin=packed), "standard input")
        with open(GOOD, "rb") as f:
            same(diagnose("-k", KEYS, "--format", "json", "-", stdin=f), "standard input")
        same(diagnose("-k", "-", "--format", "json", GOOD, stdin=read(KEYS)), GOOD)
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        for content in (read(GOOD), packed):
            t = threading.Thread(target=self.feed, args=(fifo, content))
            t.start()
            same(diagnose("-k", KEYS, "--format", "json", fifo), fifo)
            t.join()

    @staticmethod
    def feed(fifo, content):
        with open(fifo, "wb") as f:
            for i in range(0, len(content), 777):
                f.write(content[i:i + 777])
                f.flush()

    def test_keys_through_a_fifo(self):
        fifo = self.path("keys")
        os.mkfifo(fifo)
        t = threading.Thread(target=self.feed, args=(fifo, read(KEYS)))
        t.start()
        r = diagnose("-k", fifo, GOOD)
        t.join()
        want(r.rc == VERIFIED, r)

    def test_standard_input_that_does_not_start_at_the_start(self):
        p = self.path("later.pcap", b"x" * 10 + read(GOOD))
        with open(p, "rb", buffering=0) as f:
            f.seek(10)
            r = diagnose("-k", KEYS, "-", stdin=f)
        want(r.rc == VERIFIED, r)

    def test_file_that_shrinks(self):
        """The second name is a FIFO, and badmac waits there with the first one mapped."""
        big, fifo = self.path("big.pcap", read(GOOD) + b"\0" * (1 << 20)), self.path("fifo")
        os.mkfifo(fifo)
        child = subprocess.Popen([BADMAC, "diagnose", big, fifo], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with open("/proc/%d/maps" % child.pid) as f:
                if big in f.read():
                    break
            time.sleep(0.01)
        os.truncate(big, 0)
        fd = os.open(fifo, os.O_WRONLY)
        os.close(fd)
        out, err = child.communicate(timeout=30)
        r = Result(child.returncode, out, err.decode())
        want(r.rc == TROUBLE and r.out == b"" and re.fullmatch(r"badmac: .*big.pcap: became shorter.*\n", r.err), r)

    def test_openssl_configuration_does_not_matter(self):
        conf = self.path("openssl.cnf", b"openssl_conf = a\n[a]\nproviders = b\nalg_section = c\n[b]\n[c]\nno_such = yes\n"
                                        b"default_properties = fips=yes\n")
        r = diagnose("-k", KEYS, GOOD, env={"OPENSSL_CONF": conf})
        want(r.rc == VERIFIED and r.err == "", r)

    # Output -------------------------------------------------------------------------------------

    def test_output_file(self):
        wanted = diagnose("-k", BAD_KEYS, BAD).out
        out = self.path("report")
        r = diagnose("-k", BAD_KEYS, "-o", out, BAD)
        want(r.rc == FAILED and r.out == b"" and r.err == "" and read(out) == wanted, r)
        want(os.stat(out).st_mode & 0o777 == 0o666 & ~self.umask(), oct(os.stat(out).st_mode))
        os.chmod(out, 0o600)
        link = self.path("link")
        os.symlink(out, link)
        want(diagnose("--format", "json", "-k", BAD_KEYS, "--output=" + link, BAD).rc == FAILED, "again")
        want(os.path.islink(link) and json.loads(read(out))["schema"] == "badmac.diagnosis.v1", "link")
        want(os.stat(out).st_mode & 0o777 == 0o600, "mode kept")

    @staticmethod
    def umask():
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_output_stays_as_it_was(self):
        folder = self.path("folder")
        os.mkdir(folder)
        out = os.path.join(folder, "report")
        for before in (None, b"as it was"):
            if before is not None:
                with open(out, "wb") as f:
                    f.write(before)
            for args in (["nowhere"], ["-k", "nowhere", GOOD], ["-"]):
                r = diagnose("-o", out, *args, stdin=b"no capture at all, and long enough to be looked at")
                want(r.rc == TROUBLE, r)
                want(os.listdir(folder) == ([] if before is None else ["report"]), os.listdir(folder))
                want(before is None or read(out) == before, "changed")

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            folder = self.path("folder")
            os.mkdir(folder)
            out = os.path.join(folder, "report")
            # Whoever runs the tests in the background may have had them ignore it.
            child = subprocess.Popen([BADMAC, "diagnose", "-o", out, "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                     preexec_fn=lambda number=number: signal.signal(number, signal.SIG_DFL))
            deadline = time.monotonic() + 20
            while not os.listdir(folder) and time.monotonic() < deadline:
                pass  # the very moment that there is a file
            child.send_signal(number)
            child.communicate(timeout=20)
            want(child.returncode == -number and os.listdir(folder) == [], (child.returncode, os.listdir(folder)))

    def test_output_that_cannot_be_written(self):
        trouble("No such file", "-k", KEYS, "-o", "/nowhere/report", GOOD)
        trouble("directory", "-k", KEYS, "-o", self.dir.name, GOOD)
        trouble("/dev/full: No space left", "-k", KEYS, "-o", "/dev/full", GOOD)
        with open("/dev/full", "wb") as full:
            for args in (["-k", KEYS, GOOD], ["-k", BAD_KEYS, BAD], ["--help"]):
                r = diagnose(*args, stdout=full)
                want(r.rc == TROUBLE and r.err == "badmac: standard output: No space left on device\n", r)

    def test_output_is_an_input(self):
        capture, keys = self.path("c.pcap", read(GOOD)), self.path("k", read(KEYS))
        trouble("would overwrite", "-o", capture, "-k", keys, capture)
        trouble("would overwrite", "-o", keys, "-k", keys, capture)
        want(read(capture) == read(GOOD) and read(keys) == read(KEYS), "overwritten")

    def test_output_to_devices(self):
        wanted = diagnose("-k", KEYS, GOOD).out
        want(diagnose("-k", KEYS, "-o", "/dev/null", GOOD).rc == VERIFIED, "null")
        r = diagnose("-k", KEYS, "-o", "/dev/stdout", GOOD)
        want(r.rc == VERIFIED and r.out == wanted, r)
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        got = []
        t = threading.Thread(target=lambda: got.append(read(fifo)))
        t.start()
        want(diagnose("-k", KEYS, "-o", fifo, GOOD).rc == VERIFIED, "fifo")
        t.join()
        want(got == [wanted] and not os.path.isfile(fifo), got)

    def test_closed_pipe(self):
        for ignored, expected in ((False, -signal.SIGPIPE), (True, TROUBLE)):
            r, w = os.pipe()
            os.close(r)

            def before(ignored=ignored):
                signal.signal(signal.SIGPIPE, signal.SIG_IGN if ignored else signal.SIG_DFL)
            child = subprocess.run([BADMAC, "diagnose", "-k", KEYS, GOOD], stdout=w, stderr=subprocess.PIPE,
                                   restore_signals=False, preexec_fn=before, timeout=60)
            os.close(w)
            want(child.returncode == expected and len(child.stderr.splitlines()) == (1 if ignored else 0), child)

    def test_closed_descriptors(self):
        def close():
            os.close(1)
        r = subprocess.run([BADMAC, "diagnose", "-k", KEYS, GOOD], stderr=subprocess.PIPE, preexec_fn=close, timeout=60)
        want(r.returncode == TROUBLE and r.stderr == b"badmac: standard output: Bad file descriptor\n", r)
        want(read(GOOD)[:4] == b"\xd4\xc3\xb2\xa1", "capture written to")

    # Terminals ----------------------------------------------------------------------------------

    def on_terminal(self, *args, env=None, which=("stdout",), command="diagnose"):
        """What the terminal gets, with the streams of `which` on it."""
        master, slave = pty.openpty()
        full = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
        full.update(env or {"TERM": "xterm"})
        other = subprocess.DEVNULL
        child = subprocess.Popen([BADMAC, command, *args], env=full, stdin=subprocess.DEVNULL,
                                 stdout=slave if "stdout" in which else other,
                                 stderr=slave if "stderr" in which else other)
        os.close(slave)
        out = judge.read_terminal(master)
        child.wait(60)
        return out

    def test_colors(self):
        colored = b"\x1b["
        args = ("-k", BAD_KEYS, BAD)
        want(colored in self.on_terminal(*args), "a terminal")
        want(colored in self.on_terminal(*args, env={"TERM": "xterm", "NO_COLOR": ""}), "empty NO_COLOR")
        want(colored not in self.on_terminal(*args, env={"TERM": "xterm", "NO_COLOR": "1"}), "NO_COLOR")
        want(colored not in self.on_terminal(*args, env={"TERM": "dumb"}), "dumb")
        want(colored not in self.on_terminal("--color", "never", *args), "never")
        want(colored in self.on_terminal("--color", "always", *args, env={"NO_COLOR": "1"}), "always")
        want(colored in diagnose("--color=always", *args).out, "always, a pipe")
        want(colored not in diagnose(*args).out and colored not in diagnose("--color=auto", *args).out, "a pipe")
        want(colored not in diagnose("--color=always", "--format=json", *args).out, "JSON")

    def test_see_also(self):
        """Every page that a page names is there and names it, too; of each command it speaks of, the page stands at the end."""
        folder = os.path.join(ROOT, "man")
        pages = {tuple(n.rsplit(".", 1)) for n in os.listdir(folder) if re.fullmatch(r".*\.[1-8]", n)}
        elsewhere = {("curl", "1"), ("ethtool", "8"), ("nstat", "8")}
        commands = {n for n, _ in pages if n.startswith("badmac-")}
        want(len(pages) >= 7, pages)
        names = {}
        for name, section in sorted(pages):
            page = read(os.path.join(folder, "%s.%s" % (name, section))).decode()
            text, _, end = page.partition(".Sh SEE ALSO\n")
            listed = re.findall(r"(?m)^\.Xr (\S+) ([1-8])(?: ,)?$", end.split("\n.Sh ")[0])
            named = set(re.findall(r"(?m)^\.Xr (\S+) ([1-8])", page))
            want(named <= pages | elsewhere, (name, named - pages - elsewhere))
            want(listed and len(set(listed)) == len(listed) and (name, section) not in listed, (name, listed))
            want(listed == sorted(listed, key=lambda p: (p[0].split("-")[0] != "badmac", p[1], p[0])), (name, listed))
            spoken = {"badmac-" + c for c in re.findall(r"badmac[ -](?:Cm )?([a-z]+)", text)} & commands - {name}
            missing = (spoken if name != "badmac" else commands) - {n for n, _ in listed}
            want(not missing and (name == "badmac" or ("badmac", "1") in listed), (name, missing))
            names[name] = {n for n, _ in listed} & {n for n, _ in pages}
        alone = sorted((a, b) for a in names for b in names[a] if a not in names[b])
        want(not alone, "named, and does not name the other: %s" % alone)

    def lines_of(self, text, columns):
        """No line of a report passes the edge but the answer, octets, commands and what has no blank; none ends in one."""
        command = r" +(tcpdump|badmac|ethtool|nstat|ss|frame\.number|openssl|grep|java|SSLKEYLOGFILE|OPENSSL_ia32cap|ssl_|lsof)\b"
        lines = text.splitlines()
        for line in lines[1:]:
            want(line == line.rstrip(), repr(line))
            octets = re.match(r" {13}( *offset|received|sent| +\d+  )|  random ", line)
            words = line.strip().split(" ")
            alone = len([w for w in words if w]) == 1 or max(map(len, words)) > columns - 20
            want(len(line) <= columns or octets or re.match(command, line) or alone, (columns, line))
        return lines

    def test_columns(self):
        """Of a terminal, of COLUMNS, of neither; commands are whole in each."""
        folder = os.path.join(ROOT, "tests", "data", "damaged")
        for case in ("tls13-aes256gcm/bitflip", "tls12-aes128gcm/inject_raw", "tls10-aes128cbc-sha/drop", "tls13-aes256gcm/swap",
                     "tls12-chacha20/replay", "tls12-cbc-sha256-mte/lenhdr"):
            d = os.path.join(folder, case)
            both = [os.path.join(d, n) for n in ("receiver.pcap", "sender.pcap")]
            for args in (["-k", os.path.join(d, "keys.log"), both[0]], ["-v", "-k", os.path.join(d, "keys.log"), both[0]],
                         ["-v", both[0]], ["-k", os.path.join(d, "keys.log"), *both]):
                plain = diagnose(*args).out.decode()
                self.lines_of(plain, 96)
                steps = [s for c in json.loads(diagnose("--format", "json", *args).out)["connections"] for f in c["failures"]
                         for s in f["next_steps"]]
                if len(args) != 3 or "-v" in args:
                    continue
                for columns, of in ((60, 60), (80, 80), (20, 60), (500, 120)):
                    shown = self.on_terminal("--color", "never", *args, env={"TERM": "xterm", "COLUMNS": str(columns)}).decode()
                    lines = self.lines_of(shown.replace("\r\n", "\n"), of)
                    want(" ".join(plain.split()) == " ".join(" ".join(lines).split()), "the same words at %d" % columns)
                    for command in re.findall("(?<![(])`([^`]*)`", " ".join(steps)):
                        want(any(line.strip() == command for line in lines), (command, lines))
                    if columns == 500:
                        want(any(96 < len(line) for line in lines[1:]), "a wide terminal is made use of")
                want(any("`" in s for s in steps), steps)

    def at_width(self, command, args, columns, of):
        shown = self.on_terminal("--color", "never", *args, env={"TERM": "xterm", "COLUMNS": str(columns)}, command=command).decode()
        return self.lines_of(shown.replace("\r\n", "\n"), of)

    def test_columns_of_the_others(self):
        """explain, odds, host and prove break their text as diagnose does; what is to be typed is whole, and by itself at the end of a line."""
        with open(os.path.join(ROOT, "tests", "explain", "jdk6-rc4-third-record.log"), "rb") as f:
            log = self.path("java.log", f.read() + b"\n" * 100 + b"10:11:12 nginx SSL_read() failed (SSL: decryption failed or bad record mac)\n")
        doubt = self.path("doubt.log", b"javax.crypto.AEADBadTagException: Tag mismatch!\n")
        report = self.path("report.json", diagnose("--format", "json", "-k", BAD_KEYS, BAD).out)
        asked = ["--checksum-errors", "3", "--failures", "2", "--segments", "5000000", "--suite", "TLS_RSA_WITH_AES_128_CBC_SHA"]
        simulated = ["--simulate", "--trials", "1000", "--pattern", "bits:2", "-j", "1"]
        cases = [("explain", [log]), ("explain", ["-v", "--redact", "all", log]), ("explain", [doubt]), ("odds", asked), ("odds", ["-v", *asked]),
                 ("odds", ["--checksum-errors", "unknown", "--report", report]), ("odds", simulated), ("host", []), ("host", ["-v"]),
                 ("prove", ["-v", "-k", BAD_KEYS, report, BAD])]
        for command, args in cases:
            plain = run(command, *args).out.decode()
            if args != simulated:
                self.lines_of(plain, 96)
            made = json.loads(run(command, *[a for a in args if a != "-v"], "--format", "json").out)
            typed = {s["command"] for i in made.get("incidents", ()) for s in i["keys"] + i["next_steps"] if s["command"]}
            typed |= {c for s in made.get("next_steps", []) + made.get("rests_on", []) for c in re.findall("(?<![(])`([^`]*)`", s)}
            typed |= {f[k] for f in made.get("findings", []) for k in ("off", "on") if f[k]} if args == ["-v"] else set()
            want(typed or command in ("host", "prove") or args == simulated or doubt in args, (command, args))
            for columns, of in ((60, 60), (80, 80), (160, 120)):
                lines = self.at_width(command, args, columns, of)
                want(not [one for one in lines if re.match(r" *%|.*\Sescapes: ", one)], (command, args, columns, "a word by itself"))
                # Tables have another form where they do not fit; host counts while it is looked at.
                if command == "explain":
                    want(" ".join(plain.split()) == " ".join(" ".join(lines).split()), "the same words at %d" % columns)
                for one in typed:
                    want(any(re.sub("^ *(off|back)? *", "", line) == one for line in lines), (command, args, columns, one))
                if columns == 160:
                    want(any(96 < len(line) for line in lines) or doubt in args or command in ("host", "prove"), (command, args, "a wide terminal is made use of"))

    def test_progress(self):
        """A stream that dawdles: the line appears only after a while, only on a terminal, and goes again."""
        packets = read(GOOD)[24:]
        slow = read(GOOD)[:24] + packets * (120000 * 100 // len(packets))
        path = self.path("slow.pcap", slow)
        quick = self.on_terminal("-k", KEYS, GOOD, which=("stderr",))
        want(quick == b"", quick)
        for args in (["-q"], ["--no-progress"]):
            want(b"MiB" not in self.on_terminal(*args, "-k", KEYS, path, which=("stderr",)), args)
        shown = self.on_terminal("-k", KEYS, path, which=("stderr",))
        # A quick machine may be done before the line is due.
        want(shown.count(b"MiB") == 0 or b"\r\x1b[K" in shown.split(b"MiB")[-1], shown[-300:])
        want(b"MiB" not in diagnose("-k", KEYS, path).err.encode(), "a pipe")


def main():
    run("--version")  # or stop here
    tap, cli = judge.Tap(), Cli()
    for name in [n for n in dir(cli) if n.startswith("test_")]:
        tap.case(name[5:].replace("_", " "), getattr(cli, name))
    cli.dir.cleanup()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
