"""The original case, live: calls from JSSE to a TLS 1.0 server with RC4, of which one now and then fails for a cause that is
known. Knows how each cause is brought about and what badmac is asked; refuses to know why badmac answers as it does."""
import os
import random
import re
import shutil
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "live"))
import judge  # noqa: E402
import stacks  # noqa: E402
import wire  # noqa: E402
from wire import C2S, S2C  # noqa: E402

PAGE, REST = 16148, 282  # octets of the second and the third record of an answer, with their MAC
HEADER = 5
DROPPED = 7


class Variant:
    """by: who spoils an answer. record: which of its records, by length. cause: what badmac is to say of it; None: nobody
    rejects it; unexplained: that is enough where it has no name for it. parties: who is at fault in truth, any of them."""

    def __init__(self, what, by, record, cause, parties):
        self.what, self.by, self.record, self.cause, self.parties = what, by, record, cause, parties


VARIANTS = {
    "network": Variant("two bits flipped on the way, TCP's checksum still valid", "relay", REST, "bits-flipped",
                       ["network"]),
    "proxy": Variant("a proxy loses 7 octets of the long record", "relay", PAGE, "bytes-missing", ["network"]),
    "proxy-end": Variant("a proxy loses 7 octets of the last record", "relay", REST, "bytes-missing", ["network"]),
    "skipped": Variant("the server enciphers a record and never sends it", "server", REST, "record-missing",
                       ["sender-application"]),
    "keystream": Variant("the server throws away a record that it enciphered, and counts it not", "server", REST,
                         "sender-miscomputed", ["sender-tls"]),
    "twice": Variant("two processes of the server build a record each from one state", "server", REST, "sequence-reused",
                     ["sender-application"]),
    "readers": Variant("two threads of the client read one socket", "client", REST, "record-was-good",
                       ["receiver-application"]),
    "close": Variant("the client closes the connection under its reader", "client", REST, None, []),
}


class Fault:
    """One record that was spoilt, by the number that the client waits for. damage: {offset in the record: (received, sent)},
    or (offset, octets that were lost). waits: the client was still short of octets when nothing more came."""

    def __init__(self, client_random, seq, damage=None, waits=False):
        self.random, self.seq, self.damage, self.waits = client_random, seq, damage, waits


def missing():
    """What is not installed, in words; None: nothing."""
    for program, package in (("gcc", "gcc"), ("java", "openjdk-17-jdk-headless"),
                             ("javac", "openjdk-17-jdk-headless"), ("openssl", "openssl")):
        if not shutil.which(program):
            return "no %s (%s)" % (program, package)
    if os.system("echo '#include <gnutls/gnutls.h>' | gcc -E -xc - >/dev/null 2>&1"):
        return "no gnutls/gnutls.h (libgnutls28-dev)"
    return None


def build(lab):
    lab.run("gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-o", "mainframe", os.path.join(HERE, "mainframe.c"), "-lgnutls")
    lab.run("javac", "-nowarn", "-d", lab.dir, *(os.path.join(HERE, f) for f in ("SoapClient.java", "WatchedSocket.java")))


class Meddler(stacks.Relay):
    """A relay that spoils a record of the chosen answers: in the network's manner, or in a proxy's that loses octets."""

    def __init__(self, port, how, chosen, rng):
        self.how, self.chosen, self.rng = how, chosen, rng
        self.answers, self.faults, self.lock, self.mine = 0, [], threading.Lock(), threading.local()
        super().__init__(port, tamper=self._tamper)

    def _connection(self, conn, conv):
        self.mine.rest, self.mine.hello, self.mine.protected, self.mine.fault = b"", b"", None, None
        super()._connection(conn, conv)

    def _tamper(self, direction, b):
        m = self.mine
        if direction == C2S:
            m.hello += b[:64 - len(m.hello)]
            return b
        m.rest += b
        out = b""
        while len(m.rest) >= HEADER:
            n = HEADER + int.from_bytes(m.rest[3:5], "big")
            if len(m.rest) < n:
                break
            out += self._record(m.rest[:n])
            m.rest = m.rest[n:]
        return out

    def _record(self, record):
        m = self.mine
        seq, m.protected = m.protected, None if m.protected is None else m.protected + 1
        if record[0] == wire.CCS:
            m.protected = 0
        if m.fault:
            m.fault.waits = False  # what follows is taken for what was lost
        if not self.how or record[0] != wire.APPLICATION or len(record) - HEADER != VARIANTS[self.how].record:
            return record
        with self.lock:
            self.answers += 1
            if self.answers - 1 not in self.chosen:
                return record
            spoilt, damage = {"network": self.flip}.get(self.how, self.lose)(record)
            m.fault = Fault(m.hello[11:43].hex(), seq, damage, len(spoilt) < len(record))
            self.faults.append(m.fault)
            return spoilt

    def flip(self, record):
        """Two bits in the same place of two words of 16 bits, one that rises and one that falls: TCP's checksum stays."""
        out = bytearray(record)
        while True:
            i = self.rng.randrange(HEADER, len(record))
            j = i + 2 * self.rng.randrange(1, 40)
            differ = record[i] ^ record[j] if j < len(record) else 0
            if differ:
                break
        bit = self.rng.choice([1 << k for k in range(8) if differ >> k & 1])
        out[i] ^= bit
        out[j] ^= bit
        return bytes(out), {k: (out[k], record[k]) for k in (i, j)}

    def lose(self, record):
        at = self.rng.randrange(HEADER, len(record) - DROPPED)
        return record[:at] + record[at + DROPPED:], (at, record[at:at + DROPPED])


class Run:
    """What is left of a run: the client's capture and log, the server's key; and what was done, which nobody is told."""

    def __init__(self, capture, log, server_key, faults, calls, conversations):
        self.capture, self.log, self.server_key, self.faults, self.calls = capture, log, server_key, faults, calls
        self.conversations = conversations

    def good(self):
        return sum(c.startswith("ok") for c in self.calls)


def told_faults(text):
    return [Fault(m.group(1).decode(), int(m.group(2))) for m in re.finditer(rb"fault ([0-9a-f]{64}) (\d+)\n", text)]


def run(lab, variant, seed, calls=24, threads=3, a_connection=5, failing=2, timeout_ms=30000, chosen=None):
    """Calls from a pool of threads, so many at most over a connection; the seed chooses which answers are
    spoilt, by their numbers from 0, and where. variant None: none is. chosen: those instead."""
    rng = random.Random("%s %d" % (variant, seed))
    if chosen is None:
        chosen = sorted(rng.sample(range(2, calls), failing)) if variant else []
    by = VARIANTS[variant].by if variant else None
    numbers = [str(n) for n in chosen]
    name = "%s-%d" % (variant or "clean", seed)
    server = lab.start(lab.path("mainframe"), "rsa.crt", "rsa.key", str(a_connection), *(
        [variant] + numbers if by == "server" else ["none"]))
    port = int(server.wait_for(rb"port (\d+)\n").group(1))
    log, capture = lab.path(name + ".log"), lab.path(name + ".pcap")
    with Meddler(port, variant if by == "relay" else None, chosen, rng) as relay:
        # The debug output goes to standard error, the outcome of calls to standard output.
        client = lab.start("sh", "-c", 'log=$1; shift; exec "$@" 2>"$log"', "sh", log,
                           "java", "-Xshare:auto", "-XX:TieredStopAtLevel=1",
                           "--add-opens", "java.base/sun.security.ssl=ALL-UNNAMED", "-Djavax.net.debug=ssl,record,keygen",
                           "-Dhttps.protocols=TLSv1", "-Dhttps.cipherSuites=SSL_RSA_WITH_RC4_128_SHA",
                           "-Djdk.tls.useExtendedMasterSecret=false", "-Djdk.tls.client.enableSessionTicketExtension=false",
                           "-Dmainframe.timeout=%d" % timeout_ms, "-cp", lab.dir, "SoapClient", str(relay.port), "rsa.crt",
                           str(calls), str(threads), *([variant] + numbers if by == "client" else ["none"]))
        client.wait_for(rb"\ndone\n", timeout=60 + 2 * timeout_ms / 1000)
        client.finish()
        conversations = relay.recorded()
        faults = relay.faults
    server.finish()
    faults = faults or told_faults(client.out + server.out)
    wire.write(capture, wire.in_turn(conversations))
    outcomes = [m.group(1).decode() for m in re.finditer(rb"call \d+ ([^\n]*)\n", client.out)]
    return Run(capture, log, lab.path("rsa.key"), faults, outcomes, conversations)


def log_says(path):
    """What a person reads in the client's log: for each fatal error the records that its thread had read since its request,
    and the error's name."""
    told, threads = [], {}
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            word = line.rstrip("\n").split("|")
            if len(word) < 7:
                continue
            said = threads.setdefault(word[2], [])
            if word[6].startswith("WRITE: TLSv1 application_data"):
                del said[:]
            elif word[6].startswith("READ: TLSv1 application_data"):
                said.append(word[6].split()[-1])
            elif "Fatal (" in word[6]:
                # Each record is announced twice.
                told.append((said[::2], re.search(r"Fatal \((\w+)\)", word[6]).group(1).lower()))
    return sorted(told)


def ask(run_, key):
    """(exit status, report, [(client random, failure)]): what badmac makes of the client's side, opened with key."""
    rc, report, err = judge.diagnose(run_.capture, [key], args=("--at", "client"))
    if report is None:
        raise judge.Mismatch("exit %d: %s" % (rc, err))
    return rc, report, [(c["client_random"], f) for c in report["connections"] for f in c["failures"]]


def shortfall(variant, run_, answer):
    """What badmac's answer lacks of what was done; None: nothing."""
    v = VARIANTS[variant]
    rc, report, failures = answer
    rejected = [f for f in run_.faults if v.cause and not f.waits]
    waits = sum(f.waits for f in run_.faults)
    expected = 1 if rejected else 3 if waits else 0
    if rc != expected:
        return "exit %d, expected %d" % (rc, expected)
    if report["summary"]["records"]["undecided"] != waits:
        return "%d records undecided, expected %d" % (report["summary"]["records"]["undecided"], waits)
    if len(failures) != len(rejected):
        return "%d failures, %d records were spoilt and rejected" % (len(failures), len(rejected))
    for fault in rejected:
        lacks = [_lacks(v, fault, f) for random_, f in failures if random_ == fault.random]
        if lacks != [None]:
            return lacks[0] if lacks else "nothing about connection " + fault.random
    return None


def _lacks(v, fault, f):
    # An alert does not tell which of several good records it is about.
    seq = None if v.cause == "record-was-good" else fault.seq
    told = [("direction", "server_to_client"), ("sequence_number", seq)]
    if v.cause != "unexplained" or f["cause"] == "unexplained":
        told.append(("cause", v.cause))
    if f["cause"] != "unexplained":
        told.append(("confidence", "proven"))
    for name, expected in told:
        if f[name] != expected:
            return "%s %s, expected %s" % (name, f[name], expected)
    if not set(v.parties) & set(f["at_fault"]):
        return "at fault %s" % f["at_fault"]
    return {"bits-flipped": _lacks_flips, "bytes-missing": _lacks_hole}.get(v.cause, _lacks_nothing)(fault, f)


def _lacks_nothing(_, f):
    return "damage %s" % f["damage"] if f["damage"] else None


def _lacks_flips(fault, f):
    got = {}
    for d in f["damage"]:
        for n, (received, sent) in enumerate(zip(bytes.fromhex(d["received"]), bytes.fromhex(d["sent"]))):
            if received != sent:
                got[d["record_offset"] + n] = (received, sent)
    if got != fault.damage:
        return "damage %s, was %s" % (got, fault.damage)
    if (f["checksum"]["as_captured"], f["checksum"]["as_sent"]) != ("valid", "valid"):
        return "checksum %s" % f["checksum"]
    return None


def _lacks_hole(fault, f):
    """Seven octets cannot be had back; how many they are can be told, and between which places they went."""
    at, lost = fault.damage
    text = " ".join(f["evidence"])
    place = re.search(r"the hole begins between offsets (\d+) and (\d+)", text)
    if [(d["received"], d["length"]) for d in f["damage"]] != [("", 0)] or "%d of which never came" % len(lost) not in text:
        return "damage %s: %s" % (f["damage"], text)
    if not place or not int(place.group(1)) <= at <= int(place.group(2)):
        return "%s, was %d" % (place.group(0) if place else "no place", at)
    return None
