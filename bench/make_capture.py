#!/usr/bin/env python3
"""Writes a capture of one real transfer: OpenSSL on both sides, a relay between them that records.
Knows nothing of badmac.

usage: make_capture.py FOLDER [MEGABYTES [SUITE]]     writes FOLDER/transfer.pcap and FOLDER/keys.log"""
import os
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "live"))
import stacks  # noqa: E402
import wire  # noqa: E402

MSS = 1448


def segments(conv):
    """As wire.segments, without holding a direction's stream as one: it is large here."""
    now, sent = 1700000000_000000, [0, 0]

    def put(d, data, flags):
        nonlocal now
        now += 11
        ack = None if flags & wire.SYN and d == wire.C2S else sent[1 - d]
        s = wire.Segment(d, sent[d], data, ack, flags, now)
        sent[d] += len(data)
        return s
    yield put(wire.C2S, b"", wire.SYN)
    yield put(wire.S2C, b"", wire.SYN | wire.ACK)
    yield put(wire.C2S, b"", wire.ACK)
    rest, last = b"", None
    for item in conv.items + [None]:
        d = item.direction if item else None
        if d != last and rest:
            yield put(last, rest, wire.PSH | wire.ACK)
            yield put(1 - last, b"", wire.ACK)
            rest = b""
        if item is None:
            break
        rest, last, n = rest + item.data, d, 0
        while len(rest) >= MSS:
            piece, rest, n = rest[:MSS], rest[MSS:], n + 1
            yield put(d, piece, wire.ACK)
            if n % 2 == 0:
                yield put(1 - d, b"", wire.ACK)


def main(folder, megabytes=220, suite="ECDHE-RSA-AES128-GCM-SHA256"):
    lab = stacks.Lab()
    keys = os.path.join(os.path.abspath(folder), "keys.log")
    if os.path.exists(keys):
        os.unlink(keys)
    port = stacks.free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-key", "rsa.key", "-cert", "rsa.crt",
                               "-keylogfile", keys, "-quiet", "-naccept", "1"], cwd=lab.dir, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stacks.wait_for_port(port)
    version = "TLS 1.3" if suite.startswith("TLS_") else "TLS 1.2"
    ctx = stacks.python_context(version, None if version == "TLS 1.3" else suite)
    block = os.urandom(1 << 20)
    with stacks.Relay(port) as relay:
        with socket.create_connection(("127.0.0.1", relay.port)) as raw, ctx.wrap_socket(raw) as s:
            # A record holds 2^14 octets (RFC 5246, section 6.2.1).
            for _ in range(int(megabytes)):
                for at in range(0, len(block), 1 << 14):
                    s.sendall(block[at:at + (1 << 14)])
        for t in relay.threads:
            t.join(60)
        conv = relay.recorded()[0]
    server.stdin.close()
    server.wait(10)
    with open(os.path.join(folder, "transfer.pcap"), "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for s in segments(conv):
            frame = wire.frame(conv, s)
            f.write(struct.pack("<IIII", s.ts_us // 1000000, s.ts_us % 1000000, len(frame), len(frame)) + frame)
    lab.close()


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    threading.stack_size(1 << 20)
    main(*sys.argv[1:])
