"""Memory and advice operations (processor.md section 3.5)."""

from __future__ import annotations

from miden.field import P
from miden.pure.memory import check_word_address
from miden.pure.state import State, drop, push
from miden.pure.stops import Fault
from miden.status import Status


def op_mload(state: State, _: int) -> None:
    """Load an element: [addr, ...] -> [mem[addr], ...]; ADDRESS_OUT_OF_BOUNDS."""
    state.operands[-1] = state.cells.read_element(state.ctx, state.operands[-1])


def op_mstore(state: State, _: int) -> None:
    """Store an element: [addr, v, ...] -> [v, ...]; ADDRESS_OUT_OF_BOUNDS, MEMORY_LIMIT."""
    value, address = state.operands[-2:]
    state.cells.write_element(state.ctx, address, value)
    drop(state)


def op_mloadw(state: State, _: int) -> None:
    """Load a word: [addr, x3, x2, x1, x0, ...] -> [w3, w2, w1, w0, ...]; address faults of a word."""
    word = state.cells.read_word(state.ctx, state.operands[-1])
    drop(state)
    state.operands[-4:] = word


def op_mstorew(state: State, _: int) -> None:
    """Store a word: [addr, w3, w2, w1, w0, ...] -> [w3, w2, w1, w0, ...]; address faults of a word, MEMORY_LIMIT."""
    state.cells.write_word(state.ctx, state.operands[-1], state.operands[-5:-1])
    drop(state)


def op_mstream(state: State, _: int) -> None:
    """Load two words at a = element 12 into elements 7..0 and advance a by 8; address faults of a word."""
    address = state.operands[-13]
    first = state.cells.read_word(state.ctx, address)
    second = state.cells.read_word(state.ctx, (address + 4) % P)
    state.operands[-8:] = (*first, *second)
    state.operands[-13] = (address + 8) % P


def op_pipe(state: State, _: int) -> None:
    """Move two words from the advice stack to memory at a = element 12 and to elements 7..0, and advance a by 8.

    ADVICE_STACK_EMPTY with fewer than 8 elements of advice, then the address faults of both words, then MEMORY_LIMIT.
    """
    if len(state.advice) < 8:
        raise Fault(Status.ADVICE_STACK_EMPTY)
    address = state.operands[-13]
    for word_address in (address, address + 4):
        check_word_address(word_address)
    state.cells.reserve(state.ctx, (address, address + 4))
    values = state.advice[:-9:-1]
    del state.advice[-8:]
    state.cells.write_word(state.ctx, address, values[:4])
    state.cells.write_word(state.ctx, address + 4, values[4:])
    state.operands[-8:] = values
    state.operands[-13] = (address + 8) % P


def op_advpop(state: State, _: int) -> None:
    """Pop advice: [...] -> [v, ...]; ADVICE_STACK_EMPTY."""
    if not state.advice:
        raise Fault(Status.ADVICE_STACK_EMPTY)
    push(state, state.advice[-1])
    state.advice.pop()


def op_advpopw(state: State, _: int) -> None:
    """Pop four elements of advice over the top word: the last one popped ends on top; ADVICE_STACK_EMPTY."""
    if len(state.advice) < 4:
        raise Fault(Status.ADVICE_STACK_EMPTY)
    state.operands[-4:] = state.advice[:-5:-1]
    del state.advice[-4:]
