"""Multihashes: digests that name their hash function. (fvm.md sections 2.2 and 5.2.)"""

from __future__ import annotations

import hashlib

from miden.errors import FormatError, InputError
from miden.ipld.varint import decode_varint, encode_varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IDENTITY = 0x00
SHA2_256 = 0x12
BLAKE2B_256 = 0xB220
RPO_256 = 0x300000
"""RPO-256 over elements of eight bytes. Private range: no code is registered for it."""
MAST_RPO_256 = 0x300001
"""The digest of a MAST node, computed from its canonical block: the MAST root. Private range."""

MAX_DIGEST = 64
"""Bytes of the longest digest that a CID may have here."""


def _blake2b(size: int) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.blake2b(data, digest_size=size).digest()


def _blake2s(size: int) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.blake2s(data, digest_size=size).digest()


def _library(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


def _rpo256(data: bytes) -> bytes:
    from miden.field import P
    from miden.hashing import hash_elements

    if len(data) % 8:
        raise FormatError("expected elements of eight bytes each", offset=len(data) - len(data) % 8, kind="NotElements")
    elements = [int.from_bytes(data[index : index + 8], "little") for index in range(0, len(data), 8)]
    for index, element in enumerate(elements):
        if element >= P:
            raise FormatError(f"{element} is not below p", offset=8 * index, kind="NotElements")
    return hash_elements(elements).to_bytes()


def _mast(data: bytes) -> bytes:
    from miden.ipld.mast import node_digest

    return node_digest(data)


_FUNCTIONS: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    IDENTITY: ("identity", bytes),
    0x11: ("sha1", _library("sha1")),
    SHA2_256: ("sha2-256", _library("sha256")),
    0x13: ("sha2-512", _library("sha512")),
    0x14: ("sha3-512", _library("sha3_512")),
    0x15: ("sha3-384", _library("sha3_384")),
    0x16: ("sha3-256", _library("sha3_256")),
    0x17: ("sha3-224", _library("sha3_224")),
    0x1013: ("sha2-224", _library("sha224")),
    0x20: ("sha2-384", _library("sha384")),
    RPO_256: ("rpo256", _rpo256),
    MAST_RPO_256: ("mast-rpo256", _mast),
    **{0xB200 + size: (f"blake2b-{8 * size}", _blake2b(size)) for size in range(1, 65)},
    **{0xB240 + size: (f"blake2s-{8 * size}", _blake2s(size)) for size in range(1, 33)},
}

HASH_CODES = {name: code for code, (name, _) in _FUNCTIONS.items()}
"""Name of a hash function -> its code."""


def hash_name(code: int) -> str:
    """Return the name of a hash function, or its code in hex if it is not known here."""
    return _FUNCTIONS[code][0] if code in _FUNCTIONS else hex(code)


def digest(code: int, data: bytes, size: int | None = None) -> bytes:
    """Hash bytes with a function by its code; a `size` in bytes cuts the digest.

    Raises `InputError` of kind ``UnknownHash`` for a function that is not known here.

    >>> digest(BLAKE2B_256, b"").hex()[:16]
    '0e5751c026e543b2'
    """
    if code not in _FUNCTIONS:
        raise InputError(f"unknown hash function {code:#x}", kind="UnknownHash")
    value = _FUNCTIONS[code][1](data)
    if size is not None and size > len(value):
        raise InputError(f"{hash_name(code)} has {len(value)} bytes, not {size}", kind="DigestSize")
    return value if size is None else value[:size]


def encode_multihash(code: int, value: bytes) -> bytes:
    """Write a digest with its code and length in front.

    >>> encode_multihash(IDENTITY, b"hi").hex()
    '00026869'
    """
    return encode_varint(code) + encode_varint(len(value)) + value


def decode_multihash(data: bytes, offset: int = 0) -> tuple[int, bytes, int]:
    """Return code and digest of the multihash at `offset`, and the offset behind it.

    Raises `FormatError` for varints that are not minimal, a digest above 64 bytes, and an early end.

    >>> decode_multihash(bytes.fromhex("00026869"))
    (0, b'hi', 4)
    """
    code, behind = decode_varint(data, offset)
    size, start = decode_varint(data, behind)
    if size > MAX_DIGEST:
        raise FormatError(f"a digest has at most {MAX_DIGEST} bytes, found {size}", offset=behind, kind="DigestSize")
    if start + size > len(data):
        raise FormatError("the input ends inside a digest", offset=start, kind="UnexpectedEnd")
    return code, bytes(data[start : start + size]), start + size
