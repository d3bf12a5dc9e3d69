#!/usr/bin/env python3
"""Every suite, version and feature that the installed stacks can be brought to speak: the clean recording
verifies record by record, is undecided without keys, and one flipped bit is one failure in the right place."""
import os
import re
import sys
import threading
import time

import judge
import stacks
import wire
from stacks import StackError

OPENSSL_SUITES_SKIPPED = ("SRP-", "-DSS-", "PSK-")


class Suites:
    def __init__(self):
        self.lab, self.tap, self.jobs = stacks.Lab(), judge.Tap(), []
        self.counter, self.lock = 0, threading.Lock()

    def name_file(self):
        with self.lock:
            self.counter += 1
            return self.lab.path("case-%d.pcap" % self.counter)

    def judged(self, name, conversations, keys, flip=True, no_keys=True, verified=None, segment_seed=None, seq=True):
        """The three questions about one recording."""
        path = self.name_file()
        wire.write(path, wire.in_turn(conversations, segment_seed))
        if verified is None:
            verified = sum(len(c.protected()) for c in conversations)
        if verified < 4:
            raise StackError("only %d protected records were recorded" % verified)
        judge.check_clean(path, keys, verified, len(conversations))
        if judge.ORACLE:
            return
        if no_keys:
            judge.check_no_keys(path)
        if flip:
            self.flipped(name, path, conversations, keys, verified, seq)
        os.unlink(path)

    def flipped(self, name, path, conversations, keys, verified, seq):
        rng = judge.rng_for(name)
        conv = conversations[-1]
        candidates = [r for d in (0, 1) for r in conv.application(d) if len(r) > 80]
        if not candidates:
            return
        r = rng.choice(candidates)
        # The last block of a CBC record, before a MAC over it, is also the next record's IV up to TLS 1.0: spare it.
        bad, _ = conv.flip(r, rng, last_octets_spared=64 if not conv.is_tls13() and r.data[2] <= 1 else 0)
        segs = wire.segments(bad)
        wire.write(path, wire.in_turn(conversations[:-1] + [bad]))
        expected = judge.flip_expectation(bad, segs, r)
        if len(conversations) > 1:
            expected.pop("packets", None)
        if not seq:
            expected.pop("sequence_number", None)
        judge.check_one_failure(path, keys, verified - 1, expected)

    def add(self, name, function, *args, **kw):
        self.jobs.append((self.tap.case, name, lambda: function(name, *args, **kw)))

    # OpenSSL ------------------------------------------------------------------------------------

    def openssl_suite(self, name, version, suite, server_options, messages=stacks.MESSAGES):
        server = self.lab.openssl_server(*server_options)
        with server.lock2, stacks.Relay(server.port) as relay:
            chosen, _, _ = stacks.python_client(relay.port, version, suite, messages)
            conversations = relay.recorded()
        if suite and chosen != suite and version != "TLS 1.3":
            raise StackError("negotiated " + chosen)
        self.judged(name, conversations, [server.keylog])

    def add_openssl(self):
        listed = self.lab.run("openssl", "ciphers", "-v", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").decode()
        everything = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        for l in listed.splitlines():
            suite, least = l.split()[:2]
            if least == "TLSv1.3" or any(s in suite for s in OPENSSL_SUITES_SKIPPED):
                continue
            versions = ("TLS 1.2",) if least == "TLSv1.2" else ("TLS 1.0", "TLS 1.1", "TLS 1.2")
            for v in versions:
                # One key exchange is enough for the older versions: their records do not differ by it.
                if v != "TLS 1.2" and not suite.startswith(("AES", "CAMELLIA", "NULL", "ECDHE-ECDSA-AES")):
                    continue
                self.add("openssl %s %s" % (v, suite), self.openssl_suite, v, suite, everything)
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                      "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
            # The client offers no CCM of its own accord: s_client does.
            if "CCM" in suite:
                self.add("openssl TLS 1.3 " + suite, self.s_client,
                         ("-ciphersuites", suite, "-cipher", "ALL:@SECLEVEL=0"), ("-ciphersuites", suite, "-cipher",
                                                                                 "ALL:@SECLEVEL=0"))
            else:
                self.add("openssl TLS 1.3 " + suite, self.openssl_suite, "TLS 1.3", None, ("-ciphersuites", suite))
        for v, suite in (("TLS 1.0", "AES128-SHA"), ("TLS 1.1", "AES256-SHA"), ("TLS 1.2", "AES128-SHA256"),
                         ("TLS 1.2", "ECDHE-RSA-AES256-SHA384"), ("TLS 1.2", "CAMELLIA128-SHA")):
            self.add("openssl %s %s without encrypt-then-MAC" % (v, suite), self.openssl_suite, v, suite,
                     everything + ("-no_etm",))

    def s_client(self, name, client_options, server_options, messages=None, rev=True, prelude=None, prefix=b"",
                 connections=1, commands=(), own_log=False, flip=True, seq=True, no_keys=True, host=True):
        """openssl s_client against s_server -rev. commands: {before message n: b"K\\n"}."""
        log = self.name_file() + ".keys" if own_log else None
        server = self.lab.openssl_server(*server_options, keylog=log)
        messages = messages or [stacks.line(n) for n in (1, 6, 1000, 200, 4000, 7000, 33)]
        commands = dict(commands)
        with server.lock2, stacks.Relay(server.port, prelude=prelude, prefix=prefix) as relay:
            connect = ("-connect", "127.0.0.1:%d" % relay.port) if host else \
                ("-proxy", "127.0.0.1:%d" % relay.port, "-connect", "tls.example:443")
            for n in range(connections):
                options = [o if o != "@" else self.lab.path("session-%d" % n) for o in client_options]
                if n == 0 and "-sess_in" in options:
                    at = options.index("-sess_in")
                    options[at:at + 2] = []
                options = [o.replace("session-%d" % n, "session") for o in options]
                p = self.lab.start("openssl", "s_client", *connect, "-quiet", "-no_ign_eof", "-servername", "localhost",
                                   *options)
                for m_n, m in enumerate(messages):
                    if m_n in commands:
                        p.send(commands[m_n])
                        time.sleep(0.15)  # the command says nothing when it is done
                    start = len(p.out)
                    p.send(m)
                    reply = m[:-1][::-1]
                    p.wait_for(re.escape(reply[-60:]) + b"\n", start)
                p.finish()
            conversations = relay.recorded()
        if log:
            server.stop()
        self.judged(name, conversations, [server.keylog], flip=flip, seq=seq, no_keys=no_keys)
        return conversations

    def add_openssl_features(self):
        low = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        for psk in ("PSK-AES128-CBC-SHA", "PSK-AES128-CCM8", "PSK-CHACHA20-POLY1305", "DHE-PSK-AES256-CBC-SHA384",
                    "ECDHE-PSK-AES128-CBC-SHA256", "RSA-PSK-AES128-GCM-SHA256", "PSK-NULL-SHA256", "PSK-ARIA256-GCM-SHA384",
                    "PSK-CAMELLIA128-SHA256", "ECDHE-PSK-NULL-SHA"):
            self.add("openssl TLS 1.2 " + psk, self.s_client,
                     ("-tls1_2", "-psk", stacks.PSK, "-cipher", psk + ":@SECLEVEL=0"), low + ("-psk", stacks.PSK))
        self.add("openssl TLS 1.3 external PSK", self.s_client, ("-tls1_3", "-psk", stacks.PSK), low + ("-psk", stacks.PSK))
        for protocol in ("smtp", "imap", "pop3", "ftp", "postgres", "xmpp", "ldap"):
            self.add("STARTTLS " + protocol, self.s_client, ("-starttls", protocol, "-tls1_2"), low,
                     prelude=stacks.starttls_prelude(protocol))
        self.add("HTTP CONNECT", self.s_client, ("-tls1_3",), low, prelude=stacks.starttls_prelude("connect"), host=False)
        self.add("PROXY version 1", self.s_client, ("-tls1_2",), low, prefix=stacks.PROXY_V1)
        self.add("PROXY version 2", self.s_client, ("-tls1_3",), low, prefix=stacks.PROXY_V2)
        for v, suite in (("-tls1_2", "ECDHE-RSA-AES128-GCM-SHA256"), ("-tls1_2", "AES128-SHA"), ("-tls1", "AES128-SHA")):
            self.add("renegotiation %s %s" % (v[1:], suite), self.s_client, (v, "-cipher", suite + ":@SECLEVEL=0"),
                     low + ("-client_renegotiation",), commands={3: b"R\n", 5: b"R\n"})
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
            self.add("KeyUpdate of one side " + suite, self.s_client, ("-tls1_3", "-ciphersuites", suite), low,
                     commands={2: b"k\n", 4: b"k\n"}, seq=False)
            self.add("KeyUpdate of both sides " + suite, self.s_client, ("-tls1_3", "-ciphersuites", suite), low,
                     commands={2: b"K\n", 5: b"K\n"}, seq=False)
        self.add("HelloRetryRequest", self.s_client, ("-tls1_3", "-groups", "X25519:P-256"), low + ("-groups", "P-256"))
        for n in ("512", "1024", "2048", "4096"):
            self.add("max_fragment_length " + n, self.s_client, ("-tls1_2", "-maxfraglen", n), low)
        self.add("max_fragment_length TLS 1.3", self.s_client, ("-tls1_3", "-maxfraglen", "1024"), low)
        self.add("record padding", self.s_client, ("-tls1_3", "-record_padding", "512"), low + ("-record_padding", "100"))
        for v in ("-tls1_2", "-tls1_3"):
            self.add("client certificate " + v[1:], self.s_client, (v, "-cert", "rsa.crt", "-key", "rsa.key"),
                     low + ("-Verify", "1", "-verify_quiet"), seq=v == "-tls1_2")
        for v, name in (("-tls1_2", "session ticket"), ("-tls1_3", "PSK")):
            self.add("resumption by %s %s" % (name, v[1:]), self.s_client,
                     (v, "-sess_out", "resume%s" % v, "-sess_in", "resume%s" % v), low, connections=2)
        self.add("resumption by session id", self.s_client, ("-tls1_2", "-no_ticket", "-sess_out", "resume-id", "-sess_in",
                                                             "resume-id"), low + ("-no_ticket",), connections=2)
        self.add("resumption by session id TLS 1.0", self.s_client,
                 ("-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0", "-no_ticket", "-sess_out", "resume-id0", "-sess_in",
                  "resume-id0"), low + ("-no_ticket",), connections=2)
        self.add("no extended master secret", self.s_client, ("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"),
                 low + ("-no_etm",))
        self.add("no middlebox compatibility", self.s_client, ("-tls1_3", "-no_middlebox"), low)
        self.add("0-RTT", self.early_data)
        self.add("small records", self.s_client, ("-tls1_2", "-max_send_frag", "512"), low + ("-max_send_frag", "600"))

    def early_data(self, name):
        log = self.name_file() + ".keys"
        server = self.lab.openssl_server("-early_data", "-no_anti_replay", keylog=log, rev=False)
        first, early = self.lab.path("early-session"), self.lab.path("early-data")
        with open(early, "wb") as f:
            f.write(stacks.line(900) + stacks.line(3000))
        with stacks.Relay(server.port) as relay:
            for options in (("-sess_out", first), ("-sess_in", first, "-early_data", early)):
                p = self.lab.start("openssl", "s_client", "-connect", "127.0.0.1:%d" % relay.port, "-tls1_3", "-quiet",
                                   "-no_ign_eof", *options)
                stacks.chat(p, server, [stacks.line(n) for n in (10, 1000, 4000)])
                p.finish()
            conversations = relay.recorded()
        server.stop()
        self.judged(name, conversations, [log], seq=False)

    # DTLS ---------------------------------------------------------------------------------------

    def dtls_openssl(self, name, version, suite):
        log = self.name_file() + ".keys"
        server = self.lab.openssl_server(version, "-cipher", suite + ":@SECLEVEL=0", "-mtu", "1400",
                                         keylog=log, rev=False)
        with stacks.Relay(server.port, udp=True) as relay:
            p = self.lab.start("openssl", "s_client", "-connect", "127.0.0.1:%d" % relay.port, version, "-quiet",
                               "-no_ign_eof", "-mtu", "1400", "-cipher", suite + ":@SECLEVEL=0")
            stacks.chat(p, server, stacks.SMALL_MESSAGES)
            p.finish()
            conversations = relay.recorded()
        server.stop()
        self.judged(name, conversations, [log])

    def add_dtls(self):
        for version, suite in (("-dtls1", "AES128-SHA"), ("-dtls1", "ECDHE-RSA-AES256-SHA"), ("-dtls1_2", "AES128-SHA"),
                               ("-dtls1_2", "AES128-SHA256"), ("-dtls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
                               ("-dtls1_2", "ECDHE-RSA-AES256-GCM-SHA384"), ("-dtls1_2", "ECDHE-RSA-CHACHA20-POLY1305"),
                               ("-dtls1_2", "AES128-CCM"), ("-dtls1_2", "AES256-CCM8"),
                               ("-dtls1_2", "ARIA128-GCM-SHA256"), ("-dtls1_2", "CAMELLIA256-SHA"),
                               ("-dtls1_2", "NULL-SHA256")):
            self.add("openssl DTLS %s %s" % ("1.0" if version == "-dtls1" else "1.2", suite), self.dtls_openssl, version,
                     suite)

    # GnuTLS -------------------------------------------------------------------------------------

    def gnutls(self, name, version, cipher, mac, kx, etm=True, udp=False, client_options=(), commands=(),
               connections=None, verified_by_count=True):
        priority = "NONE:+VERS-%s:+%s:+%s:+%s:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%%COMPAT%s" % (
            version, cipher, mac, kx, "" if etm else ":%NO_ETM")
        port = stacks.free_port(udp)
        log = self.name_file() + ".keys"
        server = self.lab.start("gnutls-serv", "--echo", "-p", str(port), "--x509certfile", "rsa.crt", "--x509keyfile",
                                "rsa.key", "--x509certfile", "ec.crt", "--x509keyfile", "ec.key", "--priority", priority,
                                "--disable-client-cert", *(["--udp"] if udp else []))
        server.wait_for(rb"listening on|IPv4")
        with stacks.Relay(port, udp=udp) as relay:
            p = self.lab.start("gnutls-cli", "--insecure", "--no-ca-verification", "-p", str(relay.port), "--priority",
                               priority, *(["--udp"] if udp else []), *client_options, "127.0.0.1",
                               env={"SSLKEYLOGFILE": log})
            p.wait_for(rb"Simple Client Mode")
            commands = dict(commands)
            messages = [stacks.line(n) for n in (6, 700, 200, 1000, 33)] if udp else [stacks.line(n) for n in (6, 1000, 200, 3900, 2500, 33)]
            for n, m in enumerate(messages):
                if n in commands:
                    start = len(p.out)
                    p.send(commands[n])
                    p.wait_for(rb"Simple Client Mode|ReHandshake was completed|Resume Handshake was completed", start)
                stacks.echo_chat(p, [m], n)
            p.finish()
            conversations = relay.recorded()
        server.stop()
        self.judged(name, conversations, [log])

    def add_gnutls(self):
        both = [(True, ""), (False, " without encrypt-then-MAC")]
        for version in ("TLS1.0", "TLS1.1", "TLS1.2"):
            self.add("gnutls %s ARCFOUR-128 SHA1" % version, self.gnutls, version, "ARCFOUR-128", "SHA1", "RSA")
            self.add("gnutls %s ARCFOUR-128 MD5" % version, self.gnutls, version, "ARCFOUR-128", "MD5", "RSA")
            for etm, note in both:
                for cipher in ("3DES-CBC", "AES-128-CBC", "CAMELLIA-256-CBC"):
                    self.add("gnutls %s %s SHA1%s" % (version, cipher, note), self.gnutls, version, cipher, "SHA1", "RSA", etm)
        for etm, note in both:
            self.add("gnutls TLS1.2 AES-256-CBC SHA256" + note, self.gnutls, "TLS1.2", "AES-256-CBC", "SHA256", "RSA", etm)
            self.add("gnutls TLS1.2 AES-256-CBC SHA384" + note, self.gnutls, "TLS1.2", "AES-256-CBC", "SHA384", "ECDHE-RSA", etm)
        for cipher in ("AES-128-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM-8", "CAMELLIA-128-GCM"):
            self.add("gnutls TLS1.2 " + cipher, self.gnutls, "TLS1.2", cipher, "AEAD", "RSA")
        self.add("gnutls TLS1.2 CHACHA20-POLY1305", self.gnutls, "TLS1.2", "CHACHA20-POLY1305", "AEAD", "ECDHE-RSA")
        for cipher in ("AES-128-GCM", "CHACHA20-POLY1305", "AES-128-CCM", "AES-128-CCM-8"):
            self.add("gnutls TLS1.3 " + cipher, self.gnutls, "TLS1.3", cipher, "AEAD", "ECDHE-RSA")
        self.add("gnutls TLS1.2 renegotiation", self.gnutls, "TLS1.2", "AES-128-CBC", "SHA1", "RSA", True, False,
                 ("--inline-commands",), {3: b"^renegotiate^\n"})
        self.add("gnutls TLS1.2 resumption", self.gnutls, "TLS1.2", "AES-128-GCM", "AEAD", "RSA", True, False,
                 ("--inline-commands",), {3: b"^resume^\n"})
        for version, cipher, mac in (("DTLS1.0", "AES-128-CBC", "SHA1"), ("DTLS1.0", "3DES-CBC", "SHA1"),
                                     ("DTLS1.2", "AES-128-GCM", "AEAD"), ("DTLS1.2", "AES-128-CCM-8", "AEAD"),
                                     ("DTLS1.2", "AES-256-CBC", "SHA256"), ("DTLS1.2", "CAMELLIA-128-GCM", "AEAD")):
            for etm, note in both if "CBC" in cipher else both[:1]:
                self.add("gnutls %s %s %s%s" % (version, cipher, mac, note), self.gnutls, version, cipher, mac, "RSA", etm,
                         True)

    # NSS ----------------------------------------------------------------------------------------

    def nss(self, name, version, code):
        with self.lock:
            db = self.lab.path("nss")
            if not os.path.isdir(db):
                os.mkdir(db)
                self.lab.run("certutil", "-N", "-d", "sql:" + db, "--empty-password")
                self.lab.run("pk12util", "-i", "rsa.p12", "-d", "sql:" + db, "-W", "badmac")
                with open(self.lab.path("request"), "wb") as f:
                    f.write(b"GET /" + b"x" * 2000 + b" HTTP/1.0\r\n\r\n")
        port = stacks.free_port()
        server = self.lab.start("selfserv", "-d", "sql:" + db, "-n", "rsa", "-p", str(port), "-V", version + ":" + version,
                                "-c", code, "-v", env={"NSS_IGNORE_SYSTEM_POLICY": "1"})
        stacks.wait_for_port(port)
        with stacks.Relay(port) as relay:
            p = self.lab.start("tstclnt", "-D", "-h", "127.0.0.1", "-p", str(relay.port), "-V", version + ":" + version, "-c",
                               code, "-o", env={"NSS_IGNORE_SYSTEM_POLICY": "1"})
            p.send(b"GET /" + b"x" * 700 + b" HTTP/1.0\r\n\r\n")
            p.wait_for(rb"EOF")
            p.stop()  # it would look for input forever
            conversations = relay.recorded()
        server.stop()
        self.judged(name, conversations, [self.lab.path("rsa.key")])

    def add_nss(self):
        for version in ("ssl3", "tls1.0", "tls1.1", "tls1.2"):
            for code, suite in ((":0004", "RC4_128_MD5"), (":0005", "RC4_128_SHA"), (":000A", "3DES_EDE_CBC_SHA"),
                                (":002F", "AES_128_CBC_SHA"), (":0001", "NULL_MD5"), (":0002", "NULL_SHA"),
                                (":0009", "DES_CBC_SHA")):
                if version != "ssl3" and code not in (":0004", ":000A"):
                    continue
                self.add("nss %s RSA_WITH_%s, private key" % (version, suite), self.nss, version, code)
        for code, suite in ((":009C", "AES_128_GCM_SHA256"), (":003D", "AES_256_CBC_SHA256")):
            self.add("nss tls1.2 RSA_WITH_%s, private key" % suite, self.nss, "tls1.2", code)

    # Java, Go -----------------------------------------------------------------------------------

    def peer(self, name, process, port, command, keys):
        """A process that serves itself, or a server elsewhere, on command."""
        with process.turn, stacks.Relay(port) as relay:
            start = len(process.out)
            process.send((command % relay.port).encode() + b"\n")
            m = process.wait_for(rb"(done|failed)[^\n]*\n", start)
            if m.group(1) == b"failed":
                raise StackError(m.group(0).decode())
            conversations = relay.recorded()
        self.judged(name, conversations, keys)

    def add_java(self):
        self.lab.run("javac", "-d", ".", stacks.JAVA_SOURCE)
        java = self.lab.start("java", "-XX:TieredStopAtLevel=1", "-cp", ".", "TlsPeer", "rsa.p12")
        port = int(java.wait_for(rb"port (\d+)\n", timeout=60).group(1))
        java.turn = threading.Lock()
        key = [self.lab.path("rsa.key")]
        for v in ("TLSv1", "TLSv1.1", "TLSv1.2"):
            for suite in ("SSL_RSA_WITH_RC4_128_SHA", "SSL_RSA_WITH_RC4_128_MD5", "SSL_RSA_WITH_3DES_EDE_CBC_SHA",
                          "TLS_RSA_WITH_AES_128_CBC_SHA", "SSL_RSA_WITH_NULL_SHA", "SSL_RSA_WITH_DES_CBC_SHA"):
                if v == "TLSv1.2" and suite == "SSL_RSA_WITH_DES_CBC_SHA":
                    continue
                self.add("jsse %s %s, private key" % (v, suite), self.peer, java, port, "connect %%d %s %s" % (v, suite), key)
        for suite in ("TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"):
            self.add("jsse TLSv1.2 %s, private key" % suite, self.peer, java, port, "connect %%d TLSv1.2 %s" % suite, key)
        server = self.lab.openssl_server("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        for v, suite in (("TLSv1.3", "TLS_AES_128_GCM_SHA256"), ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
                         ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"), ("TLSv1", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
                         ("TLSv1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384")):
            self.add("jsse with openssl %s %s" % (v, suite), self.java_openssl, java, server, v, suite)

    def java_openssl(self, name, java, server, version, suite):
        with server.lock2:
            self.peer(name, java, server.port, "connect %%d %s %s" % (version, suite), [server.keylog])

    def add_go(self):
        program = self.lab.path("peer")
        self.lab.run("go", "build", "-o", program, stacks.GO_SOURCE,
                     env=dict(os.environ, GO111MODULE="off", GOFLAGS="", CGO_ENABLED="0"))
        log = self.lab.path("go.keys")
        go = self.lab.start(program, self.lab.dir, log)
        port = int(go.wait_for(rb"port (\d+)\n").group(1))
        go.turn = threading.Lock()
        for version, suite, words in (
                (0x0301, 0x0005, "TLS 1.0 RSA RC4"), (0x0301, 0x000a, "TLS 1.0 RSA 3DES"), (0x0301, 0xc013, "TLS 1.0 ECDHE AES CBC"),
                (0x0302, 0xc011, "TLS 1.1 ECDHE RC4"), (0x0302, 0x0035, "TLS 1.1 RSA AES256 CBC"),
                (0x0303, 0x003c, "TLS 1.2 RSA AES CBC SHA256"), (0x0303, 0xc02f, "TLS 1.2 ECDHE AES GCM"),
                (0x0303, 0xcca9, "TLS 1.2 ECDHE ECDSA ChaCha"), (0x0303, 0xc007, "TLS 1.2 ECDHE ECDSA RC4"),
                (0x0304, 0x1301, "TLS 1.3")):
            self.add("go " + words, self.peer, go, port, "connect %%d %x %x" % (version, suite), [log])

    def run(self):
        self.add_openssl()
        self.add_openssl_features()
        self.add_dtls()
        for programs, add in ((("gnutls-cli", "gnutls-serv"), self.add_gnutls),
                              (("selfserv", "tstclnt", "certutil", "pk12util"), self.add_nss),
                              (("java", "javac"), self.add_java), (("go",), self.add_go)):
            if stacks.have(*programs):
                try:
                    add()
                except StackError as e:
                    self.tap.report(programs[0] + " starts", error=str(e))
            else:
                self.tap.report(programs[0], skip="not installed")
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "3")))
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Suites().run())
