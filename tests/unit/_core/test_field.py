"""Field arithmetic in C against Python integers, on edges and at random."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.field import P, ext2_inv, ext2_mul

raw: Any = pytest.importorskip("miden._core._testing", reason="the core is not built")

EDGES = (0, 1, 2, 7, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**63, P // 2, P // 2 + 1, P - 2**32, P - 2**32 - 1, P - 2, P - 1)
WORD_EDGES = (*EDGES, P, P + 1, 2**64 - 2**32, 2**64 - 2, 2**64 - 1)

felts = st.sampled_from(EDGES) | st.integers(0, P - 1)
words = st.sampled_from(WORD_EDGES) | st.integers(0, 2**64 - 1)


def check_pair(a: int, b: int) -> None:
    assert raw.add(a, b) == (a + b) % P
    assert raw.sub(a, b) == (a - b) % P
    assert raw.mul(a, b) == a * b % P


def test_sums_differences_and_products_of_edges_are_canonical() -> None:
    for a, b in itertools.product(EDGES, EDGES):
        check_pair(a, b)


@given(felts, felts)
def test_sums_differences_and_products_are_those_of_integers(a: int, b: int) -> None:
    check_pair(a, b)


@given(felts)
def test_the_negative_is_canonical(a: int) -> None:
    assert raw.neg(a) == -a % P


@given(felts)
def test_the_inverse_is_a_power_and_zero_for_zero(a: int) -> None:
    assert raw.inv(a) == pow(a, P - 2, P)


@pytest.mark.parametrize("a", EDGES)
def test_inverses_of_edges(a: int) -> None:
    assert raw.inv(a) * a % P == (a != 0)


@given(felts, words)
def test_powers_take_any_exponent(a: int, exponent: int) -> None:
    assert raw.power(a, exponent) == pow(a, exponent, P)


@given(words)
def test_any_word_has_a_canonical_value(a: int) -> None:
    assert raw.canonical(a) == a % P


@given(words, words)
def test_two_words_fold_into_one(high: int, low: int) -> None:
    assert raw.fold(high, low) % P == (high * 2**64 + low) % P


def test_all_pairs_of_edge_words_fold_into_one() -> None:
    for high, low in itertools.product(WORD_EDGES, WORD_EDGES):
        assert raw.fold(high, low) % P == (high * 2**64 + low) % P


@given(words, words)
def test_lazy_products_take_any_words(a: int, b: int) -> None:
    assert raw.mul_lazy(a, b) % P == a * b % P


@given(st.tuples(felts, felts), st.tuples(felts, felts))
def test_extension_products_follow_the_definition(a: tuple[int, int], b: tuple[int, int]) -> None:
    assert raw.extension_mul(a, b) == ext2_mul(a, b)


@given(st.tuples(felts, felts))
def test_extension_inverses_follow_the_definition(a: tuple[int, int]) -> None:
    assert raw.extension_inv(a) == ext2_inv(a)
