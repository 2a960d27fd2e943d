"""The hand-written parser against the grammar: the same texts are in the language."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from miden.assembly.lexer import KEYWORDS, NOT_NAMES
from miden.assembly.mnemonics import MNEMONICS, REMOVED, SYNTHETIC
from miden.assembly.parser import parse_module
from miden.assembly.printer import dump, module_text
from miden.assembly.source import SourceFile
from miden.errors import ParseError
from tests.grammar.specification import SYNTAX_KINDS, TOKEN, Generator, accepts, grammar, mutate
from tests.support.vectors import rows

POOL = sorted(
    {token for token in TOKEN.findall(Path(__file__).with_name("masm.lark").read_text(encoding="utf-8")) if len(token) < 20}
    | {'"', "\\", "0x", "0b", "_", "?", "0x" + "1" * 20, "$main", "9" * 20, "export", "\x1c", "é", "\u2003", '"a b"', "#! d\n", "\0"}
)


def verdict(text: str) -> str:
    """Return "accepted", "syntax" for what the grammar ought to reject too, or "checks" for what it knows nothing of."""
    try:
        parse_module(SourceFile(text))
    except ParseError as error:
        empty = error.kind == "InvalidLiteral" and error.diagnostics[0].detail == "Empty"
        return "syntax" if empty or error.kind in SYNTAX_KINDS else "checks"
    return "accepted"


def agree(text: str) -> bool:
    found = verdict(text)
    return found == "checks" or accepts(text) == (found == "accepted")


def sources() -> list[str]:
    texts = []
    for name in ("syntax", "instructions", "programs", "special"):
        for row in rows(name):
            texts += [text for text in (row.get("source"), row.get("kernel_source")) if text]
            texts += [text for library in row.get("libraries", ()) for text in library["modules"].values()]
    return [text for text in dict.fromkeys(texts) if len(text) < 4000]


def test_both_agree_on_every_source_of_the_vectors() -> None:
    texts = sources()
    assert len(texts) > 500
    assert [text for text in texts if not agree(text)] == []


@pytest.mark.parametrize("seed", range(4))
def test_both_agree_on_texts_that_the_grammar_derives(seed: int) -> None:
    generator = Generator(random.Random(seed))
    for _ in range(300):
        text = generator.text(40)
        assert accepts(text), text
        assert verdict(text) != "syntax", text


@pytest.mark.parametrize("seed", range(4))
def test_both_agree_on_mutated_texts(seed: int) -> None:
    chance = random.Random(seed)
    generator = Generator(chance)
    known = sources()
    for round_ in range(600):
        text = chance.choice(known) if round_ % 2 else generator.text(30)
        text = mutate(chance, text, POOL)
        assert agree(text), text


@pytest.mark.slow
def test_both_agree_on_twenty_thousand_mutated_texts() -> None:
    chance = random.Random(1000)
    generator = Generator(chance)
    for _ in range(20_000):
        text = mutate(chance, generator.text(chance.choice((5, 20, 60))), POOL)
        assert agree(text), text


def test_derived_modules_print_and_parse_to_the_same_tree() -> None:
    generator = Generator(random.Random(7))
    count = 0
    for _ in range(1500):
        text = generator.text(60)
        if verdict(text) == "accepted":
            module = parse_module(SourceFile(text))
            assert dump(parse_module(SourceFile(module_text(module)))) == dump(module), text
            count += 1
    assert count > 500


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_both_agree_on_which_reserved_words_are_names(word: str) -> None:
    text = f"proc {word} nop end"
    assert accepts(text) == (verdict(text) == "accepted") == (word not in NOT_NAMES)


def test_the_grammar_knows_every_instruction_of_the_table() -> None:
    words = {terminal.pattern.value for terminal in grammar().terminals}
    names = {part for name in (*MNEMONICS, *REMOVED) if name not in SYNTHETIC and name != "exp.u" for part in name.split(".")}
    assert names <= words
