#!/usr/bin/env python3
"""Faults beside something that makes them look like others: the right record behind a damaged one, a gap of the capture, its
beginning. Done to recordings of real stacks, each with its nearest miss. Prints TAP."""
import os
import struct
import sys

import judge
import seal
import test_events
import wire
from wire import C2S, S2C


class Edges(test_events.Events):
    def causes(self, conv, log, expected, segs=None, exit_status=1, verified=None, undecided=0):
        """expected: (cause, sequence number or None) of each failure, in order."""
        path = self.path()
        wire.write(path, [(conv, segs or wire.segments(conv))])
        rc, report, err = judge.diagnose(path, [log])
        judge.want_exit(exit_status, rc, report, err)
        found = [(f["cause"], f["sequence_number"]) for f in judge.failures(report)]
        fits = len(found) == len(expected) and all(
            f[0] in (e[0] if isinstance(e[0], set) else {e[0]}) and e[1] in (None, f[1]) for f, e in zip(found, expected))
        judge.want(fits, "%s, expected %s" % (found, expected), report)
        n = report["summary"]["records"]["verified"]
        judge.want(verified is None or n == verified, "%d verified, expected %s" % (n, verified), report)
        judge.want_counts(report, None, None, undecided)
        return report

    # The record that was damaged comes again, whole ------------------------------------------------

    @staticmethod
    def with_copy(conv, r, after, damage, copy=None):
        """r damaged, and so many records of its sender later the copy."""
        c = conv.copy()
        behind = [q.item_index for q in conv.records(C2S) if q.off >= r.off]
        c.items[r.item_index].data = damage(r.data)
        c.items.insert(behind[after] + 1, wire.Item(C2S, r.data if copy is None else copy))
        return c

    @staticmethod
    def by_record(c, s):
        """The segment cut where records begin."""
        cuts = sorted({0, len(s.data)} | {q.off - s.off for q in c.records(s.direction) if 0 < q.off - s.off < len(s.data)})
        return [s.clone(off=s.off + a, data=s.data[a:b]) for a, b in zip(cuts, cuts[1:])]

    def copies(self, name, conv, log):
        r, n = self.target(conv), len(conv.protected())
        bit = ({"bits-flipped", "bad-padding"}, r.seq)

        def flip(at):
            return lambda b: b[:at] + bytes([b[at] ^ 1]) + b[at + 1:]

        def at_once():
            self.causes(self.with_copy(conv, r, 0, flip(100)), log, [bit], verified=n)

        def later():
            for after in (1, 3):
                self.causes(self.with_copy(conv, r, after, flip(100)), log,
                            [bit, ("record-replayed", r.seq + after + 1)], verified=n - 1)

        def tag():
            self.causes(self.with_copy(conv, r, 1, flip(len(r) - 2)), log, [
                ({"tag-damaged", "bits-flipped", "unexplained", "bad-padding"}, r.seq), ("record-replayed", r.seq + 2)])

        def both_ends():
            """Of its MAC there is enough to tell that it is the same."""
            def damage(b):
                return flip(len(b) - 3)(flip(60)(b))
            report = self.causes(self.with_copy(conv, r, 1, damage), log, [
                ("bits-flipped", r.seq), ("record-replayed", r.seq + 2)])
            judge.want(judge.failures(report)[1]["confidence"] == "proven", "confidence", report)

        def all_over():
            """Too much to be found. Its copy is no stranger that stands in its place, nor where its good octets came from."""
            def damage(b):
                return b"".join(flip(k)(b)[k:k + 1] if k % 37 == 30 else b[k:k + 1] for k in range(len(b)))
            small = [q for q in conv.application(C2S) if 150 < len(q) < 1200 and q.off > r.off][0]
            for q in (r, small):
                c = self.with_copy(conv, q, 1, damage)
                # Each record has segments of its own, which could stand in each other's place.
                segs = [x for s in wire.segments(c, mss=16000) for x in (self.by_record(c, s) if s.direction == C2S and s.data else [s])]
                report = self.causes(c, log, [("bytes-damaged", q.seq), ("record-replayed", q.seq + 2)], segs=segs)
                self.made_right(damage(q.data), q, report, judge.failures(report)[0])

        def another():
            """The nearest miss: a second writer's record of that number."""
            s = seal.Sealer(conv, log)
            number, content = next((k, c) for k, (q, c) in enumerate(s.opened[C2S]) if q.off == r.off)
            mine = content[:20] + bytes(x ^ 1 for x in content[20:60]) + content[60:]
            self.causes(self.with_copy(conv, r, 1, flip(100), s.seal(C2S, number, r, mine, {"iv": s.side[C2S].iv})), log,
                        [bit, ("sequence-reused", r.seq + 2)])
        yield self.tap.case, name + ": a bit, and the right record at once", at_once
        yield self.tap.case, name + ": a bit, and the right record later", later
        yield self.tap.case, name + ": a bit of the end, and the right record later", tag
        if "CBC" not in name and "RC4" not in name:
            yield self.tap.case, name + ": a bit of both ends, and the right record later", both_ends
            yield self.tap.case, name + ": bits all over, and the right record later", all_over
        if "TLS 1.0" not in name:
            yield self.tap.case, name + ": a bit, and another record of its number later", another

    # ... and damage of any size shows from it ---------------------------------------------------------------

    @staticmethod
    def made_right(captured, r, report, told, confidence="proven"):
        """What is told was changed, put right, gives the record as it was sent."""
        b, moved = captured, 0
        for d in told["damage"]:
            at, n = d["record_offset"] + moved, d["length"]
            judge.want(d["sent"] is not None and b[at:at + n].hex() == d["received"], "damage %s" % d, report)
            b = b[:at] + bytes.fromhex(d["sent"]) + b[at + n:]
            moved += len(d["sent"]) // 2 - n
        judge.want(b == r.data, "what was sent is another record", report)
        judge.want(told["confidence"] == confidence, "confidence", report)

    def proved(self, conv, log, report, exit_status):
        """The report's proofs, made again."""
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])
        judge.proves(path, report, [log], exit_status)

    def donors(self, name, conv, log):
        r = [q for q in conv.application(C2S) if 600 < len(q) < 1300][0]
        source = [q for q in conv.application(C2S) if len(q) > 3800][0]
        rng = judge.rng_for(name + " donors")
        noise = bytes(rng.randrange(256) for _ in range(400))
        aead, block = "CBC" not in name and "RC4" not in name, "MAC first" in name
        tag = 8 if "CCM_8" in name else 16

        def put(*runs):
            def damage(b):
                for at, what in runs:
                    at = at if at >= 0 else len(b) + at
                    b = b[:at] + what + b[at + len(what):]
                return b
            return damage

        def ask(damage, cause, exit_status=0):
            # At once the two are one fault; later the copy is another.
            for after, more in ((0, []), (1, [("record-replayed", r.seq + 2)])):
                c = self.with_copy(conv, r, after, damage)
                # Up to TLS 1.0 the next record has its IV in the last block.
                lost = "TLS 1.0 CBC, MAC first" in name and after and damage(r.data)[-16:] != r.data[-16:]
                report = self.causes(c, log, [(cause, r.seq)] + more, undecided=1 if lost else 0)
                self.made_right(damage(r.data), r, report, judge.failures(report)[0])
                if after == 0:
                    self.proved(c, log, report, exit_status)

        def lies():
            """Another record than the report says is none."""
            c = self.with_copy(conv, r, 1, put((100, noise[:150])))
            report = self.causes(c, log, [("bytes-damaged", r.seq), ("record-replayed", r.seq + 2)])
            altered = judge.failures(report)[0]["proof"]["altered"]
            for member in ("stream_offset", "packet", "sequence_number"):
                altered["other_record"][member] += 1
                self.proved(c, log, report, 1)
                altered["other_record"][member] -= 1
            self.proved(c, log, report, 3)  # the other failure's record differs from the one that it names

        def stale():
            """What stands in its place is of another record: where, no report has a word for."""
            ask(put((100, source.data[40:240])), "stale-data", 3)

        def end_too():
            """The nearest miss: of its MAC nothing is left, and another record of its number may be alike in parts."""
            damage = put((45, noise[:60]), (-64, noise[60:124]))
            self.causes(self.with_copy(conv, r, 0, damage), log, [("unexplained", r.seq)])
            lost = 1 if "TLS 1.0 CBC, MAC first" in name else 0
            report = self.causes(self.with_copy(conv, r, 1, damage), log, [
                ("unexplained", r.seq), ("sequence-reused", r.seq + 2)], undecided=lost)
            judge.want(judge.failures(report)[1]["confidence"] == "supported", "confidence", report)

        def all_of_the_mac():
            """It may have been made wrong the first time."""
            n = 20 if "RC4" in name else 48 if block else 20 if "TLS 1.0 CBC" in name else 32 if "CBC" in name else tag
            damage = put((-n, noise[:n]))
            report = self.causes(self.with_copy(conv, r, 0, damage), log, [({"tag-damaged", "bytes-damaged"}, r.seq)])
            self.made_right(damage(r.data), r, report, judge.failures(report)[0], "supported")

        def another():
            """Damage all over, and then a second writer's record of that number: it says nothing of what was sent."""
            s = seal.Sealer(conv, log)
            number, content = next((k, c) for k, (q, c) in enumerate(s.opened[C2S]) if q.off == r.off)
            mine = content[:300] + bytes(x ^ 1 for x in content[300:340]) + content[340:]
            other = s.seal(C2S, number, r, mine, {"iv": s.side[C2S].iv})
            for after, more in ((0, []), (1, [("sequence-reused", r.seq + 2)])):
                c = self.with_copy(conv, r, after, put((100, noise[:150]), (400, noise[150:200])), other)
                report = self.causes(c, log, [({"unexplained", "bytes-inserted"}, r.seq)] + more)
                judge.want(all(f["confidence"] == "supported" for f in judge.failures(report)), "confidence", report)
        for what, cause, damage in (("150 octets", "bytes-damaged", put((100, noise[:150]))),
                                    ("zeros", "bytes-damaged", put((100, bytes(100)))),
                                    ("both ends", "bytes-damaged", put((45, noise[:60]), (-60, noise[60:112]))),
                                    ("most of the MAC", "bytes-damaged" if block else "tag-damaged", put((-tag, noise[:tag - 7]))),
                                    ("its type and 150 octets", "bytes-damaged", put((0, b"\x13"), (100, noise[:150]))),
                                    ("20 octets left out", "bytes-missing", lambda b: b[:100] + b[120:]),
                                    ("20 octets put in", "bytes-inserted", lambda b: b[:100] + noise[:20] + b[100:])):
            yield self.tap.case, "%s, and the right record: %s" % (name, what), ask, damage, cause
        yield self.tap.case, name + ", and the right record: octets of another one", stale
        yield self.tap.case, name + ", and the right record: all of the MAC", all_of_the_mac
        yield self.tap.case, name + ", and the right record: both ends, all of the MAC", end_too
        yield self.tap.case, name + ", and the right record: what the report says of it is altered", lies
        if aead or ("TLS 1.2" in name and block):
            yield self.tap.case, name + ", and another record of its number: much", another

    # The capture lacks the record beside it --------------------------------------------------------------

    def gaps(self, name, conv, log):
        r = [q for q in conv.application(C2S) if len(q) > 350][2]
        before = [q for q in conv.records(C2S) if q.off < r.off][-1]
        behind = [q for q in conv.records(C2S) if q.off > r.off][0]
        rng = judge.rng_for(name + " gaps")
        noise = bytes(rng.randrange(256) for _ in range(150))

        def without(c, gone):
            return [s for s in wire.segments(c) if s.direction != C2S or not s.data or s.off >= gone.off + len(gone) or
                    s.off + len(s.data) <= gone.off]

        def bit():
            c = conv.copy()
            c.items[r.item_index].data = r.data[:100] + bytes([r.data[100] ^ 1]) + r.data[101:]
            report = self.causes(c, log, [({"bits-flipped", "bad-padding"}, r.seq)], segs=without(c, behind), undecided=1)
            told = judge.failures(report)[0]
            judge.want(told["confidence"] == "proven" and told["length"] == len(r), "confidence", report)

        def much():
            """Its number does not tell of a record that never came: that one fell into the gap."""
            c = conv.copy()
            c.items[r.item_index].data = r.data[:100] + noise + r.data[250:]
            self.causes(c, log, [("unexplained", r.seq)], segs=without(c, behind), undecided=1)

        def removed():
            """What fell into the gap may have been that one, too."""
            c = conv.copy()
            c.items.pop(r.item_index)
            self.causes(c, log, [], segs=without(c, before), exit_status=3, undecided=1)
        for what, function in (("a bit, and behind it a gap", bit), ("150 octets, and behind it a gap", much),
                               ("a gap, and behind it a record left out", removed)):
            yield self.tap.case, "%s: %s" % (name, what), function

    # Right behind a gap ---------------------------------------------------------------------------------------

    def behind_gap(self, name, conv, log):
        mine = [q for q in conv.application(C2S) if len(q) > 350]
        at = next(k for k, q in enumerate(mine) if k and 600 < len(q) < 1300)
        r, whole = mine[at], len(conv.protected())
        order = [q.off for q in conv.records(C2S)]
        before, behind = (conv.records(C2S)[order.index(r.off) + k] for k in (-1, 1))
        rng = judge.rng_for(name + " behind")
        noise = bytes(rng.randrange(256) for _ in range(150))
        # Up to TLS 1.0 CBC its IV fell into the gap; where nothing is encrypted, what looks like a header may be content.
        blind = "TLS 1.0 CBC" in name

        def damaged(b, *runs):
            for k, what in runs:
                b = b[:k] + what + b[k + len(what):]
            return b
        bit, much = damaged(r.data, (100, bytes([r.data[100] ^ 1]))), damaged(r.data, (100, noise))

        def ask(data, expected, lost=None, edit=None, **options):
            """lost: (from, to) of the stream. What does not verify and is not told of is counted as what the gap had."""
            c = conv.copy()
            c.items[r.item_index].data = data
            if edit is not None:
                edit(c)
            lo, hi = lost or (before.off, before.off + len(before))
            hole = wire.Record(None, C2S, lo, bytes(hi - lo), True, None)
            return self.causes(c, log, expected, segs=self.cut_out(wire.segments(c), hole), exit_status=1 if expected else 3, undecided=1, **options)

        def found():
            if blind:
                ask(bit, [])
                return
            report = ask(bit, [({"bits-flipped", "bad-padding"}, r.seq)], verified=whole - 2)
            judge.want(judge.failures(report)[0]["confidence"] == "proven", "confidence", report)

        def wide():
            report = ask(much, [] if blind else [("unexplained", r.seq)])
            judge.want(blind or any("gap" in e for e in judge.failures(report)[0]["evidence"]), "evidence", report)

        def good():
            """The nearest miss. Without its IV it cannot be judged."""
            ask(r.data, [], verified=whole - 1 - (1 if "TLS 1.0 CBC, MAC first" in name else 0))

        def copied(after):
            """What comes behind it says what it was: at once, with the number that was due here; else with the one before."""
            def edit(c):
                items = [q.item_index for q in conv.records(C2S) if q.off >= r.off]
                c.items.insert(items[after] + 1, wire.Item(C2S, r.data))
            told = ask(much, [("bytes-damaged", r.seq)] + ([("record-replayed", r.seq + 2)] if after else []), edit=edit)
            self.made_right(much, r, told, judge.failures(told)[0])

        def tail():
            """The gap ends within the record before: of all places in its rest one may look like a header."""
            ask(much, [], lost=(before.off, before.off + len(before) // 2))

        def two():
            """Whether each was counted does not show."""
            def edit(c):
                c.items[behind.item_index].data = damaged(behind.data, (15, noise[:min(100, len(behind) - 20)]))
            ask(much, [], edit=edit)

        def other_type():
            ask(damaged(much, (0, b"\x16")), [])

        def last():
            """Nothing good follows that would tell its number."""
            def edit(c):
                del c.items[r.item_index + 1:]
            ask(much, [], edit=edit)

        def like_next():
            """It shares octets with the one behind it, beyond chance, and not its end: perhaps that is the one."""
            ask(damaged(behind.data, (45, noise[:60]), (len(behind) - 64, noise[60:124])), [])
            quarter = len(behind) // 4
            ask(behind.data[:quarter] + bytes(rng.randrange(256) for _ in range(len(behind) - quarter)), [])

        def reflected():
            """Octets of the other side's that were good there: where its receiver was then lies in the gap."""
            early = [q for q in conv.application(S2C) if q.item_index < r.item_index and len(q) > 40]
            judge.want(early, "no record of the server's before it")
            ask(early[-1].data, [])
        for what, function in (("a bit", found), ("150 octets", wide), ("nothing", good), ("the gap ends within a record", tail),
                               ("two in a row", two), ("its type too", other_type), ("no good one follows", last),
                               ("much like the next one", like_next), ("one of the other side", reflected)):
            yield self.tap.case, "%s, right behind a gap: %s" % (name, what), function
        for after in () if blind else (0, 1):
            yield self.tap.case, "%s, right behind a gap: 150 octets, the right one %s" % (
                name, "later" if after else "at once"), copied, after

    # The record whose number comes up again fell into the gap -------------------------------------------

    @staticmethod
    def cut_out(segs, gone):
        """The octets of this record alone were not captured."""
        out = []
        for s in segs:
            if s.direction == gone.direction and s.off < gone.off + len(gone) and s.off + len(s.data) > gone.off:
                before, behind = max(gone.off - s.off, 0), gone.off + len(gone) - s.off
                parts = [(s.off, s.data[:before]), (s.off + behind, s.data[behind:])]
                out += [s.clone(off=off, data=data) for off, data in parts if data]
            else:
                out.append(s)
        return out

    def in_gap(self, name, conv, log):
        mine, whole = [q for q in conv.application(C2S) if len(q) > 150][2:7], len(conv.protected())
        r, at = mine[0], [q.item_index for q in mine]

        def ask(order, gone, expected, edit=None, undecided=1, **options):
            """mine in this order, by places; the one that comes at place `gone` is not captured."""
            c = conv.copy()
            sent = [wire.Item(C2S, mine[k].data) for k in order]
            lost = sent[gone]
            for k, place in enumerate(at):
                c.items[place] = sent[k]
            c.items[at[-1] + 1:at[-1] + 1] = sent[len(at):]
            if edit is not None:
                edit(c)
            hole = next(q for q in c.records(C2S) if c.items[q.item_index] is lost)
            return self.causes(c, log, expected, segs=self.cut_out(wire.segments(c), hole), undecided=undecided, **options)

        def used(order, gone, number, verified):
            """Perhaps it was this one that fell into the gap, and comes again or late."""
            report = ask(order, gone, [("sequence-reused", number)], verified=verified)
            told = judge.failures(report)[0]
            judge.want(told["confidence"] == "supported", "confidence %s" % told["confidence"], report)

        def replayed():
            used([0, 1, 0, 2, 3, 4], 0, r.seq + 2, whole - 1)

        def swapped():
            used([1, 2, 0, 3, 4], 0, r.seq + 3, whole - 2)

        def seen():
            """The nearest miss: both that had the number were captured, and the gap holds another."""
            s = seal.Sealer(conv, log)
            number, content = next((k, c) for k, (q, c) in enumerate(s.opened[C2S]) if q.off == r.off)
            other = s.seal(C2S, number, r, bytes(x ^ 1 for x in content[:60]) + content[60:], {"iv": s.side[C2S].iv})

            def edit(c):
                c.items.insert(at[2] + 1, wire.Item(C2S, other))
            report = ask(range(5), 1, [("sequence-reused", r.seq + 3)], edit, verified=whole - 1)
            judge.want(judge.failures(report)[0]["confidence"] == "proven", "confidence", report)

        def behind():
            """It came before the gap, and the receiver stands where the next one is good."""
            ask([0, 1, 0, 2, 3, 4], 1, [], exit_status=3, verified=whole - 1)

        def complained():
            """What could not be judged is what failed."""
            s = seal.Sealer(conv, log)

            def edit(c):
                last = next(k for k, item in enumerate(c.items) if item.data == mine[3].data)
                del c.items[last + 1:]
                n = sum(q.item_index < last for q, _ in s.opened[S2C])
                q = s.opened[S2C][n][0]
                alert, kind = (b"\x02\x14\x15", None) if s.tls13 else (b"\x02\x14", wire.ALERT)
                c.items.append(wire.Item(S2C, s.seal(S2C, n, q, alert, {"iv": s.side[S2C].iv}, kind=kind)))
            ask([0, 1, 0, 2, 3, 4], 1, [("capture-incomplete", None)], edit, undecided=0)
        def early():
            """Swapped, the later one in the gap: none is missing behind it, and then one seems to be."""
            ask([1, 0, 2, 3, 4], 0, [], exit_status=3, verified=whole - 1)

        def left_out():
            """The nearest miss: the gap held what was missing right behind it."""
            ask(range(5), 0, [("record-missing", r.seq + 3)], lambda c: c.items.pop(at[3]), verified=whole - 3)
        for what, function in (("it came too early", early), ("another one left out", left_out),
                               ("it comes again later", replayed), ("one that was swapped comes late", swapped),
                               ("a number is used twice beside it", seen), ("the one before it comes again", behind),
                               ("the one before it comes again, and an alert", complained)):
            yield self.tap.case, "%s, a record in a gap: %s" % (name, what), function

    # Numbers that are set back, under a keystream that is not ----------------------------------------------

    def numbers(self, name, conv, log):
        s = seal.Sealer(conv, log)
        n, whole = len(s.opened[C2S]), len(conv.protected())

        def counted(number):
            seqs = iter(range(n))

            def rule(d, *_):
                seq = next(seqs)
                return {"number": struct.pack("!Q", number(seq))} if number(seq) != seq else None
            return s.seal_all(rule, directions=(C2S,))

        def back(number):
            report = self.causes(counted(number), log, [("sequence-reused", 6)], verified=whole - 1)
            told = judge.failures(report)[0]
            judge.want(told["confidence"] == "proven" and any("keystream goes on" in e for e in told["evidence"]) and
                       not any("XOR" in w for w in told["next_steps"]), "evidence", report)

        def told(c, cause, exit_status=0):
            report = self.causes(c, log, [(cause, 6)], verified=whole - 1)
            judge.want(judge.failures(report)[0]["confidence"] == "proven", "confidence", report)
            self.proved(c, log, report, exit_status)

        def ahead():
            """Of one record: its sender made the MAC of that with another number."""
            for n in (1, 3, 200):
                told(counted(lambda q, n=n: q + n if q == 6 else q), "sender-miscomputed")

        def jump():
            """What was left out would have taken keystream with it: there was none."""
            for n in (1, 3, 200):
                told(counted(lambda q, n=n: q if q < 6 else q + n), "record-missing")

        def changed():
            told(counted(lambda q: 13 - q if q in (6, 7) else q), "records-reordered")

        def with_damage():
            """The nearest miss: nothing says that it is its number."""
            c = counted(lambda q: q + 3 if q == 6 else q)
            r = s.opened[C2S][6][0]
            data = c.items[r.item_index].data
            c.items[r.item_index].data = data[:60] + bytes([data[60] ^ 1]) + data[61:]
            self.causes(c, log, [("unexplained", 6)], verified=whole - 1)
        for what, number in (("one is set back", lambda q: 3 if q == 6 else q), ("three are set back", lambda q: q - 3 if 6 <= q < 9 else q),
                             ("all are set back", lambda q: q if q < 6 else q - 3), ("they begin again", lambda q: q if q < 6 else q - 6)):
            yield self.tap.case, "%s, numbers: %s" % (name, what), back, number
        for what, function in (("one is ahead", ahead), ("all are ahead", jump), ("two have each other's", changed),
                               ("one is ahead, and a bit of it", with_damage)):
            yield self.tap.case, "%s, numbers: %s" % (name, what), function

    # Octets of the tag here and there -----------------------------------------------------------------------

    def tags(self, name, conv, log):
        r = self.target(conv)
        size = 20 if "RC4" in name else 32 if "CBC" in name else 16

        def ask(places, cause):
            c = conv.copy()
            b = bytearray(r.data)
            for k in places:
                b[len(b) - size + k] ^= 0xbf
            c.items[r.item_index].data = bytes(b)
            report = self.causes(c, log, [(cause, r.seq)], verified=len(conv.protected()) - 1)
            told = judge.failures(report)[0]
            judge.want(cause == "unexplained" or (told["confidence"] == "proven" and told["proof"]["chance_log2"] <= -40 and
                                                  sorted(d["record_offset"] for d in told["damage"]) ==
                                                  [len(r) - size + k for k in places]), "proof", report)
        for places, cause in (((3, 9), "tag-damaged"), ((2, 7, 13), "tag-damaged"), ((1, 4, 8, 12, 15), "unexplained")):
            yield self.tap.case, "%s: %d octets of the tag" % (name, len(places)), ask, places, cause

    # Words that differ in few bits ------------------------------------------------------------------------

    def words(self, name, conv, log):
        def swapped(bits):
            """Two words near each other that differ in so many bits."""
            for r in conv.application(C2S):
                b = r.data
                for i in range(20, len(b) - 20):
                    for j in range(i + 2, min(i + 60, len(b) - 18), 2):
                        if bin(int.from_bytes(b[i:i + 2], "big") ^ int.from_bytes(b[j:j + 2], "big")).count("1") == bits:
                            return r, b[:i] + b[j:j + 2] + b[i + 2:j] + b[i:i + 2] + b[j + 2:]
            raise judge.Mismatch("no such words")

        def ask(bits, alike):
            c = conv.copy()
            r, c.items[r.item_index].data = swapped(bits)
            report = self.causes(c, log, [({"words-swapped", "bits-flipped"} if alike else "words-swapped", r.seq)],
                                 verified=len(conv.protected()) - 1)
            told = judge.failures(report)[0]
            other = {"words-swapped": "%d flipped bits" % (2 * bits), "bits-flipped": "two words that trade places"}[told["cause"]]
            judge.want(sum(e.endswith("would have left the same bytes") and other in e for e in told["evidence"]) == alike,
                       "evidence", report)
        for bits, alike in ((1, 1), (2, 1), (3, 0), (9, 0)):
            yield self.tap.case, "%s: words that differ in %d bits change places" % (name, bits), ask, bits, alike

    # Behind close_notify ----------------------------------------------------------------------------------

    def closed(self, name, conv, log):
        s = seal.Sealer(conv, log)
        (last, _), n, whole = s.opened[C2S][-1], len(s.opened[C2S]), len(conv.protected())
        r, content = s.opened[C2S][3]
        more = [s.seal(C2S, n + k, r, content, {"iv": s.side[C2S].iv}) for k in range(2)]
        bad = more[0][:60] + bytes([more[0][60] ^ 1]) + more[0][61:]

        def ask(items, verified, after):
            c = conv.copy()
            at = last.item_index + 1
            c.items[at:at] = [wire.Item(C2S, b, kind) for b, kind in items]
            report = self.causes(c, log, [], exit_status=0, verified=whole + verified)
            judge.want(report["connections"][0]["records_after_close"] == report["summary"]["records_after_close"] == after,
                       "after close", report)

        def records():
            ask([], 0, 0)
            ask([(bad, "record")], 0, 1)
            ask([(bad, "record"), (more[1], "record")], 0, 2)

        def good():
            ask([(more[0], "record"), (more[1], "record")], 2, 0)

        def others():
            ask([(b"QUIT\r\n250 a line of another protocol\r\n", "raw")], 0, 0)
            ask([(bad, "record"), (b"QUIT\r\n250 a line of another protocol\r\n", "raw")], 0, 1)

        def complained():
            """Somebody has read them all the same: a child closed the connection that its parent goes on with."""
            q = s.mine(S2C)[-1]
            alert = s.seal(S2C, len(s.opened[S2C]) - 1, q, b"\2\x14" + (b"\x15" if s.tls13 else b""), {"iv": s.side[S2C].iv},
                           kind=None if s.tls13 else wire.ALERT)
            used = s.seal(C2S, n - 1, r, content, {"iv": s.side[C2S].iv})
            for record, cause in ((used, "sequence-reused"), (bad, "bits-flipped")):
                c = conv.copy()
                c.items = [x for k, x in enumerate(c.items) if k != q.item_index and k <= last.item_index]
                c.items += [wire.Item(C2S, record, "record"), wire.Item(S2C, alert, "record")]
                report = self.causes(c, log, [(cause, n)])
                judge.want(report["summary"]["records_after_close"] == 0, "after close", report)
        cases = [("bad records", records), ("good records", good), ("no records", others)]
        if s.kind != "rc4" and not (s.kind == "cbc" and s.version < 0x0302):
            cases.append(("a complaint about it", complained))
        for what, function in cases:
            yield self.tap.case, "%s, behind close_notify: %s" % (name, what), function

    # The capture begins with what was damaged ---------------------------------------------------------

    def starts(self, name, conv, log):
        mine = [q for q in conv.records(C2S) if q.protected]
        sent = [q for q in conv.application(C2S) if len(q) > 150]

        def from_record(first, damaged, expected, exit_status):
            c = conv.copy()
            for q in damaged:
                rng = judge.rng_for("%s %d" % (name, q.off))
                c.items[q.item_index].data = q.data[:10] + bytes(rng.randrange(256) for _ in range(40)) + q.data[50:]
            segs = wire.segments(c)
            at = wire.carriers(segs, C2S, first.off, 1)[0] - 1
            return self.causes(c, log, expected, segs=segs[at:], exit_status=exit_status, undecided=1 if exit_status == 3 else 0)

        def one():
            from_record(sent[3], sent[3:4], [("unexplained", sent[3].seq)], 1)
            from_record(mine[1], mine[1:2], [("unexplained", 0)], 1)

        def two():
            from_record(sent[3], sent[3:5], [("unexplained", sent[3].seq), ("unexplained", sent[4].seq)], 1)

        def none():
            from_record(sent[3], [], [], 0)

        def finished():
            """The nearest miss: number 0 comes behind it, so it is of another epoch, which nothing tells."""
            from_record(mine[0], mine[:1], [], 3)
        for what, function in (("its first record is bad", one), ("its first two records are bad", two),
                               ("it begins whole", none), ("it begins with a bad Finished", finished)):
            yield self.tap.case, "%s, a capture from the middle: %s" % (name, what), function

    def run(self):
        kinds = [("TLS 1.0 CBC", lambda: self.openssl("TLS 1.0", "AES128-SHA")),
                 ("TLS 1.2 CBC encrypt-then-MAC", lambda: self.openssl("TLS 1.2", "AES128-SHA256")),
                 ("TLS 1.2 GCM", lambda: self.openssl("TLS 1.2", "ECDHE-RSA-AES128-GCM-SHA256")),
                 ("TLS 1.3 GCM", lambda: self.openssl("TLS 1.3", None, "-ciphersuites", "TLS_AES_128_GCM_SHA256")),
                 ("TLS 1.3 ChaCha20", lambda: self.openssl("TLS 1.3", None, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"))]
        if test_events.stacks.have("gnutls-cli", "gnutls-serv"):
            kinds.insert(1, ("TLS 1.0 RC4", self.gnutls_rc4))
        else:
            self.tap.report("gnutls-cli", skip="not installed")
        recorded = []
        for name, record in kinds:
            conv, log = record()
            recorded.append((name, conv, log))
            self.jobs += self.copies(name, conv, log)
            self.jobs += self.gaps(name, conv, log)
            if "TLS 1.0" not in name:
                self.jobs += self.in_gap(name, conv, log)
            if name != "TLS 1.0 CBC":
                self.jobs += self.tags(name, conv, log)
            if "GCM" in name:
                self.jobs += self.words(name, conv, log)
            if "RC4" in name:
                self.jobs += self.numbers(name, conv, log)
            if "TLS 1.0" not in name:
                self.jobs += self.closed(name, conv, log)
            if "1.3" in name:
                self.jobs += self.starts(name, conv, log)
        for name, record in (("TLS 1.0 CBC, MAC first", lambda: self.openssl("TLS 1.0", "AES128-SHA", "-no_etm")),
                             ("TLS 1.2 CBC, MAC first", lambda: self.openssl("TLS 1.2", "AES128-SHA256", "-no_etm")),
                             ("TLS 1.2 CCM_8", lambda: self.openssl("TLS 1.2", "AES128-CCM8"))):
            recorded.append((name, *record()))
        for name, conv, log in recorded:
            self.jobs += self.donors(name, conv, log)
            self.jobs += self.behind_gap(name, conv, log)
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "2")))
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Edges().run())
