#!/usr/bin/env python3
"""What badmac diagnose --redact leaves of a report: every capture that is told of here, at both levels, as JSON and as text.
Whatever reads as an address has to be one of those kept for documentation, and no name of a host, a file or a user that
the plain report, the log or tshark knows may stand anywhere; results, causes, offsets, packets and exit statuses are those
of the plain report. Prints TAP."""
import calendar
import concurrent.futures
import difflib
import html
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", folder) for folder in ("live", "report", "oracle")]
import check_schema  # noqa: E402
import judge  # noqa: E402
import jsonschema  # noqa: E402
import tlsoracle  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data")
with open(os.path.join(ROOT, "docs", "badmac.diagnosis.v1.schema.json"), encoding="ascii") as schema:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(schema))
KEPT = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")]
LEVELS = ("addresses", "all")


def run(args, captures, cwd=None):
    argv = [judge.find_badmac(), "diagnose", "--effort", "quick", "-j", "1", *args, *captures]
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, cwd=cwd, check=False)
    judge.want(r.returncode in (0, 1, 3), "exit %d: %s" % (r.returncode, r.stderr.decode("utf-8", "replace")[-800:]))
    return r.returncode, r.stdout.decode()


def addresses(text):
    """All that reads as an address, however it is written: alone, with a port, in brackets, with dashes."""
    text = re.sub(r"RFC \d+, section [\d.]+", "", text)
    for m in re.finditer(r"(?<!\d)(\d{1,3})([.\-_])(\d{1,3})\2(\d{1,3})\2(\d{1,3})(?!\d)", text):
        parts = [int(m.group(i)) for i in (1, 3, 4, 5)]
        if max(parts) < 256:
            yield ipaddress.ip_address(bytes(parts))
    for word in re.findall(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", text):
        for end in range(len(word), 2, -1):
            try:
                yield ipaddress.IPv6Address(word[:end])
                break
            except ValueError:
                pass


def shown(a):
    mapped = getattr(a, "ipv4_mapped", None)
    return any((mapped or a) in n for n in KEPT if n.version == (mapped or a).version) or a == ipaddress.ip_address("::")


def search(text, names, what):
    for a in addresses(text):
        judge.want(shown(a), "%s: the address %s" % (what, a))
    low = text.lower()
    for n in names:
        judge.want(not re.search(r"(?<![a-z0-9_])" + re.escape(n.lower()) + r"(?![a-z0-9_])", low), "%s: the name %r" % (what, n))


KEEP = ("direction", "epoch", "sequence_number", "stream_offset", "length", "packets", "cause", "confidence", "at_fault",
        "checksum")
NAMING = ("sender", "receiver", "session", "iv", "capture")  # of what a proof's check was given


def proof(p):
    altered = p and p["altered"]
    return p and dict(p, altered=altered and {k: None if k in NAMING else v for k, v in altered.items()})


def facts(report):
    """What redaction must not touch."""
    s = report["summary"]
    s = dict(s, notices=len(s["notices"]), captures=[(c["first_packet"], c["packets"]) for c in s.get("captures", [])])
    return [s] + [[c["id"], c["version"], c["cipher_suite"], c["result"], c["records"], c["capture_gaps"], c["alerts"], c["keys"],
                   [[[f[k] for k in KEEP], proof(f["proof"]),
                     [(d["record_offset"], d["length"], d["packet"], d["packet_offset"], len(d["received"]), d["sent"] is None)
                      for d in f["damage"]],
                     len(f["evidence"]), len(f["next_steps"]), [r["cause"] for r in f["ruled_out"]]]
                    for f in c["failures"]]] for c in report["connections"]]


def pairs(plain, redacted):
    for p, r in zip(plain["connections"], redacted["connections"]):
        for end in ("client", "server"):
            old, new = p[end].rpartition(":"), r[end].rpartition(":")
            judge.want(old[2] == new[2], "the port of %s" % r[end])
            judge.want((old[0][0] == "[") == (new[0][0] == "["), "the family of %s" % r[end])
            yield old[0], new[0]
        if p["server_name"] is not None:
            yield "the name " + p["server_name"].lower(), r["server_name"]
        judge.want((p["server_name"] is None) == (r["server_name"] is None), "a server name")


def one_to_one(couples):
    there, back = {}, {}
    for old, new in couples:
        judge.want(there.setdefault(old, new) == new and back.setdefault(new, old) == old and old != new,
                   "%s stands for %s" % (new, old))


def names_of(report, captures, keys):
    names = {c["server_name"] for c in report["connections"] if c["server_name"]}
    for path in [*captures, *keys]:
        names |= {path, os.path.basename(path)}
    return names - {"record", "capture-2.pcap", "keys.log", "sslkeylog", "receiver.pcap", "sender.pcap", "client.pcap"}


def check(captures, keys=(), args=(), names=(), cwd=None):
    args = [*args, *[w for k in keys for w in ("-k", k)]]
    status, text = run(["--format", "json", *args], captures, cwd)
    plain = json.loads(text)
    judge.want(plain["redacted"] is None, "redacted is null without --redact")
    names = names_of(plain, captures, keys) | set(names)
    for level in LEVELS:
        got, text = run(["--format", "json", "--redact", level, *args], captures, cwd)
        report = json.loads(text)
        judge.want(got == status and report["redacted"] == level, "%s: exit %d, %s" % (level, got, report["redacted"]))
        wrong = check_schema.check(level, text, VALIDATOR)
        judge.want(not wrong, "; ".join(wrong))
        judge.want(facts(report) == facts(plain), "%s: other facts" % level, report)
        one_to_one(pairs(plain, report))
        search(text, names, level + ", JSON")
        got, words = run(["--redact", level, "-v", *args], captures, cwd)
        judge.want(got == status, "%s: exit %d of the text" % (level, got))
        search(words, names, level + ", text")
        judge.want("(--redact %s)" % level in words, "the text says that it is redacted")
        if level == "all":
            randoms = [c["client_random"] for c in plain["connections"] if c["client_random"]]
            for hidden in randoms:
                judge.want(hidden not in text and hidden not in words, "a client random")
            judge.want(all(c["client_random"] is None for c in report["connections"]), "a client random")
            moment = re.search(r"\b(20(?!00|99)|19)\d\d-\d\d-\d\d", text + words)
            judge.want(not moment, "a time: %s" % (moment and moment.group()))
    return plain, report


def decrypted(capture, keys):
    """(what another program decrypts of it, each secret of the key logs)."""
    found, secrets, text = [], {}, ""
    for k in keys:
        with open(k, encoding="ascii", errors="replace") as f:
            text += f.read()
    secrets = tlsoracle.key_log(text)
    plain = {kind: kind.open for kind in (tlsoracle.Keys12, tlsoracle.Keys13)}

    def listen(kind):
        def opened(self, head, body):
            r = plain[kind](self, head, body)
            if r is not None and r[0] == 23:
                found.append(r[1])
            return r
        return opened
    try:
        for kind in plain:
            kind.open = listen(kind)
        with open(capture, "rb") as f:
            tlsoracle.connections(f.read(), secrets)
    finally:
        for kind, function in plain.items():
            kind.open = function
    return found, [line.split()[2].lower() for line in text.splitlines() if len(line.split()) == 3 and line[0] != "#"]


PIECE = 8


def nothing_secret(jobs):
    """No plaintext and no secret, without --redact: eight octets of what was decrypted stand in no text and in no octets."""
    for capture, keys in jobs:
        found, secrets = decrypted(capture, keys)
        judge.want(sum(map(len, found)) > 100 and secrets, "%s: there is something to find" % capture)
        pieces = {p[i:i + PIECE] for p in found for i in range(len(p) - PIECE + 1)}
        pieces = {p for p in pieces if len(set(p)) > 3}
        words = [w for k in keys for w in ("-k", k)]
        for form in ("text", "json"):
            text = run(["-v", "--format", form, *words], [capture])[1].encode()
            for i in range(len(text) - PIECE + 1):
                judge.want(text[i:i + PIECE] not in pieces, "%s, %s: plaintext %r" % (capture, form, text[i:i + PIECE]))
            for digits in re.findall(rb"(?:[0-9a-f]{2} ?){8,}", text):
                octets = bytes.fromhex(digits.replace(b" ", b"").decode()[:2 * (len(digits.replace(b" ", b"")) // 2)])
                for i in range(len(octets) - PIECE + 1):
                    judge.want(octets[i:i + PIECE] not in pieces, "%s, %s: plaintext in octets" % (capture, form))
            for s in secrets:
                judge.want(len(s) < 32 or s.encode() not in text.lower(), "%s, %s: a secret" % (capture, form))


def tshark_names(capture):
    """What another program reads there."""
    r = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", "-e", "ip.addr", "-e", "ipv6.addr", "-e",
                        "tls.handshake.extensions_server_name"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    names = {w for w in re.split(r"[\t,\n]", r.stdout.decode()) if w}
    judge.want(names, "tshark reads it")
    return {n for n in names if not re.match(r"[\d.:a-f]+$", n) or not shown(ipaddress.ip_address(n))}


def path(name):
    return os.path.join(DATA, name)


def with_tshark(capture, keys):
    check([path(capture)], [path(k) for k in keys], names=tshark_names(path(capture)))


def several_places(folder):
    d = path("damaged/" + folder)
    check([d + "/sender.pcap", d + "/receiver.pcap"], [d + "/keys.log"])


def again(folder):
    """The same report each time, from any number of threads."""
    d = path("damaged/" + folder)
    words = ["-k", d + "/keys.log", "--format", "json", "--redact", "all"]
    first = run(words, [d + "/receiver.pcap"])
    judge.want(first == run(words, [d + "/receiver.pcap"]) == run([*words, "-j", "2"], [d + "/receiver.pcap"]), "two runs differ")


def relative_times():
    """Distances stay, moments do not."""
    capture, keys = path("mercury/test_decrypt.pcap"), path("mercury/sslkeylogfile.log")
    plain, hidden = check([capture], [keys])
    judge.want(len(plain["connections"]) > 3, "several connections")

    def seconds(report):
        moments = [moment_of(c[k]) for c in report["connections"] for k in ("first_time", "last_time")]
        return [round(m - moments[0], 6) for m in moments]
    judge.want(seconds(plain) == seconds(hidden), "distances in time")
    judge.want(hidden["connections"][0]["first_time"].startswith("2000-01-01T00:00:00"), "the first time")


def moment_of(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


FAILED = "damaged/tls12-aes128gcm/bitflip"
LOG = """\
<11>Nov 26 14:00:01 web01.corp.test nginx[71]: *7 SSL_read() failed (SSL: error:0A000119:SSL routines::decryption failed or \
bad record mac) while reading client request headers, client: {client}, server: shop.corp.test, request: "GET /hush/{server} HTTP/1.1"
2026-11-26T14:00:02Z db7 postgres[9]: user=alice database=payroll LOG: could not receive data from client: SSL error: \
decryption failed or bad record mac ({server6}, bob@mail.corp.test) in /home/carol/app/run
"""
SECRET = ["web01.corp.test", "shop.corp.test", "db7", "alice", "payroll", "bob", "mail.corp.test", "carol", "hush", "web01"]


def with_logs():
    d = path(FAILED)
    _, text = run(["--format", "json", "-k", d + "/keys.log"], [d + "/receiver.pcap"])
    c = json.loads(text)["connections"][0]
    ends = {"client": c["client"].rpartition(":")[0], "server": c["server"].rpartition(":")[0],
            "server6": "fe80:0:0:0:200:F8FF:FE21:67CF"}
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "of-web01.txt")
        with open(log, "w", encoding="utf-8") as f:
            f.write(LOG.format(**ends))
        plain, hidden = check([d + "/receiver.pcap"], [d + "/keys.log"], ["--log", log],
                              names=SECRET + list(ends.values()) + [log, "of-web01.txt", folder])
        judge.want(len(plain["incidents"]) == 2, "two incidents")
        judge.want(all(i["text"] == "(hidden)" and i["time"] is None and i["time_utc"] is None for i in hidden["incidents"]), "lines")
        _, text = run(["--format", "json", "--redact", "addresses", "-k", d + "/keys.log", "--log", log], [d + "/receiver.pcap"])
        report = json.loads(text)
        judge.want(report["logs"][0]["log"] == "log-1.txt", "the log's name")
        lines = [i["text"] for i in report["incidents"]]
        judge.want("decryption failed or bad record mac" in lines[0] and "decryption failed" in lines[1], "what it says stays")
        judge.want([i["event"] for i in report["incidents"]] == [i["event"] for i in plain["incidents"]], "the events")
        # The same address in a log and on the wire is the same again.
        judge.want(report["connections"][0]["client"].rpartition(":")[0] in lines[0], "the client in %r" % lines[0])


def hostile_names():
    """Files whose names look like an address, like a replacement, or like words of the report."""
    d = path("damaged/tls13-aes256gcm/bitflip")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("10.9.8.7", "host-1.example", "capture-2.pcap", "record", "2001:db9::7", "10.9.8.7 is bad"):
            shutil.copy(d + "/receiver.pcap", os.path.join(folder, name))
            given = [name]
            status, text = run(["--format", "json", "--redact", "addresses", "-k", d + "/keys.log"], given, folder)
            report = json.loads(text)
            judge.want(status == 1 and report["connections"][0]["capture"] == "capture-1.pcap", "%r" % name)
            # What is a word of the report as well cannot be looked for.
            if name not in ("record", "capture-2.pcap"):
                check(given, [d + "/keys.log"], names=[name], cwd=folder)


def quoted_names():
    """Files whose names hold quotation marks, which sentences have around what is from elsewhere."""
    d = path("damaged/tls13-aes256gcm/bitflip")
    with open(d + "/receiver.pcap", "rb") as f:
        whole = f.read()
    with tempfile.TemporaryDirectory() as folder:
        for name in ('of-acme "two" w.pcap', 'of-acme "w.pcap', '"of-acme".pcap'):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(whole[:-9])
            check([name, d + "/sender.pcap"], [d + "/keys.log"], names=["of-acme"], cwd=folder)


PLAIN = ("server", "packet", "k", "record", "tcp", "a")
NEUTRAL = ("Qx1", "Qx2", "Qx3", "Qx4")


def lay_out(folder, names):
    """A damaged capture that is cut short, what its sender sent, keys with a bad line, a log: what to say, which captures."""
    d = path("damaged/tls13-aes256gcm/bitflip")
    capture, sender, keys, log = names
    with open(d + "/receiver.pcap", "rb") as f, open(os.path.join(folder, capture), "wb") as out:
        out.write(f.read()[:-9])
    shutil.copy(d + "/sender.pcap", os.path.join(folder, sender))
    with open(d + "/keys.log", encoding="ascii") as f, open(os.path.join(folder, keys), "w", encoding="ascii") as out:
        out.write("CLIENT_RANDOM not hex\n" + f.read())
    with open(os.path.join(folder, log), "w", encoding="utf-8") as f:
        f.write(LOG.format(client="10.9.8.7", server6="fe80::7", server="10.9.8.8"))
    return keys, log, [capture, sender]


def without_lines(text):
    report = json.loads(text)
    for i in report["incidents"] or ():
        i["text"] = None
    return report


def told(names, level):
    """The reports of the same files under these names: with a log, and without."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        keys, log, both = lay_out(folder, names)
        base = ["-k", keys, *(["--redact", level] if level else [])]
        for captures in (both, both[:1]):
            found.append(run([*base, "-v"], captures, folder)[1])
            text = run([*base, "--log", log, "--format", "json"], captures, folder)[1]
            found.append(without_lines(text))
            if level:
                search(text, [n for n in SECRET if n != "db7"], "names in lines of a log")
            if level == "all":
                found.append(run([*base, "--log", log, "-v"], captures, folder)[1])
    return found


def plain_names():
    """Files that are called like words of the report: it reads the same whatever they are called, and is right."""
    plain = "".join(f if isinstance(f, str) else json.dumps(f) for f in told(NEUTRAL, None))
    for sentence in (": ends in the middle of a packet", ": 1 line could not be read", "with the bytes of Qx2 it verifies",
                     "Qx2 shows other bytes from", "in Qx2 the record that was due", "-w client.pcap", "-w server.pcap",
                     "badmac diagnose -k KEYS client.pcap server.pcap"):
        judge.want(sentence in plain, "the report has %r" % sentence)
    for level in LEVELS:
        wanted = told(NEUTRAL, level)
        words = "".join(f if isinstance(f, str) else json.dumps(f) for f in wanted)
        judge.want("Qx" not in words, "%s: a name" % level)
        for sentence in ("with the bytes of capture-2.pcap it verifies", "badmac diagnose -k KEYS client.pcap server.pcap`"):
            judge.want(sentence in words, "%s: %r" % (level, sentence))
        for i in range(len(PLAIN)):
            names = [PLAIN[(i + k) % len(PLAIN)] for k in range(4)]
            for nth, (a, b) in enumerate(zip(told(names, level), wanted)):
                if a != b:
                    a, b = (f if isinstance(f, str) else json.dumps(f, indent=1) for f in (a, b))
                    lines = difflib.unified_diff(b.splitlines(), a.splitlines(), "wanted", "got", "", "", 0)
                    judge.want(False, "%s, %s: report %d is another: %s" % (level, names, nth, " ".join(list(lines)[:20])))


def places_by_name(folder):
    """Captures of two places, whose names no report has, whatever was damaged; the plain one names both."""
    d = path("damaged/" + folder)
    with tempfile.TemporaryDirectory() as there:
        for name, capture in zip(NEUTRAL, ("receiver.pcap", "sender.pcap")):
            shutil.copy(os.path.join(d, capture), os.path.join(there, name))
        for level in (None, *LEVELS):
            more = ["--redact", level] if level else []
            _, text = run(["-k", d + "/keys.log", "--format", "json", *more], NEUTRAL[:2], there)
            report = json.loads(text)
            if not level:
                plain = report
            judge.want(("Qx" in text) == (level is None), "%s: a name" % level)
            judge.want(facts(report) == facts(plain), "%s: other facts" % level)


def telling_names():
    """Names that tell something, with and without an ending, stand in no report, whatever else is in them."""
    names = ("ACME-merger.pcap", 'ACME "merger" of "Q3', "ACMEmerger", "ACME merger; in it: k")
    for level in LEVELS:
        words = "".join(f if isinstance(f, str) else json.dumps(f) for f in told(names, level))
        for hidden in ("ACME", "merger", "Q3"):
            judge.want(hidden not in words, "%s: %s" % (level, hidden))


def long_name():
    """Sentences that name a file by a path that is longer than they are."""
    with tempfile.TemporaryDirectory() as folder:
        deep = os.path.join(folder, *["ACME-merger-%d-" % i + "x" * 100 for i in range(6)])
        os.makedirs(deep)
        keys, _, captures = lay_out(deep, NEUTRAL)
        args = ["-k", os.path.join(deep, keys), "--redact", "addresses", "--format", "json"]
        _, text = run(args, [os.path.join(deep, c) for c in captures])
        judge.want("ACME" not in text, text)
        for sentence in ("capture-1.pcap: ends in the middle", "with the bytes of capture-2.pcap it verifies", "keys-1.keys: 1 line"):
            judge.want(sentence in text, sentence)


def cut_off():
    """Notices name files."""
    with tempfile.TemporaryDirectory() as folder:
        capture, keys = os.path.join(folder, "of-acme.pcapng"), os.path.join(folder, "acme-keys")
        with open(path("illustrated-tls13/capture.pcap"), "rb") as f:
            whole = f.read()
        with open(capture, "wb") as f:
            f.write(whole[:-9])
        with open(path("illustrated-tls13/keylog.txt"), encoding="ascii") as f:
            lines = f.read()
        with open(keys, "w", encoding="ascii") as f:
            f.write("CLIENT_RANDOM not hex\n" + lines)
        plain, hidden = check([capture], [keys], names=["of-acme", "acme-keys", folder])
        judge.want(len(plain["summary"]["notices"]) >= 2, "two notices: %s" % plain["summary"]["notices"])
        said = " ".join(hidden["summary"]["notices"])
        judge.want("capture-1.pcapng" in said and "keys-1" in said, said)


def page(args, captures):
    """The three texts of an HTML report: diagnosis, detail, and what stands in for them."""
    status, text = run(["--format", "html", *args], captures)
    found = {}
    for name in ("diagnosis", "detail"):
        found[name] = json.loads(re.search(r'<script type="application/json" id="%s">(.*?)</script>' % name, text, re.S).group(1))
    found["text"] = html.unescape(re.search(r"<noscript>(.*?)</noscript>", text, re.S).group(1))
    return status, found


def as_page(folder):
    """What the page has beyond text and JSON: octets of records, and when each came."""
    d = path("damaged/" + folder)
    args, captures = ["-k", d + "/keys.log"], [d + "/receiver.pcap"]
    status, plain = page(args, captures)
    names = names_of(plain["diagnosis"], captures, [d + "/keys.log"])
    for level in LEVELS:
        got, hidden = page([*args, "--redact", level], captures)
        judge.want(got == status and hidden["detail"]["redacted"] == hidden["diagnosis"]["redacted"] == level, "%s" % level)
        for part in hidden:
            search(hidden[part] if part == "text" else json.dumps(hidden[part]), names, level + ", HTML, " + part)
        judge.want(facts(hidden["diagnosis"]) == facts(plain["diagnosis"]), "%s: other facts" % level)
        judge.want(len(plain["detail"]["connections"]) > 0, "there is detail")
        for p, h in zip(plain["detail"]["connections"], hidden["detail"]["connections"]):
            judge.want(p["records"] == h["records"] and p["events"] == h["events"], "%s: the course" % level)
            judge.want(level != "all" or h["start"].startswith("2000-01-01"), h["start"])
            failures = next(c for c in plain["diagnosis"]["connections"] if c["id"] == p["id"])["failures"]
            for f, a, b in zip(failures, p["failures"], h["failures"]):
                octets(f, a["record"], b["record"], level)


def octets(failure, plain, hidden, level):
    """Of a record, as received and as sent, all that is not damaged is hidden at the level all."""
    judge.want((plain is None) == (hidden is None), "a record")
    ahead = 0
    shown = {"received": set(), "sent": set()}
    for d in failure["damage"]:
        sent = len(d["sent"] or "") // 2
        shown["received"] |= set(range(d["record_offset"], d["record_offset"] + d["length"]))
        shown["sent"] |= set(range(d["record_offset"] + ahead, d["record_offset"] + ahead + sent))
        ahead += sent - d["length"]
    for key in shown if plain else ():
        if plain[key] is None:
            continue
        pairs_of = [(plain[key][i:i + 2], hidden[key][i:i + 2]) for i in range(0, len(plain[key]), 2)]
        judge.want(len(plain[key]) == len(hidden[key]), "as many octets")
        for at, (a, b) in enumerate(pairs_of):
            wanted = {a, "78"} if level == "addresses" or at in shown[key] else {".."}
            judge.want(b in wanted, "%s: octet %d of %s is %s, was %s" % (level, at, key, b, a))


# Of everything damaged one suite each, and more where hypotheses differ by suite.
DAMAGED = ["tls10-aes128cbc-sha/comp2", "tls12-chacha20/bitflip", "tls12-aes128gcm/drop", "tls13-aes256gcm/droprec",
           "tls12-cbc-sha256-etm/dup", "tls12-aes128gcm/inject_raw", "tls10-rc4sha-gnutls/inject_rec", "tls13-aes256gcm/lenhdr",
           "tls12-aes128gcm/replay", "tls10-aes128cbc-sha/s2c_bitflip", "tls12-cbc-sha256-mte/swap", "tls13-aes256gcm/wordswap",
           "on-the-wire/tls12-aes128gcm/comp2"]


def main():
    tap = judge.Tap()
    with open(path("expected.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    jobs = [(row[0], check, [path(row[0])], [path(row[1])] if row[1] != "-" else []) for row in rows]
    for folder in DAMAGED:
        d = path("damaged/" + folder)
        jobs.append((folder, check, [d + "/receiver.pcap"], [d + "/keys.log"]))
    for folder in ("tls12-aes128gcm/inject_raw", "tls13-aes256gcm/bitflip"):
        d = path("damaged/" + folder)
        jobs.append((folder + ", no keys", check, [d + "/receiver.pcap"]))
        jobs.append((folder + ", two places", several_places, folder))
        jobs.append((folder + ", twice", again, folder))
    jobs += [(folder + ", places by name", places_by_name, folder) for folder in DAMAGED]
    jobs += [(folder + ", HTML", as_page, folder) for folder in DAMAGED]
    jobs += [("tshark's names of mercury", with_tshark, "mercury/test_decrypt.pcap", ["mercury/sslkeylogfile.log"]),
             ("tshark's names of IPv6", with_tshark, "hotplace/testcase/tls/http/http2.pcapng", []),
             ("times", relative_times), ("logs", with_logs), ("no plaintext, no secrets", nothing_secret,
              [(d + "/receiver.pcap", [d + "/keys.log"]) for d in (path("damaged/" + f) for f in DAMAGED)]),
             ("hostile names of files", hostile_names), ("names with quotation marks", quoted_names),
             ("notices", cut_off), ("plain names of files", plain_names), ("telling names of files", telling_names),
             ("a long name", long_name)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda j: tap.case(j[0], j[1], *j[2:]), jobs))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
