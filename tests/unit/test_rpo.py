"""The readable RPO-256, against the reference and against the definition in the paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miden import rpo
from miden.field import P
from tests.support import rpo_by_definition

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "rpo_vectors.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = VECTORS["test_vectors"]


def ints(values: list[str]) -> list[int]:
    return [int(value) for value in values]


def test_the_tables_are_those_of_the_reference() -> None:
    assert [list(row) for row in rpo.ARK1] == [ints(row) for row in VECTORS["ark1"]]
    assert [list(row) for row in rpo.ARK2] == [ints(row) for row in VECTORS["ark2"]]
    assert list(rpo.MDS_ROW) == [int(value) for value in VECTORS["mds_first_row"]]
    assert VECTORS["num_rounds"] == rpo.ROUNDS
    assert VECTORS["state_width"] == rpo.STATE_WIDTH
    assert int(VECTORS["inv_alpha"]) == rpo.INV_ALPHA


def test_the_constants_are_the_stream_that_the_paper_defines() -> None:
    rounds = [constant for pair in zip(rpo.ARK1, rpo.ARK2, strict=True) for row in pair for constant in row]
    assert tuple(rounds) == rpo_by_definition.round_constants()


def test_the_inverse_exponent_inverts_the_s_box() -> None:
    assert rpo.ALPHA * rpo.INV_ALPHA % (P - 1) == 1


@pytest.mark.parametrize(("state", "expected"), [(range(12), "permutation_of_0_to_11"), ([0] * 12, "permutation_of_all_zero")])
def test_permutation_is_that_of_the_reference(state: range | list[int], expected: str) -> None:
    assert rpo.permute(state) == ints(CASES[expected])


@pytest.mark.parametrize("count", sorted(CASES["hash_elements_0_to_n"], key=int))
def test_hash_of_the_first_numbers_is_that_of_the_reference(count: str) -> None:
    assert list(rpo.hash_elements(range(int(count)))) == ints(CASES["hash_elements_0_to_n"][count])


def test_nothing_hashes_to_the_zero_word() -> None:
    assert rpo.hash_elements([]) == rpo.hash_bytes(b"") == (0, 0, 0, 0)


@pytest.mark.parametrize("elements", [[P - 1], [0] * 8, [1, 2, 3, P - 1, P - 2, 5, 6, 7, 8], list(range(100, 120))])
def test_hash_agrees_with_the_definition(elements: list[int]) -> None:
    assert tuple(rpo.hash_elements(elements)) == rpo_by_definition.hash_elements(elements)


def test_merge_is_the_hash_of_both_words() -> None:
    assert rpo.merge((1, 2, 3, 4), (5, 6, 7, 8)) == rpo.hash_elements(range(1, 9))


def test_a_zero_felt_at_the_end_changes_the_hash() -> None:
    assert rpo.hash_elements([1]) != rpo.hash_elements([1, 0])
