"""`MastForest`: views of immutable columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from miden.errors import NotFoundError
from miden.field import Word
from miden.isa import OP, NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.debug_info import DebugInfo
from miden.mast.decorators import AsmOp, TraceOp
from miden.mast.forest import MastForest
from tests.strategies.mast import mast_forests

ADD, MUL, PUSH, ASSERT = (bytes([OP[name]]) for name in ("ADD", "MUL", "PUSH", "ASSERT"))


@pytest.fixture
def forest() -> MastForest:
    """A join of two blocks, a root twice by digest, an external root."""
    builder = ForestBuilder()
    first = builder.add_block(PUSH + ADD + ASSERT, [7, 5])
    second = builder.add_block(MUL)
    builder.add_root(builder.add_join(first, second))
    builder.add_root(second)
    builder.add_root(builder.add_block(MUL))
    builder.add_root(builder.add_external((1, 2, 3, 4)))
    return builder.build()


def test_nodes_know_their_kind_children_and_code(forest: MastForest) -> None:
    assert (forest.kind(2), forest.children(2), forest.children(0)) == (NodeKind.JOIN, (0, 1), ())
    assert forest.block_code(0) == (PUSH + ADD + ASSERT, (7, 5))
    assert forest.block_operations(0) == [(OP["PUSH"], 7), (OP["ADD"], None), (OP["ASSERT"], 5)]
    assert forest.block_operations(2) == []


def test_a_node_view_shows_what_the_node_is(forest: MastForest) -> None:
    node = forest.node(2)
    assert (node.kind, node.digest, [child.id for child in node.children]) == (NodeKind.JOIN, forest.digests[2], [0, 1])
    assert repr(forest.node(0)).endswith("push(7) add assert(5)>")
    assert node == forest.node(2)
    assert node != forest.node(1)
    assert len({node, forest.node(2)}) == 1


def test_a_long_block_is_shortened_in_its_repr() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD * 20)
    assert repr(builder.build().node(0)).endswith("add ...>")


@pytest.mark.parametrize("node_id", [-1, 5, 2**32])
def test_a_node_that_is_not_there_is_not_found(forest: MastForest, node_id: int) -> None:
    for ask in (forest.kind, forest.children, forest.digest_bytes, forest.block_code, forest.node):
        with pytest.raises(NotFoundError):
            ask(node_id)


def test_digests_are_a_sequence_of_words(forest: MastForest) -> None:
    digests = forest.digests
    words = list(digests)
    assert len(digests) == len(words) == 5
    assert (digests[-1], digests[1:3], digests[4]) == (words[4], words[1:3], Word((1, 2, 3, 4)))
    assert digests == words
    assert digests != words[:-1]
    assert words[3] in digests
    assert Word() not in digests
    with pytest.raises(IndexError):
        digests[5]


def test_the_first_procedure_with_a_digest_is_found(forest: MastForest) -> None:
    assert forest.find_procedure_root(forest.digests[3]) == 1
    assert forest.find_procedure_root(forest.digest_bytes(2)) == 2
    assert forest.find_procedure_root(forest.digests[0]) is None


def test_procedure_digests_follow_the_roots(forest: MastForest) -> None:
    assert list(forest.procedure_digests) == [forest.digests[root] for root in (2, 1, 3, 4)]
    assert list(forest.local_procedure_digests) == [forest.digests[root] for root in (2, 1, 3)]


def test_numpy_sees_the_same_memory(forest: MastForest) -> None:
    nodes = forest.nodes
    assert nodes["kind"].tolist() == [3, 3, 0, 3, 8]
    assert (nodes["op_start"].tolist(), nodes["op_count"].tolist()) == ([0, 3, 0, 4, 0], [3, 1, 0, 1, 0])
    assert nodes["digest"][4].tolist() == [1, 2, 3, 4]
    assert forest.operations.tobytes() == forest.operation_bytes
    assert forest.immediates.tolist() == [7, 5]
    assert not nodes.flags.writeable
    assert np.shares_memory(nodes, np.frombuffer(forest.node_bytes, dtype=np.uint8))


@given(mast_forests())
def test_a_forest_comes_back_from_its_arrays(forest: MastForest) -> None:
    roots = np.array(forest.roots, dtype="<u4")
    again = MastForest.from_arrays(forest.nodes, forest.operations, forest.immediates, roots, forest.advice_map, forest.debug_info)
    assert again == forest


def test_stripping_leaves_the_code() -> None:
    builder = ForestBuilder()
    builder.add_block(ADD, before_enter=[builder.add_decorator(TraceOp(1))])
    builder.add_root(0)
    builder.register_error("oops")
    forest = builder.build()
    stripped = forest.strip_debug_info()
    assert stripped.debug_info.is_empty
    assert not forest.debug_info.is_empty
    assert (stripped.node_bytes, stripped.roots) == (forest.node_bytes, forest.roots)
    assert stripped != forest
    assert stripped == stripped.strip_debug_info()
    assert hash(stripped) == hash(forest)


def test_a_forest_equals_only_forests(forest: MastForest) -> None:
    assert forest != 5
    assert forest == forest  # identity is a shortcut of its own


def test_representations_name_the_size(forest: MastForest) -> None:
    assert repr(forest) == "<MastForest 5 nodes, 4 roots, 5 operations>"
    assert dict(forest.__rich_repr__())["roots"] == (2, 1, 3, 4)
    assert forest.summary() == {"join": 1, "block": 3, "external": 1}
    assert repr(forest.digests) == "<Digests of 5 nodes>"


def test_the_instruction_of_an_operation_is_the_first_whose_operations_include_it() -> None:
    builder = ForestBuilder()
    ops = [AsmOp(None, "p", name, cycles) for name, cycles in (("push.1.2", 2), ("add", 1), ("swap", 1), ("exec", 9))]
    ids = [builder.add_decorator(op) for op in (TraceOp(1), *ops)]
    # Padded: push push noop | noop add? No: push push add swap, one NOOP at the end to round up the groups.
    links = [(0, ids[0]), (0, ids[1]), (2, ids[2]), (3, ids[3])]
    block = builder.add_block(PUSH + PUSH + ADD + bytes([OP["SWAP"]]), [1, 2], op_decorators=links)
    call = builder.add_node(NodeKind.CALL, (block,), before_enter=[ids[4]])
    forest = builder.build()
    assert [forest.asm_op_for(block, index) for index in range(5)] == [ops[0], ops[0], ops[1], ops[2], None]
    assert forest.asm_op_for(block) == ops[0]
    assert forest.asm_op_for(call) == forest.asm_op_for(call, 0) == ops[3]
    assert forest.debug_info.asm_op_of_node(call) == ops[3]
    assert forest.debug_info.asm_op_of_node(block) is None


def test_an_instruction_behind_padding_is_found_by_its_padded_index() -> None:
    builder = ForestBuilder()
    first, last = AsmOp(None, "p", "push", 9), AsmOp(None, "p", "add", 1)
    builder.add_decorator(first)
    builder.add_decorator(last)
    # Eight operations, then a PUSH that does not fit the group: it moves on, with padding after it.
    block = builder.add_block(ADD * 8 + PUSH + ADD, [11], op_decorators=[(8, 0), (9, 1)])
    forest = builder.build()
    assert forest.asm_op_for(block, 9) == first
    push_only = builder.add_block(ADD * 8 + PUSH, [11], after_exit=[1])
    assert builder.build().asm_op_for(push_only, 10) is None


def test_without_debug_information_there_is_no_instruction(forest: MastForest) -> None:
    assert forest.asm_op_for(0, 0) is None
    assert forest.error_message(5) is None


def test_replacing_keeps_the_rest(forest: MastForest) -> None:
    info = DebugInfo([TraceOp(3)])
    assert forest.replace(debug_info=info).debug_info is info
    assert forest.replace(debug_info=info).advice_map is forest.advice_map
