"""Names of files: hostile ones, such that are words of the report, such that tell something; and lines of logs, which name hosts."""
import difflib
import json
import os
import shutil
import tempfile

import judge
from redacted import LEVELS, check, facts, path, run, search

LOG = """\
<11>Nov 26 14:00:01 web01.corp.test nginx[71]: *7 SSL_read() failed (SSL: error:0A000119:SSL routines::decryption failed or \
bad record mac) while reading client request headers, client: {client}, server: shop.corp.test, request: "GET /hush/{server} HTTP/1.1"
2026-11-26T14:00:02Z db7 postgres[9]: user=alice database=payroll LOG: could not receive data from client: SSL error: \
decryption failed or bad record mac ({server6}, bob@mail.corp.test) in /home/carol/app/run
"""
SECRET = ["web01.corp.test", "shop.corp.test", "db7", "alice", "payroll", "bob", "mail.corp.test", "carol", "hush", "web01"]


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
