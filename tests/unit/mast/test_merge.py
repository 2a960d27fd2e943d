"""Merging forests: the reference's order, its habits, and where we part from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from miden.errors import FormatError, InputError
from miden.field import Word
from miden.isa import OP, NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.checks import check_forest, verify_digests
from miden.mast.decorators import TraceOp
from miden.mast.merge import compact_forest, merge_forests, rebuilt_block
from tests.strategies.mast import mast_forests

if TYPE_CHECKING:
    from miden.mast.forest import MastForest

ADD, MUL, PUSH = bytes([OP["ADD"]]), bytes([OP["MUL"]]), bytes([OP["PUSH"]])


def digest_of_call_of_mul() -> Word:
    builder = ForestBuilder()
    builder.add_call(builder.add_block(MUL))
    return builder.build().digests[1]


def forest_a() -> MastForest:
    """Return a join of a block and a call that is elsewhere; both are procedures."""
    builder = ForestBuilder()
    foo = builder.add_block(ADD)
    external = builder.add_external(digest_of_call_of_mul())
    builder.add_root(builder.add_join(foo, external))
    builder.add_root(external)
    return builder.build()


def forest_with_call(trace: int, *, call_is_root: bool) -> MastForest:
    builder = ForestBuilder()
    bar = builder.add_block(MUL)
    call = builder.add_node(NodeKind.CALL, (bar,), before_enter=[builder.add_decorator(TraceOp(trace))])
    builder.add_root(call if call_is_root else bar)
    return builder.build()


def names(forest: MastForest) -> list[str]:
    """Return nodes as ``kind children trace``."""
    info = forest.debug_info
    return [
        " ".join(
            [
                forest.kind(node).name.lower(),
                *map(str, forest.children(node)),
                *(f"trace{info.decorators[trace].id}" for trace in info.before_enter.get(node, ())),  # type: ignore[union-attr]
            ]
        )
        for node in range(len(forest))
    ]


def test_an_external_node_is_replaced_by_the_last_node_with_its_digest() -> None:
    b, c = forest_with_call(1, call_is_root=False), forest_with_call(2, call_is_root=True)
    merged, _ = merge_forests([forest_a(), b, c])
    assert names(merged) == ["block", "block", "call 1 trace2", "join 0 2"]
    assert merged.roots == (3, 2, 1)


def test_the_replacement_need_not_be_a_procedure() -> None:
    b, c = forest_with_call(1, call_is_root=False), forest_with_call(2, call_is_root=True)
    merged, maps = merge_forests([forest_a(), c, b])
    assert names(merged) == ["block", "block", "call 1 trace1", "join 0 2", "call 1 trace2"]
    assert merged.roots == (3, 2, 4, 1)
    assert maps == [{2: 3, 1: 2}, {1: 4}, {0: 1}]


def test_an_external_node_without_a_replacement_stays() -> None:
    merged, _ = merge_forests([forest_a()])
    assert names(merged) == ["block", "external", "join 0 1"]


def test_equal_nodes_become_one_and_unreachable_ones_go() -> None:
    builder = ForestBuilder()
    builder.add_block(MUL)
    builder.add_root(builder.add_block(ADD))
    builder.add_root(builder.add_block(ADD))
    merged, maps = merge_forests([builder.build()])
    assert (len(merged), merged.roots, maps) == (1, (0,), [{1: 0, 2: 0}])


def test_decorators_are_united_by_fingerprint() -> None:
    merged, _ = merge_forests([forest_with_call(trace, call_is_root=True) for trace in (1, 1, 2)])
    assert merged.debug_info.decorators == (TraceOp(1), TraceOp(2))
    assert names(merged) == ["block", "call 0 trace1", "call 0 trace2"]


def test_error_codes_and_advice_maps_are_united() -> None:
    def forest(message: str, key: int) -> MastForest:
        builder = ForestBuilder()
        builder.add_root(builder.add_block(ADD))
        builder.register_error(message)
        builder.advice_map = AdviceMap({(key, 0, 0, 0): [key]})
        return builder.build()

    merged, _ = merge_forests([forest("a", 1), forest("b", 2), forest("a", 1)])
    assert sorted(merged.debug_info.error_codes.values()) == ["a", "b"]
    assert len(merged.advice_map) == 2


def test_advice_maps_that_disagree_are_refused() -> None:
    builder = ForestBuilder()
    builder.advice_map = AdviceMap({(1, 0, 0, 0): [1]})
    other = ForestBuilder()
    other.advice_map = AdviceMap({(1, 0, 0, 0): [2]})
    with pytest.raises(InputError) as caught:
        merge_forests([builder.build(), other.build()])
    assert caught.value.kind == "AdviceMapKeyCollisionOnMerge"


def test_each_merge_turns_padding_into_operations() -> None:
    builder = ForestBuilder()
    builder.add_root(builder.add_block(ADD + PUSH + PUSH, [1, 2]))
    forest = builder.build()
    lengths = []
    for _ in range(3):
        lengths.append(len(rebuilt_block(forest, 0)[0]))
        forest, _ = compact_forest(forest)
        verify_digests(forest)
    assert lengths == [5, 6, 7]


def test_a_rebuilt_block_has_its_decorators_at_padded_places() -> None:
    builder = ForestBuilder()
    trace = builder.add_decorator(TraceOp(1))
    builder.add_block(PUSH + PUSH + ADD + PUSH, [1, 2, 3], op_decorators=[(0, trace), (0, trace), (2, trace), (4, trace)])
    opcodes, immediates, links = rebuilt_block(builder.build(), 0)
    assert (len(opcodes), immediates, [index for index, _ in links]) == (5, (1, 2, 3), [0, 0, 2, 5])


def dyncall_forest() -> MastForest:
    builder = ForestBuilder()
    builder.add_root(builder.add_loop(builder.add_dyncall()))
    return builder.build()


def test_a_dyncall_stays_a_dyncall() -> None:
    forest = dyncall_forest()
    merged, _ = merge_forests([forest])
    assert merged == forest


def test_a_dyncall_becomes_a_dyn_as_in_the_reference_if_asked() -> None:
    merged, _ = merge_forests([dyncall_forest()], compat="0.20.6")
    assert names(merged) == ["dyn", "loop 0"]
    assert merged.digests[1] != dyncall_forest().digests[1]
    verify_digests(merged)


def test_an_unknown_version_to_be_compatible_with_is_refused() -> None:
    with pytest.raises(InputError, match=r"0\.20\.6"):
        merge_forests([], compat="1.0")


def test_merging_nothing_gives_an_empty_forest() -> None:
    merged, maps = merge_forests([])
    assert (len(merged), maps) == (0, [])


def test_externals_that_stand_for_each_other_are_refused() -> None:
    # No real digests do this: a forest that was read without verification may.
    def liar(claimed: int, needed: int) -> MastForest:
        builder = ForestBuilder()
        external = builder.add_external((needed, 0, 0, 0))
        builder.add_root(builder.add_node(NodeKind.LOOP, (external,), digest=Word((claimed, 0, 0, 0)).to_bytes()))
        return builder.build()

    with pytest.raises(FormatError, match="descendant"):
        merge_forests([liar(1, 2), liar(2, 1)])


def test_five_thousand_nested_nodes_merge_without_recursion() -> None:
    builder = ForestBuilder()
    node = builder.add_block(ADD)
    for _ in range(5_000):
        node = builder.add_loop(node)
    builder.add_root(node)
    forest = builder.build()
    merged, [roots] = merge_forests([forest])
    assert (merged, roots) == (forest, {node: node})


@given(mast_forests())
def test_a_merged_forest_is_a_forest_with_the_same_procedures(forest: MastForest) -> None:
    merged, [roots] = merge_forests([forest])
    check_forest(merged)
    verify_digests(merged)
    for old, new in roots.items():
        if forest.kind(old) != NodeKind.EXTERNAL:
            assert merged.digest_bytes(new) == forest.digest_bytes(old)
    assert set(merged.roots) == set(roots.values())


@given(mast_forests())
def test_merging_a_forest_with_itself_adds_nothing(forest: MastForest) -> None:
    assert merge_forests([forest, forest])[0] == merge_forests([forest])[0]
