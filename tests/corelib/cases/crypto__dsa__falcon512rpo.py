"""Cases of `miden::core::crypto::dsa::falcon512rpo`; the oracle is numpy. No key is needed to have signatures: it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from miden.field import P, Word
from miden.hashing import hash_elements, merge, permute
from tests.support.corelib import TRUNCATE, Case, Failure, set_memory

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from numpy.typing import NDArray

    Poly = NDArray[np.int64]

M = 12289
N = 512
J = N * M * M
NUMBERS = (0, 1, M - 1, M, M + 1, 6144, 6145, 2**32 - 1)
LIMBS = (0, 1, M, 2**31, 2**32 - 1, 2**32, P - 1)

ROOT = pow(11, (M - 1) // (2 * N), M)
POWERS = np.array([pow(ROOT, n, M) for n in range(2 * N)], dtype=np.int64)
FORWARD = POWERS[np.outer(2 * np.arange(N) + 1, np.arange(N)) % (2 * N)]
"""Values at the odd powers of a root of unity: those are the roots of x^512 + 1."""


def inverse(values: Poly) -> Poly:
    """Return the polynomial with these values."""
    back = POWERS[(-np.outer(np.arange(N), 2 * np.arange(N) + 1)) % (2 * N)]
    return back @ values % M * pow(N, -1, M) % M


def rest(rng: random.Random, count: int) -> list[int]:
    """Draw elements that must stay as they are."""
    return [rng.randrange(P) for _ in range(count)]


def centred(values: Poly) -> Poly:
    """Return the numbers nearest to zero."""
    return np.where(values % M > M // 2, values % M - M, values % M)


def hashed(message: Word, nonce: list[int]) -> list[int]:
    """Return the coefficients of c."""
    state = permute([0] * 4 + nonce)
    state = [*state[:4], *message, *state[8:]]
    found: list[int] = []
    for _ in range(N // 8):
        state = permute(state)
        found += state[4:]
    return found


def product(h: list[int], s2: list[int]) -> list[int]:
    """Return the 1024 coefficients of a product of integers."""
    return [*np.convolve(np.array(h, dtype=np.int64), np.array(s2, dtype=np.int64)).tolist(), 0]


def loaded(h: list[int], s2: list[int], pi: list[int]) -> list[int]:
    """Return the advice: the point and the polynomials."""
    values = [*h, *s2, *pi]
    return [*hash_elements(values)[:2], *values]


def key(h: list[int]) -> Word:
    """Return the hash of a key."""
    return hash_elements(h)


def signature(rng: random.Random, message: Word, size: int) -> tuple[list[int], list[int], list[int]]:
    """Return h, s2 and nonce that verify, if the coefficients are not too large."""
    nonce = [rng.randrange(2**40) for _ in range(8)]
    c = np.array([value % M for value in hashed(message, nonce)], dtype=np.int64)
    s1 = np.array([rng.randrange(-size, size + 1) for _ in range(N)], dtype=np.int64)
    while True:
        s2 = np.array([rng.randrange(-size, size + 1) for _ in range(N)], dtype=np.int64) % M
        values = FORWARD @ s2 % M
        if values.all():
            break
    inverses = np.array([pow(int(value), -1, M) for value in values], dtype=np.int64)
    h = inverse(FORWARD @ ((c - s1) % M) % M * inverses % M)
    return h.tolist(), s2.tolist(), nonce


def advice(values: list[int]) -> dict[str, Any]:
    """Return what is on the advice stack."""
    return {"advice_stack": [str(value) for value in values]}


def verify(rng: random.Random, index: int) -> Case:
    """Verify a signature; the others are spoiled."""
    message, below = Word(rest(rng, 4)), rest(rng, 8)
    h, s2, nonce = signature(rng, message, 600 if index % 16 == 9 else rng.choice((1, 100, 200, 250)))
    pi, public = product(h, s2), key(h)
    failed = Failure("FailedAssertion", 0)
    expect: list[int] | Failure | None = below
    values = [*loaded(h, s2, pi), *nonce]
    place = rng.randrange(2, 2 + N)
    match index % 16:
        case 3:  # a key with another hash
            public, expect = Word((public[0] + 1, *public[1:])), failed
        case 5:  # another message
            message, expect = Word((*message[:3], message[3] ^ 1)), None
        case 7:  # another nonce
            values[-rng.randrange(1, 9)] += 1
            expect = None
        case 9:  # too long
            expect = failed
        case 11:  # another s2, not that of the product
            values[place + N] = (values[place + N] + 1) % M
            expect = failed
        case 12:  # coefficients that are too large
            values[place + N * rng.randrange(2)] = rng.choice((M, M + 1, 2**32 - 1))
            expect = failed
        case 13:
            values[place + N * rng.randrange(2)] = rng.choice((2**32, P - 1))
            expect = Failure("NotU32Values")
        case 14:  # another point
            values[rng.randrange(2)] ^= 1
            expect = failed
        case 15:  # another product, at the point that it hashes to
            pi[place] += 1
            values, expect = [*loaded(h, s2, pi), *nonce], failed
    if index == 32:
        values, expect = values[:-1], Failure("AdviceError")
    elif index == 48:
        values, expect = [0, 0, *values[2:]], None
    return Case([*public[::-1], *message[::-1], *below], advice=advice(values), expect=expect)


def load_h_s2_and_product(rng: random.Random, index: int) -> Case:
    """Copy polynomials, which may be any."""
    h, s2 = ([rng.choice((0, M - 1)) if index % 4 == 1 else rng.randrange(M) for _ in range(N)] for _ in range(2))
    pi, public, below, address = product(h, s2), key(h), rest(rng, 11), 4 * rng.randrange(100)
    memory: dict[int, int] | None = dict(enumerate([*h, *s2, *pi], address))
    expect: list[int] | Failure | None = below
    if index % 8 == 7:
        pi[rng.randrange(1024)] += 1
        expect, memory = Failure("FailedAssertion", 0), None
    elif index % 16 == 13:
        address, expect, memory = address + 1, Failure("MemoryError"), None
    return Case([address, *public[::-1], *below], advice=advice(loaded(h, s2, pi)), expect=expect, memory=memory)


def hash_to_point(rng: random.Random, index: int) -> Case:
    """Hash anything."""
    message, nonce, address, below = Word(rest(rng, 4)), rest(rng, 8), 4 * rng.randrange(100), rest(rng, 3)
    memory = dict(enumerate(hashed(message, nonce), address))
    if index % 16 == 15:
        return Case([address + 1, *message[::-1], *nonce[::-1], *below], expect=Failure("MemoryError"))
    return Case([address, *message[::-1], *nonce[::-1], *below], expect=below, memory=memory)


def compute_s1_norm_sq(rng: random.Random, index: int) -> Case:
    """Square c - pi, reduced."""
    top = rng.choice((1, J))
    pi = [rng.choice((0, top)) if index % 4 == 1 else rng.randrange(J + 1) for _ in range(1024)]
    c = [rng.choice((0, P - 1, 2**32, 2**32 - 1)) if index % 4 == 2 else rng.randrange(P) for _ in range(N)]
    s1 = [(c[at] - pi[at] + pi[at + N]) % M for at in range(N)]
    address, below = 4 * rng.randrange(100), rest(rng, 14)
    expect = [sum(int(value) ** 2 for value in centred(np.array(s1, dtype=np.int64))), *below]
    return Case([address, *below, 0], set_memory(dict(enumerate([*pi, *c], address))), TRUNCATE, expect=expect)


def compute_s2_norm_sq(rng: random.Random, index: int) -> Case:
    """Square what is nearest to zero."""
    s2 = [rng.choice((0, 6144, 6145, M - 1)) if index % 4 == 1 else rng.randrange(M) for _ in range(N)]
    address, below = 4 * rng.randrange(100), rest(rng, 14)
    expect: list[int] | Failure = [sum(int(value) ** 2 for value in centred(np.array(s2, dtype=np.int64))), *below]
    if index % 16 == 15:
        s2[rng.randrange(N)], expect = 2**32, Failure("NotU32Values")
    return Case([address, *below, 0], set_memory(dict(enumerate(s2, address))), TRUNCATE, expect=expect)


def diff_mod_m(rng: random.Random, index: int) -> Case:
    """Subtract what a product may have; c may be any element."""
    c = (0, 1, P - 1, 2**32, 2**32 - 1)[index] if index < 5 else rng.randrange(P)
    low, high = (rng.choice((0, J, rng.randrange(J))) for _ in range(2))
    below = rest(rng, 12)
    stack = [low, high + J, c >> 32, c % 2**32, *below]
    if index % 16 == 15:
        stack[rng.choice((2, 3))] = rng.choice((2**32, P - 1))
        return Case(stack, expect=Failure("NotU32Values"))
    return Case(stack, expect=[(c + high - low) % M, *below])


def mod_12289(rng: random.Random, index: int) -> Case:
    """Reduce."""
    pairs = [(high, low) for high in LIMBS for low in LIMBS]
    high, low = pairs[index] if index < len(pairs) else (rng.getrandbits(rng.randrange(33)), rng.getrandbits(32))
    below = rest(rng, 14)
    expect: list[int] | Failure = [((high << 32) + low) % M, *below] if max(high, low) < 2**32 else Failure("EventError")
    return Case([high, low, *below], expect=expect)


def norm_sq(rng: random.Random, index: int) -> Case:
    """Square."""
    e = NUMBERS[index] if index < len(NUMBERS) else rng.choice((rng.randrange(M), rng.getrandbits(32)))
    below = rest(rng, 15)
    if index % 16 == 15:
        return Case([2**32 + e, *below], expect=Failure("NotU32Values"))
    return Case([e, *below], expect=[(e if e <= M // 2 else M - e) ** 2 % P, *below])


def move_sig_from_map_to_adv_stack(rng: random.Random, index: int) -> Case:
    """Move anything."""
    public, message, below = Word(rest(rng, 4)), Word(rest(rng, 4)), rest(rng, 8)
    values = rest(rng, rng.randrange(6))
    name = merge(message, public) if index % 8 < 7 else merge(public, message)
    expect = [*public[::-1], *message[::-1], *below] if index % 8 < 7 else Failure("AdviceError")
    return Case([*public[::-1], *message[::-1], *below], advice={"advice_map": {name.to_hex(): values}}, expect=expect)


PROCEDURES: dict[str, Callable[[random.Random, int], Case]] = {
    "compute_s1_norm_sq": compute_s1_norm_sq,
    "compute_s2_norm_sq": compute_s2_norm_sq,
    "diff_mod_M": diff_mod_m,
    "hash_to_point": hash_to_point,
    "load_h_s2_and_product": load_h_s2_and_product,
    "mod_12289": mod_12289,
    "move_sig_from_map_to_adv_stack": move_sig_from_map_to_adv_stack,
    "norm_sq": norm_sq,
    "verify": verify,
}
