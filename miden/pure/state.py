"""What a run changes: operand stack, advice stack, memory, clock, context; and the three ways to touch the stack.

The operand stack is a list with its top at the end and never fewer than 16 elements, so stack element i is
``stack[-1 - i]`` and the stack word at i, whose last element is nearest the top, is ``stack[-4 - i:][:4]``:
exactly in memory order (processor.md sections 0, 1.2 and 1.3).
"""

from __future__ import annotations

from miden.isa import MIN_STACK_DEPTH
from miden.pure.memory import Memory
from miden.pure.stops import Fault
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class State:
    """Registers and containers of processor.md section 1.1, without the continuation stack.

    Attributes
    ----------
    clk, ctx
        Row of the current operation; memory context.
    fn_hash
        Digest of the procedure that opened the current user context, four felts.
    transcript
        State word of the precompile transcript.
    operands
        The operand stack of the current context, top last, at least 16 elements.
    advice
        The advice stack, next element to be popped last.
    cells
        Memory of all contexts.
    max_stack
        Elements that the operand stacks of all contexts together may hold.
    max_depth
        What `max_stack` leaves to the current context: `max_stack` less the overflow saved by callers.
    event_served
        True when the driver has served the event that the current EMIT raised.
    path
        Merkle path that the driver supplied for the current MPVERIFY or MRUPDATE, leaf first.
    """

    __slots__ = (
        "advice",
        "cells",
        "clk",
        "ctx",
        "event_served",
        "fn_hash",
        "max_depth",
        "max_stack",
        "operands",
        "path",
        "transcript",
    )

    def __init__(self, stack: Sequence[int], advice_stack: Sequence[int], max_stack: int, max_memory: int) -> None:
        self.clk = 0
        self.ctx = 0
        self.fn_hash: tuple[int, ...] = (0, 0, 0, 0)
        self.transcript: tuple[int, int, int, int] = (0, 0, 0, 0)
        self.operands: list[int] = [0] * (MIN_STACK_DEPTH - len(stack)) + list(reversed(stack))
        self.advice: list[int] = list(reversed(advice_stack))
        self.cells = Memory(max_memory)
        self.max_stack = max_stack
        self.max_depth = max_stack
        self.event_served = False
        self.path: list[list[int]] | None = None


def push(state: State, value: int) -> None:
    """Push `value`; STACK_LIMIT if the stack may not grow."""
    operands = state.operands
    if len(operands) >= state.max_depth:
        raise Fault(Status.STACK_LIMIT, state.max_stack)
    operands.append(value)


def drop(state: State) -> int:
    """Remove and return the top; at depth 16 a zero enters at the bottom."""
    operands = state.operands
    value = operands.pop()
    if len(operands) < MIN_STACK_DEPTH:
        operands.insert(0, 0)
    return value
