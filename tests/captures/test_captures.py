#!/usr/bin/env python3
"""The captures of tests/data, clean and damaged, against what is known of them: expected.tsv for the clean ones,
truth.json for those damaged on purpose. Prints TAP."""
import json
import os
import struct
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "oracle")]
import judge  # noqa: E402
import tlsoracle  # noqa: E402

DATA = os.path.join(judge.ROOT, "tests", "data")


def clean(capture, keys, verified, exit_status):
    keys = [] if keys == "-" else [os.path.join(DATA, keys)]
    rc, report, err = judge.diagnose(os.path.join(DATA, capture), keys)
    judge.want(report is not None, "no report: " + err)
    judge.want_counts(report, verified, 0, None if exit_status else 0)
    bad = [f for f in judge.failures(report) if f["cause"] != "capture-incomplete"]
    judge.want(not bad, "failures", report)
    judge.want_exit(exit_status, rc, report, err)


def without_keys(capture):
    rc, report, err = judge.diagnose(os.path.join(DATA, capture))
    judge.want_exit(3, rc, report, err)
    judge.want_counts(report, None, 0, None)


# TLS 1.3 of several suites, with key updates and without.
MIDDLE = [("ssldump/tls1.3_aes256gcm.pcap", "ssldump/log.txt"), ("ssldump/tls1.3_keyupdates_aes256.pcap", "ssldump/log.txt"),
          ("illustrated-tls13/capture.pcap", "illustrated-tls13/keylog.txt")]


def frames(data):
    """Of a pcap in this machine's order."""
    off = 24
    while off < len(data):
        n = struct.unpack("<I", data[off + 8:off + 12])[0]
        yield data[off:off + 16 + n]
        off += 16 + n


def without_beginning(capture, keys):
    """However many packets are missing at the front: each record after them verifies."""
    with open(os.path.join(DATA, capture), "rb") as f:
        data = f.read()
    with open(os.path.join(DATA, keys)) as f:
        secrets = tlsoracle.key_log(f.read())
    records = [r for c in tlsoracle.connections(data, secrets) for side in c.sides for r in side.records]
    packets = list(frames(data))
    hellos = max(max(r.packets) for r in records if r.state == "plaintext")
    judge.want(any(r.state == "verified" for r in records), "the oracle opens it")
    for n in range(1, len(packets)):
        left = [r for r in records if r.state == "verified" and min(r.packets) > n]
        with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
            f.write(data[:24] + b"".join(packets[n:]))
            f.flush()
            rc, report, err = judge.diagnose(f.name, [os.path.join(DATA, keys)])
            judge.want(not judge.failures(report), "failures without %d packets" % n, report)
            if n < hellos and not left:
                continue
            judge.want_counts(report, len(left), 0, None)
            if left and n >= hellos:
                judge.want_exit(0, rc, report, err)
            # Others' keys open nothing, and say nothing against them.
            rc, report, err = judge.diagnose(f.name, [os.path.join(DATA, "keys", "openssl.keylog")])
            judge.want(not judge.failures(report), "failures with other keys", report)
            judge.want_counts(report, 0, 0, None)
            if left:
                judge.want_exit(3, rc, report, err)


def renegotiated():
    """The key log lacks what came of the renegotiation: its secret is asked for, and no other capture."""
    folder = os.path.join(DATA, "hotplace", "testcase", "tls", "tls12")
    rc, report, err = judge.diagnose(os.path.join(folder, "tls12renogotiation.pcapng"), [os.path.join(folder, "sslkeylog")])
    judge.want_exit(3, rc, report, err)
    c = report["connections"][0]
    judge.want("renegotiated" in c["undecided_because"], "said: " + c["undecided_because"])
    judge.want("this client random" in c["undecided_next"], "said: " + c["undecided_next"])
    judge.want(c["client_random"] in c["undecided_detail"], "said: " + c["undecided_detail"])


def sides(folder):
    """(sender's report, receiver's report) with exit statuses."""
    keys = [os.path.join(folder, "keys.log")]
    return [judge.diagnose(os.path.join(folder, side + ".pcap"), keys) for side in ("sender", "receiver")]


def alerts(report):
    return [a["description"] for c in report["connections"] for a in c["alerts"]]


def sender_side(result):
    """Nothing is wrong there; if the receiver complained, then of a record that was good when it was sent."""
    rc, report, err = result
    judge.want(report is not None, "no report: " + err)
    judge.want_counts(report, None, None)
    complained = "bad_record_mac" in alerts(report)
    judge.want_exit(1 if complained else 0, rc, report, err)
    causes = [f["cause"] for f in judge.failures(report)]
    judge.want(causes == (["record-was-good"] if complained else []), "causes %s" % causes, report)


def damaged(folder):
    with open(os.path.join(folder, "truth.json")) as f:
        truth = json.load(f)
    sender, receiver = sides(folder)
    if truth and truth["dir"] == "s2c":  # the files are named for the client's data
        sender, receiver = receiver, sender
    rc, report, err = receiver
    if not truth:
        for rc, report, err in (sender, receiver):
            judge.want_exit(0, rc, report, err)
            judge.want_counts(report, None)
        judge.want(sender[1]["summary"]["records"] == receiver[1]["summary"]["records"], "both sides alike", report)
        return
    sender_side(sender)
    judge.want_exit(1, rc, report, err)
    judge.want_counts(report, None, None)
    found = judge.failures(report)
    judge.want(len(found) == 1 or (truth["kind"] == "swap" and len(found) == 2), "%d failures" % len(found), report)
    f = found[0]
    judge.want(f["direction"] == {"c2s": "client_to_server", "s2c": "server_to_client"}[truth["dir"]], "direction", report)
    off = truth["rec_stream_off"]
    if truth["kind"] == "dup":
        off += 5 + truth["rec_len"]  # of the body
    if truth["kind"] != "replay":
        judge.want(f["stream_offset"] == off, "stream_offset %s, expected %d" % (f["stream_offset"], off), report)
    cause = {"dup": "record-replayed", "replay": "record-replayed", "droprec": "record-missing",
             "swap": "records-reordered"}.get(truth["kind"])
    if cause:
        judge.want(f["cause"] == cause, "cause %s, expected %s" % (f["cause"], cause), report)
    good = sender[1]["summary"]["records"]["verified"]
    # The receiver's alert is one record more or less; records behind the damage verify again.
    judge.want(report["summary"]["records"]["verified"] >= good - 4, "%d verified, %d at the sender" % (
        report["summary"]["records"]["verified"], good), report)


# What shows of each kind of damage without keys; else undecided.
KEYLESS = {"drop": "bytes-missing", "dup": "record-replayed", "replay": "record-replayed", "lenhdr": "header-damaged",
           "inject_raw": "plaintext-injected", "inject_rec": "plaintext-injected"}


def damaged_without_keys(folder):
    with open(os.path.join(folder, "truth.json")) as f:
        truth = json.load(f)
    sender, receiver = [judge.diagnose(os.path.join(folder, side + ".pcap")) for side in ("sender", "receiver")]
    if truth.get("dir") == "s2c":
        sender, receiver = receiver, sender
    cause = KEYLESS.get(truth.get("kind"))
    if truth.get("kind") == "swap" and "aes128gcm" in folder:  # its nonces count
        cause = "records-reordered"
    for (rc, report, err), want_cause in ((sender, None), (receiver, cause)):
        found = judge.failures(report)
        judge.want_exit(1 if want_cause else 3, rc, report, err)
        judge.want([f["cause"] for f in found] == ([want_cause] if want_cause else []), "causes, expected %s" % want_cause,
                   report)
        if not want_cause:
            judge.want_counts(report, None, 0, None)
            continue
        f = found[0]
        off = truth["rec_stream_off"]
        if truth["kind"] in ("dup", "replay"):
            off += 5 + truth["rec_len"]
        judge.want((f["stream_offset"], f["confidence"], f["sequence_number"]) == (off, "supported", None),
                   "at %s, %s" % (f["stream_offset"], f["confidence"]), report)
        judge.want_counts(report, None, 1, None)
    if truth.get("kind") == "droprec" and "aes128gcm" in folder:
        judge.want("explicit nonces" in receiver[1]["connections"][0]["undecided_detail"], "no word on nonces", receiver[1])


def on_the_wire(folder):
    kind = os.path.basename(folder)
    sender, receiver = sides(folder)
    rc, report, err = receiver
    if kind == "flip1":  # its checksum was wrong: TCP dropped it and sent it again
        for rc, report, err in (sender, receiver):
            judge.want_exit(0, rc, report, err)
            judge.want_counts(report, None)
        return
    sender_side(sender)
    judge.want_exit(1, rc, report, err)
    judge.want(len(judge.failures(report)) == 1, "one failure", report)
    judge.want_counts(report, None, None)


def all_together(folders):
    """Read in one go, each connection is told of as by itself: the same box did it to all of them, with the same octets."""
    def told(captures, keys):
        _, report, _ = judge.diagnose(captures, keys, timeout=300)
        return {c["client_random"]: [(f["cause"], f["confidence"], f["sequence_number"], f["stream_offset"], [
            (d["record_offset"], d["received"], d["sent"]) for d in f["damage"]]) for f in c["failures"]]
                for c in report["connections"]}
    captures, keys = ([os.path.join(f, n) for f in folders] for n in ("receiver.pcap", "keys.log"))
    alone = {}
    for c, k in zip(captures, keys):
        alone.update(told([c], [k]))
    at_once = told(captures, keys)
    judge.want(len(alone) >= len(folders) and at_once.keys() == alone.keys(), "%d connections, %d" % (len(alone), len(at_once)))
    for name in alone:
        judge.want(at_once[name] == alone[name], "%s: %s, and alone %s" % (name, at_once[name], alone[name]))


def main():
    tap = judge.Tap()
    with open(os.path.join(DATA, "expected.tsv")) as f:
        rows = [l.rstrip("\n").split("\t") for l in f if not l.startswith("#")]
    for capture, keys, verified, status, note in rows:
        tap.case(capture + (" (%s)" % note if note else ""), clean, capture, keys, int(verified), int(status))
        if keys != "-" and int(verified):
            tap.case(capture + ", no keys", without_keys, capture)
    tap.case("renegotiation without its secret", renegotiated)
    for capture, keys in MIDDLE:
        tap.case(capture + ", without its beginning", without_beginning, capture, keys)
    for folder, _, files in sorted(os.walk(os.path.join(DATA, "damaged"))):
        name = os.path.relpath(folder, DATA)
        if "on-the-wire" in name and "keys.log" in files:
            tap.case(name, on_the_wire, folder)
        elif "truth.json" in files:
            tap.case(name, damaged, folder)
            tap.case(name + ", no keys", damaged_without_keys, folder)
    tap.case("all damaged captures at once", all_together, sorted(
        folder for folder, _, files in os.walk(os.path.join(DATA, "damaged")) if {"receiver.pcap", "keys.log"} <= set(files)))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
