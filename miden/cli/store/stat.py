"""`miden store stat`: count what is there, or describe one object."""

from __future__ import annotations

from miden.cli.parameters import argument
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console


@verb(
    "stat",
    argument("root", required=False),
    *STORE_OPTIONS,
)
def command(console: Console, root: str | None, place: str | None, config: str | None) -> int:
    """Count the objects, keys and bytes of each provider, or describe the object of ROOT with its commitments."""
    from miden.cli.store.places import find_store

    with find_store(place, config, writable=root is not None) as store:
        if root is None:
            facts: dict[str, Any] = {
                "policy": store.policy,
                "pins": len({key for keys in store.pins.all().values() for key in keys}),
                "providers": {name: stat._asdict() for name, stat in store.stat().items()},
            }
        else:
            facts = _describe(store, root)
    if console.json:
        console.document(facts)
        return 0
    if root is None:
        console.facts([("policy", facts["policy"]), ("pinned", f"{facts['pins']:,}")])
        console.print()
        rows = [(name, *(f"{stat[field]:,}" for field in ("objects", "keys", "bytes"))) for name, stat in facts["providers"].items()]
        console.table(("provider", "objects", "roots", "bytes"), rows)
        return 0
    console.facts([(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)) for name, value in facts.items()])
    return 0


def _describe(store: Any, root: str) -> dict[str, Any]:
    from miden.store.envelope import object_id, read_head
    from miden.store.keys import CODE_SPACES, as_key
    from miden.store.kinds import kind_name

    key = as_key(root)
    data = store.get_bytes(key)
    head = read_head(data)
    facts = {
        "root": str(key),
        "object": object_id(data).hex(),
        "kind": kind_name(head.kind),
        "bytes": len(data),
        "content_bytes": head.payload_size,
        "roots": list(map(str, head.keys)),
        "links": list(map(str, head.links)),
    }
    if key.space in CODE_SPACES:
        code = store.get_object(key)
        facts |= {"nodes": len(code.forest), "roots_commitment": "0x" + code.roots.hex(), "content_commitment": "0x" + code.content.hex()}
    return {**facts, "pinned_by": store.pins.owners(key)}
