"""The HTML report with --redact: what it has beyond text and JSON. Refuses to know how a page is shown."""
import html
import json
import re

import judge
from redacted import LEVELS, facts, names_of, path, run, search


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
