#!/usr/bin/env python3
"""The HTML report against what is known otherwise: the JSON report, tshark, the octets of the captures, and a parser of
HTML that is not ours. Prints TAP."""
import collections
import html.parser
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "captures")]
import judge  # noqa: E402
import test_alike  # noqa: E402

import made  # noqa: E402

DATA = test_alike.DATA
# The quick way, for builds that are slow: BADMAC_STRIDE=N takes every Nth capture.
STRIDE = int(os.environ.get("BADMAC_STRIDE", "1"))
DIRECTIONS = ("client_to_server", "server_to_client")
STATES = ("verified", "failed", "undecided", "plaintext")
RECORDS = 100_000
want = judge.want


def run(args, stdin=None, stdout=subprocess.PIPE):
    r = subprocess.run([judge.find_badmac(), "diagnose", "-q", "--effort", "quick", *args], input=stdin, stdout=stdout,
                       stderr=subprocess.PIPE, timeout=300)
    want(0 <= r.returncode <= 3, "exit %d: %s" % (r.returncode, r.stderr[-3000:]))
    return r


class Page(html.parser.HTMLParser):
    """What a browser would find: elements, attributes, and the text of some of them."""

    def __init__(self, octets):
        super().__init__(convert_charrefs=True)
        self.elements, self.inside, self.text = collections.Counter(), [], collections.defaultdict(str)
        self.attributes = []
        self.octets = octets
        self.feed(octets.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, *a) for a in attrs]
        self.inside.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for tag, name in self.inside:
            self.text[tag] += data
            if name:
                self.text["#" + name] += data

    def diagnosis(self):
        return unescaped(self.text["#diagnosis"].lstrip("\n"))

    def detail(self):
        return json.loads(self.text["#detail"])


def unescaped(text):
    """What a page writes as an escape, where no backslash before it says otherwise."""
    return re.sub(r"\\(\\|u003c|u003e|u0026)", lambda m: {"\\": m[0], "u003c": "<", "u003e": ">", "u0026": "&"}[m[1]], text)


def page(args, stdin=None):
    return Page(run(["--format", "html", *args], stdin).stdout)


def frames(capture):
    found = test_alike.classic_frames(capture)
    want(found, "%s can be read" % capture)
    return found


class Suite:
    def __init__(self, folder):
        self.folder = folder
        self.cases = list(test_alike.inputs())[::STRIDE]
        self.pages = {}
        judge.in_parallel([(self.look, case) for case in self.cases], 2)

    def look(self, case):
        """JSON and pages of one capture, once for all tests: as threads take it alone and by two, and with everything."""
        name, captures, keys = case
        args = test_alike.with_keys(captures, keys)
        report = run(["--format", "json", "-j1", *args])
        if report.returncode == 2:
            return
        octets = [run(["--format", "html", *way, *args]) for way in (["-j1"], ["-j2"], ["-v", "-j1"], ["-v", "-j2"])]
        want({r.returncode for r in octets} == {report.returncode}, "%s: another exit status" % name)
        self.pages[name] = (report.stdout.decode("ascii"), [r.stdout for r in octets], captures)

    def path(self, name):
        return os.path.join(self.folder, name)

    def told(self):
        """Of every capture each connection, as the diagnosis and the detail of the page have it."""
        for name, (report, pages, captures) in self.pages.items():
            detail = {c["id"]: c for c in Page(pages[2]).detail()["connections"]}
            for c in json.loads(report)["connections"]:
                yield name, captures, c, detail[c["id"]]

    def test_holds_the_json_report_to_the_octet(self):
        want(len(self.pages) >= len(self.cases) - 10, "only %d pages" % len(self.pages))
        for name, (report, pages, _) in self.pages.items():
            for octets in pages[::2]:
                want(Page(octets).diagnosis() == report, "%s: another diagnosis" % name)
            want(pages[0] == pages[1] and pages[2] == pages[3], "%s: two threads make another page" % name)

    def test_is_one_whole_page(self):
        for name, (report, pages, _) in self.pages.items():
            p = Page(pages[0])
            want(p.elements["html"] == p.elements["body"] == p.elements["noscript"] == 1, "%s: %s" % (name, p.elements))
            want("default-src 'none'" in str(p.attributes), "%s: no policy" % name)
            fetched = [a for a in p.attributes if a[1] in ("src", "href", "action", "data", "srcset")]
            want(all(str(a[2]).startswith(("data:", "#")) for a in fetched), "%s: fetches %s" % (name, fetched))
            want(not re.search(rb"@(TITLE|STYLE|DIAGNOSIS|DETAIL|TEXT|SCRIPT)@", pages[0]), "%s: a marker is left" % name)
            word = {"failed": "FAILED:", "undecided": "UNDECIDED:", "verified": "OK:"}[json.loads(report)["summary"]["result"]]
            want(p.text["title"].strip().startswith(word), "%s: title %r" % (name, p.text["title"]))
            want(p.text["noscript"].lstrip().startswith(p.text["title"].strip()), "%s: the text begins otherwise" % name)

    def test_has_the_detail_of_what_is_not_verified(self):
        for name, (report, pages, _) in self.pages.items():
            troubled = [c["id"] for c in json.loads(report)["connections"] if c["result"] != "verified"]
            detail = Page(pages[0]).detail()
            want([c["id"] for c in detail["connections"]] == troubled, "%s: %s" % (name, troubled))
            want(detail["connections_left_out"] == 0 and detail["redacted"] is None, name)

    def test_counts_records_as_the_diagnosis_does(self):
        n = 0
        for name, _, c, told in self.told():
            records = told["records"] or {"direction": [], "state": []}
            want(len({len(column) for column in records.values()}) == 1, "%s: columns of different length" % name)
            found = collections.Counter(zip(records["direction"], records["state"]))
            for d, direction in enumerate(DIRECTIONS):
                for s, state in enumerate(STATES):
                    want(found[d, s] == c["records"][direction][state], "%s: connection %d, %s %s: %d, not %d" % (
                        name, c["id"], direction, state, found[d, s], c["records"][direction][state]))
            want(told["records_left_out"] == told["events_left_out"] == 0, "%s: something is left out" % name)
            n += sum(found.values())
        want(n > 3000 // STRIDE, "only %d records" % n)

    def test_has_the_events_that_the_diagnosis_counts(self):
        seen = collections.Counter()
        for name, _, c, told in self.told():
            kinds = collections.Counter(e["kind"] for e in told["events"])
            seen += kinds
            want(kinds["gap"] == c["capture_gaps"], "%s: %d gaps" % (name, kinds["gap"]))
            alerts = [(DIRECTIONS[e["direction"]], e["packet"], e["label"]) for e in told["events"] if e["kind"] == "alert"]
            for a in c["alerts"]:
                label = " ".join(x for x in (a["level"], a["description"]) if x) or "unreadable"
                want(any(x[:2] == (a["direction"], a["packet"]) and label in (x[2], "unreadable") for x in alerts),
                     "%s: alert %s is not among %s" % (name, a, alerts))
            want(len(alerts) == len(c["alerts"]), "%s: %d alerts" % (name, len(alerts)))
        for kind in ("handshake", "key_update", "change_cipher_spec", "alert", "end"):
            want(seen[kind] or STRIDE > 1, "no %s in any capture" % kind)

    def test_octets_are_those_of_the_packets(self):
        n = 0
        for name, captures, c, told in self.told():
            want(len(told["failures"]) == len(c["failures"]), "%s: other failures" % name)
            for f, shown in zip(c["failures"], told["failures"]):
                record = shown["record"]
                if record is None:
                    continue
                received = bytes.fromhex(record["received"])
                want(f["length"] is None or f["damage"] or len(received) <= f["length"], "%s: more than the record" % name)
                at = 0
                for s in record["segments"]:
                    want(s["record_offset"] == at, "%s: segments with a hole at %d" % (name, at))
                    at += s["length"]
                    if captures[0].endswith(".pcap") and len(captures) == 1:
                        packet = frames(captures[0])[s["packet"] - 1]
                        on_wire = packet[s["packet_offset"]:s["packet_offset"] + s["length"]]
                        want(received[s["record_offset"]:at] == on_wire, "%s: other octets than packet %d" % (name, s["packet"]))
                        n += 1
                want(at == len(received), "%s: octets of no packet" % name)
        want(n > 24 // STRIDE, "only %d segments" % n)

    def test_what_was_sent_differs_where_the_damage_is(self):
        n = 0
        for name, _, c, told in self.told():
            for f, shown in zip(c["failures"], told["failures"]):
                record = shown["record"]
                if record is None:
                    continue
                known = f["damage"] and all(d["sent"] is not None for d in f["damage"])
                want(bool(known) == (record["sent"] is not None), "%s: what was sent is said to be known or not" % name)
                if not known:
                    continue
                received, sent, at = bytes.fromhex(record["received"]), b"", 0
                for d in sorted(f["damage"], key=lambda d: d["record_offset"]):
                    want(received[d["record_offset"]:][:d["length"]].hex() == d["received"], "%s: received" % name)
                    sent += received[at:d["record_offset"]] + bytes.fromhex(d["sent"])
                    at = d["record_offset"] + d["length"]
                sent += received[at:]
                want(sent.hex() == record["sent"] and sent != received, "%s: sent" % name)
                n += 1
        want(n > 24 // STRIDE, "only %d repairs" % n)

    def test_columns_are_what_tshark_sees(self):
        names = ["damaged/tls12-aes128gcm/bitflip/receiver.pcap", "damaged/tls13-aes256gcm/bitflip/receiver.pcap",
                 "damaged/tls10-aes128cbc-sha/bitflip/receiver.pcap", "ssldump/tls1.3_keyupdates_aes256.pcap",
                 "ssldump/tls1.3_curl_google.pcap", "zeek/ecdhe.pcap",
                 "zeek/telesec.pcap"]
        compared = 0
        for name in names:
            capture = os.path.join(DATA, name)
            argv = ["tshark", "-r", capture, "-Y", "tls.record", "-T", "fields", "-E", "occurrence=a"]
            for field in ("frame.number", "frame.time_epoch", "tcp.stream", "tcp.srcport", "tcp.seq", "tcp.len",
                          "tls.record.length"):
                argv += ["-e", field]
            lines = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60).stdout
            theirs, ends = collections.Counter(), {}
            for line in lines.decode("ascii").splitlines():
                number, when, _, port, seq, n, lengths = line.split("\t")
                seconds, fraction = when.split(".")
                ends[int(number)] = (int(seconds) * 10**6 + int(fraction[:6]), int(port), int(seq) - 1, int(n))
                theirs.update((int(number), int(length)) for length in lengths.split(","))
            ours = collections.Counter()
            p = page(["-v", capture])
            for c, told in zip(json.loads(p.diagnosis())["connections"], p.detail()["connections"]):
                start = re.match(r"(.*)\.(\d{6})(\d{3})Z$", told["start"])
                start_us = int(time.mktime(time.strptime(start[1] + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone) * 10**6
                start_us += int(start[2])
                r = told["records"]
                last = [0, 0]
                for i, packet in enumerate(r["packet"]):
                    ours[packet, r["length"][i] - 5] += 1
                    want(packet in ends, "%s: packet %d carries no record for tshark" % (name, packet))
                    when, port, seq, n = ends[packet]
                    side = r["direction"][i]
                    want(abs(start_us + r["time"][i] - when) <= 1, "%s: record %d: another time" % (name, i))
                    want(c[("client", "server")[side]].endswith(":%d" % port), "%s: record %d: another direction" % (name, i))
                    end = r["stream_offset"][i] + r["length"][i]
                    want(seq < end <= seq + n, "%s: record %d ends at %d, out of packet %d" % (name, i, end, packet))
                    want(r["stream_offset"][i] == last[side], "%s: record %d begins elsewhere" % (name, i))
                    last[side] = end
            want(ours == theirs, "%s: not the records of tshark: %s" % (name, (ours - theirs) + (theirs - ours)))
            compared += sum(ours.values())
        want(compared > 100, "only %d records compared" % compared)

    def test_holds_no_secrets_and_nothing_decrypted(self):
        secrets = 0
        for name, captures, keys in self.cases:
            if name not in self.pages:
                continue
            text = self.pages[name][1][2].decode("utf-8").lower()
            for path in [k for k in keys if not k.endswith(".pem")]:
                with open(path, encoding="utf-8", errors="replace") as f:
                    words = [w for line in f for w in line.split()[2:3]]
                found = [w for w in words if re.fullmatch("[0-9a-fA-F]{64,}", w)]
                want(not any(w.lower() in text for w in found), "%s: a secret" % name)
                secrets += len(found)
        want(secrets > 100 // STRIDE, "only %d secrets" % secrets)
        path, keys = self.path("flipped.pcap"), self.path("flipped.keys")
        made.conversation(path, keys, 20, 1000, 1)
        with open(path, "rb") as f:
            data = bytearray(f.read())
        data[len(data) // 2] ^= 4
        with open(path, "wb") as f:
            f.write(data)
        p = page(["-v", "-k", keys, path])
        record = p.detail()["connections"][0]["failures"][0]["record"]
        want(len(record["sent"]) == len(record["received"]) > 2000, "the record is shown")
        text = p.octets.decode("utf-8")
        want("78" * 8 not in text and "x" * 8 not in text, "what was decrypted is shown")

    def test_shows_what_tcp_met(self):
        """A segment twice, one with other octets, one with a wrong checksum, one that was not captured, and a reset."""
        path = self.path("met.pcap")
        c = made.Capture()
        record = b"\x17\x03\x03\x00\xf0" + bytes(240)
        c.send(0, made.hello(b"met.example"))
        for n in range(6):
            c.send(0, record)
            if n == 1:
                c.next[0] -= len(record)
                c.send(0, record)
            elif n == 2:
                c.next[0] -= 10
                c.send(0, b"otherwise!")
            elif n == 3:
                c.send(0, record)
                del c.out[-1]
                c.packets -= 1
                for _ in range(40):
                    c.send(1, b"")
        c.damaged()
        c.send(0, b"", made.RST | made.ACK)
        c.write(path)
        told = page(["-v", path]).detail()["connections"][0]
        found = [(e["kind"], e["label"], e["packet"], e["stream_offset"], e["length"]) for e in told["events"]
                 if e["kind"] not in ("handshake", "change_cipher_spec")]
        n = len(made.hello(b"met.example"))
        size = len(record)
        want(found == [
            ("retransmission", "retransmission", 7, n + size, size), ("retransmission", "retransmission", 9, n + 3 * size - 10, 10),
            ("differing_copy", "copy with other octets", 9, n + 3 * size - 10, 10),
            ("bad_checksum", "segment with a wrong checksum", 53, n + 7 * size, 18), ("end", "RST", 54, n + 7 * size + 18, None),
            ("gap", "not captured", None, n + 4 * size, size), ("gap", "not captured", None, n + 7 * size, 18)], str(found))

    def hostile(self, name):
        path = self.path("hostile.pcap")
        c = made.Capture()
        c.send(0, made.hello(name))
        c.end()
        c.write(path)
        return page(["-v", path])

    def test_a_hostile_name_stays_text(self):
        plain = self.hostile(b"plain.example")
        for name in (b"</script><img src=x onerror=alert(1)>", b"</noscript></pre><script>alert(1)</script>", b"<!--<script>",
                     b"--></title><svg/onload=alert(1)>", "\u2028\u2029\u202e".encode(), b"\xff\xfe</scr\x00ipt>", b"]]>&lt;&amp;",
                     b"\"'`${alert(1)}\\u003c\\", "\U0001f512</SCRIPT >".encode()):
            p = self.hostile(name)
            want(p.elements == plain.elements, "%r: other elements: %s" % (name, p.elements))
            want(sorted(map(str, p.attributes)) == sorted(map(str, plain.attributes)), "%r: other attributes" % name)
            told = json.loads(p.diagnosis())["connections"][0]["server_name"]
            want(told == name.replace(b"\0", b"\x01").decode("utf-8", "replace"), "%r became %r" % (name, told))
            want(b"\xe2\x80\xa8" not in p.octets, "%r: ends a line of a script" % name)
            want("made" not in told and p.text["title"].startswith("\nOK"), "%r: title %r" % (name, p.text["title"]))

    def test_goes_on_standard_output_but_not_on_a_terminal(self):
        capture = self.cases[0][1][0]
        path = self.path("report.html")
        octets = run(["--format", "html", capture]).stdout
        rc = run(["--format", "html", "-o", path, capture]).returncode
        with open(path, "rb") as f:
            want(f.read() == octets and rc != 2, "another report with -o")
        ours, theirs = pty.openpty()
        r = run(["--format", "html", capture], stdout=theirs)
        os.close(theirs)
        os.close(ours)
        want(r.returncode == 2 and b"-o" in r.stderr, "exit %d on a terminal: %s" % (r.returncode, r.stderr))

    def test_a_report_that_cannot_be_written_is_told_of(self):
        with open("/dev/full", "wb") as full:
            r = run(["--format", "html", "-v", *test_alike.with_keys(*self.cases[0][1:])], stdout=full)
        want(r.returncode == 2 and r.stderr, "exit %d: %s" % (r.returncode, r.stderr))

    def test_comes_through_a_pipe(self):
        with open(self.cases[0][1][0], "rb") as f:
            data = f.read()
        keys = [a for k in self.cases[0][2] for a in ("-k", k)]
        p = page(["-v", *keys, "-"], data)
        want(p.diagnosis().encode() == run(["--format", "json", *keys, "-"], data).stdout, "another diagnosis")
        want(p.detail()["connections"][0]["records"] == page(["-v", *keys, self.cases[0][1][0]]).detail()["connections"][0]["records"],
             "other records")

    def test_any_threads_make_the_same_page(self):
        """Many connections at a time: shared out among threads where all are good, read by one where not."""
        good = [c for c in self.cases if c[0] in self.pages and json.loads(self.pages[c[0]][0])["summary"]["result"] == "verified"]
        for name, kept in (("good", good), ("all", self.cases)):
            path, keys = self.path(name + ".pcap"), test_alike.keys_of(kept)
            frames_of_all = test_alike.merged(kept, 3 * STRIDE, 7)
            want(len(frames_of_all) > 1000, "only %d frames" % len(frames_of_all))
            with open(path, "wb") as f:
                f.write(test_alike.written(frames_of_all))
            args = test_alike.with_keys([path], keys)
            report = run(["--format", "json", "-j1", *args])
            first = run(["--format", "html", "-v", "-j1", *args])
            for jobs in ("-j2", "-j8"):
                want(run(["--format", "html", "-v", jobs, *args]).stdout == first.stdout, "%s: %s: another page" % (name, jobs))
            p = Page(first.stdout)
            want(p.diagnosis().encode() == report.stdout, "%s: another diagnosis" % name)
            told = p.detail()["connections"]
            want(len(told) == json.loads(report.stdout)["summary"]["connections"] > 50, "%s: %d connections" % (name, len(told)))

    def test_is_of_sane_size_and_time(self):
        path, keys = self.path("many.pcap"), self.path("many.keys")
        made.conversation(path, keys, RECORDS, 100, 400)
        began = time.monotonic()
        p = page(["-v", "-k", keys, path])
        took = time.monotonic() - began
        told = p.detail()["connections"][0]
        want(told["records"]["state"].count(0) >= RECORDS, "%d records" % len(told["records"]["state"]))
        sequence = [n for n, d, e in zip(*(told["records"][k] for k in ("sequence_number", "direction", "epoch"))) if d == 0 and e == 3]
        want(sequence == list(range(len(sequence))), "numbers out of order")
        want(len(p.octets) < 64 * RECORDS, "%d octets" % len(p.octets))
        want(took < 20, "%.1f s" % took)

    def test_memory_takes_from_the_timeline_alone(self):
        path, keys = self.path("many.pcap"), self.path("many.keys")
        if not os.path.exists(path):
            made.conversation(path, keys, RECORDS, 100, 400)
        args = ["--memory", "4M", "-k", keys, path]
        report = run(["--format", "json", *args])
        for jobs in ("-j1", "-j2"):
            p = page(["-v", jobs, *args])
            want(p.diagnosis().encode() == report.stdout, "another diagnosis")
            told = p.detail()["connections"][0]
            shown = len(told["records"]["state"]) if told["records"] else 0
            want(0 < told["records_left_out"] and shown + told["records_left_out"] > RECORDS, "%d records shown" % shown)

    def test_past_the_most_records_they_are_counted(self):
        path, keys = self.path("more.pcap"), self.path("more.keys")
        made.conversation(path, keys, 140_000, 16, 1000)
        told = page(["-v", "-k", keys, path]).detail()["connections"][0]
        n = json.loads(run(["--format", "json", "-k", keys, path]).stdout)["summary"]["records"]
        want(len(told["records"]["time"]) == 131072, "%d records" % len(told["records"]["time"]))
        want(131072 + told["records_left_out"] == n["verified"] + n["plaintext"], "%d left out" % told["records_left_out"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(judge.run_methods(Suite(scratch)))
