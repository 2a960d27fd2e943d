"""Messages, receipts, events, and the numbers of methods."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.actors.address import Address
from miden.actors.events import INDEXED, Entry, Event, load_events, read_entries, read_event, store_events
from miden.actors.messages import Message, Receipt, decode_amount, encode_amount
from miden.actors.methods import FIRST_EXPORTED, method_number
from miden.errors import FormatError, InputError
from miden.ipld import dagcbor
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import Cid
from tests.support.ipld_data import files, needs_data

U64 = 2**64 - 1
AMOUNTS = st.integers(-(2**1015), 2**1015)


# printed in FIP-0054, FRC-0068, FIP-0076 and FIP-0109
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("InvokeEVM", 3844450837),
        ("Receive", 3726118371),
        ("AuthenticateMessage", 2643134072),
        ("MarketNotifyDeal", 4186741094),
        ("SectorContentChanged", 2034386435),
        ("MinerPower", 36284446),
        ("Constructor", 1),
    ],
)
def test_the_number_of_a_method_is_the_hash_of_its_name(name: str, number: int) -> None:
    assert method_number(name) == number


@given(st.text("abcXYZ019_", max_size=40).map(lambda rest: f"M{rest}"))
def test_numbers_of_methods_are_out_of_the_way_of_small_ones(name: str) -> None:
    assert FIRST_EXPORTED <= method_number(name) < 2**32


@pytest.mark.parametrize("name", ["", "transfer", "9Lives", "With space", "Ümlaut", "A-b", "Transfer\n"])
def test_what_is_no_name_of_a_method(name: str) -> None:
    with pytest.raises(InputError, match="expected the name of a method"):
        method_number(name)


@given(AMOUNTS)
def test_amounts_survive(amount: int) -> None:
    assert decode_amount(encode_amount(amount)) == amount


@pytest.mark.parametrize(("amount", "encoded"), [(0, ""), (1, "0001"), (255, "00ff"), (-256, "010100"), (10**18, "000de0b6b3a7640000")])
def test_amounts_have_a_sign_byte(amount: int, encoded: str) -> None:
    assert encode_amount(amount).hex() == encoded


def test_amounts_that_are_none() -> None:
    for data in (b"\2\1", b"\xff", bytes(129), "text", 7, None):
        with pytest.raises(FormatError, match="expected an amount"):
            decode_amount(data)
    assert decode_amount(b"\0") == decode_amount(b"\0\0") == 0
    with pytest.raises(InputError, match="at most 128 bytes"):
        encode_amount(1 << 1016)


MESSAGES = st.builds(
    Message,
    sender=st.integers(0, U64).map(Address.of),
    to=st.binary(max_size=20).map(Address.for_actor),
    method=st.integers(0, U64),
    params=st.binary(max_size=30),
    value=AMOUNTS,
    nonce=st.integers(0, U64),
    gas_limit=st.integers(0, U64),
    fee_cap=AMOUNTS,
    premium=AMOUNTS,
    version=st.integers(0, U64),
)


@given(MESSAGES)
def test_messages_survive(message: Message) -> None:
    assert Message.from_cbor(message.to_cbor()) == message


@needs_data
def test_messages_of_the_network_are_written_as_they_were_read() -> None:
    seen = 0
    for path in files("fvm-vectors", "*.json"):
        for entry in json.loads(path.read_text(encoding="utf-8"))["apply_messages"]:
            raw = base64.b64decode(entry["bytes"])
            message = Message.from_cbor(raw)
            assert message.to_cbor() == raw
            assert message.gas_limit > 0
            assert json.dumps(message.to_dict())
            seen += 1
    assert seen >= 20


def broken_messages() -> list[object]:
    good = dagcbor.decode(Message(Address.of(1), Address.of(2)).to_cbor())
    changes = {0: -1, 1: "f02", 2: b"\x09\x09", 3: 1 << 64, 4: b"\3", 5: None, 6: 0, 7: b"\2", 8: "one", 9: []}
    broken: list[object] = [7, [], good[:9], [*good, 0]]
    for index, value in changes.items():
        if index != 3:
            broken.append([*good[:index], value, *good[index + 1 :]])
    return broken


@pytest.mark.parametrize("value", broken_messages(), ids=repr)
def test_messages_that_are_none(value: object) -> None:
    with pytest.raises(FormatError):
        Message.from_cbor(dagcbor.encode(value))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    for read in (Message.from_cbor, Receipt.from_cbor):
        try:
            found = read(data)
        except FormatError:
            continue
        assert read(found.to_cbor()) == found


def test_receipts_survive_without_what_is_for_people() -> None:
    receipt = Receipt(22, b"why", 1234, Cid.of(b"\x80"), failure="no such method", trace=("a",), return_codec=0x51)
    again = Receipt.from_cbor(receipt.to_cbor())
    assert again == receipt
    assert (again.failure, again.ok, Receipt(0, b"", 1).ok) == ("", False, True)
    facts = receipt.to_dict()
    assert (facts["exit"], facts["failure"], facts["return"]) == ("USR_UNHANDLED_MESSAGE", "no such method", "776879")
    assert json.dumps(facts)


@pytest.mark.parametrize(
    "value", [[], [0, b"", 1], [0, b"", 1, 2], [-1, b"", 1, None], [0, "", 1, None], [0, b"", -1, None], {}, [1 << 32, b"", 1, None]]
)
def test_receipts_that_are_none(value: object) -> None:
    with pytest.raises(FormatError):
        Receipt.from_cbor(dagcbor.encode(value))


ENTRIES = st.builds(Entry, st.integers(0, 3), st.text(max_size=8), st.sampled_from((0x51, 0x55)), st.binary(max_size=12))
EVENTS = st.builds(Event, st.integers(0, U64), st.lists(ENTRIES, max_size=4).map(tuple))


@given(st.lists(EVENTS, max_size=70))
def test_events_are_read_as_they_were_written(events: list[Event]) -> None:
    blocks = MemoryBlocks()
    root = store_events(blocks, events)
    assert (root is None) == (not events)
    assert load_events(blocks, root) == events


def test_a_list_of_one_event_is_one_block() -> None:
    """The root by the definition: ``[bit width 5, height, count, [bitmap, links, values]]``."""
    blocks = MemoryBlocks()
    event = Event(100, (Entry(INDEXED, "count", 0x51, b"\1"),))
    root = store_events(blocks, [event])
    block = [5, 0, 1, [bytes((1, 0, 0, 0)), [], [[100, [[3, "count", 0x51, b"\1"]]]]]]
    assert root == Cid.of(dagcbor.encode(block))
    assert list(blocks) == [root]
    assert json.dumps(event.to_dict())


def test_entries_of_an_event_come_as_cbor_in_old_networks() -> None:
    entries = (Entry(3, "t1", 0x55, b"\1\2"), Entry(0, "", 0x55, b""))
    assert read_entries(dagcbor.encode([list(entry) for entry in entries])) == entries
    for value in (None, {}, [[1, "k", 0x55]], [[1, "k", 0x55, "v"]], [[True, "k", 0x55, b""]], [[-1, "k", 0x55, b""]], [7]):
        with pytest.raises(FormatError):
            read_entries(dagcbor.encode(value))
    for value in (None, [], [1], ["a", []], [1, None], [1, [[0]]]):
        with pytest.raises(FormatError):
            read_event(value)
