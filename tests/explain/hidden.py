"""What badmac explain --redact leaves of a log: no address and no name of a host, a user or a file, in either format. The
methods go to the suite of test_explain.py. Knows docs/REDACT.md; refuses to know how names are recognised."""
import json
import os
import re
import sys

import judge

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tests", "redact"))
import redacted  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FORMATS = (("--format", "text"), ("--format", "json"))
# Each line of a log in the dress of a server's, with who and where before and behind it.
BEFORE = "<13>Mar  5 10:11:12 of-web01 app[17]: "
BEHIND = (", client: 10.77.3.9:50123, server: of-shop.acme.corp, upstream: \"https://of-alice:pw@of-db7.acme.corp:8443/of-acme\","
          " user=of-bob file /srv/of-acme/x.pem [fe80::200:f8ff:fe21:67cf]:443")
NAMES = ["of-web01", "of-shop", "acme.corp", "of-alice", "of-db7", "of-bob", "of-acme", "10.77.3.9", "fe80::200:f8ff:fe21:67cf"]


def want(condition, said):
    judge.want(condition, str(said)[:1500])


def both(run, log, *args):
    """The text and the JSON, as one string."""
    return "\n".join(run(log, *fmt, *args)[1].decode() for fmt in FORMATS)


def named(text):
    return [n for n in NAMES if n in text]


def quoted(report):
    return [l["text"] for i in report["incidents"] for l in i["lines"] + i["preceded_by"]]


def plain_facts(report):
    hidden = ("lines", "preceded_by", "thread", "first_time", "last_time", "evidence")
    return [report["summary"], report["others"],
            [dict({k: v for k, v in i.items() if k not in hidden}, n=len(i["lines"]), seen=[p["what"] for p in i["preceded_by"]],
                  told=len(i["evidence"])) for i in report["incidents"]]]


class Hidden:
    """Mixed into the suite, which has explain, run, path and the corpus."""

    def dressed_corpus(self):
        lines = []
        for block in self.blocks():
            # Words of syslog would say otherwise where a trace goes on.
            lines += [(BEFORE if not l.startswith((" ", "\t")) else "") + l[:60] + BEHIND for l in block.lines] + [""] * 100
        return "\n".join(lines).encode()

    def test_hidden_names(self):
        log = self.dressed_corpus()
        plain = self.explain(log)
        want(len(plain["incidents"]) > 40 and len(named(both(self.run, log, "-v"))) == len(NAMES), named(both(self.run, log)))
        for level in redacted.LEVELS:
            text = both(self.run, log, "-v", "--redact", level)
            redacted.search(text, NAMES, level)
            want(not named(text), named(text))
            report = self.explain(log, "--redact", level)
            want(report["redacted"] == level and plain["redacted"] is None, report["redacted"])
            want(plain_facts(report) == plain_facts(plain), "facts that stay, %s" % level)
            want(all(t == "(hidden)" for t in quoted(report)) == (level == "all"), quoted(report)[:3])
        want(self.run(log, "--redact", "addresses")[1] == self.run(log, "--redact", "addresses")[1], "the same again")

    def test_hidden_in_real_logs(self):
        """Addresses that servers and clients printed, each of which is looked for, and those that are put in their place."""
        folder, known = os.path.join(HERE, "real"), set()
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as f:
                log = f.read().replace(b"localhost", b"of-web01.acme.corp").replace(b"\n", BEHIND.encode() + b"\n")
            for level in redacted.LEVELS:
                redacted.search(both(self.run, log, "--redact", level), NAMES, "%s, %s" % (name, level))
            known.update(named(both(self.run, log)))
        want(len(known) > 5, known)

    def test_hidden_words_are_the_same_ones(self):
        line = b"2024-03-05 10:11:12 10.1.2.3 of-a.corp: local error: tls: bad record MAC from 10.1.2.3 and ::ffff:10.1.2.3 by OF-A.corp, 10.9.9.9\n"
        text = quoted(self.explain(line, "--redact", "addresses"))[0]
        want(text == "2024-03-05 10:11:12 192.0.2.1 host-1.example: local error: tls: bad record MAC from 192.0.2.1 and"
                   " ::ffff:192.0.2.1 by host-1.example, 192.0.2.2", text)

    def test_hidden_secrets_and_dumps(self):
        """Passwords, and what records held, are in no report at all."""
        dump = ["0000: 47 45 54 20 2F 6F 66 2D   73 65 63 72 65 74 0D 0A  GET /of-secret.. bad_record_mac",
                "0000 - 47 45 54 20 2f 6f 66 2d-73 65 63 72 65 74 0d 0a   GET /of-secret.. bad_record_mac",
                "x 4745 5420 2f6f 662d 7365 6372 of-secret bad_record_mac", "0040: 0D 0A   of-secret bad_record_mac"]
        labels = ["bad_record_mac password=of-secret", "bad_record_mac db_password: 'of-secret of-secret' x",
                  "bad_record_mac \"token\": \"of-secret\"", "bad_record_mac Authorization: Bearer of-secret", "bad_record_mac Master-Key: of-secret",
                  "bad_record_mac client_secret=of-secret&x=1"]
        for line in dump + labels:
            log = ("main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac\n%s\n" % line).encode()
            for args in ((), ("--redact", "addresses"), ("--redact", "all")):
                text = both(self.run, log, "-v", *args)
                want("FOUND" in text and "of-secret" not in text and "47 45" not in text and "4745 54" not in text, (line, text[:600]))
            want("line 2: " in both(self.run, log) and "[..]" in both(self.run, log), line)
        for line in ("bad_record_mac at 10:11:12 11:12:13 MAC 02:00:00:00:00:01, [2001:db8:1:2:3:4:5:6]", "bad_record_mac wrong password 1 2 3"):
            want(quoted(self.explain(line.encode() + b"\n")) == [line], line)

    def test_hidden_at_the_edge(self):
        """A quoted line ends between words, wherever it is cut: half an address would be none, and stay."""
        for n in range(180, 240):
            line = b"bad_record_mac " + b"x" * (n - 30) + b" 10.111.122.133 of-db7.acme.corp of-shop.acme.corp and more and more and more and more\n"
            text = both(self.run, line, "--redact", "addresses")
            want("10.1" not in text and "of-" not in text and "acme" not in text, (n, text[:900]))
        # A line is looked at in pieces of 65536 octets, which overlap by 512; the second one begins within the address.
        for n in range(65024 - 18, 65024 - 2):
            line = b"y" * n + b" 10.111.122.133 " + b"w" * 600 + b" bad_record_mac\n"
            text = quoted(self.explain(line, "--redact", "addresses"))[0]
            want(not re.search(r"1[123]", text), (n, text))

    def test_hidden_in_long_threads(self):
        """A thread's name is kept to 63 octets: where it is cut, half an address may be left."""
        for n in range(40, 64):
            thread = b"y" * n + b"-10.111.122.133"
            log = b"%s, READ: TLSv1 Application Data, length = 48\n%s, handling exception: javax.net.ssl.SSLException: bad record MAC\n" % (thread, thread)
            shown = self.explain(log, "--redact", "addresses")["incidents"][0]["thread"]
            want(shown == "y" * n + "-192.0.2.1" if n + 15 < 63 else shown is None, (n, shown))

    def test_hidden_from_hostile_lines(self):
        lines = [b"main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac", b"%% Invalidated:  [Session-1, of-db7.acme.corp]",
                 b"of-db7.acme.corp-10.77.3.9, READ: of-web01 Application Data, length = 48", b"of-db7.acme.corp-10.77.3.9, READ: TLSv1 Application Data, length = 48",
                 b"of-db7.acme.corp-10.77.3.9, handling exception: javax.net.ssl.SSLException: bad record MAC",
                 b"\"of-db7.acme.corp\xff\xfe\x1b[31m10.77.3.9 bad_record_mac\"", b"bad_record_mac " + b"10.77.3.9." * 200, b"bad_record_mac 10.77.3.9" + b"9" * 300,
                 b"bad_record_mac " + b"a.b." * 5000 + b"of-db7.acme.corp", b"bad_record_mac \\u0031\\u0030.77.3.9 \":\"", b"user=" + b"=" * 200 + b"of-bob bad_record_mac",
                 b"bad_record_mac //" * 60 + b"of-alice@of-db7.acme.corp", b"bad_record_mac [fe80::200:f8ff:fe21:67cf%eth0]"]
        for log in [b"\n".join(lines) + b"\n"] + [l + b"\n" for l in lines] + [l * 40 + b"\n" for l in lines]:
            for level in redacted.LEVELS:
                text = both(self.run, log, "-v", "--redact", level)
                want(not named(text), (log[:80], named(text)))

    def test_hidden_versions(self):
        """What stands in the place of a version is one, or nothing: it goes into sentences that are the program's own."""
        for word, version in ((b"TLSv1.2", "TLS 1.2"), (b"SSLv2", "SSLv2"), (b"of-web01", None), (b"TLSof-web01", None), (b"SSL-10.77.3.9", None)):
            log = b"a, READ: %s Application Data, length = 48\na, handling exception: javax.net.ssl.SSLException: bad record MAC\n" % word
            want(self.explain(log)["incidents"][0]["version"] == version, (word, self.explain(log)["incidents"][0]))

    def test_hidden_in_own_rules(self):
        """Rules that were given may name hosts too; what they say stays with --redact all, for it is in no log."""
        rules = self.path("acme.rules", b"[program of-app]\nname: the app of of-web01.acme.corp\nmatch: of-thing\nnext: ask again |"
                          b" openssl s_client -connect of-db7.acme.corp:443\n[event of-event]\nprogram: of-app\ndetected: local\n"
                          b"match: of-thing failed\nmeans: of-shop.acme.corp said so\ncause: stale-data 9 10.77.3.9 does it\n")
        log = b"of-thing failed on of-web01.acme.corp\n"
        want(len(named(both(self.run, log, "--rules", rules))) == 5, named(both(self.run, log, "--rules", rules)))
        for level in redacted.LEVELS:
            text = both(self.run, log, "--rules", rules, "--redact", level)
            want(not named(text) and "openssl s_client -connect host-" in text and "does it" in text, text[:900])

    def test_hidden_keys_and_bad_levels(self):
        for bad in ("", "names", "nothing"):
            rc, out, err = self.run(b"x\n", "--redact", bad)
            want(rc == 2 and out == b"" and "must be addresses or all" in err, err)
        rc, out, _ = self.run(b"calm\n", "--redact", "all", "--format", "json")
        want(rc == 0 and json.loads(out)["redacted"] == "all", out)
