"""`miden car import`: put the blocks of a CAR file into a store."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "import",
    argument("file", FilePath()),
    flag("--no-pin", help="Leave the roots to the next collection of garbage."),
    option("--owner", metavar="NAME", help="Who pins the roots; manual by default."),
    *STORE_OPTIONS,
)
def command(console: Console, file: str, no_pin: bool, owner: str | None, place: str | None, config: str | None) -> int:
    """Put the blocks of FILE, a CAR file of any version, into the store, and pin its roots.

    Everything is verified before anything is put. Nodes of MAST become code, which runs by its root.
    """
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store, keeps_pins
    from miden.ipld.car.transfer import import_car
    from miden.ipld.objects import StoreBlocks

    with find_store(place, config, create=True) as store, progress(console, "importing") as show:
        pin: bool | str = False if no_pin or not keeps_pins(store) else owner or True
        with open(file, "rb") as car:  # noqa: PTH123  pathlib costs start-up time
            done = import_car(StoreBlocks(store), car, pin=pin, progress=show)
    found, roots, missing = done.contents, list(map(str, done.contents.roots)), list(map(str, done.missing))
    if console.json:
        console.document({"blocks": found.blocks, "bytes": found.bytes, "roots": roots, "missing": missing})
        return 0
    for root in roots:
        console.print(console.style(root, "digest"))
    for cid in missing:
        console.note(f"warning: {cid} is needed and in no provider")
    console.note(f"read {plural(found.blocks, 'block')}, {plural(found.bytes, 'byte')}")
    return 0
