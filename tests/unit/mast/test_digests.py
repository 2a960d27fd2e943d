"""Digests of nodes."""

from __future__ import annotations

import pytest

from miden.errors import InputError
from miden.field import P, Word
from miden.hashing import merge_digest
from miden.isa import OP, NodeKind
from miden.mast.digests import DYN_DIGEST, DYNCALL_DIGEST, ZERO_DIGEST, block_digest, find_invalid_operation, node_digest
from tests.support.mast_vectors import VECTORS

ADD = bytes([OP["ADD"]])
NODES: dict[str, str] = VECTORS["nodes_forest1"]
BLOCK_0, BLOCK_1 = Word.from_hex(NODES["0"]), Word.from_hex(NODES["1"])


@pytest.mark.parametrize(
    ("kind", "children", "name"),
    [
        (NodeKind.JOIN, (BLOCK_0, BLOCK_1), "2"),
        (NodeKind.SPLIT, (BLOCK_0, BLOCK_1), "3"),
        (NodeKind.LOOP, (BLOCK_0,), "4"),
        (NodeKind.CALL, (BLOCK_1,), "5"),
        (NodeKind.SYSCALL, (BLOCK_1,), "6"),
        (NodeKind.DYN, (), "7"),
        (NodeKind.DYNCALL, (), "8"),
    ],
)
def test_digests_of_control_flow_nodes_are_those_of_the_reference(kind: NodeKind, children: tuple[Word, ...], name: str) -> None:
    assert node_digest(kind, *children).to_hex() == NODES[name]


def test_the_constants_of_dyn_nodes_are_zero_words_merged_in_their_domains() -> None:
    assert merge_digest(ZERO_DIGEST, ZERO_DIGEST, OP["DYN"]) == DYN_DIGEST
    assert merge_digest(ZERO_DIGEST, ZERO_DIGEST, OP["DYNCALL"]) == DYNCALL_DIGEST


def test_an_error_code_does_not_change_the_digest_of_a_block() -> None:
    assert block_digest(bytes([OP["ASSERT"]]), [0]) == block_digest(bytes([OP["ASSERT"]]), [5])


def test_a_pushed_value_changes_the_digest_of_a_block() -> None:
    assert block_digest(bytes([OP["PUSH"]]), [0]) != block_digest(bytes([OP["PUSH"]]), [5])


@pytest.mark.parametrize(
    ("opcodes", "immediates", "kind"),
    [
        (b"", [], "EmptyBasicBlock"),
        (bytes([6]), [], "InvalidOperation"),
        (bytes([OP["ADD"], OP["END"]]), [], "InvalidOperation"),
        (bytes([200]), [], "InvalidOperation"),
        (bytes([OP["PUSH"]]), [], "InvalidOperation"),
        (ADD, [1], "InvalidOperation"),
        (bytes([OP["PUSH"]]), [P], "InvalidFelt"),
        (bytes([OP["MPVERIFY"]]), [-1], "InvalidFelt"),
    ],
)
def test_operations_that_are_no_block_are_refused(opcodes: bytes, immediates: list[int], kind: str) -> None:
    with pytest.raises(InputError) as caught:
        block_digest(opcodes, immediates)
    assert caught.value.kind == kind


@pytest.mark.parametrize("kind", [NodeKind.BLOCK, NodeKind.EXTERNAL])
def test_nodes_without_a_domain_have_no_digest_of_children(kind: NodeKind) -> None:
    with pytest.raises(InputError):
        node_digest(kind)


def test_the_first_invalid_operation_is_found() -> None:
    assert find_invalid_operation(bytes([34, 35, 6, 34, 255])) == 2
    assert find_invalid_operation(ADD * 100) == -1
