#!/usr/bin/env python3
"""What shows without keys: conversations whose records are random octets, each with one oddity, its nearest miss, and
a case in which nothing may be said. Nothing is encrypted: without keys that makes no difference. Prints TAP."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
import judge  # noqa: E402
import wire  # noqa: E402
from wire import C2S, S2C  # noqa: E402

GCM, CHACHA, CBC, NULL, TLS13, RC4 = 0xC02F, 0xCCA8, 0x002F, 0x0002, 0x1301, 0x0005
ALERT = {GCM: 26, CHACHA: 18, CBC: 48, NULL: 22, TLS13: 19, RC4: 22}
BAD_RECORD_MAC = bytes.fromhex("15030300020214")


def vec(n, b):
    return len(b).to_bytes(n, "big") + b


def record(kind, body, version=0x0303):
    return bytes([kind]) + version.to_bytes(2, "big") + vec(2, body)


def message(kind, body):
    return record(22, bytes([kind]) + vec(3, body))


class Talk:
    """A handshake and then records of random octets, with or without nonces that count."""

    def __init__(self, name, suite=GCM, start=None):
        self.rng, self.suite = judge.rng_for(name), suite
        self.conv = wire.Conversation()
        self.nonce = [self.rng.getrandbits(63) if start is None else start, self.rng.getrandbits(63)]
        extensions = vec(2, b"\x00\x2b" + vec(2, b"\x03\x04")) if suite == TLS13 else b""
        offered = vec(2, b"\x00\x2b" + vec(2, b"\x02\x03\x04")) if suite == TLS13 else b""
        hello = b"\x03\x03" + self.octets(32) + b"\x00" + vec(2, suite.to_bytes(2, "big")) + b"\x01\x00" + offered
        self.put(C2S, message(1, hello))
        self.put(S2C, message(2, b"\x03\x03" + self.octets(32) + b"\x00" + suite.to_bytes(2, "big") + b"\x00" + extensions))
        if suite == TLS13:
            self.say(S2C, 900)
            self.say(C2S, 53)
            return
        self.put(S2C, message(14, b""))
        self.put(C2S, message(16, self.octets(66)))
        for way in (C2S, S2C):
            self.put(way, record(20, b"\x01"))
            self.say(way, {CBC: 64, RC4: 36}.get(suite, 32), 22)

    def octets(self, n):
        return bytes(self.rng.getrandbits(8) for _ in range(n))

    def put(self, way, data, kind="record"):
        self.conv.items.append(wire.Item(way, data, kind))
        return self

    def body(self, way, n):
        if self.suite != GCM:
            return self.octets(n)
        nonce = self.nonce[way]
        self.nonce[way] += 1
        return nonce.to_bytes(8, "big") + self.octets(n)

    def made(self, way, n, kind=23):
        return record(kind, self.body(way, n))

    def say(self, way, n, kind=23):
        return self.put(way, self.made(way, n, kind))

    def some(self, way=C2S, n=6, size=400):
        for i in range(n):
            self.say(way, size + 16 * i)
        return self

    def complain(self, way=S2C):
        """As the receiver does that found a bad record, or that closes: it does not show which."""
        kind = 23 if self.suite == TLS13 else 21
        n = ALERT[self.suite] - (8 if self.suite == GCM else 0)
        return self.say(way, n, kind)

    def at(self, index):
        return sum(len(i) for i in self.conv.items[:index] if i.direction == self.conv.items[index].direction)

    def last(self):
        return self.conv.items[-1]


class Keyless:
    def __init__(self):
        self.tap, self.dir, self.n = judge.Tap(), tempfile.TemporaryDirectory(prefix="badmac-keyless-"), 0

    def ask(self, talk, segs=None, **options):
        self.n += 1
        path = os.path.join(self.dir.name, "%d.pcap" % self.n)
        wire.write(path, [(talk.conv, segs or wire.segments(talk.conv))], **options)
        return judge.diagnose(path)

    def shows(self, name, talk, cause, off=None, says=None, confidence="supported", **kw):
        def run():
            rc, report, err = self.ask(talk, **kw)
            judge.want_exit(1, rc, report, err)
            found = judge.failures(report)
            judge.want([f["cause"] for f in found] == [cause], "causes %s" % [f["cause"] for f in found], report)
            f = found[0]
            judge.want(off is None or f["stream_offset"] == off, "at %s, expected %s" % (f["stream_offset"], off), report)
            judge.want(f["confidence"] == confidence, "confidence " + f["confidence"], report)
            judge.want(says is None or any(says in e for e in f["evidence"] + [f["summary"]]), "evidence %s" % f["evidence"])
            if f["proof"] and f["proof"]["method"] != "copy-choice":
                judge.want(f["proof"]["chance_log2"] <= -40, "chance %s" % f["proof"], report)
            judge.want(f["next_steps"], "no next step", report)
            if says is None:
                judge.want(f["damage"] == [] or f["damage"][0]["length"] > 0, "damage", report)
        self.tap.case(name, run)

    def silent(self, name, talk, detail=None, not_detail=None, **kw):
        """No failure, exit 3; detail: what is said all the same."""
        def run():
            rc, report, err = self.ask(talk, **kw)
            judge.want_exit(3, rc, report, err)
            judge.want(not judge.failures(report), "a failure", report)
            judge.want_counts(report, 0, 0, None)
            said = report["connections"][0]["undecided_detail"] or ""
            judge.want(detail is None or detail in said, "said: " + said)
            judge.want(not_detail is None or not_detail not in said, "said: " + said)
        self.tap.case(name, run)

    def replays(self):
        for suite in (GCM, CHACHA, CBC, TLS13):
            t = Talk("replay %x" % suite, suite).some()
            again = t.last().data
            t.say(C2S, 300).put(C2S, again)
            off = t.at(len(t.conv.items) - 1)
            self.shows("%x: a record sent again" % suite, t.complain(), "record-replayed", off, "over again")
            t = Talk("twin in the midst %x" % suite, suite).some()
            again = bytearray(t.last().data)
            again[len(again) // 2] ^= 1
            # A fingerprint is that of both ends: what is between them is compared too.
            if suite != GCM:
                self.shows("%x: a record sent again but for an octet in its midst" % suite,
                           t.say(C2S, 300).put(C2S, bytes(again)).complain(), "stale-data", says="stand at stream offset")
            t = Talk("twin %x" % suite, suite).some()
            again = bytearray(t.last().data)
            again[-1] ^= 1
            if suite != GCM:
                self.shows("%x: a record sent again but for one bit" % suite, t.say(C2S, 300).put(C2S, bytes(again)).complain(),
                           "stale-data", says="stand at stream offset")
            t = Talk("went on %x" % suite, suite).some()
            t.put(C2S, t.last().data)
            for _ in range(4):
                t.say(S2C, 200).say(C2S, 100)
            self.silent("%x: a record sent again, and its receiver goes on" % suite, t.complain())
            t = Talk("no word %x" % suite, suite).some()
            t.put(C2S, t.last().data)
            self.silent("%x: a record sent again, and nobody says anything" % suite, t, detail="over again")
            t = Talk("mirror %x" % suite, suite).some(S2C, 3).some(C2S, 3)
            echo = next(i.data for i in t.conv.items if i.direction == S2C and len(i) > 300)
            t.put(C2S, echo)
            self.shows("%x: a record of the other direction" % suite, t.complain(), "reflected-record",
                       t.at(len(t.conv.items) - 2), "its receiver had sent")

    def nonces(self):
        def talk(name, *nonces, after=2, complain=True):
            t = Talk(name, start=0x1122334455667788).some()
            base = t.nonce[C2S]
            for n in nonces:
                t.nonce[C2S] = base + n if abs(n) < 1 << 60 else n
                t.say(C2S, 500)
            for _ in range(after):
                t.say(C2S, 300)
            t.odd = len(t.conv.items) - after - len(nonces)
            return t.complain() if complain else t
        t = talk("back", -2, after=0)
        self.shows("nonces: one used before", t, "sequence-reused", t.at(t.odd), "count up by one")
        self.silent("nonces: one used before, no complaint", talk("back", -2, complain=False), detail="another record had it")
        t = talk("two writers", -1, 0)
        self.shows("nonces: the last one again, then on", t, "sequence-reused", t.at(t.odd))
        t = talk("swap", 1, 0, 2)
        self.shows("nonces: two changed places", t, "records-reordered", t.at(t.odd))
        self.silent("nonces: one skipped, an alert that cannot be read", talk("skip", 1), detail="count goes on from there")
        t = talk("skip", 1, complain=False)
        self.shows("nonces: one skipped, and bad_record_mac in the clear", t.put(S2C, BAD_RECORD_MAC), "record-missing", t.at(t.odd))
        t = talk("flip", 1 << 40, 1)
        self.shows("nonces: one bit of a nonce", t, "bits-flipped", t.at(t.odd))
        t = talk("garbled", 0x0102030405060708 << 4, 1)
        self.shows("nonces: a nonce garbled", t, "bytes-damaged", t.at(t.odd))
        t = talk("foreign", 0x0102030405060708 << 4, 0)
        self.shows("nonces: a record of another count", t, "bytes-inserted", t.at(t.odd))
        for n in (18, 300):
            t = Talk("zeros over %d" % n, start=0).some()
            t.put(C2S, record(23, bytes(n)))
            self.shows("nonces: %d zeros from the nonce on" % n, t.complain(), "bytes-damaged", t.at(len(t.conv.items) - 2),
                       "of one value")
        self.silent("nonces: they go on from elsewhere", talk("elsewhere", 0x0102030405060708 << 4), not_detail="nonces")
        t = Talk("random")
        for _ in range(12):
            t.nonce[C2S] = t.rng.getrandbits(64)
            t.say(C2S, 300)
        self.silent("nonces: drawn at random", t.complain(), not_detail="nonces")
        t = Talk("global")
        for i in range(12):
            t.nonce[C2S] += i % 3
            t.say(C2S, 300)
        self.silent("nonces: counted for several connections", t.complain(), not_detail="nonces")
        t = Talk("always", start=7)
        for _ in range(12):
            t.nonce[C2S] = 7
            t.say(C2S, 300)
        self.silent("nonces: always the same", t.complain(), not_detail="nonces")
        t = talk("goes on", -2, after=0, complain=False)
        for _ in range(4):
            t.say(S2C, 200).say(C2S, 100)
        self.silent("nonces: one used before, its receiver goes on", t.complain(), not_detail="nonces")
        t = Talk("gap", start=0x1122334455667788).some(size=1500)
        segs = wire.segments(t.some(size=1500).complain().conv, mss=700)
        hole = [i for i, s in enumerate(segs) if s.direction == C2S and len(s.data) == 700][-9]
        self.silent("nonces: skipped over a gap of the capture", t, segs=segs[:hole] + segs[hole + 1:], not_detail="nonces")

    def framing(self):
        http = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
        smtp = b"421 4.7.0 try again later\r\n"
        for suite in (GCM, CBC, TLS13):
            for text, what in ((http, "HTTP response"), (smtp, "SMTP")):
                t = Talk("text %x" % suite, suite).some()
                t.put(C2S, text, "raw").some()
                off = sum(len(i) for i in t.conv.items[:len(t.conv.items) - 7] if i.direction == C2S)
                self.shows("%x: %s between records" % (suite, what), t.complain(), "plaintext-injected", off, what)
            t = Talk("end %x" % suite, suite).some()
            t.put(C2S, http, "raw")
            self.shows("%x: text behind the last record" % suite, t.complain(), "plaintext-injected",
                       t.at(len(t.conv.items) - 2), 'it reads "HTTP')
            for at, bit in ((0, 0x40), (1, 0x20), (2, 0x80)):
                t = Talk("octet %d of a header %x" % (at, suite), suite).some()
                d = bytearray(t.last().data)
                d[at] ^= bit
                t.last().data = bytes(d)
                off = t.at(len(t.conv.items) - 1)
                self.shows("%x: octet %d of a header" % (suite, at), t.some(n=4).complain(), "header-damaged", off,
                           "but for one octet")
            t = Talk("closed %x" % suite, suite).some().complain(C2S).put(C2S, http, "raw")
            self.silent("%x: cleartext after TLS was closed" % suite, t.complain(), not_detail="readable")
            t = Talk("back to cleartext %x" % suite, suite).some().say(C2S, 60).complain()
            t.put(C2S, http, "raw").put(S2C, smtp, "raw")
            self.silent("%x: cleartext in both directions" % suite, t)
            t = Talk("no alert %x" % suite, suite).some()
            self.silent("%x: text behind the last record, nobody complains" % suite, t.put(C2S, http, "raw"), detail="readable")
            t = Talk("overwritten %x" % suite, suite).some()
            d = t.last().data
            t.last().data = d[:60] + (http * 2) + d[60 + 2 * len(http):]
            off = t.at(len(t.conv.items) - 1)
            self.shows("%x: text within a record" % suite, t.some(n=1).complain(), "plaintext-injected", off, "it reads")
        for suite in (GCM, TLS13):
            t = Talk("lost %x" % suite, suite)
            for _ in range(12):
                t.say(C2S, 1000)
            item = t.conv.items[-6]
            off = t.at(len(t.conv.items) - 6)
            whole = item.data
            item.data = whole[:200] + whole[207:]
            self.shows("%x: 7 octets lost" % suite, t.complain(), "bytes-missing", off)
            item.data = whole[:200] + b"\x00\xff\x80" * 9 + whole[200:]
            self.shows("%x: 27 octets put in" % suite, t, "bytes-inserted", off)
            item.data = whole[:3] + (len(whole) - 5 - 40).to_bytes(2, "big") + whole[5:]
            self.shows("%x: length changed" % suite, t, "header-damaged", off)
            one = Talk("unlike %x" % suite, suite).some(n=12)
            item = one.conv.items[-6]
            item.data = item.data[:200] + item.data[207:]
            self.shows("%x: octets lost where no two lengths are alike" % suite, one.complain(), "bytes-missing",
                       one.at(len(one.conv.items) - 7), "look alike", confidence="possible")
        t = Talk("garbage", GCM).some().put(C2S, b"\x99" * 700, "raw")
        self.silent("framing lost for good", t.complain())

    def repeats(self):
        for suite in (GCM, CBC, TLS13):
            def talk(name, change):
                t = Talk("%s %x" % (name, suite), suite).some(n=4, size=1200)
                i = len(t.conv.items) - 2
                t.conv.items[i].data = change(t.conv.items[i].data)
                return t.complain(), t.at(i)
            t, off = talk("zeros", lambda d: d[:300] + b"\0" * 64 + d[364:])
            self.shows("%x: 64 octets of zeros" % suite, t, "bytes-damaged", off, "are all 00")
            t, off = talk("few zeros", lambda d: d[:300] + b"\0" * 5 + d[305:])
            self.silent("%x: 5 octets of zeros" % suite, t, not_detail="all 00")
            t, off = talk("twice", lambda d: d[:700] + d[300:364] + d[764:])
            self.shows("%x: 64 octets that stand twice" % suite, t, "stale-data", off, "as well")
            t, off = talk("few twice", lambda d: d[:700] + d[300:306] + d[706:])
            self.silent("%x: 6 octets that stand twice" % suite, t, not_detail="as well")
        for suite in (RC4, CHACHA, TLS13, CBC):
            def begins(name, at, of, whole=False):
                t = Talk("%s %x" % (name, suite), suite).some(n=4, size=1200)
                i, j = len(t.conv.items) - 1, len(t.conv.items) - 3
                n = len(t.conv.items[j]) - 25 if whole else 200
                data, there = t.conv.items[i].data, t.conv.items[j].data
                t.conv.items[i].data = data[:5 + at] + there[5 + of:5 + of + n] + data[5 + at + n:]
                return t.complain(), t.at(i)
            cause = "stale-data" if suite == CBC else "sequence-reused"  # where an IV may have been drawn twice
            t, off = begins("equal starts", 0, 0)
            self.shows("%x: two records begin alike" % suite, t, cause, off)
            t, off = begins("all but the MAC", 0, 0, True)
            self.shows("%x: two records are alike up to the MAC" % suite, t, cause, off)
            t, off = begins("one octet on", 1, 1)
            self.shows("%x: alike from the second octet on" % suite, t, "stale-data", off)
            t, off = begins("from within", 0, 300)
            self.shows("%x: begins as the midst of another" % suite, t, "stale-data", off)
        t = Talk("null", NULL).some()
        t.put(C2S, record(23, b"\0" * 600)).put(C2S, record(23, b"lorem ipsum dolor sit amet, " * 20))
        self.silent("a suite without encryption", t.complain())

    def copies(self):
        def talk(name):
            t = Talk(name).some(size=900)
            t.complain()
            segs = wire.segments(t.conv)
            i = [n for n, s in enumerate(segs) if s.direction == C2S and len(s.data) > 1000][-2]
            s = segs[i]
            other = s.clone(data=s.data[:500] + bytes([s.data[500] ^ 0x10]) + s.data[501:])
            return t, segs, i, s, other
        t, segs, i, s, other = talk("copies")
        both = wire.retimed(segs[:i] + [s, other] + segs[i + 1:])
        self.silent("two copies that differ, an alert that cannot be read", t, segs=both, detail="carry different bytes")
        wrong = other.clone()
        wrong.bad_checksum = True
        self.silent("a copy with a bad checksum, sent again", t, segs=wire.retimed(segs[:i] + [wrong, s] + segs[i + 1:]),
                    not_detail="different")
        self.silent("a segment with a bad checksum, acknowledged", t, segs=wire.retimed(segs[:i] + [wrong] + segs[i + 1:]),
                    detail="acknowledged")
        t.conv.items[-1] = wire.Item(S2C, BAD_RECORD_MAC)
        segs = wire.segments(t.conv)
        self.shows("two copies that differ, and bad_record_mac in the clear", t, "retransmission-differs",
                   segs=wire.retimed(segs[:i] + [s, other] + segs[i + 1:]))
        self.shows("a bad checksum acknowledged, and bad_record_mac in the clear", t, "bytes-damaged",
                   segs=wire.retimed(segs[:i] + [wrong] + segs[i + 1:]))
        self.shows("bad_record_mac in the clear, and nothing odd", t, "unexplained", confidence="possible")

    def alerts(self):
        for suite, octets in ALERT.items():
            t = Talk("length %x" % suite, suite).some().complain()
            self.silent("%x: an alert of %d octets" % (suite, octets), t, detail="close_notify or bad_record_mac")
        t = Talk("late", GCM).some(n=8).complain()
        t.conv.items = [i for i in t.conv.items if len(i) > 300 or i.data[0] == 21]
        segs = [s for s in wire.segments(t.conv) if not s.flags & wire.SYN]
        self.silent("a capture that starts late: the length tells", t, segs=segs, detail="26 octets speak of TLS 1.2 with GCM")
        t = Talk("plain end", CHACHA).some()
        self.silent("no alert at all", t, not_detail="close_notify")

    def run(self):
        self.replays()
        self.nonces()
        self.framing()
        self.repeats()
        self.copies()
        self.alerts()
        self.dir.cleanup()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Keyless().run())
