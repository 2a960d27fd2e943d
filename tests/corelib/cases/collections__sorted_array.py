"""Cases of `miden::core::collections::sorted_array`; the oracle is `bisect`."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from miden.field import P
from tests.support.corelib import TRUNCATE, Case, Failure, set_memory

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

SIZES = (0, 1, 1, 2, 3, 5, 20)

Key = tuple[int, ...]
"""The elements of a word, the most significant one first, as it lies on the stack."""


def draw(rng: random.Random) -> Key:
    """Draw a word; many have elements in common."""
    if rng.random() < 0.5:
        return tuple(rng.randrange(P) for _ in range(4))
    return tuple(rng.choice((0, 1, 2**32 - 1, 2**32, P - 1)) for _ in range(4))


def near(rng: random.Random, word: Key, size: int) -> Key:
    """Change one of the first elements by one."""
    place = rng.randrange(size)
    return (*word[:place], (word[place] + rng.choice((1, P - 1))) % P, *word[place + 1 :])


def finds(stride: int, size: int = 4) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure that finds words, or keys of so many elements, in an array with such a stride."""

    def maker(rng: random.Random, index: int) -> Case:
        count = SIZES[index % len(SIZES)] if index < 42 else rng.randrange(12)
        keys = sorted({draw(rng) for _ in range(count)})
        if size < 4:  # keys that differ in what does not count
            keys = sorted((key[:size] + draw(rng)[size:] for key in keys), key=lambda key: key[:size])
        wanted = draw(rng)
        if keys:
            wanted = (rng.choice(keys), wanted, near(rng, rng.choice(keys), size), near(rng, rng.choice(keys), size))[index % 4]
        if keys and index % 24 == 19:
            wanted = (0, 0, 0, 0)
        elif keys and index % 24 == 20:
            wanted = (P - 1,) * 4
        start, below = 4 * rng.randrange(50), [rng.randrange(P) for _ in range(10)]
        end = start + stride * len(keys)
        place = bisect_left([key[:size] for key in keys], wanted[:size])
        found = place < len(keys) and keys[place][:size] == wanted[:size]
        expect: Failure | list[int] = [int(found), start + stride * place, start, end, *below[: 12 - size]]
        if index % 16 == 15:
            keys = [*keys, (1, 1, 1, 1), (0, 0, 1, 1)]
            end, expect = end + 2 * stride, Failure("EventError")
        cells = {}
        for at, key in enumerate(keys):
            cells |= {start + stride * at + place: key[3 - place] for place in range(4)}
            cells |= {start + stride * at + place: rng.randrange(P) for place in range(4, stride)}
        if index % 16 == 14:
            ranges = ((start + 1, end + 1), (start, end + 1), (start, end + stride // 2 + 1), (end + stride, end), (0, 2**32))
            start, end = rng.choice(ranges)
            expect = Failure("EventError")
        return Case([*wanted[:size], start, end, *below], set_memory(cells), TRUNCATE, expect=expect)

    return maker


PROCEDURES = {"find_half_key_value": finds(8, 2), "find_key_value": finds(8), "find_word": finds(4)}
