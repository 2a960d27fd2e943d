"""`miden actor state`: list the actors, or show the state of one."""

from __future__ import annotations

from miden.cli.actor.machines import MACHINE_OPTIONS
from miden.cli.parameters import IntRange, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.machine import Machine
    from miden.actors.state import ActorState
    from miden.cli.console import Console


@verb(
    "state",
    argument("address", required=False),
    flag("--raw", help="Show the state as plain data, whatever the interface says."),
    option("--limit", type=IntRange(1), default="1000", metavar="N", help="The most actors to list."),
    *MACHINE_OPTIONS,
)
def command(console: Console, address: str | None, raw: bool, limit: int, file: str | None, place: str | None, config: str | None) -> int:
    """List the actors of the machine, or show the record of the actor at ADDRESS and the root block of its state."""
    from itertools import islice

    from miden.cli.actor.machines import opened

    with opened(file, place, config) as session:
        root = session.settings.root
        if address is None:
            found = list(islice(session.machine.tree.items(), limit + 1))
            actors = [_record(session.machine, actor_id, actor) for actor_id, actor in sorted(found[:limit])]
        else:
            facts = _describe(session.machine, address, raw)
    if address is None:
        if console.json:
            console.document({"root": root, "actors": actors, "complete": len(found) <= limit})
            return 0
        header = ("actor", "code", "nonce", "balance", "state")
        rows = [(entry["address"], entry["kind"], f"{entry['nonce']}", entry["balance"], entry["state"]) for entry in actors]
        console.table(header, rows)
        if len(found) > limit:
            console.note(f"there are more than {limit:,} actors; --limit lists more of them")
        return 0
    if console.json:
        console.document(facts)
        return 0
    import json

    value = facts.pop("value")
    console.facts([(name, str(fact)) for name, fact in facts.items() if fact is not None])
    console.print(json.dumps(value, indent=2, ensure_ascii=False))
    return 0


def _record(machine: Machine, actor_id: int, actor: ActorState) -> dict[str, Any]:
    return {
        "address": f"f0{actor_id}",
        "kind": kind_of(machine, actor),
        "code": str(actor.code),
        "nonce": actor.nonce,
        "balance": str(actor.balance),
        "state": str(actor.state),
        "delegated": None if actor.delegated is None else str(actor.delegated),
    }


def kind_of(machine: Machine, actor: ActorState) -> str:
    """Return what an actor is, for people: the name of a builtin, that of its interface, or the codec of its code."""
    from miden.actors.interfaces.directory import find
    from miden.errors import FormatError
    from miden.ipld.cid import CODEC_NAMES

    name = machine.manifest.name_of(actor.code)
    if name is None:
        try:
            interface = find(machine.tree, machine.blocks, actor.code)
        except FormatError:  # code of others may carry what is no interface: that is told when the actor is called
            interface = None
        name = CODEC_NAMES.get(actor.code.codec, hex(actor.code.codec)) if interface is None else interface.name
    return name


def _describe(machine: Machine, address: str, raw: bool) -> dict[str, Any]:
    import json

    from miden.actors.address import Address
    from miden.actors.interfaces.directory import find
    from miden.actors.interfaces.values import to_json
    from miden.errors import NotFoundError
    from miden.ipld import dagcbor, dagjson
    from miden.ipld.blocks import load_block

    actor_id = machine.tree.lookup(Address.parse(address))
    actor = None if actor_id is None else machine.tree.get(actor_id)
    if actor_id is None or actor is None:
        raise NotFoundError(f"there is no actor {address}", kind="ActorNotFound", hint="miden actor state lists them")
    block = load_block(machine.blocks, actor.state)
    interface = None if raw else find(machine.tree, machine.blocks, actor.code)
    if interface is None or interface.state is None:
        value = json.loads(dagjson.encode(dagcbor.decode(block)))
    else:
        value = to_json(interface.decode_state(block))
    return {**_record(machine, actor_id, actor), "value": value}
