"""One recorded connection for each version and kind of MAC, with records of 1 octet to 16 KB both ways; and one whose keys
change half way. Knows which stack speaks what; refuses to know what is done to the recordings."""
import os
import re
import threading
import time

import seal
import stacks
import wire
from wire import C2S

SIZES = [40, 900, 16000, 25, 1300, 700, 30, 16001, 60, 811, 999, 1100, 45, 500]
EVERYTHING = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
NO_ENCRYPT_THEN_MAC = 1 << 19

# name: version and suite of OpenSSL, and what its server is told
OPENSSL = {
    "TLS 1.0 CBC-SHA1": ("TLS 1.0", "AES128-SHA", "mte"),
    "TLS 1.0 CBC-SHA1 EtM": ("TLS 1.0", "AES256-SHA"),
    "TLS 1.1 CBC-SHA1": ("TLS 1.1", "AES256-SHA", "mte"),
    "TLS 1.1 CBC-SHA1 EtM": ("TLS 1.1", "AES128-SHA"),
    "TLS 1.2 CBC-SHA1": ("TLS 1.2", "AES128-SHA", "mte"),
    "TLS 1.2 CBC-SHA256": ("TLS 1.2", "AES128-SHA256", "mte"),
    "TLS 1.2 CBC-SHA384": ("TLS 1.2", "ECDHE-RSA-AES256-SHA384", "mte"),
    "TLS 1.2 CBC-SHA256 EtM": ("TLS 1.2", "AES256-SHA256"),
    "TLS 1.2 CBC-SHA384 EtM": ("TLS 1.2", "ECDHE-RSA-AES256-SHA384"),
    "TLS 1.2 GCM-128": ("TLS 1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
    "TLS 1.2 GCM-256": ("TLS 1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
    "TLS 1.2 ChaCha20": ("TLS 1.2", "ECDHE-RSA-CHACHA20-POLY1305"),
    "TLS 1.2 CCM": ("TLS 1.2", "AES128-CCM"),
    "TLS 1.2 CCM_8": ("TLS 1.2", "AES256-CCM8"),
    "TLS 1.2 NULL-SHA256": ("TLS 1.2", "NULL-SHA256"),
    "TLS 1.3 GCM-128": ("TLS 1.3", None, "TLS_AES_128_GCM_SHA256"),
    "TLS 1.3 GCM-256": ("TLS 1.3", None, "TLS_AES_256_GCM_SHA384"),
    "TLS 1.3 ChaCha20": ("TLS 1.3", None, "TLS_CHACHA20_POLY1305_SHA256"),
    "TLS 1.3 CCM": ("TLS 1.3", None, "TLS_AES_128_CCM_SHA256"),
    "TLS 1.3 CCM_8": ("TLS 1.3", None, "TLS_AES_128_CCM_8_SHA256"),
}


# Records of JSSE's making; what its peer is told.
JSSE = [
    ("TLS 1.0 RC4-MD5", b"TLSv1", b"SSL_RSA_WITH_RC4_128_MD5", ("TLS1.0", "ARCFOUR-128:+MD5")),
    ("TLS 1.0 CBC-SHA1, JSSE", b"TLSv1", b"TLS_RSA_WITH_AES_128_CBC_SHA", ("TLS1.0", "AES-128-CBC:+SHA1")),
    ("TLS 1.2 GCM-256, JSSE", b"TLSv1.2", b"TLS_RSA_WITH_AES_256_GCM_SHA384", ("TLS1.2", "AES-256-GCM:+AEAD")),
]


class Family:
    """A kind of protection: two recordings, so that one can be foreign to the other, and what opens them."""

    def __init__(self, name, conv, other, keys):
        self.name, self.conv, self.other, self.keys = name, conv, other, keys
        self.sealer = seal.Sealer(conv, keys[0]) if not keys[0].endswith(".key") else None
        hello = next(r for r in conv.records(wire.S2C)).data[5:]
        self.version = int.from_bytes(hello[4:6], "big")
        self.suite = int.from_bytes(hello[39 + hello[38]:41 + hello[38]], "big")
        kind, self.key_len, self.mac, _ = seal.SUITES[self.suite]
        self.kind = kind
        self.tls13 = conv.is_tls13()
        self.etm = self.sealer.etm and kind == "cbc" if self.sealer else False
        self.mte = kind == "cbc" and not self.etm
        self.iv_chained = kind == "cbc" and self.version < 0x0302
        self.rc4 = kind == "rc4"
        # Octets of the tag that stand in the clear at the end of a record.
        self.tag = 0 if self.mte else {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48}[self.mac] if self.mac else \
            8 if kind == "ccm8" else 16
        self.front = (8 if kind in ("gcm", "ccm", "ccm8") and not self.tls13 else
                      16 if kind == "cbc" and self.version >= 0x0302 else 0)
        self.rekeyed = None


class Recorder:
    def __init__(self, lab):
        self.lab, self.java, self.lock = lab, None, threading.Lock()
        self.messages = [stacks.line(n) for n in SIZES]

    def openssl(self, name):
        version, suite, *how = OPENSSL[name]
        if suite is None and "CCM" in how[0]:  # Python's clients offer none
            return self.s_client(name)
        options = ("-ciphersuites", how[0]) if suite is None else ()
        server = self.lab.openssl_server(*EVERYTHING, *options)
        convs = []
        for _ in range(2):
            ctx = stacks.python_context(version, suite)
            if how == ["mte"]:
                ctx.options |= NO_ENCRYPT_THEN_MAC
            with server.lock2, stacks.Relay(server.port) as relay:
                stacks.python_client(relay.port, version, suite, self.messages, ctx=ctx)
                convs.append(relay.recorded()[0])
        return Family(name, convs[0], convs[1], [server.keylog])

    def s_client(self, name, commands=()):
        """commands: what s_client is told before message n."""
        version, suite, *how = OPENSSL[name]
        options = ["-tls" + version[4:].replace(".", "_").replace("1_0", "1")]
        options += ["-ciphersuites", how[0], *EVERYTHING] if suite is None else ["-cipher", suite + ":@SECLEVEL=0"]
        if how == ["mte"]:
            options.append("-no_etm")
        server = self.lab.openssl_server(*EVERYTHING, "-client_renegotiation",
                                         *(("-ciphersuites", how[0]) if suite is None else ()))
        convs = []
        for _ in range(1 if commands else 2):
            with server.lock2, stacks.Relay(server.port) as relay:
                p = self.lab.start("openssl", "s_client", "-connect", "127.0.0.1:%d" % relay.port, "-quiet", "-no_ign_eof",
                                   *options)
                for n, m in enumerate(self.messages):
                    if n in dict(commands):
                        p.send(dict(commands)[n])
                        time.sleep(0.15)  # the command says nothing when it is done
                    m = stacks.ended(m, b".end-%d" % n)
                    start = len(p.out)
                    p.send(m)
                    p.wait_for(re.escape(m[:-1][::-1][-40:]) + b"\n", start)
                p.finish()
                convs.append(relay.recorded()[0])
        if commands:
            return convs[0], server.keylog
        return Family(name, convs[0], convs[1], [server.keylog])

    def rekeyed(self, family):
        """A connection whose client changes its keys half way, twice: (conversation, key log)."""
        command = b"k\n" if family.tls13 else b"R\n"
        return self.s_client(family.name, {4: command, 9: command})

    # RC4, NULL and SSL 3.0, which OpenSSL is built without -----------------------------------------

    def java_client(self, port, version, suite):
        """Two conversations of a JSSE client with a server that answers each line with one as long."""
        with self.lock:
            if self.java is None:
                self.lab.run("javac", "-d", ".", stacks.JAVA_SOURCE)
                self.java = self.lab.start("java", "-XX:TieredStopAtLevel=1", "-cp", ".", "TlsPeer", "rsa.p12")
                self.java.wait_for(rb"port (\d+)\n", timeout=60)
            convs = []
            for _ in range(2):
                with stacks.Relay(port) as relay:
                    start = len(self.java.out)
                    self.java.send(b"connect %d %s %s\n" % (relay.port, version, suite))
                    m = self.java.wait_for(rb"(done|failed)[^\n]*\n", start)
                    if m.group(1) == b"failed":
                        raise stacks.StackError(m.group(0).decode())
                    convs.append(relay.recorded()[0])
        return convs

    def jsse(self, name, version, suite, gnutls):
        """JSSE writes records of 16 KB; GnuTLS writes down the keys."""
        log, port = self.lab.path(name.replace(" ", "-") + ".log"), stacks.free_port()
        server = self.lab.start("gnutls-serv", "--echo", "-p", str(port), "--x509certfile", "rsa.crt", "--x509keyfile",
                                "rsa.key", "--disable-client-cert", "--priority",
                                "NONE:+VERS-%s:+%s:+RSA:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%%COMPAT" % gnutls,
                                env={"SSLKEYLOGFILE": log})
        stacks.wait_for_port(port)
        convs = self.java_client(port, version, suite)
        server.stop()
        return Family(name, convs[0], convs[1], [log])

    def jsse_openssl(self, name, version, suite):
        server = self.lab.openssl_server(*EVERYTHING, "-ciphersuites", suite.decode())
        with server.lock2:
            convs = self.java_client(server.port, version, suite)
        return Family(name, convs[0], convs[1], [server.keylog])

    def go(self, name, version, suite):
        program, log = self.lab.path("peer"), self.lab.path("go.keys")
        self.lab.run("go", "build", "-o", program, stacks.GO_SOURCE,
                     env=dict(os.environ, GO111MODULE="off", GOFLAGS="", CGO_ENABLED="0"))
        go = self.lab.start(program, self.lab.dir, log)
        port = int(go.wait_for(rb"port (\d+)\n", timeout=60).group(1))
        convs = []
        for _ in range(2):
            with stacks.Relay(port) as relay:
                start = len(go.out)
                go.send(b"connect %d %x %x\n" % (relay.port, version, suite))
                go.wait_for(rb"done[^\n]*\n", start)
                convs.append(relay.recorded()[0])
        go.stop()
        return Family(name, convs[0], convs[1], [log])

    def nss(self, name, code):
        with self.lock:
            db = self.lab.path("nss")
            if not os.path.isdir(db):
                os.mkdir(db)
                self.lab.run("certutil", "-N", "-d", "sql:" + db, "--empty-password")
                self.lab.run("pk12util", "-i", "rsa.p12", "-d", "sql:" + db, "-W", "badmac")
        port, env = stacks.free_port(), {"NSS_IGNORE_SYSTEM_POLICY": "1"}
        server = self.lab.start("selfserv", "-d", "sql:" + db, "-n", "rsa", "-p", str(port), "-V", "ssl3:ssl3", "-c", code,
                                env=env)
        stacks.wait_for_port(port)
        convs = []
        for _ in range(2):
            with stacks.Relay(port) as relay:
                p = self.lab.start("tstclnt", "-D", "-h", "127.0.0.1", "-p", str(relay.port), "-V", "ssl3:ssl3", "-c", code,
                                   "-o", env=env)
                p.send(b"GET /" + b"x" * 700 + b" HTTP/1.0\r\nA: " + b"y" * 13000 + b"\r\n\r\n")
                p.wait_for(rb"EOF")
                p.stop()  # it would look for input forever
                convs.append(relay.recorded()[0])
        server.stop()
        return Family(name, convs[0], convs[1], [self.lab.path("rsa.key")])

    def all(self):
        """[(name, programs that it needs, what records it)]"""
        nss = ("selfserv", "tstclnt", "certutil", "pk12util")
        out = [("SSL 3.0 RC4-MD5", nss, lambda n: self.nss(n, ":0004")),
               ("SSL 3.0 CBC-SHA1", nss, lambda n: self.nss(n, ":002F")),
               ("TLS 1.2 RC4-SHA1", ("go",), lambda n: self.go(n, 0x0303, 0x0005))]
        for name, version, suite, gnutls in JSSE:
            out.append((name, ("java", "javac", "gnutls-serv"),
                        lambda n, v=version, s=suite, g=gnutls: self.jsse(n, v, s, g)))
        out.append(("TLS 1.3 GCM-256, JSSE", ("java", "javac", "openssl"),
                    lambda n: self.jsse_openssl(n, b"TLSv1.3", b"TLS_AES_256_GCM_SHA384")))
        return out + [(name, ("openssl",), self.openssl) for name in OPENSSL]


def middle(conv, direction, low, high):
    """Application records of a size, with some before and behind them."""
    found = [r for r in conv.protected(direction) if r.type == wire.APPLICATION]
    if conv.is_tls13():
        first = next(r.item_index for r in conv.records(C2S) if r.protected)
        found = [r for r in found if r.item_index > first]
    return [r for r in found[1:-3] if low <= len(r) <= high]
