#!/usr/bin/env python3
"""What badmac diagnose --redact leaves of a report: every capture that is told of here, at both levels, as JSON and as text.
Whatever reads as an address has to be one of those kept for documentation, and no name of a host, a file or a user that
the plain report, the log or tshark knows may stand anywhere; results, causes, offsets, packets and exit statuses are those
of the plain report. Prints TAP."""
import calendar
import concurrent.futures
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(os.path.dirname(HERE), folder) for folder in ("live", "report", "oracle"))]
from file_names import (  # noqa: E402
    LOG, SECRET, cut_off, hostile_names, long_name, places_by_name, plain_names, quoted_names, telling_names,
)
from pages import as_page  # noqa: E402
from redacted import check, path, run, shown  # noqa: E402
from secrets_kept import nothing_secret  # noqa: E402
import judge  # noqa: E402

FAILED = "damaged/tls12-aes128gcm/bitflip"


def tshark_names(capture):
    """What another program reads there."""
    r = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", "-e", "ip.addr", "-e", "ipv6.addr", "-e",
                        "tls.handshake.extensions_server_name"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    names = {w for w in re.split(r"[\t,\n]", r.stdout.decode()) if w}
    judge.want(names, "tshark reads it")
    return {n for n in names if not re.match(r"[\d.:a-f]+$", n) or not shown(ipaddress.ip_address(n))}


def with_tshark(capture, keys):
    check([path(capture)], [path(k) for k in keys], names=tshark_names(path(capture)))


def several_places(folder):
    d = path("damaged/" + folder)
    check([d + "/sender.pcap", d + "/receiver.pcap"], [d + "/keys.log"])


def again(folder):
    """The same report each time, from any number of threads."""
    d = path("damaged/" + folder)
    words = ["-k", d + "/keys.log", "--format", "json", "--redact", "all"]
    first = run(words, [d + "/receiver.pcap"])
    judge.want(first == run(words, [d + "/receiver.pcap"]) == run([*words, "-j", "2"], [d + "/receiver.pcap"]), "two runs differ")


def relative_times():
    """Distances stay, moments do not."""
    capture, keys = path("mercury/test_decrypt.pcap"), path("mercury/sslkeylogfile.log")
    plain, hidden = check([capture], [keys])
    judge.want(len(plain["connections"]) > 3, "several connections")

    def seconds(report):
        moments = [moment_of(c[k]) for c in report["connections"] for k in ("first_time", "last_time")]
        return [round(m - moments[0], 6) for m in moments]
    judge.want(seconds(plain) == seconds(hidden), "distances in time")
    judge.want(hidden["connections"][0]["first_time"].startswith("2000-01-01T00:00:00"), "the first time")


def moment_of(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


def with_logs():
    d = path(FAILED)
    _, text = run(["--format", "json", "-k", d + "/keys.log"], [d + "/receiver.pcap"])
    c = json.loads(text)["connections"][0]
    ends = {"client": c["client"].rpartition(":")[0], "server": c["server"].rpartition(":")[0],
            "server6": "fe80:0:0:0:200:F8FF:FE21:67CF"}
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "of-web01.txt")
        with open(log, "w", encoding="utf-8") as f:
            f.write(LOG.format(**ends))
        plain, hidden = check([d + "/receiver.pcap"], [d + "/keys.log"], ["--log", log],
                              names=SECRET + list(ends.values()) + [log, "of-web01.txt", folder])
        judge.want(len(plain["incidents"]) == 2, "two incidents")
        judge.want(all(i["text"] == "(hidden)" and i["time"] is None and i["time_utc"] is None for i in hidden["incidents"]), "lines")
        _, text = run(["--format", "json", "--redact", "addresses", "-k", d + "/keys.log", "--log", log], [d + "/receiver.pcap"])
        report = json.loads(text)
        judge.want(report["logs"][0]["log"] == "log-1.txt", "the log's name")
        lines = [i["text"] for i in report["incidents"]]
        judge.want("decryption failed or bad record mac" in lines[0] and "decryption failed" in lines[1], "what it says stays")
        judge.want([i["event"] for i in report["incidents"]] == [i["event"] for i in plain["incidents"]], "the events")
        # The same address in a log and on the wire is the same again.
        judge.want(report["connections"][0]["client"].rpartition(":")[0] in lines[0], "the client in %r" % lines[0])


# Of everything damaged one suite each, and more where hypotheses differ by suite.
DAMAGED = ["tls10-aes128cbc-sha/comp2", "tls12-chacha20/bitflip", "tls12-aes128gcm/drop", "tls13-aes256gcm/droprec",
           "tls12-cbc-sha256-etm/dup", "tls12-aes128gcm/inject_raw", "tls10-rc4sha-gnutls/inject_rec", "tls13-aes256gcm/lenhdr",
           "tls12-aes128gcm/replay", "tls10-aes128cbc-sha/s2c_bitflip", "tls12-cbc-sha256-mte/swap", "tls13-aes256gcm/wordswap",
           "on-the-wire/tls12-aes128gcm/comp2"]


def main():
    tap = judge.Tap()
    with open(path("expected.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    jobs = [(row[0], check, [path(row[0])], [path(row[1])] if row[1] != "-" else []) for row in rows]
    for folder in DAMAGED:
        d = path("damaged/" + folder)
        jobs.append((folder, check, [d + "/receiver.pcap"], [d + "/keys.log"]))
    for folder in ("tls12-aes128gcm/inject_raw", "tls13-aes256gcm/bitflip"):
        d = path("damaged/" + folder)
        jobs.append((folder + ", no keys", check, [d + "/receiver.pcap"]))
        jobs.append((folder + ", two places", several_places, folder))
        jobs.append((folder + ", twice", again, folder))
    jobs += [(folder + ", places by name", places_by_name, folder) for folder in DAMAGED]
    jobs += [(folder + ", HTML", as_page, folder) for folder in DAMAGED]
    jobs += [("tshark's names of mercury", with_tshark, "mercury/test_decrypt.pcap", ["mercury/sslkeylogfile.log"]),
             ("tshark's names of IPv6", with_tshark, "hotplace/testcase/tls/http/http2.pcapng", []),
             ("times", relative_times), ("logs", with_logs), ("no plaintext, no secrets", nothing_secret,
              [(d + "/receiver.pcap", [d + "/keys.log"]) for d in (path("damaged/" + f) for f in DAMAGED)]),
             ("hostile names of files", hostile_names), ("names with quotation marks", quoted_names),
             ("notices", cut_off), ("plain names of files", plain_names), ("telling names of files", telling_names),
             ("a long name", long_name)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda j: tap.case(j[0], j[1], *j[2:]), jobs))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
