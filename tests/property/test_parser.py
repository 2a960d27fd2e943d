"""The parser on anything: it returns a module or raises `ParseError`, and agrees with the grammar."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from miden.assembly.diagnostics import render_ansi, render_html, render_plain
from miden.assembly.parser import parse_module
from miden.assembly.printer import dump, module_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError
from tests.grammar.specification import Generator, grammar, mutate
from tests.grammar.test_grammar import POOL, agree

PIECES = st.sampled_from([*POOL, " ", "\n", "begin ", " end", "proc f ", "const A = ", "type t = ", "push.", "if.true "])


def survives(text: str) -> None:
    """Parse, and render whatever is wrong in every way there is."""
    problem = None
    try:
        module = parse_module(SourceFile(text, "any.masm"), max_depth=30)
    except ParseError as error:
        (problem,) = error.diagnostics
    if problem is not None:
        assert 0 <= problem.start <= problem.end <= len(text)
        assert problem.to_dict()["message"] == problem.message
        assert all(render(problem) for render in (render_plain, render_ansi, render_html))
    elif "#!" not in text:  # a doc comment that ends the text gains a line break when it is printed
        assert dump(parse_module(SourceFile(module_text(module)))) == dump(module)


@pytest.mark.property
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_any_text_is_a_module_or_a_parse_error(text: str) -> None:
    survives(text)


@pytest.mark.property
@given(st.binary(max_size=200))
def test_any_bytes_are_a_module_or_a_parse_error(data: bytes) -> None:
    with suppress(ParseError):
        parse_module(SourceFile.from_bytes(data))


@pytest.mark.property
@settings(max_examples=200)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_sequence_of_tokens_is_a_module_or_a_parse_error(text: str) -> None:
    survives(text)
    assert agree(text)


@pytest.mark.property
@settings(max_examples=25)
@given(from_lark(grammar(), start="start"))
def test_texts_that_hypothesis_derives_from_the_grammar_are_judged_alike(text: str) -> None:
    survives(text)
    assert agree(text)


@pytest.mark.fuzz
@pytest.mark.slow
def test_a_hundred_thousand_mutated_programs_are_modules_or_parse_errors() -> None:
    chance = random.Random(99)
    generator = Generator(chance)
    text = "begin nop end"
    for round_ in range(100_000):
        if round_ % 5 == 0:
            text = generator.text(chance.choice((10, 40, 80)))
        text = mutate(chance, text, POOL)
        with suppress(ParseError):
            parse_module(SourceFile(text))
