"""Debug information in a forest file: error messages, decorators, and where they sit. (mast.md sections 7.1, 7.5, 7.6.)

Reading is in two steps. `miden.serde.debug_section` walks over the section and checks every id; `decode_debug_info` makes
the objects when someone asks for them. `check_decorators` checks the decorators themselves without keeping any.
"""

from __future__ import annotations

from struct import Struct

from miden.isa import NodeKind
from miden.mast.debug_info import DebugInfo
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp
from miden.serde.debug_section import INFO, scan_debug_info
from miden.serde.reader import Reader
from miden.serde.writer import blob, text, u32, u64, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.mast.decorators import Decorator
    from miden.mast.forest import MastForest
    from miden.serde.debug_section import Sections

ASM_OP = 0
"""Variant of an `AsmOp`; those of debug requests are `miden.mast.decorators.DebugKind`."""

TRACE = 7
"""Variant of a `TraceOp`."""

_DEBUG_DATA = {
    DebugKind.STACK_ALL: Struct("<"),
    DebugKind.STACK_TOP: Struct("<B"),
    DebugKind.MEM_ALL: Struct("<"),
    DebugKind.MEM_INTERVAL: Struct("<II"),
    DebugKind.LOCAL_INTERVAL: Struct("<HHH"),
    DebugKind.ADV_STACK_TOP: Struct("<H"),
}


def check_decorators(reader: Reader, sections: Sections, decorator_count: int) -> None:
    """Raise `FormatError` unless every decorator can be decoded."""
    for _ in _decorators(reader, sections, decorator_count):
        pass


def decode_debug_info(data: bytes, base: int, decorator_count: int, op_counts: Sequence[int]) -> DebugInfo:
    """Decode a debug section; `base` is its offset in the file, for errors."""
    reader = Reader(data, base=base)
    sections = scan_debug_info(reader, decorator_count, op_counts, keep=True)
    return DebugInfo(
        _decorators(reader, sections, decorator_count),
        dict(sections.links),
        dict(sections.before),
        dict(sections.after),
        dict(sections.error_codes),
    )


def _decorators(reader: Reader, sections: Sections, decorator_count: int) -> Iterator[Decorator]:
    strings: dict[int, str] = {}
    budget = sections.string_data[1] - sections.string_data[0]

    def string(source: Reader) -> str:
        nonlocal budget
        start = source.pos
        index = source.vint()
        found = strings.get(index)
        if found is None:
            if index >= len(sections.strings):
                source.fail(f"there is no string {index}", pos=start, kind="InvalidString")
            at, end = sections.string_data
            if sections.strings[index] > end - at:
                source.fail(f"string {index} starts behind the data", pos=start, kind="InvalidString")
            table = Reader(source.data, at + sections.strings[index], source.base, end)
            budget -= end - table.pos
            found = table.text()
            budget += end - table.pos  # what was read
            if budget < 0:
                source.fail("strings overlap", pos=start, kind="InvalidString")
            strings[index] = found
        return found

    for variant, offset in INFO.iter_unpack(reader.data[sections.infos : sections.infos + INFO.size * decorator_count]):
        at, end = sections.data
        if variant > TRACE or offset > end - at:
            reader.fail(f"a decorator of variant {variant} cannot start at {offset}", pos=sections.infos, kind="InvalidDecorator")
        source = Reader(reader.data, at + offset, reader.base, end)
        if variant == ASM_OP:
            cycles = source.u8()
            should_break = source.flag()
            location = None
            if source.flag():
                location = string(source), source.u32(), source.u32()
            yield AsmOp(location, string(source), string(source), cycles, should_break)
        elif variant == TRACE:
            yield TraceOp(source.u32())
        else:
            kind = DebugKind(variant)
            fields = _DEBUG_DATA[kind]
            yield DebugOp(kind, *fields.unpack(source.take(fields.size)))


# writing


def encode_debug_info(forest: MastForest) -> tuple[int, bytes]:
    """Return the number of decorators and the debug section of a forest."""
    info = forest.debug_info
    data = bytearray()
    infos = bytearray()
    strings: dict[str, int] = {}

    def string(value: str) -> bytes:
        return vint(strings.setdefault(value, len(strings)))

    for decorator in info.decorators:
        offset = len(data)
        if isinstance(decorator, AsmOp):
            variant = ASM_OP
            data += bytes((decorator.cycles, decorator.should_break, decorator.location is not None))
            if decorator.location is not None:
                uri, start, end = decorator.location
                data += string(uri) + u32(start) + u32(end)
            data += string(decorator.context)
            data += string(decorator.op)
        elif isinstance(decorator, TraceOp):
            variant = TRACE
            data += u32(decorator.id)
        else:
            variant = decorator.kind
            fields = _DEBUG_DATA[decorator.kind].pack(*decorator.args)
            data += fields
            offset = offset if fields else 0
        infos += INFO.pack(variant, offset)

    parts: list[bytes | bytearray] = [vint(len(info.error_codes))]
    for code, message in info.error_codes.items():
        parts += (u64(code), text(message))
    parts += (blob(data), _string_table(strings), infos)
    block_ids = [node_id for node_id in range(len(forest)) if forest.kind(node_id) == NodeKind.BLOCK]
    parts.append(vint(len(block_ids)))
    for node_id in block_ids:
        links = info.op_decorators.get(node_id, ())
        parts += (vint(node_id), vint(len(links)))
        parts += [vint(index) + u32(decorator_id) for index, decorator_id in links]
    for lists in (info.before_enter, info.after_exit):
        parts.append(vint(len(lists)))
        for node_id, ids in lists.items():
            parts += (vint(node_id), vint(len(ids)), *map(u32, ids))
    return len(info.decorators), b"".join(parts)


def _string_table(strings: Iterable[str]) -> bytes:
    offsets = bytearray()
    data = bytearray()
    count = 0
    for value in strings:
        offsets += vint(len(data))
        data += text(value)
        count += 1
    return vint(count) + offsets + blob(data)
