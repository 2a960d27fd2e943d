"""Digests of whole forests, computed many at a time: the same as node by node, whatever the order and shape."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from miden.field import Word
from miden.isa import NODE_DOMAINS, NodeKind
from tests.support import rpo_by_definition as definition
from tests.support.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

forest_module: Any = pytest.importorskip("miden._core.forest", reason="the core is not built")
rpo: Any = pytest.importorskip("miden._core.rpo", reason="the core is not built")

LEAVES = ("block", "external", "dyn", "dyncall")
INNER = ("join", "split", "loop", "call", "syscall")


@pytest.fixture(params=["scalar", "avx2", "ifma", "ifma512"])
def variant(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each variant in turn, for the length of a test."""
    name: str = request.param
    if name not in rpo.variants():
        pytest.skip(f"this processor cannot run the variant {name}")
    rpo.set_variant(name)
    yield name
    rpo.set_variant("auto")


def add_block(columns: Columns, numbers: random.Random) -> None:
    text = " ".join(
        numbers.choice(("add", "mul", f"push.{numbers.randrange(2**63)}", "assert.7", "swap*9")) for _ in range(numbers.randrange(1, 60))
    )
    columns.block(text)


def random_forest(seed: int, leaves: int, inner: int) -> Columns:
    """Return a forest whose nodes with children refer to any node before them."""
    numbers = random.Random(seed)
    columns = Columns()
    for kind in LEAVES[:leaves]:
        if kind == "block":
            add_block(columns, numbers)
        elif kind == "external":
            columns.external((numbers.randrange(2**63), 1, 2, 2**64 - 2**32))
        else:
            getattr(columns, kind)()
    for _ in range(leaves - len(LEAVES)):
        add_block(columns, numbers)
    for _ in range(inner):
        count = len(columns.records)
        kind = numbers.choice(INNER)
        children = [numbers.randrange(count) for _ in range(2 if kind in ("join", "split") else 1)]
        getattr(columns, kind)(*children)
    return columns


def shuffled(columns: Columns, seed: int) -> tuple[Columns, list[int]]:
    """Return the forest with its nodes in another order, blocks still in theirs, and where each node went."""
    numbers = random.Random(seed)
    blocks = [node for node, record in enumerate(columns.records) if record[0] == NodeKind.BLOCK]
    others = [node for node, record in enumerate(columns.records) if record[0] != NodeKind.BLOCK]
    numbers.shuffle(others)
    kinds = [record[0] == NodeKind.BLOCK for record in columns.records]
    numbers.shuffle(kinds)
    order = [blocks.pop(0) if is_block else others.pop() for is_block in kinds]
    place = {node: index for index, node in enumerate(order)}
    result = Columns()
    result.operations, result.immediates = columns.operations, columns.immediates
    for node in order:
        kind, a, b, *rest = columns.records[node]
        count = 2 if kind in (NodeKind.JOIN, NodeKind.SPLIT) else 1 if kind in (NodeKind.LOOP, NodeKind.CALL, NodeKind.SYSCALL) else 0
        result.records.append((kind, place[a] if count else 0, place[b] if count == 2 else 0, *rest))
    return result, [place[node] for node in range(len(order))]


def digests_one_by_one(columns: Columns) -> list[bytes]:
    """Return the digests of a forest whose children stand before their parents, from the definition of the hash."""
    digests: list[bytes] = []
    for record in columns.records:
        kind, a, b, op_start, op_count, imm_start, imm_count = record[:7]
        if kind == NodeKind.BLOCK:
            opcodes = bytes(columns.operations[op_start : op_start + op_count])
            digests.append(forest_module.block_digest(opcodes, columns.immediates[imm_start : imm_start + imm_count]))
        elif kind == NodeKind.EXTERNAL:
            digests.append(Word(record[8:12]).to_bytes())
        else:
            left = Word.from_bytes(digests[a]) if kind not in (NodeKind.DYN, NodeKind.DYNCALL) else Word()
            right = Word.from_bytes(digests[b]) if kind in (NodeKind.JOIN, NodeKind.SPLIT) else Word()
            digests.append(Word(definition.permute([0, NODE_DOMAINS[NodeKind(kind)], 0, 0, *left, *right])[4:8]).to_bytes())
    return digests


def split(digests: bytes) -> list[bytes]:
    return [digests[i : i + 32] for i in range(0, len(digests), 32)]


def compute(columns: Columns, *threads: object) -> list[bytes]:
    return split(forest_module.compute_digests(*columns.columns()[:3], *threads))


@pytest.mark.parametrize(("leaves", "inner"), [(1, 0), (4, 0), (1, 1), (5, 20), (40, 100)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_forest_has_the_digests_of_its_nodes(variant: str, leaves: int, inner: int, seed: int) -> None:
    columns = random_forest(seed, leaves, inner)
    assert compute(columns) == digests_one_by_one(columns)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_nodes_does_not_matter(seed: int) -> None:
    columns = random_forest(seed, 8, 60)
    moved, places = shuffled(columns, seed)
    assert places != sorted(places)
    digests = compute(moved)
    assert [digests[place] for place in places] == digests_one_by_one(columns)


def test_no_nodes_have_no_digests() -> None:
    assert forest_module.compute_digests(b"", b"", b"") == b""
    assert forest_module.find_wrong_digest(b"", b"", b"") is None


@pytest.mark.parametrize("threads", [1, 2, None])
def test_a_long_chain_beside_short_blocks_is_hashed_in_any_number_of_threads(variant: str, threads: int | None) -> None:
    columns = Columns()
    for length in (30_000, 9, 900, 9, 4000, 1, 100, 72, 73, 800, 2):
        columns.block(f"add*{length}")
    columns.join(0, 10)
    assert compute(columns, threads) == digests_one_by_one(columns)


def test_other_numbers_of_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="threads must be 1, 2 or None"):
        forest_module.compute_digests(b"", b"", b"", 4)


def test_depth_takes_memory_not_stack(variant: str) -> None:
    """A chain of loops, each the body of the next; once more with every body behind its loop."""
    depth = 20_000
    up, down = Columns(), Columns()
    up.block("noop")
    for node in range(depth):
        up.loop(node)
    for node in range(depth):
        down.loop(node + 1)
    down.block("noop")
    digests = compute(up)
    assert digests == compute(down)[::-1]
    up.records = up.records[:20]
    assert digests[:20] == digests_one_by_one(up)


@pytest.mark.parametrize("edges", [[(1,)], [(2,), (1,)], [(3, 0), (1, 1), (2, 0)], [(0,), (4,), (3,), (2,)]])
def test_a_node_that_is_its_own_descendant_is_refused(edges: Sequence[tuple[int, ...]]) -> None:
    columns = Columns()
    columns.block("noop")
    for children in edges:
        if len(children) == 1:
            columns.loop(children[0])
        else:
            columns.join(children[0], children[1])
    with pytest.raises(ValueError, match="is its own descendant, or has one that is"):
        compute(columns)


def with_digests(columns: Columns, digests: list[bytes]) -> Columns:
    columns.records = [(*record[:8], *Word.from_bytes(digest)) for record, digest in zip(columns.records, digests, strict=True)]
    return columns


def test_right_digests_are_accepted() -> None:
    columns = random_forest(5, 6, 30)
    with_digests(columns, digests_one_by_one(columns))
    assert forest_module.find_wrong_digest(*columns.columns()[:3]) is None


@pytest.mark.parametrize("place", [0, 3, 20, 35])
def test_the_first_wrong_digest_is_found(place: int) -> None:
    """A wrong digest of a child does not make its parents wrong: they are checked against recomputed ones."""
    columns = random_forest(7, 6, 30)
    digests = digests_one_by_one(columns)
    assert columns.records[place][0] != NodeKind.EXTERNAL
    wrong = digests.copy()
    wrong[place] = bytes([wrong[place][0] ^ 1]) + wrong[place][1:]
    with_digests(columns, wrong)
    assert forest_module.find_wrong_digest(*columns.columns()[:3]) == (place, digests[place])
