"""Read CAR files: as a stream, front to back, or by CID through an index."""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import FormatError, IntegrityError, NotFoundError
from miden.ipld.car.format import MAX_BLOCK, MAX_HEADER, MAX_OFFSET, PRAGMA, V2_HEADER, ByteSource, decode_header
from miden.ipld.car.index import CarIndex
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


class Section(NamedTuple):
    """A block of a file: its CID, its bytes, and the offset of the section from the start of the row of blocks."""

    cid: Cid
    data: bytes
    offset: int


class CarReader:
    """Iterates over the blocks of a CAR file of either version, as a stream, in bounded memory.

    Every block is hashed and compared with its CID unless `verify` is false.

    Parameters
    ----------
    stream
        Bytes, read forward only.
    verify
        Whether digests are computed.
    max_block
        Bytes of a section above which the file is refused.

    Attributes
    ----------
    version, roots
        What the header says.
    index_offset
        Where the index of version 2 is in the file, 0 if there is none.

    Raises
    ------
    FormatError
        With an offset: what is no CAR file, and what ends too early, while it is read.
    IntegrityError
        For a block that does not hash to its CID.

    Examples
    --------
    >>> import io
    >>> from miden.ipld.car import write_car
    >>> file = io.BytesIO()
    >>> write_car(file, [], [(Cid.of(b"hi", codec=0x55), b"hi")])
    1
    >>> [section.data for section in CarReader(io.BytesIO(file.getvalue()))]
    [b'hi']
    """

    def __init__(self, stream: BinaryIO, *, verify: bool = True, max_block: int = MAX_BLOCK) -> None:
        self._source = ByteSource(stream)
        self._verify = verify
        self._max_block = max_block
        self.index_offset = 0
        self.data_offset = 0
        """Where the row of blocks starts in the file, its header included."""
        self.data_size: int | None = None
        self.version, self.roots = self._read_header()
        if self.version == 2:
            self._enter_v2()

    def _read_header(self) -> tuple[int, list[Cid]]:
        start = self._source.offset
        size = self._source.varint("the header")
        if size is None:
            raise FormatError("an empty file", offset=start, kind="UnexpectedEnd")
        if not 0 < size <= MAX_HEADER:
            raise FormatError(f"a header of {size} bytes; expected 1 to {MAX_HEADER}", offset=start, kind="InvalidHeader")
        return decode_header(self._source.take(size, "the header"), self._source.offset - size)

    def _enter_v2(self) -> None:
        source = self._source
        if source.offset != len(PRAGMA):
            raise FormatError("version 2 starts with eleven bytes that are always the same", offset=0, kind="InvalidHeader")
        _, start, size, self.index_offset = V2_HEADER.unpack(source.take(V2_HEADER.size, "the header of version 2"))
        if max(start + size, self.index_offset) > MAX_OFFSET:
            raise FormatError("data or index end where no file does", offset=len(PRAGMA), kind="InvalidHeader")
        if start < source.offset or (self.index_offset and self.index_offset < start + size):
            raise FormatError("data and index overlap each other or the header", offset=len(PRAGMA), kind="InvalidHeader")
        while source.offset < start:
            source.take(min(start - source.offset, 1 << 16), "the padding")
        self.data_offset, self.data_size, source.end = start, size, start + size
        inner, self.roots = self._read_header()
        if inner != 1:
            raise FormatError("expected blocks of version 1 inside of version 2", offset=start, kind="InvalidHeader")

    def __iter__(self) -> Iterator[Section]:
        return self

    def __next__(self) -> Section:
        section = read_section(self._source, self._verify, self._max_block, self.data_offset)
        if section is None:
            raise StopIteration
        return section


def read_section(source: ByteSource, verify: bool, max_block: int, base: int) -> Section | None:
    """Read the section that starts where the source is, or None at its end."""
    start = source.offset
    size = source.varint("a section")
    if size is None:
        return None
    if not 0 < size <= max_block:
        text = "a section of no bytes" if not size else f"a section of {size} bytes; at most {max_block} are read"
        raise FormatError(text, offset=start, kind="InvalidSection")
    raw = source.take(size, "a section")
    try:
        cid, end = Cid.read(raw)
    except FormatError as problem:
        raise FormatError(f"a section without a CID: {problem.message}", offset=start, kind="InvalidSection") from problem
    data = raw[end:]
    if verify and not cid.matches(data):
        raise IntegrityError(f"the block at byte {start} does not hash to {cid}", expected=cid.digest.hex(), kind="BlockMismatch")
    return Section(cid, data, start - base)


class CarFile:
    """The blocks of a seekable CAR file by CID, through its index, or one made by reading it once.

    Examples
    --------
    >>> import io
    >>> from miden.ipld.car import write_car
    >>> file, cid = io.BytesIO(), Cid.of(b"hi", codec=0x55)
    >>> write_car(file, [cid], [(cid, b"hi")], version=2)
    1
    >>> CarFile(file).get(cid)
    b'hi'
    """

    def __init__(self, stream: BinaryIO, *, max_block: int = MAX_BLOCK) -> None:
        stream.seek(0)
        self._stream = stream
        self._max_block = max_block
        reader = CarReader(stream, max_block=max_block)
        self.version, self.roots = reader.version, reader.roots
        self._base, self._size = reader.data_offset, reader.data_size
        self.index = self._read_index(reader.index_offset) or CarIndex.build((section.cid, section.offset) for section in reader)

    def _read_index(self, offset: int) -> CarIndex | None:
        """Read the index, or return None where there is none, or one of a form that is not known."""
        if not offset:
            return None
        position = self._stream.tell()
        self._stream.seek(offset)
        try:
            return CarIndex.from_bytes(self._stream.read())
        except FormatError as problem:
            if problem.kind != "UnknownIndex":
                raise
            self._stream.seek(position)
            return None

    def get(self, cid: Cid) -> bytes:
        """Return a block, verified; raises `NotFoundError` and what `CarReader` raises."""
        if cid.is_identity:
            return cid.digest
        for offset in self.index.offsets(cid):
            if self._size is not None and offset >= self._size:
                raise FormatError("the index points behind the data", offset=self._base + offset, kind="InvalidIndex")
            self._stream.seek(self._base + offset)
            end = None if self._size is None else self._base + self._size
            section = read_section(ByteSource(self._stream, self._base + offset, end), True, self._max_block, self._base)
            if section is not None and section.cid == cid:
                return section.data
        raise NotFoundError(f"no block {cid} in the file", kind="BlockNotFound")

    def __contains__(self, cid: Cid) -> bool:
        return cid.is_identity or bool(self.index.offsets(cid))
