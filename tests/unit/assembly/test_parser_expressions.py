"""Constant expressions: grammar, precedence, and the folding of literals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.assembly.ast import BinaryExpr, Constant, ConstExpr, ConstRef, HashExpr, IntExpr, StringExpr, WordExpr
from miden.assembly.parser import parse_module
from miden.assembly.printer import expression_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError
from miden.field import P, Word


def expression(text: str) -> ConstExpr:
    (form,) = parse_module(SourceFile(f"const A = {text}")).forms
    assert isinstance(form, Constant)
    return form.expr


def value(text: str) -> int:
    found = expression(text)
    assert isinstance(found, IntExpr)
    return found.value


def kind_of(text: str) -> str:
    with pytest.raises(ParseError) as caught:
        expression(text)
    return caught.value.kind


def test_terms_are_numbers_words_strings_and_paths() -> None:
    assert value("0x10") == 16
    word = expression("[1,2,3,4]")
    assert isinstance(word, WordExpr)
    assert word.value == Word((1, 2, 3, 4))
    text = expression('"a b"')
    assert isinstance(text, StringExpr)
    assert text.value == "a b"
    for path in ("B", "a::B", "::a::B", 'a::"b-c"::D', '"q"::D'):
        found = expression(path)
        assert isinstance(found, ConstRef)
        assert found.path == path.replace('"q"', "q")


@pytest.mark.parametrize("name", ["word", "event"])
def test_hashes_of_strings_are_whole_expressions(name: str) -> None:
    found = expression(f'{name}("a b")')
    assert isinstance(found, HashExpr)
    assert (found.hash_kind, found.text) == (name, "a b")


def test_a_hash_may_lead_a_sum_or_stand_in_parentheses_but_is_no_factor() -> None:
    assert expression_text(expression('word("a")+B')) == '(word("a")) + B'
    assert expression_text(expression('(word("a"))*B')) == '(word("a")) * B'
    assert kind_of('word("a")*B') == "UnrecognizedToken"
    assert kind_of('B+word("a")') == "UnrecognizedToken"


def test_word_may_also_start_a_path() -> None:
    found = expression("word::B")
    assert isinstance(found, ConstRef)
    assert found.path == "word::B"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("7-2-1", 4),
        ("100/7/2", 7),
        ("100//7*2", 28),
        ("((((5))))", 5),
        ("2*(3+4)*5-1", 69),
        ("5-6", (2**64 - 1) % P),
        ("4294967296*4294967296", 0),
        (f"{P - 1}+{P - 1}", (2 * (P - 1)) % 2**64 % P),
        ("5-6+1", ((2**64 - 1) % P + 1) % P),
    ],
)
def test_literals_are_folded_modulo_2_to_the_64_and_then_modulo_p(text: str, result: int) -> None:
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("B+1", "B + 1"),
        ("1+2+B", "3 + B"),
        ("B+1+2", "(B + 1) + 2"),
        ("B*(1+2)", "B * 3"),
        ("(B)-C//2", "B - (C // 2)"),
        ("[1,2,3,4]+1", "[1,2,3,4] + 1"),
    ],
)
def test_what_names_a_constant_stays_an_expression(text: str, shown: str) -> None:
    assert expression_text(expression(text)) == shown


def test_a_folded_expression_covers_its_text_with_parentheses() -> None:
    text = "const A = (1+2)*(3)"
    (form,) = parse_module(SourceFile(text)).forms
    assert isinstance(form, Constant)
    assert text[form.expr.start : form.expr.end] == "(1+2)*(3)"


def test_an_operation_covers_its_operands() -> None:
    text = "const A = (B+1)*C"
    (form,) = parse_module(SourceFile(text)).forms
    assert isinstance(form, Constant)
    assert isinstance(form.expr, BinaryExpr)
    assert text[form.expr.start : form.expr.end] == "(B+1)*C"
    assert text[form.expr.left.start : form.expr.left.end] == "B+1"


@pytest.mark.parametrize("text", ["1/0", "1//0", "1/(2-2)", "5*(1/0)+B"])
def test_a_literal_division_by_zero_is_an_error(text: str) -> None:
    assert kind_of(text) == "DivisionByZero"


@pytest.mark.parametrize("text", ['"a"+1', '1+"a"', '"a"*"b"', 'B+"a"'])
def test_a_string_that_meets_arithmetic_is_an_error(text: str) -> None:
    assert kind_of(text) == "StringInArithmeticExpression"


def test_a_string_before_a_named_constant_is_left_to_evaluation() -> None:
    assert expression_text(expression('"a"+B')) == '"a" + B'


NO_EXPRESSIONS = ["-1", "1+", "()", "(1", "1)", "0b1", "1 2", "a", "a::b", "1**2", "[1,2,3]", "[B,1,2,3]", "word(a)", "event"]


@pytest.mark.parametrize("text", NO_EXPRESSIONS)
def test_what_is_no_expression_is_a_syntax_error(text: str) -> None:
    assert kind_of(text) in ("UnrecognizedToken", "UnrecognizedEof")


@pytest.mark.parametrize("text", ["[1,2,3,4]", '"a"', 'word("a")', "0x" + "0" * 64])
def test_variants_of_an_enum_are_arithmetic_only(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_module(SourceFile(f"enum e : u8 {{ A = {text} }}"))
    assert caught.value.kind == "UnrecognizedToken"


TREES = st.recursive(
    st.integers(0, P - 1).map(str),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//"]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
    max_leaves=20,
)


class _Wrapping(int):
    """Arithmetic as the reference does it on literals: modulo 2**64, then modulo p."""

    def __add__(self, other: int) -> _Wrapping:
        return _Wrapping((int(self) + int(other)) % 2**64 % P)

    def __sub__(self, other: int) -> _Wrapping:
        return _Wrapping((int(self) - int(other)) % 2**64 % P)

    def __mul__(self, other: int) -> _Wrapping:
        return _Wrapping((int(self) * int(other)) % 2**64 % P)

    def __floordiv__(self, other: int) -> _Wrapping:
        return _Wrapping(int(self) // int(other))


@given(TREES)
def test_folding_agrees_with_python_on_wrapping_integers(text: str) -> None:
    import re

    python = re.sub(r"\d+", lambda number: f"W({number[0]})", text.replace("//", "/").replace("/", "//"))
    try:
        expected = eval(python, {"W": _Wrapping})  # noqa: S307 -- made of digits, operators and parentheses above
    except ZeroDivisionError:
        assert kind_of(text) == "DivisionByZero"
    else:
        assert value(text) == expected
