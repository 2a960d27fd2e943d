"""The debug section of a forest file: where its parts are, and where it ends. (mast.md sections 7.1, 7.5, 7.6.)

The only way to find the end of a section is to walk over it. That is all that reading a forest does with it, unless
someone asks for what is in it: see `miden.serde.debug_info`.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miden.serde.reader import Reader

    walk_debug_info: Callable[[bytes, int, int, int, memoryview, bool], int | None] | None

try:
    from miden._core.decode import walk_debug_info
except ImportError:
    walk_debug_info = None

INFO = Struct("<BI")
"""Variant of a decorator, and where its data starts."""

_SHORT_LINK = Struct("<BI")
_LONG_LINK = Struct("<HI")


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
        from miden.serde.debug_info import check_decorators

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
    sections.infos = reader.skip(INFO.size * decorator_count)
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
