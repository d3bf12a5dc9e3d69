#!/usr/bin/env python3
"""badmac carve: what is cut out is what was captured, says what the report says, and opens in tshark; repaired, tshark decrypts all
of it. Reports that lie end with a message. Prints TAP."""
import gzip
import json
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
for folder in ("tests/live", "tests/carve"):
    sys.path.insert(0, os.path.join(ROOT, folder))
import frames  # noqa: E402
import judge  # noqa: E402

BADMAC = judge.find_badmac()
DATA = os.path.join(ROOT, "tests", "data", "damaged")
WRITTEN, TROUBLE, PARTLY = 0, 2, 3


def want(condition, said):
    if not condition:
        raise judge.Mismatch(str(said)[:1500])


def run(*args, stdin=None):
    r = subprocess.run([BADMAC, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    want(r.returncode in (0, 1, 2, 3), (args, r.returncode, r.stderr[-1200:]))
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "backslashreplace")


def diagnose(*args):
    rc, out, err = run("diagnose", "-q", "--effort", "quick", "--format", "json", *args)
    want(rc != TROUBLE, (args, err))
    return json.loads(out)


def causes(report):
    return [f["cause"] for c in report["connections"] for f in c["failures"]]


def tshark(capture, *fields, only=None):
    """Rows of fields, with every checksum checked."""
    argv = ["tshark", "-r", capture, "-T", "fields", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
            "-o", "udp.check_checksum:TRUE",
            "-E", "separator=|"]
    argv += ["-Y", only] if only else []
    for f in fields:
        argv += ["-e", f]
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    said = [l for l in r.stderr.decode().splitlines() if "Running as user" not in l and l.strip()]
    want(r.returncode == 0 and not said, (capture, r.returncode, said))
    return [l.split("|") for l in r.stdout.decode("utf-8", "replace").splitlines()]


def tally(report, what):
    return sum(r[what] for c in report["connections"] for r in c["records"].values())


class Carve:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-carve.")
        self.serial = 0
        self.reports = {}

    def path(self, name="x"):
        self.serial += 1
        return os.path.join(self.dir.name, "%d-%s" % (self.serial, name))

    def save(self, report):
        path = self.path("report.json")
        with open(path, "w", encoding="ascii") as f:
            json.dump(report, f)
        return path

    def case(self, name):
        """(capture, keys, report, its file) of recorded damage, diagnosed once."""
        d = os.path.join(DATA, name)
        if name not in self.reports:
            report = diagnose("-k", d + "/keys.log", d + "/receiver.pcap")
            self.reports[name] = report, self.save(report)
        return (d + "/receiver.pcap", d + "/keys.log") + self.reports[name]

    def carve(self, *args, expect=WRITTEN, out=None):
        out = out or self.path("case.pcapng")
        rc, said, err = run("carve", "-o", out, *args)
        want(rc == expect and said == b"", (args, rc, said[:100], err))
        want((err == "") == (rc == WRITTEN), (args, rc, err))
        return out, err

    # As captured --------------------------------------------------------------------------------

    def one_as_captured(self, name):
        capture, keys, report, file = self.case(name)
        out, _ = self.carve("-k", keys, file, capture)
        was, (got, _, secrets, about) = frames.read_pcap(capture), frames.read_pcapng(out)
        want([(f.ns, f.data, f.wire) for f in was] == [(f.ns, f.data, f.wire) for f in got], name)
        again = diagnose(out)
        old, new = report["connections"][0], again["connections"][0]
        want(old["failures"] == [dict(f, evidence=o["evidence"], ruled_out=o["ruled_out"])
                                 for f, o in zip(new["failures"], old["failures"])], (name, causes(again)))
        want(new["keys"] == "secrets block" and old["records"] == new["records"], name)
        want(len(secrets) == 1 and all(l.split()[1] == old["client_random"] for l in secrets[0].splitlines()), secrets)
        want(len(about) == 1 and old["failures"][0]["summary"] in about[0] and old["client"] in about[0], about)
        self.comments_fit(report, out)

    def comments_fit(self, report, out):
        shown = dict(tshark(out, "frame.number", "frame.comment", only="frame.comment"))
        for c in report["connections"]:
            for f in c["failures"]:
                where = {str(d["packet"]) for d in f["damage"]} or {str(p) for p in f["packets"][:1]}
                want(all(f["cause"] in shown.get(w, "") and f["summary"] in shown[w] for w in where), (where, shown))
                for d in f["damage"]:
                    text = shown[str(d["packet"])]
                    want("byte %d of this frame" % d["packet_offset"] in text, (d, text))
                    want(d["received"][:32] in text and (d["sent"] or "")[:32] in text, (d, text))
            alerts = {str(a["packet"]) for a in c["alerts"] if a["level"] == "fatal"}
            want(all("reports " in shown.get(a, "") for a in alerts), (alerts, shown))
            places = {str(d["packet"]) for f in c["failures"] for d in f["damage"]}
            places |= {str(f["packets"][0]) for f in c["failures"] if not f["damage"] and f["packets"]}
            want(set(shown) == alerts | places, (sorted(shown), alerts, places))

    def test_as_captured(self):
        names = ["tls12-aes128gcm/bitflip", "tls13-aes256gcm/wordswap", "tls10-aes128cbc-sha/replay",
                 "tls12-cbc-sha256-mte/drop", "tls10-rc4sha-gnutls/inject_raw", "tls12-chacha20/drop"]
        judge.in_parallel([(self.one_as_captured, n) for n in names])

    def test_only_what_failed(self):
        """Out of five connections and other traffic; each by itself too."""
        names = ["tls12-aes128gcm/bitflip", "tls13-aes256gcm/replay", "tls12-chacha20/none", "tls13-aes256gcm/none",
                 "tls12-cbc-sha256-etm/swap"]
        base, mixed, keys = 10**18, [], []
        for k, n in enumerate(names):
            fs = frames.read_pcap(os.path.join(DATA, n, "receiver.pcap"))
            mixed += [(base + (f.ns - fs[0].ns) + k * 1000, k, f.data) for f in fs]
            keys += ["-k", os.path.join(DATA, n, "keys.log")]
        noise = b"\xff" * 12 + b"\x08\x06" + bytes(46)
        mixed += [(base + i * 10**6, 9, noise) for i in range(50)]
        mixed.sort(key=lambda x: x[:2])
        capture = frames.write_pcap(self.path("mixed.pcap"), [frames.Frame(ns, d) for ns, k, d in mixed])
        report = diagnose(*keys, capture)
        want(sorted(causes(report)) == ["bits-flipped", "record-replayed", "records-reordered"], causes(report))
        file = self.save(report)
        out, _ = self.carve(*keys, file, capture)
        got = frames.read_pcapng(out)
        want([(f.ns, f.data) for f in got[0]] == [(ns, d) for ns, k, d in mixed if k in (0, 1, 4)], "packets")
        randoms = {c["client_random"] for c in report["connections"] if c["failures"]}
        want({l.split()[1] for l in got[2][0].splitlines()} == randoms, got[2])
        want(sorted(causes(diagnose(out))) == sorted(causes(report)), "causes")
        # As they were sent, in one file: what is taken out of one moves no numbers of another.
        out, _ = self.carve("--repaired", *keys, file, capture)
        again = diagnose(out)
        want(causes(again) == [] and len(again["connections"]) == 3, causes(again))
        want(all(sum(a["stale"] for a in c["alerts"]) == 1 for c in again["connections"]), [c["alerts"] for c in again["connections"]])
        want(judge.tshark_verified(out, []) == tally(again, "verified") and tally(again, "undecided") == 0, again["summary"])
        want({r[0] for r in tshark(out, "tcp.checksum.status")} == {"1"}, "sums")
        for c in report["connections"]:
            if causes({"connections": [c]}) != ["record-replayed"]:
                continue
            for words in (["--connection", str(c["id"])], ["--failure", "%d:0" % c["id"]]):
                one, _ = self.carve(*words, *keys, file, capture)
                got = frames.read_pcapng(one)[0]
                want([(f.ns, f.data) for f in got] == [(ns, d) for ns, k, d in mixed if k == 1], words)
                shown = [f.comments for f in got if f.comments]
                want(any("record-replayed" in t for s in shown for t in s), shown)

    # As it was sent -----------------------------------------------------------------------------

    def one_repaired(self, name, gain, capture=None, keys=None, length=None):
        """gain: records that tshark verifies more than badmac did before."""
        if capture is None:
            capture, keys, report, file = self.case(name)
        else:
            report = diagnose(capture)
            file = self.save(report)
        words = ["-k", keys] if keys else []
        as_is, _ = self.carve(*words, file, capture)
        out, _ = self.carve("--repaired", *words, file, capture)
        again = diagnose(out)
        want(causes(again) == [], (name, causes(report), causes(again)))
        want(tally(again, "failed") == 0 and tally(again, "undecided") == 0, (name, again["connections"][0]["records"]))
        seen = judge.tshark_verified(out, [])
        want(seen == tally(again, "verified") and seen == tally(report, "verified") + gain, (name, seen, again["summary"]))
        odd = "tcp.analysis.lost_segment || tcp.analysis.retransmission || tcp.analysis.ack_lost_segment"
        count = [len(tshark(x, "frame.number", only=odd)) for x in (as_is, out)]
        want(count[1] <= count[0], (name, count))
        sums = tshark(out, "tcp.checksum.status", "ip.checksum.status")
        want(all(r == ["1", "1"] for r in sums), (name, sums))
        self.others_differ_in_numbers_alone(name, as_is, out)

    def others_differ_in_numbers_alone(self, name, as_is, out):
        """Packets without a comment on a repair carry the same payload at the same time."""
        def carried(f):
            start, end = frames.payload(f.data)
            return f.ns, f.data[start:end], f.wire - len(f.data)
        was = {f.ns: carried(f) for f in frames.read_pcapng(as_is)[0]}
        changed = 0
        for f in frames.read_pcapng(out)[0]:
            repaired = any("repaired (" in t for t in f.comments)
            changed += repaired
            want(repaired or carried(f) == was[f.ns], (name, f.ns))
            want(frames.tcp_sum_is_right(f.data), (name, f.ns))
        taken = len(was) - len(frames.read_pcapng(out)[0])
        want(changed + taken >= 1, name)

    def test_repaired(self):
        cases = [("tls12-aes128gcm/bitflip", 1), ("tls12-aes128gcm/drop", 1), ("tls13-aes256gcm/drop", 1),
                 ("tls13-aes256gcm/lenhdr", None), ("tls10-aes128cbc-sha/dup", None), ("tls12-cbc-sha256-etm/swap", None),
                 ("tls13-aes256gcm/inject_raw", None), ("tls12-aes128gcm/inject_rec", None),
                 ("tls10-rc4sha-gnutls/wordswap", None), ("tls12-cbc-sha256-mte/comp2", 1)]
        judge.in_parallel([(self.one_repaired_any, n, g) for n, g in cases])

    def one_repaired_any(self, name, gain):
        # What follows a record that was not understood may verify now as well, so that the gain is not one alone.
        if gain is None:
            _, keys, report, file = self.case(name)
            out, _ = self.carve("--repaired", "-k", keys, file, os.path.join(DATA, name, "receiver.pcap"))
            gain = tally(diagnose(out), "verified") - tally(report, "verified")
            want(gain >= 0, (name, gain))
        self.one_repaired(name, gain)

    def test_faults_of_the_lab(self):
        faults = [("1.2", "retransmission-differs"), ("1.3", "bytes-inserted:how=within"), ("1.2", "records-interleaved:how=threads"),
                  ("1.3", "reflected-record:how=inserted"), ("1.2", "records-reordered:how=unlocked-send"),
                  ("1.3", "bytes-missing"), ("1.2", "tag-damaged"), ("1.3", "plaintext-injected:how=within")]

        def one(version, fault):
            d = self.path("lab")
            rc, _, err = run("lab", "run", "--tls", version, "-o", d, fault)
            want(rc == 0, (fault, err))
            capture = d + "/receiver.pcapng"
            report = diagnose(capture)
            want(causes(report) == [fault.split(":")[0]], (fault, causes(report)))
            file = self.save(report)
            as_is, _ = self.carve(file, capture)
            want(causes(diagnose(as_is)) == causes(report), fault)
            out, _ = self.carve("--repaired", file, capture)
            again = diagnose(out)
            want(causes(again) == [] and tally(again, "failed") == 0, (fault, causes(again)))
            want(judge.tshark_verified(out, []) == tally(again, "verified"), fault)
            odd = "tcp.analysis.lost_segment || tcp.analysis.retransmission || tcp.checksum.status == 0"
            want(len(tshark(out, "frame.number", only=odd)) <= len(tshark(as_is, "frame.number", only=odd)), fault)
        judge.in_parallel([(one, *f) for f in faults])

    def one_copy_behind(self, name, damage, found):
        """Of a record that comes damaged, and whole right behind, the damaged one goes: it was sent once."""
        d = os.path.join(DATA, name)
        all_of_it = frames.read_pcap(d + "/receiver.pcap")
        client = frames.numbers(all_of_it[0].data)[0]
        sent = [k for k, f in enumerate(all_of_it) if frames.numbers(f.data)[0] == client
                and frames.payload(f.data)[1] - frames.payload(f.data)[0] > 300 and f.data[frames.payload(f.data)[0]] == 23]
        k = sent[4]
        start, end = frames.payload(all_of_it[k].data)
        good = all_of_it[k].data[start:end]
        want(len(good) == 5 + int.from_bytes(good[3:5], "big"), (name, "one record a segment"))
        bad = damage(bytearray(good))
        whole = diagnose("-k", d + "/keys.log", d + "/receiver.pcap")
        for payloads in ([bad + good], [bad, good]):
            path = frames.write_pcap(self.path("twice.pcap"), frames.with_more(all_of_it, k, [bytes(p) for p in payloads]))
            report = diagnose("-k", d + "/keys.log", path)
            want(causes(report) == [found], (name, causes(report)))
            out, _ = self.carve("--repaired", "-k", d + "/keys.log", self.save(report), path)
            again = diagnose(out)
            want(causes(again) == [] and tally(again, "verified") == tally(whole, "verified"), (name, causes(again)))
            got, _, _, about = frames.read_pcapng(out)
            parts = [f.data[slice(*frames.payload(f.data))] for f in got if frames.numbers(f.data)[0] == client]
            want(b"".join(parts).count(good) == 1 and all(frames.tcp_sum_is_right(f.data) for f in got), name)
            want(found == "bytes-inserted" or "so the damaged one is taken out" in about[0], about)
            want(tshark(out, "frame.number", only="tcp.analysis.lost_segment || tcp.analysis.retransmission") == [], name)
            want(judge.tshark_verified(out, []) == tally(again, "verified"), name)
        # A copy that is no copy stays: the damage is put right, and both are there.
        near = bytearray(good)
        near[-1] ^= 1
        path = frames.write_pcap(self.path("near.pcap"), frames.with_more(all_of_it, k, [bytes(bad), bytes(near)]))
        report = diagnose("-k", d + "/keys.log", path)
        if causes(report)[:1] != [found] or found == "bytes-inserted":
            return
        rc, _, _ = run("carve", "--repaired", "-k", d + "/keys.log", "-o", path + "ng", self.save(report), path)
        parts = [f.data[slice(*frames.payload(f.data))] for f in frames.read_pcapng(path + "ng")[0]]
        want(rc in (WRITTEN, PARTLY) and parts.count(good) == 1, (name, rc))

    def test_good_copy_behind(self):
        def flip(octets):
            octets[100] ^= 0x10
            return octets

        def mask(octets):
            octets[100:104] = bytes(x ^ 0x3b for x in octets[100:104])
            return octets

        def tag(octets):
            octets[-3] ^= 4
            return octets

        def noise(octets):
            for i in range(60, 260, 7):
                octets[i] ^= i % 255 + 1
            return octets
        cases = [("tls12-aes128gcm/none", flip, "bits-flipped"), ("tls12-aes128gcm/none", mask, "bytes-damaged"),
                 ("tls13-aes256gcm/none", tag, "tag-damaged"), ("tls10-aes128cbc-sha/none", flip, "bits-flipped"),
                 ("tls10-rc4sha-gnutls/none", flip, "bits-flipped"), ("tls12-chacha20/none", noise, "bytes-damaged")]
        judge.in_parallel([(self.one_copy_behind, *c) for c in cases])

    def told(self, *args):
        """(exit status, report, what is said of it) of a diagnosis."""
        rc, out, err = run("diagnose", "--effort", "quick", "--format", "json", *args)
        return rc, json.loads(out), err

    def test_stale_alerts(self):
        """The alert that a repair has answered blames nobody; every other one, and every record that fails, is told of as before."""
        capture, keys, report, file = self.case("tls12-aes128gcm/bitflip")
        as_is, _ = self.carve("-k", keys, file, capture)
        out, _ = self.carve("--repaired", "-k", keys, file, capture)
        other, more, second, _ = self.case("tls13-aes256gcm/bitflip")
        merged, edited = self.path("merged.pcapng"), self.path("edited.pcapng")
        subprocess.run(["mergecap", "-w", merged, out, other], check=True)
        subprocess.run(["editcap", out, edited], check=True)
        for jobs in ("1", "8"):
            for path, found in ((out, []), (edited, []), (merged, causes(second))):
                rc, again, err = self.told("-j", jobs, "-k", keys, "-k", more, path)
                want(rc == (1 if found else 0) and causes(again) == found, (path, rc, causes(again)))
                stale = [a["description"] for c in again["connections"] for a in c["alerts"] if a["stale"]]
                want(stale == ["bad_record_mac"] and "was repaired by badmac carve" in err, (stale, err))
                want(any("was repaired by badmac carve" in n for n in again["summary"]["notices"]), again["summary"])
        rc, text, _ = run("diagnose", out)
        want(rc == 0 and b"about a record that was repaired since" in b" ".join(text.split()), text)
        with open(out, "rb") as f:
            rc, text, err = run("diagnose", "--format", "json", "-", stdin=f.read())
        want(rc == 0 and causes(json.loads(text)) == [] and "was repaired" in err, (rc, err))
        # Cut out once more it stays so, and without keys nobody is blamed either.
        again = diagnose(out)
        once_more, _ = self.carve("--connection", "0", self.save(again), out)
        rc, again, err = self.told(once_more)
        want(rc == 0 and causes(again) == [] and "that badmac carve repaired" in err, (rc, err))
        bare, _ = self.carve("--no-secrets", "--repaired", "-k", keys, file, capture)
        rc, again, err = self.told(bare)
        want(rc == 3 and causes(again) == [] and "was repaired" in err, (rc, err))
        # The same words where nothing was repaired: what does not verify fails, and no alert is called answered.
        alert = report["connections"][0]["alerts"][-1]["packet"]
        forged = self.path("forged.pcapng")
        subprocess.run(["editcap", "--capture-comment", "badmac carve --repaired: x", "-a", "%d:badmac: stale alert: x" % alert,
                        as_is, forged], check=True)
        rc, again, _ = self.told(forged)
        want(rc == 1 and causes(again) == causes(report) and not again["connections"][0]["alerts"][-1]["stale"], (rc, causes(again)))
        want(tally(again, "failed") == tally(report, "failed"), again["summary"])
        # Other words, or these elsewhere than at the alert, mean nothing; nor does a section's comment by itself.
        plain = self.path("plain.pcap")
        subprocess.run(["editcap", "-F", "pcap", out, plain], check=True)
        for comment, packet in (("badmac: stale: x", alert), ("x badmac: stale alert: x", alert), ("badmac: stale alert: x", alert - 1),
                                ("badmac: stale", alert)):
            subprocess.run(["editcap", "-F", "pcapng", "--capture-comment", "badmac carve --repaired: x", "-a", "%d:%s" % (packet, comment),
                            plain, forged], check=True)
            rc, again, err = self.told("-k", keys, forged)
            want(rc == 1 and causes(again) == ["record-was-good"] and "was repaired" in err, (comment, packet, rc, causes(again)))
        rc, good, err = self.told("-k", keys, plain)
        want(rc == 1 and causes(good) == ["record-was-good"] and "repaired" not in err, (rc, err))
        # A complaint about what was good to begin with stays one.
        out, _ = self.carve("--repaired", "-k", keys, self.save(good), plain)
        rc, again, _ = self.told(out)
        want(rc == 1 and causes(again) == ["record-was-good"] and not again["connections"][0]["alerts"][-1]["stale"], (rc, causes(again)))

    def test_not_repaired(self):
        """What cannot be is said, and the file is written all the same."""
        for name, why in (("tls12-cbc-sha256-mte/drop", "what was sent is not known"),
                          ("tls12-aes128gcm/droprec", "the record that is missing is not in the capture")):
            capture, keys, report, file = self.case(name)
            out, err = self.carve("--repaired", "-k", keys, file, capture, expect=PARTLY)
            want(why in err and "still fails (%s)" % causes(report)[0] in err, err)
            got = frames.read_pcapng(out)
            want([f.data for f in got[0]] == [f.data for f in frames.read_pcap(capture)], name)
            want(any("not repaired: " + why in t for f in got[0] for t in f.comments), name)
            want("Not repaired." in got[3][0], got[3])
            rc, _, err = run("carve", "-q", "--repaired", "-k", keys, "-o", out, file, capture)
            want((rc, err) == (PARTLY, ""), (rc, err))

    # Captures of other shapes -------------------------------------------------------------------

    def test_pieces(self):
        """Three pieces in three formats, named in any order; numbers of packets run on."""
        capture, keys, report, _ = self.case("tls12-aes128gcm/comp2")
        all_of_it = frames.read_pcap(capture)
        a, b = len(all_of_it) // 3, 2 * len(all_of_it) // 3
        one = frames.write_pcap(self.path("a.pcap"), all_of_it[:a], nano=False)
        two = frames.write_pcap(self.path("b.pcap"), all_of_it[a:b])
        three = frames.write_pcap(self.path("c.pcap"), all_of_it[b:])
        subprocess.run(["zstd", "-q", "--rm", three], check=True)
        with open(two, "rb") as f, gzip.open(two + ".gz", "wb") as g:
            shutil.copyfileobj(f, g)
        subprocess.run(["editcap", "-F", "pcapng", one, one + "ng"], check=True, stdout=subprocess.DEVNULL)
        pieces = [three + ".zst", one + "ng", two + ".gz"]
        new = diagnose("-k", keys, *pieces)
        want(causes(new) == causes(report) and new["connections"][0]["capture"] == pieces[1], new["connections"][0]["capture"])
        want([d["packet"] for d in new["connections"][0]["failures"][0]["damage"]] ==
             [d["packet"] for d in report["connections"][0]["failures"][0]["damage"]], "numbers")
        out, _ = self.carve("-k", keys, self.save(new), *pieces)
        got, interfaces, _, _ = frames.read_pcapng(out)
        want([(f.ns, f.data) for f in got] == [(f.ns, f.data) for f in all_of_it], "frames")
        want([i[2].get(9, b"\6") for i in interfaces] == [b"\6", b"\x09"], interfaces)
        self.comments_fit(new, out)
        # The same from a pipe, and with the report of a folder that is no more.
        moved = json.loads(json.dumps(report))
        moved["connections"][0]["capture"] = "/nowhere/receiver.pcap"
        out = self.path("piped.pcapng")
        with open(capture, "rb") as f:
            rc, _, err = run("carve", "-k", keys, "-o", out, self.save(moved), "-", stdin=f.read())
        want(rc == WRITTEN and [f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in all_of_it], err)

    def test_interfaces(self):
        """Two link types in one file, and what the interfaces are called."""
        first, keys, _, _ = self.case("tls12-aes128gcm/bitflip")
        second, more, _, _ = self.case("tls13-aes256gcm/drop")
        ethernet = frames.read_pcap(first)
        shift = 20 + (ethernet[0].ns - frames.read_pcap(second)[0].ns) // 10**9
        raw = [frames.as_raw_ip(f) for f in frames.later(frames.read_pcap(second), shift)]
        both = self.path("both.pcapng")
        subprocess.run(["mergecap", "-w", both, frames.write_pcap(self.path("e.pcap"), ethernet),
                        frames.write_pcap(self.path("r.pcap"), raw)], check=True)
        report = diagnose("-k", keys, "-k", more, both)
        want(sorted(causes(report)) == ["bits-flipped", "bytes-missing"], causes(report))
        out, _ = self.carve("-k", keys, "-k", more, self.save(report), both)
        got, interfaces, _, _ = frames.read_pcapng(out)
        want([(f.ns, f.data, f.link) for f in got] == [(f.ns, f.data, f.link) for f in ethernet + raw], "frames")
        want([i[0] for i in interfaces] == [1, 101], interfaces)
        out, _ = self.carve("--repaired", "-k", keys, "-k", more, self.save(report), both)
        want(causes(diagnose(out)) == [], causes(diagnose(out)))
        want({r[0] for r in tshark(out, "tcp.checksum.status")} == {"1"}, "sums")
        named = os.path.join(ROOT, "tests", "data", "hotplace", "two-interfaces.pcapng")
        whole = diagnose(named)
        words = [w for c in whole["connections"][:1] for w in ("--connection", str(c["id"]))]
        want(words, "the capture has no connection")
        out, _ = self.carve_noisy(*words, self.save(whole), named)
        theirs = [tuple(r) for r in tshark(named, "frame.time_epoch", "frame.interface_name", "frame.interface_description")]
        ours = [tuple(r) for r in tshark(out, "frame.time_epoch", "frame.interface_name", "frame.interface_description")]
        want(ours and set(ours) <= set(theirs), (ours[:3], theirs[:3]))

    def carve_noisy(self, *args):
        """Where a message about secrets is no surprise."""
        out = self.path("case.pcapng")
        rc, _, err = run("carve", "-o", out, *args)
        want(rc == WRITTEN, (rc, err))
        return out, err

    def test_fragments(self):
        capture, keys, report, _ = self.case("tls12-aes128gcm/bitflip")
        packet = report["connections"][0]["failures"][0]["damage"][0]["packet"]
        whole = frames.read_pcap(capture)
        cut = whole[:packet - 1] + frames.fragmented(whole[packet - 1], 96) + whole[packet:]
        path = frames.write_pcap(self.path("fragments.pcap"), cut)
        new = diagnose("-k", keys, path)
        want(causes(new) == ["bits-flipped"], causes(new))
        out, _ = self.carve("-k", keys, self.save(new), path)
        want([(f.ns, f.data) for f in frames.read_pcapng(out)[0]] == [(f.ns, f.data) for f in cut], "frames")
        self.comments_fit(new, out)
        out, _ = self.carve("--repaired", "-k", keys, self.save(new), path)
        want({r[0] for r in tshark(out, "tcp.checksum.status", only="tcp.checksum.status")} == {"1"}, "sums")
        want(judge.tshark_verified(out, []) == tally(new, "verified") + 1, "decrypted")
        # No longer and no shorter: fragments would have to be cut anew.
        capture, keys, report, _ = self.case("tls12-aes128gcm/drop")
        packet = report["connections"][0]["failures"][0]["damage"][0]["packet"]
        whole = frames.read_pcap(capture)
        cut = whole[:packet - 1] + frames.fragmented(whole[packet - 1], 96) + whole[packet:]
        path = frames.write_pcap(self.path("fragments.pcap"), cut)
        new = diagnose("-k", keys, path)
        out, err = self.carve("--repaired", "-k", keys, self.save(new), path, expect=PARTLY)
        want("is in fragments" in err, err)
        want([f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in cut], "frames")

    def test_tunnel(self):
        for name, rc in (("tls12-aes128gcm/bitflip", WRITTEN), ("tls12-aes128gcm/drop", PARTLY)):
            capture, keys, _, _ = self.case(name)
            inside = [frames.in_vxlan(f) for f in frames.read_pcap(capture)]
            path = frames.write_pcap(self.path("vxlan.pcap"), inside)
            new = diagnose("-k", keys, path)
            out, _ = self.carve("-k", keys, self.save(new), path)
            want([(f.ns, f.data) for f in frames.read_pcapng(out)[0]] == [(f.ns, f.data) for f in inside], name)
            out, err = self.carve("--repaired", "-k", keys, self.save(new), path, expect=rc)
            want(rc == WRITTEN or "in a tunnel" in err, err)
            if rc == WRITTEN:
                want({r[0] for r in tshark(out, "tcp.checksum.status")} == {"1"}, "sums")

    def test_places(self):
        """Of captures from both ends that one which the report speaks of, in whatever order they are given."""
        d = os.path.join(DATA, "on-the-wire", "tls12-aes128gcm", "comp2")
        both = [d + "/sender.pcap", d + "/receiver.pcap"]
        report = diagnose("-k", d + "/keys.log", *both)
        want(causes(report) == ["bits-flipped"] and report["connections"][0]["capture"] == both[1], report["connections"][0]["capture"])
        for captures in (both, both[::-1]):
            out, _ = self.carve("-k", d + "/keys.log", self.save(report), *captures)
            want([f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in frames.read_pcap(both[1])], captures)
        lost = json.loads(json.dumps(report))
        lost["connections"][0]["capture"] = "middle.pcap"
        out, err = self.carve("-k", d + "/keys.log", self.save(lost), *both, expect=PARTLY)
        want("none of the captures is middle.pcap" in err and "nothing is written" in err and not os.path.exists(out), err)

    def test_datagrams(self):
        """DTLS: an octet of a record, in a capture of another link type."""
        d = os.path.join(ROOT, "tests", "data", "illustrated-dtls13")
        all_of_it = frames.read_pcap(d + "/capture.pcap")
        bad = bytearray(all_of_it[7].data)
        bad[-3] ^= 0x10
        all_of_it[7].data = bytes(bad)
        path = frames.write_pcap(self.path("dtls.pcap"), all_of_it)
        report = diagnose("-k", d + "/keylog.txt", path)
        want(causes(report) == ["tag-damaged"], causes(report))
        out, _ = self.carve("-k", d + "/keylog.txt", self.save(report), path)
        want([f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in all_of_it], "frames")
        want(causes(diagnose(out)) == ["tag-damaged"], "again")
        out, _ = self.carve("--repaired", "-k", d + "/keylog.txt", self.save(report), path)
        again = diagnose(out)
        want(causes(again) == [] and tally(again, "verified") == tally(report, "verified") + 1, again["summary"])
        want(tshark(out, "udp.checksum.status", only="frame.number == 8") == [["1"]], "checksum")

    def test_ports_used_again(self):
        """Two connections between the same ends, one after the other: only the one that is meant."""
        first, keys, _, _ = self.case("tls13-aes256gcm/drop")
        second, more, _, _ = self.case("tls13-aes256gcm/bitflip")
        a, b = frames.read_pcap(first), frames.read_pcap(second)
        port = int.from_bytes(a[0].data[34:36], "big")
        b = [frames.with_port(f, int.from_bytes(b[0].data[34:36], "big"), port) for f in b]
        b = frames.later(b, 60 + (a[-1].ns - b[0].ns) // 10**9)
        path = frames.write_pcap(self.path("ports.pcap"), a + b)
        report = diagnose("-k", keys, "-k", more, path)
        want(sorted(causes(report)) == ["bits-flipped", "bytes-missing"], causes(report))
        for c in report["connections"]:
            mine = b if causes({"connections": [c]}) == ["bits-flipped"] else a
            for timed in (True, False):
                r = json.loads(json.dumps(report))
                if not timed:
                    for x in r["connections"]:
                        x["first_time"] = x["last_time"] = None
                out, _ = self.carve("--connection", str(c["id"]), "-k", keys, "-k", more, self.save(r), path)
                want([f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in mine], (c["id"], timed))

    def test_cut_packets(self):
        """The report of a whole capture beside one with a snap length."""
        capture, keys, report, file = self.case("tls12-aes128gcm/drop")
        short = self.path("short.pcap")
        subprocess.run(["editcap", "-F", "pcap", "-s", "260", capture, short], check=True)
        out, err = self.carve("-k", keys, "--repaired", file, short, expect=PARTLY)
        want("does not have at byte" in err or "is not repaired" in err, err)
        want([f.data for f in frames.read_pcapng(out)[0]] == [f.data for f in frames.read_pcap(short)], "frames")

    # Secrets ------------------------------------------------------------------------------------

    def test_secrets(self):
        capture, keys, _, file = self.case("tls13-aes256gcm/bitflip")
        out, _ = self.carve("-k", keys, file, capture)
        want(stat.S_IMODE(os.stat(out).st_mode) == 0o600, oct(os.stat(out).st_mode))
        want(len(frames.read_pcapng(out)[2]) == 1, "secrets")
        # Even where there was a file that others could read.
        os.chmod(out, 0o644)
        self.carve("-k", keys, file, capture, out=out)
        want(stat.S_IMODE(os.stat(out).st_mode) == 0o600, oct(os.stat(out).st_mode))
        bare, _ = self.carve("--no-secrets", "-k", keys, file, capture)
        want(frames.read_pcapng(bare)[2] == [] and stat.S_IMODE(os.stat(bare).st_mode) != 0o600, "no secrets")
        with open(keys, encoding="ascii") as f, open(bare, "rb") as g:
            words, all_of_it = [l.split()[2] for l in f if len(l.split()) == 3], g.read()
        want(words and not any(w.encode() in all_of_it or bytes.fromhex(w) in all_of_it for w in words), "secrets")
        want(causes(diagnose("-k", keys, bare)) == ["bits-flipped"], "diagnosed with the key log beside it")
        repaired, _ = self.carve("--no-secrets", "--repaired", "-k", keys, file, capture)
        want(frames.read_pcapng(repaired)[2] == [] and causes(diagnose("-k", keys, repaired)) == [], "repaired")
        out, err = self.carve_noisy(file, capture)
        want("no secrets are written" in err and frames.read_pcapng(out)[2] == [], err)
        # Those of the capture itself are used, and only those that belong there.
        other, more, _, _ = self.case("tls12-chacha20/bitflip")
        inside = self.path("inside.pcapng")
        subprocess.run(["editcap", "--inject-secrets", "tls," + keys, "--inject-secrets", "tls," + more, capture, inside],
                       check=True)
        again, _ = self.carve(file, inside)
        random = self.reports["tls13-aes256gcm/bitflip"][0]["connections"][0]["client_random"]
        want({l.split()[1] for l in frames.read_pcapng(again)[2][0].splitlines()} == {random}, "secrets")
        # What is repaired is looked at with them, though they are not written.
        bare, _ = self.carve("--no-secrets", "--repaired", file, inside)
        want(frames.read_pcapng(bare)[2] == [], "secrets")

    def test_secrets_of_other_kinds(self):
        """By encrypted premaster secret, by session id, and from a javax.net.debug log."""
        def lines(name, label):
            with open(os.path.join(DATA, name, "keys.log"), encoding="ascii") as f:
                return [l.split() for l in f if l.startswith(label + " ")]

        def dump(title, text):
            rows = ["%s:" % title]
            for at in range(0, len(text), 32):
                rows.append("%04X: %s" % (at // 2, " ".join(text[at + k:at + k + 2] for k in range(0, len(text[at:at + 32]), 2)).upper()))
            return rows

        mte, rc4 = "tls12-cbc-sha256-mte/bitflip", "tls10-rc4sha-gnutls/bitflip"
        hello = tshark(self.case(rc4)[0], "tls.handshake.session_id", "tls.handshake.random", only="tls.handshake.type == 2")[0]
        client, master = lines(rc4, "CLIENT_RANDOM")[0][1:]
        log = (["CONNECTION KEYGEN:"] + dump("Client Nonce", client) + dump("Server Nonce", hello[1]) + dump("Master Secret", master) +
               ["Client MAC write Secret:", "0000: 00", "... no IV derived for this protocol"])
        for name, text, wanted in ((mte, " ".join(lines(mte, "RSA")[0]), "RSA " + lines(mte, "RSA")[0][1]),
                                   (rc4, "RSA Session-ID:%s Master-Key:%s" % (hello[0], master), "RSA Session-ID:" + hello[0]),
                                   (rc4, "\n".join(log), "CLIENT_RANDOM " + client)):
            capture, _, report, file = self.case(name)
            keys = self.path("keys")
            with open(keys, "w", encoding="ascii") as f:
                f.write(text + "\n")
            out, _ = self.carve("-k", keys, file, capture)
            got = frames.read_pcapng(out)[2][0].splitlines()
            want(len(got) == 1 and got[0].lower().startswith(wanted.lower()), (wanted, got))
            want(causes(diagnose(out)) == causes(report), name)
            out, _ = self.carve("--repaired", "-k", keys, file, capture)
            want(judge.tshark_verified(out, []) == tally(diagnose(out), "verified") > 0, name)

    def test_private_key(self):
        """RSA key exchange: what the private key decrypts goes along, the key does not."""
        key, cert, d = self.path("key.pem"), self.path("cert.pem"), self.path("relay")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert],
                       check=True, stderr=subprocess.DEVNULL)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-key", key, "-cert", cert, "-tls1_2",
                                   "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0", "-quiet", "-rev"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        relay = subprocess.Popen([BADMAC, "lab", "relay", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:%d" % port, "--fault",
                                  "bits-flipped:record=2", "--record", d], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            told = relay.stdout.readline().decode()
            listen = re.search(r"(\d+)\D*$", told.split("->")[0].split(" to ")[0])
            want(listen, told)
            for _ in range(50):
                with socket.socket() as s:
                    if s.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:" + listen.group(1), "-tls1_2", "-cipher",
                                       "AES128-GCM-SHA256:@SECLEVEL=0", "-quiet"], stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(4):
                time.sleep(0.25)
                try:
                    client.stdin.write(b"to be turned round\n" * 3)
                    client.stdin.flush()
                except OSError:
                    break
            try:
                client.communicate(timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                client.kill()
                client.wait()
        finally:
            relay.terminate()
            relay.communicate(timeout=20)
            server.terminate()
            server.wait()
        capture = d + "/receiver.pcapng"
        report = diagnose("-k", key, capture)
        want(causes(report) == ["bits-flipped"] and report["connections"][-1]["keys"] == "private key", report["summary"])
        out, _ = self.carve("-k", key, self.save(report), capture)
        lines = frames.read_pcapng(out)[2][0].splitlines()
        want(len(lines) == 1 and lines[0].startswith("PMS_CLIENT_RANDOM "), lines)
        want(causes(diagnose(out)) == ["bits-flipped"], "by the file alone")
        out, _ = self.carve("--repaired", "-k", key, self.save(report), capture)
        again = diagnose(out)
        want(tally(again, "failed") == 0 and judge.tshark_verified(out, []) == tally(again, "verified"), again["summary"])

    # Reports ------------------------------------------------------------------------------------

    def test_html(self):
        """The same diagnosis inside a page."""
        capture, keys, report, file = self.case("tls12-aes128gcm/bitflip")
        path = self.path("report.html")
        with open(path, "w", encoding="ascii") as f:
            text = json.dumps(report).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
            f.write("<!DOCTYPE html>\n<title>x</title>\n<script type=\"application/json\" id=\"diagnosis\">\n%s\n</script>\n" % text)
        page = self.path("page.html")
        run("diagnose", "-q", "--effort", "quick", "--format", "html", "-o", page, "-k", keys, capture)
        with open(self.carve("-k", keys, file, capture)[0], "rb") as f:
            wanted = f.read()
        for source in (path, page):
            with open(self.carve("-k", keys, source, capture)[0], "rb") as f:
                want(f.read() == wanted, source)

    def lies(self):
        """Reports that are not true of the capture, each with what is done to it."""
        big = 2**53
        for key, values in (("packet", (1, 9999, big)), ("packet_offset", (0, 5000, big)), ("stream_offset", (0, 40, big, None)),
                            ("received", ("00", "0000")), ("sent", (None, "", "00" * 40000, "ff" * 3)), ("record_offset", (big,))):
            for v in values:
                yield "damage.%s=%s" % (key, str(v)[:9]), lambda c, k=key, x=v: c["failures"][0]["damage"][0].update({k: x})
        for key, values in (("cause", ("record-replayed", "records-reordered", "records-interleaved", "bytes-missing", "moths",
                                       "record-missing")),
                            ("stream_offset", (big, None, 7)), ("length", (0, big, None)), ("packets", ([], [9999], [big])),
                            ("direction", ("server_to_client",)), ("damage", ([],))):
            for v in values:
                yield "failure.%s=%s" % (key, str(v)[:20]), lambda c, k=key, x=v: c["failures"][0].update({k: x})
        for cause in ("record-replayed", "records-reordered", "reflected-record", "records-interleaved"):
            for off, n in ((big, 5), (3322, big), (3322, 6), (0, 5), (10500, 1029)):
                yield "%s at %d, %d" % (cause, off, n), lambda c, a=cause, o=off, x=n: c["failures"][0].update(
                    {"cause": a, "stream_offset": o, "length": x, "damage": []})
        for key, v in (("client", "10.9.2.9:1"), ("client", "x"), ("client", "[::1]:99999"), ("client", ":"), ("server", "[]:443"),
                       ("server", "1.2.3.4:"), ("transport", "udp"), ("first_time", "2040-01-01T00:00:00.000000000Z"),
                       ("first_time", "soon"), ("client_random", None), ("client_random", "00" * 32), ("capture", None)):
            yield "%s=%s" % (key, v), lambda c, k=key, x=v: c.update({k: x})
        run_of = {"record_offset": 0, "stream_offset": 3322, "length": 0, "packet": 22, "packet_offset": 66, "received": "",
                  "sent": "ab" * 60000}
        yield "longer than IP is", lambda c: c["failures"][0].update({"damage": [run_of]})
        yield "twice the same", lambda c: c["failures"].append(c["failures"][0])
        yield "many", lambda c: c["failures"].extend([c["failures"][0]] * 200)
        yield "a text that steers", lambda c: c["failures"][0].update({"summary": "\x1b[2J\x07\u202e" + "\u00e9" * 3000})

    def test_reports_that_lie(self):
        capture, keys, report, _ = self.case("tls12-aes128gcm/bitflip")
        was = {f.ns: f.data for f in frames.read_pcap(capture)}
        tally_of = {}

        def one(name, change):
            r = json.loads(json.dumps(report))
            change(r["connections"][0])
            out = self.path("lie.pcapng")
            rc, _, err = run("carve", "--repaired", "-k", keys, "-o", out, self.save(r), capture)
            tally_of[rc] = tally_of.get(rc, 0) + 1
            want("\x1b" not in err and "\u202e" not in err, name)
            nothing = rc == PARTLY and "nothing is written" in err
            tally_of["nothing"] = tally_of.get("nothing", 0) + nothing
            if rc == TROUBLE or nothing:
                want(not os.path.exists(out), name)
                return
            got, _, _, about = frames.read_pcapng(out)
            want("\x1b" not in about[0], name)
            want(rc == PARTLY or all(f.ns in was for f in got), name)
            want(rc == WRITTEN or err, name)
            want(not any("\x1b" in t for f in got for t in f.comments), name)
        judge.in_parallel([(one, *x) for x in self.lies()])
        want(tally_of.get(PARTLY, 0) > 40 and tally_of.get(TROUBLE, 0) == 1 and 3 < tally_of["nothing"] < 15, tally_of)

    def test_no_reports(self):
        capture, _, report, file = self.case("tls12-aes128gcm/bitflip")
        out = self.path("none.pcapng")
        with open(file, "rb") as f:
            good = f.read()
        for text, says in ((b"", "empty file"), (b"{}", "no report of badmac diagnose"), (good[:-40], "no JSON"), (b"FAILED: 1", "a report as text"),
                           (b"<html></html>", "a page without a diagnosis"), (good.replace(b'"received": "', b'"received": "x'),
                                                                           "connections[0].failures[0].damage[0].received: no hex")):
            path = self.path("bad.json")
            with open(path, "wb") as f:
                f.write(text)
            rc, said, err = run("carve", "-o", out, path, capture)
            want(rc == TROUBLE and said == b"" and not os.path.exists(out), (text[:20], rc, err))
            want(says in err or (text == b"" and err), (text[:20], err))
        nothing = json.loads(json.dumps(report))
        nothing["connections"][0]["failures"] = []
        rc, _, err = run("carve", "-o", out, self.save(nothing), capture)
        want(rc == TROUBLE and "no connection of the report failed" in err, err)
        other, _, _, _ = self.case("tls12-chacha20/bitflip")
        # Nothing of what the report is about is there: no file without packets, and none that was there is lost.
        out, err = self.carve(file, other, expect=PARTLY)
        want("is not in the capture" in err and "nothing is written" in err and not os.path.exists(out), err)
        with open(out, "w", encoding="ascii") as f:
            f.write("mine")
        for words in (["--repaired"], ["-q"]):
            rc, said, err = run("carve", *words, "-o", out, file, other)
            with open(out, encoding="ascii") as f:
                want(rc == PARTLY and said == b"" and ("nothing is written" in err) == (words != ["-q"]) and f.read() == "mine", (rc, err))
        rc, said, err = run("carve", "-o", "-", file, other)
        want(rc == PARTLY and said == b"" and "nothing is written" in err, (rc, err))
        redacted = self.path("redacted.json")
        run("diagnose", "-q", "--redact", "addresses", "--format", "json", "-o", redacted, "-k", self.case("tls12-chacha20/bitflip")[1], other)
        out, err = self.carve(redacted, other, expect=PARTLY)
        want("make one without --redact" in err and not os.path.exists(out), err)

    # The command line ---------------------------------------------------------------------------

    def test_usage(self):
        capture, keys, _, file = self.case("tls12-aes128gcm/bitflip")
        out = self.path("usage.pcapng")
        for args, says in (([], "no report"), ([file], "no capture"), ([file, capture], "no file given to write to"),
                           (["-o", out, "-", "-"], "read once only"), (["-o", out, "--connection", "x", file, capture], "--connection x"),
                           (["-o", out, "--failure", "1", file, capture], "--failure 1"), (["--connection"], "needs a value"),
                           (["-o", out, "--connection", "9", file, capture], "no connection 9"),
                           (["-o", out, "--failure", "0:3", file, capture], "no failure 0:3"), (["-o", "", file, capture], "--output"),
                           (["-o", out, "-k", capture, file, capture], "a capture, not key material"),
                           (["-o", out, file, keys], "not a capture"), (["-o", out, file, "/nowhere"], "No such file")):
            rc, said, err = run("carve", *args)
            want(rc == TROUBLE and says in err and said == b"" and not os.path.exists(out), (args, rc, err))

    def test_nothing_is_overwritten(self):
        capture, keys, _, file = self.case("tls12-aes128gcm/bitflip")
        mine = []
        for source in (capture, keys, file):
            mine.append(shutil.copy(source, self.path("mine")))
        for path in mine:
            with open(path, "rb") as f:
                before = f.read()
            link = self.path("link")
            os.symlink(path, link)
            for name in (path, link):
                rc, _, err = run("carve", "-k", mine[1], "-o", name, mine[2], mine[0])
                with open(path, "rb") as f:
                    want(rc == TROUBLE and "overwrite" in err and f.read() == before, (name, err))
        # What cannot be completed leaves the file as it was, and nothing beside it.
        out = self.path("kept")
        with open(out, "w", encoding="ascii") as f:
            f.write("mine")
        rc, _, _ = run("carve", "-o", out, file, keys)
        with open(out, encoding="ascii") as f:
            want(rc == TROUBLE and f.read() == "mine", rc)
        if os.path.exists("/dev/full"):
            rc, _, err = run("carve", "-k", keys, "-o", "/dev/full", file, capture)
            want(rc == TROUBLE and "No space left" in err, (rc, err))
        # Nor does a limit, in the first octets or in the last.
        whole = os.path.getsize(self.carve("-k", keys, file, capture)[0])
        for most, expect in ((0, TROUBLE), (4096, TROUBLE), (whole - 1, TROUBLE), (whole, WRITTEN)):
            r = subprocess.run([BADMAC, "carve", "-k", keys, "-o", out, file, capture], stderr=subprocess.PIPE, timeout=60,
                               preexec_fn=lambda n=most: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
            want(r.returncode == expect and (b"File too large" in r.stderr) == (expect == TROUBLE), (most, r.returncode, r.stderr))
            want((os.path.getsize(out) == 4) == (expect == TROUBLE), most)
        want(not [n for n in os.listdir(self.dir.name) if re.search(r"(pcapng|mine|kept)\.[A-Za-z0-9]{6}$", n)], "temporary files")

    def test_links_to_nowhere(self):
        """A link stays one: what it leads to is made, at the end of a chain as well."""
        capture, keys, _, file = self.case("tls12-aes128gcm/bitflip")
        folder = self.path("folder")
        os.mkdir(folder)
        first, second, end = self.path("first"), os.path.join(folder, "second"), os.path.join(folder, "end.pcapng")
        os.symlink(os.path.join(os.path.basename(folder), "second"), first)
        os.symlink("end.pcapng", second)
        self.carve("-k", keys, file, capture, out=first)
        want(os.path.islink(first) and os.path.islink(second) and not os.path.islink(end), os.listdir(folder))
        want(causes(diagnose(end)) == ["bits-flipped"] and sorted(os.listdir(folder)) == ["end.pcapng", "second"], os.listdir(folder))
        os.symlink("../%s" % os.path.basename(folder) + "/gone/x", os.path.join(folder, "astray"))
        rc, _, err = run("carve", "-o", os.path.join(folder, "astray"), file, capture)
        want(rc == TROUBLE and "No such file" in err and os.path.islink(os.path.join(folder, "astray")), (rc, err))

    def test_without_keys(self):
        """What to do is said: once if nothing was given, and of each connection that nothing given opens."""
        capture, _, _, file = self.case("tls12-aes128gcm/bitflip")
        _, err = self.carve_noisy(file, capture)
        want(err.count("no secrets") == 1 and "give with -k the key material that the report was made with" in err, err)
        _, err = self.carve_noisy("--no-secrets", file, capture)
        want(err == "", err)
        _, err = self.carve_noisy("-k", self.case("tls12-chacha20/bitflip")[1], file, capture)
        want("none of those given can be told to be its own" in err and "with -k" in err, err)
        _, err = self.carve("--repaired", file, capture, expect=PARTLY)
        want("could not be checked: no key material was given" in err, err)

    def test_standard_output(self):
        capture, keys, _, file = self.case("tls12-aes128gcm/bitflip")
        rc, out, err = run("carve", "-k", keys, "-o", "-", file, capture)
        path, _ = self.carve("-k", keys, file, capture)
        with open(path, "rb") as f:
            want((rc, err) == (WRITTEN, "") and out == f.read(), err)


if __name__ == "__main__":
    sys.exit(judge.run_methods(Carve()))
