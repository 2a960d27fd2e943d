"""System operations (processor.md section 3.1)."""

from __future__ import annotations

from miden.pure.state import State, drop, push
from miden.pure.stops import Fault, Request
from miden.status import Status


def op_noop(state: State, _: int) -> None:
    """Do nothing: [...] -> [...]."""


def op_assert(state: State, code: int) -> None:
    """Check the top: [1, ...] -> [...]; FAILED_ASSERTION with `code` on any other value."""
    if state.operands[-1] != 1:
        raise Fault(Status.FAILED_ASSERTION, code)
    drop(state)


def op_sdepth(state: State, _: int) -> None:
    """Push the depth of the stack before the push: [...] -> [depth, ...]."""
    push(state, len(state.operands))


def op_caller(state: State, _: int) -> None:
    """Overwrite the top word with the caller's hash f: [a, b, c, d, ...] -> [f3, f2, f1, f0, ...]."""
    state.operands[-4:] = state.fn_hash


def op_clk(state: State, _: int) -> None:
    """Push the row of this operation: [...] -> [clk, ...]."""
    push(state, state.clk)


def op_emit(state: State, _: int) -> None:
    """Raise the event on top, which stays there: [id, ...] -> [id, ...]; EVENT until the driver has served it."""
    if not state.event_served:
        raise Request(Status.EVENT)
    state.event_served = False
