"""What a liar would write about a failed record instead of the truth: each with one thing altered, and none of them true.
Refuses to know how a lie is found out."""
import copy


def flipped(text, bit):
    b = bytearray.fromhex(text)
    b[bit // 8] ^= 1 << bit % 8
    return b.hex()


def about_numbers(f):
    """Every number of a failure, one more and one less."""
    def each(where, names):
        for name in names:
            for by in (-1, 1):
                if isinstance(where(f)[name], int) and where(f)[name] + by >= (1 if "packet" == name else 0):
                    g = copy.deepcopy(f)
                    where(g)[name] += by
                    yield "%s %+d" % (name, by), g

    yield from each(lambda x: x, ("epoch", "sequence_number", "stream_offset", "length"))
    yield from each(lambda x: x["proof"], ("tag_bits",))
    yield from each(lambda x: x["proof"]["altered"], ("epoch", "sequence_number", "stream_offset", "packet", "packet_offset",
                                                     "padding", "keystream_offset"))
    if f["proof"]["altered"]["other_record"]:
        yield from each(lambda x: x["proof"]["altered"]["other_record"], ("stream_offset", "packet", "sequence_number"))
    for i in range(len(f["damage"])):
        yield from each(lambda x, i=i: x["damage"][i], ("record_offset", "stream_offset", "packet", "packet_offset"))
    for i in range(len(f["packets"])):
        g = copy.deepcopy(f)
        g["packets"][i] += 1
        yield "packets", g
    g = copy.deepcopy(f)
    g["packets"].append(g["packets"][-1] + 1 if g["packets"] else 1)
    yield "one packet more", g


def about_bytes(f):
    for i, d in enumerate(f["damage"]):
        for name in ("received", "sent"):
            for bit in range(min(8 * len(d[name] or "") // 2, 256)):
                g = copy.deepcopy(f)
                g["damage"][i][name] = flipped(d[name], bit)
                yield "bit %d of %s" % (bit, name), g
        g = copy.deepcopy(f)
        del g["damage"][i]
        if f["proof"]["altered"]["inputs"] == ["bytes"] or "plaintext" in f["cause"]:
            yield "damage left out", g
    if f["damage"] and f["damage"][0]["sent"]:
        g = copy.deepcopy(f)
        g["damage"].append(copy.deepcopy(g["damage"][0]))
        yield "damage twice", g
    if f["proof"]["altered"]["inputs"] == ["bytes"] and f["damage"]:
        d = f["damage"][-1]
        g = copy.deepcopy(f)
        g["damage"].append(dict(d, length=0, received="", sent="", packet=None, packet_offset=None))
        for name in ("record_offset", "stream_offset"):
            g["damage"][-1][name] = None if d[name] is None else d[name] + d["length"] + 1
        if d["packet"] is not None:
            g["damage"][-1].update(packet=d["packet"], packet_offset=d["packet_offset"] + d["length"] + 1)
        g["checksum"]["as_sent"] = None
        yield "damage of no length", g
    iv = f["proof"]["altered"]["iv"]
    for bit in range(0, 4 * len(iv or ""), 37):
        g = copy.deepcopy(f)
        g["proof"]["altered"]["iv"] = flipped(iv, bit)
        yield "bit %d of the IV" % bit, g


def about_words(f, causes):
    other = {"client_to_server": "server_to_client", "server_to_client": "client_to_server"}
    g = copy.deepcopy(f)
    g["direction"] = other[f["direction"]]
    yield "direction", g
    g = copy.deepcopy(f)
    g["proof"]["altered"]["direction"] = other[f["direction"]]
    yield "direction of the keys", g
    names = ("bytes", "sequence_number", "epoch", "direction", "connection", "derivation", "rule", "padding", "keystream",
             "record", "unheard-of")
    for name in names:
        g = copy.deepcopy(f)
        inputs = g["proof"]["altered"]["inputs"]
        inputs.remove(name) if name in inputs else inputs.append(name)
        yield "input %s" % name, g
    # What differs in a few bits differs in a run of bytes too, and may lie in the tag.
    also = {"bits-flipped", "bytes-damaged", "tag-damaged", "words-swapped", "header-damaged"}
    for cause in sorted(causes):
        if cause == f["cause"] or (cause in also and f["cause"] in also):
            continue
        # Text is bytes as well.
        if (f["cause"], cause) == ("plaintext-injected", "bytes-inserted"):
            continue
        g = copy.deepcopy(f)
        g["cause"] = cause
        yield "cause %s" % cause, g
    # Further from the end than a MAC and the longest padding reach.
    if f["cause"] in also and f["damage"] and any(f["length"] - d["record_offset"] > 400 for d in f["damage"]):
        g = copy.deepcopy(f)
        g["cause"] = "tag-damaged"
        yield "cause tag-damaged, far from the tag", g
    if f["cause"] == "words-swapped" and len(f["packets"]) == 1:
        g = copy.deepcopy(f)
        g["cause"], g["proof"]["method"] = "stale-data", "exchange-search"
        yield "segments exchanged, in one packet", g
    for method in ("verified-as-captured", "sequence-search", "key-search", "copy-choice", "other-capture", "rule-search",
                   "resynchronisation", "header-search", "padding-search", "keystream-search", "other-record"):
        bytes_too = f["proof"]["altered"]["inputs"] == ["bytes"]
        if method == f["proof"]["method"] or (bytes_too and method == "header-search"):
            continue
        g = copy.deepcopy(f)
        g["proof"]["method"] = method
        if f["proof"]["altered"]["inputs"] in (["sequence_number"], ["sequence_number", "record"]) and method in (
                "key-search", "resynchronisation", "sequence-search", "header-search"):
            continue
        if f["proof"]["altered"]["inputs"] == ["record"] and method == "sequence-search":
            continue
        yield "method %s" % method, g


RULES = {"order": ("mac-then-encrypt", "encrypt-then-mac"), "tag_length": (8, 10, 16, 20), "mac": ("ssl3", "hmac"),
         "cipher_key": ("first-half", "other-direction"), "mac_key": ("other-direction",), "iv": ("other-direction",),
         "nonce": ("sequence-number", "zeros", "sequence-number-and-no-explicit-part", "explicit-part",
                   "sequence-number-on-the-front"),
         "number": ("low-octet-first", "without-epoch", "with-epoch"), "number_in": ("nonce", "associated-data"),
         "version": ("SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3", "DTLS 1.0", "DTLS 1.2", "none"),
         "header": ("as-in-tls12", "as-in-tls13", "none", "with-masked-number", "cid-as-in-drafts", "without-cid"),
         "length": ("with-tag", "record", "with-padding", "with-explicit-nonce", "without-tag", "low-octet-first")}


def about_rules(f):
    """(what is altered, the failure) for every other word of a rule for the MAC."""
    for name, values in RULES.items():
        for value in (None, *values):
            if value == f["proof"]["altered"]["mac_rule"][name]:
                continue
            g = copy.deepcopy(f)
            g["proof"]["altered"]["mac_rule"][name] = value
            yield "%s %s" % (name, value), g
        g = copy.deepcopy(f)
        g["proof"]["altered"]["mac_rule"][name] = "unheard-of" if name != "tag_length" else 2**53
        yield "%s unheard-of" % name, g


def about_chance(f):
    for name, change in (("chance", lambda p: p.update(chance_log2=p["chance_log2"] - 1)),
                         ("chance", lambda p: p.update(chance_log2=min(p["chance_log2"] + 1.1, -0.01))),
                         ("candidates", lambda p: p.update(candidates=min(3 * p["candidates"], 2**53 - 2))),
                         ("candidates", lambda p: p.update(candidates=9007199254740991)),
                         ("proven by nothing", lambda p: p.update(candidates=2**52, chance_log2=52 - p["tag_bits"]))):
        g = copy.deepcopy(f)
        change(g["proof"])
        # A tag of 128 bits leaves a proof even then.
        # 2^53 - 1 stands for that many and more: how many is the search's own word.
        if name in ("chance", "candidates") and f["proof"]["candidates"] >= 2**53 - 1:
            continue
        if g["proof"] != f["proof"] and (name != "proven by nothing" or g["proof"]["tag_bits"] < 92):
            yield name, g
    if f["confidence"] == "proven":
        g = copy.deepcopy(f)
        g["proof"].update(candidates=2**53 - 1, chance_log2=-39.9)  # a count of which nothing more is known
        yield "proven by little", g
    swap = {"valid": "invalid", "invalid": "valid", "offloaded": "valid"}
    for name in ("as_captured", "as_sent"):
        if f["checksum"][name]:
            g = copy.deepcopy(f)
            g["checksum"][name] = swap[f["checksum"][name]]
            yield "checksum %s" % name, g
    g = copy.deepcopy(f)
    if f["checksum"]["as_sent"] is None and f["cause"] != "record-was-good":
        g["checksum"]["as_sent"] = "valid"
        yield "checksum as sent, made up", g


def about(f, causes):
    """(what is altered, the failure) for every lie about f; causes: the ids that there are."""
    for some in (about_numbers(f), about_bytes(f), about_words(f, causes), about_chance(f)):
        for name, g in some:
            if g != f:
                yield name, g
