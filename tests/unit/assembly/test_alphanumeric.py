"""Letters and digits of quoted names."""

from __future__ import annotations

import unicodedata

import pytest

from miden.assembly.alphanumeric import is_alphanumeric
from miden.assembly.parser import parse_module
from miden.assembly.source import SourceFile
from miden.errors import ParseError


def test_everything_that_python_calls_alphanumeric_is() -> None:
    assert [char for char in map(chr, range(0x110000)) if char.isalnum() and not is_alphanumeric(char)] == []


def test_beyond_that_only_marks_symbols_and_what_the_interpreter_does_not_know() -> None:
    more = [char for char in map(chr, range(0x110000)) if is_alphanumeric(char) and not char.isalnum()]
    assert {unicodedata.category(char) for char in more} <= {"Mn", "Mc", "So", "Cn"}
    assert len([char for char in more if unicodedata.category(char) != "Cn"]) > 1400


def test_the_table_has_as_many_characters_as_unicode_17_says() -> None:
    assert sum(map(is_alphanumeric, map(chr, range(0x80, 0x110000)))) == 149044


NAMES = [("नि", True), ("स्", False), ("Ⓐ", True), ("²", True), ("e\u0301", False), ("a\xa0b", False)]


@pytest.mark.parametrize(("name", "accepted"), NAMES)
def test_a_quoted_name_may_hold_marks_that_are_alphabetic(name: str, accepted: bool) -> None:
    source = SourceFile(f'proc "{name}" nop end')
    if accepted:
        parse_module(source)
    else:
        with pytest.raises(ParseError):
            parse_module(source)
