"""Building forests node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from miden.errors import InputError
from miden.field import Word
from miden.hashing import error_code
from miden.isa import OP, NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.decorators import TraceOp
from tests.support.mast_vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

ADD, MUL, PUSH = bytes([OP["ADD"]]), bytes([OP["MUL"]]), bytes([OP["PUSH"]])


def forest1() -> ForestBuilder:
    """Return the forest of mast.md section 7.8, which has a node of every kind."""
    builder = ForestBuilder()
    first = builder.add_block(ADD)
    second = builder.add_block(MUL + PUSH, [7])
    builder.add_root(builder.add_join(first, second))
    builder.add_split(first, second)
    builder.add_loop(first)
    builder.add_call(second)
    builder.add_syscall(second)
    builder.add_dyn()
    builder.add_dyncall()
    builder.add_root(builder.add_external(Word((1, 2, 3, 4))))
    builder.advice_map = AdviceMap({(2, 0, 0, 0): [3, 4], (1, 0, 0, 0): [9], (2**32 + 1, 0, 0, 0): []})
    builder.register_error("oops")
    return builder


def test_a_forest_with_all_kinds_of_nodes_has_the_bytes_and_digests_of_the_reference() -> None:
    forest = forest1().build()
    assert forest.to_bytes().hex() == VECTORS["forest1_hex"]
    assert [word.to_hex() for word in forest.digests] == list(VECTORS["nodes_forest1"].values())


def test_the_builder_tells_what_was_added() -> None:
    builder = forest1()
    assert (builder.kind(2), builder.children(2), builder.children(4), builder.children(7)) == (NodeKind.JOIN, (0, 1), (0,), ())
    assert builder.block_code(1) == (MUL + PUSH, (7,))
    assert builder.roots == (2, 9)
    assert builder.is_root(9)
    assert not builder.is_root(0)


def test_a_root_is_kept_once() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD)
    builder.add_root(0)
    builder.add_root(0)
    assert builder.build().roots == (0,)


def test_an_error_message_is_stored_under_its_code() -> None:
    builder = ForestBuilder()
    code = builder.register_error("no")
    assert builder.build().error_message(code) == "no"
    assert code == error_code("no")


def test_a_builder_goes_on_after_build() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD)
    first = builder.build()
    builder.add_block(MUL)
    assert (len(first), len(builder.build())) == (1, 2)


def test_decorators_can_be_appended_and_replaced() -> None:
    builder = ForestBuilder()
    ids = [builder.add_decorator(TraceOp(number)) for number in range(4)]
    block = builder.add_block(ADD, op_decorators=[(0, ids[0]), (1, ids[1])], before_enter=[ids[2]])
    builder.append_before_enter(block, [ids[3]])
    builder.append_after_exit(block, [ids[0], ids[1]])
    builder.append_after_exit(block, [])
    builder.decorators[ids[0]] = TraceOp(99)
    info = builder.build().debug_info
    assert builder.op_decorators(block) == ((0, 0), (1, 1))
    assert (builder.before_enter(block), builder.after_exit(block)) == ((2, 3), (0, 1))
    assert (info.before_enter[block], info.after_exit[block], info.decorators[0]) == ((2, 3), (0, 1), TraceOp(99))


@pytest.mark.parametrize(
    ("add", "kind"),
    [
        (lambda b: b.add_join(0, 1), "NodeIdOverflow"),
        (lambda b: b.add_loop(-1), "NodeIdOverflow"),
        (lambda b: b.add_call(True), "NodeIdOverflow"),
        (lambda b: b.add_root(5), "NodeIdOverflow"),
        (lambda b: b.add_block(b""), "EmptyBasicBlock"),
        (lambda b: b.add_node(NodeKind.JOIN, (0,)), "InvalidNode"),
        (lambda b: b.add_node(NodeKind.BLOCK), "InvalidNode"),
        (lambda b: b.add_node(NodeKind.EXTERNAL), "InvalidNode"),
        (lambda b: b.add_external((1, 2, 3)), "InvalidWord"),
        (lambda b: b.add_block(ADD, before_enter=[0]), "DecoratorIdOverflow"),
        (lambda b: b.add_node(NodeKind.DYN, after_exit=[0]), "DecoratorIdOverflow"),
        (lambda b: b.append_before_enter(0, [3]), "DecoratorIdOverflow"),
        (lambda b: b.add_block(ADD, op_decorators=[(b.add_decorator(TraceOp(0)), 0), (2, 0)]), "InvalidDecorator"),
        (lambda b: b.add_block(ADD, op_decorators=[(1, b.add_decorator(TraceOp(0))), (0, 0)]), "InvalidDecorator"),
    ],
)
def test_what_no_forest_may_hold_is_refused(add: Callable[[ForestBuilder], Any], kind: str) -> None:
    builder = ForestBuilder()
    builder.add_block(ADD)
    with pytest.raises(InputError) as caught:
        add(builder)
    assert caught.value.kind == kind


def test_a_failed_addition_leaves_the_builder_as_it_was() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD)
    before = builder.build()
    with pytest.raises(InputError):
        builder.add_block(MUL, before_enter=[7])
    assert builder.build() == before


def test_removing_nodes_renumbers_the_rest() -> None:
    builder = ForestBuilder()
    trace = builder.add_decorator(TraceOp(1))
    unused = builder.add_block(MUL)
    add = builder.add_block(ADD, op_decorators=[(0, trace)], before_enter=[trace])
    loop = builder.add_node(NodeKind.LOOP, (add,), after_exit=[trace])
    builder.add_root(loop)
    assert builder.remove_nodes({unused}) == {add: 0, loop: 1}
    forest = builder.build()
    assert (forest.children(1), forest.roots, forest.block_code(0)) == ((0,), (1,), (ADD, ()))
    assert (dict(forest.debug_info.op_decorators), dict(forest.debug_info.before_enter)) == ({0: ((0, 0),)}, {0: (0,)})
    assert dict(forest.debug_info.after_exit) == {1: (0,)}


def test_removing_nothing_changes_nothing() -> None:
    builder = forest1()
    before = builder.build()
    assert builder.remove_nodes(set()) == {}
    assert builder.build() == before


@pytest.mark.parametrize("node", [0, 2])
def test_a_child_or_a_root_cannot_be_removed(node: int) -> None:
    with pytest.raises(InputError):
        forest1().remove_nodes({node})


def test_five_thousand_nested_nodes_are_added_without_recursion() -> None:
    builder = ForestBuilder()
    node = builder.add_block(ADD)
    for _ in range(5_000):
        node = builder.add_loop(node)
    builder.add_root(node)
    assert len(builder.build()) == 5_001
