"""Code of actors in Miden assembly: its forms, its entry, and what other code it reaches."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from miden.actors.address import Address
from miden.actors.context import Manifest
from miden.actors.machine import Machine
from miden.actors.methods import method_number
from miden.actors.runtimes.masm import MasmRuntime
from miden.actors.runtimes.masm.code import linked_nodes
from miden.actors.runtimes.masm.library import actor_assembler, assemble_actor
from miden.assembly import Assembler
from miden.corelib import core_library
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks, reachable, store_block
from miden.ipld.car import CarReader, write_car
from miden.ipld.cid import MAST_FOREST, Cid
from miden.ipld.mast import explode, node_cid
from miden.package.package import Package
from tests.support.actor_world import ALICE, World

if TYPE_CHECKING:
    from miden.actors.messages import Receipt
    from miden.mast.forest import MastForest
    from miden.mast.library import Library
    from miden.mast.program import Program

BACKENDS = ("core", "pure")
EXAMPLES = Path(__file__).parents[3] / "examples" / "actors"
ENDS = "pub proc invoke push.0 swap drop end"


@pytest.fixture(params=BACKENDS)
def world(request: pytest.FixtureRequest) -> World:
    return World([MasmRuntime(request.param)])


def call(world: World, code: Library | Program | Cid) -> Receipt:
    return world.call(world.put(code), 2, [1])


def put_nodes(world: World, forest: MastForest) -> None:
    for cid, block in explode(forest):
        world.blocks.put(cid, block)


def dynamic(word: object, how: str = "dyncall") -> str:
    """Return an actor that calls the procedure with a digest."""
    return f"pub proc invoke push.{list(word)} mem_storew_be.0x100 dropw push.0x100 {how} push.0 swap drop end"  # type: ignore[call-overload]


# -- forms


def test_a_library_a_package_and_a_program_are_actors(world: World) -> None:
    library = assemble_actor(ENDS)
    program = actor_assembler().assemble_program("begin push.0 swap drop end")
    assert call(world, library).exit_code == 0
    assert call(world, program).exit_code == 0
    package = Package("answer", library)
    cid = store_block(world.blocks, package.to_bytes(), MAST_FOREST)
    assert call(world, cid).exit_code == 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("pub proc called push.0 swap drop end", "exports one procedure called invoke, this one 0"),
        ("proc invoke push.0 swap drop end pub proc other exec.invoke end", "exports one procedure called invoke, this one 0"),
    ],
)
def test_code_without_an_entry_breaks(source: str, said: str) -> None:
    receipt = call(World([MasmRuntime()]), assemble_actor(source))
    assert receipt.exit_code == 4
    assert said in receipt.failure


def test_two_entries_are_none() -> None:
    library = actor_assembler().assemble_library({"a": ENDS, "b": "pub proc invoke push.1 swap drop end"})
    receipt = call(World([MasmRuntime()]), library)
    assert receipt.exit_code == 4
    assert "this one 2" in receipt.failure


def test_a_forest_alone_is_no_actor() -> None:
    world = World([MasmRuntime()])
    receipt = call(world, store_block(world.blocks, assemble_actor(ENDS).forest.to_bytes(), MAST_FOREST))
    assert receipt.exit_code == 4
    assert "not a forest alone" in receipt.failure


@pytest.mark.parametrize("data", [b"", b"MAST", b"begin nop end", b"\0" * 100, None])
def test_bytes_that_are_no_code_break(data: bytes | None) -> None:
    world = World([MasmRuntime()])
    if data is None:
        data = assemble_actor(ENDS).to_bytes()[:-3]
    receipt = call(world, store_block(world.blocks, data, MAST_FOREST))
    assert receipt.exit_code == 4
    assert "does not load" in receipt.failure


def test_code_that_is_not_what_its_name_says_breaks() -> None:
    world = World([MasmRuntime()])
    cid = Cid.of(assemble_actor(ENDS).to_bytes(), MAST_FOREST)
    world.blocks.put(cid, assemble_actor("pub proc invoke push.7 swap drop end").to_bytes())
    assert call(world, cid).exit_code == 4


def test_code_that_is_missing_is_fatal() -> None:
    receipt = call(World([MasmRuntime()]), Cid.of(b"nowhere", MAST_FOREST))
    assert receipt.exit_code == 10


def test_code_for_another_kernel_breaks(world: World) -> None:
    other = Assembler().assemble_kernel("pub proc block_open push.1 drop end")
    library = Assembler(other).assemble_library({"a": "pub proc invoke syscall.block_open push.0 swap drop end"})
    receipt = call(world, library)
    assert receipt.exit_code == 4


# -- reach


def test_an_actor_calls_its_own_procedures_by_digest(world: World) -> None:
    library = assemble_actor(
        """proc answer push.42 swap drop end
        pub proc invoke procref.answer mem_storew_be.0x100 dropw push.0x100 dyncall eq.42 assert push.0 swap drop end"""
    )
    assert call(world, library).exit_code == 0


def test_the_core_library_is_always_there(world: World) -> None:
    digest = core_library().find_procedure("miden::core::sys::truncate_stack")
    assert digest is not None
    static = assemble_actor("use miden::core::sys pub proc invoke push.0 exec.sys::truncate_stack end")
    assert call(world, static).exit_code == 0


OTHER = {"other": "pub proc twice mul.2 end pub proc thrice mul.3 end pub proc both exec.twice exec.thrice end"}
USER = "pub proc invoke push.7 exec.::other::both eq.42 assert push.0 swap drop end"


def test_other_code_is_found_by_its_nodes(world: World) -> None:
    other = Assembler().assemble_library(OTHER)
    assembler = actor_assembler()
    assembler.link_library(other)
    library = assembler.assemble_library({"actor": USER})
    actor = world.put(library)
    assert world.call(actor, 2).exit_code == 10, "a node that the code links to is missing from the store: the store is broken"
    put_nodes(world, other.forest)
    assert world.call(actor, 2).exit_code == 0


def test_a_broken_node_is_fatal(world: World) -> None:
    other = Assembler().assemble_library(OTHER)
    assembler = actor_assembler()
    assembler.link_library(other)
    library = assembler.assemble_library({"actor": USER})
    put_nodes(world, other.forest)
    digest = other.find_procedure("other::both")
    assert digest is not None
    block = world.blocks.get(node_cid(digest))
    assert block is not None
    world.blocks.put(node_cid(digest), block[:-1] + bytes((block[-1] ^ 1,)))
    assert call(world, library).exit_code == 10


@pytest.mark.parametrize("how", ["dyncall", "dynexec"])
def test_code_that_is_in_the_store_but_not_reached_does_not_exist(world: World, how: str) -> None:
    other = Assembler().assemble_library(OTHER)
    put_nodes(world, other.forest)
    store_block(world.blocks, other.to_bytes(), MAST_FOREST)
    digest = other.find_procedure("other::twice")
    assert digest is not None
    receipt = call(world, assemble_actor(dynamic(digest, how)))
    assert receipt.exit_code == 4
    assert "asked: the code that the actor reaches" in receipt.failure


def test_code_that_is_reached_is_found_by_digest(world: World) -> None:
    """What an external node leads to may be called by its digest, too, at any depth."""
    other = Assembler().assemble_library({"other": "pub proc twice mul.2 end pub proc calls call.twice end"})
    put_nodes(world, other.forest)
    twice = other.find_procedure("other::twice")
    assert twice is not None
    assembler = actor_assembler()
    assembler.link_library(other)
    calls = dynamic(twice).replace("push.0x100 dyncall", "push.21 push.0x100 dyncall eq.42 assert")
    source = f"pub proc named exec.::other::calls end {calls}"
    assert call(world, assembler.assemble_library({"actor": source})).exit_code == 0


def test_reaching_other_code_costs_gas_once() -> None:
    other = Assembler().assemble_library(OTHER)
    assembler = actor_assembler()
    assembler.link_library(other)
    library = assembler.assemble_library({"actor": USER})
    used = set()
    for backend in BACKENDS:
        world = World([MasmRuntime(backend)], prices="nv21")
        put_nodes(world, other.forest)
        actor = world.put(library)
        used |= {world.call(actor, 2).gas_used for _ in range(2)}
    assert len(used) == 1, "the same on both backends, and whether the code is loaded already or not"
    own = World([MasmRuntime()], prices="nv21")
    plain = own.call(own.put(assemble_actor(ENDS)), 2).gas_used
    nodes = sum(1 for _ in explode(other.forest, [other.forest.find_procedure_root(other.find_procedure("other::both").to_bytes())]))  # type: ignore[union-attr,list-item]
    assert used.pop() - plain > nodes * 187_440


def test_a_state_goes_elsewhere_with_its_code_and_runs_there() -> None:
    """All that a state reaches, the code's nodes of kernel and core library included, goes through a CAR file to another store."""
    world = World([MasmRuntime()])
    data = assemble_actor(EXAMPLES / "token.masm").to_bytes()
    for cid, block in linked_nodes(data):
        world.blocks.put(cid, block)
    actor = world.construct(store_block(world.blocks, data, MAST_FOREST), [1000, ALICE])
    root = world.machine.flush()
    file = io.BytesIO()
    write_car(file, [root], reachable(world.blocks, [root]))
    file.seek(0)
    elsewhere = MemoryBlocks()
    for block in CarReader(file):
        block.cid.verify(block.data)
        elsewhere.put(block.cid, block.data)
    machine = Machine(elsewhere, root, runtimes=[MasmRuntime()], profile="miden", manifest=Manifest.of(()))
    receipt = machine.call_readonly(Address.of(actor), method_number("Supply"))
    assert receipt.return_data == dagcbor.encode([1000])
    assert [cid for cid, _ in reachable(elsewhere, [root])] == [cid for cid, _ in reachable(world.blocks, [root])]
