#!/usr/bin/env python3
"""Two captures of the same traffic, taken at two places: which of them tells of it, what was sent, and who is
cleared. Clocks, addresses, sequence numbers, segments and TTLs are made to differ. Prints TAP."""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "live"))
import judge  # noqa: E402
import pieces  # noqa: E402
import wire  # noqa: E402

BADMAC = judge.find_badmac()
DATA = os.path.join(ROOT, "tests", "data", "damaged")
SENDER_SIDE = {"sender-application", "sender-tls", "sender-host"}


def want(condition, *what):
    if not condition:
        raise judge.Mismatch(" ".join(str(w) for w in what))


class Frame:
    """An Ethernet frame of IPv4 and TCP, taken apart."""

    def __init__(self, ts_us, raw):
        self.ts_us, self.mac = ts_us, raw[:14]
        ihl = (raw[14] & 15) * 4
        total = struct.unpack_from(">H", raw, 16)[0]
        self.ip, tcp = bytearray(raw[14:14 + ihl]), raw[14 + ihl:14 + total]
        offset = (tcp[12] >> 4) * 4
        self.tcp, self.payload = bytearray(tcp[:offset]), bytes(tcp[offset:])

    def copy(self):
        f = Frame.__new__(Frame)
        f.ts_us, f.mac, f.ip, f.tcp, f.payload = self.ts_us, self.mac, bytearray(self.ip), bytearray(self.tcp), self.payload
        return f

    def ends(self):
        return bytes(self.ip[12:16] + self.tcp[0:2]), bytes(self.ip[16:20] + self.tcp[2:4])

    def raw(self):
        struct.pack_into(">H", self.ip, 2, len(self.ip) + len(self.tcp) + len(self.payload))
        struct.pack_into(">H", self.ip, 10, 0)
        struct.pack_into(">H", self.ip, 10, wire.checksum(bytes(self.ip)))
        struct.pack_into(">H", self.tcp, 16, 0)
        pseudo = bytes(self.ip[12:20]) + struct.pack(">BBH", 0, 6, len(self.tcp) + len(self.payload))
        struct.pack_into(">H", self.tcp, 16, wire.checksum(pseudo + bytes(self.tcp) + self.payload))
        return self.mac + bytes(self.ip) + bytes(self.tcp) + self.payload


def load(path):
    with open(path, "rb") as f:
        b = f.read()
    nano = b[:4] == b"\x4d\x3c\xb2\xa1"
    want(nano or b[:4] == b"\xd4\xc3\xb2\xa1", path, b[:4])
    at, frames = 24, []
    while at < len(b):
        sec, frac, n, _ = struct.unpack_from("<IIII", b, at)
        raw = b[at + 16:at + 16 + n]
        at += 16 + n
        if raw[12:14] == b"\x08\x00" and raw[23] == 6:
            frames.append(Frame(sec * 1000000 + (frac // 1000 if nano else frac), raw))
    return frames


def store(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for x in frames:
            raw = x.raw()
            f.write(struct.pack("<IIII", x.ts_us // 1000000, x.ts_us % 1000000, len(raw), len(raw)) + raw)
    return path


def later(frames, us):
    out = [f.copy() for f in frames]
    for f in out:
        f.ts_us += us
    return out


def translated(frames):
    """What a NAT does: another client address and port, another sequence space both ways."""
    client = frames[0].ends()[0]
    out = [f.copy() for f in frames]
    for f in out:
        mine = f.ends()[0] == client
        at, port, add_seq, add_ack = (12, 0, 0x12345678, 0x9abcdef0) if mine else (16, 2, 0x9abcdef0, 0x12345678)
        f.ip[at:at + 4] = bytes((198, 51, 100, 7))
        struct.pack_into(">H", f.tcp, port, 61000)
        for where, add in ((4, add_seq), (8, add_ack)):
            v = struct.unpack_from(">I", f.tcp, where)[0]
            if where == 4 or f.tcp[13] & 16:
                struct.pack_into(">I", f.tcp, where, (v + add) & 0xffffffff)
    return out


def with_ttl(frames, client, server, first=None):
    first = first or frames[0].ends()[0]
    out = [f.copy() for f in frames]
    for f in out:
        f.ip[8] = client if f.ends()[0] == first else server
    return out


def behind_proxy_line(frames):
    """What a proxy puts before the connection, at one side of it only."""
    client, line = frames[0].ends()[0], b"PROXY TCP4 192.0.2.1 198.51.100.7 49152 443\r\n"
    out, begun = [], False
    for f in (f.copy() for f in frames):
        mine = f.ends()[0] == client
        if mine and f.payload and not begun:
            first, begun = f.copy(), True
            first.payload = line
            out.append(first)
        if begun:
            at = 4 if mine else 8
            struct.pack_into(">I", f.tcp, at, (struct.unpack_from(">I", f.tcp, at)[0] + len(line)) & 0xffffffff)
        out.append(f)
    return out


def merged(frames):
    """What a receiving card makes of it (GRO): segments in a row become one."""
    out = []
    for f in frames:
        last = out[-1] if out else None
        if last is not None and f.payload and last.payload and last.ends() == f.ends() and \
                struct.unpack_from(">I", f.tcp, 4)[0] == struct.unpack_from(">I", last.tcp, 4)[0] + len(last.payload):
            last.payload += f.payload
        else:
            out.append(f.copy())
    return out


def cut_small(frames, most):
    """Segments of another size, as a proxy sends them that has connections of its own to both sides."""
    out = []
    for f in frames:
        for at in range(0, max(1, len(f.payload)), most):
            piece = f.copy()
            piece.payload = f.payload[at:at + most]
            struct.pack_into(">I", piece.tcp, 4, (struct.unpack_from(">I", f.tcp, 4)[0] + at) & 0xffffffff)
            out.append(piece)
    return out


def same_clock(frames, of):
    """As if the two stood side by side: nothing of their times tells them apart."""
    out = [f.copy() for f in frames]
    for n, f in enumerate(out):
        f.ts_us = of[0].ts_us + n * 1000
    return out


class Places:
    def __init__(self):
        self.tap, self.dir, self.n = judge.Tap(), tempfile.TemporaryDirectory(), 0

    def path(self, frames):
        self.n += 1
        return store(os.path.join(self.dir.name, "%d.pcap" % self.n), frames)

    def diagnose(self, *args, exit_status=1):
        r = subprocess.run([BADMAC, "diagnose", "--format", "json", *args], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60)
        want(r.returncode == exit_status, "exit", r.returncode, r.stdout[-600:], r.stderr[-600:])
        return json.loads(r.stdout)

    def one(self, report, told=None, **expected):
        want(len(report["connections"]) == 1 and report["summary"]["connections"] == 1, report["connections"])
        c = report["connections"][0]
        want(len(c["failures"]) == 1 and len(c["also_in"]) == 1, c["failures"])
        want(told is None or c["capture"] == told, c["capture"], told)
        f = c["failures"][0]
        for key, value in expected.items():
            want(f[key] == value, key, f[key], "wanted", value, f["evidence"])
        return f

    def case(self, name, fn, *args):
        try:
            fn(*args)
            self.tap.report(name)
        except (judge.Mismatch, subprocess.SubprocessError, LookupError, ValueError) as e:
            self.tap.report(name, error=str(e))

    # -- one damage, seen from both sides --------------------------------------------------------

    def between(self, suite, kind, keys):
        folder = os.path.join(DATA, suite, kind)
        with open(os.path.join(folder, "truth.json")) as f:
            truth = json.load(f)
        s2c = kind.startswith("s2c")
        paths = [os.path.join(folder, n + ".pcap") for n in ("sender", "receiver")]
        good, bad = paths[::-1] if s2c else paths
        plain = self.one(self.diagnose(*keys(folder), *paths), told=bad)
        want(plain["at_fault"][0] == "network" and not SENDER_SIDE & set(plain["at_fault"]), plain["at_fault"])
        want(plain["confidence"] == ("proven" if keys(folder) else "supported"), plain)
        if kind.startswith("inject"):
            # Whole runs between two records, whatever octets the two have in common.
            d = plain["damage"]
            want([(x["record_offset"], x["sent"]) for x in d] == [(0, "")], d)
            want(bytes.fromhex(d[0]["received"]) in b"".join(f.payload for f in load(bad)) and
                 bytes.fromhex(d[0]["received"]) not in b"".join(f.payload for f in load(good)), d)
        g, b = load(good), load(bad)
        for name, first, second in (
                ("clocks an hour apart", g, later(b, 3600 * 10 ** 6)),
                ("clocks a day behind", g, later(b, -86400 * 10 ** 6)),
                ("NAT", g, translated(b)),
                ("NAT, and clocks apart", translated(g), later(b, 10 ** 9)),
                ("merged segments", g, merged(b)),
                ("other segments, clocks an hour apart", cut_small(merged(g), 150), later(cut_small(merged(b), 97), 3600 * 10 ** 6)),
                ("a proxy's line there", behind_proxy_line(g), b),
                ("a proxy's line here", g, behind_proxy_line(b)),
                ("TTL", with_ttl(g, 64, 61) if not s2c else with_ttl(g, 61, 64),
                 with_ttl(b, 60, 64) if not s2c else with_ttl(b, 64, 60))):
            x, y = self.path(first), self.path(second)
            for order in ((x, y), (y, x)):
                f = self.one(self.diagnose(*keys(folder), *order), told=y, cause=plain["cause"],
                             confidence=plain["confidence"], sequence_number=plain["sequence_number"])
                want([(d["record_offset"], d["received"], d["sent"]) for d in f["damage"]] ==
                     [(d["record_offset"], d["received"], d["sent"]) for d in plain["damage"]], name, f["damage"])
                want(f["at_fault"][0] == "network", name, f["at_fault"])
        return truth, plain

    # -- the same damage at both ---------------------------------------------------------------

    def before_both(self, suite, kind):
        folder = os.path.join(DATA, suite, kind)
        keys = ("-k", os.path.join(folder, "keys.log"))
        b = load(os.path.join(folder, "receiver.pcap"))
        x, y = self.path(with_ttl(b, 64, 60)), self.path(later(with_ttl(b, 61, 63), 40000))
        alone = self.diagnose(*keys, x)["connections"][0]["failures"][0]
        f = self.one(self.diagnose(*keys, x, y), cause=alone["cause"])
        want(f["at_fault"][0] in SENDER_SIDE, f["at_fault"])
        want(not {"receiver-host", "receiver-tls", "receiver-application", "capture"} & set(f["at_fault"]), f["at_fault"])
        want(any("shows the same bytes" in e for e in f["evidence"]) or not f["damage"], f["evidence"])

    def given_twice(self, suite, kind):
        """One capture under two names, as a glob takes it where it lies packed beside the plain one: that is one place."""
        folder = os.path.join(DATA, suite, kind)
        keys, x = ("-k", os.path.join(folder, "keys.log")), os.path.join(folder, "receiver.pcap")
        packed = os.path.join(self.dir.name, "packed.pcap.gz")
        with open(x, "rb") as plain, gzip.open(packed, "wb") as out:
            out.write(plain.read())
        alone, f = (self.diagnose(*keys, *c)["connections"][0]["failures"][0] for c in ((x,), (x, packed)))
        want([alone[k] == f[k] for k in ("cause", "at_fault", "evidence")] == [True] * 3, f["at_fault"], f["evidence"])

    # -- good at both, and rejected ---------------------------------------------------------------

    def good_at_both(self, suite):
        folder = os.path.join(DATA, suite, "bitflip")
        keys = ("-k", os.path.join(folder, "keys.log"))
        g = load(os.path.join(folder, "sender.pcap"))
        x, y = self.path(with_ttl(g, 64, 60)), self.path(later(with_ttl(g, 61, 63), 40000))
        f = self.one(self.diagnose(*keys, x, y), cause="record-was-good")
        want(any("there, too, every record verifies" in e for e in f["evidence"]), f["evidence"])

    def clean(self, suite):
        folder = os.path.join(DATA, suite, "none")
        g = load(os.path.join(folder, "sender.pcap"))
        x, y = self.path(g), self.path(later(merged(g), 7200 * 10 ** 6))
        report = self.diagnose("-k", os.path.join(folder, "keys.log"), x, y, exit_status=0)
        want(len(report["connections"]) == 1 and report["summary"]["seen_elsewhere"] == 1, report["summary"])
        one = self.diagnose("-k", os.path.join(folder, "keys.log"), x, exit_status=0)
        want(one["summary"]["records"] == report["summary"]["records"], report["summary"])
        self.diagnose(x, y, exit_status=3)

    def complete_each_other(self, suite):
        """One capture lacks packets that the other one has: nothing is undecided."""
        folder = os.path.join(DATA, suite, "none")
        g = load(os.path.join(folder, "sender.pcap"))
        data = [n for n, f in enumerate(g) if len(f.payload) > 500]
        holes = [f for n, f in enumerate(g) if n != data[-1]]
        x, y = self.path(holes), self.path(later(g, 20000))
        report = self.diagnose("-k", os.path.join(folder, "keys.log"), x, y, exit_status=0)
        want(report["connections"][0]["capture"] == y, report["connections"])

    def of_another_connection(self, suite, other):
        """A record of another connection, which is told of from the other capture: its keys are known all the same."""
        folder, theirs = (os.path.join(DATA, s, "none") for s in (suite, other))
        g, o = (load(os.path.join(f, "sender.pcap")) for f in (folder, theirs))
        client, foreign = g[0].ends()[0], o[0].ends()[0]
        donor = [f for f in o if f.ends()[0] == foreign and f.payload[:1] == b"\x17"][0].payload
        last = [n for n, f in enumerate(g) if f.ends()[0] == client and f.payload[:1] == b"\x17"][-1]
        b = [f.copy() for f in g[:last + 1]]
        b[-1].payload += donor[:5 + int.from_bytes(donor[3:5], "big")]

        def without_an_answer(frames, asker):
            gone = [n for n, f in enumerate(frames) if f.ends()[0] != asker and f.payload[:1] == b"\x17"][0]
            return frames[:gone] + frames[gone + 1:]

        def together(x, y):
            return sorted(x + y, key=lambda f: f.ts_us)
        keys = [w for f in (folder, theirs) for w in ("-k", os.path.join(f, "keys.log"))]
        x = self.path(together(b, without_an_answer(o, foreign)))
        y = self.path(together(later(without_an_answer(b, client), 700), later(o, 700)))
        for places in ((x, y), (y, x)):
            report = self.diagnose(*keys, *places)
            told = {c["client_random"]: c["capture"] for c in report["connections"]}
            want(sorted(told.values()) == sorted([x, y]), told)
            c = [c for c in report["connections"] if c["failures"]]
            want([(c["capture"], f["cause"]) for c in c for f in c["failures"]] == [(x, "foreign-record")], c)
            f = c[0]["failures"][0]
            want(any("of another connection" in e for e in f["evidence"]), f["evidence"])

    def second_sighting(self, suite, other):
        """A device's both sides in one capture, and another connection: that a record stands in both sightings says nothing."""
        folder, theirs = os.path.join(DATA, suite, "inject_rec"), os.path.join(DATA, other, "none")
        b, o = load(os.path.join(folder, "receiver.pcap")), load(os.path.join(theirs, "sender.pcap"))
        frames = sorted(b + later(translated(b), 300) + later(o, b[0].ts_us - o[0].ts_us), key=lambda f: f.ts_us)
        report = self.diagnose("-k", os.path.join(folder, "keys.log"), "-k", os.path.join(theirs, "keys.log"), self.path(frames))
        told = [(f["cause"], f["confidence"]) for c in report["connections"] for f in c["failures"]]
        want(told == [("bytes-inserted", "supported")] * 2, told)

    # -- the end of a stream ---------------------------------------------------------------------

    def put_in_at_the_end(self, suite):
        """What follows the foreign bytes is short, and nothing comes after it."""
        folder = os.path.join(DATA, suite, "none")
        g = load(os.path.join(folder, "sender.pcap"))
        client = g[0].ends()[0]
        g = g[:[n for n, f in enumerate(g) if f.ends()[0] == client and len(f.payload) > 500][-1] + 1]
        for behind in (7, 3, 2):
            b = [f.copy() for f in g]
            b[-1].payload = b[-1].payload[:-behind] + b"\x8a\x01\xf3\x77" + b[-1].payload[-behind:]
            x, y = self.path(with_ttl(g, 64, 60)), self.path(with_ttl(b, 61, 63))
            f = self.one(self.diagnose("-k", os.path.join(folder, "keys.log"), x, y), told=y, cause="bytes-inserted",
                         at_fault=["network"])
            want([(d["received"], d["sent"]) for d in f["damage"]] == [("8a01f377", "")], f["damage"])

    def twice_at_the_end(self, suite):
        """The last record came twice; where it was sent once nothing stands beside the second copy."""
        folder = os.path.join(DATA, suite, "bitflip")
        keys = ("-k", os.path.join(folder, "keys.log"))
        g = load(os.path.join(folder, "sender.pcap"))
        client = g[0].ends()[0]
        alert = self.diagnose(*keys, self.path(g))["connections"][0]["alerts"][0]["packet"] - 1
        last = [n for n in range(alert) if g[n].ends()[0] == client and g[n].payload][-1]
        g = g[:alert + 1]
        again = g[last].copy()
        struct.pack_into(">I", again.tcp, 4, struct.unpack_from(">I", again.tcp, 4)[0] + len(again.payload))
        b = g[:last + 1] + [again] + g[last + 1:]
        x, y = self.path(with_ttl(g, 64, 60)), self.path(with_ttl(b, 61, 63))
        f = self.one(self.diagnose(*keys, x, y), told=y, cause="record-replayed")
        want(f["at_fault"][0] == "network" and not SENDER_SIDE & set(f["at_fault"]), f["at_fault"])

    def complaint_comes_first(self, suite):
        """Captured on several queues: the alert stands before the record that it is about."""
        folder = os.path.join(DATA, suite, "bitflip")
        keys = ("-k", os.path.join(folder, "keys.log"))
        b = load(os.path.join(folder, "receiver.pcap"))
        c = self.diagnose(*keys, self.path(b))["connections"][0]
        alert, bad = c["alerts"][0]["packet"] - 1, c["failures"][0]["packets"][0] - 1
        b.insert(bad, b.pop(alert))
        for n, f in enumerate(b):
            f.ts_us = b[0].ts_us + n
        found = self.diagnose(*keys, self.path(b))["connections"][0]["failures"]
        want([f["cause"] for f in found] == [c["failures"][0]["cause"]], [f["summary"] for f in found])

    # -- no key, nothing that tells where the captures were taken ---------------------------------

    def order_unknown(self, suite):
        folder = os.path.join(DATA, suite, "bitflip")
        b = load(os.path.join(folder, "receiver.pcap"))
        g = same_clock(load(os.path.join(folder, "sender.pcap")), b)
        x, y = self.path(g), self.path(same_clock(b, b))
        f = self.one(self.diagnose(x, y), cause="bits-flipped", confidence="possible")
        want(len(f["damage"]) == 1 and f["damage"][0]["sent"] is None, f["damage"])
        want(any("nothing tells" in e for e in f["evidence"]), f["evidence"])

    def without_handshake(self, suite):
        """Joined in the middle, at places that are not the same."""
        folder = os.path.join(DATA, suite, "bitflip")
        g = load(os.path.join(folder, "sender.pcap"))
        b = [f.copy() for f in g]
        client = g[0].ends()[0]
        hit = [f for f in b[18:] if f.ends()[0] == client and len(f.payload) > 500][0]
        hit.payload = hit.payload[:205] + bytes([hit.payload[205] ^ 0x10]) + hit.payload[206:]
        for cut_g, cut_b in ((9, 9), (10, 12), (12, 9)):
            x, y = (self.path(with_ttl(later(f[cut:], late), *ttl, client)) for f, cut, late, ttl in
                    ((g, cut_g, 0, (64, 60)), (b, cut_b, 77, (61, 63))))
            f = self.one(self.diagnose(x, y), told=y, cause="bits-flipped", confidence="supported")
            want([d["length"] for d in f["damage"]] == [1] and f["damage"][0]["packet_offset"] == 271, f["damage"])

    # -- pieces of one capture are no two places ----------------------------------------------------

    def pieces(self, suite):
        folder = os.path.join(DATA, suite, "bitflip")
        b = load(os.path.join(folder, "receiver.pcap"))
        keys = ("-k", os.path.join(folder, "keys.log"))
        whole = self.diagnose(*keys, self.path(b))["connections"][0]
        for at in range(1, len(b)):
            # What was sent again as one piece ended stands in both.
            report = self.diagnose(*keys, self.path(b[:at]), self.path(b[at - 1:]))
            c = report["connections"]
            want(len(c) == 1 and c[0]["records"] == whole["records"] and c[0]["also_in"] == [], at, report)

    def run(self):
        for suite in sorted(os.listdir(DATA)):
            if suite == "on-the-wire":
                continue
            for kind in sorted(os.listdir(os.path.join(DATA, suite))):
                if kind == "none" or not os.path.exists(os.path.join(DATA, suite, kind, "sender.pcap")):
                    continue
                self.case("%s %s between two captures" % (suite, kind), self.between, suite, kind,
                          lambda folder: ("-k", os.path.join(folder, "keys.log")))
                self.case("%s %s between two captures, no keys" % (suite, kind), self.between, suite, kind,
                          lambda folder: ())
                if not kind.startswith("s2c"):
                    self.case("%s %s before both captures" % (suite, kind), self.before_both, suite, kind)
            self.case("%s: one capture given twice" % suite, self.given_twice, suite, "bitflip")
            self.case("%s: good at both, and rejected" % suite, self.good_at_both, suite)
            self.case("%s: clean at both" % suite, self.clean, suite)
            self.case("%s: two captures complete each other" % suite, self.complete_each_other, suite)
            self.case("%s: no handshake" % suite, self.without_handshake, suite)
            self.case("%s: put in at the end" % suite, self.put_in_at_the_end, suite)
            self.case("%s: twice at the end" % suite, self.twice_at_the_end, suite)
            self.case("%s: the complaint comes first" % suite, self.complaint_comes_first, suite)
            self.case("%s: no key, no order" % suite, self.order_unknown, suite)
        for suite, other in (("tls10-rc4sha-gnutls", "tls10-aes128cbc-sha"), ("tls10-aes128cbc-sha", "tls10-rc4sha-gnutls")):
            self.case("%s: a second sighting, beside %s" % (suite, other), self.second_sighting, suite, other)
        for suite, other in (("tls12-aes128gcm", "tls13-aes256gcm"), ("tls13-aes256gcm", "tls12-chacha20"),
                             ("tls10-aes128cbc-sha", "tls12-cbc-sha256-mte")):
            self.case("%s: a record of %s" % (suite, other), self.of_another_connection, suite, other)
        self.case("pieces of one capture", self.pieces, "tls12-aes128gcm")
        pieces.Pieces(self, BADMAC, DATA, load, store, cut_small).run()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Places().run())
