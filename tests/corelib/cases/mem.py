"""Cases of `miden::core::mem`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miden.field import P
from miden.hashing import error_code, hash_elements
from tests.corelib.cases.math__u64 import rest
from tests.support.corelib import SPILL, Case, Failure, set_memory, spill

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

ODD = error_code("pipe_double_words_preimage_to_memory: num_words must be even")
MISMATCH = error_code("pipe_double_words_preimage_to_memory: COMMITMENT does not match")


def memcopy(unit: int) -> Callable[[random.Random, int], Case]:
    """Make cases that copy elements (unit 1) or words (unit 4)."""

    def maker(rng: random.Random, index: int) -> Case:
        count = index if index < 12 else rng.randrange(40)
        source, target = 1000 + unit * rng.randrange(50), 2000 + unit * rng.randrange(50)
        cells = {source + place: rng.randrange(P) for place in range(count * unit) if place % 7 != 6}
        below = rest(rng, 13)
        setup = set_memory(cells)
        if index % 16 == 15:  # beyond the last address
            end = 2**32 - unit * rng.randrange(3)
            pointers = (source, end) if rng.random() < 0.5 else (end, target)
            return Case([3, *pointers, *below], setup, expect=Failure("MemoryError"))
        if index % 16 == 14 and unit == 4 and count:
            return Case([count, source, target + 1, *below], setup, expect=Failure("MemoryError"))
        if index % 16 == 13:  # what overlaps is copied upwards
            return Case([count, source, source + unit, *below], setup, expect=below)
        memory = {target + place: cells.get(source + place, 0) for place in range(count * unit)}
        return Case([count, source, target, *below], setup, expect=below, memory=memory)

    return maker


def elements(rng: random.Random, count: int) -> list[int]:
    """Draw elements for the advice stack."""
    return [rng.randrange(P) for _ in range(count)]


def advice(values: list[int], rng: random.Random) -> dict[str, Any]:
    """Return advice with values on the stack, and something that must be left."""
    return {"advice_stack": [str(value) for value in (*values, *elements(rng, rng.randrange(3)))]}


def placed(values: list[int], pointer: int) -> dict[int, int]:
    """Return the cells of values that lie in memory from a pointer on."""
    return {pointer + place: value for place, value in enumerate(values)}


def pipe_double_words_to_memory(rng: random.Random, index: int) -> Case:
    """Any state of the sponge goes in."""
    pairs = index if index < 6 else rng.randrange(20)
    pointer = 1000 + 4 * rng.randrange(50)
    values = elements(rng, 8 * pairs)
    state, below = elements(rng, 12), rest(rng, 2)
    if index % 16 == 15:
        return Case([*state, pointer, pointer + 8 * pairs + 8, *below], advice={"advice_stack": [str(value) for value in values]})
    if index % 16 == 14:
        return Case([*state, pointer + 2, pointer + 10, *below], advice=advice(elements(rng, 8), rng), expect=Failure("MemoryError"))
    end = pointer + 8 * pairs
    return Case([*state, pointer, end, *below], advice=advice(values, rng), memory=placed(values, pointer))


def pipe_words_to_memory(rng: random.Random, index: int) -> Case:
    """Any number of words, none included."""
    words = index if index < 12 else rng.randrange(40)
    pointer = 1000 + 4 * rng.randrange(50)
    values, below = elements(rng, 4 * words), rest(rng, 14)
    if index % 16 == 15:
        return Case([words + 1, pointer, *below], teardown=spill(11), advice={"advice_stack": [str(value) for value in values]})
    if index % 16 == 14:
        given = advice(elements(rng, 200), rng)
        return Case([words + 1, pointer + 1, *below], teardown=spill(11), advice=given, expect=Failure("MemoryError"))
    digest = hash_elements(values)
    memory = placed(values, pointer) | placed(list(digest)[::-1], SPILL + 4) if words else {}
    expect = [pointer + 4 * words, *below[:4]]
    return Case([words, pointer, *below], teardown=spill(11), advice=advice(values, rng), expect=expect, memory=memory)


def preimage(even: bool) -> Callable[[random.Random, int], Case]:
    """Make cases of words that must hash to a commitment."""

    def maker(rng: random.Random, index: int) -> Case:
        words = index if index < 12 else rng.randrange(40)
        words += words % 2 if even else 0
        pointer = 1000 + 4 * rng.randrange(50)
        values, below = elements(rng, 4 * words), rest(rng, 10)
        commitment = list(hash_elements(values))[::-1] if words else [0] * 4
        if index % 8 == 7:
            commitment[rng.randrange(4)] ^= 1
            failure = Failure("FailedAssertion", MISMATCH if even else 0)
            return Case([words, pointer, *commitment, *below], advice=advice(values, rng), expect=failure)
        if index % 16 == 14:
            more = words + 1
            values = elements(rng, 4 * more - (0 if even else 1))
            failure = Failure("FailedAssertion", ODD) if even else Failure("AdviceError")
            given = {"advice_stack": [str(value) for value in values]}
            return Case([more, pointer, *commitment, *below], advice=given, expect=failure if even else None)
        expect = [pointer + 4 * words, *below]
        return Case([words, pointer, *commitment, *below], advice=advice(values, rng), expect=expect, memory=placed(values, pointer))

    return maker


PROCEDURES = {
    "memcopy_elements": memcopy(1),
    "memcopy_words": memcopy(4),
    "pipe_double_words_to_memory": pipe_double_words_to_memory,
    "pipe_words_to_memory": pipe_words_to_memory,
    "pipe_preimage_to_memory": preimage(even=False),
    "pipe_double_words_preimage_to_memory": preimage(even=True),
}
