"""Cases of `miden::core::crypto::hashes::blake3`; the oracle is the blake3 package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from tests.support.corelib import SPILL, Case, Failure, spill
from tests.support.hashed import deep_stack, message_elements

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


def digest(message: list[int]) -> list[int]:
    """Return the words of the digest of a message given in words."""
    data = blake3(b"".join(value.to_bytes(4, "little") for value in message)).digest()
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, 32, 4)]


def fixed(size: int) -> Callable[[random.Random, int], Case]:
    """Return the maker of cases that hash so many elements on the stack."""

    def make(rng: random.Random, index: int) -> Case:
        message = message_elements(rng, index, size)
        stack, pushed = deep_stack(rng, message, index)
        if max(message) >= 2**32:
            return Case(stack, pushed, spill(8), expect=Failure("NotU32Values"))
        memory = {SPILL + place: word for place, word in enumerate(digest(message))}
        return Case(stack, pushed, spill(8), memory=memory)

    return make


PROCEDURES = {"hash": fixed(8), "merge": fixed(16)}
