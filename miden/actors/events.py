"""Events: what actors tell the outside world, and the list of them that a receipt names. (fvm.md section 2.7.)"""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import FormatError
from miden.ipld import dagcbor
from miden.ipld.amt import Amt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid
    from miden.ipld.dagcbor import Value

INDEXED_KEY = 1
INDEXED_VALUE = 2
INDEXED = INDEXED_KEY | INDEXED_VALUE
"""Flags of an entry: what an index outside should have."""

_BIT_WIDTH = 5


class Entry(NamedTuple):
    """One entry of an event: flags, a text, and bytes in a codec."""

    flags: int
    key: str
    codec: int
    value: bytes


class Event(NamedTuple):
    """An event with the ID of the actor that emitted it."""

    emitter: int
    entries: tuple[Entry, ...]

    def form(self) -> Value:
        """Return the event as a value of dag-cbor, as receipts have it."""
        return [self.emitter, [list(entry) for entry in self.entries]]

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON-ready facts; values as hexadecimal digits."""
        entries = [{"flags": entry.flags, "key": entry.key, "codec": entry.codec, "value": entry.value.hex()} for entry in self.entries]
        return {"emitter": self.emitter, "entries": entries}


def read_entries(data: bytes) -> tuple[Entry, ...]:
    """Read the entries of an event from CBOR, as actors pass them before network version 21; raises `FormatError`."""
    return _entries(dagcbor.decode(data))


def read_event(value: Value) -> Event:
    """Return the event for a value of dag-cbor, as `Event.form` gives it; raises `FormatError`."""
    if type(value) is not list or len(value) != 2 or type(value[0]) is not int:
        raise FormatError("expected an event: the ID of an actor, and entries", kind="InvalidEvent")
    return Event(value[0], _entries(value[1]))


def _entries(value: Value) -> tuple[Entry, ...]:
    if type(value) is not list:
        raise FormatError("expected a list of entries in an event", kind="InvalidEvent")
    for entry in value:
        if type(entry) is not list or [type(part) for part in entry] != [int, str, int, bytes] or entry[0] < 0 or entry[2] < 0:
            raise FormatError("expected flags, key, codec and value in the entry of an event", kind="InvalidEvent")
    return tuple(Entry(*entry) for entry in value)


def store_events(blocks: Blockstore, events: Iterable[Event]) -> Cid | None:
    """Write the list of events of a message and return its CID; None if there are none.

    >>> from miden.ipld.blocks import MemoryBlocks
    >>> blocks = MemoryBlocks()
    >>> root = store_events(blocks, [Event(100, (Entry(INDEXED, "count", 0x51, bytes([7])),))])
    >>> load_events(blocks, root)[0].entries[0].key
    'count'
    """
    rows = Amt(blocks, bit_width=_BIT_WIDTH)
    for event in events:
        rows.append(event.form())
    return rows.flush() if len(rows) else None


def load_events(blocks: Blockstore, root: Cid | None) -> list[Event]:
    """Read the events that a receipt names; raises `NotFoundError` or `FormatError`."""
    if root is None:
        return []
    return [read_event(value) for _, value in Amt(blocks, root, bit_width=_BIT_WIDTH).items()]
