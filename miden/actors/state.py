"""The state of all actors: a tree from IDs to records, with transactions, and the Init actor's map from addresses to IDs.

The root is ``[5, actors, info]``: actors a HAMT from the bytes of f0 addresses to records, info an empty list. The Init actor
(ID 1) keeps in its state the map from all other addresses, and the next free ID. (fvm.md section 2.10.)
"""

from __future__ import annotations

from typing import NamedTuple

from miden.actors.address import Address
from miden.actors.codes import Fatal
from miden.actors.messages import U64, decode_amount, encode_amount
from miden.errors import FormatError, InputError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import load_block, store_block
from miden.ipld.cid import Cid
from miden.ipld.hamt import Hamt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from miden.ipld.blocks import Blockstore
    from miden.ipld.dagcbor import Value

    Undo: TypeAlias = "tuple[dict[Any, Any], Any, Any]"
    """What takes back one change: a dictionary, a key, and what it had there."""

VERSION = 5
"""The version of state trees of network versions 18 and later."""

SYSTEM_ID = 0
INIT_ID = 1
BURNT_FUNDS_ID = 99
FIRST_ID = 100
"""The lowest ID that is given out."""

EMPTY_LIST = b"\x80"
"""An empty list of dag-cbor: the state of an actor without one."""
EMPTY_LIST_CID = Cid.of(EMPTY_LIST)

_BROKEN = (FormatError, InputError, NotFoundError)
"""What a state that is not whole raises; a store that fails is another matter, and not the message's."""

_ABSENT = object()


class ActorState(NamedTuple):
    """The record of an actor. Immutable: change one with `_replace`, then `StateTree.set`."""

    code: Cid
    state: Cid = EMPTY_LIST_CID
    nonce: int = 0
    """Messages sent; for actors that are accounts."""
    balance: int = 0
    delegated: Address | None = None
    """The f4 address, if it has one."""

    def form(self) -> Value:
        """Return the record as a value of dag-cbor."""
        delegated = None if self.delegated is None else self.delegated.to_bytes()
        return [self.code, self.state, self.nonce, encode_amount(self.balance), delegated]


def read_actor(value: Value) -> ActorState:
    """Return the record of an actor for a value of dag-cbor; raises `FormatError`."""
    if type(value) is not list or len(value) != 5:
        raise FormatError("expected the five parts of the record of an actor", kind="InvalidActor")
    code, state, nonce, balance, delegated = value
    if not isinstance(code, Cid) or not isinstance(state, Cid) or type(nonce) is not int or not 0 <= nonce < U64:
        raise FormatError("expected two links and a number at the start of the record of an actor", kind="InvalidActor")
    if delegated is not None and type(delegated) is not bytes:
        raise FormatError("expected an address or null at the end of the record of an actor", kind="InvalidActor")
    return ActorState(code, state, nonce, decode_amount(balance), None if delegated is None else Address(delegated))


class InitState(NamedTuple):
    """The state of the Init actor; `rest` is what it keeps behind the parts that the machine knows."""

    addresses: Cid
    next_id: int
    network: str
    rest: tuple[Value, ...] = ()

    def form(self) -> Value:
        """Return the state as a value of dag-cbor."""
        return [self.addresses, self.next_id, self.network, *self.rest]


def read_init(data: bytes) -> InitState:
    """Read the state of the Init actor; raises `FormatError`."""
    value = dagcbor.decode(data)
    if type(value) is not list or len(value) < 3 or not isinstance(value[0], Cid) or [type(part) for part in value[1:3]] != [int, str]:
        raise FormatError("expected a link, a number and a text in the state of the Init actor", kind="InvalidInitState")
    if not 0 <= value[1] < U64:
        raise FormatError("the next ID of the Init actor does not fit 64 bits", kind="InvalidInitState")
    return InitState(value[0], value[1], value[2], tuple(value[3:]))


class StateTree:
    """Actors by ID. Changes stay in memory until `flush`; `begin` and `end` mark transactions that nest.

    Parameters
    ----------
    blocks
        Where blocks are read and written.
    root
        The CID of a tree, None for an empty one.

    Raises
    ------
    NotFoundError, FormatError
        When the root is missing or is no tree of version 5.
    Fatal
        From all methods, when a block below the root is missing or does not decode.

    Examples
    --------
    >>> from miden.ipld.blocks import MemoryBlocks
    >>> blocks = MemoryBlocks()
    >>> tree = StateTree(blocks)
    >>> tree.set(100, ActorState(code=Cid.of(b"code", codec=0x55), balance=7))
    >>> tree.begin(); tree.delete(100); tree.end(revert=True)
    >>> StateTree(blocks, tree.flush()).get(100).balance
    7
    """

    def __init__(self, blocks: Blockstore, root: Cid | None = None) -> None:
        self._blocks = blocks
        self._info, actors = (EMPTY_LIST_CID, None) if root is None else self._open(root)
        self._actors = Hamt(blocks, actors)
        self._known: dict[int, ActorState | None] = {}
        self._changed: dict[int, bool] = {}
        self._resolved: dict[Address, int] = {}
        self._addresses: tuple[Cid, Hamt] | None = None
        self._undo: list[Undo] = []
        self._starts: list[int] = []

    def _open(self, root: Cid) -> tuple[Cid, Cid]:
        value = dagcbor.decode(load_block(self._blocks, root))
        if type(value) is not list or len(value) != 3 or type(value[0]) is not int or not all(isinstance(link, Cid) for link in value[1:]):
            raise FormatError(f"block {root} is no root of a state tree", kind="InvalidStateTree")
        if value[0] != VERSION:
            raise FormatError(f"expected a state tree of version {VERSION}, found {value[0]}", kind="StateTreeVersion")
        return value[2], value[1]

    @property
    def info(self) -> Cid:
        """The block of information about the tree: an empty list, unless somebody keeps something there."""
        return self._info

    def set_info(self, info: Cid) -> None:
        """Set the block of information about the tree; no transaction takes that back."""
        self._info = info

    # records

    def get(self, actor_id: int) -> ActorState | None:
        """Return the record of an actor, or None."""
        if actor_id in self._known:
            return self._known[actor_id]
        try:
            value = self._actors.get(_key(actor_id))
            found = None if value is None else read_actor(value)
        except _BROKEN as problem:
            raise Fatal(f"the record of actor {actor_id} cannot be read: {problem.message}", kind=problem.kind) from problem
        self._known[actor_id] = found
        return found

    def __contains__(self, actor_id: int) -> bool:
        return self.get(actor_id) is not None

    def set(self, actor_id: int, actor: ActorState) -> None:
        """Set the record of an actor."""
        self._put(self._known, actor_id, actor)
        self._put(self._changed, actor_id, True)

    def delete(self, actor_id: int) -> None:
        """Remove an actor."""
        self._put(self._known, actor_id, None)
        self._put(self._changed, actor_id, True)

    def items(self) -> Iterator[tuple[int, ActorState]]:
        """Yield IDs and records, those of the blocks first, then those that are new."""
        seen = set()
        for key, value in self._actors.items():
            actor_id = Address(key).id
            if actor_id is None:
                raise FormatError(f"the key {key.hex()} of a state tree is no ID", kind="InvalidStateTree")
            seen.add(actor_id)
            actor = self._known[actor_id] if actor_id in self._changed else read_actor(value)
            if actor is not None:
                yield actor_id, actor
        yield from ((actor_id, actor) for actor_id, actor in self._known.items() if actor is not None and actor_id not in seen)

    # addresses

    def init_state(self) -> InitState:
        """Return the state of the Init actor."""
        actor = self.get(INIT_ID)
        if actor is None:
            raise Fatal("the state tree has no Init actor", kind="NoInitActor")
        try:
            return read_init(load_block(self._blocks, actor.state))
        except _BROKEN as problem:
            raise Fatal(f"the state of the Init actor cannot be read: {problem.message}", kind=problem.kind) from problem

    def lookup(self, address: Address) -> int | None:
        """Return the ID that an address stands for, or None; an f0 address stands for its ID, whether there is such an actor or not."""
        if address.id is not None:
            return address.id
        if address in self._resolved:
            return self._resolved[address]
        found = self._read_map(self.init_state().addresses, address)
        if found is not None:
            self._put(self._resolved, address, found)
        return found

    def register(self, address: Address) -> int:
        """Give an address the next ID and return that; the Init actor's state is written at once."""
        state = self.init_state()
        if state.next_id + 1 >= U64:
            raise Fatal("the Init actor has no ID left", kind="NoIdLeft")
        try:
            table = self._map(state.addresses)
            table.set(address.to_bytes(), state.next_id)
            addresses = table.flush()
        except _BROKEN as problem:
            raise Fatal(f"the Init actor's map of addresses cannot be changed: {problem.message}", kind=problem.kind) from problem
        self._addresses = (addresses, table)
        self.set_init(state._replace(addresses=addresses, next_id=state.next_id + 1))
        self._put(self._resolved, address, state.next_id)
        return state.next_id

    def set_init(self, state: InitState) -> None:
        """Write the state of the Init actor."""
        actor = self.get(INIT_ID)
        if actor is None:
            raise Fatal("the state tree has no Init actor", kind="NoInitActor")
        self.set(INIT_ID, actor._replace(state=store_block(self._blocks, dagcbor.encode(state.form()))))

    def _map(self, addresses: Cid) -> Hamt:
        """Return the map of addresses as it is in memory, if it is the one that is asked for."""
        if self._addresses is None or self._addresses[0] != addresses:
            self._addresses = (addresses, Hamt(self._blocks, addresses))
        return self._addresses[1]

    def _read_map(self, addresses: Cid, address: Address) -> int | None:
        try:
            found = self._map(addresses).get(address.to_bytes())
        except _BROKEN as problem:
            raise Fatal(f"the Init actor's map of addresses cannot be read: {problem.message}", kind=problem.kind) from problem
        if found is not None and (type(found) is not int or not 0 <= found < U64):
            raise Fatal(f"the Init actor's map has no ID for {address}", kind="InvalidInitState")
        return found

    # transactions

    def begin(self) -> None:
        """Start a transaction inside the present one."""
        self._starts.append(len(self._undo))

    def end(self, *, revert: bool) -> None:
        """End the innermost transaction, and take back what it changed if `revert`. Raises `InputError` if there is none."""
        if not self._starts:
            raise InputError("no transaction was begun", kind="NoTransaction")
        start = self._starts.pop()
        if revert:
            for table, key, before in reversed(self._undo[start:]):
                if before is _ABSENT:
                    table.pop(key, None)
                else:
                    table[key] = before
            del self._undo[start:]
        if not self._starts:
            self._undo.clear()

    @property
    def depth(self) -> int:
        """How many transactions are open."""
        return len(self._starts)

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        before = table.get(key, _ABSENT)
        if before is _ABSENT or before != value:
            if self._starts:
                self._undo.append((table, key, before))
            table[key] = value

    def flush(self) -> Cid:
        """Write what changed and return the root; raises `Fatal` inside a transaction."""
        if self._starts:
            raise Fatal("a state tree cannot be flushed inside a transaction", kind="FlushInTransaction")
        try:
            for actor_id in self._changed:
                actor = self._known[actor_id]
                if actor is None:
                    self._actors.delete(_key(actor_id))
                else:
                    self._actors.set(_key(actor_id), actor.form())
            actors = self._actors.flush()
        except _BROKEN as problem:
            raise Fatal(f"the state tree cannot be written: {problem.message}", kind=problem.kind) from problem
        self._changed.clear()
        if self._info == EMPTY_LIST_CID:
            self._blocks.put(EMPTY_LIST_CID, EMPTY_LIST)
        return store_block(self._blocks, dagcbor.encode([VERSION, actors, self._info]))


def _key(actor_id: int) -> bytes:
    return Address.of(actor_id).to_bytes()
