#!/usr/bin/env python3
"""badmac diagnose --store and badmac history as a user meets them: each failure once, whatever comes in again, in any order; two
at once; killed, without room, over files that are something else. Prints TAP. Knows docs/STORE.md and docs/OUTPUT.md."""
import collections
import copy
import fcntl
import fractions
import html.parser
import json
import math
import os
import pty
import random
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "live"), os.path.join(ROOT, "tests", "report"), HERE]
import judge  # noqa: E402
import made  # noqa: E402
import schemas  # noqa: E402

BADMAC = judge.find_badmac()
BAD = os.path.join(made.DAMAGED, "tls13-aes256gcm", "bitflip")
CAPTURE, KEYS = os.path.join(BAD, "receiver.pcap"), os.path.join(BAD, "keys.log")
SCHEMA = schemas.Validator("history")
GROUPS = SCHEMA.schema["properties"]["grouped_by"]["enum"][:-1]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
# What tells findings apart, without what depends on who came first.
SNAPSHOT = """SELECT c.client_random, f.direction, f.cause, f.confidence, f.epoch, f.sequence_number, f.stream_offset, f.length,
 s.client, s.server, f.sightings, s.keys FROM finding f JOIN sighting s ON s.id = f.sighting JOIN connection c ON c.id = f.connection"""


def want(condition, *said):
    if not condition:
        raise judge.Mismatch(" ".join(str(s) for s in said)[:1500])


def run(*args, env=None, stdin=b"", **more):
    full = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    full.update(env or {})
    r = subprocess.run([BADMAC, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, env=full,
                       **more)
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "backslashreplace")


def history(db, *args, **more):
    rc, out, err = run("history", "--format", "json", db, *args, **more)
    want(rc == 0 and err == "", rc, err)
    report = json.loads(out)
    wrong = ["%s: %s" % (e.json_path, e.message[:200]) for e in SCHEMA.iter_errors(report)]
    want(not wrong and out.isascii(), wrong[:3])
    return report


def text(db, *args, **env):
    rc, out, err = run("history", db, *args, env={"LC_ALL": "C.UTF-8", **env})
    want(rc == 0 and err == "", rc, err)
    return out.decode("utf-8")


def terminal(db, *args, columns=80, **env):
    """What a terminal so wide is shown."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    full = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    child = subprocess.Popen([BADMAC, "history", "--color", "never", *args, db], stdin=subprocess.DEVNULL, stdout=slave,
                             env={**full, "LC_ALL": "C.UTF-8", **env})
    os.close(slave)
    out = judge.read_terminal(master)
    want(child.wait(60) == 0, "history on a terminal")
    return out.decode("utf-8").replace("\r\n", "\n")


def add(db, *reports):
    rc, out, err = run("history", db, "--add", *reports)
    want(rc == 0 and out == b"" and len(err.splitlines()) == len(reports), rc, err)
    return err


def ask(db, sql, *args):
    c = sqlite3.connect("file:%s?mode=rw" % db, uri=True)
    try:
        return c.execute(sql, args).fetchall()
    finally:
        c.close()


def sound(db):
    want(ask(db, "PRAGMA integrity_check") == [("ok",)], "integrity")
    want(ask(db, "PRAGMA foreign_key_check") == [], "foreign keys")


def snapshot(db):
    sound(db)
    return sorted(ask(db, SNAPSHOT), key=str)


def change(db, *statements):
    c = sqlite3.connect(db)
    for s in statements:
        c.execute(s)
    c.commit()
    c.close()


class Page(html.parser.HTMLParser):
    """Elements in pairs, and what a page must not have."""
    EMPTY = {"meta", "br", "link", "img", "input"}

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text, self.ids, self.refers = [], collections.Counter(), [], [], []
        self.feed(page)
        self.close()
        want(not self.open, "left open:", self.open)
        want(len(self.ids) == len(set(self.ids)), "ids:", self.ids)
        want(set(self.refers) <= set(self.ids), "refers to none:", set(self.refers) - set(self.ids))

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.seen[tag] += 1
        want(tag not in ("script", "link", "img", "iframe", "object", "embed", "form"), "element", tag)
        want(not any(k.startswith("on") or k in ("src", "srcset") for k in a), "attributes", attrs)
        want(a.get("href", "#").startswith("#"), "leads away:", a)
        self.ids += [a["id"]] if "id" in a else []
        self.refers += a.get("aria-labelledby", "").split() + ([a["href"][1:]] if "href" in a else [])
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        want(self.open and self.open[-1] == tag, "closes", tag, "in", self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


class Store:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-store-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.n = 0
        self.reports = made.of_data(self.dir.name)
        self.whole = made.report_of(next(p for f, k, p in self.reports if f == BAD and k == "receiver"))

    def path(self, name="store.db"):
        self.n += 1
        return os.path.join(self.dir.name, "%d-%s" % (self.n, name))

    def file(self, name, content):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def maker(self, seed=1):
        return made.Maker(self.whole, seed)

    def put(self, maker, connections):
        return made.write(self.path("report.json"), maker.report(connections))

    def of(self, *kinds, folder=None):
        return [p for f, k, p in self.reports if k in kinds and folder in (None, f)]

    def filled(self):
        db = self.path()
        add(db, *self.of("receiver"))
        return db

    # Each failure once -----------------------------------------------------------------------------

    def test_any_order_and_again(self):
        paths = [p for _, _, p in self.reports]
        # Whole captures, with keys, say what there is: of the two sides the one that shows what failed.
        known = collections.defaultdict(list)
        for p in self.of("receiver", "sender"):
            for c in made.report_of(p)["connections"]:
                for f in c["failures"]:
                    known[c["client_random"], f["direction"]].append(f)
        for sides, fs in known.items():
            known[sides] = [f for f in fs if f["cause"] != "record-was-good"] or fs[:1]
        want(len(known) > 60, len(known))
        first = None
        for seed in range(4):
            order = paths + paths[:40]
            if seed:
                random.Random(seed).shuffle(order)
            db = self.path()
            add(db, *order)
            now = snapshot(db)
            first = first or now
            want(now == first, "order", seed, [r for r in now if r not in first][:3], [r for r in first if r not in now][:3])
        expected = collections.Counter((*sides, f["cause"], f["sequence_number"], f["stream_offset"]) for sides, fs in known.items()
                                       for f in fs)
        got = collections.Counter((r[0], r[1], r[2], r[5], r[6]) for r in first)
        want(got == expected, "not once each:", list((got - expected).items())[:3], list((expected - got).items())[:3])
        want(max(r[10] for r in first) == 2, "sightings")

    def test_diagnose_stores_what_add_does(self):
        a, b = self.path(), self.path()
        add(a, *self.of("receiver", folder=BAD))
        for _ in range(2):
            rc, out, err = run("diagnose", "--effort", "quick", "-k", KEYS, "--store", b, CAPTURE)
            want(rc == 1 and err == "" and out.startswith(b"FAILED:"), rc, err)
        want(snapshot(a) == snapshot(b) and len(snapshot(b)) == 1, snapshot(a), snapshot(b))
        want(ask(b, "SELECT count(*), badmac, effort, place FROM run") == [(1, "0.1.0", "quick", None)], "run")
        want(ask(b, "SELECT name FROM capture") == [(CAPTURE,)], "capture")
        want(os.stat(b).st_mode & 0o777 == 0o600, oct(os.stat(b).st_mode))
        rc, out, _ = run("diagnose", "--format", "json", "--effort", "quick", "-k", KEYS, "--store", b, CAPTURE)
        want(rc == 1 and len(json.loads(out)["connections"]) == 1, "json beside")

    def test_keys_make_it_better(self):
        folder = os.path.join(made.DAMAGED, "tls12-aes128gcm", "replay")
        for order in (("keyless", "receiver"), ("receiver", "keyless")):
            db = self.path()
            for kind in order:
                add(db, *self.of(kind, folder=folder))
            now = snapshot(db)
            want(len(now) == 1 and now[0][2:4] == ("record-replayed", "proven") and now[0][11] == "key log", now)
            want(ask(db, "SELECT count(*), sum(superseded) FROM sighting") == [(2, 1)], "sightings")
            want(ask(db, "SELECT count(*), sum(counted) FROM run") == [(2, 1)], "one run is counted")
            want(history(db)["summary"]["run_connections"] == 1, "counted twice")

    def test_two_places(self):
        folder = os.path.join(made.DAMAGED, "tls13-aes256gcm", "replay")
        for order in (("sender", "receiver"), ("receiver", "sender")):
            db = self.path()
            causes = [f["cause"] for p in self.of(*order, folder=folder) for f in judge.failures(made.report_of(p))]
            want(sorted(causes) == ["record-replayed", "record-was-good"], causes)
            for kind in order:
                add(db, *self.of(kind, folder=folder))
            now = snapshot(db)
            want(len(now) == 1 and now[0][2] == "record-replayed" and now[0][10] == 2, now)

    def test_pieces_without_the_rest(self):
        for kind in ("piece0", "piece1"):
            db = self.path()
            add(db, *self.of(kind, folder=BAD))
            alone = snapshot(db)
            add(db, *self.of("receiver", folder=BAD))
            want(len(alone) <= 1 and len(snapshot(db)) == 1, kind, alone)

    def test_constant_randoms_are_none(self):
        m, db = self.maker(), self.path()
        cs = [m.connection() for _ in range(6)]
        for i, c in enumerate(cs):
            # Zeros; counting up; and one that is random, and always the same of one client.
            c["client_random"] = ("00" * 32, bytes(range(32)).hex(), cs[5]["client_random"])[i % 3] if i < 5 else c["client_random"]
        cs[2]["client"], cs[5]["client"] = "198.51.100.7:1000", "198.51.100.7:1001"
        add(db, self.put(m, cs))
        want(len(snapshot(db)) == 6, snapshot(db))
        # The same random behind an address translator is the same connection.
        c = m.connection()
        add(db, self.put(m, [c]))
        add(db, self.put(m, [dict(c, client="192.0.2.77:5")]))
        want(len(snapshot(db)) == 7, "translated")

    def test_ends_are_used_again(self):
        """Without a random: for 4 minutes the same connection, then another one."""
        for begin, n in (("04:29", 1), ("04:31", 2)):
            m, db = self.maker(), self.path()
            c = dict(m.connection(), client_random=None, first_time="2026-03-01T12:00:00.000000000Z", last_time="2026-03-01T12:00:30.000000000Z")
            later = "2026-03-01T12:%s.000000000Z" % begin
            add(db, self.put(m, [c]))
            add(db, self.put(m, [dict(c, first_time=later, last_time=later)]))
            want(ask(db, "SELECT count(DISTINCT connection) FROM sighting") == [(n,)], begin)

    def test_ends_among_many(self):
        """Who is near in time is found among few and many without a random, however long any of them lasted."""
        def at(clock):
            return clock and "2026-03-01T%s.000000000Z" % clock
        for padding in (0, 90):
            m = self.maker()
            pad = [dict(m.connection(client="198.51.100.250"), client_random=None) for _ in range(padding)]
            for first, second, n in ((("12:00:00", "12:00:30"), ("12:04:29", "12:04:30"), 1), (("12:00:00", "12:00:30"), ("12:04:31", "12:04:32"), 2),
                                     (("02:00:00", "12:00:30"), ("12:04:29", "13:00:00"), 1), (("02:00:00", "12:00:30"), ("07:00:00", "07:00:00"), 1),
                                     (("07:00:00", "07:00:00"), ("02:00:00", "12:00:30"), 1), (("12:04:31", "12:04:32"), ("02:00:00", "12:00:30"), 2),
                                     ((None, None), ("07:00:00", "07:00:00"), 2), ((None, None), (None, None), 1)):
                for names in ((False, False), (True, False), (False, True)):
                    db, both = self.path(), []
                    for (begin, end), named in zip((first, second), names):
                        c = dict(m.connection(client="198.51.100.7"), client="198.51.100.7:40000", first_time=at(begin), last_time=at(end))
                        both.append(c if named else dict(c, client_random=None))
                    # Others between these ends, far away, one of them long.
                    others = [dict(m.connection(), client="198.51.100.7:40000", first_time=at("00:00:%02d" % i), last_time=at("00:%02d:59" % i))
                              for i in range(20)]
                    add(db, self.put(m, others + pad + both[:1]))
                    add(db, self.put(m, both[1:]))
                    want(ask(db, "SELECT count(DISTINCT connection) FROM sighting WHERE client = '198.51.100.7:40000'") == [(20 + n,)],
                         padding, first, second, names)

    def test_one_pair_takes_no_longer(self):
        """Four times as many connections between the same two ends take four times as long, and not sixteen times."""
        def cpu(n, named):
            m, db = self.maker(), self.path()
            cs = [dict(m.connection(), client="198.51.100.7:40000", first_time="2026-03-%02dT%02d:%02d:00.000000000Z" % (1 + i // 1440, i // 60 % 24, i % 60))
                  for i in range(n)]
            for c in cs:
                c["last_time"] = c["first_time"]
                c["client_random"] = c["client_random"] if named else None
            # An hour lies between those that have no random, so that they are not one.
            cs = cs if named else [dict(c, first_time=t, last_time=t) for i, c in enumerate(cs) for t in
                                   ["20%02d-%02d-%02dT%02d:00:00.000000000Z" % (10 + i // 8064, 1 + i // 672 % 12, 1 + i // 24 % 28, i % 24)]]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            add(db, self.put(m, cs))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            want(ask(db, "SELECT count(*) FROM connection") == [(n,)], "connections")
            return after.ru_utime - before.ru_utime
        for named in (True, False):
            few, many = min(cpu(1500, named) for _ in range(2)), cpu(6000, named)
            want(many < 6 * few + 0.2, "1500 take", few, "6000 take", many)

    def test_older_indexes(self):
        """A store that was made with other indexes gets those of now when something is added, and is read as it is."""
        db, fresh = self.filled(), self.filled()
        change(db, "DROP INDEX sighting_near", "DROP INDEX sighting_span", "CREATE INDEX sighting_ends ON sighting(client, server)")
        before = made.read(db)
        want(history(db)["summary"] == history(fresh)["summary"] and made.read(db) == before, "read")
        for d in (db, fresh):
            add(d, *self.of("keyless", "sender"))
        want(snapshot(db) == snapshot(fresh), "findings")
        indexes = [sorted(ask(d, "SELECT name, sql FROM sqlite_schema WHERE type = 'index'"), key=str) for d in (db, fresh)]
        want(indexes[0] == indexes[1], indexes)

    def test_more_captures_are_the_better_diagnosis(self):
        m = self.maker()
        alone = [m.connection() for _ in range(8)]
        compared = copy.deepcopy(alone)
        for c in compared:
            c["also_in"] = ["other.pcap"]
            c["failures"][0]["cause"] = "bytes-damaged"
        for first, second in ((alone, compared), (compared, alone)):
            db = self.path()
            add(db, self.put(m, first))
            add(db, self.put(m, second))
            want([row[2] for row in snapshot(db)] == ["bytes-damaged"] * 8, snapshot(db))

    def test_two_failures_of_one_report_stay_two(self):
        m, db = self.maker(), self.path()
        c = m.connection()
        other = dict(c["failures"][0], sequence_number=c["failures"][0]["sequence_number"] + 1,
                     stream_offset=c["failures"][0]["stream_offset"] + 5000)
        c["failures"].append(other)
        path = self.put(m, [c])
        add(db, path)
        want("already" in add(db, path) and len(snapshot(db)) == 2, snapshot(db))

    def test_a_third_sighting_unites_two(self):
        m, db = self.maker(), self.path()
        whole = m.connection()
        middle = dict(whole, client_random=None, version=None, keys=None, failures=[dict(whole["failures"][0], epoch=None,
                                                                                   sequence_number=None)])
        elsewhere = dict(whole, client="192.0.2.5:99", first_time=whole["first_time"][:-2] + "1Z")
        for i, c in enumerate((elsewhere, middle, whole)):
            add(db, self.put(m, [c]))
            want(len(snapshot(db)) == (1, 2, 1)[i], i, snapshot(db))
        want(ask(db, "SELECT count(*) FROM connection") == [(1,)], "connections")

    # Writers ------------------------------------------------------------------------------------------

    def test_two_writers_at_once(self):
        db = self.path()
        paths = self.of("receiver", "keyless")
        jobs = [subprocess.Popen([BADMAC, "history", db, "--add", *(paths[i:] + paths[:i])], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE) for i in (0, len(paths) // 2)]
        for j in jobs:
            _, err = j.communicate(timeout=100)
            want(j.returncode == 0, err[-300:])
        alone = self.path()
        add(alone, *paths)
        want(snapshot(db) == snapshot(alone), "differs")

    def test_killed_in_the_midst(self):
        m, db = self.maker(), self.path()
        add(db, *self.of("receiver", folder=BAD))
        before = snapshot(db)
        big = self.put(m, [m.connection(failing=i % 4 == 0) for i in range(1500)])
        whole = None
        for wait in (0.02, 0.1, 0.2, 0.3, 0.45, 0.6):
            p = subprocess.Popen([BADMAC, "history", db, "--add", big], stderr=subprocess.DEVNULL)
            time.sleep(wait)
            p.send_signal(signal.SIGKILL)
            p.wait()
            now = snapshot(db)
            whole = now if now != before else whole
            want(now == before or len(now) == len(before) + 375, len(now))
            if whole:
                break
        add(db, big)
        want(len(snapshot(db)) == len(before) + 375, "after it all")

    def test_no_room(self):
        folder = self.path("small")
        os.mkdir(folder)
        m = self.maker()
        big = self.put(m, [m.connection() for _ in range(400)])
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=True)
        try:
            db = os.path.join(folder, "f.db")
            add(db, *self.of("receiver", folder=BAD))
            before = snapshot(db)
            rc, _, err = run("history", db, "--add", big)
            want(rc == 2 and "no space is left" in err, rc, err)
            want(snapshot(db) == before, "changed")
            with open(os.path.join(folder, "rest"), "wb") as f:
                try:
                    f.write(b"x" * 400000)
                except OSError:
                    pass
            # A diagnosis is told of without it.
            other = os.path.join(made.DAMAGED, "tls13-aes256gcm", "drop")
            rc, out, err = run("diagnose", "--effort", "quick", "-k", os.path.join(other, "keys.log"), "--store", db,
                               os.path.join(other, "receiver.pcap"))
            want(rc == 2 and out.startswith(b"FAILED:") and "the findings are not stored" in err, rc, err)
            want(snapshot(db) == before, "changed")
        finally:
            subprocess.run(["umount", folder], check=True)

    def test_read_only(self):
        folder = self.path("ro")
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        try:
            db = os.path.join(folder, "f.db")
            add(db, *self.of("receiver", folder=BAD))
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            want(history(db)["summary"]["findings"] == 1, "cannot be read")
            rc, out, err = run("diagnose", "-q", "-k", KEYS, "--store", db, CAPTURE)
            want(rc == 2 and out.startswith(b"FAILED:") and "read-only" in err, rc, err)
            rc, out, err = run("diagnose", "-q", "-k", KEYS, "--store", os.path.join(folder, "new.db"), CAPTURE)
            want(rc == 2 and out.startswith(b"FAILED:") and "cannot be made: Read-only file system" in err, rc, err)
        finally:
            subprocess.run(["umount", folder], check=True)

    # What is no store -------------------------------------------------------------------------------------

    def test_other_files_are_refused_and_not_touched(self):
        foreign, newer, odd = self.path(), self.filled(), self.filled()
        change(foreign, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
        change(newer, "PRAGMA user_version = 2")
        change(odd, "PRAGMA user_version = 0")
        for db, says in ((foreign, "another program's database"), (newer, "a newer badmac"), (odd, "no schema 0"),
                         (self.file("text", b"no database at all, but long enough to be looked at " * 50), "no SQLite database"),
                         (self.file("short", b"xy"), "no SQLite database"),
                         (self.file("report", made.read(self.of("receiver", folder=BAD)[0])), "perhaps a report: badmac history STORE --add"),
                         (self.file("capture", made.read(CAPTURE)), "a capture: badmac diagnose --store STORE"), (self.dir.name, "")):
            before = made.read(db) if os.path.isfile(db) else None
            rc, out, err = run("diagnose", "-q", "-k", KEYS, "--store", db, CAPTURE)
            want(rc == 2 and out.startswith(b"FAILED:") and says in err and len(err.splitlines()) == 1, db, rc, err)
            rc, out, err = run("history", db)
            want(rc == 2 and out == b"" and says in err and len(err.splitlines()) == 1, db, rc, err)
            want(before is None or made.read(db) == before, "touched", db)
        rc, _, err = run("history", os.path.join(self.dir.name, "nowhere.db"))
        want(rc == 2 and "No such file" in err and not os.path.exists(os.path.join(self.dir.name, "nowhere.db")), err)
        # An empty file, and names that SQLite would take for something else.
        bare = self.path()
        change(bare, "CREATE TABLE t (x)", "DROP TABLE t")
        for empty in (self.file("empty", b""), bare):
            before = made.read(empty)
            rc, out, err = run("history", empty)
            want(rc == 2 and out == b"" and "is empty: no findings were put in yet; badmac diagnose --store" in err and made.read(empty) == before, err)
        add(self.file("empty", b""), *self.of("receiver", folder=BAD))
        for name in (":memory:", "file:x.db?mode=memory"):
            rc, _, err = run("history", name, "--add", *self.of("receiver", folder=BAD), cwd=self.dir.name)
            want(rc == 0 and os.path.getsize(os.path.join(self.dir.name, name)) > 1000, name, err)

    def test_store_and_report_are_not_one_file(self):
        db = self.filled()
        for args in (("history", "-o", db, db), ("diagnose", "-k", KEYS, "--store", db, "-o", db, CAPTURE)):
            rc, _, err = run(*args)
            want(rc == 2 and "is the store" in err, args, rc, err)
        sound(db)

    def test_nothing_in_a_file_is_executed(self):
        db = self.filled()
        change(db, "CREATE TABLE canary (x)", "CREATE TRIGGER t1 AFTER INSERT ON failure BEGIN INSERT INTO canary VALUES (1); END",
               "CREATE TRIGGER t2 AFTER INSERT ON run BEGIN DELETE FROM failure; END",
               "CREATE TRIGGER t3 AFTER UPDATE ON sighting BEGIN INSERT INTO canary VALUES (2); END")
        before = snapshot(db)
        add(db, *self.of("keyless", "sender"))
        want(ask(db, "SELECT * FROM canary") == [] and len(snapshot(db)) >= len(before), "a trigger ran")
        for table in ("traffic", "evidence", "failure", "run"):
            db = self.filled()
            change(db, "CREATE TABLE canary (x)", "ALTER TABLE %s RENAME TO was" % table,
                   "CREATE VIEW %s AS SELECT * FROM was" % table,
                   "CREATE TRIGGER t INSTEAD OF INSERT ON %s BEGIN INSERT INTO canary VALUES (1); END" % table)
            rc, _, err = run("history", db, "--add", *self.put(self.maker(), [self.maker().connection()]))
            want(rc == 2 and ask(db, "SELECT * FROM canary") == [], table, rc, err)
            rc, _, err = run("history", db)
            want(rc == (0 if table == "evidence" else 2), table, rc, err)

    def test_damaged_databases(self):
        db = self.path()
        add(db, *self.of("receiver", "keyless", folder=BAD))
        good, rng = made.read(db), random.Random(5)
        report = self.of("sender", folder=BAD)[0]
        pages = range(0, len(good), 4096)
        places = [rng.choice(pages) + rng.randint(0, 120) for _ in range(50)] + rng.sample(range(len(good)), 20) + \
            list(range(16, 100, 9))
        broken = [good[:i] + bytes([good[i] ^ 1 << rng.randint(0, 7)]) + good[i + 1:] for i in places if i < len(good)]
        broken += [good[:n] for n in rng.sample(range(1, len(good)), 12)]
        statuses = collections.Counter()
        for i, content in enumerate(broken):
            path = self.file("broken.db", content)
            args = (["--format", "json"], ["--format", "html"], ["--group", "bit"])[i % 3] if i % 4 else ["--add", report]
            rc, out, err = run("history", path, *args)
            want(rc in (0, 2) and (rc == 2) == (err != "" and "already" not in err and " new finding" not in err), i, rc, err)
            want(all(l.startswith("badmac: ") for l in err.splitlines()), err)
            statuses[rc] += 1
            os.unlink(path)
        want(statuses[0] > 10 and statuses[2] > 10, statuses)

    def test_bad_reports_change_nothing(self):
        db, m = self.filled(), self.maker()
        before = snapshot(db), ask(db, "SELECT count(*) FROM run")
        good = made.read(self.put(m, [m.connection() for _ in range(3)]))
        bad = dict(m.connection(), transport="smoke")
        lines = good.split(b"\n")
        for content, says in ((b"", "no JSON"), (good[:len(good) // 2], "ends in the middle|no JSON"), (b"\n".join(lines[:-3]), ""),
                              (b"{}", "no report of badmac diagnose"), (good.replace(b"diagnosis.v1", b"diagnosis.v9"), "no report"),
                              (made.read(self.put(m, [m.connection(), bad])), "transport"), (b"[" * 100000, ""),
                              (good + b"more", ""), (good.replace(b'"summary"', b'"sum"'), "summary")):
            rc, out, err = run("history", db, "--add", self.file("bad.json", content))
            want(rc == 2 and out == b"" and re.search(says, err) and len(err.splitlines()) == 1, says, rc, err)
            want((snapshot(db), ask(db, "SELECT count(*) FROM run")) == before, "changed by", content[:80])
        # A good one beside a bad one is taken in.
        rc, _, err = run("history", db, "--add", self.file("bad.json", b"{}"), self.file("good.json", good))
        want(rc == 2 and len(snapshot(db)) == len(before[0]) + 3, rc, err)

    def test_what_is_redacted_is_the_report_alone(self):
        stores = [self.path(), self.path()]
        for db, args in zip(stores, ((), ("--redact", "all"))):
            rc, _, err = run("diagnose", "-q", "--store", db, *args, "-k", KEYS, CAPTURE)
            want(rc == 1 and err == "", rc, err)
        want(len(snapshot(stores[0])) == 1 and snapshot(stores[0]) == snapshot(stores[1]), list(map(snapshot, stores)))

    def test_other_spellings_of_a_report(self):
        m = self.maker()
        report = m.report([m.connection() for _ in range(3)])
        pretty = json.dumps(report, indent=2).encode()
        page = b"<!DOCTYPE html><html><head><script type=\"application/json\" id=\"diagnosis\">%s</script></head></html>" % \
            json.dumps(report).replace("<", "\\u003c").encode()
        for content in (pretty, page):
            db = self.path()
            add(db, self.file("report", content))
            want(len(snapshot(db)) == 3, content[:30])
            add(db, made.write(self.path("r.json"), report))
            want(len(snapshot(db)) == 3 and history(db)["summary"]["run_connections"] == 3, "twice")
            rc, _, err = run("history", db, "--add", "-", stdin=pretty)
            want(rc == 0 and len(snapshot(db)) == 3, err)

    def test_no_secret_gets_in(self):
        db = self.filled()
        content = made.read(db).lower()
        n = 0
        for folder in made.folders():
            for line in made.read(os.path.join(folder, "keys.log")).split(b"\n"):
                words = line.split()
                if len(words) == 3 and words[0][:1] != b"#":
                    n += 1
                    want(words[2].lower() not in content and bytes.fromhex(words[2].decode()) not in content, "a secret")
        want(n > 70, n)

    # What is told -----------------------------------------------------------------------------------------

    def mixed(self):
        """A store, and its connections."""
        m, db = self.maker(3), self.path()
        cs = [m.connection(client="198.51.100.%d" % (i % 7), server="203.0.113.%d:443" % (i % 3), hour=i % 24, day=1 + i % 9,
                           suite=("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")[i % 2], name=(None, "a.example", "b.example")[i % 3],
                           capture="c%d.pcap" % (i % 4)) for i in range(60)]
        for i, c in enumerate(cs):
            c["failures"][0].update(cause=("bits-flipped", "bytes-damaged")[i % 5 == 0], direction=made_direction(i),
                                    confidence=("proven", "supported")[i % 4 == 0], length=1000 + i % 3)
            if i % 10 == 0:
                c["failures"][0]["damage"] = []
        add(db, self.put(m, cs + [m.connection(failing=False) for _ in range(40)]))
        return db, cs

    def test_groups_are_what_python_counts(self):
        db, cs = self.mixed()

        def value(kind, c):
            f = c["failures"][0]
            d = f["damage"][0] if f["damage"] else None
            bits = int(d["received"], 16) ^ int(d["sent"], 16) if d else 0
            t = c["last_time"]
            address = {k: c[k].rsplit(":", 1)[0] for k in ("client", "server")}
            return {"fault": f["at_fault"][0], "client": address["client"], "server": address["server"], "name": c["server_name"],
                    "suite": c["cipher_suite"], "version": c["version"], "capture": c["capture"], "day": t[:10], "hour": t[11:13],
                    "weekday": WEEKDAYS[time.strptime(t[:10], "%Y-%m-%d").tm_wday], "size": str(f["length"]),
                    "bit": str(bits.bit_length() - 1) if d else None,
                    "flip": ("0 to 1" if bits & int(d["received"], 16) else "1 to 0") if d else None,
                    "offset": str(d["record_offset"] % 64) if d else None, "stream-offset": str(d["stream_offset"] % 64) if d else None,
                    "packet-offset": str(d["packet_offset"] % 64) if d else None,
                    **{k: f[k] for k in ("cause", "confidence", "direction")}}[kind]
        for kind in GROUPS:
            r = history(db, "--group", kind)
            got = {g["value"]: (g["findings"], g["connections"]) for g in r["groups"]}
            if kind == "peer":
                expected = collections.Counter(value(k, c) for c in cs for k in ("client", "server"))
            else:
                expected = collections.Counter(value(kind, c) for c in cs)
            want(got == {v: (n, n) for v, n in expected.items()} and r["grouped_by"] == kind, kind, got, expected)
            page = text(db, "--group", kind)
            want(all((v or "unknown") in page for v in expected), kind, page[:600])
        days = {d["day"]: d["findings"] for d in history(db)["days"]}
        want(days == collections.Counter(value("day", c) for c in cs), days)
        want(history(db)["summary"]["run_connections"] == 100 and history(db)["summary"]["findings"] == 60, "summary")

    def test_filters(self):
        db, cs = self.mixed()

        def count(*args):
            r = history(db, *args)
            want(len(r["findings"]) + r["findings_left_out"] == r["summary"]["findings"], r["summary"])
            return r["summary"]["findings"]
        peer = cs[8]["client"].rsplit(":", 1)[0]
        for args, rule in ((("--cause", "bytes-damaged"), lambda c: c["failures"][0]["cause"] == "bytes-damaged"),
                           (("--since", "2026-03-04"), lambda c: c["last_time"] >= "2026-03-04"),
                           (("--until", "2026-03-04T07:30"), lambda c: c["last_time"] < "2026-03-04T07:30"),
                           (("--since", "2026-03-02", "--until", "2026-03-03T00:00:00Z"), lambda c: c["last_time"][:10] == "2026-03-02"),
                           (("--peer", peer), lambda c: c["client"].startswith(peer + ":")),
                           (("--peer", cs[8]["client"]), lambda c: c["client"] == cs[8]["client"]),
                           (("--peer", "203.0.113.1"), lambda c: c["server"] == "203.0.113.1:443"),
                           (("--peer", "::1"), lambda c: False), (("--since", "1d"), lambda c: False)):
            want(count(*args) == sum(map(rule, cs)), args, count(*args))
        r = history(db, "--limit", "5")
        newest = sorted((c["last_time"] for c in cs), reverse=True)[:5]
        want([f["time"] for f in r["findings"]] == newest and r["findings_left_out"] == 55, r["findings"])
        want(history(db, "--limit", "0")["findings"] == [], "none")

    def test_chance_is_that_of_fractions(self):
        m, db = self.maker(7), self.path()
        cs = [m.connection(bit=3 if i < 14 else None, at=64 * i + 21, client="198.51.100.1" if i < 12 else "198.51.100.2",
                           one_to_zero=True, hour=5 + i % 2, day=1 + i % 20) for i in range(20)]
        good = [m.connection(failing=False, client="198.51.100.%d" % (1 + i % 10), hour=i % 24, day=1 + i % 20) for i in range(200)]
        add(db, self.put(m, cs + good))
        said = {s["property"]: s for s in history(db)["shared"]}
        want(len(said) == 9, sorted(said))

        def clients(address):
            return sum(c["client"].startswith(address + ":") for c in cs + good)

        def check(name, m_, n, p, values):
            s = said[name]
            tail = sum(math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(m_, n + 1)) * values * 9
            log2 = min(0.0, math.log2(tail.numerator) - math.log2(tail.denominator))
            want((s["with"], s["of"], s["values"]) == (m_, n, values), name, s)
            want(abs(s["expected_share"] - float(p)) < 1e-9 and abs(s["chance_log2"] - log2) < 1e-6, name, s, log2, float(p))
            want(s["stated"] == (m_ >= 3 and log2 < math.log2(0.001)) and (s["summary"] is not None) == s["stated"], name, s)
        bits = collections.Counter((int(c["failures"][0]["damage"][0]["received"], 16) ^
                                    int(c["failures"][0]["damage"][0]["sent"], 16)) for c in cs)
        check("bit of an octet", bits[8], 20, fractions.Fraction(1, 8), 8)
        check("way of the bits", 20, 20, fractions.Fraction(1, 2), 2)
        check("place in the record, modulo 64", 20, 20, fractions.Fraction(16413 // 64 + 1, 16413), 64)
        check("client", 12, 20, fractions.Fraction(clients("198.51.100.1"), 220), 10)
        check("server", 20, 20, fractions.Fraction(1), 1)
        want(said["bit of an octet"]["stated"] and said["client"]["stated"] and not said["server"]["stated"], said)
        want("12 of 20 connections share client: 198.51.100.1" in re.sub(r"\s+", " ", text(db)), text(db))
        # The hour: one finding of an hour; 20 days with one each.
        hours = collections.Counter(c["last_time"][11:13] for c in cs)
        value, n = max(hours.items(), key=lambda h: (h[1], -int(h[0])))
        check("hour of the day (UTC)", n, 20,
              fractions.Fraction(sum(c["last_time"][11:13] == value for c in cs + good), 220), 24)

    def test_chance_alone_states_nothing(self):
        for seed in range(3):
            m, db = self.maker(seed + 100), self.path()
            add(db, self.put(m, [m.connection(failing=m.rng.random() < 0.4, hour=m.rng.randint(0, 23), day=m.rng.randint(1, 28))
                                 for _ in range(150)]))
            want(not [s for s in history(db)["shared"] if s["stated"]], history(db)["shared"])
            want("beyond chance" not in text(db), "said")

    def test_one_connection_is_no_pattern(self):
        m, db = self.maker(), self.path()
        c = m.connection()
        c["failures"] = [dict(c["failures"][0], sequence_number=i, stream_offset=9000 * i) for i in range(40)]
        add(db, self.put(m, [c]))
        want(history(db)["summary"]["findings"] == 40 and not any(s["stated"] for s in history(db)["shared"]), "stated")

    def test_text_fits_its_width(self):
        db, _ = self.mixed()
        # As diagnose has it: 60 to 120 columns of a terminal, COLUMNS before what it says itself, and 96 in a file.
        for columns, said, most in ((60, None, 60), (80, None, 80), (160, None, 120), (20, None, 60), (160, "71", 71), (60, "160", 120),
                                    (100, "many", 100)):
            for locale, bars in (("C", "#"), ("de_DE.UTF-8", "\u2588")):
                env = {"COLUMNS": said} if said else {}
                for args in ((), ("--group", "cause"), ("--group", "peer"), ("--group", "size", "--limit", "0")):
                    out = terminal(db, *args, columns=columns, LC_ALL=locale, **env)
                    widest = max(map(len, out.splitlines()))
                    want(widest <= most and (args or widest > most - 12), columns, said, widest, [l for l in out.splitlines() if len(l) > most][:3])
                    want((bars in out or (args and most < 72)) and (locale != "C" or out.isascii()), columns, locale, out[:800])
        path = self.path("out.txt")
        for columns in ("40", "160"):
            rc, out, err = run("history", db, env={"COLUMNS": columns, "LC_ALL": "C"})
            want(rc == 0 and 84 < max(map(len, out.decode().splitlines())) <= 96, rc, err)
            rc, _, err = run("history", "-o", path, db, env={"COLUMNS": columns, "LC_ALL": "C"})
            want(rc == 0 and made.read(path) == out, rc, err)
        want("\x1b[" in text(db, "--color", "always") and "\x1b" not in text(db), "colours")

    def test_numbers_are_written_alike(self):
        """Thousands are parted by commas wherever a person reads them, and one of a thing is one."""
        m, db = self.maker(), self.path()
        cs = [m.connection(server="203.0.113.%d:443" % (i % 2), day=1 + i % 20, bit=3) for i in range(1200)]
        want(": 1,200 failures in 1,200 connections, 1,200 new findings" in add(db, self.put(m, cs)), "added")
        want(": 1 failure in 1 connection, 1 new finding" in add(db, self.put(m, [m.connection()])), "added")
        rc, page, _ = run("history", "--format", "html", db)
        for out in (text(db), text(db, "--group", "size"), page.decode("utf-8")):
            plain = re.sub("<svg.*?</svg>|<style.*?</style>", "", out, flags=re.S)
            want(rc == 0 and "1,201" in out and not re.search(r"(?<![\d.:/^-])\d{4,}(?![\d-])", plain.replace("16413", "")), out[:1500])
        want("odds" in text(db) and "the rule: of each connection one finding is counted" in " ".join(text(db).lower().split()), text(db))
        want("1 in 1,000" in history(db)["shared_rule"], "rule")
        one = self.path()
        add(one, self.put(m, [m.connection()]))
        rc, page, _ = run("history", "--format", "html", one)
        for out in (text(one), page.decode("utf-8")):
            want(rc == 0 and not re.search(r"\b1 (findings|connections|records|runs|days|values)\b", out), out[:1500])
        # Of so many values that not all are listed, the rest are told as well.
        many = self.path()
        add(many, self.put(m, [m.connection(client="10.%d.%d.1" % (i // 200, i % 200)) for i in range(1001)]))
        want("  and 1 finding of 1 other value\n" in text(many, "--group", "client"), text(many, "--group", "client")[-500:])
        rc, page, _ = run("history", "--format", "html", "--group", "client", many)
        want(rc == 0 and b"And 1 finding of 1 other value." in page, "page")
        want("no findings, of 1 connection with" in text(one, "--until", "1980-01-01", "--cause", "bad-padding") or
             "no findings, of 0 connections" in text(one, "--until", "1980-01-01"), text(one, "--until", "1980-01-01"))

    def test_the_rule_stands_there_once(self):
        m, db = self.maker(), self.path()
        add(db, self.put(m, [m.connection(day=1 + i, bit=3) for i in range(12)]))
        for args in ((), ("--format", "html")):
            rc, out, _ = run("history", *args, db)
            rule = " ".join(re.sub("<[^>]*>", " ", out.decode("utf-8")).split()).split("beyond chance")[1].split("by cause")[0]
            want(rc == 0 and rule.lower().count("rule:") == 1 and "is not said. " in rule and ".." not in rule, rule)

    def test_hostile_names_stay_text(self):
        m, db = self.maker(), self.path()
        evil = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;\x1b[31m\u202e\u200b\x07\x9b2J\ufeff"
        cs = [m.connection(name=evil, capture=evil) for _ in range(2)]
        for c in cs:
            c["failures"][0].update(summary=evil, at_fault=["network", evil], evidence=[evil])
        cs[1]["client"] = evil + ":1"
        add(db, self.put(m, cs))
        for group in ("name", "capture", "client"):
            out = text(db, "--group", group)
            want(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]", out), repr(out[:400]))
            want("<script>" in out, "not shown")
            rc, out, _ = run("history", "--format", "html", "--group", group, db)
            page = out.decode("utf-8")
            want(rc == 0 and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]", page), "html")
            want(any("<script>alert(1)</script>" in t for t in ["".join(Page(page).text)]), "lost")
        f = history(db)["findings"][0]
        want(f["server_name"] == evil and f["summary"] == evil, f)

    def test_page_is_whole_and_alone(self):
        for db in (self.filled(), self.mixed()[0], self.file("empty", b"")):
            if os.path.getsize(db) == 0:
                rc, _, err = run("history", db, "--add", self.put(self.maker(), []))
                want(rc == 0, err)
            out = self.path("page.html")
            rc, stdout, err = run("history", "--format", "html", "-o", out, db)
            want(rc == 0 and stdout == b"" and err == "", rc, err)
            page = made.read(out).decode("utf-8")
            p = Page(page)
            want(page.startswith("<!DOCTYPE html>\n<html lang=\"en\">") and p.seen["title"] >= 1 and p.seen["h1"] == 1, p.seen)
            want("default-src 'none'" in page and "url(" not in page and "@import" not in page and "http" not in
                 page.replace("http-equiv", ""), "not alone")
            want("prefers-color-scheme:dark" in page and "@media print" in page, "style")
            want(p.seen["th"] == page.count(" scope=") if p.seen["th"] else True, "headers without scope")
            s = history(db)["summary"]
            want(("%d finding" % s["findings"] in page) == (s["findings"] != 0), "summary")
            want(("<svg" in page) == (s["findings"] != 0), "plots")

    def test_tables_are_documented(self):
        with open(os.path.join(ROOT, "docs", "STORE.md"), encoding="utf-8") as f:
            page = f.read().split("## The tables")[1]
        db = self.filled()
        for (table,) in ask(db, "SELECT name FROM sqlite_schema WHERE type = 'table'"):
            section = re.search(r"^###[^\n]*`%s`.*?(?=^###|\Z)" % table, page, re.M | re.S)
            want(section, table)
            for column in ask(db, "SELECT name FROM pragma_table_info(?)", table):
                want("`%s`" % column in section.group(0), table, column)
        want(ask(db, "SELECT count(*) FROM finding")[0][0] == history(db)["summary"]["findings"], "view")
        want(ask(db, "PRAGMA application_id") == [(0x624d4143,)] and ask(db, "PRAGMA user_version") == [(1,)], "numbers")

    def test_usage(self):
        db = self.filled()
        for args, says in (([], "no store given"), ([db, db], "one too many"), (["--group", "colour", db], "nothing to group by"),
                           (["--since", "yesterday", db], "must be a time"), (["--until", "2026-02-30", db], "must be a time"),
                           (["--since", "2026-01-01T25:00", db], "must be a time"), (["--limit", "-1", db], "must be a number"),
                           (["--format", "xml", db], "text, json or html"), (["--cause"], "--cause"), ([db, "--add", "x", "--limit", "3"], "only adds"),
                           ([db, "--add", "x", "--format", "text"], "only adds"), (["--format", "json", db, "--add", "x"], "only adds"),
                           (["--color", "auto", db, "--add", "x"], "only adds"), (["-o", "y", db, "--add", "x"], "only adds"),
                           (["--cause", "bogus", db], "--cause bogus: is no cause"), (["--cause", "", db], "is no cause"),
                           (["--cause", "Bits-Flipped", db], "bits-flipped, bytes-damaged"),
                           ([db, "--add", "-", "-"], "once only")):
            rc, out, err = run("history", *args)
            want(rc == 2 and out == b"" and says in err and len(err.splitlines()) == 2, args, err)
        # Every cause that docs/OUTPUT.md has a page of is named, and may be asked for; so may one that a newer badmac has stored.
        with open(os.path.join(ROOT, "docs", "OUTPUT.md"), encoding="utf-8") as f:
            ids = re.findall(r"^\| \[`([a-z-]+)`\]\(causes/", f.read(), re.M)
        _, _, err = run("history", "--cause", "x", db)
        want(len(ids) == 26 and err.splitlines()[0].split("the ids are ")[1].split(", ") == sorted(ids, key=err.find), err)
        for cause in ids:
            want(history(db, "--cause", cause)["filter"]["cause"] == cause, cause)
        change(db, "UPDATE failure SET cause = 'cosmic-rays' WHERE id = (SELECT id FROM failure WHERE best = 1 LIMIT 1)")
        want(history(db, "--cause", "cosmic-rays")["summary"]["findings"] == 1, "newer")
        for report, says in (("nowhere.json", "No such file"), (self.dir.name, "directory")):
            rc, _, err = run("history", db, "--add", report)
            want(rc == 2 and says in err, report, err)

    def test_redacted_reports_are_refused(self):
        for level in ("addresses", "all"):
            for form in ("json", "html"):
                db = self.path()
                rc, out, err = run("diagnose", "-q", "-k", KEYS, "--redact", level, "--format", form, CAPTURE)
                want(rc == 1 and err == "", rc, err)
                rc, _, err = run("history", db, "--add", "-", stdin=out)
                want(rc == 2 and "is redacted" in err, level, form, rc, err)
                rc, out, _ = run("history", db, "--format", "json")
                want(rc == 0 and json.loads(out)["summary"]["findings"] == 0, out)

    def test_what_is_no_report_is_named(self):
        for args, says in (([CAPTURE], "a capture, not a report"), (["-"], "a report as text")):
            _, out, _ = run("diagnose", "-q", "-k", KEYS, CAPTURE)
            rc, _, err = run("history", self.path(), "--add", *args, stdin=out)
            want(rc == 2 and says in err, args, rc, err)

    def test_what_finds_nothing_has_no_tables(self):
        out = text(self.filled(), "--peer", "192.0.2.77")
        want("no findings" in out and "connections\n" not in out.split("\n", 2)[2], out)

    def test_captures_are_told_apart_by_their_ends(self):
        db = self.path()
        m = self.maker()
        add(db, self.put(m, [{**m.connection(), "capture": "/srv/" + "x" * 90 + "/%s.pcap" % name} for name in ("one", "two")]))
        out = text(db, "--group", "capture", "--limit", "0")
        want("/one.pcap " in out and "/two.pcap " in out, out)

    def test_memory_does_not_grow_with_a_report(self):
        m = self.maker()
        with open(self.put(m, [m.connection()]), "rb") as f:
            _, real, _ = run("diagnose", "-q", "-k", KEYS, "--format", "json", CAPTURE)
            want(f.read(60) == real[:60], "reports are not as diagnose writes them", real[:60])
        most = []
        for n in (500, 5000):
            path, db = self.put(m, [m.connection(failing=False) for _ in range(n)]), self.path()
            script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
                      "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:exitcode=99")
            r = subprocess.run([sys.executable, "-c", script, BADMAC, "history", db, "--add", path], stdout=subprocess.PIPE, env=env,
                               timeout=100, check=True)
            most.append(int(r.stdout))
        want(most[1] < most[0] + 8000, "KiB", most, os.path.getsize(path))


def made_direction(i):
    return ("client_to_server", "server_to_client")[i % 2]


if __name__ == "__main__":
    sys.exit(judge.run_methods(Store()))
