"""Captures as lists of frames: read, changed in ways that badmac carve has to see through, and written. Knows Ethernet, IPv4, TCP and
UDP; nothing of TLS, nor of badmac."""
import struct


class Frame:
    def __init__(self, ns, data, wire=None, link=1, comments=()):
        self.ns, self.data, self.link, self.comments = ns, data, link, list(comments)
        self.wire = len(data) if wire is None else wire


def read_pcap(path):
    with open(path, "rb") as f:
        b = f.read()
    magic = b[:4]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    link = struct.unpack_from(order + "I", b, 20)[0]
    at, out = 24, []
    while at < len(b):
        sec, frac, n, wire = struct.unpack_from(order + "IIII", b, at)
        out.append(Frame(sec * 10**9 + frac * unit, b[at + 16:at + 16 + n], wire, link))
        at += 16 + n
    return out


def options(b):
    out = []
    while len(b) >= 4:
        code, n = struct.unpack_from("<HH", b)
        if code == 0:
            break
        out.append((code, b[4:4 + n]))
        b = b[4 + (n + 3) // 4 * 4:]
    return out


def read_pcapng(path):
    """(frames, interfaces as option lists with link type and snap length in front, key logs, section comments). Little endian."""
    with open(path, "rb") as f:
        b = f.read()
    frames, interfaces, secrets, comments, at = [], [], [], [], 0
    while at < len(b):
        kind, total = struct.unpack_from("<II", b, at)
        if total % 4 or total < 12 or b[at + total - 4:at + total] != b[at + 4:at + 8]:
            raise ValueError("block at %d of %d octets" % (at, total))
        body = b[at + 8:at + total - 4]
        if kind == 0x0a0d0d0a:
            comments += [v.decode() for c, v in options(body[16:]) if c == 1]
        elif kind == 1:
            link, _, snap = struct.unpack_from("<HHI", body)
            interfaces.append((link, snap, dict(options(body[8:]))))
        elif kind == 10:
            n = struct.unpack_from("<I", body, 4)[0]
            secrets.append(body[8:8 + n].decode())
        elif kind == 6:
            i, high, low, n, wire = struct.unpack_from("<IIIII", body)
            res = interfaces[i][2].get(9, b"\6")[0]
            opts = options(body[20 + (n + 3) // 4 * 4:])
            frames.append(Frame((high << 32 | low) * 10**(9 - res), body[20:20 + n], wire, interfaces[i][0],
                                [v.decode() for c, v in opts if c == 1]))
        else:
            raise ValueError("block of type %#x" % kind)
        at += total
    return frames, interfaces, secrets, comments


def write_pcap(path, frames, nano=True):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, frames[0].link))
        for x in frames:
            sec, rest = divmod(x.ns, 10**9)
            f.write(struct.pack("<IIII", sec, rest if nano else rest // 1000, len(x.data), x.wire) + x.data)
    return path


def summed(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def with_ip_sum(ip):
    ip = ip[:10] + b"\0\0" + ip[12:]
    n = (ip[0] & 15) * 4
    return ip[:10] + struct.pack(">H", 0xffff - summed(ip[:n])) + ip[12:]


def end_of_ip(data):
    return 14 + struct.unpack_from(">H", data, 16)[0]


def payload(data):
    """Of TCP in IPv4 in Ethernet: where it starts and ends."""
    tcp = 14 + (data[14] & 15) * 4
    return tcp + (data[tcp + 12] >> 4) * 4, end_of_ip(data)


def tcp_sum_is_right(data):
    tcp, end = 14 + (data[14] & 15) * 4, end_of_ip(data)
    return summed(data[26:34] + struct.pack(">HH", 6, end - tcp) + data[tcp:end]) == 0xffff


def fragmented(frame, size):
    """The same datagram as IPv4 fragments of so many octets (a multiple of 8)."""
    ip, body = frame.data[14:34], frame.data[34:end_of_ip(frame.data)]
    out = []
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        more = 0x2000 if at + size < len(body) else 0
        head = ip[:2] + struct.pack(">HHH", 20 + len(piece), 0x1234, more | at // 8) + ip[8:]
        out.append(Frame(frame.ns + at, frame.data[:14] + with_ip_sum(head) + piece))
    return out


def in_vxlan(frame):
    inner = frame.data
    udp = struct.pack(">HHHH", 50000, 4789, 16 + len(inner), 0) + struct.pack(">II", 0x08000000, 77 << 8) + inner
    ip = with_ip_sum(struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2]))
    return Frame(frame.ns, bytes(12) + b"\x08\0" + ip + udp)


def as_raw_ip(frame):
    return Frame(frame.ns, frame.data[14:end_of_ip(frame.data)], link=101)


def with_port(frame, old, new):
    """Another port of the client, checksum included."""
    data, tcp = frame.data, 14 + (frame.data[14] & 15) * 4
    at = tcp if struct.unpack_from(">H", data, tcp)[0] == old else tcp + 2
    field = struct.unpack_from(">H", data, tcp + 16)[0]
    s = (0xffff - field) + (0xffff - old) + new
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    data = data[:at] + struct.pack(">H", new) + data[at + 2:]
    data = data[:tcp + 16] + struct.pack(">H", 0xffff - s) + data[tcp + 18:]
    return Frame(frame.ns, data)


def later(frames, seconds):
    return [Frame(f.ns + seconds * 10**9, f.data, f.wire, f.link) for f in frames]


def with_tcp_sum(data):
    tcp, end = 14 + (data[14] & 15) * 4, end_of_ip(data)
    data = data[:tcp + 16] + b"\0\0" + data[tcp + 18:]
    s = summed(data[26:34] + struct.pack(">HH", 6, end - tcp) + data[tcp:end])
    return data[:tcp + 16] + struct.pack(">H", 0xffff - s) + data[tcp + 18:]


def numbers(data):
    """Source port, destination port, sequence and acknowledgement number."""
    return struct.unpack_from(">HHII", data, 14 + (data[14] & 15) * 4)


def renumbered(frame, seq, ack):
    tcp = 14 + (frame.data[14] & 15) * 4
    data = frame.data[:tcp + 4] + struct.pack(">II", seq & 0xffffffff, ack & 0xffffffff) + frame.data[tcp + 12:]
    return Frame(frame.ns, with_tcp_sum(data))


def carrying(frame, payload_octets, ns=0, seq=0):
    """The same segment, so much later and further on in the stream, with another payload."""
    start = payload(frame.data)[0]
    data = frame.data[:start] + payload_octets
    data = data[:14] + with_ip_sum(data[14:16] + struct.pack(">H", len(data) - 14) + data[18:])
    _, _, was, ack = numbers(data)
    return renumbered(Frame(frame.ns + ns, data), was + seq, ack)


def with_more(frames, k, payloads):
    """In place of what frame k carries its sender sends these, a segment each; all later numbers of the connection fit."""
    start, end = payload(frames[k].data)
    port, _, seq, _ = numbers(frames[k].data)
    out, at, longer = list(frames[:k]), 0, sum(len(p) for p in payloads) - (end - start)
    for n, p in enumerate(payloads):
        out.append(carrying(frames[k], p, n * 1000, at))
        at += len(p)
    for f in frames[k + 1:]:
        src, dst, s, a = numbers(f.data)
        s += longer if src == port and 0 < (s - seq) % 2**32 < 2**31 else 0
        a += longer if dst == port and 0 < (a - seq) % 2**32 < 2**31 else 0
        out.append(renumbered(f, s, a))
    return out
