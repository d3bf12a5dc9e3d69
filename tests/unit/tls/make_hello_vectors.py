#!/usr/bin/env python3
"""Writes hello-vectors.tsv, start-vectors.tsv and datagram-vectors.tsv: the hellos in the captures of tests/data,
where TLS starts in their streams, and which handshake messages their datagrams hold, as tshark dissects them. Needs Python 3.8 and tshark 4.0."""
import glob
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, '..', '..', 'data')
EACH = 2            # hellos of one kind and capture
DATAGRAMS = 12      # of each direction
BEGINNING = 700     # octets kept of what follows the start of TLS


def tshark(path, *args):
    return subprocess.run(['tshark', '-n', '-o', 'tcp.reassemble_out_of_order:TRUE', '-r', path, *args],
                          check=False, capture_output=True, text=True).stdout


def pairs(path, condition):
    """Frames as nested lists of (key, value): keys repeat."""
    text = tshark(path, '-T', 'json', '-x', '-J', 'tls dtls', '-Y', condition)
    return json.loads(text, object_pairs_hook=list) if text.strip() else []


def walk(node):
    """Every (key, value) below node, with what belongs to an opaque value before the value."""
    if isinstance(node, list):
        for item in node:
            if isinstance(item, tuple):
                yield item
                yield from walk(item[1])
            elif isinstance(item, list):
                yield from walk(item)


def raw(value):
    while isinstance(value, list):
        value = value[0]
    return value


class Fields:
    def __init__(self, node):
        self.items = list(walk(node))

    def all(self, name):
        """Octets, in hex, of every field of that name."""
        wanted = re.compile(r'd?tls\.' + name + '_raw$')
        return [raw(v) for k, v in self.items if wanted.match(k)]

    def one(self, name):
        found = self.all(name)
        return found[0] if found else ''


def hellos(path):
    """(kind, message, Fields) of each hello."""
    condition = 'tls.handshake.type in {1,2} or dtls.handshake.type in {1,2}'
    for frame in pairs(path, condition):
        items = list(walk(frame))
        message = None
        for key, value in items:
            if key in ('tls.handshake_raw', 'dtls.handshake_raw'):
                message = raw(value)
            elif key in ('tls.handshake', 'dtls.handshake') and message is not None:
                f = Fields(value)
                kind = f.one(r'handshake\.type')
                dtls = key[0] == 'd'
                # Drafts up to 14 said 0x0304; tshark reads those as if they were RFC 8446.
                early = kind == '02' and f.one(r'handshake\.version') == '0304'
                if kind in ('01', '02') and whole(f, message, dtls) and not early:
                    body = message[24 if dtls else 8:]
                    yield {'01': 'client', '02': 'server'}[kind] + (' dtls' if dtls else ''), body, f
                message = None


def whole(f, message, dtls):
    header = 12 if dtls else 4
    return len(message) // 2 == header + int(f.one(r'handshake\.length'), 16)


def line(name, kind, body, f):
    client = kind.startswith('client')
    suites = f.all(r'handshake\.ciphersuite')
    alpn = f.all(r'handshake\.extensions_alpn_str')
    versions = f.all(r'handshake\.extensions\.supported_version')
    fields = [
        name, kind, body, f.one(r'handshake\.version'), f.one(r'handshake\.random'),
        f.one(r'handshake\.session_id'), ''.join(suites),
        '' if client else f.one(r'handshake\.comp_method'),
        f.one(r'handshake\.cookie') if client else '',
        ','.join(f.all(r'handshake\.extension\.type')), f.one(r'handshake\.extensions_server_name'),
        alpn[0] if alpn else '', ''.join(versions),
        f.one(r'handshake\.extensions\.psk\.identity\.identity') if client
        else f.one(r'handshake\.extensions\.psk\.identity\.selected'),
        f.one(r'record_size_limit'), f.one(r'handshake\.max_fragment_length'), f.one(r'connection_id'),
    ]
    return '\t'.join(x if x else '-' for x in fields)


def captures():
    for path in sorted(glob.glob(os.path.join(DATA, '**', '*'), recursive=True)):
        if re.search(r'\.(pcap|pcapng|cap|pcap\.gz)$', path) and 'damaged' not in path:
            yield os.path.relpath(path, DATA), path


def write_hellos():
    seen = set()
    with open(os.path.join(HERE, 'hello-vectors.tsv'), 'w', encoding='ascii') as out:
        out.write('# Made by make_hello_vectors.py. capture, kind, body, version, random, session id, suites,\n'
                  '# compression, cookie, extension types, server name, ALPN, supported versions, PSK identity,\n'
                  '# record size limit, max fragment length, connection id; - is empty\n')
        for name, path in captures():
            count = {}
            for kind, body, f in hellos(path):
                count[kind] = count.get(kind, 0) + 1
                # Hellos that differ only in their random and key share teach nothing new.
                shape = (kind, len(body), f.one(r'handshake\.version'),
                         ''.join(f.all(r'handshake\.ciphersuite'))[-40:],
                         ''.join(f.all(r'handshake\.extension\.type'))[-40:])
                if count[kind] <= EACH and shape not in seen:
                    seen.add(shape)
                    out.write(line(name, kind, body, f) + '\n')


def followed(path, stream):
    """The octets of both directions, client's (as tshark sees it) first."""
    text = tshark(path, '-q', '-z', f'follow,tcp,raw,{stream}')
    sides = ['', '']
    for row in text.splitlines():
        if re.fullmatch(r'\t?[0-9a-f]+', row):
            sides[row.startswith('\t')] += row.strip()
    return sides


def starts(path):
    """(octets, offset of the first record of TLS) of each direction."""
    rows = tshark(path, '-Y', 'tls.handshake.type == 1', '-T', 'fields', '-e', 'tcp.stream')
    for stream in sorted({int(x) for x in rows.split()}):
        sides = followed(path, stream)
        found = {}
        for frame in pairs(path, f'tcp.stream == {stream} and tls.record'):
            records = [raw(v) for k, v in walk(frame) if k == 'tls.record_raw']
            for record in records:
                for side in (0, 1):
                    at = sides[side].find(record)
                    if len(record) > 12 and at >= 0 and at % 2 == 0:
                        found[side] = min(at, found.get(side, at))
        for side in found:
            yield 'server' if side else 'client', sides[side], found[side]


def write_starts():
    with open(os.path.join(HERE, 'start-vectors.tsv'), 'w', encoding='ascii') as out:
        out.write('# Made by make_hello_vectors.py. capture, side, offset of TLS, beginning of the stream\n')
        for name, path in captures():
            taken = 0
            for side, octets, at in starts(path):
                interesting = at > 0 or 'frag' in name or 'duplicate' in name
                if interesting and taken < 4:
                    taken += 1
                    out.write(f'{name}\t{side}\t{at // 2}\t{octets[:at + 2 * BEGINNING]}\n')


def datagrams(path):
    """(side, payloads, messages in the clear that are complete) of each DTLS flow."""
    names = ['udp.stream', 'udp.srcport', 'udp.payload']
    names += ['dtls.handshake.' + x for x in
              ('type', 'message_seq', 'length', 'fragment_offset', 'fragment_length')]
    rows = tshark(path, '-Y', 'dtls', '-T', 'fields', *[x for n in names for x in ('-e', n)])
    flows = {}
    for row in rows.splitlines():
        stream, port, payload, *lists = row.split('\t')
        payloads, have, done = flows.setdefault((stream, port), ([], {}, []))
        if len(payloads) == DATAGRAMS:
            continue
        payloads.append(payload)
        for kind, seq, length, off, n in zip(*[x.split(',') if x else [] for x in lists]):
            key = (kind, seq, length)
            octets = have.setdefault(key, set())
            octets.update(range(int(off), int(off) + int(n)))
            if len(octets) == int(length) and key not in done:
                done.append(key)
    return flows


def write_datagrams():
    with open(os.path.join(HERE, 'datagram-vectors.tsv'), 'w', encoding='ascii') as out:
        out.write('# Made by make_hello_vectors.py. capture, messages (type:message_seq:length) in the order in\n'
                  '# which they become complete, datagrams of one direction\n')
        for name, path in captures():
            for payloads, _, done in datagrams(path).values():
                if done:
                    messages = ' '.join(':'.join(key) for key in done)
                    out.write(f'{name}\t{messages}\t{" ".join(payloads)}\n')


if __name__ == '__main__':
    write_hellos()
    write_starts()
    write_datagrams()
