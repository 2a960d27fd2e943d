"""Merkle structures in Python have the reference's roots and proofs: its Merkle store and its core library say so.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE. MIDEN_EXAMPLES and MIDEN_SEED choose the
trees. The reference is given leaves and builds, looks up and changes the trees; what it finds, it leaves in memory.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from miden.field import P, Word
from miden.vm.backends import get_backend
from miden.vm.merkle import PartialMerkleTree
from miden.vm.partial_tree import PartialTree
from miden.vm.trees import FullTree, Mmr, SimpleSmt, Smt
from tests.support.reference import PATH, SKIP_REASON, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.vm.trees import Opening

TREES = int(os.environ.get("MIDEN_EXAMPLES", "12"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))
AT = 2000
ZERO = Word((0, 0, 0, 0))
MERGE_MANY = get_backend(None).merge_many

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Reference() as harness:
        yield harness


@pytest.fixture(params=range(SEED, SEED + TREES))
def rng(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(f"trees {request.param}")


def word(rng: random.Random) -> Word:
    return Word([rng.randrange(P) if rng.random() < 0.9 else rng.choice((0, 1, P - 1)) for _ in range(4)])


class Asked:
    """A program for the reference that leaves words in memory, and those words when it has run."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.expected: list[Word] = []

    def do(self, text: str) -> None:
        self.text.append(text)

    def push(self, word: Word) -> None:
        self.do(f"push.{'.'.join(map(str, word))}")

    def expect(self, word: Word) -> None:
        """Take the word on top, which must be this one."""
        self.do(f"mem_storew_be.{AT + 4 * len(self.expected)} dropw")
        self.expected.append(word)

    def check(self, reference: Reference, **advice: Any) -> None:
        source = f"begin {' '.join(self.text)} exec.::miden::core::sys::truncate_stack end"
        answer = reference.ask("program", source=source, corelib="dynamic", run={"stack": [], "memory": True, **advice})
        assert "memory" in answer, answer.get("error") or answer.get("run_error")
        cells = dict(map(tuple, answer["memory"]))
        found = [Word([cells.get(AT + 4 * number + place, 0) for place in range(4)]) for number in range(len(self.expected))]
        assert found == self.expected


def look_up(asked: Asked, root: Word, opening: Opening) -> None:
    """Ask for a leaf and every node on its path."""
    nodes = [(opening.depth, opening.index, opening.leaf)]
    nodes += [(opening.depth - level, opening.index >> level ^ 1, sibling) for level, sibling in enumerate(opening.path)]
    for depth, index, node in nodes:
        if index >= P:  # a place that no program can name
            continue
        asked.push(root)
        asked.do(f"push.{index}.{depth} mtree_get")
        asked.expect(node)
        asked.do("dropw")


def test_full_trees(reference: Reference, rng: random.Random) -> None:
    depth = rng.randint(1, 8)
    leaves = [word(rng) for _ in range(1 << depth)]
    tree, asked = FullTree(leaves), Asked()
    for _ in range(4):
        index = rng.randrange(len(leaves))
        look_up(asked, tree.root, tree.open(index))
        new, before = word(rng), tree.root
        asked.push(new)
        asked.push(before)
        old = tree.set(index, new)
        asked.do(f"push.{index}.{depth} mtree_set")
        asked.expect(old)
        asked.expect(tree.root)
    asked.check(reference, merkle_store=[{"merkle_tree": [leaf.to_hex() for leaf in leaves]}])


def test_two_trees_under_one_root(reference: Reference, rng: random.Random) -> None:
    depth = rng.randint(1, 6)
    halves = [[word(rng) for _ in range(1 << depth)] for _ in range(2)]
    left, right, both, asked = FullTree(halves[0]), FullTree(halves[1]), FullTree([*halves[0], *halves[1]]), Asked()
    asked.push(left.root)
    asked.push(right.root)
    asked.do("mtree_merge")
    asked.expect(both.root)
    for index in (0, (1 << depth) - 1, 1 << depth, (2 << depth) - 1):
        look_up(asked, both.root, both.open(index))
    asked.check(reference, merkle_store=[{"merkle_tree": [leaf.to_hex() for leaf in half]} for half in halves])


def test_sparse_trees(reference: Reference, rng: random.Random) -> None:
    entries = {rng.choice((0, 1, 2**63, P - 1, rng.randrange(P))): word(rng) for _ in range(rng.randrange(1, 20))}
    tree, asked = SimpleSmt(64, entries), Asked()
    for index in (*rng.sample(list(entries), min(3, len(entries))), rng.randrange(P)):
        look_up(asked, tree.root, tree.open(index))
    asked.check(reference, merkle_store=[{"sparse_merkle_tree": [[index, leaf.to_hex()] for index, leaf in entries.items()]}])


def test_sparse_trees_of_any_depth(reference: Reference, rng: random.Random) -> None:
    tree, asked = SimpleSmt(rng.randint(1, 64)), Asked()
    for _ in range(rng.randrange(1, 8)):
        index = min(rng.getrandbits(tree.depth), P - 1)
        new, before = word(rng) if rng.random() < 0.8 else ZERO, tree.root
        asked.push(new)
        asked.push(before)
        old = tree.set(index, new)
        asked.do(f"push.{index}.{tree.depth} mtree_set")
        asked.expect(old)
        asked.expect(tree.root)
        look_up(asked, tree.root, tree.open(index))
    asked.check(reference)


def test_partial_trees(reference: Reference, rng: random.Random) -> None:
    tree = FullTree([word(rng) for _ in range(1 << rng.randint(1, 8))])
    known = [tree.open(rng.randrange(len(tree))) for _ in range(rng.randrange(1, 6))]
    nodes: dict[tuple[int, int], Word] = {}
    for opening in known:
        nodes[opening.depth, opening.index] = opening.leaf
        nodes |= {(opening.depth - level, opening.index >> level ^ 1): sibling for level, sibling in enumerate(opening.path)}
    above = {(depth - level, index >> level) for depth, index in nodes for level in range(1, depth + 1)}
    for place in above & nodes.keys():
        del nodes[place]  # what is given is not computed: nothing would lead below it
    asked = Asked()
    for opening in known:
        look_up(asked, tree.root, opening)
    assert PartialMerkleTree(nodes.items()).root(MERGE_MANY) == tree.root.to_bytes()
    part = PartialTree(tree.root, known)
    for opening in known:
        new, before = word(rng), part.root
        asked.push(new)
        asked.push(before)
        asked.do(f"push.{opening.index}.{opening.depth} mtree_set")
        asked.expect(part.set(opening.depth, opening.index, new))
        asked.expect(part.root)
        look_up(asked, part.root, part.open(opening.depth, opening.index))
    entries = [[list(place), node.to_hex()] for place, node in nodes.items()]
    asked.check(reference, merkle_store=[{"partial_merkle_tree": entries}])


def test_maps(reference: Reference, rng: random.Random) -> None:
    tree, asked = Smt(), Asked()
    keys = [Word([*word(rng)[:3], rng.choice((0, 7, rng.randrange(P)))]) for _ in range(6)]
    for _ in range(12):
        key, value = rng.choice(keys), word(rng) if rng.random() < 0.75 else ZERO
        before = tree.root
        for part in (before, key, value):
            asked.push(part)
        old = tree.set(key, value)
        asked.do("exec.::miden::core::collections::smt::set")
        asked.expect(old)
        asked.expect(tree.root)
        opening = tree.open(key)
        assert opening.verify(tree.root)
        look_up(asked, tree.root, opening.opening)
        if value != ZERO or len(opening.pairs) != 1:  # the reference's procedure fails for a key beside the one pair of a leaf
            asked.push(tree.root)
            asked.push(key)
            asked.do("exec.::miden::core::collections::smt::get")
            asked.expect(opening.get(key))
            asked.expect(tree.root)
    asked.check(reference)


def test_maps_that_are_given(reference: Reference, rng: random.Random) -> None:
    tree, asked = Smt({Word([*word(rng)[:3], rng.choice((0, rng.randrange(P)))]): word(rng) for _ in range(rng.randrange(1, 12))}), Asked()
    for key, value in tree.items():
        asked.push(tree.root)
        asked.push(key)
        asked.do("exec.::miden::core::collections::smt::get")
        asked.expect(value)
        asked.expect(tree.root)
    leaves = [[key[3], tree.open(key).opening.leaf.to_hex()] for key in {key[3]: key for key, _ in tree.items()}.values()]
    preimages = {leaf.to_hex(): values for leaf, values in tree.advice_map().items()}
    asked.check(reference, merkle_store=[{"sparse_merkle_tree": leaves}], advice_map=preimages)


def test_ranges(reference: Reference, rng: random.Random) -> None:
    mmr, asked = Mmr(), Asked()
    for _ in range(rng.randrange(1, 24)):
        leaf = word(rng)
        mmr.add(leaf)
        asked.do("push.1000")
        asked.push(leaf)
        asked.do("exec.::miden::core::collections::mmr::add")
    for number, peak in enumerate(mmr.peaks):
        asked.do(f"padw mem_loadw_be.{1004 + 4 * number}")
        asked.expect(peak)
    for position in range(len(mmr)):
        opening = mmr.open(position)
        assert opening.root in mmr.peaks
        asked.do(f"push.1000.{position} exec.::miden::core::collections::mmr::get")
        asked.expect(opening.leaf)
        if opening.depth:
            look_up(asked, opening.root, opening)
    asked.do("push.1000 exec.::miden::core::collections::mmr::pack")
    asked.expect(mmr.hash_peaks())
    asked.check(reference)
