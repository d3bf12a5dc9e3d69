#!/usr/bin/env python3
"""Holds what the packet decoder says of each frame of captures against tshark: transport, addresses,
ports, sequence and acknowledgement numbers, flags, window, payload length, TTL, checksum.

    packets.py SEGMENTS FILE-OR-FOLDER...
    packets.py --counts FILE-OR-FOLDER...

SEGMENTS is the built packet-segments. With --counts it only writes, for the unit test of real captures,
what tshark says of each file. Every difference is printed; the exit status is 1 when there
was one. Files that neither can open are named. Where the two are known to disagree on purpose,
the difference is counted by its reason and the reasons are printed at the end."""
import ipaddress, os, subprocess, sys
from collections import Counter

FIELDS = ['frame.number', 'ip.version', 'ip.src', 'ip.dst', 'ipv6.version', 'ipv6.src', 'ipv6.dst', 'ip.ttl',
          'ipv6.hlim', 'tcp.srcport', 'tcp.dstport', 'tcp.seq_raw', 'tcp.ack_raw', 'tcp.flags',
          'tcp.window_size_value', 'tcp.len', 'tcp.checksum', 'tcp.checksum.status', 'udp.srcport',
          'udp.dstport', 'udp.length', 'udp.checksum', 'udp.checksum.status', 'frame.protocols',
          'ip.proto', '_ws.malformed']
OPTIONS = ['-o', 'tcp.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'ip.defragment:TRUE',
           '-o', 'ipv6.defragment:TRUE', '-o', 'tcp.desegment_tcp_streams:FALSE', '-o',
           'tcp.analyze_sequence_numbers:FALSE', '-d', 'udp.port==8472,vxlan']


def tshark(name):
    """Frame number to (transport, fields) of the innermost TCP or UDP header that tshark shows."""
    command = ['tshark', '-n', '-r', name, '-T', 'fields', '-E', 'occurrence=l'] + OPTIONS
    for f in FIELDS:
        command += ['-e', f]
    done = subprocess.run(command, capture_output=True, text=True)
    frames = {}
    for line in done.stdout.splitlines():
        v = dict(zip(FIELDS, line.split('\t')))
        frames[int(v['frame.number'])] = v
    return frames, done.returncode


def transport(v):
    """The innermost of the two that really is the frame's own (not quoted by an ICMP message)."""
    names = v['frame.protocols'].split(':')
    for quoted in ('icmp', 'icmpv6'):
        if quoted in names:
            names = names[:names.index(quoted)]
    for name in reversed(names):
        if name in ('tcp', 'udp'):
            return name
        if name in ('ip', 'ipv6', 'eth'):
            return None  # a tunnel that carries something else
    return None


def innermost_ip(v):
    names = [n for n in v['frame.protocols'].split(':') if n in ('ip', 'ipv6')]
    return names[-1] if names else None


def number(text, base=10):
    return int(text, base) if text else None


def expected(v):
    t = transport(v)
    if t is None:
        return None
    ip = innermost_ip(v)
    src, dst, ttl = (v['ip.src'], v['ip.dst'], v['ip.ttl']) if ip == 'ip' else (
        v['ipv6.src'], v['ipv6.dst'], v['ipv6.hlim'])
    out = {'transport': t, 'src': ipaddress.ip_address(src).packed.hex() if src else None,
           'dst': ipaddress.ip_address(dst).packed.hex() if dst else None, 'ttl': number(ttl),
           'sport': number(v[t + '.srcport']), 'dport': number(v[t + '.dstport']),
           'field': number(v[t + '.checksum'], 16), 'status': v[t + '.checksum.status']}
    if t == 'tcp':
        out.update(seq=number(v['tcp.seq_raw']), ack=number(v['tcp.ack_raw']),
                   flags=number(v['tcp.flags'], 16), window=number(v['tcp.window_size_value']),
                   len=number(v['tcp.len']))
        if out['flags'] is not None:
            out['flags'] &= 0xff
    elif v['udp.length']:
        out['len'] = max(0, number(v['udp.length']) - 8)
    return out


NAMES = ['packet', 'transport', 'src', 'sport', 'dst', 'dport', 'seq', 'ack', 'flags', 'window', 'len',
         'captured', 'ttl', 'field', 'checksum', 'tunnel', 'pieces']
STATUS = {'valid': '1', 'invalid': '0', 'offloaded': '0'}


def ours(program, name):
    done = subprocess.run([program, name], capture_output=True, text=True)
    frames = {}
    for line in done.stdout.splitlines():
        v = dict(zip(NAMES, line.split('\t')))
        for k in NAMES:
            if k not in ('transport', 'src', 'dst', 'checksum'):
                v[k] = int(v[k])
        frames[v['packet']] = v
    return frames, done.returncode, done.stderr.strip()


def excuse(want, got, found, frame):
    """Why the two may differ, or None."""
    names = frame['frame.protocols'].split(':')
    if got is None and (want['sport'] is None or want.get('len') is None):
        return 'tshark shows a header that is not all there'
    if got is None and frame['_ws.malformed']:
        return 'malformed for tshark as well'
    if want is None and 'mpls' in names and names[-1] == 'data':
        return 'tshark takes the Ethernet header of a pseudowire for something else'
    if want is None and names[-1] == 'mipv6':
        return 'tshark goes no further than a mobility header'
    if got and want and 'ipv6.routing' in names and all(f.startswith('dst ') for f in found):
        return 'the destination is the end of the route, tshark shows the next stop'
    return None


def differences(want, got, frame):
    if want is None or got is None:
        if want != got:
            return ['only %s has it' % ('tshark' if got is None else 'badmac')]
        return []
    out = []
    for k in ('transport', 'src', 'sport', 'dst', 'dport', 'ttl', 'field', 'seq', 'ack', 'flags', 'window',
              'len'):
        if want.get(k) is not None and want[k] != got[k]:
            out.append('%s %s, tshark %s' % (k, got[k], want[k]))
    status = STATUS.get(got['checksum'])
    if (status or '-') != (want['status'] if want['status'] in '01' else '-'):
        out.append('checksum %s, tshark %s' % (got['checksum'], want['status']))
    return out


def compare(program, name, reasons):
    mine, rc, stats = ours(program, name)
    theirs, tshark_rc = tshark(name)
    if rc != 0 and not theirs:
        print('%s: neither opens it' % name)
        return 0, 0
    bad = 0
    for n, frame in sorted(theirs.items()):
        want, got = expected(frame), mine.pop(n, None)
        found = differences(want, got, frame)
        if not found:
            continue
        why = excuse(want, got, found, frame)
        if why:
            reasons[why] += 1
            continue
        bad += 1
        if bad <= 5:
            print('%s frame %d (%s): %s' % (name, n, frame['frame.protocols'], '; '.join(found)))
    if mine:
        bad += len(mine)
        print('%s: frames that tshark does not have: %s' % (name, sorted(mine)[:5]))
    if bad or rc != 0 or tshark_rc != 0:
        print('%s: %d of %d frames differ, exit %d and %d; %s' % (name, bad, len(theirs), rc, tshark_rc, stats))
    return bad + (rc != 0), len(theirs)


def captures(places):
    for place in places:
        if os.path.isfile(place):
            yield place
        for folder, _, names in sorted(os.walk(place)):
            for name in sorted(names):
                if name.split('.')[-1] in ('pcap', 'pcapng', 'cap', 'gz', 'zst', 'pcap-ng', 'dmp'):
                    yield os.path.join(folder, name)


def counts(name):
    """Frames, segments, TCP segments, octets of payload, checksums right, wrong, not judged."""
    frames, _ = tshark(name)
    found = [e for e in map(expected, frames.values()) if e is not None]
    status = Counter(e['status'] for e in found)
    print('%s: %d, %d, %d, %d, %d, %d, %d' % (
        name, len(frames), len(found), sum(e['transport'] == 'tcp' for e in found),
        sum(e.get('len') or 0 for e in found), status['1'], status['0'],
        len(found) - status['1'] - status['0']))


def main():
    if sys.argv[1] == '--counts':
        for name in captures(sys.argv[2:]):
            counts(name)
        return 0
    reasons, bad, frames, files = Counter(), 0, 0, 0
    for name in captures(sys.argv[2:]):
        b, n = compare(sys.argv[1], name, reasons)
        bad, frames, files = bad + b, frames + n, files + 1
    for why, n in reasons.items():
        print('excused, %d: %s' % (n, why))
    print('%d files, %d frames, %d differences' % (files, frames, bad))
    return 1 if bad or not files else 0


if __name__ == '__main__':
    sys.exit(main())
