"""Opens the records of a recorded conversation with its own keys and seals them again, by the rules or by others.
Knows RFC 5246, 7366, 8446 and python3-cryptography; refuses to know badmac."""
import hashlib
import hmac
import struct
import warnings

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

import wire
from wire import C2S, S2C

# suite: kind, cipher key, MAC, PRF
SUITES = {0x002f: ("cbc", 16, "sha1", "sha256"), 0x0035: ("cbc", 32, "sha1", "sha256"),
          0x003c: ("cbc", 16, "sha256", "sha256"), 0x003d: ("cbc", 32, "sha256", "sha256"),
          0x0005: ("rc4", 16, "sha1", "sha256"), 0x009d: ("gcm", 32, None, "sha384"), 0xc02f: ("gcm", 16, None, "sha256"), 0xc030: ("gcm", 32, None, "sha384"),
          0xcca8: ("chacha", 32, None, "sha256"), 0xc09c: ("ccm", 16, None, "sha256"), 0xc0a0: ("ccm8", 16, None, "sha256"),
          0xc09d: ("ccm", 32, None, "sha256"),
          0x0002: ("null", 0, "sha1", "sha256"), 0x003b: ("null", 0, "sha256", "sha256"), 0x0004: ("rc4", 16, "md5", "sha256"),
          0xc013: ("cbc", 16, "sha1", "sha256"), 0xc014: ("cbc", 32, "sha1", "sha256"),
          0xc028: ("cbc", 32, "sha384", "sha384"), 0xc0a1: ("ccm8", 32, None, "sha256"),
          0x1304: ("ccm", 16, None, "sha256"), 0x1305: ("ccm8", 16, None, "sha256"),
          0x1301: ("gcm", 16, None, "sha256"), 0x1302: ("gcm", 32, None, "sha384"), 0x1303: ("chacha", 32, None, "sha256")}


def p_hash(name, secret, seed, n):
    out, a = b"", seed
    while len(out) < n:
        a = hmac.new(secret, a, name).digest()
        out += hmac.new(secret, a + seed, name).digest()
    return out[:n]


def prf(version, name, secret, label, seed, n):
    if version >= 0x0303:
        return p_hash(name, secret, label + seed, n)
    half = (len(secret) + 1) // 2
    a = p_hash("md5", secret[:half], label + seed, n)
    return bytes(x ^ y for x, y in zip(a, p_hash("sha1", secret[-half:], label + seed, n)))


def expand(name, secret, label, n):
    info = struct.pack("!HB", n, len(label) + 6) + b"tls13 " + label + b"\0"
    return hmac.new(secret, info + b"\x01", name).digest()[:n]


def rc4(key):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Cipher(algorithms.ARC4(key), None).encryptor()


class Side:
    """The keys of one direction."""

    def __init__(self, mac_key, key, iv):
        self.mac_key, self.key, self.iv = mac_key, key, iv


class Typed:
    """A record as another type."""

    def __init__(self, r, kind):
        self.data = bytes([kind]) + r.data[1:]


class Sealer:
    """Everything a conversation sent under its last keys, opened; seals all of it again."""

    def __init__(self, conv, keylog, first_keys=False):
        """first_keys: the connection changes them later; nothing is opened."""
        self.conv = conv
        self.records = {d: conv.records(d) for d in (C2S, S2C)}
        client, server = self.records[C2S][0].data[5:], self.records[S2C][0].data[5:]
        self.version = struct.unpack("!H", server[4:6])[0]
        rest = server[38 + 1 + server[38]:]
        self.suite = struct.unpack("!H", rest[:2])[0]
        self.tls13 = conv.is_tls13()
        extensions = rest[5:]
        self.etm = False
        while len(extensions) >= 4:
            kind, n = struct.unpack("!HH", extensions[:4])
            self.etm = self.etm or kind == 22
            extensions = extensions[4 + n:]
        self.kind, self.key_len, self.mac, self.prf = SUITES[self.suite]
        self.block = 16 if self.kind == "cbc" else 1
        self.explicit_iv = self.kind == "cbc" and self.version >= 0x0302
        self.explicit_nonce = 8 if self.kind in ("gcm", "ccm", "ccm8") and not self.tls13 else 0
        self.tag = 8 if self.kind == "ccm8" else 16
        logged = {}
        with open(keylog) as f:
            for line in f:
                w = line.split()
                if len(w) == 3 and w[1] == client[6:38].hex() and w[0] not in logged:
                    logged[w[0]] = bytes.fromhex(w[2])
        self.logged = logged
        self.side = self.keys(logged, client[6:38], server[6:38])
        if not first_keys:
            self.opened = {d: self.open_all(d) for d in (C2S, S2C)}

    def keys(self, logged, client_random, server_random):
        if self.tls13:
            return [Side(None, expand(self.prf, s, b"key", self.key_len), expand(self.prf, s, b"iv", 12))
                    for s in (logged["CLIENT_TRAFFIC_SECRET_0"], logged["SERVER_TRAFFIC_SECRET_0"])]
        mac_len = hashlib.new(self.mac).digest_size if self.mac else 0
        iv_len = {"cbc": 16 if self.version < 0x0302 else 0, "rc4": 0, "null": 0, "chacha": 12}.get(self.kind, 4)
        block = prf(self.version, self.prf, logged["CLIENT_RANDOM"], b"key expansion", server_random + client_random,
                    2 * (mac_len + self.key_len + iv_len))
        parts = []
        for n in (mac_len, mac_len, self.key_len, self.key_len, iv_len, iv_len):
            parts.append(block[:n])
            block = block[n:]
        return [Side(*parts[d::2]) for d in (C2S, S2C)]

    def premaster(self, private_key):
        """What the client chose, by the server's RSA key."""
        exchange = self.records[C2S][1].data[5:]
        return private_key.decrypt(exchange[6:6 + struct.unpack("!H", exchange[4:6])[0]], PKCS1v15())

    def master(self, premaster, extended):
        """RFC 5246, section 8.1, or RFC 7627, section 4."""
        client, server = self.records[C2S][0].data[5:], self.records[S2C][0].data[5:]
        if not extended:
            return prf(self.version, self.prf, premaster, b"master secret", client[6:38] + server[6:38], 48)
        exchange = self.records[C2S][1]
        heard = b"".join(r.data[5:] for r in self.records[S2C] if r.item_index < exchange.item_index)
        said = client + heard + exchange.data[5:]
        names = [self.prf] if self.version >= 0x0303 else ["md5", "sha1"]
        digest = b"".join(hashlib.new(name, said).digest() for name in names)
        return prf(self.version, self.prf, premaster, b"extended master secret", digest, 48)

    def keys_of(self, master):
        client, server = self.records[C2S][0].data[5:], self.records[S2C][0].data[5:]
        return self.keys({"CLIENT_RANDOM": master}, client[6:38], server[6:38])

    def mine(self, direction):
        """Records under the keys that are followed: all protected ones, in TLS 1.3 those behind the handshake."""
        found = [r for r in self.records[direction] if r.protected]
        if not self.tls13:
            return found
        first = next(r.item_index for r in self.records[C2S] if r.protected)
        return [r for r in found if r.item_index > first]

    def changes(self, direction):
        """How many records the first keys protect: up to the KeyUpdate, or the ChangeCipherSpec of a second handshake."""
        mine = self.mine(direction)
        if not self.tls13:
            seen = [n for n, r in enumerate(mine) if r.data[0] == wire.CCS]
            return seen[0]
        side = self.side[direction]
        for seq, r in enumerate(mine):
            try:
                self.aead(side.key).decrypt(self.nonce(side, seq, b""), r.data[5:], r.data[:5])
            except InvalidTag:
                return seq
        return len(mine)

    def aead(self, key):
        return {"gcm": AESGCM, "chacha": ChaCha20Poly1305, "ccm": AESCCM}.get(
            self.kind, lambda k: AESCCM(k, tag_length=8))(key)

    def open_all(self, direction):
        """[(record, content with inner type in TLS 1.3)]"""
        out, side = [], self.side[direction]
        iv = side.iv
        stream = rc4(side.key) if self.kind == "rc4" else None
        for seq, r in enumerate(self.mine(direction)):
            body = r.data[5:]
            if self.kind == "null":
                content = body[:-len(side.mac_key)]
            elif stream:
                content = stream.update(body)[:-len(side.mac_key)]
            elif self.kind == "cbc":
                if self.explicit_iv:
                    iv, body = body[:16], body[16:]
                if self.etm:
                    body = body[:-len(side.mac_key)]
                d = Cipher(algorithms.AES(side.key), modes.CBC(iv)).decryptor()
                content = d.update(body)
                iv = body[-16:]
                content = content[:-1 - content[-1]]
                if not self.etm:
                    content = content[:-len(side.mac_key)]
            else:
                n = len(body) - self.explicit_nonce - self.tag
                content = self.aead(side.key).decrypt(self.nonce(side, seq, body), body[self.explicit_nonce:],
                                                      self.aad(r.data, seq, n))
            out.append((r, content))
        return out

    def nonce(self, side, seq, body):
        if self.explicit_nonce:
            return side.iv + body[:8]
        return bytes(x ^ y for x, y in zip(side.iv, struct.pack("!4xQ", seq)))

    def aad(self, header, seq, n):
        if self.tls13:
            return header[:3] + struct.pack("!H", n + self.tag)
        return struct.pack("!Q", seq) + header[:3] + struct.pack("!H", n)

    def seal_all(self, rule, directions=(C2S, S2C)):
        """A copy of the conversation. rule(direction, record, content): None, or what is otherwise in this record."""
        conv = self.conv.copy()
        for d in directions:
            side = self.side[d]
            state = {"iv": side.iv}
            if self.kind == "rc4":
                state["stream"] = rc4(side.key)
            for seq, (r, content) in enumerate(self.opened[d]):
                how = rule(d, r, content) or {}
                conv.items[r.item_index].data = self.seal(d, seq, r, content, state, **how)
        return conv

    def seal(self, d, seq, r, content, state, content_is=None, version=None, length=None, number=None, mac_key=None,
             etm=None, mac_len=None, ssl3=False, padding=None, spoil=None, key=None, iv_of=None, nonce=None, aad=None,
             tag=None, explicit=None, body_is=None, kind=None,
             skip=0):
        """kind: another type of record; skip: octets of keystream, left out or used again."""
        if kind is not None:
            r = Typed(r, kind)
        content = content if content_is is None else content_is
        side = self.side[d]
        head = number if number is not None else struct.pack("!Q", seq)
        head += r.data[:1] + (r.data[1:3] if version is None else version)

        def lengthed(n):
            return head + struct.pack("!H", n if length is None else n + length)

        def mac_over(text):
            k = side.mac_key if mac_key is None else mac_key
            if ssl3:
                h = (struct.pack("!Q", seq) + r.data[:1] + struct.pack("!H", len(text)) + text)
                inner = hashlib.new(self.mac, k + b"\x36" * 40 + h).digest()
                m = hashlib.new(self.mac, k + b"\x5c" * 40 + inner).digest()
            else:
                m = hmac.new(k, lengthed(len(text)) + text, self.mac).digest()
            m = m[:mac_len] if mac_len else m
            return spoil(m) if spoil else m

        if self.kind == "null":
            body = content + mac_over(content)
        elif self.kind == "rc4":
            if skip:
                state["stream"] = rc4(side.key)
                state["stream"].update(bytes(state.get("used", 0) + skip))
            body = state["stream"].update(content + mac_over(content))
            state["used"] = state.get("used", 0) + skip + len(body)
        elif self.kind == "cbc":
            outside = self.etm if etm is None else etm
            text = content if outside else content + mac_over(content)
            n = -(len(text) + 1) % 16
            text += bytes([n]) * (n + 1) if padding is None else padding(n + 1)
            iv = r.data[5:21] if self.explicit_iv else state["iv"]
            e = Cipher(algorithms.AES(side.key if key is None else key), modes.CBC(iv)).encryptor()
            body = e.update(text)
            state["iv"] = body[-16:]
            if self.explicit_iv:
                body = iv + body
            if outside:
                body += mac_over(body)
        else:
            front = r.data[5:5 + self.explicit_nonce] if explicit is None else explicit
            s = side if iv_of is None else iv_of
            nonce = self.nonce(s, seq, front) if nonce is None else nonce
            if aad is None:
                aad = (head[8:] + struct.pack("!H", len(content) + self.tag + (length or 0))) if self.tls13 \
                    else lengthed(len(content))
            a = self.aead(side.key if key is None else key)
            if tag is not None:
                a = AESCCM(side.key, tag_length=tag)
            body = a.encrypt(nonce, content, aad)
            if spoil:
                n = tag or self.tag
                body = body[:-n] + spoil(body[-n:])
            body = front + body
        if body_is is not None:
            body = body_is(body)
        return r.data[:3] + struct.pack("!H", len(body)) + body


def other(direction):
    return S2C if direction == C2S else C2S


def checked(sealer):
    """Sealed by the rules it is what was recorded: the keys and the rules above are right."""
    again = sealer.seal_all(lambda d, r, content: None)
    return wire.capture_bytes([(again, wire.segments(again))]) == wire.capture_bytes(
        [(sealer.conv, wire.segments(sealer.conv))])
