"""The core library as IPLD: every node a block that is named by its MAST root, carried in a file, run from where it arrives."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from miden.assembly import Assembler
from miden.corelib import core_bytes, core_forest, core_library
from miden.ipld.car import CarReader
from miden.ipld.car.transfer import check_car, export_car, import_car
from miden.ipld.mast import forest_cid, implode, node_block, node_cid, node_digest, node_root
from miden.ipld.objects import StoreBlocks
from miden.isa import NodeKind
from miden.store.opening import open_store
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from miden.store.virtual_machine import VirtualMachine
from miden.vm.host import Host

if TYPE_CHECKING:
    from pathlib import Path

    from miden.mast.program import Program
    from miden.vm.outputs import ExecutionOutput

CALLER = """
use miden::core::math::u64
use miden::core::crypto::hashes::blake3
begin
    exec.u64::wrapping_mul
    padw padw
    exec.blake3::merge
end
"""


def test_the_cid_of_every_node_is_its_mast_root() -> None:
    forest = core_forest()
    external = 0
    for node in range(len(forest)):
        if forest.kind(node) == NodeKind.EXTERNAL:
            external += 1
            continue
        cid, block = node_cid(forest.digest_bytes(node)), node_block(forest, node)
        assert cid.digest == forest.digests[node].to_bytes() == node_digest(block)
        assert node_root(cid) == forest.digests[node]
        cid.verify(block)
    assert external == 0
    assert len(forest) > 500


def test_it_travels_in_a_file_and_runs_elsewhere(tmp_path: Path, backend: str) -> None:
    """One store has the library whole; another gets it node by node in a CAR file and knows nothing else."""
    here = StoreBlocks(ObjectStore([MemoryProvider()]))
    library = core_library()
    roots = [node_cid(root) for root in here.store.insert(library)]
    with (tmp_path / "core.car").open("w+b") as file:
        count = export_car(here, roots, file, version=2)
        found = check_car(file)
        assert (found.blocks, found.missing, found.repeated, found.indexed) == (count, (), 0, True)
        assert count == len({*core_forest().digests})
        there = StoreBlocks(open_store(tmp_path / "store", create=True))
        assert import_car(there, file, pin=True).missing == ()
    assert there.store.gc(grace=0).removed == 0
    assembler = Assembler()
    assembler.link_library(library, kind="dynamic")
    caller = assembler.assemble_program(CALLER)
    stack = [1, 2, 3, 4, 5, 6, 7, 8]
    whole, nodes = (_run(caller, stack, blocks.store, backend) for blocks in (here, there))
    assert (nodes.stack, nodes.cycles) == (whole.stack, whole.cycles)
    assert there.store.counters.cache.loads > here.store.counters.cache.loads > 0
    again = implode([node_root(root) for root in roots], there.get)
    assert set(again.digests) == set(core_forest().digests)


def _run(program: Program, stack: list[int], store: ObjectStore, backend: str) -> ExecutionOutput:
    """Run a program with a host that has no core library but that of the store."""
    return VirtualMachine(store, backend=backend, make_host=lambda: Host(store=store, core=False)).run(program, stack)


def test_it_travels_as_one_block_as_well(tmp_path: Path) -> None:
    data = core_bytes()
    blocks = StoreBlocks(open_store(tmp_path / "store", create=True))
    cid = forest_cid(data)
    blocks.put_many([(cid, data)], pin=[cid])
    file = io.BytesIO()
    assert export_car(blocks, [cid], file) == 1
    file.seek(0)
    [section] = CarReader(file)
    assert section.data == data
