"""What the grammar of `masm.lark` says about a text, and random texts that it derives."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lark import Lark
from lark.exceptions import UnexpectedInput
from lark.grammar import Terminal

if TYPE_CHECKING:
    from random import Random

    from lark.grammar import Rule

SYNTAX_KINDS = frozenset(
    ("UnrecognizedToken", "UnrecognizedEof", "InvalidToken", "UnclosedQuote", "InvalidHexLiteral", "InvalidBinaryLiteral")
)
"""Kinds of `ParseError` that say: not in the language of the grammar. `InvalidLiteral` is one if its detail is `Empty`."""


@functools.cache
def grammar() -> Lark:
    """Return the grammar as an LALR parser."""
    text = Path(__file__).with_name("masm.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", maybe_placeholders=False)


def accepts(text: str) -> bool:
    """Whether the grammar derives the text."""
    try:
        grammar().parse(text.partition("\0")[0])
    except UnexpectedInput:
        return False
    return True


_NAMES = ("a", "b", "foo", "bar_1", "Baz", "_x", "$kernel", "$exec")
_SAMPLES: dict[str, tuple[str, ...]] = {
    "IDENT": _NAMES,
    "CONST": ("A", "B", "FOO_1", "_A"),
    "INT": ("0", "1", "2", "7", "15", "31", "63", "64", "255", "256", "65535", "4294967295", "18446744069414584320", "007"),
    "HEX_VALUE": ("0x0", "0x1F", "0xffffffff", "0xffffffff00000000"),
    "HEX_WORD": ("0x" + "01" * 32, "0x" + "1" * 63),
    "BIN_VALUE": ("0b0", "0b101", "0b" + "1" * 32),
    "QUOTED_IDENT": ('"a-b"', '"felt"', '"x"', '"ä"', '""', '"a#b"', '"if"', '"A"', '"1a"', '"a::b"', '"$main"'),
    "QUOTED_STRING": ('"a b"', '"x\\"y"', '"\\n"'),
    "EXP_U": ("exp.u",),
    "DOC": ("#! doc\n", "#! one\n#! two\n"),
}


class Generator:
    """Random derivations of the grammar, as texts with one space, or now and then a comment, between tokens."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rules: dict[str, list[Rule]] = {}
        for rule in grammar().rules:
            self._rules.setdefault(rule.origin.name, []).append(rule)
        self._literals = {terminal.name: terminal.pattern for terminal in grammar().terminals}
        self._cost = self._costs()

    def _costs(self) -> dict[str, int]:
        """Return the least number of tokens each symbol derives."""
        cost = dict.fromkeys(self._literals, 1)
        changed = True
        while changed:
            changed = False
            for name, rules in self._rules.items():
                known = [sum(cost[part.name] for part in rule.expansion) for rule in rules if all(p.name in cost for p in rule.expansion)]
                if known and min(known) < cost.get(name, 1 << 30):
                    cost[name] = min(known)
                    changed = True
        return cost

    def text(self, size: int) -> str:
        """Return a text of some `size` tokens: beyond that, the cheapest way to the end is taken."""
        tokens: list[str] = []
        work: list[object] = [next(rule.origin for rule in self._rules["start"])]
        while work:
            symbol = work.pop()
            if isinstance(symbol, Terminal):
                tokens.append(self._token(symbol.name))
                continue
            rules = self._rules[symbol.name]  # type: ignore[attr-defined]
            if len(tokens) + len(work) >= size:
                rules = [min(rules, key=lambda rule: sum(self._cost[part.name] for part in rule.expansion))]
            work.extend(reversed(self._random.choice(rules).expansion))
        return "".join(token + self._space(token) for token in tokens)

    def _space(self, token: str) -> str:
        if token.endswith("\n"):
            return ""
        return self._random.choice((" ", " ", " ", "\n", " # comment\n", "\t"))

    def _token(self, name: str) -> str:
        if name in _SAMPLES:
            return self._random.choice(_SAMPLES[name])
        return re.sub(r"\\(.)", r"\1", self._literals[name].value)


TOKEN = re.compile(r'#![^\n]*\n?|"(?:[^"\\\n]++|\\["\n]?+)*+"?|exp\.u|[A-Za-z0-9_$]+|\.\.|::|->|//|[^\s]')
"""A rough split of a text into tokens, for mutations."""


def mutate(random: Random, text: str, pool: list[str]) -> str:
    """Return the text with some tokens removed, replaced, doubled, swapped or added."""
    tokens = TOKEN.findall(text)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not tokens:
            break
        at = random.randrange(len(tokens))
        action = random.randrange(6)
        if action == 0:
            del tokens[at]
        elif action == 1:
            tokens[at] = random.choice(pool)
        elif action == 2:
            tokens.insert(at, random.choice(pool))
        elif action == 3:
            tokens.insert(at, random.choice(tokens))
        elif action == 4:
            other = random.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            del tokens[at : at + random.randrange(5)]
    return "".join(token + ("" if token.endswith("\n") else random.choice((" ", " ", "\n", ""))) for token in tokens)
