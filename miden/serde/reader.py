"""A cursor over bytes from outside, with the primitive encodings of the file formats. (mast.md section 1.4.)

Every read checks what is left first. A count is checked against the bytes that so many items need at the least,
so that a short input can never ask for much memory.
"""

from __future__ import annotations

from struct import unpack_from

from miden.errors import FormatError
from miden.field import P

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Reader:
    """A position in bytes that moves forward.

    `base` is the offset of `data` in the file, added to the offsets of errors. All methods raise `FormatError`. Small numbers,
    which most of a file is made of, are read without a call; `skip` says what is wrong where one is cut off.
    """

    __slots__ = ("base", "data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0, base: int = 0, end: int | None = None) -> None:
        self.data = data
        self.pos = pos
        self.base = base
        self.end = len(data) if end is None else end

    def fail(self, message: str, *, pos: int | None = None, kind: str = "InvalidValue") -> NoReturn:
        """Raise `FormatError` at a position, the current one by default."""
        raise FormatError(message, offset=self.base + (self.pos if pos is None else pos), kind=kind)

    def skip(self, size: int) -> int:
        """Move on by `size` bytes and return the position before."""
        start = self.pos
        if size > self.end - start:
            self.fail(f"{size} more bytes are needed, {self.end - start} are left", kind="UnexpectedEOF")
        self.pos = start + size
        return start

    def take(self, size: int) -> bytes:
        """Read `size` bytes."""
        start = self.skip(size)
        return self.data[start : start + size]

    def u8(self) -> int:
        """Read a byte."""
        start = self.pos
        if start >= self.end:
            self.skip(1)
        self.pos = start + 1
        return self.data[start]

    def u16(self) -> int:
        """Read two bytes, little-endian."""
        start = self.pos
        if start + 2 > self.end:
            self.skip(2)
        self.pos = start + 2
        return int.from_bytes(self.data[start : start + 2], "little")

    def u32(self) -> int:
        """Read four bytes, little-endian."""
        start = self.pos
        if start + 4 > self.end:
            self.skip(4)
        self.pos = start + 4
        return int.from_bytes(self.data[start : start + 4], "little")

    def u64(self) -> int:
        """Read eight bytes, little-endian."""
        return int.from_bytes(self.take(8), "little")

    def flag(self) -> bool:
        """Read a byte that is 0 or 1."""
        value = self.u8()
        if value > 1:
            self.fail(f"a flag must be 0 or 1, found {value}", pos=self.pos - 1)
        return value == 1

    def vint(self) -> int:
        """Read a variable-length integer of one to nine bytes, below 2**64."""
        start = self.pos
        if start >= self.end:
            self.skip(1)
        self.pos = start + 1
        first = self.data[start]
        if first & 1:
            return first >> 1
        if first == 0:
            return self.u64()
        size = (first & -first).bit_length()
        self.skip(size - 1)
        return int.from_bytes(self.data[start : start + size], "little") >> size

    def count(self, item_size: int, what: str) -> int:
        """Read a number of items of at least `item_size` bytes each that must follow."""
        start = self.pos
        number = self.vint()
        if number * item_size > self.end - self.pos:
            self.fail(f"{number} {what} do not fit in the {self.end - self.pos} bytes left", pos=start, kind="UnexpectedEOF")
        return number

    def blob(self, what: str) -> tuple[int, int]:
        """Skip a counted run of bytes and return where it starts and ends."""
        size = self.count(1, what)
        start = self.skip(size)
        return start, self.pos

    def felt(self) -> int:
        """Read an element: eight bytes, below p."""
        value = self.u64()
        if value >= P:
            self.fail(f"an element must be below p, found {value}", pos=self.pos - 8, kind="InvalidFelt")
        return value

    def felts(self, number: int) -> tuple[int, ...]:
        """Read that many elements."""
        start = self.skip(8 * number)
        values: tuple[int, ...] = unpack_from(f"<{number}Q", self.data, start)
        if number and max(values) >= P:
            index = next(i for i, value in enumerate(values) if value >= P)
            self.fail(f"an element must be below p, found {values[index]}", pos=start + 8 * index, kind="InvalidFelt")
        return values

    def digest(self) -> bytes:
        """Read a word and return its 32 bytes."""
        start = self.pos
        self.felts(4)
        return self.data[start : self.pos]

    def text(self) -> str:
        """Read a counted run of UTF-8."""
        return self.utf8(self.count(1, "bytes of text"))

    def utf8(self, size: int) -> str:
        """Read `size` bytes of UTF-8."""
        start = self.skip(size)
        try:
            return self.data[start : start + size].decode()
        except UnicodeDecodeError as error:
            self.fail(f"text is not UTF-8: {error.reason}", pos=start + error.start, kind="InvalidText")

    def finish(self) -> None:
        """Refuse bytes after the end."""
        if self.pos != self.end:
            self.fail(f"{self.end - self.pos} bytes follow the end", kind="TrailingBytes")
