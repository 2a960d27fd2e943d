"""Batching of operations, against every block of the reference's vectors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.isa import NOOP, OP, PUSH
from miden.mast.batches import batch_operations, padded_index, padded_operations, padding_positions, pair_operations, raw_index
from tests.strategies.mast import block_codes
from tests.support.mast_vectors import BLOCKS, operations_of

ADD = OP["ADD"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["name"])
def test_batches_are_those_of_the_reference(block: dict[str, Any]) -> None:
    batches = batch_operations(operations_of(block["raw_ops"]))
    assert len(batches) == len(block["batches"])
    for batch, expected in zip(batches, block["batches"], strict=True):
        count = expected["num_groups"]
        assert batch.group_count == count
        assert batch.operations == operations_of(expected["padded_ops"])
        assert batch.groups == [int(group) for group in expected["groups"]]
        assert batch.indptr[: count + 1] == expected["indptr"]
        assert batch.padding[:count] == expected["padding"]


def test_no_operations_give_no_batches() -> None:
    assert batch_operations([]) == []


@given(block_codes())
def test_dropping_the_padding_gives_the_raw_operations_back(code: tuple[bytes, list[int]]) -> None:
    raw = list(pair_operations(*code))
    batches = batch_operations(raw)
    positions = set(padding_positions(batches))
    padded = padded_operations(raw)
    assert [operation for index, operation in enumerate(padded) if index not in positions] == raw
    assert all(padded[index] == (NOOP, None) for index in positions)


@given(block_codes())
def test_groups_hold_their_operations_and_their_number_is_a_power_of_two(code: tuple[bytes, list[int]]) -> None:
    for batch in batch_operations(pair_operations(*code)):
        assert batch.group_count in (1, 2, 4, 8)
        for group in range(batch.group_count):
            operations = batch.operations[batch.indptr[group] : batch.indptr[group + 1]]
            assert len(operations) <= 9
            if operations:
                assert batch.groups[group] == sum(opcode << 7 * index for index, (opcode, _) in enumerate(operations))
                assert operations[-1][0] != PUSH
        values = [value for opcode, value in batch.operations if opcode == PUSH]
        slots = [batch.groups[group] for group in range(batch.group_count) if batch.indptr[group] == batch.indptr[group + 1]]
        assert values == slots


@given(block_codes())
def test_all_batches_but_the_last_have_eight_groups(code: tuple[bytes, list[int]]) -> None:
    batches = batch_operations(pair_operations(*code))
    assert all(batch.group_count == 8 for batch in batches[:-1])


@given(block_codes(), st.data())
def test_raw_and_padded_indices_convert_into_each_other(code: tuple[bytes, list[int]], data: st.DataObject) -> None:
    raw_operations = list(pair_operations(*code))
    positions = padding_positions(batch_operations(raw_operations))
    padded = padded_operations(raw_operations)
    raw = data.draw(st.integers(0, len(raw_operations)))
    at = padded_index(raw, positions)
    assert raw_index(at, positions) == raw
    assert at not in positions
    if raw == len(raw_operations):
        assert at == len(padded)
    else:
        assert padded[at] == raw_operations[raw]


def test_padding_and_the_operation_after_it_have_the_same_raw_index() -> None:
    positions = padding_positions(batch_operations([(PUSH, 1), (PUSH, 2), (ADD, None), (PUSH, 3)]))
    assert positions == [4]
    assert [padded_index(raw, positions) for raw in (0, 2, 4)] == [0, 2, 5]
    assert (raw_index(4, positions), raw_index(5, positions)) == (4, 4)
