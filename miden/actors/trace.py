"""Execution traces: what happens inside a message, entry by entry, and who watches. (fvm.md section 2.9.)

Entries come in order: every charge of gas, every call (also one that never runs), the actor it reaches with its record, how it
ends, logs, and blocks read from and put into the store. Charges are told before the next entry of another kind.

An observer sees messages of all kinds, explicit and implicit, and through the entries every call that actors make of each other.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from miden.actors.codes import exit_name
from miden.actors.gas import GasCharge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO, TypeAlias

    from miden.actors.address import Address
    from miden.actors.codes import SyscallError
    from miden.actors.messages import Message, Receipt
    from miden.actors.registry import Block
    from miden.actors.state import ActorState
    from miden.ipld.cid import Cid


class Call(NamedTuple):
    """A call is about to be made."""

    sender: int
    to: Address
    method: int
    params: Block | None
    value: int
    gas_limit: int
    """In gas, rounded up: what the call may use."""
    read_only: bool


class InvokeActor(NamedTuple):
    """A call reached an actor, whose record was this."""

    id: int
    state: ActorState


class CallReturn(NamedTuple):
    """A call ended, with a return value or without."""

    exit_code: int
    value: Block | None


class CallError(NamedTuple):
    """A call could not be made."""

    error: SyscallError


class Log(NamedTuple):
    """An actor logged a text."""

    text: str


class Ipld(NamedTuple):
    """A block was read from the store (``get``) or put into it (``put``)."""

    operation: str
    cid: Cid
    size: int


if TYPE_CHECKING:
    TraceEntry: TypeAlias = GasCharge | Call | InvokeActor | CallReturn | CallError | Log | Ipld


def _block(block: Block | None) -> dict[str, Any] | None:
    return None if block is None else {"codec": block.codec, "data": block.data.hex()}


def entry_to_dict(entry: TraceEntry) -> dict[str, Any]:
    """Return an entry as JSON-ready facts; `entry` says of which kind it is.

    >>> entry_to_dict(GasCharge("OnSyscall", 14_000_000))
    {'entry': 'gas', 'name': 'OnSyscall', 'compute': 14000000, 'other': 0}
    """
    if isinstance(entry, GasCharge):
        return {"entry": "gas", "name": entry.name, "compute": entry.compute, "other": entry.other}
    if isinstance(entry, Call):
        return {
            "entry": "call",
            "from": entry.sender,
            "to": str(entry.to),
            "method": entry.method,
            "params": _block(entry.params),
            "value": str(entry.value),
            "gas_limit": entry.gas_limit,
            "read_only": entry.read_only,
        }
    if isinstance(entry, InvokeActor):
        state = entry.state
        return {
            "entry": "invoke",
            "id": entry.id,
            "code": str(state.code),
            "state": str(state.state),
            "nonce": state.nonce,
            "balance": str(state.balance),
        }
    if isinstance(entry, CallReturn):
        return {"entry": "return", "exit_code": entry.exit_code, "exit": exit_name(entry.exit_code), "value": _block(entry.value)}
    if isinstance(entry, CallError):
        return {"entry": "error", "number": entry.error.number.value, "name": entry.error.number.name, "message": entry.error.message}
    if isinstance(entry, Log):
        return {"entry": "log", "text": entry.text}
    return {"entry": "ipld", "operation": entry.operation, "cid": str(entry.cid), "size": entry.size}


class Observer:
    """Watches a machine; override what is of interest. Nothing that an observer does changes what a message does."""

    def on_message(self, message: Message, *, implicit: bool) -> None:
        """A message is about to be applied."""

    def on_entry(self, depth: int, entry: TraceEntry) -> None:
        """Something happened inside the message, `depth` calls deep: the message's own call is told at depth 0, what it does at 1."""

    def on_receipt(self, message: Message, receipt: Receipt) -> None:
        """A message was applied."""


class Recorder(Observer):
    """Keeps all that it sees: `messages` with their receipts, and `entries` with their depths."""

    def __init__(self) -> None:
        self.messages: list[tuple[Message, Receipt]] = []
        self.entries: list[tuple[int, TraceEntry]] = []

    def on_entry(self, depth: int, entry: TraceEntry) -> None:
        self.entries.append((depth, entry))

    def on_receipt(self, message: Message, receipt: Receipt) -> None:
        self.messages.append((message, receipt))


class JsonLines(Observer):
    """Writes all that it sees to a text file at once, a JSON object a line; leaves out charges of gas unless `gas`."""

    def __init__(self, file: TextIO, *, gas: bool = True) -> None:
        self._file = file
        self._gas = gas

    def _write(self, facts: dict[str, Any]) -> None:
        self._file.write(json.dumps(facts, separators=(",", ":")) + "\n")

    def on_message(self, message: Message, *, implicit: bool) -> None:
        self._write({"entry": "message", "implicit": implicit, **message.to_dict()})

    def on_entry(self, depth: int, entry: TraceEntry) -> None:
        if self._gas or not isinstance(entry, GasCharge):
            self._write({"depth": depth, **entry_to_dict(entry)})

    def on_receipt(self, message: Message, receipt: Receipt) -> None:
        self._write({"entry": "receipt", **receipt.to_dict()})
