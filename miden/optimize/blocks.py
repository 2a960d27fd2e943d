"""From instructions to operations, to fewer operations, and back to instructions."""

from __future__ import annotations

from miden.errors import InputError
from miden.isa import OPERATIONS, NodeKind
from miden.mast.batches import batch_operations
from miden.optimize.effects import Runner, input_value, power_length, same_effect
from miden.optimize.meanings import MEANINGS, MOVES
from miden.optimize.rules import apply_rules
from miden.optimize.search import DEFAULT_WIDTH, Problem, search
from miden.optimize.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miden.optimize.effects import Operation

WINDOW = 16
"""Operations that are searched at once: beyond that a search takes long and finds little."""

SIZE_WEIGHTS = (0.0, 0.4)
"""How the search ranks states, tried one after the other: without and with a weight for the elements on the stack."""


class Optimized:
    """What came out: operations before and after, which are proved to have the same effect."""

    __slots__ = ("after", "before", "messages")

    def __init__(self, before: Sequence[Operation], after: Sequence[Operation], messages: dict[int, str] | None = None) -> None:
        self.before = tuple(before)
        self.after = tuple(after)
        self.messages = messages or {}

    @property
    def instructions(self) -> tuple[str, ...]:
        """The operations after, as instructions."""
        from miden.package.phrases import block_text

        return tuple(block_text(self.after, self.messages)) if self.after else ()

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of a block of these operations, before and after: padding included, start and end not."""
        return rows(self.before), rows(self.after)

    def __repr__(self) -> str:
        return f"<Optimized {len(self.before)} -> {len(self.after)} operations>"


def rows(operations: Sequence[Operation]) -> int:
    """Return how many rows a block runs for operations, with the padding between them."""
    batches = batch_operations(operations)
    return sum(len(batch.operations) for batch in batches) + max(0, len(batches) - 1)


def operations_of(instructions: str) -> list[Operation]:
    """Return the operations that instructions are lowered to.

    Raises `AssemblyError` for what does not assemble, `InputError` of kind ``NotStraightLine`` if it becomes more than one
    block.
    """
    return list(_assembled(instructions)[0])


def _assembled(instructions: str) -> tuple[Sequence[Operation], dict[int, str]]:
    from miden.assembly.assembler import Assembler

    forest = Assembler().assemble_library({"code": f"pub proc code {instructions} end"}).forest
    if len(forest) != 1 or forest.kind(0) != NodeKind.BLOCK:
        hint = "leave out blocks and calls"
        raise InputError("only straight-line code can be optimized", kind="NotStraightLine", hint=hint)
    return forest.block_operations(0), dict(forest.debug_info.error_codes)


def optimize(code: str | Sequence[Operation], width: int = DEFAULT_WIDTH, progress: Callable[[int], None] | None = None) -> Optimized:
    """Look for fewer operations with the same effect.

    Parameters
    ----------
    code
        Instructions, straight-line, or operations.
    width
        States of each length that the search keeps: more finds more, and takes longer.
    progress
        Called now and then with the number of operations that have been looked at.

    Returns
    -------
    Optimized
        At most as many operations as before; where they differ they are proved to have the same effect.

    Raises
    ------
    AssemblyError
        For instructions that do not assemble.
    InputError
        Of kind ``NotStraightLine`` for blocks and calls.

    Examples
    --------
    >>> optimize("u32overflowing_sub swap eq.0 movup.2 and or").instructions
    ('u32overflowing_sub', 'movdn.2', 'eq.0', 'and', 'or')
    >>> optimize("swap swap").instructions
    ()
    """
    messages: dict[int, str] = {}
    if isinstance(code, str):
        code, messages = _assembled(code)
    found: list[Operation] = []
    for piece, supported in _pieces(code):
        found += _shortened(piece, width) if supported else piece
        if progress is not None:
            progress(len(piece))
    return Optimized(code, found, messages)


def _pieces(operations: Sequence[Operation]) -> list[tuple[list[Operation], bool]]:
    """Cut operations into those that can be run on symbols and those that cannot."""
    pieces: list[tuple[list[Operation], bool]] = []
    for operation in operations:
        name = OPERATIONS[operation[0]].name
        supported = name in MEANINGS or name in MOVES or name in ("PUSH", "PAD", "NOOP")
        if not pieces or pieces[-1][1] != supported:
            pieces.append(([], supported))
        pieces[-1][0].append(operation)
    return pieces


def _shortened(piece: list[Operation], width: int) -> list[Operation]:
    """Return the fewest operations found for a piece: by rules, then by search in windows until nothing changes."""
    best = _ruled([operation for operation in piece if OPERATIONS[operation[0]].name != "NOOP"])
    changed = True
    while changed:
        changed = False
        units = _units(best)
        start = 0
        while start < len(units):
            end = min(len(units), start + WINDOW)
            shorter = _searched([operation for unit in units[start:end] for operation in unit], width)
            if shorter is not None:
                units[start:end] = _units(shorter)
                changed = True
            start += WINDOW // 2 if end < len(units) else WINDOW
        best = _ruled([operation for unit in units for operation in unit])
    return best if len(best) < len(piece) and same_effect(piece, best) else piece


def _ruled(operations: list[Operation]) -> list[Operation]:
    """Return the operations with rules applied between exponentiations."""
    done: list[Operation] = []
    plain: list[Operation] = []
    for unit in _units(operations):
        if len(unit) == 1:
            plain += unit
        else:
            done += [*apply_rules(plain), *unit]
            plain = []
    return [*done, *apply_rules(plain)]


def _units(operations: list[Operation]) -> list[list[Operation]]:
    """Cut operations into single ones, and exponentiations, which stay whole."""
    units: list[list[Operation]] = []
    at = 0
    while at < len(operations):
        size = power_length(operations, at) or 1
        units.append(operations[at : at + size])
        at += size
    return units


def _searched(operations: list[Operation], width: int) -> list[Operation] | None:
    """Return fewer operations than these with the same effect, if the search finds any and the proof succeeds."""
    values = Values()
    effect = Runner(values).run(operations).effect()
    start = tuple(input_value(values, index) for index in range(effect.depth))
    best: list[Operation] | None = None
    for weight in SIZE_WEIGHTS:
        limit = len(operations if best is None else best)
        found = search(Problem(effect, start), limit, width, weight)
        if found is not None and same_effect(operations, found):
            best = found
    return best
