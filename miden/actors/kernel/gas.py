"""Gas, as guests see it."""

from __future__ import annotations

from miden.actors.gas import MILLIGAS
from miden.actors.kernel.base import KernelBase, syscall


class GasCalls(KernelBase):
    """Calls of module ``gas``."""

    __slots__ = ()

    @syscall("gas")
    def charge(self, name: str, gas: int) -> None:
        """Use up gas under a name, as an actor wishes."""
        self.gas.charge(name, gas * MILLIGAS)

    @syscall("gas")
    def available(self) -> int:
        """Return the gas that is left, rounded down."""
        return self.gas.available // MILLIGAS
