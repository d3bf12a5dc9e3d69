#!/usr/bin/env python3
"""badmac prove: every proof of the failing captures holds, what has no check says so, and no lie in a report is ever
taken for a proof. Prints TAP."""
import copy
import glob
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "oracle"), os.path.join(TESTS, "prove"),
                os.path.join(TESTS, "report")]
import judge  # noqa: E402
import leaves  # noqa: E402
import lying  # noqa: E402
import schemas  # noqa: E402
import seal  # noqa: E402
import tlsoracle  # noqa: E402
import wire  # noqa: E402

DATA = os.path.join(judge.ROOT, "tests", "data")
BADMAC = judge.find_badmac()
SCHEMA = schemas.Validator("proof")
HOLDS, WRONG, OPEN, BARE = "holds", "does-not-hold", "cannot-be-checked", "not-replayable"


def prove(report, captures, keys=(), args=(), timeout=300):
    """(exit status, JSON or None, standard error); the report goes in as JSON or as it is, on standard input."""
    text = report if isinstance(report, bytes) else json.dumps(report).encode("ascii")
    argv = [BADMAC, "prove", "--format", "json", *args]
    for k in keys:
        argv += ["-k", k]
    r = subprocess.run([*argv, "-", *captures], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    judge.want(r.returncode in (0, 1, 2, 3), "exit %d: %s" % (r.returncode, r.stderr.decode("utf-8", "replace")[-1500:]))
    told = json.loads(r.stdout) if r.stdout else None
    # Hundreds of lies are alike to it.
    if told is not None and len(r.stdout) < 100000:
        wrong = ["%s: %s" % (e.json_path, e.message[:200]) for e in SCHEMA.iter_errors(told)]
        judge.want(not wrong and r.stdout.isascii(), "schema: %s" % wrong)
    return r.returncode, told, r.stderr.decode("utf-8", "replace")


def verdicts(told):
    return [f for c in told["connections"] for f in c["failures"]]


def exit_for(told):
    n, counts = told["summary"]["failures"], told["summary"]["counts"]
    if n["does_not_hold"] + counts["does_not_hold"]:
        return 1
    return 3 if n["cannot_be_checked"] + n["not_replayable"] + counts["cannot_be_checked"] else 0


def folders():
    return sorted(d for d in glob.glob(os.path.join(DATA, "damaged", "*", "*")) +
                  glob.glob(os.path.join(DATA, "damaged", "on-the-wire", "*", "*")) if os.path.isfile(os.path.join(d, "keys.log")))


DIAGNOSED, LIES, LOCK = {}, [0], threading.Lock()


def diagnosed(captures, keys):
    """Kept, for several cases ask for the same."""
    key = (tuple(captures), tuple(keys))
    with LOCK:
        known = DIAGNOSED.get(key)
    if known is None:
        known = judge.diagnose(list(captures), list(keys), timeout=300)[1]
        with LOCK:
            DIAGNOSED[key] = known
    return copy.deepcopy(known)


# Proofs that hold ---------------------------------------------------------------------------------------------


def all_hold(captures, keys):
    report = diagnosed(captures, keys)
    rc, told, err = prove(report, captures, keys)
    found = judge.failures(report)
    judge.want(len(verdicts(told)) == len(found), "%d of %d failures judged" % (len(verdicts(told)), len(found)))
    for f, v in zip(found, verdicts(told)):
        bare = f["proof"] is None or f["proof"]["altered"] is None
        judge.want(v["verdict"] == (BARE if bare else HOLDS), "%s by %s: %s at %s: %s" % (
            f["cause"], v["method"], v["verdict"], v["step"], v["because"]), report)
    for c in told["connections"]:
        judge.want(c["counts"]["verdict"] == HOLDS, "counts: %s" % c["counts"]["because"], report)
    judge.want(told["report"]["verdict"] == HOLDS, "report: %s" % told["report"]["because"], report)
    judge.want(rc == exit_for(told), "exit %d; %s" % (rc, err))


def damaged(folder):
    keys = [os.path.join(folder, "keys.log")]
    for side in ("sender", "receiver"):
        all_hold([os.path.join(folder, side + ".pcap")], keys)


def both_places(folder):
    """Bytes of another capture: the one view that is told of is proved, and the other one shows what was sent."""
    captures = [os.path.join(folder, side + ".pcap") for side in ("sender", "receiver")]
    keys = [os.path.join(folder, "keys.log")]
    report = diagnosed(captures, keys)
    rc, told, err = prove(report, captures, keys)
    for v in verdicts(told):
        judge.want(v["verdict"] in (HOLDS, OPEN), "%s by %s: %s, %s" % (v["cause"], v["method"], v["verdict"], v["because"]))
    judge.want(any(v["verdict"] == HOLDS for v in verdicts(told)), "some hold: %s" % verdicts(told))
    judge.want(rc == exit_for(told), "exit %d; %s" % (rc, err))


def clean(capture, keys):
    all_hold([capture], keys)


def keyless(folder):
    """Without keys nothing can be held, neither for the report nor against it."""
    capture = [os.path.join(folder, "receiver.pcap")]
    report = diagnosed(capture, [])
    rc, told, err = prove(report, capture)
    for v in verdicts(told):
        judge.want(v["verdict"] in (BARE, OPEN), "%s: %s, %s" % (v["cause"], v["verdict"], v["because"]))
    judge.want(rc == exit_for(told), "exit %d; %s" % (rc, err))
    full = diagnosed(capture, [os.path.join(folder, "keys.log")])
    rc, told, err = prove(full, capture)
    judge.want(not [v for v in verdicts(told) if v["verdict"] == HOLDS], "held without keys: %s" % verdicts(told))
    if full["summary"]["records"]["undecided"] == 0:
        judge.want(rc == 3 and told["report"]["verdict"] == OPEN, "a true report without its keys: exit %d, %s" % (rc, told))


# Lies -----------------------------------------------------------------------------------------------------------


def lies(folder, side):
    """Hundreds of lies about one record, in one report; none may hold, and hardly any may be left open."""
    capture, keys = [os.path.join(folder, side + ".pcap")], [os.path.join(folder, "keys.log")]
    report = diagnosed(capture, keys)
    for c in report["connections"]:
        told, names = [], []
        for f in c["failures"]:
            if not f["proof"] or not f["proof"]["altered"]:
                continue
            for name, g in lying.about(f, judge.CAUSES):
                names.append("%s: %s" % (f["cause"], name))
                told.append(g)
        c["failures"] = told[:4000]
    rc, proof, err = prove(report, capture, keys)
    judge.want(proof is not None, "exit %d: %s" % (rc, err))
    judged = verdicts(proof)
    held = [(n, v["steps"]) for n, v in zip(names, judged) if v["verdict"] == HOLDS]
    judge.want(not held, "%d of %d lies hold: %s" % (len(held), len(names), [n for n, _ in held][:12]))
    # What is left open says too little to be checked; all else is refuted.
    refuted = sum(v["verdict"] == WRONG for v in judged)
    judge.want(refuted >= 0.8 * len(judged), "%d of %d refuted; open: %s" % (refuted, len(judged), sorted(
        {n + ": " + v["because"] for n, v in zip(names, judged) if v["verdict"] != WRONG})[:12]))
    judge.want(rc == 1, "exit %d; %s" % (rc, err))
    with LOCK:
        LIES[0] += len(names)


def other_captures():
    """A report of one capture, with another one's packets or keys."""
    a = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    b = os.path.join(DATA, "damaged", "tls13-aes256gcm", "replay")
    keys = [os.path.join(a, "keys.log")]
    report = diagnosed([os.path.join(a, "receiver.pcap")], keys)
    rc, told, _ = prove(report, [os.path.join(a, "sender.pcap")], keys)  # behind the relay it has other addresses
    judge.want(rc == 3 and verdicts(told)[0]["verdict"] == OPEN, "the sender's capture: %d %s" % (rc, told))
    for x, y in (("client", "10.9.2.2:44636"), ("server", "10.9.2.1:4433")):
        judge.want(report["connections"][0][x] == y, "addresses", report)
    rc, told, _ = prove(report, [os.path.join(b, "receiver.pcap")], [os.path.join(b, "keys.log")])
    judge.want(rc == 3 and verdicts(told)[0]["verdict"] == OPEN, "another connection: %d %s" % (rc, told))
    rc, told, _ = prove(report, [os.path.join(a, "receiver.pcap")], [os.path.join(b, "keys.log")])
    judge.want(verdicts(told)[0]["verdict"] == OPEN and rc == 3, "other keys: %d %s" % (rc, told))


def redacted():
    """A report whose addresses are no real ones: nothing is found, and why is said."""
    a = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    capture, keys = os.path.join(a, "receiver.pcap"), os.path.join(a, "keys.log")
    for level in ("addresses", "all"):
        out = subprocess.run([BADMAC, "diagnose", "-q", "--redact", level, "--format", "json", "-k", keys, capture],
                             stdout=subprocess.PIPE, timeout=60).stdout
        rc, told, err = prove(json.loads(out), [capture], [keys])
        judge.want(rc == 3 and verdicts(told)[0]["verdict"] == OPEN and "is redacted" in err, "%s: exit %d, %s" % (level, rc, err))


def swapped_connections():
    """What is true of one connection is told of another one."""
    a = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    b = os.path.join(DATA, "damaged", "tls12-aes128gcm", "bitflip")
    captures, keys = [os.path.join(d, "receiver.pcap") for d in (a, b)], [os.path.join(d, "keys.log") for d in (a, b)]
    report = diagnosed(captures, keys)
    judge.want(len(report["connections"]) == 2, "two connections", report)
    first, second = report["connections"]
    first["failures"], second["failures"] = second["failures"], first["failures"]
    rc, told, _ = prove(report, captures, keys)
    judge.want(rc == 1 and not [v for v in verdicts(told) if v["verdict"] == HOLDS], "%d %s" % (rc, verdicts(told)))


def counts():
    """A report that counts wrong, or keeps something to itself."""
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "none")
    capture, keys = [os.path.join(folder, "receiver.pcap")], [os.path.join(folder, "keys.log")]
    good = diagnosed(capture, keys)
    for d in ("client_to_server", "server_to_client"):
        for name in ("verified", "failed", "undecided", "plaintext"):
            report = copy.deepcopy(good)
            n = good["connections"][0]["records"][d][name]
            report["connections"][0]["records"][d][name] = n + 1
            rc, told, _ = prove(report, capture, keys)
            judge.want(rc == 1 and told["connections"][0]["counts"]["verdict"] == WRONG, "%s %s: exit %d" % (d, name, rc))
    report = copy.deepcopy(good)
    report["connections"] = []
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 1 and told["report"]["verdict"] == WRONG, "a connection left out: exit %d" % rc)
    for name in ("packets", "bytes"):
        report = copy.deepcopy(good)
        report["summary"][name] += 1
        judge.want(prove(report, capture, keys)[0] == 1, name)
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    capture, keys = [os.path.join(folder, "receiver.pcap")], [os.path.join(folder, "keys.log")]
    report = diagnosed(capture, keys)
    report["connections"][0]["failures"] *= 3
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 1 and told["connections"][0]["counts"]["verdict"] == WRONG, "a failure told thrice: exit %d" % rc)
    report["connections"][0]["failures"] = []
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 1 and told["connections"][0]["counts"]["verdict"] == WRONG, "a failure left out: exit %d" % rc)
    for c in (report["summary"]["records"], *report["connections"][0]["records"].values()):
        c["failed"], c["undecided"] = 0, c["undecided"] + c["failed"]
    report["summary"]["result"] = report["connections"][0]["result"] = "undecided"
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 3 and told["connections"][0]["counts"]["verdict"] == OPEN, "a failure called undecided: exit %d" % rc)
    report["connections"] = []
    report["summary"].update(seen_elsewhere=1, connections=0, result="verified", records=dict.fromkeys(
        ("verified", "failed", "undecided", "plaintext"), 0))
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 3 and told["report"]["verdict"] == OPEN, "everything left out, as if seen elsewhere: exit %d" % rc)


def left_out():
    """One of several failures is not told of, and all else is as it was."""
    folder = os.path.join(DATA, "damaged", "tls12-aes128gcm", "none")
    keys = [os.path.join(folder, "keys.log")]
    s = seal.Sealer(conversation(folder), keys[0])
    conv = s.conv.copy()
    for r, _ in s.opened[0][1:4]:
        body = bytearray(conv.items[r.item_index].data)
        body[len(body) // 2] ^= 4
        conv.items[r.item_index].data = bytes(body)
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "three.pcap")
        wire.write(path, [(conv, wire.segments(conv))])
        _, report, _ = judge.diagnose([path], keys)
        judge.want(len(judge.failures(report)) == 3, "three failures", report)
        judge.want(prove(report, [path], keys)[0] == 0, "all three hold", report)
        for i in range(3):
            lie = copy.deepcopy(report)
            del lie["connections"][0]["failures"][i]
            rc, told, _ = prove(lie, [path], keys)
            counts = told["connections"][0]["counts"]
            judge.want(rc == 1 and counts["step"] == "failures" and counts["verdict"] == WRONG, "%d: exit %d, %s" % (i, rc, counts))
            # Called undecided, it could be of a report that was made with less.
            lie["connections"][0]["records"]["client_to_server"].update(failed=2, undecided=1)
            lie["summary"]["records"].update(failed=2, undecided=1)
            rc, told, _ = prove(lie, [path], keys)
            judge.want(rc == 3, "%d, called undecided: exit %d, %s" % (i, rc, told["connections"][0]["counts"]))
        # And one too many.
        lie = copy.deepcopy(report)
        lie["connections"][0]["failures"].append(dict(lie["connections"][0]["failures"][0], stream_offset=0, proof=None))
        rc, told, _ = prove(lie, [path], keys)
        judge.want(rc == 1 and told["connections"][0]["counts"]["step"] == "failures", "made up: exit %d" % rc)


def every_leaf(folder, side):
    """Each leaf of a report is looked at, or is one of those that are said not to be."""
    capture, keys = [os.path.join(folder, side + ".pcap")], [os.path.join(folder, "keys.log")]
    report = diagnosed(capture, keys)
    judge.want(prove(report, capture, keys)[0] == 0, "it holds", report)
    c = report["connections"][0]

    def judged(some, shape, place):
        """Of (name, leaf altered) those that hold; what is no report at all is refused."""
        out = set()
        for i in range(0, len(some), 50):
            part = some[i:i + 50]
            while part:
                _, proof, err = prove(shape([x for _, x in part]), capture, keys)
                if proof is not None:
                    break
                part = [x for n, x in enumerate(part) if n != int(re.search(place + r"\[(\d+)\]", err).group(1))]
            told = verdicts(proof) if place == "failures" else proof["connections"]
            out |= {n for (n, _), v in zip(part, told) if (v["verdict"] == HOLDS if place == "failures" else all(
                x["verdict"] == HOLDS for x in (v["counts"], *v["failures"])))}
        return out

    def compare(checked, unchecked, shape, place):
        names = {n for n, _ in unchecked}
        there = judged(checked + unchecked, shape, place)
        judge.want(not there - names, "hold all the same: %s" % sorted(there - names))
        judge.want(not names - there, "are looked at, and are said not to be: %s" % sorted(names - there))

    for f in c["failures"]:
        compare(*leaves.altered(f, "failure"), lambda some: dict(report, connections=[dict(c, failures=some)]), "failures")
    bare = {k: v for k, v in c.items() if k != "failures"}
    compare(*leaves.altered(bare, "connection"), lambda some: dict(report, connections=[
        dict(x, failures=c["failures"]) for x in some]), "connections")
    held = [n for n, s in leaves.altered(report["summary"], "summary")[0] if prove(dict(report, summary=s), capture, keys)[0] == 0]
    judge.want(not held, "of the summary, hold all the same: %s" % held)


def named_unchecked():
    """What is not looked at stands in docs/PROVE.md."""
    with open(os.path.join(judge.ROOT, "docs", "PROVE.md"), encoding="utf-8") as f:
        page = f.read().split("### What is not checked")[1].split("## The JSON report")[0]
    names = {n.replace(".[]", "").split(".")[-1] for some in leaves.UNCHECKED.values() for n in some} - {"cause", "because"}
    names |= {n.split(".")[-1] for n in leaves.NO_CLAIM}
    judge.want(not [n for n in names if "`%s`" % n not in page], "not in docs/PROVE.md: %s" % sorted(
        n for n in names if "`%s`" % n not in page))


def no_complaint():
    """Everything verifies, nobody complained, and a report says that somebody did."""
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "none")
    capture, keys = [os.path.join(folder, "receiver.pcap")], [os.path.join(folder, "keys.log")]
    report = diagnosed(capture, keys)
    bad = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    f = judge.failures(diagnosed([os.path.join(bad, "receiver.pcap")], [os.path.join(bad, "keys.log")]))[0]
    for name in ("stream_offset", "length", "sequence_number"):
        f[name] = f["proof"]["altered"][name] = None
    del f["proof"]["altered"]["length"]
    f.update(cause="record-was-good", packets=[], damage=[], checksum={"as_captured": None, "as_sent": None})
    f["proof"].update(method="verified-as-captured", candidates=1, chance_log2=-float(f["proof"]["tag_bits"]))
    f["proof"]["altered"].update(inputs=[], packet=None, packet_offset=None)
    report["connections"][0]["failures"] = [f]
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 1 and verdicts(told)[0]["verdict"] == WRONG, "exit %d: %s" % (rc, verdicts(told)))


def one_octet():
    """What was sent is one octet, which stands in many a packet: of this capture, and of the other one."""
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    captures = [os.path.join(folder, side + ".pcap") for side in ("receiver", "sender")]
    keys = [os.path.join(folder, "keys.log")]
    report = diagnosed(captures[:1], keys)
    f = judge.failures(report)[0]
    for capture in captures:
        with open(capture, "rb") as file:
            data = file.read()
        at, n, where = 24, 1, -1
        while where < 0:
            size = int.from_bytes(data[at + 8:at + 12], "little")
            where = data[at + 16:at + 16 + size].find(bytes.fromhex(f["damage"][0]["sent"]))
            at, n = at + 16 + size, n + 1
        f["proof"].update(method="other-capture", candidates=1, chance_log2=-float(f["proof"]["tag_bits"]))
        f["proof"]["altered"].update(capture=capture, sent_packets=[n - 1], sent_packet_offset=where)
        rc, told, _ = prove(report, captures if capture != captures[0] else captures[:1], keys)
        judge.want(rc == 1 and verdicts(told)[0]["verdict"] == WRONG, "%s: exit %d: %s" % (capture, rc, verdicts(told)))


def ones_complement(octets):
    octets += bytes(len(octets) % 2)
    s = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return struct.pack("!H", ~s & 0xffff)


def with_foreign(source, octets, path):
    """A capture (Linux cooked, IPv4) with octets put into the first long segment to the server, as TCP would carry them."""
    with open(source, "rb") as f:
        data = f.read()
    out, at, start, cut = data[:24], 24, None, 100
    while at < len(data):
        size = int.from_bytes(data[at + 8:at + 12], "little")
        head, f, at = data[at:at + 8], bytearray(data[at + 16:at + 16 + size]), at + 16 + size
        ip = {1: 14, 113: 16, 276: 20}[int.from_bytes(data[20:24], "little")]
        tcp = ip + (f[ip] & 15) * 4
        f = f[:ip + int.from_bytes(f[ip + 2:ip + 4], "big")]
        body = tcp + (f[tcp + 12] >> 4) * 4
        ports, (seq, ack) = struct.unpack("!HH", f[tcp:tcp + 4]), struct.unpack("!II", f[tcp + 4:tcp + 12])
        if start is None and len(f) - body > 500 and ports[1] == 4433 and f[body] == 0x17:
            start, client = seq + cut, ports[0]
            f[body + cut:body + cut] = octets
        elif start is not None and ports[0] == client and (seq - start) % 2**32 < 2**31:
            f[tcp + 4:tcp + 8] = struct.pack("!I", (seq + len(octets)) % 2**32)
        elif start is not None and ports[1] == client and (ack - start) % 2**32 < 2**31:
            f[tcp + 8:tcp + 12] = struct.pack("!I", (ack + len(octets)) % 2**32)
        f[ip + 2:ip + 4] = struct.pack("!H", len(f) - ip)
        f[ip + 10:ip + 12], f[tcp + 16:tcp + 18] = bytes(2), bytes(2)
        f[ip + 10:ip + 12] = ones_complement(bytes(f[ip:tcp]))
        f[tcp + 16:tcp + 18] = ones_complement(bytes(f[ip + 12:ip + 20]) + struct.pack("!HH", 6, len(f) - tcp) + bytes(f[tcp:]))
        out += head + struct.pack("<II", len(f), len(f)) + bytes(f)
    with open(path, "wb") as f:
        f.write(out)


def foreign_octets():
    """Octets that are cut out: no record, if they begin none, and no text, if they are few."""
    folder = os.path.join(DATA, "damaged", "tls12-aes128gcm", "none")
    keys = [os.path.join(folder, "keys.log")]
    with tempfile.TemporaryDirectory() as where:
        for octets, may in ((b"ABC", {"bytes-inserted"}), (b"HTTP/1.1 400 Bad Request", {"bytes-inserted", "plaintext-injected"}),
                            (bytes.fromhex("1703030100") + bytes(range(128, 192)), {"bytes-inserted", "records-interleaved"})):
            path = os.path.join(where, "%d.pcap" % len(octets))
            with_foreign(os.path.join(folder, "receiver.pcap"), octets, path)
            report = diagnosed([path], keys)
            for cause in ("bytes-inserted", "plaintext-injected", "records-interleaved"):
                judge.failures(report)[0]["cause"] = cause
                _, told, _ = prove(report, [path], keys)
                judge.want((verdicts(told)[0]["verdict"] == HOLDS) == (cause in may), "%r as %s: %s" % (
                    octets, cause, verdicts(told)[0]))


def conversation(folder):
    """What both ends sent there, in the order of packets."""
    with open(os.path.join(folder, "receiver.pcap"), "rb") as f:
        halves = tlsoracle.flows(f.read(), {})[0].halves
    conv = wire.Conversation()
    for _, d, a, b in sorted((packet, d, a, b) for d in (0, 1) for a, b, packet in halves[d].owners):
        conv.feed(d, halves[d].data[a:b])
    conv.end()
    return conv


def rules():
    """(suite, what is otherwise, of all records) of records that are sealed by another rule"""
    for suite, hows in (
            ("tls12-cbc-sha256-mte", {"etm": True, "ten": True, "mac_key": True, "version": b"\3\1"}),
            ("tls12-cbc-sha256-etm", {"etm": False, "ten": True}), ("tls10-aes128cbc-sha", {"ten": True, "ssl3": True}),
            ("tls12-aes128gcm", {"length": 16, "aad": b"", "version": b"\3\1", "bare": True, "iv_of": True}),
            ("tls12-chacha20", {"aad": b"", "iv_of": True}),
            ("tls13-aes256gcm", {"aad": b"", "length": -16, "half": True, "version": b"\3\1"})):
        for name, value in hows.items():
            yield suite, name, value, True
            # The next record's IV would be gone with the MAC that stands behind.
            if suite != "tls10-aes128cbc-sha":
                yield suite, name, value, False


def rule(suite, name, value, every):
    """A record by another rule, of which the report tells; that holds, and no other rule does."""
    folder = os.path.join(DATA, "damaged", suite, "none")
    keys = [os.path.join(folder, "keys.log")]
    s = seal.Sealer(conversation(folder), keys[0])
    judge.want(seal.checked(s), "sealed by the rules it is another conversation")
    target = [r for r, _ in s.opened[0]][2]

    def how(d, r, content):
        number = [q.off for q in s.mine(d)].index(r.off).to_bytes(8, "big")
        if not every and (d, r.off) != (0, target.off):
            return None
        other = s.side[seal.other(d)]
        return {"ten": {"mac_len": 10}, "mac_key": {"mac_key": other.mac_key}, "iv_of": {"iv_of": other},
                "half": {"key": s.side[d].key[:16]},
                "bare": {"explicit": b"", "nonce": s.side[d].iv + number}}.get(name, {name: value})

    conv = s.seal_all(how)
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "rule.pcap")
        wire.write(path, [(conv, wire.segments(conv))])
        _, report, _ = judge.diagnose([path], keys, timeout=300)
        found = [f for f in judge.failures(report) if f["proof"] and f["proof"]["method"] == "rule-search"]
        judge.want(found and all(f["proof"]["altered"]["mac_rule"] for f in found), "found by its rule", report)
        rc, told, err = prove(report, [path], keys)
        judge.want(all(v["verdict"] == HOLDS for v in verdicts(told)) and rc == 0, "exit %d: %s" % (rc, verdicts(told)))
        c = next(c for c in report["connections"] if c["failures"])
        false = list(lying.about_rules(found[0]))
        c["failures"] = [g for _, g in false] + [dict(found[0], proof=dict(found[0]["proof"], altered=dict(
            found[0]["proof"]["altered"], mac_rule=None)))]
        rc, told, err = prove(report, [path], keys)
        judged = [v["verdict"] for v in verdicts(told)]
        held = [n for (n, _), v in zip(false, judged) if v == HOLDS]
        judge.want(not held and rc == 1, "exit %d; rules that hold too: %s" % (rc, held))
        judge.want(judged[-1] == OPEN, "a rule in words alone: %s" % judged[-1])
    with LOCK:
        LIES[0] += len(false)


def methods():
    """Every method that a report can name is in docs/PROVE.md: as one that can be made again, or as one that cannot."""
    with open(os.path.join(judge.ROOT, "docs", "OUTPUT.md"), encoding="utf-8") as f:
        row = next(l for l in f if l.startswith("| `method` |"))
    with open(os.path.join(judge.ROOT, "docs", "PROVE.md"), encoding="utf-8") as f:
        page = f.read().split("## What is not replayable")[1].split("## What it can say")[0]
    names = set(re.findall(r'`"([a-z0-9-]+)"`', row))
    judge.want(len(names) >= 19 and not [n for n in names if "`%s`" % n not in page], "not in docs/PROVE.md: %s" % sorted(
        n for n in names if "`%s`" % n not in page))


# Input from anybody ------------------------------------------------------------------------------------------------


def hostile():
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    capture, keys = [os.path.join(folder, "receiver.pcap")], [os.path.join(folder, "keys.log")]
    good = diagnosed(capture, keys)
    text = json.dumps(good).encode()
    cases = {"nothing": b"", "no JSON": b"PK\x03\x04", "null": b"null", "an array": b"[]", "cut": text[:len(text) // 2],
             "deep": b"[" * 100000, "deep objects": b'{"a":' * 50000, "long": b'{"schema": "' + b"a" * (100 << 20) + b'"}',
             "a NUL": text.replace(b"bits-flipped", b"bits\\u0000flipped", 1), "another schema": text.replace(
                 b"badmac.diagnosis.v1", b"badmac.diagnosis.v9"), "twice": text.replace(b'"id": 0', b'"id": 0, "id": 0', 1),
             "no UTF-8": text.replace(b"bits-flipped", b"bits\xff\xfe", 1)}
    for name in ("epoch", "sequence_number", "stream_offset", "length", "packets", "proof", "damage", "checksum", "direction"):
        for value in (-1, 1e300, 2**64, "x", [], {}, [[]], True, [1e5]):
            report = copy.deepcopy(good)
            report["connections"][0]["failures"][0][name] = value
            if not (value == [] and name in ("packets", "damage")):
                cases["%s %r" % (name, value)] = json.dumps(report).encode()
    for name in good["connections"][0]["failures"][0]["proof"]["altered"]:
        for value in (-1, 2**64, {"a": 1}, [None], "\x1b[31m"):
            report = copy.deepcopy(good)
            report["connections"][0]["failures"][0]["proof"]["altered"][name] = value
            if value != "\x1b[31m" or name not in ("sender", "receiver", "rule", "capture"):
                cases["altered %s %r" % (name, value)] = json.dumps(report).encode()
    for name, bad in cases.items():
        rc, told, err = prove(bad, capture, keys)
        judge.want(rc == 2 and told is None and err.startswith("badmac: "), "%s: exit %d, %r" % (name, rc, err))
        judge.want("\x1b" not in err, "%s: %r" % (name, err))
    # Of the right type, and far out: no proof.
    most = 2**53 - 1
    for where in ("stream_offset", "length", "sequence_number", "epoch"):
        report = copy.deepcopy(good)
        report["connections"][0]["failures"][0][where] = most
        rc, told, _ = prove(report, capture, keys)
        judge.want(rc in (1, 3) and verdicts(told)[0]["verdict"] != HOLDS, "%s: %d %s" % (where, rc, told))
    for where in ("record_offset", "packet", "packet_offset", "stream_offset"):
        report = copy.deepcopy(good)
        report["connections"][0]["failures"][0]["damage"][0][where] = most
        rc, told, _ = prove(report, capture, keys)
        judge.want(rc == 1 and verdicts(told)[0]["verdict"] == WRONG, "%s: %d %s" % (where, rc, told))
    report = copy.deepcopy(good)
    report["connections"][0]["failures"][0]["damage"][0]["sent"] = "00" * (1 << 20)
    rc, told, _ = prove(report, capture, keys)
    judge.want(rc == 1 and verdicts(told)[0]["verdict"] == WRONG, "a megabyte sent: %d" % rc)


def ways_in():
    folder = os.path.join(DATA, "damaged", "tls13-aes256gcm", "bitflip")
    capture, keys = os.path.join(folder, "receiver.pcap"), os.path.join(folder, "keys.log")
    good = json.dumps(diagnosed([capture], [keys]))
    html = "<!doctype html><title>x</title><script type=\"application/json\" id=\"diagnosis\">%s</script>" % good.replace(
        "<", "\\u003c")
    judge.want(prove(html.encode(), [capture], [keys])[0] == 0, "a report inside HTML")
    page = subprocess.run([BADMAC, "diagnose", "--format", "html", "-k", keys, capture], stdout=subprocess.PIPE).stdout
    judge.want(page[:1] == b"<" and prove(page, [capture], [keys])[0] == 0, "the HTML report")
    with tempfile.TemporaryDirectory() as d:
        path, out = os.path.join(d, "report"), os.path.join(d, "out")
        with open(path, "w") as f:
            f.write(good)
        with open(capture, "rb") as f:
            r = subprocess.run([BADMAC, "prove", "-k", keys, path, "-"], stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        judge.want(r.returncode == 0 and r.stdout.startswith(b"HOLDS: of 1 proof 1 holds"), "a capture on standard input: %s" % r)
        r = subprocess.run([BADMAC, "prove", "-v", "--color=always", "-k", keys, "-o", out, path, capture], stdout=subprocess.PIPE)
        with open(out, "rb") as f:
            text = f.read()
        judge.want(r.returncode == 0 and r.stdout == b"" and b"ok  chance" in text and b"\x1b[" in text, "steps: %s" % text)
        for argv, status in ((["-k", keys, "-o", capture, path, capture], 2), (["-o", path, path, capture], 2), ([path], 2),
                             ([], 2), (["-", "-"], 2), (["--format", "html", path, capture], 2), ([path + "x", capture], 2),
                             ([path, path], 2), (["-k", capture, path, capture], 2), (["--help"], 0)):
            r = subprocess.run([BADMAC, "prove", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            judge.want(r.returncode == status and (r.stderr != b"") == (status == 2), "%s: exit %d %s" % (argv, r.returncode, r.stderr))


# A second opinion -----------------------------------------------------------------------------------------------------


def oracle(folder, side):
    """The repair is put into the capture itself, and the oracle, which knows nothing of badmac, opens the record."""
    capture, keys = os.path.join(folder, side + ".pcap"), os.path.join(folder, "keys.log")
    f = judge.failures(diagnosed([capture], [keys]))[0]
    with open(capture, "rb") as file:
        data = bytearray(file.read())
    with open(keys) as file:
        text = file.read()

    def verified(d):
        """Records that the oracle opens, among those of the packets."""
        return sum(r.state == "verified" and bool(set(f["packets"]) & set(r.packets)) for c in tlsoracle.connections(
            bytes(d), tlsoracle.key_log(text)) for s in c.sides for r in s.records)

    before = verified(data)
    at, n = 24, 1
    starts = {}
    while at < len(data):
        starts[n] = at + 16
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
        n += 1
    for d in f["damage"]:
        judge.want(len(d["sent"]) == 2 * d["length"], "in place")
        where = starts[d["packet"]] + d["packet_offset"]
        judge.want(data[where:where + d["length"]].hex() == d["received"], "received stands there")
        data[where:where + d["length"]] = bytes.fromhex(d["sent"])
    after = verified(data)
    judge.want(after == before + 1, "%d records verified before, %d after" % (before, after))


def main():
    tap = judge.Tap()
    jobs = [(tap.case, "holds: " + os.path.relpath(folder, DATA), damaged, folder) for folder in folders()]
    with open(os.path.join(DATA, "expected.tsv")) as f:
        rows = [l.rstrip("\n").split("\t") for l in f if not l.startswith("#")]
    for capture, keys, *_ in rows:
        if keys != "-":
            jobs.append((tap.case, "counts: " + capture, clean, os.path.join(DATA, capture), [os.path.join(DATA, keys)]))
    for name in ("tls13-aes256gcm/bitflip", "tls12-cbc-sha256-etm/replay", "tls12-aes128gcm/drop", "tls10-rc4sha-gnutls/swap"):
        jobs.append((tap.case, "without keys: " + name, keyless, os.path.join(DATA, "damaged", name)))
    for name in ("tls13-aes256gcm/bitflip", "tls12-cbc-sha256-mte/bitflip"):
        jobs.append((tap.case, "two captures: " + name, both_places, os.path.join(DATA, "damaged", name)))
    for suite in ("tls13-aes256gcm", "tls12-aes128gcm", "tls12-chacha20", "tls12-cbc-sha256-etm", "tls12-cbc-sha256-mte",
                  "tls10-aes128cbc-sha", "tls10-rc4sha-gnutls"):
        for folder in sorted(glob.glob(os.path.join(DATA, "damaged", suite, "*"))):
            kind = os.path.basename(folder)
            if kind not in ("none", "s2c_bitflip", "comp2"):
                jobs.append((tap.case, "lies: %s/%s" % (suite, kind), lies, folder, "receiver"))
    jobs += [(tap.case, "every leaf: %s/%s" % name, every_leaf, os.path.join(DATA, "damaged", *name), "receiver") for name in (
        ("tls13-aes256gcm", "bitflip"), ("tls12-cbc-sha256-mte", "bitflip"), ("tls12-aes128gcm", "drop"), ("tls13-aes256gcm", "swap"),
        ("tls12-cbc-sha256-etm", "replay"), ("tls13-aes256gcm", "lenhdr"), ("tls13-aes256gcm", "inject_rec"))]
    jobs += [(tap.case, "rules: %s, %s, %s" % (suite, name, "all" if every else "one"), rule, suite, name, value, every)
             for suite, name, value, every in rules()]
    jobs += [(tap.case, "lies: record-was-good", lies, os.path.join(DATA, "damaged", "tls13-aes256gcm", "replay"), "sender"),
             (tap.case, "other captures and keys", other_captures), (tap.case, "redacted reports", redacted),
             (tap.case, "connections exchanged", swapped_connections),
             (tap.case, "a failure that is left out", left_out), (tap.case, "what is not checked is told of", named_unchecked),
             (tap.case, "a complaint that nobody made", no_complaint), (tap.case, "one octet of another capture", one_octet),
             (tap.case, "octets that are cut out", foreign_octets),
             (tap.case, "counts that are wrong", counts), (tap.case, "hostile reports", hostile),
             (tap.case, "ways in and out", ways_in), (tap.case, "methods are told of", methods)]
    for suite in ("tls13-aes256gcm", "tls12-aes128gcm", "tls12-chacha20", "tls12-cbc-sha256-etm", "tls12-cbc-sha256-mte",
                  "tls10-rc4sha-gnutls"):
        jobs.append((tap.case, "oracle: %s/bitflip" % suite, oracle, os.path.join(DATA, "damaged", suite, "bitflip"), "receiver"))
    judge.in_parallel(jobs)
    print("# %d lies told" % LIES[0])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
