"""The actor itself: the root of its state, its balance, its end. (fvm.md section 2.4.)"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, Fatal, SyscallError
from miden.actors.kernel.base import KernelBase, fail, fit, syscall
from miden.actors.state import BURNT_FUNDS_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.address import Address
    from miden.ipld.cid import Cid


class SelfCalls(KernelBase):
    """Calls of module ``self``."""

    __slots__ = ()

    @syscall("self")
    def root(self, room: int | None = None) -> Cid:
        """Return the root of the state, which becomes reachable.

        Raises
        ------
        SyscallError
            ILLEGAL_OPERATION after the actor was deleted; BUFFER_TOO_SMALL if the CID has more than `room` bytes.
        """
        self.gas.charge("OnActorGetRoot", self.prices.link_tracked)
        state = self._self()
        if state is None:
            fail(ErrorNumber.ILLEGAL_OPERATION, "a deleted actor has no state")
        raw = state.state.to_bytes()
        self.registry.mark_reachable(raw)
        fit(raw, room)
        return state.state

    @syscall("self")
    def set_root(self, cid: Cid) -> None:
        """Set the root of the state; raises READ_ONLY, NOT_FOUND unless it is reachable, ILLEGAL_OPERATION after deletion."""
        if self.read_only:
            fail(ErrorNumber.READ_ONLY, "a read-only call sets no state")
        self.gas.charge("OnActorSetRoot", self.prices.link_checked)
        if self.guarded and not self.registry.is_reachable(cid.to_bytes()):
            fail(ErrorNumber.NOT_FOUND, f"block {cid} is not reachable")
        state = self._self()
        if state is None:
            fail(ErrorNumber.ILLEGAL_OPERATION, "a deleted actor has no state")
        self.calls.set_actor(self.receiver, state._replace(state=cid))

    @syscall("self")
    def current_balance(self) -> int:
        """Return the balance; 0 after deletion."""
        return self._balance()

    def _balance(self) -> int:
        self._free("OnSelfBalance")
        state = self._self()
        return 0 if state is None else state.balance

    @syscall("self")
    def self_destruct(self, burn: bool = False, beneficiary: Address | None = None) -> None:
        """Delete the actor; again does nothing.

        Its balance is burnt if `burn`, or goes to a `beneficiary` (network versions before 21); else it must be 0.

        Raises
        ------
        SyscallError
            READ_ONLY, ILLEGAL_OPERATION for a balance that is neither burnt nor given away, NOT_FOUND or FORBIDDEN for a
            beneficiary that is not there or is the actor itself.
        """
        if self.read_only:
            fail(ErrorNumber.READ_ONLY, "a read-only call deletes no actor")
        self._free("OnDeleteActor")
        balance = self._balance()
        if balance and beneficiary is not None:
            self._free("OnResolveAddress")
            heir = self.calls.resolve(beneficiary)
            if heir is None:
                fail(ErrorNumber.NOT_FOUND, f"no actor has address {beneficiary}")
            if heir == self.receiver:
                fail(ErrorNumber.FORBIDDEN, "an actor cannot leave its funds to itself")
            self.calls.transfer(self.receiver, heir, balance)
        elif balance:
            if not burn:
                fail(ErrorNumber.ILLEGAL_OPERATION, f"{balance} unspent when an actor is deleted")
            try:
                self.calls.transfer(self.receiver, BURNT_FUNDS_ID, balance)
            except SyscallError as problem:
                raise Fatal(f"unspent funds cannot be burnt: {problem.message}", kind="CannotBurn") from problem
        self.calls.delete_actor(self.receiver)
