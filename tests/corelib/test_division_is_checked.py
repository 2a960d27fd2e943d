"""A host that lies about a quotient is found out: what it gives is checked, not believed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

import miden
from miden.field import P

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = "miden::core::math::u64::u64_div"
U32, U64 = 2**32, 2**64
EDGES = (0, 1, 2, U32 - 1, U32, U32 + 1, U64 - U32, U64 - 2, U64 - 1)


def lies(a: int, b: int, rng: random.Random) -> Iterator[tuple[int, int, int, int]]:
    """Yield wrong answers, limbs in the order they are popped: quotient, then remainder, low limbs first."""
    quotient, remainder = divmod(a, b)
    for q, r in ((quotient + 1, remainder - b), (quotient - 1, remainder + b), (quotient, remainder + 1), (0, a), (rng.choice(EDGES), 0)):
        # as numbers modulo 2**64, and as limbs that are what the equation asks for in the field
        yield q % U32, q % U64 >> 32, r % U32, r % U64 >> 32
        yield q % P, 0, r % P, 0
        high = (a - q * b) * pow(U32, -1, P) % P
        yield q % U32, q % U64 >> 32, 0, high
    # products that wrap around p
    yield U32 - 1, 0, rng.randrange(U32), rng.randrange(U32)
    yield U32 - 1, U32 - 1, rng.choice(EDGES) % U32, rng.choice(EDGES) % U32
    good = (quotient % U32, quotient >> 32, remainder % U32, remainder >> 32)
    for place in range(4):
        yield tuple((value + (P - U32, 1, U32)[place % 3]) % P if at == place else value for at, value in enumerate(good))  # type: ignore[misc]


@pytest.mark.parametrize("name", ["div", "mod", "divmod"])
def test_a_wrong_quotient_or_remainder_fails(name: str) -> None:
    program = miden.assemble(f"begin exec.::miden::core::math::u64::{name} exec.::miden::core::sys::truncate_stack end")
    rng = random.Random(name)
    tried = 0
    for number in range(60):
        a, b = (rng.choice(EDGES) if number % 2 else rng.randrange(U64) for _ in range(2))
        b = b >> rng.randrange(64) or 1
        quotient, remainder = divmod(a, b)
        good = (quotient % U32, quotient >> 32, remainder % U32, remainder >> 32)
        for answer in (good, *lies(a, b, rng)):
            host = miden.Host(handlers={EVENT: lambda _, answer=answer: [miden.ExtendStack.popped_first(answer)]})  # type: ignore[misc]
            stack = [b >> 32, b % U32, a >> 32, a % U32]
            if answer == good:
                miden.execute(program, stack=stack, host=host)
                continue
            tried += 1
            with pytest.raises(miden.ExecutionError):
                miden.execute(program, stack=stack, host=host)
    assert tried > 900
