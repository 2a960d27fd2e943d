"""RPO-256 from its paper, without a single constant of the package: a witness for tests, slow on purpose.

The round constants are the SHAKE-256 stream of the parameter string, nine bytes a constant, reduced modulo p; the
MDS matrix is the circulant of twelve small numbers.
"""

from __future__ import annotations

import functools
import hashlib

P = 2**64 - 2**32 + 1
WIDTH, ROUNDS = 12, 7
MDS_ROW = (7, 23, 8, 26, 13, 10, 9, 7, 6, 22, 21, 8)
ALPHA = 7
INVERSE_ALPHA = pow(ALPHA, -1, P - 1)


@functools.cache
def round_constants() -> tuple[int, ...]:
    """Return the 2 * 12 * 7 constants in the order in which the rounds use them."""
    count = 2 * WIDTH * ROUNDS
    stream = hashlib.shake_256(f"RPO({P},{WIDTH},4,128)".encode()).digest(9 * count)
    return tuple(int.from_bytes(stream[9 * i : 9 * i + 9], "little") % P for i in range(count))


def permute(state: list[int]) -> list[int]:
    """Return the permutation of twelve elements: capacity 0 to 3, rate 4 to 11."""
    constants = round_constants()
    for half in range(2 * ROUNDS):
        mixed = [sum(MDS_ROW[(j - i) % WIDTH] * state[j] for j in range(WIDTH)) for i in range(WIDTH)]
        power = INVERSE_ALPHA if half % 2 else ALPHA
        state = [pow(mixed[i] + constants[WIDTH * half + i], power, P) for i in range(WIDTH)]
    return state


def hash_elements(elements: list[int]) -> tuple[int, ...]:
    """Return the digest of a list of elements; the zero word for none."""
    state = [len(elements) % 8] + [0] * 11
    padded = elements + [0] * (-len(elements) % 8)
    for start in range(0, len(padded), 8):
        state[4:] = padded[start : start + 8]
        state = permute(state)
    return tuple(state[4:8])


def merge(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    """Return the parent of two digests in a Merkle tree."""
    return hash_elements([*left, *right])


def merkle_levels(leaves: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """Return all levels of the tree over 2**k leaves, the leaves first, the root alone last."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merge(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels
