#!/usr/bin/env python3
"""badmac odds as a user meets it: questions, copies of counters, reports of diagnose, simulations, and this host's own
counters while a bad checksum arrives. Prints TAP. Knows docs/ODDS.md; the formulae are for tests/unit/odds."""
import fractions
import json
import math
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("live", "host", "report")]
import ask  # noqa: E402
import judge  # noqa: E402
import schemas  # noqa: E402

BADMAC = judge.find_badmac()
DATA = os.path.join(ROOT, "tests", "data", "damaged", "on-the-wire", "tls12-aes128gcm")
SCHEMA = schemas.Validator("odds")
RHO = fractions.Fraction(1, 65535)


def want(condition, said):
    if not condition:
        raise judge.Mismatch(str(said)[:1500])


def run(*args, stdin=b"", preexec=None):
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    r = subprocess.run([BADMAC, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100,
                       env=env, preexec_fn=preexec)
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "backslashreplace")


def odds(*args, stdin=b""):
    rc, out, err = run("odds", "--format", "json", *args, stdin=stdin)
    want(rc == 0, (rc, err))
    report = json.loads(out)
    wrong = ["%s: %s" % (e.json_path, e.message[:200]) for e in SCHEMA.iter_errors(report)]
    want(not wrong and out.isascii(), wrong)
    return report


def text(*args, stdin=b""):
    rc, out, err = run("odds", *args, stdin=stdin)
    want(rc == 0 and err == "", (rc, err))
    return out.decode("ascii")


def refused(says, *args, hint=True, stdin=b""):
    rc, out, err = run("odds", *args, stdin=stdin)
    lines = err.splitlines()
    want(rc == 2 and out == b"", (args, rc, out))
    want(lines and lines[0].startswith("badmac: ") and re.search(says, lines[0]), (args, err))
    want(len(lines) == (2 if hint else 1), (args, err))


def given(d, e, *args):
    return odds("--checksum-errors", str(d), "--failures", str(e), *args)


def near(a, b, relative=1e-9):
    return abs(a - b) <= relative * abs(b)


def chance(e, d, rho):
    """Of at least e escapes beside d that were caught, as a fraction."""
    return 1 - sum(math.comb(k + d, k) * rho ** k * (1 - rho) ** (d + 1) for k in range(e))


def snmp(errors, segments):
    return ("Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 9\n"
            "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn InSegs OutSegs InErrs InCsumErrors\n"
            "Tcp: 1 200 120000 -1 %s 7 %s %s\n" % (segments, errors, errors))


class Odds:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-odds-")
        self.n = 0

    def copy(self, errors, segments, tls=None, boot="a"):
        """A folder with a copy of a host's counters."""
        self.n += 1
        root = os.path.join(self.dir.name, str(self.n))
        os.makedirs(os.path.join(root, "proc", "net"))
        os.makedirs(os.path.join(root, "proc", "sys", "kernel", "random"))
        self.write(os.path.join(root, "proc", "net", "snmp"), snmp(errors, segments))
        self.write(os.path.join(root, "proc", "sys", "kernel", "random", "boot_id"), boot + "\n")
        if tls is not None:
            self.write(os.path.join(root, "proc", "net", "tls_stat"), "TlsCurrTxSw 1\nTlsDecryptError %d\n" % tls)
        return root

    @staticmethod
    def write(path, content):
        with open(path, "w", encoding="ascii") as f:
            f.write(content)

    def file(self, content):
        self.n += 1
        path = os.path.join(self.dir.name, "file-%d" % self.n)
        with open(path, "wb") as f:
            f.write(content)
        return path

    # Questions and answers ----------------------------------------------------------------------

    def test_figures_are_those_of_fractions(self):
        for d, e in ((0, 1), (12, 3), (3360, 1), (3361, 1), (70000, 2), (2, 5)):
            r = given(d, e)
            row = r["odds"][0]
            p = chance(e, d, RHO)
            want(near(row["probability"], float(p)) and near(row["escape_probability"], float(RHO)), row)
            want(near(row["expected_escapes"], (d + 1) / 65534), row)
            want(r["summary"]["probability"] == row["probability"], r["summary"])
            want(r["summary"]["result"] == ("possible" if p >= fractions.Fraction(1, 20) else "implausible"), r["summary"])
        # Beside each other: the fewest that do, and one less.
        needed = given(0, 2)["odds"][0]["checksum_errors_needed"]
        want(needed == {"0.001": 2974, "0.01": 9734, "0.05": 23287, "0.5": 109989}, needed)
        for level, d in needed.items():
            level = fractions.Fraction(level)
            want(chance(2, d, RHO) >= level > chance(2, d - 1, RHO), (level, d))

    def test_likelihood_ratio(self):
        row = given(9, 2, "--elsewhere", "0.5")["odds"][0]
        this = math.comb(11, 2) * RHO ** 2 * (1 - RHO) ** 10
        want(near(row["likelihood_ratio"], float(this) / (math.exp(-0.5) * 0.125)), row)
        row = given(9, 2)["odds"][0]
        want(near(row["likelihood_ratio"], float(this) / (math.exp(-2) * 2)), row)
        want(given(9, 2, "--elsewhere", "0.5")["elsewhere"] == 0.5 and given(9, 2)["elsewhere"] is None, "elsewhere")
        # What no other cause is ever expected to make: no finite ratio.
        row = given(9, 2, "--elsewhere", "0")["odds"][0]
        want(row["likelihood_ratio"] is None, row)

    def test_nothing_overflows(self):
        row = given(3, 900)["odds"][0]
        want(row["probability"] == 0 and -4327 < row["probability_log10"] < -4326, row)
        most = given(10 ** 15, 10 ** 9)
        want(most["summary"]["result"] == "possible", most["summary"])
        text("--checksum-errors", "0", "--failures", "1000000000")
        text("--checksum-errors", "1000000000000000", "--failures", "0", "--segments", "9007199254740991")

    def test_verdicts_and_first_sentence(self):
        for word, args in (("IMPLAUSIBLE", ("12", "--failures", "3")), ("POSSIBLE", ("90000", "--failures", "1")),
                           ("UNKNOWN", ("unknown", "--failures", "3")), ("UNKNOWN", ("5",)),
                           ("NOTHING", ("5", "--failures", "0")), ("NOTHING", ("unknown", "--failures", "0")),
                           ("OPEN", ("0", "--failures", "1", "--pattern", "swap-words")),
                           ("IMPOSSIBLE", ("9999999", "--failures", "1", "--pattern", "bits:1")),
                           ("POSSIBLE", ("0", "--failures", "1", "--pattern", "pair:16")),
                           ("IMPLAUSIBLE", ("0", "--failures", "1", "--pattern", "burst:17"))):
            out = text("--checksum-errors", *args)
            want(out.startswith(word + ": ") and out.isascii(), out)
            want(odds("--checksum-errors", *args)["summary"]["result"] == word.lower(), args)
        out = text("--checksum-errors", "12", "--failures", "3", "--segments", "41000000")
        want("with a chance of 1 in 618,682,963,175. Look for another" in " ".join(out.split()), out)
        want("12 bad checksums in 41,000,000 segments (1 in 3,416,667), as given" in out, out)
        want(given(12, 3)["summary"]["condition"] is None, "as given, there are no cards")
        want("0 bad checksums speak against random damage only where" in text("--checksum-errors", "0", "--failures", "1"),
             "what 0 means is not said")
        want("makes new sums" in out and "ethtool" in out, "limits")

    def test_patterns(self):
        """The table has the same figures as each pattern by itself."""
        table = {r["pattern"]: r for r in given(40, 1)["by_pattern"]}
        want(len(table) > 20, table.keys())
        for name in ("random", "bits:2", "pair:16", "burst:17", "lane:4", "swap-odd", "byte-order", "stale:2", "shift"):
            r = given(40, 1, "--pattern", name)
            want(r["odds"] == [table[name]] and r["by_pattern"] == [], r["odds"])
        want(near(table["bits:2"]["escape_probability"], 243 / 7786), table["bits:2"])
        want(near(table["bits:2"]["probability"], float(chance(1, 40, fractions.Fraction(243, 7786)))), table["bits:2"])
        want(table["swap-words"]["expected_escapes"] is None and table["swap-words"]["probability"] == 1, "swap-words")
        want(table["bits:1"]["probability"] == 0 and table["bits:1"]["probability_log10"] is None and
             table["bits:1"]["checksum_errors_needed"]["0.5"] is None, table["bits:1"])

    def test_suites(self):
        for name, algorithm, bits, miss in (("TLS_RSA_WITH_RC4_128_SHA", "HMAC-SHA1", 160, -160),
                                            ("SSL_RSA_WITH_RC4_128_SHA", "HMAC-SHA1", 160, -160),
                                            ("TLS_RSA_WITH_RC4_128_MD5", "HMAC-MD5", 128, -128),
                                            ("TLS_RSA_WITH_AES_256_CBC_SHA256", "HMAC-SHA256", 256, -256),
                                            ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "HMAC-SHA384", 384, -384),
                                            ("TLS_AES_128_GCM_SHA256", "GCM tag", 128, -117.99),
                                            ("0x1303", "Poly1305 tag", 128, -92.99)):
            m = given(1, 1, "--suite", name)["mac"]
            want((m["algorithm"], m["bits"], m["miss_log2"]) == (algorithm, bits, miss), m)
        out = text("--checksum-errors", "1", "--suite", "TLS_RSA_WITH_RC4_128_SHA")
        want("HMAC-SHA1, 160 bits (RFC 5246, appendix C). Of damage that" in out, out)
        want(given(1, 1)["mac"] is None and given(1, 1, "--suite", "TLS_NULL_WITH_NULL_NULL")["mac"] is None, "no suite")

    # Words that are refused ---------------------------------------------------------------------

    def test_numbers_are_checked(self):
        for value in ("-1", "1.5", "1e3", "nan", "inf", "", " 1", "0x10", "+1", "1 ", "1_", "18446744073709551616",
                      "99999999999999999999999999"):
            refused("must be a whole number", "--checksum-errors", value)
        for option in ("--failures", "--segments", "--trials", "--seed", "--jobs"):
            for value in ("-1", "1.5", "", "18446744073709551617"):
                refused("must be a whole number", option, value)
        for value in ("-1", "nan", "inf", "1e3", "", ".5", "1.2.3", "1000000001", "9" * 400, "0x1p3"):
            refused("must be a number from 0", "--elsewhere", value)
        for option, value in (("--checksum-errors", "1000000000000001"), ("--failures", "1000000001"),
                              ("--trials", "0"), ("--segments", "9007199254740992"), ("--jobs", "0")):
            refused("must be a whole number", option, value)
        # One range for both commands that watch.
        for value in ("-1", "1e3", "", ".5", "0", "0.09", "1.2.3", "nan", "2678400.5", "9" * 400):
            refused("must be 0.1 to 2678400 seconds", "--watch", value)
        refused("more failures than segments", "--checksum-errors", "0", "--failures", "5", "--segments", "4")
        refused("more bad checksums than segments", "--checksum-errors", "5", "--segments", "4")
        given(4, 4, "--segments", "4")

    def test_words_are_checked(self):
        for says, args in (("no such pattern", ["--pattern", "bit"]), ("from 1 to 8", ["--pattern", "bits:9"]),
                           ("takes no number", ["--pattern", "random:3"]), ("no cipher suite", ["--suite", "RC4"]),
                           ("ciphertext, text or zeros", ["--payload", "random"]), ("text or json", ["--format", "html"]),
                           ("auto, always or never", ["--color", "blue"]), ("options alone", ["x"]), ("needs a value", ["--failures"]),
                           ("unknown option --frob", ["--frob"]), ("go with --simulate", ["--seed", "3"]),
                           ("go with --simulate", ["-j", "3"]), ("go with --simulate", ["--payload", "text"]),
                           ("--before needs --after", ["--before", "x"]), ("one of them", ["--after", "x", "--watch", "1"]),
                           ("one of them", ["--after", "x", "--checksum-errors", "1"]),
                           ("one of them", ["--watch", "1", "--segments", "1"]),
                           ("leave --failures out", ["--report", "x", "--failures", "1"]),
                           ("asks nothing of", ["--simulate", "--failures", "1"]),
                           ("asks nothing of", ["--simulate", "--report", "x"]),
                           ("by definition", ["--simulate", "--pattern", "resummed"]), ("must be the name", ["-o", ""]),
                           ("must be a name", ["--report", ""])):
            refused(says, *args)
        want(run("odds", "--help")[1] == run("help", "odds")[1], "help differs")

    def test_output_and_colour(self):
        out = os.path.join(self.dir.name, "out.json")
        want(run("odds", "--checksum-errors", "1", "--format=json", "-o", out)[:2] == (0, b""), "output")
        with open(out, encoding="ascii") as f:
            want(json.load(f)["schema"] == "badmac.odds.v1", "schema")
        plain = text("--checksum-errors", "1", "--failures", "1")
        coloured = text("--checksum-errors", "1", "--failures", "1", "--color", "always")
        want(re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain != coloured, coloured[:100])
        refused("/nowhere/at/all", "--checksum-errors", "1", "-o", "/nowhere/at/all", hint=False)
        with open("/dev/full", "wb") as full:
            r = subprocess.run([BADMAC, "odds", "--checksum-errors", "1"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        want(r.returncode == 2 and b"No space left" in r.stderr, r)

    # Counters -----------------------------------------------------------------------------------

    def test_copies_of_counters(self):
        one, two = self.copy(100, 1000000, tls=1), self.copy(3500, 9000000, tls=4)
        r = odds("--after", two)
        want(r["counters"] == {"from": "copy", "difference": False, "seconds": None, "checksum_errors": 3500,
                               "segments": 9000000, "failures": 4, "failures_from": "kernel", "tls_decrypt_errors": 4,
                               "memory_errors": None, "links": []}, r["counters"])
        r = odds("--before", one, "--after", two)
        c = r["counters"]
        want((c["checksum_errors"], c["segments"], c["failures"], c["difference"]) == (3400, 8000000, 3, True), c)
        want(near(r["odds"][0]["probability"], float(chance(3, 3400, RHO))), r["odds"])
        # Failures that are given go before those of the kernel, 0 too.
        want(odds("--after", two, "--failures", "0")["summary"]["result"] == "nothing", "0 failures")
        out = text("--before", one, "--after", two)
        want("kTLS could not decrypt" in out and "between the two copies" in out, out)
        # No kernel TLS: nobody counted failures.
        want(odds("--after", self.copy(5, 10))["summary"]["result"] == "unknown", "no failures")

    def test_counters_that_say_nothing(self):
        later, earlier = self.copy(7, 100), self.copy(50, 90)
        for before, after in ((earlier, later), (self.copy(1, 2, boot="b"), self.copy(5, 9, boot="c"))):
            rc, out, err = run("odds", "--before", before, "--after", after, "--failures", "1", "--format", "json")
            r = json.loads(out)
            want(rc == 0 and "went back" in err and r["counters"]["checksum_errors"] is None, (rc, err))
            want(r["summary"]["result"] == "unknown" and not list(SCHEMA.iter_errors(r)), r["summary"])
        for errors, segments in (("x", "5"), ("-3", "5"), ("18446744073709551615", "5"), ("99999999999999999999999", "5"),
                                 ("", ""), ("1000000000000001", "5")):
            r = odds("--after", self.copy(errors, segments), "--failures", "1")
            want(r["counters"]["checksum_errors"] is None and r["summary"]["result"] == "unknown", (errors, r["counters"]))
        empty = os.path.join(self.dir.name, "empty")
        os.makedirs(empty)
        refused("empty/proc/net/snmp: No such file", "--after", empty, "--failures", "1", hint=False)
        refused("nowhere: No such file", "--after", os.path.join(self.dir.name, "nowhere"), hint=False)
        root = self.copy(1, 2)
        with open(os.path.join(root, "proc", "net", "snmp"), "wb") as f:
            f.write(os.urandom(5000) + b"\nTcp: InCsumErrors\nTcp:\n\nTcp: \xff\x00 4")
        want(odds("--after", root)["counters"]["checksum_errors"] is None, "noise")

    def test_cards_that_vouch(self):
        """No bad checksum where a card's word is believed: the answer says on which condition it holds."""
        def answer(*args):
            r = subprocess.run([*ns.enter, BADMAC, "odds", "--failures", "1", *args], stdout=subprocess.PIPE, timeout=60)
            want(r.returncode == 0, r)
            return r.stdout.decode("ascii")
        with ask.Namespace() as ns:
            ns.sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up")
            s = json.loads(answer("--format", "json"))["summary"]
            want(s["result"] == "implausible" and s["condition"].startswith("it holds if all bad checksums came to the kernel's count: v"), s)
            want(s["condition"] in s["text"] and s["text"].endswith("no counter that would tell of those it drops. Then look for another cause."), s)
            said = " ".join(answer().split())
            want(said.startswith("IMPLAUSIBLE: " + s["text"]) and "next have the kernel sum and count all by itself: ethtool -K v" in said, said)
            ns.sh("ethtool -K v0 rx off && ethtool -K v1 rx off")
            s = json.loads(answer("--format", "json"))["summary"]
            want(s["condition"] is None and s["text"].endswith("1 in 65,535. Look for another cause."), s)

    def test_bad_checksums_on_loopback(self):
        """Segments that the kernel of this host finds damaged, counted while badmac watches."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        probe = subprocess.Popen([BADMAC, "odds", "--watch", "1.7", "--failures", "1", "--format", "json"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.8)
        for port in range(40000, 40007):
            raw.sendto(struct.pack(">HHIIBBHHH", port, 9, 1, 0, 0x50, 0x02, 1024, 0xdead, 0), ("127.0.0.1", 0))
        raw.close()
        out, err = probe.communicate(timeout=60)
        want(probe.returncode == 0, err)
        r = json.loads(out)
        want(not list(SCHEMA.iter_errors(r)), r)
        c = r["counters"]
        want(c["from"] == "host" and c["difference"] and c["seconds"] == round(r["watched_seconds"]) and 1.7 <= r["watched_seconds"] < 9, c)
        # Others may be damaged at the same time, on a host in use.
        want(7 <= c["checksum_errors"] < 1000 and c["segments"] >= 7, c)
        want(near(r["odds"][0]["probability"], float(chance(1, c["checksum_errors"], RHO))), r["odds"])
        # Since the start there were those as well.
        since = odds("--failures", "1")
        want(since["watched_seconds"] is None, since)
        since = since["counters"]
        want(since["checksum_errors"] >= c["checksum_errors"] and not since["difference"], since)
        with open("/proc/net/snmp", encoding="ascii") as f:
            names, values = (l.split() for l in f if l.startswith("Tcp:"))
        now = int(dict(zip(names, values))["InCsumErrors"])
        want(since["checksum_errors"] <= now < since["checksum_errors"] + 1000, (since, now))
        links = {l["name"] for l in since["links"]}
        want("lo" not in links and links <= set(os.listdir("/sys/class/net")), links)

    # Reports of diagnose ------------------------------------------------------------------------

    def diagnosed(self, case):
        rc, out, err = run("diagnose", "--format", "json", "-k", os.path.join(DATA, case, "keys.log"),
                           os.path.join(DATA, case, "receiver.pcap"))
        want(rc in (0, 1), (rc, err))
        return out

    def test_reports(self):
        for case, pattern, result in (("comp2", "lane:2", "possible"), ("wordswap", "swap-words", "open"),
                                      ("flip1fix", "resummed", "open")):
            report = self.diagnosed(case)
            r = odds("--report", "-", "--checksum-errors", "0", stdin=report)
            want(r["summary"]["result"] == result and [o["pattern"] for o in r["odds"]] == [pattern], (case, r["odds"]))
            want(r["counters"]["failures"] == 1 and r["counters"]["failures_from"] == "report", r["counters"])
            want(r["diagnosis"]["failures"] == 1 and r["by_pattern"] == [], r["diagnosis"])
            want(r["mac"]["algorithm"] == "GCM tag", r["mac"])
            want(odds("--report", self.file(report), "--checksum-errors", "0") == r, "file or standard input")
        # TCP sent it again: no record failed.
        r = odds("--report", "-", "--checksum-errors", "1", stdin=self.diagnosed("flip1"))
        want(r["summary"]["result"] == "nothing" and r["odds"] == [], r["summary"])
        # Without keys nothing was checked: that is no answer, and so it is said.
        rc, report, _ = run("diagnose", "--format", "json", os.path.join(DATA, "flip1", "receiver.pcap"))
        r = odds("--report", "-", "--checksum-errors", "1", stdin=report)
        want(rc == 3 and r["summary"]["result"] == "unknown" and r["diagnosis"]["undecided"], r["summary"])
        # Of a report of this host's or of another's, that is for the user to know.
        want("only if it received" in " ".join(text("--report", "-", stdin=self.diagnosed("comp2")).split()), "whose counters")

    def test_reports_as_pages(self):
        """The diagnosis in an HTML report gives what the JSON gives; a page that was made up is refused, or read as far as it is one."""
        case = os.path.join(DATA, "comp2")
        rc, page, err = run("diagnose", "--format", "html", "-k", os.path.join(case, "keys.log"), os.path.join(case, "receiver.pcap"))
        report = self.diagnosed("comp2")
        asked = ("--checksum-errors", "1", "--report")
        want(rc == 1 and page.startswith(b"<!DOCTYPE html>"), err)
        r = odds(*asked, self.file(page))
        want(r == odds(*asked, "-", stdin=report) and r["diagnosis"]["failures"] == 1, r)
        want(odds(*asked, "-", stdin=b"\xef\xbb\xbf\n" + page) == r, "a byte order mark")
        tag = b'<script type="application/json" id="diagnosis">'
        head, _, rest = page.partition(tag)
        body, _, tail = rest.partition(b"</script")
        want(body and odds(*asked, "-", stdin=b"<p>" + tag + body + b"</script>") == r, "as little as can be")
        want(odds(*asked, "-", stdin=page + tag + b"{}</script>") == r, "the first one counts")
        for bad, says in ((head, "without a diagnosis"), (head + tag + body, "ends inside"), (b"<" * 1000, "without a diagnosis"), (head + tag, "ends inside"),
                          (head + tag + b"</script>" + tail, "line 1"), (head + tag + b"[" * 100 + b"</script>", "too deep"), (head + tag + b"," * (9 << 20) + b"</script>", "more values"),
                          (head + tag + b"{}</script>" + page, "no report of badmac diagnose"), (head + tag + body[:len(body) // 2] + b"</script>" + tail, "line "),
                          (page.replace(b'id="diagnosis"', b'id="other"'), "without a diagnosis"), (b"<!DOCTYPE html><p>FAILED</p>", "without a diagnosis")):
            refused("standard input: .*" + says, *asked, "-", hint=False, stdin=bad)
        for n in range(0, len(page), max(1, len(page) // 40)):
            rc, out, err = run("odds", *asked, "-", "--format", "json", stdin=page[:n])
            want((rc == 0 and json.loads(out) == r) or (rc == 2 and err.startswith("badmac: ")), (n, rc, err))

    def test_quiet_and_verbose(self):
        """-q: nothing of the input, but for what goes with exit status 2; -v: what the table leaves out, and no other JSON."""
        asked = ("--checksum-errors", "1", "--failures", "1")
        want(len(text("-v", *asked).splitlines()) > len(text(*asked).splitlines()) + 8, text("-v", *asked))
        want(odds("-v", "-q", *asked) == odds(*asked), "JSON")
        for name, errors in (("before", 9), ("after", 4)):
            os.makedirs(os.path.join(self.dir.name, "quiet", name, "proc", "net"))
            with open(os.path.join(self.dir.name, "quiet", name, "proc", "net", "snmp"), "w", encoding="ascii") as f:
                f.write("Tcp: InSegs InCsumErrors\nTcp: 1000 %d\n" % errors)
        copies = ["--before", os.path.join(self.dir.name, "quiet", "before"), "--after", os.path.join(self.dir.name, "quiet", "after"), "--failures", "1"]
        rc, loud, err = run("odds", *copies)
        want(rc == 0 and "went back" in err, err)
        want(run("odds", "-q", *copies) == (0, loud, ""), "quiet")
        refused("nowhere: No such file", "-q", "--checksum-errors", "1", "--report", "nowhere", hint=False)

    def test_reports_that_are_none(self):
        good = self.diagnosed("comp2")
        for content in (b"", b"{}", b"[]", b"not json", b'{"schema": "badmac.explanation.v1", "connections": []}', b"[" * 100000,
                        b"\xff\xfe", good[:-30], b"\x00" * 100):
            refused("standard input: ", "--checksum-errors", "1", "--report", "-", hint=False, stdin=content)
        refused("nowhere: No such file", "--checksum-errors", "1", "--report", "nowhere", hint=False)
        refused("/dev/zero: File too large", "--checksum-errors", "1", "--report", "/dev/zero", hint=False)
        # Every prefix, but for one that lacks the last line break alone.
        for n in range(0, len(good.rstrip()), max(1, len(good) // 60)):
            rc, _, err = run("odds", "--checksum-errors", "1", "--report", "-", stdin=good[:n])
            want(rc == 2 and err.startswith("badmac: "), (n, rc, err))

    # Simulations --------------------------------------------------------------------------------

    def test_simulation(self):
        r = odds("--simulate", "--trials", "20000", "-j", "2")
        s = r["simulation"]
        want(r["summary"] is None and s["trials"] == 20000 * len(s["rows"]) and s["threads"] == 2, s)
        want(s["trials_per_minute"] > 0 and near(s["trials_per_minute"], s["trials"] / s["seconds"] * 60, 1e-6), s)
        exact = [row for row in s["rows"] if row["exact"] is not None]
        want(len(exact) > 40 and all(row["inside"] for row in exact), [row for row in exact if not row["inside"]])
        for row in s["rows"]:
            want(row["escaped"] <= row["damaged"] <= row["trials"] == 20000, row)
            want(row["low"] <= row["share"] <= row["high"], row)
            want(row["exact"] is not None or row["payload"] != "ciphertext", row)
            if row["exact"] in (0, 1):
                want(row["share"] == row["exact"], row)
        table = {p["pattern"]: p["escape_probability"] for p in given(1, 1)["by_pattern"]}
        want({row["pattern"] for row in s["rows"]} == set(table) - {"resummed"}, "patterns")
        want(all(row["exact"] == table[row["pattern"]] for row in exact), "exact figures")

    def test_simulation_can_be_had_again(self):
        def rows(*args):
            return odds("--simulate", "--pattern", "bits:2", "--trials", "150000", *args)["simulation"]["rows"]
        first = rows("--seed", "5", "-j", "1")
        want(first == rows("--seed", "5", "-j", "3"), "threads")
        want([r["escaped"] for r in first] != [r["escaped"] for r in rows("--seed", "6")], "seeds")
        want(rows("--payload", "text", "--seed", "5") == [r for r in first if r["payload"] == "text"], "payload")
        want([r["payload"] for r in first] == ["ciphertext", "text", "zeros"], first)

    def test_simulation_as_text(self):
        out = text("--simulate", "--pattern", "pair:16", "--trials", "50000", "--payload", "ciphertext", "-j1")
        m = re.match(r"50,000 trials in [0-9.]+ s on 1 thread: [0-9,]+ a minute, [0-9,]+ a minute of one processor.\sSeed 1.\n", out)
        want(m and "1 of 1 exact figures lie inside" in " ".join(out.split()), out)
        want(re.search(r"^pair:16 +ciphertext +50,000 +2[45],\d{3} +0\.[45]\d+ +0\.4\d+ to 0\.5\d+ +0\.5$", out, re.M), out)

    # Papers -------------------------------------------------------------------------------------

    def test_page_tells_of_every_pattern_and_name(self):
        with open(os.path.join(ROOT, "docs", "ODDS.md"), encoding="utf-8") as f:
            page = f.read()
        names = {r["pattern"].split(":")[0] for r in given(1, 1)["by_pattern"]} | {"pair", "zeroed"}
        missing = [n for n in names if "| `%s" % n not in page]
        want(not missing, missing)

        def keys(x):
            if isinstance(x, dict):
                for k, v in x.items():
                    yield k
                    yield from keys(v)
            elif isinstance(x, list):
                for v in x:
                    yield from keys(v)
        told = set(keys(given(1, 1, "--suite", "TLS_AES_128_GCM_SHA256"))) | set(keys(odds("--failures", "1")))
        told |= set(keys(odds("--simulate", "--trials", "10", "--pattern", "bits:1")))
        missing = sorted(k for k in told if "`%s`" % k not in page and not k.startswith("0."))
        want(not missing, missing)

    def test_pages_have_the_figures(self):
        """Tables of docs/PROBABILITY.md against what badmac says."""
        with open(os.path.join(ROOT, "docs", "PROBABILITY.md"), encoding="utf-8") as f:
            page = f.read()
        seen = 0
        for name, shown in re.findall(r"^\| [^|]*\| `([a-z:0-9-]+)` \| ([^|]+?) \|", page, re.M):
            p = given(1, 1, "--pattern", name)["odds"][0]["escape_probability"]
            m = re.fullmatch(r"1 in ([0-9,.]+)", shown)
            wanted = {"never": 0.0, "always": 1.0}.get(shown)
            wanted = 1 / float(m.group(1).replace(",", "")) if m else wanted
            want(wanted is not None and (p == wanted or near(p, wanted, 2e-3)), (name, shown, p))
            seen += 1
        want(seen >= 20, seen)
        for e, cells in re.findall(r"^\| (\d+) failures? \| ([0-9,| ]+) \|$", page, re.M):
            needed = given(0, int(e))["odds"][0]["checksum_errors_needed"]
            want([int(c.replace(",", "")) for c in cells.split("|")] == [needed[k] for k in ("0.001", "0.01", "0.05", "0.5")],
                 (e, cells, needed))
            seen += 100
        want(seen >= 320, seen)


if __name__ == "__main__":
    sys.exit(judge.run_methods(Odds()))
