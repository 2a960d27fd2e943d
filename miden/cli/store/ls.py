"""`miden store ls`: list roots."""

from __future__ import annotations

from miden.cli.parameters import flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "ls",
    flag("-l", "--long", name="detailed", help="Show the size of the object, what it is, and who pins the root."),
    *STORE_OPTIONS,
)
def command(console: Console, detailed: bool, place: str | None, config: str | None) -> int:
    """List the roots in the store, sorted."""
    from miden.cli.console import cell
    from miden.cli.store.places import find_store
    from miden.store.envelope import read_head
    from miden.store.kinds import kind_name

    rows = []
    with find_store(place, config, writable=False) as store:
        keys = sorted(store.roots())
        owners: dict[object, list[str]] = {}
        for owner, pinned in store.pins.all().items():
            for key in pinned:
                owners.setdefault(key, []).append(owner)
        for key in keys:
            row: dict[str, object] = {"root": str(key)}
            if detailed:
                data = store.get_bytes(key)
                head = read_head(data)
                row |= {"kind": kind_name(head.kind), "bytes": len(data), "roots": len(head.keys), "links": len(head.links)}
                row["pins"] = sorted(owners.get(key, ()))
            rows.append(row)
    if console.json:
        console.document({"roots": rows})
    elif not detailed:
        for row in rows:
            console.print(str(row["root"]))
    else:
        header = ("root", "kind", "bytes", "roots", "links", "pins")
        console.table(header, [[cell(row[name]) for name in header] for row in rows])
    return 0
