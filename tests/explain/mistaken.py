"""Files given to badmac explain that are no logs, and logs that nearly are such files. The methods go to the suite of
test_explain.py. Refuses to know how files are recognised."""
import bz2
import gzip
import json
import lzma
import os
import subprocess

import judge

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASE = os.path.join(ROOT, "tests", "data", "damaged", "tls13-aes256gcm", "bitflip")
LINE = b"local error: tls: bad record MAC\n"


def want(condition, said):
    judge.want(condition, str(said)[:1500])


def written_by(*args):
    r = subprocess.run([judge.find_badmac(), *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=120, check=False)
    want(r.returncode in (0, 1, 3), (args, r.returncode))
    return r.stdout


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Mistaken:
    """Mixed into the suite, which has run, path and a folder."""

    def reports(self):
        capture, keys = os.path.join(CASE, "receiver.pcap"), os.path.join(CASE, "keys.log")
        diagnose = ["diagnose", "--effort", "quick", "-k", keys, capture, "--format"]
        report = self.path("report.json", written_by(*diagnose, "json"))
        store = os.path.join(self.dir.name, "store.db")
        written_by(*diagnose, "text", "--store", store)
        yield content(report), "a report of badmac diagnose", "prove"
        yield written_by(*diagnose, "html"), "a page of badmac diagnose", "a browser"
        yield written_by("explain", "--format", "json", self.path("a.log", LINE)), "a report of badmac explain", "people"
        yield written_by("odds", "--checksum-errors", "1", "--failures", "1", "--format", "json"), "a report of badmac odds", "people"
        yield written_by("host", "--format", "json"), "a report of badmac host", "people"
        yield written_by("prove", "-k", keys, report, capture, "--format", "json"), "a report of badmac prove", "people"
        yield written_by("history", store, "--format", "json"), "a report of badmac history", "people"
        yield written_by("history", store, "--format", "html"), "a page of badmac,", "a browser"
        yield content(store), "a store of findings", "badmac history"
        yield content(capture), "a capture", "badmac diagnose"
        yield content(os.path.join(ROOT, "tests", "data", "hotplace", "testcase", "tls", "http", "http2.pcapng")), "a capture", "badmac diagnose"
        yield content(keys), "a key log", "badmac diagnose -k"
        yield b"# comment\r\n\r\n" + content(keys).replace(b"\n", b"\r\n"), "a key log", "badmac diagnose -k"
        yield content(keys).rstrip(b"\n"), "a key log", "badmac diagnose -k"
        yield b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key", "badmac diagnose -k"
        for pack in (gzip.compress, bz2.compress, lzma.compress):
            yield pack(LINE), "compressed", "unpack"

    def test_mistaken_files(self):
        n = 0
        for what, said, command in self.reports():
            for given in (what, b"\xef\xbb\xbf" + what if what[:1] in b"{<" else what):
                for args in (["-"], [self.path("given", given)], ["-q", "--format", "json", "-"]):
                    r = subprocess.run([judge.find_badmac(), "explain", *args], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
                    err = r.stderr.decode()
                    want(r.returncode == 2 and r.stdout == b"" and said in err and command in err and err.count("\n") == 1, (said, args, r))
            n += 1
        want(n == 18, n)

    def test_mistaken_in_drops(self):
        """Through a pipe, octet by octet."""
        report, keys = next(iter(self.reports()))[0], content(os.path.join(CASE, "keys.log"))
        for given, said in ((report[:40], b"diagnose"), (keys, b"a key log"), (b"\xd4\xc3\xb2\xa1" + bytes(40), b"a capture")):
            p = subprocess.Popen([judge.find_badmac(), "explain", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                for k in range(len(given)):
                    p.stdin.write(given[k:k + 1])
                    p.stdin.flush()
            except BrokenPipeError:
                pass
            out, err = p.communicate(timeout=60)
            want(p.returncode == 2 and out == b"" and said in err, (said, p.returncode, err))

    def test_nearly_mistaken(self):
        """Each of these is a log: what it says of a record is found."""
        keys = content(os.path.join(CASE, "keys.log"))
        report = next(iter(self.reports()))[0]
        quoted = json.dumps({"level": "info", "report": json.loads(report)}).encode()
        logs = [keys + LINE, LINE + keys, keys * 3000 + LINE, keys.rstrip(b"\n") + b" " + LINE, b"# " + keys + b"x\n" + LINE,
                b"\n\n# nothing but a comment\n", b"2024-03-05 10:11:12 " + keys + LINE, b'"' + keys + LINE, keys[:70] + b"\n" + LINE,
                b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 47 + b"xy\n" + LINE,
                b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 31 + b"\n", b"CLIENT_RANDOM " + b"ab" * 7 + b" " + b"cd" * 48 + b"\n",
                b'{"schema":"badmac","msg":"x"}\n' + LINE, b'{"schema":"badmac.app.v1","msg":"x"}\n' + LINE, b'{"schema": "ecs.1"}\n' + LINE,
                b'{"level":"info","schema":"badmac.diagnosis.v1"}\n' + LINE, b'["schema","badmac.diagnosis.v1"]\n' + LINE, quoted + b"\n" + LINE,
                b"<!DOCTYPE html>\n<title>an issue</title>\n" + LINE, b"<html>" + LINE, b"x <!DOCTYPE html>\n" + LINE,
                b"<!DOCTYPE html>\n<meta name=\"generator\" content=\"MediaWiki\">" + LINE, b"BZhang said: " + LINE, b"SQLite format 3 is not what we use\n" + LINE,
                b"-----BEGIN CERTIFICATE-----\nAAAA\n" + LINE, b"-----BEGIN PRIVATE\n" + LINE, b"\x1f\x8b " + LINE, b"\xd4\xc3 " + LINE, b"{}\n" + LINE, b"{" * 3000 + LINE]
        for log in logs:
            rc, out, err = self.run(log, "--format", "json")
            want(rc == (1 if LINE.strip() in log else 0) and out != b"", (log[:120], rc, err))
