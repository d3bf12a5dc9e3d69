#!/usr/bin/env python3
"""Holds the streams that the flow table puts together against those of tshark.

    streams.py STREAMS FILE-OR-FOLDER...

STREAMS is the built tcp-streams. A connection is compared by its addresses and its place among those
with the same ones. Where either side lacks bytes the two say so in different ways, and where copies
differ they may choose differently: such directions are counted and named, not compared."""
import os, subprocess, sys
from collections import Counter, defaultdict


def ours(program, name):
    done = subprocess.run([program, name], capture_output=True, text=True)
    flows = defaultdict(list)
    for line in done.stdout.splitlines():
        flow, src, dst, gaps, differing, *data = line.split(' ')
        flows[int(flow)].append((src, dst, int(gaps), int(differing), data[0] if data else ''))
    return [flows[i] for i in sorted(flows)] if done.returncode == 0 else None


def theirs(name):
    """(node 0, node 1, bytes from node 0, bytes from node 1) of each stream."""
    options = ['-n', '-o', 'tcp.check_checksum:TRUE', '-o', 'tcp.desegment_tcp_streams:FALSE']
    ids = subprocess.run(['tshark', '-r', name, '-T', 'fields', '-e', 'tcp.stream'] + options,
                         capture_output=True, text=True).stdout.split()
    count = max((int(x.split(',')[-1]) for x in ids), default=-1) + 1
    streams = []
    for first in range(0, count, 200):
        command = ['tshark', '-q', '-r', name] + options
        for i in range(first, min(first + 200, count)):
            command += ['-z', f'follow,tcp,raw,{i}']
        text = subprocess.run(command, capture_output=True, text=True).stdout
        for part in text.split('Follow: tcp,raw')[1:]:
            lines = part.splitlines()
            nodes = [x.split(': ', 1)[1] for x in lines if x.startswith('Node ')]
            data = [x for x in lines if x and not x.startswith(('Filter', 'Node', '=', '\tNode'))]
            streams.append((nodes[0], nodes[1], ''.join(x for x in data if not x.startswith('\t')),
                            ''.join(x[1:] for x in data if x.startswith('\t'))))
    return streams


MISSING = '6279746573206d697373696e6720696e20636170747572652066696c65'  # "bytes missing in capture file"


def compare(program, name, count):
    mine = ours(program, name)
    if mine is None:
        count['not read'] += 1
        return
    places = defaultdict(list)
    for node0, node1, data0, data1 in theirs(name):
        places[frozenset((node0, node1))].append({node0: data0, node1: data1})
    turn = Counter()
    for flow in mine:
        key = frozenset((flow[0][0], flow[1][0]))
        nth = turn[key]
        turn[key] += 1
        if nth >= len(places[key]):
            if any(x[4] for x in flow):
                count['connections that tshark joins or lacks'] += 1
            continue
        for src, dst, gaps, differing, data in flow:
            want = places[key][nth][src]
            if gaps or MISSING in want:
                count['directions with gaps'] += 1
            elif data == want:
                count['directions equal'] += 1
                count['bytes equal'] += len(data) // 2
            elif differing:
                count['directions with copies that differ'] += 1
            else:
                count['directions DIFFER'] += 1
                at = next((i for i, (a, b) in enumerate(zip(data, want)) if a != b), min(len(data), len(want)))
                print(f'{name}: {src} > {dst}: {len(data) // 2} bytes, tshark {len(want) // 2}, '
                      f'first difference at {at // 2}')


def main():
    count = Counter()
    for arg in sys.argv[2:]:
        files = [arg]
        if os.path.isdir(arg):
            files = [os.path.join(d, f) for d, _, fs in sorted(os.walk(arg)) for f in sorted(fs)
                     if '.pcap' in f]
        for name in files:
            count['files'] += 1
            compare(sys.argv[1], name, count)
    for what, n in sorted(count.items()):
        print(f'{n:10} {what}')
    return 1 if count['directions DIFFER'] else 0


if __name__ == '__main__':
    sys.exit(main())
