"""Cases of `miden::core::crypto::hashes::keccak256`; the oracle is pycryptodome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from Crypto.Hash import keccak

from miden.corelib.handlers.hashes import verify_keccak256
from tests.support.corelib import SPILL, Case, Failure, set_memory, spill
from tests.support.hashed import bytes_in_memory, deep_stack, message_elements, packed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


def digest(data: bytes) -> list[int]:
    """Return the elements of a digest."""
    return packed(keccak.new(digest_bits=256, data=data).digest())


def fixed(size: int) -> Callable[[random.Random, int], Case]:
    """Return the maker of cases that hash so many elements on the stack."""

    def make(rng: random.Random, index: int) -> Case:
        message = message_elements(rng, index, size)
        stack, pushed = deep_stack(rng, message, index)
        if max(message) >= 2**32:
            return Case(stack, pushed, spill(8), expect=Failure("EventError"))
        words = digest(b"".join(value.to_bytes(4, "little") for value in message))
        # the next word from the transcript shows that the same was logged
        return Case(stack, pushed, f"{spill(8)} log_precompile", memory={SPILL + place: word for place, word in enumerate(words)})

    return make


def hash_bytes(rng: random.Random, index: int) -> Case:
    """Bytes in memory are hashed, whatever their number."""
    message = bytes_in_memory(rng, index)
    memory = {SPILL + place: word for place, word in enumerate(digest(message.data))}
    setup = set_memory(message.cells)
    return Case(message.stack, setup, f"{spill(8)} log_precompile", expect=message.failure, memory=None if message.failure else memory)


def hash_bytes_impl(rng: random.Random, index: int) -> Case:
    """What would be logged is on top of the digest."""
    message = bytes_in_memory(rng, index)
    tag, commitment = verify_keccak256(message.data)
    words = [*commitment[::-1], *tag[::-1], *digest(message.data)]
    memory = {SPILL + place: word for place, word in enumerate(words)}
    return Case(message.stack, set_memory(message.cells), spill(16), expect=message.failure, memory=None if message.failure else memory)


PROCEDURES = {"hash": fixed(8), "hash_bytes": hash_bytes, "hash_bytes_impl": hash_bytes_impl, "merge": fixed(16)}
