"""Cases of `miden::core::crypto::dsa::eddsa_ed25519`; the oracle is the `cryptography` package, where it is as strict."""

from __future__ import annotations

from hashlib import sha512
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from miden.corelib.handlers.edwards import ORDER, decode
from miden.hashing import error_code
from tests.support.signed import Signed, flipped, prehash, whole

if TYPE_CHECKING:
    import random

    from miden.field import Word

SMALL = (
    bytes([1]) + bytes(31),
    bytes(32),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)
"""Points of small order."""


def signed(rng: random.Random, index: int, message: bytes, *, fixed: bool = False) -> Signed:
    """Sign a message, and spoil that in every other case; a fixed challenge is left as it is."""
    secret = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
    key, signature = secret.public_key().public_bytes_raw(), secret.sign(message)
    match index % 16:
        case 1:
            signature = flipped(signature, rng)
        case 3:
            key = flipped(key, rng)
        case 7:
            signature = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
        case 9:
            signature = rng.choice(SMALL) + rng.choice((bytes(32), signature[32:]))
        case 11:
            key = rng.choice(SMALL)
        case 13:
            key = rng.randbytes(32)
        case 15:
            signature = rng.randbytes(32) + signature[32:]
    challenge = sha512(signature[:32] + key + message).digest()
    valid: bool | None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        valid = key not in SMALL and signature[:32] not in SMALL
    except InvalidSignature:
        valid = None if decode(key) is None else False
    if index % 16 == 5 and not fixed:
        challenge, valid = flipped(challenge, rng), False
    return Signed(key, challenge, signature, valid)


def prehashed(rng: random.Random, index: int) -> Signed:
    """Sign any message."""
    return signed(rng, index, rng.randbytes(rng.randrange(80)))


def message(rng: random.Random, index: int, word: Word) -> Signed:
    """Sign a word."""
    return signed(rng, index, word.to_bytes(), fixed=True)


PROCEDURES = {
    "verify": whole(message, error_code("EdDSA signature verification failed")),
    "verify_prehash": prehash(prehashed, impl=False),
    "verify_prehash_impl": prehash(prehashed, impl=True),
}
