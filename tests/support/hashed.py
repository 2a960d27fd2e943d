"""What the cases of several hash functions have in common: messages worth a try."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from miden.field import P
from tests.support.corelib import Failure

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


def packed(data: bytes) -> list[int]:
    """Return bytes as elements, four bytes in each, the first one lowest."""
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


class BytesInMemory(NamedTuple):
    """A message in memory, the stack that names its place and length, and the failure that hashing it must be, if any."""

    data: bytes
    cells: dict[int, int]
    stack: list[int]
    failure: Failure | None


LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 135, 136, 137, 200, 508, 512, 516, 600)


def bytes_in_memory(rng: random.Random, index: int) -> BytesInMemory:
    """Return message number `index` as a precompile reads it; now and then one that it must refuse."""
    length = lengths_of(LENGTHS, rng, index, 300)
    start = 4 * rng.randrange(100)
    data = rng.randbytes(length)
    cells = dict(enumerate(packed(data), start))
    refused: Failure | None = Failure("EventError")
    stack = [start, length, *(rng.randrange(P) for _ in range(14))]
    match index % 16:
        case 9:
            stack[0] = start + rng.randrange(1, 4)
        case 10 if cells:
            cells[rng.choice(list(cells))] += rng.choice((2**32, 2**40))
        case 11 if length % 4:
            cells[max(cells)] |= 0xFF000000
        case 12:
            stack[1] = length + 16  # beyond what was ever written
        case 13:
            stack[1] = rng.choice((2**32, 2**34, P - 1))
        case _:
            refused = None
    return BytesInMemory(data, cells, stack, refused)
