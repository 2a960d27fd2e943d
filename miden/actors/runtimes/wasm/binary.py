"""The binary format of Wasm, as far as rewriting needs it: sections, types, imports, bodies of functions.

A module is checked by the engine before it is rewritten; here only the structure counts, and bytes that do not have it are
refused with their offset. (Wasm core specification, chapter 5.)
"""

from __future__ import annotations

from dataclasses import dataclass

from miden.actors.runtimes.wasm.opcodes import BR_TABLE, END, INSTRUCTION, PREFIX
from miden.errors import FormatError

MAGIC = b"\0asm\x01\0\0\0"
TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT = range(1, 13)
# Where a section stands in a file; custom sections are dropped.
ORDER = (TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, DATA_COUNT, CODE, DATA)

FUNCTION_KIND, TABLE_KIND, MEMORY_KIND, GLOBAL_KIND = range(4)


def unsigned(value: int) -> bytes:
    """Write a number as LEB128.

    >>> unsigned(624485).hex()
    'e58e26'
    """
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> bytes:
    """Write a number as signed LEB128.

    >>> signed(-123456).hex(), signed(64).hex()
    ('c0bb78', 'c000')
    """
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def read_signed(data: bytes, offset: int) -> int:
    """Read a signed LEB128 whose bytes are known to be there."""
    value = shift = 0
    while True:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        shift += 7
        offset += 1
        if byte < 0x80:
            return value - (1 << shift) if byte & 0x40 else value


class Reader:
    """A cursor over bytes; every read that does not fit raises FormatError with the offset."""

    __slots__ = ("data", "end", "offset")

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self.data = data
        self.offset = offset
        self.end = len(data) if end is None else end

    def error(self, message: str) -> FormatError:
        return FormatError(message, offset=self.offset, kind="InvalidWasm")

    def byte(self) -> int:
        if self.offset >= self.end:
            raise self.error("expected a byte, found the end of the module")
        self.offset += 1
        return self.data[self.offset - 1]

    def u32(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 28:
                raise self.error("expected a number of 32 bits, found a longer one")
        if value >= 1 << 32:
            raise self.error("expected a number of 32 bits, found a longer one")
        return value

    def take(self, size: int) -> bytes:
        start = self.offset
        if size > self.end - start:
            raise self.error(f"expected {size} bytes, found {self.end - start}")
        self.offset = start + size
        return self.data[start : start + size]

    def count(self) -> int:
        """The number of entries of a vector; each takes a byte at least."""
        value = self.u32()
        if value > self.end - self.offset:
            raise self.error(f"expected at most {self.end - self.offset} entries, found {value}")
        return value

    def vector(self) -> list[int]:
        return [self.u32() for _ in range(self.count())]

    def constant(self) -> bytes:
        """A constant expression of one instruction, its end included."""
        start = self.offset
        match = INSTRUCTION.match(self.data, start, self.end)
        if match is None or self.data[match.end() : match.end() + 1] != bytes((END,)):
            raise self.error("expected one constant instruction")
        self.offset = match.end() + 1
        return self.data[start : self.offset]

    def finish(self) -> None:
        if self.offset != self.end:
            raise self.error("expected the end of a section, found more bytes")


def vector(entries: list[bytes]) -> bytes:
    return unsigned(len(entries)) + b"".join(entries)


def indices(values: list[int]) -> bytes:
    return vector([unsigned(value) for value in values])


def sized(data: bytes) -> bytes:
    return unsigned(len(data)) + data


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a function takes and gives, as bytes of value types."""

    params: bytes
    results: bytes

    def encode(self) -> bytes:
        return b"\x60" + sized(self.params) + sized(self.results)


@dataclass(slots=True)
class Body:
    """A function: groups of locals as (count, type), and the bytes of its instructions, the last `end` included."""

    locals: list[tuple[int, int]]
    code: bytes

    def encode(self) -> bytes:
        groups = vector([unsigned(count) + bytes((kind,)) for count, kind in self.locals])
        return sized(groups + self.code)

    def instructions(self) -> tuple[list[int], list[int]]:
        """The opcodes, and where each begins; one more position, the end of the code, closes the second list."""
        code = self.code
        opcodes: list[int] = []
        starts: list[int] = []
        match = INSTRUCTION.match
        position = 0
        size = len(code)
        while position < size:
            found = match(code, position)
            if found is not None:
                starts.append(position)
                opcode = code[position]
                opcodes.append(0x100 + code[position + 1] if opcode == PREFIX else opcode)
                position = found.end()
            elif code[position] == BR_TABLE:
                starts.append(position)
                opcodes.append(BR_TABLE)
                reader = Reader(code, position + 1)
                reader.vector()
                reader.u32()
                position = reader.offset
            else:
                raise FormatError(
                    f"expected an instruction, found the byte {code[position]:#04x}",
                    offset=position,
                    kind="UnsupportedWasm",
                    hint="exceptions, tail calls, references, vectors and atomics are not for guests",
                )
        starts.append(size)
        return opcodes, starts


class Module:
    """The sections of a module by their number, and what is read out of them.

    `functions` are type numbers, those of imports first; `bodies` are of the functions that are not imported.
    """

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC):
            raise FormatError("expected a Wasm module of version 1, found other bytes", offset=0, kind="InvalidWasm")
        self.sections: dict[int, bytes] = {}
        reader, last = Reader(data, len(MAGIC)), -1
        while reader.offset < reader.end:
            number = reader.byte()
            content = reader.take(reader.u32())
            if number == 0:
                continue
            place = ORDER.index(number) if number in ORDER else -1
            if place <= last:
                raise reader.error(f"expected sections in their order and once each, found section {number}")
            last = place
            self.sections[number] = content
        self.types = self._types()
        self.imported_functions = self.imported_globals = 0
        self.functions = self._imports()
        self.functions += self.indices(FUNCTION)
        self.bodies = self._bodies()
        if len(self.bodies) != len(self.functions) - self.imported_functions:
            raise FormatError("expected as many bodies as functions", offset=0, kind="InvalidWasm")

    def reader(self, number: int) -> Reader:
        return Reader(self.sections.get(number, b"\0"))

    def indices(self, number: int) -> list[int]:
        reader = self.reader(number)
        found = reader.vector()
        reader.finish()
        return found

    def _types(self) -> list[FunctionType]:
        reader, found = self.reader(TYPE), []
        for _ in range(reader.count()):
            if reader.byte() != 0x60:
                raise reader.error("expected a function type")
            found.append(FunctionType(reader.take(reader.u32()), reader.take(reader.u32())))
        reader.finish()
        return found

    def _imports(self) -> list[int]:
        reader, functions = self.reader(IMPORT), []
        for _ in range(reader.count()):
            for _ in range(2):
                reader.take(reader.u32())
            kind = reader.byte()
            if kind == FUNCTION_KIND:
                functions.append(reader.u32())
                self.imported_functions += 1
            elif kind == GLOBAL_KIND:
                reader.take(2)
                self.imported_globals += 1
            elif kind in (TABLE_KIND, MEMORY_KIND):
                if kind == TABLE_KIND:
                    reader.byte()
                bounded = reader.byte()
                reader.u32()
                if bounded & 1:
                    reader.u32()
            else:
                raise reader.error(f"expected an import of a function, table, memory or global, found kind {kind}")
        reader.finish()
        return functions

    def _bodies(self) -> list[Body]:
        reader, found = self.reader(CODE), []
        data = reader.data
        for _ in range(reader.count()):
            size = reader.u32()
            end = reader.offset + size
            if end > reader.end:
                raise reader.error(f"expected a body of {size} bytes, found {reader.end - reader.offset}")
            inner = Reader(data, reader.offset, end)
            groups = [(inner.u32(), inner.byte()) for _ in range(inner.count())]
            found.append(Body(groups, data[inner.offset : end]))
            reader.offset = end
        reader.finish()
        return found

    def type_of(self, function: int) -> FunctionType:
        """The type of a function by its number; raises FormatError for a number that has none."""
        try:
            return self.types[self.functions[function]]
        except IndexError:
            raise FormatError(f"expected a function with a type, found {function}", offset=0, kind="InvalidWasm") from None

    def type_number(self, kind: FunctionType) -> int:
        """The number of a type, which is added if the module has not got it."""
        if kind not in self.types:
            self.types.append(kind)
        return self.types.index(kind)

    def encode(self) -> bytes:
        """The module as bytes, without custom sections."""
        sections = dict(self.sections)
        if self.types:
            sections[TYPE] = vector([kind.encode() for kind in self.types])
        defined = self.functions[self.imported_functions :]
        if defined:
            sections[FUNCTION] = indices(defined)
            sections[CODE] = vector([body.encode() for body in self.bodies])
        return MAGIC + b"".join(bytes((number,)) + sized(sections[number]) for number in ORDER if number in sections)
