"""Reports for a store: of the captures of tests/data, whole and in pieces, and made up from one of them.
Knows docs/OUTPUT.md; refuses to know what a store makes of them."""
import concurrent.futures
import copy
import glob
import hashlib
import json
import os
import random

import judge

DAMAGED = os.path.join(judge.ROOT, "tests", "data", "damaged")
OVERLAP = 6  # packets that two pieces of a rotated capture have in common


def folders():
    found = sorted(os.path.dirname(p) for p in glob.glob(os.path.join(DAMAGED, "**", "receiver.pcap"), recursive=True))
    assert len(found) > 70, found
    return found


def pieces(data):
    """A capture in two, which overlap."""
    frames, off = [], 24
    while off < len(data):
        n = int.from_bytes(data[off + 8:off + 12], "little")
        frames.append(data[off:off + 16 + n])
        off += 16 + n
    middle = len(frames) // 2
    return [data[:24] + b"".join(frames[:middle + OVERLAP]), data[:24] + b"".join(frames[middle:])]


def of_data(to):
    """(folder, kind, path of the JSON report) of every damaged capture, both ends, with keys and without, and of pieces of it
    with keys."""
    jobs = []
    for folder in folders():
        name = os.path.relpath(folder, DAMAGED).replace(os.sep, "-")
        keys = [os.path.join(folder, "keys.log")]
        receiver, sender = (os.path.join(folder, s + ".pcap") for s in ("receiver", "sender"))
        jobs += [(folder, "receiver", receiver, keys, name), (folder, "keyless", receiver, [], name)]
        if os.path.exists(sender):
            jobs.append((folder, "sender", sender, keys, name))
        with open(receiver, "rb") as f:
            for i, piece in enumerate(pieces(f.read())):
                path = os.path.join(to, "%s-%d.pcap" % (name, i))
                with open(path, "wb") as out:
                    out.write(piece)
                jobs.append((folder, "piece%d" % i, path, keys, name))

    def one(job):
        folder, kind, capture, keys, name = job
        _, report, _ = judge.diagnose(capture, keys, args=["--effort", "quick", "-j", "1"])
        return folder, kind, write(os.path.join(to, "%s-%s.json" % (name, kind)), report)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, jobs))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def report_of(path):
    return json.loads(read(path))


def write(path, report):
    """As badmac writes it: a connection a line."""
    with open(path, "w", encoding="ascii") as f:
        f.write('{"schema": "badmac.diagnosis.v1", "redacted": null,\n"connections": [')
        f.write(("\n" + ",\n".join(json.dumps(c) for c in report["connections"]) + "\n],\n")
                if report["connections"] else "],\n")
        f.write('"summary": %s}\n' % json.dumps(report["summary"]))
    return path


class Maker:
    """Connections after the model of a real one, each another one."""

    def __init__(self, report, seed):
        self.model = copy.deepcopy(next(c for c in report["connections"] if c["failures"]))
        self.summary = report["summary"]
        self.rng = random.Random(seed)
        self.n = 0

    def connection(self, failing=True, client=None, server="203.0.113.9:443", suite=None, hour=12, day=1, bit=None, at=None,
                   one_to_zero=None, name=None, capture="made.pcap"):
        c = copy.deepcopy(self.model)
        self.n += 1
        c["id"] = self.n - 1
        c["client"] = "%s:%d" % (client or "198.51.100.%d" % self.rng.randint(1, 250), 1024 + self.n % 60000)
        c["server"] = server
        c["server_name"], c["capture"] = name, capture
        c["client_random"] = hashlib.sha256(b"%d %d" % (self.n, self.rng.getrandbits(64))).hexdigest()
        c["first_time"] = "2026-03-%02dT%02d:%02d:%02d.%09dZ" % (day, hour, self.rng.randint(0, 58), self.rng.randint(0, 59),
                                                               self.rng.randint(0, 999999999))
        c["last_time"] = c["first_time"][:14] + "59" + c["first_time"][16:]
        c["cipher_suite"] = suite or c["cipher_suite"]
        if not failing:
            c["failures"], c["alerts"], c["result"] = [], [], "verified"
            for side in c["records"].values():
                side["failed"] = 0
            return c
        f = c["failures"][0]
        f["length"] = 16413
        at = self.rng.randint(5, 16000) if at is None else at
        mask = 1 << (self.rng.randint(0, 7) if bit is None else bit)
        sent = self.rng.randint(0, 255)
        if one_to_zero is not None:
            sent = sent | mask if one_to_zero else sent & ~mask & 255
        f["damage"] = [{"record_offset": at, "stream_offset": 40000 + at + self.rng.randint(0, 9999), "length": 1, "packet": 7,
                        "packet_offset": self.rng.randint(66, 1500), "received": "%02x" % (sent ^ mask), "sent": "%02x" % sent}]
        f["stream_offset"] = f["damage"][0]["stream_offset"] - at
        return c

    def report(self, connections):
        s = copy.deepcopy(self.summary)
        s["connections"], s["packets"] = len(connections), 1000 + self.rng.getrandbits(40)
        s["result"] = "failed" if any(c["failures"] for c in connections) else "verified"
        return {"schema": "badmac.diagnosis.v1", "redacted": None, "connections": connections, "summary": s}
