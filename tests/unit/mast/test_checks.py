"""Columns from outside: each rule of a forest, broken once."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from miden.errors import FormatError, IntegrityError, MidenError
from miden.field import P
from miden.isa import OP, NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.checks import topological_order
from miden.mast.forest import MastForest
from miden.mast.nodes import NODE_FIELDS, NODE_FORMAT, NODE_SIZE, node_dtype

if TYPE_CHECKING:
    from collections.abc import Callable

FIELD = {name: 4 * index for index, name in enumerate(NODE_FIELDS)}


def example() -> MastForest:
    """Nodes 0, 1 blocks, 2 join, 3 dyn, 4 external; roots 2, 4."""
    builder = ForestBuilder()
    builder.add_block(bytes([OP["PUSH"], OP["ADD"]]), [7])
    builder.add_block(bytes([OP["MUL"]]))
    builder.add_root(builder.add_join(0, 1))
    builder.add_dyn()
    builder.add_root(builder.add_external((1, 2, 3, 4)))
    return builder.build()


def load(nodes: bytes, operations: bytes, immediates: bytes, roots: bytes, *, verify: bool = True) -> MastForest:
    return MastForest.from_arrays(nodes, operations, immediates, roots, verify=verify)


def with_field(node: int, field: str, value: int) -> Callable[[MastForest], MastForest]:
    def change(forest: MastForest) -> MastForest:
        nodes = bytearray(forest.node_bytes)
        struct.pack_into("<I", nodes, node * NODE_SIZE + FIELD[field], value)
        return load(bytes(nodes), forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)

    return change


def with_columns(**columns: bytes) -> Callable[[MastForest], MastForest]:
    def change(forest: MastForest) -> MastForest:
        given = {
            "nodes": forest.node_bytes,
            "operations": forest.operation_bytes,
            "immediates": forest.immediate_bytes,
            "roots": forest.root_bytes,
        }
        return load(**(given | columns))

    return change


def test_the_dtype_has_the_layout_of_the_record() -> None:
    dtype = node_dtype()
    assert dtype.itemsize == struct.calcsize(NODE_FORMAT) == NODE_SIZE
    assert {name: dtype.fields[name][1] for name in NODE_FIELDS} == FIELD


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (with_field(0, "kind", 9), "InvalidNode"),
        (with_field(2, "a", 5), "InvalidNodeId"),
        (with_field(2, "b", 2**32 - 1), "InvalidNodeId"),
        (with_field(2, "a", 2), "CyclicForest"),
        (with_field(3, "a", 1), "InvalidNode"),
        (with_field(4, "b", 1), "InvalidNode"),
        (with_field(1, "reserved", 1), "InvalidNode"),
        (with_field(2, "op_count", 1), "InvalidNode"),
        (with_field(0, "op_start", 1), "InvalidSpan"),
        (with_field(0, "op_count", 0), "InvalidSpan"),
        (with_field(1, "op_count", 2), "InvalidSpan"),
        (with_field(1, "op_start", 0), "InvalidSpan"),
        (with_field(0, "imm_count", 0), "InvalidSpan"),
        (with_field(0, "op_count", 2**32 - 1), "InvalidSpan"),
        (with_columns(operations=bytes([OP["PUSH"], OP["ADD"], OP["MUL"], OP["MUL"]])), "InvalidSpan"),
        (with_columns(operations=bytes([OP["PUSH"], OP["ADD"], OP["HALT"]])), "InvalidOperation"),
        (with_columns(immediates=b""), "InvalidSpan"),
        (with_columns(immediates=bytes(16)), "InvalidSpan"),
        (with_columns(immediates=P.to_bytes(8, "little")), "InvalidFelt"),
        (with_columns(immediates=bytes(7)), "InvalidColumn"),
        (with_columns(nodes=bytes(63)), "InvalidColumn"),
        (with_columns(roots=bytes(3)), "InvalidColumn"),
        (with_columns(roots=struct.pack("<II", 2, 2)), "DuplicateRoot"),
        (with_columns(roots=struct.pack("<I", 5)), "InvalidNodeId"),
    ],
)
def test_columns_that_are_no_forest_are_refused(change: Callable[[MastForest], MastForest], kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        change(example())
    assert caught.value.kind == kind


def test_a_digest_that_is_no_word_is_refused() -> None:
    forest = example()
    nodes = forest.node_bytes[:-8] + b"\xff" * 8
    with pytest.raises(FormatError, match="not below p"):
        load(nodes, forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)


@pytest.mark.parametrize("node", [0, 1, 2, 3])
def test_a_wrong_digest_is_found(node: int) -> None:
    forest = example()
    nodes = bytearray(forest.node_bytes)
    nodes[node * NODE_SIZE + 32] ^= 1
    with pytest.raises(IntegrityError, match="digest of node") as caught:
        load(bytes(nodes), forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)
    assert caught.value.expected != caught.value.found
    assert load(bytes(nodes), forest.operation_bytes, forest.immediate_bytes, forest.root_bytes, verify=False)


def test_the_digest_of_an_external_node_is_a_claim() -> None:
    forest = example()
    nodes = bytearray(forest.node_bytes)
    nodes[4 * NODE_SIZE + 32] ^= 1
    assert load(bytes(nodes), forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)


def reversed_example() -> MastForest:
    """Return a loop around a loop around a block, parents before children."""
    builder = ForestBuilder()
    builder.add_block(bytes([OP["ADD"]]))
    builder.add_loop(0)
    builder.add_loop(1)
    forest = builder.build()
    digests = [forest.digest_bytes(index) for index in (2, 1, 0)]
    heads = [(NodeKind.LOOP, 1), (NodeKind.LOOP, 2), (NodeKind.BLOCK, 0)]
    nodes = b"".join(
        struct.pack("<8I", kind, a, 0, 0, kind == NodeKind.BLOCK, 0, 0, 0) + digest
        for (kind, a), digest in zip(heads, digests, strict=True)
    )
    return MastForest(nodes, forest.operation_bytes, b"", struct.pack("<I", 0))


def test_parents_may_come_before_their_children() -> None:
    forest = reversed_example()
    assert load(forest.node_bytes, forest.operation_bytes, b"", forest.root_bytes) == forest
    assert list(topological_order(forest)) == [2, 1, 0]


def test_digests_are_verified_in_any_order_of_nodes() -> None:
    forest = reversed_example()
    nodes = bytearray(forest.node_bytes)
    nodes[NODE_SIZE + 40] ^= 1
    with pytest.raises(IntegrityError, match="node 1"):
        load(bytes(nodes), forest.operation_bytes, b"", forest.root_bytes)


def test_a_cycle_is_named() -> None:
    forest = reversed_example()
    nodes = bytearray(forest.node_bytes)
    struct.pack_into("<I", nodes, NODE_SIZE + 4, 0)
    with pytest.raises(FormatError, match="its own descendant"):
        load(bytes(nodes), forest.operation_bytes, b"", forest.root_bytes)


def test_arrays_with_items_of_another_size_are_refused() -> None:
    forest = example()
    with pytest.raises(FormatError, match="items of 1 bytes, found 8"):
        MastForest.from_arrays(forest.nodes, forest.operations.astype(np.int64), forest.immediates, forest.root_bytes)


def test_what_is_no_buffer_is_refused() -> None:
    with pytest.raises((MidenError, TypeError)):
        MastForest.from_arrays([1], b"", b"", b"")


def test_the_forest_does_not_share_memory_with_what_it_was_made_from() -> None:
    forest = example()
    nodes = bytearray(forest.node_bytes)
    loaded = load(nodes, forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)  # type: ignore[arg-type]
    nodes[:] = bytes(len(nodes))
    assert loaded == forest
