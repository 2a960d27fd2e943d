"""The actors that every state has, in Python: System, Init, Account, and two that only hold funds or places.

They do what their namesakes on the network do for a machine, and no more. A state of the network brings its own instead.
"""

from __future__ import annotations

from miden.actors.address import Address
from miden.actors.codes import FIRST_USER_EXIT_CODE, ExitCode, exit_name
from miden.actors.methods import CONSTRUCTOR, FIRST_EXPORTED
from miden.actors.runtimes.native import Actor, NativeRuntime, constructor, method, native_block, native_code
from miden.actors.state import SYSTEM_ID
from miden.ipld.hamt import Hamt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid
    from miden.ipld.dagcbor import Value

EXEC = 2
"""The number of `Init.exec`."""


class System(Actor):
    """Holds the manifest: ``[link to [[name, code]...]]``."""

    name = "system"


class Init(Actor):
    """Creates actors and keeps the map from their addresses to their IDs: ``[addresses, next ID, network]``."""

    name = "init"

    @method(number=EXEC)
    def exec(self, code: Cid, params: bytes) -> list[bytes]:
        """Create an actor with a code and call its constructor; returns its f0 and its f2 address."""
        kernel = self.kernel
        kernel.enter()
        address = kernel.next_actor_address()
        addresses, actor_id, network = self.state
        table = Hamt(self.blocks, addresses)
        self.require(address.to_bytes() not in table, ExitCode.USR_ILLEGAL_STATE, f"{address} is taken")
        table.set(address.to_bytes(), actor_id)
        self.state = [table.flush(), actor_id + 1, network]
        kernel.enter()
        kernel.create_actor(code, actor_id)
        reply = self.send(actor_id, CONSTRUCTOR, params or None, value=self.value)
        if not reply.ok:
            exit_code = reply.exit_code if reply.exit_code >= FIRST_USER_EXIT_CODE else ExitCode.USR_UNSPECIFIED
            self.abort(exit_code, f"the constructor ended with {exit_name(reply.exit_code)}")
        return [Address.of(actor_id).to_bytes(), address.to_bytes()]


class Account(Actor):
    """Stands for a key: ``[address]``. Takes whatever exported method it is called by."""

    name = "account"

    @constructor(caller=SYSTEM_ID, bare=True)
    def construct(self, address: Address) -> None:
        """Set the address."""
        self.state = [address.to_bytes()]

    @method(number=2)
    def pubkey_address(self) -> bytes:
        """Return the address of the key."""
        found: bytes = self.state[0]
        return found

    def fallback(self, number: int) -> Value:
        return None if number >= FIRST_EXPORTED else super().fallback(number)


class EthAccount(Actor):
    """Stands for a key by its f4 address. Takes whatever exported method it is called by."""

    name = "ethaccount"

    def fallback(self, number: int) -> Value:
        return None if number >= FIRST_EXPORTED else super().fallback(number)


class Placeholder(Actor):
    """Holds the place, and the funds, of an actor that an f4 address may get."""

    name = "placeholder"

    def fallback(self, number: int) -> Value:
        return None


class Purse(Actor):
    """Holds funds: those burnt, and the rewards."""

    name = "purse"


BUILTINS: tuple[type[Actor], ...] = (System, Init, Account, EthAccount, Placeholder, Purse)


def builtin_runtime() -> NativeRuntime:
    """Return a runtime for these actors."""
    return NativeRuntime(BUILTINS)


def builtin_codes(blocks: Blockstore) -> list[tuple[str, Cid]]:
    """Return names and codes of these actors, and put the blocks of the codes."""
    codes = []
    for actor in BUILTINS:
        code = native_code(actor)
        blocks.put(code, native_block(actor))
        codes.append((actor.name, code))
    return codes
