"""Cases of `miden::core::crypto::hashes::sha512`; the oracle is hashlib."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from miden.corelib.handlers.hashes import verify_sha512
from tests.support.corelib import SPILL, Case, set_memory, spill
from tests.support.hashed import bytes_in_memory, packed

if TYPE_CHECKING:
    import random


def hash_bytes(rng: random.Random, index: int) -> Case:
    """Bytes in memory are hashed, whatever their number; the next word from the transcript shows what was logged."""
    message = bytes_in_memory(rng, index)
    words = packed(hashlib.sha512(message.data).digest())
    memory = {SPILL + place: word for place, word in enumerate(words)}
    setup = set_memory(message.cells)
    return Case(message.stack, setup, f"{spill(16)} log_precompile", expect=message.failure, memory=None if message.failure else memory)


def hash_bytes_impl(rng: random.Random, index: int) -> Case:
    """What would be logged is on top of the digest."""
    message = bytes_in_memory(rng, index)
    tag, commitment = verify_sha512(message.data)
    words = [*commitment[::-1], *tag[::-1], *packed(hashlib.sha512(message.data).digest())]
    memory = {SPILL + place: word for place, word in enumerate(words)}
    return Case(message.stack, set_memory(message.cells), spill(24), expect=message.failure, memory=None if message.failure else memory)


PROCEDURES = {"hash_bytes": hash_bytes, "hash_bytes_impl": hash_bytes_impl}
