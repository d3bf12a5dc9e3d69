#!/usr/bin/env python3
"""What can happen to records and to the packets that carry them, done to recordings of real stacks: each fault is one
failure with its cause and everything after it verifies; what TCP mends, or a capture lacks, is no failure."""
import os

import sys
import threading

import judge
import stacks
import wire
from wire import C2S, S2C

MESSAGES = [stacks.line(n) for n in (120, 700, 4000, 811, 900, 5000, 300, 1200, 999, 450, 640, 77)]
# The stronger verdicts that may take the place of "unexplained".
BITS = {"unexplained", "bits-flipped", "tag-damaged", "bytes-damaged", "bad-padding"}
INSERTED = {"unexplained", "bytes-inserted", "foreign-record", "plaintext-injected"}


class Events:
    def __init__(self):
        self.lab, self.tap, self.jobs = stacks.Lab(), judge.Tap(), []
        self.counter, self.lock = 0, threading.Lock()

    def path(self):
        with self.lock:
            self.counter += 1
            return self.lab.path("event-%d.pcap" % self.counter)

    # Recordings: (conversation, key log) ---------------------------------------------------------

    def openssl(self, version, suite, *server_options, **relay_options):
        server = self.lab.openssl_server("-cipher", "ALL:@SECLEVEL=0", *server_options)
        with server.lock2, stacks.Relay(server.port, **relay_options) as relay:
            try:
                stacks.python_client(relay.port, version, suite, MESSAGES)
            except stacks.StackError:
                if not relay_options:
                    raise
            return relay.recorded()[0], server.keylog

    def gnutls_rc4(self, **relay_options):
        priority = "NONE:+VERS-TLS1.0:+ARCFOUR-128:+SHA1:+RSA:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%COMPAT"
        port, log = stacks.free_port(), self.path() + ".keys"
        server = self.lab.start("gnutls-serv", "--echo", "-p", str(port), "--x509certfile", "rsa.crt", "--x509keyfile",
                                "rsa.key", "--priority", priority, "--disable-client-cert")
        stacks.wait_for_port(port)
        with stacks.Relay(port, **relay_options) as relay:
            p = self.lab.start("gnutls-cli", "--insecure", "--no-ca-verification", "-p", str(relay.port), "--priority",
                               priority, "127.0.0.1", env={"SSLKEYLOGFILE": log})
            p.wait_for(rb"Simple Client Mode")
            try:
                stacks.echo_chat(p, [m[-3900:] for m in MESSAGES])
            except stacks.StackError:
                if not relay_options:
                    raise
            p.finish(2)
            conv = relay.recorded()[0]
        server.stop()
        return conv, log

    # Questions ----------------------------------------------------------------------------------

    def clean(self, conv, keys, segs, **options):
        path = self.path()
        wire.write(path, [(conv, segs)], **options)
        judge.check_clean(path, keys, len(conv.protected()), 1)

    def one(self, conv, keys, causes, expected, verified_at_least, segs=None, allowed_failures=(1,), exit_status=1):
        path = self.path()
        wire.write(path, [(conv, segs or wire.segments(conv))])
        rc, report, err = judge.diagnose(path, keys)
        judge.want_exit(exit_status, rc, report, err)
        found = judge.failures(report)
        judge.want(len(found) in allowed_failures, "%d failures, expected %s" % (len(found), allowed_failures), report)
        for k, v in expected.items():
            judge.want(found[0][k] == v, "%s %r, expected %r" % (k, found[0][k], v), report)
        judge.want(found[0]["cause"] in causes, "cause %s, expected %s" % (found[0]["cause"], sorted(causes)), report)
        n = report["summary"]["records"]["verified"]
        judge.want(n >= verified_at_least, "%d verified, expected at least %d" % (n, verified_at_least), report)
        judge.want_counts(report, None, None)
        return report

    def cut_off(self, conv, keys):
        """The client closes within its last record."""
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])
        rc, report, err = judge.diagnose(path, keys)
        judge.want_exit(3, rc, report, err)
        c = report["connections"][0]
        judge.want(not c["failures"] and c["undecided_because"].startswith(
            "what was captured of the client ends within a record"), c["undecided_because"], report)

    # Faults -------------------------------------------------------------------------------------

    def target(self, conv, nth=4):
        """A client record with data in the middle of the conversation."""
        found = [r for r in conv.application(C2S) if len(r) > 150]
        return found[min(nth, len(found) - 3)]

    def faults(self, name, conv, log, other, iv_chained=False):
        keys, n = [log], len(conv.protected())
        r = self.target(conv)
        way = {"direction": "client_to_server"}
        here = dict(way, stream_offset=r.off, sequence_number=r.seq)

        def case(what, function, *args, **kw):
            self.jobs.append((self.tap.case, "%s: %s" % (name, what), lambda: function(*args, **kw)))

        def edited(edit):
            c = conv.copy()
            edit(c.items)
            return c

        i = r.item_index
        following = [q for q in conv.records(C2S) if q.off > r.off]
        later = following[0].item_index

        last = conv.application(C2S)[-1]
        case("ends within a record", self.cut_off, edited(lambda items: items.__setitem__(slice(None), [
            wire.Item(C2S, last.data[:-9]) if k == last.item_index else x for k, x in enumerate(items)
            if k <= last.item_index or x.direction != C2S])), keys)
        case("record removed", self.one, edited(lambda items: items.pop(i)), keys, {"record-missing"}, here,
             n - 2 - (1 if iv_chained else 0))
        case("record replayed at once", self.one, edited(lambda items: items.insert(i + 1, items[i])), keys,
             {"record-replayed"}, dict(way, stream_offset=r.off + len(r), sequence_number=r.seq + 1), n - (1 if iv_chained else 0))
        case("record replayed later", self.one, edited(lambda items: items.insert(later + 1, items[i])), keys,
             {"record-replayed"}, way, n - (1 if iv_chained else 0))
        case("two records swapped", self.one, edited(lambda items: items.__setitem__(slice(None), [
            items[later] if k == i else items[i] if k == later else x for k, x in enumerate(items)])), keys,
             {"records-reordered"}, dict(way, stream_offset=r.off), n - (3 if iv_chained else 2), allowed_failures=(1, 2))
        foreign = self.target(other, 2)
        case("foreign record", self.one, edited(lambda items: items.insert(i, wire.Item(C2S, foreign.data))), keys, INSERTED,
             here, n - (1 if iv_chained else 0))
        case("7 octets dropped", self.one, edited(lambda items: setattr(items[i], "data", r.data[:100] + r.data[107:])), keys,
             {"unexplained", "bytes-missing"}, here, n - 1)
        for change in (8, -16, 256):
            length = (len(r) - 5 + change).to_bytes(2, "big")
            case("length %+d" % change, self.one, edited(lambda items, length=length: setattr(
                items[i], "data", r.data[:3] + length + r.data[5:])), keys, {"unexplained", "header-damaged"}, here, n - 1)
        http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        case("cleartext between records", self.one, edited(lambda items: items.insert(i, wire.Item(C2S, http, "raw"))), keys,
             INSERTED, here, n - (1 if iv_chained else 0))
        case("cleartext in a record", self.one, edited(lambda items: setattr(
            items[i], "data", r.data[:60] + http + r.data[60:])), keys, INSERTED, here, n - 1)
        if not iv_chained and "RC4" not in name:
            def one_in_another(items):
                items[i].data = r.data[:60] + items[later].data + r.data[60:]
                items.pop(later)
            case("one record within another", self.one, edited(one_in_another), keys, {"records-interleaved"},
                 dict(here, length=len(r)), n - 1)
            # Its last octet stands before it as well: it could be cut out one octet earlier.
            alike = [k for k in range(30, len(r) - 20) if r.data[k - 1] == conv.items[later].data[-1]]
            if alike:
                def within_alike(items):
                    items[i].data = r.data[:alike[0]] + items[later].data + r.data[alike[0]:]
                    items.pop(later)
                case("one record within another, after an octet like its last", self.one, edited(within_alike), keys,
                     {"records-interleaved"}, dict(here, length=len(r)), n - 1)
        # The stream ends right behind the fault.
        last = [q for q in conv.application(C2S) if len(q) > 150][-1]

        def ended(edit):
            c = conv.copy()
            c.items = [x for k, x in enumerate(c.items) if k <= last.item_index or x.direction == S2C]
            edit(c.items[last.item_index])
            return c
        end = dict(way, stream_offset=last.off, sequence_number=last.seq)
        for change in (40, -40):
            length = (len(last) - 5 + change).to_bytes(2, "big")
            case("length %+d of the last record" % change, self.one, ended(lambda item, length=length: setattr(
                item, "data", last.data[:3] + length + last.data[5:])), keys, {"header-damaged"}, end, 1)
        case("cleartext behind the last record", self.one, ended(lambda item: setattr(item, "data", last.data + http)), keys,
             {"plaintext-injected"}, dict(way, stream_offset=last.off + len(last)), 1)
        flipped, _ = conv.flip(r, judge.rng_for(name), 16 if iv_chained else 0)
        fsegs = wire.segments(flipped)
        case("one bit", self.one, flipped, keys, BITS, dict(here, length=len(r), packets=wire.carriers(
            fsegs, C2S, r.off, len(r))), n - 1)
        tail = conv.copy()
        b = bytearray(tail.items[i].data)
        b[-3] ^= 0x20
        tail.items[i].data = bytes(b)
        case("one bit of the last block", self.one, tail, keys, BITS, dict(here, length=len(r)),
             n - (2 if iv_chained else 1))
        zeros = conv.copy()
        zeros.items[i].data = r.data[:64] + b"\0" * 64 + r.data[128:]
        case("64 octets of zeros", self.one, zeros, keys, {"unexplained", "bytes-damaged", "stale-data"}, here, n - 1)
        if conv.is_tls13():
            # The number is found in the shortest record, which comes after the fault.
            twice = edited(lambda items: items.insert(i + 1, wire.Item(C2S, r.data)))
            tsegs = wire.segments(twice)
            start = wire.carriers(tsegs, C2S, self.target(conv, 2).off, 5)[0] - 1
            case("record twice, joined in the middle", self.one, twice, keys, {"record-replayed"},
                 dict(way, sequence_number=r.seq + 1), 8, segs=tsegs[start:])
        self.packets(case, conv, log, keys, n, r, here)
        self.keys(case, conv, log, n)

    def packets(self, case, conv, log, keys, n, r, here):
        segs = wire.segments(conv)
        at = wire.carriers(segs, C2S, r.off + 30, 1)[0] - 1
        s = segs[at]
        inside = r.off + 30 - s.off
        wrong = s.data[:inside] + bytes([s.data[inside] ^ 4]) + s.data[inside + 1:]

        def inserted(before, after):
            return wire.retimed(segs[:at] + [before, after] + segs[at + 1:])

        dropped = s.clone(data=wrong)
        dropped.bad_checksum = True
        case("bad checksum, then sent again well", self.clean, conv, keys, inserted(dropped, s.clone()))
        # The order of the two directions in a capture is not strict.
        early = wire.Segment(S2C, s.ack, b"", s.off + len(s.data), wire.ACK, s.ts_us)
        case("bad checksum, sent again well, acknowledged too early", self.clean, conv, keys,
             wire.retimed(segs[:at] + [dropped, early, s.clone()] + segs[at + 1:]))
        worse = s.clone(data=s.data[:inside] + bytes([s.data[inside] ^ 8]) + s.data[inside + 1:])
        case("bad checksum, acknowledged, and sent again no better", self.one, conv, keys,
             {"bits-flipped", "bad-padding", "tag-damaged", "unexplained"}, here, n - 2,
             segs=wire.retimed(segs[:at] + [dropped, early, worse] + segs[at + 1:]))
        case("sent again with other octets after the right ones", self.clean, conv, keys, inserted(s.clone(), s.clone(data=wrong)))
        case("sent again well after other octets", self.one, conv, keys, {"retransmission-differs"}, here, n - 1,
             segs=inserted(s.clone(data=wrong), s.clone()))
        rng = judge.rng_for("packets")
        case("late segments", self.clean, conv, keys, wire.shuffled(segs, rng))
        case("doubled segments", self.clean, conv, keys, wire.duplicated(segs, rng))
        case("overlapping segments", self.clean, conv, keys, wire.overlapping(segs, rng))
        case("segments of 1 to 9 octets", self.clean, conv, keys, wire.segments(conv, mss=9, seed=1))
        case("cut at random, late, overlapping", self.clean, conv, keys,
             wire.shuffled(wire.overlapping(wire.segments(conv, mss=600, seed=2), rng), rng, 6))
        case("TCP sequence numbers wrap", self.clean, conv, keys, segs, isn=(0xffffffff - r.off, 0xfffffff0))
        six = conv.copy()
        six.client, six.server = ("2001:db8::1", 49152), ("2001:db8::2", 443)
        case("IPv6 and VLAN, nanoseconds", self.clean, six, keys, segs, vlan=7, fmt="pcap-ns")
        case("pcapng", self.clean, conv, keys, segs, fmt="pcapng")
        with open(log, "rb") as f:
            case("pcapng with its secrets", self.clean, conv, [], segs, fmt="pcapng", secrets=f.read())
        big = next(q for q in conv.application(C2S) if len(q) > 3500)
        hole = wire.carriers(segs, C2S, big.off + 1500, 1)[0] - 1
        case("a segment left out of the capture", self.gap, conv, keys, segs[:hole] + segs[hole + 1:], n - 1, n - 1)
        first = wire.carriers(segs, C2S, r.off, 5)[0] - 1
        case("a header left out of the capture", self.gap, conv, keys, segs[:first] + segs[first + 1:],
             len(conv.protected(S2C)), n - 1)

    def gap(self, conv, keys, segs, least, most):
        path = self.path()
        wire.write(path, [(conv, segs)])
        rc, report, err = judge.diagnose(path, keys)
        judge.want_exit(3, rc, report, err)
        judge.want(all(f["cause"] == "capture-incomplete" for f in judge.failures(report)), "a failure", report)
        c = report["summary"]["records"]
        judge.want(c["failed"] == 0, "no failed records", report)
        judge.want(least <= c["verified"] <= most, "%d verified, expected %d to %d" % (c["verified"], least, most), report)
        judge.want(c["undecided"] >= 1, "nothing undecided", report)
        judge.want(report["connections"][0]["capture_gaps"] == 1, "capture_gaps", report)

    def keys(self, case, conv, log, n):
        with open(log) as f:
            lines = f.readlines()

        def altered(l):
            w = l.split()
            return l if len(w) != 3 else "%s %s %s\n" % (w[0], w[1], w[2][::-1])
        wrong = self.path() + ".wrong"
        with open(wrong, "w") as f:
            f.writelines(altered(l) for l in lines)
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])

        def ask():
            rc, report, err = judge.diagnose(path, [wrong])
            judge.want_exit(3, rc, report, err)
            judge.want_counts(report, 0, None, None)
            found = {f["cause"] for f in judge.failures(report)}
            judge.want(found == {"wrong-keys"}, "causes %s" % found, report)
            judge.want(all(f["at_fault"] == ["configuration"] for f in judge.failures(report)), "at_fault", report)
        case("wrong secrets", ask)

        def one_wrong(label):
            """TLS 1.3: one secret of four; what verifies under the others says nothing of it."""
            partly = "%s.%s" % (wrong, label)
            with open(partly, "w") as f:
                f.writelines(altered(l) if l.startswith(label + " ") else l for l in lines)
            rc, report, err = judge.diagnose(path, [partly])
            judge.want_exit(3, rc, report, err)
            judge.want_counts(report, None, 0, None)
            judge.want([f["cause"] for f in judge.failures(report)] == ["wrong-keys"], "causes", report)
            judge.want(judge.failures(report)[0]["at_fault"] == ["configuration"], "at_fault", report)
        for label in ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"):
            if any(l.startswith(label + " ") for l in lines):
                case("wrong " + label, one_wrong, label)

        def alone(direction):
            """TLS 1.3 says all but the suite in its secrets: a capture of one direction can be checked."""
            half = self.path()
            wire.write(half, [(conv, [s for s in wire.segments(conv) if s.direction == direction])])
            rc, report, err = judge.diagnose(half, [log])
            judge.want_exit(0, rc, report, err)
            judge.want_counts(report, sum(r.protected for r in conv.records(direction)), 0, 0)
        if conv.is_tls13():
            case("the client's side alone", alone, C2S)
            case("the server's side alone", alone, S2C)
        case("no keys", judge.check_no_keys, path)
        case("keys given twice, with noise", lambda: judge.check_clean(path, [wrong + ".noise", log], n, 1))
        with open(wrong + ".noise", "w") as f:
            f.write("# a comment\n\nCLIENT_RANDOM zz 00\nSOMETHING_NEW %s 00\n" % ("11" * 32))

    # Endpoints that complain ----------------------------------------------------------------------

    def rejected(self, record, record_with):
        done = []

        def tamper(direction, b):
            if direction == C2S and not done and b[:2] == b"\x17\x03" and len(b) > 600:
                done.append(1)
                return b[:300] + bytes([b[300] ^ 1]) + b[301:]
            return b
        conv, log = record_with(tamper=tamper, record=record)
        if not done:
            raise stacks.StackError("nothing was tampered with")
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])
        rc, report, err = judge.diagnose(path, [log])
        judge.want_exit(1, rc, report, err)
        found = judge.failures(report)
        judge.want(len(found) == 1, "%d failures" % len(found), report)
        alerts = [a["description"] for c in report["connections"] for a in c["alerts"]]
        judge.want("bad_record_mac" in alerts, "alerts %s" % alerts, report)
        good = found[0]["cause"] == "record-was-good"
        judge.want(good == (record == "sent"), "cause " + found[0]["cause"], report)
        judge.want(found[0]["direction"] == "client_to_server", "direction", report)
        judge.want_counts(report, None, None)
        if record == "sent":
            judge.want(report["summary"]["records"]["verified"] == len(conv.protected()), "all verify", report)
            self.seen_twice(conv, log)

    def seen_twice(self, conv, log):
        """The server took the record with bit 1 of octet 300 flipped. The capture has a good copy first: before the box
        that did it, or as it was sent the first time."""
        r = next(q for q in conv.records(C2S) if q.data[:2] == b"\x17\x03" and len(q) > 600)
        n = len(conv.protected())

        def ask(segs, differs):
            path = self.path()
            wire.write(path, [(conv, segs)])
            rc, report, err = judge.diagnose(path, [log])
            judge.want_exit(1, rc, report, err)
            judge.want_counts(report, n, 0, 0)
            found = judge.failures(report)
            causes = [f["cause"] for f in found]
            judge.want(causes == ["retransmission-differs" if differs else "record-was-good"], "causes %s" % causes, report)
            judge.want(found[0]["confidence"] == "proven", "confidence", report)
            judge.proves(path, report, [log], 0)
            if not differs:
                return
            first, second = wire.carriers(segs, C2S, r.off + 300, 1)[:2]
            f, d = found[0], found[0]["damage"]
            judge.want((f["stream_offset"], f["sequence_number"], f["length"]) == (r.off, r.seq, len(r)), "place", report)
            judge.want(second in f["packets"] and first not in f["packets"], "packets", report)
            judge.want([(x["packet"], x["record_offset"], x["received"], x["sent"]) for x in d] == [
                (second, 300, "%02x" % (r.data[300] ^ 1), "%02x" % r.data[300])], "damage %s" % d, report)
            judge.want(f["proof"]["altered"]["sent_packets"] == [first], "sent_packets", report)
            judge.want(f["at_fault"][0] == "network", "at_fault", report)
            judge.want(any("seen on both sides" in x for x in f["next_steps"]), "next_steps", report)

        for mss in (1448, 200):
            segs = wire.segments(conv, mss=mss)
            at = wire.carriers(segs, C2S, r.off + 300, 1)[0] - 1
            s = segs[at]
            inside = r.off + 300 - s.off
            wrong = s.clone(data=s.data[:inside] + bytes([s.data[inside] ^ 1]) + s.data[inside + 1:])
            dropped = wrong.clone(bad_checksum=True)
            acked = next(k for k, x in enumerate(segs) if x.direction == S2C and k > at and x.ack >= s.off + len(s.data))

            def twice(second):
                return wire.retimed([x for k, q in enumerate(segs) for x in (q, second if k == at else q.clone())])
            ask(twice(wrong), True)
            ask(wire.retimed(segs[:at + 1] + [wrong] + segs[at + 1:]), True)
            ask(twice(s.clone()), False)
            ask(twice(dropped), False)
            ask(wire.retimed(segs[:acked + 1] + [wrong] + segs[acked + 1:]), False)

    def rejected_without_keys(self, edit, cause, record_with):
        """What shows of it to somebody who has no keys, at the receiver's side."""
        done = []

        def tamper(direction, b):
            if direction == C2S and not done and b[:2] == b"\x17\x03" and len(b) > 600:
                done.append(1)
                return edit(b)
            return b
        conv, log = record_with(tamper=tamper, record="received")
        if not done:
            raise stacks.StackError("nothing was tampered with")
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])
        rc, report, err = judge.diagnose(path)
        judge.want_exit(1 if cause else 3, rc, report, err)
        found = judge.failures(report)
        judge.want([f["cause"] for f in found] == ([cause] if cause else []), "causes, expected %s" % cause, report)
        judge.want(all(f["confidence"] == "supported" for f in found), "confidence", report)
        judge.want(all(f["direction"] == "client_to_server" for f in found), "direction", report)

    def plaintext_alert(self, conv, log):
        c = conv.copy()
        i = next(r.item_index for r in c.records(C2S) if r.protected)
        c.items = c.items[:i] + [wire.Item(C2S, bytes.fromhex("15030300020230"))]
        server = len(c.protected(S2C))
        report = self.one(c, [log], {"plaintext-alert"}, {"direction": "client_to_server"}, server)
        alerts = [(a["description"], a["encrypted"]) for x in report["connections"] for a in x["alerts"]]
        judge.want(alerts == [("unknown_ca", False)], "alerts %s" % alerts, report)
        # Whether its sender could have protected it does not show without keys, and nobody complains.
        path = self.path()
        wire.write(path, [(c, wire.segments(c))])
        judge.check_no_keys(path)
        # A complaint in the clear is no fault of its own.
        c.items[-1] = wire.Item(C2S, bytes.fromhex("15030300020214"))
        self.one(c, [log], {"record-was-good"}, {"direction": "server_to_client"}, server)

    def run(self):
        kinds = [("TLS 1.0 CBC", lambda **k: self.openssl("TLS 1.0", "AES128-SHA", **k), dict(iv_chained=True)),
                 ("TLS 1.2 CBC encrypt-then-MAC", lambda **k: self.openssl("TLS 1.2", "AES128-SHA256", **k), {}),
                 ("TLS 1.2 GCM", lambda **k: self.openssl("TLS 1.2", "ECDHE-RSA-AES128-GCM-SHA256", **k), {}),
                 ("TLS 1.3 AES-GCM", lambda **k: self.openssl("TLS 1.3", None, "-ciphersuites", "TLS_AES_128_GCM_SHA256", **k), {}),
                 ("TLS 1.3 ChaCha20", lambda **k: self.openssl("TLS 1.3", None, "-ciphersuites",
                                                               "TLS_CHACHA20_POLY1305_SHA256", **k), {})]
        if stacks.have("gnutls-cli", "gnutls-serv"):
            kinds.insert(1, ("TLS 1.0 RC4", self.gnutls_rc4, {}))
        else:
            self.tap.report("gnutls-cli", skip="not installed")
        for name, record_with, traits in kinds:
            (conv, log), (other, _) = record_with(), record_with()
            self.faults(name, conv, log, other, **traits)
            for side in ("sent", "received"):
                self.jobs.append((self.tap.case, "%s: rejected, %s side" % (name, side), self.rejected, side, record_with))
            http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
            for what, edit, cause in (
                    ("a bit", lambda b: b[:300] + bytes([b[300] ^ 1]) + b[301:], None),
                    ("a record twice", lambda b: b + b, "record-replayed"),
                    ("zeros", lambda b: b[:300] + b"\0" * 64 + b[364:], "bytes-damaged"),
                    ("cleartext", lambda b: b + http, "plaintext-injected")):
                self.jobs.append((self.tap.case, "%s: rejected, no keys: %s" % (name, what), self.rejected_without_keys,
                                  edit, cause, record_with))
            if "1.3" in name:
                self.jobs.append((self.tap.case, name + ": alert in the clear", self.plaintext_alert, conv, log))
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "2")))
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Events().run())
