"""Trees and the store, against a tree hashed by the textbook definition of RPO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miden.errors import InputError
from miden.field import P, Word
from miden.vm.advice_error import AdviceError
from miden.vm.backends import get_backend
from miden.vm.merkle import EmptySubtrees, MerkleNodes, MerkleTree, PartialMerkleTree, SparseMerkleTree
from tests.support.rpo_by_definition import merge as textbook_merge
from tests.support.rpo_by_definition import merkle_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from miden.vm.merkle import Merge, MergeMany, MerkleStore, Node

    MakeStore: TypeAlias = Callable[[Iterable[Node]], MerkleStore]

LEAVES = [Word((n, n + 1, P - 1, 7)) for n in range(1, 9)]
ZERO = bytes(32)


@pytest.fixture
def merge(backend: str) -> Merge:
    return get_backend(backend).merge


@pytest.fixture
def merge_many(backend: str) -> MergeMany:
    return get_backend(backend).merge_many


@pytest.fixture
def make_store(backend: str) -> MakeStore:
    """The store of each backend: a dictionary in Python, a table in C."""
    return get_backend(backend).merkle_store


@pytest.fixture
def store(make_store: MakeStore, merge_many: MergeMany) -> MerkleStore:
    return make_store(MerkleTree(LEAVES).inner_nodes(merge_many))


@pytest.fixture
def levels() -> list[list[bytes]]:
    """Levels of the tree over LEAVES, root first."""
    return [[Word(word).to_bytes() for word in level] for level in reversed(merkle_levels([tuple(leaf) for leaf in LEAVES]))]


def test_the_root_of_a_full_tree_is_the_textbook_root(merge_many: MergeMany, levels: list[list[bytes]]) -> None:
    assert MerkleTree(LEAVES).root(merge_many) == levels[0][0]


def test_every_node_is_found(store: MerkleStore, levels: list[list[bytes]]) -> None:
    root = levels[0][0]
    for depth, level in enumerate(levels):
        assert [store.get_node(root, depth, index) for index in range(len(level))] == level


def test_every_path_leads_to_the_root(store: MerkleStore, levels: list[list[bytes]]) -> None:
    for index in range(8):
        node, path = store.get_path(levels[0][0], 3, index)
        digest, position = tuple(Word.from_bytes(node)), index
        for at in range(0, 96, 32):
            sibling = tuple(Word.from_bytes(path[at : at + 32]))
            digest = textbook_merge(sibling, digest) if position & 1 else textbook_merge(digest, sibling)
            position >>= 1
        assert Word(digest).to_bytes() == levels[0][0]


def test_a_path_of_depth_zero_is_empty(store: MerkleStore, levels: list[list[bytes]]) -> None:
    assert store.get_path(levels[0][0], 0, 0) == (levels[0][0], b"")


def test_set_node_adds_the_new_tree_and_keeps_the_old(store: MerkleStore, merge_many: MergeMany, levels: list[list[bytes]]) -> None:
    old, new = levels[0][0], [*LEAVES]
    new[5] = Word((9, 9, 9, 9))
    assert store.set_node(old, 3, 5, new[5].to_bytes()) == store.get_path(old, 3, 5)[1]
    assert store.get_node(MerkleTree(new).root(merge_many), 3, 5) == new[5].to_bytes()
    assert store.get_node(old, 3, 5) == LEAVES[5].to_bytes()


def test_setting_the_same_value_adds_nothing(store: MerkleStore, levels: list[list[bytes]]) -> None:
    count = len(store)
    store.set_node(levels[0][0], 3, 5, LEAVES[5].to_bytes())
    assert len(store) == count


def test_merged_roots_need_not_exist(store: MerkleStore, merge: Merge) -> None:
    left, right = (Word((n, 0, 0, 0)).to_bytes() for n in (1, 2))
    root = store.merge_roots(left, right)
    assert root == merge(left, right)
    assert (store.get_node(root, 1, 0), store.get_node(root, 1, 1)) == (left, right)


def test_a_fresh_store_knows_the_empty_trees(make_store: MakeStore, merge: Merge) -> None:
    digest = ZERO
    roots = []
    for _ in range(255):
        digest = merge(digest, digest)
        roots.append(digest)
    store = make_store([])
    assert all(store.has_root(root) for root in roots)
    assert not store.has_root(merge(digest, digest))
    assert store.get_node(roots[63], 64, 2**64 - 1) == ZERO
    assert list(store.nodes()) == []


def test_an_unknown_root_is_named(store: MerkleStore) -> None:
    with pytest.raises(AdviceError) as error:
        store.get_node(Word((1, 2, 3, 4)).to_bytes(), 0, 0)
    assert error.value.message == "failed to lookup value in Merkle store: root Word([1, 2, 3, 4]) is not in the store"
    assert (error.value.kind, error.value.reason) == ("AdviceError", "MerkleStoreLookupFailed")


def test_a_missing_node_is_named(store: MerkleStore, levels: list[list[bytes]]) -> None:
    with pytest.raises(AdviceError) as error:
        store.get_path(levels[0][0], 5, 9)
    text = ", ".join(map(str, LEAVES[2]))
    assert error.value.message.endswith(f"node Word([{text}]) with index `depth=5, value=9` not found in the store")


def test_an_update_that_cannot_find_its_node_is_an_update_error(store: MerkleStore) -> None:
    with pytest.raises(AdviceError) as error:
        store.set_node(Word((1, 2, 3, 4)).to_bytes(), 1, 0, ZERO)
    assert error.value.reason == "MerkleStoreUpdateFailed"
    assert error.value.message.startswith("Merkle store backend update failed: root Word([1, 2, 3, 4])")


@pytest.mark.parametrize(("depth", "index"), [(65, 0), (0, 1), (3, 8), (255, 0), (256, 0), (P - 1, P - 1), (63, 2**63)])
def test_a_bad_index_is_an_error_everywhere(store: MerkleStore, levels: list[list[bytes]], depth: int, index: int) -> None:
    for ask in (store.get_node, store.get_path, store.has_path, lambda root, d, i: store.set_node(root, d, i, ZERO)):
        with pytest.raises(AdviceError) as error:
            ask(levels[0][0], depth, index)
        assert error.value.message == f"provided node index {index} is out of bounds for a merkle tree node at depth {depth}"


def test_has_path_tells(store: MerkleStore, levels: list[list[bytes]]) -> None:
    assert store.has_path(levels[0][0], 3, 7)
    assert not store.has_path(levels[0][0], 4, 7)
    assert not store.has_path(Word((1, 2, 3, 4)).to_bytes(), 0, 0)


def test_a_copy_is_independent(store: MerkleStore, merge: Merge) -> None:
    copy = store.copy()
    copy.merge_roots(ZERO, Word((1, 0, 0, 0)).to_bytes())
    assert len(copy) == len(store) + 1


@pytest.mark.parametrize("count", [0, 1, 3, 6, 9])
def test_a_full_tree_has_a_power_of_two_leaves(count: int) -> None:
    with pytest.raises(InputError):
        MerkleTree([Word()] * count)


def test_a_sparse_tree_is_the_full_tree_where_it_is_full(make_store: MakeStore, merge_many: MergeMany) -> None:
    sparse = SparseMerkleTree(enumerate(LEAVES))
    store = make_store(sparse.inner_nodes(merge_many))
    root = sparse.root(merge_many)
    assert store.get_node(root, 61, 0) == MerkleTree(LEAVES).root(merge_many)
    assert [store.get_node(root, 64, index) for index in range(9)] == [*(leaf.to_bytes() for leaf in LEAVES), ZERO]


def test_sparse_leaves_may_be_far_apart(make_store: MakeStore, merge_many: MergeMany) -> None:
    sparse = SparseMerkleTree([(0, LEAVES[0]), (2**64 - 1, LEAVES[1]), (2**40, Word())])
    store = make_store(sparse.inner_nodes(merge_many))
    root = sparse.root(merge_many)
    assert store.get_node(root, 64, 2**64 - 1) == LEAVES[1].to_bytes()
    assert store.get_node(root, 64, 2**40) == ZERO
    assert len(sparse.inner_nodes(merge_many)) == 1 + 63 * 2


def test_an_empty_sparse_tree_is_the_empty_tree(merge: Merge, merge_many: MergeMany) -> None:
    sparse = SparseMerkleTree([(5, Word())])
    assert sparse.inner_nodes(merge_many) == []
    assert EmptySubtrees(merge).nodes[sparse.root(merge_many)] is not None


def test_a_sparse_index_comes_once() -> None:
    for value in (Word(), LEAVES[0]):
        with pytest.raises(InputError) as error:
            SparseMerkleTree([(5, value), (5, LEAVES[0])])
        assert error.value.kind == "DuplicateValuesForIndex"


def test_a_partial_tree_fills_in_the_nodes_above(make_store: MakeStore, merge_many: MergeMany, levels: list[list[bytes]]) -> None:
    partial = PartialMerkleTree(
        [((3, 0), LEAVES[0]), ((3, 1), LEAVES[1]), ((2, 1), Word.from_bytes(levels[2][1])), ((1, 1), Word.from_bytes(levels[1][1]))]
    )
    assert partial.root(merge_many) == levels[0][0]
    assert partial.depth == 3
    store = make_store(partial.inner_nodes(merge_many))
    assert store.get_node(levels[0][0], 3, 1) == LEAVES[1].to_bytes()
    assert not store.has_path(levels[0][0], 3, 2)


def test_a_given_node_is_not_recomputed(merge: Merge, merge_many: MergeMany) -> None:
    given = [((2, 0), LEAVES[0]), ((2, 1), LEAVES[1]), ((1, 0), LEAVES[2]), ((1, 1), LEAVES[3])]
    assert PartialMerkleTree(given).inner_nodes(merge_many) == [
        (merge(LEAVES[2].to_bytes(), LEAVES[3].to_bytes()), LEAVES[2].to_bytes(), LEAVES[3].to_bytes())
    ]


def test_the_last_of_equal_partial_entries_counts(merge_many: MergeMany) -> None:
    twice = PartialMerkleTree([((1, 0), LEAVES[5]), ((1, 1), LEAVES[1]), ((1, 0), LEAVES[0])])
    assert twice.root(merge_many) == MerkleTree(LEAVES[:2]).root(merge_many)


def test_a_partial_tree_may_be_its_root_alone(merge_many: MergeMany) -> None:
    assert PartialMerkleTree([((0, 0), LEAVES[0])]).root(merge_many) == LEAVES[0].to_bytes()
    assert PartialMerkleTree([((0, 0), LEAVES[0])]).inner_nodes(merge_many) == []


def test_a_deep_partial_tree_needs_no_recursion(merge_many: MergeMany) -> None:
    entries = [((64, 0), LEAVES[0]), *(((depth, 1), LEAVES[1]) for depth in range(1, 65))]
    assert len(PartialMerkleTree(entries).inner_nodes(merge_many)) == 64


def test_nodes_are_taken_as_they_are(make_store: MakeStore, merge_many: MergeMany) -> None:
    lie = MerkleNodes([(Word((1, 0, 0, 0)), LEAVES[0], LEAVES[1])])
    store = make_store(lie.inner_nodes(merge_many))
    assert store.get_node(Word((1, 0, 0, 0)).to_bytes(), 1, 1) == LEAVES[1].to_bytes()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates=st.lists(st.tuples(st.integers(0, 7), st.integers(0, P - 1)), max_size=4))
def test_updates_lead_to_the_tree_of_the_new_leaves(make_store: MakeStore, merge_many: MergeMany, updates: list[tuple[int, int]]) -> None:
    leaves = list(LEAVES)
    tree = MerkleTree(leaves)
    store = make_store(tree.inner_nodes(merge_many))
    root = tree.root(merge_many)
    for index, value in updates:
        leaves[index] = Word((value, 0, 0, value))
        store.set_node(root, 3, index, leaves[index].to_bytes())
        root = MerkleTree(leaves).root(merge_many)
        assert [store.get_node(root, 3, at) for at in range(8)] == [leaf.to_bytes() for leaf in leaves]


def test_a_path_is_proved_only_by_hashing_it(backend: str, store: MerkleStore, levels: list[list[bytes]]) -> None:
    root, proves = levels[0][0], backend == "core"  # the other one leaves it to the machine
    for _ in range(2):
        assert [store.proves(root, 3, index, levels[3][index]) for index in range(8)] == [proves] * 8
    assert not store.proves(root, 3, 0, levels[3][1])
    assert not store.proves(root, 4, 0, levels[3][0])
    assert not store.proves(levels[3][0], 0, 0, levels[3][0])


def test_nodes_that_do_not_hash_prove_nothing(make_store: MakeStore, merge_many: MergeMany, levels: list[list[bytes]]) -> None:
    nodes = MerkleTree(LEAVES).inner_nodes(merge_many)
    store = make_store(nodes)
    root = levels[0][0]
    store.extend([(levels[2][0], levels[3][0], ZERO)])
    assert not store.proves(root, 3, 0, levels[3][0])
    assert store.replace(root, 3, 0, levels[3][0], ZERO)[1] is None
    store.extend(nodes)
    assert store.proves(root, 3, 0, levels[3][0]) == (store.replace(root, 3, 0, levels[3][0], ZERO)[1] is not None)


def test_what_was_proved_is_forgotten_when_it_is_replaced(make_store: MakeStore, merge_many: MergeMany, levels: list[list[bytes]]) -> None:
    store = make_store(MerkleTree(LEAVES).inner_nodes(merge_many))
    root = levels[0][0]
    store.proves(root, 3, 7, levels[3][7])
    store.extend([(root, levels[1][1], levels[1][1])])
    assert store.get_node(root, 3, 3) == levels[3][7]
    assert not store.proves(root, 3, 3, levels[3][7])


def test_a_replacement_gives_the_path_and_the_new_root(backend: str, store: MerkleStore, levels: list[list[bytes]]) -> None:
    root, new = levels[0][0], Word((9, 9, 9, 9)).to_bytes()
    path = store.get_path(root, 3, 5)[1]
    other = Word((8, 8, 8, 8)).to_bytes()
    assert store.replace(root, 3, 5, ZERO, new) == (path, None)
    for value in (other, new, levels[3][5]):
        found, new_root = store.replace(root, 3, 5, levels[3][5], value)
        assert found == path
        assert new_root is None if backend == "pure" else store.proves(new_root or b"", 3, 5, value)


def test_both_stores_hold_the_same_nodes_in_the_same_order(levels: list[list[bytes]]) -> None:
    pytest.importorskip("miden._core.merkle")
    stores = [get_backend(name).merkle_store(MerkleTree(LEAVES).inner_nodes(get_backend(name).merge_many)) for name in ("core", "pure")]
    for store in stores:
        store.set_node(levels[0][0], 3, 2, ZERO)
        store.merge_roots(ZERO, ZERO)
        store.merge_roots(ZERO, levels[0][0])
        store.extend([(levels[3][0], ZERO, ZERO), (levels[0][0], ZERO, ZERO)])
    core, pure = stores
    assert list(core.nodes()) == list(pure.nodes())
    assert len(core) == len(pure)
    assert list(core.copy().nodes()) == list(pure.nodes())
    assert core.children(levels[0][0]) == pure.children(levels[0][0]) == ZERO + ZERO


def test_a_large_store_finds_all_its_nodes(make_store: MakeStore) -> None:
    words = [Word((n, n * n, 0, 0)).to_bytes() for n in range(1, 5000)]
    store = make_store((word, word, ZERO) for word in words)
    assert len(store) == len(words)
    assert all(store.children(word) == word + ZERO for word in words)
    assert store.children(Word((0, 1, 0, 0)).to_bytes()) is None
