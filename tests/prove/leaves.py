"""Every leaf of a report with something else in its place. Refuses to know which of them are looked at, but for a list of those
that are not."""
import copy
import re

# What badmac prove does not check; docs/PROVE.md names each, with the reason.
UNCHECKED = {
    "connection": {"id", "capture", "also_in.[]", "undecided_because", "undecided_detail", "undecided_next"},
    "failure": {"confidence", "at_fault.[]", "summary", "evidence.[]", "ruled_out.[]", "ruled_out.[].cause",
                "ruled_out.[].because", "next_steps.[]"},
    "summary": {"notices.[]"}}
# Of these null alone is let pass: it claims nothing.
NO_CLAIM = {"checksum.as_captured", "checksum.as_sent"}
WORDS = {"result": ("verified", "failed", "undecided"), "direction": ("client_to_server", "server_to_client"),
         "version": ("TLS 1.1", "TLS 1.2", "TLS 1.3"), "as_captured": ("valid", "invalid", "offloaded"),
         "as_sent": ("valid", "invalid"), "keys": ("key log", "private key", "jsse log"), "transport": ("tcp", "udp"),
         "confidence": ("possible", "supported", "proven"), "level": ("warning", "fatal"),
         "cipher_suite": ("TLS_AES_128_GCM_SHA256", "0x1234"), "description": ("decode_error", "close_notify"),
         "method": ("sequence-search", "copy-choice", "ghash-syndrome", "poly1305-difference", "ccm-meeting", "hmac-search",
                    "cut-search", "exchange-search", "unheard-of")}
# What may stand where null does.
NUMBERS = {"padding", "keystream_offset", "sent_packet_offset", "max_fragment_length", "record_size_limit", "compression"}
HEX, OBJECTS = {"iv": "00" * 16, "session": "ab" * 32}, {"other_record", "mac_rule", "proof"}


def leaves(x, path=()):
    if isinstance(x, dict):
        for k, v in x.items():
            yield from leaves(v, (*path, k))
        return
    if isinstance(x, list):
        yield (*path, "[]"), x
        for i, v in enumerate(x):
            yield from leaves(v, (*path, i))
        return
    yield path, x


def others(name, v):
    """What else could stand there, as far as its type goes."""
    if isinstance(v, list):
        # Twice the same is no other set.
        return ([v[:-1]] if v else []) + ([v + v[-1:]] if v and not isinstance(v[0], str) else [])
    if isinstance(v, bool):
        return [not v]
    if isinstance(v, (int, float)):
        return [n for n in (v + 1, v - 1) if n >= 0 or v < 0]
    if v is None:
        return ([1] if name in NUMBERS else [HEX[name]] if name in HEX else [True] if name == "resumed" else
                [] if name in OBJECTS else [WORDS.get(name, ("x",))[0]])
    words = [w for w in WORDS.get(name, ()) if w != v]
    if words:
        return words
    if v and re.fullmatch("([0-9a-f]{2})+", v):
        return ["%02x" % (int(v[:2], 16) ^ 1) + v[2:]]
    return [v + "x", *([None] if name in ("server_name", "cipher_suite", "version", "rule") else [])]


def put(x, path, v):
    x = copy.deepcopy(x)
    at = x
    path = path[:-1] if path[-1] == "[]" else path
    for k in path[:-1]:
        at = at[k]
    at[path[-1]] = v
    return x


def altered(x, kind):
    """(the leaf's name, x with it altered) for all of x but those that are not checked, and for those apart."""
    checked, unchecked = [], []
    for path, v in leaves(x):
        name = ".".join("[]" if isinstance(k, int) else k for k in path)
        plain = [k for k in path if isinstance(k, str) and k != "[]"]
        # Names of packets and words in arrays go by the array's name.
        short = name[:-3] if name.endswith("[].[]") else name
        for other in others(plain[-1], v):
            # Where there are many, one more is within the rounding of what they leave.
            if name == "proof.candidates":
                continue
            # Bytes of a header can be found either way.
            if name == "proof.method" and (v, other) == ("header-search", "ghash-syndrome"):
                continue
            if (name in NO_CLAIM and other is None) or (name == "proof.chance_log2" and
                                                        x["proof"]["candidates"] >= 2**53 - 1):
                continue
            (unchecked if short in UNCHECKED[kind] else checked).append(("%s: %r" % (name, other), put(x, path, other)))
    return checked, unchecked
