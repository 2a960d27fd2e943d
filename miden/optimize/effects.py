"""Run operations on symbols: the proof that two sequences do the same.

Two sequences have the same effect if they leave the same values on the stack, make the same checks, and ask memory and advice
for the same things in the same order. Equal effects are equal for every input; the converse does not hold, as some equal effects
are not recognised. Where several checks would fail at once, which of them is reported is left open.

What is known of a value may follow from a check that one of the sequences makes: the values of a comparison belong to the two
sequences that are compared, and to no others.
"""

from __future__ import annotations

from itertools import permutations

from miden.errors import InputError
from miden.isa import OP, OPERATIONS
from miden.optimize.meanings import ALWAYS, MEANINGS, MOVES, ORDERED
from miden.optimize.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Operation: TypeAlias = tuple[int, int | None]
    """Opcode and immediate."""


class UnsupportedError(InputError):
    """An operation that has no symbolic meaning here: its effect depends on the clock, the depth or the host."""


class Node:
    """An operation that computes, checks or asks: what it takes from the top of the stack and what it leaves there.

    `inputs` and `outputs` are values, top first; `orders` are all orders of the inputs that do; `after` is the node that
    must come before because the order of the two can be seen from outside; `required` tells whether the node does more than
    leave outputs. `operations` are several where only together they can be written as an instruction.
    """

    __slots__ = ("after", "inputs", "operations", "orders", "outputs", "required")

    def __init__(
        self, operations: tuple[Operation, ...], inputs: tuple[int, ...], outputs: tuple[int, ...], after: int | None, required: bool
    ) -> None:
        self.operations = operations
        self.inputs = inputs
        self.outputs = outputs
        self.after = after
        self.required = required
        self.orders = _orders(OPERATIONS[operations[0][0]].name if len(operations) == 1 else "", inputs)


_COMMUTE = ("ADD", "MUL", "AND", "OR", "EQ", "U32ADD", "U32MUL", "U32AND", "U32XOR", "U32MADD")
_FREE: dict[str, tuple[int, ...]] = dict.fromkeys(_COMMUTE, (0, 1))
_FREE["U32ADD3"] = (0, 1, 2)


def _orders(name: str, inputs: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    free = _FREE.get(name)
    if free is None:
        return (inputs,)
    rest = inputs[len(free) :]
    return tuple(dict.fromkeys((*(inputs[index] for index in order), *rest) for order in permutations(free)))


class Effect:
    """What a sequence does: nodes it runs, checks it makes, what it asks for, and the stack it leaves.

    `depth` is how many elements of the stack it was given it may have moved; below that it left everything as it was. `dip` is
    how many elements fewer there are, at the lowest, than at the start.
    """

    __slots__ = ("asked", "checks", "depth", "dip", "nodes", "stack")

    def __init__(
        self, stack: tuple[int, ...], checks: frozenset[object], asked: tuple[object, ...], nodes: list[Node], depth: int, dip: int = 0
    ) -> None:
        self.dip = dip
        self.stack = stack
        self.checks = checks
        self.asked = asked
        self.nodes = nodes
        self.depth = depth

    def equals(self, other: Effect, values: Values) -> bool:
        """Tell whether two effects, over the same values, are known to be the same."""
        return (
            self.padded(other.depth, values) == other.padded(self.depth, values)
            and self.checks == other.checks
            and self.asked == other.asked
        )

    def padded(self, depth: int, values: Values) -> tuple[int, ...]:
        """Return the stack with elements of the one that was given, down to `depth` of those, below it."""
        return (*self.stack, *(input_value(values, index) for index in range(self.depth, depth)))


def input_value(values: Values, index: int) -> int:
    """Return the value that stands for element `index` of the stack a sequence is given."""
    return values.atom("in", index)


class Runner:
    """Runs operations on symbols; `stack` is listed top first and grows downwards when it is looked into."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.stack: list[int] = []
        self.depth = 0
        self.checks: set[object] = set()
        self.asked: list[object] = []
        self.nodes: list[Node] = []
        self._last: int | None = None
        self._version = 0
        self._height = 0
        self._dip = 0

    def effect(self) -> Effect:
        """Return what the operations run so far do."""
        return Effect(tuple(self.stack), frozenset(self.checks), tuple(self.asked), self.nodes, self.depth, self._dip)

    def need(self, count: int) -> None:
        """Make sure that so many elements are listed."""
        while len(self.stack) < count:
            self.stack.append(input_value(self.values, self.depth))
            self.depth += 1

    def run(self, operations: Iterable[Operation]) -> Runner:
        """Run operations; `UnsupportedError` for one that has no symbolic meaning."""
        listed = list(operations)
        at = 0
        while at < len(listed):
            power = power_length(listed, at)
            if power:
                self._run_power(listed[at : at + power])
            else:
                self._step(*listed[at])
            at += power or 1
        return self

    def _step(self, opcode: int, immediate: int | None) -> None:
        name = OPERATIONS[opcode].name
        self._height += OPERATIONS[opcode].delta
        self._dip = max(self._dip, -self._height)
        move = MOVES.get(name)
        if move is not None:
            self.need(move[0])
            self.stack[: move[0]] = [self.stack[index] for index in move[1]]
        elif name in ("PUSH", "PAD"):
            self._node(((opcode, immediate),), 0, (self.values.constant(immediate or 0),), False)
        elif name in MEANINGS:
            count, meaning = MEANINGS[name]
            self.need(count)
            known = len(self.checks)
            outputs = meaning(self, tuple(self.stack[:count]), immediate)
            required = len(self.checks) > known or name in ALWAYS
            self._node(((opcode, immediate),), count, outputs, required, ordered=name in ORDERED)
        elif name != "NOOP":
            raise UnsupportedError(f"{name} cannot be run on symbols", kind="UnsupportedOperation", hint="optimize the code around it")

    def _run_power(self, operations: list[Operation]) -> None:
        """Run the operations of ``pow2`` or ``exp.uN`` as one node."""
        count = 1 if operations[0][0] == OP["PUSH"] else 2
        self.need(count)
        inner = Runner(self.values)
        inner._height, inner._dip = self._height, self._dip
        inner.stack = self.stack[:count]
        for operation in operations:
            inner._step(*operation)
        self.checks |= inner.checks
        self._height, self._dip = inner._height, inner._dip
        self._node(tuple(operations), count, tuple(inner.stack), True)

    def _node(
        self, operations: tuple[Operation, ...], count: int, outputs: tuple[int, ...], required: bool, *, ordered: bool = False
    ) -> None:
        """Replace the top `count` elements by the outputs of operations."""
        inputs = tuple(self.stack[:count])
        self.stack[:count] = outputs
        self.nodes.append(Node(operations, inputs, outputs, self._last if ordered else None, required))
        if ordered:
            self._last = len(self.nodes) - 1

    # --- checks

    def check_u32(self, *inputs: int) -> None:
        """Note that inputs must be below 2**32, unless that is known."""
        self.checks.update(("u32", value) for value in inputs if value not in self.values.u32)

    def check_binary(self, *inputs: int) -> None:
        """Note that inputs must be 0 or 1, unless that is known."""
        self.checks.update(("binary", value) for value in inputs if value not in self.values.binary)

    def ask(self, *what: object) -> int:
        """Note something that is asked of the outside, in order, and return its number."""
        self.asked.append(what)
        return len(self.asked)

    @property
    def version(self) -> int:
        """Number of stores before now: what a load finds depends on it."""
        return self._version

    def store(self) -> None:
        """Note that memory has changed."""
        self._version += 1


_POWER_END = (OP["DROP"], OP["DROP"], OP["SWAP"], OP["EQZ"], OP["ASSERT"])
_POWER_STARTS = (
    (OP["PUSH"], OP["PAD"], OP["INCR"], OP["SWAP"], OP["PAD"], OP["EXPACC"]),
    (OP["PAD"], OP["INCR"], OP["MOVUP2"], OP["PAD"], OP["EXPACC"]),
)


def power_length(operations: list[Operation], at: int) -> int:
    """Return how many operations from `at` are what ``pow2`` or ``exp.uN`` becomes: only so can EXPACC be written; else 0."""
    for start in _POWER_STARTS:
        if tuple(opcode for opcode, _ in operations[at : at + len(start)]) == start:
            end = at + len(start)
            while end < len(operations) and operations[end][0] == OP["EXPACC"]:
                end += 1
            if tuple(opcode for opcode, _ in operations[end : end + len(_POWER_END)]) == _POWER_END:
                return end + len(_POWER_END) - at
    return 0


def same_effect(before: Iterable[Operation], after: Iterable[Operation]) -> bool:
    """Tell whether one sequence may stand in place of another: it has the same effect, and takes no more elements from below.

    Raises `UnsupportedError` for operations that cannot be run on symbols.

    >>> from miden.optimize.blocks import operations_of
    >>> same_effect(operations_of("movup.2 movup.2"), operations_of("movdn.2"))
    True
    >>> same_effect(operations_of("u32wrapping_add"), operations_of("add u32split drop"))
    False
    """
    values = Values()
    first, second = Runner(values).run(before).effect(), Runner(values).run(after).effect()
    return first.equals(second, values) and second.dip <= first.dip
