"""Unsigned varints of multiformats: seven bits a byte, low bits first, minimal, below 2^64. (fvm.md section 2.2.)"""

from __future__ import annotations

from miden.errors import FormatError, InputError

MAX_BYTES = 10
"""Bytes of the largest value, 2^64 - 1."""


def encode_varint(value: int) -> bytes:
    """Encode an integer from 0 to 2^64 - 1.

    Raises `InputError` for a value out of range.

    >>> encode_varint(300).hex()
    'ac02'
    """
    if not 0 <= value < 1 << 64:
        raise InputError(f"expected an integer from 0 to 2^64 - 1, found {value}", kind="VarintRange")
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(data: bytes | memoryview, offset: int = 0) -> tuple[int, int]:
    """Return the value that starts at `offset`, and the offset behind it.

    Raises `FormatError` for a varint that ends too early, is longer than it has to be, or does not fit 64 bits.

    >>> decode_varint(bytes.fromhex("ac02ff"))
    (300, 2)
    """
    value = 0
    for index in range(MAX_BYTES):
        if offset + index >= len(data):
            raise FormatError("the input ends inside a varint", offset=offset, kind="UnexpectedEnd")
        byte = data[offset + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise FormatError("a varint is longer than it has to be", offset=offset, kind="VarintNotMinimal")
            if value >= 1 << 64:
                break
            return value, offset + index + 1
    raise FormatError("a varint does not fit 64 bits", offset=offset, kind="VarintRange")
