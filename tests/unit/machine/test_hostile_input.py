"""Columns and inputs that no honest caller would hand in: ValueError with a reason, on both machines."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from miden.isa import OP, OPERATIONS, PUSH, NodeKind
from tests.support.columns import Columns
from tests.support.machines import Backend, P

NODE = "<8I4Q"


def node(
    kind: int = NodeKind.BLOCK,
    a: int = 0,
    b: int = 0,
    op: tuple[int, int] = (0, 1),
    imm: tuple[int, int] = (0, 0),
    digest: tuple[int, ...] = (0, 0, 0, 0),
) -> bytes:
    return struct.pack(NODE, kind, a, b, *op, *imm, 0, *digest)


ADD = bytes([OP["ADD"]])
PUSH_BYTE = bytes([PUSH])
U32 = 2**32 - 1

HOSTILE: dict[str, tuple[bytes, bytes, bytes, bytes]] = {
    "half a node": (node()[:63], ADD, b"", b""),
    "a node and a byte": (node() + b"\0", ADD, b"", b""),
    "half an immediate": (node(), ADD, bytes(7), b""),
    "half a root": (node(), ADD, b"", bytes(3)),
    "a kind that does not exist": (node(9, op=(0, 0)), b"", b"", b""),
    "the largest kind": (node(U32, op=(0, 0)), b"", b"", b""),
    "a first child outside": (node(NodeKind.JOIN, 1, 0, (0, 0)), b"", b"", b""),
    "a second child outside": (node(NodeKind.JOIN, 0, 1, (0, 0)), b"", b"", b""),
    "a branch outside": (node(NodeKind.SPLIT, 0, U32, (0, 0)), b"", b"", b""),
    "a loop body outside": (node(NodeKind.LOOP, 1, 0, (0, 0)), b"", b"", b""),
    "a callee outside": (node(NodeKind.CALL, 1, 0, (0, 0)), b"", b"", b""),
    "a kernel procedure outside": (node(NodeKind.SYSCALL, U32, 0, (0, 0)), b"", b"", b""),
    "a block without operations": (node(op=(0, 0)), ADD, b"", b""),
    "operations outside": (node(op=(0, 2)), ADD, b"", b""),
    "operations far outside": (node(op=(U32, U32)), ADD, b"", b""),
    "operations that wrap around": (node(op=(2, U32)), ADD, b"", b""),
    "immediates outside": (node(imm=(0, 1)), PUSH_BYTE, b"", b""),
    "immediates that wrap around": (node(imm=(U32, 1)), PUSH_BYTE, b"", b""),
    "an immediate missing": (node(), PUSH_BYTE, bytes(8), b""),
    "an immediate too many": (node(imm=(0, 1)), ADD, bytes(8), b""),
    "an immediate at p": (node(imm=(0, 1)), PUSH_BYTE, struct.pack("<Q", P), b""),
    "an error code at p": (node(imm=(0, 1)), bytes([OP["ASSERT"]]), struct.pack("<Q", P), b""),
    "a digest at p": (node(digest=(0, 0, 0, P)), ADD, b"", b""),
    "an external digest at p": (node(NodeKind.EXTERNAL, op=(0, 0), digest=(2**64 - 1, 0, 0, 0)), b"", b"", b""),
    "a second child of a loop": (node(op=(0, 1)) + node(NodeKind.LOOP, 0, 1, (0, 0)), ADD, b"", b""),
    "a child of a block": (node(a=1), ADD, b"", b""),
    "operations of a dyn": (node(NodeKind.DYN, op=(0, 1)), ADD, b"", b""),
    "immediates of an external": (node(NodeKind.EXTERNAL, op=(0, 0), imm=(0, 1)), b"", bytes(8), b""),
    "a reserved field in use": (node()[:28] + b"\1" + node()[29:], ADD, b"", b""),
    "operations of nobody": (node(), ADD + ADD, b"", b""),
    "immediates of nobody": (node(), ADD, bytes(8), b""),
    "a gap between blocks": (node() + node(op=(2, 1)), ADD * 3, b"", b""),
    "blocks that share operations": (node() + node(), ADD, b"", b""),
    "a root outside": (node(), ADD, b"", struct.pack("<I", 1)),
    "a root of nothing": (b"", b"", b"", bytes(4)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_columns_that_are_no_forest_are_refused(backend: Backend, name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        backend.Code(*HOSTILE[name])


@pytest.mark.parametrize("opcode", [code for code in range(256) if code not in OPERATIONS or OPERATIONS[code].family == "control"])
def test_only_operations_stand_in_a_block(backend: Backend, opcode: int) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        backend.Code(node(), bytes([opcode]), b"", b"")


def test_an_empty_forest_has_nothing_to_enter(backend: Backend) -> None:
    code = backend.Code(b"", b"", b"", b"")
    assert code.find_root(bytes(32)) == -1
    with pytest.raises(ValueError):
        backend.machine(code, 0)


def test_a_forest_knows_its_first_root_by_digest(backend: Backend) -> None:
    forest = Columns()
    for digest in ((1, 2, 3, 4), (5, 6, 7, 8), (5, 6, 7, 8)):
        forest.block("noop", digest=digest)
    forest.root(2)
    forest.root(1)
    code = backend.code(forest)
    assert code.find_root(forest.digest_bytes(1)) == 2
    assert code.find_root(forest.digest_bytes(0)) == -1
    assert code.owner is None
    code.owner = forest
    assert code.owner is forest


@pytest.fixture
def machine_arguments(backend: Backend) -> dict[str, Any]:
    forest = Columns()
    forest.block("noop")
    return {"forest": backend.code(forest), "entrypoint": 0}


@pytest.mark.parametrize(
    "inputs",
    [
        {"entrypoint": 1},
        {"entrypoint": -1},
        {"stack": [0] * 17},
        {"stack": [P]},
        {"stack": [-1]},
        {"stack": [2**64]},
        {"advice": [P]},
        {"advice": [-1]},
        {"kernel": bytes(31)},
        {"kernel": bytes(33)},
        {"kernel": b"\xff" * 32},
        {"max_cycles": -1},
        {"max_stack": 15},
        {"max_memory": -1},
        {"max_continuations": -1},
    ],
    ids=str,
)
def test_a_machine_refuses_bad_inputs(backend: Backend, machine_arguments: dict[str, Any], inputs: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        backend.machine(**{**machine_arguments, **inputs})


def test_positions_nobody_has_are_empty(backend: Backend) -> None:
    _, machine = backend.run_block("mstore", stack=[0, 1])
    assert machine.stack_get(15) == 0
    assert machine.stack_get(16) == 0
    assert machine.stack_get(2**40) == 0
    assert machine.memory_get(0, 4) is None
    assert machine.memory_get(0, 2**32) is None
    assert machine.memory_get(5, 0) is None
    assert machine.memory(5) == {}
