"""`miden actor trace`: show all that a message would do."""

from __future__ import annotations

import sys

from miden.cli.actor.call import CALL_PARAMETERS, Words, send, with_words
from miden.cli.parameters import flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from miden.actors.machine import Machine
    from miden.actors.trace import TraceEntry
    from miden.cli.console import Console


@verb(
    "trace",
    *CALL_PARAMETERS,
    flag("--lines", help="Print a JSON object a line, as it happens."),
    flag("--charges", help="Show every charge of gas."),
    flag("--keep", help="Keep what the message does, as call does."),
)
@with_words
def command(
    console: Console, words: Words, lines: bool, charges: bool, keep: bool, file: str | None, place: str | None, config: str | None
) -> int:
    """Send a message as `miden actor call` does, and show what happens inside: calls, blocks, logs, gas.

    The state stays as it was, unless with --keep. A message that fails has a trace, too; the exit code is then 1.
    """
    from miden.actors.codes import ActorError
    from miden.actors.trace import JsonLines, Recorder, entry_to_dict
    from miden.cli.actor.machines import opened
    from miden.cli.verb import MisuseError

    if lines and console.json:
        raise MisuseError("--lines and --json are two forms of one trace")
    recorder = Recorder()
    observers = [JsonLines(sys.stdout, gas=charges)] if lines else [recorder]
    with opened(file, place, config, observers=observers) as session:
        failed = None
        try:
            _, receipt = send(session, words)
        except ActorError as error:
            failed, receipt = error, error.receipt
        if keep:
            session.save()
        if console.json:
            entries = [{"depth": depth, **entry_to_dict(entry)} for depth, entry in _chosen(recorder, charges)]
            console.document({"receipt": receipt.to_dict(), "entries": entries})
        elif not lines:
            for depth, entry in _chosen(recorder, charges):
                console.print(f"{'  ' * depth}{_line(session.machine, entry)}")
            console.print(f"exit {receipt.exit_code}, {receipt.gas_used:,} gas")
            if failed is not None and receipt.failure:
                console.note(receipt.failure.rstrip())
    return 0 if failed is None else failed.exit_code


def _chosen(recorder: Any, charges: bool) -> Iterator[tuple[int, TraceEntry]]:
    from miden.actors.gas import GasCharge

    return ((depth, entry) for depth, entry in recorder.entries if charges or not isinstance(entry, GasCharge))


def _line(machine: Machine, entry: TraceEntry) -> str:
    """Return an entry for people."""
    from miden.actors.codes import exit_name
    from miden.actors.gas import GasCharge
    from miden.actors.trace import Call, CallError, CallReturn, InvokeActor, Log
    from miden.cli.actor.state import kind_of
    from miden.cli.actor.values import shown_block

    if isinstance(entry, GasCharge):
        return f"gas {entry.name} {entry.total / 1000:,g}"
    if isinstance(entry, Call):
        what, data = _called(machine, entry)
        value = f" value {entry.value}" if entry.value else ""
        return f"call f0{entry.sender} -> {entry.to} {what}{data}{value}{' read-only' if entry.read_only else ''}"
    if isinstance(entry, InvokeActor):
        return f"actor f0{entry.id} {kind_of(machine, entry.state)} state {entry.state.state}"
    if isinstance(entry, CallReturn):
        data = "" if entry.value is None else f" {shown_block(entry.value.codec, entry.value.data)}"
        return f"return {exit_name(entry.exit_code)}{data}"
    if isinstance(entry, CallError):
        return f"error {entry.error}"
    if isinstance(entry, Log):
        return f"log {entry.text}"
    return f"{entry.operation} {entry.cid} {entry.size} bytes"


def _called(machine: Machine, entry: Any) -> tuple[str, str]:
    """Return the name of a method and its parameters: as the interface of the actor has them, or as number and bytes."""
    import json

    from miden.actors.interfaces.directory import interface_of
    from miden.actors.interfaces.values import to_json
    from miden.cli.actor.values import shown_block
    from miden.errors import MidenError

    params = b"" if entry.params is None else entry.params.data
    try:
        interface = interface_of(machine.tree, machine.blocks, entry.to)
        method = interface.method(entry.method)
        given = to_json(interface.check_params(method.number, params))
    except MidenError:
        return f"method {entry.method}", f" {shown_block(entry.params.codec, params)}" if entry.params else ""
    return method.name, f"({', '.join(f'{name}={json.dumps(item)}' for name, item in given.items())})"
