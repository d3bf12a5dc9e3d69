"""Runs real TLS stacks on loopback and records what they say through a relay, so no privilege is needed.
Knows how each stack is started; refuses to know what badmac makes of the recording."""
import atexit
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import wire

TIMEOUT_S = 8
APPLICATION_DATA = 0x17
JAVA_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "TlsPeer.java")
GO_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.go")
PSK = "6170697468656b65"


class StackError(Exception):
    """A stack did not do its part: nothing was recorded that could be judged."""


def have(*programs):
    return all(shutil.which(p) for p in programs)


class Process:
    """A child whose output is collected as it comes."""

    def __init__(self, argv, env=None, cwd=None):
        self.argv, self.out, self.lock = argv, b"", threading.Condition()
        full = dict(os.environ)
        full.update(env or {})
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env=full, cwd=cwd)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            b = os.read(self.child.stdout.fileno(), 65536)
            with self.lock:
                if not b:
                    self.lock.notify_all()
                    return
                self.out += b
                self.lock.notify_all()

    def wait_for(self, pattern, start=0, timeout=TIMEOUT_S):
        deadline = time.monotonic() + timeout
        with self.lock:
            while True:
                m = re.compile(pattern, re.S).search(self.out, start)
                if m:
                    return m
                left = deadline - time.monotonic()
                if left <= 0 or (not self.thread.is_alive() and self.child.poll() is not None):
                    raise StackError("%s: no %r in %r" % (" ".join(self.argv[:3]), pattern, self.out[-600:]))
                self.lock.wait(min(left, 0.2))

    def wait_octets(self, count, start, timeout=TIMEOUT_S):
        self.wait_for(b".{%d}" % count if count < 30000 else b".{30000}", start, timeout)

    def send(self, data):
        try:
            self.child.stdin.write(data)
            self.child.stdin.flush()
        except (BrokenPipeError, ValueError) as e:
            raise StackError("%s: %s, %r" % (" ".join(self.argv[:3]), e, self.out[-600:]))

    def finish(self, timeout=TIMEOUT_S):
        try:
            self.child.stdin.close()
        except OSError:
            pass
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            return None

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(2)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.thread.join(2)
        for f in (self.child.stdin, self.child.stdout):
            try:
                f.close()
            except OSError:
                pass


def free_port(udp=False):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, timeout=TIMEOUT_S):
    """Until a listening socket shows in the kernel's table: asking by connecting would disturb the server."""
    deadline = time.monotonic() + timeout
    needle = ":%04X " % port
    while time.monotonic() < deadline:
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as f:
                for row in f.readlines()[1:]:
                    words = row.split()
                    if (words[1] + " ").endswith(needle) and words[3] == "0A":
                        return
        time.sleep(0.02)
    raise StackError("nothing listens on port %d" % port)


class Flip:
    """Flips a bit of the nth record of type application data, once; behind what goes before TLS in either direction."""

    def __init__(self, direction, nth, before=None):
        self.direction, self.nth, self.before, self.n, self.held, self.done = direction, nth, dict(before or {}), 0, b"", False

    def __call__(self, direction, data):
        k = min(self.before.get(direction, 0), len(data))
        self.before[direction] = self.before.get(direction, 0) - k
        if direction != self.direction or self.done:
            return data
        out, self.held = bytearray(data[:k]), self.held + data[k:]
        while len(self.held) >= 5 and len(self.held) >= 5 + int.from_bytes(self.held[3:5], "big"):
            n = 5 + int.from_bytes(self.held[3:5], "big")
            record, self.held = bytearray(self.held[:n]), self.held[n:]
            if record[0] == APPLICATION_DATA and not self.done:
                self.n += 1
                if self.n == self.nth:
                    record[-1] ^= 1
                    self.done = True
            out += record
        if self.done:
            out, self.held = out + self.held, b""
        return bytes(out)


class Relay:
    """Stands between client and server and writes down what it passes on, in order.
    prelude(socket, say): speaks the cleartext part with the client before the server is called;
    say(direction, bytes) writes it down. prefix: written down as sent by the client first, not passed on.
    tamper(direction, bytes) -> bytes: what is passed on instead; record says whether the sender's
    or the receiver's side of it is written down."""

    def __init__(self, port, udp=False, prelude=None, prefix=b"", tamper=None, record="received"):
        self.port_to, self.udp, self.prelude, self.prefix = port, udp, prelude, prefix
        self.tamper, self.record = tamper, record
        self.conversations, self.threads, self.closing = [], [], False
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        if not udp:
            self.sock.listen(16)
        t = threading.Thread(target=self._datagrams if udp else self._accept, daemon=True)
        t.start()
        self.main = t

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing = True
        for t in self.threads:
            t.join(5)
        self.main.join(2)
        self.sock.close()

    def recorded(self):
        """Waits for the connections to end; gives those that carried something."""
        for t in self.threads:
            t.join(5)
        if self.udp:
            time.sleep(0.1)
        for c in self.conversations:
            c.end()
        return [c for c in self.conversations if c.items]

    def _conversation(self):
        n = len(self.conversations)
        c = wire.Conversation(self.udp, client=("192.0.2.1", 49152 + n))
        self.conversations.append(c)
        return c

    def _accept(self):
        while not self.closing:
            if not select.select([self.sock], [], [], 0.05)[0]:
                continue
            conn, _ = self.sock.accept()
            t = threading.Thread(target=self._connection, args=(conn, self._conversation()), daemon=True)
            self.threads.append(t)
            t.start()

    def _connection(self, conn, conv):
        if self.prefix:
            conv.items.append(wire.Item(wire.C2S, self.prefix, "raw"))
        if self.prelude:
            self.prelude(conn, lambda d, b: conv.items.append(wire.Item(d, b, "raw")))
        out = socket.create_connection(("127.0.0.1", self.port_to))
        for s in (conn, out):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = {conn: (wire.C2S, out), out: (wire.S2C, conn)}
        reading = {conn, out}
        try:
            while reading and not self.closing:
                for s in select.select(list(reading), [], [], 0.1)[0]:
                    d, other = ends[s]
                    try:
                        b = s.recv(65536)
                    except ConnectionError:
                        b = b""
                    if b:
                        passed = self.tamper(d, b) if self.tamper else b
                        conv.feed(d, b if self.record == "sent" else passed)
                        try:
                            other.sendall(passed)
                        except OSError:
                            pass  # the other side is gone; what was sent was sent
                    else:
                        reading.discard(s)
                        try:
                            other.shutdown(socket.SHUT_WR)
                        except OSError:
                            pass
        finally:
            conn.close()
            out.close()

    def _datagrams(self):
        peers = {}
        while not self.closing:
            socks = [self.sock] + [p[0] for p in peers.values()]
            for s in select.select(socks, [], [], 0.05)[0]:
                if s is self.sock:
                    b, addr = s.recvfrom(65536)
                    if addr not in peers:
                        up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        up.connect(("127.0.0.1", self.port_to))
                        peers[addr] = (up, self._conversation(), addr)
                    up, conv, _ = peers[addr]
                    conv.feed(wire.C2S, b)
                    try:
                        up.send(b)
                    except OSError:
                        pass
                else:
                    up, conv, addr = next(p for p in peers.values() if p[0] is s)
                    try:
                        b = s.recv(65536)
                    except OSError:
                        continue
                    conv.feed(wire.S2C, b)
                    self.sock.sendto(b, addr)
        for up, _, _ in peers.values():
            up.close()


def line(n, fill=b"badmac "):
    """n octets, the last a newline."""
    return (fill * (n // len(fill) + 1))[:n - 1] + b"\n"


# 1 octet to more than a record: the last is three lines, sent as one.
MESSAGES = [line(1), line(6), line(1000), line(200), line(4000), line(16000) * 2 + line(9000), line(33)]
SMALL_MESSAGES = [line(1), line(6), line(1000), line(200), line(1300), line(33)]


class Lab:
    """Certificates, servers and a folder, all gone at the end."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="badmac-live-")
        self.processes, self.servers, self.lock = [], {}, threading.RLock()
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(self.close() or 1))
        self._certificates()

    def close(self):
        for p in self.processes:
            p.stop()
        self.processes = []
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *argv, **kw):
        r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.dir, timeout=120, **kw)
        if r.returncode:
            raise StackError("%s: %s" % (" ".join(argv[:3]), r.stdout[-600:]))
        return r.stdout

    def start(self, *argv, env=None):
        p = Process(list(argv), env=env, cwd=self.dir)
        with self.lock:
            self.processes.append(p)
        return p

    def _certificates(self):
        for name, key in (("rsa", ["-newkey", "rsa:2048"]),
                          ("ec", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])):
            self.run("openssl", "req", "-x509", *key, "-nodes", "-keyout", name + ".key", "-out", name + ".crt",
                     "-subj", "/CN=localhost", "-days", "30", "-addext", "subjectAltName=DNS:localhost")
            self.run("openssl", "pkcs12", "-export", "-inkey", name + ".key", "-in", name + ".crt", "-name", name,
                     "-passout", "pass:badmac", "-out", name + ".p12")

    def openssl_server(self, *options, keylog=None, rev=True):
        """An s_server that answers each line with its reverse; shared by those who ask with the same options."""
        with self.lock:
            kept = self.servers.get(options) if rev and keylog is None else None
            if kept:
                return kept
            log = keylog or self.path("keys-%d.log" % len(self.processes))
            p = self.start("openssl", "s_server", "-accept", "127.0.0.1:0", "-key", "rsa.key", "-cert", "rsa.crt",
                           "-dkey", "ec.key", "-dcert", "ec.crt", "-keylogfile", log,
                           *(["-rev"] if rev else []), *options)
            m = p.wait_for(rb"ACCEPT \S*?:(\d+)\r?\n")
            p.port, p.keylog = int(m.group(1)), log
            p.lock2 = threading.Lock()
            if rev and keylog is None:
                self.servers[options] = p
            return p


VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1,
            "TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


def python_context(version, ciphers=None):
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    ctx.set_ciphers((ciphers or "ALL") + ":@SECLEVEL=0")
    ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    return ctx


def python_client(port, version, ciphers=None, messages=MESSAGES, ctx=None, session=None):
    """libssl through Python's ssl module: every write as large as it is given. Gives (suite, session, resumed)."""
    ctx = ctx or python_context(version, ciphers)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as raw:
            with ctx.wrap_socket(raw, server_hostname="localhost", session=session) as s:
                for m in messages:
                    s.sendall(m)
                    got = 0
                    while got < len(m):
                        b = s.recv(65536)
                        if not b:
                            raise StackError("server went away")
                        got += len(b)
                facts = s.cipher()[0], s.session, s.session_reused
                try:
                    s.unwrap()
                except (ssl.SSLError, OSError):
                    pass
                return facts
    except (ssl.SSLError, OSError) as e:
        raise StackError(str(e))


def ended(text, mark):
    """A line whose end occurs nowhere else in what is sent: seen at the other end, all of the line is there."""
    return text[:-1] + mark + b"\n"


def chat(client, server, messages):
    """Lines both ways over two programs' standard input: each line is waited for at the other end."""
    for n, m in enumerate(messages):
        for sender, receiver, who in ((client, server, b"c"), (server, client, b"s")):
            mark = b".end-%s%d" % (who, n)
            start = len(receiver.out)
            sender.send(ended(m, mark))
            receiver.wait_for(re.escape(mark) + rb"\r?\n", max(0, start - 50))


def echo_chat(client, messages, first=0):
    """Lines to a server that echoes each. first: the number of the first, so that no two lines end alike."""
    for n, m in enumerate(messages, first):
        mark = b".end-e%d" % n
        start = len(client.out)
        client.send(ended(m, mark))
        client.wait_for(re.escape(mark) + rb"\r?\n", start)


def starttls_prelude(protocol):
    """The cleartext part of a server that openssl s_client -starttls can talk to."""
    def line_from(f, say):
        b = f.readline()
        say(wire.C2S, b)
        return b

    def speak(conn, say):
        f = conn.makefile("rb", buffering=0)

        def tell(b):
            say(wire.S2C, b)
            conn.sendall(b)
        if protocol == "smtp":
            tell(b"220 mail.example ESMTP\r\n")
            line_from(f, say)
            tell(b"250-mail.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
            line_from(f, say)
            tell(b"220 go ahead\r\n")
        elif protocol == "imap":
            tell(b"* OK ready\r\n")
            line_from(f, say)
            tell(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n")
            line_from(f, say)
            tell(b". OK begin TLS\r\n")
        elif protocol == "pop3":
            tell(b"+OK ready\r\n")
            line_from(f, say)
            tell(b"+OK begin TLS\r\n")
        elif protocol == "ftp":
            tell(b"220 ready\r\n")
            line_from(f, say)
            tell(b"234 go ahead\r\n")
        elif protocol == "postgres":
            b = f.read(8)
            say(wire.C2S, b)
            tell(b"S")
        elif protocol == "xmpp":
            say(wire.C2S, conn.recv(4096))
            tell(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/"
                 b"streams' id='1' version='1.0'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                 b"</stream:features>")
            say(wire.C2S, conn.recv(4096))
            tell(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        elif protocol == "ldap":
            say(wire.C2S, conn.recv(4096))
            tell(bytes.fromhex("300c02010178070a010004000400"))
        elif protocol == "connect":
            while True:
                b = line_from(f, say)
                if b in (b"\r\n", b""):
                    break
            tell(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            raise ValueError(protocol)
    return speak


PROXY_V1 = b"PROXY TCP4 192.0.2.1 198.51.100.7 49152 443\r\n"
PROXY_V2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 7]) +
            (49152).to_bytes(2, "big") + (443).to_bytes(2, "big"))
