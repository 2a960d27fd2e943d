"""Operations on 32-bit integers (processor.md section 3.3).

Operands are checked before anything else, and NOT_U32 names every offending value, top first, behind an error
code: the operation's own for U32ASSERT2, its padded index in the block for U32SUB (the loader passes it as the
immediate, see `miden.pure.blocks`), 0 for all others.
"""

from __future__ import annotations

from miden.field import U32_MAX
from miden.pure.state import State, drop, push
from miden.pure.stops import Fault
from miden.status import Status


def _check_u32(state: State, count: int, code: int = 0) -> None:
    """Fault with NOT_U32 unless the top `count` elements are below 2**32."""
    offending = [value for value in state.operands[: -1 - count : -1] if value > U32_MAX]
    if offending:
        raise Fault(Status.NOT_U32, code, *offending)


def op_u32split(state: State, _: int) -> None:
    """Split any element: [a, ...] -> [hi, lo, ...]."""
    value = state.operands[-1]
    push(state, value >> 32)
    state.operands[-2] = value & U32_MAX


def op_u32add(state: State, _: int) -> None:
    """Add: [b, a, ...] -> [carry, low half of a + b, ...]; NOT_U32."""
    _check_u32(state, 2)
    total = state.operands[-2] + state.operands[-1]
    state.operands[-2:] = (total & U32_MAX, total >> 32)


def op_u32add3(state: State, _: int) -> None:
    """Add three: [c, b, a, ...] -> [hi, lo, ...] of a + b + c; NOT_U32."""
    _check_u32(state, 3)
    total = drop(state) + state.operands[-1] + state.operands[-2]
    state.operands[-2:] = (total & U32_MAX, total >> 32)


def op_u32sub(state: State, op_index: int) -> None:
    """Subtract: [b, a, ...] -> [1 if a < b else 0, (a - b) mod 2**32, ...]; NOT_U32 with the operation's index."""
    _check_u32(state, 2, op_index)
    difference = state.operands[-2] - state.operands[-1]
    state.operands[-2:] = (difference & U32_MAX, int(difference < 0))


def op_u32mul(state: State, _: int) -> None:
    """Multiply: [b, a, ...] -> [hi, lo, ...] of a * b; NOT_U32."""
    _check_u32(state, 2)
    product = state.operands[-2] * state.operands[-1]
    state.operands[-2:] = (product & U32_MAX, product >> 32)


def op_u32madd(state: State, _: int) -> None:
    """Multiply and add: [b, a, c, ...] -> [hi, lo, ...] of a * b + c; NOT_U32."""
    _check_u32(state, 3)
    total = drop(state) * state.operands[-1] + state.operands[-2]
    state.operands[-2:] = (total & U32_MAX, total >> 32)


def op_u32div(state: State, _: int) -> None:
    """Divide: [b, a, ...] -> [a mod b, a div b, ...]; NOT_U32, then DIVIDE_BY_ZERO."""
    _check_u32(state, 2)
    a, b = state.operands[-2:]
    if b == 0:
        raise Fault(Status.DIVIDE_BY_ZERO)
    state.operands[-2:] = divmod(a, b)


def op_u32and(state: State, _: int) -> None:
    """Conjoin bits: [b, a, ...] -> [a & b, ...]; NOT_U32."""
    _check_u32(state, 2)
    b = drop(state)
    state.operands[-1] &= b


def op_u32xor(state: State, _: int) -> None:
    """Add bits: [b, a, ...] -> [a ^ b, ...]; NOT_U32."""
    _check_u32(state, 2)
    b = drop(state)
    state.operands[-1] ^= b


def op_u32assert2(state: State, code: int) -> None:
    """Check the top two: [b, a, ...] unchanged; NOT_U32 with `code`."""
    _check_u32(state, 2, code)
