"""Puts recorded conversations into capture files, whole or damaged on purpose.
Knows TCP/IP framing and where TLS records begin; refuses to know keys or what badmac thinks."""
import copy
import random
import socket
import struct

C2S, S2C = 0, 1
DIRECTIONS = ("client_to_server", "server_to_client")
CCS, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23


class Item:
    """One record (or a run of bytes that is none, or one datagram) as a direction sent it."""

    def __init__(self, direction, data, kind="record"):
        self.direction, self.data, self.kind = direction, bytes(data), kind

    def __len__(self):
        return len(self.data)


class Record:
    """A record in place: item index, number among the direction's records, stream offset."""

    def __init__(self, item_index, direction, off, data, protected, seq):
        self.item_index, self.direction, self.off, self.data = item_index, direction, off, data
        self.type, self.protected, self.seq = data[0], protected, seq

    def __len__(self):
        return len(self.data)


def looks_like_record(b):
    return len(b) >= 3 and 20 <= b[0] <= 24 and b[1] == 3 and b[2] <= 4


class Conversation:
    """What both directions sent, in the order of time."""

    def __init__(self, udp=False, client=("192.0.2.1", 49152), server=("198.51.100.7", 443)):
        self.items, self.udp, self.client, self.server = [], udp, client, server
        self._rest = [b"", b""]

    def copy(self):
        other = copy.copy(self)
        other.items = [Item(i.direction, i.data, i.kind) for i in self.items]
        return other

    def feed(self, direction, data):
        if self.udp:
            self.items.append(Item(direction, data, "datagram"))
            return
        buf = self._rest[direction] + data
        while buf:
            if looks_like_record(buf):
                n = 5 + int.from_bytes(buf[3:5], "big") if len(buf) >= 5 else 1 << 30
                if len(buf) < n:
                    break
                self.items.append(Item(direction, buf[:n]))
                buf = buf[n:]
            elif len(buf) < 3 and 20 <= buf[0] <= 24:
                break
            else:  # cleartext before TLS: up to where a handshake record may begin
                cut = buf.find(b"\x16\x03", 1)
                cut = len(buf) if cut < 0 else cut
                self.items.append(Item(direction, buf[:cut], "raw"))
                buf = buf[cut:]
        self._rest[direction] = buf

    def end(self):
        for d in (C2S, S2C):
            if self._rest[d]:
                self.items.append(Item(d, self._rest[d], "raw"))
                self._rest[d] = b""

    def stream(self, direction):
        return b"".join(i.data for i in self.items if i.direction == direction)

    def is_tls13(self):
        for i in self.items:
            if i.direction == S2C and i.kind == "record" and i.data[0] == HANDSHAKE and i.data[5] == 2:
                return b"\x00\x2b\x00\x02\x03\x04" in i.data[:5 + 4 + int.from_bytes(i.data[6:9], "big")]
        return False

    def records(self, direction=None):
        """Every record with whether it is protected and (up to TLS 1.2) its sequence number.
        TLS 1.3: the sequence number counts from the peer's own last handshake flight, that is
        server records before the client's first protected one, and one client record (Finished)."""
        out, off = [], [0, 0]
        if self.udp:
            return [r for r in self._datagram_records() if direction in (None, r.direction)]
        tls13 = self.is_tls13()
        after_ccs, seq = [False, False], [0, 0]
        client_protected = False
        for n, item in enumerate(self.items):
            d = item.direction
            if item.kind == "record":
                t = item.data[0]
                if tls13:
                    protected = t == APPLICATION
                    number = None
                    if protected:
                        number = seq[d]
                        seq[d] += 1
                        if d == C2S and not client_protected:
                            client_protected, seq[C2S], seq[S2C] = True, 0, 0
                else:
                    protected = after_ccs[d]
                    number = seq[d] if protected else None
                    if protected:
                        seq[d] += 1
                    if t == CCS:
                        after_ccs[d], seq[d] = True, 0
                if direction in (None, d):
                    out.append(Record(n, d, off[d], item.data, protected, number))
            off[d] += len(item)
        return out

    def _datagram_records(self):
        out = []
        for n, item in enumerate(self.items):
            b, off = item.data, 0
            while off + 13 <= len(b):
                length = 13 + int.from_bytes(b[off + 11:off + 13], "big")
                epoch = int.from_bytes(b[off + 3:off + 5], "big")
                r = Record(n, item.direction, off, b[off:off + length], epoch > 0,
                           int.from_bytes(b[off + 5:off + 11], "big"))
                r.epoch = epoch
                out.append(r)
                off += length
        return out

    def protected(self, direction=None):
        return [r for r in self.records(direction) if r.protected]

    def application(self, direction):
        """Application data records after the handshakes, at least one octet of content likely."""
        recs = [r for r in self.protected(direction) if r.type == APPLICATION]
        if self.is_tls13():
            first = next((r.item_index for r in self.records(C2S) if r.protected), 0)
            recs = [r for r in recs if r.item_index > first]
        return recs

    def flip(self, record, rng, last_octets_spared=0):
        """One random bit of the record's body; returns (new conversation, offset in the record)."""
        c = self.copy()
        item = c.items[record.item_index]
        start = record.off if self.udp else 0
        head = 13 if self.udp else 5
        at = rng.randrange(head, len(record) - last_octets_spared)
        b = bytearray(item.data)
        b[start + at] ^= 1 << rng.randrange(8)
        item.data = bytes(b)
        return c, at


class Segment:
    """One TCP segment or UDP datagram to be put into a frame."""

    def __init__(self, direction, off, data, ack, flags, ts_us):
        self.direction, self.off, self.data, self.ack = direction, off, bytes(data), ack
        self.flags, self.ts_us, self.bad_checksum = flags, ts_us, False
        self.summed = None  # octets that the checksum was made over, if others than are sent

    def clone(self, **changes):
        other = copy.copy(self)
        for k, v in changes.items():
            setattr(other, k, v)
        return other


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def segments(conv, mss=1448, seed=None, ts_us=1700000000_000000):
    """The conversation as a clean exchange of segments. seed: cut at random places instead of at the MSS."""
    out, rng = [], random.Random(seed)
    now = ts_us
    if conv.udp:
        for item in conv.items:
            now += 100
            out.append(Segment(item.direction, 0, item.data, 0, 0, now))
        return out
    sent = [0, 0]  # payload octets so far

    def put(d, data, flags):
        nonlocal now
        now += 37
        # Offsets count payload; SYN takes one sequence number before payload 0.
        ack = None if flags & SYN and d == C2S else sent[1 - d]
        out.append(Segment(d, sent[d], data, ack, flags, now))
        sent[d] += len(data)

    put(C2S, b"", SYN)
    put(S2C, b"", SYN | ACK)
    put(C2S, b"", ACK)
    i = 0
    while i < len(conv.items):
        d, run = conv.items[i].direction, b""
        while i < len(conv.items) and conv.items[i].direction == d:
            run += conv.items[i].data
            i += 1
        count = 0
        while run:
            n = rng.randrange(1, mss + 1) if seed is not None else mss
            piece, run = run[:n], run[n:]
            put(d, piece, PSH | ACK if not run else ACK)
            count += 1
            if count % 2 == 0 or not run:
                put(1 - d, b"", ACK)
        now += 500
    put(C2S, b"", FIN | ACK)
    put(S2C, b"", FIN | ACK)
    put(C2S, b"", ACK)
    out[-1].off = sent[C2S] + 1
    out[-1].ack = sent[S2C] + 1
    out[-2].ack = sent[C2S] + 1
    return out


def in_turn(conversations, seed=None):
    """Parts for a capture in which each conversation starts a minute after the one before."""
    return [(c, segments(c, seed=seed, ts_us=1700000000_000000 + n * 60_000000)) for n, c in enumerate(conversations)]


def carriers(segs, direction, off, length):
    """Numbers of the frames (from 1) whose payload overlaps the run."""
    return [n for n, s in enumerate(segs, 1)
            if s.direction == direction and s.data and s.off < off + length and s.off + len(s.data) > off]


def checksum(b):
    if len(b) % 2:
        b += b"\0"
    total = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(conv, seg, isn=(1000, 2000), vlan=None):
    """Ethernet, optional 802.1Q tag, IPv4 or IPv6 by the look of the addresses, TCP or UDP."""
    src, dst = (conv.client, conv.server) if seg.direction == C2S else (conv.server, conv.client)
    v6 = ":" in src[0]
    family = socket.AF_INET6 if v6 else socket.AF_INET
    a, b = socket.inet_pton(family, src[0]), socket.inet_pton(family, dst[0])
    if conv.udp:
        proto = 17
        l4 = bytearray(struct.pack("!HHHH", src[1], dst[1], 8 + len(seg.data), 0) + seg.data)
        sum_at = 6
    else:
        proto = 6
        options = b"\x02\x04\x05\xb4" if seg.flags & SYN else b""
        seq = isn[seg.direction] + (0 if seg.flags & SYN else 1) + seg.off
        ack = 0 if seg.ack is None else isn[1 - seg.direction] + 1 + seg.ack
        l4 = bytearray(struct.pack("!HHIIBBHHH", src[1], dst[1], seq & 0xffffffff, ack & 0xffffffff,
                                   (20 + len(options)) // 4 << 4, seg.flags, 65535, 0, 0) + options + seg.data)
        sum_at = 16
    pseudo = a + b + (struct.pack("!IHBB", len(l4), 0, 0, proto) if v6 else struct.pack("!BBH", 0, proto, len(l4)))
    total = checksum(pseudo + bytes(l4 if seg.summed is None else l4[:len(l4) - len(seg.data)] + seg.summed))
    if conv.udp and total == 0:
        total = 0xffff
    if seg.bad_checksum:
        total ^= 0x5aa5
    l4[sum_at:sum_at + 2] = struct.pack("!H", total)
    if v6:
        ip = struct.pack("!IHBB", 6 << 28, len(l4), proto, 64) + a + b
    else:
        ip = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0x4000, 64, proto, 0) + a + b)
        ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
    macs = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" if seg.direction == C2S else b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return macs + tag + (b"\x86\xdd" if v6 else b"\x08\x00") + bytes(ip) + bytes(l4)


def capture_bytes(parts, fmt="pcap", secrets=None, **options):
    """parts: [(conversation, segments)], merged by time. fmt: pcap, pcap-ns, pcapng. secrets: a DSB (pcapng)."""
    frames = sorted(((s.ts_us, n, frame(c, s, **options)) for c, segs in parts for n, s in enumerate(segs)),
                    key=lambda t: (t[0], t[1])) if len(parts) > 1 else \
        [(s.ts_us, n, frame(c, s, **options)) for c, segs in parts for n, s in enumerate(segs)]
    if fmt == "pcapng":
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
        out = [block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)),
               block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3xHH", 9, 1, 9, 0, 0))]
        if secrets is not None:
            out.append(block(10, struct.pack("<II", 0x544c534b, len(secrets)) + secrets))
        for ts, _, f in frames:
            ns = ts * 1000
            out.append(block(6, struct.pack("<IIIII", 0, ns >> 32, ns & 0xffffffff, len(f), len(f)) + f))
        return b"".join(out)
    nano = fmt == "pcap-ns"
    out = [struct.pack("<IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)]
    for ts, _, f in frames:
        out.append(struct.pack("<IIII", ts // 1000000, ts % 1000000 * (1000 if nano else 1), len(f), len(f)) + f)
    return b"".join(out)


def write(path, parts, **options):
    with open(path, "wb") as f:
        f.write(capture_bytes(parts, **options))


def data_indexes(segs, direction=None, after=0):
    return [n for n, s in enumerate(segs) if s.data and n >= after and direction in (None, s.direction)]


def shuffled(segs, rng, distance=3):
    """Payload segments come up to `distance` places late, as over two paths; SYN and FIN stay."""
    keyed = [(n + (rng.randrange(distance + 1) if s.data else 0), n, s) for n, s in enumerate(segs)]
    return retimed([s for _, _, s in sorted(keyed, key=lambda t: t[:2])])


def duplicated(segs, rng, chance=0.3):
    out = []
    for s in segs:
        out.append(s)
        if s.data and rng.random() < chance:
            out.append(s.clone())
    return retimed(out)


def overlapping(segs, rng):
    """Some segments are sent again together with a part of what came before."""
    out, before = [], {C2S: None, S2C: None}
    for s in segs:
        out.append(s)
        p = before[s.direction]
        if s.data and p is not None and p.off + len(p.data) == s.off and rng.random() < 0.4:
            back = rng.randrange(1, len(p.data) + 1)
            out.append(s.clone(off=s.off - back, data=p.data[-back:] + s.data))
        if s.data:
            before[s.direction] = s
    return retimed(out)


def retimed(segs):
    start = min(s.ts_us for s in segs)
    return [s.clone(ts_us=start + 41 * n) for n, s in enumerate(segs)]
