#!/usr/bin/env python3
"""Writes verify-vectors.tsv: records of every protection in the suite table, under every version
and extension that it goes with, as a sender makes them. Written from the RFCs; shares nothing with
badmac but them. Needs the package cryptography (its wheels have IDEA) for bare block ciphers and
ChaCha20-Poly1305, and the openssl command for ARIA; CBC, GCM, CCM and the MACs are put together here."""
import hashlib
import hmac
import random
import subprocess
import sys
import warnings

warnings.simplefilter('ignore')
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: E402

rng = random.Random(6101)

SSL3, TLS1_0, TLS1_1, TLS1_2, TLS1_3 = 0x300, 0x301, 0x302, 0x303, 0x304
DTLS1_0, DTLS1_2, DTLS1_3 = 0xfeff, 0xfefd, 0xfefc
RULES = {DTLS1_0: TLS1_1, DTLS1_2: TLS1_2, DTLS1_3: TLS1_3}

# One suite for each way to protect a record: cipher, key octets, hash of the MAC.
CBC = {
    0x0009: ('DES', 8, 'sha1'), 0x0022: ('DES', 8, 'md5'),
    0x000a: ('3DES', 24, 'sha1'), 0x0023: ('3DES', 24, 'md5'),
    0x0007: ('IDEA', 16, 'sha1'), 0x0025: ('IDEA', 16, 'md5'),
    0x0096: ('SEED', 16, 'sha1'),
    0x002f: ('AES', 16, 'sha1'), 0x003c: ('AES', 16, 'sha256'),
    0x0035: ('AES', 32, 'sha1'), 0x003d: ('AES', 32, 'sha256'), 0xc028: ('AES', 32, 'sha384'),
    0x0041: ('Camellia', 16, 'sha1'), 0x00ba: ('Camellia', 16, 'sha256'),
    0x0084: ('Camellia', 32, 'sha1'), 0x00c0: ('Camellia', 32, 'sha256'),
    0xc073: ('Camellia', 32, 'sha384'),
    0xc03c: ('ARIA', 16, 'sha256'), 0xc03d: ('ARIA', 32, 'sha384'),
}
STREAM = {
    0x0001: (None, 0, 'md5'), 0x0002: (None, 0, 'sha1'), 0x003b: (None, 0, 'sha256'),
    0x00b9: (None, 0, 'sha384'), 0x0004: ('RC4', 16, 'md5'), 0x0005: ('RC4', 16, 'sha1'),
}
# These get more and longer records.
THOROUGH = {0x0009, 0x002f, 0x0005, 0x0001, 0x009c, 0xc050, 0xc0a0, 0xcca8}
# cipher, key octets, mode, tag octets
AEAD = {
    0x009c: ('AES', 16, 'GCM', 16), 0x009d: ('AES', 32, 'GCM', 16),
    0xc07a: ('Camellia', 16, 'GCM', 16), 0xc07b: ('Camellia', 32, 'GCM', 16),
    0xc050: ('ARIA', 16, 'GCM', 16), 0xc051: ('ARIA', 32, 'GCM', 16),
    0xc09c: ('AES', 16, 'CCM', 16), 0xc09d: ('AES', 32, 'CCM', 16),
    0xc0a0: ('AES', 16, 'CCM', 8), 0xc0a1: ('AES', 32, 'CCM', 8),
    0xcca8: ('ChaCha', 32, 'Poly1305', 16),
}
TLS13 = {
    0x1301: ('AES', 16, 'GCM', 16), 0x1302: ('AES', 32, 'GCM', 16),
    0x1303: ('ChaCha', 32, 'Poly1305', 16), 0x1304: ('AES', 16, 'CCM', 16),
    0x1305: ('AES', 16, 'CCM', 8), 0x00c6: ('SM4', 16, 'GCM', 16), 0x00c7: ('SM4', 16, 'CCM', 16),
}


def noise(n):
    return bytes(rng.getrandbits(8) for _ in range(n))


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def num(v, n):
    return v.to_bytes(n, 'big')


def openssl(name, key, data, *more):
    return subprocess.run(['openssl', 'enc', '-e', '-nopad', f'-aria-{8 * len(key)}-{name}',
                           '-K', key.hex(), *more], input=data, stdout=subprocess.PIPE, check=True).stdout


def ecb(cipher, key, data):
    if cipher == 'ARIA':
        return openssl('ecb', key, data)
    if cipher == 'DES':
        cipher, key = '3DES', 3 * key
    algorithm = algorithms.TripleDES if cipher == '3DES' else getattr(algorithms, cipher)
    return Cipher(algorithm(key), modes.ECB()).encryptor().update(data)


def cbc(cipher, key, iv, data):
    if cipher == 'ARIA':
        return openssl('cbc', key, data, '-iv', iv.hex())
    out = b''
    for i in range(0, len(data), len(iv)):
        iv = ecb(cipher, key, xor(iv, data[i:i + len(iv)]))
        out += iv
    return out


def ghash(h, data):
    h, y = int.from_bytes(h, 'big'), 0
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i:i + 16], 'big')
        z, v = 0, h
        for bit in range(127, -1, -1):
            if y >> bit & 1:
                z ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        y = z
    return num(y, 16)


def padded(data):
    return data + bytes(-len(data) % 16)


def gcm(cipher, key, nonce, aad, text):
    blocks = b''.join(nonce + num(i + 1, 4) for i in range(len(text) // 16 + 2))
    stream = ecb(cipher, key, bytes(16) + blocks)
    h, mask, stream = stream[:16], stream[16:32], stream[32:]
    text = xor(text, stream)
    lengths = num(8 * len(aad), 8) + num(8 * len(text), 8)
    return text, xor(ghash(h, padded(aad) + padded(text) + lengths), mask)


def ccm(cipher, key, nonce, aad, text, tag):
    flags = (64 if aad else 0) | (tag - 2) // 2 << 3 | 2
    head = bytes([flags]) + nonce + num(len(text), 3)
    if aad:
        head = padded(head + num(len(aad), 2) + aad)
    mac = cbc(cipher, key, bytes(16), head + padded(text))[-16:]
    stream = ecb(cipher, key, b''.join(b'\2' + nonce + num(i, 3) for i in range(len(text) // 16 + 2)))
    return xor(text, stream[16:]), xor(mac, stream[:16])[:tag]


def seal(how, key, nonce, aad, text):
    cipher, _, mode, tag = how
    if mode == 'GCM':
        return gcm(cipher, key, nonce, aad, text)
    if mode == 'CCM':
        return ccm(cipher, key, nonce, aad, text, tag)
    both = ChaCha20Poly1305(key).encrypt(nonce, text, aad)
    return both[:-16], both[-16:]


class Rc4:
    def __init__(self, key):
        self.s, self.i, self.j = list(range(256)), 0, 0
        j = 0
        for i in range(256):
            j = (j + self.s[i] + key[i % len(key)]) & 255
            self.s[i], self.s[j] = self.s[j], self.s[i]

    def crypt(self, data):
        out = bytearray()
        for b in data:
            self.i = (self.i + 1) & 255
            self.j = (self.j + self.s[self.i]) & 255
            self.s[self.i], self.s[self.j] = self.s[self.j], self.s[self.i]
            out.append(b ^ self.s[(self.s[self.i] + self.s[self.j]) & 255])
        return bytes(out)


class Sender:
    """One direction of an epoch up to (D)TLS 1.2."""

    def __init__(self, version, suite, flags, epoch=1):
        self.version, self.rules, self.flags = version, RULES.get(version, version), flags
        self.dtls = version in RULES
        self.seq = (epoch << 48 | rng.getrandbits(20)) if self.dtls else 0
        self.cid = noise(rng.choice([1, 4, 20])) if 'cid' in flags else b''
        self.thorough = suite in THOROUGH
        self.how = AEAD.get(suite)
        self.block = 1
        if self.how is None:
            self.cipher, keysize, self.hash = CBC.get(suite) or STREAM[suite]
            self.mac_key = noise(hashlib.new(self.hash).digest_size)
            if suite in CBC:
                self.block = 8 if self.cipher in ('DES', '3DES', 'IDEA') else 16
            self.iv = noise(self.block) if self.block > 1 and self.rules <= TLS1_0 else b''
        else:
            self.cipher, keysize = self.how[:2]
            self.mac_key = b''
            self.iv = noise(12 if self.how[2] == 'Poly1305' else 4)
        self.key = noise(keysize)
        self.chain = self.iv
        self.rc4 = Rc4(self.key) if self.cipher == 'RC4' else None
        emit('keys', f'{version:04x}', f'{suite:04x}', ','.join(sorted(flags)) or '-', self.mac_key,
             self.key, self.iv)

    def pseudo(self, kind, length):
        seq = num(self.seq, 8)
        if self.cid:
            return (b'\xff' * 8 + bytes([25, len(self.cid), 25]) + num(self.version, 2) + seq +
                    self.cid + num(length, 2))
        version = b'' if self.rules == SSL3 else num(self.version, 2)
        return seq + bytes([kind]) + version + num(length, 2)

    def mac(self, kind, text):
        head = self.pseudo(kind, len(text))
        if self.rules == SSL3:
            n = {'md5': 48, 'sha1': 40}[self.hash]
            inner = hashlib.new(self.hash, self.mac_key + b'\x36' * n + head + text).digest()
            return hashlib.new(self.hash, self.mac_key + b'\x5c' * n + inner).digest()
        tag = hmac.new(self.mac_key, head + text, self.hash).digest()
        return tag[:10] if 'trunc' in self.flags else tag

    def padding(self, n, blocks):
        """The padding of n octets, with as many blocks more than it must."""
        size = -(n + 1) % self.block + blocks * self.block
        if self.rules == SSL3:
            return noise(size) + bytes([size])
        return bytes([size]) * (size + 1)

    def encrypt(self, data):
        if self.rules >= TLS1_1:
            iv = noise(self.block)
            return iv + cbc(self.cipher, self.key, iv, data)
        out = cbc(self.cipher, self.key, self.chain, data)
        self.next_chain = out[-self.block:]
        return out

    def protect(self, kind, text, padding):
        """Body, MAC, octets of padding. padding: blocks to add, or a function of a good one."""
        if self.how is not None:
            return self.protect_aead(kind, text) + (0,)
        if self.block == 1:
            tag = self.mac(kind, text)
            body = text + tag
            return (self.rc4.crypt(body) if self.rc4 else body), tag, 0
        spoil = padding if callable(padding) else lambda p: p
        blocks = 0 if callable(padding) else padding
        if 'etm' in self.flags:
            pad = spoil(self.padding(len(text), blocks))
            body = self.encrypt(text + pad)
            tag = self.mac(kind, body)
            return body + tag, tag, 1 if callable(padding) else len(pad)
        tag = self.mac(kind, text)
        pad = spoil(self.padding(len(text + tag), blocks))
        whole = text + tag + pad
        if callable(padding):
            # RFC 5246, section 6.2.3.2: what a receiver computes that takes the padding for empty
            tag, pad = self.mac(kind, whole[:-1 - len(tag)]), b'.'
        return self.encrypt(whole), tag, len(pad)

    def protect_aead(self, kind, text):
        aad = self.pseudo(kind, len(text))
        if self.how[2] == 'Poly1305':
            body, tag = seal(self.how, self.key, xor(self.iv, bytes(4) + num(self.seq, 8)), aad, text)
            return body + tag, tag
        explicit = noise(8)
        body, tag = seal(self.how, self.key, self.iv + explicit, aad, text)
        return explicit + body + tag, tag

    def send(self, kind, content, padding=0, zeros=0, result='ok'):
        inner = kind
        text = content
        if self.cid:
            text = content + bytes([inner] if inner else []) + bytes(zeros)
            kind = 25
        body, tag, pad = self.protect(kind, text, padding)
        if self.dtls:
            header = bytes([kind]) + num(self.version, 2) + num(self.seq, 8) + self.cid + num(len(body), 2)
        else:
            header = bytes([kind]) + num(self.version, 2) + num(len(body), 2)
        if self.cid and self.block == 1:
            pad = zeros
        emit('record', result, f'{self.seq:016x}', f'{kind:02x}', f'{self.version:04x}', header,
             self.cid, body, f'{inner:02x}', content if result == 'ok' else None, pad, tag)
        if result != 'ok':
            return
        if self.block > 1 and self.rules <= TLS1_0:
            self.chain = self.next_chain
        self.seq += 1 if not self.dtls else rng.randint(1, 9)


def emit(*fields):
    text = []
    for f in fields:
        if f is None or f == b'':
            f = '-'
        text.append(f.hex() if isinstance(f, bytes) else str(f))
    print('\t'.join(text))


def spoiled(at):
    """A padding in which one octet before the last is not what it must be."""
    return lambda p: p[:at] + bytes([p[at] ^ 1 << rng.randrange(8)]) + p[at + 1:]


def longer(n):
    """A padding whose last octet says n more than there is."""
    return lambda p: p[:-1] + bytes([min(255, p[-1] + n)])


def bad_paddings(s):
    n = 0 if 'etm' in s.flags else len(s.mac(23, b''))
    # Content and MAC end one octet into a block: the padding fills the rest of it.
    text = noise((1 - n) % s.block)
    size = s.block - 2
    if s.rules == SSL3:
        # a block more than allowed
        s.send(23, text, lambda p: noise(s.block) + p[:-1] + bytes([p[-1] + s.block]), result='padding')
        s.send(23, text, longer(255), result='padding')
        return
    for at in range(size) if s.thorough else (rng.randrange(size),):
        s.send(23, text, spoiled(at), result='padding')
    s.send(23, text, longer(1), result='padding')
    s.send(23, text, longer(255), result='padding')


def old(version, suite, flags):
    s = Sender(version, suite, flags)
    if s.cid:
        if s.how is not None or 'etm' in flags or s.block == 1:
            s.send(0, b'', zeros=5, result='inner')
    if s.block > 1 and not s.cid and ('trunc' not in flags):
        bad_paddings(s)
    s.send(22, noise(16))
    s.send(23, noise(rng.randrange(1, 60)), zeros=3)
    s.send(23, b'')
    most = 0 if s.rules == SSL3 else 255 // s.block - 2 if s.thorough else 1
    s.send(21, noise(2), most, zeros=rng.randrange(90))
    if s.thorough:
        s.send(23, noise(rng.randrange(280, 300)), min(most, 3))


class Sender13:
    def __init__(self, version, suite, flags):
        self.version, self.flags, self.dtls = version, flags, version in RULES
        self.how = TLS13[suite]
        self.key, self.iv = noise(self.how[1]), noise(12)
        self.seq = rng.getrandbits(20) if self.dtls else 0
        self.cid = noise(5) if 'cid' in flags else b''
        self.bare = any(f.startswith('draft') and int(f[5:]) < 25 for f in flags)
        emit('keys', f'{version:04x}', f'{suite:04x}', ','.join(sorted(flags)) or '-', b'', self.key, self.iv)

    def header(self, length, form):
        if not self.dtls:
            return b'\x17\x03\x03' + num(length, 2)
        # RFC 9147, section 4: 001CSLEE
        wide, sized = form & 1, form >> 1 & 1
        first = 0x20 | (0x10 if self.cid else 0) | wide << 3 | sized << 2 | 3
        seq = num(self.seq & 0xffff, 2) if wide else num(self.seq & 0xff, 1)
        return bytes([first]) + self.cid + seq + (num(length, 2) if sized else b'')

    def send(self, kind, content, zeros=0, result='ok', form=3):
        text = content + bytes([kind] if kind else []) + bytes(zeros)
        header = self.header(len(text) + self.how[3], form)
        nonce = xor(self.iv, bytes(4) + num(self.seq, 8))
        body, tag = seal(self.how, self.key, nonce, b'' if self.bare else header, text)
        shown = DTLS1_2 if self.dtls else TLS1_2
        emit('record', result, f'{self.seq:016x}', '17', f'{shown:04x}', header, self.cid,
             body + tag, f'{kind:02x}', content if result == 'ok' else None, zeros, tag)
        if result == 'ok':
            self.seq += rng.randint(1, 9) if self.dtls else 1


def new(version, suite, flags):
    s = Sender13(version, suite, flags)
    s.send(0, b'', 1, 'inner')
    s.send(0, b'', 200, 'inner')
    s.send(22, noise(40))
    s.send(23, b'', 0, form=0)
    s.send(23, noise(100), 64 - 53, form=1)
    s.send(21, noise(2), 61, form=2)
    s.send(23, noise(64) + bytes(70), 0)
    s.send(23, noise(77), 700)


def main():
    print('# Written by make_verify_vectors.py.')
    print('# keys version suite flags mac_key key iv')
    print('# record result seq type version header cid body inner_type content padding tag')
    for suite in list(CBC) + list(STREAM) + list(AEAD):
        for version in (SSL3, TLS1_0, TLS1_1, TLS1_2, DTLS1_0, DTLS1_2):
            rules = RULES.get(version, version)
            if suite in AEAD and rules < TLS1_2 or suite in (4, 5) and version in RULES:
                continue
            if rules == SSL3 and (CBC.get(suite) or STREAM[suite])[2] not in ('md5', 'sha1'):
                continue
            for etm in ('', 'etm') if suite in CBC and rules != SSL3 else ('',):
                for trunc in ('', 'trunc') if suite not in AEAD and rules != SSL3 else ('',):
                    for cid in ('', 'cid') if version == DTLS1_2 else ('',):
                        old(version, suite, {etm, trunc, cid} - {''})
    for suite in TLS13:
        new(TLS1_3, suite, set())
        new(DTLS1_3, suite, set())
        new(DTLS1_3, suite, {'cid'})
    for draft in ('draft18', 'draft24', 'draft25'):
        new(TLS1_3, 0x1301, {draft})
        new(TLS1_3, 0x1304, {draft})


if __name__ == '__main__':
    with open(sys.argv[1] if len(sys.argv) > 1 else 'verify-vectors.tsv', 'w') as out:
        sys.stdout = out
        main()
