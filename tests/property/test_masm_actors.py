"""Actors that call the kernel at random, and code that is damaged: exit codes and nothing else, the same on both backends."""

from __future__ import annotations

import os
import random
from struct import unpack

import pytest

from miden.actors.codes import GuestTrap
from miden.actors.context import MachineContext
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.boundary import CALLS
from miden.actors.runtimes.masm.code import ActorCode
from miden.actors.runtimes.masm.library import assemble_actor
from miden.field import P
from miden.ipld.cid import MAST_FOREST, Cid
from miden.ipld.multihash import BLAKE2B_256, RPO_256
from miden.vm.backends import get_backend
from tests.support.actor_world import ALICE, BOB, FIRST_ACTOR, World

pytestmark = pytest.mark.property

CASES = int(os.environ.get("MIDEN_EXAMPLES", "60"))
NAMES = sorted(call.name for call in CALLS.values())
NUMBERS = (0, 1, 2, 3, 7, 31, 32, 0x51, 0x55, 0x71, 255, 256, 2**16, 2**31 - 1, 2**32 - 1, 2**32, 2**63, P - 1)
NUMBERS += (BLAKE2B_256, RPO_256, ALICE, BOB)
BYTES = (b"", b"\0", b"\0\1", b"\0\xe9\7", b"\x80", b"\x81\x05", b"\xff", b"text", bytes(40), bytes(range(200)))


def body(choose: random.Random) -> str:
    """Return random calls of the kernel, with memory given and answers taken now and then."""
    parts = []
    for _ in range(choose.randrange(1, 9)):
        for _ in range(choose.choice((0, 0, 1, 1, 2, 3))):
            data = choose.choice(BYTES)
            padded = data.ljust(-(-len(data) // 4) * 4, b"\0")
            start = choose.choice((0, 16, 4096))
            words = enumerate(unpack(f"<{len(padded) // 4}I", padded), start)
            parts += [f"push.{word} mem_store.{place}" for place, word in words]
            address, size = 4 * start + choose.randrange(2), choose.choice((len(data), len(data), choose.choice(NUMBERS)))
            parts.append(f"push.{size}.{address} exec.bytes::give")
        name = choose.choice([name for name in NAMES if name != "exit"] if choose.random() < 0.95 else ["exit"])
        slots = [choose.choice(NUMBERS) if choose.random() < 0.6 else choose.randrange(1, 4) for _ in range(16)]
        parts.append(f"push.{'.'.join(map(str, slots))} syscall.{name}")
        if choose.random() < 0.3:
            parts.append("push.32.0x8000 exec.bytes::pipe")
        parts.append(choose.choice(("dropw dropw dropw dropw", "drop drop", "mem_storew_be.0x200 dropw", "")))
    return " ".join(parts)


def actor(seed: int) -> str:
    choose = random.Random(seed)
    returned = choose.choice((0, 0, 0, 1, 2, 99))
    return f"use miden::actor::bytes use miden::core::sys pub proc invoke {body(choose)} push.{returned} exec.sys::truncate_stack end"


@pytest.mark.parametrize("seed", range(CASES))
def test_calls_at_random_are_answered_alike(seed: int) -> None:
    code = assemble_actor(actor(seed))
    seen = []
    for backend in ("core", "pure"):
        world = World([MasmRuntime(backend)], prices="nv21", context=MachineContext(epoch=7, tracing=True, debugging=True))
        first, second = world.put(code, balance=100), world.put(code)
        receipts = [world.call(to, 2, [seed], gas=gas) for to in (first, second) for gas in (10**9, 500_000)]
        receipts.append(world.machine.call_readonly(first, 3))
        assert all(receipt.exit_code in (0, 4, 5, 7, 9, 10, 11) or receipt.exit_code >= 16 for receipt in receipts)
        states = [world.machine.tree.get(actor_id) for actor_id in (first, second, ALICE, BOB, FIRST_ACTOR + 2)]
        seen.append((receipts, [list(map(repr, receipt.trace or ())) for receipt in receipts], states))
    assert seen[0] == seen[1]


def test_damaged_code_breaks_and_does_no_more() -> None:
    """Bytes of a library changed anywhere load as what they then are, or are refused in the one way that a machine expects."""
    good = assemble_actor(actor(1)).to_bytes()
    backend = get_backend(None)
    choose = random.Random(2)
    refused = 0
    for _ in range(10 * CASES):
        data = bytearray(good)
        for _ in range(choose.randrange(1, 4)):
            place = choose.randrange(len(data))
            change = choose.randrange(4)
            if change == 0:
                del data[place : place + choose.randrange(1, 40)]
            elif change == 1:
                data[place:place] = choose.randbytes(choose.randrange(1, 9))
            else:
                data[place] = choose.randrange(256)
        try:
            ActorCode(Cid.of(bytes(data), MAST_FOREST), bytes(data), backend)
        except GuestTrap:
            refused += 1
    assert refused > 8 * CASES
