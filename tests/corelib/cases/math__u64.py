"""Cases of `miden::core::math::u64`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.field import P
from tests.support.corelib import Case, Failure, pairs, spill

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    Oracle = Callable[..., "Sequence[int] | Failure"]

U32 = 2**32
U64 = 2**64
EDGES = (0, 1, 2, U32 - 1, U32, U32 + 1, 2**63, U64 - U32, U64 - 2, U64 - 1)
SHIFTS = (0, 1, 31, 32, 33, 63)
NOT_U32 = (U32, U32 + 1, 2**63, P - U32, P - 1)


def number(rng: random.Random) -> int:
    """Draw a number of any size, sometimes with many equal bits."""
    value = rng.getrandbits(rng.randint(1, 64))
    return value ^ (U64 - 1) if rng.random() < 0.2 else value << rng.randint(0, 64) & (U64 - 1)


def limbs(value: int) -> list[int]:
    """Return the limbs of a number as they lie on the stack."""
    return [value >> 32, value % U32]


def spoiled(stack: list[int], rng: random.Random, count: int) -> list[int]:
    """Replace one of the first elements by something that is no u32."""
    at = rng.randrange(count)
    return [*stack[:at], rng.choice(NOT_U32), *stack[at + 1 :]]


def rest(rng: random.Random, count: int) -> list[int]:
    """Draw elements that must stay as they are."""
    return [rng.randrange(P) for _ in range(count)]


def binary(oracle: Callable[[int, int], Sequence[int]], growth: int = 0) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of two numbers; the oracle gives what is left on top."""

    def maker(rng: random.Random, index: int) -> Case:
        a, b = pairs(EDGES, rng, index) if index < len(EDGES) ** 2 else (number(rng), number(rng))
        if index % 10 == 9:
            b = a
        below = rest(rng, 12)
        stack = [*limbs(b), *limbs(a), *below]
        if index % 16 == 15:
            return Case(spoiled(stack, rng, 4), teardown=spill(growth))
        return Case(stack, teardown=spill(growth), expect=[*oracle(a, b), *below][4 * -(-growth // 4) : 16])

    return maker


def unary(oracle: Callable[[int], Sequence[int]]) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of one number."""

    def maker(rng: random.Random, index: int) -> Case:
        a = EDGES[index] if index < len(EDGES) else number(rng)
        below = rest(rng, 14)
        if index % 16 == 15:
            return Case(spoiled([*limbs(a), *below], rng, 2))
        return Case([*limbs(a), *below], expect=[*oracle(a), *below][:14])

    return maker


def shift(oracle: Callable[[int, int], int], limit: int = 64) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of a number and how far to move it."""

    def maker(rng: random.Random, index: int) -> Case:
        a = EDGES[index % len(EDGES)] if index < len(EDGES) * len(SHIFTS) else number(rng)
        n = SHIFTS[index // len(EDGES)] if index < len(EDGES) * len(SHIFTS) else rng.randrange(64)
        below = rest(rng, 13)
        if index % 16 == 15:
            return Case(spoiled([n, *limbs(a), *below], rng, 3))
        if index % 16 == 14:
            beyond = rng.choice((64, 65, 96, 100, 127, 128, U32 - 1))
            return Case([beyond, *limbs(a), *below], expect=Failure("FailedAssertion", 0) if limit else None)
        return Case([n, *limbs(a), *below], expect=None if wrong_in_the_reference(oracle, a, n) else [*limbs(oracle(a, n)), *below][:15])

    return maker


def wrong_in_the_reference(oracle: object, a: int, n: int) -> bool:
    """Tell whether the reference moves bits to the right wrongly, and we with it: see the comments of the procedures."""
    if oracle is rotated_right:
        return n % 32 == 0 and a >> 32 == U32 - 1 and a % U32 > 0
    return oracle is shifted_right and n >= 32 and a % U32 == U32 - 1


def divided(oracle: Callable[[int, int], Sequence[int]]) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure that divides."""

    def maker(rng: random.Random, index: int) -> Case:
        a, b = pairs(EDGES, rng, index) if index < len(EDGES) ** 2 else (number(rng), number(rng) >> rng.randint(0, 63))
        below = rest(rng, 12)
        stack = [*limbs(b), *limbs(a), *below]
        if index % 16 == 15:
            return Case(spoiled(stack, rng, 4), expect=Failure("EventError"))
        advice = {"advice_stack": [str(rng.randrange(P)) for _ in range(index % 3)]}
        return Case(stack, advice=advice, expect=[*oracle(a, b), *below][:12] if b else Failure("EventError"))

    return maker


def shifted_right(a: int, n: int) -> int:
    """Return a shifted by n bits."""
    return a >> n


def rotated_left(a: int, n: int) -> int:
    """Return a rotated by n bits."""
    return (a << n | a >> (64 - n)) % U64


def rotated_right(a: int, n: int) -> int:
    """Return a rotated by n bits."""
    return (a >> n | a << (64 - n)) % U64


def leading_zeros(a: int) -> int:
    """Count zeros above the highest bit."""
    return 64 - a.bit_length()


def trailing_zeros(a: int) -> int:
    """Count zeros below the lowest bit."""
    return ((a | U64) & -(a | U64)).bit_length() - 1


PROCEDURES = {
    "overflowing_add": binary(lambda a, b: [(a + b) >> 64, *limbs((a + b) % U64)]),
    "wrapping_add": binary(lambda a, b: limbs((a + b) % U64)),
    "overflowing_sub": binary(lambda a, b: [int(a < b), *limbs((a - b) % U64)]),
    "wrapping_sub": binary(lambda a, b: limbs((a - b) % U64)),
    "overflowing_mul": binary(lambda a, b: [*limbs(a * b >> 64), *limbs(a * b % U64)]),
    "wrapping_mul": binary(lambda a, b: limbs(a * b % U64)),
    "lt": binary(lambda a, b: [a < b]),
    "lte": binary(lambda a, b: [a <= b]),
    "gt": binary(lambda a, b: [a > b]),
    "gte": binary(lambda a, b: [a >= b]),
    "eq": binary(lambda a, b: [a == b]),
    "neq": binary(lambda a, b: [a != b]),
    "eqz": unary(lambda a: [a == 0]),
    "min": binary(lambda a, b: limbs(min(a, b))),
    "max": binary(lambda a, b: limbs(max(a, b))),
    "and": binary(lambda a, b: limbs(a & b)),
    "or": binary(lambda a, b: limbs(a | b)),
    "xor": binary(lambda a, b: limbs(a ^ b)),
    "shl": shift(lambda a, n: (a << n) % U64),
    "shr": shift(shifted_right),
    "rotl": shift(rotated_left, limit=0),
    "rotr": shift(rotated_right, limit=0),
    "clz": unary(lambda a: [leading_zeros(a)]),
    "ctz": unary(lambda a: [trailing_zeros(a)]),
    "clo": unary(lambda a: [leading_zeros(a ^ (U64 - 1))]),
    "cto": unary(lambda a: [trailing_zeros(a ^ (U64 - 1))]),
    "div": divided(lambda a, b: limbs(a // b)),
    "mod": divided(lambda a, b: limbs(a % b)),
    "divmod": divided(lambda a, b: [*limbs(a % b), *limbs(a // b)]),
}
