"""Other actors: addresses, code, balances, creation. (fvm.md section 2.4.)"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber
from miden.actors.kernel.base import KernelBase, fail, fit, syscall
from miden.actors.state import INIT_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.address import Address
    from miden.actors.state import ActorState
    from miden.ipld.cid import Cid


class ActorCalls(KernelBase):
    """Calls of module ``actor``."""

    __slots__ = ()

    @syscall("actor")
    def resolve_address(self, address: Address) -> int:
        """Return the ID of the actor with an address; raises NOT_FOUND."""
        self._free("OnResolveAddress")
        found = self.calls.resolve(address)
        if found is None:
            fail(ErrorNumber.NOT_FOUND, f"no actor has address {address}")
        return found

    def _actor(self, actor_id: int) -> ActorState:
        found = self.calls.get_actor(actor_id)
        if found is None:
            fail(ErrorNumber.NOT_FOUND, f"there is no actor {actor_id}")
        return found

    @syscall("actor")
    def get_actor_code_cid(self, actor_id: int, room: int | None = None) -> Cid:
        """Return the code of an actor; raises NOT_FOUND, BUFFER_TOO_SMALL."""
        self._free("OnGetActorCodeCid")
        code = self._actor(actor_id).code
        fit(code.to_bytes(), room)
        return code

    @syscall("actor")
    def balance_of(self, actor_id: int) -> int:
        """Return the balance of an actor; raises NOT_FOUND."""
        self._free("OnBalanceOf")
        return self._actor(actor_id).balance

    @syscall("actor")
    def lookup_delegated_address(self, actor_id: int, room: int | None = None) -> Address | None:
        """Return the f4 address of an actor, None if it has none; raises NOT_FOUND, BUFFER_TOO_SMALL."""
        self._free("OnLookupAddress")
        address = self._actor(actor_id).delegated
        if address is not None:
            fit(address.to_bytes(), room)
        return address

    @syscall("actor")
    def next_actor_address(self) -> Address:
        """Return the f2 address that the next actor that this message creates would have."""
        return self.calls.next_actor_address()

    @syscall("actor")
    def create_actor(self, code: Cid, actor_id: int, delegated: Address | None = None) -> None:
        """Create an actor without state, or put code where a placeholder is; raises FORBIDDEN, READ_ONLY.

        Only the Init actor may do so, which has given out the ID.
        """
        if self.receiver != INIT_ID:
            fail(ErrorNumber.FORBIDDEN, f"actor {self.receiver} is not the Init actor, which alone creates others")
        if self.read_only:
            fail(ErrorNumber.READ_ONLY, "a read-only call creates no actor")
        self.calls.create_actor(code, actor_id, delegated)

    @syscall("actor")
    def get_builtin_actor_type(self, code: Cid) -> int:
        """Return the number of a code in the manifest, 0 for one that is not there."""
        self._free("OnGetBuiltinActorType")
        return self.machine.manifest.type_of(code)

    @syscall("actor")
    def get_code_cid_for_type(self, number: int, room: int | None = None) -> Cid:
        """Return the code with a number in the manifest; raises ILLEGAL_ARGUMENT, BUFFER_TOO_SMALL."""
        self._free("OnGetCodeCidForType")
        code = self.machine.manifest.code_of(number)
        if code is None:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"no builtin actor has number {number}")
        fit(code.to_bytes(), room)
        return code
