"""Field arithmetic (assembly.md section 4.2), with the columns of the named-constant form.

Literals that fold away were folded by the parser, so what arrives here with 0 or 1 is a named constant; where
both columns agree one rule serves both.
"""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, NotLoweredError, join, push_exact, sequence
from miden.field import P, inv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

FIXED = {
    "add": "ADD",
    "incr": "INCR",
    "sub": "NEG ADD",
    "mul": "MUL",
    "div": "INV MUL",
    "neg": "NEG",
    "inv": "INV",
    "pow2": "P2",
    "exp": "PAD INCR MOVUP2 PAD EXPACC*64 DROP DROP SWAP EQZ ASSERT(0)",
    "ilog2": (
        "EV(ilog2) ADVPOP DUP0 P2 MOVUP2 U32SPLIT MOVUP2 U32SPLIT DUP1 EQZ DUP0 MOVDN3 CSWAP DROP MOVDN3 CSWAP DROP SWAP "
        "PAD INCR INCR MUL PAD INCR NEG ADD DUP1 U32AND EQ ASSERT(0)"
    ),
    "is_odd": "U32SPLIT DROP PAD INCR U32AND",
}

_NOOP = sequence("NOOP")
_INCR = sequence("INCR")
_INCR2 = sequence("INCR INCR")
_ADD = sequence("ADD")
_MUL = sequence("MUL")
_DROP_PAD = sequence("DROP PAD")
_ONE = sequence("DROP PAD INCR")
UNROLLED_EXPONENT = 7
"""Largest exponent that is lowered to multiplications."""


def _add(args: tuple[int, ...], _frame: Frame) -> Sequence:
    value = args[0]
    if value > 2:
        return join(push_exact(value), _ADD)
    return (_NOOP, _INCR, _INCR2)[value]


def _sub(args: tuple[int, ...], _frame: Frame) -> Sequence:
    return join(push_exact(-args[0]), _ADD) if args[0] else _NOOP


def _mul(args: tuple[int, ...], _frame: Frame) -> Sequence:
    value = args[0]
    if value > 1:
        return join(push_exact(value), _MUL)
    return _NOOP if value else _DROP_PAD


def _div(args: tuple[int, ...], _frame: Frame) -> Sequence:
    value = args[0]
    if not value:
        raise NotLoweredError("DivisionByZero", "division by zero", "the divisor must not be 0")
    return _NOOP if value == 1 else join(push_exact(inv(value % P)), _MUL)


def exponentiation(bits: int) -> Sequence:
    """Return the ladder for an exponent of so many bits, the exponent on top of the base."""
    return sequence(f"PAD INCR MOVUP2 PAD EXPACC*{bits} DROP DROP SWAP EQZ ASSERT(0)")


def _exp(args: tuple[int, ...], _frame: Frame) -> Sequence:
    value = args[0]
    if value > UNROLLED_EXPONENT:
        return join(push_exact(value), exponentiation(value.bit_length()))
    if value < 2:
        return _NOOP if value else _ONE
    return sequence(f"DUP0*{value - 1} MUL*{value - 1}")


def _exp_bits(args: tuple[int, ...], _frame: Frame) -> Sequence:
    return exponentiation(args[0])


FORMS: dict[str, Lowering] = {"add": _add, "sub": _sub, "mul": _mul, "div": _div, "exp": _exp, "exp.u": _exp_bits}
