"""Nodes of forests in a store: how long they are found, and what that costs."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from miden.errors import NotFoundError
from miden.ipld.blocks import BufferedBlocks, MemoryBlocks, reachable, walking
from miden.ipld.held import HeldForest, HeldForests
from miden.ipld.mast import explode, implode, node_cid
from miden.ipld.objects import StoreBlocks
from miden.isa import NodeKind
from miden.mast.builder import ForestBuilder
from miden.store.cache import make_cache
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.objects import PUSH, block_forest, root_of

if TYPE_CHECKING:
    from miden.ipld.cid import Cid
    from miden.mast.forest import MastForest


def comb(number: int, length: int, *callees: MastForest) -> MastForest:
    """Return a forest with one procedure, a chain of joins with blocks of its own, and with procedures of others at its far end."""
    builder = ForestBuilder()
    root = builder.add_block(bytes([PUSH]), [number])
    for step in range(length):
        root = builder.add_join(root, builder.add_block(bytes([PUSH]) * 2, [number, step]))
    for callee in callees:
        root = builder.add_join(builder.add_node(NodeKind.EXTERNAL, digest=root_of(callee).to_bytes()), root)
    builder.add_root(root)
    return builder.build()


def names(forest: MastForest) -> list[Cid]:
    return [cid for cid, _ in explode(forest)]


def places(*forests: MastForest, cache_bytes: int = 1) -> StoreBlocks:
    """Return a place that holds no more than the forest used last, unless told otherwise."""
    store = ObjectStore([MemoryProvider()], cache=make_cache("arc", 1))
    for forest in forests:
        store.insert(forest)
    return StoreBlocks(store, cache_bytes=cache_bytes)


def test_memory_is_bounded_over_many_nodes_and_blocks() -> None:
    """10^5 nodes of 100 forests are found, of which some are read: what stays in memory is what the budget says."""
    budget = 2**20
    forests = [comb(number, 500) for number in range(100)]
    blocks = places(*forests, cache_bytes=budget)
    roots = [node_cid(root_of(forest)) for forest in forests]
    del forests
    known = read = 0
    gc.collect()
    tracemalloc.start()
    try:
        for root in roots:
            read += sum(1 for _ in islice(reachable(blocks, [root], verify=False), 20))
            held = blocks._held.find(root.digest)
            assert held is not None
            known += len(held.nodes)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert known > 100_000
    assert read == 2000
    assert len(blocks._held) > 1
    assert blocks._held.bytes <= budget
    assert kept < 2 * budget


def test_a_walk_finds_again_what_the_place_forgot() -> None:
    """The walk leaves a forest for another one, which takes its room, and comes back to inner nodes of the first."""
    inner = comb(1, 20)
    outer = comb(2, 20, inner)
    blocks = places(inner, outer)
    root = node_cid(root_of(outer))
    wanted = {*names(inner), *names(outer)}
    assert {cid for cid, _ in reachable(blocks, [root])} == wanted
    assert {cid for cid, _ in reachable(BufferedBlocks(blocks), [root])} == wanted
    walk = walking(blocks)
    whole = implode([root_of(outer)], walk.get)
    assert NodeKind.EXTERNAL not in {whole.kind(node) for node in range(len(whole))}

    class Forgetful(MemoryBlocks):
        """The same place for those who do not say that they walk."""

        def get(self, cid: Cid) -> bytes | None:
            return blocks.get(cid)

    with pytest.raises(NotFoundError):
        list(reachable(Forgetful(), [root]))
    assert len(blocks._held) == 1


def test_a_walk_starts_at_what_the_place_holds_and_leaves_what_it_found() -> None:
    forest = comb(1, 3)
    blocks = places(forest)
    root, *_, child = reversed(names(forest))
    assert blocks.get(child) is None
    assert walking(blocks).get(root) is not None
    assert blocks.get(child) == walking(blocks).get(child) is not None
    assert child in blocks
    blocks.remove(root)
    assert blocks.get(child) is None


def test_a_node_of_several_forests_is_found_while_any_of_them_is_held() -> None:
    shared, first = 7, HeldForest(block_forest(7, 1))
    second, third = HeldForest(block_forest(7, 2)), HeldForest(block_forest(3))
    digest = root_of(block_forest(shared)).to_bytes()
    held = HeldForests(max(first.weight + second.weight, second.weight + third.weight))
    held.hold(first)
    held.hold(second)
    held.hold(second)
    assert (len(held), held.bytes) == (2, first.weight + second.weight)
    assert held.find(digest) is second
    held.find(root_of(block_forest(1)).to_bytes())
    held.hold(third)  # drops the second: the first was used since
    assert held.find(digest) is first
    held.hold(second)
    held.hold(HeldForest(block_forest(5, 6)))
    held.hold(HeldForest(block_forest(8, 9)))
    assert digest not in held
    assert held.find(digest) is None
    held.clear()
    assert (len(held), held.bytes) == (0, 0)
