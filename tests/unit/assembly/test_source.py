"""Source files: positions, encodings, limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.assembly.source import SourceFile
from miden.errors import ParseError


def test_lines_and_columns_count_from_one() -> None:
    source = SourceFile("ab\ncd\n")
    assert [source.location(offset) for offset in (0, 1, 2, 3, 6)] == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]


def test_offsets_outside_of_the_text_are_moved_into_it() -> None:
    source = SourceFile("ab")
    assert (source.location(-5), source.location(99)) == ((1, 1), (1, 3))


def test_a_line_is_shown_without_its_line_break_of_either_kind() -> None:
    source = SourceFile("one\r\ntwo\nthree")
    assert [source.line(number) for number in (1, 2, 3)] == ["one", "two", "three"]


@given(st.text(alphabet=st.sampled_from("a\näß漢😀"), max_size=3000), st.integers(0, 3000))
def test_byte_offsets_are_those_of_utf_8(text: str, offset: int) -> None:
    source = SourceFile(text)
    offset = min(offset, len(text))
    assert source.byte_offset(offset) == len(text[:offset].encode())
    assert source.char_offset(source.byte_offset(offset)) == offset


@given(st.text(alphabet=st.sampled_from("a\n"), max_size=50), st.integers(0, 50))
def test_locations_agree_with_splitting_lines(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    before = text[:offset].split("\n")
    assert SourceFile(text).location(offset) == (len(before), len(before[-1]) + 1)


def test_the_text_ends_at_the_first_nul() -> None:
    assert SourceFile("begin\0end").end == 5


def test_bytes_that_are_not_utf_8_are_an_error_with_a_place() -> None:
    with pytest.raises(ParseError) as caught:
        SourceFile.from_bytes(b"begin \xc3\xa4\n \xff add end", "demo.masm")
    assert caught.value.kind == "InvalidUtf8"
    assert caught.value.diagnostics[0].location == "demo.masm:2:2"


def test_a_text_cut_inside_a_character_is_an_error_of_its_own() -> None:
    with pytest.raises(ParseError) as caught:
        SourceFile.from_bytes(b"begin \xc3")
    assert caught.value.kind == "IncompleteUtf8"


def test_a_lone_surrogate_is_an_error_with_a_place() -> None:
    with pytest.raises(ParseError) as caught:
        SourceFile("begin \ud800 end")
    assert (caught.value.kind, caught.value.diagnostics[0].start) == ("InvalidUtf8", 6)


@pytest.mark.parametrize("text", ["aaaa", "ää"])
def test_the_size_limit_counts_bytes(text: str) -> None:
    assert SourceFile(text, max_bytes=4).text == text
    with pytest.raises(ParseError) as caught:
        SourceFile(text, max_bytes=3)
    assert caught.value.kind == "SourceTooLarge"


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "big.masm"
    path.write_bytes(b"a" * 100)
    with pytest.raises(ParseError, match="larger than 10 bytes"):
        SourceFile.from_path(path, max_bytes=10)


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.masm"
    path.write_text("begin nop end", encoding="utf-8")
    assert SourceFile.from_path(path).name == str(path)
    assert SourceFile.from_path(path, "m").name == "m"
