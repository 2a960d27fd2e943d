"""`miden store import`: put what is in a bundle into the store."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("import")
@click.argument("file", type=click.Path())
@click.option("--no-pin", is_flag=True, help="Leave the roots to the next collection of garbage.")
@click.option("--owner", metavar="NAME", help="Who pins the roots; manual by default.")
@store_options
def command(console: Console, file: str, no_pin: bool, owner: str | None, place: str | None, config: str | None) -> int:
    """Put the objects of FILE, which `miden store export` wrote, into the store, and pin its roots. Everything is verified."""
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store, keeps_pins
    from miden.store.bundle import import_bundle

    with find_store(place, config, create=True) as store, progress(console, "importing") as show:
        pin: bool | str = False if no_pin or not keeps_pins(store) else owner or True
        with open(file, "rb") as bundle:  # noqa: PTH123  pathlib costs start-up time
            done = import_bundle(store, bundle, pin=pin, progress=show)
    if console.json:
        roots = {"roots": list(map(str, done.roots)), "missing": list(map(str, done.missing))}
        console.document({"objects": done.objects, "bytes": done.bytes, **roots})
        return 0
    for key in done.roots:
        console.print(console.style(str(key), "digest"))
    for key in done.missing:
        console.note(f"warning: {key} is needed and in no provider")
    console.note(f"read {plural(done.objects, 'object')}, {plural(done.bytes, 'byte')}")
    return 0
