"""The actor machine: blocks through the kernel, calls of actors in Python, messages, calls inside each other.

Times are those of the processor. The block of 2 KB is the mean one of mainnet's state: 28 links among its values. The hash of such
a block is there to compare with: it is work that no machine is spared.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from harness import Figure

from miden.actors.address import Address
from miden.actors.call_manager import CallManager
from miden.actors.kernel import Kernel
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.registry import BlockRegistry
from miden.actors.runtimes.native import Actor, NativeRuntime, method, native_code
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import DAG_CBOR, Cid
from miden.ipld.multihash import BLAKE2B_256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Actors"
SIZE = 2048
GAS = 10**15


class Idle(Actor):
    """Does nothing, and calls itself."""

    name = "idle"

    @method
    def nothing(self) -> None:
        """Return at once."""

    @method
    def repeat(self, count: int) -> None:
        """Call what does nothing so many times."""
        kernel, to = self.kernel, Address.of(self.receiver)
        for _ in range(count):
            kernel.enter()
            kernel.send(to, NOTHING)

    @method
    def dig(self, depth: int) -> None:
        """Call itself until it is deep enough."""
        if depth:
            self.send(self.receiver, "Dig", [depth - 1])


NOTHING = method_number("Nothing")


def block(links: int) -> bytes:
    """Return a block of 2 KB with so many links."""
    values: list[object] = [Cid.of(b"%d" % index) for index in range(links)]
    values += [blake2b(b"%d" % index, digest_size=20).digest() for index in range(8)]
    values.append(bytes(SIZE - len(dagcbor.encode(values)) - 3))  # type: ignore[arg-type]
    return dagcbor.encode(values)  # type: ignore[arg-type]


def per_run(work: Callable[[], object], count: int, rounds: int) -> float:
    """Return nanoseconds of the processor for one of `count` runs that `work` makes: the best of a few rounds."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time_ns()
        work()
        best = min(best, (time.process_time_ns() - began) / count)
    return best


def kernel_of(machine: Machine, account: Address) -> Kernel:
    """Return a kernel as an invocation has it."""
    calls = CallManager(machine, gas_limit=GAS // 1000, origin=100, origin_address=account, to=account, nonce=0, premium=0)
    return Kernel(calls, BlockRegistry(), caller=100, receiver=100, method=2, value=0, read_only=False)


def blocks(setting: Setting, machine: Machine, account: Address) -> Iterator[Figure]:
    """Yield what blocks cost through the kernel."""
    count, rounds = setting.size(2000, 20), setting.size(9, 1)
    yield Figure(f"blake2b-256 of {SIZE} bytes", per_run(lambda: [blake2b(bytes(SIZE)) for _ in range(count)], count, rounds), "ns")
    for links in (0, 28):
        data = block(links)
        cid = Cid.of(data)
        machine.blocks.put(cid, data)

        def opens(cid: Cid = cid) -> None:
            kernel = kernel_of(machine, account)
            kernel.registry.mark_reachable(cid.to_bytes())
            for _ in range(count):
                handle, _, size = kernel.block_open(cid)
                kernel.block_read(handle, 0, size)

        def links_it(data: bytes = data) -> None:
            kernel = kernel_of(machine, account)
            for index in range(28):
                kernel.registry.mark_reachable(Cid.of(b"%d" % index).to_bytes())
            for _ in range(count):
                kernel.block_link(kernel.block_create(DAG_CBOR, data), BLAKE2B_256, 32)

        yield Figure(f"block_open and block_read of {len(data)} bytes, {links} links", per_run(opens, count, rounds), "ns", bar=6000)
        yield Figure(f"block_create and block_link of {len(data)} bytes, {links} links", per_run(links_it, count, rounds), "ns", bar=8000)


def collect(setting: Setting) -> Iterator[Figure]:
    """Yield blocks, calls and messages."""
    machine = Machine.genesis(MemoryBlocks(), runtimes=[NativeRuntime([Idle])])
    account = machine.create_account(10**24)
    idle = machine.deploy(native_code(Idle))
    yield from blocks(setting, machine, account)
    count, rounds = setting.size(2000, 20), setting.size(9, 1)

    def send(name: str, *params: int) -> None:
        encoded = dagcbor.encode(list(params)) if params else b""
        receipt = machine.implicit(Message(account, idle, method=method_number(name), params=encoded, gas_limit=GAS))
        if receipt.exit_code:
            raise SystemExit(f"the actor failed: {receipt}")

    yield Figure("call of an actor in Python by another", per_run(lambda: send("Repeat", count), count, rounds), "ns", bar=15_000)
    yield Figure("implicit message", per_run(lambda: [send("Nothing") for _ in range(count)], count, rounds), "ns")
    deep = setting.size(1000, 50)
    yield Figure(f"call inside {deep} others", per_run(lambda: send("Dig", deep), deep, rounds), "ns")
