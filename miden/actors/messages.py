"""Messages and receipts, as the network writes them. (fvm.md section 2.6.)"""

from __future__ import annotations

from dataclasses import dataclass, field

from miden.actors.address import Address
from miden.actors.codes import exit_name
from miden.errors import FormatError, InputError
from miden.ipld import dagcbor
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.events import Event
    from miden.ipld.dagcbor import Value

U64 = 1 << 64

MAX_AMOUNT_BYTES = 128
"""Bytes of the longest amount, sign included."""


def encode_amount(amount: int) -> bytes:
    """Write an amount of tokens: nothing for 0, else a sign byte and the magnitude.

    >>> encode_amount(256).hex(), encode_amount(0), encode_amount(-1).hex()
    ('000100', b'', '0101')
    """
    if not amount:
        return b""
    encoded = bytes((amount < 0,)) + abs(amount).to_bytes(-(-abs(amount).bit_length() // 8))
    if len(encoded) > MAX_AMOUNT_BYTES:
        raise InputError(f"an amount has at most {MAX_AMOUNT_BYTES} bytes, not {len(encoded)}", kind="AmountSize")
    return encoded


def decode_amount(data: Value) -> int:
    """Read an amount of tokens; raises `FormatError`."""
    if type(data) is not bytes or len(data) > MAX_AMOUNT_BYTES or (data and data[0] > 1):
        raise FormatError(f"expected an amount: at most {MAX_AMOUNT_BYTES} bytes, the first of which is a sign", kind="InvalidAmount")
    magnitude = int.from_bytes(data[1:])
    return -magnitude if data[:1] == b"\1" else magnitude


@dataclass(frozen=True)
class Message:
    """A message: from whom, to whom, which method with what. Amounts are in the smallest unit of the token.

    >>> message = Message(Address.of(100), Address.of(101), method=2, gas_limit=10_000_000)
    >>> Message.from_cbor(message.to_cbor()) == message
    True
    """

    sender: Address
    to: Address
    method: int = 0
    params: bytes = b""
    value: int = 0
    nonce: int = 0
    gas_limit: int = 10_000_000_000
    fee_cap: int = 0
    premium: int = 0
    version: int = 0

    def to_cbor(self) -> bytes:
        """Return the message as the network writes it."""
        return dagcbor.encode(
            [
                self.version,
                self.to.to_bytes(),
                self.sender.to_bytes(),
                self.nonce,
                encode_amount(self.value),
                self.gas_limit,
                encode_amount(self.fee_cap),
                encode_amount(self.premium),
                self.method,
                self.params,
            ]
        )

    @classmethod
    def from_cbor(cls, data: bytes) -> Message:
        """Read a message; raises `FormatError`."""
        parts = dagcbor.decode(data)
        if type(parts) is not list or len(parts) != 10:
            raise FormatError("expected the ten parts of a message", kind="InvalidMessage")
        version, to, sender, nonce, value, gas_limit, fee_cap, premium, method, params = parts
        for name, number in (("version", version), ("nonce", nonce), ("gas limit", gas_limit), ("method", method)):
            if type(number) is not int or not 0 <= number < U64:
                raise FormatError(f"expected 64 bits as the {name} of a message", kind="InvalidMessage")
        if any(type(part) is not bytes for part in (to, sender, params)):
            raise FormatError("expected bytes for the addresses and parameters of a message", kind="InvalidMessage")
        return cls(
            sender=Address(sender),
            to=Address(to),
            method=method,
            params=params,
            value=decode_amount(value),
            nonce=nonce,
            gas_limit=gas_limit,
            fee_cap=decode_amount(fee_cap),
            premium=decode_amount(premium),
            version=version,
        )

    @property
    def cid(self) -> Cid:
        """The name of the message."""
        return Cid.of(self.to_cbor())

    def to_dict(self) -> dict[str, Any]:
        """Return the message as JSON-ready facts; amounts as text, parameters as hexadecimal digits."""
        return {
            "from": str(self.sender),
            "to": str(self.to),
            "method": self.method,
            "params": self.params.hex(),
            "value": str(self.value),
            "nonce": self.nonce,
            "gas_limit": self.gas_limit,
        }


@dataclass(frozen=True)
class Receipt:
    """How a message ended. The first four fields are what the network keeps; the others say more, and do not count in comparisons.

    >>> Receipt(0, b"", 12).to_cbor().hex()
    '8400400cf6'
    """

    exit_code: int
    return_data: bytes
    gas_used: int
    events_root: Cid | None = None
    events: tuple[Event, ...] = field(default=(), compare=False)
    """Events that were not rolled back."""
    return_codec: int = field(default=0, compare=False)
    """Codec of the return block, 0 if there is none."""
    failure: str = field(default="", compare=False)
    """Why the message failed, for people: a backtrace, or what was wrong with the message."""
    trace: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    """Entries of the execution trace, if it was asked for."""

    @property
    def ok(self) -> bool:
        """Whether the message succeeded."""
        return self.exit_code == 0

    def to_cbor(self) -> bytes:
        """Return the receipt as the network writes it."""
        return dagcbor.encode([self.exit_code, self.return_data, self.gas_used, self.events_root])

    @classmethod
    def from_cbor(cls, data: bytes) -> Receipt:
        """Read a receipt; raises `FormatError`."""
        parts = dagcbor.decode(data)
        if type(parts) is not list or [type(part) for part in parts[:3]] != [int, bytes, int] or len(parts) != 4:
            raise FormatError("expected exit code, return value, gas and events in a receipt", kind="InvalidReceipt")
        exit_code, return_data, gas_used, events = parts
        if not 0 <= exit_code < 1 << 32 or not 0 <= gas_used < U64 or not (events is None or isinstance(events, Cid)):
            raise FormatError("a number of a receipt is out of range, or its events are no link", kind="InvalidReceipt")
        return cls(exit_code, return_data, gas_used, events)

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON-ready facts."""
        return {
            "exit_code": self.exit_code,
            "exit": exit_name(self.exit_code),
            "return": self.return_data.hex(),
            "gas_used": self.gas_used,
            "events_root": None if self.events_root is None else str(self.events_root),
            "events": [event.to_dict() for event in self.events],
            **({"failure": self.failure} if self.failure else {}),
        }
