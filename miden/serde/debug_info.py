"""Debug information in a forest file: error messages, decorators, and where they sit. (mast.md sections 7.1, 7.5, 7.6.)

Reading is in two steps. `scan_debug_info` walks over the section, which is the only way to find its end, and checks
every id; `decode_debug_info` makes the objects when someone asks for them. `check_decorators` checks the decorators
themselves without keeping any.
"""

from __future__ import annotations

from struct import Struct

from miden.isa import NodeKind
from miden.mast.debug_info import DebugInfo
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp
from miden.serde.reader import Reader
from miden.serde.writer import blob, text, u32, u64, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from miden.mast.decorators import Decorator
    from miden.mast.forest import MastForest

    walk_debug_info: Callable[[bytes, int, int, int, memoryview, bool], int | None] | None

try:
    from miden._core.decode import walk_debug_info
except ImportError:
    walk_debug_info = None

ASM_OP = 0
"""Variant of an `AsmOp`; those of debug requests are `miden.mast.decorators.DebugKind`."""

TRACE = 7
"""Variant of a `TraceOp`."""

_INFO = Struct("<BI")
_SHORT_LINK = Struct("<BI")
_LONG_LINK = Struct("<HI")
_DEBUG_DATA = {
    DebugKind.STACK_ALL: Struct("<"),
    DebugKind.STACK_TOP: Struct("<B"),
    DebugKind.MEM_ALL: Struct("<"),
    DebugKind.MEM_INTERVAL: Struct("<II"),
    DebugKind.LOCAL_INTERVAL: Struct("<HHH"),
    DebugKind.ADV_STACK_TOP: Struct("<H"),
}


class Sections:
    """Where the parts of a debug section are, and the links of nodes to decorators.

    `links` holds (node id, [(raw operation index, decorator id), ...]), `before` and `after` (node id, [decorator
    id, ...]), in the order of the file; they are empty lists unless they were asked for.
    """

    __slots__ = ("after", "before", "data", "error_codes", "infos", "links", "string_data", "strings")

    def __init__(self) -> None:
        self.error_codes: list[tuple[int, str]] = []
        self.data = (0, 0)
        self.strings: list[int] = []
        self.string_data = (0, 0)
        self.infos = 0
        self.links: list[tuple[int, list[tuple[int, int]]]] = []
        self.before: list[tuple[int, list[int]]] = []
        self.after: list[tuple[int, list[int]]] = []


def skip_debug_info(reader: Reader, decorator_count: int, op_counts: Sequence[int], *, check: bool) -> None:
    """Walk over a debug section; look at the decorators themselves too if `check` is set.

    The core walks faster. It only tells right from wrong: what is wrong, and where, is found by walking here.
    """
    if walk_debug_info is not None and isinstance(op_counts, memoryview):
        end = walk_debug_info(reader.data, reader.pos, reader.end, decorator_count, op_counts, check)
        if end is not None:
            reader.pos = end
            return
    sections = scan_debug_info(reader, decorator_count, op_counts, keep=False)
    if check:
        check_decorators(reader, sections, decorator_count)


def scan_debug_info(reader: Reader, decorator_count: int, op_counts: Sequence[int], *, keep: bool) -> Sections:
    """Walk over a debug section and check all but the decorators' data.

    `op_counts` has the number of raw operations of each node, 0 for those that are no blocks. Links are kept if
    `keep` is set.
    """
    sections = Sections()
    codes: set[int] = set()
    for _ in range(reader.count(9, "error codes")):
        start = reader.pos
        code = reader.u64()
        message = reader.text()
        if code in codes:
            reader.fail(f"error code {code} occurs twice", pos=start, kind="DuplicateKey")
        codes.add(code)
        if keep:
            sections.error_codes.append((code, message))
    sections.data = reader.blob("bytes of decorators")
    sections.strings = [reader.vint() for _ in range(reader.count(1, "strings"))]
    sections.string_data = reader.blob("bytes of strings")
    sections.infos = reader.skip(_INFO.size * decorator_count)
    blocks: set[int] = set()
    for _ in range(reader.count(2, "lists of decorators")):
        node_id = _node_id(reader, len(op_counts))
        if op_counts[node_id] == 0:
            reader.fail(f"node {node_id} is not a basic block", kind="InvalidNodeId")
        if node_id in blocks:
            reader.fail(f"decorators of block {node_id} are listed twice", kind="DuplicateKey")
        blocks.add(node_id)
        links = _links(reader, decorator_count, op_counts[node_id])
        if keep and links:
            sections.links.append((node_id, links))
    sections.before = _node_links(reader, decorator_count, len(op_counts), keep)
    sections.after = _node_links(reader, decorator_count, len(op_counts), keep)
    return sections


def _node_id(reader: Reader, node_count: int) -> int:
    start = reader.pos
    node_id = reader.vint()
    if node_id >= node_count:
        reader.fail(f"node id {node_id} is not one of the {node_count} nodes", pos=start, kind="InvalidNodeId")
    return node_id


def _links(reader: Reader, decorator_count: int, op_count: int) -> list[tuple[int, int]]:
    links: list[tuple[int, int]] = []
    previous = 0
    count = reader.count(_SHORT_LINK.size, "decorators")
    # Nearly all of a debug section: indices of one and of two bytes are read without a call of the reader.
    data, last = reader.data, reader.end - _LONG_LINK.size
    unpack_short, unpack_long = _SHORT_LINK.unpack_from, _LONG_LINK.unpack_from
    for _ in range(count):
        start = reader.pos
        first = data[start] if start <= last else 0
        if first & 1:
            index, decorator_id = unpack_short(data, start)
            index >>= 1
            reader.pos = start + 5
        elif first & 2:
            index, decorator_id = unpack_long(data, start)
            index >>= 2
            reader.pos = start + 6
        else:
            index = reader.vint()
            decorator_id = reader.u32()
        if decorator_id >= decorator_count:
            reader.pos -= 4
            _decorator_id(reader, decorator_count)
        if not previous <= index <= op_count:
            reader.fail(f"decorators must ascend by operation up to {op_count}, found {index} after {previous}", pos=start)
        previous = index
        links.append((index, decorator_id))
    return links


def _node_links(reader: Reader, decorator_count: int, node_count: int, keep: bool) -> list[tuple[int, list[int]]]:
    lists: list[tuple[int, list[int]]] = []
    seen: set[int] = set()
    for _ in range(reader.count(2, "lists of decorators")):
        node_id = _node_id(reader, node_count)
        if node_id in seen:
            reader.fail(f"decorators of node {node_id} are listed twice", kind="DuplicateKey")
        seen.add(node_id)
        ids = [_decorator_id(reader, decorator_count) for _ in range(reader.count(4, "decorators"))]
        if keep:
            lists.append((node_id, ids))
    return lists


def _decorator_id(reader: Reader, decorator_count: int) -> int:
    decorator_id = reader.u32()
    if decorator_id >= decorator_count:
        reader.fail(f"decorator id {decorator_id} is not one of the {decorator_count}", pos=reader.pos - 4, kind="InvalidDecoratorId")
    return decorator_id


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

    for variant, offset in _INFO.iter_unpack(reader.data[sections.infos : sections.infos + _INFO.size * decorator_count]):
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
        infos += _INFO.pack(variant, offset)

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
