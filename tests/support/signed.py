"""What the cases of signatures have in common, and secp256k1 in plain arithmetic, as oracle and to sign without chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from miden.field import P, Word
from miden.hashing import error_code, hash_elements
from tests.support.corelib import Case, Failure, set_memory, spill
from tests.support.hashed import packed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

Point = tuple[int, int] | None


def plus(left: Point, right: Point) -> Point:
    """Add two points."""
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % FIELD == 0:
        return None
    slope = 3 * x1 * x1 * pow(2 * y1, -1, FIELD) if left == right else (y2 - y1) * pow(x2 - x1, -1, FIELD)
    x = (slope * slope - x1 - x2) % FIELD
    return x, (slope * (x1 - x) - y1) % FIELD


def times(factor: int, point: Point) -> Point:
    """Multiply a point."""
    total: Point = None
    while factor:
        if factor & 1:
            total = plus(total, point)
        point, factor = plus(point, point), factor >> 1
    return total


def compressed(point: Point) -> bytes:
    """Return 33 bytes."""
    assert point is not None
    return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")


def point_of(data: bytes) -> Point:
    """Return the point of 33 bytes, None if there is none."""
    x = int.from_bytes(data[1:], "big")
    y = pow(x**3 + 7, (FIELD + 1) // 4, FIELD)
    if data[0] not in (2, 3) or x >= FIELD or (y * y - x**3 - 7) % FIELD:
        return None
    return x, y if y % 2 == data[0] % 2 else FIELD - y


def sign(secret: int, digest: bytes, nonce: int) -> bytes:
    """Return r, s, the smaller one, and a recovery id that nobody reads."""
    point = times(nonce, G)
    assert point is not None
    r = point[0] % ORDER
    s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * secret) % ORDER
    return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big") + bytes([nonce % 4])


def verifies(key: bytes, digest: bytes, signature: bytes) -> bool | None:
    """Tell whether a signature is valid, None if it cannot be read."""
    point = point_of(key)
    if point is None or signature[64] > 3:
        return None
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        return False
    inverse = pow(s, -1, ORDER)
    total = plus(times(int.from_bytes(digest, "big") * inverse % ORDER, G), times(r * inverse % ORDER, point))
    return total is not None and total[0] % ORDER == r


class Signed(NamedTuple):
    """Key, digest or challenge, signature, and whether it is valid; None if the host must refuse it."""

    key: bytes
    digest: bytes
    signature: bytes
    valid: bool | None


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Change a bit."""
    place = rng.randrange(8 * len(data))
    return bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(data))


def prehash(made: Callable[[random.Random, int], Signed], impl: bool) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure that finds key, digest and signature in memory."""

    def maker(rng: random.Random, index: int) -> Case:
        parts = made(rng, index)
        places = [4 * rng.randrange(20), 100 + 4 * rng.randrange(20), 200 + 4 * rng.randrange(20)]
        cells = {}
        for place, part in zip(places, parts[:3], strict=True):
            cells |= dict(enumerate(packed(part), place))
        below = [rng.randrange(P) for _ in range(13)]
        expect: Failure | list[int] | None = Failure("EventError") if parts.valid is None else [int(parts.valid)]
        which = rng.randrange(3)
        match index % 32:
            case 29:
                places[which], expect = places[which] + 1, Failure("EventError")
            case 30:
                places[which], expect = 800, Failure("EventError")
            case 31:
                cells[places[which]], expect = 2**32 + rng.randrange(9), Failure("EventError")
        if impl and not isinstance(expect, Failure):
            expect = None
        # the next word from the transcript shows that the same was logged
        teardown = spill(12) if impl else "dup.0 mem_store.900 log_precompile"
        memory = None if impl or expect is None or isinstance(expect, Failure) else {900: expect[0]}
        return Case([*places, *below], set_memory(cells), teardown, expect=expect if isinstance(expect, Failure) else None, memory=memory)

    return maker


def whole(made: Callable[[random.Random, int, Word], Signed], code: int) -> Callable[[random.Random, int], Case]:
    """Make cases of a procedure that takes key and signature from the advice."""

    def maker(rng: random.Random, index: int) -> Case:
        message = Word(rng.randrange(P) for _ in range(4))
        key, _, signature, valid = made(rng, index, message)
        commitment = hash_elements(packed(key))
        below = [rng.randrange(P) for _ in range(8)]
        values = [*packed(key), *packed(signature), *below[: index % 3]]
        expect: Failure | None = None if valid else Failure("EventError") if valid is None else Failure("FailedAssertion", code)
        if index % 32 == 29:
            values, expect = values[: rng.randrange(len(packed(key + signature)))], Failure("AdviceError")
            if len(values) > len(packed(key)):
                expect = None
        elif index % 32 == 30:
            commitment = Word((commitment[0] + 1, *commitment[1:]))
            expect = Failure("FailedAssertion", error_code("invalid public key commitment"))
        elif index % 32 == 31:
            message = Word((*message[:3], (message[3] + 1) % P))
            expect = Failure("FailedAssertion", code) if valid is not None else expect
        advice = {"advice_stack": [str(value) for value in values]}
        return Case([*commitment[::-1], *message[::-1], *below], teardown="log_precompile", advice=advice, expect=expect)

    return maker
