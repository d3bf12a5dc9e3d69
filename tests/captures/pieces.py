"""A capture in pieces: what a report says of packets holds in the files they stand in, and the commands that it prints run as
printed. Knows pcap, pcapng and gzip; the frames and the ways to diagnose are test_places.py's."""
import gzip
import json
import os
import re
import shlex
import shutil
import struct
import subprocess

import judge

WRONG_SECRET = "CLIENT_RANDOM 50e731d038d05540f1aa6d49b553450b82a4e09e47f3dd1fee79a65bccd70490 " + "ab" * 48 + "\n"
# What stands in Wireshark's filters.
FILTER = re.compile(r"^in Wireshark, packets? (?:\d+ )?of (.*?), (?:at offset \d+ \(0x[0-9a-f]+\) of its bytes; )?"
                    r"display filter: `frame\.number (?:== (\d+)|in \{([^}]*)\})`$")


def want(condition, *what):
    if not condition:
        raise judge.Mismatch(" ".join(str(w) for w in what))


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(path, frames):
    with open(path, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 262144)))
        for x in frames:
            raw = x.raw()
            f.write(block(6, struct.pack("<IIIII", 0, x.ts_us >> 32, x.ts_us & 0xffffffff, len(raw), len(raw)) + raw))
    return path


def gzipped(path, frames, store):
    store(path, frames)
    with open(path, "rb") as f:
        plain = f.read()
    with gzip.open(path, "wb") as f:
        f.write(plain)
    return path


def numbers(single, several):
    """The packets that a display filter is for."""
    if single:
        return [int(single)]
    out = []
    for part in several.split(", "):
        ends = [int(n) for n in part.split("..")]
        out += range(ends[0], ends[-1] + 1)
    return out


class Pieces:
    """places: what diagnoses, and has a folder. load, store, cut: of test_places.py."""

    def __init__(self, places, badmac, data, load, store, cut):
        self.places, self.badmac, self.data, self.load, self.store, self.cut = places, badmac, data, load, store, cut
        self.dir = os.path.join(places.dir.name, "it's in pieces")
        os.mkdir(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def typed(self, command, stdin=None):
        """A command as it is printed, in the folder of the pieces: exit status, standard output and error."""
        here = dict(os.environ, PATH=os.path.dirname(os.path.abspath(self.badmac)) + ":" + os.environ["PATH"])
        r = subprocess.run(["sh", "-c", command], cwd=self.dir, env=here, input=stdin, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def diagnose(self, form, *args, stdin=None):
        """Run in the folder of the pieces, so that they have short names."""
        r = subprocess.run([os.path.abspath(self.badmac), "diagnose", "--format", form, *args], cwd=self.dir, input=stdin,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        want(r.returncode in (0, 1, 3), r.returncode, r.stderr[-500:])
        return json.loads(r.stdout) if form == "json" else r.stdout.decode()

    def frames(self, suite, who="receiver"):
        """A capture in which the damaged record stands in two segments, and where between them the second begins."""
        folder = os.path.join(self.data, suite, "bitflip")
        frames = self.load(os.path.join(folder, who + ".pcap"))
        report = self.places.diagnose("-k", os.path.join(folder, "keys.log"), os.path.join(folder, "receiver.pcap"))
        shutil.copy(os.path.join(folder, "keys.log"), self.path("KEYS"))
        if who == "receiver":
            at = report["connections"][0]["failures"][0]["packets"][0]
            return frames[:at - 1] + self.cut([frames[at - 1]], 900) + frames[at:], at
        return frames, len(frames) // 2

    def split(self, frames, at, names=("one of them.pcap", "two,(of.pcapng", "three.pcap.gz")):
        """At the seam within the record, and five packets on: three pieces in three formats."""
        parts = frames[:at], frames[at:at + 5], frames[at + 5:]
        self.store(self.path(names[0]), parts[0])
        pcapng(self.path(names[1]), parts[1])
        gzipped(self.path(names[2]), parts[2], self.store)
        return list(names), dict(zip(names, parts))

    def told(self, report, names, parts):
        """The captures that were read are listed, and by them each packet is found in its piece."""
        told = report["summary"]["captures"]
        want([c["name"] for c in told] == names, told)
        want({c["capture"] for c in told} == {names[0]}, told)
        at = 1
        for c in told:
            want((c["first_packet"], c["packets"]) == (at, len(parts[c["name"]])), told)
            at += c["packets"]
        return lambda n: next((c["name"], n - c["first_packet"] + 1) for c in told
                              if 0 <= n - c["first_packet"] < c["packets"])

    def straddling(self, suite):
        """A damaged record whose two segments stand in two pieces of two formats."""
        frames, at = self.frames(suite)
        names, parts = self.split(frames, at)
        whole = self.places.diagnose("-k", self.path("KEYS"), self.store(self.path("whole.pcap"), frames))
        want("captures" not in whole["summary"], whole["summary"])
        report = self.diagnose("json", "-k", "KEYS", names[1], names[2], names[0])
        place = self.told(report, names, parts)
        [c], [d] = report["connections"], whole["connections"]
        [f], [g] = c["failures"], d["failures"]
        want(f["packets"] == [at, at + 1] and {k: f[k] for k in ("packets", "damage", "proof", "cause", "stream_offset")} ==
             {k: g[k] for k in ("packets", "damage", "proof", "cause", "stream_offset")}, f, g)
        alert = c["alerts"][0]["packet"]
        name, own = place(alert)
        want("packet %d (%d of %s): the server reports bad_record_mac" % (alert, own, name) in f["evidence"], f["evidence"])
        shown = []
        for line in f["next_steps"]:
            m = FILTER.match(line)
            if m:
                shown += [parts[m.group(1)][n - 1].raw() for n in numbers(*m.groups()[1:])]
        want(shown == [frames[n - 1].raw() for n in f["packets"]], f["next_steps"])
        text = " ".join(self.diagnose("text", "-k", "KEYS", *names).split())
        for said in ("seen in one of 3 pieces, of which the first is %s" % names[0],
                     "packets %d (%d of %s), %d (1 of %s)" % (at, at, names[0], at + 1, names[1]),
                     "packet %d (%d of %s), encrypted" % (alert, own, name),
                     "record offset 205, packet %d (%d of %s) at byte 271" % (at, at, names[0])):
            want(said in text, said, text)
        self.proves(report)

    def proves(self, report, stdin=None):
        """All captures that the report lists, as a shell takes them, prove it; each one is needed."""
        with open(self.path("report.json"), "w", encoding="ascii") as out:
            json.dump(report, out)
        words = ["-" if c["name"] == "standard input" else shlex.quote(c["name"]) for c in report["summary"]["captures"]]
        code, out, err = self.typed("badmac prove report.json %s -k KEYS" % " ".join(words), stdin)
        want(code == 0 and out.startswith("HOLDS: of 1 proof 1 holds"), code, out, err)
        for w in words:
            code, out, err = self.typed("badmac prove report.json %s -k KEYS" % " ".join(x for x in words if x != w),
                                        stdin if w != "-" else None)
            want(code in (1, 3), "without", w, code, out, err)

    def by_a_pipe(self, suite):
        """One piece comes by standard input, and another cannot be looked at before it."""
        frames, at = self.frames(suite)
        names, parts = self.split(frames, at)
        with open(self.path(names[1]), "rb") as f:
            piped = f.read()
        report = self.diagnose("json", "-k", "KEYS", names[0], "-", names[2], stdin=piped)
        parts["standard input"] = parts[names[1]]
        self.told(report, [names[0], "standard input", names[2]], parts)
        [f] = report["connections"][0]["failures"]
        want(f["packets"] == [at, at + 1], f["packets"])
        want(any(line.startswith("in Wireshark, packet 1 of standard input, ") for line in f["next_steps"]), f["next_steps"])
        self.proves(report, piped)

    def both_places(self, suite):
        """Two places, each in pieces: what the other holds is told with its own piece."""
        frames, at = self.frames(suite)
        names, _ = self.split(frames, at)
        good, half = self.frames(suite, "sender")
        sent = ["good one.pcap", "good two.pcap"]
        for name, part in zip(sent, (good[:half], good[half:])):
            self.store(self.path(name), part)
        report = self.diagnose("json", "-k", "KEYS", *names, *sent)
        told = {c["name"]: c for c in report["summary"]["captures"]}
        want(set(told) == {*names, *sent}, told)
        want({told[n]["capture"] for n in names} == {names[0]} and {told[n]["capture"] for n in sent} == {sent[0]}, told)
        [f] = report["connections"][0]["failures"]
        there = f["proof"]["altered"]["sent_packets"][0]
        piece = [told[n] for n in sent if 0 <= there - told[n]["first_packet"] < told[n]["packets"]][0]
        said = "packet %d there (%d of %s), offset" % (there, there - piece["first_packet"] + 1, piece["name"])
        want(any(e.startswith(sent[0] + " shows other bytes ") and said in e for e in f["evidence"]), said, f["evidence"])
        self.proves(report)

    def broken_off(self, suite):
        """A piece that ends within a packet counts those before it, and numbers go on from there."""
        frames, at = self.frames(suite)
        names, parts = self.split(frames, at)
        with open(self.path(names[0]), "r+b") as f:
            f.truncate(os.path.getsize(self.path(names[0])) - 1)
        parts[names[0]] = parts[names[0]][:-1]
        self.told(self.diagnose("json", "-k", "KEYS", *names), names, parts)

    def one_empty(self, suite):
        """A piece without a packet, as rotation leaves them, changes neither the order of the others nor what is one place."""
        frames, at = self.frames(suite)
        names, parts = self.split(frames, at)
        parts["empty.pcap"] = []
        self.store(self.path("empty.pcap"), [])
        want_of = self.diagnose("json", "-k", "KEYS", *names)["connections"]
        for given in ((names[2], "empty.pcap", names[0], names[1]), ("empty.pcap", *names[::-1])):
            report = self.diagnose("json", "-k", "KEYS", *given)
            self.told(report, [*names, "empty.pcap"], parts)
            want(report["connections"] == want_of, given, report["connections"])
        good, _ = self.frames(suite, "sender")
        self.store(self.path("sent.pcap"), good)
        report = self.diagnose("json", "-k", "KEYS", "sent.pcap", "empty.pcap", *names[::-1])
        want(report["connections"][0]["also_in"] == ["sent.pcap"], report["connections"])

    def hidden(self, suite):
        """Names of pieces are plain words, and stand in no redacted report; what stands for them is in all places."""
        frames, at = self.frames(suite)
        names, parts = self.split(frames, at, ("bank", "patient's", "third-floor"))
        for level in ("addresses", "all"):
            report = self.diagnose("json", "--redact", level, "-k", "KEYS", *names)
            text = self.diagnose("text", "--redact", level, "-v", "-k", "KEYS", *names)
            page = self.diagnose("html", "--redact", level, "-v", "-k", "KEYS", *names)
            shown = ["capture-%d.pcap" % (i + 1) for i in range(3)]
            self.told(report, shown, dict(zip(shown, parts.values())))
            [f] = report["connections"][0]["failures"]
            want([m.group(1) for m in map(FILTER.match, f["next_steps"]) if m] == shown[:2], f["next_steps"])
            want("packets %d (%d of capture-1.pcap), %d (1 of capture-2.pcap)" % (at, at, at + 1) in " ".join(text.split()), text)
            told = json.dumps(report) + text + "".join(re.findall(r'id="d[a-z]*">(.*?)</script>', page, re.S))
            for n in names:
                want(not re.search(r"\b%s\b" % re.escape(n), told), n, level)

    def printed(self):
        """Without the right keys it proposes to diagnose all captures again: the command runs."""
        zeek = self.load(os.path.join(os.path.dirname(self.data), "zeek", "tls1.2.pcap"))
        names = ["-first.pcap", "it's the second.pcap"]
        for name, part in zip(names, (zeek[:8], zeek[8:])):
            self.store(self.path(name), part)
        with open(self.path("server.key"), "w", encoding="ascii") as f:
            f.write(WRONG_SECRET)
        report = self.diagnose("json", "-k", "server.key", "--", *names)
        step = [s for s in report["connections"][0]["failures"][0]["next_steps"] if "badmac diagnose" in s][0]
        command = re.search("`(badmac diagnose .*)`", step).group(1)
        text = self.diagnose("text", "-k", "server.key", "--", *names)
        want(command in [line.strip() for line in text.splitlines()], command, text)
        code, out, err = self.typed(command)
        want((code, out.replace("./-", "-").split()) == (3, text.replace("./-", "-").split()), command, code, out, err)
        alone = self.diagnose("json", "-k", "server.key", self.store(self.path("zeek.pcap"), zeek))
        want("`badmac diagnose -k server.key ...`" in alone["connections"][0]["failures"][0]["next_steps"][-1], alone)

    def run(self):
        case = self.places.case
        case("pieces: a record that straddles two, in three formats", self.straddling, "tls12-aes128gcm")
        case("pieces: one by a pipe", self.by_a_pipe, "tls12-aes128gcm")
        case("pieces: of two places", self.both_places, "tls12-aes128gcm")
        case("pieces: one that breaks off", self.broken_off, "tls13-aes256gcm")
        case("pieces: one without a packet", self.one_empty, "tls12-aes128gcm")
        case("pieces: redacted", self.hidden, "tls12-aes128gcm")
        case("pieces: the command to diagnose them again", self.printed)
