"""Write CAR files, block by block."""

from __future__ import annotations

from miden.errors import InputError
from miden.ipld.car.format import FULLY_INDEXED, PRAGMA, V2_HEADER, encode_header, encode_section
from miden.ipld.car.index import CarIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import BinaryIO, Self

    from miden.ipld.cid import Cid


class CarWriter:
    """Writes a CAR file to a stream; version 2 needs one that can seek, for sizes are known at the end.

    Close it, or use it as a context manager, to have the index and the header of version 2.

    Parameters
    ----------
    stream
        Where the file begins at its current position.
    roots
        CIDs the header names.
    version
        1, or 2 with an index.

    Raises
    ------
    InputError
        For another version, and for a block after `close`.
    """

    def __init__(self, stream: BinaryIO, roots: Iterable[Cid] = (), *, version: int = 1) -> None:
        if version not in (1, 2):
            raise InputError(f"expected version 1 or 2, found {version}", kind="UnsupportedVersion")
        self._stream = stream
        self._version = version
        self._start = stream.tell() if version == 2 else 0
        self._entries: list[tuple[Cid, int]] = []
        self._closed = False
        self.count = 0
        """Blocks written so far."""
        if version == 2:
            stream.write(PRAGMA + bytes(V2_HEADER.size))
        header = encode_header(tuple(roots))
        stream.write(header)
        self._size = len(header)

    def write(self, cid: Cid, data: bytes) -> None:
        """Append a block. Its digest is the caller's promise."""
        if self._closed:
            raise InputError("the file is closed", kind="CarClosed")
        if self._version == 2:
            self._entries.append((cid, self._size))
        section = encode_section(cid, data)
        self._stream.write(section)
        self._size += len(section)
        self.count += 1

    def close(self) -> None:
        """Write what comes last: the index, and into the front where it is."""
        if self._closed:
            return
        self._closed = True
        if self._version == 1:
            return
        start = len(PRAGMA) + V2_HEADER.size
        self._stream.write(CarIndex.build(self._entries).to_bytes())
        end = self._stream.tell()
        self._stream.seek(self._start + len(PRAGMA))
        self._stream.write(V2_HEADER.pack(bytes([FULLY_INDEXED]) + bytes(15), start, self._size, start + self._size))
        self._stream.seek(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()


def write_car(stream: BinaryIO, roots: Iterable[Cid], blocks: Iterable[tuple[Cid, bytes]], *, version: int = 1) -> int:
    """Write a whole CAR file and return how many blocks it has.

    >>> from io import BytesIO
    >>> from miden.ipld.car import CarReader
    >>> from miden.ipld.cid import Cid
    >>> file, cid = BytesIO(), Cid.of(b"hi", 0x55)
    >>> write_car(file, [cid], [(cid, b"hi")])
    1
    >>> _ = file.seek(0)
    >>> [section.data for section in CarReader(file)]
    [b'hi']
    """
    with CarWriter(stream, roots, version=version) as writer:
        for cid, data in blocks:
            writer.write(cid, data)
    return writer.count
