#!/usr/bin/env python3
"""Writes real-vectors.tsv, rows as in verify-vectors.tsv: the first protected records of real stacks,
from the captures and key logs of these tests, opened here by the package cryptography. Needs it, and
the tshark command to read packets (TLS is read here)."""
import hashlib
import hmac
import os
import subprocess
import sys

import make_verify_vectors as make
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../data')
CAPTURES = [(f'damaged/{d}/none/sender.pcap', f'damaged/{d}/none/keys.log') for d in (
    'tls10-aes128cbc-sha', 'tls10-rc4sha-gnutls', 'tls12-aes128gcm', 'tls12-cbc-sha256-etm',
    'tls12-cbc-sha256-mte', 'tls12-chacha20', 'tls13-aes256gcm')]
HOTPLACE = 'hotplace/testcase/tls/'
CAPTURES += [(HOTPLACE + c, HOTPLACE + c.split('/')[0] + '/sslkeylog') for c in (
    'dtls12/dtls12.pcapng', 'dtls12/dtls12_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256.pcapng',
    'tls12/tls12etm_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384.pcapng',
    'tls13/tls13_TLS_AES_128_CCM_SHA256.pcapng')]
CAPTURES += [('illustrated-dtls13/capture.pcap', 'illustrated-dtls13/keylog.txt'),
             ('ssldump/tls1.3_ccm8.pcap', 'ssldump/log.txt'),
             ('ssldump/tls1.3_chacha.pcap', 'ssldump/log.txt')]
MOST, LONGEST = 4, 2000

# Suites that are protected like one that make_verify_vectors has.
LIKE = {0xc02f: 0x9c, 0xc02b: 0x9c, 0xc030: 0x9d, 0xc02c: 0x9d, 0xcca9: 0xcca8, 0xc013: 0x2f, 0xc009: 0x2f,
        0xc014: 0x35, 0xc00a: 0x35, 0xc027: 0x3c, 0xc023: 0x3c, 0xc024: 0xc028, 0xc011: 5, 0xc007: 5}
SHA384 = {0x9d, 0xc030, 0xc02c, 0xc028, 0xc024, 0x1302}


def payloads(path):
    fields = ['udp.stream', 'tcp.stream', 'ip.src', 'ipv6.src', 'udp.srcport', 'tcp.srcport', 'tcp.seq',
              'udp.payload', 'tcp.payload']
    command = ['tshark', '-r', path, '-o', 'tcp.desegment_tcp_streams:FALSE', '-T', 'fields',
               '-E', 'occurrence=f', '-Y', 'udp.payload || tcp.payload']
    for f in fields:
        command += ['-e', f]
    text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    for line in text.decode().splitlines():
        v = (line.split('\t') + [''] * len(fields))[:len(fields)]
        stream = ('udp', v[0]) if v[7] else ('tcp', v[1])
        yield stream, (v[2] or v[3], v[4] or v[5]), int(v[6] or 0), bytes.fromhex(v[7] or v[8])


def flows(path):
    """Per stream: {sender: datagrams} or {sender: bytes}, the first one to speak first."""
    all_of = {}
    for stream, sender, seq, data in payloads(path):
        all_of.setdefault(stream, {}).setdefault(sender, []).append((seq, data))
    for stream, sides in all_of.items():
        if len(sides) != 2:
            continue
        if stream[0] == 'udp':
            yield True, [[d for _, d in s] for s in sides.values()]
            continue
        whole = []
        for segments in sides.values():
            out = b''
            for seq, data in sorted(segments, key=lambda s: s[0]):
                at = seq - 1
                if at > len(out):
                    break
                out += data[len(out) - at:]
            whole.append(out)
        yield False, whole


def secrets_of(path):
    found = {}
    with open(path, errors='replace') as f:
        for line in f:
            part = line.split()
            if len(part) == 3 and not line.startswith('#'):
                found[part[0].replace('TRAFFIC_SECRET_0', 'TRAFFIC_SECRET'), part[1].lower()] = part[2]
    return found


def records(dtls, data):
    """(header, body) of each, all of plaintext form or with DTLS 1.3's unified header."""
    for d in data if dtls else [data]:
        at = 0
        while at < len(d):
            if dtls and d[at] >> 5 == 1:
                wide, sized = d[at] >> 3 & 1, d[at] >> 2 & 1
                n = 2 + wide + 2 * sized
                length = int.from_bytes(d[at + n - 2:at + n], 'big') if sized else len(d) - at - n
            else:
                n = 13 if dtls else 5
                length = int.from_bytes(d[at + n - 2:at + n], 'big')
            if at + n + length > len(d):
                break
            yield d[at:at + n], d[at + n:at + n + length]
            at += n + length


def hello(dtls, all_records, kind):
    for header, body in all_records:
        if header[0] == 22 and body and body[0] == kind:
            return body[12 if dtls else 4:]
    return None


def read_server_hello(b):
    """Version, random, suite, extension numbers."""
    version, rnd = int.from_bytes(b[:2], 'big'), b[2:34]
    at = 35 + b[34]
    suite = int.from_bytes(b[at:at + 2], 'big')
    at += 5
    extensions = {}
    while at + 4 <= len(b):
        kind, n = int.from_bytes(b[at:at + 2], 'big'), int.from_bytes(b[at + 2:at + 4], 'big')
        extensions[kind] = b[at + 4:at + 4 + n]
        at += 4 + n
    if 43 in extensions:
        version = int.from_bytes(extensions[43], 'big')
    return version, rnd, suite, extensions


def p_hash(name, secret, seed, n):
    out, a = b'', seed
    while len(out) < n:
        a = hmac.new(secret, a, name).digest()
        out += hmac.new(secret, a + seed, name).digest()
    return out[:n]


def prf(rules, suite, secret, seed, n):
    if rules >= make.TLS1_2:
        return p_hash('sha384' if suite in SHA384 else 'sha256', secret, seed, n)
    half = (len(secret) + 1) // 2
    return make.xor(p_hash('md5', secret[:half], seed, n), p_hash('sha1', secret[-half:], seed, n))


def expand_label(suite, dtls, secret, label, n):
    label = (b'dtls13' if dtls else b'tls13 ') + label
    info = make.num(n, 2) + bytes([len(label)]) + label + b'\0\1'
    return hmac.new(secret, info, 'sha384' if suite in SHA384 else 'sha256').digest()[:n]


def open_aead(how, key, nonce, body, aad):
    cipher = {'GCM': lambda: AESGCM(key), 'CCM': lambda: AESCCM(key, how[3]),
              'Poly1305': lambda: ChaCha20Poly1305(key)}[how[2]]()
    return cipher.decrypt(nonce, body, aad)


def decrypt_cbc(how, key, iv, data):
    d = Cipher(getattr(algorithms, how[0])(key), modes.CBC(iv)).decryptor()
    return d.update(data)


class Old:
    """Opens one direction up to (D)TLS 1.2."""

    def __init__(self, version, suite, flags, mac_key, key, iv):
        self.rules, self.dtls = make.RULES.get(version, version), version in make.RULES
        self.flags, self.mac_key, self.key, self.iv = flags, mac_key, key, iv
        like = LIKE.get(suite, suite)
        self.aead = make.AEAD.get(like)
        self.how = self.aead or make.CBC.get(like) or make.STREAM[like]
        self.rc4 = make.Rc4(key) if self.how[0] == 'RC4' else None

    def mac(self, head, text):
        return hmac.new(self.mac_key, head + make.num(len(text), 2) + text, self.how[2]).digest()

    def open(self, seq, header, body):
        """Content, octets of padding, tag."""
        head = make.num(seq, 8) + header[:3]
        if self.aead:
            tag = body[-self.how[3]:]
            if self.how[2] == 'Poly1305':
                nonce, text = make.xor(self.iv, bytes(4) + make.num(seq, 8)), body
            else:
                nonce, text = self.iv + body[:8], body[8:]
            return open_aead(self.how, self.key, nonce, text,
                             head + make.num(len(text) - len(tag), 2)), 0, tag
        n = len(self.mac_key)
        if self.rc4:
            plain = self.rc4.crypt(body)
            assert self.mac(head, plain[:-n]) == plain[-n:]
            return plain[:-n], 0, plain[-n:]
        etm = 'etm' in self.flags
        tag = body[-n:]
        if etm:
            assert self.mac(head, body[:-n]) == tag
            body = body[:-n]
        if self.rules >= make.TLS1_1:
            plain = decrypt_cbc(self.how, self.key, body[:16], body[16:])
        else:
            plain = decrypt_cbc(self.how, self.key, self.iv, body)
            self.iv = body[-16:]
        pad = plain[-1] + 1
        assert plain[-pad:] == bytes([pad - 1]) * pad
        plain = plain[:-pad]
        if not etm:
            plain, tag = plain[:-n], plain[-n:]
            assert self.mac(head, plain) == tag
        return plain, pad, tag


def keys_row(version, suite, flags, mac_key, key, iv):
    make.emit('keys', f'{version:04x}', f'{suite:04x}', ','.join(sorted(flags)) or '-', mac_key, key, iv)


def record_row(seq, kind, version, header, body, inner, content, pad, tag):
    make.emit('record', 'ok', f'{seq:016x}', f'{kind:02x}', f'{version:04x}', header, b'', body,
              f'{inner:02x}', content, pad, tag)


def old(dtls, version, suite, flags, master, randoms, sides):
    like = LIKE.get(suite, suite)
    how = make.AEAD.get(like) or make.CBC.get(like) or make.STREAM[like]
    aead = like in make.AEAD
    mac_len = 0 if aead else hashlib.new(how[2]).digest_size
    rules = make.RULES.get(version, version)
    iv_len = (12 if how[2] == 'Poly1305' else 4) if aead else (
        16 if like in make.CBC and rules <= make.TLS1_0 else 0)
    block = prf(rules, suite, master, b'key expansion' + randoms[1] + randoms[0],
                2 * (mac_len + how[1] + iv_len))
    parts, at = [], 0
    for n in (mac_len, mac_len, how[1], how[1], iv_len, iv_len):
        parts.append(block[at:at + n])
        at += n
    for side in (0, 1):
        opener = Old(version, suite, flags, *parts[side::2])
        keys_row(version, suite, flags, *parts[side::2])
        seq, on, done = 0, False, 0
        for header, body in sides[side]:
            if dtls:
                seq = int.from_bytes(header[3:11], 'big')
                on = seq >> 48 == 1
            elif not on:
                on = header[0] == 20
                continue
            if not on:
                continue
            if done == MOST or len(body) > LONGEST:
                break
            content, pad, tag = opener.open(seq, header, body)
            record_row(seq, header[0], int.from_bytes(header[1:3], 'big'), header, body, header[0],
                       content, pad, tag)
            seq += 1
            done += 1


def open13(how, key, iv, seq, header, body):
    inner = open_aead(how, key, make.xor(iv, bytes(4) + make.num(seq, 8)), body, header)
    content = inner.rstrip(b'\0')
    return content[:-1], content[-1], len(inner) - len(content), body[-how[3]:]


def new(suite, secrets, sides):
    how = make.TLS13[suite]
    for side in (0, 1):
        opened, done, at = -1, MOST, 0
        for header, body in sides[side]:
            if header[0] != 23:
                continue
            result = None
            while result is None:
                if opened >= 0:
                    try:
                        result = open13(how, key, iv, seq, header, body)
                        continue
                    except Exception:
                        if opened == 1:
                            return
                opened += 1
                key, iv = (expand_label(suite, False, secrets[side][opened], label, n)
                           for label, n in ((b'key', how[1]), (b'iv', 12)))
                seq, first = 0, True
            if first:
                keys_row(make.TLS1_3, suite, set(), b'', key, iv)
                first, done = False, 0
            if len(body) > LONGEST:
                done = MOST
            if done < MOST:
                content, inner, pad, tag = result
                record_row(seq, 23, 0x303, header, body, inner, content, pad, tag)
            done += 1
            seq += 1


def new_dtls(suite, secrets, sides):
    how = make.TLS13[suite]
    for side in (0, 1):
        for epoch in (2, 3):
            key, iv, sn = (expand_label(suite, True, secrets[side][epoch - 2], label, n)
                           for label, n in ((b'key', how[1]), (b'iv', 12), (b'sn', how[1])))
            keys_row(make.DTLS1_3, suite, set(), b'', key, iv)
            for header, body in sides[side]:
                if header[0] >> 5 != 1 or header[0] & 3 != epoch & 3 or len(body) > LONGEST:
                    continue
                mask = make.ecb('AES', sn, body[:16])
                n = 2 if header[0] & 8 else 1
                number = make.xor(header[1:1 + n], mask)
                header = header[:1] + number + header[1 + n:]
                seq = int.from_bytes(number, 'big')
                content, inner, pad, tag = open13(how, key, iv, seq, header, body)
                record_row(seq, 23, make.DTLS1_2, header, body, inner, content, pad, tag)


def capture(path, log):
    known = secrets_of(os.path.join(DATA, log))
    for dtls, data in flows(os.path.join(DATA, path)):
        sides = [list(records(dtls, d)) for d in data]
        ch, sh = hello(dtls, sides[0], 1), hello(dtls, sides[1], 2)
        if ch is None or sh is None:
            continue
        version, server_random, suite, extensions = read_server_hello(sh)
        randoms = (ch[2:34], server_random)
        print('#', path)
        if version in (make.TLS1_3, make.DTLS1_3):
            secrets = [[bytes.fromhex(known[f'{s}_{name}TRAFFIC_SECRET', randoms[0].hex()])
                        for name in ('HANDSHAKE_', '')] for s in ('CLIENT', 'SERVER')]
            (new_dtls if dtls else new)(suite, secrets, sides)
        else:
            master = bytes.fromhex(known['CLIENT_RANDOM', randoms[0].hex()])
            cbc = LIKE.get(suite, suite) in make.CBC
            flags = {'etm'} if 22 in extensions and cbc else set()
            old(dtls, version, suite, flags, master, randoms, sides)
        return
    sys.exit(f'{path}: no connection')


if __name__ == '__main__':
    with open(sys.argv[1] if len(sys.argv) > 1 else 'real-vectors.tsv', 'w') as out:
        sys.stdout = out
        print('# Written by make_real_vectors.py; rows as in verify-vectors.tsv. The captures and their')
        print('# licences: tests/data/CREDITS.md.')
        for c in CAPTURES:
            capture(*c)
