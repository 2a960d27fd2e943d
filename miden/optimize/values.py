"""Values of a run on symbols: polynomials over atoms, interned.

A value is a polynomial with coefficients in the field, so that equal values have equal numbers. What is no polynomial (a high
half, a borrow, a conjunction, an inverse, what memory holds) is an *atom*, named by what it is made of.
"""

from __future__ import annotations

from miden.field import U32_MAX, P

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Monomial: TypeAlias = tuple[int, ...]
    Polynomial: TypeAlias = tuple[tuple[Monomial, int], ...]
    """Pairs (monomial, coefficient), sorted; a monomial is a sorted tuple of atoms."""

MAX_MONOMIALS = 160
"""A product with more monomials becomes an atom: then some equalities are not seen."""

SHIFT = 2**32


class Values:
    """Interned values, shared by all sequences that are to be compared.

    Attributes
    ----------
    u32, binary
        Values that are known to be below 2**32, and known to be 0 or 1.
    """

    def __init__(self) -> None:
        self._polynomials: list[Polynomial] = []
        self._numbers: dict[Polynomial, int] = {}
        self._atoms: dict[object, int] = {}
        self.names: list[object] = []
        self._binary_atoms: set[int] = set()
        self.u32: set[int] = set()
        self.binary: set[int] = set()

    # --- making values

    def constant(self, value: int) -> int:
        """Return a constant."""
        value %= P
        number = self._intern({(): value} if value else {})
        if value <= U32_MAX:
            self.u32.add(number)
        if value <= 1:
            self.binary.add(number)
        return number

    def atom(self, *name: object, binary: bool = False, u32: bool = False) -> int:
        """Return the value that is named by how it was made."""
        atom = self._atoms.get(name)
        if atom is None:
            atom = self._atoms[name] = len(self.names)
            self.names.append(name)
            if binary:
                self._binary_atoms.add(atom)
        number = self._intern({(atom,): 1})
        if binary:
            self.binary.add(number)
        if u32 or binary:
            self.u32.add(number)
        return number

    def linear(self, *terms: tuple[int, int]) -> int:
        """Return the sum of (coefficient, value)."""
        total: dict[Monomial, int] = {}
        for factor, value in terms:
            for monomial, coefficient in self._polynomials[value]:
                total[monomial] = (total.get(monomial, 0) + factor * coefficient) % P
        return self._intern(total)

    def product(self, a: int, b: int) -> int:
        """Return a * b."""
        left, right = self._polynomials[a], self._polynomials[b]
        if len(left) * len(right) > MAX_MONOMIALS:
            return self.atom("mul", *sorted((a, b)))
        total: dict[Monomial, int] = {}
        for first, x in left:
            for second, y in right:
                monomial = self._monomial(first + second)
                total[monomial] = (total.get(monomial, 0) + x * y) % P
        return self._intern(total)

    def is_constant(self, value: int) -> int | None:
        """Return the number a value is known to be, or None."""
        polynomial = self._polynomials[value]
        if not polynomial:
            return 0
        return polynomial[0][1] if len(polynomial) == 1 and not polynomial[0][0] else None

    def up_to_scale(self, value: int) -> int:
        """Return the value divided by its first coefficient: zero where the value is zero."""
        polynomial = self._polynomials[value]
        return self.linear((pow(polynomial[0][1], -1, P), value)) if polynomial else value

    def equal(self, a: int, b: int) -> int:
        """Return a == b as 0 or 1."""
        difference = self.linear((1, a), (-1, b))
        known = self.is_constant(difference)
        if known is not None:
            return self.constant(int(known == 0))
        return self.atom("zero", self.up_to_scale(difference), binary=True)

    def halves(self, value: int, *, carry: bool = False) -> tuple[int, int]:
        """Return high and low half of a value that is below p as an integer; `carry`: the high half is 0 or 1."""
        known = self.is_constant(value)
        if known is not None:
            return self.constant(known >> 32), self.constant(known & U32_MAX)
        if value in self.u32:
            return self.constant(0), value
        high = self.atom("high", value, u32=True)
        low = self.linear((1, value), (-SHIFT, high))
        if carry:
            self.binary.add(high)
            self._binary_atoms.add(self._atoms["high", value])
        self.u32.add(low)
        return high, low

    def _monomial(self, atoms: tuple[int, ...]) -> Monomial:
        """Return a product of atoms, sorted; the square of an atom that is 0 or 1 is the atom."""
        kept: list[int] = []
        for atom in sorted(atoms):
            if not (kept and kept[-1] == atom and atom in self._binary_atoms):
                kept.append(atom)
        return tuple(kept)

    def _intern(self, terms: dict[Monomial, int]) -> int:
        polynomial = tuple(sorted((monomial, coefficient) for monomial, coefficient in terms.items() if coefficient))
        number = self._numbers.get(polynomial)
        if number is None:
            number = self._numbers[polynomial] = len(self._polynomials)
            self._polynomials.append(polynomial)
        return number
