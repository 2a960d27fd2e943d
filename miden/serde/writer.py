"""The primitive encodings of the file formats, as bytes. (mast.md section 1.4.)"""

from __future__ import annotations

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORT = tuple(bytes((2 * value + 1,)) for value in range(128))


def vint(value: int) -> bytes:
    """Encode an integer below 2**64 in one to nine bytes, as few as will do.

    >>> vint(63).hex(), vint(128).hex(), vint(2**56).hex()
    ('7f', '0202', '000000000000000001')
    """
    if value < 128:
        return _SHORT[value]
    size = (value.bit_length() + 6) // 7
    if size > 8:
        return b"\0" + value.to_bytes(8, "little")
    return ((2 * value + 1) << (size - 1)).to_bytes(size, "little")


def u16(value: int) -> bytes:
    """Encode in two bytes, little-endian."""
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    """Encode in four bytes, little-endian."""
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    """Encode in eight bytes, little-endian."""
    return value.to_bytes(8, "little")


def felts(values: Sequence[int]) -> bytes:
    """Encode elements, eight bytes each, without a count."""
    return pack(f"<{len(values)}Q", *values)


def blob(data: bytes | bytearray) -> bytes:
    """Encode bytes after their count."""
    return vint(len(data)) + data


def text(value: str) -> bytes:
    """Encode a string after the number of its bytes.

    >>> text("oops").hex()
    '096f6f7073'
    """
    return blob(value.encode())
