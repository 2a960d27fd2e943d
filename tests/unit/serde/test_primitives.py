"""Primitive encodings: the reader and the writer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError
from miden.field import P
from miden.serde.reader import Reader
from miden.serde.writer import text, vint
from tests.support.mast_vectors import VECTORS


@pytest.mark.parametrize("value", sorted(VECTORS["vint"], key=int))
def test_integers_are_encoded_as_in_the_reference(value: str) -> None:
    assert vint(int(value)).hex() == VECTORS["vint"][value]


@given(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 70).map(lambda bits: (1 << min(bits, 64)) - 1)))
def test_integers_come_back(value: int) -> None:
    reader = Reader(vint(value))
    assert reader.vint() == value
    reader.finish()


def test_an_integer_may_take_more_bytes_than_it_needs() -> None:
    assert Reader(bytes.fromhex("0600")).vint() == 1
    assert Reader(bytes(1) + (7).to_bytes(8, "little")).vint() == 7


@pytest.mark.parametrize("data", ["", "02", "0000", "000000000000000000"[:-2], "80ffffffff"])
def test_an_integer_that_is_cut_off_is_refused(data: str) -> None:
    with pytest.raises(FormatError) as caught:
        Reader(bytes.fromhex(data)).vint()
    assert caught.value.kind == "UnexpectedEOF"


def test_fixed_sizes_are_little_endian() -> None:
    reader = Reader(bytes(range(1, 16)))
    assert (reader.u8(), reader.u16(), reader.u32(), reader.u64()) == (1, 0x0302, 0x07060504, 0x0F0E0D0C0B0A0908)


def test_a_flag_is_0_or_1() -> None:
    assert (Reader(b"\0").flag(), Reader(b"\1").flag()) == (False, True)
    with pytest.raises(FormatError, match="byte 0"):
        Reader(b"\2").flag()


def test_an_element_must_be_below_p() -> None:
    assert Reader((P - 1).to_bytes(8, "little")).felt() == P - 1
    for read in (Reader.felt, lambda reader: reader.felts(1)):
        with pytest.raises(FormatError) as caught:
            read(Reader(P.to_bytes(8, "little")))
        assert (caught.value.kind, caught.value.offset) == ("InvalidFelt", 0)


def test_the_offset_of_a_bad_element_in_a_list_is_its_own() -> None:
    with pytest.raises(FormatError) as caught:
        Reader(bytes(16) + b"\xff" * 8, base=100).felts(3)
    assert caught.value.offset == 116


def test_text_must_be_utf8() -> None:
    assert Reader(text("größe")).text() == "größe"
    with pytest.raises(FormatError) as caught:
        Reader(vint(3) + b"ab\xff").text()
    assert (caught.value.kind, caught.value.offset) == ("InvalidText", 3)


@pytest.mark.parametrize("count", [5, 2**32, 2**63, 2**64 - 1])
def test_a_count_beyond_what_is_left_is_refused_before_anything_is_read(count: int) -> None:
    with pytest.raises(FormatError) as caught:
        Reader(vint(count) + bytes(16)).count(4, "items")
    assert (caught.value.kind, caught.value.offset) == ("UnexpectedEOF", 0)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        Reader(b"a").finish()
    assert caught.value.kind == "TrailingBytes"


def test_an_error_tells_the_offset_in_the_file() -> None:
    with pytest.raises(FormatError, match="at byte 12") as caught:
        Reader(b"ab", pos=2, base=10).u8()
    assert caught.value.to_dict()["offset"] == 12
