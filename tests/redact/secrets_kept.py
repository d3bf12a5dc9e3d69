"""What was decrypted, and secrets, stand in no report, redacted or not. Knows the oracle, which decrypts by itself."""
import re

import judge
import tlsoracle
from redacted import run


def decrypted(capture, keys):
    """(what another program decrypts of it, each secret of the key logs)."""
    found, secrets, text = [], {}, ""
    for k in keys:
        with open(k, encoding="ascii", errors="replace") as f:
            text += f.read()
    secrets = tlsoracle.key_log(text)
    plain = {kind: kind.open for kind in (tlsoracle.Keys12, tlsoracle.Keys13)}

    def listen(kind):
        def opened(self, head, body):
            r = plain[kind](self, head, body)
            if r is not None and r[0] == 23:
                found.append(r[1])
            return r
        return opened
    try:
        for kind in plain:
            kind.open = listen(kind)
        with open(capture, "rb") as f:
            tlsoracle.connections(f.read(), secrets)
    finally:
        for kind, function in plain.items():
            kind.open = function
    return found, [line.split()[2].lower() for line in text.splitlines() if len(line.split()) == 3 and line[0] != "#"]


PIECE = 8


def nothing_secret(jobs):
    """No plaintext and no secret, without --redact: eight octets of what was decrypted stand in no text and in no octets."""
    for capture, keys in jobs:
        found, secrets = decrypted(capture, keys)
        judge.want(sum(map(len, found)) > 100 and secrets, "%s: there is something to find" % capture)
        pieces = {p[i:i + PIECE] for p in found for i in range(len(p) - PIECE + 1)}
        pieces = {p for p in pieces if len(set(p)) > 3}
        words = [w for k in keys for w in ("-k", k)]
        for form in ("text", "json"):
            text = run(["-v", "--format", form, *words], [capture])[1].encode()
            for i in range(len(text) - PIECE + 1):
                judge.want(text[i:i + PIECE] not in pieces, "%s, %s: plaintext %r" % (capture, form, text[i:i + PIECE]))
            for digits in re.findall(rb"(?:[0-9a-f]{2} ?){8,}", text):
                octets = bytes.fromhex(digits.replace(b" ", b"").decode()[:2 * (len(digits.replace(b" ", b"")) // 2)])
                for i in range(len(octets) - PIECE + 1):
                    judge.want(octets[i:i + PIECE] not in pieces, "%s, %s: plaintext in octets" % (capture, form))
            for s in secrets:
                judge.want(len(s) < 32 or s.encode() not in text.lower(), "%s, %s: a secret" % (capture, form))
