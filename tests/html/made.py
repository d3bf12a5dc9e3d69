"""Captures that are made here: a TLS connection of OpenSSL's two ends without a network, and single hellos. Knows Ethernet,
IPv4, TCP and pcap; refuses to know badmac."""
import array
import os
import ssl
import struct
import subprocess
import tempfile

CLIENT, SERVER = ("10.77.0.1", 40001), ("10.77.0.2", 443)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def total(b):
    if len(b) % 2:
        b += b"\0"
    words = array.array("H", b)
    words.byteswap()
    n = sum(words)
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def frame(source, sink, seq, ack, flags, payload=b""):
    ips = b"".join(bytes(int(x) for x in end[0].split(".")) for end in (source, sink))
    tcp = struct.pack(">HHIIBBHHH", source[1], sink[1], seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
    pseudo = ips + struct.pack(">HH", 6, len(tcp) + len(payload))
    sum_ = ~total(pseudo + tcp + payload) & 0xffff
    tcp = tcp[:16] + struct.pack(">H", sum_) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 1, 0x4000, 64, 6, 0) + ips
    ip = ip[:10] + struct.pack(">H", ~total(ip) & 0xffff) + ip[12:]
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + tcp + payload


class Capture:
    """The frames of one TCP connection, from its SYN on, a microsecond between two of them."""

    def __init__(self, us=1_700_000_000_000_000):
        self.us, self.packets, self.out = us, 0, []
        self.ends, self.next = (CLIENT, SERVER), [1000, 5000]
        self.send(0, b"", SYN)
        self.send(1, b"", SYN | ACK)
        self.send(0, b"", ACK)

    def send(self, side, payload, flags=ACK | PSH):
        f = frame(self.ends[side], self.ends[1 - side], self.next[side], self.next[1 - side], flags, payload)
        self.next[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        self.out.append(struct.pack("<IIII", self.us // 10**6, self.us % 10**6, len(f), len(f)) + f)
        self.us += 1
        self.packets += 1

    def damaged(self):
        """A segment whose checksum is wrong, and which its receiver drops."""
        before = list(self.next)
        self.send(0, b"damaged on the way")
        self.out[-1] = self.out[-1][:-1] + b"!"
        self.next = before

    def end(self):
        for side in (0, 1):
            self.send(side, b"", FIN | ACK)
        self.send(0, b"", ACK)

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + b"".join(self.out))


def hello(name):
    """A ClientHello of TLS 1.2 with these octets for a server name, in a record."""
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack(">HH", 0, len(sni)) + sni
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x02\xc0\x2f" + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def certificate(folder):
    files = [os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=made", "-days", "2", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def conversation(path, keys, records, size, per_segment, version=ssl.TLSVersion.TLSv1_3):
    """A connection in which the client sends so many records of application data; returns how many packets it takes."""
    with tempfile.TemporaryDirectory() as folder:
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(*certificate(folder))
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
    for ctx in (client_side, server_side):
        ctx.minimum_version = ctx.maximum_version = version
    client_side.keylog_filename = keys
    wires = [ssl.MemoryBIO(), ssl.MemoryBIO()]  # what the client sends; what the server sends
    ends = [client_side.wrap_bio(wires[1], wires[0], server_hostname="made.example"),
            server_side.wrap_bio(wires[0], wires[1], server_side=True)]
    capture = Capture()

    def carry(side):
        sent = wires[side].read()
        for at in range(0, len(sent), 60000):
            capture.send(side, sent[at:at + 60000])
        return sent

    done = [False, False]
    while not all(done):
        for side in (0, 1):
            try:
                ends[side].do_handshake()
                done[side] = True
            except ssl.SSLWantReadError:
                pass
            sent = carry(side)
            wires[side].write(sent)
    for at in range(0, records, per_segment):
        for _ in range(min(per_segment, records - at)):
            ends[0].write(b"x" * size)
        carry(0)
    capture.end()
    capture.write(path)
    return capture.packets
