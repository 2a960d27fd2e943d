"""Operations back to instructions: what each instruction is lowered to, learned from the assembler itself.

Every instruction that needs no name around it is assembled once by itself; the operations it becomes are a phrase. A
block is then written with as few phrases as possible. The assembler lowers one instruction after the other, so what is
written so becomes the same operations again.
"""

from __future__ import annotations

from functools import cache

from miden.errors import AssemblyError, InputError
from miden.isa import ERROR_CODE_OPS, OP, OPERATIONS, NodeKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Item = tuple[int, int | None]

_END = -1
_SMALL = tuple(str(value) for value in range(33))
_ENUMERATED = ("D8", "SH", "U8")
_PUSH = OP["PUSH"]
_NOOP = OP["NOOP"]
_LEAST_PUSH = 2
"""``push.0`` and ``push.1`` are other operations."""


class InexpressibleError(InputError):
    """Operations that no sequence of instructions is lowered to."""


@cache
def phrases() -> dict[object, object]:
    """Return a tree: operation -> subtree, and under -1 the instruction that ends there."""
    from miden.assembly.assembler import Assembler

    tree: dict[object, object] = {}
    assembler = Assembler()
    for text in _candidates():
        try:
            forest = assembler.assemble_library({"phrase": f"pub proc phrase {text} end"}).forest
        except (AssemblyError, InputError):
            continue
        if len(forest) != 1 or forest.kind(0) != NodeKind.BLOCK:
            continue
        items = [_plain(item) for item in forest.block_operations(0)]
        if text != "nop" and items and items[-1][0] == _NOOP:
            continue
        node = tree
        for item in items:
            node = node.setdefault(item, {})  # type: ignore[assignment]
        node.setdefault(_END, text)
    return tree


def _plain(item: Item) -> Item:
    """Return an operation without its error code, which is not hashed."""
    return (item[0], None) if item[0] in ERROR_CODE_OPS else item


def _candidates() -> Iterator[str]:
    """Iterate over instructions to try, those that read best first."""
    from miden.assembly.mnemonics import MNEMONICS, SYNTHETIC

    yield from ("push.0", "push.1", "add.1", "eq.0", "neq.0", "nop", *(f"exp.u{bits}" for bits in (8, 16, 32, 64, *range(65))))
    for name, row in MNEMONICS.items():
        if name in SYNTHETIC or name.startswith(("debug", "breakpoint", "trace", "u32shl", "u32shr", "u32rot")):
            continue
        for form in row.forms:
            if not form:
                yield name
            elif len(form) == 1 and form[0] in _ENUMERATED:
                yield from (f"{name}.{value}" for value in _SMALL)


def block_text(operations: Sequence[Item], messages: Mapping[int, str]) -> list[str]:
    """Return the instructions of a block; `messages` are the texts of error codes, as far as they are known.

    Raises `InexpressibleError` of kind ``InexpressibleBlock`` naming the first operation that nothing is lowered to.
    """
    tree = phrases()
    items = [_plain(item) for item in operations]
    count = len(items)
    infinite = count + 1
    cost = [infinite] * count + [0]
    step: list[tuple[int, str]] = [(0, "")] * count
    for start in range(count - 1, -1, -1):
        opcode, value = items[start]
        if opcode == _PUSH and value is not None and value >= _LEAST_PUSH:
            cost[start], step[start] = cost[start + 1] + 1, (start + 1, f"push.{value}")
        node: object = tree
        for end in range(start, count):
            node = node.get(items[end]) if isinstance(node, dict) else None
            if node is None:
                break
            text = node.get(_END) if isinstance(node, dict) else None
            if (
                isinstance(text, str)
                and cost[end + 1] + 1 < cost[start]
                and (end == start or not _message(operations[start : end + 1], messages))
            ):
                cost[start], step[start] = cost[end + 1] + 1, (end + 1, text)
    if count and cost[0] >= infinite:
        stuck = max(at for at in range(count) if cost[at] >= infinite)
        opcode, value = items[stuck]
        shown = OPERATIONS[opcode].display + ("" if value is None else f"({value})")
        raise InexpressibleError(f"no instruction is lowered to {shown}, operation {stuck} of its block", kind="InexpressibleBlock")
    lines: list[str] = []
    at = 0
    while at < count:
        end, text = step[at]
        message = _message(operations[at:end], messages)
        lines.append(f'{text}.err="{message}"' if message else text)
        at = end
    return lines


def _message(operations: Sequence[Item], messages: Mapping[int, str]) -> str:
    """Return the message of the error code among some operations, if there is one that can be written."""
    for opcode, value in operations:
        if opcode in ERROR_CODE_OPS and value:
            message = messages.get(value, "")
            if message and '"' not in message and message.isprintable():
                return message
    return ""
