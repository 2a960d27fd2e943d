"""A probe of the kernel of actors in Miden assembly: one call of it, with the stack that it leaves."""

from __future__ import annotations

import functools
from struct import unpack
from typing import TYPE_CHECKING, NamedTuple

from miden.actors.runtimes.masm.library import assemble_actor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.actors.messages import Receipt
    from miden.mast.library import Library
    from tests.support.actor_world import World

STACK = 16
FIRST_PIECE, PIECE_SIZE = 0x1000, 0x400
"""Where the bytes that are given lie: addresses of elements."""
LEFT, ADVICE = 0x100, 0x200


class Probed(NamedTuple):
    """What a call left."""

    stack: list[int]
    """The sixteen elements, top first."""
    advice: bytes
    """What the kernel handed over, as bytes of four to an element."""
    receipt: Receipt

    @property
    def error(self) -> int:
        return self.stack[0]


@functools.cache
def probe_code(name: str, stack: tuple[int, ...], gives: tuple[bytes, ...], advice: int, before: str) -> Library:
    """Return an actor that makes one call, with a stack and pieces of memory, and returns what it left."""
    given = []
    for index, data in enumerate(gives):
        start = FIRST_PIECE + index * PIECE_SIZE
        padded = data.ljust(-(-len(data) // 4) * 4, b"\0")
        given += [f"push.{value} mem_store.{start + place}" for place, value in enumerate(unpack(f"<{len(padded) // 4}I", padded))]
        given.append(f"push.{len(data)}.{4 * start} exec.bytes::give")
    pushes = ".".join(map(str, reversed(stack)))
    source = f"""
    use miden::actor::bytes
    use miden::core::sys
    pub proc invoke
        drop
        {before}
        {" ".join(given)}
        push.{pushes}
        syscall.{name}
        mem_storew_be.{LEFT} dropw mem_storew_be.{LEFT + 4} dropw mem_storew_be.{LEFT + 8} dropw mem_storew_be.{LEFT + 12} dropw
        push.{4 * advice}.{4 * ADVICE} exec.bytes::pipe
        push.{ADVICE - LEFT + advice}.{LEFT} exec.bytes::give
        push.0.0.0.0 syscall.block_create_elements
        assertz
        exec.sys::truncate_stack
    end"""
    if not given:
        source = source.replace("\n        \n", "\n")
    return assemble_actor(source)


def probe(world: World, name: str, arguments: Sequence[int] = (), *gives: bytes, advice: int = 0, before: str = "") -> Probed:
    """Make one call: `arguments` are elements 1, 2, ... of the stack, behind them are 9001, 9002, ... to see what stays.

    `advice` is the number of elements to take from the advice stack, a multiple of eight; `before` is code that runs first.
    """
    stack = [7, *arguments, *range(9001, 9001 + STACK - 1 - len(arguments))]
    receipt = world.call(world.put(probe_code(name, tuple(stack), gives, advice, before)), 2)
    assert receipt.exit_code == 0, receipt
    elements = unpack(f"<{len(receipt.return_data) // 8}Q", receipt.return_data)
    left = [element for start in range(0, STACK, 4) for element in reversed(elements[start : start + 4])]
    handed = elements[ADVICE - LEFT :]
    return Probed(left, b"".join(element.to_bytes(4, "little") for element in handed), receipt)
