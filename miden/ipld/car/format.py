"""What readers and writers of CAR files share: pragma, headers, sections."""

from __future__ import annotations

from struct import Struct

from miden.errors import FormatError
from miden.ipld import dagcbor
from miden.ipld.cid import Cid
from miden.ipld.varint import MAX_BYTES, decode_varint, encode_varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

PRAGMA = bytes.fromhex("0aa16776657273696f6e02")
"""The first bytes of version 2: a header of version 1 that says 2."""

V2_HEADER = Struct("<16sQQQ")
"""Characteristics, offset and size of the data, offset of the index (0: none)."""

FULLY_INDEXED = 0x80
"""First byte of the characteristics: the index lists every section, identity CIDs included."""

MAX_OFFSET = (1 << 63) - 1
"""Where the longest file ends that an operating system knows."""
MAX_HEADER = 1 << 20
MAX_BLOCK = 1 << 23
"""Bytes of a section that are read unless told otherwise."""


class ByteSource:
    """A stream that is read forward, knows where it is, and never reads more than it is told to."""

    def __init__(self, stream: BinaryIO, offset: int = 0, end: int | None = None) -> None:
        self.stream = stream
        self.offset = offset
        self.end = end
        """Where the data ends, None for the end of the stream."""

    def at_end(self) -> bool:
        """Tell whether nothing is left; reads one byte ahead if that is the only way to know."""
        return self.offset == self.end

    def take(self, size: int, what: str) -> bytes:
        """Read so many bytes or raise `FormatError`."""
        if self.end is not None and self.offset + size > self.end:
            raise FormatError(f"the data ends inside {what}", offset=self.offset, kind="UnexpectedEnd")
        start, parts, left = self.offset, [], size
        while left:
            part = self.stream.read(left)
            if not part:
                raise FormatError(f"the file ends inside {what}", offset=start, kind="UnexpectedEnd")
            parts.append(part)
            left -= len(part)
        self.offset += size
        return b"".join(parts)

    def varint(self, what: str) -> int | None:
        """Read a varint byte by byte; None if the stream ends before it."""
        if self.at_end():
            return None
        start, collected = self.offset, bytearray()
        while len(collected) < MAX_BYTES:
            byte = self.stream.read(1)
            if not byte:
                if not collected and self.end is None:
                    return None
                raise FormatError(f"the file ends inside the length of {what}", offset=start, kind="UnexpectedEnd")
            collected += byte
            self.offset += 1
            if byte[0] < 0x80:
                break
        try:
            return decode_varint(bytes(collected))[0]
        except FormatError as problem:
            raise FormatError(f"the length of {what}: {problem.message}", offset=start, kind=problem.kind) from None


def encode_header(roots: list[Cid] | tuple[Cid, ...]) -> bytes:
    """Write the header of version 1, with its length in front."""
    raw = dagcbor.encode({"roots": list(roots), "version": 1})
    return encode_varint(len(raw)) + raw


def decode_header(raw: bytes, start: int) -> tuple[int, list[Cid]]:
    """Return version and roots of a header; `start` is its offset, for messages."""
    try:
        header = dagcbor.decode(raw)
    except FormatError as problem:
        raise FormatError(f"the header is no dag-cbor: {problem.message}", offset=start, kind="InvalidHeader") from problem
    if type(header) is not dict or type(header.get("version")) is not int:
        raise FormatError("expected a header with a version", offset=start, kind="InvalidHeader")
    version = header["version"]
    if version == 2:
        return 2, []
    if version != 1:
        raise FormatError(f"expected version 1 or 2, found {version}", offset=start, kind="UnsupportedVersion")
    roots = header.get("roots")
    if type(roots) is not list or not all(isinstance(root, Cid) for root in roots) or len(header) != 2:
        raise FormatError("expected a header with a list of roots and nothing else", offset=start, kind="InvalidHeader")
    return 1, roots


def encode_section(cid: Cid, data: bytes) -> bytes:
    """Write a block with its CID, and the length of both in front."""
    raw = cid.to_bytes()
    return encode_varint(len(raw) + len(data)) + raw + data
