"""The curve of Ed25519, for signatures whose challenge is given: no library verifies those. Nothing here is secret.

Encodings are read as the reference reads them: a coordinate may be one that is not reduced, and the sign of zero is ignored.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Point: TypeAlias = tuple[int, int, int, int]
    """(X, Y, Z, T): x = X / Z, y = Y / Z, x * y = T / Z."""

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
"""The number of multiples of the base point."""

D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL: Point = (0, 1, 1, 0)


def decode(data: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or None."""
    value = int.from_bytes(data, "little")
    y = (value & 2**255 - 1) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_ONE % P
        if v * x * x % P != u:
            return None
    if x & 1 != value >> 255:
        x = -x % P
    return x, y, 1, x * y % P


def encode(point: Point) -> bytes:
    """Return a point as 32 bytes."""
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def add(left: Point, right: Point) -> Point:
    """Return the sum of two points, equal ones included."""
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a, b = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * D * t1 * t2, 2 * z1 * z2
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(point: Point) -> Point:
    """Return the point that makes the sum neutral."""
    x, y, z, t = point
    return -x % P, y, z, -t % P


def sum_of_multiples(first: int, left: Point, second: int, right: Point) -> Point:
    """Return first * left + second * right."""
    choices = (NEUTRAL, left, right, add(left, right))
    total = NEUTRAL
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        total = add(total, total)
        choice = first >> bit & 1 | (second >> bit & 1) << 1
        if choice:
            total = add(total, choices[choice])
    return total


def has_small_order(point: Point) -> bool:
    """Tell whether eight times the point is neutral."""
    x, y, z, _ = sum_of_multiples(8, point, 0, NEUTRAL)
    return x == 0 and y == z


_base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert _base is not None
BASE: Point = _base


def verify(key: bytes, challenge: bytes, signature: bytes) -> bool | None:
    """Tell whether a signature of 64 bytes answers a challenge of 64 bytes; None if the key is no point."""
    public = decode(key)
    if public is None:
        return None
    nonce = decode(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    if nonce is None or answer >= ORDER or has_small_order(nonce) or has_small_order(public):
        return False
    factor = int.from_bytes(challenge, "little") % ORDER
    return encode(sum_of_multiples(answer, BASE, factor, negate(public))) == signature[:32]
