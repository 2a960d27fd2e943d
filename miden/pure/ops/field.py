"""Operations on field elements (processor.md section 3.2)."""

from __future__ import annotations

from miden.field import P, ext2_mul, inv
from miden.pure.state import State, drop
from miden.pure.stops import Fault
from miden.status import Status


def op_add(state: State, _: int) -> None:
    """Add: [b, a, ...] -> [a + b, ...]."""
    b = drop(state)
    state.operands[-1] = (state.operands[-1] + b) % P


def op_neg(state: State, _: int) -> None:
    """Negate: [a, ...] -> [-a, ...]."""
    state.operands[-1] = -state.operands[-1] % P


def op_mul(state: State, _: int) -> None:
    """Multiply: [b, a, ...] -> [a * b, ...]."""
    b = drop(state)
    state.operands[-1] = state.operands[-1] * b % P


def op_inv(state: State, _: int) -> None:
    """Invert: [a, ...] -> [1 / a, ...]; DIVIDE_BY_ZERO if a is 0."""
    if state.operands[-1] == 0:
        raise Fault(Status.DIVIDE_BY_ZERO)
    state.operands[-1] = inv(state.operands[-1])


def op_incr(state: State, _: int) -> None:
    """Add one: [a, ...] -> [a + 1, ...]; p - 1 becomes 0."""
    state.operands[-1] = (state.operands[-1] + 1) % P


def _check_binary(value: int) -> None:
    if value > 1:
        raise Fault(Status.NOT_BINARY_OP, value)


def op_and(state: State, _: int) -> None:
    """Conjoin: [b, a, ...] -> [a and b, ...]; NOT_BINARY_OP, b is tested first."""
    _check_binary(state.operands[-1])
    _check_binary(state.operands[-2])
    b = drop(state)
    state.operands[-1] &= b


def op_or(state: State, _: int) -> None:
    """Disjoin: [b, a, ...] -> [a or b, ...]; NOT_BINARY_OP, b is tested first."""
    _check_binary(state.operands[-1])
    _check_binary(state.operands[-2])
    b = drop(state)
    state.operands[-1] |= b


def op_not(state: State, _: int) -> None:
    """Complement: [a, ...] -> [1 - a, ...]; NOT_BINARY_OP."""
    _check_binary(state.operands[-1])
    state.operands[-1] = 1 - state.operands[-1]


def op_eq(state: State, _: int) -> None:
    """Compare: [b, a, ...] -> [1 if a == b else 0, ...]."""
    b = drop(state)
    state.operands[-1] = int(state.operands[-1] == b)


def op_eqz(state: State, _: int) -> None:
    """Compare with zero: [a, ...] -> [1 if a == 0 else 0, ...]."""
    state.operands[-1] = int(state.operands[-1] == 0)


def op_expacc(state: State, _: int) -> None:
    """Do one step of square and multiply: [_, b, acc, e, ...] -> [e & 1, b * b, acc * (b if e odd else 1), e >> 1, ...].

    The exponent is taken as a canonical integer; what was on top is ignored.
    """
    exponent, acc, base, _top = state.operands[-4:]
    bit = exponent & 1
    state.operands[-4:] = (exponent >> 1, acc * base % P if bit else acc, base * base % P, bit)


def op_ext2mul(state: State, _: int) -> None:
    """Multiply in the quadratic extension: [b1, b0, a1, a0, ...] -> [b1, b0, c1, c0, ...], c = a * b."""
    a0, a1, b0, b1 = state.operands[-4:]
    state.operands[-4:-2] = ext2_mul((a0, a1), (b0, b1))
