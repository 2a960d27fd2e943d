"""What the cases of several hash functions have in common: messages worth a try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

U32_MAX = 2**32 - 1


def message_elements(rng: random.Random, index: int, size: int) -> list[int]:
    """Return a message of so many elements: edge values first, now and then an element that is no 32-bit number."""
    edges = ([0] * size, [U32_MAX] * size, [1] + [0] * (size - 1), [0] * (size - 1) + [1], [0x80000000] * size, list(range(size)))
    if index < len(edges):
        return list(edges[index])
    message = [rng.getrandbits(32) for _ in range(size)]
    if index % 8 == 6:
        message[index // 8 % size] = rng.choice((2**32, 2**32 + 1, 2**40, P - 1))
    elif index % 8 == 7:
        message = [rng.choice((0, 1, U32_MAX, rng.getrandbits(32))) for _ in range(size)]
    return message


def hashed_stack(rng: random.Random, message: Sequence[int]) -> list[int]:
    """Return a stack of sixteen elements with a message on top."""
    return [*message, *(rng.randrange(P) for _ in range(16 - len(message)))]


def deep_stack(rng: random.Random, message: Sequence[int], index: int) -> tuple[list[int], str]:
    """Return a stack and MASM after which a message is on top: every other time the stack is deeper than sixteen then."""
    if index % 2:
        return hashed_stack(rng, ()), f"push.{'.'.join(map(str, reversed(message)))}"
    return hashed_stack(rng, message), ""


def lengths_of(edges: Sequence[int], rng: random.Random, index: int, most: int) -> int:
    """Return the length of message number `index`: edges first, then anything up to `most`."""
    return edges[index] if index < len(edges) else rng.randrange(most + 1)
