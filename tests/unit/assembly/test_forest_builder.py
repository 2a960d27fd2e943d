"""Sharing, merging, joining and removal of nodes. (mast.md section 6.5, assembly.md sections 6.2 to 6.6.)"""

from __future__ import annotations

import random
from array import array
from typing import TYPE_CHECKING

import pytest

from miden.assembly.forest_builder import Block, MastForestBuilder
from miden.assembly.lowering.output import finish_forest
from miden.assembly.lowering.sequences import sequence
from miden.errors import LoweringError
from miden.isa import OP, OPERATIONS, NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.batches import pair_operations
from miden.mast.decorators import TraceOp
from miden.mast.fingerprint import Fingerprints

if TYPE_CHECKING:
    from miden.mast.forest import MastForest


def block(text: str, *decorators: tuple[int, int]) -> Block:
    opcodes, values = sequence(text)
    indices, ids = array("I", [index for index, _ in decorators]), array("I", [decorator for _, decorator in decorators])
    return Block(opcodes, array("Q", values), indices, ids)


def operations(builder: MastForestBuilder, node: int) -> str:
    code = builder.blocks[node]
    pairs = pair_operations(code.opcodes, code.immediates)
    return " ".join(OPERATIONS[opcode].name + ("" if value is None else f"({value})") for opcode, value in pairs)


def shape(builder: MastForestBuilder, node: int) -> object:
    """Return nested pairs for joins, operations for blocks, the kind for the rest."""
    if builder.kinds[node] == NodeKind.JOIN:
        return tuple(shape(builder, child) for child in builder.children(node))
    return operations(builder, node) if node in builder.blocks else NodeKind(builder.kinds[node]).name


def traces(builder: MastForestBuilder, count: int) -> None:
    for number in range(count):
        builder.ensure_decorator(number, TraceOp(number))


def finish(builder: MastForestBuilder) -> MastForest:
    return finish_forest(builder, AdviceMap())[0]


def test_equal_blocks_are_one_node() -> None:
    builder = MastForestBuilder()
    assert builder.ensure_block(block("ADD MUL")) == builder.ensure_block(block("ADD MUL")) != builder.ensure_block(block("MUL ADD"))


def test_decorators_tell_blocks_apart() -> None:
    builder = MastForestBuilder()
    traces(builder, 2)
    nodes = {builder.ensure_block(block("ADD MUL", *links)) for links in ((), ((0, 0),), ((0, 1),), ((1, 0),), ((0, 0), (0, 1)))}
    assert len(nodes) == 5


def test_error_codes_tell_blocks_apart_although_digests_agree() -> None:
    builder = MastForestBuilder()
    one, two = builder.ensure_block(block("ASSERT(1)")), builder.ensure_block(block("ASSERT(2)"))
    assert one != two
    assert builder.digests[one] == builder.digests[two]


def test_trailing_noops_collapse_into_the_block_that_was_first() -> None:
    builder = MastForestBuilder()
    first = builder.ensure_block(block("CLK"))
    assert builder.ensure_block(block("CLK NOOP NOOP")) == first
    assert operations(builder, first) == "CLK"


def test_an_external_node_stands_for_an_undecorated_block_of_its_digest() -> None:
    builder = MastForestBuilder()
    digest = builder.digests[builder.ensure_block(block("CLK"))]
    other = MastForestBuilder()
    external = other.ensure_external(digest)
    assert other.ensure_block(block("CLK")) == external
    assert other.blocks == {}


def test_decorators_before_and_after_are_joined_without_a_mark() -> None:
    builder = MastForestBuilder()
    traces(builder, 1)
    body = builder.ensure_block(block("CLK"))
    before = builder.ensure_control(NodeKind.LOOP, (body,), before=(0,))
    assert builder.ensure_control(NodeKind.LOOP, (body,), after=(0,)) == before


def test_padding_hides_the_place_of_a_decorator_as_in_the_reference() -> None:
    builder = MastForestBuilder()
    traces(builder, 1)
    text = "PUSH(1) DROP*6 PUSH(2) PUSH(3) ASSERT(0)"
    assert builder.ensure_block(block(text, (8, 0))) == builder.ensure_block(block(text, (9, 0)))


def test_fingerprints_agree_with_the_readable_ones() -> None:
    rng = random.Random(3)
    builder = MastForestBuilder()
    traces(builder, 3)
    readable = Fingerprints([TraceOp(number) for number in range(3)])
    known: dict[object, int] = {}
    for _ in range(2000):
        tokens = [rng.choice(("PUSH(1)", "DROP", "NOOP", "ASSERT(0)", "ASSERT(5)", "CLK")) for _ in range(rng.choice((1, 2, 9, 12)))]
        links = sorted((rng.randint(0, len(tokens)), rng.randrange(3)) for _ in range(rng.choice((0, 0, 1, 2))))
        before, after = [tuple(rng.randrange(3) for _ in range(rng.choice((0, 0, 1)))) for _ in range(2)]
        code = block(" ".join(tokens), *links)
        mark = readable.of_block(code.opcodes, list(code.immediates), links, before, after)
        node = builder.ensure_block(code, before, after)
        assert known.setdefault(mark, node) == node
    assert len(known) == len(builder)


def test_neighbouring_blocks_are_merged() -> None:
    builder = MastForestBuilder()
    first, second = builder.ensure_block(block("PUSH(1) ADD")), builder.ensure_block(block("PUSH(2) MUL"))
    node = builder.join_nodes([(first, 1), (second, 2)])
    assert operations(builder, node) == "PUSH(1) ADD PUSH(2) MUL PUSH(2) MUL"


def test_merged_decorators_move_with_their_operations() -> None:
    builder = MastForestBuilder()
    traces(builder, 4)
    first = builder.ensure_block(block("ADD MUL", (1, 0)))
    second = builder.ensure_block(block("CLK", (0, 1), (1, 2)), before=(3,), after=(0,))
    merged = builder.blocks[builder.join_nodes([(first, 1), (second, 2)])]
    links = list(zip(merged.decorator_indices, merged.decorator_ids, strict=True))
    assert links == [(1, 0), (2, 3), (2, 1), (3, 2), (3, 0), (3, 3), (3, 1), (4, 2), (4, 0)]


def test_a_single_block_stays_itself() -> None:
    builder = MastForestBuilder()
    node = builder.ensure_block(block("ADD"))
    assert builder.join_nodes([(node, 1)]) == node
    assert builder.removable() == set()


@pytest.mark.parametrize(("count", "merged"), [(2232, True), (2233, False)])
def test_a_root_of_32_batches_is_not_merged(count: int, merged: bool) -> None:
    builder = MastForestBuilder()
    root = builder.ensure_block(block(f"CLK*{count}"))
    builder.make_root(root)
    tail = builder.ensure_block(block("ADD"))
    node = builder.join_nodes([(root, 1), (tail, 1)])
    assert (node in builder.blocks) is merged


def test_a_large_block_that_is_no_root_is_merged() -> None:
    builder = MastForestBuilder()
    large, tail = builder.ensure_block(block("CLK*5000")), builder.ensure_block(block("ADD"))
    assert builder.join_nodes([(large, 1), (tail, 1)]) in builder.blocks


SHAPES = {
    1: "a",
    2: ("a", "b"),
    3: (("a", "b"), "c"),
    4: (("a", "b"), ("c", "d")),
    5: ((("a", "b"), ("c", "d")), "e"),
    6: ((("a", "b"), ("c", "d")), ("e", "f")),
    7: ((("a", "b"), ("c", "d")), (("e", "f"), "g")),
}


@pytest.mark.parametrize("count", SHAPES)
def test_nodes_are_joined_pairwise(count: int) -> None:
    builder = MastForestBuilder()
    leaves = {builder.ensure_external(bytes([number]) * 32): "abcdefg"[number] for number in range(count)}

    def named(node: int) -> object:
        return leaves[node] if node in leaves else tuple(named(child) for child in builder.children(node))

    assert named(builder.join_nodes([(leaf, 1) for leaf in leaves])) == SHAPES[count]


def joined_one_by_one(builder: MastForestBuilder, nodes: list[int]) -> int:
    """Pair without run lengths: the definition."""
    while len(nodes) > 1:
        last = [nodes.pop()] if len(nodes) % 2 else []
        nodes = [builder.ensure_join(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)] + last
    return nodes[0]


def test_runs_are_joined_like_the_nodes_they_stand_for() -> None:
    rng = random.Random(11)
    for _ in range(300):
        runs = [(rng.randrange(3), rng.randint(1, 9)) for _ in range(rng.randint(1, 5))]
        by_runs, one_by_one = MastForestBuilder(), MastForestBuilder()
        for builder in (by_runs, one_by_one):
            for number in range(3):
                builder.ensure_external(bytes([number]) * 32)
        node = by_runs.join_nodes(list(runs))
        assert joined_one_by_one(one_by_one, [leaf for leaf, count in runs for _ in range(count)]) == node
        assert (by_runs.digests, by_runs.first, by_runs.second) == (one_by_one.digests, one_by_one.first, one_by_one.second)


def test_billions_of_one_node_are_a_few_joins() -> None:
    builder = MastForestBuilder()
    builder.join_nodes([(builder.ensure_external(bytes(32)), 2**32 - 1)])
    assert len(builder) < 70


def test_unrolling_stops_at_the_limit_before_it_takes_memory() -> None:
    builder = MastForestBuilder(max_operations=1000)
    node = builder.ensure_block(block("CLK*10"))
    builder.join_nodes([(node, 99)])
    with pytest.raises(LoweringError) as caught:
        builder.join_nodes([(node, 2**32 - 1)])
    assert caught.value.kind == "ProgramTooLarge"


def test_merged_blocks_that_nothing_uses_are_removed_and_ids_close_up() -> None:
    builder = MastForestBuilder()
    first, second = builder.ensure_block(block("ADD")), builder.ensure_block(block("MUL"))
    loop = builder.ensure_control(NodeKind.LOOP, (second,))
    merged = builder.join_nodes([(first, 1), (second, 1)])
    root = builder.ensure_join(loop, merged)
    builder.make_root(root)
    forest, new_ids = finish_forest(builder, AdviceMap())
    assert new_ids == {second: 0, loop: 1, merged: 2, root: 3}
    assert forest.roots == (3,)
    assert forest.children(3) == (1, 2)


def test_decorators_of_a_removed_block_keep_their_places_in_the_table() -> None:
    builder = MastForestBuilder()
    traces(builder, 2)
    first, second = builder.ensure_block(block("ADD", (0, 0))), builder.ensure_block(block("MUL", (0, 1)))
    builder.make_root(builder.join_nodes([(first, 1), (second, 1)]))
    info = finish(builder).debug_info
    assert info.decorators == (TraceOp(0), TraceOp(1))
    assert info.op_decorators == {0: ((0, 0), (1, 1))}


def test_decorators_added_to_a_node_are_forgotten_if_no_node_is_removed() -> None:
    builder = MastForestBuilder()
    traces(builder, 1)
    node = builder.ensure_block(block("ADD"))
    builder.make_root(node)
    builder.decorate(node, after=(0,))
    assert finish(builder).debug_info.after_exit == {}


def test_decorators_added_to_a_node_stay_if_some_node_is_removed() -> None:
    builder = MastForestBuilder()
    traces(builder, 1)
    node = builder.join_nodes([(builder.ensure_block(block("ADD")), 2)])
    builder.make_root(node)
    builder.decorate(node, after=(0,))
    assert finish(builder).debug_info.after_exit == {0: (0,)}


def test_joins_are_made_anew_after_a_node_was_decorated() -> None:
    builder = MastForestBuilder()
    traces(builder, 1)
    node = builder.ensure_external(bytes(32))
    plain = builder.ensure_join(node, node)
    builder.decorate(node, before=(0,))
    assert builder.ensure_join(node, node) != plain


def test_a_clone_gets_other_decorators_in_front() -> None:
    builder = MastForestBuilder()
    traces(builder, 2)
    node = builder.ensure_block(block("ADD", (0, 0)))
    clone = builder.with_before(node, (1,))
    assert clone != node
    assert builder.before == {clone: (1,)}


def test_immediates_of_blocks_follow_each_other() -> None:
    builder = MastForestBuilder()
    for text in ("PUSH(5) ADD", "PUSH(6) ASSERT(7)"):
        builder.make_root(builder.ensure_block(block(text)))
    forest = finish(builder)
    assert forest.block_operations(1) == [(OP["PUSH"], 6), (OP["ASSERT"], 7)]
    assert len(forest) == 2
