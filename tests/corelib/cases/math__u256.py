"""Cases of `miden::core::math::u256`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corelib.cases.math__u64 import rest, spoiled
from tests.support.corelib import SPILL, Case, Failure, pairs, spill

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

U256 = 2**256
ONES = U256 - 1
EDGES = (0, 1, 2**32 - 1, 2**32, 2**128 - 1, 2**128, 2**255, U256 - 2**32, U256 - 2, ONES)


def number(rng: random.Random) -> int:
    """Draw a number of any size, sometimes with limbs of zeros or ones."""
    value = rng.getrandbits(rng.randint(1, 256))
    if rng.random() < 0.5:
        for limb in range(8):
            value &= ~(2**32 - 1 << 32 * limb) if rng.random() < 0.2 else ONES
            value |= 2**32 - 1 << 32 * limb if rng.random() < 0.2 else 0
    return value


def limbs(value: int) -> list[int]:
    """Return the limbs of a number as they lie on the stack."""
    return [value >> 32 * place & 2**32 - 1 for place in range(7, -1, -1)]


def binary(oracle: Callable[[int, int], Sequence[int]], growth: int = 0) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of two numbers."""

    def maker(rng: random.Random, index: int) -> Case:
        a, b = pairs(EDGES, rng, index) if index < len(EDGES) ** 2 else (number(rng), number(rng))
        if index % 5 == 4:
            b = a ^ (1 << rng.randrange(256) if rng.random() < 0.5 else 0)
        below = rest(rng, 8)
        setup = " ".join(f"push.{value}" for value in reversed([*limbs(b), *limbs(a)]))
        if index % 16 == 15:
            return Case(spoiled([*limbs(b), *limbs(a)], rng, 16), teardown=spill(growth))
        if index % 16 == 14 and growth:  # with no more than its operands on the stack it leaves more than sixteen elements
            return Case([*limbs(b), *limbs(a)], expect=Failure("OutputStackOverflow"))
        if index % 3 == 0:  # something below the operands that must stay
            cells = {SPILL + place: int(value) for place, value in enumerate([*oracle(a, b), *below])}
            return Case(below, setup, spill(16), memory=cells)
        return Case([*limbs(b), *limbs(a)], teardown=spill(growth), expect=[] if growth else oracle(a, b))

    return maker


def unary(oracle: Callable[[int], Sequence[int]]) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure of one number."""

    def maker(rng: random.Random, index: int) -> Case:
        a = EDGES[index] if index < len(EDGES) else number(rng) if index % 2 else 1 << rng.randrange(256)
        below = rest(rng, 8)
        if index % 16 == 15:
            return Case(spoiled([*limbs(a), *below], rng, 8))
        return Case([*limbs(a), *below], expect=[*oracle(a), *below])

    return maker


PROCEDURES = {
    "wrapping_add": binary(lambda a, b: limbs((a + b) % U256)),
    "wrapping_sub": binary(lambda a, b: limbs((a - b) % U256)),
    "wrapping_mul": binary(lambda a, b: limbs(a * b % U256), growth=8),
    "eq": binary(lambda a, b: [a == b]),
    "eqz": unary(lambda a: [a == 0]),
    "and": binary(lambda a, b: limbs(a & b)),
    "or": binary(lambda a, b: limbs(a | b)),
    "xor": binary(lambda a, b: limbs(a ^ b)),
}
