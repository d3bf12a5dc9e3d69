"""Runs badmac host and checks what holds for every report; makes network namespaces; prints TAP. Knows docs/HOST.md."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "live"), os.path.join(ROOT, "tests", "report")]
import judge  # noqa: E402
import schemas  # noqa: E402
import trees  # noqa: E402

BADMAC = judge.find_badmac()
REPORTED, TROUBLE = 0, 2
IS_ROOT = os.geteuid() == 0
SCHEMA = schemas.Validator("host")
with open(os.path.join(ROOT, "docs", "HOST.md"), encoding="utf-8") as host_page:
    PAGE = host_page.read()
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OPENSSL_", "GNUTLS_", "NSS_", "GODEBUG"))}


def want(condition, said):
    if not condition:
        raise judge.Mismatch(str(said)[:1500])


def run(*args, before=(), env=None):
    r = subprocess.run([*before, BADMAC, "host", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                       env={**ENVIRONMENT, **(env or {})})
    want(r.returncode in (REPORTED, TROUBLE), (args, r.returncode, r.stderr.decode("utf-8", "replace")[-1500:]))
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "backslashreplace")


def report(*args, **kw):
    rc, out, err = run("--format", "json", *args, **kw)
    want(rc == REPORTED and err == "" and out.isascii(), (rc, err))
    r = json.loads(out)
    wrong = ["%s: %s" % (e.json_path, e.message[:200]) for e in SCHEMA.iter_errors(r)]
    want(not wrong, wrong)
    bearings = [f["bearing"] for f in r["findings"]]
    want(all(r["summary"][b] == bearings.count(b) for b in ("shows", "could", "hides", "cannot", "context")), r["summary"])
    want(r["summary"]["unread"] == len(r["unread"]), r["summary"])
    return r


def found(r):
    return {(f["bearing"], f["id"], f["subject"]) for f in r["findings"]}


def finding(r, kind, subject=None):
    fits = [f for f in r["findings"] if f["id"] == kind and subject in (None, f["subject"])]
    want(len(fits) == 1, (kind, subject, sorted(found(r))))
    return fits[0]


def interface(r, name):
    return next(i for i in r["interfaces"] if i["name"] == name)


def features(r, name):
    return {f["name"]: (f["on"], f["fixed"]) for f in interface(r, name)["features"]}


def counter(r, name):
    return next(c for c in r["counters"] if c["name"] == name)


def unread(r):
    return {u["what"]: u["why"] for u in r["unread"]}


class Namespace:
    """A network namespace of its own; of_sys: with a /sys that shows it."""

    def __init__(self, of_sys=True):
        own = [] if IS_ROOT else ["--map-root-user"]
        script = ("mount -t sysfs sysfs /sys && " if of_sys else "") + "echo ready && read -r end"
        self.holder = subprocess.Popen(["unshare", *own, "--net", "--mount", "sh", "-c", script], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.pid = self.holder.pid
        want(self.holder.stdout.readline() == b"ready\n", "no network namespace can be made here")
        user = [] if IS_ROOT else ["--user", "--preserve-credentials"]
        self.enter = ["nsenter", "--target", str(self.pid), "--net", "--mount", *user, "--"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.communicate(b"\n", timeout=10)

    def sh(self, command):
        r = subprocess.run([*self.enter, "sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        want(r.returncode == 0, "%s: %s" % (command, r.stdout.decode("utf-8", "replace")))
        return r.stdout.decode()

    def report(self, *args):
        return report(*args, before=self.enter)


class Suite:
    """Tests are methods whose names begin with test_."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="badmac-host-")
        self.n = 0

    def folder(self, files):
        self.n += 1
        return trees.write(os.path.join(self.dir.name, "%d" % self.n), files)
