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
# The quick way, for builds that are slow: BADMAC_STRIDE=N takes every Nth capture.
STRIDE = int(os.environ.get("BADMAC_STRIDE", "1"))
WAYS = [("-j1", "openssl"), ("-j1", "auto"), ("-j2", "auto"), ("-j8", "auto"), ("-j2", "openssl"), ("-j8", "openssl")]


def report(args, way, stdin=None):
    argv = [judge.find_badmac(), "diagnose", "--format", "json", "--effort", "quick", way[0], "--crypto", way[1], *args]
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


def clean(case):
    return report(with_keys(case[1], case[2]), WAYS[0])[0] == 0


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


def classic_frames(capture):
    """Of an Ethernet pcap in this machine's order; none of others."""
    with open(capture, "rb") as f:
        data = f.read()
    out, off = [], 24
    if data[:4] == b"\xd4\xc3\xb2\xa1" and data[20:24] == b"\x01\0\0\0":
        while off + 16 <= len(data):
            n = int.from_bytes(data[off + 8:off + 12], "little")
            out.append(data[off + 16:off + 16 + n])
            off += 16 + n
    return out


def moved(frame, by):
    """The same between other addresses, with as right or wrong checksums."""
    if by == 0 or frame[12:15] != b"\x08\0\x45" or len(frame) < 54:
        return frame
    out = bytearray(frame)
    at = {6: 50, 17: 40}.get(frame[23])
    for word in (28, 32):
        old = int.from_bytes(out[word:word + 2], "big")
        new = (old + (by << 8)) & 0xffff
        out[word:word + 2] = new.to_bytes(2, "big")
        for field in (24, at):
            if field is None or (at == 40 and out[40:42] == b"\0\0" and field == 40):
                continue
            total = (~int.from_bytes(out[field:field + 2], "big") & 0xffff) + (~old & 0xffff) + new
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            out[field:field + 2] = (~total & 0xffff).to_bytes(2, "big")
    return bytes(out)


def merged(cases, times, seed):
    """The captures' frames in turn, a few of each at a time, each capture several times over."""
    rng = random.Random(seed)
    queues = [[moved(f, by * 3) for f in classic_frames(captures[0])] for _, captures, _ in cases for by in range(times)]
    queues = [q for q in queues if q]
    out = []
    while queues:
        q = rng.choice(queues)
        take = rng.randint(1, 20)
        out += q[:take]
        del q[:take]
        if not q:
            queues.remove(q)
    return out


def written(frames, first=0, gap=1000000):
    """A capture with a frame each microsecond and more (nanoseconds)."""
    head = b"\x4d\x3c\xb2\xa1\2\0\4\0" + bytes(8) + b"\0\0\4\0\1\0\0\0"
    out = [head]
    for i, f in enumerate(frames):
        ns = 1700000000 * 10**9 + (first + i) * gap
        out.append((ns // 10**9).to_bytes(4, "little") + (ns % 10**9).to_bytes(4, "little") + 2 * len(f).to_bytes(4, "little") + f)
    return b"".join(out)


def keys_of(cases):
    return sorted({k for _, _, logs in cases for k in logs})


def many(cases, gap, pieces):
    """Many connections at a time: shared out among threads where all are good, read by one where not."""
    frames = merged(cases, 6, gap)
    judge.want(len(frames) > 3000, "there are many: %d" % len(frames))
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for i in range(pieces):
            part = frames[len(frames) * i // pieces:len(frames) * (i + 1) // pieces]
            names.append(os.path.join(folder, "%d.pcap" % i))
            with open(names[-1], "wb") as f:
                f.write(written(part, len(frames) * i // pieces, gap))
        alike(with_keys(names, keys_of(cases)), WAYS[1:] if STRIDE == 1 else WAYS[3:4])


def spaced(frames, every):
    """With so many frames of no TCP in between that batches of frames begin in the midst of connections: only then
    there is something to be foreseen."""
    filler = [b"\xff" * 12 + b"\x08\x06" + bytes(28)] * 512
    return [f for i, frame in enumerate(frames) for f in (filler if i % every == 0 else []) + [frame]]


def in_batches(captures, keys):
    frames = classic_frames(captures[0])
    for every in (1, 5):
        with tempfile.NamedTemporaryFile() as f:
            f.write(written(spaced(frames[:120], every)))
            f.flush()
            alike(with_keys([f.name], keys), WAYS[1:3])


def summed(frame, partial=False):
    """With the TCP checksum of what it holds now, or what a host leaves to its card."""
    out, n = bytearray(frame), int.from_bytes(frame[16:18], "big") - 20
    out[50:52] = b"\0\0"
    pseudo = bytes(out[26:34]) + b"\0\x06" + n.to_bytes(2, "big")
    data = pseudo if partial else pseudo + bytes(out[34:34 + n]) + b"\0" * (n % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    out[50:52] = (total if partial else 0xffff - total).to_bytes(2, "big")
    return bytes(out)


def doubted(cases):
    """The right octets under a checksum that is doubted, and then wrong ones under a good one, which are those
    that count: what was foreseen of the first says nothing of the second."""
    tried = failed = 0
    for _, captures, keys in cases:
        frames = classic_frames(captures[0])
        full = [i for i, f in enumerate(frames) if f[12:15] == b"\x08\0\x45" and f[23] == 6 and
                int.from_bytes(f[16:18], "big") > 140 and len(f) == 14 + int.from_bytes(f[16:18], "big")]
        for i in full[-3:]:
            wrong = bytearray(frames[i])
            wrong[-30] ^= 1
            with tempfile.NamedTemporaryFile() as f:
                # So close to its end that it is complete with this one.
                bad = frames[:i] + spaced([summed(frames[i], True)], 1) + [summed(wrong)] + frames[i + 1:]
                f.write(written(bad))
                f.flush()
                alike(with_keys([f.name], keys), WAYS[1:3])
                failed += report(with_keys([f.name], keys), WAYS[0])[0] == 1
            tried += 1
    judge.want(tried > 50 and failed > 10, "%d tried, %d of them fail" % (tried, failed))


def main():
    tap = judge.Tap()
    cases = list(inputs())
    for n, (name, captures, keys) in list(enumerate(cases))[::STRIDE]:
        ways = [WAYS[1 + n % 5], WAYS[1 + (n + 2) % 5]]
        tap.case(name, alike, with_keys(captures, keys), ways)
    for name, captures, keys in cases[::20 * STRIDE]:
        for what, pack in (("gzip", gzip.compress), ("zstd", zstd)):
            tap.case(name + ", " + what, compressed, captures, keys, pack)
    for name, captures, keys in cases[::2 * STRIDE]:
        if classic_frames(captures[0]):
            tap.case(name + ", in batches", in_batches, captures, keys)
    if STRIDE == 1:
        tap.case("doubted octets first", doubted, cases)
    good = [c for c in cases if not c[0].startswith("damaged") and clean(c)]
    few_bad = good + [c for c in cases if c[0].startswith("damaged")][:2]
    # Gaps between frames so that connections end while others go on; or all at the end.
    for gap in (1000, 50000000):
        for pieces in (1, 3):
            tap.case("many good ones, %d ns, %d pieces" % (gap, pieces), many, good, gap, pieces)
    tap.case("many, few of them damaged", many, few_bad, 1000000, 1)
    if STRIDE == 1:
        tap.case("all there are", many, cases[::3], 1000, 1)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
