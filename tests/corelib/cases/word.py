"""Cases of `miden::core::word`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P
from tests.corelib.cases.math__u64 import rest
from tests.support.corelib import Case, Failure, spill

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

EDGES = (0, 1, 2**32 - 1, 2**32, P - 2**32, P - 1)


def word(rng: random.Random) -> list[int]:
    """Draw a word, top element first."""
    return [rng.choice(EDGES) if rng.random() < 0.5 else rng.randrange(P) for _ in range(4)]


def two(oracle: Callable[[list[int], list[int]], Sequence[int]], growth: int = 0) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of two words, which differ in few places or in none."""

    def maker(rng: random.Random, index: int) -> Case:
        a = word(rng)
        b = word(rng) if index % 3 == 0 else list(a)
        if index % 3 == 1:
            place = rng.randrange(4)
            b[place] = rng.choice(EDGES) if rng.random() < 0.5 else (b[place] + rng.choice((1, -1, 2**32, -(2**32)))) % P
        below = rest(rng, 8)
        left = [*oracle(a, b), *below]
        return Case([*b, *a, *below], teardown=spill(growth), expect=left[4 * -(-growth // 4) : 16])

    return maker


def one(oracle: Callable[[list[int]], Sequence[int]], growth: int = 0) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of one word."""

    def maker(rng: random.Random, index: int) -> Case:
        a = word(rng) if index % 2 else [0] * 4
        if index % 4 == 2:
            a[rng.randrange(4)] = rng.randrange(P)
        below = rest(rng, 12)
        return Case([*a, *below], teardown=spill(growth), expect=[*oracle(a), *below][4 * -(-growth // 4) : 16])

    return maker


def store_word_u32s_le(rng: random.Random, index: int) -> Case:
    """The halves of the deepest element come first."""
    a, below = word(rng), rest(rng, 11)
    pointer = rng.choice((0, 4, 2**20, 2**31 - 4, rng.randrange(2**27) * 4))
    if index % 8 == 7:
        bad = rng.choice((1, 2, 2**32 - 4, 2**32, P - 1))
        return Case([*a, bad, *below], expect=Failure("MemoryError"))
    halves = [half for value in reversed(a) for half in (value % 2**32, value >> 32)]
    memory = {pointer + place: half for place, half in enumerate(halves)} if pointer < 2**30 else None
    return Case([*a, pointer, *below], expect=below, memory=memory)


PROCEDURES = {
    "reverse": one(lambda a: a[::-1]),
    "store_word_u32s_le": store_word_u32s_le,
    "eqz": one(lambda a: [not any(a)]),
    "testz": one(lambda a: [not any(a), *a], growth=1),
    "gt": two(lambda a, b: [a > b]),
    "gte": two(lambda a, b: [a >= b]),
    "lt": two(lambda a, b: [a < b]),
    "lte": two(lambda a, b: [a <= b]),
    "eq": two(lambda a, b: [a == b]),
    "test_eq": two(lambda a, b: [a == b, *b, *a], growth=1),
}
