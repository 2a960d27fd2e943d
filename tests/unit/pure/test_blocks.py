"""How operations fall into batches (mast.md section 4)."""

from __future__ import annotations

import pytest

from miden.isa import OP
from miden.pure.blocks import Block, batches
from tests.support.columns import parse_operations

A, M, PUSH, NOOP = OP["ADD"], OP["MUL"], OP["PUSH"], OP["NOOP"]


def pack(text: str) -> list[list[int]]:
    return list(batches(parse_operations(text)[0]))


@pytest.mark.parametrize(
    ("raw", "padded"),
    [
        ("noop", [[NOOP]]),
        ("add mul", [[A, M]]),
        ("add push.12345678", [[A, PUSH, NOOP]]),
        ("push.1 push.2", [[PUSH, PUSH, NOOP, NOOP]]),
        ("add push.1 push.2", [[A, PUSH, PUSH, NOOP, NOOP]]),
        ("push.9 add*8", [[PUSH, *[A] * 8]]),
        ("push.9 add*9", [[PUSH, *[A] * 9, NOOP]]),
        ("add*9", [[A] * 9]),
        ("add*19", [[*[A] * 19, NOOP]]),
        ("add*37", [[*[A] * 37, NOOP, NOOP, NOOP]]),
        ("add*72", [[A] * 72]),
        ("add*73", [[A] * 72, [A]]),
        # a push that would be the ninth operation moves to a new group, and its old group needs no padding
        ("add mul add add add mul mul add push.11", [[A, M, A, A, A, M, M, A, PUSH, NOOP, NOOP]]),
        # a push at index 7 stays, one behind it does not: padded at index 8
        ("add mul add add add mul mul push.1 push.2", [[A, M, A, A, A, M, M, PUSH, NOOP, PUSH, NOOP]]),
        ("add mul add push.7 add add push.11 mul mul add", [[A, M, A, PUSH, A, A, PUSH, M, M, A]]),
        ("push.1*7 add", [[*[PUSH] * 7, A]]),
        ("push.1*8", [[*[PUSH] * 7, NOOP], [PUSH, NOOP]]),
        # six immediates and a full group leave one group: too little for a push and its immediate
        ("add mul push.1*6 add push.7", [[A, M, *[PUSH] * 6, A, NOOP], [PUSH, NOOP]]),
        (
            "add mul push.1*5 add mul add mul add mul add mul add mul push.6 pad",
            [[A, M, *[PUSH] * 5, A, M, *[A, M] * 4, NOOP], [PUSH, OP["PAD"]]],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_operations_fall_into_batches_as_documented(raw: str, padded: list[list[int]]) -> None:
    assert pack(raw) == padded


def test_rows_of_a_block_know_their_operation_index() -> None:
    block = Block(*parse_operations("push.1*8 drop"))
    assert block.respans == [8]
    assert block.operation_count == 10
    assert [block.op_index(row) for row in range(len(block.rows) + 1)] == [*range(8), -1, 8, 9, -1]


def test_rows_carry_immediates_and_the_index_of_a_subtraction() -> None:
    block = Block(*parse_operations("push.7 assert.9 u32sub noop*72 u32sub"))
    assert [immediate for _, immediate in block.rows if immediate] == [7, 9, 2, 75]
