"""The Goldilocks field and words of four elements, on Python integers: the readable definition.

p = 2**64 - 2**32 + 1. A felt is an integer in [0, p); a `Word` is a tuple of four felts, element 0 first.
Everywhere in the package plain `int` is used for felts; the class `Felt` is for people who want operators.
(mast.md section 1; processor.md section 0.)
"""

from __future__ import annotations

from struct import Struct

from miden.errors import FormatError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

P = 2**64 - 2**32 + 1
"""The modulus."""

GENERATOR = 7
"""A generator of the multiplicative group."""

TWO_ADIC_ROOT = 7277203076849721926
"""The root of unity of order 2**32 that the reference uses."""

U32_MAX = 2**32 - 1


def inv(a: int) -> int:
    """Return the multiplicative inverse of `a`; 0 for 0, as the field helpers of the reference do.

    >>> inv(2) * 2 % P
    1
    """
    return pow(a, P - 2, P)


def ext2_mul(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Multiply in the quadratic extension (phi**2 = phi - 2); elements are (base part, phi part).

    >>> ext2_mul((7, 5), (3, 2))
    (1, 39)
    """
    a0, a1 = a
    b0, b1 = b
    return (a0 * b0 - 2 * a1 * b1) % P, (a0 * b1 + a1 * b0 + a1 * b1) % P


def ext2_inv(a: tuple[int, int]) -> tuple[int, int]:
    """Invert in the quadratic extension; zero for zero.

    >>> ext2_mul(ext2_inv((7, 5)), (7, 5))
    (1, 0)
    """
    a0, a1 = a
    n = inv((a0 * a0 + a0 * a1 + 2 * a1 * a1) % P)
    return (a0 + a1) * n % P, -a1 * n % P


def montgomery(a: int) -> int:
    """Return a * 2**64 mod p, the form whose order the reference's sorted maps use (mast.md section 1.3)."""
    return a * U32_MAX % P


def check_felt(value: object, what: str = "value") -> int:
    """Return `value` as a canonical felt, or raise `InputError` saying what `what` is wrong with it.

    >>> check_felt(5)
    5
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{what} must be an integer, found {type(value).__name__}", kind="InvalidFelt")
    number = value.__index__()
    if not 0 <= number < P:
        raise InputError(f"{what} must be in [0, p) with p = {P}, found {show_integer(number)}", kind="InvalidFelt")
    return int(number)


def show_integer(number: int) -> str:
    """Write an integer for a message: in digits, or its size if that would be a page of them.

    >>> show_integer(10**5000)
    'a number of 16610 bits'
    """
    return str(number) if number.bit_length() <= 256 else f"a number of {number.bit_length()} bits"


class Felt(int):
    """A field element with modular operators, for interactive use.

    >>> Felt(1) / Felt(3) * 3
    Felt(1)
    >>> Felt(-1) == P - 1
    True
    """

    __slots__ = ()

    def __new__(cls, value: int = 0) -> Self:
        return super().__new__(cls, value % P)

    def __add__(self, other: int) -> Felt:
        return Felt(int(self) + other)

    def __sub__(self, other: int) -> Felt:
        return Felt(int(self) - other)

    def __rsub__(self, other: int) -> Felt:
        return Felt(other - int(self))

    def __mul__(self, other: int) -> Felt:
        return Felt(int(self) * other)

    def __truediv__(self, other: int) -> Felt:
        if other % P == 0:
            raise ZeroDivisionError("division by zero in the field")
        return Felt(int(self) * inv(other % P))

    def __rtruediv__(self, other: int) -> Felt:  # type: ignore[misc]  # int has no such operator: the overlap is only formal
        return Felt(other) / self

    def __pow__(self, exponent: int, modulus: None = None) -> Felt:  # type: ignore[override]
        return Felt(pow(int(self), exponent, P))

    def __neg__(self) -> Felt:
        return Felt(-int(self))

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"Felt({int(self)})"


_ELEMENTS = Struct("<4Q")


class Word(tuple[int, ...]):
    """Four felts, element 0 first: a digest, a key, a quarter of the visible stack.

    >>> Word((1, 2, 3, 4)).to_hex()
    '0x0100000000000000020000000000000003000000000000000400000000000000'
    >>> Word.from_hex(Word((1, 2, 3, 4)).to_hex())
    Word(1, 2, 3, 4)
    """

    __slots__ = ()

    def __new__(cls, elements: Iterable[int] = (0, 0, 0, 0)) -> Self:
        word = super().__new__(cls, elements)
        if len(word) != 4 or not all(0 <= element < P for element in word):
            raise InputError(f"a word is four integers in [0, p), found {tuple(word)!r}", kind="InvalidWord")
        return word

    def to_bytes(self) -> bytes:
        """Return 32 bytes: each element little-endian, element 0 first (mast.md section 1.2)."""
        return b"".join(element.to_bytes(8, "little") for element in self)

    def to_hex(self) -> str:
        """Return ``0x`` and 64 lower-case hex digits of `to_bytes`."""
        return "0x" + self.to_bytes().hex()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read 32 bytes; `FormatError` if the length is wrong or an element is not below p."""
        if len(data) != 32:
            raise FormatError(f"a word is 32 bytes, found {len(data)}", kind="InvalidWord")
        elements = _ELEMENTS.unpack(data)
        if max(elements) >= P:
            index, element = next((index, element) for index, element in enumerate(elements) if element >= P)
            raise FormatError(f"element {index} of the word is not below p: {element}", kind="InvalidWord")
        return super().__new__(cls, elements)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read ``0x`` and exactly 64 hex digits, any case; `FormatError` otherwise."""
        digits = text[2:] if text[:2] == "0x" else ""
        if len(digits) != 64 or not digits.isascii() or not digits.isalnum():
            raise FormatError(f"a word in hex is 0x and 64 digits, found {text[:80]!r}", kind="InvalidWord")
        try:
            data = bytes.fromhex(digits)
        except ValueError as error:
            raise FormatError(f"not hexadecimal: {text[:80]!r}", kind="InvalidWord") from error
        return cls.from_bytes(data)

    def __repr__(self) -> str:
        return f"Word({', '.join(map(str, self))})"


EMPTY_WORD = Word()
"""Four zeros."""
