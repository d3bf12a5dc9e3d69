#!/usr/bin/env python3
"""Every cause under every kind of protection: recordings of real stacks, damaged in every way that a cause is named for, at
seeded places, in short, middle and long records of both directions. Each is one failure with its cause, place, number,
octets and parties, or, where no proof can exist, the answer that is honest (HONEST, below). Prints a table."""
import collections
import os
import random
import re
import sys
import time

import damage
import families
import judge
import seal
import stacks
import wire
from test_senders import Senders
from wire import C2S, S2C

SIZES = {"short": (30, 130), "middle": (500, 4100), "long": (7000, 16500)}
BYTES = ("bits-flipped", "bytes-damaged", "words-swapped", "tag-damaged", "header-damaged", "stale-data",
         "retransmission-differs")
FIRST = {"record-replayed": "sender-application", "records-reordered": "sender-application",
         "record-missing": "sender-application", "sequence-reused": "sender-application", "wrong-epoch": "sender-tls",
         "reflected-record": "network", "foreign-record": "sender-application",
         "records-interleaved": "sender-application", "plaintext-injected": "sender-application",
         "bytes-inserted": "sender-application", "bytes-missing": "sender-application", "mac-construction": "sender-tls",
         "bad-padding": "sender-tls", "sender-miscomputed": "sender-tls", "wrong-keys": "configuration",
         "plaintext-alert": "configuration", "record-was-good": "receiver-tls", "capture-incomplete": "capture"}
SHAPED = r"(cache lines?|pages?)(, |$)|multiple of \d+ octets apart: cache|the run (begins|ends) where the payload of packet"
NEVER_PROVEN = {"sender-miscomputed", "unexplained", "record-was-good", "capture-incomplete", "plaintext-alert",
                "wrong-keys", "bytes-missing", "bytes-inserted", "plaintext-injected"}

EFFORTS = ("TLS 1.2 GCM-128", "TLS 1.3 ChaCha20", "TLS 1.2 CBC-SHA1")
# TLS 1.2 and before: by renegotiation; TLS 1.3: by KeyUpdate.
REKEYED = ("TLS 1.1 CBC-SHA1", "TLS 1.2 CBC-SHA256 EtM", "TLS 1.2 GCM-256", "TLS 1.2 ChaCha20", "TLS 1.2 CCM",
           "TLS 1.3 GCM-128", "TLS 1.3 ChaCha20")
# Where the honest answer is another: cause and variant (a regular expression over "cause: variant, size"), the kinds of
# protection it holds for, the answers that are right, and why.
HONEST = [
    (r"^bits-flipped: two bits far.*(middle|long)", lambda f: f.mac, {"bits-flipped", "unexplained"},
     "HMAC has no algebra: pairs of bits that are far apart are all tried in short records alone"),
    (r"^bits-flipped: two bits near, long", lambda f: f.mac, {"bits-flipped", "unexplained"},
     "the same: four million pairs of 16 KB take longer than a failure may"),
    (r"^bits-flipped: two", lambda f: f.kind == "ccm8", {"bits-flipped", "unexplained"},
     "64 bits of tag prove no pair of bits, but in one octet"),
    (r"^bytes-damaged: (1 octets, long|[37])", lambda f: f.mac, {"bytes-damaged", "unexplained"},
     "HMAC: the values of one octet can be tried, in 16 KB only with more effort, those of three cannot"),
    (r"^bytes-damaged: (1 octets, long|[37])", lambda f: f.kind == "ccm8", {"bytes-damaged", "unexplained"},
     "64 bits of tag prove one octet at most"),
    (r"^bytes-damaged: 7", lambda f: f.kind == "ccm", {"bytes-damaged", "unexplained"},
     "over the boundary of two blocks CCM leaves room for two octets on one side"),
    (r"^words-swapped: .*distant, long", lambda f: f.mac, {"words-swapped", "unexplained"},
     "HMAC: words far apart in 16 KB are tried with more effort"),
    (r"^words-swapped: .*distant", lambda f: f.kind == "ccm8", {"words-swapped", "unexplained"},
     "64 bits of tag prove no pair of places"),
    (r"^tag-damaged: six", lambda f: f.kind == "ccm8", {"unexplained"}, "two octets of the tag would prove nothing"),
    (r"^sender-miscomputed", lambda f: f.rc4 or f.kind in ("ccm8", "null"), {"unexplained"},
     "damage of a few octets spoils no others, and not all of it was excluded"),
    (r"^bits-flipped: one bit of the (first|last)", lambda f: f.mte and f.sealer is None, {"bits-flipped", "tag-damaged"},
     "how much of so short a record is its MAC is not known here"),
    (r"^tag-damaged: [37] octets", lambda f: f.mte, {"tag-damaged", "bytes-damaged", "bits-flipped", "unexplained"},
     "CBC with the MAC inside: three octets on the wire are too many to be tried"),
    (r"^(bytes-inserted|plaintext-injected): in a record", lambda f: f.iv_chained and f.mte,
     {"bytes-inserted", "plaintext-injected", "unexplained"}, "in the last block it takes the next record's IV along"),
    (r"^sender-miscomputed", lambda f: f.mte, {"sender-miscomputed", "unexplained"},
     "content of fewer than 4 octets in the block that the MAC begins in cannot be judged"),
    (r"^tag-damaged: (a bit|2 and)", lambda f: f.mte, {"tag-damaged", "bits-flipped", "bytes-damaged", "bad-padding",
                                                             "unexplained"},
     "CBC with the MAC inside: an octet on the wire is a block of plaintext, padding or MAC or both"),
    (r"^sender-miscomputed", lambda f: f.kind == "ccm", {"sender-miscomputed", "unexplained"},
     "the same, and short runs were excluded"),
    (r"^mac-construction: 80 bits, short", lambda f: f.kind in ("rc4", "null"), {"mac-construction", "unexplained"},
     "shorter than the whole MAC it has no length that fits, and other rules are not asked"),
    (r"^(stale-data|bytes-damaged: 64 zeros)", lambda f: f.kind == "null", {"unexplained"}, "what repeats in plaintext may have been sent so"),
]


class Failure:
    """What is known of one failure."""

    def __init__(self, record, cause, sent=None, received=None, **more):
        self.record, self.cause, self.sent, self.received = record, cause, sent, received
        self.sums = more.pop("sums", None)
        self.first = more.pop("first", None)
        self.hidden = more.pop("hidden", cause == "stale-data")  # what was sent cannot be told
        self.sure = more.pop("sure", True)  # is it proven?
        self.expected = {"direction": wire.DIRECTIONS[record.direction], "stream_offset": record.off}
        if record.seq is not None:
            self.expected["sequence_number"] = record.seq
        self.expected.update(more)
        self.at = self.expected["stream_offset"] if isinstance(self.expected["stream_offset"], int) else record.off


class Matrix(Senders):
    def __init__(self):
        super().__init__()
        self.table, self.order, self.names = collections.defaultdict(lambda: [0, 0]), [], []
        self.groups, self.dear, self.others = {}, set(), collections.Counter()

    # One question ----------------------------------------------------------------------------------

    def cell(self, cause, f, variant, function, *args, **kw):
        if cause not in self.order:
            self.order.append(cause)
        name = "%s: %s: %s" % (f.name, cause, variant)
        group = re.sub(r", (%s)$" % "|".join(SIZES), "", name)

        def asked():
            count = self.table[cause, f.name]
            count[1] += 1
            function(*args, **kw)
            count[0] += 1
        if f.mac and "unexplained" in self.honest(f, cause, variant):
            self.dear.add(group)  # a search that runs to its limit
        self.groups.setdefault(group, []).append((self.tap.case, name, asked))

    def chosen(self):
        """Of each variant one size, another for the next variant and kind of protection; BADMAC_ALL asks for all."""
        for n, (name, group) in enumerate(self.groups.items()):
            if os.environ.get("BADMAC_ALL"):
                self.jobs += group
            elif name not in self.dear or n % 3 == 0:
                self.jobs.append(group[(n + n // 40) % len(group)])

    def honest(self, f, cause, what):
        """The answers that are right."""
        for pattern, fits, causes, _ in HONEST:
            if re.search(pattern, "%s: %s" % (cause, what)) and fits(f):
                return causes
        return {cause}

    def ask(self, f, conv, failures, segs=None, exit_status=1, parts=None, what="", args=(), keys=None, undecided=0, also=()):
        path = self.path()
        segs = segs or wire.segments(conv)
        wire.write(path, parts or [(conv, segs)])
        began = time.monotonic()
        rc, report, err = judge.diagnose(path, keys or f.keys, args=args)
        took = time.monotonic() - began
        found = judge.failures(report)
        if os.environ.get("BADMAC_SHOW"):
            print("# %.2f s %s %s" % (took, rc, [(x["cause"], x["confidence"]) for x in found]))
        os.unlink(path)
        judge.want(len(found) == len(failures), "%d failures, expected %d: %s" % (
            len(found), len(failures), [x["cause"] for x in found]), report)
        for known, told in zip(sorted(failures, key=lambda x: (x.record.direction, x.at)),
                               sorted(found, key=lambda x: (x["direction"] != wire.DIRECTIONS[0], x["stream_offset"] or 0))):
            self.compare(f, known, told, segs, conv, report, what, parts is None, also)
        judge.want_exit(exit_status, rc, report, err)
        # A record whose IV or keystream went with another one cannot be judged.
        judge.want_counts(report, None, None, None if f.rc4 or f.iv_chained else undecided)
        return report

    def compare(self, f, known, told, segs, conv, report, what, alone, also=()):
        cause = told["cause"]
        allowed = self.honest(f, known.cause, what) | set(also)
        judge.want(cause in allowed, "cause %s, expected %s" % (cause, " or ".join(sorted(allowed))), report)
        self.others[known.cause, f.name] += cause != known.cause
        for k, v in known.expected.items():
            judge.want(v is ... or told[k] == v or isinstance(v, set) and told[k] in v, "%s %r, expected %r" % (k, told[k], v), report)
        proven = told["confidence"] == "proven"
        if told["proof"] is not None and proven:
            judge.want(told["proof"]["chance_log2"] <= -40, "proven at 2^%s" % told["proof"]["chance_log2"], report)
        if cause == "bytes-inserted" and known.cause == "sequence-reused":
            judge.want(not proven, "proven", report)
        if cause not in NEVER_PROVEN and known.sure:
            judge.want(proven, "confidence " + told["confidence"], report)
        if cause == "unexplained":
            judge.want(not proven, "proven", report)
            excluded = [x["cause"] for x in told["ruled_out"]]
            judge.want(sorted(excluded) == sorted(judge.CAUSES - {"unexplained"}),
                       "not ruled out: %s" % sorted(judge.CAUSES - {"unexplained"} ^ set(excluded)), report)
        if cause in BYTES and not known.hidden and known.sent is not None:
            self.damage(known, told, segs, conv, report, alone)
        if known.sums is not None and cause in BYTES:
            sums = (told["checksum"]["as_captured"], told["checksum"]["as_sent"])
            expected = known.sums if not known.hidden else (known.sums[0], None)
            judge.want(sums == expected, "checksum %s, expected %s" % (sums, expected), report)
        first = known.first if cause == known.cause and known.first else FIRST.get(cause)
        if first is None and cause in BYTES + ("unexplained",):
            first = "capture" if told["checksum"]["as_captured"] == "invalid" else "network"
            # Cache lines, pages and the edges of segments are the sender's before they are the network's.
            if first == "network" and any(re.search(SHAPED, e) for e in told["evidence"]):
                first = "sender-host"
        if first is not None:
            judge.want(told["at_fault"][0] == first, "at_fault %s, expected %s first" % (told["at_fault"], first), report)

    @staticmethod
    def damage(known, told, segs, conv, report, alone):
        """Every octet that differs is listed, where it stands, in the stream and in the frame, and no other."""
        record, at, total = bytearray(known.received), known.at, 0
        for d in told["damage"]:
            here, there = bytes.fromhex(d["received"]), bytes.fromhex(d["sent"])
            o = d["record_offset"]
            judge.want(len(here) == len(there) == d["length"], "lengths of damage %s" % d, report)
            judge.want(known.received[o:o + len(here)] == here, "received %s" % d, report)
            judge.want(d["stream_offset"] == at + o, "stream_offset of damage %s" % d, report)
            record[o:o + len(there)] = there
            total += sum(x != y for x, y in zip(here, there))
            if alone:
                s = segs[d["packet"] - 1]
                data = wire.frame(conv, s)
                judge.want(s.direction == known.record.direction and s.off <= at + o < s.off + len(s.data) and
                           data[d["packet_offset"]] == here[0], "packet of damage %s" % d, report)
        judge.want(bytes(record) == known.sent, "what was sent is %s" % told["damage"], report)
        judge.want(total == sum(x != y for x, y in zip(known.received, known.sent)), "octets of damage", report)

    # Records to choose from ---------------------------------------------------------------------------

    def pick(self, f, size, rng, direction=None):
        """A record in the middle of the conversation; either direction when none is named."""
        found = [r for d in ((C2S, S2C) if direction is None else (direction,))
                 for r in families.middle(f.conv, d, *SIZES[size])]
        # The first part of a split write, up to TLS 1.0, holds nothing.
        found = [r for r in found if not (f.iv_chained and len(r) <= 48)]
        return rng.choice(found) if found else None

    # Bytes ------------------------------------------------------------------------------------------------

    def bytes_wrong(self, f, cause, variant, size, make, sums="anew", direction=None, record=None):
        """make(record, segments, rng): the conversation as it arrived, or None where there is no room."""
        what = "%s, %s" % (variant, size)
        rng = judge.rng_for(f.name + what)
        r = record or self.pick(f, size, rng, direction)
        if r is None:
            return
        conv = make(r, wire.segments(f.conv), rng)
        if conv is None:
            return
        segs = damage.segments(f.conv, conv, sums)
        now = conv.items[r.item_index].data
        same = all(wire.checksum(a.data) == wire.checksum(b.data) for a, b in zip(segs, wire.segments(f.conv)))
        told = ("invalid", "valid") if sums == "sent" and not same else ("valid", "valid" if same else "invalid")
        zeros = variant == "64 zeros"
        if self.only_tag(f, r, now):
            cause = "tag-damaged"
        self.cell(cause, f, what, self.ask, f, conv, [Failure(r, cause, r.data, now, sums=told, hidden=zeros or cause == "stale-data")],
                  segs, what=what)

    @staticmethod
    def only_tag(f, r, now):
        """CBC with the MAC inside: is all the content there, and the MAC is not?"""
        if not f.mte or f.sealer is None:
            return False
        content = next(len(c) for q, c in f.sealer.opened[r.direction] if q.item_index == r.item_index)
        first = next(i for i, (x, y) in enumerate(zip(now, r.data)) if x != y) - 5 - f.front
        garbled = first // 16 * 16 if first >= 0 else first + f.front
        return content <= garbled < content + len(f.sealer.side[0].mac_key)

    def bits(self, f):
        rng = judge.rng_for(f.name)

        def one(r, segs, rng):
            return damage.flipped(f.conv, r, [rng.randrange(40, 8 * len(r))])

        def last(r, segs, rng):
            return damage.flipped(f.conv, r, [8 * len(r) - 1 - rng.randrange(8 * max(1, f.tag or 1) + 8)])

        def near(r, segs, rng):
            while True:
                at = rng.randrange(40, 8 * (len(r) - f.tag) - 32)
                c = damage.flipped(f.conv, r, [at, at + rng.randrange(1, 32)])
                if not damage.same_octets(r, c):
                    return c

        def far(r, segs, rng):
            i, j = rng.sample(range(40, 8 * (len(r) - f.tag)), 2)
            return damage.flipped(f.conv, r, [i, j])

        def escaped(near):
            def make(r, segs, rng):
                where = damage.span(segs, r, 140 if not near else 16, rng, (5 + f.front, len(r) - f.tag))
                pair = where and damage.neutral_pair(r, where, near, rng)
                return pair and damage.flipped(f.conv, r, pair)
            return make
        for size in SIZES:
            self.bytes_wrong(f, "bits-flipped", "one bit", size, self.spare_tag(f, one))
            self.bytes_wrong(f, "bits-flipped", "two bits near", size, near)
            self.bytes_wrong(f, "bits-flipped", "two bits far", size, far)
            self.bytes_wrong(f, "bits-flipped", "two bits near, escaped", size, escaped(True))
            self.bytes_wrong(f, "bits-flipped", "two bits far, escaped", size, escaped(False))
        self.bytes_wrong(f, "bits-flipped", "one bit, sum invalid", "middle", self.spare_tag(f, one), "sent")
        self.bytes_wrong(f, "bits-flipped", "one bit, sum invalid", "long", self.spare_tag(f, one), "sent")
        for d, who in ((C2S, "client"), (S2C, "server")):
            protected = f.conv.protected(d)
            self.bytes_wrong(f, "bits-flipped", "one bit of the first record of the " + who, "any", self.spare_tag(f, one),
                             record=protected[0])
            self.bytes_wrong(f, "bits-flipped", "one bit of the last record of the " + who, "any", self.spare_tag(f, one),
                             record=protected[-1])
            if f.tls13 and d == S2C:
                self.bytes_wrong(f, "bits-flipped", "one bit of Finished", "any", self.spare_tag(f, one), record=protected[3])
        del last, rng

    @staticmethod
    def spare_tag(f, one):
        """Another place when the tag was hit: that is a cause of its own."""
        def make(r, segs, rng):
            while True:
                c = one(r, segs, rng)
                now = c.items[r.item_index].data
                if f.tag == 0 or any(x != y for x, y in zip(now[:-f.tag], r.data)):
                    return c
        return make

    def runs(self, f):
        for size in SIZES:
            for n in (1, 3, 7):
                def run(r, segs, rng, n=n):
                    end = len(r) - f.tag - n
                    return damage.garbled(f.conv, r, rng.randrange(5 + f.front, end), n, rng) if end > 5 + f.front else None
                self.bytes_wrong(f, "bytes-damaged", "%d octets" % n, size, self.five_bits(f, run))

            if f.kind == "gcm":
                for before, behind in ((2, 2), (4, 4), (1, 7)):
                    self.bytes_wrong(f, "bytes-damaged", "%d octets of text and %d of the tag" % (before, behind), size, self.five_bits(
                        f, lambda r, segs, rng, before=before, n=before + behind:
                        damage.garbled(f.conv, r, len(r) - f.tag - before, n, rng)))

    @staticmethod
    def five_bits(f, run):
        """Up to four bits are told as bits."""
        def make(r, segs, rng):
            for _ in range(200):
                c = run(r, segs, rng)
                if c and sum(bin(x ^ y).count("1") for x, y in zip(c.items[r.item_index].data, r.data)) > 4:
                    return c
            return None
        return make

    def swaps(self, f):
        for size in ("short", "middle", "long"):
            for width in (2, 4, 8):
                for apart, word in ((width, "adjacent"), (0, "distant")):
                    def swap(r, segs, rng, width=width, apart=apart):
                        where = damage.span(segs, r, 8 * width, rng, (5 + f.front, len(r) - f.tag))
                        return where and damage.swapped(f.conv, r, where, width, apart, rng)
                    self.bytes_wrong(f, "words-swapped", "%d bits, %s" % (8 * width, word), size, swap)

    def tags(self, f):
        if not f.tag:
            return
        for size in SIZES:
            self.bytes_wrong(f, "tag-damaged", "one bit", size, lambda r, segs, rng: damage.flipped(
                f.conv, r, [8 * len(r) - 1 - rng.randrange(8 * f.tag)]))
            self.bytes_wrong(f, "tag-damaged", "two octets", size, lambda r, segs, rng: damage.garbled(
                f.conv, r, len(r) - 2 - rng.randrange(f.tag - 1), 2, rng))
            self.bytes_wrong(f, "tag-damaged", "six octets", size, lambda r, segs, rng: damage.garbled(
                f.conv, r, len(r) - 6 - rng.randrange(min(f.tag - 5, 20)), 6, rng))

    def headers(self, f):
        for size in SIZES:
            for what, at in (("type", 0), ("version", 1), ("version", 2)):
                self.bytes_wrong(f, "header-damaged", "%s, octet %d" % (what, at), size, lambda r, segs, rng, at=at:
                                 damage.replaced(f.conv, r, r.data[:at] + bytes([r.data[at] ^ 1 << rng.randrange(3)]) +
                                                 r.data[at + 1:]))
            for sign in (1, -1):
                def longer(r, segs, rng, sign=sign):
                    n = len(r) - 5 + sign * rng.choice((1, 8, 16))
                    return damage.replaced(f.conv, r, r.data[:3] + n.to_bytes(2, "big") + r.data[5:]) if n > 0 else None
                self.length_wrong(f, "length %s" % ("more" if sign > 0 else "less"), size, longer)
        # Beside the length also octets of the body are wrong: nothing is missing of it.
        if f.mac or f.kind in ("gcm", "chacha", "ccm"):
            for what, n in (("the octet", 1), ("two octets", 2)):
                self.bytes_wrong(f, "bytes-damaged", "length and %s behind it" % what, "middle", lambda r, segs, rng, n=n:
                                 damage.garbled(f.conv, r, 4, 1 + n, rng))
        self.missing_or_not(f)

    def missing_or_not(self, f):
        """The length says 32 octets too many, and too much behind it is wrong to be found: that they are missing nobody
        can have proved. How many were sent the keystream of RC4 tells, where there is one."""
        what = "length more and 40 octets behind it"
        rng = judge.rng_for(f.name + what)
        r = self.pick(f, "middle", rng)
        if r is None or len(r) < 5 + f.front + f.tag + 60:
            return
        conv = damage.garbled(f.conv, r, 5, 40, rng)
        now = conv.items[r.item_index].data
        conv = damage.replaced(conv, r, now[:3] + (len(r) - 5 + 32).to_bytes(2, "big") + now[5:])

        def question():
            report = self.ask(f, conv, [Failure(r, "unexplained")], what=what, also=() if f.rc4 else ("bytes-missing",))
            judge.want(judge.failures(report)[0]["confidence"] != "proven", "proven", report)
        self.cell("not bytes-missing", f, what, question)

    def last_of_handshake(self, f):
        """TLS 1.3: the length of the client's Finished message, after which its keys are others."""
        if not f.tls13:
            return
        r = next(q for q in f.conv.records(C2S) if q.protected)
        conv = damage.edited(f.conv, lambda items: (
            items.__setitem__(r.item_index, wire.Item(C2S, r.data[:3] + bytes([r.data[3] ^ 16]) + r.data[4:])),
            items.__delitem__(slice(r.item_index + 2, None))))
        self.cell("header-damaged", f, "length of Finished, any", self.ask, f, conv, [Failure(r, "header-damaged")],
                  what="any")

    def length_wrong(self, f, variant, size, make):
        what = "%s, %s" % (variant, size)
        rng = judge.rng_for(f.name + what)
        r = self.pick(f, size, rng)
        conv = r and make(r, None, rng)
        if conv:
            self.cell("header-damaged", f, what, self.ask, f, conv, [Failure(r, "header-damaged")], what=what)

    def stale(self, f):
        for size in ("middle", "long"):
            def zeros(r, segs, rng):
                at = rng.randrange(5 + f.front, len(r) - f.tag - 65)
                return damage.replaced(f.conv, r, r.data[:at] + bytes(64) + r.data[at + 64:])

            def copied(r, segs, rng):
                at = rng.randrange(5 + f.front, len(r) - f.tag - 241)
                return damage.replaced(f.conv, r, r.data[:at + 120] + r.data[at:at + 80] + r.data[at + 200:])
            self.bytes_wrong(f, "bytes-damaged", "64 zeros", size, zeros)
            self.bytes_wrong(f, "stale-data", "80 octets of its own", size, copied)

    def copies(self, f):
        for size in SIZES:
            what = "a copy, " + size
            rng = judge.rng_for(f.name + what)
            r = self.pick(f, size, rng)
            if r is None:
                continue
            segs = wire.segments(f.conv)
            at = rng.choice(wire.carriers(segs, r.direction, r.off + 5, len(r) - 5)) - 1
            s = segs[at]
            a, b = max(0, r.off + 5 - s.off), min(len(s.data), r.off + len(r) - s.off)
            wrong = bytearray(s.data)
            for i in range(a, b, 3):
                wrong[i] ^= rng.randrange(1, 256)
            conv = f.conv
            now = r.data[:s.off + a - r.off] + bytes(wrong[a:b]) + r.data[s.off + b - r.off:]
            both = wire.retimed(segs[:at] + [s.clone(data=bytes(wrong)), s.clone()] + segs[at + 1:])
            self.cell("retransmission-differs", f, what, self.ask, f, conv, [
                Failure(r, "retransmission-differs", r.data, now)], both, what=what)

    # Framing -------------------------------------------------------------------------------------------

    def framing(self, f):
        text = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        for size in SIZES:
            for cause, variant, make in (
                    ("bytes-missing", "7 octets", lambda r, at, rng: r.data[:at] + r.data[at + 7:]),
                    ("bytes-missing", "a third", lambda r, at, rng: r.data[:at] + r.data[at + (len(r) - at) // 3:]),
                    ("bytes-inserted", "in a record", lambda r, at, rng: r.data[:at] + rng.randbytes(23) + r.data[at:]),
                    ("bytes-inserted", "before a record", lambda r, at, rng: b"\xfe" + rng.randbytes(40) + r.data),
                    ("plaintext-injected", "in a record", lambda r, at, rng: r.data[:at] + text + r.data[at:]),
                    ("plaintext-injected", "before a record", lambda r, at, rng: text + r.data)):
                what = "%s, %s" % (variant, size)
                rng = judge.rng_for(f.name + cause + what)
                r = self.pick(f, size, rng)
                if r is None:
                    continue
                at = rng.randrange(5 + f.front, len(r) - max(f.tag, 9))
                conv = damage.replaced(f.conv, r, make(r, at, rng))
                self.cell(cause, f, what, self.ask, f, conv, [Failure(r, cause)], what=what)
            self.two_records(f, size)

    def two_records(self, f, size):
        rng = judge.rng_for(f.name + "two" + size)
        r = self.pick(f, size, rng)
        if r is None:
            return
        conv, i = f.conv, r.item_index
        later = next(q for q in conv.records(r.direction) if q.off > r.off)
        j = later.item_index

        def add(cause, variant, edit, record=r, **more):
            what = "%s, %s" % (variant, size)
            self.cell(cause, f, what, self.ask, f, damage.edited(conv, edit), [Failure(record, cause, **more)], what=what)

        def within(items):
            at = rng.randrange(5 + f.front, len(r) - f.tag)
            items[i].data = r.data[:at] + later.data + r.data[at:]
            items.pop(j)
        add("records-interleaved", "the next within", within)
        # A write that was not finished, and begun anew.
        part = rng.randrange(6, len(r) - 1)
        self.cell("bytes-inserted", f, "a part of it before it, " + size, self.ask, f,
                  damage.edited(conv, lambda items: items.insert(i, wire.Item(r.direction, r.data[:part]))),
                  [Failure(r, "bytes-inserted")], what=size)
        add("record-replayed", "at once", lambda items: items.insert(i + 1, items[i]),
            stream_offset=r.off + len(r), sequence_number=r.seq + 1)
        add("record-replayed", "later", lambda items: items.insert(j + 1, items[i]),
            stream_offset=later.off + len(later), sequence_number=later.seq + 1)
        add("record-missing", "one", lambda items: items.pop(i))
        add("records-reordered", "with the next", lambda items: items.__setitem__(slice(None), [
            items[j] if k == i else items[i] if k == j else x for k, x in enumerate(items)]))
        mirror = [q for q in conv.application(1 - r.direction) if q.off > 0 and q.item_index < i and len(q) > 48]
        if mirror:
            # One that stands before it; the capture has both.
            q = mirror[-1]
            add("reflected-record", "inserted", lambda items: items.insert(i, wire.Item(r.direction, q.data)))
            add("reflected-record", "instead", lambda items: items.__setitem__(i, wire.Item(r.direction, q.data)))
        strange = [q for q in families.middle(f.other, r.direction, *SIZES[size])]
        if strange:
            q = strange[0]
            for variant, edit in (("inserted", lambda items: items.insert(i, wire.Item(r.direction, q.data))),
                                  ("instead", lambda items: items.__setitem__(i, wire.Item(r.direction, q.data)))):
                what = "%s, %s" % (variant, size)
                bad, other = damage.edited(conv, edit), f.other.copy()
                other.client = ("192.0.2.9", 40000)
                self.cell("foreign-record", f, what, self.ask, f, bad, [Failure(r, "foreign-record")],
                          parts=wire.in_turn([other, bad]), what=what)

    # Senders -------------------------------------------------------------------------------------------

    def senders(self, f):
        s = f.sealer
        if s is None:
            return
        for size in SIZES:
            rng = judge.rng_for(f.name + "sealed" + size)
            r = self.pick(f, size, rng)
            if r is None:
                continue

            def sealed(cause, variant, how, r=r, size=size, **more):
                what = "%s, %s" % (variant, size)

                def question():
                    conv = s.seal_all(lambda d, q, content: how(d, q, content) if q.item_index == r.item_index else None)
                    self.ask(f, conv, [Failure(r, cause, **more)], what=what)
                self.cell(cause, f, what, question)
            if f.mac:
                sealed("mac-construction", "80 bits", lambda d, q, c: {"mac_len": 10})
                sealed("mac-construction", "version", lambda d, q, c: {"version": b"\3\0"})
            elif f.tls13:
                sealed("mac-construction", "header without tag", lambda d, q, c: {"length": -s.tag})
            elif s.explicit_nonce:
                sealed("mac-construction", "length with tag", lambda d, q, c: {"length": s.tag})
            else:
                sealed("mac-construction", "no associated data", lambda d, q, c: {"aad": b""})
            if f.kind == "cbc":
                sealed("bad-padding", "octets wrong", lambda d, q, c: {
                    "padding": lambda n: bytes([n - 1 + 16] * (n + 3) + [0x55] + [n - 1 + 16] * 12)})
            if f.tls13:
                sealed("bad-padding", "no inner type", lambda d, q, c: {"content_is": bytes(len(c))})
            if not f.rc4 and not f.iv_chained:
                d, n = seal.other(r.direction), [q.item_index for q in s.mine(r.direction)].index(r.item_index)
                theirs = {"key": s.side[d].key, "mac_key": s.side[d].mac_key, "iv_of": s.side[d]}
                # The other end may have said the same, which would be the same record.
                sealed("reflected-record", "with the key of the other",
                       lambda d, q, c, theirs=theirs: dict(theirs, content_is=bytes(x ^ 1 for x in c[:-1]) + c[-1:]), first="sender-tls" if n < len(s.mine(d)) else "network")
            sealed("sender-miscomputed", "over text", lambda d, q, c: {"spoil": lambda m: rng.randbytes(len(m))})

            def and_on_the_way(r=r, size=size):
                """The same, and its packet's sum is wrong: whose octets these are does not show."""
                conv = s.seal_all(lambda d, q, c: {"spoil": lambda m: random.Random(8).randbytes(len(m))}
                                  if q.item_index == r.item_index else None)
                segs = wire.segments(conv)
                next(x for x in segs if x.direction == r.direction and x.off <= r.off < x.off + len(x.data)
                     ).bad_checksum = True
                self.ask(f, conv, [Failure(r, "unexplained")], segs, what=size)
            self.cell("unexplained", f, "a wrong MAC and a wrong sum, " + size, and_on_the_way)
            self.reused(f, s, r, size)
            self.rejected_good(f, s, r, size)

    def reused(self, f, s, r, size):
        """A second writer goes on from where the process forked: its record has the number that another one had."""
        mine = [q.item_index for q in s.mine(r.direction)]
        n = mine.index(r.item_index)
        if n < 2:
            return
        what = "another content, " + size

        def question():
            content = bytes(reversed(s.opened[r.direction][n][1][:-1] if f.tls13 else s.opened[r.direction][n][1]))
            content = b"forked: " + content + (s.opened[r.direction][n][1][-1:] if f.tls13 else b"")
            state = self.state_before(s, r.direction, n)
            twin = s.seal(r.direction, n, r, content, state)
            conv = damage.inserted(f.conv, r.item_index + 1, twin, "record", r.direction)
            report = self.ask(f, conv, [Failure(r, "sequence-reused", stream_offset=r.off + len(r), sequence_number=r.seq + 1)],
                              what=what)
            told = judge.failures(report)[0]
            judge.want(any("the record at stream offset %d (packet" % r.off in e for e in told["evidence"]), "the first", report)
            same = f.rc4 or f.mac is None and twin[5:13] == r.data[5:13] or f.mac is None and not s.explicit_nonce
            warned = [x for x in told["next_steps"] if "plaintexts" in x]
            judge.want(len(warned) == bool(same), "warnings %s" % warned, report)
            judge.want(not same or f.kind != "gcm" or "authentication key" in warned[0], "warning %s" % warned, report)
        self.cell("sequence-reused", f, what, question)

        def goes_on():
            """It writes another one: that is no second failure."""
            tail = s.opened[r.direction][n][1][-1:] if f.tls13 else b""
            state, items = self.state_before(s, r.direction, n), []
            for i in range(2):
                items.append(s.seal(r.direction, n + i, r, b"forked: number %d of its own" % i + tail, state))
                state["iv"] = items[-1][-16 - (len(s.side[r.direction].mac_key) if s.etm else 0):][:16]
            conv = f.conv
            for item in reversed(items):
                conv = damage.inserted(conv, r.item_index + 1, item, "record", r.direction)
            self.ask(f, conv, [Failure(r, "sequence-reused", stream_offset=r.off + len(r), sequence_number=r.seq + 1)],
                     what=what)
        self.cell("sequence-reused", f, "two of its records, " + size, goes_on)

        def counted(count):
            """One writer, whose number was set back; behind these records it goes on as if nothing had been."""
            wrong = {q.item_index: i for i, (q, _) in enumerate(s.opened[r.direction][n:n + count])}
            conv, state = s.conv.copy(), {"iv": s.side[r.direction].iv}
            for q, content in s.opened[r.direction]:
                if q.item_index in wrong:
                    conv.items[q.item_index].data = s.seal(r.direction, wrong[q.item_index], q, content, state)
            self.ask(f, conv, [Failure(r, "sequence-reused")], what=what)
        for count in (1, 2):
            if not f.rc4 and not f.iv_chained and n > 2 and n + count < len(s.opened[r.direction]):
                self.cell("sequence-reused", f, "a number set back for %d, %s" % (count, size), counted, count)

        def children(count, spoil):
            """Several that forked there write in turn; spoil: a bit of the first record is flipped on the way."""
            tail = s.opened[r.direction][n][1][-1:] if f.tls13 else b""
            states, items = [self.state_before(s, r.direction, n) for _ in range(count)], []
            for i in range(2):
                for k, state in enumerate(states):
                    items.append(s.seal(r.direction, n + i, r, b"child %d: number %d of its own" % (k, i) + tail, state))
                    state["iv"] = items[-1][-16 - (len(s.side[r.direction].mac_key) if s.etm else 0):][:16]
            if spoil:
                bad = bytearray(items[0])
                bad[-3 if f.tag else -20] ^= 4
                items = [bytes(bad), *items[1:]]
            conv = f.conv
            for item in reversed(items):
                conv = damage.inserted(conv, r.item_index + 1, item, "record", r.direction)
            path = self.path()
            wire.write(path, [(conv, wire.segments(conv))])
            rc, report, err = judge.diagnose(path, f.keys)
            judge.want_exit(1, rc, report, err)
            told = judge.failures(report)
            causes = [x["cause"] for x in told]
            judge.want(spoil or causes == ["sequence-reused"], "causes %s" % causes, report)
            # Where a record is chained to the one before it, damage takes the others along.
            judge.want("sequence-reused" in causes or f.rc4 or f.iv_chained, "causes %s" % causes, report)
            wrong = ("bytes-inserted", "record-missing", "records-reordered", "wrong-epoch", "plaintext-injected")
            judge.want(not any(x["cause"] in wrong and x["confidence"] == "proven" for x in told), "proven", report)
        self.cell("sequence-reused", f, "three children in turn, " + size, children, 3, False)
        self.cell("sequence-reused", f, "two children, a bit flipped, " + size, children, 2, True)

    @staticmethod
    def state_before(s, direction, n):
        """The sender's chained state in front of record n."""
        side = s.side[direction]
        state = {"iv": side.iv}
        if s.kind == "rc4":
            state["stream"] = seal.rc4(side.key)
            for q, content in s.opened[direction][:n]:
                state["stream"].update(bytes(len(q) - 5))
        elif n:
            state["iv"] = s.opened[direction][n - 1][0].data[-16 - (len(side.mac_key) if s.etm else 0):][:16]
        return state

    def rejected_good(self, f, s, r, size):
        """The other side sends bad_record_mac; everything up to then is right."""
        d = 1 - r.direction
        answer = next((n for n, q in enumerate(s.mine(d)) if q.item_index > r.item_index), None)
        if answer is None:
            return
        q = s.mine(d)[answer]

        def complained():
            body = s.seal(d, answer, q, b"\2\x14" + (b"\x15" if f.tls13 else b""), self.state_before(s, d, answer),
                          kind=None if f.tls13 else wire.ALERT)
            conv = f.conv.copy()
            conv.items = conv.items[:q.item_index] + [wire.Item(d, body)]
            return conv

        def good():
            # The last record that it had read is the one in question.
            last = [x for x in f.conv.protected(r.direction) if x.item_index < q.item_index][-1]
            self.ask(f, complained(), [Failure(last, "record-was-good", stream_offset={last.off, None},
                                               sequence_number={last.seq, None})],
                     what="an alert, " + size)

        def hole():
            conv = complained()
            segs = wire.segments(conv)
            at = wire.carriers(segs, r.direction, r.off, len(r))[0] - 1
            self.ask(f, conv, [Failure(r, "capture-incomplete", stream_offset=..., sequence_number=...)],
                     segs[:at] + segs[at + 1:], what="a gap and an alert, " + size, undecided=None)

        def flip():
            conv = complained()
            now = bytearray(r.data)
            now[5 + f.front] ^= 4
            conv.items[r.item_index].data = bytes(now)
            self.ask(f, conv, [Failure(r, "bits-flipped", r.data, bytes(now))], what="one bit, rejected, " + size)
        self.cell("record-was-good", f, "an alert, " + size, good)
        self.cell("capture-incomplete", f, "a gap and an alert, " + size, hole)
        self.cell("bits-flipped", f, "one bit, rejected, " + size, flip)

    def wrong_keys(self, f):
        if f.sealer is None:
            return
        wrong = self.path() + ".wrong"
        with open(f.keys[0]) as log, open(wrong, "w") as out:
            out.writelines(re.sub(r"\S+$", lambda m: m.group(0)[::-1], line.rstrip()) + "\n" for line in log)
        conv = f.conv

        def ask():
            path = self.path()
            wire.write(path, [(conv, wire.segments(conv))])
            rc, report, err = judge.diagnose(path, [wrong])
            judge.want_exit(3, rc, report, err)
            found = judge.failures(report)
            judge.want(found and {x["cause"] for x in found} == {"wrong-keys"}, "causes", report)
            judge.want(all(x["at_fault"] == ["configuration"] for x in found), "at_fault", report)
        self.cell("wrong-keys", f, "another secret", ask)

    def alert_in_clear(self, f):
        if f.tls13:
            conv = f.conv.copy()
            i = next(r.item_index for r in conv.records(C2S) if r.protected)
            conv.items = conv.items[:i] + [wire.Item(C2S, bytes.fromhex("15030300020230"))]
            r = next(r for r in conv.records(C2S) if r.item_index == i)
            self.cell("plaintext-alert", f, "unknown_ca", self.ask, f, conv, [Failure(r, "plaintext-alert", sequence_number=0)])

    # More than one -------------------------------------------------------------------------------------------

    def twice(self, f):
        rng = judge.rng_for(f.name + "twice")
        for what, directions in (("same direction", (C2S, C2S)), ("both directions", (C2S, S2C)),
                                 ("server", (S2C, S2C))):
            a = self.pick(f, "middle", rng, directions[0])
            rest = [r for r in families.middle(f.conv, directions[1], 140, 4100) if a and abs(r.item_index - a.item_index) > 4]
            if a is None or not rest:
                continue
            b = rng.choice(rest)
            conv, known = f.conv, []
            for r in (a, b):
                conv = damage.flipped(conv, r, [rng.randrange(8 * (5 + f.front), 8 * (len(r) - f.tag - 16))])
                known.append(Failure(r, "bits-flipped", r.data, conv.items[r.item_index].data))
            self.cell("two faults", f, "a bit each, " + what, self.ask, f, conv, known, what="a bit each")
            missing = damage.edited(conv, lambda items: items.__setitem__(b.item_index, wire.Item(b.direction, b"")))
            self.cell("two faults", f, "a bit and a record missing, " + what, self.ask, f, missing,
                      [Failure(a, "bits-flipped", a.data, conv.items[a.item_index].data, stream_offset=a.off - (
                          len(b) if b.direction == a.direction and b.off < a.off else 0)),
                       Failure(b, "record-missing")], what="a bit and one missing")

    def over_edge(self, f):
        for size in ("short", "middle"):
            rng = judge.rng_for(f.name + "edge" + size)
            r = self.pick(f, size, rng)
            if r is None:
                continue
            later = next(q for q in f.conv.records(r.direction) if q.off > r.off)
            for what, before, behind in (("a bit of each", 1, 1), ("2 and 3 octets", 2, 3)):
                if before == 1:
                    conv = damage.flipped(f.conv, r, [8 * len(r) - 1 - rng.randrange(8)])
                    conv = damage.flipped(conv, later, [rng.randrange(5, 8)])
                else:
                    conv = damage.garbled(f.conv, r, len(r) - before, before, rng)
                    conv = damage.garbled(conv, later, 0, behind, rng)
                # Of a header that is none and a record that cannot be judged nothing says where this one ends.
                sure = before == 1 or not (f.iv_chained and f.mte)
                known = [Failure(r, "tag-damaged", r.data, conv.items[r.item_index].data, sure=sure),
                         Failure(later, "header-damaged", later.data, conv.items[later.item_index].data)]
                # Without its IV the second one cannot be judged.
                self.cell("over an edge", f, "%s, %s" % (what, size), self.ask, f, conv,
                          known[:1] if f.iv_chained and f.mte else known, what=what)

    def behind_another(self, f):
        """CBC up to TLS 1.0: the record behind a bad one has the end of that one for its IV, and keys are not what it lacks."""
        rng = judge.rng_for(f.name + "behind another")
        r = self.pick(f, "middle", rng)
        if not (f.iv_chained and f.mte) or r is None:
            return
        later = next(q for q in f.conv.records(r.direction) if q.off > r.off)
        one = damage.flipped(f.conv, r, [8 * (len(r) // 2)])
        two = damage.flipped(one, later, [8 * (len(later) // 2)])

        def question(conv, because):
            now = conv.items[r.item_index].data
            report = self.ask(f, conv, [Failure(r, "bits-flipped", r.data, now)], what="bits behind each other")
            told = report["connections"][0]["undecided_because"]
            judge.want(bool(told) == because and (not told or "its IV is the last block of that one" in told), told, report)
        self.cell("bits-flipped", f, "a bit of two records in a row", question, two, True)
        self.cell("bits-flipped", f, "a bit of the first of them alone", question, one, False)

    def beyond_proof(self, f):
        for size in ("short", "middle"):
            self.bytes_wrong(f, "unexplained", "all octets are others", size,
                             lambda r, segs, rng: damage.replaced(f.conv, r, r.data[:5] + rng.randbytes(len(r) - 5)))

    # Keys that change ------------------------------------------------------------------------------------------

    def old_keys(self, f, recorder):
        """A record made with the keys from before the change stands where one with the new keys is due."""
        conv, log = recorder.rekeyed(f)
        s = seal.Sealer(conv, log, first_keys=True)
        recs = conv.protected(C2S)
        change = s.changes(C2S)
        r = recs[change + 3]
        # The sender counted on: the first number that its old keys had not used.
        n = change + (0 if f.tls13 else 1)
        q = s.mine(C2S)[change - 1]
        data = s.seal(C2S, n, q, b"made with old keys, and long enough" + (b"\x17" if f.tls13 else b""), {"iv": bytes(16)},
                      kind=wire.APPLICATION)
        bad = damage.edited(conv, lambda items: items.insert(r.item_index, wire.Item(C2S, data)))
        what = "after a change of keys"
        Family = type("Rekeyed", (), dict(vars(f), keys=[log]))
        self.cell("wrong-epoch", f, what, self.ask, Family, bad, [Failure(r, "wrong-epoch", sequence_number=...)],
                  what=what)

    # How far it searches ------------------------------------------------------------------------------------------

    def efforts(self, f):
        rng = judge.rng_for(f.name + "effort")
        r, big = self.pick(f, "middle", rng, C2S), self.pick(f, "long", rng, C2S)

        def cell(variant, record, conv, cause, effort, honest=()):
            def question():
                now = conv.items[record.item_index].data
                HONEST_HERE = {cause} | set(honest)
                report = self.ask(f, conv, [Failure(record, cause, record.data, now)], what=variant,
                                  args=("--effort", effort), also=HONEST_HERE)
                x = judge.failures(report)[0]
                if x["cause"] == "unexplained":
                    counted = [e for e in x["ruled_out"] if e["cause"] in ("bits-flipped", "record-missing", "header-damaged")]
                    judge.want(len(counted) == 3 and all(re.search(r"\d", e["because"]) for e in counted), "counts %s" % counted)
            self.cell("--effort " + effort, f, variant, question)
        body = range(8 * (5 + f.front), 8 * (len(r) - max(f.tag, 40)))
        for effort in ("quick", "normal", "deep"):
            bits = rng.sample(range(8 * (5 + f.front), 8 * (len(big) - max(f.tag, 40))), 1)
            cell("one bit, long", big, damage.flipped(f.conv, big, bits), "bits-flipped", effort)
        segs = wire.segments(f.conv)
        if f.mac is None:
            cell("three bits anywhere, middle", r, damage.flipped(f.conv, r, rng.sample(body, 3)), "bits-flipped", "deep")
            cell("three bits anywhere, middle", r, damage.flipped(f.conv, r, rng.sample(body, 3)), "bits-flipped", "quick",
                 ("unexplained",))
        else:
            where = damage.span(segs, r, 400, rng, (5 + f.front, len(r) - max(f.tag, 40)))
            cell("two words far apart, middle", r, damage.swapped(f.conv, r, where, 2, 0, rng), "words-swapped", "deep")
            cell("one octet, middle", r, damage.garbled(f.conv, r, rng.randrange(where[0], where[1]), 1, rng), "bytes-damaged",
                 "deep", ("bits-flipped",))
            pair = damage.neutral_pair(r, where, False, rng)
            if pair:
                cell("two bits far apart, sum as it was, middle", r, damage.flipped(f.conv, r, pair), "bits-flipped", "deep")

    def judge_family(self, f):
        self.names.append(f.name)
        for part in (self.bits, self.runs, self.swaps, self.tags, self.headers, self.last_of_handshake, self.stale, self.copies, self.framing,
                     self.senders, self.wrong_keys, self.alert_in_clear, self.twice, self.over_edge, self.behind_another,
                     self.beyond_proof):
            part(f)

    def show(self):
        for cause in self.order:
            row = ["%s %d/%d" % (n, *self.table[cause, n]) for n in self.names if self.table[cause, n][1]]
            print("# %s: %s" % (cause, ", ".join(row)))
        print("# of these by another answer that is honest (HONEST in this file):")
        for (cause, name), n in sorted(self.others.items()):
            if n:
                print("#   %s, %s: %d" % (cause, name, n))

    def run(self):
        recorder, made = families.Recorder(self.lab), {}
        only = os.environ.get("BADMAC_FAMILY", "")

        def record(name, function):
            made[name] = function(name)
        recordings = []
        for name, programs, function in recorder.all():
            if not stacks.have(*programs):
                self.tap.report(name, skip="%s not installed" % " ".join(programs))
            elif re.search(only, name):
                recordings.append((record, name, function))
        judge.in_parallel(recordings, 3)
        judge.in_parallel([(self.old_keys, made[n], recorder) for n in REKEYED if n in made], 4)
        for name, _, _ in recorder.all():
            if name in made:
                self.judge_family(made[name])
            if name in EFFORTS and name in made:
                self.efforts(made[name])
        self.chosen()
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "2")))
        self.lab.close()
        self.show()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Matrix().run())
