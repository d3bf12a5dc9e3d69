#!/usr/bin/env python3
"""Writes schedule-vectors.tsv: what OpenSSL's KDFs say of pseudo-random inputs, and for SSL 3.0,
which they leave out, what hashlib says. Needs Python 3.8 and the openssl command, 3.0 or later."""
import hashlib
import random
import subprocess
import sys

rng = random.Random(5246)

# suite: key octets, fixed IV octets (CBC: block), MAC octets, hash of the TLS 1.2 PRF or HKDF
OLD = {
    0x0002: (0, 0, 20, 'SHA256'),    # TLS_RSA_WITH_NULL_SHA
    0x0004: (16, 0, 16, 'SHA256'),   # TLS_RSA_WITH_RC4_128_MD5
    0x0005: (16, 0, 20, 'SHA256'),   # TLS_RSA_WITH_RC4_128_SHA
    0x0007: (16, 8, 20, 'SHA256'),   # TLS_RSA_WITH_IDEA_CBC_SHA
    0x0009: (8, 8, 20, 'SHA256'),    # TLS_RSA_WITH_DES_CBC_SHA
    0x000a: (24, 8, 20, 'SHA256'),   # TLS_RSA_WITH_3DES_EDE_CBC_SHA
    0x0035: (32, 16, 20, 'SHA256'),  # TLS_RSA_WITH_AES_256_CBC_SHA
    0x0096: (16, 16, 20, 'SHA256'),  # TLS_RSA_WITH_SEED_CBC_SHA
}
TLS12 = {
    0x003d: (32, 0, 32, 'SHA256'),   # TLS_RSA_WITH_AES_256_CBC_SHA256
    0x009c: (16, 4, 0, 'SHA256'),    # TLS_RSA_WITH_AES_128_GCM_SHA256
    0x009d: (32, 4, 0, 'SHA384'),    # TLS_RSA_WITH_AES_256_GCM_SHA384
    0x00b9: (0, 0, 48, 'SHA384'),    # TLS_RSA_PSK_WITH_NULL_SHA384
    0xc028: (32, 0, 48, 'SHA384'),   # TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384
    0xc09d: (32, 4, 0, 'SHA256'),    # TLS_RSA_WITH_AES_256_CCM
    0xc0a0: (16, 4, 0, 'SHA256'),    # TLS_RSA_WITH_AES_128_CCM_8
    0xcca8: (32, 12, 0, 'SHA256'),   # TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
}
TLS13 = {
    0x1301: (16, 'SHA256', 32), 0x1302: (32, 'SHA384', 48), 0x1303: (32, 'SHA256', 32),
    0x1304: (16, 'SHA256', 32), 0x1305: (16, 'SHA256', 32), 0x00c6: (16, 'SM3', 32),
    0x00c7: (16, 'SM3', 32),
}
SSL3, TLS1_0, TLS1_1, TLS1_2, TLS1_3 = 0x300, 0x301, 0x302, 0x303, 0x304
DTLS1_0, DTLS1_2, DTLS1_3 = 0xfeff, 0xfefd, 0xfefc


def openssl(name, size, **options):
    args = ['openssl', 'kdf', '-binary', '-keylen', str(size)]
    for key, value in options.items():
        args += ['-kdfopt', f'{key}:{value}']
    return subprocess.run(args + [name], check=True, capture_output=True).stdout


def prf(digest, secret, label, seed, size):
    # OpenSSL takes no empty secret.
    return openssl('TLS1-PRF', size, digest=digest, hexsecret=secret.hex(),
                   hexseed=(label.encode() + seed).hex())


def expand_label(digest, secret, dtls, label, size):
    return openssl('TLS13-KDF', size, mode='EXPAND_ONLY', digest=digest, hexkey=secret.hex(),
                   hexprefix=(b'dtls13' if dtls else b'tls13 ').hex(), hexlabel=label.encode().hex(),
                   hexdata='')


def ssl3(secret, first, second, size):
    out = b''
    for i in range(26):
        salt = bytes([ord('A') + i]) * (i + 1)
        inner = hashlib.sha1(salt + secret + first + second).digest()
        out += hashlib.md5(secret + inner).digest()
    return out[:size]


def old_digest(version, digest):
    return digest if version in (TLS1_2, DTLS1_2) else 'MD5-SHA1'


def session_hash(digest, transcript):
    if digest == 'MD5-SHA1':
        return hashlib.md5(transcript).digest() + hashlib.sha1(transcript).digest()
    return hashlib.new(digest, transcript).digest()


def line(*fields):
    print('\t'.join(f if isinstance(f, str) else f.hex() if f else '-' for f in fields))


def block(version, suite, facts):
    key, iv, mac, digest = facts
    premaster = rng.randbytes(rng.choice([32, 48, 48, 49, 65, 97, 128, 256]))
    client, server = rng.randbytes(32), rng.randbytes(32)
    transcript = rng.randbytes(rng.randrange(1, 300))
    digest = old_digest(version, digest)
    if mac and version in (TLS1_1, TLS1_2, DTLS1_0, DTLS1_2):
        iv = 0
    size = 2 * (key + iv + mac)
    if version == SSL3:
        master = ssl3(premaster, client, server, 48)
        extended = b''
        keys = ssl3(master, server, client, size)
    else:
        master = prf(digest, premaster, 'master secret', client + server, 48)
        extended = prf(digest, premaster, 'extended master secret',
                       session_hash(digest, transcript), 48)
        keys = prf(digest, master, 'key expansion', server + client, size)
    parts = []
    for length in (mac, mac, key, key, iv, iv):
        parts.append(keys[:length])
        keys = keys[length:]
    line('block', f'{version:04x}', f'{suite:04x}', premaster, client, server, master, transcript,
         extended, *parts)


def main():
    print('# Written by make_schedule_vectors.py.')
    print('# prf hash secret label seed output')
    print('# block version suite premaster client_random server_random master transcript')
    print('#   extended_master, then MAC, key, IV of client and server')
    print('# secret version suite secret key iv number_key next_secret')
    for digest in ('MD5-SHA1', 'SHA256', 'SHA384', 'SM3'):
        for size in (1, 2, 12, 16, 20, 31, 32, 33, 47, 48, 49, 96, 97, 200):
            secret = rng.randbytes(rng.choice([1, 2, 3, 47, 48, 63, 64, 65, 127, 128, 129, 131, 300]))
            seed = rng.randbytes(rng.randrange(0, 100))
            label = rng.choice(['master secret', 'key expansion', 'client finished', 'x'])
            line('prf', digest, secret, label, seed, prf(digest, secret, label, seed, size))
    for suite, facts in OLD.items():
        for version in (SSL3, TLS1_0, TLS1_1, TLS1_2, DTLS1_0, DTLS1_2):
            block(version, suite, facts)
    for suite, facts in TLS12.items():
        for version in (TLS1_2, DTLS1_2):
            block(version, suite, facts)
    for suite, (key, digest, hash_size) in TLS13.items():
        for version in (TLS1_3, DTLS1_3):
            dtls = version == DTLS1_3
            secret = rng.randbytes(hash_size)
            line('secret', f'{version:04x}', f'{suite:04x}', secret,
                 expand_label(digest, secret, dtls, 'key', key),
                 expand_label(digest, secret, dtls, 'iv', 12),
                 expand_label(digest, secret, dtls, 'sn', key) if dtls else b'',
                 expand_label(digest, secret, dtls, 'traffic upd', hash_size))


if __name__ == '__main__':
    sys.exit(main())
