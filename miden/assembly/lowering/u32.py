"""Unsigned 32-bit arithmetic (assembly.md section 4.5)."""

from __future__ import annotations

from miden.assembly.lowering.sequences import Frame, NotLoweredError, join, push, push_exact, sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.lowering.sequences import Lowering, Sequence

_TEST = "U32SPLIT SWAP DROP EQZ"

_ARITHMETIC = {
    "u32overflowing_add": "U32ADD",
    "u32wrapping_add": "U32ADD DROP",
    "u32overflowing_sub": "U32SUB",
    "u32wrapping_sub": "U32SUB DROP",
    "u32overflowing_mul": "U32MUL",
    "u32wrapping_mul": "U32MUL DROP",
    "u32div": "U32DIV DROP",
    "u32mod": "U32DIV SWAP DROP",
    "u32divmod": "U32DIV",
}
"""Instructions whose immediate is pushed as part of themselves."""

_SHIFTS = {"u32shl": "U32MUL DROP", "u32shr": "U32DIV DROP", "u32rotl": "U32MUL ADD", "u32rotr": "U32MUL ADD"}

MAX_SHIFT = 31

FIXED = {
    **_ARITHMETIC,
    "u32test": f"DUP0 {_TEST}",
    "u32testw": f"DUP3 {_TEST} DUP3 {_TEST} AND DUP2 {_TEST} AND DUP1 {_TEST} AND",
    "u32split": "U32SPLIT",
    "u32cast": "U32SPLIT DROP",
    "u32overflowing_add3": "U32ADD3",
    "u32wrapping_add3": "U32ADD3 DROP",
    "u32overflowing_madd": "U32MADD",
    "u32wrapping_madd": "U32MADD DROP",
    "u32and": "U32AND",
    "u32or": "DUP1 DUP1 U32AND NEG ADD ADD",
    "u32xor": "U32XOR",
    "u32not": "PUSH(4294967295) U32ASSERT2(0) SWAP U32SUB DROP",
    "u32shl": "P2 U32MUL DROP",
    "u32shr": "P2 U32DIV DROP",
    "u32rotl": "P2 U32MUL ADD",
    "u32rotr": "PUSH(32) SWAP U32SUB DROP P2 MUL U32SPLIT ADD",
    "u32lt": "U32SUB SWAP DROP",
    "u32lte": "SWAP U32SUB SWAP DROP NOT",
    "u32gt": "SWAP U32SUB SWAP DROP",
    "u32gte": "U32SUB SWAP DROP NOT",
    "u32min": "DUP1 DUP1 U32SUB SWAP DROP EQZ CSWAP DROP",
    "u32max": "DUP1 DUP1 U32SUB SWAP DROP EQZ CSWAP SWAP DROP",
    "u32popcnt": (
        "DUP0 PUSH(2) U32DIV DROP PUSH(1431655765) U32AND U32SUB DROP DUP0 PUSH(4) U32DIV DROP PUSH(858993459) U32AND SWAP "
        "PUSH(858993459) U32AND U32ADD DROP DUP0 PUSH(16) U32DIV DROP U32ADD DROP PUSH(252645135) U32AND PUSH(16843009) U32MUL "
        "DROP PUSH(16777216) U32DIV DROP"
    ),
    "u32clz": (
        "EV(u32_clz) ADVPOP PUSH(32) DUP1 NEG ADD P2 PUSH(1) NEG ADD PUSH(2) U32DIV DROP DUP0 INCR PUSH(4294967295) MOVUP2 NEG ADD "
        "DUP3 EQZ MOVDN3 MOVUP4 U32AND EQ MOVUP2 OR ASSERT(0)"
    ),
    "u32clo": (
        "EV(u32_clo) ADVPOP PUSH(32) DUP1 NEG ADD P2 PUSH(1) NEG ADD DUP0 PUSH(2) U32DIV DROP PUSH(4294967295) SWAP NEG ADD "
        "MOVUP3 U32AND PUSH(4294967295) MOVUP2 NEG ADD EQ ASSERT(0)"
    ),
    "u32ctz": ("EV(u32_ctz) ADVPOP SWAP DUP1 P2 DUP0 PAD INCR NEG ADD SWAP U32SPLIT DROP DUP0 MOVUP2 ADD MOVUP2 U32AND EQ ASSERT(0)"),
    "u32cto": "EV(u32_cto) ADVPOP SWAP DUP1 P2 DUP0 PAD INCR NEG ADD SWAP U32SPLIT DROP DUP1 ADD MOVUP2 U32AND EQ ASSERT(0)",
}

_NOOP = sequence("NOOP")
_DIVISIONS = frozenset({"u32div", "u32mod", "u32divmod"})


def _with_operand(name: str) -> Lowering:
    operation = sequence(_ARITHMETIC[name])
    divides = name in _DIVISIONS

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        if divides and not args[0]:
            raise NotLoweredError("DivisionByZero", "division by zero", "the divisor must not be 0")
        return join(push(args[0]), operation)

    return lower


def _with_shift(name: str) -> Lowering:
    operation = sequence(_SHIFTS[name])
    rotates_right = name == "u32rotr"

    def lower(args: tuple[int, ...], _frame: Frame) -> Sequence:
        shift = args[0]
        if shift > MAX_SHIFT:
            raise NotLoweredError("InvalidArgument", f"invalid argument: {shift} bits", f"the value must be in 0..{MAX_SHIFT}")
        if not shift:
            return _NOOP
        return join(push_exact(1 << (32 - shift if rotates_right else shift)), operation)

    return lower


FORMS: dict[str, Lowering] = {name: _with_operand(name) for name in _ARITHMETIC} | {name: _with_shift(name) for name in _SHIFTS}
