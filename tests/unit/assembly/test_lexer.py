"""Tokens: where they start and end, what they are, what is wrong with them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.assembly import lexer
from miden.assembly.lexer import (
    KEYWORDS,
    NOT_NAMES,
    PUNCTUATION,
    check_token,
    doc_text,
    is_constant,
    is_name,
    token_class,
    tokenize,
    word_value,
)
from miden.assembly.source import SourceFile
from miden.field import P


def texts(text: str) -> list[str]:
    return tokenize(SourceFile(text))[0]


def test_tokens_come_with_start_and_end_and_close_with_an_empty_one() -> None:
    assert tokenize(SourceFile("push . 3")) == (["push", ".", "3", ""], [0, 5, 7, 8], [4, 6, 8, 8])


def test_there_are_188_reserved_words() -> None:
    assert len(KEYWORDS) == 188


def test_thirty_reserved_words_are_no_names() -> None:
    assert NOT_NAMES < KEYWORDS
    assert not any(is_name(word) for word in NOT_NAMES)
    assert all(is_name(word) for word in KEYWORDS - NOT_NAMES)


@pytest.mark.parametrize("text", sorted(PUNCTUATION))
def test_punctuation_is_one_token(text: str) -> None:
    assert texts(text) == [text, ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a..b", ["a", "..", "b"]),
        ("a...b", ["a", "..", ".", "b"]),
        ("a:::b", ["a", "::", ":", "b"]),
        ("a->b", ["a", "->", "b"]),
        ("1-->2", ["1", "-", "->", "2"]),
        ("1///2", ["1", "//", "/", "2"]),
    ],
)
def test_the_longer_punctuation_wins(text: str, expected: list[str]) -> None:
    assert texts(text) == [*expected, ""]


def test_white_space_is_unicode_white_space_and_nothing_else() -> None:
    spaces = [chr(code) for code in range(1, 0x3001) if texts(f"a{chr(code)}b") == ["a", "b", ""]]
    assert "".join(spaces) == lexer.WHITE_SPACE


def test_a_nul_ends_the_text() -> None:
    assert texts("begin \0 ^") == ["begin", ""]


def test_comments_vanish_and_doc_comments_do_not() -> None:
    assert texts("add # sub\nmul #! div\nneg") == ["add", "mul", "#! div\n", "neg", ""]


def test_a_doc_comment_goes_on_only_without_indentation() -> None:
    assert texts("#! a\n#! b\n #! c\n") == ["#! a\n#! b\n", "#! c\n", ""]


def test_the_text_of_a_doc_comment_is_trimmed_line_by_line() -> None:
    assert doc_text("#!  a \n#!\n#! b\n") == "a\n\nb\n"
    assert doc_text("#! a") == "a"


def test_exp_u_is_one_token_only_if_nothing_stands_between() -> None:
    assert texts("exp.u8 exp .u8 exp. u8 expo.u8") == ["exp.u", "8", "exp", ".", "u8", "exp", ".", "u8", "expo", ".", "u8", ""]


@pytest.mark.parametrize("text", ["A", "FOO_1", "_1", "_A", "T1", "W"])
def test_constant_identifiers_have_no_lower_case_letter(text: str) -> None:
    assert is_constant(text)
    assert token_class(text) == "constant identifier"


@pytest.mark.parametrize("text", ["Foo", "_a", "fOO", "a1", "$kernel", "$exec"])
def test_other_names_are_identifiers(text: str) -> None:
    assert not is_constant(text)
    assert token_class(text) == "identifier"


@pytest.mark.parametrize("text", ["_", "$foo", "$", "?", "\\", "é", "\x1c", "%", "\ufeff"])
def test_what_starts_no_token_is_invalid(text: str) -> None:
    assert texts(text) == [text, ""]
    assert (check_token(text) or ("",))[0] == "InvalidToken"


def test_two_underscores_start_no_name() -> None:
    assert texts("__foo") == ["_", "_foo", ""]


@pytest.mark.parametrize(
    ("text", "kind", "detail"),
    [
        ("18446744073709551615", None, None),
        ("18446744073709551616", "InvalidLiteral", "FeltOverflow"),
        ("0" * 10_000 + "7", None, None),
        ("0" * 10_000, None, None),
        ("9" * 10_000, "InvalidLiteral", "FeltOverflow"),
        ("0x", "InvalidLiteral", "Empty"),
        ("0xFf", None, None),
        (f"0x{P - 1:x}", None, None),
        (f"0x{P:x}", "InvalidLiteral", "FeltOverflow"),
        ("0x" + "1" * 17, "InvalidHexLiteral", "Invalid"),
        ("0x" + "0" * 62, "InvalidHexLiteral", "Invalid"),
        ("0x" + "0" * 63, None, None),
        ("0x" + "0" * 64, None, None),
        ("0x" + "f" * 64, "InvalidLiteral", "FeltOverflow"),
        ("0x" + "0" * 65, "InvalidHexLiteral", "TooLong"),
        ("0b", "InvalidLiteral", "Empty"),
        ("0b" + "1" * 32, None, None),
        ("0b" + "0" * 33, "InvalidBinaryLiteral", "TooLong"),
        ('"abc', "UnclosedQuote", None),
        ('"a\\"', "UnclosedQuote", None),
    ],
)
def test_literals_are_checked(text: str, kind: str | None, detail: str | None) -> None:
    assert texts(text) == [text, ""]
    assert (check_token(text) or (None, None))[:2] == (kind, detail)


def test_hex_digits_of_a_word_are_little_endian_by_element_and_padded_in_front() -> None:
    assert word_value("0x" + "".join(f"{n:02x}" + "00" * 7 for n in (1, 2, 3, 4))) == (1, 2, 3, 4)
    assert word_value("0x1" + "0" * 62) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('""', "quoted identifier"),
        ('"a-b::c"', "quoted identifier"),
        ('"ä漢1"', "quoted identifier"),
        ('"a b"', "quoted string"),
        ('"a\\b"', "quoted string"),
        ('"a\\"b"', "quoted string"),
        ('"\\\\"x"', "quoted string"),
        ('"a\\\nb"', "quoted string"),
        ('"a\x7fb"', "quoted string"),
    ],
)
def test_a_quoted_token_is_an_identifier_if_all_its_characters_are_graphic(text: str, name: str) -> None:
    assert texts(text) == [text, ""]
    assert token_class(text) == name


def test_a_string_ends_with_its_line() -> None:
    assert texts('"ab\nadd "c"') == ['"ab', "add", '"c"', ""]


def test_the_end_of_file_stands_after_the_last_token_or_comment() -> None:
    for text, place in [("add  \n ", 3), ("add # c\n  ", 8), ("add # c", 7), ("# a\n# b # c\n\n", 12), ("", 0), ("  ", 0)]:
        assert tokenize(SourceFile(text))[1][-1] == place


ALPHABET = st.sampled_from([*'ab_A0x1.:-/"\\#!$ \n?é\u2003', "exp.u", "#! d\n", "0x", "0b", '"a b"', "# c\n"])


@given(st.lists(ALPHABET, max_size=60).map("".join), st.integers(2, 40))
def test_chunks_make_no_difference(text: str, size: int) -> None:
    whole = by_definition(text)
    original = lexer._CHUNK
    lexer._CHUNK = size
    try:
        assert by_definition(text) == whole
    finally:
        lexer._CHUNK = original


def by_definition(text: str, end: int | None = None) -> tuple[list[str], list[int], list[int]]:
    """Return the tokens that the regular expression finds."""
    return lexer.readable_scan(text, len(text) if end is None else end, lexer._FIXED, lexer.WHITE_SPACE)


@given(st.lists(ALPHABET, max_size=60).map("".join), st.integers(0, 100))
def test_the_core_finds_the_tokens_of_the_regular_expression(text: str, end: int) -> None:
    assert lexer.scan(text, min(end, len(text)), lexer._FIXED, lexer.WHITE_SPACE) == by_definition(text, min(end, len(text)))


@given(st.text(st.characters(max_codepoint=0x3100, exclude_categories=["Cs"]), max_size=30))
def test_the_core_agrees_on_any_text(text: str) -> None:
    assert lexer.scan(text, len(text), lexer._FIXED, lexer.WHITE_SPACE) == by_definition(text)


def test_white_space_is_that_of_unicode() -> None:
    for code in range(0x3100):
        text = f"a{chr(code)}b"
        assert lexer.scan(text, 3, lexer._FIXED, lexer.WHITE_SPACE) == by_definition(text), hex(code)


def test_fixed_tokens_are_one_object() -> None:
    found = lexer.scan("push push", 9, lexer._FIXED, lexer.WHITE_SPACE)[0]
    assert found[0] is found[1]


@given(st.lists(ALPHABET, max_size=60).map("".join))
def test_tokens_and_trivia_cover_the_text(text: str) -> None:
    source = SourceFile(text)
    found, starts, ends = tokenize(source)
    assert [source.text[start:end] for start, end in zip(starts, ends, strict=True)] == found
    gaps = [text[end:start] for start, end in zip([*starts, len(text)], [0, *ends], strict=True)]
    assert all(re.fullmatch(rf"(?:[{re.escape(lexer.WHITE_SPACE)}]|#(?!!)[^\n]*)*", gap) for gap in gaps)


@given(st.text(max_size=30))
def test_every_token_has_a_class(text: str) -> None:
    source = SourceFile(text.encode(errors="replace").decode())
    assert all(token_class(token) for token in tokenize(source)[0])


def test_unclosed_quotes_take_linear_time() -> None:
    text = '"\\' * 500_000
    assert len(texts(text)) == 2
