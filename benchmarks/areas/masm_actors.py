"""Actors in Miden assembly: what a call of the kernel costs beside the cycles around it, and what reading provable state costs.

Times are those of the processor: one thread works, and is not held against anything.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from harness import Figure

from miden.actors.address import Address
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.library import assemble_actor
from miden.ipld.blocks import MemoryBlocks, store_block
from miden.ipld.cid import MAST_FOREST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Actors in Miden assembly"

LOOP = """
pub proc invoke
    push.{count} dup neq.0
    while.true
        {body}
        sub.1 dup neq.0
    end
    drop
end
"""
BODIES = {
    "gas_available": "padw syscall.gas_available dropw",
    "block_stat": "push.0.0.1.0 syscall.block_stat dropw",
    "message_context": "padw padw padw padw syscall.message_context dropw dropw dropw dropw",
}
EMPTY = "padw dropw"
PROVEN = """
use miden::actor::message
use miden::actor::proven
use miden::core::sys
# method 3 reads the state, all others write it, the constructor too
pub proc invoke
    exec.message::enter
    exec.message::method eq.3
    if.true
        push.{elements}.0x1000 exec.proven::load dropw drop
    else
        push.{elements}.0x1000 exec.proven::save dropw
    end
    push.0 exec.sys::truncate_stack
end
"""


class Place:
    """A machine with one actor, and a message to it."""

    def __init__(self, source: str) -> None:
        blocks = MemoryBlocks()
        self.machine = Machine.genesis(blocks, runtimes=[MasmRuntime()], profile="miden", prices="unit")
        self.account = self.machine.create_account(1)
        code = store_block(blocks, assemble_actor(source).to_bytes(), MAST_FOREST)
        self.actor = self.machine.deploy(code, b"")

    def call(self, method: int) -> None:
        message = Message(Address.of(0), self.actor, method=method, params=b"\x80", gas_limit=10**12)
        receipt = self.machine.implicit(message)
        if receipt.exit_code:
            raise SystemExit(f"the actor failed: {receipt}")


def cpu_time(work: Callable[[], object], runs: int = 5) -> int:
    """Return nanoseconds of the processor, the best of a few runs."""
    best = 2**63
    for _ in range(runs):
        began = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - began)
    return best


def per_call(setting: Setting, body: str) -> float:
    """Return nanoseconds of a call of the kernel: of a loop with it, less those of the loop."""
    count = setting.size(5000, 50)
    places = [Place(LOOP.format(count=count, body=text)) for text in (body, EMPTY)]
    rounds = [[cpu_time(lambda place=place: place.call(2)) for place in places] for _ in range(setting.size(7, 1))]  # type: ignore[misc]
    return median((with_it - without) / count for with_it, without in rounds)


def collect(setting: Setting) -> Iterator[Figure]:
    """Yield calls that do little, and a provable read."""
    for name, body in BODIES.items():
        yield Figure(f"syscall.{name}", per_call(setting, body), "ns", bar=5000)
    elements = setting.size(2048, 64)
    place = Place(PROVEN.format(elements=elements))
    yield Figure(f"message that reads {8 * elements:,} bytes of provable state", cpu_time(lambda: place.call(3)), "ns")
