"""Parameters on the command line, and results on the terminal."""

from __future__ import annotations

import json

from miden.cli.verb import MisuseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.interfaces import Interface
    from miden.actors.interfaces.schema import Schema, Type
    from miden.actors.messages import Receipt
    from miden.cli.console import Console


def split_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return NAME=VALUE words as a dictionary."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise MisuseError(f"expected NAME=VALUE, found {pair!r}")
        if name in found:
            raise MisuseError(f"{name} is given twice")
        found[name] = value
    return found


def read_values(interface: Interface, method: str | int, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return the values that NAME=VALUE words mean for the parameters of a method; raises what the interface and dag-json raise."""
    fields = {field.name: field for field in interface.method(method).params.fields}
    given = split_pairs(pairs)
    return {name: _read_value(interface.schema, fields[name].type, text) if name in fields else text for name, text in given.items()}


def _read_value(schema: Schema, declared: Type, text: str) -> Any:
    """Return the value for a text: addresses, IDs, texts, bytes (hexadecimal) and links as they are written, all else as dag-json."""
    from miden.actors.interfaces.schema import Scalar
    from miden.errors import FormatError, InputError
    from miden.ipld import dagjson
    from miden.ipld.cid import Cid

    meaning, found = schema.meaning(declared), schema.resolve(declared)
    if meaning == "Address" or (meaning == "ActorID" and text[:1] in ("f", "t")):
        return text
    if isinstance(found, Scalar) and not meaning:
        if found.kind == "string":
            return text
        if found.kind == "bytes":
            return _hexadecimal(text)
        if found.kind == "link":
            return Cid.parse(text)
    if meaning == "TokenAmount" and text.removeprefix("-").isdigit() and text.isascii():
        return int(text)
    try:
        return dagjson.decode(text.encode())
    except FormatError as problem:
        raise InputError(f"{text!r} is no value: {problem.message}", kind="InvalidValue", hint="values are written as JSON") from None


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise MisuseError(f"expected hexadecimal digits, found {text!r}") from None


def read_params(text: str | None) -> bytes:
    """Return the bytes that --params means."""
    return b"" if text is None else _hexadecimal(text)


def shown(value: Any) -> str:
    """Return a result on one line."""
    from miden.actors.interfaces.values import to_json

    return "" if value is None else json.dumps(to_json(value), ensure_ascii=False)


def raw_value(codec: int, data: bytes) -> Any:
    """Return what a block holds whose type nobody tells: as dag-json has it, or as hexadecimal digits."""
    from miden.errors import FormatError
    from miden.ipld import dagcbor, dagjson
    from miden.ipld.cid import CBOR, DAG_CBOR

    if codec in (CBOR, DAG_CBOR):
        try:
            return json.loads(dagjson.encode(dagcbor.decode(data)))
        except FormatError:
            pass
    return data.hex()


def shown_block(codec: int, data: bytes) -> str:
    """Return what a block holds on one line."""
    return json.dumps(raw_value(codec, data), ensure_ascii=False)


def print_events(console: Console, receipt: Receipt) -> None:
    """Print the events of a message for people, a line each."""
    for event in receipt.events:
        entries = ", ".join(f"{entry.key}={shown_block(entry.codec, entry.value)}" for entry in event.entries)
        console.print(f"event   f0{event.emitter}: {entries}")


def read_amount(text: str) -> int:
    """Return an amount of tokens."""
    if not (text.isascii() and text.isdigit() and len(text) <= 60):
        raise MisuseError(f"expected an amount, found {text!r}")
    return int(text)
