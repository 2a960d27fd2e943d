"""The hash functions that guests can ask for: five of them, one written here because no library of the base install has it."""

from __future__ import annotations

import hashlib

from miden.actors.prices import BLAKE2B_512, KECCAK_256, RIPEMD_160
from miden.ipld.multihash import BLAKE2B_256, SHA2_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MASK = (1 << 64) - 1
_RATE = 136
"""Bytes that Keccak takes in at a time, for a digest of 32 bytes."""


def _round_constants() -> list[int]:
    """Return the constants of the 24 rounds, from the shift register that defines them."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << (1 << power) - 1
            register = register << 1 ^ (0x171 if register >> 7 else 0)
        constants.append(constant)
    return constants


def _offsets() -> list[tuple[int, int]]:
    """Return for each step of the walk over the lanes where it goes and by how much it turns."""
    x, y, steps = 1, 0, []
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        steps.append((x + 5 * y, (step + 1) * (step + 2) // 2 % 64))
    return steps


_CONSTANTS = _round_constants()
_STEPS = _offsets()


def _turn(lane: int, count: int) -> int:
    return (lane << count | lane >> 64 - count) & _MASK


def _permute(lanes: list[int]) -> None:
    for constant in _CONSTANTS:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        for x in range(5):
            mixed = parity[x - 1] ^ _turn(parity[(x + 1) % 5], 1)
            for y in range(0, 25, 5):
                lanes[x + y] ^= mixed
        held = lanes[1]
        for target, count in _STEPS:
            lanes[target], held = _turn(held, count), lanes[target]
        for y in range(0, 25, 5):
            row = lanes[y : y + 5]
            for x in range(5):
                lanes[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
        lanes[0] ^= constant


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 digest of bytes, with the padding from before SHA-3.

    >>> keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    padding = bytearray(_RATE - len(data) % _RATE)
    padding[0] = 1
    padding[-1] |= 0x80
    padded = data + padding
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for index in range(_RATE // 8):
            lanes[index] ^= int.from_bytes(padded[start + 8 * index : start + 8 * index + 8], "little")
        _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


HASHES: Mapping[int, Callable[[bytes], bytes]] = {
    SHA2_256: lambda data: hashlib.sha256(data).digest(),
    BLAKE2B_256: lambda data: hashlib.blake2b(data, digest_size=32).digest(),
    BLAKE2B_512: lambda data: hashlib.blake2b(data).digest(),
    KECCAK_256: keccak256,
    RIPEMD_160: lambda data: hashlib.new("ripemd160", data, usedforsecurity=False).digest(),
}
"""Multihash code -> the function."""
