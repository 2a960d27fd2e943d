"""dag-pb, as far as links go: the codec of files and folders in IPFS, which many CAR files are full of.

A node is a protobuf message: links (field 2) and data (field 1), the links in one row. A link is a message of a CID (field 1), a
name (2) and a size (3), in that order. (The IPLD specification of dag-pb.)
"""

from __future__ import annotations

from miden.errors import FormatError
from miden.ipld.cid import Cid
from miden.ipld.varint import decode_varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BYTES = 2
_VARINT = 0


def links(data: bytes) -> list[Cid]:
    """Return the links of a node, in order; raises `FormatError` for bytes that are no node.

    >>> links(bytes.fromhex("0a0568656c6c6f"))
    []
    """
    found: list[Cid] = []
    seen_data = closed = False
    for offset, field, wire, start, end in _fields(data, 0, len(data)):
        if wire != _BYTES or field not in (1, 2):
            raise FormatError(f"a node has no field {field} of wire type {wire}", offset=offset, kind="InvalidField")
        if field == 1:
            if seen_data:
                raise FormatError("a node has its data twice", offset=offset, kind="InvalidField")
            seen_data, closed = True, bool(found)
            continue
        if closed:
            raise FormatError("the links of a node are not in one row", offset=offset, kind="InvalidField")
        found.append(_link(data, start, end))
    return found


def _link(data: bytes, start: int, end: int) -> Cid:
    cid: Cid | None = None
    last = 0
    for offset, field, wire, begin, behind in _fields(data, start, end):
        if not last < field <= 3 or wire != (_VARINT if field == 3 else _BYTES):
            raise FormatError(f"a link has no field {field} of wire type {wire} here", offset=offset, kind="InvalidField")
        last = field
        if field == 1:
            try:
                cid = Cid.from_bytes(data[begin:behind])
            except FormatError as problem:
                raise FormatError(f"a link is no CID: {problem.message}", offset=begin, kind="InvalidLink") from problem
        elif field == 2:
            try:
                data[begin:behind].decode()
            except UnicodeDecodeError as problem:
                raise FormatError(f"a name that is not UTF-8: {problem.reason}", offset=begin, kind="InvalidText") from None
    if cid is None:
        raise FormatError("a link without a CID", offset=start, kind="InvalidLink")
    return cid


def _fields(data: bytes, offset: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield offset, number and wire type of the fields of a message, and where their bytes start and end."""
    while offset < end:
        at = offset
        head, offset = decode_varint(data, offset)
        start = offset
        value, offset = decode_varint(data, offset)
        if head & 7 == _BYTES:
            start, offset = offset, offset + value
        elif head & 7 != _VARINT:
            raise FormatError(f"a field of wire type {head & 7}", offset=at, kind="InvalidField")
        if offset > end:
            raise FormatError("a field ends behind its message", offset=at, kind="UnexpectedEnd")
        yield at, head >> 3, head & 7, start, offset
