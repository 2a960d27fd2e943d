"""Where machines find interfaces: a map from the codes of actors to interfaces, in the info block of the state tree.

Code may carry an interface, too (`carried`); what is advertised comes first.

Rules of the network look at no more of that block than its name, so that a state with interfaces is a state like any other, and
what is exported with a state has the interfaces in it.
"""

from __future__ import annotations

from miden.actors.interfaces.interface import Interface
from miden.actors.state import EMPTY_LIST_CID
from miden.errors import FormatError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import load_block, store_block
from miden.ipld.cid import MAST_FOREST, RAW, Cid
from miden.ipld.hamt import Hamt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.address import Address
    from miden.actors.state import StateTree
    from miden.ipld.blocks import Blockstore

NAME = "interfaces"


def publish(tree: StateTree, blocks: Blockstore, code: Cid, interface: Interface) -> Cid:
    """Advertise an interface for all actors of a code, in place of the one before or in the code; return the name of its block."""
    info = _info(tree, blocks)
    table = Hamt(blocks, info.get(NAME))
    cid = store_block(blocks, interface.to_block())
    table.set(code.to_bytes(), cid)
    tree.set_info(store_block(blocks, dagcbor.encode({**info, NAME: table.flush()})))
    return cid


def find(tree: StateTree, blocks: Blockstore, code: Cid) -> Interface | None:
    """Return the interface that is advertised for a code, else the one that the code carries, or None.

    Raises `FormatError` for one that does not decode.
    """
    root = _info(tree, blocks).get(NAME)
    cid = None if root is None else Hamt(blocks, root).get(code.to_bytes())
    if cid is None:
        return _carried(blocks, code)
    if not isinstance(cid, Cid):
        raise FormatError("expected links in the map of interfaces", kind="InvalidInfo")
    return Interface.from_block(load_block(blocks, cid))


def _carried(blocks: Blockstore, code: Cid) -> Interface | None:
    data = blocks.get(code) if code.codec in (MAST_FOREST, RAW) else None
    if data is None:
        return None
    from miden.actors.interfaces.carried import carried_interface

    return carried_interface(data)


def interface_of(tree: StateTree, blocks: Blockstore, address: Address) -> Interface:
    """Return the interface of an actor; raises `NotFoundError` if there is no such actor or nobody knows its interface."""
    actor_id = tree.lookup(address)
    actor = None if actor_id is None else tree.get(actor_id)
    if actor is None:
        raise NotFoundError(f"there is no actor {address}", kind="ActorNotFound")
    found = find(tree, blocks, actor.code)
    if found is None:
        text = f"actor {address} advertises no interface, and its code carries none"
        raise NotFoundError(text, kind="NoInterface", hint="call it by method number")
    return found


def _info(tree: StateTree, blocks: Blockstore) -> dict[str, Cid]:
    if tree.info == EMPTY_LIST_CID:
        return {}
    value = dagcbor.decode(load_block(blocks, tree.info))
    if type(value) is not dict or not all(isinstance(link, Cid) for link in value.values()):
        raise FormatError("expected links by name in the info block of a state", kind="InvalidInfo")
    return value
