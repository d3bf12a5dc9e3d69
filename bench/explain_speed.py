#!/usr/bin/env python3
"""Measures badmac explain on large logs, and beside it grep, which looks for one word in them.

usage: bench/explain_speed.py [--megabytes N] [--runs N] [--badmac FILE] [--only KIND] [--json]
docs/PERFORMANCE.md says what the logs are made of. Knows no rule; refuses to judge what is found, but for its number."""
import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MB = 1000000
BLOCK = 8 * MB  # what is made once; a log is many of it
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "curl/7.88.1",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"]
PATHS = ["/", "/index.html", "/api/v1/orders/%d", "/static/app.%x.js", "/images/%d.png", "/search?q=shoes&page=%d"]
INCIDENTS = [
    "%s [crit] 31#31: *%d SSL_read() failed (SSL: error:1C800066:Provider routines::cipher operation failed error:0A000119:SSL "
    "routines::decryption failed or bad record mac) while keepalive, client: 192.0.2.%d, server: 0.0.0.0:443",
    "%s [info] 31#31: *%d SSL_read() failed (SSL: error:0A0003FC:SSL routines::sslv3 alert bad record mac:SSL alert number 20) "
    "while keepalive, client: 192.0.2.%d, server: 0.0.0.0:443",
]


def clock(r):
    return "%02d:%02d:%02d" % (r.randrange(24), r.randrange(60), r.randrange(60))


def access(r):
    path = r.choice(PATHS)
    path = path % r.randrange(1 << 20) if "%" in path else path
    return '192.0.2.%d - - [05/Mar/2024:%s +0000] "GET %s HTTP/1.1" %d %d "-" "%s"' % (
        r.randrange(256), clock(r), path, r.choice((200, 200, 200, 304, 404)), r.randrange(90000), r.choice(AGENTS))


def nginx(r):
    return r.choice((
        "2024/03/05 %s [info] 31#31: *%d client 192.0.2.%d closed keepalive connection",
        "2024/03/05 %s [warn] 31#31: *%d an upstream response is buffered to a temporary file /var/cache/nginx/%d while reading upstream",
        '2024/03/05 %s [error] 31#31: *%d open() "/srv/www/favicon-%d.ico" failed (2: No such file or directory), server: h.example',
    )) % (clock(r), r.randrange(1 << 24), r.randrange(256))


def syslog(r):
    return "Mar  5 %s host " % clock(r) + r.choice((
        "sshd[%d]: Accepted publickey for deploy from 192.0.2.%d port 50022 ssh2: ED25519 SHA256:abcdefghijklmnop",
        "systemd[1]: Started session-%d.scope - Session %d of User deploy.",
        "kernel: [%d.%06d] eth0: Link is Up - 10Gbps/Full - flow control rx/tx",
        "CRON[%d]: pam_unix(cron:session): session opened for user root(uid=%d) by (uid=0)",
        "app[%d]: INFO request %d took 12 ms",
    )) % (r.randrange(1 << 15), r.randrange(256))


def java(r):
    return "2024-03-05 %s,%03d DEBUG [http-nio-8080-exec-%d] o.e.orders.OrderService : " % (
        clock(r), r.randrange(1000), r.randrange(99)) + r.choice((
            "order %d was stored, %d items", "cache miss for key customer:%d, loading it took %d ms",
            "select o.id, o.total from orders o where o.customer = %d limit %d")) % (r.randrange(1 << 20), r.randrange(100))


def trace(r):
    return ("2024-03-05 %s,000 WARN  [http-nio-8080-exec-1] o.e.orders.Client : request failed\njava.net.ConnectException: refused\n"
            "\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)\n\tat org.example.orders.Client.call(Client.java:%d)\n"
            "\tat org.example.orders.OrderService.send(OrderService.java:%d)") % (clock(r), r.randrange(900), r.randrange(900))


def incident(r):
    return r.choice(INCIDENTS) % ("2024/03/05 " + clock(r), r.randrange(1 << 24), r.randrange(256))


def block(lines, every, r):
    """BLOCK octets of lines, every so manieth of them an incident; and how many there are."""
    out, size, n, found = [], 0, 0, 0
    while size < BLOCK:
        n += 1
        line = r.choice(lines)(r)
        if every and n % every == 0:
            line = incident(r)
            found += 1
        out.append(line)
        size += len(line) + 1
    return ("\n".join(out) + "\n").encode(), found


def dumps(r):
    """javax.net.debug=all of Java 8: records with their octets, an incident in each two hundredth connection."""
    out, size, n, found = [], 0, 0, 0
    while size < BLOCK:
        n += 1
        name = "http-nio-8443-exec-%d" % r.randrange(20)
        out += ["%s, READ: TLSv1.2 Handshake, length = 250" % name, "*** ClientHello, TLSv1.2",
                "Cipher Suite: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "*** Finished"]
        for _ in range(3):
            length = r.randrange(100, 1400)
            out.append("[Raw read]: length = %d" % length)
            for at in range(0, length, 16):
                octets = r.randbytes(16)
                text = "".join(chr(c) if 32 <= c < 127 else "." for c in octets)
                out.append("%04X: %s   %s  %s" % (at, octets[:8].hex(" ").upper(), octets[8:].hex(" ").upper(), text))
            out.append("%s, READ: TLSv1.2 Application Data, length = %d" % (name, length))
        if n % 200 == 0:
            out += ["%s, SEND TLSv1.2 ALERT:  fatal, description = bad_record_mac" % name,
                    "%s, handling exception: javax.net.ssl.SSLException: bad record MAC" % name]
            found += 1
        size = sum(map(len, out)) + len(out) if n % 64 == 0 else size
    return ("\n".join(out) + "\n").encode(), found


def nginx_debug(r):
    """error_log debug: many lines that speak of SSL."""
    return r.choice((
        "2024/03/05 %s [debug] 31#31: *%d SSL_read: -1", "2024/03/05 %s [debug] 31#31: *%d SSL_get_error: 2",
        "2024/03/05 %s [debug] 31#31: *%d SSL buf copy: 147", "2024/03/05 %s [debug] 31#31: *%d SSL_write: 182",
        '2024/03/05 %s [debug] 31#31: *%d http header: "Host: h.example"', "2024/03/05 %s [debug] 31#31: *%d event timer add: 3: 5000",
        "2024/03/05 %s [debug] 31#31: *%d SSL: TLSv1.3, cipher: \"TLS_AES_256_GCM_SHA384 TLSv1.3 Kx=any Au=any\"",
    )) % (clock(r), r.randrange(1 << 24))


MIXED = (access, access, nginx, syslog, java, java, trace)
KINDS = {
    "mixed": lambda r: block(MIXED, 40000, r),
    "mixed, many incidents": lambda r: block(MIXED, 20, r),
    "nginx at debug": lambda r: block((nginx_debug,), 5000, r),
    "javax.net.debug with dumps": dumps,
}


def write_log(path, kind, megabytes):
    data, found = KINDS[kind](random.Random(kind))
    times = max(1, round(megabytes * MB / len(data)))
    with open(path, "wb") as f:
        for _ in range(times):
            f.write(data)
    return len(data) * times, found * times


def run(argv):
    """Seconds on the wall clock and of the processor, and standard output."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C"))
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if r.returncode not in (0, 1):
        sys.exit("%s: exit %d, %s" % (argv[0], r.returncode, r.stderr.decode()))
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, r.stdout


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--megabytes", type=float, default=1000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--badmac", default=os.path.join(ROOT, "build-bench", "src", "cli", "badmac"))
    p.add_argument("--only", default="", help="part of a kind's name")
    p.add_argument("--folder", help="where logs are made; in memory is fine")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    figures = []
    for kind in KINDS:
        if a.only not in kind:
            continue
        with tempfile.TemporaryDirectory(dir=a.folder) as folder:
            log = os.path.join(folder, "log")
            size, expected = write_log(log, kind, a.megabytes)
            tools = {"badmac explain": [a.badmac, "explain", "--format", "json", log], "grep -c": ["grep", "-c", "bad record", log],
                     "grep -ci": ["grep", "-ciE", "bad.record|decrypt|alert", log], "cat": ["cat", log]}
            times = {t: [] for t in tools}
            for n in range(a.runs + 1):
                for tool, argv in tools.items():
                    if tool == "cat":
                        argv = ["sh", "-c", "cat '%s' >/dev/null" % log]
                    wall, cpu, out = run(argv)
                    if n != 0:  # the first round is not counted
                        times[tool].append((wall, cpu))
                    if tool == "badmac explain":
                        found = json.loads(out)["summary"]["occurrences"]
        if not re.match("javax", kind) and found != expected:
            sys.exit("%s: %d incidents of %d" % (kind, found, expected))
        for tool, measured in times.items():
            rate = [[size / MB / s[k] for s in measured if s[k] > 0] for k in (0, 1)]
            figures.append({"log": kind, "tool": tool, "bytes": size, "incidents": found, "best": max(rate[0]),
                            "median": statistics.median(rate[0]), "processor_median": statistics.median(rate[1] or [0])})
            f = figures[-1]
            print("%-28s %-15s best %6.0f, median %6.0f MB/s; %6.0f MB a second of processor; %d incidents" % (
                kind, tool, f["best"], f["median"], f["processor_median"], found), file=sys.stderr if a.json else sys.stdout, flush=True)
    if a.json:
        print(json.dumps({"load": os.getloadavg(), "figures": figures}, indent=1))
    else:
        print("load: %.1f %.1f %.1f" % os.getloadavg())


if __name__ == "__main__":
    main()
