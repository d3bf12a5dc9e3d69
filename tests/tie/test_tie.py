#!/usr/bin/env python3
"""Logs of real stacks beside captures of what they met: badmac diagnose --log ties each incident to the connection and the
record that truth.json names, or says that it cannot. Prints TAP."""
import datetime
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in ("tests/live", "tests/report", "examples/mainframe"):
    sys.path.insert(0, os.path.join(ROOT, folder))
import check_schema  # noqa: E402
import judge  # noqa: E402
import mainframe  # noqa: E402
import schemas  # noqa: E402
import stacks  # noqa: E402

ORIGINAL = os.path.join(ROOT, "tests", "explain", "jdk6-rc4-third-record.log")
UTC = datetime.timezone.utc
ONE = ("certain", "likely", "possible")


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, UTC)


def zoned(minutes):
    return datetime.timezone(datetime.timedelta(minutes=minutes))


# How loggers write a moment and a message.
FORMATS = {
    "iso": lambda t, m: utc(t).strftime("%Y-%m-%dT%H:%M:%S.%fZ ") + m,
    "offset": lambda t, m: utc(t).astimezone(zoned(-330)).strftime("%Y-%m-%d %H:%M:%S,%f")[:23] + "-0530 ERROR " + m,
    "syslog": lambda t, m: utc(t).strftime("<11>%b %e %H:%M:%S host app[71]: ") + m,
    "json": lambda t, m: json.dumps({"level": "error", "ts": round(t, 3), "msg": m}),
    "apache": lambda t, m: utc(t).strftime("[%a %b %d %H:%M:%S.%f %Y] [ssl:info] ") + m,
    "clock": lambda t, m: utc(t).strftime("%H:%M:%S.%f")[:12] + " [main] WARN " + m,
    "local": lambda t, m: utc(t + 5.75 * 3600).strftime("%Y-%m-%d %H:%M:%S.%f ") + m,
}


def write(path, lines, form="iso", shift=0.0):
    """lines: (when, message)."""
    with open(path, "w", encoding="utf-8") as f:
        for when, message in sorted(lines):
            f.write(FORMATS[form](when + shift, message) + "\n")
    return path


class WithEnv:
    """A lab whose programs find these words in their environment."""

    def __init__(self, lab, **env):
        self.lab, self.env = lab, env

    def __getattr__(self, name):
        return getattr(self.lab, name)

    def start(self, *argv, **more):
        return self.lab.start("env", *("%s=%s" % v for v in self.env.items()), *argv, **more)


class Echo:
    """A server of Python's own with a thread for each connection, and the lines that it logs."""

    def __init__(self, lab, version):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(lab.path("rsa.crt"), lab.path("rsa.key"))
        self.ctx.keylog_filename = self.keys = lab.path("echo-%s.keys" % version)
        self.ctx.minimum_version = self.ctx.maximum_version = getattr(ssl.TLSVersion, version)
        self.log, self.threads = [], []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn, peer = self.sock.accept()
            except OSError:
                return
            t = threading.Thread(target=self._serve, args=(conn, peer), daemon=True)
            self.threads.append(t)
            t.start()

    def _serve(self, conn, peer):
        conn.settimeout(8)
        try:
            with self.ctx.wrap_socket(conn, server_side=True) as s:
                while True:
                    b = s.recv(65536)
                    if not b:
                        return
                    s.sendall(b)
        except (ssl.SSLError, OSError) as e:
            self.log.append((time.time(), "worker: %s:%d: %s" % (peer[0], peer[1], e)))

    def close(self):
        self.sock.close()
        for t in self.threads:
            t.join(5)


class Clients:
    """Several at once; each says what it met, when, and from which port."""

    def __init__(self, port, version, count, pause):
        self.log, self.lock, self.port = [], threading.Lock(), port
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ctx.check_hostname, self.ctx.verify_mode = False, ssl.CERT_NONE
        self.ctx.minimum_version = self.ctx.maximum_version = getattr(ssl.TLSVersion, version)
        threads = [threading.Thread(target=self._run, args=(n, pause)) for n in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(20)

    def _run(self, n, pause):
        time.sleep(n * pause)
        local = 0
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=8) as raw:
                local = raw.getsockname()[1]
                with self.ctx.wrap_socket(raw, server_hostname="host%d.example.org" % n) as s:
                    for k in range(6):
                        message = b"%d" % k * (100 + 37 * n + k)
                        s.sendall(message)
                        got = 0
                        while got < len(message):
                            b = s.recv(65536)
                            if not b:
                                return
                            got += len(b)
                        time.sleep(0.01)
        except (ssl.SSLError, OSError) as e:
            with self.lock:
                self.log.append((time.time(), local, "client %d: ssl.SSLError: %s" % (n, e)))


class Tie:
    def __init__(self):
        self.tap, self.lab = judge.Tap(), stacks.Lab()
        self.dir = tempfile.mkdtemp(prefix="badmac-tie-")
        self.badmac = judge.find_badmac()
        self.validator = schemas.Validator("diagnosis")

    def path(self, name):
        return os.path.join(self.dir, name)

    def ask(self, capture, logs, keys=(), expected=1, more=()):
        """The report, whose status and other members are those without logs."""
        words = [w for log in logs for w in ("--log", log)] + list(more)
        rc, report, err = judge.diagnose(capture, keys, args=words)
        judge.want(rc == expected, "exit %d, expected %d: %s" % (rc, expected, err), report)
        wrong = check_schema.check("report", json.dumps(report), self.validator)
        wrong = [w for w in wrong if "lines hold" not in w]
        judge.want(not wrong, "\n".join(wrong[:5]))
        return report

    def same_without(self, report, capture, keys=()):
        _, plain, _ = judge.diagnose(capture, keys)
        rest = {k: v for k, v in report.items() if k not in ("logs", "incidents", "logged_failures")}
        judge.want(plain == rest, "a log changed what is told of the capture")

    # Several connections at once --------------------------------------------------------------------------

    def record(self, version, count, pause, words):
        """Clients and a server with the relay of the lab in between: the capture, and what each end logged."""
        folder = self.path("relay-%s-%d" % (version, count))
        server = Echo(self.lab, version)
        relay = subprocess.Popen([self.badmac, "lab", "relay", "--listen", "0", "--to", "127.0.0.1:%d" % server.port, "--record",
                                  folder, "--keys", server.keys, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 universal_newlines=True)
        port = int(re.search(r":(\d+)$", relay.stderr.readline()).group(1))
        clients = Clients(port, version, count, pause)
        relay.terminate()
        relay.communicate(timeout=20)
        server.close()
        with open(os.path.join(folder, "truth.json"), encoding="ascii") as f:
            truth = {t["connection"]: t for t in json.load(f)["faults"]}
        return os.path.join(folder, "receiver.pcapng"), clients.log, server.log, truth

    def several(self):
        """Half of twelve connections fail, in either direction."""
        self.capture, self.client_log, self.server_log, self.truth = self.record(
            "TLSv1_2", 12, 0.05, ["--fault", "bits-flipped", "--probability", "0.06", "--seed", "4"])
        self.report = self.ask(self.capture, [])
        self.by_port = {int(c["client"].rsplit(":", 1)[1]): c["id"] for c in self.report["connections"]}
        judge.want(3 <= len(self.truth) <= 11, "%d of 12 fail" % len(self.truth))
        judge.want({p for _, p, _ in self.client_log} <= set(self.by_port), "ports of the capture are not the clients'")
        failing = {self.by_port[p] for _, p, _ in self.client_log}
        judge.want(failing == set(self.truth), "clients that failed: %s, truth: %s" % (failing, set(self.truth)))

    def judge_ports(self, form, shift=0.0, offset=0, skew=0.0):
        lines = [(t, "from 127.0.0.1:%d: %s" % (p, m)) for t, p, m in self.client_log]
        report = self.ask(self.capture, [write(self.path(form + ".log"), lines, form, shift)])
        judge.want(len(report["incidents"]) == len(lines), "%d incidents of %d lines" % (len(report["incidents"]), len(lines)))
        for i in report["incidents"]:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", i["text"]).group(1))
            told = (i["connection"], i["failure"], i["sure"])
            judge.want(told == (self.by_port[port], 0, "likely"), "%s, truth %d: %s" % (told, self.by_port[port], i))
            judge.want({"port", "time"} <= {g["kind"] for g in i["grounds"]} and not i["contradictions"], "%s" % i)
        for f in report["logged_failures"]:
            judge.want(len(f["incidents"]) == 1, "%s" % f)
        clock = report["logs"][0]["clock"]
        judge.want(clock["utc_offset_seconds"] == offset and abs(clock["skew_seconds"] - skew) < 0.6, "%s" % clock)
        wanted = "log" if form in ("iso", "offset", "json") else "grounds"
        judge.want(clock["utc_offset_from"] == wanted and clock["because"], "%s" % clock)
        self.same_without(report, self.capture)

    @staticmethod
    def never_another(report, lines, by_port):
        """By time: the right one, or several that have it. Which line is whose is known by its number."""
        right = several = 0
        order = sorted(lines)
        for i in report["incidents"]:
            truth = by_port[order[i["first_line"] - 1][1]]
            if i["sure"] == "several":
                several += 1
                judge.want(truth in {c["connection"] for c in i["candidates"]} or i["more_candidates"], "truth %d: %s" % (truth, i))
            else:
                right += 1
                judge.want(i["sure"] in ONE and (i["connection"], i["failure"]) == (truth, 0), "truth %d: %s" % (truth, i))
        return right, several

    def time_alone(self):
        log = write(self.path("alone.log"), [(t, m) for t, _, m in self.client_log])
        report = self.ask(self.capture, [log])
        judge.want(len(report["incidents"]) == len(self.client_log), "incidents", report)
        self.never_another(report, self.client_log, self.by_port)

    def apart(self):
        """Connections that fail seconds apart: by time alone each has its own, in a zone that is found too."""
        capture, log, _, truth = self.record("TLSv1_3", 3, 2.3, ["--fault", "bytes-damaged:direction=s2c", "--seed", "2"])
        report = self.ask(capture, [])
        by_port = {int(c["client"].rsplit(":", 1)[1]): c["id"] for c in report["connections"]}
        judge.want(len(truth) == len(log) == 3, "%s" % truth)
        for form, offset in (("iso", 0), ("local", 20700)):
            report = self.ask(capture, [write(self.path("apart.log"), [(t, m) for t, _, m in log], form)])
            judge.want(self.never_another(report, log, by_port) == (3, 0), "%s" % report["incidents"])
            judge.want(report["logs"][0]["clock"]["utc_offset_seconds"] == offset, "%s" % report["logs"])
        # One line by itself has nothing but its time: in another zone it stays where it is, and it is said what would fit.
        report = self.ask(capture, [write(self.path("apart.log"), [(log[0][0], "local error: tls: bad record MAC")], "local")])
        i = report["incidents"][0]
        judge.want(i["sure"] == "none" and "UTC+05:45" in i["because"] and "nothing but time" in i["because"], "%s" % i)

    def another_day(self):
        for form, shift in (("iso", -172800), ("json", 86400 * 3)):
            lines = [(t, m) for t, _, m in self.client_log]
            report = self.ask(self.capture, [write(self.path("day.log"), lines, form, shift)])
            for i in report["incidents"]:
                judge.want(i["sure"] == "none" and "does not cover that time" in i["because"], "%s" % i)
            judge.want(not any(f["incidents"] for f in report["logged_failures"]), "%s" % report["logged_failures"])

    def both_ends(self):
        """The server's log names ports that are the relay's own: no end's of the capture, and no more than possible."""
        logs = [write(self.path("c.log"), [(t, "from 127.0.0.1:%d: %s" % (p, m)) for t, p, m in self.client_log]),
                write(self.path("s.log"), self.server_log)]
        report = self.ask(self.capture, logs)
        told = [i for i in report["incidents"] if i["log"] == logs[1]]
        judge.want(len(told) >= len(self.truth), "%d incidents of the server" % len(told))
        for i in told:
            # The system may have given the relay a port that a client has as well.
            if {int(p) for p in re.findall(r"127\.0\.0\.1:(\d+)", i["text"])} & set(self.by_port):
                continue
            judge.want(i["sure"] in ("possible", "several"), "%s" % i)
            places = [i] if i["sure"] == "possible" else i["candidates"]
            judge.want(all(any("no end's" in w for w in p["contradictions"]) for p in places), "%s" % i)
        judge.want(all(f["incidents"] for f in report["logged_failures"]), "%s" % report["logged_failures"])

    def without_keys(self):
        """What cannot be checked may be it, and it is said so."""
        bare = self.path("bare.pcap")
        subprocess.run(["editcap", "--discard-all-secrets", "-F", "pcap", self.capture, bare], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [(t, "from 127.0.0.1:%d: %s" % (p, m)) for t, p, m in self.client_log]
        report = self.ask(bare, [write(self.path("bare.log"), lines)], expected=3)
        for i in report["incidents"]:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", i["text"]).group(1))
            judge.want((i["connection"], i["failure"]) == (self.by_port[port], None) and i["sure"] in ONE, "%s" % i)
        report = self.ask(bare, [write(self.path("bare.log"), [(t, m) for t, _, m in self.client_log])], expected=3)
        for i in report["incidents"]:
            judge.want(i["sure"] != "several" or "keys or packets are missing" in i["because"], "%s" % i)

    def text(self):
        log = write(self.path("text.log"), [(t, "from 127.0.0.1:%d: %s" % (p, m)) for t, p, m in self.client_log[:1]])
        other = write(self.path("day.log"), [(1e9, "local error: tls: bad record MAC")])
        r = subprocess.run([self.badmac, "diagnose", "--log", log, "--log", other, self.capture], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True, timeout=30)
        judge.want(r.returncode == 1 and r.stderr == "", "%d %s" % (r.returncode, r.stderr))
        judge.want(r.stdout.count("no log that was given tells of it") == len(self.truth) - 1, r.stdout)
        for words in ("text.log, line 1 (", "it names port %d" % self.client_log[0][1], "\nlogs       ", "does not cover that time"):
            judge.want(words in r.stdout, "no %r in %s" % (words, r.stdout))
        plain = subprocess.run([self.badmac, "diagnose", self.capture], stdout=subprocess.PIPE, universal_newlines=True,
                               timeout=30, check=False).stdout
        added = "".join(re.findall(r"^  log .*\n(?:            .*\n)*", r.stdout.split("\nlogs ")[0], re.M))
        judge.want(r.stdout.split("\nlogs ")[0].replace("\n", " ").split() and
                   [l for l in plain.splitlines() if l not in r.stdout] == [] and added, "lines of the report without logs are gone")

    # One connection, each stack ----------------------------------------------------------------------------

    def stack(self, server, client, direction, tls):
        out = self.path("%s-%s-%s-%s" % (server, client, direction, tls))
        env = dict(os.environ, JAVA_TOOL_OPTIONS="-Djavax.net.debug=ssl,record -XX:TieredStopAtLevel=1")
        r = subprocess.run([self.badmac, "lab", "run", "bits-flipped:direction=" + direction, "--server", server, "--client", client,
                            "--tls", tls, "-o", out, "--seed", "3"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env=env, timeout=60, universal_newlines=True)
        judge.want(r.returncode == 0, r.stderr)
        capture = os.path.join(out, "receiver.pcapng")
        with open(os.path.join(out, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"][0]
        logs = [os.path.join(out, side + ".log") for side in ("client", "server")]
        report = self.ask(capture, logs)
        told = report["incidents"]
        judge.want(told, "neither end said anything that explain knows")
        failures = report["connections"][truth["connection"]]["failures"]
        judge.want(failures[0]["stream_offset"] == truth["stream_offset"], "another record", report)
        for i in told:
            judge.want((i["connection"], i["failure"]) == (truth["connection"], 0) and i["sure"] in ONE, "%s" % i)
        # Java's trace of the end that detected it shows lengths, the last one of the record that failed.
        receiver = client if direction == "s2c" else server
        if receiver == "jsse":
            best = [i for i in told if i["sure"] == "certain"]
            judge.want(best and {"lengths", "time"} <= {g["kind"] for g in best[0]["grounds"]}, "%s" % told)
            says = next(g["says"] for g in best[0]["grounds"] if g["kind"] == "lengths")
            judge.want(" %d bytes, as in the log" % (failures[0]["length"] - 5) in says and "the record that failed" in says, says)
        self.same_without(report, capture)

    # The original case -------------------------------------------------------------------------------------

    JAVA = "-Djavax.net.debug=ssl,handshake,record,keygen"

    def original(self):
        mainframe.build(self.lab)
        # They go before what the example says itself.
        run = mainframe.run(WithEnv(self.lab, _JAVA_OPTIONS=self.JAVA), "network", 1)
        judge.want(len(run.faults) == 2, "faults")
        # Its log has the keys, which then need not be given again.
        report = self.ask(run.capture, [run.log], more=["--at", "client"])
        judge.want({c["keys"] for c in report["connections"]} == {"jsse log"} and report["logs"][0]["secrets"] > 0, "keys", report)
        by_random = {c["client_random"]: c for c in report["connections"]}
        wanted = {(by_random[f.random]["id"], f.seq) for f in run.faults}
        # The capture is dated anew, so the log's times say nothing.
        timeless = self.path("timeless.log")
        with open(run.log, encoding="utf-8", errors="replace") as f, open(timeless, "w", encoding="utf-8") as out:
            out.write(re.sub(r"\|\d{4}-\d\d-\d\d [^|]*\|", "|then|", f.read()))
        report = self.ask(run.capture, [timeless], more=["--at", "client"])
        def place(p):
            return p["connection"], report["connections"][p["connection"]]["failures"][p["failure"]]["sequence_number"]
        # Threads of a pool take turns on a connection: which ClientHello is whose may stay open, what failed may not.
        told = [{place(p) for p in ([i] if i["sure"] in ONE else i["candidates"])} for i in report["incidents"]]
        judge.want(len(told) >= 2 and set().union(*told) == wanted, "%s, truth %s" % (told, wanted))
        alone = mainframe.run(WithEnv(self.lab, _JAVA_OPTIONS=self.JAVA), "network", 5, calls=12, failing=1)
        fault, = alone.faults
        with open(alone.log, encoding="utf-8", errors="replace") as f, open(timeless, "w", encoding="utf-8") as out:
            out.write(re.sub(r"\|\d{4}-\d\d-\d\d [^|]*\|", "|then|", f.read()))
        report = self.ask(alone.capture, [timeless])
        for i in report["incidents"]:
            c = next(c for c in report["connections"] if c["id"] == i["connection"])
            judge.want((c["client_random"], i["failure"]) == (fault.random, 0) and i["sure"] in ONE, "%s" % i)
        judge.want({i["sure"] for i in report["incidents"]} & set(ONE[:2]), "%s" % report["incidents"])
        # The log of 2011 fits both, by its three lengths, and neither more than the other.
        report = self.ask(run.capture, [ORIGINAL], keys=[run.log], more=["--at", "client"])
        i = report["incidents"][0]
        judge.want(i["sure"] == "several" and len(i["candidates"]) == 2, "%s" % i)
        for c in i["candidates"]:
            says = next(g["says"] for g in c["grounds"] if g["kind"] == "lengths")
            judge.want("483, 16148, 282 bytes" in says and "the last one is the record that failed" in says, says)
        # One with another last record: what fails in the capture is not what failed there.
        other = self.path("other.log")
        with open(ORIGINAL, encoding="ascii") as f, open(other, "w", encoding="ascii") as out:
            out.write(f.read().replace("length = 282", "length = 281"))
        i = self.ask(run.capture, [other], keys=[run.log], more=["--at", "client"])["incidents"][0]
        judge.want(i["sure"] == "none" and "281 bytes, the one that fails in the capture 282" in i["because"], "%s" % i)

    # What goes wrong ---------------------------------------------------------------------------------------

    def refused(self, says, *words):
        r = subprocess.run([self.badmac, "diagnose", *words, self.capture], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True, timeout=30)
        judge.want(r.returncode == 2 and says in r.stderr and r.stdout == "", "%d %s" % (r.returncode, r.stderr))

    def bad_usage(self):
        log, rules = self.path("x.log"), self.path("x.rules")
        for path, text in ((log, "frobnication failed\n"), (rules, "[event x]\nfrob: y\n")):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        self.refused("No such file", "--log", "nowhere.log")
        self.refused("x.rules:2: ", "--log", log, "--rules", rules)
        self.refused("no --log is given", "--rules", rules)
        self.refused("can be read once only", "--log", "-", "--log", "-")
        self.refused("is a log to be read", "--log", log, "-o", log)
        with open(rules, "w", encoding="ascii") as f:
            f.write("[event x]\nmatch: frobnication failed\ndetected: local\n")
        judge.want(not self.ask(self.capture, [log])["incidents"], "incidents without the rule")
        i = self.ask(self.capture, [log], more=["--rules", rules])["incidents"]
        judge.want([x["event"] for x in i] == ["x"], "%s" % i)
        r = subprocess.run([self.badmac, "diagnose", "--format", "json", "--rules", rules, "--log", "-", self.capture],
                           input=b"frobnication failed\n", stdout=subprocess.PIPE, timeout=30)
        judge.want(json.loads(r.stdout)["incidents"][0]["log"] == "standard input", "%s" % r.stdout)

    def run(self):
        case = self.tap.case
        case("several connections at once", self.several)
        for form in FORMATS:
            case("by port, times as %s" % form, self.judge_ports, form, 0.0, 20700 if form == "local" else 0)
        case("by port, a clock that is fast", self.judge_ports, "iso", 37.0, 0, 37.0)
        case("by port, a clock that is slow, in a zone", self.judge_ports, "local", -20.0, 20700, -20.0)
        case("by time alone", self.time_alone)
        case("another day", self.another_day)
        case("logs of both ends", self.both_ends)
        case("without keys", self.without_keys)
        case("as text", self.text)
        case("bad usage, rules", self.bad_usage)
        judge.in_parallel(self.stacks_and_more())
        self.lab.close()
        if not os.environ.get("BADMAC_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print("# kept in " + self.dir)
        return self.tap.end()

    def stacks_and_more(self):
        case, jobs = self.tap.case, []
        if mainframe.missing():
            self.tap.report("the original case", skip=mainframe.missing())
        else:
            jobs.append((case, "the original case", self.original))
        jobs.append((case, "seconds apart, in a zone", self.apart))
        for n, (server, client, programs) in enumerate((
                ("openssl", "openssl", ("openssl",)), ("gnutls", "gnutls", ("gnutls-serv", "gnutls-cli")), ("go", "go", ("go",)),
                ("node", "node", ("node",)), ("openssl", "jsse", ("java", "openssl")), ("jsse", "openssl", ("java", "openssl")))):
            if not stacks.have(*programs):
                self.tap.report("%s to %s" % (client, server), skip="not installed")
                continue
            for direction, tls in (("s2c", "1.2"), ("c2s", "1.3")) if n % 2 == 0 else (("c2s", "1.2"), ("s2c", "1.3")):
                jobs.append((case, "%s to %s, %s, TLS %s" % (client, server, direction, tls), self.stack, server, client,
                             direction, tls))
        return jobs


if __name__ == "__main__":
    sys.exit(Tie().run())
