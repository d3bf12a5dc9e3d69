"""Associations of DTLS 1.0, 1.2 and 1.3 made by hand: hellos, a handshake in outline, sealed records, a key log.
Knows RFC 6347, 7366, 9146, 9147 and python3-cryptography; refuses to know badmac."""
import hashlib
import hmac
import random
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import seal
import wire
from wire import ALERT, APPLICATION, C2S, CCS, HANDSHAKE, S2C

CID = 25
DTLS10, DTLS12, DTLS13 = 0xfeff, 0xfefd, 0xfefc


def expand(name, secret, label, n):
    info = struct.pack("!HB", n, len(label) + 6) + b"dtls13" + label + b"\0"
    return hmac.new(secret, info + b"\x01", name).digest()[:n]


class Keys:
    def __init__(self, mac_key, key, iv, number_key=b""):
        self.mac_key, self.key, self.iv, self.number_key = mac_key, key, iv, number_key


def message(kind, seq, body):
    n = len(body).to_bytes(3, "big")
    return bytes([kind]) + n + struct.pack("!H", seq) + b"\0\0\0" + n + body


class Association:
    """Datagrams of both directions; what was sealed can be sealed otherwise."""

    def __init__(self, version, suite, etm=False, cid=(b"", b""), seed=1, client=("192.0.2.1", 49152)):
        self.version, self.suite, self.etm, self.cid = version, suite, etm, cid
        self.rng = random.Random("%d %x %x %s" % (seed, version, suite, etm))
        self.kind, self.key_len, self.mac, self.prf = seal.SUITES[suite]
        self.tag = 8 if self.kind == "ccm8" else 16
        self.tls13 = version == DTLS13
        self.client_random, self.server_random = self.rng.randbytes(32), self.rng.randbytes(32)
        self.keys, self.log, self.next = {}, [], {}
        self.conv = wire.Conversation(udp=True, client=client)
        self.plain_next = [0, 0]
        self.epoch = 3 if self.tls13 else 1
        self.make_keys()
        self.handshake()

    # Keys -----------------------------------------------------------------------------------------

    def make_keys(self, epoch=1):
        if self.tls13:
            for d, who in ((C2S, "CLIENT"), (S2C, "SERVER")):
                for epoch, label in ((2, "%s_HANDSHAKE_TRAFFIC_SECRET" % who), (3, "%s_TRAFFIC_SECRET_0" % who)):
                    s = self.rng.randbytes(hashlib.new(self.prf).digest_size)
                    self.log.append("%s %s %s" % (label, self.client_random.hex(), s.hex()))
                    self.keys[d, epoch] = Keys(None, expand(self.prf, s, b"key", self.key_len), expand(self.prf, s, b"iv", 12),
                                               expand(self.prf, s, b"sn", self.key_len))
            return
        master = self.rng.randbytes(48)
        self.log.append("CLIENT_RANDOM %s %s" % (self.client_random.hex(), master.hex()))
        mac_len = hashlib.new(self.mac).digest_size if self.mac else 0
        iv_len = {"cbc": 0, "chacha": 12}.get(self.kind, 4)
        block = seal.prf(0x0303 if self.version == DTLS12 else 0x0302, self.prf, master, b"key expansion",
                         self.server_random + self.client_random, 2 * (mac_len + self.key_len + iv_len))
        parts = []
        for n in (mac_len, mac_len, self.key_len, self.key_len, iv_len, iv_len):
            parts.append(block[:n])
            block = block[n:]
        for d in (C2S, S2C):
            self.keys[d, epoch] = Keys(*parts[d::2])

    def key_log(self):
        return "\n".join(self.log) + "\n"

    # Records --------------------------------------------------------------------------------------

    def plain(self, d, kind, body):
        seq, self.plain_next[d] = self.plain_next[d], self.plain_next[d] + 1
        return struct.pack("!BHHHI", kind, DTLS10 if self.version == DTLS10 else DTLS12, 0, 0, seq) + \
            struct.pack("!H", len(body)) + body

    def aead(self, key):
        return {"gcm": seal.AESGCM, "chacha": seal.ChaCha20Poly1305, "ccm": seal.AESCCM}.get(
            self.kind, lambda k: seal.AESCCM(k, tag_length=8))(key)

    def mask(self, keys, sample):
        if self.kind == "chacha":
            return Cipher(algorithms.ChaCha20(keys.number_key, sample), None).encryptor().update(bytes(16))
        return Cipher(algorithms.AES(keys.number_key), modes.ECB()).encryptor().update(sample)

    def record(self, d, epoch, seq, content, kind=APPLICATION, keys=None, short=False, no_length=False, number_keys=None,
               **how):
        """The record of this number: how says what is otherwise."""
        k = keys or self.keys[d, epoch]
        cid = self.cid[1 - d]
        if self.tls13:
            return self.record13(k, epoch, seq, content, kind, cid, short, no_length, number_keys or k, **how)
        outer = CID if cid else kind
        inner = content + bytes([kind]) + bytes(how.get("zeros", 0)) if cid else content
        number = struct.pack("!Q", epoch << 48 | seq)
        front = bytes([outer]) + struct.pack("!H", self.version) + number + cid

        def over(text):
            n = struct.pack("!H", text)
            version = struct.pack("!H", how.get("mac_version", self.version))
            mac_number = how.get("mac_number", number)
            if not cid:
                return mac_number + bytes([outer]) + version + n
            if how.get("old_cid"):
                return mac_number + bytes([outer]) + version + cid + bytes([len(cid)]) + n
            return b"\xff" * 8 + bytes([CID, len(cid), CID]) + version + mac_number + cid + n
        if self.kind == "cbc":
            etm = how.get("etm", self.etm)

            def mac(text):
                m = hmac.new(k.mac_key, over(len(text)) + text, self.mac).digest()[:how.get("mac_len")]
                return how["spoil"](m) if "spoil" in how else m
            text = inner if etm else inner + mac(inner)
            n = -(len(text) + 1) % 16 + 1
            text += how["padding"](n) if "padding" in how else bytes([n - 1]) * n
            iv = random.Random(seq).randbytes(16)
            body = iv + Cipher(algorithms.AES(k.key), modes.CBC(iv)).encryptor().update(text)
            if etm:
                body += mac(body)
        else:
            if self.kind == "chacha":
                explicit, nonce = b"", bytes(x ^ y for x, y in zip(k.iv, bytes(4) + number))
            else:
                explicit, nonce = number, k.iv + number
            body = explicit + self.aead(k.key).encrypt(nonce, inner, over(len(inner)))
            if "spoil" in how:
                body = body[:-self.tag] + how["spoil"](body[-self.tag:])
        return front + struct.pack("!H", len(body)) + body

    def record13(self, k, epoch, seq, content, kind, cid, short, no_length, number_keys, **how):
        flags = 0x20 | (0x10 if cid else 0) | (0 if short else 8) | (0 if no_length else 4) | epoch & 3
        low = struct.pack("!B", seq & 255) if short else struct.pack("!H", seq & 65535)
        inner = content + bytes([kind]) if not how.get("no_type") else bytes(len(content))
        n = b"" if no_length else struct.pack("!H", len(inner) + self.tag)
        header = bytes([flags]) + cid + low + n
        nonce = bytes(x ^ y for x, y in zip(k.iv, struct.pack("!4xQ", how.get("nonce_number", seq))))
        aad = how["aad"](header) if "aad" in how else header
        body = self.aead(k.key).encrypt(nonce, inner, aad)
        if "spoil" in how:
            body = body[:-self.tag] + how["spoil"](body[-self.tag:])
        mask = self.mask(number_keys, body[:16])
        low = bytes(x ^ y for x, y in zip(low, mask))
        return bytes([flags]) + cid + low + n + body

    def number(self, d, epoch):
        n = self.next.get((d, epoch), 0)
        self.next[d, epoch] = n + 1
        return n

    # The conversation -----------------------------------------------------------------------------

    def send(self, d, *records):
        self.conv.feed(d, b"".join(records))
        return len(self.conv.items) - 1

    def hello(self, server, seq=0):
        ext = b""
        if self.tls13:
            ext += struct.pack("!HHH", 43, 2, DTLS13) if server else struct.pack("!HHBH", 43, 3, 2, DTLS13)
        if self.etm:
            ext += struct.pack("!HH", 22, 0)
        if self.cid != (b"", b""):
            own = self.cid[S2C if server else C2S]
            ext += struct.pack("!HHB", 54, 1 + len(own), len(own)) + own
        body = struct.pack("!H", DTLS10 if self.version == DTLS10 else DTLS12)
        body += (self.server_random if server else self.client_random) + b"\0"
        body += struct.pack("!HB", self.suite, 0) if server else b"\0" + struct.pack("!HHBB", 2, self.suite, 1, 0)
        return message(2 if server else 1, seq, body + struct.pack("!H", len(ext)) + ext)

    def handshake(self):
        self.send(C2S, self.plain(C2S, HANDSHAKE, self.hello(False)))
        self.send(S2C, self.plain(S2C, HANDSHAKE, self.hello(True)))
        if self.tls13:
            self.send(S2C, self.record(S2C, 2, self.number(S2C, 2), message(8, 1, b"\0\0"), HANDSHAKE),
                      self.record(S2C, 2, self.number(S2C, 2), message(20, 2, bytes(hashlib.new(self.prf).digest_size)),
                                  HANDSHAKE))
            self.send(C2S, self.record(C2S, 2, self.number(C2S, 2), message(20, 1, bytes(hashlib.new(self.prf).digest_size)),
                                       HANDSHAKE))
            return
        self.send(S2C, self.plain(S2C, HANDSHAKE, message(11, 1, b"\0\0\0")) + self.plain(
            S2C, HANDSHAKE, message(14, 2, b"")))
        for d in (C2S, S2C):
            self.send(d, self.plain(d, CCS, b"\1"),
                      self.record(d, 1, self.number(d, 1), message(20, 3, self.rng.randbytes(12)), HANDSHAKE))

    def renegotiate(self):
        """Up to DTLS 1.2: another handshake, protected by the first; epoch 2 from there on."""
        self.client_random, self.server_random = self.rng.randbytes(32), self.rng.randbytes(32)
        for d, server in ((C2S, False), (S2C, True)):
            self.send(d, self.record(d, 1, self.number(d, 1), self.hello(server, 4), HANDSHAKE))
        self.send(S2C, self.record(S2C, 1, self.number(S2C, 1), message(14, 5, b""), HANDSHAKE))
        self.make_keys(2)
        for d in (C2S, S2C):
            self.send(d, self.record(d, 1, self.number(d, 1), b"\1", CCS),
                      self.record(d, 2, self.number(d, 2), message(20, 6, self.rng.randbytes(12)), HANDSHAKE))
        self.epoch = 2

    def data(self, d, n=100, **how):
        """One record in one datagram: (index of the datagram, its number)."""
        seq = self.number(d, self.epoch)
        return self.send(d, self.record(d, self.epoch, seq, self.content(n), **how)), seq

    def content(self, n):
        text = b"The quick brown fox jumps over the lazy dog; %d. " % n
        return (text * (n // len(text) + 1))[:n]
