"""Merkle structures built whole: time per leaf, beside the merges that they need at the reference's rate.

The reference's crate builds a tree on one thread by one merge after another, so merges at its own rate are the least that it
takes. Ours hashes a level at a time.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from harness import Case, nanoseconds

from miden.field import P, Word
from miden.vm.trees import FullTree, Mmr, Opening, SimpleSmt, Smt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Merkle structures, time per leaf"
MERGES = 20_000


def collect(setting: Setting) -> Iterator[Case]:
    """Yield trees of a million leaves, and of fewer where the tree has 64 levels; then changes of one leaf."""
    reference, numbers = setting.reference, random.Random(1)
    full, sparse = setting.size(2**20, 2**10), setting.size(2**14, 2**6)
    leaves = [Word([numbers.randrange(P) for _ in range(4)]) for _ in range(full)]
    some = {leaf[3]: leaf for leaf in leaves[:sparse]}
    if FullTree(leaves[:64]).root != Mmr(leaves[:64]).peaks[0] or FullTree(leaves[:64]).root != SimpleSmt(6, enumerate(leaves[:64])).root:
        raise SystemExit("trees of the same leaves have different roots")

    def case(name: str, work: Callable[[], object], count: int, merges: int) -> Case:
        def theirs() -> float:
            assert reference is not None
            return float(reference.ask("bench_hash", n=MERGES)["merge_ns"]) * merges

        return Case(name, lambda: nanoseconds(work, 1), theirs if reference else None, "of its time", None, count, "leaf")

    yield case(f"full tree of {full:,} leaves", lambda: FullTree(leaves), full, full - 1)
    yield case(f"range of {full:,} leaves", lambda: Mmr(leaves), full, full - full.bit_count())
    depth = full.bit_length() - 1
    yield case(f"sparse tree of depth {depth}, {full:,} leaves", lambda: SimpleSmt(depth, enumerate(leaves)), full, full - 1)
    tall = SimpleSmt(64, some)
    nodes = sum(len({index >> level for index in some}) for level in range(1, 65))
    yield case(f"sparse tree of depth 64, {len(some):,} leaves", lambda: SimpleSmt(64, some), len(some), nodes)
    pairs = {leaf: leaf for leaf in some.values()}
    yield case(f"map of {len(pairs):,} keys", lambda: Smt(pairs), len(pairs), nodes + len(pairs))
    changed = list(some)[:64]
    yield case("one leaf changed, depth 64", lambda: [tall.set(index, some[index]) for index in changed], len(changed), 64 * len(changed))
    proofs = [tall.open(index) for index in changed]
    yield case("one proof checked, depth 64", lambda: verify(proofs, tall.root), len(changed), 64 * len(changed))


def verify(proofs: list[Opening], root: Word) -> None:
    """Check proofs, or stop."""
    if not all(proof.verify(root) for proof in proofs):
        raise SystemExit("a proof is refused")
