"""Cases of `miden::core::crypto::dsa::ecdsa_k256_keccak`; the oracle is plain arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.corelib.handlers.hashes import keccak256
from miden.hashing import error_code
from tests.support.signed import ORDER, G, Signed, compressed, flipped, prehash, sign, times, verifies, whole

if TYPE_CHECKING:
    import random

    from miden.field import Word


def signed(rng: random.Random, index: int, digest: bytes, *, fixed: bool = False) -> Signed:
    """Sign a digest, and spoil that in every other case; a fixed digest is left as it is."""
    secret = rng.randrange(1, ORDER)
    key = compressed(times(secret, G))
    signature = sign(secret, digest, rng.randrange(1, ORDER))
    r, s, v = signature[:32], signature[32:64], signature[64:]
    match index % 16:
        case 1:
            signature = flipped(signature[:64], rng) + v
        case 3:
            key = flipped(key, rng)
        case 5 if not fixed:
            digest = flipped(digest, rng)
        case 7:
            signature = r + (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big") + v
        case 9:
            signature = rng.choice((bytes(32) + s, r + bytes(32), ORDER.to_bytes(32, "big") + s, b"\xff" * 32 + s)) + v
        case 11:
            signature = r + s + bytes([rng.choice((4, 27, 255))])
        case 13:
            key = bytes([rng.choice((0, 1, 4, 6))]) + key[1:]
        case 14:
            signature = r + s + bytes([rng.randrange(4)])
        case 15:
            key = key[:1] + rng.randbytes(32)
    return Signed(key, digest, signature, verifies(key, digest, signature))


def prehashed(rng: random.Random, index: int) -> Signed:
    """Sign any digest."""
    return signed(rng, index, bytes(32) if index == 16 else b"\xff" * 32 if index == 18 else rng.randbytes(32))


def message(rng: random.Random, index: int, word: Word) -> Signed:
    """Sign a word."""
    return signed(rng, index, keccak256(word.to_bytes()), fixed=True)


PROCEDURES = {
    "verify": whole(message, error_code("ECDSA signature verification failed")),
    "verify_prehash": prehash(prehashed, impl=False),
    "verify_prehash_impl": prehash(prehashed, impl=True),
}
