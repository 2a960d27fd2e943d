"""Cases of `miden::core::crypto::hashes::rpo256`; the oracle is the permutation in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P
from miden.rpo import hash_elements, permute
from tests.support.corelib import SPILL, Case, Failure, set_memory, spill

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

NUMBERS = (*range(18), 127, 128, 129, 136, 255, 256, 259, 383, 400)
"""Numbers of elements worth a try: all that can be left over, and those around the lengths at which absorbing changes gear."""


def felts(rng: random.Random, count: int) -> list[int]:
    """Return so many elements, some of them special."""
    return [rng.choice((0, 1, P - 1)) if rng.random() < 0.1 else rng.randrange(P) for _ in range(count)]


def permuted(stack: Sequence[int]) -> list[int]:
    """Return what `hperm` makes of twelve elements, top first."""
    return list(permute(list(stack[:12])[::-1]))[::-1]


def init_no_padding(rng: random.Random, index: int) -> Case:
    """Twelve zeros on the stack."""
    stack = felts(rng, 16)
    return Case(stack, teardown=spill(12), expect=stack, memory={SPILL + place: 0 for place in range(12)})


def squeeze_digest(rng: random.Random, index: int) -> Case:
    """The second word of a state stays."""
    stack = felts(rng, 16)
    return Case(stack, expect=stack[4:8] + stack[12:])


def copy_digest(rng: random.Random, index: int) -> Case:
    """The second word of a state is copied to the top."""
    stack = felts(rng, 16)
    return Case(stack, teardown=spill(4), expect=stack, memory={SPILL + place: value for place, value in enumerate(stack[4:8])})


def permute_state(rng: random.Random, index: int) -> Case:
    """Twelve elements are permuted."""
    stack = felts(rng, 16)
    return Case(stack, expect=permuted(stack) + stack[12:])


def hash_word(rng: random.Random, index: int) -> Case:
    """One word is hashed."""
    stack = felts(rng, 16)
    return Case(stack, expect=list(hash_elements(stack[3::-1]))[::-1] + stack[4:])


def merge(rng: random.Random, index: int) -> Case:
    """Two words are hashed."""
    stack = felts(rng, 16)
    return Case(stack, expect=list(hash_elements(stack[7::-1]))[::-1] + stack[8:])


def _memory(rng: random.Random, start: int, count: int) -> dict[int, int]:
    """Return cells of a message and of something after it, which must make no difference."""
    return dict(zip(range(start, start + count + 9), felts(rng, count + 9), strict=True))


def _absorb(state: Sequence[int], elements: Sequence[int]) -> list[int]:
    stack = list(state[:12])
    for at in range(0, len(elements), 8):
        stack = permuted([*elements[at : at + 8][::-1], *stack[8:12]])
    return stack


def absorb(rng: random.Random, index: int) -> Case:
    """Double words in memory go into a state."""
    start, count = 4 * rng.randrange(1, 100), 8 * (index if index < 5 else rng.randrange(20))
    cells = _memory(rng, start, count)
    stack = [*felts(rng, 12), start, start + count, *felts(rng, 2)]
    if index % 10 == 9 and count:
        stack[12:14] = start + 2, start + count + 2
        return Case(stack, set_memory(cells), expect=Failure("MemoryError"))
    after = _absorb(stack, [cells[start + place] for place in range(count)])
    return Case(stack, set_memory(cells), expect=[*after, start + count, start + count, *stack[14:]])


def ranged(unit: int, code: int) -> Callable[[random.Random, int], Case]:
    """Return the maker of cases that hash a range of memory in units of so many elements."""

    def make(rng: random.Random, index: int) -> Case:
        start, count = 4 * rng.randrange(1, 100), unit * (index if index < 40 else rng.randrange(60))
        cells = _memory(rng, start, count)
        end, failure = start + count, None
        if index % 12 == 7:
            start, end, failure = end + unit, start, Failure("FailedAssertion", code)
        elif index % 12 == 8:
            end, failure = 2**32 + unit * rng.randrange(5), Failure("NotU32Values", 0)
        elif index % 12 == 9 and count:
            start, end, failure = start + 1, end + 1, Failure("MemoryError")
        digest = list(hash_elements([cells[start + place] for place in range(count)]))[::-1] if failure is None else []
        stack = [start, end, *felts(rng, 14)]
        memory = {SPILL + place: value for place, value in enumerate(digest)}
        return Case(stack, set_memory(cells), spill(4), expect=failure or stack[2:14], memory=memory or None)

    return make


def counted(padded: bool, state: Sequence[int] | None = None) -> Callable[[random.Random, int], Case]:
    """Return the maker of cases that hash a number of elements in memory."""

    def make(rng: random.Random, index: int) -> Case:
        start, count = 4 * rng.randrange(1, 100), NUMBERS[index] if index < len(NUMBERS) else rng.randrange(300)
        cells = _memory(rng, start, count)
        elements = [cells[start + place] for place in range(count)]
        given, failure = (start, count), None
        if index % 12 == 7 and count:
            given, failure = (start + rng.randrange(1, 4), count), Failure("MemoryError")
        elif index % 12 == 8:
            given, failure = (start, rng.choice((2**32, 2**32 + 8, 2**40, P - 1))), Failure("NotU32Values", 0)
        digest = list(hash_elements(elements + [0] * (-count % 8) if padded else elements))[::-1]
        stack = [*given, *felts(rng, 14)]
        memory = {SPILL + place: value for place, value in enumerate(digest)}
        return Case(stack, set_memory(cells), spill(4), expect=failure or stack[2:14], memory=None if failure else memory)

    return make


def prepare_hasher_state(rng: random.Random, index: int) -> Case:
    """A state and three numbers are put on the stack."""
    start, count, padded = rng.randrange(2**20), NUMBERS[index % len(NUMBERS)], index % 2
    stack = [start, count, padded, *felts(rng, 13)]
    if index % 10 == 8:
        stack[1] = rng.choice((2**32, P - 1))
        return Case(stack, teardown=spill(12), expect=Failure("NotU32Values", 0))
    if index % 10 == 9:
        stack[2] = rng.choice((2, P - 1))
        return Case(stack, teardown=spill(12), expect=Failure("NotBinaryValueOp"))
    memory = {SPILL + place: 0 for place in range(11)} | {SPILL + 11: 0 if padded else count % 8}
    return Case(stack, teardown=spill(12), expect=[start, start + count // 8 * 8, count % 8, *stack[3:]], memory=memory)


def hash_elements_with_state(rng: random.Random, index: int) -> Case:
    """Elements in memory are hashed with any state to begin with."""
    start, count = 4 * rng.randrange(1, 100), NUMBERS[index] if index < len(NUMBERS) else rng.randrange(300)
    cells = _memory(rng, start, count)
    elements = [cells[start + place] for place in range(count)]
    stack = [*felts(rng, 12), start, start + count // 8 * 8, count % 8, *felts(rng, 1)]
    if index % 12 == 11:
        # more than can be left over counts as one
        stack[14] = rng.choice((8, 9, 15, 2**32, P - 1))
        elements = [cells[start + place] for place in range(count // 8 * 8 + 1)]
    after = _absorb(stack, elements + [0] * (-len(elements) % 8))
    return Case(stack, set_memory(cells), expect=[*after[4:8], stack[15]])


PROCEDURES = {
    "absorb_double_words_from_memory": absorb,
    "copy_digest": copy_digest,
    "hash": hash_word,
    "hash_double_words": ranged(8, 9294201763388457857),
    "hash_elements": counted(padded=False),
    "hash_elements_with_state": hash_elements_with_state,
    "hash_words": ranged(4, 0),
    "init_no_padding": init_no_padding,
    "merge": merge,
    "pad_and_hash_elements": counted(padded=True),
    "permute": permute_state,
    "prepare_hasher_state": prepare_hasher_state,
    "squeeze_digest": squeeze_digest,
}
