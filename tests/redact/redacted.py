"""Reports with and without --redact, and what may differ between them: addresses, names and, at the level all, times and randoms.
Refuses to know which captures are told of."""
import ipaddress
import json
import os
import re
import subprocess

import check_schema
import judge
import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
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


def path(name):
    return os.path.join(DATA, name)
