"""The network: epoch, time, fees, tipsets. (fvm.md section 2.4.)"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.codes import ErrorNumber
from miden.actors.kernel.base import KernelBase, fail, fit, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.ipld.cid import Cid

FINALITY = 900
"""Epochs that network versions before 21 look back for a tipset, at most."""


class NetworkContext(NamedTuple):
    """The facts of the network, in the order in which guests get them."""

    epoch: int
    timestamp: int
    base_fee: int
    chain_id: int
    network_version: int


class NetworkCalls(KernelBase):
    """Calls of module ``network``."""

    __slots__ = ()

    @syscall("network")
    def network_context(self) -> NetworkContext:
        """Return the facts of the network."""
        self._free("OnNetworkContext")
        context = self.machine.context
        return NetworkContext(context.epoch, context.timestamp, context.base_fee, context.chain_id, context.network_version)

    @syscall("network")
    def tipset_cid(self, epoch: int, room: int | None = None) -> Cid:
        """Return the name of the tipset of a past epoch; raises ILLEGAL_ARGUMENT for any other, BUFFER_TOO_SMALL."""
        lookback = self.machine.context.epoch - epoch
        if epoch < 0 or lookback <= 0:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"epoch {epoch} is not in the past")
        if not self.guarded and lookback >= FINALITY:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"epoch {epoch} is too far in the past")
        self.gas.charge(*self.prices.on_tipset_cid(lookback))
        cid = self.machine.externs.get_tipset_cid(epoch)
        fit(cid.to_bytes(), room)
        return cid

    @syscall("network")
    def total_fil_circ_supply(self) -> int:
        """Return the tokens in circulation (network versions before 21)."""
        return self.machine.context.circulating_supply
