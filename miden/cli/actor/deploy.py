"""`miden actor deploy`: create an actor from code."""

from __future__ import annotations

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import FilePath, IntRange, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.interfaces import Interface
    from miden.actors.interfaces.client import Client
    from miden.cli.console import Console
    from miden.ipld.cid import Cid

INIT = "actor init  method Exec = 2 (code Link, params Bytes) -> (id Address, robust Address)"
"""The part of the Init actor that creates others."""


@verb(
    "deploy",
    argument("code"),
    argument("params", required=False, multiple=True, metavar="NAME=VALUE"),
    option("--interface", type=FilePath(), metavar="FILE", help="The interface of the code, as text or as a block; it is advertised."),
    option("--params", name="raw", metavar="HEX", help="The parameters of the constructor as CBOR, in place of NAME=VALUE."),
    option("--value", default="0", metavar="AMOUNT", help="Tokens for the new actor, of the account that creates it."),
    option("--gas", type=IntRange(1, (1 << 63) - 1), default="1000000000", metavar="N", help="The most gas that it may use."),
    option("--from", name="sender", metavar="ADDRESS", help="Who creates it; by default the machine's own account."),
    *MACHINE_OPTIONS,
)
def command(
    console: Console,
    code: str,
    params: tuple[str, ...],
    interface: str | None,
    raw: str | None,
    value: str,
    gas: int,
    sender: str | None,
    file: str | None,
    place: str | None,
    config: str | None,
) -> int:
    """Create an actor from the file CODE: MASM (.masm, .masl, .masp), WebAssembly (.wasm, .wat) or Python (.py, .py:CLASS).

    With an interface, the constructor's parameters are NAME=VALUE, checked against it; a Python actor's follows from its methods.
    A Python file is run from where it is, for every message to come, and refused if it changes: deploy only what you trust.
    """
    from miden.actors.interfaces import parse_interface
    from miden.actors.interfaces.client import Client
    from miden.actors.interfaces.directory import publish
    from miden.actors.state import INIT_ID
    from miden.cli.actor.code import read_code
    from miden.cli.actor.machines import opened
    from miden.cli.actor.values import read_amount, read_params, read_values

    found = read_code(code)
    described = found.interface if interface is None else read_interface(interface)
    if described is not None and raw is None:
        names = described.methods
        data = described.encode_params("Constructor", **read_values(described, "Constructor", params)) if "Constructor" in names else b""
    else:
        data = read_params(raw)
        if params:
            from miden.cli.verb import MisuseError

            raise MisuseError("NAME=VALUE needs an interface, and goes without --params")
    python = () if found.python is None else (found.python,)
    with opened(file, place, config, python=python) as session:
        machine = session.machine
        machine.blocks.put_many([(found.cid, found.data), *found.needs])
        init = Client(
            machine,
            INIT_ID,
            sender=sender or session.settings.sender,
            interface=parse_interface(INIT),
            gas_limit=gas,
            value=read_amount(value),
        )
        made = deployed(console, init, found.cid, data)
        published = None if described is None else publish(machine.tree, machine.blocks, found.cid, described)
        root = session.save()
    facts = {
        "address": str(made.id),
        "robust": str(made.robust),
        "code": str(found.cid),
        "interface": None if published is None else str(published),
        "root": root,
    }
    if console.json:
        console.document(facts)
    else:
        console.facts([(name, text) for name, text in facts.items() if text is not None])
    return 0


def deployed(console: Console, init: Client, code: Cid, params: bytes) -> Any:
    """Return the addresses that the Init actor gives a new actor; raises `ActorError`, with a backtrace for people."""
    from miden.actors.codes import ActorError

    try:
        return init.exec(code, params)
    except ActorError as error:
        if not console.json and error.receipt.failure:
            console.note(error.receipt.failure.rstrip())
        raise


def read_interface(path: str) -> Interface:
    """Return the interface in a file: text, or a block of dag-cbor."""
    from miden.actors.interfaces import Interface, parse_interface
    from miden.cli.files import read_bytes
    from miden.errors import FormatError

    data = read_bytes(path)
    try:
        if data[:1] >= b"\x80":
            return Interface.from_block(data)
        return parse_interface(data.decode())
    except UnicodeDecodeError as problem:
        raise FormatError(f"{path}: a text that is not UTF-8: {problem.reason}", offset=problem.start, kind="InvalidText") from None
    except FormatError as problem:
        raise FormatError(f"{path}: {problem.message}", kind=problem.kind) from problem
