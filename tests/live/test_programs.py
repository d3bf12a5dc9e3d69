#!/usr/bin/env python3
"""What servers and clients that people run write when a record is damaged between them by badmac lab relay, and what badmac
explain makes of each log; and what it makes of logs about something else. Prints TAP.
Knows which end met what; refuses to know how lines are recognised."""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import clients
import judge
import programs
import stacks
from wire import C2S, S2C

RULES = os.path.join(judge.ROOT, "data", "explain.rules")
CAUSE = "bits-flipped"


class Says:
    """What a program's log shows when a record fails: with which stack, whose log it is, and what of the two it tells at all."""

    def __init__(self, stack="openssl", program=None, endpoint=None, stage="after_handshake", version=False, local=True, peer=True,
                 count=1):
        self.stack, self.program, self.endpoint, self.stage = stack, program, endpoint, stage
        self.version, self.tells, self.count = version, {"local": local, "peer": peer}, count


NGINX = Says(program="nginx", endpoint="server")
PYTHON, RUBY = Says(program="python"), Says(program="ruby")
# It reports an error of a connection to whoever listens for it there, and the test's server listens in two places.
NODE_SERVER, NODE = Says(program="node", stage=None, count=2), Says(program="node", stage=None)
APACHE = Says(program="apache", version=True)
POSTGRES = Says(program="postgresql", endpoint="server", version=True)
STUNNEL = Says(program="stunnel")
STUNNEL_MORE = Says(program="stunnel", version=True)
ERLANG_SERVER = Says("erlang", "erlang-server", "server")
ERLANG = Says("erlang", "erlang-client", "client")
# Its client comes again.
REDIS = Says(program="redis", endpoint="server", count=None)
CURL = Says(program="curl", endpoint="client", version=True)
# wget sends no alert, and of one that it gets it does not say which.
WGET = Says("gnutls", "wget", "client", stage=None, peer=False)
NO_ALERT = Says(program="apache", version=True, peer=False)
# HAProxy's log has a word for failed handshakes alone, redis-cli's has none.
HAPROXY, REDIS_CLI = Says(local=False, peer=False), Says(local=False, peer=False)
PSQL = Says(program="libpq", endpoint="client")
PSYCOPG = Says(program="psycopg", endpoint="client")

PAIRS = [
    (programs.Nginx, NGINX, clients.curl, CURL),
    (programs.NginxDebug, NGINX, clients.requests, PYTHON),
    (programs.Apache, APACHE, clients.ruby, RUBY),
    (programs.Apache, NO_ALERT, clients.wget, WGET),
    (programs.Haproxy, HAPROXY, clients.python, PYTHON),
    (programs.Node, NODE_SERVER, clients.node, NODE),
    (programs.Python, PYTHON, clients.curl, CURL),
    (programs.Ruby, RUBY, clients.python, PYTHON),
    (programs.Redis, REDIS, clients.redis_cli, REDIS_CLI),
    (programs.Postgres, POSTGRES, clients.psql, PSQL),
    (programs.Postgres, POSTGRES, clients.psycopg2, PSYCOPG),
    (programs.Stunnel, STUNNEL, clients.stunnel, STUNNEL_MORE),
    (programs.StunnelDebug, STUNNEL_MORE, clients.stunnel, STUNNEL_MORE),
    (programs.Erlang, ERLANG_SERVER, clients.erlang, ERLANG),
]

# TLS 1.3. Ruby is not told by wget.
IN_THE_HANDSHAKE = [
    (programs.Nginx, NGINX, clients.python, PYTHON),
    (programs.Apache, Says(program="apache"), clients.ruby, RUBY),
    (programs.Haproxy, Says(program="haproxy"), clients.curl, Says(program="curl", endpoint="client")),
    (programs.Redis, REDIS, clients.redis_cli, Says(program="redis-cli", endpoint="client")),
    (programs.Perl, Says(program="perl"), clients.perl, Says(program="perl")),
    (programs.Ruby, Says(program="ruby", peer=False), clients.wget, WGET),
]


class FlipInOpenvpn:
    """The same inside OpenVPN's control packets over TCP: a length, then opcode, session, acknowledgements, number, TLS."""

    def __init__(self, direction):
        self.direction, self.held, self.done = direction, b"", False

    def __call__(self, direction, data):
        if direction != self.direction:
            return data
        out, self.held = b"", self.held + data
        while len(self.held) >= 2 and len(self.held) >= 2 + int.from_bytes(self.held[:2], "big"):
            n = 2 + int.from_bytes(self.held[:2], "big")
            packet, self.held = bytearray(self.held[:n]), self.held[n:]
            if packet[2] >> 3 == 4:  # P_CONTROL_V1
                at = 12 + (4 * packet[11] + 8 if packet[11] else 0) + 4
                if at < n and packet[at] == stacks.APPLICATION_DATA and not self.done:
                    packet[-1] ^= 1
                    self.done = True
            out += packet
        return out


class LabRelay:
    """badmac lab relay in front of a port, as one would run it."""

    def __init__(self, port, *words):
        self.child = subprocess.Popen([judge.find_badmac(), "lab", "relay", "--listen", "0", "--to", "127.0.0.1:%d" % port, *words],
                                      stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
        self.port = int(re.search(r":(\d+)$", self.child.stderr.readline()).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.said = self.child.communicate(timeout=20)[1]


def explain(log):
    r = subprocess.run([judge.find_badmac(), "explain", "--format", "json", "-"], input=log, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    judge.want(r.returncode in (0, 1, 3), "exit %d: %s" % (r.returncode, r.stderr[-400:]))
    return r.returncode, json.loads(r.stdout)


def advice(program):
    """What the rules advise for a program."""
    with open(RULES, encoding="utf-8") as f:
        section = re.search(r"(?ms)^\[program %s\]$(.*?)(?=^\[)" % re.escape(program), f.read()).group(1)
    return {l.split(" | ")[0] for l in re.findall(r"(?m)^next: (.*)$", section)}


def check_silent(log):
    rc, report = explain(log)
    judge.want(rc == 0 and not report["incidents"], "exit %d of %r" % (rc, log[-1500:]))
    return {o["what"] for o in report["others"]}


def check(log, says, detected, version=None, stage=None):
    """One incident, and everything that is told of it."""
    if not says.tells[detected]:
        check_silent(log)
        return
    rc, report = explain(log)
    found, tail = report["incidents"], "%r" % log[-1500:]
    judge.want(rc == 1 and len(found) == 1, "exit %d, %d incidents in %s" % (rc, len(found), tail))
    i = found[0]
    got = {k: i[k] for k in ("stack", "program", "detected_by", "endpoint", "stage", "doubtful", "count")
           if k != "count" or says.count is not None}
    wanted = {"stack": says.stack, "program": says.program, "detected_by": detected, "endpoint": says.endpoint,
              "stage": stage or says.stage, "doubtful": False}
    if says.count is not None:
        wanted["count"] = says.count
    judge.want(got == wanted, "%s instead of %s: %s" % (got, wanted, tail))
    way = says.endpoint and (says.endpoint == "client") == (detected == "local")
    ways = {True: "server_to_client", False: "client_to_server", None: None}
    judge.want(i["direction"] == ways[way], "%s: %s" % (i["direction"], tail))
    if version and says.version:
        judge.want(i["version"] == "TLS " + version and i["cipher_suite"], "%s %s: %s" % (i["version"], i["cipher_suite"], tail))
    judge.want(i["version"] in (None, "TLS " + str(version)), "%s: %s" % (i["version"], tail))
    judge.want(CAUSE in [c["cause"] for c in i["causes"]] and CAUSE not in [c["cause"] for c in i["ruled_out"]], "causes: %s" % tail)
    missing = advice(says.program) - {s["what"] for s in i["next_steps"]}
    judge.want(not missing, "no word of %s: %s" % (missing, tail))


class Programs:
    def __init__(self):
        self.lab, self.tap, self.servers = stacks.Lab(), judge.Tap(), {}

    def server(self, kind):
        if kind not in self.servers:
            self.servers[kind] = kind(self.lab)
        return self.servers[kind]

    def with_relay(self, server, client, version, direction, ask):
        """ask(port) through a relay; what it gave."""
        if isinstance(server, programs.Postgres):
            # A request for TLS goes before it, which no relay for TLS from the first octet on takes in. The third query:
            # behind what is sent to log in, and in TLS 1.3 behind Finished, or the server's five messages and two tickets.
            nth = 4 if version == "1.2" else 5 if direction == C2S else 10
            with stacks.Relay(server.port, tamper=stacks.Flip(direction, nth, {C2S: 8, S2C: 1})) as relay:
                return ask(self.lab, relay.port, version)
        record = 0 if client in (clients.curl, clients.node) else 3
        way = "c2s" if direction == C2S else "s2c"
        with LabRelay(server.port, "--fault", "%s:direction=%s,record=%d" % (CAUSE, way, record)) as relay:
            log = ask(self.lab, relay.port, version)
        judge.want("faults put in" in relay.said and ", 0 faults" not in relay.said, relay.said)
        return log

    def asked(self, server, client, version, direction):
        """Where in the server's log that begins, and what the client wrote."""
        for _ in range(12):
            mark = len(server.log())
            log = self.with_relay(server, client, version, direction, client)
            # Where wget finds something to be read at the wrong moment, it takes the failure for nothing: on a busy machine
            # every other time.
            if not (client is clients.wget and direction == S2C and b"No data received" in log):
                return mark, log
        raise stacks.StackError("wget did not read what failed: %r" % log[-300:])

    def pair(self, kind, server_says, client, client_says, version, direction):
        server = self.server(kind)
        mark, log = self.asked(server, client, version, direction)
        at_server, at_client = ("local", "peer") if direction == C2S else ("peer", "local")
        pattern = rb"(?i)bad record mac|cipher operation failed" if server_says.tells[at_server] else None
        written = server.since(mark, pattern)
        if pattern:
            time.sleep(0.03)  # for the lines that follow
            written = server.log()[mark:]
            if at_server == "peer" and not re.search(pattern, written) and re.search(rb"(?i)reset by peer|broken pipe|EOF occurred", written):
                # A client that closes with octets unread resets the connection, and its alert may be lost with them.
                raise stacks.StackError("no alert reached the server: %r" % written[-600:])
        check(written, server_says, at_server, version)
        check(log, client_says, at_client, version)

    def handshake(self, kind, server_says, client, client_says, direction):
        """TLS 1.3: the first encrypted record of a direction, in which client or server finish the handshake."""
        server = self.server(kind)
        mark = len(server.log())
        with stacks.Relay(server.port, tamper=stacks.Flip(direction, 1)) as relay:
            log = client(self.lab, relay.port, "1.3")
        tells = server_says.tells["local" if direction == C2S else "peer"]
        written = server.since(mark, rb"(?i)bad record mac|handshake failure" if tells else None)
        if direction == C2S:
            check(written, server_says, "local", "1.3", "handshake" if server_says.stage else None)
        else:
            check(written, server_says, "peer", "1.3", "handshake" if server_says.stage else None)
            check(log, client_says, "local", "1.3", "handshake" if client_says.stage else None)

    def openvpn(self, version, direction):
        """Its control channel is TLS; the one that meets the record writes of it."""
        relays = []

        def relay(port):
            relays.append(stacks.Relay(port, tamper=FlipInOpenvpn(direction)))
            return relays[0].port
        try:
            logs = clients.openvpn(self.lab, relay, version)
        finally:
            for r in relays:
                r.close()
        check(logs[0 if direction == C2S else 1], Says(program="openvpn", stage=None), "local")

    # Logs about something else ---------------------------------------------------------------------------------

    def not_trusted(self, client, *more):
        """A certificate that the client does not take."""
        others = check_silent(clients.run_client(self.lab, *more))
        judge.want("certificate" in others, "%s: %s" % (client, others))

    def plain_http(self, kind):
        server = self.server(kind)
        mark = len(server.log())
        with socket.create_connection(("127.0.0.1", server.port), timeout=3) as c:
            c.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            c.settimeout(1)
            try:
                c.recv(1000)
            except OSError:
                pass
        time.sleep(0.1)
        check_silent(server.log()[mark:] + b"\n")

    def cut(self, kind, client, how):
        """A connection that ends in its midst, orderly or with a reset."""
        server = self.server(kind)
        mark = len(server.log())
        with Cutter(server.port, how) as cutter:
            log = client(self.lab, cutter.port, "1.3")
        time.sleep(0.05)
        check_silent(log + b"\n")
        check_silent(server.log()[mark:] + b"\n")

    def no_tls_there(self, client):
        port = stacks.free_port()
        threading.Thread(target=programs.echo, args=(port,), daemon=True).start()
        stacks.wait_for_port(port)
        check_silent(client(self.lab, port, "1.3") + b"\n")

    # Beside a capture ------------------------------------------------------------------------------------------

    def tied(self, version, direction):
        """Three connections, one of which fails: the logs of nginx and of a Python client lead to it."""
        server, folder = self.server(programs.Nginx), self.lab.path("tied-%s-%s" % (version, direction))
        keys, mark = folder + ".keys", len(server.log())
        way = "c2s" if direction == C2S else "s2c"
        fault = "%s:direction=%s,record=3" % (CAUSE, way)
        with LabRelay(server.port, "--fault", fault, "--record", folder, "--keys", keys) as relay:
            logs = [b""]
            for n, code in enumerate((clients.PYTHON_ONCE, clients.PYTHON_CLIENT, clients.PYTHON_ONCE)):
                code = clients.PYTHON_LOGGED % code
                logs.append(clients.run_client(self.lab, "/usr/bin/python3", "-c", code, str(relay.port), version,
                                                env={"SSLKEYLOGFILE": keys}))
        ends = {}
        for name, text in (("client", b"".join(logs)), ("server", server.since(mark, rb"bad record mac"))):
            ends[name] = "%s-%s.log" % (folder, name)
            with open(ends[name], "wb") as f:
                f.write(text)
        with open(os.path.join(folder, "truth.json"), encoding="ascii") as f:
            truth = json.load(f)["faults"]
        judge.want(len(truth) == 1, "%d faults" % len(truth))
        rc, report, err = judge.diagnose(os.path.join(folder, "receiver.pcapng"),
                                         args=["--log", ends["client"], "--log", ends["server"]])
        judge.want(rc == 1 and len(report["incidents"]) == 2, "exit %d, %s, %s" % (rc, err, report and report["incidents"]))
        for i in report["incidents"]:
            told = (i["connection"], i["failure"])
            judge.want(told == (truth[0]["connection"], 0) and i["sure"] in ("certain", "likely", "possible") and
                       not [c for c in i["contradictions"] if "direction" in c], "%s, truth %s" % (i, truth[0]))

    def run(self):
        for kind, server_says, client, client_says in PAIRS:
            # Under TLS 1.3 wget may say no more than "No data received".
            for version in ("1.2", "1.3") if client is not clients.wget else ("1.2",):
                for name, direction in (("server", C2S), ("client", S2C)):
                    title = "%s and %s, TLS %s, damaged to the %s" % (kind.name, client.__name__, version, name)
                    if self.can(title, kind.needs, client.__name__):
                        self.tap.case(title, self.pair, kind, server_says, client, client_says, version, direction)
        for kind, says, client, client_says in IN_THE_HANDSHAKE:
            for name, direction in (("server", C2S), ("client", S2C)):
                title = "%s and %s, damaged to the %s in the handshake" % (kind.name, client.__name__, name)
                if self.can(title, kind.needs, client.__name__):
                    self.tap.case(title, self.handshake, kind, says, client, client_says, direction)
        for version, direction, name in (("1.2", C2S, "server"), ("1.2", S2C, "client"), ("1.3", S2C, "client")):
            title = "openvpn, TLS %s, damaged to the %s" % (version, name)
            if self.can(title, "openvpn"):
                self.tap.case(title, self.openvpn, version, direction)
        self.something_else()
        for version in ("1.2", "1.3"):
            for name, direction in (("server", C2S), ("client", S2C)):
                title = "logs of nginx and python beside the capture, TLS %s, damaged to the %s" % (version, name)
                if self.can(title, "nginx"):
                    self.tap.case(title, self.tied, version, direction)
        self.lab.close()
        return self.tap.end()

    def something_else(self):
        port = self.server(programs.Nginx).port if programs.find("nginx") else 0
        url = "https://127.0.0.1:%d/" % port  # not every machine knows localhost
        for client, more in (("curl", ["-sSv", url]), ("wget", ["-O", "/dev/null", url]),
                             ("node", ["-e", "require('https').get('%s')" % url]),
                             ("ruby", ["--disable-gems", "-e", "require 'net/http'; Net::HTTP.get(URI('%s'))" % url]),
                             ("python3", ["-c", "import urllib.request as u; u.urlopen('%s')" % url])):
            title = "%s meets a certificate that it does not trust" % client
            if self.can(title, "nginx", client):
                self.tap.case(title, self.not_trusted, client, programs.find(client), *more)
        for kind in (programs.Nginx, programs.Apache, programs.Haproxy, programs.Node, programs.Python, programs.Ruby, programs.Redis,
                     programs.Stunnel, programs.Erlang):
            title = "%s is asked in the clear" % kind.name
            if self.can(title, kind.needs):
                self.tap.case(title, self.plain_http, kind)
        for kind, client in ((programs.Nginx, clients.curl), (programs.Apache, clients.wget), (programs.Node, clients.node),
                             (programs.Python, clients.python), (programs.Ruby, clients.ruby), (programs.Redis, clients.redis_cli)):
            for how in ("reset", "closed"):
                title = "%s and %s, %s in the midst" % (kind.name, client.__name__, how)
                if self.can(title, kind.needs, client.__name__):
                    self.tap.case(title, self.cut, kind, client, how)
        for client in (clients.curl, clients.wget, clients.node, clients.ruby, clients.python, clients.psql, clients.redis_cli):
            title = "%s meets what is no TLS" % client.__name__
            if self.can(title, client.__name__):
                self.tap.case(title, self.no_tls_there, client)

    def can(self, title, *needs):
        """False, and said: what is not there is not run."""
        names = {"requests": "python3", "python": "python3", "psycopg2": "python3", "redis_cli": "redis-cli", "stunnel": "stunnel4",
                 "erlang": "erl"}
        missing = [n for n in (names.get(n, n) for n in needs) if not programs.find(n)]
        if missing and re.search(self.tap.only, title):
            self.tap.report(title, skip="%s is not there" % missing[0])
        return not missing


class Cutter:
    """Passes a connection on until some octets have come back from the server, and cuts it."""

    def __init__(self, port, how):
        self.to, self.how, self.closing = port, how, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.thread.join(5)
        self.listener.close()

    def _accept(self):
        self.listener.settimeout(0.05)
        while not self.closing:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                continue
            with conn, socket.create_connection(("127.0.0.1", self.to)) as out:
                self._pass(conn, out)

    def _pass(self, conn, out):
        back = 0
        conn.settimeout(0.02)
        out.settimeout(0.02)
        while back < 1000 and not self.closing:
            for a, b in ((conn, out), (out, conn)):
                try:
                    data = a.recv(400)
                except OSError:
                    continue
                if not data:
                    return
                back += len(data) if a is out else 0
                b.sendall(data)
        if self.how == "reset":
            for s in (conn, out):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


if __name__ == "__main__":
    sys.exit(Programs().run())
