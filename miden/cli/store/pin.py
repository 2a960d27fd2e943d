"""`miden store pin`: keep roots whenever garbage is collected."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("pin")
@click.argument("roots", nargs=-1)
@click.option("--owner", metavar="NAME", help="Who wants that; manual by default.")
@store_options
def command(console: Console, roots: tuple[str, ...], owner: str | None, place: str | None, config: str | None) -> int:
    """Keep ROOTS and all that they link to; without ROOTS, list the pins."""
    from miden.cli.store.places import find_pinned_store

    with find_pinned_store(place, config, writable=bool(roots)) as store:
        for root in roots:
            store.pin(root, owner=owner)
        pins = {name: sorted(map(str, keys)) for name, keys in sorted(store.pins.all().items())}
    if console.json:
        console.document({"pins": pins})
    elif not roots:
        console.table(("root", "pinned by"), [(key, name) for name, keys in pins.items() for key in keys])
    return 0
