"""Cases of `miden::core::crypto::aead`; the oracle is the sponge written down again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P
from miden.hashing import error_code
from miden.rpo import permute
from tests.support.corelib import Case, Failure, set_memory

if TYPE_CHECKING:
    import random

SIZES = (0, 1, 2, 3, 8, 16, 25)
LAST = [1, 0, 0, 0, 0, 0, 0, 0]


def words(rng: random.Random, count: int) -> list[int]:
    """Draw elements, most of them any, some of them zero."""
    return [rng.randrange(P) if rng.random() < 0.9 else 0 for _ in range(count)]


def seal(key: list[int], nonce: list[int], plain: list[int]) -> tuple[list[int], list[int]]:
    """Return ciphertext and tag of whole blocks, the last of which must be that of the padding."""
    state = permute([0] * 4 + key + nonce)
    state = [(state[0] + 1) % P, *state[1:4], *LAST]
    cipher: list[int] = []
    for at in range(0, len(plain), 8):
        state = permute(state)
        block = [(value + mask) % P for value, mask in zip(plain[at : at + 8], state[4:], strict=True)]
        cipher += block
        state = [*state[:4], *block]
    return cipher, permute(state)[4:8]


def blocks(rng: random.Random, index: int) -> int:
    """Return how many blocks case number `index` has."""
    return SIZES[index] if index < len(SIZES) else rng.randrange(12)


def encrypt(rng: random.Random, index: int) -> Case:
    """Encrypt what is in memory; now and then at addresses that will not do."""
    count, key, nonce, below = blocks(rng, index), words(rng, 4), words(rng, 4), words(rng, 5)
    plain = words(rng, 8 * count)
    source = 4 * rng.randrange(100)
    target = source + 8 * (count + 1) + 4 * rng.randrange(10)
    setup = set_memory(dict(enumerate(plain, source)))
    if index % 16 == 13:
        bad = rng.choice(((source + 1, target), (source, target + 2), (source, source + 4), (source, 2**32), (2**32 - 4, 0)))
        return Case([*nonce[::-1], *key[::-1], *bad, count, *below], setup)
    cipher, tag = seal(key, nonce, plain + LAST)
    memory = {source + 8 * count + place: value for place, value in enumerate(LAST)} | dict(enumerate(cipher, target))
    return Case([*nonce[::-1], *key[::-1], source, target, count, *below], setup, expect=[*tag[::-1], *below], memory=memory)


def decrypt(rng: random.Random, index: int) -> Case:
    """Decrypt what is in memory; now and then something that nobody encrypted."""
    count, key, nonce, below = blocks(rng, index), words(rng, 4), words(rng, 4), words(rng, 5)
    plain = words(rng, 8 * count)
    last = LAST
    expect: Failure | list[int] = below
    if index % 16 == 9:
        last = rng.choice(([1, 1, 0, 0, 0, 0, 0, 0], [7, 0, 0, 1, 5, 0, 0, 0], [0] * 7 + [1]))
        expect = Failure("FailedAssertion", error_code("AEAD tag mismatch"))
    elif index % 16 == 10:
        last, expect = [0, 0, 2, 0, 0, 0, 0, 0], Failure("EventError")
    cipher, tag = seal(key, nonce, plain + last)
    source = 4 * rng.randrange(100)
    target = source + 8 * (count + 2) + 4 * rng.randrange(10)
    written = [*cipher, *tag]
    memory = {**dict(enumerate(plain + LAST, target)), **dict(enumerate(written, source))}
    stack = [*nonce[::-1], *key[::-1], source, target, count, *below]
    if index % 16 == 11:
        place = rng.randrange(len(written))
        written[place] = (written[place] + 1) % P
        expect = Failure("EventError")
    elif index % 16 == 12:
        place = rng.randrange(8)
        stack[place] = (stack[place] + 1) % P
        expect = Failure("EventError")
    elif index % 16 == 13:
        stack[8], expect = rng.choice((source + 1, source + 4, 2**32)), Failure("EventError")
    elif index % 16 == 14:
        written, expect = written[: 8 * count], Failure("EventError")
    elif index % 16 == 15:
        stack[9], expect = rng.choice(((target + 1, Failure("MemoryError")), (source, Failure("MemoryError"))))
    setup = set_memory(dict(enumerate(written, source)))
    advice = {"advice_stack": [str(value) for value in words(rng, index % 3)]}
    return Case(stack, setup, advice=advice, expect=expect, memory=None if isinstance(expect, Failure) else memory)


PROCEDURES = {"decrypt": decrypt, "encrypt": encrypt}
