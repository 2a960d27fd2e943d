"""Run operations on symbols: the proof that two sequences do the same. (processor.md section 3.)

A value is a polynomial over *atoms* with coefficients in the field, interned, so that equal values have equal numbers. The
u32 operations are written as the polynomials they are: the low half of a sum is ``a + b - 2**32 * high``, a difference is
``a - b + 2**32 * borrow``, an exclusive or is ``a + b - 2 * (a & b)``; only what is no polynomial (a high half, a borrow, a
conjunction, an inverse) is an atom of its own, named by what it is made of. Two sequences have the same effect if they leave
the same stack, make the same checks and ask for the same things in the same order. Equal effects are equal for every input;
the converse does not hold, as some equal effects are not recognised.

Where several checks would fail at once, equal effects may differ in which of them is reported.
"""

from __future__ import annotations

from itertools import permutations

from miden.errors import InputError
from miden.field import U32_MAX, P
from miden.isa import BY_NAME, OP, OPERATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    Operation: TypeAlias = tuple[int, int | None]
    """Opcode and immediate."""
    Monomial: TypeAlias = tuple[int, ...]
    Polynomial: TypeAlias = tuple[tuple[Monomial, int], ...]
    """Pairs (monomial, coefficient), sorted; a monomial is a sorted tuple of atoms."""

MAX_MONOMIALS = 160
"""A product with more monomials becomes an atom: then some equalities are not seen."""

_SHIFT = 2**32
_HALF = (P + 1) // 2


class UnsupportedError(InputError):
    """An operation that has no symbolic meaning here: its effect depends on the clock, the depth or the host."""


class Values:
    """Interned values, shared by all sequences that are to be compared.

    Attributes
    ----------
    u32, binary
        Values that are known to be below 2**32, and known to be 0 or 1.
    """

    def __init__(self) -> None:
        self._polynomials: list[Polynomial] = []
        self._numbers: dict[Polynomial, int] = {}
        self._atoms: dict[object, int] = {}
        self.names: list[object] = []
        self._binary_atoms: set[int] = set()
        self.u32: set[int] = set()
        self.binary: set[int] = set()

    # --- making values

    def constant(self, value: int) -> int:
        """Return a constant."""
        value %= P
        number = self._intern({(): value} if value else {})
        if value <= U32_MAX:
            self.u32.add(number)
        if value <= 1:
            self.binary.add(number)
        return number

    def atom(self, *name: object, binary: bool = False, u32: bool = False) -> int:
        """Return the value that is named by how it was made."""
        atom = self._atoms.get(name)
        if atom is None:
            atom = self._atoms[name] = len(self.names)
            self.names.append(name)
            if binary:
                self._binary_atoms.add(atom)
        number = self._intern({(atom,): 1})
        if binary:
            self.binary.add(number)
        if u32 or binary:
            self.u32.add(number)
        return number

    def linear(self, *terms: tuple[int, int]) -> int:
        """Return the sum of (coefficient, value)."""
        total: dict[Monomial, int] = {}
        for factor, value in terms:
            for monomial, coefficient in self._polynomials[value]:
                total[monomial] = (total.get(monomial, 0) + factor * coefficient) % P
        return self._intern(total)

    def product(self, a: int, b: int) -> int:
        """Return a * b."""
        left, right = self._polynomials[a], self._polynomials[b]
        if len(left) * len(right) > MAX_MONOMIALS:
            return self.atom("mul", *sorted((a, b)))
        total: dict[Monomial, int] = {}
        for first, x in left:
            for second, y in right:
                monomial = self._monomial(first + second)
                total[monomial] = (total.get(monomial, 0) + x * y) % P
        return self._intern(total)

    def is_constant(self, value: int) -> int | None:
        """Return the number a value is known to be, or None."""
        polynomial = self._polynomials[value]
        if not polynomial:
            return 0
        return polynomial[0][1] if len(polynomial) == 1 and not polynomial[0][0] else None

    def up_to_scale(self, value: int) -> int:
        """Return the value divided by its first coefficient: zero where the value is zero."""
        polynomial = self._polynomials[value]
        return self.linear((pow(polynomial[0][1], -1, P), value)) if polynomial else value

    def equal(self, a: int, b: int) -> int:
        """Return a == b as 0 or 1."""
        difference = self.linear((1, a), (-1, b))
        known = self.is_constant(difference)
        if known is not None:
            return self.constant(int(known == 0))
        return self.atom("zero", self.up_to_scale(difference), binary=True)

    def halves(self, value: int, *, carry: bool = False) -> tuple[int, int]:
        """Return high and low half of a value that is below p as an integer; `carry`: the high half is 0 or 1."""
        known = self.is_constant(value)
        if known is not None:
            return self.constant(known >> 32), self.constant(known & U32_MAX)
        if value in self.u32:
            return self.constant(0), value
        high = self.atom("high", value, u32=True)
        low = self.linear((1, value), (-_SHIFT, high))
        if carry:
            self.binary.add(high)
            self._binary_atoms.add(self._atoms["high", value])
        self.u32.add(low)
        return high, low

    def _monomial(self, atoms: tuple[int, ...]) -> Monomial:
        """Return a product of atoms, sorted; the square of an atom that is 0 or 1 is the atom."""
        kept: list[int] = []
        for atom in sorted(atoms):
            if not (kept and kept[-1] == atom and atom in self._binary_atoms):
                kept.append(atom)
        return tuple(kept)

    def _intern(self, terms: dict[Monomial, int]) -> int:
        polynomial = tuple(sorted((monomial, coefficient) for monomial, coefficient in terms.items() if coefficient))
        number = self._numbers.get(polynomial)
        if number is None:
            number = self._numbers[polynomial] = len(self._polynomials)
            self._polynomials.append(polynomial)
        return number


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


_FREE = dict.fromkeys(("ADD", "MUL", "AND", "OR", "EQ", "U32ADD", "U32MUL", "U32AND", "U32XOR", "U32MADD"), (0, 1))
_FREE["U32ADD3"] = (0, 1, 2)


def _orders(name: str, inputs: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    free = _FREE.get(name)
    if free is None:
        return (inputs,)
    rest = inputs[len(free) :]
    return tuple(dict.fromkeys((*(inputs[index] for index in order), *rest) for order in permutations(free)))


class Effect:
    """What a sequence does: nodes it runs, checks it makes, what it asks for, and the stack it leaves.

    `depth` is how many elements of the stack it was given it may have moved; below that it left everything as it was.
    """

    __slots__ = ("asked", "checks", "depth", "nodes", "stack")

    def __init__(self, stack: tuple[int, ...], checks: frozenset[object], asked: tuple[object, ...], nodes: list[Node], depth: int) -> None:
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

    def effect(self) -> Effect:
        """Return what the operations run so far do."""
        return Effect(tuple(self.stack), frozenset(self.checks), tuple(self.asked), self.nodes, self.depth)

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
        move = MOVES.get(name)
        if move is not None:
            self.need(move[0])
            self.stack[: move[0]] = [self.stack[index] for index in move[1]]
        elif name in ("PUSH", "PAD"):
            self._node(((opcode, immediate),), 0, (self.values.constant(immediate or 0),), False)
        elif name in _MEANINGS:
            count, meaning = _MEANINGS[name]
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
        inner.stack = self.stack[:count]
        for operation in operations:
            inner._step(*operation)
        self.checks |= inner.checks
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


def _moves() -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return operation -> (elements looked at, which of them are there afterwards)."""
    moves: dict[str, tuple[int, tuple[int, ...]]] = {"DROP": (1, ()), "SWAP": (2, (1, 0))}
    for name in BY_NAME:
        if name.startswith("DUP"):
            index = int(name[3:])
            moves[name] = (index + 1, (index, *range(index + 1)))
        elif name.startswith("MOVUP"):
            index = int(name[5:])
            moves[name] = (index + 1, (index, *range(index)))
        elif name.startswith("MOVDN"):
            index = int(name[5:])
            moves[name] = (index + 1, (*range(1, index + 1), 0))
    words = [tuple(range(start, start + 4)) for start in (0, 4, 8, 12)]
    for name, order in (("SWAPW", (1, 0)), ("SWAPW2", (2, 1, 0)), ("SWAPW3", (3, 1, 2, 0)), ("SWAPDW", (2, 3, 0, 1))):
        moves[name] = (4 * len(order), tuple(index for word in order for index in words[word]))
    return moves


MOVES = _moves()
"""Operations that only move, copy or drop elements."""

ORDERED = ("ADVPOP", "ADVPOPW", "MLOAD", "MLOADW", "MSTORE", "MSTOREW", "MSTREAM", "PIPE", "MPVERIFY")
"""Operations whose order among themselves can be seen from outside."""

ALWAYS = (*ORDERED, "ASSERT", "U32ASSERT2")
"""Operations that are never left out, even if nobody needs what they leave."""


# --- what each operation means: (runner, inputs top first, immediate) -> outputs top first


def _add(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.linear((1, x[0]), (1, x[1])),)


def _neg(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.linear((-1, x[0])),)


def _incr(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.linear((1, x[0]), (1, run.values.constant(1))),)


def _mul(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.product(x[0], x[1]),)


def _inv(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.checks.add(("not zero", run.values.up_to_scale(x[0])))
    return (run.values.atom("inv", x[0]),)


def _and(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_binary(*x)
    result = run.values.product(x[0], x[1])
    run.values.binary.add(result)
    run.values.u32.add(result)
    return (result,)


def _or(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_binary(*x)
    values = run.values
    result = values.linear((1, x[0]), (1, x[1]), (-1, values.product(x[0], x[1])))
    values.binary.add(result)
    values.u32.add(result)
    return (result,)


def _not(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_binary(*x)
    result = run.values.linear((-1, x[0]), (1, run.values.constant(1)))
    run.values.binary.add(result)
    run.values.u32.add(result)
    return (result,)


def _eq(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.equal(x[0], x[1]),)


def _eqz(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.equal(x[0], run.values.constant(0)),)


def _expacc(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    values = run.values
    _, base, result, exponent = x
    bit = values.atom("odd", exponent, binary=True)
    factor = values.linear((1, values.constant(1)), (1, values.product(bit, base)), (-1, bit))
    rest = values.linear((_HALF, exponent), (-_HALF, bit))
    return bit, values.product(base, base), values.product(result, factor), rest


def _ext2mul(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    values = run.values
    b1, b0, a1, a0 = x
    low = values.linear((1, values.product(a0, b0)), (-2, values.product(a1, b1)))
    sums = values.product(values.linear((1, a0), (1, a1)), values.linear((1, b0), (1, b1)))
    return b1, b0, values.linear((1, sums), (-1, values.product(a0, b0))), low


def _assert(run: Runner, x: tuple[int, ...], code: int | None) -> tuple[int, ...]:
    run.checks.add(("is one", x[0], code or 0))
    return ()


def _u32split(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return run.values.halves(x[0])


def _u32add(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return run.values.halves(run.values.linear((1, x[0]), (1, x[1])), carry=True)


def _u32add3(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return run.values.halves(run.values.linear(*((1, value) for value in x)))


def _u32mul(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return run.values.halves(run.values.product(x[0], x[1]))


def _u32madd(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return run.values.halves(run.values.linear((1, run.values.product(x[0], x[1])), (1, x[2])))


def _u32sub(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    values = run.values
    b, a = x
    if a == b:
        return values.constant(0), values.constant(0)
    borrow = values.atom("below", a, b, binary=True)
    difference = values.linear((1, a), (-1, b), (_SHIFT, borrow))
    values.u32.add(difference)
    return borrow, difference


def _u32div(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    values = run.values
    b, a = x
    run.checks.add(("not zero", values.up_to_scale(b)))
    quotient = values.atom("quotient", a, b, u32=True)
    remainder = values.linear((1, a), (-1, values.product(quotient, b)))
    values.u32.add(remainder)
    return remainder, quotient


def _u32and(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return (run.values.atom("both", *sorted(x), u32=True),)


def _u32xor(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    result = run.values.linear((1, x[0]), (1, x[1]), (-2, run.values.atom("both", *sorted(x), u32=True)))
    run.values.u32.add(result)
    return (result,)


def _u32assert2(run: Runner, x: tuple[int, ...], code: int | None) -> tuple[int, ...]:
    run.check_u32(*x)
    return x


def _select(run: Runner, condition: int, b: int, a: int) -> int:
    """Return a if the condition is 1, else b."""
    values = run.values
    result = values.linear((1, b), (1, values.product(condition, values.linear((1, a), (-1, b)))))
    for known in (values.u32, values.binary):
        if a in known and b in known:
            known.add(result)
    return result


def _cswap(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    condition, b, a = x
    run.check_binary(condition)
    return _select(run, condition, b, a), _select(run, condition, a, b)


def _cswapw(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.check_binary(x[0])
    b, a = x[1:5], x[5:9]
    pairs = tuple(zip(b, a, strict=True))
    return (*(_select(run, x[0], b, a) for b, a in pairs), *(_select(run, x[0], a, b) for b, a in pairs))


def _hperm(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return tuple(run.values.atom("hperm", index, *x) for index in range(12))


def _advpop(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.atom("advice", run.ask("advpop")),)


def _advpopw(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    number = run.ask("advpopw")
    return tuple(run.values.atom("advice", number, index) for index in range(4))


def _mload(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.checks.add(("address", x[0]))
    return (run.values.atom("memory", run.version, x[0]),)


def _mloadw(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.checks.add(("word address", x[0]))
    address = [run.values.linear((1, x[0]), (1, run.values.constant(offset))) for offset in (3, 2, 1, 0)]
    return tuple(run.values.atom("memory", run.version, place) for place in address)


def _mstore(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.ask("mstore", x[0], x[1])
    run.store()
    return x[1:]


def _mstorew(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.ask("mstorew", *x)
    run.store()
    return x[1:]


def _mstream(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    run.checks.add(("word address", x[12]))
    values = run.values
    places = [values.linear((1, x[12]), (1, values.constant(offset))) for offset in range(7, -1, -1)]
    return (*(values.atom("memory", run.version, place) for place in places), *x[8:12], values.linear((1, x[12]), (1, values.constant(8))))


def _pipe(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    number = run.ask("pipe", x[12])
    run.store()
    values = run.values
    return (*(values.atom("advice", number, index) for index in range(8)), *x[8:12], values.linear((1, x[12]), (1, values.constant(8))))


def _mpverify(run: Runner, x: tuple[int, ...], code: int | None) -> tuple[int, ...]:
    run.ask("mpverify", *x, code or 0)
    return x


_MEANINGS: dict[str, tuple[int, Callable[[Runner, tuple[int, ...], int | None], tuple[int, ...]]]] = {
    "ADD": (2, _add), "NEG": (1, _neg), "INCR": (1, _incr), "MUL": (2, _mul), "INV": (1, _inv),
    "AND": (2, _and), "OR": (2, _or), "NOT": (1, _not), "EQ": (2, _eq), "EQZ": (1, _eqz),
    "EXPACC": (4, _expacc), "EXT2MUL": (4, _ext2mul), "ASSERT": (1, _assert),
    "U32SPLIT": (1, _u32split), "U32ADD": (2, _u32add), "U32ADD3": (3, _u32add3), "U32SUB": (2, _u32sub),
    "U32MUL": (2, _u32mul), "U32MADD": (3, _u32madd), "U32DIV": (2, _u32div),
    "U32AND": (2, _u32and), "U32XOR": (2, _u32xor), "U32ASSERT2": (2, _u32assert2),
    "CSWAP": (3, _cswap), "CSWAPW": (9, _cswapw), "HPERM": (12, _hperm),
    "ADVPOP": (0, _advpop), "ADVPOPW": (4, _advpopw), "MLOAD": (1, _mload), "MLOADW": (5, _mloadw),
    "MSTORE": (2, _mstore), "MSTOREW": (5, _mstorew), "MSTREAM": (13, _mstream), "PIPE": (13, _pipe), "MPVERIFY": (10, _mpverify),
}
"""Operation -> elements it looks at, and what it makes of them."""
