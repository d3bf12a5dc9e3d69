#!/usr/bin/env python3
"""What real stacks print when a record is damaged on its way, and what badmac explain makes of it: a byte of an
application data record is flipped in a relay. Prints TAP."""
import json
import os
import re
import ssl
import subprocess
import sys
import traceback

import judge
import stacks
from wire import C2S, S2C

def explain(log, rules=()):
    r = subprocess.run([judge.find_badmac(), "explain", "--format", "json", "-"], input=log, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    if r.returncode not in (0, 1, 3):
        raise judge.Mismatch("exit %d: %s" % (r.returncode, r.stderr[-400:]))
    return json.loads(r.stdout)["incidents"]


def one(log, stack, detected, program="any", **more):
    """The one incident of a log; more: what else it must say."""
    found = explain(log)
    if len(found) != 1:
        raise judge.Mismatch("%d incidents in %r" % (len(found), log[-1500:]))
    i = found[0]
    got = {k: i[k] for k in ("stack", "detected_by", *more)}
    wanted = dict(more, stack=stack, detected_by=detected)
    if got != wanted or (program != "any" and i["program"] != program):
        raise judge.Mismatch("%s, %s instead of %s: %r" % (got, i["program"], wanted, log[-1500:]))
    return i


class Logs:
    def __init__(self):
        self.lab, self.tap = stacks.Lab(), judge.Tap()

    def openssl_python(self, version, direction):
        """A Python client with s_server: one of them detects, the other one is told."""
        server = self.lab.openssl_server("-tls1_2" if version == "TLS 1.2" else "-tls1_3")
        log, start = b"", len(server.out)
        with server.lock2, stacks.Relay(server.port, tamper=stacks.Flip(direction, 3)) as relay:
            try:
                stacks.python_client(relay.port, version, messages=stacks.SMALL_MESSAGES)
            except (ssl.SSLError, OSError, stacks.StackError):
                log = traceback.format_exc().encode()
        if direction == S2C:
            one(log, "openssl", "local", "python")
            return
        server.wait_for(rb"bad record mac", start)
        one(server.out[start:], "openssl", "local")
        if b"alert" in log.lower():
            one(log, "openssl", "peer", "python")

    def openssl_clients(self):
        """s_client, told by s_server."""
        server = self.lab.openssl_server("-tls1_2")
        with server.lock2, stacks.Relay(server.port, tamper=stacks.Flip(C2S, 2)) as relay:
            client = self.lab.start("openssl", "s_client", "-connect", "127.0.0.1:%d" % relay.port, "-tls1_2")
            client.wait_for(rb"Verify return code")
            for n in range(3):
                client.send(b"line %d\n" % n)
                try:
                    client.wait_for(rb"%d enil" % n, timeout=2)
                except stacks.StackError:
                    break
            client.finish()
        client.wait_for(rb"alert bad record mac")
        i = one(client.out, "openssl", "peer", version="TLS 1.2")
        if not i["cipher_suite"] or "AES" not in i["cipher_suite"]:
            raise judge.Mismatch("suite %s of %r" % (i["cipher_suite"], client.out[-1500:]))

    def gnutls(self, direction):
        port = stacks.free_port()
        server = self.lab.start("gnutls-serv", "--echo", "-p", str(port), "--x509certfile", "rsa.crt", "--x509keyfile", "rsa.key")
        stacks.wait_for_port(port)
        with stacks.Relay(port, tamper=stacks.Flip(direction, 2)) as relay:
            client = self.lab.start("gnutls-cli", "--insecure", "--no-ca-verification", "-p", str(relay.port), "--priority",
                                    "NORMAL:-VERS-ALL:+VERS-TLS1.2", "127.0.0.1")
            client.wait_for(rb"Handshake was completed")
            for n in range(3):
                try:
                    client.send(b"line %d\n" % n)
                    client.wait_for(rb"line %d" % n, timeout=2)
                except stacks.StackError:
                    break
            client.finish()
        if direction == S2C:
            one(client.out, "gnutls", "local")
        else:
            one(client.out, "gnutls", "peer")
        server.stop()

    def jsse(self, version, direction):
        """Java's own trace of a client: both ways, with the record's number and length."""
        self.compile_java()
        suite = {"TLSv1.2": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLSv1.3": "TLS_AES_128_GCM_SHA256"}[version]
        server = self.lab.openssl_server()
        java = self.lab.start("java", "-XX:TieredStopAtLevel=1", "-Djavax.net.debug=ssl,handshake,record", "-cp", ".", "TlsPeer",
                              "rsa.p12")
        java.wait_for(rb"port (\d+)\n", timeout=60)
        # In TLS 1.3 handshake records look like application data: two of the client's or five of the server's come before.
        nth = 3 if version == "TLSv1.2" else 4 if direction == C2S else 9
        start = len(java.out)
        with server.lock2, stacks.Relay(server.port, tamper=stacks.Flip(direction, nth)) as relay:
            java.send(b"connect %d %s %s\n" % (relay.port, version.encode(), suite.encode()))
            java.wait_for(rb"(?i)bad_record_mac", start, timeout=30)
            java.wait_for(rb"Tag mismatch|bad_record_mac.*bad_record_mac", start, timeout=30)
            java.finish()
        log = java.out[start:]
        i = one(log, "jsse", "local" if direction == S2C else "peer", endpoint="client", cipher_suite=suite)
        if direction == S2C:
            # The length that the log itself gives for the record read last before the complaint.
            before = re.split(rb"BAD_RECORD_MAC", log)[0]
            length = int(re.findall(rb"READ: \S+ application_data, length = (\d+)", before)[-1])
            if i["record"]["length"] != length or i["stage"] != "later":
                raise judge.Mismatch("%s, %s, %d" % (i["record"], i["stage"], length))
        java.stop()

    def compile_java(self):
        if not os.path.exists(self.lab.path("TlsPeer.class")):
            self.lab.run("javac", "-d", ".", stacks.JAVA_SOURCE)

    def go(self, direction):
        program = self.lab.path("gopeer")
        if not os.path.exists(program):
            self.lab.run("go", "build", "-o", program, stacks.GO_SOURCE,
                         env=dict(os.environ, GO111MODULE="off", GOFLAGS="", CGO_ENABLED="0"))
        log = self.lab.path("go-keys-%s.log" % direction)
        p = self.lab.start(program, self.lab.dir, log)
        port = int(p.wait_for(rb"port (\d+)\n", timeout=60).group(1))
        start = len(p.out)
        with stacks.Relay(port, tamper=stacks.Flip(direction, 3)) as relay:
            p.send(b"connect %d 303 c02f\n" % relay.port)
            p.wait_for(rb"bad record MAC", start)
        one(p.out[start:], "go", "local" if direction == S2C else "peer")
        p.stop()

    def node(self, direction):
        server = self.lab.openssl_server("-tls1_2")
        code = ("const s=require('tls').connect({host:'127.0.0.1',port:%d,rejectUnauthorized:false,maxVersion:'TLSv1.2'},()=>{"
                "let n=0;const go=()=>{s.write('line '+n+++'\\n')};s.on('data',go);go()});"
                "s.on('error',e=>{console.error(e);process.exit(1)});setTimeout(()=>process.exit(2),6000)")
        with server.lock2, stacks.Relay(server.port, tamper=stacks.Flip(direction, 2)) as relay:
            r = subprocess.run(["node", "-e", code % relay.port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        one(r.stdout, "openssl", "local" if direction == S2C else "peer", "node")

    def run(self):
        for version in ("TLS 1.2", "TLS 1.3"):
            for name, direction in (("to the server", C2S), ("to the client", S2C)):
                self.tap.case("openssl and python, %s, damaged %s" % (version, name), self.openssl_python, version, direction)
        self.tap.case("s_client told by s_server", self.openssl_clients)
        for name, direction in (("to the server", C2S), ("to the client", S2C)):
            self.tap.case("gnutls, damaged " + name, self.gnutls, direction)
            for version in ("TLSv1.2", "TLSv1.3"):
                self.tap.case("jsse %s, damaged %s" % (version, name), self.jsse, version, direction)
            self.tap.case("go, damaged " + name, self.go, direction)
            if stacks.have("node"):
                self.tap.case("node, damaged " + name, self.node, direction)
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Logs().run())
