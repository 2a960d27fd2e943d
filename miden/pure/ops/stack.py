"""Operations that move elements of the stack (processor.md section 3.4)."""

from __future__ import annotations

from miden.pure.state import State, drop, push
from miden.pure.stops import Fault
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def op_push(state: State, value: int) -> None:
    """Push the immediate: [...] -> [value, ...]."""
    push(state, value)


def op_pad(state: State, _: int) -> None:
    """Push zero: [...] -> [0, ...]."""
    push(state, 0)


def op_drop(state: State, _: int) -> None:
    """Remove the top: [a, ...] -> [...]."""
    drop(state)


def _dup(n: int) -> Callable[[State, int], None]:
    def op_dup(state: State, _: int) -> None:
        push(state, state.operands[-1 - n])

    op_dup.__name__ = op_dup.__qualname__ = f"op_dup{n}"
    op_dup.__doc__ = f"Push a copy of element {n}: [...] -> [s{n}, ...]."
    return op_dup


op_dup0 = _dup(0)
op_dup1 = _dup(1)
op_dup2 = _dup(2)
op_dup3 = _dup(3)
op_dup4 = _dup(4)
op_dup5 = _dup(5)
op_dup6 = _dup(6)
op_dup7 = _dup(7)
op_dup9 = _dup(9)
op_dup11 = _dup(11)
op_dup13 = _dup(13)
op_dup15 = _dup(15)


def op_swap(state: State, _: int) -> None:
    """Swap: [b, a, ...] -> [a, b, ...]."""
    operands = state.operands
    operands[-1], operands[-2] = operands[-2], operands[-1]


def op_swapw(state: State, _: int) -> None:
    """Swap elements 0..3 with 4..7."""
    operands = state.operands
    operands[-4:], operands[-8:-4] = operands[-8:-4], operands[-4:]


def op_swapw2(state: State, _: int) -> None:
    """Swap elements 0..3 with 8..11."""
    operands = state.operands
    operands[-4:], operands[-12:-8] = operands[-12:-8], operands[-4:]


def op_swapw3(state: State, _: int) -> None:
    """Swap elements 0..3 with 12..15."""
    operands = state.operands
    operands[-4:], operands[-16:-12] = operands[-16:-12], operands[-4:]


def op_swapdw(state: State, _: int) -> None:
    """Swap elements 0..7 with 8..15."""
    operands = state.operands
    operands[-8:], operands[-16:-8] = operands[-16:-8], operands[-8:]


def _movup(n: int) -> Callable[[State, int], None]:
    def op_movup(state: State, _: int) -> None:
        operands = state.operands
        operands.append(operands.pop(-1 - n))

    op_movup.__name__ = op_movup.__qualname__ = f"op_movup{n}"
    op_movup.__doc__ = f"Take element {n} out and put it on top."
    return op_movup


op_movup2 = _movup(2)
op_movup3 = _movup(3)
op_movup4 = _movup(4)
op_movup5 = _movup(5)
op_movup6 = _movup(6)
op_movup7 = _movup(7)
op_movup8 = _movup(8)


def _movdn(n: int) -> Callable[[State, int], None]:
    def op_movdn(state: State, _: int) -> None:
        operands = state.operands
        operands.insert(-n, operands.pop())

    op_movdn.__name__ = op_movdn.__qualname__ = f"op_movdn{n}"
    op_movdn.__doc__ = f"Take the top out and put it back as element {n}."
    return op_movdn


op_movdn2 = _movdn(2)
op_movdn3 = _movdn(3)
op_movdn4 = _movdn(4)
op_movdn5 = _movdn(5)
op_movdn6 = _movdn(6)
op_movdn7 = _movdn(7)
op_movdn8 = _movdn(8)


def _drop_condition(state: State) -> int:
    """Remove and return the top; NOT_BINARY_OP unless it is 0 or 1."""
    condition = state.operands[-1]
    if condition > 1:
        raise Fault(Status.NOT_BINARY_OP, condition)
    return drop(state)


def op_cswap(state: State, _: int) -> None:
    """Swap if told to: [c, b, a, ...] -> [b, a, ...], or [a, b, ...] if c is 1; NOT_BINARY_OP."""
    if _drop_condition(state):
        op_swap(state, 0)


def op_cswapw(state: State, _: int) -> None:
    """Swap words if told to: [c, B, A, ...] -> [B, A, ...], or [A, B, ...] if c is 1; NOT_BINARY_OP."""
    if _drop_condition(state):
        op_swapw(state, 0)
