#!/usr/bin/env python3
"""Senders that go wrong before anything is sent: records of real connections, opened with their keys and sealed
again with another padding, by another rule for the MAC, with a wrong MAC; and ciphertext written over. Each with
its nearest miss."""
import os
import random
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key

import damage
import judge
import seal
import stacks
import wire
from test_events import Events, MESSAGES
from wire import C2S, S2C

NO_ENCRYPT_THEN_MAC = 1 << 19
RSA_EXCHANGE = ("TLS 1.0 CBC", "TLS 1.2 CBC", "TLS 1.2 CBC, encrypt-then-MAC", "TLS 1.2 CCM")
CLIENT = {"direction": "client_to_server"}


class Senders(Events):
    def record(self, version, suite, *options, mte=False):
        server = self.lab.openssl_server("-cipher", "ALL:@SECLEVEL=0", *options)
        ctx = stacks.python_context(version, suite)
        if mte:
            ctx.options |= NO_ENCRYPT_THEN_MAC
        with server.lock2, stacks.Relay(server.port) as relay:
            stacks.python_client(relay.port, version, suite, MESSAGES, ctx=ctx)
            return relay.recorded()[0], server.keylog

    def case(self, what, function, *args, **kw):
        self.jobs.append((self.tap.case, what, lambda: function(*args, **kw)))

    def one_record(self, s, keys, cause, how, confidence="proven", nth=4, at_fault=None, missing=1, contains=None,
                   causes=None):
        """One record of the client is otherwise; all others are as sent."""
        target = self.target(s.conv, nth)
        conv = s.seal_all(lambda d, r, content: how(d, r, content) if r.item_index == target.item_index else None)
        where = dict(CLIENT, stream_offset=target.off, sequence_number=target.seq)
        report = self.one(conv, keys, causes or {cause}, where, len(conv.protected()) - missing)
        f = judge.failures(report)[0]
        judge.want(f["confidence"] == confidence, "confidence " + f["confidence"], report)
        if at_fault is not None:
            judge.want(f["at_fault"] == at_fault, "at_fault %s" % f["at_fault"], report)
        text = " ".join(f["evidence"])
        if contains is not None:
            judge.want(contains in text, "evidence: " + text)
        return f

    def all_records(self, s, keys, how, contains, expected="mac-construction"):
        """Both ends go by another rule, and nobody complains."""
        conv = s.seal_all(how)
        path = self.path()
        wire.write(path, [(conv, wire.segments(conv))])
        rc, report, err = judge.diagnose(path, keys)
        judge.want_exit(3, rc, report, err)
        judge.want_counts(report, None, 0, None)
        for f in judge.failures(report):
            judge.want(f["cause"] == expected, "cause " + f["cause"], report)
            judge.want(f["at_fault"] == ["configuration"], "at_fault %s" % f["at_fault"], report)
            text = " ".join(f["evidence"])
            judge.want(contains in text, "evidence: " + text)
        judge.want(1 <= len(judge.failures(report)) <= 2, "failures", report)

    # bad-padding ----------------------------------------------------------------------------------

    def cbc_padding(self, name, s, keys):
        rng = random.Random(name)
        ways = {"length octet one too many": lambda n: bytes([n]) * n,
                "length octet one too few": lambda n: bytes([(n - 2) & 255]) * n,
                "one octet of it wrong": lambda n: bytes([n - 1 + 16] * (n + 3) + [0x55] + [n - 1 + 16] * 12),
                "random, as in SSL 3.0": lambda n: bytes([rng.randrange(16, 256) for _ in range(n - 1)] + [n - 1]),
                "zeros, as in SSL 3.0": lambda n: bytes([0] * (n - 1) + [n - 1]),
                "100 octets of another value": lambda n: bytes([7]) * (n + 96)}
        for what, how in ways.items():
            # Three octets at least, so that what is wrong can be wrong.
            def rule(d, r, content, how=how):
                text = content if s.etm else content + bytes(len(s.side[d].mac_key))
                short = len(content) - (16 - 3 - -(len(text) + 1) % 16) % 16
                return {"content_is": content[:short] if short > 32 else content, "padding": how}
            if s.etm and what in ("length octet one too few", "100 octets of another value"):
                continue  # well-formed, if not what was meant
            self.case("%s: padding, %s" % (name, what), self.one_record, s, keys, "bad-padding", rule,
                      at_fault=["sender-tls"])

    def flipped_padding(self, s, keys):
        """Long padding, and a bit of it damaged on the way."""
        target = self.target(s.conv)
        chained = not s.explicit_iv

        def damage(b):
            at = len(b) - (len(s.side[C2S].mac_key) if s.etm else 0) - 70
            return b[:at] + bytes([b[at] ^ 4]) + b[at + 1:]
        conv = s.seal_all(lambda d, r, content: {"padding": lambda n: bytes([n + 159]) * (n + 160)}
                          if r.item_index == target.item_index else None)
        item = conv.items[target.item_index]
        item.data = item.data[:5] + damage(item.data[5:])
        self.one(conv, keys, {"bits-flipped"}, CLIENT, len(conv.protected()) - 1 - chained)

    def no_inner_type(self, s, keys):
        self.one_record(s, keys, "bad-padding", lambda d, r, content: {"content_is": bytes(len(content))},
                        at_fault=["sender-tls"], contains="no content type")

    # mac-construction -------------------------------------------------------------------------------

    def mac_rules(self, name, s, keys):
        def both(what, how, contains):
            self.case("%s: all, %s" % (name, what), self.all_records, s, keys, lambda d, r, content: how(d, r), contains)

        def once(what, how, contains):
            self.case("%s: one, %s" % (name, what), self.one_record, s, keys, "mac-construction",
                      lambda d, r, content: how(d, r), at_fault=["sender-tls"], contains=contains)

        for add in (both, once):
            # Without the IV that stands before its MAC the next one could not be judged.
            if s.kind == "cbc" and (add == both or s.explicit_iv):
                add("the other order", lambda d, r: {"etm": not s.etm}, "encrypt-then-MAC")
                add("80 bits in the other order", lambda d, r: {"etm": not s.etm, "mac_len": 10}, "80 bits")
            if s.mac:
                add("80 bits", lambda d, r: {"mac_len": 10}, "80 bits")
                add("version", lambda d, r: {"version": b"\3\0"}, "version 3.0")
                add("other direction's MAC key", lambda d, r: {"mac_key": s.side[seal.other(d)].mac_key}, "MAC key")
            if s.mac == "sha1":
                add("the MAC of SSL 3.0", lambda d, r: {"ssl3": True}, "SSL 3.0")
            if s.key_len == 32 and s.kind != "chacha":
                add("half the key", lambda d, r: {"key": s.side[d].key[:16]}, "first half")
            if s.explicit_nonce:
                add("length with tag", lambda d, r: {"length": s.tag}, "the tag counted")
                if add == both:
                    add("number in the nonce", lambda d, r: {
                        "explicit": b"explicit", "nonce": s.side[d].iv + self.number(s, d, r)}, "number in the nonce")
                    add("number low octet first", lambda d, r: {
                        "explicit": b"explicit", "nonce": s.side[d].iv + self.number(s, d, r)[::-1]}, "number in the nonce")
                add("no explicit nonce", lambda d, r: {
                    "explicit": b"", "nonce": s.side[d].iv + self.number(s, d, r)}, "no explicit part")
            if not s.mac:
                add("no associated data", lambda d, r: {"aad": b""}, "no associated data")
                add("other direction's IV", lambda d, r: {"iv_of": s.side[seal.other(d)]}, "other direction's IV")
                add("version", lambda d, r: {"version": b"\3\1"}, "version 3.1")
            if s.tls13:
                add("header without tag", lambda d, r: {"length": -s.tag}, "without the tag")
            if s.kind.startswith("ccm"):
                add("the other tag", lambda d, r: {"tag": 24 - s.tag}, "a tag of %d" % (24 - s.tag))

    @staticmethod
    def number(s, d, r):
        return [q.off for q in s.mine(d)].index(r.off).to_bytes(8, "big")

    def another_key(self, s, keys):
        """No rule, only other keys: nothing for mac-construction."""
        rng = random.Random(1)
        how = {"mac_key": rng.randbytes(len(s.side[0].mac_key))} if s.mac else {"key": rng.randbytes(s.key_len)}
        self.all_records(s, keys, lambda d, r, content: how, "no record of epoch", "wrong-keys")

    def rejected(self, s, keys, how, cause, confidence):
        """The first record that the client protects, and the server's alert in the clear."""
        first = next(r for r in s.records[C2S] if r.protected)
        conv = s.seal_all(lambda d, r, content: how(d, r))
        conv.items = conv.items[:first.item_index + 1] + [wire.Item(S2C, bytes.fromhex("15%04x00020214" % s.version))]
        report = self.one(conv, keys, {cause}, dict(CLIENT, stream_offset=first.off, sequence_number=0), 0)
        f = judge.failures(report)[0]
        judge.want(f["confidence"] == confidence, "confidence " + f["confidence"], report)
        judge.want(f["at_fault"][0] == "sender-tls", "at_fault %s" % f["at_fault"], report)
        alerts = [a["description"] for c in report["connections"] for a in c["alerts"]]
        judge.want(alerts == ["bad_record_mac"], "alerts %s" % alerts, report)

    def derivations(self, name, s, log):
        """Keys that one end or both derived in another way from the premaster secret, which the server's key opens."""
        key_file = os.path.join(self.lab.dir, "rsa.key")
        with open(key_file, "rb") as f:
            premaster = s.premaster(load_pem_private_key(f.read(), None))
        real = s.logged["CLIENT_RANDOM"]
        judge.want(s.master(premaster, True) == real, "premaster")
        random_hex = s.records[C2S][0].data[11:43].hex()

        def sealed(master, directions):
            own, s.side = s.side, [k if d in directions else own for d, (k, own) in enumerate(zip(s.keys_of(master), s.side))]
            try:
                return s.seal_all(lambda d, r, content: None, directions)
            finally:
                s.side = own

        def log_of(*lines):
            path = self.path() + ".log"
            with open(path, "w") as f:
                f.write("".join(" ".join(w if isinstance(w, str) else w.hex() for w in line) + "\n" for line in lines))
            return path

        def ask(conv, keys, cause, contains, confidence="proven", alert=None):
            if alert is not None:
                first = next(r for r in s.records[alert] if r.protected)
                answer = wire.Item(1 - alert, bytes.fromhex("15%04x00020214" % s.version))
                conv.items = conv.items[:first.item_index + 1] + [answer]
            path = self.path()
            wire.write(path, [(conv, wire.segments(conv))])
            rc, report, err = judge.diagnose(path, keys)
            judge.want_exit(3 if alert is None else 1, rc, report, err)
            told = [f for f in judge.failures(report) if f["direction"] == wire.DIRECTIONS[alert or C2S]][0]
            judge.want((told["cause"], told["confidence"]) == (cause, confidence), "cause", report)
            judge.want(contains in " ".join(told["evidence"]), "evidence %s" % told["evidence"], report)
            parties = ["sender-tls"] if alert is not None and cause == "mac-construction" else ["configuration", "sender-tls"]
            judge.want(told["at_fault"][0] in parties, "at_fault %s" % told["at_fault"], report)

        both, wrong = (C2S, S2C), random.Random(name).randbytes(48)
        for what, of, extended, contains in (
                ("octets reversed", premaster[::-1], True, "in reverse order"),
                ("no extended master secret", premaster, False, "without RFC 7627"),
                ("both", premaster[::-1], False, "in reverse order, and with a master secret without RFC 7627")):
            master = s.master(of, extended)
            self.case("%s: all derived with %s" % (name, what), ask, sealed(master, both), [key_file], "mac-construction", contains)
            self.case("%s: the client derives with %s" % (name, what), ask, sealed(master, (C2S,)), [key_file],
                      "mac-construction", contains, alert=C2S)
        # Logged for a key exchange whose secrets may begin with zeros.
        for what, logged, contains in (("a zero too many", b"\0" + premaster, "without its leading zeros"),
                                       ("a zero too few", None, "a zero octet in front")):
            of = premaster if logged else b"\0" + premaster
            line = log_of(["PMS_CLIENT_RANDOM", random_hex, logged or premaster])
            cause = "mac-construction" if logged else "wrong-keys"  # an RSA premaster has 48 octets
            self.case("%s: %s" % (name, what), ask, sealed(s.master(of, True), both), [line], cause,
                      contains if logged else "no record of epoch 1 verifies", "proven" if logged else "supported")
        self.case(name + ": another premaster secret", ask, sealed(wrong, both), [key_file], "wrong-keys",
                  "no record of epoch 1 verifies", "supported")
        other = log_of(["CLIENT_RANDOM", "ab" * 32, real], ["CLIENT_RANDOM", random_hex, wrong])
        self.case(name + ": the session of another connection", ask, s.conv.copy(), [other], "wrong-keys", "ab" * 32)
        self.case(name + ": the client took another session", ask, sealed(wrong, (C2S,)),
                  [log, log_of(["CLIENT_RANDOM", "cd" * 32, wrong])], "wrong-keys", "cd" * 32, alert=C2S)

    def late_fork(self, s, keys, back):
        """1300 records on, a process writes that forked `back` records ago."""
        conv, target = s.conv.copy(), [r for r, _ in s.opened[C2S] if r.data[0] == wire.APPLICATION][1]
        conv.items = conv.items[:target.item_index + 1]
        state, seq, states = {"iv": s.side[C2S].iv}, 0, []
        if s.kind == "rc4":
            state["stream"] = seal.rc4(s.side[C2S].key)
        for r, content in s.opened[C2S]:
            if r.item_index <= target.item_index:
                state["iv"], seq = s.seal(C2S, seq, r, content, state)[-16:], seq + 1
        used = sum(len(r.data) - 5 for r, _ in s.opened[C2S][:seq])

        def put(number, content, state):
            data = s.seal(C2S, number, target, content, state)
            state["iv"] = data[-16:]
            conv.items.append(wire.Item(C2S, data))
            return len(data) - 5
        for n in range(1300):
            states.append((seq, state["iv"], used))
            used += put(seq, b"line %d, and some more of it\n" % n, state)
            seq += 1
        number, iv, used = states[-back]
        child = {"iv": iv}
        if s.kind == "rc4":
            child["stream"] = seal.rc4(s.side[C2S].key)
            child["stream"].update(bytes(used))
        put(number, b"the child's first words", child)
        put(seq, b"the parent goes on", state)
        report = self.one(conv, keys, {"sequence-reused"}, dict(CLIENT, sequence_number=seq), len(conv.protected()) - 1)
        f = judge.failures(report)[0]
        judge.want(f["confidence"] == "proven" and any(" number %d," % number in e for e in f["evidence"]), "evidence", report)

    def explicit_nonce(self, s, keys):
        """One explicit nonce damaged on the way: no rule of its sender."""
        target = self.target(s.conv)
        for damage in (b"\x10", b"explicit"):
            conv = s.conv.copy()
            item = conv.items[target.item_index]
            item.data = item.data[:7] + bytes([item.data[7] ^ damage[0]]) + damage[1:] + item.data[7 + len(damage):]
            self.one(conv, keys, {"bits-flipped", "bytes-damaged", "unexplained"}, CLIENT, len(conv.protected()) - 1)

    def header_version(self, s, keys):
        """The version in the header damaged on the way is no other rule."""
        target = self.target(s.conv)
        conv = s.conv.copy()
        item = conv.items[target.item_index]
        item.data = item.data[:2] + bytes([item.data[2] ^ 1]) + item.data[3:]
        self.one(conv, keys, {"header-damaged"}, CLIENT, len(conv.protected()) - 1)

    # sender-miscomputed -----------------------------------------------------------------------------

    def wrong_mac(self, name, s, keys):
        def spoiled(seed):
            return lambda m: random.Random(seed).randbytes(len(m))
        # Under CBC a little damage spoils whole blocks; elsewhere it could hide.
        sure = "supported" if s.mac else "possible"
        if s.kind == "rc4":  # where two bits that flip would look the same
            self.case(name + ": wrong MAC over text", self.one_record, s, keys, "unexplained",
                      lambda d, r, content: {"spoil": spoiled(1)}, "supported")
            for skip in (1, 282, 16384, -1, -150):
                self.case("%s: keystream %+d" % (name, skip), self.one_record, s, keys, "sender-miscomputed",
                          lambda d, r, content, skip=skip: {"skip": skip}, at_fault=["sender-tls", "sender-application"],
                          contains="%d %s" % (abs(skip), "earlier" if skip > 0 else "later"))
            self.case(name + ": keystream +282, and a wrong MAC", self.one_record, s, keys, "unexplained",
                      lambda d, r, content: {"skip": 282, "spoil": spoiled(1)}, "supported")
            return
        self.case(name + ": wrong MAC over text", self.one_record, s, keys, "sender-miscomputed",
                  lambda d, r, content: {"spoil": spoiled(1)}, sure, contains="differ from the MAC")

        def mixed(content):
            inner = content[-1:] if s.tls13 else b""
            frames = b"".join(b"\0\0\x10\0\1\0\0\0" + bytes([i]) + b"some header: ok\n" for i in range(20))
            return frames + bytes(64) + b'{"a":[1,2,3]}' * 9 + inner
        self.case(name + ": wrong MAC over frames, zeros and JSON", self.one_record, s, keys, "sender-miscomputed",
                  lambda d, r, content: {"content_is": mixed(content), "spoil": spoiled(2)}, sure)

        def noise(content):
            return random.Random(3).randbytes(len(content) - 1) + content[-1:]
        self.case(name + ": wrong MAC over noise", self.one_record, s, keys, "unexplained",
                  lambda d, r, content: {"content_is": noise(content), "spoil": spoiled(3)}, "supported")

        def hole(content):
            return content[:40] + random.Random(4).randbytes(48) + content[88:]
        self.case(name + ": wrong MAC, 48 octets look like noise", self.one_record, s, keys, "unexplained",
                  lambda d, r, content: {"content_is": hole(content), "spoil": spoiled(4)}, "supported")
        self.case(name + ": half of the MAC wrong", self.one_record, s, keys, None,
                  lambda d, r, content: {"spoil": lambda m: m[:5] + bytes([m[5] ^ 0x55]) + bytes(
                      x ^ 0xa9 ^ i for i, x in enumerate(m[6:-2])) + m[-2:]}, "supported",
                  causes={"unexplained"}) if not s.mac else None

    def donor(self, s, keys, big, skip):
        """What was written over stands in another record, which fails for a reason of its own."""
        # How a stack cuts what it is given into records differs from run to run: at least one must follow.
        later = [r for r in s.conv.application(C2S) if r.item_index > big.item_index and len(r) > 600]
        donor = next((r for r in later if r.item_index > big.item_index + skip), later[-1])
        conv = s.conv.copy()
        a, b = conv.items[big.item_index], conv.items[donor.item_index]
        b.data = b.data[:300] + random.Random(6).randbytes(100) + b.data[400:]
        a.data = a.data[:1500] + b.data[100:180] + a.data[1580:]
        report = self.one(conv, keys, {"stale-data"}, dict(CLIENT, stream_offset=big.off), len(conv.protected()) - 4,
                          allowed_failures=(2,))
        f = judge.failures(report)[0]
        text = " ".join(f["evidence"])
        judge.want("in another failed record of the same direction" in text or "behind the record" in text, "evidence: " + text)

    # stale-data -----------------------------------------------------------------------------------------

    def over_written(self, name, s, keys):
        big = next(r for r in s.conv.application(C2S) if len(r) > 3500)

        def ask(function, at, n, contains, cause="stale-data", shown=("stale-data", "bytes-damaged")):
            conv = s.conv.copy()
            item = conv.items[big.item_index]
            item.data = function(bytearray(item.data))
            report = self.one(conv, keys, {cause} if isinstance(cause, str) else cause, dict(CLIENT, stream_offset=big.off),
                              len(conv.protected()) - 1)
            f = judge.failures(report)[0]
            if f["cause"] not in shown or cause not in shown:
                return
            judge.want(f["confidence"] == "proven", "confidence " + f["confidence"])
            d = f["damage"]
            judge.want(len(d) == 1 and d[0]["sent"] is None, "damage %s" % d)
            # A neighbour may be alike by chance.
            judge.want(at - 2 <= d[0]["record_offset"] <= at and n <= d[0]["length"] <= n + 4, "damage %s" % d)
            judge.want(contains in " ".join(f["evidence"]), "evidence %s" % f["evidence"])

        def put(at, data):
            def edit(b):
                b[at:at + len(data)] = data
                return bytes(b)
            return edit

        def copy(to, of, n):
            def edit(b):
                b[to:to + n] = b[of:of + n]
                return bytes(b)
            return edit
        self.case(name + ": 512 zeros", ask, put(1000, bytes(512)), 1000, 512, "all 00", "bytes-damaged")
        self.case(name + ": 100 octets ff", ask, put(777, b"\xff" * 100), 777, 100, "all ff", "bytes-damaged")
        self.case(name + ": 64 octets from further up", ask, copy(2048, 512, 64), 2048, 64, "of the same record")
        self.case(name + ": 64 octets from further down, under a wrong checksum", self.summed_copy, s, keys, big)
        self.case(name + ": moved on by one", ask, lambda b: bytes(b[:600] + b[600:601] + b[600:899] + b[900:]), 600, 1,
                  "", {"unexplained", "words-swapped", "bytes-damaged", "bits-flipped"})
        for skip in (0, 8):
            self.case("%s: 80 octets of another failed record, %d further" % (name, skip), self.donor, s, keys, big, skip)
        noise = random.Random(name).randbytes(300)
        self.case(name + ": 300 octets of noise", ask, put(1000, noise), 0, 0, "", "unexplained")

    def summed_copy(self, s, keys, big):
        """Of two places in one record the one whose checksum is wrong is the copy, wherever it stands."""
        conv = s.conv.copy()
        item = conv.items[big.item_index]
        at = len(big) - 200
        item.data = item.data[:400] + item.data[at:at + 64] + item.data[464:]
        path = self.path()
        wire.write(path, [(conv, damage.segments(s.conv, conv, "sent"))])
        rc, report, err = judge.diagnose(path, keys)
        judge.want_exit(1, rc, report, err)
        f = judge.failures(report)
        judge.want(len(f) == 1 and f[0]["cause"] == "stale-data", "failures", report)
        d = f[0]["damage"]
        judge.want(len(d) == 1 and 398 <= d[0]["record_offset"] <= 400 and 64 <= d[0]["length"] <= 68, "damage %s" % d)
        judge.want("these are the copy" in " ".join(f[0]["evidence"]), "evidence", report)

    def run(self):
        recorded = {
            "TLS 1.0 CBC": self.record("TLS 1.0", "AES128-SHA", mte=True),
            "TLS 1.2 CBC": self.record("TLS 1.2", "AES256-SHA", mte=True),
            "TLS 1.2 CBC, encrypt-then-MAC": self.record("TLS 1.2", "AES128-SHA256"),
            "TLS 1.2 GCM": self.record("TLS 1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
            "TLS 1.2 CCM": self.record("TLS 1.2", "AES128-CCM"),
            "TLS 1.2 ChaCha20": self.record("TLS 1.2", "ECDHE-RSA-CHACHA20-POLY1305"),
            "TLS 1.3 GCM": self.record("TLS 1.3", None, "-ciphersuites", "TLS_AES_256_GCM_SHA384"),
            "TLS 1.3 ChaCha20": self.record("TLS 1.3", None, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")}
        if stacks.have("gnutls-cli", "gnutls-serv"):
            recorded["TLS 1.0 RC4"] = self.gnutls_rc4()
        for name, (conv, log) in recorded.items():
            s, keys = seal.Sealer(conv, log), [log]
            self.case(name + ": opened and sealed it is the same", judge.want, seal.checked(s), "another capture")
            if s.kind == "cbc":
                self.cbc_padding(name, s, keys)
                self.case(name + ": a bit of long padding flipped", self.flipped_padding, s, keys)
            if s.kind == "rc4" or name == "TLS 1.0 CBC":
                for back in (1, 300, 700):
                    self.case("%s: a second writer forked %d records ago" % (name, back), self.late_fork, s, keys, back)
            if name in RSA_EXCHANGE:
                self.derivations(name, s, log)
            if s.explicit_nonce:
                self.case(name + ": explicit nonce damaged", self.explicit_nonce, s, keys)
            if s.tls13:
                self.case(name + ": no inner type", self.no_inner_type, s, keys)
            self.mac_rules(name, s, keys)
            self.case(name + ": all, other keys", self.another_key, s, keys)
            self.case(name + ": version in the header damaged", self.header_version, s, keys)
            if not s.tls13 and s.kind != "rc4":
                rule = {"mac_len": 10} if s.mac else {"length": s.tag} if s.explicit_nonce else {"aad": b""}
                self.case(name + ": first record by another rule, rejected", self.rejected, s, keys,
                          lambda d, r, rule=rule: rule, "mac-construction", "proven")
                self.case(name + ": first record with a wrong MAC, rejected", self.rejected, s, keys,
                          lambda d, r: {"spoil": lambda m: random.Random(5).randbytes(len(m))}, "sender-miscomputed",
                          "possible")
            self.wrong_mac(name, s, keys)
            self.over_written(name, s, keys)
        judge.in_parallel(self.jobs, int(os.environ.get("BADMAC_WORKERS", "2")))
        self.lab.close()
        return self.tap.end()


if __name__ == "__main__":
    sys.exit(Senders().run())
