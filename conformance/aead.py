"""ChaCha20-Poly1305 (RFC 8439), as the protocol's packets are sealed, and with 24 bytes of nonce (XChaCha20), as its
tokens are. Slow, and for the checker only: with it a response can be made to a challenge that only the implementation
under test knows, and many requests from one description."""

import functools
import struct

TAG_BYTES = 16
VERSION = b"NETCODE 1.02\0"


class Forged(Exception):
    """This key did not seal that."""


def seal(key, nonce, associated, plain):
    sealed = _xor(key, nonce, plain)
    return sealed + _tag(key, nonce, associated, sealed)


def open_(key, nonce, associated, sealed):
    if len(sealed) < TAG_BYTES or _tag(key, nonce, associated, sealed[:-TAG_BYTES]) != sealed[-TAG_BYTES:]:
        raise Forged
    return _xor(key, nonce, sealed[:-TAG_BYTES])


def seal_packet(protocol_id, key, kind, sequence, plain):
    """A packet with its prefix byte and the sequence number without leading zeros."""
    number = sequence.to_bytes(max(1, (sequence.bit_length() + 7) // 8), "little")
    prefix = bytes([len(number) << 4 | kind])
    return prefix + number + seal(key, _packet_nonce(sequence), _packet_associated(protocol_id, prefix), plain)


def open_packet(protocol_id, key, packet):
    """Type, sequence number and contents of a packet."""
    kind, sequence, contents = outside_of(packet)
    sealed = packet[len(packet) - len(contents) - TAG_BYTES :]
    return kind, sequence, open_(key, _packet_nonce(sequence), _packet_associated(protocol_id, packet[:1]), sealed)


def outside_of(packet):
    """The same without the key: the contents are encrypted."""
    if not packet or not 1 <= packet[0] >> 4 <= 8 or len(packet) < 1 + (packet[0] >> 4) + TAG_BYTES:
        raise Forged
    start = 1 + (packet[0] >> 4)
    return packet[0] & 15, int.from_bytes(packet[1:start], "little"), packet[start:-TAG_BYTES]


def request(protocol_id, expire_timestamp, private_key, nonce, plain):
    """The connection request for a token with this private part."""
    start = VERSION + protocol_id.to_bytes(8, "little") + expire_timestamp.to_bytes(8, "little")
    key = hchacha(private_key, nonce[:16])
    return b"\0" + start + nonce + seal(key, bytes(4) + nonce[16:], start, plain)


def hchacha(key, nonce):
    """The key that XChaCha20 derives from the first 16 bytes of a nonce."""
    x = _rounds(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    return struct.pack("<8I", *x[:4], *x[12:])


def _packet_nonce(sequence):
    return bytes(4) + sequence.to_bytes(8, "little")


def _packet_associated(protocol_id, prefix):
    return VERSION + protocol_id.to_bytes(8, "little") + prefix


# What many tokens of one nonce have in common is made once.
@functools.lru_cache(maxsize=32)
def _block(key, counter, nonce):
    initial = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    return struct.pack("<16I", *((word + first) & 0xFFFFFFFF for word, first in zip(_rounds(initial), initial)))


def _rounds(initial):
    x = list(initial)
    for _ in range(10):
        for a, b, c, d in (
            (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
        ):
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            t = x[d] ^ x[a]
            x[d] = (t << 16 | t >> 16) & 0xFFFFFFFF
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            t = x[b] ^ x[c]
            x[b] = (t << 12 | t >> 20) & 0xFFFFFFFF
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            t = x[d] ^ x[a]
            x[d] = (t << 8 | t >> 24) & 0xFFFFFFFF
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            t = x[b] ^ x[c]
            x[b] = (t << 7 | t >> 25) & 0xFFFFFFFF
    return x


def _xor(key, nonce, data):
    blocks = (len(data) + 63) // 64
    stream = b"".join(_block(key, 1 + number, nonce) for number in range(blocks))[: len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")


def _tag(key, nonce, associated, sealed):
    once = _block(key, 0, nonce)
    r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    message = _padded(associated) + _padded(sealed) + struct.pack("<QQ", len(associated), len(sealed))
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(once[16:32], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def _padded(data):
    return data + bytes(-len(data) % 16)
