"""Every variant of the permutation that this processor can run, against the definition of the hash."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import rpo_by_definition as definition

if TYPE_CHECKING:
    from collections.abc import Iterator

rpo: Any = pytest.importorskip("miden._core.rpo", reason="the core is not built")

P = definition.P
EDGES = (
    0, 1, 2, 7, 2**12 - 1, 2**12, 2**20, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**52 - 2**32, 2**52 - 1, 2**52, 2**52 + 1,
    2**63, 2**64 - 2**52 - 1, 2**64 - 2**52, P // 2, P // 2 + 1, P - 2**32, P - 2**32 - 1, P - 2, P - 1,
)  # fmt: skip
"""Where carries between halves of 32 bits, limbs of 52 bits and the modulus happen."""

felts = st.sampled_from(EDGES) | st.integers(0, P - 1)
states = st.lists(felts, min_size=12, max_size=12)
CONSTANTS = Path(__file__).parents[4] / "shared" / "spec" / "rpo_constants.json"


@pytest.fixture(params=["scalar", "avx2", "ifma", "ifma512"])
def variant(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each variant in turn, for the length of a test."""
    name: str = request.param
    if name not in rpo.variants():
        pytest.skip(f"this processor cannot run the variant {name}")
    rpo.set_variant(name)
    yield name
    rpo.set_variant("auto")


def pack(values: list[int]) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


def columns_of(state: list[int]) -> list[list[int]]:
    """Return eight states that differ from each other, the given one among them: one for each lane."""
    return [[(value + lane * 0x123456789ABCDEF) % P for value in state] for lane in range(8)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states)
@example([0] * 12)
@example([P - 1] * 12)
@example([2**52 - 1] * 12)
@example(list(range(12)))
def test_one_state_is_permuted_as_defined(variant: str, state: list[int]) -> None:
    assert rpo.permute(state) == definition.permute(state)


def test_a_thousand_random_states_are_permuted_as_in_scalar_code(variant: str) -> None:
    """States follow from each other, so one wrong bit shows at the end."""
    chain = [list(range(12))]
    for _ in range(1000):
        chain.append(rpo.permute(chain[-1]))
    rpo.set_variant("scalar")
    for before, after in itertools.pairwise(chain):
        assert rpo.permute(before) == after


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.integers(1, 8), st.lists(felts, min_size=8, max_size=8), felts)
@example(8, [P - 1] * 8, P - 1)
@example(8, [2**52 - 1] * 8, 2**52 - 1)
def test_states_beside_each_other_do_not_meet(variant: str, lanes: int, words: list[int], domain: int) -> None:
    """Two states use the code for pairs, six and more the code for eight lanes."""
    inputs = [row[:8] for row in columns_of(words + [0] * 4)[:lanes]]
    domains = [(domain + lane) % P for lane in range(lanes)]
    expected = [definition.permute([0, tag, 0, 0, *row])[4:8] for row, tag in zip(inputs, domains, strict=True)]
    assert rpo.merge_many(b"".join(map(pack, inputs)), domains) == b"".join(map(pack, expected))


@pytest.mark.parametrize("edge", EDGES)
def test_every_lane_handles_the_edges(variant: str, edge: int) -> None:
    """One edge in each place of eight states, everything else zero."""
    expected = [definition.permute([0] * (4 + place) + [edge] + [0] * (7 - place))[4:8] for place in range(8)]
    data = b"".join(pack([0] * place + [edge] + [0] * (7 - place)) for place in range(8))
    assert rpo.merge_many(data) == b"".join(map(pack, expected))
    assert rpo.merge_many(data[:128]) == b"".join(map(pack, expected[:2]))
    assert rpo.merge_many(data[:64]) == pack(expected[0])


MATRIX = [[definition.MDS_ROW[(j - i) % 12] for j in range(12)] for i in range(12)]


def inverse_matrix() -> list[list[int]]:
    """Invert the matrix of the permutation by elimination."""
    rows = [row + [int(i == j) for j in range(12)] for i, row in enumerate(MATRIX)]
    for column in range(12):
        scale = pow(rows[column][column], -1, P)
        pivot = rows[column] = [value * scale % P for value in rows[column]]
        for i, row in enumerate(rows):
            if i != column:
                rows[i] = [(mine - row[column] * its) % P for mine, its in zip(row, pivot, strict=True)]
    return [row[12:] for row in rows]


INVERSE = inverse_matrix()
SMALL_SQUARES = (
    2**48, 2**63 + 2**32, P - 2**48 + 2**32 - 1, 0xABCDEF << 40, 0xAD6E, 0x2800000000002600, 0x730000000000F200,
    0x8000000000015960, 0xE42B800000010000, 0xEFEA800000010000, 0xFE44800000010000,
    0x1CD91, 0x4A00000000017CC0, 0x960000000001EB00, 0xBB00000000018500,
)  # fmt: skip
"""Squares with less than 2^32, 2^33 and 2^34 in their lower word, which else happens once in 2^32 to 2^30 products: reductions borrow
there, and code that takes such products to be rare has to do without or compute them again."""


def state_that_reaches(values: list[int], step: int) -> list[int]:
    """Return the state whose permutation has these values before the S-boxes of a step; two steps are a round."""
    constants = definition.round_constants()
    for back in range(step, -1, -1):
        values = [value - constant for value, constant in zip(values, constants[12 * back : 12 * back + 12], strict=True)]
        values = [sum(a * b for a, b in zip(row, values, strict=True)) % P for row in INVERSE]
        if back:
            values = [pow(value, definition.INVERSE_ALPHA if back % 2 else definition.ALPHA, P) for value in values]
    return [value % P for value in values]


@pytest.mark.parametrize("step", range(14))
def test_every_s_box_handles_the_edges(variant: str, step: int) -> None:
    edges = EDGES + SMALL_SQUARES
    for start in range(0, len(edges), 3):
        state = state_that_reaches([edges[(start + place) % len(edges)] for place in range(12)], step)
        assert rpo.permute(state) == definition.permute(state)


@pytest.mark.parametrize("lane", range(12))
@pytest.mark.parametrize("edge", SMALL_SQUARES)
def test_a_pair_handles_a_small_square_of_either(variant: str, lane: int, edge: int) -> None:
    """One word is chosen so that one value before the first S-boxes is the edge, in a pair of states and in one of eight."""
    words = [pow(3, 40 + i, P) for i in range(7)]
    missing = edge - definition.round_constants()[lane] - sum(a * b for a, b in zip(MATRIX[lane][5:], words, strict=True))
    borrowing = [missing * pow(MATRIX[lane][4], -1, P) % P, *words]
    harmless = list(range(8))
    expected = {id(row): pack(definition.permute([0, 0, 0, 0, *row])[4:8]) for row in (borrowing, harmless)}
    for rows in ([borrowing, harmless], [harmless, borrowing], [harmless] * 6 + [borrowing, harmless]):
        assert rpo.merge_many(b"".join(map(pack, rows))) == b"".join(expected[id(row)] for row in rows)


def test_the_check_value_of_the_specification_comes_out(variant: str) -> None:
    assert rpo.permute(list(range(12)))[:2] == [15056646954853821376, 594518210294093573]


@pytest.mark.skipif(not CONSTANTS.exists(), reason="the specification is not beside this checkout")
def test_the_published_vectors_come_out(variant: str) -> None:
    vectors = json.loads(CONSTANTS.read_text())["test_vectors"]
    assert rpo.permute(list(range(12))) == [int(value) for value in vectors["permutation_of_0_to_11"]]
    assert rpo.permute([0] * 12) == [int(value) for value in vectors["permutation_of_all_zero"]]
    digests = vectors["hash_elements_0_to_n"]
    assert len(digests) == 19
    for count, digest in digests.items():
        assert rpo.hash_elements(range(int(count))) == pack([int(value) for value in digest])


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 55, 56, 57, 200])
def test_bytes_are_hashed_alike(variant: str, count: int) -> None:
    data = bytes(range(256))[:count]
    expected = rpo.hash_bytes(data)
    rpo.set_variant("scalar")
    assert rpo.hash_bytes(data) == expected


def test_the_fastest_variant_is_chosen_without_being_asked() -> None:
    rpo.set_variant("auto")
    assert rpo.variant() == rpo.variants()[0]


def test_scalar_code_runs_everywhere() -> None:
    assert rpo.variants()[-1] == "scalar"


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="no variant 'avx9' of the permutation here: expected auto, "):
        rpo.set_variant("avx9")
    assert rpo.variant() == rpo.variants()[0]
