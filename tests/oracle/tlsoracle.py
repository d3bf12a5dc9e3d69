#!/usr/bin/env python3
"""A second opinion: reads captures and key logs and verifies every TLS record as a receiver would, written from
the RFCs (5246, 4346, 2246, 8446, 5288, 6655, 7905, 7366, 6066) and not from badmac. Primitives come from libcrypto.

    tlsoracle.py KEYS CAPTURE

It is strict and simple: TCP bytes as they came first, no search for a cause, and after a record that fails the
next one is tried at the next sequence number. DTLS, SSL 3.0 and compression are not known to it."""
import ctypes, ctypes.util, gzip, hashlib, hmac, ipaddress, json, struct, subprocess, sys
from collections import namedtuple

C2S, S2C = 0, 1


# Primitives -------------------------------------------------------------------------------------------------

_lib = ctypes.CDLL(ctypes.util.find_library('crypto') or 'libcrypto.so.3')
for _name in ('EVP_CIPHER_fetch', 'EVP_CIPHER_CTX_new'):
    getattr(_lib, _name).restype = ctypes.c_void_p
_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_lib.EVP_CIPHER_fetch.argtypes = [_P, _S, _S]
_lib.EVP_CIPHER_CTX_free.argtypes = [_P]
_lib.EVP_CIPHER_CTX_ctrl.argtypes = [_P, _I, _I, _S]
_lib.EVP_CIPHER_CTX_set_padding.argtypes = [_P, _I]
_lib.EVP_DecryptInit_ex.argtypes = _lib.EVP_EncryptInit_ex.argtypes = [_P, _P, _P, _S, _S]
_lib.EVP_DecryptUpdate.argtypes = _lib.EVP_EncryptUpdate.argtypes = [_P, _S, ctypes.POINTER(_I), _S, _I]
_lib.EVP_DecryptFinal_ex.argtypes = [_P, _S, ctypes.POINTER(_I)]
_fetched = {}


def _cipher(name):
    if name not in _fetched:
        _fetched[name] = _lib.EVP_CIPHER_fetch(None, name.encode(), None)
        if not _fetched[name]:
            raise KeyError('no cipher ' + name)
    return _fetched[name]


def block_decrypt(name, key, iv, data):
    c, n, out = _lib.EVP_CIPHER_CTX_new(), _I(0), ctypes.create_string_buffer(len(data) + 32)
    try:
        assert _lib.EVP_DecryptInit_ex(c, _cipher(name), None, key, iv) == 1
        _lib.EVP_CIPHER_CTX_set_padding(c, 0)
        assert _lib.EVP_DecryptUpdate(c, out, ctypes.byref(n), data, len(data)) == 1
        return out.raw[:n.value]
    finally:
        _lib.EVP_CIPHER_CTX_free(c)


def block_encrypt(name, key, data):
    c, n, out = _lib.EVP_CIPHER_CTX_new(), _I(0), ctypes.create_string_buffer(len(data) + 32)
    try:
        assert _lib.EVP_EncryptInit_ex(c, _cipher(name), None, key, None) == 1
        _lib.EVP_CIPHER_CTX_set_padding(c, 0)
        assert _lib.EVP_EncryptUpdate(c, out, ctypes.byref(n), data, len(data)) == 1
        return out.raw[:n.value]
    finally:
        _lib.EVP_CIPHER_CTX_free(c)


def aead_open(name, key, nonce, aad, data, tag_len):
    """Plaintext, or None."""
    if len(data) < tag_len:
        return None
    body, tag = data[:-tag_len], data[-tag_len:]
    if name.startswith('CAMELLIA'):
        return camellia_gcm(name, key, nonce, aad, body, tag)
    c, n, out = _lib.EVP_CIPHER_CTX_new(), _I(0), ctypes.create_string_buffer(len(body) + 32)
    ccm = name.endswith('CCM')
    try:
        ok = _lib.EVP_DecryptInit_ex(c, _cipher(name), None, None, None) == 1
        ok &= _lib.EVP_CIPHER_CTX_ctrl(c, 9, 12, None) == 1
        ok &= _lib.EVP_CIPHER_CTX_ctrl(c, 0x11, tag_len, tag) == 1
        ok &= _lib.EVP_DecryptInit_ex(c, None, None, key, nonce) == 1
        assert ok
        if ccm:
            assert _lib.EVP_DecryptUpdate(c, None, ctypes.byref(n), None, len(body)) == 1
        assert _lib.EVP_DecryptUpdate(c, None, ctypes.byref(n), aad, len(aad)) == 1
        good = _lib.EVP_DecryptUpdate(c, out, ctypes.byref(n), body, len(body)) == 1
        if not ccm:
            end = _I(0)
            good = good and _lib.EVP_DecryptFinal_ex(c, ctypes.create_string_buffer(32), ctypes.byref(end)) == 1
        return out.raw[:len(body)] if good else None
    finally:
        _lib.EVP_CIPHER_CTX_free(c)


def camellia_gcm(name, key, nonce, aad, body, tag):
    """GCM (NIST SP 800-38D) over a block cipher that libcrypto has without it."""
    ecb = name.replace('GCM', 'ECB')
    h = int.from_bytes(block_encrypt(ecb, key, bytes(16)), 'big')
    powers = []
    for _ in range(128):
        powers.append(h)
        h = h >> 1 ^ (0xe1 << 120 if h & 1 else 0)
    y = 0
    text = aad + bytes(-len(aad) % 16) + body + bytes(-len(body) % 16) + struct.pack('>QQ', len(aad) * 8, len(body) * 8)
    for i in range(0, len(text), 16):
        x, y = y ^ int.from_bytes(text[i:i + 16], 'big'), 0
        while x:
            top = x.bit_length() - 1
            y ^= powers[127 - top]
            x ^= 1 << top
    count = -(-len(body) // 16)
    stream = block_encrypt(ecb, key, b''.join(nonce + struct.pack('>I', i) for i in range(1, count + 2)))
    if bytes(a ^ b for a, b in zip(stream[:16], y.to_bytes(16, 'big'))) != tag:
        return None
    return (int.from_bytes(body, 'big') ^ int.from_bytes(stream[16:16 + len(body)], 'big')).to_bytes(len(body), 'big')


class Rc4:
    def __init__(self, key):
        s, j = list(range(256)), 0
        for i in range(256):
            j = j + s[i] + key[i % len(key)] & 255
            s[i], s[j] = s[j], s[i]
        self.s, self.i, self.j = s, 0, 0

    def apply(self, data):
        s, i, j, out = self.s, self.i, self.j, bytearray(data)
        for k in range(len(out)):
            i = i + 1 & 255
            a = s[i]
            j = j + a & 255
            s[i] = b = s[j]
            s[j] = a
            out[k] ^= s[a + b & 255]
        self.i, self.j = i, j
        return bytes(out)


def p_hash(digest, secret, seed, n):
    a, out = seed, b''
    while len(out) < n:
        a = hmac.digest(secret, a, digest)
        out += hmac.digest(secret, a + seed, digest)
    return out[:n]


def prf(version, digest, secret, label, seed, n):
    if version >= 0x303:
        return p_hash(digest, secret, label + seed, n)
    half = (len(secret) + 1) // 2
    a, b = p_hash('md5', secret[:half], label + seed, n), p_hash('sha1', secret[-half:], label + seed, n)
    return bytes(x ^ y for x, y in zip(a, b))


def expand_label(digest, secret, label, n):
    label = b'tls13 ' + label
    info = struct.pack('>HB', n, len(label)) + label + b'\0'
    out, t, i = b'', b'', 1
    while len(out) < n:
        t = hmac.digest(secret, t + info + bytes([i]), digest)
        out, i = out + t, i + 1
    return out[:n]


# Suites -----------------------------------------------------------------------------------------------------

Suite = namedtuple('Suite', 'name kind cipher key_len block digest mac_len tag_len prf')
EXTRA = {0x0004: 'TLS_RSA_WITH_RC4_128_MD5', 0x0005: 'TLS_RSA_WITH_RC4_128_SHA', 0xc007: 'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
         0xc011: 'TLS_ECDHE_RSA_WITH_RC4_128_SHA', 0x000a: 'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
         0x0016: 'TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA', 0xc008: 'TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA',
         0xc012: 'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA', 0xc07a: 'TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256',
         0xc07b: 'TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384', 0xc08a: 'TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256',
         0x1304: 'TLS_AES_128_CCM_SHA256', 0x1305: 'TLS_AES_128_CCM_8_SHA256'}


def suite_of(name):
    words = name.split('_WITH_')[-1].removeprefix('TLS_')
    prf_hash = 'sha384' if words.endswith('SHA384') else 'sha256'
    last = words.rsplit('_', 1)[-1]
    digest = {'SHA': 'sha1', 'SHA256': 'sha256', 'SHA384': 'sha384', 'MD5': 'md5'}.get(last)
    mac_len = hashlib.new(digest).digest_size if digest else 0
    if words.startswith('CHACHA20'):
        return Suite(name, 'xor', 'ChaCha20-Poly1305', 32, 0, None, 0, 16, prf_hash)
    if words.startswith('NULL'):
        return Suite(name, 'null', None, 0, 0, digest, mac_len, 0, prf_hash)
    if words.startswith('RC4_128'):
        return Suite(name, 'rc4', None, 16, 0, digest, mac_len, 0, prf_hash)
    if words.startswith('3DES'):
        return Suite(name, 'cbc', 'DES-EDE3-CBC', 24, 8, digest, mac_len, 0, prf_hash)
    what, bits, mode = words.split('_')[:3]
    if what not in ('AES', 'CAMELLIA', 'ARIA') or mode not in ('CBC', 'GCM', 'CCM'):
        return None
    cipher = '%s-%s-%s' % (what, bits, mode)
    if mode == 'CBC':
        return Suite(name, 'cbc', cipher, int(bits) // 8, 16, digest, mac_len, 0, prf_hash)
    return Suite(name, 'explicit', cipher, int(bits) // 8, 0, None, 0, 8 if 'CCM_8' in words or 'CCM8' in words else 16, prf_hash)


def suites():
    table = dict(EXTRA)
    text = subprocess.run(['openssl', 'ciphers', '-V', '-stdname', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'],
                          stdout=subprocess.PIPE, text=True).stdout
    for l in text.splitlines():
        w = l.split()
        a, b = w[0].split(',')
        table[int(a, 16) << 8 | int(b, 16)] = w[2]
    return {code: suite_of(name) for code, name in table.items() if suite_of(name)}


SUITES = suites()


# Key log ----------------------------------------------------------------------------------------------------

def key_log(text, into=None):
    keys = {} if into is None else into
    for l in text.splitlines():
        w = l.split()
        try:
            if len(w) == 3 and len(w[1]) == 64:
                keys.setdefault((w[0], bytes.fromhex(w[1])), bytes.fromhex(w[2]))
        except ValueError:
            pass
    return keys


# Captures ---------------------------------------------------------------------------------------------------

def frames(data, keys):
    """(link type, octets) of each frame; secrets blocks go into keys."""
    if data[:2] == b'\x1f\x8b':
        data = gzip.decompress(data)
    magic = data[:4]
    if magic == b'\n\r\r\n':
        at, links, e = 0, [], '<'
        while at + 12 <= len(data):
            if data[at:at + 4] == b'\n\r\r\n':
                e, links = ('<' if data[at + 8:at + 12] == b'\x4d\x3c\x2b\x1a' else '>'), []
            kind, n = struct.unpack(e + 'II', data[at:at + 8])
            body, at = data[at + 8:at + n - 4], at + n
            if n < 12 or at > len(data):
                return
            if kind == 1:
                links.append(struct.unpack(e + 'H', body[:2])[0])
            elif kind == 6:
                i, _, _, length = struct.unpack(e + 'IIII', body[:16])
                yield links[i], body[20:20 + length]
            elif kind == 2:
                yield links[struct.unpack(e + 'H', body[:2])[0]], body[20:20 + struct.unpack(e + 'I', body[12:16])[0]]
            elif kind == 3:
                yield links[0], body[4:4 + struct.unpack(e + 'I', body[:4])[0]]
            elif kind == 10 and struct.unpack(e + 'I', body[:4])[0] == 0x544c534b:
                key_log(body[8:8 + struct.unpack(e + 'I', body[4:8])[0]].decode('latin1'), keys)
        return
    e = '<' if magic in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    link, at = struct.unpack(e + 'I', data[20:24])[0] & 0xffff, 24
    while at + 16 <= len(data):
        n = struct.unpack(e + 'I', data[at + 8:at + 12])[0]
        if at + 16 + n > len(data):
            return
        yield link, data[at + 16:at + 16 + n]
        at += 16 + n


def ip_of(link, f):
    if link in (12, 14, 101, 228, 229):
        return f
    if link in (0, 108):
        return f[4:]
    if link == 113:
        kind, f = f[14:16], f[16:]
    elif link == 276:
        kind, f = f[:2], f[20:]
    elif link == 1:
        kind, f = f[12:14], f[14:]
    else:
        return b''
    while kind in (b'\x81\x00', b'\x88\xa8', b'\x91\x00'):
        kind, f = f[2:4], f[4:]
    if kind == b'\x88\x64':
        return f[8:]
    return f if kind in (b'\x08\x00', b'\x86\xdd') else b''


def ones_sum(b):
    if len(b) % 2:
        b += b'\0'
    total = sum(struct.unpack('>%dH' % (len(b) // 2), b))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


Segment = namedtuple('Segment', 'packet src dst seq flags data good')


def segment(packet, link, f):
    ip = ip_of(link, f)
    if len(ip) < 20:
        return None
    if ip[0] >> 4 == 4:
        head, total = (ip[0] & 15) * 4, int.from_bytes(ip[2:4], 'big')
        if ip[9] != 6 or int.from_bytes(ip[6:8], 'big') & 0x3fff:
            return None
        tcp, a, b = ip[head:total or len(ip)], ip[12:16], ip[16:20]
        whole = len(ip) >= total
        pseudo = a + b + struct.pack('>BBH', 0, 6, (total or len(ip)) - head)
    elif ip[0] >> 4 == 6 and len(ip) >= 40:
        nxt, at, total = ip[6], 40, 40 + int.from_bytes(ip[4:6], 'big')
        while nxt in (0, 43, 60):
            nxt, at = ip[at], at + 8 + ip[at + 1] * 8
        if nxt != 6:
            return None
        tcp, a, b = ip[at:total], ip[8:24], ip[24:40]
        whole = len(ip) >= total
        pseudo = a + b + struct.pack('>IHBB', total - at, 0, 0, 6)
    else:
        return None
    if len(tcp) < 20:
        return None
    sport, dport, seq = struct.unpack('>HHI', tcp[:8])
    return Segment(packet, (a, sport), (b, dport), seq, tcp[13], tcp[(tcp[12] >> 4) * 4:],
                   not whole or ones_sum(pseudo + tcp) == 0xffff)


class Half:
    """One direction: octets in place, which are there, and the packet that brought each run."""

    def __init__(self):
        self.start, self.segments = None, []

    def assemble(self):
        self.data, self.mask, self.owners = bytearray(), bytearray(), []
        bad = sum(not s.good for s in self.segments if s.data)
        offloaded = bad * 2 > sum(bool(s.data) for s in self.segments)
        high = 0
        late = []
        for s in self.segments:
            off = (s.seq + (s.flags >> 1 & 1) - self.start & 0xffffffff)
            off += (high - off + 0x80000000 >> 32) << 32  # nearest to the highest
            high = max(high, off)
            if not s.data or off + len(s.data) <= 0 or off > high + (1 << 30):
                continue
            if s.good or offloaded:
                self.put(off, s)
            else:
                late.append((off, s))
        for off, s in late:
            self.put(off, s)
        hole = self.mask.find(0)
        self.end = len(self.data) if hole < 0 else hole
        self.gap = hole >= 0
        self.data = bytes(self.data)

    def put(self, off, s):
        data = s.data
        if off < 0:
            data, off = data[-off:], 0
        end = off + len(data)
        if end > 1 << 27:
            return
        if end > len(self.data):
            grow = end - len(self.data)
            self.data += bytes(grow)
            self.mask += bytes(grow)
        at = off
        while True:
            at = self.mask.find(0, at, end)
            if at < 0:
                break
            stop = self.mask.find(1, at, end)
            stop = end if stop < 0 else stop
            self.data[at:stop] = data[at - off:stop - off]
            self.mask[at:stop] = b'\1' * (stop - at)
            self.owners.append((at, stop, s.packet))
            at = stop

    def packets(self, off, n):
        return sorted({p for a, b, p in self.owners if a < off + n and b > off})


class Flow:
    def __init__(self, client, server):
        self.ends, self.halves, self.fins = (client, server), (Half(), Half()), 0

    def add(self, s):
        d = 0 if s.src == self.ends[0] else 1
        h = self.halves[d]
        if h.start is None:
            h.start = s.seq + (s.flags >> 1 & 1) & 0xffffffff
        elif not s.flags & 2 and s.data and not h.known and (s.seq - h.start & 0xffffffff) > 0x80000000:
            h.start = s.seq
        h.known = getattr(h, 'known', False) or bool(s.flags & 2)
        h.segments.append(s)


def flows(data, keys):
    out, now = [], {}
    for n, (link, f) in enumerate(frames(data, keys), 1):
        s = segment(n, link, f)
        if s is None:
            continue
        key = frozenset((s.src, s.dst))
        flow = now.get(key)
        if s.flags & 2 and not s.flags & 16 and flow and flow.halves[0].start is not None and \
                s.seq + 1 & 0xffffffff != flow.halves[0 if s.src == flow.ends[0] else 1].start:
            flow = None
        if flow is None:
            a, b = (s.dst, s.src) if s.flags & 18 == 18 else (s.src, s.dst)
            flow = now[key] = Flow(a, b)
            out.append(flow)
        flow.add(s)
    for flow in out:
        for h in flow.halves:
            h.start = h.start or 0
            h.assemble()
    return out


# Records ----------------------------------------------------------------------------------------------------

def address(end):
    ip = ipaddress.ip_address(end[0])
    return ('%s:%d' if ip.version == 4 else '[%s]:%d') % (ip, end[1])


class Hello:
    def __init__(self, body, server):
        self.version, self.random = struct.unpack('>H', body[:2])[0], body[2:34]
        at = 35 + body[34]
        self.session, self.extensions = body[35:at], {}
        if server:
            self.suite, at = struct.unpack('>H', body[at:at + 2])[0], at + 3
        else:
            at += 2 + struct.unpack('>H', body[at:at + 2])[0]
            at += 1 + body[at]
        if at + 2 <= len(body):
            end, at = at + 2 + struct.unpack('>H', body[at:at + 2])[0], at + 2
            while at + 4 <= end:
                kind, n = struct.unpack('>HH', body[at:at + 4])
                self.extensions[kind] = body[at + 4:at + 4 + n]
                at += 4 + n
        if server and len(self.extensions.get(43, b'')) == 2:
            self.version = struct.unpack('>H', self.extensions[43])[0]


RETRY = bytes.fromhex('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c')


class Keys12:
    """One direction's write state of TLS 1.0 to 1.2."""

    def __init__(self, version, suite, master, client, server, direction, etm, short_mac):
        s, self.version, self.etm, self.seq = suite, version, etm and suite.kind == 'cbc', 0
        iv_len = s.block if s.kind == 'cbc' and version == 0x301 else {'explicit': 4, 'xor': 12}.get(s.kind, 0)
        block = prf(version, s.prf, master, b'key expansion', server + client, 2 * (s.mac_len + s.key_len + iv_len))
        at, parts = 0, []
        for n in (s.mac_len, s.key_len, iv_len):
            parts.append(block[at + direction * n:at + direction * n + n])
            at += 2 * n
        self.mac, self.key, self.iv = parts
        self.suite, self.epoch = s, None
        self.mac_len = 10 if short_mac and s.digest else s.mac_len
        self.rc4 = Rc4(self.key) if s.kind == 'rc4' else None

    def hmac(self, head, data):
        text = struct.pack('>Q', self.seq) + head[:3] + struct.pack('>H', len(data)) + data
        return hmac.digest(self.mac, text, self.suite.digest)[:self.mac_len]

    def open(self, head, body):
        """(content type, plaintext) or None; the state moves on as a receiver's that went on would."""
        plain = getattr(self, 'open_' + self.suite.kind)(head, body)
        self.seq += 1
        return None if plain is None else (head[0], plain)

    def open_explicit(self, head, body):
        n = len(body) - 8 - self.suite.tag_len
        if n < 0:
            return None
        aad = struct.pack('>Q', self.seq) + head[:3] + struct.pack('>H', n)
        return aead_open(self.suite.cipher, self.key, self.iv + body[:8], aad, body[8:], self.suite.tag_len)

    def open_xor(self, head, body):
        n = len(body) - 16
        if n < 0:
            return None
        nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack('>IQ', 0, self.seq)))
        return aead_open(self.suite.cipher, self.key, nonce, struct.pack('>Q', self.seq) + head[:3] + struct.pack('>H', n),
                         body, 16)

    def maced(self, head, text):
        if len(text) < self.mac_len:
            return None
        at = len(text) - self.mac_len
        return text[:at] if self.hmac(head, text[:at]) == text[at:] else None

    def open_null(self, head, body):
        return self.maced(head, body)

    def open_rc4(self, head, body):
        return self.maced(head, self.rc4.apply(body))

    def open_cbc(self, head, body):
        block, iv = self.suite.block, self.iv
        if self.etm:
            if len(body) < self.mac_len:
                return None
            sent, body = body[-self.mac_len:], body[:-self.mac_len]
            good = self.hmac(head, body) == sent
        if self.version == 0x301:
            if len(body) >= block:
                self.iv = body[-block:]
        else:
            iv, body = body[:block], body[block:]
        if not body or len(body) % block or len(iv) != block or self.etm and not good:
            return None
        text = block_decrypt(self.suite.cipher, self.key, iv, body)
        pad = text[-1] + 1
        if pad > len(text) or text[-pad:] != bytes([pad - 1]) * pad:
            return None
        text = text[:-pad]
        return text if self.etm else self.maced(head, text)


class Keys13:
    def __init__(self, suite, secret, epoch):
        self.suite, self.secret, self.seq, self.epoch = suite, secret, 0, epoch
        self.key = expand_label(suite.prf, secret, b'key', suite.key_len)
        self.iv = expand_label(suite.prf, secret, b'iv', 12)

    def updated(self):
        n = hashlib.new(self.suite.prf).digest_size
        return Keys13(self.suite, expand_label(self.suite.prf, self.secret, b'traffic upd', n), self.epoch + 1)

    def open(self, head, body):
        nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack('>IQ', 0, self.seq)))
        plain = aead_open(self.suite.cipher, self.key, nonce, head, body, self.suite.tag_len)
        self.seq += 1
        if plain is None:
            return None
        plain = plain.rstrip(b'\0')
        return (plain[-1], plain[:-1]) if plain else None


Record = namedtuple('Record', 'offset length type state epoch seq inner packets')  # state: verified failed undecided plaintext


class Side:
    """One direction of a TLS connection as its receiver follows it."""

    def __init__(self, conn, direction, half, at):
        self.conn, self.direction, self.half, self.at = conn, direction, half, at
        self.records, self.hellos, self.ccs, self.keys = [], [], 0, None
        self.protected, self.messages, self.lost = False, b'', None
        self.finished = False

    def peek(self):
        h = self.half
        if self.at + 5 > h.end:
            return None
        head = h.data[self.at:self.at + 5]
        n = int.from_bytes(head[3:], 'big')
        if not 20 <= head[0] <= 24 or head[1] != 3 or n > 16384 + 2048:
            self.lost = self.lost if self.lost is not None else self.at
            return None
        if self.at + 5 + n > h.end:
            return None
        return head, h.data[self.at + 5:self.at + 5 + n]

    def note(self, head, body, state, inner=None, keys=None, seq=None):
        n = 5 + len(body)
        self.records.append(Record(self.at, n, head[0], state, keys.epoch if keys else None, seq, inner,
                                   self.half.packets(self.at, n)))
        self.at += n

    def step(self):
        """One record further; False when there is none, or when the other side must be read first."""
        if self.lost is not None:
            return False
        r = self.peek()
        if r is None:
            return False
        head, body = r
        if self.conn.version == 0x304:
            return self.step13(head, body)
        if self.direction == C2S and self.hellos and self.conn.version is None and head[0] != 22:
            return False
        if self.direction == C2S and self.hellos and self.conn.version is None and self.records and head[0] == 22 and \
                body[:1] != b'\1' and not self.messages:
            return False
        if head[0] == 20 and not (self.keys is None and self.protected):
            if self.conn.version is None and self.conn.retried:  # TLS 1.3 between the two ClientHellos
                self.note(head, body, 'plaintext', 20)
                return True
            if self.conn.version is None:
                return False
            if self.keys is None or self.keys.open:
                state, content = self.opened(head, body)
                if not self.conn.derive(self):
                    return False
                self.note(head, body, state, 20, content[0], content[1])
                self.switch()
                return True
        state, content = self.opened(head, body)
        inner = self.last
        self.note(head, body, state, inner[0] if inner else None, *content)
        if inner and inner[0] == 22:
            self.handshake(inner[1])
        return True

    def opened(self, head, body):
        self.last = None
        if not self.protected:
            self.last = (head[0], body)
            return 'plaintext', (None, None)
        if self.keys is None:
            return 'undecided', (None, None)
        if head[0] == 20:
            # It may have to be read again when the other side is not yet there: nothing may move before that.
            if not self.conn.can_derive(self):
                return 'undecided', (None, None)
        seq = self.keys.seq
        self.last = self.keys.open(head, body)
        return ('failed' if self.last is None else 'verified'), (self.keys, seq)

    def switch(self):
        self.keys, self.protected, self.ccs = self.next, True, self.ccs + 1
        self.messages = b''
        if self.keys:
            self.keys.epoch = self.ccs

    def handshake(self, data):
        self.messages += data
        while len(self.messages) >= 4:
            n = 4 + int.from_bytes(self.messages[1:4], 'big')
            if len(self.messages) < n:
                return
            m, self.messages = self.messages[:n], self.messages[n:]
            if self.message(m[0], m[4:]):
                return

    def message(self, kind, body):
        """True when the keys changed: nothing may stand behind such a message in its record."""
        c = self.conn
        if kind == 1 and self.direction == C2S or kind == 2 and self.direction == S2C:
            try:
                hello = Hello(body, kind == 2)
            except (struct.error, IndexError):
                return False  # a draft of TLS 1.3
            if kind == 2 and hello.random == RETRY:
                c.retried = True
                return False
            self.hellos.append(hello)
            if kind == 2 and c.version is None:
                c.version = hello.version
            if kind == 2 and c.version == 0x304:
                c.start13()
        elif c.version == 0x304 and kind == 20:
            c.application(self)
            return True
        elif c.version == 0x304 and kind == 5 and self.direction == C2S:
            self.keys = c.keys13('CLIENT_HANDSHAKE_TRAFFIC_SECRET', 2)
            return True
        elif c.version == 0x304 and kind == 24 and self.keys:
            self.keys = self.keys.updated()
            return True
        return False

    def step13(self, head, body):
        self.last = None
        again = head[0] == 22 and self.direction == C2S and self.conn.retried and len(self.hellos) < 2
        if not self.protected or again or (head[0], body) == (20, b'\1') or head[0] == 21 and len(body) == 2:
            self.note(head, body, 'plaintext', head[0])
            if head[0] == 22:
                self.handshake(body)
            return True
        if self.keys is None:
            self.note(head, body, 'undecided')
            return True
        keys, seq = self.keys, self.keys.seq
        self.last = keys.open(head, body)
        if self.last is None and keys.epoch == 1:  # early data was refused: no EndOfEarlyData comes
            other = self.conn.keys13('CLIENT_HANDSHAKE_TRAFFIC_SECRET', 2)
            last = other.open(head, body) if other else None
            if last:
                self.keys, keys, seq, self.last = other, other, 0, last
        self.note(head, body, 'verified' if self.last else 'failed', self.last[0] if self.last else None, keys, seq)
        if self.last and self.last[0] == 22:
            self.handshake(self.last[1])
        return True


class Connection:
    def __init__(self, flow, client, at, server_at, secrets):
        self.flow, self.secrets = flow, secrets
        self.version, self.retried = None, False
        self.sides = [Side(self, C2S, flow.halves[client], at), Side(self, S2C, flow.halves[1 - client], server_at)]
        self.client, self.server = address(flow.ends[client]), address(flow.ends[1 - client])
        moved = True
        while moved:
            moved = False
            for s in self.sides:
                while s.step():
                    moved = True
        # What remains with nothing to wait for: no ServerHello ever came.
        self.suite = SUITES.get(self.sides[1].hellos[0].suite) if self.sides[1].hellos else None

    def secret(self, label):
        hellos = self.sides[0].hellos
        return self.secrets.get((label, hellos[0].random)) if hellos else None

    def can_derive(self, side):
        return min(len(s.hellos) for s in self.sides) > side.ccs

    def derive(self, side):
        if not self.can_derive(side):
            return False
        k = side.ccs
        c, s = self.sides[0].hellos[k], self.sides[1].hellos[k]
        suite, master = SUITES.get(s.suite), self.secrets.get(('CLIENT_RANDOM', c.random))
        side.next = Keys12(self.version, suite, master, c.random, s.random, side.direction, 22 in s.extensions,
                           4 in s.extensions) if suite and master else None
        return True

    def keys13(self, label, epoch):
        suite, secret = SUITES.get(self.sides[1].hellos[0].suite), self.secret(label)
        return Keys13(suite, secret, epoch) if suite and secret else None

    def start13(self):
        c, s = self.sides
        c.protected = s.protected = True
        s.keys = self.keys13('SERVER_HANDSHAKE_TRAFFIC_SECRET', 2)
        early = None
        if c.hellos and 42 in c.hellos[0].extensions:
            early = self.keys13('CLIENT_EARLY_TRAFFIC_SECRET', 1)
        c.keys = early or self.keys13('CLIENT_HANDSHAKE_TRAFFIC_SECRET', 2)

    def application(self, side):
        side.keys = self.keys13(('CLIENT' if side.direction == C2S else 'SERVER') + '_TRAFFIC_SECRET_0', 3)

    def counts(self, d):
        out = dict.fromkeys(('verified', 'failed', 'undecided', 'plaintext'), 0)
        for r in self.sides[d].records:
            out[r.state] += 1
        return out


def hello_at(half, kind):
    data, at = half.data[:half.end], 0
    while True:
        at = data.find(b'\x16\x03', at)
        if at < 0 or at + 9 > len(data):
            return None
        if data[at + 2] <= 4 and data[at + 5] == kind and data[at + 6] == 0:
            return at
        at += 1


def connections(data, secrets):
    out = []
    for flow in flows(data, secrets):
        for client in (0, 1):
            at = hello_at(flow.halves[client], 1)
            if at is not None:
                server = flow.halves[1 - client]
                server_at = hello_at(server, 2)
                out.append(Connection(flow, client, at, server.end if server_at is None else server_at, secrets))
                break
    return out


def main(keys, capture):
    secrets = {}
    if keys != '-':
        with open(keys, encoding='latin1') as f:
            key_log(f.read(), secrets)
    with open(capture, 'rb') as f:
        found = connections(f.read(), secrets)
    for c in found:
        print(json.dumps({'client': c.client, 'server': c.server, 'version': c.version and '%#x' % c.version,
                          'suite': c.suite.name if c.suite else None}))
        for d, word in enumerate(('client_to_server', 'server_to_client')):
            s = c.sides[d]
            print(' ', word, json.dumps(c.counts(d)), 'gap at %d' % s.half.end if s.half.gap else '',
                  'framing lost at %d' % s.lost if s.lost is not None else '')
            for r in s.records:
                if r.state == 'failed':
                    print('    failed: epoch %s, sequence number %s, stream offset %d, length %d, packets %s' %
                          (r.epoch, r.seq, r.offset, r.length, r.packets))


if __name__ == '__main__':
    main(*sys.argv[1:3])
