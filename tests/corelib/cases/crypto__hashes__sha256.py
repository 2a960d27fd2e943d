"""Cases of `miden::core::crypto::hashes::sha256`; the oracle is hashlib."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from miden.field import P
from tests.support.corelib import SPILL, Case, Failure, set_memory, spill
from tests.support.hashed import deep_stack, lengths_of, message_elements

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

LENGTHS = (0, 1, 2, 3, 4, 5, 31, 32, 55, 56, 57, 60, 63, 64, 65, 68, 119, 120, 127, 128)


def digest(data: bytes) -> list[int]:
    """Return the words of a digest, as they are on the stack."""
    return _words(hashlib.sha256(data).digest())


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]


def fixed(size: int) -> Callable[[random.Random, int], Case]:
    """Return the maker of cases that hash so many elements on the stack."""

    def make(rng: random.Random, index: int) -> Case:
        message = message_elements(rng, index, size)
        stack, pushed = deep_stack(rng, message, index)
        if max(message) >= 2**32:
            return Case(stack, pushed, spill(8), expect=Failure("NotU32Values"))
        words = digest(b"".join(value.to_bytes(4, "big") for value in message))
        return Case(stack, pushed, spill(8), memory={SPILL + place: word for place, word in enumerate(words)})

    return make


def hash_bytes(rng: random.Random, index: int) -> Case:
    """Bytes in memory are hashed, whatever their number; the padding stays in memory."""
    length = lengths_of(LENGTHS, rng, index, 200)
    address = 4 * rng.randrange(100) + (rng.choice((0, 0, 2**24)))
    data = rng.randbytes(length)
    cells = {}
    for number, word in enumerate(_words(data + bytes(-length % 4))):
        cells[address + number + 3 - 2 * (number % 4)] = word
    below = [rng.randrange(P) for _ in range(14)]
    failure = None
    if index % 20 == 11:
        address, failure = address + rng.randrange(1, 4), Failure("MemoryError")
    elif index % 20 == 12 and cells:
        cells[rng.choice(list(cells))] += rng.choice((2**32, 2**33, 2**63))
        failure = Failure("NotU32Values")
    elif index % 20 == 13:
        length, failure = rng.choice(((2**29, Failure("FailedAssertion", 0)), (2**31 + 5, Failure("FailedAssertion", 0))))
    elif index % 20 == 14:
        address, failure = 2**32 + 4 * rng.randrange(100), Failure("NotU32Values")
    elif index % 20 == 15:
        # what is not zero after the message is added to, or overwritten, all the same
        cells |= {address + place: rng.randrange(2**32) for place in range(16 * ((length + 72) // 64))}
    memory = {SPILL + place: word for place, word in enumerate(digest(data))} if failure is None and index % 20 != 15 else None
    return Case([address, length, *below], set_memory(cells), spill(8), expect=failure, memory=memory)


PROCEDURES = {"hash": fixed(8), "merge": fixed(16), "hash_bytes": hash_bytes}
