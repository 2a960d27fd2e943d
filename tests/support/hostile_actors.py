"""Hostile bytes for the decoders of the actor machine: each is refused with a typed error, or read and written the same again.

``python -m tests.support.hostile_actors CASES [SEED]`` runs the corpus and prints counts, time and memory as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miden.actors.address import Address
from miden.actors.events import Entry, Event, read_entries, read_event
from miden.actors.interfaces import Interface, parse_interface, print_interface
from miden.actors.messages import Message, Receipt
from miden.actors.state import ActorState, InitState, read_actor, read_init
from miden.errors import FormatError
from miden.ipld import dagcbor
from miden.ipld.cid import Cid
from tests.support.hostile import Decoder, run

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples" / "actors"
LINK = Cid.of(b"link")


def _same(read: Callable[[bytes], Any], write: Callable[[Any], bytes]) -> Callable[[bytes], Any]:
    """Return a decoder that checks that what it read is written so that it reads the same again."""

    def check(data: bytes) -> Any:
        found = read(data)
        again = read(write(found))
        assert write(again) == write(found)
        return found

    return check


def _text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: read(data.decode("utf-8", "replace"))


def decoders() -> list[Decoder]:
    """Return every decoder of the data of actors, with good bytes to damage."""
    addresses = [Address.of(1 << 40), Address.for_actor(b"a"), Address.from_bls(bytes(48)), Address.delegated(10, b"name")]
    messages = [Message(addresses[0], addresses[1], 7, b"params", 10**20, 3), Message(addresses[2], addresses[3])]
    receipts = [Receipt(0, b"value", 12345, LINK), Receipt(16, b"", 2**40)]
    event = Event(100, (Entry(3, "count", 0x51, b"\1"), Entry(0, "more", 0x55, b"bytes")))
    records = [ActorState(LINK, LINK, 5, 10**18, addresses[3]), ActorState(LINK)]
    texts = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.interface"))]
    blocks = [parse_interface(text.decode()).to_block() for text in texts]
    return [
        Decoder("address", _same(Address.from_bytes, Address.to_bytes), [address.to_bytes() for address in addresses]),
        Decoder("address text", _text(Address.parse), [str(address).encode() for address in addresses]),
        Decoder("message", _same(Message.from_cbor, Message.to_cbor), [message.to_cbor() for message in messages]),
        Decoder("receipt", _same(Receipt.from_cbor, Receipt.to_cbor), [receipt.to_cbor() for receipt in receipts]),
        Decoder("event", lambda data: read_event(dagcbor.decode(data)).form(), [dagcbor.encode(event.form())]),
        Decoder("entries", read_entries, [dagcbor.encode([list(entry) for entry in event.entries])]),
        Decoder("actor", lambda data: read_actor(dagcbor.decode(data)).form(), [dagcbor.encode(record.form()) for record in records]),
        Decoder("init", lambda data: read_init(data).form(), [dagcbor.encode(InitState(LINK, 100, "net").form())]),
        Decoder("interface", _same(Interface.from_block, Interface.to_block), blocks),
        Decoder("interface text", _text(lambda text: parse_interface(print_interface(parse_interface(text)))), texts),
    ]


def judge(decoder: Decoder, data: bytes) -> str:
    """Decode: "refused" with a typed error, or "read"."""
    try:
        decoder.read(data)
    except FormatError as error:
        assert error.message and error.kind
        return "refused"
    return "read"


if __name__ == "__main__":
    print(json.dumps(run(decoders(), judge, int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)))  # noqa: T201
