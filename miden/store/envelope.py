"""The stored bytes of one object: what it is, the keys it serves, what it needs, its content, a checksum.

The layout is drawn in docs/internals/store.md. An envelope knows nothing about its content: kinds and facts are those of
`miden.store.objects` and of other floors. The id of an object is the BLAKE3 hash of its whole envelope.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import pairwise
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from miden.errors import FormatError, InputError, IntegrityError
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.zstd import compress, decompress

MAGIC = b"\x89MIOBJ\r\n"
VERSION = 1

HEAD = Struct("<8sBBBBIIIQQ")
HEAD_SIZE = HEAD.size
CHECKSUM_SIZE = 32
MAX_PAYLOAD = 256 * 2**20
"""Bytes of content that a reader accepts, unless it is told otherwise."""


class Codec(IntEnum):
    """How the payload is written, numbered as in the file."""

    RAW = 0
    ZSTD = 1


class Envelope(NamedTuple):
    """One object, taken apart.

    `kind` says what the payload is, `facts` (up to 255 bytes) are commitments and the like, for whoever knows the kind.

    >>> envelope = Envelope(200, (ObjectKey(0, bytes(32)),), (), b"", b"content")
    >>> Envelope.from_bytes(envelope.to_bytes()) == envelope
    True
    """

    kind: int
    keys: tuple[ObjectKey, ...]
    links: tuple[ObjectKey, ...]
    facts: bytes
    payload: bytes

    def to_bytes(self, codec: Codec = Codec.RAW) -> bytes:
        """Write the envelope; keys and links are sorted, so equal objects have equal bytes."""
        if not self.keys or len(self.facts) > 255:
            raise InputError("an object has at least one key and at most 255 bytes of facts", kind="InvalidObject")
        stored = compress(self.payload) if codec == Codec.ZSTD else self.payload
        body = b"".join(
            (
                HEAD.pack(
                    *(MAGIC, VERSION, codec, self.kind, len(self.facts)),
                    *(len(self.keys), len(self.links), 0, len(self.payload), len(stored)),
                ),
                *sorted(key.to_bytes() for key in self.keys),
                *sorted(link.to_bytes() for link in self.links),
                self.facts,
                stored,
            )
        )
        return body + blake3(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes, *, max_payload: int = MAX_PAYLOAD, checked: bool = False) -> Envelope:
        """Read bytes from anywhere; the checksum is not computed if `checked` says that the bytes are known to be good.

        Raises `FormatError` with an offset for bytes that are no envelope or are larger than allowed, `IntegrityError` for a
        wrong checksum.
        """
        head = read_head(data)
        if head.payload_size > max_payload:
            text = f"the object has {head.payload_size} bytes, at most {max_payload} are taken"
            raise FormatError(text, offset=24, kind="ObjectTooLarge")
        if not checked:
            found = blake3(memoryview(data)[:-CHECKSUM_SIZE]).digest()
            if found != data[-CHECKSUM_SIZE:]:
                expected = data[-CHECKSUM_SIZE:].hex()
                raise IntegrityError(
                    "the checksum of the object is not that of its bytes", expected=expected, found=found.hex(), kind="ChecksumMismatch"
                )
        start = head.payload_start
        stored = data[start : start + head.stored_size]
        payload = decompress(stored, head.payload_size) if head.codec == Codec.ZSTD else stored
        return cls(head.kind, head.keys, head.links, data[start - head.facts_size : start], payload)


class Head(NamedTuple):
    """What is in front of the content of an envelope."""

    codec: int
    kind: int
    facts_size: int
    payload_size: int
    stored_size: int
    payload_start: int
    keys: tuple[ObjectKey, ...]
    links: tuple[ObjectKey, ...]


def read_head(data: bytes) -> Head:
    """Return what the front of an envelope says; the rest need only have the right size.

    Raises `FormatError` with an offset.
    """
    if len(data) < HEAD_SIZE + CHECKSUM_SIZE:
        text = f"an object has at least {HEAD_SIZE + CHECKSUM_SIZE} bytes, found {len(data)}"
        raise FormatError(text, offset=len(data), kind="UnexpectedEOF")
    magic, version, codec, kind, facts_size, key_count, link_count, reserved, payload_size, stored_size = HEAD.unpack_from(data)
    if magic != MAGIC:
        raise FormatError("an object starts with 0x89, MIOBJ, CR and LF", offset=0, kind="InvalidMagic")
    if version != VERSION:
        raise FormatError(f"only version {VERSION} of the envelope is known, found {version}", offset=8, kind="UnsupportedVersion")
    if codec > Codec.ZSTD or (codec == Codec.RAW and payload_size != stored_size):
        raise FormatError(f"there is no codec {codec} with these sizes", offset=9, kind="InvalidCodec")
    if reserved or not key_count:
        raise FormatError("an object has at least one key, and its reserved bytes are 0", offset=12, kind="InvalidObject")
    links_start = HEAD_SIZE + KEY_SIZE * key_count
    facts_start = links_start + KEY_SIZE * link_count
    payload_start = facts_start + facts_size
    if payload_start + stored_size + CHECKSUM_SIZE != len(data):
        expected = payload_start + stored_size + CHECKSUM_SIZE
        raise FormatError(f"the object says it has {expected} bytes, found {len(data)}", offset=HEAD_SIZE, kind="UnexpectedEOF")
    keys, links = _read_keys(data, HEAD_SIZE, links_start), _read_keys(data, links_start, facts_start)
    return Head(codec, kind, facts_size, payload_size, stored_size, payload_start, keys, links)


def _read_keys(data: bytes, start: int, end: int) -> tuple[ObjectKey, ...]:
    if end - start == KEY_SIZE:
        return (ObjectKey(int.from_bytes(data[start : start + 4], "big"), data[start + 4 : end]),)
    found = [data[at : at + KEY_SIZE] for at in range(start, end, KEY_SIZE)]
    if any(one >= other for one, other in pairwise(found)):
        raise FormatError("the keys of an object are sorted and differ", offset=start, kind="UnsortedKeys")
    return tuple(map(ObjectKey.from_bytes, found))


def object_id(data: bytes) -> bytes:
    """Return the id of an object from the bytes of its envelope."""
    return blake3(data).digest()
