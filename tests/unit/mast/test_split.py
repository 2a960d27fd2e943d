"""Parts of forests, differences between forests, orders of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError
from miden.isa import OP, NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.checks import check_forest, verify_digests
from miden.mast.commitments import content_commitment, nodes_commitment, roots_commitment
from miden.mast.decorators import TraceOp
from miden.mast.forest import MastForest, root_column
from miden.mast.split import diff_forests, split_forest
from miden.mast.traversal import copy_order, postorder, preorder
from tests.strategies.mast import mast_forests

ADD, MUL, ASSERT = bytes([OP["ADD"]]), bytes([OP["MUL"]]), bytes([OP["ASSERT"]])


def example() -> MastForest:
    """Nodes: 0 add, 1 mul, 2 join(0, 1), 3 loop(2), 4 assert, 5 split(3, 4); roots 5, 2."""
    builder = ForestBuilder()
    ids = [builder.add_decorator(TraceOp(number)) for number in range(3)]
    builder.add_block(ADD, op_decorators=[(0, ids[0])])
    builder.add_block(MUL, before_enter=[ids[1]])
    builder.add_join(0, 1)
    builder.add_loop(2)
    code = builder.register_error("used")
    builder.register_error("unused")
    builder.add_block(ASSERT, [code], after_exit=[ids[2]])
    builder.add_root(builder.add_split(3, 4))
    builder.add_root(2)
    return builder.build()


def test_a_part_has_the_closure_of_its_procedures_and_what_it_uses() -> None:
    part, ids = split_forest(example(), [2])
    assert part.summary() == {"join": 1, "block": 2}
    assert (ids, part.roots) == ({0: 0, 1: 1, 2: 2}, (2,))
    assert part.debug_info.decorators == (TraceOp(0), TraceOp(1))
    assert part.debug_info.error_codes == {}


def test_a_part_keeps_the_error_messages_it_uses() -> None:
    part, _ = split_forest(example(), [4])
    assert list(part.debug_info.error_codes.values()) == ["used"]
    assert part.debug_info.decorators == (TraceOp(2),)


def test_nodes_can_be_made_external() -> None:
    forest = example()
    part, ids = split_forest(forest, [5], external=[forest.digests[2]])
    assert part.summary() == {"split": 1, "loop": 1, "block": 1, "external": 1}
    assert part.kind(ids[2]) == NodeKind.EXTERNAL
    assert part.digests[ids[5]] == forest.digests[5]


def test_splitting_by_nothing_is_refused() -> None:
    with pytest.raises(InputError):
        split_forest(example(), [])
    with pytest.raises(InputError):
        split_forest(example(), [6])


@given(mast_forests(), st.data())
def test_procedures_keep_their_digests_in_a_part(forest: MastForest, data: st.DataObject) -> None:
    roots = data.draw(st.lists(st.sampled_from(forest.roots), min_size=1, unique=True))
    cut = data.draw(st.lists(st.sampled_from(list(forest.digests)), max_size=2))
    part, ids = split_forest(forest, roots, external=cut)
    check_forest(part)
    verify_digests(part)
    assert [part.digest_bytes(ids[root]) for root in roots] == [forest.digest_bytes(root) for root in roots]
    assert part.roots == tuple(ids[root] for root in roots)


@given(mast_forests())
def test_a_forest_does_not_differ_from_itself(forest: MastForest) -> None:
    difference = diff_forests(forest, forest)
    assert not difference
    assert difference.same_code


def test_the_difference_names_procedures_and_nodes() -> None:
    forest = example()
    part, _ = split_forest(forest, [2])
    difference = diff_forests(forest, part)
    assert difference.removed_procedures == [forest.digests[5]]
    assert (difference.added_procedures, difference.removed_nodes, difference.added_nodes) == ([], [3, 4, 5], [])
    assert difference.debug_info
    assert not difference.advice_map
    assert repr(difference) == "<ForestDiff procedures +0 -1, nodes +0 -3>"


def test_stripped_code_differs_in_debug_information_only() -> None:
    difference = diff_forests(example(), example().strip_debug_info())
    assert bool(difference)
    assert difference.same_code


def test_orders_visit_each_reachable_node_once() -> None:
    forest = example()
    assert list(preorder(forest, [5])) == [5, 3, 2, 0, 1, 4]
    assert list(postorder(forest, [5])) == [0, 1, 2, 3, 4, 5]
    assert list(preorder(forest)) == [5, 3, 2, 0, 1, 4]


def test_copying_visits_leaves_from_the_right_then_the_others_from_below() -> None:
    assert list(copy_order(example(), 5)) == [4, 1, 0, 2, 3, 5]


def test_a_graph_of_exponentially_many_paths_is_walked_in_linear_time() -> None:
    builder = ForestBuilder()
    node = builder.add_block(ADD)
    for _ in range(200):
        node = builder.add_join(node, node)
    builder.add_root(node)
    forest = builder.build()
    assert len(list(preorder(forest))) == len(list(postorder(forest))) == len(list(copy_order(forest, node))) == 201


def naive_copy_order(forest: MastForest, root: int) -> list[int]:
    """Walk as the reference does, shared nodes again and again; keep the first visit of each."""
    unvisited, discovered, order = [root], [], []
    while unvisited:
        node = unvisited.pop()
        if forest.children(node):
            discovered.append(node)
            unvisited.extend(forest.children(node))
        else:
            order.append(node)
    return list(dict.fromkeys(order + discovered[::-1]))


@given(mast_forests(max_nodes=10))
def test_the_copy_order_is_that_of_the_naive_walk(forest: MastForest) -> None:
    for root in forest.roots:
        assert list(copy_order(forest, root)) == naive_copy_order(forest, root)


def test_a_cycle_is_refused_in_postorder() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD)
    builder.add_loop(0)
    nodes = bytearray(builder.build().node_bytes)
    nodes[64 + 4] = 1
    forest = MastForest(bytes(nodes), ADD, b"", root_column([1]))
    with pytest.raises(FormatError):
        list(postorder(forest))


def test_a_commitment_to_nodes_ignores_their_order_but_not_their_number() -> None:
    forest = example()
    assert nodes_commitment(forest, [5, 2]) == nodes_commitment(forest, [2, 5]) == roots_commitment(forest)
    assert nodes_commitment(forest, [2, 2]) != nodes_commitment(forest, [2])
    assert nodes_commitment(forest, []) == (0, 0, 0, 0)


def test_a_commitment_to_the_content_covers_decorators() -> None:
    forest = example()
    assert roots_commitment(forest) == roots_commitment(forest.strip_debug_info())
    assert content_commitment(forest) != content_commitment(forest.strip_debug_info())
