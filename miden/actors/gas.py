"""Gas: what a message may use, what it used, and for what. (fvm.md section 2.8.)

All amounts are in milligas, thousandths of the gas that messages and receipts speak of. They saturate: nothing overflows.
"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.codes import OutOfGas

MILLIGAS = 1000
"""Milligas in one gas."""

MAX_MILLIGAS = (1 << 63) - 1
"""The highest limit."""

_U64_MAX = (1 << 64) - 1


def round_up(milligas: int) -> int:
    """Return gas for milligas, rounded up.

    >>> round_up(1), round_up(1000), round_up(0)
    (1, 1, 0)
    """
    return -(-milligas // MILLIGAS)


class GasCharge(NamedTuple):
    """One charge: its name, and how much is for computing now and for all else (storage, retention, work put off)."""

    name: str
    compute: int
    other: int = 0

    @property
    def total(self) -> int:
        """Milligas of the whole charge."""
        return self.compute + self.other


class GasTracker:
    """Counts the gas of one message, under limits that nest.

    >>> gas = GasTracker(5_000)
    >>> gas.charge("OnSyscall", 4_000)
    >>> gas.push_limit(10_000); gas.limit
    1000
    >>> gas.charge("OnBlockRead", 400); gas.pop_limit(); gas.used, gas.available
    (4400, 600)
    """

    __slots__ = ("_above", "_charges", "_handed", "limit", "used")

    def __init__(self, limit: int, used: int = 0, *, tracing: bool = False) -> None:
        self.limit = min(limit, MAX_MILLIGAS)
        """Milligas of the innermost limit."""
        self.used = min(used, self.limit)
        """Milligas used under the innermost limit."""
        self._above: list[tuple[int, int]] = []
        self._charges: list[GasCharge] | None = [] if tracing else None
        self._handed = 0

    @property
    def available(self) -> int:
        """Milligas left under the innermost limit."""
        return self.limit - self.used

    @property
    def depth(self) -> int:
        """How many limits were pushed and not popped."""
        return len(self._above)

    def charge(self, name: str, compute: int, other: int = 0) -> None:
        """Use milligas; raises `OutOfGas`, with all that was left used up, if the limit does not allow it."""
        if self._charges is not None:
            self._charges.append(GasCharge(name, compute, other))
        used = self.used + compute + other
        if used > self.limit:
            self.used = self.limit
            raise OutOfGas
        self.used = used

    def push_limit(self, limit: int) -> None:
        """Start a limit of at most what is available under the present one, with nothing used."""
        self._above.append((self.limit, self.used))
        self.limit = min(limit, self.limit - self.used)
        self.used = 0

    def pop_limit(self) -> None:
        """Go back to the limit before; what was used counts there."""
        self.limit, used = self._above.pop()
        self.used += used

    def refuel(self) -> int:
        """Return what a guest that counts for itself may use, until `settle`."""
        self._handed = self.limit - self.used
        return self._handed

    def settle(self, left: int, grown: int = 0) -> None:
        """Charge what a guest used since `refuel`, of which `grown` milligas were for memory; `left` is negative if it ran out.

        Raises `OutOfGas` if it used more than there was.
        """
        used = max(self._handed - left, 0)
        self._handed = max(left, 0)
        grown = min(grown, used)
        self.charge("wasm_exec", used - grown)
        if grown:
            self.charge("wasm_memory_grow", grown)

    def drain(self) -> list[GasCharge]:
        """Return the charges since the last call, in order; none unless tracing."""
        if not self._charges:
            return []
        charges, self._charges = self._charges, []
        return charges
