"""Field elements and words on Python integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, InputError
from miden.field import EMPTY_WORD, GENERATOR, TWO_ADIC_ROOT, Felt, P, Word, check_felt, ext2_inv, ext2_mul, inv, montgomery

FELTS = st.one_of(st.sampled_from([0, 1, 2, 2**32 - 1, 2**32, 2**32 + 1, P - 2, P - 1]), st.integers(0, P - 1))


def test_the_two_adic_root_has_order_2_to_the_32() -> None:
    assert pow(TWO_ADIC_ROOT, 2**31, P) == P - 1


def test_the_generator_is_no_square_and_no_power_of_the_small_primes_of_the_group() -> None:
    assert all(pow(GENERATOR, (P - 1) // q, P) != 1 for q in (2, 3, 5, 17, 257, 65537))


@given(FELTS)
def test_an_element_times_its_inverse_is_one(a: int) -> None:
    assert inv(a) * a % P == (1 if a else 0)


@given(FELTS, FELTS, FELTS, FELTS)
def test_the_inverse_in_the_extension_undoes_multiplication(a0: int, a1: int, b0: int, b1: int) -> None:
    product = ext2_mul((a0, a1), (b0, b1))
    if (a0, a1) != (0, 0):
        assert ext2_mul(product, ext2_inv((a0, a1))) == (b0, b1)


@given(FELTS, FELTS)
def test_felt_operators_agree_with_integers_modulo_p(a: int, b: int) -> None:
    assert (Felt(a) + b, Felt(a) - b, Felt(a) * b, -Felt(a)) == ((a + b) % P, (a - b) % P, a * b % P, -a % P)
    assert (a + Felt(b), a - Felt(b), a * Felt(b)) == ((a + b) % P, (a - b) % P, a * b % P)
    if b:
        assert (Felt(a) / b * b, a / Felt(b) * b) == (a, a)


def test_felt_division_by_zero_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        Felt(1) / 0


@pytest.mark.parametrize(("value", "problem"), [(P, "[0, p)"), (-1, "[0, p)"), (1.5, "float"), ("1", "str"), (True, "bool")])
def test_a_value_that_is_no_felt_is_named_in_the_error(value: object, problem: str) -> None:
    with pytest.raises(InputError, match="stack input") as caught:
        check_felt(value, "stack input")
    assert problem in str(caught.value)
    assert caught.value.kind == "InvalidFelt"


def test_the_montgomery_form_of_one_is_2_to_the_32_minus_1() -> None:
    assert (montgomery(1), montgomery(2**32), montgomery(0)) == (2**32 - 1, P - 1, 0)


@given(st.tuples(FELTS, FELTS, FELTS, FELTS))
def test_a_word_survives_bytes_and_hex(elements: tuple[int, ...]) -> None:
    word = Word(elements)
    assert Word.from_bytes(word.to_bytes()) == Word.from_hex(word.to_hex()) == word == elements


def test_hex_of_a_word_may_be_upper_case() -> None:
    assert Word.from_hex("0x" + "AB" + "0" * 62)[0] == 0xAB


@pytest.mark.parametrize(
    "text", ["", "0x", "0x12", "12" * 32, "0x" + "g" * 64, "0x" + "0" * 63, "0x" + "0" * 65, "0x" + "f" * 64, "0x" + "²" * 64]
)
def test_hex_that_is_no_word_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Word.from_hex(text)


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), b"\xff" * 32, bytes(24) + P.to_bytes(8, "little")])
def test_bytes_that_are_no_word_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        Word.from_bytes(data)


@pytest.mark.parametrize("elements", [(), (1, 2, 3), (1, 2, 3, 4, 5), (P, 0, 0, 0), (0, 0, 0, -1)])
def test_elements_that_are_no_word_are_refused(elements: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        Word(elements)


def test_the_default_word_is_four_zeros() -> None:
    assert Word() == EMPTY_WORD == (0, 0, 0, 0)
