"""Many hashes at once give what as many single hashes give, in whatever order lanes fill and empty."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import rpo_by_definition as definition

if TYPE_CHECKING:
    from collections.abc import Iterator

rpo: Any = pytest.importorskip("miden._core.rpo", reason="the core is not built")

P = definition.P
EDGES = (0, 1, 2, 2**32 - 1, 2**32, 2**32 + 1, P - 2, P - 1)


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


def matrix(rows: int, width: int, seed: int = 0) -> Any:
    """Return felts as a matrix, without numpy."""
    numbers = random.Random(seed)
    data = pack([numbers.choice(EDGES) if numbers.random() < 0.2 else numbers.randrange(P) for _ in range(rows * width)])
    return memoryview(data).cast("Q", shape=[rows, width])


def rows_of(rows: Any) -> list[bytes]:
    return [pack(row) for row in rows.tolist()]


def singly(rows: Any) -> bytes:
    return b"".join(rpo.hash_elements(row) for row in rows.tolist())


@pytest.mark.parametrize("width", [1, 4, 7, 8, 9, 16, 23])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 8, 9, 15, 17])
def test_rows_are_hashed_like_single_inputs(variant: str, count: int, width: int) -> None:
    rows = matrix(count, width)
    assert rpo.hash_many(rows) == singly(rows)


def test_rows_are_hashed_as_defined(variant: str) -> None:
    rows = matrix(11, 13)
    assert rpo.hash_many(rows) == b"".join(pack(list(definition.hash_elements(row))) for row in rows.tolist())


@pytest.mark.parametrize("count", [9, 16, 1025])
@pytest.mark.parametrize("threads", [1, 2, None])
def test_the_number_of_threads_does_not_show(threads: int | None, count: int) -> None:
    rows = matrix(count, 8)
    assert rpo.hash_many(rows, threads) == singly(rows)


def test_a_machine_without_another_thread_hashes_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    rows = matrix(64, 8)
    assert rpo.hash_many(rows, 2) == singly(rows)


@pytest.mark.parametrize("threads", [0, 3, "2"])
def test_other_numbers_of_threads_are_refused(threads: object) -> None:
    with pytest.raises(ValueError, match="threads must be 1, 2 or None"):
        rpo.hash_many(matrix(2, 2), threads)


@pytest.mark.parametrize("value", [P, 2**64 - 1])
@pytest.mark.parametrize("place", [0, 7, 14])
def test_a_value_that_is_not_a_felt_is_named(place: int, value: int) -> None:
    cells = list(range(15))
    cells[place] = value
    with pytest.raises(ValueError, match=f"element {place % 5} of row {place // 5} is not below p: {value}"):
        rpo.hash_many(memoryview(pack(cells)).cast("Q", shape=[3, 5]))


@pytest.mark.parametrize("buffer", [memoryview(bytes(64)), memoryview(bytes(64)).cast("Q"), memoryview(bytes(64)).cast("d", shape=[2, 4])])
def test_other_buffers_are_refused(buffer: memoryview) -> None:
    with pytest.raises(ValueError, match=r"[Bb]uffer"):
        rpo.hash_many(buffer)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.integers(0, 200), max_size=40), st.integers(0, 2**32))
@example([], 0)
@example([0], 0)
@example([0] * 20, 1)
@example([8] * 8, 2)
@example([8] * 9, 3)
@example([2000, 8], 4)
@example([2000, *[8] * 30], 5)
@example([800, 790, 780, *[16] * 12], 6)
@example([1, 2, 3, 4, 5, 6, 7, 8, 9], 7)
def test_inputs_of_any_lengths_are_hashed_like_single_ones(variant: str, lengths: list[int], seed: int) -> None:
    numbers = random.Random(seed)
    inputs = [pack([numbers.randrange(P) for _ in range(length)]) for length in lengths]
    assert rpo.hash_packed_many(inputs) == b"".join(map(rpo.hash_packed, inputs))


def test_a_broken_input_among_many_is_refused() -> None:
    with pytest.raises(ValueError, match="felts are 8 bytes each, found 9 bytes"):
        rpo.hash_packed_many([bytes(8), bytes(9)])
    with pytest.raises(ValueError, match="element 1 is not below p"):
        rpo.hash_packed_many([bytes(8), pack([0, P])])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 6, 7, 8, 9, 20])
def test_pairs_are_merged_like_single_pairs(variant: str, count: int) -> None:
    pairs = rows_of(matrix(count, 8, seed=count)) if count else []
    for domain in (0, 1, P - 1):
        expected = b"".join(rpo.merge_in_domain(pair[:32], pair[32:], domain) for pair in pairs)
        assert rpo.merge_many(b"".join(pairs), domain) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 16, 17, 100, 1001])
def test_two_threads_merge_like_one(variant: str, count: int) -> None:
    data = b"".join(rows_of(matrix(count, 8, seed=count))) if count else b""
    domains = [number * 3 for number in range(count)]
    assert rpo.merge_many(data, 0, 2) == rpo.merge_many(data, 0, 1)
    assert rpo.merge_many(data, domains, 2) == rpo.merge_many(data, domains, 1)
    with pytest.raises(ValueError, match="threads must be"):
        rpo.merge_many(data, 0, 3)


def test_every_pair_may_have_its_own_domain(variant: str) -> None:
    pairs, domains = rows_of(matrix(10, 8)), [*EDGES, 87, 108]
    expected = b"".join(rpo.merge_in_domain(pair[:32], pair[32:], domain) for pair, domain in zip(pairs, domains, strict=True))
    assert rpo.merge_many(b"".join(pairs), domains) == expected


def test_domains_must_match_the_pairs() -> None:
    with pytest.raises(ValueError, match="domains are one for each of the 2 pairs, found 3"):
        rpo.merge_many(bytes(128), [1, 2, 3])
    with pytest.raises(ValueError, match="a felt must be in"):
        rpo.merge_many(bytes(128), [1, P])


def test_half_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs of words are 64 bytes each, found 96 bytes"):
        rpo.merge_many(bytes(96))
