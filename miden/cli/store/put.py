"""`miden store put`: put artifacts into a store."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("put")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--no-pin", is_flag=True, help="Leave the roots to the next collection of garbage, unless something else needs them.")
@click.option("--owner", metavar="NAME", help="Who pins the roots; manual by default.")
@store_options
def command(console: Console, files: tuple[str, ...], no_pin: bool, owner: str | None, place: str | None, config: str | None) -> int:
    """Put FILES (programs, libraries, kernels, packages, or source text of programs) into the store, and pin their roots.

    Everything is verified. What the store has already is not stored again. Prints each root.
    """
    from miden.cli.artifacts import load_any, plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store, keeps_pins

    found = []
    with find_store(place, config, create=True) as store, progress(console, "putting") as show:
        before = store.home.stat()
        for number, path in enumerate(files):
            loaded = load_any(path, console)
            pin: bool | str = False if no_pin or not keeps_pins(store) else owner or True
            found.append({"file": path, "kind": loaded.kind, "roots": [root.to_hex() for root in store.insert(loaded.artifact, pin=pin)]})
            if show is not None:
                show(number + 1, len(files))
        after = store.home.stat()
    added = {"objects": after.objects - before.objects, "bytes": after.bytes - before.bytes}
    if console.json:
        console.document({"put": found, "added": added})
        return 0
    for entry in found:
        for root in entry["roots"]:
            console.print(f"{console.style(str(root), 'digest')}  {entry['file']}")
    console.note(f"added {plural(added['objects'], 'object')}, {plural(added['bytes'], 'byte')}")
    return 0
