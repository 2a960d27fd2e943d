"""The machine: the state of all actors at one epoch, to which messages are applied. (fvm.md section 2.1.)"""

from __future__ import annotations

from miden.actors.address import Address, to_address
from miden.actors.context import MachineContext, Manifest
from miden.actors.executor import execute
from miden.actors.externs import Externs
from miden.actors.messages import Message
from miden.actors.prices import NV18, NV21, price_list
from miden.actors.reach import PROFILES
from miden.actors.state import EMPTY_LIST, EMPTY_LIST_CID, SYSTEM_ID, StateTree
from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import BufferedBlocks, load_block
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from miden.actors.messages import Receipt
    from miden.actors.prices import PriceList
    from miden.actors.runtimes import Runtime
    from miden.actors.trace import Observer
    from miden.ipld.blocks import Blockstore

READ_ONLY_GAS = 10_000_000_000


class Machine:
    """Applies messages to a state tree.

    Parameters
    ----------
    blocks
        Where blocks are; new ones stay in memory until `flush`.
    root
        The root of the state tree.
    context
        Epoch, base fee, network version and so on.
    runtimes
        What runs the code of actors; the first that claims a code runs it.
    prices
        A price list or the name of one: ``nv21``, ``nv18``, ``unit``; by default that of the network version.
    externs
        What answers for the outside world; by default nothing does.
    observers
        Who watches; with observers, receipts have traces, too.
    profile
        ``fvm``: blocks and links as on the network; ``miden``: MAST blocks and RPO digests as well.
    manifest
        Codes that the machine knows by name; by default those that the system actor's state names.

    Raises
    ------
    NotFoundError, FormatError
        When the root, or the manifest that the state names, is missing or is none.
    InputError
        For an unknown profile or price list.

    Examples
    --------
    >>> from miden.actors.messages import Message
    >>> from miden.ipld.blocks import MemoryBlocks
    >>> machine = Machine.genesis(MemoryBlocks())
    >>> first, second = machine.create_account(10**18), machine.create_account()
    >>> receipt = machine.apply(Message(first, second, value=5))
    >>> receipt.ok, machine.tree.get(machine.tree.lookup(second)).balance
    (True, 5)
    """

    def __init__(
        self,
        blocks: Blockstore,
        root: Cid,
        *,
        context: MachineContext | None = None,
        runtimes: Sequence[Runtime] = (),
        prices: PriceList | str | None = None,
        externs: Externs | None = None,
        observers: Sequence[Observer] = (),
        profile: str = "fvm",
        manifest: Manifest | None = None,
    ) -> None:
        if profile not in PROFILES:
            raise InputError(f"no profile {profile!r}; there are {', '.join(PROFILES)}", kind="UnknownProfile")
        self.context = context or MachineContext()
        self.runtimes = tuple(runtimes)
        default = NV21 if self.guarded else NV18
        self.prices: PriceList = default if prices is None else price_list(prices) if isinstance(prices, str) else prices
        self.externs = externs or Externs()
        self.observers = tuple(observers)
        self.profile = PROFILES[profile]
        self.blocks = BufferedBlocks(blocks)
        self.blocks.put(EMPTY_LIST_CID, EMPTY_LIST)
        self.tree = StateTree(self.blocks, root)
        self.manifest = load_manifest(self.blocks, self.tree) if manifest is None else manifest
        self._runtimes: dict[Cid, Runtime] = {}

    @property
    def guarded(self) -> bool:
        """Whether links are scanned and checked."""
        return self.context.guarded

    @property
    def tracing(self) -> bool:
        """Whether messages are traced."""
        return self.context.tracing or bool(self.observers)

    @classmethod
    def genesis(cls, blocks: Blockstore, *, runtimes: Sequence[Runtime] = (), **options: Any) -> Machine:
        """Make a machine with a new state: the builtin actors of `miden.actors.builtin`, run by their own runtime before the others.

        `options` are those of the constructor.

        >>> from miden.ipld.blocks import MemoryBlocks
        >>> machine = Machine.genesis(MemoryBlocks())
        >>> machine.create_account(balance=1000)
        Address('f0100')
        """
        from miden.actors.genesis import make_genesis

        return cls(blocks, make_genesis(blocks), runtimes=with_builtins(runtimes), **options)

    def create_account(self, balance: int = 0, address: Address | None = None) -> Address:
        """Put an account into the state, for an f1 or f3 address or for one that no key has; returns its f0 address.

        Raises `InputError` for an address that is none of a key or is taken.
        """
        from miden.actors.genesis import add_account

        return add_account(self, balance, address)

    def deploy(self, code: Cid, params: bytes = b"", *, value: int = 0, sender: Address | str | bytes | int = SYSTEM_ID) -> Address:
        """Create an actor with a code, by an implicit message to the Init actor, and return its f0 address.

        `params` are those of its constructor, as CBOR. Raises `DeployError` when the message fails.
        """
        from miden.actors.genesis import deploy

        return deploy(self, code, params, value, to_address(sender))

    def runtime_for(self, code: Cid) -> Runtime | None:
        """Return the runtime that claims a code, or None."""
        found = self._runtimes.get(code)
        if found is None:
            found = next((runtime for runtime in self.runtimes if runtime.claims(code, self.blocks)), None)
            if found is not None:
                self._runtimes[code] = found
        return found

    def apply(self, message: Message, raw_size: int | None = None) -> Receipt:
        """Apply an explicit message: its sender is an account, its nonce is checked, it pays for its gas.

        `raw_size` is that of the message as it is in the chain, with its signature; by default without.

        Raises
        ------
        InputError
            For a gas limit of 0 or above 2^63 - 1, or negative fees. All else ends in a receipt.
        Fatal
            When the state cannot be read or fees cannot be paid out: nothing more can be done with this state.
        """
        return self._execute(message, raw_size, implicit=False)

    def implicit(self, message: Message) -> Receipt:
        """Apply a message of the system: from any actor, without nonce and fees, its gas only counted. Raises as `apply` does."""
        return self._execute(message, None, implicit=True)

    def _execute(self, message: Message, raw_size: int | None, *, implicit: bool, read_only: bool = False) -> Receipt:
        for observer in self.observers:
            observer.on_message(message, implicit=implicit)
        receipt = execute(self, message, raw_size, implicit=implicit, read_only=read_only)
        for observer in self.observers:
            observer.on_receipt(message, receipt)
        return receipt

    def call_readonly(
        self,
        to: Address | str | bytes | int,
        method: int,
        params: bytes = b"",
        *,
        sender: Address | str | bytes | int = SYSTEM_ID,
        gas_limit: int = READ_ONLY_GAS,
    ) -> Receipt:
        """Call a method that changes nothing; whatever it tries to change is refused. Raises as `apply` does."""
        message = Message(to_address(sender), to_address(to), method=method, params=params, gas_limit=gas_limit)
        return self._execute(message, None, implicit=True, read_only=True)

    def flush(self) -> Cid:
        """Write the state, and all new blocks that it reaches, to the store and return its root; the machine can go on."""
        root = self.tree.flush()
        self.blocks.flush(root)
        self.blocks.put(EMPTY_LIST_CID, EMPTY_LIST)
        return root


def with_builtins(runtimes: Sequence[Runtime]) -> tuple[Runtime, ...]:
    """Return runtimes with that of the builtin actors before them."""
    from miden.actors.builtin import builtin_runtime

    return (builtin_runtime(), *runtimes)


def load_manifest(blocks: Blockstore, tree: StateTree) -> Manifest:
    """Return the manifest that the system actor's state names: ``[link to [[name, code]...]]``.

    Raises `NotFoundError` or `FormatError`.
    """
    system = tree.get(SYSTEM_ID)
    if system is None:
        raise NotFoundError("the state has no system actor", kind="NoSystemActor", hint="pass manifest=Manifest() to go without")
    state = dagcbor.decode(load_block(blocks, system.state))
    if type(state) is not list or len(state) != 1:
        raise FormatError("expected the link of a manifest in the system actor's state", kind="InvalidManifest")
    return read_manifest(dagcbor.decode(load_block(blocks, state[0])))


def read_manifest(value: object) -> Manifest:
    """Return the manifest for a value of dag-cbor, a list of names and codes; raises `FormatError`."""
    if type(value) is not list:
        raise FormatError("expected a list of names and codes", kind="InvalidManifest")
    for entry in value:
        if type(entry) is not list or len(entry) != 2 or type(entry[0]) is not str or not isinstance(entry[1], Cid):
            raise FormatError("expected a name and a code in a manifest", kind="InvalidManifest")
    return Manifest.of((name, code) for name, code in value)
