"""Damage to recorded conversations, at seeded places: each function gives the conversation as it arrived. Knows records
and segments (wire.py); refuses to know keys, and what badmac makes of it."""
import wire
from wire import Item

HEAD = 5


def edited(conv, edit):
    other = conv.copy()
    edit(other.items)
    return other


def replaced(conv, record, data):
    """The record's octets are others; its header says what it says."""
    return edited(conv, lambda items: setattr(items[record.item_index], "data", bytes(data)))


def flipped(conv, record, bits):
    """bits: numbers of bits of the record, header included, from the first octet's highest on."""
    b = bytearray(record.data)
    for i in bits:
        b[i // 8] ^= 0x80 >> i % 8
    return replaced(conv, record, b)


def span(segs, record, least, rng, text=None):
    """(from, to) within the record: a run of it that one segment carries, at least so long. text: (from, to) in which
    it must lie."""
    low, high = text or (HEAD, len(record))
    found = []
    for s in segs:
        if s.data and s.direction == record.direction:
            a, b = max(low, s.off - record.off), min(high, s.off + len(s.data) - record.off)
            if b - a >= least:
                found.append((a, b, (s.off - record.off)))
    return rng.choice(found) if found else None


def same_octets(record, conv):
    """Bits that flipped, of octets that can as well have traded places: no test of bits may hang on such a coincidence."""
    return sorted(conv.items[record.item_index].data) == sorted(record.data)


def neutral_pair(record, where, near, rng):
    """Two bits in the same place of two words of 16 bits, one that rises and one that falls: no checksum notices."""
    a, b, _ = where
    for _ in range(4000):
        i = rng.randrange(a, b)
        j = i + 2 * rng.randrange(1, 8) if near else rng.randrange(a, b)
        if i == j or j >= b or (i - j) % 2:
            continue
        differ = record.data[i] ^ record.data[j]
        # A single bit: same_octets.
        if differ & differ - 1 and (near or abs(i - j) >= 64):
            bit = rng.choice([k for k in range(8) if differ & 0x80 >> k])
            return [8 * i + bit, 8 * j + bit]
    return None


def swapped(conv, record, where, width, apart, rng):
    """Two words of the record change places. apart: octets from one to the other; 0: anywhere in the segment."""
    a, b, start = where
    for _ in range(1000):
        i = rng.randrange(a, b - 2 * width + 1)
        i += -(i - start) % width
        j = i + apart if apart else i + width * rng.randrange(2, max(3, (b - a) // width))
        if i < a or j + width > b or record.data[i:i + width] == record.data[j:j + width]:
            continue
        d = bytearray(record.data)
        d[i:i + width], d[j:j + width] = d[j:j + width], d[i:i + width]
        return replaced(conv, record, d)
    return None


def garbled(conv, record, at, n, rng):
    """n octets from `at` on are all others."""
    b = bytearray(record.data)
    for i in range(at, at + n):
        b[i] ^= rng.randrange(1, 256)
    return replaced(conv, record, b)


def segments(was, now, sums, mss=1448):
    """sums: "anew" over what arrived, or "sent" over what was sent (both conversations of one length)."""
    segs = wire.segments(now, mss)
    if sums == "sent":
        for s, before in zip(segs, wire.segments(was, mss)):
            s.summed = before.data
    return segs


def inserted(conv, index, data, kind="raw", direction=None):
    d = conv.items[index].direction if direction is None else direction
    return edited(conv, lambda items: items.insert(index, Item(d, data, kind)))
