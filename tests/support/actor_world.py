"""A small state of actors for tests: a machine with an Init actor, accounts, and whatever code a test puts there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miden.actors.address import Address
from miden.actors.context import MachineContext, Manifest
from miden.actors.machine import Machine
from miden.actors.messages import Message
from miden.actors.methods import CONSTRUCTOR
from miden.actors.state import BURNT_FUNDS_ID, FIRST_ID, INIT_ID, SYSTEM_ID, ActorState, InitState, StateTree
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks, store_block
from miden.ipld.cid import MAST_FOREST, RAW, Cid
from miden.ipld.hamt import Hamt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from miden.actors.messages import Receipt
    from miden.actors.runtimes import Runtime
    from miden.mast.library import Library
    from miden.mast.program import Program

ALICE, BOB, CAROL, DAVE = 1001, 1002, 1003, 1004
"""Accounts of a world, without code that runs."""
FIRST_ACTOR = 2000
GAS = 10_000_000_000


class World:
    """A machine over blocks in memory; actors are put in by their code, not through the Init actor.

    Attributes
    ----------
    machine
        The machine.
    blocks
        The store below it.
    """

    def __init__(
        self,
        runtimes: Sequence[Runtime],
        *,
        prices: str = "unit",
        profile: str = "miden",
        blocks: MemoryBlocks | None = None,
        **options: Any,
    ) -> None:
        self.blocks = MemoryBlocks() if blocks is None else blocks
        tree = StateTree(self.blocks)
        code = store_block(self.blocks, b"account", RAW)
        for actor_id in (SYSTEM_ID, INIT_ID, BURNT_FUNDS_ID):
            tree.set(actor_id, ActorState(code))
        tree.set_init(InitState(Hamt(self.blocks).flush(), FIRST_ID, "test"))
        for actor_id in (ALICE, BOB, CAROL, DAVE):
            tree.set(actor_id, ActorState(code, balance=10**6))
        root = tree.flush()
        context = options.pop("context", MachineContext())
        self.machine = Machine(
            self.blocks, root, runtimes=runtimes, prices=prices, profile=profile, context=context, manifest=Manifest.of(()), **options
        )
        self._next = FIRST_ACTOR

    def put(self, code: Library | Program | Cid, *, balance: int = 0) -> int:
        """Create an actor without state, with a code of Miden assembly or by its CID, and return its id."""
        cid = code if isinstance(code, Cid) else store_block(self.blocks, code.to_bytes(), MAST_FOREST)
        actor_id, self._next = self._next, self._next + 1
        self.machine.tree.set(actor_id, ActorState(cid, balance=balance))
        return actor_id

    def construct(self, code: Library | Program | Cid, params: object = None, *, balance: int = 0) -> int:
        """Create an actor and call its constructor, which must succeed; return its id."""
        actor_id = self.put(code, balance=balance)
        receipt = self.call(actor_id, CONSTRUCTOR, params, sender=INIT_ID)
        assert receipt.exit_code == 0, receipt
        return actor_id

    def call(self, to: int, method: int, params: object = None, *, sender: int = ALICE, gas: int = GAS, value: int = 0) -> Receipt:
        """Call a method; parameters are bytes as they are, or a value that is encoded, or None for none."""
        data = params if isinstance(params, bytes) else b"" if params is None else dagcbor.encode(params)
        message = Message(Address.of(sender), Address.of(to), method=method, params=data, gas_limit=gas, value=value)
        return self.machine.implicit(message)

    def state(self, actor_id: int) -> Cid:
        """Return the root of an actor's state."""
        found = self.machine.tree.get(actor_id)
        assert found is not None
        return found.state

    def set_state(self, actor_id: int, root: Cid) -> None:
        """Set the root of an actor's state."""
        found = self.machine.tree.get(actor_id)
        assert found is not None
        self.machine.tree.set(actor_id, found._replace(state=root))

    def value(self, actor_id: int) -> Any:
        """Return an actor's state, decoded."""
        data = self.machine.blocks.get(self.state(actor_id))
        assert data is not None
        return dagcbor.decode(data)

    def balance(self, actor_id: int) -> int:
        """Return an actor's balance."""
        found = self.machine.tree.get(actor_id)
        assert found is not None
        return found.balance
