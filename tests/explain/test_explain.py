#!/usr/bin/env python3
"""badmac explain on real lines, in every dress that logs give them. Prints TAP.
Knows docs/EXPLAIN.md; refuses to know how lines are recognised."""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "live"), os.path.join(ROOT, "tests", "report")]
import advice  # noqa: E402
import hidden  # noqa: E402
import judge  # noqa: E402
import mistaken  # noqa: E402
import schemas  # noqa: E402

BADMAC = judge.find_badmac()
SANITIZED = b"__asan" in open(BADMAC, "rb").read()
NOTHING, FOUND, TROUBLE, UNDECIDED = 0, 1, 2, 3
SCHEMA = schemas.Validator("explanation")
RULES = os.path.join(ROOT, "data", "explain.rules")


def want(condition, said):
    if not condition:
        raise judge.Mismatch(str(said)[:1500])


def run(log, *args, preexec=None):
    r = subprocess.run([BADMAC, "explain", *args, "-"], input=log, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=120, preexec_fn=preexec)
    want(r.returncode in (0, 1, 2, 3), (r.returncode, r.stderr))
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "backslashreplace")


def explain(log, *args):
    rc, out, err = run(log, "--format", "json", *args)
    want(rc in (NOTHING, FOUND, UNDECIDED), (rc, err))
    report = json.loads(out)
    wrong = ["%s: %s" % (e.json_path, e.message[:200]) for e in SCHEMA.iter_errors(report)]
    want(not wrong and out.isascii(), wrong)
    for i in report["incidents"]:
        want(not {c["cause"] for c in i["causes"]} & {r["cause"] for r in i["ruled_out"]}, i)
    want({"nothing": NOTHING, "found": FOUND, "undecided": UNDECIDED}[report["summary"]["result"]] == rc, report)
    return report


class Block:
    """Lines and what is to be made of them."""

    def __init__(self, head, at):
        self.words = [w.strip() for w in head[2:].split("|")]
        self.at, self.lines, self.contexts, self.events = at, [], [], []
        self.kind = self.words[0] if self.words[0] in ("nothing", "undecided") else "found"

    def log(self):
        return "".join(l + "\n" for l in self.lines).encode()

    def __str__(self):
        return "corpus.txt:%d (%s)" % (self.at, " | ".join(self.words))


def corpus():
    blocks = []
    with open(os.path.join(HERE, "corpus.txt"), encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line.startswith("=="):
                blocks.append(Block(line, n))
            elif line.startswith("~~"):
                blocks[-1].contexts.append(line[2:].strip())
            elif line.startswith("++"):
                blocks[-1].events.append(line[2:].strip())
            elif line and not line.startswith("#"):
                blocks[-1].lines.append(line)
    return blocks


BLOCKS = corpus()


def known(word):
    return None if word == "-" else word


def shape(incident):
    return [incident["stack"], incident["program"], incident["detected_by"], incident["stage"]]


def check(block, report):
    if block.kind == "nothing":
        want(report["incidents"] == [], (str(block), report["incidents"]))
        others = [o["what"] for o in report["others"]]
        want(known(block.words[1]) is None or block.words[1] in others, (str(block), others))
        return
    want(len(report["incidents"]) == 1, (str(block), [shape(i) for i in report["incidents"]]))
    i = report["incidents"][0]
    if block.kind == "undecided":
        want(i["doubtful"] and block.words[1] in i["events"], (str(block), i))
        return
    want(not i["doubtful"], str(block))
    want(shape(i) == [known(w) for w in block.words[:4]], (str(block), shape(i), i["events"]))
    head = i["causes"][0]["cause"] if i["causes"] else None
    want(head == known(block.words[4]), (str(block), [c["cause"] for c in i["causes"]]))
    for e in block.events:
        want(e in i["events"], (str(block), i["events"]))
    for c in block.contexts:
        want(c in [p["what"] for p in i["preceded_by"]], (str(block), i["preceded_by"]))


class Explain(hidden.Hidden, advice.Advice, mistaken.Mistaken):
    run, explain = staticmethod(run), staticmethod(explain)

    @staticmethod
    def blocks():
        return BLOCKS

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-explain-")

    def path(self, name, content):
        p = os.path.join(self.dir.name, name)
        with open(p, "wb") as f:
            f.write(content)
        return p

    def test_page_names_every_member(self):
        with open(os.path.join(ROOT, "docs", "EXPLAIN.md"), encoding="utf-8") as f:
            page = f.read()

        def members(schema):
            for name, inner in schema.get("properties", {}).items():
                yield name
                yield from members(inner)
            if "items" in schema:
                yield from members(schema["items"])
        missing = sorted({m for m in members(SCHEMA.schema) if "`%s`" % m not in page})
        want(not missing, missing)

    def test_corpus(self):
        want(len(BLOCKS) > 100, len(BLOCKS))
        wrong = []
        for block in BLOCKS:
            try:
                check(block, explain(block.log()))
            except judge.Mismatch as e:
                wrong.append(str(e)[:300])
        want(not wrong, "\n# ".join(wrong))

    def test_unrelated(self):
        """Each line by itself, each program's, and all of them: nothing is said to be, nor to be in doubt."""
        with open(os.path.join(HERE, "unrelated.txt"), encoding="utf-8") as f:
            text = f.read()
        programs = [p.split("\n")[1:] for p in text.split("\n# ")[1:]]
        programs = [[l for l in p if l and not l.startswith("#")] for p in programs]
        lines = [l for p in programs for l in p]
        want(len(lines) > 200, len(lines))
        # So far apart that none has to do with another one.
        alone = "".join(l + "\n" * 6000 for l in lines)
        for log in [alone] + ["".join(l + "\n" for l in what) for what in programs + [lines]]:
            rc, out, _ = run(log.encode(), "--format", "json")
            want(rc == NOTHING, [l["text"] for i in json.loads(out)["incidents"] for l in i["lines"]])

    def test_every_rule_is_hit(self):
        with open(RULES, encoding="utf-8") as f:
            text = f.read()
        sections = re.findall(r"(?m)^\[([a-z]+) ([a-z0-9._-]+)\]$((?:\n(?!\[).*)*)", text)
        want(len(sections) > 150, len(sections))
        hit, said = set(), ""
        for block in BLOCKS:
            report = explain(block.log())
            said += json.dumps(report)
            hit.update(("other", o["what"]) for o in report["others"])
            for i in report["incidents"]:
                hit.update(("event", e) for e in i["events"])
                hit.update(("context", p["what"]) for p in i["preceded_by"])
                hit.update({("stack", i["stack"]), ("program", i["program"])})
                if i["version"] and i["thread"] is None:
                    hit.add(("negotiated", "common"))
                if i["thread"]:
                    hit.add(("trace", "jsse"))
        said += json.dumps(explain(self.original())) + json.dumps(explain(self.every_minute()))
        for kind, name, body in sections:
            if kind == "weigh":
                texts = [re.sub(r"^(cause: \S+ \d+|rules-out: \S+|[a-z-]+:) ", "", l).split(" | ")[0]
                         for l in body.split("\n") if l and not l.startswith(("when:", "#", "source:", "means:", "name:"))]
                if any(json.dumps(t)[1:-1] in said for t in texts):
                    hit.add((kind, name))
        missed = sorted({(k, n) for k, n, _ in sections} - hit)
        want(not missed, missed)

    @staticmethod
    def original():
        with open(os.path.join(HERE, "jdk6-rc4-third-record.log"), "rb") as f:
            return f.read()

    @staticmethod
    def every_minute(n=6, step=60):
        line = "2024-03-05 10:%02d:%02d.000 app: local error: tls: bad record MAC\n"
        return "".join(line % divmod(600 + k * step, 60) for k in range(n)).encode()

    def test_original_case(self):
        """RC4, three records, the third of which the client rejects."""
        report = explain(self.original())
        want(len(report["incidents"]) == 1, report)
        i = report["incidents"][0]
        want(shape(i) == ["jsse", None, "local", "later"], i)
        want((i["endpoint"], i["direction"], i["version"], i["cipher_suite"]) ==
             ("client", "server_to_client", "TLS 1.0", "SSL_RSA_WITH_RC4_128_SHA"), i)
        want(i["record"] == {"ordinal": 3, "length": 282, "content_length": 262, "mac_bits": 160, "mac_bits_from": "alert",
                             "received_lengths": [483, 16148, 282], "alert_length": 22}, i["record"])
        want(i["thread"] == "pool-1-thread-1" and i["count"] == 1, i)
        out = {r["cause"] for r in i["ruled_out"]}
        want({"wrong-keys", "mac-construction", "bad-padding", "wrong-epoch", "plaintext-alert"} <= out, out)
        left = [c["cause"] for c in i["causes"]]
        want(not out & set(left) and {"bits-flipped", "bytes-missing", "sequence-reused", "record-was-good"} <= set(left), left)
        told = " ".join(i["evidence"])
        for words in ("160 bits and not 96", "262 of content and 20 of MAC", "the 2 before it verified", "30000 ms"):
            want(words in told, (words, told))
        want(sum("without touching the server" in s["what"] for s in i["next_steps"]) >= 3, i["next_steps"])
        rc, text, _ = run(self.original())
        want(rc == FOUND and text.startswith(b"FOUND: the client detected it: the third record"), text[:200])

    def test_near_miss_of_the_original(self):
        """The same log without the alert, with another alert, and told by the other end."""
        lines = self.original().splitlines(True)
        calm = b"".join(l for l in lines if b"bad_record_mac" not in l and b"bad record MAC" not in l)
        want(explain(calm)["incidents"] == [], "no alert")
        other = self.original().replace(b"bad_record_mac", b"unexpected_message").replace(b"bad record MAC", b"oops")
        want(explain(other)["incidents"] == [], "another alert")
        told = calm + b"pool-1-thread-1, RECV TLSv1 ALERT:  fatal, bad_record_mac\n"
        i = explain(told)["incidents"][0]
        want((i["detected_by"], i["direction"], i["record"]["ordinal"]) == ("peer", "client_to_server", None), i)
        first = self.original().replace(b"READ: TLSv1 Application Data, length = 483\n", b"nothing\n")
        want(explain(first)["incidents"][0]["record"]["received_lengths"] == [16148, 282], "lengths")

    def test_real_logs(self):
        """What clients and servers printed when a relay damaged a record between them (tests/data/damaged), or did not."""
        files = sorted(os.listdir(os.path.join(HERE, "real")))
        want(len(files) > 40, files)
        wrong, silent = [], 0
        for name in files:
            stack, kind, direction, who, _ = name.split(".")
            with open(os.path.join(HERE, "real", name), "rb") as f:
                found = explain(f.read())["incidents"]
            receives = (direction == "c2s") == (who == "server")
            library = ("gnutls" if "gnutls" in stack else "jsse" if "java" in stack else "openssl")
            wanted = [[library, "local" if receives else "peer"]] if kind == "bitflip" else []
            got = [[i["stack"], i["detected_by"]] for i in found]
            # gnutls-serv says nothing about it, and says no names.
            if got == [] and wanted and library == "gnutls" and who == "server":
                silent += 1
            elif got != wanted:
                wrong.append("%s: %s instead of %s" % (name, got, wanted))
        want(not wrong and silent <= 2, (wrong, silent))

    def test_length_of_the_mac(self):
        """By how much an alert grew: 16 bytes under MD5, and nothing to be told from it under other ciphers."""
        md5 = self.original().replace(b"RC4_128_SHA", b"RC4_128_MD5").replace(b"Alert, length = 22", b"Alert, length = 18")
        record = explain(md5)["incidents"][0]["record"]
        want((record["mac_bits"], record["mac_bits_from"], record["content_length"]) == (128, "alert", 266), record)
        cbc = self.original().replace(b"SSL_RSA_WITH_RC4_128_SHA", b"TLS_RSA_WITH_AES_128_CBC_SHA")
        record = explain(cbc)["incidents"][0]["record"]
        want((record["mac_bits"], record["mac_bits_from"], record["content_length"]) == (160, "cipher_suite", None), record)
        none = explain(self.original().replace(b"%% Invalidated:  [Session-1, SSL_RSA_WITH_RC4_128_SHA]\n", b""))
        want(none["incidents"][0]["record"]["mac_bits"] is None, none)

    def test_dump_of_what_it_decrypted_to(self):
        lines = self.original().splitlines(True)
        lines.insert(6, b"Padded plaintext after DECRYPTION:  len = 282\n0000: 48 54 54 50 2F 31 2E 31   20 32 30 30 20 4F 4B 0D  HTTP\n")
        told = " ".join(explain(b"".join(lines))["incidents"][0]["evidence"])
        want("line 7: what the record decrypted to" in told and "48 54" not in told, told)
        lines.insert(4, lines.pop(6))
        want("decrypted to" not in " ".join(explain(b"".join(lines))["incidents"][0]["evidence"]), "an earlier record's")

    # Dresses ------------------------------------------------------------------------------------

    def dressed(self, dress, least):
        """Every block whose incident does not hang on the form of its lines, in another form."""
        wrong, n = [], 0
        for block in BLOCKS:
            if block.kind == "undecided":
                continue
            try:
                check(block, explain(dress(block)))
                n += 1
            except judge.Mismatch as e:
                wrong.append(str(e)[:300])
        want(not wrong and n >= least, "\n# ".join(wrong))

    def test_carriage_returns(self):
        self.dressed(lambda b: b.log().replace(b"\n", b"\r\n"), 100)

    def test_no_last_newline(self):
        self.dressed(lambda b: b.log()[:-1], 100)

    def test_syslog(self):
        self.dressed(lambda b: b"".join(b"<14>Mar  5 10:11:12 host app[17]: " + l for l in b.log().splitlines(True)), 100)

    def test_json_lines(self):
        """All lines of an event in one string, as loggers put stack traces."""
        self.dressed(lambda b: json.dumps({"ts": 1709633472.123, "level": "error", "msg": b.log().decode()}).encode()
                     + b"\n", 100)

    def test_utf16(self):
        self.dressed(lambda b: b.log().decode().encode("utf-16"), 100)
        self.dressed(lambda b: b.log().decode().encode("utf-16-be"), 100)

    def test_among_rubbish(self):
        rubbish = bytes(range(256)) * 3 + b"\xff\xfe\x80\n" + b"\0" * 100 + b"\n\xc3(\xa0\xa1\n" + b"x" * 70000 + b"\n"
        self.dressed(lambda b: rubbish + b.log() + rubbish, 100)

    def test_mixture(self):
        """Everything in one log: each stack is found, each end of it."""
        report = explain(b"".join(b.log() + b"\n" * 100 for b in BLOCKS))
        found = {(i["stack"], i["detected_by"]) for i in report["incidents"]}
        for b in BLOCKS:
            if b.kind == "found":
                want((known(b.words[0]), b.words[2]) in found, (str(b), sorted(map(str, found))))

    # How often ----------------------------------------------------------------------------------

    def test_regular(self):
        i = explain(self.every_minute())["incidents"][0]
        want((i["count"], i["regular"], i["interval_seconds"]) == (6, True, 60.0), i)
        want(i["first_time"] == "2024-03-05 10:10:00.000" and i["last_time"] == "2024-03-05 10:15:00.000", i)
        uneven = b"".join(b"2024-03-05 10:%02d:00.000 app: local error: tls: bad record MAC\n" % m for m in (0, 1, 7, 8, 30))
        i = explain(uneven)["incidents"][0]
        want((i["count"], i["regular"]) == (5, False), i)
        one = explain(self.every_minute(1))["incidents"][0]
        want((one["count"], one["regular"], one["interval_seconds"]) == (1, None, None), one)

    def test_one_event_is_one_incident(self):
        trace = (b"2024-03-05 10:11:12,345 ERROR request failed: javax.net.ssl.SSLException: bad record MAC\n"
                 b"org.apache.cxf.interceptor.Fault: Could not send Message.\n"
                 b"\tat org.apache.cxf.Foo.bar(Foo.java:1)\n"
                 b"Caused by: javax.net.ssl.SSLException: bad record MAC\n"
                 b"\tat sun.security.ssl.InputRecord.decrypt(InputRecord.java:1)\n")
        i = explain(trace)["incidents"]
        want(len(i) == 1 and i[0]["count"] == 1 and i[0]["program"] == "cxf", i)
        i = explain(trace + trace.replace(b"10:11:12", b"10:12:12"))["incidents"]
        want(len(i) == 1 and i[0]["count"] == 2, i)

    # Hostile logs -------------------------------------------------------------------------------

    def test_truncated_anywhere(self):
        log = self.original() + b"".join(b.log() for b in BLOCKS[:8])
        step = 29 if SANITIZED else 7
        for n in list(range(0, len(log), step)) + [len(log)]:
            explain(log[:n])
        want(explain(b"")["summary"]["lines"] == 0, "empty")

    def test_terminal_escapes(self):
        rc, out, _ = run(b"\x1b[31mlocal error: tls: bad record MAC\x1b]0;title\x07\xe2\x80\xae\n")
        want(rc == FOUND and b"\x1b" not in out and b"\\x1b[31m" in out and b"\xe2\x80\xae" not in out, out)
        _, out, _ = run(b"\x1b[31mlocal error: tls: bad record MAC\x1b]0;title\x07\n", "--format", "json")
        want(all(32 <= c < 127 or c == 10 for c in out), out)

    def test_long_line(self):
        """A line of 100 MB with the words at its end, in memory that does not grow with it."""
        n = 100 << 20
        code = "import sys\nfor _ in range(%d): sys.stdout.write('x' * 65536)\nprint(' local error: tls: bad record MAC')"
        feed = subprocess.Popen([sys.executable, "-c", code % (n // 65536)], stdout=subprocess.PIPE)
        limit = None if SANITIZED else lambda: resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
        r = subprocess.run([BADMAC, "explain", "--format", "json", "-"], stdin=feed.stdout, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, preexec_fn=limit, timeout=300)
        feed.stdout.close()
        want(feed.wait() == 0 and r.returncode == FOUND, (r.returncode, r.stderr))
        report = json.loads(r.stdout)
        want(report["summary"]["lines"] == 1 and report["incidents"][0]["count"] == 1, report["summary"])

    def test_words_across_pieces(self):
        for n in range(65536 - 40, 65536 + 8):
            report = explain(b"x" * n + b" local error: tls: bad record MAC\n")
            want(len(report["incidents"]) == 1 and report["incidents"][0]["count"] == 1, n)

    def test_secrets_stay_out(self):
        secret = b"0123456789abcdef" * 6
        line = b"CLIENT_RANDOM " + secret + b" local error: tls: bad record MAC " + secret.upper() + b"\n"
        for args in ((), ("--format", "json")):
            _, out, _ = run(line, *args)
            want(secret not in out and secret.upper() not in out and b"[..]" in out, out)

    # Rules and keys -----------------------------------------------------------------------------

    def test_own_rules(self):
        rules = self.path("mine.rules", b"# mine\n[stack mine]\nname: My TLS\n[event mine]\nstack: mine\ndetected: local\n"
                          b"match: E42 * wax\nmatch: \\<E43\\>\nnot: never\ncause: stale-data 100 it is so\n")
        for line, found in ((b"x E42 broken wax\n", True), (b"E43\n", True), (b"E43 never\n", False), (b"E430\n", False),
                            (b"e42 and WAX\n", True), (b"wax E42\n", False)):
            report = explain(line, "--rules", rules)
            want(bool(report["incidents"]) == found, (line, report["incidents"]))
            if found:
                i = report["incidents"][0]
                want((i["stack"], i["causes"][0]["cause"]) == ("mine", "stale-data"), i)
        later = self.path("later.rules", b"[event go]\nstack: go\ndetected: peer\nmatch: local error: tls: bad record MAC\n")
        i = explain(b"local error: tls: bad record MAC\n", "--rules", later)["incidents"][0]
        want(i["detected_by"] == "peer", i)

    def test_bad_rules(self):
        for text, line, says in ((b"match: x\n", 1, "before the first section"), (b"[event a]\n", 1, "no match"),
                                 (b"[frob a]\n", 1, "no kind of section"), (b"[event A B]\nmatch: xx\n", 1, "name"),
                                 (b"[event a]\nmatch: x\n", 2, "not a pattern"), (b"[event a]\nmatch: a\\q\n", 2, "not a pattern"),
                                 (b"[event a]\nmatch: aa\ncause: frob 1 x\n", 3, "no cause"),
                                 (b"[event a]\nmatch: aa\ncause: stale-data 0 x\n", 3, "weight"),
                                 (b"[event a]\nmatch: aa\ncause: stale-data 12\n", 3, "without a reason"),
                                 (b"[event a]\nmatch: aa\nfrob: x\n", 3, "no key"), (b"[event a]\nmatch: aa\nkeys: x\n", 3, "has no keys"),
                                 (b"[event a]\nmatch: aa\ndetected: me\n", 3, "local, peer"),
                                 (b"[event a]\nmatch: aa\nstage: late\n", 3, "stage is"), (b"[weigh a]\nwhen: moon=1\n", 2, "condition"),
                                 (b"[event a]\nmatch: aa\nstack: none\n", 1, "no [stack none]"),
                                 (b"[event a]\nmatch: aa\nname: b\nname: c\n", 4, "second time"), (b"[event a]\nmatch:\n", 2, "without a value"),
                                 (b"\n\n[event a\n", 3, "[kind name]"), (b"[event a]\nmatch: \0\0\n", 2, "zero octet")):
            path = self.path("bad.rules", text)
            rc, out, err = run(b"x\n", "--rules", path)
            want(rc == TROUBLE and out == b"" and "%s:%d: " % (path, line) in err and says in err, (text, err))

    def test_keys_out(self):
        with open(os.path.join(ROOT, "fuzz", "corpus", "jsse", "one.log"), "rb") as f:
            log = f.read()
        out = os.path.join(self.dir.name, "keys.log")
        rc, _, err = run(log, "--keys-out", out)
        want(rc == NOTHING and err == "", err)
        with open(out, encoding="ascii") as f:
            lines = f.read().splitlines()
        want(lines and all(re.fullmatch(r"CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}", l) for l in lines), lines)
        want(os.stat(out).st_mode & 0o77 == 0, oct(os.stat(out).st_mode))
        folder = os.path.join(ROOT, "tests", "data", "keys")
        with open(os.path.join(folder, "jsse.log"), "rb") as f:
            run(f.read(), "--keys-out", out)
        with open(out, encoding="ascii") as f, open(os.path.join(folder, "jsse.keylog"), encoding="ascii") as g:
            written, original = ({l for l in h.read().lower().splitlines() if l.startswith("client_random")} for h in (f, g))
        want(written == original and original, (sorted(written)[:3], sorted(original)[:3]))
        r = subprocess.run([BADMAC, "diagnose", "-k", out, os.path.join(ROOT, "tests", "data", "damaged", "on-the-wire",
                                                                         "tls12-aes128gcm", "flip1", "sender.pcap")],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        want(r.returncode == UNDECIDED and b"no secret" in r.stdout + r.stderr, r)
        lines = sorted(written)
        none = os.path.join(self.dir.name, "none.log")
        rc, _, err = run(b"nothing\n", "--keys-out", none)
        want("no secrets" in err and not os.path.exists(none), err)
        for args in ((), ("--format", "json")):
            _, shown, _ = run(log + b"main, SEND TLSv1 ALERT:  fatal, description = bad_record_mac\n", *args)
            want(lines[0].split()[2].encode() not in shown.lower(), "a secret in the report")


if __name__ == "__main__":
    sys.exit(judge.run_methods(Explain()))
