#!/usr/bin/env python3
"""What can go wrong with records of DTLS: in associations made by hand of every version and kind of cipher, with and
without connection ids, and in recordings of real stacks. Each cause with its nearest miss."""
import os
import random
import sys

import dtls
import judge
import stacks
import wire
from dtls import DTLS10, DTLS12, DTLS13
from wire import C2S, S2C

# version, suite, encrypt-then-MAC, connection ids of client and server
KINDS = {"DTLS 1.0 CBC": (DTLS10, 0x002f, False, (b"", b"")), "DTLS 1.2 CBC": (DTLS12, 0x003d, False, (b"", b"")),
         "DTLS 1.2 CBC, encrypt-then-MAC": (DTLS12, 0x002f, True, (b"", b"")),
         "DTLS 1.2 GCM": (DTLS12, 0xc02f, False, (b"", b"")), "DTLS 1.2 CCM_8": (DTLS12, 0xc0a0, False, (b"", b"")),
         "DTLS 1.2 ChaCha20": (DTLS12, 0xcca8, False, (b"", b"")),
         "DTLS 1.2 CBC, connection ids": (DTLS12, 0x002f, False, (b"abc", b"defgh")),
         "DTLS 1.2 GCM, connection ids": (DTLS12, 0xc030, False, (b"", b"defgh")),
         "DTLS 1.3 GCM": (DTLS13, 0x1301, False, (b"", b"")), "DTLS 1.3 ChaCha20": (DTLS13, 0x1303, False, (b"", b"")),
         "DTLS 1.3 GCM, connection ids": (DTLS13, 0x1302, False, (b"abc", b"defgh"))}
DAMAGE = {"bits-flipped", "tag-damaged"}


class Dtls:
    def __init__(self):
        self.lab, self.tap, self.jobs, self.counter = stacks.Lab(), judge.Tap(), [], 0

    def case(self, what, function, *args, **kw):
        self.jobs.append((self.tap.case, what, lambda: function(*args, **kw)))

    def diagnose(self, parts, logs):
        self.counter += 1
        path = self.lab.path("dtls-%d-%s" % (self.counter, random.randbytes(4).hex()))
        wire.write(path + ".pcap", parts)
        with open(path + ".keys", "w") as f:
            f.write("".join(logs))
        found = judge.diagnose(path + ".pcap", [path + ".keys"])
        os.unlink(path + ".pcap")
        return found

    def ask(self, a, conv=None, segs=None):
        conv = conv or a.conv
        return self.diagnose([(conv, segs or wire.segments(conv))], [a.key_log()])

    def one(self, a, cause, lost=1, conv=None, confidence="proven", segs=None, **fields):
        """One failure of the client, and all but `lost` of the records verify."""
        rc, report, err = self.ask(a, conv, segs)
        judge.want_exit(1, rc, report, err)
        found = judge.failures(report)
        judge.want(len(found) == 1, "%d failures" % len(found), report)
        f = found[0]
        causes = {cause} if isinstance(cause, str) else cause
        judge.want(f["cause"] in causes, "cause %s, expected %s" % (f["cause"], causes), report)
        judge.want(f["confidence"] == confidence, "confidence " + f["confidence"], report)
        judge.want(f["stream_offset"] is None and f["direction"] == "client_to_server", "place", report)
        contains = fields.pop("contains", None)
        for k, v in fields.items():
            judge.want(f[k] == v, "%s %r, expected %r" % (k, f[k], v), report)
        text = " ".join(f["evidence"])
        judge.want(contains is None or contains in text, "evidence: " + text)
        judge.want("stream offset" not in text, "evidence: " + text)
        judge.want_counts(report, a.sealed - lost, 1, 0)
        return f

    # Associations -----------------------------------------------------------------------------------

    @staticmethod
    def begin(name, seed=1, **kw):
        version, suite, etm, cid = KINDS[name]
        a = dtls.Association(version, suite, etm, cid, seed, **kw)
        for n in range(4):
            a.data(C2S, 100 + n)
            a.data(S2C, 90)
        return a

    @staticmethod
    def end(a, extra=0):
        """Three more both ways. sealed: how many records there are in all."""
        for n in range(3):
            a.data(C2S, 50 + n)
            a.data(S2C, 90)
        a.sealed = sum(a.next.values()) + extra
        return a

    def with_record(self, name, make, extra=0):
        """make(association, its next number) gives a datagram of the client."""
        a = self.begin(name)
        seq = a.number(C2S, a.epoch)
        i = a.send(C2S, make(a, seq))
        self.end(a, extra)
        return a, i, seq

    # Damage -----------------------------------------------------------------------------------------

    def changed(self, a, i, at, data):
        conv = a.conv.copy()
        b = conv.items[i].data
        conv.items[i].data = b[:at] + data + b[at + len(data):]
        return conv

    @staticmethod
    def header_len(a):
        return (5 if a.tls13 else 13) + len(a.cid[S2C])

    def octets(self, name, two, places, mask=None):
        """Each of some octets of a datagram with a bit of it flipped. two: another record stands behind."""
        a = self.begin(name)
        seq = a.number(C2S, a.epoch)
        first = a.record(C2S, a.epoch, seq, a.content(60))
        rest = [a.record(C2S, a.epoch, a.number(C2S, a.epoch), a.content(80))] if two else []
        i = a.send(C2S, first, *rest)
        self.end(a)
        rng = random.Random(name)
        for at in places(self.header_len(a), len(first)):
            was = first[at]
            conv = self.changed(a, i, at, bytes([was ^ (mask or 1 << rng.randrange(8))]))
            cause = "header-damaged" if at < self.header_len(a) else DAMAGE if mask is None else {"bytes-damaged", "tag-damaged"}
            f = self.one(a, cause, conv=conv, sequence_number=seq, epoch=a.epoch, packets=[i + 1])
            d = f["damage"]
            judge.want([(x["record_offset"], x["sent"], x["packet_offset"]) for x in d] == [(at, "%02x" % was, 42 + at)],
                       "octet %d: damage %s" % (at, d))
            judge.want(f["checksum"] == {"as_captured": "valid", "as_sent": "invalid"}, "checksum %s" % f["checksum"])
            judge.want("capture" not in f["at_fault"], "at_fault %s" % f["at_fault"])

    def runs(self, name):
        """Damage in and over the octets that the number's mask is made from: five in a row, two bits, swapped words."""
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(60)))
        head, b = self.header_len(a), a.conv.items[i].data
        for at in (head, head + 9, head + 14, head + 30):
            data = bytes(x ^ 0x5a for x in b[at:at + 5])
            self.one(a, "bytes-damaged", conv=self.changed(a, i, at, data), sequence_number=seq)
            data = bytes([b[at] ^ 1]) + b[at + 1:at + 5] + bytes([b[at + 5] ^ 0x80])
            self.one(a, "bits-flipped", conv=self.changed(a, i, at, data), sequence_number=seq)
        at = head if a.tls13 else head + 8
        data = b[at + 6:at + 8] + b[at + 2:at + 6] + b[at:at + 2]
        self.one(a, "words-swapped", conv=self.changed(a, i, at, data), sequence_number=seq)

    def number_and_sample(self, name, loss):
        """Records are lost around one whose first octets are damaged: its number is one of those missing."""
        a = self.begin(name)
        for _ in range(loss):
            a.number(C2S, a.epoch)
        seq = a.number(C2S, a.epoch)
        i = a.send(C2S, a.record(C2S, a.epoch, seq, a.content(60)))
        a.number(C2S, a.epoch)
        self.end(a, -loss - 1)
        at = self.header_len(a) + 3
        b = a.conv.items[i].data
        self.one(a, "bits-flipped", conv=self.changed(a, i, at, bytes([b[at] ^ 4])), sequence_number=seq,
                 contains="its neighbours")

    def too_much(self, name):
        """More damage than anything can be shown about, of a body, of all but the header's start, of all."""
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(200)))
        n, head = len(a.conv.items[i].data), self.header_len(a)
        noise = random.Random(7).randbytes(n)
        f = self.one(a, "unexplained", conv=self.changed(a, i, head, noise[head:]), confidence="supported",
                     sequence_number=seq)
        ruled = sorted(r["cause"] for r in f["ruled_out"])
        due = judge.CAUSES - {"unexplained"}
        judge.want(ruled == sorted(due), "not ruled out: %s" % sorted(due ^ set(ruled)))
        for r in f["ruled_out"]:
            if r["cause"] in ("record-missing", "records-reordered"):
                judge.want(r["because"].startswith("not in DTLS"), r["because"])
        conv = self.changed(a, i, 0, bytes([200]) + noise[1:])
        rc, report, err = self.ask(a, conv)
        judge.want_exit(3, rc, report, err)
        judge.want_counts(report, a.sealed - 1, 0, 1)
        judge.want("no record of DTLS" in report["connections"][0]["undecided_because"], "because", report)

    def behind(self, name):
        """What stands behind a bad record is judged by itself."""
        a = self.begin(name)
        numbers = [a.number(C2S, a.epoch) for _ in range(4)]
        records = [a.record(C2S, a.epoch, n, a.content(40 + n)) for n in numbers]
        i = a.send(C2S, *records)
        self.end(a)
        head = self.header_len(a)
        for nth, r in enumerate(records):
            off = sum(len(x) for x in records[:nth])
            noise = random.Random(nth).randbytes(len(r) - head)
            self.one(a, "unexplained", conv=self.changed(a, i, off + head, noise), confidence="supported",
                     sequence_number=numbers[nth], length=len(r))
            # A length that is wrong, and a body: where the next one stands, its MAC says.
            for n in (len(r) - head + 3, len(r) - head - 5, 0xffff, 40000, 1, 0):
                bad = n.to_bytes(2, "big")
                if bad == r[head - 2:head]:
                    continue
                self.one(a, "header-damaged", conv=self.changed(a, i, off + head - 2, bad), sequence_number=numbers[nth])
                self.one(a, "unexplained", conv=self.changed(a, i, off + head - 2, bad + noise[:-1]), confidence="supported")
        # Two bad ones in a row are two failures.
        conv = self.changed(a, i, head + 5, random.Random(1).randbytes(20))
        at = len(records[0]) + head + 5
        conv.items[i].data = conv.items[i].data[:at] + random.Random(2).randbytes(20) + conv.items[i].data[at + 20:]
        rc, report, err = self.ask(a, conv)
        judge.want_exit(1, rc, report, err)
        judge.want_counts(report, a.sealed - 2, 2, 0)

    def cut(self, name):
        """A snap length cuts the second record of a datagram: nothing can be said of it, and the first one is good."""
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(60)) + a.record(
            C2S, a.epoch, a.number(C2S, a.epoch), a.content(200)))
        segs = wire.segments(a.conv)
        data = bytearray(wire.capture_bytes([(a.conv, segs)]))
        off = 24
        for _ in range(i):
            off += 16 + int.from_bytes(data[off + 8:off + 12], "little")
        n = int.from_bytes(data[off + 8:off + 12], "little")
        data[off + 8:off + 12] = (n - 50).to_bytes(4, "little")
        del data[off + 16 + n - 50:off + 16 + n]
        path = self.lab.path("cut-%s" % random.randbytes(4).hex())
        with open(path + ".pcap", "wb") as f:
            f.write(data)
        with open(path + ".keys", "w") as f:
            f.write(a.key_log())
        rc, report, err = judge.diagnose(path + ".pcap", [path + ".keys"])
        judge.want_exit(3, rc, report, err)
        judge.want_counts(report, a.sealed - 1, 0, 1)

    # Headers ----------------------------------------------------------------------------------------

    def headers(self, name):
        """Whole fields of the header are others."""
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(60)))
        b = a.conv.items[i].data
        if a.tls13:
            others = {0: [bytes([b[0] ^ x]) for x in (1, 2, 3, 4, 8, 0x10, 0x40, 0x80, 0xff)],
                      self.header_len(a) - 4: [b"\0\0", b"\xff\xff"]}
        else:
            others = {0: [b"\x14", b"\x16", b"\x18", b"\x19", b"\x00", b"\xff"], 1: [b"\3\3", b"\xfe\xff", b"\0\0"],
                      3: [b"\0\0", b"\0\2", b"\1\1", b"\xff\xff"], 5: [bytes(6), b"\xff" * 6, b"\0\0\0\0\xff\xff"]}
        if a.cid[S2C]:
            others[1 if a.tls13 else 11] = [b"other", bytes(5)]
        for at, values in others.items():
            for v in values:
                if v != b[at:at + len(v)]:
                    self.one(a, "header-damaged", conv=self.changed(a, i, at, v), sequence_number=seq, epoch=a.epoch,
                             packets=[i + 1])
        # A header that was made of something else altogether, and one with a body that was damaged as well.
        head = self.header_len(a)
        self.one(a, "header-damaged", conv=self.changed(a, i, 0, random.Random(3).randbytes(head)), sequence_number=seq)
        noisy = self.changed(a, i, head + 20, random.Random("noise" + name).randbytes(30))
        noisy.items[i].data = noisy.items[i].data[:head - 1] + bytes([noisy.items[i].data[head - 1] ^ 4]) + \
            noisy.items[i].data[head:]
        self.one(a, "unexplained", conv=noisy, confidence="supported")

    def without_length(self, name):
        """DTLS 1.3: the last record of a datagram without its length, the number in one octet."""
        def make(a, seq):
            return a.record(C2S, 3, seq, a.content(60), short=True) + a.record(
                C2S, 3, a.number(C2S, 3), a.content(60), short=True, no_length=True)
        a, i, seq = self.with_record(name, make)
        b = a.conv.items[i].data
        rc, report, err = self.ask(a)
        judge.want_exit(0, rc, report, err)
        judge.want_counts(report, a.sealed, 0, 0)
        rng = random.Random(name)
        for at in range(len(b)):
            self.one(a, DAMAGE | {"header-damaged"}, conv=self.changed(a, i, at, bytes([b[at] ^ 1 << rng.randrange(8)])))

    # Numbers ----------------------------------------------------------------------------------------

    def duplicates(self, name):
        """A datagram that comes twice, at once and later, before its time and never: no fault."""
        a = self.begin(name)
        i, _ = a.data(C2S, 80)
        a.send(C2S, a.conv.items[i].data)
        self.end(a)
        a.send(C2S, a.conv.items[i].data)
        segs = wire.segments(a.conv)
        first = next(n for n, s in enumerate(segs) if n > i and s.direction == C2S)
        order = segs[:first] + segs[first + 3:first + 5] + segs[first:first + 3] + segs[first + 6:]
        for s in (segs, order):
            rc, report, err = self.ask(a, None, s)
            judge.want_exit(0, rc, report, err)
            judge.want(not judge.failures(report), "failures", report)
            judge.want_counts(report, None, 0, 0)

    def reused(self, name):
        a = self.begin(name)
        i, seq = a.data(C2S, 80)
        a.send(C2S, a.record(C2S, a.epoch, seq, a.content(95)))
        a.send(C2S, a.conv.items[i].data)  # the network's doing
        self.end(a, 2)
        f = self.one(a, "sequence-reused", sequence_number=seq, epoch=a.epoch, damage=[], contains="packet %d," % (i + 1))
        judge.want(f["at_fault"] == ["sender-application", "sender-tls"], "at_fault %s" % f["at_fault"])
        judge.want(f["proof"]["method"] == "verified-as-captured", "proof %s" % f["proof"])
        # Damaged on top of that: it is nothing but damaged.
        at = self.header_len(a) + 30
        b = a.conv.items[i + 1].data
        self.one(a, "bits-flipped", conv=self.changed(a, i + 1, at, bytes([b[at] ^ 1])))

    def old_body(self, name):
        """Old ciphertext under a new number."""
        a = self.begin(name)
        i, seq = a.data(C2S, 80)
        b, n = a.conv.items[i].data, a.number(C2S, a.epoch)
        a.send(C2S, b[:5] + n.to_bytes(6, "big") + b[11:])
        self.end(a)
        self.one(a, "record-replayed", sequence_number=n, contains="packet %d," % (i + 1))

    # Other keys -------------------------------------------------------------------------------------

    def reflected(self, name):
        a = self.begin(name)
        i, _ = a.data(S2C, 80)
        a.send(C2S, a.conv.items[i].data)
        self.end(a, 1)
        self.one(a, "reflected-record", contains="packet %d," % (i + 1) if a.cid == (b"", b"") else "other direction")
        # One that was lost on its way there.
        a, i, _ = self.with_record(name, lambda a, seq: a.record(S2C, a.epoch, a.number(S2C, a.epoch), a.content(80)), -1)
        self.one(a, "reflected-record", contains="the keys of the other direction")

    def other_keys(self, name):
        """Keys of nobody: nothing fits."""
        rng = random.Random(5)

        def make(a, seq):
            k = a.keys[C2S, a.epoch]
            mine = dtls.Keys(k.mac_key and rng.randbytes(len(k.mac_key)), rng.randbytes(len(k.key)), k.iv, k.number_key)
            return a.record(C2S, a.epoch, seq, a.content(80), keys=mine)
        a, i, seq = self.with_record(name, make)
        self.one(a, "unexplained", confidence="supported", sequence_number=seq)

    def foreign(self, name):
        other = self.begin(name, seed=2, client=("192.0.2.77", 7777))
        stray = other.record(C2S, other.epoch, other.number(C2S, other.epoch), other.content(80))
        self.end(other, -1)
        a, i, _ = self.with_record(name, lambda a, seq: stray)
        parts = wire.in_turn([other.conv, a.conv])
        for logs, cause in (([other.key_log(), a.key_log()], "foreign-record"), ([a.key_log()], "unexplained")):
            rc, report, err = self.diagnose(parts, logs)
            judge.want_exit(1, rc, report, err)
            found = judge.failures(report)
            judge.want([f["cause"] for f in found] == [cause], "causes", report)
            judge.want(cause != "foreign-record" or "192.0.2.77:7777" in " ".join(found[0]["evidence"]), "evidence", report)

    def earlier(self, name):
        """A datagram of the association before, on the same addresses and ports."""
        old = self.begin(name, seed=2)
        late = old.record(C2S, old.epoch, old.number(C2S, old.epoch), old.content(80))
        a, i, _ = self.with_record(name, lambda a, seq: late)
        old.conv.items += a.conv.items
        rc, report, err = self.diagnose([(old.conv, wire.segments(old.conv))], [old.key_log(), a.key_log()])
        judge.want_exit(1, rc, report, err)
        judge.want([f["cause"] for f in judge.failures(report)] == ["foreign-record"], "causes", report)
        judge.want(report["summary"]["connections"] == 2, "connections", report)

    def wrong_epoch(self, name):
        for right_mask in (False, True):
            a, i, seq = self.with_record(name, lambda a, seq: a.record(
                C2S, 3, seq, a.content(80), keys=a.keys[C2S, 2], number_keys=a.keys[C2S, 3 if right_mask else 2]))
            self.one(a, "wrong-epoch", epoch=3, contains="epoch 2", sequence_number=seq)

    def wrong_epoch_12(self, name):
        """After another handshake: keys that should be gone, and a header that only says so."""
        a = self.begin(name)
        a.renegotiate()
        a.data(C2S, 80)
        seq = a.number(C2S, 2)
        i = a.send(C2S, a.record(C2S, 2, seq, a.content(80), keys=a.keys[C2S, 1]))
        self.end(a)
        self.one(a, "wrong-epoch", epoch=2, contains="the keys of epoch 1; its header says epoch 2", sequence_number=seq)
        conv = a.conv.copy()
        b = a.record(C2S, 2, seq, a.content(80))
        for epoch in (b"\0\1", b"\0\3", b"\0\0"):
            conv.items[i].data = b[:3] + epoch + b[5:]
            self.one(a, "header-damaged", conv=conv, epoch=2, sequence_number=seq, contains="what differs is its epoch")
        # By both it is nobody's.
        conv.items[i].data = b[:3] + b"\0\1" + b[5:40] + bytes(x ^ 0x3c for x in b[40:70]) + b[70:]
        self.one(a, "unexplained", conv=conv, confidence="supported")

    def wrong_keys(self, name):
        a = self.end(self.begin(name))
        a.log = [line[:-4] + "0000" for line in a.log]
        rc, report, err = self.ask(a)
        judge.want_exit(3, rc, report, err)
        judge.want_counts(report, 0, 0, None)
        judge.want({f["cause"] for f in judge.failures(report)} == {"wrong-keys"}, "causes", report)

    # Rules ------------------------------------------------------------------------------------------

    def rules(self, name):
        a = self.begin(name)
        epoch, found = a.epoch, {}
        if a.tls13:
            found["the epoch before the number"] = (lambda seq: {"nonce_number": epoch << 48 | seq}, "the epoch before")
            found["no associated data"] = (lambda seq: {"aad": lambda header: b""}, "no associated data")
        else:
            found["version of TLS 1.2"] = (lambda seq: {"mac_version": 0x0303}, "version 3.3 (TLS 1.2)")
            found["version of DTLS 1.0"] = (lambda seq: {"mac_version": 0xfeff}, "version 254.255")
            found["number without epoch"] = (lambda seq: {"mac_number": seq.to_bytes(8, "big")}, "without its epoch")
            if a.cid[S2C]:
                found["connection id of the drafts"] = (lambda seq: {"old_cid": True}, "drafts of RFC 9146")
            if a.kind == "cbc":
                found["the other order"] = (lambda seq: {"etm": not a.etm}, "encrypt-then-MAC")
                found["80 bits"] = (lambda seq: {"mac_len": 10}, "80 bits")
        for what, (how, contains) in found.items():
            if "1.0" in what and a.version == DTLS10:
                continue
            b, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, epoch, seq, a.content(80), **how(seq)))
            self.one(b, "mac-construction", contains=contains, at_fault=["sender-tls"], sequence_number=seq)
            # All of them, and nobody complains.
            c = self.begin(name)
            c.conv.items = [x for x in c.conv.items if c.version == DTLS13 or x.data[0] != 20][:4 if c.tls13 else 3]
            if (b"" in a.cid) != (a.cid == (b"", b"")) and "id" in what:
                continue
            for d in (C2S, S2C):
                for n in range(4):
                    c.send(d, c.record(d, epoch, n, c.content(80), **how(n)))
            rc, report, err = self.ask(c)
            judge.want(rc == 3, "%s: exit %d" % (what, rc), report)
            judge.want({f["cause"] for f in judge.failures(report)} <= {"mac-construction", "wrong-keys"}, "causes", report)
        rng = random.Random(8)
        b, i, seq = self.with_record(name, lambda a, seq: a.record(
            C2S, epoch, seq, rng.randbytes(120), spoil=lambda m: rng.randbytes(len(m))))
        self.one(b, "unexplained", confidence="supported")

    def padding(self, name):
        for how in (lambda n: bytes([n]) * n, lambda n: bytes([0] * (n + 31) + [n + 31])):
            a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(82), padding=how))
            self.one(a, "bad-padding", at_fault=["sender-tls"], sequence_number=seq)
        a, i, seq = self.with_record(name, lambda a, seq: a.record(
            C2S, a.epoch, seq, a.content(82), padding=lambda n: bytes([n + 15]) * (n + 16)))
        rc, report, err = self.ask(a)
        judge.want_exit(0, rc, report, err)

    def no_inner_type(self, name):
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, 3, seq, a.content(80), no_type=True))
        self.one(a, "bad-padding", at_fault=["sender-tls"], contains="no content type", sequence_number=seq)

    # Packets ----------------------------------------------------------------------------------------

    def over_written(self, name):
        """Ciphertext of a failed record that stands in another one, and runs of one value."""
        a = self.begin(name)
        here = [a.data(C2S, 600)[0] for _ in range(2)]
        self.end(a)
        first, second = (a.conv.items[i].data for i in here)
        noise = random.Random(9).randbytes(60)
        conv = self.changed(a, here[0], 200, bytes(100))
        self.one(a, "bytes-damaged", conv=conv, contains="are all 00")
        conv = self.changed(a, here[0], 300, noise)
        conv.items[here[1]].data = second[:150] + first[100:180] + second[230:]
        rc, report, err = self.ask(a, conv)
        judge.want_exit(1, rc, report, err)
        found = judge.failures(report)
        judge.want([f["cause"] for f in found] == ["stale-data"] * 2, "causes", report)
        judge.want("stream" not in " ".join(e for f in found for e in f["evidence"]), "evidence", report)

    def checksums(self, name):
        a, i, seq = self.with_record(name, lambda a, seq: a.record(C2S, a.epoch, seq, a.content(80)))
        at = self.header_len(a) + 20
        conv = self.changed(a, i, at, bytes([a.conv.items[i].data[at] ^ 1]))
        segs = wire.segments(conv)
        segs[i].bad_checksum = True
        f = self.one(a, "bits-flipped", conv=conv, segs=segs)
        judge.want(f["checksum"]["as_captured"] == "invalid", "checksum %s" % f["checksum"])
        judge.want("may never have seen it" in " ".join(f["evidence"]), "evidence %s" % f["evidence"])

    # Real stacks ------------------------------------------------------------------------------------

    def openssl(self, version, suite):
        log = self.lab.path("openssl-%s-%s.keys" % (version, suite))
        server = self.lab.openssl_server(version, "-cipher", suite + ":@SECLEVEL=0", "-mtu", "1400", keylog=log, rev=False)
        with stacks.Relay(server.port, udp=True) as relay:
            p = self.lab.start("openssl", "s_client", "-connect", "127.0.0.1:%d" % relay.port, version, "-quiet",
                               "-no_ign_eof", "-mtu", "1400", "-cipher", suite + ":@SECLEVEL=0")
            stacks.chat(p, server, stacks.SMALL_MESSAGES)
            p.finish()
            conv = relay.recorded()[0]
        server.stop()
        return conv, log

    def gnutls(self, version, cipher, mac):
        priority = "NONE:+VERS-%s:+%s:+%s:+RSA:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%%COMPAT" % (version, cipher, mac)
        port, log = stacks.free_port(True), self.lab.path("gnutls-%s-%s.keys" % (version, cipher))
        server = self.lab.start("gnutls-serv", "--echo", "-p", str(port), "--x509certfile", "rsa.crt", "--x509keyfile",
                                "rsa.key", "--priority", priority, "--disable-client-cert", "--udp")
        server.wait_for(rb"listening on|IPv4")
        with stacks.Relay(port, udp=True) as relay:
            p = self.lab.start("gnutls-cli", "--insecure", "--no-ca-verification", "-p", str(relay.port), "--priority",
                               priority, "--udp", "127.0.0.1", env={"SSLKEYLOGFILE": log})
            p.wait_for(rb"Simple Client Mode")
            for n, size in enumerate((6, 700, 200, 1000, 33)):
                stacks.echo_chat(p, [stacks.line(size)], n)
            p.finish()
            conv = relay.recorded()[0]
        server.stop()
        return conv, log

    def recorded(self, recording):
        """A record of real stacks with its header, its body, its place changed."""
        conv, log = recording()
        with open(log) as f:
            keys = f.read()
        protected = [r for r in conv.protected(C2S) if r.type == wire.APPLICATION]
        target = protected[len(protected) // 2]
        i, total = target.item_index, len(conv.protected())

        def ask(changed, segs=None):
            return self.diagnose([(changed, segs or wire.segments(changed))], [keys])

        def want(cause, changed, verified=total - 1, **fields):
            rc, report, err = ask(changed)
            judge.want_exit(1, rc, report, err)
            found = judge.failures(report)
            judge.want([f["cause"] for f in found] in [[c] for c in (cause if isinstance(cause, set) else {cause})],
                       "causes %s" % [f["cause"] for f in found], report)
            judge.want_counts(report, verified, 1, 0)
            for k, v in fields.items():
                judge.want(found[0][k] == v, "%s %r" % (k, found[0][k]), report)

        def changed(at, data):
            c = conv.copy()
            b = c.items[i].data
            at += target.off
            c.items[i].data = b[:at] + data + b[at + len(data):]
            return c
        rc, report, err = ask(conv)
        judge.want_exit(0, rc, report, err)
        judge.want_counts(report, total, 0, 0)
        rng, b = random.Random(total), target.data
        for at in (0, 1, 2, 4, 7, 10, 11, 12):
            want("header-damaged", changed(at, bytes([b[at] ^ 1 << rng.randrange(8)])), sequence_number=target.seq)
        for at in (13, len(b) // 2, len(b) - 1):
            want(DAMAGE, changed(at, bytes([b[at] ^ 1 << rng.randrange(8)])), sequence_number=target.seq)
        want("unexplained", changed(13, rng.randbytes(len(b) - 13)), sequence_number=target.seq)
        back = next(r for r in conv.protected(S2C) if r.type == wire.APPLICATION)
        reflected = conv.copy()
        reflected.items.insert(back.item_index + 1, wire.Item(C2S, conv.items[back.item_index].data, "datagram"))
        want("reflected-record", reflected, total)
        rc, report, err = ask(conv, wire.duplicated(wire.segments(conv), rng))
        judge.want_exit(0, rc, report, err)
        judge.want(not judge.failures(report), "failures", report)

    def run(self):
        for name, (version, _, _, cid) in KINDS.items():
            tls13, cbc = version == DTLS13, "CBC" in name

            def add(what, function, *args, name=name):
                self.case("%s: %s" % (name, what), function, name, *args)
            add("a bit of each octet of the header", self.octets, False, lambda head, n: range(head))
            add("a bit of each octet of the header, another record behind", self.octets, True, lambda head, n: range(head))
            add("a bit of each octet of the body", self.octets, True, lambda head, n: range(head, n, 1 if tls13 else 5))
            add("an octet of the body", self.octets, False, lambda head, n: range(head, n, 3), 0xff)
            # 64 bits of tag leave little to prove.
            add("runs, swaps", self.runs) if not cbc and "CCM_8" not in name else None
            add("more than can be shown", self.too_much)
            add("records behind a bad one", self.behind)
            add("cut by a snap length", self.cut)
            add("other headers", self.headers)
            add("doubled, late", self.duplicates)
            add("a number used twice", self.reused)
            add("came back", self.reflected)
            add("keys of nobody", self.other_keys)
            add("of another association", self.foreign)
            add("of an earlier association", self.earlier)
            add("wrong key log", self.wrong_keys)
            add("other rules", self.rules)
            add("checksums", self.checksums)
            add("written over", self.over_written)
            if tls13:
                for loss in (0, 1, 3):
                    add("first octets, %d lost before" % loss, self.number_and_sample, loss)
                add("without length", self.without_length)
                add("keys of another epoch", self.wrong_epoch)
                add("no inner type", self.no_inner_type)
            else:
                add("keys of another epoch", self.wrong_epoch_12)
                add("old ciphertext under a new number", self.old_body)
            if cbc and "encrypt-then" not in name:
                add("padding", self.padding)
        for version, suite in (("-dtls1", "AES128-SHA"), ("-dtls1_2", "AES128-SHA256"), ("-dtls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
                               ("-dtls1_2", "ECDHE-RSA-CHACHA20-POLY1305"), ("-dtls1_2", "AES128-CCM")):
            self.case("openssl %s %s" % (version, suite), self.recorded, lambda version=version, suite=suite: self.openssl(
                version, suite))
        if stacks.have("gnutls-cli", "gnutls-serv"):
            for version, cipher, mac in (("DTLS1.0", "AES-128-CBC", "SHA1"), ("DTLS1.2", "AES-128-GCM", "AEAD")):
                self.case("gnutls %s %s" % (version, cipher), self.recorded, lambda version=version, cipher=cipher, mac=mac:
                          self.gnutls(version, cipher, mac))
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "2")))
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Dtls().run())
