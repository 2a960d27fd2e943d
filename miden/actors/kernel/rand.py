"""Randomness of the chain and of the beacon."""

from __future__ import annotations

from hashlib import blake2b

from miden.actors.codes import ErrorNumber
from miden.actors.kernel.base import KernelBase, fail, syscall

RANDOMNESS_SIZE = 32


class RandCalls(KernelBase):
    """Calls of module ``rand``.

    Before network version 21 a draw has a purpose and entropy, and is a hash over both and the epoch's randomness; later ones
    leave that to the actor.
    """

    __slots__ = ()

    @syscall("rand")
    def get_chain_randomness(self, epoch: int, purpose: int | None = None, entropy: bytes = b"") -> bytes:
        """Return 32 bytes that the chain drew at an epoch; raises ILLEGAL_ARGUMENT for one in the future."""
        self._charge(epoch, purpose, entropy)
        return _draw(self.machine.externs.get_chain_randomness(epoch), epoch, purpose, entropy)

    @syscall("rand")
    def get_beacon_randomness(self, epoch: int, purpose: int | None = None, entropy: bytes = b"") -> bytes:
        """Return 32 bytes of the beacon for an epoch; raises ILLEGAL_ARGUMENT for one in the future."""
        self._charge(epoch, purpose, entropy)
        return _draw(self.machine.externs.get_beacon_randomness(epoch), epoch, purpose, entropy)

    def _charge(self, epoch: int, purpose: int | None, entropy: bytes) -> None:
        lookback = self.machine.context.epoch - epoch
        if purpose is None and lookback < 0:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"epoch {epoch} is in the future")
        self.gas.charge(*self.prices.on_get_randomness(max(lookback, 0), len(entropy)))


def _draw(base: bytes, epoch: int, purpose: int | None, entropy: bytes) -> bytes:
    if purpose is None:
        return base
    text = purpose.to_bytes(8, signed=True) + base + epoch.to_bytes(8, signed=True) + entropy
    return blake2b(text, digest_size=RANDOMNESS_SIZE).digest()
