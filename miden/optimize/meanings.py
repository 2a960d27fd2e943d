"""What each operation means on symbols: (runner, inputs top first, immediate) -> outputs top first. (processor.md section 3.)

The u32 operations are written as the polynomials they are: the low half of a sum is ``a + b - 2**32 * high``, a difference is
``a - b + 2**32 * borrow``, an exclusive or is ``a + b - 2 * (a & b)``.
"""

from __future__ import annotations

from miden.field import P
from miden.isa import BY_NAME
from miden.optimize.values import SHIFT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.optimize.effects import Runner

_HALF = (P + 1) // 2


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
    swaps: dict[str, tuple[int, ...]] = {"SWAPW": (1, 0), "SWAPW2": (2, 1, 0), "SWAPW3": (3, 1, 2, 0), "SWAPDW": (2, 3, 0, 1)}
    for name, order in swaps.items():
        moves[name] = (4 * len(order), tuple(index for word in order for index in words[word]))
    return moves


MOVES = _moves()
"""Operations that only move, copy or drop elements."""

ORDERED = ("ADVPOP", "ADVPOPW", "MLOAD", "MLOADW", "MSTORE", "MSTOREW", "MSTREAM", "PIPE", "MPVERIFY")
"""Operations whose order among themselves can be seen from outside."""

ALWAYS = (*ORDERED, "ASSERT", "U32ASSERT2")
"""Operations that are never left out, even if nobody needs what they leave."""


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
    difference = values.linear((1, a), (-1, b), (SHIFT, borrow))
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


def _u32assert2(run: Runner, x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
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


def _advpop(run: Runner, _x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
    return (run.values.atom("advice", run.ask("advpop")),)


def _advpopw(run: Runner, _x: tuple[int, ...], _: int | None) -> tuple[int, ...]:
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


MEANINGS: dict[str, tuple[int, Callable[[Runner, tuple[int, ...], int | None], tuple[int, ...]]]] = {
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
