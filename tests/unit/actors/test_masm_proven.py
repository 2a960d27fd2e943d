"""Provable state: an actor that reads elements under RPO-256 hashes them itself, and fails for any others."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

import pytest

from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.library import assemble_actor
from miden.hashing import hash_elements
from miden.ipld.blocks import BufferedBlocks, MemoryBlocks
from miden.ipld.cid import DAG_CBOR, RAW, Cid
from miden.ipld.mast import node_cid
from miden.ipld.multihash import RPO_256
from tests.support.actor_world import World
from tests.support.kernel_probe import probe

if TYPE_CHECKING:
    from miden.actors.messages import Receipt

LOADS = 1000
"""The method that reads the state and returns its digest, eight bytes for each element, and the sum of its elements."""

KEEPER = assemble_actor(
    f"""
    use miden::actor::bytes
    use miden::actor::message
    use miden::actor::proven
    use miden::core::sys

    const DATA = 0x1000
    const RESULT = 0x800

    # method n below {LOADS}: the state becomes n elements, i^2 + 7; method {LOADS}: read it
    proc keep
        push.0
        dup dup.2 neq
        while.true
            dup dup mul add.7 dup.1 add.DATA mem_store
            add.1 dup dup.2 neq
        end
        drop
        push.DATA exec.proven::save dropw
        push.0
    end

    proc sum
        push.4096.DATA exec.proven::load
        # [D, number]
        mem_storew_be.RESULT dropw
        push.0 swap
        dup neq.0
        while.true
            sub.1 dup add.DATA mem_load movup.2 add swap
            dup neq.0
        end
        drop mem_store.0x804
        push.5.RESULT exec.bytes::give padw syscall.block_create_elements assertz
    end

    pub proc invoke
        drop
        exec.message::enter
        exec.message::method
        dup eq.{LOADS}
        if.true
            drop exec.sum
        else
            exec.keep
        end
        exec.sys::truncate_stack
    end"""
)


class Faulty(MemoryBlocks):
    """A store that hands out other bytes for one CID than were put there."""

    lies: dict[Cid, bytes]

    def get(self, cid: Cid) -> bytes | None:
        return getattr(self, "lies", {}).get(cid, super().get(cid))


@pytest.fixture(params=["core", "pure"])
def world(request: pytest.FixtureRequest) -> World:
    return World([MasmRuntime(request.param)], blocks=Faulty())


def values(count: int) -> list[int]:
    return [index * index + 7 for index in range(count)]


def load(world: World, actor: int) -> Receipt:
    return world.call(actor, LOADS)


def reopen(world: World) -> Faulty:
    """Write the state to the store and look at the world anew, so that nothing is left in memory."""
    world.machine.flush()
    below = world.machine.blocks.below
    assert isinstance(below, Faulty)
    assert isinstance(world.machine.blocks, BufferedBlocks)
    below.lies = {}
    return below


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 4096])
def test_what_is_written_is_read(world: World, count: int) -> None:
    actor = world.put(KEEPER)
    assert world.call(actor, count if count < LOADS else 999).exit_code == 0
    expected = values(count if count < LOADS else 999)
    digest = hash_elements(expected)
    assert world.state(actor) == Cid(1, RAW, RPO_256, digest.to_bytes())
    assert world.machine.blocks.get(world.state(actor)) == pack(f"<{len(expected)}Q", *expected)
    assert load(world, actor).return_data == pack("<5Q", *digest, sum(expected))


@pytest.mark.parametrize("count", [1, 3, 8, 12])
def test_one_changed_byte_of_the_state_makes_the_run_trap(world: World, count: int) -> None:
    """Every byte, in every way that leaves it an element: the run fails on the assertion that the digest is another."""
    actor = world.put(KEEPER)
    assert world.call(actor, count).exit_code == 0
    store = reopen(world)
    root = world.state(actor)
    good = store.get(root)
    assert good is not None
    assert load(world, actor).exit_code == 0
    for place in range(len(good)):
        for change in (1, 0x80):
            bad = bytearray(good)
            bad[place] ^= change
            store.lies = {root: bytes(bad)}
            receipt = load(world, actor)
            assert receipt.exit_code == 24
            assert "do not hash to the digest" in receipt.failure
    store.lies = {}
    assert load(world, actor).exit_code == 0, "the machine goes on, and the state is as it was"


def test_other_lengths_make_the_run_trap(world: World) -> None:
    actor = world.put(KEEPER)
    world.call(actor, 12)
    store = reopen(world)
    root = world.state(actor)
    good = store.get(root)
    assert good is not None
    for other in (good[:-8], good + bytes(8), good[8:], b"", good + good, good[:64], good + bytes(32)):
        store.lies = {root: other}
        assert load(world, actor).exit_code == 24, len(other)


def test_bytes_that_are_no_elements_are_refused(world: World) -> None:
    actor = world.put(KEEPER)
    world.call(actor, 12)
    store = reopen(world)
    root = world.state(actor)
    for other in (bytes(95), b"\xff" * 96):
        store.lies = {root: other}
        receipt = load(world, actor)
        assert receipt.exit_code == 24
        assert "SERIALIZATION" in receipt.failure


def test_a_state_of_another_kind_is_refused(world: World) -> None:
    actor = world.put(KEEPER)
    assert load(world, actor).exit_code == 20, "the empty list is no elements"


def test_the_profile_of_the_network_has_no_such_state() -> None:
    world = World([MasmRuntime()], profile="fvm")
    actor = world.put(KEEPER)
    receipt = world.call(actor, 3)
    assert receipt.exit_code == 24
    assert "ILLEGAL_CID" in receipt.failure


def test_a_host_that_names_a_block_wrongly_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is proven as well: the digest that the host gives must be the one that the actor computed."""
    from miden.actors.kernel import Kernel

    actor = world.put(KEEPER)
    monkeypatch.setattr(Kernel, "block_link", lambda self, handle, code, size: Cid(1, RAW, RPO_256, hash_elements([handle]).to_bytes()))
    receipt = world.call(actor, 3)
    assert receipt.exit_code == 24
    assert "another digest" in receipt.failure


def test_state_links_to_elements_and_to_code(world: World) -> None:
    """In profile miden a block links to what rpo256 and mast-rpo256 name, if that is reachable."""
    from miden.ipld import dagcbor

    elements = Cid(1, RAW, RPO_256, hash_elements([5]).to_bytes())
    link = dagcbor.encode([elements])
    assert probe(world, "block_create", [DAG_CBOR], link).error == 6
    before = "push.5 mem_store.0x4000 push.1.0x4000 exec.bytes::give padw syscall.block_create_elements dropw"
    named = f"{before} padw padw push.0.{RPO_256}.1.0 syscall.block_link dropw dropw dropw"
    assert probe(world, "block_create", [DAG_CBOR], link, before=named).error == 0
    assert probe(world, "block_create", [DAG_CBOR], dagcbor.encode([node_cid(hash_elements([5]))])).error == 6
