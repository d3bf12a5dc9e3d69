#!/usr/bin/env python3
"""One report, whatever checks the records and however many threads do: the captures of tests/data, alone and all
in one, with each library and -j 1, 2 and 8, to the last octet. Run with a build that watches for races it is
their test too. Prints TAP."""
import gzip
import os
import random
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live")]
import judge  # noqa: E402

DATA = os.path.join(judge.ROOT, "tests", "data")
# Each in another way than the first: every library with every number of threads comes up in the end.
WAYS = [("-j1", "openssl"), ("-j1", "auto"), ("-j2", "auto"), ("-j8", "auto"), ("-j2", "openssl"), ("-j8", "openssl")]


def report(args, way, stdin=None):
    argv = [judge.find_badmac(), "diagnose", "--format", "json", "-v", way[0], "--crypto", way[1], *args]
    r = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if r.returncode < 0 or r.returncode > 3:
        raise judge.Mismatch("%s: exit %d: %s" % (way, r.returncode, r.stderr.decode("utf-8", "replace")[-3000:]))
    return r.returncode, r.stdout, r.stderr


def alike(args, ways, stdin=None):
    first = report(args, WAYS[0], stdin)
    judge.want(first[1] or first[0] == 2, "a report")
    for way in ways:
        judge.want(report(args, way, stdin) == first, "%s says something else than %s" % (way, WAYS[0]))


def inputs():
    with open(os.path.join(DATA, "expected.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                capture, keys = line.rstrip("\n").split("\t")[:2]
                yield capture, [os.path.join(DATA, capture)], [] if keys == "-" else [os.path.join(DATA, keys)]
    for folder, _, files in sorted(os.walk(os.path.join(DATA, "damaged"))):
        captures = sorted(f for f in files if f.endswith((".pcap", ".pcapng")))
        if "truth.json" in files and captures:
            keys = [os.path.join(folder, f) for f in sorted(files) if f in ("keys.log", "keys.pem")]
            yield os.path.relpath(folder, DATA), [os.path.join(folder, captures[0])], keys


def with_keys(captures, keys):
    return [a for k in keys for a in ("-k", k)] + captures


def compressed(captures, keys, pack):
    """What is unpacked by another thread, whole and cut off and broken, from a file and through a pipe."""
    with open(captures[0], "rb") as f:
        packed = pack(f.read())
    broken = bytearray(packed)
    broken[len(broken) * 2 // 3] ^= 0x55
    for data in (packed, packed[:len(packed) * 2 // 3], bytes(broken)):
        alike(with_keys(["-"], keys), WAYS[2:4], data)
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            alike(with_keys([f.name], keys), WAYS[2:4])


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def everything(cases):
    """Many connections at a time, some of them damaged, in the shuffled frames of all classic captures."""
    frames, keys = [], []
    for _, captures, logs in cases:
        with open(captures[0], "rb") as f:
            data = f.read()
        if data[:4] != b"\xd4\xc3\xb2\xa1" or data[20:24] != b"\x01\0\0\0":
            continue
        off, mine = 24, []
        while off + 16 <= len(data):
            n = int.from_bytes(data[off + 8:off + 12], "little")
            mine.append(data[off:off + 16 + n])
            off += 16 + n
        frames.append(mine)
        keys += [k for k in logs if k not in keys]
    rng = random.Random(3)
    out = []
    while frames:
        mine = rng.choice(frames)
        take = rng.randint(1, 40)
        out += mine[:take]
        del mine[:take]
        frames = [f for f in frames if f]
    judge.want(len(out) > 5000, "there are many: %d" % len(out))
    with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
        f.write(b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(8) + b"\0\0\4\0\1\0\0\0" + b"".join(out))
        f.flush()
        alike(with_keys([f.name], keys), WAYS[1:])


def main():
    tap = judge.Tap()
    cases = list(inputs())
    for n, (name, captures, keys) in enumerate(cases):
        ways = [WAYS[1 + n % 5], WAYS[1 + (n + 2) % 5]]
        tap.case(name, alike, with_keys(captures, keys), ways)
    for name, captures, keys in cases[::20]:
        for what, pack in (("gzip", gzip.compress), ("zstd", zstd)):
            tap.case(name + ", " + what, compressed, captures, keys, pack)
    tap.case("all in one", everything, cases)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
